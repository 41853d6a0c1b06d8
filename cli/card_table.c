/* A corpus's card as tables. */
#include "gathering.h"
#include "naming.h"
#include "output.h"
#include "table.h"

#include <cril/card.h>
#include <cril/number.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
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

/* A text of the card, which may be anybody's, and what follows. */
static void print_text(const json_t *o, const char *key, const char *after)
{
    const char *s = text(o, key);

    cril_print_escaped(stdout, s, strlen(s));
    fputs(after, stdout);
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

/* What a mix takes of its inputs. */
static void print_taken(json_t *inputs)
{
    json_t *input;
    size_t i;

    json_array_foreach(inputs, i, input)
    {
        if (!json_object_get(input, "taken_documents"))
            continue;
        printf("%-*s%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
               " documents, %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " characters of ",
               NAME, "taken", whole(input, "taken_documents"), whole(input, "documents"),
               whole(input, "taken_characters"), whole(input, "characters"));
        print_text(input, "name", "\n");
    }
}

static void print_buckets(json_t *buckets)
{
    char low[CRIL_NUMBER_SIZE], high[CRIL_NUMBER_SIZE];
    json_t *b;
    size_t i;

    json_array_foreach(buckets, i, b)
    {
        cril_print_padded(stdout, text(b, "name"), NAME);
        printf("%" JSON_INTEGER_FORMAT " document%s, %" JSON_INTEGER_FORMAT
               " characters, %s to %s bits per character\n",
               whole(b, "documents"), whole(b, "documents") == 1 ? "" : "s", whole(b, "characters"),
               cril_number_write(low, json_number_value(json_object_get(b, "lowest")), 4),
               cril_number_write(high, json_number_value(json_object_get(b, "highest")), 4));
    }
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
    printf("%-*s", NAME, "sha256");
    print_text(corpus, "sha256", "\n");
    printf("%-*s", NAME, "source");
    print_text(rules, "kind", ", ");
    printf("%zu input%s, %" JSON_INTEGER_FORMAT " document%s\n", i, i == 1 ? "" : "s", documents,
           documents == 1 ? "" : "s");
    print_taken(json_object_get(source, "inputs"));
    printf("%-*s", NAME, "dates");
    print_text(source, "dates", "\n");
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
        cril_print_padded(stdout, text(step, "name"), NAME);
        printf("%*" JSON_INTEGER_FORMAT "%*" JSON_INTEGER_FORMAT "%*" JSON_INTEGER_FORMAT "  ",
               COUNT, whole(step, "in"), COUNT, whole(step, "out"), COUNT, whole(step, "changed"));
        print_counts(json_object_get(step, "reasons"));
    }
    json_array_foreach(json_object_get(root, "steps"), i, step)
        print_buckets(json_object_get(step, "buckets"));
}

static bool print_commands(const char *name, const char *card)
{
    const char *at, *label = "made by";
    char *commands;
    cril_error err;

    if (cril_card_commands(card, cril_base_name(name), &commands, &err) != CRIL_OK)
        return !cril_print_error("%s", err.message);
    if (*commands)
        putchar('\n');
    for (at = commands; *at; label = "") {
        const size_t n = strcspn(at, "\n");

        printf("%-*s", NAME, label);
        cril_print_escaped(stdout, at, n);
        putchar('\n');
        at += n + (at[n] != '\0');
    }
    free(commands);
    return true;
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
    return print_commands(name, card);
}
