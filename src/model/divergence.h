/*
 * The heads of several models over the same rows: how far the distribution of each is from that of
 * the first one, the base.
 *
 * Logits of all models exist a chunk of columns at a time. Of a chunk of a row stay what nats need
 * (vocabulary.h), where the largest logit is, and the two sums below, in double:
 *
 *   KL(p || q) = sum of p (ln p - ln q) = sum of w (a - b) / sum of w - ln Zp + ln Zq
 *
 * with a, b the logits of base and model, w = e^(a - A), A the largest a, and Z the sums of e^a and
 * of e^b. The sums run over columns j mod 8, then over these eight, then over chunks, so that no
 * bit depends on the CPU. Where vocabularies differ in rows behind the tokens, the ids that all
 * have are compared.
 */
#ifndef CRIL_MODEL_DIVERGENCE_H
#define CRIL_MODEL_DIVERGENCE_H

#include "model/vocabulary.h"

#include <cril/score.h>

/* The owner sets the first two, the rest is zero; buffers grow to the most rows seen. */
struct cril_heads {
    struct cril_vocabulary **v; /* [n] of the same columns and threads, the base first */
    size_t n;
    struct cril_memory kept;      /* struct kept [n][chunks][rows] */
    struct cril_memory packed;    /* struct cril_packed [workers][n] */
    struct cril_memory base_rows; /* float [workers][2][CRIL_ROWS][CRIL_CHUNK] */
    double *nats;                 /* of the call at work */
    cril_divergence *out;
};

/*
 * After cril_vocabulary_take of the same targets by each: nats [rows], those of the base, and out
 * [rows][n - 1], of the others. NaN where a logit is not finite. False: out of memory.
 */
bool cril_heads_compare(struct cril_heads *h, double *nats, cril_divergence *out);
/* Memory that n models of so many columns take for this, for each row. */
size_t cril_heads_row_bytes(size_t n, size_t columns);
void cril_heads_free(struct cril_heads *h); /* not what v points to */

#endif
