/* cril corpus web: pages of a web crawl. */
#include "cmd_corpus.h"
#include "gathering.h"

#include <stdio.h>

static const struct cril_option options[] = {
    CRIL_GATHERING_CHOICE_ROWS("crawled", "languages, such as en or en,de"),
    CRIL_GATHERING_STEP_ROWS,
    CRIL_GATHERING_FETCH_ROW,
    CRIL_GATHERING_SHARD_ROW(),
    CRIL_GATHERING_RUN_ROWS(NULL),
    CRIL_GATHERING_OUTPUT_ROWS,
    {.name = NULL},
};

static void more_help(void)
{
    cril_gathering_print_steps("web");
    fputs("\nFILE is a WET file, as Common Crawl publishes them, or a folder of them. A page's "
          "date is the day on which it\nwas crawled: its text may be older.\n"
          "\nExamples:\n"
          "  cril corpus web CC-MAIN-*.warc.wet.gz -o web.jsonl.zst --after 2026-06-01\n"
          "  cril corpus web wet/ -o part3.jsonl.zst --shard 3/16\n",
          stdout);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    return cril_gathering_run(cmd, "web", argc, argv);
}

const struct cril_cmd cril_corpus_cmd_web = {
    .name = "corpus web",
    .summary = "Make a corpus of pages of a web crawl.",
    .usage = "corpus web -o CORPUS [options] FILE...",
    .run = run,
    .options = options,
    .more_help = more_help,
};
