/*
 * The JSON of cril leak -m (doc/leak.md, "JSON"). Every function returns NULL when out of memory;
 * json_pack and json_object_set_new take NULL for a value and fail.
 */
#include "leaking.h"

#include <string.h>

/* ---- Documents ---- */

/* Sets {"name": value}, of a family {"name": {"k": value}}. */
static int set_score(json_t *o, size_t score, double value)
{
    unsigned k;
    const char *name = cril_membership_score_name(score, &k);
    json_t *family = json_object_get(o, name);
    char key[16];

    if (!k)
        return json_object_set_new(o, name, json_real(value));
    if (!family &&
        (json_object_set_new(o, name, json_object()) || !(family = json_object_get(o, name))))
        return -1;
    snprintf(key, sizeof(key), "%u", k);
    return json_object_set_new(family, key, json_real(value));
}

static json_t *document_json(const cril_membership_document *d)
{
    json_t *o = json_pack("{sI sI sI}", "document", (json_int_t)d->index, "line",
                          (json_int_t)d->line, "tokens", (json_int_t)d->tokens);
    int bad = !o;

    if (!bad && *d->date)
        bad = json_object_set_new(o, "date", json_string(d->date));
    if (!bad && d->too_short)
        bad = json_object_set_new(o, "too_short", json_true());
    for (size_t i = 0; i < CRIL_MEMBERSHIP_SCORES && !bad; i++)
        if (d->has[i])
            bad = set_score(o, i, d->scores[i]);
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *documents_json(const cril_membership_corpus *c)
{
    json_t *list = json_array();
    int bad = !list;

    for (size_t i = 0; i < c->n && !bad; i++)
        bad = json_array_append_new(list, document_json(&c->documents[i]));
    if (!bad)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *corpora_json(const struct cril_leak_found *x)
{
    json_t *list = json_array();
    cril_membership_corpus c;
    int bad = !list;

    for (size_t i = 0; !bad && cril_membership_corpus_at(x->membership, i, &c); i++)
        bad = json_array_append_new(
            list,
            json_pack("{so ss sb sI sI sf so so}", "corpus", cril_json_string(x->run->corpora[i]),
                      "sha256", c.result->corpus_sha256, "control", c.is_control, "n",
                      (json_int_t)c.n, "too_short", (json_int_t)c.too_short, "bpc",
                      cril_result_bpc(c.result), "bpc_interval",
                      cril_json_interval(&c.result->interval), "documents", documents_json(&c)));
    if (!bad)
        return list;
    json_decref(list);
    return NULL;
}

/* ---- Set and control ---- */

static json_t *separation_json(const cril_membership_separation *x)
{
    const cril_separation *s = &x->separation;

    return json_pack("{sI sI sf so sf so sf so}", "set", (json_int_t)x->n_set, "control",
                     (json_int_t)x->n_control, "auc", s->auc, "auc_interval",
                     cril_json_interval(&s->auc_interval), "tpr_at_1", s->tpr_1,
                     "tpr_at_1_interval", cril_json_interval(&s->tpr_1_interval), "tpr_at_5",
                     s->tpr_5, "tpr_at_5_interval", cril_json_interval(&s->tpr_5_interval));
}

static json_t *score_json(size_t score, const cril_membership_separation *x)
{
    unsigned k;
    json_t *o = json_pack("{ss}", "score", cril_membership_score_name(score, &k));
    int bad = !o;

    if (!bad && k)
        bad = json_object_set_new(o, "k", json_integer(k));
    if (!bad)
        bad = json_object_set_new(o, "set_mean", json_real(x->set)) ||
              json_object_set_new(o, "control_mean", json_real(x->control)) ||
              json_object_update_new(o, separation_json(x));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *separations_json(const struct cril_leak_found *x)
{
    json_t *list = json_array();
    int bad = !list;

    for (size_t i = 0; i < CRIL_MEMBERSHIP_SCORES && !bad; i++)
        if (x->separations[i].n_set && x->separations[i].n_control)
            bad = json_array_append_new(list, score_json(i, &x->separations[i]));
    if (!bad)
        return list;
    json_decref(list);
    return NULL;
}

/* ---- By time ---- */

static json_t *months_json(const cril_membership_times *t)
{
    json_t *list = json_array();
    int bad = !list;

    for (size_t i = 0; i < t->n && !bad; i++)
        bad = json_array_append_new(list, json_pack("{ss sI sf so}", "month", t->months[i].month,
                                                    "documents", (json_int_t)t->months[i].documents,
                                                    "bpc", t->months[i].bpc, "bpc_interval",
                                                    cril_json_interval(&t->months[i].interval)));
    if (!bad)
        return list;
    json_decref(list);
    return NULL;
}

/* null: no break can be made. */
static json_t *change_json(const cril_membership_times *t)
{
    const cril_change *c = &t->change;

    return c->at ? json_pack("{ss sf sf sf sI sI}", "from", t->months[c->at].month, "bpc_before",
                             c->before, "bpc_after", c->after, "p", c->p, "permutations",
                             (json_int_t)c->permutations, "seed", (json_int_t)c->seed)
                 : json_null();
}

/* ---- All ---- */

/* null: there is none. */
static json_t *model_json(cril_model *m)
{
    char sha256[65];

    if (!m)
        return json_null();
    return cril_model_sha256(m, sha256, NULL) == CRIL_OK
               ? json_pack("{so so ss}", "model", cril_json_string(cril_model_name(m)), "path",
                           cril_json_string(cril_model_path(m)), "sha256", sha256)
               : NULL;
}

json_t *cril_leak_json(const struct cril_leak_found *x)
{
    static const char *const texts[] = {[CRIL_TEXTS_ALIKE] = "alike",
                                        [CRIL_TEXTS_DIFFER] = "differ",
                                        [CRIL_TEXTS_TOO_FEW] = "too few"};
    cril_membership_corpus first;
    json_t *o = NULL;
    int bad;

    if (cril_membership_corpus_at(x->membership, 0, &first))
        o = json_pack("{so so si si ss si si so}", "model", model_json(x->model), "reference",
                      model_json(x->reference), "context", (int)first.result->context, "stride",
                      (int)first.result->stride, "version", first.result->version, "numerics",
                      first.result->numerics, "rules", first.result->rules, "corpora",
                      corpora_json(x));
    bad = !o;
    if (!bad && x->times.n)
        bad = json_object_set_new(o, "months", months_json(&x->times)) ||
              json_object_set_new(o, "undated", json_integer((json_int_t)x->times.undated)) ||
              json_object_set_new(o, "change", change_json(&x->times));
    if (!bad && x->has_control)
        bad = json_object_set_new(o, "separations", separations_json(x)) ||
              json_object_set_new(o, "blind",
                                  x->has_blind ? separation_json(&x->blind) : json_null()) ||
              json_object_set_new(
                  o, "texts",
                  json_string(texts[cril_membership_judge(x->has_blind ? &x->blind : NULL)]));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}
