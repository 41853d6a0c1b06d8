/* cril export: all numbers of a study, as CSV or JSON: a row for each model and corpus or
 * benchmark. */
#include "args.h"
#include "output.h"
#include "studying.h"

#include <cril/number.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *protocol;
    bool csv, csv_safe, json;
};

#define AT(field) offsetof(struct settings, field)
#define FLAG .kind = CRIL_OPTION_FLAG

static const struct cril_option options[] = {
    {.group = "Options",
     .name = "csv",
     FLAG,
     .offset = AT(csv),
     .help = "comma-separated values (default)"},
    {.name = "csv-safe",
     FLAG,
     .offset = AT(csv_safe),
     .help = "CSV, with an apostrophe before text that a spreadsheet would compute"},
    {.name = "json", FLAG, .offset = AT(json), .help = "JSON"},
    {.name = "protocol",
     .kind = CRIL_OPTION_TEXT,
     .value = "NAME",
     .offset = AT(protocol),
     .help = "whose measured figures count (default: the study's first)"},
    {.name = NULL},
};

static void more_help(void)
{
    fputs(
        "\nScores are percentages, as 'cril study import' reads them. Figures that are not known\n"
        "have no row. A figure that was measured before the study file, a model or a corpus\n"
        "changed has a row of origin \"out of date\", whose source says what changed. The source\n"
        "of a divergence (mean_kl, same_top, ln_ppl_ratio) is the model from which it is.\n"
        "\nExamples:\n"
        "  cril export study.yaml >figures.csv\n",
        stdout);
}

struct figure {
    const cril_study_model *model;
    const char *kind, *of, *group; /* kind: "bpc", "score", "mean_kl" .. */
    const cril_known *known;
    double unit;
    bool old; /* what was measured, and is out of date */
};

typedef bool (*print_figure)(void *user, const struct figure *f);

/* A figure, and what is out of date of it. False: print has failed. */
static bool print_known(struct figure f, print_figure print, void *user)
{
    if (f.known->origin != CRIL_ORIGIN_NONE && !print(user, &f))
        return false;
    f.old = f.known->out_of_date != NULL;
    return !f.old || print(user, &f);
}

/* How far a model is from its base, which is the figures' source. */
static bool print_divergence(const cril_study_model *m, const cril_study_corpus *c,
                             const cril_known_divergence *d, print_figure print, void *user)
{
    const struct {
        const char *kind;
        double value;
    } figures[] = {
        {"mean_kl", d->mean_kl}, {"same_top", d->same_top}, {"ln_ppl_ratio", d->ln_ppl_ratio}};
    bool good = true;

    for (size_t i = 0; d->tokens && i < sizeof(figures) / sizeof(*figures) && good; i++) {
        const cril_known known = {.value = figures[i].value,
                                  .se = NAN,
                                  .origin = CRIL_ORIGIN_MEASURED,
                                  .source = m->base};

        good =
            print(user, &(struct figure){m, figures[i].kind, c->name, c->group, &known, 1, false});
    }
    if (d->out_of_date && !isnan(d->was) && good) {
        const cril_known old = {.value = NAN, .out_of_date = d->out_of_date, .was = d->was};

        good = print(user, &(struct figure){m, "mean_kl", c->name, c->group, &old, 1, true});
    }
    return good;
}

/* Every known number, model by model. False: print has failed. */
static bool each_figure(const struct cril_studying *s, print_figure print, void *user)
{
    const cril_study_info *info = s->info;
    bool good = true;

    for (size_t m = 0; m < info->n_models; m++) {
        const cril_study_model *model = &info->models[m];

        for (size_t i = 0; i < info->n_corpora && good; i++) {
            const cril_study_corpus *c = &info->corpora[i];
            const size_t at = m * info->n_corpora + i;

            good = print_known((struct figure){model, "bpc", c->name, c->group, &s->table.bpc[at],
                                               1, false},
                               print, user) &&
                   print_divergence(model, c, &s->table.divergence[at], print, user);
        }
        for (size_t i = 0; i < info->n_benchmarks && good; i++) {
            const cril_study_benchmark *b = &info->benchmarks[i];

            good = print_known((struct figure){model, "score", b->name, b->group,
                                               &s->table.score[m * info->n_benchmarks + i], 100,
                                               false},
                               print, user);
        }
    }
    return good;
}

static const char *origin(const struct figure *f)
{
    if (f->old)
        return "out of date";
    return f->known->origin == CRIL_ORIGIN_MEASURED ? "measured" : "imported";
}

static double value_of(const struct figure *f)
{
    return f->old ? f->known->was : f->known->value;
}

static double error_of(const struct figure *f)
{
    return f->old ? NAN : f->known->se;
}

/* Of an old figure, why it is out of date. */
static const char *source_of(const struct figure *f)
{
    return f->old ? f->known->out_of_date : f->known->source;
}

/* What was measured to the last bit; what was imported as it was written, a percentage not as 100
 * times a share of 1. */
static double as_given(const struct figure *f, double value)
{
    const int digits = f->old || f->known->origin == CRIL_ORIGIN_MEASURED ? CRIL_NUMBER_EXACT : 15;
    char text[CRIL_NUMBER_SIZE];

    cril_number_read(cril_number_write(text, f->unit * value, digits), &value);
    return value;
}

static void print_number(const struct figure *f, double value)
{
    char text[CRIL_NUMBER_SIZE];

    fputs(cril_number_write(text, as_given(f, value), CRIL_NUMBER_EXACT), stdout);
}

static bool print_csv(void *user, const struct figure *f)
{
    const struct settings *set = user;
    char escapes[CRIL_NUMBER_SIZE];

    cril_print_csv(stdout, f->model->name, set->csv_safe);
    putchar(',');
    cril_print_csv(stdout, f->model->family, set->csv_safe);
    printf(",%s,", f->kind);
    cril_print_csv(stdout, f->of, set->csv_safe);
    putchar(',');
    cril_print_csv(stdout, f->group, set->csv_safe);
    putchar(',');
    print_number(f, value_of(f));
    putchar(',');
    if (!isnan(error_of(f)))
        print_number(f, error_of(f));
    printf(",%s,", origin(f));
    cril_print_csv(stdout, source_of(f), set->csv_safe);
    printf(",%" PRIu64 ",%" PRIu64 ",%s\n", f->known->unspelled_characters,
           f->known->unspelled_documents,
           cril_number_write(escapes, f->known->escapes, CRIL_NUMBER_EXACT));
    return true;
}

static bool add_json(void *user, const struct figure *f)
{
    json_t *list = user;

    return !json_array_append_new(
        list,
        json_pack("{s:o, s:o, s:s, s:o, s:o, s:f, s:o, s:s, s:o, s:I, s:I, s:f}", "model",
                  cril_json_string(f->model->name), "family", cril_json_string(f->model->family),
                  "kind", f->kind, "of", cril_json_string(f->of), "group",
                  cril_json_string(f->group), "value", as_given(f, value_of(f)), "se",
                  isnan(error_of(f)) ? json_null() : json_real(as_given(f, error_of(f))), "origin",
                  origin(f), "source", cril_json_string(source_of(f)), "unspelled_characters",
                  (json_int_t)f->known->unspelled_characters, "unspelled_documents",
                  (json_int_t)f->known->unspelled_documents, "escapes", f->known->escapes));
}

static int print_json(const struct cril_studying *s)
{
    json_t *list = json_array();
    char label[64];

    if (list && !each_figure(s, add_json, list)) {
        json_decref(list);
        list = NULL;
    }
    return cril_print_json(json_pack("{s:o, s:s, s:o}", "title", cril_json_string(s->info->title),
                                     "protocol", cril_protocol_label(s->info, s->protocol, label),
                                     "figures", list),
                           JSON_INDENT(1));
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    struct cril_studying s;
    int code = cril_studying_args(cmd, &set, argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if ((set.csv || set.csv_safe) && set.json)
        return cril_args_usage(cmd, "--csv and --json exclude each other");
    code = 1;
    if (cril_studying_open(&s, argv[0], set.protocol)) {
        code = 0;
        if (set.json) {
            code = print_json(&s);
        } else {
            puts("model,family,kind,of,group,value,se,origin,source,"
                 "unspelled_characters,unspelled_documents,escapes");
            each_figure(&s, print_csv, &set);
        }
    }
    cril_studying_close(&s);
    return code;
}

const struct cril_cmd cril_cmd_export = {
    .name = "export",
    .summary = "Write all figures of a study as CSV or JSON.",
    .usage = "export [options] STUDY.yaml",
    .run = run,
    .options = options,
    .more_help = more_help,
};
