/*
 * OPT (Zhang et al. 2022, section 2.1): learned positions from row 2 on, LayerNorm before each
 * branch, ReLU. The 350M model differs: an embedding narrower than the layers, with a matrix to
 * them and one back, and norms behind the branches. Its first layer begins with the former and the
 * positions, its last one ends with the latter: a family of its own under the same name.
 */
#include "model/family_parts.h"
#include "util/fail.h"

static const struct cril_step embedding[] = {
    CRIL_STEPS_EMBEDDING,
    CRIL_STEP(position, POSITIONS, X, X),
};
static const struct cril_step steps[] = {CRIL_STEPS_GPT_ATTENTION, CRIL_STEPS_GPT_MLP};
static const struct cril_step head[] = {CRIL_STEPS_GPT_HEAD};

#define STEPS_IN CRIL_STEP(matmul, PROJECT_IN, E, X), CRIL_STEP(position, POSITIONS, X, X)
#define STEPS_NORMED_BEHIND                                                                        \
    CRIL_STEPS_QKV(X), CRIL_STEPS_ATTEND, CRIL_STEP_ADD, CRIL_STEPS_LAYER_NORM(ATTN_NORM, X, X),   \
        CRIL_STEPS_MLP(X), CRIL_STEP_ADD, CRIL_STEPS_LAYER_NORM(FFN_NORM, X, X)
#define STEP_OUT CRIL_STEP(matmul, PROJECT_OUT, X, E)

static const struct cril_step narrow_embedding[] = {CRIL_STEP(embed, EMBEDDING, E, E)};
static const struct cril_step only[] = {STEPS_IN, STEPS_NORMED_BEHIND, STEP_OUT};
static const struct cril_step first[] = {STEPS_IN, STEPS_NORMED_BEHIND};
static const struct cril_step middle[] = {STEPS_NORMED_BEHIND};
static const struct cril_step last[] = {STEPS_NORMED_BEHIND, STEP_OUT};
static const struct cril_step narrow_head[] = {
    CRIL_STEP(copy, NONE, E, P),
    CRIL_STEP(matmul, OUTPUT, P, LOGITS),
};

enum { ONLY, FIRST, MIDDLE, LAST };

#define MODEL "model.decoder."
#define LAYER MODEL "layers.#."

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS(MODEL "embed_tokens.weight", MODEL "final_layer_norm", 0),
    {CRIL_W_POSITIONS, "position_embd.weight", MODEL "embed_positions.weight", 0, CRIL_PART_ALL, 0},
    {CRIL_W_PROJECT_IN, "project_in.weight", MODEL "project_in.weight", 0, CRIL_PART_ALL, 0},
    {CRIL_W_PROJECT_OUT, "project_out.weight", MODEL "project_out.weight", 0, CRIL_PART_ALL, 0},
    CRIL_ROWS_LAYER_NORM(ATTN_NORM, "attn_norm", LAYER "self_attn_layer_norm", 0),
    CRIL_ROWS_QKV(LAYER "self_attn.", 0),
    CRIL_ROWS_O(LAYER "self_attn.out_proj"),
    CRIL_ROWS_LAYER_NORM(FFN_NORM, "ffn_norm", LAYER "final_layer_norm", 0),
    CRIL_ROWS_MLP(LAYER "fc1", LAYER "fc2", 0),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 12, NULL},
    {"embedding_length", CRIL_ROW_DEFAULT, 768, NULL},
    {"feed_forward_length", CRIL_ROW_DEFAULT, 3072, "ffn_dim"},
    {"attention.head_count", CRIL_ROW_DEFAULT, 12, NULL},
    {"context_length", CRIL_ROW_DEFAULT, 2048, NULL},
    {0},
};

/* A narrow embedding goes with norms behind the branches. */
static cril_status translate_width(struct cril_translation *t, cril_error *err)
{
    const uint64_t width = cril_translated_uint(t, "embedding_length");
    uint64_t ends = width;
    bool before = true;
    cril_status st;

    if ((st = cril_config_uint(t, "word_embed_proj_dim", &ends, err)) != CRIL_OK ||
        (st = cril_config_bool(t, "do_layer_norm_before", &before, err)) != CRIL_OK)
        return st;
    if (before != (ends == width))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: \"do_layer_norm_before\" is %s, \"word_embed_proj_dim\" %llu and "
                         "\"hidden_size\" %llu; cril runs an OPT with norms before its branches "
                         "and equal widths, or with norms behind them and different widths",
                         t->config->path, before ? "true" : "false", (unsigned long long)ends,
                         (unsigned long long)width);
    return before ? CRIL_OK : cril_translate_uint(t, "embedding_length_ends", ends, err);
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    t->has |= CRIL_NORM_BIAS;
    if ((st = translate_width(t, err)) != CRIL_OK ||
        (st = cril_translate_has(t, "enable_bias", true,
                                 CRIL_QKV_BIAS | CRIL_O_BIAS | CRIL_FFN_BIAS, err)) != CRIL_OK ||
        (st = cril_translate_is(t, "layer_norm_elementwise_affine", true, err)) != CRIL_OK ||
        (st = cril_translate_is(t, "_remove_final_layer_norm", false, err)) != CRIL_OK ||
        (st = cril_translate_activation(t, "activation_function", "relu", "relu", err)) != CRIL_OK)
        return st;
    return cril_translate_float(t, "attention.layer_norm_epsilon", 1e-5, err);
}

static const struct cril_class classes[] = {
    {"OPTForCausalLM", rows, true, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err);

static const struct cril_family narrow = {.architecture = "opt",
                                          .classes = classes,
                                          .weights = weights,
                                          .has = CRIL_NORM_BIAS,
                                          .layer_norms = true,
                                          .embedding = CRIL_STEPS(narrow_embedding),
                                          .layers = {[ONLY] = CRIL_STEPS(only),
                                                     [FIRST] = CRIL_STEPS(first),
                                                     [MIDDLE] = CRIL_STEPS(middle),
                                                     [LAST] = CRIL_STEPS(last)},
                                          .head = CRIL_STEPS(narrow_head),
                                          .configure = configure};

static cril_status configure(cril_model *m, cril_error *err)
{
    struct cril_config *const c = &m->config;
    uint64_t ends = 0;
    cril_status st;

    c->position_offset = 2;
    if ((st = cril_model_activation(m, CRIL_ACT_RELU, err)) != CRIL_OK ||
        (st = cril_key_opt_uint(m, "embedding_length_ends", &ends, err)) != CRIL_OK || !ends)
        return st;
    if (ends > c->n_embd)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: the embedding has %llu columns, more than the %zu of the layers",
                         m->path, (unsigned long long)ends, c->n_embd);
    c->n_embd_ends = (size_t)ends;
    m->family = &narrow;
    for (size_t i = 0; i < c->n_layers; i++)
        m->layers[i].kind = i + 1 < c->n_layers ? (i ? MIDDLE : FIRST) : (i ? LAST : ONLY);
    return CRIL_OK;
}

const struct cril_family cril_family_opt = {.architecture = "opt",
                                            CRIL_FAMILY_TABLES,

                                            .has = CRIL_NORM_BIAS,
                                            .layer_norms = true,

                                            .layers = {CRIL_STEPS(steps)}};
