/* MinHash: see minhash.h. */
#include "gather/minhash.h"

#include "gather/plain.h"
#include "gather/words.h"
#include "util/xxh64.h"

#include <string.h>

/* MT19937 (Matsumoto and Nishimura 1998), started as init_genrand does. */
enum { MT_N = 624, MT_M = 397 };

struct twister {
    uint32_t state[MT_N];
    size_t at;
};

static void twister_start(struct twister *t, uint32_t seed)
{
    t->state[0] = seed;
    for (uint32_t i = 1; i < MT_N; i++)
        t->state[i] = UINT32_C(1812433253) * (t->state[i - 1] ^ t->state[i - 1] >> 30) + i;
    t->at = MT_N;
}

static void twister_turn(struct twister *t)
{
    for (size_t i = 0; i < MT_N; i++) {
        const uint32_t y = (t->state[i] & UINT32_C(0x80000000)) |
                           (t->state[(i + 1) % MT_N] & UINT32_C(0x7fffffff));

        t->state[i] = t->state[(i + MT_M) % MT_N] ^ y >> 1 ^ (y & 1 ? UINT32_C(0x9908b0df) : 0);
    }
    t->at = 0;
}

static uint32_t twister_next(struct twister *t)
{
    uint32_t y;

    if (t->at == MT_N)
        twister_turn(t);
    y = t->state[t->at++];
    y ^= y >> 11;
    y ^= y << 7 & UINT32_C(0x9d2c5680);
    y ^= y << 15 & UINT32_C(0xefc60000);
    return y ^ y >> 18;
}

#define PRIME ((UINT64_C(1) << 61) - 1)

/* Uniform in [low, PRIME): 61 bits, drawn again where they are past it. */
static uint64_t draw(struct twister *t, uint64_t low)
{
    uint64_t x;

    do {
        x = (uint64_t)twister_next(t) << 32;
        x = (x | twister_next(t)) & PRIME;
    } while (x >= PRIME - low);
    return low + x;
}

void cril_minhash_init(struct cril_minhash_hashes *h)
{
    struct twister t;

    twister_start(&t, 1);
    for (size_t i = 0; i < CRIL_MINHASH_HASHES; i++)
        h->a[i] = draw(&t, 1);
    for (size_t i = 0; i < CRIL_MINHASH_HASHES; i++)
        h->b[i] = draw(&t, 0);
}

/* Words of plain codes as UTF-8 with a blank behind each, into text; each one's `at` becomes where
 * it starts there. Returns where the last one's blank ends. */
static size_t join(const uint32_t *codes, struct cril_span *words, size_t n, char *text)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        const size_t at = len;

        len += cril_codes_write(codes + words[i].at, words[i].n, text + len);
        text[len++] = ' ';
        words[i].at = at;
    }
    return len;
}

cril_status cril_minhash_shingles(struct cril_draft *d, const uint64_t **shingles, size_t *n,
                                  cril_error *err)
{
    struct cril_span *words;
    size_t n_codes, n_words, len;
    uint64_t *hashes;
    uint32_t *codes;
    cril_status st;
    char *text;

    if ((st = cril_draft_codes(d, err)) != CRIL_OK)
        return st;
    if (!(codes = cril_draft_work(d, 0, d->n_codes, CRIL_PLAIN_GROWTH * sizeof(*codes), err)))
        return CRIL_ERR_NOMEM;
    n_codes = cril_plain(d->codes, d->n_codes, codes);
    if (!(words = cril_draft_work(d, 1, n_codes, sizeof(*words), err)) ||
        !(text = cril_draft_work(d, 2, n_codes, 5, err))) /* a code's UTF-8, and a blank */
        return CRIL_ERR_NOMEM;
    n_words = cril_words(codes, n_codes, words);
    len = join(codes, words, n_words, text);
    *n = n_words < CRIL_MINHASH_WORDS ? 0 : n_words - CRIL_MINHASH_WORDS + 1;
    if (!(hashes = cril_draft_work(d, 0, *n, sizeof(*hashes), err)))
        return CRIL_ERR_NOMEM;
    for (size_t i = 0; i < *n; i++) {
        const size_t next = i + CRIL_MINHASH_WORDS;
        const size_t end = (next < n_words ? words[next].at : len) - 1;

        hashes[i] = cril_xxh64(text + words[i].at, end - words[i].at, 0);
    }
    *shingles = hashes;
    return CRIL_OK;
}

/* x modulo 2^61 - 1. */
static uint64_t reduce(uint64_t x)
{
    const uint64_t y = (x & PRIME) + (x >> 61), z = y - PRIME;

    return y < z ? y : z;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Of one function over all shingles; by twos, which do not wait for each other. */
static uint64_t minimum(uint64_t a, uint64_t b, const uint64_t *shingles, size_t n)
{
    uint64_t even = UINT64_MAX, odd = UINT64_MAX;
    size_t i;

    for (i = 0; i + 1 < n; i += 2) {
        even = smaller(even, reduce(shingles[i] * a + b));
        odd = smaller(odd, reduce(shingles[i + 1] * a + b));
    }
    if (i < n)
        even = smaller(even, reduce(shingles[i] * a + b));
    return smaller(even, odd);
}

cril_status cril_minhash_of(const struct cril_minhash_hashes *h, struct cril_draft *d,
                            uint64_t minima[CRIL_MINHASH_HASHES], size_t *n_shingles,
                            cril_error *err)
{
    const uint64_t *shingles;
    const cril_status st = cril_minhash_shingles(d, &shingles, n_shingles, err);

    if (st != CRIL_OK)
        return st;
    for (size_t k = 0; k < CRIL_MINHASH_HASHES; k++) {
        minima[k] = minimum(h->a[k], h->b[k], shingles, *n_shingles);
    }
    return CRIL_OK;
}

void cril_minhash_keys(const uint64_t minima[CRIL_MINHASH_HASHES],
                       uint64_t keys[CRIL_MINHASH_BANDS])
{
    uint8_t bytes[CRIL_MINHASH_ROWS * 8]; /* little-endian, on any machine */

    for (size_t i = 0; i < CRIL_MINHASH_BANDS; i++) {
        for (size_t k = 0; k < sizeof(bytes); k++)
            bytes[k] = (uint8_t)(minima[i * CRIL_MINHASH_ROWS + k / 8] >> k % 8 * 8);
        keys[i] = cril_xxh64(bytes, sizeof(bytes), 0);
    }
}
