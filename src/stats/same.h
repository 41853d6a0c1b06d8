/*
 * When two numbers are one. Means of several figures that are equal on paper differ by a few 2^-53
 * of themselves, by how they were added up; a line through such points would be made of that. So
 * one x, one y, a tie, a residual of 0 and "the same" all ask this question, with this tolerance.
 */
#ifndef CRIL_STATS_SAME_H
#define CRIL_STATS_SAME_H

#include <math.h>
#include <stdbool.h>

/* Some 100 roundings of a double: far more than a sum of figures has, far less than any difference
 * that a figure can show. */
#define CRIL_ROUNDING 0x1p-46

/* Of many numbers: whether the smallest and the largest are the same. */
static inline bool cril_same(double a, double b)
{
    return a == b || fabs(a - b) < CRIL_ROUNDING * fmax(fabs(a), fabs(b));
}

#endif
