/*
 * GraniteMoE (IBM's Granite 3.0, the models of 1B and 3B): as Mixtral, with factors for the
 * embedding, the scores, each branch and the logits. Its routers take a softmax over the chosen
 * experts' logits, which is that over all, divided by the sum of the chosen.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {
    CRIL_STEP(norm, ATTN_NORM, X, N),
    CRIL_STEPS_QKV(N),
    CRIL_STEPS_TURN,
    CRIL_STEPS_ATTEND,
    CRIL_STEP(scale_branch, NONE, T, T),
    CRIL_STEP_ADD,
    CRIL_STEP(norm, FFN_NORM, X, N),
    CRIL_STEPS_MIXTURE(N),
    CRIL_STEP(scale_branch, NONE, T, T),
    CRIL_STEP_ADD,
};
static const struct cril_step head[] = {
    CRIL_STEPS_HEAD,
    CRIL_STEP(scale_logits, NONE, LOGITS, LOGITS),
};

#define MOE "model.layers.#.block_sparse_moe."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_LLAMA(CRIL_NEIGHBOURS),
    CRIL_ROWS_ROUTER(MOE "router.layer"),
    CRIL_ROWS_FUSED_EXPERTS(MOE "input_linear.weight", MOE "output_linear.weight"),
    CRIL_ROWS_EXPERTS(MOE, "gate_proj", "up_proj", "down_proj"),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
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

static cril_status translate_scales(struct cril_translation *t, cril_error *err)
{
    double attention = 1;
    cril_status st;

    if ((st = cril_config_float(t, "attention_multiplier", &attention, err)) != CRIL_OK ||
        (st = cril_translate_factor(t, "attention_multiplier", "attention.scale", attention,
                                    err)) != CRIL_OK ||
        (st = cril_translate_number(t, "embedding_multiplier", "embedding_scale", err)) !=
            CRIL_OK ||
        (st = cril_translate_number(t, "residual_multiplier", "residual_scale", err)) != CRIL_OK)
        return st;
    return cril_translate_number(t, "logits_scaling", "logit_scale", err);
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_experts(t, 8, 2, err)) != CRIL_OK ||
        (st = translate_scales(t, err)) != CRIL_OK)
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
    double base = 10000;
    cril_status st;

    m->config.mixture.normed = true;
    if ((st = cril_model_mixture(m, err)) != CRIL_OK ||
        (st = cril_model_scales(m, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base", &base, err)) != CRIL_OK)
        return st;
    m->config.logit_scale = 1 / m->config.logit_scale; /* the file has the divisor */
    return cril_rope_configure(m, base, false, NULL, &m->rope[0], err);
}

const struct cril_family cril_family_granitemoe = {.architecture = "granitemoe",
                                                   .classes = classes,
                                                   .weights = weights,
                                                   .embedding = CRIL_STEPS(embedding),
                                                   .layers = {CRIL_STEPS(steps)},
                                                   .head = CRIL_STEPS(head),
                                                   .configure = configure};
