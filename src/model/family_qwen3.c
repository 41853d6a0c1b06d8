/*
 * Qwen3 (Yang et al. 2025, section 2): as Qwen2, without biases, with a norm on each head of
 * queries and keys before they turn, heads of a width of their own.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

static const struct cril_step steps[] = {
    CRIL_STEP(norm, ATTN_NORM, X, N),
    CRIL_STEPS_QKV(N),
    CRIL_STEP(head_norm, Q_NORM, Q, Q),
    CRIL_STEP(head_norm, K_NORM, K, K),
    CRIL_STEPS_TURN,
    CRIL_STEPS_ATTEND,
    CRIL_STEP_ADD,
    CRIL_STEP(norm, FFN_NORM, X, N),
    CRIL_STEPS_SWIGLU(N),
    CRIL_STEP_ADD,
};

static const struct cril_step head[] = {CRIL_STEPS_HEAD};

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_LLAMA(0),
    CRIL_ROWS_NORM(Q_NORM, "attn_q_norm", "model.layers.#.self_attn.q_norm", 0),
    CRIL_ROWS_NORM(K_NORM, "attn_k_norm", "model.layers.#.self_attn.k_norm", 0),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 32, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 32768, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    uint64_t width;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_used_windows(t, cril_is_from, err)) != CRIL_OK ||
        (st = cril_translate_head(t, 128, &width, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"Qwen3ForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = cril_model_windows(m, 0, err)) != CRIL_OK)
        return st;
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_qwen3 = {.architecture = "qwen3",
                                              CRIL_FAMILY_TABLES,

                                              .cannot_say =
                                                  "the window of its layers (sliding_window)",

                                              .layers = {CRIL_STEPS(steps)}};
