/*
 * A segment's text as tokens and raw bytes, and back: see spell.h. tokenizer/spelling.c decides
 * which characters tokens can spell; this file decides which texts are not worth it.
 */
#include "codec/spell.h"

#include "tokenizer/tokenizer.h"
#include "util/fail.h"
#include "util/utf8.h"

#include <stdbool.h>
#include <string.h>

static bool mostly_text(const char *text, size_t len)
{
    size_t ill = 0;
    uint32_t code;

    for (size_t i = 0, n; i < len; i += n) {
        n = cril_utf8_read(text + i, len - i, &code);
        ill += code == CRIL_UTF8_ILL ? n : 0;
    }
    return ill <= len / 4;
}

cril_status cril_segment_spell(struct cril_speller *s, const uint8_t *bytes, size_t len,
                               struct cril_spelling *out, cril_error *err)
{
    const char *const text = (const char *)bytes;
    cril_status st;

    if (!mostly_text(text, len))
        return cril_spelling_store(text, len, out, err);
    if ((st = cril_speller_spell(s, text, len, out, err)) != CRIL_OK)
        return st;
    /* Against one part and len bytes. Each part but the first has SHORT_RUN bytes of text or more,
       and raw bytes are of the text: no overflow. */
    if (CRIL_ARCHIVE_PART * out->n_parts + out->n_raw >= CRIL_ARCHIVE_PART + len)
        return cril_spelling_store(text, len, out, err);
    return CRIL_OK;
}

/* ---- Back ---- */

struct sink {
    uint8_t *data; /* [len] */
    size_t len, at;
};

static cril_status write_bytes(struct sink *k, const void *data, size_t n, cril_error *err)
{
    if (n > k->len - k->at)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "a segment's parts are more than its %zu bytes of text", k->len);
    if (n)
        memcpy(k->data + k->at, data, n);
    k->at += n;
    return CRIL_OK;
}

/* The text of token id, less its first byte if drop. */
static cril_status write_token(const cril_tokenizer *t, int32_t id, bool drop, struct sink *k,
                               cril_error *err)
{
    size_t len;
    const char *piece = cril_tokenizer_piece(t, id, &len);

    if (!piece)
        return cril_fail(err, CRIL_ERR_FORMAT, "token %d is not in the vocabulary", (int)id);
    if (drop && !len)
        return cril_fail(err, CRIL_ERR_FORMAT, "token %d has no byte to drop", (int)id);
    return write_bytes(k, piece + drop, len - drop, err);
}

cril_status cril_unspell(const cril_tokenizer *t, const struct cril_segment *s, const int32_t *ids,
                         size_t n_ids, uint8_t *out, size_t len, cril_error *err)
{
    struct sink k = {.data = out, .len = len};
    size_t token = 0, raw = 0;
    uint64_t at = 0;
    struct cril_part p;
    cril_status st = CRIL_OK;

    for (size_t i = 0; cril_segment_next_part(s, &at, &p); i++) {
        if (p.tokens > n_ids - token || p.raw > s->raw_bytes - raw || p.drop > 1 ||
            p.drop > p.tokens)
            return cril_fail(err, CRIL_ERR_FORMAT, "part %zu of a segment does not fit in it", i);
        for (uint32_t j = 0; j < p.tokens && st == CRIL_OK; j++)
            st = write_token(t, ids[token++], p.drop && j == 0, &k, err);
        if (st == CRIL_OK && p.raw)
            st = write_bytes(&k, s->raw + raw, p.raw, err);
        if (st != CRIL_OK)
            return st;
        raw += p.raw;
    }
    if (token != n_ids || raw != s->raw_bytes || k.at != len)
        return cril_fail(
            err, CRIL_ERR_FORMAT,
            "a segment's parts are %zu of %zu tokens, %zu of %zu raw bytes and %zu of %zu "
            "bytes of text",
            token, n_ids, raw, s->raw_bytes, k.at, len);
    return CRIL_OK;
}
