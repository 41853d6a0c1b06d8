/*
 * The forward pass of many windows at once, layer by layer, to negative log-likelihoods of targets.
 *
 * An engine owns threads and buffers and borrows a model. The bits of a nat depend on the model and
 * on its own window's ids and length only (doc/numerics.md): not on the other windows, the threads
 * or the CPU.
 */
#ifndef CRIL_MODEL_ENGINE_H
#define CRIL_MODEL_ENGINE_H

#include "entropy/share.h"
#include "kernels/kernels.h"

#include <cril/model.h>
#include <cril/score.h>
#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

struct cril_engine;

/*
 * One causal window. The output of input i predicts targets[i - first], for i in [first, n).
 *
 * A window may go on where another one of the same call ends, its prefix: it then has the positions
 * behind it, and every bit that it has when its ids follow all of the prefix's. Where a model's
 * figures depend on the length of a pass (cril_model_depends_on_length), both have the same length.
 */
struct cril_window {
    const int32_t *ids;          /* [n] in [0, cril_model_logits) */
    size_t n;                    /* 1 .., with all prefixes at most cril_model_max_window */
    size_t first;                /* <= n; n: nothing is scored, the window is but a prefix */
    const int32_t *targets;      /* [n - first] in [0, cril_model_logits) */
    double *nats;                /* [n - first] -ln p, finite, >= 0; written by cril_engine_score */
    struct cril_shares *shares;  /* [n - first] of the targets, likewise; NULL: not wanted; never of
                                    engines that compare */
    cril_divergence *apart;      /* [n - first][engines compared], likewise */
    cril_token_details *details; /* [n - first] likewise; NULL: not wanted; never with shares, never
                                    of engines that compare; of all windows of a call or of none */
    size_t length; /* inputs of the whole pass, of which these, behind those of the prefixes, are
                      the first; 0: there are no more */
    size_t prefix; /* 1 + index of the window that this one goes on from, which has a smaller
                      index; 0: none */
};

struct cril_engine_options {
    unsigned threads; /* 0: one a core */
    size_t memory;    /* bytes that weights and activations may take, with all else that the process
                         holds; 0: no bound */
    size_t reserved;  /* of these, what others will take that the process does not hold yet */
    size_t rows;      /* at most in one call; 0: as many as are useful */
    size_t window;    /* tokens of the longest window to come */
};

/*
 * k: cril_kernels(), or another set that this CPU has. CRIL_ERR_NOMEM; CRIL_ERR_RANGE:
 * options->memory does not hold one window and the largest matrices, the message says what would.
 */
cril_status cril_engine_create(const cril_model *m, const struct cril_kernels *k,
                               const struct cril_engine_options *options, struct cril_engine **out,
                               cril_error *err);
void cril_engine_free(struct cril_engine *e); /* NULL is allowed */

/*
 * From now on e scores windows by these models, too, and says how far each is from its own: by the
 * ids below `columns`, which all have. others [n], made with the same threads, are borrowed and
 * must outlive e. Once for an engine. CRIL_ERR_NOMEM.
 */
cril_status cril_engine_compare(struct cril_engine *e, struct cril_engine *const *others, size_t n,
                                size_t columns, cril_error *err);
/* Seconds that the layers of this model were at work so far. */
double cril_engine_seconds(const struct cril_engine *e);

/* Rows that one call should have at most, to keep to options->memory; a window of n tokens behind
 * `start` tokens of prefixes counts for cril_engine_window_rows(start, n). */
size_t cril_engine_rows(const struct cril_engine *e);
size_t cril_engine_window_rows(size_t start, size_t n);

/*
 * Called between layers with the share of the pass that is done, 0..1. Not 0: stop.
 */
typedef int (*cril_engine_poll)(void *user, double done);

/*
 * Scores all windows in one pass over the layers. More rows than cril_engine_rows take more memory,
 * no more than that. CRIL_ERR_NOMEM; CRIL_ERR_RANGE for an id or a length out of range;
 * CRIL_ERR_NUMERIC names the tensor or layer whose values are not finite; CRIL_ERR_CANCELLED when
 * poll (may be NULL) asks for it. On error the nats are undefined.
 */
cril_status cril_engine_score(struct cril_engine *e, const struct cril_window *windows,
                              size_t n_windows, cril_engine_poll poll, void *user, cril_error *err);

#endif
