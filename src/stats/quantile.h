/* Sorted values and their quantiles, as every bootstrap here takes them. */
#ifndef CRIL_STATS_QUANTILE_H
#define CRIL_STATS_QUANTILE_H

#include <stddef.h>

/* Sorts values [n], which are numbers, upwards. */
void cril_sort(double *values, size_t n);

/*
 * Quantile q, 0 to 1, of sorted values [n], n >= 1: at position q (n - 1), linear between
 * neighbours (Hyndman & Fan 1996, definition 7).
 */
double cril_quantile(const double *sorted, size_t n, double q);

#endif
