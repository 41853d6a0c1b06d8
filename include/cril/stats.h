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
 * One document says nothing about the spread of documents: where fewer than 2 have a denominator
 * above 0, there is no interval and *interval is all 0. CRIL_ERR_RANGE, CRIL_ERR_NOMEM.
 */
cril_status cril_bootstrap_ratio(const double *numerator, const double *denominator, size_t n,
                                 cril_interval *interval, cril_error *err);

/*
 * Standard error of R = sum(numerator) / sum(denominator) where documents are drawn independently,
 * by the delta method: sqrt(n / (n - 1) * sum (numerator[i] - R denominator[i])^2) /
 * sum(denominator); NaN, not known, where fewer than 2 documents have a denominator above 0. Needs
 * of its arguments what cril_bootstrap_ratio needs. CRIL_ERR_RANGE, also where squares are too
 * large for a double. Source: Cochran 1977, Sampling Techniques, section 2.11.
 */
cril_status cril_ratio_error(const double *numerator, const double *denominator, size_t n,
                             double *out, cril_error *err);

/* The documents of a corpus, each with the terms of two ratios: [n], borrowed. */
typedef struct cril_pairs {
    size_t n;
    const double *a, *a_denominator, *b, *b_denominator;
} cril_pairs;

/*
 * Interval of sum(a)/sum(a_denominator) - sum(b)/sum(b_denominator), documents resampled in pairs.
 * Of several corpora, the mean of their differences; the documents of each are resampled within
 * it, in the order given. Two ratios that are the same but for rounding (fit.h) differ by 0. There
 * is no interval, as above, where one of the corpora has fewer than 2 documents with denominators
 * above 0 in both.
 */
cril_status cril_bootstrap_difference(const cril_pairs *corpora, size_t n, cril_interval *interval,
                                      cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
