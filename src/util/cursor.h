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

#endif
