/*
 * The JSON of cril diverge (doc/diverge.md, "JSON"). Every function returns NULL when out of
 * memory; json_pack and json_object_set_new take NULL for a value and fail.
 */
#include "diverging.h"
#include "output.h"

#include <math.h>
#include <stdlib.h>

/* null: there is none. */
static json_t *real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *percentiles(const double *x)
{
    json_t *o = json_object();
    int bad = !o;

    for (size_t i = 0; i < CRIL_PERCENTILES && !bad; i++)
        bad = json_object_set_new(o, cril_percentile_name(i), json_real(x[i]));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

/* Mean KL by the number of tokens before in the window: from .. to. */
static json_t *positions(const cril_divergence_figures *x)
{
    json_t *list = json_array();
    int bad = !list;

    for (size_t i = 0; i < CRIL_DIVERGE_POSITIONS && !bad; i++) {
        const json_int_t from = (json_int_t)1 << i;

        if (x->position_tokens[i])
            bad = json_array_append_new(
                list, json_pack("{s:I, s:I, s:I, s:f}", "from", from, "to", 2 * from - 1, "tokens",
                                (json_int_t)x->position_tokens[i], "mean_kl", x->position_kl[i]));
    }
    if (!bad)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *figures(const cril_divergence_figures *x)
{
    const struct {
        const char *name;
        const cril_interval *interval;
    } intervals[] = {{"mean_kl_interval", &x->mean_kl_interval},
                     {"mean_dp_interval", &x->mean_dp_interval},
                     {"rms_dp_interval", &x->rms_dp_interval},
                     {"same_top_interval", &x->same_top_interval},
                     {"ln_ppl_ratio_interval", &x->ln_ppl_ratio_interval}};
    json_t *o =
        json_pack("{s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o, "
                  "s:o, s:o}",
                  "documents", (json_int_t)x->documents, "characters", (json_int_t)x->characters,
                  "tokens", (json_int_t)x->tokens, "mean_kl", x->mean_kl, "mean_dp", x->mean_dp,
                  "rms_dp", x->rms_dp, "same_top", x->same_top, "ln_ppl", x->ln_ppl, "ln_ppl_base",
                  x->ln_ppl_base, "ln_ppl_ratio", x->ln_ppl_ratio, "bpc", x->bpc, "bpc_base",
                  x->bpc_base, "correlation", real(x->correlation), "kl", percentiles(x->kl), "dp",
                  percentiles(x->dp), "by_position", positions(x));
    int bad = !o;

    for (size_t i = 0; i < sizeof(intervals) / sizeof(*intervals) && !bad; i++)
        bad = json_object_set_new(o, intervals[i].name, cril_json_interval(intervals[i].interval));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *corpus_figures(const struct cril_diverging *d, size_t model)
{
    json_t *list = json_array();
    int bad = !list;

    for (size_t i = 0; i < d->n_corpora && !bad; i++) {
        json_t *o = figures(cril_diverging_figures(d, model, i));

        bad = json_object_set_new(o, "corpus", cril_json_string(d->bases[i].corpus_path)) ||
              json_object_set_new(o, "sha256", json_string(d->bases[i].corpus_sha256));
        bad |= json_array_append_new(list, o);
    }
    if (!bad)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *text_of(const struct cril_diverging *d, const int32_t *ids, size_t n)
{
    size_t len;
    char *text = cril_diverging_text(d, ids, n, &len);
    json_t *json = text ? cril_json_text(text, len) : NULL;

    free(text);
    return json;
}

static json_t *worst(const struct cril_diverging *d, size_t model)
{
    size_t n;
    const cril_diverging_token *w = cril_diverge_worst(d->diverger, model, &n);
    json_t *list = json_array();
    int bad = !list;

    for (size_t i = 0; i < n && i < d->top && !bad; i++, w++)
        bad = json_array_append_new(
            list,
            json_pack("{s:o, s:I, s:I, s:i, s:f, s:f, s:f, s:o, s:o, s:o}", "corpus",
                      cril_json_string(d->bases[w->corpus].corpus_path), "document",
                      (json_int_t)w->document, "position", (json_int_t)w->position, "id",
                      (int)w->id, "kl", w->kl, "nats", w->nats, "nats_base", w->nats_base, "before",
                      text_of(d, w->window, w->n_before), "text", text_of(d, &w->id, 1), "after",
                      text_of(d, w->window + w->n_before + 1, w->n_after)));
    if (!bad)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *model_json(const struct cril_diverging *d, size_t model)
{
    const cril_model *m = d->models[model];

    return json_pack("{s:o, s:o, s:s, s:s, s:I, s:I, s:f, s:o}", "path",
                     cril_json_string(cril_model_path(d->models[model])), "name",
                     cril_json_string(cril_model_name(m)), "types", cril_model_types(m), "sha256",
                     d->sha256[model], "parameters", (json_int_t)cril_model_parameters(m), "bytes",
                     (json_int_t)cril_model_bytes(m), "bits_a_weight",
                     cril_diverging_bits_a_weight(m), "tokens_a_second",
                     real(cril_diverge_speed(d->diverger, model)));
}

static json_t *other_json(const struct cril_diverging *d, size_t model)
{
    json_t *o = figures(cril_diverging_figures(d, model, SIZE_MAX));

    if (!json_object_set_new(o, "model", model_json(d, model)) &&
        !json_object_set_new(o, "corpora", corpus_figures(d, model)) &&
        !json_object_set_new(o, "worst", worst(d, model)))
        return o;
    json_decref(o);
    return NULL;
}

json_t *cril_diverging_json(const struct cril_diverging *d)
{
    json_t *list = json_array();
    int bad = !list;

    for (size_t i = 1; i < d->n_models && !bad; i++)
        bad = json_array_append_new(list, other_json(d, i));
    if (bad) {
        json_decref(list);
        return NULL;
    }
    return json_pack(
        "{s:s, s:i, s:i, s:s, s:I, s:I, s:I, s:o, s:o}", "version", CRIL_VERSION, "numerics",
        CRIL_NUMERICS, "rules", CRIL_RULES, "protocol", d->bases[0].protocol, "context",
        (json_int_t)d->bases[0].context, "stride", (json_int_t)d->bases[0].stride, "ids",
        (json_int_t)cril_diverge_ids(d->diverger), "base", model_json(d, 0), "models", list);
}
