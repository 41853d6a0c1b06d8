/*
 * Weights are random bits with the exponents set, so that a row's product is about as large as its
 * input and every value stays finite. A matrix gets the type that was used least so far, of those
 * whose blocks fit its rows.
 */
#include "model/builtin.h"

#include "model/builtin_operations.h"
#include "model/op.h"
#include "util/fail.h"
#include "util/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TENSORS = CRIL_N_SLOTS + 3 * 8 }; /* of a layer */

struct shape {
    const char *architecture;
    const struct cril_family *family; /* NULL: the one of the architecture */
    size_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff, n_vocab;
    size_t n_rot; /* elements of a head that turn */
    bool halves, tied;
    size_t window, period; /* all but every period-th layer see so many keys; 0: all see all */
    double base[2];        /* of the rotations: full and sliding */
    enum cril_dtype first; /* of the types; so chosen that vocabularies are of floats, of groups of
                              16 and of 32 */
};

static const struct shape shapes[CRIL_N_BUILTIN] = {
    {.architecture = "llama",
     .n_layers = 2,
     .n_embd = 256,
     .n_heads = 4,
     .n_kv_heads = 2,
     .head_dim = 24,
     .n_ff = 160,
     .n_vocab = 1061,
     .n_rot = 16,
     .base = {10000},
     .first = CRIL_Q2_K},
    {.architecture = "qwen2",
     .n_layers = 2,
     .n_embd = 96,
     .n_heads = 4,
     .n_kv_heads = 1,
     .head_dim = 40,
     .n_ff = 224,
     .n_vocab = 1029,
     .n_rot = 40,
     .halves = true,
     .tied = true,
     .base = {1000000},
     .first = CRIL_Q4_1},
    {.architecture = "gemma3",
     .n_layers = 3,
     .n_embd = 64,
     .n_heads = 4,
     .n_kv_heads = 2,
     .head_dim = 72,
     .n_ff = 96,
     .n_vocab = 2050,
     .n_rot = 72,
     .halves = true,
     .tied = true,
     .window = 40,
     .period = 3,
     .base = {1000000, 10000},
     .first = CRIL_F16},
    {.architecture = "operations 1",
     .family = &cril_family_operations[0],
     .n_layers = 4,
     .n_embd = 64,
     .n_heads = 4,
     .n_kv_heads = 2,
     .head_dim = 24,
     .n_ff = 96,
     .n_vocab = 1030,
     .first = CRIL_BF16},
    {.architecture = "operations 2",
     .family = &cril_family_operations[1],
     .n_layers = 4,
     .n_embd = 96,
     .n_heads = 6,
     .n_kv_heads = 2,
     .head_dim = 24,
     .n_ff = 64,
     .n_vocab = 1057,
     .first = CRIL_Q8_0},
};

/* Where a block's fp16 factors lie, and the exponents that make its weights about 1: those of d and
   of the minimum m, whose sign makes up for integers that are never negative. */
static const struct factors {
    unsigned d, m;
    int exponent, m_exponent;
    unsigned m_sign;
} factors[CRIL_N_DTYPES] = {
    [CRIL_Q4_0] = {0, 0, -3, 0, 0},   [CRIL_Q4_1] = {0, 2, -3, 0, 1},
    [CRIL_Q5_0] = {0, 0, -4, 0, 0},   [CRIL_Q5_1] = {0, 2, -4, 0, 1},
    [CRIL_Q8_0] = {0, 0, -7, 0, 0},   [CRIL_Q2_K] = {80, 82, -4, -4, 0},
    [CRIL_Q3_K] = {108, 0, -6, 0, 0}, [CRIL_Q4_K] = {0, 2, -8, -5, 0},
    [CRIL_Q5_K] = {0, 2, -9, -5, 0},  [CRIL_Q6_K] = {208, 0, -11, 0, 0},
    [CRIL_IQ4_NL] = {0, 0, -7, 0, 0}, [CRIL_IQ4_XS] = {0, 0, -11, 0, 0},
};

struct build {
    struct cril_random random;
    struct cril_builtin *out;
    enum cril_dtype first;
    unsigned used[CRIL_N_DTYPES];
};

static void put_u16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

/* An fp16 in [2^exponent, 2^(exponent + 1)), exponent in -24..15, or its negative. */
static void put_f16(struct build *b, uint8_t *p, int exponent, unsigned sign)
{
    unsigned fraction = cril_random_next(&b->random) >> 22;

    if (exponent < -14) /* subnormal, as the factors of real files are */
        fraction = (1024 | fraction) >> (-14 - exponent);
    else
        fraction |= (unsigned)(exponent + 15) << 10;
    put_u16(p, sign << 15 | fraction);
}

/* Any sign and fraction; the exponent, or up to 3 less. */
static void put_float(struct build *b, enum cril_dtype type, uint8_t *p, int exponent)
{
    const uint32_t r = cril_random_next(&b->random), sign = r >> 31, fraction = r & 0x7fffff;
    const int e = exponent - (int)(r >> 23 & 3);
    const uint32_t f32 = sign << 31 | (uint32_t)(e + 127) << 23 | fraction;

    if (type == CRIL_F16) {
        put_u16(p, sign << 15 | (unsigned)(e + 15) << 10 | fraction >> 13);
        return;
    }
    if (type == CRIL_F32) {
        put_u16(p, f32 & 0xffff);
        p += 2;
    }
    put_u16(p, f32 >> 16);
}

static void put_block(struct build *b, enum cril_dtype type, uint8_t *p, int exponent)
{
    const struct factors *f = &factors[type];

    if (!cril_dtypes[type].group) {
        put_float(b, type, p, exponent);
        return;
    }
    for (size_t i = 0; i < cril_dtypes[type].block_bytes; i++)
        p[i] = (uint8_t)(cril_random_next(&b->random) >> 24);
    put_f16(b, p + f->d, f->exponent + exponent, 0);
    if (cril_dtypes[type].has_min)
        put_f16(b, p + f->m, f->m_exponent + exponent, f->m_sign);
}

static enum cril_dtype choose_type(struct build *b, size_t in, bool floats)
{
    int best = CRIL_F32; /* fits everything, like the other float types */

    for (int i = 0; i < CRIL_N_DTYPES; i++) {
        int t = ((int)b->first + i) % CRIL_N_DTYPES;

        if (in % (floats ? 1 : cril_dtypes[t].block_len) == 0 &&
            !(floats && cril_dtypes[t].group) && (b->used[t] < b->used[best] || !i))
            best = t;
    }
    b->used[best]++;
    return (enum cril_dtype)best;
}

/* A matrix [out, in], of a float type if so asked; not set: out of memory. */
static struct cril_matrix add_matrix(struct build *b, size_t in, size_t out, bool floats)
{
    const enum cril_dtype type = choose_type(b, in, floats);
    const size_t block = cril_dtypes[type].block_bytes, n = in / cril_dtypes[type].block_len * out;
    struct cril_tensor *t = &b->out->tensors[b->out->n_tensors];
    uint8_t *data = malloc(n * block);
    int exponent = 0;

    if (!data)
        return (struct cril_matrix){0};
    for (size_t k = in; k > 1; k /= 4) /* weights of about 1 / sqrt(in) */
        exponent--;
    for (size_t i = 0; i < n; i++)
        put_block(b, type, data + i * block, exponent);
    *t = (struct cril_tensor){.name = "(built-in)",
                              .type = type,
                              .n_dims = 2,
                              .ne = {in, out, 1, 1},
                              .data = data,
                              .bytes = n * block};
    b->out->n_tensors++;
    return cril_matrix_of(t);
}

/* n numbers from `around` - 1/4 to `around` + 1/4, in steps of 1/256. NULL: out of memory. */
static float *make_vector(struct build *b, size_t n, float around)
{
    float *v = malloc(n * sizeof(*v));

    for (size_t i = 0; v && i < n; i++)
        v[i] = around + ((float)cril_random_below(&b->random, 129) - 64) / 256;
    return v;
}

static bool add_experts(struct build *b, struct cril_layer *l, enum cril_slot w, size_t in,
                        size_t out)
{
    const size_t n = b->out->model->config.mixture.n_experts;

    if (!(l->experts[w] = calloc(n, sizeof(*l->experts[w]))))
        return false;
    for (size_t i = 0; i < n; i++) {
        l->experts[w][i] = add_matrix(b, in, out, false);
        if (!cril_matrix_is_set(&l->experts[w][i]))
            return false;
    }
    l->matrix[w] = l->experts[w][0];
    return true;
}

/* Around which a vector's numbers lie. Decays are negative. */
static float neutral_number(const struct cril_step *s)
{
    return s->w == CRIL_W_SSM_A || s->w == CRIL_W_DECAY ? -1 : s->op->neutral;
}

static bool add_step(struct build *b, size_t layer, const struct cril_step *s)
{
    const cril_model *m = b->out->model;
    struct cril_layer *l = &m->layers[layer];

    if (s->w == CRIL_W_NONE || l->vector[s->w] || cril_matrix_is_set(&l->matrix[s->w]))
        return true; /* several steps may have a weight */
    if (s->op->vector)
        return (l->vector[s->w] = make_vector(b, s->op->vector(m, layer, s), neutral_number(s))) !=
               NULL;
    const size_t in = cril_buffer_width(m, layer, s->op->table ? s->out : s->in),
                 out = s->op->table ? s->op->table(m) : cril_buffer_width(m, layer, s->out);
    if (s->w == CRIL_W_EXPERT_GATE || s->w == CRIL_W_EXPERT_UP || s->w == CRIL_W_EXPERT_DOWN)
        return add_experts(b, l, s->w, in, out);
    l->matrix[s->w] = add_matrix(b, in, out, s->op->table != NULL);
    return cril_matrix_is_set(&l->matrix[s->w]);
}

static void configure(cril_model *m, const struct shape *s)
{
    m->config = (struct cril_config){.n_layers = s->n_layers,
                                     .n_embd = s->n_embd,
                                     .n_heads = s->n_heads,
                                     .n_kv_heads = s->n_kv_heads,
                                     .head_dim = s->head_dim,
                                     .n_ff = s->n_ff,
                                     .n_ctx = 256,
                                     .n_embd_ends = s->n_embd,
                                     .eps = 1e-6f,
                                     .embedding_scale = 1,
                                     .residual_scale = 1,
                                     .logit_scale = 1};
    m->config.attention_scale = 1.0f / sqrtf((float)s->head_dim);
    if (s->window)
        m->config.embedding_scale = sqrtf((float)s->n_embd);
    m->n_vocab = s->n_vocab;
    cril_model_equal_layers(m);
    for (size_t i = 0; s->window && i < s->n_layers; i++) {
        m->layers[i].rope = i % s->period != s->period - 1;
        m->layers[i].window = m->layers[i].rope ? s->window : 0;
    }
}

static cril_status add_ropes(cril_model *m, const struct shape *s, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < 2 && s->base[i] > 0 && st == CRIL_OK; i++) {
        m->rope[i] = (struct cril_rope){.n_rot = s->n_rot, .halves = s->halves, .magnitude = 1};
        st = cril_rope_plain(s->base[i], &m->rope[i], m->path, err);
    }
    return st;
}

static bool add_steps(struct build *b, size_t layer, const struct cril_steps *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (!add_step(b, layer, &list->step[i]))
            return false;
    return true;
}

static bool add_weights(struct build *b, const struct shape *s)
{
    cril_model *m = b->out->model;
    struct cril_layer *ends = cril_model_ends(m);

    for (size_t i = 0; i < s->n_layers; i++)
        if (!add_steps(b, i, cril_layer_steps(m, i)))
            return false;
    ends->matrix[CRIL_W_EMBEDDING] = add_matrix(b, s->n_embd, s->n_vocab, false);
    if (s->tied)
        ends->matrix[CRIL_W_OUTPUT] = ends->matrix[CRIL_W_EMBEDDING];
    return cril_matrix_is_set(&ends->matrix[CRIL_W_EMBEDDING]) &&
           add_steps(b, s->n_layers, &m->family->embedding) &&
           add_steps(b, s->n_layers, &m->family->head);
}

cril_status cril_builtin_create(size_t i, struct cril_builtin *out, cril_error *err)
{
    const struct shape *s = &shapes[i];
    struct cril_builtin made = {0};
    struct build b = {.random = cril_random_seed(i), .out = &made, .first = s->first};
    cril_model *m = made.model = cril_model_create();
    cril_status st = CRIL_ERR_NOMEM;

    if (!m || !(m->path = strdup("built-in model")) || !(m->name = strdup(s->architecture)) ||
        !(m->layers = calloc(s->n_layers + 1, sizeof(*m->layers))) ||
        !(made.tensors = calloc((s->n_layers + 1) * MAX_TENSORS, sizeof(*made.tensors))))
        goto no_memory;
    m->family =
        s->family ? s->family
                  : cril_family_find((struct cril_bytes){s->architecture, strlen(s->architecture)});
    configure(m, s);
    if ((st = s->family
                  ? cril_operations_configure(m, (size_t)(s->family - cril_family_operations), err)
                  : add_ropes(m, s, err)) != CRIL_OK)
        goto fail;
    if (!add_weights(&b, s))
        goto no_memory;
    *out = made;
    return CRIL_OK;
no_memory:
    st = cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a built-in model");
fail:
    cril_builtin_free(&made);
    return st;
}

void cril_builtin_free(struct cril_builtin *b)
{
    for (size_t i = 0; i < b->n_tensors; i++)
        free((void *)b->tensors[i].data);
    free(b->tensors);
    cril_model_close(b->model);
    *b = (struct cril_builtin){0};
}
