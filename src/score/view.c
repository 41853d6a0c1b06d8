/*
 * A text with what models say of each token (cril/view.h): the text is a corpus of one document,
 * which a scorer of each model takes; the tokens of its stream are laid beside the text (spans.h).
 */
#include <cril/view.h>

#include "model/model.h"
#include "score/layout.h"
#include "score/others.h"
#include "score/spans.h"
#include "tokenizer/tokenizer.h"
#include "util/fail.h"
#include "util/size.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for a view", path);
}

/* ---- The stream ---- */

/* The ids of the text's stream, as the scorer makes them. */
static cril_status encode(const cril_model *m, const struct cril_protocol *p, const char *path,
                          const cril_view *v, cril_ids *ids, cril_error *err)
{
    const cril_tokenizer *t = cril_model_tokenizer(m);
    cril_error why;
    cril_status st = CRIL_OK;

    if (p->special_once && cril_tokenizer_adds_bos(t))
        st = cril_ids_push(ids, cril_tokenizer_bos(t), &why);
    if (st == CRIL_OK)
        st = cril_tokenizer_encode(t, v->text, v->len_bytes, p->encode, ids, &why);
    if (st == CRIL_OK && p->special_once && cril_tokenizer_adds_eos(t))
        st = cril_ids_push(ids, cril_tokenizer_eos(t), &why);
    return st == CRIL_OK ? st
                         : cril_fail(err, st, "%s: cannot be tokenised by %s: %s", path,
                                     cril_model_path(m), why.message);
}

static cril_status take_tokens(cril_view *v, const cril_ids *ids, const char *path, cril_error *err)
{
    v->n_tokens = ids->n;
    if (!(v->tokens = calloc(ids->n + 1, sizeof(*v->tokens))))
        return no_memory(path, err);
    for (size_t i = 0; i < ids->n; i++)
        v->tokens[i].id = ids->data[i];
    if (ids->n) /* the scorer says so where there is none */
        cril_spans_place(cril_model_tokenizer(v->models[0].model), v->text, v->len_bytes, v->tokens,
                         v->n_tokens);
    return CRIL_OK;
}

/* The second model may have no other tokens than the first one. */
static cril_status check_second(const cril_view *v, const struct cril_protocol *p,
                                const struct cril_layout *l, const char *path, const cril_ids *ids,
                                cril_error *err)
{
    const cril_model *m = v->models[1].model;
    const cril_document doc = {.file = path};
    cril_ids own = {0};
    cril_status st = cril_others_check_model(v->models[0].model, m, p, l, err);

    if (st == CRIL_OK)
        st = encode(m, p, path, v, &own, err);
    if (st == CRIL_OK)
        st = cril_others_check_ids(m, &doc, &own, ids->data, ids->n, err);
    cril_ids_free(&own);
    return st;
}

static cril_status make_stream(cril_view *v, const struct cril_protocol *p,
                               const cril_score_options *o, const char *path, struct cril_layout *l,
                               cril_error *err)
{
    cril_ids ids = {0};
    cril_status st;

    if (p->fill_records)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: the protocol %s puts the text into a record of its own, of which a "
                         "view would show more than the text; use the protocol document",
                         path, p->name);
    st = cril_layout_choose(p, v->models[0].model, o->context, o->stride, l, err);
    if (st == CRIL_OK)
        st = encode(v->models[0].model, p, path, v, &ids, err);
    if (st == CRIL_OK && v->n_models > 1)
        st = check_second(v, p, l, path, &ids, err);
    if (st == CRIL_OK)
        st = take_tokens(v, &ids, path, err);
    cril_ids_free(&ids);
    return st;
}

/* ---- Scores ---- */

/* A model at work. */
struct pass {
    cril_view *v;
    size_t model;
    const cril_score_callbacks *callbacks;
    double forward_tokens; /* that a model takes; a scorer's own share is that of the reading, which
                              is at its end at once */
    bool handed_out;       /* the text */
    bool is_lost;          /* a token came that the stream does not have there */
};

static int next_document(void *user, cril_document *doc)
{
    struct pass *p = user;

    if (p->handed_out)
        return 0;
    doc->text = p->v->text;
    doc->len_bytes = p->v->len_bytes;
    p->handed_out = true;
    return 0;
}

static int on_token(void *user, const cril_token_score *t)
{
    struct pass *p = user;
    cril_view_score *s;

    if (t->position >= p->v->n_tokens || p->v->tokens[t->position].id != t->id) {
        p->is_lost = true;
        return 1;
    }
    s = &p->v->models[p->model].scores[t->position];
    s->nats = t->nats;
    if (t->details)
        s->details = *t->details;
    return 0;
}

static int on_progress(void *user, const cril_score_progress *progress)
{
    const struct pass *p = user;
    cril_score_progress all = *progress;

    if (!p->callbacks || !p->callbacks->on_progress)
        return 0;
    all.fraction = ((double)p->model + (double)progress->forward_tokens / p->forward_tokens) /
                   (double)p->v->n_models;
    return p->callbacks->on_progress(p->callbacks->user, &all);
}

static cril_status score(struct pass *p, cril_scorer *s, const char *path, cril_error *err)
{
    const cril_corpus_source source = {
        .user = p, .next = next_document, .name = path, .total_bytes = p->v->len_bytes};
    const cril_score_callbacks own = {.user = p, .on_token = on_token, .on_progress = on_progress};
    cril_corpus *c;
    cril_status st = cril_corpus_create(&source, &c, err);

    if (st != CRIL_OK)
        return st;
    st = cril_score_corpus(s, c, path, &own, &p->v->models[p->model].result, err);
    cril_corpus_close(c);
    return p->is_lost ? cril_fail(err, CRIL_ERR_MISMATCH,
                                  "%s: the scorer's tokens are not those of the view", path)
                      : st;
}

/* Inputs of all windows. */
static double count_forward_tokens(const struct cril_protocol *p, const struct cril_layout *l,
                                   uint64_t n)
{
    struct cril_span span;
    double sum = 0;

    for (uint64_t k = 0; p->window(l, k, n, true, &span); k++)
        sum += (double)cril_span_inputs(&span);
    return sum > 0 ? sum : 1;
}

static cril_status take_scores(cril_view *v, size_t model, const cril_score_options *options,
                               const char *path, double forward_tokens,
                               const cril_score_callbacks *callbacks, cril_error *err)
{
    struct pass p = {
        .v = v, .model = model, .callbacks = callbacks, .forward_tokens = forward_tokens};
    cril_view_model *m = &v->models[model];
    cril_scorer *s = NULL;
    cril_status st;

    if (!(m->scores = calloc(v->n_tokens + 1, sizeof(*m->scores))))
        return no_memory(path, err);
    for (size_t i = 0; i < v->n_tokens; i++)
        m->scores[i].nats = NAN;
    st = cril_scorer_create(m->model, options, &s, err);
    if (st == CRIL_OK)
        st = score(&p, s, path, err);
    cril_scorer_free(s);
    return st;
}

/* ---- Life ---- */

static cril_status fill(cril_view *v, const cril_score_options *options, const char *path,
                        const cril_score_callbacks *callbacks, cril_error *err)
{
    cril_score_options o = options ? *options : (cril_score_options){0};
    const struct cril_protocol *p = cril_protocol_find(o.protocol);
    struct cril_layout l = {0};
    cril_status st;

    o.baselines = false;
    o.details = true;
    if (!p)
        return cril_fail(err, CRIL_ERR_RANGE, "protocol \"%s\" is not known to cril", o.protocol);
    st = make_stream(v, p, &o, path, &l, err);
    o.context = l.context; /* that of the first model, for both */
    for (size_t i = 0; i < v->n_models && st == CRIL_OK; i++)
        st = take_scores(v, i, &o, path, count_forward_tokens(p, &l, v->n_tokens), callbacks, err);
    return st;
}

cril_status cril_view_create(cril_model *const *models, size_t n, const cril_score_options *options,
                             const char *path, const char *text, size_t len_bytes,
                             const cril_score_callbacks *callbacks, cril_view **out,
                             cril_error *err)
{
    if (CRIL_LACKS(err, models, path, text, out))
        return CRIL_ERR_RANGE;
    if (n < 1 || n > CRIL_VIEW_MAX_MODELS || !len_bytes)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: a view is of a text that is not empty, by one or two models", path);
    for (size_t i = 0; i < n; i++)
        if (CRIL_LACKS(err, models[i]))
            return CRIL_ERR_RANGE;

    cril_view *v = calloc(1, sizeof(*v));
    cril_status st;

    if (!v || !(v->text = malloc(len_bytes))) {
        free(v);
        return no_memory(path, err);
    }
    memcpy(v->text, text, len_bytes);
    v->len_bytes = len_bytes;
    v->n_models = n;
    for (size_t i = 0; i < n; i++)
        v->models[i].model = models[i];
    st = fill(v, options, path, callbacks, err);
    if (st == CRIL_OK)
        *out = v;
    else
        cril_view_free(v);
    return st;
}

void cril_view_free(cril_view *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->n_models; i++) {
        free(v->models[i].scores);
        cril_result_free(&v->models[i].result);
    }
    free(v->tokens);
    free(v->text);
    free(v);
}
