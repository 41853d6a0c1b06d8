/*
 * Qwen3-MoE (Yang et al. 2025, section 2): norms on the heads of queries and keys, experts without
 * a shared one. Some layers may be dense.
 */
#include "model/family_parts.h"

#define ATTENTION                                                                                  \
    CRIL_STEP(norm, ATTN_NORM, X, N), CRIL_STEPS_QKV(N), CRIL_STEP(head_norm, Q_NORM, Q, Q),       \
        CRIL_STEP(head_norm, K_NORM, K, K), CRIL_STEPS_TURN, CRIL_STEPS_ATTEND, CRIL_STEP_ADD,     \
        CRIL_STEP(norm, FFN_NORM, X, N)

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step mixture[] = {ATTENTION, CRIL_STEPS_MIXTURE(N), CRIL_STEP_ADD};
static const struct cril_step dense[] = {ATTENTION, CRIL_STEPS_SWIGLU(N), CRIL_STEP_ADD};
static const struct cril_step head[] = {CRIL_STEPS_HEAD};

#define MLP "model.layers.#.mlp."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_LLAMA(0),
    CRIL_ROWS_NORM(Q_NORM, "attn_q_norm", "model.layers.#.self_attn.q_norm", 0),
    CRIL_ROWS_NORM(K_NORM, "attn_k_norm", "model.layers.#.self_attn.k_norm", 0),
    CRIL_ROWS_ROUTER(MLP "gate"),
    CRIL_ROWS_EXPERTS(MLP, "gate_proj", "up_proj", "down_proj"),
    CRIL_ROWS_FUSED_EXPERTS(MLP "experts.gate_up_proj", MLP "experts.down_proj"),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_REQUIRED, 0, NULL},
    {"embedding_length", CRIL_ROW_REQUIRED, 0, NULL},
    {"feed_forward_length", CRIL_ROW_DEFAULT, 6144, NULL},
    {"attention.head_count", CRIL_ROW_REQUIRED, 0, NULL},
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 4, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 32768, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {"expert_feed_forward_length", CRIL_ROW_DEFAULT, 768, NULL},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    bool windows = false;
    uint64_t width;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_experts(t, 128, 8, err)) != CRIL_OK ||
        (st = cril_translate_expert_norm(t, true, err)) != CRIL_OK ||
        (st = cril_translate_expert_layers(t, err)) != CRIL_OK ||
        (st = cril_translate_head(t, 0, &width, err)) != CRIL_OK ||
        (st = cril_config_bool(t, "use_sliding_window", &windows, err)) != CRIL_OK ||
        (windows && (st = cril_translate_window(t, "sliding_window", 4096, err)) != CRIL_OK))
        return st;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"Qwen3MoeForCausalLM", rows, false, translate},
    {0},
};

enum { MIXTURE, DENSE };

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    m->config.mixture.normed = true;
    if ((st = cril_model_mixture(m, err)) != CRIL_OK ||
        (st = cril_model_expert_layers(m, MIXTURE, DENSE, err)) != CRIL_OK ||
        (st = cril_model_windows(m, 0, err)) != CRIL_OK)
        return st;
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_qwen3moe = {
    .architecture = "qwen3moe",
    CRIL_FAMILY_TABLES,

    .layers = {[MIXTURE] = CRIL_STEPS(mixture), [DENSE] = CRIL_STEPS(dense)},

    .cannot_say = "whether weights of experts are divided by their sum (norm_topk_prob)"};
