/* Text columns of tables, aligned by what a terminal shows and not by bytes. */
#ifndef CRIL_CLI_TABLE_H
#define CRIL_CLI_TABLE_H

#include <stdio.h>

/* A text as cril_print_escaped prints it; owned. NULL: out of memory. */
char *cril_text_shown(const char *text);
/* Columns that a terminal gives to such a text. */
int cril_shown_width(const char *shown);
/* Prints it; of one that is wider than `columns`, the two ends with "..." between them. */
void cril_print_cut(FILE *f, const char *shown, int columns);
/* Columns that a terminal gives to a text as cril_print_escaped prints it. */
int cril_text_width(const char *text);
/* Makes a column as wide as such a text, if it is not. */
void cril_widen(int *width, const char *text);
/* Prints it so, then blanks up to width. */
void cril_print_padded(FILE *f, const char *text, int width);

#endif
