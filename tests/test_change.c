/*
 * Breaks: the best one against all squared errors, spelled out; p of a break that is there, and of
 * none; what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "util/random.h"

#include <cril/change.h>
#include <math.h>
#include <stdbool.h>

enum { N = 60 };

static double numerator[N], denominator[N];
static uint32_t group[N];

/* By chance, in groups of 1 to 4; from document `shift` on, ratios are larger by `by`. */
static void make(uint64_t seed, size_t shift, double by)
{
    struct cril_random g = cril_random_seed(seed);
    uint32_t at = 3;

    for (size_t i = 0; i < N; i++) {
        denominator[i] = 1 + cril_random_below(&g, 1000);
        numerator[i] = denominator[i] * (1 + (double)cril_random_below(&g, 100) / 100);
        if (i >= shift)
            numerator[i] += by * denominator[i];
        at += i && cril_random_below(&g, 2) == 0 ? 1 + cril_random_below(&g, 3) : 0;
        group[i] = at;
    }
}

static double error_of(size_t from, size_t to, double *ratio)
{
    double a = 0, b = 0, sum = 0;

    for (size_t i = from; i < to; i++) {
        a += numerator[i];
        b += denominator[i];
    }
    *ratio = a / b;
    for (size_t i = from; i < to; i++) {
        const double d = numerator[i] / denominator[i] - *ratio;

        sum += denominator[i] * d * d;
    }
    return sum;
}

static void test_smallest_error(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        cril_change found;
        double least = INFINITY, before = 0, after = 0;
        size_t best = 0;

        make(seed, N / 2, (double)(seed % 5) / 4);
        for (size_t i = 2; i + 2 <= N; i++) {
            double a, b;
            const double error =
                group[i] == group[i - 1] ? INFINITY : error_of(0, i, &a) + error_of(i, N, &b);

            if (error < least) {
                least = error;
                best = i;
                before = a;
                after = b;
            }
        }
        assert_int_equal(cril_change_find(numerator, denominator, group, N, 1, 0, &found, NULL),
                         CRIL_OK);
        assert_int_equal(found.at, group[best]);
        assert_true(fabs(found.before - before) < 1e-12 && fabs(found.after - after) < 1e-12);
    }
}

/* A break of the size of the spread is found; without one, p is below 5 % in 5 of 100 cases. */
static void test_p(void **state)
{
    size_t rare = 0;
    cril_change found, again;

    (void)state;
    make(7, 20, 1);
    assert_int_equal(cril_change_find(numerator, denominator, group, N, 199, 3, &found, NULL),
                     CRIL_OK);
    assert_true(found.at == group[20] || group[19] == group[20]);
    assert_true(found.p == 1.0 / 200 && found.permutations == 199 && found.seed == 3);
    for (uint64_t seed = 0; seed < 200; seed++) {
        make(1000 + seed, N, 0);
        assert_int_equal(cril_change_find(numerator, denominator, group, N, 99, seed, &found, NULL),
                         CRIL_OK);
        rare += found.p <= .05;
    }
    assert_true(rare >= 3 && rare <= 20);
    assert_int_equal(cril_change_find(numerator, denominator, group, N, 99, 199, &again, NULL),
                     CRIL_OK);
    assert_memory_equal(&found, &again, sizeof(found));
}

/* All ratios are the same: any break is as good as another. */
static void test_none(void **state)
{
    cril_change found;

    (void)state;
    make(1, N, 0);
    for (size_t i = 0; i < N; i++)
        numerator[i] = denominator[i];
    assert_int_equal(cril_change_find(numerator, denominator, group, N, 50, 0, &found, NULL),
                     CRIL_OK);
    assert_true(found.p == 1);
    for (size_t i = 0; i < N; i++)
        group[i] = 5;
    assert_int_equal(cril_change_find(numerator, denominator, group, N, 50, 0, &found, NULL),
                     CRIL_OK);
    assert_true(found.at == 0 && found.p == 1);
    group[N - 1] = 6; /* one document alone is no part */
    assert_int_equal(cril_change_find(numerator, denominator, group, N, 50, 0, &found, NULL),
                     CRIL_OK);
    assert_int_equal(found.at, 0);
    group[N - 2] = 6;
    assert_int_equal(cril_change_find(numerator, denominator, group, N, 50, 0, &found, NULL),
                     CRIL_OK);
    assert_int_equal(found.at, 6);
    assert_int_equal(cril_change_find(NULL, NULL, NULL, 0, 50, 0, &found, NULL), CRIL_OK);
    assert_int_equal(found.at, 0);
}

/* Of the 20 ways to part six documents in the middle, two are as good as this one, whatever the
 * order in which they are summed. */
static void test_as_good(void **state)
{
    const double a[6] = {.1, .7, 1.3, 30.1, 70.7, 110.3}, b[6] = {1.1, 3.3, 7.7, 1.3, 3.9, 7.1};
    const uint32_t halves[6] = {0, 0, 0, 1, 1, 1};
    cril_change found;

    (void)state;
    assert_int_equal(cril_change_find(a, b, halves, 6, 19999, 0, &found, NULL), CRIL_OK);
    assert_true(fabs(found.p - .1) < .01);
}

static void refused(size_t permutations)
{
    cril_change found = {.at = 77};

    assert_int_equal(
        cril_change_find(numerator, denominator, group, N, permutations, 0, &found, NULL),
        CRIL_ERR_RANGE);
    assert_int_equal(found.at, 77);
}

static void test_refused(void **state)
{
    (void)state;
    make(1, N, 0);
    refused(0);
    numerator[4] = NAN;
    refused(1);
    make(1, N, 0);
    denominator[4] = 0;
    refused(1);
    denominator[4] = INFINITY;
    refused(1);
    make(1, N, 0);
    group[4] = 0;
    refused(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smallest_error), cmocka_unit_test(test_p),
        cmocka_unit_test(test_none),           cmocka_unit_test(test_as_good),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
