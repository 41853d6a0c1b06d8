/*
 * Tokenizers: UTF-8 repair, the tiny models, small vocabularies built here (merges, byte fallback,
 * unigram, special tokens), lies in the metadata, long lines; and with CRIL_SHARED the published
 * vectors of llama.cpp's vocabularies, each text to exactly the listed ids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tokenizer/tokenizer.h"
#include "util/utf8.h"

#include <cril/corpus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

/* --- a GGUF file made of metadata --- */

struct maker {
    uint8_t data[1 << 16];
    size_t n;
    uint64_t n_kv;
};

static void put(struct maker *m, const void *data, size_t len)
{
    assert_true(m->n + len <= sizeof(m->data));
    if (len)
        memcpy(m->data + m->n, data, len);
    m->n += len;
}

static void put_u32(struct maker *m, uint32_t x)
{
    put(m, &x, 4); /* tests run on little-endian machines */
}

static void put_u64(struct maker *m, uint64_t x)
{
    put(m, &x, 8);
}

static void put_text(struct maker *m, const char *s)
{
    put_u64(m, strlen(s));
    put(m, s, strlen(s));
}

static void begin(struct maker *m, const char *model)
{
    m->n = m->n_kv = 0;
    put(m, "GGUF", 4);
    put_u32(m, 3);
    put_u64(m, 0);
    put_u64(m, 0);
    put_text(m, "tokenizer.ggml.model");
    put_u32(m, 8);
    put_text(m, model);
    m->n_kv++;
}

static void key(struct maker *m, const char *name, uint32_t type)
{
    char full[64];

    snprintf(full, sizeof(full), "tokenizer.ggml.%s", name);
    put_text(m, full);
    put_u32(m, type);
    m->n_kv++;
}

static void key_text(struct maker *m, const char *name, const char *value)
{
    key(m, name, 8);
    put_text(m, value);
}

static void key_u32(struct maker *m, const char *name, uint32_t value)
{
    key(m, name, 4);
    put_u32(m, value);
}

static void key_bool(struct maker *m, const char *name, bool value)
{
    const uint8_t byte = value;

    key(m, name, 7);
    put(m, &byte, 1);
}

static void key_array(struct maker *m, const char *name, uint32_t type, uint64_t n)
{
    key(m, name, 9);
    put_u32(m, type);
    put_u64(m, n);
}

static void key_texts(struct maker *m, const char *name, const char *const *values, size_t n)
{
    key_array(m, name, 8, n);
    for (size_t i = 0; i < n; i++)
        put_text(m, values[i]);
}

static void key_i32s(struct maker *m, const char *name, const int32_t *values, size_t n)
{
    key_array(m, name, 5, n);
    put(m, values, 4 * n);
}

static void key_floats(struct maker *m, const char *name, const float *values, size_t n)
{
    key_array(m, name, 6, n);
    put(m, values, 4 * n);
}

static cril_status open_made(struct maker *m, cril_tokenizer **out, cril_error *err)
{
    char path[] = "/tmp/cril-tokenizer-XXXXXX";
    const int fd = mkstemp(path);
    cril_status st;

    assert_true(fd >= 0);
    memcpy(m->data + 16, &m->n_kv, 8);
    assert_int_equal(write(fd, m->data, m->n), (ssize_t)m->n);
    close(fd);
    st = cril_tokenizer_open(path, out, err);
    unlink(path);
    return st;
}

static cril_tokenizer *made(struct maker *m)
{
    cril_tokenizer *t = NULL;
    cril_error err = {0};

    if (open_made(m, &t, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return t;
}

static void refused(struct maker *m, cril_status want, const char *says)
{
    cril_tokenizer *t = NULL;
    cril_error err = {0};

    assert_int_equal(open_made(m, &t, &err), want);
    assert_null(t);
    if (!strstr(err.message, says))
        fail_msg("\"%s\" does not say \"%s\"", err.message, says);
}

/* text must become exactly the ids in want, "1 2 3". */
static void expect(const cril_tokenizer *t, const char *text, size_t len, unsigned flags,
                   const char *want)
{
    cril_ids ids = {0};
    cril_error err = {0};
    char *got = NULL;
    size_t size = 0;
    FILE *f;

    if (cril_tokenizer_encode(t, text, len, flags, &ids, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_non_null(f = open_memstream(&got, &size));
    for (size_t i = 0; i < ids.n; i++)
        fprintf(f, i ? " %d" : "%d", ids.data[i]);
    fclose(f);
    if (strcmp(got, want))
        fail_msg("\"%.*s\" became %s, not %s", (int)len, text, got, want);
    free(got);
    cril_ids_free(&ids);
}

static void expect_text(const cril_tokenizer *t, const char *text, const char *want)
{
    expect(t, text, strlen(text), CRIL_ENCODE_TEXT, want);
}

/* --- UTF-8 --- */

static void utf8_is_repaired_by_maximal_subparts(void **state)
{
    static const struct {
        const char *in, *out;
        uint64_t n;
    } cases[] = {
        {"", NULL, 0},
        {"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", NULL, 4},
        {"\x80"
         "a",
         "?a", 2},
        {"\xc3", "?", 1},
        {"\xc0\xaf", "??", 2},
        {"\xe2\x82"
         "a",
         "?a", 2},
        {"\xe0\x80\x80", "???", 3},
        {"\xed\xa0\x80", "???", 3},
        {"\xf0\x9f\x98"
         "b",
         "?b", 2},
        {"\xf4\x90\x80\x80", "????", 4},
        {"\xf5", "?", 1},
        {"\xf1\x80\x80\xe1\x80\xc2"
         "c",
         "???c", 4}, /* the standard's own example */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *in = cases[i].in;
        char want[64] = "", *out;
        size_t len;

        assert_int_equal(cril_count_characters(in, strlen(in)), cases[i].n);
        assert_int_equal(cril_utf8_repair(in, strlen(in), &out, &len, NULL), CRIL_OK);
        if (!cases[i].out) {
            assert_null(out);
            assert_int_equal(len, strlen(in));
            continue;
        }
        for (const char *p = cases[i].out; *p; p++)
            memcpy(want + strlen(want), *p == '?' ? "\xef\xbf\xbd" : p, *p == '?' ? 3 : 1);
        assert_int_equal(len, strlen(want));
        assert_memory_equal(out, want, len);
        free(out);
    }
}

/* --- the tiny models --- */

static cril_tokenizer *tiny(const char *name)
{
    char path[512];
    cril_tokenizer *t = NULL;
    cril_error err = {0};

    snprintf(path, sizeof(path), CRIL_TEST_DATA "/golden/%s", name);
    if (cril_tokenizer_open(path, &t, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return t;
}

/* The pieces of a text's tokens, one after the other, are the text. */
static void tiny_models_round_trip(void **state)
{
    static const char *const names[] = {"tiny-llama.gguf", "tiny-llama-mixed.gguf",
                                        "tiny-qwen2.gguf", "tiny-gemma3.gguf"};
    static const char text[] =
        "The time in on her, the\n\n  caf\xc3\xa9 \xe6\x97\xa5 <s> 123 \xf0\x9f\x98\x80\t.";

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        cril_tokenizer *t = tiny(names[i]);
        cril_ids ids = {0};
        size_t at = 0, len;

        assert_int_equal(
            cril_tokenizer_encode(t, text, sizeof(text) - 1, CRIL_ENCODE_TEXT, &ids, NULL),
            CRIL_OK);
        for (size_t k = 0; k < ids.n; k++) {
            const char *piece = cril_tokenizer_piece(t, ids.data[k], &len);

            assert_true(len <= sizeof(text) - 1 - at);
            assert_memory_equal(piece, text + at, len);
            at += len;
        }
        assert_int_equal(at, sizeof(text) - 1);
        assert_true(ids.n < sizeof(text) - 1); /* something merged */
        assert_null(cril_tokenizer_piece(t, -1, &len));
        assert_null(cril_tokenizer_piece(t, (int32_t)cril_tokenizer_size(t), &len));
        cril_ids_free(&ids);
        cril_tokenizer_free(t);
    }
}

static void specials_only_when_asked(void **state)
{
    cril_tokenizer *t = tiny("tiny-llama.gguf");
    size_t len = 0;

    (void)state;
    assert_string_equal(cril_tokenizer_kind(t), "bpe (gpt-2)");
    assert_int_equal(cril_tokenizer_bos(t), 266);
    assert_int_equal(cril_tokenizer_eos(t), 267);
    assert_true(cril_tokenizer_adds_bos(t));
    assert_false(cril_tokenizer_adds_eos(t));
    expect(t, "", 0, CRIL_ENCODE_TEXT, "");
    expect(t, "", 0, CRIL_ENCODE_ADD_SPECIAL, "266");
    expect(t, "<s></s>", 7, CRIL_ENCODE_SPECIAL, "266 267");
    expect(t, "<s></s>", 7, CRIL_ENCODE_SPECIAL | CRIL_ENCODE_ADD_SPECIAL, "266 266 267");
    assert_non_null(cril_tokenizer_piece(t, 267, &len));
    assert_null(cril_tokenizer_text(t, 267, &len)); /* its name is not text */
    assert_non_null(cril_tokenizer_text(t, 65, &len));
    assert_int_equal(len, 1);
    assert_null(cril_tokenizer_text(t, -1, &len));
    cril_tokenizer_free(t);
}

/* --- byte-level BPE --- */

static void begin_bpe(struct maker *m, const char *const *merges, size_t n_merges)
{
    static const char *const tokens[] = {"a",   "b",  "c",  "ab", "abc", "\xc4\xa0",
                                         "<x>", "aa", "  ", "",   "cb"};
    static const int32_t types[] = {1, 1, 1, 1, 1, 1, 3, 4, 4, 1, 3};

    begin(m, "gpt2");
    key_text(m, "pre", "gpt-2");
    key_texts(m, "tokens", tokens, 11);
    key_i32s(m, "token_type", types, 11);
    key_texts(m, "merges", merges, n_merges);
}

static void bpe_merges_by_rank(void **state)
{
    static const char *const merges[] = {"a b", "ab c",           "b c", "bc a",
                                         "a b", "\xe6\x97\xa5 a", "c b"};
    static struct maker m;
    cril_tokenizer *t;
    cril_ids ids = {0};
    cril_error err = {0};

    (void)state;
    begin_bpe(&m, merges, 7);
    t = made(&m);
    expect_text(t, "abc", "4");
    expect_text(t, "ababc", "3 4");
    expect_text(t, "bc", "1 2"); /* "bc" and "bca" are no tokens: spelled out again */
    expect_text(t, "bca", "1 2 0");
    expect_text(t, "cb", "2 1"); /* a control token's name */
    expect_text(t, " b", "5 1");
    expect_text(t, "baab", "1 7 1");    /* a user-defined token is cut out first */
    expect_text(t, "b   b", "1 8 5 1"); /* two spaces are one */
    assert_int_equal(cril_tokenizer_encode(t, "ab!", 3, CRIL_ENCODE_TEXT, &ids, &err),
                     CRIL_ERR_RANGE);
    assert_int_equal(ids.n, 0);
    assert_non_null(strstr(err.message, "0x21"));
    expect(t, "a<x>b", 5, CRIL_ENCODE_SPECIAL, "0 6 1");
    cril_ids_free(&ids);
    cril_tokenizer_free(t);
    begin_bpe(&m, merges, 7);
    key_u32(&m, "unknown_token_id", 6);
    t = made(&m);
    expect_text(t, "ab!!c!", "3 6 2 6"); /* one for a run within a word */
    expect_text(t, "!a", "6 0");
    expect_text(t,
                "a\xc4\x80"
                "b",
                "0 6 1");
    cril_tokenizer_free(t);
}

/* --- SentencePiece BPE --- */

static void begin_spm(struct maker *m, bool bytes)
{
    static const char *const tokens[] = {"<unk>",
                                         "<s>",
                                         "</s>",
                                         "\xe2\x96\x81",
                                         "a",
                                         "b",
                                         "ab",
                                         ("\xe2\x96\x81"
                                          "a"),
                                         "<",
                                         "s",
                                         ">",
                                         "<s",
                                         "<0xC3>",
                                         "<0xA9>"};
    static const int32_t types[] = {2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 6, 6};
    static const float scores[] = {0, 0, 0, -9, -9, -9, -1, -2, -9, -9, -9, -3, 0, 0};
    const size_t n = bytes ? 14 : 12;

    begin(m, "llama");
    key_texts(m, "tokens", tokens, n);
    key_i32s(m, "token_type", types, n);
    key_floats(m, "scores", scores, n);
}

static void spm_merges_by_score(void **state)
{
    static struct maker m;
    cril_tokenizer *t;

    (void)state;
    begin_spm(&m, true);
    t = made(&m);
    expect_text(t, "", "");
    expect_text(t, "ab", "3 6"); /* "ab" before " a" */
    expect_text(t, "a a", "7 7");
    expect_text(t,
                "\xe2\x96\x81"
                "a",
                "3 7");               /* U+2581 reads as a space */
    expect_text(t, "<s>", "3 11 10"); /* never the control token */
    expect_text(t, "a\xc3\xa9", "7 12 13");
    expect_text(t, "az z", "7 0 3 0");
    expect(t, "b", 1, CRIL_ENCODE_ADD_SPECIAL, "1 3 5");
    expect(t, "<s>b", 4, CRIL_ENCODE_SPECIAL, "1 5"); /* the space is the text's, not a part's */
    expect(t, "b<s>b", 5, CRIL_ENCODE_SPECIAL, "3 5 1 5");
    cril_tokenizer_free(t);
    begin_spm(&m, false);
    key_bool(&m, "add_space_prefix", false);
    key_bool(&m, "add_eos_token", true);
    t = made(&m);
    expect_text(t, "azzza", "4 0 4"); /* unknown: one for a run */
    expect(t, "b", 1, CRIL_ENCODE_ADD_SPECIAL, "1 5 2");
    cril_tokenizer_free(t);
}

/* As in SentencePiece: a text's own U+2581 is a space, also for the tokens of many spaces that
 * Gemma has. */
static void space_marks_are_spaces(void **state)
{
    static const char *const tokens[] = {"<unk>",
                                         "<s>",
                                         "</s>",
                                         "\xe2\x96\x81",
                                         "a",
                                         ("\xe2\x96\x81"
                                          "a"),
                                         "  ",
                                         "   "};
    static const int32_t types[] = {2, 3, 3, 1, 1, 1, 4, 4};
    static const float scores[] = {0, 0, 0, -9, -9, -1, -1000, -1000};
    static struct maker m;
    cril_tokenizer *t;

    (void)state;
    begin(&m, "llama");
    key_texts(&m, "tokens", tokens, 8);
    key_i32s(&m, "token_type", types, 8);
    key_floats(&m, "scores", scores, 8);
    key_bool(&m, "add_space_prefix", false);
    t = made(&m);
    expect_text(t, "  a", "6 4"); /* user-defined: before any merge */
    expect_text(t,
                "\xe2\x96\x81\xe2\x96\x81"
                "a",
                "6 4");
    expect_text(t, "a \xe2\x96\x81 a", "4 7 4");
    expect_text(t,
                "\xe2\x96\x81"
                "a",
                "5");
    cril_tokenizer_free(t);
}

/* What the library makes of these: user-defined symbols stand within a text, which has its space in
 * front of them, once; and merge with nothing. */
static void symbols_stand_within_the_text(void **state)
{
    static const char *const tokens[] = {"<unk>",
                                         "<s>",
                                         "</s>",
                                         "\xe2\x96\x81",
                                         "a",
                                         ("\xe2\x96\x81"
                                          "a"),
                                         "<sep>",
                                         "\xe2\x96\x81\xe2\x96\x81",
                                         "b",
                                         "ab"};
    static const int32_t types[] = {2, 3, 3, 1, 1, 1, 4, 4, 4, 1};
    static const float scores[] = {0, 0, 0, -9, -9, -1, 0, 0, 0, -1};
    static struct maker m;
    cril_tokenizer *t;

    (void)state;
    for (int squeeze = 0; squeeze < 2; squeeze++) {
        begin(&m, "llama");
        key_texts(&m, "tokens", tokens, 10);
        key_i32s(&m, "token_type", types, 10);
        key_floats(&m, "scores", scores, 10);
        key_bool(&m, "remove_extra_whitespaces", squeeze);
        t = made(&m);
        expect_text(t, "a<sep>a", "5 6 4");
        expect_text(t, "<sep>a", "3 6 4");
        expect_text(t, "<sep> a", "3 6 5");
        expect_text(t, "<sep><sep>a", "3 6 6 4");
        expect_text(t, "ab", "5 8"); /* "ab" would merge first, were "b" no symbol */
        expect_text(t, " a", squeeze ? "5" : "7 4"); /* with the space in front: the symbol "  " */
        expect_text(t, "a   a  ", squeeze ? "5 5" : "5 7 5 7");
        expect_text(t, " ", squeeze ? "" : "7");
        expect_text(t, "\xe2\x96\x81", squeeze ? "" : "7");
        expect_text(t, "a\xe2\x96\x81", squeeze ? "5" : "5 3");
        expect(t, "<s> a<sep></s>a", 15, CRIL_ENCODE_SPECIAL, squeeze ? "1 4 6 2 4" : "1 5 6 2 4");
        cril_tokenizer_free(t);
    }
}

/* --- unigram --- */

static void begin_unigram(struct maker *m)
{
    static const char *const tokens[] = {"<pad>",
                                         "</s>",
                                         "<unk>",
                                         "\xe2\x96\x81",
                                         "a",
                                         "b",
                                         "ab",
                                         ("\xe2\x96\x81"
                                          "a"),
                                         "ba"};
    static const int32_t types[] = {3, 3, 2, 1, 1, 1, 1, 1, 1};
    static const float scores[] = {0, 0, 0, -2, -3, -3, -4, -3.5f, -1};

    begin(m, "t5");
    key_texts(m, "tokens", tokens, 9);
    key_i32s(m, "token_type", types, 9);
    key_floats(m, "scores", scores, 9);
    key_bool(m, "remove_extra_whitespaces", true);
}

static void unigram_takes_the_likeliest(void **state)
{
    static struct maker m;
    cril_tokenizer *t;

    (void)state;
    begin_unigram(&m);
    t = made(&m);
    expect_text(t, "ab", "3 6");  /* -6 beats " a" "b" at -6.5 */
    expect_text(t, "aba", "7 8"); /* -4.5 */
    expect_text(t, "  a   a ", "7 7");
    expect_text(t, "   ", "");
    expect_text(t, "azza", "7 2 4");
    expect(t, "a", 1, CRIL_ENCODE_ADD_SPECIAL, "7 1");
    cril_tokenizer_free(t);
}

/* A map with one key, "A" to "b", as a double array of 256 units and more. */
static void unigram_maps_characters(void **state)
{
    static struct maker m;
    static uint8_t blob[4 + 4 * 512 + 4];
    uint32_t unit[512] = {0};
    cril_tokenizer *t;
    const uint32_t bytes = sizeof(unit);

    (void)state;
    unit[0] = 256u << 10;                       /* root: children at 256 ^ byte */
    unit[256 ^ 'A'] = 'A' | 1u << 8 | 1u << 10; /* a key ends; its value at (256 ^ 'A') ^ 1 */
    unit[256 ^ 'A' ^ 1] = 0x80000000u | 1;      /* replacements + 1 */
    memcpy(blob, &bytes, 4);
    memcpy(blob + 4, unit, sizeof(unit));
    memcpy(blob + 4 + sizeof(unit), "\0b\0", 4);
    begin_unigram(&m);
    key_array(&m, "precompiled_charsmap", 0, sizeof(blob) - 1);
    put(&m, blob, sizeof(blob) - 1);
    t = made(&m);
    expect_text(t, "aAa", "7 8");
    cril_tokenizer_free(t);
    begin_unigram(&m);
    /* A map that cuts characters in two, and puts halves of others. */
    unit[256 ^ 'A'] = 0;
    unit[256 ^ 0xc3] = 0xc3 | 1u << 8 | 1u << 10;
    unit[256 ^ 0xc3 ^ 1] = 0x80000000u | 1;
    memcpy(blob + 4, unit, sizeof(unit));
    memcpy(blob + 4 + sizeof(unit), "\0\xf0\0", 4);
    begin_unigram(&m);
    key_array(&m, "precompiled_charsmap", 0, sizeof(blob) - 1);
    put(&m, blob, sizeof(blob) - 1);
    t = made(&m);
    expect_text(t, "a\xc3\xa9", "7 2");
    expect_text(t,
                "\xc3\xa9"
                "a",
                "3 2 4");
    cril_tokenizer_free(t);
    begin_unigram(&m);
    key_array(&m, "precompiled_charsmap", 0, 7);
    put(&m, blob, 7);
    refused(&m, CRIL_ERR_FORMAT, "precompiled_charsmap");
}

/* --- vocabularies that SentencePiece trained, and what it made of random strings --- */

static int hex_value(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static void sentencepiece_gives_the_same_ids(void **state)
{
    static const char *const names[] = {"sp-unigram", "sp-unigram-bytes", "sp-bpe", "sp-bpe-bytes"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[512], name[64];
        char *line = NULL;
        size_t size = 0, n = 0;
        ssize_t len;
        FILE *f;
        cril_tokenizer *t;

        snprintf(name, sizeof(name), "%s.gguf", names[i]);
        t = tiny(name);
        snprintf(path, sizeof(path), CRIL_TEST_DATA "/golden/%s.tsv", names[i]);
        assert_non_null(f = fopen(path, "r"));
        for (; (len = getline(&line, &size, f)) > 0; n++) { /* hexadecimal, tab, ids, newline */
            char *tab = strchr(line, '\t');
            size_t k = 0;

            assert_non_null(tab);
            line[len - 1] = '\0';
            for (; line + 2 * k < tab; k++) /* in place: byte k comes from the two digits at 2k */
                line[k] = (char)(hex_value(line[2 * k]) * 16 + hex_value(line[2 * k + 1]));
            expect(t, line, k, CRIL_ENCODE_TEXT, tab + 1);
        }
        assert_int_equal(n, 300);
        free(line);
        fclose(f);
        cril_tokenizer_free(t);
    }
}

/* A special token that is half a character never is found: what it left would be no UTF-8. */
static void half_a_character_is_no_special_token(void **state)
{
    static const char *const tokens[] = {"a", "\xa9", "\xc3", "\xc3\xa9", "\xc3\x83", "\xc2\xa9"};
    static const int32_t types[] = {1, 4, 4, 3, 1, 1};
    static const char *const merges[] = {"a b"};
    static struct maker m;
    cril_tokenizer *t;

    (void)state;
    begin(&m, "gpt2");
    key_texts(&m, "tokens", tokens, 6);
    key_i32s(&m, "token_type", types, 6);
    key_texts(&m, "merges", merges, 1);
    t = made(&m);
    expect_text(t,
                "a\xc3\xa9"
                "a",
                "0 4 5 0");
    expect(t,
           "a\xc3\xa9"
           "a",
           4, CRIL_ENCODE_SPECIAL, "0 3 0");
    cril_tokenizer_free(t);
}

/* --- normal forms --- */

/* Byte-level BPE without merges whose token of a byte has its number: ids are the bytes of the
 * normal form. Tokens 256 and 257 are specials. */
static void begin_bytes(struct maker *m, const char *pre)
{
    static const char *const no_merges[] = {""};
    unsigned n_other = 0;

    begin(m, "gpt2");
    if (pre)
        key_text(m, "pre", pre);
    key_array(m, "tokens", 8, 258);
    for (unsigned b = 0; b < 256; b++) {
        const bool own = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b != 0xad);
        const unsigned code = own ? b : 256 + n_other++;
        char text[3] = {(char)code};

        if (code >= 0x80) {
            text[0] = (char)(0xc0 | code >> 6);
            text[1] = (char)(0x80 | (code & 0x3f));
        }
        put_text(m, text);
    }
    put_text(m, "<x>");
    put_text(m, "<y>");
    key_array(m, "token_type", 5, 258);
    for (uint32_t i = 0; i < 258; i++)
        put_u32(m, i < 256 ? 1 : i == 256 ? 4 : 3);
    key_texts(m, "merges", no_merges, 0);
}

static void expect_bytes(const cril_tokenizer *t, const char *text, const char *want)
{
    char ids[512] = "";
    size_t at = 0;

    for (; *want; want++)
        at += (size_t)snprintf(ids + at, sizeof(ids) - at, at ? " %u" : "%u", (uint8_t)*want);
    expect_text(t, text, ids);
}

/* Texts and what the library `tokenizers` (0.23) normalises them to. */
static void composed_where_the_reference_composes(void **state)
{
    static const char *const composing[] = {
        "qwen2", "deepseek-r1-qwen", "stablelm2", "command-r", "mpt", "olmo"};
    static const char *const leaving[] = {"gpt-2",     "smollm",       "llama-bpe", "falcon",
                                          "starcoder", "deepseek-llm", "default"};
    static const char *const texts[][2] = {
        {"", ""},
        {"plain\r\n", "plain\r\n"},
        {"xe\xcc\x81y", "x\xc3\xa9y"},                                      /* e, acute */
        {"\xc3\xa9", "\xc3\xa9"},                                           /* composed */
        {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"},           /* Hangul */
        {"\xed\x95\x98\xe1\x86\xab", "\xed\x95\x9c"},                       /* LV and T */
        {"\xe2\x84\xab\xe2\x84\xa6", "\xc3\x85\xce\xa9"},                   /* singletons */
        {"\xef\xa4\x80", "\xe8\xb1\x88"},                                   /* U+F900 */
        {"\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc"},                       /* excluded */
        {"a\xcc\x81\xcc\xa3", "\xe1\xba\xa1\xcc\x81"},                      /* in order */
        {"\xcc\x81\xcc\xa3", "\xcc\xa3\xcc\x81"},                           /* no base */
        {"\xcc\x81", "\xcc\x81"},                                           /* a mark alone */
        {"a\xe0\xa2\x98\xcc\xa3\xcc\x81", "a\xe0\xa2\x98\xcc\xa3\xcc\x81"}, /* U+0898: Unicode 14 */
        {"\xf0\x91\xa4\xb5\xf0\x91\xa4\xb0", "\xf0\x91\xa4\xb5\xf0\x91\xa4\xb0"},
        {"\xe3\x81\x8b\xe3\x82\x99\xe4\xb8\x80\xcc\x81", "\xe3\x81\x8c\xe4\xb8\x80\xcc\x81"},
        {"e\xcc", "e\xef\xbf\xbd"}, /* ill-formed: repaired first */
    };
    static struct maker m;
    cril_tokenizer *t;

    (void)state;
    for (size_t i = 0; i < sizeof(composing) / sizeof(composing[0]); i++) {
        begin_bytes(&m, composing[i]);
        t = made(&m);
        for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
            expect_bytes(t, texts[k][0], texts[k][1]);
        expect_text(t, "e<x>\xcc\x81", "101 256 204 129"); /* each part for itself */
        expect(t, "e<y>\xcc\x81", 6, CRIL_ENCODE_SPECIAL, "101 257 204 129");
        cril_tokenizer_free(t);
    }
    for (size_t i = 0; i < sizeof(leaving) / sizeof(leaving[0]); i++) {
        begin_bytes(&m, leaving[i]);
        t = made(&m);
        expect_bytes(t, "xe\xcc\x81y", "xe\xcc\x81y");
        cril_tokenizer_free(t);
    }
}

/* --- keys and guesses --- */

static void keys_are_used_or_refused(void **state)
{
    static const char *const harmless[] = {"padding_token_id", "eot_token_id", "fim_pre_token_id",
                                           "mask_token_id", "seperator_token_id"};
    static const char *const refuses[] = {"add_space_prefix", "remove_extra_whitespaces",
                                          "add_sep_token"};
    static struct maker m;

    (void)state;
    begin_bytes(&m, "qwen2");
    for (size_t i = 0; i < 5; i++)
        key_u32(&m, harmless[i], 1);
    for (size_t i = 0; i < 3; i++)
        key_bool(&m, refuses[i], false);
    cril_tokenizer_free(made(&m));
    for (size_t i = 0; i < 3; i++) {
        begin_bytes(&m, "qwen2");
        key_bool(&m, refuses[i], true);
        refused(&m, CRIL_ERR_UNSUPPORTED, refuses[i]);
    }
    begin_bytes(&m, "qwen2");
    key_u32(&m, "lowercase", 1);
    refused(&m, CRIL_ERR_UNSUPPORTED, "'tokenizer.ggml.lowercase'");
    begin_bytes(&m, "qwen2");
    key_array(&m, "precompiled_charsmap", 0, 0); /* is SentencePiece's */
    refused(&m, CRIL_ERR_UNSUPPORTED, "'tokenizer.ggml.precompiled_charsmap'");
    begin_spm(&m, true);
    key_text(&m, "pre", "default");
    cril_tokenizer_free(made(&m));
    begin_spm(&m, true);
    key_u32(&m, "token_type_count", 2);
    refused(&m, CRIL_ERR_UNSUPPORTED, "'tokenizer.ggml.token_type_count'");
}

static void guesses_are_warnings(void **state)
{
    static const char *const tokens[] = {"a", "b"};
    static const char *const merges[] = {"a b"};
    static const char *const names[] = {NULL, "default", "exaone", "qwen2", "gpt-2"};
    static const char *const says[] = {"tokenizer.ggml.pre", "\"default\"", "normalisation"};
    static struct maker m;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        begin_bytes(&m, names[i]);
        cril_tokenizer *t = made(&m);
        const char *warning = cril_tokenizer_warning(t, 0);

        if (i >= 3)
            assert_null(warning);
        else if (!warning || !strstr(warning, says[i]))
            fail_msg("\"%s\" does not say \"%s\"", warning ? warning : "", says[i]);
        assert_null(cril_tokenizer_warning(t, 1));
        cril_tokenizer_free(t);
    }
    begin(&m, "gpt2");
    key_text(&m, "pre", "gpt-2");
    key_texts(&m, "tokens", tokens, 2);
    key_texts(&m, "merges", merges, 1);
    cril_tokenizer *t = made(&m);
    assert_non_null(strstr(cril_tokenizer_warning(t, 0), "token_type"));
    cril_tokenizer_free(t);
    begin_spm(&m, true); /* a BOS is added, and not named */
    t = made(&m);
    assert_non_null(strstr(cril_tokenizer_warning(t, 0), "bos_token_id"));
    cril_tokenizer_free(t);
}

/* --- lies --- */

static void lies_are_refused(void **state)
{
    static const char *const good[] = {"a b"};
    static const char *const bad_merges[] = {"a b", "ab", "a ", " b", ""};
    static const char *const tokens[] = {"a", "<0xZZ>"};
    static const int32_t types[] = {1, 7}, bytes[] = {1, 6}, negative[] = {1, -1};
    static const float scores[] = {0, 0};
    static struct maker m;
    const float not_a_number = strtof("nan", NULL);

    (void)state;
    begin(&m, "rwkv");
    refused(&m, CRIL_ERR_UNSUPPORTED, "rwkv");
    begin(&m, "gpt2");
    refused(&m, CRIL_ERR_FORMAT, "tokens is missing");
    begin(&m, "gpt2");
    key_texts(&m, "tokens", tokens, 0);
    refused(&m, CRIL_ERR_FORMAT, "0 elements");
    begin(&m, "gpt2");
    key_texts(&m, "tokens", tokens, 2);
    refused(&m, CRIL_ERR_FORMAT, "merges is missing");
    begin(&m, "gpt2");
    key_texts(&m, "tokens", tokens, 2);
    key_i32s(&m, "token_type", types, 2);
    refused(&m, CRIL_ERR_FORMAT, "unknown type 7");
    begin(&m, "gpt2");
    key_texts(&m, "tokens", tokens, 2);
    key_i32s(&m, "token_type", negative, 2);
    refused(&m, CRIL_ERR_FORMAT, "unknown type");
    begin(&m, "gpt2");
    key_texts(&m, "tokens", tokens, 2);
    key_i32s(&m, "token_type", types, 1);
    refused(&m, CRIL_ERR_FORMAT, "1 elements for 2 tokens");
    for (size_t i = 1; i < 5; i++) {
        begin(&m, "gpt2");
        key_texts(&m, "tokens", tokens, 2);
        key_texts(&m, "merges", bad_merges + i, 1);
        refused(&m, CRIL_ERR_FORMAT, "merge 0");
    }
    begin(&m, "gpt2");
    key_text(&m, "pre", "no-such-split");
    key_texts(&m, "tokens", tokens, 2);
    key_texts(&m, "merges", good, 1);
    refused(&m, CRIL_ERR_UNSUPPORTED, "no-such-split");
    begin_bpe(&m, good, 1);
    key_u32(&m, "bos_token_id", 11);
    refused(&m, CRIL_ERR_FORMAT, "bos_token_id is 11");
    begin_bpe(&m, good, 1);
    key_bool(&m, "add_eos_token", true);
    refused(&m, CRIL_ERR_FORMAT, "no such token");
    begin(&m, "llama");
    key_texts(&m, "tokens", tokens, 2);
    refused(&m, CRIL_ERR_FORMAT, "scores is missing");
    begin(&m, "llama");
    key_texts(&m, "tokens", tokens, 2);
    key_floats(&m, "scores", scores, 1);
    refused(&m, CRIL_ERR_FORMAT, "1 elements for 2 tokens");
    begin(&m, "llama");
    key_texts(&m, "tokens", tokens, 1);
    key_floats(&m, "scores", &not_a_number, 1);
    refused(&m, CRIL_ERR_FORMAT, "not finite");
    begin(&m, "llama");
    key_texts(&m, "tokens", tokens, 2);
    key_i32s(&m, "token_type", bytes, 2);
    key_floats(&m, "scores", scores, 2);
    refused(&m, CRIL_ERR_FORMAT, "byte token 1");
}

/* --- long lines --- */

static double seconds_for(const cril_tokenizer *t, const char *unit, size_t len)
{
    const size_t unit_len = strlen(unit);
    char *text = malloc(len);
    cril_ids ids = {0};
    struct timespec a, b;

    assert_non_null(text);
    for (size_t i = 0; i < len; i++)
        text[i] = unit[i % unit_len];
    text[len - 1] = 'e';
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    assert_int_equal(cril_tokenizer_encode(t, text, len, CRIL_ENCODE_TEXT, &ids, NULL), CRIL_OK);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    cril_ids_free(&ids);
    free(text);
    return (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
}

/* A quadratic way takes minutes for each of these. */
static void one_megabyte_without_a_break_is_quick(void **state)
{
    static const char *const names[] = {"tiny-llama.gguf", "tiny-gemma3.gguf"};
    static const char *const units[] = {"a", "the",          " ", "\n", "\r\n ", "1",
                                        ".", "\xe6\x97\xa5", "'s"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        cril_tokenizer *t = tiny(names[i]);

        for (size_t k = 0; k < sizeof(units) / sizeof(units[0]); k++)
            assert_true(seconds_for(t, units[k], 1 << 20) < 20.0);
        cril_tokenizer_free(t);
    }
    static struct maker m;
    begin_bytes(&m, "qwen2"); /* runs of marks, in the wrong order */
    cril_tokenizer *t = made(&m);
    assert_true(seconds_for(t, "\xcc\x81\xcc\xa3", 1 << 20) < 20.0);
    assert_true(seconds_for(t, "e\xcc\x81", 1 << 20) < 20.0);
    cril_tokenizer_free(t);
}

/* --- published vectors --- */

static char *read_all(const char *path, size_t *len)
{
    gzFile f = gzopen(path, "rb"); /* plain files are read as they are */
    size_t capacity = 1 << 16;
    char *data = malloc(capacity);
    int n;

    *len = 0;
    if (!f) {
        free(data);
        return NULL;
    }
    while (data && (n = gzread(f, data + *len, (unsigned)(capacity - *len - 1))) > 0) {
        *len += (size_t)n;
        if (capacity - *len < 2)
            data = realloc(data, capacity *= 2);
    }
    assert_non_null(data);
    gzclose(f);
    data[*len] = '\0';
    return data;
}

static cril_tokenizer *open_packed(const char *path)
{
    char copy[] = "/tmp/cril-vocab-XXXXXX", packed[600];
    cril_tokenizer *t = NULL;
    cril_error err = {0};
    size_t len;
    char *data = read_all(path, &len);
    int fd;

    snprintf(packed, sizeof(packed), "%s.gz", path);
    if (!data)
        data = read_all(packed, &len);
    if (!data)
        fail_msg("%s: missing", path);
    assert_true((fd = mkstemp(copy)) >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    close(fd);
    free(data);
    if (cril_tokenizer_open(copy, &t, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    unlink(copy);
    return t;
}

static void check_vectors(const cril_tokenizer *t, const char *base)
{
    static const char mark[] = "\n__ggml_vocab_test__\n";
    char path[600];
    size_t len, n = 0;
    char *in, *out, *text, *line, *end;

    snprintf(path, sizeof(path), "%s.inp", base);
    assert_non_null(in = text = read_all(path, &len));
    snprintf(path, sizeof(path), "%s.out", base);
    assert_non_null(out = line = read_all(path, &len));
    for (; (end = strstr(text, mark)); text = end + sizeof(mark) - 1, n++) {
        char *line_end = strchr(line, '\n');

        assert_non_null(line_end);
        *line_end = '\0';
        expect(t, text, (size_t)(end - text), CRIL_ENCODE_TEXT, line + strspn(line, " "));
        line = line_end + 1;
    }
    assert_int_equal(n, 46);
    free(in);
    free(out);
}

static void vocabularies_match_their_vectors(void **state)
{
    static const char *const names[] = {"command-r", "deepseek-coder", "deepseek-llm", "falcon",
                                        "gpt-2",     "llama-bpe",      "llama-spm",    "mpt",
                                        "phi-3",     "qwen2",          "refact",       "starcoder"};
    const char *shared = getenv("CRIL_SHARED");
    char base[512];

    (void)state;
    if (!shared || access(shared, R_OK)) {
        print_message("skipped: CRIL_SHARED names no folder\n");
        skip();
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        cril_tokenizer *t;

        snprintf(base, sizeof(base), "%s/data/vocab/ggml-vocab-%s.gguf", shared, names[i]);
        t = open_packed(base);
        check_vectors(t, base);
        cril_tokenizer_free(t);
    }
    /* The thirteenth has no vectors; it splits and merges as MPT, whose vocabulary is a copy of it.
     */
    snprintf(base, sizeof(base), "%s/data/vocab/ggml-vocab-gpt-neox.gguf", shared);
    cril_tokenizer *neox = open_packed(base);
    snprintf(base, sizeof(base), "%s/data/vocab/ggml-vocab-mpt.gguf", shared);
    check_vectors(neox, base);
    cril_tokenizer_free(neox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_repaired_by_maximal_subparts),
        cmocka_unit_test(tiny_models_round_trip),
        cmocka_unit_test(specials_only_when_asked),
        cmocka_unit_test(bpe_merges_by_rank),
        cmocka_unit_test(spm_merges_by_score),
        cmocka_unit_test(space_marks_are_spaces),
        cmocka_unit_test(symbols_stand_within_the_text),
        cmocka_unit_test(composed_where_the_reference_composes),
        cmocka_unit_test(keys_are_used_or_refused),
        cmocka_unit_test(guesses_are_warnings),
        cmocka_unit_test(unigram_takes_the_likeliest),
        cmocka_unit_test(unigram_maps_characters),
        cmocka_unit_test(sentencepiece_gives_the_same_ids),
        cmocka_unit_test(half_a_character_is_no_special_token),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(one_megabyte_without_a_break_is_quick),
        cmocka_unit_test(vocabularies_match_their_vectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
