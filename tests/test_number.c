/*
 * Numbers as text: fewest digits by trying all shorter ones, what is read and what is refused, JSON
 * in pieces. tests/locale.sh runs these and others in foreign locales.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "util/fail.h"
#include "util/number.h"
#include "util/random.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct cril_random generator = {1};

static double of_bits(uint64_t bits)
{
    double v;

    memcpy(&v, &bits, sizeof(v));
    return v;
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static double read_back(const char *text)
{
    double v = NAN;

    if (!cril_number_read(text, &v))
        fail_msg("\"%s\" is not read", text);
    return v;
}

/* The locale that a test is run in is the one that it was to be run in. */
static void test_locale(void **state)
{
    const char *wanted = getenv("CRIL_TEST_LOCALE");
    char text[16];

    (void)state;
    snprintf(text, sizeof(text), "%.1f", 0.5);
    if (wanted)
        assert_string_not_equal(text, "0.5");
    assert_true(!wanted || strcmp(setlocale(LC_NUMERIC, NULL), wanted) == 0);
}

/* ---- writing ---- */

static void test_texts(void **state)
{
    static const struct {
        double v;
        int digits;
        const char *text;
    } rows[] = {
        {0, 17, "0"},
        {-0.0, 17, "-0"},
        {0.1, 17, "0.1"},
        {0.1 + 0.2, 17, "0.30000000000000004"},
        {-1.5, 17, "-1.5"},
        {100, 17, "100"},
        {1e-7, 17, "1e-7"},
        {1e-4, 17, "0.0001"},
        {1e20, 17, "1e20"},
        {-2.5e-300, 17, "-2.5e-300"},
        {9007199254740993.0, 17, "9007199254740992"},
        {1.0 / 3, 17, "0.3333333333333333"},
        {1.0 / 3, 12, "0.333333333333"},
        {1.0 / 3, 9, "0.333333333"},
        {2.0 / 3, 1, "0.7"},
        {0.5, 9, "0.5"},
        {28.999999999999996, 15, "29"},
        {DBL_MAX, 17, "1.7976931348623157e308"},
        {DBL_MIN, 17, "2.2250738585072014e-308"},
        {0x1p-1074, 17, "5e-324"},
        {0x1p-44, 17, "5.684341886080802e-14"}, /* not the nearest of 16 digits, which is below */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[CRIL_NUMBER_SIZE];

        assert_string_equal(cril_number_write(text, rows[i].v, rows[i].digits), rows[i].text);
    }
}

static size_t count_digits(const char *text)
{
    const char *end = text + strcspn(text, "e"), *last = end;
    size_t n = 0;

    text += strspn(text, "-0.");
    while (!strchr(text, '.') && last > text && last[-1] == '0')
        last--;
    for (; text < last; text++)
        n += *text != '.';
    return n;
}

/* Some decimal of n digits is v: the nearest or one beside it. */
static bool has_digits(double v, int n)
{
    char text[64];

    for (int step = -1; step <= 1; step++) {
        long long mantissa = 0;
        char *e;

        snprintf(text, sizeof(text), "%.*e", n - 1, fabs(v));
        e = strchr(text, 'e');
        for (const char *p = text; p < e; p++)
            if (*p >= '0' && *p <= '9')
                mantissa = 10 * mantissa + (*p - '0');
        snprintf(text, sizeof(text), "%llde%ld", mantissa + step, strtol(e + 1, NULL, 10) - n + 1);
        if (same_bits(read_back(text), fabs(v)))
            return true;
    }
    return false;
}

static void expect_shortest(double v)
{
    char text[CRIL_NUMBER_SIZE];
    size_t n;

    cril_number_write(text, v, CRIL_NUMBER_EXACT);
    if (!same_bits(read_back(text), v))
        fail_msg("%a is written %s", v, text);
    n = count_digits(text);
    if (n > 1 && has_digits(v, (int)n - 1))
        fail_msg("%a is written %s, of %zu digits where fewer do", v, text, n);
}

static void test_shortest(void **state)
{
    (void)state;
    for (int e = -1074; e < 1024; e++) {
        expect_shortest(ldexp(1, e));
        expect_shortest(-nextafter(ldexp(1, e), 0));
        expect_shortest(nextafter(ldexp(1, e), INFINITY));
    }
    for (size_t i = 0; i < 20000; i++) {
        const uint64_t high = cril_random_next(&generator), low = cril_random_next(&generator);
        const double v = of_bits(high << 32 ^ low << 1 ^ (high & 1));

        if (isfinite(v))
            expect_shortest(v);
        expect_shortest((double)(high % 100000) / 1000);
    }
}

/* ---- reading ---- */

static void test_read(void **state)
{
    static const struct {
        const char *text;
        double v;
    } good[] = {
        {"0", 0},        {"-0", -0.0},
        {"+1", 1},       {"1.5", 1.5},
        {".5", 0.5},     {"5.", 5},
        {"1e3", 1000},   {"1E+3", 1000},
        {"25e-1", 2.5},  {"0.1", 0.1},
        {"1e-400", 0},   {"1e400", INFINITY},
        {"007.50", 7.5}, {"4.9e-324", 0x1p-1074},
    };
    static const char *const bad[] = {"",
                                      "-",
                                      ".",
                                      "e5",
                                      "1e",
                                      "1e+",
                                      "1,5",
                                      "1 ",
                                      " 1",
                                      "0x1",
                                      "1.2.3",
                                      "nan",
                                      "inf",
                                      "infinity",
                                      "1e5x",
                                      "1_0",
                                      "--1",
                                      "\xD9\xAB"
                                      "5",
                                      "1\xD9\xAB"
                                      "5",
                                      "1f"};
    double v = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(same_bits(read_back(good[i].text), good[i].v));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (cril_number_read(bad[i], &v))
            fail_msg("\"%s\" is read", bad[i]);
    assert_false(cril_number_read(NULL, &v));
    assert_true(v == 7);
}

/* ---- JSON and sentences ---- */

static void test_json(void **state)
{
    static const char in[] = "{\"a \\\"0.10000000000000001\\\\\": 0.10000000000000001, \"b\": "
                             "[1, -2.0, 1e22, true, null, 0.30000000000000004], \"1.50\": -17, "
                             "\"\xE2\x80\xAE\xC2\x9B\x7F\": \"\xC3\xA9\xF0\x9F\x98\x80\\\\\"}\n",
                      want[] = "{\"a \\\"0.10000000000000001\\\\\": 0.1, \"b\": "
                               "[1, -2.0, 1e22, true, null, 0.30000000000000004], \"1.50\": -17, "
                               "\"\\u202e\\u009b\\u007f\": \"\xC3\xA9\xF0\x9F\x98\x80\\\\\"}\n";

    (void)state;
    for (size_t piece = 1; piece < sizeof(in); piece++) {
        char out[sizeof(want) + 1] = "";
        cril_json_filter filter = {.file = fmemopen(out, sizeof(out), "w")};

        assert_non_null(filter.file);
        for (size_t at = 0; at < sizeof(in) - 1; at += piece)
            assert_int_equal(
                cril_json_filter_put(in + at, at + piece < sizeof(in) ? piece : sizeof(in) - 1 - at,
                                     &filter),
                0);
        fclose(filter.file);
        assert_string_equal(out, want);
    }
}

static void test_json_disk_full(void **state)
{
    cril_json_filter filter = {.file = fopen("/dev/full", "w")};

    (void)state;
    if (!filter.file)
        skip();
    setvbuf(filter.file, NULL, _IONBF, 0);
    assert_int_equal(cril_json_filter_put("[1.5]", 5, &filter), -1);
    fclose(filter.file);
}

static void test_sentence(void **state)
{
    cril_error err;

    (void)state;
    cril_fail(&err, CRIL_ERR_RANGE, "threshold %g, level %.2f", 0.5, 0.25);
    assert_string_equal(err.message, "threshold 0.5, level 0.25");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locale),   cmocka_unit_test(test_texts),
        cmocka_unit_test(test_shortest), cmocka_unit_test(test_read),
        cmocka_unit_test(test_json),     cmocka_unit_test(test_json_disk_full),
        cmocka_unit_test(test_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
