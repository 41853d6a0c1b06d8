/*
 * A bounded reader of little-endian bytes. Every read proves first that the bytes are there; a read
 * that does not fit returns false and moves nothing.
 */
#ifndef CRIL_UTIL_CURSOR_H
#define CRIL_UTIL_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_cursor {
    const uint8_t *data; /* [size], borrowed */
    size_t size, pos;    /* pos <= size */
};

static inline uint16_t cril_load_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t cril_load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t cril_load_u64(const uint8_t *p)
{
    return (uint64_t)cril_load_u32(p) | (uint64_t)cril_load_u32(p + 4) << 32;
}

struct cril_cursor cril_cursor_of(const uint8_t *data, size_t size);
size_t cril_cursor_left(const struct cril_cursor *c);

/* The next n bytes, borrowed. n is 64-bit so that a count read from a file is never cut. */
bool cril_cursor_take(struct cril_cursor *c, uint64_t n, const uint8_t **out);
bool cril_cursor_u32(struct cril_cursor *c, uint32_t *out);
bool cril_cursor_u64(struct cril_cursor *c, uint64_t *out);
/* An integer below 2^35 as cril_put_varint writes it. A form that is longer than need be is
 * refused.
 */
bool cril_cursor_varint(struct cril_cursor *c, uint64_t *out);

enum { CRIL_VARINT_MAX = 5 }; /* bytes */

/* x < 2^35 in 1 to CRIL_VARINT_MAX bytes: 7 bits each, the lowest first; the top bit of a byte says
   that another follows. Returns the end. */
static inline uint8_t *cril_put_varint(uint8_t *out, uint64_t x)
{
    for (; x > 0x7F; x >>= 7)
        *out++ = (uint8_t)(x | 0x80);
    *out++ = (uint8_t)x;
    return out;
}

#endif
