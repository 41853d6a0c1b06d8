/*
 * A sum that is rounded once, at its end: the same bits in whatever order its terms come.
 */
#ifndef CRIL_STATS_SUM_H
#define CRIL_STATS_SUM_H

#include <stddef.h>

/* Parts of a double's 2098 bits that do not touch: no two of them are neighbours. */
enum { CRIL_SUM_PARTS = 1050 };

/* {0} is a sum of nothing. */
struct cril_sum {
    size_t n;
    double part[CRIL_SUM_PARTS]; /* [n] smallest first; their exact sum is the sum */
};

/* A term that is not finite makes the sum NaN; so may a sum beyond a double. */
void cril_sum_add(struct cril_sum *s, double term);
double cril_sum_value(const struct cril_sum *s);

#endif
