/*
 * Qwen2 and Qwen2.5 (Yang et al. 2024, section 2.2): as Llama, with biases on query, key and value,
 * and rotation of the two halves of a head.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {CRIL_STEPS_LLAMA};
static const struct cril_step head[] = {CRIL_STEPS_HEAD};

static const struct cril_weight_row weights[] = {CRIL_ROWS_LLAMA(0), CRIL_ROWS_END};

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 32, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 32768, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_used_windows(t, cril_is_from, err)) != CRIL_OK)
        return st;
    t->has |= CRIL_QKV_BIAS;
    if ((st = cril_translate_own_head(t, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"Qwen2ForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = cril_model_windows(m, 0, err)) != CRIL_OK)
        return st;
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_qwen2 = {.architecture = "qwen2",
                                              CRIL_FAMILY_TABLES,

                                              .has = CRIL_QKV_BIAS,
                                              .cannot_say =
                                                  "the window of its layers (sliding_window)",

                                              .layers = {CRIL_STEPS(steps)}};
