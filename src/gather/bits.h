/* A sequence of bits that grows. Zero-initialised it is empty; free(words). */
#ifndef CRIL_GATHER_BITS_H
#define CRIL_GATHER_BITS_H

#include "util/size.h"

struct cril_bits {
    uint64_t *words;
    size_t size; /* of words */
    uint64_t n;  /* bits */
};

static inline bool cril_bits_get(const struct cril_bits *b, uint64_t i)
{
    return b->words[i / 64] >> i % 64 & 1;
}

static inline void cril_bits_set(struct cril_bits *b, uint64_t i, bool value)
{
    const uint64_t mask = UINT64_C(1) << i % 64;

    b->words[i / 64] = value ? b->words[i / 64] | mask : b->words[i / 64] & ~mask;
}

/* One more. False: out of memory, and the bits are as they were. */
static inline bool cril_bits_add(struct cril_bits *b, bool value)
{
    uint64_t *grown = cril_size_grow(b->words, &b->size, b->n / 64, 1, sizeof(*grown));

    if (!grown)
        return false;
    b->words = grown;
    cril_bits_set(b, b->n++, value);
    return true;
}

static inline size_t cril_bits_memory(const struct cril_bits *b)
{
    return b->size * sizeof(*b->words);
}

#endif
