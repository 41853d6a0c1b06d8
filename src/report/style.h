/* The frame of a page: what all pages in the style of the report begin and end with. */
#ifndef CRIL_REPORT_STYLE_H
#define CRIL_REPORT_STYLE_H

#include <stdio.h>

/* Up to the start of the body. title: text from outside; what: such as "a cril report", behind it
 * in the window's title. */
void cril_style_start(FILE *f, const char *title, const char *what);

#endif
