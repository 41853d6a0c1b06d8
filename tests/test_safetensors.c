/*
 * Safetensors files built here: a good one is read back, each kind of lie in a header is refused
 * with a sentence that names it, every prefix and every changed byte is survived. Also JSON as
 * util/json.h reads it.
 */
#include "folder_files.h"

#include "util/json.h"

#include <math.h>

#define ONE(type, shape, offsets)                                                                  \
    "{\"a\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TWO(first, second)                                                                         \
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":" first "},"                         \
    "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":" second "}}"

#define MODEL "model.safetensors"

static const char good_header[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[4,28]},"
    "\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]},"
    "\"x.attn.bias\":{\"dtype\":\"BOOL\",\"shape\":[1,1,2,2],\"data_offsets\":[28,32]},"
    "\"c\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[32,34]}}  ";

static void good(void **state)
{
    struct cril_source *s;
    const struct cril_tensor *t;

    (void)state;
    write_text("config.json", "{}");
    write_tensors(MODEL, good_header, 34);
    s = opened(folder);
    assert_int_equal(cril_source_tensor_count(s), 3);
    t = cril_source_find_tensor(s, "b");
    assert_int_equal(t->type, CRIL_F32);
    assert_int_equal(t->n_dims, 2);
    assert_int_equal(t->ne[0], 3); /* the last one runs fastest */
    assert_int_equal(t->ne[1], 2);
    assert_int_equal(t->ne[2], 1);
    assert_int_equal(t->bytes, 24);
    assert_int_equal(t->data[0], 4);
    t = cril_source_find_tensor(s, "a");
    assert_int_equal(t->type, CRIL_BF16);
    assert_int_equal(t->data[3], 3);
    t = cril_source_find_tensor(s, "c");
    assert_int_equal(t->type, CRIL_F16);
    assert_int_equal(t->n_dims, 0);
    assert_int_equal(t->data[1], 33);
    assert_null(cril_source_find_tensor(s, "x.attn.bias"));
    cril_source_close(s);
    write_tensors(MODEL, "{}", 0);
    s = opened(folder);
    assert_int_equal(cril_source_tensor_count(s), 0);
    cril_source_close(s);
}

static void lies(void **state)
{
    static const struct {
        const char *header;
        size_t n_data;
        cril_status status;
        const char *words;
    } cases[] = {
        {"", 0, CRIL_ERR_FORMAT, "JSON"},
        {"[]", 0, CRIL_ERR_FORMAT, "no JSON object"},
        {"{}", 3, CRIL_ERR_FORMAT, "has 3 bytes of data"},
        {"{\"a\":1}", 0, CRIL_ERR_FORMAT, "'a' has no proper dtype"},
        {"{\"a\":{\"dtype\":\"F32\"}}", 0, CRIL_ERR_FORMAT, "'a' has no proper shape"},
        {ONE("F32\\u0000", "[2]", "[0,8]"), 8, CRIL_ERR_FORMAT, "dtype"},
        {ONE("F32", "[2.0]", "[0,8]"), 8, CRIL_ERR_FORMAT, "shape"},
        {ONE("F32", "[-2]", "[0,8]"), 8, CRIL_ERR_FORMAT, "shape"},
        {ONE("F32", "{}", "[0,8]"), 8, CRIL_ERR_FORMAT, "shape"},
        {ONE("F32", "[2]", "[8,0]"), 8, CRIL_ERR_FORMAT, "data_offsets"},
        {ONE("F32", "[2]", "[0]"), 8, CRIL_ERR_FORMAT, "data_offsets"},
        {ONE("F32", "[2]", "[0,8,9]"), 8, CRIL_ERR_FORMAT, "data_offsets"},
        {ONE("F32", "[2]", "[-8,0]"), 8, CRIL_ERR_FORMAT, "data_offsets"},
        {ONE("F32", "[2]", "[0,8]"), 7, CRIL_ERR_TRUNCATED, "ends at byte 8"},
        {ONE("F32", "[2]", "[0,9223372036854775807]"), 8, CRIL_ERR_TRUNCATED, "ends at byte"},
        {ONE("F32", "[2]", "[0,8]"), 9, CRIL_ERR_FORMAT, "has 9 bytes of data"},
        {ONE("F32", "[3]", "[0,8]"), 8, CRIL_ERR_FORMAT, "has 8 bytes, but its shape"},
        {ONE("F32", "[4294967296,4294967296,4294967296]", "[0,8]"), 8, CRIL_ERR_FORMAT, "2^64"},
        {ONE("F32", "[9223372036854775807,2]", "[0,8]"), 8, CRIL_ERR_FORMAT, "2^64"},
        {ONE("F32", "[99223372036854775807]", "[0,8]"), 8, CRIL_ERR_FORMAT, "shape"},
        {ONE("F32", "[0]", "[0,0]"), 0, CRIL_ERR_FORMAT, "dimension of 0"},
        {ONE("F32", "[1,1,1,1,2]", "[0,8]"), 8, CRIL_ERR_UNSUPPORTED, "5 dimensions"},
        {ONE("F64", "[1]", "[0,8]"), 8, CRIL_ERR_UNSUPPORTED, "'a' has type F64"},
        {ONE("F8_E4M3", "[8]", "[0,8]"), 8, CRIL_ERR_UNSUPPORTED, "'a' has type F8_E4M3"},
        {ONE("F\\n8", "[8]", "[0,8]"), 8, CRIL_ERR_UNSUPPORTED, "type F"},
        {TWO("[0,8]", "[4,12]"), 12, CRIL_ERR_FORMAT, "'b' starts at byte 4"},
        {TWO("[0,8]", "[0,8]"), 8, CRIL_ERR_FORMAT, "starts at byte 0"},
        {TWO("[0,8]", "[12,20]"), 20, CRIL_ERR_FORMAT, "'b' starts at byte 12"},
        {TWO("[4,12]", "[12,20]"), 20, CRIL_ERR_FORMAT, "'a' starts at byte 4"},
        {"{\"a\":{},\"a\":{}}", 0, CRIL_ERR_FORMAT, "duplicate"},
        {"{\"a\\u0000b\":{}}", 0, CRIL_ERR_FORMAT, "NUL"},
        {"{\"a\xff\":{}}", 0, CRIL_ERR_FORMAT, "byte 0xff"},
        {"{\"a\xed\xa0\x80\":{}}", 0, CRIL_ERR_FORMAT, "byte 0xed"},
        {"{\"a\":{}} x", 0, CRIL_ERR_FORMAT, "line 1, column"},
        {"{\"a\":{}", 0, CRIL_ERR_FORMAT, "line 1, column"},
    };

    (void)state;
    write_text("config.json", "{}");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_tensors(MODEL, cases[i].header, cases[i].n_data);
        refused(folder, cases[i].status, cases[i].words, MODEL);
    }
}

static void lengths(void **state)
{
    static const char header[] = ONE("F32", "[2]", "[0,8]");

    (void)state;
    write_text("config.json", "{}");
    write_text(MODEL, "");
    refused(folder, CRIL_ERR_TRUNCATED, "has 0 bytes", MODEL);
    write_text(MODEL, "1234567");
    refused(folder, CRIL_ERR_TRUNCATED, "has 7 bytes", MODEL);
    write_tensors_as(MODEL, header, strlen(header), strlen(header) + 9, 8);
    refused(folder, CRIL_ERR_TRUNCATED, "its header alone", MODEL);
    write_tensors_as(MODEL, header, strlen(header), UINT64_MAX, 8);
    refused(folder, CRIL_ERR_FORMAT, "no safetensors file", MODEL);
    write_tensors_as(MODEL, header, strlen(header), strlen(header) - 1, 9);
    refused(folder, CRIL_ERR_FORMAT, "is not JSON", MODEL);
}

/* Nothing but a status and a sentence comes of any prefix and any other byte. */
static void damage(void **state)
{
    const size_t n = sizeof(good_header) - 1, all = 8 + n + 34;
    uint8_t bytes[sizeof(good_header) + 64] = {0};

    (void)state;
    write_text("config.json", "{}");
    bytes[0] = (uint8_t)n;
    bytes[1] = (uint8_t)(n >> 8);
    memcpy(bytes + 8, good_header, n);
    for (size_t i = 0; i < all + 2 * (8 + n); i++) {
        const size_t at = (i - all) / 2;
        struct cril_source *s = NULL;
        cril_error err = {0};

        if (i >= all)
            bytes[at] ^= i % 2 ? 0x80 : 0x01;
        write_bytes(MODEL, bytes, i < all ? i : all);
        if (cril_source_open(folder, &s, &err) != CRIL_OK)
            assert_true(err.message[0] && strstr(err.message, MODEL));
        else
            assert_true(i >= all);
        cril_source_close(s);
        if (i >= all)
            bytes[at] ^= i % 2 ? 0x80 : 0x01;
    }
}

static json_t *parsed(const char *text)
{
    json_t *root = NULL;
    cril_error err = {0};

    if (cril_json_parse("t.json", (const uint8_t *)text, strlen(text), &root, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return root;
}

static void json_beyond_the_standard(void **state)
{
    json_t *const root =
        parsed("[Infinity, -Infinity, NaN, \"Infinity NaN \\\" Infinity\", 9223372036854775807,\n"
               "9223372036854775808, -1000000000000000019884624838656, 1.79e308, \"\\u0000\",\n"
               "12345678901234567890.5, 1e3, \"12345678901234567890\"]");
    size_t i = 0;

    (void)state;
    assert_true(cril_json_number(json_array_get(root, i++)) == (double)INFINITY);
    assert_true(cril_json_number(json_array_get(root, i++)) == (double)-INFINITY);
    assert_string_equal(json_string_value(json_array_get(root, i++)), "");
    assert_string_equal(json_string_value(json_array_get(root, i++)), "Infinity NaN \" Infinity");
    assert_true(json_integer_value(json_array_get(root, i++)) == INT64_MAX);
    assert_true(fabs(json_real_value(json_array_get(root, i++)) - 0x1p63) < 1e6);
    assert_true(fabs(json_real_value(json_array_get(root, i++)) + 1e30) < 1e16);
    assert_true(isinf(cril_json_number(json_array_get(root, i++))));
    assert_int_equal(json_string_length(json_array_get(root, i++)), 1);
    assert_true(cril_json_number(json_array_get(root, i++)) > 1e19);
    assert_true(cril_json_number(json_array_get(root, i++)) == 1000.0);
    assert_string_equal(json_string_value(json_array_get(root, i)), "12345678901234567890");
    json_decref(root);
}

static void json_refused(void **state)
{
    static char deep[2 * CRIL_JSON_MAX_DEPTH + 8];
    json_t *too_long;
    static const struct {
        const char *text;
        cril_status status;
        const char *words;
    } cases[] = {
        {"", CRIL_ERR_FORMAT, "t.json: line 1"},
        {"{\"a\": 1,\n \"a\": 2}", CRIL_ERR_FORMAT, "line 2, column 4"},
        {"[1,\n\n 2 3]", CRIL_ERR_FORMAT, "line 3"},
        {"[Infinit]", CRIL_ERR_FORMAT, "Infinit"},
        {"[1e999]", CRIL_ERR_FORMAT, "overflow"},
        {"\"ab", CRIL_ERR_FORMAT, "line 1"},
        {"\"ab\\", CRIL_ERR_FORMAT, "line 1"},
        {deep, CRIL_ERR_UNSUPPORTED, "line 2: more than 64"},
    };

    (void)state;
    memset(deep, '[', CRIL_JSON_MAX_DEPTH + 2);
    deep[7] = '\n';
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const text = cases[i].text;
        json_t *root = NULL;
        cril_error err = {0};

        assert_int_equal(
            cril_json_parse("t.json", (const uint8_t *)text, strlen(text), &root, &err),
            cases[i].status);
        assert_null(root);
        if (!strstr(err.message, cases[i].words))
            fail_msg("'%s' lacks '%s'", err.message, cases[i].words);
    }
    assert_int_equal(
        cril_json_parse("t.json", (const uint8_t *)"", CRIL_JSON_MAX_BYTES + 1, &too_long, NULL),
        CRIL_ERR_UNSUPPORTED);
    memset(deep, '[', CRIL_JSON_MAX_DEPTH); /* exactly as deep as is allowed */
    memset(deep + CRIL_JSON_MAX_DEPTH, ']', CRIL_JSON_MAX_DEPTH);
    deep[2 * CRIL_JSON_MAX_DEPTH] = '\0';
    json_decref(parsed(deep));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(lies),
        cmocka_unit_test(lengths),
        cmocka_unit_test(damage),
        cmocka_unit_test(json_beyond_the_standard),
        cmocka_unit_test(json_refused),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
