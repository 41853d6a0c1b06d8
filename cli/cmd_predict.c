/*
 * cril predict: what a study's lines say of a model: of any one with so many bits per character, or
 * of one in the study, by lines that are fitted without it.
 */
#include "args.h"
#include "output.h"
#include "studying.h"
#include "table.h"

#include <cril/number.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *bpc, *se, *model, *fit, *protocol;
    uint64_t level;
    bool json;
};

#define AT(field) offsetof(struct settings, field)
#define TEXT .kind = CRIL_OPTION_TEXT

static const struct cril_option options[] = {
    {.group = "Of which model",
     .name = "bpc",
     TEXT,
     .value = "X",
     .offset = AT(bpc),
     .help = "one with X bits per character on the line's corpora"},
    {.name = "se",
     TEXT,
     .value = "X",
     .offset = AT(se),
     .help = "standard error of --bpc (default: not known)"},
    {.name = "model",
     TEXT,
     .value = "NAME",
     .offset = AT(model),
     .help = "one of the study, by lines fitted without it"},

    {.group = "By which line",
     .name = "fit",
     TEXT,
     .value = "NAME",
     .offset = AT(fit),
     .help = "one of the study's (default: its first; with --model all)"},
    {.name = "protocol",
     TEXT,
     .value = "NAME",
     .offset = AT(protocol),
     .help = "whose measured figures count (default: the study's first)"},
    {.name = "level",
     .kind = CRIL_OPTION_NUMBER,
     .value = "N",
     .offset = AT(level),
     .min = 1,
     .max = 99,
     .help = "level of intervals in percent (default: 95)"},

    {.group = "Output",
     .name = "json",
     .kind = CRIL_OPTION_FLAG,
     .offset = AT(json),
     .help = "JSON instead of a table"},
    {.name = NULL},
};

static void more_help(void)
{
    fputs(
        "\nThe interval is that of a new model's score: the line's own uncertainty, the scatter "
        "of\n"
        "models about it, and the standard error of the bits per character, if it is known.\n"
        "\nExamples:\n"
        "  cril predict study.yaml --bpc 0.55\n"
        "  cril predict study.yaml --model Mistral-7b         # does its score lie on the line?\n",
        stdout);
}

/* One line's prediction for the model. */
struct said {
    const cril_study_fit *fit;
    cril_prediction p;
    size_t n;      /* models that the line is fitted on */
    double actual; /* NaN: not known */
};

struct run {
    struct settings set;
    struct cril_studying s;
    size_t model; /* in the study; n_models: none */
    double bpc, se;
    struct said *said; /* [n] */
    size_t n;
};

/* A finite number that is not negative. */
static bool read_number(const char *text, double *out)
{
    return cril_number_read(text, out) && isfinite(*out) && *out >= 0;
}

static bool find_model(struct run *r)
{
    const cril_study_info *s = r->s.info;

    for (r->model = 0; r->model < s->n_models; r->model++)
        if (r->set.model && strcmp(s->models[r->model].name, r->set.model) == 0)
            return true;
    if (r->set.model)
        cril_print_error("%s: has no model \"%s\"", s->path, r->set.model);
    return !r->set.model;
}

/* The line without the model. A model with unknown figures is no part of a line. */
static cril_status fit_without(struct run *r, const cril_study_fit *f, cril_study_line *line,
                               cril_error *err)
{
    cril_study_table *t = &r->s.table;
    cril_known *row = t->bpc + r->model * t->n_corpora,
               *kept = malloc((t->n_corpora + 1) * sizeof(*kept));
    cril_status st;

    if (!kept) {
        *err = (cril_error){.status = CRIL_ERR_NOMEM, .message = "out of memory"};
        return err->status;
    }
    memcpy(kept, row, t->n_corpora * sizeof(*row));
    for (size_t i = 0; i < t->n_corpora; i++)
        row[i] = (cril_known){.value = NAN, .se = NAN, .source = ""};
    st = cril_study_line_fit(r->s.info, t, f, NULL, line, err);
    memcpy(row, kept, t->n_corpora * sizeof(*row));
    free(kept);
    return st;
}

/* Whether a prediction was printed; a line for which the model lacks a figure has none. */
static cril_status say(struct run *r, const cril_study_fit *f, struct said *out, bool *said,
                       cril_error *err)
{
    cril_known x = {.value = r->bpc, .se = r->se, .origin = CRIL_ORIGIN_IMPORTED},
               y = {.value = NAN, .se = NAN};
    cril_study_line line;
    cril_status st;

    *said = false;
    if (r->set.model &&
        (st = cril_study_coordinates(r->s.info, &r->s.table, f, r->model, &x, &y, err)) != CRIL_OK)
        return st;
    if (x.origin == CRIL_ORIGIN_NONE)
        return CRIL_OK;
    st = r->set.model ? fit_without(r, f, &line, err)
                      : cril_study_line_fit(r->s.info, &r->s.table, f, NULL, &line, err);
    if (st != CRIL_OK)
        return st;
    *out = (struct said){.fit = f, .n = line.models.n, .actual = y.value};
    st = cril_line_predict(&line.line, x.value, x.se,
                           r->set.level ? (double)r->set.level / 100 : 0.95, &out->p, err);
    cril_study_line_free(&line);
    *said = st == CRIL_OK;
    return st;
}

/* The lines that are asked for: from .. to - 1 of the study's. */
static bool choose_lines(const struct run *r, size_t *from, size_t *to)
{
    const cril_study_info *s = r->s.info;

    *from = 0;
    *to = r->set.model ? s->n_fits : 1;
    if (!s->n_fits) {
        cril_print_error("%s: has no lines to fit; name benchmarks in it, or lines under fits",
                         s->path);
        return false;
    }
    if (!r->set.fit)
        return true;
    while (*from < s->n_fits && strcmp(s->fits[*from].name, r->set.fit) != 0)
        ++*from;
    *to = *from + 1;
    if (*from == s->n_fits)
        cril_print_error("%s: has no line \"%s\"; 'cril fit %s' lists them", s->path, r->set.fit,
                         s->path);
    return *from < s->n_fits;
}

/* Of several lines, those that too few models have all figures for are left out. */
static bool say_all(struct run *r)
{
    const cril_study_info *s = r->s.info;
    size_t from, to, n_refused = 0;
    cril_error err;
    bool said;

    if (!choose_lines(r, &from, &to))
        return false;
    if (!(r->said = calloc(s->n_fits + 1, sizeof(*r->said)))) {
        cril_print_error("out of memory");
        return false;
    }
    for (size_t i = from; i < to; i++) {
        const cril_status st = say(r, &s->fits[i], &r->said[r->n], &said, &err);

        if (st != CRIL_OK && (st != CRIL_ERR_RANGE || to - from == 1)) {
            cril_print_error("%s", err.message);
            return false;
        }
        if (st != CRIL_OK)
            cril_print_note("%s", err.message);
        n_refused += st != CRIL_OK;
        r->n += said;
    }
    if (!r->n && !n_refused)
        cril_print_error("%s: %s lacks the bits per character that the line%s", s->path,
                         r->set.model, r->set.fit ? " needs" : "s need");
    return r->n > 0;
}

/* How far the actual score is from what was expected, in standard errors of a new model. */
static double distance(const struct said *x)
{
    return (x->actual - x->p.new_model.value) /
           x->p.new_model.se; /* no number where the models lie on the line exactly */
}

static void print_table(const struct run *r)
{
    int width = cril_text_width("line");

    for (size_t i = 0; i < r->n; i++)
        cril_widen(&width, r->said[i].fit->name);
    printf("%-*s %6s %8s %9s %16.0f %%%s\n", width, "line", "models", "BPC", "score",
           100 * r->said[0].p.level, r->set.model ? "    actual  in errors" : "");
    for (size_t i = 0; i < r->n; i++) {
        const struct said *x = &r->said[i];

        cril_print_padded(stdout, x->fit->name, width);
        printf(" %6zu %8.4f %9.4f %7.4f .. %7.4f", x->n, x->p.x, x->p.new_model.value,
               x->p.new_model.low, x->p.new_model.high);
        if (r->set.model && isfinite(x->actual))
            printf(" %9.4f", x->actual);
        if (r->set.model && isfinite(distance(x)))
            printf(" %+10.2f", distance(x));
        puts(x->p.extrapolated ? "  outside the line's models" : "");
    }
}

static void note_unknown(const struct run *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (isnan(r->said[i].p.x_se)) {
            cril_print_note("the standard error of the bits per character is not known; the "
                            "intervals leave it out");
            return;
        }
}

static json_t *estimate(const cril_estimate *e)
{
    return json_pack("{s:f, s:f, s:[f, f]}", "value", e->value, "se", e->se, "interval", e->low,
                     e->high);
}

static int print_json(const struct run *r)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < r->n; i++) {
        const struct said *x = &r->said[i];
        const bool known = isfinite(x->actual);

        if (json_array_append_new(
                list, json_pack("{s:o, s:I, s:f, s:f, s:o, s:o, s:o, s:b, s:o, s:o}", "line",
                                cril_json_string(x->fit->name), "models", (json_int_t)x->n, "level",
                                x->p.level, "bpc", x->p.x, "bpc_se",
                                isnan(x->p.x_se) ? json_null() : json_real(x->p.x_se),
                                "line_at_bpc", estimate(&x->p.mean), "new_model",
                                estimate(&x->p.new_model), "extrapolated", x->p.extrapolated,
                                "actual", known ? json_real(x->actual) : json_null(), "in_errors",
                                isfinite(distance(x)) ? json_real(distance(x)) : json_null()))) {
            json_decref(list);
            list = NULL;
        }
    }
    return cril_print_json(
        json_pack("{s:o, s:o}", "predictions", list, "out_of_date", cril_out_of_date_json(&r->s)),
        JSON_INDENT(1));
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct run r = {.se = NAN};
    int code = cril_studying_args(cmd, &r.set, argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!r.set.bpc == !r.set.model)
        return cril_args_usage(cmd, "of which model? give --bpc X or --model NAME");
    if (r.set.se && r.set.model)
        return cril_args_usage(cmd, "--se goes with --bpc; a model of the study has its own");
    if ((r.set.bpc && (!read_number(r.set.bpc, &r.bpc) || r.bpc == 0)) ||
        (r.set.se && !read_number(r.set.se, &r.se)))
        return cril_args_usage(
            cmd, "--bpc takes a number above 0, such as 0.55, and --se one that is not below 0");
    code = 1;
    if (cril_studying_open(&r.s, argv[0], r.set.protocol) && find_model(&r) && say_all(&r)) {
        code = 0;
        if (r.set.json)
            code = print_json(&r);
        else
            print_table(&r);
        note_unknown(&r);
    }
    free(r.said);
    cril_studying_close(&r.s);
    return code;
}

const struct cril_cmd cril_cmd_predict = {
    .name = "predict",
    .summary = "Predict a model's scores from its bits per character.",
    .usage = "predict [options] STUDY.yaml",
    .run = run,
    .options = options,
    .more_help = more_help,
};
