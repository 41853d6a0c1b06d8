/* cril compare of two files of items. */
#ifndef CRIL_CLI_COMPARING_H
#define CRIL_CLI_COMPARING_H

#include <stdbool.h>

/* Prints it; the exit code. level: 0: 0.95. */
int cril_compare_items(const char *a, const char *b, double level, bool json);

#endif
