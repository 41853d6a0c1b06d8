/* Input files: how a sentence calls them, whole files in memory. */
#ifndef CRIL_CLI_INPUT_H
#define CRIL_CLI_INPUT_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>

const char *cril_input_spoken(const char *path); /* "standard input" for "-" */

/* It is there, and is no folder; "-" always is. False: the reason was printed. */
bool cril_input_check(const char *path);

/* All bytes of a file, or of standard input ("-"); owned by the caller. NULL: *err says why. */
unsigned char *cril_input_read(const char *path, size_t *len, cril_error *err);

#endif
