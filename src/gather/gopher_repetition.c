/*
 * Gopher's rules on what a document repeats: Rae et al. 2021 (arXiv 2112.11446), table A1, with the
 * names and the order of datatrove 0.10 (GopherRepetitionFilter).
 *
 * Parts of the text are compared by 64-bit hashes that add up: the hash of a part is the sum of
 * mixed code points times powers of an odd number, so the hash of any run of words follows from two
 * prefix sums. A run is hashed twice over, as datatrove compares it: its words with blanks between
 * them (top_n_gram) and without (duplicated_n_n_grams).
 */
#include "gather/step.h"

#include "util/xxh64.h"

#include <string.h>

enum {
    DUP_PARA,
    DUP_PARA_CHAR,
    DUP_LINE,
    DUP_LINE_CHAR,
    TOP_2,
    DUPLICATED_5 = TOP_2 + 3,
    NONE = 13
};

enum { MIN_TOP = 2, MAX_TOP = 4, MIN_DUPLICATED = 5, MAX_DUPLICATED = 10 };

/* An odd number and its inverse modulo 2^64. */
#define BASE UINT64_C(0x9e3779b97f4a7c15)
#define INVERSE UINT64_C(0xf1de83e19937733d)

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* A set of hashes with a number for each, open addressing; a slot of an earlier set counts as
 * empty, so that one need not be cleared for the next. */
struct slot {
    uint64_t key;
    uint32_t set;
    uint32_t count;
    size_t first; /* the element that came first */
};

struct table {
    struct slot *slots; /* [mask + 1], at least twice as many as elements */
    size_t mask;
    uint32_t set;
};

static bool table_make(struct table *t, struct cril_draft *d, size_t elements, cril_error *err)
{
    size_t n = 64;

    while (n / 2 < elements)
        n *= 2;
    if (!(t->slots = cril_draft_work(d, 0, n, sizeof(*t->slots), err)))
        return false;
    memset(t->slots, 0, n * sizeof(*t->slots));
    t->mask = n - 1;
    t->set = 0;
    return true;
}

/* The slot of key in the present set; its count was 0 if the key is new. */
static struct slot *table_add(struct table *t, uint64_t key, size_t element)
{
    size_t i = key & t->mask;

    while (t->slots[i].set == t->set && t->slots[i].key != key)
        i = (i + 1) & t->mask;
    if (t->slots[i].set != t->set)
        t->slots[i] = (struct slot){key, t->set, 0, element};
    t->slots[i].count++;
    return &t->slots[i];
}

/* Elements that came before, and their code points. */
struct repeated {
    size_t elements, n, codes;
};

static void take(struct table *t, struct repeated *r, const uint32_t *codes, size_t n)
{
    const uint64_t key = cril_xxh64(codes, n * sizeof(*codes), 0);

    r->elements++;
    if (table_add(t, key, 0)->count > 1) {
        r->n++;
        r->codes += n;
    }
}

/* Parts of codes [n] between runs of at least min line feeds. */
static struct repeated look_at_parts(struct table *t, const uint32_t *codes, size_t n, size_t min)
{
    struct repeated r = {0};
    size_t start = 0;

    t->set++;
    for (size_t i = 0, feeds; i < n; i += feeds ? feeds : 1) {
        for (feeds = 0; i + feeds < n && codes[i + feeds] == '\n'; feeds++) {
        }
        if (feeds >= min) {
            take(t, &r, codes + start, i - start);
            start = i + feeds;
        }
    }
    take(t, &r, codes + start, n - start);
    return r;
}

/* Prefix sums at the beginning of each word, and behind the last one. */
struct sums {
    uint64_t sum;     /* of what stands before */
    uint64_t inverse; /* of the power of what comes next */
    size_t codes;     /* before */
};

/* between: a code point behind every word, as it were; 0: none. */
static void sum_words(const struct cril_draft *d, uint32_t between, struct sums *s)
{
    uint64_t sum = 0, power = 1, inverse = 1;
    size_t codes = 0;

    for (size_t i = 0; i < d->n_words; i++) {
        const uint32_t *c = d->codes + d->words[i].at;
        const size_t n = d->words[i].n + (between != 0);

        s[i] = (struct sums){sum, inverse, codes};
        for (size_t k = 0; k < n; k++) {
            sum += mix((k < d->words[i].n ? c[k] : between) + BASE) * power;
            power *= BASE;
            inverse *= INVERSE;
        }
        codes += n;
    }
    s[d->n_words] = (struct sums){sum, inverse, codes};
}

static uint64_t gram(const struct sums *s, size_t n)
{
    return mix((s[n].sum - s[0].sum) * s[0].inverse);
}

/* Code points that the most frequent n-gram takes in all; of several, the first one. */
static size_t look_at_top(struct table *t, const struct sums *s, size_t n_words, size_t n)
{
    size_t most = 0, first = 0;

    t->set++;
    for (size_t i = 0; i + n <= n_words; i++) {
        const struct slot *g = table_add(t, gram(s + i, n), i);

        if (g->count > most || (g->count == most && g->first < first)) {
            most = g->count;
            first = g->first;
        }
    }
    return most ? most * (s[first + n].codes - s[first].codes - 1) : 0;
}

/* Code points in n-grams that came before; the words of one of those are in no other. */
static size_t look_at_duplicated(struct table *t, const struct sums *s, size_t n_words, size_t n)
{
    size_t codes = 0;

    t->set++;
    for (size_t i = 0; i + n <= n_words;) {
        const bool again = table_add(t, gram(s + i, n), i)->count > 1;

        codes += again ? s[i + n].codes - s[i].codes : 0;
        i += again ? n : 1;
    }
    return codes;
}

static bool exceeds(size_t part, size_t whole, double bound)
{
    return (double)part / (double)whole > bound;
}

static int judge_parts(struct table *t, const struct cril_draft *d)
{
    const struct cril_span s = cril_codes_strip(d->codes, (struct cril_span){0, d->n_codes});
    struct repeated r = look_at_parts(t, d->codes + s.at, s.n, 2);

    if (exceeds(r.n, r.elements, 0.3))
        return DUP_PARA;
    if (exceeds(r.codes, d->n_codes, 0.2))
        return DUP_PARA_CHAR;
    r = look_at_parts(t, d->codes, d->n_codes, 1);
    if (exceeds(r.n, r.elements, 0.3))
        return DUP_LINE;
    return exceeds(r.codes, d->n_codes, 0.2) ? DUP_LINE_CHAR : NONE;
}

static int judge_words(struct table *t, const struct cril_draft *d, struct sums *s)
{
    static const double top[] = {0.20, 0.18, 0.16},
                        duplicated[] = {0.15, 0.14, 0.13, 0.12, 0.11, 0.10};

    sum_words(d, ' ', s);
    for (int n = MIN_TOP; n <= MAX_TOP; n++) {
        if (exceeds(look_at_top(t, s, d->n_words, (size_t)n), d->n_codes, top[n - MIN_TOP]))
            return TOP_2 + n - MIN_TOP;
    }
    sum_words(d, 0, s);
    for (int n = MIN_DUPLICATED; n <= MAX_DUPLICATED; n++) {
        if (exceeds(look_at_duplicated(t, s, d->n_words, (size_t)n), d->n_codes,
                    duplicated[n - MIN_DUPLICATED]))
            return DUPLICATED_5 + n - MIN_DUPLICATED;
    }
    return NONE;
}

/* Words, or parts between line feeds: there are no more elements in any set. */
static size_t max_elements(const struct cril_draft *d)
{
    size_t feeds = 0;

    for (size_t i = 0; i < d->n_codes; i++)
        feeds += d->codes[i] == '\n';
    return (feeds > d->n_words ? feeds : d->n_words) + 1;
}

static cril_status apply(void *run, struct cril_draft *d, uint64_t *by, bool *keep, cril_error *err)
{
    struct table t;
    struct sums *s;
    cril_status st;
    int why = NONE;

    (void)run;
    if ((st = cril_draft_words(d, err)) != CRIL_OK)
        return st;
    if (!table_make(&t, d, max_elements(d), err) ||
        !(s = cril_draft_work(d, 1, d->n_words + 1, sizeof(*s), err)))
        return CRIL_ERR_NOMEM;
    if (d->n_codes && (why = judge_parts(&t, d)) == NONE)
        why = judge_words(&t, d, s);
    *keep = why == NONE;
    if (!*keep)
        by[why]++;
    return CRIL_OK;
}

const struct cril_step cril_step_gopher_repetition = {
    .name = "gopher_repetition",
    .what = "Documents were dropped that repeat their own paragraphs, lines or word sequences, by "
            "Gopher's rules.",
    .kinds = CRIL_STEP_PROSE | CRIL_STEP_JSONL,
    .on = CRIL_STEP_WEB,
    .reasons = {"dup_para_frac", "dup_para_char_frac", "dup_line_frac", "dup_line_char_frac",
                "top_2_gram", "top_3_gram", "top_4_gram", "duplicated_5_n_grams",
                "duplicated_6_n_grams", "duplicated_7_n_grams", "duplicated_8_n_grams",
                "duplicated_9_n_grams", "duplicated_10_n_grams"},
    .n_drops = NONE,
    .apply = apply,
};
