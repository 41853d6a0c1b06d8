/*
 * Pre-tokenizers: cut a text into words, across which byte-pair encoding never merges.
 *
 * A pre-tokenizer is a list of expressions. Each cuts every word of the one before: a match is a
 * word, and so is what lies between two matches.
 */
#ifndef CRIL_TOKENIZER_PRETOKENIZE_H
#define CRIL_TOKENIZER_PRETOKENIZE_H

#include "tokenizer/spec.h"

struct cril_splitter; /* immutable; shared by threads */

struct cril_words { /* zero-initialise; word i is text[end[i - 1] .. end[i]), end[-1] being 0 */
    size_t *end;
    size_t n, capacity;
};

/* *out is owned by the caller; it keeps nothing of spec. CRIL_ERR_NOMEM, _UNSUPPORTED: PCRE2
 * refuses an expression. */
cril_status cril_splitter_create(const struct cril_spec *spec, struct cril_splitter **out,
                                 cril_error *err);
void cril_splitter_free(struct cril_splitter *s); /* NULL is allowed */

/* Cuts well-formed UTF-8. spare is a second list to work in. CRIL_ERR_NOMEM. */
cril_status cril_splitter_run(const struct cril_splitter *s, const char *text, size_t len,
                              struct cril_words *words, struct cril_words *spare, cril_error *err);
void cril_words_free(struct cril_words *w);

#endif
