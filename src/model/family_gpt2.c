/*
 * GPT-2 (Radford et al. 2019, section 2.3): learned positions, LayerNorm before each branch, one
 * matrix for queries, keys and values. A folder stores matrices with rows and columns exchanged.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {
    CRIL_STEPS_EMBEDDING,
    CRIL_STEP(position, POSITIONS, X, X),
};
static const struct cril_step steps[] = {CRIL_STEPS_GPT_ATTENTION, CRIL_STEPS_GPT_MLP};
static const struct cril_step head[] = {CRIL_STEPS_GPT_HEAD};

#define LAYER "transformer.h.#."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("transformer.wte.weight", "transformer.ln_f", 0),
    {CRIL_W_POSITIONS, "position_embd.weight", "transformer.wpe.weight", 0, CRIL_PART_ALL, 0},
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", LAYER "ln_1", 0),
    CRIL_ROWS_FUSED_QKV(LAYER "attn.c_attn", CRIL_EXCHANGED, CRIL_BY_KIND),
    CRIL_ROWS_LINEAR(O, "blk.#.attn_output", LAYER "attn.c_proj", CRIL_EXCHANGED, CRIL_PART_ALL,
                     CRIL_O_BIAS),
    CRIL_ROWS_LAYER_NORM(FFN_NORM, "ffn_norm", LAYER "ln_2", 0),
    CRIL_ROWS_MLP(LAYER "mlp.c_fc", LAYER "mlp.c_proj", CRIL_EXCHANGED),
    CRIL_ROWS_END,
};

enum { BIASES = CRIL_QKV_BIAS | CRIL_O_BIAS | CRIL_FFN_BIAS | CRIL_NORM_BIAS };

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_GPT(12, 768, 12, 1024),
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    bool scaled = true, by_layer = false;
    cril_status st;

    t->has |= BIASES;
    if ((st = cril_translate_inner(t, "n_inner", err)) != CRIL_OK ||
        (st = cril_translate_activation(t, "activation_function", "gelu_new", "gelu_tanh", err)) !=
            CRIL_OK ||
        (st = cril_translate_is(t, "add_cross_attention", false, err)) != CRIL_OK ||
        (st = cril_config_bool(t, "scale_attn_weights", &scaled, err)) != CRIL_OK ||
        (st = cril_config_bool(t, "scale_attn_by_inverse_layer_idx", &by_layer, err)) != CRIL_OK ||
        (!scaled && (st = cril_translate_float(t, "attention.scale", 1, err)) != CRIL_OK))
        return st;
    return by_layer ? cril_translate_bool(t, "attention.scale_by_layer", true, err) : CRIL_OK;
}

static const struct cril_class classes[] = {
    {"GPT2LMHeadModel", rows, true, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    bool by_layer = false;
    cril_status st;

    cril_model_inner_width(m);
    if ((st = cril_model_activation(m, CRIL_ACT_GELU_TANH, err)) != CRIL_OK ||
        (st = cril_key_opt_bool(m, "attention.scale_by_layer", &by_layer, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; by_layer && i < m->config.n_layers; i++)
        m->layers[i].attention_scale /= (float)(i + 1);
    return CRIL_OK;
}

const struct cril_family cril_family_gpt2 = {.architecture = "gpt2",
                                             CRIL_FAMILY_TABLES,

                                             .has = BIASES,
                                             .cannot_say =
                                                 "the function of its inner networks "
                                                 "(activation_function) and another scale "
                                                 "of its scores (scale_attn_weights, "
                                                 "scale_attn_by_inverse_layer_idx)",
                                             .layer_norms = true,

                                             .layers = {CRIL_STEPS(steps)}};
