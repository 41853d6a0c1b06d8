/*
 * The one way of tokens through a model: a feeder lays windows on streams of tokens, gathers the
 * windows in batches, runs the engine, and hands each scored token to the sink of its owner.
 *
 * Tokens are handed out in the order in which their windows were laid out: one stream after
 * another, each by position. A window's tokens are copied into the batch, so that the owner may
 * drop the tokens that later windows do not need. In memory are one batch and what the owner keeps.
 *
 * A feeder borrows a model and owns an engine. It is used by one thread at a time.
 */
#ifndef CRIL_SCORE_FEEDER_H
#define CRIL_SCORE_FEEDER_H

#include "score/batch.h"

#include <cril/tokenizer.h>

/* A stream as far as its owner knows it. The owner starts it, appends to ids, may set score_from
 * and score_to, and leaves the rest to the feeder. */
struct cril_token_stream {
    uint64_t number; /* of the owner's choice; scored tokens carry it */
    cril_ids ids;    /* tokens at positions base .. base + ids.n - 1 */
    uint64_t base;
    uint64_t score_from, score_to; /* positions; tokens before and after are context only */
    uint64_t n_windows;            /* laid out, or skipped as they score nothing */
    uint64_t laid_out;             /* end of the last window that was laid out */
    uint64_t n_inputs;             /* of these windows */
};

struct cril_scored_token {
    uint64_t stream, position;
    int32_t id;
    double nats;
    /* Borrowed until the sink returns: */
    const int32_t *window; /* [n_window] tokens of its window, of which it is window[at] */
    size_t n_window, at;
    const struct cril_shares *shares;  /* NULL: not asked for */
    const cril_divergence *apart;      /* of each model that the engine compares; NULL: there are
                                          none, or the token has no context */
    const cril_token_details *details; /* NULL: not asked for, or the token has no context */
};

/* An error ends the work: the feeder passes it on, and can only be started again. */
struct cril_feeder_sink {
    void *user;
    cril_status (*token)(void *user, const struct cril_scored_token *t, cril_error *err);
    /* All tokens of a batch, which had n_rows inputs, have been handed out. */
    cril_status (*batch)(void *user, size_t n_rows, cril_error *err);
    cril_engine_poll poll; /* of the batch at work */
};

struct cril_feeder {
    const struct cril_protocol *protocol;
    struct cril_layout layout;
    struct cril_engine *engine;
    struct cril_batch batch;
    const struct cril_feeder_sink *sink;
};

/*
 * shares: the sink gets shares for a range coder beside the nats. The options' window is the
 * feeder's to choose. On errors, which are those of cril_engine_create, *f can be freed.
 */
cril_status cril_feeder_init(struct cril_feeder *f, const cril_model *m,
                             const struct cril_protocol *p, const struct cril_layout *l,
                             struct cril_engine_options options, bool shares, cril_error *err);
/* The engine compares these, too; errors and what is borrowed as cril_engine_compare has them. */
cril_status cril_feeder_compare(struct cril_feeder *f, struct cril_engine *const *others, size_t n,
                                size_t columns, cril_error *err);
void cril_feeder_free(struct cril_feeder *f); /* a zero-initialised one is allowed */

/* Empties s, whose buffer of ids is used again; all of its tokens will be scored. */
void cril_token_stream_start(struct cril_token_stream *s, uint64_t number);

/* Forgets what is laid out; sink is borrowed until the next start. */
void cril_feeder_start(struct cril_feeder *f, const struct cril_feeder_sink *sink);

/*
 * Lays out all windows that the tokens of s allow. end: no token will follow. Unless it is the end,
 * tokens that no later window needs may be dropped from s. CRIL_ERR_NOMEM, errors of the engine and
 * of the sink.
 */
cril_status cril_feeder_lay_out(struct cril_feeder *f, struct cril_token_stream *s, bool end,
                                cril_error *err);
/* Scores and hands out what is laid out, if anything. Errors as above. */
cril_status cril_feeder_flush(struct cril_feeder *f, cril_error *err);

/* The position from which windows that are not laid out yet score, if the stream goes on. */
uint64_t cril_feeder_next_scored(const struct cril_feeder *f, const struct cril_token_stream *s);

#endif
