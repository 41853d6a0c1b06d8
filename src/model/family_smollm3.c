/*
 * SmolLM3 (Bakouch et al. 2025): as Llama, but that some layers, by default every fourth, do not
 * rotate queries and keys (Yang et al. 2025, "RoPE to NoPE and back again").
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {CRIL_STEPS_LLAMA};
static const struct cril_step head[] = {CRIL_STEPS_HEAD};

static const struct cril_weight_row weights[] = {CRIL_ROWS_LLAMA(CRIL_NEIGHBOURS), CRIL_ROWS_END};

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 4, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 32768, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {"vocab_size", CRIL_ROW_OPTIONAL, 0, NULL},
    {0},
};

enum { INTERVAL = 4 }; /* of layers that do not turn, where a file does not say */

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_has(t, "mlp_bias", false, CRIL_FFN_BIAS, err)) != CRIL_OK ||
        (st = cril_translate_is(t, "use_sliding_window", false, err)) != CRIL_OK ||
        (st = cril_translate_turning(t, INTERVAL, err)) != CRIL_OK)
        return st;
    if ((st = cril_translate_own_head(t, err)) != CRIL_OK)
        return st;
    t->says_share = true;
    return cril_translate_rope(t, NULL, 2000000, err);
}

static const struct cril_class classes[] = {
    {"SmolLM3ForCausalLM", rows, true, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = cril_model_turning(m, INTERVAL, err)) != CRIL_OK)
        return st;
    return cril_model_rope(m, 10000, false, err);
}

const struct cril_family cril_family_smollm3 = {
    .architecture = "smollm3",
    CRIL_FAMILY_TABLES,

    .cannot_say = "which layers turn queries and keys (no_rope_layers)",

    .layers = {CRIL_STEPS(steps)}};
