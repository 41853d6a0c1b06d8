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

/* Reads such a file. *results is owned by the caller: cril_results_free. */
cril_status cril_results_read(const char *path, cril_result **results, size_t *n, cril_error *err);
void cril_results_free(cril_result *results, size_t n);

/* One document in two results. */
typedef struct cril_document_difference {
    uint64_t index, characters;
    double bits_a, bits_b; /* total bits of the document in each */
} cril_document_difference;

typedef struct cril_comparison {
    double bpc_a, bpc_b, difference; /* b - a */
    cril_interval interval;          /* of the difference, documents paired */
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
void cril_comparison_free(cril_comparison *c);

#ifdef __cplusplus
}
#endif
#endif
