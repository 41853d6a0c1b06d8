/*
 * The order of the work: choices and texts alone in blocks of many items, in file order, so that
 * items of a subject, which begin alike, are together; then generations. Requests have no order of
 * their own and are sorted by context.
 */
#include "tasks/evaluate.h"

#include "tasks/evaluating.h"
#include "tasks/item_lines.h"
#include "util/clock.h"
#include "util/fail.h"

#include <stdlib.h>
#include <string.h>

/* ---- Opening ---- */

cril_status cril_evaluation_open_task(const struct cril_task *t, const char *protocol,
                                      const struct cril_task_overrides *o, const char *data,
                                      uint64_t limit, struct cril_evaluation *out, cril_error *err)
{
    struct cril_evaluation e = {.task = t, .name = t->name};
    char *folder = NULL;
    cril_status st = cril_task_settings_make(t, protocol, o, &e.settings, err);

    if (st == CRIL_OK)
        st = cril_task_folder(t, data, &folder, err);
    if (st == CRIL_OK)
        st = cril_task_sha256(t, &e.settings, folder, e.data_sha256, err);
    if (st == CRIL_OK)
        st = t->load(t, &e.settings, folder, limit, &e.items, err);
    if (st == CRIL_OK && !e.items.n)
        st = cril_fail(err, CRIL_ERR_EMPTY, "%s: holds no item of %s", folder, t->name);
    free(folder);
    if (st != CRIL_OK) {
        cril_evaluation_free(&e);
        return st;
    }
    *out = e;
    /* the settings' name moved with them */
    out->settings.protocol.name = out->settings.name;
    return CRIL_OK;
}

void cril_evaluation_free(struct cril_evaluation *e)
{
    cril_items_free(&e->items);
    *e = (struct cril_evaluation){0};
}

/* ---- Handing out ---- */

cril_status cril_evaluating_no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory while an evaluation runs");
}

cril_status cril_evaluating_report(struct cril_evaluating *v, cril_error *err)
{
    v->progress.seconds = cril_clock_sec() - v->start_sec;
    if (v->callbacks && v->callbacks->on_progress &&
        v->callbacks->on_progress(v->callbacks->user, &v->progress))
        return cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
    return CRIL_OK;
}

json_t *cril_evaluating_begin(const struct cril_evaluating *v, const struct cril_item *item,
                              const int32_t *ids, size_t n, size_t cut)
{
    json_t *line = cril_line_begin(v->e, item);

    if (line && cril_line_add_prompt(line, item, ids, n, cut) && cril_line_add_gold(line, item))
        return line;
    json_decref(line);
    return NULL;
}

cril_status cril_evaluating_deliver(struct cril_evaluating *v, size_t item, json_t *line,
                                    cril_error *err)
{
    size_t len = 0;
    char *text = line ? cril_line_print(line, &len) : NULL;
    int stop = 0;

    json_decref(line);
    if (!text)
        return cril_evaluating_no_memory(err);
    v->progress.items_done++;
    if (v->callbacks && v->callbacks->on_item)
        stop = v->callbacks->on_item(v->callbacks->user, item, text, len);
    free(text);
    return stop ? cril_fail(err, CRIL_ERR_CANCELLED, "stopped") : cril_evaluating_report(v, err);
}

cril_status cril_evaluating_refuse(struct cril_evaluating *v, size_t item, json_t *line,
                                   const struct cril_fault *fault, cril_error *err)
{
    if (line && !cril_line_set_text(line, "error", fault->text, strlen(fault->text))) {
        json_decref(line);
        line = NULL;
    }
    return cril_evaluating_deliver(v, item, line, err);
}

/* ---- Order ---- */

/* Places of items [n] that are not known yet, generations last. */
struct todo {
    size_t *item;
    size_t n, n_scored; /* those before are scored, the others are generations */
};

struct request {
    struct cril_bytes context;
    size_t item;
};

static int by_context(const void *a, const void *b)
{
    const struct request *x = a, *y = b;
    const int order = cril_bytes_compare(x->context, y->context);

    return order ? order : (x->item > y->item) - (x->item < y->item);
}

static cril_status sort_requests(const struct cril_items *items, size_t *item, size_t n,
                                 cril_error *err)
{
    struct request *r = calloc(n + 1, sizeof(*r));

    if (!r)
        return cril_evaluating_no_memory(err);
    for (size_t i = 0; i < n; i++)
        r[i] = (struct request){items->item[item[i]].context, item[i]};
    qsort(r, n, sizeof(*r), by_context);
    for (size_t i = 0; i < n; i++)
        item[i] = r[i].item;
    free(r);
    return CRIL_OK;
}

static cril_status list_todo(const struct cril_evaluating *v, struct todo *t, cril_error *err)
{
    const struct cril_evaluation_callbacks *c = v->callbacks;
    const size_t n = v->e->items.n;

    *t = (struct todo){.item = calloc(n + 1, sizeof(*t->item))};
    if (!t->item)
        return cril_evaluating_no_memory(err);
    for (int generated = 0; generated < 2; generated++) {
        for (size_t i = 0; i < n; i++)
            if ((v->e->items.item[i].kind == CRIL_ITEM_GENERATION) == generated &&
                !(c && c->has && c->has(c->user, i)))
                t->item[t->n++] = i;
        if (!generated)
            t->n_scored = t->n;
    }
    return v->e->task ? CRIL_OK : sort_requests(&v->e->items, t->item, t->n_scored, err);
}

/* ---- Running ---- */

static cril_status score_items(struct cril_evaluating *v, const size_t *items, size_t n,
                               cril_error *err)
{
    struct cril_scoring *s = NULL;
    cril_status st = n ? cril_scoring_create(v, &s, err) : CRIL_OK;

    for (size_t i = 0; i < n && st == CRIL_OK; i++) {
        st = cril_scoring_add(s, items[i], NULL, err);
        if (st == CRIL_OK && (i + 1 == n || cril_scoring_is_full(s)))
            st = cril_scoring_run(s, err);
    }
    cril_scoring_free(s);
    return st;
}

static cril_status check(const struct cril_evaluation *e, const struct cril_evaluation_options *o,
                         cril_error *err)
{
    if (e->task && e->task->program && !o->sandbox && !o->dry_run)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: its answers are programs, which run in a sandbox only; there is none",
                         e->name);
    return CRIL_OK;
}

static cril_status run(struct cril_evaluating *v, cril_error *err)
{
    struct todo t = {0};
    cril_status st = list_todo(v, &t, err);

    if (st == CRIL_OK) {
        v->progress.items = t.n;
        st = score_items(v, t.item, t.n_scored, err);
    }
    if (v->options->memory_bytes)
        cril_evaluating_free_scorer(v);
    if (st == CRIL_OK && t.n > t.n_scored)
        st = cril_evaluating_generate(v, t.item + t.n_scored, t.n - t.n_scored, err);
    if (v->windower.saw_control && v->callbacks && v->callbacks->on_control)
        v->callbacks->on_control(v->callbacks->user, v->windower.control);
    free(t.item);
    return st;
}

cril_status cril_evaluate(const struct cril_evaluation *e, cril_model *m,
                          const struct cril_evaluation_options *options,
                          const struct cril_evaluation_callbacks *callbacks, cril_error *err)
{
    struct cril_evaluating v = {.e = e,
                                .model = m,
                                .options = options,
                                .callbacks = callbacks,
                                .start_sec = cril_clock_sec()};
    cril_status st = check(e, options, err);

    if (st == CRIL_OK)
        st = cril_windower_init(&v.windower, m, &e->settings.protocol, options->no_bos,
                                options->special, err);
    if (st == CRIL_OK)
        st = run(&v, err);
    cril_windower_free(&v.windower);
    cril_scorer_free(v.scorer);
    return st;
}
