/* cril corpus code: files of git repositories. */
#include "cmd_corpus.h"
#include "gathering.h"

#include <stdio.h>

static const struct cril_option options[] = {
    CRIL_GATHERING_CHOICE_ROWS("first committed", "programming languages, such as Python or C,C++"),
    CRIL_GATHERING_STEP_ROWS,
    CRIL_GATHERING_SHARD_ROW(.group = "Run", ),
    CRIL_GATHERING_RUN_ROWS(NULL),
    CRIL_GATHERING_OUTPUT_ROWS,
    {.name = NULL},
};

static void more_help(void)
{
    cril_gathering_print_steps("code");
    fputs(
        "\nFOLDER is a git repository, bare or not, or holds some at any depth. Their files as of "
        "HEAD are read by git,\nwhich runs nothing that a repository names. A file's date is the "
        "day of the first commit that added it.\n"
        "\nExample:\n"
        "  cril corpus code repositories/ -o python.jsonl.zst --language Python --after "
        "2026-06-01\n",
        stdout);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    return cril_gathering_run(cmd, "code", argc, argv);
}

const struct cril_cmd cril_corpus_cmd_code = {
    .name = "corpus code",
    .summary = "Make a corpus of files of git repositories.",
    .usage = "corpus code -o CORPUS [options] FOLDER...",
    .run = run,
    .options = options,
    .more_help = more_help,
};
