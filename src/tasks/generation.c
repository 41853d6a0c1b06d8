/*
 * Texts of items, many streams at a time. A text is judged when it ends. Gold answers of texts are
 * scored in groups: a killed run loses the texts in its streams, and one group at most. Where
 * memory is bounded, the generator goes before gold answers are scored, and what is done in between
 * is more.
 */
#include "tasks/evaluating.h"
#include "tasks/item_lines.h"
#include "util/fail.h"
#include "util/size.h"

#include <stdlib.h>
#include <string.h>

enum {
    GROUP = 16,
    BOUNDED_PROMPTS = 64,
    MOST_PROMPTS = 2048,
    MOST_IDS = 8 << 20,
    DEFAULT_STREAMS = 16
};

struct generating {
    struct cril_evaluating *v;
    struct cril_scoring *gold;
    cril_ids ids;
    size_t *items; /* [n] of prompts */
    struct cril_laid *laid;
    cril_prompt *prompts;
    size_t n, longest; /* longest: prompt and text */
    struct cril_arena stops;
    uint64_t rows_before, generated_before;
    cril_status failure;
    cril_error why;
};

static const struct cril_item *item_of(const struct generating *g, size_t prompt)
{
    return &g->v->e->items.item[g->items[prompt]];
}

/* ---- Prompts ---- */

static json_t *begin(const struct generating *g, size_t item, const struct cril_laid *laid)
{
    const struct cril_item *it = &g->v->e->items.item[item];
    json_t *line = cril_evaluating_begin(g->v, it, g->ids.data + laid->at, laid->n, laid->cut);

    if (line && cril_line_add_stops(line, it))
        return line;
    json_decref(line);
    return NULL;
}

static cril_status add_prompt(struct generating *g, size_t item, cril_error *err)
{
    const struct cril_item *it = &g->v->e->items.item[item];
    struct cril_laid laid;
    struct cril_fault fault;
    cril_status st = cril_windower_prompt(&g->v->windower, it->context, it->max_tokens, &g->ids,
                                          &laid, &fault, err);

    if (st != CRIL_OK)
        return st;
    if (fault.text[0])
        return cril_evaluating_refuse(g->v, item, begin(g, item, &laid), &fault, err);
    if (g->v->options->dry_run) {
        st = cril_evaluating_deliver(g->v, item, begin(g, item, &laid), err);
        g->ids.n = laid.at;
        return st;
    }
    g->items[g->n] = item;
    g->laid[g->n++] = laid;
    if (laid.n + laid.room > g->longest)
        g->longest = laid.n + laid.room;
    return CRIL_OK;
}

/* Empty stops would end every text at once: they are none. */
static cril_status make_prompt(struct generating *g, size_t i, cril_error *err)
{
    const struct cril_item *it = item_of(g, i);
    const char **until = cril_arena_take(&g->stops, it->n_until + 1, sizeof(*until));
    size_t *len = cril_arena_take(&g->stops, it->n_until + 1, sizeof(*len)), n = 0;

    if (!until || !len)
        return cril_evaluating_no_memory(err);
    for (size_t k = 0; k < it->n_until; k++)
        if (it->until[k].len) {
            until[n] = it->until[k].data;
            len[n++] = it->until[k].len;
        }
    g->prompts[i] = (cril_prompt){.ids = g->ids.data + g->laid[i].at,
                                  .n = g->laid[i].n,
                                  .until = until,
                                  .until_len = len,
                                  .n_until = n,
                                  .max_tokens = g->laid[i].room};
    return CRIL_OK;
}

/* ---- Texts ---- */

static cril_status take_text(struct generating *g, size_t prompt, const cril_generation *text,
                             cril_error *err)
{
    const struct cril_item *it = item_of(g, prompt);
    json_t *line = begin(g, g->items[prompt], &g->laid[prompt]);
    cril_status st = CRIL_OK;

    if (!line || !cril_line_add_generation(line, it, text))
        st = cril_evaluating_no_memory(err);
    if (st == CRIL_OK)
        st = cril_judge(g->v->e, g->v->options->sandbox, it,
                        (struct cril_bytes){text->text, text->len}, line, err);
    if (st != CRIL_OK) {
        json_decref(line);
        return st;
    }
    if ((st = cril_scoring_add(g->gold, g->items[prompt], line, err)) != CRIL_OK)
        return st;
    if (g->v->options->memory_bytes || cril_scoring_items(g->gold) < GROUP)
        return CRIL_OK;
    return cril_scoring_run(g->gold, err);
}

static int on_text(void *user, size_t prompt, const cril_generation *text)
{
    struct generating *g = user;

    if (g->failure == CRIL_OK)
        g->failure = take_text(g, prompt, text, &g->why);
    return g->failure != CRIL_OK;
}

static int on_progress(void *user, uint64_t prompt_tokens, uint64_t generated, size_t texts)
{
    struct generating *g = user;
    struct cril_evaluation_progress *p = &g->v->progress;

    (void)texts;
    p->rows += prompt_tokens + generated - g->rows_before;
    g->rows_before = prompt_tokens + generated;
    p->generated = g->generated_before + generated;
    if (g->failure == CRIL_OK)
        g->failure = cril_evaluating_report(g->v, &g->why);
    return g->failure != CRIL_OK;
}

/* ---- All of it ---- */

static cril_status generate(struct generating *g, cril_error *err)
{
    const struct cril_evaluation_options *o = g->v->options;
    const size_t streams = o->streams ? o->streams : DEFAULT_STREAMS;
    const cril_generator_options wanted = {.threads = o->threads,
                                           .streams = streams < g->n ? streams : g->n,
                                           .context = g->longest,
                                           .memory_bytes = o->memory_bytes};
    const cril_generate_callbacks callbacks = {
        .user = g, .on_text = on_text, .on_progress = on_progress};
    cril_generator *generator = NULL;
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < g->n && st == CRIL_OK; i++)
        st = make_prompt(g, i, err);
    if (st == CRIL_OK && o->memory_bytes) /* before texts are generated that it would lose */
        st = cril_evaluating_try_scorer(g->v, g->longest, err);
    if (st == CRIL_OK)
        st = cril_generator_create(g->v->model, &wanted, &generator, err);
    if (st == CRIL_OK)
        st = cril_generate(generator, g->prompts, g->n, &callbacks, err);
    cril_generator_free(generator);
    if (g->failure != CRIL_OK)
        st = cril_fail(err, g->failure, "%s", g->why.message);
    if (st == CRIL_OK)
        st = cril_scoring_run(g->gold, err);
    if (o->memory_bytes)
        cril_evaluating_free_scorer(g->v);
    return st;
}

/* Some of the items, as many as go together. */
static cril_status generate_some(struct generating *g, const size_t *items, size_t n, size_t *taken,
                                 cril_error *err)
{
    const size_t most = g->v->options->memory_bytes ? BOUNDED_PROMPTS : MOST_PROMPTS;
    cril_status st = CRIL_OK;

    g->n = g->longest = g->ids.n = 0;
    g->rows_before = 0;
    g->generated_before = g->v->progress.generated;
    for (*taken = 0; *taken < n && g->n < most && g->ids.n < MOST_IDS && st == CRIL_OK; ++*taken)
        st = add_prompt(g, items[*taken], err);
    if (st == CRIL_OK && g->n)
        st = generate(g, err);
    cril_arena_free(&g->stops);
    return st;
}

cril_status cril_evaluating_generate(struct cril_evaluating *v, const size_t *items, size_t n,
                                     cril_error *err)
{
    struct generating g = {.v = v,
                           .items = calloc(MOST_PROMPTS, sizeof(*g.items)),
                           .laid = calloc(MOST_PROMPTS, sizeof(*g.laid)),
                           .prompts = calloc(MOST_PROMPTS, sizeof(*g.prompts))};
    cril_status st = g.items && g.laid && g.prompts ? cril_scoring_create(v, &g.gold, err)
                                                    : cril_evaluating_no_memory(err);

    for (size_t done = 0, taken; done < n && st == CRIL_OK; done += taken)
        st = generate_some(&g, items + done, n - done, &taken, err);
    cril_scoring_free(g.gold);
    cril_ids_free(&g.ids);
    free(g.items);
    free(g.laid);
    free(g.prompts);
    return st;
}
