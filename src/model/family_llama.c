/*
 * Llama 1 to 3 and what is built like them (SmolLM2, Mistral, TinyLlama, ...): Touvron et al. 2023,
 * section 2.2. Pre-norm, rotation of neighbouring pairs (the order in which GGUF stores their query
 * and key rows), SwiGLU.
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
    {&cril_op_bias, CRIL_W_O_BIAS, CRIL_BUF_T, CRIL_BUF_T},
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
    {CRIL_W_Q, "blk.#.attn_q.weight", "model.layers.#.self_attn.q_proj.weight",
     CRIL_WEIGHT_NEIGHBOURS},
    {CRIL_W_K, "blk.#.attn_k.weight", "model.layers.#.self_attn.k_proj.weight",
     CRIL_WEIGHT_NEIGHBOURS},
    {CRIL_W_V, "blk.#.attn_v.weight", "model.layers.#.self_attn.v_proj.weight", 0},
    {CRIL_W_O, "blk.#.attn_output.weight", "model.layers.#.self_attn.o_proj.weight", 0},
    {CRIL_W_Q_BIAS, "blk.#.attn_q.bias", "model.layers.#.self_attn.q_proj.bias",
     CRIL_WEIGHT_NEIGHBOURS},
    {CRIL_W_K_BIAS, "blk.#.attn_k.bias", "model.layers.#.self_attn.k_proj.bias",
     CRIL_WEIGHT_NEIGHBOURS},
    {CRIL_W_V_BIAS, "blk.#.attn_v.bias", "model.layers.#.self_attn.v_proj.bias", 0},
    {CRIL_W_O_BIAS, "blk.#.attn_output.bias", "model.layers.#.self_attn.o_proj.bias", 0},
    {CRIL_W_FFN_NORM, "blk.#.ffn_norm.weight", "model.layers.#.post_attention_layernorm.weight", 0},
    {CRIL_W_GATE, "blk.#.ffn_gate.weight", "model.layers.#.mlp.gate_proj.weight", 0},
    {CRIL_W_UP, "blk.#.ffn_up.weight", "model.layers.#.mlp.up_proj.weight", 0},
    {CRIL_W_DOWN, "blk.#.ffn_down.weight", "model.layers.#.mlp.down_proj.weight", 0},
};

static const struct cril_config_row llama_rows[] = {
    {"block_count", CRIL_ROW_REQUIRED, 0},
    {"embedding_length", CRIL_ROW_REQUIRED, 0},
    {"feed_forward_length", CRIL_ROW_REQUIRED, 0},
    {"attention.head_count", CRIL_ROW_REQUIRED, 0},
    {"attention.head_count_kv", CRIL_ROW_AS_HEADS, 0},
    {"context_length", CRIL_ROW_DEFAULT, 2048},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6},
    {"vocab_size", CRIL_ROW_OPTIONAL, 0},
    {0},
};

static const struct cril_config_row mistral_rows[] = {
    {"block_count", CRIL_ROW_REQUIRED, 0},
    {"embedding_length", CRIL_ROW_REQUIRED, 0},
    {"feed_forward_length", CRIL_ROW_REQUIRED, 0},
    {"attention.head_count", CRIL_ROW_REQUIRED, 0},
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 8},
    {"context_length", CRIL_ROW_DEFAULT, 131072},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6},
    {"vocab_size", CRIL_ROW_OPTIONAL, 0},
    {0},
};

/* What both classes have. */
static cril_status translate_head(struct cril_translation *t, cril_error *err)
{
    uint64_t width;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_head(t, 0, &width, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "rope.dimension_count", width, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, NULL, 10000, err);
}

static cril_status translate_llama(struct cril_translation *t, cril_error *err)
{
    const cril_status st = cril_config_bool(t, "attention_bias", &t->has_biases, err);

    return st == CRIL_OK ? translate_head(t, err) : st;
}

/* Every layer sees a window, unless it is null. */
static cril_status translate_mistral(struct cril_translation *t, cril_error *err)
{
    uint64_t window = 4096;
    cril_status st = cril_config_uint(t, "sliding_window", &window, err);

    if (st == CRIL_OK && !cril_config_is_null(t, "sliding_window"))
        st = cril_translate_uint(t, "attention.sliding_window", window, err);
    return st == CRIL_OK ? translate_head(t, err) : st;
}

static const struct cril_class classes[] = {
    {"LlamaForCausalLM", llama_rows, false, translate_llama},
    {"LLaMAForCausalLM", llama_rows, false, translate_llama},
    {"MistralForCausalLM", mistral_rows, false, translate_mistral},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    const struct cril_tensor *divisors;
    double base = 10000;
    cril_status st;
    if ((st = cril_model_windows(m, 0, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base", &base, err)) != CRIL_OK ||
        (st = cril_model_take(m, "rope_freqs.weight", &divisors, err)) != CRIL_OK)
        return st;
    return cril_rope_configure(m, base, false, divisors, &m->rope[0], err);
}

const struct cril_family cril_family_llama = {.architecture = "llama",
                                              .classes = classes,
                                              .weights = weights,
                                              .embedding = CRIL_STEPS(embedding),
                                              .layers = {CRIL_STEPS(steps)},
                                              .head = CRIL_STEPS(head),
                                              .configure = configure};
