/*
 * The text is cut before each character that nothing in front of it can change: then what lies
 * between two cuts is normalised by itself, and most of it is one character and stays. A stretch is
 * decomposed character by character, its runs of marks are put in order of their classes, and
 * utf8proc composes it. (utf8proc's own decomposition of whole strings puts marks in order by
 * exchanging neighbours, which is quadratic in a run.)
 */
#include "tokenizer/nfc.h"

#include "util/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <utf8proc.h>

enum { FIRST_MARK = 0x300, MAX_DECOMPOSITION = 4, MAX_CLASS = 255 };

/* Characters encoded after Unicode 9, up to 15, that NFC moves or composes; to the reference each
 * is a character that stays where it is. */
static const uint32_t later[][2] = {
    {0x7fd, 0x7fd},     {0x898, 0x89f},     {0x8ca, 0x8d3},     {0x9fe, 0x9fe},
    {0xc3c, 0xc3c},     {0xd3b, 0xd3c},     {0xeba, 0xeba},     {0x1715, 0x1715},
    {0x1abf, 0x1ace},   {0x1df6, 0x1dfa},   {0xa82c, 0xa82c},   {0x10d24, 0x10d27},
    {0x10eab, 0x10eac}, {0x10efd, 0x10eff}, {0x10f46, 0x10f50}, {0x10f82, 0x10f85},
    {0x11070, 0x11070}, {0x1133b, 0x1133b}, {0x1145e, 0x1145e}, {0x11839, 0x1183a},
    {0x11930, 0x11930}, {0x11935, 0x11935}, {0x11938, 0x11938}, {0x1193d, 0x1193e},
    {0x11943, 0x11943}, {0x119e0, 0x119e0}, {0x11a34, 0x11a34}, {0x11a47, 0x11a47},
    {0x11a99, 0x11a99}, {0x11d42, 0x11d42}, {0x11d44, 0x11d45}, {0x11d97, 0x11d97},
    {0x11f41, 0x11f42}, {0x16ff0, 0x16ff1}, {0x1e08f, 0x1e08f}, {0x1e130, 0x1e136},
    {0x1e2ae, 0x1e2ae}, {0x1e2ec, 0x1e2ef}, {0x1e4ec, 0x1e4ef},
};

static int compare_code(const void *code, const void *range)
{
    const uint32_t c = *(const uint32_t *)code, *const r = range;

    return c < r[0] ? -1 : c > r[1];
}

static bool is_later(uint32_t code)
{
    return code >= later[0][0] &&
           bsearch(&code, later, sizeof(later) / sizeof(later[0]), sizeof(later[0]), compare_code);
}

/* Stands by itself, whatever is in front of it: Latin, ideographs, syllables of Hangul. */
static bool begins_stretch(uint32_t code)
{
    return code < FIRST_MARK || (code >= 0x3400 && code <= 0x9fff) ||
           (code >= 0xac00 && code <= 0xd7a3) || is_later(code);
}

static int class_of(int32_t code)
{
    return utf8proc_get_property(code)->combining_class;
}

/* Stable, by class: a counting sort. */
static void order_marks(int32_t *codes, int32_t *spare, size_t n)
{
    size_t place[MAX_CLASS + 2] = {0};

    for (size_t i = 0; i < n; i++)
        place[class_of(codes[i]) + 1]++;
    for (size_t c = 1; c <= MAX_CLASS; c++)
        place[c] += place[c - 1];
    for (size_t i = 0; i < n; i++)
        spare[place[class_of(codes[i])]++] = codes[i];
    memcpy(codes, spare, n * sizeof(*codes));
}

static void order(int32_t *codes, int32_t *spare, size_t n)
{
    for (size_t i = 0, end; i < n; i = end + 1) {
        for (end = i; end < n && class_of(codes[end]);)
            end++;
        if (end - i > 1)
            order_marks(codes + i, spare, end - i);
    }
}

/* Appends the normal form of text [len >= 1], a stretch. */
static cril_status put_stretch(struct cril_nfc *w, const char *text, size_t len, cril_error *err)
{
    cril_status st = CRIL_OK;
    utf8proc_ssize_t n = 0;
    uint32_t code;
    uint8_t bytes[4];

    for (size_t i = 0; i < len;) {
        int32_t *const codes =
            cril_size_grow(w->codes, &w->capacity, (size_t)n, MAX_DECOMPOSITION, sizeof(*codes));

        if (!codes)
            return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu characters", (size_t)n);
        w->codes = codes;
        i += cril_utf8_read(text + i, len - i, &code);
        n += utf8proc_decompose_char((int32_t)code, codes + n, MAX_DECOMPOSITION,
                                     UTF8PROC_DECOMPOSE, NULL);
    }
    int32_t *const spare =
        cril_size_grow(w->spare, &w->spare_capacity, 0, (size_t)n, sizeof(*spare));
    if (!spare)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu characters", (size_t)n);
    w->spare = spare;
    order(w->codes, spare, (size_t)n);
    n = utf8proc_normalize_utf32(w->codes, n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    for (utf8proc_ssize_t i = 0; i < n && st == CRIL_OK; i++)
        st = cril_string_append(&w->text, (const char *)bytes,
                                (size_t)utf8proc_encode_char(w->codes[i], bytes), err);
    return st;
}

/* Where the stretch that starts at text [len >= 1] ends. *stays: it is its own normal form. */
static size_t find_stretch(const char *text, size_t len, bool *stays)
{
    uint32_t code;
    size_t at = cril_utf8_read(text, len, &code);

    *stays = begins_stretch(code);
    if (is_later(code))
        return at;
    while (at < len) {
        const size_t n = cril_utf8_read(text + at, len - at, &code);

        if (begins_stretch(code))
            break;
        *stays = false;
        at += n;
    }
    return at;
}

cril_status cril_nfc_run(struct cril_nfc *w, const char *text, size_t len, const char **out,
                         size_t *out_len, cril_error *err)
{
    size_t copied = 0, n;
    cril_status st = CRIL_OK;
    bool stays;

    w->text.n = 0;
    for (size_t i = 0; i < len && st == CRIL_OK; i += n) {
        n = find_stretch(text + i, len - i, &stays);
        if (stays)
            continue;
        st = cril_string_append(&w->text, text + copied, i - copied, err);
        if (st == CRIL_OK)
            st = put_stretch(w, text + i, n, err);
        copied = i + n;
    }
    *out = text;
    *out_len = len;
    if (st != CRIL_OK || !copied)
        return st;
    if ((st = cril_string_append(&w->text, text + copied, len - copied, err)) == CRIL_OK) {
        *out = w->text.data;
        *out_len = w->text.n;
    }
    return st;
}

void cril_nfc_free(struct cril_nfc *w)
{
    free(w->text.data);
    free(w->codes);
    free(w->spare);
    *w = (struct cril_nfc){0};
}
