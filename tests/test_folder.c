/*
 * Folders as Hugging Face's libraries write them: values of config.json, tensors of one or several
 * files, which files count; and each folder that cril does not read, refused by name.
 */
#include "folder_files.h"

#include "formats/hf_config.h"

#include <cril/model.h>
#include <math.h>

#define MODEL "model.safetensors"
#define INDEX "model.safetensors.index.json"
#define TENSOR(name, from, to)                                                                     \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" #from "," #to "]}"

/* ---- config.json ---- */

static struct cril_values flattened(const char *text, cril_status expected, const char *words)
{
    struct cril_values v = {.path = "config.json"};
    cril_error err = {0};
    json_t *root;

    assert_int_equal(
        cril_json_parse("config.json", (const uint8_t *)text, strlen(text), &root, &err), CRIL_OK);
    assert_int_equal(cril_hf_config_add(&v, root, &err), expected);
    if (words && !strstr(err.message, words))
        fail_msg("'%s' lacks '%s'", err.message, words);
    json_decref(root);
    return v;
}

static void values(void **state)
{
    struct cril_values v = flattened(
        "{\"n\": 7, \"minus\": -3, \"real\": 1e-5, \"whole\": 8.0, \"yes\": true, \"text\": \"x\","
        "\"none\": null, \"list\": [1, -2], \"reals\": [0, Infinity, 0.5], \"empty\": [],"
        "\"texts\": [\"a\", \"b\\u0000c\"], \"truths\": [true, false],"
        "\"mixed\": [1, \"a\"], \"lists\": [[1, 2.5], {\"a\": null}], \"nulls\": [null],"
        "\"object\": {\"a\": 1, \"in\": {\"b\": 2, \"none\": null}, \"empty\": {}},"
        "\"big\": 18446744073709551615}",
        CRIL_OK, NULL);
    const struct cril_value *x;
    struct cril_bytes s;
    uint64_t u;
    double d;
    bool yes;

    (void)state;
    assert_int_equal(v.n, 19);
    assert_int_equal(cril_values_uint(&v, "n", &u, NULL), CRIL_OK);
    assert_int_equal(u, 7);
    x = cril_values_find(&v, "minus");
    assert_int_equal(x->type, CRIL_VALUE_I64);
    assert_true((int64_t)cril_value_uint(x, 0) == -3);
    assert_int_equal(cril_values_float(&v, "real", &d, NULL), CRIL_OK);
    assert_true(d == 1e-5);
    assert_int_equal(cril_values_find(&v, "whole")->type, CRIL_VALUE_F64);
    assert_int_equal(cril_values_bool(&v, "yes", &yes, NULL), CRIL_OK);
    assert_true(yes);
    assert_int_equal(cril_values_string(&v, "text", &s, NULL), CRIL_OK);
    assert_int_equal(s.len, 1);
    x = cril_values_find(&v, "none");
    assert_true(x->is_array && x->type == CRIL_VALUE_U8 && x->n == 0);
    x = cril_values_find(&v, "list");
    assert_true(x->is_array && x->type == CRIL_VALUE_I64 && x->n == 2);
    assert_true((int64_t)cril_value_uint(x, 1) == -2);
    x = cril_values_find(&v, "reals");
    assert_true(x->is_array && x->type == CRIL_VALUE_F64 && x->n == 3);
    assert_true(cril_value_float(x, 0) == 0 && isinf(cril_value_float(x, 1)) &&
                cril_value_float(x, 2) == 0.5);
    x = cril_values_find(&v, "empty");
    assert_true(x->is_array && x->type == CRIL_VALUE_STRING && x->n == 0);
    x = cril_values_find(&v, "texts");
    assert_true(x->is_array && x->n == 2 && x->strings[1].len == 3);
    x = cril_values_find(&v, "truths");
    assert_true(x->is_array && x->type == CRIL_VALUE_BOOL && x->n == 2);
    assert_true(cril_value_uint(x, 0) == 1 && cril_value_uint(x, 1) == 0);
    assert_int_equal(cril_values_string(&v, "mixed", &s, NULL), CRIL_OK);
    assert_memory_equal(s.data, "[1,\"a\"]", s.len);
    assert_int_equal(cril_values_string(&v, "lists", &s, NULL), CRIL_OK);
    assert_memory_equal(s.data, "[[1,2.5],{\"a\":null}]", s.len);
    assert_int_equal(cril_values_string(&v, "nulls", &s, NULL), CRIL_OK);
    assert_int_equal(cril_values_uint(&v, "object.a", &u, NULL), CRIL_OK);
    assert_int_equal(cril_values_uint(&v, "object.in.b", &u, NULL), CRIL_OK);
    assert_int_equal(u, 2);
    assert_true(cril_value_float(cril_values_find(&v, "big"), 0) == 0x1p64);
    cril_values_free(&v);
}

static void text_config(void **state)
{
    struct cril_values v = flattened(
        "{\"architectures\": [\"A\"], \"n\": 1, \"rope\": {\"top\": 1}, \"only\": 2, \"both\": 3, "
        "\"none\": null,"
        "\"text_config\": {\"n\": 4, \"rope\": {\"own\": 5}, \"both\": null, \"none\": null, "
        "\"architectures\": null}, \"vision_config\": {\"n\": 6}}",
        CRIL_OK, NULL);
    static const struct {
        const char *key;
        uint64_t value;
    } expected[] = {{"n", 4}, {"rope.own", 5}, {"only", 2}, {"both", 3}, {"vision_config.n", 6}};
    uint64_t u;

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_int_equal(cril_values_uint(&v, expected[i].key, &u, NULL), CRIL_OK);
        assert_int_equal(u, expected[i].value);
    }
    assert_true(cril_values_has(&v, "architectures"));
    assert_int_equal(cril_values_find(&v, "none")->n, 0);
    assert_int_equal(v.n, 7);
    cril_values_free(&v);
}

static void bad_config(void **state)
{
    static char deep[20000];
    struct cril_values v;
    size_t at = 0;

    (void)state;
    v = flattened("{\"a.b\": 1, \"a\": {\"b\": 2}}", CRIL_ERR_FORMAT, "'a.b' occurs twice");
    cril_values_free(&v);
    for (int i = 0; i < 12; i++)
        at += (size_t)snprintf(deep + at, sizeof(deep) - at, "{\"%0100d\":", i);
    snprintf(deep + at, sizeof(deep) - at, "1}}}}}}}}}}}}");
    v = flattened(deep, CRIL_ERR_UNSUPPORTED, "more than 1022 bytes");
    cril_values_free(&v);

    write_tensors(MODEL, "{" TENSOR("a", 0, 4) "}", 4);
    write_text("config.json", "[1]");
    refused(folder, CRIL_ERR_FORMAT, "config.json", "no JSON object");
    write_text("config.json", "");
    refused(folder, CRIL_ERR_FORMAT, "config.json", "line 1");
    write_text("config.json", "{\"a\":\n 1,}");
    refused(folder, CRIL_ERR_FORMAT, "config.json", "line 2");
}

/* ---- Files and tensors ---- */

static int add_name(void *user, const char *file)
{
    char *const list = user;

    strcat(strcat(list, file + strlen(folder) + 1), " ");
    return 0;
}

static void visits(const char *path, const char *expected)
{
    char list[1000] = "";

    assert_int_equal(cril_model_files(path, add_name, list, NULL), CRIL_OK);
    assert_string_equal(list, expected);
}

/* The files that s read, by their names in order. */
static void has_read(const struct cril_source *s, size_t n, uint64_t bytes)
{
    uint64_t sum = 0;

    assert_int_equal(cril_source_files(s), n);
    for (size_t i = 0; i < n; i++) {
        size_t len;

        cril_source_file(s, i, &len);
        sum += len;
    }
    assert_int_equal(sum, bytes);
}

static void one_file(void **state)
{
    static const char *const names[] = {"", "config.json", MODEL, "tokenizer.json"};
    static const char config[] = "{\"architectures\": [\"X\"]}",
                      header[] = "{" TENSOR("a", 0, 4) "}";
    const size_t size = strlen(config) + 8 + strlen(header) + 4;
    const uint8_t *data;
    size_t len;

    (void)state;
    empty_folder();
    write_text("config.json", config);
    write_tensors(MODEL, header, 4);
    write_text("tokenizer.json", "{}");
    write_text("merges.txt", "");
    write_text("zz.tiktoken", "z");
    write_text("qwen.tiktoken", "qw");
    write_text("README.md", "not read");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct cril_source *const s = opened(in_folder(names[i]));

        assert_true(cril_source_is_folder(s));
        assert_string_equal(cril_source_format(s), "Hugging Face folder");
        assert_int_equal(cril_source_version(s), 0);
        assert_int_equal(cril_source_tensor_count(s), 1);
        assert_true(cril_values_has(cril_source_values(s), "architectures"));
        assert_string_equal(cril_source_path(s), folder);
        assert_int_equal(cril_source_read(s, "tokenizer.json", &data, &len, NULL), CRIL_OK);
        assert_int_equal(len, 2);
        assert_memory_equal(data, "{}", 2);
        assert_int_equal(cril_source_read(s, "tokenizer.model", &data, &len, NULL), CRIL_OK);
        assert_null(data);
        assert_int_equal(cril_source_read(s, "merges.txt", &data, &len, NULL), CRIL_OK);
        assert_non_null(data);
        assert_int_equal(len, 0);
        assert_int_equal(cril_source_read(s, "*.tiktoken", &data, &len, NULL), CRIL_OK);
        assert_int_equal(len, 2);
        assert_int_equal(cril_source_read(s, "*.none", &data, &len, NULL), CRIL_OK);
        assert_null(data);
        has_read(s, 6, size + 5); /* whatever is asked for */
        assert_int_equal(cril_source_read(s, "README.md", &data, &len, NULL), CRIL_OK);
        assert_int_equal(len, 8);
        has_read(s, 7, size + 5 + 8);
        assert_int_equal(cril_source_check(s, NULL), CRIL_OK);
        cril_source_close(s);
        visits(in_folder(names[i]), "config.json model.safetensors merges.txt qwen.tiktoken "
                                    "tokenizer.json zz.tiktoken ");
    }
}

/* As "sha256sum FILES | sha256sum" in the folder. */
static void hash_is(const char *path, const char *files)
{
    struct cril_source *const s = opened(path);
    char command[400], expected[65] = "", hex[65];
    FILE *f;

    snprintf(command, sizeof(command), "cd %s && sha256sum %s | sha256sum", folder, files);
    f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(fread(expected, 1, 64, f), 64);
    assert_int_equal(pclose(f), 0);
    assert_int_equal(cril_source_sha256(s, hex, NULL), CRIL_OK);
    assert_string_equal(hex, expected);
    cril_source_close(s);
}

static void file_hash(void **state)
{
    static const char files[] = "config.json merges.txt model.safetensors qwen.tiktoken "
                                "tokenizer.json zz.tiktoken";

    (void)state;
    hash_is(folder, files);
    hash_is(in_folder(MODEL), files);
    write_text("README.md", "other words");
    hash_is(folder, files);
    unlink(in_folder("zz.tiktoken"));
    hash_is(folder, "config.json merges.txt model.safetensors qwen.tiktoken tokenizer.json");
}

static void is_named(const char *path, const char *expected)
{
    struct cril_source *const s = opened(path);
    char *const name = cril_source_name(s);

    assert_string_equal(name, expected);
    free(name);
    cril_source_close(s);
}

static void names(void **state)
{
    static const char *const by_path[][2] = {
        {"Qwen2.5-0.5B", "Qwen2.5-0.5B"},
        {"/m/Qwen2.5-0.5B/", "Qwen2.5-0.5B"},
        {"m/a//config.json", "a"},
        {"m/a/model-00001-of-00002.safetensors", "a"},
        {"m/snapshots/a", "a"},
        {"hub/models--Qwen--Qwen2.5-0.5B/snapshots/1234", "Qwen2.5-0.5B"},
        {"models--gpt2/snapshots/1234/config.json", "gpt2"},
        {"models--gpt2/other/1234/config.json", "1234"},
        {"config.json", ""},
        {"/", ""},
    };
    const char *const own = strrchr(folder, '/') + 1;
    struct cril_arena arena = {0};
    char before[1000];

    (void)state;
    for (size_t i = 0; i < sizeof(by_path) / sizeof(by_path[0]); i++)
        assert_string_equal(cril_source_folder_name(by_path[i][0], &arena), by_path[i][1]);
    cril_arena_free(&arena);
    is_named(in_folder(""), own);
    is_named(in_folder(MODEL), own);
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(folder), 0);
    is_named(".", own);
    is_named("config.json", own);
    assert_int_equal(chdir(before), 0);
}

static void working_folder(void **state)
{
    struct cril_source *s;
    char before[1000];

    (void)state;
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(folder), 0);
    s = opened("config.json");
    assert_int_equal(cril_source_tensor_count(s), 1);
    cril_source_close(s);
    s = opened(".");
    cril_source_close(s);
    assert_int_equal(chdir(before), 0);
}

static void changed(void **state)
{
    struct cril_source *const s = opened(folder);
    cril_error err;

    (void)state;
    write_text("config.json", "{\"architectures\": [\"Y\"]}");
    assert_int_equal(cril_source_check(s, &err), CRIL_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "config.json"));
    cril_source_close(s);
}

static void write_shards(void)
{
    empty_folder();
    write_text("config.json", "{}");
    write_tensors("b.safetensors", "{" TENSOR("x", 0, 4) "}", 4);
    write_tensors("a.safetensors", "{" TENSOR("z", 0, 4) "," TENSOR("y", 4, 8) "}", 8);
}

static void sharded(void **state)
{
    struct cril_source *s;

    (void)state;
    write_shards();
    write_text(INDEX, "{\"weight_map\": {\"x\": \"b.safetensors\", \"y\": \"a.safetensors\", "
                      "\"z\": \"a.safetensors\"}}");
    write_tensors("b.safetensors", /* a buffer that the index leaves out */
                  "{" TENSOR("x", 0, 4) "," TENSOR("r.rotary_emb.inv_freq", 4, 8) "}", 8);
    s = opened(folder);
    assert_int_equal(cril_source_files(s), 4);
    assert_int_equal(cril_source_tensor_count(s), 3);
    assert_string_equal(cril_source_tensor(s, 2)->name, "x"); /* a.safetensors comes first */
    cril_source_close(s);
    cril_source_close(opened(in_folder(INDEX)));
    cril_source_close(opened(in_folder("b.safetensors")));
    visits(folder, "config.json " INDEX " a.safetensors b.safetensors ");

    write_tensors("c.safetensors", "{" TENSOR("x", 0, 4) "}", 4);
    refused(in_folder("c.safetensors"), CRIL_ERR_UNSUPPORTED, "c.safetensors", "a.safetensors");
    write_tensors(MODEL, "{" TENSOR("one", 0, 4) "}", 4); /* it comes before an index */
    s = opened(folder);
    assert_int_equal(cril_source_tensor_count(s), 1);
    cril_source_close(s);
    visits(folder, "config.json " MODEL " ");
}

static void bad_index(void **state)
{
    static const struct {
        const char *index;
        cril_status status;
        const char *word, *other;
    } cases[] = {
        {"{}", CRIL_ERR_FORMAT, INDEX, "weight_map"},
        {"[]", CRIL_ERR_FORMAT, INDEX, "weight_map"},
        {"{\"weight_map\": {}}", CRIL_ERR_FORMAT, INDEX, "weight_map"},
        {"{\"weight_map\": {\"x\": 1}}", CRIL_ERR_FORMAT, INDEX, "'x'"},
        {"{\"weight_map\": {\"x\": \"../b.safetensors\"}}", CRIL_ERR_FORMAT, "'x'", "'../b"},
        {"{\"weight_map\": {\"x\": \"/b.safetensors\"}}", CRIL_ERR_FORMAT, "'x'", "'/b"},
        {"{\"weight_map\": {\"x\": \"..\"}}", CRIL_ERR_FORMAT, "'x'", "'..'"},
        {"{\"weight_map\": {\"x\": \"b.bin\"}}", CRIL_ERR_FORMAT, "'x'", "'b.bin'"},
        {"{\"weight_map\": {\"x\": \"b\\u0000.safetensors\"}}", CRIL_ERR_FORMAT, "'x'", "'b'"},
        {"{\"weight_map\": {\"x\": \"c.safetensors\"}}", CRIL_ERR_IO, "c.safetensors", "missing"},
        {"{\"weight_map\": {\"w\": \"b.safetensors\"}}", CRIL_ERR_MISMATCH, "'x'", "no file"},
        {"{\"weight_map\": {\"x\": \"a.safetensors\", \"y\": \"b.safetensors\"}}",
         CRIL_ERR_MISMATCH, "'z'", "no file"},
        {"{\"weight_map\": {\"x\": \"b.safetensors\", \"w\": \"b.safetensors\"}}",
         CRIL_ERR_MISMATCH, "b.safetensors", "'w'"},
    };

    (void)state;
    write_shards();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_text(INDEX, cases[i].index);
        refused(folder, cases[i].status, cases[i].word, cases[i].other);
    }
    visits(folder, "config.json " INDEX " b.safetensors ");
    write_text(INDEX, "nonsense");
    visits(folder, "config.json " INDEX " ");
}

static void without_index(void **state)
{
    struct cril_source *s;

    (void)state;
    empty_folder();
    write_text("config.json", "{}");
    write_tensors("model-00002-of-00002.safetensors", "{" TENSOR("x", 0, 4) "}", 4);
    refused(folder, CRIL_ERR_IO, "model-00001-of-00002.safetensors", "missing");
    write_tensors("model-00001-of-00002.safetensors", "{" TENSOR("y", 0, 4) "}", 4);
    s = opened(folder);
    assert_int_equal(cril_source_tensor_count(s), 2);
    cril_source_close(s);
    visits(folder,
           "config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors ");
    write_tensors("model-00001-of-00002.safetensors", "{" TENSOR("x", 0, 4) "}", 4);
    refused(folder, CRIL_ERR_FORMAT, folder, "'x' occurs twice");
    write_tensors("model-00001-of-00002.safetensors", "{" TENSOR("y", 0, 4) "}", 3);
    refused(folder, CRIL_ERR_TRUNCATED, "model-00001-of-00002.safetensors",
            "of which the file "
            "has 3");
}

static void links(void **state)
{
    struct cril_source *s;

    (void)state;
    empty_folder();
    write_text("blob1", "{}");
    write_tensors("blob2", "{" TENSOR("x", 0, 4) "}", 4);
    assert_int_equal(mkdir(in_folder("snapshot"), 0777), 0);
    assert_int_equal(symlink("../blob1", in_folder("snapshot/config.json")), 0);
    assert_int_equal(symlink("../blob2", in_folder("snapshot/" MODEL)), 0);
    s = opened(in_folder("snapshot"));
    assert_int_equal(cril_source_tensor_count(s), 1);
    cril_source_close(s);
    cril_source_close(opened(in_folder("snapshot/config.json")));
    visits(in_folder("snapshot/"), "snapshot/config.json snapshot/" MODEL " ");
    unlink(
        in_folder("blob2")); /* what a link leads to is no longer there: not the same as no file */
    refused(in_folder("snapshot"), CRIL_ERR_IO, MODEL, "cannot be opened");
}

static void buffers(void **state)
{
    static const char mask[] =
        "{\"h.0.attn.bias\":{\"dtype\":\"U8\",\"shape\":[1,1,2,2],"
        "\"data_offsets\":[0,4]}," TENSOR(
            "m.rotary_emb.inv_freq", 4,
            8) ","
               "\"l.attention.masked_bias\":{\"dtype\":\"F64\",\"shape\":[],"
               "\"data_offsets\":[8,16]}," TENSOR("l.attention.bias", 16, 20) "}";
    struct cril_source *s;

    (void)state;
    empty_folder();
    write_text("config.json", "{}");
    write_tensors(MODEL, mask, 20);
    s = opened(folder);
    assert_int_equal(cril_source_tensor_count(s), 1);
    assert_non_null(cril_source_find_tensor(s, "l.attention.bias")); /* by its shape it is real */
    cril_source_close(s);
}

static void nested(void **state)
{
    static const char *const layouts[] = {
        "{" TENSOR("language_model.model.x", 0, 4) "," TENSOR(
            "language_model.lm_head.w", 4,
            8) ","
               "\"vision.conv\":{\"dtype\":\"I8\",\"shape\":[1,1,1,1,4],\"data_offsets\":[8,12]}}",
        "{" TENSOR("model.language_model.x", 0,
                   4) "," TENSOR("lm_head.w", 4, 8) "," TENSOR("model.vision.conv", 8, 12) "}",
        "{" TENSOR("model.x", 0, 4) "," TENSOR("lm_head.w", 4, 8) "}"};
    struct cril_source *s;

    (void)state;
    empty_folder();
    write_text("config.json", "{\"text_config\": {}}");
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        write_tensors(MODEL, layouts[i], i < 2 ? 12 : 8);
        s = opened(folder);
        assert_int_equal(cril_source_tensor_count(s), 2);
        assert_non_null(cril_source_find_tensor(s, "model.x"));
        assert_non_null(cril_source_find_tensor(s, "lm_head.w"));
        cril_source_close(s);
    }
    write_text("config.json", "{}"); /* no text model inside another one: names are as they are */
    write_tensors(MODEL, layouts[1], 12);
    s = opened(folder);
    assert_int_equal(cril_source_tensor_count(s), 3);
    cril_source_close(s);
}

/* ---- Refused by name ---- */

static void refusals(void **state)
{
    static const struct {
        const char *config, *file, *content;
        cril_status status;
        const char *word, *other;
    } cases[] = {
        {"{}", NULL, NULL, CRIL_ERR_IO, "without weights", "model.safetensors"},
        {"{}", "pytorch_model.bin", "PK", CRIL_ERR_UNSUPPORTED, "/pytorch_model.bin",
         "save_pretrained"},
        {"{}", "pytorch_model-00001-of-00002.bin", "PK", CRIL_ERR_UNSUPPORTED,
         "/pytorch_model-00001-of-00002.bin", "save_pretrained"},
        {"{}", "consolidated.safetensors", "", CRIL_ERR_UNSUPPORTED, "/consolidated.safetensors",
         "Mistral"},
        {"{}", "consolidated.00.pth", "", CRIL_ERR_UNSUPPORTED, "/consolidated.00.pth", "Meta"},
        {"{}", "flax_model.msgpack", "", CRIL_ERR_UNSUPPORTED, "/flax_model.msgpack", "Flax"},
        {"{}", "tf_model.h5", "", CRIL_ERR_UNSUPPORTED, "/tf_model.h5", "TensorFlow"},
        {"{}", "other.safetensors", "", CRIL_ERR_UNSUPPORTED, "/other.safetensors", "not named"},
        {"{}", "q4.gguf", "GGUF", CRIL_ERR_IO, "q4.gguf", "name one of them"},
        {NULL, "q4.gguf", "GGUF", CRIL_ERR_IO, "q4.gguf", "name one of them"},
        {NULL, MODEL, "", CRIL_ERR_IO, MODEL, "no config.json"},
        {NULL, "consolidated.00.pth", "", CRIL_ERR_IO, "consolidated.00.pth", "no config.json"},
        {NULL, "notes.txt", "", CRIL_ERR_IO, "is no model", "it has no config.json"},
        {"{}", MODEL, "version https://git-lfs.github.com/spec/v1\n", CRIL_ERR_FORMAT, "/" MODEL,
         "git lfs pull"},
        {"version https://git-lfs.github.com/spec/v1\n", MODEL, "", CRIL_ERR_FORMAT, "/config.json",
         "git lfs pull"},
        {"{}", "adapter_config.json", "{}", CRIL_ERR_UNSUPPORTED, "/adapter_config.json",
         "merge_and_unload"},
        {NULL, "adapter_config.json", "{}", CRIL_ERR_UNSUPPORTED, "/adapter_config.json",
         "merge_and_unload"},
        {"{\"quantization_config\": {\"quant_method\": \"awq\"}}", MODEL, "", CRIL_ERR_UNSUPPORTED,
         "/config.json", "quantised by awq"},
        {"{\"quantization_config\": {\"load_in_8bit\": true}}", MODEL, "", CRIL_ERR_UNSUPPORTED,
         "/config.json", "quantised by a method without a name"},
        {"{\"text_config\": {\"quantization_config\": {\"quant_method\": \"fp8\"}}}", MODEL, "",
         CRIL_ERR_UNSUPPORTED, "/config.json", "quantised by fp8"},
        {"{\"compression_config\": {\"quant_method\": \"compressed-tensors\"}}", MODEL, "",
         CRIL_ERR_UNSUPPORTED, "/config.json", "compressed-tensors"},
        {"{\"quantization_config\": null}", MODEL, "", CRIL_ERR_TRUNCATED, MODEL, "0 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        empty_folder();
        if (cases[i].config)
            write_text("config.json", cases[i].config);
        if (cases[i].file)
            write_text(cases[i].file, cases[i].content);
        refused(folder, cases[i].status, cases[i].word, cases[i].other);
    }
    empty_folder();
    write_text("pytorch_model.bin", "PK");
    refused(in_folder("pytorch_model.bin"), CRIL_ERR_IO, "pytorch_model.bin", "no config.json");
    refused(in_folder("none/config.json"), CRIL_ERR_IO, "none", "no config.json");
    refused("none/config.json", CRIL_ERR_IO, "none", "no config.json"); /* no name on the hub */
    for (int i = 0; i < 40; i++) {
        char name[32];

        snprintf(name, sizeof(name), "part-%02d.gguf", i);
        write_text(name, "GGUF");
    }
    refused(folder, CRIL_ERR_IO, "part-00.gguf, part-01.gguf", ", ...; name one of them");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),         cmocka_unit_test(text_config),
        cmocka_unit_test(bad_config),     cmocka_unit_test(one_file),
        cmocka_unit_test(file_hash),      cmocka_unit_test(names),
        cmocka_unit_test(working_folder), cmocka_unit_test(changed),
        cmocka_unit_test(sharded),        cmocka_unit_test(bad_index),
        cmocka_unit_test(without_index),  cmocka_unit_test(links),
        cmocka_unit_test(buffers),        cmocka_unit_test(nested),
        cmocka_unit_test(refusals),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
