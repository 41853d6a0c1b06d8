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

/* The owner sets the first six, the rest is zero; buffers grow to the most rows seen. */
struct cril_vocabulary {
    const cril_model *m;
    const struct cril_kernels *k;
    cril_pool *pool;
    size_t columns; /* logits that count, of the first ids; at most n_vocab */
    bool release;   /* let go of the file's pages once they are packed */
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

/* ---- Its parts, for what needs more of logits (divergence.h) ---- */

/* Takes rows of x through the head's steps before the matrix. False: out of memory. */
bool cril_vocabulary_take(struct cril_vocabulary *v, float *x, size_t ldx, size_t n,
                          const int32_t *ids);
size_t cril_vocabulary_chunks(const struct cril_vocabulary *v);
/* Logits of chunk c that count. */
size_t cril_vocabulary_width(const struct cril_vocabulary *v, size_t c);
/* Chunk c of the matrix as panels, in the worker's memory. */
void cril_vocabulary_pack(struct cril_vocabulary *v, size_t c, size_t worker,
                          struct cril_packed *w);
/* Logits of n <= CRIL_ROWS rows from `first` on: the worker's [n][CRIL_CHUNK]. */
float *cril_vocabulary_logits(struct cril_vocabulary *v, size_t c, size_t worker,
                              const struct cril_packed *w, size_t first, size_t n);
/* The logits of all targets, before any chunk is kept: v->target. */
void cril_vocabulary_find_targets(struct cril_vocabulary *v);
/* Keeps of a row's logits of chunk c what nats need; the logits become e^(logit - max). */
void cril_vocabulary_keep(struct cril_vocabulary *v, size_t c, size_t row, float *logits);
/* -ln p of the target of a row of which all chunks are kept. */
double cril_vocabulary_row_nats(const struct cril_vocabulary *v, size_t row);

#endif
