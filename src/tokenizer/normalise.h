/* Normalisers as the library `tokenizers` has them (spec.h lists the steps). SentencePiece's own is
 * sentence.c. */
#ifndef CRIL_TOKENIZER_NORMALISE_H
#define CRIL_TOKENIZER_NORMALISE_H

#include "tokenizer/forms.h"
#include "tokenizer/spec.h"

struct cril_normaliser; /* immutable; shared by threads */

struct normal_work { /* zero-initialise; reused from text to text */
    struct cril_form_work form;
    struct cril_string text, spare;
};

/* *out is owned by the caller; spec must outlive it. CRIL_ERR_NOMEM, _FORMAT, _UNSUPPORTED. */
cril_status cril_normaliser_create(const struct cril_spec *spec, struct cril_normaliser **out,
                                   cril_error *err);
void cril_normaliser_free(struct cril_normaliser *n); /* NULL is allowed */

/* *text [*len], well-formed, becomes its normal form: itself, or w's until the next call. */
cril_status cril_normaliser_run(const struct cril_normaliser *n, const char **text, size_t *len,
                                struct normal_work *w, cril_error *err);
void cril_normal_work_free(struct normal_work *w);

/* Whether a character is a blank (White_Space). */
bool cril_is_blank(uint32_t code);
/* Whether Python's str.isspace says so: blanks, and the separators of ASCII, FS to US. */
bool cril_python_is_space(uint32_t code);
/* Bytes of the blanks at the start and at the end of text. */
size_t cril_leading_blanks(const char *text, size_t len);
size_t cril_trailing_blanks(const char *text, size_t len);
/* Whether a character is a letter, mark, digit or the like: \w of Unicode Technical Standard 18. */
bool cril_is_word(uint32_t code);

#endif
