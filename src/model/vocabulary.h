/*
 * The head of a model over many rows: -ln p of one target a row.
 *
 * Logits exist a chunk of columns at a time: of each row stay the chunk's maximum, its sum of
 * exponentials, and the target's logit (doc/numerics.md, "From logits to nats").
 */
#ifndef CRIL_MODEL_VOCABULARY_H
#define CRIL_MODEL_VOCABULARY_H

#include "entropy/share.h"
#include "model/logits.h"
#include "model/panels.h"
#include "util/memory.h"
#include "util/threads.h"

/* The owner sets the first five, the rest is zero; buffers grow to the most rows seen. */
struct cril_vocabulary {
    const cril_model *m;
    const struct cril_kernels *k;
    cril_pool *pool;
    bool release; /* let go of the file's pages once they are packed */
    cril_damaged *damaged;

    bool integers; /* weights are: then rows are kept as activations, and normed is each worker's
                      own */
    struct cril_activations activations;
    struct cril_memory quantised, normed; /* what activations points to; [rows or workers][k] */
    struct cril_memory partial, target;   /* [chunks][rows] ; [rows] */
    struct cril_memory weights;           /* [chunks] of the row at hand */
    struct cril_memory chunks, logits;    /* each worker's panels; its [CRIL_ROWS][CRIL_CHUNK] */
    float *x;                             /* [rows][ldx] */
    const int32_t *ids;                   /* [rows] */
    struct cril_shares *shares;           /* [rows] or NULL */
    size_t ldx, n_rows, chunk_bytes;      /* n_rows of the call at work */
};

/*
 * nats[i] = -ln p(ids[i]) after row i of x [n, ldx], n > 0; NaN where a logit is not finite. shares
 * [n], those of the ids for a coder, may be NULL. False: out of memory.
 */
bool cril_vocabulary_nats(struct cril_vocabulary *v, float *x, size_t ldx, size_t n,
                          const int32_t *ids, double *nats, struct cril_shares *shares);
void cril_vocabulary_free(struct cril_vocabulary *v);

#endif
