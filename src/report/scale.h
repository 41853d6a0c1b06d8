/* Numbers on coordinates, and the round numbers among them. */
#ifndef CRIL_REPORT_SCALE_H
#define CRIL_REPORT_SCALE_H

#include <stddef.h>

struct cril_scale {
    double low, high; /* numbers, low < high */
    double from, to;  /* coordinates of the two */
    double step;      /* between ticks */
    int decimals;     /* that a tick needs */
};

/* From low to high, wider by margin of that at each end, with about n ticks, at least 2; from and
 * to are the caller's to set. */
void cril_scale_set(struct cril_scale *s, double low, double high, double margin, double n);

double cril_scale_at(const struct cril_scale *s, double v);

/* Ticks are multiples of the step: the first, and how many. */
size_t cril_scale_ticks(const struct cril_scale *s, double *first);

#endif
