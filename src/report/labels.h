/* Where the names of points go in a scatter, so that none covers a point or another name. */
#ifndef CRIL_REPORT_LABELS_H
#define CRIL_REPORT_LABELS_H

#include <stdbool.h>
#include <stddef.h>

struct cril_box {
    double left, top, right, bottom;
};

struct cril_label {
    double x, y;          /* the point */
    double width, height; /* of the name */
    double bar_x, bar_y;  /* error bars to each side of the point; 0: none */
    bool unwanted;        /* the name is not to be shown: only the point takes room */
    /* out */
    struct cril_box box;
    bool shown;  /* false: there is no room; box is then near the point, where it covers the fewest
                    others */
    bool leader; /* it stands off its point, so that a line should join them */
};

struct cril_segment {
    double x1, y1, x2, y2;
};

/*
 * Places labels [n] within bounds, around points of the radius. order: which of them come first
 * where there is no room for all, NULL: as they are. lines [n_lines]: those that no name
 * may lie on. False: out of memory.
 */
bool cril_labels_place(struct cril_label *labels, size_t n, const size_t *order, double radius,
                       const struct cril_box *bounds, const struct cril_segment *lines,
                       size_t n_lines);

/*
 * Bytes at the end that all names [n] have in common, from a '-', '.', ':', '/' or space on, and if
 * no name consists of them alone. 0: there is nothing worth leaving out.
 */
size_t cril_labels_tail(const char *const *names, size_t n);

#endif
