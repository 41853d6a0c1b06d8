/*
 * cril study init: a study file to begin with, which says what may stand in one. Its corpora are
 * those that were installed with the command; for a command that was not, those of the repository.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "args.h"
#include "cmd_study.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cril_option options[] = {
    {.name = NULL},
};

static const char *const template[] = {
    "# A study: models, the corpora they compress, the benchmarks they are scored by.\n"
    "# Relative paths start at this file's folder. What a '#' precedes is optional.\n"
    "#   cril study check study.yaml     checks everything before a run\n"
    "\n"
    "title: My study\n"
    "#database: study.db            # where figures are kept; by default this file's name with "
    ".db\n"
    "\n"
    "# How texts are scored (cril score --help). The first is the one that fits use.\n"
    "protocols:\n"
    "  - document\n"
    "  #- {name: hkust, context: 1900, stride: 512}\n"
    "\n",

    "# GGUF files, and folders with config.json and *.safetensors. Each match of a pattern is a\n"
    "# model, named as its file or folder is. hf:owner/name is one that 'cril pull' has fetched.\n"
    "models:\n"
    "  - path: models/*.gguf\n"
    "    #family: SmolLM2           # models of one family are not independent of each other\n"
    "    #tags: [general]           # words to choose models by, below\n"
    "  #- path: models/other/Qwen2.5-Coder-0.5B.Q4_K_M.gguf\n"
    "  #  name: Qwen2.5-Coder-0.5B\n"
    "  #  family: Qwen\n"
    "  #  tags: [code]\n"
    "  #- name: Llama-3-70b         # without a path: its figures are imported\n"
    "  #  family: Llama-3\n"
    "\n"
    "# JSON Lines, CSV or texts, compressed or not; a folder of them. A group is a domain; its "
    "name is yours.\n"
    "corpora:\n"
    "  - {path: data/corpora/encyclopedia.jsonl, group: knowledge}\n"
    "  - {path: data/corpora/math.jsonl, group: math}\n"
    "  - {path: data/corpora/python.jsonl, group: coding}\n"
    "  #- name: cc                  # by default the file's name\n"
    "  #  path: cc.jsonl.zst        # without a path: its figures are imported\n"
    "  #  group: knowledge          # by default the corpus's own name\n"
    "  #  field: content            # JSON key or CSV column of the text; also format, limit, "
    "strict\n"
    "\n",

    "# Scores are imported. A benchmark's group is one of the corpora's.\n"
    "benchmarks:\n"
    "  - {group: knowledge, names: [NaturalQuestions, TriviaQA, ARC-Challenge, HellaSwag, MMLU]}\n"
    "  - {group: coding, names: [HumanEval, MBPP, DS-1000]}\n"
    "  - {group: math, names: [GSM8K, MATH, SAT-Math, MMLU-Math]}\n"
    "  #- {name: BBH}               # of no group: counts as a group of its own\n"
    "  #- {name: GSM8K-strict, group: math, task: gsm8k, metric: exact_match, filter: "
    "strict-match}\n"
    "  #                            # which score of lm-evaluation-harness it is: cril study "
    "import --harness\n"
    "\n"
    "# Lines to draw: y against x. Without this list: overall, one a group, one a benchmark.\n"
    "#   x       average (of all corpora), a corpus, or a group (mean of its corpora)\n"
    "#   y       average (of the groups), plain (mean of all benchmarks), a group, or a benchmark\n"
    "#   models  names, families or tags; with '-' in front: all but those\n"
    "#fits:\n"
    "#  - {name: overall, x: average, y: average, models: [general]}\n"
    "#  - {name: coding, x: coding, y: coding, models: [general, code]}\n"
    "#  - {name: math, x: math, y: math, models: [-Qwen]}\n",
};

/* How the template names the corpora. */
static const char in_repository[] = "data/corpora";

/* The installed corpora, CRIL_CORPORA from the command's own folder; owned. NULL: there are none,
 * or none whose path is plain in YAML. */
static char *installed_corpora(void)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+";
    char command[PATH_MAX], path[PATH_MAX + sizeof(CRIL_CORPORA)];
    const ssize_t len = readlink("/proc/self/exe", command, sizeof(command) - 1);
    char *slash, *folder;

    if (len < 0)
        return NULL;
    command[len] = '\0';
    if (!(slash = strrchr(command, '/')))
        return NULL;
    *slash = '\0';
    snprintf(path, sizeof(path), "%s/%s", command, CRIL_CORPORA);
    folder = realpath(path, NULL);
    if (folder && !folder[strspn(folder, plain)])
        return folder;
    free(folder);
    return NULL;
}

static void print_template(const char *text, const char *corpora)
{
    for (const char *at; (at = strstr(text, in_repository)); text = at + strlen(in_repository))
        printf("%.*s%s", (int)(at - text), text, corpora);
    fputs(text, stdout);
}

static void print_more_help(void)
{
    fputs(
        "\nPrints a study file to begin with on standard output. It explains itself; study.md, in\n"
        "doc/ or share/doc/cril, has the format in full. In examples/ there, paper is a whole "
        "study.\n"
        "\nExamples:\n"
        "  cril study init > study.yaml\n",
        stdout);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    int code = cril_args_parse(cmd, NULL, &argc, argv);
    char *corpora;

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (argc)
        return cril_args_usage(
            cmd, "takes no file; it prints to standard output: cril study init > study.yaml");
    corpora = installed_corpora();
    for (size_t i = 0; i < sizeof(template) / sizeof(*template); i++)
        print_template(template[i], corpora ? corpora : in_repository);
    free(corpora);
    return 0;
}

const struct cril_cmd cril_study_cmd_init = {
    .name = "study init",
    .summary = "Print a study file to begin with.",
    .usage = "study init > study.yaml",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
