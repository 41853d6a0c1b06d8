/*
 * The self-test: its hash is that of the numeric contract, by the definition, every kernel set, any
 * number of threads; its models take the paths that they are made to take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernels/kernels.h"
#include "model/builtin.h"
#include "model/op.h"
#include "model/reference.h"

#include <cril/cpu.h>
#include <cril/selftest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of numeric contract 1. Never to be changed without a new contract or new built-in models. */
static const char golden[] = "34640906b0a47eb88bbd79bce38f5813eaf46e4c983c4af192431d71cd79ce32";

static void run(cril_selftest *t, const char *kernels, unsigned threads, const char *want)
{
    cril_selftest_result r;
    cril_error err;

    if (cril_selftest_run(t, kernels, threads, NULL, NULL, &r, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    if (strcmp(r.sha256, want) != 0)
        fail_msg("%s, %u threads: %s, not %s", kernels, threads, r.sha256, want);
    assert_true(r.seconds >= 0);
}

static cril_selftest *create(const cril_model *m, size_t tokens)
{
    cril_selftest *t;
    cril_error err;

    if (cril_selftest_create(m, tokens, &t, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return t;
}

static void test_golden(void **state)
{
    cril_selftest *t = create(NULL, 0);
    cril_kernel_info k;

    (void)state;
    assert_string_equal(cril_selftest_expected(t), golden);
    run(t, CRIL_SELFTEST_DEFINITION, 1, golden);
    for (size_t i = 0; cril_kernel_info_at(i, &k); i++)
        for (unsigned threads = 1; k.available && threads <= 8;
             threads += i ? 1 : 7) /* plain C is slow */
            run(t, k.name, threads, golden);
    cril_selftest_free(t);
}

static void open_model(const char *name, cril_model **m)
{
    char path[1024];
    cril_error err;

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_model_open(path, m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
}

/* 600 tokens are three windows of the model's context of 256, in one batch. */
static void test_model(void **state)
{
    cril_model *m;
    cril_selftest *t;
    cril_kernel_info k;
    cril_selftest_result r;

    (void)state;
    open_model("tiny-llama-mixed", &m);
    t = create(m, 600);
    assert_null(cril_selftest_expected(t));
    assert_int_equal(cril_selftest_tokens(t), 600);
    assert_true(cril_selftest_flops(t) ==
                2 * cril_model_flops(m, 256, 256) + cril_model_flops(m, 88, 88));
    assert_int_equal(cril_selftest_run(t, CRIL_SELFTEST_DEFINITION, 0, NULL, NULL, &r, NULL),
                     CRIL_OK);
    for (size_t i = 0; cril_kernel_info_at(i, &k); i++)
        if (k.available)
            run(t, k.name, 2, r.sha256);
    cril_selftest_free(t);

    t = create(m, 0);
    assert_int_equal(cril_selftest_tokens(t), 256);
    cril_selftest_free(t);
    cril_model_close(m);
}

static int count_calls(void *user, double fraction)
{
    size_t *calls = user;

    assert_true(fraction >= 0 && fraction <= 1);
    return ++*calls == 3;
}

static void test_errors(void **state)
{
    cril_selftest *t = create(NULL, 0), *none = NULL;
    cril_selftest_result r = {.seconds = -1};
    cril_kernel_info k;
    cril_error err;
    cril_model *m;
    size_t calls = 0;

    (void)state;
    assert_int_equal(cril_selftest_run(t, "fast", 1, NULL, NULL, &r, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_selftest_run(t, "", 1, NULL, NULL, &r, &err), CRIL_ERR_RANGE);
    for (size_t i = 0; cril_kernel_info_at(i, &k); i++)
        if (!k.available)
            assert_int_equal(cril_selftest_run(t, k.name, 1, NULL, NULL, &r, &err),
                             CRIL_ERR_UNSUPPORTED);
    assert_int_equal(cril_selftest_run(t, cril_cpu_kernels(), 1, count_calls, &calls, &r, &err),
                     CRIL_ERR_CANCELLED);
    assert_int_equal(calls, 3);
    assert_true(r.seconds < 0);            /* untouched */
    run(t, cril_cpu_kernels(), 1, golden); /* and what was stopped can be run again */
    cril_selftest_free(t);
    open_model("tiny-llama", &m);
    assert_int_equal(cril_selftest_create(m, (1 << 24) + 1, &none, &err), CRIL_ERR_RANGE);
    assert_null(none);
    cril_selftest_free(none);
    cril_model_close(m);
}

static void test_built_in_models(void **state)
{
    bool types[CRIL_N_DTYPES] = {false}, tied = false, untied = false, pairs = false,
         halves = false, window = false;
    bool group16 = false, group32 = false, floats = false; /* of vocabularies */

    (void)state;
    for (size_t i = 0; i < CRIL_N_BUILTIN; i++) {
        struct cril_builtin b;
        cril_error err;

        assert_int_equal(cril_builtin_create(i, &b, &err), CRIL_OK);
        const struct cril_model *m = b.model;
        for (size_t t = 0; t < b.n_tensors; t++)
            types[b.tensors[t].type] = true;
        for (size_t l = 0; l < m->config.n_layers; l++)
            window = window || m->layers[l].window;
        tied = tied || cril_model_ends(m)->matrix[CRIL_W_EMBEDDING].data ==
                           cril_model_ends(m)->matrix[CRIL_W_OUTPUT].data;
        untied = untied || cril_model_ends(m)->matrix[CRIL_W_EMBEDDING].data !=
                               cril_model_ends(m)->matrix[CRIL_W_OUTPUT].data;
        pairs = pairs || !m->rope[0].halves;
        halves = halves || m->rope[0].halves;
        floats = floats || cril_dtypes[cril_model_ends(m)->matrix[CRIL_W_OUTPUT].type].group == 0;
        group16 =
            group16 || cril_dtypes[cril_model_ends(m)->matrix[CRIL_W_OUTPUT].type].group == 16;
        group32 =
            group32 || cril_dtypes[cril_model_ends(m)->matrix[CRIL_W_OUTPUT].type].group == 32;
        assert_true(m->n_vocab > CRIL_CHUNK && m->n_vocab % CRIL_CHUNK % 16);
        assert_true(m->config.n_kv_heads < m->config.n_heads && m->config.head_dim % 32);

        /* Well scaled: a random model knows nothing, so it spends about ln(vocabulary), and is
         * certain of nothing. */
        int32_t ids[41];
        double nats[40], sum = 0;
        for (int k = 0; k < 41; k++)
            ids[k] = k * k % 1024;
        assert_int_equal(cril_reference_nats(m, ids, 41, nats, &err), CRIL_OK);
        for (int k = 0; k < 40; k++) {
            assert_true(nats[k] > 1 && nats[k] < 16);
            sum += nats[k];
        }
        assert_true(sum / 40 > 6.5 && sum / 40 < 9);
        cril_builtin_free(&b);
        assert_null(b.model);
    }
    for (int t = 0; t < CRIL_N_DTYPES; t++)
        if (!types[t])
            fail_msg("no built-in model has a matrix of type %s", cril_dtypes[t].name);
    assert_true(tied && untied && pairs && halves && window && group16 && group32 && floats);
}

/* Counted one by one, of a model whose layers have attention and matrices that all rows take. */
static double count_flops(const struct cril_model *m, size_t n)
{
    double count = 0;

    for (size_t p = 0; p < n; p++) {
        for (size_t l = 0; l < m->config.n_layers; l++) {
            size_t window = m->layers[l].window, keys = window && p + 1 > window ? window : p + 1;

            for (size_t s = 0; s < CRIL_N_SLOTS; s++)
                count +=
                    2.0 * (double)(m->layers[l].matrix[s].rows * m->layers[l].matrix[s].columns);
            count += 2.0 * 2 * (double)(keys * m->config.n_heads * m->config.head_dim);
        }
        count += 2.0 * (double)(m->n_vocab * m->config.n_embd);
    }
    return count;
}

static void test_flops(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct cril_builtin b;
        cril_error err;

        assert_int_equal(cril_builtin_create(i, &b, &err), CRIL_OK);
        for (size_t n = 1; n < 100; n += 13)
            assert_true(cril_model_flops(b.model, n, n) == count_flops(b.model, n));
        assert_true(cril_model_flops(b.model, 0, 0) == 0);
        cril_builtin_free(&b);
    }
}

static bool takes(const struct cril_steps *list, const struct cril_op *op)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->step[i].op == op)
            return true;
    return false;
}

static bool model_takes(const cril_model *m, const struct cril_op *op)
{
    for (size_t l = 0; l < m->config.n_layers; l++)
        if (takes(cril_layer_steps(m, l), op))
            return true;
    return takes(&m->family->embedding, op) || takes(&m->family->head, op);
}

/* A self-test takes each operation that there is. */
static void test_operations(void **state)
{
#define NAME_OP(NAME) {#NAME, &cril_op_##NAME},
    static const struct {
        const char *name;
        const struct cril_op *op;
    } ops[] = {CRIL_OPS(NAME_OP)};
    bool taken[sizeof(ops) / sizeof(*ops)] = {false};

    (void)state;
    for (size_t i = 0; i < CRIL_N_BUILTIN; i++) {
        struct cril_builtin b;
        cril_error err;

        assert_int_equal(cril_builtin_create(i, &b, &err), CRIL_OK);
        for (size_t k = 0; k < sizeof(ops) / sizeof(*ops); k++)
            taken[k] |= model_takes(b.model, ops[k].op);
        cril_builtin_free(&b);
    }
    for (size_t k = 0; k < sizeof(ops) / sizeof(*ops); k++)
        if (!taken[k])
            fail_msg("no built-in model takes %s", ops[k].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations),      cmocka_unit_test(test_golden),
        cmocka_unit_test(test_model),           cmocka_unit_test(test_errors),
        cmocka_unit_test(test_built_in_models), cmocka_unit_test(test_flops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
