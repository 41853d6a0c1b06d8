/*
 * Points of a study: which numbers of a model make a coordinate.
 *
 * An axis is a weight for each corpus, or benchmark: a coordinate is the weighted sum, its standard
 * error the root of the weighted sum of squares. So a mean of means needs no more code than a
 * single corpus. Sums do not depend on the order in which the study names its columns.
 */
#include <cril/study.h>

#include "stats/sum.h"
#include "study/words.h"
#include "util/fail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Axes ---- */

struct axis {
    const cril_study_info *s;
    char which;      /* 'x' or 'y' */
    double *weights; /* [n] of the table's columns; 0: not needed */
    size_t n;
};

static void free_axis(struct axis *a)
{
    free(a->weights);
}

static bool make_axis(const cril_study_info *s, char which, struct axis *a)
{
    const size_t n = cril_words_columns(s, which);

    *a = (struct axis){.s = s, .which = which, .n = n, .weights = calloc(n + 1, sizeof(double))};
    return a->weights;
}

static const char *group_of(const struct axis *a, size_t i)
{
    return cril_words_column(a->s, a->which, i).group;
}

/* Groups alike, and columns within each. */
static void weigh_groups(struct axis *a)
{
    const double share = 1 / (double)cril_words_groups(a->s, a->which);

    for (size_t i = 0; i < a->n; i++)
        a->weights[i] = share / (double)cril_words_count(a->s, a->which, group_of(a, i));
}

static void weigh_all(struct axis *a)
{
    for (size_t i = 0; i < a->n; i++)
        a->weights[i] = 1 / (double)a->n;
}

static void weigh_group(struct axis *a, const char *group)
{
    const double share = 1 / (double)cril_words_count(a->s, a->which, group);

    for (size_t i = 0; i < a->n; i++)
        a->weights[i] = strcmp(group_of(a, i), group) == 0 ? share : 0;
}

/* The word is known to mean something. */
static void weigh(const char *word, struct axis *a)
{
    const bool average = strcmp(word, "average") == 0;
    const size_t column = cril_words_find(a->s, a->which, word);

    if (average && a->which == 'y')
        weigh_groups(a);
    else if (average || strcmp(word, "plain") == 0)
        weigh_all(a);
    else if (column < a->n)
        a->weights[column] = 1;
    else
        weigh_group(a, word);
}

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a study's points");
}

/* Both axes of a line. Released with free_axis, after an error too. */
static cril_status make_axes(const cril_study_info *s, const cril_study_fit *f, struct axis *x,
                             struct axis *y, cril_error *err)
{
    cril_error why;

    *x = *y = (struct axis){0};
    if (cril_study_check_fit(s, f, &why) != CRIL_OK)
        return cril_fail(err, why.status, "%s: %s", s->path, why.message);
    if (!make_axis(s, 'x', x) || !make_axis(s, 'y', y))
        return no_memory(err);
    weigh(f->x, x);
    weigh(f->y, y);
    return CRIL_OK;
}

double cril_known_with_escapes(const cril_known *k)
{
    return k ? k->value + k->escapes : NAN;
}

/* A row of the table as a coordinate. */
static cril_known coordinate(const struct axis *a, const cril_known *row)
{
    cril_known sum = {.origin = CRIL_ORIGIN_MEASURED, .source = ""};
    struct cril_sum values = {0}, squares = {0};

    for (size_t i = 0; i < a->n; i++) {
        if (a->weights[i] == 0)
            continue;
        if (row[i].origin == CRIL_ORIGIN_NONE)
            return (cril_known){.value = NAN, .se = NAN, .source = ""};
        if (row[i].origin == CRIL_ORIGIN_IMPORTED)
            sum.origin = CRIL_ORIGIN_IMPORTED;
        cril_sum_add(&values, a->weights[i] * cril_known_with_escapes(&row[i]));
        cril_sum_add(&squares, a->weights[i] * row[i].se * (a->weights[i] * row[i].se));
    }
    sum.value = cril_sum_value(&values);
    sum.se = sqrt(cril_sum_value(&squares)); /* NaN: that of a part is not known */
    return sum;
}

cril_status cril_study_coordinates(const cril_study_info *s, const cril_study_table *t,
                                   const cril_study_fit *f, size_t model, cril_known *x,
                                   cril_known *y, cril_error *err)
{
    if (CRIL_LACKS(err, s, t, f))
        return CRIL_ERR_RANGE;
    if (model >= s->n_models)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: has %zu models, none with the index %zu",
                         s->path, s->n_models, model);

    struct axis x_axis, y_axis;
    const cril_status st = make_axes(s, f, &x_axis, &y_axis, err);

    if (st == CRIL_OK && x)
        *x = coordinate(&x_axis, t->bpc + model * t->n_corpora);
    if (st == CRIL_OK && y)
        *y = coordinate(&y_axis, t->score + model * t->n_benchmarks);
    free_axis(&x_axis);
    free_axis(&y_axis);
    return st;
}

/* ---- Points ---- */

static bool make_points(size_t n, cril_study_points *p)
{
    const size_t room = n + 1; /* of nothing, too, there is a pointer */

    *p = (cril_study_points){.x = calloc(room, sizeof(*p->x)),
                             .y = calloc(room, sizeof(*p->y)),
                             .x_se = calloc(room, sizeof(*p->x_se)),
                             .y_se = calloc(room, sizeof(*p->y_se)),
                             .family = calloc(room, sizeof(*p->family)),
                             .model = calloc(room, sizeof(*p->model)),
                             .lacking = calloc(room, sizeof(*p->lacking))};
    return p->x && p->y && p->x_se && p->y_se && p->family && p->model && p->lacking;
}

/* The first model of the study that is of this one's family. */
static uint32_t family_of(const cril_study_info *s, size_t model)
{
    size_t i = 0;

    while (strcmp(s->models[i].family, s->models[model].family) != 0)
        i++;
    return (uint32_t)i;
}

static void place(const cril_study_info *s, const cril_study_table *t, const cril_study_fit *f,
                  const struct axis *x, const struct axis *y, cril_study_points *p)
{
    for (size_t m = 0; m < s->n_models; m++) {
        const cril_known at_x = coordinate(x, t->bpc + m * t->n_corpora),
                         at_y = coordinate(y, t->score + m * t->n_benchmarks);
        const size_t i = p->n;

        if (!cril_study_selects(&s->models[m], f->models, f->n_models))
            continue;
        if (at_x.origin == CRIL_ORIGIN_NONE || at_y.origin == CRIL_ORIGIN_NONE) {
            p->lacking[p->n_lacking++] = m;
            continue;
        }
        p->x[i] = at_x.value;
        p->x_se[i] = at_x.se;
        p->y[i] = at_y.value;
        p->y_se[i] = at_y.se;
        p->family[i] = family_of(s, m);
        p->model[i] = m;
        p->n++;
    }
}

cril_status cril_study_points_get(const cril_study_info *s, const cril_study_table *t,
                                  const cril_study_fit *f, cril_study_points *out, cril_error *err)
{
    if (CRIL_LACKS(err, s, t, f, out))
        return CRIL_ERR_RANGE;

    cril_study_points p = {0};
    struct axis x, y;
    cril_status st = make_axes(s, f, &x, &y, err);

    if (st == CRIL_OK && !make_points(s->n_models, &p))
        st = no_memory(err);
    if (st == CRIL_OK) {
        place(s, t, f, &x, &y, &p);
        *out = p;
    } else {
        cril_study_points_free(&p);
    }
    free_axis(&x);
    free_axis(&y);
    return st;
}

void cril_study_points_free(cril_study_points *p)
{
    if (!p)
        return;
    free(p->x);
    free(p->y);
    free(p->x_se);
    free(p->y_se);
    free(p->family);
    free(p->model);
    free(p->lacking);
    *p = (cril_study_points){0};
}
