/*
 * From a file to a bound model. Tiny files with one thing odd: each is run as it says, or refused
 * with a sentence that names the key or the tensor. Frequencies of rotations against transformers;
 * window and rotation of each layer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gguf_edit.h"
#include "llama_folder.h"
#include "model/model.h"

#include <math.h>
#include <unistd.h>

static char folder[] = "/tmp/cril-model-XXXXXX";
static char path[64];

enum { LLAMA, QWEN2, GEMMA3, N_BASES };

static const char *const base_names[N_BASES] = {"tiny-llama-mixed", "tiny-qwen2", "tiny-gemma3"};
static struct cril_source *bases[N_BASES];

static cril_status open_edited(int base, const struct edit *edits, cril_model **m, cril_error *err)
{
    if (!edit_write(bases[base], edits, path))
        fail_msg("%s cannot be written", path);
    *m = NULL;
    return cril_model_open(path, m, err);
}

static cril_model *must_open(int base, const struct edit *edits)
{
    cril_model *m;
    cril_error err;

    if (open_edited(base, edits, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

/* ---- refusals ---- */

static const struct refusal {
    int base;
    struct edit edits[6];
    cril_status status;
    const char *words; /* of the sentence */
} refusals[] = {
    /* sizes */
    {LLAMA, {NO_KEY("llama.block_count")}, CRIL_ERR_FORMAT, "has no key 'llama.block_count'"},
    {LLAMA, {NO_KEY("llama.embedding_length")}, CRIL_ERR_FORMAT, "'llama.embedding_length'"},
    {LLAMA, {NO_KEY("llama.attention.head_count")}, CRIL_ERR_FORMAT, "attention.head_count'"},
    {LLAMA, {NO_KEY("llama.feed_forward_length")}, CRIL_ERR_FORMAT, "feed_forward_length'"},
    {LLAMA, {NO_KEY("llama.context_length")}, CRIL_ERR_FORMAT, "'llama.context_length'"},
    {LLAMA,
     {SET_UINT("llama.block_count", 0)},
     CRIL_ERR_FORMAT,
     "block_count is 0, not in 1..4096"},
    {LLAMA, {SET_UINT("llama.block_count", 4097)}, CRIL_ERR_FORMAT, "block_count is 4097, not in"},
    {LLAMA,
     {SET_UINT("llama.embedding_length", 1048577)},
     CRIL_ERR_FORMAT,
     "embedding_length is 1048577, not in 1..1048576"},
    {LLAMA,
     {SET_UINT("llama.attention.head_count", 4097)},
     CRIL_ERR_FORMAT,
     "head_count is 4097, not in 1..4096"},
    {LLAMA,
     {SET_UINT("llama.attention.head_count_kv", 0)},
     CRIL_ERR_FORMAT,
     "head_count_kv is 0, not in 1..4096"},
    {LLAMA,
     {SET_UINT("llama.context_length", 16777217)},
     CRIL_ERR_FORMAT,
     "context_length is 16777217, not in 1..16777216"},
    {LLAMA,
     {SET_UINT("llama.attention.key_length", 5000)},
     CRIL_ERR_FORMAT,
     "key_length is 5000, not in 1..4096"},
    {LLAMA,
     {SET_TEXT("llama.block_count", "2")},
     CRIL_ERR_FORMAT,
     "'llama.block_count' is not a whole number"},
    {LLAMA, {SET_INT("llama.block_count", -2)}, CRIL_ERR_FORMAT, "'llama.block_count' is -2"},
    {LLAMA,
     {SET_LIST("llama.attention.head_count", 2, 2)},
     CRIL_ERR_UNSUPPORTED,
     "'llama.attention.head_count' is a list, for layers that differ"},
    {LLAMA,
     {SET_LIST("llama.feed_forward_length", 2, 96)},
     CRIL_ERR_UNSUPPORTED,
     "'llama.feed_forward_length' is a list, for layers that differ"},
    {LLAMA,
     {SET_UINT("llama.attention.head_count", 65), SET_UINT("llama.attention.head_count_kv", 65)},
     CRIL_ERR_FORMAT,
     "key_length is 0, not in 1..4096"},
    {LLAMA,
     {SET_UINT("llama.attention.head_count", 4), SET_UINT("llama.attention.head_count_kv", 3)},
     CRIL_ERR_UNSUPPORTED,
     "head_count_kv is 3, which does not divide the 4 heads"},
    {LLAMA,
     {SET_UINT("llama.attention.value_length", 16)},
     CRIL_ERR_UNSUPPORTED,
     "value_length is 16, the heads have 32 elements"},
    {LLAMA,
     {NO_KEY("llama.attention.layer_norm_rms_epsilon")},
     CRIL_ERR_FORMAT,
     "layer_norm_rms_epsilon is missing"},
    {LLAMA,
     {SET_FLOAT("llama.attention.layer_norm_rms_epsilon", 1)},
     CRIL_ERR_FORMAT,
     "layer_norm_rms_epsilon is missing or not between 0 and 1: 1"},
    {LLAMA,
     {SET_FLOAT("llama.attention.layer_norm_rms_epsilon", NAN)},
     CRIL_ERR_FORMAT,
     "'llama.attention.layer_norm_rms_epsilon' is not finite"},
    {LLAMA,
     {SET_FLOAT("llama.attention.scale", -1)},
     CRIL_ERR_FORMAT,
     "attention.scale is -1, not in 0..1000"},
    /* what only some models have */
    {QWEN2, {SET_UINT("qwen2.expert_count", 4)}, CRIL_ERR_UNSUPPORTED, "a mixture of experts"},
    {LLAMA, {SET_UINT("llama.expert_count", 4)}, CRIL_ERR_FORMAT, "'llama.expert_used_count'"},
    {LLAMA, {SET_UINT("llama.expert_count", 4097)}, CRIL_ERR_FORMAT, "is 4097, not in 1..4096"},
#define EXPERTS SET_UINT("llama.expert_count", 4), SET_UINT("llama.expert_used_count", 2)
    {LLAMA, {EXPERTS}, CRIL_ERR_FORMAT, "blk.0.ffn_gate_inp.weight is missing"},
    {LLAMA,
     {SET_UINT("llama.expert_count", 4), SET_UINT("llama.expert_used_count", 5)},
     CRIL_ERR_FORMAT,
     "expert_used_count is 5, not in 1..4"},
    {LLAMA,
     {EXPERTS, SET_UINT("llama.expert_feed_forward_length", 0)},
     CRIL_ERR_FORMAT,
     "expert_feed_forward_length is 0"},
    {LLAMA,
     {EXPERTS, SET_UINT("llama.expert_gating_func", 3)},
     CRIL_ERR_UNSUPPORTED,
     "expert_gating_func is 3"},
    {LLAMA,
     {EXPERTS, SET_UINT("llama.expert_weights_norm", 1)},
     CRIL_ERR_FORMAT,
     "expert_weights_norm' is"},
    {LLAMA,
     {EXPERTS, SET_UINT("llama.expert_group_count", 3),
      SET_UINT("llama.expert_group_used_count", 1)},
     CRIL_ERR_FORMAT,
     "2 of 4 experts cannot be chosen"},
    {LLAMA,
     {EXPERTS, SET_UINT("llama.expert_group_count", 4),
      SET_UINT("llama.expert_group_used_count", 1)},
     CRIL_ERR_FORMAT,
     "2 of 4 experts cannot be chosen"},
    {LLAMA,
     {EXPERTS, SET_UINT("llama.expert_layers", 1)},
     CRIL_ERR_FORMAT,
     "expert_layers' is not a truth value"},
    {LLAMA,
     {EXPERTS, SET_UINT("llama.expert_shared_count", 1)},
     CRIL_ERR_UNSUPPORTED,
     "'llama.expert_shared_count'"},
#undef EXPERTS
    {QWEN2, {SET_UINT("qwen2.expert_count", 4)}, CRIL_ERR_UNSUPPORTED, "'qwen2.expert_count'"},
    {LLAMA,
     {SET_BOOL("llama.attention.causal", 0)},
     CRIL_ERR_UNSUPPORTED,
     "'llama.attention.causal' asks for attention to later tokens"},
    {QWEN2,
     {SET_UINT("qwen2.attention.sliding_window_pattern", 2)},
     CRIL_ERR_UNSUPPORTED,
     "'qwen2.attention.sliding_window' is 0"},
    {LLAMA,
     {SET_LIST("llama.attention.sliding_window_pattern", 2, 1)},
     CRIL_ERR_FORMAT,
     "'llama.attention.sliding_window_pattern'"},
    {GEMMA3,
     {SET_LIST("gemma3.attention.sliding_window_pattern", 7, 1)},
     CRIL_ERR_FORMAT,
     "'gemma3.attention.sliding_window_pattern' is not a truth value for each"},
    {LLAMA, {SET_FLOAT("llama.attention.clamp_kqv", 8)}, CRIL_ERR_UNSUPPORTED, "clamp_kqv'"},
    {LLAMA, {SET_FLOAT("llama.attention.max_alibi_bias", 8)}, CRIL_ERR_UNSUPPORTED, "ALiBi"},
    {LLAMA,
     {SET_FLOAT("llama.attention.temperature_scale", 0.1)},
     CRIL_ERR_UNSUPPORTED,
     "'llama.attention.temperature_scale'"},
    {LLAMA,
     {SET_UINT("llama.attention.shared_kv_layers", 1)},
     CRIL_ERR_UNSUPPORTED,
     "'llama.attention.shared_kv_layers'"},
    {LLAMA,
     {SET_FLOAT("llama.attn_logit_softcapping", 50)},
     CRIL_ERR_UNSUPPORTED,
     "'llama.attn_logit_softcapping' asks for attention scores that are capped"},
    {LLAMA,
     {SET_FLOAT("llama.final_logit_softcapping", 30)},
     CRIL_ERR_UNSUPPORTED,
     "'llama.final_logit_softcapping' asks for logits that are capped"},
    {LLAMA,
     {SET_LIST("llama.attention.rope_pattern", 2, 1)},
     CRIL_ERR_UNSUPPORTED,
     "'llama.attention.rope_pattern' asks for some layers without a rotation"},
    {GEMMA3,
     {SET_FLOAT("gemma3.final_logit_softcapping", -1)},
     CRIL_ERR_FORMAT,
     "gemma3.final_logit_softcapping is -1, not above 0"},
    {LLAMA, {SET_FLOAT("llama.logit_scale", 0.5)}, CRIL_ERR_UNSUPPORTED, "'llama.logit_scale'"},
    {LLAMA, {SET_FLOAT("llama.residual_scale", 0.5)}, CRIL_ERR_UNSUPPORTED, "residual_scale'"},
    {LLAMA, {SET_FLOAT("llama.embedding_scale", 12)}, CRIL_ERR_UNSUPPORTED, "embedding_scale'"},
    {LLAMA, {SET_BOOL("llama.use_parallel_residual", 1)}, CRIL_ERR_UNSUPPORTED, "side by side"},
    {QWEN2, {SET_UINT("qwen2.nextn_predict_layers", 1)}, CRIL_ERR_UNSUPPORTED, "nextn_predict"},
    {LLAMA, {SET_FLOAT("llama.never.heard", 1)}, CRIL_ERR_UNSUPPORTED, "'llama.never.heard'"},
    {LLAMA, {SET_TEXT("llama.hidden_activation", "gelu")}, CRIL_ERR_UNSUPPORTED, "activation'"},
    {GEMMA3, {NO_KEY("gemma3.attention.sliding_window")}, CRIL_ERR_FORMAT, "sliding_window'"},
    {GEMMA3,
     {SET_UINT("gemma3.attention.sliding_window", 0)},
     CRIL_ERR_UNSUPPORTED,
     "'gemma3.attention.sliding_window' is 0"},
    {GEMMA3,
     {SET_UINT("gemma3.attention.sliding_window_pattern", 0)},
     CRIL_ERR_UNSUPPORTED,
     "'gemma3.attention.sliding_window_pattern' is 0"},
    /* rotation */
    {LLAMA, {SET_FLOAT("llama.rope.freq_base", 1)}, CRIL_ERR_FORMAT, "frequency base 1 is out of"},
    {LLAMA, {SET_FLOAT("llama.rope.freq_base", 1e31)}, CRIL_ERR_FORMAT, "frequency base 1e+31"},
    {GEMMA3, {SET_FLOAT("gemma3.rope.freq_base_swa", 0)}, CRIL_ERR_FORMAT, "frequency base 0"},
    {LLAMA, {SET_FLOAT("llama.rope.freq_base_swa", 10000)}, CRIL_ERR_UNSUPPORTED, "base_swa'"},
    {LLAMA, {SET_UINT("llama.rope.dimension_count", 0)}, CRIL_ERR_FORMAT, "turns 0 elements"},
    {LLAMA, {SET_UINT("llama.rope.dimension_count", 15)}, CRIL_ERR_FORMAT, "turns 15 elements"},
    {LLAMA,
     {SET_UINT("llama.rope.dimension_count", 34)},
     CRIL_ERR_FORMAT,
     "turns 34 elements of a head's 32 (key 'llama.rope.dimension_count')"},
    {QWEN2, {SET_LIST("qwen2.rope.dimension_sections", 4, 8)}, CRIL_ERR_UNSUPPORTED, "sections'"},
    {LLAMA,
     {SET_TEXT("llama.rope.scaling.type", "spiral")},
     CRIL_ERR_UNSUPPORTED,
     "'llama.rope.scaling.type' is \"spiral\""},
    {LLAMA,
     {SET_TEXT("llama.rope.scaling.type", "longrope")},
     CRIL_ERR_FORMAT,
     "no key 'llama.rope.scaling.original_context_length'"},
    {LLAMA,
     {SET_TEXT("llama.rope.scaling.type", "longrope"),
      SET_UINT("llama.rope.scaling.original_context_length", 16)},
     CRIL_ERR_FORMAT,
     "key 'llama.rope.scaling.short_factors' is not a list of 16 divisors"},
    {LLAMA,
     {SET_TEXT("llama.rope.scaling.type", "dynamic"),
      SET_UINT("llama.rope.scaling.original_context_length", 0)},
     CRIL_ERR_FORMAT,
     "original_context_length' is 0"},
    {LLAMA,
     {SET_UINT("llama.rope.scaling.type", 1)},
     CRIL_ERR_FORMAT,
     "'llama.rope.scaling.type' is not a text"},
    {LLAMA,
     {SET_FLOAT("llama.rope.scaling.factor", -2)},
     CRIL_ERR_FORMAT,
     "'llama.rope.scaling.factor' is missing or out of range"},
    {LLAMA, {SET_FLOAT("llama.rope.scaling.factor", 1e6)}, CRIL_ERR_FORMAT, "scaling.factor'"},
    {LLAMA,
     {SET_TEXT("llama.rope.scaling.type", "yarn"),
      SET_UINT("llama.rope.scaling.original_context_length", 64)},
     CRIL_ERR_FORMAT,
     "'llama.rope.scaling.factor' is missing or"},
    {LLAMA,
     {SET_TEXT("llama.rope.scaling.type", "yarn"), SET_FLOAT("llama.rope.scaling.factor", 4)},
     CRIL_ERR_FORMAT,
     "has no key 'llama.rope.scaling.original_context_length'"},
#define YARN                                                                                       \
    SET_TEXT("llama.rope.scaling.type", "yarn"), SET_FLOAT("llama.rope.scaling.factor", 4),        \
        SET_UINT("llama.rope.scaling.original_context_length", 64)
    {LLAMA,
     {YARN, SET_FLOAT("llama.rope.scaling.yarn_ext_factor", 0)},
     CRIL_ERR_UNSUPPORTED,
     "yarn_ext_factor' is 0: it weighs YaRN's ramp"},
    {LLAMA,
     {YARN, SET_FLOAT("llama.rope.scaling.yarn_attn_factor", 2)},
     CRIL_ERR_UNSUPPORTED,
     "yarn_attn_factor' changes YaRN's magnitude"},
    {LLAMA,
     {YARN, SET_FLOAT("llama.rope.scaling.yarn_log_multiplier", 0.1)},
     CRIL_ERR_UNSUPPORTED,
     "yarn_log_multiplier' asks for DeepSeek's form"},
    {LLAMA,
     {YARN, SET_FLOAT("llama.rope.scaling.yarn_beta_fast", 0.5)},
     CRIL_ERR_FORMAT,
     "yarn_beta_fast, yarn_beta_slow"},
    {LLAMA,
     {YARN, SET_FLOAT("llama.rope.scaling.yarn_beta_slow", 0)},
     CRIL_ERR_FORMAT,
     "yarn_beta_fast, yarn_beta_slow"},
    {LLAMA, {YARN, SET_FLOAT("llama.rope.scaling.attn_factor", 0)}, CRIL_ERR_FORMAT, "attn_factor"},
    {LLAMA,
     {SET_TEXT("llama.rope.scaling.type", "yarn"), SET_FLOAT("llama.rope.scaling.factor", 4),
      SET_UINT("llama.rope.scaling.original_context_length", 0)},
     CRIL_ERR_FORMAT,
     "original_context_length"},
    {LLAMA,
     {SET_FLOAT("llama.rope.scaling.attn_factor", 2)},
     CRIL_ERR_UNSUPPORTED,
     "'llama.rope.scaling.attn_factor' asks for a rotation that stretches"},
    {LLAMA,
     {SET_FLOAT("llama.rope.scaling.yarn_attn_factor", 2)},
     CRIL_ERR_UNSUPPORTED,
     "yarn_attn_factor' asks for a rotation that stretches"},
    {LLAMA,
     {SET_FLOAT("llama.rope.scaling.yarn_ext_factor", 1)},
     CRIL_ERR_UNSUPPORTED,
     "yarn_ext_factor' asks for YaRN's ramp without YaRN"},
    {LLAMA,
     {YARN, SET_TENSOR("rope_freqs.weight", 16, 0, 4)},
     CRIL_ERR_UNSUPPORTED,
     "tensor rope_freqs.weight divides the frequencies of the rotation, which key "
     "'llama.rope.scaling.factor' (4) divides too"},
    {LLAMA,
     {SET_FLOAT("llama.rope.scale_linear", 2), SET_TENSOR("rope_freqs.weight", 16, 0, 1)},
     CRIL_ERR_UNSUPPORTED,
     "tensor rope_freqs.weight divides"},
    {LLAMA,
     {SET_TENSOR("rope_freqs.weight", 8, 0, 4)},
     CRIL_ERR_FORMAT,
     "rope_freqs.weight is 8 x"},
    {LLAMA, {SET_TENSOR("rope_freqs.weight", 16, 0, 0)}, CRIL_ERR_FORMAT, "divisor that is not"},
    {LLAMA,
     {SET_TENSOR("rope_freqs.weight", 16, 0, 1e-6)},
     CRIL_ERR_UNSUPPORTED,
     "so fast that cril computes its angles exactly for 99 positions at most (up to 1e+08)"},
    {LLAMA,
     {SET_FLOAT("llama.rope.scaling.factor", 1e-6)},
     CRIL_ERR_UNSUPPORTED,
     "the rotation is so fast that cril computes its angles exactly for 99 positions at most"},
    {QWEN2,
     {SET_TENSOR("rope_freqs.weight", 16, 0, 4)},
     CRIL_ERR_UNSUPPORTED,
     "tensor rope_freqs.weight has no place in a qwen2 model"},
    /* tensors */
    {LLAMA, {NO_TENSOR("blk.1.ffn_up.weight")}, CRIL_ERR_FORMAT, "blk.1.ffn_up.weight is missing"},
    {QWEN2,
     {NO_TENSOR("blk.2.attn_k.bias")},
     CRIL_ERR_FORMAT,
     "blk.2.attn_k.bias is missing, which every qwen2 model has"},
    {GEMMA3, {NO_TENSOR("blk.3.attn_q_norm.weight")}, CRIL_ERR_FORMAT, "blk.3.attn_q_norm.weight"},
    {LLAMA,
     {SET_TENSOR("blk.1.attn_output.bias", 64, 0, 1)},
     CRIL_ERR_FORMAT,
     "blk.0.attn_output.bias is missing, while blk.1.attn_output.bias is there"},
    {LLAMA,
     {SET_TENSOR("blk.0.attn_q.bias", 64, 0, 1), SET_TENSOR("blk.0.attn_k.bias", 32, 0, 1),
      SET_TENSOR("blk.0.attn_v.bias", 32, 0, 1), SET_TENSOR("blk.1.attn_q.bias", 64, 0, 1),
      SET_TENSOR("blk.1.attn_v.bias", 32, 0, 1)},
     CRIL_ERR_FORMAT,
     "blk.1.attn_k.bias is missing, while blk.0.attn_q.bias is there"},
    {LLAMA,
     {SET_TENSOR("blk.0.attn_k.bias", 32, 0, 1), SET_TENSOR("blk.1.attn_k.bias", 32, 0, 1)},
     CRIL_ERR_FORMAT,
     "blk.0.attn_q.bias is missing, while blk.0.attn_k.bias is there"},
    {LLAMA,
     {SET_TENSOR("blk.0.ffn_up.bias", 96, 0, 0)},
     CRIL_ERR_FORMAT,
     "blk.0.ffn_gate.bias is missing, while blk.0.ffn_up.bias is there"},
    {QWEN2,
     {SET_TENSOR("blk.0.attn_output.bias", 64, 0, 0)},
     CRIL_ERR_FORMAT,
     "blk.1.attn_output.bias is missing, while blk.0.attn_output.bias is there"},
    {LLAMA,
     {SET_TENSOR("blk.2.attn_norm.weight", 64, 0, 0)},
     CRIL_ERR_UNSUPPORTED,
     "tensor blk.2.attn_norm.weight has no place"},
    {LLAMA,
     {SET_TENSOR("blk.0.attn_q.weight", 64, 32, 1)},
     CRIL_ERR_FORMAT,
     "tensor blk.0.attn_q.weight is 64 x 32 where the metadata asks for 64 x 64"},
    {LLAMA,
     {SET_TENSOR("blk.0.attn_q.weight", 4096, 0, 1)},
     CRIL_ERR_FORMAT,
     "blk.0.attn_q.weight is 4096 x 1 where"},
    {LLAMA, /* as many numbers */
     {SET_TENSOR_3("blk.0.attn_q.weight", 64, 32, 2, 1)},
     CRIL_ERR_FORMAT,
     "blk.0.attn_q.weight is 64 x 32 where"},
    {LLAMA,
     {SET_TENSOR("blk.0.attn_norm.weight", 32, 0, 1)},
     CRIL_ERR_FORMAT,
     "blk.0.attn_norm.weight is 32 x 1 where the metadata asks for 64 x 1"},
    {LLAMA,
     {SET_TENSOR("output_norm.weight", 64, 1, 1)},
     CRIL_ERR_FORMAT,
     "output_norm.weight is 64 x 1 where the metadata asks for 64 x 1"},
    {LLAMA, {SET_TENSOR("blk.0.ffn_norm.weight", 64, 0, NAN)}, CRIL_ERR_NUMERIC, "not finite"},
    {LLAMA,
     {NO_TENSOR("token_embd.weight")},
     CRIL_ERR_FORMAT,
     "token_embd.weight is missing; a vocabulary alone"},
    {LLAMA, {NO_TENSOR("output_norm.weight")}, CRIL_ERR_FORMAT, "output_norm.weight is missing"},
    {LLAMA,
     {SET_TENSOR("token_embd.weight", 32, 268, 1)},
     CRIL_ERR_FORMAT,
     "token_embd.weight is 32 x 268 where the metadata asks for 64 x 268"},
    {LLAMA,
     {SET_TENSOR("output.weight", 64, 267, 1)},
     CRIL_ERR_FORMAT,
     "output.weight is 64 x 267 where the metadata asks for 64 x 268"},
    {LLAMA,
     {SET_TENSOR("token_embd.weight", 64, 267, 1), NO_TENSOR("output.weight")},
     CRIL_ERR_MISMATCH,
     "the tokenizer has 268 tokens, the embedding only 267 rows"},
    {LLAMA,
     {SET_TEXT("general.architecture", "plamo")},
     CRIL_ERR_UNSUPPORTED,
     "architecture \"plamo\" is not known to cril"},
    {LLAMA, {NO_KEY("general.architecture")}, CRIL_ERR_FORMAT, "'general.architecture'"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        const struct refusal *r = &refusals[i];
        cril_model *m;
        cril_error err;
        const cril_status st = open_edited(r->base, r->edits, &m, &err);

        if (st == CRIL_OK)
            fail_msg("row %zu opens: %s", i, r->words);
        if (st != r->status || !strstr(err.message, r->words) || !strstr(err.message, path))
            fail_msg("row %zu: status %d (%d wanted), '%s' lacks '%s' or the path", i, (int)st,
                     (int)r->status, err.message, r->words);
        assert_null(m);
    }
}

/* ---- what is without effect ---- */

static bool same_rope(const struct cril_rope *a, const struct cril_rope *b)
{
    return a->n_rot == b->n_rot && a->halves == b->halves && a->magnitude == b->magnitude &&
           !memcmp(a->freq, b->freq, a->n_rot / 2 * sizeof(float));
}

/* The reason that the model gives for not using a key; NULL: it does. */
static const char *reason_of(const cril_model *m, const char *key)
{
    const char *k, *reason;
    size_t len;

    for (size_t i = 0; cril_model_unused(m, i, &k, &len, &reason); i++)
        if (strlen(key) == len && !memcmp(k, key, len))
            return reason;
    return NULL;
}

static void test_harmless(void **state)
{
    static const struct {
        struct edit edit;
        bool read; /* cril looks at its value */
    } keys[] = {
        {SET_UINT("llama.vocab_size", 5), false},
        {SET_UINT("llama.expert_count", 0), true},
        {SET_UINT("llama.expert_used_count", 0), false},
        {SET_BOOL("llama.attention.causal", 1), true},
        {SET_TEXT("llama.tensor_data_layout", "Meta AI original pth"), false},
        {SET_UINT("llama.pooling_type", 3), false},
        {SET_FLOAT("llama.attention.layer_norm_epsilon", 1e-3), false},
        {SET_BOOL("llama.rope.scaling.finetuned", 1), false},
        {SET_UINT("llama.rope.scaling.original_context_length", 8192), false},
        {SET_FLOAT("llama.rope.scaling.yarn_beta_fast", 8), false},
        {SET_FLOAT("llama.rope.scaling.yarn_beta_slow", 2), false},
        {SET_FLOAT("llama.rope.scaling.attn_factor", 1), true},
        {SET_FLOAT("llama.rope.scaling.factor", 0), true},
        {SET_TEXT("llama.rope.scaling.type", "none"), true},
        {SET_FLOAT("llama.logit_scale", 1), true},
        {SET_FLOAT("llama.attn_logit_softcapping", 0), true},
        {SET_UINT("llama.attention.sliding_window", 0), true},
        {SET_TEXT("general.license", "mit"), false},
        {SET_TEXT("quantize.imatrix.file", "x"), false},
    };
    cril_model *plain = must_open(LLAMA, (struct edit[]){{0}});

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        cril_model *m = must_open(LLAMA, (struct edit[]){keys[i].edit, {0}});

        assert_memory_equal(&m->config, &plain->config, sizeof(m->config));
        assert_true(same_rope(&m->rope[0], &plain->rope[0]));
        assert_int_equal(m->layers[1].window, 0);
        if ((reason_of(m, keys[i].edit.name) == NULL) != keys[i].read)
            fail_msg("%s is %s", keys[i].edit.name, keys[i].read ? "not read" : "read");
        cril_model_close(m);
    }
    assert_string_equal(reason_of(plain, "llama.vocab_size"),
                        "the embedding has as many rows as it has");
    assert_string_equal(reason_of(plain, "general.file_type"),
                        "describes the model, computes nothing");
    cril_model_close(plain);
}

/* ---- what has one ---- */

static void test_config(void **state)
{
    cril_model *m =
        must_open(LLAMA, (struct edit[]){SET_FLOAT("llama.attention.scale", 0.25),
                                         SET_FLOAT("llama.attention.layer_norm_rms_epsilon", 0.125),
                                         SET_UINT("llama.context_length", 512),
                                         SET_UINT("llama.attention.sliding_window", 100),
                                         {0}});

    (void)state;
    assert_true(m->config.attention_scale == 0.25f);
    assert_true(m->config.eps == 0.125f);
    assert_true(m->config.embedding_scale == 1);
    assert_int_equal(cril_model_context(m), 512);
    assert_int_equal(m->layers[0].window, 100);
    assert_int_equal(m->layers[1].window, 100);
    cril_model_close(m);

    m = must_open(LLAMA, (struct edit[]){NO_KEY("llama.rope.freq_base"), {0}});
    assert_true(m->config.attention_scale == 1 / sqrtf(32));
    assert_int_equal(m->config.head_dim, 32);
    assert_int_equal(m->config.n_heads, 2);
    assert_int_equal(m->config.n_kv_heads, 1);
    assert_true(fabsf(m->rope[0].freq[8] - 0.01f) < 1e-8f); /* of base 10000 */
    assert_false(m->rope[0].halves);
    assert_string_equal(cril_model_architecture(m), "llama");
    assert_int_equal(cril_model_logits(m), 268);
    cril_model_close(m);

    m = must_open(LLAMA, (struct edit[]){NO_TENSOR("output.weight"), {0}}); /* tied */
    assert_ptr_equal(cril_model_ends(m)->matrix[CRIL_W_OUTPUT].data,
                     cril_model_ends(m)->matrix[CRIL_W_EMBEDDING].data);
    cril_model_close(m);

    m = must_open(LLAMA, (struct edit[]){SET_TENSOR("blk.0.attn_output.bias", 64, 0, 1),
                                         SET_TENSOR("blk.1.attn_output.bias", 64, 0, 2),
                                         {0}});
    assert_true(m->layers[1].vector[CRIL_W_O_BIAS][63] == 2);
    assert_null(m->layers[1].vector[CRIL_W_Q_BIAS]);
    cril_model_close(m);
}

static void test_names(void **state)
{
    cril_model *m = must_open(LLAMA, (struct edit[]){SET_TEXT("general.name", "Ada"), {0}});

    (void)state;
    assert_string_equal(cril_model_name(m), "Ada");
    cril_model_close(m);
    m = must_open(LLAMA, (struct edit[]){NO_KEY("general.name"), {0}});
    assert_string_equal(cril_model_name(m), "m");
    assert_string_equal(cril_model_path(m), path);
    assert_int_equal(cril_model_parameters(m),
                     64 * 268 * 2 + 64 + 2 * (64 * 64 * 3 + 64 * 96 * 3 + 128));
    cril_model_close(m);
}

/* Gemma 3: five layers in six see a window and turn by their own base; the sixth sees all. */
static void test_gemma3_layers(void **state)
{
    cril_model *m =
        must_open(GEMMA3, (struct edit[]){SET_FLOAT("gemma3.rope.freq_base_swa", 5000),
                                          SET_TEXT("gemma3.rope.scaling.type", "linear"),
                                          SET_FLOAT("gemma3.rope.scaling.factor", 8),
                                          {0}});

    (void)state;
    assert_int_equal(m->config.n_layers, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(m->layers[i].rope, i != 5);
        assert_int_equal(m->layers[i].window, i == 5 ? 0 : 16);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_true(m->rope[i].halves);
        assert_int_equal(m->rope[i].n_rot, 32);
        assert_true(m->rope[i].magnitude == 1);
    }
    assert_true(m->rope[0].freq[0] == 0.125f && fabsf(m->rope[0].freq[8] - 1e-3f / 8) < 1e-9f);
    assert_true(m->rope[1].freq[0] == 1 && fabsf(m->rope[1].freq[8] - 1 / sqrtf(5000)) < 1e-8f);
    assert_true(m->config.embedding_scale == sqrtf(32));
    assert_true(m->config.attention_scale == 1 / sqrtf(32));
    cril_model_close(m);

    m = must_open(GEMMA3,
                  (struct edit[]){SET_UINT("gemma3.attention.sliding_window_pattern", 3), {0}});
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(m->layers[i].window, i % 3 == 2 ? 0 : 16);
    assert_true(fabsf(m->rope[1].freq[8] - 0.01f) < 1e-8f); /* 10000 where no key says */
    cril_model_close(m);
}

/* The 27B model, which has 62 layers, divides scores by the root of its width a head. */
static void test_gemma3_27b(void **state)
{
    enum { LAYERS = 62, PER_LAYER = 13 };
    static const struct {
        const char *name;
        size_t ne[2];
    } of_layer[PER_LAYER] = {
        {"attn_norm.weight", {32, 0}},     {"attn_q.weight", {32, 64}},
        {"attn_k.weight", {32, 32}},       {"attn_v.weight", {32, 32}},
        {"attn_output.weight", {64, 32}},  {"attn_q_norm.weight", {32, 0}},
        {"attn_k_norm.weight", {32, 0}},   {"post_attention_norm.weight", {32, 0}},
        {"ffn_norm.weight", {32, 0}},      {"ffn_gate.weight", {32, 32}},
        {"ffn_up.weight", {32, 32}},       {"ffn_down.weight", {32, 32}},
        {"post_ffw_norm.weight", {32, 0}},
    };
    static char names[LAYERS][PER_LAYER][64];
    static struct edit edits[LAYERS * PER_LAYER + 3] = {SET_UINT("gemma3.block_count", LAYERS)};
    size_t n = 1;

    (void)state;
    for (size_t i = 0; i < LAYERS; i++)
        for (size_t k = 0; k < PER_LAYER; k++) {
            snprintf(names[i][k], sizeof(names[i][k]), "blk.%zu.%s", i, of_layer[k].name);
            edits[n++] =
                (struct edit)SET_TENSOR(names[i][k], of_layer[k].ne[0], of_layer[k].ne[1], 0.5);
        }
    cril_model *m = must_open(GEMMA3, edits);
    assert_true(m->config.attention_scale == 1 / sqrtf(16)); /* 32 wide, 2 heads */
    cril_model_close(m);
    edits[n] = (struct edit)SET_FLOAT("gemma3.attention.scale", 0.125);
    m = must_open(GEMMA3, edits);
    assert_true(m->config.attention_scale == 0.125f);
    cril_model_close(m);
}

/* ---- rotations ---- */

static void read_numbers(FILE *f, const char *word, float *out, size_t n)
{
    char found[32];

    assert_int_equal(fscanf(f, "%31s", found), 1);
    assert_string_equal(found, word);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fscanf(f, "%f", &out[i]), 1);
}

/* A line of tests/golden/rope.txt and those below it; false: there is none. */
static bool check_rotation(FILE *f)
{
    char arch[16], kind[16], keys[6][64];
    float base, factor = 1, context = 0, fast = 0, slow = 0, magnitude, freq[32], divisors[32];
    unsigned n_rot;
    size_t n = 0;
    struct edit e[9] = {0};

    if (fscanf(f, "%15s %u %f %15s", arch, &n_rot, &base, kind) != 4)
        return false;
#define KEY(i, name) (snprintf(keys[i], sizeof(keys[i]), "%s.rope.%s", arch, name), keys[i])
    e[n++] = (struct edit)SET_FLOAT(KEY(0, "freq_base"), (double)base);
    e[n++] = (struct edit)SET_UINT(KEY(1, "dimension_count"), n_rot);
    if (strcmp(kind, "none") != 0)
        assert_int_equal(fscanf(f, "%f", &factor), 1);
    if (strcmp(kind, "yarn") == 0) {
        assert_int_equal(fscanf(f, "%f %f %f", &context, &fast, &slow), 3);
        e[n++] = (struct edit)SET_UINT(KEY(2, "scaling.original_context_length"), (double)context);
        e[n++] = (struct edit)SET_FLOAT(KEY(3, "scaling.yarn_beta_fast"), (double)fast);
        e[n++] = (struct edit)SET_FLOAT(KEY(4, "scaling.yarn_beta_slow"), (double)slow);
    }
    if (strcmp(kind, "llama3") == 0) {
        read_numbers(f, "divisors", divisors, n_rot / 2);
        e[n++] = (struct edit)SET_NUMBERS("rope_freqs.weight", n_rot / 2, divisors);
    } else {
        e[n++] = (struct edit)SET_TEXT(KEY(5, "scaling.type"), kind);
        e[n++] = (struct edit){.what = EDIT_FLOAT, .name = "", .number = (double)factor};
    }
    char factor_key[64];
    snprintf(factor_key, sizeof(factor_key), "%s.rope.scaling.factor", arch);
    if (e[n - 1].what == EDIT_FLOAT)
        e[n - 1].name = factor_key;
    read_numbers(f, "magnitude", &magnitude, 1);
    read_numbers(f, "frequencies", freq, n_rot / 2);

    cril_model *m = must_open(strcmp(arch, "llama") ? QWEN2 : LLAMA, e);
    const struct cril_rope *r = &m->rope[0];
    assert_int_equal(r->n_rot, n_rot);
    assert_int_equal(r->halves, strcmp(arch, "llama") != 0);
    assert_true(fabsf(r->magnitude - magnitude) < 1e-6f);
    for (size_t i = 0; i < n_rot / 2; i++) /* transformers computes them in fp32 */
        if (!(fabsf(r->freq[i] - freq[i]) < 2e-6f * freq[i]))
            fail_msg("%s %u %g %s: pair %zu: %.9g, transformers %.9g", arch, n_rot, (double)base,
                     kind, i, (double)r->freq[i], (double)freq[i]);
    cril_model_close(m);
    return true;
}

static void test_rotations(void **state)
{
    FILE *f = fopen(CRIL_TEST_DATA "/golden/rope.txt", "r");
    size_t n = 0;

    (void)state;
    assert_non_null(f);
    while (check_rotation(f))
        n++;
    assert_true(feof(f));
    assert_int_equal(n, 12);
    fclose(f);
}

/* llama.cpp multiplies YaRN's magnitude by attn_factor. */
static void test_yarn_magnitude(void **state)
{
    cril_model *m =
        must_open(LLAMA, (struct edit[]){YARN,
                                         SET_FLOAT("llama.rope.scaling.attn_factor", 1.5),
                                         SET_FLOAT("llama.rope.scaling.yarn_ext_factor", 1),
                                         {0}});

    (void)state;
    assert_true(fabs((double)m->rope[0].magnitude - 1.5 * (0.1 * log(4) + 1)) < 1e-6);
    float c[16], s[16];
    cril_rope_row(&m->rope[0], 8, 0, c, s);
    assert_true(c[3] == m->rope[0].magnitude && s[3] == 0);
    cril_rope_row(&m->rope[0], 8, 7, c, s);
    assert_true(fabsf(s[0] - sinf(7) * m->rope[0].magnitude) < 1e-6f);
    assert_true(fabsf(c[15] - cosf(7 * m->rope[0].freq[15]) * m->rope[0].magnitude) < 1e-6f);
    cril_model_close(m);
}

/* Where pairs would turn slowly enough only beyond the last, the ramp ends at n - 1. */
static void test_yarn_ramp(void **state)
{
    cril_model *m = must_open(
        LLAMA, (struct edit[]){SET_TEXT("llama.rope.scaling.type", "yarn"),
                               SET_FLOAT("llama.rope.scaling.factor", 4),
                               SET_UINT("llama.rope.scaling.original_context_length", 1 << 20),
                               SET_FLOAT("llama.rope.scaling.yarn_beta_fast", 1e5),
                               SET_FLOAT("llama.rope.freq_base", 100),
                               {0}});

    (void)state;
    for (int i = 0; i < 16; i++) {
        const double f = pow(100, -i / 16.0), t = i < 1 ? 0 : (i - 1) / 30.0; /* from 1 to 31 */

        assert_true(fabs((double)m->rope[0].freq[i] - (f / 4 * t + f * (1 - t))) < 1e-6);
    }
    cril_model_close(m);
}

/* ---- Fused tensors ---- */

/* The *n numbers of three tensors of layer 0 of tiny-qwen2, one behind the other. */
static float *join_qkv(const char *kind, size_t *n)
{
    float *out = malloc(32768);

    assert_non_null(out);
    *n = 0;
    for (const char *p = "qkv"; *p; p++) {
        char name[32];

        snprintf(name, sizeof(name), "blk.0.attn_%c.%s", *p, kind);
        const struct cril_tensor *t = cril_source_find_tensor(bases[QWEN2], name);
        assert_non_null(t);
        assert_int_equal(t->type, CRIL_F32);
        assert_true(*n * 4 + t->bytes <= 32768);
        memcpy(out + *n, t->data, t->bytes);
        *n += t->bytes / 4;
    }
    return out;
}

/* A GGUF of a family whose queries, keys and values are three tensors may have them in one. */
static void test_fused_qkv(void **state)
{
    size_t n, n_bias;
    float *const numbers = join_qkv("weight", &n), *const biases = join_qkv("bias", &n_bias);
    const struct edit fused[] = {
        NO_TENSOR("blk.0.attn_q.weight"),
        NO_TENSOR("blk.0.attn_k.weight"),
        NO_TENSOR("blk.0.attn_v.weight"),
        NO_TENSOR("blk.0.attn_q.bias"),
        NO_TENSOR("blk.0.attn_k.bias"),
        NO_TENSOR("blk.0.attn_v.bias"),
        {.what = EDIT_NUMBERS,
         .name = "blk.0.attn_qkv.weight",
         .numbers = numbers,
         .ne = {n / n_bias, n_bias}},
        SET_NUMBERS("blk.0.attn_qkv.bias", n_bias, biases),
        {0},
    };
    static const enum cril_slot slots[][2] = {
        {CRIL_W_Q, CRIL_W_Q_BIAS}, {CRIL_W_K, CRIL_W_K_BIAS}, {CRIL_W_V, CRIL_W_V_BIAS}};
    cril_model *const one = must_open(QWEN2, fused);
    cril_model *three;

    (void)state;
    assert_int_equal(cril_model_open(CRIL_TEST_DATA "/golden/tiny-qwen2.gguf", &three, NULL),
                     CRIL_OK);
    for (size_t i = 0; i < 3; i++) {
        const struct cril_matrix *const a = &one->layers[0].matrix[slots[i][0]],
                                        *const b = &three->layers[0].matrix[slots[i][0]];

        assert_int_equal(a->rows, b->rows);
        assert_int_equal(a->columns, b->columns);
        for (size_t r = 0; r < b->rows; r++)
            assert_memory_equal(a->data + r * a->row_bytes, b->data + r * b->row_bytes,
                                b->columns * 4);
        assert_memory_equal(one->layers[0].vector[slots[i][1]],
                            three->layers[0].vector[slots[i][1]], b->rows * 4);
    }
    cril_model_close(one);
    cril_model_close(three);
    free(numbers);
    free(biases);
}

/* ---- opening ---- */

/* What is inspected is not opened again, and lives as long as the last who needs it. */
static void test_inspected(void **state)
{
    static const struct edit none[] = {{0}};
    cril_inspect *f;
    cril_tokenizer *t;
    cril_model *m;
    cril_error err;

    (void)state;
    assert_true(edit_write(bases[LLAMA], none, path));
    assert_int_equal(cril_inspect_open(path, &f, &err), CRIL_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(cril_model_open(path, &m, &err), CRIL_ERR_IO);
    assert_int_equal(cril_model_open_inspected(f, &m, &err), CRIL_OK);
    assert_int_equal(cril_tokenizer_open_inspected(f, &t, &err), CRIL_OK);
    cril_inspect_close(f);
    assert_int_equal(cril_tokenizer_size(t), 268);
    assert_int_equal(cril_tokenizer_size(cril_model_tokenizer(m)), 268);
    assert_string_equal(cril_model_name(m), "tiny-llama-mixed");
    /* by bytes, as scripts/make_tiny_models.py has them, and no vector's F32 */
    assert_string_equal(cril_model_types(m), "Q8_0+Q4_0");
    cril_tokenizer_free(t);
    cril_model_close(m);
    assert_true(edit_write(bases[LLAMA], none, path)); /* for tear_down */
}

/* ---- Folders ---- */

static void test_folder_vocabulary(void **state)
{
    const char *const said = strstr(LLAMA_CONFIG, "\"vocab_size\": 8");
    char config[512];
    cril_model *m;
    cril_error err;

    (void)state;
    write_llama(folder, LLAMA_CONFIG);
    assert_int_equal(cril_model_open(folder, &m, &err), CRIL_OK);
    cril_model_close(m);
    snprintf(config, sizeof(config), "%.*s\"vocab_size\": 9%s", (int)(said - LLAMA_CONFIG),
             LLAMA_CONFIG, said + strlen("\"vocab_size\": 8"));
    write_llama(folder, config);
    assert_int_equal(cril_model_open(folder, &m, &err), CRIL_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "tensor model.embed_tokens.weight has 8 rows, but "
                                        "\"vocab_size\" of config.json is 9"));
    remove_llama(folder);
}

/* ---- */

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/m.gguf", folder);
    for (int i = 0; i < N_BASES; i++) {
        char from[1024];

        snprintf(from, sizeof(from), "%s/golden/%s.gguf", CRIL_TEST_DATA, base_names[i]);
        if (cril_source_open(from, &bases[i], NULL) != CRIL_OK)
            return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < N_BASES; i++)
        cril_source_close(bases[i]);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_harmless),
        cmocka_unit_test(test_config),        cmocka_unit_test(test_names),
        cmocka_unit_test(test_gemma3_layers), cmocka_unit_test(test_gemma3_27b),
        cmocka_unit_test(test_rotations),     cmocka_unit_test(test_yarn_magnitude),
        cmocka_unit_test(test_yarn_ramp),     cmocka_unit_test(test_fused_qkv),
        cmocka_unit_test(test_inspected),     cmocka_unit_test(test_folder_vocabulary),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
