/*
 * Gemma 3, text (Gemma Team 2025, section 2): norms before and after each branch, norms on queries
 * and keys, GELU, five sliding layers to one full layer, each kind with its own rotation, an
 * embedding scaled by sqrt(n_embd).
 */
#include "model/family_parts.h"
#include "util/fail.h"

#include <math.h>

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

static const struct cril_step steps[] = {
    CRIL_STEP(norm, ATTN_NORM, X, N),
    CRIL_STEPS_QKV(N),
    CRIL_STEP(head_norm, Q_NORM, Q, Q),
    CRIL_STEP(head_norm, K_NORM, K, K),
    CRIL_STEPS_TURN,
    CRIL_STEPS_ATTEND,
    CRIL_STEP(norm, POST_ATTN_NORM, T, T),
    CRIL_STEP_ADD,
    CRIL_STEP(norm, FFN_NORM, X, N),
    CRIL_STEPS_GEGLU(N),
    CRIL_STEP(norm, POST_FFN_NORM, T, T),
    CRIL_STEP_ADD,
};

static const struct cril_step head[] = {
    CRIL_STEPS_HEAD,
    CRIL_STEP(cap_logits, NONE, LOGITS, LOGITS),
};

#define LAYER "model.layers.#."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.norm", CRIL_PLUS_ONE),
    CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", LAYER "input_layernorm", CRIL_PLUS_ONE),
    CRIL_ROWS_QKV(LAYER "self_attn.", 0),
    CRIL_ROWS_O(LAYER "self_attn.o_proj"),
    CRIL_ROWS_NORM(Q_NORM, "attn_q_norm", LAYER "self_attn.q_norm", CRIL_PLUS_ONE),
    CRIL_ROWS_NORM(K_NORM, "attn_k_norm", LAYER "self_attn.k_norm", CRIL_PLUS_ONE),
    CRIL_ROWS_NORM(POST_ATTN_NORM, "post_attention_norm", LAYER "post_attention_layernorm",
                   CRIL_PLUS_ONE),
    CRIL_ROWS_NORM(FFN_NORM, "ffn_norm", LAYER "pre_feedforward_layernorm", CRIL_PLUS_ONE),
    CRIL_ROWS_NORM(POST_FFN_NORM, "post_ffw_norm", LAYER "post_feedforward_layernorm",
                   CRIL_PLUS_ONE),
    CRIL_ROWS_GATED(LAYER "mlp."),
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

static bool is_not_last(size_t layer, uint64_t period)
{
    return period && (layer + 1) % period;
}

/* The scale of scores that a GGUF without attention.scale has: by a head's width, in the 27B model
 * by the model's width a head. */
static float usual_scale(size_t layers, size_t embd, size_t heads, size_t width)
{
    return 1.0f / sqrtf(layers == 62 ? (float)embd / (float)heads : (float)width);
}

static cril_status translate_scale(struct cril_translation *t, uint64_t width, cril_error *err)
{
    const float usual =
        usual_scale((size_t)cril_translated_uint(t, "block_count"),
                    (size_t)cril_translated_uint(t, "embedding_length"),
                    (size_t)cril_translated_uint(t, "attention.head_count"), (size_t)width);
    double scalar = 256;
    const cril_status st = cril_config_float(t, "query_pre_attn_scalar", &scalar, err);

    if (st != CRIL_OK)
        return st;
    const float scale = 1.0f / sqrtf((float)scalar);
    if (!(scale < usual || scale > usual))
        return CRIL_OK;
    return cril_translate_float(t, "attention.scale", (double)scale, err);
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    static const char local[] = "rope_parameters.sliding_attention.rope_theta",
                      local_type[] = "rope_parameters.sliding_attention.rope_type";
    uint64_t width = 0, window = 4096, period = 6;
    double base_local = 10000;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_activation", "gelu_pytorch_tanh", "gelu_new",
                                    err)) != CRIL_OK ||
        (st = cril_translate_is(t, "attention_bias", false, err)) != CRIL_OK ||
        (st = cril_translate_is(t, "use_bidirectional_attention", false, err)) != CRIL_OK ||
        (st = cril_translate_head(t, 256, &width, err)) != CRIL_OK ||
        (st = translate_scale(t, width, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "sliding_window", &window, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "attention.sliding_window", window, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "_sliding_window_pattern", &period, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "sliding_window_pattern", &period, err)) != CRIL_OK ||
        (st = cril_translate_windows(t, is_not_last, period, 6, err)) != CRIL_OK ||
        (st = cril_translate_expect(t, local_type, "default", "default", err)) != CRIL_OK ||
        (st = cril_config_float(t, local, &base_local, err)) != CRIL_OK ||
        (st = cril_config_float(t, "rope_local_base_freq", &base_local, err)) != CRIL_OK ||
        (st = cril_translate_float(t, "rope.freq_base_swa", base_local, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, "full_attention", 1000000, err);
}

static const struct cril_class classes[] = {
    {"Gemma3ForCausalLM", rows, true, translate},
    {"Gemma3ForConditionalGeneration", rows, true, translate},
    {0},
};

enum { FULL, SLIDING };

/* Sliding layers turn with their own base and are never scaled. */
static cril_status local_rope(cril_model *m, double base, cril_error *err)
{
    struct cril_rope *full = &m->rope[FULL], *r = &m->rope[SLIDING];
    *r = (struct cril_rope){.n_rot = full->n_rot, .halves = true, .magnitude = 1};
    return cril_rope_plain(base, r, m->path, err);
}

static cril_status configure(cril_model *m, cril_error *err)
{
    struct cril_config *c = &m->config;
    double base = 1000000, base_local = 10000;
    cril_status st;
    if ((st = cril_model_windows(m, 6, err)) != CRIL_OK ||
        (st = cril_model_caps(m, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base", &base, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base_swa", &base_local, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < c->n_layers; i++)
        m->layers[i].rope = m->layers[i].window ? SLIDING : FULL;
    c->embedding_scale = sqrtf((float)c->n_embd);
    if (!cril_key_find(m, "attention.scale"))
        cril_model_set_attention_scale(
            m, usual_scale(c->n_layers, c->n_embd, c->n_heads, c->head_dim));
    if ((st = cril_rope_configure(m, base, true, NULL, &m->rope[FULL], err)) != CRIL_OK)
        return st;
    return local_rope(m, base_local, err);
}

const struct cril_family cril_family_gemma3 = {.architecture = "gemma3",
                                               .classes = classes,
                                               .weights = weights,
                                               .embedding = CRIL_STEPS(embedding),
                                               .layers = {CRIL_STEPS(steps)},
                                               .head = CRIL_STEPS(head),
                                               .configure = configure};
