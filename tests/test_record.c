/*
 * Records filled into the template of OpenCompass: against Python's own replacing and printing, and
 * what a line must not make of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "corpus/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static cril_corpus *open_corpus(const char *path)
{
    const cril_corpus_options o = {.strict = true, .format = "jsonl"};
    cril_corpus *c = NULL;
    cril_error err;

    if (cril_corpus_open(path, &o, &c, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return c;
}

static void next(cril_corpus *c, cril_document *doc)
{
    cril_error err;

    if (cril_corpus_next(c, doc, &err) != CRIL_OK)
        fail_msg("%s", err.message);
}

/* Lines of tests/golden/records.jsonl whose documents differ from Python's. */
static void test_golden(void **state)
{
    cril_corpus *filled = open_corpus(CRIL_TEST_DATA "/golden/records.jsonl");
    cril_corpus *want = open_corpus(CRIL_TEST_DATA "/golden/records-filled.jsonl");
    cril_document a, b;
    size_t n = 0;

    (void)state;
    cril_corpus_fill_records(filled, true);
    for (next(filled, &a), next(want, &b); b.text; next(filled, &a), next(want, &b), n++) {
        if (!a.text || a.len_bytes != b.len_bytes || memcmp(a.text, b.text, b.len_bytes) != 0)
            fail_msg("line %zu: got '%.*s', want '%.*s'", n + 1, (int)a.len_bytes, a.text,
                     (int)b.len_bytes, b.text);
    }
    assert_null(a.text);
    assert_int_equal(n, 88);
    cril_corpus_close(filled);
    cril_corpus_close(want);
}

/* A corpus of these bytes; NULL: err says why it has no first document. */
static cril_status first_of(const char *lines, bool fill, size_t max_bytes, char *text,
                            cril_error *err)
{
    char path[] = "/tmp/cril-record-XXXXXX";
    const int fd = mkstemp(path);
    cril_corpus *c;
    cril_document doc;
    cril_status st;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
    close(fd);
    c = open_corpus(path);
    cril_corpus_fill_records(c, fill);
    if (max_bytes)
        cril_corpus_set_max(c, max_bytes);
    if ((st = cril_corpus_next(c, &doc, err)) == CRIL_OK && doc.text)
        snprintf(text, 1000, "%.*s", (int)doc.len_bytes, doc.text);
    cril_corpus_close(c);
    unlink(path);
    return st;
}

/* Without the protocol's wish a document is its text. */
static void test_only_when_asked(void **state)
{
    char text[1000] = "";
    cril_error err;

    (void)state;
    assert_int_equal(first_of("{\"content\": \"a {meta}\", \"meta\": 1}\n", false, 0, text, &err),
                     CRIL_OK);
    assert_string_equal(text, "a {meta}");
    assert_int_equal(first_of("{\"content\": \"a {meta}\", \"meta\": 1}\n", true, 0, text, &err),
                     CRIL_OK);
    assert_string_equal(text, "a 1");
}

/* What Python prints and cril does not know makes a line bad; so does a text that grows too large.
 */
static void test_refused(void **state)
{
    char text[1000] = "", lines[600] = "{\"content\": \"";
    cril_error err;

    (void)state;
    assert_int_equal(first_of("{\"content\": \"{n}\", \"n\": 123456789012345678901234567890}\n",
                              true, 0, text, &err),
                     CRIL_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "line 1: its keys cannot be filled into the text"));
    for (int i = 0; i < 60; i++)
        strcat(lines, "{m}");
    strcat(lines, "\", \"m\": \"0123456789012345678901234567890123456789\"}\n");
    assert_int_equal(first_of(lines, true, 500, text, &err), CRIL_ERR_NOMEM);
    assert_non_null(strstr(err.message, "more than 500 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_only_when_asked),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
