/*
 * Requests that olmo-eval (Allen Institute for AI) writes, in its two forms:
 *
 * Serialised benchmarks, which its task "serialized" reads, a line an item:
 *     {"doc_id", "question", "gold_answers": [texts], "choices": [texts], "metadata": {"gold_idx"},
 *      "request_type": "loglikelihood" or "completion", "prompt", "continuations": [texts]}
 * The logs *-requests.jsonl of its runs and of OLMES, a line an item, or one for each choice
 * (`idx`):
 *     {"request_type": "loglikelihood", "generate_until" or both with "_and_" between,
 *      "request": {"context", "continuation" or "continuations", "continuation_prompts",
 *                  "stop_sequences", "generation_kwargs": {"max_gen_toks"}},
 *      "doc", "idx", "doc_id", "native_id", "task_name", "label"}
 *
 * In both a second half of continuations that repeats the first is unconditional, behind another
 * prompt; it is left out. Lengths of choices are those of olmo-eval: the blank in front counts.
 * Chats (lists of messages) need a chat template, which is not applied here; they are refused.
 */
#include "tasks/requests_reader.h"
#include "util/fail.h"

#include <stdio.h>
#include <string.h>

enum { DEFAULT_TOKENS = 512 }; /* max_tokens of olmo-eval's SamplingParams */

static bool fits(const json_t *record)
{
    return json_object_get(record, "request_type");
}

/* One line, with the fields of both forms under one name. */
struct line {
    const json_t *record, *request; /* request: whose fields are read */
    const char *type;
    const json_t *prompt, *continuations, *own_prompts;
    const json_t *stops, *tokens;
    const json_t *gold; /* a place or a text */
};

static const json_t *gold_of(const json_t *record)
{
    const json_t *const label = json_object_get(record, "label");
    const json_t *const place = json_object_get(json_object_get(record, "metadata"), "gold_idx");

    return label ? label : place ? place : json_object_get(record, "gold_answers");
}

static cril_status open_line(const struct cril_requests *r, size_t at, struct line *l)
{
    const json_t *const record = r->data->record[at].value;
    const json_t *const logged = json_object_get(record, "request");
    const json_t *const request = logged ? logged : record;
    const json_t *const list = json_object_get(request, "continuations");

    *l = (struct line){.record = record, .request = request, .gold = gold_of(record)};
    if (!(l->type = json_string_value(json_object_get(record, "request_type"))))
        return cril_requests_fault(r, "\"request_type\" is no text");
    l->prompt = json_object_get(request, logged ? "context" : "prompt");
    l->continuations =
        list && !json_is_null(list) ? list : json_object_get(request, "continuation");
    l->own_prompts = json_object_get(request, "continuation_prompts");
    l->stops = json_object_get(request, "stop_sequences");
    l->tokens = json_object_get(json_object_get(request, "generation_kwargs"), "max_gen_toks");
    if (strcmp(l->type, "chat") == 0 || json_is_array(l->prompt) || json_is_object(l->prompt))
        return cril_fail(r->err, CRIL_ERR_UNSUPPORTED,
                         "%s: a request is a chat; export prompts as texts, with the chat template "
                         "applied, and use --special",
                         r->path);
    return CRIL_OK;
}

/* ---- Choices ---- */

/* A line's continuations, one or several. */
static size_t count_of(const struct line *l)
{
    return json_is_array(l->continuations) ? json_array_size(l->continuations) : 1;
}

static const json_t *continuation_at(const struct line *l, size_t i)
{
    return json_is_array(l->continuations) ? json_array_get(l->continuations, i) : l->continuations;
}

/* Continuations without those that repeat the first half. */
static size_t count_conditional(const struct line *l)
{
    const size_t n = count_of(l), half = n / 2;

    if (half < 2 || n % 2 || json_array_size(l->own_prompts) != n)
        return n;
    for (size_t i = 0; i < half; i++)
        if (!json_equal(continuation_at(l, i), continuation_at(l, half + i)) ||
            !json_equal(json_array_get(l->own_prompts, half),
                        json_array_get(l->own_prompts, half + i)) ||
            json_equal(json_array_get(l->own_prompts, i), json_array_get(l->own_prompts, half + i)))
            return n;
    return half;
}

/* Lines behind record r->at that are further choices of its document. */
static size_t count_lines(const struct cril_requests *r, const struct line *first)
{
    const json_t *const id = json_object_get(first->record, "doc_id");
    size_t n = 1;

    if (!id || json_is_array(first->continuations) || first->request == first->record)
        return 1;
    for (; r->at + n < r->data->n; n++) {
        const json_t *const record = r->data->record[r->at + n].value;

        if (!json_equal(json_object_get(record, "doc_id"), id) ||
            !json_equal(json_object_get(record, "task_name"),
                        json_object_get(first->record, "task_name")) ||
            json_integer_value(json_object_get(record, "idx")) != (json_int_t)n)
            break;
    }
    return n;
}

static cril_status add_choice(struct cril_requests *r, struct cril_item *item,
                              struct cril_item_choice *c, const json_t *text, const json_t *prompt)
{
    const struct cril_bytes context = cril_json_text(prompt);

    if (!json_is_string(text) || (prompt && !json_is_string(prompt)))
        return cril_requests_fault(r, "a continuation or its prompt is no text");
    if (!cril_builder_text(&r->builder, cril_json_text(text), (struct cril_bytes){0}, &c->text) ||
        (prompt && !cril_bytes_same(context, item->context) &&
         !cril_builder_text(&r->builder, context, (struct cril_bytes){0}, &c->context)))
        return cril_requests_no_memory(r);
    c->characters = cril_builder_points(c->text);
    return CRIL_OK;
}

static cril_status read_choices(struct cril_requests *r, const struct line *l, size_t n_lines,
                                struct cril_item *item)
{
    const size_t n = n_lines > 1 ? n_lines : count_conditional(l);
    cril_status st = CRIL_OK;

    if (n < 1)
        return cril_requests_fault(r, "\"continuations\" is an empty list");
    if (!(item->choices = cril_builder_choices(&r->builder, n)))
        return cril_requests_no_memory(r);
    item->n_choices = n;
    for (size_t i = 0; i < n && st == CRIL_OK; i++) {
        struct line other = *l;

        if (n_lines > 1 && (st = open_line(r, r->at + i, &other)) != CRIL_OK)
            break;
        st = add_choice(r, item, &item->choices[i], continuation_at(&other, n_lines > 1 ? 0 : i),
                        n_lines > 1 ? other.prompt : json_array_get(l->own_prompts, i));
    }
    return st;
}

/* A single continuation is the gold answer itself, unless the label says that another one is. */
static void find_gold(const struct line *l, struct cril_item *item)
{
    const json_t *const gold = json_is_array(l->gold) ? json_array_get(l->gold, 0) : l->gold;
    const json_int_t place = json_integer_value(gold);

    if (json_is_integer(gold))
        item->gold = place >= 0 && (size_t)place < item->n_choices ? (ptrdiff_t)place : -1;
    else if (item->n_choices == 1)
        item->gold = 0;
    else if (json_is_string(gold))
        item->gold = cril_requests_find_choice(item, cril_bytes_of(" "), cril_json_text(gold));
}

/* ---- Generation ---- */

static cril_status read_generation(struct cril_requests *r, const struct line *l,
                                   struct cril_item *item)
{
    const json_t *const text = continuation_at(l, 0);
    uint64_t tokens = DEFAULT_TOKENS;
    cril_status st = CRIL_OK;

    item->kind = CRIL_ITEM_GENERATION;
    if (l->stops && !json_is_null(l->stops))
        st = cril_requests_check_texts(r, l->stops, "stop_sequences", true, 0);
    if (st == CRIL_OK && l->tokens && !json_is_null(l->tokens))
        st = cril_requests_count(r, l->tokens, "max_gen_toks", 1, CRIL_REQUESTS_MOST_TOKENS,
                                 &tokens);
    if (st == CRIL_OK && json_is_array(l->gold))
        st = cril_requests_check_texts(r, l->gold, "gold_answers", false, 0);
    if (st != CRIL_OK)
        return st;
    item->max_tokens = (size_t)tokens;
    if (l->stops && !json_is_null(l->stops) &&
        !cril_builder_texts(&r->builder, l->stops, &item->until, &item->n_until))
        return cril_requests_no_memory(r);
    if ((json_is_string(l->gold) || json_array_size(l->gold)) &&
        !(item->answers = cril_builder_answers(&r->builder, l->gold)))
        return cril_requests_no_memory(r);
    if (json_is_string(text) && !cril_builder_text(&r->builder, cril_json_text(text),
                                                   (struct cril_bytes){0}, &item->gold_text))
        return cril_requests_no_memory(r);
    return CRIL_OK;
}

/* ---- Lines ---- */

static cril_status read_kind(struct cril_requests *r, const struct line *l, size_t n_lines,
                             struct cril_item *item)
{
    cril_status st;

    if (strcmp(l->type, "loglikelihood") == 0) {
        if ((st = read_choices(r, l, n_lines, item)) == CRIL_OK)
            find_gold(l, item);
        return st;
    }
    if (strcmp(l->type, "loglikelihood_rolling") == 0) {
        item->kind = CRIL_ITEM_ROLLING;
        return CRIL_OK;
    }
    if (strcmp(l->type, "completion") == 0 || strcmp(l->type, "generate_until") == 0 ||
        strcmp(l->type, "generate_until_and_loglikelihood") == 0)
        return read_generation(r, l, item);
    return cril_requests_fault(r, "\"request_type\" is \"%.60s\", which is not known here",
                               l->type);
}

static cril_status read(struct cril_requests *r)
{
    struct cril_item item = {.subject = "", .index = r->at, .gold = -1};
    struct cril_bytes context;
    struct line l;
    size_t n_lines;
    cril_status st = open_line(r, r->at, &l);

    if (st != CRIL_OK ||
        (st = cril_requests_text(r, l.prompt, l.request == l.record ? "prompt" : "request.context",
                                 &context)) != CRIL_OK ||
        (st = cril_requests_take_task(r, json_object_get(l.record, "task_name"))) != CRIL_OK ||
        (st = cril_requests_name(r, json_object_get(l.record, "native_id"), "native_id",
                                 &item.id)) != CRIL_OK)
        return st;
    if (json_is_integer(json_object_get(l.record, "doc_id")) &&
        json_integer_value(json_object_get(l.record, "doc_id")) >= 0)
        item.index = (uint64_t)json_integer_value(json_object_get(l.record, "doc_id"));
    if (!cril_builder_text(&r->builder, context, (struct cril_bytes){0}, &item.context))
        return cril_requests_no_memory(r);
    n_lines = count_lines(r, &l);
    if ((st = read_kind(r, &l, n_lines, &item)) == CRIL_OK)
        st = cril_requests_add(r, &item);
    r->at += n_lines;
    return st;
}

const struct cril_requests_form cril_requests_olmo = {"olmo-eval's requests", fits, NULL, read};
