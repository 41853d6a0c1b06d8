/*
 * Two results on one corpus, document against document.
 *
 * A document's difficulty is common to both models and cancels when documents are paired, so the
 * interval of the difference is far narrower than those of the two figures. Pairing needs the same
 * documents in the same order: the corpus's hash, their number and the characters of each must
 * agree. Model, protocol and context may differ; that is what one compares. The numeric contract
 * and the scoring rules may not, nor the tokens that one model makes of one text by one protocol.
 */
#include <cril/report.h>

#include "util/fail.h"
#include "util/size.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of one model by one protocol the token ids are the same, unless libraries cut the text by other
 * versions of Unicode. */
static cril_status check_tokens(const cril_result *a, const cril_result *b, cril_error *err)
{
    if (strcmp(a->model_sha256, b->model_sha256) != 0 || strcmp(a->protocol, b->protocol) != 0 ||
        !a->token_ids_sha256[0] || !b->token_ids_sha256[0] ||
        strcmp(a->token_ids_sha256, b->token_ids_sha256) == 0)
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_MISMATCH,
                     "%s: one model has made other tokens of the same text: one result has token "
                     "ids of SHA-256 %.12s (Unicode %s in PCRE2, %s in utf8proc), the other %.12s "
                     "(%s, %s); score both with the same libraries",
                     a->corpus_path, a->token_ids_sha256, a->unicode.pcre2, a->unicode.utf8proc,
                     b->token_ids_sha256, b->unicode.pcre2, b->unicode.utf8proc);
}

static cril_status check_pair(const cril_result *a, const cril_result *b, cril_error *err)
{
    if (a->numerics != b->numerics)
        return cril_fail(
            err, CRIL_ERR_MISMATCH,
            "%s: one result has version %d of the numeric contract, the other %d; score "
            "both with the same cril",
            a->corpus_path, a->numerics, b->numerics);
    if (a->rules != b->rules)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: one result has version %d of the scoring rules, the other %d; score "
                         "both with the same cril",
                         a->corpus_path, a->rules, b->rules);
    if (strcmp(a->corpus_sha256, b->corpus_sha256) != 0)
        return cril_fail(
            err, CRIL_ERR_MISMATCH,
            "%s and %s are different corpora (SHA-256 %.12s, %.12s); score both models on "
            "the same file",
            a->corpus_path, b->corpus_path, a->corpus_sha256, b->corpus_sha256);
    if (a->documents != b->documents)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: one result has %" PRIu64 " documents, the other %" PRIu64
                         "; score both with the same --limit and --field",
                         a->corpus_path, a->documents, b->documents);
    if (!a->per_document || !b->per_document)
        return cril_fail(
            err, CRIL_ERR_MISMATCH,
            "%s: a result has no list of its documents, so they cannot be paired; score it "
            "again",
            a->corpus_path);
    for (uint64_t i = 0; i < a->documents; i++) {
        if (a->per_document[i].index != b->per_document[i].index)
            return cril_fail(err, CRIL_ERR_MISMATCH,
                             "%s: row %" PRIu64 " is document %" PRIu64
                             " in one result and %" PRIu64
                             " in the other; score both with the same cril",
                             a->corpus_path, i, a->per_document[i].index, b->per_document[i].index);
        if (a->per_document[i].characters != b->per_document[i].characters)
            return cril_fail(err, CRIL_ERR_MISMATCH,
                             "%s: document %" PRIu64 " has %" PRIu64
                             " characters in one result and %" PRIu64
                             " in the other; score both with the same protocol and --field",
                             a->corpus_path, a->per_document[i].index,
                             a->per_document[i].characters, b->per_document[i].characters);
    }
    return check_tokens(a, b, err);
}

/* Larger change first, then the earlier document. */
static int by_change(const void *x, const void *y)
{
    const cril_document_difference *p = x, *q = y;
    double moved_p = fabs(p->bits_b - p->bits_a), moved_q = fabs(q->bits_b - q->bits_a);

    if (moved_p != moved_q)
        return moved_p < moved_q ? 1 : -1;
    return (p->index > q->index) - (p->index < q->index);
}

cril_status cril_compare(const cril_result *a, const cril_result *b, cril_comparison *out,
                         cril_error *err)
{
    cril_interval interval = out->interval;
    cril_status st = check_pair(a, b, err);
    cril_document_difference *documents;
    double *bits_a, *bits_b, *characters;
    size_t n, bytes;

    if (st != CRIL_OK)
        return st;
    if (a->documents > SIZE_MAX || !a->documents ||
        !cril_size_mul((size_t)a->documents, 3 * sizeof(double), &bytes))
        return cril_fail(err, CRIL_ERR_RANGE, "%s: its number of documents cannot be compared",
                         a->corpus_path);
    n = (size_t)a->documents;
    bits_a = malloc(bytes);
    documents = calloc(n, sizeof(*documents));
    if (!bits_a || !documents) {
        st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", a->corpus_path);
        goto fail;
    }
    bits_b = bits_a + n;
    characters = bits_b + n;
    for (size_t i = 0; i < n; i++) {
        bits_a[i] = a->per_document[i].nats / CRIL_LN2;
        bits_b[i] = b->per_document[i].nats / CRIL_LN2;
        characters[i] = (double)a->per_document[i].characters;
        documents[i] = (cril_document_difference){.index = a->per_document[i].index,
                                                  .characters = a->per_document[i].characters,
                                                  .bits_a = bits_a[i],
                                                  .bits_b = bits_b[i]};
    }
    if (interval.level == 0)
        interval.level = 0.95;
    if (!interval.resamples)
        interval.resamples = 1000;
    st = cril_bootstrap_difference(bits_b, characters, bits_a, characters, n, &interval, err);
    if (st != CRIL_OK)
        goto fail;
    qsort(documents, n, sizeof(*documents), by_change);
    *out = (cril_comparison){.bpc_a = cril_result_bpc(a),
                             .bpc_b = cril_result_bpc(b),
                             .difference = cril_result_bpc(b) - cril_result_bpc(a),
                             .interval = interval,
                             .n_documents = n,
                             .documents = documents};
    free(bits_a);
    return CRIL_OK;
fail:
    free(bits_a);
    free(documents);
    return st;
}

void cril_comparison_free(cril_comparison *c)
{
    if (!c)
        return;
    free(c->documents);
    c->documents = NULL;
    c->n_documents = 0;
}
