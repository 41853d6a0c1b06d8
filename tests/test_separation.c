/*
 * AUC and TPR at an FPR: against their definitions by counting pairs and thresholds, known cases,
 * and properties of the intervals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "util/random.h"

#include <cril/separation.h>
#include <math.h>
#include <string.h>

static const cril_interval wanted = {.level = .95, .resamples = 500, .seed = 1};

static double auc_of(const double *a, size_t n_a, const double *b, size_t n_b)
{
    double won = 0;

    for (size_t i = 0; i < n_a; i++)
        for (size_t k = 0; k < n_b; k++)
            won += a[i] > b[k] ? 1 : a[i] == b[k] ? .5 : 0;
    return won / (double)n_a / (double)n_b;
}

/* Every figure is a threshold, and so is one above all. */
static double tpr_of(const double *a, size_t n_a, const double *b, size_t n_b, double fpr)
{
    double best = 0;

    for (size_t t = 0; t < n_a + n_b; t++) {
        const double threshold = t < n_a ? a[t] : b[t - n_a];
        size_t in_a = 0, in_b = 0;

        for (size_t i = 0; i < n_a; i++)
            in_a += a[i] >= threshold;
        for (size_t k = 0; k < n_b; k++)
            in_b += b[k] >= threshold;
        if ((double)in_b <= fpr * (double)n_b && (double)in_a / (double)n_a > best)
            best = (double)in_a / (double)n_a;
    }
    return best;
}

static void test_definitions(void **state)
{
    (void)state;
    enum { MAX = 130 };
    struct cril_random g = cril_random_seed(7);
    double a[MAX], b[MAX];
    cril_separation s;
    cril_error err;

    for (int round = 0; round < 60; round++) {
        const size_t n_a = 1 + cril_random_below(&g, MAX), n_b = 1 + cril_random_below(&g, MAX);
        const uint32_t values = round % 2 ? 6 : 1000000; /* with many ties, with few */

        for (size_t i = 0; i < n_a; i++)
            a[i] = (double)cril_random_below(&g, values) + (round % 3 ? 0 : values / 4);
        for (size_t i = 0; i < n_b; i++)
            b[i] = (double)cril_random_below(&g, values);
        assert_int_equal(cril_separate(a, n_a, b, n_b, &wanted, &s, &err), CRIL_OK);
        assert_true(fabs(s.auc - auc_of(a, n_a, b, n_b)) < 1e-12);
        assert_true(s.tpr_1 == tpr_of(a, n_a, b, n_b, .01));
        assert_true(s.tpr_5 == tpr_of(a, n_a, b, n_b, .05));
        if (n_a < 2 || n_b < 2) {
            assert_int_equal(s.auc_interval.resamples, 0);
            continue;
        }
        assert_int_equal(s.auc_interval.resamples, wanted.resamples);
        assert_true(s.auc_interval.low <= s.auc_interval.high);
        assert_true(s.auc_interval.low >= 0 && s.auc_interval.high <= 1);
        assert_true(s.tpr_1_interval.low <= s.tpr_5_interval.low);
    }
}

static void test_known(void **state)
{
    (void)state;
    const double high[] = {5, 6, 7}, low[] = {1, 2, 3}, same[] = {4, 4, 4};
    cril_separation s;
    cril_error err;

    assert_int_equal(cril_separate(high, 3, low, 3, &wanted, &s, &err), CRIL_OK);
    assert_true(s.auc == 1 && s.tpr_1 == 1 && s.tpr_5 == 1);
    assert_true(s.auc_interval.low == 1 && s.tpr_1_interval.low == 1);
    assert_int_equal(cril_separate(low, 3, high, 3, &wanted, &s, &err), CRIL_OK);
    assert_true(s.auc == 0 && s.tpr_1 == 0 && s.tpr_5 == 0);
    assert_int_equal(cril_separate(same, 3, same, 3, &wanted, &s, &err), CRIL_OK);
    assert_true(s.auc == .5 && s.tpr_5 == 0);
    assert_true(s.auc_interval.low == .5 && s.auc_interval.high == .5);
}

/* Two samples of one distribution: some 95 of 100 intervals hold one half, 85 at the very least
 * (p < 1e-4 for 95, and a percentile interval is a little narrow). */
static void test_coverage(void **state)
{
    (void)state;
    enum { N = 80, ROUNDS = 100 };
    struct cril_random g = cril_random_seed(11);
    size_t n_hold = 0;

    for (size_t round = 0; round < ROUNDS; round++) {
        double a[N], b[N];
        cril_separation s;
        cril_error err;

        for (size_t i = 0; i < N; i++) {
            a[i] = cril_random_next(&g);
            b[i] = cril_random_next(&g);
        }
        assert_int_equal(cril_separate(a, N, b, N, &wanted, &s, &err), CRIL_OK);
        n_hold += s.auc_interval.low <= .5 && s.auc_interval.high >= .5;
    }
    assert_in_range(n_hold, 85, 100);
}

/* The same numbers for the same seed; others for another. */
static void test_seed(void **state)
{
    (void)state;
    enum { N = 40 };
    double a[N], b[N];
    struct cril_random g = cril_random_seed(3);
    cril_interval other = wanted;
    cril_separation x, y;
    cril_error err;

    for (size_t i = 0; i < N; i++) {
        a[i] = (double)cril_random_below(&g, 1000) + 200;
        b[i] = (double)cril_random_below(&g, 1000);
    }
    assert_int_equal(cril_separate(a, N, b, N, &wanted, &x, &err), CRIL_OK);
    assert_int_equal(cril_separate(a, N, b, N, &wanted, &y, &err), CRIL_OK);
    assert_memory_equal(&x, &y, sizeof(x));
    other.seed = 2;
    assert_int_equal(cril_separate(a, N, b, N, &other, &y, &err), CRIL_OK);
    assert_true(x.auc == y.auc && x.auc_interval.low != y.auc_interval.low);
}

static void test_refusals(void **state)
{
    (void)state;
    const double one[] = {1, 2}, bad[] = {1, NAN};
    cril_interval v = wanted;
    cril_separation s;
    cril_error err;

    assert_int_equal(cril_separate(one, 0, one, 2, &wanted, &s, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "first set has no document"));
    assert_int_equal(cril_separate(one, 2, one, 0, &wanted, &s, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "control has no document"));
    assert_int_equal(cril_separate(one, 2, bad, 2, &wanted, &s, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "document 1 of the control"));
    v.level = 1;
    assert_int_equal(cril_separate(one, 2, one, 2, &v, &s, &err), CRIL_ERR_RANGE);
    v = wanted;
    v.resamples = 0;
    assert_int_equal(cril_separate(one, 2, one, 2, &v, &s, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_separate(one, (size_t)UINT32_MAX + 1, one, 2, &wanted, &s, &err),
                     CRIL_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definitions), cmocka_unit_test(test_known),
        cmocka_unit_test(test_coverage),    cmocka_unit_test(test_seed),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
