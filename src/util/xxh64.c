/* XXH64: see xxh64.h. Four sums take stripes of 32 bytes; what is left is mixed in by 8, 4 and 1.
 */
#include "util/xxh64.h"

#include "util/cursor.h"

#define PRIME1 UINT64_C(0x9e3779b185ebca87)
#define PRIME2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define PRIME3 UINT64_C(0x165667b19e3779f9)
#define PRIME4 UINT64_C(0x85ebca77c2b2ae63)
#define PRIME5 UINT64_C(0x27d4eb2f165667c5)

enum { STRIPE = 32 };

static uint64_t turn(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static uint64_t take(uint64_t sum, uint64_t lane)
{
    return turn(sum + lane * PRIME2, 31) * PRIME1;
}

static uint64_t merge(uint64_t hash, uint64_t sum)
{
    return (hash ^ take(0, sum)) * PRIME1 + PRIME4;
}

static uint64_t stripes(const uint8_t *p, const uint8_t *end, uint64_t seed)
{
    uint64_t a = seed + PRIME1 + PRIME2, b = seed + PRIME2, c = seed, d = seed - PRIME1, hash;

    for (; end - p >= STRIPE; p += STRIPE) {
        a = take(a, cril_load_u64(p));
        b = take(b, cril_load_u64(p + 8));
        c = take(c, cril_load_u64(p + 16));
        d = take(d, cril_load_u64(p + 24));
    }
    hash = turn(a, 1) + turn(b, 7) + turn(c, 12) + turn(d, 18);
    return merge(merge(merge(merge(hash, a), b), c), d);
}

uint64_t cril_xxh64(const void *data, size_t len, uint64_t seed)
{
    const uint8_t *p = data, *end = p + len;
    uint64_t hash = len < STRIPE ? seed + PRIME5 : stripes(p, end, seed);

    hash += len;
    for (p += len / STRIPE * STRIPE; end - p >= 8; p += 8)
        hash = turn(hash ^ take(0, cril_load_u64(p)), 27) * PRIME1 + PRIME4;
    if (end - p >= 4) {
        hash = turn(hash ^ cril_load_u32(p) * PRIME1, 23) * PRIME2 + PRIME3;
        p += 4;
    }
    for (; p < end; p++)
        hash = turn(hash ^ *p * PRIME5, 11) * PRIME1;
    hash = (hash ^ hash >> 33) * PRIME2;
    hash = (hash ^ hash >> 29) * PRIME3;
    return hash ^ hash >> 32;
}
