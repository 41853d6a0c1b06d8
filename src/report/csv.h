/* The numbers behind a figure as CSV (RFC 4180), in a file or in a link's address. */
#ifndef CRIL_REPORT_CSV_H
#define CRIL_REPORT_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cril_csv {
    FILE *f;
    bool in_link;  /* bytes are written as an address has them (RFC 3986) */
    size_t column; /* of the row so far */
};

/* A cell. A spreadsheet would compute a text that begins as a formula: it gets an apostrophe. */
void cril_csv_text(struct cril_csv *c, const char *text);
/* 15 digits; empty where it is not finite. */
void cril_csv_number(struct cril_csv *c, double v);
void cril_csv_end_row(struct cril_csv *c);
/* A row of texts: "model,family". */
void cril_csv_head(struct cril_csv *c, const char *names);

#endif
