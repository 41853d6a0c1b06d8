/*
 * Corpora made here: each format in each compression, whole, in pieces, cut at every byte and with
 * every byte changed; what is a good line and what a bad one; folders, standard input, hashes,
 * counts.
 */
#define _XOPEN_SOURCE 700 /* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "corpus/corpus.h"
#include "packed.h"
#include "util/hash.h"

#include <cril/corpus.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/cril-corpus-XXXXXX";
static char path[256];

/* ---- helpers ---- */

static const char *in_folder(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void save(const char *name, const void *data, size_t n)
{
    FILE *f = fopen(in_folder(name), "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void save_text(const char *name, const char *text)
{
    save(name, text, strlen(text));
}

static void sha256_of(const void *data, size_t n, char hex[65])
{
    struct cril_sha256 *h;

    assert_int_equal(cril_sha256_create(&h, NULL), CRIL_OK);
    assert_int_equal(cril_sha256_update(h, data, n, NULL), CRIL_OK);
    assert_int_equal(cril_sha256_final(h, hex, NULL), CRIL_OK);
    cril_sha256_free(h);
}

static cril_corpus *opened(const char *name, const cril_corpus_options *o)
{
    cril_corpus *c = NULL;
    cril_error err = {0};

    if (cril_corpus_open(in_folder(name), o, &c, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return c;
}

/* The next document is this text on this line; text NULL: there is none. */
static void next_is(cril_corpus *c, const char *text, size_t len, uint64_t line)
{
    cril_document doc;
    cril_error err = {0};

    if (cril_corpus_next(c, &doc, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    if (!text) {
        assert_null(doc.text);
        return;
    }
    assert_non_null(doc.text);
    assert_int_equal(doc.len_bytes, len);
    assert_memory_equal(doc.text, text, len);
    assert_int_equal(doc.line, line);
}

static void next_text(cril_corpus *c, const char *text, uint64_t line)
{
    next_is(c, text, text ? strlen(text) : 0, line);
}

static void has_words(const char *message, const char *words)
{
    if (!strstr(message, words))
        fail_msg("'%s' lacks '%s'", message, words);
}

/* Opening or reading to the end fails so. */
static void fails(const char *name, const cril_corpus_options *o, cril_status status,
                  const char *words)
{
    cril_corpus *c = NULL;
    cril_document doc;
    cril_error err = {0};
    cril_status st = cril_corpus_open(in_folder(name), o, &c, &err);

    if (st == CRIL_OK) {
        do
            st = cril_corpus_next(c, &doc, &err);
        while (st == CRIL_OK && doc.text);
        if (st != CRIL_OK) {
            assert_null(doc.text);
            assert_int_equal(cril_corpus_next(c, &doc, NULL), st); /* and stays so */
        }
    } else {
        assert_null(c);
        assert_int_equal(cril_corpus_open(in_folder(name), o, &c, NULL), st);
    }
    cril_corpus_close(c);
    if (st != status)
        fail_msg("status %s: %s", cril_status_name(st), err.message);
    has_words(err.message, words);
    has_words(err.message, name);
    assert_null(strchr(err.message, '\n'));
}

static cril_corpus_stats stats_of(const cril_corpus *c)
{
    cril_corpus_stats s;

    cril_corpus_stats_get(c, &s);
    return s;
}

/* ---- formats and compressions ---- */

static const char lines[] = "{\"content\": \"one\", \"n\": 1}\n{\"content\": \"tw\\u00f6\"}\n"
                            "{\"content\": \"\"}\n{\"content\": \"three\"}";
static const char table[] = "n,content\r\n1,one\r\n2,tw\xc3\xb6\r\n3,\r\n4,three";
static const char prose[] = "one\ntwo\n";

static void read_sample(const char *name, const char *format, const struct bytes *stored)
{
    const cril_corpus_options o = {.format = format};
    cril_corpus *c = opened(name, &o);
    const bool text = strstr(name, "txt"), csv = strstr(name, "csv");
    char hex[65], want[65];

    assert_int_equal(stats_of(c).bytes_total, stored->n);
    if (text) {
        next_text(c, prose, 0);
    } else {
        next_text(c, "one", 1 + csv);
        next_text(c, "tw\xc3\xb6", 2 + csv);
        next_text(c, "three", 4 + csv);
    }
    next_text(c, NULL, 0);
    next_text(c, NULL, 0);
    assert_int_equal(stats_of(c).documents, text ? 1 : 3);
    assert_int_equal(stats_of(c).empty, text ? 0 : 1);
    assert_int_equal(stats_of(c).bad_lines, 0);
    assert_string_equal(stats_of(c).first_bad, "");
    assert_int_equal(stats_of(c).bytes_read, stored->n);
    sha256_of(stored->data, stored->n, want);
    assert_int_equal(cril_corpus_sha256(c, hex, NULL), CRIL_OK);
    assert_string_equal(hex, want);
    assert_int_equal(cril_corpus_sha256(c, hex, NULL), CRIL_OK);
    assert_string_equal(hex, want);
    cril_corpus_close(c);
}

/* Whole, and in three members cut inside lines, one of them empty; named after its kind, or not at
 * all. */
static void every_format_and_compression(void **state)
{
    static const struct {
        const char *format, *name, *data;
        size_t n;
    } kinds[] = {
        {"jsonl", "a.jsonl", lines, sizeof(lines) - 1},
        {"jsonl", "b.json", lines, sizeof(lines) - 1},
        {"jsonl", "c.NDJSON", lines, sizeof(lines) - 1},
        {"csv", "d.csv", table, sizeof(table) - 1},
        {"text", "e.txt", prose, sizeof(prose) - 1},
    };

    (void)state;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
        for (enum packing p = PLAIN; p < N_PACKINGS; p++)
            for (unsigned pieces = 1; pieces <= 2; pieces++) {
                struct bytes b = {0};
                char name[64];
                const size_t cut = pieces == 1 ? kinds[k].n : 5;

                pack(&b, p, kinds[k].data, cut);
                if (pieces == 2) {
                    pack(&b, p, "", 0);
                    pack(&b, p, kinds[k].data + cut, kinds[k].n - cut);
                }
                snprintf(name, sizeof(name), "%s%s", kinds[k].name, packing_suffix[p]);
                save(name, b.data, b.n);
                read_sample(name, NULL, &b);
                snprintf(name, sizeof(name), "%s.%s.bin", kinds[k].format, k == 4 ? "txt" : "");
                save(name, b.data, b.n);
                read_sample(name, kinds[k].format, &b);
                free(b.data);
            }
}

static void padding_and_skippable_frames(void **state)
{
    static const uint8_t skippable[] = {0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'};
    struct bytes b = {0};

    (void)state;
    pack(&b, GZIP, lines, sizeof(lines) - 1);
    add_bytes(&b, "\0\0\0", 3);
    save("pad.jsonl.gz", b.data, b.n);
    read_sample("pad.jsonl.gz", NULL, &b);
    b.n = 0;
    pack(&b, XZ, lines, 7);
    add_bytes(&b, "\0\0\0\0", 4);
    pack(&b, XZ, lines + 7, sizeof(lines) - 8);
    add_bytes(&b, "\0\0\0\0\0\0\0\0", 8);
    save("pad.jsonl.xz", b.data, b.n);
    read_sample("pad.jsonl.xz", NULL, &b);
    add_bytes(&b, "\0\0\0", 3);
    save("pad.jsonl.xz", b.data, b.n);
    fails("pad.jsonl.xz", NULL, CRIL_ERR_FORMAT, "padding");
    b.n = 0;
    add_bytes(&b, skippable, sizeof(skippable));
    pack(&b, ZSTD, lines, 7);
    add_bytes(&b, skippable, sizeof(skippable));
    pack(&b, ZSTD, lines + 7, sizeof(lines) - 8);
    save("skip.jsonl.zst", b.data, b.n);
    read_sample("skip.jsonl.zst", NULL, &b);
    free(b.data);
}

static void something_behind(void **state)
{
    static const char *const behind[] = {"x", "{\"content\": \"four\"}\n", "\0x", "BZ", "\x1f\x8b"};

    (void)state;
    for (enum packing p = GZIP; p < N_PACKINGS; p++)
        for (size_t i = 0; i < sizeof(behind) / sizeof(*behind); i++) {
            struct bytes b = {0};
            char name[64], at[64];

            pack(&b, p, lines, sizeof(lines) - 1);
            snprintf(at, sizeof(at), "follows at byte %zu", b.n + (i == 2 && p == GZIP));
            add_bytes(&b, behind[i], i == 2 ? 2 : strlen(behind[i]));
            snprintf(name, sizeof(name), "behind.jsonl%s", packing_suffix[p]);
            save(name, b.data, b.n);
            fails(name, NULL, CRIL_ERR_FORMAT, i == 2 && p == XZ ? "padding" : at);
            free(b.data);
        }
}

static void cut_everywhere(void **state)
{
    (void)state;
    for (enum packing p = GZIP; p < N_PACKINGS; p++) {
        struct bytes b = {0};
        char name[64];
        size_t first;

        pack(&b, p, prose, sizeof(prose) - 1);
        first = b.n;
        pack(&b, p, prose, sizeof(prose) - 1);
        snprintf(name, sizeof(name), "cut.txt%s", packing_suffix[p]);
        for (size_t n = 0; n < b.n; n++) {
            cril_corpus *c = NULL;
            cril_document doc = {0};
            cril_error err = {0};
            cril_status st;

            save(name, b.data, n);
            if ((st = cril_corpus_open(path, NULL, &c, &err)) == CRIL_OK)
                st = cril_corpus_next(c, &doc, &err);
            if (c && n % 7 == 0) { /* what is left is read for the hash, also after an error */
                char hex[65];

                assert_int_equal(cril_corpus_sha256(c, hex, &err), CRIL_OK);
                assert_int_equal(stats_of(c).bytes_read, n);
            }
            cril_corpus_close(c);
            if (n == first)
                assert_int_equal(st, CRIL_OK);
            else if (n < first ||
                     n > first + 10) /* a few bytes of a second header are something behind */
                assert_int_equal(st, CRIL_ERR_TRUNCATED);
            else
                assert_true(st == CRIL_ERR_TRUNCATED || st == CRIL_ERR_FORMAT);
        }
        free(b.data);
    }
}

/* Every bit: an error, or the text as it was (a byte of a header that says nothing), never another
 * text. */
static void changed_everywhere(void **state)
{
    (void)state;
    for (enum packing p = GZIP; p < N_PACKINGS; p++) {
        const cril_corpus_options o = {.format = "text"};
        struct bytes b = {0};
        size_t errors = 0;

        pack(&b, p, prose, sizeof(prose) - 1);
        for (size_t bit = 0; bit < 8 * b.n; bit++) {
            cril_corpus *c = NULL;
            cril_document doc = {0};
            cril_error err = {0};
            cril_status st;
            char name[64];

            b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            snprintf(name, sizeof(name), "changed.txt%s", packing_suffix[p]);
            save(name, b.data, b.n);
            b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if ((st = cril_corpus_open(path, &o, &c, &err)) == CRIL_OK)
                st = cril_corpus_next(c, &doc, &err);
            if (st == CRIL_OK) {
                assert_int_equal(doc.len_bytes, sizeof(prose) - 1);
                assert_memory_equal(doc.text, prose, sizeof(prose) - 1);
            } else {
                errors++;
                has_words(err.message, "changed.txt");
            }
            cril_corpus_close(c);
        }
        assert_true(errors > 4 * b.n);
        free(b.data);
    }
}

static void too_much_memory(void **state)
{
    static const uint8_t wide[] = {0x28, 0xb5, 0x2f, 0xfd, 0,
                                   0xf8, 1,    0,    0}; /* a window of 2^41 bytes */
    struct bytes b = {0};
    size_t size, i;
    uint32_t crc;

    (void)state;
    save("wide.txt.zst", wide, sizeof(wide));
    fails("wide.txt.zst", NULL, CRIL_ERR_UNSUPPORTED, "window of more than 2 GiB");
    pack(&b, XZ, prose, sizeof(prose) - 1); /* the block header asks for the largest dictionary */
    size = (b.data[12] + 1u) * 4;
    for (i = 14; i + 2 < 12 + size && !(b.data[i] == 0x21 && b.data[i + 1] == 1); i++)
        ;
    b.data[i + 2] = 40;
    crc = lzma_crc32(b.data + 12, size - 4, 0);
    for (unsigned k = 0; k < 4; k++)
        b.data[12 + size - 4 + k] = (uint8_t)(crc >> 8 * k);
    save("wide.txt.xz", b.data, b.n);
    fails("wide.txt.xz", NULL, CRIL_ERR_UNSUPPORTED, "more than 1 GiB");
    free(b.data);
}

static void refused_kinds(void **state)
{
    static const struct {
        const char *name, *data, *words;
        size_t n;
    } kinds[] = {
        {"x.parquet", "PAR1", "read_parquet", 4},
        {"x", "PAR1\x15\x04", "read_parquet", 6},
        {"x.zip", "PK\x03\x04", "unzip", 4},
        {"x.jsonl", "PK\x03\x04", "unzip", 4},
        {"x.br", "anything", "brotli -d", 8},
        {"model.bin", "GGUF\x03", "-m", 5},
        {"x.csv",
         "\xff\xfe"
         "a\0",
         "iconv", 4},
        {"x.jsonl.gz", "{\"content\": \"a\"}\n", "without .gz", 17},
    };
    char tar[512] = "a.txt";
    struct bytes b = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        save(kinds[i].name, kinds[i].data, kinds[i].n);
        fails(kinds[i].name, NULL, i == 7 ? CRIL_ERR_FORMAT : CRIL_ERR_UNSUPPORTED, kinds[i].words);
    }
    memcpy(tar + 257, "ustar", 5);
    pack(&b, GZIP, tar, sizeof(tar));
    save("x.tgz", b.data, b.n);
    fails("x.tgz", NULL, CRIL_ERR_UNSUPPORTED, "tar -xf");
    free(b.data);
    save_text("par.txt", "PAR1 is a variable\n");
    cril_corpus *c = opened("par.txt", NULL);
    next_text(c, "PAR1 is a variable\n", 0);
    cril_corpus_close(c);
}

/* ---- JSON Lines ---- */

static void good_json(void **state)
{
    static const struct {
        const char *line, *text;
        size_t n; /* 0: strlen */
    } rows[] = {
        {"{\"content\":\"a\"}", "a", 0},
        {" \t{ \"x\" : [ ] , \"content\" : \"a\" , \"y\" : { } } \r", "a", 0},
        {"{\"content\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t", 0},
        {"{\"content\":\"a\\u0000b\"}", "a\0b", 3},
        {"{\"content\":\"\\u0000\"}", "\0", 1},
        {"{\"content\":\"\\u00e9\\u20AC\\ud83d\\ude00\"}", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
         0},
        {"{\"content\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"}",
         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f", 0},
        {"{\"content\":\"\\ud800\"}", "\xef\xbf\xbd", 0},
        {"{\"content\":\"\\ud800\\u0041\"}",
         "\xef\xbf\xbd"
         "A",
         0},
        {"{\"content\":\"\\ud800\\n\"}", "\xef\xbf\xbd\n", 0},
        {"{\"content\":\"\\ude00\\ud83d\"}", "\xef\xbf\xbd\xef\xbf\xbd", 0},
        {"{\"content\":\"\\ud800\\ud83d\\ude00\"}", "\xef\xbf\xbd\xf0\x9f\x98\x80", 0},
        {"{\"content\":\"a\",\"content\":\"b\"}", "b", 0},
        {"{\"content\":1,\"content\":\"b\"}", "b", 0},
        {"{\"con\\u0074ent\":\"a\"}", "a", 0},
        {"{\"meta\":{\"content\":\"no\"},\"content\":\"a\"}", "a", 0},
        {"{\"n\":[0,-0,1.5,1e5,1E-5,1e+999,123456789012345678901234567890,NaN,Infinity,-Infinity,"
         "true,false,null],"
         "\"content\":\"a\"}",
         "a", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        cril_corpus *c;

        save_text("good.jsonl", rows[i].line);
        c = opened("good.jsonl", NULL);
        next_is(c, rows[i].text, rows[i].n ? rows[i].n : strlen(rows[i].text), 1);
        next_text(c, NULL, 0);
        assert_int_equal(stats_of(c).bad_lines, 0);
        cril_corpus_close(c);
    }
}

static void bad_json(void **state)
{
    static const struct {
        const char *line, *words;
    } rows[] = {
        {"[{\"content\":\"a\"}]", "jq -c '.[]'"},
        {"\"a\"", "{ is expected"},
        {"{", "byte 2: the line ends inside"},
        {"{\"content\":\"a\"", "the line ends inside"},
        {"{\"content\":\"a", "the line ends inside"},
        {"{\"content\":\"a\\", "the line ends inside"},
        {"{\"content\":\"a\"} x", "byte 17: something follows"},
        {"{\"content\":\"a\"}{}", "something follows"},
        {"{\"content\":\"a\",}", "a quote is expected"},
        {"{\"content\" \"a\"}", "colon"},
        {"{content:\"a\"}", "a quote is expected"},
        {"{\"content\":\"a\" \"b\":1}", "comma or }"},
        {"{\"content\":\"a\",\"b\":[1 2]}", "comma or ]"},
        {"{\"content\":\"a\",\"b\":[1,]}", "a value is expected"},
        {"{\"content\":\"a\",\"b\":01}", "comma"},
        {"{\"content\":\"a\",\"b\":1.}", "digit"},
        {"{\"content\":\"a\",\"b\":-}", "digit"},
        {"{\"content\":\"a\",\"b\":1e}", "digit"},
        {"{\"content\":\"a\",\"b\":tru}", "a value is expected"},
        {"{\"content\":\"a\\x\"}", "backslash"},
        {"{\"content\":\"a\\u12g4\"}", "hexadecimal"},
        {"{\"content\":\"a\tb\"}", "control character"},
        {"{\"content\":\"a\xff\"}", "byte 14: bytes that are not UTF-8"},
        {"{\"content\":\"\xed\xa0\x80\"}", "not UTF-8"},
        {"{\"content\":\"a\",\"b\":\"\xc3\"}", "not UTF-8"},
        {"{\"content\":null}", "\"content\" is null"},
        {"{\"content\":3}", "\"content\" is a number"},
        {"{\"content\":true}", "\"content\" is true or false"},
        {"{\"content\":[\"a\"]}", "\"content\" is a list"},
        {"{\"content\":{}}", "\"content\" is an object"},
        {"{\"content\":\"a\",\"content\":0}", "\"content\" is a number"},
        {"{\"text\":\"a\",\"meta\":{}}",
         "line 1 has no \"content\" field (it has: text, meta); name the field"},
        {"{}", "it has: nothing"},
    };
    const cril_corpus_options strict = {.strict = true};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        cril_corpus *c;

        save_text("bad.jsonl", rows[i].line);
        fails("bad.jsonl", &strict, CRIL_ERR_FORMAT, rows[i].words);
        c = opened("bad.jsonl", NULL);
        next_text(c, NULL, 0);
        assert_int_equal(stats_of(c).bad_lines, 1);
        has_words(stats_of(c).first_bad, rows[i].words);
        has_words(stats_of(c).first_bad, path);
        cril_corpus_close(c);
    }
    save("bad.jsonl", "{\"content\":\"a\0b\"}", 17);
    fails("bad.jsonl", &strict, CRIL_ERR_FORMAT, "control character");
    save("bad.jsonl", "{\"content\":\"a\"}\0", 16);
    fails("bad.jsonl", &strict, CRIL_ERR_FORMAT, "something follows");
}

static void deep_json(void **state)
{
    const cril_corpus_options strict = {.strict = true};
    struct bytes b = {0};
    cril_corpus *c;

    (void)state;
    for (unsigned depth = 999; depth <= 1000; depth++) {
        b.n = 0;
        add_bytes(&b, "{\"content\":\"a\",\"b\":", 19);
        for (unsigned i = 1; i < depth; i++)
            add_bytes(&b, "[", 1);
        for (unsigned i = 1; i < depth; i++)
            add_bytes(&b, "]", 1);
        add_bytes(&b, "}", 1);
        save("deep.jsonl", b.data, b.n);
        if (depth == 1000)
            fails("deep.jsonl", &strict, CRIL_ERR_FORMAT, "deep");
        else {
            c = opened("deep.jsonl", &strict);
            next_text(c, "a", 1);
            cril_corpus_close(c);
        }
    }
    b.n = 0;
    add_bytes(&b, "{\"content\":", 11);
    for (unsigned i = 0; i < 1000000; i++)
        add_bytes(&b, "[", 1);
    save("deep.jsonl", b.data, b.n);
    fails("deep.jsonl", &strict, CRIL_ERR_FORMAT, "deep");
    free(b.data);
}

static void json_lines(void **state)
{
    static const char text[] =
        "\xef\xbb\xbf{\"body\":\"a\"}\r\n\n  \t\r\nnonsense\n{\"body\":\"b\"}\n{\"text\":1}\n"
        "{\"body\":\"\"}\n\n{\"body\":\"c\"}";
    const cril_corpus_options o = {.field = "body"};
    const cril_corpus_options strict = {.field = "body", .strict = true};
    cril_corpus *c;
    cril_document doc;
    char many[2000] = "{";

    (void)state;
    save_text("lines.jsonl", text);
    c = opened("lines.jsonl", &o);
    next_text(c, "a", 1);
    assert_int_equal(stats_of(c).documents, 1);
    next_text(c, "b", 5);
    assert_int_equal(cril_corpus_next(c, &doc, NULL), CRIL_OK);
    assert_int_equal(doc.index, 2);
    assert_int_equal(doc.line, 9);
    assert_string_equal(doc.file, path);
    next_text(c, NULL, 0);
    assert_int_equal(stats_of(c).bad_lines, 2);
    assert_int_equal(stats_of(c).empty, 1);
    has_words(stats_of(c).first_bad, "lines.jsonl: line 4 is not");
    cril_corpus_close(c);
    fails("lines.jsonl", &strict, CRIL_ERR_FORMAT, "line 4 is not");

    for (unsigned i = 0; i < 40; i++)
        snprintf(many + strlen(many), sizeof(many) - strlen(many),
                 "\"k%u\xc3\xa9\xc3\xa9 much too long a name to be shown\":1%c", i,
                 i < 39 ? ',' : '}');
    save_text("many.jsonl", many);
    c = opened("many.jsonl", NULL);
    next_text(c, NULL, 0);
    has_words(stats_of(c).first_bad,
              "(it has: k0\xc3\xa9\xc3\xa9 much too long a name to be shown, k1");
    has_words(stats_of(c).first_bad, ", ...); name the field");
    cril_corpus_close(c);
    save_text("empty.jsonl", "");
    c = opened("empty.jsonl", NULL);
    next_text(c, NULL, 0);
    cril_corpus_close(c);
}

/* A text of every length around the sizes of the buffers, with an escape and a character that
 * straddle them. */
static void across_buffers(void **state)
{
    static const size_t sizes[] = {4096, 1 << 16, 1 << 17, 3 << 17};

    (void)state;
    for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++)
        for (size_t n = sizes[k] - 24; n<sizes[k] + 4; n += k> 0 ? 2u : 1u) {
            const enum packing p = (enum packing)(n % N_PACKINGS);
            struct bytes text = {0}, line = {0}, packed = {0};
            char name[64];
            cril_corpus *c;

            for (size_t i = 0; i < n; i++)
                add_bytes(&line, i % 61 ? "a" : " ", 1);
            add_bytes(&text, line.data, n);
            add_bytes(&text, "\n\xe2\x82\xac", 4);
            memmove(line.data, "{\"content\":\"", 12);
            memmove(text.data, text.data + 12, text.n - 12);
            text.n -= 12;
            add_bytes(&line, "\\n\xe2\x82\xac\"}\r\n{\"content\":\"last\"}\n", 29);
            pack(&packed, p, line.data, line.n);
            snprintf(name, sizeof(name), "big.jsonl%s", packing_suffix[p]);
            save(name, packed.data, packed.n);
            c = opened(name, NULL);
            next_is(c, (char *)text.data, text.n, 1);
            next_text(c, "last", 2);
            next_text(c, NULL, 0);
            cril_corpus_close(c);
            free(text.data);
            free(line.data);
            free(packed.data);
        }
}

static void longest(void **state)
{
    static const char *const names[] = {"long.jsonl", "long.csv", "long.txt"};
    char text[400];

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        for (size_t n = 100; n <= 101; n++) {
            static const char *const forms[] = {"\n{\"content\":\"%s\"}\n", "content,n\n%s,1\n",
                                                "%s"};
            char fill[102] = "";
            cril_corpus *c;
            cril_document doc;
            cril_error err = {0};

            memset(fill, 'a', n - (i == 0 ? 14 : 0));
            snprintf(text, sizeof(text), i == 0 ? forms[0] : i == 1 ? forms[1] : forms[2], fill);
            save_text(names[i], text);
            c = opened(names[i], NULL);
            cril_corpus_set_max(c, 100);
            if (n == 100) {
                next_text(c, fill, i == 2 ? 0 : 2);
                next_text(c, NULL, 0);
            } else {
                assert_int_equal(cril_corpus_next(c, &doc, &err), CRIL_ERR_UNSUPPORTED);
                has_words(err.message, i == 2 ? "line 1 is longer than 100 bytes"
                                              : "line 2 is longer than 100 bytes");
            }
            cril_corpus_close(c);
        }
}

/* ---- CSV ---- */

static void csv(void **state)
{
    static const char text[] = "\xef\xbb\xbfid,\"content\",\"me\"\"ta\"\r\n"
                               "1,plain,x\n"
                               "2,\"a, \"\"b\"\"\r\nc\n\nd\",\"x\ny\"\r\n" /* lines 3 to 6, and 7 */
                               "\r\n"
                               "3,a \"b\" c,\"\"\r"
                               "4,\"\",x\n"
                               "5,six\n"
                               "6,\"bad\"x, y\n"
                               "7,\xff,x\n"
                               "8,a,b,c\n"
                               "9, last ,";
    cril_corpus *c;

    (void)state;
    save_text("t.csv", text);
    c = opened("t.csv", NULL);
    next_text(c, "plain", 2);
    next_text(c, "a, \"b\"\r\nc\n\nd", 3);
    next_text(c, "a \"b\" c", 9);
    next_text(c, "\xff", 13);
    next_text(c, " last ", 15);
    next_text(c, NULL, 0);
    assert_int_equal(stats_of(c).empty, 1);
    assert_int_equal(stats_of(c).bad_lines, 3);
    has_words(stats_of(c).first_bad, "t.csv: line 11 has 2 fields, but the header has 3");
    cril_corpus_close(c);
}

static void csv_faults(void **state)
{
    static const struct {
        const char *text, *words;
        bool always; /* not only when strict */
    } rows[] = {
        {"id,text\n1,a\n", "has no \"content\" column (it has: id, text); name the column", true},
        {"\n\nid\n", "(it has: id)", true},
        {"content,content\n", "2 columns named", true},
        {"content,\"a\n", "opens on line 1 is not closed", true},
        {"content\n\n\"a\nb\nc\n", "line 3: the quoted field that opens on line 3 is not closed",
         false},
        {"a,content\n\"x\ny\",\"open",
         "line 2: the quoted field that opens on line 3 is not closed", false},
        {"content\n\"a\" \n", "line 2: neither a comma", false},
        {"content\n\"a\" ", "line 2: neither a comma", false},
        {"content\na,b", "line 2 has 2 fields, but the header has 1", false},
    };
    const cril_corpus_options strict = {.strict = true};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        save_text("f.csv", rows[i].text);
        fails("f.csv", &strict, CRIL_ERR_FORMAT, rows[i].words);
        if (rows[i].always) {
            fails("f.csv", NULL, CRIL_ERR_FORMAT, rows[i].words);
        } else {
            cril_corpus *c = opened("f.csv", NULL);
            next_text(c, NULL, 0);
            assert_int_equal(stats_of(c).bad_lines, 1);
            has_words(stats_of(c).first_bad, rows[i].words);
            cril_corpus_close(c);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        cril_corpus *c;
        save_text("e.csv", i ? "\r\n\n" : "");
        c = opened("e.csv", NULL);
        next_text(c, NULL, 0);
        cril_corpus_close(c);
    }
}

/* The last column, a record across the blocks of the stream, an unclosed quote in a column that is
 * not kept. */
static void csv_large(void **state)
{
    struct bytes b = {0}, want = {0};
    cril_corpus *c;

    (void)state;
    add_bytes(&b, "x,content\n\"", 11);
    for (unsigned i = 0; i < 200000; i++)
        add_bytes(&b, "ab\"\"\n", 5);
    add_bytes(&b, "\",\"", 3);
    for (unsigned i = 0; i < 100000; i++) {
        add_bytes(&b, "q\"\"\r\n", 5);
        add_bytes(&want, "q\"\r\n", 4);
    }
    add_bytes(&b, "\"\n1,end\n", 8);
    save("large.csv", b.data, b.n);
    c = opened("large.csv", NULL);
    next_is(c, (char *)want.data, want.n, 2);
    next_text(c, "end", 300003);
    next_text(c, NULL, 0);
    cril_corpus_close(c);
    free(b.data);
    free(want.data);
}

/* ---- prompts ---- */

static void next_pair(cril_corpus *c, const char *prompt, const char *text, uint64_t index)
{
    cril_document doc;
    cril_error err = {0};

    if (cril_corpus_next(c, &doc, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_true(doc.text && doc.prompt);
    assert_int_equal(doc.len_bytes, strlen(text));
    assert_memory_equal(doc.text, text, strlen(text));
    assert_int_equal(doc.prompt_bytes, strlen(prompt));
    assert_memory_equal(doc.prompt, prompt, strlen(prompt));
    assert_int_equal(doc.index, index);
}

static const cril_corpus_options paired = {.field = "b", .prompt_field = "a"};

static void prompts(void **state)
{
    cril_corpus *c;
    cril_document doc;

    (void)state;
    save_text("p.jsonl", "{\"a\": \"one\\n\", \"b\": \"tw\\u00f6\"}\n"
                         "{\"b\": \"x\", \"c\": 1, \"a\": \"\"}\n"
                         "{\"a\": \"dropped\", \"b\": \"\"}\n"
                         "{\"a\": \"no\", \"b\": \"last\", \"a\": \"yes\"}\n");
    c = opened("p.jsonl", &paired);
    assert_string_equal(stats_of(c).prompt_field, "a");
    next_pair(c, "one\n", "tw\xc3\xb6", 0);
    next_pair(c, "", "x", 1);
    next_pair(c, "yes", "last", 2);
    next_text(c, NULL, 0);
    assert_true(stats_of(c).empty == 1 && stats_of(c).bad_lines == 0);
    cril_corpus_close(c);

    save_text("p.csv", "x,b,y,a\r\n1,\"t,\"\"w\"\"\nz\",2,prompt\r\n,,,\n1,u,2,\n1,v,2,\"q\"");
    c = opened("p.csv", &paired);
    next_pair(c, "prompt", "t,\"w\"\nz", 0);
    next_pair(c, "", "u", 1);
    next_pair(c, "q", "v", 2);
    next_text(c, NULL, 0);
    assert_int_equal(stats_of(c).empty, 1);
    cril_corpus_close(c);

    c = opened("p.csv", &(cril_corpus_options){.field = "a", .prompt_field = "x"});
    next_pair(c, "1", "prompt", 0);
    cril_corpus_close(c);

    c = opened("p.csv", &(cril_corpus_options){.field = "a"});
    assert_null(stats_of(c).prompt_field);
    assert_int_equal(cril_corpus_next(c, &doc, NULL), CRIL_OK);
    assert_true(!doc.prompt && !doc.prompt_bytes);
    cril_corpus_close(c);
}

static void prompt_faults(void **state)
{
    static const struct {
        const char *line, *words;
    } rows[] = {
        {"{\"b\": \"x\"}", "line 1 has no \"a\" field (it has: b); name the field that holds the "
                           "prompt with --prompt-field"},
        {"{\"a\": \"x\"}", "line 1 has no \"b\" field (it has: a); name the field that holds the "
                           "text with --field"},
        {"{\"a\": null, \"b\": \"x\"}", "\"a\" is null, not a text"},
        {"{\"a\": \"x\", \"b\": []}", "\"b\" is a list, not a text"},
        {"{\"a\": \"x\", \"b\": \"y\", \"a\": 1}", "\"a\" is a number, not a text"},
    };
    cril_corpus_options strict = paired;

    (void)state;
    strict.strict = true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        cril_corpus *c;

        save_text("q.jsonl", rows[i].line);
        fails("q.jsonl", &strict, CRIL_ERR_FORMAT, rows[i].words);
        c = opened("q.jsonl", &paired);
        next_text(c, NULL, 0);
        assert_int_equal(stats_of(c).bad_lines, 1);
        has_words(stats_of(c).first_bad, rows[i].words);
        cril_corpus_close(c);
    }
    save_text("q.csv", "b,c\nx,y\n");
    fails("q.csv", &paired, CRIL_ERR_FORMAT,
          "has no \"a\" column (it has: b, c); name the column that holds the prompt with "
          "--prompt-field");
    save_text("q.csv", "a,b,a\nx,y,z\n");
    fails("q.csv", &paired, CRIL_ERR_FORMAT, "2 columns named \"a\"");
    save_text("q.txt", "x");
    fails("q.txt", &paired, CRIL_ERR_UNSUPPORTED, "is plain text, which has no field \"a\"");
    fails("q.csv", &(cril_corpus_options){.prompt_field = "content"}, CRIL_ERR_RANGE,
          "one field, \"content\", cannot hold both");
}

/* ---- dates ---- */

/* date NULL: the document has none. */
static void next_date(cril_corpus *c, const char *text, const char *date)
{
    cril_document doc;
    cril_error err = {0};

    if (cril_corpus_next(c, &doc, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(doc.len_bytes, strlen(text));
    assert_memory_equal(doc.text, text, strlen(text));
    if (!date) {
        assert_null(doc.date);
        return;
    }
    assert_int_equal(doc.date_bytes, strlen(date));
    assert_memory_equal(doc.date, date, strlen(date));
}

static void dates(void **state)
{
    const cril_corpus_options dated = {.date_field = "day"}, same = {.date_field = "content"};
    cril_corpus *c;

    (void)state;
    save_text("d.jsonl", "{\"day\": \"2026-\\u0030\\u0031-31\", \"content\": \"a\\nb\"}\n"
                         "{\"content\": \"c\"}\n"
                         "{\"content\": \"d\", \"day\": 2026}\n"
                         "{\"content\": \"e\", \"day\": \"x\", \"day\": \"\"}\n");
    c = opened("d.jsonl", &dated);
    next_date(c, "a\nb", "2026-01-31");
    next_date(c, "c", NULL);
    next_date(c, "d", NULL);
    next_date(c, "e", "");
    next_text(c, NULL, 0);
    assert_int_equal(stats_of(c).bad_lines, 0);
    cril_corpus_close(c);
    c = opened("d.jsonl", &same);
    next_date(c, "a\nb", "a\nb");
    cril_corpus_close(c);
    c = opened("d.jsonl", NULL);
    next_date(c, "a\nb", NULL);
    cril_corpus_close(c);

    save_text("d.csv", "day,x,content\n2026-02-01,1,\"a,b\"\n,2,c\n");
    c = opened("d.csv", &dated);
    next_date(c, "a,b", "2026-02-01");
    next_date(c, "c", "");
    next_text(c, NULL, 0);
    cril_corpus_close(c);
    save_text("e.csv", "content\nf\n");
    c = opened("e.csv", &dated);
    next_date(c, "f", NULL);
    cril_corpus_close(c);
    save_text("f.csv", "day,content,day\n1,f,2\n");
    fails("f.csv", &dated, CRIL_ERR_FORMAT, "2 columns named \"day\"");

    /* a file's last date is not that of a text that follows it in a folder */
    assert_int_equal(mkdir(in_folder("dated"), 0700), 0);
    save_text("dated/1.jsonl", "{\"content\": \"g\", \"day\": \"2026-03-01\"}");
    save_text("dated/2.txt", "h");
    c = opened("dated", &dated);
    next_date(c, "g", "2026-03-01");
    next_date(c, "h", NULL);
    cril_corpus_close(c);
}

/* A document that its reader cannot use is a bad line, its index is not given again. */
static void rejected(void **state)
{
    const cril_corpus_options two = {.limit = 2}, strict = {.strict = true};
    const cril_error why = {CRIL_ERR_FORMAT, "rejected.jsonl: it is not wanted"};
    cril_document doc;
    cril_error err;
    cril_corpus *c;

    (void)state;
    save_text("rejected.jsonl",
              "{\"content\": \"a\"}\n{\"content\": \"b\"}\n{\"content\": \"c\"}\n");
    c = opened("rejected.jsonl", &two);
    next_text(c, "a", 1);
    assert_int_equal(cril_corpus_reject(c, &why, &err), CRIL_OK);
    assert_true(stats_of(c).documents == 0 && stats_of(c).bad_lines == 1);
    assert_string_equal(stats_of(c).first_bad, why.message);
    assert_int_equal(cril_corpus_next(c, &doc, NULL), CRIL_OK);
    assert_int_equal(doc.index, 1);
    next_text(c, NULL, 0); /* the limit counts what was rejected */
    assert_int_equal(stats_of(c).documents, 1);
    cril_corpus_close(c);
    c = opened("rejected.jsonl", &strict);
    next_text(c, "a", 1);
    assert_int_equal(cril_corpus_reject(c, &why, &err), CRIL_ERR_FORMAT);
    assert_string_equal(err.message, why.message);
    assert_int_equal(cril_corpus_next(c, &doc, &err), CRIL_ERR_FORMAT);
    assert_string_equal(err.message, why.message);
    cril_corpus_close(c);
}

/* ---- text, names, limits ---- */

static void text(void **state)
{
    cril_corpus *c;

    (void)state;
    save("t",
         "\xef\xbb\xbf"
         "a\0\xff\n",
         7);
    c = opened("t", NULL);
    next_is(c,
            "\xef\xbb\xbf"
            "a\0\xff\n",
            7, 0);
    next_text(c, NULL, 0);
    cril_corpus_close(c);
    save_text("t.md", "");
    c = opened("t.md", NULL);
    next_text(c, NULL, 0);
    assert_int_equal(stats_of(c).empty, 1);
    cril_corpus_close(c);
    save_text("t.md", "BZh9 is how bzip2 begins");
    c = opened("t.md", NULL);
    next_text(c, "BZh9 is how bzip2 begins", 0);
    cril_corpus_close(c);
}

static void limits(void **state)
{
    struct bytes b = {0};
    char hex[65], want[65];
    cril_corpus *c;

    (void)state;
    add_bytes(&b, "{\"content\":\"\"}\nx\n", 17);
    for (unsigned i = 0; i < 40000; i++)
        add_bytes(&b, "{\"content\":\"abc\"}\n", 18);
    save("limit.jsonl", b.data, b.n);
    sha256_of(b.data, b.n, want);
    for (uint64_t limit = 0; limit <= 3; limit++) {
        const cril_corpus_options o = {.limit = limit};
        const uint64_t n = limit ? limit : 40000;

        c = opened("limit.jsonl", &o);
        for (uint64_t i = 0; i < n; i++)
            next_text(c, "abc", i + 3);
        next_text(c, NULL, 0);
        assert_int_equal(stats_of(c).documents, n);
        if (limit)
            assert_true(stats_of(c).bytes_read < b.n);
        assert_int_equal(cril_corpus_sha256(c, hex, NULL), CRIL_OK);
        assert_string_equal(hex, want);
        assert_int_equal(stats_of(c).bytes_read, b.n);
        cril_corpus_close(c);
    }
    c = opened("limit.jsonl", NULL); /* hashed early: there is nothing more */
    next_text(c, "abc", 3);
    assert_int_equal(cril_corpus_sha256(c, hex, NULL), CRIL_OK);
    assert_string_equal(hex, want);
    next_text(c, NULL, 0);
    cril_corpus_close(c);
    b.n = 0; /* damaged: the hash is still that of the file */
    pack(&b, GZIP, lines, sizeof(lines) - 1);
    b.data[b.n - 6] ^= 1;
    save("broken.jsonl.gz", b.data, b.n);
    sha256_of(b.data, b.n, want);
    fails("broken.jsonl.gz", NULL, CRIL_ERR_FORMAT, "gzip data is damaged near byte");
    c = opened("broken.jsonl.gz", NULL);
    cril_document doc;
    while (cril_corpus_next(c, &doc, NULL) == CRIL_OK)
        assert_non_null(doc.text);
    assert_int_equal(cril_corpus_sha256(c, hex, NULL), CRIL_OK);
    assert_string_equal(hex, want);
    cril_corpus_close(c);
    free(b.data);
}

static void options(void **state)
{
    const cril_corpus_options o = {.format = "parquet"};

    (void)state;
    save_text("o.jsonl", lines);
    cril_corpus *c = NULL;
    cril_error err = {0};
    assert_int_equal(cril_corpus_open(in_folder("o.jsonl"), &o, &c, &err), CRIL_ERR_RANGE);
    has_words(err.message, "'parquet' is not a format");
    assert_null(c);
    cril_corpus_close(NULL);
    fails("none.jsonl", NULL, CRIL_ERR_IO, "No such file");
}

/* ---- folders ---- */

static void make_dir(const char *name)
{
    assert_int_equal(mkdir(in_folder(name), 0700), 0);
}

static void link_to(const char *target, const char *name)
{
    assert_int_equal(symlink(target, in_folder(name)), 0);
}

/* Files in order, formats and compressions mixed; links to a file and to folders, up and across. */
static void folders(void **state)
{
    static const char *const files[] = {"C.txt",   "a.txt",  "a/b.csv",   "a/c.jsonl.gz",
                                        "a/l.txt", "z/1.md", "z/2/3.json"}; /* '.' < '/' */
    static const char *const texts[] = {"C", "a", "one", "one", "C", "z", "one"};
    struct bytes b = {0}, list = {0};
    char hex[65], want[65];
    cril_corpus *c;
    uint64_t total = 0;
    unsigned seen = 0;

    (void)state;
    make_dir("d");
    make_dir("d/a");
    make_dir("d/z");
    make_dir("d/z/2");
    make_dir("d/.git");
    save_text("d/C.txt", "C");
    save_text("d/a.txt", "a");
    save_text("d/a/b.csv", table);
    pack(&b, GZIP, lines, sizeof(lines) - 1);
    save("d/a/c.jsonl.gz", b.data, b.n);
    save_text("d/z/1.md", "z");
    save_text("d/z/2/3.json", lines);
    save_text("d/.hidden", "no");
    save_text("d/.git/config", "no");
    link_to("../C.txt", "d/a/l.txt");
    link_to("..", "d/a/up");
    link_to(".", "d/z/self");
    link_to("../a", "d/z/again");
    assert_int_equal(mkfifo(in_folder("d/pipe"), 0600), 0);
    for (unsigned trailing = 0; trailing < 2; trailing++) {
        c = opened(trailing ? "d//" : "d", NULL);
        for (unsigned file = 0; file < 7; seen++) {
            cril_document doc;
            cril_error err;
            char name[128];

            assert_int_equal(cril_corpus_next(c, &doc, &err), CRIL_OK);
            assert_non_null(doc.text);
            snprintf(name, sizeof(name), "%s/%s%s", folder, trailing ? "d//" : "d/", files[file]);
            if (file == 2 || file == 3 || file == 6) {
                assert_string_equal(doc.file, name);
                if (doc.len_bytes == 5)
                    file++;
                continue;
            }
            assert_string_equal(doc.file, name);
            assert_memory_equal(doc.text, texts[file], doc.len_bytes);
            assert_int_equal(doc.index, seen % 13);
            file++;
        }
        next_text(c, NULL, 0);
        assert_int_equal(stats_of(c).documents, 13);
        list.n = 0;
        total = 0;
        for (unsigned i = 0; i < 7; i++) {
            char name[64], data[512];
            FILE *f;
            size_t n;

            snprintf(name, sizeof(name), "d/%s", files[i]);
            f = fopen(in_folder(name), "rb");
            assert_non_null(f);
            n = fread(data, 1, sizeof(data), f);
            fclose(f);
            total += n;
            sha256_of(data, n, hex);
            add_bytes(&list, hex, 64);
            add_bytes(&list, "  ", 2);
            add_bytes(&list, files[i], strlen(files[i]));
            add_bytes(&list, "\n", 1);
        }
        sha256_of(list.data, list.n, want);
        assert_int_equal(cril_corpus_sha256(c, hex, NULL), CRIL_OK);
        assert_string_equal(hex, want);
        assert_int_equal(stats_of(c).bytes_total, total);
        assert_int_equal(stats_of(c).bytes_read, total);
        cril_corpus_close(c);
        const cril_corpus_options o = {
            .limit = 2}; /* the hash takes in the files that were not reached */
        c = opened("d", &o);
        next_text(c, "C", 0);
        next_text(c, "a", 0);
        next_text(c, NULL, 0);
        assert_int_equal(cril_corpus_sha256(c, hex, NULL), CRIL_OK);
        assert_string_equal(hex, want);
        cril_corpus_close(c);
    }
    free(b.data);
    free(list.data);
}

static void folder_faults(void **state)
{
    const cril_corpus_options text = {.format = "text"};

    (void)state;
    make_dir("e");
    fails("e", NULL, CRIL_ERR_EMPTY, "holds no file");
    make_dir("e/sub");
    save_text("e/.hidden", "x");
    fails("e", NULL, CRIL_ERR_EMPTY, "holds no file");
    link_to("nowhere", "e/broken");
    fails("e", NULL, CRIL_ERR_IO, "e/broken");
    assert_int_equal(remove(in_folder("e/broken")), 0);
    save_text("e/a.txt", "a");
    save("e/sub/x.parquet", "PAR1\x15", 5);
    fails("e", NULL, CRIL_ERR_UNSUPPORTED, "e/sub/x.parquet"); /* at once, not after a.txt */
    assert_int_equal(remove(in_folder("e/sub/x.parquet")), 0);
    save_text("e/x.jsonl", "{}");
    cril_corpus *c = opened("e", &text);
    next_text(c, "a", 0);
    next_text(c, "{}", 0);
    next_text(c, NULL, 0);
    cril_corpus_close(c);
}

/* ---- other processes: permissions, standard input ---- */

static int in_child(int (*run)(int), int arg)
{
    int status;
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(run(arg));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int open_without_rights(int arg)
{
    cril_corpus *c;
    cril_error err;

    if (geteuid() == 0 && setuid(65534) != 0)
        return 2;
    if (cril_corpus_open(arg ? folder : path, NULL, &c, &err) != CRIL_ERR_IO)
        return 3;
    return strstr(err.message, "Permission denied") ? 0 : 4;
}

static void unreadable(void **state)
{
    (void)state;
    save_text("locked.txt", "x");
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(in_child(open_without_rights, 0), 0);
    assert_int_equal(in_child(open_without_rights, 1), 0);
    assert_int_equal(remove(path), 0);
}

/* Standard input is what a pipe gave, in two pieces, or the folder. */
static int read_input(int arg)
{
    static const char *const inputs[] = {"\xef\xbb\xbf \n{\"content\":\"in\"}\n", "in",
                                         "content\nin\n", ""};
    const char *input = inputs[arg < 4 ? arg : 0];
    const cril_corpus_options o = {.format = arg == 2 ? "csv" : NULL};
    const size_t n = strlen(input), half = n / 3;
    char hex[65], want[65];
    cril_corpus *c;
    cril_document doc;
    cril_error err = {0};
    int fds[2];

    if (arg == 4) {
        const int fd = open(folder, O_RDONLY);
        if (fd < 0 || dup2(fd, 0) != 0)
            return 2;
        if (cril_corpus_open("-", NULL, &c, &err) != CRIL_ERR_IO ||
            !strstr(err.message, "standard input"))
            return 3;
        return 0;
    }
    if (pipe(fds) != 0 || dup2(fds[0], 0) != 0)
        return 2;
    if (fork() == 0) {
        const struct timespec pause = {.tv_nsec = 20000000};
        bool ok = write(fds[1], input, half) == (ssize_t)half;
        nanosleep(&pause, NULL);
        ok = ok && write(fds[1], input + half, n - half) == (ssize_t)(n - half);
        _exit(!ok);
    }
    close(fds[1]);
    if (fcntl(0, F_SETFL, O_NONBLOCK) != 0)
        return 3;
    if (cril_corpus_open("-", &o, &c, &err) != CRIL_OK)
        return 4;
    if (cril_corpus_next(c, &doc, &err) != CRIL_OK)
        return 5;
    if (n && (!doc.text || doc.len_bytes != 2 || memcmp(doc.text, "in", 2) != 0 ||
              strcmp(doc.file, "-") != 0))
        return 6;
    if (!n && doc.text)
        return 7;
    if (doc.line != (arg == 0 || arg == 2 ? 2 : 0))
        return 8;
    if (stats_of(c).bytes_total != 0 || cril_corpus_sha256(c, hex, NULL) != CRIL_OK)
        return 9;
    sha256_of(input, n, want);
    if (strcmp(hex, want) != 0 || stats_of(c).bytes_read != n)
        return 10;
    cril_corpus_close(c);
    return 0;
}

static void standard_input(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(in_child(read_input, i), 0);
}

/* A file behind "<": its size is known, from where it stands. */
static int read_redirected(int arg)
{
    const int fd = open(path, O_RDONLY);
    cril_corpus *c;
    cril_document doc;

    if (fd < 0 || dup2(fd, 0) != 0 || lseek(0, arg, SEEK_SET) != arg)
        return 2;
    if (cril_corpus_open("-", NULL, &c, NULL) != CRIL_OK ||
        cril_corpus_next(c, &doc, NULL) != CRIL_OK)
        return 3;
    if (stats_of(c).bytes_total != sizeof(prose) - 1 - (size_t)arg ||
        doc.len_bytes != stats_of(c).bytes_total)
        return 4;
    cril_corpus_close(c);
    return 0;
}

static void redirected(void **state)
{
    (void)state;
    save_text("r.txt", prose);
    assert_int_equal(in_child(read_redirected, 0), 0);
    assert_int_equal(in_child(read_redirected, 4), 0);
}

static void characters(void **state)
{
    (void)state;
    assert_int_equal(cril_count_characters("", 0), 0);
    assert_int_equal(cril_count_characters("a\0\xc3\xa9\xf0\x9f\x98\x80", 8), 4);
    assert_int_equal(cril_count_characters("\xf0\x9f\x98\xff\xc0", 5), 3);
}

/* ---- a program's documents ---- */

struct given {
    const cril_document *documents; /* [n] */
    size_t n, at, stop_at;          /* stop_at SIZE_MAX: never */
    bool ended;
};

static int give(void *user, cril_document *doc)
{
    struct given *const g = user;

    assert_false(g->ended); /* it is not asked again */
    if (g->at == g->stop_at)
        return 1;
    if (g->at < g->n)
        *doc = g->documents[g->at++];
    else
        g->ended = true;
    return 0;
}

static cril_corpus *of_program(struct given *g, bool with_prompts)
{
    const cril_corpus_source source = {
        .user = g, .next = give, .name = "texts", .prompts = with_prompts, .total_bytes = 7};
    cril_corpus *c = NULL;
    cril_error err = {0};

    if (cril_corpus_create(&source, &c, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return c;
}

static void program(void **state)
{
    static const cril_document documents[] = {
        {.text = "one", .len_bytes = 3, .prompt = "not asked"},
        {.text = "", .len_bytes = 0},
        {.text = "t\0o", .len_bytes = 3},
        {.text = "", .len_bytes = 0}};
    static const char hashed[] = "\3\0\0\0\0\0\0\0one\3\0\0\0\0\0\0\0t\0o";
    struct given g = {.documents = documents, .n = 4, .stop_at = SIZE_MAX};
    cril_corpus *c = of_program(&g, false);
    cril_corpus_stats stats;
    cril_document doc;
    char hex[65], want[65];

    (void)state;
    assert_int_equal(cril_corpus_next(c, &doc, NULL), CRIL_OK);
    assert_string_equal(doc.file, "texts");
    assert_null(doc.prompt);
    assert_int_equal(doc.index + doc.line + doc.prompt_bytes, 0);
    assert_memory_equal(doc.text, "one", 3);
    next_is(c, "t\0o", 3, 0);
    cril_corpus_stats_get(c, &stats);
    assert_int_equal(stats.bytes_read, 6);
    assert_int_equal(stats.bytes_total, 7);
    assert_null(stats.prompt_field);
    next_text(c, NULL, 0);
    next_text(c, NULL, 0);
    cril_corpus_stats_get(c, &stats);
    assert_int_equal(stats.documents, 2);
    assert_int_equal(stats.empty, 2);
    sha256_of(hashed, sizeof(hashed) - 1, want);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(cril_corpus_sha256(c, hex, NULL), CRIL_OK);
        assert_string_equal(hex, want);
    }
    cril_corpus_close(c);

    g.at = 0;
    g.ended = false; /* hashed without being read */
    c = of_program(&g, false);
    assert_int_equal(cril_corpus_sha256(c, hex, NULL), CRIL_OK);
    assert_string_equal(hex, want);
    next_text(c, NULL, 0);
    cril_corpus_stats_get(c, &stats);
    assert_int_equal(stats.documents, 0);
    cril_corpus_close(c);
}

static void program_prompts(void **state)
{
    static const cril_document documents[] = {
        {.text = "a", .len_bytes = 1, .prompt = "pq", .prompt_bytes = 2},
        {.text = "b", .len_bytes = 1, .prompt = "", .prompt_bytes = 0},
        {.text = "c", .len_bytes = 1}};
    static const char hashed[] = "\2\0\0\0\0\0\0\0pq\1\0\0\0\0\0\0\0a"
                                 "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0b";
    struct given g = {.documents = documents, .n = 2, .stop_at = SIZE_MAX};
    cril_corpus *c = of_program(&g, true);
    cril_corpus_stats stats;
    cril_document doc;
    cril_error err = {0};
    char hex[65], want[65];

    (void)state;
    assert_int_equal(cril_corpus_next(c, &doc, NULL), CRIL_OK);
    assert_int_equal(doc.prompt_bytes, 2);
    assert_memory_equal(doc.prompt, "pq", 2);
    assert_int_equal(cril_corpus_sha256(c, hex, NULL), CRIL_OK);
    sha256_of(hashed, sizeof(hashed) - 1, want);
    assert_string_equal(hex, want);
    cril_corpus_stats_get(c, &stats);
    assert_string_equal(stats.prompt_field, "prompt");
    cril_corpus_close(c);

    g = (struct given){.documents = documents + 2, .n = 1, .stop_at = SIZE_MAX};
    c = of_program(&g, true);
    assert_int_equal(cril_corpus_next(c, &doc, &err), CRIL_ERR_RANGE);
    has_words(err.message, "texts: document 0 lacks its prompt");
    cril_corpus_close(c);
}

static void program_faults(void **state)
{
    static const cril_document documents[] = {{.text = "one", .len_bytes = 3},
                                              {.text = "four", .len_bytes = 4}};
    struct given g = {.documents = documents, .n = 2, .stop_at = 1};
    cril_corpus *c = of_program(&g, false);
    cril_document doc;
    cril_error err = {0};
    char hex[65];

    (void)state;
    next_text(c, "one", 0);
    assert_int_equal(cril_corpus_next(c, &doc, &err), CRIL_ERR_CANCELLED);
    assert_null(doc.text);
    has_words(err.message, "texts: stopped");
    assert_int_equal(cril_corpus_next(c, &doc, NULL), CRIL_ERR_CANCELLED);
    assert_int_equal(cril_corpus_sha256(c, hex, NULL), CRIL_ERR_CANCELLED);
    cril_corpus_close(c);

    g = (struct given){.documents = documents, .n = 2, .stop_at = SIZE_MAX};
    c = of_program(&g, false);
    cril_corpus_set_max(c, 3);
    next_text(c, "one", 0);
    assert_int_equal(cril_corpus_next(c, &doc, &err), CRIL_ERR_UNSUPPORTED);
    has_words(err.message, "texts: document 1 has more than");
    cril_corpus_close(c);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_entry(const char *name, const struct stat *sb, int type, struct FTW *at)
{
    (void)sb;
    (void)type;
    (void)at;
    return remove(name);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_and_compression),
        cmocka_unit_test(padding_and_skippable_frames),
        cmocka_unit_test(something_behind),
        cmocka_unit_test(cut_everywhere),
        cmocka_unit_test(changed_everywhere),
        cmocka_unit_test(too_much_memory),
        cmocka_unit_test(refused_kinds),
        cmocka_unit_test(good_json),
        cmocka_unit_test(bad_json),
        cmocka_unit_test(deep_json),
        cmocka_unit_test(json_lines),
        cmocka_unit_test(across_buffers),
        cmocka_unit_test(longest),
        cmocka_unit_test(csv),
        cmocka_unit_test(csv_faults),
        cmocka_unit_test(csv_large),
        cmocka_unit_test(dates),
        cmocka_unit_test(prompts),
        cmocka_unit_test(prompt_faults),
        cmocka_unit_test(rejected),
        cmocka_unit_test(text),
        cmocka_unit_test(limits),
        cmocka_unit_test(options),
        cmocka_unit_test(folders),
        cmocka_unit_test(folder_faults),
        cmocka_unit_test(unreadable),
        cmocka_unit_test(standard_input),
        cmocka_unit_test(redirected),
        cmocka_unit_test(characters),
        cmocka_unit_test(program),
        cmocka_unit_test(program_prompts),
        cmocka_unit_test(program_faults),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder) ? 1 : 0;
}
