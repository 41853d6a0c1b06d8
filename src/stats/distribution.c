/*
 * Normal distribution and Student's t (distribution.h).
 *
 * With a = df/2 and x = df / (df + t^2), P(T > t) is half the incomplete beta function I_x(a, 1/2).
 * Where x is small it is computed as a logarithm, which has no smallest number; where x is large,
 * that is for t near 0, the part between 0 and t is computed instead, and P(T > t) is 1/2 less it.
 * So what is small is never a difference of large numbers. The normal distribution is df =
 * INFINITY.
 *
 * Quantiles: Newton's method on the part between 0 and t, or on ln P(T > t) as a function of ln t.
 * Both functions are concave, so that after one step every step goes the same way; a bracket keeps
 * the first one from going far astray.
 */
#include <cril/distribution.h>

#include "util/fmath.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#define PI 3.14159265358979324
#define LN_2 0.693147180559945309
#define LN_SQRT_2PI 0.918938533204672742
#define SQRT_2PI 2.50662827463100050
#define MAX_DF 1e9

enum { MAX_TERMS = 1000000, MAX_STEPS = 200 };

/* ln(1 + u), u >= 0, to the relative accuracy of cril_log: what 1 + u rounds off is divided out
 * again. */
static double log_one_plus(double u)
{
    double w = 1 + u;

    return w == 1 ? u : cril_log(w) * (u / (w - 1));
}

/*
 * Gamma(z + 1/2) / Gamma(z). For z >= 32 the asymptotic series in 1/z (Tricomi & Erdelyi 1951; the
 * first term left out is below 1e-16); smaller z are moved up by Gamma(z + 1) = z Gamma(z).
 */
static double gamma_ratio(double z)
{
    static const double c[] = {1,
                               -1.0 / 8,
                               1.0 / 128,
                               5.0 / 1024,
                               -21.0 / 32768,
                               -399.0 / 262144,
                               869.0 / 4194304,
                               39325.0 / 33554432,
                               -334477.0 / 2147483648};
    double factor = 1, series = 0;

    for (; z < 32; z++)
        factor *= z / (z + 0.5);
    for (int i = 8; i >= 0; i--)
        series = series / z + c[i];
    return factor * sqrt(z) * series;
}

/* One step of the modified Lentz method keeps its quotients away from 0. */
static double not_zero(double x)
{
    return fabs(x) < 1e-300 ? 1e-300 : x;
}

/*
 * F(a, b, x) in I_x(a, b) = x^a (1 - x)^b / (a B(a, b)) F, for x < (a + 1) / (a + b + 2).
 * Abramowitz & Stegun 26.5.8, evaluated from the front (Lentz 1976; Thompson & Barnett 1986).
 */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), f = d;

    for (int m = 1; m < MAX_TERMS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), step;

        d = 1 / not_zero(1 + even * d);
        c = not_zero(1 + even / c);
        f *= c * d;
        d = 1 / not_zero(1 + odd * d);
        c = not_zero(1 + odd / c);
        step = c * d;
        f *= step;
        if (fabs(step - 1) < 2 * DBL_EPSILON)
            break;
    }
    return f;
}

/* ln(1 + t^2 / df), whose df/2-fold is -ln x^a; t^2 may be too large for a double. */
static double log_spread(double t, double df)
{
    double v = t / sqrt(df);

    return v > 1e8 ? 2 * cril_log(v) : log_one_plus(v * v);
}

/* ln of the density at t > 0. */
static double log_density(double t, double df)
{
    if (isinf(df))
        return -0.5 * t * t - LN_SQRT_2PI;
    return cril_log(gamma_ratio(df / 2) / sqrt(PI * df)) - (df + 1) / 2 * log_spread(t, df);
}

/* Is t > 0 so small that P(0 < T < t) is the number to compute? */
static bool is_central(double t, double df)
{
    double t2 = t * t;

    /* x >= (a + 1) / (a + b + 2), both sides multiplied out; 2.5 is where both ways are short */
    return isinf(df) ? t < 2.5 : df * (df / 2 + 2.5) >= (df + t2) * (df / 2 + 1);
}

/* P(0 < T < t), t > 0 and central. */
static double between(double t, double df)
{
    double t2 = t * t;

    if (isinf(df)) {
        double term = t, sum = t;

        for (int k = 3; term > sum * (DBL_EPSILON / 4); k += 2) {
            term *= t2 / k;
            sum += term;
        }
        return cril_exp(-0.5 * t2) / SQRT_2PI * sum;
    }
    return t / sqrt(df + t2) * cril_exp(-df / 2 * log_spread(t, df)) * gamma_ratio(df / 2) /
           sqrt(PI) * beta_fraction(0.5, df / 2, t2 / (df + t2));
}

/* ln P(T > t), t > 0 and not central. */
static double log_beyond(double t, double df)
{
    double v = t / sqrt(df), x = 1 / (1 + v * v);

    if (isinf(df)) { /* 1 / (t + 1 / (t + 2 / (t + ...))): the same method as above */
        double c = t, d = 0, f = t;

        for (int k = 1; k < MAX_TERMS; k++) {
            double step;

            d = 1 / (t + k * d);
            c = t + k / c;
            step = c * d;
            f *= step;
            if (fabs(step - 1) < 2 * DBL_EPSILON)
                break;
        }
        return -0.5 * t * t - LN_SQRT_2PI - cril_log(f);
    }
    /* (1 - x)^(1/2) = v / sqrt(1 + v^2) is 1 where v^2 overflows */
    return -df / 2 * log_spread(t, df) +
           cril_log((v > 1e8 ? 1 : v * sqrt(x)) * gamma_ratio(df / 2) / sqrt(PI) / df *
                    beta_fraction(df / 2, 0.5, x));
}

static bool is_df(double df)
{
    return (df >= 1 && df <= MAX_DF) || (isinf(df) && df > 0);
}

double cril_student_cdf(double t, double df)
{
    double size = fabs(t);

    if (!is_df(df) || isnan(t))
        return NAN;
    if (size == 0)
        return 0.5;
    if (is_central(size, df))
        return t < 0 ? 0.5 - between(size, df) : 0.5 + between(size, df);
    size = isinf(t) ? 0 : cril_exp(log_beyond(size, df));
    return t < 0 ? size : 1 - size;
}

/* The t > 0 with P(0 < T < t) = part, part below 1/4: Newton from the left, since the function is
 * concave. */
static double central_quantile(double part, double df)
{
    double t = part * cril_exp(-log_density(DBL_MIN, df));

    for (int i = 0; i < MAX_STEPS; i++) {
        double step = (part - between(t, df)) * cril_exp(-log_density(t, df));

        t += step;
        if (fabs(step) <= 4 * DBL_EPSILON * t)
            break;
    }
    return t;
}

/* ln P(T > t), any t > 0 */
static double log_upper(double t, double df)
{
    return is_central(t, df) ? cril_log(0.5 - between(t, df)) : log_beyond(t, df);
}

/* e^u where e^u is a double. */
static double exp_wide(double u)
{
    double root = cril_exp(u / 2);

    return root * root;
}

/* The t with P(T > t) = upper, upper at most 1/4. Newton in u = ln t, where the target is nearly
 * straight. */
static double upper_quantile(double upper, double df)
{
    double target = cril_log(upper), z2 = -2 * (target + LN_2), u, low = -2, high = 1 / DBL_EPSILON;

    /* z2 is above the normal quantile's square; t^2 is about df (e^(z2 / df) - 1) */
    u = isinf(df) || z2 / df < 1e-8 ? 0.5 * cril_log(z2)
        : z2 / df > 600             ? 0.5 * (cril_log(df) + z2 / df)
                                    : 0.5 * cril_log(df * (cril_exp(z2 / df) - 1));
    for (int i = 0; i < MAX_STEPS; i++) {
        double t, tail, step;

        if (u > 709.7) /* e^u is no double, and what lies there is beyond the smallest p but for df
                          near 1 */
            u = 709.7;
        t = exp_wide(u);
        tail = log_upper(t, df);
        if (tail > target)
            low = u;
        else
            high = u;
        step = (tail - target) * cril_exp(tail - u - log_density(t, df));
        if (!(u + step >= low && u + step <= high))
            step = (low + fmin(high, 709.7)) / 2 - u;
        u += step;
        if (fabs(step) <= 1e-15 * fmax(1, fabs(u)))
            break;
    }
    return exp_wide(u);
}

double cril_student_quantile(double p, double df)
{
    double tail = fmin(p, 1 - p), t;

    if (!is_df(df) || !(p >= 0 && p <= 1) || (p > 0 && p < DBL_MIN))
        return NAN;
    if (p == 0.5)
        return 0;
    if (tail == 0)
        return p == 0 ? -INFINITY : INFINITY;
    t = tail > 0.25 ? central_quantile(fabs(p - 0.5), df) : upper_quantile(tail, df);
    return p < 0.5 ? -t : t;
}

double cril_normal_cdf(double z)
{
    return cril_student_cdf(z, INFINITY);
}

double cril_normal_quantile(double p)
{
    return cril_student_quantile(p, INFINITY);
}
