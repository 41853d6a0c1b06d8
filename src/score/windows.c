/*
 * Many sequences through the engine: sorted, so that those with a common beginning stand together,
 * cut into batches, and in each batch as a tree of windows (tree.h), of which a common beginning is
 * one.
 */
#include "score/scorer.h"
#include "score/tree.h"

#include "model/engine.h"
#include "model/model.h"
#include "util/fail.h"
#include "util/memory.h"
#include "util/size.h"

#include <stdlib.h>
#include <string.h>

/* Where memory has no bound, states may take so many times the rows of a batch: windows that go on
 * from others have few rows, but whole panels of states. */
enum { PADDING = 6 };

struct work {
    cril_model *model;
    struct cril_engine *engine;
    bool shared; /* beginnings are */
    size_t max_rows, max_padded;
    const cril_score_window **sorted; /* [n] */
    size_t done;
    struct cril_tree tree;
    struct cril_window *windows; /* [tree.n] */
    size_t windows_size;
    bool details;                /* a sequence of the batch at work wants is_top */
    struct cril_memory detailed; /* cril_token_details of its scored tokens, one sequence after
                                    another */
    uint64_t rows, batch_rows;   /* that went through the model; of the batch at work */
    int (*on_windows)(void *user, size_t done, uint64_t rows);
    void *user;
};

static cril_status no_memory(const struct work *k, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for a batch of sequences",
                     cril_model_path(k->model));
}

static cril_status check(const cril_model *m, const cril_score_window *w, cril_error *err)
{
    const size_t max = cril_model_max_window(m);
    if (w->n < 2 || w->n - 1 > max)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: %zu tokens do not fit one window; give 2 to %zu",
                         cril_model_path(m), w->n, max + 1);
    if (w->first < 1 || w->first >= w->n)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: of %zu tokens, those from token %zu on are to be scored; give 1 to "
                         "%zu",
                         cril_model_path(m), w->n, w->first, w->n - 1);
    return CRIL_OK;
}

/* How many of the sorted sequences from `done` on make a batch. */
static size_t next_batch(const struct work *k, size_t n)
{
    size_t rows = 0, padded = 0, i = k->done;
    for (; i < n; i++) {
        const cril_score_window *w = k->sorted[i];
        const size_t common = k->shared && i > k->done ? cril_tree_common(k->sorted[i - 1], w) : 0;
        rows += w->n - 1 - common;
        padded += cril_engine_window_rows(common, w->n - 1 - common) +
                  (common ? cril_engine_window_rows(0, 1) : 0); /* an inner node may end there */
        if (i > k->done && (rows > k->max_rows || padded > k->max_padded))
            break;
    }
    return i - k->done;
}

/* Room for details of the tokens that the sequences score, where one of these wants any. */
static bool reserve_details(struct work *k, const cril_score_window *const *w, size_t n)
{
    size_t scored = 0;
    k->details = false;
    for (size_t i = 0; i < n; i++) {
        k->details = k->details || w[i]->is_top;
        scored += w[i]->n - w[i]->first;
    }
    return !k->details || cril_memory_reserve(&k->detailed, scored, sizeof(cril_token_details));
}

/* Which tokens of the sequences are the most likely ids. */
static void take_tops(const struct work *k, const cril_score_window *const *w, size_t n)
{
    const cril_token_details *d = k->detailed.data;
    for (size_t i = 0; k->details && i < n; i++)
        for (size_t t = 0; t < w[i]->n - w[i]->first; t++, d++)
            if (w[i]->is_top)
                w[i]->is_top[t] = d->rank == 1;
}

/* Sequences [n] as windows, one for each node of their tree. */
static bool lay_out(struct work *k, const cril_score_window *const *w, size_t n)
{
    struct cril_tree *t = &k->tree;
    if (!cril_tree_make(t, w, n, k->shared) || !reserve_details(k, w, n))
        return false;
    cril_token_details *details = k->details ? k->detailed.data : NULL;
    struct cril_window *windows =
        cril_size_grow(k->windows, &k->windows_size, 0, t->n, sizeof(*windows));
    if (!windows)
        return false;
    k->windows = windows;
    k->batch_rows = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct cril_tree_node *node = &t->nodes[i];
        const size_t length = node->to - node->from;
        windows[i] = (struct cril_window){.ids = node->sequence->tokens + node->from,
                                          .n = length,
                                          .first = length,
                                          .prefix = node->parent};
        if (node->leaf) {
            windows[i].first = node->sequence->first - 1 - node->from;
            windows[i].targets = node->sequence->tokens + node->sequence->first;
            windows[i].nats = node->sequence->nats;
            windows[i].details = details;
            if (details)
                details += node->sequence->n - node->sequence->first;
        }
        k->batch_rows += length;
    }
    return true;
}

static int poll(void *user, double done)
{
    const struct work *k = user;
    return k->on_windows
               ? k->on_windows(k->user, k->done, k->rows + (uint64_t)(done * (double)k->batch_rows))
               : 0;
}

static cril_status run(struct work *k, size_t n, cril_error *err)
{
    while (k->done < n) {
        const size_t count = next_batch(k, n);
        if (!lay_out(k, k->sorted + k->done, count))
            return no_memory(k, err);
        cril_status st = cril_engine_score(k->engine, k->windows, k->tree.n, poll, k, err);
        if (st == CRIL_OK || st == CRIL_ERR_NUMERIC) /* overwritten weights may not be finite */
            st = cril_model_check(k->model, err) == CRIL_OK ? st : CRIL_ERR_MISMATCH;
        if (st != CRIL_OK)
            return st;
        take_tops(k, k->sorted + k->done, count);
        k->done += count;
        k->rows += k->batch_rows;
        if (k->on_windows && k->on_windows(k->user, k->done, k->rows))
            return cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
    }
    return CRIL_OK;
}

cril_status cril_score_windows(cril_scorer *s, const cril_score_window *windows, size_t n,
                               int (*on_windows)(void *user, size_t done, uint64_t rows),
                               void *user, size_t *order, cril_error *err)
{
    if (CRIL_LACKS(err, s, windows))
        return CRIL_ERR_RANGE;

    struct work k = {.model = cril_scorer_model(s),
                     .engine = cril_scorer_engine(s),
                     .on_windows = on_windows,
                     .user = user};
    cril_status st = CRIL_OK;
    for (size_t i = 0; i < n; i++)
        if ((st = check(k.model, &windows[i], err)) != CRIL_OK)
            return st;
    if (!(k.sorted = calloc(n + 1, sizeof(*k.sorted))))
        return no_memory(&k, err);
    for (size_t i = 0; i < n; i++)
        k.sorted[i] = &windows[i];
    cril_tree_sort(k.sorted, n);
    for (size_t i = 0; order && i < n; i++)
        order[i] = (size_t)(k.sorted[i] - windows);
    k.shared = !cril_model_depends_on_length(k.model);
    k.max_rows = cril_engine_rows(k.engine);
    k.max_padded = cril_scorer_is_bounded(s) ? k.max_rows : PADDING * k.max_rows;
    st = run(&k, n, err);
    cril_tree_free(&k.tree);
    free(k.detailed.data);
    free(k.windows);
    free(k.sorted);
    return st;
}

cril_status cril_score_tokens(cril_scorer *s, const int32_t *tokens, size_t n, double *out_nats,
                              cril_error *err)
{
    if (CRIL_LACKS(err, s, tokens, out_nats))
        return CRIL_ERR_RANGE;

    cril_model *m = cril_scorer_model(s);
    cril_score_window w = {.tokens = tokens, .n = n, .first = 1};
    cril_status st = check(m, &w, err);
    if (st != CRIL_OK)
        return st;
    if (!(w.nats = malloc((n - 1) * sizeof(*w.nats))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", cril_model_path(m));
    if ((st = cril_score_windows(s, &w, 1, NULL, NULL, NULL, err)) == CRIL_OK)
        memcpy(out_nats, w.nats, (n - 1) * sizeof(*w.nats));
    free(w.nats);
    return st;
}
