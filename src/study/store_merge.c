/*
 * Stores put together. Another store is read row by row, each row checked as it is read and put
 * into ours by the calls that every row comes in by: equal rows change nothing, rows that differ
 * are an error. A union of sets of rows does not depend on their order. Nor does renaming: a name
 * is replaced the first time that it comes, and after that the other stores must agree on it.
 */
#include "study/query.h"
#include "study/store.h"

#include "util/fail.h"
#include "util/size.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ROWS_AT_ONCE = 1024 };

/* A name's kind as a letter, and the name. */
struct renamed {
    char text[1 + CRIL_MAX_NAME];
};

struct merge {
    cril_store *to, *from;
    cril_store_merge_options o;
    struct renamed *renamed; /* [n_renamed] names that have come, sorted */
    size_t n_renamed, renamed_size;
    cril_cell cell; /* whose documents are coming */
    uint64_t n_documents;
    char unicode[CRIL_UNICODE_SPOKEN]; /* that they were tokenised by */
    cril_document_score rows[ROWS_AT_ONCE];
    cril_document_divergence divergences[ROWS_AT_ONCE]; /* of a cell with a base, instead */
    size_t n_rows;
    cril_item_cell item_cell; /* whose items are coming */
    char programs[CRIL_PROGRAMS_SPOKEN];
};

static cril_status put_rows(struct merge *m, cril_error *err)
{
    const size_t n = m->n_rows;

    m->n_rows = 0;
    if (n && m->cell.base[0])
        return cril_put_divergences(m->to, &m->cell, m->n_documents, m->divergences, n, err);
    return n ? cril_put_documents(m->to, &m->cell, m->n_documents, m->rows, n, m->unicode, err)
             : CRIL_OK;
}

static cril_status on_model(void *user, const cril_store_model *m, cril_error *err)
{
    return cril_put_model(((struct merge *)user)->to, m, err);
}

static cril_status on_corpus(void *user, const cril_store_corpus *c, cril_error *err)
{
    return cril_put_corpus(((struct merge *)user)->to, c, err);
}

static cril_status on_text(void *user, const char *text, uint64_t n_documents, cril_error *err)
{
    return cril_put_text(((struct merge *)user)->to, text, n_documents, err);
}

/* Whether a name comes for the first time; remembers it. */
static cril_status is_first(struct merge *m, enum cril_name kind, const char *name, bool *first,
                            cril_error *err)
{
    struct renamed key, *list;
    size_t low = 0, high = m->n_renamed;

    snprintf(key.text, sizeof(key.text), "%c%s", cril_name_kind(kind)[0], name);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(m->renamed[middle].text, key.text);

        if (order == 0) {
            *first = false;
            return CRIL_OK;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (!(list = cril_size_grow(m->renamed, &m->renamed_size, m->n_renamed, 1, sizeof(*list))))
        return cril_store_no_memory(m->to, err);
    m->renamed = list;
    memmove(list + low + 1, list + low, (m->n_renamed - low) * sizeof(*list));
    list[low] = key;
    m->n_renamed++;
    *first = true;
    return CRIL_OK;
}

static cril_status on_name(void *user, enum cril_name kind, const char *name, const char *id,
                           cril_error *err)
{
    struct merge *m = user;
    bool replace = false;
    cril_status st = CRIL_OK;

    if (m->o.measured_only)
        return CRIL_OK;
    if (m->o.rename)
        st = is_first(m, kind, name, &replace, err);
    return st == CRIL_OK ? cril_put_name(m->to, kind, name, id, replace, NULL, err) : st;
}

static cril_status on_baseline(void *user, const char *corpus_id, const cril_baseline *b,
                               cril_error *err)
{
    return cril_put_baseline(((struct merge *)user)->to, corpus_id, b, err);
}

static cril_status on_cell(void *user, const cril_cell *c, cril_error *err)
{
    struct merge *m = user;
    cril_status st = put_rows(m, err);

    if (st != CRIL_OK)
        return st;
    m->cell = *c;
    cril_store_unicode_of(m->from, c, m->unicode);
    return cril_put_cell(m->to, c, &m->n_documents, err);
}

static cril_status on_document(void *user, const cril_document_score *d, cril_error *err)
{
    struct merge *m = user;

    m->rows[m->n_rows++] = *d;
    return m->n_rows == ROWS_AT_ONCE ? put_rows(m, err) : CRIL_OK;
}

static cril_status on_divergence(void *user, const cril_document_divergence *d, cril_error *err)
{
    struct merge *m = user;

    m->divergences[m->n_rows++] = *d;
    return m->n_rows == ROWS_AT_ONCE ? put_rows(m, err) : CRIL_OK;
}

/* After the documents, so that an error on documents can name both versions. */
static cril_status on_unicode(void *user, const cril_unicode *u, cril_error *err)
{
    struct merge *m = user;
    cril_status st = put_rows(m, err);

    return st == CRIL_OK ? cril_put_unicode(m->to, &m->cell, u, err) : st;
}

static cril_status on_benchmark(void *user, const cril_store_benchmark *b,
                                const cril_store_subject *subjects, size_t n, cril_error *err)
{
    return cril_put_benchmark(((struct merge *)user)->to, b, subjects, n, err);
}

static cril_status on_item_cell(void *user, const cril_item_cell *c, cril_error *err)
{
    struct merge *m = user;

    m->item_cell = *c;
    cril_store_programs_of(m->from, c, m->programs);
    return cril_put_item_cell(m->to, c, err);
}

static cril_status on_item(void *user, const cril_store_item *item, cril_error *err)
{
    struct merge *m = user;

    return cril_put_item(m->to, &m->item_cell, item, m->programs, err);
}

static cril_status on_programs(void *user, const char *versions, cril_error *err)
{
    struct merge *m = user;

    return cril_put_programs(m->to, &m->item_cell, versions, err);
}

static cril_status on_item_unicode(void *user, const cril_unicode *u, cril_error *err)
{
    struct merge *m = user;
    uint8_t key[32];
    const cril_status st = cril_item_cell_key(&m->item_cell, key, err);

    return st == CRIL_OK ? cril_put_unicode_by_key(m->to, key, u, err) : st;
}

static cril_status on_leak(void *user, const cril_store_leak *l, cril_error *err)
{
    return cril_put_leak(((struct merge *)user)->to, l, err);
}

static cril_status on_import(void *user, cril_figure_kind kind, const cril_figure *row,
                             cril_error *err)
{
    const struct merge *m = user;

    return m->o.measured_only ? CRIL_OK : cril_put_import(m->to, kind, row, false, NULL, err);
}

static cril_status on_stamp(void *user, const char *sha256, uint64_t stamp, cril_error *err)
{
    return cril_put_stamp(((struct merge *)user)->to, sha256, stamp, err);
}

/* One store, into the open transaction of m->to. */
static cril_status add_store(struct merge *m, const char *path, cril_error *err)
{
    const cril_store_options options = {.read_only = true, .patience_ms = m->to->patience_ms};
    const struct cril_visit v = {.user = m,
                                 .model = on_model,
                                 .corpus = on_corpus,
                                 .text = on_text,
                                 .name = on_name,
                                 .baseline = on_baseline,
                                 .cell = on_cell,
                                 .document = on_document,
                                 .unicode = on_unicode,
                                 .divergence_cell = on_cell,
                                 .divergence = on_divergence,
                                 .divergence_unicode = on_unicode,
                                 .benchmark = on_benchmark,
                                 .item_cell = on_item_cell,
                                 .item = on_item,
                                 .programs = on_programs,
                                 .item_unicode = on_item_unicode,
                                 .leak = on_leak,
                                 .import = on_import,
                                 .stamp = on_stamp};
    cril_store *from;
    cril_error why;
    cril_status st = cril_store_open(path, &options, &from, err);

    if (st != CRIL_OK)
        return st;
    m->from = from;
    m->n_rows = 0;
    if ((st = cril_store_begin(from, false, &why)) == CRIL_OK) {
        if ((st = cril_store_visit(from, &v, &why)) == CRIL_OK)
            st = put_rows(m, &why);
        st = cril_store_end(from, st, &why);
    }
    cril_store_close(from);
    return st == CRIL_OK ? CRIL_OK : cril_fail(err, st, "adding %s: %s", path, why.message);
}

/* A store has nothing to add to itself, and would wait for itself. */
static bool is_same_file(const cril_store *s, const char *path)
{
    struct stat a, b;

    return stat(s->path, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

cril_status cril_store_merge(cril_store *s, const char *const *paths, size_t n,
                             const cril_store_merge_options *options, cril_error *err)
{
    if (CRIL_LACKS(err, s) || (n && CRIL_LACKS(err, paths)))
        return CRIL_ERR_RANGE;

    struct merge *m = calloc(1, sizeof(*m));
    cril_status st;

    if (!m)
        return cril_store_no_memory(s, err);
    m->to = s;
    if (options)
        m->o = *options;
    if ((st = cril_store_begin(s, true, err)) == CRIL_OK) {
        for (size_t i = 0; i < n && st == CRIL_OK; i++)
            if (CRIL_LACKS(err, paths[i]))
                st = CRIL_ERR_RANGE;
            else if (!is_same_file(s, paths[i]))
                st = add_store(m, paths[i], err);
        st = cril_store_end(s, st, err);
    }
    free(m->renamed);
    free(m);
    return st;
}
