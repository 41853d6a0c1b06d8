/*
 * Leak scores of a study: which texts a benchmark's files and a control have, by what they are
 * known, and that a model's figures are those of its membership scores.
 */
#define _GNU_SOURCE /* mkdtemp, nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "study/leaks.h"
#include "study_files.h"

#include <cril/membership.h>
#include <sys/stat.h>

static cril_study_benchmark benchmark = {.name = "G", .task = "gsm8k"};
static cril_study_leak leak = {.benchmark = "G", .limit = 3};
static const cril_study_info study = {
    .path = "s.yaml", .benchmarks = &benchmark, .n_benchmarks = 1};

static void write_file(const char *name, const char *text)
{
    FILE *f = create(file(name));

    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
    if (make_folder(state) || mkdir(file("gsm8k"), 0700))
        return -1;
    write_file("gsm8k/test.jsonl",
               "{\"question\": \"How many mills stood by the river?\", \"answer\": \"#### 1\"}\n"
               "{\"question\": \"Q2\", \"answer\": \"#### 2\"}\n"
               "{\"question\": \"How many sacks of barley were there?\", \"answer\": \"#### 3\"}\n"
               "{\"question\": \"Q4\", \"answer\": \"#### 4\"}\n");
    write_file("gsm8k/train.jsonl",
               "{\"question\": \"T1\", \"answer\": \"#### 5\"}\n{\"question\": \"T2\", \"answer\": "
               "\"#### 6\"}\n");
    write_file(
        "control.jsonl",
        "{\"a\": 1, \"b\": [\"She said that the mill would\", {\"c\": \"not stand\\n\"}], \"d\": "
        "null}\n"
        "{\"a\": 2}\n"
        "{\"b\": \"He said that it had been said before.\"}\n{\"b\": \"third\"}\n{\"b\": \"4\"}\n");
    benchmark.data = folder;
    leak.control = file("control.jsonl");
    return 0;
}

static void has(const struct cril_leak_texts *t, size_t i, const char *text)
{
    assert_true(i < t->n);
    assert_int_equal(t->text[i].len, strlen(text));
    assert_memory_equal(t->text[i].data, text, strlen(text));
}

static struct cril_leak_texts read_part(enum cril_leak_part part)
{
    struct cril_leak_texts t = {0};
    cril_error err;

    check_ok(cril_leak_read(&study, &leak, part, &t, &err));
    return t;
}

static struct cril_leak_texts read_control(void)
{
    struct cril_leak_texts t = {0};
    cril_error err;

    check_ok(cril_leak_read_control(&leak, &t, &err));
    return t;
}

static void test_texts(void **state)
{
    struct cril_leak_texts test = read_part(CRIL_LEAK_TEST), train = read_part(CRIL_LEAK_TRAIN),
                           control = read_control();

    (void)state;
    assert_int_equal(test.n, 3); /* the limit */
    has(&test, 0, "How many mills stood by the river?\n#### 1");
    has(&test, 2, "How many sacks of barley were there?\n#### 3");
    assert_int_equal(train.n, 2);
    has(&train, 1, "T2\n#### 6");
    assert_int_equal(control.n, 3); /* a record without a text is none */
    has(&control, 0, "She said that the mill would\nnot stand\n");
    has(&control, 2, "third");
    cril_leak_texts_free(&test);
    cril_leak_texts_free(&train);
    cril_leak_texts_free(&control);
    assert_int_equal(control.n, 0);
}

/* A file that is not there is no fault of a train split; of test items and a control it is one. */
static void test_files(void **state)
{
    struct cril_leak_texts t = {0};
    cril_study_leak other = leak;
    cril_error err;

    (void)state;
    assert_int_equal(rename(file("gsm8k/train.jsonl"), file("gsm8k/away")), 0);
    t = read_part(CRIL_LEAK_TRAIN);
    assert_int_equal(t.n, 0);
    assert_int_equal(rename(file("gsm8k/away"), file("gsm8k/train.jsonl")), 0);
    benchmark.task = "mmlu"; /* its subjects' shots are left out */
    t = read_part(CRIL_LEAK_TRAIN);
    assert_int_equal(t.n, 0);
    check_refused(cril_leak_read(&study, &leak, CRIL_LEAK_TEST, &t, &err), CRIL_ERR_IO, "mmlu");
    benchmark.task = "gsm8k";
    other.benchmark = "H";
    check_refused(cril_leak_read(&study, &other, CRIL_LEAK_TEST, &t, &err), CRIL_ERR_RANGE,
                  "benchmark \"H\"");
    other.control = file("none.jsonl");
    check_refused(cril_leak_read_control(&other, &t, &err), CRIL_ERR_IO, "none.jsonl");
    write_file("bad.jsonl", "{\"a\": \"b\"}\nno record\n");
    other.control = file("bad.jsonl");
    check_refused(cril_leak_read_control(&other, &t, &err), CRIL_ERR_FORMAT, "bad.jsonl:2");
    assert_int_equal(t.n, 0);
}

static void identify(const struct cril_leak_texts *a, const struct cril_leak_texts *b, char out[65])
{
    cril_error err;

    check_ok(cril_leak_identify(a, b, out, &err));
}

static void test_identity(void **state)
{
    struct cril_bytes one[] = {{"ab", 2}, {"c", 1}}, two[] = {{"a", 1}, {"bc", 2}},
                      lines[] = {{"ab\nc", 4}};
    const struct cril_leak_texts a = {one, 2, 2}, b = {two, 2, 2}, c = {one, 1, 1},
                                 d = {one + 1, 1, 1}, none = {0}, e = {lines, 1, 1};
    const struct cril_leak_texts *const pairs[][2] = {
        {&a, &b}, {&b, &a}, {&a, &a},    {&b, &b},    {&a, &c},    {&c, &a},
        {&a, &d}, {&c, &d}, {&a, &none}, {&none, &a}, {&e, &none}, {&none, &none}};
    enum { N = sizeof(pairs) / sizeof(*pairs) };
    char hashes[N][65], again[65], name[16];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        identify(pairs[i][0], pairs[i][1], hashes[i]);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(hashes[i], hashes[k]);
        identify(pairs[i][0], pairs[i][1], again);
        assert_string_equal(hashes[i], again);
    }
    assert_true(cril_leak_name(&leak, CRIL_LEAK_TEST, name, sizeof(name)));
    assert_string_equal(name, "G test");
    assert_true(cril_leak_name(&leak, CRIL_LEAK_TRAIN, name, 8));
    assert_string_equal(name, "G train");
    assert_false(cril_leak_name(&leak, CRIL_LEAK_TRAIN, name, 7));
}

/* Beside membership scores of the same texts as corpora. */
static void test_measure(void **state)
{
    static const size_t scores[] = {CRIL_MEMBERSHIP_MIN_K + 2, CRIL_MEMBERSHIP_MIN_K_PLUS_PLUS + 1,
                                    CRIL_MEMBERSHIP_LOSS};
    const cril_corpus_options jsonl = {.format = "jsonl"};
    const cril_interval wanted = {.level = .95, .resamples = 1000};
    const cril_membership_options o = {.controls = true};
    const cril_score_options none = {0};
    struct cril_leak_texts test = read_part(CRIL_LEAK_TEST), control = read_control();
    cril_store_leak rows[CRIL_LEAK_SCORES];
    cril_membership_separation x;
    cril_membership *s;
    cril_model *m;
    cril_error err;
    size_t n;

    (void)state;
    check_ok(cril_model_open(CRIL_TEST_DATA "/golden/tiny-llama.gguf", &m, &err));
    check_ok(cril_leak_measure(m, &none, &test, &control, NULL, rows, &n, &err));
    assert_int_equal(n, 4);
    write_file("set.jsonl", "{\"content\": \"How many mills stood by the river?\\n#### 1\"}\n"
                            "{\"content\": \"Q2\\n#### 2\"}\n"
                            "{\"content\": \"How many sacks of barley were there?\\n#### 3\"}\n");
    write_file("other.jsonl", "{\"content\": \"She said that the mill would\\nnot stand\\n\"}\n"
                              "{\"content\": \"He said that it had been said before.\"}\n");
    check_ok(cril_membership_create(m, &o, &s, &err));
    check_ok(cril_membership_add(s, file("set.jsonl"), &jsonl, false, NULL, NULL, &err));
    check_ok(cril_membership_add(s, file("other.jsonl"), &jsonl, true, NULL, NULL, &err));
    for (size_t i = 0; i < 4; i++) {
        if (i < 3)
            check_ok(cril_membership_separate(s, scores[i], &wanted, &x, &err));
        else
            check_ok(cril_membership_blind(s, &wanted, &x, &err));
        assert_string_equal(rows[i].score, cril_leak_score_names[i]);
        assert_true(rows[i].n_set == 2 && rows[i].n_control == 2);
        assert_true(rows[i].auc == x.separation.auc &&
                    rows[i].low == x.separation.auc_interval.low &&
                    rows[i].high == x.separation.auc_interval.high);
        assert_true(rows[i].numerics == CRIL_NUMERICS && rows[i].rules == CRIL_RULES);
    }
    cril_membership_free(s);
    test.n = 1; /* one with scores, one too short */
    check_refused(cril_leak_measure(m, &none, &test, &control, NULL, rows, &n, &err),
                  CRIL_ERR_EMPTY, "1 texts of the benchmark and 2 of the control");
    test.n = 3;
    cril_leak_texts_free(&test);
    cril_leak_texts_free(&control);
    cril_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts), cmocka_unit_test(test_files),
                                       cmocka_unit_test(test_identity),
                                       cmocka_unit_test(test_measure)};

    return cmocka_run_group_tests(tests, set_up, remove_folder);
}
