/* Correlation: ranks, and the interval of Fisher (fit.h). Least squares give r itself (line.c). */
#include "stats/line.h"

#include "stats/same.h"
#include "util/fmath.h"

#include <cril/distribution.h>
#include <math.h>
#include <stdlib.h>

struct ranked {
    double value;
    size_t index;
};

static int compare(const void *a, const void *b)
{
    const struct ranked *p = a, *q = b;

    return (p->value > q->value) - (p->value < q->value);
}

/* Ranks from 1; values that are the same as the smallest of them share the mean of their ranks, a
 * multiple of 1/2 and exact. */
static void rank(const double *v, size_t n, struct ranked *order, double *ranks)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (struct ranked){v[i], i};
    qsort(order, n, sizeof(*order), compare);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && cril_same(order[i].value, order[end].value);)
            end++;
        for (size_t k = i; k < end; k++)
            ranks[order[k].index] = (double)(i + 1 + end) / 2;
    }
}

cril_status cril_spearman(const double *x, const double *y, size_t n, double *rho, cril_error *err)
{
    struct ranked *order = cril_stats_alloc(n, sizeof(*order), err);
    double *ranks = order ? cril_stats_alloc(n, 2 * sizeof(*ranks), err) : NULL;
    struct cril_least_squares s;

    if (ranks) {
        rank(x, n, order, ranks);
        rank(y, n, order, ranks + n);
        cril_least_squares(ranks, ranks + n, n, &s);
        *rho = s.r;
    }
    free(order);
    free(ranks);
    return ranks ? CRIL_OK : CRIL_ERR_NOMEM;
}

static double tanh_of(double z)
{
    double e;

    if (fabs(z) > 20) /* within 1e-17 of it */
        return copysign(1, z);
    e = cril_exp(2 * z);
    return (e - 1) / (e + 1);
}

/* tanh(atanh r -+ z / sqrt(n - 3)): Fisher 1921. n == 3 has no standard error, r = 1 no scatter. */
void cril_fisher_interval(double r, size_t n, double level, double *low, double *high)
{
    double centre, reach;

    *low = *high = r;
    if (fabs(r) == 1)
        return;
    *low = -1;
    *high = 1;
    if (n == 3)
        return;
    centre = 0.5 * cril_log((1 + r) / (1 - r));
    reach = -cril_normal_quantile((1 - level) / 2) / sqrt((double)(n - 3));
    *low = tanh_of(centre - reach);
    *high = tanh_of(centre + reach);
}
