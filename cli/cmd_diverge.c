/*
 * cril diverge: how far models are from a first one on corpora.
 *
 * As cril score: all that can be refused is refused before the long work, and a file, and JSON in
 * either place, is written only when all corpora have been scored.
 */
#include "args.h"
#include "corpora.h"
#include "diverging.h"
#include "hub.h"
#include "models.h"
#include "naming.h"
#include "output.h"
#include "progress.h"
#include "reads.h"
#include "warnings.h"

#include <cril/report.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TOP = 5 };

struct settings {
    struct cril_args_list models;
    cril_corpus_options corpus;
    const char *protocol, *output;
    uint64_t threads, memory, window, stride, batch, level, resamples, seed, top;
    bool fetch, json, force, quiet, verbose;
};

#define AT(field) offsetof(struct settings, field)
#define FLAG .kind = CRIL_OPTION_FLAG

static const struct cril_option options[] = {
    {.group = "Models",
     .letter = 'm',
     .name = "model",
     .kind = CRIL_OPTION_LIST,
     .value = "FILE",
     .offset = AT(models),
     .help = "GGUF file or model's folder; the first one is the base; twice or more"},
    CRIL_FETCH_ROW(.offset = AT(fetch)),
    CRIL_THREADS_ROW(.offset = AT(threads),
                     .help = "threads (default: one a core); changes no figure"),
    CRIL_MEMORY_ROW(.offset = AT(memory),
                    .help = "hold at most this much of all models; changes no figure"),
    CRIL_BATCH_ROW(.offset = AT(batch), .help = "tokens that go through a layer together; fewer "
                                                "need less memory, change no figure"),

    {.group = "What is compared",
     .name = "protocol",
     .kind = CRIL_OPTION_TEXT,
     .value = "NAME",
     .offset = AT(protocol),
     .choice = cril_protocol_name,
     .help = "rule for windows and scored tokens (default: document)"},
    {.name = "window",
     .kind = CRIL_OPTION_TOKENS,
     .value = "N",
     .offset = AT(window),
     .min = 1,
     .max = INT32_MAX,
     .help = "tokens of a window, also as 32k (default: the protocol's)"},
    {.name = "stride",
     .kind = CRIL_OPTION_TOKENS,
     .value = "N",
     .offset = AT(stride),
     .min = 1,
     .max = INT32_MAX,
     .help = "tokens by which windows move (default: the protocol's)"},

    CRIL_CORPUS_ROWS,

    CRIL_INTERVAL_ROWS("Intervals", "the documents"),

    {.group = "Output",
     .name = "top",
     .kind = CRIL_OPTION_NUMBER,
     .value = "N",
     .offset = AT(top),
     .min = 0,
     .max = CRIL_DIVERGE_WORST,
     .help = "list the N tokens that differ most from the base (default: 5)"},
    {.name = "json", FLAG, .offset = AT(json), .help = "JSON instead of tables"},
    {.letter = 'o',
     .name = "output",
     .kind = CRIL_OPTION_TEXT,
     .value = "FILE",
     .offset = AT(output),
     .help = "write the result to FILE (default: standard output)"},
    {.letter = 'f',
     .name = "force",
     FLAG,
     .offset = AT(force),
     .help = "overwrite a file that exists"},
    {.letter = 'q',
     .name = "quiet",
     FLAG,
     .offset = AT(quiet),
     .help = "no progress, no notes, no warnings"},
    {.letter = 'v',
     .name = "verbose",
     FLAG,
     .offset = AT(verbose),
     .help = "all statistics of each model, where there are more than two"},
    {.name = NULL},
};

static void print_more_help(void)
{
    fputs("\nAll models go through the same windows together: no file of logits is written, and no "
          "probability\n"
          "is rounded. They need the same tokens. Statistics have the labels of llama-perplexity "
          "--kl-divergence;\n"
          "its figures are those of the protocol halves. KLD: Kullback-Leibler divergence from the "
          "base's\n"
          "distribution, nats a token. \u0394p: probability of the text's token, less the base's. "
          "Intervals resample\n"
          "documents.\n"
          "\nExamples:\n"
          "  cril diverge -m f16.gguf -m q4.gguf corpus.jsonl\n"
          "  cril diverge -m f16.gguf -m q8.gguf -m q6.gguf -m q4.gguf --json -o kl.json "
          "corpora/\n"
          "  cril diverge -m f16.gguf -m q4.gguf --protocol halves --window 32k book.txt\n",
          stdout);
}

struct run {
    const struct settings *set;
    cril_model **models; /* [n_models]; NULL: not open */
    cril_diverger *diverger;
    char *const *corpora; /* [n_corpora] */
    cril_result *bases;
    cril_divergence_figures *figures;
    char (*sha256)[65];
    size_t n_models, n_corpora, n_done;
    struct cril_output result;
    struct cril_progress progress;
};

/* ---- Before the work ---- */

static int check_usage(const struct cril_cmd *cmd, struct settings *s, int n, char **corpora)
{
    const char *out = s->output ? s->output : "-", *read_as;
    int code = CRIL_ARGS_GO_ON;

    if (!s->models.n)
        return cril_args_no_model(cmd, n, corpora);
    if (!n)
        return cril_args_usage(cmd, "no corpus given");
    if (s->window && s->stride > s->window)
        return cril_args_usage(cmd, "--stride %" PRIu64 " is larger than --window %" PRIu64,
                               s->stride, s->window);
    if (s->corpus.prompt_field)
        code = cril_corpora_check_prompts(cmd, s->protocol, &s->corpus);
    if (code == CRIL_ARGS_GO_ON)
        code = cril_models_locate(&s->models, s->fetch, s->quiet);
    if (code == CRIL_ARGS_GO_ON && s->models.n < 2)
        code = cril_args_usage(cmd, "one model is given; the base and another one are compared");
    if (code != CRIL_ARGS_GO_ON || (code = cril_corpora_note(cmd, n, corpora)) != CRIL_ARGS_GO_ON)
        return code;
    if ((read_as = cril_reads_as(out)) != NULL)
        return cril_args_usage(cmd, "%s is %s and cannot be an output",
                               strcmp(out, "-") == 0 ? "standard output" : out, read_as);
    return CRIL_ARGS_GO_ON;
}

/* Ids that not all models have a logit for are left out of all of them. */
static void note_ids(const struct run *r)
{
    const size_t ids = cril_diverge_ids(r->diverger);

    for (size_t i = 0; i < r->n_models; i++)
        if (cril_model_logits(r->models[i]) > ids)
            cril_print_note("%s: probabilities are those of the first %zu of %zu ids, which all "
                            "models have; the rest are no tokens",
                            r->set->models.data[i], ids, cril_model_logits(r->models[i]));
}

static bool open_models(struct run *r)
{
    const struct settings *s = r->set;
    const cril_score_options wanted = {.protocol = s->protocol,
                                       .context = (size_t)s->window,
                                       .stride = (size_t)s->stride,
                                       .threads = (unsigned)s->threads,
                                       .memory_bytes = (size_t)s->memory,
                                       .batch_tokens = (size_t)s->batch,
                                       .level = (double)s->level / 100,
                                       .resamples = (size_t)s->resamples,
                                       .seed = s->seed};
    cril_error err;
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < r->n_models && st == CRIL_OK; i++)
        st = cril_model_open(s->models.data[i], &r->models[i], &err);
    for (size_t i = 0; i < r->n_models && st == CRIL_OK && s->json; i++)
        st = cril_model_sha256(r->models[i], r->sha256[i], &err);
    if (st == CRIL_OK)
        st = cril_diverger_create(r->models, r->n_models, &wanted, &r->diverger, &err);
    if (st != CRIL_OK) {
        cril_print_error("%s", err.message);
        return false;
    }
    if (s->quiet)
        return true;
    for (size_t i = 0; i < r->n_models; i++) {
        cril_print_warnings(r->models[i]);
        cril_print_context_warning(r->models[i], cril_diverge_context(r->diverger));
    }
    note_ids(r);
    return true;
}

/* ---- The work ---- */

static int on_progress(void *user, const cril_score_progress *p)
{
    const struct cril_progress_state state = {.fraction = p->fraction,
                                              .seconds = p->seconds,
                                              .tokens = p->forward_tokens,
                                              .figure = "BPC of the base",
                                              .value = p->bpc};

    cril_progress_show(&((struct run *)user)->progress, &state);
    return cril_output_signal() != 0;
}

static bool compare_one(struct run *r, const char *name)
{
    const cril_score_callbacks callbacks = {.user = r, .on_progress = on_progress};
    cril_corpus_stats stats = {0};
    cril_corpus *corpus;
    cril_error err = {0};
    cril_status st;

    if (cril_corpus_open(name, &r->set->corpus, &corpus, &err) != CRIL_OK) {
        cril_corpus_explain(name, &stats, &err);
        return false;
    }
    r->progress.name = cril_base_name(cril_corpus_spoken(name));
    st = cril_diverge_corpus(r->diverger, corpus, name, &callbacks, &r->bases[r->n_done], &err);
    cril_corpus_stats_get(corpus, &stats);
    cril_corpus_close(corpus);
    cril_progress_clear(&r->progress);
    if (st != CRIL_OK) {
        cril_corpus_explain(name, &stats, &err);
        return false;
    }
    r->n_done++;
    if (!r->set->quiet)
        cril_corpus_note_dropped(name, &stats);
    return !cril_output_signal();
}

/* ---- The result ---- */

static bool take_figures(struct run *r)
{
    cril_divergence_figures *x = r->figures;
    cril_error err;

    for (size_t m = 1; m < r->n_models; m++)
        for (size_t c = 0; c <= r->n_corpora; c++, x++)
            if (cril_diverge_figures(r->diverger, m, c ? c - 1 : SIZE_MAX, x, &err) != CRIL_OK) {
                cril_print_error("%s: %s",
                                 c ? cril_corpus_spoken(r->corpora[c - 1]) : "the corpora",
                                 err.message);
                return false;
            }
    return true;
}

static bool write_result(struct run *r)
{
    const struct cril_diverging d = {.models = r->models,
                                     .sha256 = r->sha256,
                                     .n_models = r->n_models,
                                     .diverger = r->diverger,
                                     .bases = r->bases,
                                     .n_corpora = r->n_corpora,
                                     .figures = r->figures,
                                     .top = (size_t)r->set->top};
    FILE *f = r->result.file ? r->result.file : stdout;

    if (!take_figures(r))
        return false;
    errno = 0;
    if (!r->set->json)
        cril_diverging_print(f, &d, r->set->verbose);
    else if (cril_output_json(&r->result, cril_diverging_json(&d), JSON_INDENT(1)))
        return false;
    return cril_output_commit(&r->result);
}

static bool compare_all(struct run *r)
{
    const struct settings *s = r->set;

    if (!cril_corpora_check(&s->corpus, r->n_corpora, r->corpora))
        return false;
    if (s->output && strcmp(s->output, "-") != 0 &&
        !cril_output_open(&r->result, s->output, s->force))
        return false;
    if (!open_models(r))
        return false;
    for (size_t i = 0; i < r->n_corpora; i++)
        if (!compare_one(r, r->corpora[i]))
            return false;
    return write_result(r);
}

static void clean_up(struct run *r)
{
    if (r->result.file && !cril_output_good(&r->result))
        cril_output_commit(&r->result); /* reports the failure */
    cril_output_discard(&r->result);
    cril_diverger_free(r->diverger);
    for (size_t i = 0; r->models && i < r->n_models; i++)
        cril_model_close(r->models[i]);
    if (r->bases)
        cril_results_free(r->bases, r->n_corpora);
    free(r->models);
    free(r->figures);
    free(r->sha256);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {.top = DEFAULT_TOP};
    struct run r = {.set = &set};
    bool done = false;
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code == CRIL_ARGS_GO_ON)
        code = check_usage(cmd, &set, argc, argv);
    if (code != CRIL_ARGS_GO_ON) {
        free(set.models.data);
        return code;
    }
    r.corpora = argv;
    r.n_corpora = (size_t)argc;
    r.n_models = set.models.n;
    r.models = calloc(r.n_models, sizeof(*r.models));
    r.sha256 = calloc(r.n_models, sizeof(*r.sha256));
    r.bases = calloc(r.n_corpora, sizeof(*r.bases));
    r.figures = calloc((r.n_models - 1) * (1 + r.n_corpora), sizeof(*r.figures));
    cril_progress_init(&r.progress, set.quiet);
    cril_output_catch_signals();
    if (r.models && r.sha256 && r.bases && r.figures)
        done = compare_all(&r);
    else
        cril_print_error("out of memory");
    clean_up(&r);
    free(set.models.data);
    if (done)
        return 0;
    if (cril_output_signal()) {
        cril_print_note("stopped by a signal; nothing was written");
        return 128 + cril_output_signal();
    }
    return 1;
}

const struct cril_cmd cril_cmd_diverge = {
    .name = "diverge",
    .summary = "Measure how far models are from a first one: KL divergence, token by token.",
    .usage = "diverge -m BASE -m MODEL [-m MODEL ...] [options] CORPUS...",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
