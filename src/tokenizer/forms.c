/*
 * The text is cut before each character that nothing in front of it can change: then what lies
 * between two cuts is normalised by itself, and most of it is one character and stays. A stretch is
 * decomposed character by character, its runs of marks are put in order of their classes, and
 * utf8proc composes it where the form does. (utf8proc's own decomposition of whole strings puts
 * marks in order by exchanging neighbours, which is quadratic in a run.)
 */
#include "tokenizer/forms.h"

#include "util/utf8.h"

#include <stdlib.h>
#include <utf8proc.h>

enum { FIRST_MARK = 0x300, MAX_DECOMPOSITION = 18, MAX_CLASS = 255 };

/* Characters encoded after Unicode 9, up to 15, that a form moves, composes or decomposes; to the
 * reference each is a character that stays where it is. */
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

/* The same of the forms K alone. */
static const uint32_t later_compatible[][2] = {
    {0x32ff, 0x32ff},   {0xa7f2, 0xa7f4},   {0xab69, 0xab69},
    {0x10781, 0x10785}, {0x10787, 0x107b0}, {0x107b2, 0x107ba},
    {0x1e030, 0x1e06d}, {0x1f16c, 0x1f16c}, {0x1fbf0, 0x1fbf9},
};

static int compare_code(const void *code, const void *range)
{
    const uint32_t c = *(const uint32_t *)code, *const r = range;

    return c < r[0] ? -1 : c > r[1];
}

static bool is_among(uint32_t code, const uint32_t (*ranges)[2], size_t n)
{
    return code >= ranges[0][0] && bsearch(&code, ranges, n, sizeof(ranges[0]), compare_code);
}

static bool is_later(const struct cril_form *form, uint32_t code)
{
    return is_among(code, later, sizeof(later) / sizeof(later[0])) ||
           (form->compatible && is_among(code, later_compatible,
                                         sizeof(later_compatible) / sizeof(later_compatible[0])));
}

static bool is_ideograph(uint32_t code)
{
    return code >= 0x3400 && code <= 0x9fff;
}

static bool is_syllable(uint32_t code) /* of Hangul */
{
    return code >= 0xac00 && code <= 0xd7a3;
}

/* Nothing in front of it changes it: Latin, ideographs, syllables of Hangul. */
static bool begins_stretch(const struct cril_form *form, uint32_t code)
{
    return code < FIRST_MARK || is_ideograph(code) || is_syllable(code) || is_later(form, code);
}

/* Alone it is its own normal form. */
static bool stays_alone(const struct cril_form *form, uint32_t code)
{
    const uint32_t first = form->compatible ? 0xa0 : form->composes ? FIRST_MARK : 0xc0;

    return code < first || is_ideograph(code) || (is_syllable(code) && form->composes) ||
           is_later(form, code);
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
static cril_status put_stretch(struct cril_form_work *w, const struct cril_form *form,
                               const char *text, size_t len, cril_error *err)
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
        n += utf8proc_decompose_char(
            (int32_t)code, codes + n, MAX_DECOMPOSITION,
            form->compatible ? UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT : UTF8PROC_DECOMPOSE, NULL);
    }
    int32_t *const spare =
        cril_size_grow(w->spare, &w->spare_capacity, 0, (size_t)n, sizeof(*spare));
    if (!spare)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu characters", (size_t)n);
    w->spare = spare;
    order(w->codes, spare, (size_t)n);
    if (form->composes)
        n = utf8proc_normalize_utf32(w->codes, n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    for (utf8proc_ssize_t i = 0; i < n && st == CRIL_OK; i++)
        st = cril_string_append(&w->text, (const char *)bytes,
                                (size_t)utf8proc_encode_char(w->codes[i], bytes), err);
    return st;
}

/* Where the stretch that starts at text [len >= 1] ends. *stays: it is its own normal form. */
static size_t find_stretch(const struct cril_form *form, const char *text, size_t len, bool *stays)
{
    uint32_t code;
    size_t at = cril_utf8_read(text, len, &code);

    *stays = stays_alone(form, code);
    if (is_later(form, code))
        return at;
    while (at < len) {
        const size_t n = cril_utf8_read(text + at, len - at, &code);

        if (begins_stretch(form, code))
            break;
        *stays = false;
        at += n;
    }
    return at;
}

cril_status cril_form_run(struct cril_form_work *w, const struct cril_form *form, const char *text,
                          size_t len, const char **out, size_t *out_len, cril_error *err)
{
    size_t copied = 0, n;
    cril_status st = CRIL_OK;
    bool stays;

    w->text.n = 0;
    for (size_t i = 0; i < len && st == CRIL_OK; i += n) {
        n = find_stretch(form, text + i, len - i, &stays);
        if (stays)
            continue;
        st = cril_string_append(&w->text, text + copied, i - copied, err);
        if (st == CRIL_OK)
            st = put_stretch(w, form, text + i, n, err);
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

void cril_form_work_free(struct cril_form_work *w)
{
    free(w->text.data);
    free(w->codes);
    free(w->spare);
    *w = (struct cril_form_work){0};
}
