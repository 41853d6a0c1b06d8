/*
 * Containers of format 2: what was written is read back; a bit that was changed, a byte that was
 * lost or added anywhere is found; lengths that lie are found too where every checksum is right.
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

static const struct cril_archive_header header = {.version = 2,
                                                  .numerics = 1,
                                                  .rules = 2,
                                                  .model = {1, 2, 3, [15] = 0xFE},
                                                  .model_bytes = 16,
                                                  .context = 1900,
                                                  .stride = 512,
                                                  .first_token = -1};

/* Of each kind one. The parts: three tokens less a byte and two raw bytes; one token. */
static const uint8_t code_bytes[] = {0x12, 0x34, 0x56};
static const uint8_t parts_bytes[] = {7, 2, 2, 0, 'x', 'y', 0x9A};
static const uint8_t two_bytes[] = {0x80, 1, 0, 0x80, 1, 0, 0x9A}; /* 64 tokens and 64 more */
static const uint8_t raw_bytes[] = {0xFF, 0xFE, 0xFD, 0xFC};
static const uint8_t long_bytes[300];

#define ENTRY(o, k, t, p, r, c)                                                                    \
    {                                                                                              \
        .original = (o), .kind = CRIL_SEGMENT_##k, .tokens = (t), .part_bytes = (p), .raw = (r),   \
        .code = (c), .crc = 0xA0B0C0D0u                                                            \
    }

static const struct made_segment segments[] = {
    {ENTRY(10, TOKENS, 4, 0, 0, 3), code_bytes, 3},
    {ENTRY(9, DROPPED, 4, 0, 0, 3), code_bytes, 3},
    {ENTRY(5, PARTS, 4, 4, 2, 1), parts_bytes, 7},
    {ENTRY(4, STORED, 0, 0, 4, 0), raw_bytes, 4},
    {ENTRY(7, TOKENS, 7, 0, 0, 0), code_bytes, 0},                 /* all of them certain */
    {ENTRY(1 << 30, TOKENS, 1 << 30, 0, 0, 300), long_bytes, 300}, /* numbers of every length */
};
enum { N_SEGMENTS = sizeof(segments) / sizeof(segments[0]) };
static const uint8_t sha256[8] = {9, 8, [7] = 7};

static struct made_bytes make(size_t first, size_t n)
{
    return make_archive(&header, segments + first, n, sha256);
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

static void expect(const struct made_bytes *a, cril_status want, const char *words)
{
    cril_error err;
    const cril_status st = read_all(a->data, a->n, &err);

    if (st != want || (words && !strstr(err.message, words)))
        fail_msg("%s, not %s (%s): %s", cril_status_name(st), cril_status_name(want),
                 words ? words : "", err.message);
}

/* ---- What was written ---- */

static void check_segment(const struct cril_container *c, size_t i, const struct made_segment *m)
{
    const struct cril_archive_entry *e = &m->entry;
    struct cril_segment s;

    assert_int_equal(cril_container_segment(c, i, &s, NULL), CRIL_OK);
    assert_true(s.entry.original == e->original && s.entry.kind == e->kind);
    assert_true(s.entry.tokens == e->tokens && s.entry.part_bytes == e->part_bytes);
    assert_true(s.entry.raw == e->raw && s.entry.code == e->code && s.raw_bytes == e->raw);
    assert_ptr_equal(s.parts, c->data + c->offsets[i]);
    assert_ptr_equal(s.raw, s.parts + e->part_bytes);
    assert_ptr_equal(s.code, s.raw + e->raw);
    assert_memory_equal(s.parts, m->bytes, m->n);
    assert_int_equal(c->offsets[i + 1] - c->offsets[i], m->n);
    assert_int_equal(c->starts[i + 1] - c->starts[i], e->original);
    if (!c->single) /* what is stored has one checksum, since its bytes are its text */
        assert_int_equal(s.entry.crc, e->kind == CRIL_SEGMENT_STORED ? s.entry.frame_crc : e->crc);
}

static void check_header(const struct cril_container *c, const struct cril_archive_header *h)
{
    const struct cril_archive_header *got = &c->header;

    assert_true(got->version == 2 && got->numerics == h->numerics && got->rules == h->rules);
    assert_true(got->context == h->context && got->stride == h->stride &&
                got->first_token == h->first_token);
    assert_true(got->n_logits == 0 && got->model_bytes == 16);
    assert_memory_equal(got->model, h->model, 16);
    assert_int_equal(c->trailer.sha256_bytes, 8);
    assert_memory_equal(c->trailer.sha256, sha256, 8);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (size_t first = 0; first < N_SEGMENTS; first++)
        for (size_t n = 0; n <= N_SEGMENTS - first; n++) {
            struct made_bytes a = make(first, n);
            struct cril_container c;
            uint64_t original = 0;

            assert_int_equal(cril_container_parse(a.data, a.n, "a", &c, NULL), CRIL_OK);
            check_header(&c, &header);
            assert_true(c.n_segments == n && c.single == (n == 1));
            for (size_t i = 0; i < n; i++) {
                check_segment(&c, i, &segments[first + i]);
                original += segments[first + i].entry.original;
            }
            assert_int_equal(c.trailer.original, original);
            cril_container_free(&c);
            cril_container_free(&c); /* empty by now */
            free(a.data);
        }
}

/* Numbers of every length in the header. */
static void test_headers(void **state)
{
    static const struct cril_archive_header headers[] = {
        {.numerics = 127, .rules = 1, .context = 1, .stride = 1, .first_token = 0},
        {.numerics = 128, .rules = 127, .context = 127, .stride = 1, .first_token = 126},
        {.numerics = INT32_MAX, .rules = 128, .context = 1u << 14, .stride = 1, .first_token = 127},
        {.numerics = 1,
         .rules = INT32_MAX,
         .context = UINT32_MAX,
         .stride = 1,
         .first_token = INT32_MAX},
        {.numerics = 1,
         .rules = 2,
         .context = UINT32_MAX,
         .stride = UINT32_MAX,
         .first_token = 128000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        for (size_t n = 0; n < 2; n++) {
            struct made_bytes a = make_archive(&headers[i], segments, n, sha256);
            struct cril_container c;

            assert_int_equal(cril_container_parse(a.data, a.n, "a", &c, NULL), CRIL_OK);
            check_header(&c, &headers[i]);
            cril_container_free(&c);
            free(a.data);
        }
}

static void test_parts(void **state)
{
    struct made_bytes a = make(0, N_SEGMENTS);
    struct cril_container c;
    struct cril_segment s;
    struct cril_part p;
    uint64_t at = 0;

    (void)state;
    assert_int_equal(cril_container_parse(a.data, a.n, "a", &c, NULL), CRIL_OK);
    assert_int_equal(cril_container_segment(&c, 1, &s, NULL), CRIL_OK);
    assert_true(cril_segment_next_part(&s, &at, &p) && p.tokens == 4 && p.drop == 1 && p.raw == 0);
    assert_false(cril_segment_next_part(&s, &at, &p));
    assert_int_equal(cril_container_segment(&c, 2, &s, NULL), CRIL_OK);
    at = 0;
    assert_true(cril_segment_next_part(&s, &at, &p) && p.tokens == 3 && p.drop == 1 && p.raw == 2);
    assert_true(cril_segment_next_part(&s, &at, &p) && p.tokens == 1 && p.drop == 0 && p.raw == 0);
    assert_false(cril_segment_next_part(&s, &at, &p));
    assert_memory_equal(s.raw, "xy\x9A", 3);
    assert_int_equal(cril_container_segment(&c, 3, &s, NULL), CRIL_OK);
    at = 0;
    assert_true(cril_segment_next_part(&s, &at, &p) && p.tokens == 0 && p.drop == 0 && p.raw == 4);
    assert_false(cril_segment_next_part(&s, &at, &p));
    cril_container_free(&c);
    free(a.data);
}

/* doc/cril_format.md, "Example". */
static void test_example(void **state)
{
    static const uint8_t bytes[] = {
        0x89, 0x43, 0x52, 0x49, 0x4C, 0x0D, 0x0A, 0x1A, 0x02, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x01, 0x02, 0xEC, 0x0E, 0xEC, 0x0A, 0x00, 0x0C, 0x68, 0x69, 0x0A,
        0x98, 0xEA, 0x6E, 0x4F, 0x21, 0x6F, 0x2F, 0xB4, 0x52, 0x4E, 0xBB, 0x91};
    cril_archive *a;
    uint8_t golden[sizeof(bytes) + 1];
    FILE *f = fopen(CRIL_TEST_DATA "/golden/raw2.cril", "rb");

    (void)state;
    assert_non_null(f);
    assert_int_equal(fread(golden, 1, sizeof(golden), f), sizeof(bytes));
    assert_memory_equal(golden, bytes, sizeof(bytes));
    fclose(f);
    expect(&(struct made_bytes){(uint8_t *)(uintptr_t)bytes, sizeof(bytes)}, CRIL_OK, NULL);
    assert_int_equal(cril_archive_read(bytes, sizeof(bytes), "example", &a, NULL), CRIL_OK);
    assert_int_equal(cril_archive_info_of(a)->original_bytes, 3);
    assert_int_equal(cril_archive_info_of(a)->raw_bytes, 3);
    cril_archive_close(a);
}

/* What is not code or text: 56 bytes at most where there is one segment, 7 more for each that is
 * stored where there are several. */
static void test_overhead(void **state)
{
    struct cril_archive_header h = header;
    const struct made_segment large = {ENTRY(16384, TOKENS, 16383, 0, 0, 0), NULL, 0},
                              first = {ENTRY(16384, DROPPED, 16383, 0, 0, 0), NULL, 0},
                              stored = {ENTRY(16384, STORED, 0, 0, 0, 0), NULL, 0};
    const struct made_segment many[] = {stored, stored, stored};
    const struct made_segment *const single[] = {&large, &first, &stored};

    (void)state;
    h.context = 131072;
    h.first_token = 128000;
    for (size_t i = 0; i < 3; i++) {
        struct made_bytes a = make_archive(&h, single[i], 1, sha256);

        assert_true(a.n <= 56);
        free(a.data);
    }
    struct made_bytes none = make_archive(&h, NULL, 0, sha256),
                      three = make_archive(&h, many, 3, sha256);
    assert_int_equal(three.n - none.n, 3 * 7);
    assert_true(none.n <= 60);
    free(none.data);
    free(three.data);
}

/* ---- Damage ---- */

static void test_every_flip(void **state)
{
    cril_error err;

    (void)state;
    for (size_t n = 0; n <= N_SEGMENTS; n++) {
        struct made_bytes a = make(n == 1 ? 2 : 0, n);

        for (size_t i = 0; i < a.n; i++)
            for (unsigned bits = 1; bits < 256; bits *= 2) {
                a.data[i] ^= (uint8_t)bits;
                if (read_all(a.data, a.n, &err) == CRIL_OK)
                    fail_msg("bits %02X of byte %zu of %zu may change", bits, i, a.n);
                a.data[i] ^= (uint8_t)bits;
            }
        free(a.data);
    }
}

static void test_every_cut(void **state)
{
    (void)state;
    for (size_t n = 0; n <= N_SEGMENTS; n++) {
        struct made_bytes a = make(0, n);

        for (size_t k = 0; k < 46; k++)
            expect(&(struct made_bytes){a.data, k}, CRIL_ERR_TRUNCATED, "cut short");
        for (size_t k = 46; k < a.n; k++)
            expect(&(struct made_bytes){a.data, k}, CRIL_ERR_FORMAT, "damaged or cut short");
        for (size_t k = 1; k < a.n; k++)
            if (a.data[k] != 0x89)
                expect(&(struct made_bytes){a.data + k, a.n - k}, CRIL_ERR_FORMAT,
                       "is not a .cril archive");
        free(a.data);
    }
}

static void test_more_bytes(void **state)
{
    (void)state;
    for (size_t n = 0; n <= N_SEGMENTS; n++) {
        struct made_bytes a = make(0, n), twice = {NULL, 0};

        made_append(&twice, a.data, a.n);
        made_append(&twice, a.data, a.n);
        for (size_t more = 1; more < a.n; more++)
            expect(&(struct made_bytes){twice.data, a.n + more}, CRIL_ERR_FORMAT,
                   "follows its end");
        if (n == 1)
            expect(&twice, CRIL_ERR_FORMAT, "follows its end");
        else /* the second one's index is good for both */
            expect(&twice, CRIL_ERR_FORMAT, "belong to no segment");
        free(twice.data);
        free(a.data);
    }
}

/* A newer format has its own rules from byte 12 on. */
static void test_newer(void **state)
{
    uint8_t bytes[] = {0x89, 'C', 'R', 'I', 'L', '\r', '\n', 0x1A, 3, 0, 0, 0};
    const struct made_bytes a = {bytes, sizeof(bytes)};

    (void)state;
    expect(&a, CRIL_ERR_UNSUPPORTED, "version 3");
    expect(&(struct made_bytes){bytes, 11}, CRIL_ERR_TRUNCATED, NULL);
    bytes[8] = 0;
    expect(&a, CRIL_ERR_FORMAT, "format version");
}

/* ---- Lies: fields that contradict each other, all checksums right ---- */

static void test_header_lies(void **state)
{
    static const struct {
        struct cril_archive_header h;
        const char *words;
    } lies[] = {
        {{.numerics = 0, .rules = 2, .context = 9, .stride = 9}, "numeric contract is 0"},
        {{.numerics = 1u << 31, .rules = 2, .context = 9, .stride = 9}, "numeric contract is 21"},
        {{.numerics = 1, .rules = 0, .context = 9, .stride = 9}, "scoring rules is 0"},
        {{.numerics = 1, .rules = 1u << 31, .context = 9, .stride = 9}, "scoring rules is 21"},
        {{.numerics = 1, .rules = 2, .context = 0, .stride = 0}, "context is 0"},
        {{.numerics = 1, .rules = 2, .context = 9, .stride = 0}, "stride is 0"},
        {{.numerics = 1, .rules = 2, .context = 9, .stride = 10}, "stride is 10"},
        {{.numerics = 77, .rules = 77, .context = 9, .stride = 9, .first_token = 77}, NULL}, /* the
                                                                                model's say */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        for (size_t n = 0; n <= 2; n++) {
            struct made_bytes a = make_archive(&lies[i].h, segments, n, sha256);

            expect(&a, lies[i].words ? CRIL_ERR_FORMAT : CRIL_OK, lies[i].words);
            free(a.data);
        }
}

/* An entry whose numbers are those of the trailer. */
static void test_entry_in_trailer(void **state)
{
    static const uint8_t first[] = {41}; /* 10 bytes of text, as tokens */
    struct made_bytes a = make(0, 0);
    uint8_t out[CRIL_ARCHIVE_TRAILER];

    (void)state;
    a.n -= CRIL_ARCHIVE_TRAILER + 1;
    made_append(&a, first, 1);
    made_append(
        &a, out,
        cril_archive_put_trailer(sha256, cril_archive_crc(0, a.data, a.n), true, NULL, 0, out));
    expect(&a, CRIL_ERR_FORMAT, "damaged or cut short");
    free(a.data);
}

/* A first token beyond what a header can be made to say. */
static void test_head(void **state)
{
    struct cril_archive_header h = header;
    struct made_bytes a;

    (void)state;
    h.first_token =
        INT32_MAX; /* first_token + 1 is 80 80 80 80 08, which the entry and the trailer follow */
    a = make_archive(&h, &segments[0], 1, sha256);
    uint8_t *varint = a.data + 34;
    assert_true(varint[0] == 0x80 && varint[4] == 8);
    expect(&a, CRIL_OK, NULL);
    varint[0]++;
    const uint32_t crc = cril_archive_crc(0, a.data, a.n - 4);
    for (int k = 0; k < 4; k++)
        a.data[a.n - 4 + (size_t)k] = (uint8_t)(crc >> 8 * k);
    expect(&a, CRIL_ERR_FORMAT, "first token exceeds");
    free(a.data);
}

/* Each lie as the only segment, whose entry is in the header, and as the first of two. */
static void test_segment_lies(void **state)
{
    static const struct {
        struct made_segment s;
        const char *single, *indexed;
    } lies[] = {
        {{ENTRY(0, TOKENS, 4, 0, 0, 3), code_bytes, 3}, "contradict", "contradict"},
        {{ENTRY(0, STORED, 0, 0, 0, 0), code_bytes, 0}, NULL, "contradict"}, /* an index, empty */
        {{ENTRY((1 << 30) + 1, TOKENS, 4, 0, 0, 3), code_bytes, 3}, "contradict", "contradict"},
        {{ENTRY(10, TOKENS, 11, 0, 0, 3), code_bytes, 3}, "contradict", "contradict"},
        {{ENTRY(10, TOKENS, 0, 0, 0, 3), code_bytes, 3}, "contradict", "contradict"},
        {{ENTRY(10, DROPPED, 12, 0, 0, 3), code_bytes, 3}, "contradict", "contradict"},
        {{ENTRY(10, DROPPED, 0, 0, 0, 3), code_bytes, 3}, "contradict", "contradict"},
        {{ENTRY(5, PARTS, 4, 0, 2, 1), parts_bytes, 7}, "contradict", "contradict"},
        {{ENTRY(5, PARTS, UINT32_MAX, 4, 2, 1), parts_bytes, 7}, "contradict", "contradict"},
        {{ENTRY(5, PARTS, 4, 4, UINT32_MAX, 1), parts_bytes, 7}, "longer", "contradict"},
        {{ENTRY(10, TOKENS, 4, 0, 0, 4), code_bytes, 3}, NULL, "longer than the file"},
        {{ENTRY(10, TOKENS, 4, 0, 0, 2), code_bytes, 3}, NULL, "belong to no segment"},
        {{ENTRY(10, TOKENS, 4, 0, 0, UINT32_MAX), code_bytes, 3}, NULL, "longer than the file"},
        {{ENTRY(5, STORED, 0, 0, 4, 0), raw_bytes, 4}, "longer", "longer than the file"},
        {{ENTRY(3, STORED, 0, 0, 4, 0), raw_bytes, 4}, "contradict", "belong to no segment"},
        {{ENTRY(5, PARTS, 3, 4, 2, 1), parts_bytes, 7}, "parts contra", "parts contra"},
        {{ENTRY(5, PARTS, 5, 4, 2, 1), parts_bytes, 7}, "parts contra", "parts contra"},
        {{ENTRY(5, PARTS, 4, 4, 1, 2), parts_bytes, 7}, "parts contra", "parts contra"},
        {{ENTRY(5, PARTS, 4, 3, 2, 2), parts_bytes, 7}, "parts contra", "parts contra"},
        {{ENTRY(5, PARTS, 4, 5, 2, 0), parts_bytes, 7}, "parts contra", "parts contra"},
        {{ENTRY(3, PARTS, 4, 4, 2, 1), parts_bytes, 7}, "contradict", "contradict"},
        {{ENTRY(126, PARTS, 128, 6, 0, 1), two_bytes, 7}, NULL, NULL}, /* true: two parts */
        {{ENTRY(125, PARTS, 128, 6, 0, 1), two_bytes, 7}, "parts contra", "parts contra"},
        {{ENTRY(124, PARTS, 128, 6, 0, 1), two_bytes, 7}, "lengths contra", "lengths contra"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        const struct made_segment two[] = {lies[i].s, segments[0]};

        for (size_t n = 1; n <= 2; n++) {
            const char *words = n == 1 ? lies[i].single : lies[i].indexed;
            struct made_bytes a = make_archive(&header, two, n, sha256);

            if (words)
                expect(&a, CRIL_ERR_FORMAT, words);
            free(a.data);
        }
    }
}

static void test_part_lies(void **state)
{
    static const struct {
        uint8_t bytes[8];
        uint32_t tokens, raw, part_bytes;
    } lies[] = {
        {{0, 0, 7, 2, 'x', 'y'}, 3, 2, 4},               /* neither tokens nor raw bytes */
        {{1, 2, 6, 0, 'x', 'y'}, 3, 2, 4},               /* a dropped byte of no token */
        {{0x87, 0, 2, 'x', 'y'}, 3, 2, 3},               /* a number longer than need be */
        {{7, 0x82, 0x80, 0, 'x', 'y'}, 3, 2, 4},         /* the same */
        {{7, 2, 0x82, 'x', 'y'}, 3, 2, 3},               /* a number that breaks off */
        {{7, 2, 7, 'x', 'y'}, 3, 2, 3},                  /* half a part */
        {{0x80, 0x80, 0x80, 0x80, 0x80, 1, 2}, 0, 0, 7}, /* more than five bytes */
        {{0xFE, 0xFF, 0xFF, 0xFF, 0x7F, 0}, 3, 0, 6},    /* more tokens than 32 bits count */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        const struct made_segment s = {
            ENTRY(6, PARTS, lies[i].tokens, lies[i].part_bytes, lies[i].raw,
                  (uint32_t)sizeof(lies[i].bytes) - lies[i].part_bytes - lies[i].raw),
            lies[i].bytes, sizeof(lies[i].bytes)};
        struct made_bytes a = make_archive(&header, &s, 1, sha256);

        expect(&a, CRIL_ERR_FORMAT, "parts contradict");
        free(a.data);
    }
}

/* An index of these bytes and a segment of 3, all checksums right. */
static struct made_bytes with_index(const uint8_t *index, size_t n, uint64_t said)
{
    struct made_bytes a = make(0, 0);
    uint8_t *p;

    a.n -= CRIL_ARCHIVE_TRAILER;
    uint32_t crc = cril_archive_crc(0, a.data, a.n);
    made_append(&a, code_bytes, 3);
    made_append(&a, index, n);
    p = made_more(&a, CRIL_ARCHIVE_TRAILER);
    memcpy(p, sha256, 8);
    for (int k = 0; k < 8; k++)
        p[8 + k] = (uint8_t)(said >> 8 * k);
    crc = cril_archive_crc(crc, index, n);
    crc = cril_archive_crc(crc, p, 16);
    for (int k = 0; k < 4; k++)
        p[16 + k] = (uint8_t)(crc >> 8 * k);
    return a;
}

static void test_index_lies(void **state)
{
    static const struct {
        uint8_t bytes[16];
        size_t n;
        const char *words;
    } lies[] = {
        {{0}, 0, "belong to no segment"},
        {{41, 4, 3, 1, 1, 1, 1}, 7, "an entry is not valid"}, /* a checksum breaks off */
        {{41, 4}, 2, "an entry is not valid"},
        {{0xA9, 0, 4, 3, 1, 1, 1, 1, 2, 2, 2, 2},
         12,
         "an entry is not valid"}, /* 41 in two bytes */
        {{41, 4, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F, 1, 1, 1, 1, 2, 2, 2, 2},
         15,
         "an entry is not valid"},
        {{41, 4, 2, 1, 1, 1, 1, 2, 2, 2, 2}, 11, "belong to no segment"},
        {{41, 4, 4, 1, 1, 1, 1, 2, 2, 2, 2}, 11, "longer than the file"},
        {{41, 4, 3, 1, 1, 1, 1, 2, 2, 2, 2}, 11, "segment 1 of 1 is damaged"},
    };
    static const uint64_t lengths[] = {0, 10, 12, 15, UINT64_MAX, UINT64_MAX - 20};

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct made_bytes a = with_index(lies[i].bytes, lies[i].n, lies[i].n);

        expect(&a, CRIL_ERR_FORMAT, lies[i].words);
        free(a.data);
    }
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct made_bytes a = with_index(lies[7].bytes, 11, lengths[i]);

        expect(&a, CRIL_ERR_FORMAT, "damaged or cut short");
        free(a.data);
    }
}

/* ---- The API on top ---- */

static void check_archive(const cril_archive *a, size_t n)
{
    const cril_archive_info *info = cril_archive_info_of(a);
    cril_archive_segment s;

    assert_true(info->version == 2 && info->numerics == 1 && info->rules == 2);
    assert_true(info->context == 1900 && info->stride == 512);
    assert_true(info->segments == 4 && info->archive_bytes == n);
    assert_true(info->original_bytes == 28 && info->code_bytes == 7 && info->tokens == 12);
    assert_int_equal(info->raw_bytes, 6);
    assert_string_equal(info->protocol, "document");
    assert_string_equal(info->model_sha256, "010203000000000000000000000000fe");
    assert_string_equal(info->sha256, "0908000000000007");
    cril_archive_segment_at(a, 2, &s);
    assert_true(s.start == 19 && s.original_bytes == 5 && s.offset == 36 + 6);
    assert_true(s.archive_bytes == 7 && s.tokens == 4);
}

static void test_archive(void **state)
{
    char path[] = "/tmp/cril-test-XXXXXX";
    struct made_bytes made = make(0, 4);
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
    assert_int_equal(cril_archive_read(made.data, 45, "memory", &a, &err), CRIL_ERR_TRUNCATED);
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

static void test_crc(void **state)
{
    (void)state;
    assert_int_equal(cril_archive_crc(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(cril_archive_crc(cril_archive_crc(0, "1234", 4), "56789", 5), 0xCBF43926);
    assert_int_equal(cril_archive_crc(0, NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_headers),
        cmocka_unit_test(test_parts),        cmocka_unit_test(test_example),
        cmocka_unit_test(test_overhead),     cmocka_unit_test(test_every_flip),
        cmocka_unit_test(test_every_cut),    cmocka_unit_test(test_more_bytes),
        cmocka_unit_test(test_newer),        cmocka_unit_test(test_header_lies),
        cmocka_unit_test(test_head),         cmocka_unit_test(test_entry_in_trailer),
        cmocka_unit_test(test_segment_lies), cmocka_unit_test(test_part_lies),
        cmocka_unit_test(test_index_lies),   cmocka_unit_test(test_archive),
        cmocka_unit_test(test_crc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
