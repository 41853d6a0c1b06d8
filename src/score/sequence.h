/* Sequences of ids: how they begin alike, and an order in which those that do stand together. */
#ifndef CRIL_SCORE_SEQUENCE_H
#define CRIL_SCORE_SEQUENCE_H

#include <stddef.h>
#include <stdint.h>

/* How many of their first ids, `max` at most, are the same. */
static inline size_t cril_sequence_common(const int32_t *a, const int32_t *b, size_t max)
{
    size_t n = 0;
    while (n < max && a[n] == b[n])
        n++;
    return n;
}

/* < 0, 0, > 0 by the first ids that differ; one that is the beginning of the other comes before it.
 */
static inline int cril_sequence_compare(const int32_t *a, size_t n_a, const int32_t *b, size_t n_b)
{
    const size_t shorter = n_a < n_b ? n_a : n_b, n = cril_sequence_common(a, b, shorter);
    if (n < shorter)
        return a[n] < b[n] ? -1 : 1;
    return (n_a > n_b) - (n_a < n_b);
}

#endif
