/*
 * Documents that cells of one text have in common where documents are joined.
 *
 * Windows lie on the stream of all documents, from its start; which they are depends on their
 * number alone. So a stream of more documents has all windows of a shorter one, and more: a
 * document whose tokens lie before the end of the last window of the shorter one has the same
 * figures in both. Later documents differ: the longer stream scores tokens that the shorter one
 * drops. Where a protocol puts special tokens around the stream, the last document is never taken
 * over: the token at the end belongs to it.
 */
#include "study/store.h"

#include "score/protocol.h"
#include "util/fail.h"

#include <stdlib.h>
#include <string.h>

/* Tokens before the end of the last window of a stream of at least n tokens. */
static uint64_t settled(const struct cril_protocol *p, const cril_cell *c, uint64_t n)
{
    const struct cril_layout l = {
        .context = (size_t)c->context, .stride = (size_t)c->stride, .first_token = -1};
    struct cril_span span = {0};
    uint64_t end = 0;

    for (uint64_t k = 0; p->window(&l, k, n, false, &span); k++)
        end = span.end;
    return end;
}

/* How many of rows [n], which are documents from the first one on, are settled. */
static size_t count_settled(const struct cril_protocol *p, const cril_cell *c,
                            const cril_document_score *rows, size_t n)
{
    uint64_t tokens = 0, end;
    size_t n_first = 0;

    while (n_first < n && rows[n_first].index == n_first)
        tokens += rows[n_first++].tokens;
    end = settled(p, c, tokens);
    while (n_first && tokens > end)
        tokens -= rows[--n_first].tokens;
    return n_first;
}

/* Whether two cells differ only in the number of documents that share the stream. */
static bool is_sibling(const cril_cell *a, const cril_cell *b)
{
    return strcmp(a->model, b->model) == 0 && strcmp(a->text, b->text) == 0 &&
           strcmp(a->protocol, b->protocol) == 0 && a->context == b->context &&
           a->stride == b->stride && a->numerics == b->numerics && a->rules == b->rules &&
           a->documents != b->documents;
}

struct copy {
    cril_store *store;
    const cril_cell *to;
};

static cril_status copy_unicode(void *user, const cril_unicode *u, cril_error *err)
{
    const struct copy *c = user;

    return cril_put_unicode(c->store, c->to, u, err);
}

static cril_status copy_rows(cril_store *s, const cril_cell *from, const cril_cell *to,
                             const cril_document_score *rows, size_t n, cril_error *err)
{
    struct copy c = {s, to};
    char unicode[CRIL_UNICODE_SPOKEN];
    uint64_t n_documents;
    cril_status st = cril_store_begin(s, true, err);

    if (st != CRIL_OK)
        return st;
    cril_store_unicode_of(s, from, unicode);
    if ((st = cril_put_cell(s, to, &n_documents, err)) == CRIL_OK &&
        (st = cril_put_documents(s, to, n_documents, rows, n, unicode, err)) == CRIL_OK)
        st = cril_store_each_unicode(s, from, copy_unicode, &c, err);
    return cril_store_end(s, st, err);
}

static cril_status adopt_from(cril_store *s, const struct cril_protocol *p, const cril_cell *from,
                              const cril_cell *to, cril_error *err)
{
    const uint64_t fewer = from->documents < to->documents ? from->documents : to->documents;
    cril_document_score *rows;
    size_t n;
    cril_status st = cril_store_rows(s, from, fewer - p->special_once, &rows, &n, err);

    if (st != CRIL_OK)
        return st;
    if ((n = count_settled(p, from, rows, n)))
        st = copy_rows(s, from, to, rows, n, err);
    free(rows);
    return st;
}

cril_status cril_store_adopt(cril_store *s, const cril_cell *cell, cril_error *err)
{
    const struct cril_protocol *p = cril_protocol_find(cell->protocol);
    cril_cell *cells;
    size_t n;
    cril_status st;

    if (!p || p->per_document)
        return CRIL_OK;
    if ((st = cril_store_cells(s, &cells, &n, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < n && st == CRIL_OK; i++)
        if (is_sibling(&cells[i], cell))
            st = adopt_from(s, p, &cells[i], cell, err);
    free(cells);
    return st;
}
