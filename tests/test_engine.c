/*
 * The engine against the reference forward pass (equal bits), against transformers' figures for
 * tiny random models (within a tolerance), and against itself in other batches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gguf_edit.h"
#include "model/engine.h"
#include "model/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TOKENS = 4096 };

struct golden {
    int32_t ids[MAX_TOKENS];
    double nats[MAX_TOKENS];
    size_t n; /* ids; nats are one fewer */
};

static void load(const char *name, cril_model **m, struct golden *g)
{
    char path[1024];
    cril_error err;
    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_model_open(path, m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    snprintf(path, sizeof(path), "%s/golden/%s.nats", CRIL_TEST_DATA, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (g->n = 0; fscanf(f, "%d", &g->ids[g->n]) == 1;) {
        int c = fgetc(f);
        g->n++;
        if (c == '\n')
            break;
    }
    for (size_t i = 0; i + 1 < g->n; i++)
        assert_int_equal(fscanf(f, "%lf", &g->nats[i]), 1);
    fclose(f);
    assert_true(g->n > 32);
}

static void score(struct cril_engine *e, const struct cril_window *w, size_t n)
{
    cril_error err;
    if (cril_engine_score(e, w, n, NULL, NULL, &err) != CRIL_OK)
        fail_msg("%s", err.message);
}

static void check(const char *name, double tolerance)
{
    static struct golden g;
    static double nats[MAX_TOKENS], plain[MAX_TOKENS], part[MAX_TOKENS];
    cril_model *m;
    struct cril_engine *e;
    cril_error err;
    load(name, &m, &g);
    assert_int_equal(cril_engine_create(m, cril_kernels(),
                                        &(struct cril_engine_options){.threads = 2}, &e, &err),
                     CRIL_OK);
    struct cril_window whole = {.ids = g.ids, .n = g.n - 1, .targets = g.ids + 1, .nats = nats};
    score(e, &whole, 1);
    for (size_t i = 0; i + 1 < g.n; i++)
        if (!(fabs(nats[i] - g.nats[i]) < tolerance))
            fail_msg("%s: token %zu: %.9g nats, transformers %.9g", name, i, nats[i], g.nats[i]);

    assert_int_equal(cril_reference_nats(m, g.ids, g.n, plain, &err), CRIL_OK);
    for (size_t i = 0; i + 1 < g.n; i++)
        if (memcmp(&nats[i], &plain[i], sizeof(double)) != 0)
            fail_msg("%s: token %zu: %.17g nats, the reference pass %.17g", name, i, nats[i],
                     plain[i]);

    /* The same window scored in part, beside others of every length. */
    enum { OTHERS = 40 };
    static double ignored[OTHERS][MAX_TOKENS];
    struct cril_window w[OTHERS + 1];
    for (size_t i = 0; i < OTHERS; i++)
        w[i] = (struct cril_window){
            .ids = g.ids + i, .n = 1 + i % (g.n - 41), .targets = g.ids + 1, .nats = ignored[i]};
    size_t first = g.n / 2 + 1;
    w[OTHERS] = (struct cril_window){
        .ids = g.ids, .n = g.n - 1, .first = first, .targets = g.ids + 1 + first, .nats = part};
    score(e, w, OTHERS + 1);
    assert_memory_equal(part, nats + first, (g.n - 1 - first) * sizeof(double));
    assert_memory_equal(ignored[0], nats, sizeof(double));

    struct cril_window bad = whole;
    bad.n = cril_model_max_window(m) + 1;
    assert_int_equal(cril_engine_score(e, &bad, 1, NULL, NULL, &err), CRIL_ERR_RANGE);
    int32_t id = (int32_t)cril_model_logits(m);
    bad = (struct cril_window){.ids = &id, .n = 1, .targets = g.ids, .nats = part};
    assert_int_equal(cril_engine_score(e, &bad, 1, NULL, NULL, &err), CRIL_ERR_RANGE);
    cril_engine_free(e);
    cril_model_close(m);
}

/* fp32 against fp32: only the order of sums differs. */
static void test_llama(void **state)
{
    (void)state;
    check("tiny-llama", 1e-5);
}

static void test_qwen2(void **state)
{
    (void)state;
    check("tiny-qwen2", 1e-5);
}

static void test_gemma3(void **state)
{
    (void)state;
    check("tiny-gemma3", 1e-5);
}

/* Six query heads to two key heads, wider together than the model. */
static void test_llama_3(void **state)
{
    (void)state;
    check("tiny-llama-3", 1e-5);
}

static void test_llama_window(void **state)
{
    (void)state;
    check("tiny-llama-window", 1e-5);
}

static void test_llama_yarn(void **state)
{
    (void)state;
    check("tiny-llama-yarn", 3e-5); /* transformers has its frequencies from fp32 */
}

/* 16-bit activations: 2^-15 of a block's largest. */
static void test_llama_mixed(void **state)
{
    (void)state;
    check("tiny-llama-mixed", 1e-3);
}

/* A weight that is not finite is named, be it in a layer or in the vocabulary. */
static void test_damaged(void **state)
{
    static const struct edit edits[][2] = {{SET_TENSOR("blk.1.ffn_up.weight", 64, 96, NAN)},
                                           {SET_TENSOR("output.weight", 64, 268, NAN)}};
    const int32_t ids[] = {1, 2, 3};
    char path[] = "/tmp/cril-engine-XXXXXX";
    double nats[2];
    struct cril_source *g;

    (void)state;
    close(mkstemp(path));
    assert_int_equal(cril_source_open(CRIL_TEST_DATA "/golden/tiny-llama-mixed.gguf", &g, NULL),
                     CRIL_OK);
    for (size_t i = 0; i < 2; i++) {
        struct cril_window w = {.ids = ids, .n = 2, .targets = ids + 1, .nats = nats};
        struct cril_engine *e;
        cril_model *m;
        cril_error err;

        assert_true(edit_write(g, edits[i], path));
        assert_int_equal(cril_model_open(path, &m, &err), CRIL_OK);
        assert_int_equal(cril_engine_create(m, cril_kernels(),
                                            &(struct cril_engine_options){.threads = 1}, &e, &err),
                         CRIL_OK);
        assert_int_equal(cril_engine_score(e, &w, 1, NULL, NULL, &err), CRIL_ERR_NUMERIC);
        assert_non_null(strstr(err.message, edits[i][0].name));
        cril_engine_free(e);
        cril_model_close(m);
    }
    cril_source_close(g);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llama),        cmocka_unit_test(test_qwen2),
        cmocka_unit_test(test_gemma3),       cmocka_unit_test(test_llama_3),
        cmocka_unit_test(test_llama_window), cmocka_unit_test(test_llama_yarn),
        cmocka_unit_test(test_llama_mixed),  cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
