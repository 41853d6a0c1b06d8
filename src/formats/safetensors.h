/*
 * The header of a safetensors file: 8 bytes with the length of a JSON object, which names tensors,
 * their types, shapes and places; then their bytes. Spec:
 * https://github.com/huggingface/safetensors#format
 */
#ifndef CRIL_FORMATS_SAFETENSORS_H
#define CRIL_FORMATS_SAFETENSORS_H

#include "tensor/matrix.h"
#include "util/arena.h"

#include <cril/status.h>

struct cril_safetensor {
    const char *name, *type; /* as the file has them, in an arena; type is "BF16" and so on */
    const char *path;        /* of the file, borrowed */
    size_t n_dims;
    uint64_t shape[4]; /* the first dimensions, the outermost first; unused are 1 */
    const uint8_t *data;
    uint64_t bytes; /* proved to lie in the file */
};

/* Zero-initialised it is empty; release with free(items). */
struct cril_safetensors {
    struct cril_safetensor *items; /* [n] */
    size_t n, capacity;
};

/*
 * Appends the tensors of the file data [len] at path, whatever their types. They fill the file
 * behind its header: none overlaps another, and no byte belongs to none. Texts go into the arena,
 * path and data must last. CRIL_ERR_FORMAT, CRIL_ERR_TRUNCATED, CRIL_ERR_UNSUPPORTED,
 * CRIL_ERR_NOMEM.
 */
cril_status cril_safetensors_list(const char *path, const uint8_t *data, size_t len,
                                  struct cril_arena *arena, struct cril_safetensors *list,
                                  cril_error *err);

/* One of them under a name that lasts, as the source has tensors. CRIL_ERR_UNSUPPORTED: cril does
 * not compute with its type, or it has more than 4 dimensions. CRIL_ERR_FORMAT: its shape does not
 * make its bytes. */
cril_status cril_safetensor_take(const struct cril_safetensor *from, const char *name,
                                 struct cril_tensor *out, cril_error *err);

#endif
