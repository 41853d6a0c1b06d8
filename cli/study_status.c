/* cril study status: which cells of a study are done, and their figures; which are out of date, and
 * why; and what was imported and belongs to nothing. Whoever writes to the database. */
#include "args.h"
#include "output.h"
#include "cmd_study.h"
#include "studying.h"
#include "table.h"

#include <cril/store.h>
#include <cril/study.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    bool json, complete;
};

#define AT(field) offsetof(struct settings, field)
#define FLAG .kind = CRIL_OPTION_FLAG

static const struct cril_option options[] = {
    {.group = "Options",
     .name = "json",
     FLAG,
     .offset = AT(json),
     .help = "JSON instead of a table"},
    {.name = "complete",
     FLAG,
     .offset = AT(complete),
     .help = "exit code 1 also where cells are missing"},
    {.name = NULL},
};

static void more_help(void)
{
    fputs(
        "\nA cell is a model on a corpus by a protocol, alone or beside the model from which it\n"
        "diverges, or on a benchmark. A cell that no run has reached yet has no documents or\n"
        "items; a corpus or benchmark that no run has read has no number of them. A figure is out\n"
        "of date when the study file, the model, its base, the corpus or the benchmark's data "
        "have\n"
        "changed since it was measured, or cril's rules have; no line or mean uses it until\n"
        "'cril study run' has computed it again.\n"
        "\nExit code: 0 nothing is out of date, 1 something is.\n",
        stdout);
}

struct row {
    const cril_study_model *model;
    const cril_study_corpus *corpus;
    const cril_study_protocol *protocol;
    char label[64]; /* of the protocol */
    cril_cell_state state;
    double bpc, bpc_with_escapes; /* of what is complete, or of what is out of date */
    uint64_t unspelled_characters, unspelled_documents;
    cril_interval interval;
};

/* A model beside its base. */
struct divergence_row {
    const cril_study_model *model;
    const cril_study_corpus *corpus;
    char label[64]; /* of the protocol */
    cril_cell_state state;
    cril_known_divergence figures; /* of what is complete, or of what is out of date */
};

/* A model on a benchmark with data. */
struct score_row {
    const cril_study_model *model;
    const cril_study_benchmark *benchmark;
    cril_score_state state;
    cril_score_of_items score; /* of what is complete, or of what is out of date */
};

/* Imported figures of a model or for a corpus or benchmark that the study does not name. */
struct unclaimed {
    char model[200];
    char of[400]; /* "MMLU, HellaSwag" */
    size_t n;
};

struct run {
    struct settings set;
    const cril_study_info *s;
    cril_store *store;
    cril_current *current;
    struct row *rows; /* [n] */
    size_t n;
    struct divergence_row *divergences; /* [n_divergences] */
    size_t n_divergences;
    struct score_row *scores; /* [n_scores] */
    size_t n_scores, n_complete, n_out_of_date;
    struct unclaimed *unclaimed; /* [n_unclaimed] one a model */
    size_t n_unclaimed;
};

static cril_status no_memory(cril_error *err)
{
    *err = (cril_error){.status = CRIL_ERR_NOMEM, .message = "out of memory"};
    return CRIL_ERR_NOMEM;
}

static cril_status read_figure(struct run *r, struct row *row, cril_error *err)
{
    const cril_cell_state *x = &row->state;
    cril_result result;
    cril_status st;

    if (!x->complete && !x->out_of_date)
        return CRIL_OK;
    st = cril_store_result(r->store, x->complete ? &x->cell : &x->old_cell,
                           x->complete ? &x->corpus : &x->old_corpus, NULL, &result, err);
    if (st != CRIL_OK)
        return st;
    row->bpc = cril_result_bpc(&result);
    row->bpc_with_escapes = cril_result_bpc_with_escapes(&result);
    row->unspelled_characters = result.unspelled_characters;
    row->unspelled_documents = result.unspelled_documents;
    row->interval = result.interval;
    cril_result_free(&result);
    return CRIL_OK;
}

static cril_status read_rows(struct run *r, cril_error *err)
{
    const cril_study_info *s = r->s;
    cril_status st = CRIL_OK;

    if (!(r->rows = calloc(s->n_models * s->n_corpora * s->n_protocols + 1, sizeof(*r->rows))))
        return no_memory(err);
    for (size_t m = 0; m < s->n_models; m++)
        for (size_t c = 0; c < s->n_corpora; c++)
            for (size_t p = 0; p < s->n_protocols && st == CRIL_OK; p++) {
                struct row *row = &r->rows[r->n];

                if (!s->models[m].path || !s->corpora[c].path)
                    continue;
                *row = (struct row){
                    .model = &s->models[m], .corpus = &s->corpora[c], .protocol = &s->protocols[p]};
                cril_protocol_label(s, &s->protocols[p], row->label);
                r->n++;
                if ((st = cril_current_cell(r->current, m, c, &s->protocols[p], &row->state,
                                            err)) == CRIL_OK)
                    st = read_figure(r, row, err);
                r->n_complete += row->state.complete;
                r->n_out_of_date += row->state.out_of_date;
            }
    return st;
}

static cril_status read_divergence(struct run *r, struct divergence_row *row, cril_error *err)
{
    const cril_cell_state *x = &row->state;

    if (!x->complete && !x->out_of_date)
        return CRIL_OK;
    return cril_store_divergence(r->store, x->complete ? &x->cell : &x->old_cell,
                                 x->complete ? &x->corpus : &x->old_corpus, NULL, &row->figures,
                                 err);
}

static cril_status read_divergences(struct run *r, cril_error *err)
{
    const cril_study_info *s = r->s;
    cril_status st = CRIL_OK;

    if (!(r->divergences =
              calloc(s->n_models * s->n_corpora * s->n_protocols + 1, sizeof(*r->divergences))))
        return no_memory(err);
    for (size_t m = 0; m < s->n_models; m++)
        for (size_t c = 0; c < s->n_corpora; c++)
            for (size_t p = 0; p < s->n_protocols && st == CRIL_OK; p++) {
                struct divergence_row *row = &r->divergences[r->n_divergences];

                if (!s->models[m].base || !s->corpora[c].path)
                    continue;
                *row = (struct divergence_row){.model = &s->models[m], .corpus = &s->corpora[c]};
                cril_protocol_label(s, &s->protocols[p], row->label);
                r->n_divergences++;
                if ((st = cril_current_divergence(r->current, m, c, &s->protocols[p], &row->state,
                                                  err)) == CRIL_OK)
                    st = read_divergence(r, row, err);
                r->n_complete += row->state.complete;
                r->n_out_of_date += row->state.out_of_date;
            }
    return st;
}

static cril_status read_score(struct run *r, struct score_row *row, cril_error *err)
{
    const cril_score_state *x = &row->state;
    cril_status st;

    row->score = (cril_score_of_items){.value = NAN, .se = NAN};
    if (!x->complete && !x->out_of_date)
        return CRIL_OK;
    st = cril_store_score(r->store, x->complete ? &x->cell : &x->old_cell,
                          x->complete ? &x->benchmark : &x->old_benchmark, &row->score, err);
    return st == CRIL_ERR_UNSUPPORTED && x->out_of_date ? CRIL_OK : st; /* by an older protocol */
}

static cril_status read_scores(struct run *r, cril_error *err)
{
    const cril_study_info *s = r->s;
    cril_status st = CRIL_OK;

    if (!(r->scores = calloc(s->n_models * s->n_benchmarks + 1, sizeof(*r->scores))))
        return no_memory(err);
    for (size_t m = 0; m < s->n_models; m++)
        for (size_t b = 0; b < s->n_benchmarks && st == CRIL_OK; b++) {
            struct score_row *row = &r->scores[r->n_scores];

            if (!s->models[m].path || !s->benchmarks[b].data)
                continue;
            *row = (struct score_row){.model = &s->models[m], .benchmark = &s->benchmarks[b]};
            r->n_scores++;
            if ((st = cril_current_score(r->current, m, b, &row->state, err)) == CRIL_OK)
                st = read_score(r, row, err);
            r->n_complete += row->state.complete;
            r->n_out_of_date += row->state.out_of_date;
        }
    return st;
}

/* ---- Imported figures that nothing in the study claims ---- */

static bool claims_model(const struct run *r, const char *name)
{
    const char *former;

    for (size_t m = 0; m < r->s->n_models; m++) {
        if (strcmp(r->s->models[m].name, name) == 0)
            return true;
        for (size_t i = 0; (former = cril_current_former_name(r->current, m, i)); i++)
            if (strcmp(former, name) == 0)
                return true;
    }
    return false;
}

static bool claims_column(const struct run *r, cril_figure_kind kind, const char *name)
{
    const size_t n = kind == CRIL_FIGURE_BPC ? r->s->n_corpora : r->s->n_benchmarks;

    for (size_t i = 0; i < n; i++)
        if (strcmp(kind == CRIL_FIGURE_BPC ? r->s->corpora[i].name : r->s->benchmarks[i].name,
                   name) == 0)
            return true;
    return false;
}

/* Rows come by model. */
static cril_status add_unclaimed(struct run *r, const cril_figure *f, cril_error *err)
{
    struct unclaimed *u = NULL, *grown;
    size_t len;

    for (size_t i = 0; i < r->n_unclaimed; i++)
        if (strncmp(r->unclaimed[i].model, f->model, sizeof(u->model) - 1) == 0)
            u = &r->unclaimed[i];
    if (!u) {
        if (!(grown = realloc(r->unclaimed, (r->n_unclaimed + 1) * sizeof(*grown))))
            return no_memory(err);
        r->unclaimed = grown;
        u = &grown[r->n_unclaimed++];
        *u = (struct unclaimed){0};
        snprintf(u->model, sizeof(u->model), "%s", f->model);
    }
    len = strlen(u->of);
    snprintf(u->of + len, sizeof(u->of) - len, "%s%s", u->n++ ? ", " : "", f->of);
    return CRIL_OK;
}

static cril_status find_unclaimed(struct run *r, cril_figure_kind kind, cril_error *err)
{
    cril_figure *rows;
    size_t n;
    cril_status st = cril_store_imported(r->store, kind, &rows, &n, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < n && st == CRIL_OK; i++)
        if (!claims_model(r, rows[i].model) || !claims_column(r, kind, rows[i].of))
            st = add_unclaimed(r, &rows[i], err);
    cril_imports_free(rows, n);
    return st;
}

static cril_status read_all(struct run *r, cril_error *err)
{
    cril_status st;

    if ((st = cril_store_open(r->s->database, &(cril_store_options){.read_only = true}, &r->store,
                              err)) != CRIL_OK ||
        (st = cril_current_look(r->store, r->s, &r->current, err)) != CRIL_OK ||
        (st = read_rows(r, err)) != CRIL_OK || (st = read_divergences(r, err)) != CRIL_OK ||
        (st = read_scores(r, err)) != CRIL_OK ||
        (st = find_unclaimed(r, CRIL_FIGURE_BPC, err)) != CRIL_OK)
        return st;
    return find_unclaimed(r, CRIL_FIGURE_SCORE, err);
}

/* ---- Output ---- */

static size_t n_cells(const struct run *r)
{
    return r->n + r->n_divergences + r->n_scores;
}

static int width_of(const struct run *r, int which)
{
    static const char *const heads[] = {"model", "corpus", "protocol"};
    int width = cril_text_width(heads[which]);

    for (size_t i = 0; i < r->n; i++) {
        const struct row *x = &r->rows[i];

        cril_widen(&width, which == 0 ? x->model->name : which == 1 ? x->corpus->name : x->label);
    }
    return width;
}

static void print_why(bool out_of_date, const char *why)
{
    if (!out_of_date)
        return;
    fputs("    out of date: ", stdout);
    cril_print_escaped(stdout, why, strlen(why));
}

/* Under the table: whose figures do not pay for all of the text. */
static void print_unspelled(const struct run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct row *x = &r->rows[i];

        if (!x->unspelled_characters)
            continue;
        cril_print_escaped(stdout, x->model->name, strlen(x->model->name));
        printf(": its tokens do not spell %" PRIu64 " character%s in %" PRIu64 " document%s of ",
               x->unspelled_characters, x->unspelled_characters == 1 ? "" : "s",
               x->unspelled_documents, x->unspelled_documents == 1 ? "" : "s");
        cril_print_escaped(stdout, x->corpus->name, strlen(x->corpus->name));
        printf(" (%s); with escapes for them its BPC is %.4f\n", x->label, x->bpc_with_escapes);
    }
}

/* "3 of 9" documents or items; "-": their number is not known. */
static void print_done(uint64_t done, uint64_t all)
{
    char of[48] = "-";

    if (all)
        snprintf(of, sizeof(of), "%" PRIu64 " of %" PRIu64, done, all);
    printf(" %18s", of);
}

static void print_divergence(const struct divergence_row *x)
{
    const cril_known_divergence *f = &x->figures;

    print_done(x->state.done, x->state.corpus.documents);
    if (f->tokens)
        printf(" %9.6f %9.3f %%", f->mean_kl, 100 * f->same_top);
    if (x->state.complete && f->mean_kl_interval.resamples)
        printf("    %.6f - %.6f", f->mean_kl_interval.low, f->mean_kl_interval.high);
    print_why(x->state.out_of_date, x->state.why);
    putchar('\n');
}

static void print_divergences(const struct run *r)
{
    int model = cril_text_width("model"), base = cril_text_width("diverges from"),
        corpus = cril_text_width("corpus"), protocol = cril_text_width("protocol");

    for (size_t i = 0; i < r->n_divergences; i++) {
        const struct divergence_row *x = &r->divergences[i];

        cril_widen(&model, x->model->name);
        cril_widen(&base, x->model->base);
        cril_widen(&corpus, x->corpus->name);
        cril_widen(&protocol, x->label);
    }
    if (r->n_divergences)
        printf("%-*s  %-*s  %-*s  %-*s %18s %9s %11s %23s\n", model, "model", base, "diverges from",
               corpus, "corpus", protocol, "protocol", "documents", "mean KL", "same top",
               "95 % interval of KL");
    for (size_t i = 0; i < r->n_divergences; i++) {
        const struct divergence_row *x = &r->divergences[i];

        cril_print_padded(stdout, x->model->name, model);
        fputs("  ", stdout);
        cril_print_padded(stdout, x->model->base, base);
        fputs("  ", stdout);
        cril_print_padded(stdout, x->corpus->name, corpus);
        fputs("  ", stdout);
        cril_print_padded(stdout, x->label, protocol);
        print_divergence(x);
    }
}

static void print_score(const struct score_row *x)
{
    print_done(x->state.done, x->state.benchmark.items);
    if (!isnan(x->score.value))
        printf(" %7.2f %%", 100 * x->score.value);
    if (x->state.complete && !isnan(x->score.se))
        printf(" %15.2f", 100 * x->score.se);
    if (x->state.complete && x->score.errors)
        printf("    %" PRIu64 " item%s could not be run", x->score.errors,
               x->score.errors == 1 ? "" : "s");
    print_why(x->state.out_of_date, x->state.why);
    putchar('\n');
}

static void print_scores(const struct run *r)
{
    int model = cril_text_width("model"), benchmark = cril_text_width("benchmark"),
        protocol = cril_text_width("protocol");

    for (size_t i = 0; i < r->n_scores; i++) {
        cril_widen(&model, r->scores[i].model->name);
        cril_widen(&benchmark, r->scores[i].benchmark->name);
        cril_widen(&protocol, r->scores[i].benchmark->protocol);
    }
    if (r->n_scores)
        printf("%-*s  %-*s  %-*s %18s %9s %15s\n", model, "model", benchmark, "benchmark", protocol,
               "protocol", "items", "score", "standard error");
    for (size_t i = 0; i < r->n_scores; i++) {
        cril_print_padded(stdout, r->scores[i].model->name, model);
        fputs("  ", stdout);
        cril_print_padded(stdout, r->scores[i].benchmark->name, benchmark);
        fputs("  ", stdout);
        cril_print_padded(stdout, r->scores[i].benchmark->protocol, protocol);
        print_score(&r->scores[i]);
    }
}

static void print_table(const struct run *r)
{
    const size_t n = n_cells(r);
    const int model = width_of(r, 0), corpus = width_of(r, 1), protocol = width_of(r, 2);

    printf("%-*s  %-*s  %-*s %18s %9s %18s\n", model, "model", corpus, "corpus", protocol,
           "protocol", "documents", "BPC", "95 % interval");
    for (size_t i = 0; i < r->n; i++) {
        const struct row *x = &r->rows[i];

        cril_print_padded(stdout, x->model->name, model);
        fputs("  ", stdout);
        cril_print_padded(stdout, x->corpus->name, corpus);
        fputs("  ", stdout);
        cril_print_padded(stdout, x->label, protocol);
        print_done(x->state.done, x->state.corpus.documents);
        if (x->state.complete || x->state.out_of_date)
            printf(" %9.4f", x->bpc);
        if (x->state.complete && x->interval.resamples)
            printf("    %.4f - %.4f", x->interval.low, x->interval.high);
        print_why(x->state.out_of_date, x->state.why);
        putchar('\n');
    }
    print_unspelled(r);
    print_divergences(r);
    print_scores(r);
    printf("%zu of %zu cell%s complete", r->n_complete, n, n == 1 ? " is" : "s are");
    if (r->n_out_of_date)
        printf(", %zu %s out of date", r->n_out_of_date, r->n_out_of_date == 1 ? "is" : "are");
    putchar('\n');
    for (size_t i = 0; i < r->n_unclaimed; i++) {
        const struct unclaimed *u = &r->unclaimed[i];

        fputs("imported, but the study does not name it: ", stdout);
        cril_print_escaped(stdout, u->model, strlen(u->model));
        fputs(" on ", stdout);
        cril_print_escaped(stdout, u->of, strlen(u->of));
        putchar('\n');
    }
}

/* A count of a cell, null until it is complete. */
static json_t *count_json(const struct row *x, uint64_t n)
{
    return x->state.complete ? json_integer((json_int_t)n) : json_null();
}

/* null: not known */
static json_t *documents_json(uint64_t n)
{
    return n ? json_integer((json_int_t)n) : json_null();
}

static json_t *row_json(const struct row *x)
{
    const cril_cell_state *s = &x->state;

    return json_pack("{s:o, s:o, s:s, s:I, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "model",
                     cril_json_string(x->model->name), "corpus", cril_json_string(x->corpus->name),
                     "protocol", x->label, "documents_done", (json_int_t)s->done, "documents",
                     documents_json(s->corpus.documents), "complete", s->complete, "bpc",
                     s->complete ? json_real(x->bpc) : json_null(), "out_of_date",
                     s->out_of_date ? cril_json_string(s->why) : json_null(), "old_bpc",
                     s->out_of_date ? json_real(x->bpc) : json_null(), "bpc_with_escapes",
                     s->complete ? json_real(x->bpc_with_escapes) : json_null(),
                     "unspelled_characters", count_json(x, x->unspelled_characters),
                     "unspelled_documents", count_json(x, x->unspelled_documents));
}

static json_t *divergence_json(const struct divergence_row *x)
{
    const cril_known_divergence *f = &x->figures;
    const cril_cell_state *s = &x->state;
    json_t *o = json_pack(
        "{s:o, s:o, s:o, s:s, s:I, s:o, s:b, s:o, s:o}", "model", cril_json_string(x->model->name),
        "base", cril_json_string(x->model->base), "corpus", cril_json_string(x->corpus->name),
        "protocol", x->label, "documents_done", (json_int_t)s->done, "documents",
        documents_json(s->corpus.documents), "complete", s->complete, "out_of_date",
        s->out_of_date ? cril_json_string(s->why) : json_null(), "old_mean_kl",
        s->out_of_date && f->tokens ? json_real(f->mean_kl) : json_null());
    json_t *figures =
        s->complete && f->tokens
            ? json_pack("{s:I, s:f, s:o, s:f, s:f}", "tokens", (json_int_t)f->tokens, "mean_kl",
                        f->mean_kl, "mean_kl_interval", cril_json_interval(&f->mean_kl_interval),
                        "same_top", f->same_top, "ln_ppl_ratio", f->ln_ppl_ratio)
            : json_object();

    if (o && !json_object_update_new(o, figures))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *share_json(bool known, double share)
{
    return known && !isnan(share) ? json_real(share) : json_null();
}

static json_t *score_json(const struct score_row *x)
{
    const cril_score_state *s = &x->state;
    const uint64_t items = s->benchmark.items;

    return json_pack("{s:o, s:o, s:o, s:I, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "model",
                     cril_json_string(x->model->name), "benchmark",
                     cril_json_string(x->benchmark->name), "protocol",
                     cril_json_string(x->benchmark->protocol), "items_done", (json_int_t)s->done,
                     "items", items ? json_integer((json_int_t)items) : json_null(), "complete",
                     s->complete, "score", share_json(s->complete, x->score.value), "se",
                     share_json(s->complete, x->score.se), "errors",
                     s->complete ? json_integer((json_int_t)x->score.errors) : json_null(), "bpb",
                     share_json(s->complete, x->score.bpb), "bpb_total",
                     share_json(s->complete, x->score.bpb_total), "out_of_date",
                     s->out_of_date ? cril_json_string(s->why) : json_null(), "old_score",
                     share_json(s->out_of_date, x->score.value));
}

static int print_json(const struct run *r)
{
    json_t *list = json_array(), *divergences = json_array(), *scores = json_array(),
           *unclaimed = json_array();
    bool bad = !list || !divergences || !scores || !unclaimed;

    for (size_t i = 0; !bad && i < r->n; i++)
        bad = json_array_append_new(list, row_json(&r->rows[i])) != 0;
    for (size_t i = 0; !bad && i < r->n_divergences; i++)
        bad = json_array_append_new(divergences, divergence_json(&r->divergences[i])) != 0;
    for (size_t i = 0; !bad && i < r->n_scores; i++)
        bad = json_array_append_new(scores, score_json(&r->scores[i])) != 0;
    for (size_t i = 0; !bad && i < r->n_unclaimed; i++)
        bad = json_array_append_new(
            unclaimed, json_pack("{s:o, s:o}", "model", cril_json_string(r->unclaimed[i].model),
                                 "of", cril_json_string(r->unclaimed[i].of)));
    if (bad) {
        json_decref(list);
        json_decref(divergences);
        json_decref(scores);
        json_decref(unclaimed);
        return cril_print_error("out of memory");
    }
    return cril_print_json(json_pack("{s:o, s:o, s:o, s:o}", "cells", list, "divergences",
                                     divergences, "benchmark_cells", scores, "imported_unclaimed",
                                     unclaimed),
                           JSON_INDENT(1));
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct run r = {0};
    cril_study *study;
    cril_error err;
    int code = cril_studying_args(cmd, &r.set, argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!(study = cril_studying_load(argv[0])))
        return 1;
    r.s = cril_study_info_of(study);
    if (read_all(&r, &err) != CRIL_OK) {
        code = cril_print_error("%s", err.message);
    } else {
        code = r.n_out_of_date > 0 || (r.set.complete && r.n_complete < n_cells(&r));
        if (!r.set.json)
            print_table(&r);
        else if (print_json(&r))
            code = 1;
    }
    cril_current_free(r.current);
    free(r.unclaimed);
    free(r.rows);
    free(r.divergences);
    free(r.scores);
    cril_store_close(r.store);
    cril_study_close(study);
    return code;
}

const struct cril_cmd cril_study_cmd_status = {
    .name = "study status",
    .summary = "Print which cells are done, and their figures.",
    .usage = "study status [options] STUDY.yaml",
    .run = run,
    .options = options,
    .more_help = more_help,
};
