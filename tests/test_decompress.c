/*
 * A decoder's own checks: a text that comes out otherwise than it went in is refused, although
 * nothing is wrong with the archive's bytes. The tests bring that about behind the decoder's back:
 * they change what tokens of the open model spell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/model.h"

#include <cril/codec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Two segments of words for which the model has long tokens, so that they are worth coding: " the"
 * and "ing", which stand in the first one only; " a", "re" and "on".
 */
enum { TIMES = 40, CUT = TIMES * 7, SIZE = CUT + TIMES * 6 };
static char text[SIZE + 1];

static uint8_t archive[8192], out[8192];
static size_t archive_size, out_size;

static int take_archive(void *user, const void *data, size_t n)
{
    (void)user;
    assert_true(n <= sizeof(archive) - archive_size);
    memcpy(archive + archive_size, data, n);
    archive_size += n;
    return 0;
}

static int take_text(void *user, const void *data, size_t n)
{
    (void)user;
    assert_true(n <= sizeof(out) - out_size);
    memcpy(out + out_size, data, n);
    out_size += n;
    return 0;
}

/* A model that has compressed the text; its identity is known from then on. */
static cril_model *open_and_compress(void)
{
    const cril_codec_callbacks callbacks = {.write = take_archive};
    const cril_compress_options options = {.context = 64, .stride = 32, .threads = 1};
    cril_compressor *c;
    cril_model *m;
    cril_error err;

    archive_size = 0;
    for (size_t i = 0; i < TIMES; i++) {
        memcpy(text + i * 7, " theing", 7);
        memcpy(text + CUT + i * 6, " areon", 6);
    }
    if (cril_model_open(CRIL_TEST_DATA "/golden/tiny-llama-mixed.gguf", &m, &err) != CRIL_OK ||
        cril_compressor_create(m, &options, &callbacks, &c, &err) != CRIL_OK ||
        cril_compressor_add(c, text, CUT, &err) != CRIL_OK ||
        cril_compressor_add(c, text + CUT, SIZE - CUT, &err) != CRIL_OK ||
        cril_compressor_finish(c, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    cril_compressor_free(c);
    return m;
}

static cril_status decode(cril_model *m, uint64_t from, uint64_t to, cril_error *err)
{
    const cril_codec_callbacks callbacks = {.write = take_text};
    const cril_decompress_options options = {.threads = 1, .from = from, .to = to};
    cril_archive *a;
    cril_status st;

    out_size = 0;
    if (cril_archive_read(archive, archive_size, "a.cril", &a, err) != CRIL_OK)
        fail_msg("%s", err->message);
    st = cril_decompress(m, a, &options, &callbacks, NULL, err);
    cril_archive_close(a);
    return st;
}

/* The spelling of the token that is written so, to be changed. */
static char *spelling_of(cril_model *m, const char *written)
{
    const cril_tokenizer *t = cril_model_tokenizer(m);
    size_t len;

    for (int32_t id = 0; id < (int32_t)cril_tokenizer_size(t); id++) {
        const char *piece = cril_tokenizer_piece(t, id, &len);

        if (len == strlen(written) && !memcmp(piece, written, len))
            return (char *)(uintptr_t)piece;
    }
    fail_msg("no token is '%s'", written);
    return NULL;
}

static void test_unchanged(void **state)
{
    cril_model *m = open_and_compress();
    cril_error err;

    (void)state;
    assert_int_equal(decode(m, 0, 0, &err), CRIL_OK);
    assert_int_equal(out_size, SIZE);
    assert_memory_equal(out, text, SIZE);
    assert_int_equal(decode(m, 3, CUT, &err), CRIL_OK);
    assert_int_equal(out_size, CUT - 3);
    assert_memory_equal(out, text + 3, CUT - 3);
    cril_model_close(m);
}

/* Of a part of the text nobody can check the SHA-256. */
static void test_segment_checksum(void **state)
{
    cril_model *m = open_and_compress();
    cril_error err;

    (void)state;
    spelling_of(m, " the")[3] = 'i';
    assert_int_equal(decode(m, 3, CUT, &err), CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, "segment 1 of 2 is damaged"));
    assert_int_equal(out_size, 0);
    assert_int_equal(decode(m, CUT, SIZE, &err), CRIL_OK); /* the other one is as it was */
    assert_memory_equal(out, text + CUT, SIZE - CUT);
    cril_model_close(m);
}

/*
 * A change that CRC-32 does not see: a multiple of its polynomial, the first bit of a byte being
 * the lowest. x^32 + x^26 + x^23 + x^22 + x^16 + x^12 + x^11 + x^10 + x^8 + x^7 + x^5 + x^4 + x^2 +
 * x + 1, in 33 bits of " the" and the "i" that follows it everywhere.
 */
static void test_text_hash(void **state)
{
    static const int powers[] = {32, 26, 23, 22, 16, 12, 11, 10, 8, 7, 5, 4, 2, 1, 0};
    cril_model *m = open_and_compress();
    char *const the = spelling_of(m, " the"), *const ing = spelling_of(m, "ing");
    cril_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(powers) / sizeof(*powers); i++) {
        const int bit = 32 - powers[i];
        char *const byte = bit < 32 ? the + bit / 8 : ing;

        *byte = (char)(*byte ^ (char)(1U << bit % 8));
    }
    assert_int_equal(decode(m, 0, 0, &err), CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, "SHA-256"));
    cril_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unchanged),
        cmocka_unit_test(test_segment_checksum),
        cmocka_unit_test(test_text_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
