/*
 * Text as it is compared: lower case, each number 0, no punctuation, one blank where there is white
 * space or punctuation and none at the ends, no diacritics. As datatrove 0.10 does it
 * (simplify_text), but for a capital sigma at the end of a word.
 */
#ifndef CRIL_GATHER_PLAIN_H
#define CRIL_GATHER_PLAIN_H

#include <stddef.h>
#include <stdint.h>

enum { CRIL_PLAIN_GROWTH = 4 }; /* code points that one becomes, at most */

/* Plain codes of codes [n] into out [CRIL_PLAIN_GROWTH * n]; returns how many. */
size_t cril_plain(const uint32_t *codes, size_t n, uint32_t *out);

#endif
