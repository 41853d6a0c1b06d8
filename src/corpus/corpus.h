/* For tests and fuzzing only: what the public header does not offer. */
#ifndef CRIL_CORPUS_CORPUS_H
#define CRIL_CORPUS_CORPUS_H

#include <cril/corpus.h>

/* The most bytes that a line or a document may have; 1 GiB unless set, before the first document.
 */
void cril_corpus_set_max(cril_corpus *c, size_t max_bytes);

#endif
