/*
 * UTF-8 (Unicode 15, 3.9, table 3-7): read code by code, with ill-formed bytes cut into maximal
 * subparts as "U+FFFD substitution of maximal subparts" asks (Python's errors="replace", the WHATWG
 * decoder). Counting is cril_count_characters of cril/corpus.h.
 */
#ifndef CRIL_UTIL_UTF8_H
#define CRIL_UTIL_UTF8_H

#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

#define CRIL_UTF8_ILL UINT32_MAX

/*
 * The code point at text [len >= 1]; returns the bytes it takes, 1..4. For an ill-formed sequence
 * *code is CRIL_UTF8_ILL and the bytes of one maximal subpart, 1..3, are returned.
 */
size_t cril_utf8_read(const char *text, size_t len, uint32_t *code);

/* The code point that ends before text[at], at >= 1; returns where it starts. A byte that ends no
 * well-formed sequence is CRIL_UTF8_ILL. */
size_t cril_utf8_read_back(const char *text, size_t at, uint32_t *code);

/* Bytes of the well-formed sequence that starts with this byte. */
static inline size_t cril_utf8_width(char first)
{
    const uint8_t b = (uint8_t)first;

    return b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
}

/*
 * Gives well-formed text. *out is NULL when text already is; else a copy with U+FFFD in place of
 * every maximal subpart, [*out_len], owned by the caller: free. CRIL_ERR_NOMEM.
 */
cril_status cril_utf8_repair(const char *text, size_t len, char **out, size_t *out_len,
                             cril_error *err);

#endif
