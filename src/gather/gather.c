/*
 * A corpus from its sources: the steps cut into stages (flow.h), with a file of documents between
 * two of them, and the card of it all.
 */
#include "gather/card.h"
#include "gather/entries.h"
#include "gather/flow.h"
#include "gather/inputs.h"
#include "gather/rules.h"
#include "gather/spool.h"
#include "gather/writer.h"
#include "util/fail.h"

#include <cril/cpu.h>
#include <cril/gather.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t DEFAULT_MEMORY = (uint64_t)1 << 30;

enum { READING_WEIGHT = 2 }; /* of the first stage, for progress; the others have 1 */

struct selection {
    uint64_t undated, too_old, too_new;
};

struct gather {
    const cril_gather_options *options;
    const cril_gather_sink *sink;
    struct cril_rules rules;
    struct cril_flow_step steps[CRIL_RULES_STEPS]; /* [rules.n_steps] */
    size_t n_done;                                 /* steps that shards did before */
    cril_pool *pool;
    struct cril_inputs *inputs; /* NULL: shards are read */
    struct selection selection;
    struct cril_spool *from, *to;
    struct cril_writer *writer;
    size_t stage, n_stages;
    uint64_t n_taken; /* documents of this stage */

    const cril_gather_shard *shards; /* [n_shards] in order */
    struct cril_card *cards;
    size_t n_shards, shard;
    struct cril_entries *entries; /* of shards[shard]; NULL: not open */
};

/* ---- where documents come from and go ---- */

static bool is_selected(struct gather *g, const struct cril_entry *e)
{
    const char *date = e->field[CRIL_ENTRY_DATE], *after = g->rules.after,
               *before = g->rules.before;
    const bool undated = (after || before) && !date,
               too_old = date && after && strcmp(date, after) < 0,
               too_new = date && before && strcmp(date, before) >= 0;

    g->selection.undated += undated;
    g->selection.too_old += too_old;
    g->selection.too_new += too_new;
    return !undated && !too_old && !too_new;
}

static cril_status take_input(void *user, struct cril_entry *e, cril_error *err)
{
    struct gather *g = user;
    cril_status st;

    do {
        if ((st = cril_inputs_next(g->inputs, e, err)) != CRIL_OK || !e->text)
            return st;
        g->n_taken++;
    } while (!is_selected(g, e));
    return CRIL_OK;
}

/* The corpus of a shard has ended; it must be the one that its card is of. */
static cril_status end_shard(struct gather *g, cril_error *err)
{
    const json_t *corpus = g->cards[g->shard].corpus;
    const char *wanted = json_string_value(json_object_get(corpus, "sha256"));
    char sha256[65];
    const cril_status st = cril_entries_sha256(g->entries, sha256, err);

    if (st != CRIL_OK)
        return st;
    if (!wanted || strcmp(sha256, wanted) != 0)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: is not the corpus that its card is of: its SHA-256 is another; make "
                         "the shard again",
                         g->shards[g->shard].path);
    cril_entries_close(g->entries);
    g->entries = NULL;
    g->shard++;
    return CRIL_OK;
}

static cril_status take_shard(void *user, struct cril_entry *e, cril_error *err)
{
    struct gather *g = user;
    cril_status st;

    *e = (struct cril_entry){0};
    while (g->shard < g->n_shards) {
        if (!g->entries &&
            (st = cril_entries_open(g->shards[g->shard].path, &g->entries, err)) != CRIL_OK)
            return st;
        if ((st = cril_entries_next(g->entries, e, err)) != CRIL_OK)
            return st;
        g->n_taken += e->text != NULL;
        if (e->text)
            return CRIL_OK;
        if ((st = end_shard(g, err)) != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

static cril_status take_spool(void *user, struct cril_entry *e, cril_error *err)
{
    struct gather *g = user;
    const cril_status st = cril_spool_next(g->from, e, err);

    g->n_taken += st == CRIL_OK && e->text;
    return st;
}

static cril_status put_spool(void *user, const struct cril_flow_result *r, cril_error *err)
{
    return cril_spool_put(((struct gather *)user)->to, &r->entry, err);
}

static cril_status put_corpus(void *user, const struct cril_flow_result *r, cril_error *err)
{
    return cril_writer_put(((struct gather *)user)->writer, r, err);
}

/* ---- progress ---- */

static double stage_fraction(const struct gather *g, cril_gather_progress *p)
{
    if (g->from)
        return cril_spool_count(g->from) ? (double)g->n_taken / (double)cril_spool_count(g->from)
                                         : 1;
    if (g->inputs)
        return p->fraction;
    return ((double)g->shard +
            (g->entries && cril_entries_size(g->entries)
                 ? (double)cril_entries_taken(g->entries) / (double)cril_entries_size(g->entries)
                 : 0)) /
           (double)(g->n_shards ? g->n_shards : 1);
}

static int pause_between(void *user)
{
    struct gather *g = user;
    cril_gather_progress p = {.phase = "reading"};
    const double before = g->stage ? (double)(READING_WEIGHT + g->stage - 1) : 0,
                 weight = g->stage ? 1 : READING_WEIGHT,
                 all = (double)(READING_WEIGHT + g->n_stages - 1);
    double fraction;

    if (!g->options->progress)
        return 0;
    if (g->inputs)
        cril_inputs_progress(g->inputs, &p);
    if (g->entries)
        p.input = g->shards[g->shard].path;
    if (g->stage)
        p.phase = "writing";
    fraction = stage_fraction(g, &p);
    p.fraction = fraction < 0 ? -1 : (before + weight * (fraction < 1 ? fraction : 1)) / all;
    return g->options->progress(g->options->user, &p);
}

/* ---- stages ---- */

/* The first step from `at` on that compares documents; n_steps: there is none. */
static size_t next_comparing(const struct gather *g, size_t at)
{
    while (at < g->rules.n_steps && cril_step_is_pure(g->rules.steps[at]))
        at++;
    return at;
}

static bool is_shard(const struct gather *g)
{
    return !g->shards && g->options->n_shards;
}

/* Steps from..to - 1 are pure; from - 1, of a later stage, was decided; to compares, or is the
 * end. */
static cril_status run_stage(struct gather *g, size_t from, size_t to, cril_error *err)
{
    const bool last = to == g->rules.n_steps || is_shard(g);
    const struct cril_flow_stage stage = {
        .decided = g->stage ? &g->steps[from - 1] : NULL,
        .pure = g->steps + from,
        .n_pure = to - from,
        .compared = last ? NULL : &g->steps[to],
        .lines = last,
        .take = g->stage    ? take_spool
                : g->inputs ? take_input
                            : take_shard,
        .put = last ? put_corpus : put_spool,
        .pause = pause_between,
        .user = g,
    };
    cril_status st = CRIL_OK;

    g->n_taken = 0;
    if (!last)
        st = cril_spool_create(g->options->temporary, &g->to, err);
    if (st == CRIL_OK)
        st = cril_flow_run(&stage, g->pool, err);
    cril_spool_free(g->from);
    g->from = g->to;
    g->to = NULL;
    if (st != CRIL_OK || last)
        return st;
    st = cril_spool_rewind(g->from, err);
    return st == CRIL_OK ? cril_step_decide(&g->steps[to].run, err) : st;
}

static cril_status run_stages(struct gather *g, cril_error *err)
{
    size_t from = g->n_done, to;
    cril_status st;

    g->n_stages = 1;
    for (size_t at = next_comparing(g, from); at < g->rules.n_steps && !is_shard(g);
         at = next_comparing(g, at + 1))
        g->n_stages++;
    for (g->stage = 0; g->stage < g->n_stages; g->stage++) {
        to = next_comparing(g, from);
        if ((st = run_stage(g, from, to, err)) != CRIL_OK)
            return st;
        if (g->stage)
            cril_step_free(&g->steps[from - 1].run); /* its memory, for what follows */
        from = to + 1;
    }
    return CRIL_OK;
}

static cril_status create_steps(struct gather *g, cril_error *err)
{
    const cril_gather_options *o = g->options;
    struct cril_step_options *step = &g->rules.step_options;
    const uint64_t memory = o->memory_bytes ? o->memory_bytes : DEFAULT_MEMORY;
    cril_status st = CRIL_OK;

    /* Two may hold something at once: what one has decided is applied while the next one notes. */
    step->memory_bytes = (size_t)(memory / 2);
    step->folder = o->temporary;
    for (size_t i = 0; i < g->rules.n_steps && st == CRIL_OK; i++)
        st = cril_step_create(g->rules.steps[i], step, &g->steps[i].run, err);
    return st;
}

static cril_status start(struct gather *g, cril_error *err)
{
    const unsigned n_threads = g->options->n_threads ? g->options->n_threads : cril_cpu_count();
    cril_status st = create_steps(g, err);

    if (st == CRIL_OK && (st = cril_pool_create(n_threads, &g->pool, err)) == CRIL_OK)
        st = cril_writer_create(g->sink, &g->writer, err);
    return st;
}

static void release(struct gather *g)
{
    for (size_t i = 0; i < CRIL_RULES_STEPS; i++)
        cril_step_free(&g->steps[i].run);
    cril_writer_free(g->writer);
    cril_spool_free(g->from);
    cril_spool_free(g->to);
    cril_entries_close(g->entries);
    cril_inputs_free(g->inputs);
    cril_pool_free(g->pool);
    for (size_t i = 0; g->cards && i < g->n_shards; i++)
        cril_card_free(&g->cards[i]);
    free(g->cards);
}

/* ---- one run ---- */

static json_t *selection_json(const struct selection *s)
{
    return json_pack("{s:I, s:I, s:I}", "undated", (json_int_t)s->undated, "too_old",
                     (json_int_t)s->too_old, "too_new", (json_int_t)s->too_new);
}

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for the card");
}

/* The step that dropped most; NULL: none dropped any. */
static const struct cril_flow_step *strictest(const struct gather *g)
{
    const struct cril_flow_step *most = NULL;

    for (size_t i = 0; i < g->rules.n_steps; i++) {
        const struct cril_flow_step *s = &g->steps[i];
        const uint64_t n = s->count.in - s->count.out;

        if (n && (!most || n > most->count.in - most->count.out))
            most = s;
    }
    return most;
}

static cril_status nothing_left(const struct gather *g, cril_error *err)
{
    const uint64_t by_date = g->selection.undated + g->selection.too_old + g->selection.too_new;
    const struct cril_flow_step *step = strictest(g);
    const uint64_t dropped = step ? step->count.in - step->count.out : 0;

    if (dropped > by_date)
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "no document is left: the step %s dropped %llu of %llu; '--without %s' "
                         "leaves it out",
                         step->run.step->name, (unsigned long long)dropped,
                         (unsigned long long)step->count.in, step->run.step->name);
    if (by_date)
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "no document is left: %llu are too old, %llu too new, %llu without a date",
                         (unsigned long long)g->selection.too_old,
                         (unsigned long long)g->selection.too_new,
                         (unsigned long long)g->selection.undated);
    return cril_fail(err, CRIL_ERR_EMPTY, "no document is left: the inputs have none");
}

/* The corpus and its card are done. */
static cril_status finish(struct gather *g, struct cril_card *card, char **text, cril_error *err)
{
    cril_status st = cril_writer_end(g->writer, &card->corpus, err);

    if (st != CRIL_OK)
        return st;
    if (!json_integer_value(json_object_get(card->corpus, "documents")) && !is_shard(g))
        return nothing_left(g, err);
    *text = cril_card_text(card);
    return *text ? CRIL_OK : no_memory(err);
}

static cril_status run(struct gather *g, char **text, cril_error *err)
{
    struct cril_card card = {.shard = g->options->shard, .n_shards = g->options->n_shards};
    cril_status st = cril_inputs_create(g->rules.kind, g->options, &g->inputs, err);

    if (st != CRIL_OK || (st = start(g, err)) != CRIL_OK || (st = run_stages(g, err)) != CRIL_OK)
        return st;
    st = cril_inputs_json(g->inputs, &card.source, err);
    card.rules = cril_rules_json(&g->rules);
    card.selection = selection_json(&g->selection);
    card.steps = cril_card_steps(g->steps, g->rules.n_steps);
    if (st == CRIL_OK)
        st = finish(g, &card, text, err);
    cril_card_free(&card);
    return st;
}

static cril_status check_options(const cril_gather_options *o, const cril_gather_sink *sink,
                                 cril_error *err)
{
    if (CRIL_LACKS(err, o->kind, sink->write))
        return CRIL_ERR_RANGE;
    if (!o->n_inputs)
        return cril_fail(err, CRIL_ERR_RANGE, "there is no input");
    if (o->n_shards && (o->shard < 1 || o->shard > o->n_shards))
        return cril_fail(err, CRIL_ERR_RANGE, "there is no shard %u of %u", o->shard, o->n_shards);
    return CRIL_OK;
}

cril_status cril_gather(const cril_gather_options *options, const cril_gather_sink *sink,
                        char **card, cril_error *err)
{
    struct gather g = {.options = options, .sink = sink};
    cril_status st;

    if (CRIL_LACKS(err, options, sink, card))
        return CRIL_ERR_RANGE;
    if ((st = check_options(options, sink, err)) == CRIL_OK &&
        (st = cril_rules_read(options, &g.rules, err)) == CRIL_OK)
        st = run(&g, card, err);
    release(&g);
    return st;
}

/* ---- shards put together ---- */

static cril_status bad_shard(const struct gather *g, size_t i, const char *why, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_MISMATCH, "%s: %s", g->shards[i].path, why);
}

/* The cards, and the shards of them in order. */
static cril_status read_cards(struct gather *g, const cril_gather_shard *shards,
                              cril_gather_shard *ordered, cril_error *err)
{
    g->shards = ordered;
    for (size_t i = 0; i < g->n_shards; i++) {
        struct cril_card card;
        cril_status st = cril_card_read(shards[i].path, shards[i].card, &card, err);
        const unsigned at = card.shard;

        if (st != CRIL_OK)
            return st;
        if (at < 1 || card.n_shards != g->n_shards || at > g->n_shards || g->cards[at - 1].shard) {
            st = cril_fail(err, CRIL_ERR_MISMATCH,
                           card.n_shards ? "%s: is shard %u of %u; give each of the %u shards once"
                                         : "%s: is no shard; --shard makes one",
                           shards[i].path, at, card.n_shards, card.n_shards);
            cril_card_free(&card);
            return st;
        }
        g->cards[at - 1] = card;
        ordered[at - 1] = shards[i];
    }
    return CRIL_OK;
}

static cril_status check_cards(struct gather *g, cril_error *err)
{
    cril_status st = cril_rules_of_json(g->cards[0].rules, &g->rules, err);

    if (st != CRIL_OK)
        return st;
    g->n_done = next_comparing(g, 0);
    for (size_t i = 1; i < g->n_shards; i++) {
        if (!json_equal(g->cards[0].rules, g->cards[i].rules))
            return bad_shard(g, i, "was made by other rules than the first shard", err);
        if (!cril_card_add(&g->cards[0], &g->cards[i]))
            return bad_shard(g, i, "has a damaged card", err);
    }
    if (json_array_size(g->cards[0].steps) != g->rules.n_steps)
        return bad_shard(g, 0, "has a damaged card", err);
    return CRIL_OK;
}

/* The card of all: the shards' own counts, and those of the steps that followed. */
static cril_status finish_merge(struct gather *g, char **text, cril_error *err)
{
    const struct cril_card *sum = &g->cards[0];
    struct cril_card card = {.rules = json_incref(sum->rules),
                             .source = json_incref(sum->source),
                             .selection = json_incref(sum->selection)};
    cril_status st;

    card.steps = cril_card_steps(g->steps, g->rules.n_steps);
    for (size_t i = 0; i < g->n_done && card.steps; i++)
        json_array_set(card.steps, i, json_array_get(sum->steps, i));
    st = card.steps ? finish(g, &card, text, err) : no_memory(err);
    cril_card_free(&card);
    return st;
}

cril_status cril_gather_merge(const cril_gather_shard *shards, size_t n,
                              const cril_gather_options *options, const cril_gather_sink *sink,
                              char **card, cril_error *err)
{
    struct gather g = {.options = options, .sink = sink, .n_shards = n};
    cril_gather_shard *ordered;
    cril_status st;

    if (CRIL_LACKS(err, shards, options, sink, card))
        return CRIL_ERR_RANGE;
    if (CRIL_LACKS(err, sink->write))
        return CRIL_ERR_RANGE;
    if (!n)
        return cril_fail(err, CRIL_ERR_RANGE, "there is no shard");
    ordered = calloc(n, sizeof(*ordered));
    g.cards = calloc(n, sizeof(*g.cards));
    st = ordered && g.cards ? read_cards(&g, shards, ordered, err) : no_memory(err);
    if (st == CRIL_OK && (st = check_cards(&g, err)) == CRIL_OK && (st = start(&g, err)) == CRIL_OK)
        st = run_stages(&g, err);
    if (st == CRIL_OK)
        st = finish_merge(&g, card, err);
    release(&g);
    free(ordered);
    return st;
}

/* ---- what there is ---- */

bool cril_gather_step_at(const char *kind, size_t i, cril_gather_step *out)
{
    const struct cril_input_kind *k = cril_input_kind_find(kind);
    size_t n;
    const struct cril_step *const *all = cril_steps(&n);

    for (size_t at = 0; k && out && at < n; at++) {
        if ((all[at]->kinds & k->step_kind) && !i--) {
            *out =
                (cril_gather_step){all[at]->name, all[at]->what, (all[at]->on & k->step_kind) != 0};
            return true;
        }
    }
    return false;
}
