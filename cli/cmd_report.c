/*
 * cril report: a study as one HTML page, or one figure of it. All on it is read from the database
 * as it is now; nothing is computed but the lines.
 */
#include "args.h"
#include "convert.h"
#include "output.h"
#include "reads.h"
#include "studying.h"

#include <cril/html.h>
#include <cril/store.h>
#include <cril/study.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct settings {
    const char *output, *protocol, *date, *figure;
    uint64_t level, resamples, seed, width;
    bool force, list_figures;
};

#define AT(field) offsetof(struct settings, field)
#define COUNT .kind = CRIL_OPTION_NUMBER, .value = "N"

static const struct cril_option options[] = {
    {.group = "Options",
     .letter = 'o',
     .name = "output",
     .kind = CRIL_OPTION_TEXT,
     .value = "FILE",
     .offset = AT(output),
     .help = "write to FILE, not to standard output"},
    {.letter = 'f',
     .name = "force",
     .kind = CRIL_OPTION_FLAG,
     .offset = AT(force),
     .help = "overwrite FILE"},
    {.name = "figure",
     .kind = CRIL_OPTION_TEXT,
     .value = "NAME",
     .offset = AT(figure),
     .help = "one figure alone; by the ending of FILE: .svg, .pdf, .png, .csv (its numbers)"},
    {.name = "list-figures",
     .kind = CRIL_OPTION_FLAG,
     .offset = AT(list_figures),
     .help = "print the names of the figures that this study has"},
    {.name = "width",
     COUNT,
     .offset = AT(width),
     .min = CRIL_FIGURE_MIN_WIDTH,
     .max = CRIL_FIGURE_MAX_WIDTH,
     .help = "width of a figure in CSS pixels (default: 960)"},
    {.name = "protocol",
     .kind = CRIL_OPTION_TEXT,
     .value = "NAME",
     .offset = AT(protocol),
     .help = "of the study's protocols (default: its first)"},
    {.name = "level",
     COUNT,
     .offset = AT(level),
     .min = 1,
     .max = 99,
     .help = "level of all intervals but those of divergences, in percent (default: 95)"},
    {.name = "resamples",
     COUNT,
     .offset = AT(resamples),
     .min = 1,
     .max = 10000000,
     .help = "bootstrap resamples of models and families (default: 1000)"},
    {.name = "seed",
     COUNT,
     .offset = AT(seed),
     .min = 0,
     .max = INT64_MAX,
     .help = "seed of the bootstrap (default: 0)"},
    {.name = "date",
     .kind = CRIL_OPTION_TEXT,
     .value = "TEXT",
     .offset = AT(date),
     .help = "put under the title (default: no date, so that equal studies have equal pages)"},
    {.name = NULL},
};

static void print_more_help(void)
{
    fputs("\nThe page needs no network, no script and no other file. A figure that the database "
          "does\n"
          "not have is a dash. PDF and PNG files of a figure are made by rsvg-convert, if it is\n"
          "installed (Debian: librsvg2-bin).\n"
          "\nExamples:\n"
          "  cril report study.yaml -o report.html\n"
          "  cril report study.yaml --protocol hkust --date 2031-05-01 -o report.html\n"
          "  cril report study.yaml --list-figures\n"
          "  cril report study.yaml --figure line -o line.svg\n",
          stdout);
}

/* What the page holds, and what of it is owned. */
struct report {
    struct cril_studying s;
    cril_report_options options;
    cril_report_identity *models, *corpora; /* [n_models], [n_corpora] room */
    char (*hashes)[65];                     /* [n_models + n_corpora] */
    cril_report_baseline *baselines;
    cril_report_leak *leaks;
    cril_baseline **names; /* [n_corpora] each owned, NULL: none; baselines borrow from them */
};

static void release(struct report *r)
{
    for (size_t i = 0; r->names && i < r->s.info->n_corpora;
         i++) /* without a study there are none */
        free(r->names[i]);
    free((void *)r->names);
    free(r->baselines);
    free(r->leaks);
    free(r->models);
    free(r->corpora);
    free(r->hashes);
    cril_studying_close(&r->s);
}

static cril_status no_memory(cril_error *err)
{
    *err = (cril_error){.status = CRIL_ERR_NOMEM, .message = "out of memory"};
    return CRIL_ERR_NOMEM;
}

/* Borrows a copy of a hash. */
static const char *keep_hash(struct report *r, const char *hash)
{
    char *kept = r->hashes[r->options.n_identified_models + r->options.n_identified_corpora];

    memcpy(kept, hash, 65);
    return kept;
}

static void find_models(struct report *r)
{
    for (size_t i = 0; i < r->s.info->n_models; i++) {
        cril_store_model m;

        if (cril_current_model(r->s.current, i, &m)) {
            const cril_report_identity id = {.name = r->s.info->models[i].name,
                                             .sha256 = keep_hash(r, m.sha256),
                                             .bytes = m.bytes,
                                             .parameters = m.parameters};

            r->models[r->options.n_identified_models++] = id;
        }
    }
}

static cril_status add_baselines(struct report *r, size_t corpus, const cril_store_corpus *c,
                                 cril_error *err)
{
    cril_report_baseline *grown;
    size_t n = 0;
    cril_status st = cril_store_baselines(r->s.store, c->id, &r->names[corpus], &n, err);

    if (st != CRIL_OK || !n || !c->characters)
        return st;
    if (!(grown = realloc(r->baselines, (r->options.n_baselines + n) * sizeof(*grown))))
        return no_memory(err);
    r->baselines = grown;
    for (size_t k = 0; k < n; k++)
        r->baselines[r->options.n_baselines++] = (cril_report_baseline){
            .corpus = r->s.info->corpora[corpus].name,
            .name = r->names[corpus][k].name,
            .bits_per_character = 8 * (double)r->names[corpus][k].bytes / (double)c->characters};
    return CRIL_OK;
}

static cril_status find_corpora(struct report *r, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; st == CRIL_OK && i < r->s.info->n_corpora; i++) {
        cril_store_corpus c;

        if (!cril_current_corpus(r->s.current, i, &c))
            continue;
        r->corpora[r->options.n_identified_corpora] = (cril_report_identity){
            .name = r->s.info->corpora[i].name, .sha256 = keep_hash(r, c.sha256)};
        r->options.n_identified_corpora++;
        st = add_baselines(r, i, &c, err);
    }
    return st;
}

/* One row of the page, if both AUCs are known. */
static cril_status find_leak(struct report *r, size_t model, const char *benchmark,
                             const char *part, const char *sha256, cril_error *err)
{
    cril_store_leak score, blind;
    char name[1024];
    bool found;
    cril_status st;

    snprintf(name, sizeof(name), "%s %s", benchmark, part);
    st = cril_store_find_leak(r->s.store, name, sha256, "min_k_20", &score, &found, err);
    if (st == CRIL_OK && found)
        st = cril_store_find_leak(r->s.store, name, sha256, "blind", &blind, &found, err);
    if (st == CRIL_OK && found)
        r->leaks[r->options.n_leaks++] = (cril_report_leak){.model = model,
                                                            .benchmark = benchmark,
                                                            .part = part,
                                                            .n_set = score.n_set,
                                                            .n_control = score.n_control,
                                                            .auc = score.auc,
                                                            .low = score.low,
                                                            .high = score.high,
                                                            .blind = blind.auc,
                                                            .blind_low = blind.low,
                                                            .blind_high = blind.high};
    return st;
}

static cril_status find_leaks(struct report *r, cril_error *err)
{
    static const char *const parts[] = {"test", "train"};
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < r->s.info->n_leaks; i++)
        for (size_t m = 0; m < r->s.info->n_models; m++) {
            cril_store_model model;

            if (!cril_current_model(r->s.current, m, &model))
                continue;
            for (size_t k = 0; k < 2 && st == CRIL_OK; k++)
                st = find_leak(r, m, r->s.info->leaks[i].benchmark, parts[k], model.sha256, err);
        }
    return st;
}

static cril_status gather(struct report *r, cril_error *err)
{
    const size_t n_models = r->s.info->n_models, n_corpora = r->s.info->n_corpora;
    cril_status st;

    r->models = calloc(n_models + 1, sizeof(*r->models));
    r->corpora = calloc(n_corpora + 1, sizeof(*r->corpora));
    r->hashes = calloc(n_models + n_corpora + 1, sizeof(*r->hashes));
    r->names = calloc(n_corpora + 1, sizeof(*r->names));
    r->leaks = calloc(2 * n_models * r->s.info->n_leaks + 1, sizeof(*r->leaks));
    if (!r->models || !r->corpora || !r->hashes || !r->names || !r->leaks)
        return no_memory(err);
    r->options.protocol = r->s.protocol;
    find_models(r);
    st = find_corpora(r, err);
    return st == CRIL_OK ? find_leaks(r, err) : st;
}

static void note_written(const struct report *r, const struct settings *set)
{
    struct stat info;

    if (stat(set->output, &info) == 0 && S_ISREG(info.st_mode))
        cril_print_note("%s: the %s of %s, %jd bytes%s", set->output,
                        set->figure ? "figure" : "report", r->s.info->title, (intmax_t)info.st_size,
                        set->figure ? "" : "; open it in a browser");
}

/* What a figure's file is called at its end: "svg", "pdf", "png", "csv". NULL: something else. */
static const char *format_of(const char *output)
{
    static const char *const formats[] = {"svg", "pdf", "png", "csv"};
    const char *dot = output ? strrchr(output, '.') : NULL;

    if (!output || strcmp(output, "-") == 0)
        return formats[0];
    for (size_t i = 0; dot && i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(dot + 1, formats[i]) == 0)
            return formats[i];
    return NULL;
}

static cril_status write_figure(struct report *r, const struct settings *set, FILE *f,
                                cril_error *err)
{
    return cril_study_figure(f, r->s.info, &r->s.table, &r->options, set->figure,
                             (unsigned)set->width, err);
}

/* By way of a temporary file. *told: the reason was printed. */
static cril_status write_converted(struct report *r, const struct settings *set, const char *format,
                                   FILE *f, bool *told, cril_error *err)
{
    FILE *svg = cril_output_temporary();
    cril_status st = svg ? write_figure(r, set, svg, err) : CRIL_ERR_IO;

    *told = !svg;
    if (st == CRIL_OK && !cril_convert_svg(svg, format, f)) {
        *told = true;
        st = CRIL_ERR_IO;
    }
    if (svg)
        fclose(svg);
    return st;
}

static cril_status write_to(struct report *r, const struct settings *set, FILE *f, bool *told,
                            cril_error *err)
{
    const char *format = format_of(set->output);

    if (!set->figure)
        return cril_study_report(f, r->s.info, &r->s.table, &r->options, err);
    if (strcmp(format, "csv") == 0)
        return cril_study_figure_data(f, r->s.info, &r->s.table, &r->options, set->figure, err);
    if (strcmp(format, "svg") == 0)
        return write_figure(r, set, f, err);
    return write_converted(r, set, format, f, told, err);
}

/* Into FILE, which appears whole or not at all. */
static bool write_file(struct report *r, const struct settings *set)
{
    struct cril_output out = {0};
    bool told = false;
    cril_error err;

    if (!cril_output_open(&out, set->output ? set->output : "-", set->force))
        return false;
    errno = 0;
    if (write_to(r, set, out.file, &told, &err) == CRIL_OK) {
        if (!cril_output_commit(&out))
            return false;
        if (set->output)
            note_written(r, set);
        return true;
    }
    if (told) {
        cril_output_discard(&out);
        return false;
    }
    if (err.status == CRIL_ERR_IO && !set->output) {
        cril_stdout_failed(errno); /* main says so */
    } else if (err.status == CRIL_ERR_IO) {
        cril_output_failed(&out, errno);
        cril_print_error("%s: could not be written: %s; make room or choose another place",
                         set->output, strerror(out.failure));
    } else {
        cril_print_error("%s", err.message);
    }
    cril_output_discard(&out);
    return false;
}

static void print_figure(void *user, const char *name, const char *shows)
{
    (void)user;
    cril_print_escaped(stdout, name, strlen(name));
    printf("\t%s\n", shows);
}

static bool list_figures(const struct report *r)
{
    cril_error err;

    if (cril_study_figures(r->s.info, &r->s.table, &r->options, print_figure, NULL, &err) ==
        CRIL_OK)
        return true;
    cril_print_error("%s", err.message);
    return false;
}

static void set_options(struct report *r, const struct settings *set)
{
    r->options.line = (cril_study_line_options){
        .level = (double)set->level / 100, .resamples = (size_t)set->resamples, .seed = set->seed};
    r->options.models = r->models;
    r->options.corpora = r->corpora;
    r->options.baselines = r->baselines;
    r->options.leaks = r->leaks;
    r->options.date = set->date;
}

/* What excludes each other; 0, or the exit code. */
static int check(const struct cril_cmd *cmd, const struct settings *set)
{
    if (set->list_figures && (set->figure || set->output))
        return cril_args_usage(cmd, "--list-figures prints names and writes no file; take --figure "
                                    "and --output away");
    if (set->width && !set->figure)
        return cril_args_usage(cmd, "--width is that of a figure; add --figure");
    if (set->figure && set->date)
        return cril_args_usage(cmd, "--date stands on the page, not on a figure");
    if (set->figure && !format_of(set->output))
        return cril_args_usage(cmd, "%s: a figure's file ends in .svg, .pdf, .png or .csv",
                               set->output);
    return 0;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {.level = 95, .resamples = 1000};
    struct report r = {0};
    cril_error err;
    int code = cril_studying_args(cmd, &set, argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if ((code = check(cmd, &set)))
        return code;
    if (set.output && !cril_output_check(set.output, set.force))
        return 1;
    code = 1;
    if (cril_studying_open(&r.s, argv[0], set.protocol)) {
        cril_reads_study(r.s.info, true);
        if (gather(&r, &err) != CRIL_OK) {
            cril_print_error("%s", err.message);
        } else {
            set_options(&r, &set);
            code = !(set.list_figures ? list_figures(&r) : write_file(&r, &set));
        }
    }
    release(&r);
    return code;
}

const struct cril_cmd cril_cmd_report = {
    .name = "report",
    .summary = "Write a study as one HTML page, or one of its figures.",
    .usage = "report [options] STUDY.yaml",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
