/*
 * What the page of a view is made of: cells, which are characters with the tokens that spell them;
 * lines, words and expensive places with their sums.
 *
 * Bits are those of one model; of two, `bits` has both, and `shown` is the second less the first.
 * Tokens that the protocol does not score have no part in any sum.
 */
#ifndef CRIL_REPORT_VIEW_CELLS_H
#define CRIL_REPORT_VIEW_CELLS_H

#include <cril/view.h>

struct cril_view_sums {
    double bits[CRIL_VIEW_MAX_MODELS];
};

/* Whole characters and their tokens: one token, or several that spell one character together. A
 * control token is a cell of its own, without characters. */
struct cril_view_cell {
    size_t first, n;   /* tokens */
    size_t start, end; /* bytes of the text */
    size_t line;       /* that it begins in */
    size_t word;       /* of its first letter; SIZE_MAX: it has none */
    size_t place;      /* 1 + the place that begins here; 0: none */
    bool is_scored;
    struct cril_view_sums sums;
};

/* Up to and with its line feed. */
struct cril_view_line {
    size_t start, end;
    size_t cell; /* the first that begins in it, or the next one */
    struct cril_view_sums sums;
};

/* Letters, marks and digits behind each other. */
struct cril_view_word {
    size_t start, end, n_cells;
    struct cril_view_sums sums;
};

enum { CRIL_VIEW_PLACE_CELLS = 12, CRIL_VIEW_MAX_PLACES = 40 };

/* A run of cells that costs much, of two models that differs much. */
struct cril_view_place {
    size_t cell, n;
    struct cril_view_sums sums;
};

struct cril_view_cells {
    const cril_view *v;
    struct cril_view_cell *cells;   /* [n_cells] */
    struct cril_view_line *lines;   /* [n_lines] */
    struct cril_view_word *words;   /* [n_words] as they stand in the text */
    struct cril_view_place *places; /* [n_places] as they stand in the text */
    size_t n_cells, n_lines, n_words, n_places;
};

/* CRIL_ERR_NOMEM. On errors *c can be freed. */
cril_status cril_view_cells_make(const cril_view *v, struct cril_view_cells *c, cril_error *err);
void cril_view_cells_free(struct cril_view_cells *c);

/* What is shown as colour: bits of one model, or the difference of two. */
double cril_view_shown(const cril_view *v, const struct cril_view_sums *s);

/* A word of the text with all its occurrences. */
struct cril_view_total {
    size_t start, end; /* the first occurrence */
    size_t n;
    struct cril_view_sums sums;
};

/* The words by what is shown of all their occurrences, the largest first, of equals the first in
 * the text; of two models by the size of the difference. [*n] owned. NULL: out of memory. */
struct cril_view_total *cril_view_totals(const struct cril_view_cells *c, size_t *n);
/* Lines likewise: their indices. [n_lines] */
size_t *cril_view_lines_by_cost(const struct cril_view_cells *c);

#endif
