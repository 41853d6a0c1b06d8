/*
 * Weights to steps: take every tensor that the steps name, check its shape against the buffers that
 * the step joins, and refuse a model with tensors left over.
 */
#include "model/op.h"

#include "util/fail.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Tensors by name ---- */

/* A row's name for a layer: its '#' becomes the number. */
static void name_for(const char *pattern, size_t layer, char name[128])
{
    const char *const at = strchr(pattern, '#');

    if (at)
        snprintf(name, 128, "%.*s%zu%s", (int)(at - pattern), pattern, layer, at + 1);
    else
        snprintf(name, 128, "%s", pattern);
}

/* Keeps under which name of GGUF t counts. */
static cril_status keep(cril_model *m, const char *name, const struct cril_tensor *t,
                        const struct cril_weight_row *row, cril_error *err)
{
    struct cril_weight *const w = &m->weights[m->n_weights];

    if (!(w->name = strdup(name)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    w->tensor = t;
    w->row = row;
    m->used[t - cril_source_tensor(m->source, 0)] = true;
    m->n_weights++;
    return CRIL_OK;
}

/* In a folder the first part of a name may lack: "model.norm.weight" is "norm.weight" then. */
static const struct cril_tensor *find_in_folder(const cril_model *m, const char *name)
{
    const struct cril_tensor *const t = cril_source_find_tensor(m->source, name);
    const char *const dot = strchr(name, '.');

    return t || !dot ? t : cril_source_find_tensor(m->source, dot + 1);
}

static const struct cril_weight_row *row_of(const cril_model *m, enum cril_slot slot)
{
    const struct cril_weight_row *row = m->family->weights;

    while (row->slot != slot)
        row++;
    return row;
}

/* The tensor of a slot; *out NULL: absent. */
static cril_status take(cril_model *m, enum cril_slot slot, size_t layer,
                        const struct cril_tensor **out, cril_error *err)
{
    const struct cril_weight_row *const row = row_of(m, slot);
    const bool in_folder = cril_source_is_folder(m->source);
    char gguf[128], folder[128];

    name_for(row->gguf, layer, gguf);
    name_for(row->folder, layer, folder);
    *out = in_folder ? find_in_folder(m, folder) : cril_source_find_tensor(m->source, gguf);
    return *out ? keep(m, gguf, *out, row, err) : CRIL_OK;
}

static cril_status missing(const cril_model *m, enum cril_slot slot, size_t layer, cril_error *err)
{
    const struct cril_weight_row *const row = row_of(m, slot);
    char name[128];

    name_for(cril_source_is_folder(m->source) ? row->folder : row->gguf, layer, name);
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: tensor %s is missing, which every %s model has",
                     m->path, name, m->family->architecture);
}

cril_status cril_model_take(cril_model *m, const char *name, const struct cril_tensor **out,
                            cril_error *err)
{
    *out = cril_source_is_folder(m->source) ? NULL : cril_source_find_tensor(m->source, name);
    return *out ? keep(m, name, *out, NULL, err) : CRIL_OK;
}

/* ---- Vectors ---- */

static cril_status bad_shape(const cril_model *m, const struct cril_tensor *t, size_t in,
                             size_t out, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: tensor %s is %llu x %llu where the metadata asks for %zu x %zu", m->path,
                     t->name, (unsigned long long)t->ne[0], (unsigned long long)t->ne[1], in, out);
}

void cril_weight_load_vector(const cril_model *m, const struct cril_weight_row *row,
                             const struct cril_tensor *t, float *v)
{
    const size_t n = (size_t)t->ne[0], half = m->config.head_dim / 2;
    const unsigned changes = row && cril_source_is_folder(m->source) ? row->changes : 0;

    cril_dequantise(t->type, t->data, n, v);
    for (size_t i = 0; changes & CRIL_WEIGHT_PLUS_ONE && i < n; i++)
        v[i] += 1;
    for (size_t i = 0; changes & CRIL_WEIGHT_NEIGHBOURS && i < n; i++) {
        const size_t head = i / (2 * half) * 2 * half, at = i - head;

        cril_dequantise(
            t->type, t->data + (head + at / 2 + at % 2 * half) * cril_dtypes[t->type].block_bytes,
            1, &v[i]);
    }
}

static cril_status load_vector(const cril_model *m, const struct cril_weight_row *row,
                               const struct cril_tensor *t, size_t n, float **out, cril_error *err)
{
    float *v;

    if (t->ne[0] != n || t->n_dims != 1)
        return bad_shape(m, t, n, 1, err);
    if (!(v = malloc(n * sizeof(float))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    cril_weight_load_vector(m, row, t, v);
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

cril_status cril_model_vector(cril_model *m, const struct cril_tensor *t, size_t n, float **out,
                              cril_error *err)
{
    return load_vector(m, NULL, t, n, out, err);
}

/* ---- Matrices ---- */

struct cril_matrix cril_weight_matrix(const cril_model *m, const struct cril_weight_row *row,
                                      const struct cril_tensor *t)
{
    struct cril_matrix matrix = cril_matrix_of(t);

    if (cril_source_is_folder(m->source) && row->changes & CRIL_WEIGHT_NEIGHBOURS)
        matrix.interleaved = m->config.head_dim;
    return matrix;
}

static cril_status bind_step(cril_model *m, size_t layer, const struct cril_step *s,
                             cril_error *err)
{
    struct cril_layer *l = &m->layers[layer];
    const struct cril_tensor *t;
    cril_status st;
    if (s->w == CRIL_W_NONE || (s->op->optional && m->biases == CRIL_BIASES_NONE))
        return CRIL_OK;
    if ((st = take(m, s->w, layer, &t, err)) != CRIL_OK)
        return st;
    if (!t && s->op->optional && m->biases == CRIL_BIASES_AS_FOUND)
        return CRIL_OK;
    if (!t)
        return missing(m, s->w, layer, err);
    if (s->op->vector)
        return load_vector(m, row_of(m, s->w), t, s->op->vector(m, layer, s), &l->vector[s->w],
                           err);
    size_t in = cril_buffer_width(m, layer, s->in), out = cril_buffer_width(m, layer, s->out);
    if (t->n_dims != 2 || t->ne[0] != in || t->ne[1] != out)
        return bad_shape(m, t, in, out, err);
    l->matrix[s->w] = cril_weight_matrix(m, row_of(m, s->w), t);
    return CRIL_OK;
}

/* The output matrix, which is the embedding where the model ties them: a folder says so, a GGUF
 * lacks the other. */
static cril_status take_output(cril_model *m, const struct cril_tensor *embedding,
                               const struct cril_tensor **out, cril_error *err)
{
    const struct cril_tensor *stored;
    cril_status st = CRIL_OK;

    *out = embedding;
    if (m->ties) { /* a second copy may lie in the folder */
        if ((stored = find_in_folder(m, row_of(m, CRIL_W_OUTPUT)->folder)))
            m->used[stored - cril_source_tensor(m->source, 0)] = true;
        return CRIL_OK;
    }
    if ((st = take(m, CRIL_W_OUTPUT, 0, &stored, err)) != CRIL_OK)
        return st;
    if (stored)
        *out = stored;
    return stored || !cril_source_is_folder(m->source) ? CRIL_OK
                                                       : missing(m, CRIL_W_OUTPUT, 0, err);
}

static cril_status bind_ends(cril_model *m, cril_error *err)
{
    const size_t d = m->config.n_embd;
    struct cril_layer *const ends = cril_model_ends(m);
    const struct cril_tensor *embedding, *output;
    cril_status st;
    if ((st = take(m, CRIL_W_EMBEDDING, 0, &embedding, err)) != CRIL_OK)
        return st;
    if (!embedding)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor %s is missing; a vocabulary alone cannot be scored", m->path,
                         cril_source_is_folder(m->source) ? row_of(m, CRIL_W_EMBEDDING)->folder
                                                          : row_of(m, CRIL_W_EMBEDDING)->gguf);
    if ((st = take_output(m, embedding, &output, err)) != CRIL_OK)
        return st;
    m->n_vocab = (size_t)embedding->ne[1];
    if (embedding->n_dims != 2 || embedding->ne[0] != d || m->n_vocab < 1 || m->n_vocab > INT32_MAX)
        return bad_shape(m, embedding, d, m->n_vocab, err);
    if (output->n_dims != 2 || output->ne[0] != d || output->ne[1] != m->n_vocab)
        return bad_shape(m, output, d, m->n_vocab, err);
    if (m->said_vocab && m->said_vocab != m->n_vocab)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: tensor %s has %zu rows, but \"vocab_size\" of config.json is %llu; "
                         "fetch the whole folder again",
                         m->path, embedding->name, m->n_vocab, (unsigned long long)m->said_vocab);
    ends->matrix[CRIL_W_EMBEDDING] = cril_matrix_of(embedding);
    ends->matrix[CRIL_W_OUTPUT] = cril_matrix_of(output);
    if (cril_tokenizer_size(m->tokenizer) > m->n_vocab)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: the tokenizer has %zu tokens, the embedding only %zu rows", m->path,
                         cril_tokenizer_size(m->tokenizer), m->n_vocab);
    for (size_t i = 0; i < m->family->head.n && st == CRIL_OK; i++)
        if (m->family->head.step[i].w != CRIL_W_OUTPUT)
            st = bind_step(m, m->config.n_layers, &m->family->head.step[i], err);
    return st;
}

/* The slot that decides whether slot s of a layer has a bias: queries, keys and values have one
 * together. */
static enum cril_slot leading_bias(enum cril_slot s)
{
    return s == CRIL_W_K_BIAS || s == CRIL_W_V_BIAS ? CRIL_W_Q_BIAS : s;
}

static cril_status half_biased(const cril_model *m, enum cril_slot lacking, size_t lacking_layer,
                               enum cril_slot found, size_t found_layer, cril_error *err)
{
    char a[128], b[128];

    name_for(row_of(m, lacking)->gguf, lacking_layer, a);
    name_for(row_of(m, found)->gguf, found_layer, b);
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: tensor %s is missing, while %s is there; a model has such biases in all "
                     "layers or in none",
                     m->path, a, b);
}

/* All layers of a kind have a bias, or none. */
static cril_status check_bias(const cril_model *m, size_t layer, enum cril_slot w, cril_error *err)
{
    const enum cril_slot first = leading_bias(w);
    size_t alike = 0;
    while (m->layers[alike].kind != m->layers[layer].kind)
        alike++;
    const bool has = m->layers[layer].vector[w], wanted = m->layers[alike].vector[first];
    if (has == wanted)
        return CRIL_OK;
    return has ? half_biased(m, first, alike, w, layer, err)
               : half_biased(m, w, layer, first, alike, err);
}

static cril_status check_biases(const cril_model *m, cril_error *err)
{
    for (size_t i = 0; i < m->config.n_layers; i++) {
        const struct cril_steps *list = cril_layer_steps(m, i);
        for (size_t k = 0; k < list->n; k++) {
            const struct cril_step *s = &list->step[k];
            const cril_status st = s->op->optional ? check_bias(m, i, s->w, err) : CRIL_OK;
            if (st != CRIL_OK)
                return st;
        }
    }
    return CRIL_OK;
}

cril_status cril_model_bind(cril_model *m, cril_error *err)
{
    cril_status st;
    for (size_t i = 0; i < m->config.n_layers; i++)
        for (size_t s = 0; s < cril_layer_steps(m, i)->n; s++)
            if ((st = bind_step(m, i, &cril_layer_steps(m, i)->step[s], err)) != CRIL_OK)
                return st;
    if ((st = check_biases(m, err)) != CRIL_OK || (st = bind_ends(m, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < cril_source_tensor_count(m->source); i++) {
        const struct cril_tensor *t = cril_source_tensor(m->source, i);
        if (!m->used[i])
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: tensor %s has no place in a %s model as cril knows it", m->path,
                             t->name, m->family->architecture);
    }
    for (size_t i = 0; i < m->n_weights; i++) {
        const struct cril_tensor *t = m->weights[i].tensor;
        m->parameters += t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
    }
    return CRIL_OK;
}
