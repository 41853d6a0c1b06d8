/*
 * Phi-3, Phi-3.5, Phi-4 and Phi-4-mini (Abdin et al. 2024): as Llama, with rotation of the two
 * halves of a head, or of its first part, by LongRoPE in models of long context; all layers may see
 * a window. Queries, keys and values are one tensor, gate and its other half another.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {CRIL_STEPS_LLAMA};
static const struct cril_step head[] = {CRIL_STEPS_HEAD};

#define LAYER "model.layers.#."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.norm", 0),
    CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", LAYER "input_layernorm", 0),
    CRIL_ROWS_FUSED_QKV(LAYER "self_attn.qkv_proj", 0, CRIL_BY_KIND),
    CRIL_ROWS_O(LAYER "self_attn.o_proj"),
    CRIL_ROWS_NORM(FFN_NORM, "ffn_norm", LAYER "post_attention_layernorm", 0),
    {CRIL_W_GATE, "blk.#.ffn_up.weight", LAYER "mlp.gate_up_proj.weight", 0, CRIL_PART_FIRST_HALF,
     0},
    {CRIL_W_UP, "blk.#.ffn_up.weight", LAYER "mlp.gate_up_proj.weight", 0, CRIL_PART_SECOND_HALF,
     0},
    {CRIL_W_DOWN, "blk.#.ffn_down.weight", LAYER "mlp.down_proj.weight", 0, CRIL_PART_ALL, 0},
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 32, NULL},
    {"embedding_length", CRIL_ROW_DEFAULT, 3072, NULL},
    {"feed_forward_length", CRIL_ROW_DEFAULT, 8192, NULL},
    {"attention.head_count", CRIL_ROW_DEFAULT, 32, NULL},
    {"attention.head_count_kv", CRIL_ROW_AS_HEADS, 0, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 4096, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-5, NULL},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_window(t, "sliding_window", 0, err)) != CRIL_OK)
        return st;
    if ((st = cril_translate_own_head(t, err)) != CRIL_OK)
        return st;
    t->says_share = true;
    t->original_context = 4096;
    t->share = 1;
    return cril_translate_rope(t, NULL, 10000, err);
}

static const struct cril_class classes[] = {
    {"Phi3ForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_status st;

    if ((st = cril_model_windows(m, 0, err)) != CRIL_OK)
        return st;
    return cril_model_rope(m, 10000, true, err);
}

const struct cril_family cril_family_phi3 = {.architecture = "phi3",
                                             CRIL_FAMILY_TABLES,

                                             .layers = {CRIL_STEPS(steps)}};
