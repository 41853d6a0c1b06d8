/*
 * The blind classifier: finds what parts two sets, finds nothing where nothing does, and gives the
 * same numbers for the same seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leak/blind.h"
#include "util/random.h"

#include <cril/separation.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 60, WORDS = 60 };

static const cril_interval wanted = {.level = .95, .resamples = 300, .seed = 1};

/* Words of a list, drawn; each document owned. */
static void make(struct cril_bytes *out, size_t n, const char *const *words, uint32_t n_words,
                 struct cril_random *g)
{
    for (size_t i = 0; i < n; i++) {
        char *text = malloc(WORDS * 16);
        size_t len = 0;

        for (int w = 0; w < WORDS; w++)
            len += (size_t)snprintf(text + len, 16, "%s ", words[cril_random_below(g, n_words)]);
        out[i] = (struct cril_bytes){text, len};
    }
}

static void drop(struct cril_bytes *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((char *)texts[i].data);
}

static const char *const common[] = {"river",  "stone",   "cloud",   "meadow",
                                     "winter", "lantern", "harbour", "\u00fcber",
                                     "field",  "market",  "in 2025", "in 2026"};

static cril_separation separate(const struct cril_bytes *a, size_t n_a, const struct cril_bytes *b,
                                size_t n_b, uint64_t seed)
{
    double *scores = calloc(n_a + n_b, sizeof(*scores));
    cril_separation s;
    cril_error err;

    assert_int_equal(cril_blind_scores(a, n_a, b, n_b, seed, scores, scores + n_a, &err), CRIL_OK);
    for (size_t i = 0; i < n_a + n_b; i++)
        assert_true(scores[i] > 0 && scores[i] < 1);
    assert_int_equal(cril_separate(scores, n_a, scores + n_a, n_b, &wanted, &s, &err), CRIL_OK);
    free(scores);
    return s;
}

/* One word of 12 is another's. */
static void test_finds(void **state)
{
    (void)state;
    struct cril_random g = cril_random_seed(5);
    struct cril_bytes a[N], b[N];
    cril_separation s;

    make(a, N, common, 11, &g);     /* without 2026 */
    make(b, N, common + 1, 11, &g); /* without river */
    s = separate(a, N, b, N, 1);
    assert_true(s.auc > .99 && s.auc_interval.low > .95);
    s = separate(a, N, b, N / 4, 1);
    assert_true(s.auc > .95);
    drop(a, N);
    drop(b, N);
}

/* Sets of one kind: intervals of 10 draws hold one half, but for 3 at most (p < 0.002). */
static void test_finds_nothing(void **state)
{
    (void)state;
    struct cril_random g = cril_random_seed(6);
    int n_hold = 0;

    for (int round = 0; round < 10; round++) {
        struct cril_bytes a[N], b[N];
        cril_separation s;

        make(a, N, common, 12, &g);
        make(b, N, common, 12, &g);
        s = separate(a, N, b, N, 1);
        n_hold += s.auc_interval.low <= .5 && s.auc_interval.high >= .5;
        drop(a, N);
        drop(b, N);
    }
    assert_in_range(n_hold, 7, 10);
}

/* Equal documents tell nothing, and neither do empty ones; what stands behind the beginning is not
 * looked at. */
static void test_equal(void **state)
{
    (void)state;
    static char same[CRIL_BLIND_CHARACTERS], longer[CRIL_BLIND_CHARACTERS + 100];
    struct cril_bytes a[N] = {0}, b[N] = {0};

    assert_true(separate(a, 3, b, 2, 1).auc == .5);
    memset(same, 'x', sizeof(same));
    memset(longer, 'x', CRIL_BLIND_CHARACTERS);
    for (size_t i = 0; i < N; i++) {
        a[i] = (struct cril_bytes){same, sizeof(same)};
        b[i] = (struct cril_bytes){longer, sizeof(longer)};
    }
    assert_true(separate(a, N, b, N, 1).auc == .5);
}

static void test_seed(void **state)
{
    (void)state;
    struct cril_random g = cril_random_seed(8);
    struct cril_bytes a[N], b[N];
    cril_separation x, y;

    make(a, N, common, 12, &g);
    make(b, N, common, 12, &g);
    x = separate(a, N, b, N, 1);
    y = separate(a, N, b, N, 1);
    assert_memory_equal(&x, &y, sizeof(x));
    y = separate(a, N, b, N, 2);
    assert_true(x.auc != y.auc);
    drop(a, N);
    drop(b, N);
}

static void test_refusals(void **state)
{
    (void)state;
    const struct cril_bytes one[2] = {{"a", 1}, {"b", 1}};
    double scores[4];
    cril_error err;

    assert_int_equal(cril_blind_scores(one, 1, one, 2, 1, scores, scores + 2, &err),
                     CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "there are 1 and 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds),    cmocka_unit_test(test_finds_nothing),
        cmocka_unit_test(test_equal),    cmocka_unit_test(test_seed),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
