/*
 * OLMo 1 (Groeneveld et al. 2024, section 2.1): as Llama, with layer norms that have no weights,
 * and in some models queries, keys and values that are cut at a limit.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

static const struct cril_step steps[] = {
    CRIL_STEP(plain_layer_norm, NONE, X, N),
    CRIL_STEP(matmul, Q, N, Q),
    CRIL_STEP(matmul, K, N, K),
    CRIL_STEP(matmul, V, N, V),
    CRIL_STEP(limit, NONE, Q, Q),
    CRIL_STEP(limit, NONE, K, K),
    CRIL_STEP(limit, NONE, V, V),
    CRIL_STEPS_TURN,
    CRIL_STEPS_ATTEND,
    CRIL_STEP_ADD,
    CRIL_STEP(plain_layer_norm, NONE, X, N),
    CRIL_STEPS_SWIGLU(N),
    CRIL_STEP_ADD,
};

static const struct cril_step head[] = {
    CRIL_STEP(plain_layer_norm, NONE, X, N),
    CRIL_STEP(matmul, OUTPUT, N, LOGITS),
};

static const struct cril_weight_row weights[] = {CRIL_ROWS_LLAMA(CRIL_NEIGHBOURS), CRIL_ROWS_END};

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_AS_HEADS, 0, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 2048, NULL},
    {0},
};

/* Biases are refused: the converter leaves those of queries and keys in a folder's order. */
static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_is(t, "attention_bias", false, err)) != CRIL_OK ||
        (st = cril_translate_float(t, "attention.layer_norm_epsilon", 1e-5, err)) != CRIL_OK ||
        (st = cril_translate_number(t, "clip_qkv", "attention.clamp_kqv", err)) != CRIL_OK)
        return st;
    if ((st = cril_translate_own_head(t, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"OlmoForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = cril_model_limit(m, err)) != CRIL_OK)
        return st;
    return cril_model_rope(m, 10000, false, err);
}

const struct cril_family cril_family_olmo = {.architecture = "olmo",
                                             CRIL_FAMILY_TABLES,

                                             .layer_norms = true,

                                             .layers = {CRIL_STEPS(steps)}};
