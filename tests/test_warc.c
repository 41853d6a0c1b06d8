/*
 * WARC records made here, whole and damaged in each way, cut at every byte, with every byte
 * changed, in pieces of every size; files that warcio wrote, against what warcio reads in them; and
 * which records the web source takes for texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gather/source_web.h"
#include "gather/warc.h"
#include "packed.h"
#include "util/hash.h"
#include "util/memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

static char path[] = "/tmp/cril-warc-XXXXXX";
static int fd; /* of that file */

/* ---- helpers ---- */

/* The file's content; without emptying it first, which takes longer than all else here. */
static void save(const void *data, size_t n)
{
    assert_int_equal(pwrite(fd, data, n, 0), n);
    assert_int_equal(ftruncate(fd, (off_t)n), 0);
}

static void save_text(const char *text)
{
    save(text, strlen(text));
}

static void add_text(struct bytes *to, const char *text)
{
    add_bytes(to, text, strlen(text));
}

/* A conversion record whose id is a letter. */
static void add_record(struct bytes *to, char id, const char *text)
{
    char head[256];

    snprintf(
        head, sizeof(head),
        "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: %c\r\nContent-Type: text/plain\r\n"
        "WARC-Target-URI: http://%c/\r\nWARC-Date: 2026-06-01T00:00:00Z\r\n"
        "Content-Length: %zu\r\n\r\n",
        id, id, strlen(text));
    add_text(to, head);
    add_text(to, text);
    add_text(to, "\r\n\r\n");
}

/* What reading a file came to: "id:block|" of each record, "id:(length)|" where there is no block.
 */
struct reading {
    char records[4096];
    uint64_t damaged[CRIL_WARC_N_DAMAGES];
    size_t resident; /* bytes of the process at the end */
    cril_status status;
    cril_error err;
};

static void note(struct reading *to, const struct cril_warc_record *r)
{
    const size_t used = strlen(to->records);
    const char *const id = r->field[CRIL_WARC_ID] ? r->field[CRIL_WARC_ID] : "";

    assert_true(used + strlen(id) + (r->block ? r->length : 20) + 8 < sizeof(to->records));
    if (r->block)
        sprintf(to->records + used, "%s:%.*s|", id, (int)r->length, r->block);
    else
        sprintf(to->records + used, "%s:(%" PRIu64 ")|", id, r->length);
}

static struct reading read_file(size_t max_block)
{
    struct reading to = {0};
    struct cril_warc *w = NULL;
    bool end = false;

    to.status = cril_warc_open(path, max_block, &w, &to.err);
    while (to.status == CRIL_OK && !end) {
        struct cril_warc_record r;

        to.status = cril_warc_next(w, &r, &end, &to.err);
        if (to.status == CRIL_OK && !end)
            note(&to, &r);
    }
    if (w) {
        struct cril_warc_record r;

        memcpy(to.damaged, cril_warc_damaged(w), sizeof(to.damaged));
        to.resident = cril_memory_resident();
        assert_int_equal(cril_warc_next(w, &r, &end, NULL), to.status); /* and stays so */
        assert_true(end);
    }
    cril_warc_close(w);
    return to;
}

static void has_words(const char *message, const char *words)
{
    if (!strstr(message, words))
        fail_msg("'%s' lacks '%s'", message, words);
    assert_null(strchr(message, '\n'));
}

static void reads(const char *file, const char *records, uint64_t bad_head, uint64_t wrong_length,
                  uint64_t truncated)
{
    struct reading got;

    save_text(file);
    got = read_file(1 << 20);
    if (got.status != CRIL_OK || strcmp(got.records, records) != 0 ||
        got.damaged[CRIL_WARC_BAD_HEAD] != bad_head ||
        got.damaged[CRIL_WARC_WRONG_LENGTH] != wrong_length ||
        got.damaged[CRIL_WARC_TRUNCATED] != truncated)
        fail_msg("%s\n-> %s, damaged %d %d %d %s", file, got.records, (int)got.damaged[0],
                 (int)got.damaged[1], (int)got.damaged[2], got.err.message);
}

static void refuses(const char *file, cril_status status, const char *words)
{
    struct reading got;

    save_text(file);
    got = read_file(1 << 20);
    assert_int_equal(got.status, status);
    has_words(got.err.message, words);
    has_words(got.err.message, path);
}

/* ---- records ---- */

#define V0 "WARC/1.0\r\n"
#define V1 "WARC/1.1\r\n"
#define T "WARC-Type: conversion\r\n"
#define ID(x) "WARC-Record-ID: " x "\r\n"
#define LENGTH(n) "Content-Length: " n "\r\n\r\n"
#define END "\r\n\r\n"
#define LINES "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
#define A V0 T ID("a") LENGTH("3") "one" END
#define B V1 T ID("b") LENGTH("3") "two" END
#define C V0 T ID("c") LENGTH("5") "three" END

static void test_whole(void **state)
{
    (void)state;
    reads(A B C, "a:one|b:two|c:three|", 0, 0, 0);
    reads("\r\n\n\r\n" A, "a:one|", 0, 0, 0);
    reads(A "\r\n\r\n\n\n" B, "a:one|b:two|", 0, 0, 0);
    reads(V0 T ID("a") LENGTH("0") END B, "a:|b:two|", 0, 0, 0);
    /* names in any case, blanks around values, folded values, any order */
    reads("warc/1.0\r\nCONTENT-LENGTH:\t3 \r\nwarc-record-id:\r\n  x\r\n y\r\n\t z "
          "\r\nWarc-Type:\r\n "
          "t\r\n\r\none" END,
          "x y z:one|", 0, 0, 0);
    /* folded values that are not kept; a value with colons; the first of two */
    reads(V0 " w\r\n" T "X: y\r\n z\r\nWARC-Target-URI: a:b\r\nWARC-Target-URI: c\r\n" ID("i:j")
              LENGTH("3") "one" END,
          "i:j:one|", 0, 0, 0);
    /* line ends of one byte, too few and too many of them */
    reads("WARC/1.0\nWARC-Type: t\nWARC-Record-ID: a\nContent-Length: 3\n\none\n\n" B,
          "a:one|b:two|", 0, 0, 0);
    reads(V0 T ID("a") LENGTH("3") "one" LINES LINES LINES LINES B, "a:one|b:two|", 0, 0, 0);
    reads(V0 T ID("a") LENGTH("3") "one\r\n" B, "a:one|b:two|", 0, 0, 0);
    reads(V0 T ID("a") LENGTH("3") "one" B, "a:one|b:two|", 0, 0, 0);
    reads(V0 T ID("a") LENGTH("3") "one", "a:one|", 0, 0, 0);
    reads(V0 T ID("a") LENGTH("3") "one\r", "a:one|", 0, 0, 0);
    reads(V0 T LENGTH("0"), ":|", 0, 0, 0);
    /* a block that looks like a record, and ends as one */
    reads(V0 T ID("a") LENGTH("80") B END B, "a:" B "|b:two|", 0, 0, 0);
}

static void test_damaged(void **state)
{
    (void)state;
    /* lengths: too small, too large by the next record, by more than there is, by a line end */
    reads(V0 T ID("a") LENGTH("2") "one" END B, "b:two|", 0, 1, 0);
    reads(V0 T ID("a") LENGTH("40") "one" END B C, "b:two|c:three|", 0, 1, 0);
    reads(V0 T ID("a") LENGTH("1000") "one" END B C, "b:two|c:three|", 0, 0, 1);
    reads(V0 T ID("a") LENGTH("7") "one" END B, "a:one\r\n\r\n|b:two|", 0, 0, 0);
    reads(A V0 T ID("x") LENGTH("3") "many more" END B, "a:one|b:two|", 0, 1, 0);
    reads(V0 T ID("x") LENGTH("2") "one" END, "", 0, 1, 0);
    /* a record cut off in its block, with the next one right behind it */
    reads(V0 T ID("x") LENGTH("30") "cut" B C, "b:two|c:three|", 0, 1, 0);
    reads(A V0 T ID("x") LENGTH("3000") "cut" B C, "a:one|b:two|c:three|", 0, 0, 1);
    /* in its head: between lines, in a line, before the length, behind it */
    reads(A V0 T B C, "a:one|b:two|c:three|", 1, 0, 0);
    reads(A V0 "WARC-Ty" B C, "a:one|b:two|c:three|", 1, 0, 0);
    reads(A V0 T "WARC-Record-ID: x" B C, "a:one|b:two|c:three|", 1, 0, 0);
    reads(A V0 T ID("x") "Content-Length: 3" B C, "a:one|b:two|c:three|", 1, 0, 0);
    reads(A "WAR" B, "a:one|b:two|", 1, 0, 0);
    reads(A "WARC/1.0" B, "a:one|b:two|", 1, 0, 0);
    /* lengths that are no numbers or too large for one */
    reads(A V0 T LENGTH("") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 T LENGTH("-1") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 T LENGTH("1e3") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 T LENGTH("1 2") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 T LENGTH("0x1") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 T LENGTH("18446744073709551616") "x" END B, "a:one|b:two|", 1, 0, 0);
    /* what a head must have, must not have, and may have once */
    reads(A V0 T "\r\nx" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 LENGTH("1") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 "Content-Length: 1\r\n" T LENGTH("1") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 T ID("x") ID("x") LENGTH("1") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 T "no field\r\n" LENGTH("1") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 T "no field: x\r\n" LENGTH("1") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 T ": x\r\n" LENGTH("1") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 T T LENGTH("1") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 T "WARC-Date: 2026\r\nwarc-date: 2026\r\n" LENGTH("1") "x" END B, "a:one|b:two|", 1,
          0, 0);
    reads(A V0 T "x\x7f: y\r\n" LENGTH("1") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A V0 T "\xc3\xa4: y\r\n" LENGTH("1") "x" END B, "a:one|b:two|", 1, 0, 0);
    /* other versions, bytes between records, a version in them that opens nothing */
    reads(A "WARC/1.2\r\n" T LENGTH("1") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A "WARC/0.18\r\n" T LENGTH("1") "x" END B, "a:one|b:two|", 1, 0, 0);
    reads(A "garbage" B, "a:one|b:two|", 1, 0, 0);
    reads(A "as in\nWARC/1.0\nor in WARC/1.0\nit is\n" B, "a:one|b:two|", 1, 0, 0);
    reads(A "x: WARC/1.0\ny: WARC/1.0\nz: WARC/1.0\n" B, "a:one|b:two|", 1, 0, 0);
    /* two in a row, two apart */
    reads(A V0 T LENGTH("2") "one" END V0 LENGTH("1") "x" END B, "a:one|b:two|", 0, 1, 0);
    reads(V0 T LENGTH("2") "one" END B V0 T LENGTH("2") "one" END C, "b:two|c:three|", 0, 2, 0);
    /* cut at the end */
    reads(A V0 T ID("x") LENGTH("4") "one", "a:one|", 0, 0, 1);
    reads(A V0 T "WARC-Re", "a:one|", 0, 0, 1);
    reads(A "WA", "a:one|", 0, 0, 1);
}

static void test_refused(void **state)
{
    (void)state;
    refuses("", CRIL_ERR_TRUNCATED, "is empty");
    refuses("\r\n\r\n", CRIL_ERR_TRUNCATED, "is empty");
    refuses("WARC/0.18\r\n" T LENGTH("1") "x" END, CRIL_ERR_UNSUPPORTED, "starts with 'WARC/0.18'");
    refuses("<html>\n" A, CRIL_ERR_FORMAT, "starts with '<html>'");
    refuses("\033[2J", CRIL_ERR_FORMAT, "starts with '\\x1B[2J'");
    refuses("0123456789012345678901234567890123456789012", CRIL_ERR_FORMAT,
            "'0123456789012345678901234567890123456789'");
    refuses("filedesc://a.arc 0.0.0.0 20140101 text/plain 1\n", CRIL_ERR_UNSUPPORTED,
            "is an ARC file");
}

static void test_long_blocks(void **state)
{
    struct reading got;

    (void)state;
    save_text(A C B);
    got = read_file(3);
    assert_string_equal(got.records, "a:one|c:(5)|b:two|");
    assert_int_equal(got.damaged[0] + got.damaged[1] + got.damaged[2], 0);
    got = read_file(0);
    assert_string_equal(got.records, "a:(3)|c:(5)|b:(3)|");
    save_text(V0 T ID("x") LENGTH("7") "seven and more" END A); /* wrong, but nothing was kept */
    got = read_file(3);
    assert_string_equal(got.records, "a:one|");
    assert_int_equal(got.damaged[CRIL_WARC_WRONG_LENGTH], 1);
    save_text(A V0 T ID("x") LENGTH("18446744073709551615") "x" END B);
    got = read_file(3);
    assert_string_equal(got.records, "a:one|");
    assert_int_equal(got.damaged[CRIL_WARC_TRUNCATED], 1);
    assert_int_equal(got.status, CRIL_OK);
}

/* Blocks around the size of the stream's own pieces. */
static void test_large(void **state)
{
    static const size_t sizes[] = {1, 65535, 65536, 131071, 131072, 131073, 1000000, 3000000};
    struct bytes b = {0};
    struct cril_warc *w;
    struct cril_warc_record r;
    bool end;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        char *text = malloc(sizes[i] + 1);

        assert_non_null(text);
        memset(text, 'a' + (int)i, sizes[i]);
        text[sizes[i]] = '\0';
        add_record(&b, (char)('a' + i), text);
        free(text);
    }
    save(b.data, b.n);
    assert_int_equal(cril_warc_open(path, 1000000, &w, NULL), CRIL_OK);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        assert_int_equal(cril_warc_next(w, &r, &end, NULL), CRIL_OK);
        assert_false(end);
        assert_int_equal(r.length, sizes[i]);
        assert_int_equal(r.block != NULL, sizes[i] <= 1000000);
        for (size_t k = 0; r.block && k < r.length; k++)
            if (r.block[k] != (char)('a' + (int)i))
                fail_msg("block %zu, byte %zu", i, k);
        assert_int_equal(r.field[CRIL_WARC_ID][0], 'a' + (int)i);
        assert_true(cril_warc_taken(w) <= b.n);
    }
    assert_int_equal(cril_warc_next(w, &r, &end, NULL), CRIL_OK);
    assert_true(end);
    assert_int_equal(cril_warc_taken(w), b.n);
    cril_warc_close(w);
    free(b.data);
}

/* A head of n bytes and then record b. */
static void add_head_of(struct bytes *to, size_t n)
{
    static const char before[] = V0 T ID("a") "X: ", after[] = "\r\n" LENGTH("3");
    const size_t fixed = sizeof(before) - 1 + sizeof(after) - 1;

    add_text(to, before);
    for (size_t i = fixed; i < n; i++)
        add_text(to, "x");
    add_text(to, after);
    add_text(to, "one" END B);
}

/* Behind nothing, and behind a record, so that pieces of the stream end elsewhere. */
static void test_long_heads(void **state)
{
    (void)state;
    for (size_t n = 65530; n < 65543; n++)
        for (size_t behind = 0; behind < 2; behind++) {
            struct bytes b = {0};
            struct reading got;

            add_text(&b, behind ? C : "");
            add_head_of(&b, n);
            save(b.data, b.n);
            got = read_file(100);
            assert_string_equal(got.records + (behind ? strlen("c:three|") : 0),
                                n <= 65536 ? "a:one|b:two|" : "b:two|");
            assert_int_equal(got.damaged[CRIL_WARC_BAD_HEAD], n > 65536);
            free(b.data);
        }
}

/* A version at the end of a very long line, of which a piece of the stream ends at each byte. */
static void test_long_line(void **state)
{
    struct bytes plain = {0};
    size_t line;

    (void)state;
    add_text(&plain, A);
    for (line = plain.n + 70000; plain.n < line;)
        add_text(&plain, "g");
    add_text(&plain, B C);
    for (size_t at = line; at < line + 12; at++) {
        struct bytes packed = {0};
        struct reading got;

        pack(&packed, GZIP, plain.data, at);
        pack(&packed, GZIP, plain.data + at, plain.n - at);
        save(packed.data, packed.n);
        got = read_file(100);
        assert_string_equal(got.records, "a:one|b:two|c:three|");
        assert_int_equal(got.damaged[CRIL_WARC_BAD_HEAD], 1);
        free(packed.data);
    }
    free(plain.data);
}

/* A long hole, in a block or between records, takes no memory. */
static void test_memory(void **state)
{
    static const struct {
        const char *before, *after, *records;
    } files[] = {
        {A V0 T ID("x") LENGTH("50000000"), END B, "a:one|x:(50000000)|b:two|"},
        {A V0 T ID("x") LENGTH("18446744073709551615"), END B, "a:one|"},
        {A, "\n" B, "a:one|b:two|"},
        {A V0 T, "\n" B, "a:one|b:two|"},
        {A V0 T LENGTH("2") "one", "\n" B, "a:one|b:two|"},
    };
    const off_t hole = 50000000;

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        const size_t n = strlen(files[i].before), m = strlen(files[i].after);
        struct reading got;
        size_t resident;

        save_text(files[i].before);
        assert_int_equal(pwrite(fd, files[i].after, m, (off_t)n + hole), m);
        resident = cril_memory_resident();
        got = read_file(1 << 20);
        assert_true(got.resident < resident + (8 << 20));
        assert_string_equal(got.records, files[i].records);
    }
}

/* Bytes 0 in heads, where C's strings would end. */
static void test_zero_bytes(void **state)
{
    static const char file[] = A V0 T
        "X: y\0z\r\n" LENGTH("1") "x" END V0 "WARC-Type: t\0\r\n" LENGTH("1") "x" END V0 T ID("b")
            LENGTH("3") "\0\0\0" END C;
    struct reading got;

    (void)state;
    save(file, sizeof(file) - 1);
    got = read_file(100);
    assert_string_equal(got.records, "a:one|b:|c:three|");
    assert_int_equal(got.damaged[CRIL_WARC_BAD_HEAD], 1);
}

/* Each of these would take hours if a search began anew behind each version. */
static void test_hostile_versions(void **state)
{
    static const char *const lines[] = {
        "WARC/1.0\n", "a:WARC/1.0\n",        "xWARC/1.0\n", V0 T LENGTH("99"),
        "WARC/1.0",   V0 T LENGTH("999999"), "\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        struct bytes b = {0};
        struct reading got;

        add_text(&b, A);
        while (b.n < 4 << 20)
            add_text(&b, lines[i]);
        add_text(&b, "\n" C);
        save(b.data, b.n);
        got = read_file(1 << 20);
        assert_string_equal(got.records, "a:one|c:three|");
        free(b.data);
    }
}

/* ---- every byte ---- */

static const char *const texts[] = {"one, and a little more", "", "three\n\nlines\n",
                                    "f\xc3\xbcnf"};
enum { N_TEXTS = sizeof(texts) / sizeof(*texts) };

/* Records a, b, c ... one in a member; ends[i]: bytes of the file up to the end of record i's
 * block, decoded, and of its member, stored. */
static struct bytes make_file(enum packing packing, size_t blocks[N_TEXTS], size_t members[N_TEXTS])
{
    struct bytes file = {0};
    size_t decoded = 0;

    for (size_t i = 0; i < N_TEXTS; i++) {
        struct bytes record = {0};

        add_record(&record, (char)('a' + i), texts[i]);
        decoded += record.n;
        blocks[i] = decoded - 4;
        pack(&file, packing, record.data, record.n);
        members[i] = file.n;
        free(record.data);
    }
    return file;
}

static void records_are(const struct reading *got, size_t n)
{
    char want[256] = "";

    for (size_t i = 0; i < n; i++)
        sprintf(want + strlen(want), "%c:%s|", (char)('a' + i), texts[i]);
    assert_string_equal(got->records, want);
}

static void test_cut(void **state)
{
    size_t blocks[N_TEXTS], members[N_TEXTS];
    struct bytes b = make_file(PLAIN, blocks, members);

    (void)state;
    for (size_t n = 0; n <= b.n; n++) {
        struct reading got;
        size_t whole = 0;
        bool between;

        save(b.data, n);
        got = read_file(1 << 20);
        if (n < 8) {
            assert_int_equal(got.status, n ? n < 5 ? CRIL_ERR_FORMAT : CRIL_ERR_UNSUPPORTED
                                           : CRIL_ERR_TRUNCATED);
            continue;
        }
        assert_int_equal(got.status, CRIL_OK);
        while (whole < N_TEXTS && blocks[whole] <= n)
            whole++;
        records_are(&got, whole);
        between = whole && n <= blocks[whole - 1] + 4;
        assert_int_equal(got.damaged[CRIL_WARC_TRUNCATED], !between);
        assert_int_equal(got.damaged[CRIL_WARC_BAD_HEAD] + got.damaged[CRIL_WARC_WRONG_LENGTH], 0);
    }
    free(b.data);
}

/* What stands in whole members is handed out before the error. */
static void test_cut_packed(void **state)
{
    static const enum packing packings[] = {GZIP, ZSTD};

    (void)state;
    for (size_t p = 0; p < 2; p++) {
        size_t blocks[N_TEXTS], members[N_TEXTS];
        struct bytes b = make_file(packings[p], blocks, members);

        for (size_t n = members[1]; n <= b.n; n++) { /* the first 512 bytes are one piece */
            struct reading got;
            size_t whole = 0, given = 0;

            save(b.data, n);
            got = read_file(1 << 20);
            while (whole < N_TEXTS && members[whole] <= n)
                whole++;
            if (members[whole - 1] == n)
                assert_int_equal(got.status, CRIL_OK);
            else /* of a member's first bytes it is not clear what they are */
                assert_true(got.status == CRIL_ERR_TRUNCATED || got.status == CRIL_ERR_FORMAT);
            for (const char *c = got.records; *c; c++)
                given += *c == '|';
            if (n >= members[2]) /* more than 512 bytes decoded */
                assert_true(given == whole || given == whole + 1);
            records_are(&got, given);
        }
        free(b.data);
    }
}

/* A changed byte costs no other record than its own, and never changes another. */
static void test_changed(void **state)
{
    static const char changes[] = {'\0', '\n', ' ', ':', '9', 'x', '\x80'};
    size_t blocks[N_TEXTS], members[N_TEXTS];
    struct bytes b = make_file(PLAIN, blocks, members);

    (void)state;
    for (size_t i = 10; i < b.n; i++) /* the first line decides what the file is */
        for (size_t k = 0; k < sizeof(changes); k++) {
            const uint8_t before = b.data[i];
            struct reading got;
            size_t own = 0;

            b.data[i] = (uint8_t)changes[k];
            save(b.data, b.n);
            b.data[i] = before;
            got = read_file(1 << 20);
            assert_int_equal(got.status, CRIL_OK);
            while (members[own] <= i)
                own++;
            for (size_t r = 0; r < N_TEXTS; r++) {
                char want[64];

                sprintf(want, "%c:%s|", (char)('a' + r), texts[r]);
                if (r != own && !strstr(got.records, want))
                    fail_msg("byte %zu to %d: %s", i, changes[k], got.records);
            }
        }
    free(b.data);
}

/* A good file and a damaged one in pieces of every size: a member of gzip is a piece of the stream.
 */
static void test_pieces(void **state)
{
    static const char *const files[] = {
        A B C,
        A V0 T ID("x") LENGTH("2") "one" END B "garbage WARC/1.0\r\nx: y\r\n\r\n" C,
        V0 T ID("x") LENGTH("30") "cut" B A V0 T LENGTH("-1") END C V0 T ID("x") LENGTH("9") "cut",
    };

    (void)state;
    for (size_t f = 0; f < 3; f++) {
        const size_t len = strlen(files[f]);
        struct reading want;
        char filler[700];
        struct bytes plain = {0};

        /* the first 512 bytes are read at once */
        memset(filler, 'x', sizeof(filler) - 1);
        filler[sizeof(filler) - 1] = '\0';
        add_record(&plain, 'f', filler);
        add_bytes(&plain, files[f], len);
        save(plain.data, plain.n);
        want = read_file(1 << 20);
        for (size_t piece = 1; piece <= len; piece++) {
            struct bytes packed = {0};
            const size_t first = plain.n - len;
            struct reading got;

            pack(&packed, GZIP, plain.data, first);
            for (size_t i = first; i < plain.n; i += piece)
                pack(&packed, GZIP, plain.data + i, plain.n - i < piece ? plain.n - i : piece);
            save(packed.data, packed.n);
            got = read_file(1 << 20);
            assert_int_equal(got.status, CRIL_OK);
            assert_string_equal(got.records, want.records);
            assert_memory_equal(got.damaged, want.damaged, sizeof(got.damaged));
            free(packed.data);
        }
        for (enum packing p = PLAIN; p < N_PACKINGS; p++) { /* all of it in one */
            struct bytes packed = {0};
            struct reading got;

            pack(&packed, p, plain.data, plain.n);
            save(packed.data, packed.n);
            got = read_file(1 << 20);
            assert_string_equal(got.records, want.records);
            free(packed.data);
        }
        free(plain.data);
    }
}

/* ---- warcio ---- */

static void sha256_of(const void *data, size_t n, char hex[65])
{
    struct cril_sha256 *h;

    assert_int_equal(cril_sha256_create(&h, NULL), CRIL_OK);
    assert_int_equal(cril_sha256_update(h, data, n, NULL), CRIL_OK);
    assert_int_equal(cril_sha256_final(h, hex, NULL), CRIL_OK);
    cril_sha256_free(h);
}

static void field_is(const struct cril_warc_record *r, enum cril_warc_field field, json_t *record,
                     const char *key)
{
    const char *want = json_string_value(json_object_get(record, key));

    assert_int_equal(r->field[field] != NULL, want != NULL);
    if (want)
        assert_string_equal(r->field[field], want);
}

static void test_golden(void **state)
{
    json_t *files = json_load_file(CRIL_TEST_DATA "/golden/warc/records.json", 0, NULL), *file;
    size_t i, k, n = 0;

    (void)state;
    assert_non_null(files);
    json_array_foreach(files, i, file)
    {
        char name[512], hex[65];
        struct cril_warc *w;
        struct cril_warc_record r;
        json_t *record;
        bool end;

        snprintf(name, sizeof(name), CRIL_TEST_DATA "/golden/warc/%s",
                 json_string_value(json_object_get(file, "file")));
        assert_int_equal(cril_warc_open(name, 1 << 20, &w, NULL), CRIL_OK);
        json_array_foreach(json_object_get(file, "records"), k, record)
        {
            assert_int_equal(cril_warc_next(w, &r, &end, NULL), CRIL_OK);
            assert_false(end);
            field_is(&r, CRIL_WARC_TYPE, record, "type");
            field_is(&r, CRIL_WARC_ID, record, "id");
            field_is(&r, CRIL_WARC_ADDRESS, record, "address");
            field_is(&r, CRIL_WARC_DATE, record, "date");
            assert_int_equal(r.length, json_integer_value(json_object_get(record, "length")));
            sha256_of(r.block, (size_t)r.length, hex);
            assert_string_equal(hex, json_string_value(json_object_get(record, "sha256")));
            n++;
        }
        assert_int_equal(cril_warc_next(w, &r, &end, NULL), CRIL_OK);
        assert_true(end);
        cril_warc_close(w);
    }
    assert_int_equal(n, 24);
    json_decref(files);
}

/* ---- the source ---- */

static uint64_t left_out(const struct cril_source *s, const char *why)
{
    size_t n;
    const struct cril_left_out *l = s->kind->left_out(s, &n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(l[i].why, why) == 0)
            return l[i].n;
    fail_msg("nothing is left out as %s", why);
    return 0;
}

static uint64_t all_left_out(const struct cril_source *s)
{
    size_t n;
    const struct cril_left_out *l = s->kind->left_out(s, &n);
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += l[i].n;
    return sum;
}

static struct cril_source *opened(void)
{
    struct cril_source *s = NULL;
    cril_error err = {0};

    if (cril_source_web_open(path, &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return s;
}

#define PLAIN_TEXT "Content-Type: text/plain\r\n"

static void test_source(void **state)
{
    const struct cril_source_kind *kind;
    struct cril_source *s;
    struct cril_gathered doc;

    (void)state;
    save_text(V0 "WARC-Type: warcinfo\r\n" LENGTH("1") "i" END V0 T ID("<urn:uuid:1>") PLAIN_TEXT
              "WARC-Target-URI: <http://a/>\r\nWARC-Date: 2026-06-01T23:59:59.123456789Z\r\n"
              "WARC-Identified-Content-Language: eng,deu\r\n" LENGTH("3") "one" END V0 T ID("b")
                  PLAIN_TEXT LENGTH("0") END V0
              "WARC-Type: response\r\n" LENGTH("1") "r" END V1 "warc-type: Conversion\r\n" ID(
                  "c") "Content-Type: text/plain;charset=UTF-8\r\n" LENGTH("1") "c" END);
    s = opened();
    assert_string_equal(s->kind->name, "web");
    assert_string_equal(s->path, path);
    assert_true(strlen(s->kind->dates) > 0);
    assert_int_equal(s->kind->next(s, &doc, NULL), CRIL_OK);
    assert_int_equal(doc.len, 3);
    assert_memory_equal(doc.text, "one", 3);
    assert_string_equal(doc.id, "<urn:uuid:1>");
    assert_string_equal(doc.address, "http://a/");
    assert_string_equal(doc.language, "eng,deu");
    assert_string_equal(doc.date, "2026-06-01");
    assert_null(doc.title);
    assert_null(doc.licence);
    assert_int_equal(s->kind->next(s, &doc, NULL), CRIL_OK);
    assert_non_null(doc.text);
    assert_int_equal(doc.len, 0);
    assert_null(doc.address);
    assert_null(doc.language);
    assert_string_equal(doc.date, "");
    assert_int_equal(s->kind->next(s, &doc, NULL), CRIL_OK);
    assert_string_equal(doc.id, "c");
    assert_int_equal(s->kind->next(s, &doc, NULL), CRIL_OK);
    assert_null(doc.text);
    assert_int_equal(left_out(s, "warcinfo record"), 1);
    assert_int_equal(left_out(s, "response record"), 1);
    assert_int_equal(all_left_out(s), 2);
    assert_true(s->kind->taken(s) > 500);
    kind = s->kind;
    kind->close(s);
    kind->close(NULL);
}

/* A file of text a, this record, text b: why the record is left out. */
static void leaves_out(const char *record, const char *why)
{
    struct bytes b = {0};
    struct cril_source *s;
    struct cril_gathered doc;

    add_record(&b, 'a', "one");
    add_text(&b, record);
    add_record(&b, 'b', "two");
    save(b.data, b.n);
    free(b.data);
    s = opened();
    assert_int_equal(s->kind->next(s, &doc, NULL), CRIL_OK);
    assert_string_equal(doc.id, "a");
    assert_int_equal(s->kind->next(s, &doc, NULL), CRIL_OK);
    assert_string_equal(doc.id, "b");
    assert_int_equal(s->kind->next(s, &doc, NULL), CRIL_OK);
    assert_null(doc.text);
    assert_int_equal(left_out(s, why), 1);
    assert_int_equal(all_left_out(s), 1);
    s->kind->close(s);
}

static void test_left_out(void **state)
{
    static const char *const types[] = {"warcinfo", "response", "resource",    "request",
                                        "metadata", "revisit",  "continuation"};
    char record[256], why[64];

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        sprintf(record, V0 "WARC-Type: %s\r\n" ID("x") PLAIN_TEXT LENGTH("1") "x" END, types[i]);
        sprintf(why, "%s record", types[i]);
        leaves_out(record, why);
    }
    leaves_out(V0 "WARC-Type: screenshot\r\n" LENGTH("1") "x" END, "record of an unknown type");
    leaves_out(V0 T ID("x") LENGTH("1") "x" END, "conversion record that is not text/plain");
    leaves_out(V0 T ID("x") "Content-Type: text/plainer\r\n" LENGTH("1") "x" END,
               "conversion record that is not text/plain");
    leaves_out(V0 T ID("x") "Content-Type: text/html\r\n" LENGTH("1") "x" END,
               "conversion record that is not text/plain");
    leaves_out(
        V0 T ID("x") "Content-Type: text/plain; a=b; Charset=\"latin1\"\r\n" LENGTH("1") "x" END,
        "conversion record that is not UTF-8 by its charset");
    leaves_out(V0 T ID("x") PLAIN_TEXT "WARC-Segment-Number: 1\r\n" LENGTH("1") "x" END,
               "conversion record of several segments");
    leaves_out(V0 T PLAIN_TEXT LENGTH("1") "x" END, "conversion record without an id");
    leaves_out(V0 T "WARC-Record-ID:\r\n" PLAIN_TEXT LENGTH("1") "x" END,
               "conversion record without an id");
    leaves_out(V0 T LENGTH("2") "one" END, "record of a wrong length");
    leaves_out(V0 T LENGTH("x") "one" END, "record with an unreadable head");
}

static void test_too_long(void **state)
{
    struct cril_source *s;
    struct cril_gathered doc;

    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct bytes b = {0};
        char *text = malloc(CRIL_WEB_MAX_TEXT + 2);

        assert_non_null(text);
        memset(text, 'x', CRIL_WEB_MAX_TEXT + more);
        text[CRIL_WEB_MAX_TEXT + more] = '\0';
        add_record(&b, 'a', text);
        add_record(&b, 'b', "two");
        save(b.data, b.n);
        s = opened();
        for (size_t i = more; i < 2; i++) {
            assert_int_equal(s->kind->next(s, &doc, NULL), CRIL_OK);
            assert_int_equal(doc.len, i ? 3 : CRIL_WEB_MAX_TEXT);
            assert_string_equal(doc.id, i ? "b" : "a");
        }
        assert_int_equal(left_out(s, "text of more than 16 MiB"), more);
        s->kind->close(s);
        free(text);
        free(b.data);
    }
}

static void test_dates(void **state)
{
    static const struct {
        const char *date, *day;
    } dates[] = {
        {"2026-06-01T00:00:00Z", "2026-06-01"},
        {"2026-06-01", "2026-06-01"},
        {"2026-06-01T12:30Z", "2026-06-01"},
        {"2026-06-01T12:30:60.1Z", "2026-06-01"},
        {"2024-02-29T23:59:59Z", "2024-02-29"},
        {"2000-02-29T23:59:59Z", "2000-02-29"},
        {"2026-02-29T23:59:59Z", ""},
        {"1900-02-29T23:59:59Z", ""},
        {"2026-04-31T23:59:59Z", ""},
        {"2026-12-31T23:59:59Z", "2026-12-31"},
        {"2026-06-00T00:00:00Z", ""},
        {"2026-13-01T00:00:00Z", ""},
        {"2026-00-01T00:00:00Z", ""},
        {"2026-06-01T24:00:00Z", ""},
        {"2026-06-01T00:60:00Z", ""},
        {"2026-06-01T00:00:61Z", ""},
        {"2026-06-01T00:00:00.Z", ""},
        {"2026-06-01T00:00:00", ""},
        {"2026-06-01T00:00:00+02:00", ""},
        {"2026-06-01T00:00:00Zx", ""},
        {"2026-06-01T00Z", ""},
        {"2026-06-01 00:00:00Z", ""},
        {"2026-06", ""},
        {"2026", ""},
        {"20260601000000", ""},
        {"2026/06/01T00:00:00Z", ""},
        {"2026-06/01T00:00:00Z", ""},
        {"2026-06-", ""},
        {"2026-06-1", ""},
        {"20", ""},
        {"x026-06-01T00:00:00Z", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(dates) / sizeof(*dates); i++) {
        char file[512];
        struct cril_source *s;
        struct cril_gathered doc;

        sprintf(file, V0 T ID("a") PLAIN_TEXT "WARC-Date: %s\r\n" LENGTH("1") "x" END,
                dates[i].date);
        save_text(file);
        s = opened();
        assert_int_equal(s->kind->next(s, &doc, NULL), CRIL_OK);
        if (strcmp(doc.date, dates[i].day) != 0)
            fail_msg("%s: %s", dates[i].date, doc.date);
        s->kind->close(s);
    }
}

static void test_charsets(void **state)
{
    static const struct {
        const char *parameters;
        bool text;
    } types[] = {
        {"", true},
        {"; charset=utf-8", true},
        {";charset=\"UTF-8\"", true},
        {" ; x=y;CHARSET=us-ascii", true},
        {"; x=charset=latin1", true},
        {"; charset", true},
        {"; charset=", false},
        {"; charset=utf-16", false},
        {"; x=y; charset=iso-8859-1; z", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        char file[512];
        struct cril_source *s;
        struct cril_gathered doc;

        sprintf(file, V0 T ID("a") "Content-Type: Text/Plain%s\r\n" LENGTH("1") "x" END,
                types[i].parameters);
        save_text(file);
        s = opened();
        assert_int_equal(s->kind->next(s, &doc, NULL), CRIL_OK);
        if ((doc.text != NULL) != types[i].text)
            fail_msg("'%s'", types[i].parameters);
        s->kind->close(s);
    }
}

static void test_ordinary_warc(void **state)
{
    struct cril_source *s;
    struct cril_gathered doc;
    cril_error err = {0};

    (void)state;
    save_text(V0 "WARC-Type: request\r\n" LENGTH("1") "q" END V0 "WARC-Type: response\r\n" LENGTH(
        "1") "r" END);
    s = opened();
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(s->kind->next(s, &doc, &err), CRIL_ERR_UNSUPPORTED);
        assert_null(doc.text);
        has_words(err.message, "extract the text first");
        has_words(err.message, path);
    }
    s->kind->close(s);
    save_text(V0 "WARC-Type: request\r\n" LENGTH("1") "q" END); /* no page: no text either */
    s = opened();
    assert_int_equal(s->kind->next(s, &doc, &err), CRIL_OK);
    assert_null(doc.text);
    s->kind->close(s);
    save_text("<html>");
    assert_int_equal(cril_source_web_open(path, &s, &err), CRIL_ERR_FORMAT);
    assert_int_equal(cril_source_web_open("/tmp", &s, &err), CRIL_ERR_IO);
}

static int make_path(void **state)
{
    (void)state;
    fd = mkstemp(path);
    return fd < 0;
}

static int remove_path(void **state)
{
    (void)state;
    close(fd);
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),         cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_long_blocks),
        cmocka_unit_test(test_large),         cmocka_unit_test(test_long_heads),
        cmocka_unit_test(test_long_line),     cmocka_unit_test(test_memory),
        cmocka_unit_test(test_zero_bytes),    cmocka_unit_test(test_hostile_versions),
        cmocka_unit_test(test_cut),           cmocka_unit_test(test_cut_packed),
        cmocka_unit_test(test_changed),       cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_golden),        cmocka_unit_test(test_source),
        cmocka_unit_test(test_left_out),      cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_dates),         cmocka_unit_test(test_charsets),
        cmocka_unit_test(test_ordinary_warc),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
