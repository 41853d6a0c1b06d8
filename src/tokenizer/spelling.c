/*
 * What a tokenizer says is never believed, only compared: tokens count as far as their pieces, one
 * after the other, are the text. So a tokenizer that normalises, or a vocabulary that contradicts
 * itself, costs space and not text.
 *
 * Where the tokens of the whole text spell it, that is all. Else the text is taken apart. Unspelled
 * are bytes that are not UTF-8, characters that the tokenizer does not spell even alone, and
 * characters with marks (grapheme clusters) that it does not spell as they are, such as a letter
 * and an accent that become one character. The runs between them are tokenised whole; where a
 * run's tokens leave the text, the character there is unspelled, and the rest is tried again in a
 * window that is a few times as long as what came out right, and grows again. A window that fails
 * is thus paid for by the text it spelled, and all windows together are O(len).
 *
 * A tokenizer that puts a space in front of its text (SentencePiece's space prefix) does so in
 * front of every run. At the start of the text that space is dropped. Later runs are tokenised
 * after a line end whose tokens are then left off, which saves the part that a drop needs and the
 * space.
 */
#include "tokenizer/spelling.h"

#include "tokenizer/tokenizer.h"
#include "util/cursor.h"
#include "util/fail.h"
#include "util/size.h"
#include "util/utf8.h"

#include <cril/corpus.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum {
    CODE_POINTS = 0x110000,
    /* Tokens of fewer bytes than this between two raw bytes are made raw as well: a part costs 12
       bytes, the tokens themselves about a quarter of their text. */
    SHORT_RUN = 16,
    WINDOW_GROWS = 8,
    WINDOW_MIN = 16
};

enum knowledge { UNTESTED, GOOD, BAD }; /* whether the tokens of a character alone spell it */

static const char lead[] = "\n"; /* in front of a run, against the space */

struct cril_speller {
    const cril_tokenizer *t;
    int32_t byte_token[256]; /* -1: none */
    uint8_t *known;          /* [CODE_POINTS / 4] enum knowledge, 2 bits a code point */
    bool leads;              /* the tokenizer adds a space, and tokens of lead come apart from it */
    cril_ids found;          /* what the tokenizer said last */
    char *copy;              /* of a run, after lead */
    size_t copy_capacity;
    struct cril_spelling counted; /* room for cril_speller_count */
};

/* ---- What a tokenizer's answer is worth ---- */

struct match {
    size_t bytes;  /* of the text, from its start, up to the end of a character */
    size_t tokens; /* that spell them */
    bool drop;     /* less the first byte, which is a space */
};

/* How far ids [n] spell text [len], which is well-formed. */
static struct match match_from(const cril_tokenizer *t, const int32_t *ids, size_t n, bool drop,
                               const char *text, size_t len)
{
    struct match m = {.drop = drop};
    size_t at = 0, piece_len;

    for (size_t i = 0; i < n; i++) {
        const char *piece = cril_tokenizer_text(t, ids[i], &piece_len);

        if (!piece || !piece_len)
            break;
        if (i == 0 && drop) {
            if (*piece != ' ')
                break;
            piece++;
            piece_len--;
        }
        if (piece_len > len - at || memcmp(piece, text + at, piece_len) != 0)
            break;
        at += piece_len;
        if (at == len || ((uint8_t)text[at] & 0xc0) != 0x80) {
            m.bytes = at;
            m.tokens = i + 1;
        }
    }
    return m;
}

/* All of ids [n], and nothing else, are text [len]. */
static bool is_whole(const struct match *m, size_t n, size_t len)
{
    return m->bytes == len && m->tokens == n;
}

/* The same as match_from, with or without drop, whichever spells more. */
static struct match match_ids(const cril_tokenizer *t, const int32_t *ids, size_t n,
                              const char *text, size_t len)
{
    const struct match whole = match_from(t, ids, n, false, text, len);

    if (is_whole(&whole, n, len))
        return whole;
    const struct match less = match_from(t, ids, n, true, text, len);
    return less.bytes > whole.bytes || is_whole(&less, n, len) ? less : whole;
}

static bool spell_all(const cril_tokenizer *t, const int32_t *ids, size_t n, const char *text,
                      size_t len)
{
    const struct match m = match_ids(t, ids, n, text, len);

    return is_whole(&m, n, len);
}

/* s->found becomes the ids of text; none where the vocabulary lacks something. */
static cril_status tokenise(struct cril_speller *s, const char *text, size_t len, cril_error *err)
{
    s->found.n = 0;
    const cril_status st = cril_tokenizer_encode(s->t, text, len, CRIL_ENCODE_TEXT, &s->found, err);
    return st == CRIL_ERR_RANGE ? CRIL_OK : st;
}

/* Whether the tokenizer's own tokens of text [len] are that text. */
static cril_status test_text(struct cril_speller *s, const char *text, size_t len, bool *spelled,
                             cril_error *err)
{
    const cril_status st = tokenise(s, text, len, err);

    if (st == CRIL_OK)
        *spelled = spell_all(s->t, s->found.data, s->found.n, text, len);
    return st;
}

/* Whether the character text [len] can be told in tokens at all. Alone a space may be trimmed, but
   within a text it is not. */
static cril_status test_character(struct cril_speller *s, uint32_t code, const char *text,
                                  size_t len, bool *good, cril_error *err)
{
    uint8_t *const known = &s->known[code / 4];
    const unsigned shift = code % 4 * 2;

    if ((*known >> shift & 3) == UNTESTED) {
        bool spelled;
        const cril_status st = test_text(s, text, len, &spelled, err);

        if (st != CRIL_OK)
            return st;
        *known = (uint8_t)(*known | (spelled || code == ' ' ? GOOD : BAD) << shift);
    }
    *good = (*known >> shift & 3) == GOOD;
    return CRIL_OK;
}

/* ---- Parts, as they grow ---- */

/* A text on its way. The last part is open; the text up to `at` is in the parts. */
struct work {
    struct cril_speller *s;
    const char *text; /* [len] */
    size_t len, at;
    struct cril_spelling *out;
    size_t run_bytes; /* of the text, that the open part's tokens spell */
    cril_error *err;
};

static cril_status no_memory(const struct work *w)
{
    return cril_fail(w->err, CRIL_ERR_NOMEM, "out of memory for %zu bytes of text", w->len);
}

static struct cril_part *open_part(const struct work *w)
{
    return w->out->n_parts ? &w->out->parts[w->out->n_parts - 1] : NULL;
}

static cril_status append_raw(const struct work *w, const char *text, size_t n)
{
    struct cril_spelling *const out = w->out;
    uint8_t *const raw = cril_size_grow(out->raw, &out->raw_capacity, out->n_raw, n, 1);

    if (!raw)
        return no_memory(w);
    out->raw = raw;
    memcpy(raw + out->n_raw, text, n);
    out->n_raw += n;
    open_part(w)->raw += (uint32_t)n;
    return CRIL_OK;
}

/* No token will follow those of the open part: a short run is not worth a part of its own, and
   becomes raw bytes of the part before it. */
static cril_status end_run(const struct work *w)
{
    const struct cril_part *const part = open_part(w);

    if (w->out->n_parts < 2 || part->raw || w->run_bytes >= SHORT_RUN)
        return CRIL_OK;
    w->out->ids.n -= part->tokens;
    w->out->n_parts--;
    return append_raw(w, w->text + w->at - w->run_bytes, w->run_bytes);
}

static cril_status begin_part(struct work *w, bool drop)
{
    struct cril_spelling *const out = w->out;
    const cril_status st = end_run(w);

    if (st != CRIL_OK)
        return st;
    struct cril_part *const parts =
        cril_size_grow(out->parts, &out->parts_capacity, out->n_parts, 1, sizeof(*parts));
    if (!parts)
        return no_memory(w);
    out->parts = parts;
    parts[out->n_parts++] = (struct cril_part){.drop = drop};
    w->run_bytes = 0;
    return CRIL_OK;
}

/* ids [n] spell the next bytes of the text. */
static cril_status put_tokens(struct work *w, const int32_t *ids, size_t n, size_t bytes, bool drop)
{
    cril_ids *const all = &w->out->ids;
    cril_status st;

    if ((!open_part(w) || open_part(w)->raw || drop) && (st = begin_part(w, drop)) != CRIL_OK)
        return st;
    int32_t *const data = cril_size_grow(all->data, &all->capacity, all->n, n, sizeof(*data));
    if (!data)
        return no_memory(w);
    all->data = data;
    memcpy(data + all->n, ids, n * sizeof(*data));
    all->n += n;
    open_part(w)->tokens += (uint32_t)n;
    w->run_bytes += bytes;
    w->at += bytes;
    return CRIL_OK;
}

static cril_status put_byte(struct work *w)
{
    const int32_t id = w->s->byte_token[(uint8_t)w->text[w->at]];
    cril_status st;

    if (id >= 0)
        return put_tokens(w, &id, 1, 1, false);
    if ((st = open_part(w) ? end_run(w) : begin_part(w, false)) != CRIL_OK ||
        (st = append_raw(w, w->text + w->at, 1)) != CRIL_OK)
        return st;
    w->at++;
    return CRIL_OK;
}

static cril_status put_bytes(struct work *w, size_t n)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < n && st == CRIL_OK; i++)
        st = put_byte(w);
    return st;
}

/* ---- Runs ---- */

/* s->found becomes the ids of lead and text; *n_lead of them spell lead, 0 if that cannot be said.
 */
static cril_status tokenise_after_lead(const struct work *w, size_t len, size_t *n_lead)
{
    struct cril_speller *const s = w->s;
    const size_t lead_len = sizeof(lead) - 1;
    char *const copy = cril_size_grow(s->copy, &s->copy_capacity, lead_len, len, 1);

    if (!copy)
        return no_memory(w);
    s->copy = copy;
    memcpy(copy, lead, lead_len);
    memcpy(copy + lead_len, w->text + w->at, len);
    const cril_status st = tokenise(s, copy, lead_len + len, w->err);
    *n_lead = st == CRIL_OK ? match_ids(s->t, s->found.data, s->found.n, lead, lead_len).tokens : 0;
    return st;
}

/* Puts what the tokenizer spells of the next len bytes, perhaps nothing. */
static cril_status put_window(struct work *w, size_t len)
{
    const cril_ids *const found = &w->s->found;
    const char *const text = w->text + w->at;
    struct match m = {0};
    size_t n_lead = 0;
    cril_status st;

    if (w->at && w->s->leads) {
        if ((st = tokenise_after_lead(w, len, &n_lead)) != CRIL_OK)
            return st;
        if (n_lead)
            m = match_from(w->s->t, found->data + n_lead, found->n - n_lead, false, text, len);
    }
    if (!m.bytes) {
        if ((st = tokenise(w->s, text, len, w->err)) != CRIL_OK)
            return st;
        n_lead = 0;
        m = match_ids(w->s->t, found->data, found->n, text, len);
    }
    if (m.bytes == len && n_lead + m.tokens < found->n) /* more than the text, from its end on */
        m = match_from(w->s->t, found->data + n_lead, m.tokens - 1, m.drop, text, len);
    return m.bytes ? put_tokens(w, found->data + n_lead, m.tokens, m.bytes, m.drop) : CRIL_OK;
}

/* The bytes of whole characters of well-formed text [len] that window has room for; one at least.
 */
static size_t cut_window(const char *text, size_t len, size_t window)
{
    const size_t first = cril_utf8_width(*text);

    if (window >= len)
        return len;
    while (window > first && ((uint8_t)text[window] & 0xc0) == 0x80)
        window--;
    return window > first ? window : first;
}

/* The next n bytes, which are whole characters that no token spells. */
static cril_status escape(struct work *w, size_t n)
{
    w->out->unspelled_characters += cril_count_characters(w->text + w->at, n);
    w->out->unspelled_bytes += n;
    return put_bytes(w, n);
}

/* The character where the tokens of a window leave the text. */
static cril_status put_left(struct work *w, size_t window_end)
{
    const bool trimmed = w->text[w->at] == ' ' && w->at + 1 == window_end && window_end < w->len;

    return trimmed ? put_byte(w) /* a space at an end, but not at the text's */
                   : escape(w, cril_utf8_width(w->text[w->at]));
}

/* The text up to end, which holds only characters that were found good. */
static cril_status put_run(struct work *w, size_t end)
{
    size_t window = end - w->at;

    while (w->at < end) {
        const size_t start = w->at,
                     window_end = start + cut_window(w->text + start, end - start, window);
        cril_status st = put_window(w, window_end - start);

        if (st == CRIL_OK && w->at < window_end)
            st = put_left(w, window_end);
        if (st != CRIL_OK)
            return st;
        if (!cril_size_mul(w->at - start, WINDOW_GROWS, &window) ||
            !cril_size_add(window, WINDOW_MIN, &window))
            window = SIZE_MAX;
    }
    return CRIL_OK;
}

/* Whether b, behind a, is a part of what a reader takes for one character. */
static bool joins(uint32_t a, uint32_t b, utf8proc_int32_t *state)
{
    return !utf8proc_grapheme_break_stateful((utf8proc_int32_t)a, (utf8proc_int32_t)b, state);
}

/* The character at `at`, with the marks that belong to it, or one ill-formed sequence: its bytes,
   and whether it can be told in tokens. What cannot be told alone stands alone. */
static cril_status find_unit(const struct work *w, size_t at, size_t *len, bool *good)
{
    const char *const text = w->text + at;
    utf8proc_int32_t state = 0;
    uint32_t first, code, next;
    bool fits = true;
    cril_status st = CRIL_OK;

    *good = false;
    *len = cril_utf8_read(text, w->len - at, &first);
    if (first == CRIL_UTF8_ILL ||
        (st = test_character(w->s, first, text, *len, good, w->err)) != CRIL_OK || !*good)
        return st;
    const size_t alone = *len;
    for (code = first; at + *len < w->len; code = next) {
        const size_t n = cril_utf8_read(text + *len, w->len - at - *len, &next);

        if (next == CRIL_UTF8_ILL || !joins(code, next, &state) ||
            (st = test_character(w->s, next, text + *len, n, &fits, w->err)) != CRIL_OK || !fits)
            break;
        *len += n;
    }
    if (st != CRIL_OK || *len == alone || first == ' ')
        return st;
    return test_text(w->s, text, *len, good, w->err);
}

/* Where the good characters from w->at on end, and how many bytes what follows has that is not, if
   anything. */
static cril_status find_run(const struct work *w, size_t *end, size_t *bad)
{
    size_t n;
    bool good = true;

    *bad = 0;
    for (*end = w->at; *end < w->len; *end += n) {
        const cril_status st = find_unit(w, *end, &n, &good);

        if (st != CRIL_OK)
            return st;
        if (!good) {
            *bad = n;
            break;
        }
    }
    return CRIL_OK;
}

static cril_status put_all(struct work *w)
{
    size_t end, bad;
    cril_status st;

    while (w->at < w->len)
        if ((st = find_run(w, &end, &bad)) != CRIL_OK || (st = put_run(w, end)) != CRIL_OK ||
            (st = escape(w, bad)) != CRIL_OK)
            return st;
    return end_run(w);
}

/* The tokens of the whole text, where they are the text. */
static cril_status put_own(struct work *w)
{
    const cril_ids *const found = &w->s->found;
    const cril_status st = tokenise(w->s, w->text, w->len, w->err);

    if (st != CRIL_OK)
        return st;
    const struct match m = match_ids(w->s->t, found->data, found->n, w->text, w->len);
    return is_whole(&m, found->n, w->len) ? put_tokens(w, found->data, m.tokens, m.bytes, m.drop)
                                          : CRIL_OK;
}

static void clear(struct cril_spelling *s)
{
    s->ids.n = s->n_parts = s->n_raw = 0;
}

cril_status cril_speller_spell(struct cril_speller *s, const char *text, size_t len,
                               struct cril_spelling *out, cril_error *err)
{
    struct work w = {.s = s, .text = text, .len = len, .out = out, .err = err};
    cril_status st;

    clear(out);
    out->unspelled_characters = out->unspelled_bytes = 0;
    if ((st = put_own(&w)) != CRIL_OK || (st = put_all(&w)) != CRIL_OK)
        return st;
    if (out->n_parts == 1 && !out->parts->drop && !out->parts->raw)
        out->n_parts = 0;
    return CRIL_OK;
}

cril_status cril_spelling_store(const void *text, size_t len, struct cril_spelling *out,
                                cril_error *err)
{
    struct work w = {.text = text, .len = len, .out = out, .err = err};
    cril_status st;

    clear(out);
    if ((st = begin_part(&w, false)) != CRIL_OK)
        return st;
    return append_raw(&w, text, len);
}

void cril_spelling_free(struct cril_spelling *s)
{
    cril_ids_free(&s->ids);
    free(s->parts);
    free(s->raw);
    *s = (struct cril_spelling){0};
}

/* ---- Counting ---- */

size_t cril_part_bytes(const struct cril_part *p)
{
    uint8_t out[2 * CRIL_VARINT_MAX], *end;

    end = cril_put_varint(out, (uint64_t)p->tokens * 2 + p->drop);
    return (size_t)(cril_put_varint(end, p->raw) - out);
}

cril_status cril_speller_count(struct cril_speller *s, const int32_t *ids, size_t n,
                               const char *text, size_t len, struct cril_unspelled *out,
                               cril_error *err)
{
    const struct cril_spelling *const c = &s->counted;
    cril_status st;

    *out = (struct cril_unspelled){0};
    if (spell_all(s->t, ids, n, text, len))
        return CRIL_OK;
    if ((st = cril_speller_spell(s, text, len, &s->counted, err)) != CRIL_OK)
        return st;
    out->characters = c->unspelled_characters;
    if (out->characters) {
        out->escape_bytes = c->unspelled_bytes;
        for (size_t i = 0; i < c->n_parts; i++)
            out->escape_bytes += cril_part_bytes(&c->parts[i]);
    }
    return CRIL_OK;
}

bool cril_speller_matches(const struct cril_speller *s, const int32_t *ids, size_t n,
                          const char *text, size_t len)
{
    return spell_all(s->t, ids, n, text, len);
}

uint64_t cril_spelling_raw_bytes(size_t len)
{
    const struct cril_part p = {.raw = (uint32_t)len}; /* at most 1 GiB, as a tokenizer takes */

    return cril_part_bytes(&p) + len;
}

/* ---- Spellers ---- */

static void find_byte_tokens(struct cril_speller *s)
{
    size_t len;

    memset(s->byte_token, -1, sizeof(s->byte_token));
    for (size_t i = cril_tokenizer_size(s->t); i-- > 0;) { /* the first of several stays */
        const char *piece = cril_tokenizer_text(s->t, (int32_t)i, &len);

        if (piece && len == 1)
            s->byte_token[(uint8_t)*piece] = (int32_t)i;
    }
}

cril_status cril_speller_create(const cril_tokenizer *t, struct cril_speller **out, cril_error *err)
{
    const size_t lead_len = sizeof(lead) - 1;
    struct cril_speller *s = calloc(1, sizeof(*s));
    cril_status st;

    if (!s || !(s->known = calloc(CODE_POINTS / 4, 1))) {
        cril_speller_free(s);
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %d characters", CODE_POINTS);
    }
    s->t = t;
    find_byte_tokens(s);
    if ((st = tokenise(s, lead, lead_len, err)) != CRIL_OK) {
        cril_speller_free(s);
        return st;
    }
    const struct match m = match_ids(t, s->found.data, s->found.n, lead, lead_len);
    s->leads = m.drop && m.bytes == lead_len;
    *out = s;
    return CRIL_OK;
}

void cril_speller_free(struct cril_speller *s)
{
    if (!s)
        return;
    cril_ids_free(&s->found);
    free(s->known);
    free(s->copy);
    cril_spelling_free(&s->counted);
    free(s);
}
