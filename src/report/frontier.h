/*
 * Models by what they cost and what they are worth: points over the size of a file, of whose values
 * fewer is better, and the frontier: the least value of each size. A point is on the frontier if no
 * other that is as small has as small a value.
 */
#ifndef CRIL_REPORT_FRONTIER_H
#define CRIL_REPORT_FRONTIER_H

#include "report/plot.h"

struct cril_frontier {
    struct cril_plot_point *points; /* [n] x: bytes, above 0 */
    size_t n;
    size_t *order; /* [n] indices of points: those of the frontier, by size, then the others */
    size_t n_on;   /* of the frontier */
};

/* Sets order, of which the caller gives the room, and n_on. */
void cril_frontier_find(struct cril_frontier *f);

/* Draws all but the page around it; y: the values' title. False: out of memory. */
bool cril_frontier_draw(struct cril_plot *plot, const struct cril_frontier *f,
                        const struct cril_plot_title *y, cril_plot_say say, void *user);

#endif
