/*
 * Benchmark items in a corpus: runs of words against golden ones of lm-evaluation-harness' own code
 * (scripts/make_word_runs_golden.py), and items of task data made here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leak/word_runs.h"

#include <cril/leak.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

/* ---- Runs ---- */

static struct cril_word_runs runs_of(const char *text, size_t n)
{
    return (struct cril_word_runs){.text = {text, strlen(text)}, .n = n};
}

static size_t count(const char *text, size_t n)
{
    struct cril_word_runs r = runs_of(text, n);
    size_t found = 0;

    while (cril_word_runs_next(&r))
        found++;
    return found;
}

static bool same_runs(const char *a, const char *b, size_t n)
{
    struct cril_word_runs x = runs_of(a, n), y = runs_of(b, n);

    for (;;) {
        const bool more = cril_word_runs_next(&x);

        if (cril_word_runs_next(&y) != more)
            return false;
        if (!more)
            return true;
        if (x.run != y.run)
            return false;
    }
}

static void test_runs(void **state)
{
    (void)state;
    struct cril_word_runs r;

    assert_int_equal(count("", 1), 0);
    assert_int_equal(count("one two three", 1), 3);
    assert_int_equal(count("one two three", 3), 1);
    assert_int_equal(count("one two three", 4), 0);
    assert_int_equal(count(" -- one ... two -", 1), 2); /* punctuation alone is no word */
    assert_true(same_runs("One, TWO\tthree!", "one two three", 2));
    assert_true(same_runs("don't stop\u2003now\u00a0here", "dont stop now here", 2));
    assert_true(same_runs("a\x1c"
                          "b\x1f"
                          "c",
                          "a b c", 1));                                       /* as str.split */
    assert_false(same_runs("\u00c4pfel sind rot", "\u00e4pfel sind rot", 2)); /* ASCII alone */
    assert_false(same_runs("a b c d", "b a c d", 2));
    assert_false(same_runs("ab c", "a bc", 2));
    r = runs_of("  Red, blue;  green -- yellow!", 2);
    assert_true(cril_word_runs_next(&r));
    assert_int_equal(cril_word_runs_start(&r), 2);
    assert_int_equal(r.end, 11);
    assert_true(cril_word_runs_next(&r));
    assert_int_equal(cril_word_runs_start(&r), 7);
    assert_int_equal(r.end, 19);
}

/* The hash that leaves a run makes no difference to it. */
static void test_rolls(void **state)
{
    (void)state;
    char text[2048] = "", again[2048];

    for (int i = 0; i < 200; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "w%d ", i * 7919 % 263);
    for (size_t n = 1; n <= CRIL_WORD_RUN_MAX; n += 9) {
        struct cril_word_runs r = runs_of(text, n);

        while (cril_word_runs_next(&r)) {
            struct cril_word_runs one;

            snprintf(again, sizeof(again), "%.*s", (int)(r.end - cril_word_runs_start(&r)),
                     text + cril_word_runs_start(&r));
            one = runs_of(again, n);
            assert_true(cril_word_runs_next(&one));
            assert_true(one.run == r.run);
            assert_false(cril_word_runs_next(&one));
        }
    }
}

/* Lines of the golden file: n, the text as hex, then each run's words as the harness makes them,
 * joined by one blank. */
static void test_golden(void **state)
{
    (void)state;
    FILE *f = fopen(CRIL_TEST_DATA "/golden/word_runs.txt", "r");
    static char text[1 << 16], hex[1 << 17], run[1 << 16];
    size_t n, n_runs, n_texts = 0;

    assert_non_null(f);
    while (fscanf(f, "%zu %zu %131071s\n", &n, &n_runs, hex) == 3) {
        struct cril_word_runs r = {.n = n};
        size_t len = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;

        for (size_t i = 0; i < len; i++) {
            unsigned byte;

            assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
            text[i] = (char)byte;
        }
        r.text = (struct cril_bytes){text, len};
        for (size_t i = 0; i < n_runs; i++) {
            struct cril_word_runs one;

            assert_non_null(fgets(run, sizeof(run), f));
            run[strcspn(run, "\n")] = '\0';
            assert_true(cril_word_runs_next(&r));
            one = runs_of(run, n);
            assert_true(cril_word_runs_next(&one));
            if (one.run != r.run)
                fail_msg("text %zu, run %zu: %s", n_texts, i, run);
        }
        assert_false(cril_word_runs_next(&r));
        n_texts++;
    }
    assert_true(feof(f));
    assert_in_range(n_texts, 50, 10000);
    fclose(f);
}

/* ---- Items ---- */

static void write_file(const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", root, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

#define LONG "Alice has three red apples and gives two of them to her old friend Bob today"
#define OTHER                                                                                      \
    "A train leaves the station at nine and travels sixty miles an hour until noon exactly"

static int make_data(void **state)
{
    char path[256];

    (void)state;
    strcpy(root, "/tmp/cril-test-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/gsm8k", root);
    assert_int_equal(mkdir(path, 0777), 0);
    write_file("gsm8k/test.jsonl",
               "{\"question\": \"" LONG "\", \"answer\": \"One is left. #### 1\"}\n"
               "{\"question\": \"Short?\", \"answer\": \"#### 2\"}\n"
               "{\"question\": \"" OTHER "\", \"answer\": \"" LONG " #### 3\"}\n");
    return 0;
}

static int drop_data(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command);
}

static cril_overlap *make(const cril_overlap_options *options)
{
    cril_overlap *o;
    cril_error err;

    assert_int_equal(cril_overlap_create(options, &o, &err), CRIL_OK);
    if (cril_overlap_add_task(o, "gsm8k", root, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return o;
}

static uint64_t scan(cril_overlap *o, const char *text, uint64_t document)
{
    uint64_t found;
    cril_error err;

    assert_int_equal(cril_overlap_scan(o, text, strlen(text), document, &found, &err), CRIL_OK);
    return found;
}

static void test_items(void **state)
{
    (void)state;
    cril_overlap *o = make(NULL);
    cril_overlap_task t;
    cril_overlap_item i;

    assert_true(cril_overlap_task_at(o, 0, &t));
    assert_string_equal(t.name, "gsm8k");
    assert_int_equal(t.items, 3);
    assert_int_equal(t.testable, 2);
    assert_int_equal(t.found, 0);
    assert_int_equal(
        scan(o, "Nothing of it is here, and that in more than thirteen words, surely.", 0), 0);
    assert_int_equal(scan(o, "three red apples and gives two of them to her old friend", 1), 0);
    /* 13 words of two items, punctuation and case aside */
    assert_int_equal(
        scan(o, "so: THREE red apples, and gives two of them to her old friend Bob; etc", 2), 2);
    assert_int_equal(scan(o, LONG " " LONG, 3), 2);
    assert_int_equal(scan(o, OTHER, 4), 1);
    assert_true(cril_overlap_task_at(o, 0, &t));
    assert_int_equal(t.found, 2);
    assert_true(cril_overlap_item_at(o, 0, 0, &i));
    assert_true(i.found && i.testable);
    assert_int_equal(i.document, 2);
    assert_string_equal(i.text, "THREE red apples, and gives two of them to her old friend Bob");
    assert_true(cril_overlap_item_at(o, 0, 1, &i));
    assert_false(i.found || i.testable);
    assert_int_equal(i.index, 1);
    assert_false(cril_overlap_item_at(o, 0, 3, &i));
    assert_false(cril_overlap_item_at(o, 1, 0, &i));
    assert_false(cril_overlap_task_at(o, 1, &t));
    cril_overlap_free(o);
}

static void test_fields(void **state)
{
    (void)state;
    static const char *const question[] = {"question"}, *const none[] = {"quest"};
    cril_overlap *o = make(&(cril_overlap_options){.fields = question, .n_fields = 1});
    cril_overlap_options few = {.n = 2, .fields = question, .n_fields = 1};
    cril_overlap_task t;
    cril_error err;

    assert_int_equal(scan(o, LONG, 0), 1); /* the third has it in its answer */
    cril_overlap_free(o);
    o = make(&few);
    assert_int_equal(scan(o, "the OLD, friend", 0), 1);
    cril_overlap_free(o);
    few.n = 1;
    o = make(&few);
    assert_true(cril_overlap_task_at(o, 0, &t));
    assert_int_equal(t.testable, 3);
    cril_overlap_free(o);
    assert_int_equal(
        cril_overlap_create(&(cril_overlap_options){.fields = none, .n_fields = 1}, &o, &err),
        CRIL_OK);
    assert_int_equal(cril_overlap_add_task(o, "gsm8k", root, &err), CRIL_ERR_RANGE);
    assert_string_equal(err.message, "gsm8k: no item has a text in the field \"quest\"; items have "
                                     "question, answer");
    cril_overlap_free(o);
}

static void test_refusals(void **state)
{
    (void)state;
    cril_overlap *o;
    cril_error err;

    assert_int_equal(cril_overlap_create(&(cril_overlap_options){.n = 65}, &o, &err),
                     CRIL_ERR_RANGE);
    assert_int_equal(cril_overlap_create(NULL, &o, &err), CRIL_OK);
    assert_int_equal(cril_overlap_add_task(o, "chess", root, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "chess: no such task"));
    assert_int_equal(cril_overlap_add_task(o, "mmlu", root, &err), CRIL_ERR_IO);
    cril_overlap_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_rolls),
        cmocka_unit_test(test_golden),
        cmocka_unit_test_setup_teardown(test_items, make_data, drop_data),
        cmocka_unit_test_setup_teardown(test_fields, make_data, drop_data),
        cmocka_unit_test_setup_teardown(test_refusals, make_data, drop_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
