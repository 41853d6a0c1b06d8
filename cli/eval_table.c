/* Results of cril eval as a table, notes and JSON. */
#include "evaluating.h"
#include "naming.h"
#include "table.h"

#include <cril/number.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Table ---- */

void cril_eval_print_heading(const struct cril_eval_run *r)
{
    cril_print_model(stdout, cril_model_name(r->model), cril_model_types(r->model),
                     cril_model_path(r->model));
    printf("\n\n%-*s  %-*s %8s %8s  %-12s %7s %8s %9s\n", r->name_width, "task", r->protocol_width,
           "protocol", "score", "se", "metric", "items", "BPB", "BPB total");
}

/* A figure of so many columns; '-' where there is none. */
static void print_figure(double v, int columns)
{
    if (isnan(v))
        printf(" %*s", columns, "-");
    else
        printf(" %*.4f", columns, v);
}

static void print_row(const struct cril_eval_run *r, const cril_eval *e, const cril_eval_score *s)
{
    const char *metric = isnan(s->score) ? "-" : cril_eval_metric(e);

    if (*s->subject) {
        printf("  ");
        cril_print_padded(stdout, s->subject, r->name_width + r->protocol_width);
    } else {
        cril_print_padded(stdout, cril_eval_name(e), r->name_width);
        printf("  ");
        cril_print_padded(stdout, cril_eval_protocol_name(e), r->protocol_width);
    }
    print_figure(s->score, 8);
    print_figure(s->se, 8);
    printf("  %-12s %7zu", metric, s->items);
    print_figure(s->bpb, 8);
    print_figure(s->bpb_total, 9);
    putchar('\n');
}

void cril_eval_print_rows(const struct cril_eval_run *r, cril_eval *e)
{
    size_t n = 0;
    const cril_eval_score *s = cril_eval_scores(e, &n);

    for (size_t i = 0; s && i < n; i++)
        if (!i || r->set->subjects || r->set->verbose)
            print_row(r, e, &s[i]);
}

/* ---- Notes ---- */

static void note_reference(cril_eval *e)
{
    const cril_eval_reference x = cril_eval_reference_of(e);
    char largest[CRIL_NUMBER_SIZE];

    if (x.n_nats)
        cril_print_note("%s: the largest difference to the other program's log-likelihoods is %s "
                        "nats, of %zu continuations",
                        cril_eval_name(e), cril_number_write(largest, x.largest, 3), x.n_nats);
    if (x.n_texts)
        cril_print_note("%s: %zu of %zu texts are equal to the other program's", cril_eval_name(e),
                        x.equal, x.n_texts);
}

void cril_eval_print_notes(const struct cril_eval_run *r, cril_eval *e)
{
    size_t n = 0;
    const cril_eval_score *s = cril_eval_scores(e, &n);
    const char *name = cril_eval_name(e);

    if (r->set->quiet || !s)
        return;
    if (s->errors)
        cril_print_note("%s: %zu item%s could not be run and count%s as wrong; the first: %s", name,
                        s->errors, s->errors == 1 ? "" : "s", s->errors == 1 ? "s" : "",
                        cril_eval_first_error(e));
    if (s->unjudged)
        cril_print_note("%s: %zu answer%s cannot be judged by this rule and count%s as wrong", name,
                        s->unjudged, s->unjudged == 1 ? "" : "s", s->unjudged == 1 ? "s" : "");
    if (s->cut)
        cril_print_note("%s: %zu prompt%s longer than the window and %s cut", name, s->cut,
                        s->cut == 1 ? " is" : "s are", s->cut == 1 ? "was" : "were");
    note_reference(e);
    if (r->set->verbose)
        cril_print_note("%s: protocol SHA-256 %s, data SHA-256 %s%s%s", name,
                        cril_eval_protocol_sha256(e), cril_eval_data_sha256(e),
                        *cril_eval_programs(e) ? ", programs by " : "", cril_eval_programs(e));
}

/* ---- JSON ---- */

static json_t *figure(double v)
{
    return isnan(v) ? json_null() : json_real(v);
}

static json_t *score_json(const cril_eval_score *s)
{
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:I}", "score",
                     figure(s->score), "se", figure(s->se), "items", (json_int_t)s->items, "scored",
                     (json_int_t)s->scored, "errors", (json_int_t)s->errors, "unjudged",
                     (json_int_t)s->unjudged, "cut", (json_int_t)s->cut, "bpb", figure(s->bpb),
                     "bpb_total", figure(s->bpb_total), "gold_items", (json_int_t)s->gold_items);
}

static json_t *subjects_json(const cril_eval_score *s, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < n; i++) {
        json_t *one = json_pack("{s:o}", "subject", cril_json_string(s[i].subject));

        if (json_object_update_new(one, score_json(&s[i])) || json_array_append_new(list, one)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *reference_json(const cril_eval *e)
{
    const cril_eval_reference x = cril_eval_reference_of(e);

    if (!x.n_nats && !x.n_texts)
        return json_null();
    return json_pack("{s:I, s:o, s:I, s:I}", "continuations", (json_int_t)x.n_nats,
                     "largest_difference", x.n_nats ? json_real(x.largest) : json_null(), "texts",
                     (json_int_t)x.n_texts, "equal_texts", (json_int_t)x.equal);
}

static json_t *eval_json(cril_eval *e)
{
    size_t n = 0;
    const cril_eval_score *s = cril_eval_scores(e, &n);
    json_t *o =
        json_pack("{s:o, s:s, s:s, s:s, s:s, s:I}", "task", cril_json_string(cril_eval_name(e)),
                  "protocol", cril_eval_protocol_name(e), "protocol_sha256",
                  cril_eval_protocol_sha256(e), "data_sha256", cril_eval_data_sha256(e), "metric",
                  cril_eval_metric(e), "shots", (json_int_t)cril_eval_shots(e));

    if (s && o && !json_object_update_new(o, score_json(s)) &&
        !json_object_set_new(o, "subjects", subjects_json(s + 1, n - 1)) &&
        !json_object_set_new(o, "reference", reference_json(e)) &&
        !json_object_set_new(o, "programs", json_string(cril_eval_programs(e))))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *model_json(cril_model *m)
{
    char sha256[65], identity[65];
    cril_error err;

    if (cril_model_sha256(m, sha256, &err) != CRIL_OK ||
        cril_model_identity(m, identity, &err) != CRIL_OK)
        return NULL;
    return json_pack("{s:o, s:o, s:s, s:s, s:s, s:s, s:I}", "name",
                     cril_json_string(cril_model_name(m)), "path",
                     cril_json_string(cril_model_path(m)), "types", cril_model_types(m),
                     "architecture", cril_model_architecture(m), "sha256", sha256, "identity",
                     identity, "parameters", (json_int_t)cril_model_parameters(m));
}

int cril_eval_print_json(const struct cril_eval_run *r)
{
    const struct cril_eval_args *s = r->set;
    json_t *list = json_array();

    for (size_t i = 0; list && i < r->n; i++)
        if (json_array_append_new(list, eval_json(r->evals[i]))) {
            json_decref(list);
            list = NULL;
        }
    return cril_print_json(json_pack("{s:o, s:o, s:s, s:i, s:i, s:b, s:b, s:o}", "results", list,
                                     "model", model_json(r->model), "cril", CRIL_VERSION,
                                     "numerics", CRIL_NUMERICS, "rules", CRIL_RULES, "special",
                                     s->special, "no_bos", s->no_bos, "limit",
                                     s->limit ? json_integer((json_int_t)s->limit) : json_null()),
                           JSON_INDENT(1));
}
