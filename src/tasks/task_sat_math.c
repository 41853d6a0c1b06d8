/*
 * SAT-Math of AGIEval (Zhong et al. 2023): questions with four options, whose texts begin with
 * "(A)".."(D)".
 *
 * Source: AGIEval, src/dataset_loader.py; lm-evaluation-harness, tasks/agieval/sat-math.yaml, whose
 * data (hails/agieval-sat-math) have the first part of a prompt in them.
 */
#include "tasks/load.h"
#include "tasks/settings.h"
#include "tasks/table.h"
#include "util/json.h"

#include <stdio.h>

enum { OPTIONS = 4 };

struct question {
    struct cril_bytes passage, text, label;
    const json_t *options;
    size_t right;
};

static cril_status read_question(const struct cril_record *r, struct question *out, cril_error *err)
{
    cril_status st;

    if ((st = cril_field_optional_text(r, "passage", &out->passage, err)) != CRIL_OK ||
        (st = cril_field_text(r, "question", &out->text, err)) != CRIL_OK ||
        (st = cril_field_texts(r, "options", OPTIONS, &out->options, err)) != CRIL_OK ||
        (st = cril_field_text(r, "label", &out->label, err)) != CRIL_OK)
        return st;
    if (json_array_size(out->options) != OPTIONS)
        return cril_data_fault(r->data, r->place, err, "\"options\" has %zu elements, not %d",
                               json_array_size(out->options), OPTIONS);
    if (out->label.len != 1 || *out->label.data < 'A' || *out->label.data >= 'A' + OPTIONS)
        return cril_data_fault(r->data, r->place, err, "\"label\" is \"%.*s\", not a letter A to D",
                               CRIL_SHOWN(out->label));
    out->right = (size_t)(*out->label.data - 'A');
    return CRIL_OK;
}

static struct cril_bytes option(const struct question *q, size_t i)
{
    return cril_json_text(json_array_get(q->options, i));
}

static void add_options(struct cril_str *to, const struct question *q)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        cril_str_add(to, i ? " " : "");
        cril_str_append(to, option(q, i));
    }
}

/* ---- AGIEval ---- */

/* nr: as the exam counts, from 1. */
static void ask(struct cril_str *to, const struct question *q, size_t nr)
{
    char heading[40];

    snprintf(heading, sizeof(heading), "Problem %zu.   ", nr);
    cril_str_append_between(to, heading, q->passage, " ");
    cril_str_append(to, q->text);
    cril_str_add(to, "\nChoose from the following options:    ");
    add_options(to, q);
    cril_str_add(to, "\n");
}

static cril_status explain(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct cril_bytes explanation;
    const cril_status st = cril_field_text(r, "explanation", &explanation, l->err);
    char heading[60];

    if (st != CRIL_OK)
        return st;
    snprintf(heading, sizeof(heading), "Explanation for Problem %zu:   ", nr);
    cril_str_append_between(&l->text, heading, explanation, "\n");
    return CRIL_OK;
}

static cril_status add_shot(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct question q;
    cril_status st = read_question(r, &q, l->err);

    if (st != CRIL_OK)
        return st;
    ask(&l->text, &q, nr + 1);
    if (!cril_settings_are(l->settings, "no_explanations"))
        st = explain(l, r, nr + 1);
    cril_str_append_between(&l->text, "The answer is therefore ", q.label, "\n\n");
    return st;
}

static cril_status make_item(struct cril_load *l, const struct cril_record *r,
                             struct cril_item *item)
{
    struct question q;
    cril_status st;

    if ((st = read_question(r, &q, l->err)) != CRIL_OK)
        return st;
    ask(&l->text, &q, l->shots.n + 1);
    if ((st = cril_load_text(l, &item->context)) != CRIL_OK ||
        (st = cril_load_joined(l, " ", option(&q, q.right), &item->gold_text)) != CRIL_OK)
        return st;
    return cril_load_answers(l, item, json_pack("{ss%}", "gold", q.label.data, q.label.len));
}

/* ---- lm-evaluation-harness ---- */

static cril_status make_choices(struct cril_load *l, const struct cril_record *r,
                                struct cril_item *item)
{
    struct question q;
    cril_status st;

    if ((st = read_question(r, &q, l->err)) != CRIL_OK ||
        (st = cril_load_choices(l, item, OPTIONS)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < OPTIONS && st == CRIL_OK; i++)
        st = cril_load_choice(l, r, item, i, option(&q, i));
    item->gold = (ptrdiff_t)q.right;
    cril_str_append(&l->text, q.passage);
    cril_str_append_between(&l->text, "Q: ", q.text, " Answer Choices: ");
    add_options(&l->text, &q);
    cril_str_add(&l->text, "\nA: Among A through D, the answer is");
    return st == CRIL_OK ? cril_load_text(l, &item->context) : st;
}

/* ---- The task ---- */

static cril_status load(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, uint64_t limit, struct cril_items *out, cril_error *err)
{
    static const struct cril_recipe
        agieval = {.description = "Here are the answers for the problems in the exam.\n",
                   .shot = add_shot,
                   .item = make_item},
        harness = {.item = make_choices};

    return cril_load_by(cril_settings_are(s, "harness") ? &harness : &agieval, t, s, folder, limit,
                        out, err);
}

static const struct cril_task_file files[] = {
    {.name = "sat-math.jsonl",
     .role = "items",
     .published = "GitHub ruixiangcui/AGIEval data/v1/sat-math.jsonl: 220; MIT"},
    {.name = "fewshot_prompts.json",
     .role = "shots",
     .published = "column \"sat-math\" of GitHub ruixiangcui/AGIEval data/few_shot_prompts.csv: 5; "
                  "MIT",
     .conversion =
         "python3 -c \"import ast,csv,json; n=chr(10); c=[r['sat-math'] for r in csv.DictReader("
         "open('few_shot_prompts.csv',newline='',encoding='utf-8'))]; print(json.dumps([dict("
         "ast.literal_eval(q),explanation=e.replace(n+n,n)) for q,e in zip(c[::2],c[1::2]) if q]))"
         "\" > fewshot_prompts.json"},
    {0},
};

static const char *const until[] = {"\nProblem ", NULL};

#define AGIEVAL                                                                                    \
    .version = 1, .shots = 4, .draw = CRIL_DRAW_FIXED, .window = 1900, .max_tokens = 512,          \
    .until = until, .metric_shown = "accuracy", .max_shots = 5, .shortens_answer = true

static const struct cril_task_protocol protocols[] = {
    {.name = "paper",
     .summary = "4 given shots with explanations (AGIEval few-shot-CoT), window 1900",
     AGIEVAL,
     .metric = "agieval_few_shot_cot_match",
     .answer_rule = "the last line: the letter behind \"answer is \", else the first A to F"},
    {.name = "harness",
     .summary = "no shots, options shown and scored as continuations (agieval_sat_math)",
     .version = 1,
     .draw = CRIL_DRAW_FIXED,
     .metric = "acc",
     .metric_shown = "acc",
     .answer_rule = "largest sum of log p of \" \" + option"},
    {.name = "no_explanations",
     .summary = "4 given shots without explanations (AGIEval few-shot), window 1900",
     AGIEVAL,
     .metric = "agieval_few_shot_match",
     .answer_rule = "the letter behind the first \"answer is \", else the first A to F"},
    {0},
};

const struct cril_task cril_task_sat_math = {
    .name = "sat_math",
    .title = "SAT-Math",
    .group = "mathematics",
    .folder = "sat_math",
    .files = files,
    .protocols = protocols,
    .expects = "\"question\", \"options\" (4 texts) and \"label\"",
    .rules = cril_rules_letters,
    .load = load,
};
