/*
 * MPT (MosaicML 2023): biases by distance (ALiBi), LayerNorm without bias, one matrix for queries,
 * keys and values, which may be limited, two matrices.
 */
#include "model/family_parts.h"
#include "util/fail.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {
    CRIL_STEPS_LAYER_NORM(ATTN_NORM, X, N),
    CRIL_STEPS_QKV(N),
    CRIL_STEP(limit, NONE, Q, Q),
    CRIL_STEP(limit, NONE, K, K),
    CRIL_STEP(limit, NONE, V, V),
    CRIL_STEPS_ATTEND,
    CRIL_STEP_ADD,
    CRIL_STEPS_GPT_MLP,
};
static const struct cril_step head[] = {CRIL_STEPS_GPT_HEAD};

#define LAYER "transformer.blocks.#."
#define ROWS_QKV(W)                                                                                \
    CRIL_ROWS_LINEAR(W, "blk.#.attn_qkv", LAYER "attn.Wqkv", 0, CRIL_BY_KIND(W), CRIL_QKV_BIAS)

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("transformer.wte.weight", "transformer.norm_f", 0),
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", LAYER "norm_1", 0),
    ROWS_QKV(Q),
    ROWS_QKV(K),
    ROWS_QKV(V),
    CRIL_ROWS_O(LAYER "attn.out_proj"),
    CRIL_ROWS_LAYER_NORM(FFN_NORM, "ffn_norm", LAYER "norm_2", 0),
    CRIL_ROWS_MLP(LAYER "ffn.up_proj", LAYER "ffn.down_proj", 0),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 24, "n_layers num_hidden_layers"},
    {"embedding_length", CRIL_ROW_DEFAULT, 2048, "d_model hidden_size"},
    {"attention.head_count", CRIL_ROW_DEFAULT, 16, "n_heads num_attention_heads"},
    {"context_length", CRIL_ROW_DEFAULT, 2048, "max_seq_len"},
    {"attention.layer_norm_epsilon", CRIL_ROW_DEFAULT, 1e-5, "layer_norm_epsilon"},
    {0},
};

/* What other configurations of the training program have. */
static cril_status refuse_options(struct cril_translation *t, cril_error *err)
{
    static const char type[] = "attn_config.attn_type", heads[] = "multihead_attention";
    static const struct {
        const char *name;
        bool computed;
    } flags[] = {{"no_bias", true},
                 {"attn_config.alibi", true},
                 {"attn_config.rope", false},
                 {"attn_config.qk_ln", false},
                 {"attn_config.qk_gn", false},
                 {"attn_config.prefix_lm", false},
                 {"attn_config.attn_uses_sequence_id", false}};
    uint64_t ratio = 4;
    cril_status st;

    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
        if ((st = cril_translate_is(t, flags[i].name, flags[i].computed, err)) != CRIL_OK)
            return st;
    if ((st = cril_translate_expect(t, type, heads, heads, err)) != CRIL_OK ||
        (st = cril_translate_expect(t, "norm_type", "low_precision_layernorm", "layernorm", err)) !=
            CRIL_OK ||
        (st = cril_translate_absent(t, "logit_scale", err)) != CRIL_OK ||
        (st = cril_config_uint(t, "expansion_ratio", &ratio, err)) != CRIL_OK || ratio == 4)
        return st;
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "%s: \"expansion_ratio\" is %llu; cril runs a %s with 4 only", t->config->path,
                     (unsigned long long)ratio, t->class_name);
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    double max_bias = 8, limit = 0; /* none, by the class too */
    cril_status st;

    if ((st = refuse_options(t, err)) != CRIL_OK ||
        (st = cril_translate_inner(t, NULL, err)) != CRIL_OK ||
        (st = cril_translate_number(t, "attn_config.softmax_scale", "attention.scale", err)) !=
            CRIL_OK ||
        (st = cril_config_float(t, "attn_config.clip_qkv", &limit, err)) != CRIL_OK ||
        (limit != 0 &&
         (st = cril_translate_float(t, "attention.clamp_kqv", limit, err)) != CRIL_OK) ||
        (st = cril_config_float(t, "attn_config.alibi_bias_max", &max_bias, err)) != CRIL_OK)
        return st;
    return cril_translate_float(t, "attention.max_alibi_bias", max_bias, err);
}

static const struct cril_class classes[] = {
    {"MPTForCausalLM", rows, true, translate},
    {"MptForCausalLM", rows, true, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    double max_bias = 0;
    cril_status st;

    if ((st = cril_model_activation(m, CRIL_ACT_GELU_ERF, err)) != CRIL_OK ||
        (st = cril_model_limit(m, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "attention.max_alibi_bias", &max_bias, err)) != CRIL_OK)
        return st;
    return cril_model_slopes(m, max_bias, err);
}

const struct cril_family cril_family_mpt = {.architecture = "mpt",
                                            CRIL_FAMILY_TABLES,

                                            .layer_norms = true,

                                            .layers = {CRIL_STEPS(steps)}};
