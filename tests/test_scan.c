/*
 * State spaces and RWKV: models of their families with weights by chance, of widths that fill no
 * slice of channels and no vector, give the same bits by the plain forms, in the engine, and in the
 * decoder. And that a state starts anew with each window, whatever it held before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "check_model.h"
#include "model/family_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 3, EMBD = 36, VOCAB = 70 };

/* n numbers of `around` at most 0.6 away. */
static float *numbers(size_t n, float around)
{
    float *v = malloc(n * sizeof(*v));

    assert_non_null(v);
    for (size_t i = 0; i < n; i++)
        v[i] = around + 3 * some_weight();
    return v;
}

static void add_step(cril_model *m, size_t layer, const struct cril_step *s)
{
    struct cril_layer *const l = &m->layers[layer];
    const bool falls = s->w == CRIL_W_SSM_A || s->w == CRIL_W_DECAY;

    if (!s->w || l->vector[s->w] || cril_matrix_is_set(&l->matrix[s->w]))
        return;
    if (s->op->vector)
        l->vector[s->w] = numbers(s->op->vector(m, layer, s), falls ? -1 : s->op->neutral);
    else if (s->op == &cril_op_embed)
        l->matrix[s->w] = random_matrix(EMBD, VOCAB, CRIL_F32);
    else
        l->matrix[s->w] = random_matrix(cril_buffer_width(m, layer, s->in),
                                        cril_buffer_width(m, layer, s->out), CRIL_F32);
}

static void add_steps(cril_model *m, size_t layer, const struct cril_steps *list)
{
    for (size_t i = 0; i < list->n; i++)
        add_step(m, layer, &list->step[i]);
}

/* A model of an architecture whose layers take turns in its first n kinds. */
static cril_model *make(const char *architecture, unsigned kinds, struct cril_config c)
{
    cril_model *const m = cril_model_create();

    assert_non_null(m);
    pool.n = 0;
    m->path = strdup("by chance");
    m->name = strdup(architecture);
    m->layers = calloc(LAYERS + 1, sizeof(*m->layers));
    assert_true(m->path && m->name && m->layers);
    m->family = cril_family_find((struct cril_bytes){architecture, strlen(architecture)});
    assert_non_null(m->family);
    c.n_layers = LAYERS;
    c.n_embd = c.n_embd_ends = EMBD;
    c.n_ctx = 256;
    c.eps = c.inner_eps = 1e-5f;
    c.embedding_scale = 1;
    m->config = c;
    m->n_vocab = VOCAB;
    cril_model_equal_layers(m);
    for (size_t i = 0; i < LAYERS; i++) {
        m->layers[i].kind = (unsigned)i % kinds;
        add_steps(m, i, cril_layer_steps(m, i));
    }
    add_steps(m, LAYERS, &m->family->embedding);
    add_steps(m, LAYERS, &m->family->head);
    return m;
}

static void check(cril_model *m)
{
    check_model(m);
    cril_model_close(m);
}

/* Layers without and with norms of what a scan reads. */
static void test_mamba(void **state)
{
    const struct cril_config odd = {.ssm_inner = 150,
                                    .ssm_state = 5,
                                    .ssm_width = 4,
                                    .ssm_rank = 3,
                                    .ssm_max_step = INFINITY,
                                    .activation = CRIL_ACT_SILU},
                             one = {.ssm_inner = 1,
                                    .ssm_state = 1,
                                    .ssm_width = 1,
                                    .ssm_rank = 1,
                                    .ssm_max_step = INFINITY,
                                    .activation = CRIL_ACT_SILU};

    (void)state;
    check(make("mamba", 2, odd));
    check(make("mamba", 2, one));
}

static void test_mamba2(void **state)
{
    const struct cril_config c = {.ssm_inner = 6 * 22,
                                  .ssm_state = 9,
                                  .ssm_width = 3,
                                  .ssm_heads = 6,
                                  .ssm_groups = 2,
                                  .ssm_min_step = 0.3f,
                                  .ssm_max_step = 1.1f,
                                  .activation = CRIL_ACT_SILU};

    (void)state;
    check(make("mamba2", 1, c));
}

static void test_rwkv(void **state)
{
    const struct cril_config c = {.n_heads = 1,
                                  .n_kv_heads = 1,
                                  .head_dim = 75,
                                  .n_ff = 50,
                                  .rescale_every = 2,
                                  .activation = CRIL_ACT_RELU_SQUARED};

    (void)state;
    check(make("rwkv4", 1, c));
}

/* Step sizes have limits, and a head reads B and C of the group of its neighbours. */
static void test_heads(void **state)
{
    struct cril_layer layer = {.vector = {[CRIL_W_SSM_A] = (float[]){0, 0, 0, 0}}};
    struct cril_model m = {.config = {.n_layers = 1,
                                      .ssm_inner = 4,
                                      .ssm_state = 1,
                                      .ssm_heads = 4,
                                      .ssm_groups = 2,
                                      .ssm_min_step = 0.3f,
                                      .ssm_max_step = 1.1f},
                           .layers = &layer};
    const struct cril_step limit = CRIL_STEP(step_size, NONE, SD, SD),
                           scan = CRIL_STEP(scan_heads, SSM_A, SU, SO);
    float steps[4] = {-5, 0, 3, 0}, in[8] = {1, 1, 1, 1, 1, 10, 2, 3}, out[4], kept[4];
    const struct cril_token t = {
        .m = &m,
        .buffer = {[CRIL_BUF_SD] = steps, [CRIL_BUF_SU] = in, [CRIL_BUF_SO] = out},
        .state = kept};

    (void)state;
    cril_op_step_size.plain(&t, &limit);
    for (size_t i = 0; i < 4; i++)
        assert_float_equal(steps[i], ((float[]){0.3f, 0.69314718f, 1.1f, 0.69314718f})[i], 1e-6);
    cril_op_scan_heads.plain(&t, &scan);
    for (size_t i = 0; i < 4; i++)
        assert_float_equal(out[i], steps[i] * (i < 2 ? 1 * 2 : 10 * 3), 1e-5);
}

/* An engine's states serve one batch after another. */
static void test_states_start_anew(void **state)
{
    const struct cril_config c = {.ssm_inner = 70,
                                  .ssm_state = 4,
                                  .ssm_width = 4,
                                  .ssm_rank = 2,
                                  .ssm_max_step = INFINITY,
                                  .activation = CRIL_ACT_SILU};
    cril_model *const m = make("mamba", 1, c);
    double nats[8];
    struct cril_engine *e;
    cril_error err;
    (void)state;

    for (size_t i = 0; i <= N; i++)
        ids[i] = (int32_t)(i * 7 % VOCAB);
    assert_int_equal(cril_engine_create(m, cril_kernels(),
                                        &(struct cril_engine_options){.threads = 2, .window = N},
                                        &e, &err),
                     CRIL_OK);
    for (size_t i = 0; i < 3; i++) { /* the second batch is another window */
        const struct cril_window w = {.ids = ids + (i == 1 ? 20 : 0),
                                      .n = 8,
                                      .targets = ids + (i == 1 ? 21 : 1),
                                      .nats = nats};

        assert_int_equal(cril_engine_score(e, &w, 1, NULL, NULL, &err), CRIL_OK);
    }
    assert_int_equal(cril_reference_nats(m, ids, 9, want, &err), CRIL_OK);
    assert_memory_equal(nats, want, sizeof(nats));
    cril_engine_free(e);
    cril_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mamba), cmocka_unit_test(test_mamba2),
                                       cmocka_unit_test(test_rwkv), cmocka_unit_test(test_heads),
                                       cmocka_unit_test(test_states_start_anew)};
    create_pool();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_pool();
    return failed;
}
