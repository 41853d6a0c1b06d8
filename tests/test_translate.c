/*
 * config.json to keys of GGUF: what each class takes for an absent key, both generations of
 * rotations, windows, what a GGUF cannot say, and what is refused by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "formats/hf_config.h"
#include "model/model.h"
#include "util/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LLAMA                                                                                      \
    "\"num_hidden_layers\": 2, \"hidden_size\": 48, \"intermediate_size\": 64, "                   \
    "\"num_attention_heads\": 6"

static cril_error err;

struct translated {
    struct cril_values config, keys;
    struct cril_translation t;
};

static cril_status translate(const char *name, const char *json, struct translated *out)
{
    const struct cril_class *class = NULL;
    const struct cril_family *const family =
        cril_family_of_class((struct cril_bytes){name, strlen(name)}, &class);
    struct json_t *root;

    *out = (struct translated){.config.path = "config.json", .keys.path = "config.json"};
    assert_non_null(family);
    assert_int_equal(
        cril_json_parse("config.json", (const uint8_t *)json, strlen(json), &root, &err), CRIL_OK);
    assert_int_equal(cril_hf_config_add(&out->config, root, &err), CRIL_OK);
    json_decref(root);
    out->t = (struct cril_translation){
        .config = &out->config, .out = &out->keys, .architecture = family->architecture};
    return cril_translate(class, &out->t, &err);
}

static void clear(struct translated *t)
{
    cril_values_free(&t->config);
    cril_values_free(&t->keys);
}

static struct translated must(const char *name, const char *json)
{
    struct translated t;

    if (translate(name, json, &t) != CRIL_OK)
        fail_msg("%s: %s", json, err.message);
    return t;
}

static uint64_t uint_of(const struct translated *t, const char *key)
{
    uint64_t x = 0;

    assert_int_equal(cril_values_uint(&t->keys, key, &x, &err), CRIL_OK);
    return x;
}

static double float_of(const struct translated *t, const char *key)
{
    double x = 0;

    assert_int_equal(cril_values_float(&t->keys, key, &x, &err), CRIL_OK);
    return x;
}

static bool has(const struct translated *t, const char *key)
{
    return cril_values_has(&t->keys, key);
}

static void defaults(void **state)
{
    struct translated t = must("LlamaForCausalLM", "{" LLAMA "}");

    (void)state;
    assert_int_equal(uint_of(&t, "llama.block_count"), 2);
    assert_int_equal(uint_of(&t, "llama.context_length"), 2048);
    assert_int_equal(uint_of(&t, "llama.attention.head_count_kv"), 6);
    assert_int_equal(uint_of(&t, "llama.attention.key_length"), 8);
    assert_int_equal(uint_of(&t, "llama.rope.dimension_count"), 8);
    assert_true(float_of(&t, "llama.rope.freq_base") == 10000);
    assert_true(float_of(&t, "llama.attention.layer_norm_rms_epsilon") == (double)1e-6f);
    assert_false(has(&t, "llama.rope.scaling.type"));
    assert_false(has(&t, "llama.attention.sliding_window"));
    assert_false(t.t.ties || t.t.has);
    clear(&t);

    t = must("MistralForCausalLM", "{" LLAMA "}");
    assert_int_equal(uint_of(&t, "llama.attention.head_count_kv"), 8);
    assert_int_equal(uint_of(&t, "llama.attention.sliding_window"), 4096);
    clear(&t);
    t = must("MistralForCausalLM", "{" LLAMA ", \"sliding_window\": null, \"head_dim\": 16}");
    assert_false(has(&t, "llama.attention.sliding_window"));
    assert_int_equal(uint_of(&t, "llama.attention.value_length"), 16);
    clear(&t);

    t = must("Qwen2ForCausalLM", "{" LLAMA ", \"sliding_window\": 16}");
    assert_int_equal(uint_of(&t, "qwen2.attention.head_count_kv"), 32);
    assert_int_equal(uint_of(&t, "qwen2.context_length"), 32768);
    assert_false(has(&t, "qwen2.attention.sliding_window"));
    assert_false(has(&t, "qwen2.attention.key_length"));
    assert_int_equal(t.t.has, CRIL_QKV_BIAS);
    clear(&t);

    t = must("Gemma3ForCausalLM", "{}");
    assert_int_equal(uint_of(&t, "gemma3.attention.key_length"), 256);
    assert_int_equal(uint_of(&t, "gemma3.attention.head_count_kv"), 4);
    assert_int_equal(uint_of(&t, "gemma3.attention.sliding_window"), 4096);
    assert_true(float_of(&t, "gemma3.rope.freq_base") == 1e6);
    assert_true(float_of(&t, "gemma3.rope.freq_base_swa") == 1e4);
    assert_false(has(&t, "gemma3.attention.sliding_window_pattern"));
    assert_false(has(&t, "gemma3.attention.scale"));
    assert_true(t.t.ties);
    clear(&t);
}

/* As "defaults", of the classes near Llama's. */
static void near_llama(void **state)
{
    struct translated t = must("GemmaForCausalLM", "{\"hidden_act\": \"gelu\"}");

    (void)state;
    assert_int_equal(uint_of(&t, "gemma.attention.key_length"), 256);
    assert_false(has(&t, "gemma.rope.freq_base")); /* GGUF files do not have it */
    assert_true(t.t.ties);
    clear(&t);
    t = must("Gemma2ForCausalLM", "{\"attn_logit_softcapping\": null, \"rope_theta\": 5000}");
    assert_true(float_of(&t, "gemma2.attn_logit_softcapping") == 0);
    assert_true(float_of(&t, "gemma2.final_logit_softcapping") == 30);
    assert_true(float_of(&t, "gemma2.rope.freq_base") == 5000);
    assert_false(has(&t, "gemma2.attention.sliding_window_pattern"));
    assert_false(has(&t, "gemma2.attention.scale"));
    clear(&t);

    t = must("Qwen3ForCausalLM", "{" LLAMA ", \"attention_bias\": true}");
    assert_int_equal(uint_of(&t, "qwen3.attention.key_length"), 128);
    assert_int_equal(t.t.has, CRIL_QKV_BIAS | CRIL_O_BIAS);
    clear(&t);
    t = must("GraniteForCausalLM", "{" LLAMA "}");
    assert_true(float_of(&t, "granite.attention.scale") == 1);
    assert_true(float_of(&t, "granite.logit_scale") == 1);
    clear(&t);
    t = must("NemotronForCausalLM", "{" LLAMA ", \"head_dim\": 12}");
    assert_int_equal(uint_of(&t, "nemotron.rope.dimension_count"), 6);
    assert_true(has(&t, "nemotron.rope.scaling.type"));
    assert_int_equal(t.t.has, CRIL_NORM_BIAS);
    clear(&t);
    t = must("CohereForCausalLM", "{" LLAMA ", \"model_max_length\": 131072}");
    assert_int_equal(uint_of(&t, "command-r.context_length"), 131072);
    assert_true(float_of(&t, "command-r.logit_scale") == 0.0625);
    assert_true(float_of(&t, "command-r.rope.freq_base") == 500000);
    assert_true(t.t.ties && !t.t.has);
    clear(&t);
    t = must("StableLmForCausalLM", "{" LLAMA ", \"head_dim\": 16, \"qk_layernorm\": true}");
    assert_int_equal(uint_of(&t, "stablelm.rope.dimension_count"), 4);
    assert_int_equal(t.t.has, CRIL_NORM_BIAS | CRIL_QK_NORM);
    clear(&t);
    t = must("InternLM2ForCausalLM", "{" LLAMA "}");
    assert_int_equal(t.t.has, CRIL_QKV_BIAS | CRIL_O_BIAS);
    clear(&t);
    t = must("OlmoForCausalLM", "{" LLAMA ", \"clip_qkv\": null}");
    assert_true(float_of(&t, "olmo.attention.layer_norm_epsilon") == (double)1e-5f);
    assert_false(has(&t, "olmo.attention.clamp_kqv"));
    clear(&t);
    t = must("Olmo3ForCausalLM", "{" LLAMA ", \"rope_theta\": 7000}");
    assert_true(float_of(&t, "olmo2.rope.freq_base") == 7000);
    assert_true(float_of(&t, "olmo2.rope.freq_base_swa") == 500000); /* as transformers has it */
    assert_int_equal(uint_of(&t, "olmo2.attention.sliding_window"), 4096);
    clear(&t);
    t = must("SmolLM3ForCausalLM", "{" LLAMA ", \"no_rope_layers\": [1, 1]}");
    assert_true(float_of(&t, "smollm3.rope.freq_base") == 2000000);
    assert_false(has(&t, "smollm3.attention.rope_pattern"));
    assert_true(t.t.ties);
    clear(&t);
}

/* What files publish and what transformers 5 writes are the same keys. */
static void generations(void **state)
{
    static const struct {
        const char *name, *published, *written;
    } same[] = {
        {"LlamaForCausalLM", "\"rope_theta\": 500000",
         "\"rope_parameters\": {\"rope_type\": "
         "\"default\", \"rope_theta\": 500000.0}"},
        {"LlamaForCausalLM",
         "\"rope_theta\": 1000.0, \"rope_scaling\": {\"type\": \"linear\", "
         "\"factor\": 4}",
         "\"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 4.0, \"rope_theta\": 1000}"},
        {"LlamaForCausalLM",
         "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, "
         "\"high_freq_factor\": 4, \"original_max_position_embeddings\": 64}",
         "\"rope_parameters\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": "
         "1.0, \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 64, "
         "\"rope_theta\": 10000.0}"},
        {"Gemma3ForCausalLM",
         "\"rope_theta\": 5000, \"rope_local_base_freq\": 70, \"rope_scaling\": {\"rope_type\": "
         "\"linear\", \"factor\": 8}",
         "\"rope_parameters\": {\"full_attention\": {\"rope_type\": \"linear\", \"factor\": 8, "
         "\"rope_theta\": 5000}, \"sliding_attention\": {\"rope_type\": \"default\", "
         "\"rope_theta\": 70}}"},
        {"Gemma3ForCausalLM", "\"sliding_window_pattern\": 2",
         "\"layer_types\": [\"sliding_attention\", \"full_attention\"]"},
        {"LlamaForCausalLM", "\"rope_scaling\": null", "\"rope_scaling\": {\"type\": \"default\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
        char json[1000];
        struct translated a, b;

        snprintf(json, sizeof(json), "{" LLAMA ", %s}", same[i].published);
        a = must(same[i].name, json);
        snprintf(json, sizeof(json), "{" LLAMA ", %s}", same[i].written);
        b = must(same[i].name, json);
        assert_int_equal(a.keys.n, b.keys.n);
        for (size_t k = 0; k < a.keys.n; k++) {
            const struct cril_value *const x = &a.keys.values[a.keys.names[k].i],
                                           *const y = &b.keys.values[b.keys.names[k].i];

            assert_int_equal(cril_bytes_compare(x->key, y->key), 0);
            assert_int_equal(x->n, y->n);
            if (x->type == CRIL_VALUE_STRING)
                assert_int_equal(cril_bytes_compare(x->strings[0], y->strings[0]), 0);
            else
                assert_memory_equal(x->data, y->data, cril_value_bytes(x));
        }
        clear(&a);
        clear(&b);
    }
}

static void scalings(void **state)
{
    struct translated t =
        must("LlamaForCausalLM",
             "{" LLAMA ", \"max_position_embeddings\": 512, \"rope_scaling\": {\"type\": \"yarn\", "
             "\"original_max_position_embeddings\": 64, \"beta_fast\": 16, \"truncate\": false}}");

    (void)state;
    assert_true(float_of(&t, "llama.rope.scaling.factor") == 8); /* 512 / 64 */
    assert_int_equal(uint_of(&t, "llama.rope.scaling.original_context_length"), 64);
    assert_true(float_of(&t, "llama.rope.scaling.yarn_beta_fast") == 16);
    assert_int_equal(uint_of(&t, "llama.rope.scaling.yarn_exact_ramp"), 1);
    assert_false(has(&t, "llama.rope.scaling.yarn_magnitude"));
    clear(&t);

    t = must("LlamaForCausalLM",
             "{" LLAMA ", \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4, "
             "\"attention_factor\": 1.5}}");
    assert_int_equal(uint_of(&t, "llama.rope.scaling.original_context_length"), 2048);
    assert_true(float_of(&t, "llama.rope.scaling.yarn_magnitude") == 1.5);
    clear(&t);

    t = must("LlamaForCausalLM", "{" LLAMA ", \"rope_scaling\": {\"type\": \"yarn\", \"factor\": "
                                 "40, \"mscale\": 1, \"mscale_all_dim\": 0.5}}");
    assert_true(fabs(float_of(&t, "llama.rope.scaling.yarn_magnitude") -
                     (0.1 * log(40) + 1) / (0.05 * log(40) + 1)) < 1e-6);
    clear(&t);
}

/* Of three layers, as truth values. */
static void expect_pattern(const char *name, const char *json, const char *key, const char *want)
{
    struct translated t = must(name, json);
    const struct cril_value *const v = cril_values_find(&t.keys, key);

    assert_non_null(v);
    assert_true(v->is_array && v->type == CRIL_VALUE_BOOL);
    assert_int_equal(v->n, strlen(want));
    for (size_t i = 0; i < v->n; i++)
        assert_int_equal(v->data[i], want[i] == 'w');
    clear(&t);
}

static void windows(void **state)
{
#define THREE                                                                                      \
    "{\"num_hidden_layers\": 3, \"hidden_size\": 8, \"intermediate_size\": 8, "                    \
    "\"num_attention_heads\": 2, "
    static const char qwen2[] = "qwen2.attention.sliding_window_pattern",
                      gemma3[] = "gemma3.attention.sliding_window_pattern";

    (void)state;
    expect_pattern("Qwen2ForCausalLM",
                   THREE "\"use_sliding_window\": true, \"max_window_layers\": 1}", qwen2, "-ww");
    expect_pattern("Qwen2ForCausalLM",
                   THREE "\"use_sliding_window\": true, \"layer_types\": [\"sliding_attention\", "
                         "\"full_attention\", \"sliding_attention\"]}",
                   qwen2, "w-w");
    expect_pattern("Gemma3ForCausalLM", THREE "\"sliding_window_pattern\": 2}", gemma3, "w-w");
    expect_pattern("Gemma3ForCausalLM", THREE "\"sliding_window_pattern\": 1}", gemma3, "---");
    expect_pattern("Gemma2ForCausalLM",
                   THREE "\"layer_types\": [\"full_attention\", \"sliding_attention\", "
                         "\"full_attention\"]}",
                   "gemma2.attention.sliding_window_pattern", "-w-");
    expect_pattern("Olmo3ForCausalLM", THREE "\"sliding_window\": 7}",
                   "olmo2.attention.sliding_window_pattern", "www");
    expect_pattern("Qwen3ForCausalLM",
                   THREE "\"use_sliding_window\": true, \"max_window_layers\": 2}",
                   "qwen3.attention.sliding_window_pattern", "--w");
    expect_pattern("SmolLM3ForCausalLM", THREE "\"no_rope_layers\": [0, 1, 1, 1]}",
                   "smollm3.attention.rope_pattern", "-ww");
    expect_pattern("SmolLM3ForCausalLM", THREE "\"no_rope_layer_interval\": 2}",
                   "smollm3.attention.rope_pattern", "w-w");
}

static void what_a_gguf_cannot_say(void **state)
{
    struct translated t = must("Gemma3ForCausalLM", "{\"query_pre_attn_scalar\": 28}");

    (void)state;
    assert_true(fabs(float_of(&t, "gemma3.attention.scale") - 1 / sqrt(28)) < 1e-7);
    clear(&t);
    t = must("Gemma3ForCausalLM", "{\"num_hidden_layers\": 62, \"hidden_size\": 5376, "
                                  "\"num_attention_heads\": 32, \"head_dim\": 128, "
                                  "\"query_pre_attn_scalar\": 168}");
    assert_false(has(&t, "gemma3.attention.scale")); /* a reader of GGUF takes it for 27B */
    clear(&t);
}

/* A folder of DeepSeek's has the keys of its GGUF: the heads of the absorbed form, and the real
 * ones. */
static void latent(void **state)
{
    struct translated t =
        must("DeepseekV2ForCausalLM",
             "{" LLAMA ", \"num_experts_per_tok\": 3, \"kv_lora_rank\": 20, \"q_lora_rank\": null, "
             "\"n_group\": 4, \"topk_group\": 2, \"rope_scaling\": {\"type\": \"yarn\", "
             "\"factor\": 40, \"original_max_position_embeddings\": 64, \"mscale\": 0.707, "
             "\"mscale_all_dim\": 0.707}}");

    (void)state;
    assert_int_equal(uint_of(&t, "deepseek2.attention.head_count_kv"), 1);
    assert_int_equal(uint_of(&t, "deepseek2.attention.key_length"), 84);
    assert_int_equal(uint_of(&t, "deepseek2.attention.value_length"), 20);
    assert_int_equal(uint_of(&t, "deepseek2.attention.key_length_mla"), 192);
    assert_int_equal(uint_of(&t, "deepseek2.attention.value_length_mla"), 128);
    assert_int_equal(uint_of(&t, "deepseek2.rope.dimension_count"), 64);
    assert_false(has(&t, "deepseek2.attention.q_lora_rank"));
    assert_true(float_of(&t, "deepseek2.rope.scaling.yarn_log_multiplier") ==
                (double)(float)(0.1 * 0.707));
    assert_true(float_of(&t, "deepseek2.rope.scaling.yarn_magnitude") == 1);
    assert_int_equal(uint_of(&t, "deepseek2.expert_count"), 64);
    assert_int_equal(uint_of(&t, "deepseek2.expert_gating_func"), 1);
    assert_int_equal(uint_of(&t, "deepseek2.expert_shared_count"), 2);
    assert_int_equal(uint_of(&t, "deepseek2.leading_dense_block_count"), 0);
    assert_false(has(&t, "deepseek2.expert_group_count")); /* "greedy" */
    assert_false(has(&t, "deepseek2.expert_weights_norm"));
    assert_int_equal(t.t.has, 0);
    clear(&t);

    t = must("DeepseekV3ForCausalLM", "{" LLAMA ", \"rope_interleave\": false}");
    assert_int_equal(uint_of(&t, "deepseek2.attention.q_lora_rank"), 1536);
    assert_int_equal(uint_of(&t, "deepseek2.expert_gating_func"), 2);
    assert_int_equal(uint_of(&t, "deepseek2.expert_group_count"), 8);
    assert_int_equal(uint_of(&t, "deepseek2.expert_group_used_count"), 4);
    assert_int_equal(uint_of(&t, "deepseek2.leading_dense_block_count"), 3);
    assert_true(has(&t, "deepseek2.expert_weights_norm") && has(&t, "deepseek2.rope.halves"));
    assert_false(has(&t, "deepseek2.rope.scaling.yarn_log_multiplier"));
    assert_int_equal(t.t.has, CRIL_ROUTER_BIAS);
    assert_int_equal(t.t.more_layers, 1);
    clear(&t);
    t = must("DeepseekV3ForCausalLM", "{" LLAMA ", \"num_nextn_predict_layers\": 0}");
    assert_int_equal(t.t.more_layers, 0);
    clear(&t);
    t = must("DeepseekV2ForCausalLM", "{" LLAMA ", \"num_experts_per_tok\": 2}");
    assert_int_equal(t.t.more_layers, 0);
    clear(&t);
}

static const struct cril_value *value_of(const struct translated *t, const char *key)
{
    const struct cril_value *const v = cril_values_find(&t->keys, key);

    assert_non_null(v);
    return v;
}

static void scans(void **state)
{
    struct translated t = must("MambaForCausalLM", "{\"hidden_size\": 40}");

    (void)state;
    assert_int_equal(uint_of(&t, "mamba.ssm.inner_size"), 80);
    assert_int_equal(uint_of(&t, "mamba.ssm.time_step_rank"), 3);
    assert_int_equal(uint_of(&t, "mamba.context_length"), 1 << 20);
    assert_true(t.t.ties && t.t.has == CRIL_CONV_BIAS);
    clear(&t);
    t = must("FalconMambaForCausalLM", "{\"time_step_rank\": \"auto\", \"expand\": 1.5, "
                                       "\"use_conv_bias\": false, \"mixer_rms_eps\": 0.01}");
    assert_int_equal(uint_of(&t, "mamba.ssm.inner_size"), 1152);
    assert_int_equal(uint_of(&t, "mamba.ssm.time_step_rank"), 48);
    assert_true(float_of(&t, "mamba.ssm.dt_b_c_rms_epsilon") == (double)0.01f);
    assert_int_equal(t.t.has, 0);
    clear(&t);

    t = must("Mamba2ForCausalLM", "{\"time_step_limit\": [0.0, Infinity]}");
    assert_int_equal(uint_of(&t, "mamba2.ssm.time_step_rank"), 128);
    assert_int_equal(uint_of(&t, "mamba2.ssm.group_count"), 8);
    assert_false(has(&t, "mamba2.ssm.time_step_min") || has(&t, "mamba2.ssm.time_step_max"));
    clear(&t);
    t = must("Mamba2ForCausalLM", "{\"time_step_limit\": [0.25, 2]}");
    assert_true(float_of(&t, "mamba2.ssm.time_step_min") == 0.25);
    assert_true(float_of(&t, "mamba2.ssm.time_step_max") == 2);
    clear(&t);

    t = must("RwkvForCausalLM", "{\"hidden_size\": 8, \"attention_hidden_size\": 12}");
    assert_int_equal(uint_of(&t, "rwkv4.wkv.width"), 12);
    assert_int_equal(uint_of(&t, "rwkv4.feed_forward_length"), 32);
    assert_int_equal(uint_of(&t, "rwkv4.rescale_every_n_layers"), 6);
    clear(&t);
}

/* Jamba's lists, one value a layer. */
static void kinds_of_layers(void **state)
{
    struct translated t = must("JambaForCausalLM", "{\"num_hidden_layers\": 16}");
    const struct cril_value *heads = value_of(&t, "jamba.attention.head_count_kv"),
                            *experts = value_of(&t, "jamba.expert_layers");

    (void)state;
    assert_true(heads->n == 16 && experts->n == 16);
    for (uint64_t i = 0; i < 16; i++) {
        assert_int_equal(cril_value_uint(heads, i), i % 8 == 4 ? 8 : 0);
        assert_int_equal(cril_value_uint(experts, i), i % 2);
    }
    clear(&t);
    t = must("JambaForCausalLM", "{\"num_hidden_layers\": 3, \"num_experts\": 1, "
                                 "\"attn_layer_period\": 2, \"attn_layer_offset\": 1, "
                                 "\"num_attention_heads\": 4, \"num_key_value_heads\": null}");
    heads = value_of(&t, "jamba.attention.head_count_kv");
    experts = value_of(&t, "jamba.expert_layers");
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(cril_value_uint(heads, i), i == 1 ? 4 : 0);
        assert_int_equal(cril_value_uint(experts, i), 0);
    }
    clear(&t);
}

/* Classes with LayerNorm and two matrices: other names, what their GGUF files leave out, layouts.
 */
static void gpts(void **state)
{
    struct translated t = must("GPT2LMHeadModel", "{\"n_inner\": null, \"hidden_size\": 96}");
    const unsigned biases = CRIL_QKV_BIAS | CRIL_O_BIAS | CRIL_FFN_BIAS | CRIL_NORM_BIAS;

    (void)state;
    assert_int_equal(uint_of(&t, "gpt2.embedding_length"), 96); /* where n_embd is absent */
    assert_int_equal(uint_of(&t, "gpt2.feed_forward_length"), 384);
    assert_int_equal(uint_of(&t, "gpt2.context_length"), 1024);
    assert_false(has(&t, "gpt2.hidden_activation") || has(&t, "gpt2.attention.scale_by_layer"));
    assert_int_equal(t.t.has, biases);
    assert_true(t.t.ties);
    clear(&t);
    t = must("GPT2LMHeadModel", "{\"n_embd\": 48, \"hidden_size\": 96, \"n_inner\": 7, "
                                "\"activation_function\": \"gelu\", "
                                "\"scale_attn_weights\": false}");
    assert_int_equal(uint_of(&t, "gpt2.embedding_length"), 48);
    assert_int_equal(uint_of(&t, "gpt2.feed_forward_length"), 7);
    assert_true(has(&t, "gpt2.hidden_activation"));
    assert_true(float_of(&t, "gpt2.attention.scale") == 1);
    clear(&t);

    t = must("GPTBigCodeForCausalLM", "{\"n_head\": 6}");
    assert_int_equal(uint_of(&t, "starcoder.attention.head_count_kv"), 1);
    clear(&t);
    t = must("GPTBigCodeForCausalLM", "{\"n_head\": 6, \"multi_query\": false}");
    assert_int_equal(uint_of(&t, "starcoder.attention.head_count_kv"), 6);
    clear(&t);

    t = must("GPTNeoXForCausalLM", "{\"hidden_size\": 64, \"num_attention_heads\": 4, "
                                   "\"rotary_emb_base\": 1000, \"attention_bias\": false}");
    assert_int_equal(uint_of(&t, "gptneox.rope.dimension_count"), 4);
    assert_true(float_of(&t, "gptneox.rope.freq_base") == 1000);
    assert_int_equal(t.t.has, CRIL_FFN_BIAS | CRIL_NORM_BIAS);
    clear(&t);
    t = must("PhiForCausalLM", "{\"num_attention_heads\": 32, \"num_key_value_heads\": null}");
    assert_int_equal(uint_of(&t, "phi2.rope.dimension_count"), 32);
    assert_int_equal(uint_of(&t, "phi2.attention.head_count_kv"), 32);
    assert_false(has(&t, "phi2.rope.freq_base"));
    clear(&t);

    t = must("OPTForCausalLM", "{\"word_embed_proj_dim\": 512, \"hidden_size\": 1024, "
                               "\"do_layer_norm_before\": false}");
    assert_int_equal(uint_of(&t, "opt.embedding_length_ends"), 512);
    clear(&t);
}

/* Falcon's four layouts, and the first configurations of two. */
static void falcons(void **state)
{
    static const struct {
        const char *name, *json;
        uint64_t key_heads;
        const char *norms; /* of branches: "one", "two"; NULL: branches in turn */
    } cases[] = {
        {"FalconForCausalLM", "{\"num_kv_heads\": 71}", 1, "one"},
        {"FalconForCausalLM", "{\"new_decoder_architecture\": true, \"num_kv_heads\": 8}", 8,
         "two"},
        {"FalconForCausalLM",
         "{\"new_decoder_architecture\": true, \"num_kv_heads\": 8, "
         "\"num_ln_in_parallel_attn\": 1}",
         8, "one"},
        {"FalconForCausalLM", "{\"multi_query\": false, \"parallel_attn\": false, \"alibi\": true}",
         71, NULL},
        {"RWForCausalLM", "{\"n_layer\": 32, \"multi_query\": true}", 1, "one"},
        {"RWForCausalLM", "{\"n_head\": 128, \"n_head_kv\": 8}", 8, "two"},
    };
    static const char each[] = "falcon.norm_for_each_branch";

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct translated t = must(cases[i].name, cases[i].json);
        const struct cril_value *const norms = cril_values_find(&t.keys, each);

        assert_int_equal(uint_of(&t, "falcon.attention.head_count_kv"), cases[i].key_heads);
        assert_int_equal(uint_of(&t, "falcon.feed_forward_length"), 4 * 4544);
        assert_int_equal(norms != NULL, cases[i].norms != NULL);
        assert_int_equal(has(&t, "falcon.use_parallel_residual"), !cases[i].norms);
        assert_int_equal(has(&t, "falcon.attention.max_alibi_bias"), !cases[i].norms);
        if (norms)
            assert_int_equal(norms->data[0], !strcmp(cases[i].norms, "two"));
        clear(&t);
    }
}

static void refusals(void **state)
{
    static const struct {
        const char *name, *json;
        cril_status status;
        const char *says;
    } cases[] = {
        {"LlamaForCausalLM", "{\"num_hidden_layers\": 2}", CRIL_ERR_FORMAT,
         "config.json: has no \"hidden_size\", which a LlamaForCausalLM needs"},
        {"LlamaForCausalLM", "{" LLAMA ", \"hidden_act\": \"gelu\"}", CRIL_ERR_UNSUPPORTED,
         "\"hidden_act\" is \"gelu\""},
        {"LlamaForCausalLM", "{" LLAMA ", \"num_key_value_heads\": 1.5}", CRIL_ERR_FORMAT,
         "\"num_key_value_heads\" is not a whole number"},
        {"LlamaForCausalLM", "{" LLAMA ", \"num_key_value_heads\": -1}", CRIL_ERR_FORMAT,
         "\"num_key_value_heads\" is not a whole number"},
        {"LlamaForCausalLM", "{" LLAMA ", \"vocab_size\": 5000000000}", CRIL_ERR_FORMAT,
         "too large"},
        {"LlamaForCausalLM", "{" LLAMA ", \"rms_norm_eps\": \"small\"}", CRIL_ERR_FORMAT,
         "\"rms_norm_eps\" is not a number"},
        {"LlamaForCausalLM", "{" LLAMA ", \"rms_norm_eps\": Infinity}", CRIL_ERR_FORMAT,
         "\"rms_norm_eps\" is not finite"},
        {"LlamaForCausalLM", "{" LLAMA ", \"tie_word_embeddings\": 1}", CRIL_ERR_FORMAT,
         "\"tie_word_embeddings\" is not true or false"},
        {"LlamaForCausalLM", "{" LLAMA ", \"rope_scaling\": {\"type\": \"spiral\"}}",
         CRIL_ERR_UNSUPPORTED, "scaled by \"spiral\""},
        {"LlamaForCausalLM", "{" LLAMA ", \"rope_scaling\": {\"type\": 7}}", CRIL_ERR_FORMAT,
         "\"rope_scaling.type\" is not a text"},
        {"LlamaForCausalLM", "{" LLAMA ", \"rope_scaling\": {\"type\": \"linear\"}}",
         CRIL_ERR_FORMAT, "has no \"rope_scaling.factor\""},
        {"LlamaForCausalLM", "{" LLAMA ", \"rope_scaling\": {\"factor\": 4}}", CRIL_ERR_FORMAT,
         "\"rope_scaling\" has no \"rope_type\""},
        {"LlamaForCausalLM", "{" LLAMA ", \"rope_scaling\": \"linear\"}", CRIL_ERR_FORMAT,
         "\"rope_scaling\" is not an object"},
        {"LlamaForCausalLM", "{" LLAMA ", \"rope_parameters\": [1]}", CRIL_ERR_FORMAT,
         "\"rope_parameters\" is not an object"},
        {"LlamaForCausalLM", "{" LLAMA ", \"rope_theta\": {\"a\": 1}}", CRIL_ERR_FORMAT,
         "\"rope_theta\" is not a number"},
        {"LlamaForCausalLM", "{" LLAMA ", \"rms_norm_eps\": {\"a\": 1}}", CRIL_ERR_FORMAT,
         "\"rms_norm_eps\" is not a number"},
        {"LlamaForCausalLM", "{" LLAMA ", \"num_key_value_heads\": {\"a\": {\"b\": 1}}}",
         CRIL_ERR_FORMAT, "\"num_key_value_heads\" is not a whole number"},
        {"LlamaForCausalLM", "{" LLAMA ", \"tie_word_embeddings\": {\"a\": 1}}", CRIL_ERR_FORMAT,
         "\"tie_word_embeddings\" is not true or false"},
        {"LlamaForCausalLM", "{" LLAMA ", \"hidden_act\": {\"a\": 1}}", CRIL_ERR_FORMAT,
         "\"hidden_act\" is not a text"},
        {"Gemma3ForCausalLM",
         "{\"rope_parameters\": {\"sliding_attention\": {\"rope_type\": \"linear\", \"factor\": "
         "8}}}",
         CRIL_ERR_UNSUPPORTED, "\"rope_parameters.sliding_attention.rope_type\" is \"linear\""},
        {"LlamaForCausalLM", "{" LLAMA ", \"partial_rotary_factor\": 0.5}", CRIL_ERR_UNSUPPORTED,
         "\"partial_rotary_factor\" is 0.5; cril runs a LlamaForCausalLM that turns whole heads"},
        {"LlamaForCausalLM", "{" LLAMA ", \"rope_theta\": 0}", CRIL_ERR_FORMAT,
         "\"rope_theta\" is 0"},
        {"QWenLMHeadModel", "{" LLAMA ", \"rotary_emb_base\": 0}", CRIL_ERR_FORMAT,
         "\"rotary_emb_base\" is 0"},
        {"LlamaForCausalLM", "{" LLAMA ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 0}}",
         CRIL_ERR_FORMAT, "\"rope_scaling.factor\" is 0"},
        {"LlamaForCausalLM", "{" LLAMA ", \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 0}}",
         CRIL_ERR_FORMAT, "\"rope_scaling.factor\" is 0"},
        {"LlamaForCausalLM",
         "{" LLAMA
         ", \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4, \"attention_factor\": 0}}",
         CRIL_ERR_FORMAT, "\"rope_scaling.attention_factor\" is 0"},
        {"LlamaForCausalLM",
         "{" LLAMA ", \"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 1e-300}}",
         CRIL_ERR_FORMAT, "1e-300 is too small for rope.scaling.factor"},
        {"GPTNeoXForCausalLM", "{\"rotary_pct\": 0}", CRIL_ERR_FORMAT,
         "\"rotary_pct\" is 0, not in 0..1"},
        {"CohereForCausalLM", "{" LLAMA ", \"logit_scale\": 0}", CRIL_ERR_FORMAT,
         "\"logit_scale\" is 0"},
        {"Gemma2ForCausalLM", "{\"final_logit_softcapping\": 0}", CRIL_ERR_FORMAT,
         "\"final_logit_softcapping\" is 0"},
        {"GraniteMoeForCausalLM", "{" LLAMA ", \"residual_multiplier\": 0}", CRIL_ERR_FORMAT,
         "\"residual_multiplier\" is 0"},
        {"GraniteMoeForCausalLM", "{" LLAMA ", \"attention_multiplier\": 0}", CRIL_ERR_FORMAT,
         "\"attention_multiplier\" is 0"},
        {"DeepseekV2ForCausalLM",
         "{" LLAMA ", \"num_experts_per_tok\": 2, \"routed_scaling_factor\": 0}", CRIL_ERR_FORMAT,
         "\"routed_scaling_factor\" is 0"},
        {"MptForCausalLM", "{\"attn_config\": {\"softmax_scale\": 0}}", CRIL_ERR_FORMAT,
         "\"attn_config.softmax_scale\" is 0"},
        {"PhiForCausalLM", "{" LLAMA ", \"partial_rotary_factor\": 1.5}", CRIL_ERR_FORMAT,
         "\"partial_rotary_factor\" is 1.5, not in 0..1"},
        {"Gemma3ForCausalLM", "{\"use_bidirectional_attention\": true}", CRIL_ERR_UNSUPPORTED,
         "\"use_bidirectional_attention\" is true"},
        {"Gemma3ForCausalLM", "{\"layer_types\": [\"full_attention\"]}", CRIL_ERR_FORMAT,
         "\"layer_types\" is not a list of texts, one a layer"},
        {"Gemma3ForCausalLM", "{\"num_hidden_layers\": 1, \"layer_types\": [\"linear_attention\"]}",
         CRIL_ERR_UNSUPPORTED, "layer 0 is \"linear_attention\""},
        {"MambaForCausalLM", "{\"use_bias\": true}", CRIL_ERR_UNSUPPORTED, "\"use_bias\" is true"},
        {"MambaForCausalLM", "{\"expand\": -1}", CRIL_ERR_FORMAT, "\"expand\" is -1"},
        {"MambaForCausalLM", "{\"time_step_rank\": \"all\"}", CRIL_ERR_FORMAT,
         "\"time_step_rank\" is not a whole number"},
        {"Mamba2ForCausalLM", "{\"num_heads\": 0}", CRIL_ERR_FORMAT, "\"num_heads\" (0)"},
        {"Mamba2ForCausalLM", "{\"head_dim\": 32}", CRIL_ERR_FORMAT, "\"head_dim\" (32)"},
        {"Mamba2ForCausalLM", "{\"time_step_limit\": [1]}", CRIL_ERR_FORMAT,
         "\"time_step_limit\" is not two numbers"},
        {"JambaForCausalLM", "{\"attn_layer_period\": 4}", CRIL_ERR_FORMAT,
         "\"attn_layer_offset\" is 4"},
        {"JambaForCausalLM", "{\"expert_layer_period\": 0}", CRIL_ERR_FORMAT,
         "\"expert_layer_offset\" is 1"},
        {"JambaForCausalLM", "{\"num_hidden_layers\": 5000}", CRIL_ERR_FORMAT, "is 5000"},
        {"Gemma3ForCausalLM", "{\"num_hidden_layers\": 5000}", CRIL_ERR_FORMAT, "5000 layers"},
        {"DeepseekV2ForCausalLM", "{" LLAMA "}", CRIL_ERR_FORMAT, "no \"num_experts_per_tok\""},
        {"DeepseekV3ForCausalLM", "{" LLAMA ", \"num_key_value_heads\": 3}", CRIL_ERR_UNSUPPORTED,
         "\"num_key_value_heads\" is 3; cril runs a DeepseekV3ForCausalLM with 6 only"},
        {"DeepseekV3ForCausalLM", "{" LLAMA ", \"qk_rope_head_dim\": 5000000000}", CRIL_ERR_FORMAT,
         "\"qk_rope_head_dim\" is 5000000000, too large"},
        {"DeepseekV3ForCausalLM", "{" LLAMA ", \"moe_layer_freq\": 2}", CRIL_ERR_UNSUPPORTED,
         "\"moe_layer_freq\" is 2"},
        {"DeepseekV3ForCausalLM", "{" LLAMA ", \"scoring_func\": \"softmax\"}",
         CRIL_ERR_UNSUPPORTED, "\"scoring_func\" is \"softmax\""},
        {"DeepseekV3ForCausalLM", "{" LLAMA ", \"attention_bias\": true}", CRIL_ERR_UNSUPPORTED,
         "\"attention_bias\" is true"},
        {"GemmaForCausalLM", "{\"hidden_activation\": \"gelu\"}", CRIL_ERR_UNSUPPORTED,
         "\"hidden_activation\" is \"gelu\""},
        {"SmolLM3ForCausalLM", "{" LLAMA ", \"no_rope_layers\": [1]}", CRIL_ERR_FORMAT,
         "\"no_rope_layers\" is not a list of whole numbers, one a layer"},
        {"SmolLM3ForCausalLM", "{" LLAMA ", \"use_sliding_window\": true}", CRIL_ERR_UNSUPPORTED,
         "\"use_sliding_window\" is true"},
        {"GraniteForCausalLM", "{" LLAMA ", \"logits_scaling\": 0}", CRIL_ERR_FORMAT,
         "\"logits_scaling\" is 0"},
        {"OlmoForCausalLM", "{" LLAMA ", \"attention_bias\": true}", CRIL_ERR_UNSUPPORTED,
         "\"attention_bias\" is true"},
        {"NemotronForCausalLM", "{" LLAMA ", \"hidden_act\": \"relu\"}", CRIL_ERR_UNSUPPORTED,
         "\"hidden_act\" is \"relu\""},
        {"Olmo3ForCausalLM",
         "{" LLAMA ", \"rope_parameters\": {\"sliding_attention\": {\"rope_type\": \"yarn\"}}}",
         CRIL_ERR_UNSUPPORTED, "\"rope_parameters.sliding_attention.rope_type\" is \"yarn\""},
        {"GPT2LMHeadModel", "{\"add_cross_attention\": true}", CRIL_ERR_UNSUPPORTED,
         "\"add_cross_attention\" is true"},
        {"GPT2LMHeadModel", "{\"activation_function\": \"mish\"}", CRIL_ERR_UNSUPPORTED,
         "\"activation_function\" is \"mish\""},
        {"GPT2LMHeadModel", "{\"n_embd\": 4294967295}", CRIL_ERR_FORMAT, "is too large"},
        {"Starcoder2ForCausalLM", "{\"mlp_type\": \"gated\"}", CRIL_ERR_UNSUPPORTED,
         "\"mlp_type\" is \"gated\""},
        {"FalconForCausalLM", "{\"new_decoder_architecture\": true, \"parallel_attn\": false}",
         CRIL_ERR_UNSUPPORTED, "\"parallel_attn\" is false and \"num_ln_in_parallel_attn\" is 2"},
        {"FalconForCausalLM", "{\"num_ln_in_parallel_attn\": 2}", CRIL_ERR_UNSUPPORTED,
         "\"num_ln_in_parallel_attn\" is 2"},
        {"MPTForCausalLM", "{\"attn_config\": {\"qk_ln\": true}}", CRIL_ERR_UNSUPPORTED,
         "\"attn_config.qk_ln\" is true"},
        {"MPTForCausalLM", "{\"attn_config\": {\"alibi\": false}}", CRIL_ERR_UNSUPPORTED,
         "\"attn_config.alibi\" is false"},
        {"MPTForCausalLM", "{\"expansion_ratio\": 3}", CRIL_ERR_UNSUPPORTED,
         "\"expansion_ratio\" is 3"},
        {"MPTForCausalLM", "{\"logit_scale\": \"inv_sqrt_d_model\"}", CRIL_ERR_UNSUPPORTED,
         "has \"logit_scale\", which cril does not compute for a MPTForCausalLM"},
        {"BloomForCausalLM", "{\"apply_residual_connection_post_layernorm\": true}",
         CRIL_ERR_UNSUPPORTED, "\"apply_residual_connection_post_layernorm\" is true"},
        {"OPTForCausalLM", "{\"word_embed_proj_dim\": 512}", CRIL_ERR_UNSUPPORTED,
         "\"word_embed_proj_dim\" 512 and \"hidden_size\" 768"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct translated t;
        const cril_status st = translate(cases[i].name, cases[i].json, &t);

        if (st != cases[i].status || !strstr(err.message, cases[i].says))
            fail_msg("row %zu: status %d, '%s'", i, (int)st, err.message);
        clear(&t);
    }
}

/* Experts, under either name of their number; what GGUF files of the architecture do not say is
 * added where it is not as usual there. */
static void experts(void **state)
{
    struct translated t = must("MixtralForCausalLM", "{" LLAMA ", \"num_local_experts\": 4}");

    (void)state;
    assert_int_equal(uint_of(&t, "llama.expert_count"), 4);
    assert_int_equal(uint_of(&t, "llama.expert_used_count"), 2);
    assert_true(float_of(&t, "llama.rope.freq_base") == 1000000);
    assert_true(float_of(&t, "llama.attention.layer_norm_rms_epsilon") == (double)1e-5f);
    assert_false(has(&t, "llama.attention.sliding_window"));
    clear(&t);

    t = must("Qwen2MoeForCausalLM", "{" LLAMA ", \"num_experts\": 6, \"norm_topk_prob\": false, "
                                    "\"mlp_only_layers\": [], \"decoder_sparse_step\": 1}");
    assert_int_equal(uint_of(&t, "qwen2moe.expert_count"), 6);
    assert_int_equal(uint_of(&t, "qwen2moe.expert_used_count"), 4);
    assert_int_equal(uint_of(&t, "qwen2moe.expert_feed_forward_length"), 1408);
    assert_int_equal(uint_of(&t, "qwen2moe.expert_shared_feed_forward_length"), 5632);
    assert_false(has(&t, "qwen2moe.expert_weights_norm") || has(&t, "qwen2moe.expert_layers"));
    assert_int_equal(t.t.has, CRIL_QKV_BIAS);
    clear(&t);
    t = must("Qwen2MoeForCausalLM", "{" LLAMA ", \"norm_topk_prob\": true, "
                                    "\"mlp_only_layers\": [1, 7]}");
    assert_true(has(&t, "qwen2moe.expert_weights_norm"));
    const struct cril_value *const layers = cril_values_find(&t.keys, "qwen2moe.expert_layers");
    assert_true(layers && layers->n == 2 && layers->data[0] && !layers->data[1]);
    clear(&t);

    t = must("Qwen3MoeForCausalLM", "{" LLAMA ", \"norm_topk_prob\": true}");
    assert_int_equal(uint_of(&t, "qwen3moe.expert_count"), 128);
    assert_int_equal(uint_of(&t, "qwen3moe.attention.key_length"), 8);
    assert_false(has(&t, "qwen3moe.expert_weights_norm"));
    clear(&t);
    t = must("OlmoeForCausalLM", "{" LLAMA ", \"clip_qkv\": 8}");
    assert_true(float_of(&t, "olmoe.attention.clamp_kqv") == 8);
    assert_false(has(&t, "olmoe.expert_weights_norm"));
    clear(&t);
    t = must("GraniteMoeForCausalLM", "{" LLAMA ", \"logits_scaling\": 6}");
    assert_true(float_of(&t, "granitemoe.attention.scale") == 1);
    assert_true(float_of(&t, "granitemoe.logit_scale") == 6);
    assert_int_equal(uint_of(&t, "granitemoe.expert_count"), 8);
    clear(&t);

    assert_int_equal(
        translate("Qwen3MoeForCausalLM", "{" LLAMA ", \"decoder_sparse_step\": 0}", &t),
        CRIL_ERR_FORMAT);
    clear(&t);
    assert_int_equal(
        translate("Qwen3MoeForCausalLM", "{" LLAMA ", \"mlp_only_layers\": [\"1\"]}", &t),
        CRIL_ERR_FORMAT);
    clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(experts),
        cmocka_unit_test(near_llama),
        cmocka_unit_test(generations),
        cmocka_unit_test(scalings),
        cmocka_unit_test(windows),
        cmocka_unit_test(what_a_gguf_cannot_say),
        cmocka_unit_test(gpts),
        cmocka_unit_test(falcons),
        cmocka_unit_test(latent),
        cmocka_unit_test(scans),
        cmocka_unit_test(kinds_of_layers),
        cmocka_unit_test(refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
