/*
 * cril leak: whether texts were seen before.
 *
 * As cril score: all that can be refused is refused before the long work, and a file, and JSON in
 * either place, is written only when all is known.
 */
#include "corpora.h"
#include "leaking.h"
#include "reads.h"

#include <stdio.h>
#include <string.h>

enum { DEFAULT_TOP = 5 };

#define AT(field) offsetof(struct cril_leak_args, field)
#define FLAG .kind = CRIL_OPTION_FLAG
#define TEXT .kind = CRIL_OPTION_TEXT

static const struct cril_option options[] = {
    {.group = "Benchmark items in the corpora",
     .name = "items",
     TEXT,
     .value = "TASKS",
     .offset = AT(items),
     .help = "tasks, separated by commas; 'all' is each of 'cril eval --list'; required"},
    {.name = "data",
     TEXT,
     .value = "DIR",
     .offset = AT(data),
     .help = "folder of the tasks' data as they are published; required"},
    {.letter = 'n',
     .name = "n",
     .kind = CRIL_OPTION_NUMBER,
     .value = "N",
     .offset = AT(n),
     .min = 1,
     .max = 64,
     .help = "words in a row that item and document share (default: 13)"},
    {.name = "fields",
     TEXT,
     .value = "NAMES",
     .offset = AT(fields),
     .help = "fields of an item's record, separated by commas (default: all texts)"},

    CRIL_CORPUS_ROWS,

    {.group = "Output",
     .name = "top",
     .kind = CRIL_OPTION_NUMBER,
     .value = "N",
     .offset = AT(top),
     .max = UINT32_MAX,
     .help = "show the words of the first N items found (default: 5)"},
    {.name = "json", FLAG, .offset = AT(json), .help = "JSON instead of tables"},
    {.letter = 'o',
     .name = "output",
     TEXT,
     .value = "FILE",
     .offset = AT(output),
     .help = "write the result to FILE (default: standard output)"},
    {.letter = 'f',
     .name = "force",
     FLAG,
     .offset = AT(force),
     .help = "overwrite a file that exists"},
    {.letter = 'q', .name = "quiet", FLAG, .offset = AT(quiet), .help = "no progress, no notes"},
    {.name = NULL},
};

static void print_more_help(void)
{
    fputs(
        "\nThe rule of lm-evaluation-harness: an item counts as contained where 13 words in a row "
        "of one of its\n"
        "texts are in a document; ASCII letters in lower case, ASCII punctuation deleted. Items "
        "with fewer words\n"
        "cannot be tested, and are counted.\n"
        "\nExamples:\n"
        "  cril leak --items mmlu,gsm8k --data benchmarks corpus.jsonl.zst\n"
        "  cril leak --items gsm8k --data benchmarks --fields question --json -o leak.json "
        "web/\n",
        stdout);
}

static int check_usage(const struct cril_cmd *cmd, const struct cril_leak_args *s, int n,
                       char **corpora)
{
    const char *out = s->output ? s->output : "-", *read_as;
    int code;

    if (!s->items || !s->data)
        return cril_args_usage(cmd, "needs --items and --data, tasks and the folder of their data "
                                    "('cril eval --list' says where they are published)");
    if (!n)
        return cril_args_usage(cmd, "no corpus given");
    if (s->corpus.prompt_field)
        return cril_args_usage(cmd, "--prompt-field is for scores; name the text by --field");
    if ((code = cril_corpora_note(cmd, n, corpora)) != CRIL_ARGS_GO_ON)
        return code;
    if ((read_as = cril_reads_as(out)) != NULL)
        return cril_args_usage(cmd, "%s is %s and cannot be an output",
                               strcmp(out, "-") == 0 ? "standard output" : out, read_as);
    return CRIL_ARGS_GO_ON;
}

static bool look(struct cril_leak_run *r)
{
    const struct cril_leak_args *s = r->set;

    return cril_corpora_check(&s->corpus, r->n_corpora, r->corpora) &&
           (!s->output || strcmp(s->output, "-") == 0 ||
            cril_output_open(&r->result, s->output, s->force)) &&
           cril_leak_items(r) && cril_output_commit(&r->result);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct cril_leak_args set = {.top = DEFAULT_TOP};
    struct cril_leak_run r = {.set = &set};
    bool done;
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON || (code = check_usage(cmd, &set, argc, argv)) != CRIL_ARGS_GO_ON)
        return code;
    r.corpora = argv;
    r.n_corpora = (size_t)argc;
    cril_progress_init(&r.progress, set.quiet);
    cril_output_catch_signals();
    done = look(&r);
    if (r.result.file && !cril_output_good(&r.result))
        cril_output_commit(&r.result); /* reports the failure */
    cril_output_discard(&r.result);
    if (done)
        return 0;
    if (cril_output_signal()) {
        cril_print_note("stopped by a signal; nothing was written");
        return 128 + cril_output_signal();
    }
    return 1;
}

const struct cril_cmd cril_cmd_leak = {
    .name = "leak",
    .summary = "Find benchmark items in corpora.",
    .usage = "leak --items TASKS --data DIR [options] CORPUS...",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
