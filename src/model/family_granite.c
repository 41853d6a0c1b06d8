/*
 * Granite 3 (Granite Team 2024, "Granite 3.0 language models", section 2): as Llama, with factors
 * of the embedding, of the scores, of each branch, and a divisor of the logits.
 */
#include "model/family_granite.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {CRIL_STEPS_GRANITE(CRIL_STEPS_SWIGLU(N))};
static const struct cril_step head[] = {CRIL_STEPS_GRANITE_HEAD};

static const struct cril_weight_row weights[] = {CRIL_ROWS_LLAMA(CRIL_NEIGHBOURS), CRIL_ROWS_END};

static const struct cril_config_row rows[] = {CRIL_CONFIG_GRANITE, {0}};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_has(t, "mlp_bias", false, CRIL_FFN_BIAS, err)) != CRIL_OK ||
        (st = cril_granite_translate_factors(t, err)) != CRIL_OK ||
        (st = cril_translate_own_head(t, err)) != CRIL_OK)
        return st;
    t->says_share = true;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"GraniteForCausalLM", rows, false, translate},
    {0},
};

const struct cril_family cril_family_granite = {.architecture = "granite",
                                                .classes = classes,
                                                .weights = weights,
                                                .embedding = CRIL_STEPS(embedding),
                                                .layers = {CRIL_STEPS(steps)},
                                                .head = CRIL_STEPS(head),
                                                .configure = cril_granite_configure};
