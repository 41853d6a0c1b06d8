/*
 * Gemma 3, text (Gemma Team 2025, section 2): norms before and after each branch, norms on queries
 * and keys, GELU, five sliding layers to one full layer, each kind with its own rotation, an
 * embedding scaled by sqrt(n_embd).
 */
#include "model/family_gemma.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

static const struct cril_step steps[] = {CRIL_STEPS_GEMMA(
    CRIL_STEP(head_norm, Q_NORM, Q, Q), CRIL_STEP(head_norm, K_NORM, K, K), CRIL_STEPS_TURN)};

static const struct cril_step head[] = {
    CRIL_STEPS_HEAD,
    CRIL_STEP(cap_logits, NONE, LOGITS, LOGITS),
};

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_GEMMA,
    CRIL_ROWS_NORM(Q_NORM, "attn_q_norm", CRIL_GEMMA_LAYER "self_attn.q_norm", CRIL_PLUS_ONE),
    CRIL_ROWS_NORM(K_NORM, "attn_k_norm", CRIL_GEMMA_LAYER "self_attn.k_norm", CRIL_PLUS_ONE),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 26, NULL},
    {"embedding_length", CRIL_ROW_DEFAULT, 2304, NULL},
    {"feed_forward_length", CRIL_ROW_DEFAULT, 9216, NULL},
    {"attention.head_count", CRIL_ROW_DEFAULT, 8, NULL},
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 4, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 131072, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {"attn_logit_softcapping", CRIL_ROW_OPTIONAL, 0, NULL},
    {"final_logit_softcapping", CRIL_ROW_OPTIONAL, 0, NULL},
    {0},
};

enum { LAYERS_27B = 62 };

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    uint64_t width = 0, window = 4096, period = 6;
    double base_local = 10000;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_activation", "gelu_pytorch_tanh", "gelu_new",
                                    err)) != CRIL_OK ||
        (st = cril_translate_is(t, "attention_bias", false, err)) != CRIL_OK ||
        (st = cril_translate_is(t, "use_bidirectional_attention", false, err)) != CRIL_OK ||
        (st = cril_translate_head(t, 256, &width, err)) != CRIL_OK ||
        (st = cril_gemma_translate_scale(t, LAYERS_27B, width, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "sliding_window", &window, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "attention.sliding_window", window, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "_sliding_window_pattern", &period, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "sliding_window_pattern", &period, err)) != CRIL_OK ||
        (st = cril_translate_windows(t, cril_is_not_last, period, 6, err)) != CRIL_OK ||
        (st = cril_config_float(t, "rope_local_base_freq", &base_local, err)) != CRIL_OK ||
        (st = cril_translate_local_base(t, base_local, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, "full_attention", 1000000, err);
}

static const struct cril_class classes[] = {
    {"Gemma3ForCausalLM", rows, true, translate},
    {"Gemma3ForConditionalGeneration", rows, true, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    double base_local = 10000;
    cril_status st;
    if ((st = cril_model_windows(m, 6, err)) != CRIL_OK ||
        (st = cril_model_caps(m, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base_swa", &base_local, err)) != CRIL_OK)
        return st;
    cril_gemma_set_scales(m, LAYERS_27B);
    if ((st = cril_model_rope(m, 1000000, true, err)) != CRIL_OK)
        return st;
    return cril_rope_local(m, base_local, err);
}

const struct cril_family cril_family_gemma3 = {.architecture = "gemma3",
                                               CRIL_FAMILY_TABLES,

                                               .cannot_say = CRIL_GEMMA_CANNOT_SAY
                                               " and which layers see a window, unless it is all "
                                               "but each sixth (sliding_window_pattern)",

                                               .layers = {CRIL_STEPS(steps)}};
