/*
 * The keys under an architecture's prefix that no family reads. Names and meanings are those of
 * llama.cpp's gguf-py/gguf/constants.py, class Keys; what a key does is what llama.cpp and
 * transformers do with it.
 */
#include "model/model.h"

#include "formats/known.h"
#include "util/fail.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A key that asks for what cril does not compute, unless it has the value that asks for nothing. */
static const struct option {
    const char *key;
    double nothing; /* NAN: any value asks */
    const char *asks_for;
} options[] = {
    {"expert_count", 0, "a mixture of experts"},
    {"attention.causal", 1, "attention to later tokens"},
    {"attention.sliding_window", 0, "layers that see a window"},
    {"attention.sliding_window_pattern", NAN, "some layers that see a window"},
    {"attention.clamp_kqv", 0, "queries, keys and values that are limited"},
    {"attention.max_alibi_bias", 0, "attention biased by distance (ALiBi)"},
    {"attention.temperature_scale", 0, "queries scaled by their position"},
    {"attention.shared_kv_layers", 0, "layers that share keys and values"},
    {"attn_logit_softcapping", 0, "attention scores that are capped"},
    {"final_logit_softcapping", 0, "logits that are capped"},
    {"logit_scale", 1, "logits that are scaled"},
    {"residual_scale", 1, "branches that are scaled"},
    {"embedding_scale", 1, "an embedding scaled by a key"},
    {"use_parallel_residual", 0, "attention and feed-forward network side by side"},
    {"nextn_predict_layers", 0, "layers that predict more than the next token"},
    {"rope.freq_base_swa", NAN, "another rotation in layers that see a window"},
    {"rope.dimension_sections", NAN, "a rotation in sections"},
    {"rope.scaling.attn_factor", 1, "a rotation that stretches"},
    {"rope.scaling.yarn_attn_factor", 1, "a rotation that stretches"},
    {"rope.scaling.yarn_ext_factor", 0, "YaRN's ramp without YaRN"},
    {"rope.scaling.yarn_log_multiplier", 0, "DeepSeek's form of YaRN"},
};

static const struct cril_known_key harmless[] = {
    {"expert_*",
     "describes experts, and the model has none"}, /* the first: left out where it has */
    {"vocab_size", "the embedding has as many rows as it has"},
    {"tensor_data_layout", "says where the tensors came from"},
    {"pooling_type", "pooling makes vectors of texts, no probabilities"},
    {"attention.layer_norm_epsilon", "the norms are RMS norms, which have an epsilon of their own"},
    {"rope.scaling.finetuned", "says how the scaling was trained"},
    {"rope.scaling.original_context_length", "YaRN and Llama 3 read it, and the model has neither"},
    {"rope.scaling.yarn_beta_fast", "YaRN reads it, and the model has none"},
    {"rope.scaling.yarn_beta_slow", "YaRN reads it, and the model has none"},
    {NULL, NULL},
};

/* The value of a key that is a number or a truth value; NAN: it is something else. */
static double number_of(const struct cril_value *kv)
{
    if (kv->is_array || kv->type == CRIL_VALUE_STRING)
        return NAN;
    if (kv->type == CRIL_VALUE_F32 || kv->type == CRIL_VALUE_F64)
        return cril_value_float(kv, 0);
    return (double)(int64_t)cril_value_uint(kv, 0);
}

static const struct option *find_option(const char *key, size_t len)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        if (strlen(options[i].key) == len && !memcmp(options[i].key, key, len))
            return &options[i];
    return NULL;
}

cril_status cril_model_check_keys(cril_model *m, cril_error *err)
{
    char prefix[64];
    const size_t len = (size_t)snprintf(prefix, sizeof(prefix), "%s.", m->family->architecture);

    for (size_t i = 0; i < m->values->n; i++) {
        const struct cril_value *kv = &m->values->values[i];
        const struct option *o;

        if (m->values->use[i].read || kv->key.len < len || memcmp(kv->key.data, prefix, len) != 0 ||
            !(o = find_option(kv->key.data + len, kv->key.len - len)))
            continue;
        if (number_of(kv) != o->nothing)
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: key '%s%s' asks for %s, which cril does not compute, so it does "
                             "not run the model",
                             m->path, prefix, o->key, o->asks_for);
        cril_key_find(m, o->key); /* that is read */
    }
    return cril_known_keys(m->values, prefix, harmless + (m->config.mixture.n_experts > 0), err);
}
