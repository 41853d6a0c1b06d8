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
         "\"partial_rotary_factor\" is 0.5"},
        {"Gemma3ForCausalLM", "{\"use_bidirectional_attention\": true}", CRIL_ERR_UNSUPPORTED,
         "\"use_bidirectional_attention\" is true"},
        {"Gemma3ForCausalLM", "{\"layer_types\": [\"full_attention\"]}", CRIL_ERR_FORMAT,
         "\"layer_types\" is not a list of texts, one a layer"},
        {"Gemma3ForCausalLM", "{\"num_hidden_layers\": 1, \"layer_types\": [\"linear_attention\"]}",
         CRIL_ERR_UNSUPPORTED, "layer 0 is \"linear_attention\""},
        {"Gemma3ForCausalLM", "{\"num_hidden_layers\": 5000}", CRIL_ERR_FORMAT, "5000 layers"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(generations),
        cmocka_unit_test(scalings),
        cmocka_unit_test(windows),
        cmocka_unit_test(what_a_gguf_cannot_say),
        cmocka_unit_test(refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
