/*
 * A batch of windows: their ids side by side, one pass through the engine, their nats, and shares
 * for a coder, side by side.
 *
 * What a window scores is a run: tokens at consecutive positions of one stream. A token without any
 * context is a run too, of no inputs; it costs what a uniform code spends. Runs keep the order in
 * which they were added.
 */
#ifndef CRIL_SCORE_BATCH_H
#define CRIL_SCORE_BATCH_H

#include "model/engine.h"
#include "score/protocol.h"

struct cril_run {
    uint64_t stream;   /* whose tokens they are */
    uint64_t position; /* of the first scored token in the stream */
    size_t n_inputs;   /* 0: no window, one token at the price of uniform_nats */
    size_t length;     /* inputs of the whole window, of which these are the first */
    size_t n_scored;   /* the last n_scored of the ids are the targets */
    size_t ids;        /* offset in batch.ids of n_inputs + 1 ids: inputs, then the last target */
    size_t nats;       /* offset in batch.nats of n_scored */
};

/* Zero-initialised it is empty. Buffers grow to the largest batch and stay. */
struct cril_batch {
    int32_t *ids;
    double *nats;
    struct cril_run *runs;
    struct cril_window *windows;
    size_t n_ids, n_nats, n_runs, n_rows; /* rows: inputs of all windows */
    size_t padded_rows;                   /* of all runs, see cril_run_padded_rows */
    size_t ids_size, nats_size, runs_size, windows_size;
    struct cril_shares *shares; /* beside nats, where with_shares */
    size_t shares_size;
    cril_divergence *apart; /* beside nats, [n_apart] each */
    size_t apart_size;
    cril_token_details *details; /* beside nats, where with_details */
    size_t details_size;
    /* Set by the owner: */
    double uniform_nats;
    uint64_t uniform_total; /* logits: what a token without context has a share of 1 of */
    bool with_shares, with_details;
    size_t n_apart; /* models that the engine compares */
};

void cril_batch_free(struct cril_batch *b);
void cril_batch_clear(struct cril_batch *b);

/* Rows of a run of n inputs, to be added up and compared with cril_engine_rows. A token without
 * context counts for one: it is no work, but takes memory. */
size_t cril_run_padded_rows(size_t n_inputs);

/* Adds the window s, all or the first part of one that has `length` inputs, of a stream whose token
 * at position `base` is tokens[0]. False: out of memory. */
bool cril_batch_add(struct cril_batch *b, uint64_t stream, const struct cril_span *s, size_t length,
                    const int32_t *tokens, uint64_t base);
/* Adds a token that has no context. */
bool cril_batch_add_uniform(struct cril_batch *b, uint64_t stream, uint64_t position, int32_t id);

/* Fills nats and shares of all runs. Errors are the engine's. */
cril_status cril_batch_score(struct cril_batch *b, struct cril_engine *e, cril_engine_poll poll,
                             void *user, cril_error *err);

#endif
