/*
 * An archive to text. Segments are decoded in step, one a stream: each round asks the model for
 * what follows in every stream, takes the next token of each from its range code, and hands it back
 * in the next round. Segments are checked when they are whole, and given out in order.
 */
#include "codec/archive.h"
#include "codec/dump.h"
#include "codec/spell.h"
#include "entropy/range.h"
#include "model/model.h"
#include "model/decoder.h"
#include "score/protocol.h"
#include "tokenizer/tokenizer.h"
#include "util/clock.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/hex.h"
#include "util/size.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STREAMS = 4096 };

/* Bytes of finished segments that may wait for an earlier one. Beyond this, streams start no
 * segment. */
static const uint64_t max_waiting = UINT64_C(256) << 20;

/* A segment on its way. */
struct stream {
    bool busy;
    size_t segment;
    struct cril_segment s;
    struct cril_range_decoder code;
    cril_ids ids;          /* so far */
    struct cril_span span; /* of the window at work; its end is 0 before the first */
    uint64_t n_windows;
    int32_t *inputs; /* [longest_window] of a window that opens */
};

struct decoding {
    const cril_model *m;
    const struct cril_container *c;
    const cril_codec_callbacks *callbacks;
    cril_codec_totals *totals;
    struct cril_decoder *decoder;
    const struct cril_protocol *protocol;
    struct cril_layout layout;
    struct stream *streams;  /* [n_streams] */
    struct cril_feed *feeds; /* [n_streams] */
    size_t *fed;             /* [n_streams] the stream of each feed */
    size_t n_streams;
    size_t first, end; /* segments that are asked for */
    uint64_t from, to; /* bytes of the text that are */
    size_t next_start,
        next_out;     /* the first segment that no stream has taken; that has not been given out */
    uint8_t **texts;  /* [end - first] of those that are decoded and wait */
    uint64_t waiting; /* bytes of these */
    struct cril_sha256 *hash; /* NULL: only a part is asked for */
    struct cril_dump *dump;   /* NULL: not wanted */
    uint64_t n_tokens, tokens_done;
    double start_sec;
};

static cril_status no_memory(const struct decoding *d, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory while decoding; try fewer streams",
                     d->c->name);
}

static cril_status damaged(const struct decoding *d, size_t segment, const char *what,
                           cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: segment %zu of %zu is damaged: %s", d->c->name,
                     segment + 1, d->c->n_segments, what);
}

/* ---- Giving out ---- */

/* The text of all segments, which have been hashed. */
static cril_status check_hash(const struct decoding *d, cril_error *err)
{
    const struct cril_archive_trailer *t = &d->c->trailer;
    uint8_t sha256[32];
    char hex[65];
    const cril_status st = cril_sha256_final(d->hash, hex, err);

    if (st != CRIL_OK)
        return st;
    cril_hex_bytes(hex, sha256, sizeof(sha256));
    if (memcmp(sha256, t->sha256, t->sha256_bytes) != 0)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: the text does not have the SHA-256 that the archive names",
                         d->c->name);
    return CRIL_OK;
}

/* Gives out the bytes of a segment that the caller asks for; those of the last segment after its
 * SHA-256 is checked. */
static cril_status give_out(struct decoding *d, size_t segment, const uint8_t *text,
                            cril_error *err)
{
    const uint64_t start = d->c->starts[segment], end = d->c->starts[segment + 1];
    const size_t from = (size_t)(d->from > start ? d->from - start : 0),
                 to = (size_t)((d->to < end ? d->to : end) - start);
    const cril_codec_callbacks *call = d->callbacks;
    int failure = 0;
    cril_status st;

    if (d->hash && (st = cril_sha256_update(d->hash, text, (size_t)(end - start), err)) != CRIL_OK)
        return st;
    if (d->hash && segment + 1 == d->c->n_segments && (st = check_hash(d, err)) != CRIL_OK)
        return st;
    if (call->segment && call->segment(call->user, segment, text, (size_t)(end - start)))
        return cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
    if (call->write && to > from && (failure = call->write(call->user, text + from, to - from)))
        return cril_fail(err, CRIL_ERR_IO, "the text could not be written: %s", strerror(failure));
    d->totals->original_bytes += to - from;
    d->totals->segments++;
    return CRIL_OK;
}

static cril_status give_out_ready(struct decoding *d, cril_error *err)
{
    cril_status st = CRIL_OK;

    while (st == CRIL_OK && d->next_out < d->end && d->texts[d->next_out - d->first]) {
        uint8_t **text = &d->texts[d->next_out - d->first];

        st = give_out(d, d->next_out, *text, err);
        d->waiting -= d->c->entries[d->next_out++].original;
        free(*text);
        *text = NULL;
    }
    return st;
}

static cril_status finish_segment(struct decoding *d, struct stream *s, cril_error *err)
{
    const struct cril_archive_entry *e = &s->s.entry;
    uint8_t *text = malloc(e->original);
    cril_error why;

    s->busy = false;
    if (!text)
        return no_memory(d, err);
    d->texts[s->segment - d->first] = text; /* owned from here on */
    d->waiting += e->original;
    d->totals->tokens += e->tokens;
    d->totals->code_bytes += e->code;
    d->totals->raw_bytes += e->raw;
    if (cril_unspell(cril_model_tokenizer(d->m), &s->s, s->ids.data, s->ids.n, text, e->original,
                     &why) != CRIL_OK)
        return damaged(d, s->segment, why.message, err);
    if (!d->c->single && cril_archive_crc(0, text, e->original) != e->crc)
        return damaged(d, s->segment, "the decoded text does not have its checksum", err);
    return give_out_ready(d, err);
}

/* ---- Tokens ---- */

static cril_status take_token(struct decoding *d, struct stream *s, int32_t id, cril_error *err)
{
    d->tokens_done++;
    return cril_ids_push(&s->ids, id, err);
}

/* A token without context: one symbol of as many as there are logits. */
static cril_status decode_uniform(struct decoding *d, struct stream *s, cril_error *err)
{
    const uint64_t total = cril_model_logits(d->m);
    uint64_t id;

    if (!cril_range_peek(&s->code, total, &id))
        return damaged(d, s->segment, "its code is not a code of the range coder", err);
    cril_range_take(&s->code, &(struct cril_share){.low = id, .size = 1, .total = total});
    if (d->dump)
        cril_dump_uniform(d->dump, s->segment, 0, (size_t)total);
    return take_token(d, s, (int32_t)id, err);
}

static cril_status decode_token(struct decoding *d, struct stream *s, size_t feed, cril_error *err)
{
    const struct cril_distribution p = cril_decoder_distribution(d->decoder, feed);
    struct cril_share share;
    uint64_t at;

    if (d->dump)
        cril_dump_token(d->dump, s->segment, s->ids.n, p.weights, p.sum, p.values, p.n);
    if (!cril_range_peek(&s->code, cril_share_total_weights(p.weights, p.sum, p.n_chunks), &at))
        return damaged(d, s->segment, "its code is not a code of the range coder", err);
    const size_t chunk = cril_share_find_weight(p.weights, p.sum, p.n_chunks, at, &share),
                 first = chunk * CRIL_CHUNK,
                 n = p.n - first < CRIL_CHUNK ? p.n - first : CRIL_CHUNK;
    cril_range_take(&s->code, &share);
    if (!cril_range_peek(&s->code, cril_share_total_values(p.values + first, n), &at))
        return damaged(d, s->segment, "its code is not a code of the range coder", err);
    const size_t id = first + cril_share_find_value(p.values + first, n, at, &share);
    cril_range_take(&s->code, &share);
    return take_token(d, s, (int32_t)id, err);
}

/* What the model has to see for the next token: the last one, or all of a window that opens. */
static cril_status feed_of(struct decoding *d, struct stream *s, struct cril_feed *out,
                           cril_error *err)
{
    const size_t n = s->ids.n, stream = (size_t)(s - d->streams);
    cril_status st;
    size_t k = 0;

    if (n < s->span.end) {
        *out = (struct cril_feed){.stream = stream, .ids = s->ids.data + n - 1, .n = 1};
        return CRIL_OK;
    }
    const bool more =
        d->protocol->window(&d->layout, s->n_windows++, s->s.entry.tokens, true, &s->span);
    assert(more && s->span.first == n);
    (void)more;
    if ((st = cril_decoder_reset(d->decoder, stream, cril_span_inputs(&s->span), err)) != CRIL_OK)
        return st;
    if (s->span.first_token >= 0)
        s->inputs[k++] = s->span.first_token;
    for (size_t i = (size_t)s->span.from; i < n; i++)
        s->inputs[k++] = s->ids.data[i];
    *out = (struct cril_feed){.stream = stream, .ids = s->inputs, .n = k};
    return CRIL_OK;
}

/* ---- Rounds ---- */

/* Gives a stream that has none the next segment; one without tokens, or with one token, may be
 * finished at once. */
static cril_status start_segment(struct decoding *d, struct stream *s, cril_error *err)
{
    cril_status st;

    s->segment = d->next_start++;
    if ((st = cril_container_segment(d->c, s->segment, &s->s, err)) != CRIL_OK)
        return st;
    cril_range_decoder_init(&s->code, s->s.code, s->s.entry.code);
    s->ids.n = 0;
    s->span = (struct cril_span){0};
    s->n_windows = 0;
    s->busy = true;
    if (s->s.entry.tokens && d->layout.first_token < 0 &&
        (st = decode_uniform(d, s, err)) != CRIL_OK)
        return st;
    return s->ids.n == s->s.entry.tokens ? finish_segment(d, s, err) : CRIL_OK;
}

static int report(struct decoding *d)
{
    d->totals->seconds = cril_clock_sec() - d->start_sec;
    return d->callbacks->progress &&
           d->callbacks->progress(d->callbacks->user, d->totals,
                                  d->n_tokens ? (double)d->tokens_done / (double)d->n_tokens : 1);
}

/* Decodes one token in every stream. *idle: no stream has a segment. */
static cril_status run_round(struct decoding *d, bool *idle, cril_error *err)
{
    cril_status st = CRIL_OK;
    size_t n = 0;

    for (size_t i = 0; i < d->n_streams && st == CRIL_OK; i++) {
        struct stream *s = &d->streams[i];

        while (!s->busy && d->next_start < d->end && d->waiting <= max_waiting && st == CRIL_OK)
            st = start_segment(d, s, err);
        if (!s->busy || st != CRIL_OK || (st = feed_of(d, s, &d->feeds[n], err)) != CRIL_OK)
            continue;
        d->totals->forward_tokens += d->feeds[n].n;
        d->fed[n++] = i;
    }
    *idle = n == 0;
    if (st != CRIL_OK || !n || (st = cril_decoder_feed(d->decoder, d->feeds, n, err)) != CRIL_OK)
        return st;
    for (size_t k = 0; k < n && st == CRIL_OK; k++) {
        struct stream *s = &d->streams[d->fed[k]];

        st = decode_token(d, s, k, err);
        if (st == CRIL_OK && s->ids.n == s->s.entry.tokens)
            st = finish_segment(d, s, err);
    }
    if (st == CRIL_OK && report(d))
        st = cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
    return st;
}

/* ---- Set-up ---- */

static cril_status check_model(cril_model *m, const struct cril_container *c, cril_error *err)
{
    const struct cril_archive_header *h = &c->header;
    char hex[65], wanted[65];
    cril_status st;

    if (h->numerics != CRIL_NUMERICS)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: was made under numeric contract %u, this cril follows %d; decode it "
                         "with a version of cril that "
                         "follows the same",
                         c->name, (unsigned)h->numerics, CRIL_NUMERICS);
    if (h->rules > CRIL_RULES)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: was made under version %u of the scoring rules, this cril knows "
                         "versions up to %d; decode it with a newer one",
                         c->name, (unsigned)h->rules, CRIL_RULES);
    if ((st = cril_model_identity(m, hex, err)) != CRIL_OK)
        return st;
    cril_hex_write(h->model, h->model_bytes, wanted);
    if (strncmp(hex, wanted, 2 * h->model_bytes) != 0)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: was made with another model, or another tokenizer: it needs the one "
                         "of identity %s, %s has %s%s",
                         c->name, wanted, cril_model_path(m), hex,
                         m->own_identity
                             ? ", a folder's own, which no GGUF file has: cril does not know what "
                               "a converter makes of its tokenizer"
                             : "; a folder and its GGUF file have one where the weights' types are "
                               "the same and the file says all that the folder says");
    if (h->context > cril_model_max_window(m) ||
        (h->n_logits && h->n_logits != cril_model_logits(m)) ||
        (h->first_token >= 0 && (size_t)h->first_token >= cril_model_logits(m)))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: its header does not fit the model; the file is damaged", c->name);
    return CRIL_OK;
}

/* The segments that hold [from, to). */
static cril_status find_range(struct decoding *d, const cril_decompress_options *o, cril_error *err)
{
    const struct cril_container *c = d->c;

    d->from = o->from;
    d->to = o->from || o->to ? o->to : c->trailer.original;
    if (d->from > d->to || d->to > c->trailer.original)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: bytes %llu to %llu of a text that has %llu",
                         c->name, (unsigned long long)d->from, (unsigned long long)d->to,
                         (unsigned long long)c->trailer.original);
    while (d->first < c->n_segments && c->starts[d->first + 1] <= d->from)
        d->first++;
    for (d->end = d->first; d->end < c->n_segments && c->starts[d->end] < d->to; d->end++)
        d->n_tokens += c->entries[d->end].tokens;
    d->next_start = d->next_out = d->first;
    return d->first == 0 && d->end == c->n_segments ? cril_sha256_create(&d->hash, err) : CRIL_OK;
}

/* Inputs of the longest window that the segments have. */
static size_t longest_window(const struct decoding *d)
{
    size_t longest = 1;

    for (size_t i = d->first; i < d->end; i++) {
        const size_t n = (size_t)d->c->entries[i].tokens + (d->layout.first_token >= 0);

        longest = n > longest ? n : longest;
    }
    return longest < d->layout.context ? longest : d->layout.context;
}

static cril_status create_streams(struct decoding *d, const cril_decompress_options *o,
                                  cril_error *err)
{
    /* Distributions are written in the order of the text. */
    const size_t wanted = o->distributions ? 1
                          : o->streams     ? o->streams
                                           : CRIL_STREAMS,
                 segments = d->end - d->first;
    const struct cril_decoder_options options = {.threads = o->threads,
                                                 .context = longest_window(d),
                                                 .streams = wanted < segments ? wanted : segments,
                                                 .memory = o->memory_bytes};
    cril_status st;

    if (!segments)
        return CRIL_OK;
    if (wanted > MAX_STREAMS)
        return cril_fail(err, CRIL_ERR_RANGE, "%zu streams; there can be 1 to %d", wanted,
                         MAX_STREAMS);
    if ((st = cril_decoder_create(d->m, cril_kernels(), &options, &d->decoder, err)) != CRIL_OK)
        return st;
    d->n_streams = cril_decoder_streams(d->decoder);
    d->streams = calloc(d->n_streams, sizeof(*d->streams));
    d->feeds = calloc(d->n_streams, sizeof(*d->feeds));
    d->fed = calloc(d->n_streams, sizeof(*d->fed));
    d->texts = calloc(segments, sizeof(*d->texts));
    bool ok = d->streams && d->feeds && d->fed && d->texts;
    for (size_t i = 0; ok && i < d->n_streams; i++)
        ok = (d->streams[i].inputs = calloc(options.context + 1, sizeof(int32_t))) != NULL;
    return ok ? CRIL_OK : no_memory(d, err);
}

static void free_decoding(struct decoding *d)
{
    for (size_t i = 0; d->streams && i < d->n_streams; i++) {
        cril_ids_free(&d->streams[i].ids);
        free(d->streams[i].inputs);
    }
    for (size_t i = 0; d->texts && i < d->end - d->first; i++)
        free(d->texts[i]);
    free(d->texts);
    free(d->streams);
    free(d->feeds);
    free(d->fed);
    cril_sha256_free(d->hash);
    cril_decoder_free(d->decoder);
}

static cril_status decode(struct decoding *d, cril_model *m, const cril_decompress_options *o,
                          cril_error *err)
{
    bool idle = false;
    cril_status st;

    if ((st = check_model(m, d->c, err)) != CRIL_OK || (st = find_range(d, o, err)) != CRIL_OK ||
        (st = create_streams(d, o, err)) != CRIL_OK ||
        (o->distributions && (st = cril_dump_open(o->distributions, cril_model_tokenizer(m),
                                                  &d->dump, err)) != CRIL_OK))
        return st;
    while (st == CRIL_OK && !idle)
        st = run_round(d, &idle, err);
    if (st == CRIL_OK && !d->c->n_segments)
        st = check_hash(d, err);
    if (d->dump) {
        const cril_status closed = cril_dump_close(d->dump, st == CRIL_OK ? err : NULL);

        st = st == CRIL_OK ? closed : st;
    }
    d->totals->seconds = cril_clock_sec() - d->start_sec;
    return st;
}

cril_status cril_decompress(cril_model *m, const cril_archive *a,
                            const cril_decompress_options *options,
                            const cril_codec_callbacks *callbacks, cril_codec_totals *totals,
                            cril_error *err)
{
    if (CRIL_LACKS(err, m, a, callbacks) ||
        (!callbacks->segment && CRIL_LACKS(err, callbacks->write)))
        return CRIL_ERR_RANGE;

    static const cril_decompress_options defaults = {0};
    cril_codec_totals ignored;
    struct decoding d = {.m = m,
                         .c = &a->container,
                         .callbacks = callbacks,
                         .totals = totals ? totals : &ignored,
                         .protocol = cril_protocol_find("document"),
                         .layout = {.context = a->container.header.context,
                                    .stride = a->container.header.stride,
                                    .first_token = a->container.header.first_token,
                                    .rules = a->container.header.rules},
                         .start_sec = cril_clock_sec()};
    cril_status st;

    *d.totals = (cril_codec_totals){.archive_bytes = a->container.size};
    st = decode(&d, m, options ? options : &defaults, err);
    if (st == CRIL_OK ||
        st == CRIL_ERR_FORMAT) /* overwritten weights make an archive look damaged */
        st = cril_model_check(m, err) == CRIL_OK ? st : CRIL_ERR_MISMATCH;
    free_decoding(&d);
    return st;
}
