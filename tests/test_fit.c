/*
 * Lines through models: against golden/fit.txt, whose numbers scripts/fit_oracle.py computes by
 * other code with 50 digits; against published results; and by what must hold whatever the points
 * are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fit_values.h"

#include <stdlib.h>

#define PATH CRIL_TEST_DATA "/golden/fit.txt"

static void check_within(const char *name, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: %.17g, not %.17g", name, got, want);
}

static void check_close(const char *name, double got, double want, double relative)
{
    check_within(name, got, want, relative * fabs(want));
}

/*
 * 1e-9 of the number, or of a thousandth where it is smaller: golden numbers have 12 digits, ours
 * lose one to four of their 16 on points of near one x. A wrong formula or draw misses by far more.
 */
static void check_number(const char *set, const char *group, size_t k, double got, double want)
{
    if (got == want || (isnan(got) && isnan(want)))
        return;
    if (!(fabs(got - want) <= 1e-9 * fmax(fabs(want), 1e-3)))
        fail_msg("%s: %s, number %zu: %.17g, not %.17g", set, group, k, got, want);
}

static void test_golden(void **state)
{
    static struct fit_case c;
    static struct fit_groups got;
    FILE *f = fopen(PATH, "r");
    size_t n_sets = 0;

    (void)state;
    assert_non_null(f);
    while (fit_case_read(f, &c)) {
        size_t n_groups;
        cril_error err;

        if (fit_compute(&c, &got, &err) != CRIL_OK)
            fail_msg("%s: %s", c.name, err.message);
        assert_int_equal(fscanf(f, "%zu", &n_groups), 1);
        assert_int_equal(got.n, n_groups);
        for (size_t i = 0; i < n_groups; i++) {
            char name[24];

            assert_int_equal(fscanf(f, "%23s", name), 1);
            assert_string_equal(got.g[i].name, name);
            for (size_t k = 0; k < got.g[i].n; k++) {
                double want;

                assert_int_equal(fscanf(f, "%lf", &want), 1); /* reads nan and inf too */
                check_number(c.name, name, k, got.g[i].v[k], want);
            }
        }
        n_sets++;
    }
    assert_true(feof(f));
    fclose(f);
    assert_int_equal(n_sets, 45);
}

static cril_points points(size_t n, const double *x, const double *y)
{
    return (cril_points){.n = n, .x = x, .y = y};
}

static cril_line line_of(const cril_points *p)
{
    cril_line l;
    cril_error err;

    if (cril_line_fit(p, 0.95, &l, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return l;
}

/* (0, 0), (1, 1), (2, 1): all by hand. One degree of freedom is the Cauchy distribution: P(|T| >
 * sqrt 3) = 1/3. */
static void test_three_by_hand(void **state)
{
    const double x[] = {0, 1, 2}, y[] = {0, 1, 1};
    const cril_points p = points(3, x, y);
    const cril_line l = line_of(&p);
    const double t = 12.706204736174704, s = sqrt(1.0 / 6);
    cril_point_fit f[3];
    cril_prediction at;
    size_t n_flagged;

    (void)state;
    check_close("slope", l.slope.value, 0.5, 1e-15);
    check_close("intercept", l.intercept.value, 1.0 / 6, 1e-15);
    check_close("residual se", l.residual_se, s, 1e-15);
    check_close("rmse", l.rmse, sqrt(1.0 / 18), 1e-15);
    check_close("r", l.pearson, sqrt(0.75), 1e-15);
    check_close("r2", l.r_squared, 0.75, 1e-15);
    check_close("rho", l.spearman, sqrt(0.75), 1e-15); /* ranks 1, 2.5, 2.5 */
    check_close("p", l.p_value, 1.0 / 3, 1e-14);
    check_close("slope se", l.slope.se, s / sqrt(2), 1e-15);
    check_close("slope low", l.slope.low, 0.5 - t * s / sqrt(2), 1e-14);
    check_close("intercept se", l.intercept.se, s * sqrt(1.0 / 3 + 0.5), 1e-15);
    assert_true(l.pearson_low == -1 && l.pearson_high == 1);
    assert_int_equal(cril_line_diagnose(&p, 2, f, &n_flagged, NULL), CRIL_OK);
    check_close("leverage", f[0].leverage, 5.0 / 6, 1e-15);
    check_close("leverage", f[1].leverage, 1.0 / 3, 1e-15);
    for (size_t i = 0; i < 3; i++) { /* with one degree of freedom all residuals are as large */
        check_close("internal", f[i].internal, i == 1 ? 1 : -1, 1e-14);
        assert_true(isnan(f[i].external) && !f[i].flagged);
    }
    check_close("cook", f[0].cook, 2.5, 1e-14);
    assert_int_equal(n_flagged, 0);
    assert_int_equal(cril_line_predict(&l, 3, 0.25, 0.95, &at, NULL), CRIL_OK);
    check_close("at 3", at.mean.value, 5.0 / 3, 1e-15);
    check_close("mean se", at.mean.se, sqrt((1.0 / 3 + 2) / 6 + 0.25 / 16), 1e-15);
    check_close("new se", at.new_model.se, sqrt((1.0 / 3 + 3) / 6 + 0.25 / 16), 1e-15);
    check_close("new high", at.new_model.high, 5.0 / 3 + t * at.new_model.se, 1e-14);
    assert_true(at.extrapolated);
}

/* Anscombe 1973: four sets that differ in everything but these figures, which are his. */
static void test_anscombe(void **state)
{
    static const double x[] = {10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5};
    static const double x4[] = {8, 8, 8, 8, 8, 8, 8, 19, 8, 8, 8};
    static const double y[4][11] = {
        {8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68},
        {9.14, 8.14, 8.74, 8.77, 9.26, 8.1, 6.13, 3.1, 9.13, 7.26, 4.74},
        {7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73},
        {6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.5, 5.56, 7.91, 6.89},
    };
    cril_point_fit f[11];
    cril_left_out out[11];
    cril_left_out_total total;
    size_t n_flagged;

    (void)state;
    for (int k = 0; k < 4; k++) {
        const cril_points p = points(11, k == 3 ? x4 : x, y[k]);
        const cril_line l = line_of(&p);

        check_within("slope", l.slope.value, 0.5, 0.0005);
        check_within("intercept", l.intercept.value, 3, 0.005);
        check_within("slope se", l.slope.se, 0.118, 0.0005);
        check_within("r2", l.r_squared, 0.667, 0.001);
        check_within("residual sum of squares", 9 * l.residual_se * l.residual_se, 13.75, 0.03);
        assert_int_equal(cril_line_diagnose(&p, 3, f, &n_flagged, NULL), CRIL_OK);
        assert_int_equal(n_flagged, k == 2);
        if (k == 2) /* ten points on a line, but for rounding, and one off it */
            assert_true(f[2].flagged && f[2].external > 1000);
        if (k == 3) {
            assert_true(f[7].leverage == 1 && f[7].residual == 0);
            assert_true(isnan(f[7].internal) && isnan(f[7].external) && isnan(f[7].cook));
            assert_int_equal(cril_line_leave_out(&p, out, NULL, &total, NULL), CRIL_OK);
            assert_int_equal(out[7].status, CRIL_LEFT_OUT_ONE_X);
            assert_true(isnan(out[7].rmse) && isnan(out[7].slope));
            assert_true(total.n_families == 11 && total.n_families_used == 10 &&
                        total.n_points_used == 10);
        }
    }
}

/* NIST StRD "Norris", with the certified values. */
static void test_norris(void **state)
{
    static const double y[] = {0.1,   338.8, 118.1, 888.0, 9.2,   228.1, 668.5, 998.5, 449.1,
                               778.9, 559.2, 0.3,   0.1,   778.1, 668.8, 339.3, 448.9, 10.8,
                               557.7, 228.3, 998.0, 888.8, 119.6, 0.3,   0.6,   557.6, 339.3,
                               888.0, 998.5, 778.9, 10.2,  117.6, 228.9, 668.4, 449.2, 0.2};
    static const double x[] = {0.2,   337.4, 118.2, 884.6, 10.1,  226.5, 666.3, 996.3, 448.6,
                               777.0, 558.2, 0.4,   0.6,   775.5, 666.9, 338.0, 447.5, 11.6,
                               556.0, 228.1, 995.8, 887.6, 120.2, 0.3,   0.3,   556.8, 339.1,
                               887.2, 999.0, 779.0, 11.1,  118.3, 229.2, 669.1, 448.9, 0.5};
    const cril_points p = points(36, x, y);
    const cril_line l = line_of(&p);

    (void)state;
    check_close("intercept", l.intercept.value, -0.262323073774029, 1e-12);
    check_close("intercept se", l.intercept.se, 0.232818234301152, 1e-12);
    check_close("slope", l.slope.value, 1.00211681802045, 1e-12);
    check_close("slope se", l.slope.se, 0.429796848199937e-3, 1e-12);
    check_close("residual se", l.residual_se, 0.884796396144373, 1e-12);
    check_close("r2", l.r_squared, 0.999993745883712, 1e-12);
}

/* Pearson's points with York's weights: slope and intercept as printed since York 1969, errors as
 * in York et al. 2004. */
static void test_pearson_york(void **state)
{
    static const double x[] = {0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4};
    static const double y[] = {5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5};
    static const double x_weight[] = {1000, 1000, 500, 800, 200, 80, 60, 20, 1.8, 1};
    static const double y_weight[] = {1, 1.8, 4, 8, 20, 20, 70, 70, 100, 500};
    double x_se[10], y_se[10];
    cril_points p = points(10, x, y);
    cril_line_both b;

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        x_se[i] = sqrt(1 / x_weight[i]);
        y_se[i] = sqrt(1 / y_weight[i]);
    }
    p.x_se = x_se;
    p.y_se = y_se;
    assert_int_equal(cril_line_york(&p, 0.95, &b, NULL), CRIL_OK);
    check_within("slope", b.slope.value, -0.480533, 1e-6);
    check_within("intercept", b.intercept.value, 5.47991, 1e-5);
    check_within("slope se", b.slope.se, 0.0580, 0.0001);
    check_within("intercept se", b.intercept.se, 0.295, 0.0001);
    check_within("reduced chi square", b.reduced_chi_square, 11.8664 / 8, 1e-4);
}

/* ---- random points ---- */

static uint64_t state64;

static double uniform(void)
{
    state64 = state64 * 6364136223846793005u + 1442695040888963407u;
    return (double)(state64 >> 11) * 0x1p-53;
}

enum { N = 24 };

struct sample {
    double x[N], y[N], x_se[N], y_se[N];
    uint32_t family[N];
};

static struct sample sample(uint64_t seed)
{
    struct sample s;

    state64 = seed;
    for (size_t i = 0; i < N; i++) {
        s.x[i] = 0.35 + 0.5 * uniform();
        s.y[i] = 1.2 - 1.3 * s.x[i] + 0.1 * (uniform() + uniform() - 1);
        s.x_se[i] = 0.002 + 0.01 * uniform();
        s.y_se[i] = 0.005 + 0.02 * uniform();
        s.family[i] = (uint32_t)(uniform() * 6);
    }
    return s;
}

static cril_points points_of(const struct sample *s)
{
    return (cril_points){N, s->x, s->y, s->x_se, s->y_se, s->family};
}

static cril_line_both york_of(const cril_points *p)
{
    cril_line_both b;

    assert_int_equal(cril_line_york(p, 0.95, &b, NULL), CRIL_OK);
    return b;
}

static cril_line_both deming_of(const cril_points *p, double ratio)
{
    cril_line_both b;

    assert_int_equal(cril_line_deming(p, ratio, 0.95, &b, NULL), CRIL_OK);
    return b;
}

/* The order of points and the names of families change nothing but roundings. */
static void test_permutation(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const struct sample s = sample(seed);
        struct sample q = s;
        size_t from[N];
        cril_point_fit fs[N], fq[N];
        cril_left_out out[N];
        cril_left_out_total ts, tq;
        double ys[N], yq[N];

        for (size_t i = 0; i < N; i++)
            from[i] = i;
        for (size_t i = N - 1; i > 0; i--) {
            size_t k = (size_t)(uniform() * (double)(i + 1)), t = from[i];

            from[i] = from[k];
            from[k] = t;
        }
        for (size_t i = 0; i < N; i++) {
            q.x[i] = s.x[from[i]];
            q.y[i] = s.y[from[i]];
            q.x_se[i] = s.x_se[from[i]];
            q.y_se[i] = s.y_se[from[i]];
            q.family[i] = 4000000000u - 77 * s.family[from[i]];
        }
        {
            const cril_points p = points_of(&s), r = points_of(&q);
            const cril_line a = line_of(&p), b = line_of(&r);
            const cril_line_both ya = york_of(&p), yb = york_of(&r);

            check_close("slope", b.slope.value, a.slope.value, 1e-12);
            check_close("slope low", b.slope.low, a.slope.low, 1e-12);
            check_close("intercept", b.intercept.value, a.intercept.value, 1e-12);
            check_close("r", b.pearson, a.pearson, 1e-12);
            check_close("rho", b.spearman, a.spearman, 1e-12);
            check_close("rmse", b.rmse, a.rmse, 1e-12);
            check_close("york", yb.slope.value, ya.slope.value, 1e-12);
            check_close("york se", yb.slope.se, ya.slope.se, 1e-12);
            assert_int_equal(cril_line_diagnose(&p, 2, fs, NULL, NULL), CRIL_OK);
            assert_int_equal(cril_line_diagnose(&r, 2, fq, NULL, NULL), CRIL_OK);
            assert_int_equal(cril_line_leave_out(&p, out, ys, &ts, NULL), CRIL_OK);
            assert_int_equal(cril_line_leave_out(&r, out, yq, &tq, NULL), CRIL_OK);
            check_close("left out", tq.rmse, ts.rmse, 1e-12);
            for (size_t i = 0; i < N; i++) {
                check_within("external", fq[i].external, fs[from[i]].external, 1e-11);
                check_close("predicted", yq[i], ys[from[i]], 1e-12);
            }
        }
    }
}

/* Other units: powers of two change no digit, so everything follows exactly. */
static void test_scale(void **state)
{
    const struct sample s = sample(5);
    struct sample q = s;
    const cril_points p = points_of(&s), r = points_of(&q);
    cril_line a, b;
    cril_line_bootstrap ba = {.level = 0.9, .resamples = 300, .seed = 4}, bb = ba;
    cril_point_fit fa[N], fb[N];
    cril_line_both ya, yb;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        q.x[i] = 8 * s.x[i];
        q.x_se[i] = 8 * s.x_se[i];
        q.y[i] = s.y[i] / 4;
        q.y_se[i] = s.y_se[i] / 4;
    }
    a = line_of(&p);
    b = line_of(&r);
    assert_true(b.slope.value == a.slope.value / 32 && b.slope.se == a.slope.se / 32 &&
                b.slope.low == a.slope.low / 32);
    assert_true(b.intercept.high == a.intercept.high / 4 && b.rmse == a.rmse / 4);
    assert_true(b.pearson == a.pearson && b.spearman == a.spearman && b.p_value == a.p_value);
    assert_int_equal(cril_line_resample(&p, &ba, NULL), CRIL_OK);
    assert_int_equal(cril_line_resample(&r, &bb, NULL), CRIL_OK);
    assert_true(bb.slope.low == ba.slope.low / 32 && bb.pearson.high == ba.pearson.high &&
                bb.rmse.low == ba.rmse.low / 4);
    assert_int_equal(cril_line_diagnose(&p, 2, fa, NULL, NULL), CRIL_OK);
    assert_int_equal(cril_line_diagnose(&r, 2, fb, NULL, NULL), CRIL_OK);
    for (size_t i = 0; i < N; i++)
        assert_true(fa[i].external == fb[i].external && fa[i].cook == fb[i].cook &&
                    fa[i].leverage == fb[i].leverage);
    ya = york_of(&p);
    yb = york_of(&r);
    check_close("york", yb.slope.value, ya.slope.value / 32, 1e-14);
    check_close("york se", yb.slope.se, ya.slope.se / 32, 1e-14);
}

/* Far from zero: only the intercept moves. */
static void test_shift(void **state)
{
    const struct sample s = sample(6);
    struct sample q = s;
    const cril_points p = points_of(&s), r = points_of(&q);
    const cril_line a = line_of(&p);
    cril_line b;

    (void)state;
    for (size_t i = 0; i < N; i++)
        q.x[i] = s.x[i] + 1024;
    b = line_of(&r);
    check_close("slope", b.slope.value, a.slope.value, 1e-11);
    check_close("residual se", b.residual_se, a.residual_se, 1e-11);
    check_close("r", b.pearson, a.pearson, 1e-11);
}

/* Errors in both variables: x and y play the same part, and without errors of x it is the plain
 * line. */
static void test_both(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const struct sample s = sample(seed);
        const cril_points p = points_of(&s), turned = {N, s.y, s.x, s.y_se, s.x_se, s.family};
        const cril_line plain = line_of(&p);
        const cril_line_both a = york_of(&p), b = york_of(&turned);
        const cril_line_both d = deming_of(&p, 0.25), e = deming_of(&turned, 4);
        static const double exact[N];
        double equal[N];
        cril_points q = p;
        cril_line_both c;

        check_close("york turned", b.slope.value, 1 / a.slope.value, 1e-12);
        check_close("york turned", b.intercept.value, -a.intercept.value / a.slope.value, 1e-12);
        check_close("chi", b.reduced_chi_square, a.reduced_chi_square, 1e-11);
        check_close("deming turned", e.slope.value, 1 / d.slope.value, 1e-12);
        check_close("steeper", fmin(fabs(d.slope.value), fabs(plain.slope.value)),
                    fabs(plain.slope.value), 0);
        /* equal errors: York's line is Deming's, and its widened errors are Deming's too */
        for (size_t i = 0; i < N; i++)
            equal[i] = 0x1p-10;
        q.x_se = q.y_se = equal;
        c = york_of(&q);
        check_close("york is deming", c.slope.value, deming_of(&p, 1).slope.value, 1e-12);
        assert_true(c.reduced_chi_square > 1);
        check_close("se", c.slope.se * c.scale, deming_of(&p, 1).slope.se, 1e-12);
        check_close("low", c.slope.low, deming_of(&p, 1).slope.low, 1e-12);
        /* x exact: the plain line; its error is that of the plain line once scaled */
        q.x_se = exact;
        c = york_of(&q);
        check_close("plain", c.slope.value, plain.slope.value, 1e-13);
        check_close("plain se", c.slope.se * c.scale, plain.slope.se, 1e-12);
        check_close("plain high", c.intercept.high, plain.intercept.high, 1e-12);
        check_close("deming, x exact", deming_of(&p, 1e14).slope.value, plain.slope.value, 1e-12);
    }
}

static void test_exact_line(void **state)
{
    static const double x[] = {0.1, 0.3, 0.7, 0.9, 1.1};
    double y[5];
    const cril_points p = points(5, x, y);
    cril_point_fit f[5];
    cril_line l;
    cril_line_bootstrap b = {.level = 0.95, .resamples = 50, .seed = 1};
    size_t n_flagged;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        y[i] = 1.7 - 0.9 * x[i];
    l = line_of(&p);
    assert_true(l.pearson == -1 && l.pearson_low == -1 && l.pearson_high == -1 &&
                l.spearman == -1 && l.p_value == 0);
    assert_true(l.rmse == 0 && l.residual_se == 0 && l.slope.se == 0 &&
                l.slope.low == l.slope.high);
    check_close("slope", l.slope.value, -0.9, 1e-15);
    assert_int_equal(cril_line_diagnose(&p, 2, f, &n_flagged, NULL), CRIL_OK);
    assert_int_equal(n_flagged, 0);
    for (size_t i = 0; i < 5; i++)
        assert_true(f[i].residual == 0 && isnan(f[i].internal) && isnan(f[i].external) &&
                    isnan(f[i].cook));
    assert_int_equal(cril_line_resample(&p, &b, NULL), CRIL_OK);
    assert_true(b.pearson.low == -1 && b.pearson.high == -1 && b.rmse.high == 0);
    y[2] += 0.125; /* the others still lie on it: infinitely far off */
    assert_int_equal(cril_line_diagnose(&p, 2, f, &n_flagged, NULL), CRIL_OK);
    assert_true(isinf(f[2].external) && f[2].external > 0 && f[2].flagged);
}

static void test_bootstrap(void **state)
{
    const struct sample s = sample(9);
    cril_points p = points_of(&s);
    cril_line_bootstrap models = {
        .unit = CRIL_RESAMPLE_MODELS, .level = 0.95, .resamples = 400, .seed = 3};
    cril_line_bootstrap families = models, again = models, other = models;
    const cril_line l = line_of(&p);

    (void)state;
    families.unit = CRIL_RESAMPLE_FAMILIES;
    assert_int_equal(cril_line_resample(&p, &models, NULL), CRIL_OK);
    assert_int_equal(cril_line_resample(&p, &families, NULL), CRIL_OK);
    assert_int_equal(models.n_units, N);
    assert_int_equal(families.n_units, 6);
    assert_true(models.slope.low < l.slope.value && l.slope.value < models.slope.high);
    assert_true(families.slope.low < l.slope.value && l.slope.value < families.slope.high);
    /* the same seed, the same bits; each model a family of its own: the same draws */
    assert_int_equal(cril_line_resample(&p, &again, NULL), CRIL_OK);
    assert_memory_equal(&again, &models, sizeof(models));
    p.family = NULL;
    again.unit = CRIL_RESAMPLE_FAMILIES;
    assert_int_equal(cril_line_resample(&p, &again, NULL), CRIL_OK);
    assert_true(again.slope.low == models.slope.low && again.rmse.high == models.rmse.high);
    other.seed = 4;
    assert_int_equal(cril_line_resample(&p, &other, NULL), CRIL_OK);
    assert_true(other.slope.low != models.slope.low);
}

/* Three points, two of one x: 1/27 + 8/27 + ... of the draws have one x or one y and must be made
 * anew. */
static void test_redrawn(void **state)
{
    const double x[] = {0.5, 0.5, 0.75}, y[] = {0.25, 0.5, 0.25};
    const cril_points p = points(3, x, y);
    cril_line_bootstrap b = {.level = 0.5, .resamples = 2000, .seed = 8};

    (void)state;
    assert_int_equal(cril_line_resample(&p, &b, NULL), CRIL_OK);
    /* fine: all three (6 of 27), points 1 and 2 (6 of 27): so 15 of 27 are drawn anew */
    check_within("redrawn", (double)b.redrawn / (double)(b.redrawn + 2000), 15.0 / 27, 0.03);
    assert_true(b.pearson.low >= -1 && b.pearson.high < 0);
}

static void test_leave_out(void **state)
{
    const struct sample s = sample(10);
    struct sample q = s;
    cril_points p = points_of(&s);
    cril_left_out out[N];
    cril_left_out_total total, alone;
    cril_point_fit f[N];
    double predicted[N], squares = 0;
    size_t n = 0;

    (void)state;
    assert_int_equal(cril_line_leave_out(&p, out, predicted, &total, NULL), CRIL_OK);
    for (size_t k = 0; k < total.n_families; k++) {
        squares += out[k].rmse * out[k].rmse * (double)out[k].n;
        n += out[k].n;
        assert_int_equal(out[k].family, s.family[out[k].first]);
        assert_true(k == 0 || out[k].first > out[k - 1].first);
        assert_true(fabs(out[k].mean_error) <= out[k].rmse * (1 + 1e-14));
    }
    assert_int_equal(n, N);
    assert_int_equal(total.n_points_used, N);
    check_close("rmse", total.rmse, sqrt(squares / N), 1e-13);
    assert_true(total.rmse < total.rmse_of_mean);
    /* leave-one-out is residual / (1 - leverage): Cook & Weisberg 1982 */
    p.family = NULL;
    assert_int_equal(cril_line_leave_out(&p, out, predicted, &alone, NULL), CRIL_OK);
    assert_int_equal(cril_line_diagnose(&p, 2, f, NULL, NULL), CRIL_OK);
    for (size_t i = 0; i < N; i++)
        check_within("leave-one-out", s.y[i] - predicted[i], f[i].residual / (1 - f[i].leverage),
                     1e-14);
    /* a family so large that 2 points stay */
    p = points_of(&q);
    for (size_t i = 0; i < N; i++)
        q.family[i] = i < N - 2;
    assert_int_equal(cril_line_leave_out(&p, out, predicted, &total, NULL), CRIL_OK);
    assert_int_equal(out[0].status, CRIL_LEFT_OUT_TOO_FEW);
    assert_int_equal(out[1].status, CRIL_LEFT_OUT_OK);
    assert_true(isnan(predicted[0]) && !isnan(predicted[N - 1]));
    assert_true(total.n_families == 2 && total.n_families_used == 1 && total.n_points_used == 2);
    check_close("rmse", total.rmse, out[1].rmse, 1e-15);
}

/* ---- refusals ---- */

static void check_refused(const cril_points *p, cril_status want, const char *word)
{
    cril_error err = {.status = CRIL_OK};
    cril_line l, l_before;
    cril_point_fit f[N], f_before[N];
    cril_left_out out[N];
    cril_left_out_total total;
    cril_line_both both;
    cril_line_bootstrap b = {.level = 0.9, .resamples = 10, .seed = 1}, b_before = b;

    memset(&l, 7, sizeof(l));
    memset(f, 7, sizeof(f));
    l_before = l;
    memcpy(f_before, f, sizeof(f));
    assert_int_equal(cril_line_fit(p, 0.95, &l, &err), want);
    assert_int_equal(err.status, want);
    if (!strstr(err.message, word))
        fail_msg("\"%s\" does not say \"%s\"", err.message, word);
    assert_int_equal(cril_line_diagnose(p, 2, f, NULL, NULL), want);
    assert_int_equal(cril_line_resample(p, &b, NULL), want);
    assert_int_equal(cril_line_leave_out(p, out, NULL, &total, NULL), want);
    assert_int_equal(cril_line_york(p, 0.95, &both, NULL), want);
    assert_int_equal(cril_line_deming(p, 1, 0.95, &both, NULL), want);
    assert_memory_equal(&l, &l_before, sizeof(l));
    assert_memory_equal(f, f_before, sizeof(f));
    assert_memory_equal(&b, &b_before, sizeof(b));
}

static void test_refused_points(void **state)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY, 1e101};
    const struct sample s = sample(11);

    (void)state;
    for (size_t n = 0; n < 3; n++) {
        const cril_points p = points(n, s.x, s.y);

        check_refused(&p, CRIL_ERR_RANGE, "at least 3, and 3 leave 1 degree of freedom");
    }
    for (size_t at = 0; at < N; at += 7)
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            struct sample q = s;
            const cril_points p = points_of(&q);
            char word[32];

            snprintf(word, sizeof(word), "x[%zu] is ", at);
            q.x[at] = bad[i];
            check_refused(&p, CRIL_ERR_RANGE, word);
            q.x[at] = 1;
            q.y[at] = bad[i];
            word[0] = 'y';
            check_refused(&p, CRIL_ERR_RANGE, word);
        }
    {
        struct sample q = s;
        const cril_points p = points_of(&q);

        for (size_t i = 0; i < N; i++)
            q.x[i] = 0.1;
        check_refused(&p, CRIL_ERR_RANGE, "all 24 points have x 0.1");
        for (size_t i = 0; i < N; i++)
            q.x[i] = 1e-160 * (double)i;
        check_refused(&p, CRIL_ERR_RANGE, "too little to square");
        q = s;
        for (size_t i = 0; i < N; i++)
            q.y[i] = 0.3;
        check_refused(&p, CRIL_ERR_RANGE, "all 24 points have y 0.3");
    }
}

/* v times 1 + a few 2^-52: what is equal on paper, added up another way. */
static double nudged(double v)
{
    return v * (1 + floor(9 * uniform() - 4) * 0x1p-52);
}

/* One x and one y are so but for rounding, for every function. */
static void test_one_but_for_rounding(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct sample q = sample(seed);
        const cril_points p = points_of(&q);

        for (size_t i = 0; i < N; i++)
            q.x[i] = nudged(0.55);
        check_refused(&p, CRIL_ERR_RANGE, "all 24 points have x 0.55");
        q = sample(seed);
        for (size_t i = 0; i < N; i++)
            q.y[i] = nudged(0.3);
        check_refused(&p, CRIL_ERR_RANGE, "all 24 points have y 0.3");
    }
}

/* Few points with many ties, in x and in y. */
enum { FEW = 7 };

struct figures {
    cril_status status;
    cril_line line;
    cril_point_fit each[FEW];
    cril_left_out left[FEW];
    cril_left_out_total total;
    cril_line_bootstrap models, families;
    cril_line_both york, deming;
    cril_status st_left, st_families, st_york, st_deming;
};

static struct figures figures_of(const struct sample *s)
{
    const cril_points p = {FEW, s->x, s->y, s->x_se, s->y_se, s->family};
    struct figures f = {.models = {.level = 0.9, .resamples = 60, .seed = 4}};

    f.families = f.models;
    f.families.unit = CRIL_RESAMPLE_FAMILIES;
    if ((f.status = cril_line_fit(&p, 0.95, &f.line, NULL)) != CRIL_OK)
        return f;
    assert_int_equal(cril_line_diagnose(&p, 2, f.each, NULL, NULL), CRIL_OK);
    assert_int_equal(cril_line_resample(&p, &f.models, NULL), CRIL_OK);
    f.st_families = cril_line_resample(&p, &f.families, NULL);
    f.st_left = cril_line_leave_out(&p, f.left, NULL, &f.total, NULL);
    f.st_york = cril_line_york(&p, 0.95, &f.york, NULL);
    f.st_deming = cril_line_deming(&p, 1, 0.95, &f.deming, NULL);
    return f;
}

static void check_as(const char *name, double got, double want)
{
    if (isnan(got) != isnan(want) || isinf(got) != isinf(want))
        fail_msg("%s: %.17g, not %.17g", name, got, want);
    if (isfinite(want))
        check_within(name, got, want, 1e-9 * fmax(fabs(want), 1e-3));
}

/* Whatever asks whether numbers are equal gets the same answer for those that are so but for
 * rounding: ranks, redraws, families and points left out, a point that holds the slope. */
static void test_ties_but_for_rounding(void **state)
{
    size_t n_fitted = 0, n_one_x = 0, n_held = 0, n_redrawn = 0, n_both = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct sample s = sample(seed), q;
        struct figures a, b;

        for (size_t i = 0; i < FEW; i++) {
            s.x[i] = seed % 4 ? 0.3 + floor(3 * uniform()) * 0.2 : i == 2 ? 0.7 : 0.3;
            s.y[i] = 0.2 + floor(4 * uniform()) * 0.1;
            s.family[i] = (uint32_t)(uniform() * 4);
        }
        a = figures_of(&s);
        q = s;
        for (size_t i = 0; i < FEW; i++) {
            q.x[i] = nudged(s.x[i]);
            q.y[i] = nudged(s.y[i]);
        }
        b = figures_of(&q);
        assert_int_equal(a.status, b.status);
        if (a.status != CRIL_OK)
            continue;
        check_as("slope", b.line.slope.value, a.line.slope.value);
        check_as("slope se", b.line.slope.se, a.line.slope.se);
        check_as("r", b.line.pearson, a.line.pearson);
        check_as("r high", b.line.pearson_high, a.line.pearson_high);
        assert_true(a.line.spearman == b.line.spearman);
        for (size_t i = 0; i < FEW; i++) {
            check_as("leverage", b.each[i].leverage, a.each[i].leverage);
            check_as("external", b.each[i].external, a.each[i].external);
            check_as("Cook", b.each[i].cook, a.each[i].cook);
            n_held += a.each[i].leverage == 1;
        }
        assert_int_equal(a.models.redrawn, b.models.redrawn);
        check_as("over models", b.models.slope.high, a.models.slope.high);
        check_as("over models", b.models.pearson.low, a.models.pearson.low);
        assert_int_equal(a.st_families, b.st_families);
        assert_int_equal(a.families.redrawn, b.families.redrawn);
        check_as("over families", b.families.intercept.low, a.families.intercept.low);
        assert_int_equal(a.st_left, b.st_left);
        for (size_t k = 0; a.st_left == CRIL_OK && k < a.total.n_families; k++) {
            assert_int_equal(a.left[k].status, b.left[k].status);
            check_as("left out", b.left[k].rmse, a.left[k].rmse);
            n_one_x += a.left[k].status == CRIL_LEFT_OUT_ONE_X;
        }
        assert_int_equal(a.st_york, b.st_york);
        check_as("york", b.york.slope.value, a.york.slope.value);
        assert_int_equal(a.st_deming, b.st_deming);
        check_as("deming", b.deming.slope.value, a.deming.slope.value);
        n_fitted++;
        n_redrawn += a.models.redrawn;
        n_both += a.st_deming == CRIL_OK;
    }
    assert_true(n_fitted > 300 && n_one_x > 30 && n_held > 30 && n_redrawn > 1000 && n_both > 200);
}

/* An x at the line's end is not beyond it for a rounding. */
static void test_extrapolated(void **state)
{
    static const double x[] = {0.1 + 0.2, 0.5, 0.7}, y[] = {0.6, 0.5, 0.1};
    const cril_points p = points(3, x, y);
    const cril_line l = line_of(&p);
    cril_prediction at, known;

    (void)state;
    assert_true(x[0] > 0.3);
    assert_int_equal(cril_line_predict(&l, 0.3, 0, 0.95, &at, NULL), CRIL_OK);
    assert_false(at.extrapolated);
    assert_int_equal(cril_line_predict(&l, 0.7 * (1 + 0x1p-51), NAN, 0.95, &at, NULL), CRIL_OK);
    assert_false(at.extrapolated);
    assert_true(isnan(at.x_se)); /* not known: left out of the intervals */
    assert_int_equal(cril_line_predict(&l, 0.7 * (1 + 0x1p-51), 0, 0.95, &known, NULL), CRIL_OK);
    assert_true(at.new_model.se == known.new_model.se);
    assert_int_equal(cril_line_predict(&l, 0.7 * (1 + 1e-12), 0, 0.95, &at, NULL), CRIL_OK);
    assert_true(at.extrapolated);
}

static void check_says(cril_status st, cril_status want, const cril_error *err, const char *word)
{
    assert_int_equal(st, want);
    assert_int_equal(err->status, want);
    if (!strstr(err->message, word))
        fail_msg("\"%s\" does not say \"%s\"", err->message, word);
}

static void test_refused_arguments(void **state)
{
    static const double levels[] = {0, 1, -0.5, 1.5, NAN, INFINITY};
    static const double not_positive[] = {0, -1, NAN};
    const struct sample s = sample(12);
    struct sample q = s;
    cril_points p = points_of(&q);
    cril_line l = line_of(&p);
    cril_line_both both;
    cril_prediction at;
    cril_point_fit f[N];
    cril_left_out out[N];
    cril_left_out_total total;
    cril_line_bootstrap b = {.level = 0.9, .resamples = 10};
    cril_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        b.level = levels[i];
        check_says(cril_line_fit(&p, levels[i], &l, &err), CRIL_ERR_RANGE, &err, "level");
        check_says(cril_line_predict(&l, 0.5, 0, levels[i], &at, &err), CRIL_ERR_RANGE, &err,
                   "level");
        check_says(cril_line_york(&p, levels[i], &both, &err), CRIL_ERR_RANGE, &err, "level");
        check_says(cril_line_deming(&p, 1, levels[i], &both, &err), CRIL_ERR_RANGE, &err, "level");
        check_says(cril_line_resample(&p, &b, &err), CRIL_ERR_RANGE, &err, "level");
    }
    for (size_t i = 0; i < sizeof(not_positive) / sizeof(not_positive[0]); i++) {
        check_says(cril_line_diagnose(&p, not_positive[i], f, NULL, &err), CRIL_ERR_RANGE, &err,
                   "threshold");
        check_says(cril_line_deming(&p, not_positive[i], 0.9, &both, &err), CRIL_ERR_RANGE, &err,
                   "ratio");
    }
    check_says(cril_line_deming(&p, INFINITY, 0.9, &both, &err), CRIL_ERR_RANGE, &err, "ratio");
    check_says(cril_line_predict(&l, NAN, 0, 0.9, &at, &err), CRIL_ERR_RANGE, &err, "x = nan");
    check_says(cril_line_predict(&l, 0.5, -1, 0.9, &at, &err), CRIL_ERR_RANGE, &err,
               "standard error");
    check_says(cril_line_predict(&l, 0.5, INFINITY, 0.9, &at, &err), CRIL_ERR_RANGE, &err,
               "standard error");
    check_says(cril_line_predict(&l, 1e300, 0, 0.9, &at, &err), CRIL_ERR_RANGE, &err, "too large");
    b = (cril_line_bootstrap){.level = 0.9, .resamples = 0};
    check_says(cril_line_resample(&p, &b, &err), CRIL_ERR_RANGE, &err, "at least 1 resample");
    b.resamples = SIZE_MAX;
    check_says(cril_line_resample(&p, &b, &err), CRIL_ERR_NOMEM, &err, "memory");
    for (size_t i = 0; i < N; i++)
        q.family[i] = 3;
    b = (cril_line_bootstrap){.unit = CRIL_RESAMPLE_FAMILIES, .level = 0.9, .resamples = 10};
    check_says(cril_line_resample(&p, &b, &err), CRIL_ERR_RANGE, &err, "one family");
    check_says(cril_line_leave_out(&p, out, NULL, &total, &err), CRIL_ERR_RANGE, &err,
               "leaving out needs");
    p.n = 3; /* without any of 3 points 2 stay */
    p.family = NULL;
    check_says(cril_line_leave_out(&p, out, NULL, &total, &err), CRIL_ERR_RANGE, &err,
               "leaving out needs");
    p = points_of(&q);
    q.x_se[4] = q.y_se[4] = 0;
    check_says(cril_line_york(&p, 0.9, &both, &err), CRIL_ERR_RANGE, &err,
               "point 4 has a standard error of 0 in x and in y");
    q.y_se[4] = -0.5;
    check_says(cril_line_york(&p, 0.9, &both, &err), CRIL_ERR_RANGE, &err, "y_se[4] is -0.5");
    q.y_se[4] = INFINITY;
    check_says(cril_line_york(&p, 0.9, &both, &err), CRIL_ERR_RANGE, &err, "y_se[4] is inf");
    q.y_se[4] = NAN; /* one of the two is enough: not known is not exact */
    q.x_se[4] = 0.5;
    check_says(cril_line_york(&p, 0.9, &both, &err), CRIL_ERR_RANGE, &err,
               "the standard error of y of point 4 is not known");
    q.y_se[4] = 0.5;
    q.x_se[4] = NAN;
    check_says(cril_line_york(&p, 0.9, &both, &err), CRIL_ERR_RANGE, &err,
               "the standard error of x of point 4 is not known");
    q.x_se[4] = 0.5;
    assert_int_equal(cril_line_york(&p, 0.9, &both, &err), CRIL_OK);
    p.y_se = NULL;
    check_says(cril_line_york(&p, 0.9, &both, &err), CRIL_ERR_RANGE, &err,
               "the standard error of y of point 0 is not known");
    { /* a square has no direction, a standing rectangle a vertical one */
        static const double x[] = {0, 0, 1, 1}, y[] = {0, 1, 0, 1}, tall[] = {0, 2, 0, 2};
        static const double left[] = {0.1, 0.1, 0.7, 0.7}, up[] = {0.2, 0.8, 0.2, 0.8},
                            se[] = {0.01, 0.01, 0.01, 0.01}; /* but for rounding */

        p = points(4, left, up);
        p.x_se = p.y_se = se;
        check_says(cril_line_deming(&p, 1, 0.9, &both, &err), CRIL_ERR_NUMERIC, &err,
                   "no slope is the best one");
        check_says(cril_line_york(&p, 0.9, &both, &err), CRIL_ERR_NUMERIC, &err,
                   "no slope is the best one");
        p = points(4, up, left);
        check_says(cril_line_deming(&p, 1, 0.9, &both, &err), CRIL_ERR_NUMERIC, &err,
                   "no slope is the best one");
        { /* without the one family 1 point stays, without the other 3 of one x */
            static const double one_x[] = {0.3, 0.1 + 0.2, 0.3, 0.9}, falls[] = {3, 2, 1, 0};
            static const uint32_t labels[] = {5, 5, 5, 6};

            p = points(4, one_x, falls);
            p.family = labels;
            check_says(cril_line_leave_out(&p, out, NULL, &total, &err), CRIL_ERR_RANGE, &err,
                       "leaving out needs");
        }
        p = points(4, x, y);
        check_says(cril_line_deming(&p, 1, 0.9, &both, &err), CRIL_ERR_NUMERIC, &err,
                   "no slope is the best one");
        p = points(4, x, tall);
        check_says(cril_line_deming(&p, 1, 0.9, &both, &err), CRIL_ERR_NUMERIC, &err,
                   "no slope is the best one");
        assert_int_equal(cril_line_deming(&p, 9, 0.9, &both, NULL), CRIL_OK);
        assert_true(both.slope.value == 0);
    }
}

/* Many points: families are numbered and resampled without a quadratic step, and no sum loses its
 * digits. */
static void test_many(void **state)
{
    enum { MANY = 200000 };
    double *x = malloc(MANY * sizeof(*x)), *y = malloc(MANY * sizeof(*y));
    uint32_t *family = malloc(MANY * sizeof(*family));
    cril_points p = {.n = MANY, .x = x, .y = y, .family = family};
    cril_line_bootstrap b = {
        .unit = CRIL_RESAMPLE_FAMILIES, .level = 0.9, .resamples = 20, .seed = 1};
    cril_point_fit *f = malloc(MANY * sizeof(*f));
    cril_line l;
    double total = 0;

    (void)state;
    assert_true(x && y && family && f);
    state64 = 77;
    for (size_t i = 0; i < MANY; i++) {
        x[i] = 0.3 + uniform();
        y[i] = 1 - 0.5 * x[i] + 0.1 * (uniform() - 0.5);
        family[i] = (uint32_t)(uniform() * 50000);
    }
    l = line_of(&p);
    check_within("slope", l.slope.value, -0.5, 5 * l.slope.se);
    check_within("residual se", l.residual_se, 0.1 / sqrt(12), 1e-3);
    assert_int_equal(cril_line_resample(&p, &b, NULL), CRIL_OK);
    assert_true(b.slope.low < b.slope.high);
    assert_int_equal(cril_line_diagnose(&p, 3, f, NULL, NULL), CRIL_OK);
    for (size_t i = 0; i < MANY; i++)
        total += f[i].leverage;
    check_close("leverages", total, 2, 1e-9);
    free(x);
    free(y);
    free(family);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_three_by_hand),
        cmocka_unit_test(test_anscombe),
        cmocka_unit_test(test_norris),
        cmocka_unit_test(test_pearson_york),
        cmocka_unit_test(test_permutation),
        cmocka_unit_test(test_scale),
        cmocka_unit_test(test_shift),
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_exact_line),
        cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_redrawn),
        cmocka_unit_test(test_leave_out),
        cmocka_unit_test(test_refused_points),
        cmocka_unit_test(test_one_but_for_rounding),
        cmocka_unit_test(test_ties_but_for_rounding),
        cmocka_unit_test(test_extrapolated),
        cmocka_unit_test(test_refused_arguments),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
