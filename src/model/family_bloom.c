/*
 * BLOOM (Le Scao et al. 2022, section 3.2): biases by distance (ALiBi), a norm on the embedding,
 * one matrix of queries, keys and values head by head, two matrices, biases everywhere.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {
    CRIL_STEPS_EMBEDDING,
    CRIL_STEPS_LAYER_NORM(EMBEDDING_NORM, X, X),
};
static const struct cril_step steps[] = {CRIL_STEPS_GPT_ATTENTION, CRIL_STEPS_GPT_MLP};
static const struct cril_step head[] = {CRIL_STEPS_GPT_HEAD};

#define LAYER "transformer.h.#."
#define NORM "transformer.word_embeddings_layernorm"

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("transformer.word_embeddings.weight", "transformer.ln_f", 0),
    {CRIL_W_EMBEDDING_NORM, "token_embd_norm.weight", NORM ".weight", 0, CRIL_PART_ALL, 0},
    {CRIL_W_EMBEDDING_NORM_BIAS, "token_embd_norm.bias", NORM ".bias", 0, CRIL_PART_ALL,
     CRIL_NORM_BIAS},
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", LAYER "input_layernorm", 0),
    CRIL_ROWS_FUSED_QKV(LAYER "self_attention.query_key_value", 0, CRIL_BY_GROUP),
    CRIL_ROWS_O(LAYER "self_attention.dense"),
    CRIL_ROWS_LAYER_NORM(FFN_NORM, "ffn_norm", LAYER "post_attention_layernorm", 0),
    CRIL_ROWS_MLP(LAYER "mlp.dense_h_to_4h", LAYER "mlp.dense_4h_to_h", 0),
    CRIL_ROWS_END,
};

enum { BIASES = CRIL_QKV_BIAS | CRIL_O_BIAS | CRIL_FFN_BIAS | CRIL_NORM_BIAS };

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 2, "n_layer num_hidden_layers"},
    {"embedding_length", CRIL_ROW_DEFAULT, 64, "n_embed hidden_size"},
    {"attention.head_count", CRIL_ROW_DEFAULT, 8, "n_head num_attention_heads"},
    {"context_length", CRIL_ROW_DEFAULT, 2048, "seq_length"},
    {"attention.layer_norm_epsilon", CRIL_ROW_DEFAULT, 1e-5, "layer_norm_epsilon"},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    const cril_status st =
        cril_translate_is(t, "apply_residual_connection_post_layernorm", false, err);

    t->has |= BIASES;
    return st == CRIL_OK ? cril_translate_inner(t, NULL, err) : st;
}

static const struct cril_class classes[] = {
    {"BloomForCausalLM", rows, true, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    const cril_status st = cril_model_activation(m, CRIL_ACT_GELU_TANH, err);

    return st == CRIL_OK ? cril_model_slopes(m, 8, err) : st;
}

const struct cril_family cril_family_bloom = {.architecture = "bloom",
                                              CRIL_FAMILY_TABLES,

                                              .has = BIASES,
                                              .layer_norms = true,

                                              .layers = {CRIL_STEPS(steps)}};
