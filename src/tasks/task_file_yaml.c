/* YAML to a task's description: tables of keys, then what keys need of each other. */
#include "tasks/task_file.h"

#include "util/fail.h"
#include "util/mapfile.h"
#include "util/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TOKENS = 1 << 24, MAX_SHOTS = 100000 };

struct fields {
    struct cril_yaml_text name, protocol, gold_as, metric;
    struct cril_yaml_texts data;
    struct cril_yaml_text description, context, continuation, text, gold, subject, id;
    struct cril_yaml_text target_delimiter, shot_delimiter;
    const struct cril_yaml_node *contexts, *choices, *labels, *answers, *until, *shots;
    struct cril_yaml_count max_tokens;
};

#define KEY(name, type, max) #name, type, offsetof(struct fields, name), max
static const struct cril_yaml_key keys[] = {
    {KEY(name, CRIL_YAML_NAME, 0)},
    {KEY(protocol, CRIL_YAML_NAME, 0)},
    {KEY(data, CRIL_YAML_NAMES, 0)},
    {KEY(description, CRIL_YAML_ANY, 0)},
    {KEY(context, CRIL_YAML_ANY, 0)},
    {KEY(contexts, CRIL_YAML_NODE, 0)},
    {KEY(choices, CRIL_YAML_NODE, 0)},
    {KEY(continuation, CRIL_YAML_TEXT, 0)},
    {KEY(text, CRIL_YAML_TEXT, 0)},
    {KEY(gold, CRIL_YAML_TEXT, 0)},
    {KEY(gold_as, CRIL_YAML_NAME, 0)},
    {KEY(labels, CRIL_YAML_NODE, 0)},
    {KEY(answers, CRIL_YAML_NODE, 0)},
    {KEY(until, CRIL_YAML_NODE, 0)},
    {KEY(max_tokens, CRIL_YAML_COUNT, MAX_TOKENS)},
    {KEY(target_delimiter, CRIL_YAML_ANY, 0)},
    {KEY(shot_delimiter, CRIL_YAML_ANY, 0)},
    {KEY(shots, CRIL_YAML_NODE, 0)},
    {KEY(metric, CRIL_YAML_NAME, 0)},
    {KEY(subject, CRIL_YAML_TEXT, 0)},
    {KEY(id, CRIL_YAML_TEXT, 0)},
    {0},
};
_Static_assert(sizeof(keys) / sizeof(keys[0]) <= CRIL_YAML_MOST_KEYS + 1, "keys of a task file");

struct shot_fields {
    struct cril_yaml_count number;
    struct cril_yaml_text file, draw, target_delimiter;
    struct cril_yaml_flag one_more;
};

static const struct cril_yaml_key shot_keys[] = {
    {"number", CRIL_YAML_NUMBER, offsetof(struct shot_fields, number), MAX_SHOTS},
    {"file", CRIL_YAML_NAME, offsetof(struct shot_fields, file), 0},
    {"draw", CRIL_YAML_NAME, offsetof(struct shot_fields, draw), 0},
    {"one_more", CRIL_YAML_FLAG, offsetof(struct shot_fields, one_more), 0},
    {"target_delimiter", CRIL_YAML_ANY, offsetof(struct shot_fields, target_delimiter), 0},
    {0},
};

struct loader {
    struct cril_yaml y;
    struct cril_task_spec *spec;
};

#define FAULT(l, line, ...) cril_yaml_fault(&(l)->y, CRIL_ERR_RANGE, line, __VA_ARGS__)

/* ---- Texts ---- */

static void parse(struct loader *l, const struct cril_yaml_text *t, const char *key,
                  struct cril_template *out)
{
    cril_error err;
    const cril_status st = t->line ? cril_template_parse(t->text, l->y.arena, out, &err) : CRIL_OK;

    if (st == CRIL_ERR_NOMEM)
        l->y.no_memory = true;
    else if (st != CRIL_OK)
        FAULT(l, t->line, "\"%s\": %s", key, err.message);
}

static const char *read_item(struct loader *l, const struct cril_yaml_node *n, const char *key)
{
    if (n->kind == CRIL_YAML_SCALAR && n->text && !n->has_nul)
        return n->text;
    FAULT(l, n->line, "\"%s\" holds something that is no text", key);
    return NULL;
}

/* One text, or a list of them. */
static void read_templates(struct loader *l, const struct cril_yaml_node *n, const char *key,
                           struct cril_templates *out)
{
    const struct cril_yaml_node *item;
    size_t count;

    if (!n)
        return;
    item = n->kind == CRIL_YAML_LIST ? n->first : n;
    count = n->kind == CRIL_YAML_LIST ? n->n : 1;
    if (!count)
        FAULT(l, n->line, "\"%s\" is an empty list; give it texts, or take the line away", key);
    if (!(out->list = cril_arena_take(l->y.arena, count + 1, sizeof(*out->list)))) {
        l->y.no_memory = true;
        return;
    }
    for (; item && out->n < count; item = item->next) {
        const char *const text = read_item(l, item, key);

        if (!text)
            return;
        parse(l, &(struct cril_yaml_text){text, item->line}, key, &out->list[out->n++]);
    }
}

static const char *const *read_list(struct loader *l, const struct cril_yaml_node *n,
                                    const char *key)
{
    const bool is_list = n && n->kind == CRIL_YAML_LIST;
    const struct cril_yaml_node *item = is_list ? n->first : n;
    const size_t count = is_list ? n->n : n != NULL;
    const char **list = cril_arena_take(l->y.arena, count + 1, sizeof(*list));

    if (!list)
        l->y.no_memory = true;
    for (size_t i = 0; list && item && i < count; item = item->next)
        if (!(list[i++] = read_item(l, item, key)))
            return NULL;
    return count ? list : NULL;
}

/* ---- Choices of words ---- */

/* The place of the word in a list that ends with NULL; of no word `fallback`. */
static size_t read_word(struct loader *l, const struct cril_yaml_text *t, const char *key,
                        const char *const *words, size_t fallback)
{
    char all[200] = "";
    size_t at = 0;

    if (!t->line)
        return fallback;
    for (size_t i = 0; words[i]; i++) {
        if (strcmp(words[i], t->text) == 0)
            return i;
        at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s", at ? ", " : "", words[i]);
    }
    FAULT(l, t->line, "\"%s\" is \"%.40s\", but it is one of: %s", key, t->text, all);
    return fallback;
}

static const char *text_or(const struct cril_yaml_text *t, const char *fallback)
{
    return t->line ? t->text : fallback;
}

/* ---- Shots ---- */

static void read_shots(struct loader *l, const struct cril_yaml_node *n)
{
    static const char *const draws[] = {"first", "seeded", NULL};
    struct cril_task_spec *const s = l->spec;
    struct shot_fields f = {0};

    s->shots.target_delimiter = s->target_delimiter;
    s->shots.draw = CRIL_DRAW_SEEDED;
    if (!n ||
        !cril_yaml_read(&l->y, n, "\"shots\"", "{number: 5, file: train.jsonl}", shot_keys, &f))
        return;
    s->has_shots = true;
    s->shots.number = (size_t)f.number.value;
    s->shots.file = text_or(&f.file, NULL);
    s->shots.one_more = f.one_more.line ? f.one_more.value : !f.file.line;
    s->shots.target_delimiter = text_or(&f.target_delimiter, s->target_delimiter);
    if (read_word(l, &f.draw, "draw", draws, 1) == 0)
        s->shots.draw = CRIL_DRAW_FIRST;
}

/* ---- What keys need of each other ---- */

static size_t line_of(const struct cril_yaml_node *n)
{
    return n ? n->key_line : 0;
}

/* Whether a key that means nothing here is given. */
static void refuse(struct loader *l, size_t line, const char *key, const char *why)
{
    if (line)
        FAULT(l, line, "\"%s\" means nothing %s; take the line away", key, why);
}

static bool generates(const struct fields *f)
{
    return f->answers || f->until || f->max_tokens.line;
}

static void check_form(struct loader *l, const struct cril_yaml_node *root, const struct fields *f)
{
    const int forms = (f->choices != NULL) + (f->contexts || f->continuation.line) +
                      (f->text.line != 0) + generates(f);

    if (!f->name.line)
        FAULT(l, root->line, "\"name\" is missing: the task's name in results");
    if (!f->data.line)
        FAULT(l, root->line, "\"data\" is missing: the file, or the files, that hold the items");
    if (forms != 1)
        FAULT(l, root->line,
              "a task asks for one thing: \"choices\"; \"continuation\", perhaps with a list of "
              "\"contexts\"; texts to generate, by \"until\", \"max_tokens\" and \"answers\"; or a "
              "whole \"text\"");
    else if (f->contexts && !f->continuation.line)
        FAULT(l, line_of(f->contexts), "\"contexts\" need the \"continuation\" that follows each");
    else if ((f->context.line != 0) + (f->contexts != NULL) + (f->text.line != 0) != 1)
        FAULT(l, root->line,
              "a task has \"context\", or a list of \"contexts\", or \"text\" alone");
}

static void check_gold(struct loader *l, const struct cril_yaml_node *root, const struct fields *f)
{
    const bool chooses = f->choices || f->contexts;

    if (!chooses) {
        refuse(l, f->gold.line, "gold", "without choices");
        refuse(l, f->gold_as.line, "gold_as", "without choices");
        refuse(l, line_of(f->labels), "labels", "without choices");
    } else if (l->spec->gold_form == CRIL_GOLD_LABEL ? !f->labels : f->labels != NULL) {
        FAULT(l, f->labels ? line_of(f->labels) : root->line,
              "\"labels\" are needed by \"gold_as: label\", and by nothing else");
    } else if (f->gold_as.line && !f->gold.line) {
        FAULT(l, f->gold_as.line,
              "\"gold_as\" needs \"gold\", the field that tells the right choice");
    } else if (l->spec->gold_form == CRIL_GOLD_TEXT && f->contexts) {
        FAULT(l, f->gold_as.line, "the text of a choice tells nothing where \"contexts\" differ");
    }
}

static void check_metric(struct loader *l, const struct fields *f)
{
    static const char *const of_choices[] = {"acc", "acc_norm", "bpb", NULL},
                             *const of_texts[] = {"exact_match", "bpb", NULL},
                             *const of_one[] = {"bpb", "acc", NULL},
                             *const of_none[] = {"bpb", NULL};
    const bool chooses = f->choices || f->contexts;
    const bool judged = chooses ? f->gold.line != 0 : f->answers != NULL;
    const char *const *const list = judged ? chooses ? of_choices : of_texts
                                    : f->continuation.line && !chooses ? of_one
                                                                       : of_none;
    const char *const metric = list[read_word(l, &f->metric, "metric", list, 0)];

    l->spec->metric = strcmp(metric, "bpb") == 0 ? "" : metric;
}

static void check_shots(struct loader *l, const struct fields *f)
{
    const bool shows =
        f->choices || f->contexts ? f->gold.line != 0 : f->continuation.line || f->answers;

    if (!shows)
        refuse(l, line_of(f->shots), "shots", "where no item has a right answer");
}

/* ---- The whole ---- */

static void take(struct loader *l, const struct cril_yaml_node *root, const struct fields *f)
{
    static const char *const forms[] = {"index", "number", "label", "text", NULL};
    struct cril_task_spec *const s = l->spec;
    const char **data = cril_arena_take(l->y.arena, f->data.n + 1, sizeof(*data));

    if (!data) {
        l->y.no_memory = true;
        return;
    }
    for (size_t i = 0; i < f->data.n; i++)
        data[i] = f->data.items[i].text;
    s->data = data;
    s->n_data = f->data.n;
    s->name = text_or(&f->name, "");
    s->protocol = text_or(&f->protocol, "file");
    parse(l, &f->description, "description", &s->description);
    parse(l, &f->context, "context", &s->context);
    parse(l, &f->continuation, "continuation", &s->continuation);
    parse(l, &f->text, "text", &s->text);
    parse(l, &f->gold, "gold", &s->gold);
    parse(l, &f->subject, "subject", &s->subject);
    parse(l, &f->id, "id", &s->id);
    read_templates(l, f->contexts, "contexts", &s->contexts);
    read_templates(l, f->choices, "choices", &s->choices);
    read_templates(l, f->labels, "labels", &s->labels);
    read_templates(l, f->answers, "answers", &s->answers);
    s->until = read_list(l, f->until, "until");
    if (generates(f))
        s->max_tokens = f->max_tokens.line ? (size_t)f->max_tokens.value : 256;
    s->target_delimiter = text_or(&f->target_delimiter, " ");
    s->shot_delimiter = text_or(&f->shot_delimiter, "\n\n");
    s->gold_form = (enum cril_gold_form)read_word(l, &f->gold_as, "gold_as", forms, 0);
    read_shots(l, f->shots);
    check_form(l, root, f);
    check_gold(l, root, f);
    check_metric(l, f);
    check_shots(l, f);
}

cril_status cril_task_spec_read(const char *path, struct cril_arena *a, struct cril_task_spec *out,
                                cril_error *err)
{
    struct cril_task_spec spec = {.path = path};
    struct loader l = {.y = {.path = path,
                             .what = "a task file",
                             .when_empty = "examples/tasks has task files to begin with",
                             .arena = a},
                       .spec = &spec};
    const struct cril_yaml_node *root;
    struct cril_mapfile m;
    struct fields f = {0};
    cril_status st;

    if ((st = cril_mapfile_open(path, &m, err)) != CRIL_OK)
        return st;
    root = cril_yaml_parse(&l.y, (const char *)m.data, m.size);
    cril_mapfile_close(&m);
    if (root && cril_yaml_read(&l.y, root, "a task file", "name: arc_easy", keys, &f) &&
        !l.y.faults.n)
        take(&l, root, &f);
    if (l.y.no_memory)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    if (l.y.faults.n)
        return cril_fail(err, l.y.faults.fault[0].status, "%s", l.y.faults.fault[0].message);
    *out = spec;
    return CRIL_OK;
}
