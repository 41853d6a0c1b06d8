/* The style sheet and the script of a view's page, and the classes of its colours. */
#ifndef CRIL_REPORT_VIEW_STYLE_H
#define CRIL_REPORT_VIEW_STYLE_H

#include <stddef.h>
#include <stdio.h>

enum { CRIL_VIEW_LEVELS = 8, CRIL_VIEW_DIFFERENCES = 5 }; /* colours; of each sign */

/* Bits from which level i on, 1 .. CRIL_VIEW_LEVELS, or difference i on, reaches. */
double cril_view_level_from(size_t i);
double cril_view_difference_from(size_t i);
/* The class of so many bits of one model, or of so many more of the second one: "b3", "p2", "m5";
 * "" where they are too few for a colour. */
const char *cril_view_class(double shown, size_t n_models);

void cril_view_write_style(FILE *f);
/* Tokens by mouse and by keys; without it all that is there can still be read. */
void cril_view_write_script(FILE *f);

#endif
