/* exp, log, sin and cos in double: range reduction and Taylor series, Horner's rule, each step one
 * fma. */
#include "util/fmath.h"

#include <string.h>

#define LN2_HI 6.93147180369123816490e-01 /* ln 2, low 32 bits zero */
#define LN2_LO 1.90821492927058770002e-10

double cril_exp(double x)
{
    if (x < -700)
        return 0;
    double k = floor(fma(x, 1.4426950408889634, 0.5));
    double r = fma(k, -LN2_LO, fma(k, -LN2_HI, x));
    double p = 1;
    for (int i = 14; i > 0; i--)
        p = fma(r / i, p, 1.0);
    return ldexp(p, (int)k);
}

double cril_log(double x)
{
    int e;
    double m = frexp(x, &e); /* [0.5, 1) */
    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    double z = (m - 1) / (m + 1), z2 = z * z, p = 0; /* ln m = 2 atanh z, |z| < 0.172 */
    for (int i = 21; i > 0; i -= 2)
        p = fma(z2, p, 1.0 / i);
    return fma(e, LN2_HI, fma(e, LN2_LO, 2 * z * p));
}

void cril_sincos(double x, double *s, double *c)
{
    /* pi/2 in three parts; the first two have zeros enough to make k * part exact */
    double k = floor(fma(x, 0.63661977236758134, 0.5));
    double r = fma(k, -1.57079632673412561417e+00, x);
    r = fma(k, -6.07710050630396597660e-11, r);
    r = fma(k, -2.02226624879595063154e-21, r);
    double r2 = r * r, ps = 1, pc = 1;
    for (int i = 18; i > 0; i -= 2) {
        ps = fma(-r2 / ((i + 1) * i), ps, 1.0);
        pc = fma(-r2 / (i * (i - 1)), pc, 1.0);
    }
    ps *= r;
    switch ((unsigned)(int64_t)k & 3) {
    case 0: *s = ps, *c = pc; break;
    case 1: *s = pc, *c = -ps; break;
    case 2: *s = -ps, *c = -pc; break;
    default: *s = -pc, *c = ps; break;
    }
}
