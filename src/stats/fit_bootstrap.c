/*
 * The line's bootstrap (fit.h, cril_line_resample): whole models or whole families drawn with
 * replacement.
 *
 * Families are more alike inside than between: drawing models one by one treats seven Llamas as
 * seven independent pieces of evidence, and the interval comes out too narrow. Drawing families
 * does not.
 */
#include "stats/line.h"
#include "stats/quantile.h"

#include "util/fail.h"
#include "util/random.h"
#include "util/size.h"

#include <math.h>
#include <stdlib.h>

/* Models sorted by unit: unit u has member[start[u]] .. member[start[u + 1] - 1], indices of
 * points. */
struct units {
    size_t n;
    uint32_t *start;  /* [n + 1] */
    uint32_t *member; /* [points] */
};

static void units_free(struct units *u)
{
    free(u->start);
    free(u->member);
}

static cril_status units_init(struct units *u, const cril_points *p, cril_resample unit,
                              cril_error *err)
{
    cril_points alone = *p;
    uint32_t *number = cril_stats_alloc(p->n, sizeof(*number), err);
    cril_status st;

    *u = (struct units){0};
    if (!number)
        return CRIL_ERR_NOMEM;
    if (unit == CRIL_RESAMPLE_MODELS)
        alone.family = NULL;
    st = cril_families_number(&alone, number, &u->n, err);
    if (st == CRIL_OK && (!(u->start = cril_stats_alloc(u->n + 1, sizeof(*u->start), err)) ||
                          !(u->member = cril_stats_alloc(p->n, sizeof(*u->member), err))))
        st = CRIL_ERR_NOMEM;
    if (st == CRIL_OK) { /* counting sort: it keeps the order of points */
        for (size_t i = 0; i < p->n; i++)
            u->start[number[i] + 1]++;
        for (size_t k = 0; k < u->n; k++)
            u->start[k + 1] += u->start[k];
        for (size_t i = p->n; i-- > 0;)
            u->member[--u->start[number[i] + 1]] = (uint32_t)i;
        for (size_t k = 0; k < u->n; k++) /* each end has become its start */
            u->start[k] = u->start[k + 1];
        u->start[u->n] = (uint32_t)p->n;
    }
    free(number);
    return st;
}

/* The four statistics of all resamples, [resamples] each, and the sample at hand. */
struct work {
    double *pearson, *slope, *intercept, *rmse;
    double *x, *y; /* [capacity] */
    size_t capacity;
};

/* One resample's points in w->x, w->y; returns their number, or 0 for want of memory. */
static size_t draw(const cril_points *p, const struct units *u, struct cril_random *g,
                   struct work *w)
{
    size_t n = 0;

    for (size_t k = 0; k < u->n; k++) {
        uint32_t unit = cril_random_below(g, (uint32_t)u->n);

        for (uint32_t m = u->start[unit]; m < u->start[unit + 1]; m++, n++) {
            if (n == w->capacity) { /* a large family was drawn often */
                size_t x_capacity = n, y_capacity = n;
                double *x = cril_size_grow(w->x, &x_capacity, n, 1, sizeof(*x)), *y = NULL;

                if (x) {
                    w->x = x;
                    y = cril_size_grow(w->y, &y_capacity, n, 1, sizeof(*y));
                }
                if (!y)
                    return 0;
                w->y = y;
                w->capacity = y_capacity;
            }
            w->x[n] = p->x[u->member[m]];
            w->y[n] = p->y[u->member[m]];
        }
    }
    return n;
}

static void range(double *values, size_t n, double level, cril_range *out)
{
    double tail = (1 - level) / 2;

    cril_sort(values, n);
    out->low = cril_quantile(values, n, tail);
    out->high = cril_quantile(values, n, 1 - tail);
}

/* Redrawing ends: points differ in x and in y, so a draw that has both is always among the possible
 * ones. */
static cril_status resample(const cril_points *p, const struct units *u, struct work *w,
                            cril_line_bootstrap *b, cril_error *err)
{
    struct cril_random g = cril_random_seed(b->seed);

    b->n_units = u->n;
    b->redrawn = 0;
    for (size_t i = 0; i < b->resamples;) {
        struct cril_least_squares s;
        size_t n = draw(p, u, &g, w);

        if (n == 0)
            return cril_fail(err, CRIL_ERR_NOMEM, "line: out of memory for a resample");
        cril_least_squares(w->x, w->y, n, &s);
        if (!isfinite(s.r)) {
            b->redrawn++;
            continue;
        }
        w->pearson[i] = s.r;
        w->slope[i] = s.slope;
        w->intercept[i] = s.y_mean - s.slope * s.x_mean;
        w->rmse[i] = sqrt(s.rss / (double)n);
        i++;
    }
    range(w->pearson, b->resamples, b->level, &b->pearson);
    range(w->slope, b->resamples, b->level, &b->slope);
    range(w->intercept, b->resamples, b->level, &b->intercept);
    range(w->rmse, b->resamples, b->level, &b->rmse);
    return CRIL_OK;
}

static cril_status work_init(struct work *w, size_t n, size_t resamples, cril_error *err)
{
    *w = (struct work){.capacity = n};
    if (!(w->pearson = cril_stats_alloc(resamples, 4 * sizeof(double), err)) ||
        !(w->x = cril_stats_alloc(n, sizeof(double), err)) ||
        !(w->y = cril_stats_alloc(n, sizeof(double), err)))
        return CRIL_ERR_NOMEM;
    w->slope = w->pearson + resamples;
    w->intercept = w->slope + resamples;
    w->rmse = w->intercept + resamples;
    return CRIL_OK;
}

cril_status cril_line_resample(const cril_points *points, cril_line_bootstrap *b, cril_error *err)
{
    if (CRIL_LACKS(err, points, b))
        return CRIL_ERR_RANGE;

    struct cril_least_squares all;
    struct units u = {0};
    struct work w = {0};
    cril_line_bootstrap done = *b;
    cril_status st;

    if ((st = cril_level_check(b->level, err)) != CRIL_OK)
        return st;
    if (b->resamples < 1)
        return cril_fail(err, CRIL_ERR_RANGE, "line: need at least 1 resample");
    if (b->unit != CRIL_RESAMPLE_MODELS && b->unit != CRIL_RESAMPLE_FAMILIES)
        return cril_fail(err, CRIL_ERR_RANGE, "line: resampling unit %d is not known",
                         (int)b->unit);
    if ((st = cril_points_check(points, false, &all, err)) != CRIL_OK ||
        (st = units_init(&u, points, b->unit, err)) != CRIL_OK)
        goto end;
    if (u.n < 2)
        st = cril_fail(err, CRIL_ERR_RANGE,
                       "line: all %zu models are of one family; resampling families needs two",
                       points->n);
    else if ((st = work_init(&w, points->n, b->resamples, err)) == CRIL_OK)
        st = resample(points, &u, &w, &done, err);
    if (st == CRIL_OK)
        *b = done;
end:
    units_free(&u);
    free(w.pearson);
    free(w.x);
    free(w.y);
    return st;
}
