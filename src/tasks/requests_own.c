/* cril's own lines: {"context", "continuation"}, {"context", "choices", "gold"},
 * {"context", "until", "max_tokens", "answers"}, {"text"} (doc/requests.md). */
#include "tasks/requests_reader.h"

static bool fits(const json_t *record)
{
    return json_object_get(record, "context") || json_object_get(record, "text");
}

static size_t characters_of(struct cril_bytes text)
{
    return cril_builder_points(text) - (text.len && text.data[0] == ' ');
}

static cril_status read_gold(const struct cril_requests *r, const json_t *gold,
                             struct cril_item *item)
{
    uint64_t place = 0;
    cril_status st;

    if (!gold || json_is_null(gold))
        return CRIL_OK;
    if (json_is_string(gold)) {
        item->gold = cril_requests_find_choice(item, cril_bytes_of(" "), cril_json_text(gold));
        if (item->gold >= 0)
            return CRIL_OK;
        return cril_requests_fault(r,
                                   "\"gold\" is \"%.80s\", which is none of the choices, or "
                                   "several; give the place of the right one, from 0",
                                   json_string_value(gold));
    }
    if ((st = cril_requests_count(r, gold, "gold", 0, item->n_choices - 1, &place)) == CRIL_OK)
        item->gold = (ptrdiff_t)place;
    return st;
}

static cril_status read_choices(struct cril_requests *r, const json_t *record,
                                struct cril_item *item)
{
    const json_t *const one = json_object_get(record, "continuation");
    const json_t *const list = one ? one : json_object_get(record, "choices");
    cril_status st = one ? CRIL_OK : cril_requests_check_texts(r, list, "choices", false, 1);

    if (st == CRIL_OK && one && !json_is_string(one))
        st = cril_requests_fault(r, "\"continuation\" is no text; several are \"choices\"");
    if (st != CRIL_OK)
        return st;
    item->n_choices = one ? 1 : json_array_size(list);
    if (!(item->choices = cril_builder_choices(&r->builder, item->n_choices)))
        return cril_requests_no_memory(r);
    for (size_t i = 0; i < item->n_choices; i++) {
        const json_t *v = one ? one : json_array_get(list, i);
        struct cril_item_choice *c = &item->choices[i];

        if (!cril_builder_text(&r->builder, cril_json_text(v), (struct cril_bytes){0}, &c->text))
            return cril_requests_no_memory(r);
        c->characters = characters_of(c->text);
    }
    if (item->n_choices == 1)
        item->gold = 0;
    return read_gold(r, json_object_get(record, "gold"), item);
}

static cril_status read_generation(struct cril_requests *r, const json_t *record,
                                   struct cril_item *item)
{
    const json_t *const until = json_object_get(record, "until"),
                        *answers = json_object_get(record, "answers"),
                        *most = json_object_get(record, "max_tokens");
    uint64_t tokens = CRIL_REQUESTS_DEFAULT_TOKENS;
    cril_status st = CRIL_OK;

    item->kind = CRIL_ITEM_GENERATION;
    if (until)
        st = cril_requests_check_texts(r, until, "until", true, 0);
    if (st == CRIL_OK && answers)
        st = cril_requests_check_texts(r, answers, "answers", true, 1);
    if (st == CRIL_OK && most)
        st = cril_requests_count(r, most, "max_tokens", 1, CRIL_REQUESTS_MOST_TOKENS, &tokens);
    if (st != CRIL_OK)
        return st;
    item->max_tokens = (size_t)tokens;
    if (until && !cril_builder_texts(&r->builder, until, &item->until, &item->n_until))
        return cril_requests_no_memory(r);
    if (answers &&
        (!(item->answers = cril_builder_answers(&r->builder, answers)) ||
         !cril_requests_gold_text(
             r, cril_json_text(json_is_array(answers) ? json_array_get(answers, 0) : answers),
             item)))
        return cril_requests_no_memory(r);
    return CRIL_OK;
}

/* Which of the kinds the fields ask for; each excludes the others. */
static cril_status read_kind(struct cril_requests *r, const json_t *record, struct cril_item *item)
{
    const json_t *const one = json_object_get(record, "continuation"),
                        *list = json_object_get(record, "choices"),
                        *text = json_object_get(record, "text");
    const bool generates = json_object_get(record, "until") || json_object_get(record, "answers") ||
                           json_object_get(record, "max_tokens");

    if (!!one + !!list + !!text + generates != 1)
        return cril_requests_fault(
            r, "a request has one of \"continuation\", \"choices\", and \"until\" (with "
               "\"max_tokens\" and \"answers\") beside its \"context\", or \"text\" alone");
    if (text) {
        item->kind = CRIL_ITEM_ROLLING;
        return CRIL_OK;
    }
    return generates ? read_generation(r, record, item) : read_choices(r, record, item);
}

static cril_status read(struct cril_requests *r)
{
    const json_t *const record = r->data->record[r->at].value;
    const char *const where = json_object_get(record, "text") ? "text" : "context";
    struct cril_item item = {.subject = "", .index = r->at, .gold = -1};
    struct cril_bytes context;
    cril_status st;

    if ((st = cril_requests_text(r, json_object_get(record, where), where, &context)) != CRIL_OK ||
        (st = cril_requests_take_task(r, json_object_get(record, "task"))) != CRIL_OK ||
        (st = cril_requests_name(r, json_object_get(record, "id"), "id", &item.id)) != CRIL_OK ||
        (st = cril_requests_name(r, json_object_get(record, "subject"), "subject",
                                 &item.subject)) != CRIL_OK)
        return st;
    if (!cril_builder_text(&r->builder, context, (struct cril_bytes){0}, &item.context))
        return cril_requests_no_memory(r);
    if (!item.subject)
        item.subject = "";
    if ((st = read_kind(r, record, &item)) == CRIL_OK)
        st = cril_requests_add(r, &item);
    r->at++;
    return st;
}

const struct cril_requests_form cril_requests_own = {"lines with \"context\"", fits, NULL, read};
