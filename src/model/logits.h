/*
 * The head of a model, and what is made of its logits: the last norm, the vocabulary matrix, and a
 * sum of exponentials for each chunk of columns (doc/numerics.md, "From logits to nats"). Engine
 * and decoder share it.
 */
#ifndef CRIL_MODEL_LOGITS_H
#define CRIL_MODEL_LOGITS_H

#include "model/op.h"
#include "util/fmath.h"

/* What stays of a chunk of a row's logits. */
struct cril_chunk {
    float max, sum; /* of e^(logit - max) */
};

static inline size_t cril_chunks(const cril_model *m)
{
    return (m->n_vocab + CRIL_CHUNK - 1) / CRIL_CHUNK;
}

/* Logits of chunk c. */
static inline size_t cril_chunk_columns(const cril_model *m, size_t c)
{
    const size_t left = m->n_vocab - c * CRIL_CHUNK;
    return left < CRIL_CHUNK ? left : CRIL_CHUNK;
}

/* What the head reads: CRIL_BUF_X, or a narrow copy of it. */
enum cril_buffer cril_logits_input(const cril_model *m);
/* The head's product with the vocabulary matrix, and that matrix. */
const struct cril_step *cril_logits_product(const cril_model *m);
const struct cril_matrix *cril_logits_matrix(const cril_model *m);

/* Takes rows of CRIL_BUF_X through the head's steps before the vocabulary matrix. */
void cril_logits_prepare(const cril_model *m, const struct cril_kernels *k,
                         const struct cril_block *b);

/* Takes n rows of products with the columns of chunk c, logits [n][ld], through the head's steps
 * behind the matrix. */
void cril_logits_finish(const cril_model *m, const struct cril_kernels *k, size_t c, float *logits,
                        size_t ld, size_t n);

/* Which of n logits is the largest, of equals the first; -1: one is not finite. 0 < n <=
 * CRIL_CHUNK. */
int32_t cril_logits_best(const float *logits, size_t n);

/* A row's n logits of a chunk, 0 < n <= CRIL_CHUNK, become e^(logit - max). There is room to a
 * multiple of 16, which is written to. */
struct cril_chunk cril_logits_sum(const struct cril_kernels *k, float *logits, size_t n);

/*
 * Joins a row's chunks, of which chunk c is chunks[c * stride]: the logarithm of the sum of all
 * exponentials is *max + ln of the value returned. weights [n], which chunk c has of that sum, may
 * be NULL. NaN where a maximum is not finite.
 */
double cril_join_chunks(const struct cril_chunk *chunks, size_t n, size_t stride, double *max,
                        double *weights);

/* -ln p of a token, of its logit and what cril_join_chunks made of its row. */
static inline double cril_logit_nats(float logit, double max, double sum)
{
    const double nats = max - (double)logit + cril_log(sum);
    return nats < 0 ? 0 : nats; /* a certain token: rounding may leave -1e-8 */
}

/* CRIL_ERR_RANGE: an id outside the vocabulary. */
cril_status cril_logits_check_id(const cril_model *m, int32_t id, cril_error *err);

#endif
