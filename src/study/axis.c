/*
 * What a study's words mean: which models they choose, which numbers of a model make a coordinate.
 *
 * An axis is a weight for each corpus, or benchmark: a coordinate is the weighted sum, its standard error the root of the
 * weighted sum of squares. So a mean of means needs no more code than a single corpus.
 */
#include <cril/study.h>

#include "util/fail.h"
#include "util/size.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Models ---- */

static bool names_model(const cril_study_model *m, const char *word)
{
    if (strcmp(m->name, word) == 0 || strcmp(m->family, word) == 0)
        return true;
    for (size_t i = 0; i < m->n_tags; i++)
        if (strcmp(m->tags[i], word) == 0)
            return true;
    return false;
}

/* Sets chosen for all models that the word names; whether there are any. */
static bool set_named(const cril_study_info *s, const char *word, bool value, bool *chosen)
{
    bool any = false;

    for (size_t i = 0; i < s->n_models; i++)
        if (names_model(&s->models[i], word)) {
            chosen[i] = value;
            any = true;
        }
    return any;
}

cril_status cril_study_select(const cril_study *study, const char *const *words, size_t n, bool *chosen,
                              cril_error *err)
{
    const cril_study_info *s = cril_study_info_of(study);
    bool all = true;

    for (size_t k = 0; k < n; k++)
        all = all && words[k][0] == '-';
    for (size_t i = 0; i < s->n_models; i++)
        chosen[i] = all;
    for (int out = 0; out < 2; out++) /* what is left out is left out, wherever it stands */
        for (size_t k = 0; k < n; k++)
            if ((words[k][0] == '-') == out && !set_named(s, words[k] + out, !out, chosen))
                return cril_fail(err, CRIL_ERR_RANGE, "%s: has no model, family or tag \"%s\"", s->path, words[k] + out);
    return CRIL_OK;
}

/* ---- Axes ---- */

/* A column of the table: a corpus or a benchmark. */
struct column {
    const char *name, *group;
};

struct axis {
    struct column *columns; /* [n] */
    double *weights;        /* [n]; 0: not needed */
    size_t n;
};

static void free_axis(struct axis *a)
{
    free(a->columns);
    free(a->weights);
}

static bool make_axis(size_t n, struct axis *a)
{
    *a = (struct axis){ .n = n, .columns = calloc(n + 1, sizeof(*a->columns)), .weights = calloc(n + 1, sizeof(double)) };
    return a->columns && a->weights;
}

static size_t count_group(const struct axis *a, const char *group)
{
    size_t n = 0;

    for (size_t i = 0; i < a->n; i++)
        n += strcmp(a->columns[i].group, group) == 0;
    return n;
}

static size_t count_groups(const struct axis *a)
{
    size_t n = 0;

    for (size_t i = 0; i < a->n; i++) {
        size_t k = 0;

        while (strcmp(a->columns[k].group, a->columns[i].group) != 0)
            k++;
        n += k == i;
    }
    return n;
}

/* The columns of one group, or of all (NULL), alike. */
static void weigh_alike(struct axis *a, const char *group)
{
    const size_t n = group ? count_group(a, group) : a->n;

    for (size_t i = 0; i < a->n; i++)
        if (!group || strcmp(a->columns[i].group, group) == 0)
            a->weights[i] = 1 / (double)n;
}

/* Groups alike, and columns within each. */
static void weigh_groups(struct axis *a)
{
    const double share = 1 / (double)count_groups(a);

    for (size_t i = 0; i < a->n; i++)
        a->weights[i] = share / (double)count_group(a, a->columns[i].group);
}

static bool weigh_column(struct axis *a, const char *name)
{
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->columns[i].name, name) == 0) {
            a->weights[i] = 1;
            return true;
        }
    return false;
}

/* Columns, then groups, as "a, b, c". */
static void list_words(const struct axis *a, const char *first, char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "%s", first);

    for (size_t i = 0; i < a->n && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, ", %s", a->columns[i].name);
    for (size_t i = 0; i < a->n && at < size; i++) {
        size_t k = 0;

        while (strcmp(a->columns[k].group, a->columns[i].group) != 0)
            k++;
        if (k == i && strcmp(a->columns[i].group, a->columns[i].name) != 0)
            at += (size_t)snprintf(out + at, size - at, ", %s", a->columns[i].group);
    }
}

static cril_status unknown(const cril_study_info *s, const struct axis *a, const char *which, const char *word,
                           const char *first, cril_error *err)
{
    char words[512];

    if (!a->n)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: has nothing for %s; name %s in it", s->path, which,
                         which[0] == 'x' ? "corpora" : "benchmarks");
    list_words(a, first, words, sizeof(words));
    return cril_fail(err, CRIL_ERR_RANGE, "%s: \"%s\" is nothing that %s can be; choose among %s", s->path, word, which,
                     words);
}

static cril_status weigh(const cril_study_info *s, const char *which, const char *word, struct axis *a, cril_error *err)
{
    const bool is_y = which[0] == 'y';

    if (a->n && strcmp(word, "average") == 0 && is_y)
        weigh_groups(a);
    else if (a->n && (strcmp(word, "average") == 0 || (is_y && strcmp(word, "plain") == 0)))
        weigh_alike(a, NULL);
    else if (!weigh_column(a, word)) {
        if (!count_group(a, word))
            return unknown(s, a, which, word, is_y ? "average, plain" : "average", err);
        weigh_alike(a, word);
    }
    return CRIL_OK;
}

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a study's points");
}

static cril_status make_x(const cril_study_info *s, const char *word, struct axis *a, cril_error *err)
{
    if (!make_axis(s->n_corpora, a))
        return no_memory(err);
    for (size_t i = 0; i < a->n; i++)
        a->columns[i] = (struct column){ s->corpora[i].name, s->corpora[i].group };
    return weigh(s, "x", word, a, err);
}

static cril_status make_y(const cril_study_info *s, const char *word, struct axis *a, cril_error *err)
{
    if (!make_axis(s->n_benchmarks, a))
        return no_memory(err);
    for (size_t i = 0; i < a->n; i++)
        a->columns[i] = (struct column){ s->benchmarks[i].name, s->benchmarks[i].group };
    return weigh(s, "y", word, a, err);
}

/* A row of the table as a coordinate. */
static cril_known coordinate(const struct axis *a, const cril_known *row)
{
    cril_known sum = { .origin = CRIL_ORIGIN_MEASURED, .source = "" };
    double squares = 0;
    bool certain = true;

    for (size_t i = 0; i < a->n; i++) {
        if (a->weights[i] == 0)
            continue;
        if (row[i].origin == CRIL_ORIGIN_NONE)
            return (cril_known){ .value = NAN, .source = "" };
        if (row[i].origin == CRIL_ORIGIN_IMPORTED)
            sum.origin = CRIL_ORIGIN_IMPORTED;
        sum.value += a->weights[i] * row[i].value;
        squares += a->weights[i] * row[i].se * (a->weights[i] * row[i].se);
        certain = certain && row[i].se > 0;
    }
    sum.se = certain ? sqrt(squares) : 0;
    return sum;
}

cril_status cril_study_x(const cril_study *study, const cril_study_table *t, const char *x, size_t model, cril_known *out,
                         cril_error *err)
{
    struct axis a;
    cril_status st = make_x(cril_study_info_of(study), x, &a, err);

    if (st == CRIL_OK)
        *out = coordinate(&a, t->bpc + model * t->n_corpora);
    free_axis(&a);
    return st;
}

cril_status cril_study_y(const cril_study *study, const cril_study_table *t, const char *y, size_t model, cril_known *out,
                         cril_error *err)
{
    struct axis a;
    cril_status st = make_y(cril_study_info_of(study), y, &a, err);

    if (st == CRIL_OK)
        *out = coordinate(&a, t->score + model * t->n_benchmarks);
    free_axis(&a);
    return st;
}

/* ---- Points ---- */

static bool make_points(size_t n, cril_study_points *p)
{
    const size_t room = n + 1; /* of nothing, too, there is a pointer */

    *p = (cril_study_points){ .x = calloc(room, sizeof(*p->x)), .y = calloc(room, sizeof(*p->y)),
                              .x_se = calloc(room, sizeof(*p->x_se)), .y_se = calloc(room, sizeof(*p->y_se)),
                              .family = calloc(room, sizeof(*p->family)), .model = calloc(room, sizeof(*p->model)),
                              .lacking = calloc(room, sizeof(*p->lacking)) };
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

static void place(const cril_study_info *s, const cril_study_table *t, const struct axis *x, const struct axis *y,
                  const bool *chosen, cril_study_points *p)
{
    for (size_t m = 0; m < s->n_models; m++) {
        const cril_known across = coordinate(x, t->bpc + m * t->n_corpora), up = coordinate(y, t->score + m * t->n_benchmarks);
        const size_t i = p->n;

        if (!chosen[m])
            continue;
        if (across.origin == CRIL_ORIGIN_NONE || up.origin == CRIL_ORIGIN_NONE) {
            p->lacking[p->n_lacking++] = m;
            continue;
        }
        p->x[i] = across.value;
        p->x_se[i] = across.se;
        p->y[i] = up.value;
        p->y_se[i] = up.se;
        p->family[i] = family_of(s, m);
        p->model[i] = m;
        p->n++;
    }
}

cril_status cril_study_points_get(const cril_study *study, const cril_study_table *t, const char *x, const char *y,
                                  const char *const *models, size_t n_models, cril_study_points *out, cril_error *err)
{
    const cril_study_info *s = cril_study_info_of(study);
    struct axis across = { 0 }, up = { 0 };
    cril_study_points p;
    bool *chosen = calloc(s->n_models + 1, sizeof(*chosen));
    cril_status st;

    if (!make_points(s->n_models, &p) || !chosen)
        st = no_memory(err);
    else if ((st = make_x(s, x, &across, err)) == CRIL_OK && (st = make_y(s, y, &up, err)) == CRIL_OK &&
             (st = cril_study_select(study, models, n_models, chosen, err)) == CRIL_OK)
        place(s, t, &across, &up, chosen, &p);
    free_axis(&across);
    free_axis(&up);
    free(chosen);
    if (st == CRIL_OK)
        *out = p;
    else
        cril_study_points_free(&p);
    return st;
}

void cril_study_points_free(cril_study_points *p)
{
    free(p->x);
    free(p->y);
    free(p->x_se);
    free(p->y_se);
    free(p->family);
    free(p->model);
    free(p->lacking);
    *p = (cril_study_points){ 0 };
}
