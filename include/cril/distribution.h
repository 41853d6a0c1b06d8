/*
 * The normal distribution and Student's t: what intervals and p-values are made of.
 *
 * Own code of + - * / sqrt and fma alone, so the values have the same bits on every machine.
 * Pure functions; any number of threads.
 */
#ifndef CRIL_DISTRIBUTION_H
#define CRIL_DISTRIBUTION_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * P(T <= t) for Student's t with df degrees of freedom; the normal distribution for df = INFINITY.
 *
 *   t   any number, infinite too
 *   df  1 to 1e9, whole or not, or INFINITY
 *
 * Relative error below 1e-12 for df up to 1e4, 1e-11 up to 1e5, 1e-8 up to 1e9, also far out on the
 * left; P(T > t) is the value at -t, as accurate. Below 1e-304 it becomes 0. NaN for arguments out
 * of range.
 *
 * Source: Abramowitz & Stegun 1964, 26.7.1 and 26.5.8 (incomplete beta function as a continued
 * fraction); 26.2.11 and 26.2.14 for the normal distribution.
 */
double cril_student_cdf(double t, double df);

/*
 * The t for which cril_student_cdf(t, df) is p.
 *
 *   p   in (0, 1), at least 2.3e-308; 0 and 1 give -INFINITY and INFINITY
 *   df  as above
 *
 * Relative error as above. Since a p near 1 is rounded to 1e-16, ask for -quantile(1 - p) where
 * 1 - p is the number that is known. NaN for arguments out of range. INFINITY where t exceeds a
 * double.
 */
double cril_student_quantile(double p, double df);

/* The same for the normal distribution of mean 0 and variance 1. */
double cril_normal_cdf(double z);
double cril_normal_quantile(double p);

#ifdef __cplusplus
}
#endif
#endif
