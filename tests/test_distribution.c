/*
 * Student's t and the normal distribution: against 50-digit values (mpmath's incomplete beta
 * function and erfc, which scipy 1.17 meets to 1e-11), closed forms, and each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cril/distribution.h>
#include <float.h>
#include <math.h>

static void check_close(const char *name, double a, double df, double got, double want,
                        double tolerance)
{
    if (!(fabs(got - want) <= tolerance * fabs(want)))
        fail_msg("%s(%.17g, %g): %.17g, not %.17g", name, a, df, got, want);
}

static void test_quantile(void **state)
{
    static const struct {
        double p, df, t;
    } want[] = {
        {0.25, 1, -1.0},
        {0.05, 1, -6.3137515146750427},
        {0.025, 1, -12.706204736174704},
        {0.005, 1, -63.65674116287158},
        {1e-10, 1, -3183098861.8379066},
        {0.25, 2, -0.81649658092772603},
        {0.05, 2, -2.9199855803537256},
        {0.025, 2, -4.3026527297494637},
        {0.005, 2, -9.924843200918293},
        {1e-10, 2, -70710.678108048149},
        {0.25, 3, -0.76489232840434528},
        {0.05, 3, -2.3533634348018238},
        {0.025, 3, -3.1824463052837095},
        {0.005, 3, -5.8409093097333572},
        {1e-10, 3, -2225.7692846830932},
        {0.25, 5, -0.72668684380042265},
        {0.05, 5, -2.0150483733330242},
        {0.025, 5, -2.5705818356363155},
        {0.005, 5, -4.0321429835552281},
        {1e-10, 5, -156.82559270889432},
        {0.25, 17, -0.6891950751539389},
        {0.05, 17, -1.739606726075073},
        {0.025, 17, -2.1098155778333171},
        {0.005, 17, -2.8982305196774187},
        {1e-10, 17, -13.322907036156315},
        {0.25, 29, -0.68304386082161315},
        {0.025, 29, -2.0452296421327043},
        {1e-10, 29, -9.5179655049378312},
        {0.05, 100, -1.6602343260853395},
        {0.025, 100, -1.9839715185235523},
        {1e-10, 100, -7.0833754814007225},
        {0.25, INFINITY, -0.67448975019608174},
        {0.05, INFINITY, -1.6448536269514727},
        {0.025, INFINITY, -1.9599639845400542},
        {0.005, INFINITY, -2.5758293035489008},
        {1e-10, INFINITY, -6.3613409024040562},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        check_close("quantile", want[i].p, want[i].df, cril_student_quantile(want[i].p, want[i].df),
                    want[i].t, 1e-13);
        if (want[i].p == 0.25) /* 1 - p is exact */
            check_close("quantile", 0.75, want[i].df, cril_student_quantile(0.75, want[i].df),
                        -want[i].t, 1e-13);
    }
}

static void test_cdf(void **state)
{
    static const struct {
        double t, df, beyond;
    } want[] = {
        {1e-05, 1, 0.49999681690113827},
        {0.5, 1, 0.35241638234956673},
        {2, 1, 0.14758361765043327},
        {9, 1, 0.035223287477277274},
        {30, 1, 0.010606402405535423},
        {0.5, 2, 0.33333333333333333},
        {9, 2, 0.0060608300463934341},
        {30, 2, 0.00055463134097982946},
        {0.5, 3, 0.3257239824240755},
        {30, 3, 4.0676402135819797e-5},
        {1e-05, 5, 0.49999620393310185},
        {0.5, 5, 0.3191494358204645},
        {2, 5, 0.050969739414929178},
        {9, 5, 0.00014133998712194853},
        {30, 5, 3.859324310248026e-7},
        {0.5, 17, 0.31174260328285567},
        {2, 17, 0.030869303265059582},
        {9, 17, 3.5430924602789347e-8},
        {30, 17, 1.8264663409562943e-16},
        {2, 29, 0.027471818591483595},
        {30, 29, 1.0988724225494025e-23},
        {0.5, 100, 0.30908678291544329},
        {9, 100, 7.6803852573752069e-15},
        {30, 100, 4.1901662793441461e-52},
        {1e-05, INFINITY, 0.49999601057719605},
        {0.5, INFINITY, 0.3085375387259869},
        {2, INFINITY, 0.022750131948179207},
        {9, INFINITY, 1.1285884059538406e-19},
        {30, INFINITY, 4.9067139271481871e-198},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        check_close("cdf", -want[i].t, want[i].df, cril_student_cdf(-want[i].t, want[i].df),
                    want[i].beyond, 2e-13);
        check_close("cdf", want[i].t, want[i].df, cril_student_cdf(want[i].t, want[i].df),
                    1 - want[i].beyond, 1e-15);
    }
    assert_true(cril_normal_cdf(-2) == cril_student_cdf(-2, INFINITY));
    assert_true(cril_normal_quantile(0.01) == cril_student_quantile(0.01, INFINITY));
}

/* Two degrees of freedom have a closed form: P(T > t) = 1 / (r (r + t)), r = sqrt(t^2 + 2). */
static void test_two_degrees(void **state)
{
    (void)state;
    for (int k = -60; k <= 300; k++) {
        double t = pow(10, k / 4.0), r = sqrt(t * t + 2), want = 1 / (r * (r + t));

        if (t < 1e70)
            check_close("cdf", -t, 2, cril_student_cdf(-t, 2), want, 1e-12);
    }
}

/* There and back, over all of p and degrees of freedom that are whole or not. */
static void test_round_trip(void **state)
{
    static const double dfs[] = {1, 1.5, 2, 3, 4.25, 7, 12, 31, 100, 1234.5, 1e6, INFINITY};

    (void)state;
    for (size_t i = 0; i < sizeof(dfs) / sizeof(dfs[0]); i++) {
        double last = -INFINITY;

        for (int k = 300; k >= 1; k--) {
            double p = pow(10, -k), t = cril_student_quantile(p, dfs[i]);

            assert_true(t > last);
            check_close("round trip", p, dfs[i], cril_student_cdf(t, dfs[i]), p,
                        dfs[i] == 1e6 ? 1e-8 : 1e-10);
            last = t;
        }
        for (int k = 1; k < 512; k++) { /* p and 1 - p are exact */
            double p = k / 1024.0, t = cril_student_quantile(p, dfs[i]);

            assert_true(t > last || k < 104);
            assert_true(cril_student_quantile(1 - p, dfs[i]) == -t);
            check_close("round trip", p, dfs[i], cril_student_cdf(t, dfs[i]), p,
                        dfs[i] == 1e6 ? 1e-8 : 1e-10);
            last = t;
        }
    }
}

/* The two ways of computing meet: no step where one takes over from the other. */
static void test_monotone(void **state)
{
    static const double dfs[] = {1, 3, 17, 100, INFINITY};

    (void)state;
    for (size_t i = 0; i < sizeof(dfs) / sizeof(dfs[0]); i++)
        for (int k = 1; k < 8000; k++) {
            double a = cril_student_cdf(-k / 1000.0, dfs[i]),
                   b = cril_student_cdf(-(k + 1) / 1000.0, dfs[i]);

            assert_true(b < a && a < 0.5);
            assert_true(b > a * (1 - 0.0095)); /* the normal's hazard at 8 is 8.1 */
        }
}

static void test_edges(void **state)
{
    static const double bad_df[] = {0, 0.5, -1, NAN, -INFINITY, 2e9};
    static const double bad_p[] = {-0.1, 1.1, NAN, DBL_MIN / 2};

    (void)state;
    assert_true(cril_student_cdf(0, 3) == 0.5 && cril_student_cdf(-0.0, 3) == 0.5);
    assert_true(cril_student_cdf(INFINITY, 3) == 1 && cril_student_cdf(-INFINITY, 3) == 0);
    assert_true(cril_normal_cdf(INFINITY) == 1 && cril_normal_cdf(-INFINITY) == 0);
    assert_true(cril_normal_cdf(-1e200) == 0 && cril_normal_cdf(1e200) == 1);
    check_close("cdf", -1e200, 1, cril_student_cdf(-1e200, 1), 1 / (3.14159265358979324 * 1e200),
                1e-11);
    assert_true(cril_student_cdf(-1e200, 2) == 0); /* 2.5e-401 */
    check_close("cdf", -1e-300, 5, cril_student_cdf(-1e-300, 5), 0.5, 0);
    assert_true(cril_student_quantile(0.5, 7) == 0);
    assert_true(isinf(cril_student_quantile(0, 7)) && cril_student_quantile(0, 7) < 0);
    assert_true(isinf(cril_student_quantile(1, 7)) && cril_student_quantile(1, 7) > 0);
    assert_true(isfinite(cril_student_quantile(DBL_MIN, 1)) &&
                isfinite(cril_normal_quantile(DBL_MIN)));
    check_close("quantile", DBL_MIN, 1, cril_student_quantile(DBL_MIN, 1),
                -1 / (3.14159265358979324 * DBL_MIN), 1e-11);
    check_close("quantile", 0.5 - DBL_EPSILON, INFINITY, cril_normal_quantile(0.5 - DBL_EPSILON),
                -2.50662827463100050 * DBL_EPSILON, 1e-13);
    assert_true(isnan(cril_student_cdf(NAN, 3)));
    for (size_t i = 0; i < sizeof(bad_df) / sizeof(bad_df[0]); i++) {
        assert_true(isnan(cril_student_cdf(1, bad_df[i])));
        assert_true(isnan(cril_student_quantile(0.3, bad_df[i])));
    }
    for (size_t i = 0; i < sizeof(bad_p) / sizeof(bad_p[0]); i++)
        assert_true(isnan(cril_student_quantile(bad_p[i], 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantile),    cmocka_unit_test(test_cdf),
        cmocka_unit_test(test_two_degrees), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_monotone),    cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
