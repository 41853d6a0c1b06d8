/*
 * Weights to steps: take every tensor that the steps name, check its shape against the buffers that
 * the step joins, and refuse a model with tensors left over.
 */
#include "model/model.h"

#include "util/fail.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const slot_names[CRIL_N_SLOTS] = {
    [CRIL_W_ATTN_NORM] = "attn_norm.weight",
    [CRIL_W_Q] = "attn_q.weight",
    [CRIL_W_K] = "attn_k.weight",
    [CRIL_W_V] = "attn_v.weight",
    [CRIL_W_O] = "attn_output.weight",
    [CRIL_W_Q_BIAS] = "attn_q.bias",
    [CRIL_W_K_BIAS] = "attn_k.bias",
    [CRIL_W_V_BIAS] = "attn_v.bias",
    [CRIL_W_O_BIAS] = "attn_output.bias",
    [CRIL_W_Q_NORM] = "attn_q_norm.weight",
    [CRIL_W_K_NORM] = "attn_k_norm.weight",
    [CRIL_W_POST_ATTN_NORM] = "post_attention_norm.weight",
    [CRIL_W_FFN_NORM] = "ffn_norm.weight",
    [CRIL_W_GATE] = "ffn_gate.weight",
    [CRIL_W_UP] = "ffn_up.weight",
    [CRIL_W_DOWN] = "ffn_down.weight",
    [CRIL_W_POST_FFN_NORM] = "post_ffw_norm.weight",
};

const struct cril_tensor *cril_model_take(cril_model *m, const char *name)
{
    const struct cril_tensor *t = cril_source_find_tensor(m->source, name);
    if (t)
        m->used[t - cril_source_tensor(m->source, 0)] = true;
    return t;
}

static cril_status bad_shape(const cril_model *m, const struct cril_tensor *t, size_t in,
                             size_t out, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: tensor %s is %llu x %llu where the metadata asks for %zu x %zu", m->path,
                     t->name, (unsigned long long)t->ne[0], (unsigned long long)t->ne[1], in, out);
}

cril_status cril_model_vector(cril_model *m, const struct cril_tensor *t, size_t n, float **out,
                              cril_error *err)
{
    if (t->ne[0] != n || t->n_dims != 1)
        return bad_shape(m, t, n, 1, err);
    float *v = malloc(n * sizeof(float));
    if (!v)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    cril_dequantise(t->type, t->data, n, v);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i])) {
            free(v);
            return cril_fail(err, CRIL_ERR_NUMERIC,
                             "%s: tensor %s holds a value that is not finite; the file is damaged, "
                             "fetch it again",
                             m->path, t->name);
        }
    *out = v;
    return CRIL_OK;
}

static cril_status bind_step(cril_model *m, size_t layer, const struct cril_step *s,
                             cril_error *err)
{
    const struct cril_config *c = &m->config;
    struct cril_layer *l = &m->layers[layer];
    char name[128];
    if (s->w == CRIL_W_NONE)
        return CRIL_OK;
    snprintf(name, sizeof(name), "blk.%zu.%s", layer, slot_names[s->w]);
    const struct cril_tensor *t = cril_model_take(m, name);
    if (!t && s->op == CRIL_OP_BIAS && !m->family->has_biases)
        return CRIL_OK;
    if (!t)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: tensor %s is missing, which every %s model has",
                         m->path, name, m->family->architecture);
    if (s->op != CRIL_OP_MATMUL)
        return cril_model_vector(
            m, t, s->op == CRIL_OP_HEAD_NORM ? c->head_dim : cril_buffer_width(c, s->out),
            &l->vector[s->w], err);
    size_t in = cril_buffer_width(c, s->in), out = cril_buffer_width(c, s->out);
    if (t->n_dims != 2 || t->ne[0] != in || t->ne[1] != out)
        return bad_shape(m, t, in, out, err);
    l->matrix[s->w] = cril_matrix_of(t);
    return CRIL_OK;
}

static cril_status bind_ends(cril_model *m, cril_error *err)
{
    const size_t d = m->config.n_embd;
    const struct cril_tensor *const norm = cril_model_take(m, "output_norm.weight");
    const struct cril_tensor *const embedding = cril_model_take(m, "token_embd.weight");
    const struct cril_tensor *output = cril_model_take(m, "output.weight");
    if (!embedding || !norm)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor %s is missing; a vocabulary alone cannot be scored", m->path,
                         embedding ? "output_norm.weight" : "token_embd.weight");
    if (!output)
        output = embedding;
    m->n_vocab = (size_t)embedding->ne[1];
    if (embedding->n_dims != 2 || embedding->ne[0] != d || m->n_vocab < 1 || m->n_vocab > INT32_MAX)
        return bad_shape(m, embedding, d, m->n_vocab, err);
    if (output->n_dims != 2 || output->ne[0] != d || output->ne[1] != m->n_vocab)
        return bad_shape(m, output, d, m->n_vocab, err);
    m->embedding = cril_matrix_of(embedding);
    m->output = cril_matrix_of(output);
    if (cril_tokenizer_size(m->tokenizer) > m->n_vocab)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: the tokenizer has %zu tokens, the embedding only %zu rows", m->path,
                         cril_tokenizer_size(m->tokenizer), m->n_vocab);
    return cril_model_vector(m, norm, d, &m->output_norm, err);
}

/* The slot that decides whether slot s of a layer has a bias: queries, keys and values have one
 * together. */
static enum cril_slot leading_bias(enum cril_slot s)
{
    return s == CRIL_W_K_BIAS || s == CRIL_W_V_BIAS ? CRIL_W_Q_BIAS : s;
}

/* All layers have a bias, or none. */
static cril_status check_biases(const cril_model *m, cril_error *err)
{
    for (size_t i = 0; i < m->config.n_layers; i++)
        for (size_t k = 0; k < m->family->n_steps; k++) {
            const enum cril_slot w = m->family->steps[k].w, first = leading_bias(w);
            const bool has = m->layers[i].vector[w], wanted = m->layers[0].vector[first];

            if (m->family->steps[k].op == CRIL_OP_BIAS && has != wanted)
                return cril_fail(err, CRIL_ERR_FORMAT,
                                 "%s: tensor blk.%zu.%s is missing, while blk.%zu.%s is there; "
                                 "a model has such biases in all layers or in none",
                                 m->path, has ? 0 : i, slot_names[has ? first : w], has ? i : 0,
                                 slot_names[has ? w : first]);
        }
    return CRIL_OK;
}

cril_status cril_model_bind(cril_model *m, cril_error *err)
{
    cril_status st;
    for (size_t i = 0; i < m->config.n_layers; i++)
        for (size_t s = 0; s < m->family->n_steps; s++)
            if ((st = bind_step(m, i, &m->family->steps[s], err)) != CRIL_OK)
                return st;
    if ((st = check_biases(m, err)) != CRIL_OK || (st = bind_ends(m, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < cril_source_tensor_count(m->source); i++) {
        const struct cril_tensor *t = cril_source_tensor(m->source, i);
        if (!m->used[i])
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: tensor %s has no place in a %s model as cril knows it", m->path,
                             t->name, m->family->architecture);
        m->parameters += t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
    }
    return CRIL_OK;
}
