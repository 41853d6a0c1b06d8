/*
 * Unicode's normalisation forms (Unicode Standard Annex 15), as the library `tokenizers` applies
 * them: its tables are those of Unicode 9, so what Unicode encoded later is left as it is.
 */
#ifndef CRIL_TOKENIZER_FORMS_H
#define CRIL_TOKENIZER_FORMS_H

#include "tokenizer/string.h"

#include <stdbool.h>
#include <stdint.h>

struct cril_form {
    bool composes;   /* C; else D */
    bool compatible; /* K: characters that are another way to write one become that one */
};

struct cril_form_work { /* buffers; zero-initialise */
    struct cril_string text;
    int32_t *codes, *spare; /* [capacity] */
    size_t capacity, spare_capacity;
};

/* Sets *out [*out_len] to the normal form of well-formed text [len]: text itself, or w's until the
 * next call. Time is O(len), whatever the marks. CRIL_ERR_NOMEM. */
cril_status cril_form_run(struct cril_form_work *w, const struct cril_form *form, const char *text,
                          size_t len, const char **out, size_t *out_len, cril_error *err);
void cril_form_work_free(struct cril_form_work *w);

#endif
