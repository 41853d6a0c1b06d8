/*
 * DeepSeek-V2 and V3 (DeepSeek-AI 2024, sections 2.1 and 2.2; 2024b, section 2.1): keys and values
 * of all heads are products of one latent vector, queries may be; mixtures beside a shared expert
 * behind a few dense layers. Attention is computed in its plain form (doc/numerics.md, "Latent
 * attention").
 */
#include "model/family_parts.h"
#include "util/fail.h"
#include "util/fmath.h"

#include <math.h>

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};

#define STEPS_QUERY CRIL_STEP(matmul, Q, N, Q)
#define STEPS_ATTENTION CRIL_STEPS_LATENT, CRIL_STEP_ADD
#define STEPS_DENSE CRIL_STEPS_SWIGLU(N), CRIL_STEP_ADD
#define STEPS_MIXTURE                                                                              \
    CRIL_STEPS_MIXTURE(N), CRIL_STEPS_SHARED(N), CRIL_STEP(add, NONE, M, T), CRIL_STEP_ADD
#define STEPS_LAYER(QUERY, FFN)                                                                    \
    CRIL_STEP(norm, ATTN_NORM, X, N), QUERY, STEPS_ATTENTION, CRIL_STEP(norm, FFN_NORM, X, N), FFN

enum { MIXTURE = 1, LATENT_QUERY = 2, MAX_SHARED = 256 }; /* the first two: bits of a kind */

static const struct cril_step dense[] = {STEPS_LAYER(STEPS_QUERY, STEPS_DENSE)},
                              mixture[] = {STEPS_LAYER(STEPS_QUERY, STEPS_MIXTURE)},
                              latent_dense[] = {STEPS_LAYER(CRIL_STEPS_LATENT_QUERY, STEPS_DENSE)},
                              latent_mixture[] = {
                                  STEPS_LAYER(CRIL_STEPS_LATENT_QUERY, STEPS_MIXTURE)};

static const struct cril_step head[] = {CRIL_STEPS_HEAD};

#define LAYER "model.layers.#."
#define ATTN LAYER "self_attn."
#define ROW(W, GGUF, FOLDER, CHANGES, PART)                                                        \
    {                                                                                              \
        CRIL_W_##W, GGUF, FOLDER, CHANGES, PART, 0                                                 \
    }
#define BOTH(W, GGUF, FOLDER)                                                                      \
    ROW(W, "blk.#." GGUF ".weight", LAYER FOLDER ".weight", 0, CRIL_PART_ALL)

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.norm", 0),
    CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", LAYER "input_layernorm", 0),
    BOTH(Q, "attn_q", "self_attn.q_proj"),
    BOTH(Q_A, "attn_q_a", "self_attn.q_a_proj"),
    BOTH(Q_A_NORM, "attn_q_a_norm", "self_attn.q_a_layernorm"),
    BOTH(Q_B, "attn_q_b", "self_attn.q_b_proj"),
    BOTH(KV_A, "attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"),
    BOTH(KV_A_NORM, "attn_kv_a_norm", "self_attn.kv_a_layernorm"),
    ROW(K_B, "blk.#.attn_k_b.weight", NULL, CRIL_HEADS_TURNED, CRIL_PART_ALL),
    ROW(K_B, "blk.#.attn_kv_b.weight", ATTN "kv_b_proj.weight", 0, CRIL_PART_LATENT_K),
    ROW(V_B, "blk.#.attn_v_b.weight", NULL, CRIL_ANY_SHAPE, CRIL_PART_ALL),
    ROW(V_B, "blk.#.attn_kv_b.weight", ATTN "kv_b_proj.weight", 0, CRIL_PART_LATENT_V),
    CRIL_ROWS_O(ATTN "o_proj"),
    CRIL_ROWS_NORM(FFN_NORM, "ffn_norm", LAYER "post_attention_layernorm", 0),
    CRIL_ROWS_GATED(LAYER "mlp."),
    BOTH(GATE, "ffn_gate_shexp", "mlp.shared_experts.gate_proj"),
    BOTH(UP, "ffn_up_shexp", "mlp.shared_experts.up_proj"),
    BOTH(DOWN, "ffn_down_shexp", "mlp.shared_experts.down_proj"),
    CRIL_ROWS_ROUTER(LAYER "mlp.gate"),
    {CRIL_W_ROUTER_BIAS, "blk.#.exp_probs_b.bias", LAYER "mlp.gate.e_score_correction_bias", 0,
     CRIL_PART_ALL, CRIL_ROUTER_BIAS},
    CRIL_ROWS_EXPERTS(LAYER "mlp.", "gate_proj", "up_proj", "down_proj"),
    CRIL_ROWS_END,
};

/* ---- Folders ---- */

#define COMMON_ROWS                                                                                \
    {"block_count", CRIL_ROW_REQUIRED, 0, NULL}, {"embedding_length", CRIL_ROW_REQUIRED, 0, NULL}, \
        {"feed_forward_length", CRIL_ROW_REQUIRED, 0, NULL},                                       \
        {"attention.head_count", CRIL_ROW_REQUIRED, 0, NULL},                                      \
        {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},                        \
    {                                                                                              \
        "vocab_size", CRIL_ROW_OPTIONAL, 0, NULL                                                   \
    }

static const struct cril_config_row rows_2[] = {
    COMMON_ROWS,
    {"context_length", CRIL_ROW_DEFAULT, 2048, NULL},
    {"expert_count", CRIL_ROW_DEFAULT, 64, "n_routed_experts"},
    {"expert_used_count", CRIL_ROW_REQUIRED, 0, NULL},
    {"expert_feed_forward_length", CRIL_ROW_DEFAULT, 1407, NULL},
    {0},
};

static const struct cril_config_row rows_3[] = {
    COMMON_ROWS,
    {"context_length", CRIL_ROW_DEFAULT, 4096, NULL},
    {"expert_count", CRIL_ROW_DEFAULT, 256, "n_routed_experts"},
    {"expert_used_count", CRIL_ROW_DEFAULT, 8, NULL},
    {"expert_feed_forward_length", CRIL_ROW_DEFAULT, 2048, NULL},
    {0},
};

/* A whole number of config.json as a key. */
static cril_status translate_uint(struct cril_translation *t, const char *name, uint64_t otherwise,
                                  const char *key, uint64_t *out, cril_error *err)
{
    const cril_status st = cril_config_uint(t, name, &otherwise, err);

    *out = otherwise;
    return st == CRIL_OK ? cril_translate_uint(t, key, otherwise, err) : st;
}

static cril_status expect_uint(const struct cril_translation *t, const char *name,
                               uint64_t expected, cril_error *err)
{
    uint64_t x = expected;
    const cril_status st = cril_config_uint(t, name, &x, err);

    if (st != CRIL_OK || x == expected)
        return st;
    return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: \"%s\" is %llu; cril runs a %s with %llu only",
                     t->config->path, name, (unsigned long long)x, t->class_name,
                     (unsigned long long)expected);
}

/* Of a head; small enough that two can be added. */
static cril_status read_part(const struct cril_translation *t, const char *name, uint64_t *out,
                             cril_error *err)
{
    const cril_status st = cril_config_uint(t, name, out, err);

    if (st != CRIL_OK || *out <= UINT32_MAX)
        return st;
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: \"%s\" is %llu, too large", t->config->path, name,
                     (unsigned long long)*out);
}

/* A GGUF has the sizes of the absorbed form too, which has one head of keys. */
static cril_status translate_heads(struct cril_translation *t, cril_error *err)
{
    uint64_t rank, plain = 128, turned = 64, value = 128, query = 1536;
    cril_status st;

    if ((st = expect_uint(t, "num_key_value_heads", cril_translated_uint(t, "attention.head_count"),
                          err)) != CRIL_OK ||
        (st = translate_uint(t, "kv_lora_rank", 512, "attention.kv_lora_rank", &rank, err)) !=
            CRIL_OK ||
        (st = read_part(t, "qk_nope_head_dim", &plain, err)) != CRIL_OK ||
        (st = read_part(t, "qk_rope_head_dim", &turned, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "attention.head_count_kv", 1, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "attention.key_length", rank + turned, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "attention.value_length", rank, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "attention.key_length_mla", plain + turned, err)) != CRIL_OK ||
        (st = translate_uint(t, "v_head_dim", value, "attention.value_length_mla", &value, err)) !=
            CRIL_OK)
        return st;
    t->head = turned;
    t->says_share = true;
    return cril_config_is_null(t, "q_lora_rank")
               ? CRIL_OK
               : translate_uint(t, "q_lora_rank", query, "attention.q_lora_rank", &query, err);
}

/* The rotation; a GGUF has a tenth of mscale_all_dim, by which scores grow. */
static cril_status translate_rotation(struct cril_translation *t, cril_error *err)
{
    const char *const name = cril_config_has(t, "rope_scaling") ? "rope_scaling.mscale_all_dim"
                                                                : "rope_parameters.mscale_all_dim";
    double all = 0;
    cril_status st;

    if ((st = cril_config_float(t, name, &all, err)) != CRIL_OK ||
        (cril_config_has(t, name) &&
         (st = cril_translate_float(t, "rope.scaling.yarn_log_multiplier", 0.1 * all, err)) !=
             CRIL_OK))
        return st;
    return cril_translate_rope(t, NULL, 10000, err);
}

/* What both classes say of experts. */
static cril_status translate_experts(struct cril_translation *t, uint64_t n_dense,
                                     uint64_t n_shared, double factor, cril_error *err)
{
    cril_status st;

    if ((st = expect_uint(t, "moe_layer_freq", 1, err)) != CRIL_OK ||
        (st = translate_uint(t, "first_k_dense_replace", n_dense, "leading_dense_block_count",
                             &n_dense, err)) != CRIL_OK ||
        (st = translate_uint(t, "n_shared_experts", n_shared, "expert_shared_count", &n_shared,
                             err)) != CRIL_OK ||
        (st = cril_config_float(t, "routed_scaling_factor", &factor, err)) != CRIL_OK)
        return st;
    return cril_translate_factor(t, "routed_scaling_factor", "expert_weights_scale", factor, err);
}

static cril_status translate_groups(struct cril_translation *t, uint64_t n, uint64_t used,
                                    cril_error *err)
{
    const cril_status st = translate_uint(t, "n_group", n, "expert_group_count", &n, err);

    return st == CRIL_OK
               ? translate_uint(t, "topk_group", used, "expert_group_used_count", &used, err)
               : st;
}

static cril_status translate_rest(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_is(t, "attention_bias", false, err)) != CRIL_OK ||
        (st = translate_heads(t, err)) != CRIL_OK)
        return st;
    return translate_rotation(t, err);
}

/* The class does not read norm_topk_prob. */
static cril_status translate_2(struct cril_translation *t, cril_error *err)
{
    struct cril_bytes method = {"greedy", 6};
    cril_status st;

    if ((st = cril_translate_expect(t, "scoring_func", "softmax", "softmax", err)) != CRIL_OK ||
        (st = cril_translate_is(t, "mlp_bias", false, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "expert_gating_func", 1, err)) != CRIL_OK ||
        (st = translate_experts(t, 0, 2, 1, err)) != CRIL_OK ||
        (st = cril_translate_expect(t, "topk_method", "greedy", "group_limited_greedy", err)) !=
            CRIL_OK ||
        (st = cril_config_text(t, "topk_method", &method, err)) != CRIL_OK ||
        (cril_bytes_are(method, "group_limited_greedy") &&
         (st = translate_groups(t, 0, 0, err)) != CRIL_OK))
        return st;
    return translate_rest(t, err);
}

static cril_status translate_3(struct cril_translation *t, cril_error *err)
{
    bool normed = true, neighbours = true;
    cril_status st;

    if ((st = cril_translate_expect(t, "scoring_func", "sigmoid", "sigmoid", err)) != CRIL_OK ||
        (st = cril_translate_expect(t, "topk_method", "noaux_tc", "noaux_tc", err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "expert_gating_func", 2, err)) != CRIL_OK ||
        (st = translate_experts(t, 3, 1, 2.5, err)) != CRIL_OK ||
        (st = translate_groups(t, 8, 4, err)) != CRIL_OK ||
        (st = cril_config_bool(t, "norm_topk_prob", &normed, err)) != CRIL_OK ||
        (st = cril_translate_bool(t, "expert_weights_norm", normed, err)) != CRIL_OK ||
        (st = cril_config_bool(t, "rope_interleave", &neighbours, err)) != CRIL_OK ||
        (!neighbours && (st = cril_translate_bool(t, "rope.halves", true, err)) != CRIL_OK))
        return st;
    t->has |= CRIL_ROUTER_BIAS;
    t->more_layers = 1;
    st = cril_config_uint(t, "num_nextn_predict_layers", &t->more_layers, err);
    return st == CRIL_OK ? translate_rest(t, err) : st;
}

static const struct cril_class classes[] = {
    {"DeepseekV2ForCausalLM", rows_2, false, translate_2},
    {"DeepseekV3ForCausalLM", rows_3, false, translate_3},
    {0},
};

/* ---- Configuration ---- */

/* Layers that predict more than the next token lie behind the others and are not run. */
static cril_status drop_predictors(cril_model *m, cril_error *err)
{
    struct cril_config *const c = &m->config;
    uint64_t n = 0;
    const cril_status st = cril_key_opt_uint(m, "nextn_predict_layers", &n, err);

    if (st != CRIL_OK || !n)
        return st;
    if (n >= c->n_layers)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: deepseek2.nextn_predict_layers is %llu, of %zu layers in all",
                         m->path, (unsigned long long)n, c->n_layers);
    c->n_layers -= (size_t)n;
    m->more_layers = n;
    *cril_model_ends(m) = (struct cril_layer){0};
    return CRIL_OK;
}

/* Which layers are dense, and the widths of the shared experts of the others. */
static cril_status configure_layers(cril_model *m, cril_error *err)
{
    struct cril_config *const c = &m->config;
    const bool mixes = c->mixture.n_experts > 0;
    uint64_t n_dense = 0, n_shared = 0;
    cril_status st;

    if ((st = cril_key_opt_uint(m, "leading_dense_block_count", &n_dense, err)) != CRIL_OK ||
        (st = cril_key_opt_uint(m, "expert_shared_count", &n_shared, err)) != CRIL_OK)
        return st;
    if (mixes && (n_shared < 1 || n_shared > MAX_SHARED))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: deepseek2.expert_shared_count is %llu, not in 1..%d", m->path,
                         (unsigned long long)n_shared, MAX_SHARED);
    for (size_t i = 0; i < c->n_layers; i++) {
        struct cril_layer *const l = &m->layers[i];

        l->kind = c->q_rank ? LATENT_QUERY : 0;
        if (!mixes || i < n_dense)
            continue;
        l->kind |= MIXTURE;
        l->n_ff = (size_t)n_shared * c->mixture.n_ff;
    }
    return CRIL_OK;
}

/* What queries and keys grow by with a scaled rotation, beside what sine and cosine say. */
static cril_status read_growth(const cril_model *m, double *out, cril_error *err)
{
    struct cril_bytes type = {"", 0};
    double factor = 1, tenth = 0;
    cril_status st;

    *out = 1;
    if ((st = cril_key_opt_string(m, "rope.scaling.type", &type, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.factor", &factor, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.yarn_log_multiplier", &tenth, err)) != CRIL_OK)
        return st;
    if (!(tenth >= 0 && tenth < 1e3))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: deepseek2.rope.scaling.yarn_log_multiplier is %g, out of range",
                         m->path, tenth);
    if (factor > 1 && !cril_bytes_are(type, "none"))
        *out = tenth * cril_log(factor) + 1;
    return CRIL_OK;
}

static cril_status configure_rope(cril_model *m, cril_error *err)
{
    struct cril_rope *const r = &m->rope[0];
    double growth = 1;
    bool halves = false;
    cril_status st;

    if ((st = cril_key_opt_bool(m, "rope.halves", &halves, err)) != CRIL_OK ||
        (st = cril_model_rope(m, 10000, halves, err)) != CRIL_OK ||
        (st = read_growth(m, &growth, err)) != CRIL_OK)
        return st;
    if (r->n_rot >= m->config.head_dim)
        return cril_fail(
            err, CRIL_ERR_UNSUPPORTED,
            "%s: deepseek2.rope.dimension_count is %zu, all of a head; cril runs heads "
            "of which a part does not turn",
            m->path, r->n_rot);
    if (growth > 1 && !m->folder_class)
        r->magnitude = 1; /* a GGUF does not say mscale, which is mscale_all_dim */
    r->first = m->config.head_dim - r->n_rot;
    cril_model_set_attention_scale(m, (float)(growth * growth / sqrt((double)m->config.head_dim)));
    return CRIL_OK;
}

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = drop_predictors(m, err)) != CRIL_OK || (st = cril_model_latent(m, err)) != CRIL_OK ||
        (st = cril_model_mixture(m, err)) != CRIL_OK || (st = configure_layers(m, err)) != CRIL_OK)
        return st;
    m->config.inner_eps = 1e-6f;
    return configure_rope(m, err);
}

const struct cril_family cril_family_deepseek2 = {
    .architecture = "deepseek2",
    CRIL_FAMILY_TABLES,

    .latent = true,

    .layers = {[0] = CRIL_STEPS(dense),
               [MIXTURE] = CRIL_STEPS(mixture),
               [LATENT_QUERY] = CRIL_STEPS(latent_dense),
               [LATENT_QUERY | MIXTURE] = CRIL_STEPS(latent_mixture)},

    .cannot_say =
        "scales of the rotation's sine and cosine that differ (mscale and mscale_all_dim)"};
