/*
 * SentencePiece BPE (Kudo & Richardson 2018): the neighbours whose joint piece has the highest
 * score merge first.
 *
 * Symbols are characters, and user-defined symbols, which merge with nothing: the longest at a
 * place. Spaces are letters like others, and U+2581 is a space. No symbol can grow
 * across two characters that are neighbours in no piece, so a text is cut there first: the same ids
 * as from one long word, but from many small heaps instead of one large (Llama's 6 MB/s become 14,
 * Gemma's 7 become 10). A character without a piece becomes its byte tokens, or the unknown token
 * where there are none. As in SentencePiece, control, unknown and byte pieces are never made by
 * merging. Unused pieces are taken as they are (llama.cpp), not taken apart again.
 */
#include "tokenizer/internal.h"

#include "util/fail.h"
#include "util/size.h"
#include "util/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Orders floats, highest first, as unsigned numbers. */
static uint32_t priority_of(float score)
{
    uint32_t bits;

    score += 0.0f; /* -0 is 0 */
    memcpy(&bits, &score, sizeof(bits));
    return bits & 0x80000000u ? bits : ~(bits | 0x80000000u);
}

/* User-defined tokens as they stand in a normalised text. */
static cril_status load_symbols(const struct cril_spec *spec, struct cril_spm *s, cril_error *err)
{
    struct spec_added *symbols = malloc((spec->n_added + 1) * sizeof(*symbols));
    size_t n = 0;
    cril_status st;

    s->symbol_ids = malloc((spec->n_added + 1) * sizeof(*s->symbol_ids));
    if (!symbols || !s->symbol_ids) {
        free(symbols);
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu symbols", spec->path,
                         spec->n_added);
    }
    for (size_t i = 0; i < spec->n_added; i++)
        if (spec->added[i].within) {
            symbols[n] = (struct spec_added){.name = spec->pieces[spec->added[i].id]};
            s->symbol_ids[n++] = spec->added[i].id;
        }
    st = cril_specials_build(symbols, n, false, &s->symbols, err);
    free(symbols);
    return st;
}

cril_status cril_spm_load(const struct cril_spec *spec, struct cril_spm *s, cril_error *err)
{
    cril_status st;

    memset(s, 0, sizeof(*s));
    if ((st = cril_table_init(&s->table, spec->n, err)) != CRIL_OK ||
        (st = cril_pairs_init(&s->pairs, err)) != CRIL_OK ||
        (st = load_symbols(spec, s, err)) != CRIL_OK)
        return st;
    if (!(s->priority = malloc(spec->n * sizeof(*s->priority))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu scores", spec->path,
                         spec->n);
    for (size_t i = 0; i < spec->n; i++) {
        const struct cril_bytes key = spec->keys[i];

        s->priority[i] = priority_of((float)spec->scores[i]);
        if (key.len) {
            cril_table_put(&s->table, key.data, key.len, (int32_t)i);
            cril_pairs_add(&s->pairs, key.data, key.len);
        }
    }
    return CRIL_OK;
}

void cril_spm_clear(struct cril_spm *s)
{
    cril_table_clear(&s->table);
    free(s->priority);
    cril_pairs_clear(&s->pairs);
    cril_specials_clear(&s->symbols);
    free(s->symbol_ids);
    memset(s, 0, sizeof(*s));
}

static cril_status no_token(const struct cril_spec *spec, const char *text, size_t len,
                            cril_error *err)
{
    return spec->byte_level
               ? cril_fail(err, CRIL_ERR_RANGE, "the vocabulary has no token for the byte 0x%02X",
                           (unsigned)(uint8_t)*text)
               : cril_fail(err, CRIL_ERR_RANGE, "the vocabulary has no token for \"%.*s\"",
                           (int)len, text);
}

/* The bytes that spell a character: those of U+2581 for a space. */
static struct cril_bytes spelled_bytes(const struct cril_spec *spec, const char *text, size_t len)
{
    return spec->spaces && *text == ' ' ? (struct cril_bytes){"\xe2\x96\x81", 3}
                                        : (struct cril_bytes){text, len};
}

bool cril_has_bytes(const struct cril_spec *spec, const char *text, size_t len)
{
    const struct cril_bytes b = spelled_bytes(spec, text, len);

    for (size_t i = 0; i < b.len; i++)
        if (spec->byte_token[(uint8_t)b.data[i]] < 0)
            return false;
    return true;
}

cril_status cril_push_unknown(const struct cril_spec *spec, const char *text, size_t len,
                              bool *in_run, cril_ids *ids, cril_error *err)
{
    const struct cril_bytes b = spelled_bytes(spec, text, len);
    cril_status st = CRIL_OK;

    if (cril_has_bytes(spec, text, len)) {
        for (size_t i = 0; i < b.len && st == CRIL_OK; i++)
            st = cril_ids_push(ids, spec->byte_token[(uint8_t)b.data[i]], err);
        return st;
    }
    if (spec->unknown < 0)
        return spec->drops_unknown ? CRIL_OK : no_token(spec, text, len, err);
    if (*in_run && spec->fuses_unknown)
        return CRIL_OK;
    *in_run = true;
    return cril_ids_push(ids, spec->unknown, err);
}

static bool lookup_piece(const void *model, const char *text, const struct merge_symbol *left,
                         const struct merge_symbol *right, uint32_t *priority, int32_t *id)
{
    const struct cril_spm *s = model;

    *id = cril_table_find(&s->table, text + left->start, (size_t)left->len + right->len);
    if (*id < 0)
        return false;
    *priority = s->priority[*id];
    return true;
}

static cril_status encode_word(const struct cril_spm *s, const struct cril_spec *spec,
                               struct merge_work *w, const char *text, size_t len, bool *in_run,
                               cril_ids *ids, cril_error *err)
{
    cril_status st;

    if ((st = cril_merge_begin(w, len, err)) != CRIL_OK)
        return st;
    for (size_t i = 0, n; i < len; i += n) {
        n = cril_utf8_width(text[i]);
        cril_merge_push(w, (uint32_t)i, (uint32_t)n, cril_table_find(&s->table, text + i, n));
    }
    cril_merge_run(w, text, lookup_piece, s);
    for (uint32_t i = 0; i != MERGE_END && st == CRIL_OK; i = w->symbols[i].next) {
        const struct merge_symbol *m = &w->symbols[i];

        if (m->id < 0) {
            st = cril_push_unknown(spec, text + m->start, m->len, in_run, ids, err);
        } else {
            st = cril_ids_push(ids, m->id, err);
            *in_run = false;
        }
    }
    return st;
}

static cril_status encode_plain(const struct cril_spm *s, const struct cril_spec *spec,
                                struct merge_work *w, const char *text, size_t len, cril_ids *ids,
                                cril_error *err)
{
    cril_status st = CRIL_OK;
    uint32_t left = 0, right;
    size_t start = 0;
    bool in_run = false;

    if (!len)
        return CRIL_OK;
    for (size_t i = 0, n; i < len && st == CRIL_OK; i += n, left = right) {
        n = cril_utf8_read(text + i, len - i, &right);
        if (i && !cril_pairs_has(&s->pairs, left, right)) {
            st = encode_word(s, spec, w, text + start, i - start, &in_run, ids, err);
            start = i;
        }
    }
    return st == CRIL_OK ? encode_word(s, spec, w, text + start, len - start, &in_run, ids, err)
                         : st;
}

cril_status cril_spm_encode(const struct cril_spm *s, const struct cril_spec *spec,
                            struct encode_work *w, const char *text, size_t len, cril_ids *ids,
                            cril_error *err)
{
    size_t start = 0, n;
    cril_status st;

    for (size_t i = 0; i < len;) {
        const int32_t k = cril_specials_match(&s->symbols, text + i, len - i, false, &n);

        if (k < 0) {
            i += cril_utf8_width(text[i]);
            continue;
        }
        if ((st = encode_plain(s, spec, &w->merge, text + start, i - start, ids, err)) != CRIL_OK ||
            (st = cril_ids_push(ids, s->symbol_ids[k], err)) != CRIL_OK)
            return st;
        start = i += n;
    }
    return encode_plain(s, spec, &w->merge, text + start, len - start, ids, err);
}
