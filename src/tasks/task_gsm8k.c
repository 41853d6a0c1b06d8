/*
 * GSM8K (Cobbe et al. 2021): problems of school mathematics; a solution ends in "#### " and a
 * number.
 *
 * Source: lm-evaluation-harness, tasks/gsm8k/gsm8k.yaml; OpenCompass, configs/datasets/gsm8k/
 * gsm8k_gen_17d0dc.py.
 */
#include "tasks/load.h"
#include "tasks/python_text.h"
#include "tasks/settings.h"
#include "tasks/table.h"

struct problem {
    struct cril_bytes question, answer;
};

static cril_status read_problem(const struct cril_record *r, struct problem *out, cril_error *err)
{
    const cril_status st = cril_field_text(r, "question", &out->question, err);

    return st == CRIL_OK ? cril_field_text(r, "answer", &out->answer, err) : st;
}

/* What follows the last "#### ". */
static cril_status read_number(const struct cril_record *r, struct cril_bytes answer,
                               struct cril_bytes *out, cril_error *err)
{
    static const char mark[] = "#### ";

    if (cril_str_find(answer, 0, mark) == SIZE_MAX)
        return cril_data_fault(r->data, r->place, err, "\"answer\" has no \"#### \" and number");
    *out = cril_python_strip(cril_str_after_last(answer, mark));
    return CRIL_OK;
}

/* How the protocols differ. */
struct style {
    const char *before_answer; /* behind the question */
    const char *delimiter;     /* between prompt and solution */
};

static const struct style *style_of(const struct cril_load *l)
{
    static const struct style harness = {"\nAnswer:", " "},
                              opencompass = {"\nLet's think step by step\nAnswer:", "\n"};

    return cril_settings_are(l->settings, "opencompass") ? &opencompass : &harness;
}

static void ask(struct cril_load *l, const struct problem *p)
{
    cril_str_append_between(&l->text, "Question: ", p->question, style_of(l)->before_answer);
}

static cril_status add_shot(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct problem p;
    const cril_status st = read_problem(r, &p, l->err);

    (void)nr;
    if (st != CRIL_OK)
        return st;
    ask(l, &p);
    cril_str_append_between(&l->text, style_of(l)->delimiter, p.answer, "\n\n");
    return CRIL_OK;
}

static cril_status make_item(struct cril_load *l, const struct cril_record *r,
                             struct cril_item *item)
{
    struct cril_bytes number;
    struct problem p;
    cril_status st;

    if ((st = read_problem(r, &p, l->err)) != CRIL_OK ||
        (st = read_number(r, p.answer, &number, l->err)) != CRIL_OK)
        return st;
    ask(l, &p);
    if ((st = cril_load_text(l, &item->context)) != CRIL_OK ||
        (st = cril_load_joined(l, style_of(l)->delimiter, p.answer, &item->gold_text)) != CRIL_OK)
        return st;
    return cril_load_answers(l, item, json_pack("{ss%}", "gold", number.data, number.len));
}

static cril_status load(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, uint64_t limit, struct cril_items *out, cril_error *err)
{
    static const struct cril_recipe recipe = {.shot = add_shot, .item = make_item};

    return cril_load_by(&recipe, t, s, folder, limit, out, err);
}

#define PUBLISHED                                                                                  \
    "GitHub openai/grade-school-math grade_school_math/data, Hugging Face openai/gsm8k, main, "
#define CONVERSION(split)                                                                          \
    "python3 -c \"import pandas as p; p.read_parquet('main/" split                                 \
    "-00000-of-00001.parquet').to_json('" split                                                    \
    ".jsonl',orient='records',lines=True,force_ascii=False)\""

static const struct cril_task_file files[] = {
    {.name = "test.jsonl",
     .role = "items",
     .published = PUBLISHED "test: 1,319; MIT",
     .conversion = CONVERSION("test")},
    {.name = "train.jsonl",
     .role = "shots",
     .published = PUBLISHED "train: 7,473; MIT",
     .conversion = CONVERSION("train"),
     .protocols = "paper harness"},
    {.name = "fewshot_cot4.json",
     .role = "shots",
     .published = "the texts of GitHub open-compass/opencompass "
                  "opencompass/configs/datasets/gsm8k/gsm8k_gen_17d0dc.py: 4; Apache-2.0",
     .conversion =
         "python3 -c \"import ast,json; p=[ast.literal_eval(k.value) for n in ast.walk(ast.parse("
         "open('gsm8k_gen_17d0dc.py').read())) if isinstance(n,ast.Call) for k in n.keywords if "
         "k.arg=='prompt']; print(json.dumps([{'question':q[10:q.rindex(chr(10)+'Let')],'answer':"
         "a.strip()} for q,a in zip(p[::2],p[1::2])]))\" > fewshot_cot4.json",
     .protocols = "opencompass"},
    {0},
};

static const char *const until[] = {"Question:", "</s>", "<|im_end|>", NULL};
static const char *const until_opencompass[] = {"Question", NULL};

#define LM_EVAL                                                                                    \
    .version = 1, .shots = 5, .draw = CRIL_DRAW_SEEDED, .max_tokens = 256, .until = until,         \
    .metric = "strict_match", .metric_shown = "exact_match",                                       \
    .answer_rule = "the first \"#### \" and number, as text without \",\", \"$\" and a "           \
                   "last full stop",                                                               \
    .max_shots = SIZE_MAX

static const struct cril_task_protocol protocols[] = {
    {.name = "paper",
     .summary = "5 shots drawn anew for each item, window 1900",
     LM_EVAL,
     .window = 1900,
     .bos = CRIL_BOS_GEMMA},
    {.name = "harness", .summary = "5 shots drawn anew for each item", LM_EVAL},
    {.name = "opencompass",
     .summary = "4 given shots that think step by step (gsm8k_gen_17d0dc), window 2048",
     .version = 1,
     .shots = 4,
     .draw = CRIL_DRAW_FIXED,
     .window = 2048,
     .max_tokens = 512,
     .cut_right = true,
     .until = until_opencompass,
     .metric = "opencompass_match",
     .metric_shown = "accuracy",
     .answer_rule = "the last number before \"Question:\"",
     .max_shots = 4},
    {0},
};

const struct cril_task cril_task_gsm8k = {
    .name = "gsm8k",
    .title = "GSM8K",
    .group = "mathematics",
    .folder = "gsm8k",
    .files = files,
    .protocols = protocols,
    .expects = "\"question\" and \"answer\" (a text that ends in \"#### \" and a number)",
    .rules = cril_rules_gsm8k,
    .load = load,
};
