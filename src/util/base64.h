/* Base 64 (RFC 4648, section 4), as models' files write bytes. */
#ifndef CRIL_UTIL_BASE64_H
#define CRIL_UTIL_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes text [len] into out, which has room for 3 bytes of every 4 that begin; *n of them come.
 * False: it is not base 64, with its padding. */
bool cril_base64_decode(const char *text, size_t len, char *out, size_t *n);

#endif
