/* PCG32 (O'Neill 2014, PCG-XSH-RR 64/32): the same numbers on every machine, since it works on
   integers alone. A 64-bit linear congruence, whose high bits choose how its middle bits are
   rotated into the 32 that are given out. */
#ifndef CRIL_UTIL_RANDOM_H
#define CRIL_UTIL_RANDOM_H

#include <stdint.h>

struct cril_random {
    uint64_t state;
};

static inline uint32_t cril_random_next(struct cril_random *g)
{
    uint64_t s = g->state;
    uint32_t x = (uint32_t)(((s >> 18) ^ s) >> 27);
    unsigned turn = (unsigned)(s >> 59);

    g->state = s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return x >> turn | x << (-turn & 31);
}

static inline struct cril_random cril_random_seed(uint64_t seed)
{
    struct cril_random g = {0};

    cril_random_next(&g);
    g.state += seed;
    cril_random_next(&g);
    return g;
}

/* Uniform in [0, n), n > 0: a value below 2^32 mod n is drawn again, so that every remainder is as
 * likely. */
static inline uint32_t cril_random_below(struct cril_random *g, uint32_t n)
{
    uint32_t min = (0 - n) % n, x;

    do
        x = cril_random_next(g);
    while (x < min);
    return x % n;
}

#endif
