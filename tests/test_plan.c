/* Plans: cuts where the steps allow them, sizes within the bound; and the same bits whatever the
 * cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/engine.h"
#include "model/op.h"
#include "model/plan.h"
#include "util/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 70, MAX_NATS = 64 * WINDOW };

static cril_model *open_model(const char *name)
{
    char path[1024];
    cril_error err;
    cril_model *m;

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_model_open(path, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

/* Cuts rise, have steps between them, and one is at attention. */
static void check_cuts(const cril_model *m, const struct cril_plan *p)
{
    const struct cril_steps *list = &m->family->layers[0];
    const struct cril_stages *stages = &p->stages[0];
    bool at_attention = false;

    assert_int_equal(stages->cut[0], 0);
    assert_int_equal(stages->cut[stages->n], list->n);
    for (size_t i = 0; i < stages->n; i++) {
        assert_true(stages->cut[i] < stages->cut[i + 1]);
        at_attention |= list->step[stages->cut[i]].op == &cril_op_attend;
    }
    assert_true(at_attention);
    assert_true(p->kept_between_stages[CRIL_BUF_X] && p->kept_between_stages[CRIL_BUF_Q]);
}

/* Less memory never gives more rows; at the end a refusal that names a size which is enough. */
static void test_bounds(void **state)
{
    cril_model *m = open_model("tiny-llama-mixed");
    size_t rows = SIZE_MAX, coarse = 0, fine = 0, memory = (size_t)64 << 20;
    struct cril_plan p;
    cril_error err;
    (void)state;

    for (; cril_plan_make(m, cril_kernels(), 2, memory, 0, 0, WINDOW, &p, &err) == CRIL_OK;
         memory -= memory / 64) {
        check_cuts(m, &p);
        assert_true(p.rows <= rows && p.rows >= cril_plan_rows(WINDOW));
        rows = p.rows;
        coarse += p.stages[0].n == 2;
        fine += p.stages[0].n > 2;
    }
    assert_true(coarse > 0 && fine > 0);
    assert_int_equal(err.status, CRIL_ERR_RANGE);
    size_t enough = 0;
    assert_int_equal(sscanf(strstr(err.message, "give "), "give %zu MB", &enough), 1);
    assert_int_equal(cril_plan_make(m, cril_kernels(), 2, enough << 20, 0, 0, WINDOW, &p, &err),
                     CRIL_OK);
    assert_int_equal(cril_plan_make(m, cril_kernels(), 2, 0, 0, 1, WINDOW, &p, &err), CRIL_OK);
    assert_int_equal(p.rows, CRIL_PANEL_COLUMNS);
    assert_int_equal(p.stages[0].n, 2);
    cril_model_close(m);
}

/* Every plan that exists between plenty and too little, on windows of several lengths, some scored
 * in part. */
static void check_bits(const char *name)
{
    static int32_t ids[4 * WINDOW];
    static double want[MAX_NATS], got[MAX_NATS];
    const size_t lengths[] = {WINDOW, 1, 33, 64, WINDOW}, firsts[] = {0, 0, 7, 63, WINDOW - 9};
    cril_model *m = open_model(name);
    struct cril_window w[5];
    size_t plans = 0, stages = 0, n = 0;
    cril_error err;

    for (size_t i = 0; i < 4 * WINDOW; i++)
        ids[i] = (int32_t)(i * 7919 % cril_model_logits(m));
    for (size_t i = 0; i < 5; n += lengths[i] - firsts[i], i++)
        w[i] = (struct cril_window){.ids = ids + i,
                                    .n = lengths[i],
                                    .first = firsts[i],
                                    .targets = ids + i + firsts[i] + 1,
                                    .nats = want + n};
    for (size_t memory = 0, extra = (size_t)32 << 20; extra > 1 << 14; extra -= extra / 8) {
        struct cril_engine_options o = {
            .threads = 1 + (unsigned)(plans % 5), .memory = memory, .window = WINDOW};
        struct cril_engine *e;
        struct cril_plan p;

        if (cril_plan_make(m, cril_kernels(), o.threads, memory, cril_memory_resident(), 0, WINDOW,
                           &p, &err) == CRIL_OK &&
            cril_engine_create(m, cril_kernels(), &o, &e, &err) == CRIL_OK) {
            for (size_t i = 0, at = 0; i < 5; at += lengths[i] - firsts[i], i++)
                w[i].nats = (plans ? got : want) + at;
            if (cril_engine_score(e, w, 5, NULL, NULL, &err) != CRIL_OK)
                fail_msg("%s", err.message);
            if (plans++)
                assert_memory_equal(want, got, n * sizeof(*want));
            stages = p.stages[0].n > stages ? p.stages[0].n : stages;
            cril_engine_free(e);
        }
        memory = cril_memory_resident() + extra;
    }
    printf("%s: %zu plans, up to %zu stages a layer\n", name, plans, stages);
    assert_true(plans > 3 && (stages > 2 || cril_memory_resident() == 0));
    cril_model_close(m);
}

static void test_bits(void **state)
{
    (void)state;
    check_bits("tiny-llama");
    check_bits("tiny-llama-mixed");
    check_bits("tiny-qwen2");
    check_bits("tiny-gemma3");
}

static void test_memory(void **state)
{
    struct cril_memory b = {0};
    (void)state;
    assert_true(cril_memory_reserve(&b, 10, 10));
    assert_int_equal((uintptr_t)b.data % 64, 0);
    memset(b.data, 1, 100);
    void *before = b.data;
    assert_true(cril_memory_reserve(&b, 3, 5));
    assert_ptr_equal(b.data, before);
    assert_false(cril_memory_reserve(&b, SIZE_MAX / 2, 3));
    assert_null(b.data);
    assert_int_equal(b.bytes, 0);
    assert_true(cril_memory_reserve(&b, 0, 8)); /* nothing, but not NULL */
    assert_non_null(b.data);
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bounds), cmocka_unit_test(test_bits),
                                       cmocka_unit_test(test_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
