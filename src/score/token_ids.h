/* Hashes of token ids, by which two runs are seen to have cut a text into the same tokens
 * (doc/scoring.md, "Token ids"). */
#ifndef CRIL_SCORE_TOKEN_IDS_H
#define CRIL_SCORE_TOKEN_IDS_H

#include "util/hash.h"

#include <cril/score.h>

/* h: fresh, or as the last final left it; so it is left here too. *out is never 0. */
cril_status cril_token_ids_hash(struct cril_sha256 *h, const int32_t *ids, size_t n, uint64_t *out,
                                cril_error *err);

/* Sets r->token_ids_sha256 from per_document [documents]; "" where one of them is not known. */
cril_status cril_token_ids_sum(struct cril_sha256 *h, cril_result *r, cril_error *err);

#endif
