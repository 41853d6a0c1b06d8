/*
 * Llama 1 to 3 and what is built like them (SmolLM2, Mistral, TinyLlama, ...): Touvron et al. 2023,
 * section 2.2. Pre-norm, rotation of neighbouring pairs (the order in which GGUF stores their query
 * and key rows), SwiGLU. Mixtral (Jiang et al. 2024, section 2.1) has experts in its place.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step dense[] = {CRIL_STEPS_LLAMA};
static const struct cril_step mixture[] = {CRIL_STEPS_LLAMA_ATTENTION, CRIL_STEPS_MIXTURE(N),
                                           CRIL_STEP_ADD};
static const struct cril_step head[] = {CRIL_STEPS_HEAD};

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_LLAMA(CRIL_NEIGHBOURS),
    CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", "model.layers.#.ln1", 0), /* the first Yi */
    CRIL_ROWS_NORM(FFN_NORM, "ffn_norm", "model.layers.#.ln2", 0),
    CRIL_ROWS_ROUTER("model.layers.#.block_sparse_moe.gate"),
    CRIL_ROWS_EXPERTS("model.layers.#.block_sparse_moe.", "w1", "w3", "w2"),
    {CRIL_W_EXPERT_GATE, "blk.#.ffn_gate.@.weight", NULL, 0, CRIL_PART_ALL, 0}, /* the first */
    {CRIL_W_EXPERT_UP, "blk.#.ffn_up.@.weight", NULL, 0, CRIL_PART_ALL, 0},     /* GGUF files */
    {CRIL_W_EXPERT_DOWN, "blk.#.ffn_down.@.weight", NULL, 0, CRIL_PART_ALL, 0},
    CRIL_ROWS_END,
};

static const struct cril_config_row llama_rows[] = {
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_AS_HEADS, 0, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 2048, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {"vocab_size", CRIL_ROW_OPTIONAL, 0, NULL},
    {0},
};

static const struct cril_config_row mistral_rows[] = {
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 8, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 131072, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {"vocab_size", CRIL_ROW_OPTIONAL, 0, NULL},
    {0},
};

static const struct cril_config_row mixtral_rows[] = {
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 8, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 131072, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-5, NULL},
    {"vocab_size", CRIL_ROW_OPTIONAL, 0, NULL},
    {0},
};

/* What all classes have. base: of the rotation. */
static cril_status translate_head(struct cril_translation *t, double base, cril_error *err)
{
    uint64_t width;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_head(t, 0, &width, err)) != CRIL_OK)
        return st;
    t->says_share = true;
    return cril_translate_rope(t, NULL, base, err);
}

static cril_status translate_llama(struct cril_translation *t, cril_error *err)
{
    cril_status st =
        cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err);

    if (st == CRIL_OK)
        st = cril_translate_has(t, "mlp_bias", false, CRIL_FFN_BIAS, err);
    return st == CRIL_OK ? translate_head(t, 10000, err) : st;
}

/* InternLM 1: "bias" is Llama's "attention_bias". */
static cril_status translate_internlm(struct cril_translation *t, cril_error *err)
{
    const cril_status st = cril_translate_has(t, "bias", true, CRIL_QKV_BIAS | CRIL_O_BIAS, err);

    return st == CRIL_OK ? translate_head(t, 10000, err) : st;
}

static cril_status translate_mistral(struct cril_translation *t, cril_error *err)
{
    const cril_status st = cril_translate_window(t, "sliding_window", 4096, err);

    return st == CRIL_OK ? translate_head(t, 10000, err) : st;
}

static cril_status translate_mixtral(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_window(t, "sliding_window", 0, err)) != CRIL_OK ||
        (st = cril_translate_experts(t, 8, 2, err)) != CRIL_OK)
        return st;
    return translate_head(t, 1000000, err);
}

static const struct cril_class classes[] = {
    {"LlamaForCausalLM", llama_rows, false, translate_llama},
    {"LLaMAForCausalLM", llama_rows, false, translate_llama},
    {"YiForCausalLM", llama_rows, false, translate_llama},
    {"InternLMForCausalLM", llama_rows, false, translate_internlm},
    {"MistralForCausalLM", mistral_rows, false, translate_mistral},
    {"MixtralForCausalLM", mixtral_rows, false, translate_mixtral},
    {0},
};

enum { DENSE, MIXTURE };

static cril_status configure_experts(cril_model *m, cril_error *err)
{
    cril_status st;

    m->config.mixture.normed = true;
    if ((st = cril_model_mixture(m, err)) != CRIL_OK || !m->config.mixture.n_experts)
        return st;
    return cril_model_expert_layers(m, MIXTURE, DENSE, err);
}

static cril_status configure(cril_model *m, cril_error *err)
{
    const struct cril_tensor *divisors;
    cril_status st;
    if ((st = cril_model_windows(m, 0, err)) != CRIL_OK ||
        (st = configure_experts(m, err)) != CRIL_OK ||
        (st = cril_model_take(m, "rope_freqs.weight", &divisors, err)) != CRIL_OK)
        return st;
    return cril_rope_configure(m, 10000, false, divisors, &m->rope[0], err);
}

const struct cril_family cril_family_llama = {
    .architecture = "llama",
    CRIL_FAMILY_TABLES,

    .cannot_say =
        "the window of its layers (sliding_window, of Mistral) and a dynamic scaling of its "
        "rotation",

    .layers = {[DENSE] = CRIL_STEPS(dense), [MIXTURE] = CRIL_STEPS(mixture)}};
