/*
 * Label placement (labels.h) by local search, as in Christensen, Marks & Shieber 1995, "An
 * empirical study of algorithms for point-feature label placement": every label has some tens of
 * places, near ones and, with a leader, farther ones. One label after another moves to its cheapest
 * place while the others stay, until none moves. Then names that still cover something are taken
 * out, so that what is left is readable. No random numbers: the same points give the same picture.
 */
#include "report/labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECTIONS = 12, RINGS = 6, PLACES = DIRECTIONS * RINGS, ROUNDS = 30 };
/* A round takes time that grows with the square of the labels; more than these have no room. */
enum { MAX_LABELS = 200 };

/* Unit vectors clockwise from the right, where a reader looks first. */
static const double unit_x[DIRECTIONS] = {1,  0.866,  0.5,  0, -0.5, -0.866,
                                          -1, -0.866, -0.5, 0, 0.5,  0.866};
static const double unit_y[DIRECTIONS] = {0, 0.5,  0.866,  1,  0.866,  0.5,
                                          0, -0.5, -0.866, -1, -0.866, -0.5};
static const double dislike[DIRECTIONS] = {0, 2, 5, 4, 6, 4, 2, 3, 5, 3, 4, 1};
static const double distance[RINGS] = {4, 10, 18, 30, 44, 60}; /* beyond the point's radius */
static const double far_cost[RINGS] = {0, 10, 22, 34, 48, 64};
enum { NEAR_RINGS = 1 }; /* whose labels need no leader */

static double overlap(const struct cril_box *a, const struct cril_box *b)
{
    const double w = fmin(a->right, b->right) - fmax(a->left, b->left);
    const double h = fmin(a->bottom, b->bottom) - fmax(a->top, b->top);

    return w > 0 && h > 0 ? w * h : 0;
}

static struct cril_box around(double x, double y, double r)
{
    return (struct cril_box){x - r, y - r, x + r, y + r};
}

/* The side of the box that faces the point touches a circle about the point. */
static struct cril_box box_at(const struct cril_label *l, double radius, int place)
{
    const int d = place % DIRECTIONS;
    const double far = radius + distance[place / DIRECTIONS];
    const double x = l->x + unit_x[d] * far + unit_x[d] * l->width / 2,
                 y = l->y + unit_y[d] * far + unit_y[d] * l->height / 2;

    return (struct cril_box){x - l->width / 2, y - l->height / 2, x + l->width / 2,
                             y + l->height / 2};
}

/* Where the leader meets the box. */
static struct cril_segment leader(const struct cril_label *l, const struct cril_box *b)
{
    return (struct cril_segment){l->x, l->y, fmin(fmax(l->x, b->left), b->right),
                                 fmin(fmax(l->y, b->top), b->bottom)};
}

/* Length of the part of s within b: clipping after Liang & Barsky 1984. */
static double inside(const struct cril_segment *s, const struct cril_box *b)
{
    const double dx = s->x2 - s->x1, dy = s->y2 - s->y1;
    const double p[4] = {-dx, dx, -dy, dy};
    const double q[4] = {s->x1 - b->left, b->right - s->x1, s->y1 - b->top, b->bottom - s->y1};
    double from = 0, to = 1;

    for (int i = 0; i < 4; i++) {
        if (p[i] == 0 && q[i] < 0)
            return 0;
        if (p[i] < 0)
            from = fmax(from, q[i] / p[i]);
        else if (p[i] > 0)
            to = fmin(to, q[i] / p[i]);
    }
    return to > from ? (to - from) * sqrt(dx * dx + dy * dy) : 0;
}

static double side(const struct cril_segment *s, double x, double y)
{
    return (s->x2 - s->x1) * (y - s->y1) - (s->y2 - s->y1) * (x - s->x1);
}

static bool cross(const struct cril_segment *a, const struct cril_segment *b)
{
    return side(a, b->x1, b->y1) * side(a, b->x2, b->y2) < 0 &&
           side(b, a->x1, a->y1) * side(b, a->x2, a->y2) < 0;
}

struct search {
    struct cril_label *labels;
    int *place; /* [n] */
    size_t n;
    double radius;
    struct cril_box bounds;
    const struct cril_segment *lines; /* [n_lines] */
    size_t n_lines;
};

/* Length of the lines' parts within b. */
static double inside_lines(const struct search *s, const struct cril_box *b)
{
    double sum = 0;

    for (size_t i = 0; i < s->n_lines; i++)
        sum += inside(&s->lines[i], b);
    return sum;
}

static double cost(const struct search *s, size_t i, int place)
{
    const struct cril_label *l = &s->labels[i];
    const struct cril_box b = box_at(l, s->radius, place);
    const struct cril_segment lead = leader(l, &b);
    double sum = dislike[place % DIRECTIONS] + far_cost[place / DIRECTIONS];

    if (b.left < s->bounds.left || b.right > s->bounds.right || b.top < s->bounds.top ||
        b.bottom > s->bounds.bottom)
        return 1e9;
    sum += 20 * inside_lines(s, &b);
    for (size_t k = 0; k < s->n; k++) {
        const struct cril_label *other = &s->labels[k];
        const struct cril_box point = around(other->x, other->y, s->radius + 1);
        const struct cril_box across_bar = {other->x - other->bar_x, other->y - 1,
                                            other->x + other->bar_x, other->y + 1};
        const struct cril_box up_bar = {other->x - 1, other->y - other->bar_y, other->x + 1,
                                        other->y + other->bar_y};
        struct cril_segment second;

        sum +=
            8 * overlap(&b, &point) + 1.5 * overlap(&b, &across_bar) + 1.5 * overlap(&b, &up_bar);
        if (k == i || other->unwanted)
            continue;
        second = leader(other, &other->box);
        sum +=
            3 * overlap(&b, &other->box) + 2 * inside(&second, &b) + 2 * inside(&lead, &other->box);
        sum += 3 * inside(&lead, &point) + (cross(&lead, &second) ? 40 : 0);
    }
    return sum;
}

/* Takes the best of the first places; whether that moved it. */
static bool improve(struct search *s, size_t i, int n_places)
{
    int best = s->place[i] < n_places ? s->place[i] : 0;
    double min_cost = cost(s, i, best);

    for (int p = 0; p < n_places; p++) {
        const double c = cost(s, i, p);

        if (c < min_cost - 1e-9) {
            min_cost = c;
            best = p;
        }
    }
    if (best == s->place[i])
        return false;
    s->place[i] = best;
    s->labels[i].box = box_at(&s->labels[i], s->radius, best);
    return true;
}

/* One name on the other, or a leader through it. */
static bool are_mixed(const struct cril_label *a, const struct cril_label *b)
{
    const struct cril_segment lead_a = leader(a, &a->box), lead_b = leader(b, &b->box);

    return overlap(&a->box, &b->box) > 4 || inside(&lead_a, &b->box) > 4 ||
           inside(&lead_b, &a->box) > 4 || cross(&lead_a, &lead_b);
}

/* All labels that have a place already are shown: they come first. */
static bool covers(const struct search *s, size_t i)
{
    const struct cril_box *b = &s->labels[i].box;

    if (b->left < s->bounds.left || b->right > s->bounds.right || b->top < s->bounds.top ||
        b->bottom > s->bounds.bottom || inside_lines(s, b) > 0)
        return true;
    for (size_t k = 0; k < s->n; k++) {
        const struct cril_box point = around(s->labels[k].x, s->labels[k].y, s->radius - 1);

        if (overlap(b, &point) > 1 ||
            (s->labels[k].shown && are_mixed(&s->labels[i], &s->labels[k])))
            return true;
    }
    return false;
}

bool cril_labels_place(struct cril_label *labels, size_t n, const size_t *order, double radius,
                       const struct cril_box *bounds, const struct cril_segment *lines,
                       size_t n_lines)
{
    struct search s = {.labels = labels,
                       .place = calloc(n + 1, sizeof(int)),
                       .n = n,
                       .radius = radius,
                       .bounds = *bounds,
                       .lines = lines,
                       .n_lines = n_lines};
    bool moved = true;

    if (!s.place)
        return false;
    for (size_t i = 0; i < n; i++) {
        labels[i].shown = false;
        labels[i].box = box_at(&labels[i], radius, 0);
    }
    for (int round = 0; n <= MAX_LABELS && moved && round < ROUNDS; round++) {
        moved = false;
        for (size_t k = 0; k < n; k++) {
            const size_t i = order ? order[k] : k;

            moved |= !labels[i].unwanted && improve(&s, i, PLACES);
        }
    }
    for (size_t k = 0; k < n; k++) {
        const size_t i = order ? order[k] : k;

        labels[i].shown = n <= MAX_LABELS && !labels[i].unwanted && !covers(&s, i);
        if (!labels[i].shown) /* near its point, for when it is looked at */
            improve(&s, i, DIRECTIONS * NEAR_RINGS);
        labels[i].leader = s.place[i] / DIRECTIONS >= NEAR_RINGS;
    }
    free(s.place);
    return true;
}

size_t cril_labels_tail(const char *const *names, size_t n)
{
    size_t common = n > 1 ? strlen(names[0]) : 0;
    const char *end = n > 1 ? names[0] + common : NULL;

    for (size_t i = 1; i < n; i++) {
        const size_t len = strlen(names[i]);
        size_t k = 0;

        while (k < common && k < len && end[-1 - (ptrdiff_t)k] == names[i][len - 1 - k])
            k++;
        common = k < len ? k : len ? len - 1 : 0; /* something is left of each name */
    }
    while (common && (!strchr("-.:/ ", end[-(ptrdiff_t)common]) || common == strlen(names[0])))
        common--;
    return common > 3 ? common : 0;
}
