/*
 * The head of a model over many rows, with more of each row's distribution than one target's -ln p:
 * the target's rank, the entropy, the most likely ids (cril_token_details).
 *
 * A rank counts the logits above the target's, so the logits of all targets are found first: each
 * by the panel of the vocabulary matrix that holds its column. Then logits exist a chunk of columns
 * at a time, as in vocabulary.h. Of a chunk of a row stay the count, and three sums in double,
 *
 *   S = sum of w, D = sum of w (a - m) and Q = sum of w (a - m)^2,
 *   w = e^(a - m), a a logit, m the chunk's largest one,
 *
 * of which the entropy ln Z - sum of p a follows, and the deviation, as ln p is a - ln Z. Of a row
 * stay the best ids that a worker has seen; which worker saw which chunk changes nothing, as no two
 * ids have the same place.
 */
#ifndef CRIL_MODEL_DETAILS_H
#define CRIL_MODEL_DETAILS_H

#include "model/vocabulary.h"

#include <cril/score.h>

/* The owner sets v, the rest is zero; buffers grow to the most rows seen. */
struct cril_details_head {
    struct cril_vocabulary *v;
    struct cril_memory kept;   /* struct kept [chunks][rows] */
    struct cril_memory best;   /* struct best [workers][rows] */
    struct cril_memory logits; /* float [workers][CRIL_CHUNK] of the row at hand */
    double *nats;              /* of the call at work */
    cril_token_details *out;
};

/*
 * After cril_vocabulary_take: nats [rows], the bits of cril_vocabulary_nats, and out [rows]. NaN
 * where a logit is not finite. False: out of memory.
 */
bool cril_details_nats(struct cril_details_head *h, double *nats, cril_token_details *out);
/* Memory that this takes for each row. */
size_t cril_details_row_bytes(size_t threads, size_t columns);
void cril_details_free(struct cril_details_head *h); /* not v */

#endif
