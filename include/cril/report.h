/*
 * Results written for machines, read back, and compared.
 */
#ifndef CRIL_REPORT_H
#define CRIL_REPORT_H

#include <cril/prove.h>
#include <cril/score.h>
#include <cril/status.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes {"results": [...], "average": {"bpc": ...}} (doc/scoring.md, "JSON") to f. proofs: one a
 * result, or NULL. CRIL_ERR_IO. */
cril_status cril_results_write(FILE *f, const cril_result *results, size_t n,
                               const cril_proof *proofs, cril_error *err);

/*
 * Reads such a file. *results is owned by the caller: cril_results_free. CRIL_ERR_FORMAT names the
 * field: one that is missing or no such value, a result without its documents, and sums or figures
 * that contradict them (doc/scoring.md, "JSON"). CRIL_ERR_IO, _NOMEM, _RANGE: larger than 1 GiB.
 */
cril_status cril_results_read(const char *path, cril_result **results, size_t *n, cril_error *err);
void cril_results_free(cril_result *results, size_t n);

/* One document in two results. */
typedef struct cril_document_difference {
    uint64_t index, characters;
    double bits_a, bits_b; /* total bits of the document in each */
} cril_document_difference;

/* What the interval says of B. */
typedef enum cril_verdict {
    CRIL_VERDICT_NONE,  /* there is no interval: fewer than 2 documents have characters */
    CRIL_VERDICT_SAME,  /* each document costs the same bits in both, except for rounding (fit.h) */
    CRIL_VERDICT_FEWER, /* it lies below 0: B needs fewer bits */
    CRIL_VERDICT_MORE,  /* above 0 */
    CRIL_VERDICT_OPEN   /* it holds 0: no decision */
} cril_verdict;

typedef struct cril_comparison {
    double bpc_a, bpc_b, difference; /* b - a */
    cril_interval interval; /* of the difference, documents paired; resamples 0: there is none */
    cril_verdict verdict;
    size_t n_counted; /* documents that have characters; an interval of few is too narrow */
    size_t n_documents;
    cril_document_difference *documents; /* [n_documents], most moved first, owned */
} cril_comparison;

/*
 * Pairs two results on the same corpus by document. Bits and BPC are with escapes
 * (cril_result_bpc_with_escapes). CRIL_ERR_MISMATCH says what differs: corpus,
 * number of documents, characters of one. level, resamples and seed are read from out->interval (0:
 * defaults).
 */
cril_status cril_compare(const cril_result *a, const cril_result *b, cril_comparison *out,
                         cril_error *err);

/* Two results on one corpus, borrowed. */
typedef struct cril_result_pair {
    const cril_result *a, *b;
} cril_result_pair;

/*
 * The same of the averages over n corpora, each of which counts the same: is B better? Documents
 * are resampled within each corpus, and a corpus of which fewer than 2 have characters leaves the
 * average without an interval. The order of the corpora changes nothing. No documents are listed.
 * CRIL_ERR_EMPTY: n is 0.
 */
cril_status cril_compare_average(const cril_result_pair *pairs, size_t n, cril_comparison *out,
                                 cril_error *err);
void cril_comparison_free(cril_comparison *c);

#ifdef __cplusplus
}
#endif
#endif
