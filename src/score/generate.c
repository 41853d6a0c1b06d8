/*
 * Texts in step. Each text has a stream of the decoder; a round takes one token of every text that
 * has begun, and pieces of prompts as far as rows are left, so that a stream whose text ended is at
 * work again at once and no product has few rows because others wait. One more stream holds the
 * prefix that prompts share (prefixes.h), which a prompt's stream takes over.
 */
#include "model/decoder.h"
#include "model/logits.h"
#include "model/model.h"
#include "model/plan.h"
#include "score/prefixes.h"
#include "score/sequence.h"
#include "score/stops.h"
#include "tokenizer/detokenize.h"
#include "tokenizer/tokenizer.h"
#include "util/fail.h"
#include "util/size.h"

#include <cril/generate.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_STREAMS = 16, MAX_STREAMS = 4096 };

struct cril_generator {
    cril_model *m;
    cril_generator_options options; /* chosen, none is 0 but threads and memory_bytes */
    struct cril_decoder *decoder;   /* of the last call; NULL: none */
    size_t context, streams;        /* that it has */
};

/* A text on its way, in the stream of the same number. */
struct text {
    const struct cril_prefixed *prompt; /* NULL: the stream is free */
    size_t fed;                         /* tokens of the prompt */
    cril_ids ids;
    struct cril_spoken spoken;
};

/* One call. */
struct generation {
    struct cril_generator *g;
    const cril_prompt *prompts;
    const cril_generate_callbacks *callbacks;
    struct cril_decoder *decoder;
    struct cril_prefixed *order; /* [n] */
    size_t n, next;              /* prompts, and the next one to begin in their order */
    struct text *texts;          /* [n_texts] */
    struct cril_feed *feeds;     /* [n_texts] */
    size_t n_texts;
    const struct cril_prefixed *prefix; /* whose tokens the prefix stream, number n_texts, has */
    size_t prefix_n;                    /* how many; 0: none */
    uint64_t prompt_tokens, generated_tokens;
    size_t n_done;
};

static cril_status no_memory(const cril_model *m, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for texts; try fewer streams",
                     m->path);
}

static cril_status report(const struct generation *r, cril_error *err)
{
    const cril_generate_callbacks *const call = r->callbacks;

    if (call && call->on_progress &&
        call->on_progress(call->user, r->prompt_tokens, r->generated_tokens, r->n_done))
        return cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
    return CRIL_OK;
}

/* ---- Texts ---- */

static cril_status end_text(struct generation *r, struct text *t, cril_generation_end end,
                            size_t len, cril_error *err)
{
    const size_t index = t->prompt->index;
    const cril_generate_callbacks *const call = r->callbacks;
    size_t all;
    const cril_generation out = {.ids = t->ids.data,
                                 .n = t->ids.n,
                                 .text = cril_spoken_text(&t->spoken, &all, NULL),
                                 .len = len,
                                 .end = end};
    const cril_status st = cril_model_check(r->g->m, err);

    t->prompt = NULL;
    r->n_done++;
    if (st != CRIL_OK)
        return st;
    if (call && call->on_text && call->on_text(call->user, index, &out))
        return cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
    return CRIL_OK;
}

/* Where a stop begins in the text of t, whose first `searched` bytes hold none. */
static size_t find_stop(const struct generation *r, const struct text *t, size_t searched)
{
    size_t len;
    const char *const text = cril_spoken_text(&t->spoken, &len, NULL);

    return cril_stop_find(&r->prompts[t->prompt->index], text, len, searched);
}

/* No token follows. What was held back may complete a stop. */
static cril_status finish_text(struct generation *r, struct text *t, cril_generation_end end,
                               cril_error *err)
{
    size_t searched, len;
    cril_status st;

    cril_spoken_text(&t->spoken, &len, &searched);
    if ((st = cril_spoken_finish(&t->spoken, err)) != CRIL_OK)
        return st;
    const size_t stop = find_stop(r, t, searched);
    if (stop != SIZE_MAX)
        return end_text(r, t, CRIL_GENERATION_STOP, stop, err);
    cril_spoken_text(&t->spoken, &len, NULL);
    return end_text(r, t, end, len, err);
}

/* Whether the token stands for no text but its name holds a stop: it ends a text as that would. */
static bool is_named_stop(const struct generation *r, const struct text *t, int32_t id)
{
    const cril_tokenizer *const tokenizer = t->spoken.t;
    size_t len;
    const char *const name = cril_tokenizer_piece(tokenizer, id, &len);

    return name && !cril_tokenizer_text(tokenizer, id, &(size_t){0}) &&
           cril_stop_find(&r->prompts[t->prompt->index], name, len, 0) != SIZE_MAX;
}

static cril_status take_token(struct generation *r, struct text *t, int32_t id, cril_error *err)
{
    const struct cril_prefixed *const p = t->prompt;
    size_t searched, len;
    cril_status st;

    r->generated_tokens++;
    if ((st = cril_ids_push(&t->ids, id, err)) != CRIL_OK)
        return st;
    if (cril_tokenizer_ends(t->spoken.t, id))
        return finish_text(r, t, CRIL_GENERATION_EOS, err);
    if (is_named_stop(r, t, id))
        return finish_text(r, t, CRIL_GENERATION_STOP, err);
    cril_spoken_text(&t->spoken, &len, &searched);
    if ((st = cril_spoken_add(&t->spoken, id, err)) != CRIL_OK)
        return st;
    const size_t stop = find_stop(r, t, searched);
    if (stop != SIZE_MAX)
        return end_text(r, t, CRIL_GENERATION_STOP, stop, err);
    if (t->ids.n == r->prompts[p->index].max_tokens)
        return finish_text(r, t, CRIL_GENERATION_LIMIT, err);
    if (p->n + t->ids.n == r->g->options.context)
        return finish_text(r, t, CRIL_GENERATION_FULL, err);
    return CRIL_OK;
}

/* ---- Prompts ---- */

/* Inputs of the pass that a prompt and its text are. */
static size_t pass_length(const struct cril_generator *g, const cril_prompt *p)
{
    const size_t room = g->options.context - p->n;

    return p->n + (p->max_tokens < room ? p->max_tokens : room);
}

static cril_status feed(struct generation *r, size_t n, cril_error *err)
{
    const cril_status st = cril_decoder_feed(r->decoder, r->feeds, n, err);

    return st == CRIL_OK ? report(r, err) : st;
}

/* Feeds the prefix stream, which has `from` tokens of p, with those up to p->shared. */
static cril_status feed_prefix(struct generation *r, const struct cril_prefixed *p, size_t from,
                               cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t at = from, n; st == CRIL_OK && at < p->shared; at += n) {
        n = p->shared - at < CRIL_ROWS ? p->shared - at : CRIL_ROWS;
        r->feeds[0] = (struct cril_feed){.stream = r->n_texts, .ids = p->ids + at, .n = n};
        r->prompt_tokens += n;
        st = feed(r, 1, err);
    }
    r->prefix = p;
    r->prefix_n = p->shared;
    return st;
}

/* Makes the prefix stream begin with what p shares. */
static cril_status prepare_prefix(struct generation *r, const struct cril_prefixed *p,
                                  cril_error *err)
{
    const size_t stream = r->n_texts, length = p->length ? p->length : r->g->context;
    const bool shrinks = cril_model_forks_within(r->g->m);
    size_t same = 0;
    cril_status st = CRIL_OK;

    if (r->prefix_n && r->prefix->length == p->length)
        same = cril_sequence_common(r->prefix->ids, p->ids,
                                    r->prefix_n < p->shared ? r->prefix_n : p->shared);
    if (same == p->shared && (shrinks || same == r->prefix_n))
        return CRIL_OK;
    if (same && same < r->prefix_n && shrinks) {
        st = cril_decoder_fork(r->decoder, stream, same, stream, length, err);
    } else if (!same || same < r->prefix_n) {
        st = cril_decoder_reset(r->decoder, stream, length, err);
        same = 0;
    }
    return st == CRIL_OK ? feed_prefix(r, p, same, err) : st;
}

/* Gives a free stream the next prompt. */
static cril_status begin_text(struct generation *r, struct text *t, cril_error *err)
{
    const struct cril_prefixed *const p = &r->order[r->next++];
    const size_t stream = (size_t)(t - r->texts), length = pass_length(r->g, &r->prompts[p->index]);
    cril_status st;

    t->prompt = p;
    t->fed = p->shared;
    t->ids.n = 0;
    cril_spoken_start(&t->spoken, cril_model_tokenizer(r->g->m));
    if (!p->shared)
        return cril_decoder_reset(r->decoder, stream, length, err);
    if ((st = prepare_prefix(r, p, err)) != CRIL_OK)
        return st;
    return cril_decoder_fork(r->decoder, r->n_texts, p->shared, stream, length, err);
}

/* ---- Rounds ---- */

/* A token of every text that has begun, and pieces of prompts until a piece of the decoder is full.
 */
static size_t gather_feeds(struct generation *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_texts; i++) {
        const struct text *const t = &r->texts[i];

        if (t->prompt && t->ids.n)
            r->feeds[n++] =
                (struct cril_feed){.stream = i, .ids = t->ids.data + t->ids.n - 1, .n = 1};
    }
    size_t room = CRIL_ROWS - n % CRIL_ROWS;
    for (size_t i = 0; i < r->n_texts && room; i++) {
        const struct text *const t = &r->texts[i];

        if (!t->prompt || t->ids.n)
            continue;
        const size_t left = t->prompt->n - t->fed, taken = left < room ? left : room;
        r->feeds[n++] = (struct cril_feed){.stream = i, .ids = t->prompt->ids + t->fed, .n = taken};
        room -= taken;
    }
    return n;
}

/* What a feed of the last call brought its text. */
static cril_status take_feed(struct generation *r, size_t i, cril_error *err)
{
    const struct cril_feed *const f = &r->feeds[i];
    struct text *const t = &r->texts[f->stream];
    int32_t id;
    cril_status st;

    t->fed += t->ids.n ? 0 : f->n;
    if (t->fed < t->prompt->n)
        return CRIL_OK;
    if ((st = cril_decoder_best(r->decoder, i, &id, err)) != CRIL_OK)
        return st;
    return take_token(r, t, id, err);
}

static cril_status run_round(struct generation *r, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; st == CRIL_OK && i < r->n_texts && r->next < r->n; i++)
        if (!r->texts[i].prompt)
            st = begin_text(r, &r->texts[i], err);
    const size_t n = st == CRIL_OK ? gather_feeds(r) : 0;
    for (size_t i = 0; i < n; i++)
        r->prompt_tokens += r->texts[r->feeds[i].stream].ids.n ? 0 : r->feeds[i].n;
    if (n)
        st = feed(r, n, err);
    for (size_t i = 0; st == CRIL_OK && i < n; i++)
        st = take_feed(r, i, err);
    return st;
}

/* ---- A call ---- */

static cril_status check_prompt(const struct cril_generator *g, const cril_prompt *p, size_t index,
                                cril_error *err)
{
    const char *const path = g->m->path;
    cril_status st = CRIL_OK;

    if (!p->ids || p->n < 1 || p->n >= g->options.context)
        return cril_fail(
            err, CRIL_ERR_RANGE,
            "%s: prompt %zu has %zu tokens; a context of %zu holds 1 to %zu and a text", path,
            index, p->n, g->options.context, g->options.context - 1);
    if (p->max_tokens < 1)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: prompt %zu asks for a text of no token", path,
                         index);
    if (p->n_until && (!p->until || !p->until_len))
        return cril_fail(err, CRIL_ERR_RANGE, "%s: prompt %zu lacks its stop strings", path, index);
    for (size_t i = 0; i < p->n_until; i++)
        if (!p->until[i] || !p->until_len[i])
            return cril_fail(err, CRIL_ERR_RANGE, "%s: prompt %zu has an empty stop string", path,
                             index);
    for (size_t i = 0; i < p->n && st == CRIL_OK; i++)
        st = cril_logits_check_id(g->m, p->ids[i], err);
    return st;
}

/* Sorts the prompts. *shared: some of them begin alike. */
static cril_status order_prompts(struct generation *r, bool *shared, size_t *longest,
                                 cril_error *err)
{
    const struct cril_generator *const g = r->g;
    const bool by_length = cril_model_depends_on_length(g->m);

    *shared = false;
    *longest = 0;
    if (!(r->order = calloc(r->n, sizeof(*r->order))))
        return no_memory(g->m, err);
    for (size_t i = 0; i < r->n; i++) {
        const cril_prompt *const p = &r->prompts[i];
        const size_t length = pass_length(g, p);

        r->order[i] = (struct cril_prefixed){
            .ids = p->ids, .n = p->n, .length = by_length ? length : 0, .index = i};
        *longest = length > *longest ? length : *longest;
    }
    cril_share_prefixes(r->order, r->n, cril_model_forks_within(g->m));
    for (size_t i = 0; i < r->n; i++)
        *shared |= r->order[i].shared > 0;
    return CRIL_OK;
}

/* A decoder with so many streams, or the last call's where that has as many. */
static cril_status prepare_decoder(struct cril_generator *g, size_t streams, size_t context,
                                   cril_error *err)
{
    const struct cril_decoder_options options = {.threads = g->options.threads,
                                                 .streams = streams,
                                                 .context = context,
                                                 .memory = g->options.memory_bytes,
                                                 .all_streams = true,
                                                 .best = true};
    cril_status st;

    if (g->decoder && g->streams >= streams && g->context >= context)
        return CRIL_OK;
    cril_decoder_free(g->decoder);
    g->decoder = NULL;
    if ((st = cril_decoder_create(g->m, cril_kernels(), &options, &g->decoder, err)) != CRIL_OK)
        return st;
    g->streams = streams;
    g->context = context;
    return CRIL_OK;
}

static cril_status prepare(struct generation *r, cril_error *err)
{
    bool shared;
    size_t longest;
    cril_status st;

    r->n_texts = r->g->options.streams < r->n ? r->g->options.streams : r->n;
    if ((st = order_prompts(r, &shared, &longest, err)) != CRIL_OK ||
        (st = prepare_decoder(r->g, r->n_texts + shared, longest, err)) != CRIL_OK)
        return st;
    r->decoder = r->g->decoder;
    r->texts = calloc(r->n_texts, sizeof(*r->texts));
    r->feeds = calloc(r->n_texts, sizeof(*r->feeds));
    return r->texts && r->feeds ? CRIL_OK : no_memory(r->g->m, err);
}

static void free_generation(struct generation *r)
{
    for (size_t i = 0; r->texts && i < r->n_texts; i++) {
        cril_ids_free(&r->texts[i].ids);
        cril_spoken_free(&r->texts[i].spoken);
    }
    free(r->texts);
    free(r->feeds);
    free(r->order);
}

cril_status cril_generate(cril_generator *g, const cril_prompt *prompts, size_t n,
                          const cril_generate_callbacks *callbacks, cril_error *err)
{
    if (CRIL_LACKS(err, g) || (n && CRIL_LACKS(err, prompts)))
        return CRIL_ERR_RANGE;

    struct generation r = {.g = g, .prompts = prompts, .n = n, .callbacks = callbacks};
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < n && st == CRIL_OK; i++)
        st = check_prompt(g, &prompts[i], i, err);
    if (st != CRIL_OK || !n)
        return st;
    st = prepare(&r, err);
    while (st == CRIL_OK && r.n_done < n)
        st = run_round(&r, err);
    if (st == CRIL_ERR_NUMERIC) /* overwritten weights may be none */
        st = cril_model_check(g->m, err) == CRIL_OK ? st : CRIL_ERR_MISMATCH;
    free_generation(&r);
    if (st != CRIL_OK && st != CRIL_ERR_CANCELLED) { /* its streams may hold what is no number */
        cril_decoder_free(g->decoder);
        g->decoder = NULL;
    }
    return st;
}

/* ---- Generators ---- */

cril_status cril_generator_create(cril_model *m, const cril_generator_options *options,
                                  cril_generator **out, cril_error *err)
{
    if (CRIL_LACKS(err, m, out))
        return CRIL_ERR_RANGE;

    cril_generator_options o = options ? *options : (cril_generator_options){0};

    o.streams = o.streams ? o.streams : DEFAULT_STREAMS;
    o.context = o.context ? o.context : cril_model_context(m);
    if (o.streams > MAX_STREAMS)
        return cril_fail(err, CRIL_ERR_RANGE, "%zu streams; there can be 1 to %d", o.streams,
                         MAX_STREAMS);
    if (o.context > cril_model_max_window(m))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: a context of %zu tokens; the model can be given "
                         "%zu",
                         m->path, o.context, cril_model_max_window(m));
    cril_generator *const g = calloc(1, sizeof(*g));
    if (!g)
        return no_memory(m, err);
    g->m = m;
    g->options = o;
    *out = g;
    return CRIL_OK;
}

void cril_generator_free(cril_generator *g)
{
    if (!g)
        return;
    cril_decoder_free(g->decoder);
    free(g);
}
