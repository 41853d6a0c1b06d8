/*
 * The range coder and the shares it is fed with: whatever is coded comes back, a code is as long as
 * its shares say and no longer, and a decoder finds the symbol that the encoder's share was of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "entropy/range.h"
#include "util/random.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct cril_random generator;

static uint64_t random_bits(unsigned n) /* 0 .. 2^n - 1 */
{
    const uint64_t high = cril_random_next(&generator);

    return n ? (high << 32 | cril_random_next(&generator)) >> (64 - n) : 0;
}

static uint64_t random_below(uint64_t n)
{
    return random_bits(64) % n; /* the slight favour for small numbers does not matter here */
}

/* ---- Range coder ---- */

static struct cril_range_encoder encode(const struct cril_share *s, size_t n)
{
    struct cril_range_encoder e;

    cril_range_encoder_init(&e);
    for (size_t i = 0; i < n; i++)
        assert_true(cril_range_encode(&e, &s[i]));
    assert_true(cril_range_encoder_finish(&e));
    assert_true(e.n == 0 || e.data[e.n - 1] != 0);
    return e;
}

/* Decodes from a block of exactly the code's length, so that ASan sees a read past the end. */
static void check_decodes(const uint8_t *code, size_t n_code, const struct cril_share *s, size_t n)
{
    uint8_t *copy = malloc(n_code ? n_code : 1);
    struct cril_range_decoder d;

    assert_non_null(copy);
    if (n_code)
        memcpy(copy, code, n_code);
    cril_range_decoder_init(&d, copy, n_code);
    for (size_t i = 0; i < n; i++) {
        uint64_t at = UINT64_MAX;

        assert_true(cril_range_peek(&d, s[i].total, &at));
        if (at < s[i].low || at - s[i].low >= s[i].size)
            fail_msg("symbol %zu of %zu is lost", i, n);
        cril_range_take(&d, &s[i]);
    }
    free(copy);
}

/*
 * The interval's width is at least the product of size / total * (1 - total / 2^56) (range.h) of
 * all symbols, and the finish makes do with one byte beyond the bits of it that are out whole:
 * fewer than ideal + 8 bits. The first range, 2^64 - 1, lacks 2^-64 of the whole; sums in double
 * err far less than the 0.001 bits that are allowed for both.
 */
static void check_length(size_t n_code, const struct cril_share *s, size_t n)
{
    double bits = 0;

    for (size_t i = 0; i < n; i++)
        bits -= log2((double)s[i].size / (double)s[i].total) +
                log1p(-(double)s[i].total * 0x1p-56) * 1.4426950408889634;
    if ((double)n_code * 8 >= bits + 8.001)
        fail_msg("%zu bytes for %.3f bits", n_code, bits);
}

static void round_trip(const struct cril_share *s, size_t n)
{
    struct cril_range_encoder e = encode(s, n);

    check_length(e.n, s, n);
    check_decodes(e.data, e.n, s, n);
    cril_range_encoder_free(&e);
}

static struct cril_share random_share(void)
{
    const uint64_t t =
        random_below(20) ? 1 + random_bits((unsigned)random_below(49)) : CRIL_SHARE_TOTAL_MAX;
    uint64_t low = random_below(t), size;

    switch (random_below(4)) {
    case 0: size = 1; break;
    case 1: low = 0, size = t; break;
    case 2: size = t - low; break;
    default: size = 1 + random_below(t - low);
    }
    return (struct cril_share){low, size, t};
}

static void test_random_shares(void **state)
{
    static struct cril_share s[2000];

    (void)state;
    for (int round = 0; round < 2000; round++) {
        const size_t n = random_below(round % 20 ? 40 : sizeof(s) / sizeof(s[0]));

        for (size_t i = 0; i < n; i++)
            s[i] = random_share();
        round_trip(s, n);
    }
}

static void test_nothing(void **state)
{
    const struct cril_share certain[] = {{0, 1, 1},
                                         {0, CRIL_SHARE_TOTAL_MAX, CRIL_SHARE_TOTAL_MAX}};
    struct cril_range_encoder e = encode(NULL, 0);

    (void)state;
    assert_int_equal(e.n, 0);
    cril_range_encoder_free(&e);
    for (size_t i = 0; i < 2; i++) { /* what is certain costs nothing */
        e = encode(&certain[i], 1);
        assert_int_equal(e.n, 0);
        check_decodes(NULL, 0, &certain[i], 1);
        cril_range_encoder_free(&e);
    }
}

/* doc/cril_format.md, "Range coder". */
static void test_example(void **state)
{
    const struct cril_share s[] = {{1, 1, 2}, {2, 1, 3}, {499999, 1, 1000000}, {0, 999, 1000}};
    struct cril_range_encoder e = encode(s, 4);

    (void)state;
    assert_int_equal(e.n, 3);
    assert_memory_equal(e.data, "\xEA\xAA\xA8", 3);
    cril_range_encoder_free(&e);
}

/* The lowest symbol over and over is a code of zeros, which are implied; one other symbol at the
   end, and they are there. */
static void test_trailing_zeros(void **state)
{
    struct cril_share s[101];
    struct cril_range_encoder e;

    (void)state;
    for (size_t i = 0; i < 100; i++)
        s[i] = (struct cril_share){0, 1, 256};
    e = encode(s, 100);
    assert_int_equal(e.n, 0);
    cril_range_encoder_free(&e);
    round_trip(s, 100);
    s[100] = (struct cril_share){200, 1, 256};
    e = encode(s, 101);
    assert_int_equal(e.n, 101);
    cril_range_encoder_free(&e);
    round_trip(s, 101);
}

/*
 * Long carries. A code is made up first, and shares are chosen such that it decodes to them. Close
 * above 0x80 00 00 .., the interval begins below that for as long as it is wider than the distance:
 * bytes 7F FF FF .. are out, and one symbol at the end makes 80 00 00 .. of them.
 */
enum { RUN = 3000, RUN_SYMBOLS = RUN / 2 };

static void shares_of_code(const uint8_t *code, size_t n_code, struct cril_share *s, size_t n)
{
    struct cril_range_decoder d;

    cril_range_decoder_init(&d, code, n_code);
    for (size_t i = 0; i < n; i++) {
        uint64_t total = 2 + random_bits(47), at;

        /* The code may lie in the rest that the division leaves, close below the end of a range
           that is a multiple of 256. */
        while (!cril_range_peek(&d, total, &at))
            total = random_below(2) ? 256 : 2 + random_bits(47);
        s[i] = (struct cril_share){at, 1 + random_below(4) % (total - at), total};
        cril_range_take(&d, &s[i]);
    }
}

static void test_carries(void **state)
{
    static struct cril_share s[RUN_SYMBOLS];
    static uint8_t code[RUN];
    struct cril_range_encoder e;
    size_t longest = 0;

    (void)state;
    code[0] = 0x80;
    for (size_t n_code = 2; n_code <= RUN; n_code += n_code < 40 ? 1 : 370) {
        memset(code + 1, 0, sizeof(code) - 1);
        code[n_code - 1] = 1;
        shares_of_code(code, n_code, s, RUN_SYMBOLS);
        cril_range_encoder_init(&e);
        for (size_t i = 0; i < RUN_SYMBOLS; i++) {
            const bool below = e.n && e.data[0] == 0x7F;
            const size_t run = e.n;

            assert_true(cril_range_encode(&e, &s[i]));
            if (below && e.data[0] == 0x80 && run > longest)
                longest = run;
        }
        cril_range_encoder_free(&e);
        round_trip(s, RUN_SYMBOLS);
        /* and the same from below: 7F FF FF .. */
        memset(code + 1, 0xFF, sizeof(code) - 1);
        code[0] = 0x7F;
        shares_of_code(code, n_code, s, RUN_SYMBOLS);
        round_trip(s, RUN_SYMBOLS);
        code[0] = 0x80;
    }
    assert_true(longest > RUN / 2);
}

/* The carry that is left to the finish: the shortest code of the interval is the byte after those
 * out. */
static void test_carry_at_end(void **state)
{
    static struct cril_share s[60];
    static const uint8_t code[] = {0x80};
    size_t carried = 0;

    (void)state;
    for (size_t n = 1; n <= sizeof(s) / sizeof(s[0]); n++) {
        struct cril_range_encoder e;

        shares_of_code(code, sizeof(code), s, n);
        cril_range_encoder_init(&e);
        for (size_t i = 0; i < n; i++)
            assert_true(cril_range_encode(&e, &s[i]));
        carried += e.n > 1 && e.data[0] == 0x7F;
        assert_true(cril_range_encoder_finish(&e));
        assert_int_equal(e.n, 1);
        assert_int_equal(e.data[0], 0x80);
        cril_range_encoder_free(&e);
        round_trip(s, n);
    }
    assert_true(carried > 0);
}

/* The finish alone, on the narrowest interval that it can meet. */
static void test_finish(void **state)
{
    static const struct {
        uint64_t low;
        size_t n;
        uint8_t byte;
    } cases[] = {{0, 0, 0},
                 {1, 1, 1},
                 {UINT64_C(1) << 56, 1, 1},
                 {(UINT64_C(1) << 56) + 1, 1, 2},
                 {UINT64_C(0xFF) << 56, 1, 0xFF}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cril_range_encoder e = {.low = cases[i].low, .range = UINT64_C(1) << 56};

        assert_true(cril_range_encoder_finish(&e));
        assert_int_equal(e.n, cases[i].n);
        assert_true(e.n == 0 || e.data[0] == cases[i].byte);
        cril_range_encoder_free(&e);
    }
}

/* Rubbish either decodes or is refused; one code that no encoder writes is known. */
static void test_rubbish(void **state)
{
    static const uint8_t ones[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    struct cril_range_decoder d;
    uint64_t at;

    (void)state;
    cril_range_decoder_init(&d, ones, sizeof(ones));
    assert_false(cril_range_peek(&d, 256, &at));
    for (int round = 0; round < 2000; round++) {
        uint8_t code[40];
        const size_t n_code = random_below(sizeof(code) + 1);

        for (size_t i = 0; i < n_code; i++)
            code[i] = random_below(3) ? (uint8_t)random_bits(8) : 0xFF;
        cril_range_decoder_init(&d, code, n_code);
        for (int i = 0; i < 100; i++) {
            const uint64_t total = 1 + random_bits((unsigned)random_below(49));

            if (!cril_range_peek(&d, total, &at))
                break;
            assert_true(at < total);
            cril_range_take(&d, &(struct cril_share){at, 1, total});
        }
    }
}

/* ---- Shares ---- */

static void check_share(struct cril_share got, uint64_t low, uint64_t size, uint64_t total)
{
    assert_true(got.low == low);
    assert_true(got.size == size);
    assert_true(got.total == total);
}

/* Sizes by floor and double, as the document says them. */
static void check_values(const float *e, size_t n)
{
    uint64_t low = 0, total = 0;

    for (size_t i = 0; i < n; i++)
        total += (uint64_t)floor((double)e[i] * 4294967296.0) + 1;
    assert_true(cril_share_total_values(e, n) == total);
    for (size_t i = 0; i < n; i++) {
        const uint64_t size = (uint64_t)floor((double)e[i] * 4294967296.0) + 1;
        const uint64_t ats[] = {low, low + size - 1, low + random_below(size)};
        struct cril_share s;

        check_share(cril_share_of_value(e, n, i), low, size, total);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(cril_share_find_value(e, n, ats[k], &s), i);
            check_share(s, low, size, total);
        }
        low += size;
    }
    assert_true(low == total && total <= (UINT64_C(1) << 42) + 1024);
}

static void check_weights(const double *w, size_t n)
{
    uint64_t low = 0, total = 0;
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += w[i];
    for (size_t i = 0; i < n; i++)
        total += (uint64_t)floor(w[i] / sum * 4294967296.0) + 1;
    assert_true(cril_share_total_weights(w, sum, n) == total);
    for (size_t i = 0; i < n; i++) {
        const uint64_t size = (uint64_t)floor(w[i] / sum * 4294967296.0) + 1;
        const uint64_t ats[] = {low, low + size - 1, low + random_below(size)};
        struct cril_share s;

        check_share(cril_share_of_weight(w, sum, n, i), low, size, total);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(cril_share_find_weight(w, sum, n, ats[k], &s), i);
            check_share(s, low, size, total);
        }
        low += size;
    }
    assert_true(low == total && total <= (UINT64_C(1) << 32) + 2 * n);
}

static double random_value(void)
{
    static const double edges[] = {0,           1,        FLT_MIN,        FLT_TRUE_MIN, 0x1p-32,
                                   0x1p-31,     0x1p-33,  0x1.8p-32,      -0.0,         FLT_MIN / 4,
                                   1 - 0x1p-24, 0x1p-149, 0x1.fffffep-33, 0.5,          1e-20};
    const uint64_t kind = random_below(3);

    if (kind == 0)
        return edges[random_below(sizeof(edges) / sizeof(edges[0]))];
    return (float)ldexp((double)random_bits(24) * 0x1p-24, kind == 1 ? 0 : -(int)random_below(150));
}

static void test_values(void **state)
{
    static float e[1024];

    (void)state;
    for (int round = 0; round < 60; round++) {
        const size_t n = round < 20    ? 1 + (size_t)round
                         : round == 20 ? 1024
                                       : 1 + random_below(400);

        for (size_t i = 0; i < n; i++)
            e[i] = (float)random_value();
        check_values(e, n);
    }
    for (size_t i = 0; i < 1024; i++)
        e[i] = 1;
    check_values(e, 1024);
}

static void test_weights(void **state)
{
    static double w[300];

    (void)state;
    for (int round = 0; round < 400; round++) {
        const size_t n = 1 + random_below(sizeof(w) / sizeof(w[0]));
        const double scale = round % 4 ? 1024 : round % 8 ? DBL_TRUE_MIN * 0x1p40 : 0x1p900;

        for (size_t i = 0; i < n; i++)
            w[i] = random_value() * scale;
        w[random_below(n)] = scale; /* a chunk's weight is at least 1 where the largest logit is */
        check_weights(w, n);
    }
}

/* A token is two symbols; coded by their shares and found again as a decoder does it. */
static void test_tokens(void **state)
{
    enum { n_chunks = 7, n_tokens = 500 };
    static float e[n_chunks][1024];
    static size_t ids[n_tokens];
    static struct cril_share s[2 * n_tokens];
    struct cril_range_encoder code;
    struct cril_range_decoder d;
    double w[n_chunks], sum = 0;

    (void)state;
    for (size_t c = 0; c < n_chunks; c++) {
        for (size_t i = 0; i < 1024; i++)
            e[c][i] = (float)random_value();
        w[c] = random_value() + 0x1p-20;
        sum += w[c];
    }
    for (size_t t = 0; t < n_tokens; t++) {
        ids[t] = random_below(n_chunks * 1024);
        s[2 * t] = cril_share_of_weight(w, sum, n_chunks, ids[t] / 1024);
        s[2 * t + 1] = cril_share_of_value(e[ids[t] / 1024], 1024, ids[t] % 1024);
    }
    round_trip(s, 2 * n_tokens);
    code = encode(s, 2 * n_tokens);
    cril_range_decoder_init(&d, code.data, code.n);
    for (size_t t = 0; t < n_tokens; t++) {
        struct cril_share found;
        size_t chunk;
        uint64_t at;

        assert_true(cril_range_peek(&d, cril_share_total_weights(w, sum, n_chunks), &at));
        chunk = cril_share_find_weight(w, sum, n_chunks, at, &found);
        cril_range_take(&d, &found);
        assert_true(cril_range_peek(&d, cril_share_total_values(e[chunk], 1024), &at));
        assert_int_equal(chunk * 1024 + cril_share_find_value(e[chunk], 1024, at, &found), ids[t]);
        cril_range_take(&d, &found);
    }
    cril_range_encoder_free(&code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),       cmocka_unit_test(test_trailing_zeros),
        cmocka_unit_test(test_random_shares), cmocka_unit_test(test_carries),
        cmocka_unit_test(test_carry_at_end),  cmocka_unit_test(test_finish),
        cmocka_unit_test(test_example),       cmocka_unit_test(test_rubbish),
        cmocka_unit_test(test_values),        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_tokens),
    };

    generator = cril_random_seed(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
