/*
 * RWKV 4 (Peng et al. 2023, section 3): mixtures with the previous token, an average of values that
 * ages in place of attention, a gated network of squared ReLUs. Only folders are known.
 */
#include "model/family_parts.h"
#include "util/fail.h"

static const struct cril_step embedding[] = {
    CRIL_STEPS_EMBEDDING,
    CRIL_STEPS_LAYER_NORM(EMBEDDING_NORM, X, X),
};
static const struct cril_step steps[] = {CRIL_STEPS_RWKV};
static const struct cril_step head[] = {
    CRIL_STEPS_LAYER_NORM(OUTPUT_NORM, X, N),
    CRIL_STEP(matmul, OUTPUT, N, LOGITS),
};

#define BLOCK "rwkv.blocks.#."
#define MATRIX(W, GGUF, NAME)                                                                      \
    {                                                                                              \
        CRIL_W_##W, "blk.#." GGUF ".weight", BLOCK NAME ".weight", 0, CRIL_PART_ALL, 0             \
    }
#define VECTOR(W, GGUF, NAME, CHANGES)                                                             \
    {                                                                                              \
        CRIL_W_##W, "blk.#." GGUF, BLOCK NAME, CHANGES, CRIL_PART_ALL, 0                           \
    }
#define MIX(W, GGUF, NAME) VECTOR(W, GGUF, NAME, CRIL_ANY_SHAPE)

static const struct cril_weight_row weights[] = {
    {CRIL_W_EMBEDDING, "token_embd.weight", "rwkv.embeddings.weight", 0, CRIL_PART_ALL, 0},
    {CRIL_W_EMBEDDING_NORM, "token_embd_norm.weight", "rwkv.blocks.0.pre_ln.weight", 0,
     CRIL_PART_ALL, 0},
    {CRIL_W_EMBEDDING_NORM_BIAS, "token_embd_norm.bias", "rwkv.blocks.0.pre_ln.bias", 0,
     CRIL_PART_ALL, 0},
    {CRIL_W_OUTPUT_NORM, "output_norm.weight", "rwkv.ln_out.weight", 0, CRIL_PART_ALL, 0},
    {CRIL_W_OUTPUT_NORM_BIAS, "output_norm.bias", "rwkv.ln_out.bias", 0, CRIL_PART_ALL, 0},
    {CRIL_W_OUTPUT, "output.weight", "head.weight", 0, CRIL_PART_ALL, 0},
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", BLOCK "ln1", 0),
    CRIL_ROWS_LAYER_NORM(FFN_NORM, "ffn_norm", BLOCK "ln2", 0),
    MATRIX(K, "time_mix_key", "attention.key"),
    MATRIX(V, "time_mix_value", "attention.value"),
    MATRIX(R, "time_mix_receptance", "attention.receptance"),
    MATRIX(O, "time_mix_output", "attention.output"),
    MATRIX(UP, "channel_mix_key", "feed_forward.key"),
    MATRIX(FFN_R, "channel_mix_receptance", "feed_forward.receptance"),
    MATRIX(DOWN, "channel_mix_value", "feed_forward.value"),
    VECTOR(DECAY, "time_mix_decay.weight", "attention.time_decay", CRIL_LOG_NEGATIVE),
    VECTOR(FIRST, "time_mix_first.weight", "attention.time_first", 0),
    MIX(MIX_K, "time_mix_lerp_k.weight", "attention.time_mix_key"),
    MIX(MIX_V, "time_mix_lerp_v.weight", "attention.time_mix_value"),
    MIX(MIX_R, "time_mix_lerp_r.weight", "attention.time_mix_receptance"),
    MIX(FFN_MIX_K, "channel_mix_lerp_k.weight", "feed_forward.time_mix_key"),
    MIX(FFN_MIX_R, "channel_mix_lerp_r.weight", "feed_forward.time_mix_receptance"),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 32, NULL},
    {"embedding_length", CRIL_ROW_DEFAULT, 4096, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 1024, "context_length"},
    {"attention.layer_norm_epsilon", CRIL_ROW_DEFAULT, 1e-5, "layer_norm_epsilon"},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    const uint64_t embd = cril_translated_uint(t, "embedding_length");
    uint64_t within = embd, ff = 4 * embd, every = 6;
    cril_status st;

    t->has |= CRIL_NORM_BIAS;
    if ((st = cril_config_uint(t, "attention_hidden_size", &within, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "intermediate_size", &ff, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "rescale_every", &every, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "wkv.width", within, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "feed_forward_length", ff, err)) != CRIL_OK)
        return st;
    return cril_translate_uint(t, "rescale_every_n_layers", every, err);
}

static const struct cril_class classes[] = {
    {"RwkvForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    struct cril_config *const c = &m->config;
    uint64_t within = c->n_embd, every = 0;
    cril_status st;

    if ((st = cril_key_opt_uint(m, "wkv.width", &within, err)) != CRIL_OK ||
        (st = cril_key_opt_uint(m, "rescale_every_n_layers", &every, err)) != CRIL_OK)
        return st;
    if (!c->n_ff || !within || within > 4 * (uint64_t)c->n_embd)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: the layers of a %s are %llu and %zu wide within (keys '%s.' "
                         "wkv.width, feed_forward_length); both must be above 0, the first at most "
                         "four times the model's width",
                         m->path, m->family->architecture, (unsigned long long)within, c->n_ff,
                         m->family->architecture);
    c->activation = CRIL_ACT_RELU_SQUARED;
    c->rescale_every = (size_t)every;
    for (size_t i = 0; i < c->n_layers; i++) {
        struct cril_layer *const l = &m->layers[i];

        l->n_heads = l->n_kv_heads = 1;
        l->key_dim = l->value_dim = (size_t)within;
    }
    return CRIL_OK;
}

const struct cril_family cril_family_rwkv4 = {.architecture = "rwkv4",
                                              CRIL_FAMILY_TABLES,

                                              .layers = {CRIL_STEPS(steps)},

                                              .layer_norms = true,
                                              .no_heads = true};
