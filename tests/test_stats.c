/*
 * Bootstrap intervals: against golden/bootstrap.txt, whose numbers scripts/make_bootstrap_golden.py
 * computes by other code in exact fractions, and by properties that need no other code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stats/sum.h"

#include <cril/stats.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_N = 100 };

static const char golden[] = CRIL_TEST_DATA "/golden/bootstrap.txt";

/*
 * The golden numbers are exact but for a last rounding. Ours add up to 100 doubles in order (each
 * addition 2^-53 of a sum of one sign), divide, subtract, and interpolate at a position that is off
 * by 2e-14: some 1e-14 in all. Where signs differ, the sums of the cases at hand lose less than a
 * digit. One wrong draw moves a result by 1e-5 or more.
 */
static const double tolerance = 1e-12;

static void check_close(const char *name, double got, double want)
{
    if (!(fabs(got - want) <= tolerance * fabs(want)))
        fail_msg("%s: %.17g, not %.17g", name, got, want);
}

static cril_status difference(const double *a, const double *a_denominator, const double *b,
                              const double *b_denominator, size_t n, cril_interval *v,
                              cril_error *err)
{
    const cril_pairs p = {n, a, a_denominator, b, b_denominator};

    return cril_bootstrap_difference(&p, 1, v, err);
}

static void read_numbers(FILE *f, double *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fscanf(f, "%lf", &out[i]), 1);
}

static void test_golden(void **state)
{
    FILE *f = fopen(golden, "r");
    char name[32], kind;
    size_t n, resamples, n_cases = 0;
    double level;
    uint64_t seed;

    (void)state;
    assert_non_null(f);
    while (fscanf(f, "%31s %c %zu %lf %zu %" SCNu64, name, &kind, &n, &level, &resamples, &seed) ==
           6) {
        cril_interval v = {
            .level = level, .resamples = resamples, .seed = seed, .low = NAN, .high = NAN};
        double columns[4][MAX_N], row[4], want[2];

        assert_true(n <= MAX_N);
        for (size_t i = 0; i < n; i++) {
            read_numbers(f, row, kind == 'd' ? 4 : 2);
            for (size_t k = 0; k < 4; k++)
                columns[k][i] = row[k];
        }
        read_numbers(f, want, 2);
        assert_int_equal(
            kind == 'd' ? difference(columns[0], columns[1], columns[2], columns[3], n, &v, NULL)
                        : cril_bootstrap_ratio(columns[0], columns[1], n, &v, NULL),
            CRIL_OK);
        check_close(name, v.low, want[0]);
        check_close(name, v.high, want[1]);
        assert_true(v.level == level && v.resamples == resamples && v.seed == seed);
        n_cases++;
    }
    assert_true(feof(f));
    fclose(f);
    assert_int_equal(n_cases, 13);
}

static uint64_t state64 = 20240607;

static double uniform(void)
{
    state64 = state64 * 6364136223846793005u + 1442695040888963407u;
    return (double)(state64 >> 11) * 0x1p-53;
}

/* Documents of 1 to 1000 characters at 1 to 3 bits each. */
static void fill(double *bits, double *characters, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        characters[i] = floor(1 + 1000 * uniform());
        bits[i] = characters[i] * (1 + 2 * uniform());
    }
}

static cril_interval of(double level, size_t resamples, uint64_t seed)
{
    return (cril_interval){
        .level = level, .resamples = resamples, .seed = seed, .low = -1, .high = -2};
}

/* 2.5 times a whole number is exact, so every resample has the same ratio to the bit. */
static void test_constant_ratio(void **state)
{
    double bits[50], characters[50];

    (void)state;
    fill(bits, characters, 50);
    for (size_t i = 0; i < 50; i++)
        bits[i] = 2.5 * characters[i];
    for (uint64_t seed = 0; seed < 10; seed++) {
        cril_interval v = of(0.95, 100, seed);

        assert_int_equal(cril_bootstrap_ratio(bits, characters, 50, &v, NULL), CRIL_OK);
        assert_true(v.low == 2.5 && v.high == 2.5);
    }
}

static void check_no_interval(const cril_pairs *p, size_t n)
{
    static const cril_interval none;
    cril_interval v = of(0.95, 200, 3);

    assert_int_equal(cril_bootstrap_difference(p, n, &v, NULL), CRIL_OK);
    assert_memory_equal(&v, &none, sizeof(v));
}

/* One document says nothing about the spread of documents, nor does one that alone has a
 * denominator. */
static void test_one_document(void **state)
{
    static const cril_interval none;
    static const double bits[] = {0, 0, 7, 0}, one[] = {0, 0, 2, 0}, two[] = {0, 1, 2, 0},
                        other[] = {3, 0, 2, 0};
    const cril_pairs good = {4, bits, two, bits, two},
                     alone = {1, bits + 2, two + 2, bits, two + 1},
                     pairs[] = {good, {4, bits, two, bits, other}};
    cril_interval v = of(0.95, 1000, 1);
    double se = 0;

    (void)state;
    assert_int_equal(cril_bootstrap_ratio(bits + 2, one + 2, 1, &v, NULL), CRIL_OK);
    assert_memory_equal(&v, &none, sizeof(v));
    v = of(0.95, 200, 3);
    assert_int_equal(cril_bootstrap_ratio(bits, one, 4, &v, NULL), CRIL_OK);
    assert_memory_equal(&v, &none, sizeof(v));
    check_no_interval(&alone, 1);
    check_no_interval(&pairs[1], 1); /* each has two, but not the same two */
    check_no_interval(pairs, 2);     /* one corpus of two has none */
    assert_int_equal(cril_ratio_error(bits, one, 4, &se, NULL), CRIL_OK);
    assert_true(isnan(se));
    v = of(0.95, 200, 3);
    assert_int_equal(cril_bootstrap_difference(&good, 1, &v, NULL), CRIL_OK);
    assert_true(v.resamples == 200 && v.low == 0 && v.high == 0);
}

/* The mean over corpora: two corpora of constant differences, and two whose draws are independent.
 */
static void test_mean_difference(void **state)
{
    enum { n = 60 };
    static double a[n], b[n], c[n], d[n], characters[n], more[n];
    cril_interval one = of(0.95, 2000, 5), two = one, v = one;

    (void)state;
    fill(a, characters, n);
    fill(b, more, n);
    for (size_t i = 0; i < n; i++) {
        c[i] = a[i] - 0.5 * characters[i];
        d[i] = b[i] + 0.25 * more[i];
    }
    {
        const cril_pairs p[] = {{n, a, characters, c, characters}, {n, b, more, d, more}};

        assert_int_equal(cril_bootstrap_difference(p, 2, &v, NULL), CRIL_OK);
        check_close("low", v.low, 0.125);
        check_close("high", v.high, 0.125);
    }
    for (size_t i = 0; i < n; i++) {
        c[i] = a[i] * (1 + 0.2 * uniform());
        d[i] = b[i] * (1 + 0.2 * uniform());
    }
    {
        const cril_pairs p[] = {{n, a, characters, c, characters}, {n, b, more, d, more}};
        double wide, narrow;

        v = one;
        assert_int_equal(cril_bootstrap_difference(&p[0], 1, &one, NULL), CRIL_OK);
        assert_int_equal(cril_bootstrap_difference(&p[1], 1, &two, NULL), CRIL_OK);
        assert_int_equal(cril_bootstrap_difference(p, 2, &v, NULL), CRIL_OK);
        wide = sqrt((one.high - one.low) * (one.high - one.low) +
                    (two.high - two.low) * (two.high - two.low)) /
               2;
        narrow = v.high - v.low; /* of a mean of two independent ones */
        if (!(fabs(narrow / wide - 1) < 0.1))
            fail_msg("width %g, not %g", narrow, wide);
    }
}

/* Two ratios that are equal but for rounding differ by 0 in every draw. */
static void test_same_ratios(void **state)
{
    double a[40], b[40], characters[40];
    cril_interval v = of(0.95, 300, 1);

    (void)state;
    fill(a, characters, 40);
    for (size_t i = 0; i < 40; i++)
        b[i] = a[i] * (1 + 0x1p-51);
    assert_int_equal(difference(a, characters, b, characters, 40, &v, NULL), CRIL_OK);
    assert_true(v.low == 0 && v.high == 0);
}

static void test_seeds(void **state)
{
    double bits[60], characters[60], b[60];
    cril_interval v, again, d, other;

    (void)state;
    fill(bits, characters, 60);
    fill(b, characters, 60);
    fill(bits, characters, 60);
    v = again = of(0.95, 500, 9);
    other = of(0.95, 500, 10);
    assert_int_equal(cril_bootstrap_ratio(bits, characters, 60, &v, NULL), CRIL_OK);
    assert_int_equal(cril_bootstrap_ratio(bits, characters, 60, &again, NULL), CRIL_OK);
    assert_int_equal(cril_bootstrap_ratio(bits, characters, 60, &other, NULL), CRIL_OK);
    assert_memory_equal(&v, &again, sizeof(v));
    assert_true(v.low < v.high);
    assert_true(v.low != other.low && v.high != other.high);
    d = again = of(0.95, 500, 9);
    assert_int_equal(difference(bits, characters, b, characters, 60, &d, NULL), CRIL_OK);
    assert_int_equal(difference(bits, characters, b, characters, 60, &again, NULL), CRIL_OK);
    assert_memory_equal(&d, &again, sizeof(d));
}

/* Higher levels reach further, and the ratio of all documents lies inside. */
static void test_levels(void **state)
{
    double bits[200], characters[200], above = 0, below = 0;
    cril_interval last = of(0, 0, 0);

    (void)state;
    fill(bits, characters, 200);
    for (size_t i = 0; i < 200; i++) {
        above += bits[i];
        below += characters[i];
    }
    for (int percent = 50; percent < 100; percent += 7) {
        cril_interval v = of(percent / 100.0, 1000, 11);

        assert_int_equal(cril_bootstrap_ratio(bits, characters, 200, &v, NULL), CRIL_OK);
        assert_true(v.low < above / below && above / below < v.high);
        if (percent > 50)
            assert_true(v.low < last.low && last.high < v.high);
        last = v;
    }
}

/* In pairs: identical series differ by exactly 0 in every resample, which independent draws would
 * not give. */
static void test_difference(void **state)
{
    double a[80], b[80], characters[80];
    cril_interval v = of(0.99, 500, 2), forth = v, back = v, alone = v;

    (void)state;
    fill(a, characters, 80);
    assert_int_equal(difference(a, characters, a, characters, 80, &v, NULL), CRIL_OK);
    assert_true(v.low == 0 && v.high == 0);
    for (size_t i = 0; i < 80; i++)
        b[i] = a[i] + 0.25 * characters[i]; /* always a quarter bit more */
    assert_int_equal(difference(b, characters, a, characters, 80, &forth, NULL), CRIL_OK);
    assert_int_equal(difference(a, characters, b, characters, 80, &back, NULL), CRIL_OK);
    check_close("low", forth.low, 0.25);
    check_close("high", forth.high, 0.25);
    check_close("low", back.low, -0.25);
    check_close("high", back.high, -0.25);
    /* the same draws as the ratio's: b of nothing leaves a's ratio */
    memset(b, 0, sizeof(b));
    v = of(0.99, 500, 2);
    assert_int_equal(difference(a, characters, b, characters, 80, &v, NULL), CRIL_OK);
    assert_int_equal(cril_bootstrap_ratio(a, characters, 80, &alone, NULL), CRIL_OK);
    assert_memory_equal(&v, &alone, sizeof(v));
}

static void check_refused(const double *a, const double *b, size_t n, cril_interval v,
                          cril_status want, const char *word)
{
    static const double one[MAX_N] = {1, 1, 1, 1};
    cril_error err = {.status = CRIL_OK};
    const cril_interval before = v;

    assert_int_equal(cril_bootstrap_ratio(a, b, n, &v, &err), want);
    assert_int_equal(err.status, want);
    if (!strstr(err.message, word))
        fail_msg("\"%s\" does not say \"%s\"", err.message, word);
    assert_int_equal(cril_bootstrap_ratio(a, b, n, &v, NULL), want);
    /* as the first and as the second of a pair */
    assert_int_equal(difference(a, b, one, one, n, &v, NULL), want);
    assert_int_equal(difference(one, one, a, b, n, &v, NULL), want);
    assert_memory_equal(&v, &before, sizeof(v));
}

static void test_errors(void **state)
{
    static const double levels[] = {0, 1, -0.5, 1.5, NAN, INFINITY, -INFINITY};
    static const double ones[] = {1, 1, 1, 1}, zeros[4];
    const cril_interval good = of(0.95, 100, 0);

    (void)state;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        check_refused(ones, ones, 4, of(levels[i], 100, 0), CRIL_ERR_RANGE, "level");
    check_refused(ones, ones, 4, of(0.95, 0, 0), CRIL_ERR_RANGE, "resample");
    check_refused(ones, ones, 4, of(0.95, SIZE_MAX, 0), CRIL_ERR_NOMEM, "memory");
    check_refused(ones, ones, 0, good, CRIL_ERR_RANGE, "0 documents");
    check_refused(ones, zeros, 4, good, CRIL_ERR_RANGE, "all denominators are zero");
    for (size_t at = 0; at < 4; at++) {
        static const double bad[] = {NAN, INFINITY, -INFINITY};
        double x[] = {1, 1, 1, 1};
        char word[32];

        snprintf(word, sizeof(word), "document %zu ", at);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            x[at] = bad[i];
            check_refused(x, ones, 4, good, CRIL_ERR_RANGE, word);
            check_refused(ones, x, 4, good, CRIL_ERR_RANGE, word);
        }
        x[at] = -1e-300;
        check_refused(ones, x, 4, good, CRIL_ERR_RANGE, word);
    }
#if SIZE_MAX > UINT32_MAX
    check_refused(ones, ones, (size_t)UINT32_MAX + 1, good, CRIL_ERR_RANGE, "documents");
#endif
}

/* Finite input, results that are not: sums, ratios, and the step between two ratios. */
static void test_too_large(void **state)
{
    static const double large[] = {1e308, 1e308, 1e308, 1e308},
                        tiny[] = {1e-10, 1e-10, 1e-10, 1e-10};
    static const double apart[] = {-4e307, 4e307}, quarter[] = {0.25, 0.25};

    (void)state;
    check_refused(large, tiny, 4, of(0.95, 100, 0), CRIL_ERR_RANGE, "too large");
    check_refused(tiny, large, 4, of(0.95, 100, 0), CRIL_ERR_RANGE, "too large");
    {
        static const double max[] = {1e307, 1e307, 1e307, 1e307};

        check_refused(max, tiny, 4, of(0.95, 100, 0), CRIL_ERR_RANGE, "too large");
    }
    for (uint64_t seed = 0; seed < 200; seed++) { /* some have the resamples -1.6e308 and 1.6e308 */
        cril_interval v = of(0.5, 2, seed);

        if (cril_bootstrap_ratio(apart, quarter, 2, &v, NULL) == CRIL_OK)
            assert_true(isfinite(v.low) && isfinite(v.high) && v.low <= v.high);
    }
}

/* By hand: R = 10/8, rests 1 - 2.5, 2 - 1.25, 7 - 6.25, so sum of squares 2.25 + 0.5625 + 0.5625
 * = 3.375; 3/2 of it is 5.0625. */
static void test_ratio_error(void **state)
{
    static const double b[] = {1, 2, 7}, c[] = {2, 1, 5}, same[] = {3, 6, 1.5},
                        twice[] = {6, 12, 3};
    static const double huge[] = {1e200, -1e200}, one[] = {1, 1}, none[] = {0, 0};
    double se = NAN;
    cril_error err;

    (void)state;
    assert_int_equal(cril_ratio_error(b, c, 3, &se, NULL), CRIL_OK);
    assert_true(se == 2.25 / 8);
    assert_int_equal(cril_ratio_error(twice, same, 3, &se, NULL), CRIL_OK);
    assert_true(se == 0);
    se = NAN;
    assert_int_equal(cril_ratio_error(b, c, 1, &se, NULL), CRIL_OK);
    assert_true(isnan(se)); /* not known, and not 0 */
    se = 7;
    assert_int_equal(cril_ratio_error(b, c, 0, &se, NULL), CRIL_OK);
    assert_true(isnan(se));
    se = 7;
    assert_int_equal(cril_ratio_error(one, none, 2, &se, &err), CRIL_OK);
    assert_true(isnan(se));
    se = 7;
    assert_int_equal(cril_ratio_error(huge, one, 2, &se, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "too large"));
    assert_int_equal(cril_ratio_error((double[]){1, NAN}, one, 2, &se, &err), CRIL_ERR_RANGE);
    assert_true(se == 7);
}

/* Near the bootstrap's spread, which is found another way. */
static void test_ratio_error_spread(void **state)
{
    double b[MAX_N], c[MAX_N], se, half;
    cril_interval v = {.level = 0.682689492137, .resamples = 4000, .seed = 7};

    (void)state;
    for (size_t i = 0; i < MAX_N; i++) {
        c[i] = 50 + (double)(i * 37 % 91);
        b[i] = c[i] * (0.8 + (double)(i * 53 % 101) / 250);
    }
    assert_int_equal(cril_bootstrap_ratio(b, c, MAX_N, &v, NULL), CRIL_OK);
    assert_int_equal(cril_ratio_error(b, c, MAX_N, &se, NULL), CRIL_OK);
    half = (v.high - v.low) / 2;
    if (!(se > 0.93 * half && se < 1.07 * half))
        fail_msg("standard error %g, half an interval of one sigma %g", se, half);
}

/* ---- sums ---- */

static double sum_of(const double *terms, size_t n)
{
    struct cril_sum s = {0};

    for (size_t i = 0; i < n; i++)
        cril_sum_add(&s, terms[i]);
    return cril_sum_value(&s);
}

/* Rounded once, as by hand. */
static void test_sum(void **state)
{
    static const double cancel[] = {1, 1e100, 1, -1e100},
                        tenths[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    static const double tie[] = {1, 0x1p-53}, above[] = {1, 0x1p-53, 0x1p-120},
                        below[] = {1, 0x1p-53, -0x1p-120}, odd[] = {1 + 0x1p-52, 0x1p-53},
                        negative[] = {-1, -0x1p-53, -0x1p-120}, bad[] = {1, INFINITY, -INFINITY, 1};

    (void)state;
    assert_true(sum_of(NULL, 0) == 0);
    assert_true(sum_of(cancel, 4) == 2);
    assert_true(sum_of(tenths, 10) == 1); /* in order, in double, it is 0.9999999999999999 */
    assert_true(sum_of(tie, 2) == 1);     /* to even */
    assert_true(sum_of(odd, 2) == 1 + 0x1p-51);
    assert_true(sum_of(above, 3) == 1 + 0x1p-52);
    assert_true(sum_of(below, 3) == 1);
    assert_true(sum_of(negative, 3) == -1 - 0x1p-52);
    assert_true(isnan(sum_of(bad, 4)));
}

static void test_sum_in_any_order(void **state)
{
    enum { n = 200 };
    double terms[n], first = 0;

    (void)state;
    for (size_t i = 0; i < n; i++)
        terms[i] = ldexp(uniform() - 0.5, (int)(400 * uniform()) - 200);
    for (int k = 0; k < 50; k++) {
        for (size_t i = n - 1; i > 0; i--) {
            const size_t other = (size_t)(uniform() * (double)(i + 1));
            const double kept = terms[i];

            terms[i] = terms[other];
            terms[other] = kept;
        }
        if (!k)
            first = sum_of(terms, n);
        assert_true(sum_of(terms, n) == first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),       cmocka_unit_test(test_constant_ratio),
        cmocka_unit_test(test_one_document), cmocka_unit_test(test_mean_difference),
        cmocka_unit_test(test_same_ratios),  cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_levels),       cmocka_unit_test(test_difference),
        cmocka_unit_test(test_errors),       cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_ratio_error),  cmocka_unit_test(test_ratio_error_spread),
        cmocka_unit_test(test_sum),          cmocka_unit_test(test_sum_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
