/*
 * The items of a benchmark's cell: run, shortened, and kept as they are done. A killed run loses
 * what was done since the last commit, and what was at work.
 *
 * An item's line without its prompt is what the store keeps (store_items.c).
 */
#include "study/benchmark_cell.h"

#include "study/query.h"
#include "study/store.h"
#include "tasks/item_lines.h"
#include "util/clock.h"
#include "util/fail.h"
#include "util/json.h"
#include "util/size.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double commit_sec = 0.25; /* between commits, which wait for the disk */

static cril_status no_memory(const struct cril_benchmark *b, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", b->study->name);
}

/* ---- Which items are known ---- */

/* An item's order among those of a benchmark. */
struct place {
    const char *subject;
    uint64_t index;
    size_t order;
};

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const int subject = strcmp(x->subject, y->subject);

    return subject ? subject : (x->index > y->index) - (x->index < y->index);
}

/* Places [n] in the order in which the store hands out items. */
struct places {
    struct place *place;
    size_t n;
};

static cril_status sort_places(const struct cril_benchmark *b, struct places *out, cril_error *err)
{
    const struct cril_items *items = &b->evaluation.items;

    *out = (struct places){.place = calloc(items->n + 1, sizeof(*out->place)), .n = items->n};
    if (!out->place)
        return no_memory(b, err);
    for (size_t i = 0; i < items->n; i++)
        out->place[i] = (struct place){items->item[i].subject, items->item[i].index, i};
    qsort(out->place, out->n, sizeof(*out->place), by_place);
    return CRIL_OK;
}

/* NULL: the benchmark has no such item. */
static const struct place *find_place(const struct places *p, const cril_store_item *item)
{
    const struct place wanted = {.subject = item->subject, .index = item->index};

    return bsearch(&wanted, p->place, p->n, sizeof(*p->place), by_place);
}

struct marking {
    struct places places;
    bool *known;
};

static cril_status mark(void *user, const cril_store_item *item, cril_error *err)
{
    struct marking *m = user;
    const struct place *p = find_place(&m->places, item);

    if (!p)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "the database holds an item that the data have not; it was changed by "
                         "another program, so restore an earlier copy");
    m->known[p->order] = true;
    return CRIL_OK;
}

cril_status cril_benchmark_known(cril_store *s, const struct cril_benchmark *b,
                                 const cril_item_cell *cell, bool **out, cril_error *err)
{
    struct marking m = {.known = calloc(b->facts.items + 1, sizeof(*m.known))};
    cril_status st = m.known ? sort_places(b, &m.places, err) : no_memory(b, err);

    if (st == CRIL_OK)
        st = cril_store_each_place(s, cell, &b->facts, mark, &m, err);
    free(m.places.place);
    if (st == CRIL_OK)
        *out = m.known;
    else
        free(m.known);
    return st;
}

/* ---- Running ---- */

struct work {
    struct cril_benchmark_cell *c;
    bool *known;           /* [items] in the store or not wanted */
    cril_store_item *done; /* [n_done] whose lines are owned, not in the store yet */
    size_t n_done, capacity;
    double kept_sec;     /* when items were kept last */
    cril_status failure; /* within a callback */
    cril_error why;
};

static void drop(struct work *w)
{
    for (size_t i = 0; i < w->n_done; i++)
        free((void *)(uintptr_t)w->done[i].line);
    w->n_done = 0;
}

static cril_status keep(struct work *w, cril_error *err)
{
    struct cril_benchmark_cell *c = w->c;
    cril_status st;

    if (!w->n_done)
        return CRIL_OK;
    if ((st = c->check(c->user, err)) != CRIL_OK ||
        (st = cril_store_put_items(c->store, &c->cell, w->done, w->n_done, c->benchmark->programs,
                                   err)) != CRIL_OK)
        return st;
    c->n_kept += w->n_done;
    drop(w);
    w->kept_sec = cril_clock_sec();
    return CRIL_OK;
}

/* The line without what follows from task, protocol and data: *out [*n] is owned. */
static cril_status shorten(const struct cril_benchmark *b, const char *line, size_t len, char **out,
                           size_t *n, cril_error *err)
{
    json_t *object;
    cril_status st = cril_json_parse(b->study->name, (const uint8_t *)line, len, &object, err);

    if (st != CRIL_OK)
        return st;
    json_object_del(object, "prompt");
    json_object_del(object, "prompt_ids");
    *out = cril_line_print(object, n);
    json_decref(object);
    return *out ? CRIL_OK : no_memory(b, err);
}

static bool has(void *user, size_t item)
{
    const struct work *w = user;

    return w->known[item];
}

static cril_status add_done(struct work *w, size_t item, const char *line, size_t len,
                            cril_error *err)
{
    const struct cril_benchmark *b = w->c->benchmark;
    const struct cril_item *of = &b->evaluation.items.item[item];
    cril_store_item *done = cril_size_grow(w->done, &w->capacity, w->n_done, 1, sizeof(*done));
    char *text;
    size_t n;
    cril_status st;

    if (!done)
        return no_memory(b, err);
    w->done = done;
    if ((st = shorten(b, line, len, &text, &n, err)) == CRIL_OK)
        done[w->n_done++] = (cril_store_item){of->subject, of->index, text, n};
    return st;
}

static int on_item(void *user, size_t item, const char *line, size_t len)
{
    struct work *w = user;

    w->failure = add_done(w, item, line, len, &w->why);
    if (w->failure == CRIL_OK && cril_clock_sec() - w->kept_sec >= commit_sec)
        w->failure = keep(w, &w->why);
    return w->failure != CRIL_OK;
}

static int on_progress(void *user, const struct cril_evaluation_progress *p)
{
    struct work *w = user;
    const int stop = w->c->on_progress(w->c->user, p);

    if (stop || cril_clock_sec() - w->kept_sec >= commit_sec)
        w->failure = keep(w, &w->why);
    return stop || w->failure != CRIL_OK;
}

/* What is outside the slice counts as known. */
static cril_status list_known(struct work *w, cril_error *err)
{
    const struct cril_benchmark_cell *c = w->c;
    const cril_status st = cril_benchmark_known(c->store, c->benchmark, &c->cell, &w->known, err);

    for (size_t i = 0; st == CRIL_OK && i < c->benchmark->facts.items; i++)
        w->known[i] |= i < c->slice.from || i >= c->slice.to;
    return st;
}

cril_status cril_benchmark_cell_run(struct cril_benchmark_cell *c, cril_model *m, cril_error *err)
{
    struct work w = {.c = c, .kept_sec = cril_clock_sec()};
    const struct cril_evaluation_callbacks callbacks = {
        .user = &w, .has = has, .on_item = on_item, .on_progress = on_progress};
    cril_status st = list_known(&w, err);

    c->n_kept = 0;
    c->is_cells_own = false;
    if (st == CRIL_OK) {
        st = cril_evaluate(&c->benchmark->evaluation, m, c->options, &callbacks, err);
        c->is_cells_own = st != CRIL_OK && w.failure == CRIL_OK;
        if (w.failure != CRIL_OK)
            st = cril_fail(err, w.failure, "%s", w.why.message);
        else if (st == CRIL_OK)
            st = keep(&w, err);
    }
    drop(&w);
    free(w.done);
    free(w.known);
    return st;
}

/* ---- The score ---- */

struct adding {
    struct places places;
    cril_slice slice;
    struct cril_evaluation_sum *sum;
};

static cril_status add(void *user, const cril_store_item *item, cril_error *err)
{
    struct adding *a = user;
    const struct place *p = a->places.n ? find_place(&a->places, item) : NULL;

    if (a->places.n && (!p || p->order < a->slice.from || p->order >= a->slice.to))
        return CRIL_OK;
    return cril_evaluation_sum_add(a->sum, item->line, item->len, err);
}

static bool is_rate(double x)
{
    return isnan(x) || (x >= 0 && isfinite(x));
}

/* What an evaluation can give. */
static bool is_score(const cril_score_of_items *x)
{
    return is_rate(x->value) && !(x->value > 1) && is_rate(x->se) && is_rate(x->bpb) &&
           is_rate(x->bpb_total);
}

static cril_status add_up(cril_store *s, const cril_item_cell *cell, const cril_store_benchmark *b,
                          const struct cril_evaluation *e, struct adding *a,
                          cril_score_of_items *out, cril_error *err)
{
    const cril_eval_score *scores;
    size_t n;
    cril_status st = cril_evaluation_sum_create(e, &a->sum, err);

    *out = (cril_score_of_items){.value = NAN, .se = NAN, .bpb = NAN, .bpb_total = NAN};
    if (st == CRIL_OK)
        st = cril_store_each_item(s, cell, b, add, a, err);
    if (st == CRIL_OK && (scores = cril_evaluation_sum_scores(a->sum, &n)) && n)
        *out = (cril_score_of_items){.items = scores->items,
                                     .errors = scores->errors,
                                     .value = scores->score,
                                     .se = scores->se,
                                     .bpb = scores->bpb,
                                     .bpb_total = scores->bpb_total};
    cril_evaluation_sum_free(a->sum);
    if (st == CRIL_OK && !is_score(out))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: holds items of the task %s whose score is none; they were changed by "
                         "another program, so restore an earlier copy",
                         s->path, cell->task);
    return st;
}

cril_status cril_benchmark_cell_score(const struct cril_benchmark_cell *c, cril_slice slice,
                                      cril_score_of_items *out, cril_error *err)
{
    struct adding a = {.slice = slice};
    cril_status st = sort_places(c->benchmark, &a.places, err);

    if (st == CRIL_OK)
        st = add_up(c->store, &c->cell, &c->benchmark->facts, &c->benchmark->evaluation, &a, out,
                    err);
    free(a.places.place);
    return st;
}

/* Needs no data: lines say all that a figure is made of. */
cril_status cril_store_score(cril_store *s, const cril_item_cell *cell,
                             const cril_store_benchmark *b, cril_score_of_items *out,
                             cril_error *err)
{
    if (CRIL_LACKS(err, s, cell, b, out))
        return CRIL_ERR_RANGE;

    struct cril_evaluation e = {.task = cril_task_find(cell->task)};
    struct adding a = {.sum = NULL};
    cril_status st;

    if (!e.task ||
        cril_task_settings_make(e.task, b->protocol, NULL, &e.settings, NULL) != CRIL_OK ||
        strcmp(e.settings.sha256, cell->protocol_sha256) != 0)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: was measured by a protocol %.60s of the task %s that this cril does "
                         "not have",
                         s->path, b->protocol, cell->task);
    e.name = e.task->name;
    memcpy(e.data_sha256, cell->data_sha256, sizeof(e.data_sha256));
    if ((st = add_up(s, cell, b, &e, &a, out, err)) == CRIL_OK && !out->items)
        return cril_fail(err, CRIL_ERR_EMPTY, "%s: no item is known; run the study", s->path);
    return st;
}
