/*
 * Falcon (Almazrouei et al. 2023, section 4): LayerNorm and two matrices in four layouts. 7B and
 * 11B have both branches side by side behind one norm, 40B and 180B behind a norm each, RW one
 * after the other with biases by distance (ALiBi) in place of rotation. One matrix of a folder
 * holds groups of queries, a key and a value: as many as key heads.
 */
#include "model/family_parts.h"
#include "util/fail.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step one_norm[] = {CRIL_STEPS_GPT_ONE_NORM};
static const struct cril_step two_norms[] = {CRIL_STEPS_GPT_TWO_NORMS};
static const struct cril_step in_turn[] = {CRIL_STEPS_GPT_ROTATION, CRIL_STEPS_GPT_MLP};
static const struct cril_step head[] = {CRIL_STEPS_GPT_HEAD};

enum { ONE_NORM, TWO_NORMS, IN_TURN };

/* How often the bias by distance is added to a score: transformers 5 with attention written out
 * ("eager"), which our figures are compared with, has it in its mask too. Its other forms of
 * attention add it once. */
enum { TIMES_ADDED = 2 };

#define LAYER "transformer.h.#."

/* Where a GGUF has two norms, the second is that of attention. */
static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("transformer.word_embeddings.weight", "transformer.ln_f", 0),
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm_2", LAYER "ln_attn", 0),
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", LAYER "input_layernorm", 0),
    CRIL_ROWS_FUSED_QKV(LAYER "self_attention.query_key_value", 0, CRIL_BY_GROUP),
    CRIL_ROWS_O(LAYER "self_attention.dense"),
    CRIL_ROWS_LAYER_NORM(FFN_NORM, "ffn_norm", LAYER "post_attention_layernorm", 0),
    CRIL_ROWS_LAYER_NORM(FFN_NORM, "attn_norm", LAYER "ln_mlp", 0),
    CRIL_ROWS_MLP(LAYER "mlp.dense_h_to_4h", LAYER "mlp.dense_4h_to_h", 0),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 32, "num_hidden_layers n_layer"},
    {"embedding_length", CRIL_ROW_DEFAULT, 4544, "n_embed hidden_size"},
    {"attention.head_count", CRIL_ROW_DEFAULT, 71, "num_attention_heads n_head"},
    {"context_length", CRIL_ROW_DEFAULT, 2048, NULL},
    {"attention.layer_norm_epsilon", CRIL_ROW_DEFAULT, 1e-5, "layer_norm_epsilon"},
    {0},
};

/* The first configurations name the number of key heads where there are groups, and no
 * architecture. */
static cril_status translate_heads(struct cril_translation *t, bool *groups, cril_error *err)
{
    uint64_t key_heads = cril_translated_uint(t, "attention.head_count");
    bool one_key = true;
    cril_status st;

    *groups = cril_config_has(t, "n_head_kv");
    if ((st = cril_config_bool(t, "new_decoder_architecture", groups, err)) != CRIL_OK ||
        (st = cril_config_bool(t, "multi_query", &one_key, err)) != CRIL_OK)
        return st;
    if (*groups && ((st = cril_config_uint(t, "n_head_kv", &key_heads, err)) != CRIL_OK ||
                    (st = cril_config_uint(t, "num_kv_heads", &key_heads, err)) != CRIL_OK))
        return st;
    return cril_translate_uint(t, "attention.head_count_kv", !*groups && one_key ? 1 : key_heads,
                               err);
}

/* How branches stand: use_parallel_residual, and whether each has a norm. */
static cril_status translate_branches(struct cril_translation *t, bool groups, cril_error *err)
{
    bool parallel = true;
    uint64_t norms = groups ? 2 : 1;
    cril_status st;

    if ((st = cril_config_bool(t, "parallel_attn", &parallel, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "num_ln_in_parallel_attn", &norms, err)) != CRIL_OK)
        return st;
    if ((groups && !parallel) || norms < 1 || norms > (groups ? 2 : 1))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: \"parallel_attn\" is %s and \"num_ln_in_parallel_attn\" is %llu, "
                         "which no Falcon %s groups of heads has",
                         t->config->path, parallel ? "true" : "false", (unsigned long long)norms,
                         groups ? "with" : "without");
    if (!parallel)
        return cril_translate_bool(t, "use_parallel_residual", false, err);
    return cril_translate_bool(t, "norm_for_each_branch", norms == 2, err);
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    static const char residual[] = "apply_residual_connection_post_layernorm";
    bool groups, by_distance = false;
    cril_status st;

    t->has |= CRIL_NORM_BIAS;
    t->usual_base = 10000;
    if ((st = cril_translate_inner(t, "ffn_hidden_size", err)) != CRIL_OK ||
        (st = translate_heads(t, &groups, err)) != CRIL_OK ||
        (st = translate_branches(t, groups, err)) != CRIL_OK ||
        (st = cril_translate_has(t, "bias", false, CRIL_QKV_BIAS | CRIL_O_BIAS | CRIL_FFN_BIAS,
                                 err)) != CRIL_OK ||
        (st = cril_translate_is(t, residual, false, err)) != CRIL_OK ||
        (st = cril_translate_activation(t, "activation", "gelu", "gelu_erf", err)) != CRIL_OK ||
        (st = cril_config_bool(t, "alibi", &by_distance, err)) != CRIL_OK)
        return st;
    return by_distance ? cril_translate_float(t, "attention.max_alibi_bias", 8, err)
                       : cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"FalconForCausalLM", rows, true, translate},
    {"RWForCausalLM", rows, true, translate},
    {0},
};

static cril_status find_kind(cril_model *m, cril_error *err)
{
    bool parallel = true, each = !cril_source_is_folder(m->source) &&
                                 cril_source_find_tensor(m->source, "blk.0.attn_norm_2.weight");
    cril_status st;

    if ((st = cril_key_opt_bool(m, "use_parallel_residual", &parallel, err)) != CRIL_OK ||
        (st = cril_key_opt_bool(m, "norm_for_each_branch", &each, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].kind = !parallel ? IN_TURN : each ? TWO_NORMS : ONE_NORM;
    return CRIL_OK;
}

static cril_status configure(cril_model *m, cril_error *err)
{
    double max_bias = 0;
    cril_status st;

    cril_model_inner_width(m);
    if ((st = find_kind(m, err)) != CRIL_OK ||
        (st = cril_model_activation(m, CRIL_ACT_GELU_ERF, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "attention.max_alibi_bias", &max_bias, err)) != CRIL_OK)
        return st;
    if (max_bias == 0)
        return cril_model_rope(m, 10000, true, err);
    m->config.slopes_rounded = true;
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].turns = false;
    if ((st = cril_model_slopes(m, max_bias, err)) != CRIL_OK)
        return st;
    for (size_t h = 0; h < m->config.n_heads; h++)
        m->slopes[h] *= TIMES_ADDED;
    return cril_warn(&m->warnings, err,
                     "a Falcon with biases by distance (alibi) is computed as transformers 5 does "
                     "with eager attention, which adds them twice; its other forms of attention "
                     "add them once, and give other figures");
}

const struct cril_family cril_family_falcon = {.architecture = "falcon",
                                               CRIL_FAMILY_TABLES,

                                               .has = CRIL_NORM_BIAS,
                                               .cannot_say =
                                                   "the base of its rotation (rope_theta)",
                                               .layer_norms = true,

                                               .layers = {[ONE_NORM] = CRIL_STEPS(one_norm),
                                                          [TWO_NORMS] = CRIL_STEPS(two_norms),
                                                          [IN_TURN] = CRIL_STEPS(in_turn)}};
