/*
 * Every type's unpacking against tests/golden/dtypes.bin (scripts/make_dtype_golden.py), bit for
 * bit, from an unaligned address; all fp16 numbers; the table; byte counts.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tensor/dtype.h"
#include "util/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef CRIL_TEST_DATA
#define CRIL_TEST_DATA "tests"
#endif

static uint8_t *read_all(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    size_t cap = (size_t)1 << 20;
    uint8_t *p = malloc(cap);

    assert_non_null(f);
    assert_non_null(p);
    *size = fread(p, 1, cap, f);
    assert_true(*size > 0 && *size < cap);
    fclose(f);
    return p;
}

static void golden(void **state)
{
    size_t size;
    uint8_t *file = read_all(CRIL_TEST_DATA "/golden/dtypes.bin", &size);
    struct cril_cursor c = cril_cursor_of(file, size);
    int seen[CRIL_N_DTYPES] = {0};

    (void)state;
    while (cril_cursor_left(&c)) {
        uint32_t id = 0, n_bytes = 0, n = 0;
        const uint8_t *blocks, *expect;
        enum cril_dtype t;
        uint64_t want;

        assert_true(cril_cursor_u32(&c, &id) && cril_cursor_u32(&c, &n_bytes) &&
                    cril_cursor_u32(&c, &n));
        assert_true(cril_cursor_take(&c, n_bytes, &blocks) &&
                    cril_cursor_take(&c, 4 * (uint64_t)n, &expect));
        assert_true(cril_dtype_from_gguf(id, &t));
        assert_true(cril_dtype_bytes(t, n, &want));
        assert_int_equal(want, n_bytes);
        uint8_t *raw = malloc(n_bytes + 1);
        float *got = malloc(n * sizeof(*got));
        assert_non_null(raw);
        assert_non_null(got);
        memcpy(raw + 1, blocks,
               n_bytes); /* odd address, no byte to spare: a sanitizer sees an overrun */
        cril_dequantise(t, raw + 1, n, got);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t bits;
            memcpy(&bits, &got[i], 4);
            if (bits != cril_load_u32(expect + 4 * (size_t)i))
                fail_msg("%s: element %u is %a (bits %08x), expected bits %08x",
                         cril_dtypes[t].name, i, (double)got[i], bits,
                         cril_load_u32(expect + 4 * (size_t)i));
        }
        free(got);
        free(raw);
        seen[t]++;
    }
    for (int t = 0; t < CRIL_N_DTYPES; t++)
        assert_int_equal(seen[t], 1);
    free(file);
}

static void f16_all(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 65536; h++) {
        int e = (int)(h >> 10 & 31), m = (int)(h & 1023);
        float f = cril_f16_to_f32((uint16_t)h);

        assert_int_equal(signbit(f) != 0, h >> 15);
        if (e == 31 && m)
            assert_true(isnan(f));
        else if (e == 31)
            assert_true(isinf(f));
        else
            assert_true(fabs((double)f) == (e ? ldexp(1024 + m, e - 25) : ldexp(m, -24)));
    }
}

static void table(void **state)
{
    enum cril_dtype t;

    (void)state;
    for (int i = 0; i < CRIL_N_DTYPES; i++) {
        const struct cril_dtype_info *d = &cril_dtypes[i];
        assert_true(cril_dtype_from_gguf(d->gguf_id, &t));
        assert_int_equal(t, i);
        assert_string_equal(d->name, cril_dtype_gguf_name(d->gguf_id));
        assert_true((d->load != NULL) != (d->unpack != NULL));
        assert_true((d->group == 0) == (d->load != NULL));
        assert_true(d->group == 0 || d->block_len % d->group == 0);
    }
    assert_false(cril_dtype_from_gguf(16, &t));
    assert_false(cril_dtype_from_gguf(UINT32_MAX, &t));
    assert_string_equal(cril_dtype_gguf_name(16), "IQ2_XXS");
    assert_string_equal(cril_dtype_gguf_name(UINT32_MAX), "?");
}

static void bytes(void **state)
{
    uint64_t n = 7;

    (void)state;
    assert_false(cril_dtype_bytes(CRIL_Q4_K, 255, &n));
    assert_false(cril_dtype_bytes(CRIL_F32, UINT64_MAX / 2, &n));
    assert_int_equal(n, 7);
    assert_true(cril_dtype_bytes(CRIL_Q4_K, 512, &n));
    assert_int_equal(n, 288);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(f16_all),
        cmocka_unit_test(table),
        cmocka_unit_test(bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
