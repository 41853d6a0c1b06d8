/*
 * Which items of a database belong to a study's benchmarks as they are now.
 *
 * Task, protocol and limit are in the study file; which data they are is told by the stamp of their
 * files, or else by reading them, as current.c has it for models and corpora. How many items a
 * limit takes of the data is known once a run has read them.
 */
#include "study/benchmark.h"
#include "study/current.h"
#include "study/store.h"

#include "util/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Data ---- */

static cril_status hash_data(const cril_study_benchmark *b, const struct cril_task *t,
                             const struct cril_task_settings *settings, char sha256[65],
                             cril_error *err)
{
    char *folder = NULL;
    cril_status st = cril_task_folder(t, b->data, &folder, err);

    if (st == CRIL_OK)
        st = cril_task_sha256(t, settings, folder, sha256, err);
    free(folder);
    return st;
}

/* The hash of the data; "" where it is not known, which it is without reading where nothing was
 * measured of this name. */
static cril_status identify(const cril_current *c, const cril_study_benchmark *b, bool is_worth,
                            const struct cril_task *t, const struct cril_task_settings *settings,
                            char sha256[65], cril_error *err)
{
    uint64_t stamp;
    cril_error why;
    cril_status st = cril_benchmark_stamp(b, &stamp, &why);

    sha256[0] = '\0';
    if (st == CRIL_OK && stamp) {
        const cril_status found = cril_store_find_stamp(c->store, stamp, sha256, err);

        if (found != CRIL_OK)
            return found;
    }
    if (st == CRIL_OK && !sha256[0] && is_worth)
        st = hash_data(b, t, settings, sha256, &why);
    if (st == CRIL_ERR_NOMEM)
        return cril_fail(err, st, "%s", why.message);
    if (st != CRIL_OK)
        sha256[0] = '\0'; /* they are not such data any more */
    return CRIL_OK;
}

static void say_change(struct cril_benchmark_now *now, const cril_store_benchmark *want)
{
    const cril_store_benchmark *was = &now->before;

    if (strcmp(was->task, want->task) != 0)
        snprintf(now->why, sizeof(now->why), "the task was %s and is %s", was->task, want->task);
    else if (strcmp(was->protocol, want->protocol) != 0)
        snprintf(now->why, sizeof(now->why), "the protocol was \"%.50s\" and is \"%.50s\"",
                 was->protocol, want->protocol);
    else if (strcmp(was->protocol_sha256, want->protocol_sha256) != 0)
        snprintf(now->why, sizeof(now->why),
                 "it is by another version of the protocol %.50s than this cril has",
                 was->protocol);
    else if (strcmp(was->data_sha256, want->data_sha256) != 0)
        snprintf(now->why, sizeof(now->why), "the benchmark's data have changed");
    else
        cril_say_limits(was->limit, want->limit, now->why, sizeof(now->why));
}

/* What the study file says of a benchmark, with the hash of its data. False: names that no run
 * takes. */
static bool set_facts(const cril_study_benchmark *b, const struct cril_task *t,
                      const struct cril_task_settings *settings, cril_store_benchmark *out)
{
    if (strlen(t->name) >= sizeof(out->task) || strlen(settings->name) >= sizeof(out->protocol))
        return false;
    strcpy(out->task, t->name);
    strcpy(out->protocol, settings->name);
    memcpy(out->protocol_sha256, settings->sha256, sizeof(out->protocol_sha256));
    out->limit = b->limit;
    return true;
}

cril_status cril_current_look_at_benchmark(cril_current *c, size_t i, cril_error *err)
{
    const cril_study_benchmark *b = &c->study->benchmarks[i];
    struct cril_benchmark_now *now = &c->benchmarks[i];
    cril_store_benchmark want = {.limit = 0};
    struct cril_task_settings settings;
    const struct cril_task *t;
    cril_status st =
        cril_store_find_benchmark(c->store, b->name, &now->before, &now->has_before, err);

    if (st != CRIL_OK || (!b->data && !now->has_before))
        return st;
    if (!b->data) {
        now->facts = now->before;
        now->known = true;
        now->has_before = false;
        return CRIL_OK;
    }
    if (cril_benchmark_settings(b, &t, &settings, NULL) != CRIL_OK ||
        !set_facts(b, t, &settings, &want))
        return CRIL_OK;
    if ((st = identify(c, b, now->has_before, t, &settings, want.data_sha256, err)) != CRIL_OK)
        return st;
    if (want.data_sha256[0] && ((st = cril_store_benchmark_id(&want, err)) != CRIL_OK ||
                                (st = cril_store_benchmark_by_id(c->store, want.id, &now->facts,
                                                                 &now->known, err)) != CRIL_OK))
        return st;
    now->has_before =
        now->has_before && (!now->known || strcmp(now->before.id, now->facts.id) != 0);
    if (now->has_before)
        say_change(now, &want);
    return CRIL_OK;
}

bool cril_current_benchmark(const cril_current *c, size_t benchmark, cril_store_benchmark *out)
{
    if (!c || !out || benchmark >= c->study->n_benchmarks || !c->benchmarks[benchmark].known)
        return false;
    *out = c->benchmarks[benchmark].facts;
    return true;
}

/* ---- Cells ---- */

static bool is_same_but_version(const cril_item_cell *a, const cril_item_cell *b)
{
    return strcmp(a->model, b->model) == 0 && strcmp(a->task, b->task) == 0 &&
           strcmp(a->protocol_sha256, b->protocol_sha256) == 0 &&
           strcmp(a->data_sha256, b->data_sha256) == 0;
}

/* Newer rules first. */
static bool is_better(const cril_item_cell *a, const cril_item_cell *b)
{
    return a->rules != b->rules ? a->rules > b->rules : a->numerics > b->numerics;
}

/* Of the complete cells of a model and a benchmark the one to show as out of date. now: the cell
 * that is current, and not such a one; NULL: none is. */
static cril_status find_old(cril_current *c, const cril_store_model *m,
                            const cril_store_benchmark *b, const cril_item_cell *now,
                            cril_score_state *out, cril_error *err)
{
    cril_item_cell like;

    cril_item_cell_of(m, b, &like);
    for (size_t i = 0; i < c->n_item_cells; i++) {
        const cril_item_cell *old = &c->item_cells[i];
        uint64_t n;
        cril_status st;

        if (!is_same_but_version(old, &like) ||
            (now && old->rules == now->rules && old->numerics == now->numerics) ||
            (out->out_of_date && !is_better(old, &out->old_cell)))
            continue;
        if ((st = cril_store_count_items(c->store, old, b, &n, err)) != CRIL_OK)
            return st;
        if (n != b->items)
            continue;
        out->out_of_date = true;
        out->old_cell = *old;
        out->old_benchmark = *b;
    }
    return CRIL_OK;
}

static void say_version(const cril_item_cell *old, const cril_item_cell *now, char why[200])
{
    const bool rules = old->rules != now->rules;

    snprintf(why, 200, "it is by version %d of the %s, this cril has %d",
             rules ? old->rules : old->numerics, rules ? "scoring rules" : "numeric contract",
             rules ? now->rules : now->numerics);
}

cril_status cril_current_score(cril_current *c, size_t model, size_t benchmark,
                               cril_score_state *out, cril_error *err)
{
    if (CRIL_LACKS(err, c, out))
        return CRIL_ERR_RANGE;

    const struct cril_model_now *m = &c->models[model];
    const struct cril_benchmark_now *b = &c->benchmarks[benchmark];
    const bool changed = m->has_before || b->has_before;
    cril_status st;

    *out = (cril_score_state){.known = m->known && b->known};
    if (b->known)
        out->benchmark = b->facts;
    if (out->known) {
        cril_item_cell_of(&m->facts, &b->facts, &out->cell);
        if ((st = cril_store_count_items(c->store, &out->cell, &b->facts, &out->done, err)) !=
            CRIL_OK)
            return st;
        if ((out->complete = out->done == b->facts.items))
            return CRIL_OK;
    }
    if ((!m->known && !m->has_before) || (!b->known && !b->has_before))
        return CRIL_OK;
    if ((st = find_old(c, m->has_before ? &m->before : &m->facts,
                       b->has_before ? &b->before : &b->facts, changed ? NULL : &out->cell, out,
                       err)) != CRIL_OK ||
        !out->out_of_date)
        return st;
    if (m->has_before)
        snprintf(out->why, sizeof(out->why), "the model's file has changed");
    else if (b->has_before)
        snprintf(out->why, sizeof(out->why), "%s", b->why);
    else
        say_version(&out->old_cell, &out->cell, out->why);
    return CRIL_OK;
}
