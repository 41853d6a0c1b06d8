/*
 * AUC and true positives at few false ones, with bootstrap intervals (separation.h).
 *
 * Documents are sorted once, into groups of one figure. A resample is then two counts a group, and
 * its three statistics come of one walk from the largest figure down: all of it in integers but for
 * the last division, so the same everywhere.
 */
#include <cril/separation.h>

#include "stats/quantile.h"
#include "util/fail.h"
#include "util/random.h"
#include "util/size.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SET, CONTROL, N_SETS };
enum { AUC, TPR_1, TPR_5, N_STATISTICS };

struct place {
    double value;
    uint32_t document; /* of its set */
    uint32_t set;
};

struct ranks {
    size_t n[N_SETS];
    uint32_t *group[N_SETS]; /* [n] of each document, 0 the largest figure */
    uint32_t *count[N_SETS]; /* [n_groups] of the resample at hand */
    size_t n_groups;
};

static int from_largest(const void *a, const void *b)
{
    const double x = ((const struct place *)a)->value, y = ((const struct place *)b)->value;

    return (x < y) - (x > y);
}

static void free_ranks(struct ranks *r)
{
    for (int s = 0; s < N_SETS; s++) {
        free(r->group[s]);
        free(r->count[s]);
    }
}

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "separation: out of memory");
}

static cril_status rank(const double *const values[N_SETS], struct ranks *r, cril_error *err)
{
    const size_t n = r->n[SET] + r->n[CONTROL];
    struct place *places = calloc(n, sizeof(*places));
    size_t at = 0;

    for (int s = 0; s < N_SETS; s++) {
        r->group[s] = calloc(r->n[s], sizeof(*r->group[s]));
        r->count[s] = calloc(n, sizeof(*r->count[s]));
        if (!places || !r->group[s] || !r->count[s]) {
            free(places);
            return no_memory(err);
        }
        for (size_t i = 0; i < r->n[s]; i++)
            places[at++] = (struct place){values[s][i], (uint32_t)i, (uint32_t)s};
    }
    qsort(places, n, sizeof(*places), from_largest);
    for (size_t i = 0; i < n; i++) {
        r->n_groups += i == 0 || places[i].value != places[i - 1].value;
        r->group[places[i].set][places[i].document] = (uint32_t)(r->n_groups - 1);
    }
    free(places);
    return CRIL_OK;
}

/* A walk from the largest figure down, over the counts. */
static void measure(const struct ranks *r, double out[N_STATISTICS])
{
    const uint64_t n_set = r->n[SET], n_control = r->n[CONTROL];
    uint64_t above[N_SETS] = {0}, halves = 0; /* twice the pairs that the set wins */

    out[TPR_1] = out[TPR_5] = 0;
    for (size_t g = 0; g < r->n_groups; g++) {
        const uint64_t set = r->count[SET][g], control = r->count[CONTROL][g];

        above[CONTROL] += control;
        above[SET] += set;
        halves += set * (2 * (n_control - above[CONTROL]) + control);
        if (100 * above[CONTROL] <= n_control)
            out[TPR_1] = (double)above[SET] / (double)n_set;
        if (20 * above[CONTROL] <= n_control)
            out[TPR_5] = (double)above[SET] / (double)n_set;
    }
    out[AUC] = (double)halves / 2 / (double)n_set / (double)n_control;
}

static void draw(struct ranks *r, struct cril_random *g)
{
    for (int s = 0; s < N_SETS; s++) {
        memset(r->count[s], 0, r->n_groups * sizeof(*r->count[s]));
        for (size_t i = 0; i < r->n[s]; i++)
            r->count[s][r->group[s][cril_random_below(g, (uint32_t)r->n[s])]]++;
    }
}

static void set_interval(const double *sorted, const cril_interval *wanted, cril_interval *out)
{
    const double tail = (1 - wanted->level) / 2;

    *out = *wanted;
    out->low = cril_quantile(sorted, wanted->resamples, tail);
    out->high = cril_quantile(sorted, wanted->resamples, 1 - tail);
}

static cril_status resample(struct ranks *r, const cril_interval *wanted, cril_separation *out,
                            cril_error *err)
{
    cril_interval *const intervals[N_STATISTICS] = {
        [AUC] = &out->auc_interval, [TPR_1] = &out->tpr_1_interval, [TPR_5] = &out->tpr_5_interval};
    struct cril_random g = cril_random_seed(wanted->seed);
    const size_t n = wanted->resamples;
    double *drawn = NULL, one[N_STATISTICS];
    size_t bytes;

    if (cril_size_mul(n, N_STATISTICS * sizeof(*drawn), &bytes))
        drawn = malloc(bytes);
    if (!drawn)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        draw(r, &g);
        measure(r, one);
        for (size_t k = 0; k < N_STATISTICS; k++)
            drawn[k * n + i] = one[k];
    }
    for (size_t k = 0; k < N_STATISTICS; k++) {
        cril_sort(drawn + k * n, n);
        set_interval(drawn + k * n, wanted, intervals[k]);
    }
    free(drawn);
    return CRIL_OK;
}

static cril_status check(const double *values, size_t n, const char *name, cril_error *err)
{
    if (!n)
        return cril_fail(err, CRIL_ERR_RANGE, "separation: the %s has no document", name);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return cril_fail(err, CRIL_ERR_RANGE,
                             "separation: document %zu of the %s has the figure %g; need finite "
                             "ones",
                             i, name, values[i]);
    return CRIL_OK;
}

cril_status cril_separate(const double *set, size_t n_set, const double *control, size_t n_control,
                          const cril_interval *wanted, cril_separation *out, cril_error *err)
{
    if (CRIL_LACKS(err, wanted, out) || (n_set && CRIL_LACKS(err, set)) ||
        (n_control && CRIL_LACKS(err, control)))
        return CRIL_ERR_RANGE;

    const double *const values[N_SETS] = {[SET] = set, [CONTROL] = control};
    struct ranks r = {.n = {[SET] = n_set, [CONTROL] = n_control}};
    cril_separation found = {0};
    double figures[N_STATISTICS];
    cril_status st;

    if (n_set > UINT32_MAX || n_control > UINT32_MAX - n_set)
        return cril_fail(err, CRIL_ERR_RANGE, "separation: more than %u documents", UINT32_MAX);
    if (!(wanted->level > 0 && wanted->level < 1) || wanted->resamples < 1)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "separation: level %g with %zu resamples; need a level between 0 and 1, "
                         "and a resample",
                         wanted->level, wanted->resamples);
    if ((st = check(set, n_set, "first set", err)) != CRIL_OK ||
        (st = check(control, n_control, "control", err)) != CRIL_OK)
        return st;
    if ((st = rank(values, &r, err)) == CRIL_OK) {
        for (int s = 0; s < N_SETS; s++)
            for (size_t i = 0; i < r.n[s]; i++)
                r.count[s][r.group[s][i]]++;
        measure(&r, figures);
        found.auc = figures[AUC];
        found.tpr_1 = figures[TPR_1];
        found.tpr_5 = figures[TPR_5];
        if (n_set > 1 && n_control > 1)
            st = resample(&r, wanted, &found, err);
    }
    free_ranks(&r);
    if (st == CRIL_OK)
        *out = found;
    return st;
}
