/*
 * Normalisation form C (Unicode Standard Annex 15), as the library `tokenizers` applies it before a
 * model's expression: that library's tables are those of Unicode 9, so what Unicode encoded later
 * is left as it is.
 */
#ifndef CRIL_TOKENIZER_NFC_H
#define CRIL_TOKENIZER_NFC_H

#include "tokenizer/string.h"

#include <stdint.h>

struct cril_nfc { /* buffers; zero-initialise */
    struct cril_string text;
    int32_t *codes, *spare; /* [capacity] */
    size_t capacity, spare_capacity;
};

/* Sets *out [*out_len] to the normal form of well-formed text [len]: text itself, or w's until the
 * next call. Time is O(len), whatever the marks. CRIL_ERR_NOMEM. */
cril_status cril_nfc_run(struct cril_nfc *w, const char *text, size_t len, const char **out,
                         size_t *out_len, cril_error *err);
void cril_nfc_free(struct cril_nfc *w);

#endif
