/*
 * Phi-1, 1.5 and 2 (Li et al. 2023, section 2): both branches side by side behind one norm, a part
 * of each head turns by halves, biases everywhere, also on the logits. A head of queries and keys
 * may have a LayerNorm, the same for all.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {
    CRIL_STEPS_LAYER_NORM(ATTN_NORM, X, N),
    CRIL_STEPS_QKV(N),
    CRIL_STEP(head_layer_norm, Q_NORM, Q, Q),
    CRIL_STEP(bias, Q_NORM_BIAS, Q, Q),
    CRIL_STEP(head_layer_norm, K_NORM, K, K),
    CRIL_STEP(bias, K_NORM_BIAS, K, K),
    CRIL_STEPS_TURN,
    CRIL_STEPS_ATTEND,
    CRIL_STEP_ADD,
    CRIL_STEPS_MLP(N),
    CRIL_STEP_ADD,
};
static const struct cril_step head[] = {CRIL_STEPS_GPT_HEAD};

#define LAYER "model.layers.#."
#define ROWS_HEAD_NORM(W, GGUF, FOLDER)                                                            \
    {CRIL_W_##W,    "blk.#." GGUF ".weight", LAYER FOLDER ".weight",                               \
     CRIL_REPEATED, CRIL_PART_ALL,           CRIL_QK_NORM},                                        \
    {                                                                                              \
        CRIL_W_##W##_BIAS, "blk.#." GGUF ".bias", LAYER FOLDER ".bias", CRIL_REPEATED,             \
            CRIL_PART_ALL, CRIL_QK_NORM                                                            \
    }

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.final_layernorm", 0),
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", LAYER "input_layernorm", 0),
    CRIL_ROWS_QKV(LAYER "self_attn.", 0),
    ROWS_HEAD_NORM(Q_NORM, "attn_q_norm", "self_attn.q_layernorm"),
    ROWS_HEAD_NORM(K_NORM, "attn_k_norm", "self_attn.k_layernorm"),
    CRIL_ROWS_O(LAYER "self_attn.dense"),
    CRIL_ROWS_MLP(LAYER "mlp.fc1", LAYER "mlp.fc2", 0),
    CRIL_ROWS_END,
};

enum { BIASES = CRIL_QKV_BIAS | CRIL_O_BIAS | CRIL_FFN_BIAS | CRIL_NORM_BIAS | CRIL_OUTPUT_BIAS };

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 24, NULL},
    {"embedding_length", CRIL_ROW_DEFAULT, 2048, NULL},
    {"feed_forward_length", CRIL_ROW_DEFAULT, 8192, NULL},
    {"attention.head_count", CRIL_ROW_DEFAULT, 32, NULL},
    {"attention.head_count_kv", CRIL_ROW_AS_HEADS, 0, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 2048, NULL},
    {"attention.layer_norm_epsilon", CRIL_ROW_DEFAULT, 1e-5, NULL},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    t->has |= BIASES;
    t->share = 0.5;
    t->says_share = true;
    t->usual_base = 10000;
    if ((st = cril_translate_has(t, "qk_layernorm", false, CRIL_QK_NORM, err)) != CRIL_OK ||
        (st = cril_translate_activation(t, "hidden_act", "gelu_new", "gelu_tanh", err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"PhiForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = cril_model_activation(m, CRIL_ACT_GELU_TANH, err)) != CRIL_OK)
        return st;
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_phi2 = {.architecture = "phi2",
                                             CRIL_FAMILY_TABLES,

                                             .has = BIASES,
                                             .layer_norms = true,

                                             .layers = {CRIL_STEPS(steps)}};
