/*
 * OLMo 2 (OLMo Team 2024, section 2.1) and OLMo 3: norms behind each branch instead of before it,
 * and over all queries and all keys of a token; OLMo 3 has three sliding layers to one full layer,
 * and scales the rotation of the latter alone.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

static const struct cril_step steps[] = {
    CRIL_STEPS_QKV(X),
    CRIL_STEP(norm, Q_NORM, Q, Q),
    CRIL_STEP(norm, K_NORM, K, K),
    CRIL_STEPS_TURN,
    CRIL_STEPS_ATTEND,
    CRIL_STEP(norm, POST_ATTN_NORM, T, T),
    CRIL_STEP_ADD,
    CRIL_STEPS_SWIGLU(X),
    CRIL_STEP(norm, POST_FFN_NORM, T, T),
    CRIL_STEP_ADD,
};

static const struct cril_step head[] = {CRIL_STEPS_HEAD};

#define LAYER "model.layers.#."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.norm", 0),
    CRIL_ROWS_QKV(LAYER "self_attn.", 0),
    CRIL_ROWS_NORM(Q_NORM, "attn_q_norm", LAYER "self_attn.q_norm", 0),
    CRIL_ROWS_NORM(K_NORM, "attn_k_norm", LAYER "self_attn.k_norm", 0),
    CRIL_ROWS_O(LAYER "self_attn.o_proj"),
    CRIL_ROWS_NORM(POST_ATTN_NORM, "post_attention_norm", LAYER "post_attention_layernorm", 0),
    CRIL_ROWS_GATED(LAYER "mlp."),
    CRIL_ROWS_NORM(POST_FFN_NORM, "post_ffw_norm", LAYER "post_feedforward_layernorm", 0),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_AS_HEADS, 0, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 2048, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-5, NULL},
    {0},
};

/* What both classes have. */
static cril_status translate_heads(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK)
        return st;
    return cril_translate_own_head(t, err);
}

static cril_status translate_olmo2(struct cril_translation *t, cril_error *err)
{
    const cril_status st = translate_heads(t, err);

    return st == CRIL_OK ? cril_translate_rope(t, NULL, 10000, err) : st;
}

enum { PERIOD = 4 }; /* one layer of so many is full, where a file does not say */

static cril_status translate_olmo3(struct cril_translation *t, cril_error *err)
{
    uint64_t window = 4096;
    cril_status st;

    if ((st = translate_heads(t, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "sliding_window", &window, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "attention.sliding_window", window, err)) != CRIL_OK ||
        (st = cril_translate_windows(t, cril_is_not_last, PERIOD, 0, err)) != CRIL_OK ||
        (st = cril_translate_local_base(t, 500000, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, "full_attention", 500000, err);
}

static const struct cril_class classes[] = {
    {"Olmo2ForCausalLM", rows, false, translate_olmo2},
    {"Olmo3ForCausalLM", rows, false, translate_olmo3},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    const bool slides = cril_key_find(m, "attention.sliding_window") != NULL;
    double base = 10000;
    cril_status st;

    if ((st = cril_model_windows(m, slides ? PERIOD : 0, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base", &base, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base_swa", &base, err)) != CRIL_OK ||
        (st = cril_model_rope(m, 10000, true, err)) != CRIL_OK)
        return st;
    return slides ? cril_rope_local(m, base, err) : CRIL_OK;
}

const struct cril_family cril_family_olmo2 = {.architecture = "olmo2",
                                              CRIL_FAMILY_TABLES,

                                              .layers = {CRIL_STEPS(steps)}};
