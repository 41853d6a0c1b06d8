/*
 * The straight line inside: least squares on plain arrays, and what all functions of fit.h ask of
 * their points first.
 */
#ifndef CRIL_STATS_LINE_H
#define CRIL_STATS_LINE_H

#include <cril/fit.h>

/* Any x and y; what one x or one y (same.h) leaves undefined is NaN. */
struct cril_least_squares {
    double x_mean, x_min, x_max;
    double y_mean, y_min, y_max;
    double sxx, sxy, syy; /* sums of products of deviations; 0 where rounding alone may make them */
    double sxx_root, syy_root;     /* their roots */
    double x_rounding, y_rounding; /* what rounding may add to these roots */
    double slope;                  /* NaN: one x */
    double r;                      /* correlation; NaN: one x or one y */
    double rss;                    /* sum of squared residuals, 0 where exact */
    bool exact;                    /* all residuals are what rounding makes of 0 */
};

/* x, y [n], n >= 1, finite */
void cril_least_squares(const double *x, const double *y, size_t n, struct cril_least_squares *out);

double cril_least_squares_at(const struct cril_least_squares *s, double x);
double cril_least_squares_residual(const struct cril_least_squares *s, double x, double y);

/* The rules of fit.h for points; standard errors only where asked for. *s gets the line of all
 * points. */
cril_status cril_points_check(const cril_points *points, bool with_errors,
                              struct cril_least_squares *s, cril_error *err);

cril_status cril_level_check(double level, cril_error *err);

/* Numbers families from 0 by first appearance: number [n] out, returns how many in *n_families. */
cril_status cril_families_number(const cril_points *points, uint32_t *number, size_t *n_families,
                                 cril_error *err);

/* n elements of element_bytes, zeroed; NULL with *err filled. */
void *cril_stats_alloc(size_t n, size_t element_bytes, cril_error *err);

/* Half the width of a two-sided interval in standard errors: Student's t. */
double cril_t_critical(double level, size_t df);

/* se and level's interval around value: value -+ t * se. */
cril_estimate cril_estimate_of(double value, double se, double t);

/* Spearman's rho of x, y [n]; NaN where one of them is constant. CRIL_ERR_NOMEM. */
cril_status cril_spearman(const double *x, const double *y, size_t n, double *rho, cril_error *err);

/* Fisher's interval of a correlation r of n points. */
void cril_fisher_interval(double r, size_t n, double level, double *low, double *high);

#endif
