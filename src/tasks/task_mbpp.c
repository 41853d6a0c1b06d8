/*
 * MBPP (Austin et al. 2021): a Python function from a sentence and three tests. Items are the
 * problems 11 to 510, shots the problems 2, 3 and 4. Or all 427 problems that its authors checked
 * by hand ("sanitized").
 *
 * Source: InCoder, evaluation/mbpp.py; lm-evaluation-harness, tasks/mbpp/mbpp.yaml.
 */
#include "tasks/load.h"
#include "tasks/program.h"
#include "tasks/settings.h"
#include "tasks/table.h"
#include "util/json.h"

#include <inttypes.h>
#include <stdio.h>

enum { FIRST_ITEM = 11, LAST_ITEM = 510, FIRST_SHOT = 2, LAST_SHOT = 4, HARNESS_TESTS = 3 };

struct problem {
    struct cril_bytes text, code;
    const json_t *tests;
    int64_t id;
};

static cril_status read_id(const struct cril_record *r, int64_t *out, cril_error *err)
{
    return cril_field_integer(r, "task_id", 0, INT32_MAX, out, err);
}

static cril_status read_problem(const struct cril_load *l, const struct cril_record *r,
                                struct problem *out)
{
    const char *const text = cril_settings_are(l->settings, "sanitized") ? "prompt" : "text";
    const size_t min_tests = cril_settings_are(l->settings, "harness") ? HARNESS_TESTS : 1;
    cril_error *const err = l->err;
    cril_status st;

    if ((st = read_id(r, &out->id, err)) != CRIL_OK ||
        (st = cril_field_text(r, text, &out->text, err)) != CRIL_OK ||
        (st = cril_field_text(r, "code", &out->code, err)) != CRIL_OK)
        return st;
    return cril_field_texts(r, "test_list", min_tests, &out->tests, err);
}

static cril_status choose(const struct cril_record *r, bool *is_item, bool *is_shot,
                          cril_error *err)
{
    int64_t id;
    const cril_status st = read_id(r, &id, err);

    if (st == CRIL_OK) {
        *is_item = id >= FIRST_ITEM && id <= LAST_ITEM;
        *is_shot = id >= FIRST_SHOT && id <= LAST_SHOT;
    }
    return st;
}

static cril_status choose_sanitized(const struct cril_record *r, bool *is_item, bool *is_shot,
                                    cril_error *err)
{
    const cril_status st = choose(r, is_item, is_shot, err);

    *is_item = true;
    return st;
}

/* ---- Prompts ---- */

static void add_tests(struct cril_str *to, const struct problem *p, size_t max)
{
    for (size_t i = 0; i < json_array_size(p->tests) && i < max; i++) {
        cril_str_append_between(to, "", cril_json_text(json_array_get(p->tests, i)), "\n");
    }
}

static void ask(struct cril_str *to, const struct problem *p, size_t max_tests)
{
    cril_str_append_between(to,
                            "You are an expert Python programmer, and here is your task: ", p->text,
                            " Your code should pass these tests:\n\n");
    add_tests(to, p, max_tests);
}

static void ask_by_docstring(struct cril_str *to, const struct problem *p)
{
    cril_str_append_between(to, "\"\"\"\n", p->text, "\n");
    add_tests(to, p, 1);
    cril_str_add(to, "\"\"\"\n");
}

static cril_status finish_item(struct cril_load *l, const struct problem *p, struct cril_item *item)
{
    char id[32];
    cril_status st;

    snprintf(id, sizeof(id), "%" PRId64, p->id);
    if ((st = cril_load_id(l, item, cril_bytes_of(id))) != CRIL_OK ||
        (st = cril_load_text(l, &item->context)) != CRIL_OK ||
        (st = cril_load_joined(l, "", p->code, &item->gold_text)) != CRIL_OK)
        return st;
    cril_load_generation(l, item);
    return CRIL_OK;
}

/* InCoder's: an empty line between two shots, none before the item. Without shots its script leaves
 * the marks out. */
static cril_status add_delimited_shot(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct problem p;
    const cril_status st = read_problem(l, r, &p);

    if (st != CRIL_OK)
        return st;
    cril_str_add(&l->text, nr ? "\n" : "");
    ask(&l->text, &p, SIZE_MAX);
    cril_str_append_between(&l->text, "[BEGIN]\n", p.code, "\n[DONE]\n");
    return CRIL_OK;
}

static cril_status make_delimited_item(struct cril_load *l, const struct cril_record *r,
                                       struct cril_item *item)
{
    const bool sanitized = cril_settings_are(l->settings, "sanitized");
    struct cril_bytes setup;
    const json_t *imports;
    struct problem p;
    cril_status st;

    if ((st = read_problem(l, r, &p)) != CRIL_OK ||
        (st = sanitized
                  ? cril_field_texts(r, "test_imports", 0, &imports, l->err)
                  : cril_field_optional_text(r, "test_setup_code", &setup, l->err)) != CRIL_OK)
        return st;
    ask(&l->text, &p, SIZE_MAX);
    cril_str_add(&l->text, l->shots.n ? "[BEGIN]\n" : "");
    return finish_item(l, &p, item);
}

/* InCoder's default. */
static cril_status add_docstring_shot(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct problem p;
    const cril_status st = read_problem(l, r, &p);

    if (st != CRIL_OK)
        return st;
    cril_str_add(&l->text, nr ? "\n" : "");
    ask_by_docstring(&l->text, &p);
    cril_str_append_between(&l->text, "", p.code, "\n");
    return CRIL_OK;
}

static cril_status make_docstring_item(struct cril_load *l, const struct cril_record *r,
                                       struct cril_item *item)
{
    struct problem p;
    const cril_status st = read_problem(l, r, &p);

    if (st != CRIL_OK)
        return st;
    ask_by_docstring(&l->text, &p);
    return finish_item(l, &p, item);
}

static cril_status add_harness_shot(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct problem p;
    const cril_status st = read_problem(l, r, &p);

    (void)nr;
    if (st != CRIL_OK)
        return st;
    ask(&l->text, &p, HARNESS_TESTS);
    cril_str_append_between(&l->text, "[BEGIN]\n", p.code, "\n[DONE]\n\n");
    return CRIL_OK;
}

static cril_status make_harness_item(struct cril_load *l, const struct cril_record *r,
                                     struct cril_item *item)
{
    struct problem p;
    const cril_status st = read_problem(l, r, &p);

    if (st != CRIL_OK)
        return st;
    ask(&l->text, &p, HARNESS_TESTS);
    cril_str_add(&l->text, "[BEGIN]\n");
    return finish_item(l, &p, item);
}

static cril_status load(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, uint64_t limit, struct cril_items *out, cril_error *err)
{
    static const struct cril_recipe
        paper = {.choose = choose, .shot = add_delimited_shot, .item = make_delimited_item},
        docstring = {.choose = choose, .shot = add_docstring_shot, .item = make_docstring_item},
        harness = {.choose = choose, .shot = add_harness_shot, .item = make_harness_item},
        sanitized = {
            .choose = choose_sanitized, .shot = add_delimited_shot, .item = make_delimited_item};
    const struct cril_recipe *const r = cril_settings_are(s, "paper")       ? &paper
                                        : cril_settings_are(s, "docstring") ? &docstring
                                        : cril_settings_are(s, "harness")   ? &harness
                                                                            : &sanitized;

    return cril_load_by(r, t, s, folder, limit, out, err);
}

/* ---- The program ---- */

/* The texts of a list, each on lines of its own. */
static void add_list(struct cril_str *t, const struct cril_item *item, const char *field,
                     size_t max)
{
    const json_t *const list = json_object_get(item->document, field);

    for (size_t i = 0; i < json_array_size(list) && i < max; i++) {
        cril_str_append_between(t, "", cril_json_text(json_array_get(list, i)), "\n");
    }
}

static cril_status program(const struct cril_task_settings *s, const struct cril_item *item,
                           struct cril_bytes completion, bool whole, struct cril_task_program *out,
                           cril_error *err)
{
    static const struct cril_task_program limits = {
        .wall_sec = 60, .cpu_sec = 10, .memory_bytes = (size_t)4 << 30, .needs = ""};
    const bool harness = cril_settings_are(s, "harness");
    struct cril_str t = {0};

    (void)whole; /* an answer always is */
    add_list(&t, item, "test_imports", SIZE_MAX);
    cril_str_append_repaired(&t, completion);
    cril_str_add(&t, "\n");
    if (!harness) {
        cril_program_add_field(&t, item, "test_setup_code");
        cril_str_add(&t, "\n");
    }
    add_list(&t, item, "test_list", harness ? HARNESS_TESTS : SIZE_MAX);
    const cril_status st = cril_program_finish(&t, &limits, out, err);
    out->as_library = st == CRIL_OK && harness; /* which runs it by exec() */
    return st;
}

/* ---- The task ---- */

static const struct cril_task_file files[] = {
    {.name = "mbpp.jsonl",
     .role = "items",
     .published = "GitHub google-research/google-research mbpp/mbpp.jsonl, Hugging Face "
                  "google-research-datasets/mbpp, full, all splits: 974; CC BY 4.0",
     .conversion = "python3 -c \"import pandas as p; p.concat([p.read_parquet('full/'+s+"
                   "'-00000-of-00001.parquet') for s in ('prompt','test','validation','train')])"
                   ".to_json('mbpp.jsonl',orient='records',lines=True,force_ascii=False)\"",
     .protocols = "paper harness docstring"},
    {.name = "sanitized-mbpp.json",
     .role = "items",
     .published = "GitHub google-research/google-research mbpp/sanitized-mbpp.json, Hugging Face "
                  "google-research-datasets/mbpp, sanitized, all splits: 427; CC BY 4.0",
     .conversion = "python3 -c \"import pandas as p; p.concat([p.read_parquet('sanitized/'+s+"
                   "'-00000-of-00001.parquet') for s in ('prompt','test','validation','train')])"
                   ".sort_values('task_id').to_json('sanitized-mbpp.json',orient='records',"
                   "force_ascii=False)\"",
     .protocols = "sanitized"},
    {0},
};

static const char *const until[] = {"[DONE]",   "\nassert", "\nclass", "\nif",
                                    "\n\"\"\"", "\nprint",  NULL};
static const char *const until_harness[] = {"[DONE]", NULL};

#define TESTS "answer, setup code, all tests; 10 s of processor, 60 s of wall time"
#define INCODER                                                                                    \
    .version = 1, .shots = 3, .draw = CRIL_DRAW_FIXED, .window = 1900, .max_tokens = 2048,         \
    .until = until, .metric = "passed", .metric_shown = "pass@1", .max_shots = 3,                  \
    .shortens_answer = true

static const struct cril_task_protocol protocols[] = {
    {.name = "paper",
     .summary = "3 given shots between [BEGIN] and [DONE] (InCoder), window 1900",
     INCODER,
     .answer_rule = TESTS},
    {.name = "harness",
     .summary = "3 given shots, setup code left out: problem 367 cannot be passed",
     .version = 1,
     .shots = 3,
     .draw = CRIL_DRAW_FIXED,
     .max_tokens = 256,
     .until = until_harness,
     .metric = "passed",
     .metric_shown = "pass@1",
     .answer_rule = "answer, three tests; 10 s of processor, 60 s of wall time",
     .max_shots = 3},
    {.name = "docstring",
     .summary = "3 given shots, task and first test as a docstring (InCoder's default), window "
                "1900",
     INCODER,
     .answer_rule = TESTS},
    {.name = "sanitized",
     .summary = "the 427 problems checked by hand, asked as \"paper\" does",
     INCODER,
     .answer_rule =
         "imports of the tests, answer, all tests; 10 s of processor, 60 s of wall time"},
    {0},
};

const struct cril_task cril_task_mbpp = {
    .name = "mbpp",
    .title = "MBPP",
    .group = "code",
    .folder = "mbpp",
    .files = files,
    .protocols = protocols,
    .expects = "\"task_id\", \"text\" (\"prompt\" and \"test_imports\" in the sanitized file), "
               "\"code\" and \"test_list\"",
    .load = load,
    .program = program,
};
