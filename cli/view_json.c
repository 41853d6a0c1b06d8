/* A view as JSON (doc/view.md, "JSON"): columns of numbers, one row a token. */
#include "output.h"
#include "viewing.h"

#include <math.h>

static json_t *real_or_null(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

/* ---- Tokens ---- */

static json_t *tokens_json(const cril_view *v)
{
    json_t *id = json_array(), *start = json_array(), *end = json_array(), *text = json_array();
    const cril_tokenizer *t = cril_model_tokenizer(v->models[0].model);
    int bad = !id || !start || !end || !text;

    for (size_t i = 0; !bad && i < v->n_tokens; i++) {
        size_t len = 0;
        const char *piece = cril_tokenizer_piece(t, v->tokens[i].id, &len);

        bad = json_array_append_new(id, json_integer(v->tokens[i].id)) ||
              json_array_append_new(start, json_integer((json_int_t)v->tokens[i].start)) ||
              json_array_append_new(end, json_integer((json_int_t)v->tokens[i].end)) ||
              json_array_append_new(text, cril_json_text(piece ? piece : "", len));
    }
    return json_pack(bad ? "" : "{so, so, so, so}", "id", id, "start", start, "end", end, "text",
                     text);
}

/* ---- A model's scores ---- */

/* [[id, nats], ...] */
static json_t *likely_json(const cril_token_details *d)
{
    json_t *all = json_array();

    for (size_t i = 0; all && i < d->n_likely; i++)
        if (json_array_append_new(all, json_pack("[if]", (int)d->likely[i].id, d->likely[i].nats)))
            return NULL;
    return all;
}

static int add_score(const cril_view_score *s, json_t *nats, json_t *rank, json_t *entropy,
                     json_t *likely)
{
    const bool known = s->details.rank != 0;

    return json_array_append_new(nats, real_or_null(s->nats)) ||
           json_array_append_new(rank,
                                 known ? json_integer((json_int_t)s->details.rank) : json_null()) ||
           json_array_append_new(entropy, known ? real_or_null(s->details.entropy) : json_null()) ||
           json_array_append_new(likely, likely_json(&s->details));
}

static json_t *model_json(const cril_view *v, size_t model)
{
    const cril_view_model *m = &v->models[model];
    json_t *nats = json_array(), *rank = json_array(), *entropy = json_array(),
           *likely = json_array();
    int bad = !nats || !rank || !entropy || !likely;

    for (size_t i = 0; !bad && i < v->n_tokens; i++)
        bad = add_score(&m->scores[i], nats, rank, entropy, likely);
    return json_pack(bad ? "" : "{so, so, so, ss, sf, sf, sI, so, so, so, so}", "path",
                     cril_json_string(cril_model_path(m->model)), "name",
                     cril_json_string(cril_model_name(m->model)), "types",
                     cril_json_string(cril_model_types(m->model)), "sha256", m->result.model_sha256,
                     "bits", cril_result_bits(&m->result), "bpc", cril_result_bpc(&m->result),
                     "scored_tokens", (json_int_t)m->result.scored_tokens, "nats", nats, "rank",
                     rank, "entropy", entropy, "likely", likely);
}

json_t *cril_viewing_json(const cril_view *v, const char *corpus, uint64_t document)
{
    const cril_result *r = &v->models[0].result;
    json_t *models = json_array();

    for (size_t i = 0; models && i < v->n_models; i++)
        if (json_array_append_new(models, model_json(v, i)))
            return NULL;
    return json_pack("{ss, si, si, ss, sI, sI, so, sI, sI, sI, so, so}", "version", r->version,
                     "numerics", r->numerics, "rules", r->rules, "protocol", r->protocol, "context",
                     (json_int_t)r->context, "stride", (json_int_t)r->stride, "corpus",
                     cril_json_string(corpus), "document", (json_int_t)document, "bytes",
                     (json_int_t)v->len_bytes, "characters", (json_int_t)r->characters, "models",
                     models, "tokens", tokens_json(v));
}
