/* A corpus on its way to a file: see writer.h. */
#include "gather/writer.h"

#include "util/fail.h"
#include "util/hash.h"

#include <cril/corpus.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { ZSTD_LEVEL = 3, OUT_BYTES = 1 << 17, N_SIZES = 40, MONTH = 7 };

struct cril_writer {
    cril_gather_sink sink;
    ZSTD_CCtx *zstd; /* NULL: not compressed */
    char out[OUT_BYTES];
    struct cril_sha256 *stored, *lines;
    uint64_t documents, characters, bytes, stored_bytes;
    uint64_t sizes[N_SIZES]; /* documents of 2^i .. 2^(i+1) - 1 characters; [0]: 0 too */
    struct cril_tally months, languages, licences, sources;
    struct cril_flow_result own; /* cril_writer_add */
};

static bool compress_well(ZSTD_CCtx *z)
{
    return !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1));
}

cril_status cril_writer_create(const cril_gather_sink *sink, struct cril_writer **out,
                               cril_error *err)
{
    struct cril_writer *w = calloc(1, sizeof(*w));
    cril_status st;

    if (!w)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    w->sink = *sink;
    if ((st = cril_sha256_create(&w->stored, err)) == CRIL_OK)
        st = cril_sha256_create(&w->lines, err);
    if (st == CRIL_OK && sink->zstd && (!(w->zstd = ZSTD_createCCtx()) || !compress_well(w->zstd)))
        st = cril_fail(err, CRIL_ERR_NOMEM, "out of memory for zstd");
    if (st == CRIL_OK)
        *out = w;
    else
        cril_writer_free(w);
    return st;
}

void cril_writer_free(struct cril_writer *w)
{
    if (!w)
        return;
    ZSTD_freeCCtx(w->zstd);
    cril_sha256_free(w->stored);
    cril_sha256_free(w->lines);
    free(w->months.rows);
    free(w->languages.rows);
    free(w->licences.rows);
    free(w->sources.rows);
    free(w->own.line.data);
    free(w);
}

/* ---- bytes ---- */

static cril_status store(struct cril_writer *w, const char *data, size_t n, cril_error *err)
{
    const cril_status st = n ? cril_sha256_update(w->stored, data, n, err) : CRIL_OK;

    if (st != CRIL_OK || !n)
        return st;
    w->stored_bytes += n;
    return w->sink.write(w->sink.user, data, n)
               ? cril_fail(err, CRIL_ERR_IO, "the corpus cannot be written")
               : CRIL_OK;
}

static cril_status compress(struct cril_writer *w, const char *data, size_t n, bool last,
                            cril_error *err)
{
    ZSTD_inBuffer in = {data, n, 0};
    size_t left;
    cril_status st;

    do {
        ZSTD_outBuffer out = {w->out, sizeof(w->out), 0};

        left = ZSTD_compressStream2(w->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return cril_fail(err, CRIL_ERR_NOMEM, "zstd: %s", ZSTD_getErrorName(left));
        if ((st = store(w, w->out, out.pos, err)) != CRIL_OK)
            return st;
    } while (last ? left > 0 : in.pos < in.size);
    return CRIL_OK;
}

/* ---- documents ---- */

static size_t size_class(uint64_t characters)
{
    size_t i = 0;

    while (characters > 1 && i < N_SIZES - 1) {
        characters >>= 1;
        i++;
    }
    return i;
}

/* Common Crawl names several languages, the most frequent first: "eng,fra". */
static bool tally_words(struct cril_tally *t, const char *text)
{
    return cril_tally_add(t, text, text ? strcspn(text, ",") : 0, 1);
}

static bool describe(struct cril_writer *w, const struct cril_flow_result *r)
{
    const char *date = r->entry.field[CRIL_ENTRY_DATE];

    w->documents++;
    w->characters += r->characters;
    w->bytes += r->entry.len;
    w->sizes[size_class(r->characters)]++;
    return cril_tally_add(&w->months, date, date ? strnlen(date, MONTH) : 0, 1) &&
           tally_words(&w->languages, r->entry.field[CRIL_ENTRY_LANGUAGE]) &&
           tally_words(&w->licences, r->entry.field[CRIL_ENTRY_LICENCE]) &&
           tally_words(&w->sources, r->entry.field[CRIL_ENTRY_SOURCE]);
}

cril_status cril_writer_put(struct cril_writer *w, const struct cril_flow_result *r,
                            cril_error *err)
{
    cril_status st = cril_sha256_update(w->lines, r->line.data, r->line.len, err);

    if (st != CRIL_OK)
        return st;
    if (!describe(w, r))
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    return w->zstd ? compress(w, r->line.data, r->line.len, false, err)
                   : store(w, r->line.data, r->line.len, err);
}

cril_status cril_writer_add(struct cril_writer *w, const struct cril_entry *e, cril_error *err)
{
    struct cril_flow_result *r = &w->own;
    cril_status st;

    r->entry = *e;
    r->characters = cril_count_characters(e->text, e->len);
    r->line.len = 0;
    st = cril_entry_write(e, &r->line, r->sha256, err);
    return st == CRIL_OK ? cril_writer_put(w, r, err) : st;
}

/* ---- the end ---- */

static json_t *sizes_json(const struct cril_writer *w)
{
    size_t n = N_SIZES;
    json_t *list = json_array();
    bool good = true;

    while (n && !w->sizes[n - 1])
        n--;
    for (size_t i = 0; i < n; i++)
        good &= !json_array_append_new(list, json_integer((json_int_t)w->sizes[i]));
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *describe_json(const struct cril_writer *w, const char *stored, const char *lines)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "documents",
                     (json_int_t)w->documents, "characters", (json_int_t)w->characters, "bytes",
                     (json_int_t)w->bytes, "stored_bytes", (json_int_t)w->stored_bytes,
                     "compression", w->zstd ? "zstd" : "none", "sha256", stored, "lines_sha256",
                     lines, "sizes", sizes_json(w), "months", cril_tally_json(&w->months),
                     "languages", cril_tally_json(&w->languages), "licences",
                     cril_tally_json(&w->licences), "sources", cril_tally_json(&w->sources));
}

cril_status cril_writer_end(struct cril_writer *w, json_t **corpus, cril_error *err)
{
    char stored[65], lines[65];
    cril_status st = w->zstd ? compress(w, NULL, 0, true, err) : CRIL_OK;

    if (st == CRIL_OK && (st = cril_sha256_final(w->stored, stored, err)) == CRIL_OK)
        st = cril_sha256_final(w->lines, lines, err);
    if (st == CRIL_OK && !(*corpus = describe_json(w, stored, lines)))
        st = cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    return st;
}
