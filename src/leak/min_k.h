/*
 * Membership scores of a document from what its tokens cost: the larger, the more it seems to have
 * been seen.
 *
 * Min-K% (Shi et al. 2024, arXiv 2310.16789): the mean of ln p over the int(n k / 100) tokens with
 * the smallest. Min-K%++ (Zhang et al. 2025, arXiv 2404.02936): the same of z = (ln p - mu) /
 * sigma, with mean and standard deviation of ln p under the model's own distribution.
 */
#ifndef CRIL_LEAK_MIN_K_H
#define CRIL_LEAK_MIN_K_H

#include <stddef.h>

/* Shares in percent, ascending. */
enum { CRIL_MIN_K_N = 7, CRIL_MIN_K_PLUS_PLUS_N = 10 };
extern const unsigned cril_min_k_shares[CRIL_MIN_K_N];                     /* 5, 10, 20 .. 60 */
extern const unsigned cril_min_k_plus_plus_shares[CRIL_MIN_K_PLUS_PLUS_N]; /* 10, 20 .. 100 */

/* Tokens of a document for which each share has one at least. */
enum { CRIL_MIN_K_TOKENS = 20 };

/*
 * Sorts values [n], n >= CRIL_MIN_K_TOKENS, upwards; out [n_shares] gets the mean of the
 * int(n k / 100) smallest for each share k.
 */
void cril_min_k(double *values, size_t n, const unsigned *shares, size_t n_shares, double *out);

#endif
