/*
 * Documents to figures: tokens, windows, batches, nats, sums.
 *
 * Documents are read one at a time. A window's ids are copied into the batch when it is laid out; a
 * full batch goes through the engine, then its nats are handed out in stream order. What stays in
 * memory is one document, one batch, the tokens that windows to come may need, and a few numbers a
 * document. Sums are in double: a document's tokens in order, then the documents in order.
 *
 * Of a slice of a corpus, windows lie where they lie in a run over all of it, and are cut to what
 * they score of the slice. A token's probability depends on the tokens before it alone, so it has
 * the same bits.
 *
 * Baselines take a document's text before the tokenizer does.
 */
#include <cril/score.h>

#include "corpus/corpus.h"
#include "model/model.h"
#include "score/batch.h"
#include "score/scorer.h"
#include "score/token_ids.h"
#include "tokenizer/spelling.h"
#include "tokenizer/tokenizer.h"
#include "util/fail.h"
#include "util/fmath.h"
#include "util/size.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COMPRESSED_AT_ONCE = 1 << 20 };

struct cril_scorer {
    cril_model *model; /* borrowed */
    struct cril_engine *engine;
    struct cril_speller *speller;
    const struct cril_protocol *protocol;
    struct cril_layout layout;
    cril_interval interval; /* level, resamples and seed of every result, as asked for */
    bool baselines;
    struct cril_batch batch;
};

/* One corpus on its way. */
struct run {
    cril_scorer *s;
    const char *path;
    const cril_score_callbacks *callbacks; /* NULL: none */
    cril_result *out;
    uint64_t from, to; /* documents that are scored; out->per_document[0] is document `from` */
    size_t documents_size;
    uint64_t n_read;               /* documents taken from the corpus */
    uint64_t text_start, text_end; /* stream positions of the slice where documents share a stream;
                                      UINT64_MAX: not there yet */
    cril_ids stream;               /* tokens of the stream from position base on */
    uint64_t base;
    uint64_t n_windows; /* laid out on this stream */
    uint64_t settled;   /* rows of documents that get no more windows or tokens of their own */
    uint64_t current;   /* row of the document whose nats are arriving; those before are finished */
    uint64_t current_start; /* stream position of its first token, where documents share a stream */
    double done_nats;       /* of finished documents */
    uint64_t done_characters;
    double share, share_scored; /* of the corpus: laid out, scored; < 0: unknown */
    double start_sec;           /* later by what the compressors took: not the model's time */
    cril_baselines *baselines;  /* NULL: none asked for */
    struct cril_sha256 *hash;   /* of token ids, one document after another */
};

static double now_sec(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static cril_status no_memory(const struct run *r, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory while scoring; try a smaller batch",
                     r->path);
}

static cril_status stopped(const struct run *r, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_CANCELLED, "%s: scoring was stopped", r->path);
}

/* ---- Handing out ---- */

/* n_rows: of the batch at work, those that count as done. */
static cril_status report_progress(struct run *r, double share, uint64_t n_rows, cril_error *err)
{
    cril_score_progress p = {.fraction = share,
                             .scored_tokens = r->out->scored_tokens,
                             .forward_tokens = r->out->forward_tokens + n_rows,
                             .seconds = now_sec() - r->start_sec};

    if (!r->callbacks || !r->callbacks->on_progress)
        return CRIL_OK;
    if (r->done_characters)
        p.bpc = r->done_nats / CRIL_LN2 / (double)r->done_characters;
    return r->callbacks->on_progress(r->callbacks->user, &p) ? stopped(r, err) : CRIL_OK;
}

/* All rows before this one have all their nats. */
static cril_status finish_documents(struct run *r, uint64_t before, cril_error *err)
{
    for (; r->current < before; r->current++) {
        const cril_document_score *d = &r->out->per_document[r->current];

        r->done_nats += d->nats;
        r->done_characters += d->characters;
        r->current_start += d->tokens;
        if (r->callbacks && r->callbacks->on_document &&
            r->callbacks->on_document(r->callbacks->user, d))
            return stopped(r, err);
    }
    return CRIL_OK;
}

/* A token's text counts for the document where the protocol scores a part of the text only. */
static void count_text(const struct run *r, int32_t id, cril_document_score *d)
{
    size_t len;
    const char *text = cril_tokenizer_text(cril_model_tokenizer(r->s->model), id, &len);

    if (!text)
        return;
    for (size_t i = 0; i < len; i++)
        d->characters += ((uint8_t)text[i] & 0xc0) != 0x80; /* starts of code points */
    d->bytes += len;
}

static cril_status deliver_token(struct run *r, const cril_token_score *t, cril_error *err)
{
    cril_document_score *d = &r->out->per_document[t->document - r->from];
    cril_status st = finish_documents(r, t->document - r->from, err);

    if (st != CRIL_OK)
        return st;
    d->nats += t->nats;
    d->scored_tokens++;
    r->out->scored_tokens++;
    if (r->s->protocol->scored_text)
        count_text(r, t->id, d);
    if (r->callbacks && r->callbacks->on_token && r->callbacks->on_token(r->callbacks->user, t))
        return stopped(r, err);
    return CRIL_OK;
}

/* The document of a position in a stream that all documents share. Positions come in order. */
static uint64_t document_at(const struct run *r, uint64_t position)
{
    uint64_t row = r->current, end = r->current_start + r->out->per_document[row].tokens;

    while (position >= end)
        end += r->out->per_document[++row].tokens;
    return r->from + row;
}

static cril_status deliver(struct run *r, cril_error *err)
{
    const struct cril_batch *b = &r->s->batch;
    cril_token_score t;
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < b->n_runs; i++) {
        const struct cril_run *run = &b->runs[i];
        const int32_t *targets = b->ids + run->ids + run->n_inputs + 1 - run->n_scored;

        for (size_t k = 0; k < run->n_scored && st == CRIL_OK; k++) {
            t.position = run->position + k;
            t.document = r->s->protocol->per_document ? run->document : document_at(r, t.position);
            t.id = targets[k];
            t.nats = b->nats[run->nats + k];
            st = deliver_token(r, &t, err);
        }
    }
    return st;
}

static int poll_engine(void *user, double done)
{
    struct run *r = user;
    double share = r->share < 0 ? r->share : r->share_scored + done * (r->share - r->share_scored);

    return report_progress(r, share, (uint64_t)(done * (double)r->s->batch.n_rows), NULL) !=
           CRIL_OK;
}

/* The stream position from which windows that are not laid out yet score. */
static uint64_t next_scored(const struct run *r)
{
    struct cril_span span = {0};

    r->s->protocol->window(&r->s->layout, r->n_windows, UINT64_MAX, false,
                           &span); /* as if the stream had no end */
    return span.first;
}

/* Documents that no window to come can score. */
static cril_status finish_complete(struct run *r, cril_error *err)
{
    uint64_t before = r->current, end = r->current_start;

    if (r->s->protocol->per_document)
        return finish_documents(r, r->settled, err);
    for (const uint64_t next = next_scored(r); before < r->settled; before++)
        if ((end += r->out->per_document[before].tokens) > next)
            break;
    return finish_documents(r, before, err);
}

/* Runs what has been laid out and hands it out. */
static cril_status flush(struct run *r, cril_error *err)
{
    struct cril_batch *b = &r->s->batch;
    cril_status st = cril_batch_score(b, r->s->engine, poll_engine, r, err);

    if (st == CRIL_ERR_CANCELLED)
        return stopped(r, err);
    if (st != CRIL_OK)
        return st;
    r->out->forward_tokens += b->n_rows;
    r->share_scored = r->share;
    if ((st = deliver(r, err)) != CRIL_OK || (st = finish_complete(r, err)) != CRIL_OK)
        return st;
    cril_batch_clear(b);
    return report_progress(r, r->share, 0, err);
}

/* ---- Laying out ---- */

/* Drops tokens that no later window needs, once they are the larger part. */
static void forget(struct run *r, uint64_t before)
{
    const size_t n = (size_t)(before - r->base);

    if (n < r->stream.n / 2)
        return;
    r->stream.n -= n;
    memmove(r->stream.data, r->stream.data + n, r->stream.n * sizeof(*r->stream.data));
    r->base = before;
}

/* A batch that a run of n inputs more would make too large goes through first. */
static cril_status make_room(struct run *r, size_t n_inputs, cril_error *err)
{
    const struct cril_batch *b = &r->s->batch;
    const bool full = b->load + cril_batch_load(n_inputs) > cril_engine_rows(r->s->engine);

    return b->n_runs && full ? flush(r, err) : CRIL_OK;
}

/* Cuts a window to what it scores of the slice. False: nothing. */
static bool clip(const struct run *r, struct cril_span *span)
{
    if (r->s->protocol->per_document)
        return true;
    if (span->first < r->text_start)
        span->first = r->text_start;
    if (span->end > r->text_end)
        span->end = r->text_end;
    return span->first < span->end;
}

/* All windows that the stream's tokens so far allow. */
static cril_status lay_out(struct run *r, uint64_t document, bool end, cril_error *err)
{
    const struct cril_protocol *p = r->s->protocol;
    const struct cril_layout *l = &r->s->layout;
    struct cril_batch *b = &r->s->batch;
    struct cril_span span = {0};
    cril_status st = CRIL_OK;

    if (p->uniform_first && l->head < 0) {
        if ((st = make_room(r, 0, err)) != CRIL_OK)
            return st;
        if (!cril_batch_add_uniform(b, document, 0, r->stream.data[0]))
            return no_memory(r, err);
    }
    while (p->window(l, r->n_windows, r->base + r->stream.n, end, &span)) {
        if (clip(r, &span)) {
            if ((st = make_room(r, cril_span_inputs(&span), err)) != CRIL_OK)
                return st;
            if (!cril_batch_add(b, document, &span, r->stream.data, r->base))
                return no_memory(r, err);
        }
        r->n_windows++;
        forget(r, span.from);
    }
    return CRIL_OK;
}

static void start_stream(struct run *r)
{
    r->stream.n = 0;
    r->base = r->n_windows = 0;
}

/* A row for a document of the slice, whose tokens follow. */
static cril_status add_row(struct run *r, const cril_document *doc, cril_error *err)
{
    cril_document_score *documents = cril_size_grow(
        r->out->per_document, &r->documents_size, (size_t)r->out->documents, 1, sizeof(*documents));
    cril_document_score *d;

    if (!documents)
        return no_memory(r, err);
    r->out->per_document = documents;
    r->settled = r->out->documents;
    d = &documents[r->out->documents++];
    *d = (cril_document_score){.index = doc->index, .line = doc->line};
    if (!r->s->protocol->scored_text) {
        d->characters = cril_count_characters(doc->text, doc->len_bytes);
        d->bytes = doc->len_bytes;
    }
    return CRIL_OK;
}

/* The newest row's tokens: those of the stream from `before` on. */
static cril_status count_tokens(struct run *r, size_t before, cril_error *err)
{
    cril_document_score *d = &r->out->per_document[r->out->documents - 1];

    d->tokens = r->stream.n - before;
    return cril_token_ids_hash(r->hash, r->stream.data + before, (size_t)d->tokens, &d->token_ids,
                               err);
}

/* What the tokens of a document do not spell. ids [n]: those that the tokenizer made of it. The
   count is that of the text taken as text, whatever the protocol. */
static cril_status count_unspelled(struct run *r, const cril_document *doc, const int32_t *ids,
                                   size_t n, cril_error *err)
{
    const cril_tokenizer *t = cril_model_tokenizer(r->s->model);
    const bool special = r->s->protocol->encode & CRIL_ENCODE_ADD_SPECIAL;
    const size_t bos = special && cril_tokenizer_adds_bos(t),
                 eos = special && cril_tokenizer_adds_eos(t);
    cril_document_score *const d = &r->out->per_document[r->out->documents - 1];
    struct cril_unspelled u;

    if (cril_speller_count(r->s->speller, ids + bos, n - bos - eos, doc->text, doc->len_bytes, &u,
                           NULL) != CRIL_OK)
        return no_memory(r, err);
    d->unspelled_characters = u.characters;
    d->escape_bytes = u.escape_bytes;
    return CRIL_OK;
}

static cril_status add_document(struct run *r, const cril_document *doc, cril_error *err)
{
    const cril_tokenizer *t = cril_model_tokenizer(r->s->model);
    const struct cril_protocol *p = r->s->protocol;
    const bool wanted = doc->index >= r->from && doc->index < r->to;
    cril_error why;
    cril_status st;
    size_t before, own;

    if (p->per_document && !wanted)
        return CRIL_OK;
    if (p->per_document)
        start_stream(r);
    if (wanted && (st = add_row(r, doc, err)) != CRIL_OK)
        return st;
    before = r->stream.n;
    if (doc->index == r->from)
        r->text_start = r->current_start = r->base + before;
    if (p->special_once && doc->index == 0 && cril_tokenizer_adds_bos(t) &&
        cril_ids_push(&r->stream, cril_tokenizer_bos(t), err) != CRIL_OK)
        return no_memory(r, err);
    own = r->stream.n;
    st = cril_tokenizer_encode(t, doc->text, doc->len_bytes, p->encode, &r->stream, &why);
    if (st != CRIL_OK)
        return cril_fail(err, st, "%s: document %" PRIu64 " cannot be tokenised: %s", doc->file,
                         doc->index, why.message);
    if (wanted &&
        ((st = count_tokens(r, before, err)) != CRIL_OK ||
         (st = count_unspelled(r, doc, r->stream.data + own, r->stream.n - own, err)) != CRIL_OK))
        return st;
    if (r->stream.n && (st = lay_out(r, doc->index, p->per_document, err)) != CRIL_OK)
        return st;
    if (p->per_document)
        r->settled = r->out->documents;
    return CRIL_OK;
}

/*
 * Bytes or documents, whichever ends first; of a slice that ends somewhere, documents. Never falls:
 * within a compressed file the bytes read are an estimate.
 */
static void update_share(struct run *r, const cril_corpus *c)
{
    cril_corpus_stats stats;
    double bytes, documents;

    if (r->to != UINT64_MAX) {
        if (r->n_read > r->from)
            r->share =
                r->n_read < r->to ? (double)(r->n_read - r->from) / (double)(r->to - r->from) : 1;
        return;
    }

    cril_corpus_stats_get(c, &stats);
    bytes = stats.bytes_total ? (double)stats.bytes_read / (double)stats.bytes_total : -1;
    documents = stats.limit ? (double)stats.documents / (double)stats.limit : -1;
    if (bytes < documents)
        bytes = documents;
    if (bytes < 0 || bytes > r->share)
        r->share = bytes;
}

static cril_status check_enough(const struct run *r, const cril_corpus *c, cril_error *err)
{
    const struct cril_protocol *p = r->s->protocol;
    const uint64_t least = p->least(&r->s->layout), n = r->base + r->stream.n;
    cril_corpus_stats stats;

    cril_corpus_stats_get(c, &stats);
    if (!r->n_read)
        return cril_fail(err, CRIL_ERR_EMPTY, "%s: holds no document with text%s%s", r->path,
                         stats.first_bad[0] ? "; " : "", stats.first_bad);
    if (!r->out->documents)
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "%s: holds %" PRIu64 " documents, none from index %" PRIu64 " on", r->path,
                         r->n_read, r->from);
    if (!p->per_document && n < least)
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "%s: has %" PRIu64 " tokens, the protocol %s needs %" PRIu64
                         " at a context of %zu; "
                         "choose a smaller context or another protocol",
                         r->path, n, p->name, least, r->s->layout.context);
    return CRIL_OK;
}

/* ---- Baselines ---- */

/* A long text in pieces, so that the caller can stop the run. */
static cril_status add_to_baselines(struct run *r, const cril_document *doc, cril_error *err)
{
    const double share = r->share < 0 ? r->share : r->share_scored;
    cril_status st = CRIL_OK;
    cril_error why;

    if (!r->baselines || doc->index < r->from || doc->index >= r->to)
        return CRIL_OK;
    for (size_t at = 0, n; st == CRIL_OK && at < doc->len_bytes; at += n) {
        const double start_sec = now_sec();

        n = doc->len_bytes - at < COMPRESSED_AT_ONCE ? doc->len_bytes - at : COMPRESSED_AT_ONCE;
        if (cril_baselines_add(r->baselines, doc->text + at, n, &why) != CRIL_OK)
            return cril_fail(err, why.status, "%s: %s", r->path, why.message);
        r->start_sec += now_sec() - start_sec;
        st = report_progress(r, share, 0, err);
    }
    r->out->text_bytes += doc->len_bytes;
    r->out->text_characters += cril_count_characters(doc->text, doc->len_bytes);
    return st;
}

static cril_status finish_baselines(struct run *r, cril_error *err)
{
    cril_error why;

    if (!r->baselines || cril_baselines_finish(r->baselines, &r->out->baselines,
                                               &r->out->n_baselines, &why) == CRIL_OK)
        return CRIL_OK;
    return cril_fail(err, why.status, "%s: %s", r->path, why.message);
}

/*
 * The rest of the corpus has no part in the slice. Where documents share a stream the next one must
 * have been seen, as a special token at the stream's end belongs to the last; and a stream too
 * short for the protocol is refused for every slice alike.
 */
static bool past_slice(struct run *r, const cril_document *next)
{
    const struct cril_protocol *p = r->s->protocol;
    const uint64_t n = r->base + r->stream.n;

    if (next->index < r->to)
        return false;
    if (next->index == r->to) {
        r->text_end = n;
        r->settled = r->out->documents;
    }
    return p->per_document || (next_scored(r) >= r->text_end && n >= p->least(&r->s->layout));
}

static cril_status read_documents(struct run *r, cril_corpus *c, bool *end, cril_error *err)
{
    const bool per_document = r->s->protocol->per_document;
    cril_document doc;
    cril_status st = CRIL_OK;

    while (!per_document || r->n_read < r->to) {
        if ((st = cril_corpus_next(c, &doc, err)) != CRIL_OK)
            return st;
        if (!doc.text) {
            *end = true;
            break;
        }
        if (past_slice(r, &doc))
            break;
        r->n_read = doc.index + 1;
        update_share(r, c);
        if ((st = add_to_baselines(r, &doc, err)) != CRIL_OK ||
            (st = add_document(r, &doc, err)) != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

/* What the end of the corpus adds where documents share a stream. */
static cril_status end_stream(struct run *r, cril_error *err)
{
    const cril_tokenizer *t = cril_model_tokenizer(r->s->model);

    if (r->s->protocol->per_document)
        return CRIL_OK;
    if (r->s->protocol->special_once && cril_tokenizer_adds_eos(t)) {
        if (r->text_end == UINT64_MAX) /* the last document is one of the slice */
            r->out->per_document[r->out->documents - 1].tokens++;
        if (cril_ids_push(&r->stream, cril_tokenizer_eos(t), err) != CRIL_OK)
            return no_memory(r, err);
    }
    r->settled = r->out->documents;
    return lay_out(r, r->n_read - 1, true, err);
}

static cril_status score_documents(struct run *r, cril_corpus *c, cril_error *err)
{
    bool end = false;
    cril_status st = read_documents(r, c, &end, err);

    if (st != CRIL_OK || (st = check_enough(r, c, err)) != CRIL_OK)
        return st;
    if ((end && (st = end_stream(r, err)) != CRIL_OK) || (st = flush(r, err)) != CRIL_OK)
        return st;
    if (!r->out->scored_tokens && r->from == 0 && r->to == UINT64_MAX)
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "%s: no document has a token that the protocol %s scores: each needs 2 or "
                         "more; choose another protocol",
                         r->path, r->s->protocol->name);
    return finish_documents(r, r->out->documents, err);
}

/* ---- The result ---- */

static cril_status sum_up(struct run *r, cril_error *err)
{
    cril_error why;

    r->out->seconds = now_sec() - r->start_sec;
    r->out->interval = r->s->interval;
    if (cril_result_sum(r->out, &why) != CRIL_OK ||
        cril_token_ids_sum(r->hash, r->out, &why) != CRIL_OK)
        return cril_fail(err, why.status, "%s: %s", r->path, why.message);
    return CRIL_OK;
}

static cril_status copy_warnings(struct run *r, cril_error *err)
{
    const cril_model *m = r->s->model;
    cril_result *o = r->out;
    size_t n = 0;

    while (cril_model_warning(m, n))
        n++;
    if (n && !(o->model_warnings = calloc(n, sizeof(*o->model_warnings))))
        return no_memory(r, err);
    for (; o->n_model_warnings < n; o->n_model_warnings++)
        if (!(o->model_warnings[o->n_model_warnings] =
                  strdup(cril_model_warning(m, o->n_model_warnings))))
            return no_memory(r, err);
    return CRIL_OK;
}

static cril_status identify(struct run *r, cril_corpus *c, cril_error *err)
{
    const cril_model *m = r->s->model;
    cril_corpus_stats stats;
    cril_result *o = r->out;
    cril_status st;

    cril_corpus_stats_get(c, &stats);

    memcpy(o->protocol, r->s->protocol->name, strlen(r->s->protocol->name) + 1);
    o->context = r->s->layout.context;
    o->stride = r->s->layout.stride;
    o->model_parameters = cril_model_parameters(m);
    o->model_bytes = cril_model_bytes(m);
    memcpy(o->version, CRIL_VERSION, sizeof(CRIL_VERSION));
    o->numerics = CRIL_NUMERICS;
    o->rules = CRIL_RULES;
    o->unicode = cril_unicode_here();
    o->model_name = strdup(cril_model_name(m));
    o->model_architecture = strdup(cril_model_architecture(m));
    o->model_path = strdup(cril_model_path(m));
    o->model_types = strdup(cril_model_types(m));
    o->corpus_path = strdup(r->path);
    o->corpus_field = strdup(stats.field);
    o->corpus_limit = stats.limit;
    if (!o->model_name || !o->model_architecture || !o->model_path || !o->model_types ||
        !o->corpus_path || !o->corpus_field)
        return no_memory(r, err);
    if ((st = copy_warnings(r, err)) != CRIL_OK)
        return st;
    return cril_corpus_sha256(c, o->corpus_sha256, err);
}

cril_status cril_score_slice(cril_scorer *s, cril_corpus *c, const char *corpus_path, uint64_t from,
                             uint64_t to, const cril_score_callbacks *callbacks, cril_result *out,
                             cril_error *err)
{
    if (CRIL_LACKS(err, s, c, corpus_path, out))
        return CRIL_ERR_RANGE;

    cril_result result = {0};
    struct run r = {.s = s,
                    .path = corpus_path,
                    .callbacks = callbacks,
                    .out = &result,
                    .from = from,
                    .to = to,
                    .text_start = UINT64_MAX,
                    .text_end = UINT64_MAX};
    cril_status st;

    if (from >= to)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: a slice from document %" PRIu64 " to before %" PRIu64 " holds none",
                         corpus_path, from, to);
    cril_corpus_fill_records(c, s->protocol->fill_records);
    st = cril_model_sha256(s->model, result.model_sha256, err);
    cril_batch_clear(&s->batch);
    if (st == CRIL_OK)
        st = cril_sha256_create(&r.hash, err);
    if (st == CRIL_OK && s->baselines)
        st = cril_baselines_create(&r.baselines, err);
    r.start_sec = now_sec();
    if (st == CRIL_OK)
        st = score_documents(&r, c, err);
    if (st == CRIL_OK)
        st = sum_up(&r, err);
    if (st == CRIL_OK)
        st = finish_baselines(&r, err);
    if (st == CRIL_OK)
        st = identify(&r, c, err);
    if (st == CRIL_OK ||
        st == CRIL_ERR_NUMERIC) /* weights that were overwritten may be no numbers */
        st = cril_model_check(s->model, err) == CRIL_OK ? st : CRIL_ERR_MISMATCH;
    cril_baselines_free(r.baselines);
    cril_sha256_free(r.hash);
    cril_ids_free(&r.stream);
    if (st == CRIL_OK)
        *out = result;
    else
        cril_result_free(&result);
    return st;
}

cril_status cril_score_corpus(cril_scorer *s, cril_corpus *c, const char *corpus_path,
                              const cril_score_callbacks *callbacks, cril_result *out,
                              cril_error *err)
{
    return cril_score_slice(s, c, corpus_path, 0, UINT64_MAX, callbacks, out, err);
}

cril_status cril_score_tokens(cril_scorer *s, const int32_t *tokens, size_t n, double *out_nats,
                              cril_error *err)
{
    if (CRIL_LACKS(err, s, tokens, out_nats))
        return CRIL_ERR_RANGE;

    struct cril_batch *b = &s->batch;
    cril_status st;

    if (n < 2 || n - 1 > cril_model_context(s->model))
        return cril_fail(err, CRIL_ERR_RANGE, "%s: %zu tokens do not fit one window; give 2 to %zu",
                         cril_model_path(s->model), n, cril_model_context(s->model) + 1);
    cril_batch_clear(b);
    if (!cril_batch_add(b, 0, &(struct cril_span){.head = -1, .first = 1, .end = n}, tokens, 0))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", cril_model_path(s->model));
    if ((st = cril_batch_score(b, s->engine, NULL, NULL, err)) == CRIL_OK &&
        (st = cril_model_check(s->model, err)) == CRIL_OK)
        memcpy(out_nats, b->nats, (n - 1) * sizeof(*out_nats));
    return st;
}

/* ---- Life ---- */

static cril_status choose_head(cril_scorer *s, cril_error *err)
{
    const cril_tokenizer *t = cril_model_tokenizer(s->model);

    s->layout.head = -1;
    switch (s->protocol->head) {
    case CRIL_HEAD_NONE: break;
    case CRIL_HEAD_ADDED:
        if (cril_tokenizer_adds_bos(t))
            s->layout.head = cril_tokenizer_bos(t);
        break;
    case CRIL_HEAD_ANY:
        s->layout.head = cril_tokenizer_bos(t) >= 0 ? cril_tokenizer_bos(t) : cril_tokenizer_eos(t);
        if (s->layout.head < 0)
            return cril_fail(
                err, CRIL_ERR_UNSUPPORTED,
                "%s: its tokenizer names neither a BOS nor an EOS token, one of which the "
                "protocol %s puts first; choose another protocol",
                cril_model_path(s->model), s->protocol->name);
        break;
    }
    return CRIL_OK;
}

static cril_status configure(cril_scorer *s, const cril_score_options *o, cril_error *err)
{
    const size_t most = cril_model_context(s->model);
    struct cril_layout *l = &s->layout;

    if (!(s->protocol = cril_protocol_find(o->protocol)))
        return cril_fail(err, CRIL_ERR_RANGE, "protocol \"%s\" is not known to cril", o->protocol);
    cril_protocol_lay(s->protocol, o->context, o->stride, most, l);
    if (l->context > most)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: was made for a context of at most %zu tokens, not %zu; set the "
                         "context (--context) to %zu or "
                         "less",
                         cril_model_path(s->model), most, l->context, most);
    if (l->context < s->protocol->least_context)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "the protocol %s needs a context of at least %zu tokens, not %zu",
                         s->protocol->name, s->protocol->least_context, l->context);
    if (o->stride && !s->protocol->stride)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "the protocol %s has no stride; its windows follow each other",
                         s->protocol->name);
    if (l->stride > l->context)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "a stride of %zu tokens would leave tokens out at a context of %zu; set "
                         "it to %zu or less",
                         l->stride, l->context, l->context);
    s->interval = (cril_interval){.level = o->level, .resamples = o->resamples, .seed = o->seed};
    if (o->level != 0 && !(o->level > 0 && o->level < 1))
        return cril_fail(err, CRIL_ERR_RANGE, "a level of %g is not between 0 and 1", o->level);
    s->baselines = o->baselines;
    s->batch.uniform_nats = cril_log((double)cril_model_logits(s->model));
    return choose_head(s, err);
}

static cril_status create_engine(cril_scorer *s, const cril_score_options *o, cril_error *err)
{
    const struct cril_engine_options wanted = {
        .threads = o->threads,
        .memory = o->memory_bytes,
        .reserved = o->baselines ? cril_baselines_memory() : 0,
        .rows = o->batch_tokens,
        .window = s->layout.context,
    };

    return cril_engine_create(s->model, cril_kernels(), &wanted, &s->engine, err);
}

cril_status cril_scorer_check(cril_model *m, const cril_score_options *options, cril_error *err)
{
    cril_scorer s = {.model = m};

    return configure(&s, options, err);
}

cril_status cril_scorer_create(cril_model *m, const cril_score_options *options, cril_scorer **out,
                               cril_error *err)
{
    if (CRIL_LACKS(err, m, out))
        return CRIL_ERR_RANGE;

    static const cril_score_options defaults = {0};
    cril_scorer *s = calloc(1, sizeof(*s));
    cril_status st;

    if (!options)
        options = &defaults;
    if (!s)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", cril_model_path(m));
    s->model = m;
    st = configure(s, options, err);
    if (st == CRIL_OK)
        st = create_engine(s, options, err);
    if (st == CRIL_OK)
        st = cril_speller_create(cril_model_tokenizer(m), &s->speller, err);
    if (st != CRIL_OK) {
        cril_scorer_free(s);
        return st;
    }
    *out = s;
    return CRIL_OK;
}

void cril_scorer_free(cril_scorer *s)
{
    if (!s)
        return;
    cril_batch_free(&s->batch);
    cril_engine_free(s->engine);
    cril_speller_free(s->speller);
    free(s);
}
