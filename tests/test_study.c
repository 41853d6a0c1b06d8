/*
 * Study files: what is read of a good one, and every rule by a file that breaks it, with the line
 * and the words of the fault.
 *
 * Files of the file system are those of a folder made here; where none is wanted the text is read
 * from memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "study/file.h"
#include "util/yaml.h"

#include <cril/study.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64] = "/tmp/cril-[study]-XXXXXX"; /* a pattern, were it not escaped */

static cril_study *good(const char *text)
{
    cril_study_faults faults;
    cril_study *s = NULL;

    if (cril_study_read("lab/study.yaml", text, strlen(text), false, &s, &faults) != CRIL_OK)
        fail_msg("%s", faults.fault[0].message);
    assert_int_equal(faults.n, 0);
    return s;
}

/* ---- what is read ---- */

static const char paper[] =
    "title: Compression and intelligence\n"
    "database: /data/paper.db\n"
    "protocols:\n"
    "  - {name: hkust, context: 1900, stride: 512}\n"
    "  - document\n"
    "models:\n"
    "  - path: models/a.gguf\n"
    "    family: SmolLM2\n"
    "    tags: [general, small]\n"
    "  - name: Llama-3-70b\n"
    "    tags: code\n"
    "  - {path: /m/Big-00001-of-00003.gguf}\n"
    "  - {path: b.bin, name: 'no'}\n"
    "corpora:\n"
    "  - {name: cc, path: cc.jsonl.zst, group: knowledge, field: text, format: jsonl, limit: 12, "
    "strict: true}\n"
    "  - path: texts/py.v2.txt\n"
    "  - name: arxiv_math\n"
    "    group: math\n"
    "benchmarks:\n"
    "  - {name: GSM8K, group: math,\n"
    "     task: mmlu, metric: acc}\n"
    "  - {group: py.v2, names: [HumanEval,\n"
    "       MBPP]}\n"
    "  - {name: 7e3, task: gsm8k, metric: exact_match, filter: strict-match}\n"
    "fits:\n"
    "  - {name: all, x: average, y: plain, models: [general, -Llama-3-70b]}\n"
    "  - {x: cc, y: GSM8K}\n";

static void reads_all_that_a_file_says(void **state)
{
    cril_study *s = good(paper);
    const cril_study_info *i = cril_study_info_of(s);

    (void)state;
    assert_string_equal(i->path, "lab/study.yaml");
    assert_string_equal(i->title, "Compression and intelligence");
    assert_string_equal(i->database, "/data/paper.db");

    assert_int_equal(i->n_protocols, 2);
    assert_string_equal(i->protocols[0].name, "hkust");
    assert_int_equal(i->protocols[0].context, 1900);
    assert_int_equal(i->protocols[0].stride, 512);
    assert_int_equal(i->protocols[0].line, 4);
    assert_string_equal(i->protocols[1].name, "document");
    assert_int_equal(i->protocols[1].context + i->protocols[1].stride, 0);

    assert_int_equal(i->n_models, 4);
    assert_string_equal(i->models[0].name, "a");
    assert_string_equal(i->models[0].family, "SmolLM2");
    assert_string_equal(i->models[0].path, "lab/models/a.gguf");
    assert_int_equal(i->models[0].n_tags, 2);
    assert_string_equal(i->models[0].tags[1], "small");
    assert_int_equal(i->models[0].line, 7);
    assert_null(i->models[1].path);
    assert_string_equal(i->models[1].family, "Llama-3-70b");
    assert_string_equal(i->models[1].tags[0], "code");
    assert_string_equal(i->models[2].name, "Big");
    assert_string_equal(i->models[2].path, "/m/Big-00001-of-00003.gguf");
    assert_string_equal(i->models[3].name, "no");
    assert_int_equal(i->models[3].line, 13);

    assert_int_equal(i->n_corpora, 3);
    assert_string_equal(i->corpora[0].path, "lab/cc.jsonl.zst");
    assert_string_equal(i->corpora[0].options.field, "text");
    assert_string_equal(i->corpora[0].options.format, "jsonl");
    assert_int_equal(i->corpora[0].options.limit, 12);
    assert_true(i->corpora[0].options.strict);
    assert_string_equal(i->corpora[1].name, "py.v2");
    assert_string_equal(i->corpora[1].group, "py.v2");
    assert_null(i->corpora[1].options.field);
    assert_null(i->corpora[2].path);
    assert_int_equal(i->corpora[2].line, 17);

    assert_int_equal(i->n_benchmarks, 4);
    assert_string_equal(i->benchmarks[0].group, "math");
    assert_string_equal(i->benchmarks[2].name, "MBPP");
    assert_string_equal(i->benchmarks[2].group, "py.v2");
    assert_int_equal(i->benchmarks[2].line, 23);
    assert_string_equal(i->benchmarks[3].group, "7e3");
    assert_string_equal(i->benchmarks[0].task, "mmlu");
    assert_string_equal(i->benchmarks[0].metric, "acc");
    assert_string_equal(i->benchmarks[0].filter, "none");
    assert_true(!i->benchmarks[1].task && !i->benchmarks[1].metric && !i->benchmarks[1].filter);
    assert_string_equal(i->benchmarks[3].filter, "strict-match");

    assert_int_equal(i->n_fits, 2);
    assert_string_equal(i->fits[0].name, "all");
    assert_string_equal(i->fits[0].y, "plain");
    assert_int_equal(i->fits[0].n_models, 2);
    assert_string_equal(i->fits[0].models[1], "-Llama-3-70b");
    assert_string_equal(i->fits[1].name, "GSM8K");
    assert_int_equal(i->fits[1].n_models, 0);
    assert_int_equal(i->fits[1].line, 27);
    cril_study_close(s);
}

/* From which models others diverge; what a pattern or a name would leave open is a rule below. */
static void reads_bases(void **state)
{
    cril_study *s = good("models:\n"
                         "  - {path: f16.gguf}\n"
                         "  - {path: q8.gguf, diverge: f16}\n"
                         "  - {path: q4.gguf, diverge: q8}\n"
                         "corpora: [{name: cc}]\n");
    const cril_study_model *m = cril_study_info_of(s)->models;

    (void)state;
    assert_null(m[0].base);
    assert_string_equal(m[1].base, "f16");
    assert_string_equal(m[2].base, "q8");
    cril_study_close(s);
}

/* ---- steps ---- */

static void expect_step(const char *name, bool has, uint64_t step, const char *stem)
{
    uint64_t found = 7;
    size_t len = 7;

    assert_int_equal(cril_study_step(name, NULL, NULL), has);
    assert_int_equal(cril_study_step(name, &found, &len), has);
    assert_true(found == (has ? step : 7));
    assert_int_equal(len, has ? strlen(stem) : 7);
    assert_memory_equal(name, stem, has ? len : 0);
}

static void finds_steps_in_names(void **state)
{
    (void)state;
    expect_step("checkpoint-500", true, 500, "checkpoint");
    expect_step("pythia-70m-step1000", true, 1000, "pythia-70m");
    expect_step("run.step_20", true, 20, "run");
    expect_step("a_checkpoint.0", true, 0, "a");
    expect_step("step5", true, 5, "step");
    expect_step("_step5", true, 5, "_step");
    expect_step("step000000000000012", true, 12, "step");
    expect_step("step0000000000000012", false, 0, "");
    expect_step("misstep5", false, 0, "");
    expect_step("step-", false, 0, "");
    expect_step("step--5", false, 0, "");
    expect_step("Llama-2-7b", false, 0, "");
    expect_step("Qwen-2", false, 0, "");
    expect_step("500", false, 0, "");
    expect_step("-500", false, 0, "");
    expect_step("", false, 0, "");
}

static void reads_steps(void **state)
{
    cril_study *s = good("models:\n"
                         "  - {name: run-step100}\n"
                         "  - {name: run-step200, step: 0, family: other}\n"
                         "  - {name: plain, step: 30}\n"
                         "  - {name: none}\n"
                         "corpora: [{name: cc}]\n");
    const cril_study_model *m = cril_study_info_of(s)->models;

    (void)state;
    assert_true(m[0].has_step && m[0].step == 100);
    assert_string_equal(m[0].family, "run");
    assert_true(m[1].has_step && m[1].step == 0);
    assert_string_equal(m[1].family, "other");
    assert_true(m[2].has_step && m[2].step == 30);
    assert_string_equal(m[2].family, "plain");
    assert_false(m[3].has_step);
    cril_study_close(s);
}

/* What is measured, what is taken from results files, and what is both. */
static void measures_benchmarks(void **state)
{
    cril_study *s = good("models: [{name: m}]\ncorpora: [{name: cc}]\npython: bin/python\n"
                         "benchmarks:\n"
                         "  - {name: A, task: mmlu, data: sets, protocol: harness, limit: 20}\n"
                         "  - {name: B, task: mmlu, data: /sets, metric: acc}\n"
                         "  - {name: C, task: mmlu, metric: acc, filter: other}\n"
                         "  - {name: D, task: mmlu, data: sets, protocol: harness, limit: 21}\n");
    const cril_study_info *i = cril_study_info_of(s);
    const cril_study_benchmark *b = i->benchmarks;

    (void)state;
    assert_string_equal(i->python, "lab/bin/python");
    assert_string_equal(b[0].data, "lab/sets");
    assert_string_equal(b[0].protocol, "harness");
    assert_int_equal(b[0].limit, 20);
    assert_true(!b[0].metric && !b[0].filter);
    assert_string_equal(b[1].data, "/sets");
    assert_string_equal(b[1].protocol, "paper");
    assert_int_equal(b[1].limit, 0);
    assert_string_equal(b[1].metric, "acc");
    assert_string_equal(b[1].filter, "none");
    assert_true(!b[2].data && !b[2].protocol);
    assert_string_equal(b[2].filter, "other");
    assert_int_equal(i->n_leaks, 0);
    cril_study_close(s);
    s = good("models: [{name: m}]\ncorpora: [{name: cc}]\n"
             "leak: [{benchmark: A, control: sub/c.jsonl}, {control: /d, limit: 7, benchmark: B}]\n"
             "benchmarks: [{name: A, task: mmlu, data: a}, {name: B, task: mmlu, data: b}]\n");
    i = cril_study_info_of(s);
    assert_int_equal(i->n_leaks, 2);
    assert_string_equal(i->leaks[0].benchmark, "A");
    assert_string_equal(i->leaks[0].control, "lab/sub/c.jsonl");
    assert_int_equal(i->leaks[0].limit, 1000);
    assert_string_equal(i->leaks[1].control, "/d");
    assert_int_equal(i->leaks[1].limit, 7);
    cril_study_close(s);
    s = good("models: [{name: m}]\ncorpora: [{name: cc}]\npython: python3.11\n");
    assert_string_equal(cril_study_info_of(s)->python, "python3.11");
    cril_study_close(s);
    s = good("models: [{name: m}]\ncorpora: [{name: cc}]\n");
    assert_null(cril_study_info_of(s)->python);
    cril_study_close(s);
}

static void fills_in_defaults(void **state)
{
    static const char *const expected[][3] = {
        {"overall", "average", "average"},
        {"math", "math", "math"},
        {"A", "math", "A"},
        {"B", "cc", "B"},
        {"C", "average", "C"},
        {"D", "math", "D"},
    };
    cril_study *s = good("models: [{name: m}]\n"
                         "corpora: [{name: cc}, {name: am, group: math}, {name: sm, group: math}]\n"
                         "benchmarks: [{name: A, group: math}, {name: B, group: cc}, {name: C}, "
                         "{name: D, group: math}]\n");
    const cril_study_info *i = cril_study_info_of(s);
    size_t n = 0;

    (void)state;
    assert_string_equal(i->title, "study");
    assert_string_equal(i->database, "lab/study.db");
    assert_int_equal(i->n_protocols, 1);
    assert_string_equal(i->protocols[0].name, "document");
    assert_int_equal(i->n_fits, 7);
    for (size_t f = 0; f < i->n_fits; f++) {
        if (strcmp(i->fits[f].name, "cc") == 0) /* the group of one corpus, beside B's fit */
            continue;
        assert_string_equal(i->fits[f].name, expected[n][0]);
        assert_string_equal(i->fits[f].x, expected[n][1]);
        assert_string_equal(i->fits[f].y, expected[n][2]);
        n++;
    }
    assert_int_equal(n, 6);
    cril_study_close(s);

    s = good("models: [{name: m}]\ncorpora: [{name: cc}]\n"); /* measured only: no line */
    assert_int_equal(cril_study_info_of(s)->n_fits, 0);
    cril_study_close(s);
    s = good("models: [{name: m}]\ncorpora: [{name: cc}]\nbenchmarks: [{name: overall}]\n");
    assert_string_equal(cril_study_info_of(s)->fits[0].name, "average");
    cril_study_close(s);
    s = good("models: [{name: m}]\ncorpora: [{name: cc}]\nbenchmarks: [{name: B}]\nfits: []\n");
    assert_int_equal(cril_study_info_of(s)->n_fits, 0);
    cril_study_close(s);
}

static void selects_models(void **state)
{
    static const char *const tags[] = {"general", "small"};
    static const char *const general[] = {"general"}, *const by_name[] = {"x", "m"},
                             *const family[] = {"Fam"}, *const without[] = {"general", "-m"},
                             *const only_without[] = {"-Qwen"}, *const all_but[] = {"-small"};
    const cril_study_model m = {.name = "m", .family = "Fam", .tags = tags, .n_tags = 2};

    (void)state;
    assert_true(cril_study_selects(&m, NULL, 0));
    assert_true(cril_study_selects(&m, general, 1));
    assert_true(cril_study_selects(&m, by_name, 2));
    assert_false(cril_study_selects(&m, by_name, 1));
    assert_true(cril_study_selects(&m, family, 1));
    assert_false(cril_study_selects(&m, without, 2));
    assert_true(cril_study_selects(&m, only_without, 1));
    assert_false(cril_study_selects(&m, all_but, 1));
}

static void checks_words_of_others(void **state)
{
    static const char *const none[] = {"-m"}, *const unknown[] = {"q"};
    cril_study *s = good("models: [{name: m}]\ncorpora: [{name: cc}]\nbenchmarks: [{name: B}]\n");
    const cril_study_info *i = cril_study_info_of(s);
    cril_study_fit f = {.x = "average", .y = "plain"};
    cril_error err;

    (void)state;
    assert_int_equal(cril_study_check_fit(i, &f, &err), CRIL_OK);
    f.y = "cc";
    assert_int_equal(cril_study_check_fit(i, &f, &err), CRIL_ERR_RANGE);
    assert_string_equal(
        err.message,
        "y: \"cc\" is of corpora; y is a benchmark or a group of benchmarks (there are: average, "
        "plain, B)");
    f.y = "B";
    f.models = none;
    f.n_models = 1;
    assert_int_equal(cril_study_check_fit(i, &f, &err), CRIL_ERR_RANGE);
    f.models = unknown;
    assert_int_equal(cril_study_check_fit(i, &f, &err), CRIL_ERR_RANGE);
    assert_string_equal(err.message,
                        "models: \"q\" is no model, no family and no tag (there are: m)");
    cril_study_close(s);
}

/* ---- rules ---- */

/* A good study, to be followed by what breaks a rule. Its lines are 1 to 3. */
#define M "models: [{name: m, tags: [general]}, {name: n, family: Qwen}]\n"
#define C "corpora: [{name: cc, group: knowledge}, {name: python, group: coding}]\n"
#define B "benchmarks: [{name: E, group: coding}, {name: F, group: knowledge}]\n"

#define D "benchmarks: [{name: E, task: mmlu, data: d}]\n"

struct rule {
    const char *text;
    size_t line;
    const char *says;
};

static const struct rule rules[] = {
    /* YAML */
    {"", 0, "is empty; 'cril study init'"},
    {"# nothing\n", 0, "is empty"},
    {"- a\n", 1, "is a mapping such as 'cril study init' prints, not a list"},
    {"text\n", 1, "not a text"},
    {"~\n", 1, "not nothing"},
    {M "a:\n\tb: c\n", 3, "indent with spaces and not tabs"},
    {M "title: a: b\n", 2, "quote a text that holds ': '"},
    {M "title: \xff\n", 2, "a study file is UTF-8"},
    {M "title: 'a\n", 3,
     "is not YAML: found unexpected end of stream (while scanning a quoted scalar of line 2)"},
    {M "title: &a b\n", 2, "no anchors (&a)"},
    {M "title: *a\n", 2, "no aliases (*a)"},
    {M "title: !t b\n", 2, "no tags (!t)"},
    {"&a\ntitle: b\n", 1, "no anchors"},
    {M "fits: &a [*a]\n", 2, "no anchors"},
    {"a: 1\n---\nb: 1\n", 2, "a second document begins"},
    {M "? [a]\n: b\n", 2, "a key is one word"},
    {M "\"titl\\0e\": b\n", 2, "a key holds a NUL"},
    {M "fits: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", 2, "more than 16 deep"},
    /* keys and kinds */
    {M C "modles: [a]\n", 3,
     "\"modles\" is not a key of a study file; did you mean \"models\"? (keys: title, database, "
     "python, protocols, models, corpora, benchmarks, fits, leak)"},
    {M C "Title: a\n", 3, "did you mean \"title\"?"},
    {M C "colour: a\n", 3, "\"colour\" is not a key of a study file (keys:"},
    {M C "title: a\n\ntitle: b\n", 5, "\"title\" is given twice, in line 3 and here"},
    {M C "title:\n", 3, "\"title\" has no value"},
    {M C "title: ''\n", 3, "\"title\" has no value"},
    {M C "title: null\n", 3, "\"title\" has no value"},
    {M C "title: [a]\n", 3, "\"title\" is a list where one text is expected"},
    {M C "title: \"a\\0b\"\n", 3, "holds a NUL"},
    {M C "title: |\n  a\n  b\n", 3, "holds a line end"},
    {M C "title: ' a'\n", 3, "begins or ends with a space"},
    {M C "fits: a\n", 3, "\"fits\" is a text where a list is expected; begin each item with '- '"},
    {M C "fits: {a: b}\n", 3, "\"fits\" is a mapping where a list is expected"},
    {M C "fits:\n", 3, "\"fits\" has no items"},
    {M C "database: ~/study.db\n", 3, "'~' is not expanded here"},
    /* models */
    {C, 1, "a study needs \"models\""},
    {C "models: []\n", 2, "a study needs \"models\""},
    {C "models: [a.gguf]\n", 2, "a model is a mapping such as {path: models/a.gguf}, not a text"},
    {C "models:\n  - {}\n", 3, "a model needs a \"path\""},
    {C "models:\n  -\n", 3, "a model is a mapping such as {path: models/a.gguf}, not nothing"},
    {C "models:\n  - nam: a\n", 3, "\"nam\" is not a key of a model; did you mean \"name\"?"},
    {C "models:\n  - path: a*.gguf\n    name: b\n", 4, "a pattern of files cannot have a name"},
    {C "models:\n  - name: a\n    diverge: b\n  - path: b.gguf\n", 4,
     "divergence is measured, but this model has no \"path\""},
    {C "models:\n  - path: f16.gguf\n  - path: q4.gguf\n    diverge: f17\n", 4,
     "diverge: \"f17\" is no model of this study; did you mean \"f16\"?"},
    {C "models:\n  - name: f16\n  - path: q4.gguf\n    diverge: f16\n", 4,
     "diverge: the model \"f16\" has no \"path\""},
    {C "models: [{path: f16.gguf, diverge: f16}, {path: q4.gguf, diverge: f16}]\n", 2,
     "diverge: the model \"f16\" cannot diverge from itself"},
    {C "models:\n  - path: a*.gguf\n    step: 5\n", 4, "a pattern of files cannot have a step"},
    {C "models:\n  - path: '-'\n", 3, "cannot read standard input"},
    {C "models:\n  - path: ~/a.gguf\n", 3, "'~' is not expanded"},
    {C "models:\n  - path: a-00002-of-00003.gguf\n", 3, "name the first"},
    {C "models:\n  - path: -a.gguf\n", 3,
     "\"-a\", begins with '-', which excludes models where they are chosen; give it a"},
    {C "models:\n  - name: a\n  - path: b\n    name: a\n", 4,
     "two models have the name \"a\", this one and that of line 3"},
    {C "models:\n  - path: a.gguf\n  - path: a.gguf\n", 4, "the item of line 3 has this file too"},
    {C "models:\n  - name: -a\n", 3, "\"name\": \"-a\" begins with '-'"},
    {C "models:\n  - name: a\n    step: 1000000000000000\n", 4, "999999999999999"},
    {C "models:\n  - name: a\n    step: -1\n", 4, "\"step\""},
    {C "models:\n  - name: a\n    tags: [b, '']\n", 4, "\"tags\" has no value"},
    {C "models:\n  - name: a\n    tags: {b: c}\n", 4,
     "\"tags\" is a mapping where one text is expected"},
    /* corpora */
    {M, 1, "a study needs \"corpora\""},
    {M "corpora: []\n", 2, "a study needs \"corpora\""},
    {M "corpora:\n  - group: a\n", 3, "a corpus needs a \"path\""},
    {M "corpora:\n  - name: a\n    limit: 0\n", 4,
     "\"limit\" is a whole number from 1 to 9223372036854775807, not \"0\""},
    {M "corpora:\n  - name: a\n    limit: 9223372036854775808\n", 4, "not \"9223372036854775808\""},
    {M "corpora:\n  - name: a\n    limit: 5x\n", 4, "not \"5x\""},
    {M "corpora:\n  - name: a\n    strict: yes\n", 4, "\"strict\" is true or false, not \"yes\""},
    {M "corpora:\n  - name: a\n    field: text\n", 4, "this corpus has no \"path\""},
    {M "corpora:\n  - name: average\n", 3, "a corpus cannot have the name \"average\""},
    {M "corpora:\n  - name: a\n    group: plain\n", 3, "a group cannot have the name \"plain\""},
    {M "corpora:\n  - name: a\n  - name: a\n", 4,
     "the corpus \"a\" has the name of the corpus of line 3"},
    {M "corpora:\n  - name: a\n  - {name: b, group: a}\n", 4,
     "the group \"a\" has the name of the corpus of line 3"},
    {M "corpora:\n  - {name: a, group: c}\n  - {name: b, group: a}\n", 4,
     "the group \"a\" has the name of the corpus of line 3"},
    /* benchmarks */
    {M C "benchmarks:\n  - group: coding\n", 4, "a benchmark needs a \"name\""},
    {M C "benchmarks:\n  - name: E\n    names: [F]\n", 5, "keep one of them"},
    {M C "benchmarks:\n  - {names: [E, average]}\n", 4,
     "a benchmark cannot have the name \"average\""},
    {M C "benchmarks:\n  - name: cc\n", 4,
     "the benchmark \"cc\" has the name of the corpus of line 2"},
    {M C "benchmarks:\n  - name: coding\n", 4,
     "the benchmark \"coding\" has the name of the group of line 2"},
    {M C "benchmarks:\n  - name: E\n  - name: E\n", 5,
     "the benchmark \"E\" has the name of the benchmark of line 4"},
    {M C "benchmarks:\n  - name: E\n    filter: strict-match\n", 5,
     "this benchmark has no \"task\"; give it one, or take them away"},
    {M C "benchmarks:\n  - name: E\n    metric: acc\n", 5, "this benchmark has no \"task\""},
    {M C "benchmarks:\n  - name: E\n    task: gsm8k\n", 5, "add the \"metric\""},
    {M C "benchmarks:\n  - name: E\n    task: gsm8k\n    metric: acc_norm,none\n", 6,
     "\"acc_norm,none\" is a metric and a filter; write metric: acc_norm, filter: none"},
    {M C "benchmarks:\n  - names: [E, F]\n    task: gsm8k\n    metric: acc\n", 5,
     "\"names\" are several; give each an item of its own"},
    {M C "benchmarks:\n  - {name: E, task: t, metric: acc}\n"
         "  - {name: F, task: t, metric: acc, filter: none}\n",
     5, "has the same score as the one of line 4 (t, acc, none), which would count twice"},
    {M C "benchmarks:\n  - {name: E, task: [t], metric: acc}\n", 4, "task"},
    /* benchmarks that cril measures */
    {M C "benchmarks:\n  - name: E\n    protocol: paper\n", 5, "this one has no \"data\""},
    {M C "benchmarks:\n  - name: E\n    limit: 3\n", 5, "this one has no \"data\""},
    {M C "benchmarks:\n  - name: E\n    data: d\n", 5, "add the \"task\", such as gsm8k"},
    {M C "benchmarks:\n  - name: E\n    task: mmlu\n    data: ~/d\n", 6, "'~' is not expanded"},
    {M C "benchmarks:\n  - name: E\n    data: d\n    task: arc_chalenge\n", 6,
     "\"arc_chalenge\" is no task of cril's, and \"data\" asks cril to run it; did you mean "
     "\"arc_challenge\"? (there are: "},
    {M C "benchmarks:\n  - name: E\n    data: d\n    task: mmlu\n    protocol: pape\n", 7, "pape"},
    {M C "benchmarks:\n  - name: E\n    data: d\n    task: mmlu\n    filter: none\n", 6,
     "add the \"metric\""},
    {M C "benchmarks:\n  - names: [E, F]\n    data: d\n    task: mmlu\n", 6,
     "give each an item of its own"},
    {M C "benchmarks:\n  - names: [E, F]\n    data: d\n", 5, "data are of one benchmark"},
    {M C "benchmarks:\n  - {name: E, task: mmlu, data: d}\n"
         "  - {name: F, task: mmlu, data: d, protocol: paper}\n",
     5, "is measured as the one of line 4 is (mmlu by paper)"},
    {M C "benchmarks:\n  - {name: E, task: mmlu, data: d, limit: 0}\n", 4, "limit"},
    /* leaks */
    {M C D "leak: [{benchmark: E}]\n", 4, "a leak needs a \"control\", a file of records"},
    {M C D "leak: [{control: c}]\n", 4, "a leak needs a \"benchmark\", the name of one"},
    {M C "benchmarks: [{name: GSM8K}]\nleak: [{benchmark: GSM8k, control: c}]\n", 4,
     "\"GSM8k\" is no benchmark of this study; did you mean \"GSM8K\"?"},
    {M C B "leak:\n  - {benchmark: E, control: c}\n", 5, "the benchmark \"E\" has no \"data\""},
    {M C D "leak:\n  - {benchmark: E, control: c}\n  - {benchmark: E, control: d}\n", 6,
     "the leak of line 5 is of \"E\" too; keep one of them"},
    {M C D "leak: [{benchmark: E, control: \"-\"}]\n", 4, "cannot read standard input"},
    {M C D "leak: [{benchmark: E, control: c, limit: 0}]\n", 4, "limit"},
    {M C D "leak: [{benchmark: E, controls: c}]\n", 4, "did you mean \"control\"?"},
    {M C "benchmarks:\n  - {name: E, group: codign}\n", 4, "no corpus is of the group \"codign\""},
    {M C "benchmarks:\n  - {name: E, group: codign}\n", 4, "did you mean \"coding\"?"},
    {M C "benchmarks:\n  - {name: E, group: python}\n", 4, "no corpus is of the group \"python\""},
    /* protocols */
    {M C "protocols: [documnt]\n", 3,
     "\"documnt\" is no protocol; did you mean \"document\"? (there are: document, hkust, "
     "opencompass, rolling, halves, uncheatable)"},
    {M C "protocols:\n  - {context: 5}\n", 4, "a protocol needs a \"name\""},
    {M C "protocols:\n  - name: halves\n    stride: 5\n", 5, "the protocol halves has no stride"},
    {M C "protocols:\n  - name: halves\n    context: 2\n", 5,
     "the protocol halves needs a context of at least 3"},
    {M C "protocols:\n  - name: hkust\n    stride: 1901\n", 5,
     "a stride of 1901 tokens would leave tokens out at a context of 1900"},
    {M C "protocols:\n  - {name: hkust, context: 2147483648}\n", 4, "from 1 to 2147483647"},
    {M C "protocols:\n  - document\n  - {name: document, context: 1900}\n", 5,
     "is the one of line 4"},
    /* fits */
    {M C B "fits:\n  - x: pyton\n    y: E\n", 5,
     "x: \"pyton\" is no corpus and no group of corpora; did you mean \"python\"? "
     "(there are: average, cc, python, knowledge, coding)"},
    {M C B "fits:\n  - x: cc\n    y: G\n", 6,
     "y: \"G\" is no benchmark and no group of benchmarks (there are: average, plain, E, F, "
     "coding, knowledge)"},
    {M C B "fits:\n  - x: plain\n    y: E\n", 5, "x: \"plain\" is no corpus"},
    {M C B "fits:\n  - x: E\n    y: E\n", 5, "x: \"E\" is of benchmarks"},
    {M C B "fits:\n  - x: cc\n    y: cc\n", 6, "y: \"cc\" is of corpora"},
    {M C "fits:\n  - x: cc\n    y: average\n", 5, "(there is: none)"},
    {M C B "fits:\n  - y: E\n", 5, "a fit needs \"x\""},
    {M C B "fits:\n  - x: cc\n", 5, "a fit needs \"y\""},
    {M C B "fits:\n  - x: cc\n    y: E\n    models:\n      - general\n      - -Qwne\n", 9,
     "models: \"Qwne\" is no model, no family and no tag; did you mean \"Qwen\"? (there are: "
     "general, Qwen, m, n)"},
    {M C B "fits:\n  - x: cc\n    y: E\n    models: [general, -m]\n", 7,
     "these words choose no model"},
    {M C B "fits:\n  - x: cc\n    y: E\n    models: '-'\n", 7, "is a '-' and nothing else"},
    {M C B "fits:\n  - {x: cc, y: E}\n  - {x: python, y: E}\n", 6,
     "the fit of line 5 has the name \"E\" too"},
};

/* That some fault begins with file and line and holds the words. */
static void expect(const cril_study_faults *faults, const char *file, const struct rule *r)
{
    char start[300];

    if (r->line)
        snprintf(start, sizeof(start), "%s:%zu: ", file, r->line);
    else
        snprintf(start, sizeof(start), "%s: ", file);
    for (size_t i = 0; i < faults->n; i++)
        if (strncmp(faults->fault[i].message, start, strlen(start)) == 0 &&
            strstr(faults->fault[i].message, r->says)) {
            assert_int_not_equal(faults->fault[i].status, CRIL_OK);
            return;
        }
    fail_msg("not said: \"%s%s\", but \"%s\" of\n%s", start, r->says,
             faults->n ? faults->fault[0].message : "nothing", r->text);
}

static void says_what_is_wrong_and_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        cril_study_faults faults;
        cril_study *s = NULL;
        const size_t len = strlen(rules[i].text);
        char *copy = malloc(len ? len : 1); /* its end is the end */

        assert_non_null(copy);
        memcpy(copy, rules[i].text, len);
        assert_int_not_equal(cril_study_read("lab/study.yaml", copy, len, false, &s, &faults),
                             CRIL_OK);
        assert_null(s);
        expect(&faults, "lab/study.yaml", &rules[i]);
        if (faults.n != 1)
            fail_msg("%zu faults where one is, \"%s\" and \"%s\", of\n%s", faults.n,
                     faults.fault[0].message, faults.fault[1].message, rules[i].text);
        free(copy);
    }
}

static void tells_several_faults_by_line(void **state)
{
    static const char text[] =
        "fits: 3\ncorpora:\n  - path: a\n    limit: x\nmodels: [{nam: b}]\ntitle:\n";
    static const char many[] =
        M C "a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1\nh: 1\ni: 1\nj: 1\nk: 1\n";
    cril_study_faults faults;
    cril_study *s = NULL;
    const size_t lines[] = {1, 4, 5, 6};

    (void)state;
    assert_int_not_equal(cril_study_read("s", text, sizeof(text) - 1, false, &s, &faults), CRIL_OK);
    assert_int_equal(faults.n, 4);
    assert_false(faults.more);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(faults.fault[i].message[2] - '0', lines[i]);

    assert_int_equal(cril_study_read("s", many, sizeof(many) - 1, false, &s, &faults),
                     CRIL_ERR_RANGE);
    assert_int_equal(faults.n, CRIL_STUDY_MOST_FAULTS);
    assert_true(faults.more);
}

/* What follows from a fault is not said beside it. */
static void does_not_tell_what_follows(void **state)
{
    static const char text[] = "models: [{nam: b}]\n" C B "fits: [{x: cc, y: E, models: b}]\n";
    cril_study_faults faults;
    cril_study *s = NULL;

    (void)state;
    assert_int_equal(cril_study_read("s", text, sizeof(text) - 1, false, &s, &faults),
                     CRIL_ERR_RANGE);
    assert_int_equal(faults.n, 1);
}

static void bounds_what_it_reads(void **state)
{
    const size_t len = CRIL_YAML_MOST_BYTES + 1;
    char *text = malloc(len);
    cril_study_faults faults;
    cril_study *s = NULL;
    size_t at = 0;

    (void)state;
    assert_non_null(text);
    memset(text, '#', len);
    assert_int_equal(cril_study_read("s", text, len, false, &s, &faults), CRIL_ERR_RANGE);
    assert_string_equal(faults.fault[0].message,
                        "s: has 4194305 bytes; a study file has at most 4194304");
    assert_int_equal(cril_study_read("s", text, len - 1, false, &s, &faults), CRIL_ERR_RANGE);
    assert_string_equal(faults.fault[0].message,
                        "s: is empty; 'cril study init' prints a study file to begin with");

    at += (size_t)sprintf(text + at, "corpora: [{name: c}]\nmodels:\n");
    for (int i = 0; i < 4096; i++)
        at += (size_t)sprintf(text + at, "  - name: m%d\n", i);
    assert_int_equal(cril_study_read("s", text, at, false, &s, &faults), CRIL_OK);
    assert_int_equal(cril_study_info_of(s)->n_models, 4096);
    cril_study_close(s);
    at += (size_t)sprintf(text + at, "  - name: m\n  - name: n\n");
    assert_int_equal(cril_study_read("s", text, at, false, &s, &faults), CRIL_ERR_RANGE);
    assert_string_equal(faults.fault[0].message, "s:4099: more than 4096 models; split the study");
    assert_int_equal(faults.n, 1);

    memset(text, '[', len - 1); /* deep, and long */
    assert_int_equal(cril_study_read("s", text, len - 1, false, &s, &faults), CRIL_ERR_RANGE);
    free(text);
}

/* ---- files ---- */

static const char *in_folder(const char *name)
{
    static char path[200];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void make_file(const char *name, const char *text)
{
    FILE *f = fopen(in_folder(name), "wb");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static cril_status check(const char *text, cril_study **s, cril_study_faults *faults)
{
    make_file("study.yaml", text);
    return cril_study_check(in_folder("study.yaml"), s, faults);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || mkdir(in_folder("m"), 0700) != 0 ||
        mkdir(in_folder("texts.d"), 0700) != 0 || mkdir(in_folder("none"), 0700) != 0 ||
        mkdir(in_folder("hf-1.5b"), 0700) != 0 || mkdir(in_folder("hf-2"), 0700) != 0 ||
        mkfifo(in_folder("fifo"), 0600) != 0)
        return -1;
    make_file("m/b.gguf", "GGUF");
    make_file("m/B.gguf", "GGUF and more");
    make_file("m/a-00001-of-00002.gguf", "GGUF");
    make_file("m/a-00002-of-00002.gguf", "GGUF");
    make_file("m/read.me", "text");
    make_file("m/short", "GGU");
    make_file("m/[b].gguf", "GGUF");
    make_file("m/\xff.gguf", "GGUF");
    make_file("hf-1.5b/config.json", "{}");
    make_file("hf-2/config.json", "{}");
    make_file("texts.d/a.txt", "text");
    make_file("c.jsonl", "{\"content\": \"a\"}\n");
    return 0;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"m/b.gguf",
                                        "m/B.gguf",
                                        "m/a-00001-of-00002.gguf",
                                        "m/a-00002-of-00002.gguf",
                                        "m/read.me",
                                        "m/short",
                                        "m/[b].gguf",
                                        "m/\xff.gguf",
                                        "m",
                                        "hf-1.5b/config.json",
                                        "hf-1.5b",
                                        "hf-2/config.json",
                                        "hf-2",
                                        "texts.d/a.txt",
                                        "texts.d",
                                        "none",
                                        "fifo",
                                        "c.jsonl",
                                        "study.yaml",
                                        ""};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        remove(in_folder(names[i]));
    return 0;
}

static void finds_files(void **state)
{
    static const char text[] = "models:\n"
                               "  - {path: 'm/[aBb]*.gguf', family: f, diverge: b}\n"
                               "  - path: m/[b].gguf\n" /* there is such a file */
                               "  - path: hf-1.5b/\n"
                               "  - path: hf-?/config.json\n"
                               "corpora:\n"
                               "  - path: c.jsonl\n"
                               "  - path: texts.d/\n"
                               "database: none/x.db\n";
    cril_study_faults faults;
    cril_study *s = NULL;
    const cril_study_info *i;

    (void)state;
    if (check(text, &s, &faults) != CRIL_OK)
        fail_msg("%s", faults.fault[0].message);
    i = cril_study_info_of(s);
    assert_int_equal(i->n_models, 6);
    assert_string_equal(i->models[0].name, "B"); /* by bytes, whatever the locale */
    assert_string_equal(i->models[1].name, "a"); /* one model, by its first part */
    assert_string_equal(i->models[2].name, "b");
    assert_string_equal(i->models[2].path, in_folder("m/b.gguf"));
    assert_string_equal(i->models[2].family, "f");
    assert_int_equal(i->models[2].line, 2);
    assert_string_equal(i->models[0].base, "b");
    assert_string_equal(i->models[1].base, "b");
    assert_null(i->models[2].base); /* the base, which the pattern matches too */
    assert_string_equal(i->models[3].name, "[b]");
    assert_string_equal(i->models[3].family, "[b]");
    assert_string_equal(i->models[4].name, "hf-1.5b"); /* a folder, with all that it is called */
    assert_string_equal(i->models[4].path, in_folder("hf-1.5b/"));
    assert_string_equal(i->models[5].name, "hf-2");
    assert_string_equal(i->corpora[1].name, "texts.d");
    assert_string_equal(i->database, in_folder("none/x.db"));
    cril_study_close(s);
}

static void says_which_file_is_wrong(void **state)
{
#define FC "corpora: [{path: c.jsonl}]\n"
#define FM "models: [{path: m/b.gguf}]\n"
    static const struct rule file_rules[] = {
        {FC "models: [{path: m/q*.gguf}]\n", 2, "no file matches \"m/q*.gguf\""},
        {FC "models:\n  - path: m/b.gguf\n    diverge: b\n", 3,
         "diverge: the model \"b\" cannot diverge from itself"},
        {FC "models:\n  - path: m/q.gguf\n", 3,
         "m/q.gguf: cannot be opened: No such file or directory; check the path"},
        {FC "models:\n  - path: m\n", 3, "m: is a folder with GGUF files: B.gguf, [b].gguf"},
        {FC "models:\n  - path: none/config.json\n", 3,
         "none/config.json: cannot be opened: No such file or directory; check the path"},
        {FC "models:\n  - path: fifo\n", 3, "fifo: is a pipe or a device"},
        {FC "models:\n  - path: m/read.me\n", 3, "m/read.me: is not a GGUF file"},
        {FC "models:\n  - path: m/short\n", 3, "m/short: is not a GGUF file"},
        {FC "models:\n  - path: m/r*\n", 3,
         "m/read.me: is not a GGUF file (it does not begin with 'GGUF'); narrow the pattern"},
        {FC "models:\n  - path: m/b*\n  - path: m/b.gguf\n", 4,
         "m/b.gguf: the item of line 3 has this file too"},
        {FC "models:\n  - path: m/b*\n  - {path: m/B.gguf, name: b}\n", 4,
         "two models have the name \"b\""},
        {FC "models:\n  - path: m/?.gguf\n", 3, "is not UTF-8"},
        {FM "corpora:\n  - path: q.jsonl\n", 3,
         "q.jsonl: cannot be opened: No such file or directory"},
        {FM "corpora:\n  - path: c.jsonl\n    format: xml\n", 4,
         "'xml' is not a format of a corpus"},
        {FM "corpora:\n  - path: none\n", 3, "none: the folder holds no file to read"},
        {FM FC "database: q/x.db\n", 3,
         "the folder of the database cannot be found: No such file or directory; make it"},
        {FM FC "database: m\n", 3, "m: is a folder"},
        {FM FC "leak:\n  - benchmark: E\n    control: none.jsonl\n", 5,
         "none.jsonl: cannot be opened: No such file or directory"},
        {FM FC "leak:\n  - benchmark: E\n    control: m\n", 5, "m: is no file"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(file_rules) / sizeof(*file_rules); i++) {
        cril_study_faults faults;
        cril_study *s = NULL;

        assert_int_not_equal(check(file_rules[i].text, &s, &faults), CRIL_OK);
        expect(&faults, in_folder("study.yaml"), &file_rules[i]);
        assert_int_equal(faults.n, 1);
    }
}

static void load_tells_the_first(void **state)
{
    char expected[400];
    cril_error err;
    cril_study *s = NULL;

    (void)state;
    make_file("study.yaml", M C "a: 1\nb: 1\n");
    assert_int_equal(cril_study_load(in_folder("study.yaml"), &s, &err), CRIL_ERR_RANGE);
    snprintf(expected, sizeof(expected),
             "%s/study.yaml:3: \"a\" is not a key of a study file (keys: title, database, python, "
             "protocols, "
             "models, corpora, benchmarks, fits, leak) (and 1 more; 'cril study check' lists all)",
             folder);
    assert_string_equal(err.message, expected);
    assert_int_equal(cril_study_load(in_folder("study.yaml"), &s, NULL), CRIL_ERR_RANGE);
    make_file("study.yaml", M C B);
    assert_int_equal(cril_study_load(in_folder("study.yaml"), &s, &err), CRIL_OK);
    cril_study_close(s);
    s = NULL;
    assert_int_equal(cril_study_load(in_folder("nope.yaml"), &s, &err), CRIL_ERR_IO);
    assert_int_equal(cril_study_load(in_folder("fifo"), &s, &err), CRIL_ERR_IO);
    assert_null(s);
    cril_study_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_that_a_file_says),
        cmocka_unit_test(reads_bases),
        cmocka_unit_test(finds_steps_in_names),
        cmocka_unit_test(reads_steps),
        cmocka_unit_test(measures_benchmarks),
        cmocka_unit_test(fills_in_defaults),
        cmocka_unit_test(selects_models),
        cmocka_unit_test(checks_words_of_others),
        cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(tells_several_faults_by_line),
        cmocka_unit_test(does_not_tell_what_follows),
        cmocka_unit_test(bounds_what_it_reads),
        cmocka_unit_test(finds_files),
        cmocka_unit_test(says_which_file_is_wrong),
        cmocka_unit_test(load_tells_the_first),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
