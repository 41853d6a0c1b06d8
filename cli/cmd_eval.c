/*
 * cril eval: benchmarks and requests. This file has its options; evaluating.h says where the rest
 * is.
 */
#include "cmd.h"
#include "evaluating.h"
#include "hub.h"
#include "reads.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *draw_name(size_t i)
{
    static const char *const names[] = {"first", "seeded"};

    return i < sizeof(names) / sizeof(*names) ? names[i] : NULL;
}

#define AT(field) offsetof(struct cril_eval_args, field)
#define COUNT .kind = CRIL_OPTION_NUMBER, .value = "N"
#define FLAG .kind = CRIL_OPTION_FLAG
#define TEXT .kind = CRIL_OPTION_TEXT

static const struct cril_option options[] = {
    {.group = "Model",
     .letter = 'm',
     .name = "model",
     TEXT,
     .value = "FILE",
     .offset = AT(model),
     .help = "GGUF file (first part of a split one) or model's folder"},
    CRIL_FETCH_ROW(.offset = AT(fetch)),
    CRIL_THREADS_ROW(.offset = AT(threads),
                     .help = "threads (default: one a core); changes no figure"),
    CRIL_MEMORY_ROW(.offset = AT(memory),
                    .help = "hold at most this much, such as 8G; changes no figure"),
    CRIL_BATCH_ROW(.offset = AT(batch),
                   .help = "tokens that go through a layer together; changes no figure"),
    {.name = "streams",
     COUNT,
     .offset = AT(streams),
     .min = 1,
     .max = 4096,
     .help = "texts that are generated in step (default: 16); changes no figure"},

    {.group = "What is run",
     .name = "tasks",
     TEXT,
     .value = "NAMES",
     .offset = AT(tasks),
     .help = "tasks, separated by commas; 'all' is each of --list"},
    {.name = "data",
     TEXT,
     .value = "DIR",
     .offset = AT(data),
     .help = "folder of the tasks' data as they are published"},
    {.name = "requests",
     TEXT,
     .value = "FILE",
     .offset = AT(requests),
     .help = "requests of one's own, samples of lm-evaluation-harness, or olmo-eval's"},
    {.name = "task-file",
     TEXT,
     .value = "FILES",
     .offset = AT(task_file),
     .help = "tasks of one's own as YAML files, separated by commas"},
    {.name = "list",
     FLAG,
     .offset = AT(list),
     .help = "list tasks, protocols and the data that each needs, and end"},
    {.name = "grade",
     TEXT,
     .value = "TASK",
     .offset = AT(grade),
     .help = "no model: what the answer rules of TASK say of each line of a FILE"},

    {.group = "How",
     .name = "protocol",
     TEXT,
     .value = "NAME",
     .offset = AT(protocol),
     .help = "paper, harness, or another that --list names (default: paper)"},
    {.name = "shots",
     COUNT,
     .offset = AT(shots),
     .min = 0,
     .max = 100000,
     .help = "examples before each item (default: the protocol's)"},
    {.name = "draw",
     TEXT,
     .value = "NAME",
     .offset = AT(draw),
     .choice = draw_name,
     .help = "how examples are drawn: first or seeded (default: the protocol's)"},
    {.name = "window",
     COUNT,
     .offset = AT(window),
     .min = 2,
     .max = INT32_MAX,
     .help = "tokens of a prompt with its answer (default: the protocol's)"},
    {.name = "max-tokens",
     COUNT,
     .offset = AT(max_tokens),
     .min = 1,
     .max = INT32_MAX,
     .help = "tokens of a generated answer (default: the protocol's)"},
    {.name = "limit",
     COUNT,
     .offset = AT(limit),
     .min = 1,
     .max = INT64_MAX,
     .help = "run the first N items of each task, of each subject of MMLU (default: all)"},
    {.name = "no-bos",
     FLAG,
     .offset = AT(no_bos),
     .help = "no BOS before prompts, whatever the protocol says"},
    {.name = "special",
     FLAG,
     .offset = AT(special),
     .help = "names of control tokens in texts are these tokens (default: text)"},
    {.name = "python",
     TEXT,
     .value = "FILE",
     .offset = AT(python),
     .help = "Python for answers that are programs (default: python3)"},

    {.group = "Output",
     .name = "json",
     FLAG,
     .offset = AT(json),
     .help = "JSON instead of a table"},
    {.name = "items",
     TEXT,
     .value = "FILE",
     .offset = AT(items),
     .help = "also write one line of JSON an item"},
    {.letter = 'o',
     .name = "output",
     TEXT,
     .value = "DIR",
     .offset = AT(output),
     .help = "also write results_*.json and samples_*.jsonl as lm-evaluation-harness does"},
    {.name = "subjects", FLAG, .offset = AT(subjects), .help = "a row for each subject, too"},
    {.name = "dry-run",
     FLAG,
     .offset = AT(dry_run),
     .help = "run nothing: prompts and token ids for --items"},
    {.name = "no-resume",
     FLAG,
     .offset = AT(no_resume),
     .help = "start anew, without what a stopped run left"},
    {.name = "keep",
     FLAG,
     .offset = AT(keep),
     .help = "keep the journal of a finished run, so that the next one has its items"},
    {.letter = 'f',
     .name = "force",
     FLAG,
     .offset = AT(force),
     .help = "overwrite files that exist"},
    {.letter = 'q',
     .name = "quiet",
     FLAG,
     .offset = AT(quiet),
     .help = "no progress, no notes, no warnings"},
    {.letter = 'v',
     .name = "verbose",
     FLAG,
     .offset = AT(verbose),
     .help = "rows of subjects; hashes and times on standard error"},
    {.name = NULL},
};

static void more_help(void)
{
    fputs(
        "\nA run that is stopped or killed goes on when the same command is given again, also with "
        "another\n"
        "--limit. BPB: bits per byte of each item's gold answer.\n"
        "\nExamples:\n"
        "  cril eval --list\n"
        "  cril eval -m model.gguf --tasks arc_challenge,hellaswag --data benchmarks\n"
        "  cril eval -m model.gguf --tasks gsm8k --data benchmarks --protocol harness --limit 50 "
        "--items a.jsonl\n"
        "  cril eval -m model.gguf --requests samples_arc_challenge_2026-11-30T10-00-00.jsonl\n"
        "  cril eval --grade gsm8k answers.jsonl\n"
        "  cril compare a.items.jsonl b.items.jsonl\n",
        stdout);
}

/* What can only be said of a run of a model. */
static int check_run(const struct cril_cmd *cmd, struct cril_eval_args *s, int n, char **operands)
{
    int code;

    if (!s->model)
        return cril_args_no_model(cmd, n, operands);
    if (n)
        return cril_args_usage(cmd, "takes no operand, but got '%.80s'", operands[0]);
    if (!s->tasks && !s->requests && !s->task_file)
        return cril_args_usage(cmd, "nothing to run: name --tasks, --requests or --task-file");
    if (s->tasks && !s->data)
        return cril_args_usage(cmd, "--tasks need --data, the folder of their data ('cril eval "
                                    "--list' says where they are published)");
    if (s->data && !s->tasks && !s->task_file)
        return cril_args_usage(cmd, "--data is for --tasks and --task-file");
    if (s->dry_run && !s->items)
        return cril_args_usage(cmd, "--dry-run needs --items, a file for the prompts");
    if (s->dry_run && (s->output || s->json))
        return cril_args_usage(cmd, "--dry-run has no result to write but --items");
    if (!s->tasks && !s->task_file &&
        (s->protocol || s->draw || s->shots != CRIL_NO_SHOTS || s->max_tokens))
        return cril_args_usage(cmd,
                               "--protocol, --draw, --shots and --max-tokens are for --tasks; a "
                               "file of requests says what is asked");
    if ((code = cril_locate_model(&s->model, s->fetch, s->quiet)) != CRIL_ARGS_GO_ON)
        return code;
    cril_reads_model("the model", s->model);
    if (s->requests)
        cril_reads_file("the file of requests", s->requests);
    return CRIL_ARGS_GO_ON;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct cril_eval_args set = {.shots = CRIL_NO_SHOTS};
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (set.list)
        return argc ? cril_args_usage(cmd, "--list takes no operand") : cril_eval_list(set.json);
    if (set.grade) {
        if (argc != 1)
            return cril_args_usage(cmd, "--grade takes one file of answers, not %d", argc);
        return cril_eval_grade_file(&set, argv[0]);
    }
    if ((code = check_run(cmd, &set, argc, argv)) != CRIL_ARGS_GO_ON)
        return code;
    return cril_eval_run_all(&set);
}

const struct cril_cmd cril_cmd_eval = {
    .name = "eval",
    .summary = "Measure what a model gets right of benchmarks or of one's own requests.",
    .usage = "eval -m MODEL --tasks NAMES --data DIR [options]\n"
             "       cril eval -m MODEL --requests FILE [options]\n"
             "       cril eval --list\n"
             "       cril eval --grade TASK FILE",
    .run = run,
    .options = options,
    .more_help = more_help,
};
