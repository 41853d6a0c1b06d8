/*
 * The uncertainty of a ratio of sums over documents, by bootstrap; and its standard error.
 *
 * Resample b draws n documents with replacement; the generator is PCG32 (O'Neill 2014), started by
 * the seed, so an interval repeats exactly. Percentile interval (Efron & Tibshirani 1993, ch. 13).
 */
#ifndef CRIL_STATS_H
#define CRIL_STATS_H

#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_interval {
    double level; /* e.g. 0.95 */
    double low, high;
    size_t resamples;
    uint64_t seed;
} cril_interval;

/*
 * Interval of sum(numerator) / sum(denominator).
 *   numerator, denominator  [n]   finite; denominators >= 0, not all zero
 * level in (0,1), resamples >= 1 are read from *interval, as is seed; low and high are set.
 * n == 1 gives low == high == the ratio. CRIL_ERR_RANGE, CRIL_ERR_NOMEM.
 */
cril_status cril_bootstrap_ratio(const double *numerator, const double *denominator, size_t n,
                                 cril_interval *interval, cril_error *err);

/*
 * Standard error of R = sum(numerator) / sum(denominator) where documents are drawn independently,
 * by the delta method: sqrt(n / (n - 1) * sum (numerator[i] - R denominator[i])^2) /
 * sum(denominator); 0 where n < 2. Needs of its arguments what cril_bootstrap_ratio needs.
 * CRIL_ERR_RANGE, also where squares are too large for a double. Source: Cochran 1977, Sampling
 * Techniques, section 2.11.
 */
cril_status cril_ratio_error(const double *numerator, const double *denominator, size_t n,
                             double *out, cril_error *err);

/*
 * Interval of sum(a)/sum(a_denominator) - sum(b)/sum(b_denominator), documents resampled in pairs.
 */
cril_status cril_bootstrap_difference(const double *a, const double *a_denominator, const double *b,
                                      const double *b_denominator, size_t n,
                                      cril_interval *interval, cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
