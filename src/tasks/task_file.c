/*
 * Items by a task file: each record of its data is filled into the templates, as
 * lm-evaluation-harness' ConfigurableTask does it (api/task.py of 0.4.13: fewshot_context,
 * construct_requests):
 *
 *     description, SHOT, ..., context         then  target_delimiter, choice
 *     SHOT = context, target_delimiter, right answer, shot_delimiter
 *
 * Where choices have contexts of their own (WinoGrande) a shot has that of the right one.
 */
#include "tasks/task_file.h"

#include "tasks/builder.h"
#include "tasks/data.h"
#include "tasks/python_text.h"
#include "tasks/requests.h"
#include "tasks/settings.h"
#include "tasks/shots.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/json.h"
#include "util/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct loader {
    const struct cril_task_spec *spec;
    const struct cril_task_settings *settings;
    struct cril_builder builder;
    struct cril_shots shots;
    struct cril_str text, piece;    /* the prompt; a part of it */
    const struct cril_bytes *until; /* [n_until] */
    size_t n_until;
    uint64_t n_records; /* of data files before this one */
    cril_error *err;
};

/* A record, and where it stands. */
struct place {
    const struct cril_data *data;
    size_t at;
    const json_t *record;
};

static cril_status no_memory(const struct loader *l)
{
    return cril_fail(l->err, CRIL_ERR_NOMEM, "%s: out of memory", l->spec->path);
}

/* A status of a template, with file and line before its sentence. */
static cril_status at_place(const struct loader *l, const struct place *p, cril_status st,
                            const cril_error *why)
{
    if (st == CRIL_OK)
        return CRIL_OK;
    return cril_fail(l->err, st, "%s:%" PRIu64 ": %s (by the task file %s)", p->data->path,
                     p->data->record[p->at].line, why->message, l->spec->path);
}

static cril_status fault(const struct loader *l, const struct place *p, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static cril_status fault(const struct loader *l, const struct place *p, const char *format, ...)
{
    cril_error why;
    va_list ap;

    va_start(ap, format);
    cril_vfail(&why, CRIL_ERR_FORMAT, format, ap);
    va_end(ap);
    return at_place(l, p, CRIL_ERR_FORMAT, &why);
}

/* ---- Templates ---- */

static cril_status fill(const struct loader *l, const struct place *p,
                        const struct cril_template *t, struct cril_str *to)
{
    cril_error why;

    return at_place(l, p, cril_template_fill(t, p->record, to, &why), &why);
}

/* What the template makes of the record, alone; valid until the next call. */
static cril_status fill_alone(struct loader *l, const struct place *p,
                              const struct cril_template *t, struct cril_bytes *out)
{
    cril_status st;

    l->piece.n = 0;
    st = fill(l, p, t, &l->piece);
    *out = cril_str_bytes(&l->piece);
    return st;
}

/* All texts that the templates stand for; an array, owned. */
static cril_status fill_list(const struct loader *l, const struct place *p,
                             const struct cril_templates *t, json_t **out)
{
    json_t *const list = json_array();
    cril_status st = list ? CRIL_OK : no_memory(l);
    cril_error why;

    for (size_t i = 0; i < t->n && st == CRIL_OK; i++)
        st = at_place(l, p, cril_template_list(&t->list[i], p->record, list, &why), &why);
    if (st == CRIL_OK)
        *out = list;
    else
        json_decref(list);
    return st;
}

/* ---- The right choice ---- */

/* The place in the list of the one text that is `text`; -1: none. */
static ptrdiff_t find_text(const json_t *list, struct cril_bytes text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (cril_bytes_same(cril_json_text(json_array_get(list, i)), text))
            return (ptrdiff_t)i;
    return -1;
}

static ptrdiff_t read_place(struct cril_bytes text, size_t from)
{
    const struct cril_bytes s = cril_python_strip(text);
    uint64_t n = 0;

    if (!from && (cril_bytes_are(s, "True") || cril_bytes_are(s, "true")))
        return 1;
    if (!from && (cril_bytes_are(s, "False") || cril_bytes_are(s, "false")))
        return 0;
    if (!s.len || s.len > 9)
        return -1;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return -1;
        n = 10 * n + (uint64_t)(s.data[i] - '0');
    }
    return n < from ? -1 : (ptrdiff_t)(n - from);
}

static const char *wanted(const struct cril_task_spec *s)
{
    switch (s->gold_form) {
    case CRIL_GOLD_INDEX: return "the place of a choice, from 0";
    case CRIL_GOLD_NUMBER: return "the number of a choice, from 1";
    case CRIL_GOLD_LABEL: return "one of the labels";
    case CRIL_GOLD_TEXT: break;
    }
    return "the text of a choice";
}

/* The right one of the choices [n]. */
static cril_status find_gold(struct loader *l, const struct place *p, const json_t *choices,
                             size_t *out)
{
    const struct cril_task_spec *const s = l->spec;
    const size_t n = json_array_size(choices);
    struct cril_bytes text;
    json_t *labels = NULL;
    ptrdiff_t gold = -1;
    cril_status st = fill_alone(l, p, &s->gold, &text);

    if (st == CRIL_OK && s->gold_form == CRIL_GOLD_LABEL)
        st = fill_list(l, p, &s->labels, &labels);
    if (st != CRIL_OK)
        return st;
    if (labels)
        gold = find_text(labels, text);
    else if (s->gold_form == CRIL_GOLD_TEXT)
        gold = find_text(choices, text);
    else
        gold = read_place(text, s->gold_form == CRIL_GOLD_NUMBER);
    json_decref(labels);
    if (gold < 0 || (size_t)gold >= n)
        return fault(l, p, "the right choice is \"%.*s\", which is not %s of the %zu choices",
                     CRIL_SHOWN(text), wanted(s), n);
    *out = (size_t)gold;
    return CRIL_OK;
}

/* ---- What is shown ---- */

/* A record's choices, or the contexts in their place; NULL: it has none. Owned. */
static cril_status fill_choices(const struct loader *l, const struct place *p, json_t **out)
{
    const struct cril_task_spec *const s = l->spec;
    const struct cril_templates *const t = s->contexts.n ? &s->contexts : &s->choices;
    cril_status st;

    *out = NULL;
    if (!t->n || (st = fill_list(l, p, t, out)) != CRIL_OK)
        return t->n ? st : CRIL_OK;
    for (size_t i = 0; i < json_array_size(*out); i++)
        if (!json_string_length(json_array_get(*out, i)) && !s->contexts.n)
            return fault(l, p, "choice %zu is empty", i + 1);
    return json_array_size(*out) ? CRIL_OK : fault(l, p, "the list of choices is empty");
}

/* The right answer of a text to generate: the first. */
static cril_status fill_answer(const struct loader *l, const struct place *p, json_t **answers)
{
    const cril_status st = fill_list(l, p, &l->spec->answers, answers);

    if (st == CRIL_OK && !json_array_size(*answers)) {
        json_decref(*answers);
        *answers = NULL;
        return fault(l, p, "there are no answers");
    }
    return st;
}

/* Appends the record as a shot. */
static cril_status show_shot(struct loader *l, const struct place *p)
{
    const struct cril_task_spec *const s = l->spec;
    struct cril_bytes context = {0}, answer;
    json_t *list = NULL;
    size_t gold = 0;
    cril_status st = s->answers.n ? fill_answer(l, p, &list) : fill_choices(l, p, &list);

    if (st == CRIL_OK && list && !s->answers.n)
        st = find_gold(l, p, list, &gold);
    if (st == CRIL_OK && s->contexts.n)
        context = cril_json_text(json_array_get(list, gold));
    else if (st == CRIL_OK)
        st = fill_alone(l, p, &s->context, &context);
    if (st == CRIL_OK) {
        cril_str_append(&l->text, context);
        cril_str_add(&l->text, s->shots.target_delimiter);
        answer = cril_json_text(json_array_get(list, gold));
        if (s->continuation.source)
            st = fill_alone(l, p, &s->continuation, &answer);
    }
    if (st == CRIL_OK) {
        cril_str_append(&l->text, answer);
        cril_str_add(&l->text, s->shot_delimiter);
    }
    json_decref(list);
    return st;
}

/* Description and shots. */
static cril_status show_before(struct loader *l, const struct place *p)
{
    cril_status st = CRIL_OK;

    l->text.n = 0;
    if (l->spec->description.source)
        st = fill(l, p, &l->spec->description, &l->text);
    if (st == CRIL_OK)
        st = cril_shots_next(&l->shots, p->record, l->err);
    for (size_t i = 0; i < l->shots.n && st == CRIL_OK; i++) {
        const size_t at = l->shots.chosen[i];

        st = show_shot(l, &(struct place){l->shots.pool, at, l->shots.pool->record[at].value});
    }
    return st;
}

/* ---- Items ---- */

/* l->text up to n bytes, then `more`. */
static cril_status copy_prompt(struct loader *l, size_t n, struct cril_bytes more,
                               struct cril_bytes *out)
{
    l->text.n = n;
    cril_str_append(&l->text, more);
    return cril_builder_copy(&l->builder, &l->text, out) ? CRIL_OK : no_memory(l);
}

/* The delimiter and a text. */
static cril_status copy_answer(struct loader *l, struct cril_bytes text, struct cril_bytes *out)
{
    return cril_builder_joined(&l->builder, l->spec->target_delimiter, text, out) ? CRIL_OK
                                                                                  : no_memory(l);
}

/* Each choice after the same context. */
static cril_status take_choices(struct loader *l, const struct place *p, const json_t *list,
                                struct cril_item *item)
{
    const size_t before = l->text.n;
    struct cril_bytes context;
    cril_status st = fill_alone(l, p, &l->spec->context, &context);

    if (st == CRIL_OK)
        st = copy_prompt(l, before, context, &item->context);
    for (size_t i = 0; i < item->n_choices && st == CRIL_OK; i++) {
        const struct cril_bytes text = cril_json_text(json_array_get(list, i));

        item->choices[i].characters = cril_builder_points(text);
        st = copy_answer(l, text, &item->choices[i].text);
    }
    return st;
}

/* One continuation after each of the contexts, whose lengths are those of the choices. */
static cril_status take_contexts(struct loader *l, const struct place *p, const json_t *list,
                                 struct cril_item *item)
{
    const size_t before = l->text.n;
    struct cril_bytes text;
    cril_status st = fill_alone(l, p, &l->spec->continuation, &text);

    if (st == CRIL_OK && !text.len)
        return fault(l, p, "the continuation is empty");
    for (size_t i = 0; i < item->n_choices && st == CRIL_OK; i++) {
        const struct cril_bytes context = cril_json_text(json_array_get(list, i));
        struct cril_item_choice *const c = &item->choices[i];

        c->characters = cril_builder_points(context);
        if ((st = copy_answer(l, text, &c->text)) == CRIL_OK)
            st = copy_prompt(l, before, context, i ? &c->context : &item->context);
    }
    return st;
}

static cril_status make_choices(struct loader *l, const struct place *p, struct cril_item *item)
{
    const struct cril_task_spec *const s = l->spec;
    json_t *list;
    size_t gold;
    cril_status st = fill_choices(l, p, &list);

    if (st == CRIL_OK && s->gold.source && (st = find_gold(l, p, list, &gold)) == CRIL_OK)
        item->gold = (ptrdiff_t)gold;
    if (st == CRIL_OK) {
        item->n_choices = json_array_size(list);
        if (!(item->choices = cril_builder_choices(&l->builder, item->n_choices)))
            st = no_memory(l);
        else
            st = s->contexts.n ? take_contexts(l, p, list, item) : take_choices(l, p, list, item);
    }
    json_decref(list);
    return st;
}

static cril_status make_continuation(struct loader *l, const struct place *p,
                                     struct cril_item *item)
{
    const size_t before = l->text.n;
    struct cril_bytes text;
    cril_status st = fill_alone(l, p, &l->spec->context, &text);

    if (st == CRIL_OK)
        st = copy_prompt(l, before, text, &item->context);
    if (st == CRIL_OK)
        st = fill_alone(l, p, &l->spec->continuation, &text);
    if (st != CRIL_OK)
        return st;
    if (!text.len)
        return fault(l, p, "the continuation is empty");
    item->gold = 0;
    item->n_choices = 1;
    if (!(item->choices = cril_builder_choices(&l->builder, 1)))
        return no_memory(l);
    item->choices[0].characters = cril_builder_points(text);
    return copy_answer(l, text, &item->choices[0].text);
}

static cril_status make_generation(struct loader *l, const struct place *p, struct cril_item *item)
{
    const struct cril_task_spec *const s = l->spec;
    struct cril_bytes context;
    const size_t before = l->text.n;
    json_t *answers = NULL;
    cril_status st = fill_alone(l, p, &s->context, &context);

    if (st == CRIL_OK)
        st = copy_prompt(l, before, context, &item->context);
    if (st == CRIL_OK && s->answers.n && (st = fill_answer(l, p, &answers)) == CRIL_OK)
        st = copy_answer(l, cril_json_text(json_array_get(answers, 0)), &item->gold_text);
    if (st == CRIL_OK && answers && !(item->answers = cril_builder_answers(&l->builder, answers)))
        st = no_memory(l);
    json_decref(answers);
    if (st != CRIL_OK)
        return st;
    item->until = l->until;
    item->n_until = l->n_until;
    item->kind = CRIL_ITEM_GENERATION;
    item->max_tokens = l->settings->protocol.max_tokens;
    return CRIL_OK;
}

static cril_status make_rolling(struct loader *l, const struct place *p, struct cril_item *item)
{
    struct cril_bytes text;
    const cril_status st = fill_alone(l, p, &l->spec->text, &text);

    item->kind = CRIL_ITEM_ROLLING;
    return st == CRIL_OK ? copy_prompt(l, 0, text, &item->context) : st;
}

/* A name of the item in the arena. */
static cril_status take_name(struct loader *l, const struct place *p, const struct cril_template *t,
                             const char **out)
{
    struct cril_bytes text;
    cril_status st;

    if (!t->source)
        return CRIL_OK;
    if ((st = fill_alone(l, p, t, &text)) != CRIL_OK)
        return st;
    if (memchr(text.data, '\0', text.len))
        return fault(l, p, "{%s} holds a NUL, which no name can", t->source);
    *out = cril_arena_text(&l->builder.items->arena, text.data, text.len);
    return *out ? CRIL_OK : no_memory(l);
}

static cril_status make_item(struct loader *l, const struct place *p)
{
    const struct cril_task_spec *const s = l->spec;
    struct cril_item item = {.subject = "",
                             .index = l->n_records + p->at,
                             .gold = -1,
                             .document = p->data->record[p->at].value};
    cril_status st = json_is_object(p->record)
                         ? CRIL_OK
                         : fault(l, p, "the record is no object with named fields");

    if (st != CRIL_OK || (st = show_before(l, p)) != CRIL_OK ||
        (st = take_name(l, p, &s->subject, &item.subject)) != CRIL_OK ||
        (st = take_name(l, p, &s->id, &item.id)) != CRIL_OK)
        return st;
    st = s->text.source                  ? make_rolling(l, p, &item)
         : s->choices.n || s->contexts.n ? make_choices(l, p, &item)
         : s->continuation.source        ? make_continuation(l, p, &item)
                                         : make_generation(l, p, &item);
    if (st != CRIL_OK)
        return st;
    if (!cril_builder_own(&l->builder, json_incref(item.document)) ||
        !cril_builder_add(&l->builder, &item))
        return no_memory(l);
    return CRIL_OK;
}

/* ---- Data ---- */

/* Where a file of the task lies; *path is owned. */
static cril_status find_data(const struct cril_task_spec *s, const char *folder, const char *name,
                             char **path, cril_error *err)
{
    const char *const slash = strrchr(s->path, '/');
    char *beside = NULL;
    cril_status st;

    if (*name == '/') {
        folder = "";
        name++;
    } else if (!folder && slash) {
        if (!(beside = malloc((size_t)(slash - s->path) + 2)))
            return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
        memcpy(beside, s->path, (size_t)(slash - s->path) + 1);
        beside[slash == s->path ? 1 : slash - s->path] = '\0';
        folder = beside;
    }
    folder = folder ? folder : ".";
    st = cril_data_find(folder, name, path, err);
    if (st == CRIL_OK && !*path)
        st = cril_fail(err, CRIL_ERR_IO,
                       "%s: the data file \"%.200s\" is not in %.300s; name its folder with --data",
                       s->path, name, *folder ? folder : "/");
    free(beside);
    return st;
}

static cril_status read_data(const struct cril_task_spec *s, const char *folder, const char *name,
                             struct cril_sha256 *hash, struct cril_data *out, cril_error *err)
{
    char *path = NULL, hex[65];
    cril_status st = find_data(s, folder, name, &path, err);

    if (st == CRIL_OK &&
        (st = cril_data_read(path, s->name, "records with named fields", 0, out, err)) == CRIL_OK &&
        (st = cril_data_sha256(path, hex, err)) == CRIL_OK)
        st = cril_sha256_line(hash, hex, name, err);
    free(path);
    return st;
}

static cril_status make_items(struct loader *l, const struct cril_data *d, uint64_t limit)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < d->n && st == CRIL_OK; i++) {
        if (limit && l->builder.items->n == limit)
            break;
        st = make_item(l, &(struct place){d, i, d->record[i].value});
    }
    return st;
}

/* The files' items, and the hash of all that were read. */
static cril_status load(struct loader *l, const char *folder, uint64_t limit, char hex[65])
{
    const struct cril_task_spec *const s = l->spec;
    const struct cril_task_protocol *const p = &l->settings->protocol;
    struct cril_data pool = {0}, d = {0};
    struct cril_sha256 *hash = NULL;
    cril_status st = cril_sha256_create(&hash, l->err);

    if (st == CRIL_OK && !cril_builder_until(&l->builder, s->until, &l->until, &l->n_until))
        st = no_memory(l);
    if (st == CRIL_OK && p->shots) {
        st = read_data(s, folder, s->shots.file ? s->shots.file : s->data[0], hash, &pool, l->err);
        if (st == CRIL_OK)
            st = cril_shots_init(&l->shots, p, &pool, s->shots.one_more, l->err);
    }
    for (size_t i = 0; i < s->n_data && st == CRIL_OK; i++) {
        if ((st = read_data(s, folder, s->data[i], hash, &d, l->err)) == CRIL_OK)
            st = make_items(l, &d, limit);
        l->n_records += d.n;
        cril_data_free(&d);
    }
    if (st == CRIL_OK)
        st = cril_sha256_final(hash, hex, l->err);
    cril_shots_free(&l->shots);
    cril_data_free(&pool);
    cril_sha256_free(hash);
    return st;
}

/* ---- Settings ---- */

static void write_list(struct cril_str *t, const char *key, const struct cril_templates *list)
{
    for (size_t i = 0; i < list->n; i++)
        cril_settings_write(t, key, list->list[i].source);
}

/* All of the file that decides over a number, but what a protocol says already. */
static void write_spec(struct cril_str *t, const struct cril_task_spec *s)
{
    static const char *const forms[] = {"index", "number", "label", "text"};

    cril_settings_write(t, "description", s->description.source);
    cril_settings_write(t, "context", s->context.source);
    cril_settings_write(t, "continuation", s->continuation.source);
    cril_settings_write(t, "text", s->text.source);
    cril_settings_write(t, "gold", s->gold.source);
    cril_settings_write(t, "gold_as", forms[s->gold_form]);
    cril_settings_write(t, "subject", s->subject.source);
    write_list(t, "contexts", &s->contexts);
    write_list(t, "choices", &s->choices);
    write_list(t, "labels", &s->labels);
    write_list(t, "answers", &s->answers);
    cril_settings_write(t, "target_delimiter", s->target_delimiter);
    cril_settings_write(t, "shot_delimiter", s->has_shots ? s->shot_delimiter : NULL);
    cril_settings_write(t, "shots", s->has_shots ? s->shots.target_delimiter : NULL);
    cril_settings_write(t, "one_more", s->has_shots && s->shots.one_more ? "yes" : NULL);
}

/* The protocol that the file describes, as a task of the table has them, and what is overridden. */
static cril_status make_settings(const struct cril_task_spec *s, struct cril_builder *b,
                                 const struct cril_task_overrides *o,
                                 struct cril_task_settings *out, cril_error *err)
{
    struct cril_str about = {0};
    struct cril_bytes rule;
    bool good;

    write_spec(&about, s);
    good = cril_builder_copy(b, &about, &rule);
    cril_str_free(&about);
    if (!good)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    const struct cril_task_protocol protocols[] = {
        {.name = s->protocol,
         .summary = "as the task file has it",
         .version = 1,
         .shots = s->shots.number,
         .draw = s->has_shots ? s->shots.draw : CRIL_DRAW_FIXED,
         .max_tokens = s->max_tokens,
         .bos = CRIL_BOS_TOKENIZER,
         .until = s->until,
         .metric = s->metric,
         .metric_shown = s->metric,
         .answer_rule = rule.data,
         .max_shots = s->has_shots ? SIZE_MAX : 0},
        {0}};
    const struct cril_task task = {.name = s->name, .protocols = protocols};

    return cril_task_settings_make(&task, NULL, o, out, err);
}

cril_status cril_task_file_read(const char *path, const char *data,
                                const struct cril_task_overrides *o, uint64_t limit,
                                struct cril_evaluation *out, cril_error *err)
{
    struct cril_evaluation e = {0};
    struct cril_task_spec spec;
    struct loader l = {
        .spec = &spec, .settings = &e.settings, .builder = {.items = &e.items}, .err = err};
    cril_status st = cril_task_spec_read(path, &e.items.arena, &spec, err);

    if (st == CRIL_OK && (st = make_settings(&spec, &l.builder, o, &e.settings, err)) == CRIL_OK)
        st = load(&l, data, limit, e.data_sha256);
    cril_str_free(&l.text);
    cril_str_free(&l.piece);
    if (st != CRIL_OK) {
        cril_items_free(&e.items);
        return st;
    }
    e.name = spec.name;
    *out = e;
    out->settings.protocol.name = out->settings.name;
    return CRIL_OK;
}
