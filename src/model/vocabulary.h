/*
 * The last norm, the vocabulary matrix and what is made of the logits: -ln p of one target a row.
 *
 * Logits exist a chunk of columns at a time: of each row stay the chunk's maximum, its sum of
 * exponentials, and the target's logit (doc/numerics.md, "From logits to nats").
 */
#ifndef CRIL_MODEL_VOCABULARY_H
#define CRIL_MODEL_VOCABULARY_H

#include "entropy/share.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "util/memory.h"
#include "util/threads.h"

#include <stdatomic.h>

/* What stays of a chunk of a row's logits. */
struct cril_chunk {
    float max, sum; /* of e^(logit - max) */
};

static inline size_t cril_chunks(const cril_model *m)
{
    return (m->n_vocab + CRIL_CHUNK - 1) / CRIL_CHUNK;
}

/*
 * Joins a row's chunks, of which chunk c is chunks[c * stride]: the logarithm of the sum of all
 * exponentials is *max + ln of the value returned. weights [n], which chunk c has of that sum, may
 * be NULL. NaN where a maximum is not finite.
 */
double cril_join_chunks(const struct cril_chunk *chunks, size_t n, size_t stride, double *max,
                        double *weights);

/* The owner sets the first five, the rest is zero; buffers grow to the most rows seen. */
struct cril_vocabulary {
    const cril_model *m;
    const struct cril_kernels *k;
    cril_pool *pool;
    bool release;                   /* let go of the file's pages once they are packed */
    _Atomic(const char *) *damaged; /* gets the name of a tensor with a value that is not finite */

    bool integers; /* weights are: then rows are kept as activations, and normed is each worker's
                      own */
    struct cril_activations activations;
    struct cril_memory activations_memory,
        normed;                         /* what activations points to; [rows or workers][n_embd] */
    struct cril_memory partial, target; /* [chunks][rows] ; [rows] */
    struct cril_memory weights;         /* [chunks] of the row at hand */
    struct cril_memory chunks, logits;  /* each worker's panels; its [CRIL_ROWS][CRIL_CHUNK] */
    const float *x;                     /* [rows][ldx] */
    const int32_t *ids;                 /* [rows] */
    struct cril_shares *shares;         /* [rows] or NULL */
    size_t ldx, n_rows, chunk_bytes;    /* n_rows of the call at work */
};

/*
 * nats[i] = -ln p(ids[i]) after row i of x [n, ldx], n > 0; NaN where a logit is not finite. shares
 * [n], those of the ids for a coder, may be NULL. False: out of memory.
 */
bool cril_vocabulary_nats(struct cril_vocabulary *v, const float *x, size_t ldx, size_t n,
                          const int32_t *ids, double *nats, struct cril_shares *shares);
void cril_vocabulary_free(struct cril_vocabulary *v);

#endif
