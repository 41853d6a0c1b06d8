#include "studying.h"

#include "output.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cril_protocol_label(const cril_study_info *s, const cril_study_protocol *p,
                                char out[64])
{
    size_t n = 0, at = 0;

    for (size_t i = 0; i < s->n_protocols; i++)
        n += strcmp(s->protocols[i].name, p->name) == 0;
    at += (size_t)snprintf(out, 64, "%.16s", p->name);
    if (n > 1 && (p->context || p->stride))
        at += (size_t)snprintf(out + at, 64 - at, ":%zu", p->context);
    if (n > 1 && p->stride)
        snprintf(out + at, 64 - at, ":%zu", p->stride);
    return out;
}

/* The protocol of that label or name; name NULL: the first. NULL: there is none, which was printed.
 */
static const cril_study_protocol *find_protocol(const cril_study_info *s, const char *name)
{
    char label[64];

    for (size_t i = 0; i < s->n_protocols; i++)
        if (!name || strcmp(cril_protocol_label(s, &s->protocols[i], label), name) == 0)
            return &s->protocols[i];
    for (size_t i = 0; i < s->n_protocols; i++) /* of several of a name the first */
        if (strcmp(s->protocols[i].name, name) == 0)
            return &s->protocols[i];
    cril_print_error("%s: has no protocol \"%s\"; 'cril study check %s' lists those that it has",
                     s->path, name, s->path);
    return NULL;
}

int cril_studying_args(const struct cril_cmd *cmd, void *settings, int argc, char **argv)
{
    int code = cril_args_parse(cmd, settings, &argc, argv);

    if (code != CRIL_ARGS_GO_ON || argc == 1)
        return code;
    return cril_args_usage(cmd, argc ? "takes one study file" : "no study file given");
}

cril_study *cril_studying_load(const char *path)
{
    cril_study *study;
    cril_error err;

    if (cril_study_load(path, &study, &err) == CRIL_OK)
        return study;
    cril_print_error("%s", err.message);
    return NULL;
}

/* A figure that is out of date. */
struct old {
    const cril_study_model *m;
    const char *column, *of; /* "corpus" and its name, or "benchmark" */
    const char *kind;        /* "bpc", "mean_kl", "score" */
    double was;
    const char *why;
};

/* Called for each, in the order of the table. */
typedef bool (*see_old)(void *user, const struct old *o);

/* Of a model on a corpus. */
static bool see_corpus(const struct cril_studying *s, size_t m, size_t c, see_old see, void *user)
{
    const size_t at = m * s->table.n_corpora + c;
    const cril_known *bpc = &s->table.bpc[at];
    const cril_known_divergence *d = &s->table.divergence[at];
    struct old o = {.m = &s->info->models[m],
                    .column = "corpus",
                    .of = s->info->corpora[c].name,
                    .kind = "bpc",
                    .was = bpc->was,
                    .why = bpc->out_of_date};

    if (bpc->out_of_date && !see(user, &o))
        return false;
    o.kind = "mean_kl";
    o.was = d->was;
    o.why = d->out_of_date;
    return !d->out_of_date || see(user, &o);
}

static bool each_old(const struct cril_studying *s, see_old see, void *user)
{
    const cril_study_table *t = &s->table;

    for (size_t m = 0; m < t->n_models; m++) {
        for (size_t c = 0; c < t->n_corpora; c++)
            if (!see_corpus(s, m, c, see, user))
                return false;
        for (size_t b = 0; b < t->n_benchmarks; b++) {
            const cril_known *k = &t->score[m * t->n_benchmarks + b];

            if (k->out_of_date && !see(user, &(struct old){&s->info->models[m], "benchmark",
                                                           s->info->benchmarks[b].name, "score",
                                                           k->was, k->out_of_date}))
                return false;
        }
    }
    return true;
}

enum { TOLD = 4 };

struct told {
    char text[1600];
    size_t n;
};

static bool tell(void *user, const struct old *o)
{
    struct told *t = user;
    const size_t len = strlen(t->text);

    if (t->n++ < TOLD)
        snprintf(t->text + len, sizeof(t->text) - len, "%s%.80s on %.80s%s (%s)",
                 t->n > 1 ? ", " : "", o->m->name, o->of,
                 strcmp(o->kind, "mean_kl") == 0 ? " beside its base" : "", o->why);
    return true;
}

static void note_out_of_date(const struct cril_studying *s)
{
    struct told t = {0};
    char more[40] = "";

    each_old(s, tell, &t);
    if (t.n > TOLD)
        snprintf(more, sizeof(more), " and %zu more", t.n - TOLD);
    if (t.n)
        cril_print_note("%zu figure%s out of date and take%s no part: %s%s; 'cril study run %s' "
                        "computes it again",
                        t.n, t.n == 1 ? " is" : "s are", t.n == 1 ? "s" : "", t.text, more,
                        s->info->path);
}

bool cril_studying_open(struct cril_studying *s, const char *path, const char *protocol)
{
    cril_error err;

    *s = (struct cril_studying){0};
    if (!(s->study = cril_studying_load(path)))
        return false;
    s->info = cril_study_info_of(s->study);
    if (!(s->protocol = find_protocol(s->info, protocol)))
        return false;
    if (cril_store_open(s->info->database, &(cril_store_options){.read_only = true}, &s->store,
                        &err) == CRIL_OK &&
        cril_current_look(s->store, s->info, &s->current, &err) == CRIL_OK &&
        cril_current_table(s->current, s->protocol, &s->table, &err) == CRIL_OK) {
        note_out_of_date(s);
        return true;
    }
    cril_print_error("%s", err.message);
    return false;
}

void cril_studying_close(struct cril_studying *s)
{
    cril_study_table_free(&s->table);
    cril_current_free(s->current);
    cril_store_close(s->store);
    cril_study_close(s->study);
    *s = (struct cril_studying){0};
}

bool cril_split_words(const char *text, char ***words, size_t *n)
{
    char *copy, **list;

    *words = NULL;
    *n = 0;
    if (!text)
        return true;
    copy = strdup(text);
    list = calloc(strlen(text) + 1, sizeof(*list));
    if (!copy || !list) {
        free(copy);
        free(list);
        cril_print_error("out of memory");
        return false;
    }
    for (char *at = copy; at; *n += 1) {
        list[*n] = at;
        if ((at = strchr(at, ',')))
            *at++ = '\0';
    }
    *words = list;
    return true;
}

/* ---- JSON ---- */

/* null where there is no number. */
static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static bool add_old(void *user, const struct old *o)
{
    return !json_array_append_new(
        user, json_pack("{s:o, s:o, s:o, s:s}", "model", cril_json_string(o->m->name), o->column,
                        cril_json_string(o->of), o->kind, number(o->was), "why", o->why));
}

json_t *cril_out_of_date_json(const struct cril_studying *s)
{
    json_t *list = json_array();

    if (list && each_old(s, add_old, list))
        return list;
    json_decref(list);
    return NULL;
}

static json_t *range(double low, double high)
{
    return json_pack("[o, o]", number(low), number(high));
}

static json_t *estimate(const cril_estimate *e)
{
    return json_pack("{s:o, s:o, s:o}", "value", number(e->value), "se", number(e->se), "interval",
                     range(e->low, e->high));
}

static json_t *bootstrap(const cril_line_bootstrap *b)
{
    if (b->unit == CRIL_RESAMPLE_FAMILIES && b->n_units < 2)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "units", (json_int_t)b->n_units,
                     "resamples", (json_int_t)b->resamples, "seed", (json_int_t)b->seed, "redrawn",
                     (json_int_t)b->redrawn, "pearson", range(b->pearson.low, b->pearson.high),
                     "slope", range(b->slope.low, b->slope.high), "intercept",
                     range(b->intercept.low, b->intercept.high), "rmse",
                     range(b->rmse.low, b->rmse.high));
}

static json_t *families(const cril_study_info *s, const cril_study_line *l)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < l->left_out.n_families; i++) {
        const cril_left_out *f = &l->families[i];
        const cril_study_model *m = &s->models[l->models.model[f->first]];

        if (json_array_append_new(list, json_pack("{s:o, s:I, s:o, s:o}", "family",
                                                  cril_json_string(m->family), "models",
                                                  (json_int_t)f->n, "rmse", number(f->rmse),
                                                  "mean_error", number(f->mean_error)))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *left_out(const cril_study_info *s, const cril_study_line *l)
{
    if (!l->left_out.n_families_used)
        return json_null();
    return json_pack("{s:o, s:o, s:I, s:I, s:o}", "rmse", number(l->left_out.rmse), "rmse_of_mean",
                     number(l->left_out.rmse_of_mean), "families_used",
                     (json_int_t)l->left_out.n_families_used, "models_used",
                     (json_int_t)l->left_out.n_points_used, "families", families(s, l));
}

static json_t *both(const cril_study_line *l)
{
    const cril_line_both *b = &l->errors_in_both;

    if (!l->has_both)
        return json_null();
    return json_pack("{s:s, s:o, s:o, s:o}", "method", l->is_york ? "york" : "orthogonal", "slope",
                     estimate(&b->slope), "intercept", estimate(&b->intercept),
                     "reduced_chi_square", number(b->reduced_chi_square));
}

static json_t *model(const cril_study_info *s, const cril_study_line *l, size_t i)
{
    const cril_study_model *m = &s->models[l->models.model[i]];
    const cril_study_points *p = &l->models;
    const cril_point_fit *e = &l->each[i];

    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "model",
                     cril_json_string(m->name), "family", cril_json_string(m->family), "bpc",
                     number(p->x[i]), "bpc_se", number(p->x_se[i]), "score", number(p->y[i]),
                     "score_se", number(p->y_se[i]), "fitted", number(e->fitted), "residual",
                     number(e->residual), "leverage", number(e->leverage), "internal",
                     number(e->internal), "external", number(e->external), "cook", number(e->cook),
                     "off_the_line", e->flagged);
}

static json_t *models(const cril_study_info *s, const cril_study_line *l)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < l->models.n; i++)
        if (json_array_append_new(list, model(s, l, i))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *lacking(const cril_study_info *s, const cril_study_line *l)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < l->models.n_lacking; i++)
        if (json_array_append_new(list, cril_json_string(s->models[l->models.lacking[i]].name))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

json_t *cril_line_json(const cril_study_info *s, const cril_study_fit *f, const cril_study_line *l)
{
    const cril_line *line = &l->line;

    return json_pack("{s:o, s:o, s:o, s:I, s:f, s:{s:o, s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:o, "
                     "s:o, s:o, s:o, s:o, s:o, s:o}",
                     "line", cril_json_string(f->name), "x", cril_json_string(f->x), "y",
                     cril_json_string(f->y), "n", (json_int_t)line->n, "level", line->level,
                     "pearson", "value", number(line->pearson), "interval",
                     range(line->pearson_low, line->pearson_high), "p_value", number(line->p_value),
                     "spearman", number(line->spearman), "slope", estimate(&line->slope),
                     "intercept", estimate(&line->intercept), "rmse", number(line->rmse),
                     "residual_se", number(line->residual_se), "r_squared", number(line->r_squared),
                     "over_models", bootstrap(&l->over_models), "over_families",
                     bootstrap(&l->over_families), "unseen_family", left_out(s, l),
                     "errors_in_both", both(l), "models", models(s, l), "lacking", lacking(s, l));
}
