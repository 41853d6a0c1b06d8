/* The line of progress: it fits any width, and what tells least goes first. */
#include "progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct cril_progress_state half = {.fraction = 0.5,
                                                .seconds = 60,
                                                .seconds_left = 3723,
                                                .tokens = 60000,
                                                .figure = "BPC",
                                                .value = 0.91234};
static const struct cril_progress cell = {.name = "SmolLM2-135M on common-crawl by document",
                                          .phase = "cell 3 of 12,"};

static void check(int columns, const struct cril_progress *p, const char *want)
{
    char line[256];
    const int width = cril_progress_line(line, sizeof(line), columns, p, &half);

    assert_string_equal(line, want);
    if (!strstr(want, "\xE6")) /* a wide character has three bytes and two columns */
        assert_int_equal(width, strlen(want));
}

static void test_widths(void **state)
{
    (void)state;
    check(0, &cell,
          "cell 3 of 12, SmolLM2-135M on common-crawl by document   50 %  1000 tokens/s"
          "  1:02:03 left  BPC 0.9123");
    check(100, &cell,
          "cell 3 of 12, SmolLM2-135M on co...crawl by document   50 %  1000 tokens/s"
          "  1:02:03 left  BPC 0.9123");
    check(60, &cell, "cell 3 of 12, SmolLM2-135...by document   50 %  1:02:03 left");
    check(40, &cell, "SmolLM2-...document   50 %  1:02:03 left");
    check(24, &cell, "SmolLM2...ocument   50 %");
    check(10, &cell, "Smol...ent");
    check(4, &cell, "Smol");
    check(1, &cell, "S");
}

/* What is fetched has bytes for tokens, and no figure. */
static void test_bytes(void **state)
{
    const struct cril_progress_state s = {
        .fraction = 0.25, .seconds = 2, .seconds_left = 6, .bytes = 25000000};
    const struct cril_progress p = {.name = "hf:o/n"};
    char line[256];

    (void)state;
    cril_progress_line(line, sizeof(line), 0, &p, &s);
    assert_string_equal(line, "hf:o/n   25 %  12.5 MB/s  0:06 left");
}

/* At any width it fits, and uses what it has where something was left out. */
static void test_all_widths(void **state)
{
    char whole[256], line[256];
    const int full = cril_progress_line(whole, sizeof(whole), 0, &cell, &half);

    (void)state;
    for (int columns = 1; columns <= full + 5; columns++) {
        const int width = cril_progress_line(line, sizeof(line), columns, &cell, &half);

        assert_int_equal(width, strlen(line));
        assert_true(width <= columns);
        assert_true(columns < full ? width == columns : strcmp(line, whole) == 0);
    }
}

static void test_names(void **state)
{
    struct cril_progress p = {.name = "\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97.txt"};

    (void)state;
    check(26, &p, "\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97.txt   50 %");
    check(10, &p, "\xE6\xBC\xA2\xE5\xAD\x97...txt"); /* no half of a wide one */
    p.name = "a\033[2J\n";
    check(60, &p, "a\\x1B[2J\\n   50 %  1000 tokens/s  1:02:03 left  BPC 0.9123");
    p.name = "";
    check(30, &p, "   50 %  1:02:03 left");
}

/* Where standard error is no terminal, a line of its own whenever one is due. */
static void test_log(void **state)
{
    const int before = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    struct cril_progress p;
    char text[512];
    size_t n;

    (void)state;
    assert_true(file && before >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    cril_progress_init(&p, false);
    p.name = "a.txt";
    cril_progress_show(&p, &half); /* not yet */
    p.every_sec = 0;
    cril_progress_show(&p, &half);
    cril_progress_show(&p, &half);
    cril_progress_clear(&p);
    cril_progress_init(&p, true);
    p.every_sec = 0;
    cril_progress_show(&p, &half);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    rewind(file);
    n = fread(text, 1, sizeof(text) - 1, file);
    text[n] = '\0';
    fclose(file);
#define LINE "cril: a.txt   50 %  1000 tokens/s  1:02:03 left  BPC 0.9123\n"
    assert_string_equal(text, LINE LINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_widths),     cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_all_widths), cmocka_unit_test(test_names),
        cmocka_unit_test(test_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
