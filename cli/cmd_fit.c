/*
 * cril fit: the line of scores on bits per character, from what a study knows.
 *
 * All lines of the study as one table; a single one (chosen by name, or by its axes) in full, with
 * what each model does to it.
 */
#include "args.h"
#include "output.h"
#include "studying.h"
#include "table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *fit, *x, *y, *models, *protocol;
    uint64_t level, resamples, seed, threshold;
    bool json;
};

#define AT(field) offsetof(struct settings, field)
#define COUNT .kind = CRIL_OPTION_NUMBER, .value = "N"
#define TEXT .kind = CRIL_OPTION_TEXT

static const struct cril_option options[] = {
    {.group = "Line",
     .name = "fit",
     TEXT,
     .value = "NAME",
     .offset = AT(fit),
     .help = "one of the study's lines, in full (default: all of them, a row each)"},
    {.name = "x",
     TEXT,
     .value = "AXIS",
     .offset = AT(x),
     .help = "bits per character: average, a corpus or a group (default: average)"},
    {.name = "y",
     TEXT,
     .value = "AXIS",
     .offset = AT(y),
     .help = "score: average, plain, a group or a benchmark (default: average)"},
    {.name = "models",
     TEXT,
     .value = "WORDS",
     .offset = AT(models),
     .help = "names, families, tags, with commas; '-' before one leaves out (default: all)"},
    {.name = "protocol",
     TEXT,
     .value = "NAME",
     .offset = AT(protocol),
     .help = "whose measured figures count (default: the study's first)"},

    {.group = "Uncertainty",
     .name = "level",
     COUNT,
     .offset = AT(level),
     .min = 1,
     .max = 99,
     .help = "level of intervals in percent (default: 95)"},
    {.name = "resamples",
     COUNT,
     .offset = AT(resamples),
     .min = 1,
     .max = 10000000,
     .help = "bootstrap resamples of models and of families (default: 1000)"},
    {.name = "seed",
     COUNT,
     .offset = AT(seed),
     .min = 0,
     .max = INT64_MAX,
     .help = "seed of the bootstrap (default: 0)"},
    {.name = "threshold",
     COUNT,
     .offset = AT(threshold),
     .min = 1,
     .max = 100,
     .help = "standard errors from which a model is off the line (default: 3)"},

    {.group = "Output",
     .name = "json",
     .kind = CRIL_OPTION_FLAG,
     .offset = AT(json),
     .help = "JSON instead of tables"},
    {.name = NULL},
};

static void more_help(void)
{
    fputs(
        "\nA model takes part where every figure that the line needs is known, measured by\n"
        "'cril study run' or imported. y 'average' is the mean of the groups' averages, as in the\n"
        "paper; 'plain' the mean of all benchmarks. fit.md, in doc/ or share/doc/cril, defines\n"
        "every figure.\n"
        "\nExamples:\n"
        "  cril fit study.yaml                                # all lines of the study\n"
        "  cril fit study.yaml --fit coding                   # one of them, model by model\n"
        "  cril fit study.yaml --x cc --y MMLU --models general,-Qwen\n",
        stdout);
}

static const char *const not_a_number = "-";

/* A number with its decimals, or "-". */
static const char *number(char out[32], int decimals, double value)
{
    if (!isfinite(value))
        return not_a_number;
    snprintf(out, 32, "%.*f", decimals, value);
    return out;
}

static const char *range(char out[64], int decimals, double low, double high)
{
    if (!isfinite(low) || !isfinite(high))
        return not_a_number;
    snprintf(out, 64, "%.*f .. %.*f", decimals, low, decimals, high);
    return out;
}

/* ---- all lines ---- */

struct run {
    struct settings set;
    struct cril_studying s;
    cril_study_line_options wanted;
};

static void print_off(const struct run *r, const cril_study_line *l)
{
    const char *between = "  ";

    for (size_t i = 0; i < l->models.n; i++) {
        if (!l->each[i].flagged)
            continue;
        fputs(between, stdout);
        cril_print_escaped(stdout, r->s.info->models[l->models.model[i]].name,
                           strlen(r->s.info->models[l->models.model[i]].name));
        printf(" %+.1f", l->each[i].external);
        between = ", ";
    }
    putchar('\n');
}

static void print_row(const struct run *r, const cril_study_fit *f, const cril_study_line *l,
                      int width)
{
    const cril_line *line = &l->line;
    char interval[64], out[32];

    cril_print_padded(stdout, f->name, width);
    printf(" %6zu %8.3f %18s %8.3f %9.3f %7.4f %9s", line->n, line->pearson,
           range(interval, 3, line->pearson_low, line->pearson_high), line->spearman,
           line->slope.value, line->rmse,
           number(out, 4, l->left_out.n_families_used ? l->left_out.rmse : NAN));
    print_off(r, l);
}

/* ---- one line in full ---- */

static void print_estimate(const char *what, const cril_estimate *e, const cril_range *models,
                           const cril_range *families)
{
    char a[64], b[64], c[64];

    printf("%-22s %9.4f %9.4f %20s %20s %20s\n", what, e->value, e->se,
           range(a, 4, e->low, e->high),
           models ? range(b, 4, models->low, models->high) : not_a_number,
           families ? range(c, 4, families->low, families->high) : not_a_number);
}

static void print_figures(const cril_study_line *l)
{
    const cril_line *line = &l->line;
    const bool families = l->over_families.n_units > 1;
    const cril_line_bootstrap *m = &l->over_models, *f = &l->over_families;
    char a[64], b[64], c[64];

    printf("\n%-22s %9s %9s %17.0f %% %20s %20s\n", "", "value", "error", 100 * line->level,
           "over models", "over families");
    print_estimate("slope", &line->slope, &m->slope, families ? &f->slope : NULL);
    print_estimate("intercept", &line->intercept, &m->intercept, families ? &f->intercept : NULL);
    printf("%-22s %9.4f %9s %20s %20s %20s\n", "Pearson r", line->pearson, "",
           range(a, 4, line->pearson_low, line->pearson_high),
           range(b, 4, m->pearson.low, m->pearson.high),
           families ? range(c, 4, f->pearson.low, f->pearson.high) : not_a_number);
    printf("%-22s %9.4f\n", "Spearman", line->spearman);
    printf("%-22s %9.4f %9s %20s %20s %20s\n", "RMSE", line->rmse, "", "",
           range(b, 4, m->rmse.low, m->rmse.high),
           families ? range(c, 4, f->rmse.low, f->rmse.high) : not_a_number);
    printf("%-22s %9.4f\n", "residual error", line->residual_se);
    if (l->left_out.n_families_used)
        printf("%-22s %9.4f   RMSE for the models of a family, fitted without it; %zu of %zu "
               "families\n",
               "unseen family", l->left_out.rmse, l->left_out.n_families_used,
               l->left_out.n_families);
    if (l->has_both) {
        print_estimate(l->is_york ? "slope, errors in both" : "orthogonal slope",
                       &l->errors_in_both.slope, NULL, NULL);
        print_estimate("  its intercept", &l->errors_in_both.intercept, NULL, NULL);
    }
}

static void print_models(const struct run *r, const cril_study_line *l)
{
    const cril_study_model *models = r->s.info->models;
    int width = cril_text_width("model"), family_width = cril_text_width("family");
    char a[32], b[32];

    for (size_t i = 0; i < l->models.n; i++) {
        const cril_study_model *m = &models[l->models.model[i]];

        cril_widen(&width, m->name);
        cril_widen(&family_width, m->family);
    }
    printf("\n%-*s  %-*s %8s %8s %8s %9s %9s %8s\n", width, "model", family_width, "family", "BPC",
           "score", "fitted", "residual", "in errors", "Cook");
    for (size_t i = 0; i < l->models.n; i++) {
        const cril_study_model *m = &models[l->models.model[i]];
        const cril_point_fit *e = &l->each[i];

        cril_print_padded(stdout, m->name, width);
        fputs("  ", stdout);
        cril_print_padded(stdout, m->family, family_width);
        printf(" %8.4f %8.4f %8.4f %+9.4f %9s %8s%s\n", l->models.x[i], l->models.y[i], e->fitted,
               e->residual, number(a, 2, e->external), number(b, 3, e->cook),
               e->flagged ? "  off the line" : "");
    }
}

static void print_lacking(const struct run *r, const cril_study_line *l)
{
    if (!l->models.n_lacking)
        return;
    printf("\nWithout all figures: ");
    for (size_t i = 0; i < l->models.n_lacking; i++) {
        const char *name = r->s.info->models[l->models.lacking[i]].name;

        fputs(i ? ", " : "", stdout);
        cril_print_escaped(stdout, name, strlen(name));
    }
    putchar('\n');
}

static void print_full(const struct run *r, const cril_study_fit *f, const cril_study_line *l)
{
    cril_print_escaped(stdout, f->name, strlen(f->name));
    fputs(": score (", stdout);
    cril_print_escaped(stdout, f->y, strlen(f->y));
    fputs(") on bits per character (", stdout);
    cril_print_escaped(stdout, f->x, strlen(f->x));
    printf("), %zu models, %zu famil%s\n", l->models.n, l->over_families.n_units,
           l->over_families.n_units == 1 ? "y" : "ies");
    print_figures(l);
    print_models(r, l);
    print_lacking(r, l);
}

/* ---- ---- */

/* A line, or why there is none. */
struct outcome {
    const cril_study_fit *fit;
    cril_study_line line;
    bool fitted;
    cril_error why;
};

/* Lines that too few models have all figures for are no reason to keep the others back. */
static bool fit_all(struct run *r, struct outcome *each, size_t n)
{
    size_t n_fitted = 0;

    for (size_t i = 0; i < n; i++) {
        cril_status st = cril_study_line_fit(r->s.info, &r->s.table, each[i].fit, &r->wanted,
                                             &each[i].line, &each[i].why);

        if (st != CRIL_OK && st != CRIL_ERR_RANGE) {
            cril_print_error("%s", each[i].why.message);
            return false;
        }
        each[i].fitted = st == CRIL_OK;
        n_fitted += each[i].fitted;
    }
    if (!n_fitted)
        cril_print_error("%s", each[0].why.message);
    return n_fitted > 0;
}

static void print_table(const struct run *r, const struct outcome *each, size_t n)
{
    int width = cril_text_width("line");
    double level = 0;

    for (size_t i = 0; i < n; i++) {
        cril_widen(&width, each[i].fit->name);
        level = each[i].fitted ? each[i].line.line.level : level;
    }
    printf("%-*s %6s %8s %16.0f %% %8s %9s %7s %9s  off the line\n", width, "line", "models",
           "Pearson", 100 * level, "Spearman", "slope", "RMSE", "unseen");
    for (size_t i = 0; i < n; i++) {
        if (each[i].fitted) {
            print_row(r, each[i].fit, &each[i].line, width);
        } else {
            cril_print_padded(stdout, each[i].fit->name, width);
            printf(" %6s\n", not_a_number);
        }
    }
    for (size_t i = 0; i < n; i++)
        if (!each[i].fitted)
            cril_print_note("%s", each[i].why.message);
}

static void note_three(const struct outcome *each, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (each[i].fitted && each[i].line.line.n == 3) {
            cril_print_note("a line through 3 models has 1 degree of freedom: it can show that "
                            "models are far from any line, not that they "
                            "lie on one; its interval says nothing");
            return;
        }
}

static json_t *outcome_json(const struct run *r, const struct outcome *x)
{
    if (x->fitted)
        return cril_line_json(r->s.info, x->fit, &x->line);
    return json_pack("{s:o, s:o, s:o, s:o}", "line", cril_json_string(x->fit->name), "x",
                     cril_json_string(x->fit->x), "y", cril_json_string(x->fit->y), "refused",
                     cril_json_string(x->why.message));
}

static int print_json(const struct run *r, const struct outcome *each, size_t n)
{
    const char *title = r->s.info->title;
    json_t *list = json_array();

    for (size_t i = 0; i < n && list; i++)
        if (json_array_append_new(list, outcome_json(r, &each[i]))) {
            json_decref(list);
            list = NULL;
        }
    return cril_print_json(json_pack("{s:o, s:o, s:o}", "study", cril_json_string(title), "fits",
                                     list, "out_of_date", cril_out_of_date_json(&r->s)),
                           JSON_INDENT(1));
}

static int do_fits(struct run *r, const cril_study_fit *fits, size_t n, bool full)
{
    struct outcome *each = calloc(n + 1, sizeof(*each));
    int code = 1;

    if (!each)
        return cril_print_error("out of memory");
    for (size_t i = 0; i < n; i++)
        each[i].fit = &fits[i];
    if (!n) {
        cril_print_error("%s: has no lines to fit; name benchmarks in it, or lines under fits",
                         r->s.info->path);
    } else if (fit_all(r, each, n)) {
        code = 0;
        if (r->set.json)
            code = print_json(r, each, n);
        else if (full)
            print_full(r, fits, &each[0].line);
        else
            print_table(r, each, n);
        note_three(each, n);
    }
    for (size_t i = 0; i < n; i++)
        cril_study_line_free(&each[i].line);
    free(each);
    return code;
}

static int fit_by_name(struct run *r)
{
    const cril_study_info *s = r->s.info;

    for (size_t i = 0; i < s->n_fits; i++)
        if (strcmp(s->fits[i].name, r->set.fit) == 0)
            return do_fits(r, &s->fits[i], 1, true);
    return cril_print_error("%s: has no line \"%s\"; 'cril fit %s' lists them", s->path, r->set.fit,
                            s->path);
}

static int fit_by_axes(struct run *r)
{
    cril_study_fit f = {
        .name = "line", .x = r->set.x ? r->set.x : "average", .y = r->set.y ? r->set.y : "average"};
    char **words;
    int code;

    if (!cril_split_words(r->set.models, &words, &f.n_models))
        return 1;
    f.models = (const char *const *)words;
    code = do_fits(r, &f, 1, true);
    if (words)
        free(words[0]); /* all words lie in it */
    free(words);
    return code;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct run r = {0};
    int code = cril_studying_args(cmd, &r.set, argc, argv);
    bool by_axes;

    if (code != CRIL_ARGS_GO_ON)
        return code;
    by_axes = r.set.x || r.set.y || r.set.models;
    if (r.set.fit && by_axes)
        return cril_args_usage(
            cmd, "--fit names a line of the study, --x, --y and --models another one; give either");
    r.wanted = (cril_study_line_options){.level = (double)r.set.level / 100,
                                         .threshold = (double)r.set.threshold,
                                         .resamples = (size_t)r.set.resamples,
                                         .seed = r.set.seed};
    code = 1;
    if (cril_studying_open(&r.s, argv[0], r.set.protocol))
        code = r.set.fit ? fit_by_name(&r)
               : by_axes ? fit_by_axes(&r)
                         : do_fits(&r, r.s.info->fits, r.s.info->n_fits, r.s.info->n_fits == 1);
    cril_studying_close(&r.s);
    return code;
}

const struct cril_cmd cril_cmd_fit = {
    .name = "fit",
    .summary = "Fit the line of a study's scores on its bits per character.",
    .usage = "fit [options] STUDY.yaml",
    .run = run,
    .options = options,
    .more_help = more_help,
};
