/*
 * The exact sum as a list of doubles that do not overlap (Shewchuk 1997, "Adaptive Precision
 * Floating-Point Arithmetic and Fast Robust Geometric Predicates", GROW-EXPANSION); what Python's
 * math.fsum does.
 */
#include "stats/sum.h"

#include <math.h>

/* a + b = *sum + *rest, exactly: Knuth's two-sum. */
static void add_two(double a, double b, double *sum, double *rest)
{
    double of_b;

    *sum = a + b;
    of_b = *sum - a;
    *rest = (a - (*sum - of_b)) + (b - of_b);
}

void cril_sum_add(struct cril_sum *s, double term)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        double rest;

        add_two(term, s->part[i], &term, &rest);
        if (rest != 0) /* also NaN */
            s->part[n++] = rest;
    }
    s->part[n++] = term;
    s->n = n;
    if (!isfinite(term)) {
        s->n = 1;
        s->part[0] = NAN;
    }
}

/* Rounded once: the parts below the last that still changes the sum decide a tie. */
double cril_sum_value(const struct cril_sum *s)
{
    size_t n = s->n;
    double sum = n ? s->part[--n] : 0, rest = 0;

    while (n && rest == 0)
        add_two(sum, s->part[--n], &sum, &rest);
    if (n && (rest < 0) == (s->part[n - 1] < 0)) {
        const double twice = 2 * rest, up = sum + twice;

        if (up - sum == twice)
            sum = up;
    }
    return sum;
}
