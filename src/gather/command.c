/*
 * Commands out of cards (command.h, cril/card.h).
 *
 * A table says which rule is which option. What is left out is what a command without the option
 * does.
 */
#include "gather/command.h"

#include "gather/rules.h"
#include "util/fail.h"
#include "util/size.h"

#include <cril/card.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the words ---- */

struct words {
    json_t *list;
    bool failed;
};

static void add(struct words *w, const char *word)
{
    w->failed |= json_array_append_new(w->list, json_string(word)) != 0;
}

static void add_pair(struct words *w, const char *option, const char *value)
{
    add(w, option);
    add(w, value);
}

static void add_number(struct words *w, const char *option, json_int_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, value);
    add_pair(w, option, text);
}

/* Texts with commas between. */
struct joined {
    char *text;
    size_t len, size;
    bool failed;
};

static void join(struct joined *j, const char *text, const char *before)
{
    const size_t n_before = j->len ? strlen(before) : 0, n = strlen(text);
    char *grown = cril_size_grow(j->text, &j->size, j->len, n_before + n + 1, 1);

    if (!grown) {
        j->failed = true;
        return;
    }
    j->text = grown;
    memcpy(grown + j->len, before, n_before);
    memcpy(grown + j->len + n_before, text, n + 1);
    j->len += n_before + n;
}

static void add_joined(struct words *w, const char *option, struct joined *j)
{
    w->failed |= j->failed;
    if (j->len)
        add_pair(w, option, j->text);
    free(j->text);
}

static void add_list(struct words *w, const char *option, json_t *list)
{
    struct joined j = {0};
    json_t *text;
    size_t i;

    json_array_foreach(list, i, text)
    {
        if (json_is_string(text))
            join(&j, json_string_value(text), ",");
    }
    add_joined(w, option, &j);
}

/* ---- rules ---- */

static const struct option {
    const char *rule, *name;
    json_int_t usual; /* of a number, with which it is left out */
} options[] = {
    {"after", "--after", 0},
    {"before", "--before", 0},
    {"min_characters", "--min-characters", 1},
    {"max_characters", "--max-characters", CRIL_RULES_CHARACTERS},
    {"min_page_id", "--min-page-id", 0},
    {"languages", "--language", 0},
    {"characters", "--characters", 0},
    {"seed", "--seed", 0},
    {"exclude_items", "--exclude-items", 0},
    {"context", "--context", 0},
    {"stride", "--stride", 0},
    {"keep", "--keep", 0},
};

static void add_option(struct words *w, const struct option *o, json_t *value)
{
    if (json_is_string(value))
        add_pair(w, o->name, json_string_value(value));
    else if (json_is_integer(value) && json_integer_value(value) != o->usual)
        add_number(w, o->name, json_integer_value(value));
    else if (json_is_array(value))
        add_list(w, o->name, value);
}

static bool is_listed(json_t *list, const char *name)
{
    json_t *text;
    size_t i;

    json_array_foreach(list, i, text)
    {
        if (json_is_string(text) && strcmp(json_string_value(text), name) == 0)
            return true;
    }
    return false;
}

/* Steps that differ from what a kind of source has on. --language has the step language on. */
static void add_steps(struct words *w, const struct cril_input_kind *kind, json_t *list)
{
    struct joined with = {0}, without = {0};
    size_t n;
    const struct cril_step *const *all = cril_steps(&n);

    for (size_t i = 0; i < n; i++) {
        const bool there = is_listed(list, all[i]->name),
                   on = (all[i]->on & kind->step_kind) != 0 || all[i] == &cril_step_language;

        if (there && !on)
            join(&with, all[i]->name, ",");
        if (!there && on && all[i] != &cril_step_language)
            join(&without, all[i]->name, ",");
    }
    add_joined(w, "--with", &with);
    add_joined(w, "--without", &without);
}

static void add_rules(struct words *w, json_t *rules)
{
    const struct cril_input_kind *kind =
        cril_input_kind_find(json_string_value(json_object_get(rules, "kind")));
    const char *model = json_string_value(json_object_get(json_object_get(rules, "model"), "file"));

    if (model)
        add_pair(w, "-m", model);
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        add_option(w, &options[i], json_object_get(rules, options[i].rule));
    if (json_object_get(rules, "exclude_items"))
        add_pair(w, "--data", "data");
    if (kind)
        add_steps(w, kind, json_object_get(rules, "steps"));
}

/* ---- files ---- */

static void add_file(struct words *w, const json_t *input)
{
    const char *name = json_string_value(json_object_get(input, "name"));
    struct joined j = {0};

    if (!name)
        return;
    if (name[0] != '-') {
        add(w, strcmp(name, "standard input") == 0 ? "-" : name);
        return;
    }
    join(&j, "./", ""); /* it is no option */
    join(&j, name, "");
    w->failed |= j.failed;
    if (!j.failed)
        add(w, j.text);
    free(j.text);
}

static void add_files(struct words *w, json_t *list, const char *option)
{
    json_t *input;
    size_t i;

    json_array_foreach(list, i, input)
    {
        if (option)
            add(w, option);
        add_file(w, input);
    }
}

json_t *cril_command_json(const struct cril_card *card)
{
    const char *kind = json_string_value(json_object_get(card->rules, "kind")),
               *compression = json_string_value(json_object_get(card->corpus, "compression"));
    struct words w = {.list = json_array()};

    if (card->n_shards || !kind) {
        json_decref(w.list);
        return json_null();
    }
    add(&w, "cril");
    add(&w, "corpus");
    add(&w, kind);
    add_rules(&w, card->rules);
    add_files(&w, json_object_get(card->source, "created"), "--created");
    add_pair(&w, "-o",
             compression && strcmp(compression, "none") == 0 ? "corpus.jsonl" : "corpus.jsonl.zst");
    add_files(&w, json_object_get(card->source, "inputs"), NULL);
    if (!w.failed)
        return w.list;
    json_decref(w.list);
    return NULL;
}

/* ---- as lines of a shell ---- */

static bool is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./:,=@%+-";

    return *word && word[strspn(word, plain)] == '\0';
}

static void put_word(struct joined *j, const char *word)
{
    char one[2] = "";

    if (is_plain(word)) {
        join(j, word, "");
        return;
    }
    join(j, "'", "");
    for (; *word; word++) {
        one[0] = *word;
        join(j, *word == '\'' ? "'\\''" : one, "");
    }
    join(j, "'", "");
}

/* The word behind -o is the name under which the corpus is known where it is used. */
static void put_line(struct joined *j, json_t *command, const char *name)
{
    const char *before = "";
    json_t *text;
    size_t i;

    json_array_foreach(command, i, text)
    {
        const char *word = json_string_value(text);

        if (!word)
            continue;
        if (i)
            join(j, " ", "");
        put_word(j, strcmp(before, "-o") == 0 ? name : word);
        before = word;
    }
    if (i)
        join(j, "\n", "");
}

static void put_card(struct joined *j, const json_t *card, const char *name)
{
    json_t *inputs = json_object_get(json_object_get(card, "source"), "inputs"), *input;
    size_t i;

    json_array_foreach(inputs, i, input)
    {
        const char *of = json_string_value(json_object_get(input, "name"));

        put_card(j, json_object_get(input, "card"), of ? of : "");
    }
    put_line(j, json_object_get(card, "command"), name);
}

cril_status cril_card_commands(const char *card, const char *name, char **out, cril_error *err)
{
    struct joined j = {0};
    json_t *root;
    cril_status st;

    if (CRIL_LACKS(err, card, name, out))
        return CRIL_ERR_RANGE;
    if ((st = cril_card_parse(name, card, &root, err)) != CRIL_OK)
        return st;
    join(&j, "", "");
    put_card(&j, root, name);
    json_decref(root);
    if (j.failed) {
        free(j.text);
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for its card", name);
    }
    *out = j.text;
    return CRIL_OK;
}
