/* cril corpus card: what is in a corpus, from where, by which rules. */
#include "cmd_corpus.h"
#include "gathering.h"

#include <stdio.h>
#include <stdlib.h>

struct settings {
    bool json;
};

static const struct cril_option options[] = {
    {.group = "Options",
     .name = "json",
     .kind = CRIL_OPTION_FLAG,
     .offset = offsetof(struct settings, json),
     .help = "the card as it stands"},
    {.name = NULL},
};

static void more_help(void)
{
    fputs("\nA card lies beside its corpus, NAME.card.json.\n"
          "\nExample:\n"
          "  cril corpus card web.jsonl.zst\n",
          stdout);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    int code = cril_args_parse(cmd, &set, &argc, argv);
    char *card;

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (argc != 1)
        return cril_args_usage(cmd, "needs one corpus");
    if (!(card = cril_gathering_card(argv[0])))
        return 1;
    if (set.json)
        fputs(card, stdout);
    code = set.json || cril_gathering_print_card(argv[0], card) ? 0 : 1;
    free(card);
    return code;
}

const struct cril_cmd cril_corpus_cmd_card = {
    .name = "corpus card",
    .summary = "Show what is in a corpus, from where, and by which rules.",
    .usage = "corpus card [options] CORPUS",
    .run = run,
    .options = options,
    .more_help = more_help,
};
