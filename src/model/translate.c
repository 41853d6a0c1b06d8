#include "model/translate.h"

#include "util/fail.h"
#include "util/fmath.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 1 << 12 };

/* ---- config.json ---- */

/* What find gives for an object, of which the config holds the members alone. */
static const struct cril_value object = {.is_array = true, .type = CRIL_VALUE_ARRAY};

static bool is_object(const struct cril_translation *t, const char *name)
{
    const size_t len = strlen(name);

    for (size_t i = 0; i < t->config->n; i++) {
        const struct cril_bytes key = t->config->values[i].key;

        if (key.len > len && !memcmp(key.data, name, len) && key.data[len] == '.')
            return true;
    }
    return false;
}

/* NULL: absent or null, or an object without members. */
static const struct cril_value *find(const struct cril_translation *t, const char *name)
{
    const struct cril_value *v = cril_values_find(t->config, name);

    if (!v)
        return is_object(t, name) ? &object : NULL;
    return cril_value_is_null(v) ? NULL : v;
}

bool cril_config_has(const struct cril_translation *t, const char *name)
{
    return find(t, name) != NULL;
}

bool cril_config_is_null(const struct cril_translation *t, const char *name)
{
    return cril_values_find(t->config, name) && !find(t, name);
}

static cril_status wrong_kind(const struct cril_translation *t, const char *name, const char *kind,
                              cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: \"%s\" is not %s", t->config->path, name, kind);
}

static bool is_whole(const struct cril_value *v)
{
    return !v->is_array && (v->type == CRIL_VALUE_I64 || v->type == CRIL_VALUE_U64);
}

cril_status cril_config_uint(const struct cril_translation *t, const char *name, uint64_t *out,
                             cril_error *err)
{
    const struct cril_value *v = find(t, name);

    if (!v)
        return CRIL_OK;
    if (!is_whole(v) || (v->type == CRIL_VALUE_I64 && cril_value_uint(v, 0) > INT64_MAX))
        return wrong_kind(t, name, "a whole number of 0 or more", err);
    *out = cril_value_uint(v, 0);
    return CRIL_OK;
}

cril_status cril_config_float(const struct cril_translation *t, const char *name, double *out,
                              cril_error *err)
{
    const struct cril_value *v = find(t, name);

    if (!v)
        return CRIL_OK;
    if (is_whole(v))
        *out = v->type == CRIL_VALUE_I64 ? (double)(int64_t)cril_value_uint(v, 0)
                                         : (double)cril_value_uint(v, 0);
    else if (!v->is_array && v->type == CRIL_VALUE_F64)
        *out = cril_value_float(v, 0);
    else
        return wrong_kind(t, name, "a number", err);
    return isfinite(*out) && fabs(*out) < 1e30 ? CRIL_OK : wrong_kind(t, name, "finite", err);
}

cril_status cril_config_bool(const struct cril_translation *t, const char *name, bool *out,
                             cril_error *err)
{
    const struct cril_value *v = find(t, name);

    if (!v)
        return CRIL_OK;
    if (v->is_array || v->type != CRIL_VALUE_BOOL)
        return wrong_kind(t, name, "true or false", err);
    *out = v->data[0] != 0;
    return CRIL_OK;
}

cril_status cril_config_text(const struct cril_translation *t, const char *name,
                             struct cril_bytes *out, cril_error *err)
{
    const struct cril_value *v = find(t, name);

    if (!v)
        return CRIL_OK;
    if (v->is_array || v->type != CRIL_VALUE_STRING)
        return wrong_kind(t, name, "a text", err);
    *out = v->strings[0];
    return CRIL_OK;
}

/* ---- Keys ---- */

/* "llama." and key, which is short and ours. */
static const char *full_key(const struct cril_translation *t, const char *key, char buffer[128])
{
    snprintf(buffer, 128, "%s.%s", t->architecture, key);
    return buffer;
}

cril_status cril_translate_uint(struct cril_translation *t, const char *key, uint64_t x,
                                cril_error *err)
{
    char buffer[128];

    if (x > UINT32_MAX)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %llu is too large for %s", t->config->path,
                         (unsigned long long)x, key);
    return cril_values_add_uint(t->out, full_key(t, key, buffer), CRIL_VALUE_U32, x, err);
}

cril_status cril_translate_float(struct cril_translation *t, const char *key, double x,
                                 cril_error *err)
{
    char buffer[128];

    if ((x < 0 || x > 0) && (float)x == 0)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %g is too small for %s", t->config->path, x,
                         key);
    return cril_values_add_float(t->out, full_key(t, key, buffer), (float)x, err);
}

cril_status cril_translate_text(struct cril_translation *t, const char *key, const char *text,
                                cril_error *err)
{
    char buffer[128];

    return cril_values_add_text(t->out, full_key(t, key, buffer), text, strlen(text), err);
}

cril_status cril_translate_factor(struct cril_translation *t, const char *name, const char *key,
                                  double x, cril_error *err)
{
    if (x == 0)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: \"%s\" is 0, which nothing is scaled by",
                         t->config->path, name);
    return cril_translate_float(t, key, x, err);
}

uint64_t cril_translated_uint(const struct cril_translation *t, const char *key)
{
    char buffer[128];
    const char *const whole = full_key(t, key, buffer);
    size_t i = 0;

    while (!cril_bytes_are(t->out->values[i].key, whole)) /* keys are few */
        i++;
    return cril_value_uint(&t->out->values[i], 0);
}

/* What config.json calls the keys, and how a GGUF stores them. */
static const struct named_key {
    const char *key, *name;
    enum cril_value_type type;
} named_keys[] = {
    {"block_count", "num_hidden_layers", CRIL_VALUE_U32},
    {"embedding_length", "hidden_size", CRIL_VALUE_U32},
    {"feed_forward_length", "intermediate_size", CRIL_VALUE_U32},
    {"attention.head_count", "num_attention_heads", CRIL_VALUE_U32},
    {"attention.head_count_kv", "num_key_value_heads", CRIL_VALUE_U32},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps", CRIL_VALUE_F32},
    {"context_length", "max_position_embeddings", CRIL_VALUE_U32},
    {"vocab_size", "vocab_size", CRIL_VALUE_U32},
    {"attn_logit_softcapping", "attn_logit_softcapping", CRIL_VALUE_F32},
    {"final_logit_softcapping", "final_logit_softcapping", CRIL_VALUE_F32},
    {"attention.layer_norm_epsilon", "layer_norm_eps", CRIL_VALUE_F32},
    {"expert_count", "num_experts", CRIL_VALUE_U32},
    {"expert_used_count", "num_experts_per_tok", CRIL_VALUE_U32},
    {"expert_feed_forward_length", "moe_intermediate_size", CRIL_VALUE_U32},
    {"expert_shared_feed_forward_length", "shared_expert_intermediate_size", CRIL_VALUE_U32},
    {"ssm.conv_kernel", "conv_kernel", CRIL_VALUE_U32},
    {"ssm.state_size", "state_size", CRIL_VALUE_U32},
    {"ssm.group_count", "n_groups", CRIL_VALUE_U32},
};

static const struct named_key *find_key(const char *key)
{
    const struct named_key *k = named_keys;

    while (strcmp(k->key, key) != 0) /* rows name keys of the table */
        k++;
    return k;
}

/* The first of the names, with a space between, that config.json has, or the first of all. */
static const char *choose_name(const struct cril_translation *t, const char *names, char name[64])
{
    const char *at = names;

    for (;;) {
        snprintf(name, 64, "%.*s", (int)strcspn(at, " "), at);
        if (cril_config_has(t, name))
            return name;
        at += strcspn(at, " ");
        if (!*at++)
            break;
    }
    snprintf(name, 64, "%.*s", (int)strcspn(names, " "), names);
    return name;
}

static cril_status add_row(struct cril_translation *t, const struct cril_config_row *row,
                           cril_error *err)
{
    const struct named_key *const k = find_key(row->key);
    char buffer[64];
    const char *const name = choose_name(t, row->name ? row->name : k->name, buffer);
    const bool is_there = cril_config_has(t, name);
    double real = row->otherwise;
    uint64_t whole = (uint64_t)row->otherwise;
    cril_status st;

    if (!is_there && row->absent == CRIL_ROW_REQUIRED)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: has no \"%s\", which a %s needs",
                         t->config->path, name, t->class_name);
    if (!is_there && row->absent == CRIL_ROW_OPTIONAL)
        return CRIL_OK;
    if (row->absent == CRIL_ROW_AS_HEADS)
        whole = cril_translated_uint(t, "attention.head_count");
    if (k->type == CRIL_VALUE_F32)
        return (st = cril_config_float(t, name, &real, err)) != CRIL_OK
                   ? st
                   : cril_translate_float(t, row->key, real, err);
    return (st = cril_config_uint(t, name, &whole, err)) != CRIL_OK
               ? st
               : cril_translate_uint(t, row->key, whole, err);
}

cril_status cril_translate(const struct cril_class *c, struct cril_translation *t, cril_error *err)
{
    cril_status st = CRIL_OK;

    t->ties = c->ties;
    t->class_name = c->name;
    for (const struct cril_config_row *row = c->rows; row->key && st == CRIL_OK; row++)
        st = add_row(t, row, err);
    if (st != CRIL_OK ||
        (st = cril_config_bool(t, "tie_word_embeddings", &t->ties, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "vocab_size", &t->n_vocab, err)) != CRIL_OK ||
        (st = c->translate(t, err)) != CRIL_OK)
        return st;
    return cril_values_sort(t->out, err);
}

/* ---- What classes share ---- */

cril_status cril_translate_expect(const struct cril_translation *t, const char *name,
                                  const char *value, const char *other, cril_error *err)
{
    struct cril_bytes text = {value, strlen(value)};
    const cril_status st = cril_config_text(t, name, &text, err);

    if (st != CRIL_OK || cril_bytes_are(text, value) || cril_bytes_are(text, other))
        return st;
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "%s: \"%s\" is \"%.*s\"; cril runs a %s with \"%s\" only", t->config->path,
                     name, CRIL_SHOWN(text), t->class_name, value);
}

cril_status cril_translate_activation(struct cril_translation *t, const char *name,
                                      const char *otherwise, const char *usual, cril_error *err)
{
    static const struct {
        const char *theirs, *ours;
    } names[] = {{"gelu", "gelu_erf"},
                 {"gelu_new", "gelu_tanh"},
                 {"gelu_pytorch_tanh", "gelu_tanh"},
                 {"gelu_fast", "gelu_tanh"},
                 {"quick_gelu", "gelu_quick"},
                 {"relu", "relu"},
                 {"relu2", "relu_squared"},
                 {"silu", "silu"},
                 {"swish", "silu"}};
    struct cril_bytes text = {otherwise, strlen(otherwise)};
    const cril_status st = cril_config_text(t, name, &text, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (cril_bytes_are(text, names[i].theirs))
            return strcmp(names[i].ours, usual) != 0
                       ? cril_translate_text(t, "hidden_activation", names[i].ours, err)
                       : CRIL_OK;
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "%s: \"%s\" is \"%.*s\", a function that cril does not compute",
                     t->config->path, name, CRIL_SHOWN(text));
}

cril_status cril_translate_inner(struct cril_translation *t, const char *name, cril_error *err)
{
    uint64_t width = 4 * cril_translated_uint(t, "embedding_length"); /* that has 32 bits */
    const cril_status st = name ? cril_config_uint(t, name, &width, err) : CRIL_OK;

    return st == CRIL_OK ? cril_translate_uint(t, "feed_forward_length", width, err) : st;
}

cril_status cril_translate_window(struct cril_translation *t, const char *name, uint64_t otherwise,
                                  cril_error *err)
{
    uint64_t window = otherwise;
    const cril_status st = cril_config_uint(t, name, &window, err);

    if (st != CRIL_OK || !window || cril_config_is_null(t, name))
        return st;
    return cril_translate_uint(t, "attention.sliding_window", window, err);
}

cril_status cril_translate_has(struct cril_translation *t, const char *name, bool otherwise,
                               unsigned optional, cril_error *err)
{
    bool yes = otherwise;
    const cril_status st = cril_config_bool(t, name, &yes, err);

    t->has |= yes ? optional : 0;
    return st;
}

cril_status cril_translate_is(const struct cril_translation *t, const char *name, bool computed,
                              cril_error *err)
{
    bool is = computed;
    const cril_status st = cril_config_bool(t, name, &is, err);

    if (st != CRIL_OK || is == computed)
        return st;
    return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: \"%s\" is %s, which cril does not run",
                     t->config->path, name, is ? "true" : "false");
}

cril_status cril_translate_absent(const struct cril_translation *t, const char *name,
                                  cril_error *err)
{
    return cril_config_has(t, name)
               ? cril_fail(err, CRIL_ERR_UNSUPPORTED,
                           "%s: has \"%s\", which cril does not compute for a %s", t->config->path,
                           name, t->class_name)
               : CRIL_OK;
}

cril_status cril_translate_number(struct cril_translation *t, const char *name, const char *key,
                                  cril_error *err)
{
    double x = 0;
    const cril_status st = cril_config_float(t, name, &x, err);

    return st != CRIL_OK || !cril_config_has(t, name) ? st
                                                      : cril_translate_factor(t, name, key, x, err);
}

cril_status cril_translate_bool(struct cril_translation *t, const char *key, bool x,
                                cril_error *err)
{
    char buffer[128];

    return cril_values_add_uint(t->out, full_key(t, key, buffer), CRIL_VALUE_BOOL, x, err);
}

cril_status cril_translate_scan(struct cril_translation *t, const char *conv_bias,
                                const char *matrix_bias, uint64_t context, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_expect(t, "hidden_act", "silu", "swish", err)) != CRIL_OK ||
        (st = cril_translate_has(t, conv_bias, true, CRIL_CONV_BIAS, err)) != CRIL_OK ||
        (st = cril_translate_is(t, matrix_bias, false, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "max_position_embeddings", &context, err)) != CRIL_OK)
        return st;
    return cril_translate_uint(t, "context_length", context, err);
}

cril_status cril_translate_ssm_inner(struct cril_translation *t, const char *name,
                                     const char *expand, cril_error *err)
{
    double factor = 2;
    uint64_t inner;
    cril_status st;

    if ((st = cril_config_float(t, expand, &factor, err)) != CRIL_OK)
        return st;
    if (!(factor > 0 && factor < 1e3))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: \"%s\" is %g, not above 0", t->config->path,
                         expand, factor);
    inner = (uint64_t)(factor * (double)cril_translated_uint(t, "embedding_length"));
    if (name && (st = cril_config_uint(t, name, &inner, err)) != CRIL_OK)
        return st;
    return cril_translate_uint(t, "ssm.inner_size", inner, err);
}

cril_status cril_translate_rank(struct cril_translation *t, const char *name, cril_error *err)
{
    const struct cril_value *const v = find(t, name);
    uint64_t rank = (cril_translated_uint(t, "embedding_length") + 15) / 16;
    const bool is_auto =
        v && !v->is_array && v->type == CRIL_VALUE_STRING && cril_bytes_are(v->strings[0], "auto");
    const cril_status st = is_auto ? CRIL_OK : cril_config_uint(t, name, &rank, err);

    return st == CRIL_OK ? cril_translate_uint(t, "ssm.time_step_rank", rank, err) : st;
}

cril_status cril_translate_list(struct cril_translation *t, const char *name, const char *key,
                                cril_error *err)
{
    const struct cril_value *const v = find(t, name);
    char buffer[128];
    cril_status st;
    float *x;

    if (!v || v == &object || !v->is_array ||
        (v->n && v->type != CRIL_VALUE_F64 && v->type != CRIL_VALUE_I64))
        return wrong_kind(t, name, "a list of numbers", err);
    if (!(x = malloc((size_t)(v->n + 1) * sizeof(*x))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", t->config->path);
    for (uint64_t i = 0; i < v->n; i++)
        x[i] = v->type == CRIL_VALUE_F64 ? (float)cril_value_float(v, i)
                                         : (float)(int64_t)cril_value_uint(v, i);
    st = cril_values_add_numbers(t->out, full_key(t, key, buffer), CRIL_VALUE_F32, x, (size_t)v->n,
                                 err);
    free(x);
    return st;
}

cril_status cril_translate_head(struct cril_translation *t, uint64_t otherwise, uint64_t *width,
                                cril_error *err)
{
    const uint64_t heads = cril_translated_uint(t, "attention.head_count");
    cril_status st;

    *width = otherwise ? otherwise
             : heads   ? cril_translated_uint(t, "embedding_length") / heads
                       : 0;
    if ((st = cril_config_uint(t, "head_dim", width, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "attention.key_length", *width, err)) != CRIL_OK)
        return st;
    return cril_translate_uint(t, "attention.value_length", *width, err);
}

cril_status cril_translate_own_head(struct cril_translation *t, cril_error *err)
{
    uint64_t width;

    return cril_config_has(t, "head_dim") ? cril_translate_head(t, 0, &width, err) : CRIL_OK;
}

cril_status cril_translate_experts(struct cril_translation *t, uint64_t experts, uint64_t used,
                                   cril_error *err)
{
    cril_status st;

    if ((st = cril_config_uint(t, "num_local_experts", &experts, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "num_experts", &experts, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "num_experts_per_tok", &used, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "expert_count", experts, err)) != CRIL_OK)
        return st;
    return cril_translate_uint(t, "expert_used_count", used, err);
}

cril_status cril_translate_expert_norm(struct cril_translation *t, bool usual, cril_error *err)
{
    bool normed = false;
    const cril_status st = cril_config_bool(t, "norm_topk_prob", &normed, err);

    return st != CRIL_OK || normed == usual
               ? st
               : cril_translate_bool(t, "expert_weights_norm", normed, err);
}

/* Clears has [n] where mlp_only_layers names a layer. */
static cril_status read_dense_layers(const struct cril_translation *t, uint8_t *has, size_t n,
                                     cril_error *err)
{
    const struct cril_value *const v = find(t, "mlp_only_layers");

    if (!v || (v->is_array && !v->n))
        return CRIL_OK;
    if (!v->is_array || (v->type != CRIL_VALUE_I64 && v->type != CRIL_VALUE_U64))
        return wrong_kind(t, "mlp_only_layers", "a list of whole numbers", err);
    for (uint64_t i = 0; i < v->n; i++)
        if (cril_value_uint(v, i) < n)
            has[cril_value_uint(v, i)] = 0;
    return CRIL_OK;
}

cril_status cril_translate_expert_layers(struct cril_translation *t, cril_error *err)
{
    const size_t n = (size_t)cril_translated_uint(t, "block_count");
    uint8_t has[MAX_LAYERS];
    uint64_t step = 1;
    bool all = true;
    char buffer[128];
    cril_status st = cril_config_uint(t, "decoder_sparse_step", &step, err);

    if (st != CRIL_OK)
        return st;
    if (n > MAX_LAYERS || !step)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: has %zu layers, of which every %llu. has experts", t->config->path, n,
                         (unsigned long long)step);
    for (size_t i = 0; i < n; i++)
        has[i] = (i + 1) % step == 0;
    if ((st = read_dense_layers(t, has, n, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        all = all && has[i];
    return all ? CRIL_OK
               : cril_values_add_numbers(t->out, full_key(t, "expert_layers", buffer),
                                         CRIL_VALUE_BOOL, has, n, err);
}

/* Where config.json keeps a rotation: "rope_scaling." (published), "rope_parameters." and perhaps a
 * kind of layer (written by transformers 5). A rope_scaling that is not empty wins. */
struct rotation {
    char prefix[64];
    char parameters[64]; /* of rope_parameters, whatever the prefix */
    struct cril_bytes type;
};

static const char *name_of(const char *prefix, const char *name, char buffer[128])
{
    snprintf(buffer, 128, "%s%s", prefix, name);
    return buffer;
}

static cril_status expect_object(const struct cril_translation *t, const char *name,
                                 cril_error *err)
{
    const struct cril_value *const v = find(t, name);

    return !v || v == &object ? CRIL_OK : wrong_kind(t, name, "an object", err);
}

static cril_status find_rotation(const struct cril_translation *t, const char *layers,
                                 struct rotation *r, cril_error *err)
{
    char name[128];
    cril_status st = CRIL_OK;

    r->type = (struct cril_bytes){"default", 7};
    if ((st = expect_object(t, "rope_scaling", err)) != CRIL_OK ||
        (st = expect_object(t, "rope_parameters", err)) != CRIL_OK)
        return st;
    snprintf(r->parameters, sizeof(r->parameters), "rope_parameters.%s.", layers ? layers : "");
    if (!layers || !cril_config_has(t, name_of(r->parameters, "rope_type", name)))
        strcpy(r->parameters, "rope_parameters.");
    for (int old = 1; old >= 0; old--) {
        strcpy(r->prefix, old ? "rope_scaling." : r->parameters);
        for (int k = 0; k < 2; k++) {
            name_of(r->prefix, k ? "type" : "rope_type", name);
            if (cril_config_has(t, name) &&
                (st = cril_config_text(t, name, &r->type, err)) == CRIL_OK)
                return CRIL_OK;
            if (st != CRIL_OK)
                return st;
        }
        if (old && find(t, "rope_scaling"))
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s: \"rope_scaling\" has no \"rope_type\", which says what to do",
                             t->config->path);
    }
    return CRIL_OK;
}

/* A number of the rotation's as a key; absent: none is added. */
static cril_status copy_float(struct cril_translation *t, const struct rotation *r,
                              const char *name, const char *key, bool required, cril_error *err)
{
    char buffer[128];
    double x = 0;
    cril_status st;

    name_of(r->prefix, name, buffer);
    if (!cril_config_has(t, buffer))
        return required ? cril_fail(err, CRIL_ERR_FORMAT,
                                    "%s: has no \"%s\", which its scaling "
                                    "of the rotation needs",
                                    t->config->path, buffer)
                        : CRIL_OK;
    if ((st = cril_config_float(t, buffer, &x, err)) != CRIL_OK)
        return st;
    return cril_translate_factor(t, buffer, key, x, err);
}

/* The context before scaling: the rotation's own, or the model's. */
static cril_status add_context(struct cril_translation *t, const struct rotation *r, uint64_t *out,
                               cril_error *err)
{
    char buffer[128];
    cril_status st;

    *out = t->original_context ? t->original_context : cril_translated_uint(t, "context_length");
    if ((st = cril_config_uint(t, "original_max_position_embeddings", out, err)) != CRIL_OK ||
        (st = cril_config_uint(t, name_of(r->prefix, "original_max_position_embeddings", buffer),
                               out, err)) != CRIL_OK)
        return st;
    return cril_translate_uint(t, "rope.scaling.original_context_length", *out, err);
}

/* YaRN's magnitude where config.json names it, the whole or by DeepSeek's two scales. */
static cril_status add_magnitude(struct cril_translation *t, const struct rotation *r,
                                 double factor, cril_error *err)
{
    double whole = 0, scale = 0, scale_all = 0;
    char buffer[128];
    cril_status st;

    if ((st = cril_config_float(t, name_of(r->prefix, "attention_factor", buffer), &whole, err)) !=
            CRIL_OK ||
        (st = cril_config_float(t, name_of(r->prefix, "mscale", buffer), &scale, err)) != CRIL_OK ||
        (st = cril_config_float(t, name_of(r->prefix, "mscale_all_dim", buffer), &scale_all,
                                err)) != CRIL_OK)
        return st;
    if (!cril_config_has(t, name_of(r->prefix, "attention_factor", buffer))) {
        if (scale == 0 || scale_all == 0)
            return CRIL_OK; /* YaRN's own */
        whole = factor > 1 ? (0.1 * scale * cril_log(factor) + 1) /
                                 (0.1 * scale_all * cril_log(factor) + 1)
                           : 1;
    }
    return cril_translate_factor(t, buffer, "rope.scaling.yarn_magnitude", whole, err);
}

static cril_status add_yarn(struct cril_translation *t, const struct rotation *r, cril_error *err)
{
    double factor = 0;
    uint64_t context = 0;
    bool truncate = true;
    char buffer[128];
    cril_status st;

    if ((st = add_context(t, r, &context, err)) != CRIL_OK ||
        (st = cril_config_float(t, name_of(r->prefix, "factor", buffer), &factor, err)) !=
            CRIL_OK ||
        (st = cril_config_bool(t, name_of(r->prefix, "truncate", buffer), &truncate, err)) !=
            CRIL_OK)
        return st;
    name_of(r->prefix, "factor", buffer);
    if (!cril_config_has(t, buffer) && context)
        factor = (double)cril_translated_uint(t, "context_length") / (double)context;
    if ((st = cril_translate_factor(t, buffer, "rope.scaling.factor", factor, err)) != CRIL_OK ||
        (st = copy_float(t, r, "beta_fast", "rope.scaling.yarn_beta_fast", false, err)) !=
            CRIL_OK ||
        (st = copy_float(t, r, "beta_slow", "rope.scaling.yarn_beta_slow", false, err)) !=
            CRIL_OK ||
        (st = add_magnitude(t, r, factor, err)) != CRIL_OK)
        return st;
    return truncate ? CRIL_OK : cril_translate_uint(t, "rope.scaling.yarn_exact_ramp", 1, err);
}

static cril_status add_llama3(struct cril_translation *t, const struct rotation *r, cril_error *err)
{
    uint64_t context;
    cril_status st = add_context(t, r, &context, err);

    if (st != CRIL_OK ||
        (st = copy_float(t, r, "factor", "rope.scaling.factor", true, err)) != CRIL_OK ||
        (st = copy_float(t, r, "low_freq_factor", "rope.scaling.low_freq_factor", true, err)) !=
            CRIL_OK)
        return st;
    return copy_float(t, r, "high_freq_factor", "rope.scaling.high_freq_factor", true, err);
}

static cril_status add_factor(struct cril_translation *t, const struct rotation *r, cril_error *err)
{
    return copy_float(t, r, "factor", "rope.scaling.factor", true, err);
}

static cril_status add_dynamic(struct cril_translation *t, const struct rotation *r,
                               cril_error *err)
{
    const cril_status st = cril_translate_uint(t, "rope.scaling.original_context_length",
                                               cril_translated_uint(t, "context_length"), err);

    return st == CRIL_OK ? add_factor(t, r, err) : st;
}

/* Its magnitude as a GGUF has it; its divisors, which a GGUF has as tensors. */
static cril_status add_longrope(struct cril_translation *t, const struct rotation *r,
                                cril_error *err)
{
    double factor = 0, magnitude = 1;
    uint64_t context = 0;
    char buffer[128];
    cril_status st;

    if ((st = add_context(t, r, &context, err)) != CRIL_OK ||
        (st = cril_config_float(t, name_of(r->prefix, "factor", buffer), &factor, err)) != CRIL_OK)
        return st;
    if (factor == 0 && context)
        factor = (double)cril_translated_uint(t, "context_length") / (double)context;
    if (factor > 1 && context > 1)
        magnitude = sqrt(1 + cril_log(factor) / cril_log((double)context));
    if ((st = cril_config_float(t, name_of(r->prefix, "attention_factor", buffer), &magnitude,
                                err)) != CRIL_OK ||
        (st = cril_translate_float(t, "rope.scaling.attn_factor", magnitude, err)) != CRIL_OK ||
        (st = cril_translate_list(t, name_of(r->prefix, "short_factor", buffer),
                                  "rope.scaling.short_factors", err)) != CRIL_OK)
        return st;
    return cril_translate_list(t, name_of(r->prefix, "long_factor", buffer),
                               "rope.scaling.long_factors", err);
}

static cril_status add_scaling(struct cril_translation *t, const struct rotation *r,
                               cril_error *err)
{
    static const struct {
        const char *name, *ours;
        cril_status (*add)(struct cril_translation *, const struct rotation *, cril_error *);
    } scalings[] = {{"linear", "linear", add_factor},       {"yarn", "yarn", add_yarn},
                    {"llama3", "llama3", add_llama3},       {"dynamic", "dynamic", add_dynamic},
                    {"longrope", "longrope", add_longrope}, {"su", "longrope", add_longrope}};
    cril_status st;

    if (cril_bytes_are(r->type, "default"))
        return t->says_none ? cril_translate_text(t, "rope.scaling.type", "none", err) : CRIL_OK;
    for (size_t i = 0; i < sizeof(scalings) / sizeof(*scalings); i++) {
        if (!cril_bytes_are(r->type, scalings[i].name))
            continue;
        st = cril_translate_text(t, "rope.scaling.type", scalings[i].ours, err);
        return st == CRIL_OK ? scalings[i].add(t, r, err) : st;
    }
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "%s: the rotation is scaled by \"%.*s\", which cril does not compute (linear, "
                     "yarn, llama3, dynamic and longrope are)",
                     t->config->path, CRIL_SHOWN(r->type));
}

cril_status cril_translate_check_share(const struct cril_translation *t, const char *name,
                                       double share, cril_error *err)
{
    return share > 0 && share <= 1
               ? CRIL_OK
               : cril_fail(err, CRIL_ERR_FORMAT, "%s: \"%s\" is %g, not in 0..1", t->config->path,
                           name, share);
}

cril_status cril_translate_rope(struct cril_translation *t, const char *layers, double base,
                                cril_error *err)
{
    struct rotation r;
    double share = t->share > 0 ? t->share : 1;
    uint64_t heads, width;
    char buffer[128];
    cril_status st = find_rotation(t, layers, &r, err);

    if (st != CRIL_OK ||
        (st = cril_config_float(t, name_of(r.parameters, "rope_theta", buffer), &base, err)) !=
            CRIL_OK ||
        (st = cril_config_float(t, "rope_theta", &base, err)) != CRIL_OK ||
        (st = cril_config_float(t, name_of(r.parameters, "partial_rotary_factor", buffer), &share,
                                err)) != CRIL_OK ||
        (st = cril_config_float(t, "partial_rotary_factor", &share, err)) != CRIL_OK)
        return st;
    if (t->share == 0 && share != 1)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: \"partial_rotary_factor\" is %g; cril runs a %s that turns whole "
                         "heads only",
                         t->config->path, share, t->class_name);
    if ((st = cril_translate_check_share(t, "partial_rotary_factor", share, err)) != CRIL_OK)
        return st;
    heads = cril_translated_uint(t, "attention.head_count");
    width = t->head ? t->head : heads ? cril_translated_uint(t, "embedding_length") / heads : 0;
    if ((!t->head && (st = cril_config_uint(t, "head_dim", &width, err)) != CRIL_OK) ||
        ((share < 1 || t->says_share) &&
         (st = cril_translate_uint(t, "rope.dimension_count", (uint64_t)((double)width * share),
                                   err)) != CRIL_OK))
        return st;
    if ((base < t->usual_base || base > t->usual_base || base == 0) &&
        (st = cril_translate_factor(t, "rope_theta", "rope.freq_base", base, err)) != CRIL_OK)
        return st;
    return add_scaling(t, &r, err);
}

cril_status cril_translate_local_base(struct cril_translation *t, double otherwise, cril_error *err)
{
    static const char base_name[] = "rope_parameters.sliding_attention.rope_theta",
                      type_name[] = "rope_parameters.sliding_attention.rope_type";
    double base = otherwise;
    cril_status st = cril_translate_expect(t, type_name, "default", "default", err);

    if (st != CRIL_OK || (st = cril_config_float(t, base_name, &base, err)) != CRIL_OK)
        return st;
    return cril_translate_float(t, "rope.freq_base_swa", base, err);
}

/* Whether layer i slides by layer_types. */
static cril_status read_layer_types(const struct cril_translation *t, uint8_t *slides, size_t n,
                                    cril_error *err)
{
    const struct cril_value *v = find(t, "layer_types");

    if (!v->is_array || v->type != CRIL_VALUE_STRING || v->n < n)
        return wrong_kind(t, "layer_types", "a list of texts, one a layer", err);
    for (size_t i = 0; i < n; i++) {
        slides[i] = cril_bytes_are(v->strings[i], "sliding_attention");
        if (!slides[i] && !cril_bytes_are(v->strings[i], "full_attention"))
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: layer %zu is \"%.*s\"; cril runs full_attention and "
                             "sliding_attention",
                             t->config->path, i, CRIL_SHOWN(v->strings[i]));
    }
    return CRIL_OK;
}

/* Adds a truth value a layer; nothing where all but every period-th are true. */
static cril_status add_pattern(struct cril_translation *t, const char *key, const uint8_t *pattern,
                               size_t n, uint64_t period, cril_error *err)
{
    bool usual = period > 0;
    char buffer[128];

    for (size_t i = 0; i < n && usual; i++)
        usual = pattern[i] == cril_is_not_last(i, period);
    if (usual)
        return CRIL_OK;
    return cril_values_add_numbers(t->out, full_key(t, key, buffer), CRIL_VALUE_BOOL, pattern, n,
                                   err);
}

/* The first truth values of a pattern, one for each of *n layers. */
static cril_status begin_pattern(const struct cril_translation *t,
                                 bool (*is_true)(size_t, uint64_t), uint64_t of,
                                 uint8_t pattern[MAX_LAYERS], size_t *n, cril_error *err)
{
    *n = (size_t)cril_translated_uint(t, "block_count");
    if (*n > MAX_LAYERS)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: has %zu layers", t->config->path, *n);
    for (size_t i = 0; i < *n; i++)
        pattern[i] = is_true(i, of);
    return CRIL_OK;
}

cril_status cril_translate_windows(struct cril_translation *t, bool (*slides)(size_t, uint64_t),
                                   uint64_t of, uint64_t period, cril_error *err)
{
    uint8_t pattern[MAX_LAYERS];
    size_t n = 0;
    cril_status st = begin_pattern(t, slides, of, pattern, &n, err);

    if (st == CRIL_OK && cril_config_has(t, "layer_types"))
        st = read_layer_types(t, pattern, n, err);
    return st == CRIL_OK
               ? add_pattern(t, "attention.sliding_window_pattern", pattern, n, period, err)
               : st;
}

cril_status cril_translate_turning(struct cril_translation *t, uint64_t period, cril_error *err)
{
    const struct cril_value *const v = find(t, "no_rope_layers");
    uint8_t pattern[MAX_LAYERS];
    uint64_t interval = period;
    size_t n = 0;
    cril_status st;

    if ((st = cril_config_uint(t, "no_rope_layer_interval", &interval, err)) != CRIL_OK ||
        (st = begin_pattern(t, cril_is_not_last, interval, pattern, &n, err)) != CRIL_OK)
        return st;
    if (v && (!v->is_array || v->type != CRIL_VALUE_I64 || v->n < n))
        return wrong_kind(t, "no_rope_layers", "a list of whole numbers, one a layer", err);
    for (size_t i = 0; v && i < n; i++)
        pattern[i] = cril_value_uint(v, i) != 0;
    return add_pattern(t, "attention.rope_pattern", pattern, n, period, err);
}

bool cril_is_not_last(size_t layer, uint64_t period)
{
    return period && (layer + 1) % period;
}

bool cril_is_from(size_t layer, uint64_t first)
{
    return layer >= first;
}

cril_status cril_translate_used_windows(struct cril_translation *t,
                                        bool (*slides)(size_t, uint64_t), cril_error *err)
{
    bool windows = false;
    uint64_t window = 4096, max = 28;
    cril_status st;

    if ((st = cril_config_bool(t, "use_sliding_window", &windows, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "sliding_window", &window, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "max_window_layers", &max, err)) != CRIL_OK)
        return st;
    if (!windows || !window || cril_config_is_null(t, "sliding_window"))
        return CRIL_OK;
    if ((st = cril_translate_uint(t, "attention.sliding_window", window, err)) != CRIL_OK)
        return st;
    return cril_translate_windows(t, slides, max, 0, err);
}
