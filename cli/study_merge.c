/*
 * cril study merge: databases put together, in one transaction.
 */
#include "args.h"
#include "output.h"
#include "reads.h"
#include "cmd_study.h"

#include <cril/store.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
    const char *output;
    bool force, measured, rename;
};

static const struct cril_option options[] = {
    {.group = "Options",
     .letter = 'o',
     .name = "output",
     .kind = CRIL_OPTION_TEXT,
     .value = "FILE",
     .offset = offsetof(struct settings, output),
     .help = "the database to write; required"},
    {.letter = 'f',
     .name = "force",
     .kind = CRIL_OPTION_FLAG,
     .offset = offsetof(struct settings, force),
     .help = "add to FILE where it exists"},
    {.name = "measured",
     .kind = CRIL_OPTION_FLAG,
     .offset = offsetof(struct settings, measured),
     .help = "only what was measured: no names, no imported figures"},
    {.name = "rename",
     .kind = CRIL_OPTION_FLAG,
     .offset = offsetof(struct settings, rename),
     .help = "replace names in FILE that stand for another model or corpus"},
    {.name = NULL},
};

static void more_help(void)
{
    fputs(
        "\nThe order of databases does not matter; a row of several databases is kept once. "
        "Databases\n"
        "that disagree on a document or item are an error: one of the machines computes wrongly.\n"
        "\nExamples:\n"
        "  cril study merge one.db two.db -o study.db\n",
        stdout);
}

/* How many cells are by other versions than this cril's, and by which. */
struct versions {
    size_t n, n_rules, n_numerics;
    int rules, numerics;
};

static void count_version(struct versions *v, int rules, int numerics)
{
    v->n++;
    if (rules != CRIL_RULES) {
        v->rules = rules;
        v->n_rules++;
    } else if (numerics != CRIL_NUMERICS) {
        v->numerics = numerics;
        v->n_numerics++;
    }
}

/* Cells of two versions stand side by side, and do not compare. */
static void note_versions(cril_store *store, const char *path)
{
    struct versions v = {.n = 0};
    cril_item_cell *item_cells;
    cril_cell *cells;
    cril_error err;
    size_t n;

    if (cril_store_cells(store, &cells, &n, &err) != CRIL_OK)
        return;
    for (size_t i = 0; i < n; i++)
        count_version(&v, cells[i].rules, cells[i].numerics);
    free(cells);
    if (cril_store_item_cells(store, &item_cells, &n, &err) != CRIL_OK)
        return;
    for (size_t i = 0; i < n; i++)
        count_version(&v, item_cells[i].rules, item_cells[i].numerics);
    free(item_cells);
    if (v.n_rules)
        cril_print_note("%s: %zu of %zu cells are by version %d of the scoring rules, this cril's "
                        "is %d; they are out of date, and cannot be compared with the others",
                        path, v.n_rules, v.n, v.rules, CRIL_RULES);
    if (v.n_numerics)
        cril_print_note(
            "%s: %zu of %zu cells are by version %d of the numeric contract, this "
            "cril's is %d; they are out of date, and cannot be compared with the others",
            path, v.n_numerics, v.n, v.numerics, CRIL_NUMERICS);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    cril_store_merge_options wanted;
    cril_store *store = NULL;
    cril_error err;
    bool existed;
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!set.output)
        return cril_args_usage(cmd, "no database to write, name one with -o FILE");
    if (argc < 1)
        return cril_args_usage(cmd, "no database to read");
    wanted = (cril_store_merge_options){.measured_only = set.measured, .rename = set.rename};
    existed = access(set.output, F_OK) == 0;
    if (existed && !set.force)
        return cril_print_error("%s: exists already; use -f to add to it", set.output);
    for (int i = 0; i < argc; i++)
        if (!cril_same_file(argv[i], set.output))
            cril_reads_beside_database(argv[i]);
    if (cril_reads_check_database(set.output, &err) == CRIL_OK &&
        cril_store_open(set.output, NULL, &store, &err) == CRIL_OK &&
        cril_store_merge(store, (const char *const *)argv, (size_t)argc, &wanted, &err) == CRIL_OK)
        code = 0;
    else
        code = cril_print_error("%s", err.message);
    if (!code)
        note_versions(store, set.output);
    cril_store_close(store);
    if (code && !existed)
        unlink(set.output); /* nothing was added: one transaction */
    return code;
}

const struct cril_cmd cril_study_cmd_merge = {
    .name = "study merge",
    .summary = "Merge databases of shards.",
    .usage = "study merge -o FILE DATABASE...",
    .run = run,
    .options = options,
    .more_help = more_help,
};
