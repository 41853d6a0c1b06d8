/*
 * Text to an archive. A segment is spelled as tokens, which are a stream for the feeder; the feeder
 * hands out each token's shares, which go into the segment's range coder; a segment whose tokens
 * are all coded is written. What stays in memory is one batch and the segments that it has tokens
 * of; the first segment also until there is a second, or an end, since an archive of one segment
 * has no index.
 */
#include "codec/container.h"
#include "codec/spell.h"
#include "entropy/range.h"
#include "score/feeder.h"
#include "score/layout.h"
#include "util/clock.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/hex.h"
#include "util/size.h"

#include <cril/codec.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Windows that follow each other: no token goes through the model twice. doc/compression.md has
 * what else costs. */
enum { DEFAULT_CONTEXT = 1024 };

/* A segment that is not written yet. */
struct pending {
    uint8_t *text; /* [n] */
    size_t n;
    struct cril_spelling spelling;
    struct cril_range_encoder code;
    size_t n_coded; /* tokens */
    double nats;
};

struct cril_compressor {
    cril_model *model; /* borrowed */
    const cril_codec_callbacks *callbacks;
    struct cril_speller *speller;
    struct cril_feeder feeder;
    struct cril_feeder_sink sink;
    struct cril_token_stream stream; /* the last pending segment; its ids are that one's */
    struct cril_archive_header header;
    bool header_written, finishing; /* finishing: no segment will be added */
    bool ended;                     /* finished, or failed */
    uint32_t crc;   /* of the header; of an archive of one segment, all that is written */
    uint8_t *parts; /* of the segment that is written */
    size_t parts_size;
    struct cril_sha256 *hash;
    struct pending *pending; /* [n_pending] segments first_pending, first_pending + 1, ... */
    size_t n_pending, pending_size;
    uint64_t first_pending;
    uint8_t *index; /* [n_index] entries of what is written; none of an only segment */
    size_t n_index, index_size;
    uint64_t text_bytes; /* of all segments to come; 0: not known */
    double fraction;     /* that was reported last */
    double start_sec;    /* 0: not yet */
    cril_codec_totals totals;
};

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory while compressing; try smaller segments");
}

/* ---- Writing ---- */

static cril_status write_bytes(cril_compressor *c, const void *data, size_t n, cril_error *err)
{
    const int failure = n ? c->callbacks->write(c->callbacks->user, data, n) : 0;

    c->totals.archive_bytes += n;
    return failure ? cril_fail(err, CRIL_ERR_IO, "the archive could not be written: %s",
                               strerror(failure))
                   : CRIL_OK;
}

/* Once. entry [n]: of the only segment; none: an index follows. */
static cril_status write_header(cril_compressor *c, const uint8_t *entry, size_t n, cril_error *err)
{
    static const uint8_t indexed[] = {0};
    uint8_t out[CRIL_ARCHIVE_HEADER + CRIL_ARCHIVE_ENTRY];
    size_t n_out;

    if (c->header_written)
        return CRIL_OK;
    c->header_written = true;
    n_out = cril_archive_put_header(&c->header, out);
    memcpy(out + n_out, n ? entry : indexed, n ? n : 1);
    n_out += n ? n : 1;
    c->crc = cril_archive_crc(0, out, n_out);
    return write_bytes(c, out, n_out, err);
}

static cril_status stopped(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
}

static enum cril_segment_kind kind_of(const struct cril_spelling *s)
{
    if (!s->ids.n)
        return CRIL_SEGMENT_STORED;
    if (!s->n_parts)
        return CRIL_SEGMENT_TOKENS;
    return s->n_parts == 1 && !s->n_raw ? CRIL_SEGMENT_DROPPED : CRIL_SEGMENT_PARTS;
}

/* The parts of a segment that has to write them, one after the other, into c->parts. */
static cril_status put_parts(cril_compressor *c, const struct cril_spelling *s, size_t *n,
                             cril_error *err)
{
    *n = 0;
    if (kind_of(s) != CRIL_SEGMENT_PARTS)
        return CRIL_OK;
    uint8_t *parts = cril_size_grow(c->parts, &c->parts_size, 0, s->n_parts, CRIL_ARCHIVE_PART);
    if (!parts)
        return no_memory(err);
    c->parts = parts;
    for (size_t i = 0; i < s->n_parts; i++)
        *n += cril_archive_put_part(&s->parts[i], parts + *n);
    return CRIL_OK;
}

/* What archive and index take for a segment. */
static size_t bytes_of(const struct cril_archive_entry *e, bool single)
{
    uint8_t out[CRIL_ARCHIVE_ENTRY];

    return cril_archive_put_entry(e, single, out) + (size_t)e->part_bytes + e->raw + e->code;
}

/* The entry of a segment whose tokens are all coded; checksums are not in it yet. Where the model's
 * tokens cost more than the text, the text itself is kept. */
static cril_status choose_entry(cril_compressor *c, struct pending *p, bool single,
                                struct cril_archive_entry *e, bool *kept, cril_error *err)
{
    struct cril_spelling *s = &p->spelling;
    const struct cril_archive_entry stored = {
        .original = (uint32_t)p->n, .kind = CRIL_SEGMENT_STORED, .raw = (uint32_t)p->n};
    size_t part_bytes;
    cril_status st = put_parts(c, s, &part_bytes, err);

    if (st != CRIL_OK)
        return st;
    *e = (struct cril_archive_entry){.original = (uint32_t)p->n,
                                     .kind = kind_of(s),
                                     .tokens = (uint32_t)s->ids.n,
                                     .part_bytes = part_bytes,
                                     .raw = (uint32_t)s->n_raw,
                                     .code = (uint32_t)p->code.n};
    *kept = s->ids.n && bytes_of(e, single) > bytes_of(&stored, single);
    if (!*kept)
        return CRIL_OK;
    *e = stored;
    cril_range_encoder_free(&p->code);
    return cril_spelling_store(p->text, p->n, s, err);
}

/* Header, where it is due, and the segment; its entry goes into the index, if there is one. */
static cril_status write_frame(cril_compressor *c, const struct pending *p, bool single,
                               struct cril_archive_entry *e, cril_error *err)
{
    const struct cril_spelling *s = &p->spelling;
    uint8_t entry[CRIL_ARCHIVE_ENTRY];
    size_t n;
    uint32_t *crc = single ? &c->crc : &e->frame_crc;
    cril_status st;

    n = single ? cril_archive_put_entry(e, true, entry) : 0;
    if ((st = write_header(c, entry, n, err)) != CRIL_OK ||
        (st = write_bytes(c, c->parts, (size_t)e->part_bytes, err)) != CRIL_OK ||
        (st = write_bytes(c, s->raw, s->n_raw, err)) != CRIL_OK ||
        (st = write_bytes(c, p->code.data, p->code.n, err)) != CRIL_OK)
        return st;
    *crc = cril_archive_crc(*crc, c->parts, (size_t)e->part_bytes);
    *crc = cril_archive_crc(*crc, s->raw, s->n_raw);
    *crc = cril_archive_crc(*crc, p->code.data, p->code.n);
    if (single)
        return CRIL_OK;
    e->crc = cril_archive_crc(0, p->text, p->n);
    uint8_t *index = cril_size_grow(c->index, &c->index_size, c->n_index, CRIL_ARCHIVE_ENTRY, 1);
    if (!index)
        return no_memory(err);
    c->index = index;
    c->n_index += cril_archive_put_entry(e, false, index + c->n_index);
    return CRIL_OK;
}

/* A segment whose tokens are all coded. single: the archive has no other. */
static cril_status write_segment(cril_compressor *c, struct pending *p, bool single,
                                 cril_error *err)
{
    const struct cril_spelling *s = &p->spelling;
    cril_segment_cost cost = {
        .tokens = s->ids.n, .nats = p->nats, .own = s->ids.n && !s->unspelled_characters};
    struct cril_archive_entry e;
    cril_status st;

    if (!cril_range_encoder_finish(&p->code))
        return no_memory(err);
    if ((st = choose_entry(c, p, single, &e, &cost.kept, err)) != CRIL_OK ||
        (st = write_frame(c, p, single, &e, err)) != CRIL_OK)
        return st;
    c->totals.original_bytes += p->n;
    c->totals.code_bytes += e.code;
    c->totals.raw_bytes += e.raw;
    c->totals.tokens += e.tokens;
    c->totals.nats += e.tokens ? p->nats : 0;
    cost.code_bytes = e.code;
    if (c->callbacks->cost && c->callbacks->cost(c->callbacks->user, c->totals.segments, &cost))
        return stopped(err);
    c->totals.segments++;
    return CRIL_OK;
}

static void free_pending(struct pending *p)
{
    cril_spelling_free(&p->spelling);
    cril_range_encoder_free(&p->code);
    free(p->text);
}

/* Writes the first segments, as far as all of their tokens are coded. The header depends on whether
 * there is more than one. */
static cril_status write_finished(cril_compressor *c, cril_error *err)
{
    const bool only = !c->totals.segments && c->n_pending == 1;
    cril_status st = CRIL_OK;
    size_t n = 0;

    if (only && !c->finishing)
        return CRIL_OK;
    while (st == CRIL_OK && n < c->n_pending &&
           c->pending[n].n_coded == c->pending[n].spelling.ids.n)
        st = write_segment(c, &c->pending[n++], only, err);
    for (size_t i = 0; i < n; i++)
        free_pending(&c->pending[i]);
    c->n_pending -= n;
    c->first_pending += n;
    if (c->n_pending) /* an empty text has no list */
        memmove(c->pending, c->pending + n, c->n_pending * sizeof(*c->pending));
    return st;
}

/* ---- Through the model ---- */

/* Bytes of text whose tokens have gone through; done: share of the batch that has. */
static double bytes_done(const cril_compressor *c, double done)
{
    double bytes = (double)c->totals.original_bytes;

    for (size_t i = 0; i < c->n_pending; i++) {
        const struct pending *p = &c->pending[i];
        const size_t n = p->spelling.ids.n,
                     n_laid = i + 1 < c->n_pending ? n : (size_t)c->stream.laid_out;
        const double tokens = (double)p->n_coded + done * (double)(n_laid - p->n_coded);

        if (n)
            bytes += (double)p->n * (tokens / (double)n);
    }
    return bytes;
}

static int report(cril_compressor *c, double done)
{
    if (!c->callbacks->progress)
        return 0;
    if (c->text_bytes) {
        const double fraction = bytes_done(c, done) / (double)c->text_bytes;

        if (fraction > c->fraction)
            c->fraction = fraction < 1 ? fraction : 1;
    }
    c->totals.seconds = cril_clock_sec() - c->start_sec;
    return c->callbacks->progress(c->callbacks->user, &c->totals, c->text_bytes ? c->fraction : -1);
}

static int poll_engine(void *user, double done)
{
    return report(user, done);
}

static cril_status code_token(void *user, const struct cril_scored_token *t, cril_error *err)
{
    cril_compressor *c = user;
    struct pending *p = &c->pending[t->stream - c->first_pending];

    if (!cril_range_encode(&p->code, &t->shares->chunk) ||
        !cril_range_encode(&p->code, &t->shares->token))
        return no_memory(err);
    p->nats += t->nats;
    p->n_coded++;
    return CRIL_OK;
}

static cril_status finish_batch(void *user, size_t n_rows, cril_error *err)
{
    cril_compressor *c = user;
    cril_status st;

    c->totals.forward_tokens += n_rows;
    if ((st = write_finished(c, err)) != CRIL_OK)
        return st;
    return report(c, 0) ? stopped(err) : CRIL_OK;
}

/* All windows of the segment that was added last. Its ids stay where they are when segments before
 * it are written. */
static cril_status lay_out(cril_compressor *c, cril_error *err)
{
    const size_t last = c->n_pending - 1;

    cril_token_stream_start(&c->stream, c->first_pending + last);
    c->stream.ids = c->pending[last].spelling.ids;
    return cril_feeder_lay_out(&c->feeder, &c->stream, true, err);
}

/* ---- API ---- */

static cril_status add(cril_compressor *c, const void *text, size_t n, cril_error *err)
{
    struct pending *pending, *p;
    cril_status st;

    if (n < 1 || n > CRIL_SEGMENT_BYTES_MAX)
        return cril_fail(err, CRIL_ERR_RANGE, "a segment of %zu bytes; it can have 1 to %zu", n,
                         CRIL_SEGMENT_BYTES_MAX);
    if (!(pending =
              cril_size_grow(c->pending, &c->pending_size, c->n_pending, 1, sizeof(*pending))))
        return no_memory(err);
    c->pending = pending;
    p = &pending[c->n_pending];
    *p = (struct pending){.text = malloc(n), .n = n};
    cril_range_encoder_init(&p->code);
    if (!p->text)
        return no_memory(err);
    c->n_pending++;
    memcpy(p->text, text, n);
    if (c->start_sec <= 0)
        c->start_sec = cril_clock_sec();
    if ((st = cril_sha256_update(c->hash, text, n, err)) != CRIL_OK ||
        (st = cril_segment_spell(c->speller, text, n, &p->spelling, err)) != CRIL_OK ||
        (st = lay_out(c, err)) != CRIL_OK)
        return st;
    return write_finished(c, err); /* one without tokens waits for nothing */
}

static cril_status finish(cril_compressor *c, cril_error *err)
{
    uint8_t sha256[32], out[CRIL_ARCHIVE_TRAILER];
    char hex[65];
    size_t n;
    cril_status st;

    c->finishing = true;
    if ((st = cril_feeder_flush(&c->feeder, err)) != CRIL_OK ||
        (st = write_finished(c, err)) != CRIL_OK ||
        (st = cril_model_check(c->model, err)) != CRIL_OK ||
        (st = cril_sha256_final(c->hash, hex, err)) != CRIL_OK ||
        (st = write_header(c, NULL, 0, err)) != CRIL_OK ||
        (st = write_bytes(c, c->index, c->n_index, err)) != CRIL_OK)
        return st;
    cril_hex_bytes(hex, sha256, sizeof(sha256));
    n = cril_archive_put_trailer(sha256, c->crc, c->totals.segments == 1, c->index, c->n_index,
                                 out);
    c->totals.seconds = c->start_sec > 0 ? cril_clock_sec() - c->start_sec : 0;
    return write_bytes(c, out, n, err);
}

static cril_status has_ended(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_RANGE,
                     "the archive is finished, or has failed: create another compressor");
}

cril_status cril_compressor_add(cril_compressor *c, const void *text, size_t n, cril_error *err)
{
    cril_status st;

    if (CRIL_LACKS(err, c, text))
        return CRIL_ERR_RANGE;
    if (c->ended)
        return has_ended(err);
    st = add(c, text, n, err);
    c->ended = st != CRIL_OK;
    return st;
}

cril_status cril_compressor_finish(cril_compressor *c, cril_error *err)
{
    if (CRIL_LACKS(err, c))
        return CRIL_ERR_RANGE;
    if (c->ended)
        return has_ended(err);
    c->ended = true;
    return finish(c, err);
}

const cril_codec_totals *cril_compressor_totals(const cril_compressor *c)
{
    return c ? &c->totals : NULL;
}

static cril_status fill_header(cril_compressor *c, const struct cril_layout *l, cril_error *err)
{
    char hex[65];
    cril_status st = cril_model_identity(c->model, hex, err);

    if (st != CRIL_OK)
        return st;
    c->header = (struct cril_archive_header){.version = CRIL_ARCHIVE_VERSION,
                                             .numerics = CRIL_NUMERICS,
                                             .rules = CRIL_RULES,
                                             .context = (uint32_t)l->context,
                                             .stride = (uint32_t)l->stride,
                                             .first_token = l->first_token};
    cril_hex_bytes(hex, c->header.model, sizeof(c->header.model));
    return CRIL_OK;
}

static cril_status configure(cril_compressor *c, const cril_compress_options *o, cril_error *err)
{
    const struct cril_protocol *p = cril_protocol_find("document");
    const struct cril_engine_options options = {
        .threads = o->threads, .memory = o->memory_bytes, .rows = o->batch_tokens};
    const size_t max = cril_model_context(c->model),
                 usual = max < DEFAULT_CONTEXT ? max : DEFAULT_CONTEXT,
                 context = o->context ? o->context : usual;
    struct cril_layout l;
    cril_status st;

    if ((st = cril_layout_choose(p, c->model, context, o->stride ? o->stride : context, &l, err)) !=
            CRIL_OK ||
        (st = fill_header(c, &l, err)) != CRIL_OK ||
        (st = cril_feeder_init(&c->feeder, c->model, p, &l, options, true, err)) != CRIL_OK)
        return st;
    c->sink = (struct cril_feeder_sink){
        .user = c, .token = code_token, .batch = finish_batch, .poll = poll_engine};
    cril_feeder_start(&c->feeder, &c->sink);
    return CRIL_OK;
}

cril_status cril_compressor_create(cril_model *m, const cril_compress_options *options,
                                   const cril_codec_callbacks *callbacks, cril_compressor **out,
                                   cril_error *err)
{
    if (CRIL_LACKS(err, m, callbacks, out) || CRIL_LACKS(err, callbacks->write))
        return CRIL_ERR_RANGE;

    static const cril_compress_options defaults = {0};
    cril_compressor *c = calloc(1, sizeof(*c));
    cril_status st;

    if (!options)
        options = &defaults;
    if (!c)
        return no_memory(err);
    c->model = m;
    c->callbacks = callbacks;
    c->text_bytes = options->text_bytes;
    if ((st = configure(c, options, err)) != CRIL_OK ||
        (st = cril_speller_create(cril_model_tokenizer(m), &c->speller, err)) != CRIL_OK ||
        (st = cril_sha256_create(&c->hash, err)) != CRIL_OK) {
        cril_compressor_free(c);
        return st;
    }
    *out = c;
    return CRIL_OK;
}

void cril_compressor_free(cril_compressor *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_pending; i++)
        free_pending(&c->pending[i]);
    free(c->pending);
    free(c->index);
    free(c->parts);
    cril_feeder_free(&c->feeder);
    cril_speller_free(c->speller);
    cril_sha256_free(c->hash);
    free(c);
}
