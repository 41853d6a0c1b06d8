/*
 * All that fit.h computes for one set of points, as named groups of numbers: what
 * tests/golden/fit.txt holds and what tests/fit_lines.c prints for scripts/compare_fit.py. A case
 * is read as
 *
 *   NAME N LEVEL THRESHOLD RESAMPLES SEED RATIO X0 X0_SE WITH_X_SE WITH_Y_SE WITH_FAMILY
 *   N rows: X Y X_SE Y_SE FAMILY
 */
#ifndef CRIL_TESTS_FIT_VALUES_H
#define CRIL_TESTS_FIT_VALUES_H

#include <cril/fit.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FIT_MAX_N = 64, FIT_MAX_GROUPS = 3 * FIT_MAX_N + 40, FIT_MAX_VALUES = 9 };

struct fit_case {
    char name[32];
    size_t n, resamples;
    double level, threshold, ratio, x0, x0_se;
    uint64_t seed;
    int with_x_se, with_y_se, with_family;
    double x[FIT_MAX_N], y[FIT_MAX_N], x_se[FIT_MAX_N], y_se[FIT_MAX_N];
    uint32_t family[FIT_MAX_N];
};

struct fit_group {
    char name[32];
    size_t n;
    double v[FIT_MAX_VALUES];
};

struct fit_groups {
    size_t n;
    struct fit_group g[FIT_MAX_GROUPS];
};

static inline bool fit_case_read(FILE *f, struct fit_case *c)
{
    if (fscanf(f, "%31s %zu %lf %lf %zu %" SCNu64 " %lf %lf %lf %d %d %d", c->name, &c->n,
               &c->level, &c->threshold, &c->resamples, &c->seed, &c->ratio, &c->x0, &c->x0_se,
               &c->with_x_se, &c->with_y_se, &c->with_family) != 12 ||
        c->n > FIT_MAX_N)
        return false;
    for (size_t i = 0; i < c->n; i++)
        if (fscanf(f, "%lf %lf %lf %lf %" SCNu32, &c->x[i], &c->y[i], &c->x_se[i], &c->y_se[i],
                   &c->family[i]) != 5)
            return false;
    return true;
}

static inline cril_points fit_case_points(const struct fit_case *c)
{
    return (cril_points){c->n,
                         c->x,
                         c->y,
                         c->with_x_se ? c->x_se : NULL,
                         c->with_y_se ? c->y_se : NULL,
                         c->with_family ? c->family : NULL};
}

/* A group; `ok` false writes NaN for all numbers, so that groups stay in step. */
static inline void fit_add(struct fit_groups *out, const char *name, bool ok, size_t n,
                           const double *v)
{
    struct fit_group *g = &out->g[out->n++];

    snprintf(g->name, sizeof(g->name), "%s", name);
    g->n = n;
    for (size_t i = 0; i < n; i++)
        g->v[i] = ok ? v[i] : NAN;
}

static inline void fit_add_estimate(struct fit_groups *out, const char *name, bool ok,
                                    cril_estimate e)
{
    fit_add(out, name, ok, 4, (double[]){e.value, e.se, e.low, e.high});
}

static inline void fit_add_bootstrap(struct fit_groups *out, const struct fit_case *c,
                                     cril_resample unit, const char *name)
{
    cril_line_bootstrap b = {
        .unit = unit, .level = c->level, .resamples = c->resamples, .seed = c->seed};
    const cril_points p = fit_case_points(c);
    const cril_status st = cril_line_resample(&p, &b, NULL);
    const cril_range *ranges[] = {&b.pearson, &b.slope, &b.intercept, &b.rmse};
    static const char *const names[] = {"pearson", "slope", "intercept", "rmse"};
    char full[24];

    fit_add(out, name, true, 3,
            (double[]){st, st == CRIL_OK ? (double)b.n_units : 0,
                       st == CRIL_OK ? (double)b.redrawn : 0});
    for (size_t i = 0; i < 4; i++) {
        snprintf(full, sizeof(full), "%.8s.%s", name, names[i]);
        fit_add(out, full, st == CRIL_OK, 2, (double[]){ranges[i]->low, ranges[i]->high});
    }
}

static inline void fit_add_both(struct fit_groups *out, const char *name, cril_status st,
                                const cril_line_both *b)
{
    char full[24];

    fit_add(out, name, true, 1, (double[]){st});
    snprintf(full, sizeof(full), "%.8s.slope", name);
    fit_add_estimate(out, full, st == CRIL_OK, b->slope);
    snprintf(full, sizeof(full), "%.8s.intercept", name);
    fit_add_estimate(out, full, st == CRIL_OK, b->intercept);
    snprintf(full, sizeof(full), "%.8s.more", name);
    fit_add(out, full, st == CRIL_OK, 5,
            (double[]){b->x_mean, b->y_mean, b->reduced_chi_square, b->scale, (double)b->n_minima});
}

/* Returns the status of cril_line_fit; where that is not CRIL_OK there are no groups. */
static inline cril_status fit_compute(const struct fit_case *c, struct fit_groups *out,
                                      cril_error *err)
{
    const cril_points p = fit_case_points(c);
    cril_points alone = p;
    cril_line l;
    cril_prediction at = {.x = 0};
    cril_point_fit fits[FIT_MAX_N];
    cril_left_out left[FIT_MAX_N], one[FIT_MAX_N];
    cril_left_out_total total = {.rmse = NAN}, total_one = {.rmse = NAN};
    double left_y[FIT_MAX_N], one_y[FIT_MAX_N];
    cril_line_both both = {.level = 0};
    cril_status st, st_left, st_one;
    char name[32];

    out->n = 0;
    if ((st = cril_line_fit(&p, c->level, &l, err)) != CRIL_OK)
        return st;
    fit_add(out, "x", true, 3, (double[]){l.x_mean, l.x_min, l.x_max});
    fit_add(out, "y", true, 3, (double[]){l.y_mean, l.y_min, l.y_max});
    fit_add(out, "pearson", true, 4,
            (double[]){l.pearson, l.pearson_low, l.pearson_high, l.p_value});
    fit_add(out, "spearman", true, 1, (double[]){l.spearman});
    fit_add(out, "fit", true, 3, (double[]){l.r_squared, l.residual_se, l.rmse});
    fit_add_estimate(out, "slope", true, l.slope);
    fit_add_estimate(out, "intercept", true, l.intercept);
    if ((st = cril_line_predict(&l, c->x0, c->x0_se, c->level, &at, err)) != CRIL_OK ||
        (st = cril_line_diagnose(&p, c->threshold, fits, NULL, err)) != CRIL_OK)
        return st;
    fit_add_estimate(out, "at.mean", true, at.mean);
    fit_add_estimate(out, "at.new", true, at.new_model);
    fit_add(out, "at.extrapolated", true, 1, (double[]){at.extrapolated});
    alone.family = NULL;
    st_left = cril_line_leave_out(&p, left, left_y, &total, NULL);
    st_one = cril_line_leave_out(&alone, one, one_y, &total_one, NULL);
    fit_add(out, "left", true, 4,
            (double[]){st_left, (double)total.n_families, (double)total.n_families_used,
                       (double)total.n_points_used});
    fit_add(out, "left.rmse", st_left == CRIL_OK, 2, (double[]){total.rmse, total.rmse_of_mean});
    fit_add(out, "one", true, 2, (double[]){st_one, (double)total_one.n_points_used});
    fit_add(out, "one.rmse", st_one == CRIL_OK, 2,
            (double[]){total_one.rmse, total_one.rmse_of_mean});
    fit_add_bootstrap(out, c, CRIL_RESAMPLE_MODELS, "models");
    fit_add_bootstrap(out, c, CRIL_RESAMPLE_FAMILIES, "families");
    fit_add_both(out, "york", cril_line_york(&p, c->level, &both, NULL), &both);
    fit_add_both(out, "deming", cril_line_deming(&p, c->ratio, c->level, &both, NULL), &both);
    for (size_t i = 0; i < c->n; i++) {
        const cril_point_fit *f = &fits[i];

        snprintf(name, sizeof(name), "point.%zu", i);
        fit_add(out, name, true, 9,
                (double[]){f->fitted, f->residual, f->leverage, f->internal, f->external, f->cook,
                           f->flagged, st_left == CRIL_OK ? left_y[i] : NAN,
                           st_one == CRIL_OK ? one_y[i] : NAN});
    }
    for (size_t k = 0; st_left == CRIL_OK && k < total.n_families; k++) {
        const cril_left_out *f = &left[k];

        snprintf(name, sizeof(name), "left.%zu", k);
        fit_add(out, name, true, 8,
                (double[]){f->family, (double)f->first, (double)f->n, f->status, f->slope,
                           f->intercept, f->rmse, f->mean_error});
    }
    return CRIL_OK;
}

#endif
