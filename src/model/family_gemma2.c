/*
 * Gemma 2 (Gemma Team 2024, "Gemma 2: improving open language models at a practical size", section
 * 2): norms before and after each branch, GELU, every second layer slides, caps on scores and
 * logits, an embedding scaled by sqrt(n_embd).
 */
#include "model/family_gemma.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

static const struct cril_step steps[] = {CRIL_STEPS_GEMMA(CRIL_STEPS_TURN)};

static const struct cril_step head[] = {
    CRIL_STEPS_HEAD,
    CRIL_STEP(cap_logits, NONE, LOGITS, LOGITS),
};

static const struct cril_weight_row weights[] = {CRIL_ROWS_GEMMA, CRIL_ROWS_END};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 26, NULL},
    {"embedding_length", CRIL_ROW_DEFAULT, 2304, NULL},
    {"feed_forward_length", CRIL_ROW_DEFAULT, 9216, NULL},
    {"attention.head_count", CRIL_ROW_DEFAULT, 8, NULL},
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 4, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 8192, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {0},
};

enum { LAYERS_27B = 46, ATTENTION_CAP = 50, LOGIT_CAP = 30 };

/* null: no cap, which is 0. */
static cril_status translate_cap(struct cril_translation *t, const char *name, double otherwise,
                                 cril_error *err)
{
    double cap = otherwise;
    const cril_status st = cril_config_float(t, name, &cap, err);

    if (st != CRIL_OK)
        return st;
    return cril_config_is_null(t, name) ? cril_translate_float(t, name, 0, err)
                                        : cril_translate_factor(t, name, name, cap, err);
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    uint64_t width, window = 4096;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_activation", "gelu_pytorch_tanh", "gelu_new",
                                    err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_is(t, "use_bidirectional_attention", false, err)) != CRIL_OK ||
        (st = translate_cap(t, "attn_logit_softcapping", ATTENTION_CAP, err)) != CRIL_OK ||
        (st = translate_cap(t, "final_logit_softcapping", LOGIT_CAP, err)) != CRIL_OK ||
        (st = cril_translate_head(t, 256, &width, err)) != CRIL_OK ||
        (st = cril_gemma_translate_scale(t, LAYERS_27B, width, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "sliding_window", &window, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "attention.sliding_window", window, err)) != CRIL_OK ||
        (st = cril_translate_windows(t, cril_is_not_last, 2, 2, err)) != CRIL_OK)
        return st;
    t->usual_base = 10000;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"Gemma2ForCausalLM", rows, true, translate},
    {0},
};

/* The first GGUF files of Gemma 2 have no caps, and mean those of the published models. */
static cril_status read_caps(cril_model *m, cril_error *err)
{
    if (!cril_key_find(m, "attn_logit_softcapping"))
        m->config.attention_cap = ATTENTION_CAP;
    if (!cril_key_find(m, "final_logit_softcapping"))
        m->config.logit_cap = LOGIT_CAP;
    return cril_model_caps(m, err);
}

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = cril_model_windows(m, 2, err)) != CRIL_OK || (st = read_caps(m, err)) != CRIL_OK)
        return st;
    cril_gemma_set_scales(m, LAYERS_27B);
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_gemma2 = {.architecture = "gemma2",
                                               CRIL_FAMILY_TABLES,

                                               .cannot_say = CRIL_GEMMA_CANNOT_SAY,

                                               .layers = {CRIL_STEPS(steps)}};
