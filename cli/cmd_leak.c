/*
 * cril leak: whether texts were seen before, by a model (leak_scores.c), or as items of benchmarks
 * (leak_items.c).
 *
 * As cril score: all that can be refused is refused before the long work, and a file, and JSON in
 * either place, is written only when all is known.
 */
#include "corpora.h"
#include "hub.h"
#include "leaking.h"
#include "models.h"
#include "reads.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t default_top = 5, not_given = UINT64_MAX;

#define AT(field) offsetof(struct cril_leak_args, field)
#define FLAG .kind = CRIL_OPTION_FLAG
#define TEXT .kind = CRIL_OPTION_TEXT

static const char *name_of_times(size_t i)
{
    return i == 0 ? "month" : NULL;
}

static const struct cril_option options[] = {
    {.group = "Whether a model has seen the corpora",
     .letter = 'm',
     .name = "model",
     .kind = CRIL_OPTION_LIST,
     .value = "FILE",
     .offset = AT(models),
     .help = "GGUF file or model's folder"},
    {.name = "control",
     .kind = CRIL_OPTION_LIST,
     .value = "FILE",
     .offset = AT(controls),
     .help = "corpus of the same kind that the model cannot have seen; as often as wanted"},
    {.name = "reference",
     .kind = CRIL_OPTION_LIST,
     .value = "FILE",
     .offset = AT(references),
     .help = "another model, for the difference of losses; one more pass"},
    {.name = "lower-case",
     FLAG,
     .offset = AT(lower_case),
     .help = "the ratio to the text in lower case, too; one more pass"},
    {.name = "by",
     TEXT,
     .value = "month",
     .offset = AT(by),
     .choice = name_of_times,
     .help = "bits per character by the month of the documents' dates, and where they change"},
    {.name = "date-field",
     TEXT,
     .value = "NAME",
     .offset = AT(corpus.date_field),
     .help = "JSON key or CSV column of a document's date (default: date)"},
    {.name = "context",
     .kind = CRIL_OPTION_TOKENS,
     .value = "N",
     .offset = AT(context),
     .min = 1,
     .max = INT32_MAX,
     .help = "tokens of a window, also as 32k (default: 1900)"},
    {.name = "stride",
     .kind = CRIL_OPTION_TOKENS,
     .value = "N",
     .offset = AT(stride),
     .min = 1,
     .max = INT32_MAX,
     .help = "tokens by which windows move (default: 512)"},
    CRIL_FETCH_ROW(.offset = AT(fetch)),
    CRIL_THREADS_ROW(.offset = AT(threads),
                     .help = "threads (default: one a core); changes no figure"),
    CRIL_MEMORY_ROW(.offset = AT(memory), .help = "hold at most this much; changes no figure"),
    CRIL_BATCH_ROW(.offset = AT(batch), .help = "tokens that go through a layer together; fewer "
                                                "need less memory, change no figure"),

    {.group = "Benchmark items in the corpora",
     .name = "items",
     TEXT,
     .value = "TASKS",
     .offset = AT(items),
     .help = "instead: tasks, separated by commas; 'all' is each of 'cril eval --list'"},
    {.name = "data",
     TEXT,
     .value = "DIR",
     .offset = AT(data),
     .help = "folder of the tasks' data as they are published"},
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

    {.name = "top",
     .kind = CRIL_OPTION_NUMBER,
     .value = "N",
     .offset = AT(top),
     .max = UINT32_MAX,
     .help = "show the words of the first N items found (default: 5)"},

    CRIL_CORPUS_ROWS,

    CRIL_INTERVAL_ROWS("Intervals", "the documents"),

    {.group = "Output", .name = "json", FLAG, .offset = AT(json), .help = "JSON instead of tables"},
    {.name = "per-document",
     TEXT,
     .value = "FILE",
     .offset = AT(per_document),
     .help = "write the scores of each document to FILE, as CSV"},
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
        "\nScores of each document, all the larger the more it seems to have been seen: Min-K%, "
        "Min-K%++, loss, loss\n"
        "to zlib. With --control: how well they tell corpora and control apart, and how well a "
        "classifier does that\n"
        "sees no model. Where that one does, too, the scores show nothing.\n"
        "\nItems, by the rule of lm-evaluation-harness: one counts as contained where 13 words in "
        "a row of one of its\n"
        "texts are in a document; ASCII letters in lower case, ASCII punctuation deleted. Items "
        "with fewer words\n"
        "cannot be tested, and are counted.\n"
        "\nExamples:\n"
        "  cril leak -m model.gguf articles-2023.jsonl --control articles-2026.jsonl\n"
        "  cril leak -m large.gguf --reference small.gguf a.jsonl --control b.jsonl --json -o "
        "leak.json\n"
        "  cril leak --items mmlu,gsm8k --data benchmarks corpus.jsonl.zst\n"
        "  cril leak --items gsm8k --data benchmarks --fields question --json -o leak.json "
        "web/\n",
        stdout);
}

/* The first option that is given and belongs to the other question. */
static const char *find_stray(const struct cril_leak_args *s)
{
    if (s->models.n)
        return s->items              ? "--items"
               : s->data             ? "--data"
               : s->n                ? "-n"
               : s->fields           ? "--fields"
               : s->top != not_given ? "--top"
                                     : NULL;
    return s->controls.n     ? "--control"
           : s->references.n ? "--reference"
           : s->lower_case   ? "--lower-case"
           : s->by           ? "--by"
           : s->per_document ? "--per-document"
                             : NULL;
}

static int check_question(const struct cril_cmd *cmd, const struct cril_leak_args *s, int n)
{
    const char *stray = find_stray(s);

    if (stray && s->models.n)
        return cril_args_usage(cmd, "%s looks for items, -m asks a model; these are two runs",
                               stray);
    if (!s->models.n && (!s->items || !s->data))
        return cril_args_usage(cmd, "needs -m MODEL; or --items and --data, tasks and the folder "
                                    "of their data ('cril eval --list' says where they are "
                                    "published)");
    if (stray)
        return cril_args_usage(cmd, "%s needs a model, -m", stray);
    if (!n)
        return cril_args_usage(cmd, "no corpus given");
    if (s->corpus.prompt_field)
        return cril_args_usage(cmd, "--prompt-field is for scores; name the text by --field");
    if (s->context && s->stride > s->context)
        return cril_args_usage(cmd, "--stride %" PRIu64 " is larger than --context %" PRIu64,
                               s->stride, s->context);
    return CRIL_ARGS_GO_ON;
}

static int check_models(const struct cril_cmd *cmd, struct cril_leak_args *s)
{
    int code = cril_models_locate(&s->models, s->fetch, s->quiet);

    if (code == CRIL_ARGS_GO_ON)
        code = cril_models_locate(&s->references, s->fetch, s->quiet);
    if (code == CRIL_ARGS_GO_ON && (s->models.n > 1 || s->references.n > 1))
        code = cril_args_usage(cmd, "%zu models are given; %s is one",
                               s->models.n > 1 ? s->models.n : s->references.n,
                               s->models.n > 1 ? "the model that is asked" : "the reference");
    return code;
}

/* All corpora, those of the control behind the others. */
static int check_corpora(const struct cril_cmd *cmd, const struct cril_leak_run *r)
{
    const struct cril_leak_args *s = r->set;

    for (size_t i = r->n_corpora - s->controls.n; i < r->n_corpora; i++)
        for (size_t k = 0; k < i; k++)
            if (cril_same_file(r->corpora[i], r->corpora[k]))
                return cril_args_usage(cmd, "%s is given twice; a control is another text",
                                       cril_corpus_spoken(r->corpora[i]));
    for (size_t i = 0; i < r->n_corpora && (s->lower_case || s->references.n); i++)
        if (cril_corpus_opens_once(r->corpora[i]))
            return cril_args_usage(cmd, "%s can be read once, and %s needs it anew",
                                   cril_corpus_spoken(r->corpora[i]),
                                   s->lower_case ? "--lower-case" : "--reference");
    return cril_corpora_note(cmd, (int)r->n_corpora, r->corpora);
}

static int check_outputs(const struct cril_cmd *cmd, const struct cril_leak_args *s)
{
    const char *const outputs[] = {s->output ? s->output : "-", s->per_document};
    const char *read_as;

    for (size_t i = 0; i < 2; i++)
        if (outputs[i] && (read_as = cril_reads_as(outputs[i])) != NULL)
            return cril_args_usage(cmd, "%s is %s and cannot be an output",
                                   strcmp(outputs[i], "-") == 0 ? "standard output" : outputs[i],
                                   read_as);
    if (outputs[1] && cril_same_file(outputs[0], outputs[1]))
        return cril_args_usage(cmd, "%s cannot take two outputs, give each its own file",
                               strcmp(outputs[1], "-") == 0 ? "standard output" : outputs[1]);
    return CRIL_ARGS_GO_ON;
}

static int check_usage(const struct cril_cmd *cmd, struct cril_leak_args *s,
                       struct cril_leak_run *r, int n)
{
    int code = check_question(cmd, s, n);

    if (code == CRIL_ARGS_GO_ON)
        code = check_models(cmd, s);
    if (code == CRIL_ARGS_GO_ON)
        code = check_corpora(cmd, r);
    return code == CRIL_ARGS_GO_ON ? check_outputs(cmd, s) : code;
}

static bool look(struct cril_leak_run *r)
{
    const struct cril_leak_args *s = r->set;

    return cril_corpora_check(&s->corpus, r->n_corpora, r->corpora) &&
           (!s->output || strcmp(s->output, "-") == 0 ||
            cril_output_open(&r->result, s->output, s->force)) &&
           (!s->per_document || cril_output_open(&r->documents, s->per_document, s->force)) &&
           (s->models.n ? cril_leak_scores(r) : cril_leak_items(r)) &&
           cril_output_commit(&r->documents) && cril_output_commit(&r->result);
}

static void close_outputs(struct cril_leak_run *r)
{
    struct cril_output *const all[] = {&r->result, &r->documents};

    for (size_t i = 0; i < 2; i++) {
        if (all[i]->file && !cril_output_good(all[i]))
            cril_output_commit(all[i]); /* reports the failure */
        cril_output_discard(all[i]);
    }
}

/* The corpora and the control's, [n_corpora] of them, owned. NULL: out of memory, which was said.
 */
static const char **list_corpora(const struct cril_leak_args *s, int n, char **corpora)
{
    const char **all = calloc((size_t)n + s->controls.n + 1, sizeof(*all));

    for (int i = 0; all && i < n; i++)
        all[i] = corpora[i];
    for (size_t i = 0; all && i < s->controls.n; i++)
        all[(size_t)n + i] = s->controls.data[i];
    if (!all)
        cril_print_error("out of memory");
    return all;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct cril_leak_args set = {.top = not_given};
    struct cril_leak_run r = {.set = &set};
    bool done = false;
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code == CRIL_ARGS_GO_ON &&
        !(r.corpora = (char **)(uintptr_t)list_corpora(&set, argc, argv)))
        code = 1;
    if (code == CRIL_ARGS_GO_ON) {
        r.n_corpora = (size_t)argc + set.controls.n;
        code = check_usage(cmd, &set, &r, argc);
    }
    if (code == CRIL_ARGS_GO_ON) {
        if (set.top == not_given)
            set.top = default_top;
        cril_progress_init(&r.progress, set.quiet);
        cril_output_catch_signals();
        done = look(&r);
        close_outputs(&r);
        code = !done;
    }
    free(r.corpora);
    free(set.models.data);
    free(set.references.data);
    free(set.controls.data);
    if (!done && cril_output_signal()) {
        cril_print_note("stopped by a signal; nothing was written");
        return 128 + cril_output_signal();
    }
    return code;
}

const struct cril_cmd cril_cmd_leak = {
    .name = "leak",
    .summary = "Ask whether a model has seen texts, or find benchmark items in them.",
    .usage = "leak -m MODEL [--control FILE] [options] CORPUS...\n"
             "       cril leak --items TASKS --data DIR [options] CORPUS...",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
