/*
 * Qwen 1 (Bai et al. 2023, section 2.3): as Llama, with biases on query, key and value and rotation
 * of the two halves of a head. In a window longer than the texts it was trained on, the base of the
 * rotation grows by the window's length, and later queries by the logarithm of their position.
 */
#include "model/family_parts.h"
#include "util/fail.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

static const struct cril_step steps[] = {
    CRIL_STEP(norm, ATTN_NORM, X, N), CRIL_STEPS_QKV(N),    CRIL_STEPS_TURN,
    CRIL_STEP(log_scale, NONE, Q, Q), CRIL_STEPS_ATTEND,    CRIL_STEP_ADD,
    CRIL_STEP(norm, FFN_NORM, X, N),  CRIL_STEPS_SWIGLU(N), CRIL_STEP_ADD,
};

static const struct cril_step head[] = {CRIL_STEPS_HEAD};

#define LAYER "transformer.h.#."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("transformer.wte.weight", "transformer.ln_f", 0),
    CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", LAYER "ln_1", 0),
    CRIL_ROWS_FUSED_QKV(LAYER "attn.c_attn", 0, CRIL_BY_KIND),
    CRIL_ROWS_O(LAYER "attn.c_proj"),
    CRIL_ROWS_NORM(FFN_NORM, "ffn_norm", LAYER "ln_2", 0),
    CRIL_ROWS_LINEAR(GATE, "blk.#.ffn_gate", LAYER "mlp.w2", 0, CRIL_PART_ALL, CRIL_FFN_BIAS),
    CRIL_ROWS_MLP(LAYER "mlp.w1", LAYER "mlp.c_proj", 0),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_SIZES,
    {"context_length", CRIL_ROW_DEFAULT, 8192, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, "layer_norm_epsilon"},
    {0},
};

/* What changes beyond seq_length tokens; a folder that does not ask for it is as its GGUF. */
static cril_status translate_lengths(struct cril_translation *t, cril_error *err)
{
    bool grows = false, scales = false;
    uint64_t length = 0;
    cril_status st;

    if ((st = cril_config_bool(t, "use_dynamic_ntk", &grows, err)) != CRIL_OK ||
        (st = cril_config_bool(t, "use_logn_attn", &scales, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "seq_length", &length, err)) != CRIL_OK || !length)
        return st;
    if (scales && (st = cril_translate_uint(t, "attention.log_length", length, err)) != CRIL_OK)
        return st;
    if (!grows)
        return CRIL_OK;
    st = cril_translate_text(t, "rope.scaling.type", "dynamic_steps", err);
    return st == CRIL_OK
               ? cril_translate_uint(t, "rope.scaling.original_context_length", length, err)
               : st;
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    const uint64_t heads = cril_translated_uint(t, "attention.head_count");
    uint64_t width = heads ? cril_translated_uint(t, "embedding_length") / heads : 0;
    double share = 1;
    bool plain = true;
    double base = 10000;
    cril_status st;

    if ((st = cril_translate_is(t, "scale_attn_weights", true, err)) != CRIL_OK ||
        (st = cril_config_bool(t, "no_bias", &plain, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "kv_channels", &width, err)) != CRIL_OK ||
        (st = cril_config_float(t, "rotary_emb_base", &base, err)) != CRIL_OK ||
        (st = cril_config_float(t, "rotary_pct", &share, err)) != CRIL_OK)
        return st;
    if ((st = cril_translate_check_share(t, "rotary_pct", share, err)) != CRIL_OK)
        return st;
    t->has |= CRIL_QKV_BIAS | (plain ? 0 : CRIL_O_BIAS | CRIL_FFN_BIAS);
    if ((st = cril_translate_uint(t, "attention.key_length", width, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "attention.value_length", width, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "rope.dimension_count", (uint64_t)((double)width * share),
                                  err)) != CRIL_OK ||
        (st = cril_translate_factor(t, "rotary_emb_base", "rope.freq_base", base, err)) != CRIL_OK)
        return st;
    return translate_lengths(t, err);
}

static const struct cril_class classes[] = {
    {"QWenLMHeadModel", rows, false, translate},
    {0},
};

/* The files count gate and its other half together. */
static cril_status halve(cril_model *m, cril_error *err)
{
    if (m->config.n_ff % 2)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: qwen.feed_forward_length is %zu, which is not twice a width", m->path,
                         m->config.n_ff);
    m->config.n_ff /= 2;
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].n_ff = m->config.n_ff;
    return CRIL_OK;
}

static cril_status configure(cril_model *m, cril_error *err)
{
    uint64_t length = 0;
    cril_status st;

    if ((st = halve(m, err)) != CRIL_OK ||
        (st = cril_key_opt_uint(m, "attention.log_length", &length, err)) != CRIL_OK)
        return st;
    if (length == 1)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: queries beyond 1 token cannot grow by a logarithm to that base",
                         m->path);
    m->config.log_length = (size_t)length;
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_qwen = {.architecture = "qwen",
                                             CRIL_FAMILY_TABLES,

                                             .has = CRIL_QKV_BIAS,
                                             .cannot_say =
                                                 "what changes in windows longer than the "
                                                 "texts of its training (use_dynamic_ntk, "
                                                 "use_logn_attn)",

                                             .layers = {CRIL_STEPS(steps)}};
