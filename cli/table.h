/* Text columns of tables, aligned by what a terminal shows and not by bytes. */
#ifndef CRIL_CLI_TABLE_H
#define CRIL_CLI_TABLE_H

#include <stdio.h>

/* Columns that a terminal gives to a text as cril_print_escaped prints it. */
int cril_text_width(const char *text);
/* Prints it so, then blanks up to width. */
void cril_print_padded(FILE *f, const char *text, int width);

#endif
