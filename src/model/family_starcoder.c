/*
 * StarCoder and what else has the class GPTBigCode (Li et al. 2023, section 5.2): as GPT-2, with
 * one key head for all queries, or one for each. One matrix holds queries, key and value of a key
 * head, head by head, in a folder and in a GGUF.
 */
#include "model/family_parts.h"

static const struct cril_step embedding[] = {
    CRIL_STEPS_EMBEDDING,
    CRIL_STEP(position, POSITIONS, X, X),
};
static const struct cril_step steps[] = {CRIL_STEPS_GPT_ATTENTION, CRIL_STEPS_GPT_MLP};
static const struct cril_step head[] = {CRIL_STEPS_GPT_HEAD};

#define LAYER "transformer.h.#."
#define ROWS_QKV(W)                                                                                \
    CRIL_ROWS_LINEAR(W, "blk.#.attn_qkv", LAYER "attn.c_attn", 0, CRIL_BY_GROUP(W), CRIL_QKV_BIAS)

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("transformer.wte.weight", "transformer.ln_f", 0),
    {CRIL_W_POSITIONS, "position_embd.weight", "transformer.wpe.weight", 0, CRIL_PART_ALL, 0},
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", LAYER "ln_1", 0),
    ROWS_QKV(Q),
    ROWS_QKV(K),
    ROWS_QKV(V),
    CRIL_ROWS_O(LAYER "attn.c_proj"),
    CRIL_ROWS_LAYER_NORM(FFN_NORM, "ffn_norm", LAYER "ln_2", 0),
    CRIL_ROWS_MLP(LAYER "mlp.c_fc", LAYER "mlp.c_proj", 0),
    CRIL_ROWS_END,
};

enum { BIASES = CRIL_QKV_BIAS | CRIL_O_BIAS | CRIL_FFN_BIAS | CRIL_NORM_BIAS };

static const struct cril_config_row rows[] = {
    CRIL_CONFIG_GPT(12, 768, 12, 1024),
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    bool one_key = true, scaled = true;
    cril_status st;

    t->has |= BIASES;
    if ((st = cril_translate_inner(t, "n_inner", err)) != CRIL_OK ||
        (st = cril_translate_activation(t, "activation_function", "gelu_pytorch_tanh", "gelu_tanh",
                                        err)) != CRIL_OK ||
        (st = cril_translate_is(t, "add_cross_attention", false, err)) != CRIL_OK ||
        (st = cril_config_bool(t, "scale_attn_weights", &scaled, err)) != CRIL_OK ||
        (!scaled && (st = cril_translate_float(t, "attention.scale", 1, err)) != CRIL_OK) ||
        (st = cril_config_bool(t, "multi_query", &one_key, err)) != CRIL_OK)
        return st;
    return cril_translate_uint(t, "attention.head_count_kv",
                               one_key ? 1 : cril_translated_uint(t, "attention.head_count"), err);
}

static const struct cril_class classes[] = {
    {"GPTBigCodeForCausalLM", rows, true, translate},
    {0},
};

/* llama.cpp's converter writes that there is one key head; the matrix knows. */
static void find_key_heads(cril_model *m)
{
    struct cril_config *const c = &m->config;
    const struct cril_tensor *const t =
        cril_source_is_folder(m->source)
            ? NULL
            : cril_source_find_tensor(m->source, "blk.0.attn_qkv.weight");

    if (t && t->ne[1] == 3 * c->n_embd)
        c->n_kv_heads = c->n_heads;
    for (size_t i = 0; i < c->n_layers; i++)
        m->layers[i].n_kv_heads = c->n_kv_heads;
}

static cril_status configure(cril_model *m, cril_error *err)
{
    cril_model_inner_width(m);
    find_key_heads(m);
    return cril_model_activation(m, CRIL_ACT_GELU_TANH, err);
}

const struct cril_family cril_family_starcoder = {
    .architecture = "starcoder",
    CRIL_FAMILY_TABLES,

    .has = BIASES,
    .cannot_say = "the function of its inner networks (activation_function)",
    .layer_norms = true,

    .layers = {CRIL_STEPS(steps)}};
