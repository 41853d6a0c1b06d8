/*
 * Text as code points, and what kind each is. White space, line ends and letters are what Python's
 * str methods take for them, since the published rules (quality.h) are programs in Python.
 */
#ifndef CRIL_GATHER_CODES_H
#define CRIL_GATHER_CODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CRIL_CODE_SPACE = 1 << 0,
    CRIL_CODE_LETTER = 1 << 1,
    CRIL_CODE_UPPER = 1 << 2,    /* a letter, upper or title case */
    CRIL_CODE_DIGIT = 1 << 3,    /* 0-9 */
    CRIL_CODE_PUNCT = 1 << 4,    /* general category P */
    CRIL_CODE_AFFIX = 1 << 5,    /* leaves a word at whose end it stands (words.h) */
    CRIL_CODE_QUOTE = 1 << 6,    /* quotation marks, brackets of CJK */
    CRIL_CODE_BLANKED = 1 << 7,  /* what near-duplicates read as a blank */
    CRIL_CODE_SYMBOL = 1 << 8,   /* a word of these alone is none for Gopher's counts */
    CRIL_CODE_TERMINAL = 1 << 9, /* ends a sentence */
    CRIL_CODE_ICON = 1 << 10,    /* general category So */
};

extern const uint16_t cril_ascii_kinds[0x80];
unsigned cril_wide_kinds(uint32_t code); /* of code >= 0x80 */

/* The kinds of a code point, ORed. */
static inline unsigned cril_code_kinds(uint32_t code)
{
    return code < 0x80 ? cril_ascii_kinds[code] : cril_wide_kinds(code);
}

/* str.isspace of one code point. */
static inline bool cril_code_is_space(uint32_t c)
{
    return c < 0x80 ? (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20)
                    : c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
                          c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

uint32_t cril_wide_lower(uint32_t code); /* of code >= 0x80 */

/* The lower case of one code point, as one. */
static inline uint32_t cril_code_lower(uint32_t c)
{
    return c < 0x80 ? (c >= 'A' && c <= 'Z' ? c | 0x20 : c) : cril_wide_lower(c);
}

/* What str.splitlines ends a line at; CR LF is one end. */
static inline bool cril_code_ends_line(uint32_t c)
{
    return (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
           c == 0x2029;
}

/* A part of an array of code points. */
struct cril_span {
    size_t at, n;
};

/* The line that starts at *at < n, without its end; *at moves to where the next one starts. */
struct cril_span cril_codes_line(const uint32_t *codes, size_t n, size_t *at);
/* s without white space at both ends (str.strip). */
struct cril_span cril_codes_strip(const uint32_t *codes, struct cril_span s);

/* Code points of text into codes [at least len]; returns how many. Ill-formed bytes are U+FFFD. */
size_t cril_codes_read(const char *text, size_t len, uint32_t *codes);
/* UTF-8 of codes into text [at least 4 * n]; returns the bytes. */
size_t cril_codes_write(const uint32_t *codes, size_t n, char *text);

#endif
