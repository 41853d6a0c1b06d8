/* Which licence a text is, by SPDX's identifiers. */
#ifndef CRIL_GATHER_LICENCE_H
#define CRIL_GATHER_LICENCE_H

#include <stdbool.h>
#include <stddef.h>

enum { CRIL_LICENCE_BYTES = 64 };

/* Whether a file of this name, without folders, holds a repository's licence. */
bool cril_licence_is_file(const char *name);

/* The licence that a text [len] is, by phrases that no other one has; NULL: it is not known.
 * Static.
 */
const char *cril_licence_of(const char *text, size_t len);

/* What a source file says after "SPDX-License-Identifier:" in its first 4 KiB. False: nothing. */
bool cril_licence_named(const char *text, size_t len, char out[CRIL_LICENCE_BYTES]);

#endif
