/*
 * OLMoE (Muennighoff et al. 2024, section 2): norms over all queries and all keys, which a limit
 * may cut, and experts.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {
    CRIL_STEP(norm, ATTN_NORM, X, N),
    CRIL_STEPS_QKV(N),
    CRIL_STEP(norm, Q_NORM, Q, Q),
    CRIL_STEP(norm, K_NORM, K, K),
    CRIL_STEP(limit, NONE, Q, Q),
    CRIL_STEP(limit, NONE, K, K),
    CRIL_STEP(limit, NONE, V, V),
    CRIL_STEPS_TURN,
    CRIL_STEPS_ATTEND,
    CRIL_STEP_ADD,
    CRIL_STEP(norm, FFN_NORM, X, N),
    CRIL_STEPS_MIXTURE(N),
    CRIL_STEP_ADD,
};
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
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_AS_HEADS, 0, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 4096, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-5, NULL},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_number(t, "clip_qkv", "attention.clamp_kqv", err)) != CRIL_OK ||
        (st = cril_translate_experts(t, 64, 8, err)) != CRIL_OK ||
        (st = cril_translate_expert_norm(t, false, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"OlmoeForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = cril_model_mixture(m, err)) != CRIL_OK || (st = cril_model_limit(m, err)) != CRIL_OK)
        return st;
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_olmoe = {
    .architecture = "olmoe",
    CRIL_FAMILY_TABLES,

    .layers = {CRIL_STEPS(steps)},

    .cannot_say = "whether weights of experts are divided by their sum (norm_topk_prob)"};
