/*
 * Nemotron and Minitron (Parmar et al. 2024, "Nemotron-4 15B technical report", section 2): layer
 * norms of 1 + w, squared ReLU between two matrices, half of a head turns.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

static const struct cril_step steps[] = {
    CRIL_STEPS_LAYER_NORM(ATTN_NORM, X, N),
    CRIL_STEPS_QKV(N),
    CRIL_STEPS_TURN,
    CRIL_STEPS_ATTEND,
    CRIL_STEP_ADD,
    CRIL_STEPS_LAYER_NORM(FFN_NORM, X, N),
    CRIL_STEPS_MLP(N),
    CRIL_STEP_ADD,
};

static const struct cril_step head[] = {
    CRIL_STEPS_LAYER_NORM(OUTPUT_NORM, X, N),
    CRIL_STEP(matmul, OUTPUT, N, LOGITS),
};

#define LAYER "model.layers.#."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.norm", CRIL_PLUS_ONE),
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", LAYER "input_layernorm", CRIL_PLUS_ONE),
    CRIL_ROWS_QKV(LAYER "self_attn.", 0),
    CRIL_ROWS_O(LAYER "self_attn.o_proj"),
    CRIL_ROWS_LAYER_NORM(FFN_NORM, "ffn_norm", LAYER "post_attention_layernorm", CRIL_PLUS_ONE),
    CRIL_ROWS_MLP(LAYER "mlp.up_proj", LAYER "mlp.down_proj", 0),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_AS_HEADS, 0, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 4096, NULL},
    {"attention.layer_norm_epsilon", CRIL_ROW_DEFAULT, 1e-5, "norm_eps"},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-5, "norm_eps"}, /* written as both */
    {"vocab_size", CRIL_ROW_OPTIONAL, 0, NULL},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    uint64_t width;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "relu2", "relu2", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_has(t, "mlp_bias", false, CRIL_FFN_BIAS, err)) != CRIL_OK ||
        (st = cril_translate_head(t, 0, &width, err)) != CRIL_OK)
        return st;
    t->has |= CRIL_NORM_BIAS;
    t->share = 0.5;
    t->says_share = t->says_none = true;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"NemotronForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    m->config.activation = CRIL_ACT_RELU_SQUARED;
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_nemotron = {.architecture = "nemotron",
                                                 CRIL_FAMILY_TABLES,

                                                 .has = CRIL_NORM_BIAS,
                                                 .layer_norms = true,

                                                 .layers = {CRIL_STEPS(steps)}};
