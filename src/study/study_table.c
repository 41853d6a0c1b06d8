/*
 * All numbers of a study. A model and a corpus are found by the study's names for them; their cell
 * counts once all of the corpus's documents are there, so a run that is under way shows nothing
 * half.
 */
#include "study/query.h"
#include "study/store.h"

#include "score/protocol.h"
#include "score/result.h"
#include "util/fail.h"
#include "util/size.h"

#include <math.h>
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

/* The sources, one after another in a list that the table owns. */
struct sources {
    cril_figure *rows;
    size_t n, size;
};

struct table {
    cril_store *store;
    const cril_study_info *study;
    const cril_study_protocol *protocol;
    cril_study_table t;
    struct sources *sources;
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

static cril_status look_up_measured(const struct table *x, const cril_store_model *m,
                                    const cril_store_corpus *c, cril_known *out, cril_error *err)
{
    cril_document_score *rows;
    cril_cell cell;
    size_t n;
    cril_status st = cril_cell_of(m, c, x->protocol, &cell, err);

    if (st != CRIL_OK ||
        (st = cril_store_rows(x->store, &cell, c->documents, &rows, &n, err)) != CRIL_OK)
        return st;
    if (n == c->documents)
        st = figure(x->store, rows, n, out, err);
    free(rows);
    return st;
}

static cril_status look_up_imported(struct table *x, cril_figure_kind kind, const char *model,
                                    const char *of, cril_known *out, cril_error *err)
{
    struct sources *l = x->sources;
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
    *out = (cril_known){
        .value = row.value, .se = row.se, .origin = CRIL_ORIGIN_IMPORTED, .source = row.source};
    return CRIL_OK;
}

static cril_status look_up_model(struct table *x, size_t i, cril_error *err)
{
    const char *name = x->study->models[i].name;
    cril_known *bpc = x->t.bpc + i * x->t.n_corpora, *score = x->t.score + i * x->t.n_benchmarks;
    cril_store_model m;
    cril_store_corpus c;
    bool found_model, found;
    cril_status st = cril_store_find_model(x->store, name, &m, &found_model, err);

    for (size_t k = 0; k < x->t.n_corpora && st == CRIL_OK; k++) {
        found = false;
        if (found_model)
            st = cril_store_find_corpus(x->store, x->study->corpora[k].name, &c, &found, err);
        if (st == CRIL_OK && found)
            st = look_up_measured(x, &m, &c, &bpc[k], err);
        if (st == CRIL_OK && bpc[k].origin == CRIL_ORIGIN_NONE)
            st =
                look_up_imported(x, CRIL_FIGURE_BPC, name, x->study->corpora[k].name, &bpc[k], err);
    }
    for (size_t k = 0; k < x->t.n_benchmarks && st == CRIL_OK; k++)
        st = look_up_imported(x, CRIL_FIGURE_SCORE, name, x->study->benchmarks[k].name, &score[k],
                              err);
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

cril_status cril_store_table(cril_store *s, const cril_study_info *study,
                             const cril_study_protocol *protocol, cril_study_table *out,
                             cril_error *err)
{
    if (CRIL_LACKS(err, s, study, protocol, out))
        return CRIL_ERR_RANGE;

    struct table x = {.store = s,
                      .study = study,
                      .protocol = protocol,
                      .t = {.n_models = study->n_models,
                            .n_corpora = study->n_corpora,
                            .n_benchmarks = study->n_benchmarks}};
    cril_status st;

    x.t.bpc = make_unknown(study->n_models, study->n_corpora);
    x.t.score = make_unknown(study->n_models, study->n_benchmarks);
    x.t.owned = x.sources = calloc(1, sizeof(*x.sources));
    st = x.t.bpc && x.t.score && x.sources ? cril_store_begin(s, false, err) : no_memory(s, err);
    if (st == CRIL_OK) {
        for (size_t i = 0; i < study->n_models && st == CRIL_OK; i++)
            st = look_up_model(&x, i, err);
        st = cril_store_end(s, st, err);
    }
    if (st == CRIL_OK)
        *out = x.t;
    else
        cril_study_table_free(&x.t);
    return st;
}

void cril_study_table_free(cril_study_table *t)
{
    struct sources *l;

    if (!t)
        return;
    if ((l = t->owned))
        cril_imports_free(l->rows, l->n);
    free(l);
    free(t->bpc);
    free(t->score);
    *t = (cril_study_table){0};
}
