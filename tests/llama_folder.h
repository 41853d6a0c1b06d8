/* The folder of a Llama of one layer, whose weights are 0. */
#ifndef CRIL_TESTS_LLAMA_FOLDER_H
#define CRIL_TESTS_LLAMA_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LLAMA_CONFIG                                                                               \
    "{\"architectures\": [\"LlamaForCausalLM\"], \"hidden_size\": 4, \"intermediate_size\": 4, "   \
    "\"num_attention_heads\": 2, \"num_hidden_layers\": 1, \"vocab_size\": 8, "                    \
    "\"tie_word_embeddings\": true}"

#define LLAMA_TOKENIZER                                                                            \
    "{\"added_tokens\": [{\"id\": 4, \"content\": \"<s>\", \"special\": true}],"                   \
    "\"normalizer\": null, \"pre_tokenizer\": {\"type\": \"ByteLevel\","                           \
    "\"add_prefix_space\": false, \"use_regex\": true}, \"post_processor\": null,"                 \
    "\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2, \"ba\": 3},"        \
    "\"merges\": [\"a b\", \"b a\"]}}"

static void write_member(const char *folder, const char *name, const void *data, size_t n)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_non_null(f = fopen(path, "wb"));
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void write_zeros(const char *folder)
{
    static const struct {
        const char *name;
        unsigned rows, columns; /* rows 0: a vector */
    } tensors[] = {{"model.embed_tokens.weight", 8, 4},
                   {"model.norm.weight", 0, 4},
                   {"model.layers.0.input_layernorm.weight", 0, 4},
                   {"model.layers.0.post_attention_layernorm.weight", 0, 4},
                   {"model.layers.0.self_attn.q_proj.weight", 4, 4},
                   {"model.layers.0.self_attn.k_proj.weight", 4, 4},
                   {"model.layers.0.self_attn.v_proj.weight", 4, 4},
                   {"model.layers.0.self_attn.o_proj.weight", 4, 4},
                   {"model.layers.0.mlp.gate_proj.weight", 4, 4},
                   {"model.layers.0.mlp.up_proj.weight", 4, 4},
                   {"model.layers.0.mlp.down_proj.weight", 4, 4}};
    static uint8_t file[4096];
    char *const header = (char *)file + 8;
    size_t n = 0, bytes = 0;

    for (size_t i = 0; i < sizeof(tensors) / sizeof(tensors[0]); i++) {
        const size_t size = 4 * tensors[i].columns * (tensors[i].rows ? tensors[i].rows : 1);
        char rows[16] = "";

        if (tensors[i].rows)
            snprintf(rows, sizeof(rows), "%u, ", tensors[i].rows);
        n += (size_t)snprintf(header + n, sizeof(file) - 8 - n,
                              "%s\"%s\": {\"dtype\": \"F32\", \"shape\": [%s%u], "
                              "\"data_offsets\": [%zu, %zu]}",
                              i ? ", " : "{", tensors[i].name, rows, tensors[i].columns, bytes,
                              bytes + size);
        bytes += size;
    }
    n += (size_t)snprintf(header + n, sizeof(file) - 8 - n, "}");
    memset(header + n, 0, sizeof(file) - 8 - n);
    file[0] = (uint8_t)n;
    file[1] = (uint8_t)(n >> 8);
    assert_true(8 + n + bytes <= sizeof(file));
    write_member(folder, "model.safetensors", file, 8 + n + bytes);
}

/* Its files: this config.json, and the tokenizer above. */
static void write_llama(const char *folder, const char *config)
{
    write_member(folder, "config.json", config, strlen(config));
    write_member(folder, "tokenizer.json", LLAMA_TOKENIZER, strlen(LLAMA_TOKENIZER));
    write_zeros(folder);
}

static void remove_llama(const char *folder)
{
    static const char *const members[] = {"config.json", "model.safetensors", "tokenizer.json"};

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        char path[256];

        snprintf(path, sizeof(path), "%s/%s", folder, members[i]);
        unlink(path);
    }
}

#endif
