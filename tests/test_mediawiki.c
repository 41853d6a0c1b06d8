/*
 * MediaWiki dumps: what mwxml reads in small ones (scripts/make_mediawiki_golden.py), damaged ones
 * of each kind, dumps cut at every byte, limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dump_files.h"
#include "gather/mediawiki.h"
#include "packed.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#define GOLDEN CRIL_TEST_DATA "/golden/mediawiki/"

static struct cril_mediawiki *open_dump(const char *path, size_t max_text)
{
    struct cril_mediawiki *d;
    cril_error err;

    if (cril_mediawiki_open(path, max_text, &d, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return d;
}

static enum cril_mediawiki_event next(struct cril_mediawiki *d)
{
    enum cril_mediawiki_event event;
    cril_error err;

    if (cril_mediawiki_next(d, &event, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return event;
}

/* Reads these bytes to their end; *n_pages is set in any case. */
static cril_status read_all(const void *data, size_t n, size_t *n_pages, cril_error *err)
{
    enum cril_mediawiki_event event = CRIL_MEDIAWIKI_PAGE;
    struct cril_mediawiki *d;
    cril_status st;

    *n_pages = 0;
    err->message[0] = '\0';
    if ((st = cril_mediawiki_open(write_dump(data, n), 0, &d, err)) != CRIL_OK)
        return st;
    while (st == CRIL_OK && event != CRIL_MEDIAWIKI_END) {
        st = cril_mediawiki_next(d, &event, err);
        *n_pages += st == CRIL_OK && event == CRIL_MEDIAWIKI_PAGE_END;
    }
    cril_mediawiki_close(d);
    return st;
}

/* ---- as mwxml reads it ---- */

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static void compare_revision(const struct cril_mediawiki_revision *r, const json_t *want, bool stub)
{
    const char *body = text(want, "text");

    assert_int_equal(r->id, number(want, "id"));
    assert_int_equal(r->parent, number(want, "parent"));
    assert_string_equal(r->timestamp, text(want, "timestamp"));
    assert_string_equal(r->model, text(want, "model"));
    assert_string_equal(r->format, text(want, "format"));
    assert_int_equal(r->what == CRIL_MEDIAWIKI_DELETED,
                     json_is_true(json_object_get(want, "deleted")));
    if (r->what == CRIL_MEDIAWIKI_TEXT) {
        assert_int_equal(r->len, strlen(body));
        assert_memory_equal(r->text, body, r->len);
    } else {
        assert_null(r->text);
        assert_true(r->what == CRIL_MEDIAWIKI_DELETED || (stub && !*body));
    }
}

static void compare_page(struct cril_mediawiki *d, const json_t *want, bool stub)
{
    const struct cril_mediawiki_page *p = cril_mediawiki_page(d);
    const json_t *revision;
    size_t i;

    assert_int_equal(next(d), CRIL_MEDIAWIKI_PAGE);
    assert_int_equal(p->id, number(want, "id"));
    assert_int_equal(p->namespace_key, number(want, "namespace"));
    assert_string_equal(p->title, text(want, "title"));
    assert_int_equal(p->redirects, json_is_string(json_object_get(want, "redirect")));
    assert_string_equal(p->redirect, text(want, "redirect"));
    json_array_foreach(json_object_get(want, "revisions"), i, revision)
    {
        assert_int_equal(next(d), CRIL_MEDIAWIKI_REVISION);
        compare_revision(cril_mediawiki_revision(d), revision, stub);
    }
    assert_int_equal(next(d), CRIL_MEDIAWIKI_PAGE_END);
}

static void compare_dump(const json_t *want)
{
    char path[300];
    struct cril_mediawiki *d;
    const json_t *page;
    size_t i;

    snprintf(path, sizeof(path), GOLDEN "%s", text(want, "file"));
    d = open_dump(path, 0);
    json_array_foreach(json_object_get(want, "pages"), i, page)
        compare_page(d, page, strstr(path, "stub") != NULL);
    assert_int_equal(next(d), CRIL_MEDIAWIKI_END);
    assert_int_equal(next(d), CRIL_MEDIAWIKI_END);
    cril_mediawiki_close(d);
}

static void test_golden(void **state)
{
    FILE *f = fopen(GOLDEN "pages.jsonl", "r");
    json_t *want;
    size_t n = 0;

    (void)state;
    assert_non_null(f);
    for (; (want = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)); n++) {
        compare_dump(want);
        json_decref(want);
    }
    fclose(f);
    assert_int_equal(n, 3);
}

static void test_site(void **state)
{
    struct cril_mediawiki *d = open_dump(GOLDEN "pages-articles-multistream.xml.bz2", 0);
    const struct cril_mediawiki_site *s = cril_mediawiki_site(d);

    (void)state;
    next(d);
    assert_string_equal(s->version, "0.11");
    assert_string_equal(s->language, "de");
    assert_string_equal(s->database, "millwiki");
    assert_string_equal(s->base, "https://mill.example.org/wiki/Haupt_Seite");
    assert_int_equal(s->n_names, 2);
    assert_int_equal(s->names[0].key, CRIL_MEDIAWIKI_FILES);
    assert_string_equal(s->names[0].name, "Datei");
    assert_string_equal(s->names[1].name, "Kategorie");
    cril_mediawiki_close(d);
}

/* ---- ways to store it ---- */

static const char sample[] =
    DUMP_HEAD DUMP_PAGE("1", "a &lt;b&gt; \xc3\xa9 <![CDATA[<c>]]>") DUMP_PAGE("2", "") DUMP_END;

static void test_packed(void **state)
{
    const size_t middle = sizeof(DUMP_HEAD) + 20; /* in the middle of a page */
    cril_error err;
    size_t n;

    (void)state;
    for (enum packing kind = PLAIN; kind < N_PACKINGS; kind++) {
        struct bytes b = {0};

        pack(&b, kind, sample, middle);
        pack(&b, kind, sample + middle, sizeof(sample) - 1 - middle);
        if (read_all(b.data, b.n, &n, &err) != CRIL_OK)
            fail_msg("%s", err.message);
        assert_int_equal(n, 2);
        free(b.data);
    }
}

/* What expat gets in pieces: characters and tags across their borders. */
static void test_pieces(void **state)
{
    static const char before[] = "<page><title>T</title><ns>0</ns><id>1</id><revision><id>1</id>"
                                 "<timestamp>2026-06-01T00:00:00Z</timestamp><text>",
                      after[] = "</text></revision></page>" DUMP_END;
    const size_t len = 300000;

    (void)state;
    for (size_t shift = 0; shift < 7; shift++) {
        struct bytes b = {0};
        struct cril_mediawiki *d;
        const struct cril_mediawiki_revision *r;

        add_bytes(&b, DUMP_HEAD, strlen(DUMP_HEAD));
        add_bytes(&b, "       ", shift);
        add_bytes(&b, before, strlen(before));
        for (size_t i = 0; i < len; i += 3)
            add_bytes(&b, "\xe2\x82\xac", 3);
        add_bytes(&b, after, strlen(after));
        d = open_dump(write_dump(b.data, b.n), 0);
        assert_int_equal(next(d), CRIL_MEDIAWIKI_PAGE);
        assert_int_equal(next(d), CRIL_MEDIAWIKI_REVISION);
        r = cril_mediawiki_revision(d);
        assert_int_equal(r->len, len);
        for (size_t i = 0; i < len; i += 3)
            assert_memory_equal(r->text + i, "\xe2\x82\xac", 3);
        assert_int_equal(next(d), CRIL_MEDIAWIKI_PAGE_END);
        assert_int_equal(next(d), CRIL_MEDIAWIKI_END);
        cril_mediawiki_close(d);
        free(b.data);
    }
}

/* Elements that no schema of today has, wherever they stand. */
static void test_unknown(void **state)
{
    static const char dump[] =
        "<mediawiki version=\"0.10\" future=\"1\"><new><page/></new><siteinfo><x>1</x></siteinfo>"
        "<logitem><id>1</id></logitem>"
        "<page><title>A</title><ns>-1</ns><id>1</id><y><id>5</id></y>"
        "<upload><timestamp>2026-06-01T00:00:00Z</timestamp><size>1</size></upload>"
        "<revision><id>2</id><contributor><username>B</username><id>9</id></contributor>"
        "<timestamp>2026-06-01T00:00:00Z</timestamp><content><text>slot</text></content>"
        "<text>t</text></revision></page></mediawiki>";
    struct cril_mediawiki *d = open_dump(write_dump(dump, sizeof(dump) - 1), 0);

    (void)state;
    assert_int_equal(next(d), CRIL_MEDIAWIKI_PAGE);
    assert_int_equal(cril_mediawiki_page(d)->id, 1);
    assert_int_equal(cril_mediawiki_page(d)->namespace_key, -1);
    assert_int_equal(next(d), CRIL_MEDIAWIKI_REVISION);
    assert_int_equal(cril_mediawiki_revision(d)->id, 2);
    assert_int_equal(cril_mediawiki_revision(d)->len, 1);
    assert_string_equal(cril_mediawiki_revision(d)->model, "");
    assert_int_equal(next(d), CRIL_MEDIAWIKI_PAGE_END);
    assert_int_equal(next(d), CRIL_MEDIAWIKI_END);
    cril_mediawiki_close(d);
}

/* What a revision lacks is not taken from the one before. */
static void test_no_text(void **state)
{
    static const char dump[] = DUMP_HEAD DUMP_PAGE(
        "1", "a") "<page><title>T</title><ns>0</ns><id>2</id><revision><id>2</id>"
                  "<timestamp>2026-06-01T00:00:00Z</timestamp></revision></page>" DUMP_END;
    struct cril_mediawiki *d = open_dump(write_dump(dump, sizeof(dump) - 1), 0);
    const struct cril_mediawiki_revision *r = cril_mediawiki_revision(d);

    (void)state;
    for (size_t i = 0; i < 5; i++)
        next(d);
    assert_int_equal(r->id, 2);
    assert_int_equal(r->what, CRIL_MEDIAWIKI_ABSENT);
    assert_string_equal(r->model, "");
    cril_mediawiki_close(d);
}

/* ---- damaged ---- */

#define PAGE_OF(fields) DUMP_HEAD "<page>" fields "</page>" DUMP_END
#define IDS "<title>T</title><ns>0</ns><id>1</id>"
#define REVISION_OF(fields) PAGE_OF(IDS "<revision>" fields "</revision>")
#define TIME "<timestamp>2026-06-01T00:00:00Z</timestamp>"

static const struct damaged {
    const char *dump;
    cril_status status;
    const char *says;
} damaged[] = {
    {"", CRIL_ERR_TRUNCATED, "ends in line 1"},
    {"{\"text\": 1}", CRIL_ERR_FORMAT, "no MediaWiki dump, nor other XML"},
    {"INSERT INTO `page` VALUES (1);", CRIL_ERR_FORMAT, "no MediaWiki dump"},
    {"<html><body/></html>", CRIL_ERR_FORMAT, "its first element is <html>"},
    {"<mediawiki>" DUMP_END, CRIL_ERR_UNSUPPORTED, "version \"\""},
    {"<mediawiki version=\"0.5\">" DUMP_END, CRIL_ERR_UNSUPPORTED, "version \"0.5\""},
    {"<mediawiki version=\"0.12\">" DUMP_END, CRIL_ERR_UNSUPPORTED, "cril reads 0.8 to 0.11"},
    {"<mediawiki version=\"0.11............\">" DUMP_END, CRIL_ERR_UNSUPPORTED,
     "more than 15 bytes"},
    {"<!DOCTYPE mediawiki [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n" DUMP_HEAD
     "<page><title>&b;</title></page>" DUMP_END,
     CRIL_ERR_UNSUPPORTED, "line 1: a DOCTYPE"},
    {"<!DOCTYPE mediawiki SYSTEM \"file:///etc/passwd\">" DUMP_HEAD DUMP_END, CRIL_ERR_UNSUPPORTED,
     "a DOCTYPE"},
    {DUMP_HEAD "<page><title>&a;</title></page>" DUMP_END, CRIL_ERR_FORMAT,
     "line 3: damaged XML (undefined entity)"},
    {DUMP_HEAD "<page>\n\n</pag>" DUMP_END, CRIL_ERR_FORMAT,
     "line 5: damaged XML (mismatched tag); fetch or make the dump again"},
    {DUMP_HEAD "<page a=\"1\" a=\"2\"/>" DUMP_END, CRIL_ERR_FORMAT, "duplicate attribute"},
    {DUMP_HEAD "<page a=1/>" DUMP_END, CRIL_ERR_FORMAT, "not well-formed"},
    {DUMP_HEAD DUMP_PAGE("1", "\xff\xff") DUMP_END, CRIL_ERR_FORMAT, "line 4: damaged XML"},
    {DUMP_HEAD DUMP_PAGE("1", "\x01") DUMP_END, CRIL_ERR_FORMAT, "line 4: damaged XML"},
    {"<?xml version=\"1.0\" encoding=\"koi8-r\"?>" DUMP_HEAD DUMP_END, CRIL_ERR_FORMAT,
     "unknown encoding"},
    {DUMP_HEAD DUMP_END "<x/>", CRIL_ERR_FORMAT, "something follows the end of the dump"},
    {DUMP_HEAD DUMP_END DUMP_HEAD DUMP_END, CRIL_ERR_FORMAT, "something follows"},
    {PAGE_OF("<ns>0</ns><id>1</id>"), CRIL_ERR_FORMAT, "a page has no <title>"},
    {PAGE_OF("<title>T</title><ns>0</ns>"), CRIL_ERR_FORMAT, "<id> of the page T is no number"},
    {DUMP_HEAD DUMP_PAGE("1", "a") "<page><title>T</title><ns>0</ns></page>" DUMP_END,
     CRIL_ERR_FORMAT, "<id> of the page T is no number"},
    {PAGE_OF("<title>T</title><ns>0</ns><id>-1</id>"), CRIL_ERR_FORMAT, "is no number (-1)"},
    {PAGE_OF("<title>T</title><ns>0</ns><id>1 </id>"), CRIL_ERR_FORMAT, "is no number (1 )"},
    {PAGE_OF("<title>T</title><ns>0</ns><id>1234567890123456789</id>"), CRIL_ERR_FORMAT,
     "is no number (1234567890123456789)"},
    {PAGE_OF("<title>T</title><ns>0</ns><id>123456789012345678901234</id>"), CRIL_ERR_UNSUPPORTED,
     "<id> has more than 23 bytes"},
    {PAGE_OF("<title>T</title><id>1</id>"), CRIL_ERR_FORMAT, "<ns> of the page T is no number"},
    {PAGE_OF("<title>T</title><ns>2147483648</ns><id>1</id>"), CRIL_ERR_FORMAT,
     "<ns> of the page T"},
    {PAGE_OF(IDS "<revision/>"), CRIL_ERR_FORMAT, "<id> of a revision of the page T"},
    {REVISION_OF("<id>x</id>" TIME), CRIL_ERR_FORMAT, "is no number (x)"},
    {REVISION_OF("<id>5</id><parentid>y</parentid>" TIME), CRIL_ERR_FORMAT,
     "<parentid> of revision 5 is no number (y)"},
    {REVISION_OF("<id>5</id>"), CRIL_ERR_FORMAT, "<timestamp> of revision 5 is \"\""},
    {REVISION_OF("<id>5</id><timestamp>2026-13-01T00:00:00Z</timestamp>"), CRIL_ERR_FORMAT,
     "\"2026-13-01T00:00:00Z\""},
    {REVISION_OF("<id>5</id><timestamp>2026-00-01T00:00:00Z</timestamp>"), CRIL_ERR_FORMAT, "2026"},
    {REVISION_OF("<id>5</id><timestamp>2026-01-32T00:00:00Z</timestamp>"), CRIL_ERR_FORMAT, "2026"},
    {REVISION_OF("<id>5</id><timestamp>2026-01-00T00:00:00Z</timestamp>"), CRIL_ERR_FORMAT, "2026"},
    {REVISION_OF("<id>5</id><timestamp>2026-01-01T00:00:00</timestamp>"), CRIL_ERR_FORMAT, "2026"},
    {REVISION_OF("<id>5</id><timestamp>2026-01-01T00:00:00Z </timestamp>"), CRIL_ERR_FORMAT,
     "2026"},
    {REVISION_OF("<id>5</id>" TIME "<text>a<b/>c</text>"), CRIL_ERR_FORMAT, "<b> inside <text>"},
    {PAGE_OF(IDS "<revision><id>5</id>" TIME "</revision><id>6</id>"), CRIL_ERR_FORMAT,
     "<id> stands behind the page's first revision"},
};

static void test_damaged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
        const struct damaged *c = &damaged[i];
        cril_error err;
        size_t n;
        const cril_status st = read_all(c->dump, strlen(c->dump), &n, &err);

        if (st != c->status || !strstr(err.message, c->says) || !strstr(err.message, dump_path))
            fail_msg("case %zu: status %d, '%s'", i, (int)st, err.message);
    }
}

/* A dump that ends early is never taken for a whole one. */
static void test_cut(void **state)
{
    const size_t whole = sizeof(sample) - 2; /* without the line end behind its last tag */
    cril_error err;
    size_t n;

    (void)state;
    for (size_t len = 0; len < whole; len++)
        if (read_all(sample, len, &n, &err) != CRIL_ERR_TRUNCATED ||
            !strstr(err.message, "ends in line"))
            fail_msg("cut at %zu: '%s'", len, err.message);
    assert_int_equal(read_all(sample, whole, &n, &err), CRIL_OK);
    assert_int_equal(n, 2);
}

static void test_cut_packed(void **state)
{
    static const enum packing kinds[] = {GZIP, BZIP2};

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct bytes b = {0};
        cril_error err;
        size_t n;

        for (size_t at = 0, step = 100; at < sizeof(sample) - 1; at += step) {
            if (step > sizeof(sample) - 1 - at)
                step = sizeof(sample) - 1 - at;
            pack(&b, kinds[k], sample + at, step);
        }
        for (size_t len = 0; len < b.n; len++)
            if (read_all(b.data, len, &n, &err) == CRIL_OK || !strstr(err.message, dump_path))
                fail_msg("%s cut at %zu of %zu: '%s'", packing_suffix[kinds[k]], len, b.n,
                         err.message);
        assert_int_equal(read_all(b.data, b.n, &n, &err), CRIL_OK);
        free(b.data);
    }
}

/* ---- limits ---- */

static void test_long_text(void **state)
{
    static const char dump[] = DUMP_HEAD DUMP_PAGE("1", "0123456789") DUMP_PAGE("2", "0123456789a")
        DUMP_PAGE("3", "b") DUMP_END;
    static const enum cril_mediawiki_text want[] = {CRIL_MEDIAWIKI_TEXT, CRIL_MEDIAWIKI_TOO_LONG,
                                                    CRIL_MEDIAWIKI_TEXT};
    struct cril_mediawiki *d = open_dump(write_dump(dump, sizeof(dump) - 1), 10);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(next(d), CRIL_MEDIAWIKI_PAGE);
        assert_int_equal(next(d), CRIL_MEDIAWIKI_REVISION);
        assert_int_equal(cril_mediawiki_revision(d)->what, want[i]);
        assert_int_equal(next(d), CRIL_MEDIAWIKI_PAGE_END);
    }
    cril_mediawiki_close(d);
}

/* head, n times piece, tail; "%zu" in piece is its number. */
static cril_status read_repeated(const char *head, const char *piece, size_t n, const char *tail,
                                 cril_error *err)
{
    const char *at = strstr(piece, "%zu");
    const size_t before = at ? (size_t)(at - piece) : strlen(piece);
    struct bytes b = {0};
    cril_status st;

    add_bytes(&b, head, strlen(head));
    for (size_t i = 0; i < n; i++) {
        char number[24];

        snprintf(number, sizeof(number), "%zu", i);
        add_bytes(&b, piece, before);
        if (at) {
            add_bytes(&b, number, strlen(number));
            add_bytes(&b, at + 3, strlen(at + 3));
        }
    }
    add_bytes(&b, tail, strlen(tail));
    st = read_all(b.data, b.n, &n, err);
    free(b.data);
    return st;
}

static void expect_refused(cril_status st, const cril_error *err, const char *says)
{
    if (st != CRIL_ERR_UNSUPPORTED || !strstr(err->message, says))
        fail_msg("status %d, '%s'", (int)st, err->message);
}

static void test_limits(void **state)
{
    cril_error err;

    (void)state;
    expect_refused(
        read_repeated(DUMP_HEAD "<!-- ", "0123456789abcdef", 100000, " -->" DUMP_END, &err), &err,
        "a tag of more than 1048576 bytes");
    expect_refused(
        read_repeated(DUMP_HEAD "<x a=\"", "0123456789abcdef", 100000, "\"/>" DUMP_END, &err), &err,
        "a tag of more than");
    expect_refused(read_repeated(DUMP_HEAD, "<d%zu>", 100, "", &err), &err, "more than 64 deep");
    expect_refused(read_repeated(DUMP_HEAD, "<strange%zu/>", 400, DUMP_END, &err), &err,
                   "elements and attributes that no dump has");
    expect_refused(read_repeated(DUMP_HEAD, "<logitem strange%zu=\"\"/>", 400, DUMP_END, &err),
                   &err, "elements and attributes that no dump has");
    assert_int_equal(read_repeated(DUMP_HEAD, "<strange a=\"\"/><other/>", 400, DUMP_END, &err),
                     CRIL_OK);
    expect_refused(read_repeated(DUMP_HEAD "<page><title>", "0123456789abcdef", 64,
                                 "</title></page>" DUMP_END, &err),
                   &err, "<title> has more than 1023 bytes");
    expect_refused(read_repeated("<mediawiki version=\"0.11\"><siteinfo><namespaces>",
                                 "<namespace key=\"6\">a</namespace>", 65,
                                 "</namespaces></siteinfo>" DUMP_END, &err),
                   &err, "more than 64 names");
    assert_int_equal(read_repeated(DUMP_HEAD, "<!-- 0123456789 -->", 100000, DUMP_END, &err),
                     CRIL_OK);
}

static void test_no_file(void **state)
{
    struct cril_mediawiki *d;
    cril_error err;

    (void)state;
    assert_int_equal(cril_mediawiki_open("/nowhere/a.xml", 0, &d, &err), CRIL_ERR_IO);
    assert_non_null(strstr(err.message, "/nowhere/a.xml"));
    cril_mediawiki_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),    cmocka_unit_test(test_site),
        cmocka_unit_test(test_packed),    cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_unknown),   cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_cut),       cmocka_unit_test(test_cut_packed),
        cmocka_unit_test(test_long_text), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_file),   cmocka_unit_test(test_no_text),
    };

    return cmocka_run_group_tests(tests, NULL, remove_dump);
}
