/*
 * GPT-NeoX and Pythia (Black et al. 2022, section 2.1): a part of each head turns, by halves; both
 * branches side by side, each with a norm of its own, or one after the other; one matrix of
 * queries, keys and values head by head.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step side_by_side[] = {CRIL_STEPS_GPT_TWO_NORMS};
static const struct cril_step in_turn[] = {CRIL_STEPS_GPT_ROTATION, CRIL_STEPS_GPT_MLP};
static const struct cril_step head[] = {CRIL_STEPS_GPT_HEAD};

enum { SIDE_BY_SIDE, IN_TURN };

#define LAYER "gpt_neox.layers.#."

static const struct cril_weight_row weights[] = {
    {CRIL_W_OUTPUT, "output.weight", "embed_out.weight", 0, CRIL_PART_ALL, 0},
    CRIL_ROWS_ENDS("gpt_neox.embed_in.weight", "gpt_neox.final_layer_norm", 0),
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", LAYER "input_layernorm", 0),
    CRIL_ROWS_FUSED_QKV(LAYER "attention.query_key_value", 0, CRIL_BY_GROUP),
    CRIL_ROWS_O(LAYER "attention.dense"),
    CRIL_ROWS_LAYER_NORM(FFN_NORM, "ffn_norm", LAYER "post_attention_layernorm", 0),
    CRIL_ROWS_MLP(LAYER "mlp.dense_h_to_4h", LAYER "mlp.dense_4h_to_h", 0),
    CRIL_ROWS_END,
};

enum { BIASES = CRIL_FFN_BIAS | CRIL_NORM_BIAS };

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 44, NULL},
    {"embedding_length", CRIL_ROW_DEFAULT, 6144, NULL},
    {"feed_forward_length", CRIL_ROW_DEFAULT, 24576, NULL},
    {"attention.head_count", CRIL_ROW_DEFAULT, 64, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 2048, NULL},
    {"attention.layer_norm_epsilon", CRIL_ROW_DEFAULT, 1e-5, NULL},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    bool parallel = true;
    double base = 10000;
    cril_status st;

    t->has |= BIASES;
    t->share = 0.25;
    t->says_share = true;
    t->usual_base = 10000;
    if ((st = cril_translate_has(t, "attention_bias", true, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) !=
            CRIL_OK ||
        (st = cril_translate_activation(t, "hidden_act", "gelu", "gelu_erf", err)) != CRIL_OK ||
        (st = cril_config_bool(t, "use_parallel_residual", &parallel, err)) != CRIL_OK ||
        (st = cril_translate_bool(t, "use_parallel_residual", parallel, err)) != CRIL_OK ||
        (st = cril_config_float(t, "rotary_pct", &t->share, err)) != CRIL_OK ||
        (st = cril_translate_check_share(t, "rotary_pct", t->share, err)) != CRIL_OK ||
        (st = cril_config_float(t, "rotary_emb_base", &base, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, NULL, base, err);
}

static const struct cril_class classes[] = {
    {"GPTNeoXForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    bool parallel = true;
    cril_status st;

    if ((st = cril_model_activation(m, CRIL_ACT_GELU_ERF, err)) != CRIL_OK ||
        (st = cril_key_opt_bool(m, "use_parallel_residual", &parallel, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].kind = parallel ? SIDE_BY_SIDE : IN_TURN;
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_gptneox = {
    .architecture = "gptneox",
    CRIL_FAMILY_TABLES,

    .has = BIASES,
    .cannot_say =
        "the base of its rotation (rotary_emb_base) and the function of its inner networks "
        "(hidden_act)",
    .layer_norms = true,

    .layers = {[SIDE_BY_SIDE] = CRIL_STEPS(side_by_side), [IN_TURN] = CRIL_STEPS(in_turn)}};
