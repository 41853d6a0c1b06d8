/* A histogram: columns of counts side by side. */
#ifndef CRIL_REPORT_COLUMNS_H
#define CRIL_REPORT_COLUMNS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CRIL_COLUMNS_TEXT = 64 };

struct cril_columns {
    const uint64_t *counts; /* [n] n > 0 */
    size_t n;
    const char *x, *y; /* titles of the axes, markup */
    /* What stands below column i, and what is said where it is pointed at, before its count. */
    void (*label)(const void *user, size_t i, char out[CRIL_COLUMNS_TEXT]);
    void (*say)(const void *user, size_t i, char out[CRIL_COLUMNS_TEXT]);
    const void *user;
};

/* Drawings for a wide and for a narrow screen. */
void cril_columns_draw(FILE *f, const struct cril_columns *c);

/* 1,234,567 */
void cril_write_count(FILE *f, uint64_t n);

#endif
