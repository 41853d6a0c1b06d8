/* A corpus's card as tables. */
#include "gathering.h"
#include "output.h"
#include "table.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 20, COUNT = 14 };

static json_int_t whole(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

/* "name 12, other 3", those that are not 0. */
static void print_counts(json_t *counts)
{
    const char *key, *before = "";
    json_t *n;

    json_object_foreach(counts, key, n)
    {
        if (json_integer_value(n) <= 0)
            continue;
        fputs(before, stdout);
        cril_print_escaped(stdout, key, strlen(key));
        printf(" %" JSON_INTEGER_FORMAT, json_integer_value(n));
        before = ", ";
    }
    putchar('\n');
}

static bool has_counts(json_t *counts)
{
    const char *key;
    json_t *n;

    json_object_foreach(counts, key, n)
    {
        if (json_integer_value(n) > 0)
            return true;
    }
    return false;
}

static void print_row(const char *name, json_t *counts)
{
    if (!has_counts(counts))
        return;
    printf("%-*s", NAME, name);
    print_counts(counts);
}

static void print_tally(const char *name, json_t *tally)
{
    print_row(name, json_object_get(tally, "counts"));
}

static void print_texts(const json_t *root)
{
    json_t *corpus = json_object_get(root, "corpus"), *source = json_object_get(root, "source"),
           *rules = json_object_get(root, "rules"), *input;
    json_int_t documents = 0;
    size_t i;

    json_array_foreach(json_object_get(source, "inputs"), i, input) documents +=
        whole(input, "documents");
    printf("%-*s%" JSON_INTEGER_FORMAT " document%s, %" JSON_INTEGER_FORMAT
           " characters, %" JSON_INTEGER_FORMAT " bytes of text\n",
           NAME, "corpus", whole(corpus, "documents"), whole(corpus, "documents") == 1 ? "" : "s",
           whole(corpus, "characters"), whole(corpus, "bytes"));
    printf("%-*s%s\n", NAME, "sha256", text(corpus, "sha256"));
    printf("%-*s%s, %zu input%s, %" JSON_INTEGER_FORMAT " document%s\n", NAME, "source",
           text(rules, "kind"), i, i == 1 ? "" : "s", documents, documents == 1 ? "" : "s");
    printf("%-*s%s\n", NAME, "dates", text(source, "dates"));
    print_row("not read", json_object_get(source, "left_out"));
    print_row("not selected", json_object_get(root, "selection"));
    print_tally("months", json_object_get(corpus, "months"));
    print_tally("languages", json_object_get(corpus, "languages"));
    print_tally("licences", json_object_get(corpus, "licences"));
}

static void print_steps(const json_t *root)
{
    json_t *step;
    size_t i;

    printf("\n%-*s%*s%*s%*s  %s\n", NAME, "step", COUNT, "in", COUNT, "out", COUNT, "changed",
           "why");
    json_array_foreach(json_object_get(root, "steps"), i, step)
    {
        printf("%-*s%*" JSON_INTEGER_FORMAT "%*" JSON_INTEGER_FORMAT "%*" JSON_INTEGER_FORMAT "  ",
               NAME, text(step, "name"), COUNT, whole(step, "in"), COUNT, whole(step, "out"), COUNT,
               whole(step, "changed"));
        print_counts(json_object_get(step, "reasons"));
    }
}

bool cril_gathering_print_card(const char *name, const char *card)
{
    json_error_t where;
    json_t *root = json_loads(card, 0, &where);

    if (whole(root, "card") != 1) {
        json_decref(root);
        return !cril_print_error("%s: its card is none that this version reads", name);
    }
    print_texts(root);
    print_steps(root);
    json_decref(root);
    return true;
}
