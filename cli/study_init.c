/*
 * cril study init: a study file to begin with, which says what may stand in one, or the paper's
 * study on models of one's own. Its corpora are those that were installed with the command; for a
 * command that was not, those of the repository.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "args.h"
#include "cmd_study.h"
#include "output.h"

#include <cril/eval.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
    bool paper;
    const char *data;
    uint64_t limit;
};

#define AT(field) offsetof(struct settings, field)

static const struct cril_option options[] = {
    {.group = "Options",
     .name = "paper",
     .kind = CRIL_OPTION_FLAG,
     .offset = AT(paper),
     .help = "the study of Huang et al. 2024: its protocol, twelve benchmarks, your models"},
    {.name = "data",
     .kind = CRIL_OPTION_TEXT,
     .value = "DIR",
     .offset = AT(data),
     .help = "with --paper: where the benchmarks' data lie (default: benchmarks)"},
    {.name = "limit",
     .kind = CRIL_OPTION_NUMBER,
     .value = "N",
     .offset = AT(limit),
     .min = 1,
     .max = INT64_MAX,
     .help = "with --paper: run the first N items of each benchmark or subject"},
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

    "# Scores are imported, or measured where the benchmark's data are there. A benchmark's group "
    "is "
    "one of the corpora's.\n"
    "benchmarks:\n"
    "  - {group: knowledge, names: [NaturalQuestions, TriviaQA, ARC-Challenge, HellaSwag, MMLU]}\n"
    "  - {group: coding, names: [HumanEval, MBPP, DS-1000]}\n"
    "  - {group: math, names: [GSM8K, MATH, SAT-Math, MMLU-Math]}\n"
    "  #- {name: BBH}               # of no group: counts as a group of its own\n"
    "  #- {name: GSM8K-strict, group: math, task: gsm8k, metric: exact_match, filter: "
    "strict-match}\n"
    "  #                            # which score of lm-evaluation-harness it is: cril study "
    "import --harness\n"
    "  #- {name: Arithmetic, group: math, task: gsm8k, data: benchmarks, protocol: harness, limit: "
    "20}\n"
    "  #                            # measured by cril study run; cril eval --list says which "
    "tasks "
    "and data there are\n"
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

/* Huang, Zhang, Shan and He, "Compression Represents Intelligence Linearly" (COLM 2024). */
static const char *const paper_template[] = {
    "# The study of Huang et al., \"Compression Represents Intelligence Linearly\" (COLM 2024), on "
    "models of your own:\n"
    "# bits per character of three corpora, scores in twelve benchmarks, both measured by cril.\n"
    "#   cril study check study.yaml     checks everything before a run\n"
    "#   cril study run study.yaml       computes what is missing; a run that was stopped goes on\n"
    "#   cril report study.yaml          the page\n"
    "# What the paper measured itself is in examples/paper, in share/doc/cril.\n"
    "\n"
    "title: Compression and intelligence\n"
    "#python: /usr/bin/python3      # runs programs of coding benchmarks, in a sandbox; DS-1000 "
    "needs numpy, torch and others\n"
    "\n"
    "# As the paper's program: windows of 1900 tokens every 512. A text shorter than a window has "
    "no "
    "figure.\n"
    "protocols:\n"
    "  - hkust\n"
    "\n"
    "models:\n"
    "  - path: models/*.gguf        # a family and tags: as 'cril study init' shows\n"
    "\n"
    "# Texts that were published after a model was trained are the fairest. The paper's own are\n"
    "# huggingface.co/datasets/hkust-nlp/llm-compression.\n"
    "corpora:\n"
    "  - {path: data/corpora/encyclopedia.jsonl, group: knowledge}\n"
    "  - {path: data/corpora/python.jsonl, group: coding}\n"
    "  - {path: data/corpora/math.jsonl, group: math}\n"
    "\n",
};

/* How the templates name the corpora. */
static const char in_repository[] = "data/corpora";

/* Characters of a path that needs no quotes in YAML. */
static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+";

/* The installed corpora, CRIL_CORPORA from the command's own folder; owned. NULL: there are none,
 * or none whose path is plain in YAML. */
static char *installed_corpora(void)
{
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

static void print_all(const char *const *texts, size_t n, const char *corpora)
{
    for (size_t i = 0; i < n; i++)
        print_template(texts[i], corpora ? corpora : in_repository);
}

/* ---- The paper's study ---- */

/* The paper's names of groups. */
static const char *group_of(const cril_eval_task *t)
{
    return strcmp(t->group, "code") == 0          ? "coding"
           : strcmp(t->group, "mathematics") == 0 ? "math"
                                                  : t->group;
}

/* Whether its data are below the folder; they are read. */
static bool has_data(const cril_eval_task *t, const char *data)
{
    const cril_eval_settings settings = {.limit = 1};
    cril_eval *e;
    cril_error err;

    if (cril_eval_open_task(t->name, data, &settings, &e, &err) != CRIL_OK)
        return false;
    cril_eval_close(e);
    return true;
}

/* A path as a value of YAML's flow style. */
static void print_path(const char *path)
{
    json_t *text;
    char *quoted;

    if (!path[strspn(path, plain)]) {
        fputs(path, stdout);
        return;
    }
    text = cril_json_string(path);
    if ((quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL))
        fputs(quoted, stdout);
    free(quoted);
    json_decref(text);
}

static void print_benchmark(const struct settings *set, const cril_eval_task *t, bool there)
{
    printf("  %s- {name: %s, group: %s, task: %s, data: ", there ? "" : "#", t->title, group_of(t),
           t->name);
    print_path(set->data);
    fputs(", protocol: paper", stdout);
    if (set->limit)
        printf(", limit: %" PRIu64, set->limit);
    fputs("}\n", stdout);
}

/* Those without data are comments: a study file that names what is not there is refused. */
static void print_benchmarks(const struct settings *set)
{
    bool *there;
    cril_eval_task t;
    size_t n = 0, n_there = 0;

    while (cril_eval_task_at(n, &t))
        n++;
    if (!(there = calloc(n + 1, sizeof(*there))))
        return;
    for (size_t i = 0; i < n && cril_eval_task_at(i, &t); i++)
        n_there += there[i] = has_data(&t, set->data);
    if (n_there < n)
        puts("# What a '#' precedes lacks its data: 'cril eval --list' says where they are "
             "published.");
    puts(n_there ? "benchmarks:" : "#benchmarks:");
    for (size_t i = 0; i < n && cril_eval_task_at(i, &t); i++)
        print_benchmark(set, &t, there[i]);
    free(there);
}

static void print_more_help(void)
{
    fputs(
        "\nPrints a study file to begin with on standard output. It explains itself; study.md, in\n"
        "doc/ or share/doc/cril, has the format in full. In examples/ there, paper is a whole "
        "study.\n"
        "\n--paper prints the paper's study: models below models/, the corpora that came with "
        "cril,\n"
        "and the twelve benchmarks by the paper's protocol. A benchmark whose data are not in DIR "
        "is\n"
        "a comment; 'cril eval --list' says where its data are published.\n"
        "\nExamples:\n"
        "  cril study init > study.yaml\n"
        "  cril study init --paper --data ~/benchmarks > study.yaml\n",
        stdout);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {.paper = false};
    int code = cril_args_parse(cmd, &set, &argc, argv);
    char *corpora;

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (argc)
        return cril_args_usage(
            cmd, "takes no file; it prints to standard output: cril study init > study.yaml");
    if (!set.paper && (set.data || set.limit))
        return cril_args_usage(cmd, "--data and --limit go with --paper");
    corpora = installed_corpora();
    if (set.paper)
        print_all(paper_template, sizeof(paper_template) / sizeof(*paper_template), corpora);
    else
        print_all(template, sizeof(template) / sizeof(*template), corpora);
    free(corpora);
    if (!set.data)
        set.data = "benchmarks";
    if (set.paper)
        print_benchmarks(&set);
    return 0;
}

const struct cril_cmd cril_study_cmd_init = {
    .name = "study init",
    .summary = "Print a study file to begin with.",
    .usage = "study init [options] > study.yaml",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
