/* cril corpus mix: whole documents of several corpora, equal characters of each. */
#include "cmd_corpus.h"
#include "gathering.h"
#include "output.h"
#include "reads.h"
#include "studying.h"

#include <cril/sample.h>
#include <stdio.h>
#include <stdlib.h>

struct settings {
    struct cril_gathering_args shared; /* the first: rows of gathering.h count from it */
    const char *exclude_items, *data;
    uint64_t characters, seed;
};

#define AT(field) offsetof(struct settings, field)

static const struct cril_option options[] = {
    {.group = "Documents",
     .name = "characters",
     .kind = CRIL_OPTION_COUNT,
     .value = "N",
     .offset = AT(characters),
     .min = 1,
     .max = INT64_MAX,
     .help = "of the mix, such as 2M for 2,000,000; each input gives as many; required"},
    {.name = "seed",
     .kind = CRIL_OPTION_NUMBER,
     .value = "N",
     .offset = AT(seed),
     .max = INT64_MAX,
     .help = "of the order in which documents are taken (default: 0)"},
    {.name = "exclude-items",
     .kind = CRIL_OPTION_TEXT,
     .value = "TASKS",
     .offset = AT(exclude_items),
     .help = "leave out documents that contain an item of these tasks, separated by commas"},
    {.name = "data",
     .kind = CRIL_OPTION_TEXT,
     .value = "DIR",
     .offset = AT(data),
     .help = "folder of the tasks' data as they are published"},
    CRIL_GATHERING_OUTPUT_ROWS,
    {.name = NULL},
};

static void more_help(void)
{
    fputs("\nAn input is a corpus that cril made, or JSON Lines with the texts in \"content\". Of "
          "each, documents are taken in\nthe order of a hash of their text and the seed, until its "
          "share is reached: the same ones wherever it is done.\nA text that occurs several times "
          "is taken once. The cards of the inputs stand in the card of the mix.\n"
          "\nExamples:\n"
          "  cril corpus mix web.jsonl.zst python.jsonl.zst --characters 2M --seed 1 -o "
          "sample.jsonl.zst\n"
          "  cril corpus mix web.jsonl.zst --characters 500K --exclude-items mmlu,gsm8k --data "
          "benchmarks -o clean.jsonl.zst\n",
          stdout);
}

struct mixing {
    const struct settings *set;
    cril_sample_input *inputs; /* [n] */
    char **cards;              /* [n] */
    size_t n;
    char **tasks; /* [n_tasks] */
    size_t n_tasks;
};

static cril_status mix(void *user, const cril_gather_options *o, const cril_gather_sink *sink,
                       char **card, cril_error *err)
{
    const struct mixing *m = user;
    const cril_mix_options wanted = {.inputs = m->inputs,
                                     .n_inputs = m->n,
                                     .characters = m->set->characters,
                                     .seed = m->set->seed,
                                     .exclude_items = (const char *const *)m->tasks,
                                     .n_exclude_items = m->n_tasks,
                                     .data = m->set->data,
                                     .progress = o->progress,
                                     .user = o->user};

    return cril_mix(&wanted, sink, card, err);
}

static bool read_inputs(struct mixing *m, size_t n, char **paths)
{
    m->inputs = calloc(n, sizeof(*m->inputs));
    m->cards = calloc(n, sizeof(*m->cards));
    if (!m->inputs || !m->cards)
        return !cril_print_error("out of memory");
    for (; m->n < n; m->n++) {
        cril_reads_file("an input", paths[m->n]);
        if (!cril_gathering_card_if_any(paths[m->n], &m->cards[m->n]))
            return false;
        m->inputs[m->n] = (cril_sample_input){paths[m->n], m->cards[m->n]};
    }
    return cril_split_words(m->set->exclude_items, &m->tasks, &m->n_tasks);
}

static void release(struct mixing *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->cards[i]);
    if (m->tasks)
        free(m->tasks[0]);
    free(m->tasks);
    free(m->cards);
    free(m->inputs);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    struct mixing m = {.set = &set};
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!argc)
        return cril_args_usage(cmd, "no input given");
    if (!set.characters)
        return cril_args_usage(cmd, "no size given, such as --characters 2M");
    if (!set.exclude_items != !set.data)
        return cril_args_usage(cmd, "--exclude-items and --data go together: tasks, and the folder "
                                    "of their data ('cril eval --list' says where they are "
                                    "published)");
    code = read_inputs(&m, (size_t)argc, argv)
               ? cril_gathering_write(cmd, &set.shared, &(cril_gather_options){0}, mix, &m)
               : 1;
    release(&m);
    return code;
}

const struct cril_cmd cril_corpus_cmd_mix = {
    .name = "corpus mix",
    .summary = "Take whole documents of several corpora, equal characters of each.",
    .usage = "corpus mix -o CORPUS --characters N [options] INPUT...",
    .run = run,
    .options = options,
    .more_help = more_help,
};
