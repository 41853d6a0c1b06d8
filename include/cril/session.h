/*
 * A model token by token: what may follow tokens that a program chooses one at a time.
 *
 * A session has streams, each a context that grows by the tokens it is fed, goes back, or becomes a
 * copy of another. The bits are those of a score (doc/numerics.md): of a stream that was reset for
 * as many tokens as a window has inputs, nats are those of the window's tokens.
 *
 * A session owns threads and buffers and borrows a model; one per thread of yours.
 */
#ifndef CRIL_SESSION_H
#define CRIL_SESSION_H

#include <cril/model.h>
#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_session cril_session;

typedef struct cril_session_options {
    unsigned threads;    /* 0: one a core */
    size_t streams;      /* 0: 1 */
    size_t context;      /* tokens that a stream can hold; 0: the model's context */
    size_t memory_bytes; /* that the process may hold; 0: three quarters of the machine's */
} cril_session_options;

/* New tokens of a stream, behind those that it has. */
typedef struct cril_feed {
    size_t stream;
    const int32_t *ids; /* [n], n >= 1, in [0, cril_model_logits) */
    size_t n;
} cril_feed;

/*
 * m is borrowed and must outlive the session. options may be NULL. Memory for the keys and values
 * of all streams is taken at once. Streams are empty.
 *
 * CRIL_ERR_RANGE: a context above cril_model_max_window, too many streams, memory that does not
 * hold them: the sentence says how much they need. CRIL_ERR_NOMEM.
 */
cril_status cril_session_create(cril_model *m, const cril_session_options *options,
                                cril_session **out, cril_error *err);
void cril_session_free(cril_session *s); /* NULL is allowed */

size_t cril_session_streams(const cril_session *s);
size_t cril_session_context(const cril_session *s);
size_t cril_session_tokens(const cril_session *s, size_t stream); /* that it has */

/*
 * Empties a stream, which gets `length` tokens at most from then on, 1 .. context; 0: context. The
 * length is the number of inputs of its pass, over which some models' figures depend
 * (doc/numerics.md); new streams have the context. CRIL_ERR_RANGE, CRIL_ERR_NOMEM.
 */
cril_status cril_session_reset(cril_session *s, size_t stream, size_t length, cril_error *err);
/*
 * Leaves a stream its first n tokens. What follows them is known again when it was fed. n 0 empties
 * it. CRIL_ERR_RANGE: it has fewer; the model keeps its last position's state alone (scans, such as
 * Mamba's), and n is neither all nor 0.
 */
cril_status cril_session_rewind(cril_session *s, size_t stream, size_t n, cril_error *err);
/* Stream `to` becomes what stream `from` is, its length and what follows it included.
 * CRIL_ERR_RANGE, CRIL_ERR_NOMEM. */
cril_status cril_session_fork(cril_session *s, size_t from, size_t to, cril_error *err);

/*
 * Takes new tokens of streams [n], each stream at most once, through the model together.
 *
 * CRIL_ERR_RANGE: a stream or an id that is none, no token, a stream that is full; then nothing was
 * fed. CRIL_ERR_NUMERIC; CRIL_ERR_MISMATCH: a model's file was written to; after these the streams
 * are empty.
 */
cril_status cril_session_feed(cril_session *s, const cril_feed *feeds, size_t n, cril_error *err);

/*
 * What a token would cost next: nats[i] = -ln p(ids[i] | the stream's tokens), >= 0; infinite where
 * the logit is. ids [n] may be NULL: 0 .. n - 1. CRIL_ERR_RANGE: an id that is none; a stream to
 * which nothing was fed since it was emptied or went back. On error nats is untouched.
 */
cril_status cril_session_nats(const cril_session *s, size_t stream, const int32_t *ids, size_t n,
                              double *nats, cril_error *err);
/* The stream's logits, [cril_model_logits]; borrowed until the stream changes. NULL: there are
 * none, see above. */
const float *cril_session_logits(const cril_session *s, size_t stream);

#ifdef __cplusplus
}
#endif
#endif
