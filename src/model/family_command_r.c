/*
 * Command R and Aya (Cohere 2024): layer norms without bias, attention and feed-forward network
 * side by side, rotation of neighbouring pairs, logits times a factor; the larger ones norm each
 * head of queries and keys.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

static const struct cril_step steps[] = {
    CRIL_STEP(layer_norm, ATTN_NORM, X, N),
    CRIL_STEPS_QKV(N),
    CRIL_STEP(head_layer_norm, Q_NORM, Q, Q),
    CRIL_STEP(head_layer_norm, K_NORM, K, K),
    CRIL_STEPS_TURN,
    CRIL_STEPS_ATTEND,
    CRIL_STEP_ADD,
    CRIL_STEPS_SWIGLU(N),
    CRIL_STEP_ADD,
};

static const struct cril_step head[] = {
    CRIL_STEP(layer_norm, OUTPUT_NORM, X, N),
    CRIL_STEP(matmul, OUTPUT, N, LOGITS),
    CRIL_STEP(scale_logits, NONE, LOGITS, LOGITS),
};

#define LAYER "model.layers.#."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.norm", 0),
    CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", LAYER "input_layernorm", 0),
    CRIL_ROWS_QKV(LAYER "self_attn.", 0),
    CRIL_ROWS_QK_NORM("q_norm", "k_norm"),
    CRIL_ROWS_O(LAYER "self_attn.o_proj"),
    CRIL_ROWS_GATED(LAYER "mlp."),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_AS_HEADS, 0, NULL},
    {"attention.layer_norm_epsilon", CRIL_ROW_DEFAULT, 1e-5, NULL},
    {0},
};

/* model_max_length is what the models were trained for, where both are there. */
static cril_status translate_context(struct cril_translation *t, cril_error *err)
{
    uint64_t context = 8192;
    cril_status st;

    if ((st = cril_config_uint(t, "max_position_embeddings", &context, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "model_max_length", &context, err)) != CRIL_OK)
        return st;
    return cril_translate_uint(t, "context_length", context, err);
}

static cril_status translate_logit_scale(struct cril_translation *t, cril_error *err)
{
    double scale = 0.0625;
    const cril_status st = cril_config_float(t, "logit_scale", &scale, err);

    return st == CRIL_OK ? cril_translate_factor(t, "logit_scale", "logit_scale", scale, err) : st;
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_has(t, "use_qk_norm", false, CRIL_QK_NORM, err)) != CRIL_OK ||
        (st = translate_context(t, err)) != CRIL_OK ||
        (st = translate_logit_scale(t, err)) != CRIL_OK)
        return st;
    if ((st = cril_translate_own_head(t, err)) != CRIL_OK)
        return st;
    t->says_none = true;
    return cril_translate_rope(t, NULL, 500000, err);
}

static const struct cril_class classes[] = {
    {"CohereForCausalLM", rows, true, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = cril_model_scales(m, err)) != CRIL_OK)
        return st;
    return cril_model_rope(m, 10000, false, err);
}

const struct cril_family cril_family_command_r = {.architecture = "command-r",
                                                  CRIL_FAMILY_TABLES,

                                                  .layer_norms = true,

                                                  .layers = {CRIL_STEPS(steps)}};
