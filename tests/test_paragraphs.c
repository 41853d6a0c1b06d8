/* Paragraphs seen before: examples, and the same lines as a plain search finds, with any memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gather/step.h"
#include "util/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(cril_status st, const cril_error *err)
{
    if (st != CRIL_OK)
        fail_msg("%s", err->message);
}

/* What the step makes of n texts: each into out, to be freed; NULL: it is dropped. */
static void run_step(const char *const *texts, size_t n, size_t memory, char **out,
                     struct cril_step_count *count)
{
    const struct cril_step_options o = {.memory_bytes = memory};
    struct cril_step_marks m = {0};
    struct cril_draft d = {0};
    struct cril_step_run run;
    cril_error err;
    bool keep;

    memset(count, 0, sizeof(*count));
    check(cril_step_create(&cril_step_paragraphs, &o, &run, &err), &err);
    for (size_t i = 0; i < n; i++) {
        cril_draft_set(&d, texts[i], strlen(texts[i]));
        check(cril_step_mark(&run, &d, &m, &err), &err);
        check(cril_step_note(&run, &m, &err), &err);
    }
    check(cril_step_decide(&run, &err), &err);
    for (size_t i = 0; i < n; i++) {
        cril_draft_set(&d, texts[i], strlen(texts[i]));
        check(cril_step_apply(&run, &d, count, &keep, &err), &err);
        out[i] = keep ? strndup(d.text, d.len) : NULL;
        if (!keep)
            assert_ptr_equal(d.text, texts[i]);
    }
    cril_step_free(&run);
    cril_draft_free(&d);
    free(m.values);
}

static void test_examples(void **state)
{
    static const char *const texts[] = {
        "One line.\nTwo lines.\n",
        "two LINES\nThree lines.\n\none line\n***\nFour.\nOne line", /* marks go with the line above
                                                                      */
        "ONE\tline!\n\n  --",
        "",
        "\n\n--\n",
        "Caf\xc3\xa9 12,5\nCafe 7",
        "Five.\nFour",
        "Four.\nFive.\nSix.\n",
    };
    static const char *const want[] = {
        "One line.\nTwo lines.\n",
        "Three lines.\n\nFour.",
        NULL,
        "",
        "\n\n--\n",
        "Caf\xc3\xa9 12,5",
        "Five.",
        "Six.\n",
    };
    enum { N = sizeof(texts) / sizeof(texts[0]) };
    char *got[N];
    struct cril_step_count count;

    (void)state;
    run_step(texts, N, 0, got, &count);
    for (size_t i = 0; i < N; i++) {
        if (!got[i] != !want[i] || (got[i] && strcmp(got[i], want[i]) != 0))
            fail_msg("text %zu: got '%s', want '%s'", i, got[i] ? got[i] : "none",
                     want[i] ? want[i] : "none");
        free(got[i]);
    }
    assert_int_equal(count.in, N);
    assert_int_equal(count.out, N - 1);
    assert_int_equal(count.changed, 4);
    assert_int_equal(count.by[0], 1);
    assert_int_equal(count.by[1], 3 + 1 + 1 + 2);
}

enum { N_TEXTS = 2000, MAX_LINES = 12, LINES = 6000 };

/* Lines of numbers spelt in letters, so that normalising changes none. */
static void spell(uint32_t value, char line[8])
{
    for (int i = 0; i < 6; i++, value /= 10)
        line[i] = (char)('a' + value % 10);
    strcpy(line + 6, "\n");
}

static void test_plain_search(void **state)
{
    static const size_t memory[] = {1 << 14, 1 << 16, 1 << 22};
    static char texts[N_TEXTS][MAX_LINES * 7 + 1], want[N_TEXTS][MAX_LINES * 7 + 1];
    static const char *given[N_TEXTS];
    static char *got[N_TEXTS];
    static bool seen[LINES];
    struct cril_random g = cril_random_seed(3);
    struct cril_step_count count;

    (void)state;
    for (size_t i = 0; i < N_TEXTS; i++) {
        const uint32_t n = cril_random_below(&g, MAX_LINES + 1);

        given[i] = texts[i];
        for (uint32_t k = 0; k < n; k++) {
            const uint32_t value = cril_random_below(&g, LINES);
            char line[8];

            spell(value, line);
            strcat(texts[i], line);
            if (!seen[value])
                strcat(want[i], line);
            seen[value] = true;
        }
    }
    for (size_t m = 0; m < sizeof(memory) / sizeof(memory[0]); m++) {
        run_step(given, N_TEXTS, memory[m], got, &count);
        for (size_t i = 0; i < N_TEXTS; i++) {
            if (got[i])
                assert_string_equal(got[i], want[i]);
            else
                assert_true(*texts[i] && !*want[i]);
            free(got[i]);
        }
        assert_int_equal(count.in, N_TEXTS);
        assert_true(count.changed > 1000 && count.by[0] > 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_plain_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
