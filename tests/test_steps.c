/*
 * The pure steps of a corpus against datatrove's own decisions (scripts/make_quality_golden.py),
 * and what datatrove does not do: repair of UTF-8, bounds of length, counts, any bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gather/step.h"
#include "gather/words.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cril_step_options no_options = {0};

/* What a step makes of the draft's text: NULL, or why it drops it. */
static const char *apply(const char *step, const struct cril_step_options *o, struct cril_draft *d,
                         struct cril_step_count *count)
{
    const struct cril_step *s = cril_step_find(step);
    const char *why = NULL;
    struct cril_step_run run;
    size_t dropped = 0;
    cril_error err;
    bool keep;

    assert_non_null(s);
    assert_true(cril_step_is_pure(s));
    memset(count, 0, sizeof(*count));
    if (cril_step_create(s, o, &run, &err) != CRIL_OK ||
        cril_step_apply(&run, d, count, &keep, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < s->n_drops; i++) {
        why = count->by[i] ? s->reasons[i] : why;
        dropped += count->by[i];
    }
    assert_int_equal(dropped, !keep);
    assert_int_equal(count->in, 1);
    assert_int_equal(count->out, keep);
    cril_step_free(&run);
    return why;
}

static const char *name_of(const json_t *record, const char *key)
{
    const char *name = json_string_value(json_object_get(record, key));

    return name ? name : "kept";
}

static void check_decision(const json_t *record, const char *step, struct cril_draft *d,
                           size_t line)
{
    const json_t *text = json_object_get(record, "text");
    struct cril_step_count count;
    const char *why;

    cril_draft_set(d, json_string_value(text), json_string_length(text));
    why = apply(step, &no_options, d, &count);
    if (strcmp(why ? why : "kept", name_of(record, step)) != 0)
        fail_msg("line %zu: %s: got %s, want %s", line, step, why ? why : "kept",
                 name_of(record, step));
}

static void check_text(const json_t *record, const char *key, const struct cril_draft *d,
                       size_t line)
{
    const json_t *want = json_object_get(record, key);

    if (json_is_null(want))
        return;
    if (d->len != json_string_length(want) || memcmp(d->text, json_string_value(want), d->len) != 0)
        fail_msg("line %zu: %s: got '%.*s', want '%s'", line, key, (int)d->len, d->text,
                 json_string_value(want));
}

static void check_words(const json_t *record, struct cril_draft *d, size_t line)
{
    const json_t *text = json_object_get(record, "text"), *words = json_object_get(record, "words");
    char word[512];
    cril_error err;

    if (json_is_null(words))
        return;
    cril_draft_set(d, json_string_value(text), json_string_length(text));
    assert_int_equal(cril_draft_words(d, &err), CRIL_OK);
    for (size_t i = 0; i < d->n_words || i < json_array_size(words); i++) {
        const char *want = json_string_value(json_array_get(words, i));
        size_t n = 0;

        if (i < d->n_words)
            n = cril_codes_write(d->codes + d->words[i].at, d->words[i].n, word);
        word[n] = '\0';
        if (!want || strcmp(word, want) != 0)
            fail_msg("line %zu, word %zu of '%s': got '%s', want '%s'", line, i + 1,
                     json_string_value(text), word, want ? want : "none");
    }
}

static void check_personal(const json_t *record, struct cril_draft *d, size_t line)
{
    const json_t *text = json_object_get(record, "text");
    struct cril_step_count count;

    cril_draft_set(d, json_string_value(text), json_string_length(text));
    assert_null(apply("personal", &no_options, d, &count));
    check_text(record, "personal", d, line);
    assert_int_equal(count.by[0] + count.by[1] > 0, count.changed);
}

static void test_golden(void **state)
{
    FILE *f = fopen(CRIL_TEST_DATA "/golden/quality.jsonl", "r");
    struct cril_draft d = {0};
    json_t *record;
    size_t line = 0;

    (void)state;
    assert_non_null(f);
    while ((record = json_loadf(f, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL)) != NULL) {
        line++;
        check_words(record, &d, line);
        check_decision(record, "gopher_quality", &d, line);
        check_decision(record, "gopher_repetition", &d, line);
        check_decision(record, "c4", &d, line);
        check_text(record, "c4_text", &d, line);
        check_personal(record, &d, line);
        json_decref(record);
    }
    assert_true(line > 150);
    fclose(f);
    cril_draft_free(&d);
}

static void test_personal(void **state)
{
    FILE *f = fopen(CRIL_TEST_DATA "/golden/personal.jsonl", "r");
    struct cril_draft d = {0};
    size_t line = 0, changed = 0;
    json_t *pair;

    (void)state;
    assert_non_null(f);
    while ((pair = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        const json_t *text = json_array_get(pair, 0), *want = json_array_get(pair, 1);
        struct cril_step_count count;

        cril_draft_set(&d, json_string_value(text), json_string_length(text));
        assert_null(apply("personal", &no_options, &d, &count));
        line++;
        changed += count.changed;
        if (d.len != json_string_length(want) ||
            memcmp(d.text, json_string_value(want), d.len) != 0)
            fail_msg("line %zu: '%s': got '%.*s', want '%s'", line, json_string_value(text),
                     (int)d.len, d.text, json_string_value(want));
        json_decref(pair);
    }
    assert_int_equal(line, 500);
    assert_true(changed > 50);
    fclose(f);
    cril_draft_free(&d);
}

/* A text that lies in a buffer, changed twice and as long as before, has changed. */
static void test_changed_alike(void **state)
{
    static const char text[] = "\xff abcde@example.com 88.214.171.124";
    struct cril_step_count count;
    struct cril_draft d = {0};

    (void)state;
    cril_draft_set(&d, text, strlen(text));
    assert_null(apply("utf8", &no_options, &d, &count));
    assert_int_equal(count.bytes_in, strlen(text));
    assert_int_equal(count.bytes_out, strlen(text) + 2);
    assert_null(apply("personal", &no_options, &d, &count));
    assert_int_equal(count.changed, 1);
    assert_int_equal(count.by[0], 1);
    assert_int_equal(count.by[1], 1);
    assert_int_equal(d.len, strlen(text) + 2);
    assert_memory_equal(d.text + 3, " email@example.com 22.214.171.124", d.len - 3);
    assert_null(apply("length", &no_options, &d, &count));
    assert_int_equal(count.changed, 0);
    cril_draft_free(&d);
}

static void test_utf8(void **state)
{
    struct cril_step_count count;
    struct cril_draft d = {0};

    (void)state;
    cril_draft_set(&d,
                   "a\xff"
                   "b\xe2\x82",
                   5);
    assert_null(apply("utf8", &no_options, &d, &count));
    assert_int_equal(d.len, 8);
    assert_memory_equal(d.text,
                        "a\xef\xbf\xbd"
                        "b\xef\xbf\xbd",
                        8);
    assert_int_equal(count.changed, 1);
    assert_int_equal(count.by[0], 1);
    assert_null(apply("utf8", &no_options, &d, &count));
    assert_int_equal(count.changed, 0);
    assert_int_equal(count.by[0], 0);
    cril_draft_free(&d);
}

static const char *length(const char *text, uint64_t min, uint64_t max)
{
    const struct cril_step_options o = {.min_characters = min, .max_characters = max};
    struct cril_step_count count;
    struct cril_draft d = {0};

    cril_draft_set(&d, text, strlen(text));
    return apply("length", &o, &d, &count);
}

static void test_length(void **state)
{
    (void)state;
    assert_null(length("", 0, 0));
    assert_null(length("\xc3\xa9\xc3\xa9", 2, 2));
    assert_string_equal(length("\xc3\xa9\xc3\xa9", 3, 0), "too_short");
    assert_string_equal(length("\xc3\xa9\xc3\xa9", 0, 1), "too_long");
}

/* NUL is a character like others, and not the end of a word of a table. */
static void test_nul(void **state)
{
    static const char text[] = "of\0x of\0\0 Mr.\0\0 let\0\0's he\0\0s";
    struct cril_step_count count;
    struct cril_draft d = {0};
    cril_error err;

    (void)state;
    cril_draft_set(&d, text, sizeof(text));
    assert_int_equal(cril_draft_words(&d, &err), CRIL_OK);
    assert_string_equal(apply("gopher_quality", &no_options, &d, &count), "gopher_short_doc");
    cril_draft_free(&d);
}

/* Any bytes: every pure step ends, and words are in order and within the text. */
static void test_bytes(void **state)
{
    static const char some[] =
        "ab.. \0'-n't:/@[]{}#\n\n \t1+,\xc3\xa9\xe2\x80\x99\xe2\x80\xa6\xff\x80$%s.";
    uint64_t seed = 7;
    struct cril_draft d = {0};
    struct cril_step_count count;
    size_t n_steps;
    const struct cril_step *const *steps = cril_steps(&n_steps);

    (void)state;
    for (size_t round = 0; round < 20000 / CRIL_TEST_SCALE; round++) {
        const size_t len = round % 97;
        char *text = malloc(len + 1); /* exactly: ASan sees a read past the end */
        cril_error err;
        size_t end = 0;

        assert_non_null(text);
        for (size_t i = 0; i < len; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[i] = some[(seed >> 33) % (sizeof(some) - 1)];
        }
        text = realloc(text, len ? len : 1);
        cril_draft_set(&d, text, len);
        assert_int_equal(cril_draft_words(&d, &err), CRIL_OK);
        for (size_t i = 0; i < d.n_words; i++) {
            assert_true(d.words[i].at >= end && d.words[i].n);
            end = d.words[i].at + d.words[i].n;
        }
        assert_true(end <= d.n_codes);
        for (size_t i = 0; i < n_steps; i++) {
            cril_draft_set(&d, text, len);
            if (cril_step_is_pure(steps[i]) && steps[i] != &cril_step_language) /* has a test */
                apply(steps[i]->name, &no_options, &d, &count);
        }
        free(text);
    }
    cril_draft_free(&d);
}

/* Gopher's largest document; it has no other fault. */
static void test_long(void **state)
{
    enum { WORDS = 100001 };
    char *text = malloc(WORDS * 4);
    struct cril_step_count count;
    struct cril_draft d = {0};

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < WORDS; i++)
        memcpy(text + 4 * i, i % 2 ? "the " : "and ", 4);
    cril_draft_set(&d, text, 4 * (WORDS - 1));
    assert_null(apply("gopher_quality", &no_options, &d, &count));
    cril_draft_set(&d, text, 4 * WORDS);
    assert_string_equal(apply("gopher_quality", &no_options, &d, &count), "gopher_long_doc");
    cril_draft_free(&d);
    free(text);
}

/* What C4's rules count: lines of documents that stay, by reason. */
static void test_c4_lines(void **state)
{
    static const char text[] = "No end\nAnd none\nTwo words.\nIt needs JavaScript.\n"
                               "See the cookie policy.\nOne two three. Four. Five. Six. Seven.";
    static const char *const names[] = {"line-filter-no_terminal_punc", "line-filter-too_few_words",
                                        "line-filter-javascript", "line-filter-policy",
                                        "line-filter-too_long_word"};
    static const uint64_t want[] = {2, 1, 1, 1, 0};
    const struct cril_step *s = cril_step_find("c4");
    struct cril_step_count count;
    struct cril_draft d = {0};

    (void)state;
    cril_draft_set(&d, text, strlen(text));
    assert_null(apply("c4", &no_options, &d, &count));
    assert_int_equal(count.changed, 1);
    assert_int_equal(d.len, strlen("One two three. Four. Five. Six. Seven."));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (size_t k = s->n_drops; k < cril_step_reasons(s); k++) {
            if (!strcmp(s->reasons[k], names[i]))
                assert_int_equal(count.by[k], want[i]);
        }
    }
    cril_draft_free(&d);
}

static void test_table(void **state)
{
    struct cril_step_count a = {.in = 3,
                                .out = 2,
                                .changed = 1,
                                .bytes_in = 9,
                                .bytes_out = 4,
                                .by = {1, 2}},
                           b = a;
    size_t n;
    const struct cril_step *const *steps = cril_steps(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(cril_step_find(steps[i]->name), steps[i]);
        assert_true(cril_step_reasons(steps[i]) >= steps[i]->n_drops);
        assert_int_equal(steps[i]->on & ~steps[i]->kinds, 0);
        assert_int_equal(steps[i]->what[strlen(steps[i]->what) - 1], '.');
    }
    assert_null(cril_step_find("gopher"));
    for (size_t i = 0; i < 3; i++) { /* neither Gopher nor C4 on code or TeX */
        static const char *const prose[] = {"gopher_quality", "gopher_repetition", "c4"};

        assert_int_equal(cril_step_find(prose[i])->kinds & (CRIL_STEP_CODE | CRIL_STEP_TEX), 0);
    }
    assert_int_equal(cril_step_find("c4")->on, 0);
    cril_step_count_add(&a, &b);
    assert_int_equal(a.in, 6);
    assert_int_equal(a.out, 4);
    assert_int_equal(a.changed, 2);
    assert_int_equal(a.bytes_in, 18);
    assert_int_equal(a.bytes_out, 8);
    assert_int_equal(a.by[1], 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),        cmocka_unit_test(test_personal),
        cmocka_unit_test(test_utf8),          cmocka_unit_test(test_length),
        cmocka_unit_test(test_bytes),         cmocka_unit_test(test_table),
        cmocka_unit_test(test_changed_alike), cmocka_unit_test(test_nul),
        cmocka_unit_test(test_long),          cmocka_unit_test(test_c4_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
