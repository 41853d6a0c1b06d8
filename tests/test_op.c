/*
 * The seam for operations: operations of this file, of every form that a row can have, in layers of
 * two kinds, give the same bits by their plain forms, in the engine, and in the decoder. None of
 * those knows of them. So do mixtures of experts, by every rule of choice.
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

enum { CHANNELS = 32 /* of a part */ };

/* ---- By rows: learned positions, and logits that are capped ---- */

static void add_position(float *x, size_t n, size_t position)
{
    for (size_t i = 0; i < n; i++)
        x[i] += 0.01f * (float)((position * 7 + i) % 13);
}

static void position_rows(const struct cril_pass *p, const struct cril_block *b)
{
    for (size_t i = 0; i < b->n; i++)
        add_position(cril_block_row(b, p->step->out, i), cril_pass_width(p, p->step->out),
                     b->rows[i].position);
}

static void position_token(const struct cril_token *t, const struct cril_step *s)
{
    add_position(t->buffer[s->out], cril_buffer_width(t->m, t->layer, s->out), t->position);
}

static const struct cril_op op_position = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = position_rows, .plain = position_token};

/* Each logit less a bias that depends on its id. */
static void cap(float *l, size_t first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        l[i] = l[i] / (1 + fabsf(l[i]) / 30) - 0.001f * (float)((first + i) % 17);
}

static void cap_rows(const struct cril_pass *p, const struct cril_block *b)
{
    for (size_t i = 0; i < b->n; i++)
        cap(cril_block_row(b, p->step->out, i), p->first_logit, cril_pass_width(p, p->step->out));
}

static void cap_token(const struct cril_token *t, const struct cril_step *s)
{
    cap(t->buffer[s->out], 0, cril_buffer_width(t->m, t->layer, s->out));
}

static const struct cril_op op_cap = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = cap_rows, .plain = cap_token};

/* ---- Across positions, in order: a shift, and a sum that decays ---- */

static size_t state_floats(const cril_model *m, size_t layer, size_t n)
{
    (void)n;
    return m->layers[layer].n_ff;
}

static size_t state_bytes(const cril_model *m, size_t layer, size_t n_pad)
{
    return state_floats(m, layer, n_pad) * sizeof(float);
}

static size_t parts(const cril_model *m, size_t layer)
{
    return (m->layers[layer].n_ff + CHANNELS - 1) / CHANNELS;
}

static double multiply_adds(const cril_model *m, size_t layer, const struct cril_step *s, size_t n)
{
    (void)s;
    return (double)n * (double)m->layers[layer].n_ff;
}

/* Channels [from, to) of a position: the input goes into the state, what comes out follows from
 * both. */
typedef void channels_fn(float *state, const float *in, float *out, const float *key, size_t from,
                         size_t to);

static void shift(float *state, const float *in, float *out, const float *key, size_t from,
                  size_t to)
{
    (void)key;
    for (size_t i = from; i < to; i++) {
        out[i] = state[i];
        state[i] = in[i];
    }
}

static void decay(float *state, const float *in, float *out, const float *key, size_t from,
                  size_t to)
{
    for (size_t i = from; i < to; i++) {
        state[i] = state[i] * 0.75f + in[i] * key[i % 16];
        out[i] += state[i];
    }
}

/* The state starts anew at position 0. */
static void step(channels_fn *fn, float *state, size_t position, const float *in, float *out,
                 const float *key, size_t from, size_t to)
{
    if (position == 0)
        memset(state + from, 0, (to - from) * sizeof(float));
    fn(state, in, out, key, from, to);
}

static void across(channels_fn *fn, const struct cril_pass *p, const struct cril_block *b,
                   size_t from, size_t to)
{
    const size_t n = p->m->layers[p->layer].n_ff, end = to * CHANNELS < n ? to * CHANNELS : n;
    for (size_t i = 0; i < b->n; i++) {
        assert_int_equal(b->rows[i].sequence, b->rows[0].sequence);
        assert_int_equal(b->rows[i].position, b->rows[0].position + i);
        step(fn, (float *)(void *)cril_pass_state(p, &b->rows[i]), b->rows[i].position,
             cril_block_row(b, p->step->in, i), cril_block_row(b, p->step->out, i),
             cril_block_row(b, CRIL_BUF_K, i), from * CHANNELS, end);
    }
}

static void shift_across(const struct cril_pass *p, const struct cril_block *b, size_t from,
                         size_t to, float *scratch)
{
    (void)scratch;
    across(shift, p, b, from, to);
}

static void decay_across(const struct cril_pass *p, const struct cril_block *b, size_t from,
                         size_t to, float *scratch)
{
    (void)scratch;
    across(decay, p, b, from, to);
}

static void shift_token(const struct cril_token *t, const struct cril_step *s)
{
    step(shift, t->state, t->position, t->buffer[s->in], t->buffer[s->out], t->buffer[CRIL_BUF_K],
         0, cril_buffer_width(t->m, t->layer, s->out));
}

static void decay_token(const struct cril_token *t, const struct cril_step *s)
{
    step(decay, t->state, t->position, t->buffer[s->in], t->buffer[s->out], t->buffer[CRIL_BUF_K],
         0, cril_buffer_width(t->m, t->layer, s->out));
}

static const struct cril_state shift_state = {.bytes = state_bytes, .plain_floats = state_floats},
                               decay_state = {.bytes = state_bytes, .plain_floats = state_floats};

static const struct cril_op op_shift = {.form = CRIL_ACROSS_POSITIONS,
                                        .state = &shift_state,
                                        .stores = true,
                                        .in_order = true,
                                        .across = shift_across,
                                        .parts = parts,
                                        .plain = shift_token};

static const struct cril_op op_decay = {.form = CRIL_ACROSS_POSITIONS,
                                        .reads_out = true,
                                        .reads = 1u << CRIL_BUF_K,
                                        .state = &decay_state,
                                        .stores = true,
                                        .in_order = true,
                                        .across = decay_across,
                                        .parts = parts,
                                        .plain = decay_token,
                                        .multiply_adds = multiply_adds};

/* ---- A family of them, with the weights of a Llama ---- */

static const struct cril_step embedding[] = {
    {&cril_op_embed, CRIL_W_EMBEDDING, CRIL_BUF_X, CRIL_BUF_X},
    {&op_position, CRIL_W_NONE, CRIL_BUF_X, CRIL_BUF_X},
};

/* Attention and network side by side. */
static const struct cril_step parallel[] = {
    {&cril_op_norm, CRIL_W_ATTN_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_Q, CRIL_BUF_N, CRIL_BUF_Q},
    {&cril_op_matmul, CRIL_W_K, CRIL_BUF_N, CRIL_BUF_K},
    {&cril_op_matmul, CRIL_W_V, CRIL_BUF_N, CRIL_BUF_V},
    {&cril_op_store_kv, CRIL_W_NONE, CRIL_BUF_K, CRIL_BUF_V},
    {&cril_op_attend, CRIL_W_NONE, CRIL_BUF_Q, CRIL_BUF_A},
    {&cril_op_matmul, CRIL_W_O, CRIL_BUF_A, CRIL_BUF_T},
    {&cril_op_matmul, CRIL_W_GATE, CRIL_BUF_N, CRIL_BUF_G},
    {&cril_op_matmul, CRIL_W_UP, CRIL_BUF_N, CRIL_BUF_U},
    {&cril_op_silu_mul, CRIL_W_NONE, CRIL_BUF_U, CRIL_BUF_G},
    {&cril_op_add, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
    {&cril_op_matmul, CRIL_W_DOWN, CRIL_BUF_G, CRIL_BUF_T},
    {&cril_op_add, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
};

static const struct cril_step scan[] = {
    {&cril_op_norm, CRIL_W_FFN_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_UP, CRIL_BUF_N, CRIL_BUF_U},
    {&cril_op_matmul, CRIL_W_K, CRIL_BUF_N, CRIL_BUF_K},
    {&op_shift, CRIL_W_NONE, CRIL_BUF_U, CRIL_BUF_G},
    {&op_decay, CRIL_W_NONE, CRIL_BUF_G, CRIL_BUF_U},
    {&cril_op_matmul, CRIL_W_DOWN, CRIL_BUF_U, CRIL_BUF_T},
    {&cril_op_add, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
};

static const struct cril_step head[] = {
    {&cril_op_norm, CRIL_W_OUTPUT_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_OUTPUT, CRIL_BUF_N, CRIL_BUF_LOGITS},
    {&op_cap, CRIL_W_NONE, CRIL_BUF_LOGITS, CRIL_BUF_LOGITS},
};

enum { PARALLEL, SCAN };

static const struct cril_family family = {
    .architecture = "test",
    .embedding = CRIL_STEPS(embedding),
    .layers = {[PARALLEL] = CRIL_STEPS(parallel), [SCAN] = CRIL_STEPS(scan)},
    .head = CRIL_STEPS(head)};

/* Layer 0 is of kind `first`, the others of the other kind. */
static cril_model *open_model(const char *name, unsigned first)
{
    char path[1024];
    cril_error err;
    cril_model *m;

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_model_open(path, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    m->family = &family;
    for (size_t l = 0; l < m->config.n_layers; l++)
        m->layers[l].kind = l ? 1 - first : first;
    return m;
}

/* Values of half the keys' width, in layers of float weights. */
static void narrow_values(cril_model *m)
{
    for (size_t l = 0; l < m->config.n_layers; l++) {
        struct cril_layer *layer = &m->layers[l];
        struct cril_matrix *v = &layer->matrix[CRIL_W_V], *o = &layer->matrix[CRIL_W_O];

        assert_int_equal(cril_dtypes[v->type].group, 0);
        assert_int_equal(cril_dtypes[o->type].group, 0);
        layer->value_dim /= 2;
        const size_t n = layer->n_kv_heads * layer->value_dim;

        *v = cril_matrix_runs(*v, 0, n, n, n);
        o->columns = layer->n_heads * layer->value_dim;
    }
}

/* ---- Mixtures, with the weights of a Llama and random experts ---- */

static const struct cril_step mixture_embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step mixture[] = {
    CRIL_STEPS_LLAMA_ATTENTION,
    CRIL_STEPS_MIXTURE(N),
    CRIL_STEPS_SHARED(N),
    CRIL_STEP(matmul, SHARED_ROUTER, N, S),
    CRIL_STEP(sigmoid_scale, NONE, S, M),
    CRIL_STEP(add, NONE, M, T),
    CRIL_STEP_ADD,
};
static const struct cril_step dense[] = {CRIL_STEPS_LLAMA};
static const struct cril_step mixture_head[] = {CRIL_STEPS_HEAD};

static const struct cril_family mixture_family = {
    .architecture = "test",
    .embedding = CRIL_STEPS(mixture_embedding),
    .layers = {CRIL_STEPS(mixture), CRIL_STEPS(dense)},
    .head = CRIL_STEPS(mixture_head)};

/* Every third expert is of integers. */
static void add_experts(cril_model *m, size_t layer, enum cril_slot slot, size_t in, size_t out)
{
    struct cril_layer *l = &m->layers[layer];
    const size_t n = m->config.mixture.n_experts;

    l->experts[slot] = calloc(n, sizeof(struct cril_matrix));
    assert_non_null(l->experts[slot]);
    for (size_t i = 0; i < n; i++)
        l->experts[slot][i] = random_matrix(in, out, i % 3 == 2 ? CRIL_Q8_0 : CRIL_F32);
    l->matrix[slot] = l->experts[slot][0];
}

/* Layers but `dense_layer` are mixtures. The bias, where there is one, keeps all rows from expert
 * 0.
 */
static cril_model *open_mixture(struct cril_mixture x, size_t dense_layer, bool has_bias)
{
    cril_model *m = open_model("tiny-llama", PARALLEL);
    const size_t d = m->config.n_embd;

    pool.n = 0;
    m->family = &mixture_family;
    m->config.mixture = x;
    for (size_t i = 0; i < m->config.n_layers; i++) {
        struct cril_layer *l = &m->layers[i];

        l->kind = i == dense_layer;
        if (l->kind)
            continue;
        l->matrix[CRIL_W_ROUTER] = random_matrix(d, x.n_experts, CRIL_F32);
        l->matrix[CRIL_W_SHARED_ROUTER] = random_matrix(d, 1, CRIL_F32);
        add_experts(m, i, CRIL_W_EXPERT_GATE, d, x.n_ff);
        add_experts(m, i, CRIL_W_EXPERT_UP, d, x.n_ff);
        add_experts(m, i, CRIL_W_EXPERT_DOWN, x.n_ff, d);
        if (!has_bias)
            continue;
        l->vector[CRIL_W_ROUTER_BIAS] = calloc(x.n_experts, sizeof(float));
        for (size_t k = 0; k < x.n_experts; k++)
            l->vector[CRIL_W_ROUTER_BIAS][k] = k ? some_weight() : -4;
    }
    return m;
}

/* ---- The tests ---- */

static void check(cril_model *m)
{
    check_model(m);
    cril_model_close(m);
}

static void test_float(void **state)
{
    (void)state;
    check(open_model("tiny-llama", PARALLEL));
    check(open_model("tiny-llama", SCAN));
}

static void test_quantised(void **state)
{
    (void)state;
    check(open_model("tiny-llama-mixed", PARALLEL));
    check(open_model("tiny-llama-mixed", SCAN));
}

static void test_narrow_values(void **state)
{
    cril_model *m = open_model("tiny-llama", PARALLEL);
    (void)state;
    narrow_values(m);
    check(m);
}

static void test_mixture(void **state)
{
    (void)state;
    create_pool();
    /* As Qwen2-MoE and Mixtral choose; as DeepSeek-V2 does; as DeepSeek-V3. */
    check(open_mixture((struct cril_mixture){.n_experts = 7, .n_used = 3, .n_ff = 32, .factor = 1},
                       1, false));
    check(open_mixture(
        (struct cril_mixture){.n_experts = 4, .n_used = 2, .n_ff = 96, .normed = true, .factor = 1},
        99, false));
    check(open_mixture((struct cril_mixture){.n_experts = 12,
                                             .n_used = 4,
                                             .n_ff = 32,
                                             .n_groups = 4,
                                             .n_groups_used = 2,
                                             .factor = 3},
                       0, false));
    check(open_mixture((struct cril_mixture){.n_experts = 8,
                                             .n_used = 3,
                                             .n_ff = 64,
                                             .sigmoid = true,
                                             .normed = true,
                                             .n_groups = 4,
                                             .n_groups_used = 2,
                                             .groups_by_two = true,
                                             .factor = 2.5f},
                       0, true));
    free_pool();
}

/* What a router of these logits chooses: n_used experts, then their weights. */
static void check_choice(const struct cril_mixture *x, const float *logits, float *bias,
                         const float *expected)
{
    struct cril_layer layer = {.vector = {[CRIL_W_ROUTER_BIAS] = bias}};
    const struct cril_step step = CRIL_STEP(choose, ROUTER_BIAS, R, C);
    float out[16];
    struct cril_model m = {.config = {.mixture = *x}, .layers = &layer};
    const struct cril_token t = {
        .m = &m, .buffer = {[CRIL_BUF_R] = (float *)(uintptr_t)logits, [CRIL_BUF_C] = out}};

    cril_op_choose.plain(&t, &step);
    for (size_t i = 0; i < 2 * x->n_used; i++)
        assert_float_equal(out[i], expected[i], 1e-6);
}

static void test_choice(void **state)
{
    const float equal[8] = {0}, some[8] = {1, 3, 2, 0, 0, 5, 0, 4},
                none[8] = {-200, -200, -200, -200, -200, -200, -200, -200};
    float bias[8] = {0, 0, 0, 9, 0, 0, 0, 0};
    struct cril_mixture x = {.n_experts = 8, .n_used = 2, .factor = 1};

    (void)state;
    check_choice(&x, equal, NULL, (float[]){0, 1, 0.125f, 0.125f}); /* of equals the lower ones */
    x.normed = true;
    x.factor = 2;
    check_choice(&x, some, NULL, (float[]){5, 7, 1.46211716f, 0.53788284f});
    x.n_groups = 4; /* (1 3) (2 0) (0 5) (0 4) */
    x.n_groups_used = 1;
    check_choice(&x, some, NULL, (float[]){4, 5, 0.01338570f, 1.98661430f});
    x.sigmoid = x.groups_by_two = true; /* (0.73 0.95) is the group with the largest sum */
    check_choice(&x, some, NULL, (float[]){0, 1, 0.86843000f, 1.13157000f});
    check_choice(&x, some, bias, (float[]){2, 3, 1.27578062f, 0.72421938f});
    x.n_groups = 0;
    check_choice(&x, none, NULL, (float[]){0, 1, 0, 0}); /* scores of 0 have no share, but a sum */
    x.normed = false;                                    /* nor does the factor ask for shares */
    check_choice(&x, some, NULL, (float[]){5, 7, 1.98661430f, 1.96402758f});
}

/* What the row of an operation counts is in the sum, and nothing else. */
static void test_flops(void **state)
{
    cril_model *m = open_model("tiny-llama", PARALLEL);
    const double all = cril_model_flops(m, 10, 0);
    double without = all;
    (void)state;

    for (size_t l = 0; l < m->config.n_layers; l++) {
        const struct cril_layer *layer = &m->layers[l];
        const double f = (double)(layer->n_ff * m->config.n_embd),
                     k = (double)(layer->n_kv_heads * layer->key_dim);

        if (layer->kind == SCAN)
            without -= 2 * 10 * (2 * f + k * (double)m->config.n_embd + (double)layer->n_ff);
        else
            without -= 2 * 10 * 3 * f;
    }
    for (size_t l = 0; l < m->config.n_layers; l++) { /* what is left: attention's */
        const struct cril_layer *layer = &m->layers[l];
        const double q = (double)(layer->n_heads * layer->key_dim),
                     k = (double)(layer->n_kv_heads * layer->key_dim);

        if (layer->kind == PARALLEL)
            without -= 2 * (10 * (double)m->config.n_embd * (2 * q + 2 * k) + 55 * 2 * q);
    }
    assert_true(all > 0 && without == 0);
    cril_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float),         cmocka_unit_test(test_quantised),
        cmocka_unit_test(test_narrow_values), cmocka_unit_test(test_mixture),
        cmocka_unit_test(test_choice),        cmocka_unit_test(test_flops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
