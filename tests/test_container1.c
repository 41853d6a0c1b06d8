/*
 * Containers of format 1, which are only read: a byte that was changed, lost or added anywhere is
 * found; lengths that lie are found too where every checksum is right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/container.h"
#include "make_archive.h"

#include <cril/codec.h>
#include <stdio.h>
#include <unistd.h>

enum { N_SEGMENTS = 3 };

static const struct made1_header header = {
    .version = 1,
    .numerics = 1,
    .model = {1, 2, 3, [31] = 0xFE},
    .protocol = 1,
    .context = 1900,
    .stride = 512,
    .n_logits = 49152,
    .first_token = UINT32_MAX,
};

/* One run of tokens; two parts with a byte dropped and raw bytes; raw bytes alone. */
static const uint8_t run_bytes[] = {0x12, 0x34, 0x56};
static const uint8_t parts_bytes[] = {3,   0,   0,   0, 1, 0, 0, 0, 2, 0, 0, 0, /* */
                                      1,   0,   0,   0, 0, 0, 0, 0, 0, 0, 0, 0, /* */
                                      'x', 'y', 0x9A};
static const uint8_t raw_bytes[] = {0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0xFF, 0xFE, 0xFD, 0xFC};

static const struct made1_segment segments[N_SEGMENTS] = {
    {{10, 4, 0, 0, 3, 0xAAAA, 0}, run_bytes, sizeof(run_bytes)},
    {{5, 4, 2, 2, 1, 0xBBBB, 0}, parts_bytes, sizeof(parts_bytes)},
    {{4, 0, 1, 4, 0, 0xCCCC, 0}, raw_bytes, sizeof(raw_bytes)},
};
static const struct made1_trailer trailer = {N_SEGMENTS, 19, {9, 8, [31] = 7}};

static struct made_bytes make(void)
{
    return make_archive1(&header, segments, N_SEGMENTS, &trailer);
}

/* Parses a copy of exactly size bytes and takes all segments apart. */
static cril_status read_all(const uint8_t *data, size_t size, cril_error *err)
{
    uint8_t *copy = size ? malloc(size) : NULL;
    struct cril_container c;
    struct cril_segment s;
    cril_status st;

    if (size)
        memcpy(copy, data, size);
    *err = (cril_error){0};
    st = cril_container_parse(copy, size, "a.cril", &c, err);
    if (st == CRIL_OK)
        for (size_t i = 0; i < c.n_segments && st == CRIL_OK; i++)
            st = cril_container_segment(&c, i, &s, err);
    else
        assert_true(c.data == NULL && c.entries == NULL && c.n_segments == 0);
    cril_container_free(&c);
    free(copy);
    assert_true(st == CRIL_OK || strncmp(err->message, "a.cril: ", 8) == 0);
    return st;
}

static void expect(const uint8_t *data, size_t size, cril_status want, const char *words)
{
    cril_error err;
    const cril_status st = read_all(data, size, &err);

    if (st != want || (words && !strstr(err.message, words)))
        fail_msg("%s, not %s (%s): %s", cril_status_name(st), cril_status_name(want),
                 words ? words : "", err.message);
}

static void test_round_trip(void **state)
{
    static const uint64_t offsets[] = {72, 75, 102, 118}, starts[] = {0, 10, 15, 19};
    struct made_bytes a = make();
    struct cril_container c;
    struct cril_segment s;
    struct cril_part p;
    uint64_t at = 0;

    (void)state;
    assert_int_equal(a.n, 118 + 3 * 28 + 64);
    assert_int_equal(cril_container_parse(a.data, a.n, "a", &c, NULL), CRIL_OK);
    assert_true(c.header.version == 1 && c.header.numerics == 1 && c.header.rules == 1);
    assert_true(c.header.context == 1900 && c.header.stride == 512 && c.header.first_token == -1);
    assert_true(c.header.n_logits == 49152 && c.header.model_bytes == 32 && !c.single);
    assert_memory_equal(c.header.model, header.model, 32);
    assert_int_equal(c.n_segments, N_SEGMENTS);
    assert_memory_equal(c.offsets, offsets, sizeof(offsets));
    assert_memory_equal(c.starts, starts, sizeof(starts));
    assert_int_equal(c.trailer.original, 19);
    assert_int_equal(c.trailer.sha256_bytes, 32);
    assert_memory_equal(c.trailer.sha256, trailer.sha256, 32);
    for (size_t i = 0; i < N_SEGMENTS; i++) {
        const struct made1_entry *e = &segments[i].entry;

        assert_int_equal(cril_container_segment(&c, i, &s, NULL), CRIL_OK);
        assert_true(s.entry.original == e->original && s.entry.tokens == e->tokens);
        assert_true(s.entry.part_bytes == 12 * e->parts && s.entry.raw == e->raw);
        assert_true(s.entry.code == e->code && s.entry.crc == e->crc);
        assert_ptr_equal(s.parts, a.data + offsets[i]);
        assert_ptr_equal(s.raw, s.parts + 12 * e->parts);
        assert_int_equal(s.raw_bytes, e->raw);
        assert_ptr_equal(s.code, s.raw + e->raw);
    }
    assert_int_equal(cril_container_segment(&c, 0, &s, NULL), CRIL_OK);
    assert_true(cril_segment_next_part(&s, &at, &p));
    assert_true(p.tokens == 4 && p.drop == 0 && p.raw == 0);
    assert_false(cril_segment_next_part(&s, &at, &p));
    assert_int_equal(cril_container_segment(&c, 1, &s, NULL), CRIL_OK);
    at = 0;
    assert_true(cril_segment_next_part(&s, &at, &p));
    assert_true(p.tokens == 3 && p.drop == 1 && p.raw == 2);
    assert_true(cril_segment_next_part(&s, &at, &p));
    assert_true(p.tokens == 1 && p.drop == 0 && p.raw == 0);
    assert_false(cril_segment_next_part(&s, &at, &p));
    assert_memory_equal(s.raw, "xy\x9A", 3);
    cril_container_free(&c);
    cril_container_free(&c); /* empty by now */
    free(a.data);
}

static void test_empty_archive(void **state)
{
    struct made1_header h = header;
    struct made_bytes a;

    (void)state;
    h.first_token = 49151;
    a = make_archive1(&h, NULL, 0, &(struct made1_trailer){0});
    expect(a.data, a.n, CRIL_OK, NULL);
    free(a.data);
}

/* doc/cril_format.md, "Format 1". */
static void test_example(void **state)
{
    static const uint8_t bytes[] = {
        0x89, 0x43, 0x52, 0x49, 0x4C, 0x0D, 0x0A, 0x1A, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x6C, 0x07, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00,
        0x00, 0xC0, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0x2F, 0x8F, 0x2D, 0x55, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x68, 0x69, 0x0A, 0x03, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x7A, 0x7A, 0x6F, 0xED, 0x12, 0xBA, 0x15, 0xF4, 0x01, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x98, 0xEA, 0x6E, 0x4F,
        0x21, 0x6F, 0x2F, 0xB4, 0xB6, 0x9F, 0xFF, 0x9B, 0x3A, 0x44, 0x84, 0x2C, 0x38, 0x68, 0x6C,
        0xA6, 0x85, 0xF3, 0xF5, 0x5D, 0xC4, 0x8C, 0x5D, 0x3F, 0xB1, 0x10, 0x7B, 0xE4, 0x00, 0x00,
        0x00, 0x00, 0xE5, 0xBC, 0x83, 0xFE, 0x1A, 0x0A, 0x0D, 0x4C, 0x49, 0x52, 0x43, 0x89,
    };
    cril_archive *a;
    uint8_t golden[sizeof(bytes) + 1];
    FILE *f = fopen(CRIL_TEST_DATA "/golden/raw1.cril", "rb");

    (void)state;
    assert_non_null(f);
    assert_int_equal(fread(golden, 1, sizeof(golden), f), sizeof(bytes));
    assert_memory_equal(golden, bytes, sizeof(bytes));
    fclose(f);
    expect(bytes, sizeof(bytes), CRIL_OK, NULL);
    assert_int_equal(cril_archive_read(bytes, sizeof(bytes), "example", &a, NULL), CRIL_OK);
    assert_int_equal(cril_archive_info_of(a)->original_bytes, 3);
    cril_archive_close(a);
}

static void test_every_flip(void **state)
{
    struct made_bytes a = make();
    cril_error err;

    (void)state;
    for (size_t i = 0; i < a.n; i++)
        for (unsigned bits = 1; bits < 256; bits *= 2) {
            a.data[i] ^= (uint8_t)bits;
            if (read_all(a.data, a.n, &err) == CRIL_OK)
                fail_msg("bits %02X of byte %zu of %zu may change", bits, i, a.n);
            a.data[i] ^= (uint8_t)bits;
        }
    free(a.data);
}

static void test_every_cut(void **state)
{
    struct made_bytes a = make();

    (void)state;
    for (size_t n = 0; n < a.n; n++)
        expect(a.data, n, CRIL_ERR_TRUNCATED, "cut short");
    for (size_t n = 1; n + 1 < a.n; n++) /* the last byte alone is as the first */
        expect(a.data + n, a.n - n, CRIL_ERR_FORMAT, "is not a .cril archive");
    free(a.data);
}

static void test_more_bytes(void **state)
{
    struct made_bytes a = make(), twice = {NULL, 0};
    const size_t n = a.n;
    char words[64];

    (void)state;
    made_append(&twice, a.data, n);
    made_append(&twice, a.data, n);
    for (size_t more = 1; more < n; more++) {
        snprintf(words, sizeof(words), "%zu byte%s the end of the archive", more,
                 more == 1 ? " follows" : "s follow");
        expect(twice.data, n + more, CRIL_ERR_FORMAT, words);
    }
    expect(twice.data, 2 * n, CRIL_ERR_FORMAT, "belong to no segment");
    memset(twice.data + n, 0, n);
    expect(twice.data, 2 * n, CRIL_ERR_FORMAT, "bytes follow the end");
    free(twice.data);
    free(a.data);
}

/* ---- Lies: fields that contradict each other, all checksums right ---- */

static void test_header_lies(void **state)
{
    static const struct {
        size_t field; /* offset in struct, of a uint32_t */
        uint32_t value;
        cril_status st;
        const char *words;
    } lies[] = {
        {offsetof(struct made1_header, version), 0, CRIL_ERR_FORMAT, "format version"},
        {offsetof(struct made1_header, version), 3, CRIL_ERR_UNSUPPORTED, "newer"},
        {offsetof(struct made1_header, version), UINT32_MAX, CRIL_ERR_UNSUPPORTED, "newer"},
        {offsetof(struct made1_header, numerics), 0, CRIL_ERR_FORMAT, "numeric"},
        {offsetof(struct made1_header, numerics), 1u << 31, CRIL_ERR_FORMAT, "numeric"},
        {offsetof(struct made1_header, numerics), 77, CRIL_OK, NULL}, /* the model's say */
        {offsetof(struct made1_header, protocol), 0, CRIL_ERR_UNSUPPORTED, "protocol 0"},
        {offsetof(struct made1_header, protocol), 2, CRIL_ERR_UNSUPPORTED, "protocol 2"},
        {offsetof(struct made1_header, context), 0, CRIL_ERR_FORMAT, "context"},
        {offsetof(struct made1_header, context), 511, CRIL_ERR_FORMAT, "stride"},
        {offsetof(struct made1_header, context), 512, CRIL_OK, NULL},
        {offsetof(struct made1_header, stride), 0, CRIL_ERR_FORMAT, "stride"},
        {offsetof(struct made1_header, stride), 1901, CRIL_ERR_FORMAT, "stride"},
        {offsetof(struct made1_header, n_logits), 0, CRIL_ERR_FORMAT, "logits"},
        {offsetof(struct made1_header, n_logits), 1u << 31, CRIL_ERR_FORMAT, "logits"},
        {offsetof(struct made1_header, first_token), 49152, CRIL_ERR_FORMAT, "first token"},
        {offsetof(struct made1_header, first_token), 49151, CRIL_OK, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct made1_header h = header;
        struct made_bytes a;

        memcpy((uint8_t *)&h + lies[i].field, &lies[i].value, 4);
        a = make_archive1(&h, segments, N_SEGMENTS, &trailer);
        expect(a.data, a.n, lies[i].st, lies[i].words);
        free(a.data);
    }
}

static void test_segment_lies(void **state)
{
    /* The entry of segment 0 .. 2, in place of the right one; its bytes stay. */
    static const struct {
        size_t i;
        struct made1_entry entry;
        const char *words;
    } lies[] = {
        {0, {0, 4, 0, 0, 3, 0, 0}, "contradict"},             /* no text */
        {0, {(1 << 30) + 1, 4, 0, 0, 3, 0, 0}, "contradict"}, /* too much */
        {0, {1 << 30, 4, 0, 0, 3, 0, 0}, "add up"},
        {0, {9, 4, 0, 0, 3, 0, 0}, "add up"},
        {2, {5, 0, 1, 4, 0, 0, 0}, "add up"},
        {0, {10, 11, 0, 0, 3, 0, 0}, "contradict"}, /* more tokens than bytes */
        {0, {10, 0, 0, 0, 3, 0, 0}, "contradict"},  /* nothing spells the text */
        {0, {10, 4, 0, 1, 2, 0, 0}, "contradict"},  /* raw bytes of no part */
        {1, {5, UINT32_MAX, 2, UINT32_MAX, 1, 0, 0}, "contradict"},
        {0, {10, 4, 0, 0, 2, 0, 0}, "belong to no segment"},
        {0, {10, 4, 0, 0, 4, 0, 0}, "longer than the file"},
        {0, {10, 4, 0, 0, UINT32_MAX, 0, 0}, "longer than the file"},
        {0, {10, 4, UINT32_MAX, 0, 3, 0, 0}, "longer than the file"},
        {0, {10, 4, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, 0}, "longer than the file"},
        {1, {5, 3, 2, 2, 1, 0, 0}, "parts contradict"}, /* tokens of parts: 4 */
        {1, {5, 4, 2, 1, 2, 0, 0}, "parts contradict"}, /* raw bytes of parts: 2 */
        {1, {5, 4, 1, 2, 13, 0, 0}, "parts contradict"},
        {2, {4, 1, 1, 4, 0, 0, 0}, "parts contradict"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct made1_segment s[N_SEGMENTS];
        struct made_bytes a;

        memcpy(s, segments, sizeof(s));
        s[lies[i].i].entry = lies[i].entry;
        a = make_archive1(&header, s, N_SEGMENTS, &trailer);
        expect(a.data, a.n, CRIL_ERR_FORMAT, lies[i].words);
        free(a.data);
    }
}

static void test_part_lies(void **state)
{
    static const struct {
        size_t at; /* in parts_bytes */
        uint8_t value;
    } lies[] = {{0, 4}, {4, 2}, {7, 1}, {8, 1}, {12, 0}, {15, 0x80}, {20, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct made1_segment s[N_SEGMENTS];
        uint8_t bytes[sizeof(parts_bytes)];
        struct made_bytes a;

        memcpy(bytes, parts_bytes, sizeof(bytes));
        bytes[lies[i].at] = lies[i].value;
        memcpy(s, segments, sizeof(s));
        s[1].bytes = bytes;
        a = make_archive1(&header, s, N_SEGMENTS, &trailer);
        expect(a.data, a.n, CRIL_ERR_FORMAT, "parts contradict");
        free(a.data);
    }
    { /* neither tokens nor raw bytes; a dropped byte of no token */
        static const uint8_t none[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5};
        struct made1_segment s = {{4, 0, 1, 0, 1, 0, 0}, none, sizeof(none)};
        const struct made1_trailer t = {.n_segments = 1, .original = 4};
        uint8_t drop[sizeof(none) + 3] = {[4] = 1, [8] = 4};
        struct made_bytes a = make_archive1(&header, &s, 1, &t);

        expect(a.data, a.n, CRIL_ERR_FORMAT, "parts contradict");
        free(a.data);
        s = (struct made1_segment){{4, 0, 1, 4, 0, 0, 0}, drop, sizeof(drop)};
        a = make_archive1(&header, &s, 1, &t);
        expect(a.data, a.n, CRIL_ERR_FORMAT, "parts contradict");
        free(a.data);
    }
}

static void test_trailer_lies(void **state)
{
    static const uint64_t counts[] = {0, 2, 4, 5, 1000, UINT64_MAX, UINT64_MAX / 28 + 1};

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct made_bytes a = make();
        uint8_t *t = a.data + a.n - MADE1_TRAILER;
        const size_t room = a.n - MADE1_HEADER - MADE1_TRAILER;

        /* entries as many as it says, where so many bytes are there: its checksum is of those */
        if (counts[i] <= room / MADE1_ENTRY) {
            struct made1_trailer lie = trailer;

            lie.n_segments = counts[i];
            made1_put_trailer(&lie, t - counts[i] * MADE1_ENTRY, t);
            expect(a.data, a.n, CRIL_ERR_FORMAT, NULL);
        } else {
            for (int k = 0; k < 8; k++)
                t[k] = (uint8_t)(counts[i] >> 8 * k);
            expect(a.data, a.n, CRIL_ERR_FORMAT, "more segments than fit");
        }
        free(a.data);
    }
    { /* no segments, and no text, but bytes of some */
        struct made_bytes a = make_archive1(&header, NULL, 0, &(struct made1_trailer){0});

        a.n -= MADE1_TRAILER;
        made_append(&a, run_bytes, sizeof(run_bytes));
        made1_put_trailer(&(struct made1_trailer){0}, NULL, made_more(&a, MADE1_TRAILER));
        expect(a.data, a.n, CRIL_ERR_FORMAT, "belong to no segment");
        free(a.data);
    }
    { /* the reserved field, with a checksum that is right */
        struct made_bytes a = make();
        uint8_t *t = a.data + a.n - MADE1_TRAILER;
        uint32_t crc;

        t[48] = 1;
        crc = cril_archive_crc(0, t - 3 * MADE1_ENTRY, 3 * MADE1_ENTRY + 52);
        for (int k = 0; k < 4; k++)
            t[52 + k] = (uint8_t)(crc >> 8 * k);
        expect(a.data, a.n, CRIL_ERR_FORMAT, "reserved");
        free(a.data);
    }
}

/* ---- The API on top ---- */

static void check_archive(const cril_archive *a, size_t n)
{
    const cril_archive_info *info = cril_archive_info_of(a);
    cril_archive_segment s;

    assert_true(info->version == 1 && info->numerics == 1 && info->rules == 1);
    assert_int_equal(info->context, 1900);
    assert_true(info->stride == 512 && info->segments == N_SEGMENTS && info->archive_bytes == n);
    assert_true(info->original_bytes == 19 && info->code_bytes == 4 && info->tokens == 8);
    assert_int_equal(info->raw_bytes, 6);
    assert_string_equal(info->protocol, "document");
    assert_string_equal(info->model_sha256, "010203000000000000000000000000000000000000000000"
                                            "00000000000000fe");
    assert_string_equal(info->sha256, "090800000000000000000000000000000000000000000000"
                                      "0000000000000007");
    cril_archive_segment_at(a, 1, &s);
    assert_true(s.start == 10 && s.original_bytes == 5 && s.offset == 75);
    assert_true(s.archive_bytes == 27 && s.tokens == 4);
}

static void test_archive(void **state)
{
    char path[] = "/tmp/cril-test-XXXXXX";
    struct made_bytes made = make();
    cril_archive *a = NULL;
    cril_error err;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0 && write(fd, made.data, made.n) == (ssize_t)made.n);
    assert_int_equal(cril_archive_open(path, &a, &err), CRIL_OK);
    check_archive(a, made.n);
    cril_archive_close(a);
    assert_int_equal(cril_archive_read(made.data, made.n, "memory", &a, &err), CRIL_OK);
    check_archive(a, made.n);
    cril_archive_close(a);
    cril_archive_close(NULL);
    a = NULL;
    assert_int_equal(cril_archive_read(made.data, 99, "memory", &a, &err), CRIL_ERR_TRUNCATED);
    assert_non_null(strstr(err.message, "memory: "));
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(cril_archive_open(path, &a, &err), CRIL_ERR_TRUNCATED);
    assert_non_null(strstr(err.message, path));
    unlink(path);
    close(fd);
    assert_int_equal(cril_archive_open(path, &a, &err), CRIL_ERR_IO);
    assert_null(a);
    free(made.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_empty_archive),
        cmocka_unit_test(test_every_flip),   cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_more_bytes),   cmocka_unit_test(test_header_lies),
        cmocka_unit_test(test_segment_lies), cmocka_unit_test(test_part_lies),
        cmocka_unit_test(test_trailer_lies), cmocka_unit_test(test_archive),
        cmocka_unit_test(test_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
