/*
 * What the encoders of the baselines write, decompressed by the same libraries, is the text; the
 * sizes are those of the streams, whatever the pieces in which the text came.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "corpus/baseline.h"

#include <brotli/decode.h>
#include <bzlib.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { N = 4, TEXT_BYTES = 300000 };

static uint8_t text[TEXT_BYTES], back[TEXT_BYTES + 1];

/* ---- decoders: the bytes of a stream's text in back[], or SIZE_MAX ---- */

static size_t zstd_decode(const uint8_t *data, size_t n)
{
    const size_t len = ZSTD_decompress(back, sizeof(back), data, n);

    return ZSTD_isError(len) || ZSTD_findFrameCompressedSize(data, n) != n ? SIZE_MAX : len;
}

static size_t xz_decode(const uint8_t *data, size_t n)
{
    uint64_t memory = UINT64_MAX;
    size_t in = 0, out = 0;
    const lzma_ret r =
        lzma_stream_buffer_decode(&memory, 0, NULL, data, &in, n, back, &out, sizeof(back));

    return r == LZMA_OK && in == n ? out : SIZE_MAX;
}

static size_t brotli_decode(const uint8_t *data, size_t n)
{
    size_t len = sizeof(back);

    return BrotliDecoderDecompress(n, data, &len, back) == BROTLI_DECODER_RESULT_SUCCESS ? len
                                                                                         : SIZE_MAX;
}

static size_t bzip2_decode(const uint8_t *data, size_t n)
{
    unsigned len = sizeof(back);

    return BZ2_bzBuffToBuffDecompress((char *)back, &len, (char *)(uintptr_t)data, (unsigned)n, 0,
                                      0) == BZ_OK
               ? len
               : SIZE_MAX;
}

static const struct {
    const char *name;
    size_t (*decode)(const uint8_t *data, size_t n);
} decoders[N] = {
    {"zstd -19", zstd_decode},
    {"xz -9", xz_decode},
    {"brotli -q 11", brotli_decode},
    {"bzip2 -9", bzip2_decode},
};

/* ---- streams ---- */

struct streams {
    uint8_t data[N][TEXT_BYTES + 4096];
    size_t n[N];
};

static void take(void *user, size_t i, const void *data, size_t n)
{
    struct streams *s = user;

    assert_true(i < N && n && n <= sizeof(s->data[i]) - s->n[i]);
    memcpy(s->data[i] + s->n[i], data, n);
    s->n[i] += n;
}

/* The first len bytes of text in pieces of 1 to max bytes, some of them empty. */
static void compress(size_t len, size_t max, struct streams *s)
{
    cril_baselines *b;
    cril_baseline *all = NULL;
    cril_error err;
    uint32_t random = 1;
    size_t n = 0, piece;

    memset(s->n, 0, sizeof(s->n));
    assert_int_equal(cril_baselines_create(&b, &err), CRIL_OK);
    cril_baselines_tap(b, take, s);
    for (size_t at = 0; at < len; at += piece) {
        random = random * 1664525u + 1013904223u;
        piece = random >> 31 ? 1 + (random >> 8) % max : 0;
        piece = piece < len - at ? piece : len - at;
        assert_int_equal(cril_baselines_add(b, text + at, piece, &err), CRIL_OK);
    }
    assert_int_equal(cril_baselines_finish(b, &all, &n, &err), CRIL_OK);
    cril_baselines_free(b);
    assert_int_equal(n, N);
    for (size_t i = 0; i < N; i++) {
        assert_string_equal(all[i].name, decoders[i].name);
        assert_int_equal(all[i].bytes, s->n[i]);
    }
    free(all);
}

static void check(size_t len)
{
    static const size_t max[] = {TEXT_BYTES, 1000, 7};
    static struct streams whole, pieces;

    compress(len, max[0], &whole);
    for (size_t i = 0; i < N; i++) {
        memset(back, 0, sizeof(back));
        if (decoders[i].decode(whole.data[i], whole.n[i]) != len || memcmp(back, text, len) != 0)
            fail_msg("%s: not the text of %zu bytes", decoders[i].name, len);
    }
    for (size_t k = 1; k < 3; k++) {
        compress(len, max[k], &pieces);
        for (size_t i = 0; i < N; i++)
            if (pieces.n[i] != whole.n[i] || memcmp(pieces.data[i], whole.data[i], whole.n[i]) != 0)
                fail_msg("%s: another stream in pieces of up to %zu", decoders[i].name, max[k]);
    }
}

/* Words of a small vocabulary, as a text has them. */
static void fill_with_words(void)
{
    uint64_t random = 3;

    for (size_t i = 0; i < sizeof(text);) {
        char word[32];
        int n;

        random = random * 6364136223846793005u + 1442695040888963407u;
        n = snprintf(word, sizeof(word), "%x%s", (unsigned)(random >> 40) % 997 * 40503u,
                     random >> 60 ? " " : ".\n");
        for (int k = 0; k < n && i < sizeof(text); k++)
            text[i++] = (uint8_t)word[k];
    }
}

static void test_words(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 63, 4096, 131072, 131073, TEXT_BYTES};

    (void)state;
    fill_with_words();
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        check(sizes[i]);
}

/* Output that is larger than what goes in, and than the buffer behind the encoders. */
static void test_noise(void **state)
{
    uint64_t random = 9;

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        text[i] = (uint8_t)(random >> 56);
    }
    check(100000);
    memset(text, 0, sizeof(text));
    check(TEXT_BYTES);
}

static void test_not_finished(void **state)
{
    cril_baselines *b;

    (void)state;
    cril_baselines_free(NULL);
    assert_int_equal(cril_baselines_create(&b, NULL), CRIL_OK);
    assert_int_equal(cril_baselines_add(b, "abc", 3, NULL), CRIL_OK);
    cril_baselines_free(b); /* ASan looks for what is left */
    assert_true(cril_baselines_memory() > (size_t)700 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_not_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
