/*
 * GraniteMoE (IBM's Granite 3.0, the models of 1B and 3B): as Mixtral, with factors for the
 * embedding, the scores, each branch and the logits. Its routers take a softmax over the chosen
 * experts' logits, which is that over all, divided by the sum of the chosen.
 */
#include "model/family_granite.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {CRIL_STEPS_GRANITE(CRIL_STEPS_MIXTURE(N))};
static const struct cril_step head[] = {CRIL_STEPS_GRANITE_HEAD};

#define MOE "model.layers.#.block_sparse_moe."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_LLAMA(CRIL_NEIGHBOURS),
    CRIL_ROWS_ROUTER(MOE "router.layer"),
    CRIL_ROWS_FUSED_EXPERTS(MOE "input_linear.weight", MOE "output_linear.weight"),
    CRIL_ROWS_EXPERTS(MOE, "gate_proj", "up_proj", "down_proj"),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {CRIL_CONFIG_GRANITE, {0}};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_experts(t, 8, 2, err)) != CRIL_OK ||
        (st = cril_granite_translate_factors(t, err)) != CRIL_OK)
        return st;
    t->says_share = true;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"GraniteMoeForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    m->config.mixture.normed = true;
    st = cril_model_mixture(m, err);
    return st == CRIL_OK ? cril_granite_configure(m, err) : st;
}

const struct cril_family cril_family_granitemoe = {.architecture = "granitemoe",
                                                   CRIL_FAMILY_TABLES,

                                                   .layers = {CRIL_STEPS(steps)}};
