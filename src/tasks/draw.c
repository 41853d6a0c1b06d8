#include "tasks/draw.h"

#include "util/fail.h"
#include "util/size.h"

#include <stdlib.h>

/* ---- MT19937: the constants are the paper's, table 2 ---- */

enum { N = CRIL_DRAW_WORDS, M = 397 };

static void seed_by_word(struct cril_draws *d, uint32_t seed)
{
    d->state[0] = seed;
    for (uint32_t i = 1; i < N; i++)
        d->state[i] = 1812433253u * (d->state[i - 1] ^ d->state[i - 1] >> 30) + i;
}

/* init_by_array with a key of one word: the key's index is always 0. */
void cril_draw_init(struct cril_draws *d, uint32_t seed)
{
    uint32_t *const s = d->state;
    size_t at = 1;

    seed_by_word(d, 19650218u);
    for (size_t pass = 0; pass < 2; pass++)
        for (size_t i = 0; i + pass < N; i++) {
            const uint32_t before = s[at - 1] ^ s[at - 1] >> 30;

            s[at] = pass ? (s[at] ^ before * 1566083941u) - (uint32_t)at
                         : (s[at] ^ before * 1664525u) + seed;
            if (++at == N) {
                s[0] = s[N - 1];
                at = 1;
            }
        }
    s[0] = UINT32_C(1) << 31;
    d->used = N;
}

static void refill(struct cril_draws *d)
{
    uint32_t *const s = d->state;

    for (size_t i = 0; i < N; i++) {
        const uint32_t y = (s[i] & 0x80000000u) | (s[(i + 1) % N] & 0x7fffffffu);

        s[i] = s[(i + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    d->used = 0;
}

static uint32_t next_word(struct cril_draws *d)
{
    uint32_t y;

    if (d->used == N)
        refill(d);
    y = d->state[d->used++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

/* ---- Python's random.py ---- */

/* getrandbits, 1 <= bits <= 64: the first word is the low one. */
static uint64_t draw_bits(struct cril_draws *d, unsigned bits)
{
    uint64_t low;

    if (bits <= 32)
        return next_word(d) >> (32 - bits);
    low = next_word(d);
    return low | (uint64_t)(next_word(d) >> (64 - bits)) << 32;
}

/* Uniform in [0, n), n > 0. */
static size_t draw_below(struct cril_draws *d, size_t n)
{
    unsigned bits = 0;
    uint64_t x;

    while (bits < 64 && n >> bits)
        bits++;
    do
        x = draw_bits(d, bits);
    while (x >= n);
    return x;
}

/* Up to this pool size Python swaps in a list of the pool; above, it draws until a number is new.
 * Its limit is 21 + 4^ceil(log4(3k)) for k > 5: what a set of k numbers takes. */
static bool is_small(size_t pool, size_t k)
{
    size_t room = 1;

    if (pool <= 21)
        return true;
    if (k <= 5)
        return false;
    while (room / 3 < k && room < pool) /* room < 3k, since no power of 4 is a multiple of 3 */
        room *= 4;
    return pool - 21 <= room;
}

static cril_status sample_small(struct cril_draws *d, size_t pool, size_t k, size_t *out,
                                cril_error *err)
{
    size_t *const left = calloc(pool ? pool : 1, sizeof(*left));

    if (!left)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < pool; i++)
        left[i] = i;
    for (size_t i = 0; i < k; i++) {
        const size_t at = draw_below(d, pool - i);

        out[i] = left[at];
        left[at] = left[pool - i - 1];
    }
    free(left);
    return CRIL_OK;
}

static cril_status sample_large(struct cril_draws *d, size_t pool, size_t k, size_t *out,
                                cril_error *err)
{
    uint8_t *const taken = calloc(pool / 8 + 1, 1); /* a bit each */

    if (!taken)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < k; i++) {
        size_t x;

        do
            x = draw_below(d, pool);
        while (taken[x / 8] >> x % 8 & 1);
        taken[x / 8] = (uint8_t)(taken[x / 8] | 1u << x % 8);
        out[i] = x;
    }
    free(taken);
    return CRIL_OK;
}

cril_status cril_draw_sample(struct cril_draws *d, size_t pool, size_t k, size_t *out,
                             cril_error *err)
{
    if (k > pool)
        return cril_fail(err, CRIL_ERR_RANGE, "%zu shots cannot be drawn from a pool of %zu", k,
                         pool);
    return is_small(pool, k) ? sample_small(d, pool, k, out, err)
                             : sample_large(d, pool, k, out, err);
}
