/* What the Granites share: layers whose branches are scaled, factors of config.json. */
#ifndef CRIL_MODEL_FAMILY_GRANITE_H
#define CRIL_MODEL_FAMILY_GRANITE_H

#include "model/family_parts.h"

/* FFN: steps from N to T. */
#define CRIL_STEPS_GRANITE(FFN)                                                                    \
    CRIL_STEP(norm, ATTN_NORM, X, N), CRIL_STEPS_QKV(N), CRIL_STEPS_TURN, CRIL_STEPS_ATTEND,       \
        CRIL_STEP(scale_branch, NONE, T, T), CRIL_STEP_ADD, CRIL_STEP(norm, FFN_NORM, X, N), FFN,  \
        CRIL_STEP(scale_branch, NONE, T, T), CRIL_STEP_ADD
#define CRIL_STEPS_GRANITE_HEAD CRIL_STEPS_HEAD, CRIL_STEP(scale_logits, NONE, LOGITS, LOGITS)

#define CRIL_CONFIG_GRANITE                                                                        \
    CRIL_CONFIG_SIZES, {"attention.head_count_kv", CRIL_ROW_AS_HEADS, 0, NULL},                    \
        {"context_length", CRIL_ROW_DEFAULT, 2048, NULL},                                          \
        {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},                        \
    {                                                                                              \
        "vocab_size", CRIL_ROW_OPTIONAL, 0, NULL                                                   \
    }

/* Factors, by default 1; that of the logits is a divisor. */
static inline cril_status cril_granite_translate_factors(struct cril_translation *t,
                                                         cril_error *err)
{
    static const char *const factors[][2] = {{"attention_multiplier", "attention.scale"},
                                             {"embedding_multiplier", "embedding_scale"},
                                             {"residual_multiplier", "residual_scale"},
                                             {"logits_scaling", "logit_scale"}};
    cril_status st;

    for (size_t i = 0; i < sizeof(factors) / sizeof(*factors); i++) {
        double x = 1;

        if ((st = cril_config_float(t, factors[i][0], &x, err)) != CRIL_OK)
            return st;
        if ((st = cril_translate_factor(t, factors[i][0], factors[i][1], x, err)) != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

/* The factors, and the rotation. */
static inline cril_status cril_granite_configure(cril_model *m, cril_error *err)
{
    const cril_status st = cril_model_scales(m, err);

    if (st != CRIL_OK)
        return st;
    m->config.logit_scale = 1 / m->config.logit_scale;
    return cril_model_rope(m, 10000, false, err);
}

#endif
