/*
 * Qwen1.5-MoE and Qwen2-MoE (Yang et al. 2024, section 2.2.2): as Qwen2, with experts, and beside
 * them a SwiGLU that all rows take, gated by a sigmoid. Some layers may be dense.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
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
static const struct cril_step head[] = {CRIL_STEPS_HEAD};

#define MLP "model.layers.#.mlp."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_LLAMA(0),
    CRIL_ROWS_ROUTER(MLP "gate"),
    CRIL_ROWS_EXPERTS(MLP, "gate_proj", "up_proj", "down_proj"),
    CRIL_ROWS_FUSED_EXPERTS(MLP "experts.gate_up_proj", MLP "experts.down_proj"),
    {CRIL_W_GATE, "blk.#.ffn_gate_shexp.weight", MLP "shared_expert.gate_proj.weight", 0,
     CRIL_PART_ALL, 0},
    {CRIL_W_UP, "blk.#.ffn_up_shexp.weight", MLP "shared_expert.up_proj.weight", 0, CRIL_PART_ALL,
     0},
    {CRIL_W_DOWN, "blk.#.ffn_down_shexp.weight", MLP "shared_expert.down_proj.weight", 0,
     CRIL_PART_ALL, 0},
    {CRIL_W_SHARED_ROUTER, "blk.#.ffn_gate_inp_shexp.weight", MLP "shared_expert_gate.weight", 0,
     CRIL_PART_ALL, 0},
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_REQUIRED, 0, NULL},
    {"embedding_length", CRIL_ROW_REQUIRED, 0, NULL},
    {"feed_forward_length", CRIL_ROW_DEFAULT, 5632, NULL},
    {"attention.head_count", CRIL_ROW_REQUIRED, 0, NULL},
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 16, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 32768, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {"expert_feed_forward_length", CRIL_ROW_DEFAULT, 1408, NULL},
    {"expert_shared_feed_forward_length", CRIL_ROW_DEFAULT, 5632, NULL},
    {0},
};

/* Every second layer, before layer `end`. */
static bool slides(size_t layer, uint64_t end)
{
    return layer % 2 == 0 && layer < end;
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "qkv_bias", true, CRIL_QKV_BIAS, err)) != CRIL_OK ||
        (st = cril_translate_experts(t, 60, 4, err)) != CRIL_OK ||
        (st = cril_translate_expert_norm(t, false, err)) != CRIL_OK ||
        (st = cril_translate_expert_layers(t, err)) != CRIL_OK ||
        (st = cril_translate_used_windows(t, slides, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"Qwen2MoeForCausalLM", rows, false, translate},
    {0},
};

enum { MIXTURE, DENSE };

static cril_status configure(cril_model *m, cril_error *err)
{
    size_t n_shared = m->config.n_ff;
    cril_status st;

    if ((st = cril_model_mixture(m, err)) != CRIL_OK ||
        (st = cril_model_expert_layers(m, MIXTURE, DENSE, err)) != CRIL_OK ||
        (st = cril_key_opt_width(m, "expert_shared_feed_forward_length", &n_shared, err)) !=
            CRIL_OK ||
        (st = cril_model_windows(m, 0, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < m->config.n_layers; i++)
        if (m->layers[i].kind == MIXTURE)
            m->layers[i].n_ff = n_shared;
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_qwen2moe = {
    .architecture = "qwen2moe",
    CRIL_FAMILY_TABLES,

    .layers = {[MIXTURE] = CRIL_STEPS(mixture), [DENSE] = CRIL_STEPS(dense)},

    .cannot_say = "whether weights of experts are divided by their sum (norm_topk_prob)"};
