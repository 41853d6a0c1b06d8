/* cril corpus card: what is in a corpus, from where, by which rules. */
#include "cmd_corpus.h"
#include "gathering.h"
#include "naming.h"
#include "output.h"
#include "reads.h"

#include <cril/card.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    bool json, html, force;
    const char *output;
};

static const struct cril_option options[] = {
    {.group = "Options",
     .name = "json",
     .kind = CRIL_OPTION_FLAG,
     .offset = offsetof(struct settings, json),
     .help = "the card as it stands"},
    {.name = "html",
     .kind = CRIL_OPTION_FLAG,
     .offset = offsetof(struct settings, html),
     .help = "a page with histograms, which needs no other file"},
    {.letter = 'o',
     .name = "output",
     .kind = CRIL_OPTION_TEXT,
     .value = "FILE",
     .offset = offsetof(struct settings, output),
     .help = "write the page to FILE (default: standard output)"},
    {.letter = 'f',
     .name = "force",
     .kind = CRIL_OPTION_FLAG,
     .offset = offsetof(struct settings, force),
     .help = "overwrite a file that exists"},
    {.name = NULL},
};

static void more_help(void)
{
    fputs("\nA card lies beside its corpus, NAME.card.json.\n"
          "\nExamples:\n"
          "  cril corpus card web.jsonl.zst\n"
          "  cril corpus card web.jsonl.zst --html -o web.html\n",
          stdout);
}

static bool write_page(const struct settings *set, const char *corpus, const char *card)
{
    const bool to_file = set->output && strcmp(set->output, "-") != 0;
    struct cril_output out = {0};
    cril_error err;
    bool good = !to_file || cril_output_open(&out, set->output, set->force);

    errno = 0;
    if (good && cril_card_page(to_file ? out.file : stdout, card, cril_base_name(corpus), &err) !=
                    CRIL_OK) {
        if (err.status != CRIL_ERR_IO)
            cril_print_error("%s", err.message);
        else if (to_file)
            cril_output_failed(&out, errno); /* cril_output_commit says so */
        else
            cril_stdout_failed(errno); /* main says so */
        good = err.status == CRIL_ERR_IO && to_file;
    }
    good = good && cril_output_commit(&out);
    cril_output_discard(&out);
    return good;
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
    if (set.json && set.html)
        return cril_args_usage(cmd, "--json and --html exclude each other");
    if (!set.html && (set.output || set.force))
        return cril_args_usage(cmd, "-o and -f are for a page; --html makes one");
    cril_reads_file("the corpus", argv[0]);
    if (!(card = cril_gathering_card(argv[0])))
        return 1;
    if (set.json)
        fputs(card, stdout);
    code = (set.json ||
            (set.html ? write_page(&set, argv[0], card) : cril_gathering_print_card(argv[0], card)))
               ? 0
               : 1;
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
