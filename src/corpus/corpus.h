/* Functions for the library alone. */
#ifndef CRIL_CORPUS_CORPUS_H
#define CRIL_CORPUS_CORPUS_H

#include <cril/corpus.h>

/*
 * Whether documents are what OpenCompass makes of their records (record.h), in JSON Lines; other
 * formats have no record but the text. Call it before the first document.
 */
void cril_corpus_fill_records(cril_corpus *c, bool fill);

/* For tests and fuzzing: the maximum bytes of a line or a document; 1 GiB unless set,
 * before the first document. */
void cril_corpus_set_max(cril_corpus *c, size_t max_bytes);

#endif
