/*
 * TriviaQA (Joshi et al. 2017) without its evidence: short answers, exact match with any alias.
 *
 * The template adds a question mark to questions that have one. The shot's answer is the first
 * alias, odd as it may be. Both are how lm-evaluation-harness has it.
 * Source: lm-evaluation-harness, tasks/triviaqa/default.yaml.
 */
#include "tasks/load.h"
#include "tasks/table.h"
#include "util/json.h"

struct question {
    struct cril_bytes text, id;
    const json_t *aliases;
};

static cril_status read_question(const struct cril_record *r, struct question *out, cril_error *err)
{
    cril_status st;

    if ((st = cril_field_text(r, "question", &out->text, err)) != CRIL_OK ||
        (st = cril_field_optional_text(r, "id", &out->id, err)) != CRIL_OK)
        return st;
    return cril_field_texts(r, "aliases", 1, &out->aliases, err);
}

static struct cril_bytes first_alias(const struct question *q)
{
    return cril_json_text(json_array_get(q->aliases, 0));
}

static void ask(struct cril_str *to, const struct question *q)
{
    cril_str_add(to, "Question: ");
    cril_str_append(to, q->text);
    cril_str_add(to, "?\nAnswer:");
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
    cril_str_append(&l->text, first_alias(&q));
    cril_str_add(&l->text, "\n\n");
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
        (st = cril_load_id(l, item, q.id)) != CRIL_OK ||
        (st = cril_load_joined(l, " ", first_alias(&q), &item->gold_text)) != CRIL_OK)
        return st;
    return cril_load_answers(l, item, json_pack("{sO}", "references", q.aliases));
}

static cril_status load(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, uint64_t limit, struct cril_items *out, cril_error *err)
{
    static const struct cril_recipe recipe = {
        .one_more = true, .shot = add_shot, .item = make_item};

    return cril_load_by(&recipe, t, s, folder, limit, out, err);
}

#define CONVERSION(split, file)                                                                    \
    "python3 -c \"import pandas as p,json; [print(json.dumps({'id':r.question_id,'question':"      \
    "r.question,'answer':r.answer['value'],'aliases':list(r.answer['aliases'])},"                  \
    "ensure_ascii=False)) for r in p.read_parquet('rc.nocontext/" split                            \
    "-00000-of-00001.parquet').itertuples()]\" > " file

static const struct cril_task_file files[] = {
    {.name = "validation.jsonl",
     .role = "items",
     .published = "Hugging Face mandarjoshi/trivia_qa, rc.nocontext, validation: 17,944; licence "
                  "of the questions not stated",
     .conversion = CONVERSION("validation", "validation.jsonl")},
    {.name = "test.jsonl",
     .role = "items",
     .published = "GitHub mosaicml/llm-foundry, triviaqa_sm_sub.jsonl with \"question\", "
                  "\"answer\", \"aliases\": 3,000 of validation; Apache-2.0"},
    {.name = "train.jsonl",
     .role = "shots",
     .published = "Hugging Face mandarjoshi/trivia_qa, rc.nocontext, train: 138,384",
     .conversion = CONVERSION("train", "train.jsonl")},
    {.name = "fewshot_pool.jsonl",
     .role = "shots",
     .published = "any questions that are no items, with \"question\" and \"aliases\", in the "
                  "place of train"},
    {0},
};

static const char *const until[] = {"\n", ".", ",", NULL};

static const struct cril_task_protocol protocols[] = {
    {.name = "paper",
     .summary = "5 shots drawn anew for each item, window 1900",
     .version = 1,
     .shots = 5,
     .draw = CRIL_DRAW_SEEDED,
     .window = 1900,
     .max_tokens = 256,
     .bos = CRIL_BOS_GEMMA,
     .until = until,
     .metric = "triviaqa_paper_match",
     .metric_shown = "exact_match",
     .answer_rule = "one leading blank dropped; equal to any alias without case and ASCII "
                    "punctuation",
     .max_shots = SIZE_MAX},
    {.name = "harness",
     .summary = "5 shots drawn anew for each item",
     .version = 1,
     .shots = 5,
     .draw = CRIL_DRAW_SEEDED,
     .max_tokens = 256,
     .until = until,
     .metric = "triviaqa_match",
     .metric_shown = "exact_match",
     .answer_rule = "white space stripped; equal to any alias without case and ASCII punctuation",
     .max_shots = SIZE_MAX},
    {0},
};

const struct cril_task cril_task_triviaqa = {
    .name = "triviaqa",
    .title = "TriviaQA",
    .group = "knowledge",
    .folder = "triviaqa",
    .files = files,
    .protocols = protocols,
    .expects = "\"question\" and \"aliases\" (a list of texts)",
    .rules = cril_rules_answers,
    .load = load,
};
