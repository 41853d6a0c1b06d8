/*
 * cril info: what a model's file or folder is, and whether cril can run it; with --cpu, what this
 * machine is to cril.
 *
 * A well-formed model that cril cannot run is described, with the reason, and this is a success. A
 * model that cannot be read is a failure; so is lack of memory or a failed read, which
 * says nothing about it.
 */
#include "args.h"
#include "hub.h"
#include "info_cpu.h"
#include "output.h"
#include "table.h"

#include <cril/inspect.h>
#include <cril/model.h>
#include <cril/tokenizer.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TYPES = 64 };

struct settings {
    bool fetch, tensors, metadata, sha256, cpu, json, verbose;
};

#define AT(field) offsetof(struct settings, field)
#define FLAG .kind = CRIL_OPTION_FLAG

static const struct cril_option options[] = {
    {.group = "Options",
     .name = "metadata",
     FLAG,
     .offset = AT(metadata),
     .help = "list all keys and values"},
    {.name = "tensors",
     FLAG,
     .offset = AT(tensors),
     .help = "list all tensors: type, shape, bytes"},
    {.name = "sha256",
     FLAG,
     .offset = AT(sha256),
     .help = "hash the files, and what decides over results (reads all)"},
    {.name = "cpu",
     FLAG,
     .offset = AT(cpu),
     .help = "describe this machine instead: kernel sets, cores"},
    CRIL_FETCH_ROW(.offset = AT(fetch)),
    {.name = "json", FLAG, .offset = AT(json), .help = "JSON instead of text"},
    {.letter = 'v',
     .name = "verbose",
     FLAG,
     .offset = AT(verbose),
     .help = "list the keys that cril does not use, and why it need not"},
    {.name = NULL},
};

static void print_more_help(void)
{
    fputs("\nExamples:\n"
          "  cril info model.gguf\n"
          "  cril info --tensors ~/models/SmolLM2-360M         # a folder with its config.json\n"
          "  cril info --metadata --tensors model-00001-of-00003.gguf\n"
          "  cril info --cpu\n",
          stdout);
}

/* All tensors of one type. */
struct type_count {
    const char *name;
    uint64_t tensors, elements, bytes;
};

struct facts {
    const char *path;
    cril_inspect *file;
    cril_model *model; /* NULL: see no_model */
    cril_error no_model;
    cril_tokenizer *own_tokenizer;      /* where there is no model */
    const cril_tokenizer *tokenizer;    /* the model's or that; NULL: cril cannot run it */
    struct type_count types[MAX_TYPES]; /* [n_types], by bytes */
    size_t n_types;
    uint64_t parameters;
    char sha256[65], identity[65]; /* "": not asked for */
};

/* Value of a key as text, NULL if the file has none. */
static const char *find(const struct facts *f, const char *key)
{
    for (size_t i = 0; i < cril_inspect_metadata_count(f->file); i++) {
        const char *k, *type, *value;

        cril_inspect_metadata(f->file, i, &k, &type, &value);
        if (strcmp(k, key) == 0)
            return value;
    }
    return NULL;
}

static const char *find_context(const struct facts *f)
{
    const char *const architecture = cril_inspect_architecture(f->file), *context;
    char key[160];

    if (!architecture || strlen(architecture) > 100)
        return NULL;
    snprintf(key, sizeof(key), "%s.context_length", architecture);
    context = find(f, key);
    return context ? context : find(f, "max_position_embeddings");
}

static int by_bytes(const void *x, const void *y)
{
    const struct type_count *a = x, *b = y;

    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return strcmp(a->name, b->name);
}

static void count_types(struct facts *f)
{
    for (size_t i = 0; i < cril_inspect_tensor_count(f->file); i++) {
        struct type_count *c = f->types;
        cril_tensor_info t;
        uint64_t n;

        cril_inspect_tensor(f->file, i, &t);
        n = t.shape[0] * t.shape[1] * t.shape[2] *
            t.shape[3]; /* the reader has proved that it fits */
        while (c < f->types + f->n_types && strcmp(c->name, t.type) != 0)
            c++;
        if (c == f->types + f->n_types) {
            if (f->n_types == MAX_TYPES) /* more than any format has */
                continue;
            f->n_types++;
            c->name = t.type;
        }
        c->tensors++;
        c->elements += n;
        c->bytes += t.bytes;
        f->parameters += n;
    }
    if (f->model) /* without a second copy of a matrix, and what no figure needs */
        f->parameters = cril_model_parameters(f->model);
    qsort(f->types, f->n_types, sizeof(f->types[0]), by_bytes);
}

/* Whether a failure says something about the file, and not about this machine at this moment. */
static bool is_verdict(cril_status st)
{
    return st != CRIL_ERR_NOMEM && st != CRIL_ERR_IO;
}

/* False: it cannot be known whether cril runs the file; err says why. */
static bool try_model(struct facts *f, cril_error *err)
{
    cril_status st = cril_model_open_inspected(f->file, &f->model, &f->no_model);

    if (st == CRIL_OK) {
        f->tokenizer = cril_model_tokenizer(f->model);
        return true;
    }
    *err = f->no_model;
    if (!is_verdict(st))
        return false;
    st = cril_tokenizer_open_inspected(f->file, &f->own_tokenizer, err);
    f->tokenizer = f->own_tokenizer;
    return st == CRIL_OK || is_verdict(st);
}

static bool gather(struct facts *f, const struct settings *s)
{
    cril_error err;

    if (cril_inspect_open(f->path, &f->file, &err) != CRIL_OK || !try_model(f, &err)) {
        cril_print_error("%s", err.message);
        return false;
    }
    count_types(f);
    if (!s->sha256)
        return true;
    if (!f->model) {
        cril_print_error("%s: cril hashes only a model that it can run; use sha256sum, or leave "
                         "out --sha256 to see the rest",
                         f->path);
        return false;
    }
    if (cril_model_sha256(f->model, f->sha256, &err) != CRIL_OK ||
        cril_model_identity(f->model, f->identity, &err) != CRIL_OK) {
        cril_print_error("%s", err.message);
        return false;
    }
    return true;
}

/* ---- text ---- */

static void print_fact(const char *what, const char *value)
{
    printf("%-14s", what);
    cril_print_escaped(stdout, value ? value : "-", value ? strlen(value) : 1);
    putchar('\n');
}

static void print_token(const struct facts *f, const char *what, int32_t id, bool added)
{
    const char *piece;
    size_t len;

    printf("%-14s", what);
    if (id < 0 || !(piece = cril_tokenizer_piece(f->tokenizer, id, &len))) {
        puts("none");
        return;
    }
    printf("%" PRId32 " ", id);
    cril_print_escaped(stdout, piece, len);
    puts(added ? ", added to a text" : ", not added to a text");
}

static void print_tokenizer(const struct facts *f)
{
    const cril_tokenizer *t = f->tokenizer;

    if (!t) {
        print_fact("tokenizer", find(f, "tokenizer.ggml.model"));
        return;
    }
    printf("%-14s%s, %zu tokens\n", "tokenizer", cril_tokenizer_kind(t), cril_tokenizer_size(t));
    print_token(f, "BOS", cril_tokenizer_bos(t), cril_tokenizer_adds_bos(t));
    print_token(f, "EOS", cril_tokenizer_eos(t), cril_tokenizer_adds_eos(t));
}

/* Of the model, or of its tokenizer where it does not run. */
static const char *warning(const struct facts *f, size_t i)
{
    return f->model ? cril_model_warning(f->model, i) : cril_tokenizer_warning(f->tokenizer, i);
}

static void print_format(const struct facts *f)
{
    const unsigned version = cril_inspect_version(f->file);
    const size_t parts = cril_inspect_parts(f->file);

    printf("%-14s%s", "format", cril_inspect_format(f->file));
    if (version)
        printf(" version %u", version);
    printf(", %zu %s%s, %" PRIu64 " bytes\n", parts, version ? "part" : "file",
           parts == 1 ? "" : "s", cril_inspect_bytes(f->file));
}

static void print_summary(const struct facts *f)
{
    print_fact("file", f->path);
    print_format(f);
    print_fact("name", cril_inspect_name(f->file));
    print_fact("architecture", cril_inspect_architecture(f->file));
    printf("%-14s%" PRIu64 "\n", "parameters", f->parameters);
    print_fact("context", find_context(f));
    print_tokenizer(f);
    for (size_t i = 0; i < f->n_types; i++)
        printf("%-14s%-8s %5" PRIu64 " tensor%s %15" PRIu64 " elements %15" PRIu64 " bytes\n",
               i ? "" : "types", f->types[i].name, f->types[i].tensors,
               f->types[i].tensors == 1 ? " " : "s", f->types[i].elements, f->types[i].bytes);
    if (f->sha256[0]) {
        print_fact("SHA-256", f->sha256);
        print_fact("identity", f->identity);
    }
    for (size_t i = 0; f->tokenizer && warning(f, i); i++)
        printf("%-14s%s\n", "warning", warning(f, i));
    if (cril_model_cannot_say(f->model))
        printf("%-14s%s\n", "cannot say", cril_model_cannot_say(f->model));
    if (f->model)
        print_fact("cril runs it", "yes");
    else
        printf("%-14sno: %s\n", "cril runs it", f->no_model.message);
}

static void print_metadata(const struct facts *f)
{
    puts("\nmetadata");
    for (size_t i = 0; i < cril_inspect_metadata_count(f->file); i++) {
        const char *key, *type, *value;

        cril_inspect_metadata(f->file, i, &key, &type, &value);
        fputs("  ", stdout);
        cril_print_padded(stdout, key, 42);
        printf(" %-16s ", type);
        cril_print_escaped(stdout, value, strlen(value));
        putchar('\n');
    }
}

static void print_unused(const struct facts *f)
{
    const char *key, *reason;
    size_t len;

    if (!f->model) /* nobody looked at the keys */
        return;
    puts("\nkeys without effect");
    for (size_t i = 0; cril_model_unused(f->model, i, &key, &len, &reason); i++) {
        fputs("  ", stdout);
        cril_print_escaped(stdout, key, len);
        printf(": %s\n", reason);
    }
}

static void print_tensors(const struct facts *f)
{
    puts("\ntensors");
    for (size_t i = 0; i < cril_inspect_tensor_count(f->file); i++) {
        cril_tensor_info t;
        char shape[96] = "";
        size_t at = 0;

        cril_inspect_tensor(f->file, i, &t);
        for (unsigned k = 0; k < t.n_dims && k < 4; k++)
            at += (size_t)snprintf(shape + at, sizeof(shape) - at, "%s%" PRIu64, k ? " x " : "",
                                   t.shape[k]);
        fputs("  ", stdout);
        cril_print_padded(stdout, t.name, 42);
        printf(" %-8s %-20s %15" PRIu64 " bytes\n", t.type, shape, t.bytes);
    }
}

/* ---- JSON: every function returns NULL when out of memory ---- */

static json_t *text_or_null(const char *text)
{
    return text ? cril_json_string(text) : json_null();
}

static json_t *id_json(int32_t id)
{
    return id < 0 ? json_null() : json_integer(id);
}

static json_t *tokenizer_json(const cril_tokenizer *t)
{
    if (!t)
        return json_null();
    return json_pack("{s:s, s:I, s:o, s:o, s:b, s:b}", "kind", cril_tokenizer_kind(t), "tokens",
                     (json_int_t)cril_tokenizer_size(t), "bos", id_json(cril_tokenizer_bos(t)),
                     "eos", id_json(cril_tokenizer_eos(t)), "adds_bos", cril_tokenizer_adds_bos(t),
                     "adds_eos", cril_tokenizer_adds_eos(t));
}

/* Appends row, which may be NULL, to list, or gives both up. */
static json_t *with_row(json_t *list, json_t *row)
{
    if (list && json_array_append_new(list, row) == 0)
        return list;
    if (!list)
        json_decref(row);
    json_decref(list);
    return NULL;
}

static json_t *types_json(const struct facts *f)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < f->n_types; i++)
        list = with_row(list, json_pack("{s:s, s:I, s:I, s:I}", "type", f->types[i].name, "tensors",
                                        (json_int_t)f->types[i].tensors, "elements",
                                        (json_int_t)f->types[i].elements, "bytes",
                                        (json_int_t)f->types[i].bytes));
    return list;
}

static json_t *metadata_json(const struct facts *f)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < cril_inspect_metadata_count(f->file); i++) {
        const char *key, *type, *value;

        cril_inspect_metadata(f->file, i, &key, &type, &value);
        list = with_row(list, json_pack("{s:o, s:s, s:o}", "key", text_or_null(key), "type", type,
                                        "value", text_or_null(value)));
    }
    return list;
}

static json_t *tensors_json(const struct facts *f)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < cril_inspect_tensor_count(f->file); i++) {
        json_t *shape = json_array();
        cril_tensor_info t;

        cril_inspect_tensor(f->file, i, &t);
        for (unsigned k = 0; shape && k < t.n_dims && k < 4; k++)
            shape = with_row(shape, json_integer((json_int_t)t.shape[k]));
        list =
            with_row(list, json_pack("{s:o, s:s, s:o, s:I}", "name", text_or_null(t.name), "type",
                                     t.type, "shape", shape, "bytes", (json_int_t)t.bytes));
    }
    return list;
}

static json_t *warnings_json(const struct facts *f)
{
    json_t *list = json_array();

    for (size_t i = 0; list && f->tokenizer && warning(f, i); i++)
        list = with_row(list, cril_json_string(warning(f, i)));
    return list;
}

static json_t *unused_json(const struct facts *f)
{
    json_t *list = json_array();
    const char *key, *reason;
    size_t len;

    for (size_t i = 0; list && f->model && cril_model_unused(f->model, i, &key, &len, &reason); i++)
        list = with_row(list,
                        json_pack("{s:o, s:s}", "key", cril_json_text(key, len), "reason", reason));
    return list;
}

static int print_json(const struct facts *f, const struct settings *s)
{
    const char *context = find_context(f);
    const unsigned version = cril_inspect_version(f->file);
    json_t *root = json_pack(
        "{s:o, s:s, s:o, s:I, s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "path",
        text_or_null(f->path), "format", cril_inspect_format(f->file), "version",
        version ? json_integer(version) : json_null(), "parts",
        (json_int_t)cril_inspect_parts(f->file), "bytes", (json_int_t)cril_inspect_bytes(f->file),
        "name", text_or_null(cril_inspect_name(f->file)), "architecture",
        text_or_null(cril_inspect_architecture(f->file)), "parameters", (json_int_t)f->parameters,
        "context", context ? json_integer((json_int_t)strtoll(context, NULL, 10)) : json_null(),
        "tokenizer", tokenizer_json(f->tokenizer), "types", types_json(f), "runs", f->model != NULL,
        "reason", text_or_null(f->model ? NULL : f->no_model.message), "cannot_say",
        text_or_null(cril_model_cannot_say(f->model)), "warnings", warnings_json(f));
    int bad = !root;

    if (!bad && f->sha256[0])
        bad = json_object_set_new(root, "sha256", json_string(f->sha256)) ||
              json_object_set_new(root, "identity", json_string(f->identity));
    if (!bad && s->metadata)
        bad = json_object_set_new(root, "metadata", metadata_json(f));
    if (!bad && s->verbose)
        bad = json_object_set_new(root, "unused", unused_json(f));
    if (!bad && s->tensors)
        bad = json_object_set_new(root, "tensors", tensors_json(f));
    if (bad) {
        json_decref(root);
        root = NULL;
    }
    return cril_print_json(root, JSON_INDENT(1));
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    struct facts f = {0};
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (set.cpu && (argc || set.tensors || set.metadata || set.sha256 || set.verbose))
        return cril_args_usage(
            cmd, "--cpu describes this machine and no model; give it alone, or with --json");
    if (set.cpu)
        return cril_info_cpu(set.json);
    if (argc != 1)
        return cril_args_usage(cmd, "takes one model, not %d", argc);
    f.path = argv[0];
    if ((code = cril_locate_model(&f.path, set.fetch, false)) != CRIL_ARGS_GO_ON)
        return code;
    code = 1;
    if (gather(&f, &set)) {
        code = 0;
        if (set.json) {
            code = print_json(&f, &set);
        } else {
            print_summary(&f);
            if (set.verbose)
                print_unused(&f);
            if (set.metadata)
                print_metadata(&f);
            if (set.tensors)
                print_tensors(&f);
        }
    }
    cril_model_close(f.model);
    cril_tokenizer_free(f.own_tokenizer);
    cril_inspect_close(f.file);
    return code;
}

const struct cril_cmd cril_cmd_info = {
    .name = "info",
    .summary = "Describe a model and say whether cril can run it; or describe this CPU.",
    .usage = "info [options] MODEL | info --cpu [--json]",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
