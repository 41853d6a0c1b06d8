/* A layer's matrices (or a slice of the vocabulary matrix) as panels, in memory that is used again
 * for the next. */
#ifndef CRIL_MODEL_PACKING_H
#define CRIL_MODEL_PACKING_H

#include "tensor/matrix.h"
#include "kernels/kernels.h"

#include <cril/status.h>

/* Bytes of the panels of n rows of a matrix, each part rounded up to 64. Sizes are proved by the
   file, so they do not wrap where memory could hold them: false where they do. */
bool cril_packed_bytes(const struct cril_kernels *k, const struct cril_matrix *m, size_t n,
                       size_t *bytes);

/* Sets w's pointers into memory (64-byte aligned, cril_packed_bytes long) for n rows of m. */
void cril_packed_place(const struct cril_kernels *k, const struct cril_matrix *m, size_t n,
                       unsigned char *memory, struct cril_packed *w);

/* c = a w^T: rows of fp32 (float types) or of activations, whichever w wants; m rows from row on; c
 * has room for whole panels. */
void cril_packed_multiply(const struct cril_kernels *k, const struct cril_packed *w, const float *a,
                          size_t lda, const struct cril_activations *activations, size_t row,
                          size_t m, float *c, size_t ldc);

/* What to say of a tensor that cril_pack_panel refused. Returns CRIL_ERR_NUMERIC. */
cril_status cril_fail_damaged(const char *path, const char *tensor, cril_error *err);

#endif
