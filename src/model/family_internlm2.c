/*
 * InternLM 2 (Cai et al. 2024, section 2.2): as Llama; a folder keeps queries, keys and values in
 * one matrix, group by group. Its class is code of the publisher's, configuration_internlm2.py.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {CRIL_STEPS_LLAMA};
static const struct cril_step head[] = {CRIL_STEPS_HEAD};

#define LAYER "model.layers.#."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("model.tok_embeddings.weight", "model.norm", 0),
    {CRIL_W_OUTPUT, "output.weight", "output.weight", 0, CRIL_PART_ALL, 0},
    CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", LAYER "attention_norm", 0),
    CRIL_ROWS_FUSED_QKV(LAYER "attention.wqkv", CRIL_NEIGHBOURS, CRIL_BY_GROUP),
    CRIL_ROWS_O(LAYER "attention.wo"),
    CRIL_ROWS_NORM(FFN_NORM, "ffn_norm", LAYER "ffn_norm", 0),
    CRIL_ROWS_LINEAR(GATE, "blk.#.ffn_gate", LAYER "feed_forward.w1", 0, CRIL_PART_ALL,
                     CRIL_FFN_BIAS),
    CRIL_ROWS_LINEAR(UP, "blk.#.ffn_up", LAYER "feed_forward.w3", 0, CRIL_PART_ALL, CRIL_FFN_BIAS),
    CRIL_ROWS_LINEAR(DOWN, "blk.#.ffn_down", LAYER "feed_forward.w2", 0, CRIL_PART_ALL,
                     CRIL_FFN_BIAS),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_SIZES,
    {"attention.head_count_kv", CRIL_ROW_AS_HEADS, 0, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 2048, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, "bias", true, CRIL_QKV_BIAS | CRIL_O_BIAS, err)) != CRIL_OK)
        return st;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"InternLM2ForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    return cril_model_rope(m, 10000, false, err);
}

const struct cril_family cril_family_internlm2 = {.architecture = "internlm2",
                                                  CRIL_FAMILY_TABLES,

                                                  .layers = {CRIL_STEPS(steps)}};
