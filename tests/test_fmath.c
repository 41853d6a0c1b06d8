/*
 * The functions of the numeric contract against the C library in a wider format: fp32 against
 * double, double against long double. That a kernel computes the same bits is test_kernels.c's
 * matter; here is how far the bits are from the truth, and that is what fmath.h states.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "util/fmath.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* A long double of 53 bits (some platforms) is no reference for 1e-14. */
#define HAVE_WIDE (LDBL_MANT_DIG >= 64)

static uint64_t seed = 1;

static double uniform(double low, double high)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * ((double)(seed >> 11) * 0x1p-53);
}

/* Distance in units of the last place that a float next to `exact` has; exact is normal. */
static double ulps(float got, double exact)
{
    int e;

    frexp(exact, &e);
    return fabs((double)got - exact) / ldexp(1, e - 24);
}

static void check_expf(float x)
{
    if (!(ulps(cril_expf(x), exp((double)x)) < 2))
        fail_msg("expf(%a) = %a, %g ulp away", (double)x, (double)cril_expf(x),
                 ulps(cril_expf(x), exp((double)x)));
}

static void test_expf(void **state)
{
    (void)state;
    for (uint32_t u = 0; u <= 0x42B00000; u += 997) { /* every 997th float in [-87, 88] */
        const union cril_bits32 plus = {.u = u}, minus = {.u = u | 0x80000000};

        check_expf(plus.f);
        if (plus.f <= 87)
            check_expf(minus.f);
    }
    for (int i = 0; i <= 175 * 4096; i++) /* evenly: floats crowd at 0 */
        check_expf(-87 + (float)i / 4096);
    for (int k = -125; k <= 126; k++) /* both sides of where the integer changes */
        for (int step = -8; step <= 8; step++) {
            union cril_bits32 x = {.f = (float)((k + 0.5) * 0.69314718055994531)};

            x.i += step;
            check_expf(x.f);
        }
}

static void test_expf_ends(void **state)
{
    (void)state;
    assert_true(cril_expf(0.0f) == 1 && cril_expf(-0.0f) == 1);
    assert_true(cril_expf(-87.0f) > 0);
    assert_true(cril_expf(nextafterf(-87, -100)) == 0);
    for (float x = -87.5f; x > -1e30f; x *= 3)
        assert_true(cril_expf(x) == 0 && !signbit(cril_expf(x)));
    assert_true(cril_expf(-FLT_MAX) == 0 && cril_expf(-INFINITY) == 0);
    for (float x = 88; x < 1e30f; x *= 3)
        assert_true(cril_expf(x) == cril_expf(88.0f));
    assert_true(cril_expf(INFINITY) == cril_expf(88.0f) && isfinite(cril_expf(88.0f)));
}

/*
 * One addition and one division after an exp of 2 ulp: 4 ulp of the value. Where e^-x is clamped
 * the true value is below |x| e^-88, which is nothing beside |x|.
 */
static void close_to(const char *what, float x, float got, double exact)
{
    const double max = 4 * FLT_EPSILON * fabs(exact) + 1e-37 * (1 + fabs((double)x));

    if (!(fabs((double)got - exact) <= max))
        fail_msg("%s(%a) = %a, not %a", what, (double)x, (double)got, exact);
}

static void check_activations(float x)
{
    const double d = (double)x, y = d * fma(d * d, 0.0713548162726, 1.59576912161);

    close_to("silu", x, cril_siluf(x), d / (1 + exp(-d)));
    /* y itself has 3 roundings, which exp(-y) turns into a relative error of about 3 |y| ulp where
     * it matters at all */
    {
        const double exact = d / (1 + exp(-y)), share = 1 / (1 + exp(y));
        const double max =
            (4 + 3 * fabs(y) * share) * FLT_EPSILON * fabs(exact) + 1e-37 * (1 + fabs(d));

        if (!(fabs((double)cril_geluf(x) - exact) <= max))
            fail_msg("gelu(%a) = %a, not %a", d, (double)cril_geluf(x), exact);
    }
}

static void test_activations(void **state)
{
    (void)state;
    assert_true(cril_siluf(0) == 0 && cril_geluf(0) == 0);
    assert_true(cril_siluf(1000) == 1000 && cril_geluf(1000) == 1000);
    for (int i = -100 * 2048; i <= 100 * 2048; i++)
        check_activations((float)i / 2048);
    for (float x = 1e-37f; x < 1e6f; x *= 1.01f) {
        check_activations(x);
        check_activations(-x);
    }
    /* the definition itself: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    for (int i = -8 * 512; i <= 8 * 512; i++) {
        const double x = (double)i / 512, root = 0.79788456080286535588;
        const double exact = 0.5 * x * (1 + tanh(root * (x + 0.044715 * x * x * x)));

        assert_true(fabs((double)cril_geluf((float)x) - exact) < 1e-6 * (1 + fabs(x)));
    }
}

/* x Phi(x), and tanh, against the C library's in double. */
static void check_others(float x)
{
    const double d = x, gelu = d * 0.5 * erfc(-d * 0.70710678118654752), one = fabs(d) + 1;

    if (!(fabs((double)cril_gelu_erff(x) - gelu) <= 2.5e-7 * fmin(one, fabs(d))))
        fail_msg("gelu(%a) = %a, not %a", d, (double)cril_gelu_erff(x), gelu);
    if (!(fabs((double)cril_gelu_quickf(x) - d / (1 + exp(-1.702 * d))) <= 4e-7 * one))
        fail_msg("quick gelu(%a) = %a", d, (double)cril_gelu_quickf(x));
    if (!(fabs((double)cril_tanhf(x) - tanh(d)) <= 3 * FLT_EPSILON * fabs(tanh(d)) + 1e-44))
        fail_msg("tanh(%a) = %a, not %a", d, (double)cril_tanhf(x), tanh(d));
}

static void test_others(void **state)
{
    (void)state;
    for (int i = -100 * 2048; i <= 100 * 2048; i++)
        check_others((float)i / 2048);
    for (float x = 1e-37f; x < 1e6f; x *= 1.01f) {
        check_others(x);
        check_others(-x);
    }
}

/* Relative 1e-14, and absolute `more` beside it. */
static void check_wide(const char *what, double x, double got, long double exact, long double more)
{
    if (!(fabsl((long double)got - exact) <= 1e-14L * fabsl(exact) + more))
        fail_msg("%s(%a) = %a, relative error %g", what, x, got,
                 (double)fabsl(((long double)got - exact) / exact));
}

static void test_exp(void **state)
{
    (void)state;
    assert_true(cril_exp(0) == 1);
    assert_true(cril_exp(nextafter(-700, -800)) == 0 && cril_exp(-1e300) == 0 &&
                cril_exp(-INFINITY) == 0);
    if (!HAVE_WIDE)
        skip();
    for (int i = 0; i < 300000; i++) {
        const double wide = uniform(-700, 700), narrow = uniform(-1, 1);

        check_wide("exp", wide, cril_exp(wide), expl((long double)wide), 0);
        check_wide("exp", narrow, cril_exp(narrow), expl((long double)narrow), 0);
    }
    check_wide("exp", -700, cril_exp(-700), expl(-700), 0);
    check_wide("exp", 700, cril_exp(700), expl(700), 0);
    for (double x = 1e-300; x < 1; x *= 7)
        check_wide("exp", -x, cril_exp(-x), expl(-(long double)x), 0);
}

static void test_log(void **state)
{
    (void)state;
    assert_true(cril_log(1) == 0);
    if (!HAVE_WIDE)
        skip();
    for (int i = 0; i < 300000; i++) {
        const double any = ldexp(uniform(1, 2), (int)uniform(-1022, 1023)),
                     near = uniform(0.4, 2.5);

        check_wide("log", any, cril_log(any), logl((long double)any), 0);
        check_wide("log", near, cril_log(near), logl((long double)near), 0);
    }
    for (double d = 0.25; d > 1e-16; d /= 1.5) { /* close to 1, where the logarithm vanishes */
        check_wide("log", 1 + d, cril_log(1 + d), logl((long double)(1 + d)), 0);
        check_wide("log", 1 - d, cril_log(1 - d), logl((long double)(1 - d)), 0);
    }
    check_wide("log", DBL_MIN, cril_log(DBL_MIN), logl((long double)DBL_MIN), 0);
    check_wide("log", DBL_MAX, cril_log(DBL_MAX), logl((long double)DBL_MAX), 0);
}

static void check_angle(double x)
{
    double s, c;

    cril_sincos(x, &s, &c);
    check_wide("sin", x, s, sinl((long double)x), 1e-29L);
    check_wide("cos", x, c, cosl((long double)x), 1e-29L);
}

static void test_sincos(void **state)
{
    double s, c;

    (void)state;
    cril_sincos(0, &s, &c);
    assert_true(s == 0 && c == 1);
    if (!HAVE_WIDE)
        skip();
    for (int i = 0; i < 300000; i++) {
        check_angle(uniform(-7, 7));
        check_angle(uniform(-1e5, 1e5));
        check_angle(uniform(-1e8, 1e8));
    }
    for (int i = 0; i < 200000; i++) /* rope: a position is an angle of the first pair */
        check_angle(i);
    /* the double next to a multiple of pi/2 is where a short reduction would lose all digits */
    for (int k = 1; k < 63661977; k += 1 + k / 1000) {
        const double x = (double)(k * 1.57079632679489661923132169163975144L);

        check_angle(x);
        check_angle(-x);
        check_angle(nextafter(x, 0));
    }
    check_angle(
        0x1.b951f1572eba5p+23); /* of all these the one with the largest relative error, 5e-13 */
}

static void check_softplus(float x)
{
    const double exact = x > 0 ? (double)x + log1p(exp(-(double)x)) : log1p(exp((double)x));

    if (!(ulps(cril_softplusf(x), exact) < 3))
        fail_msg("softplus(%a) = %a, %g ulp away", (double)x, (double)cril_softplusf(x),
                 ulps(cril_softplusf(x), exact));
}

static void test_softplus(void **state)
{
    (void)state;
    for (uint32_t u = 0; u <= 0x42AE0000; u += 997) { /* every 997th float in [-87, 87] */
        const union cril_bits32 plus = {.u = u}, minus = {.u = u | 0x80000000};

        check_softplus(plus.f);
        check_softplus(minus.f);
    }
    for (int i = 0; i <= 174 * 4096; i++) /* evenly: floats crowd at 0 */
        check_softplus(-87 + (float)i / 4096);
    for (float x = 20; x < 1e30f; x *= 1.7f)
        assert_true(cril_softplusf(x) == x);
    for (float x = 88; x < 1e30f; x *= 3)
        assert_true(cril_softplusf(-x) == 0);
    assert_true(isinf(cril_softplusf(INFINITY)) && cril_softplusf(-INFINITY) == 0);
    assert_true(isnan(cril_softplusf(NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expf),        cmocka_unit_test(test_expf_ends),
        cmocka_unit_test(test_activations), cmocka_unit_test(test_others),
        cmocka_unit_test(test_softplus),    cmocka_unit_test(test_exp),
        cmocka_unit_test(test_log),         cmocka_unit_test(test_sincos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
