/*
 * Results files of lm-evaluation-harness: what is taken of them, what is left out, and each fault
 * with its place. The two files in golden/ have the layout of versions 0.4.13 and 0.4.0.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "study/file.h"
#include "study/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN CRIL_TEST_DATA "/golden/"

static const char study_text[] =
    "models: [{name: Llama}, {name: Qwen}]\n"
    "corpora: [{name: cc}]\n"
    "benchmarks:\n"
    "  - {name: MMLU, task: mmlu, metric: acc}\n"
    "  - {name: GSM8K, task: gsm8k, metric: exact_match, filter: strict-match}\n"
    "  - {name: GSM8K-flex, task: gsm8k, metric: exact_match, filter: flexible-extract}\n"
    "  - {name: HumanEval, task: humaneval, metric: pass@1, filter: create_test}\n"
    "  - {name: HellaSwag, task: hellaswag, metric: acc_norm}\n"
    "  - {name: MATH}\n";

static cril_study *make_study(const char *text)
{
    cril_study *s;
    cril_study_faults faults;

    if (cril_study_read("lab/study.yaml", text, strlen(text), false, &s, &faults) != CRIL_OK)
        fail_msg("%s", faults.fault[0].message);
    return s;
}

static bool is_unknown(double se)
{
    return isnan(se);
}

static void expect_row(const cril_harness *h, const char *of, double value, double se,
                       const char *source)
{
    for (size_t i = 0; i < h->n; i++)
        if (strcmp(h->rows[i].of, of) == 0) {
            assert_string_equal(h->rows[i].model, "Llama");
            assert_true(h->rows[i].value == value);
            assert_true(h->rows[i].se == se || (se < 0 && is_unknown(h->rows[i].se)));
            assert_string_equal(h->rows[i].source, source);
            return;
        }
    fail_msg("%s was not taken", of);
}

static void expect_left_out(const cril_harness *h, size_t i, const char *task, const char *metric,
                            const char *filter)
{
    assert_true(i < h->n_left_out);
    assert_string_equal(h->left_out[i].task, task);
    assert_string_equal(h->left_out[i].metric, metric);
    assert_string_equal(h->left_out[i].filter, filter);
}

enum { NOT_KNOWN = -1 };

static void takes_what_the_study_maps(void **state)
{
    static const char *const paths[] = {GOLDEN "harness-new.json"};
    cril_study *s = make_study(study_text);
    cril_harness h;
    cril_error err;

    (void)state;
    if (cril_harness_read(paths, 1, cril_study_info_of(s), "Llama", &h, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(h.n, 4); /* two filters are two scores, a group is one */
    expect_row(
        &h, "GSM8K", 0.4321, 0.0125,
        "lm-evaluation-harness 0.4.13: gsm8k version 3.0, exact_match, strict-match, 5-shot, "
        "1319 samples");
    expect_row(&h, "GSM8K-flex", 0.4412, 0.0126,
               "lm-evaluation-harness 0.4.13: gsm8k version 3.0, exact_match, flexible-extract, "
               "5-shot, 1319 samples");
    expect_row(&h, "MMLU", 0.5, 0.03125,
               "lm-evaluation-harness 0.4.13: mmlu version 2, acc, none, 5-shot");
    expect_row(&h, "HumanEval", 0.25, NOT_KNOWN,
               "lm-evaluation-harness 0.4.13: humaneval version 1.0, pass@1, create_test, 0-shot, "
               "20 of 164 samples");
    assert_string_equal(h.models[0], "lab/llama");
    assert_int_equal(h.n_left_out, 3);
    expect_left_out(&h, 0, "mmlu_anatomy", "acc", "none");
    expect_left_out(&h, 1, "mmlu_virology", "acc", "none");
    expect_left_out(&h, 2, "wikitext", "bits_per_byte", "none");
    cril_harness_free(&h);
    cril_harness_free(&h);
    cril_study_close(s);
}

/* Without n-samples, higher_is_better and the version of the harness. */
static void reads_older_files(void **state)
{
    static const char *const paths[] = {GOLDEN "harness-old.json"};
    cril_study *s = make_study(study_text);
    cril_harness h;
    cril_error err;

    (void)state;
    if (cril_harness_read(paths, 1, cril_study_info_of(s), "Llama", &h, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(h.n, 2);
    expect_row(&h, "MMLU", 0.5, 0.03125,
               "lm-evaluation-harness 0ec7174: mmlu, acc, none, limit 20.0");
    expect_row(&h, "HellaSwag", 1, 0,
               "lm-evaluation-harness 0ec7174: hellaswag version Yaml, acc_norm, none, 10-shot, "
               "limit 20.0");
    assert_string_equal(h.models[0], "");
    assert_int_equal(h.n_left_out, 2);
    cril_harness_free(&h);
    cril_study_close(s);
}

static void puts_files_together(void **state)
{
    static const char *const paths[] = {GOLDEN "harness-old.json", GOLDEN "harness-new.json"};
    cril_study *s = make_study(study_text);
    struct cril_harness_text other[] = {
        {"a.json", "{\"results\": {\"mmlu\": {\"acc,none\": 0.5}}}", 0},
        {"b.json", "{\"results\": {\"mmlu\": {\"acc,none\": 0.51}}}", 0}};
    cril_harness h;
    cril_error err;

    (void)state;
    assert_int_equal(cril_harness_read(paths, 2, cril_study_info_of(s), "Llama", &h, &err),
                     CRIL_OK);
    assert_int_equal(h.n, 5); /* MMLU stands in both, and is the same */
    cril_harness_free(&h);
    for (size_t i = 0; i < 2; i++)
        other[i].len = strlen(other[i].data);
    assert_int_equal(cril_harness_parse(other, 2, cril_study_info_of(s), "Llama", &h, &err),
                     CRIL_ERR_FORMAT);
    assert_string_equal(err.message, "b.json: results.mmlu[\"acc,none\"] differs from the score in "
                                     "a.json; keep one of them");
    cril_study_close(s);
}

#define SCORE(scores) "{\"results\": {\"mmlu\": {" scores "}}}"

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *says;
        cril_status status;
    } cases[] = {
        {"", "is not JSON", CRIL_ERR_FORMAT},
        {"{\"results\": ", "line 1, column 12: is not JSON", CRIL_ERR_FORMAT},
        {SCORE("\"acc,none\": NaN"), "JSON has no NaN", CRIL_ERR_FORMAT},
        {SCORE("\"acc,none\": -Infinity"), "is not JSON", CRIL_ERR_FORMAT},
        {SCORE("\"acc,none\": 1e999"), "is not JSON", CRIL_ERR_FORMAT},
        {SCORE("\"acc,none\": 0.5, \"acc,none\": 0.6"), "is not JSON (duplicate object key",
         CRIL_ERR_FORMAT},
        {SCORE("\"acc,none\": 0.5") "\n" SCORE("\"acc,none\": 0.5"), "is not JSON",
         CRIL_ERR_FORMAT},
        {SCORE("\"a\\u0000,none\": 0.5"), "is not JSON", CRIL_ERR_FORMAT},
        {"[]", "has no \"results\"", CRIL_ERR_FORMAT},
        {"{}", "has no \"results\"", CRIL_ERR_FORMAT},
        {"{\"results\": []}", "has no \"results\"", CRIL_ERR_FORMAT},
        {"{\"results\": {\"mmlu\": 0.5}}", "\"results\" holds a value that is not a task",
         CRIL_ERR_FORMAT},
        {"{\"results\": {\"\": {}}}", "\"results\" holds a value that is not a task",
         CRIL_ERR_FORMAT},
        {"{\"results\": {\"m\\u001b[2J\": {}}}", "\"results\" holds a value that is not a task",
         CRIL_ERR_FORMAT},
        {SCORE("\"acc\\n,none\": 0.5"), "results.mmlu has a key that is not a line of text",
         CRIL_ERR_FORMAT},
        {"{\"results\": {\"mmlu\": {\"acc,none\": 0.5}}, \"groups\": 1}",
         "\"groups\" is not a mapping of tasks", CRIL_ERR_FORMAT},
        {SCORE("\"acc\": 0.5, \"acc_stderr\": 0.1"),
         "files of lm-evaluation-harness have them since "
         "version 0.4",
         CRIL_ERR_UNSUPPORTED},
        {SCORE("\"acc,custom\": 0.5"),
         "holds no score that a benchmark of lab/study.yaml is mapped to (there is: mmlu "
         "acc,custom)",
         CRIL_ERR_EMPTY},
        {SCORE("\"acc,none\": \"N/A\""), "results.mmlu[\"acc,none\"] is no number",
         CRIL_ERR_FORMAT},
        {SCORE("\"acc,none\": true"), "is no number", CRIL_ERR_FORMAT},
        {SCORE("\"acc,none\": null"), "is no number", CRIL_ERR_FORMAT},
        {SCORE("\"acc,none\": [0.5]"), "is no number", CRIL_ERR_FORMAT},
        {SCORE("\"acc,none\": 45.25"),
         "is 45.25, but a score is from 0 to 1; import scores of another scale with --scores and a "
         "column unit",
         CRIL_ERR_FORMAT},
        {SCORE("\"acc,none\": -0.5"), "is -0.5, but a score is from 0 to 1", CRIL_ERR_FORMAT},
        {SCORE("\"acc,none\": 0.5, \"acc_stderr,none\": \"n/a\""),
         "results.mmlu[\"acc,none\"] has a standard error that is no number", CRIL_ERR_FORMAT},
        {SCORE("\"acc,none\": 0.5, \"acc_stderr,none\": -1"), "has a standard error that is -1",
         CRIL_ERR_FORMAT},
        {"{\"results\": {\"mmlu\": {\"acc,none\": 0.5}}, \"higher_is_better\": {\"mmlu\": "
         "{\"acc\": "
         "false}}}",
         "has a metric that is better when lower", CRIL_ERR_FORMAT},
        {"{\"results\": {\"mmlu\": {\"acc,none\": 0.5}}, \"higher_is_better\": {\"mmlu\": "
         "{\"acc\": "
         "\"yes\"}}}",
         "has a higher_is_better that is not true, false or null", CRIL_ERR_FORMAT},
        {"{\"results\": {\"mmlu\": {\"acc,none\": 0.5}}, \"groups\": {\"mmlu\": {\"acc,none\": "
         "0.6}}}",
         "groups.mmlu[\"acc,none\"] differs from the score in \"results\"", CRIL_ERR_FORMAT},
        {"{\"results\": {\"mmlu\": {\"acc,none\": 0.5}}, \"versions\": {\"mmlu\": [1]}}",
         "\"versions\" holds a value that is neither a number nor a short text", CRIL_ERR_FORMAT},
        {"{\"results\": {\"mmlu\": {\"acc,none\": 0.5}}, \"n-shot\": {\"mmlu\": {}}}",
         "\"n-shot\" holds a value that is neither", CRIL_ERR_FORMAT},
        {"{\"results\": {\"mmlu\": {\"acc,none\": 0.5}}, \"n-samples\": {\"mmlu\": 5}}",
         "\"n-samples\" of mmlu holds a value that is not a count", CRIL_ERR_FORMAT},
        {"{\"results\": {\"mmlu\": {\"acc,none\": 0.5}}, \"n-samples\": {\"mmlu\": {\"effective\": "
         "\"5\"}}}",
         "\"n-samples\" of mmlu holds a value that is not a count", CRIL_ERR_FORMAT},
        {"{\"results\": {\"mmlu\": {\"acc,none\": 0.5}}, \"lm_eval_version\": \"a\\nb\"}",
         "\"lm_eval_version\" holds a value that is neither a number nor a short text",
         CRIL_ERR_FORMAT},
    };
    cril_study *s = make_study(study_text);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct cril_harness_text t = {"r.json", cases[i].text, strlen(cases[i].text)};
        cril_harness h;
        cril_error err = {.message = ""};
        const cril_status st = cril_harness_parse(&t, 1, cril_study_info_of(s), "Llama", &h, &err);

        if (st != cases[i].status || !strstr(err.message, cases[i].says))
            fail_msg("case %zu: status %d, says: %s", i, (int)st, err.message);
        assert_true(strncmp(err.message, "r.json: ", 8) == 0);
    }
    cril_study_close(s);
}

static void bounds_what_it_reads(void **state)
{
    enum { DEPTH = 100000 };
    char *deep = malloc(DEPTH + 1);
    struct cril_harness_text t = {"r.json", deep, DEPTH};
    cril_study *s = make_study(study_text);
    cril_harness h;
    cril_error err;

    (void)state;
    assert_non_null(deep);
    memset(deep, '[', DEPTH);
    deep[DEPTH] = '\0';
    assert_int_equal(cril_harness_parse(&t, 1, cril_study_info_of(s), "Llama", &h, &err),
                     CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, "depth"));
    t.len = (size_t)1 << 30; /* not looked at */
    assert_int_equal(cril_harness_parse(&t, 1, cril_study_info_of(s), "Llama", &h, &err),
                     CRIL_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "is larger than 64 MiB"));
    free(deep);
    cril_study_close(s);
}

static void needs_a_model_and_a_mapping(void **state)
{
    static const char *const paths[] = {GOLDEN "harness-new.json"}, *const none[] = {"/nowhere"};
    cril_study *s = make_study(study_text),
               *unmapped = make_study("models: [{name: Llama}]\ncorpora: [{name: cc}]\n"
                                      "benchmarks: [{name: MMLU}]\n");
    cril_harness h;
    cril_error err;

    (void)state;
    assert_int_equal(cril_harness_read(paths, 1, cril_study_info_of(s), "Lama", &h, &err),
                     CRIL_ERR_RANGE);
    assert_string_equal(err.message,
                        "lab/study.yaml: has no model \"Lama\"; did you mean \"Llama\"?");
    assert_int_equal(cril_harness_read(paths, 1, cril_study_info_of(unmapped), "Llama", &h, &err),
                     CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "maps no benchmark to a task"));
    assert_int_equal(cril_harness_read(none, 1, cril_study_info_of(s), "Llama", &h, &err),
                     CRIL_ERR_IO);
    cril_study_close(s);
    cril_study_close(unmapped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_the_study_maps), cmocka_unit_test(reads_older_files),
        cmocka_unit_test(puts_files_together),       cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(bounds_what_it_reads),      cmocka_unit_test(needs_a_model_and_a_mapping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
