/*
 * libFuzzer entry: a vocabulary and a text, both from the input's bytes, or a text for one of the
 * golden vocabularies.
 *
 * The vocabulary is written as a GGUF file that is well-formed as a file and may lie in every other
 * way: empty and double pieces, types and ids out of range, scores that are no numbers, merges of
 * what does not exist, any map of characters. A sanitizer watches; besides, ids lie in the
 * vocabulary, encoding twice gives the same, and what a byte-level tokenizer without an unknown
 * token makes of a text as text spells it again.
 */
#include "util/utf8.h"

#include <cril/tokenizer.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
    const uint8_t *at;
    size_t left;
};

static uint8_t take(struct source *s) /* zeros past the end */
{
    return s->left ? (s->left--, *s->at++) : 0;
}

static const uint8_t *take_bytes(struct source *s, size_t max, size_t *len)
{
    const uint8_t *bytes;

    *len = take(s) % (max + 1);
    bytes = s->at;
    if (*len > s->left)
        *len = s->left;
    s->at += *len;
    s->left -= *len;
    return bytes;
}

/* --- a GGUF file of metadata --- */

static struct {
    uint8_t data[1 << 16]; /* at most 60 tokens and merges of 32 bytes, a map of 1,000 */
    size_t n;
    uint64_t n_kv;
} file;

static void put(const void *data, size_t len)
{
    if (len > sizeof(file.data) - file.n)
        abort();
    if (len)
        memcpy(file.data + file.n, data, len);
    file.n += len;
}

static void put_u32(uint32_t x)
{
    put(&x, 4);
}

static void put_u64(uint64_t x)
{
    put(&x, 8);
}

static void put_text(const void *text, size_t len)
{
    put_u64(len);
    put(text, len);
}

static void put_key(const char *key, uint32_t type)
{
    put_u64(strlen("tokenizer.ggml.") + strlen(key));
    put("tokenizer.ggml.", strlen("tokenizer.ggml."));
    put(key, strlen(key));
    put_u32(type);
    file.n_kv++;
}

static void put_array(const char *key, uint32_t type, uint64_t n)
{
    put_key(key, 9);
    put_u32(type);
    put_u64(n);
}

static void put_texts(struct source *s, const char *key, size_t n, size_t max)
{
    put_array(key, 8, n);
    for (size_t i = 0; i < n; i++) {
        size_t len;
        const uint8_t *text = take_bytes(s, max, &len);

        put_text(text, len);
    }
}

static void put_scores(struct source *s, size_t n)
{
    put_array("scores", 6, n);
    for (size_t i = 0; i < n; i++) {
        const uint8_t b = take(s);
        float score = -(float)(b % 16);
        const uint32_t bits = (uint32_t)take(s) << 24 | (uint32_t)b << 16 | 0x1234;

        if (b > 250)
            memcpy(&score, &bits, 4); /* infinite, not a number, tiny, large */
        put(&score, 4);
    }
}

static bool has_unknown; /* the vocabulary names an unknown token */

static void put_ids(struct source *s, size_t n_tokens)
{
    static const char *const ids[] = {"bos_token_id", "eos_token_id", "unknown_token_id"};
    static const char *const bools[] = {"add_bos_token", "add_eos_token", "add_space_prefix",
                                        "remove_extra_whitespaces"};
    const uint8_t which = take(s);

    has_unknown = which & 4;
    for (size_t i = 0; i < 3; i++)
        if (which >> i & 1) {
            put_key(ids[i], 4);
            put_u32(take(s) % (uint32_t)(n_tokens + 2));
        }
    for (size_t i = 0; i < 4; i++)
        if (which >> (i + 3) & 1) {
            const uint8_t value = take(s) & 1;

            put_key(bools[i], 7);
            put(&value, 1);
        }
}

static void make_vocabulary(struct source *s)
{
    static const char *const models[] = {"gpt2", "llama", "t5"};
    static const char *const pres[] = {"gpt-2",  "llama-bpe",    "qwen2",         "smollm",
                                       "falcon", "deepseek-llm", "deepseek-coder"};
    const char *model = models[take(s) % 3], *pre = pres[take(s) % 7];
    const uint8_t has = take(s);
    const size_t n = take(s) % 60;

    file.n = file.n_kv = 0;
    put("GGUF", 4);
    put_u32(3);
    put_u64(0);
    put_u64(0);
    put_key("model", 8);
    put_text(model, strlen(model));
    put_key("pre", 8);
    put_text(pre, strlen(pre));
    put_texts(s, "tokens", n, 32);
    if (has & 1) {
        put_array("token_type", 5, n);
        for (size_t i = 0; i < n; i++)
            put_u32(take(s) % (has & 2 ? 7 : 8)); /* 7 is no type */
    }
    if (model[0] != 'g' || has & 4)
        put_scores(s, n);
    if (model[0] == 'g' || has & 8)
        put_texts(s, "merges", take(s) % 60, 32);
    if (has & 16) {
        size_t len;
        const size_t units = take(s) % 128;
        const uint32_t trie = (uint32_t)(4 * units);
        const uint8_t *bytes;

        put_array("precompiled_charsmap", 0, 4 + trie + 33);
        put_u32(has & 32 ? trie : take(s));
        for (size_t i = 0; i < units;
             i++) /* label, end of key, short offsets: what a walk can follow */
            put_u32(take(s) | (uint32_t)(take(s) & 1) << 8 | (uint32_t)(take(s) % 128) << 10);
        bytes = take_bytes(s, 32, &len);
        put(bytes, len);
        for (; len < 33; len++)
            put("", 1);
    }
    put_ids(s, n);
    memcpy(file.data + 16, &file.n_kv, 8);
}

static char name[] = "/tmp/cril-fuzz-XXXXXX";

static void remove_file(void)
{
    unlink(name);
}

static cril_tokenizer *open_made(void)
{
    static int fd = -1;
    cril_tokenizer *t = NULL;
    cril_error err = {0};

    if (fd < 0) {
        if ((fd = mkstemp(name)) < 0)
            abort();
        atexit(remove_file);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, file.data, file.n, 0) != (ssize_t)file.n)
        abort();
    if (cril_tokenizer_open(name, &t, &err) != CRIL_OK && (t || !err.message[0]))
        abort();
    return t;
}

/* --- a text --- */

static void check_spelling(const cril_tokenizer *t, const cril_ids *ids, const char *text,
                           size_t len)
{
    char *repaired;
    size_t at = 0, n;

    if (cril_utf8_repair(text, len, &repaired, &len, NULL) != CRIL_OK)
        return;
    for (size_t i = 0; i < ids->n; i++, at += n) {
        const char *piece = cril_tokenizer_piece(t, ids->data[i], &n);

        if (n > len - at || memcmp(piece, (repaired ? repaired : text) + at, n))
            abort();
    }
    if (at != len)
        abort();
    free(repaired);
}

static void encode(const cril_tokenizer *t, const char *text, size_t len, unsigned flags)
{
    cril_ids ids = {0};
    cril_error err = {0};
    const cril_status st = cril_tokenizer_encode(t, text, len, flags, &ids, &err);
    const size_t n = ids.n;

    if (st != CRIL_OK && (n || !err.message[0]))
        abort();
    if (st == CRIL_OK && flags == CRIL_ENCODE_TEXT && !has_unknown &&
        !strncmp(cril_tokenizer_kind(t), "bpe", 3))
        check_spelling(t, &ids, text, len);
    for (size_t i = 0; i < n; i++)
        if (ids.data[i] < 0 || (size_t)ids.data[i] >= cril_tokenizer_size(t))
            abort();
    if (cril_tokenizer_encode(t, text, len, flags, &ids, &err) != st ||
        ids.n != (st == CRIL_OK ? 2 * n : 0) ||
        (n && memcmp(ids.data, ids.data + n, n * sizeof(*ids.data))))
        abort();
    cril_ids_free(&ids);
}

static const cril_tokenizer *golden(size_t which)
{
    static const char *const paths[] = {
        CRIL_TEST_DATA "/golden/tiny-llama.gguf", CRIL_TEST_DATA "/golden/tiny-gemma3.gguf",
        CRIL_TEST_DATA "/golden/sp-unigram.gguf", CRIL_TEST_DATA "/golden/sp-unigram-bytes.gguf",
        CRIL_TEST_DATA "/golden/sp-bpe.gguf",     CRIL_TEST_DATA "/golden/sp-bpe-bytes.gguf"};
    static cril_tokenizer *open[6];

    which %= 6;
    if (!open[which] && cril_tokenizer_open(paths[which], &open[which], NULL) != CRIL_OK)
        abort();
    return open[which];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = {data, size};
    const uint8_t choice = take(&s);
    cril_tokenizer *own = NULL;
    const cril_tokenizer *t;

    if (choice < 48) {
        t = golden(choice);
        has_unknown = false; /* in the byte-level one */
    } else {
        make_vocabulary(&s);
        t = own = open_made();
    }
    if (t)
        for (unsigned flags = 0; flags < 4; flags++)
            encode(t, (const char *)s.at, s.left, flags);
    cril_tokenizer_free(own);
    return 0;
}
