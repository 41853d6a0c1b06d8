/*
 * How far models are apart, beside sums over whole distributions, which windows with each id as
 * target give; the same bits by every kernel set, number of threads, and batch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/builtin.h"
#include "model/engine.h"
#include "util/fmath.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 7, WINDOWS = 30, MODELS = CRIL_N_BUILTIN, COLUMNS = 1029 };

static struct cril_builtin models[MODELS];

static struct cril_engine *engine_of(size_t model, const struct cril_kernels *k, unsigned threads)
{
    const struct cril_engine_options o = {.threads = threads};
    struct cril_engine *e;
    cril_error err;
    if (cril_engine_create(models[model].model, k, &o, &e, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return e;
}

static void score(struct cril_engine *e, const struct cril_window *w, size_t n)
{
    cril_error err;
    if (cril_engine_score(e, w, n, NULL, NULL, &err) != CRIL_OK)
        fail_msg("%s", err.message);
}

static int32_t id_at(size_t i)
{
    return (int32_t)(i * 7919 % COLUMNS);
}

/* -ln p of each of the first COLUMNS ids after WINDOW ids, p being their shares of 1. */
static void distribution(size_t model, const int32_t *ids, double nats[COLUMNS])
{
    static struct cril_window w[1 + COLUMNS];
    static int32_t target[COLUMNS];
    struct cril_engine *e = engine_of(model, cril_kernels(), 2);
    double sum = 0;
    w[0] = (struct cril_window){.ids = ids, .n = WINDOW - 1, .first = WINDOW - 1, .length = WINDOW};
    for (size_t i = 0; i < COLUMNS; i++) {
        target[i] = (int32_t)i;
        w[1 + i] = (struct cril_window){.ids = ids + WINDOW - 1,
                                        .n = 1,
                                        .targets = &target[i],
                                        .nats = &nats[i],
                                        .length = WINDOW,
                                        .prefix = 1};
    }
    score(e, w, 1 + COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++)
        sum += cril_exp(-nats[i]);
    for (size_t i = 0; i < COLUMNS; i++)
        nats[i] += cril_log(sum);
    cril_engine_free(e);
}

static size_t least(const double *x)
{
    size_t best = 0;
    for (size_t i = 1; i < COLUMNS; i++)
        best = x[i] < x[best] ? i : best;
    return best;
}

/* Windows of the same ids, one behind the other; of each the last two tokens are scored. */
struct batch {
    int32_t ids[WINDOWS + WINDOW];
    struct cril_window window[WINDOWS];
    double nats[WINDOWS][2];
    cril_divergence apart[WINDOWS][2][MODELS - 1];
};

static void compare(struct batch *b, size_t base, const struct cril_kernels *k, unsigned threads,
                    size_t at_once)
{
    struct cril_engine *e = engine_of(base, k, threads), *others[MODELS - 1];
    for (size_t i = 0; i + 1 < MODELS; i++)
        others[i] = engine_of((base + 1 + i) % MODELS, k, threads);
    assert_int_equal(cril_engine_compare(e, others, MODELS - 1, COLUMNS, NULL), CRIL_OK);
    memset(b, 0, sizeof(*b));
    for (size_t i = 0; i < WINDOWS + WINDOW; i++)
        b->ids[i] = id_at(i);
    for (size_t i = 0; i < WINDOWS; i++)
        b->window[i] = (struct cril_window){.ids = b->ids + i,
                                            .n = WINDOW,
                                            .first = WINDOW - 2,
                                            .targets = b->ids + i + WINDOW - 1,
                                            .nats = b->nats[i],
                                            .apart = b->apart[i][0]};
    for (size_t i = 0; i < WINDOWS; i += at_once)
        score(e, b->window + i, at_once);
    cril_engine_free(e);
    for (size_t i = 0; i + 1 < MODELS; i++)
        cril_engine_free(others[i]);
}

static void test_sums(void **state)
{
    static struct batch b;
    static double p[MODELS][COLUMNS];
    (void)state;
    compare(&b, 0, cril_kernels(), 2, WINDOWS);
    for (size_t w = 0; w < WINDOWS; w += 6) {
        const size_t target = (size_t)b.window[w].targets[1];
        for (size_t m = 0; m < MODELS; m++)
            distribution(m, b.ids + w, p[m]);
        assert_true(fabs(b.nats[w][1] - p[0][target]) < 1e-6);
        for (size_t m = 1; m < MODELS; m++) {
            const cril_divergence *d = &b.apart[w][1][m - 1];
            double kl = 0;
            for (size_t i = 0; i < COLUMNS; i++)
                kl += cril_exp(-p[0][i]) * (p[m][i] - p[0][i]);
            assert_true(kl > 1e-3); /* or the models are no test */
            assert_true(fabs(d->kl - kl) < 1e-6);
            assert_true(fabs(d->nats - p[m][target]) < 1e-6);
            assert_int_equal(d->same_top, least(p[0]) == least(p[m]));
        }
    }
}

static void test_bits(void **state)
{
    static struct batch first, b;
    size_t n_sets;
    const struct cril_kernel_set *sets = cril_kernel_sets(&n_sets);
    (void)state;
    compare(&first, 2, cril_kernels(), 1, WINDOWS);
    for (size_t i = 0; i < n_sets; i++) {
        struct cril_kernels k;
        if (!sets[i].available())
            continue;
        sets[i].init(&k);
        compare(&b, 2, &k, 1 + (unsigned)i % 3, i % 2 ? 5 : 10);
        for (size_t w = 0; w < WINDOWS; w++)
            for (size_t t = 0; t < 2; t++)
                for (size_t m = 0; m + 1 < MODELS; m++)
                    if (b.nats[w][t] != first.nats[w][t] ||
                        b.apart[w][t][m].kl != first.apart[w][t][m].kl ||
                        b.apart[w][t][m].nats != first.apart[w][t][m].nats ||
                        b.apart[w][t][m].same_top != first.apart[w][t][m].same_top)
                        fail_msg("%s: window %zu, token %zu, model %zu differs", sets[i].name, w, t,
                                 m);
    }
}

/* A model beside itself, and the nats of a model scored alone. */
static void test_same_model(void **state)
{
    static struct batch b;
    double nats[2];
    cril_divergence apart[2];
    (void)state;
    compare(&b, 1, cril_kernels(), 1, WINDOWS); /* 1 has COLUMNS logits */
    assert_int_equal(cril_model_logits(models[1].model), COLUMNS);
    struct cril_engine *e = engine_of(1, cril_kernels(), 2),
                       *other = engine_of(1, cril_kernels(), 2);
    struct cril_window w = b.window[3];
    w.nats = nats;
    w.apart = apart;
    score(e, &w, 1);
    assert_memory_equal(nats, b.nats[3], sizeof(nats));
    assert_int_equal(cril_engine_compare(e, &other, 1, COLUMNS, NULL), CRIL_OK);
    score(e, &w, 1);
    for (size_t i = 0; i < 2; i++) {
        assert_true(apart[i].kl == 0 && apart[i].nats == nats[i] && apart[i].same_top);
        assert_true(nats[i] == b.nats[3][i]);
    }
    assert_true(cril_engine_seconds(e) > 0 && cril_engine_seconds(other) > 0);
    cril_engine_free(e);
    cril_engine_free(other);
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++)
        if (cril_builtin_create(i, &models[i], NULL) != CRIL_OK)
            return 1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++)
        cril_builtin_free(&models[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_same_model),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
