/*
 * What drawings of the report have in common: axes, titles, points with their names, symbols and
 * their key. Everything is SVG; the style sheet's classes give it its colours (style.h).
 *
 * A point is a group that can be reached by keyboard. Its name is in the group, also where it has
 * no room, to be shown when the point is looked at.
 */
#ifndef CRIL_REPORT_PLOT_H
#define CRIL_REPORT_PLOT_H

#include "report/labels.h"
#include "report/scale.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { CRIL_PLOT_COLOURS = 7, CRIL_PLOT_SHAPES = 8 }; /* coprime: 56 families look different */

struct cril_plot {
    FILE *f;
    double width, height;
    struct cril_scale x, y;
    double radius, font;
    double label_em; /* the longest name, in units of the font's size */
    const char *id;  /* of its parts */
};

/* A plot of that width, with its height and sizes; those below 600 are narrow. Scales are the
 * caller's to set, then come cril_plot_lay and the drawing. */
struct cril_plot cril_plot_init(FILE *f, double width, const char *id);
bool cril_plot_is_narrow(const struct cril_plot *plot);
/* About how many ticks an axis has. */
double cril_plot_n_ticks(const struct cril_plot *plot);
/* The scales' coordinates: room for numbers and titles at the edges. */
void cril_plot_lay(struct cril_plot *plot);
/* Room for the numbers of the y axis, so that none is cut at the drawing's edge. */
void cril_plot_make_room_left(struct cril_plot *plot);

void cril_plot_write_ticks(const struct cril_plot *plot);

/* A title around a name from outside, which is cut where the drawing has no room for all of it. */
struct cril_plot_title {
    const char *before; /* "" or "bits per character on " */
    const char *name;   /* NULL: none */
    const char *after;
};
/* x stands below the drawing, note (NULL: none) behind it, on a line of its own in a narrow plot; y
 * above, where it leaves `room` at the right. */
void cril_plot_write_titles(const struct cril_plot *plot, const struct cril_plot_title *x,
                            const char *note, const struct cril_plot_title *y, double room);

struct cril_plot_point {
    double x, y;             /* numbers of the scales */
    double x_reach, y_reach; /* of error bars, to each side; 0: none */
    const char *name;
    size_t family;
    bool ringed;
    bool unnamed; /* the name shows only when the point is looked at */
};

/* Bytes at the end of all names that figures leave out; see cril_labels_tail. */
size_t cril_plot_tail(const struct cril_plot_point *points, size_t n);

/* Writes as text what a point is; i: its index. */
typedef void (*cril_plot_say)(void *user, size_t i);

/* Points [n] with their names. order, lines: as cril_labels_place has them. False: out of memory.
 */
bool cril_plot_write_points(const struct cril_plot *plot, const struct cril_plot_point *points,
                            size_t n, const size_t *order, const struct cril_segment *lines,
                            size_t n_lines, cril_plot_say say, void *user);

/* A family's symbol, some 11 units wide, or, small, 7. */
void cril_plot_symbol(FILE *f, size_t family, bool is_small, double x, double y);
/* The symbols that those use, as definitions. */
void cril_plot_define_symbols(FILE *f);

/* Text, cut to a width in units of the font's size. */
void cril_plot_write_cut(FILE *f, const char *text, double em);

#endif
