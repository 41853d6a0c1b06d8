/*
 * Least squares for a straight line, and the checks that every fit begins with (line.h).
 *
 * Sums are of deviations from the mean, in the order of the points, plain + - * / and sqrt: the
 * same bits everywhere. The mean is corrected once by the mean of the deviations, so that points
 * far from 0 but close to each other keep their digits (Chan, Golub & LeVeque 1983).
 */
#include "stats/line.h"

#include "stats/same.h"
#include "util/fail.h"
#include "util/size.h"

#include <cril/distribution.h>
#include <math.h>
#include <stdlib.h>

#define LARGEST 1e100
#define MIN_SQUARE                                                                                 \
    1e-290 /* a sum of squares that keeps its digits, with room for what divides it */

static double mean(const double *v, size_t n)
{
    double sum = 0, rest = 0, m;

    for (size_t i = 0; i < n; i++)
        sum += v[i];
    m = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        rest += v[i] - m;
    return m + rest / (double)n;
}

static void extremes(const double *v, size_t n, double *min, double *max)
{
    *min = *max = v[0];
    for (size_t i = 1; i < n; i++) {
        *min = fmin(*min, v[i]);
        *max = fmax(*max, v[i]);
    }
}

/*
 * Residuals and their sum of squares. Each deviation is off by some 2^-53 of the largest |x| or
 * |y|, and so is the slope: residuals of no more than CRIL_ROUNDING say nothing but that the points
 * lie on the line. They are 0 then, since what divides by them would be noise.
 */
static void residuals(const double *x, const double *y, size_t n, struct cril_least_squares *s)
{
    double largest = 0, size = fmax(fabs(s->y_min), fabs(s->y_max)) +
                               fabs(s->slope) * fmax(fabs(s->x_min), fabs(s->x_max));

    s->exact = false;
    s->rss = 0;
    for (size_t i = 0; i < n; i++) {
        double e = cril_least_squares_residual(s, x[i], y[i]);

        s->rss += e * e;
        largest = fmax(largest, fabs(e));
    }
    s->exact = largest <= CRIL_ROUNDING * size;
    if (s->exact)
        s->rss = 0;
}

static double rounding(double min, double max, size_t n)
{
    return CRIL_ROUNDING * fmax(fabs(min), fabs(max)) * sqrt((double)n);
}

/*
 * One x has no spread, and uncorrelated x and y no common one: sums that are 0 on paper are made 0.
 * Deviations that are off by d each move a sum of products by d sqrt(n) times the other's root
 * (Cauchy and Schwarz).
 */
static void drop_rounding(size_t n, struct cril_least_squares *s)
{
    if (cril_same(s->x_min, s->x_max))
        s->sxx = s->sxy = 0;
    if (cril_same(s->y_min, s->y_max))
        s->syy = s->sxy = 0;
    s->sxx_root = sqrt(s->sxx);
    s->syy_root = sqrt(s->syy);
    s->x_rounding = rounding(s->x_min, s->x_max, n);
    s->y_rounding = rounding(s->y_min, s->y_max, n);
    if (fabs(s->sxy) <= s->x_rounding * s->syy_root + s->y_rounding * s->sxx_root)
        s->sxy = 0;
}

void cril_least_squares(const double *x, const double *y, size_t n, struct cril_least_squares *out)
{
    struct cril_least_squares s = {
        .x_mean = mean(x, n), .y_mean = mean(y, n), .slope = NAN, .r = NAN};

    extremes(x, n, &s.x_min, &s.x_max);
    extremes(y, n, &s.y_min, &s.y_max);
    for (size_t i = 0; i < n; i++) {
        double dx = x[i] - s.x_mean, dy = y[i] - s.y_mean;

        s.sxx += dx * dx;
        s.sxy += dx * dy;
        s.syy += dy * dy;
    }
    drop_rounding(n, &s);
    if (s.sxx > 0) {
        s.slope = s.sxy / s.sxx;
        residuals(x, y, n, &s);
        if (s.syy > 0)
            s.r =
                s.exact ? copysign(1, s.sxy) : fmax(-1, fmin(1, s.sxy / (s.sxx_root * s.syy_root)));
    } else {
        s.rss = NAN;
    }
    *out = s;
}

double cril_least_squares_at(const struct cril_least_squares *s, double x)
{
    return s->y_mean + s->slope * (x - s->x_mean);
}

double cril_least_squares_residual(const struct cril_least_squares *s, double x, double y)
{
    return s->exact ? 0 : y - s->y_mean - s->slope * (x - s->x_mean);
}

static cril_status check_values(const char *name, const double *v, size_t n, bool is_se,
                                cril_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (is_se && isnan(v[i])) /* not known */
            continue;
        if (!(fabs(v[i]) <= LARGEST))
            return cril_fail(err, CRIL_ERR_RANGE,
                             "line: %s[%zu] is %g; need a finite number of at most %g", name, i,
                             v[i], LARGEST);
        if (is_se && v[i] < 0)
            return cril_fail(
                err, CRIL_ERR_RANGE,
                "line: %s[%zu] is %g; a standard error is not negative, NaN where it is not known",
                name, i, v[i]);
    }
    return CRIL_OK;
}

static cril_status check_spread(const char *name, double min, double max, double sum, size_t n,
                                cril_error *err)
{
    if (cril_same(min, max))
        return cril_fail(
            err, CRIL_ERR_RANGE,
            "line: all %zu points have %s %g; a line needs points that differ in x and in y", n,
            name, min);
    if (sum < MIN_SQUARE)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "line: %s differs by %g at most, too little to square; scale the data",
                         name, max - min);
    return CRIL_OK;
}

cril_status cril_points_check(const cril_points *points, bool with_errors,
                              struct cril_least_squares *s, cril_error *err)
{
    size_t n = points->n;
    cril_status st;

    if (n < 3)
        return cril_fail(
            err, CRIL_ERR_RANGE,
            "line: %zu point%s; a line and its error need at least 3, and 3 leave 1 degree of "
            "freedom: they can show a gross misfit, but a 95 %% interval of theirs reaches 12.7 "
            "standard errors to each side, so they settle neither slope nor correlation",
            n, n == 1 ? "" : "s");
    if (n > UINT32_MAX)
        return cril_fail(err, CRIL_ERR_RANGE, "line: %zu points; at most 4294967295 are possible",
                         n);
    if (CRIL_LACKS(err, points->x, points->y))
        return CRIL_ERR_RANGE;
    if ((st = check_values("x", points->x, n, false, err)) != CRIL_OK ||
        (st = check_values("y", points->y, n, false, err)) != CRIL_OK)
        return st;
    if (with_errors && points->x_se &&
        (st = check_values("x_se", points->x_se, n, true, err)) != CRIL_OK)
        return st;
    if (with_errors && points->y_se &&
        (st = check_values("y_se", points->y_se, n, true, err)) != CRIL_OK)
        return st;
    cril_least_squares(points->x, points->y, n, s);
    if ((st = check_spread("x", s->x_min, s->x_max, s->sxx, n, err)) != CRIL_OK)
        return st;
    return check_spread("y", s->y_min, s->y_max, s->syy, n, err);
}

cril_status cril_level_check(double level, cril_error *err)
{
    if (!(level > 0 && level < 1))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "line: level %g; need one between 0 and 1, such as 0.95", level);
    return CRIL_OK;
}

void *cril_stats_alloc(size_t n, size_t element_bytes, cril_error *err)
{
    size_t size;
    void *p = NULL;

    if (cril_size_mul(n, element_bytes, &size))
        p = calloc(n, element_bytes);
    if (!p)
        cril_fail(err, CRIL_ERR_NOMEM, "line: out of memory for %zu numbers", n);
    return p;
}

struct labelled {
    uint32_t label, index;
};

static int compare_labels(const void *a, const void *b)
{
    const struct labelled *p = a, *q = b;

    if (p->label != q->label)
        return p->label < q->label ? -1 : 1;
    return (p->index > q->index) - (p->index < q->index);
}

/* Sorted by label, a family's first entry is its first point; then points are numbered in their own
 * order. */
cril_status cril_families_number(const cril_points *points, uint32_t *number, size_t *n_families,
                                 cril_error *err)
{
    struct labelled *sorted;
    size_t n = points->n;
    uint32_t count = 0;

    if (!points->family) {
        for (size_t i = 0; i < n; i++)
            number[i] = (uint32_t)i;
        *n_families = n;
        return CRIL_OK;
    }
    if (!(sorted = cril_stats_alloc(n, sizeof(*sorted), err)))
        return CRIL_ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct labelled){points->family[i], (uint32_t)i};
    qsort(sorted, n, sizeof(*sorted), compare_labels);
    for (size_t i = 0, first = 0; i < n; i++) { /* first point of each point's family */
        if (sorted[i].label != sorted[first].label)
            first = i;
        number[sorted[i].index] = sorted[first].index;
    }
    free(sorted);
    for (size_t i = 0; i < n; i++) /* a first point comes before those that refer to it */
        number[i] = number[i] == i ? count++ : number[number[i]];
    *n_families = count;
    return CRIL_OK;
}

double cril_t_critical(double level, size_t df)
{
    return -cril_student_quantile((1 - level) / 2, (double)df);
}

cril_estimate cril_estimate_of(double value, double se, double t)
{
    return (cril_estimate){value, se, value - t * se, value + t * se};
}
