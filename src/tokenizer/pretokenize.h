/*
 * Pre-tokenizers: cut a text into words, across which nothing merges (spec.h lists the steps). Each
 * step works on the words of the one before.
 */
#ifndef CRIL_TOKENIZER_PRETOKENIZE_H
#define CRIL_TOKENIZER_PRETOKENIZE_H

#include "tokenizer/spec.h"
#include "tokenizer/string.h"

struct cril_splitter; /* immutable; shared by threads */

struct cril_word {
    size_t start, end;
};

struct cril_words {
    struct cril_word *at; /* [n] */
    size_t n, capacity;
};

struct split_work { /* zero-initialise; reused from text to text */
    struct cril_words words, spare;
    struct cril_string text, spare_text;
};

/* *out is owned by the caller; spec must outlive it. CRIL_ERR_NOMEM, _UNSUPPORTED: PCRE2 refuses an
 * expression. */
cril_status cril_splitter_create(const struct cril_spec *spec, struct cril_splitter **out,
                                 cril_error *err);
void cril_splitter_free(struct cril_splitter *s); /* NULL is allowed */

/* Cuts well-formed *text [len] into w->words, from left to right, none empty. *text becomes the
 * text that they lie in: the same, or w's until the next call. Words may cut a character in two
 * only where symbols are bytes. first: text starts the whole text. CRIL_ERR_NOMEM. */
cril_status cril_splitter_run(const struct cril_splitter *s, const char **text, size_t len,
                              bool first, struct split_work *w, cril_error *err);
void cril_split_work_free(struct split_work *w);

#endif
