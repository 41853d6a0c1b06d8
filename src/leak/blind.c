/*
 * The blind classifier (blind.h; doc/leak.md, "The blind classifier").
 *
 * A document is a vector of length 1: for each run of 1 to 3 characters of its beginning, 1 + ln of
 * how often it is there, at a place that a hash chooses. Logistic regression with a quadratic
 * penalty is fitted by stochastic gradient descent (Bottou 2012) with steps and an order that the
 * seed decides. One thread, sums in the order of places: the same bits everywhere.
 */
#include "leak/blind.h"

#include "util/fail.h"
#include "util/fmath.h"
#include "util/hash.h"
#include "util/random.h"
#include "util/size.h"
#include "util/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 1 << 18, LONGEST_RUN = 3, EPOCHS = 30 };

static const double strength = 10;  /* the penalty is |w|^2 / (2 strength documents) */
static const double first_step = 4; /* 1 over the largest curvature of a vector of length 1 */

struct feature {
    uint32_t place;
    float value;
};

struct document {
    struct feature *features; /* [n] by place */
    size_t n;
    int label; /* 1: of the set, -1: of the control */
    uint32_t fold;
    double score, *out;
};

struct classifier {
    double *weights; /* [PLACES], times scale */
    double scale, bias;
};

/* ---- Vectors ---- */

static int by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Places of all runs of the text's beginning, sorted: [CRIL_BLIND_CHARACTERS * LONGEST_RUN]; how
 * many there are. */
static size_t list_places(struct cril_bytes text, uint32_t *places)
{
    size_t starts[LONGEST_RUN], n = 0, characters = 0;

    for (size_t at = 0; at < text.len && characters < CRIL_BLIND_CHARACTERS; characters++) {
        uint32_t code;

        starts[characters % LONGEST_RUN] = at;
        at += cril_utf8_read(text.data + at, text.len - at, &code);
        for (size_t run = 1; run <= LONGEST_RUN && run <= characters + 1; run++) {
            const size_t from = starts[(characters + 1 - run) % LONGEST_RUN];
            uint64_t hash = cril_hash_bytes(CRIL_HASH_START, text.data + from, at - from);

            hash ^= hash >> 32;
            places[n++] = (uint32_t)(hash ^ hash >> 18) % PLACES;
        }
    }
    qsort(places, n, sizeof(*places), by_number);
    return n;
}

static cril_status make_vector(struct cril_bytes text, uint32_t *places, struct document *d,
                               cril_error *err)
{
    const size_t n = list_places(text, places);
    double squares = 0;

    d->features = malloc((n + 1) * sizeof(*d->features));
    if (!d->features)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for the blind classifier");
    for (size_t i = 0, next; i < n; i = next) {
        double value;

        for (next = i; next < n && places[next] == places[i]; next++)
            ;
        value = 1 + cril_log((double)(next - i));
        squares += value * value;
        d->features[d->n++] = (struct feature){places[i], (float)value};
    }
    for (size_t i = 0; i < d->n; i++)
        d->features[i].value = (float)(d->features[i].value / sqrt(squares));
    return CRIL_OK;
}

/* ---- Fitting ---- */

static double judge(const struct classifier *c, const struct document *d)
{
    double sum = 0;

    for (size_t i = 0; i < d->n; i++)
        sum += c->weights[d->features[i].place] * d->features[i].value;
    return c->scale * sum + c->bias;
}

static void learn(struct classifier *c, const struct document *d, double step, double penalty)
{
    /* of ln(1 + e^-yz), downwards */
    const double slope = d->label / (1 + cril_exp(fmin(d->label * judge(c, d), 700)));

    c->scale *= 1 - step * penalty;
    for (size_t i = 0; i < d->n; i++)
        c->weights[d->features[i].place] += step * slope / c->scale * d->features[i].value;
    c->bias += step * slope;
}

static void shuffle(uint32_t *order, size_t n, struct cril_random *g)
{
    for (size_t i = 0; i < n; i++) {
        const size_t k = i + cril_random_below(g, (uint32_t)(n - i));
        const uint32_t drawn = order[k];

        order[k] = order[i];
        order[i] = drawn;
    }
}

/* Fits on the documents that are not of the fold. order [n] is of room for them. */
static void fit(struct classifier *c, const struct document *d, size_t n, uint32_t fold,
                uint32_t *order, struct cril_random *g)
{
    size_t n_seen = 0, t = 0;
    double penalty;

    memset(c->weights, 0, PLACES * sizeof(*c->weights));
    c->scale = 1;
    c->bias = 0;
    for (size_t i = 0; i < n; i++)
        if (d[i].fold != fold)
            order[n_seen++] = (uint32_t)i;
    penalty = 1 / (strength * (double)n_seen);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        shuffle(order, n_seen, g);
        for (size_t i = 0; i < n_seen; i++, t++)
            learn(c, &d[order[i]], first_step / (1 + first_step * penalty * (double)t), penalty);
    }
}

/* ---- Folds ---- */

/* Each label by itself, so that the folds are alike. */
static void deal(struct document *d, size_t n, uint32_t n_folds, uint32_t *order,
                 struct cril_random *g)
{
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    shuffle(order, n, g);
    for (uint32_t i = 0; i < n; i++)
        d[order[i]].fold = i % n_folds;
}

static int by_score(const void *a, const void *b)
{
    const struct document *x = *(const struct document *const *)a,
                          *y = *(const struct document *const *)b;

    return (x->score > y->score) - (x->score < y->score);
}

/* What a classifier gives is comparable within its fold alone: places there, equal scores in the
 * middle of theirs. */
static void place(struct document **of_fold, size_t n)
{
    qsort(of_fold, n, sizeof(struct document *), by_score);
    for (size_t i = 0, next; i < n; i = next) {
        for (next = i; next < n && of_fold[next]->score == of_fold[i]->score; next++)
            ;
        for (size_t k = i; k < next; k++)
            *of_fold[k]->out = (double)(i + next) / 2 / (double)n;
    }
}

static void cross_validate(struct document *d, size_t n, uint32_t n_folds, struct classifier *c,
                           uint32_t *order, struct document **of_fold, struct cril_random *g)
{
    for (uint32_t fold = 0; fold < n_folds; fold++) {
        size_t n_fold = 0;

        fit(c, d, n, fold, order, g);
        for (size_t i = 0; i < n; i++)
            if (d[i].fold == fold) {
                d[i].score = judge(c, &d[i]);
                of_fold[n_fold++] = &d[i];
            }
        place(of_fold, n_fold);
    }
}

cril_status cril_blind_scores(const struct cril_bytes *set, size_t n_set,
                              const struct cril_bytes *control, size_t n_control, uint64_t seed,
                              double *set_scores, double *control_scores, cril_error *err)
{
    const size_t n = n_set + n_control, least = n_set < n_control ? n_set : n_control;
    struct cril_random g = cril_random_seed(seed);
    struct classifier c = {0};
    uint32_t places[CRIL_BLIND_CHARACTERS * LONGEST_RUN], n_folds;
    cril_status st = CRIL_OK;

    if (least < 2 || n_set > UINT32_MAX / 2 || n_control > UINT32_MAX / 2)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "a blind classifier needs at least 2 documents of each set; there are %zu "
                         "and %zu",
                         n_set, n_control);
    n_folds = least < CRIL_BLIND_FOLDS ? (uint32_t)least : CRIL_BLIND_FOLDS;

    struct document *d = calloc(n, sizeof(*d)), **of_fold = calloc(n, sizeof(struct document *));
    uint32_t *order = calloc(n, sizeof(*order));

    c.weights = calloc(PLACES, sizeof(*c.weights));
    if (!d || !of_fold || !order || !c.weights)
        st = cril_fail(err, CRIL_ERR_NOMEM, "out of memory for the blind classifier");
    for (size_t i = 0; i < n && st == CRIL_OK; i++) {
        const bool is_set = i < n_set;

        d[i].label = is_set ? 1 : -1;
        d[i].out = is_set ? &set_scores[i] : &control_scores[i - n_set];
        st = make_vector(is_set ? set[i] : control[i - n_set], places, &d[i], err);
    }
    if (st == CRIL_OK) {
        deal(d, n_set, n_folds, order, &g);
        deal(d + n_set, n_control, n_folds, order, &g);
        cross_validate(d, n, n_folds, &c, order, of_fold, &g);
    }
    for (size_t i = 0; d && i < n; i++)
        free(d[i].features);
    free(d);
    free(of_fold);
    free(order);
    free(c.weights);
    return st;
}
