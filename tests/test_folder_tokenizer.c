/*
 * Tokenizers of folders: small ones against the libraries that define them (tests/golden), which of
 * several files counts, who decides over BOS, what is refused; and with CRIL_SHARED the tokenizers
 * of many tiny models.
 */
#include "folder_files.h"

#include "tokenizer/expression.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/tokenizer.h"
#include "util/base64.h"

#include <jansson.h>

static void write_model(void)
{
    empty_folder();
    write_text("config.json", "{\"architectures\": [\"LlamaForCausalLM\"]}");
    write_tensors("model.safetensors",
                  "{\"x\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}", 4);
}

static cril_tokenizer *tokenizer_of(const char *path)
{
    struct cril_source *const s = opened(path);
    cril_tokenizer *t = NULL;
    cril_error err = {0};

    if (cril_tokenizer_create(s, &t, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    cril_source_close(s);
    return t;
}

/* The tokenizer of the folder is refused with a sentence that has both. */
static void refuses(cril_status status, const char *word, const char *other)
{
    cril_tokenizer *t = NULL;
    cril_error err = {0};

    assert_int_equal(cril_tokenizer_open(folder, &t, &err), status);
    assert_null(t);
    if (!strstr(err.message, word) || !strstr(err.message, other))
        fail_msg("'%s' lacks '%s' or '%s'", err.message, word, other);
}

/* ---- Against the libraries ---- */

/* Calls on_line with the object of each line of a golden file. */
static void each_line(const char *name, void (*on_line)(const json_t *line))
{
    char path[300], *text = NULL;
    size_t size = 0;
    FILE *f;

    snprintf(path, sizeof(path), CRIL_TEST_DATA "/golden/%s", name);
    assert_non_null(f = fopen(path, "r"));
    while (getline(&text, &size, f) > 0) {
        json_t *const line = json_loads(text, JSON_ALLOW_NUL, NULL);

        assert_non_null(line);
        on_line(line);
        json_decref(line);
    }
    free(text);
    fclose(f);
}

static void write_golden(const char *name, const json_t *content)
{
    const json_t *const packed = json_array_get(content, 0);
    const size_t len = json_string_length(packed);
    char *const bytes = malloc(len + 1);
    size_t n;

    assert_non_null(bytes);
    if (packed) {
        assert_true(cril_base64_decode(json_string_value(packed), len, bytes, &n));
        write_bytes(name, bytes, n);
    } else {
        write_text(name, json_string_value(content));
    }
    free(bytes);
}

static void expect_ids(const cril_tokenizer *t, const char *name, const json_t *text,
                       unsigned flags, const json_t *want)
{
    cril_ids ids = {0};
    cril_error err = {0};
    bool same;

    if (cril_tokenizer_encode(t, json_string_value(text), json_string_length(text), flags, &ids,
                              &err) != CRIL_OK)
        fail_msg("%s: %s", name, err.message);
    same = ids.n == json_array_size(want);
    for (size_t i = 0; same && i < ids.n; i++)
        same = ids.data[i] == json_integer_value(json_array_get(want, i));
    if (!same)
        fail_msg("%s: '%s' gives %zu ids, not %zu, or others", name, json_string_value(text), ids.n,
                 json_array_size(want));
    cril_ids_free(&ids);
}

static void check_tokenizer(const json_t *line)
{
    const char *const name = json_string_value(json_object_get(line, "name")), *file;
    const json_t *const texts = json_object_get(line, "texts");
    cril_tokenizer *t;
    json_t *content, *text;
    size_t i;

    write_model();
    json_object_foreach(json_object_get(line, "files"), file, content) write_golden(file, content);
    t = tokenizer_of(folder);
    json_array_foreach(texts, i, text)
    {
        if (json_is_array(json_array_get(text, 1)))
            expect_ids(t, name, json_array_get(text, 0), CRIL_ENCODE_TEXT, json_array_get(text, 1));
        if (json_is_array(json_array_get(text, 2)))
            expect_ids(t, name, json_array_get(text, 0), CRIL_ENCODE_SPECIAL,
                       json_array_get(text, 2));
    }
    assert_int_equal(cril_tokenizer_bos(t), json_integer_value(json_object_get(line, "bos")));
    assert_int_equal(cril_tokenizer_eos(t), json_integer_value(json_object_get(line, "eos")));
    assert_int_equal(cril_tokenizer_adds_bos(t), json_is_true(json_object_get(line, "adds_bos")));
    cril_tokenizer_free(t);
}

static void golden_tokenizers_give_the_libraries_ids(void **state)
{
    (void)state;
    each_line("tokenizers.jsonl", check_tokenizer);
}

/* ---- Expressions ---- */

/* The words, which are a text one after the other, are what the expression makes of it. */
static void check_words(const char *pattern, const json_t *words)
{
    struct spec_split split = {.pattern = {{pattern, strlen(pattern)}, DIALECT_ONIGURUMA}};
    struct cril_spec spec = {.path = "golden", .splits = &split, .n_splits = 1};
    struct cril_splitter *s = NULL;
    struct split_work w = {0};
    struct cril_string text = {0};
    const char *cut;
    cril_error err = {0};
    size_t i, at = 0;
    json_t *word;

    if (cril_splitter_create(&spec, &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    json_array_foreach(words, i, word) assert_int_equal(
        cril_string_append(&text, json_string_value(word), json_string_length(word), NULL),
        CRIL_OK);
    cut = text.data;
    assert_int_equal(cril_splitter_run(s, &cut, text.n, true, &w, &err), CRIL_OK);
    json_array_foreach(words, i, word)
    {
        at += json_string_length(word);
        if (i >= w.words.n || w.words.at[i].end != at)
            fail_msg("%s cuts word %zu of '%.*s' elsewhere", pattern, i, (int)text.n, text.data);
    }
    assert_int_equal(w.words.n, json_array_size(words));
    cril_split_work_free(&w);
    cril_splitter_free(s);
    free(text.data);
}

static void check_expression(const json_t *line)
{
    const json_t *words;
    size_t i;

    json_array_foreach(json_object_get(line, "words"), i, words)
        check_words(json_string_value(json_object_get(line, "pattern")), words);
}

static void expressions_mean_what_oniguruma_means(void **state)
{
    (void)state;
    each_line("words.jsonl", check_expression);
}

static void expressions_that_cannot_be_translated_are_refused(void **state)
{
    static const struct {
        const char *pattern, *words;
    } cases[] = {
        {"(a", "group without its end"},
        {"a)", "closes nothing"},
        {"[a", "set without its end"},
        {"[]a]", "starts with a bracket"},
        {"*", "nothing in front"},
        {"\\p{Nope}", "a property"},
        {"\\pL", "without braces"},
        {"\\xff", "byte of a character"},
        {"\\G", "an escape"},
        {"(?<name>a)", "kind of group"},
        {"(?s:a)", "kind of group"},
        {"[a-\\d]", "ends in a set"},
        {"[[:nope:]]", "named set"},
        {"(?<=a+)b", "PCRE2 refuses"},
        {"[z-a]", "PCRE2 refuses"},
        {"\\", "an escape"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const p = cases[i].pattern;
        const struct spec_pattern pattern = {{p, strlen(p)}, DIALECT_ONIGURUMA};
        struct cril_expression x = {0};
        cril_error err = {0};

        assert_int_equal(cril_expression_compile("f", &pattern, &x, &err), CRIL_ERR_UNSUPPORTED);
        if (!strstr(err.message, cases[i].words))
            fail_msg("'%s' lacks '%s'", err.message, cases[i].words);
        cril_expression_clear(&x);
    }
}

/* ---- tokenizer.json: what is refused ---- */

#define VOCAB "\"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2, \"<s>\": 3}"
#define BPE "{\"type\": \"BPE\", " VOCAB ", \"merges\": [\"a b\"]}"

static void write_json(const char *parts)
{
    char text[2000];

    write_model();
    snprintf(text, sizeof(text), "{%s}", parts);
    write_text("tokenizer.json", text);
}

static void what_is_not_known_is_refused_by_name(void **state)
{
    static const struct {
        const char *parts, *word, *other;
    } cases[] = {
        {"\"model\": {\"type\": \"WordPiece\"}", "model \"WordPiece\"", "BPE and Unigram"},
        {"\"normalizer\": {\"type\": \"Lowercase\"}, \"model\": " BPE, "normalizer \"Lowercase\"",
         "tokenizer.json"},
        {"\"pre_tokenizer\": {\"type\": \"UnicodeScripts\"}, \"model\": " BPE,
         "pre_tokenizer \"UnicodeScripts\"", "know"},
        {"\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, "
         "\"behavior\": \"Torn\"}, \"model\": " BPE,
         "behavior \"Torn\"", "know"},
        {"\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": "
         "\"ByteLevel\"}, {\"type\": \"ByteLevel\"}]}, \"model\": " BPE,
         "behind the pre-tokenizer \"ByteLevel\"", "follow"},
        {"\"post_processor\": {\"type\": \"Odd\"}, \"model\": " BPE, "post_processor \"Odd\"",
         "know"},
        {"\"model\": {\"type\": \"BPE\", \"dropout\": 0.1, " VOCAB ", \"merges\": []}", "dropout",
         "follow"},
        {"\"model\": {\"type\": \"BPE\", \"end_of_word_suffix\": \"</w>\", " VOCAB
         ", \"merges\": []}",
         "end_of_word_suffix", "follow"},
        {"\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": "
         "{\"id\": \"x\"}}, {\"Sequence\": {\"id\": \"A\"}}], \"special_tokens\": {\"x\": "
         "{\"ids\": [0, 1]}}}, \"model\": " BPE,
         "more than one token", "one end"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_json(cases[i].parts);
        refuses(CRIL_ERR_UNSUPPORTED, cases[i].word, cases[i].other);
    }
}

static void lies_are_refused(void **state)
{
    static const struct {
        const char *parts, *word;
    } cases[] = {
        {"", "\"model\" is not an object"},
        {"\"model\": {\"type\": \"BPE\", \"vocab\": [], \"merges\": []}", "not an object"},
        {"\"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": []}", "has no token"},
        {"\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": -1}, \"merges\": []}", "id"},
        {"\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 2000000000}, \"merges\": []}",
         "leaves out more ids"},
        {"\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 0}, \"merges\": []}",
         "two tokens have the id 0"},
        {"\"model\": {\"type\": \"BPE\", " VOCAB ", \"merges\": [\"ab\"]}", "not two pieces"},
        {"\"model\": {\"type\": \"BPE\", " VOCAB ", \"merges\": [[\"a\"]]}", "not two pieces"},
        {"\"model\": {\"type\": \"BPE\", " VOCAB ", \"merges\": 1}", "not a list"},
        {"\"model\": {\"type\": \"BPE\", \"unk_token\": \"?\", " VOCAB ", \"merges\": []}",
         "unknown token"},
        {"\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\"]]}", "text and a number"},
        {"\"model\": {\"type\": \"Unigram\", \"unk_id\": 1, \"vocab\": [[\"a\", 0]]}",
         "unknown token"},
        {"\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"?\"}, "
         "\"model\": " BPE,
         "base 64"},
        {"\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAAA\"}, "
         "\"model\": " BPE,
         "map of characters"},
        {"\"added_tokens\": {}, \"model\": " BPE, "not a list"},
        {"\"added_tokens\": [{\"id\": 9}], \"model\": " BPE, "\"content\" is missing"},
        {"\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": "
         "{\"id\": \"x\"}}, {\"Sequence\": {\"id\": \"A\"}}], \"special_tokens\": {\"x\": "
         "{\"ids\": [99]}}}, \"model\": " BPE,
         "none of the tokens"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_json(cases[i].parts);
        refuses(CRIL_ERR_FORMAT, cases[i].word, "tokenizer.json");
    }
}

/* ---- Which file, and BOS ---- */

#define SPACES                                                                                     \
    "\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": "      \
    "\"\xe2\x96\x81\"}, "
#define TEMPLATE(piece)                                                                            \
    "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [" piece "{\"Sequence\": " \
    "{\"id\": \"A\"}}], \"special_tokens\": {\"<s>\": {\"ids\": [3]}}}, "
#define BOS "{\"SpecialToken\": {\"id\": \"<s>\"}}, "

static void bos_stands_where_the_folder_says(void **state)
{
    static const struct {
        const char *parts, *config, *generation;
        int bos, adds;
    } cases[] = {
        {"\"model\": " BPE, "{}", "{}", -1, false},
        {"\"model\": " BPE, "{\"bos_token\": \"<s>\"}", "{}", 3, false},
        {"\"model\": " BPE, "{\"bos_token\": {\"content\": \"<s>\"}, \"add_bos_token\": true}",
         "{}", 3, false}, /* no SentencePiece class */
        {"\"model\": " BPE, "{}", "{\"bos_token_id\": 1}", 1, false},
        {"\"model\": " BPE, "{}", "{\"bos_token_id\": [2, 1]}", 2, false},
        {"\"model\": " BPE, "{}", "{\"bos_token_id\": 99}", -1, false},
        {TEMPLATE(BOS) "\"model\": " BPE, "{\"bos_token\": \"a\", \"add_bos_token\": false}", "{}",
         3, true},
        {SPACES "\"model\": " BPE, "{\"bos_token\": \"<s>\"}", "{}", 3, true},
        {SPACES "\"model\": " BPE, "{\"bos_token\": \"<s>\", \"add_bos_token\": false}", "{}", 3,
         false},
        {SPACES TEMPLATE("") "\"model\": " BPE, "{\"bos_token\": \"<s>\"}", "{}", 3, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cril_tokenizer *t;

        write_json(cases[i].parts);
        write_text("tokenizer_config.json", cases[i].config);
        write_text("generation_config.json", cases[i].generation);
        t = tokenizer_of(folder);
        assert_int_equal(cril_tokenizer_bos(t), cases[i].bos);
        assert_int_equal(cril_tokenizer_adds_bos(t), cases[i].adds);
        cril_tokenizer_free(t);
    }
    write_json("\"model\": " BPE); /* older folders name them elsewhere */
    write_text("special_tokens_map.json", "{\"eos_token\": \"ab\"}");
    cril_tokenizer *const t = tokenizer_of(folder);
    assert_int_equal(cril_tokenizer_eos(t), 2);
    cril_tokenizer_free(t);
}

/* A protocol buffer: pieces <unk>, <s>, </s>, a, of SentencePiece's BPE. */
#define PIECES                                                                                     \
    "\x0a\x09\x0a\x05<unk>\x18\x02\x0a\x07\x0a\x03<s>\x18\x03\x0a\x08\x0a\x04</s>\x18\x03"         \
    "\x0a\x03\x0a\x01"                                                                             \
    "a"
#define TRAINER(type) "\x12\x02\x18" type

static void write_sentencepiece(void)
{
    static const char model[] = PIECES TRAINER("\x02");

    write_bytes("tokenizer.model", model, sizeof(model) - 1);
}

static void the_model_file_counts_before_its_conversion(void **state)
{
    cril_tokenizer *t;

    (void)state;
    write_json("\"model\": " BPE);
    write_sentencepiece();
    t = tokenizer_of(folder);
    assert_string_equal(cril_tokenizer_kind(t), "sentencepiece bpe");
    assert_int_equal(cril_tokenizer_bos(t), 1);
    assert_true(cril_tokenizer_adds_bos(t));
    cril_tokenizer_free(t);
    write_text("tokenizer_config.json", "{\"add_bos_token\": false, \"bos_token\": \"</s>\"}");
    t = tokenizer_of(in_folder("tokenizer.model"));
    assert_int_equal(cril_tokenizer_bos(t), 2);
    assert_false(cril_tokenizer_adds_bos(t));
    cril_tokenizer_free(t);
    write_text("tokenizer.model", "YQ== 0\n"); /* tiktoken's, as some folders have it */
    t = tokenizer_of(folder);
    assert_string_equal(cril_tokenizer_kind(t), "bpe (tokenizer.json)");
    cril_tokenizer_free(t);
}

static void tokens_are_added_to_sentencepiece(void **state)
{
    cril_ids ids = {0};
    cril_tokenizer *t;

    (void)state;
    write_model();
    write_sentencepiece();
    write_text("added_tokens.json", "{\"<pad>\": 6, \"a\": 3, \"<odd>\": 4}");
    write_text("tokenizer_config.json",
               "{\"pad_token\": \"<pad>\", \"added_tokens_decoder\": {\"5\": {\"content\": "
               "\"<x>\", \"special\": false, \"lstrip\": true}}}");
    t = tokenizer_of(folder);
    assert_int_equal(cril_tokenizer_size(t), 7);
    assert_int_equal(cril_tokenizer_encode(t, "a <x>a<odd><pad>", 16, CRIL_ENCODE_TEXT, &ids, NULL),
                     CRIL_OK);
    /* spaces, brackets and letters have no piece; <pad> is text */
    const int32_t want[] = {0, 3, 5, 3, 4, 0, 3, 0};
    assert_int_equal(ids.n, sizeof(want) / sizeof(want[0]));
    assert_memory_equal(ids.data, want, sizeof(want));
    cril_ids_free(&ids);
    cril_tokenizer_free(t);
}

static void other_forms_are_refused_with_what_to_do(void **state)
{
    static const char words[] = PIECES TRAINER("\x03");

    (void)state;
    write_model();
    refuses(CRIL_ERR_UNSUPPORTED, "no tokenizer that cril reads", "save_pretrained");
    write_text("vocab.json", "{}");
    refuses(CRIL_ERR_UNSUPPORTED, "vocab.json", "save_pretrained");
    write_bytes("tokenizer.model", words, sizeof(words) - 1);
    refuses(CRIL_ERR_UNSUPPORTED, "models of words", "tokenizer.model");
    for (size_t n = 1; n < sizeof(words) - 4; n++) { /* cut anywhere */
        cril_tokenizer *t = NULL;

        write_bytes("tokenizer.model", words, n);
        if (cril_tokenizer_open(folder, &t, NULL) == CRIL_OK)
            cril_tokenizer_free(t); /* between two pieces: a unigram model */
    }
    write_model();
    write_text("qwen.tiktoken", "YQ== 0\nYg 1\n");
    refuses(CRIL_ERR_FORMAT, "line 2", "qwen.tiktoken");
    write_text("qwen.tiktoken", "YQ== 0\nYg== 2\n");
    refuses(CRIL_ERR_FORMAT, "line 2", "qwen.tiktoken");
    empty_folder();
    write_text("tokenizer.json", "{}");
    refused(folder, CRIL_ERR_IO, "config.json", folder);
}

/* ---- Tiny models ---- */

static json_t *load_object(const char *path)
{
    json_t *const root = json_load_file(path, 0, NULL);

    if (!root)
        fail_msg("%s", path);
    return root;
}

static void check_model(const char *path)
{
    char name[500];
    json_t *root, *text;
    cril_tokenizer *const t = tokenizer_of(path);
    size_t i, n = 0;

    snprintf(name, sizeof(name), "%s/expected.json", path);
    root = load_object(name);
    const json_t *const facts = json_object_get(root, "tokenizer");
    json_array_foreach(json_object_get(root, "texts"), i, text)
    {
        if (!json_is_string(json_object_get(text, "text")))
            continue;
        expect_ids(t, path, json_object_get(text, "text"), CRIL_ENCODE_ADD_SPECIAL,
                   json_object_get(text, "ids"));
        n++;
    }
    assert_int_equal(n, 2);
    assert_int_equal(cril_tokenizer_adds_bos(t), json_is_true(json_object_get(facts, "adds_bos")));
    assert_int_equal(cril_tokenizer_bos(t),
                     json_is_null(json_object_get(facts, "bos"))
                         ? -1
                         : json_integer_value(json_object_get(facts, "bos")));
    json_decref(root);
    cril_tokenizer_free(t);
}

static void tiny_models_give_their_ids(void **state)
{
    const char *const shared = getenv("CRIL_SHARED");
    char command[700], line[400];
    size_t n = 0;
    FILE *list;

    (void)state;
    empty_folder();
    snprintf(command, sizeof(command),
             "cd %s && tar -xJf '%s/models/tiny_seed1.tar.xz' 2>tar.txt && "
             "find . -name expected.json | sed 's,/expected.json,,' | sort",
             folder, shared ? shared : "/nonexistent");
    assert_non_null(list = popen(command, "r"));
    for (; fgets(line, sizeof(line), list); n++) {
        line[strcspn(line, "\n")] = '\0';
        check_model(in_folder(line + 2));
    }
    pclose(list);
    if (!n) {
        print_message("skipped: CRIL_SHARED names no folder with tiny models\n");
        skip();
    }
    assert_int_equal(n, 76);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_tokenizers_give_the_libraries_ids),
        cmocka_unit_test(expressions_mean_what_oniguruma_means),
        cmocka_unit_test(expressions_that_cannot_be_translated_are_refused),
        cmocka_unit_test(what_is_not_known_is_refused_by_name),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(bos_stands_where_the_folder_says),
        cmocka_unit_test(the_model_file_counts_before_its_conversion),
        cmocka_unit_test(tokens_are_added_to_sentencepiece),
        cmocka_unit_test(other_forms_are_refused_with_what_to_do),
        cmocka_unit_test(tiny_models_give_their_ids),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
