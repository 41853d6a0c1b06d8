/*
 * cril/session.h: streams of the decoder, and for each a copy of the logits behind its last token,
 * since the decoder's own are those of the last call.
 */
#include "model/decoder.h"
#include "model/logits.h"
#include "model/model.h"
#include "util/fail.h"
#include "util/size.h"

#include <cril/session.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STREAMS = 4096 };

struct place {
    size_t tokens, length;
    bool known;      /* what follows them */
    double max, sum; /* of logits (cril_logits) */
};

struct cril_session {
    cril_model *m;
    struct cril_decoder *decoder;
    size_t context, streams, n_logits;
    struct place *places; /* [streams] */
    float *logits;        /* [streams][n_logits] */
    bool *fed;            /* [streams] by the call at work */
};

static float *logits_of(const cril_session *s, size_t stream)
{
    return s->logits + stream * s->n_logits;
}

static cril_status check_stream(const cril_session *s, size_t stream, cril_error *err)
{
    if (stream < s->streams)
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_RANGE, "%s: stream %zu of a session that has %zu", s->m->path,
                     stream, s->streams);
}

/* ---- Life ---- */

static cril_status choose(const cril_model *m, cril_session_options *o, cril_error *err)
{
    o->streams = o->streams ? o->streams : 1;
    o->context = o->context ? o->context : cril_model_context(m);
    if (o->streams > MAX_STREAMS)
        return cril_fail(err, CRIL_ERR_RANGE, "%zu streams; there can be 1 to %d", o->streams,
                         MAX_STREAMS);
    if (o->context > cril_model_max_window(m))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: a context of %zu tokens; the model can be given %zu", m->path,
                         o->context, cril_model_max_window(m));
    return CRIL_OK;
}

static cril_status create(cril_session *s, const cril_session_options *o, cril_error *err)
{
    const struct cril_decoder_options options = {.threads = o->threads,
                                                 .streams = o->streams,
                                                 .context = o->context,
                                                 .memory = o->memory_bytes,
                                                 .all_streams = true,
                                                 .logits = true};
    size_t bytes;

    s->places = calloc(s->streams, sizeof(*s->places));
    s->fed = calloc(s->streams, sizeof(*s->fed));
    if (cril_size_mul(s->n_logits, sizeof(*s->logits), &bytes))
        s->logits = calloc(s->streams, bytes);
    if (!s->places || !s->fed || !s->logits)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for a session; try fewer streams",
                         s->m->path);
    for (size_t i = 0; i < s->streams; i++)
        s->places[i].length = s->context;
    return cril_decoder_create(s->m, cril_kernels(), &options, &s->decoder, err);
}

cril_status cril_session_create(cril_model *m, const cril_session_options *options,
                                cril_session **out, cril_error *err)
{
    if (CRIL_LACKS(err, m, out))
        return CRIL_ERR_RANGE;

    cril_session_options o = options ? *options : (cril_session_options){0};
    cril_status st = choose(m, &o, err);

    if (st != CRIL_OK)
        return st;
    cril_session *const s = calloc(1, sizeof(*s));
    if (!s)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    s->m = m;
    s->streams = o.streams;
    s->context = o.context;
    s->n_logits = cril_model_logits(m);
    if ((st = create(s, &o, err)) != CRIL_OK) {
        cril_session_free(s);
        return st;
    }
    *out = s;
    return CRIL_OK;
}

void cril_session_free(cril_session *s)
{
    if (!s)
        return;
    cril_decoder_free(s->decoder);
    free(s->places);
    free(s->logits);
    free(s->fed);
    free(s);
}

size_t cril_session_streams(const cril_session *s)
{
    return s ? s->streams : 0;
}

size_t cril_session_context(const cril_session *s)
{
    return s ? s->context : 0;
}

size_t cril_session_tokens(const cril_session *s, size_t stream)
{
    return s && stream < s->streams ? s->places[stream].tokens : 0;
}

/* ---- Streams ---- */

/* What the decoder made of a stream that is given another place. */
static cril_status move(cril_session *s, size_t stream, struct place to, cril_status st)
{
    if (st == CRIL_OK)
        s->places[stream] = to;
    else if (st == CRIL_ERR_NOMEM) /* it must not be fed */
        s->places[stream] = (struct place){0};
    return st;
}

static cril_status empty(cril_session *s, size_t stream, size_t length, cril_error *err)
{
    return move(s, stream, (struct place){.length = length},
                cril_decoder_reset(s->decoder, stream, length, err));
}

cril_status cril_session_reset(cril_session *s, size_t stream, size_t length, cril_error *err)
{
    if (CRIL_LACKS(err, s) || check_stream(s, stream, err) != CRIL_OK)
        return CRIL_ERR_RANGE;
    return empty(s, stream, length ? length : s->context, err);
}

cril_status cril_session_rewind(cril_session *s, size_t stream, size_t n, cril_error *err)
{
    if (CRIL_LACKS(err, s) || check_stream(s, stream, err) != CRIL_OK)
        return CRIL_ERR_RANGE;

    const size_t length = s->places[stream].length;

    if (n == s->places[stream].tokens)
        return CRIL_OK;
    if (!n)
        return empty(s, stream, length, err);
    return move(s, stream, (struct place){.tokens = n, .length = length},
                cril_decoder_fork(s->decoder, stream, n, stream, length, err));
}

cril_status cril_session_fork(cril_session *s, size_t from, size_t to, cril_error *err)
{
    if (CRIL_LACKS(err, s) || check_stream(s, from, err) != CRIL_OK ||
        check_stream(s, to, err) != CRIL_OK)
        return CRIL_ERR_RANGE;

    const struct place *const p = &s->places[from];
    cril_status st;

    if (from == to)
        return CRIL_OK;
    if (!p->tokens)
        return empty(s, to, p->length, err);
    st = move(s, to, *p, cril_decoder_fork(s->decoder, from, p->tokens, to, p->length, err));
    if (st == CRIL_OK)
        memcpy(logits_of(s, to), logits_of(s, from), s->n_logits * sizeof(*s->logits));
    return st;
}

/* ---- Tokens ---- */

static cril_status check_feed(cril_session *s, const cril_feed *f, cril_error *err)
{
    const char *const path = s->m->path;
    cril_status st = check_stream(s, f->stream, err);

    if (st != CRIL_OK)
        return st;
    const struct place *const p = &s->places[f->stream];
    if (s->fed[f->stream])
        return cril_fail(err, CRIL_ERR_RANGE, "%s: stream %zu is fed twice in one call", path,
                         f->stream);
    if (!f->ids || !f->n)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: stream %zu is fed no token", path, f->stream);
    if (f->n > p->length - p->tokens)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: %zu tokens more for a stream of %zu that has %zu", path, f->n,
                         p->length, p->tokens);
    for (size_t i = 0; i < f->n && st == CRIL_OK; i++)
        st = cril_logits_check_id(s->m, f->ids[i], err);
    s->fed[f->stream] = true;
    return st;
}

static void keep_logits(cril_session *s, const cril_feed *f, size_t i)
{
    const struct cril_logits l = cril_decoder_logits(s->decoder, i);
    struct place *const p = &s->places[f->stream];

    p->tokens += f->n;
    p->known = true;
    p->max = l.max;
    p->sum = l.sum;
    memcpy(logits_of(s, f->stream), l.values, l.n * sizeof(*l.values));
}

/* What streams hold may be no number. */
static void empty_all(cril_session *s, const cril_feed *feeds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        empty(s, feeds[i].stream, s->places[feeds[i].stream].length, NULL);
}

cril_status cril_session_feed(cril_session *s, const cril_feed *feeds, size_t n, cril_error *err)
{
    if (CRIL_LACKS(err, s) || (n && CRIL_LACKS(err, feeds)))
        return CRIL_ERR_RANGE;

    cril_status st = CRIL_OK;

    memset(s->fed, 0, s->streams * sizeof(*s->fed));
    for (size_t i = 0; i < n; i++)
        if ((st = check_feed(s, &feeds[i], err)) != CRIL_OK)
            return st;
    if (!n)
        return CRIL_OK;
    st = cril_decoder_feed(s->decoder, feeds, n, err);
    if (st == CRIL_OK || st == CRIL_ERR_NUMERIC) /* overwritten weights may be none */
        st = cril_model_check(s->m, err) == CRIL_OK ? st : CRIL_ERR_MISMATCH;
    if (st != CRIL_OK) {
        empty_all(s, feeds, n);
        return st;
    }
    for (size_t i = 0; i < n; i++)
        keep_logits(s, &feeds[i], i);
    return CRIL_OK;
}

cril_status cril_session_nats(const cril_session *s, size_t stream, const int32_t *ids, size_t n,
                              double *nats, cril_error *err)
{
    if (CRIL_LACKS(err, s, nats) || check_stream(s, stream, err) != CRIL_OK)
        return CRIL_ERR_RANGE;

    const struct place *const p = &s->places[stream];
    const float *const logits = logits_of(s, stream);
    cril_status st;

    if (!p->known)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: stream %zu was fed no token, so nothing follows",
                         s->m->path, stream);
    if (!ids && n > s->n_logits)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: %zu ids, where there are %zu", s->m->path, n,
                         s->n_logits);
    for (size_t i = 0; ids && i < n; i++)
        if ((st = cril_logits_check_id(s->m, ids[i], err)) != CRIL_OK)
            return st;
    for (size_t i = 0; i < n; i++)
        nats[i] = cril_logit_nats(logits[ids ? (size_t)ids[i] : i], p->max, p->sum);
    return CRIL_OK;
}

const float *cril_session_logits(const cril_session *s, size_t stream)
{
    return s && stream < s->streams && s->places[stream].known ? logits_of(s, stream) : NULL;
}
