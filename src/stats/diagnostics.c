/*
 * What each point does to the line (fit.h): leverage, studentised residuals, Cook's distance.
 *
 * With h the leverage, e the residual and d = e / (1 - h) the error of the line fitted without the
 * point, all follow from the one fit: the sum of squares without the point is that with it less d^2
 * (1 - h). Where that difference or 1 - h would lose digits, the line without the point is fitted
 * itself. Few points need it: leverages add up to 2 and squared residuals to their sum.
 */
#include "stats/line.h"

#include "util/fail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The line without point i. */
struct without {
    double stays; /* 1 - h */
    double error; /* d */
    double rss;   /* of the other points */
};

static void copy_without(double *to, const double *from, size_t n, size_t i)
{
    memcpy(to, from, i * sizeof(*to));
    memcpy(to + i, from + i + 1, (n - i - 1) * sizeof(*to));
}

/* rest: room for 2 (n - 1) numbers */
static struct without leave_out(const cril_points *p, const struct cril_least_squares *s, size_t i,
                                double leverage, double *rest)
{
    double e = cril_least_squares_residual(s, p->x[i], p->y[i]);
    struct without w = {1 - leverage, 0, 0};
    struct cril_least_squares other;
    size_t n = p->n;

    w.error = e / w.stays;
    w.rss = s->rss - e * w.error;
    if (leverage < 0.5 && w.rss > s->rss / 16)
        return w;
    copy_without(rest, p->x, n, i);
    copy_without(rest + n - 1, p->y, n, i);
    cril_least_squares(rest, rest + n - 1, n - 1, &other);
    w.stays = other.sxx / s->sxx * (double)(n - 1) / (double)n;
    w.rss = other.rss;
    w.error = s->exact ? 0 : p->y[i] - cril_least_squares_at(&other, p->x[i]);
    return w;
}

static cril_point_fit diagnose(const cril_points *p, const struct cril_least_squares *s, size_t i,
                               double threshold, double *rest)
{
    double n = (double)p->n, dx = p->x[i] - s->x_mean, variance = s->rss / (n - 2), scaled;
    cril_point_fit f = {
        .leverage = 1 / n + dx * dx / s->sxx, .internal = NAN, .external = NAN, .cook = NAN};
    struct without w = leave_out(p, s, i, f.leverage, rest);

    f.residual = cril_least_squares_residual(s, p->x[i], p->y[i]);
    f.fitted = cril_least_squares_at(s, p->x[i]);
    if (w.stays == 0) { /* the other points have one x: the line passes through this one */
        f.leverage = 1;
        f.residual = 0;
        return f;
    }
    if (s->exact)
        return f;
    scaled = w.error * sqrt(w.stays); /* e / sqrt(1 - h) */
    f.internal = scaled / sqrt(variance);
    f.cook = w.error * w.error * f.leverage / (2 * variance);
    if (p->n > 3 && (w.rss > 0 || scaled != 0))
        f.external = scaled / sqrt(w.rss / (n - 3));
    f.flagged = fabs(f.external) > threshold; /* false for NaN */
    return f;
}

cril_status cril_line_diagnose(const cril_points *points, double threshold, cril_point_fit *fits,
                               size_t *n_flagged, cril_error *err)
{
    if (CRIL_LACKS(err, points, fits))
        return CRIL_ERR_RANGE;

    struct cril_least_squares s;
    size_t flagged = 0;
    double *rest;
    cril_status st;

    if (!(threshold > 0))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "line: threshold %g; need one above 0, in standard errors, such as 2",
                         threshold);
    if ((st = cril_points_check(points, false, &s, err)) != CRIL_OK)
        return st;
    if (!(rest = cril_stats_alloc(points->n - 1, 2 * sizeof(*rest), err)))
        return CRIL_ERR_NOMEM;
    for (size_t i = 0; i < points->n; i++) {
        fits[i] = diagnose(points, &s, i, threshold, rest);
        flagged += fits[i].flagged;
    }
    free(rest);
    if (n_flagged)
        *n_flagged = flagged;
    return CRIL_OK;
}
