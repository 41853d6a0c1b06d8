/*
 * A model's sizes, by the keys of GGUF under the architecture's own prefix.
 */
#include "model/model.h"

#include "util/fail.h"
#include "util/fmath.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Limits of what is believed; far above any model, low enough that products of two fit in 64 bits.
 */
enum { MAX_LAYERS = 1 << 12, MAX_WIDTH = 1 << 20, MAX_HEADS = 1 << 12, MAX_HEAD = 1 << 12 };

/* Convolutions and scans (Gu & Dao 2023; Dao & Gu 2024: with heads). */
static size_t ssm_width(const struct cril_config *c, enum cril_buffer b)
{
    const size_t groups = c->ssm_heads ? c->ssm_groups : 0;
    switch (b) {
    case CRIL_BUF_SU: return c->ssm_inner + 2 * groups * c->ssm_state;
    case CRIL_BUF_SX: return c->ssm_heads ? 0 : c->ssm_rank + 2 * c->ssm_state;
    case CRIL_BUF_SR: return c->ssm_rank;
    case CRIL_BUF_SD: return c->ssm_heads ? c->ssm_heads : c->ssm_inner;
    case CRIL_BUF_SO: return c->ssm_heads ? c->ssm_inner : 0;
    default: return c->ssm_inner;
    }
}

static size_t latent_width(const cril_model *m, const struct cril_layer *l, enum cril_buffer b)
{
    const size_t turned = m->rope[l->rope].n_rot;
    switch (b) {
    case CRIL_BUF_CQ: return m->config.q_rank;
    case CRIL_BUF_CKV: return m->config.kv_rank ? m->config.kv_rank + turned : 0;
    case CRIL_BUF_CN: return m->config.kv_rank;
    default: return m->config.kv_rank ? l->n_heads * (l->key_dim - turned) : 0;
    }
}

static size_t expert_width(const cril_model *m, enum cril_buffer b)
{
    const struct cril_mixture *x = &m->config.mixture;
    switch (b) {
    case CRIL_BUF_R: return x->n_experts;
    case CRIL_BUF_C: return 2 * x->n_used;
    case CRIL_BUF_S: return x->n_experts ? 1 : 0;
    case CRIL_BUF_XG:
    case CRIL_BUF_XU: return x->n_ff;
    default: return x->n_experts ? m->config.n_embd : 0;
    }
}

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
    case CRIL_BUF_E:
    case CRIL_BUF_P: return m->config.n_embd_ends;
    case CRIL_BUF_CQ:
    case CRIL_BUF_CKV:
    case CRIL_BUF_CN:
    case CRIL_BUF_KN: return latent_width(m, l, b);
    case CRIL_BUF_R:
    case CRIL_BUF_C:
    case CRIL_BUF_S:
    case CRIL_BUF_XN:
    case CRIL_BUF_XG:
    case CRIL_BUF_XU:
    case CRIL_BUF_XT: return expert_width(m, b);
    case CRIL_BUF_SU:
    case CRIL_BUF_SZ:
    case CRIL_BUF_SX:
    case CRIL_BUF_SR:
    case CRIL_BUF_SD:
    case CRIL_BUF_SO: return ssm_width(&m->config, b);
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
        l->attention_scale = c->attention_scale;
        l->turns = true;
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

cril_status cril_key_opt_bool(const cril_model *m, const char *key, bool *out, cril_error *err)
{
    char buffer[128];
    return cril_values_opt_bool(m->values, full_key(m, key, buffer), out, err);
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

cril_status cril_key_opt_width(const cril_model *m, const char *key, size_t *out, cril_error *err)
{
    return read_size(m, key, MAX_WIDTH, false, out, err);
}

cril_status cril_key_of_layer(const cril_model *m, const char *key, size_t layer, uint64_t *out,
                              cril_error *err)
{
    const struct cril_value *const kv = cril_key_find(m, key);

    if (!kv || !kv->is_array)
        return cril_key_uint(m, key, out, err);
    if (kv->n != m->config.n_layers || kv->type == CRIL_VALUE_F32 || kv->type == CRIL_VALUE_F64 ||
        !cril_value_type_bytes(kv->type))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: key '%s.%s' is not a whole number for each of the %zu layers",
                         m->path, m->family->architecture, key, m->config.n_layers);
    *out = cril_value_uint(kv, layer);
    return CRIL_OK;
}

/* The key heads of the layers that have any, which are as many in all of them. */
static cril_status read_some_heads(cril_model *m, cril_error *err)
{
    static const char key[] = "attention.head_count_kv";
    uint64_t all = 0, n = 0;
    cril_status st;

    for (size_t i = 0; i < m->config.n_layers; i++) {
        if ((st = cril_key_of_layer(m, key, i, &n, err)) != CRIL_OK)
            return st;
        if (n && all && n != all)
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: key '%s.%s' names layers of %llu and of %llu key heads; cril "
                             "runs models whose layers with attention are alike",
                             m->path, m->family->architecture, key, (unsigned long long)all,
                             (unsigned long long)n);
        all = n ? n : all;
    }
    if (all > MAX_HEADS)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %s.%s is %llu, not in 0..%d", m->path,
                         m->family->architecture, key, (unsigned long long)all, MAX_HEADS);
    m->config.n_kv_heads = all ? (size_t)all : m->config.n_heads;
    return CRIL_OK;
}

static cril_status read_heads(cril_model *m, cril_error *err)
{
    struct cril_config *c = &m->config;
    cril_status st;

    if ((st = read_size(m, "attention.head_count", MAX_HEADS, true, &c->n_heads, err)) != CRIL_OK ||
        (st = read_size(m, "feed_forward_length", MAX_WIDTH, true, &c->n_ff, err)) != CRIL_OK)
        return st;
    c->n_kv_heads = c->n_heads;
    c->head_dim = c->n_embd / c->n_heads;
    st = m->family->some_heads
             ? read_some_heads(m, err)
             : read_size(m, "attention.head_count_kv", MAX_HEADS, false, &c->n_kv_heads, err);
    return st == CRIL_OK ? read_size(m, "attention.key_length", MAX_HEAD, false, &c->head_dim, err)
                         : st;
}

/* Of a model without heads: what converters write of them counts for nothing. */
static cril_status read_no_heads(cril_model *m, cril_error *err)
{
    cril_key_find(m, "attention.head_count");
    const struct cril_value *const ffn = cril_key_find(m, "feed_forward_length");
    uint64_t n = 0;
    const cril_status st = ffn ? cril_key_uint(m, "feed_forward_length", &n, err) : CRIL_OK;

    return st != CRIL_OK || !n
               ? st
               : read_size(m, "feed_forward_length", MAX_WIDTH, true, &m->config.n_ff, err);
}

static cril_status read_sizes(cril_model *m, cril_error *err)
{
    struct cril_config *c = &m->config;
    cril_status st;
    if ((st = read_size(m, "block_count", MAX_LAYERS, true, &c->n_layers, err)) != CRIL_OK ||
        (st = read_size(m, "embedding_length", MAX_WIDTH, true, &c->n_embd, err)) != CRIL_OK ||
        (st = read_size(m, "context_length", CRIL_MAX_WINDOW, true, &c->n_ctx, err)) != CRIL_OK)
        return st;
    return m->family->no_heads ? read_no_heads(m, err) : read_heads(m, err);
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
    if (value_dim != c->head_dim && !m->family->latent)
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
    const char *const eps_key = m->family->layer_norms ? "attention.layer_norm_epsilon"
                                                       : "attention.layer_norm_rms_epsilon";
    double eps = 0, scale = 0;
    cril_status st;
    if ((st = cril_key_opt_float(m, eps_key, &eps, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "attention.scale", &scale, err)) != CRIL_OK)
        return st;
    if (!(eps > 0 && eps < 1))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %s.%s is missing or not between 0 and 1: %g",
                         m->path, arch, eps_key, eps);
    if (!(scale >= 0 && scale < 1e3))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %s.attention.scale is %g, not in 0..1000",
                         m->path, arch, scale);
    c->eps = c->inner_eps = (float)eps;
    c->embedding_scale = c->residual_scale = c->logit_scale = c->mixture.factor = 1;
    c->n_embd_ends = c->n_embd;
    c->attention_scale = scale > 0     ? (float)scale
                         : c->head_dim ? 1.0f / sqrtf((float)c->head_dim)
                                       : 1;
    return CRIL_OK;
}

cril_status cril_model_configure(cril_model *m, cril_error *err)
{
    cril_status st = read_sizes(m, err);

    if (st == CRIL_OK && !m->family->no_heads)
        st = check_heads(m, err);
    return st == CRIL_OK ? read_scales(m, err) : st;
}

/* ---- What some families have ---- */

/* A number above 0; an absent one, or 0, keeps *out. */
static cril_status read_scale(const cril_model *m, const char *key, float *out, cril_error *err)
{
    double x = 0;
    const cril_status st = cril_key_opt_float(m, key, &x, err);

    if (st != CRIL_OK || x == 0)
        return st;
    if (!(x > 1e-9 && x < 1e9))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %s.%s is %g, not above 0", m->path,
                         m->family->architecture, key, x);
    *out = (float)x;
    return CRIL_OK;
}

cril_status cril_model_scales(cril_model *m, cril_error *err)
{
    struct cril_config *const c = &m->config;
    cril_status st;

    if ((st = read_scale(m, "embedding_scale", &c->embedding_scale, err)) != CRIL_OK ||
        (st = read_scale(m, "residual_scale", &c->residual_scale, err)) != CRIL_OK)
        return st;
    return read_scale(m, "logit_scale", &c->logit_scale, err);
}

cril_status cril_model_caps(cril_model *m, cril_error *err)
{
    const cril_status st = read_scale(m, "attn_logit_softcapping", &m->config.attention_cap, err);

    return st == CRIL_OK ? read_scale(m, "final_logit_softcapping", &m->config.logit_cap, err) : st;
}

cril_status cril_model_limit(cril_model *m, cril_error *err)
{
    return read_scale(m, "attention.clamp_kqv", &m->config.qkv_limit, err);
}

/* The length of a head of keys or values: under the key that names it, or where a file has none, as
 * those of the plain form, under the usual one. */
static cril_status read_latent_head(const cril_model *m, const char *key, const char *usual,
                                    size_t *out, cril_error *err)
{
    const bool named = cril_key_find(m, key) != NULL;

    cril_key_find(m, usual); /* of the absorbed form where the key is named */
    return read_size(m, named ? key : usual, MAX_HEAD, true, out, err);
}

cril_status cril_model_latent(cril_model *m, cril_error *err)
{
    struct cril_config *const c = &m->config;
    size_t value_dim = 0;
    cril_status st;

    if ((st = read_size(m, "attention.kv_lora_rank", MAX_WIDTH, true, &c->kv_rank, err)) !=
            CRIL_OK ||
        (cril_key_find(m, "attention.q_lora_rank") &&
         (st = read_size(m, "attention.q_lora_rank", MAX_WIDTH, true, &c->q_rank, err)) !=
             CRIL_OK) ||
        (st = read_latent_head(m, "attention.key_length_mla", "attention.key_length", &c->head_dim,
                               err)) != CRIL_OK ||
        (st = read_latent_head(m, "attention.value_length_mla", "attention.value_length",
                               &value_dim, err)) != CRIL_OK)
        return st;
    c->n_kv_heads = c->n_heads;
    cril_model_equal_layers(m);
    for (size_t i = 0; i < c->n_layers; i++)
        m->layers[i].value_dim = value_dim;
    return CRIL_OK;
}

/* expert_count is in 1..CRIL_MAX_EXPERTS, and so is all that is counted in experts. */
static cril_status read_expert_counts(const cril_model *m, struct cril_mixture *x, cril_error *err)
{
    cril_status st;

    if ((st = read_size(m, "expert_count", CRIL_MAX_EXPERTS, true, &x->n_experts, err)) !=
            CRIL_OK ||
        (st = read_size(m, "expert_used_count", x->n_experts, true, &x->n_used, err)) != CRIL_OK)
        return st;
    x->n_ff = m->config.n_ff;
    return cril_key_opt_width(m, "expert_feed_forward_length", &x->n_ff, err);
}

static cril_status read_gating(const cril_model *m, struct cril_mixture *x, cril_error *err)
{
    enum { NONE, SOFTMAX, SIGMOID };
    uint64_t function = NONE;
    cril_status st;

    if ((st = cril_key_opt_uint(m, "expert_gating_func", &function, err)) != CRIL_OK ||
        (st = read_scale(m, "expert_weights_scale", &x->factor, err)) != CRIL_OK ||
        (st = cril_key_opt_bool(m, "expert_weights_norm", &x->normed, err)) != CRIL_OK)
        return st;
    if (function > SIGMOID)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: %s.expert_gating_func is %llu; cril chooses experts by a softmax (1) "
                         "or by sigmoids (2)",
                         m->path, m->family->architecture, (unsigned long long)function);
    x->sigmoid = x->groups_by_two = function == SIGMOID;
    return CRIL_OK;
}

static cril_status read_groups(const cril_model *m, struct cril_mixture *x, cril_error *err)
{
    uint64_t n = 0, used = 0;
    cril_status st;

    if ((st = cril_key_opt_uint(m, "expert_group_count", &n, err)) != CRIL_OK ||
        (st = cril_key_opt_uint(m, "expert_group_used_count", &used, err)) != CRIL_OK || n <= 1)
        return st;
    if (n > x->n_experts || x->n_experts % n || used < 1 || used > n ||
        x->n_experts / n * used < x->n_used || (x->groups_by_two && x->n_experts / n < 2))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: %s.expert_group_count is %llu and expert_group_used_count %llu, from "
                         "which %zu of %zu experts cannot be chosen",
                         m->path, m->family->architecture, (unsigned long long)n,
                         (unsigned long long)used, x->n_used, x->n_experts);
    x->n_groups = (size_t)n;
    x->n_groups_used = (size_t)used;
    return CRIL_OK;
}

cril_status cril_model_mixture(cril_model *m, cril_error *err)
{
    struct cril_mixture *const x = &m->config.mixture;
    uint64_t n = 0;
    cril_status st = cril_key_opt_uint(m, "expert_count", &n, err);

    if (st != CRIL_OK || !n)
        return st;
    if ((st = read_expert_counts(m, x, err)) != CRIL_OK || (st = read_gating(m, x, err)) != CRIL_OK)
        return st;
    return read_groups(m, x, err);
}

/* Press et al. 2022, section 3; heads beyond a power of two take the slopes between those of twice
 * as many. */
cril_status cril_model_slopes(cril_model *m, double max_bias, cril_error *err)
{
    const size_t n = m->config.n_heads;
    size_t power = 1;

    if (!(max_bias > 0 && max_bias < 1e3))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: the bias by distance (ALiBi) of a %s goes to %g, not above 0",
                         m->path, m->family->architecture, max_bias);
    if (!(m->slopes = malloc(n * sizeof(*m->slopes))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    while (2 * power <= n)
        power *= 2;
    for (size_t h = 0; h < n; h++) {
        const double step = h < power ? (double)(h + 1) / (double)power
                                      : (double)(2 * (h - power) + 1) / (double)(2 * power);
        m->slopes[h] = (float)cril_exp(-max_bias * step * 0.69314718055994531);
    }
    return CRIL_OK;
}

void cril_model_inner_width(cril_model *m)
{
    const struct cril_tensor *const t =
        cril_source_is_folder(m->source)
            ? NULL
            : cril_source_find_tensor(m->source, "blk.0.ffn_up.weight");

    if (!t || t->ne[1] < 1 || t->ne[1] > MAX_WIDTH)
        return;
    m->config.n_ff = (size_t)t->ne[1];
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].n_ff = m->config.n_ff;
}

void cril_model_set_attention_scale(cril_model *m, float scale)
{
    m->config.attention_scale = scale;
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].attention_scale = scale;
}

/* ---- Scans ---- */

enum { MAX_TAPS = 64 };

static cril_status read_scan_heads(cril_model *m, cril_error *err)
{
    struct cril_config *const c = &m->config;
    double min = 0, max = INFINITY;
    cril_status st;

    c->ssm_heads = c->ssm_rank;
    c->ssm_rank = 0;
    c->ssm_groups = 1;
    if ((st = read_size(m, "ssm.group_count", MAX_WIDTH, false, &c->ssm_groups, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "ssm.time_step_min", &min, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "ssm.time_step_max", &max, err)) != CRIL_OK)
        return st;
    if (c->ssm_inner % c->ssm_heads || c->ssm_heads % c->ssm_groups ||
        c->ssm_groups * c->ssm_state > MAX_WIDTH)
        return cril_fail(
            err, CRIL_ERR_FORMAT,
            "%s: %zu channels are no %zu heads in %zu groups with a state of %zu (keys "
            "'%s.ssm.' inner_size, time_step_rank, group_count, state_size)",
            m->path, c->ssm_inner, c->ssm_heads, c->ssm_groups, c->ssm_state,
            m->family->architecture);
    if (!(max > 0 && max > min))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: keys '%s.ssm.' time_step_min (%g) and time_step_max (%g) leave no "
                         "step size",
                         m->path, m->family->architecture, min, max);
    c->ssm_min_step = (float)min;
    c->ssm_max_step = (float)max;
    return CRIL_OK;
}

cril_status cril_model_scan(cril_model *m, bool heads, cril_error *err)
{
    struct cril_config *const c = &m->config;
    cril_status st;

    if ((st = read_size(m, "ssm.conv_kernel", MAX_TAPS, true, &c->ssm_width, err)) != CRIL_OK ||
        (st = read_size(m, "ssm.inner_size", MAX_WIDTH, true, &c->ssm_inner, err)) != CRIL_OK ||
        (st = read_size(m, "ssm.state_size", MAX_HEAD, true, &c->ssm_state, err)) != CRIL_OK ||
        (st = read_size(m, "ssm.time_step_rank", MAX_WIDTH, true, &c->ssm_rank, err)) != CRIL_OK)
        return st;
    c->ssm_max_step = INFINITY;
    c->activation = CRIL_ACT_SILU;
    return heads ? read_scan_heads(m, err) : CRIL_OK;
}

static const char *const activation_names[] = {
    [CRIL_ACT_GELU_TANH] = "gelu_tanh",       [CRIL_ACT_GELU_ERF] = "gelu_erf",
    [CRIL_ACT_GELU_QUICK] = "gelu_quick",     [CRIL_ACT_RELU] = "relu",
    [CRIL_ACT_RELU_SQUARED] = "relu_squared", [CRIL_ACT_SILU] = "silu"};

cril_status cril_model_activation(cril_model *m, enum cril_activation otherwise, cril_error *err)
{
    struct cril_bytes name = {"", 0};
    const cril_status st = cril_key_opt_string(m, "hidden_activation", &name, err);

    m->config.activation = otherwise;
    if (st != CRIL_OK || !name.len)
        return st;
    for (size_t i = 0; i < sizeof(activation_names) / sizeof(*activation_names); i++)
        if (cril_bytes_are(name, activation_names[i])) {
            m->config.activation = (enum cril_activation)i;
            return CRIL_OK;
        }
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "%s: key '%s.hidden_activation' is \"%.*s\", which cril does not compute",
                     m->path, m->family->architecture, CRIL_SHOWN(name));
}

/* ---- Layers that differ ---- */

/* A truth value a layer under key, which is there. */
static cril_status read_pattern(const cril_model *m, const char *key, const uint8_t **out,
                                cril_error *err)
{
    const struct cril_value *const pattern = cril_key_find(m, key);

    if (!pattern->is_array || pattern->type != CRIL_VALUE_BOOL || pattern->n != m->config.n_layers)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: key '%s.%s' is not a truth value for each of the %zu layers", m->path,
                         m->family->architecture, key, m->config.n_layers);
    *out = pattern->data;
    return CRIL_OK;
}

cril_status cril_model_expert_layers(cril_model *m, unsigned mixture, unsigned dense,
                                     cril_error *err)
{
    static const char key[] = "expert_layers";
    const uint8_t *has = NULL;
    cril_status st = CRIL_OK;

    if (cril_key_find(m, key) && (st = read_pattern(m, key, &has, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].kind = !has || has[i] ? mixture : dense;
    return CRIL_OK;
}

cril_status cril_model_turning(cril_model *m, uint64_t period, cril_error *err)
{
    static const char key[] = "attention.rope_pattern";
    const uint8_t *pattern = NULL;
    cril_status st = CRIL_OK;

    if (cril_key_find(m, key) && (st = read_pattern(m, key, &pattern, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].turns = pattern ? pattern[i] : (i + 1) % period;
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
    if (pattern && pattern->is_array) {
        const uint8_t *slides = NULL;

        if ((st = read_pattern(m, pattern_key, &slides, err)) != CRIL_OK)
            return st;
        for (size_t i = 0; i < m->config.n_layers; i++)
            m->layers[i].window = slides[i] ? (size_t)window : 0;
        return CRIL_OK;
    }
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
