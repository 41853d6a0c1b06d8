/* Frontiers (frontier.h). */
#include "report/frontier.h"

#include "report/markup.h"

#include <math.h>
#include <stdlib.h>

/* Whether a comes before b: by size, then by value, then as they are. */
static bool is_before(const struct cril_frontier *f, size_t a, size_t b)
{
    const struct cril_plot_point *p = &f->points[a], *q = &f->points[b];

    return p->x != q->x ? p->x < q->x : p->y != q->y ? p->y < q->y : a < b;
}

static void sort(const struct cril_frontier *f)
{
    for (size_t i = 0; i < f->n; i++)
        f->order[i] = i;
    for (size_t i = 1; i < f->n; i++) /* models are tens */
        for (size_t k = i; k && is_before(f, f->order[k], f->order[k - 1]); k--) {
            const size_t moved = f->order[k];

            f->order[k] = f->order[k - 1];
            f->order[k - 1] = moved;
        }
}

/* Moves those of the frontier to the front; both parts stay in their order. */
void cril_frontier_find(struct cril_frontier *f)
{
    double least = INFINITY;

    sort(f);
    f->n_on = 0;
    for (size_t i = 0; i < f->n; i++) {
        const size_t at = f->order[i];

        if (!(f->points[at].y < least))
            continue;
        least = f->points[at].y;
        for (size_t k = i; k > f->n_on; k--)
            f->order[k] = f->order[k - 1];
        f->order[f->n_on++] = at;
    }
}

/* Values that differ by more than this go on a logarithmic scale. */
static const double WIDE = 30;

static void set_scales(struct cril_plot *plot, const struct cril_frontier *f)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};

    for (size_t i = 0; i < f->n; i++) {
        const struct cril_plot_point *p = &f->points[i];

        low[0] = fmin(low[0], p->x);
        high[0] = fmax(high[0], p->x);
        low[1] = fmin(low[1], p->y);
        high[1] = fmax(high[1], p->y);
    }
    plot->x.unit = CRIL_SCALE_BYTES;
    cril_scale_set_log(&plot->x, low[0], high[0], 0.07, cril_plot_n_ticks(plot));
    if (low[1] > 1e-12 && high[1] > WIDE * low[1])
        cril_scale_set_log(&plot->y, low[1], high[1], 0.07, cril_plot_n_ticks(plot));
    else
        cril_scale_set(&plot->y, low[1], high[1], 0.07, cril_plot_n_ticks(plot));
}

/* Steps: from each point of the frontier to the right, then down to the next. Returns their
 * number. */
static size_t make_steps(const struct cril_plot *plot, const struct cril_frontier *f,
                         struct cril_segment *steps)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_on; i++) {
        const struct cril_plot_point *p = &f->points[f->order[i]];
        const bool is_last = i + 1 == f->n_on;
        const struct cril_plot_point *next = is_last ? p : &f->points[f->order[i + 1]];
        const double x = is_last ? plot->x.to : cril_scale_at(&plot->x, next->x),
                     y = cril_scale_at(&plot->y, p->y);

        steps[n++] = (struct cril_segment){cril_scale_at(&plot->x, p->x), y, x, y};
        if (!is_last)
            steps[n++] = (struct cril_segment){x, y, x, cril_scale_at(&plot->y, next->y)};
    }
    return n;
}

static void write_steps(FILE *f, const struct cril_segment *steps, size_t n)
{
    cril_markup_put(f, "<path class=\"ft\" d=\"M%c %c", steps[0].x1, steps[0].y1);
    for (size_t i = 0; i < n; i++)
        cril_markup_put(f, "L%c %c", steps[i].x2, steps[i].y2);
    fputs("\"/>\n", f);
}

bool cril_frontier_draw(struct cril_plot *plot, const struct cril_frontier *f,
                        const struct cril_plot_title *y, cril_plot_say say, void *user)
{
    static const struct cril_plot_title x = {"size of the file", NULL, ""};
    struct cril_segment *steps = calloc(2 * f->n + 1, sizeof(*steps));
    size_t n_steps;
    bool done;

    if (!steps)
        return false;
    set_scales(plot, f);
    cril_plot_lay(plot);
    cril_plot_write_ticks(plot);
    cril_plot_write_titles(plot, &x, "smaller is better", y, 0);
    n_steps = make_steps(plot, f, steps);
    write_steps(plot->f, steps, n_steps);
    done = cril_plot_write_points(plot, f->points, f->n, f->order, steps, n_steps, say, user);
    free(steps);
    return done;
}
