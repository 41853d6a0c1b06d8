/*
 * Where a ratio of sums changes along an order, such as bits per character by month: one break.
 *
 * Documents lie in groups that follow one another. A break between two groups parts them in two;
 * the one is taken that leaves the smallest squared error, sum of denominator[i] (numerator[i] /
 * denominator[i] - ratio of its part)^2, with 2 documents on each side at least (Worsley 1979, JASA
 * 74; Bai 1997). How often chance finds as large a change is asked by permutation: the documents
 * are dealt anew over the places, and the best break is looked for again (Antoch & Huskova 2001).
 */
#ifndef CRIL_CHANGE_H
#define CRIL_CHANGE_H

#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_change {
    uint32_t at;          /* the group that the second part begins with; 0: no break can be made */
    double before, after; /* ratios of the parts */
    double p; /* (1 + permutations whose best break is as good) / (1 + permutations), above 0 */
    size_t permutations;
    uint64_t seed;
} cril_change;

/*
 * numerator, denominator [n]: finite; denominators > 0. group [n]: upwards. n UINT32_MAX at most.
 * permutations >= 1. The same on every machine. CRIL_ERR_RANGE, CRIL_ERR_NOMEM.
 */
cril_status cril_change_find(const double *numerator, const double *denominator,
                             const uint32_t *group, size_t n, size_t permutations, uint64_t seed,
                             cril_change *out, cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
