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

/* Scalar functions in double for angles and the last logarithm. Error below 1e-14 relative; of sin
   and cos below 1e-14 relative + 1e-29, since pi/2 in three parts is off by 1.01e-37 and |k|
   < 6.4e7. */
double cril_exp(double x); /* 0 below -700; x <= 700 */
double cril_log(double x); /* x > 0, normal */
#define CRIL_SINCOS_MAX 1e8
void cril_sincos(double x, double *s, double *c); /* |x| < CRIL_SINCOS_MAX */

#endif
