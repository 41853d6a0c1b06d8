/* cril study dump: a study's database as text, for cmp and diff. */
#include "args.h"
#include "output.h"
#include "cmd_study.h"

#include <cril/store.h>
#include <errno.h>
#include <stdio.h>

static const struct cril_option options[] = {
    {.name = NULL},
};

static void more_help(void)
{
    fputs("\nA line a row, in the order of the keys, numbers to the last bit: databases with the "
          "same\n"
          "results have the same dump, on whatever machine and in whatever order they were "
          "computed.\n"
          "\nExamples:\n"
          "  cril study dump one.db >one.txt\n"
          "  cril study dump two.db | cmp - one.txt\n",
          stdout);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    cril_store *store = NULL;
    cril_error err;
    int code = cril_args_parse(cmd, NULL, &argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (argc != 1)
        return cril_args_usage(cmd, argc ? "takes one database" : "no database given");
    code = 0;
    if (cril_store_open(argv[0], &(cril_store_options){.read_only = true}, &store, &err) !=
            CRIL_OK ||
        cril_store_dump(store, stdout, &err) != CRIL_OK) {
        code = 1;
        if (!ferror(stdout)) /* otherwise main says it */
            cril_print_error("%s", err.message);
        else
            cril_stdout_failed(errno);
    }
    cril_store_close(store);
    return code;
}

const struct cril_cmd cril_study_cmd_dump = {
    .name = "study dump",
    .summary = "Write all rows of a database as text.",
    .usage = "study dump DATABASE",
    .run = run,
    .options = options,
    .more_help = more_help,
};
