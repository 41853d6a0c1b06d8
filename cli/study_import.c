/* cril study import: figures measured elsewhere into a study's database. */
#include "args.h"
#include "output.h"
#include "reads.h"
#include "cmd_study.h"
#include "studying.h"

#include <cril/store.h>
#include <cril/study.h>
#include <string.h>

struct settings {
    const char *bpc, *scores, *source;
    bool quiet;
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
     .help = "CSV with columns model, benchmark, score (percent); perhaps se, source"},
    {.name = "source",
     TEXT,
     .value = "PREFIX",
     .offset = AT(source),
     .help = "only rows whose source begins so; figures of several sources do not mix"},
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
        "counted. A row without a source gets the file's name for one. A figure that was imported\n"
        "before is replaced; one that 'cril study run' has measured counts before an imported "
        "one.\n"
        "Nothing is imported unless all files are right.\n"
        "\nExamples:\n"
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
        printf("; %zu row%s left out, of what the study does not name", b->n_left_out,
               b->n_left_out == 1 ? "" : "s");
    putchar('\n');
    return true;
}

static int import_all(const cril_study_info *s, const struct settings *set)
{
    struct batch bpc = {.path = set->bpc}, scores = {.path = set->scores};
    cril_store *store = NULL;
    cril_error err;
    int code = 1;

    cril_reads_study(s, false);
    if (set->bpc)
        cril_reads_file("a file of figures", set->bpc);
    if (set->scores)
        cril_reads_file("a file of figures", set->scores);
    if (read_batch(s, set, CRIL_FIGURE_BPC, &bpc) &&
        read_batch(s, set, CRIL_FIGURE_SCORE, &scores)) {
        if (cril_reads_check_database(s->database, &err) != CRIL_OK ||
            cril_store_open(s->database, NULL, &store, &err) != CRIL_OK)
            cril_print_error("%s", err.message);
        else if (put_batch(store, CRIL_FIGURE_BPC, &bpc, set->quiet) &&
                 put_batch(store, CRIL_FIGURE_SCORE, &scores, set->quiet))
            code = 0;
    }
    cril_store_close(store);
    cril_figures_free(&bpc.figures);
    cril_figures_free(&scores.figures);
    return code;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    cril_study *study;
    int code = cril_studying_args(cmd, &set, argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!set.bpc && !set.scores)
        return cril_args_usage(cmd, "nothing to import; give --bpc FILE or --scores FILE");
    if (!(study = cril_studying_load(argv[0])))
        return 1;
    code = import_all(cril_study_info_of(study), &set);
    cril_study_close(study);
    return code;
}

const struct cril_cmd cril_study_cmd_import = {
    .name = "study import",
    .summary = "Take in figures measured elsewhere, each with its source.",
    .usage = "study import [options] STUDY.yaml",
    .run = run,
    .options = options,
    .more_help = more_help,
};
