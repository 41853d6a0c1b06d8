/*
 * Pairs of texts of a known similarity, and whether MinHash finds them: for tests/test_minhash.c
 * and bench/minhash.c.
 *
 * The first text of a pair is 40 to 240 words drawn from 20,000; the second one is the first with a
 * share of its words drawn anew, so that similarities cover all of 0 to 1. The exact similarity is
 * that of the sets of 5-word sequences.
 */
#ifndef CRIL_TESTS_SHINGLE_PAIRS_H
#define CRIL_TESTS_SHINGLE_PAIRS_H

#include "gather/minhash.h"
#include "util/fail.h"
#include "util/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CRIL_PAIR_BINS = 10, CRIL_PAIR_WORDS = 240, CRIL_PAIR_BYTES = CRIL_PAIR_WORDS * 8 };

struct cril_pair_bin {
    size_t n, found;
    double expected, variance; /* of found, by 1 - (1 - s^8)^14 */
};

/* Words as a text; returns its bytes. */
static inline size_t cril_pair_text(const uint32_t *words, size_t n, char text[CRIL_PAIR_BYTES])
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        for (uint32_t k = 0, w = words[i]; k < 4; k++, w /= 26)
            text[len++] = (char)('a' + w % 26);
        text[len++] = ' ';
    }
    return len;
}

static inline int cril_pair_compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Sorted and without repetitions; returns how many are left. */
static inline size_t cril_pair_set(uint64_t *values, size_t n)
{
    size_t kept = 0;

    qsort(values, n, sizeof(*values), cril_pair_compare);
    for (size_t i = 0; i < n; i++) {
        if (!i || values[i] != values[kept - 1])
            values[kept++] = values[i];
    }
    return kept;
}

/* Jaccard similarity of two sets, sorted. */
static inline double cril_pair_jaccard(const uint64_t *a, size_t na, const uint64_t *b, size_t nb)
{
    size_t common = 0;

    for (size_t i = 0, k = 0; i < na && k < nb;) {
        common += a[i] == b[k];
        if (a[i] < b[k])
            i++;
        else if (a[i] > b[k])
            k++;
        else
            i++, k++;
    }
    return (double)common / (double)(na + nb - common);
}

/* The set of the text's shingles, sorted, and its keys. */
static inline cril_status cril_pair_side(const struct cril_minhash_hashes *h, struct cril_draft *d,
                                         const uint32_t *words, size_t n, uint64_t *set,
                                         size_t *n_set, uint64_t keys[CRIL_MINHASH_BANDS],
                                         cril_error *err)
{
    char text[CRIL_PAIR_BYTES];
    uint64_t minima[CRIL_MINHASH_HASHES];
    const uint64_t *shingles;
    cril_status st;

    cril_draft_set(d, text, cril_pair_text(words, n, text));
    if ((st = cril_minhash_of(h, d, minima, n_set, err)) != CRIL_OK ||
        (st = cril_minhash_shingles(d, &shingles, n_set, err)) != CRIL_OK)
        return st;
    memcpy(set, shingles, *n_set * sizeof(*set));
    *n_set = cril_pair_set(set, *n_set);
    cril_minhash_keys(minima, keys);
    return CRIL_OK;
}

/* One pair: its similarity and whether it is found. */
static inline cril_status cril_pair_measure(const struct cril_minhash_hashes *h,
                                            struct cril_draft *d, struct cril_random *g,
                                            double *similarity, bool *found, cril_error *err)
{
    const size_t n = 40 + cril_random_below(g, CRIL_PAIR_WORDS - 40);
    const uint32_t changed = cril_random_below(g, 400); /* of 1,000 words */
    uint32_t words[CRIL_PAIR_WORDS];
    uint64_t a[CRIL_PAIR_WORDS], b[CRIL_PAIR_WORDS], keys[2][CRIL_MINHASH_BANDS];
    size_t na, nb;
    cril_status st;

    for (size_t i = 0; i < n; i++)
        words[i] = cril_random_below(g, 20000);
    if ((st = cril_pair_side(h, d, words, n, a, &na, keys[0], err)) != CRIL_OK)
        return st;
    /* Squared, so that as many pairs are alike as are not. */
    for (size_t i = 0; i < n; i++) {
        if ((uint64_t)cril_random_below(g, 400000) < (uint64_t)changed * changed)
            words[i] = cril_random_below(g, 20000);
    }
    if ((st = cril_pair_side(h, d, words, n, b, &nb, keys[1], err)) != CRIL_OK)
        return st;
    *similarity = cril_pair_jaccard(a, na, b, nb);
    *found = false;
    for (size_t i = 0; i < CRIL_MINHASH_BANDS; i++)
        *found = *found || keys[0][i] == keys[1][i];
    return CRIL_OK;
}

/* n pairs into bins by similarity. */
static inline cril_status cril_pairs_measure(size_t n, struct cril_pair_bin bins[CRIL_PAIR_BINS],
                                             cril_error *err)
{
    struct cril_minhash_hashes h;
    struct cril_random g = cril_random_seed(23);
    struct cril_draft d = {0};
    cril_status st = CRIL_OK;

    cril_minhash_init(&h);
    for (size_t i = 0; i < n && st == CRIL_OK; i++) {
        double s, p;
        bool found;
        size_t bin;

        if ((st = cril_pair_measure(&h, &d, &g, &s, &found, err)) != CRIL_OK)
            break;
        p = 1 - pow(1 - pow(s, CRIL_MINHASH_ROWS), CRIL_MINHASH_BANDS);
        bin = s < 1 ? (size_t)(s * CRIL_PAIR_BINS) : CRIL_PAIR_BINS - 1;
        bins[bin].n++;
        bins[bin].found += found;
        bins[bin].expected += p;
        bins[bin].variance += p * (1 - p);
    }
    cril_draft_free(&d);
    return st;
}

#endif
