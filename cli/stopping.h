/* A rule that ends a corpus before its end: its option, and what is said of it. */
#ifndef CRIL_CLI_STOPPING_H
#define CRIL_CLI_STOPPING_H

#include <cril/score.h>
#include <stdbool.h>
#include <stdio.h>

/* "0.5%" as 0.005, at most 50 %. False: it is no such share. */
bool cril_stopping_read(const char *text, double *share);
/* Below a table: the rule, and where it has ended each corpus. Nothing where there was none. */
void cril_stopping_print(FILE *f, const cril_result *results, size_t n);

#endif
