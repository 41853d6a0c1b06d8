/*
 * Cells of divergence in a store: rows of sums by document, and the figures that they make. As for
 * cells of bits, a row is checked when it comes and when it is read, and never changes.
 */
#include "study/query.h"
#include "study/store.h"

#include "util/fail.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS "idx, tokens, same_top, kl, nats, nats_base"

static const char what[] = "a document's divergence";

/* ---- Reading ---- */

static void get_row(struct cril_query *q, cril_document_divergence *d)
{
    d->index = cril_query_get_count(q, 0, what, UINT32_MAX);
    d->tokens = cril_query_get_count(q, 1, what, CRIL_MAX_COUNT);
    d->same_top = cril_query_get_count(q, 2, what, d->tokens);
    d->kl = cril_query_get_real(q, 3, what, CRIL_MAX_NATS);
    d->nats = cril_query_get_real(q, 4, what, CRIL_MAX_NATS);
    d->nats_base = cril_query_get_real(q, 5, what, CRIL_MAX_NATS);
}

cril_status cril_visit_divergences(cril_store *s, const cril_cell *c, uint64_t below,
                                   uint64_t n_documents,
                                   cril_status (*see)(void *user, const cril_document_divergence *d,
                                                      cril_error *err),
                                   void *user, cril_error *err)
{
    struct cril_query q;
    cril_document_divergence d = {0};
    uint64_t n_tokens = 0;
    uint8_t key[32];
    cril_status st = cril_cell_key(c, key, err);

    if (st != CRIL_OK)
        return st;
    cril_query_start(
        &q, s, "SELECT " COLUMNS " FROM divergences WHERE cell = ? AND idx < ? ORDER BY idx", err);
    cril_query_key(&q, key);
    cril_query_count(&q, below);
    while (cril_query_next(&q)) {
        get_row(&q, &d);
        if (d.index >= n_documents || (n_tokens += d.tokens) > CRIL_MAX_COUNT)
            cril_query_bad(&q, what);
        if (q.st == CRIL_OK)
            q.st = see(user, &d, err);
    }
    return cril_query_end(&q);
}

static cril_status visit_cell(cril_store *s, const cril_cell *c, uint64_t n_documents,
                              const struct cril_visit *v, cril_error *err)
{
    cril_status st = CRIL_OK;

    if (v->divergence)
        st = cril_visit_divergences(s, c, CRIL_MAX_COUNT, n_documents, v->divergence, v->user, err);
    if (st == CRIL_OK && v->divergence_unicode)
        st = cril_store_each_unicode(s, c, v->divergence_unicode, v->user, err);
    return st;
}

cril_status cril_visit_divergence_cells(cril_store *s, const struct cril_visit *v, cril_error *err)
{
    uint64_t n_documents;
    struct cril_query q;
    cril_cell c;

    cril_query_start(
        &q, s, "SELECT key, model, base, " CRIL_CELL_COLUMNS " FROM divergence_cells ORDER BY key",
        err);
    while (cril_query_next(&q)) {
        cril_query_get_cell(&q, true, &c);
        if (q.st == CRIL_OK)
            q.st = cril_store_documents_of(s, &c, &n_documents, err);
        if (q.st == CRIL_OK && !n_documents)
            cril_query_bad(&q, "a cell of no corpus");
        if (q.st == CRIL_OK && v->divergence_cell)
            q.st = v->divergence_cell(v->user, &c, err);
        if (q.st == CRIL_OK)
            q.st = visit_cell(s, &c, n_documents, v, err);
    }
    return cril_query_end(&q);
}

/* ---- Writing ---- */

static bool is_sum(double x)
{
    return x >= 0 && x <= CRIL_MAX_NATS && !signbit(x);
}

static cril_status check(const cril_store *s, uint64_t n_documents,
                         const cril_document_divergence *d, cril_error *err)
{
    if (d->index < n_documents && d->tokens <= CRIL_MAX_COUNT && d->same_top <= d->tokens &&
        is_sum(d->kl) && is_sum(d->nats) && is_sum(d->nats_base))
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_RANGE,
                     "%s: cannot hold document %" PRIu64 " of %" PRIu64
                     " with a divergence of %g nats over %" PRIu64 " tokens, %" PRIu64
                     " of them with the same most likely id, %g nats and %g of the base",
                     s->path, d->index, n_documents, d->kl, d->tokens, d->same_top, d->nats,
                     d->nats_base);
}

/* To the bit. */
static bool equal(const cril_document_divergence *a, const cril_document_divergence *b)
{
    return a->index == b->index && a->tokens == b->tokens && a->same_top == b->same_top &&
           memcmp(&a->kl, &b->kl, sizeof(a->kl)) == 0 &&
           memcmp(&a->nats, &b->nats, sizeof(a->nats)) == 0 &&
           memcmp(&a->nats_base, &b->nats_base, sizeof(a->nats_base)) == 0;
}

static cril_status compare_known(cril_store *s, const cril_cell *c, const uint8_t key[32],
                                 const cril_document_divergence *d, cril_error *err)
{
    cril_document_divergence known = {0};
    char model[64], base[64], corpus[64];
    struct cril_query q;

    cril_query_start(&q, s, "SELECT " COLUMNS " FROM divergences WHERE cell = ? AND idx = ?", err);
    cril_query_key(&q, key);
    cril_query_count(&q, d->index);
    if (cril_query_next(&q))
        get_row(&q, &known);
    if (cril_query_end(&q) != CRIL_OK || equal(&known, d))
        return q.st;
    cril_store_name_of(s, CRIL_NAME_MODEL, c->model, model, sizeof(model));
    cril_store_name_of(s, CRIL_NAME_MODEL, c->base, base, sizeof(base));
    cril_store_name_of(s, CRIL_NAME_CORPUS, c->text, corpus, sizeof(corpus));
    return cril_fail(err, CRIL_ERR_MISMATCH,
                     "%s: document %" PRIu64 " of %s by %s beside %s, protocol %s %" PRIu64
                     "/%" PRIu64 ", is known with a divergence of %.17g nats over %" PRIu64
                     " tokens and came with %.17g over %" PRIu64
                     "; all machines must compute the same bits, so run `cril selftest` where it "
                     "was computed; if that passes, the file was changed",
                     s->path, d->index, corpus, model, base, c->protocol, c->context, c->stride,
                     known.kl, known.tokens, d->kl, d->tokens);
}

cril_status cril_put_divergences(cril_store *s, const cril_cell *c, uint64_t n_documents,
                                 const cril_document_divergence *rows, size_t n, cril_error *err)
{
    struct cril_query q;
    uint8_t key[32];
    cril_status st = cril_cell_key(c, key, err);

    if (st != CRIL_OK)
        return st;
    cril_query_start(&q, s,
                     "INSERT INTO divergences(cell, " COLUMNS
                     ") VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(cell, idx) DO NOTHING",
                     err);
    for (size_t i = 0; i < n && q.st == CRIL_OK; i++) {
        const cril_document_divergence *d = &rows[i];
        bool changed = true;

        if ((q.st = check(s, n_documents, d, err)) != CRIL_OK)
            break;
        cril_query_again(&q);
        cril_query_key(&q, key);
        cril_query_count(&q, d->index);
        cril_query_count(&q, d->tokens);
        cril_query_count(&q, d->same_top);
        cril_query_real(&q, d->kl);
        cril_query_real(&q, d->nats);
        cril_query_real(&q, d->nats_base);
        cril_query_run(&q, &changed);
        if (q.st == CRIL_OK && !changed)
            q.st = compare_known(s, c, key, d, err);
    }
    return cril_query_end(&q);
}

cril_status cril_store_put_divergences(cril_store *s, const cril_cell *cell,
                                       const cril_document_divergence *documents, size_t n,
                                       cril_error *err)
{
    if (CRIL_LACKS(err, s, cell) || (n && CRIL_LACKS(err, documents)))
        return CRIL_ERR_RANGE;

    const cril_unicode here = cril_unicode_here();
    uint64_t n_documents;
    cril_status st;

    if (!n)
        return CRIL_OK;
    if (!cell->base[0])
        return cril_fail(err, CRIL_ERR_RANGE, "%s: a cell of divergence has a base", s->path);
    if ((st = cril_store_begin(s, true, err)) != CRIL_OK)
        return st;
    if ((st = cril_put_cell(s, cell, &n_documents, err)) == CRIL_OK &&
        (st = cril_put_divergences(s, cell, n_documents, documents, n, err)) == CRIL_OK)
        st = cril_put_unicode(s, cell, &here, err);
    return cril_store_end(s, st, err);
}

/* ---- Figures ---- */

/* Mean KL's interval: of documents that have tokens. */
static cril_status bootstrap(const cril_store *s, const cril_document_divergence *rows, size_t n,
                             cril_interval *interval, cril_error *err)
{
    double *x = malloc(2 * n * sizeof(*x));
    size_t n_with = 0;
    cril_error why;
    cril_status st;

    if (!x)
        return cril_store_no_memory(s, err);
    for (size_t i = 0; i < n; i++) {
        if (!rows[i].tokens)
            continue;
        x[n_with] = rows[i].kl;
        x[n + n_with++] = (double)rows[i].tokens;
    }
    if ((st = cril_bootstrap_ratio(x, x + n, n_with, interval, &why)) != CRIL_OK)
        cril_fail(err, st, "%s: %s", s->path, why.message);
    free(x);
    return st;
}

static cril_status sum_up(const cril_store *s, const cril_document_divergence *rows, size_t n,
                          const cril_interval *interval, cril_known_divergence *out,
                          cril_error *err)
{
    const double level = interval && interval->level > 0 ? interval->level : .95;
    const size_t resamples = interval && interval->resamples ? interval->resamples : 1000;
    cril_known_divergence sum = {.mean_kl_interval = {.level = level,
                                                      .resamples = resamples,
                                                      .seed = interval ? interval->seed : 0}};
    double kl = 0, nats = 0, base = 0;
    uint64_t same_top = 0;
    cril_status st;

    for (size_t i = 0; i < n; i++) {
        sum.documents += rows[i].tokens > 0;
        sum.tokens += rows[i].tokens;
        same_top += rows[i].same_top;
        kl += rows[i].kl;
        nats += rows[i].nats;
        base += rows[i].nats_base;
    }
    if (!sum.tokens) {
        *out = (cril_known_divergence){0};
        return CRIL_OK;
    }
    sum.mean_kl = kl / (double)sum.tokens;
    sum.same_top = (double)same_top / (double)sum.tokens;
    sum.ln_ppl_ratio = (nats - base) / (double)sum.tokens;
    if ((st = bootstrap(s, rows, n, &sum.mean_kl_interval, err)) == CRIL_OK)
        *out = sum;
    return st;
}

cril_status cril_store_divergence(cril_store *s, const cril_cell *cell,
                                  const cril_store_corpus *corpus, const cril_interval *interval,
                                  cril_known_divergence *out, cril_error *err)
{
    if (CRIL_LACKS(err, s, cell, corpus, out))
        return CRIL_ERR_RANGE;

    cril_document_divergence *rows;
    size_t n;
    cril_status st = cril_store_divergences(s, cell, corpus->documents, &rows, &n, err);

    if (st != CRIL_OK)
        return st;
    if (n != corpus->documents)
        st = cril_fail(err, CRIL_ERR_EMPTY,
                       "%s: %zu of %" PRIu64 " documents are known; run the study to the end",
                       s->path, n, corpus->documents);
    else
        st = sum_up(s, rows, n, interval, out, err);
    free(rows);
    return st;
}
