/*
 * Qwen2 and Qwen2.5 (Yang et al. 2024, section 2.2): as Llama, with biases on query, key and value,
 * and rotation of the two halves of a head.
 */
#include "model/family.h"
#include "model/op.h"

static const struct cril_step embedding[] = {
    {&cril_op_embed, CRIL_W_EMBEDDING, CRIL_BUF_X, CRIL_BUF_X},
};

static const struct cril_step steps[] = {
    {&cril_op_norm, CRIL_W_ATTN_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_Q, CRIL_BUF_N, CRIL_BUF_Q},
    {&cril_op_matmul, CRIL_W_K, CRIL_BUF_N, CRIL_BUF_K},
    {&cril_op_matmul, CRIL_W_V, CRIL_BUF_N, CRIL_BUF_V},
    {&cril_op_bias, CRIL_W_Q_BIAS, CRIL_BUF_Q, CRIL_BUF_Q},
    {&cril_op_bias, CRIL_W_K_BIAS, CRIL_BUF_K, CRIL_BUF_K},
    {&cril_op_bias, CRIL_W_V_BIAS, CRIL_BUF_V, CRIL_BUF_V},
    {&cril_op_rope, CRIL_W_NONE, CRIL_BUF_Q, CRIL_BUF_Q},
    {&cril_op_rope, CRIL_W_NONE, CRIL_BUF_K, CRIL_BUF_K},
    {&cril_op_store_kv, CRIL_W_NONE, CRIL_BUF_K, CRIL_BUF_V},
    {&cril_op_attend, CRIL_W_NONE, CRIL_BUF_Q, CRIL_BUF_A},
    {&cril_op_matmul, CRIL_W_O, CRIL_BUF_A, CRIL_BUF_T},
    {&cril_op_add, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
    {&cril_op_norm, CRIL_W_FFN_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_GATE, CRIL_BUF_N, CRIL_BUF_G},
    {&cril_op_matmul, CRIL_W_UP, CRIL_BUF_N, CRIL_BUF_U},
    {&cril_op_silu_mul, CRIL_W_NONE, CRIL_BUF_U, CRIL_BUF_G},
    {&cril_op_matmul, CRIL_W_DOWN, CRIL_BUF_G, CRIL_BUF_T},
    {&cril_op_add, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
};

static const struct cril_step head[] = {
    {&cril_op_norm, CRIL_W_OUTPUT_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_OUTPUT, CRIL_BUF_N, CRIL_BUF_LOGITS},
};

static const struct cril_weight_row weights[] = {
    {CRIL_W_EMBEDDING, "token_embd.weight", "model.embed_tokens.weight", 0},
    {CRIL_W_OUTPUT_NORM, "output_norm.weight", "model.norm.weight", 0},
    {CRIL_W_OUTPUT, "output.weight", "lm_head.weight", 0},
    {CRIL_W_ATTN_NORM, "blk.#.attn_norm.weight", "model.layers.#.input_layernorm.weight", 0},
    {CRIL_W_Q, "blk.#.attn_q.weight", "model.layers.#.self_attn.q_proj.weight", 0},
    {CRIL_W_K, "blk.#.attn_k.weight", "model.layers.#.self_attn.k_proj.weight", 0},
    {CRIL_W_V, "blk.#.attn_v.weight", "model.layers.#.self_attn.v_proj.weight", 0},
    {CRIL_W_O, "blk.#.attn_output.weight", "model.layers.#.self_attn.o_proj.weight", 0},
    {CRIL_W_Q_BIAS, "blk.#.attn_q.bias", "model.layers.#.self_attn.q_proj.bias", 0},
    {CRIL_W_K_BIAS, "blk.#.attn_k.bias", "model.layers.#.self_attn.k_proj.bias", 0},
    {CRIL_W_V_BIAS, "blk.#.attn_v.bias", "model.layers.#.self_attn.v_proj.bias", 0},
    {CRIL_W_FFN_NORM, "blk.#.ffn_norm.weight", "model.layers.#.post_attention_layernorm.weight", 0},
    {CRIL_W_GATE, "blk.#.ffn_gate.weight", "model.layers.#.mlp.gate_proj.weight", 0},
    {CRIL_W_UP, "blk.#.ffn_up.weight", "model.layers.#.mlp.up_proj.weight", 0},
    {CRIL_W_DOWN, "blk.#.ffn_down.weight", "model.layers.#.mlp.down_proj.weight", 0},
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_REQUIRED, 0},
    {"embedding_length", CRIL_ROW_REQUIRED, 0},
    {"feed_forward_length", CRIL_ROW_REQUIRED, 0},
    {"attention.head_count", CRIL_ROW_REQUIRED, 0},
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 32},
    {"context_length", CRIL_ROW_DEFAULT, 32768},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6},
    {0},
};

static bool from_layer(size_t layer, uint64_t first)
{
    return layer >= first;
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    bool windows = false;
    uint64_t window = 4096, first = 28, width;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_config_bool(t, "use_sliding_window", &windows, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "sliding_window", &window, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "max_window_layers", &first, err)) != CRIL_OK)
        return st;
    t->has_biases = true;
    if (windows && !cril_config_is_null(t, "sliding_window") &&
        ((st = cril_translate_uint(t, "attention.sliding_window", window, err)) != CRIL_OK ||
         (st = cril_translate_windows(t, from_layer, first, 0, err)) != CRIL_OK))
        return st;
    if (cril_config_has(t, "head_dim") && (st = cril_translate_head(t, 0, &width, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"Qwen2ForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    double base = 10000;
    cril_status st;

    if ((st = cril_key_opt_float(m, "rope.freq_base", &base, err)) != CRIL_OK ||
        (st = cril_model_windows(m, 0, err)) != CRIL_OK)
        return st;
    return cril_rope_configure(m, base, true, NULL, &m->rope[0], err);
}

const struct cril_family cril_family_qwen2 = {.architecture = "qwen2",
                                              .classes = classes,
                                              .weights = weights,
                                              .biases = CRIL_BIASES_ALL,
                                              .embedding = CRIL_STEPS(embedding),
                                              .layers = {CRIL_STEPS(steps)},
                                              .head = CRIL_STEPS(head),
                                              .configure = configure};
