/* Colours and rules of drawings, in a page and alone. */
#ifndef CRIL_REPORT_PALETTE_H
#define CRIL_REPORT_PALETTE_H

#include <stdbool.h>
#include <stdio.h>

/* The colours as variables of a style sheet: "--ink:#1b1d20;" and so on. */
void cril_palette_write(FILE *f, bool dark);
/* Those of a page, light and, on a dark screen, dark, and its fonts. */
void cril_palette_write_root(FILE *f);
/* The rules of drawings, which use those variables. */
void cril_palette_write_rules(FILE *f);
/* The same with the colours themselves: programs other than browsers know no variables. */
void cril_palette_write_plain_rules(FILE *f, bool dark);

#endif
