/* cril study import: figures measured elsewhere into a study's database. */
#include "args.h"
#include "output.h"
#include "reads.h"
#include "cmd_study.h"
#include "studying.h"

#include <cril/harness.h>
#include <cril/store.h>
#include <cril/study.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *bpc, *scores, *source, *harness, *model;
    bool quiet;
    const char **results; /* [n_results] files of the harness */
    size_t n_results;
};

#define AT(field) offsetof(struct settings, field)
#define TEXT .kind = CRIL_OPTION_TEXT

static const struct cril_option options[] = {
    {.group = "Files",
     .name = "bpc",
     TEXT,
     .value = "FILE",
     .offset = AT(bpc),
     .help = "CSV with columns model, corpus, bpc; perhaps se, source"},
    {.name = "scores",
     TEXT,
     .value = "FILE",
     .offset = AT(scores),
     .help = "CSV with columns model, benchmark, score (percent); perhaps se, source, unit"},
    {.name = "source",
     TEXT,
     .value = "PREFIX",
     .offset = AT(source),
     .help = "only rows whose source begins with it; figures of several sources must not be mixed"},
    {.group = "Results of lm-evaluation-harness",
     .name = "harness",
     TEXT,
     .value = "FILE...",
     .offset = AT(harness),
     .help = "results_*.json of one model; the study maps benchmarks to task, metric and filter"},
    {.name = "model",
     TEXT,
     .value = "NAME",
     .offset = AT(model),
     .help = "the study's name for that model"},
    {.group = "Messages",
     .letter = 'q',
     .name = "quiet",
     .kind = CRIL_OPTION_FLAG,
     .offset = AT(quiet),
     .help = "errors only"},
    {.name = NULL},
};

static void more_help(void)
{
    fputs(
        "\nRows of models, corpora and benchmarks that the study does not name are left out and\n"
        "counted. A row without a source gets the file's name as its source. A figure that was "
        "imported\n"
        "before is replaced; a figure that 'cril study run' has measured takes precedence.\n"
        "Nothing is imported unless all files are right.\n"
        "\nScores are in percent unless a column unit says \"fraction\". Without that column, "
        "scores\n"
        "of a benchmark that are all at most 1 are refused, since they may be either.\n"
        "\nA benchmark of the study takes the score of a results file that its keys name, such as\n"
        "  - {name: GSM8K, group: math, task: gsm8k, metric: exact_match, filter: strict-match}\n"
        "Of several files one model's scores are put together; two different ones are refused.\n"
        "\nExamples:\n"
        "  cril study import study.yaml --harness results_*.json --model Llama-2-7b\n"
        "  cril study import study.yaml --bpc bpc.csv --scores scores.csv\n"
        "  cril study import study.yaml --scores all.csv --source \"arXiv:2404.09937v2 Table\"\n",
        stdout);
}

/* A file's rows, of which those stay that the study names. */
struct batch {
    const char *path;
    cril_figures figures;
    size_t n_left_out;
};

static bool names_model(const cril_study_info *s, const char *name)
{
    for (size_t i = 0; i < s->n_models; i++)
        if (strcmp(s->models[i].name, name) == 0)
            return true;
    return false;
}

static bool names_column(const cril_study_info *s, cril_figure_kind kind, const char *name)
{
    const size_t n = kind == CRIL_FIGURE_BPC ? s->n_corpora : s->n_benchmarks;

    for (size_t i = 0; i < n; i++)
        if (strcmp(kind == CRIL_FIGURE_BPC ? s->corpora[i].name : s->benchmarks[i].name, name) == 0)
            return true;
    return false;
}

/* A database holds no paths. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

static bool read_batch(const cril_study_info *s, const struct settings *set, cril_figure_kind kind,
                       struct batch *b)
{
    cril_error err;

    if (!b->path)
        return true;
    if (cril_figures_read(b->path, kind, set->source, &b->figures, &err) != CRIL_OK) {
        cril_print_error("%s", err.message);
        return false;
    }
    for (size_t i = 0; i < b->figures.n; i++) {
        cril_figure f = b->figures.rows[i];

        if (!*f.source)
            f.source = base_name(b->path);
        if (names_model(s, f.model) && names_column(s, kind, f.of))
            b->figures.rows[i - b->n_left_out] = f;
        else
            b->n_left_out++;
    }
    b->figures.n -= b->n_left_out;
    if (!b->figures.n)
        cril_print_error("%s: has no row of a model and %s that %s names", b->path,
                         kind == CRIL_FIGURE_BPC ? "corpus" : "benchmark", s->path);
    return b->figures.n > 0;
}

static bool put_batch(cril_store *store, cril_figure_kind kind, const struct batch *b, bool quiet)
{
    cril_error err;
    size_t changed;

    if (!b->path)
        return true;
    if (cril_store_import(store, kind, b->figures.rows, b->figures.n, &changed, &err) != CRIL_OK) {
        cril_print_error("%s: %s", b->path, err.message);
        return false;
    }
    if (quiet)
        return true;
    cril_print_escaped(stdout, b->path, strlen(b->path));
    printf(": %zu figure%s, %zu new or changed", b->figures.n, b->figures.n == 1 ? "" : "s",
           changed);
    if (b->n_left_out)
        printf("; %zu row%s left out, which the study does not name", b->n_left_out,
               b->n_left_out == 1 ? "" : "s");
    putchar('\n');
    return true;
}

/* ---- lm-evaluation-harness ---- */

static void list_models(const struct settings *set, const cril_harness *h)
{
    for (size_t i = 0; i < set->n_results; i++)
        printf("%s: taken as %s%s%s%s\n", set->results[i], set->model,
               *h->models[i] ? "; the file says \"" : "", h->models[i], *h->models[i] ? "\"" : "");
}

static void list_taken(const cril_harness *h)
{
    for (size_t i = 0; i < h->n; i++) {
        const cril_figure *f = &h->rows[i];

        printf("  %s: %.2f %%, ", f->of, 100 * f->value);
        if (isnan(f->se))
            fputs("standard error not known", stdout);
        else
            printf("standard error %.2f", 100 * f->se);
        printf("; %s\n", f->source);
    }
}

static void list_left_out(const cril_study_info *s, const cril_harness *h)
{
    if (h->n_left_out)
        printf("left out, as no benchmark of %s is mapped to %s (%zu):\n", s->path,
               h->n_left_out == 1 ? "it" : "them", h->n_left_out);
    for (size_t i = 0; i < h->n_left_out; i++)
        printf("  %s, %s, %s\n", h->left_out[i].task, h->left_out[i].metric, h->left_out[i].filter);
}

static bool is_taken(const cril_harness *h, const char *benchmark)
{
    size_t i = 0;

    while (i < h->n && strcmp(h->rows[i].of, benchmark) != 0)
        i++;
    return i < h->n;
}

static void list_missing(const cril_study_info *s, const cril_harness *h)
{
    for (size_t i = 0; i < s->n_benchmarks; i++) {
        const cril_study_benchmark *b = &s->benchmarks[i];

        if (b->metric && !is_taken(h, b->name))
            printf("missing: %s (%s, %s, %s)\n", b->name, b->task, b->metric, b->filter);
    }
}

static bool put_harness(const cril_study_info *s, cril_store *store, const struct settings *set,
                        const cril_harness *h)
{
    cril_error err;
    size_t changed;

    if (!h->n)
        return true;
    if (cril_store_import(store, CRIL_FIGURE_SCORE, h->rows, h->n, &changed, &err) != CRIL_OK) {
        cril_print_error("%s: %s", set->harness, err.message);
        return false;
    }
    if (set->quiet)
        return true;
    list_models(set, h);
    printf("%zu score%s taken, %zu new or changed:\n", h->n, h->n == 1 ? "" : "s", changed);
    list_taken(h);
    list_left_out(s, h);
    list_missing(s, h);
    return true;
}

/* ---- All ---- */

static bool read_harness(const cril_study_info *s, const struct settings *set, cril_harness *h)
{
    cril_error err;

    if (!set->n_results ||
        cril_harness_read(set->results, set->n_results, s, set->model, h, &err) == CRIL_OK)
        return true;
    cril_print_error("%s", err.message);
    return false;
}

static int import_all(const cril_study_info *s, const struct settings *set)
{
    struct batch bpc = {.path = set->bpc}, scores = {.path = set->scores};
    cril_harness harness = {0};
    cril_store *store = NULL;
    cril_error err;
    int code = 1;

    cril_reads_study(s, false);
    if (set->bpc)
        cril_reads_file("a file of figures", set->bpc);
    if (set->scores)
        cril_reads_file("a file of figures", set->scores);
    if (read_batch(s, set, CRIL_FIGURE_BPC, &bpc) &&
        read_batch(s, set, CRIL_FIGURE_SCORE, &scores) && read_harness(s, set, &harness)) {
        if (cril_reads_check_database(s->database, &err) != CRIL_OK ||
            cril_store_open(s->database, NULL, &store, &err) != CRIL_OK)
            cril_print_error("%s", err.message);
        else if (put_batch(store, CRIL_FIGURE_BPC, &bpc, set->quiet) &&
                 put_batch(store, CRIL_FIGURE_SCORE, &scores, set->quiet) &&
                 put_harness(s, store, set, &harness))
            code = 0;
    }
    cril_store_close(store);
    cril_figures_free(&bpc.figures);
    cril_figures_free(&scores.figures);
    cril_harness_free(&harness);
    return code;
}

/* ---- The line ---- */

static bool is_json(const char *path)
{
    const size_t len = strlen(path);

    return len > 5 && strcmp(path + len - 5, ".json") == 0;
}

/*
 * "--harness results_*.json" is a file and operands when the shell has written it out: of several
 * operands those that end in .json are results, the other one is the study. set->results has room.
 */
static const char *sort_operands(struct settings *set, int argc, char **argv)
{
    const char *study = NULL;

    if (set->harness)
        set->results[set->n_results++] = set->harness;
    for (int i = 0; i < argc; i++)
        if (set->harness && argc > 1 && is_json(argv[i]))
            set->results[set->n_results++] = argv[i];
        else if (study)
            return NULL;
        else
            study = argv[i];
    return study;
}

static int check_line(const struct cril_cmd *cmd, const struct settings *set, const char *study,
                      int argc)
{
    if (!study)
        return cril_args_usage(cmd, argc ? "takes one study file" : "no study file given");
    if (!set->bpc && !set->scores && !set->harness)
        return cril_args_usage(
            cmd,
            "nothing to import; give --bpc FILE, --scores FILE or --harness FILE --model NAME");
    if (set->harness && !set->model)
        return cril_args_usage(cmd, "--harness needs --model NAME, the study's name for the model");
    if (set->model && !set->harness)
        return cril_args_usage(cmd, "--model belongs to --harness; CSV files have a column model");
    if (set->source && !set->bpc && !set->scores)
        return cril_args_usage(cmd, "--source chooses rows of CSV files, but none is given");
    return CRIL_ARGS_GO_ON;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    const char *path;
    cril_study *study;
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!(set.results = calloc((size_t)argc + 1, sizeof(*set.results)))) {
        cril_print_error("out of memory");
        return 1;
    }
    path = sort_operands(&set, argc, argv);
    if ((code = check_line(cmd, &set, path, argc)) == CRIL_ARGS_GO_ON) {
        code = 1;
        if ((study = cril_studying_load(path))) {
            code = import_all(cril_study_info_of(study), &set);
            cril_study_close(study);
        }
    }
    free((void *)set.results);
    return code;
}

const struct cril_cmd cril_study_cmd_import = {
    .name = "study import",
    .summary = "Import figures measured elsewhere, each with its source.",
    .usage = "study import [options] STUDY.yaml",
    .run = run,
    .options = options,
    .more_help = more_help,
};
