/*
 * Gemma (Gemma Team 2024, "Gemma: open models based on Gemini research and technology", section 2):
 * as Llama, with GELU, norms of 1 + w, heads of a width of their own, an embedding scaled by
 * sqrt(n_embd).
 */
#include "model/family_gemma.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

static const struct cril_step steps[] = {
    CRIL_STEP(norm, ATTN_NORM, X, N),
    CRIL_STEPS_QKV(N),
    CRIL_STEPS_TURN,
    CRIL_STEPS_ATTEND,
    CRIL_STEP_ADD,
    CRIL_STEP(norm, FFN_NORM, X, N),
    CRIL_STEPS_GEGLU(N),
    CRIL_STEP_ADD,
};

static const struct cril_step head[] = {CRIL_STEPS_HEAD};

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.norm", CRIL_PLUS_ONE),
    CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", CRIL_GEMMA_LAYER "input_layernorm", CRIL_PLUS_ONE),
    CRIL_ROWS_QKV(CRIL_GEMMA_LAYER "self_attn.", 0),
    CRIL_ROWS_O(CRIL_GEMMA_LAYER "self_attn.o_proj"),
    CRIL_ROWS_NORM(FFN_NORM, "ffn_norm", CRIL_GEMMA_LAYER "post_attention_layernorm",
                   CRIL_PLUS_ONE),
    CRIL_ROWS_GATED(CRIL_GEMMA_LAYER "mlp."),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 28, NULL},
    {"embedding_length", CRIL_ROW_DEFAULT, 3072, NULL},
    {"feed_forward_length", CRIL_ROW_DEFAULT, 24576, NULL},
    {"attention.head_count", CRIL_ROW_DEFAULT, 16, NULL},
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 16, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 8192, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {0},
};

/* hidden_act "gelu" means its tanh form here: the models were published before they said so. */
static cril_status translate(struct cril_translation *t, cril_error *err)
{
    uint64_t width;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "gelu_pytorch_tanh", "gelu", err)) !=
            CRIL_OK ||
        (st = cril_translate_expect(t, "hidden_activation", "gelu_pytorch_tanh", "gelu_new",
                                    err)) != CRIL_OK ||
        (st = cril_translate_has(t, "attention_bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_is(t, "use_bidirectional_attention", false, err)) != CRIL_OK ||
        (st = cril_translate_head(t, 256, &width, err)) != CRIL_OK)
        return st;
    t->usual_base = 10000;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"GemmaForCausalLM", rows, true, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    m->config.embedding_scale = sqrtf((float)m->config.n_embd);
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_gemma = {.architecture = "gemma",
                                              CRIL_FAMILY_TABLES,

                                              .layers = {CRIL_STEPS(steps)}};
