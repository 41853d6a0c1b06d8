/*
 * cril tokenize: the ids that a model's tokenizer gives for files.
 *
 * A file is one text, taken as its bytes. Ids: one line a file, separated by blanks. A vocabulary
 * without weights is enough.
 */
#include "args.h"
#include "hub.h"
#include "input.h"
#include "output.h"
#include "warnings.h"

#include <cril/tokenizer.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *model;
    bool fetch, pieces, count, special, add_special, json;
};

#define AT(field) offsetof(struct settings, field)
#define FLAG .kind = CRIL_OPTION_FLAG

static const struct cril_option options[] = {
    {.group = "Options",
     .letter = 'm',
     .name = "model",
     .kind = CRIL_OPTION_TEXT,
     .value = "FILE",
     .offset = AT(model),
     .help = "GGUF file (a vocabulary alone is enough) or model's folder; required"},
    CRIL_FETCH_ROW(.offset = AT(fetch)),
    {.name = "special",
     FLAG,
     .offset = AT(special),
     .help = "control tokens written in the text become those tokens (default: text)"},
    {.name = "add-special",
     FLAG,
     .offset = AT(add_special),
     .help = "put the BOS and EOS that the tokenizer adds around each text"},
    {.name = "pieces",
     FLAG,
     .offset = AT(pieces),
     .help = "one token a line: id, tab, its bytes escaped"},
    {.name = "count",
     FLAG,
     .offset = AT(count),
     .help = "the number of tokens instead of their ids"},
    {.name = "json", FLAG, .offset = AT(json), .help = "JSON instead of text"},
    {.name = NULL},
};

static void print_more_help(void)
{
    fputs("\nEach FILE is one text, whose ids are printed on one line; without a FILE, standard "
          "input is it.\n"
          "\nExamples:\n"
          "  cril tokenize -m model.gguf --count book.txt\n"
          "  printf 'Hello, world' | cril tokenize -m model.gguf --pieces\n",
          stdout);
}

static void print_ids(const cril_ids *ids)
{
    for (size_t i = 0; i < ids->n; i++)
        printf("%s%" PRId32, i ? " " : "", ids->data[i]);
    putchar('\n');
}

static void print_pieces(const cril_tokenizer *t, const cril_ids *ids)
{
    for (size_t i = 0; i < ids->n; i++) {
        size_t len = 0;
        const char *piece = cril_tokenizer_piece(t, ids->data[i], &len);

        printf("%" PRId32 "\t", ids->data[i]);
        cril_print_escaped(stdout, piece ? piece : "", len);
        putchar('\n');
    }
}

static void print_count(const char *path, const cril_ids *ids, bool several)
{
    printf("%zu", ids->n);
    if (several) {
        putchar('\t');
        cril_print_escaped(stdout, path, strlen(path));
    }
    putchar('\n');
}

/* NULL: out of memory. */
static json_t *text_json(const struct settings *s, const cril_tokenizer *t, const char *path,
                         const cril_ids *ids)
{
    json_t *row =
        json_pack("{s:o, s:I}", "path", cril_json_string(path), "count", (json_int_t)ids->n);
    json_t *list = s->count ? NULL : json_array(), *pieces = s->pieces ? json_array() : NULL;
    int bad = !row || (!s->count && !list) || (s->pieces && !pieces);

    for (size_t i = 0; !bad && list && i < ids->n; i++)
        bad = json_array_append_new(list, json_integer(ids->data[i]));
    for (size_t i = 0; !bad && pieces && i < ids->n; i++) {
        size_t len = 0;
        const char *piece = cril_tokenizer_piece(t, ids->data[i], &len);

        bad = json_array_append_new(pieces, cril_json_text(piece ? piece : "", len));
    }
    if (!bad && list)
        bad = json_object_set(row, "ids", list);
    if (!bad && pieces)
        bad = json_object_set(row, "pieces", pieces);
    json_decref(list);
    json_decref(pieces);
    if (!bad)
        return row;
    json_decref(row);
    return NULL;
}

/* One file; a row is added to list, or printed if that is NULL. */
static bool tokenize(const struct settings *s, const cril_tokenizer *t, const char *path,
                     bool several, json_t *list)
{
    const unsigned flags =
        (s->special ? CRIL_ENCODE_SPECIAL : 0U) | (s->add_special ? CRIL_ENCODE_ADD_SPECIAL : 0U);
    cril_ids ids = {0};
    cril_error err;
    size_t len;
    char *text = (char *)cril_input_read(path, &len, &err);
    bool good = false;

    if (!text) {
        cril_print_error("%s", err.message);
        return false;
    }
    if (cril_tokenizer_encode(t, text, len, flags, &ids, &err) != CRIL_OK) {
        cril_print_error("%s: cannot be tokenised: %s", path, err.message);
    } else if (list) {
        good = json_array_append_new(list, text_json(s, t, path, &ids)) == 0;
        if (!good)
            cril_print_error("%s: out of memory while writing JSON", path);
    } else {
        good = true;
        if (s->count)
            print_count(path, &ids, several);
        else if (s->pieces)
            print_pieces(t, &ids);
        else
            print_ids(&ids);
    }
    cril_ids_free(&ids);
    free(text);
    return good && !ferror(stdout);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    static char input[] = "-";
    char *only[] = {input};
    struct settings set = {0};
    cril_tokenizer *t;
    cril_error err;
    json_t *list;
    bool good = true;
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!set.model)
        return cril_args_no_model(cmd, argc, argv);
    if (set.count && set.pieces)
        return cril_args_usage(cmd, "--count and --pieces exclude each other");
    if ((code = cril_locate_model(&set.model, set.fetch, false)) != CRIL_ARGS_GO_ON)
        return code;
    if (!argc) {
        argv = only;
        argc = 1;
    }
    if (cril_tokenizer_open(set.model, &t, &err) != CRIL_OK)
        return cril_print_error("%s", err.message);
    cril_print_tokenizer_warnings(t);
    list = set.json ? json_array() : NULL;
    if (set.json && !list)
        good = false;
    for (int i = 0; good && i < argc; i++)
        good = tokenize(&set, t, argv[i], argc > 1, list);
    cril_tokenizer_free(t);
    if (!good) {
        json_decref(list);
        return 1;
    }
    return list ? cril_print_json(list, 0) : 0;
}

const struct cril_cmd cril_cmd_tokenize = {
    .name = "tokenize",
    .summary = "Print the token ids of files.",
    .usage = "tokenize -m MODEL [options] [FILE...]",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
