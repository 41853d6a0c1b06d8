/*
 * NaturalQuestions, open form (Kwiatkowski et al. 2019, Lee et al. 2019): short answers, exact
 * match with any reference.
 *
 * Questions have no question mark of their own. The shot's answer is the first reference.
 * Source: lm-evaluation-harness, tasks/nq_open/nq_open.yaml.
 */
#include "tasks/load.h"
#include "tasks/settings.h"
#include "tasks/table.h"
#include "util/json.h"

struct question {
    struct cril_bytes text;
    const json_t *answers;
};

static cril_status read_question(const struct cril_record *r, struct question *out, cril_error *err)
{
    const cril_status st = cril_field_text(r, "question", &out->text, err);

    return st == CRIL_OK ? cril_field_texts(r, "answer", 1, &out->answers, err) : st;
}

static struct cril_bytes first_answer(const struct question *q)
{
    return cril_json_text(json_array_get(q->answers, 0));
}

static void ask(struct cril_str *to, const struct question *q)
{
    cril_str_add(to, "Q: ");
    cril_str_append(to, q->text);
    cril_str_add(to, "?\nA:");
}

static cril_status add_shot(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct question q;
    const cril_status st = read_question(r, &q, l->err);

    (void)nr;
    if (st != CRIL_OK)
        return st;
    ask(&l->text, &q);
    cril_str_add(&l->text, " ");
    cril_str_append(&l->text, first_answer(&q));
    cril_str_add(&l->text, "\n");
    return CRIL_OK;
}

static cril_status make_item(struct cril_load *l, const struct cril_record *r,
                             struct cril_item *item)
{
    struct question q;
    cril_status st;

    if ((st = read_question(r, &q, l->err)) != CRIL_OK)
        return st;
    ask(&l->text, &q);
    if ((st = cril_load_text(l, &item->context)) != CRIL_OK ||
        (st = cril_load_joined(l, " ", first_answer(&q), &item->gold_text)) != CRIL_OK)
        return st;
    return cril_load_answers(l, item, json_pack("{sO}", "references", q.answers));
}

static cril_status load(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, uint64_t limit, struct cril_items *out, cril_error *err)
{
    /* The template lost its last line end until August 2024. */
    static const struct cril_recipe paper = {.description = "Answer these questions:\n",
                                             .one_more = true,
                                             .shot = add_shot,
                                             .item = make_item},
                                    harness = {.description = "Answer these questions:\n\n",
                                               .one_more = true,
                                               .shot = add_shot,
                                               .item = make_item};

    return cril_load_by(cril_settings_are(s, "paper") ? &paper : &harness, t, s, folder, limit, out,
                        err);
}

#define CONVERSION(split, file)                                                                    \
    "python3 -c \"import pandas as p; p.read_parquet('nq_open/" split                              \
    "-00000-of-00001.parquet')[['question','answer']].to_json('" file                              \
    "',orient='records',lines=True,force_ascii=False)\""

static const struct cril_task_file files[] = {
    {.name = "NQ-open.dev.jsonl",
     .role = "items",
     .published = "GitHub google-research-datasets/natural-questions nq_open, Hugging Face "
                  "google-research-datasets/nq_open, validation: 3,610; CC BY-SA 3.0",
     .conversion = CONVERSION("validation", "NQ-open.dev.jsonl")},
    {.name = "NQ-open.train.jsonl",
     .role = "shots",
     .published = "the same, train: 87,925; CC BY-SA 3.0",
     .conversion = CONVERSION("train", "NQ-open.train.jsonl")},
    {.name = "NQ-open.efficientqa.dev.1.1.jsonl",
     .role = "shots",
     .published = "GitHub google-research-datasets/natural-questions nq_open: 1,800, in the place "
                  "of train; CC BY-SA 3.0"},
    {0},
};

static const char *const until[] = {"\n", ".", ",", NULL};

static const struct cril_task_protocol protocols[] = {
    {.name = "paper",
     .summary = "5 shots drawn anew for each item, window 1900, template of April 2024",
     .version = 1,
     .shots = 5,
     .draw = CRIL_DRAW_SEEDED,
     .window = 1900,
     .max_tokens = 256,
     .bos = CRIL_BOS_GEMMA,
     .until = until,
     .metric = "nq_open_paper_match",
     .metric_shown = "exact_match",
     .answer_rule = "one leading blank dropped; equal to any reference without articles, case and "
                    "ASCII punctuation",
     .max_shots = SIZE_MAX},
    {.name = "harness",
     .summary = "5 shots drawn anew for each item",
     .version = 1,
     .shots = 5,
     .draw = CRIL_DRAW_SEEDED,
     .max_tokens = 256,
     .until = until,
     .metric = "nq_open_match",
     .metric_shown = "exact_match",
     .answer_rule = "white space stripped; equal to any reference without articles, case and ASCII "
                    "punctuation",
     .max_shots = SIZE_MAX},
    {0},
};

const struct cril_task cril_task_nq_open = {
    .name = "nq_open",
    .title = "NaturalQuestions",
    .group = "knowledge",
    .folder = "nq_open",
    .files = files,
    .protocols = protocols,
    .expects = "\"question\" and \"answer\" (a list of texts)",
    .rules = cril_rules_answers,
    .load = load,
};
