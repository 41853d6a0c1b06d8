/*
 * Windows that go on from others have the bits of whole windows: trees of windows of every shape,
 * of models with every operation, on every number of threads, by every kernel set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/builtin.h"
#include "model/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOWS = 14, LENGTH = 62, DEPTH = 4, LONGEST = DEPTH * LENGTH };

static uint64_t seed = 20240408;

static size_t below(size_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % n;
}

/* A tree: ids and targets of each window, and the ids of all that it goes on from. */
struct tree {
    struct cril_window window[WINDOWS];
    int32_t ids[WINDOWS][LENGTH], targets[WINDOWS][LENGTH];
    double nats[WINDOWS][LENGTH];
    int32_t whole[WINDOWS][LONGEST];
    size_t n_whole[WINDOWS], depth[WINDOWS];
};

static void grow(struct tree *t, const cril_model *m)
{
    const size_t vocabulary = cril_model_logits(m);
    for (size_t i = 0; i < WINDOWS; i++) {
        struct cril_window *w = &t->window[i];
        const size_t n = 1 + below(below(3) ? 8 : LENGTH);
        size_t prefix = below(i + 1);
        if (prefix && t->depth[prefix - 1] + 1 == DEPTH)
            prefix = 0;
        *w = (struct cril_window){.ids = t->ids[i],
                                  .n = n,
                                  .first = below(n + 1),
                                  .targets = t->targets[i],
                                  .nats = t->nats[i],
                                  .length = LONGEST,
                                  .prefix = prefix};
        for (size_t k = 0; k < n; k++) {
            t->ids[i][k] = (int32_t)below(vocabulary);
            t->targets[i][k] = (int32_t)below(vocabulary);
        }
        const size_t before = prefix ? t->n_whole[prefix - 1] : 0;
        t->depth[i] = prefix ? t->depth[prefix - 1] + 1 : 0;
        if (prefix)
            memcpy(t->whole[i], t->whole[prefix - 1], before * sizeof(int32_t));
        memcpy(t->whole[i] + before, t->ids[i], n * sizeof(int32_t));
        t->n_whole[i] = before + n;
    }
}

static void score(struct cril_engine *e, const struct cril_window *w, size_t n)
{
    cril_error err;
    if (cril_engine_score(e, w, n, NULL, NULL, &err) != CRIL_OK)
        fail_msg("%s", err.message);
}

static void check(const cril_model *m, const char *name, size_t rounds)
{
    static struct tree t;
    static double nats[LENGTH];
    size_t n_sets;
    const struct cril_kernel_set *sets = cril_kernel_sets(&n_sets);
    for (size_t round = 0; round < rounds; round++) {
        struct cril_engine *e, *other;
        struct cril_kernels k;
        const struct cril_engine_options o = {.threads = 1 + (unsigned)below(4)};
        const struct cril_kernel_set *set = &sets[round % n_sets];
        if (!set->available())
            continue;
        set->init(&k);
        assert_int_equal(cril_engine_create(m, &k, &o, &e, NULL), CRIL_OK);
        assert_int_equal(cril_engine_create(m, cril_kernels(), &o, &other, NULL), CRIL_OK);
        grow(&t, m);
        score(e, t.window, WINDOWS);
        for (size_t i = 0; i < WINDOWS; i++) {
            struct cril_window w = t.window[i];
            w.ids = t.whole[i];
            w.n = t.n_whole[i];
            w.first += t.n_whole[i] - t.window[i].n;
            w.nats = nats;
            w.prefix = 0;
            score(other, &w, 1);
            if (memcmp(nats, t.nats[i], (w.n - w.first) * sizeof(double)) != 0)
                fail_msg("%s, %s, round %zu: window %zu of %zu tokens behind %zu differs", name,
                         set->name, round, i, t.window[i].n, w.n - t.window[i].n);
        }
        cril_engine_free(e);
        cril_engine_free(other);
    }
}

static void test_builtin(void **state)
{
    (void)state;
    for (size_t i = 0; i < CRIL_N_BUILTIN; i++) {
        struct cril_builtin b = {0};
        char name[32];
        snprintf(name, sizeof(name), "built-in %zu", i);
        assert_int_equal(cril_builtin_create(i, &b, NULL), CRIL_OK);
        check(b.model, name, 8 / CRIL_TEST_SCALE);
        cril_builtin_free(&b);
    }
}

/* Heads of other widths, sliding windows in some layers, types of weights. */
static void test_golden(void **state)
{
    static const char *const names[] = {"tiny-llama-window", "tiny-gemma3", "tiny-llama-mixed"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char path[1024];
        cril_model *m;
        snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, names[i]);
        assert_int_equal(cril_model_open(path, &m, NULL), CRIL_OK);
        check(m, names[i], 8 / CRIL_TEST_SCALE);
        cril_model_close(m);
    }
}

static void test_refused(void **state)
{
    const int32_t ids[] = {1, 2, 3};
    double nats[3];
    struct cril_builtin b = {0};
    struct cril_engine *e;
    (void)state;
    assert_int_equal(cril_builtin_create(0, &b, NULL), CRIL_OK);
    assert_int_equal(cril_engine_create(b.model, cril_kernels(),
                                        &(struct cril_engine_options){.threads = 1}, &e, NULL),
                     CRIL_OK);
    struct cril_window w[2] = {{.ids = ids, .n = 2, .first = 2},
                               {.ids = ids, .n = 2, .targets = ids, .nats = nats, .prefix = 2}};
    assert_int_equal(cril_engine_score(e, w, 2, NULL, NULL, NULL), CRIL_ERR_RANGE);
    w[1].prefix = 1;
    score(e, w, 2);
    w[1].first = 3;
    assert_int_equal(cril_engine_score(e, w, 2, NULL, NULL, NULL), CRIL_ERR_RANGE);
    w[1].first = 0;
    w[1].length = 3; /* four inputs */
    assert_int_equal(cril_engine_score(e, w, 2, NULL, NULL, NULL), CRIL_ERR_RANGE);
    cril_engine_free(e);
    cril_builtin_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builtin),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
