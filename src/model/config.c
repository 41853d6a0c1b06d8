/*
 * A model's sizes, by the keys of GGUF under the architecture's own prefix.
 */
#include "model/model.h"

#include "util/fail.h"

#include <math.h>
#include <stdio.h>

/* Limits of what is believed; far above any model, low enough that products of two fit in 64 bits.
 */
enum {
    MAX_LAYERS = 1 << 12,
    MAX_WIDTH = 1 << 20,
    MAX_HEADS = 1 << 12,
    MAX_HEAD = 1 << 12,
    MAX_CONTEXT = 1 << 24
};

size_t cril_buffer_width(const cril_model *m, size_t layer, enum cril_buffer b)
{
    const struct cril_layer *l = &m->layers[layer];
    switch (b) {
    case CRIL_BUF_Q: return l->n_heads * l->key_dim;
    case CRIL_BUF_A: return l->n_heads * l->value_dim;
    case CRIL_BUF_K: return l->n_kv_heads * l->key_dim;
    case CRIL_BUF_V: return l->n_kv_heads * l->value_dim;
    case CRIL_BUF_G:
    case CRIL_BUF_U: return l->n_ff;
    case CRIL_BUF_LOGITS: return layer == m->config.n_layers ? m->n_vocab : 0;
    default: return m->config.n_embd;
    }
}

void cril_model_equal_layers(cril_model *m)
{
    const struct cril_config *c = &m->config;
    for (size_t i = 0; i < c->n_layers; i++) {
        struct cril_layer *l = &m->layers[i];
        l->n_heads = c->n_heads;
        l->n_kv_heads = c->n_kv_heads;
        l->key_dim = l->value_dim = c->head_dim;
        l->n_ff = c->n_ff;
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

cril_status cril_model_configure(cril_model *m, cril_error *err)
{
    cril_status st = read_sizes(m, err);

    if (st == CRIL_OK)
        st = check_heads(m, err);
    return st == CRIL_OK ? read_scales(m, err) : st;
}

/* ---- Windows ---- */

/* Of a pattern that says of each layer whether it sees a window. */
static cril_status read_pattern(cril_model *m, const struct cril_value *pattern, size_t window,
                                cril_error *err)
{
    if (pattern->type != CRIL_VALUE_BOOL || pattern->n != m->config.n_layers)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: key '%s.attention.sliding_window_pattern' is not a truth value for "
                         "each of the %zu layers",
                         m->path, m->family->architecture, m->config.n_layers);
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].window = pattern->data[i] ? window : 0;
    return CRIL_OK;
}

cril_status cril_model_windows(cril_model *m, uint64_t period, cril_error *err)
{
    static const char window_key[] = "attention.sliding_window",
                      pattern_key[] = "attention.sliding_window_pattern";
    const struct cril_value *const pattern = cril_key_find(m, pattern_key);
    uint64_t window = 0, every = period;
    cril_status st = period ? cril_key_uint(m, window_key, &window, err)
                            : cril_key_opt_uint(m, window_key, &window, err);

    if (st != CRIL_OK)
        return st;
    if (pattern && pattern->is_array)
        return read_pattern(m, pattern, (size_t)window, err);
    if ((st = cril_key_opt_uint(m, pattern_key, &every, err)) != CRIL_OK)
        return st;
    if ((period || pattern) && (!window || !every))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: key '%s.%s' is 0; cril runs a %s with sliding and full layers only",
                         m->path, m->family->architecture, window ? pattern_key : window_key,
                         m->family->architecture);
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].window = every && i % every == every - 1 ? 0 : (size_t)window;
    return CRIL_OK;
}
