/*
 * From a GGUF file to a bound model: find the family, read the sizes, take every tensor that the
 * steps name, check its shape against the buffers that the step joins, and refuse a file with
 * tensors left over.
 */
#include "model/model.h"

#include "formats/inspect.h"
#include "formats/known.h"
#include "tokenizer/tokenizer.h"
#include "util/fail.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Limits of what is believed; far above any model, low enough that products of two fit in 64 bits.
 */
enum {
    MAX_LAYERS = 1 << 12,
    MAX_WIDTH = 1 << 20,
    MAX_HEADS = 1 << 12,
    MAX_HEAD = 1 << 12,
    MAX_CONTEXT = 1 << 24
};

size_t cril_buffer_width(const struct cril_config *c, enum cril_buffer b)
{
    switch (b) {
    case CRIL_BUF_Q:
    case CRIL_BUF_A: return c->n_heads * c->head_dim;
    case CRIL_BUF_K:
    case CRIL_BUF_V: return c->n_kv_heads * c->head_dim;
    case CRIL_BUF_G:
    case CRIL_BUF_U: return c->n_ff;
    default: return c->n_embd;
    }
}

/* The whole key: "llama." and key. Keys are short and ours. */
static const char *full_key(const cril_model *m, const char *key, char buffer[128])
{
    snprintf(buffer, 128, "%s.%s", m->family->architecture, key);
    return buffer;
}

/* A number that may differ from layer to layer is a list. */
static cril_status check_no_list(const cril_model *m, const char *key, cril_error *err)
{
    const struct cril_value *kv = cril_key_find(m, key);

    if (kv && kv->is_array)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: key '%s.%s' is a list, for layers that differ; cril runs models "
                         "that need one number",
                         m->path, m->family->architecture, key);
    return CRIL_OK;
}

cril_status cril_key_uint(const cril_model *m, const char *key, uint64_t *out, cril_error *err)
{
    const cril_status st = check_no_list(m, key, err);
    char buffer[128];

    return st == CRIL_OK ? cril_values_uint(m->values, full_key(m, key, buffer), out, err) : st;
}

cril_status cril_key_opt_uint(const cril_model *m, const char *key, uint64_t *out, cril_error *err)
{
    const cril_status st = check_no_list(m, key, err);
    char buffer[128];

    return st == CRIL_OK ? cril_values_opt_uint(m->values, full_key(m, key, buffer), out, err) : st;
}

cril_status cril_key_opt_float(const cril_model *m, const char *key, double *out, cril_error *err)
{
    char buffer[128];
    return cril_values_opt_float(m->values, full_key(m, key, buffer), out, err);
}

cril_status cril_key_opt_string(const cril_model *m, const char *key, struct cril_bytes *out,
                                cril_error *err)
{
    char buffer[128];
    return cril_key_find(m, key) ? cril_values_string(m->values, full_key(m, key, buffer), out, err)
                                 : CRIL_OK;
}

const struct cril_value *cril_key_find(const cril_model *m, const char *key)
{
    char buffer[128];
    return cril_values_find(m->values, full_key(m, key, buffer));
}

/* A size under the architecture's prefix, in 1..max. */
static cril_status read_size(const cril_model *m, const char *key, size_t max, bool required,
                             size_t *out, cril_error *err)
{
    uint64_t v = *out;
    cril_status st = required ? cril_key_uint(m, key, &v, err) : cril_key_opt_uint(m, key, &v, err);
    if (st != CRIL_OK)
        return st;
    if (v < 1 || v > max)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %s.%s is %llu, not in 1..%zu", m->path,
                         m->family->architecture, key, (unsigned long long)v, max);
    *out = (size_t)v;
    return CRIL_OK;
}

static cril_status read_sizes(cril_model *m, cril_error *err)
{
    struct cril_config *c = &m->config;
    cril_status st;
    if ((st = read_size(m, "block_count", MAX_LAYERS, true, &c->n_layers, err)) != CRIL_OK ||
        (st = read_size(m, "embedding_length", MAX_WIDTH, true, &c->n_embd, err)) != CRIL_OK ||
        (st = read_size(m, "attention.head_count", MAX_HEADS, true, &c->n_heads, err)) != CRIL_OK ||
        (st = read_size(m, "feed_forward_length", MAX_WIDTH, true, &c->n_ff, err)) != CRIL_OK ||
        (st = read_size(m, "context_length", MAX_CONTEXT, true, &c->n_ctx, err)) != CRIL_OK)
        return st;
    c->n_kv_heads = c->n_heads;
    c->head_dim = c->n_embd / c->n_heads;
    if ((st = read_size(m, "attention.head_count_kv", MAX_HEADS, false, &c->n_kv_heads, err)) !=
        CRIL_OK)
        return st;
    return read_size(m, "attention.key_length", MAX_HEAD, false, &c->head_dim, err);
}

static cril_status check_heads(const cril_model *m, cril_error *err)
{
    const struct cril_config *c = &m->config;
    const char *const arch = m->family->architecture;
    size_t value_dim = c->head_dim;
    cril_status st;
    if ((st = read_size(m, "attention.value_length", MAX_HEAD, false, &value_dim, err)) != CRIL_OK)
        return st;
    if (c->n_heads % c->n_kv_heads)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: %s.attention.head_count_kv is %zu, which does not divide the %zu "
                         "heads; cril gives each key head as many",
                         m->path, arch, c->n_kv_heads, c->n_heads);
    if (value_dim != c->head_dim)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: %s.attention.value_length is %zu, the heads have %zu elements; cril "
                         "runs values as long as keys only",
                         m->path, arch, value_dim, c->head_dim);
    return CRIL_OK;
}

static cril_status read_scales(cril_model *m, cril_error *err)
{
    struct cril_config *c = &m->config;
    const char *const arch = m->family->architecture;
    double eps = 0, scale = 0;
    cril_status st;
    if ((st = cril_key_opt_float(m, "attention.layer_norm_rms_epsilon", &eps, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "attention.scale", &scale, err)) != CRIL_OK)
        return st;
    if (!(eps > 0 && eps < 1))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: %s.attention.layer_norm_rms_epsilon is missing or not between 0 and "
                         "1: %g",
                         m->path, arch, eps);
    if (!(scale >= 0 && scale < 1e3))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %s.attention.scale is %g, not in 0..1000",
                         m->path, arch, scale);
    c->eps = (float)eps;
    c->embedding_scale = 1;
    c->attention_scale = scale > 0 ? (float)scale : 1.0f / sqrtf((float)c->head_dim);
    return CRIL_OK;
}

static cril_status read_config(cril_model *m, cril_error *err)
{
    cril_status st = read_sizes(m, err);

    if (st == CRIL_OK)
        st = check_heads(m, err);
    return st == CRIL_OK ? read_scales(m, err) : st;
}

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

static cril_status bind(cril_model *m, cril_error *err)
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

/* Types of the matrices, the one with most bytes first. Vectors are F32 in every file. */
static void name_types(cril_model *m)
{
    uint64_t bytes[CRIL_N_DTYPES] = {0};
    size_t n = 0;

    for (size_t i = 0; i < cril_source_tensor_count(m->source); i++) {
        const struct cril_tensor *t = cril_source_tensor(m->source, i);

        if (t->n_dims > 1)
            bytes[t->type] += t->bytes;
    }
    for (;;) {
        size_t most = 0;

        for (size_t k = 1; k < CRIL_N_DTYPES; k++)
            most = bytes[k] > bytes[most] ? k : most;
        if (!bytes[most] || n >= sizeof(m->types))
            return;
        n += (size_t)snprintf(m->types + n, sizeof(m->types) - n, "%s%s", n ? "+" : "",
                              cril_dtypes[most].name);
        bytes[most] = 0;
    }
}

/* Of m->source. */
static cril_status load(cril_model *m, cril_error *err)
{
    const char *const path = cril_source_path(m->source);
    struct cril_bytes arch;
    cril_status st;
    if (!(m->path = strdup(path)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    if ((st = cril_values_string(m->values, "general.architecture", &arch, err)) != CRIL_OK)
        return st;
    if (!(m->family = cril_family_find(arch)))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: architecture \"%.*s\" is not known to cril, which runs %s", path,
                         (int)(arch.len > 60 ? 60 : arch.len), arch.data, cril_family_names());
    if (!(m->name = cril_source_name(m->source)) ||
        !(m->used = calloc(cril_source_tensor_count(m->source) + 1, sizeof(bool))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    name_types(m);
    if ((st = read_config(m, err)) != CRIL_OK)
        return st;
    if (!(m->layers = calloc(m->config.n_layers, sizeof(*m->layers))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    if ((st = m->family->configure(m, err)) != CRIL_OK ||
        (st = cril_model_check_keys(m, err)) != CRIL_OK ||
        (st = cril_tokenizer_create(m->source, &m->tokenizer, err)) != CRIL_OK)
        return st;
    return bind(m, err);
}

cril_model *cril_model_create(void)
{
    cril_model *m = calloc(1, sizeof(*m));

    if (m && pthread_mutex_init(&m->hashes, NULL) != 0) {
        free(m);
        m = NULL;
    }
    return m;
}

/* Takes source over, also on failure. */
static cril_status open_file(struct cril_source *source, cril_model **out, cril_error *err)
{
    cril_model *m = cril_model_create();
    cril_status st;

    if (!m) {
        st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", cril_source_path(source));
        cril_source_close(source);
        return st;
    }
    m->source = source;
    m->values = cril_source_values(source);
    if ((st = load(m, err)) != CRIL_OK) {
        cril_model_close(m);
        return st;
    }
    *out = m;
    return CRIL_OK;
}

cril_status cril_model_open(const char *path, cril_model **out, cril_error *err)
{
    if (CRIL_LACKS(err, path, out))
        return CRIL_ERR_RANGE;

    struct cril_source *source;
    const cril_status st = cril_source_open(path, &source, err);

    return st == CRIL_OK ? open_file(source, out, err) : st;
}

cril_status cril_model_open_inspected(const cril_inspect *f, cril_model **out, cril_error *err)
{
    return CRIL_LACKS(err, f, out) ? CRIL_ERR_RANGE
                                   : open_file(cril_source_share(cril_inspect_source(f)), out, err);
}

void cril_model_close(cril_model *m)
{
    if (!m)
        return;
    for (size_t i = 0; m->layers && i < m->config.n_layers; i++)
        for (int s = 0; s < CRIL_N_SLOTS; s++)
            free(m->layers[i].vector[s]);
    for (size_t i = 0; i < sizeof(m->rope) / sizeof(*m->rope); i++)
        free(m->rope[i].freq);
    cril_tokenizer_free(m->tokenizer);
    cril_warnings_clear(&m->warnings);
    cril_source_close(m->source);
    free(m->layers);
    free(m->output_norm);
    free(m->used);
    free(m->path);
    free(m->name);
    pthread_mutex_destroy(&m->hashes);
    free(m);
}

cril_status cril_model_check(const cril_model *m, cril_error *err)
{
    if (CRIL_LACKS(err, m))
        return CRIL_ERR_RANGE;
    return m->source ? cril_source_check(m->source, err) : CRIL_OK; /* a built-in one has none */
}

cril_status cril_model_files(const char *path, int (*on_file)(void *user, const char *file),
                             void *user, cril_error *err)
{
    if (CRIL_LACKS(err, path, on_file))
        return CRIL_ERR_RANGE;
    return cril_source_each_file(path, on_file, user, err);
}

const char *cril_model_path(const cril_model *m)
{
    return m ? m->path : NULL;
}

const char *cril_model_name(const cril_model *m)
{
    return m ? m->name : NULL;
}

const char *cril_model_types(const cril_model *m)
{
    return m ? m->types : NULL;
}

const char *cril_model_architecture(const cril_model *m)
{
    return m ? m->family->architecture : NULL;
}

uint64_t cril_model_parameters(const cril_model *m)
{
    return m ? m->parameters : 0;
}

uint64_t cril_model_bytes(const cril_model *m)
{
    uint64_t bytes = 0;

    for (size_t i = 0; m && i < cril_source_files(m->source); i++) {
        size_t len;

        cril_source_file(m->source, i, &len);
        bytes += len;
    }
    return bytes;
}

size_t cril_model_context(const cril_model *m)
{
    return m ? m->config.n_ctx : 0;
}

size_t cril_model_logits(const cril_model *m)
{
    return m ? m->n_vocab : 0;
}

const char *cril_model_warning(const cril_model *m, size_t i)
{
    if (!m)
        return NULL;

    return i < m->warnings.n ? m->warnings.sentence[i]
                             : cril_tokenizer_warning(m->tokenizer, i - m->warnings.n);
}

bool cril_model_unused(const cril_model *m, size_t i, const char **key, size_t *len,
                       const char **reason)
{
    if (!m || !key || !len || !reason)
        return false;

    for (size_t k = 0; k < m->values->n; k++) {
        const struct cril_value *kv = &m->values->values[k];

        *reason = cril_known_reason(m->values, k);
        if (!*reason || i--)
            continue;
        *key = kv->key.data;
        *len = kv->key.len;
        return true;
    }
    return false;
}

const cril_tokenizer *cril_model_tokenizer(const cril_model *m)
{
    return m ? m->tokenizer : NULL;
}
