/*
 * MMLU (Hendrycks et al. 2021): 57 subjects, four choices each. And MMLU-Math, five of the
 * subjects.
 *
 * Two ways to ask: with the choices' letters, and cloze, where the choices are not shown and each
 * is scored as the answer. Shots are the first records of the subject's dev file.
 * Source: lm-evaluation-harness, tasks/mmlu/default and tasks/mmlu/continuation.
 */
#include "tasks/load.h"
#include "tasks/python_text.h"
#include "tasks/settings.h"
#include "tasks/table.h"
#include "util/json.h"

enum { CHOICES = 4, FIELDS = CHOICES + 2 };

struct question {
    struct cril_bytes text;
    const json_t *choices;
    int64_t right;
};

/* ---- Records ---- */

/* The row as the hub has it. */
static json_t *name_row(const char *subject, json_t *row, size_t right)
{
    return json_pack("{sO ss s[OOOO] si}", "question", json_array_get(row, 0), "subject", subject,
                     "choices", json_array_get(row, 1), json_array_get(row, 2),
                     json_array_get(row, 3), json_array_get(row, 4), "answer", (int)right);
}

static cril_status name_fields(struct cril_load *l, struct cril_data *d)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct cril_bytes key = cril_json_text(json_array_get(d->record[i].value, 5));
        json_t *named;

        if (key.len != 1 || *key.data < 'A' || *key.data >= 'A' + CHOICES)
            return cril_data_fault(d, i, l->err, "the last field is \"%.*s\", not a letter A to D",
                                   CRIL_SHOWN(key));
        if (!(named = name_row(l->subject, d->record[i].value, (size_t)(*key.data - 'A'))))
            return cril_load_no_memory(l);
        json_decref(d->record[i].value);
        d->record[i].value = named;
    }
    return CRIL_OK;
}

static cril_status read_question(const struct cril_record *r, struct question *out, cril_error *err)
{
    cril_status st;

    if ((st = cril_field_text(r, "question", &out->text, err)) != CRIL_OK ||
        (st = cril_field_texts(r, "choices", CHOICES, &out->choices, err)) != CRIL_OK)
        return st;
    out->text = cril_python_strip(out->text);
    return cril_field_integer(r, "answer", 0, CHOICES - 1, &out->right, err);
}

static struct cril_bytes choice_text(const struct question *q, size_t i)
{
    return cril_json_text(json_array_get(q->choices, i));
}

/* ---- Cloze ---- */

static void ask_cloze(struct cril_str *to, const struct question *q)
{
    cril_str_append_between(to, "Question: ", q->text, "\nAnswer:");
}

static cril_status add_cloze_shot(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct question q;
    const cril_status st = read_question(r, &q, l->err);

    (void)nr;
    if (st != CRIL_OK)
        return st;
    ask_cloze(&l->text, &q);
    cril_str_append_between(&l->text, " ", choice_text(&q, (size_t)q.right), "\n\n");
    return CRIL_OK;
}

static cril_status make_cloze_item(struct cril_load *l, const struct cril_record *r,
                                   struct cril_item *item)
{
    struct question q;
    cril_status st;

    if ((st = read_question(r, &q, l->err)) != CRIL_OK ||
        (st = cril_load_choices(l, item, CHOICES)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < CHOICES && st == CRIL_OK; i++)
        st = cril_load_choice(l, r, item, i, choice_text(&q, i));
    item->gold = (ptrdiff_t)q.right;
    ask_cloze(&l->text, &q);
    return st == CRIL_OK ? cril_load_text(l, &item->context) : st;
}

#define CLOZE "The following are questions (with answers) about {SUBJECT}.\n"

/* The template lost its last line end until August 2024. */
static const struct cril_recipe paper = {.description = CLOZE,
                                         .csv_fields = FIELDS,
                                         .name_fields = name_fields,
                                         .shot = add_cloze_shot,
                                         .item = make_cloze_item};
static const struct cril_recipe cloze = {.description = CLOZE "\n",
                                         .csv_fields = FIELDS,
                                         .name_fields = name_fields,
                                         .shot = add_cloze_shot,
                                         .item = make_cloze_item};

/* ---- Letters ---- */

static const char *const letters[CHOICES] = {"A", "B", "C", "D"};

static void ask_letters(struct cril_str *to, const struct question *q)
{
    cril_str_append(to, q->text);
    for (size_t i = 0; i < CHOICES; i++) {
        cril_str_append_between(to, "\n", cril_bytes_of(letters[i]), ". ");
        cril_str_append(to, choice_text(q, i));
    }
    cril_str_add(to, "\nAnswer:");
}

static cril_status add_letters_shot(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct question q;
    const cril_status st = read_question(r, &q, l->err);

    (void)nr;
    if (st != CRIL_OK)
        return st;
    ask_letters(&l->text, &q);
    cril_str_append_between(&l->text, " ", cril_bytes_of(letters[q.right]), "\n\n");
    return CRIL_OK;
}

/* A letter says nothing about how well a model knows the answer's text: that is scored as cloze. */
static cril_status add_gold(struct cril_load *l, const struct question *q, struct cril_item *item)
{
    cril_status st;

    l->text.n = 0;
    cril_load_description(l, cloze.description);
    if ((st = cril_load_shots(l, &cloze)) != CRIL_OK)
        return st;
    ask_cloze(&l->text, q);
    if ((st = cril_load_text(l, &item->gold_context)) != CRIL_OK)
        return st;
    return cril_load_joined(l, " ", choice_text(q, (size_t)q->right), &item->gold_text);
}

static cril_status make_letters_item(struct cril_load *l, const struct cril_record *r,
                                     struct cril_item *item)
{
    struct question q;
    cril_status st;

    if ((st = read_question(r, &q, l->err)) != CRIL_OK ||
        (st = cril_load_choices(l, item, CHOICES)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < CHOICES && st == CRIL_OK; i++)
        st = cril_load_choice(l, r, item, i, cril_bytes_of(letters[i]));
    item->gold = (ptrdiff_t)q.right;
    ask_letters(&l->text, &q);
    if (st != CRIL_OK || (st = cril_load_text(l, &item->context)) != CRIL_OK)
        return st;
    return add_gold(l, &q, item);
}

static const struct cril_recipe by_letter = {
    .description =
        "The following are multiple choice questions (with answers) about {SUBJECT}.\n\n",
    .csv_fields = FIELDS,
    .name_fields = name_fields,
    .shot = add_letters_shot,
    .item = make_letters_item};

/* ---- The tasks ---- */

static cril_status load(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, uint64_t limit, struct cril_items *out, cril_error *err)
{
    const struct cril_recipe *const r = cril_settings_are(s, "paper")     ? &paper
                                        : cril_settings_are(s, "harness") ? &by_letter
                                                                          : &cloze;

    return cril_load_by(r, t, s, folder, limit, out, err);
}

/* Of all subjects at once: the hub's folder "all" has a column "subject". */
#define CONVERSION(split, of)                                                                      \
    "python3 -c \"import pandas as p,csv,os; os.makedirs('" split "',exist_ok=True); "             \
    "[csv.writer(open('" split "/'+s+'_" split ".csv','w',newline='',encoding='utf-8'))"           \
    ".writerows([q,*c,'ABCD'[a]] for q,c,a in zip(d.question,d.choices,d.answer)) for s,d in "     \
    "p.read_parquet('all/" of "-00000-of-00001.parquet').groupby('subject')]\""

#define PUBLISHED "GitHub hendrycks/test (data.tar of its README), Hugging Face cais/mmlu, all, "

static const struct cril_task_file files[] = {
    {.name = "test/SUBJECT_test.csv",
     .role = "items",
     .published = PUBLISHED "test: 14,042; MIT",
     .conversion = CONVERSION("test", "test")},
    {.name = "dev/SUBJECT_dev.csv",
     .role = "shots",
     .published = PUBLISHED "dev: 5 a subject; MIT",
     .conversion = CONVERSION("dev", "dev")},
    {0},
};

static const struct cril_task_protocol protocols[] = {
    {.name = "paper",
     .summary = "5 shots, cloze, plain mean of the subjects, window 1900",
     CRIL_TASK_ACC_NORM,
     .shots = 5,
     .draw = CRIL_DRAW_FIRST,
     .window = 1900,
     .bos = CRIL_BOS_GEMMA,
     .mean_of_subjects = true},
    {.name = "harness",
     .summary = "5 shots, choices shown, the letter is scored, mean of the items",
     .version = 1,
     .shots = 5,
     .draw = CRIL_DRAW_FIRST,
     .metric = "acc",
     .metric_shown = "acc",
     .answer_rule = "largest log p of \" \" + letter",
     .max_shots = SIZE_MAX},
    {.name = "harness_continuation",
     .summary = "5 shots, cloze, mean of the items (mmlu_continuation)",
     .version = 1,
     .shots = 5,
     .draw = CRIL_DRAW_FIRST,
     .metric = "acc",
     .metric_shown = "acc",
     .answer_rule = "largest sum of log p of \" \" + choice",
     .max_shots = SIZE_MAX},
    {0},
};

static const char *const subjects[] = {
    "abstract_algebra",
    "anatomy",
    "astronomy",
    "business_ethics",
    "clinical_knowledge",
    "college_biology",
    "college_chemistry",
    "college_computer_science",
    "college_mathematics",
    "college_medicine",
    "college_physics",
    "computer_security",
    "conceptual_physics",
    "econometrics",
    "electrical_engineering",
    "elementary_mathematics",
    "formal_logic",
    "global_facts",
    "high_school_biology",
    "high_school_chemistry",
    "high_school_computer_science",
    "high_school_european_history",
    "high_school_geography",
    "high_school_government_and_politics",
    "high_school_macroeconomics",
    "high_school_mathematics",
    "high_school_microeconomics",
    "high_school_physics",
    "high_school_psychology",
    "high_school_statistics",
    "high_school_us_history",
    "high_school_world_history",
    "human_aging",
    "human_sexuality",
    "international_law",
    "jurisprudence",
    "logical_fallacies",
    "machine_learning",
    "management",
    "marketing",
    "medical_genetics",
    "miscellaneous",
    "moral_disputes",
    "moral_scenarios",
    "nutrition",
    "philosophy",
    "prehistory",
    "professional_accounting",
    "professional_law",
    "professional_medicine",
    "professional_psychology",
    "public_relations",
    "security_studies",
    "sociology",
    "us_foreign_policy",
    "virology",
    "world_religions",
    NULL,
};

static const char *const math_subjects[] = {
    "abstract_algebra",        "college_mathematics",    "elementary_mathematics",
    "high_school_mathematics", "high_school_statistics", NULL,
};

#define EXPECTS "rows of 6 fields: question, four choices, A, B, C or D"

const struct cril_task cril_task_mmlu = {
    .name = "mmlu",
    .title = "MMLU",
    .group = "knowledge",
    .folder = "mmlu",
    .files = files,
    .protocols = protocols,
    .subjects = subjects,
    .expects = EXPECTS,
    .load = load,
};

const struct cril_task cril_task_mmlu_math = {
    .name = "mmlu_math",
    .title = "MMLU-Math",
    .group = "mathematics",
    .folder = "mmlu",
    .files = files,
    .protocols = protocols,
    .subjects = math_subjects,
    .expects = EXPECTS,
    .load = load,
};
