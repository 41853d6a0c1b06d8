/*
 * The last norm, the vocabulary matrix and what is made of the logits: -ln p of one target a row.
 *
 * Logits exist a chunk of columns at a time: of each row stay the chunk's maximum, its sum of
 * exponentials, and the target's logit (doc/numerics.md, "From logits to nats").
 */
#ifndef CRIL_MODEL_VOCABULARY_H
#define CRIL_MODEL_VOCABULARY_H

#include "kernels/kernels.h"
#include "model/model.h"
#include "util/memory.h"
#include "util/threads.h"

#include <stdatomic.h>

/* The owner sets the first five, the rest is zero; buffers grow to the most rows seen. */
struct cril_vocabulary {
    const cril_model *m;
    const struct cril_kernels *k;
    cril_pool *pool;
    bool release;                   /* let go of the file's pages once they are packed */
    _Atomic(const char *) *damaged; /* gets the name of a tensor with a value that is not finite */

    bool integers; /* weights are: then rows are kept as acts, and normed is each worker's own */
    struct cril_acts acts;
    struct cril_memory acts_memory, normed; /* what acts points to; [rows or workers][n_embd] */
    struct cril_memory partial, target;     /* [chunks][rows][2] maximum, sum; [rows] */
    struct cril_memory chunks, logits; /* each worker's panels; its [CRIL_ROWS][CRIL_CHUNK] */
    const float *x;                  /* [rows][ldx] */
    const int32_t *ids;              /* [rows] */
    size_t ldx, n_rows, chunk_bytes; /* n_rows of the call at work */
};

/*
 * nats[i] = -ln p(ids[i]) after row i of x [n, ldx], n > 0; NaN where a logit is not finite. False:
 * out of memory.
 */
bool cril_vocabulary_nats(struct cril_vocabulary *v, const float *x, size_t ldx, size_t n,
                          const int32_t *ids, double *nats);
void cril_vocabulary_free(struct cril_vocabulary *v);

#endif
