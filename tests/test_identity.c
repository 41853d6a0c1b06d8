/*
 * Identity of a model: a tiny one, written again with what does not decide over results changed,
 * has the same; with a byte changed of what does, another. Where there is a python3, it computes
 * the same by its own way from the description (scripts/model_identity.py). A folder has that of
 * the GGUF file that llama.cpp's converter made of it; where cril does not know what that would
 * hold, one that changes with what its files say of the tokenizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "formats/source.h"
#include "llama_folder.h"

#include <cril/model.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GOLDEN CRIL_TEST_DATA "/golden/tiny-llama-mixed.gguf"

static char folder[] = "/tmp/cril-identity-XXXXXX";
static struct cril_source *golden;

/* What is different in the file that is written. */
struct change {
    const char *name; /* another general.name, and a chat template */
    const char *key;  /* the first byte of this number, or the last of this text or list, changes */
    const char *tensor; /* the last byte of its data changes */
    const char *absent; /* this key is left out */
    unsigned alignment; /* 0: none is named, 32 holds */
    bool reversed;      /* keys and tensors in the other order */
};

/* --- writing --- */

static void put_number(FILE *f, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        putc((int)(v >> (8 * i) & 255), f);
}

static void put_text(FILE *f, const char *data, size_t len)
{
    put_number(f, len, 8);
    assert_int_equal(fwrite(data, 1, len, f), len);
}

static void put_key_text(FILE *f, const char *key, const char *value)
{
    put_text(f, key, strlen(key));
    put_number(f, CRIL_VALUE_STRING, 4);
    put_text(f, value, strlen(value));
}

static void put_key_u32(FILE *f, const char *key, uint32_t value)
{
    put_text(f, key, strlen(key));
    put_number(f, CRIL_VALUE_U32, 4);
    put_number(f, value, 4);
}

static bool named(struct cril_bytes key, const char *name)
{
    return name && strlen(name) == key.len && !memcmp(name, key.data, key.len);
}

static void put_strings(FILE *f, const struct cril_value *kv, bool changed)
{
    for (uint64_t i = 0; i < kv->n; i++) {
        const struct cril_bytes s = kv->strings[i];

        put_number(f, s.len, 8);
        for (size_t k = 0; k < s.len; k++)
            putc((uint8_t)s.data[k] ^ (changed && i == kv->n - 1 && k == s.len - 1), f);
    }
}

static void put_kv(FILE *f, const struct cril_value *kv, const struct change *c)
{
    const bool changed = named(kv->key, c->key);

    put_text(f, kv->key.data, kv->key.len);
    if (kv->is_array)
        put_number(f, CRIL_VALUE_ARRAY, 4);
    put_number(f, kv->type, 4);
    if (kv->is_array)
        put_number(f, kv->n, 8);
    if (kv->type == CRIL_VALUE_STRING)
        put_strings(f, kv, changed);
    else
        for (size_t i = 0; i < cril_value_bytes(kv); i++)
            putc(kv->data[i] ^ (changed && !i), f);
}

/* Those of the file but general.name, absent and the alignment, which are c's business. Returns
   their number; f NULL: only counts. */
static uint64_t put_keys(FILE *f, const struct change *c)
{
    const size_t n = cril_source_values(golden)->n;
    uint64_t n_put = 0;

    for (size_t i = 0; i < n; i++) {
        const struct cril_value *kv =
            &cril_source_values(golden)->values[c->reversed ? n - 1 - i : i];

        if ((c->name && named(kv->key, "general.name")) || named(kv->key, c->absent))
            continue;
        n_put++;
        if (f)
            put_kv(f, kv, c);
    }
    return n_put;
}

static const struct cril_tensor *tensor_at(const struct change *c, size_t i)
{
    return cril_source_tensor(golden, c->reversed ? cril_source_tensor_count(golden) - 1 - i : i);
}

static void pad(FILE *f, unsigned alignment)
{
    while (ftell(f) % alignment)
        putc(0, f);
}

static void put_tensors(FILE *f, const struct change *c, size_t from, size_t to)
{
    const unsigned alignment = c->alignment ? c->alignment : 32;
    uint64_t offset = 0;

    for (size_t i = from; i < to; i++) {
        const struct cril_tensor *t = tensor_at(c, i);

        put_text(f, t->name, strlen(t->name));
        put_number(f, t->n_dims, 4);
        for (unsigned k = 0; k < t->n_dims; k++)
            put_number(f, t->ne[k], 8);
        put_number(f, cril_dtypes[t->type].gguf_id, 4);
        put_number(f, offset, 8);
        offset += (t->bytes + alignment - 1) / alignment * alignment;
    }
    for (size_t i = from; i < to; i++) {
        const struct cril_tensor *t = tensor_at(c, i);
        const bool changed = c->tensor && !strcmp(c->tensor, t->name);

        pad(f, alignment);
        for (uint64_t k = 0; k < t->bytes; k++)
            putc(t->data[k] ^ (changed && k == t->bytes - 1), f);
    }
    pad(f, alignment);
}

/* Part no of a model of n_parts. */
static void write_part(const char *path, const struct change *c, unsigned no, unsigned n_parts)
{
    const size_t n = cril_source_tensor_count(golden), from = n * no / n_parts,
                 to = n * (no + 1) / n_parts;
    const uint64_t n_keys = no ? 0 : put_keys(NULL, c) + (c->name ? 2 : 0);
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    fputs("GGUF", f);
    put_number(f, 3, 4);
    put_number(f, to - from, 8);
    put_number(f, n_keys + (c->alignment ? 1 : 0) + (n_parts > 1 ? 3 : 0), 8);
    if (c->alignment)
        put_key_u32(f, "general.alignment", c->alignment);
    if (n_parts > 1) {
        put_key_u32(f, "split.no", no);
        put_key_u32(f, "split.count", n_parts);
        put_key_u32(f, "split.tensors.count", (uint32_t)n);
    }
    if (c->name && !no) {
        put_key_text(f, "general.name", c->name);
        put_key_text(f, "tokenizer.chat_template", "{{ messages }}");
    }
    if (!no)
        put_keys(f, c);
    put_tensors(f, c, from, to);
    assert_int_equal(fclose(f), 0);
}

/* --- identities --- */

static void identity_of(const char *path, char hex[65])
{
    cril_model *m;
    cril_error err = {0};
    char again[65] = "", sha256[65] = "";

    if (cril_model_open(path, &m, &err) != CRIL_OK || cril_model_identity(m, hex, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(cril_model_sha256(m, sha256, &err), CRIL_OK);
    assert_int_equal(cril_model_identity(m, again, &err), CRIL_OK);
    assert_int_equal(strlen(hex), 64);
    assert_string_equal(hex, again);
    assert_string_not_equal(hex, sha256);
    cril_model_close(m);
}

static void identity_with(const struct change *c, char hex[65])
{
    char path[128];

    snprintf(path, sizeof(path), "%s/changed.gguf", folder);
    write_part(path, c, 0, 1);
    identity_of(path, hex);
    unlink(path);
}

static void the_rest_does_not_count(void **state)
{
    static const struct change changes[] = {
        {0},
        {.name = "another"},
        {.reversed = true},
        {.alignment = 8},
        {.alignment = 4096, .reversed = true},
        {.key = "general.name"},
        {.key = "general.file_type"},
        {.absent = "general.file_type"},
        {.name = "", .alignment = 64, .reversed = true, .absent = "general.file_type"},
    };
    char want[65], hex[65];

    (void)state;
    identity_of(GOLDEN, want);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        identity_with(&changes[i], hex);
        assert_string_equal(hex, want);
    }
}

static void a_split_model_is_the_same(void **state)
{
    char path[2][128], want[65], hex[65];

    (void)state;
    identity_of(GOLDEN, want);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path[i], sizeof(path[i]), "%s/m-%05u-of-00002.gguf", folder, i + 1);
        write_part(path[i], &(struct change){.reversed = true}, i, 2);
    }
    identity_of(path[0], hex);
    assert_string_equal(hex, want);
    unlink(path[0]);
    unlink(path[1]);
}

static void each_byte_that_decides_counts(void **state)
{
    static const struct change changes[] = {
        {.key = "llama.rope.freq_base"},        {.key = "llama.attention.layer_norm_rms_epsilon"},
        {.key = "llama.context_length"},        {.absent = "llama.vocab_size"},
        {.key = "tokenizer.ggml.tokens"},       {.key = "tokenizer.ggml.token_type"},
        {.key = "tokenizer.ggml.merges"},       {.key = "tokenizer.ggml.add_bos_token"},
        {.key = "tokenizer.ggml.eos_token_id"}, {.tensor = "output.weight"},
        {.tensor = "blk.1.attn_q.weight"},      {.tensor = "output_norm.weight"},
    };
    enum { N = sizeof(changes) / sizeof(changes[0]) };
    char hex[N + 1][65];

    (void)state;
    identity_of(GOLDEN, hex[N]);
    for (size_t i = 0; i < N; i++)
        identity_with(&changes[i], hex[i]);
    for (size_t i = 0; i <= N; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(hex[i], hex[k]);
}

/* Archives name it: it must never change. */
static void it_is_what_it_was(void **state)
{
    char hex[65];

    (void)state;
    identity_of(GOLDEN, hex);
    assert_string_equal(hex, "9255e2ba6f333815e8524823b834ccf1bac146ef8db6cccae7aa6a8140e890fd");
}

static void python_computes_the_same(void **state)
{
    static const char *const names[] = {"llama", "llama-mixed", "qwen2", "gemma3"};

    (void)state;
    if (system("python3 -c '' 2>/dev/null") != 0) {
        print_message("skipped: no python3\n");
        skip();
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[512], command[1200], want[66] = "", hex[65];
        FILE *f;

        snprintf(path, sizeof(path), CRIL_TEST_DATA "/golden/tiny-%s.gguf", names[i]);
        snprintf(command, sizeof(command),
                 "python3 '" CRIL_TEST_DATA "/../scripts/model_identity.py' '%s'", path);
        assert_non_null(f = popen(command, "r"));
        assert_non_null(fgets(want, sizeof(want), f));
        assert_int_equal(pclose(f), 0);
        want[strcspn(want, "\n")] = '\0';
        identity_of(path, hex);
        assert_string_equal(hex, want);
    }
}

/* --- folders --- */

/* Of the folder with this tokenizer.json, in which `from` becomes `to`. */
static void identity_of_folder(const char *from, const char *to, char hex[65])
{
    const char *const at = strstr(LLAMA_TOKENIZER, from);
    char text[1024];
    int n;

    assert_non_null(at);
    n = snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - LLAMA_TOKENIZER), LLAMA_TOKENIZER, to,
                 at + strlen(from));
    write_member(folder, "tokenizer.json", text, (size_t)n);
    identity_of(folder, hex);
}

static void a_folder_and_its_tokenizer(void **state)
{
    static const char *const changes[][2] = {
        {"", ""},
        {"\"a\": 0, \"b\": 1", "\"a\": 1, \"b\": 0"}, /* other pieces */
        {"\"a b\", \"b a\"", "\"b a\", \"a b\""},     /* other ranks */
        {"\"a b\", \"b a\"", "\"a b\""},              /* a merge less */
        {"\"<s>\"", "\"<t>\""},                       /* an added token's name */
        {"\"special\": true", "\"special\": false"},  /* what it is */
        {"\"special\": true", "\"special\": true, \"lstrip\": true"},
        {"\"normalizer\": null", "\"normalizer\": {\"type\": \"NFC\"}"},
        {"\"use_regex\": true", "\"use_regex\": false"}, /* words */
        {"\"post_processor\": null",
         "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": "
         "{\"id\": \"<s>\"}}, {\"Sequence\": {}}], \"special_tokens\": {\"<s>\": {\"ids\": [4]}}}"},
        {"\"type\": \"BPE\"", "\"type\": \"BPE\", \"ignore_merges\": true"},
    };
    enum { N = sizeof(changes) / sizeof(changes[0]) };
    char hex[N][65], again[65];

    (void)state;
    write_llama(folder, LLAMA_CONFIG);
    for (size_t i = 0; i < N; i++)
        identity_of_folder(changes[i][0], changes[i][1], hex[i]);
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(hex[i], hex[k]))
                fail_msg("changes %zu and %zu have one identity", k, i);
    identity_of_folder("{\"added", " {\"added", again); /* other bytes, the same tokenizer */
    assert_string_equal(again, hex[0]);
    remove_llama(folder);
}

/* golden/identity.txt: an identity that the converter's file has, and the folder's name. */
static void a_folder_has_that_of_its_gguf(void **state)
{
    FILE *const f = fopen(CRIL_TEST_DATA "/golden/identity.txt", "r");
    char want[65], name[64], path[512], hex[65];
    size_t n = 0;

    (void)state;
    assert_non_null(f);
    for (; fscanf(f, "%64s %63s", want, name) == 2; n++) {
        snprintf(path, sizeof(path), CRIL_TEST_DATA "/golden/identity/%s", name);
        identity_of(path, hex);
        if (strcmp(hex, want) != 0)
            fail_msg("%s has %s, its GGUF file %s", name, hex, want);
    }
    assert_int_equal(n, 7);
    fclose(f);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) && cril_source_open(GOLDEN, &golden, NULL) == CRIL_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cril_source_close(golden);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rest_does_not_count),
        cmocka_unit_test(a_split_model_is_the_same),
        cmocka_unit_test(each_byte_that_decides_counts),
        cmocka_unit_test(it_is_what_it_was),
        cmocka_unit_test(python_computes_the_same),
        cmocka_unit_test(a_folder_and_its_tokenizer),
        cmocka_unit_test(a_folder_has_that_of_its_gguf),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
