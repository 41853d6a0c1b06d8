/*
 * The best break of a sequence, and how often chance makes one as good (cril/change.h).
 *
 * The squared error of all less that of the two parts is A B / (A + B) (a - b)^2, with denominators
 * A and B and ratios a and b: sums from the left are all that a walk over the documents needs.
 */
#include <cril/change.h>

#include "util/fail.h"
#include "util/random.h"
#include "util/size.h"

#include <math.h>
#include <stdlib.h>

enum { MIN_DOCUMENTS = 2 };

struct sequence {
    const double *numerator, *denominator; /* [n] */
    const uint32_t *group;                 /* [n] */
    uint32_t *order;                       /* [n] which document stands at a place */
    size_t n;
    double all_numerator, all_denominator;
};

struct best {
    size_t at; /* place; 0: none */
    double gain, before, after;
};

static struct best find(const struct sequence *s)
{
    struct best best = {0};
    double numerator = 0, denominator = 0;

    for (size_t i = 0; i + MIN_DOCUMENTS <= s->n; i++) {
        if (i >= MIN_DOCUMENTS && s->group[i] != s->group[i - 1]) {
            const double rest = s->all_denominator - denominator, before = numerator / denominator,
                         after = (s->all_numerator - numerator) / rest,
                         gain = denominator * rest / s->all_denominator * (before - after) *
                                (before - after);

            if (!best.at || gain > best.gain)
                best = (struct best){i, gain, before, after};
        }
        numerator += s->numerator[s->order[i]];
        denominator += s->denominator[s->order[i]];
    }
    return best;
}

static void shuffle(struct sequence *s, struct cril_random *g)
{
    for (size_t i = 0; i < s->n; i++) {
        const size_t k = i + cril_random_below(g, (uint32_t)(s->n - i));
        const uint32_t drawn = s->order[k];

        s->order[k] = s->order[i];
        s->order[i] = drawn;
    }
}

static cril_status check(const struct sequence *s, cril_error *err)
{
    for (size_t i = 0; i < s->n; i++)
        if (!isfinite(s->numerator[i]) || !isfinite(s->denominator[i]) || s->denominator[i] <= 0 ||
            (i && s->group[i] < s->group[i - 1]))
            return cril_fail(err, CRIL_ERR_RANGE,
                             "a break: document %zu is %g over %g, or its group comes before the "
                             "last one's; need finite numbers, denominators above 0, groups in "
                             "order",
                             i, s->numerator[i], s->denominator[i]);
    return CRIL_OK;
}

/* Whose best break is as good as the documents' own, but for rounding: sums come in another order.
 */
static size_t count_as_good(struct sequence *s, double gain, size_t permutations, uint64_t seed)
{
    struct cril_random g = cril_random_seed(seed);
    size_t n = 0;

    for (size_t i = 0; i < permutations; i++) {
        shuffle(s, &g);
        n += find(s).gain >= gain * (1 - 1e-9);
    }
    return n;
}

cril_status cril_change_find(const double *numerator, const double *denominator,
                             const uint32_t *group, size_t n, size_t permutations, uint64_t seed,
                             cril_change *out, cril_error *err)
{
    if (CRIL_LACKS(err, out) || (n && CRIL_LACKS(err, numerator, denominator, group)))
        return CRIL_ERR_RANGE;

    struct sequence s = {
        .numerator = numerator, .denominator = denominator, .group = group, .n = n};
    struct best own;
    cril_status st;

    if (n > UINT32_MAX || !permutations)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "a break: %zu documents, %zu permutations; need %u at most, and one at "
                         "least",
                         n, permutations, UINT32_MAX);
    if ((st = check(&s, err)) != CRIL_OK)
        return st;
    if (!(s.order = calloc(n + 1, sizeof(*s.order))))
        return cril_fail(err, CRIL_ERR_NOMEM, "a break: out of memory");
    for (size_t i = 0; i < n; i++) {
        s.order[i] = (uint32_t)i;
        s.all_numerator += numerator[i];
        s.all_denominator += denominator[i];
    }
    own = find(&s);
    *out = (cril_change){.permutations = permutations, .seed = seed, .p = 1};
    if (own.at) {
        const size_t as_good = count_as_good(&s, own.gain, permutations, seed);

        out->at = group[own.at];
        out->before = own.before;
        out->after = own.after;
        out->p = (1 + (double)as_good) / (1 + (double)permutations);
    }
    free(s.order);
    return CRIL_OK;
}
