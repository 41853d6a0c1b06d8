/* Numbers on coordinates, and the round numbers among them. */
#ifndef CRIL_REPORT_SCALE_H
#define CRIL_REPORT_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum cril_scale_unit {
    CRIL_SCALE_PLAIN,
    CRIL_SCALE_BYTES, /* "98 MB" */
    CRIL_SCALE_COUNT  /* "5000", "20k" */
};

enum { CRIL_SCALE_TICKS = 50 };

struct cril_scale {
    double low, high; /* numbers, low < high; above 0 if is_log */
    double from, to;  /* coordinates of the two */
    double step;      /* between ticks; 0: they are marks of each power of ten */
    size_t n_marks;   /* of each, if step is 0 */
    int decimals;     /* that a tick needs */
    bool is_log;
    enum cril_scale_unit unit; /* the caller's to set, as from and to */
};

/* From low to high, wider by margin of that at each end, with about n ticks, at least 2. */
void cril_scale_set(struct cril_scale *s, double low, double high, double margin, double n);
/* The same of logarithms; 0 < low <= high. */
void cril_scale_set_log(struct cril_scale *s, double low, double high, double margin, double n);

/* On a logarithmic scale, what is below low counts as low. */
double cril_scale_at(const struct cril_scale *s, double v);

/* Their number, in ascending order. */
size_t cril_scale_ticks(const struct cril_scale *s, double ticks[CRIL_SCALE_TICKS]);
/* A tick's text, and about how wide that is, in units of the font's size. */
void cril_scale_write(FILE *f, const struct cril_scale *s, double tick);
double cril_scale_width(const struct cril_scale *s, double tick);

#endif
