#include "model/builtin_operations.h"

#include "model/family_parts.h"

#include <math.h>

static const struct cril_step embedding[] = {
    CRIL_STEPS_EMBEDDING,
    CRIL_STEP(position, POSITIONS, X, X),
    CRIL_STEP(plain_layer_norm, NONE, X, X),
};

static const struct cril_step attend[] = {
    CRIL_STEPS_LAYER_NORM(ATTN_NORM, X, N),
    CRIL_STEPS_QKV(N),
    CRIL_STEP(limit, NONE, Q, Q),
    CRIL_STEP(head_layer_norm, Q_NORM, Q, Q),
    CRIL_STEP(bias, Q_NORM_BIAS, Q, Q),
    CRIL_STEPS_TURN,
    CRIL_STEP(log_scale, NONE, Q, Q),
    CRIL_STEPS_ATTEND,
    CRIL_STEP(scale_branch, NONE, T, T),
    CRIL_STEP_ADD,
    CRIL_STEP(norm, FFN_NORM, X, N),
    CRIL_STEPS_MLP(N),
    CRIL_STEP_ADD,
};

static const struct cril_step latent[] = {
    CRIL_STEP(norm, ATTN_NORM, X, N),
    CRIL_STEPS_LATENT_QUERY,
    CRIL_STEPS_LATENT,
    CRIL_STEP_ADD,
    CRIL_STEP(norm, FFN_NORM, X, N),
    CRIL_STEPS_MIXTURE(N),
    CRIL_STEPS_SHARED(N),
    CRIL_STEP(matmul, SHARED_ROUTER, N, S),
    CRIL_STEP(sigmoid_scale, NONE, S, M),
    CRIL_STEP(add, NONE, M, T),
    CRIL_STEP_ADD,
};

static const struct cril_step scan[] = {CRIL_STEPS_MAMBA(CRIL_STEPS_NORMS), CRIL_STEP_ADD};

static const struct cril_step scan_heads[] = {CRIL_STEPS_MAMBA_2, CRIL_STEP_ADD};

static const struct cril_step average[] = {CRIL_STEPS_RWKV};

static const struct cril_step head[] = {
    CRIL_STEPS_LAYER_NORM(OUTPUT_NORM, X, N),     CRIL_STEP(matmul, OUTPUT, N, LOGITS),
    CRIL_STEP(bias, OUTPUT_BIAS, LOGITS, LOGITS), CRIL_STEP(scale_logits, NONE, LOGITS, LOGITS),
    CRIL_STEP(cap_logits, NONE, LOGITS, LOGITS),
};

const struct cril_family cril_family_operations[2] = {
    {.architecture = "operations 1",
     .embedding = CRIL_STEPS(embedding),
     .layers = {[CRIL_OPERATIONS_ATTEND] = CRIL_STEPS(attend),
                [CRIL_OPERATIONS_LATENT] = CRIL_STEPS(latent),
                [CRIL_OPERATIONS_SCAN] = CRIL_STEPS(scan),
                [CRIL_OPERATIONS_OTHER] = CRIL_STEPS(average)},
     .head = CRIL_STEPS(head)},
    {.architecture = "operations 2",
     .embedding = CRIL_STEPS(embedding),
     .layers = {[CRIL_OPERATIONS_ATTEND] = CRIL_STEPS(attend),
                [CRIL_OPERATIONS_LATENT] = CRIL_STEPS(latent),
                [CRIL_OPERATIONS_SCAN] = CRIL_STEPS(scan_heads),
                [CRIL_OPERATIONS_OTHER] = CRIL_STEPS(attend)},
     .head = CRIL_STEPS(head)},
};

static void set_config(struct cril_config *c, bool second)
{
    c->position_offset = 2;
    c->residual_scale = 0.5f;
    c->logit_scale = 0.75f;
    c->logit_cap = 20;
    c->attention_cap = second ? 0 : 8;
    c->qkv_limit = 2;
    c->log_length = 16;
    c->inner_eps = 0.01f;
    c->activation = second ? CRIL_ACT_RELU_SQUARED : CRIL_ACT_GELU_ERF;
    c->mixture = second
                     ? (struct cril_mixture){.n_experts = 6,
                                             .n_used = 3,
                                             .n_ff = 96,
                                             .sigmoid = true,
                                             .normed = true,
                                             .n_groups = 3,
                                             .n_groups_used = 2,
                                             .groups_by_two = true,
                                             .factor = 1.5f}
                     : (struct cril_mixture){.n_experts = 5, .n_used = 2, .n_ff = 96, .factor = 1};
    c->q_rank = 48;
    c->kv_rank = 32;
    c->ssm_inner = 80;
    c->ssm_state = 12;
    c->ssm_width = 4;
    c->ssm_rank = second ? 0 : 8;
    c->ssm_heads = second ? 10 : 0;
    c->ssm_groups = 2;
    c->ssm_min_step = 0;
    c->ssm_max_step = second ? 1.5f : INFINITY;
    c->rescale_every = 4;
}

cril_status cril_operations_configure(cril_model *m, size_t i, cril_error *err)
{
    enum { TURNED = 16, LIMIT = 35 };
    cril_status st;

    set_config(&m->config, i == 1);
    for (size_t k = 0; k < 2; k++) {
        m->rope[k] = (struct cril_rope){.first = k ? m->config.head_dim - TURNED : 0,
                                        .n_rot = TURNED,
                                        .halves = k == 0,
                                        .magnitude = k ? 1.25f : 1,
                                        .limit = k ? 0 : LIMIT,
                                        .growth = CRIL_ROPE_DYNAMIC,
                                        .base = 10000,
                                        .factor = 2};
        if ((st = cril_rope_plain(10000, &m->rope[k], m->path, err)) != CRIL_OK)
            return st;
    }
    for (size_t l = 0; l < m->config.n_layers; l++) {
        struct cril_layer *const layer = &m->layers[l];

        layer->kind = (unsigned)l;
        layer->rope = l == CRIL_OPERATIONS_LATENT;
        if (l == CRIL_OPERATIONS_LATENT || l == CRIL_OPERATIONS_OTHER)
            layer->n_kv_heads = layer->n_heads;
        if (l == CRIL_OPERATIONS_LATENT)
            layer->value_dim = 20;
    }
    return i == 1 ? cril_model_slopes(m, 8, err) : CRIL_OK;
}
