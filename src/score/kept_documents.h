/*
 * Finished documents of a run, in memory and in a file of kept lines, so that a stopped run goes on
 * with them. What a document costs depends on the model, the text and the protocol alone, so any
 * run that asks for the same has use for it.
 */
#ifndef CRIL_SCORE_KEPT_DOCUMENTS_H
#define CRIL_SCORE_KEPT_DOCUMENTS_H

#include <cril/corpus.h>
#include <cril/score.h>

struct cril_kept_lines;

/* Zero-initialised it is empty. Release with cril_kept_documents_free. */
struct cril_kept_documents {
    cril_document_score *rows; /* [n]; by index once they are sorted */
    size_t n, size;
    struct cril_kept_lines *lines; /* NULL: they are not kept */
    bool no_memory;                /* while lines were read */
};

/*
 * Opens the file of s, and of a corpus of this hash and these options, and takes what it has.
 * fresh: nothing. Errors of cril_kept_lines_open; *k can be freed.
 */
cril_status cril_kept_documents_open(struct cril_kept_documents *k, const cril_scorer *s,
                                     const char *corpus_path, const char *corpus_sha256,
                                     const cril_corpus_options *corpus, bool fresh,
                                     cril_error *err);
/* d is appended, and kept. CRIL_ERR_IO, CRIL_ERR_NOMEM. */
cril_status cril_kept_documents_add(struct cril_kept_documents *k, const cril_document_score *d,
                                    cril_error *err);
void cril_kept_documents_sort(struct cril_kept_documents *k);
/* Of sorted ones. NULL: it is not there. */
const cril_document_score *cril_kept_documents_find(const struct cril_kept_documents *k,
                                                    uint64_t index);
void cril_kept_documents_free(struct cril_kept_documents *k);

#endif
