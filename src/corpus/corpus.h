/* Functions for the library alone. */
#ifndef CRIL_CORPUS_CORPUS_H
#define CRIL_CORPUS_CORPUS_H

#include <cril/corpus.h>

/*
 * Whether documents are what OpenCompass makes of their records (record.h), in JSON Lines; other
 * formats have no record but the text. Call it before the first document.
 */
void cril_corpus_fill_records(cril_corpus *c, bool fill);

/*
 * The document handed out last cannot be used, for the reason `why`: it becomes a bad line, which
 * is an error under `strict`, and is counted otherwise. Its index is not given again, so that an
 * index names the same document for every model. Call it once for a document.
 */
cril_status cril_corpus_reject(cril_corpus *c, const cril_error *why, cril_error *err);

/*
 * Only the documents of these indices [n], which grow, are handed out; the others are read, and
 * skipped. indices are borrowed until the corpus is closed. Call it before the first document.
 */
void cril_corpus_select(cril_corpus *c, const uint64_t *indices, size_t n);
bool cril_corpus_is_selection(const cril_corpus *c);

/* For tests and fuzzing: the maximum bytes of a line or a document; 1 GiB unless set,
 * before the first document. */
void cril_corpus_set_max(cril_corpus *c, size_t max_bytes);

#endif
