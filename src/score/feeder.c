#include "score/feeder.h"

#include "util/fail.h"
#include "util/fmath.h"

#include <string.h>

cril_status cril_feeder_init(struct cril_feeder *f, const cril_model *m,
                             const struct cril_protocol *p, const struct cril_layout *l,
                             struct cril_engine_options options, bool shares, cril_error *err)
{
    *f = (struct cril_feeder){.protocol = p, .layout = *l};
    f->batch.with_shares = shares;
    f->batch.uniform_total = cril_model_logits(m);
    f->batch.uniform_nats = cril_log((double)cril_model_logits(m));
    options.window = l->context;
    return cril_engine_create(m, cril_kernels(), &options, &f->engine, err);
}

cril_status cril_feeder_compare(struct cril_feeder *f, struct cril_engine *const *others, size_t n,
                                size_t columns, cril_error *err)
{
    const cril_status st = cril_engine_compare(f->engine, others, n, columns, err);

    if (st == CRIL_OK) {
        f->batch.n_apart = n;
        f->batch.uniform_total = columns;
        f->batch.uniform_nats = cril_log((double)columns);
    }
    return st;
}

void cril_feeder_free(struct cril_feeder *f)
{
    cril_batch_free(&f->batch);
    cril_engine_free(f->engine);
}

void cril_feeder_start(struct cril_feeder *f, const struct cril_feeder_sink *sink)
{
    f->sink = sink;
    cril_batch_clear(&f->batch);
}

void cril_token_stream_start(struct cril_token_stream *s, uint64_t number)
{
    cril_ids ids = s->ids;

    ids.n = 0;
    *s = (struct cril_token_stream){.number = number, .ids = ids, .score_to = UINT64_MAX};
}

/* ---- Handing out ---- */

static cril_status hand_out(const struct cril_feeder *f, const struct cril_run *run,
                            cril_error *err)
{
    const struct cril_batch *b = &f->batch;
    const int32_t *window = b->ids + run->ids;
    const size_t n_window = run->n_inputs + 1, first = n_window - run->n_scored;
    cril_status st = CRIL_OK;

    for (size_t k = 0; k < run->n_scored && st == CRIL_OK; k++) {
        const struct cril_scored_token t = {
            .stream = run->stream,
            .position = run->position + k,
            .id = window[first + k],
            .nats = b->nats[run->nats + k],
            .window = window,
            .n_window = n_window,
            .at = first + k,
            .shares = b->with_shares ? &b->shares[run->nats + k] : NULL,
            .apart = b->n_apart && run->n_inputs ? &b->apart[(run->nats + k) * b->n_apart] : NULL,
            .details = b->with_details && run->n_inputs ? &b->details[run->nats + k] : NULL};

        st = f->sink->token(f->sink->user, &t, err);
    }
    return st;
}

cril_status cril_feeder_flush(struct cril_feeder *f, cril_error *err)
{
    struct cril_batch *b = &f->batch;
    const size_t n_rows = b->n_rows;
    cril_status st;

    if (!b->n_runs)
        return CRIL_OK;
    st = cril_batch_score(b, f->engine, f->sink->poll, f->sink->user, err);
    for (size_t i = 0; i < b->n_runs && st == CRIL_OK; i++)
        st = hand_out(f, &b->runs[i], err);
    if (st != CRIL_OK)
        return st;
    cril_batch_clear(b);
    return f->sink->batch(f->sink->user, n_rows, err);
}

/* ---- Laying out ---- */

/* A batch that a run of n inputs more would make too large goes through first. */
static cril_status make_room(struct cril_feeder *f, size_t n_inputs, cril_error *err)
{
    const bool full =
        f->batch.padded_rows + cril_run_padded_rows(n_inputs) > cril_engine_rows(f->engine);

    return full ? cril_feeder_flush(f, err) : CRIL_OK;
}

static cril_status no_memory(const struct cril_feeder *f, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM,
                     "out of memory for a batch of %zu windows; try a smaller batch",
                     f->batch.n_runs + 1);
}

static cril_status add_uniform(struct cril_feeder *f, struct cril_token_stream *s, cril_error *err)
{
    cril_status st = make_room(f, 0, err);

    if (st != CRIL_OK)
        return st;
    if (!cril_batch_add_uniform(&f->batch, s->number, 0, s->ids.data[0]))
        return no_memory(f, err);
    s->laid_out = 1;
    return CRIL_OK;
}

static cril_status add_window(struct cril_feeder *f, struct cril_token_stream *s,
                              const struct cril_span *span, size_t length, cril_error *err)
{
    cril_status st = make_room(f, cril_span_inputs(span), err);

    if (st != CRIL_OK)
        return st;
    if (!cril_batch_add(&f->batch, s->number, span, length, s->ids.data, s->base))
        return no_memory(f, err);
    s->laid_out = span->end;
    s->n_inputs += cril_span_inputs(span);
    return CRIL_OK;
}

/* Cuts a window to the tokens that are to be scored; its pass keeps its length. False: it has none.
 */
static bool clip(const struct cril_token_stream *s, struct cril_span *span)
{
    if (span->first < s->score_from)
        span->first = s->score_from;
    if (span->end > s->score_to)
        span->end = s->score_to;
    return span->first < span->end;
}

/* Drops tokens before a position, once they are the larger part. */
static void drop_tokens(struct cril_token_stream *s, uint64_t before)
{
    const size_t n = (size_t)(before - s->base);

    if (n < s->ids.n / 2)
        return;
    s->ids.n -= n;
    memmove(s->ids.data, s->ids.data + n, s->ids.n * sizeof(*s->ids.data));
    s->base = before;
}

cril_status cril_feeder_lay_out(struct cril_feeder *f, struct cril_token_stream *s, bool end,
                                cril_error *err)
{
    const struct cril_protocol *p = f->protocol;
    const bool uniform =
        p->uniform_first && f->layout.first_token < 0 && !s->laid_out && s->ids.n && !s->score_from;
    struct cril_span span;
    cril_status st = uniform ? add_uniform(f, s, err) : CRIL_OK;

    while (st == CRIL_OK && p->window(&f->layout, s->n_windows, s->base + s->ids.n, end, &span)) {
        const size_t length = cril_span_inputs(&span);

        if (clip(s, &span))
            st = add_window(f, s, &span, length,
                            err); /* may flush: this window is still to come then */
        s->n_windows++;
        if (!end)
            drop_tokens(s, span.from);
    }
    return st;
}

uint64_t cril_feeder_next_scored(const struct cril_feeder *f, const struct cril_token_stream *s)
{
    struct cril_span span = {0};

    f->protocol->window(&f->layout, s->n_windows, UINT64_MAX, false, &span);
    return span.first;
}
