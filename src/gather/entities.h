/* Character references of HTML: &amp; and &#38; and &#x26; */
#ifndef CRIL_GATHER_ENTITIES_H
#define CRIL_GATHER_ENTITIES_H

#include <stddef.h>
#include <stdint.h>

/*
 * The reference at text [len], which begins with '&': returns the bytes that it takes, semicolon
 * included, and sets *code. 0: none stands there, or it names no character: an unknown name, a
 * surrogate, a control character other than tab and line end, a number over U+10FFFF.
 */
size_t cril_entity_read(const char *text, size_t len, uint32_t *code);

#endif
