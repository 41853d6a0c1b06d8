/*
 * Weights to steps: take every tensor that the steps name, check its shape against the buffers that
 * the step joins, and refuse a model with tensors left over.
 */
#include "model/op.h"

#include "util/fail.h"
#include "util/fmath.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Tensors by name ---- */

enum { MAX_NAME = 128 };

/* A row's name for a layer and an expert or head: '#' and '@' become their numbers. */
static void name_for(const char *pattern, size_t layer, size_t one, char name[MAX_NAME])
{
    size_t n = 0;

    for (; *pattern && n + 1 < MAX_NAME; pattern++) {
        if (*pattern == '#' || *pattern == '@')
            n += (size_t)snprintf(name + n, MAX_NAME - n, "%zu", *pattern == '#' ? layer : one);
        else
            name[n++] = *pattern;
    }
    name[n < MAX_NAME ? n : MAX_NAME - 1] = '\0';
}

/* Keeps that t is a weight of m, under its own name or GGUF's. */
static cril_status keep(cril_model *m, const char *name, const struct cril_tensor *t,
                        const struct cril_weight_row *row, cril_error *err)
{
    struct cril_weight *const w = &m->weights[m->n_weights];
    bool *const used = &m->used[t - cril_source_tensor(m->source, 0)];

    if (*used) /* another part of it is a weight too */
        return CRIL_OK;
    if (!(w->name = strdup(name)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    w->tensor = t;
    w->row = row;
    *used = true;
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

/* What the model's files call the weight; NULL: the row is not for them. */
static const char *pattern_of(const cril_model *m, const struct cril_weight_row *row)
{
    return cril_source_is_folder(m->source) ? row->folder : row->gguf;
}

static const struct cril_tensor *find(const cril_model *m, const struct cril_weight_row *row,
                                      size_t layer, size_t one)
{
    char name[MAX_NAME];

    name_for(pattern_of(m, row), layer, one, name);
    return cril_source_is_folder(m->source) ? find_in_folder(m, name)
                                            : cril_source_find_tensor(m->source, name);
}

/* The row of the slot whose tensor the files have, or the first that is for them. */
static const struct cril_weight_row *row_of(const cril_model *m, enum cril_slot slot, size_t layer)
{
    const struct cril_weight_row *first = NULL;

    for (const struct cril_weight_row *row = m->family->weights; row->slot; row++) {
        if (row->slot != slot || !pattern_of(m, row))
            continue;
        if (find(m, row, layer, 0))
            return row;
        first = first ? first : row;
    }
    return first;
}

/* Whether a folder's tensor is that of a GGUF file, but for its numbers and the order of rows. A
 * row with both names has the same part of both. */
static bool is_plain(const struct cril_weight_row *row)
{
    return row->gguf && !strchr(row->folder, '@') &&
           !(row->changes & ~(unsigned)(CRIL_PLUS_ONE | CRIL_NEIGHBOURS));
}

/* The tensor of a row, or of one of its experts or heads; *out NULL: absent. */
static cril_status take(cril_model *m, const struct cril_weight_row *row, size_t layer, size_t one,
                        const struct cril_tensor **out, cril_error *err)
{
    char name[MAX_NAME];

    if (!(*out = find(m, row, layer, one)))
        return CRIL_OK;
    if (cril_source_is_folder(m->source) && is_plain(row)) {
        name_for(row->gguf, layer, one, name);
        return keep(m, name, *out, row, err);
    }
    m->regrouped |= cril_source_is_folder(m->source);
    return keep(m, (*out)->name, *out, row, err);
}

static cril_status missing(const cril_model *m, const struct cril_weight_row *row, size_t layer,
                           size_t one, cril_error *err)
{
    char name[MAX_NAME];

    name_for(pattern_of(m, row), layer, one, name);
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: tensor %s is missing, which %s %s model has",
                     m->path, name,
                     row->optional && cril_source_is_folder(m->source) ? "this" : "every",
                     m->family->architecture);
}

cril_status cril_model_take(cril_model *m, const char *name, const struct cril_tensor **out,
                            cril_error *err)
{
    *out = cril_source_is_folder(m->source) ? NULL : cril_source_find_tensor(m->source, name);
    return *out ? keep(m, name, *out, NULL, err) : CRIL_OK;
}

/* ---- Parts of tensors ---- */

/* `run` rows of every `pitch`, from row first on, of a tensor of `total`. */
struct rows {
    size_t first, run, pitch, total;
};

/* Of a weight of n rows. */
static struct rows rows_of(const cril_model *m, size_t layer, enum cril_tensor_part part, size_t n)
{
    const struct cril_layer *l = &m->layers[layer];
    const size_t q = l->n_heads * l->key_dim, k = l->n_kv_heads * l->key_dim,
                 v = l->n_kv_heads * l->value_dim, groups = l->n_kv_heads,
                 group = (q + k + v) / (groups ? groups : 1);
    const size_t turned = m->rope[l->rope].n_rot, plain = l->key_dim - turned,
                 head = plain + l->value_dim,
                 scan = cril_buffer_width(m, layer, CRIL_BUF_SZ) +
                        cril_buffer_width(m, layer, CRIL_BUF_SU) +
                        cril_buffer_width(m, layer, CRIL_BUF_SD);

    switch (part) {
    case CRIL_PART_Q: return (struct rows){0, n, n, q + k + v};
    case CRIL_PART_K: return (struct rows){q, n, n, q + k + v};
    case CRIL_PART_V: return (struct rows){q + k, n, n, q + k + v};
    case CRIL_PART_Q_OF_GROUP: return (struct rows){0, q / groups, group, group * groups};
    case CRIL_PART_K_OF_GROUP: return (struct rows){q / groups, l->key_dim, group, group * groups};
    case CRIL_PART_V_OF_GROUP:
        return (struct rows){q / groups + l->key_dim, l->value_dim, group, group * groups};
    case CRIL_PART_FIRST_HALF: return (struct rows){0, n, n, 2 * n};
    case CRIL_PART_SECOND_HALF: return (struct rows){n, n, n, 2 * n};
    case CRIL_PART_LATENT_K: return (struct rows){0, plain, head, head * l->n_heads};
    case CRIL_PART_LATENT_V: return (struct rows){plain, l->value_dim, head, head * l->n_heads};
    case CRIL_PART_SCAN_Z: return (struct rows){0, n, n, scan};
    case CRIL_PART_SCAN_U: return (struct rows){m->config.ssm_inner, n, n, scan};
    case CRIL_PART_SCAN_STEPS: return (struct rows){scan - n, n, n, scan};
    default: return (struct rows){0, n, n, n};
    }
}

static cril_status bad_shape(const cril_model *m, const struct cril_tensor *t, size_t in,
                             size_t out, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: tensor %s is %llu x %llu where the metadata asks for %zu x %zu", m->path,
                     t->name, (unsigned long long)t->ne[0], (unsigned long long)t->ne[1], in, out);
}

static unsigned changes_of(const cril_model *m, const struct cril_weight_row *row)
{
    return cril_source_is_folder(m->source) ? row->changes
                                            : row->changes & (CRIL_HEADS_TURNED | CRIL_REPEATED);
}

/* The matrix [out, in] of a row's tensor; one of `count` where that is not 1. */
static cril_status view(const cril_model *m, size_t layer, const struct cril_weight_row *row,
                        const struct cril_tensor *t, size_t in, size_t out, size_t count,
                        struct cril_matrix *w, cril_error *err)
{
    const struct rows r = rows_of(m, layer, row->part, out);
    const unsigned changes = changes_of(m, row);
    struct cril_matrix whole = cril_matrix_of(t);

    if (changes & CRIL_HEADS_TURNED) {
        whole = cril_matrix_turned_heads(whole);
    } else if (row->changes & CRIL_ANY_SHAPE) {
        whole.rows *= whole.count;
        whole.count = 1;
    }
    if (changes & CRIL_EXCHANGED)
        whole = cril_matrix_turned(whole);
    if ((t->n_dims < 2 && r.total != 1) || whole.columns != in || whole.rows != r.total ||
        whole.count != count)
        return bad_shape(m, t, in, r.total, err);
    if (whole.transposed && changes & CRIL_EXCHANGED && cril_dtypes[t->type].group)
        return bad_shape(m, t, in, r.total, err); /* no folder has them */
    *w =
        changes & CRIL_HEADS_TURNED ? whole : cril_matrix_runs(whole, r.first, r.run, r.pitch, out);
    w->interleaved = changes & CRIL_NEIGHBOURS ? m->layers[layer].key_dim : 0;
    return CRIL_OK;
}

struct cril_matrix cril_weight_matrix(const cril_model *m, const struct cril_weight_row *row,
                                      const struct cril_tensor *t)
{
    struct cril_matrix matrix = cril_matrix_of(t);

    if (changes_of(m, row) & CRIL_NEIGHBOURS)
        matrix.interleaved = m->config.head_dim;
    return matrix;
}

/* ---- Vectors ---- */

static uint64_t elements(const struct cril_tensor *t)
{
    return t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
}

/* Numbers as files hold them become those that steps read. */
static void change_numbers(unsigned changes, float *v, size_t n)
{
    for (size_t i = 0; changes & CRIL_PLUS_ONE && i < n; i++)
        v[i] += 1;
    for (size_t i = 0; changes & CRIL_LOG_NEGATIVE && i < n; i++)
        v[i] = (float)-cril_exp((double)v[i]);
}

/* v[i] of channel i / columns becomes what kernels read: slices of channels, in each the first
 * numbers of all its channels, then their second ones. */
static void turn_channels(const float *all, size_t n, size_t columns, float *v)
{
    const size_t channels = n / columns;

    for (size_t i = 0; i < n; i++) {
        const size_t channel = i / columns, first = channel / CRIL_CHANNELS * CRIL_CHANNELS,
                     left = channels - first, width = left < CRIL_CHANNELS ? left : CRIL_CHANNELS;

        v[first * columns + i % columns * width + channel - first] = all[i];
    }
}

/* n numbers of a part of a vector, in the order of steps. all: its numbers, of a float type. heads:
 * 0, or the width of one whose halves become neighbours. */
static void pick(const uint8_t *all, enum cril_dtype type, const struct rows *r, size_t heads,
                 size_t n, float *v)
{
    const struct cril_matrix whole = {.data = all,
                                      .type = type,
                                      .rows = r->total,
                                      .columns = 1,
                                      .row_bytes = cril_dtypes[type].block_bytes,
                                      .count = 1};
    struct cril_matrix part = cril_matrix_runs(whole, r->first, r->run, r->pitch, n);

    part.interleaved = heads;
    for (size_t i = 0; i < n; i++)
        cril_matrix_load_row(&part, i, &v[i]);
}

void cril_weight_load_vector(const cril_model *m, const struct cril_weight_row *row,
                             const struct cril_tensor *t, float *v)
{
    const size_t n = (size_t)t->ne[0];
    const unsigned changes = changes_of(m, row);

    pick(t->data, t->type, &(struct rows){0, n, n, n},
         changes & CRIL_NEIGHBOURS ? m->config.head_dim : 0, n, v);
    change_numbers(changes, v, n);
}

static cril_status check_finite(const cril_model *m, const struct cril_tensor *t, const float *v,
                                size_t n, cril_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return cril_fail(err, CRIL_ERR_NUMERIC,
                             "%s: tensor %s holds a value that is not finite; the file is damaged, "
                             "fetch it again",
                             m->path, t->name);
    return CRIL_OK;
}

/* Numbers of a channel, of n for all of them, where steps read them by channels; else 0. */
static size_t columns_of(const cril_model *m, size_t layer, const struct cril_weight_row *row,
                         size_t n)
{
    return row->changes & CRIL_BY_CHANNELS ? n / cril_buffer_width(m, layer, CRIL_BUF_SU) : 0;
}

/* All numbers of a tensor, or of the tensors of all heads, [total]. */
static cril_status load_all(cril_model *m, size_t layer, const struct cril_weight_row *row,
                            size_t total, float *all, cril_error *err)
{
    const size_t columns = columns_of(m, layer, row, total);
    const bool any = columns || row->changes & CRIL_ANY_SHAPE;
    const struct cril_tensor *t;
    cril_status st;

    for (size_t at = 0, one = 0; at < total; one++) {
        if ((st = take(m, row, layer, one, &t, err)) != CRIL_OK)
            return st;
        if (!t)
            return missing(m, row, layer, one, err);
        const uint64_t n = elements(t);
        const bool is_joined = strchr(pattern_of(m, row), '@') != NULL;
        if (n > total - at || !n || (!is_joined && n != total) || (!any && t->n_dims != 1) ||
            n % cril_dtypes[t->type].block_len)
            return bad_shape(m, t, total, 1, err);
        if (columns && t->ne[0] != columns)
            return bad_shape(m, t, columns, total / columns, err);
        cril_dequantise(t->type, t->data, (size_t)n, all + at);
        if ((st = check_finite(m, t, all + at, (size_t)n, err)) != CRIL_OK)
            return st;
        at += (size_t)n;
    }
    return CRIL_OK;
}

static cril_status bind_vector(cril_model *m, size_t layer, const struct cril_weight_row *row,
                               size_t n, float **out, cril_error *err)
{
    const struct rows r = rows_of(m, layer, row->part, n);
    const unsigned changes = changes_of(m, row);
    const size_t columns = columns_of(m, layer, row, r.total),
                 stored = changes & CRIL_REPEATED ? m->layers[layer].key_dim : r.total;
    const struct cril_tensor *const t = find(m, row, layer, 0);

    if (t && elements(t) < stored && !strchr(pattern_of(m, row), '@'))
        return bad_shape(m, t, stored, 1, err); /* before memory for what a file only claims */
    float *const all = malloc((r.total + 1) * sizeof(*all)), *const v =
                                                                 malloc((n + 1) * sizeof(*v));
    cril_status st = CRIL_ERR_NOMEM;

    if (!all || !v)
        cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    else
        st = load_all(m, layer, row, stored, all, err);
    if (st == CRIL_OK) {
        for (size_t i = stored; i < r.total; i++)
            all[i] = all[i - stored];
        if (columns)
            turn_channels(all, n, columns, v);
        else
            pick((const uint8_t *)all, CRIL_F32, &r,
                 changes & CRIL_NEIGHBOURS ? m->layers[layer].key_dim : 0, n, v);
        change_numbers(changes, v, n);
        *out = v;
    } else {
        free(v);
    }
    free(all);
    return st;
}

cril_status cril_model_vector(cril_model *m, const struct cril_tensor *t, size_t n, float **out,
                              cril_error *err)
{
    cril_status st;
    float *v;

    if (t->ne[0] != n || t->n_dims != 1)
        return bad_shape(m, t, n, 1, err);
    if (!(v = malloc(n * sizeof(float))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    cril_dequantise(t->type, t->data, n, v);
    if ((st = check_finite(m, t, v, n, err)) != CRIL_OK) {
        free(v);
        return st;
    }
    *out = v;
    return CRIL_OK;
}

/* ---- Steps ---- */

static bool is_of_experts(enum cril_slot s)
{
    return s == CRIL_W_EXPERT_GATE || s == CRIL_W_EXPERT_UP || s == CRIL_W_EXPERT_DOWN;
}

/* The matrices of all experts: in one tensor, or each in its own. */
static cril_status bind_experts(cril_model *m, size_t layer, const struct cril_weight_row *row,
                                enum cril_slot slot, size_t in, size_t out, cril_error *err)
{
    const size_t n = m->config.mixture.n_experts;
    const bool each = strchr(pattern_of(m, row), '@') != NULL;
    struct cril_layer *const l = &m->layers[layer];
    const struct cril_tensor *t;
    struct cril_matrix all;
    cril_status st;

    if (!(l->experts[slot] = calloc(n, sizeof(*l->experts[slot]))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    for (size_t i = 0; i < n; i++) {
        if (!each && i) {
            l->experts[slot][i] = cril_matrix_one(all, i);
            continue;
        }
        if ((st = take(m, row, layer, i, &t, err)) != CRIL_OK)
            return st;
        if (!t)
            return missing(m, row, layer, i, err);
        if ((st = view(m, layer, row, t, in, out, each ? 1 : n, &all, err)) != CRIL_OK)
            return st;
        l->experts[slot][i] = cril_matrix_one(all, 0);
    }
    l->matrix[slot] = l->experts[slot][0];
    return CRIL_OK;
}

static cril_status bind_matrix(cril_model *m, size_t layer, const struct cril_weight_row *row,
                               const struct cril_step *s, cril_error *err)
{
    const size_t in = s->op->table ? cril_buffer_width(m, layer, s->out)
                                   : cril_buffer_width(m, layer, s->in),
                 out = s->op->table ? s->op->table(m) : cril_buffer_width(m, layer, s->out);
    const struct cril_tensor *t;
    cril_status st;

    if (!in || !out)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: the metadata gives no size to tensor %s; a mixture has "
                         "%s.expert_count",
                         m->path, find(m, row, layer, 0)->name, m->family->architecture);
    if (is_of_experts(s->w))
        return bind_experts(m, layer, row, s->w, in, out, err);
    if ((st = take(m, row, layer, 0, &t, err)) != CRIL_OK)
        return st;
    return view(m, layer, row, t, in, out, 1, &m->layers[layer].matrix[s->w], err);
}

static cril_status bind_step(cril_model *m, size_t layer, const struct cril_step *s,
                             cril_error *err)
{
    if (s->w == CRIL_W_NONE || m->layers[layer].vector[s->w] ||
        cril_matrix_is_set(&m->layers[layer].matrix[s->w]))
        return CRIL_OK;

    const struct cril_weight_row *const row = row_of(m, s->w, layer);

    if (!row || row->optional & m->lacks)
        return CRIL_OK;
    if (!find(m, row, layer, 0))
        return row->optional && !(row->optional & m->has) ? CRIL_OK
                                                          : missing(m, row, layer, 0, err);
    if (s->op->vector)
        return bind_vector(m, layer, row, s->op->vector(m, layer, s),
                           &m->layers[layer].vector[s->w], err);
    return bind_matrix(m, layer, row, s, err);
}

/* ---- Ends ---- */

/* The output matrix, which is the embedding where the model ties them: a folder says so, a GGUF
 * lacks the other. */
static cril_status take_output(cril_model *m, const struct cril_tensor *embedding,
                               const struct cril_tensor **out, cril_error *err)
{
    const struct cril_weight_row *const row = row_of(m, CRIL_W_OUTPUT, 0);
    const struct cril_tensor *stored;
    cril_status st = CRIL_OK;

    *out = embedding;
    if (m->ties) { /* a second copy may lie in the folder */
        if (row && (stored = find(m, row, 0, 0)))
            m->used[stored - cril_source_tensor(m->source, 0)] = true;
        return CRIL_OK;
    }
    if ((st = take(m, row, 0, 0, &stored, err)) != CRIL_OK)
        return st;
    if (stored)
        *out = stored;
    return stored || !cril_source_is_folder(m->source) ? CRIL_OK : missing(m, row, 0, 0, err);
}

static cril_status bind_vocabulary(cril_model *m, cril_error *err)
{
    const size_t d = m->config.n_embd_ends;
    const struct cril_weight_row *const row = row_of(m, CRIL_W_EMBEDDING, 0);
    struct cril_layer *const ends = cril_model_ends(m);
    const struct cril_tensor *embedding, *output;
    cril_status st;
    if ((st = take(m, row, 0, 0, &embedding, err)) != CRIL_OK)
        return st;
    if (!embedding)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor %s is missing; a vocabulary alone cannot be scored", m->path,
                         pattern_of(m, row));
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
    if (cril_tokenizer_size(m->tokenizer) > m->n_vocab)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: the tokenizer has %zu tokens, the embedding only %zu rows", m->path,
                         cril_tokenizer_size(m->tokenizer), m->n_vocab);
    ends->matrix[CRIL_W_EMBEDDING] = cril_matrix_of(embedding);
    ends->matrix[CRIL_W_OUTPUT] = cril_matrix_of(output);
    return CRIL_OK;
}

static cril_status bind_steps(cril_model *m, size_t layer, const struct cril_steps *list,
                              cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < list->n && st == CRIL_OK; i++)
        st = bind_step(m, layer, &list->step[i], err);
    return st;
}

static cril_status bind_ends(cril_model *m, cril_error *err)
{
    const size_t ends = m->config.n_layers;
    cril_status st = bind_vocabulary(m, err);

    if (st == CRIL_OK)
        st = bind_steps(m, ends, &m->family->embedding, err);
    return st == CRIL_OK ? bind_steps(m, ends, &m->family->head, err) : st;
}

/* ---- Optional weights ---- */

/* The first slot of the list that is optional in the same way. */
static enum cril_slot leading(const cril_model *m, const struct cril_steps *list, unsigned optional)
{
    const struct cril_weight_row *row = NULL;
    size_t i = 0;
    while (!row || row->optional != optional) {
        row = list->step[i].w ? row_of(m, list->step[i].w, 0) : NULL;
        i++;
    }
    return list->step[i - 1].w;
}

static bool is_there(const cril_model *m, size_t layer, enum cril_slot s)
{
    return m->layers[layer].vector[s] || cril_matrix_is_set(&m->layers[layer].matrix[s]);
}

static cril_status half_there(const cril_model *m, enum cril_slot lacking, size_t lacking_layer,
                              enum cril_slot found, size_t found_layer, cril_error *err)
{
    char a[MAX_NAME], b[MAX_NAME];

    name_for(pattern_of(m, row_of(m, lacking, lacking_layer)), lacking_layer, 0, a);
    name_for(pattern_of(m, row_of(m, found, found_layer)), found_layer, 0, b);
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: tensor %s is missing, while %s is there; a model has such weights in all "
                     "layers or in none",
                     m->path, a, b);
}

/* All layers of a kind have an optional weight, or none. */
static cril_status check_optional(const cril_model *m, size_t layer, enum cril_slot w,
                                  cril_error *err)
{
    const struct cril_weight_row *const row = w ? row_of(m, w, layer) : NULL;
    size_t alike = 0;
    if (!row || !row->optional)
        return CRIL_OK;
    while (m->layers[alike].kind != m->layers[layer].kind)
        alike++;
    const enum cril_slot first = leading(m, cril_layer_steps(m, layer), row->optional);
    const bool has = is_there(m, layer, w), wanted = is_there(m, alike, first);
    if (has == wanted)
        return CRIL_OK;
    return has ? half_there(m, first, alike, w, layer, err)
               : half_there(m, w, layer, first, alike, err);
}

static cril_status check_optionals(const cril_model *m, cril_error *err)
{
    for (size_t i = 0; i < m->config.n_layers; i++) {
        const struct cril_steps *list = cril_layer_steps(m, i);
        for (size_t k = 0; k < list->n; k++) {
            const cril_status st = check_optional(m, i, list->step[k].w, err);
            if (st != CRIL_OK)
                return st;
        }
    }
    return CRIL_OK;
}

/* ---- All weights ---- */

/* Whether the name is that of a layer past the last that may be there: DeepSeek-V3 has one that
 * predicts a token more, for training. */
static bool is_past_layers(const cril_model *m, const char *name)
{
    for (const struct cril_weight_row *row = m->family->weights; row->slot; row++) {
        const char *const pattern = pattern_of(m, row), *const at =
                                                            pattern ? strchr(pattern, '#') : NULL;
        char *end;

        if (at && !strncmp(name, pattern, (size_t)(at - pattern))) {
            const unsigned long layer = strtoul(name + (at - pattern), &end, 10);

            return end > name + (at - pattern) && *end == '.' && layer >= m->config.n_layers &&
                   layer - m->config.n_layers < m->more_layers;
        }
    }
    return false;
}

cril_status cril_model_bind(cril_model *m, cril_error *err)
{
    cril_status st;
    for (size_t i = 0; i < m->config.n_layers; i++)
        if ((st = bind_steps(m, i, cril_layer_steps(m, i), err)) != CRIL_OK)
            return st;
    if ((st = check_optionals(m, err)) != CRIL_OK || (st = bind_ends(m, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < cril_source_tensor_count(m->source); i++) {
        const struct cril_tensor *t = cril_source_tensor(m->source, i);
        if (!m->used[i] && !is_past_layers(m, t->name))
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: tensor %s has no place in a %s model as cril knows it", m->path,
                             t->name, m->family->architecture);
    }
    for (size_t i = 0; i < m->n_weights; i++) {
        m->parameters += elements(m->weights[i].tensor);
        m->weight_bytes += m->weights[i].tensor->bytes;
    }
    return CRIL_OK;
}
