/* cril corpus quality: documents by the bits that a model needs for them. */
#include "cmd_corpus.h"
#include "gathering.h"
#include "hub.h"
#include "output.h"
#include "reads.h"
#include "studying.h"
#include "warnings.h"

#include <cril/sample.h>
#include <stdio.h>
#include <stdlib.h>

struct settings {
    struct cril_gathering_args shared; /* the first: rows of gathering.h count from it */
    const char *model, *keep;
    uint64_t context, stride;
    bool fetch;
};

#define AT(field) offsetof(struct settings, field)

static const struct cril_option options[] = {
    {.group = "Model",
     .letter = 'm',
     .name = "model",
     .kind = CRIL_OPTION_TEXT,
     .value = "FILE",
     .offset = AT(model),
     .help = "GGUF file or model's folder; required"},
    CRIL_FETCH_ROW(.offset = AT(fetch)),
    CRIL_THREADS_ROW(.offset = AT(shared.threads),
                     .help = "threads (default: one a core); changes no figure"),
    CRIL_MEMORY_ROW(.offset = AT(shared.memory),
                    .help = "hold at most this much; changes no figure"),
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
    {.group = "Documents",
     .name = "keep",
     .kind = CRIL_OPTION_TEXT,
     .value = "BUCKETS",
     .offset = AT(keep),
     .help = "head, middle, tail, separated by commas (default: all, each named in its documents)"},
    CRIL_GATHERING_OUTPUT_ROWS,
    {.name = NULL},
};

static void more_help(void)
{
    fputs("\nA document gets \"bits_per_character\", by the protocol document, and \"quality\": of "
          "three buckets of equal numbers\nof documents the head is what the model predicts best. "
          "That is CCNet's rule, with bits instead of perplexity.\n"
          "\nExamples:\n"
          "  cril corpus quality -m small.gguf web.jsonl.zst -o web-quality.jsonl.zst\n"
          "  cril corpus quality -m small.gguf web.jsonl.zst --keep head,middle -o "
          "good.jsonl.zst\n",
          stdout);
}

struct grading {
    const struct settings *set;
    cril_model *model;
    cril_scorer *scorer;
    cril_quality_options options;
    char **keep; /* [options.n_keep] */
    const cril_gather_options *shown;
};

static int on_progress(void *user, const cril_score_progress *p)
{
    const struct grading *g = user;
    const cril_gather_progress shown = {
        .phase = "scoring", .input = g->options.input.path, .fraction = p->fraction};

    return g->shown->progress(g->shown->user, &shown);
}

static cril_status grade(void *user, const cril_gather_options *o, const cril_gather_sink *sink,
                         char **card, cril_error *err)
{
    struct grading *g = user;

    g->shown = o;
    g->options.progress = on_progress;
    g->options.user = g;
    return cril_quality(g->scorer, &g->options, sink, card, err);
}

static bool open_model(struct grading *g)
{
    const struct settings *set = g->set;
    const cril_score_options wanted = {.context = (size_t)set->context,
                                       .stride = (size_t)set->stride,
                                       .threads = (unsigned)set->shared.threads,
                                       .memory_bytes = (size_t)set->shared.memory};
    cril_error err;

    if (cril_model_open(set->model, &g->model, &err) != CRIL_OK ||
        cril_scorer_create(g->model, &wanted, &g->scorer, &err) != CRIL_OK)
        return !cril_print_error("%s", err.message);
    if (!set->shared.quiet) {
        cril_print_warnings(g->model);
        cril_print_context_warning(g->model, cril_scorer_context(g->scorer));
    }
    return true;
}

static int run_with(const struct cril_cmd *cmd, const struct settings *set, const char *corpus)
{
    struct grading g = {.set = set, .options.input.path = corpus};
    char *card = NULL;
    int code = 1;

    cril_reads_model("the model", set->model);
    cril_reads_file("the corpus", corpus);
    if (cril_gathering_card_if_any(corpus, &card) &&
        cril_split_words(set->keep, &g.keep, &g.options.n_keep) && open_model(&g)) {
        g.options.input.card = card;
        g.options.keep = (const char *const *)g.keep;
        code = cril_gathering_write(cmd, &set->shared, &(cril_gather_options){0}, grade, &g);
    }
    cril_scorer_free(g.scorer);
    cril_model_close(g.model);
    if (g.keep)
        free(g.keep[0]);
    free(g.keep);
    free(card);
    return code;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code == CRIL_ARGS_GO_ON && !set.model)
        code = cril_args_no_model(cmd, argc, argv);
    if (code == CRIL_ARGS_GO_ON && argc != 1)
        code = cril_args_usage(cmd, "needs one corpus");
    if (code == CRIL_ARGS_GO_ON)
        code = cril_locate_model(&set.model, set.fetch, set.shared.quiet);
    if (code == CRIL_ARGS_GO_ON)
        code = run_with(cmd, &set, argv[0]);
    return code;
}

const struct cril_cmd cril_corpus_cmd_quality = {
    .name = "corpus quality",
    .summary = "Put documents into three buckets by the bits that a model needs for them.",
    .usage = "corpus quality -m MODEL -o CORPUS [options] INPUT",
    .run = run,
    .options = options,
    .more_help = more_help,
};
