/*
 * Documents to figures: tokens, nats, sums.
 *
 * Documents are read one at a time; the feeder takes their tokens through the model and hands out
 * nats in stream order. What stays in memory is one document, the feeder's batch, the tokens that
 * windows to come may need, and a few numbers a document. Sums are in double: a document's tokens
 * in order, then the documents in order.
 *
 * In a slice of a corpus, windows lie where they lie in a run over all of it, and are cut to the
 * tokens of the slice. A token's probability depends on the tokens before it alone, and in some
 * models on the length of the whole window, which the cut one keeps; so it has the same bits.
 *
 * Baselines take a document's text before its windows are laid out.
 */
#include <cril/score.h>

#include "corpus/corpus.h"
#include "model/details.h"
#include "model/model.h"
#include "model/plan.h"
#include "score/feeder.h"
#include "score/layout.h"
#include "score/others.h"
#include "score/pair.h"
#include "score/scorer.h"
#include "score/token_ids.h"
#include "tokenizer/spelling.h"
#include "tokenizer/tokenizer.h"
#include "util/clock.h"
#include "util/fail.h"
#include "util/fmath.h"
#include "util/size.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COMPRESSED_AT_ONCE = 1 << 20 };

struct cril_scorer {
    cril_model *model; /* borrowed */
    const struct cril_protocol *protocol;
    struct cril_layout layout;
    struct cril_feeder feeder;
    struct cril_others others;
    struct cril_speller *speller;
    struct cril_engine_options options; /* of the feeder's engine */
    cril_interval interval; /* level, resamples and seed of every result, as asked for */
    bool baselines, bounded;
};

/* One corpus on its way. */
struct run {
    cril_scorer *s;
    const char *path;
    const cril_score_callbacks *callbacks; /* NULL: none */
    cril_result *out;
    bool prompts;      /* the corpus has them */
    uint64_t from, to; /* documents that are scored, a row of out->per_document each: the first
                          row is document `from`, unless that has a prompt and was refused */
    size_t documents_size;
    uint64_t n_read;                 /* documents taken from the corpus */
    struct cril_token_stream stream; /* of a document, its number being its row, or the one that
                                        documents share: then the slice is scored from score_from
                                        to score_to, which are UINT64_MAX until they are known */
    struct cril_pair pair;           /* the document at hand and its prompt, if it has one */
    uint64_t settled; /* rows of documents that get no more windows or tokens of their own */
    uint64_t current; /* row of the document whose nats are arriving; those before are finished */
    uint64_t current_start; /* stream position of its first token, where documents share a stream */
    double done_nats;       /* of finished documents */
    uint64_t done_characters;
    double share, share_scored; /* of the corpus: laid out, scored; < 0: unknown */
    double start_sec; /* moved on by the time of the compressors, which is not the model's */
    cril_baselines *baselines; /* NULL: none asked for */
    struct cril_sha256 *hash;  /* of token ids, one document after another */
};

static cril_status no_memory(const struct run *r, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory while scoring; try a smaller batch",
                     r->path);
}

/* ---- Handing out ---- */

/* n_rows: of the batch at work, those that count as done. */
static cril_status report_progress(struct run *r, double share, uint64_t n_rows)
{
    cril_score_progress p = {.fraction = share,
                             .scored_tokens = r->out->scored_tokens,
                             .forward_tokens = r->out->forward_tokens + n_rows,
                             .seconds = cril_clock_sec() - r->start_sec};

    if (!r->callbacks || !r->callbacks->on_progress)
        return CRIL_OK;
    if (r->done_characters)
        p.bpc = r->done_nats / CRIL_LN2 / (double)r->done_characters;
    return r->callbacks->on_progress(r->callbacks->user, &p) ? CRIL_ERR_CANCELLED : CRIL_OK;
}

/* All rows before this one have all their nats. */
static cril_status finish_documents(struct run *r, uint64_t before)
{
    for (; r->current < before; r->current++) {
        const cril_document_score *d = &r->out->per_document[r->current];

        r->done_nats += d->nats;
        r->done_characters += d->characters;
        r->current_start += d->tokens;
        if (r->callbacks && r->callbacks->on_document &&
            r->callbacks->on_document(r->callbacks->user, d))
            return CRIL_ERR_CANCELLED;
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

/* The row of a position in a stream that all documents share. Positions come in order. */
static uint64_t row_at(const struct run *r, uint64_t position)
{
    uint64_t row = r->current, end = r->current_start + r->out->per_document[row].tokens;

    while (position >= end)
        end += r->out->per_document[++row].tokens;
    return row;
}

static cril_status take_token(void *user, const struct cril_scored_token *scored, cril_error *err)
{
    (void)err;
    struct run *r = user;
    const bool own = r->s->protocol->per_document;
    const uint64_t row = own ? scored->stream : row_at(r, scored->position);
    cril_document_score *d = &r->out->per_document[row];
    const cril_token_score t = {.document = d->index,
                                .position = r->prompts ? d->scored_tokens : scored->position,
                                .id = scored->id,
                                .nats = scored->nats,
                                .window = scored->window,
                                .n_window = scored->n_window,
                                .at = scored->at,
                                .apart = scored->apart,
                                .details = scored->details};
    cril_status st = finish_documents(r, row);

    if (st != CRIL_OK)
        return st;
    d->nats += t.nats;
    d->scored_tokens++;
    r->out->scored_tokens++;
    if (r->s->protocol->scored_text)
        count_text(r, t.id, d);
    if (r->callbacks && r->callbacks->on_token && r->callbacks->on_token(r->callbacks->user, &t))
        return CRIL_ERR_CANCELLED;
    return CRIL_OK;
}

static int poll_engine(void *user, double done)
{
    struct run *r = user;
    double share = r->share < 0 ? r->share : r->share_scored + done * (r->share - r->share_scored);

    return report_progress(r, share, (uint64_t)(done * (double)r->s->feeder.batch.n_rows)) !=
           CRIL_OK;
}

/* Documents that no window to come can score. */
static cril_status finish_complete(struct run *r)
{
    uint64_t before = r->current, end = r->current_start;

    if (r->s->protocol->per_document)
        return finish_documents(r, r->settled);
    for (const uint64_t next = cril_feeder_next_scored(&r->s->feeder, &r->stream);
         before < r->settled; before++)
        if ((end += r->out->per_document[before].tokens) > next)
            break;
    return finish_documents(r, before);
}

static cril_status finish_batch(void *user, size_t n_rows, cril_error *err)
{
    (void)err;
    struct run *r = user;
    cril_status st;

    r->out->forward_tokens += n_rows;
    r->share_scored = r->share;
    st = finish_complete(r);
    return st == CRIL_OK ? report_progress(r, r->share, 0) : st;
}

/* ---- Laying out ---- */

static cril_status cannot_tokenise(const cril_document *doc, const cril_error *why, cril_error *err)
{
    return cril_fail(err, why->status, "%s: document %" PRIu64 " cannot be tokenised: %s",
                     doc->file, doc->index, why->message);
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

static cril_document_score *newest_row(const struct run *r)
{
    return &r->out->per_document[r->out->documents - 1];
}

/* The newest row's tokens: those of the stream from `before` on. */
static cril_status count_tokens(struct run *r, size_t before, cril_error *err)
{
    cril_document_score *d = newest_row(r);

    d->tokens = r->stream.ids.n - before;
    return cril_token_ids_hash(r->hash, r->stream.ids.data + before, (size_t)d->tokens,
                               &d->token_ids, err);
}

/* The newest row is a stream of its own, whose windows are laid out. */
static void settle(struct run *r)
{
    newest_row(r)->forward_tokens = r->stream.n_inputs;
    r->settled = r->out->documents;
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
    cril_document_score *const d = newest_row(r);
    struct cril_unspelled u;

    if (cril_speller_count(r->s->speller, ids + bos, n - bos - eos, doc->text, doc->len_bytes, &u,
                           NULL) != CRIL_OK)
        return no_memory(r, err);
    d->unspelled_characters = u.characters;
    d->escape_bytes = u.escape_bytes;
    return CRIL_OK;
}

/* ---- Prompts ---- */

/*
 * The document becomes its continuation: the text behind the prompt and its white space. Where that
 * has no token of its own there is nothing to score: *none, and the corpus has a bad line more.
 */
static cril_status take_pair(struct run *r, cril_corpus *c, cril_document *doc, bool *none,
                             cril_error *err)
{
    struct cril_pair *const p = &r->pair;
    cril_error why;
    cril_status st;

    st = cril_pair_encode(p, cril_model_tokenizer(r->s->model), doc->prompt, doc->prompt_bytes,
                          doc->text, doc->len_bytes, r->s->protocol->encode, &why);
    if (st != CRIL_OK)
        return cannot_tokenise(doc, &why, err);
    st = cril_others_check_pair(&r->s->others, doc, r->s->protocol->encode, p, err);
    if (st != CRIL_OK)
        return st;
    if ((*none = p->ids.n == p->n_prompt)) {
        cril_fail(&why, CRIL_ERR_FORMAT,
                  "%s: line %" PRIu64 ": no token is the continuation's alone: with the prompt "
                  "before it, it makes no more tokens than the prompt; begin the continuation "
                  "with a blank, or remove the line",
                  doc->file, doc->line);
        return cril_corpus_reject(c, &why, err);
    }
    doc->text = p->continuation;
    doc->len_bytes = p->continuation_bytes;
    return CRIL_OK;
}

/* The pair at hand, as tokens: the end of the prompt, which is not scored, and the continuation. */
static cril_status add_pair(struct run *r, const cril_document *doc, cril_error *err)
{
    const struct cril_protocol *const protocol = r->s->protocol;
    const struct cril_pair *const p = &r->pair;
    const size_t n = p->ids.n - p->n_prompt,
                 kept = protocol->kept_prompt(&r->s->layout, p->n_prompt, n);
    cril_document_score *d;
    struct cril_unspelled u;
    cril_status st;

    cril_token_stream_start(&r->stream, r->out->documents);
    if ((st = add_row(r, doc, err)) != CRIL_OK)
        return st;
    d = newest_row(r);
    d->tokens = n;
    if ((st = cril_token_ids_hash(r->hash, p->ids.data, p->ids.n, &d->token_ids, err)) != CRIL_OK)
        return st;
    if (cril_pair_unspelled(p, r->s->speller, &u, err) != CRIL_OK ||
        cril_pair_stream(p, kept, &r->stream, err) != CRIL_OK)
        return no_memory(r, err);
    d->unspelled_characters = u.characters;
    d->escape_bytes = u.escape_bytes;
    if ((st = cril_feeder_lay_out(&r->s->feeder, &r->stream, true, err)) == CRIL_OK)
        settle(r);
    return st;
}

/* ---- Documents ---- */

static cril_status add_document(struct run *r, const cril_document *doc, cril_error *err)
{
    const cril_tokenizer *t = cril_model_tokenizer(r->s->model);
    const struct cril_protocol *p = r->s->protocol;
    const bool wanted = doc->index >= r->from && doc->index < r->to;
    cril_ids *const ids = &r->stream.ids;
    cril_error why;
    cril_status st;
    size_t before, own;

    if (p->per_document && !wanted)
        return CRIL_OK;
    if (p->per_document)
        cril_token_stream_start(&r->stream, r->out->documents);
    if (wanted && (st = add_row(r, doc, err)) != CRIL_OK)
        return st;
    before = ids->n;
    if (doc->index == r->from)
        r->stream.score_from = r->current_start = r->stream.base + before;
    if (p->special_once && doc->index == 0 && cril_tokenizer_adds_bos(t) &&
        cril_ids_push(ids, cril_tokenizer_bos(t), err) != CRIL_OK)
        return no_memory(r, err);
    own = ids->n;
    st = cril_tokenizer_encode(t, doc->text, doc->len_bytes, p->encode, ids, &why);
    if (st != CRIL_OK)
        return cannot_tokenise(doc, &why, err);
    st = cril_others_check_text(&r->s->others, doc, p->encode, ids->data + own, ids->n - own, err);
    if (st != CRIL_OK)
        return st;
    if (wanted && ((st = count_tokens(r, before, err)) != CRIL_OK ||
                   (st = count_unspelled(r, doc, ids->data + own, ids->n - own, err)) != CRIL_OK))
        return st;
    if ((st = cril_feeder_lay_out(&r->s->feeder, &r->stream, p->per_document, err)) != CRIL_OK)
        return st;
    if (p->per_document)
        settle(r);
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

static uint64_t tokens_so_far(const struct run *r)
{
    return r->stream.base + r->stream.ids.n;
}

static cril_status check_enough(const struct run *r, const cril_corpus *c, cril_error *err)
{
    const struct cril_protocol *p = r->s->protocol;
    const uint64_t min_tokens = p->min_tokens(&r->s->layout), n = tokens_so_far(r);
    cril_corpus_stats stats;

    if (cril_corpus_is_selection(c)) /* which may be of none */
        return CRIL_OK;
    cril_corpus_stats_get(c, &stats);
    if (!stats.documents)
        return cril_fail(err, CRIL_ERR_EMPTY, "%s: holds no document with text%s%s", r->path,
                         stats.first_bad[0] ? "; " : "", stats.first_bad);
    if (!r->out->documents)
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "%s: holds %" PRIu64 " documents, none from index %" PRIu64 " on", r->path,
                         r->n_read, r->from);
    if (!p->per_document && n < min_tokens)
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "%s: has %" PRIu64 " tokens, the protocol %s needs %" PRIu64
                         " at a context of %zu; "
                         "choose a smaller context or another protocol",
                         r->path, n, p->name, min_tokens, r->s->layout.context);
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
        const double start_sec = cril_clock_sec();

        n = doc->len_bytes - at < COMPRESSED_AT_ONCE ? doc->len_bytes - at : COMPRESSED_AT_ONCE;
        if (cril_baselines_add(r->baselines, doc->text + at, n, &why) != CRIL_OK)
            return cril_fail(err, why.status, "%s: %s", r->path, why.message);
        r->start_sec += cril_clock_sec() - start_sec;
        st = report_progress(r, share, 0);
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

static cril_status show_text(struct run *r, const cril_document *doc)
{
    const bool wanted = doc->index >= r->from && doc->index < r->to;

    return wanted && r->callbacks && r->callbacks->on_text &&
                   r->callbacks->on_text(r->callbacks->user, doc)
               ? CRIL_ERR_CANCELLED
               : CRIL_OK;
}

static cril_status read_text(struct run *r, const cril_document *doc, cril_error *err)
{
    cril_status st = show_text(r, doc);

    if (st == CRIL_OK)
        st = add_to_baselines(r, doc, err);
    return st == CRIL_OK ? add_document(r, doc, err) : st;
}

static cril_status read_pair(struct run *r, cril_corpus *c, cril_document *doc, cril_error *err)
{
    bool none = false;
    cril_status st;

    if (doc->index < r->from) /* reading ends before one behind the slice */
        return CRIL_OK;
    if ((st = take_pair(r, c, doc, &none, err)) != CRIL_OK || none ||
        (st = show_text(r, doc)) != CRIL_OK || (st = add_to_baselines(r, doc, err)) != CRIL_OK)
        return st;
    return add_pair(r, doc, err);
}

/*
 * The rest of the corpus has no part in the slice. Where documents share a stream the next one must
 * have been seen, as a special token at the stream's end belongs to the last; and a stream too
 * short for the protocol is refused for every slice alike.
 */
static bool past_slice(struct run *r, const cril_document *next)
{
    const struct cril_protocol *p = r->s->protocol;
    const uint64_t n = tokens_so_far(r);

    if (next->index < r->to)
        return false;
    if (next->index == r->to) {
        r->stream.score_to = n;
        r->settled = r->out->documents;
    }
    return p->per_document ||
           (cril_feeder_next_scored(&r->s->feeder, &r->stream) >= r->stream.score_to &&
            n >= p->min_tokens(&r->s->layout));
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
        if ((st = doc.prompt ? read_pair(r, c, &doc, err) : read_text(r, &doc, err)) != CRIL_OK)
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
        if (r->stream.score_to == UINT64_MAX) /* the last document is one of the slice */
            r->out->per_document[r->out->documents - 1].tokens++;
        if (cril_ids_push(&r->stream.ids, cril_tokenizer_eos(t), err) != CRIL_OK)
            return no_memory(r, err);
    }
    r->settled = r->out->documents;
    return cril_feeder_lay_out(&r->s->feeder, &r->stream, true, err);
}

static cril_status score_documents(struct run *r, cril_corpus *c, cril_error *err)
{
    bool end = false;
    cril_status st = read_documents(r, c, &end, err);

    if (st != CRIL_OK || (st = check_enough(r, c, err)) != CRIL_OK)
        return st;
    if ((end && (st = end_stream(r, err)) != CRIL_OK) ||
        (st = cril_feeder_flush(&r->s->feeder, err)) != CRIL_OK)
        return st;
    if (!r->out->scored_tokens && r->from == 0 && r->to == UINT64_MAX &&
        !cril_corpus_is_selection(c))
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "%s: no document has a token that the protocol %s scores: each needs 2 or "
                         "more; choose another protocol",
                         r->path, r->s->protocol->name);
    return finish_documents(r, r->out->documents);
}

/* ---- The result ---- */

static cril_status sum_up(struct run *r, cril_error *err)
{
    cril_error why;

    r->out->seconds = cril_clock_sec() - r->start_sec;
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
    o->beyond_context = o->context > cril_model_context(m);
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
    o->model_cannot_say = cril_model_cannot_say(m) ? strdup(cril_model_cannot_say(m)) : NULL;
    o->corpus_path = strdup(r->path);
    o->corpus_field = strdup(stats.field);
    o->corpus_prompt_field = stats.prompt_field ? strdup(stats.prompt_field) : NULL;
    o->corpus_limit = stats.limit;
    if (!o->model_name || !o->model_architecture ||
        (cril_model_cannot_say(m) && !o->model_cannot_say) || !o->model_path || !o->model_types ||
        !o->corpus_path || !o->corpus_field || (stats.prompt_field && !o->corpus_prompt_field))
        return no_memory(r, err);
    if ((st = copy_warnings(r, err)) != CRIL_OK)
        return st;
    return cril_corpus_sha256(c, o->corpus_sha256, err);
}

/* Of all models at work. */
static cril_status check_files(const cril_scorer *s, cril_error *err)
{
    const cril_status st = cril_model_check(s->model, err);

    return st == CRIL_OK ? cril_others_check_files(&s->others, err) : st;
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
                    .stream = {.score_from = UINT64_MAX, .score_to = UINT64_MAX}};
    const struct cril_feeder_sink sink = {
        .user = &r, .token = take_token, .batch = finish_batch, .poll = poll_engine};
    cril_corpus_stats stats;
    cril_status st;

    cril_corpus_stats_get(c, &stats);
    r.prompts = stats.prompt_field != NULL;
    if (r.prompts && !s->protocol->kept_prompt)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: the protocol %s scores whole texts and has no prompts; use the "
                         "protocol document",
                         corpus_path, s->protocol->name);
    if (from >= to)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: a slice from document %" PRIu64 " to before %" PRIu64 " holds none",
                         corpus_path, from, to);
    cril_corpus_fill_records(c, s->protocol->fill_records);
    st = cril_model_sha256(s->model, result.model_sha256, err);
    cril_feeder_start(&s->feeder, &sink);
    if (st == CRIL_OK)
        st = cril_sha256_create(&r.hash, err);
    if (st == CRIL_OK && s->baselines)
        st = cril_baselines_create(&r.baselines, err);
    r.start_sec = cril_clock_sec();
    if (st == CRIL_OK)
        st = score_documents(&r, c, err);
    if (st == CRIL_ERR_CANCELLED)
        cril_fail(err, st, "%s: scoring was stopped", corpus_path);
    if (st == CRIL_OK)
        st = sum_up(&r, err);
    if (st == CRIL_OK)
        st = finish_baselines(&r, err);
    if (st == CRIL_OK)
        st = identify(&r, c, err);
    if (st == CRIL_OK || st == CRIL_ERR_NUMERIC) /* overwritten weights may not be finite */
        st = check_files(s, err) == CRIL_OK ? st : CRIL_ERR_MISMATCH;
    cril_baselines_free(r.baselines);
    cril_sha256_free(r.hash);
    cril_ids_free(&r.stream.ids);
    cril_pair_free(&r.pair);
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

/* ---- Life ---- */

static cril_status configure(cril_scorer *s, const cril_score_options *o, cril_error *err)
{
    if (!(s->protocol = cril_protocol_find(o->protocol)))
        return cril_fail(err, CRIL_ERR_RANGE, "protocol \"%s\" is not known to cril", o->protocol);
    if (o->level != 0 && !(o->level > 0 && o->level < 1))
        return cril_fail(err, CRIL_ERR_RANGE, "a level of %g is not between 0 and 1", o->level);
    s->interval = (cril_interval){.level = o->level, .resamples = o->resamples, .seed = o->seed};
    s->baselines = o->baselines;
    return cril_layout_choose(s->protocol, s->model, o->context, o->stride, &s->layout, err);
}

/* What details take of a batch. */
static size_t details_memory(const cril_model *m, const cril_score_options *o)
{
    const size_t rows = o->batch_tokens ? o->batch_tokens : CRIL_DEFAULT_ROWS,
                 threads = o->threads ? o->threads : cril_cpu_count();

    return rows * cril_details_row_bytes(threads, cril_model_logits(m));
}

static cril_status create_feeder(cril_scorer *s, const cril_score_options *o, cril_error *err)
{
    s->options = (struct cril_engine_options){
        .threads = o->threads,
        .memory = o->memory_bytes,
        .reserved = (o->baselines ? cril_baselines_memory() : 0) +
                    (o->details ? details_memory(s->model, o) : 0),
        .rows = o->batch_tokens,
    };
    const cril_status st =
        cril_feeder_init(&s->feeder, s->model, s->protocol, &s->layout, s->options, false, err);
    s->feeder.batch.with_details = o->details;
    return st;
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
    s->bounded = options->memory_bytes || options->batch_tokens;
    st = configure(s, options, err);
    if (st == CRIL_OK)
        st = create_feeder(s, options, err);
    if (st == CRIL_OK)
        st = cril_speller_create(cril_model_tokenizer(m), &s->speller, err);
    if (st != CRIL_OK) {
        cril_scorer_free(s);
        return st;
    }
    *out = s;
    return CRIL_OK;
}

cril_status cril_scorer_compare(cril_scorer *s, cril_model *const *others, size_t n,
                                cril_error *err)
{
    const cril_status st = cril_others_init(&s->others, s->model, s->protocol, &s->layout,
                                            &s->options, others, n, err);

    return st == CRIL_OK
               ? cril_feeder_compare(&s->feeder, s->others.engines, n, s->others.columns, err)
               : st;
}

double cril_scorer_seconds(const cril_scorer *s, size_t model)
{
    return cril_engine_seconds(model ? s->others.engines[model - 1] : s->feeder.engine);
}

const struct cril_protocol *cril_scorer_protocol(const cril_scorer *s)
{
    return s->protocol;
}

const struct cril_layout *cril_scorer_layout(const cril_scorer *s)
{
    return &s->layout;
}

bool cril_scorer_has_baselines(const cril_scorer *s)
{
    return s->baselines;
}

cril_interval cril_scorer_interval(const cril_scorer *s)
{
    return s->interval;
}

struct cril_engine *cril_scorer_engine(const cril_scorer *s)
{
    return s->feeder.engine;
}

cril_model *cril_scorer_model(const cril_scorer *s)
{
    return s->model;
}

bool cril_scorer_is_bounded(const cril_scorer *s)
{
    return s->bounded;
}

const char *cril_scorer_protocol_name(const cril_scorer *s)
{
    return s ? s->protocol->name : NULL;
}

size_t cril_scorer_stride(const cril_scorer *s)
{
    return s ? s->layout.stride : 0;
}

size_t cril_scorer_context(const cril_scorer *s)
{
    return s ? s->layout.context : 0;
}

void cril_scorer_free(cril_scorer *s)
{
    if (!s)
        return;
    cril_feeder_free(&s->feeder);
    cril_others_free(&s->others);
    cril_speller_free(s->speller);
    free(s);
}
