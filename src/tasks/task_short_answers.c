/*
 * Short answers, exact match with any reference: NaturalQuestions in its open form (Kwiatkowski et
 * al. 2019, Lee et al. 2019) and TriviaQA without its evidence (Joshi et al. 2017).
 *
 * Questions of NaturalQuestions have no question mark of their own; those of TriviaQA have one, and
 * the template adds another. The shot's answer is the first reference, odd as it may be. Both are
 * how lm-evaluation-harness has it.
 * Source: lm-evaluation-harness, tasks/nq_open/nq_open.yaml, tasks/triviaqa/default.yaml.
 */
#include "tasks/load.h"
#include "tasks/settings.h"
#include "tasks/table.h"
#include "util/json.h"

/* How the two differ. */
struct form {
    const char *references, *id; /* fields; id NULL: records have none */
    const char *before, *after;  /* a question */
    const char *shot_end;
};

static const struct form *form_of(const struct cril_task *t)
{
    static const struct form nq_open = {"answer", NULL, "Q: ", "?\nA:", "\n"},
                             triviaqa = {"aliases", "id", "Question: ", "?\nAnswer:", "\n\n"};

    return t == &cril_task_nq_open ? &nq_open : &triviaqa;
}

struct question {
    struct cril_bytes text, answer;
    const json_t *references;
};

static cril_status read_question(const struct cril_load *l, const struct cril_record *r,
                                 struct question *out)
{
    cril_status st;

    if ((st = cril_field_text(r, "question", &out->text, l->err)) != CRIL_OK ||
        (st = cril_field_texts(r, form_of(l->task)->references, 1, &out->references, l->err)) !=
            CRIL_OK)
        return st;
    out->answer = cril_json_text(json_array_get(out->references, 0));
    return CRIL_OK;
}

static void ask(struct cril_load *l, const struct question *q)
{
    const struct form *const f = form_of(l->task);

    cril_str_append_between(&l->text, f->before, q->text, f->after);
}

static cril_status add_shot(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct question q;
    const cril_status st = read_question(l, r, &q);

    (void)nr;
    if (st != CRIL_OK)
        return st;
    ask(l, &q);
    cril_str_append_between(&l->text, " ", q.answer, form_of(l->task)->shot_end);
    return CRIL_OK;
}

static cril_status make_item(struct cril_load *l, const struct cril_record *r,
                             struct cril_item *item)
{
    const char *const id_field = form_of(l->task)->id;
    struct cril_bytes id = {0};
    struct question q;
    cril_status st;

    if ((st = read_question(l, r, &q)) != CRIL_OK ||
        (id_field && (st = cril_field_optional_text(r, id_field, &id, l->err)) != CRIL_OK) ||
        (st = cril_load_id(l, item, id)) != CRIL_OK)
        return st;
    ask(l, &q);
    if ((st = cril_load_text(l, &item->context)) != CRIL_OK ||
        (st = cril_load_joined(l, " ", q.answer, &item->gold_text)) != CRIL_OK)
        return st;
    return cril_load_answers(l, item, json_pack("{sO}", "references", q.references));
}

#define RECIPE .one_more = true, .shot = add_shot, .item = make_item

static cril_status load_nq_open(const struct cril_task *t, const struct cril_task_settings *s,
                                const char *folder, uint64_t limit, struct cril_items *out,
                                cril_error *err)
{
    /* The template lost its last line end until August 2024. */
    static const struct cril_recipe paper = {.description = "Answer these questions:\n", RECIPE},
                                    harness = {.description = "Answer these questions:\n\n",
                                               RECIPE};

    return cril_load_by(cril_settings_are(s, "paper") ? &paper : &harness, t, s, folder, limit, out,
                        err);
}

static cril_status load_triviaqa(const struct cril_task *t, const struct cril_task_settings *s,
                                 const char *folder, uint64_t limit, struct cril_items *out,
                                 cril_error *err)
{
    static const struct cril_recipe recipe = {RECIPE};

    return cril_load_by(&recipe, t, s, folder, limit, out, err);
}

/* ---- The tasks ---- */

#define NQ_CONVERSION(split, file)                                                                 \
    "python3 -c \"import pandas as p; p.read_parquet('nq_open/" split                              \
    "-00000-of-00001.parquet')[['question','answer']].to_json('" file                              \
    "',orient='records',lines=True,force_ascii=False)\""

static const struct cril_task_file nq_files[] = {
    {.name = "NQ-open.dev.jsonl",
     .role = "items",
     .published = "GitHub google-research-datasets/natural-questions nq_open, Hugging Face "
                  "google-research-datasets/nq_open, validation: 3,610; CC BY-SA 3.0",
     .conversion = NQ_CONVERSION("validation", "NQ-open.dev.jsonl")},
    {.name = "NQ-open.train.jsonl",
     .role = "shots",
     .published = "the same, train: 87,925; CC BY-SA 3.0",
     .conversion = NQ_CONVERSION("train", "NQ-open.train.jsonl")},
    {.name = "NQ-open.efficientqa.dev.1.1.jsonl",
     .role = "shots",
     .published = "GitHub google-research-datasets/natural-questions nq_open: 1,800, in the place "
                  "of train; CC BY-SA 3.0"},
    {0},
};

#define TRIVIAQA_CONVERSION(split, file)                                                           \
    "python3 -c \"import pandas as p,json; [print(json.dumps({'id':r.question_id,'question':"      \
    "r.question,'answer':r.answer['value'],'aliases':list(r.answer['aliases'])},"                  \
    "ensure_ascii=False)) for r in p.read_parquet('rc.nocontext/" split                            \
    "-00000-of-00001.parquet').itertuples()]\" > " file

static const struct cril_task_file triviaqa_files[] = {
    {.name = "validation.jsonl",
     .role = "items",
     .published = "Hugging Face mandarjoshi/trivia_qa, rc.nocontext, validation: 17,944; licence "
                  "of the questions not stated",
     .conversion = TRIVIAQA_CONVERSION("validation", "validation.jsonl")},
    {.name = "test.jsonl",
     .role = "items",
     .published = "GitHub mosaicml/llm-foundry, triviaqa_sm_sub.jsonl with \"question\", "
                  "\"answer\", \"aliases\": 3,000 of validation; Apache-2.0"},
    {.name = "train.jsonl",
     .role = "shots",
     .published = "Hugging Face mandarjoshi/trivia_qa, rc.nocontext, train: 138,384",
     .conversion = TRIVIAQA_CONVERSION("train", "train.jsonl")},
    {.name = "fewshot_pool.jsonl",
     .role = "shots",
     .published = "any questions that are no items, with \"question\" and \"aliases\", in the "
                  "place of train"},
    {0},
};

static const char *const until[] = {"\n", ".", ",", NULL};

#define PROTOCOL                                                                                   \
    .version = 1, .shots = 5, .draw = CRIL_DRAW_SEEDED, .max_tokens = 256, .until = until,         \
    .metric_shown = "exact_match", .max_shots = SIZE_MAX

static const struct cril_task_protocol nq_protocols[] = {
    {.name = "paper",
     .summary = "5 shots drawn anew for each item, window 1900, template of April 2024",
     PROTOCOL,
     .window = 1900,
     .bos = CRIL_BOS_GEMMA,
     .metric = "nq_open_paper_match",
     .answer_rule = "one leading blank dropped; equal to any reference without articles, case and "
                    "ASCII punctuation"},
    {.name = "harness",
     .summary = "5 shots drawn anew for each item",
     PROTOCOL,
     .metric = "nq_open_match",
     .answer_rule = "white space stripped; equal to any reference without articles, case and ASCII "
                    "punctuation"},
    {0},
};

static const struct cril_task_protocol triviaqa_protocols[] = {
    {.name = "paper",
     .summary = "5 shots drawn anew for each item, window 1900",
     PROTOCOL,
     .window = 1900,
     .bos = CRIL_BOS_GEMMA,
     .metric = "triviaqa_paper_match",
     .answer_rule = "one leading blank dropped; equal to any alias without case and ASCII "
                    "punctuation"},
    {.name = "harness",
     .summary = "5 shots drawn anew for each item",
     PROTOCOL,
     .metric = "triviaqa_match",
     .answer_rule = "white space stripped; equal to any alias without case and ASCII punctuation"},
    {0},
};

const struct cril_task cril_task_nq_open = {
    .name = "nq_open",
    .title = "NaturalQuestions",
    .group = "knowledge",
    .folder = "nq_open",
    .files = nq_files,
    .protocols = nq_protocols,
    .expects = "\"question\" and \"answer\" (a list of texts)",
    .rules = cril_rules_answers,
    .load = load_nq_open,
};

const struct cril_task cril_task_triviaqa = {
    .name = "triviaqa",
    .title = "TriviaQA",
    .group = "knowledge",
    .folder = "triviaqa",
    .files = triviaqa_files,
    .protocols = triviaqa_protocols,
    .expects = "\"question\" and \"aliases\" (a list of texts)",
    .rules = cril_rules_answers,
    .load = load_triviaqa,
};
