/*
 * StarCoder2 (Lozhkov et al. 2024, section 6): rotation of the two halves of a head, grouped key
 * heads, LayerNorm, two matrices, all with biases; layers may see a window.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {CRIL_STEPS_GPT_ROTATION, CRIL_STEPS_GPT_MLP};
static const struct cril_step head[] = {CRIL_STEPS_GPT_HEAD};

#define LAYER "model.layers.#."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.norm", 0),
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", LAYER "input_layernorm", 0),
    CRIL_ROWS_QKV(LAYER "self_attn.", 0),
    CRIL_ROWS_O(LAYER "self_attn.o_proj"),
    CRIL_ROWS_LAYER_NORM(FFN_NORM, "ffn_norm", LAYER "post_attention_layernorm", 0),
    CRIL_ROWS_MLP(LAYER "mlp.c_fc", LAYER "mlp.c_proj", 0),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 30, NULL},
    {"embedding_length", CRIL_ROW_DEFAULT, 3072, NULL},
    {"feed_forward_length", CRIL_ROW_DEFAULT, 12288, NULL},
    {"attention.head_count", CRIL_ROW_DEFAULT, 24, NULL},
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 2, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 4096, NULL},
    {"attention.layer_norm_epsilon", CRIL_ROW_DEFAULT, 1e-5, "norm_epsilon"},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    t->has |= CRIL_NORM_BIAS;
    if ((st = cril_translate_has(t, "use_bias", true, CRIL_QKV_BIAS | CRIL_O_BIAS | CRIL_FFN_BIAS,
                                 err)) != CRIL_OK ||
        (st = cril_translate_expect(t, "mlp_type", "default", "default", err)) != CRIL_OK ||
        (st = cril_translate_expect(t, "norm_type", "layer_norm", "layer_norm", err)) != CRIL_OK ||
        (st = cril_translate_activation(t, "hidden_act", "gelu_pytorch_tanh", "gelu_tanh", err)) !=
            CRIL_OK ||
        (st = cril_translate_window(t, "sliding_window", 0, err)) != CRIL_OK ||
        (st = cril_translate_own_head(t, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"Starcoder2ForCausalLM", rows, true, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = cril_model_activation(m, CRIL_ACT_GELU_TANH, err)) != CRIL_OK ||
        (st = cril_model_windows(m, 0, err)) != CRIL_OK)
        return st;
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_starcoder2 = {.architecture = "starcoder2",
                                                   CRIL_FAMILY_TABLES,

                                                   .has = CRIL_NORM_BIAS,
                                                   .cannot_say =
                                                       "the window of its layers (sliding_window)",
                                                   .layer_norms = true,

                                                   .layers = {CRIL_STEPS(steps)}};
