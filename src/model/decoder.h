/*
 * The forward pass of several streams, token by token: what a decoder needs, who learns a token
 * only after the model has given its distribution.
 *
 * Each stream keeps its keys and values of all layers; a call takes a few new tokens of some
 * streams through all layers and leaves the distribution of the token that follows. The bits are
 * those of the engine (engine.h), which sees whole windows: doc/numerics.md says neither how many
 * rows go together nor when.
 */
#ifndef CRIL_MODEL_DECODER_H
#define CRIL_MODEL_DECODER_H

#include "kernels/kernels.h"

#include <cril/model.h>
#include <cril/session.h>
#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_decoder;

struct cril_decoder_options {
    unsigned threads; /* 0: one a core */
    size_t streams;   /* >= 1; fewer where memory is short, but always one */
    size_t context;   /* tokens that a stream can hold, 1 .. cril_model_max_window */
    size_t memory; /* bytes that the process may hold; 0: three quarters of the machine's. Keys and
                      values come first; matrices that do not fit as panels are unpacked anew at
                      every call. */
    bool all_streams; /* memory that is short for so many is an error */
    bool best;        /* cril_decoder_best will be asked */
    bool logits;      /* cril_decoder_logits will be asked */
};

/*
 * What follows a feed's last token: the logits in chunks of CRIL_CHUNK, by id. Valid until the next
 * call.
 */
struct cril_distribution {
    const double *weights; /* [n_chunks] of the chunks */
    double sum;            /* of the weights */
    const float *values;   /* [n] e^(logit - its chunk's maximum) */
    size_t n_chunks, n;
};

/* CRIL_ERR_NOMEM; CRIL_ERR_NUMERIC: the model's weights are damaged; CRIL_ERR_RANGE: memory does
 * not hold all streams, the message says what would. */
cril_status cril_decoder_create(const cril_model *m, const struct cril_kernels *k,
                                const struct cril_decoder_options *options,
                                struct cril_decoder **out, cril_error *err);
void cril_decoder_free(struct cril_decoder *s); /* NULL is allowed */

size_t cril_decoder_streams(const struct cril_decoder *s);
/*
 * The stream starts anew at position 0, to get `length` tokens at most, 1 .. context.
 *
 * That is the number of inputs of its pass, which must be right where a model's figures depend on
 * it (cril_model_depends_on_length), and holds until the next reset: a text that is to go on beyond
 * it must go through anew. Without a reset it is the context.
 *
 * CRIL_ERR_RANGE: the length; CRIL_ERR_NOMEM: the stream must not be fed.
 */
cril_status cril_decoder_reset(struct cril_decoder *s, size_t stream, size_t length,
                               cril_error *err);
/*
 * Stream `to` starts anew with the first n >= 1 tokens of stream `from`, to get `length` tokens at
 * most: to the bit as if it had been reset and fed with them. `from` stays as it is.
 *
 * CRIL_ERR_RANGE: n is more than `from` has; or less, where a state is that of the last position
 * alone (cril_model_forks_within); lengths for which positions have other figures. In all these
 * cases `to` stays as it is. CRIL_ERR_NOMEM: it must not be fed.
 */
cril_status cril_decoder_fork(struct cril_decoder *s, size_t from, size_t n, size_t to,
                              size_t length, cril_error *err);
/* Whether a stream's beginning can be taken over when the stream has gone on. `to` may then be
 * `from`, which is cut. */
bool cril_model_forks_within(const cril_model *m);
/* n <= cril_decoder_streams, a stream at most once. CRIL_ERR_RANGE: an id out of range, a stream
   that is full; CRIL_ERR_NUMERIC; CRIL_ERR_NOMEM. */
cril_status cril_decoder_feed(struct cril_decoder *s, const struct cril_feed *feeds, size_t n,
                              cril_error *err);
/* Of feed i of the last call. */
struct cril_distribution cril_decoder_distribution(const struct cril_decoder *s, size_t i);
/* The same feed's token of the largest logit, of equals the lowest; the decoder was created for it.
 * CRIL_ERR_NUMERIC: a logit is not finite. */
cril_status cril_decoder_best(const struct cril_decoder *s, size_t i, int32_t *id, cril_error *err);

/* The same feed's logits, for which the decoder was created. Valid until the next call. */
struct cril_logits {
    const float *values; /* [n] */
    double max, sum;     /* ln of the sum of their exponentials is max + ln sum */
    size_t n;
};

struct cril_logits cril_decoder_logits(const struct cril_decoder *s, size_t i);

#endif
