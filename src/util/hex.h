/* Bytes as lower-case hex digits and back. */
#ifndef CRIL_UTIL_HEX_H
#define CRIL_UTIL_HEX_H

#include <stddef.h>
#include <stdint.h>

/* 2 n digits and a NUL. */
static inline void cril_hex_write(const uint8_t *bytes, size_t n, char *hex)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *hex++ = digits[bytes[i] >> 4];
        *hex++ = digits[bytes[i] & 15];
    }
    *hex = '\0';
}

/* From 2 n digits that cril_hex_write could have written. */
static inline void cril_hex_bytes(const char *hex, uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < 2 * n; i++) {
        const int digit = hex[i] >= 'a' ? hex[i] - 'a' + 10 : hex[i] - '0';

        bytes[i / 2] = (uint8_t)(i % 2 ? bytes[i / 2] << 4 | digit : digit);
    }
}

#endif
