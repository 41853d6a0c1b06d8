/*
 * All numbers of a study as it is now (current.c). A cell counts once all of the corpus's
 * documents, or the benchmark's items, are there, so that a run under way shows no partial figure.
 * A figure that is out of date is kept apart, and nothing is computed from it.
 */
#include "study/current.h"
#include "study/store.h"

#include "score/protocol.h"
#include "score/result.h"
#include "util/fail.h"
#include "util/size.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cril_status cril_cell_of(const cril_store_model *m, const cril_store_corpus *c,
                         const cril_study_protocol *p, cril_cell *out, cril_error *err)
{
    if (CRIL_LACKS(err, m, c, p, out))
        return CRIL_ERR_RANGE;

    const struct cril_protocol *protocol = cril_protocol_find(p->name);
    struct cril_layout l;
    cril_cell cell = {.numerics = CRIL_NUMERICS, .rules = CRIL_RULES};

    if (!protocol)
        return cril_fail(err, CRIL_ERR_RANGE, "protocol \"%.40s\" is not known to cril", p->name);
    cril_protocol_lay(protocol, p->context, p->stride, (size_t)m->context, &l);
    memcpy(cell.model, m->sha256, sizeof(cell.model));
    memcpy(cell.text, c->text, sizeof(cell.text));
    cell.documents = protocol->per_document ? 0 : c->documents;
    memcpy(cell.protocol, protocol->name, strlen(protocol->name) + 1);
    cell.context = l.context;
    cell.stride = l.stride;
    *out = cell;
    return CRIL_OK;
}

cril_status cril_divergence_cell_of(const cril_store_model *m, const cril_store_model *base,
                                    const cril_store_corpus *c, const cril_study_protocol *p,
                                    cril_cell *out, cril_error *err)
{
    if (CRIL_LACKS(err, m, base, out))
        return CRIL_ERR_RANGE;

    const cril_status st = cril_cell_of(base, c, p, out, err);

    if (st == CRIL_OK) {
        memcpy(out->base, base->sha256, sizeof(out->base));
        memcpy(out->model, m->sha256, sizeof(out->model));
    }
    return st;
}

/* Texts, one after another in lists that the table owns. */
struct texts {
    cril_figure *rows; /* [n] with their sources */
    size_t n, size;
    char **text; /* [n_text] */
    size_t n_text, text_size;
};

struct table {
    cril_store *store;
    const cril_study_info *study;
    const cril_study_protocol *protocol;
    cril_current *current;
    cril_study_table t;
    struct texts *texts;
};

static cril_status no_memory(const cril_store *s, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for the study's table", s->path);
}

/* A cell's rows to its figure. */
static cril_status figure(const cril_store *s, cril_document_score *rows, size_t n, cril_known *out,
                          cril_error *err)
{
    cril_result r = {.per_document = rows, .documents = n};
    cril_error why;
    double se;

    cril_result_add_up(&r);
    if (!r.characters)
        return CRIL_OK;
    if (cril_result_error(&r, &se, &why) != CRIL_OK)
        return cril_fail(err, why.status, "%s: %s", s->path, why.message);
    *out = (cril_known){.value = cril_result_bpc(&r),
                        .se = se,
                        .origin = CRIL_ORIGIN_MEASURED,
                        .source = "",
                        .unspelled_characters = r.unspelled_characters,
                        .unspelled_documents = r.unspelled_documents,
                        .escapes = 8 * (double)r.escape_bytes / (double)r.characters};
    return CRIL_OK;
}

/* The figure of documents that are all there. */
static cril_status measure(const struct table *x, const cril_cell *cell, uint64_t n_documents,
                           cril_known *out, cril_error *err)
{
    cril_document_score *rows;
    size_t n;
    cril_status st = cril_store_rows(x->store, cell, n_documents, &rows, &n, err);

    if (st != CRIL_OK)
        return st;
    st = figure(x->store, rows, n, out, err);
    free(rows);
    return st;
}

/* A copy of a text that the table owns. */
static cril_status keep_text(struct table *x, const char *text, const char **out, cril_error *err)
{
    struct texts *l = x->texts;
    char **list = cril_size_grow(l->text, &l->text_size, l->n_text, 1, sizeof(*list));

    if (!list)
        return no_memory(x->store, err);
    l->text = list;
    if (!(list[l->n_text] = strdup(text)))
        return no_memory(x->store, err);
    *out = list[l->n_text++];
    return CRIL_OK;
}

static cril_status keep_old(struct table *x, const cril_cell_state *state, cril_known *out,
                            cril_error *err)
{
    cril_known old = {.value = NAN, .source = ""};
    cril_status st = keep_text(x, state->why, &out->out_of_date, err);

    if (st == CRIL_OK)
        st = measure(x, &state->old_cell, state->old_corpus.documents, &old, err);
    out->was = old.value;
    return st;
}

static cril_status look_up_measured(struct table *x, size_t model, size_t corpus, cril_known *out,
                                    cril_error *err)
{
    cril_cell_state state;
    cril_status st = cril_current_cell(x->current, model, corpus, x->protocol, &state, err);

    if (st == CRIL_OK && state.complete)
        st = measure(x, &state.cell, state.corpus.documents, out, err);
    if (st == CRIL_OK && state.out_of_date)
        st = keep_old(x, &state, out, err);
    return st;
}

static cril_status look_up_divergence(struct table *x, size_t model, size_t corpus,
                                      cril_known_divergence *out, cril_error *err)
{
    cril_known_divergence old = {0};
    cril_cell_state state;
    cril_status st = cril_current_divergence(x->current, model, corpus, x->protocol, &state, err);

    if (st == CRIL_OK && state.complete)
        st = cril_store_divergence(x->store, &state.cell, &state.corpus, NULL, out, err);
    if (st != CRIL_OK || !state.out_of_date ||
        (st = keep_text(x, state.why, &out->out_of_date, err)) != CRIL_OK)
        return st;
    st = cril_store_divergence(x->store, &state.old_cell, &state.old_corpus, NULL, &old, err);
    out->was = old.tokens ? old.mean_kl : NAN;
    return st;
}

/* By which task and protocol, of how many items. */
static cril_status name_source(struct table *x, const cril_store_benchmark *b,
                               const cril_score_of_items *score, cril_known *out, cril_error *err)
{
    char source[400], errors[64] = "";

    if (score->errors)
        snprintf(errors, sizeof(errors), ", %" PRIu64 " of which could not be run", score->errors);
    snprintf(source, sizeof(source), "cril: %s by %s (%.12s), %" PRIu64 " item%s%s", b->task,
             b->protocol, b->protocol_sha256, score->items, score->items == 1 ? "" : "s", errors);
    return keep_text(x, source, &out->source, err);
}

static cril_status look_up_score(struct table *x, size_t model, size_t benchmark, cril_known *out,
                                 cril_error *err)
{
    cril_score_of_items score;
    cril_score_state state;
    cril_status st = cril_current_score(x->current, model, benchmark, &state, err);

    if (st == CRIL_OK && state.complete &&
        (st = cril_store_score(x->store, &state.cell, &state.benchmark, &score, err)) == CRIL_OK &&
        !isnan(score.value)) {
        out->value = score.value;
        out->se = score.se;
        out->origin = CRIL_ORIGIN_MEASURED;
        st = name_source(x, &state.benchmark, &score, out, err);
    }
    if (st != CRIL_OK || !state.out_of_date ||
        (st = keep_text(x, state.why, &out->out_of_date, err)) != CRIL_OK)
        return st;
    /* by a protocol that this cril may not have any more */
    st = cril_store_score(x->store, &state.old_cell, &state.old_benchmark, &score, err);
    out->was = st == CRIL_OK ? score.value : NAN;
    return st == CRIL_ERR_UNSUPPORTED ? CRIL_OK : st;
}

static cril_status look_up_imported(struct table *x, cril_figure_kind kind, const char *model,
                                    const char *of, cril_known *out, cril_error *err)
{
    struct texts *l = x->texts;
    cril_figure row, *rows;
    bool found;
    cril_status st = cril_store_find_import(x->store, kind, model, of, &row, &found, err);

    if (st != CRIL_OK || !found)
        return st;
    if (!(rows = cril_size_grow(l->rows, &l->size, l->n, 1, sizeof(*rows)))) {
        cril_figure_free(&row);
        return no_memory(x->store, err);
    }
    l->rows = rows;
    l->rows[l->n++] = row;
    out->value = row.value;
    out->se = row.se;
    out->origin = CRIL_ORIGIN_IMPORTED;
    out->source = row.source;
    return CRIL_OK;
}

/* By the model's name, else by one that it had before. */
static cril_status look_up_either(struct table *x, cril_figure_kind kind, size_t model,
                                  const char *of, cril_known *out, cril_error *err)
{
    const char *name = x->study->models[model].name;
    cril_status st = CRIL_OK;

    for (size_t i = 0; name && st == CRIL_OK && out->origin == CRIL_ORIGIN_NONE; i++) {
        st = look_up_imported(x, kind, name, of, out, err);
        name = cril_current_former_name(x->current, model, i);
    }
    return st;
}

static cril_status look_up_model(struct table *x, size_t i, cril_error *err)
{
    cril_known *bpc = x->t.bpc + i * x->t.n_corpora, *score = x->t.score + i * x->t.n_benchmarks;
    cril_known_divergence *divergence = x->t.divergence + i * x->t.n_corpora;
    cril_status st = CRIL_OK;

    for (size_t k = 0; k < x->t.n_corpora && st == CRIL_OK; k++) {
        st = look_up_measured(x, i, k, &bpc[k], err);
        if (st == CRIL_OK && bpc[k].origin == CRIL_ORIGIN_NONE)
            st = look_up_either(x, CRIL_FIGURE_BPC, i, x->study->corpora[k].name, &bpc[k], err);
        if (st == CRIL_OK)
            st = look_up_divergence(x, i, k, &divergence[k], err);
    }
    for (size_t k = 0; k < x->t.n_benchmarks && st == CRIL_OK; k++) {
        st = look_up_score(x, i, k, &score[k], err);
        if (st == CRIL_OK && score[k].origin == CRIL_ORIGIN_NONE)
            st = look_up_either(x, CRIL_FIGURE_SCORE, i, x->study->benchmarks[k].name, &score[k],
                                err);
    }
    return st;
}

static cril_status count_corpora(struct table *x, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < x->t.n_corpora && st == CRIL_OK; i++) {
        cril_store_corpus c;

        if (!cril_current_corpus(x->current, i, &c))
            continue;
        x->t.corpora[i].documents = c.documents;
        x->t.corpora[i].characters = c.characters;
        x->t.corpora[i].bytes = c.bytes;
        st = cril_store_find_text(x->store, c.text, &x->t.corpora[i].all, err);
    }
    return st;
}

static cril_known *make_unknown(size_t n_models, size_t n)
{
    size_t size;
    cril_known *k;

    if (!cril_size_mul(n_models, n, &size) || !(k = calloc(size + 1, sizeof(*k))))
        return NULL;
    for (size_t i = 0; i < size; i++)
        k[i] = (cril_known){.value = NAN, .se = NAN, .source = ""};
    return k;
}

static cril_status look_up_all(struct table *x, cril_error *err)
{
    cril_status st = cril_store_begin(x->store, false, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < x->study->n_models && st == CRIL_OK; i++)
        st = look_up_model(x, i, err);
    if (st == CRIL_OK)
        st = count_corpora(x, err);
    return cril_store_end(x->store, st, err);
}

cril_status cril_current_table(cril_current *c, const cril_study_protocol *protocol,
                               cril_study_table *out, cril_error *err)
{
    if (CRIL_LACKS(err, c, protocol, out))
        return CRIL_ERR_RANGE;

    const cril_study_info *study = cril_current_study(c);
    struct table x = {.store = cril_current_store(c),
                      .study = study,
                      .protocol = protocol,
                      .current = c,
                      .t = {.n_models = study->n_models,
                            .n_corpora = study->n_corpora,
                            .n_benchmarks = study->n_benchmarks}};
    size_t n;
    cril_status st;

    x.t.bpc = make_unknown(study->n_models, study->n_corpora);
    x.t.score = make_unknown(study->n_models, study->n_benchmarks);
    if (cril_size_mul(study->n_models, study->n_corpora, &n))
        x.t.divergence = calloc(n + 1, sizeof(*x.t.divergence));
    x.t.corpora = calloc(study->n_corpora + 1, sizeof(*x.t.corpora));
    x.t.owned = x.texts = calloc(1, sizeof(*x.texts));
    st = x.t.bpc && x.t.score && x.t.divergence && x.t.corpora && x.texts ? look_up_all(&x, err)
                                                                          : no_memory(x.store, err);
    if (st == CRIL_OK)
        *out = x.t;
    else
        cril_study_table_free(&x.t);
    return st;
}

/* Files are examined, and hashed where needed, before the store is locked. */
cril_status cril_store_table(cril_store *s, const cril_study_info *study,
                             const cril_study_protocol *protocol, cril_study_table *out,
                             cril_error *err)
{
    if (CRIL_LACKS(err, s, study, protocol, out))
        return CRIL_ERR_RANGE;

    cril_current *c;
    cril_status st = cril_current_look(s, study, &c, err);

    if (st != CRIL_OK)
        return st;
    st = cril_current_table(c, protocol, out, err);
    cril_current_free(c);
    return st;
}

void cril_study_table_free(cril_study_table *t)
{
    struct texts *l;

    if (!t)
        return;
    if ((l = t->owned)) {
        cril_imports_free(l->rows, l->n);
        for (size_t i = 0; i < l->n_text; i++)
            free(l->text[i]);
        free(l->text);
    }
    free(l);
    free(t->bpc);
    free(t->score);
    free(t->divergence);
    free(t->corpora);
    *t = (cril_study_table){0};
}
