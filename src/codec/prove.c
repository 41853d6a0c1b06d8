/*
 * Proves a score by a file.
 *
 * Two passes over the corpus follow the score's own. The first compresses it, a document a segment,
 * and compares what each costs with the score; the second runs beside the decoder and compares
 * texts. A document is compared with the score's line and length when it is read, and the whole
 * corpus with its SHA-256 at the end, so that a changed file and a broken proof are told apart.
 */
#include "util/fail.h"
#include "util/mapfile.h"

#include <cril/prove.h>
#include <errno.h>
#include <math.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

struct proving {
    cril_model *m;
    const char *path;
    const cril_corpus_options *corpus_options; /* NULL: the default */
    const cril_result *scored;
    const cril_prove_options *options;
    const cril_prove_callbacks *callbacks; /* NULL: none */
    cril_proof proof;
    cril_corpus *corpus; /* of the pass at work */
    cril_status found; /* CRIL_OK, or what one of our callbacks found; then *err has the sentence */
    cril_error *err;
};

/* ---- What can be wrong ---- */

/* A document as a sentence calls it. */
struct place {
    char text[80];
};

static struct place place_of(const struct proving *p, uint64_t index)
{
    const uint64_t line = index < p->scored->documents ? p->scored->per_document[index].line : 0;
    struct place place;
    const int n = snprintf(place.text, sizeof(place.text), "document %" PRIu64, index);

    if (line) /* where a file is a document there is none */
        snprintf(place.text + n, sizeof(place.text) - (size_t)n, " (line %" PRIu64 ")", line);
    return place;
}

/* Reads what is left of the corpus. */
static bool has_changed(const struct proving *p)
{
    char hex[65];

    return cril_corpus_sha256(p->corpus, hex, NULL) != CRIL_OK ||
           strcmp(hex, p->scored->corpus_sha256) != 0;
}

static cril_status changed(const struct proving *p)
{
    return cril_fail(
        p->err, CRIL_ERR_MISMATCH,
        "%s: has changed since it was scored; score it again when no program writes to it",
        p->path);
}

/* The corpus has other documents than the score, at index or from there on. */
static cril_status not_scored(const struct proving *p, uint64_t index)
{
    if (has_changed(p))
        return changed(p);
    return cril_fail(
        p->err, CRIL_ERR_MISMATCH,
        "%s: %s is not as it was scored; read the corpus with the options of its score", p->path,
        place_of(p, index).text);
}

static cril_status other_nats(const struct proving *p, uint64_t index, double nats)
{
    if (has_changed(p))
        return changed(p);
    return cril_fail(p->err, CRIL_ERR_MISMATCH,
                     "%s: %s costs %.17g nats in the archive and %.17g in the score, which must be "
                     "equal to the last bit; run "
                     "'cril selftest' to see whether this machine computes the same bits as others",
                     p->path, place_of(p, index).text, nats, p->scored->per_document[index].nats);
}

static cril_status other_text(const struct proving *p, uint64_t index)
{
    if (has_changed(p))
        return changed(p);
    return cril_fail(p->err, CRIL_ERR_MISMATCH,
                     "%s: %s does not decode to its text; this is a fault of cril, report it",
                     p->path, place_of(p, index).text);
}

/* The error of a failed codec: that of a callback, where a callback stopped it. */
static cril_status codec_failed(const struct proving *p, cril_status st, const cril_error *why)
{
    if (p->found != CRIL_OK)
        return p->found;
    if (st == CRIL_ERR_CANCELLED)
        return cril_fail(p->err, st, "%s: the proof was stopped", p->path);
    return cril_fail(p->err, st, "%s: %s", p->path, why->message);
}

static int report(struct proving *p, cril_prove_phase phase, const cril_codec_totals *so_far,
                  double fraction)
{
    return p->callbacks && p->callbacks->progress
               ? p->callbacks->progress(p->callbacks->user, phase, so_far, fraction)
               : 0;
}

/* ---- Compression ---- */

static int on_archive(void *user, const void *data, size_t n)
{
    const struct proving *p = user;

    errno = 0;
    if (fwrite(data, 1, n, p->options->archive) == n)
        return 0;
    return errno ? errno : EIO;
}

/* Every bit of a double, which == does not see. */
static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static int on_cost(void *user, uint64_t index, const cril_segment_cost *cost)
{
    struct proving *p = user;

    p->proof.respelled += !cost->own;
    p->proof.kept += cost->kept;
    if (cost->own && !same_bits(cost->nats, p->scored->per_document[index].nats))
        p->found = other_nats(p, index, cost->nats);
    return p->found != CRIL_OK;
}

static int on_compress(void *user, const cril_codec_totals *so_far, double fraction)
{
    return report(user, CRIL_PROVE_COMPRESS, so_far, fraction);
}

static cril_status check_document(const struct proving *p, const cril_document *doc)
{
    const cril_document_score *d;

    if (doc->index >= p->scored->documents)
        return not_scored(p, doc->index);
    d = &p->scored->per_document[doc->index];
    if (doc->line != d->line || doc->len_bytes != d->bytes)
        return not_scored(p, doc->index);
    if (doc->len_bytes > CRIL_SEGMENT_BYTES_MAX)
        return cril_fail(
            p->err, CRIL_ERR_RANGE,
            "%s: %s has %zu bytes, a segment of an archive at most %zu; split the document",
            p->path, place_of(p, doc->index).text, doc->len_bytes, CRIL_SEGMENT_BYTES_MAX);
    return CRIL_OK;
}

static cril_status compress_documents(struct proving *p, cril_compressor *c)
{
    uint64_t n = 0;
    cril_document doc;
    cril_error why;
    cril_status st;

    for (; (st = cril_corpus_next(p->corpus, &doc, p->err)) == CRIL_OK && doc.text; n++) {
        if ((st = check_document(p, &doc)) != CRIL_OK)
            return st;
        if ((st = cril_compressor_add(c, doc.text, doc.len_bytes, &why)) != CRIL_OK)
            return codec_failed(p, st, &why);
    }
    if (st != CRIL_OK)
        return st;
    if (n != p->scored->documents)
        return not_scored(p, n);
    st = cril_compressor_finish(c, &why);
    return st == CRIL_OK ? st : codec_failed(p, st, &why);
}

static cril_status compress_corpus(struct proving *p)
{
    const cril_compress_options options = {.context = p->scored->context,
                                           .stride = p->scored->stride,
                                           .threads = p->options->threads,
                                           .batch_tokens = p->options->batch_tokens,
                                           .memory_bytes = p->options->memory_bytes,
                                           .text_bytes = p->scored->bytes};
    const cril_codec_callbacks callbacks = {
        .user = p, .write = on_archive, .progress = on_compress, .cost = on_cost};
    cril_compressor *c;
    cril_error why;
    cril_status st = cril_compressor_create(p->m, &options, &callbacks, &c, &why);

    if (st != CRIL_OK)
        return codec_failed(p, st, &why);
    if ((st = compress_documents(p, c)) == CRIL_OK) {
        const cril_codec_totals *totals = cril_compressor_totals(c);

        p->proof.documents = totals->segments;
        p->proof.ideal_nats = totals->nats;
        p->proof.code_bytes = totals->code_bytes;
        p->proof.archive_bytes = totals->archive_bytes;
        p->proof.compress_seconds = totals->seconds;
    }
    cril_compressor_free(c);
    errno = 0;
    if (st == CRIL_OK && fflush(p->options->archive) != 0)
        st = cril_fail(p->err, CRIL_ERR_IO, "%s: the archive could not be written: %s", p->path,
                       strerror(errno ? errno : EIO));
    return st;
}

/* ---- Decompression ---- */

/* The next document against what was decoded. */
static int on_segment(void *user, uint64_t index, const void *text, size_t n)
{
    struct proving *p = user;
    cril_document doc;

    if ((p->found = cril_corpus_next(p->corpus, &doc, p->err)) != CRIL_OK)
        return 1;
    if (!doc.text || doc.len_bytes != n || memcmp(doc.text, text, n) != 0)
        p->found = other_text(p, index);
    return p->found != CRIL_OK;
}

static int on_decode(void *user, const cril_codec_totals *so_far, double fraction)
{
    return report(user, CRIL_PROVE_DECODE, so_far, fraction);
}

static cril_status decode_archive(struct proving *p, const cril_archive *a)
{
    const cril_decompress_options options = {.threads = p->options->threads,
                                             .streams = p->options->streams,
                                             .memory_bytes = p->options->memory_bytes};
    const cril_codec_callbacks callbacks = {
        .user = p, .progress = on_decode, .segment = on_segment};
    cril_codec_totals totals;
    cril_document doc;
    cril_error why;
    cril_status st = cril_decompress(p->m, a, &options, &callbacks, &totals, &why);

    if (st != CRIL_OK)
        return codec_failed(p, st, &why);
    p->proof.decode_seconds = totals.seconds;
    if ((st = cril_corpus_next(p->corpus, &doc, p->err)) != CRIL_OK)
        return st;
    if (doc.text)
        return not_scored(p, doc.index);
    return has_changed(p) ? changed(p) : CRIL_OK;
}

/* Reads the archive back from its file. */
static cril_status check_archive(struct proving *p)
{
    struct cril_mapfile file;
    cril_archive *a = NULL;
    cril_error why;
    cril_status st = cril_mapfile_map(fileno(p->options->archive), "the archive", &file, &why);

    if (st == CRIL_OK)
        st = cril_archive_read(file.data, file.size, "the archive", &a, &why);
    st = st == CRIL_OK ? decode_archive(p, a) : codec_failed(p, st, &why);
    cril_archive_close(a);
    cril_mapfile_close(&file);
    return st;
}

/* ---- API ---- */

static cril_status check_score(const struct proving *p)
{
    const cril_result *r = p->scored;
    char sha256[65];
    cril_status st;

    if (strcmp(r->protocol, "document") != 0)
        return cril_fail(p->err, CRIL_ERR_RANGE,
                         "%s: the protocol %s cannot be proved, as an archive's segments are "
                         "scored as documents; "
                         "score it by the protocol document",
                         p->path, r->protocol);
    if (r->corpus_prompt_field)
        return cril_fail(
            p->err, CRIL_ERR_RANGE,
            "%s: was scored behind prompts, but an archive holds whole texts; score it "
            "without them",
            p->path);
    if (!r->documents || !r->per_document)
        return cril_fail(p->err, CRIL_ERR_RANGE, "%s: the score does not tell its documents apart",
                         p->path);
    if (r->numerics != CRIL_NUMERICS)
        return cril_fail(
            p->err, CRIL_ERR_MISMATCH,
            "%s: was scored under numeric contract %d, this cril follows %d; score it again",
            p->path, r->numerics, CRIL_NUMERICS);
    if ((st = cril_model_sha256(p->m, sha256, p->err)) != CRIL_OK)
        return st;
    if (strcmp(sha256, r->model_sha256) != 0)
        return cril_fail(p->err, CRIL_ERR_MISMATCH,
                         "%s: was scored with another model than %s; score it again", p->path,
                         cril_model_path(p->m));
    return CRIL_OK;
}

/* One pass over the corpus. */
static cril_status pass(struct proving *p, cril_status (*work)(struct proving *p))
{
    cril_status st = cril_corpus_open(p->path, p->corpus_options, &p->corpus, p->err);

    if (st != CRIL_OK)
        return st;
    st = work(p);
    cril_corpus_close(p->corpus);
    return st;
}

cril_status cril_prove(cril_model *m, const char *corpus_path, const cril_corpus_options *corpus,
                       const cril_result *scored, const cril_prove_options *options,
                       const cril_prove_callbacks *callbacks, cril_proof *out, cril_error *err)
{
    if (CRIL_LACKS(err, m, corpus_path, scored, options, out) || CRIL_LACKS(err, options->archive))
        return CRIL_ERR_RANGE;

    struct proving p = {.m = m,
                        .path = corpus_path,
                        .corpus_options = corpus,
                        .scored = scored,
                        .options = options,
                        .callbacks = callbacks,
                        .proof = {.characters = scored->characters, .score_nats = scored->nats},
                        .err = err};
    cril_status st;

    if ((st = check_score(&p)) != CRIL_OK || (st = pass(&p, compress_corpus)) != CRIL_OK ||
        (st = pass(&p, check_archive)) != CRIL_OK)
        return st;
    *out = p.proof;
    return CRIL_OK;
}

double cril_proof_ideal_bits(const cril_proof *p)
{
    return p ? p->ideal_nats / CRIL_LN2 : NAN;
}

double cril_proof_coded_bits(const cril_proof *p)
{
    return p ? 8 * (double)p->code_bytes : NAN;
}

double cril_proof_overhead(const cril_proof *p)
{
    if (!p)
        return NAN;
    return p->ideal_nats > 0 ? cril_proof_coded_bits(p) / cril_proof_ideal_bits(p) - 1 : 0;
}

double cril_proof_bpc(const cril_proof *p)
{
    if (!p)
        return NAN;
    return p->characters ? 8 * (double)p->archive_bytes / (double)p->characters : 0;
}
