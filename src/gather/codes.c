/*
 * Code points: see codes.h. The two sets of punctuation are those of datatrove's word and text
 * rules (utils/text.py of version 0.10): ASCII's, control codes, some marks of CJK and Latin, and
 * for SYMBOL the marks that end a sentence in any script (Unicode's Sentence_Terminal).
 */
#include "gather/codes.h"

#include "util/utf8.h"

#include <utf8proc.h>

struct range {
    uint32_t first, last;
};

static const struct range blanked[] = {
    {0x80, 0x9f},     {0xab, 0xab},     {0xb4, 0xb4},     {0xbb, 0xbb},     {0x2013, 0x2014},
    {0x2019, 0x2019}, {0x201c, 0x201e}, {0x2026, 0x2026}, {0x2236, 0x2236}, {0x2501, 0x2501},
    {0x25ba, 0x25ba}, {0x3001, 0x3002}, {0x3008, 0x300d}, {0x3010, 0x3011}, {0xff01, 0xff01},
    {0xff05, 0xff05}, {0xff08, 0xff09}, {0xff0c, 0xff0c}, {0xff0e, 0xff0e}, {0xff11, 0xff11},
    {0xff1a, 0xff1b}, {0xff1f, 0xff1f}, {0xff5e, 0xff5e},
};

static const struct range terminal[] = {
    {0x589, 0x589},     {0x61d, 0x61f},     {0x6d4, 0x6d4},     {0x700, 0x702},
    {0x7f9, 0x7f9},     {0x837, 0x837},     {0x839, 0x839},     {0x83d, 0x83e},
    {0x964, 0x965},     {0x104a, 0x104b},   {0x1362, 0x1362},   {0x1367, 0x1368},
    {0x166e, 0x166e},   {0x1735, 0x1736},   {0x17d4, 0x17d6},   {0x17d9, 0x17da},
    {0x1803, 0x1803},   {0x1809, 0x1809},   {0x1944, 0x1945},   {0x1aa8, 0x1aab},
    {0x1b5a, 0x1b5b},   {0x1b5e, 0x1b5f},   {0x1b7d, 0x1b7e},   {0x1c3b, 0x1c3c},
    {0x1c7e, 0x1c7f},   {0x203c, 0x203d},   {0x2047, 0x2049},   {0x2e2e, 0x2e2e},
    {0x2e3c, 0x2e3c},   {0x2e53, 0x2e54},   {0x3002, 0x3002},   {0xa4ff, 0xa4ff},
    {0xa60e, 0xa60f},   {0xa6f3, 0xa6f3},   {0xa6f7, 0xa6f7},   {0xa876, 0xa877},
    {0xa8ce, 0xa8cf},   {0xa92f, 0xa92f},   {0xa9c8, 0xa9c9},   {0xaa5d, 0xaa5f},
    {0xaaf0, 0xaaf1},   {0xabeb, 0xabeb},   {0xfe52, 0xfe52},   {0xfe56, 0xfe57},
    {0xff01, 0xff01},   {0xff0e, 0xff0e},   {0xff1f, 0xff1f},   {0xff61, 0xff61},
    {0x10a56, 0x10a57}, {0x10f55, 0x10f59}, {0x10f86, 0x10f89}, {0x11047, 0x11048},
    {0x110be, 0x110c1}, {0x11141, 0x11143}, {0x111c5, 0x111c6}, {0x111cd, 0x111cd},
    {0x111de, 0x111df}, {0x11238, 0x11239}, {0x1123b, 0x1123c}, {0x112a9, 0x112a9},
    {0x1144b, 0x1144c}, {0x115c2, 0x115c3}, {0x115c9, 0x115d7}, {0x11641, 0x11642},
    {0x1173c, 0x1173e}, {0x11944, 0x11944}, {0x11946, 0x11946}, {0x11a42, 0x11a43},
    {0x11a9b, 0x11a9c}, {0x11c41, 0x11c42}, {0x11ef7, 0x11ef8}, {0x11f43, 0x11f44},
    {0x16a6e, 0x16a6f}, {0x16af5, 0x16af5}, {0x16b37, 0x16b38}, {0x16b44, 0x16b44},
    {0x16e98, 0x16e98}, {0x1bc9f, 0x1bc9f}, {0x1da88, 0x1da88},
};

static bool in_ranges(const struct range *r, size_t n, uint32_t code)
{
    size_t low = 0;

    while (low < n) {
        const size_t middle = low + (n - low) / 2;

        if (code < r[middle].first)
            n = middle;
        else if (code > r[middle].last)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

enum {
    D = CRIL_CODE_DIGIT,
    L = CRIL_CODE_LETTER,
    U = CRIL_CODE_LETTER | CRIL_CODE_UPPER,
    S = CRIL_CODE_SPACE,
    M = CRIL_CODE_BLANKED | CRIL_CODE_SYMBOL, /* a mark of no general category P */
    W = M | CRIL_CODE_SPACE,
    F = M | CRIL_CODE_AFFIX,
    G = F | CRIL_CODE_QUOTE,
    P = M | CRIL_CODE_PUNCT,
    A = P | CRIL_CODE_AFFIX,
    Q = A | CRIL_CODE_QUOTE,
    E = P | CRIL_CODE_TERMINAL,
    X = A | CRIL_CODE_TERMINAL,
};

/* clang-format off */
const uint16_t cril_ascii_kinds[0x80] = {
    M, M, M, M, M, M, M, M, M, S, S, W, W, W, M, M,
    M, M, M, M, M, M, M, M, M, M, M, M, W, W, W, W,
    S, X, Q, A, F, A, A, Q, A, A, A, M, A, P, E, P,
    D, D, D, D, D, D, D, D, D, D, A, A, F, F, F, X,
    P, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
    U, U, U, U, U, U, U, U, U, U, U, A, P, A, M, A,
    G, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
    L, L, L, L, L, L, L, L, L, L, L, A, M, A, M, M,
};
/* clang-format on */

unsigned cril_wide_kinds(uint32_t code)
{
    unsigned kinds = 0;

    if (cril_code_is_space(code))
        kinds |= CRIL_CODE_SPACE;
    if (in_ranges(blanked, sizeof(blanked) / sizeof(blanked[0]), code))
        kinds |= CRIL_CODE_BLANKED | CRIL_CODE_SYMBOL;
    if (in_ranges(terminal, sizeof(terminal) / sizeof(terminal[0]), code))
        kinds |= CRIL_CODE_TERMINAL | CRIL_CODE_SYMBOL;
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT: return kinds | CRIL_CODE_LETTER | CRIL_CODE_UPPER;
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return kinds | CRIL_CODE_LETTER;
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF: return kinds | CRIL_CODE_PUNCT | CRIL_CODE_AFFIX | CRIL_CODE_QUOTE;
    case UTF8PROC_CATEGORY_PO: return kinds | CRIL_CODE_PUNCT | CRIL_CODE_AFFIX;
    case UTF8PROC_CATEGORY_PD:
        return kinds | CRIL_CODE_PUNCT | (code == 0x2013 || code == 0x2014 ? CRIL_CODE_AFFIX : 0u);
    case UTF8PROC_CATEGORY_PC: return kinds | CRIL_CODE_PUNCT;
    case UTF8PROC_CATEGORY_SC: return kinds | CRIL_CODE_AFFIX;
    case UTF8PROC_CATEGORY_SO: return kinds | CRIL_CODE_AFFIX | CRIL_CODE_ICON;
    default: return code == 0xb4 ? kinds | CRIL_CODE_AFFIX | CRIL_CODE_QUOTE : kinds;
    }
}

uint32_t cril_wide_lower(uint32_t code)
{
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)code);
}

struct cril_span cril_codes_line(const uint32_t *codes, size_t n, size_t *at)
{
    struct cril_span line = {*at, 0};
    size_t i = *at;

    while (i < n && !cril_code_ends_line(codes[i]))
        i++;
    line.n = i - line.at;
    if (i < n)
        i += codes[i] == '\r' && i + 1 < n && codes[i + 1] == '\n' ? 2 : 1;
    *at = i;
    return line;
}

struct cril_span cril_codes_strip(const uint32_t *codes, struct cril_span s)
{
    while (s.n && cril_code_is_space(codes[s.at])) {
        s.at++;
        s.n--;
    }
    while (s.n && cril_code_is_space(codes[s.at + s.n - 1]))
        s.n--;
    return s;
}

size_t cril_codes_read(const char *text, size_t len, uint32_t *codes)
{
    size_t n = 0;

    for (size_t i = 0; i < len; n++) {
        if ((uint8_t)text[i] < 0x80) { /* most of them, without a call */
            codes[n] = (uint8_t)text[i++];
            continue;
        }
        i += cril_utf8_read(text + i, len - i, &codes[n]);
        if (codes[n] == CRIL_UTF8_ILL)
            codes[n] = 0xfffd;
    }
    return n;
}

size_t cril_codes_write(const uint32_t *codes, size_t n, char *text)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        if (codes[i] < 0x80)
            text[len++] = (char)codes[i];
        else
            len += (size_t)utf8proc_encode_char((utf8proc_int32_t)codes[i],
                                                (utf8proc_uint8_t *)text + len);
    }
    return len;
}
