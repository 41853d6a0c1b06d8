/*
 * Llama 1 to 3 and what is built like them (SmolLM2, Mistral, TinyLlama, ...): Touvron et al. 2023,
 * section 2.2. Pre-norm, rotation of neighbouring pairs (the order in which GGUF stores their query
 * and key rows), SwiGLU.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {CRIL_STEPS_LLAMA};
static const struct cril_step head[] = {CRIL_STEPS_HEAD};

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_LLAMA(CRIL_NEIGHBOURS),
    CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", "model.layers.#.ln1", 0), /* the first Yi */
    CRIL_ROWS_NORM(FFN_NORM, "ffn_norm", "model.layers.#.ln2", 0),
    CRIL_ROWS_END,
};

static const struct cril_config_row llama_rows[] = {
    {"block_count", CRIL_ROW_REQUIRED, 0, NULL},
    {"embedding_length", CRIL_ROW_REQUIRED, 0, NULL},
    {"feed_forward_length", CRIL_ROW_REQUIRED, 0, NULL},
    {"attention.head_count", CRIL_ROW_REQUIRED, 0, NULL},
    {"attention.head_count_kv", CRIL_ROW_AS_HEADS, 0, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 2048, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {"vocab_size", CRIL_ROW_OPTIONAL, 0, NULL},
    {0},
};

static const struct cril_config_row mistral_rows[] = {
    {"block_count", CRIL_ROW_REQUIRED, 0, NULL},
    {"embedding_length", CRIL_ROW_REQUIRED, 0, NULL},
    {"feed_forward_length", CRIL_ROW_REQUIRED, 0, NULL},
    {"attention.head_count", CRIL_ROW_REQUIRED, 0, NULL},
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 8, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 131072, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {"vocab_size", CRIL_ROW_OPTIONAL, 0, NULL},
    {0},
};

/* What both classes have. */
static cril_status translate_head(struct cril_translation *t, cril_error *err)
{
    uint64_t width;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_head(t, 0, &width, err)) != CRIL_OK)
        return st;
    t->says_share = true;
    return cril_translate_rope(t, NULL, 10000, err);
}

static cril_status translate_llama(struct cril_translation *t, cril_error *err)
{
    cril_status st =
        cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err);

    if (st == CRIL_OK)
        st = cril_translate_has(t, "mlp_bias", false, CRIL_FFN_BIAS, err);
    return st == CRIL_OK ? translate_head(t, err) : st;
}

/* InternLM 1: "bias" is Llama's "attention_bias". */
static cril_status translate_internlm(struct cril_translation *t, cril_error *err)
{
    const cril_status st =
        cril_translate_has(t, "bias", true, CRIL_QKV_BIAS | CRIL_O_BIAS, err);

    return st == CRIL_OK ? translate_head(t, err) : st;
}

static cril_status translate_mistral(struct cril_translation *t, cril_error *err)
{
    const cril_status st = cril_translate_window(t, "sliding_window", 4096, err);

    return st == CRIL_OK ? translate_head(t, err) : st;
}

static const struct cril_class classes[] = {
    {"LlamaForCausalLM", llama_rows, false, translate_llama},
    {"LLaMAForCausalLM", llama_rows, false, translate_llama},
    {"YiForCausalLM", llama_rows, false, translate_llama},
    {"InternLMForCausalLM", llama_rows, false, translate_internlm},
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
                                              .unsaid =
                                                  "the window of its layers (sliding_window, of "
                                                  "Mistral) and a dynamic scaling of its rotation",
                                              .embedding = CRIL_STEPS(embedding),
                                              .layers = {CRIL_STEPS(steps)},
                                              .head = CRIL_STEPS(head),
                                              .configure = configure};
