/*
 * A straight line through models: benchmark score on bits per character.
 *
 * One point is one model: x its bits per character, y its score, a share of 1. The functions fit a
 * line by least squares, say how good and how sure it is, which points lie off it, how well it
 * predicts models of a family that it has not seen, and what it says of a new model. doc/fit.md
 * defines every figure.
 *
 * Numbers that differ by no more than rounding count as equal: points of
 * one x, points of one y, ties of ranks. a and b are equal if |a - b| < 2^-46 max(|a|, |b|);
 * several numbers are equal if the smallest and the largest are.
 *
 * The numbers work in any unit: an estimate follows the units of x and y. All functions are pure:
 * no state, no random number but from the seed, and the same bits on every machine; any number of
 * threads. Arrays are the caller's, in and out; nothing is kept and there is nothing to free. On an
 * error the output is untouched.
 *
 * Every function refuses, as CRIL_ERR_RANGE and by index (from 0): fewer than 3 points, a value
 * that is not finite or exceeds 1e100, a standard error below 0, points of one x or one y only. n
 * of 2^32 or more is refused too. CRIL_ERR_NOMEM: no memory for working arrays, a few times that of
 * the points.
 *
 * 3 points leave 1 degree of freedom. A 95 % interval then reaches 12.7
 * standard errors to each side, so nearly every such interval holds zero. That is arithmetic, not
 * evidence.
 */
#ifndef CRIL_FIT_H
#define CRIL_FIT_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_points {
    size_t n;
    const double *x;        /* [n] */
    const double *y;        /* [n] */
    const double *x_se;     /* [n] standard error of x, NaN: not known; NULL: not known for any */
    const double *y_se;     /* [n] of y, likewise */
    const uint32_t *family; /* [n] any label; NULL: each model is a family of its own */
} cril_points;

/* A number that was estimated, and the interval that holds the true one at the stated level. */
typedef struct cril_estimate {
    double value;
    double se; /* standard error */
    double low, high;
} cril_estimate;

typedef struct cril_line {
    size_t n;
    double level; /* of the intervals below */
    double x_mean, x_min, x_max;
    double y_mean, y_min, y_max;
    double x_sum_squares; /* of x less its mean */
    double pearson;       /* correlation r, -1 to 1 */
    double pearson_low;   /* Fisher's interval; for n == 3 it is -1 to 1, which says nothing */
    double pearson_high;
    double p_value;                 /* two-sided, of no correlation: Student's t with n - 2 */
    double spearman;                /* correlation of the ranks, ties at the mean of theirs */
    double r_squared;               /* share of the variance of y on the line: r^2 */
    double residual_se;             /* sqrt(sum of squared residuals / (n - 2)) */
    double rmse;                    /* sqrt(sum of squared residuals / n) */
    cril_estimate slope, intercept; /* intervals: Student's t with n - 2 */
} cril_line;

/*
 * The least-squares line y = intercept + slope x and its figures. Standard errors and families are
 * not used. level in (0, 1), such as 0.95.
 *
 * Points whose residuals are all below 2^-46 (1e-14) of max |y| + max |slope x| lie on the line, to
 * within rounding: their residuals are 0 and |r| is 1, exactly.
 *
 * Source: Draper & Smith 1998, ch. 1; Fisher 1921, interval of r; Spearman 1904.
 */
cril_status cril_line_fit(const cril_points *points, double level, cril_line *line,
                          cril_error *err);

typedef struct cril_point_fit {
    double fitted;   /* intercept + slope x */
    double residual; /* y - fitted */
    double leverage; /* 1/n to 1: how far the point's own y draws the line to it */
    double internal; /* residual in standard errors, which the point itself helped to estimate */
    double external; /* the same, estimated without the point: Student's t with n - 3 */
    double cook;     /* Cook's distance: how far all fitted values move without the point */
    bool flagged;    /* |external| > threshold */
} cril_point_fit;

/*
 * What each point does to the line, and whether it lies off it.
 *
 *   threshold  in standard errors, > 0
 *   fits       [n]  out
 *   n_flagged  out, may be NULL
 *
 * Not a number where there is no answer: `internal` and `cook` where leverage is 1 (the point alone
 * holds the slope, the others have one x) or all residuals are 0; `external` there and for n == 3.
 * `external` is infinite where the other points lie on a line and this one does not. NaN is never
 * flagged.
 *
 * Among n models of which none is odd, n P(|T| > threshold) exceed the threshold by chance (T with
 * n - 3 degrees of freedom): for 2.12 and n = 19, that is one.
 *
 * Source: Cook & Weisberg 1982, ch. 2 and 3.
 */
cril_status cril_line_diagnose(const cril_points *points, double threshold, cril_point_fit *fits,
                               size_t *n_flagged, cril_error *err);

typedef struct cril_prediction {
    double x, x_se;          /* as asked for */
    double level;            /* of the intervals */
    cril_estimate mean;      /* the line's own height at x */
    cril_estimate new_model; /* a new model's score: the same value, with the scatter of models */
    bool extrapolated;       /* x lies outside the x that the line was fitted on */
} cril_prediction;

/*
 * What the line says of a model with bits per character x.
 *
 *   x_se  standard error of x, >= 0; adds slope^2 x_se^2 to both variances. NaN: it is not known,
 *         and the intervals leave it out
 *
 * That addition is of first order, the slope taken as known: the intervals are then approximate.
 *
 * Only `line` is read, as cril_line_fit left it. CRIL_ERR_RANGE: x or x_se out of range, level.
 * Source: Draper & Smith 1998, ch. 3.
 */
cril_status cril_line_predict(const cril_line *line, double x, double x_se, double level,
                              cril_prediction *prediction, cril_error *err);

typedef enum cril_resample {
    CRIL_RESAMPLE_MODELS,  /* n models out of n */
    CRIL_RESAMPLE_FAMILIES /* as many families as there are, each with all its models */
} cril_resample;

typedef struct cril_range {
    double low, high;
} cril_range;

typedef struct cril_line_bootstrap {
    cril_resample unit;
    double level;
    size_t resamples;
    uint64_t seed;
    /* out */
    size_t n_units; /* models or families to draw from */
    size_t redrawn; /* resamples that were degenerate and redrawn */
    cril_range pearson, slope, intercept, rmse;
} cril_line_bootstrap;

/*
 * Percentile intervals by bootstrap: unit, level in (0, 1), resamples >= 1 and seed are read from
 * *b, the rest is set.
 *
 * PCG32 (O'Neill 2014), started by the seed, gives the draws. A resample draws n_units units with
 * replacement, one bounded number each, and is the list of their models: of a family, in the order
 * of points. Families are numbered by where they first appear. A resample whose models all have one
 * x or one y, or whose r is no number, is *redrawn*: discarded, and the next n_units draws take its
 * place. Quantiles: sorted values, position q (resamples - 1), linear between neighbours.
 *
 * CRIL_ERR_RANGE also: families are asked for and there is only one.
 * Source: Efron & Tibshirani 1993, ch. 9.5 (cases, not residuals) and 13; families: Davison &
 * Hinkley 1997, ch. 3.8.
 */
cril_status cril_line_resample(const cril_points *points, cril_line_bootstrap *b, cril_error *err);

typedef enum cril_left_out_status {
    CRIL_LEFT_OUT_OK,
    CRIL_LEFT_OUT_TOO_FEW, /* fewer than 3 points stay */
    CRIL_LEFT_OUT_ONE_X    /* the points that stay have one x */
} cril_left_out_status;

typedef struct cril_left_out {
    uint32_t family;             /* the label; for NULL families the point's index */
    size_t first;                /* index of its first point */
    size_t n;                    /* its points */
    cril_left_out_status status; /* where not OK, what follows is NaN and in no total */
    double slope, intercept;     /* of the line through all other points */
    double rmse;                 /* of that line's predictions for this family */
    double mean_error;           /* mean of y - prediction: above 0, the family beats the line */
} cril_left_out;

typedef struct cril_left_out_total {
    size_t n_families, n_families_used; /* used: status OK */
    size_t n_points_used;
    double rmse;         /* over all points of the families used */
    double rmse_of_mean; /* the same where the mean y of the points that stay is the prediction */
} cril_left_out_total;

/*
 * Leaves out one family after another, fits the line on the rest and predicts the family. With
 * family == NULL, or labels that are all different, that is leave-one-out.
 *
 *   families   [n] room; the first total->n_families are set, in order of first appearance
 *   predicted  [n] out, NaN where the family's status is not OK; may be NULL
 *
 * CRIL_ERR_RANGE also: not one family can be left out. Source: Stone 1974.
 */
cril_status cril_line_leave_out(const cril_points *points, cril_left_out *families,
                                double *predicted, cril_left_out_total *total, cril_error *err);

typedef struct cril_line_both {
    double level;
    cril_estimate slope, intercept;
    double x_mean, y_mean;     /* weighted: the line passes through them */
    double reduced_chi_square; /* weighted sum of squares / (n - 2); Deming: x errors taken as 1 */
    double scale;              /* factor of the standard errors in the intervals */
    size_t n_minima;           /* local minima of the sum of squares; the line is the smallest */
} cril_line_both;

/*
 * The line with errors in x and in y, each point with its own standard errors: x_se and y_se of
 * points. 0 is an exact number. Refused by index: a point of which one standard error is not known,
 * and one of which both are 0, since the line would have to pass through it.
 *
 * The standard errors are those of York: they follow from x_se and y_se alone. Models scatter about
 * the line by more than their errors; then reduced_chi_square exceeds 1, and the intervals are
 * widened: value -+ t scale se, where scale = sqrt(max(1, reduced_chi_square)) and t is Student's
 * with n - 2.
 *
 * Points of unequal errors often have several minima; the smallest is taken: York's equation is
 * solved by bracketing, since iterating it need not converge. CRIL_ERR_NUMERIC: no minimum (the
 * line is vertical). Source: York, Evensen, Lopez Martinez & De Basabe Delgado 2004, Am. J. Phys.
 * 72:367, eq. 13; errors of x and y independent.
 */
cril_status cril_line_york(const cril_points *points, double level, cril_line_both *line,
                           cril_error *err);

/*
 * The same where only the ratio of the variances is known: variance_ratio = (error of y / error of
 * x)^2, > 0. With 1 it is the orthogonal line. The size of the errors is estimated from the
 * residuals and is in the standard errors already: they are York's for equal errors times
 * sqrt(reduced_chi_square), and scale is 1.
 *
 * CRIL_ERR_NUMERIC: x and y are not correlated and neither direction is the better one, or the line
 * is vertical. Source: Deming 1943; Fuller 1987, ch. 1.3; York et al. 2004.
 */
cril_status cril_line_deming(const cril_points *points, double variance_ratio, double level,
                             cril_line_both *line, cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
