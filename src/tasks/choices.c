/*
 * Nats of choices, of texts alone and of gold answers, many items a pass. Each is one or more
 * sequences of tokens (item_windows.h); an item is handed out when its last one is done. Sums are
 * in double, token by token, so they do not depend on the order in which sequences are done.
 */
#include "tasks/evaluating.h"
#include "tasks/item_lines.h"
#include "util/fail.h"
#include "util/size.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ITEMS = 512, MOST_IDS = 4 << 20, FIRST_WINDOW = 2048 };

/* A sequence and whose it is. */
struct piece {
    struct cril_laid laid;
    size_t target;
    size_t nats; /* in the list of all: [laid.n - laid.first] */
};

struct target {
    size_t item;
    json_t *line;          /* owned */
    size_t first, n_parts; /* pieces of choices, or of the text */
    size_t gold;           /* the piece of the gold answer; SIZE_MAX: there is none */
    size_t gold_bytes;     /* of the gold answer; 0: there is none */
    size_t left;           /* pieces that are not done */
    size_t n_tokens;       /* of a text alone */
};

struct cril_scoring {
    struct cril_evaluating *v;
    struct cril_ids ids;
    struct piece *pieces;
    size_t n_pieces, cap_pieces;
    struct target *targets;
    size_t n_targets, cap_targets;
    size_t n_nats;
    /* of a run */
    double *nats;
    bool *tops; /* [n_nats] beside nats, of the only choice of an item */
    cril_score_window *windows;
    size_t *order, n_handed;
    uint64_t rows_before;
    cril_status failure;
    cril_error why;
};

cril_status cril_scoring_create(struct cril_evaluating *v, struct cril_scoring **out,
                                cril_error *err)
{
    struct cril_scoring *s = calloc(1, sizeof(*s));

    if (!s)
        return cril_evaluating_no_memory(err);
    s->v = v;
    *out = s;
    return CRIL_OK;
}

static void clear(struct cril_scoring *s)
{
    for (size_t i = 0; i < s->n_targets; i++)
        json_decref(s->targets[i].line);
    s->ids.n = s->n_pieces = s->n_targets = s->n_nats = s->n_handed = 0;
    free(s->nats);
    free(s->tops);
    free(s->windows);
    free(s->order);
    s->nats = NULL;
    s->tops = NULL;
    s->windows = NULL;
    s->order = NULL;
}

void cril_scoring_free(struct cril_scoring *s)
{
    if (!s)
        return;
    clear(s);
    cril_ids_free(&s->ids);
    free(s->pieces);
    free(s->targets);
    free(s);
}

size_t cril_scoring_items(const struct cril_scoring *s)
{
    return s->n_targets;
}

bool cril_scoring_is_full(const struct cril_scoring *s)
{
    return s->n_targets >= MOST_ITEMS || s->ids.n >= MOST_IDS;
}

static const struct cril_item *item_of(const struct cril_scoring *s, size_t item)
{
    return &s->v->e->items.item[item];
}

/* ---- Laying out ---- */

static cril_status add_piece(void *user, const struct cril_laid *laid, cril_error *err)
{
    struct cril_scoring *s = user;
    struct piece *p = cril_size_grow(s->pieces, &s->cap_pieces, s->n_pieces, 1, sizeof(*p));

    if (!p)
        return cril_evaluating_no_memory(err);
    s->pieces = p;
    p[s->n_pieces++] = (struct piece){.laid = *laid, .target = s->n_targets, .nats = s->n_nats};
    s->n_nats += laid->n - laid->first;
    return CRIL_OK;
}

static struct cril_bytes context_of(const struct cril_item *item, size_t choice)
{
    const struct cril_bytes own = item->choices[choice].context;

    return own.data ? own : item->context;
}

static cril_status lay_choices(struct cril_scoring *s, const struct cril_item *item,
                               struct cril_fault *fault, cril_error *err)
{
    struct cril_laid laid;
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < item->n_choices && st == CRIL_OK && !fault->text[0]; i++) {
        st = cril_windower_continue(&s->v->windower, context_of(item, i), item->choices[i].text,
                                    &s->ids, &laid, fault, err);
        if (st == CRIL_OK && !fault->text[0])
            st = add_piece(s, &laid, err);
    }
    return st;
}

/* The gold answer is a choice, or text of its own. A fault there leaves its bits unknown. */
static cril_status lay_gold(struct cril_scoring *s, const struct cril_item *item, struct target *t,
                            struct cril_fault *fault, cril_error *err)
{
    const bool is_choice = !item->gold_text.data && item->gold >= 0 && item->n_choices;
    const struct cril_bytes context = item->gold_context.data ? item->gold_context
                                      : is_choice             ? context_of(item, (size_t)item->gold)
                                                              : item->context;
    const struct cril_bytes text = is_choice ? item->choices[item->gold].text : item->gold_text;
    struct cril_laid laid;
    cril_status st;

    fault->text[0] = '\0';
    if (item->kind == CRIL_ITEM_ROLLING || !text.data)
        return CRIL_OK;
    t->gold_bytes = text.len + context.len - cril_without_blanks(context.data, context.len);
    if (is_choice && !item->gold_context.data) {
        t->gold = t->first + (size_t)item->gold;
        return CRIL_OK;
    }
    st = cril_windower_continue(&s->v->windower, context, text, &s->ids, &laid, fault, err);
    if (st != CRIL_OK || fault->text[0])
        return st;
    t->gold = s->n_pieces;
    return add_piece(s, &laid, err);
}

/* The ids of the prompt as the choice sees them that sees most of it; choices with contexts of
 * their own do not count. */
static void find_prompt(const struct cril_scoring *s, const struct cril_item *item,
                        const struct target *t, struct cril_laid *prompt)
{
    bool found = false;

    *prompt = (struct cril_laid){0};
    for (size_t i = 0; i < t->n_parts; i++) {
        const struct cril_laid *laid = &s->pieces[t->first + i].laid;

        if (item->choices[i].context.data || (found && laid->cut >= prompt->cut))
            continue;
        *prompt = *laid;
        found = true;
    }
    prompt->n = prompt->first;
}

/* Nothing of the newest target is scored. */
static void drop_pieces(struct cril_scoring *s, size_t n_pieces, size_t n_ids)
{
    for (; s->n_pieces > n_pieces; s->n_pieces--)
        s->n_nats = s->pieces[s->n_pieces - 1].nats;
    s->ids.n = n_ids;
}

/* Of an item whose line was not begun. */
static cril_status lay_item(struct cril_scoring *s, const struct cril_item *item, struct target *t,
                            struct cril_fault *fault, cril_error *err)
{
    const size_t n_ids = s->ids.n;
    cril_ids text = {0};
    struct cril_laid prompt;
    cril_status st;

    if (item->kind == CRIL_ITEM_ROLLING)
        st = cril_windower_roll(&s->v->windower, item->context, &s->ids, &text, add_piece, s, fault,
                                err);
    else
        st = lay_choices(s, item, fault, err);
    if (st != CRIL_OK || fault->text[0])
        drop_pieces(s, t->first, n_ids);
    t->n_parts = s->n_pieces - t->first;
    t->n_tokens = text.n;
    if (st == CRIL_OK && item->kind == CRIL_ITEM_ROLLING) {
        t->line = cril_evaluating_begin(s->v, item, text.data, text.n, 0);
    } else if (st == CRIL_OK) {
        find_prompt(s, item, t, &prompt);
        t->line = cril_evaluating_begin(s->v, item, prompt.n ? s->ids.data + prompt.at : NULL,
                                        prompt.n, prompt.cut);
    }
    if (st == CRIL_OK && !t->line)
        st = cril_evaluating_no_memory(err);
    cril_ids_free(&text);
    return st;
}

/* ---- Handing out ---- */

/* All nats of n pieces, whose nats follow each other. */
static double sum_of(const struct cril_scoring *s, size_t piece, size_t n)
{
    double sum = 0;

    for (size_t i = piece; i < piece + n; i++)
        for (size_t k = 0; k < s->pieces[i].laid.n - s->pieces[i].laid.first; k++)
            sum += s->nats[s->pieces[i].nats + k];
    return sum;
}

/* A single continuation is no choice: its accuracy is whether greedy decoding gives it. */
static bool asks_for_greedy(const struct cril_evaluating *v, const struct cril_item *item)
{
    const char *metric = v->e->settings.protocol.metric;

    return item->kind == CRIL_ITEM_CHOICES && item->n_choices == 1 && metric &&
           strcmp(metric, "acc") == 0;
}

/* Whether each token of a piece is the most likely id. */
static bool is_greedy(const struct cril_scoring *s, size_t piece)
{
    const struct piece *p = &s->pieces[piece];
    bool greedy = true;

    for (size_t k = 0; k < p->laid.n - p->laid.first; k++)
        greedy = greedy && s->tops[p->nats + k];
    return greedy;
}

static bool add_choices(const struct cril_scoring *s, const struct target *t,
                        const struct cril_item *item, double *nats)
{
    const char *metric = s->v->e->settings.protocol.metric;
    struct cril_laid prompt;
    bool good = true;

    find_prompt(s, item, t, &prompt);
    for (size_t i = 0; i < item->n_choices && good; i++) {
        const struct cril_laid *l = &s->pieces[t->first + i].laid;
        const int32_t *ids = s->ids.data + l->at;
        const size_t shared_cut = item->choices[i].context.data ? 0 : prompt.cut;

        nats[i] = s->nats ? sum_of(s, t->first + i, 1) : NAN;
        good = cril_line_add_choice(t->line, &item->choices[i], ids, l->first, ids + l->first,
                                    l->n - l->first, l->cut - shared_cut, nats[i]);
    }
    if (!good || !s->nats)
        return good;
    if (item->n_choices > 1)
        return cril_line_add_answer(t->line, item, nats, metric);
    return !asks_for_greedy(s->v, item) || cril_line_add_greedy(t->line, is_greedy(s, t->first));
}

static bool add_rolling(const struct cril_scoring *s, const struct target *t,
                        const struct cril_item *item)
{
    const double nats = sum_of(s, t->first, t->n_parts);

    return cril_line_add_rolling(t->line, item, t->n_tokens, nats) &&
           cril_line_add_gold_bits(t->line, nats, item->context.len);
}

/* What was scored, into the line of the target. Without nats (a dry run), what would be. */
static bool fill_line(const struct cril_scoring *s, const struct target *t)
{
    const struct cril_item *item = item_of(s, t->item);
    double *nats;
    bool good = true;

    if (item->kind == CRIL_ITEM_CHOICES) {
        if (!(nats = calloc(item->n_choices + 1, sizeof(*nats))))
            return false;
        good = add_choices(s, t, item, nats);
        free(nats);
    } else if (item->kind == CRIL_ITEM_ROLLING && s->nats) {
        good = add_rolling(s, t, item);
    }
    if (good && t->gold != SIZE_MAX && s->nats)
        good = cril_line_add_gold_bits(t->line, sum_of(s, t->gold, 1), t->gold_bytes);
    return good;
}

static cril_status hand_out(struct cril_scoring *s, struct target *t, cril_error *err)
{
    json_t *line = t->line;

    if (!fill_line(s, t))
        return cril_evaluating_no_memory(err);
    t->line = NULL;
    return cril_evaluating_deliver(s->v, t->item, line, err);
}

cril_status cril_scoring_add(struct cril_scoring *s, size_t item, json_t *line, cril_error *err)
{
    const struct cril_item *it = item_of(s, item);
    struct target t = {.item = item, .line = line, .first = s->n_pieces, .gold = SIZE_MAX};
    struct target *targets =
        cril_size_grow(s->targets, &s->cap_targets, s->n_targets, 1, sizeof(*targets));
    struct cril_fault fault = {{0}}, gold = {{0}};
    cril_status st = targets ? CRIL_OK : cril_evaluating_no_memory(err);

    if (targets)
        s->targets = targets;
    if (st == CRIL_OK && !line)
        st = lay_item(s, it, &t, &fault, err);
    if (st == CRIL_OK && fault.text[0]) {
        line = t.line;
        return cril_evaluating_refuse(s->v, item, line, &fault, err);
    }
    if (st == CRIL_OK)
        st = lay_gold(s, it, &t, &gold, err);
    if (st == CRIL_OK && gold.text[0] &&
        !cril_line_set_text(t.line, "gold_error", gold.text, strlen(gold.text)))
        st = cril_evaluating_no_memory(err);
    if (st != CRIL_OK) {
        json_decref(t.line);
        return st;
    }
    t.left = s->n_pieces - t.first;
    s->targets[s->n_targets] = t;
    if (!t.left || s->v->options->dry_run) {
        st = hand_out(s, &s->targets[s->n_targets], err);
        json_decref(s->targets[s->n_targets].line);
        drop_pieces(s, t.first, t.left ? s->pieces[t.first].laid.at : s->ids.n);
        return st;
    }
    s->n_targets++;
    return CRIL_OK;
}

/* ---- Scoring ---- */

/* A scorer for windows of so many inputs. They grow by doubling, so that few are made; where memory
 * is bounded they are no longer than they must be. */
static cril_status need_scorer(struct cril_evaluating *v, size_t inputs, cril_error *err)
{
    const size_t most = cril_model_max_window(v->model);
    size_t window = v->options->memory_bytes ? inputs : FIRST_WINDOW;
    cril_status st;

    if (v->scorer && inputs <= v->scorer_window)
        return CRIL_OK;
    while (window < inputs)
        window *= 2;
    if (window > v->windower.window)
        window = v->windower.window;
    if (window > most)
        window = most;
    cril_evaluating_free_scorer(v);
    st = cril_scorer_create(
        v->model,
        &(cril_score_options){.context = window,
                              .threads = v->options->threads,
                              .batch_tokens = v->options->batch_tokens,
                              .memory_bytes = v->options->memory_bytes,
                              .details = v->e->items.n && asks_for_greedy(v, &v->e->items.item[0])},
        &v->scorer, err);
    v->scorer_window = window;
    return st;
}

void cril_evaluating_free_scorer(struct cril_evaluating *v)
{
    cril_scorer_free(v->scorer);
    v->scorer = NULL;
}

cril_status cril_evaluating_try_scorer(struct cril_evaluating *v, size_t inputs, cril_error *err)
{
    const cril_status st = need_scorer(v, inputs, err);

    cril_evaluating_free_scorer(v);
    return st;
}

/* Nats of windows that order [n_handed .. done - 1] names are there. */
static int take_windows(void *user, size_t done, uint64_t rows)
{
    struct cril_scoring *s = user;

    s->v->progress.rows = s->rows_before + rows;
    for (; s->n_handed < done && s->failure == CRIL_OK; s->n_handed++) {
        struct target *t = &s->targets[s->pieces[s->order[s->n_handed]].target];

        if (--t->left == 0)
            s->failure = hand_out(s, t, &s->why);
    }
    if (s->failure == CRIL_OK)
        s->failure = cril_evaluating_report(s->v, &s->why);
    return s->failure != CRIL_OK;
}

static cril_status prepare_run(struct cril_scoring *s, size_t *longest, cril_error *err)
{
    s->nats = calloc(s->n_nats + 1, sizeof(*s->nats));
    s->tops = calloc(s->n_nats + 1, sizeof(*s->tops));
    s->windows = calloc(s->n_pieces + 1, sizeof(*s->windows));
    s->order = calloc(s->n_pieces + 1, sizeof(*s->order));
    if (!s->nats || !s->tops || !s->windows || !s->order)
        return cril_evaluating_no_memory(err);
    for (size_t i = 0; i < s->n_pieces; i++) {
        const struct piece *p = &s->pieces[i];
        const struct cril_item *item = item_of(s, s->targets[p->target].item);
        s->windows[i] =
            (cril_score_window){.tokens = s->ids.data + p->laid.at,
                                .n = p->laid.n,
                                .first = p->laid.first,
                                .nats = s->nats + p->nats,
                                .is_top = asks_for_greedy(s->v, item) ? s->tops + p->nats : NULL};
        if (p->laid.n - 1 > *longest)
            *longest = p->laid.n - 1;
    }
    return CRIL_OK;
}

cril_status cril_scoring_run(struct cril_scoring *s, cril_error *err)
{
    size_t longest = 0;
    cril_status st;

    if (!s->n_targets)
        return CRIL_OK;
    s->rows_before = s->v->progress.rows;
    s->failure = CRIL_OK;
    st = prepare_run(s, &longest, err);
    if (st == CRIL_OK)
        st = need_scorer(s->v, longest, err);
    if (st == CRIL_OK)
        st = cril_score_windows(s->v->scorer, s->windows, s->n_pieces, take_windows, s, s->order,
                                err);
    if (s->failure != CRIL_OK)
        st = cril_fail(err, s->failure, "%s", s->why.message);
    clear(s);
    return st;
}
