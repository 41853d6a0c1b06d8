/*
 * StableLM (Bellagente et al. 2024, "Stable LM 2 1.6B", section 2): as Llama, with layer norms and
 * a rotation of a quarter of a head. The 12B model has attention and feed-forward network side by
 * side, and a norm of its own for each head of queries and keys.
 */
#include "model/family_parts.h"

#define ATTENTION                                                                                  \
    CRIL_STEPS_LAYER_NORM(ATTN_NORM, X, N), CRIL_STEPS_QKV(N),                                     \
        CRIL_STEP(head_layer_norm, Q_NORM, Q, Q), CRIL_STEP(head_layer_norm, K_NORM, K, K),        \
        CRIL_STEPS_TURN, CRIL_STEPS_ATTEND, CRIL_STEP_ADD

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

static const struct cril_step one_by_one[] = {
    ATTENTION,
    CRIL_STEPS_LAYER_NORM(FFN_NORM, X, N),
    CRIL_STEPS_SWIGLU(N),
    CRIL_STEP_ADD,
};

static const struct cril_step side_by_side[] = {
    ATTENTION,
    CRIL_STEPS_SWIGLU(N),
    CRIL_STEP_ADD,
};

enum { ONE_BY_ONE, SIDE_BY_SIDE };

static const struct cril_step head[] = {
    CRIL_STEPS_LAYER_NORM(OUTPUT_NORM, X, N),
    CRIL_STEP(matmul, OUTPUT, N, LOGITS),
};

#define LAYER "model.layers.#."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.norm", 0),
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", LAYER "input_layernorm", 0),
    CRIL_ROWS_QKV(LAYER "self_attn.", 0),
    CRIL_ROWS_QK_NORM("q_layernorm.norms.@", "k_layernorm.norms.@"),
    CRIL_ROWS_O(LAYER "self_attn.o_proj"),
    CRIL_ROWS_LAYER_NORM(FFN_NORM, "ffn_norm", LAYER "post_attention_layernorm", 0),
    CRIL_ROWS_GATED(LAYER "mlp."),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 32, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 4096, NULL},
    {"attention.layer_norm_epsilon", CRIL_ROW_DEFAULT, 1e-5, NULL},
    {0},
};

static const char parallel_key[] = "use_parallel_residual";

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    bool parallel = false;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "use_qkv_bias", false, CRIL_QKV_BIAS, err)) != CRIL_OK ||
        (st = cril_translate_has(t, "qk_layernorm", false, CRIL_QK_NORM, err)) != CRIL_OK ||
        (st = cril_config_bool(t, parallel_key, &parallel, err)) != CRIL_OK ||
        (st = cril_translate_bool(t, parallel_key, parallel, err)) != CRIL_OK)
        return st;
    t->has |= CRIL_NORM_BIAS;
    t->share = 0.25;
    t->says_share = true;
    t->usual_base = 10000;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"StableLmForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    bool parallel = false;
    cril_status st;

    if ((st = cril_key_opt_bool(m, parallel_key, &parallel, err)) != CRIL_OK)
        return st;
    /* Many GGUF files say that it is parallel where it is not; their second norm tells. */
    if (!cril_source_is_folder(m->source))
        parallel = !cril_source_find_tensor(m->source, "blk.0.ffn_norm.weight");
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].kind = parallel ? SIDE_BY_SIDE : ONE_BY_ONE;
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_stablelm = {
    .architecture = "stablelm",
    CRIL_FAMILY_TABLES,

    .has = CRIL_NORM_BIAS,
    .layer_norms = true,

    .layers = {[ONE_BY_ONE] = CRIL_STEPS(one_by_one), [SIDE_BY_SIDE] = CRIL_STEPS(side_by_side)}};
