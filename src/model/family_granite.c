/*
 * Granite 3 (Granite Team 2024, "Granite 3.0 language models", section 2): as Llama, with factors
 * of the embedding, of the scores, of each branch, and a divisor of the logits.
 */
#include "model/family_parts.h"
#include "util/fail.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

static const struct cril_step steps[] = {
    CRIL_STEP(norm, ATTN_NORM, X, N),
    CRIL_STEPS_QKV(N),
    CRIL_STEPS_TURN,
    CRIL_STEPS_ATTEND,
    CRIL_STEP(scale_branch, NONE, T, T),
    CRIL_STEP_ADD,
    CRIL_STEP(norm, FFN_NORM, X, N),
    CRIL_STEPS_SWIGLU(N),
    CRIL_STEP(scale_branch, NONE, T, T),
    CRIL_STEP_ADD,
};

static const struct cril_step head[] = {
    CRIL_STEPS_HEAD,
    CRIL_STEP(scale_logits, NONE, LOGITS, LOGITS),
};

static const struct cril_weight_row weights[] = {CRIL_ROWS_LLAMA(CRIL_NEIGHBOURS), CRIL_ROWS_END};

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

/* A factor, by default 1. */
static cril_status translate_factor(struct cril_translation *t, const char *name, const char *key,
                                    cril_error *err)
{
    double x = 1;
    const cril_status st = cril_config_float(t, name, &x, err);

    if (st != CRIL_OK)
        return st;
    if (!(x > 0))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: \"%s\" is %g; cril runs factors above 0",
                         t->config->path, name, x);
    return cril_translate_float(t, key, x, err);
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    uint64_t width;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_has(t, "mlp_bias", false, CRIL_FFN_BIAS, err)) != CRIL_OK ||
        (st = translate_factor(t, "attention_multiplier", "attention.scale", err)) != CRIL_OK ||
        (st = translate_factor(t, "embedding_multiplier", "embedding_scale", err)) != CRIL_OK ||
        (st = translate_factor(t, "residual_multiplier", "residual_scale", err)) != CRIL_OK ||
        (st = translate_factor(t, "logits_scaling", "logit_scale", err)) != CRIL_OK)
        return st;
    if (cril_config_has(t, "head_dim") && (st = cril_translate_head(t, 0, &width, err)) != CRIL_OK)
        return st;
    t->says_share = true;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"GraniteForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = cril_model_scales(m, err)) != CRIL_OK)
        return st;
    m->config.logit_scale = 1 / m->config.logit_scale; /* the key is a divisor */
    return cril_model_rope(m, 10000, false, err);
}

const struct cril_family cril_family_granite = {.architecture = "granite",
                                                .classes = classes,
                                                .weights = weights,
                                                .embedding = CRIL_STEPS(embedding),
                                                .layers = {CRIL_STEPS(steps)},
                                                .head = CRIL_STEPS(head),
                                                .configure = configure};
