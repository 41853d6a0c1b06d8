/*
 * cril corpus: fresh corpora from what others publish. A word says from what, or what to do with
 * one.
 */
#include "args.h"
#include "cmd_corpus.h"

#include <stdio.h>

static const struct cril_option options[] = {
    {.name = NULL},
};

static const struct cril_cmd *const parts[] = {
    &cril_corpus_cmd_web,     &cril_corpus_cmd_wiki,  &cril_corpus_cmd_code,
    &cril_corpus_cmd_jsonl,   &cril_corpus_cmd_merge, &cril_corpus_cmd_mix,
    &cril_corpus_cmd_quality, &cril_corpus_cmd_card,  NULL,
};

static void print_more_help(void)
{
    fputs("\n'cril corpus SUBCOMMAND --help' is the help of one.\n"
          "\nThe same inputs and rules give the same bytes. A card beside each corpus, "
          "NAME.card.json, holds the rules,\n"
          "what each step did, and the hashes of inputs and corpus.\n"
          "\nExamples:\n"
          "  cril corpus web CC-MAIN-*.warc.wet.gz -o web.jsonl.zst --after 2026-06-01\n"
          "  cril corpus wiki pages-articles.xml.bz2 -o wiki.jsonl.zst --created "
          "stub-meta-history.xml.gz --after 2026-06-01\n"
          "  cril corpus mix web.jsonl.zst wiki.jsonl.zst --characters 2M --seed 1 -o "
          "sample.jsonl.zst\n"
          "  cril corpus card web.jsonl.zst\n",
          stdout);
}

const struct cril_cmd cril_cmd_corpus = {
    .name = "corpus",
    .summary = "Make fresh corpora from web crawls, wikis and repositories.",
    .usage = "corpus SUBCOMMAND [options] ...",
    .run = cril_args_run_part,
    .options = options,
    .more_help = print_more_help,
    .parts = parts,
};
