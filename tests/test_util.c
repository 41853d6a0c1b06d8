/*
 * The small readers at the bottom: UTF-8 against the examples of the standard and a decoder written
 * from its table, bounds of cursors, sizes that would wrap, SHA-256 against the vectors of FIPS
 * 180.
 *
 * Texts lie in blocks of exactly their length, so that ASan sees a read past the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "util/cursor.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/size.h"
#include "util/utf8.h"

#include <cril/corpus.h>
#include <cril/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 1;

static uint32_t next(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33);
}

/* ---- UTF-8 ---- */

/* Unicode 15, table 3-7: ranges of the first to the fourth byte of well-formed sequences. */
static const uint8_t well_formed[][4][2] = {
    {{0x00, 0x7F}},
    {{0xC2, 0xDF}, {0x80, 0xBF}},
    {{0xE0, 0xE0}, {0xA0, 0xBF}, {0x80, 0xBF}},
    {{0xE1, 0xEC}, {0x80, 0xBF}, {0x80, 0xBF}},
    {{0xED, 0xED}, {0x80, 0x9F}, {0x80, 0xBF}},
    {{0xEE, 0xEF}, {0x80, 0xBF}, {0x80, 0xBF}},
    {{0xF0, 0xF0}, {0x90, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
    {{0xF1, 0xF3}, {0x80, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
    {{0xF4, 0xF4}, {0x80, 0x8F}, {0x80, 0xBF}, {0x80, 0xBF}},
};

/*
 * By the definition: the longest start of p that is a start of some row of the table. If it is all
 * of the row, it is a character; else a maximal subpart (D93b), or one byte where no row starts so.
 */
static size_t plain_read(const uint8_t *p, size_t len, uint32_t *code)
{
    static const uint32_t marks[] = {0, 0, 0xC0 << 6, 0xE0 << 12,
                                     0xF0 << 18}; /* of the first byte, in place */
    size_t longest = 1;

    *code = CRIL_UTF8_ILL;
    for (size_t row = 0; row < sizeof(well_formed) / sizeof(well_formed[0]); row++) {
        const size_t n_bytes = row < 1 ? 1 : row < 2 ? 2 : row < 6 ? 3 : 4;
        size_t n = 0;

        while (n < n_bytes && n < len && p[n] >= well_formed[row][n][0] &&
               p[n] <= well_formed[row][n][1])
            n++;
        if (n == n_bytes) {
            uint32_t c = p[0];

            for (size_t i = 1; i < n; i++)
                c = c * 64 + p[i] - 0x80;
            *code = c - marks[n];
            return n;
        }
        longest = n > longest ? n : longest;
    }
    return longest;
}

/* Reader, counter and repair of one text, against the plain decoder. */
static void check_text(const void *bytes, size_t len)
{
    char *text = malloc(len ? len : 1), *want = malloc(3 * len + 1), *got;
    size_t n_want = 0, n_got = 99, n_characters = 0;
    bool ill = false;

    assert_true(text && want);
    memcpy(text, bytes, len);
    for (size_t i = 0; i < len; n_characters++) {
        uint32_t code, plain;
        const size_t step = plain_read((const uint8_t *)text + i, len - i, &plain);

        if (cril_utf8_read(text + i, len - i, &code) != step || code != plain)
            fail_msg("at %zu of %zu: code %X, not %X, in %zu bytes", i, len, code, plain, step);
        if (code != CRIL_UTF8_ILL)
            assert_int_equal(cril_utf8_width(text[i]), step);
        memcpy(want + n_want, plain == CRIL_UTF8_ILL ? "\xEF\xBF\xBD" : text + i,
               plain == CRIL_UTF8_ILL ? 3 : step);
        n_want += plain == CRIL_UTF8_ILL ? 3 : step;
        ill |= plain == CRIL_UTF8_ILL;
        i += step;
    }
    assert_int_equal(cril_count_characters(text, len), n_characters);
    assert_int_equal(cril_utf8_repair(text, len, &got, &n_got, NULL), CRIL_OK);
    assert_int_equal(got != NULL, ill);
    assert_int_equal(n_got, n_want);
    assert_memory_equal(got ? got : text, want, n_want);
    free(got);
    free(want);
    free(text);
}

/* Unicode 15, tables 3-8 to 3-11, and the example of D93b; 0 stands for U+FFFD. */
static void test_utf8_standard(void **state)
{
    static const struct {
        const char *bytes;
        uint32_t codes[10];
        size_t n;
    } cases[] = {
        {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41",
         {0, 0, 0, 0, 0, 0, 0, 0, 0x41},
         9}, /* not the shortest form */
        {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41",
         {0, 0, 0, 0, 0, 0, 0, 0, 0x41},
         9}, /* surrogates */
        {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", {0, 0, 0, 0, 0, 0x41, 0, 0, 0x42}, 9}, /* others */
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", {0, 0, 0, 0, 0x41}, 5}, /* cut short */
        {"\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64",
         {0x61, 0, 0, 0, 0x62, 0, 0x63, 0, 0, 0x64},
         10},
        {"\x4D\xD0\xB0\xE4\xBA\x8C\xF0\x90\x8C\x82",
         {0x4D, 0x430, 0x4E8C, 0x10302},
         4}, /* well-formed */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const size_t len = strlen(cases[i].bytes);
        size_t n = 0;

        for (size_t at = 0; at < len; n++) {
            uint32_t code;

            at += cril_utf8_read(cases[i].bytes + at, len - at, &code);
            assert_true(n < cases[i].n);
            assert_int_equal(code, cases[i].codes[n] ? cases[i].codes[n] : CRIL_UTF8_ILL);
        }
        assert_int_equal(n, cases[i].n);
        check_text(cases[i].bytes, len);
    }
}

/* Every code point comes back, and no start of one is one. */
static void test_utf8_every_code(void **state)
{
    static const uint8_t marks[] = {0, 0, 0xC0, 0xE0, 0xF0};

    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        char b[4];
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        uint32_t code, rest = c;

        if (c == 0xD800)
            c = rest = 0xE000;
        for (size_t i = n - 1; i > 0; i--, rest >>= 6)
            b[i] = (char)(0x80 | (rest & 0x3F));
        b[0] = (char)(rest | marks[n]);
        if (cril_utf8_read(b, n, &code) != n || code != c)
            fail_msg("U+%04X is read as %X", c, code);
        for (size_t cut = 1; cut < n; cut++)
            if (cril_utf8_read(b, cut, &code) != cut || code != CRIL_UTF8_ILL)
                fail_msg("%zu bytes of U+%04X are read as %X", cut, c, code);
    }
}

static void test_utf8_short(void **state)
{
    (void)state;
    check_text("", 0);
    for (unsigned a = 0; a < 256; a++) {
        const uint8_t one = (uint8_t)a;

        check_text(&one, 1);
        for (unsigned b = 0; b < 256; b++) {
            const uint8_t two[] = {(uint8_t)a, (uint8_t)b};

            check_text(two, 2);
        }
    }
}

/* Bytes from the borders of the table's ranges, where random ones seldom fall. */
static void test_utf8_random(void **state)
{
    static const uint8_t borders[] = {
        0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
        0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFE, 0xFF,
    };

    (void)state;
    for (int round = 0; round < 40000; round++) {
        uint8_t text[24];
        const size_t len = next() % (sizeof(text) + 1);

        for (size_t i = 0; i < len; i++)
            text[i] = next() % 4 ? borders[next() % sizeof(borders)] : (uint8_t)next();
        check_text(text, len);
    }
}

/* ---- cursor ---- */

static void test_varint(void **state)
{
    static const struct {
        uint64_t x;
        uint8_t bytes[CRIL_VARINT_MAX];
        size_t n;
    } good[] = {{0, {0}, 1},
                {1, {1}, 1},
                {127, {0x7F}, 1},
                {128, {0x80, 1}, 2},
                {300, {0xAC, 2}, 2},
                {16383, {0xFF, 0x7F}, 2},
                {16384, {0x80, 0x80, 1}, 3},
                {UINT32_MAX, {0xFF, 0xFF, 0xFF, 0xFF, 0x0F}, 5},
                {(UINT64_C(1) << 35) - 1, {0xFF, 0xFF, 0xFF, 0xFF, 0x7F}, 5}};
    static const struct {
        uint8_t bytes[6];
        size_t n;
    } bad[] = {{{0}, 0},
               {{0x80}, 1},
               {{0x80, 0}, 2},
               {{0xFF, 0x80, 0}, 3},
               {{0xFF, 0xFF}, 2},
               {{0x80, 0x80, 0x80, 0x80, 0}, 5},
               {{0x80, 0x80, 0x80, 0x80, 0x80, 1}, 6}};
    uint8_t out[CRIL_VARINT_MAX];
    uint64_t x;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct cril_cursor c = cril_cursor_of(good[i].bytes, CRIL_VARINT_MAX);

        assert_ptr_equal(cril_put_varint(out, good[i].x), out + good[i].n);
        assert_memory_equal(out, good[i].bytes, good[i].n);
        assert_true(cril_cursor_varint(&c, &x) && x == good[i].x && c.pos == good[i].n);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct cril_cursor c = cril_cursor_of(bad[i].bytes, bad[i].n);

        x = 7;
        assert_false(cril_cursor_varint(&c, &x));
        assert_true(x == 7 && c.pos == 0);
    }
}

static void test_cursor(void **state)
{
    enum { size = 13 };
    uint8_t *bytes = malloc(size);
    const uint8_t *p = NULL;
    uint32_t u = 0;
    uint64_t v = 0;

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(0xF0 + i);
    assert_int_equal(cril_load_u16(bytes), 0xF1F0);
    assert_int_equal(cril_load_u32(bytes), 0xF3F2F1F0);
    assert_true(cril_load_u64(bytes) == UINT64_C(0xF7F6F5F4F3F2F1F0));
    for (size_t at = 0; at <= size; at++)
        for (uint64_t n = 0; n <= size + 1; n++) {
            struct cril_cursor c = cril_cursor_of(bytes, size);

            assert_true(cril_cursor_take(&c, at, &p) && p == bytes && c.pos == at);
            assert_int_equal(cril_cursor_left(&c), size - at);
            p = NULL;
            if (at + n <= size) {
                assert_true(cril_cursor_take(&c, n, &p) && p == bytes + at && c.pos == at + n);
            } else {
                assert_false(cril_cursor_take(&c, n, &p));
                assert_true(p == NULL && c.pos == at);
            }
            c.pos = at;
            u = 5;
            assert_int_equal(cril_cursor_u32(&c, &u), at + 4 <= size);
            assert_true(at + 4 <= size ? u == cril_load_u32(bytes + at) && c.pos == at + 4
                                       : u == 5 && c.pos == at);
            c.pos = at;
            v = 5;
            assert_int_equal(cril_cursor_u64(&c, &v), at + 8 <= size);
            assert_true(at + 8 <= size ? v == cril_load_u64(bytes + at) && c.pos == at + 8
                                       : v == 5 && c.pos == at);
            /* sums with the position that would wrap */
            c.pos = at;
            assert_false(cril_cursor_take(&c, UINT64_MAX, &p));
            assert_false(cril_cursor_take(&c, 0 - (uint64_t)(at ? at : 1), &p));
            assert_false(cril_cursor_take(&c, (UINT64_C(1) << 32) + 1, &p));
            assert_int_equal(c.pos, at);
        }
    free(bytes);
    {
        struct cril_cursor none = cril_cursor_of(NULL, 0);

        assert_true(cril_cursor_take(&none, 0, &p));
        assert_false(cril_cursor_take(&none, 1, &p));
        assert_false(cril_cursor_u32(&none, &u));
    }
}

/* ---- sizes ---- */

static void test_sizes(void **state)
{
    static const size_t edges[] = {
        0, 1, 2, 3, 7, SIZE_MAX / 3, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX - 1, SIZE_MAX};
    const size_t n = sizeof(edges) / sizeof(edges[0]);

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            const size_t a = edges[i], b = edges[k];
            size_t sum, product, out = 77;
            const bool sum_wraps = __builtin_add_overflow(a, b, &sum);
            const bool product_wraps = __builtin_mul_overflow(a, b, &product);

            assert_int_equal(cril_size_add(a, b, &out), !sum_wraps);
            assert_int_equal(out, sum_wraps ? 77 : sum);
            out = 77;
            assert_int_equal(cril_size_mul(a, b, &out), !product_wraps);
            assert_int_equal(out, product_wraps ? 77 : product);
        }
}

static void test_grow(void **state)
{
    size_t capacity = 0, moves = 0;
    uint32_t *data = NULL;

    (void)state;
    for (uint32_t n = 0; n < 100000; n++) {
        const size_t before = capacity;
        uint32_t *grown = cril_size_grow(data, &capacity, n, 1, sizeof(*data));

        assert_non_null(grown);
        assert_true(capacity > n && capacity >= before);
        moves += capacity != before;
        data = grown;
        data[n] = n;
    }
    assert_true(moves < 40); /* by half at a time: 1.5^30 > 100000 */
    for (uint32_t n = 0; n < 100000; n++)
        assert_int_equal(data[n], n);
    {
        const size_t before = capacity;
        static const struct {
            size_t n, more, element_bytes;
        } wraps[] = {
            {SIZE_MAX, 1, 1}, /* n + more */
            {1, SIZE_MAX, 1},
            {0, SIZE_MAX - 5, 1}, /* half more */
            {0, SIZE_MAX / 4, 4}, /* times the element's size */
            {0, SIZE_MAX / 2, SIZE_MAX},
        };

        for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++) {
            assert_null(
                cril_size_grow(data, &capacity, wraps[i].n, wraps[i].more, wraps[i].element_bytes));
            assert_int_equal(capacity, before);
        }
        assert_ptr_equal(cril_size_grow(data, &capacity, 0, before, sizeof(*data)),
                         data); /* fits as it is */
        assert_int_equal(capacity, before);
        assert_int_equal(data[99999], 99999);
    }
    free(data);
    /* nothing yet and nothing more is still an array, so that NULL always means out of memory */
    capacity = 0;
    data = cril_size_grow(NULL, &capacity, 0, 0, sizeof(*data));
    assert_non_null(data);
    free(data);
}

/* ---- SHA-256 ---- */

static void check_hash(struct cril_sha256 *h, const char *text, size_t len, size_t step,
                       const char *want)
{
    char hex[65];

    memset(hex, '#', sizeof(hex));
    for (size_t i = 0; i < len; i += step)
        assert_int_equal(cril_sha256_update(h, text + i, len - i < step ? len - i : step, NULL),
                         CRIL_OK);
    assert_int_equal(cril_sha256_final(h, hex, NULL), CRIL_OK);
    assert_string_equal(hex, want);
}

/* What "git hash-object" says. */
static void test_git_blob(void **state)
{
    char hex[41];

    (void)state;
    assert_int_equal(cril_git_blob_hash("", 0, hex, NULL), CRIL_OK);
    assert_string_equal(hex, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    assert_int_equal(cril_git_blob_hash("hello\n", 6, hex, NULL), CRIL_OK);
    assert_string_equal(hex, "ce013625030ba8dba906f756967f9e9ca394464a");
}

static void test_sha256(void **state)
{
    static const struct {
        const char *text, *hash;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    static const char million[] =
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    static const size_t steps[] = {1, 63, 64, 65, 1000000};
    char *as = malloc(1000000);
    struct cril_sha256 *h;

    (void)state;
    assert_non_null(as);
    memset(as, 'a', 1000000);
    assert_int_equal(cril_sha256_create(&h, NULL), CRIL_OK);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]);
         i++) /* one h for all: final starts anew */
        for (size_t step = 1; step <= 64; step += 21)
            check_hash(h, vectors[i].text, strlen(vectors[i].text), step, vectors[i].hash);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        check_hash(h, as, 1000000, steps[i], million);
    cril_sha256_free(h);
    free(as);
    assert_int_equal(cril_sha256_create(&h, NULL), CRIL_OK);
    assert_int_equal(cril_sha256_update(h, NULL, 0, NULL), CRIL_OK);
    check_hash(h, "", 0, 1, vectors[0].hash);
    assert_int_equal(cril_sha256_update(h, "x", 1, NULL), CRIL_OK);
    cril_sha256_free(h); /* not ended */
    cril_sha256_free(NULL);
}

/* ---- texts made visible ---- */

static void test_show(void **state)
{
    static const struct {
        const char *text, *sentence, *exact;
    } rows[] = {
        {"plain \xC3\xA9 \xE4\xBD\xA0", "plain \xC3\xA9 \xE4\xBD\xA0",
         "plain \xC3\xA9 \xE4\xBD\xA0"},
        {"a\\b", "a\\b", "a\\\\b"},
        {"a\nb\rc\td", "a\\nb\\rc\\td", "a\\nb\\rc\\td"},
        {"\x1B[31m\x7F\x01", "\\x1B[31m\\x7F\\x01", "\\x1B[31m\\x7F\\x01"},
        {"\xC2\x9B"
         "31m\xC2\x85",
         "\\xC2\\x9B31m\\xC2\\x85", "\\xC2\\x9B31m\\xC2\\x85"},
        {"\xE2\x80\xAEgpj.exe\xE2\x81\xA6", "\\xE2\\x80\\xAEgpj.exe\\xE2\\x81\\xA6",
         "\\xE2\\x80\\xAEgpj.exe\\xE2\\x81\\xA6"},
        {"\xD8\x9C\xE2\x80\x8E\xE2\x80\xA8", "\\xD8\\x9C\\xE2\\x80\\x8E\\xE2\\x80\\xA8",
         "\\xD8\\x9C\\xE2\\x80\\x8E\\xE2\\x80\\xA8"},
        {"\xFFx\xC3", "\\xFFx\\xC3", "\\xFFx\\xC3"},
        {"\xED\xA0\x80", "\\xED\\xA0\\x80", "\\xED\\xA0\\x80"},
        {"\xE2\x80\x8D\xE2\x80\xAF\xC2\xA0", "\xE2\x80\x8D\xE2\x80\xAF\xC2\xA0",
         "\xE2\x80\x8D\xE2\x80\xAF\xC2\xA0"}, /* joiner and spaces do nothing of the kind */
    };
    char out[200], again[200];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const size_t len = strlen(rows[i].text),
                     n = cril_text_show(rows[i].text, len, false, out, sizeof(out));

        assert_string_equal(out, rows[i].sentence);
        assert_int_equal(n, strlen(out));
        assert_int_equal(cril_text_show(out, n, false, again, sizeof(again)),
                         n); /* twice is once */
        assert_string_equal(again, out);
        cril_text_show(rows[i].text, len, true, out, sizeof(out));
        assert_string_equal(out, rows[i].exact);
        for (size_t size = 1; size <= strlen(rows[i].exact) + 1;
             size++) { /* whole characters, in bounds */
            char *room = malloc(size);

            assert_non_null(room);
            assert_int_equal(cril_text_show(rows[i].text, len, true, room, size), strlen(out));
            assert_true(strlen(room) < size && strncmp(room, out, strlen(room)) == 0);
            assert_int_equal(cril_text_show(room, strlen(room), false, NULL, 0), strlen(room));
            free(room);
        }
    }
    assert_int_equal(cril_text_show("a\0b", 3, true, out, sizeof(out)), 6);
    assert_string_equal(out, "a\\x00b");
    assert_int_equal(cril_text_show(NULL, 5, true, out, sizeof(out)), 0);
    assert_string_equal(out, "");
}

/* A sentence holds no line end and nothing hidden, whatever its parts are. */
static void test_sentence(void **state)
{
    cril_error err;

    (void)state;
    cril_fail(&err, CRIL_ERR_IO, "%s: \"%s\"", "a\x1B]0;x\a\n", "\xE2\x80\xAE\xC2\x9B\xFF");
    assert_string_equal(err.message, "a\\x1B]0;x\\x07\\n: \"\\xE2\\x80\\xAE\\xC2\\x9B\\xFF\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_standard), cmocka_unit_test(test_utf8_every_code),
        cmocka_unit_test(test_utf8_short),    cmocka_unit_test(test_utf8_random),
        cmocka_unit_test(test_cursor),        cmocka_unit_test(test_varint),
        cmocka_unit_test(test_sizes),         cmocka_unit_test(test_grow),
        cmocka_unit_test(test_sha256),        cmocka_unit_test(test_git_blob),
        cmocka_unit_test(test_show),          cmocka_unit_test(test_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
