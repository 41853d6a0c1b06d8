/*
 * Percentile bootstrap intervals of ratios of sums, and a ratio's standard error (stats.h).
 *
 * Each resample draws of each corpus n of its n documents with replacement and recomputes the
 * statistic; the interval runs between two quantiles of the resamples (quantile.h). Source: Efron &
 * Tibshirani 1993, ch. 13.
 *
 * Same numbers everywhere: the generator works on integers, sums run in the order of the draws, and
 * nothing but + * / touches a double. One thread; no bias correction (BCa): for thousands of
 * documents it changes less than the choice of documents does.
 */
#include <cril/stats.h>

#include "stats/quantile.h"
#include "stats/same.h"
#include "util/fail.h"
#include "util/random.h"
#include "util/size.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Of one corpus: a ratio of sums, or the difference of two over the same documents. */
struct statistic {
    size_t n;               /* documents */
    size_t n_ratios;        /* 1 or 2 */
    const double *above[2]; /* numerators [n], borrowed */
    const double *below[2]; /* denominators [n], borrowed */
};

static cril_status check_ratio(const double *above, const double *below, size_t n, cril_error *err)
{
    double largest = 0, total = 0;

    for (size_t i = 0; i < n; i++) {
        if (!isfinite(above[i]) || !isfinite(below[i]) || below[i] < 0)
            return cril_fail(err, CRIL_ERR_RANGE,
                             "bootstrap: document %zu has %g over %g; need finite numbers and a "
                             "denominator that is not negative",
                             i, above[i], below[i]);
        largest = fmax(largest, fmax(fabs(above[i]), below[i]));
        total += below[i];
    }
    if (total == 0)
        return cril_fail(err, CRIL_ERR_RANGE, "bootstrap: all denominators are zero");
    if (largest > DBL_MAX / (double)n / 2)
        return cril_fail(err, CRIL_ERR_RANGE, "bootstrap: values up to %g are too large to sum",
                         largest);
    return CRIL_OK;
}

/* Whether a spread can be seen: 2 documents at least that have a part in every ratio. */
static bool has_spread(const struct statistic *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        n += s->below[0][i] > 0 && (s->n_ratios == 1 || s->below[1][i] > 0);
    return n >= 2;
}

/*
 * One resample of a corpus. A draw without any denominator has no ratio and is repeated; this ends:
 * with every total above zero, a draw of n out of n has a denominator with a probability far from
 * zero.
 */
static double resample(const struct statistic *s, struct cril_random *g)
{
    const uint32_t n = (uint32_t)s->n;
    double above[2], below[2], a, b;

    do {
        above[0] = above[1] = below[0] = below[1] = 0;
        for (uint32_t drawn = 0; drawn < n; drawn++) {
            uint32_t i = cril_random_below(g, n);

            for (size_t k = 0; k < s->n_ratios; k++) {
                above[k] += s->above[k][i];
                below[k] += s->below[k][i];
            }
        }
    } while (below[0] == 0 || (s->n_ratios == 2 && below[1] == 0));
    a = above[0] / below[0];
    if (s->n_ratios == 1)
        return a;
    b = above[1] / below[1];
    return cril_same(a, b) ? 0 : a - b;
}

/* The mean of the corpora's. */
static double resample_all(const struct statistic *s, size_t n, struct cril_random *g)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += resample(&s[i], g);
    return sum / (double)n;
}

/* Refuses what has no sums. */
static cril_status check(const struct statistic *s, cril_error *err)
{
    cril_status st = CRIL_OK;

    if (s->n < 1 || s->n > UINT32_MAX)
        return cril_fail(err, CRIL_ERR_RANGE, "bootstrap: %zu documents; need 1 to 4294967295",
                         s->n);
    for (size_t k = 0; k < s->n_ratios && st == CRIL_OK; k++)
        st = check_ratio(s->above[k], s->below[k], s->n, err);
    return st;
}

static cril_status bootstrap(const struct statistic *s, size_t n, cril_interval *interval,
                             cril_error *err)
{
    struct cril_random g = cril_random_seed(interval->seed);
    size_t n_resamples = interval->resamples, size;
    double tail = (1 - interval->level) / 2;
    double *r = NULL;
    bool spread = true;
    cril_status st;

    if (!(interval->level > 0 && interval->level < 1))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "bootstrap: level %g; need one between 0 and 1, "
                         "such as 0.95",
                         interval->level);
    if (n_resamples < 1)
        return cril_fail(err, CRIL_ERR_RANGE, "bootstrap: need at least 1 resample");
    for (size_t i = 0; i < n; i++) {
        if ((st = check(&s[i], err)) != CRIL_OK)
            return st;
        spread = spread && has_spread(&s[i]);
    }
    if (!spread) {
        *interval = (cril_interval){0};
        return CRIL_OK;
    }
    if (cril_size_mul(n_resamples, sizeof(*r), &size))
        r = malloc(size);
    if (!r)
        return cril_fail(err, CRIL_ERR_NOMEM, "bootstrap: out of memory for %zu resamples",
                         n_resamples);
    for (size_t i = 0; i < n_resamples; i++) {
        r[i] = resample_all(s, n, &g);
        if (!isfinite(r[i])) {
            free(r);
            return cril_fail(err, CRIL_ERR_RANGE, "bootstrap: a ratio is too large for a double");
        }
    }
    cril_sort(r, n_resamples);
    if (!isfinite(r[n_resamples - 1] - r[0])) { /* a step that a quantile may take */
        free(r);
        return cril_fail(err, CRIL_ERR_RANGE,
                         "bootstrap: the ratios' range is too large for a double");
    }
    interval->low = cril_quantile(r, n_resamples, tail);
    interval->high = cril_quantile(r, n_resamples, 1 - tail);
    free(r);
    return CRIL_OK;
}

cril_status cril_bootstrap_ratio(const double *numerator, const double *denominator, size_t n,
                                 cril_interval *interval, cril_error *err)
{
    if (CRIL_LACKS(err, interval) || (n && CRIL_LACKS(err, numerator, denominator)))
        return CRIL_ERR_RANGE;

    const struct statistic s = {n, 1, {numerator, NULL}, {denominator, NULL}};

    return bootstrap(&s, 1, interval, err);
}

cril_status cril_bootstrap_difference(const cril_pairs *corpora, size_t n, cril_interval *interval,
                                      cril_error *err)
{
    if (CRIL_LACKS(err, interval) || (n && CRIL_LACKS(err, corpora)))
        return CRIL_ERR_RANGE;

    struct statistic *s;
    cril_status st;

    for (size_t i = 0; i < n; i++) {
        const cril_pairs *p = &corpora[i];

        if (p->n && CRIL_LACKS(err, p->a, p->a_denominator, p->b, p->b_denominator))
            return CRIL_ERR_RANGE;
    }
    if (n < 1)
        return cril_fail(err, CRIL_ERR_RANGE, "bootstrap: need at least 1 corpus");
    if (!(s = calloc(n, sizeof(*s))))
        return cril_fail(err, CRIL_ERR_NOMEM, "bootstrap: out of memory for %zu corpora", n);
    for (size_t i = 0; i < n; i++) {
        const cril_pairs *p = &corpora[i];

        s[i] = (struct statistic){p->n, 2, {p->a, p->b}, {p->a_denominator, p->b_denominator}};
    }
    st = bootstrap(s, n, interval, err);
    free(s);
    return st;
}

/* With R = sum b / sum c fixed to first order, the error of the ratio is that of mean(b - R c) /
 * mean(c). */
cril_status cril_ratio_error(const double *numerator, const double *denominator, size_t n,
                             double *out, cril_error *err)
{
    if (CRIL_LACKS(err, out) || (n && CRIL_LACKS(err, numerator, denominator)))
        return CRIL_ERR_RANGE;

    const struct statistic s = {n, 1, {numerator, NULL}, {denominator, NULL}};
    double above = 0, below = 0, squares = 0, ratio, se;
    cril_status st;

    if (!has_spread(&s)) {
        *out = NAN;
        return CRIL_OK;
    }
    if ((st = check_ratio(numerator, denominator, n, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < n; i++) {
        above += numerator[i];
        below += denominator[i];
    }
    ratio = above / below;
    for (size_t i = 0; i < n; i++) {
        const double rest = numerator[i] - ratio * denominator[i];

        squares += rest * rest;
    }
    se = sqrt((double)n / (double)(n - 1) * squares) / below;
    if (!isfinite(se))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "standard error: the squares of %zu documents are too large for a double",
                         n);
    *out = se;
    return CRIL_OK;
}
