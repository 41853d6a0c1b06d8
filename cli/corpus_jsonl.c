/* cril corpus jsonl: documents of JSON Lines. */
#include "cmd_corpus.h"
#include "gathering.h"

#include <stdio.h>

static const struct cril_option options[] = {
    CRIL_GATHERING_CHOICE_ROWS("dated", "languages, such as en or en,de"),
    CRIL_GATHERING_STEP_ROWS,
    CRIL_GATHERING_FETCH_ROW,
    CRIL_GATHERING_SHARD_ROW(),
    CRIL_GATHERING_RUN_ROWS(NULL),
    CRIL_GATHERING_OUTPUT_ROWS,
    {.name = NULL},
};

static void more_help(void)
{
    cril_gathering_print_steps("jsonl");
    fputs("\nFILE is JSON Lines, compressed as it may be, or a folder of such files: objects with "
          "the "
          "text under \"content\"\nor \"text\", and \"id\", \"date\", \"url\", \"title\", "
          "\"license\", \"language\" beside it or in an object \"metadata\".\n"
          "\nExample:\n"
          "  cril corpus jsonl fineweb/ -o web.jsonl.zst --after 2026-06-01 --with "
          "gopher_quality\n",
          stdout);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    return cril_gathering_run(cmd, "jsonl", argc, argv);
}

const struct cril_cmd cril_corpus_cmd_jsonl = {
    .name = "corpus jsonl",
    .summary = "Make a corpus of documents of JSON Lines.",
    .usage = "corpus jsonl -o CORPUS [options] FILE...",
    .run = run,
    .options = options,
    .more_help = more_help,
};
