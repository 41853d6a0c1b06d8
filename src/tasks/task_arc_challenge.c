/*
 * ARC-Challenge (Clark et al. 2018): questions of school science with 3 to 5 choices, which are not
 * shown: each is scored as the answer.
 *
 * The key is a label of the record's own choices, A to E or 1 to 4, not a place.
 * Source: lm-evaluation-harness, tasks/arc/arc_challenge.yaml.
 */
#include "tasks/load.h"
#include "tasks/table.h"
#include "util/json.h"

struct question {
    struct cril_bytes stem;
    const json_t *choices;
    size_t right;
};

static cril_status read_choice(const struct cril_record *question, size_t i,
                               struct cril_bytes *label, struct cril_bytes *text, cril_error *err)
{
    struct cril_record choice = *question;
    cril_status st;

    choice.object = json_array_get(json_object_get(question->object, "choices"), i);
    choice.within = "question.choices[].";
    if ((st = cril_field_text(&choice, "label", label, err)) == CRIL_OK)
        st = cril_field_text(&choice, "text", text, err);
    return st;
}

static cril_status read_question(const struct cril_record *r, struct question *out, cril_error *err)
{
    struct cril_record question;
    struct cril_bytes key, label, text;
    const size_t none = SIZE_MAX;
    cril_status st;

    if ((st = cril_field_object(r, "question", "question.", &question, err)) != CRIL_OK ||
        (st = cril_field_text(&question, "stem", &out->stem, err)) != CRIL_OK ||
        (st = cril_field_list(&question, "choices", 1, &out->choices, err)) != CRIL_OK ||
        (st = cril_field_text(r, "answerKey", &key, err)) != CRIL_OK)
        return st;
    out->right = none;
    for (size_t i = 0; i < json_array_size(out->choices); i++) {
        if ((st = read_choice(&question, i, &label, &text, err)) != CRIL_OK)
            return st;
        if (out->right == none && cril_bytes_same(key, label))
            out->right = i;
    }
    if (out->right == none)
        return cril_data_fault(r->data, r->place, err,
                               "no choice has the label \"%.*s\" of \"answerKey\"",
                               CRIL_SHOWN(key));
    return CRIL_OK;
}

static struct cril_bytes choice_text(const struct question *q, size_t i)
{
    return cril_json_text(json_object_get(json_array_get(q->choices, i), "text"));
}

static void ask(struct cril_load *l, const struct question *q)
{
    cril_str_append_between(&l->text, "Question: ", q->stem, "\nAnswer:");
}

static cril_status add_shot(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct question q;
    const cril_status st = read_question(r, &q, l->err);

    (void)nr;
    if (st != CRIL_OK)
        return st;
    ask(l, &q);
    cril_str_append_between(&l->text, " ", choice_text(&q, q.right), "\n\n");
    return CRIL_OK;
}

static cril_status make_item(struct cril_load *l, const struct cril_record *r,
                             struct cril_item *item)
{
    struct cril_bytes id;
    struct question q;
    cril_status st;

    if ((st = read_question(r, &q, l->err)) != CRIL_OK ||
        (st = cril_field_optional_text(r, "id", &id, l->err)) != CRIL_OK ||
        (st = cril_load_id(l, item, id)) != CRIL_OK ||
        (st = cril_load_choices(l, item, json_array_size(q.choices))) != CRIL_OK)
        return st;
    for (size_t i = 0; i < item->n_choices && st == CRIL_OK; i++)
        st = cril_load_choice(l, r, item, i, choice_text(&q, i));
    item->gold = (ptrdiff_t)q.right;
    ask(l, &q);
    return st == CRIL_OK ? cril_load_text(l, &item->context) : st;
}

static cril_status load(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, uint64_t limit, struct cril_items *out, cril_error *err)
{
    static const struct cril_recipe recipe = {.shot = add_shot, .item = make_item};

    return cril_load_by(&recipe, t, s, folder, limit, out, err);
}

#define CONVERSION(split, file)                                                                    \
    "python3 -c \"import pandas as p,json,sys; [print(json.dumps({'id':r.id,'question':{'stem':"   \
    "r.question,'choices':[{'text':t,'label':l} for t,l in zip(r.choices['text'],"                 \
    "r.choices['label'])]},'answerKey':r.answerKey},ensure_ascii=False)) for r in "                \
    "p.read_parquet('ARC-Challenge/" split "-00000-of-00001.parquet').itertuples()]\" > " file

static const struct cril_task_file files[] = {
    {.name = "ARC-Challenge-Test.jsonl",
     .role = "items",
     .published = "Hugging Face allenai/ai2_arc, ARC-Challenge, test: 1,172; CC BY-SA 4.0",
     .conversion = CONVERSION("test", "ARC-Challenge-Test.jsonl")},
    {.name = "ARC-Challenge-Train.jsonl",
     .role = "shots",
     .published = "Hugging Face allenai/ai2_arc, ARC-Challenge, train: 1,119; CC BY-SA 4.0",
     .conversion = CONVERSION("train", "ARC-Challenge-Train.jsonl")},
    {0},
};

static const struct cril_task_protocol protocols[] = {
    {.name = "paper",
     .summary = "25 shots drawn anew for each item, choices as continuations, window 1900",
     CRIL_TASK_ACC_NORM,
     .shots = 25,
     .draw = CRIL_DRAW_SEEDED,
     .window = 1900,
     .bos = CRIL_BOS_GEMMA},
    {.name = "harness",
     .summary = "no shots (25 by --shots), choices as continuations",
     CRIL_TASK_ACC_NORM,
     .draw = CRIL_DRAW_SEEDED},
    {0},
};

const struct cril_task cril_task_arc_challenge = {
    .name = "arc_challenge",
    .title = "ARC-Challenge",
    .group = "knowledge",
    .folder = "arc_challenge",
    .files = files,
    .protocols = protocols,
    .expects = "\"question\" {\"stem\", \"choices\" [{\"text\", \"label\"}]} and \"answerKey\"",
    .load = load,
};
