/* How files write bytes that are no text: GPT-2's byte alphabet, names of bytes, U+2581 for a
 * space. */
#ifndef CRIL_TOKENIZER_ALPHABET_H
#define CRIL_TOKENIZER_ALPHABET_H

#include <stdbool.h>
#include <stddef.h>

/* Undoes GPT-2's byte alphabet: out [len] gets the bytes, *n their number. False when a character
 * is not of it. */
bool cril_byte_level_decode(const char *text, size_t len, char *out, size_t *n);

/* "<0x0A>" to 10; -1 for another form. */
int cril_byte_of_name(const char *text, size_t len);

/* Copies with U+2581 as a space; returns the bytes written. out may be text. */
size_t cril_put_spaces(const char *text, size_t len, char *out);

#endif
