/*
 * The seam for operations: operations of this file, of every form that a row can have, in layers of
 * two kinds, give the same bits by their plain forms, in the engine, and in the decoder. None of
 * those knows of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/decoder.h"
#include "model/engine.h"
#include "model/op.h"
#include "model/reference.h"
#include "util/memory.h"
#include "util/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = 120, CHANNELS = 32 /* of a part */ };

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

/* ---- The tests ---- */

static int32_t ids[N + 1];
static double want[N];               /* by the plain forms */
static struct cril_shares shares[N]; /* by the engine */

/* Windows of several lengths, each a beginning of the ids, some scored in part. False: the memory
 * does not hold one. */
static bool check_engine(const cril_model *m, unsigned threads, size_t memory)
{
    static const struct {
        size_t n, first;
    } lies[] = {{N, 0}, {1, 0}, {33, 7}, {N - 1, 97}, {32, 31}};
    enum { WINDOWS = sizeof(lies) / sizeof(*lies) };
    static double nats[WINDOWS][N];
    const struct cril_engine_options o = {.threads = threads, .memory = memory, .window = N};
    struct cril_window w[WINDOWS];
    struct cril_engine *e;
    cril_error err;

    for (size_t i = 0; i < WINDOWS; i++)
        w[i] = (struct cril_window){.ids = ids,
                                    .n = lies[i].n,
                                    .first = lies[i].first,
                                    .targets = ids + lies[i].first + 1,
                                    .nats = nats[i],
                                    .shares = i ? NULL : shares};
    if (cril_engine_create(m, cril_kernels(), &o, &e, &err) == CRIL_ERR_RANGE)
        return false;
    if (cril_engine_score(e, w, WINDOWS, NULL, NULL, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < WINDOWS; i++)
        assert_memory_equal(nats[i], want + lies[i].first,
                            (lies[i].n - lies[i].first) * sizeof(double));
    cril_engine_free(e);
    return true;
}

static void check_distribution(const struct cril_distribution d, size_t at)
{
    const size_t id = (size_t)ids[at], chunk = id / CRIL_CHUNK, first = chunk * CRIL_CHUNK,
                 n = d.n - first < CRIL_CHUNK ? d.n - first : CRIL_CHUNK;
    const struct cril_share c = cril_share_of_weight(d.weights, d.sum, d.n_chunks, chunk),
                            t = cril_share_of_value(d.values + first, n, id - first);

    assert_memory_equal(&c, &shares[at - 1].chunk, sizeof(c));
    assert_memory_equal(&t, &shares[at - 1].token, sizeof(t));
}

/* Two streams of the same ids, which take turns, a few tokens at a time; twice. */
static void check_decoder(const cril_model *m, unsigned threads)
{
    const struct cril_decoder_options o = {.threads = threads, .streams = 2, .context = N};
    struct cril_random random = cril_random_seed(threads);
    struct cril_decoder *d;
    cril_error err;

    if (cril_decoder_create(m, cril_kernels(), &o, &d, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    for (int round = 0; round < 2; round++) {
        size_t at[2] = {0, 0};

        for (size_t i = 0; i < 2; i++)
            assert_int_equal(cril_decoder_reset(d, i, N, &err), CRIL_OK);
        while (at[0] + at[1] < 2 * N) {
            const size_t i = cril_random_below(&random, 2), left = N - at[i];
            struct cril_feed feed = {.stream = i, .ids = ids + at[i]};

            if (!left)
                continue;
            feed.n = 1 + cril_random_below(&random, left < 40 ? (uint32_t)left : 40);
            at[i] += feed.n;
            if (cril_decoder_feed(d, &feed, 1, &err) != CRIL_OK)
                fail_msg("%s", err.message);
            check_distribution(cril_decoder_distribution(d, 0), at[i]);
        }
    }
    cril_decoder_free(d);
}

static void check(cril_model *m)
{
    struct cril_random random = cril_random_seed(3);
    cril_error err;

    for (size_t i = 0; i <= N; i++)
        ids[i] = (int32_t)cril_random_below(&random, (uint32_t)cril_model_logits(m));
    assert_int_equal(cril_reference_nats(m, ids, N + 1, want, &err), CRIL_OK);
    for (unsigned threads = 1; threads <= 4; threads += 3) {
        size_t extra = (size_t)16 << 20; /* less and less memory: finer and finer cuts */

        assert_true(check_engine(m, threads, 0));
        while (check_engine(m, threads, cril_memory_resident() + extra))
            extra -= extra / 8;
        check_decoder(m, threads);
    }
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
        cmocka_unit_test(test_float), cmocka_unit_test(test_quantised),
        cmocka_unit_test(test_narrow_values), cmocka_unit_test(test_flops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
