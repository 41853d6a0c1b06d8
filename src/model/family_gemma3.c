/*
 * Gemma 3, text (Gemma Team 2025, section 2): norms before and after each branch, norms on queries
 * and keys, GELU, five sliding layers to one full layer, each kind with its own rotation, an
 * embedding scaled by sqrt(n_embd).
 */
#include "model/family.h"
#include "model/op.h"
#include "util/fail.h"

#include <math.h>

static const struct cril_step embedding[] = {
    {&cril_op_embed, CRIL_W_EMBEDDING, CRIL_BUF_X, CRIL_BUF_X},
};

static const struct cril_step steps[] = {
    {&cril_op_norm, CRIL_W_ATTN_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_Q, CRIL_BUF_N, CRIL_BUF_Q},
    {&cril_op_matmul, CRIL_W_K, CRIL_BUF_N, CRIL_BUF_K},
    {&cril_op_matmul, CRIL_W_V, CRIL_BUF_N, CRIL_BUF_V},
    {&cril_op_head_norm, CRIL_W_Q_NORM, CRIL_BUF_Q, CRIL_BUF_Q},
    {&cril_op_head_norm, CRIL_W_K_NORM, CRIL_BUF_K, CRIL_BUF_K},
    {&cril_op_rope, CRIL_W_NONE, CRIL_BUF_Q, CRIL_BUF_Q},
    {&cril_op_rope, CRIL_W_NONE, CRIL_BUF_K, CRIL_BUF_K},
    {&cril_op_store_kv, CRIL_W_NONE, CRIL_BUF_K, CRIL_BUF_V},
    {&cril_op_attend, CRIL_W_NONE, CRIL_BUF_Q, CRIL_BUF_A},
    {&cril_op_matmul, CRIL_W_O, CRIL_BUF_A, CRIL_BUF_T},
    {&cril_op_norm, CRIL_W_POST_ATTN_NORM, CRIL_BUF_T, CRIL_BUF_T},
    {&cril_op_add, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
    {&cril_op_norm, CRIL_W_FFN_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_GATE, CRIL_BUF_N, CRIL_BUF_G},
    {&cril_op_matmul, CRIL_W_UP, CRIL_BUF_N, CRIL_BUF_U},
    {&cril_op_gelu_mul, CRIL_W_NONE, CRIL_BUF_U, CRIL_BUF_G},
    {&cril_op_matmul, CRIL_W_DOWN, CRIL_BUF_G, CRIL_BUF_T},
    {&cril_op_norm, CRIL_W_POST_FFN_NORM, CRIL_BUF_T, CRIL_BUF_T},
    {&cril_op_add, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
};

static const struct cril_step head[] = {
    {&cril_op_norm, CRIL_W_OUTPUT_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_OUTPUT, CRIL_BUF_N, CRIL_BUF_LOGITS},
};

static const struct cril_weight_row weights[] = {
    {CRIL_W_EMBEDDING, "token_embd.weight", "model.embed_tokens.weight", 0},
    {CRIL_W_OUTPUT_NORM, "output_norm.weight", "model.norm.weight", CRIL_WEIGHT_PLUS_ONE},
    {CRIL_W_OUTPUT, "output.weight", "lm_head.weight", 0},
    {CRIL_W_ATTN_NORM, "blk.#.attn_norm.weight", "model.layers.#.input_layernorm.weight",
     CRIL_WEIGHT_PLUS_ONE},
    {CRIL_W_Q, "blk.#.attn_q.weight", "model.layers.#.self_attn.q_proj.weight", 0},
    {CRIL_W_K, "blk.#.attn_k.weight", "model.layers.#.self_attn.k_proj.weight", 0},
    {CRIL_W_V, "blk.#.attn_v.weight", "model.layers.#.self_attn.v_proj.weight", 0},
    {CRIL_W_O, "blk.#.attn_output.weight", "model.layers.#.self_attn.o_proj.weight", 0},
    {CRIL_W_Q_NORM, "blk.#.attn_q_norm.weight", "model.layers.#.self_attn.q_norm.weight",
     CRIL_WEIGHT_PLUS_ONE},
    {CRIL_W_K_NORM, "blk.#.attn_k_norm.weight", "model.layers.#.self_attn.k_norm.weight",
     CRIL_WEIGHT_PLUS_ONE},
    {CRIL_W_POST_ATTN_NORM, "blk.#.post_attention_norm.weight",
     "model.layers.#.post_attention_layernorm.weight", CRIL_WEIGHT_PLUS_ONE},
    {CRIL_W_FFN_NORM, "blk.#.ffn_norm.weight", "model.layers.#.pre_feedforward_layernorm.weight",
     CRIL_WEIGHT_PLUS_ONE},
    {CRIL_W_POST_FFN_NORM, "blk.#.post_ffw_norm.weight",
     "model.layers.#.post_feedforward_layernorm.weight", CRIL_WEIGHT_PLUS_ONE},
    {CRIL_W_GATE, "blk.#.ffn_gate.weight", "model.layers.#.mlp.gate_proj.weight", 0},
    {CRIL_W_UP, "blk.#.ffn_up.weight", "model.layers.#.mlp.up_proj.weight", 0},
    {CRIL_W_DOWN, "blk.#.ffn_down.weight", "model.layers.#.mlp.down_proj.weight", 0},
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 26},
    {"embedding_length", CRIL_ROW_DEFAULT, 2304},
    {"feed_forward_length", CRIL_ROW_DEFAULT, 9216},
    {"attention.head_count", CRIL_ROW_DEFAULT, 8},
    {"attention.head_count_kv", CRIL_ROW_DEFAULT, 4},
    {"context_length", CRIL_ROW_DEFAULT, 131072},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6},
    {"attn_logit_softcapping", CRIL_ROW_OPTIONAL, 0},
    {"final_logit_softcapping", CRIL_ROW_OPTIONAL, 0},
    {0},
};

static bool is_not_last(size_t layer, uint64_t period)
{
    return period && (layer + 1) % period;
}

/* The scale of scores that a GGUF without attention.scale has: by a head's width, in the 27B model
 * by the model's width a head. */
static float usual_scale(size_t layers, size_t embd, size_t heads, size_t width)
{
    return 1.0f / sqrtf(layers == 62 ? (float)embd / (float)heads : (float)width);
}

static cril_status translate_scale(struct cril_translation *t, uint64_t width, cril_error *err)
{
    const float usual =
        usual_scale((size_t)cril_translated_uint(t, "block_count"),
                    (size_t)cril_translated_uint(t, "embedding_length"),
                    (size_t)cril_translated_uint(t, "attention.head_count"), (size_t)width);
    double scalar = 256;
    const cril_status st = cril_config_float(t, "query_pre_attn_scalar", &scalar, err);

    if (st != CRIL_OK)
        return st;
    const float scale = 1.0f / sqrtf((float)scalar);
    if (!(scale < usual || scale > usual))
        return CRIL_OK;
    return cril_translate_float(t, "attention.scale", (double)scale, err);
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    static const char local[] = "rope_parameters.sliding_attention.rope_theta",
                      local_type[] = "rope_parameters.sliding_attention.rope_type";
    uint64_t width = 0, window = 4096, period = 6;
    double base_local = 10000;
    bool both_ways = false;
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_activation", "gelu_pytorch_tanh", "gelu_new",
                                    err)) != CRIL_OK ||
        (st = cril_config_bool(t, "attention_bias", &t->has_biases, err)) != CRIL_OK ||
        (st = cril_config_bool(t, "use_bidirectional_attention", &both_ways, err)) != CRIL_OK ||
        (st = cril_translate_head(t, 256, &width, err)) != CRIL_OK ||
        (st = translate_scale(t, width, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "sliding_window", &window, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "attention.sliding_window", window, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "_sliding_window_pattern", &period, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "sliding_window_pattern", &period, err)) != CRIL_OK ||
        (st = cril_translate_windows(t, is_not_last, period, 6, err)) != CRIL_OK ||
        (st = cril_translate_expect(t, local_type, "default", "default", err)) != CRIL_OK ||
        (st = cril_config_float(t, local, &base_local, err)) != CRIL_OK ||
        (st = cril_config_float(t, "rope_local_base_freq", &base_local, err)) != CRIL_OK ||
        (st = cril_translate_float(t, "rope.freq_base_swa", base_local, err)) != CRIL_OK)
        return st;
    if (both_ways || t->has_biases)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: \"%s\" is true, which cril does not run",
                         t->config->path,
                         both_ways ? "use_bidirectional_attention" : "attention_bias");
    return cril_translate_rope(t, "full_attention", 1000000, err);
}

static const struct cril_class classes[] = {
    {"Gemma3ForCausalLM", rows, true, translate},
    {"Gemma3ForConditionalGeneration", rows, true, translate},
    {0},
};

enum { FULL, SLIDING };

/* Sliding layers turn with their own base and are never scaled. */
static cril_status local_rope(cril_model *m, double base, cril_error *err)
{
    struct cril_rope *full = &m->rope[FULL], *r = &m->rope[SLIDING];
    *r = (struct cril_rope){.n_rot = full->n_rot, .halves = true, .magnitude = 1};
    return cril_rope_plain(base, r, m->path, err);
}

static cril_status configure(cril_model *m, cril_error *err)
{
    struct cril_config *c = &m->config;
    double base = 1000000, base_local = 10000;
    cril_status st;
    if ((st = cril_model_windows(m, 6, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base", &base, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base_swa", &base_local, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < c->n_layers; i++)
        m->layers[i].rope = m->layers[i].window ? SLIDING : FULL;
    c->embedding_scale = sqrtf((float)c->n_embd);
    if (!cril_key_find(m, "attention.scale"))
        c->attention_scale = usual_scale(c->n_layers, c->n_embd, c->n_heads, c->head_dim);
    if ((st = cril_rope_configure(m, base, true, NULL, &m->rope[FULL], err)) != CRIL_OK)
        return st;
    return local_rope(m, base_local, err);
}

const struct cril_family cril_family_gemma3 = {.architecture = "gemma3",
                                               .classes = classes,
                                               .weights = weights,
                                               .embedding = CRIL_STEPS(embedding),
                                               .layers = {CRIL_STEPS(steps)},
                                               .head = CRIL_STEPS(head),
                                               .configure = configure};
