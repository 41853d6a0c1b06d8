/*
 * The source of kind "wiki": which pages become documents, with which dates and addresses, and what
 * is counted of the others. The dumps are those of scripts/make_mediawiki_golden.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dump_files.h"
#include "gather/source_wiki.h"

#include <stdbool.h>
#include <string.h>

#define GOLDEN CRIL_TEST_DATA "/golden/mediawiki/"
#define ARTICLES GOLDEN "pages-articles-multistream.xml.bz2"
#define STUBS GOLDEN "stub-meta-history.xml.gz"
#define HISTORY GOLDEN "pages-meta-history.xml"

static struct cril_wiki_dates *read_dates(const char *path)
{
    struct cril_wiki_dates *t;
    cril_error err;

    if (cril_wiki_dates_read(&path, 1, &t, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return t;
}

static struct cril_source *open_source(const char *path, const struct cril_wiki_options *o)
{
    struct cril_source *s;
    cril_error err;

    if (cril_source_wiki_open(path, o, &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return s;
}

static bool next(struct cril_source *s, struct cril_gathered *doc)
{
    cril_error err;

    if (s->kind->next(s, doc, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return doc->text;
}

static uint64_t left_out(const struct cril_source *s, const char *why)
{
    size_t n;
    const struct cril_left_out *l = s->kind->left_out(s, &n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(l[i].why, why) == 0)
            return l[i].n;
    fail_msg("nothing is left out for '%s'", why);
    return 0;
}

static void expect_text(const struct cril_gathered *doc, const char *text)
{
    if (doc->len != strlen(text) || memcmp(doc->text, text, doc->len) != 0)
        fail_msg("got '%.*s', want '%s'", (int)doc->len, doc->text, text);
}

static cril_status first_of(const char *path, const struct cril_wiki_options *o, cril_error *err)
{
    struct cril_source *s;
    struct cril_gathered doc;
    cril_status st = cril_source_wiki_open(path, o, &s, err);

    if (st != CRIL_OK)
        return st;
    st = s->kind->next(s, &doc, err);
    s->kind->close(s);
    return st;
}

static void test_articles(void **state)
{
    struct cril_wiki_dates *dates = read_dates(STUBS);
    const struct cril_wiki_options o = {.created = dates};
    struct cril_source *s = open_source(ARTICLES, &o);
    struct cril_gathered doc;

    (void)state;
    assert_string_equal(s->kind->name, "wiki");
    assert_true(next(s, &doc));
    assert_string_equal(doc.id, "1");
    assert_string_equal(doc.title, "M\xc3\xbchle");
    assert_string_equal(doc.address, "https://mill.example.org/wiki/M%C3%BChle");
    assert_string_equal(doc.language, "de");
    assert_string_equal(doc.date, "2026-01-01");
    assert_null(doc.licence);
    expect_text(&doc, "Die M\xc3\xbchle ist ein Bauwerk & \xe2\x80\x9emehr\xe2\x80\x9c.\n"
                      "\xf0\x9f\x98\x80 ]]> & \xc2\xa0");
    assert_true(next(s, &doc));
    assert_string_equal(doc.id, "4294967297");
    assert_string_equal(doc.address, "https://mill.example.org/wiki/Gro%C3%9Fe_Nummer");
    assert_string_equal(doc.date, "2026-06-05");
    expect_text(&doc, "Sp\xc3\xa4ter da.");
    assert_false(next(s, &doc));
    assert_false(next(s, &doc));
    assert_int_equal(left_out(s, "page that is no article, by its namespace"), 1);
    assert_int_equal(left_out(s, "redirect"), 1);
    assert_int_equal(left_out(s, "page of markup alone"), 1);
    assert_int_equal(left_out(s, "page that is not wikitext"), 1);
    assert_int_equal(left_out(s, "page whose text the wiki hides"), 1);
    assert_int_equal(left_out(s, "page below the least id"), 0);
    assert_int_equal(left_out(s, "page whose text the dump does not have"), 0);
    assert_true(s->kind->taken(s) > 2000);
    s->kind->close(s);
    cril_wiki_dates_free(dates);
}

/* Without a history nothing is dated, whatever the dump says of its last edits. */
static void test_least_id(void **state)
{
    const struct cril_wiki_options o = {.min_page_id = 4294967297};
    struct cril_source *s = open_source(ARTICLES, &o);
    struct cril_gathered doc;

    (void)state;
    assert_true(next(s, &doc));
    assert_string_equal(doc.id, "4294967297");
    assert_string_equal(doc.date, "");
    assert_false(next(s, &doc));
    assert_int_equal(left_out(s, "page below the least id"), 4);
    s->kind->close(s);
}

/* Of a history the last revision is the page's text. */
static void test_history(void **state)
{
    struct cril_wiki_dates *dates = read_dates(HISTORY);
    const struct cril_wiki_options o = {.created = dates};
    struct cril_source *s = open_source(HISTORY, &o);
    struct cril_gathered doc;

    (void)state;
    assert_true(next(s, &doc));
    assert_int_equal(doc.len, 6 * strlen("Version 6 der M\xc3\xbchle.\n") - 1);
    assert_memory_equal(doc.text, "Version 6", 9);
    assert_string_equal(doc.date, "2026-01-01");
    assert_false(next(s, &doc));
    assert_int_equal(left_out(s, "page whose text the dump does not have"), 1);
    s->kind->close(s);
    cril_wiki_dates_free(dates);
}

static void test_dates(void **state)
{
    struct cril_wiki_dates *t = read_dates(STUBS);
    char date[11] = "";

    (void)state;
    assert_int_equal(cril_wiki_dates_count(t), 3);
    assert_string_equal(cril_wiki_dates_database(t), "millwiki");
    assert_true(cril_wiki_dates_find(t, 1, date));
    assert_string_equal(date, "2026-01-01");
    assert_true(cril_wiki_dates_find(t, 5, date)); /* an older revision was imported later */
    assert_string_equal(date, "2004-06-02");
    assert_true(cril_wiki_dates_find(t, 4294967297, date));
    assert_string_equal(date, "2026-06-05");
    assert_false(cril_wiki_dates_find(t, 3, date)); /* another namespace */
    assert_false(cril_wiki_dates_find(t, 6, date)); /* its first revision is not there */
    assert_false(cril_wiki_dates_find(t, 0, date));
    assert_false(cril_wiki_dates_find(t, UINT64_MAX, date));
    cril_wiki_dates_free(t);
    cril_wiki_dates_free(NULL);
}

#define STUB(id, more, day)                                                                        \
    "<page><title>T</title><ns>0</ns><id>" id "</id><revision><id>9</id>" more "<timestamp>" day   \
    "T00:00:00Z</timestamp></revision></page>"

/* Pages in any order, and twice: the earliest day counts. */
static void test_order(void **state)
{
    static const char dump[] = DUMP_HEAD STUB("9", "", "2026-03-09") STUB("2", "", "2026-03-02")
        STUB("7", "", "2026-03-07") STUB("2", "", "2025-12-31") STUB("1", "", "2026-03-01")
            DUMP_END;
    struct cril_wiki_dates *t = read_dates(write_dump(dump, sizeof(dump) - 1));
    char date[11];

    (void)state;
    assert_int_equal(cril_wiki_dates_count(t), 5);
    assert_true(cril_wiki_dates_find(t, 1, date));
    assert_string_equal(date, "2026-03-01");
    assert_true(cril_wiki_dates_find(t, 2, date));
    assert_string_equal(date, "2025-12-31");
    assert_true(cril_wiki_dates_find(t, 9, date));
    assert_string_equal(date, "2026-03-09");
    assert_false(cril_wiki_dates_find(t, 8, date));
    assert_false(cril_wiki_dates_find(t, 10, date));
    cril_wiki_dates_free(t);
}

static void expect_no_dates(const char *const *paths, size_t n, cril_status want, const char *says)
{
    struct cril_wiki_dates *t;
    cril_error err;
    const cril_status st = cril_wiki_dates_read(paths, n, &t, &err);

    if (st != want || !strstr(err.message, says))
        fail_msg("status %d, '%s'", (int)st, err.message);
}

/* What looks as if it dated pages, and does not. */
static void test_refused(void **state)
{
    static const char
        current[] = DUMP_HEAD STUB("1", "<parentid>5</parentid>", "2026-06-01")
            STUB("2", "", "2026-06-01") DUMP_END,
        other[] = "<mediawiki version=\"0.11\"><siteinfo><dbname>windwiki</dbname></siteinfo>" STUB(
            "1", "", "2026-06-01") DUMP_END,
        huge[] = DUMP_HEAD STUB("99999999999999999", "", "2026-06-01") DUMP_END;
    const char *const both[] = {STUBS, dump_path};
    struct cril_wiki_dates *dates;
    struct cril_wiki_options o = {0};
    cril_error err;

    (void)state;
    write_dump(current, sizeof(current) - 1);
    expect_no_dates(both + 1, 1, CRIL_ERR_UNSUPPORTED, "give the wiki's stub-meta-history.xml.gz");
    write_dump(huge, sizeof(huge) - 1);
    expect_no_dates(both + 1, 1, CRIL_ERR_UNSUPPORTED, "an id over 2^41");
    write_dump(current, sizeof(current) / 2);
    expect_no_dates(both + 1, 1, CRIL_ERR_TRUNCATED, "ends in line");
    write_dump(other, sizeof(other) - 1);
    expect_no_dates(both, 2, CRIL_ERR_MISMATCH, "windwiki");
    o.created = dates = read_dates(dump_path);
    assert_int_equal(first_of(ARTICLES, &o, &err), CRIL_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "give the history of millwiki"));
    cril_wiki_dates_free(dates);
    assert_int_equal(first_of(STUBS, NULL, &err), CRIL_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "as a stub dump"));
    assert_int_equal(first_of("/nowhere", NULL, &err), CRIL_ERR_IO);
}

/* ---- addresses ---- */

static const struct {
    const char *base, *title, *address;
} addresses[] = {
    {"https://a.org/wiki/Main_Page", "A b/c:d", "https://a.org/wiki/A_b/c:d"},
    {"https://a.org/wiki/Main/Page", "A?#&amp;\"+%", "https://a.org/wiki/A%3F%23%26%22%2B%25"},
    {"https://a.org/w/index.php?title=Main_Page", "(A)!", "https://a.org/w/index.php?title=(A)!"},
    {"http://localhost/Main_Page", "A", "http://localhost/A"},
    {"https://a.org/?curid=1", "A", NULL},
    {"Main_Page", "A", NULL},
    {"", "A", NULL},
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        char dump[1000];
        struct cril_source *s;
        struct cril_gathered doc;
        const int n = snprintf(
            dump, sizeof(dump),
            "<mediawiki version=\"0.11\"><siteinfo><base>%s</base></siteinfo><page>"
            "<title>%s</title><ns>0</ns><id>1</id>" DUMP_REVISION("1", "t") "</page>" DUMP_END,
            addresses[i].base, addresses[i].title);

        s = open_source(write_dump(dump, (size_t)n), NULL);
        assert_true(next(s, &doc));
        assert_null(doc.language);
        if (addresses[i].address)
            assert_string_equal(doc.address, addresses[i].address);
        else
            assert_null(doc.address);
        s->kind->close(s);
    }
}

/* Dumps of old schemas may name no model. */
static void test_no_model(void **state)
{
    static const char dump[] =
        "<mediawiki version=\"0.8\"><page><title>T</title><ns>0</ns><id>1</id><revision><id>1</id>"
        "<timestamp>2026-06-01T00:00:00Z</timestamp><text>a "
        "[[b]]</text></revision></page>" DUMP_END;
    struct cril_source *s = open_source(write_dump(dump, sizeof(dump) - 1), NULL);
    struct cril_gathered doc;

    (void)state;
    assert_true(next(s, &doc));
    expect_text(&doc, "a b");
    s->kind->close(s);
}

static void test_too_long(void **state)
{
    static const char dump[] =
        DUMP_HEAD DUMP_PAGE("1", "0123456789") DUMP_PAGE("2", "0123456789a") DUMP_END;
    const struct cril_wiki_options o = {.max_text_bytes = 10};
    struct cril_source *s = open_source(write_dump(dump, sizeof(dump) - 1), &o);
    struct cril_gathered doc;

    (void)state;
    assert_true(next(s, &doc));
    assert_string_equal(doc.id, "1");
    assert_false(next(s, &doc));
    assert_int_equal(left_out(s, "page whose wikitext is too long"), 1);
    s->kind->close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_articles),  cmocka_unit_test(test_least_id),
        cmocka_unit_test(test_history),   cmocka_unit_test(test_dates),
        cmocka_unit_test(test_order),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_no_model),
    };

    return cmocka_run_group_tests(tests, NULL, remove_dump);
}
