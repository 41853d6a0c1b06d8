/* What the Gemmas share: rows of weights, the scale of their scores. */
#ifndef CRIL_MODEL_FAMILY_GEMMA_H
#define CRIL_MODEL_FAMILY_GEMMA_H

#include "model/family_parts.h"

#include <math.h>

#define CRIL_GEMMA_LAYER "model.layers.#."

/* Of Gemma 2 and 3, norms before and after each branch. */
#define CRIL_ROWS_GEMMA                                                                            \
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.norm", CRIL_PLUS_ONE),                      \
        CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", CRIL_GEMMA_LAYER "input_layernorm", CRIL_PLUS_ONE), \
        CRIL_ROWS_QKV(CRIL_GEMMA_LAYER "self_attn.", 0),                                           \
        CRIL_ROWS_O(CRIL_GEMMA_LAYER "self_attn.o_proj"),                                          \
        CRIL_ROWS_NORM(POST_ATTN_NORM, "post_attention_norm",                                      \
                       CRIL_GEMMA_LAYER "post_attention_layernorm", CRIL_PLUS_ONE),                \
        CRIL_ROWS_NORM(FFN_NORM, "ffn_norm", CRIL_GEMMA_LAYER "pre_feedforward_layernorm",         \
                       CRIL_PLUS_ONE),                                                             \
        CRIL_ROWS_NORM(POST_FFN_NORM, "post_ffw_norm",                                             \
                       CRIL_GEMMA_LAYER "post_feedforward_layernorm", CRIL_PLUS_ONE),              \
        CRIL_ROWS_GATED(CRIL_GEMMA_LAYER "mlp.")

/* The layers of both. In parentheses: the rotation of queries and keys, and what comes before it.
 */
#define CRIL_STEPS_GEMMA(...)                                                                      \
    CRIL_STEP(norm, ATTN_NORM, X, N), CRIL_STEPS_QKV(N), __VA_ARGS__, CRIL_STEPS_ATTEND,           \
        CRIL_STEP(norm, POST_ATTN_NORM, T, T), CRIL_STEP_ADD, CRIL_STEP(norm, FFN_NORM, X, N),     \
        CRIL_STEPS_GEGLU(N), CRIL_STEP(norm, POST_FFN_NORM, T, T), CRIL_STEP_ADD

#define CRIL_GEMMA_CANNOT_SAY "the scale of its queries (query_pre_attn_scalar)"

/* The scale of scores that a GGUF without attention.scale has: by a head's width; in the 27B model,
 * which has layers_27b layers, by the model's width a head. */
static inline float cril_gemma_scale(size_t layers_27b, size_t layers, size_t embd, size_t heads,
                                     size_t width)
{
    return 1.0f / sqrtf(layers == layers_27b ? (float)embd / (float)heads : (float)width);
}

/* attention.scale, where query_pre_attn_scalar asks for another one. All published models name it;
 * without it the scale is that of a GGUF, which cannot. */
static inline cril_status cril_gemma_translate_scale(struct cril_translation *t, size_t layers_27b,
                                                     uint64_t width, cril_error *err)
{
    static const char name[] = "query_pre_attn_scalar";
    const float usual =
        cril_gemma_scale(layers_27b, (size_t)cril_translated_uint(t, "block_count"),
                         (size_t)cril_translated_uint(t, "embedding_length"),
                         (size_t)cril_translated_uint(t, "attention.head_count"), (size_t)width);
    double scalar = 0;
    const cril_status st = cril_config_float(t, name, &scalar, err);

    if (st != CRIL_OK || !cril_config_has(t, name))
        return st;
    const float scale = 1.0f / sqrtf((float)scalar);
    if (scale >= usual && scale <= usual)
        return CRIL_OK;
    return cril_translate_float(t, "attention.scale", (double)scale, err);
}

/* The scale of the scores, and of the embedding. */
static inline void cril_gemma_set_scales(cril_model *m, size_t layers_27b)
{
    struct cril_config *const c = &m->config;

    c->embedding_scale = sqrtf((float)c->n_embd);
    if (!cril_key_find(m, "attention.scale"))
        cril_model_set_attention_scale(
            m, cril_gemma_scale(layers_27b, c->n_layers, c->n_embd, c->n_heads, c->head_dim));
}

#endif
