/* Text of ids as it grows: what is held back, what becomes U+FFFD, runs of byte tokens, the first
 * blank, control tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "folder_files.h"
#include "tokenizer/detokenize.h"
#include "tokenizer/spec.h"
#include "tokenizer/tokenizer.h"

#include <stdio.h>
#include <string.h>

static struct cril_spoken spoken;

static cril_tokenizer *open_tokenizer(const char *path)
{
    cril_tokenizer *t;
    cril_error err;

    if (cril_tokenizer_open(path, &t, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return t;
}

static void expect(const char *text)
{
    size_t len, settled;
    const char *const is = cril_spoken_text(&spoken, &len, &settled);

    if (len != strlen(text) || memcmp(is, text, len) != 0)
        fail_msg("'%.*s', not '%s'", (int)len, is, text);
    assert_true(settled <= len);
}

static void add(int32_t id)
{
    assert_int_equal(cril_spoken_add(&spoken, id, NULL), CRIL_OK);
}

#define FFFD "\xef\xbf\xbd"

/* Tokens of a byte-level vocabulary. */
static void test_bytes(void **state)
{
    static const struct {
        const char *bytes, *held, *text;
    } rows[] = {{"abc", "abc", "abc"},
                {" a", " a", " a"},
                {"\xe2\x82\xac", "\xe2\x82\xac", "\xe2\x82\xac"},
                {"x\xe2\x82", "x", "x" FFFD},
                {"\xe2\x82x", FFFD "x", FFFD "x"},
                {"\xe2x\x82", FFFD "x", FFFD "x" FFFD},
                {"\xff\xfe", FFFD, FFFD FFFD},
                {"\xf0\x9f\x98", "", FFFD},
                {"\xe0\x80\x80", FFFD FFFD, FFFD FFFD FFFD},
                {"", "", ""}};
    cril_tokenizer *const t = open_tokenizer(CRIL_TEST_DATA "/golden/tiny-llama.gguf");
    int32_t of_byte[256] = {0};
    size_t len;

    (void)state;
    for (size_t i = 0; i < cril_tokenizer_size(t); i++) {
        const char *const piece = cril_tokenizer_text(t, (int32_t)i, &len);

        if (piece && len == 1)
            of_byte[(unsigned char)*piece] = (int32_t)i;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        cril_spoken_start(&spoken, t);
        for (const char *b = rows[i].bytes; *b; b++) {
            add(of_byte[(unsigned char)*b]);
            add(cril_tokenizer_bos(t)); /* no text: it parts nothing */
        }
        add(1 << 20); /* of a padded vocabulary */
        expect(rows[i].held);
        assert_int_equal(cril_spoken_finish(&spoken, NULL), CRIL_OK);
        expect(rows[i].text);
    }
    cril_spoken_start(&spoken, NULL);
    add(5);
    expect("");
    cril_tokenizer_free(t);
}

/* Tokens of single bytes, and T, which is a token of its own. */
static void test_runs(void **state)
{
    static const struct {
        const char *bytes, *held, *text;
    } rows[] = {{"\xe2\x82\xac", "\xe2\x82\xac", "\xe2\x82\xac"},
                {"T\xe2\x82", "T", "T" FFFD FFFD},
                {"\xe2\x82T", FFFD FFFD "T", FFFD FFFD "T"},
                {"a\xff", "", FFFD FFFD},
                {"aT\xff", "aT", "aT" FFFD},
                {"\n", "\n", "\n"},
                {"\n\xe2\x80\x94", "\n\xe2\x80\x94", "\n\xe2\x80\x94"},
                {" T", " T", " T"}};
    cril_tokenizer *const t = open_tokenizer(CRIL_TEST_DATA "/golden/sp-bpe-bytes.gguf");
    const struct cril_spec *const spec = cril_tokenizer_spec(t);
    cril_ids ids = {0};

    (void)state;
    assert_int_equal(cril_tokenizer_encode(t, "T", 1, 0, &ids, NULL), CRIL_OK);
    const int32_t letter = ids.data[ids.n - 1];
    cril_ids_free(&ids);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        cril_spoken_start(&spoken, t);
        for (const char *b = rows[i].bytes; *b; b++)
            add(*b == 'T' ? letter : spec->byte_token[(unsigned char)*b]);
        expect(rows[i].held);
        assert_int_equal(cril_spoken_finish(&spoken, NULL), CRIL_OK);
        expect(rows[i].text);
    }
    cril_tokenizer_free(t);
}

/* The blank that the tokenizer put in front of a text does not come back. */
static void test_blank(void **state)
{
    static const char *const names[] = {"sp-bpe", "sp-bpe-bytes", "sp-unigram"};
    char path[500];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, names[i]);
        cril_tokenizer *const t = open_tokenizer(path);
        cril_ids ids = {0};

        assert_int_equal(cril_tokenizer_encode(t, "the cat", 7, 0, &ids, NULL), CRIL_OK);
        cril_spoken_start(&spoken, t);
        for (size_t k = 0; k < ids.n; k++)
            add(ids.data[k]);
        assert_int_equal(cril_spoken_finish(&spoken, NULL), CRIL_OK);
        expect("the cat");
        cril_ids_free(&ids);
        cril_tokenizer_free(t);
    }
}

/* ---- Folders ---- */

static const char model[] =
    "\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"\xe2\x96\x81\": 1, \"b\": 2, "
    "\"<e>\": 3, \"<f>\": 4}, \"merges\": []}, \"added_tokens\": [{\"id\": 3, \"content\": "
    "\"<e>\", "
    "\"special\": true}], \"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": "
    "\"\xe2\x96\x81\"}";

static cril_tokenizer *with_decoder(const char *decoder)
{
    char text[2000];

    empty_folder();
    write_text("config.json", "{\"architectures\": [\"LlamaForCausalLM\"], \"eos_token_id\": 2}");
    write_tensors("model.safetensors",
                  "{\"x\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}", 4);
    snprintf(text, sizeof(text), "{%s, \"decoder\": %s}", model, decoder);
    write_text("tokenizer.json", text);
    return open_tokenizer(folder);
}

/* What the decoder makes of blank, blank, a, blank. */
static void test_decoders(void **state)
{
    static const struct {
        const char *decoder, *text;
    } rows[] = {
        {"null", "  a "},
        {"{\"type\": \"Fuse\"}", "  a "},
        {"{\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}", " a "},
        {"{\"type\": \"Strip\", \"content\": \" \", \"start\": 0, \"stop\": 1}", "  a "},
        {"{\"type\": \"Strip\", \"content\": \"x\", \"start\": 1, \"stop\": 0}", "  a "},
        {"{\"type\": \"Metaspace\", \"replacement\": \"_\"}", " a "},
        {"{\"type\": \"Metaspace\", \"prepend_scheme\": \"never\"}", "  a "},
        {"{\"type\": \"Metaspace\", \"prepend_scheme\": \"first\"}", " a "},
        {"{\"type\": \"Metaspace\", \"add_prefix_space\": false}", "  a "},
        {"{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Fuse\"}, {\"type\": \"Strip\", "
         "\"content\": \" \", \"start\": 1}]}",
         " a "},
        {"{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Fuse\"}, 7]}", "  a "}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        cril_tokenizer *const t = with_decoder(rows[i].decoder);

        cril_spoken_start(&spoken, t);
        add(1);
        add(3); /* is no text */
        add(1);
        add(0);
        add(1);
        expect(rows[i].text);
        cril_tokenizer_free(t);
    }
}

/* Which of the first five tokens end a text, as digits. */
static void expect_ends(cril_tokenizer *t, const char *want)
{
    char is[6] = "";

    for (int32_t id = 0; id < 5; id++)
        if (cril_tokenizer_ends(t, id))
            snprintf(is + strlen(is), sizeof(is) - strlen(is), "%d", (int)id);
    assert_string_equal(is, want);
    assert_false(cril_tokenizer_ends(t, -1));
    cril_tokenizer_free(t);
}

static void test_ends(void **state)
{
    (void)state;
    expect_ends(with_decoder("null"), "2"); /* config.json */
    cril_tokenizer_free(with_decoder("null"));
    write_text("generation_config.json", "{}");
    expect_ends(open_tokenizer(folder), "");
    write_text("generation_config.json", "{\"eos_token_id\": 4}");
    expect_ends(open_tokenizer(folder), "4");
    write_text("tokenizer_config.json", "{\"eos_token\": \"<e>\"}");
    expect_ends(open_tokenizer(folder), "34");
    write_text("generation_config.json", "{\"eos_token_id\": [0, 1, 99, -2, \"2\", 1]}");
    expect_ends(open_tokenizer(folder), "013");
    assert_false(cril_tokenizer_ends(NULL, 0));
}

static int free_spoken(void **state)
{
    cril_spoken_free(&spoken);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes), cmocka_unit_test(test_runs), cmocka_unit_test(test_blank),
        cmocka_unit_test(test_decoders), cmocka_unit_test(test_ends)};

    return cmocka_run_group_tests(tests, make_folder, free_spoken);
}
