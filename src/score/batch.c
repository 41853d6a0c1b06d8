#include "score/batch.h"

#include "util/fail.h"
#include "util/size.h"

#include <stdlib.h>
#include <string.h>

void cril_batch_free(struct cril_batch *b)
{
    free(b->ids);
    free(b->nats);
    free(b->shares);
    free(b->apart);
    free(b->details);
    free(b->runs);
    free(b->windows);
    *b = (struct cril_batch){0};
}

void cril_batch_clear(struct cril_batch *b)
{
    b->n_ids = b->n_nats = b->n_runs = b->n_rows = b->padded_rows = 0;
}

size_t cril_run_padded_rows(size_t n_inputs)
{
    return n_inputs ? cril_engine_window_rows(0, n_inputs) : 1;
}

/* Room for what belongs to n_scored tokens more, beside their nats. */
static bool grow_beside(struct cril_batch *b, size_t n_scored)
{
    const size_t n = b->n_apart;

    if (b->with_shares) {
        struct cril_shares *shares =
            cril_size_grow(b->shares, &b->shares_size, b->n_nats, n_scored, sizeof(*shares));

        if (!shares)
            return false;
        b->shares = shares;
    }
    if (n) {
        cril_divergence *apart =
            cril_size_grow(b->apart, &b->apart_size, b->n_nats, n_scored, n * sizeof(*apart));

        if (!apart)
            return false;
        b->apart = apart;
    }
    if (b->with_details) {
        cril_token_details *details =
            cril_size_grow(b->details, &b->details_size, b->n_nats, n_scored, sizeof(*details));

        if (!details)
            return false;
        b->details = details;
    }
    return true;
}

/* Room for one run more, of n_ids ids and n_scored tokens that are scored. */
static bool grow(struct cril_batch *b, size_t n_ids, size_t n_scored)
{
    int32_t *ids = cril_size_grow(b->ids, &b->ids_size, b->n_ids, n_ids, sizeof(*ids));
    double *nats = cril_size_grow(b->nats, &b->nats_size, b->n_nats, n_scored, sizeof(*nats));
    struct cril_run *runs = cril_size_grow(b->runs, &b->runs_size, b->n_runs, 1, sizeof(*runs));

    b->ids = ids ? ids : b->ids;
    b->nats = nats ? nats : b->nats;
    b->runs = runs ? runs : b->runs;
    return ids && nats && runs && grow_beside(b, n_scored);
}

static void add_run(struct cril_batch *b, struct cril_run run)
{
    run.ids = b->n_ids;
    run.nats = b->n_nats;
    b->runs[b->n_runs++] = run;
    b->n_ids += run.n_inputs + 1;
    b->n_nats += run.n_scored;
    b->n_rows += run.n_inputs;
    b->padded_rows += cril_run_padded_rows(run.n_inputs);
}

bool cril_batch_add(struct cril_batch *b, uint64_t stream, const struct cril_span *s, size_t length,
                    const int32_t *tokens, uint64_t base)
{
    const size_t n_inputs = cril_span_inputs(s), n_scored = (size_t)(s->end - s->first);
    int32_t *ids;

    if (!grow(b, n_inputs + 1, n_scored))
        return false;
    ids = b->ids + b->n_ids;
    if (s->first_token >= 0)
        *ids++ = s->first_token;
    memcpy(ids, tokens + (size_t)(s->from - base), (size_t)(s->end - s->from) * sizeof(*ids));
    add_run(b, (struct cril_run){.stream = stream,
                                 .position = s->first,
                                 .n_inputs = n_inputs,
                                 .length = length,
                                 .n_scored = n_scored});
    return true;
}

bool cril_batch_add_uniform(struct cril_batch *b, uint64_t stream, uint64_t position, int32_t id)
{
    if (!grow(b, 1, 1))
        return false;
    b->ids[b->n_ids] = id;
    add_run(b, (struct cril_run){.stream = stream, .position = position, .n_scored = 1});
    return true;
}

/* A token without context: one symbol of as many as there are logits. */
static void score_uniform(struct cril_batch *b, const struct cril_run *run)
{
    b->nats[run->nats] = b->uniform_nats;
    if (b->with_shares)
        b->shares[run->nats] = (struct cril_shares){
            .chunk = {.low = (uint64_t)b->ids[run->ids], .size = 1, .total = b->uniform_total},
            .token = {.low = 0, .size = 1, .total = 1}};
}

cril_status cril_batch_score(struct cril_batch *b, struct cril_engine *e, cril_engine_poll poll,
                             void *user, cril_error *err)
{
    struct cril_window *windows =
        cril_size_grow(b->windows, &b->windows_size, 0, b->n_runs, sizeof(*windows));
    size_t n = 0;

    if (!windows)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a batch of %zu windows",
                         b->n_runs);
    b->windows = windows;
    for (size_t i = 0; i < b->n_runs; i++) {
        const struct cril_run *run = &b->runs[i];
        const int32_t *ids = b->ids + run->ids;
        struct cril_shares *shares = b->with_shares ? b->shares + run->nats : NULL;
        cril_divergence *apart = b->n_apart ? b->apart + run->nats * b->n_apart : NULL;
        cril_token_details *details = b->with_details ? b->details + run->nats : NULL;

        if (!run->n_inputs)
            score_uniform(b, run);
        else
            windows[n++] = (struct cril_window){.ids = ids,
                                                .n = run->n_inputs,
                                                .first = run->n_inputs - run->n_scored,
                                                .targets = ids + run->n_inputs + 1 - run->n_scored,
                                                .nats = b->nats + run->nats,
                                                .shares = shares,
                                                .apart = apart,
                                                .details = details,
                                                .length = run->length};
    }
    return cril_engine_score(e, windows, n, poll, user, err);
}
