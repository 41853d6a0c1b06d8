/*
 * Values by key, as a model file's metadata has them: numbers, truth values, texts, and arrays of
 * one of these. A key that is looked up counts as read, so that a reader can tell which ones nobody
 * asked for (formats/known.h).
 */
#ifndef CRIL_FORMATS_VALUES_H
#define CRIL_FORMATS_VALUES_H

#include "formats/names.h"
#include "util/arena.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cril_value_type { /* GGUF's numbers, which a model's identity hashes */
                       CRIL_VALUE_U8,
                       CRIL_VALUE_I8,
                       CRIL_VALUE_U16,
                       CRIL_VALUE_I16,
                       CRIL_VALUE_U32,
                       CRIL_VALUE_I32,
                       CRIL_VALUE_F32,
                       CRIL_VALUE_BOOL,
                       CRIL_VALUE_STRING,
                       CRIL_VALUE_ARRAY,
                       CRIL_VALUE_U64,
                       CRIL_VALUE_I64,
                       CRIL_VALUE_F64
};

struct cril_value {
    struct cril_bytes key;
    enum cril_value_type type; /* of the value, or of an array's elements */
    bool is_array;
    uint64_t n;                       /* elements; 1 for a scalar */
    const uint8_t *data;              /* little-endian value(s); NULL for strings */
    const struct cril_bytes *strings; /* [n] for strings */
};

/* Whether it is the null of config.json (formats/hf_config.h). */
static inline bool cril_value_is_null(const struct cril_value *v)
{
    return v->is_array && v->type == CRIL_VALUE_U8 && !v->n;
}

struct cril_value_use {
    bool read;
    const char *reason; /* why it need not be; borrowed. NULL: nobody said */
};

/* Zero-initialised it is empty; release with cril_values_free. One thread at a time. */
struct cril_values {
    const char *path; /* where they come from, for messages; borrowed */
    struct cril_value *values;
    struct cril_value_use *use;
    struct cril_named *names; /* sorted */
    size_t n, capacity;
    struct cril_arena arena; /* of what was copied */
};

/* Adds a value that lies elsewhere; what it points to must last. CRIL_ERR_NOMEM. */
cril_status cril_values_add(struct cril_values *v, const struct cril_value *value, cril_error *err);
/* Add copies. */
cril_status cril_values_add_uint(struct cril_values *v, const char *key, enum cril_value_type type,
                                 uint64_t x, cril_error *err); /* integer types and BOOL */
cril_status cril_values_add_float(struct cril_values *v, const char *key, float x,
                                  cril_error *err); /* F32 */
cril_status cril_values_add_double(struct cril_values *v, const char *key, double x,
                                   cril_error *err); /* F64 */
cril_status cril_values_add_text(struct cril_values *v, const char *key, const char *text,
                                 size_t len, cril_error *err);
/* data [n elements]: little-endian numbers. */
cril_status cril_values_add_numbers(struct cril_values *v, const char *key,
                                    enum cril_value_type type, const void *data, size_t n,
                                    cril_error *err);
cril_status cril_values_add_texts(struct cril_values *v, const char *key,
                                  const struct cril_bytes *texts, size_t n, cril_error *err);
/* To be called before the first look-up. CRIL_ERR_FORMAT: a key occurs twice. */
cril_status cril_values_sort(struct cril_values *v, cril_error *err);
void cril_values_free(struct cril_values *v);

/* NULL: absent. Looking a key up, here and below, marks it as read. */
const struct cril_value *cril_values_find(const struct cril_values *v, const char *key);
/* Marks nothing. */
bool cril_values_has(const struct cril_values *v, const char *key);

/* Required scalars: absent, of another kind or out of range is CRIL_ERR_FORMAT, naming file and
 * key. */
cril_status cril_values_uint(const struct cril_values *v, const char *key, uint64_t *out,
                             cril_error *err);
cril_status cril_values_float(const struct cril_values *v, const char *key, double *out,
                              cril_error *err);
cril_status cril_values_bool(const struct cril_values *v, const char *key, bool *out,
                             cril_error *err);
cril_status cril_values_string(const struct cril_values *v, const char *key, struct cril_bytes *out,
                               cril_error *err);
/* The same, but an absent key leaves *out as it is. */
cril_status cril_values_opt_uint(const struct cril_values *v, const char *key, uint64_t *out,
                                 cril_error *err);
cril_status cril_values_opt_float(const struct cril_values *v, const char *key, double *out,
                                  cril_error *err);
cril_status cril_values_opt_bool(const struct cril_values *v, const char *key, bool *out,
                                 cril_error *err);

/* Bytes of one number; 0 for strings and arrays. */
size_t cril_value_type_bytes(enum cril_value_type type);
/* Element i of an array (or a scalar's 0) as a number; i < v->n. */
uint64_t cril_value_uint(const struct cril_value *v, uint64_t i); /* integer and bool types */
double cril_value_float(const struct cril_value *v, uint64_t i);  /* F32, F64 */
size_t cril_value_bytes(const struct cril_value *v);              /* of v->data; 0 for strings */

#endif
