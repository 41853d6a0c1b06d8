/* How files write bytes that are no text: GPT-2's byte alphabet, names of bytes, U+2581 for a
 * space. */
#ifndef CRIL_TOKENIZER_ALPHABET_H
#define CRIL_TOKENIZER_ALPHABET_H

#include "tokenizer/string.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends bytes in GPT-2's byte alphabet. CRIL_ERR_NOMEM. */
cril_status cril_byte_level_encode(const char *bytes, size_t len, struct cril_string *out,
                                   cril_error *err);
/* Undoes it: out [len] gets the bytes, *n their number; out may be text. False when a character
 * is not of the alphabet. */
bool cril_byte_level_decode(const char *text, size_t len, char *out, size_t *n);

/* "<0x0A>" to 10; -1 for another form. */
int cril_byte_of_name(const char *text, size_t len);

/* Copies with U+2581 as a space; returns the bytes written. out may be text. */
size_t cril_put_spaces(const char *text, size_t len, char *out);

#endif
