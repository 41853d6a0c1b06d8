/* cril corpus wiki: articles of a wiki. */
#include "cmd_corpus.h"
#include "gathering.h"

#include <stdio.h>

static const struct cril_option options[] = {
    {.group = "Dates of pages",
     .name = "created",
     .kind = CRIL_OPTION_LIST,
     .value = "FILE",
     .offset = CRIL_GATHERING_AT(created),
     .help = "the wiki's history, stub-meta-history.xml.gz; again for each of its parts"},
    {.name = "min-page-id",
     .kind = CRIL_OPTION_NUMBER,
     .value = "N",
     .offset = CRIL_GATHERING_AT(min_page_id),
     .max = INT64_MAX,
     .help = "pages from N on: ids rise with time"},
    CRIL_GATHERING_CHOICE_ROWS("created", "languages, such as en or en,de"),
    CRIL_GATHERING_STEP_ROWS,
    CRIL_GATHERING_FETCH_ROW,
    CRIL_GATHERING_SHARD_ROW(),
    CRIL_GATHERING_RUN_ROWS(NULL),
    CRIL_GATHERING_OUTPUT_ROWS,
    {.name = NULL},
};

static void more_help(void)
{
    cril_gathering_print_steps("wiki");
    fputs("\nFILE is a dump of current pages in MediaWiki's XML, compressed as it may be, or a "
          "folder of them. Such a dump\nhas the days of the last edits, not those on which pages "
          "were created: for these, give the history.\n"
          "\nExamples:\n"
          "  cril corpus wiki enwiki-pages-articles.xml.bz2 -o wiki.jsonl.zst \\\n"
          "        --created enwiki-stub-meta-history.xml.gz --after 2026-06-01\n"
          "  cril corpus wiki enwiki-pages-articles.xml.bz2 -o wiki.jsonl.zst --min-page-id "
          "81000000\n",
          stdout);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    return cril_gathering_run(cmd, "wiki", argc, argv);
}

const struct cril_cmd cril_corpus_cmd_wiki = {
    .name = "corpus wiki",
    .summary = "Make a corpus of articles of a wiki.",
    .usage = "corpus wiki -o CORPUS [options] FILE...",
    .run = run,
    .options = options,
    .more_help = more_help,
};
