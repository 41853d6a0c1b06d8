/* The subcommands of cril corpus: one file each, one row in cmd_corpus.c. */
#ifndef CRIL_CLI_CMD_CORPUS_H
#define CRIL_CLI_CMD_CORPUS_H

#include "cmd.h"

extern const struct cril_cmd cril_corpus_cmd_web, cril_corpus_cmd_wiki, cril_corpus_cmd_code,
    cril_corpus_cmd_jsonl, cril_corpus_cmd_merge, cril_corpus_cmd_mix, cril_corpus_cmd_quality,
    cril_corpus_cmd_card;

#endif
