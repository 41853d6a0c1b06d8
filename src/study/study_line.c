/* A study's line: points by its words, then all that fit.h says of them. */
#include <cril/study.h>

#include "util/fail.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_POINTS = 3 };

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a study's line");
}

/* Too few models: which ones lack a number. */
static cril_status refuse(const cril_study_info *s, const cril_study_fit *f,
                          const cril_study_points *p, cril_error *err)
{
    char names[400] = "";
    size_t at = 0;

    for (size_t i = 0; i < p->n_lacking && at < sizeof(names); i++)
        at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", i ? ", " : "",
                               s->models[p->lacking[i]].name);
    return cril_fail(err, CRIL_ERR_RANGE,
                     "%s: %zu models have all figures for %s against %s; a line needs 3, and with "
                     "3 the interval says nothing, as they leave 1 degree of freedom%s%s",
                     s->path, p->n, f->y, f->x, names[0] ? "; lacking: " : "", names);
}

/* Those of both numbers of each model are known, and no model is exact. */
static bool has_errors(const cril_points *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (isnan(p->x_se[i]) || isnan(p->y_se[i]) || p->x_se[i] + p->y_se[i] == 0)
            return false;
    return true;
}

/* No convergence is an answer too: the points have no trend. */
static cril_status fit_both(const cril_study_line_options *o, cril_study_line *l, cril_error *err)
{
    cril_status st;

    l->is_york = has_errors(&l->points);
    st = l->is_york ? cril_line_york(&l->points, o->level, &l->errors_in_both, err)
                    : cril_line_deming(&l->points, 1, o->level, &l->errors_in_both, err);
    l->has_both = st == CRIL_OK;
    return st == CRIL_ERR_NUMERIC ? CRIL_OK : st;
}

static size_t count_families(const cril_points *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++) {
        size_t k = 0;

        while (p->family[k] != p->family[i])
            k++;
        n += k == i;
    }
    return n;
}

static cril_status resample(const cril_study_line_options *o, cril_study_line *l, cril_error *err)
{
    const cril_line_bootstrap wanted = {
        .level = o->level, .resamples = o->resamples, .seed = o->seed};
    cril_status st;

    l->over_models = l->over_families = wanted;
    l->over_models.unit = CRIL_RESAMPLE_MODELS;
    l->over_families.unit = CRIL_RESAMPLE_FAMILIES;
    l->over_families.n_units = count_families(&l->points);
    st = cril_line_resample(&l->points, &l->over_models, err);
    if (st == CRIL_OK && l->over_families.n_units > 1)
        st = cril_line_resample(&l->points, &l->over_families, err);
    return st;
}

/* cril_line_leave_out reports whether at least one family leaves 3 models of more than one x.
 */
static cril_status leave_out(cril_study_line *l, cril_error *err)
{
    const cril_status st = cril_line_leave_out(&l->points, l->families, NULL, &l->left_out, err);

    if (st == CRIL_ERR_RANGE)
        l->left_out = (cril_left_out_total){0};
    return st == CRIL_ERR_RANGE ? CRIL_OK : st;
}

static cril_status fit(const cril_study_info *s, const cril_study_fit *f,
                       const cril_study_line_options *o, cril_study_line *l, cril_error *err)
{
    const cril_study_points *p = &l->models;
    cril_error why;
    cril_status st;

    if (p->n < MIN_POINTS)
        return refuse(s, f, p, err);
    l->points = (cril_points){
        .n = p->n, .x = p->x, .y = p->y, .x_se = p->x_se, .y_se = p->y_se, .family = p->family};
    l->each = calloc(p->n, sizeof(*l->each));
    l->families = calloc(p->n, sizeof(*l->families));
    if (!l->each || !l->families)
        return no_memory(err);
    if ((st = cril_line_fit(&l->points, o->level, &l->line, &why)) != CRIL_OK ||
        (st = cril_line_diagnose(&l->points, o->threshold, l->each, &l->n_flagged, &why)) !=
            CRIL_OK ||
        (st = resample(o, l, &why)) != CRIL_OK || (st = leave_out(l, &why)) != CRIL_OK ||
        (st = fit_both(o, l, &why)) != CRIL_OK)
        return cril_fail(err, st, "%s: %s against %s: %s", s->path, f->y, f->x, why.message);
    return CRIL_OK;
}

cril_study_line_options cril_study_line_defaults(const cril_study_line_options *o)
{
    cril_study_line_options all = o ? *o : (cril_study_line_options){0};

    all.level = all.level == 0 ? 0.95 : all.level;
    all.threshold = all.threshold == 0 ? 3 : all.threshold;
    all.resamples = all.resamples ? all.resamples : 1000;
    return all;
}

cril_status cril_study_line_fit(const cril_study_info *s, const cril_study_table *t,
                                const cril_study_fit *f, const cril_study_line_options *options,
                                cril_study_line *out, cril_error *err)
{
    if (CRIL_LACKS(err, s, t, f, out))
        return CRIL_ERR_RANGE;

    const cril_study_line_options o = cril_study_line_defaults(options);
    cril_study_line l = {0};
    cril_status st;

    st = cril_study_points_get(s, t, f, &l.models, err);
    if (st == CRIL_OK && (st = fit(s, f, &o, &l, err)) == CRIL_OK)
        *out = l;
    else
        cril_study_line_free(&l);
    return st;
}

void cril_study_line_free(cril_study_line *l)
{
    if (!l)
        return;
    cril_study_points_free(&l->models);
    free(l->each);
    free(l->families);
    *l = (cril_study_line){0};
}
