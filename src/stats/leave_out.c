/* How well the line predicts models of a family that it was not fitted on (fit.h,
 * cril_line_leave_out). */
#include "stats/line.h"

#include "stats/same.h"
#include "util/fail.h"

#include <math.h>
#include <stdlib.h>

/* Sums over the points that were predicted. */
struct sums {
    size_t n;
    double line, mean; /* squared errors of the line, and of the mean of the others */
};

/* Family k of `number` [n]; rest: room for 2 n numbers. */
static void leave_out(const cril_points *p, const uint32_t *number, uint32_t k, double *rest,
                      cril_left_out *out, double *predicted, struct sums *sums)
{
    struct cril_least_squares s = {.slope = NAN};
    size_t n_rest = 0;
    double squares = 0, errors = 0;

    out->n = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (number[i] != k) {
            rest[n_rest] = p->x[i];
            rest[p->n + n_rest++] = p->y[i];
        } else if (out->n++ == 0) {
            out->first = i;
            out->family = p->family ? p->family[i] : (uint32_t)i;
        }
    }
    if (n_rest > 0)
        cril_least_squares(rest, rest + p->n, n_rest, &s);
    out->status = n_rest < 3       ? CRIL_LEFT_OUT_TOO_FEW
                  : isnan(s.slope) ? CRIL_LEFT_OUT_ONE_X
                                   : CRIL_LEFT_OUT_OK;
    out->slope = out->intercept = out->rmse = out->mean_error = NAN;
    if (out->status == CRIL_LEFT_OUT_OK) {
        out->slope = s.slope;
        out->intercept = s.y_mean - s.slope * s.x_mean;
    }
    for (size_t i = out->first; i < p->n; i++) {
        double y = out->status == CRIL_LEFT_OUT_OK ? cril_least_squares_at(&s, p->x[i]) : NAN,
               e = p->y[i] - y;

        if (number[i] != k)
            continue;
        if (predicted)
            predicted[i] = y;
        squares += e * e;
        errors += e;
        if (out->status == CRIL_LEFT_OUT_OK)
            sums->mean += (p->y[i] - s.y_mean) * (p->y[i] - s.y_mean);
    }
    if (out->status == CRIL_LEFT_OUT_OK) {
        out->rmse = sqrt(squares / (double)out->n);
        out->mean_error = errors / (double)out->n;
        sums->line += squares;
        sums->n += out->n;
    }
}

/* Can any family be left out? Asked first, so that an error leaves the output as it was. */
static bool any_usable(const cril_points *p, const uint32_t *number, size_t n_families)
{
    for (uint32_t k = 0; k < n_families; k++) {
        double min = INFINITY, max = -INFINITY;
        size_t n_rest = 0;

        for (size_t i = 0; i < p->n; i++) {
            if (number[i] == k)
                continue;
            min = fmin(min, p->x[i]);
            max = fmax(max, p->x[i]);
            n_rest++;
        }
        if (n_rest >= 3 && !cril_same(min, max))
            return true;
    }
    return false;
}

cril_status cril_line_leave_out(const cril_points *points, cril_left_out *families,
                                double *predicted, cril_left_out_total *total, cril_error *err)
{
    if (CRIL_LACKS(err, points, families, total))
        return CRIL_ERR_RANGE;

    struct cril_least_squares s;
    struct sums sums = {0};
    size_t n_families, used = 0;
    uint32_t *number = NULL;
    double *rest = NULL;
    cril_status st;

    if ((st = cril_points_check(points, false, &s, err)) != CRIL_OK)
        return st;
    if (!(number = cril_stats_alloc(points->n, sizeof(*number), err)) ||
        !(rest = cril_stats_alloc(points->n, 2 * sizeof(*rest), err))) {
        st = CRIL_ERR_NOMEM;
        goto end;
    }
    if ((st = cril_families_number(points, number, &n_families, err)) != CRIL_OK)
        goto end;
    if (!any_usable(points, number, n_families)) {
        st = cril_fail(err, CRIL_ERR_RANGE,
                       "line: without any one of its %zu families fewer than 3 points of different "
                       "x stay; leaving "
                       "out needs 4 points of 2 families",
                       n_families);
        goto end;
    }
    for (size_t k = 0; k < n_families; k++) {
        leave_out(points, number, (uint32_t)k, rest, &families[k], predicted, &sums);
        used += families[k].status == CRIL_LEFT_OUT_OK;
    }
    *total = (cril_left_out_total){n_families, used, sums.n, sqrt(sums.line / (double)sums.n),
                                   sqrt(sums.mean / (double)sums.n)};
end:
    free(number);
    free(rest);
    return st;
}
