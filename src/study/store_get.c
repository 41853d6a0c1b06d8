/*
 * What is read from a store. Every value is checked as it comes from its column (query.h), and
 * against what it must fit: a key against what it is made of, a document against its corpus.
 */
#include "study/query.h"
#include "study/store.h"

#include "score/token_ids.h"
#include "util/fail.h"
#include "util/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Rows ---- */

static void get_model(struct cril_query *q, cril_store_model *m)
{
    static const char what[] = "a model";

    cril_query_get_sha256(q, 0, what, m->sha256);
    cril_query_get_text(q, 1, what, 1, m->architecture, sizeof(m->architecture));
    m->parameters = cril_query_get_count(q, 2, what, CRIL_MAX_COUNT);
    m->bytes = cril_query_get_count(q, 3, what, CRIL_MAX_COUNT);
    m->context = cril_query_get_count(q, 4, what, CRIL_MAX_COUNT);
    if (!m->context)
        cril_query_bad(q, what);
}

#define CORPUS_COLUMNS "id, text, sha256, field, format, lim, documents, characters, bytes"

static void get_corpus(struct cril_query *q, cril_store_corpus *c)
{
    static const char what[] = "a corpus";
    cril_store_corpus copy;

    cril_query_get_sha256(q, 0, what, c->id);
    cril_query_get_sha256(q, 1, what, c->text);
    cril_query_get_sha256(q, 2, what, c->sha256);
    cril_query_get_text(q, 3, what, 1, c->field, sizeof(c->field));
    cril_query_get_text(q, 4, what, 0, c->format, sizeof(c->format));
    c->limit = cril_query_get_count(q, 5, what, CRIL_MAX_COUNT);
    c->documents = cril_query_get_count(q, 6, what, UINT32_MAX);
    c->characters = cril_query_get_count(q, 7, what, CRIL_MAX_COUNT);
    c->bytes = cril_query_get_count(q, 8, what, CRIL_MAX_COUNT);
    if (q->st != CRIL_OK)
        return;
    copy = *c;
    if (!c->documents || c->characters < c->documents || c->bytes < c->characters ||
        cril_store_corpus_id(&copy, NULL) != CRIL_OK || strcmp(copy.id, c->id) != 0 ||
        strcmp(copy.text, c->text) != 0)
        cril_query_bad(q, what);
}

/* text: room for the strings of row, which it points into afterwards. */
struct import_text {
    char model[CRIL_MAX_NAME], of[CRIL_MAX_NAME], source[CRIL_MAX_NAME];
};

static void get_import(struct cril_query *q, cril_figure_kind kind, struct import_text *text,
                       cril_figure *row)
{
    static const char what[] = "an imported figure";

    cril_query_get_text(q, 0, what, 1, text->model, sizeof(text->model));
    cril_query_get_text(q, 1, what, 1, text->of, sizeof(text->of));
    cril_query_get_text(q, 4, what, 1, text->source, sizeof(text->source));
    *row = (cril_figure){
        .model = text->model,
        .of = text->of,
        .source = text->source,
        .value = cril_query_get_real(q, 2, what, kind == CRIL_FIGURE_SCORE ? 1 : CRIL_MAX_BPC),
        .se = cril_query_get_error(q, 3, what)};
}

/* ---- One of them ---- */

cril_status cril_store_model_by_id(cril_store *s, const char *sha256, cril_store_model *out,
                                   bool *found, cril_error *err)
{
    struct cril_query q;
    cril_store_model m = {0};

    cril_query_start(
        &q, s,
        "SELECT sha256, architecture, parameters, bytes, context FROM models WHERE sha256 = ?",
        err);
    cril_query_text(&q, sha256);
    if ((*found = cril_query_next(&q)))
        get_model(&q, &m);
    if (cril_query_end(&q) == CRIL_OK && *found)
        *out = m;
    return q.st;
}

/* The corpus that the query finds, if it finds one. */
static cril_status take_corpus(struct cril_query *q, cril_store_corpus *out, bool *found)
{
    cril_store_corpus c = {0};

    if ((*found = cril_query_next(q)))
        get_corpus(q, &c);
    if (cril_query_end(q) == CRIL_OK && *found)
        *out = c;
    return q->st;
}

cril_status cril_store_corpus_by_id(cril_store *s, const char *id, cril_store_corpus *out,
                                    bool *found, cril_error *err)
{
    struct cril_query q;

    cril_query_start(&q, s, "SELECT " CORPUS_COLUMNS " FROM corpora WHERE id = ?", err);
    cril_query_text(&q, id);
    return take_corpus(&q, out, found);
}

cril_status cril_store_corpus_of(cril_store *s, const char *text, uint64_t documents,
                                 cril_store_corpus *out, bool *found, cril_error *err)
{
    struct cril_query q;

    cril_query_start(&q, s,
                     "SELECT " CORPUS_COLUMNS
                     " FROM corpora WHERE text = ? AND documents = ? ORDER BY id LIMIT 1",
                     err);
    cril_query_text(&q, text);
    cril_query_count(&q, documents);
    return take_corpus(&q, out, found);
}

cril_status cril_store_find_text(cril_store *s, const char *text, uint64_t *n_documents,
                                 cril_error *err)
{
    if (CRIL_LACKS(err, s, text, n_documents))
        return CRIL_ERR_RANGE;

    struct cril_query q;

    *n_documents = 0;
    cril_query_start(&q, s, "SELECT documents FROM texts WHERE text = ?", err);
    cril_query_text(&q, text);
    if (cril_query_next(&q))
        *n_documents = cril_query_get_count(&q, 0, "a text", UINT32_MAX);
    return cril_query_end(&q);
}

cril_status cril_store_find_stamp(cril_store *s, uint64_t stamp, char sha256[65], cril_error *err)
{
    struct cril_query q;

    sha256[0] = '\0';
    cril_query_start(&q, s, "SELECT sha256 FROM stamps WHERE stamp = ? ORDER BY sha256 LIMIT 1",
                     err);
    cril_query_bits(&q, stamp);
    if (cril_query_next(&q))
        cril_query_get_sha256(&q, 0, "a stamp", sha256);
    return cril_query_end(&q);
}

cril_status cril_store_find_name(cril_store *s, enum cril_name kind, const char *name, char id[65],
                                 bool *found, cril_error *err)
{
    struct cril_query q;

    cril_query_start(&q, s, "SELECT id FROM names WHERE kind = ? AND name = ?", err);
    cril_query_text(&q, cril_name_kind(kind));
    cril_query_text(&q, name);
    if ((*found = cril_query_next(&q)))
        cril_query_get_sha256(&q, 0, "a name's SHA-256", id);
    return cril_query_end(&q);
}

cril_status cril_store_find_model(cril_store *s, const char *name, cril_store_model *out,
                                  bool *found, cril_error *err)
{
    if (CRIL_LACKS(err, s, name, out, found))
        return CRIL_ERR_RANGE;

    char id[65];
    cril_status st = cril_store_find_name(s, CRIL_NAME_MODEL, name, id, found, err);

    return st == CRIL_OK && *found ? cril_store_model_by_id(s, id, out, found, err) : st;
}

cril_status cril_store_find_corpus(cril_store *s, const char *name, cril_store_corpus *out,
                                   bool *found, cril_error *err)
{
    if (CRIL_LACKS(err, s, name, out, found))
        return CRIL_ERR_RANGE;

    char id[65];
    cril_status st = cril_store_find_name(s, CRIL_NAME_CORPUS, name, id, found, err);

    return st == CRIL_OK && *found ? cril_store_corpus_by_id(s, id, out, found, err) : st;
}

void cril_store_name_of(cril_store *s, enum cril_name kind, const char *id, char *name, size_t size)
{
    static const char *const sql[] = {
        [CRIL_NAME_MODEL] =
            "SELECT name FROM names WHERE kind = 'model' AND id = ? ORDER BY name LIMIT 1",
        [CRIL_NAME_CORPUS] = "SELECT name FROM names WHERE kind = 'corpus' AND id IN"
                             " (SELECT id FROM corpora WHERE text = ?) ORDER BY name LIMIT 1",
        [CRIL_NAME_BENCHMARK] =
            "SELECT name FROM names WHERE kind = 'benchmark' AND id = ? ORDER BY name LIMIT 1",
        [CRIL_NAME_LEAK] =
            "SELECT name FROM names WHERE kind = 'leak' AND id = ? ORDER BY name LIMIT 1"};
    char text[CRIL_MAX_NAME] = "";
    struct cril_query q;
    size_t n;

    cril_query_start(&q, s, sql[kind], NULL);
    cril_query_text(&q, id);
    if (cril_query_next(&q))
        cril_query_get_text(&q, 0, "a name", 1, text, sizeof(text));
    if (cril_query_end(&q) != CRIL_OK || !text[0])
        memcpy(text, id, strlen(id) < 12 ? strlen(id) + 1 : 12);
    n = strlen(text);
    if (n >= size)
        n = size - 1;
    while (n && ((unsigned char)text[n] & 0xc0) == 0x80) /* not within a code point */
        n--;
    memcpy(name, text, n);
    name[n] = '\0';
}

cril_status cril_store_find_import(cril_store *s, cril_figure_kind kind, const char *model,
                                   const char *of, cril_figure *out, bool *found, cril_error *err)
{
    static const char *const sql[] = {
        "SELECT model, corpus, bpc, se, source FROM bpc WHERE model = ? AND corpus = ?",
        "SELECT model, benchmark, score, se, source FROM scores WHERE model = ? AND benchmark = ?"};
    struct import_text text;
    struct cril_query q;
    cril_figure row;

    cril_query_start(&q, s, sql[kind], err);
    cril_query_text(&q, model);
    cril_query_text(&q, of);
    if ((*found = cril_query_next(&q)))
        get_import(&q, kind, &text, &row);
    if (cril_query_end(&q) == CRIL_OK && *found && !cril_figure_copy(&row, out))
        return cril_store_no_memory(s, err);
    return q.st;
}

/* ---- All of them ---- */

static cril_status visit_models(cril_store *s, const struct cril_visit *v, cril_error *err)
{
    struct cril_query q;
    cril_store_model m;

    cril_query_start(
        &q, s,
        "SELECT sha256, architecture, parameters, bytes, context FROM models ORDER BY sha256", err);
    while (cril_query_next(&q)) {
        get_model(&q, &m);
        if (q.st == CRIL_OK)
            q.st = v->model(v->user, &m, err);
    }
    return cril_query_end(&q);
}

static cril_status visit_corpora(cril_store *s, const struct cril_visit *v, cril_error *err)
{
    struct cril_query q;
    cril_store_corpus c;

    cril_query_start(&q, s, "SELECT " CORPUS_COLUMNS " FROM corpora ORDER BY id", err);
    while (cril_query_next(&q)) {
        get_corpus(&q, &c);
        if (q.st == CRIL_OK)
            q.st = v->corpus(v->user, &c, err);
    }
    return cril_query_end(&q);
}

static cril_status visit_texts(cril_store *s, const struct cril_visit *v, cril_error *err)
{
    static const char what[] = "a text";
    struct cril_query q;
    char text[65];

    cril_query_start(&q, s, "SELECT text, documents FROM texts ORDER BY text", err);
    while (cril_query_next(&q)) {
        uint64_t n;

        cril_query_get_sha256(&q, 0, what, text);
        if (!(n = cril_query_get_count(&q, 1, what, UINT32_MAX)))
            cril_query_bad(&q, what);
        if (q.st == CRIL_OK)
            q.st = v->text(v->user, text, n, err);
    }
    return cril_query_end(&q);
}

static cril_status visit_names(cril_store *s, const struct cril_visit *v, cril_error *err)
{
    struct cril_query q;
    char text[16], name[CRIL_MAX_NAME], id[65];
    enum cril_name kind;

    cril_query_start(&q, s, "SELECT kind, name, id FROM names ORDER BY kind, name", err);
    while (cril_query_next(&q)) {
        cril_query_get_text(&q, 0, "a kind of name", 1, text, sizeof(text));
        cril_query_get_text(&q, 1, "a name", 1, name, sizeof(name));
        cril_query_get_sha256(&q, 2, "a name's SHA-256", id);
        for (kind = CRIL_NAME_MODEL; kind < CRIL_NAME_LEAK; kind++)
            if (strcmp(text, cril_name_kind(kind)) == 0)
                break;
        if (strcmp(text, cril_name_kind(kind)) != 0)
            cril_query_bad(&q, "a kind of name");
        if (q.st == CRIL_OK)
            q.st = v->name(v->user, kind, name, id, err);
    }
    return cril_query_end(&q);
}

static void get_baseline(struct cril_query *q, char corpus[65], cril_baseline *b)
{
    static const char what[] = "a baseline";

    cril_query_get_sha256(q, 0, what, corpus);
    cril_query_get_text(q, 1, what, 1, b->name, sizeof(b->name));
    b->bytes = cril_query_get_count(q, 2, what, CRIL_MAX_COUNT);
}

static cril_status visit_baselines(cril_store *s, const struct cril_visit *v, cril_error *err)
{
    struct cril_query q;
    cril_baseline b = {0};
    char corpus[65];

    cril_query_start(&q, s, "SELECT corpus, name, bytes FROM baselines ORDER BY corpus, name", err);
    while (cril_query_next(&q)) {
        get_baseline(&q, corpus, &b);
        if (q.st == CRIL_OK)
            q.st = v->baseline(v->user, corpus, &b, err);
    }
    return cril_query_end(&q);
}

cril_status cril_store_documents_of(cril_store *s, const cril_cell *c, uint64_t *n_documents,
                                    cril_error *err)
{
    struct cril_query q;

    *n_documents = 0;
    cril_query_start(
        &q, s,
        c->documents
            ? "SELECT documents FROM corpora WHERE text = ? AND documents = ? LIMIT 1"
            : "SELECT documents FROM corpora WHERE text = ? ORDER BY documents DESC LIMIT 1",
        err);
    cril_query_text(&q, c->text);
    if (c->documents)
        cril_query_count(&q, c->documents);
    if (cril_query_next(&q))
        *n_documents = cril_query_get_count(&q, 0, "a corpus", UINT32_MAX);
    return cril_query_end(&q);
}

cril_status cril_store_count(cril_store *s, const cril_cell *c, uint64_t n_documents, uint64_t *n,
                             cril_error *err)
{
    struct cril_query q;
    uint8_t key[32];
    cril_status st = cril_cell_key(c, key, err);

    *n = 0;
    if (st != CRIL_OK)
        return st;
    cril_query_start(&q, s,
                     c->base[0]
                         ? "SELECT count(*) FROM divergences WHERE cell = ? AND idx BETWEEN 0 AND ?"
                         : "SELECT count(*) FROM documents WHERE cell = ? AND idx BETWEEN 0 AND ?",
                     err);
    cril_query_key(&q, key);
    cril_query_count(&q, n_documents - 1);
    if (cril_query_next(&q))
        *n = cril_query_get_count(&q, 0, "documents", CRIL_MAX_COUNT);
    return cril_query_end(&q);
}

/* The documents of one cell that are below `below`, none of which may be at n_documents or past. */
static cril_status
visit_documents(cril_store *s, const cril_cell *c, uint64_t below, uint64_t n_documents,
                cril_status (*see)(void *user, const cril_document_score *d, cril_error *err),
                void *user, cril_error *err)
{
    struct cril_query q;
    cril_document_score d = {0};
    uint64_t min_index = 0, n_tokens = 0, n_bytes = 0;
    uint8_t key[32];
    cril_status st = cril_cell_key(c, key, err);

    if (st != CRIL_OK)
        return st;
    cril_query_start(&q, s,
                     "SELECT " CRIL_DOCUMENT_COLUMNS
                     " FROM documents WHERE cell = ? AND idx < ? ORDER BY idx",
                     err);
    cril_query_key(&q, key);
    cril_query_count(&q, below);
    while (cril_query_next(&q)) {
        cril_query_get_document(&q, &d);
        if (d.index < min_index || d.index >= n_documents ||
            (n_tokens += d.tokens) > CRIL_MAX_COUNT || (n_bytes += d.bytes) > CRIL_MAX_COUNT)
            cril_query_bad(&q, "a document");
        min_index = d.index + 1;
        if (q.st == CRIL_OK)
            q.st = see(user, &d, err);
    }
    return cril_query_end(&q);
}

cril_status cril_store_unicode_by_key(cril_store *s, const uint8_t key[32],
                                      cril_status (*see)(void *user, const cril_unicode *u,
                                                         cril_error *err),
                                      void *user, cril_error *err)
{
    static const char what[] = "a version of Unicode";
    struct cril_query q;
    cril_unicode u;

    cril_query_start(
        &q, s, "SELECT pcre2, utf8proc FROM unicode WHERE cell = ? ORDER BY pcre2, utf8proc", err);
    cril_query_key(&q, key);
    while (cril_query_next(&q)) {
        cril_query_get_text(&q, 0, what, 0, u.pcre2, sizeof(u.pcre2));
        cril_query_get_text(&q, 1, what, 0, u.utf8proc, sizeof(u.utf8proc));
        if (q.st == CRIL_OK)
            q.st = see(user, &u, err);
    }
    return cril_query_end(&q);
}

cril_status cril_store_each_unicode(cril_store *s, const cril_cell *c,
                                    cril_status (*see)(void *user, const cril_unicode *u,
                                                       cril_error *err),
                                    void *user, cril_error *err)
{
    uint8_t key[32];
    const cril_status st = cril_cell_key(c, key, err);

    return st == CRIL_OK ? cril_store_unicode_by_key(s, key, see, user, err) : st;
}

static cril_status visit_cell(cril_store *s, const cril_cell *c, const struct cril_visit *v,
                              cril_error *err)
{
    uint64_t n_documents;
    cril_status st = cril_store_documents_of(s, c, &n_documents, err);

    if (st == CRIL_OK && !n_documents)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: holds a cell of no corpus; it was damaged or changed by another "
                         "program, so restore an earlier copy",
                         s->path);
    if (st == CRIL_OK && v->document)
        st = visit_documents(s, c, CRIL_MAX_COUNT, n_documents, v->document, v->user, err);
    if (st == CRIL_OK && v->unicode)
        st = cril_store_each_unicode(s, c, v->unicode, v->user, err);
    return st;
}

static cril_status visit_cells(cril_store *s, const struct cril_visit *v, cril_error *err)
{
    struct cril_query q;
    cril_cell c = {0};

    cril_query_start(&q, s, "SELECT key, model, " CRIL_CELL_COLUMNS " FROM cells ORDER BY key",
                     err);
    while (cril_query_next(&q)) {
        cril_query_get_cell(&q, false, &c);
        if (q.st == CRIL_OK && v->cell)
            q.st = v->cell(v->user, &c, err);
        if (q.st == CRIL_OK && (v->document || v->unicode))
            q.st = visit_cell(s, &c, v, err);
    }
    return cril_query_end(&q);
}

static cril_status visit_imports(cril_store *s, cril_figure_kind kind, const struct cril_visit *v,
                                 cril_error *err)
{
    static const char *const sql[] = {
        "SELECT model, corpus, bpc, se, source FROM bpc ORDER BY model, corpus",
        "SELECT model, benchmark, score, se, source FROM scores ORDER BY model, benchmark"};
    struct import_text text;
    struct cril_query q;
    cril_figure row;

    cril_query_start(&q, s, sql[kind], err);
    while (cril_query_next(&q)) {
        get_import(&q, kind, &text, &row);
        if (q.st == CRIL_OK)
            q.st = v->import(v->user, kind, &row, err);
    }
    return cril_query_end(&q);
}

static cril_status visit_stamps(cril_store *s, const struct cril_visit *v, cril_error *err)
{
    static const char what[] = "a stamp";
    struct cril_query q;
    char sha256[65];

    cril_query_start(&q, s, "SELECT sha256, stamp FROM stamps ORDER BY sha256, stamp", err);
    while (cril_query_next(&q)) {
        uint64_t stamp;

        cril_query_get_sha256(&q, 0, what, sha256);
        stamp = cril_query_get_bits(&q, 1, what);
        if (q.st == CRIL_OK)
            q.st = v->stamp(v->user, sha256, stamp, err);
    }
    return cril_query_end(&q);
}

cril_status cril_store_visit(cril_store *s, const struct cril_visit *v, cril_error *err)
{
    cril_status st = CRIL_OK;

    if (v->model)
        st = visit_models(s, v, err);
    if (st == CRIL_OK && v->corpus)
        st = visit_corpora(s, v, err);
    if (st == CRIL_OK && v->text)
        st = visit_texts(s, v, err);
    if (st == CRIL_OK && v->name)
        st = visit_names(s, v, err);
    if (st == CRIL_OK && v->baseline)
        st = visit_baselines(s, v, err);
    if (st == CRIL_OK && (v->cell || v->document || v->unicode))
        st = visit_cells(s, v, err);
    if (st == CRIL_OK && (v->divergence_cell || v->divergence || v->divergence_unicode))
        st = cril_visit_divergence_cells(s, v, err);
    if (st == CRIL_OK && v->benchmark)
        st = cril_visit_benchmarks(s, v, err);
    if (st == CRIL_OK && (v->item_cell || v->programs || v->item || v->item_unicode))
        st = cril_visit_item_cells(s, v, err);
    if (st == CRIL_OK && v->leak)
        st = cril_visit_leaks(s, v, err);
    if (st == CRIL_OK && v->import)
        st = visit_imports(s, CRIL_FIGURE_BPC, v, err);
    if (st == CRIL_OK && v->import)
        st = visit_imports(s, CRIL_FIGURE_SCORE, v, err);
    if (st == CRIL_OK && v->stamp)
        st = visit_stamps(s, v, err);
    return st;
}

/* ---- Lists ---- */

/* An array of what is visited. */
struct list {
    cril_store *store;
    void *data;
    size_t n, size;
    uint64_t next; /* of ranges: the document that would be next */
};

static void *list_add(struct list *l, size_t element_bytes, cril_error *err)
{
    void *data = cril_size_grow(l->data, &l->size, l->n, 1, element_bytes);

    if (!data) {
        cril_store_no_memory(l->store, err);
        return NULL;
    }
    l->data = data;
    return (char *)data + l->n++ * element_bytes;
}

/* data and n become the caller's, or are freed. */
static cril_status list_give(struct list *l, cril_status st, void *data, size_t *n)
{
    if (st != CRIL_OK) {
        free(l->data);
        return st;
    }
    memcpy(data, &l->data, sizeof(l->data));
    *n = l->n;
    return CRIL_OK;
}

static cril_status add_row(void *user, const cril_document_score *d, cril_error *err)
{
    cril_document_score *to = list_add(user, sizeof(*to), err);

    if (!to)
        return CRIL_ERR_NOMEM;
    *to = *d;
    return CRIL_OK;
}

cril_status cril_store_rows(cril_store *s, const cril_cell *c, uint64_t n_documents,
                            cril_document_score **rows, size_t *n, cril_error *err)
{
    struct list l = {.store = s};

    return list_give(&l, visit_documents(s, c, n_documents, n_documents, add_row, &l, err), rows,
                     n);
}

static cril_status add_divergence(void *user, const cril_document_divergence *d, cril_error *err)
{
    cril_document_divergence *to = list_add(user, sizeof(*to), err);

    if (!to)
        return CRIL_ERR_NOMEM;
    *to = *d;
    return CRIL_OK;
}

cril_status cril_store_divergences(cril_store *s, const cril_cell *c, uint64_t n_documents,
                                   cril_document_divergence **rows, size_t *n, cril_error *err)
{
    struct list l = {.store = s};

    return list_give(
        &l, cril_visit_divergences(s, c, n_documents, n_documents, add_divergence, &l, err), rows,
        n);
}

static cril_status add_gap(struct list *l, uint64_t to, cril_error *err)
{
    cril_slice *r;

    if (l->next >= to)
        return CRIL_OK;
    if (!(r = list_add(l, sizeof(*r), err)))
        return CRIL_ERR_NOMEM;
    *r = (cril_slice){l->next, to};
    return CRIL_OK;
}

static cril_status skip(struct list *l, uint64_t index, cril_error *err)
{
    const cril_status st = add_gap(l, index, err);

    l->next = index + 1;
    return st;
}

static cril_status skip_row(void *user, const cril_document_score *d, cril_error *err)
{
    return skip(user, d->index, err);
}

static cril_status skip_divergence(void *user, const cril_document_divergence *d, cril_error *err)
{
    return skip(user, d->index, err);
}

cril_status cril_store_missing(cril_store *s, const cril_cell *cell, uint64_t n_documents,
                               cril_slice **out, size_t *n, cril_error *err)
{
    if (CRIL_LACKS(err, s, cell, out, n))
        return CRIL_ERR_RANGE;

    struct list l = {.store = s};
    cril_status st =
        cell->base[0]
            ? cril_visit_divergences(s, cell, n_documents, n_documents, skip_divergence, &l, err)
            : visit_documents(s, cell, n_documents, n_documents, skip_row, &l, err);

    if (st == CRIL_OK)
        st = add_gap(&l, n_documents, err);
    return list_give(&l, st, out, n);
}

static cril_status add_cell(void *user, const cril_cell *c, cril_error *err)
{
    cril_cell *to = list_add(user, sizeof(*to), err);

    if (!to)
        return CRIL_ERR_NOMEM;
    *to = *c;
    return CRIL_OK;
}

cril_status cril_store_cells(cril_store *s, cril_cell **out, size_t *n, cril_error *err)
{
    if (CRIL_LACKS(err, s, out, n))
        return CRIL_ERR_RANGE;

    struct list l = {.store = s};
    const struct cril_visit v = {.user = &l, .cell = add_cell};

    return list_give(&l, cril_store_visit(s, &v, err), out, n);
}

cril_status cril_store_all_cells(cril_store *s, cril_cell **out, size_t *n, cril_error *err)
{
    struct list l = {.store = s};
    const struct cril_visit v = {.user = &l, .cell = add_cell, .divergence_cell = add_cell};

    return list_give(&l, cril_store_visit(s, &v, err), out, n);
}

cril_status cril_store_baselines(cril_store *s, const char *corpus_id, cril_baseline **out,
                                 size_t *n, cril_error *err)
{
    if (CRIL_LACKS(err, s, corpus_id, out, n))
        return CRIL_ERR_RANGE;

    struct list l = {.store = s};
    struct cril_query q;
    char corpus[65];

    cril_query_start(
        &q, s, "SELECT corpus, name, bytes FROM baselines WHERE corpus = ? ORDER BY name", err);
    cril_query_text(&q, corpus_id);
    while (cril_query_next(&q)) {
        cril_baseline *b = list_add(&l, sizeof(*b), err);

        if (!b) {
            q.st = CRIL_ERR_NOMEM;
            break;
        }
        *b = (cril_baseline){0};
        get_baseline(&q, corpus, b);
    }
    return list_give(&l, cril_query_end(&q), out, n);
}

/* ---- Imported rows ---- */

bool cril_figure_copy(const cril_figure *row, cril_figure *out)
{
    const size_t model = strlen(row->model) + 1, of = strlen(row->of) + 1,
                 source = strlen(row->source) + 1;
    char *text = malloc(model + of + source);

    if (!text)
        return false;
    *out = *row;
    out->model = memcpy(text, row->model, model);
    out->of = memcpy(text + model, row->of, of);
    out->source = memcpy(text + model + of, row->source, source);
    return true;
}

/* The three strings are one block, which begins with the model's name. */
void cril_figure_free(cril_figure *row)
{
    free((void *)(uintptr_t)row->model);
}

void cril_imports_free(cril_figure *rows, size_t n)
{
    for (size_t i = 0; rows && i < n; i++)
        cril_figure_free(&rows[i]);
    free(rows);
}

struct imports {
    struct list list;
    cril_figure_kind kind;
};

static cril_status add_import(void *user, cril_figure_kind kind, const cril_figure *row,
                              cril_error *err)
{
    struct imports *x = user;
    cril_figure *to;

    if (kind != x->kind)
        return CRIL_OK;
    if (!(to = list_add(&x->list, sizeof(*to), err)))
        return CRIL_ERR_NOMEM;
    if (!cril_figure_copy(row, to)) {
        x->list.n--;
        return cril_store_no_memory(x->list.store, err);
    }
    return CRIL_OK;
}

cril_status cril_store_imported(cril_store *s, cril_figure_kind kind, cril_figure **rows, size_t *n,
                                cril_error *err)
{
    if (CRIL_LACKS(err, s, rows, n))
        return CRIL_ERR_RANGE;

    struct imports x = {.list.store = s, .kind = kind};
    const struct cril_visit v = {.user = &x, .import = add_import};
    cril_status st = visit_imports(s, kind, &v, err);

    if (st != CRIL_OK) {
        cril_imports_free(x.list.data, x.list.n);
        return st;
    }
    *rows = x.list.data;
    *n = x.list.n;
    return CRIL_OK;
}

/* ---- Versions of Unicode ---- */

void cril_unicode_speak(const cril_unicode *u, char out[CRIL_UNICODE_SPOKEN])
{
    snprintf(out, CRIL_UNICODE_SPOKEN, "Unicode %s in PCRE2 and %s in utf8proc",
             u->pcre2[0] ? u->pcre2 : "unknown", u->utf8proc[0] ? u->utf8proc : "unknown");
}

struct spoken {
    cril_unicode first;
    size_t n;
};

static cril_status count_unicode(void *user, const cril_unicode *u, cril_error *err)
{
    struct spoken *x = user;

    (void)err;
    if (!x->n++)
        x->first = *u;
    return CRIL_OK;
}

void cril_store_unicode_of(cril_store *s, const cril_cell *c, char out[CRIL_UNICODE_SPOKEN])
{
    struct spoken x = {0};
    size_t len;

    cril_store_each_unicode(s, c, count_unicode, &x, NULL); /* a failure leaves "unknown" */
    cril_unicode_speak(&x.first, out);
    len = strlen(out);
    if (x.n > 1)
        snprintf(out + len, CRIL_UNICODE_SPOKEN - len, ", and %zu more", x.n - 1);
}

/* ---- A cell as a result ---- */

static char *named(cril_store *s, enum cril_name kind, const char *id)
{
    char name[CRIL_MAX_NAME];

    cril_store_name_of(s, kind, id, name, sizeof(name));
    return strdup(name);
}

static cril_status hash_ids(cril_result *r, cril_error *err)
{
    struct cril_sha256 *h;
    cril_status st = cril_sha256_create(&h, err);

    if (st != CRIL_OK)
        return st;
    st = cril_token_ids_sum(h, r, err);
    cril_sha256_free(h);
    return st;
}

static cril_status fill_result(cril_store *s, const cril_cell *c, const cril_store_corpus *corpus,
                               cril_result *r, cril_error *err)
{
    struct spoken unicode = {0};
    cril_store_model m = {0};
    cril_status st;
    size_t n;
    bool found;

    if ((st = cril_store_model_by_id(s, c->model, &m, &found, err)) != CRIL_OK ||
        (st = cril_store_rows(s, c, corpus->documents, &r->per_document, &n, err)) != CRIL_OK)
        return st;
    if (n != corpus->documents) /* keys are unique and below it, so as many are all of them */
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "%s: %zu of %" PRIu64 " documents are known; run the study to the end",
                         s->path, n, corpus->documents);
    r->documents = n;
    memcpy(r->protocol, c->protocol, sizeof(r->protocol));
    r->context = (size_t)c->context;
    r->stride = (size_t)c->stride;
    r->beyond_context = c->context > m.context;
    memcpy(r->model_sha256, m.sha256, sizeof(m.sha256));
    r->model_parameters = m.parameters;
    r->model_bytes = m.bytes;
    memcpy(r->corpus_sha256, corpus->sha256, sizeof(corpus->sha256));
    memcpy(r->version, CRIL_VERSION, sizeof(CRIL_VERSION));
    r->numerics = c->numerics;
    r->rules = c->rules;
    r->model_name = named(s, CRIL_NAME_MODEL, c->model);
    r->model_architecture = strdup(m.architecture);
    r->corpus_path = named(s, CRIL_NAME_CORPUS, c->text);
    if (!r->model_name || !r->model_architecture || !r->corpus_path)
        return cril_store_no_memory(s, err);
    if ((st = cril_store_each_unicode(s, c, count_unicode, &unicode, err)) == CRIL_OK)
        r->unicode = unicode.first;
    return st;
}

cril_status cril_store_result(cril_store *s, const cril_cell *cell, const cril_store_corpus *corpus,
                              const cril_interval *interval, cril_result *out, cril_error *err)
{
    if (CRIL_LACKS(err, s, cell, corpus, out))
        return CRIL_ERR_RANGE;

    cril_result r = {0};
    cril_error why;
    cril_status st = fill_result(s, cell, corpus, &r, err);

    if (st == CRIL_OK) {
        if (interval)
            r.interval = *interval;
        if ((st = cril_result_sum(&r, &why)) != CRIL_OK || (st = hash_ids(&r, &why)) != CRIL_OK)
            cril_fail(err, st, "%s: %s", s->path, why.message);
    }
    if (st == CRIL_OK)
        *out = r;
    else
        cril_result_free(&r);
    return st;
}
