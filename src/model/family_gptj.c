/*
 * GPT-J (Wang & Komatsuzaki 2021): both branches side by side behind one norm; neighbours in the
 * first rotary_dim elements of a head turn; a bias on the logits.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {CRIL_STEPS_GPT_ONE_NORM};
static const struct cril_step head[] = {CRIL_STEPS_GPT_HEAD};

#define LAYER "transformer.h.#."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("transformer.wte.weight", "transformer.ln_f", 0),
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", LAYER "ln_1", 0),
    CRIL_ROWS_QKV(LAYER "attn.", 0),
    CRIL_ROWS_O(LAYER "attn.out_proj"),
    CRIL_ROWS_MLP(LAYER "mlp.fc_in", LAYER "mlp.fc_out", 0),
    CRIL_ROWS_END,
};

enum { BIASES = CRIL_FFN_BIAS | CRIL_NORM_BIAS | CRIL_OUTPUT_BIAS };

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_GPT(28, 4096, 16, 2048),
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    uint64_t turned = 64;
    cril_status st;

    t->has |= BIASES;
    if ((st = cril_translate_inner(t, "n_inner", err)) != CRIL_OK ||
        (st = cril_translate_activation(t, "activation_function", "gelu_new", "gelu_tanh", err)) !=
            CRIL_OK ||
        (st = cril_translate_is(t, "rotary", true, err)) != CRIL_OK ||
        (st = cril_translate_is(t, "scale_attn_weights", true, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "rotary_dim", &turned, err)) != CRIL_OK)
        return st;
    return cril_translate_uint(t, "rope.dimension_count", turned, err);
}

static const struct cril_class classes[] = {
    {"GPTJForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = cril_model_activation(m, CRIL_ACT_GELU_TANH, err)) != CRIL_OK)
        return st;
    return cril_model_rope(m, 10000, false, err);
}

const struct cril_family cril_family_gptj = {.architecture = "gptj",
                                             CRIL_FAMILY_TABLES,

                                             .has = BIASES,
                                             .layer_norms = true,

                                             .layers = {CRIL_STEPS(steps)}};
