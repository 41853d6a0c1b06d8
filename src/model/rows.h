/* What the steps of a layer do to a single row: all but products and attention. */
#ifndef CRIL_MODEL_ROWS_H
#define CRIL_MODEL_ROWS_H

#include "kernels/kernels.h"
#include "model/model.h"
#include "util/memory.h"

/* Cosines and sines of positions [0, n), for both rotations that a model can have. Zero-initialised
 * it is empty. */
struct cril_rotations {
    struct cril_memory memory; /* [2][n][2][head_dim / 2 + 1] */
    size_t n;
};

/* Makes r hold at least n positions. False: out of memory, and r is empty. */
bool cril_rotations_reserve(struct cril_rotations *r, const cril_model *m, size_t n);
void cril_rotations_free(struct cril_rotations *r);

/* One step of layer l, from one row of step->in to one of step->out; the row is that of a token at
 * `position`. */
void cril_row_step(const cril_model *m, const struct cril_kernels *k,
                   const struct cril_rotations *r, size_t l, const struct cril_step *step,
                   const float *in, float *out, size_t position);

/* The embedding of a token, id < n_vocab, to x [ld], zero past n_embd. */
void cril_row_embed(const cril_model *m, const struct cril_kernels *k, int32_t id, float *x,
                    size_t ld);

#endif
