/*
 * Causal attention of a block of positions as two products a head: scores = Q K^T, result =
 * softmax(scores) V (Vaswani et al. 2017, eq. 1), over keys and values kept in the panels that the
 * product kernels read.
 *
 * Positions are taken in blocks of 32, aligned in their window; all of a block read the same range
 * of keys, those they must not see weighted 0. So the range, and with it every bit, follows from
 * the position alone.
 */
#ifndef CRIL_MODEL_ATTENTION_H
#define CRIL_MODEL_ATTENTION_H

#include "kernels/kernels.h"
#include "model/model.h"

/* Keys and values of one window in one layer. n_pad is its length rounded up to a multiple of
 * CRIL_PANEL_COLUMNS. */
struct cril_kv {
    float *k; /* [n_kv_heads][n_pad / PANEL_COLUMNS][head_dim][PANEL_COLUMNS] */
    float *v; /* [n_kv_heads][head_pad / PANEL_COLUMNS][n_pad][PANEL_COLUMNS] */
    size_t n_pad;
};

/* Floats that keys and values of n_pad positions take; head_dim of values is padded to a multiple
 * of PANEL_COLUMNS. */
size_t cril_kv_k_floats(const struct cril_config *c, size_t n_pad);
size_t cril_kv_v_floats(const struct cril_config *c, size_t n_pad);

/* Puts the key and value rows [n_kv_heads * head_dim] of position p in place. */
void cril_kv_store(const struct cril_config *c, const struct cril_kv *kv, size_t p, const float *k,
                   const float *v);

/* Floats of scratch that cril_attend needs for windows of up to n_pad positions. */
size_t cril_attend_scratch(const struct cril_config *c, size_t n_pad);

/*
 * m <= 32 positions pos [m], ascending, of one block p / 32, with query rows q[i] [n_heads *
 * head_dim], already scaled. Writes out + i * ldo [n_heads * head_dim], of which only the heads
 * that read key heads [first, end). window 0: all earlier keys.
 */
void cril_attend(const struct cril_kernels *kernels, const struct cril_config *c,
                 const struct cril_kv *kv, size_t window, size_t first, size_t end, size_t m,
                 const size_t *pos, const float *const *q, float *out, size_t ldo, float *scratch);

#endif
