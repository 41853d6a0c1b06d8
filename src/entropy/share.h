/*
 * From a model's numbers to integer shares of a coder's range (doc/cril_format.md, "Shares").
 *
 * A symbol's share of [0, total) is [low, low + size). A token is coded as two symbols: the chunk
 * of logits that its id lies in, then the id within the chunk. Every symbol has a share of at least
 * 1, so that any token can be coded, whatever its probability. Shares are integers, so that the
 * order of summation does not matter.
 */
#ifndef CRIL_ENTROPY_SHARE_H
#define CRIL_ENTROPY_SHARE_H

#include <stddef.h>
#include <stdint.h>

#define CRIL_SHARE_TOTAL_MAX (UINT64_C(1) << 48)

struct cril_share {
    uint64_t low, size, total; /* size >= 1, low + size <= total <= CRIL_SHARE_TOTAL_MAX */
};

/* A token's two: of its chunk, of its id in the chunk. */
struct cril_shares {
    struct cril_share chunk, token;
};

/*
 * Symbols of weight w[i], finite, >= 0, with a finite `sum` > 0 that they were summed to in double:
 * symbol i gets floor(w[i] / sum * 2^32) + 1, the quotient in double. A rounded sum is not below
 * any of its terms, so a quotient is at most 1; all of them add up to 1 except for rounding, so the
 * total is about 2^32 + n. n in [1, 2^31], symbol < n.
 */
struct cril_share cril_share_of_weight(const double *w, double sum, size_t n, size_t symbol);
/* Symbols of value e[i] in [0, 1]: symbol i gets floor(e[i] * 2^32) + 1. n in [1, 1024],
   symbol < n. */
struct cril_share cril_share_of_value(const float *e, size_t n, size_t symbol);

/* The total alone, for a decoder that does not know the symbol yet. */
uint64_t cril_share_total_weights(const double *w, double sum, size_t n);
uint64_t cril_share_total_values(const float *e, size_t n);
/* The symbol whose share holds `at` < total, and its share, the total included. */
size_t cril_share_find_weight(const double *w, double sum, size_t n, uint64_t at,
                              struct cril_share *share);
size_t cril_share_find_value(const float *e, size_t n, uint64_t at, struct cril_share *share);

#endif
