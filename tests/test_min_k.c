/* Min-K%: against its definition, spelled out another way, for every length up to 250. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leak/min_k.h"
#include "util/random.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* The mean of the `count` smallest, taken out one by one. */
static double mean_of_smallest(const double *values, size_t n, size_t count)
{
    bool taken[256] = {false};
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        size_t least = n;

        for (size_t k = 0; k < n; k++)
            if (!taken[k] && (least == n || values[k] < values[least]))
                least = k;
        taken[least] = true;
        sum += values[least];
    }
    return sum / (double)count;
}

static void check(const double *values, size_t n, const unsigned *shares, size_t n_shares)
{
    double sorted[256], out[CRIL_MIN_K_PLUS_PLUS_N];

    memcpy(sorted, values, n * sizeof(*values));
    cril_min_k(sorted, n, shares, n_shares, out);
    for (size_t i = 0; i < n_shares; i++)
        assert_true(fabs(out[i] - mean_of_smallest(values, n, n * shares[i] / 100)) < 1e-12);
}

static void test_definition(void **state)
{
    (void)state;
    struct cril_random g = cril_random_seed(2);
    double values[250];

    for (size_t n = CRIL_MIN_K_TOKENS; n <= 250; n++) {
        for (size_t i = 0; i < n; i++)
            values[i] = (double)cril_random_below(&g, 200) / -16;
        check(values, n, cril_min_k_shares, CRIL_MIN_K_N);
        check(values, n, cril_min_k_plus_plus_shares, CRIL_MIN_K_PLUS_PLUS_N);
    }
}

static void test_shares(void **state)
{
    (void)state;
    double values[CRIL_MIN_K_TOKENS], out[CRIL_MIN_K_N];

    for (size_t i = 0; i < CRIL_MIN_K_TOKENS; i++)
        values[i] = -(double)i;
    assert_int_equal(cril_min_k_shares[0], 5);
    assert_int_equal(cril_min_k_plus_plus_shares[CRIL_MIN_K_PLUS_PLUS_N - 1], 100);
    cril_min_k(values, CRIL_MIN_K_TOKENS, cril_min_k_shares, CRIL_MIN_K_N, out);
    assert_true(out[0] == -19); /* a single token */
    assert_true(out[1] == -18.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_shares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
