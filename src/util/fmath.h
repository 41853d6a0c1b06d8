/*
 * The functions of the numeric contract: exp, and what is made of it, from + - * / and fma only.
 *
 * Everything here is branch-free, so a loop over it becomes vector code whose lanes compute the
 * same bits as the scalar code (doc/numerics.md, "Functions"). fmaf is one rounding on every
 * machine.
 */
#ifndef CRIL_UTIL_FMATH_H
#define CRIL_UTIL_FMATH_H

#include <math.h>
#include <stdint.h>

#define CRIL_INLINE static inline __attribute__((always_inline))

union cril_bits32 {
    float f;
    int32_t i;
    uint32_t u;
};

/* e^x, error below 2 ulp. 0 below -87; arguments above 88 count as 88. cril_expf(0) is exactly 1.
 */
CRIL_INLINE float cril_expf(float x)
{
    const float big = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    float y = x < -87.0f ? -87.0f : x;
    y = y > 88.0f ? 88.0f : y;
    union cril_bits32 n = {.f = fmaf(y, 1.44269504f, big)};
    float k = n.f - big;
    float r = fmaf(k, -0.693359375f, y); /* ln 2 in two parts, the first exact in k * part */
    r = fmaf(k, 2.12194440e-4f, r);
    float p = fmaf(r, 1.0f / 5040, 1.0f / 720);
    p = fmaf(r, p, 1.0f / 120);
    p = fmaf(r, p, 1.0f / 24);
    p = fmaf(r, p, 1.0f / 6);
    p = fmaf(r, p, 0.5f);
    p = fmaf(r, p, 1.0f);
    p = fmaf(r, p, 1.0f);
    union cril_bits32 s = {.u = ((uint32_t)n.i - 0x4B400000u + 127u) << 23};
    float e = p * s.f;
    return x < -87.0f ? 0.0f : e;
}

/* SiLU: x / (1 + e^-x). Elfwing et al. 2018. */
CRIL_INLINE float cril_siluf(float x)
{
    return x / (1.0f + cril_expf(-x));
}

/* GELU, tanh form (Hendrycks & Gimpel 2016): 0.5 x (1 + tanh y) = x / (1 + e^-2y), y = sqrt(2/pi)
 * (x + 0.044715 x^3). */
CRIL_INLINE float cril_geluf(float x)
{
    float x2 = x * x;
    float y2 = x * fmaf(x2, -0.0713548162726f, -1.59576912161f); /* -2y */
    return x / (1.0f + cril_expf(y2));
}

/* GELU (Hendrycks & Gimpel 2016): x Phi(x). Phi(-|x|) = erfc(|x| / sqrt 2) / 2, where erfc(z) =
 * t e^(P(t) - z^2), t = 1 / (1 + z / 2), and P is the polynomial of degree 9 that is nearest to
 * ln(erfc(z) / t) + z^2 for z in 0..12: off by 1.1e-7 at most. */
CRIL_INLINE float cril_gelu_erff(float x)
{
    const float z = fabsf(x) * 0.70710678f, t = 1.0f / fmaf(z, 0.5f, 1.0f);
    float p = fmaf(t, 0.15395260f, -0.73015124f);
    p = fmaf(t, p, 1.27327812f);
    p = fmaf(t, p, -0.85202193f);
    p = fmaf(t, p, 0.04909599f);
    p = fmaf(t, p, -0.06773599f);
    p = fmaf(t, p, 0.05814634f);
    p = fmaf(t, p, 0.38170519f);
    p = fmaf(t, p, 0.99920720f);
    p = fmaf(t, p, -1.26547623f);
    const float low = 0.5f * t * cril_expf(fmaf(-z, z, p)); /* Phi(-|x|) */
    return x * (x < 0.0f ? low : 1.0f - low);
}

/* x sigmoid(1.702 x) */
CRIL_INLINE float cril_gelu_quickf(float x)
{
    return x / (1.0f + cril_expf(-1.702f * x));
}

/* Error below 3 ulp: a Taylor polynomial near 0, where the exponentials cancel. */
CRIL_INLINE float cril_tanhf(float x)
{
    const float x2 = x * x;
    float p = fmaf(x2, -1382.0f / 155925, 62.0f / 2835);
    p = fmaf(x2, p, -17.0f / 315);
    p = fmaf(x2, p, 2.0f / 15);
    p = fmaf(x2, p, -1.0f / 3);
    const float near = fmaf(x * x2, p, x), far = 1.0f - 2.0f / (1.0f + cril_expf(2.0f * x));
    return x2 < 0.16f ? near : far;
}

/* ln(1 + e^x) = max(x, 0) + ln(1 + t), t = e^-|x|; error below 3 ulp. ln(1 + t) = 2 artanh z with z
 * = t / (2 + t), at most 1/3: its series up to z^15 is off by 2e-9. */
CRIL_INLINE float cril_softplusf(float x)
{
    const float t = cril_expf(-fabsf(x)), z = t / (2.0f + t), z2 = z * z;
    float p = fmaf(z2, 2.0f / 15, 2.0f / 13);
    p = fmaf(z2, p, 2.0f / 11);
    p = fmaf(z2, p, 2.0f / 9);
    p = fmaf(z2, p, 2.0f / 7);
    p = fmaf(z2, p, 2.0f / 5);
    p = fmaf(z2, p, 2.0f / 3);
    p = fmaf(z2, p, 2.0f);
    return fmaf(z, p, x > 0.0f ? x : 0.0f);
}

/* Scalar functions in double for angles and the last logarithm. Error below 1e-14 relative; of sin
   and cos below 1e-14 relative + 1e-29, since pi/2 in three parts is off by 1.01e-37 and |k|
   < 6.4e7. */
double cril_exp(double x); /* 0 below -700; x <= 700 */
double cril_log(double x); /* x > 0, normal */
#define CRIL_SINCOS_MAX 1e8
void cril_sincos(double x, double *s, double *c); /* |x| < CRIL_SINCOS_MAX */

#endif
