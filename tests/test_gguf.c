/*
 * GGUF files built here byte by byte: a good one is read back, each kind of lie is refused with a
 * sentence that names it, every prefix and every changed byte is survived, split models are joined.
 * Also the small readers below it: map, cursor, hash, inspect.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "formats/source.h"
#include "formats/known.h"
#include "util/cursor.h"
#include "util/hash.h"
#include "util/mapfile.h"

#include <cril/inspect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/cril-gguf-XXXXXX";
static char path[128];

struct buffer {
    uint8_t data[8192];
    size_t n;
};

static void put(struct buffer *b, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        b->data[b->n++] = (uint8_t)(v >> (8 * i));
    assert_true(b->n < sizeof(b->data) - 256);
}

static void put_string(struct buffer *b, const char *s)
{
    put(b, strlen(s), 8);
    memcpy(b->data + b->n, s, strlen(s));
    b->n += strlen(s);
}

static void put_key(struct buffer *b, const char *key, unsigned type)
{
    put_string(b, key);
    put(b, type, 4);
}

static void put_header(struct buffer *b, uint64_t n_tensors, uint64_t n_kv)
{
    b->n = 0;
    put(b, 0x46554747, 4);
    put(b, 3, 4);
    put(b, n_tensors, 8);
    put(b, n_kv, 8);
}

static void put_tensor(struct buffer *b, const char *name, uint64_t ne0, uint64_t ne1,
                       unsigned type, uint64_t offset)
{
    put_string(b, name);
    put(b, 2, 4);
    put(b, ne0, 8);
    put(b, ne1, 8);
    put(b, type, 4);
    put(b, offset, 8);
}

static void put_data(struct buffer *b, size_t alignment, size_t n)
{
    while (b->n % alignment)
        put(b, 0, 1);
    for (size_t i = 0; i < n; i++)
        put(b, i, 1);
}

static void save_as(const struct buffer *b, const char *name)
{
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(
        path); /* some file systems bring a file to the disk when it is cut to nothing and closed */
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->data, 1, b->n, f), b->n);
    assert_int_equal(fclose(f), 0);
}

static void refused(const struct buffer *b, cril_status status, const char *words)
{
    struct cril_source *g = NULL;
    cril_error err;

    save_as(b, "bad.gguf");
    assert_int_equal(cril_source_open(path, &g, NULL), status);
    assert_int_equal(cril_source_open(path, &g, &err), status);
    assert_null(g);
    assert_int_equal(err.status, status);
    if (!strstr(err.message, words) || !strstr(err.message, path))
        fail_msg("'%s' lacks '%s' or the path", err.message, words);
}

static void put_good(struct buffer *b)
{
    put_header(b, 2, 9);
    put_key(b, "general.architecture", CRIL_VALUE_STRING);
    put_string(b, "llama");
    put_key(b, "general.alignment", CRIL_VALUE_U32);
    put(b, 64, 4);
    put_key(b, "n", CRIL_VALUE_I16);
    put(b, 7, 2);
    put_key(b, "minus", CRIL_VALUE_I32);
    put(b, (uint64_t)-3, 4);
    put_key(b, "half", CRIL_VALUE_F32);
    put(b, 0x3f000000, 4);
    put_key(b, "two", CRIL_VALUE_F64);
    put(b, 0x4000000000000000, 8);
    put_key(b, "yes", CRIL_VALUE_BOOL);
    put(b, 1, 1);
    put_key(b, "words", CRIL_VALUE_ARRAY);
    put(b, CRIL_VALUE_STRING, 4);
    put(b, 3, 8);
    put_string(b, "a");
    put_string(b, "");
    put_string(b, "say \"\n\"");
    put_key(b, "list", CRIL_VALUE_ARRAY);
    put(b, CRIL_VALUE_I8, 4);
    put(b, 200, 8);
    for (unsigned i = 0; i < 200; i++)
        put(b, 0xff - i, 1);
    put_tensor(b, "w", 32, 2, 2, 64); /* Q4_0: 2 blocks of 18 bytes */
    put_tensor(b, "b", 3, 1, 0, 0);
    put_data(b, 64, 64 + 36);
}

static void good(void **state)
{
    struct buffer b;
    struct cril_source *g;
    cril_error err = {0};
    uint64_t u = 99;
    double d;
    bool yes = false;
    struct cril_bytes s;
    size_t len;

    (void)state;
    put_good(&b);
    save_as(&b, "good.gguf");
    if (cril_source_open(path, &g, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_string_equal(cril_source_path(g), path);
    assert_int_equal(cril_source_version(g), 3);
    assert_int_equal(cril_source_files(g), 1);
    assert_memory_equal(cril_source_file(g, 0, &len), b.data, b.n);
    assert_int_equal(len, b.n);
    assert_int_equal(cril_source_values(g)->n, 9);
    assert_int_equal(cril_source_tensor_count(g), 2);

    assert_int_equal(cril_values_uint(cril_source_values(g), "n", &u, &err), CRIL_OK);
    assert_int_equal(u, 7);
    assert_int_equal(cril_values_uint(cril_source_values(g), "minus", &u, &err), CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, "-3"));
    assert_int_equal(cril_values_opt_uint(cril_source_values(g), "absent", &u, &err), CRIL_OK);
    assert_int_equal(u, 7);
    assert_int_equal(cril_values_uint(cril_source_values(g), "absent", &u, &err), CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, "absent"));
    assert_int_equal(cril_values_uint(cril_source_values(g), "half", &u, &err), CRIL_ERR_FORMAT);
    assert_int_equal(cril_values_uint(cril_source_values(g), "yes", &u, &err), CRIL_ERR_FORMAT);
    assert_int_equal(cril_values_uint(cril_source_values(g), "list", &u, &err), CRIL_ERR_FORMAT);
    assert_int_equal(cril_values_float(cril_source_values(g), "half", &d, &err), CRIL_OK);
    assert_true(d == 0.5);
    assert_int_equal(cril_values_float(cril_source_values(g), "two", &d, &err), CRIL_OK);
    assert_true(d == 2.0);
    assert_int_equal(cril_values_opt_float(cril_source_values(g), "n", &d, &err), CRIL_ERR_FORMAT);
    assert_int_equal(cril_values_bool(cril_source_values(g), "yes", &yes, &err), CRIL_OK);
    assert_true(yes);
    assert_int_equal(cril_values_opt_bool(cril_source_values(g), "n", &yes, &err), CRIL_ERR_FORMAT);
    assert_int_equal(cril_values_string(cril_source_values(g), "general.architecture", &s, &err),
                     CRIL_OK);
    assert_int_equal(s.len, 5);
    assert_memory_equal(s.data, "llama", 5);
    assert_int_equal(cril_values_string(cril_source_values(g), "words", &s, &err), CRIL_ERR_FORMAT);
    assert_int_equal(cril_values_string(cril_source_values(g), "absent", &s, &err),
                     CRIL_ERR_FORMAT);
    const struct cril_value *list = cril_values_find(cril_source_values(g), "list");
    assert_non_null(list);
    assert_int_equal((int64_t)cril_value_uint(list, 0), -1);
    assert_int_equal((int64_t)cril_value_uint(list, 199), 0x38);
    assert_int_equal(cril_values_find(cril_source_values(g), "words")->strings[1].len, 0);

    const struct cril_tensor *t = cril_source_find_tensor(g, "w");
    assert_ptr_equal(t, cril_source_tensor(g, 0));
    assert_int_equal(t->type, CRIL_Q4_0);
    assert_int_equal(t->bytes, 36);
    assert_int_equal(t->n_dims, 2);
    assert_int_equal(t->ne[2], 1);
    assert_int_equal(t->data[0], 64);
    assert_null(cril_source_find_tensor(g, "ww"));
    cril_source_close(g);
    cril_source_close(NULL);
}

/* Under "a." a key is read, without effect, or refused by name; other prefixes are described. */
static void known(void **state)
{
    static const struct cril_known_key harmless[] = {
        {"note", "is a note"}, {"chat.*", "is for talk"}, {NULL, NULL}};
    static const char *const keys[] = {"a.read", "a.note",    "a.chat.x", "a.chat.",
                                       "b.x",    "general.x", "a.notes"};
    static const char *const reasons[] = {NULL, "is a note", "is for talk", "is for talk"};
    cril_error err = {0};
    struct buffer b;
    struct cril_source *g;
    uint64_t u;

    (void)state;
    for (size_t n = 6; n <= 7; n++) {
        put_header(&b, 0, n);
        for (size_t i = 0; i < n; i++) {
            put_key(&b, keys[i], CRIL_VALUE_U8);
            put(&b, 1, 1);
        }
        save_as(&b, "good.gguf");
        assert_int_equal(cril_source_open(path, &g, &err), CRIL_OK);
        assert_non_null(cril_known_reason(cril_source_values(g), 0));
        assert_int_equal(cril_known_keys(cril_source_values(g), "a.", harmless, &err),
                         CRIL_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.message, "'a.read'"));
        assert_int_equal(cril_values_opt_uint(cril_source_values(g), "a.read", &u, &err), CRIL_OK);
        if (n == 7) {
            assert_int_equal(cril_known_keys(cril_source_values(g), "a.", harmless, &err),
                             CRIL_ERR_UNSUPPORTED);
            assert_non_null(strstr(err.message, "'a.notes'"));
            assert_non_null(strstr(err.message, path));
        } else {
            assert_int_equal(cril_known_keys(cril_source_values(g), "a.", harmless, &err), CRIL_OK);
            assert_null(cril_known_reason(cril_source_values(g), 0));
            for (size_t i = 1; i < 4; i++)
                assert_string_equal(cril_known_reason(cril_source_values(g), i), reasons[i]);
            assert_non_null(strstr(cril_known_reason(cril_source_values(g), 4), "prefix"));
            assert_non_null(strstr(cril_known_reason(cril_source_values(g), 5), "describes"));
        }
        cril_source_close(g);
    }
}

static void inspect(void **state)
{
    struct buffer b;
    cril_inspect *f;
    cril_error err = {0};
    const char *key, *type, *value;
    cril_tensor_info info;

    (void)state;
    put_good(&b);
    save_as(&b, "good.gguf");
    if (cril_inspect_open(path, &f, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(cril_inspect_version(f), 3);
    assert_int_equal(cril_inspect_parts(f), 1);
    assert_int_equal(cril_inspect_bytes(f), b.n);
    assert_int_equal(cril_inspect_metadata_count(f), 9);
    static const char *const expect[][3] = {
        {"general.architecture", "string", "llama"},
        {"general.alignment", "u32", "64"},
        {"n", "i16", "7"},
        {"minus", "i32", "-3"},
        {"half", "f32", "0.5"},
        {"two", "f64", "2"},
        {"yes", "bool", "true"},
        {"words", "array of string", "3 [\"a\", \"\", \"say \\\"\\n\\\"\"]"},
    };
    for (size_t i = 0; i < 8; i++) {
        cril_inspect_metadata(f, i, &key, &type, &value);
        assert_string_equal(key, expect[i][0]);
        assert_string_equal(type, expect[i][1]);
        assert_string_equal(value, expect[i][2]);
    }
    cril_inspect_metadata(f, 8, &key, &type, &value);
    assert_memory_equal(value, "200 [-1, -2, ", 13);
    assert_true(strlen(value) <= 200);
    assert_string_equal(value + strlen(value) - 6, ", ...]");
    assert_int_equal(cril_inspect_tensor_count(f), 2);
    cril_inspect_tensor(f, 0, &info);
    assert_string_equal(info.name, "w");
    assert_string_equal(info.type, "Q4_0");
    assert_int_equal(info.shape[0], 32);
    assert_int_equal(info.shape[1], 2);
    assert_int_equal(info.shape[3], 1);
    assert_int_equal(info.bytes, 36);
    cril_inspect_close(f);
    cril_inspect_close(NULL);
    assert_int_equal(cril_inspect_open("/nonexistent/x.gguf", &f, &err), CRIL_ERR_IO);
}

static void headers(void **state)
{
    struct buffer b = {.n = 0};

    (void)state;
    refused(&b, CRIL_ERR_TRUNCATED, "empty");
    put_header(&b, 0, 0);
    b.data[0] = 'X';
    refused(&b, CRIL_ERR_FORMAT, "not a GGUF file");
    put_header(&b, 0, 0);
    b.data[4] = 1;
    refused(&b, CRIL_ERR_UNSUPPORTED, "version 1");
    b.data[4] = 0;
    b.data[7] = 3;
    refused(&b, CRIL_ERR_UNSUPPORTED, "big-endian");
    put_header(&b, (uint64_t)1 << 60, 0);
    refused(&b, CRIL_ERR_TRUNCATED, "tensors");
    put_header(&b, 0, (uint64_t)1 << 60);
    refused(&b, CRIL_ERR_TRUNCATED, "metadata keys");
    put_header(&b, UINT64_MAX, UINT64_MAX);
    refused(&b, CRIL_ERR_TRUNCATED, "metadata keys");
}

static void metadata(void **state)
{
    struct buffer b;

    (void)state;
    for (unsigned type = 0; type < 13; type++) { /* arrays of 2^60 of everything */
        put_header(&b, 0, 1);
        put_key(&b, "k.huge", CRIL_VALUE_ARRAY);
        put(&b, type, 4);
        put(&b, (uint64_t)1 << 60, 8);
        put(&b, 0, 8);
        refused(&b, type == CRIL_VALUE_ARRAY ? CRIL_ERR_UNSUPPORTED : CRIL_ERR_TRUNCATED, "k.huge");
    }
    put_header(&b, 0, 1);
    put(&b, UINT64_MAX - 7, 8);
    put(&b, 0, 8);
    refused(&b, CRIL_ERR_TRUNCATED, "key");
    put_header(&b, 0, 1);
    put_key(&b, "k.kind", 13);
    put(&b, 0, 8);
    refused(&b, CRIL_ERR_FORMAT, "k.kind");
    put_header(&b, 0, 1);
    put_key(&b, "k.bool", CRIL_VALUE_BOOL);
    put(&b, 2, 1);
    refused(&b, CRIL_ERR_FORMAT, "k.bool");
    put_header(&b, 0, 2);
    for (int i = 0; i < 2; i++) {
        put_key(&b, "k.twice", CRIL_VALUE_U8);
        put(&b, 2, 1);
    }
    refused(&b, CRIL_ERR_FORMAT, "'k.twice' occurs twice");
    static const unsigned bad[] = {0, 1, 4, 12, 48, 0xffffffff};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put_header(&b, 0, 1);
        put_key(&b, "general.alignment", CRIL_VALUE_U32);
        put(&b, bad[i], 4);
        refused(&b, CRIL_ERR_FORMAT, "general.alignment");
    }
    put_header(&b, 0, 1);
    put_key(&b, "general.alignment", CRIL_VALUE_STRING);
    put_string(&b, "32");
    refused(&b, CRIL_ERR_FORMAT, "general.alignment");
    put_header(&b, 1, 1); /* alignment far past the end */
    put_key(&b, "general.alignment", CRIL_VALUE_U32);
    put(&b, 0x80000000, 4);
    put_tensor(&b, "t.far", 1, 1, 0, 0);
    refused(&b, CRIL_ERR_TRUNCATED, "t.far");
}

static void tensors(void **state)
{
    struct buffer b;
    static const struct {
        uint64_t ne0, ne1;
        unsigned type;
        uint64_t offset;
        cril_status status;
        const char *words;
    } bad[] = {
        {32, 2, 0, 32, CRIL_ERR_TRUNCATED, "'t.x'"},
        {32, 1, 0, 0xffffffffffffffe0, CRIL_ERR_TRUNCATED, "'t.x'"},
        {32, 1, 0, 1, CRIL_ERR_FORMAT, "alignment"},
        {(uint64_t)1 << 60, 1, 0, 0, CRIL_ERR_TRUNCATED, "'t.x'"},
        {(uint64_t)1 << 62, 1, 0, 0, CRIL_ERR_FORMAT, "bytes"},
        {(uint64_t)1 << 60, 16, 0, 0, CRIL_ERR_FORMAT, "elements"},
        {0, 1, 0, 0, CRIL_ERR_FORMAT, "dimension of 0"},
        {33, 32, 2, 0, CRIL_ERR_FORMAT, "blocks of 32"},
        {256, 1, 16, 0, CRIL_ERR_UNSUPPORTED, "'t.x' has type IQ2_XXS"},
        {256, 1, 999, 0, CRIL_ERR_UNSUPPORTED, "'t.x' has type ? (number 999)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put_header(&b, 1, 0);
        put_tensor(&b, "t.x", bad[i].ne0, bad[i].ne1, bad[i].type, bad[i].offset);
        put_data(&b, 32, 256);
        refused(&b, bad[i].status, bad[i].words);
    }
    put_header(&b, 1, 0);
    put_string(&b, "t.dims");
    put(&b, 5, 4);
    put_data(&b, 32, 256);
    refused(&b, CRIL_ERR_FORMAT, "5 dimensions");
    put_header(&b, 2, 0);
    put_tensor(&b, "t.same", 8, 1, 0, 0);
    put_tensor(&b, "t.same", 8, 1, 0, 32);
    put_data(&b, 32, 64);
    refused(&b, CRIL_ERR_FORMAT, "'t.same' occurs twice");
    put_header(&b, 2, 0);
    put_tensor(&b, "t.under", 9, 1, 0, 0);
    put_tensor(&b, "t.over", 8, 1, 0, 32);
    put_data(&b, 32, 64);
    refused(&b, CRIL_ERR_FORMAT, "lie over each other");
    put_header(&b, 1, 0);
    put(&b, 3, 8);
    put(&b, 0x610061, 3); /* "a\0a" */
    put_data(&b, 32, 256);
    refused(&b, CRIL_ERR_FORMAT, "zero byte");
}

static void every_prefix(void **state)
{
    struct buffer b;
    size_t whole;
    struct cril_source *g;
    cril_error err;

    (void)state;
    put_good(&b);
    whole = b.n;
    for (b.n = 0; b.n < whole; b.n++) {
        save_as(&b, "cut.gguf");
        cril_status st = cril_source_open(path, &g, &err);
        assert_true(st == CRIL_ERR_TRUNCATED || (st == CRIL_ERR_FORMAT && b.n < 4));
    }
}

static void every_byte(void **state)
{
    struct buffer b;
    static const uint8_t masks[] = {0xff, 0x80, 0x01};

    (void)state;
    put_good(&b);
    for (size_t i = 0; i < b.n; i++)
        for (size_t k = 0; k < sizeof(masks); k++) {
            cril_inspect *f;
            b.data[i] ^= masks[k];
            save_as(&b, "changed.gguf");
            if (cril_inspect_open(path, &f, NULL) == CRIL_OK)
                cril_inspect_close(f);
            b.data[i] ^= masks[k];
        }
}

static void put_part(struct buffer *b, unsigned no, unsigned count, unsigned tensors_count,
                     const char *name)
{
    put_header(b, 1, 3);
    put_key(b, "split.no", CRIL_VALUE_U16);
    put(b, no, 2);
    put_key(b, "split.count", CRIL_VALUE_U16);
    put(b, count, 2);
    put_key(b, "split.tensors.count", CRIL_VALUE_I32);
    put(b, tensors_count, 4);
    put_tensor(b, name, 8, 1, 0, 0);
    put_data(b, 32, 32);
}

static void open_first(cril_status status, const char *words)
{
    struct cril_source *g;
    cril_error err = {0};
    cril_status st;

    snprintf(path, sizeof(path), "%s/m-00001-of-00003.gguf", folder);
    st = cril_source_open(path, &g, &err);
    if (st != status || (words && !strstr(err.message, words)))
        fail_msg("status %d, '%s'", (int)st, err.message);
    if (st == CRIL_OK) {
        assert_int_equal(cril_source_files(g), 3);
        assert_int_equal(cril_source_tensor_count(g), 3);
        assert_string_equal(cril_source_tensor(g, 2)->name, "c");
        assert_non_null(cril_source_find_tensor(g, "b"));
        cril_source_close(g);
    }
}

static void split(void **state)
{
    struct buffer b;
    struct cril_source *g;
    cril_error err;

    (void)state;
    put_part(&b, 0, 3, 3, "a");
    save_as(&b, "renamed.gguf");
    assert_int_equal(cril_source_open(path, &g, &err), CRIL_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "-00001-of-00003.gguf"));
    save_as(&b, "m-00001-of-00003.gguf");
    put_part(&b, 1, 3, 3, "b");
    save_as(&b, "m-00002-of-00003.gguf");
    open_first(CRIL_ERR_IO, "m-00003-of-00003.gguf");
    put_part(&b, 2, 3, 3, "c");
    save_as(&b, "m-00003-of-00003.gguf");
    open_first(CRIL_OK, NULL);
    assert_int_equal(cril_source_open((save_as(&b, "m-00003-of-00003.gguf"), path), &g, &err),
                     CRIL_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "open the first part"));
    put_part(&b, 2, 3, 3, "a");
    save_as(&b, "m-00003-of-00003.gguf");
    open_first(CRIL_ERR_FORMAT, "'a' occurs twice");
    put_part(&b, 1, 3, 3, "c");
    save_as(&b, "m-00003-of-00003.gguf");
    open_first(CRIL_ERR_MISMATCH, "m-00003-of-00003.gguf");
    put_part(&b, 2, 3, 3, "c");
    save_as(&b, "m-00003-of-00003.gguf");
    put_part(&b, 0, 3, 4, "a");
    save_as(&b, "m-00001-of-00003.gguf");
    open_first(CRIL_ERR_MISMATCH, "split.tensors.count");
}

static void files(void **state)
{
    struct cril_mapfile m;
    cril_error err;
    struct cril_source *g;

    (void)state;
    assert_int_equal(cril_mapfile_open("/nonexistent/file", &m, &err), CRIL_ERR_IO);
    assert_non_null(strstr(err.message, "/nonexistent/file"));
    assert_int_equal(cril_source_open(folder, &g, &err), CRIL_ERR_IO);
    assert_non_null(strstr(err.message, "folder"));
    assert_int_equal(cril_mapfile_open("/dev/null", &m, &err), CRIL_ERR_IO);
    assert_null(m.data);
    cril_mapfile_close(&m);
}

static void cursor(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct cril_cursor c = cril_cursor_of(bytes, sizeof(bytes));
    const uint8_t *p;
    uint32_t u;
    uint64_t v;

    (void)state;
    assert_true(cril_cursor_u64(&c, &v));
    assert_true(v == 0x0807060504030201);
    assert_false(cril_cursor_u32(&c, &u));
    assert_false(cril_cursor_take(&c, UINT64_MAX, &p));
    assert_int_equal(cril_cursor_left(&c), 1);
    assert_true(cril_cursor_take(&c, 1, &p));
    assert_int_equal(*p, 9);
    assert_false(cril_cursor_take(&c, 1, &p));
}

static void hash(void **state)
{
    struct cril_sha256 *h;
    char hex[65];

    (void)state; /* FIPS 180-4 examples, and the empty text */
    assert_int_equal(cril_sha256_create(&h, NULL), CRIL_OK);
    assert_int_equal(cril_sha256_final(h, hex, NULL), CRIL_OK);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(cril_sha256_update(h, "a", 1, NULL), CRIL_OK);
    assert_int_equal(cril_sha256_update(h, "bc", 2, NULL), CRIL_OK);
    assert_int_equal(cril_sha256_final(h, hex, NULL), CRIL_OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cril_sha256_free(h);
    cril_sha256_free(NULL);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"bad.gguf",
                                        "good.gguf",
                                        "cut.gguf",
                                        "changed.gguf",
                                        "renamed.gguf",
                                        "m-00001-of-00003.gguf",
                                        "m-00002-of-00003.gguf",
                                        "m-00003-of-00003.gguf"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        remove(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),       cmocka_unit_test(inspect), cmocka_unit_test(headers),
        cmocka_unit_test(metadata),   cmocka_unit_test(tensors), cmocka_unit_test(every_prefix),
        cmocka_unit_test(every_byte), cmocka_unit_test(split),   cmocka_unit_test(files),
        cmocka_unit_test(cursor),     cmocka_unit_test(hash),    cmocka_unit_test(known),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder) ? 1 : 0;
}
