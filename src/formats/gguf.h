/*
 * GGUF v2 and v3: bytes to named values and named tensors. No meaning.
 *
 * Everything is proved inside the file before open returns: each string, each array, each tensor's
 * extent, alignment and type. Keys and tensor names are unique. A split model (split.count > 1) is
 * opened by its first part; the others are found by their names (-00002-of-00003.gguf) and checked.
 * Spec: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
#ifndef CRIL_FORMATS_GGUF_H
#define CRIL_FORMATS_GGUF_H

#include "tensor/dtype.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cril_gguf cril_gguf;

enum gguf_type { /* numbers of the format */
                 GGUF_U8,
                 GGUF_I8,
                 GGUF_U16,
                 GGUF_I16,
                 GGUF_U32,
                 GGUF_I32,
                 GGUF_F32,
                 GGUF_BOOL,
                 GGUF_STRING,
                 GGUF_ARRAY,
                 GGUF_U64,
                 GGUF_I64,
                 GGUF_F64
};

struct gguf_string {
    const char *data; /* borrowed from the mapping, not NUL-terminated */
    size_t len;
};

struct gguf_kv {
    struct gguf_string key;
    enum gguf_type type; /* of the value, or of an array's elements */
    bool is_array;
    uint64_t n;                  /* elements; 1 for a scalar */
    const uint8_t *data;         /* little-endian value(s); NULL for strings */
    struct gguf_string *strings; /* [n] for strings */
};

struct gguf_tensor {
    const char *name; /* NUL-terminated, owned by the file object */
    enum cril_dtype type;
    unsigned n_dims;
    uint64_t ne[4];      /* elements; ne[0] runs fastest; unused dimensions are 1 */
    const uint8_t *data; /* bytes of it, in the mapping */
    uint64_t bytes;
};

cril_status cril_gguf_open(const char *path, cril_gguf **out, cril_error *err);
/* One more owner, who closes g too; it goes with the last. Like closing, one thread at a time. */
cril_gguf *cril_gguf_share(cril_gguf *g);
void cril_gguf_close(cril_gguf *g); /* NULL is allowed */

const char *cril_gguf_path(const cril_gguf *g);
unsigned cril_gguf_version(const cril_gguf *g);
size_t cril_gguf_parts(const cril_gguf *g);
/* The mapped bytes of part i. */
const uint8_t *cril_gguf_part(const cril_gguf *g, size_t i, size_t *len_bytes);
/* CRIL_ERR_MISMATCH: one of the files is not the one any more that was opened. */
cril_status cril_gguf_check(const cril_gguf *g, cril_error *err);
/* Calls on_file for path and, where its name says that it is split, for the other parts, there or
 * not; stops where that returns something other than 0: CRIL_ERR_CANCELLED. CRIL_ERR_NOMEM. */
cril_status cril_gguf_each_file(const char *path, int (*on_file)(void *user, const char *file),
                                void *user, cril_error *err);

size_t cril_gguf_kv_count(const cril_gguf *g);
const struct gguf_kv *cril_gguf_kv(const cril_gguf *g, size_t i);
/* NULL: absent. Looking a key up, here and below, marks it as read: one thread at a time. */
const struct gguf_kv *cril_gguf_find(const cril_gguf *g, const char *key);
bool cril_gguf_was_read(const cril_gguf *g, size_t i);
/* Why key i may stay unread (formats/known.h); borrowed. NULL until it is set. */
void cril_gguf_set_reason(cril_gguf *g, size_t i, const char *reason);
const char *cril_gguf_reason(const cril_gguf *g, size_t i);

size_t cril_gguf_tensor_count(const cril_gguf *g);
const struct gguf_tensor *cril_gguf_tensor(const cril_gguf *g, size_t i);
const struct gguf_tensor *cril_gguf_find_tensor(const cril_gguf *g, const char *name);

/* Required scalars: absent, of another kind or out of range is CRIL_ERR_FORMAT, naming file and
 * key. */
cril_status cril_gguf_uint(const cril_gguf *g, const char *key, uint64_t *out, cril_error *err);
cril_status cril_gguf_float(const cril_gguf *g, const char *key, double *out, cril_error *err);
cril_status cril_gguf_bool(const cril_gguf *g, const char *key, bool *out, cril_error *err);
cril_status cril_gguf_string(const cril_gguf *g, const char *key, struct gguf_string *out,
                             cril_error *err);
/* The same, but an absent key leaves *out as it is. */
cril_status cril_gguf_opt_uint(const cril_gguf *g, const char *key, uint64_t *out, cril_error *err);
cril_status cril_gguf_opt_float(const cril_gguf *g, const char *key, double *out, cril_error *err);
cril_status cril_gguf_opt_bool(const cril_gguf *g, const char *key, bool *out, cril_error *err);

/* Element i of an array (or a scalar's 0) as a number; i < kv->n. */
uint64_t cril_gguf_element_uint(const struct gguf_kv *kv, uint64_t i); /* integer and bool types */
double cril_gguf_element_float(const struct gguf_kv *kv, uint64_t i);  /* F32, F64 */
size_t cril_gguf_value_bytes(const struct gguf_kv *kv); /* of kv->data; 0 for strings */

#endif
