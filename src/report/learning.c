/*
 * Learning curves: bits per character by step of training. A curve is a family, of whose models the
 * steps are known: the checkpoints of one run.
 */
#include "report/page.h"

#include "report/markup.h"
#include "report/plot.h"

#include <math.h>
#include <stdlib.h>

/* Checkpoints by family, then by step. */
struct curves {
    const struct cril_page *p;
    struct cril_plot_point *points; /* [n] */
    size_t *model;                  /* [n] */
    size_t n;
};

/* NaN: it is in no curve. */
static double value(const struct cril_page *p, const struct cril_page_of *of, size_t m)
{
    const double y = cril_known_with_escapes(&p->average[m]);

    (void)of;
    return p->info->models[m].has_step && isfinite(y) && y < 1e9 ? y : NAN;
}

static void forget(struct curves *c)
{
    free(c->points);
    free(c->model);
}

/* Puts a model into its place. */
static void insert(struct curves *c, size_t m)
{
    const struct cril_page *p = c->p;
    size_t at = c->n++;

    for (; at && (p->family[c->model[at - 1]] > p->family[m] ||
                  (p->family[c->model[at - 1]] == p->family[m] &&
                   p->info->models[c->model[at - 1]].step > p->info->models[m].step));
         at--)
        c->model[at] = c->model[at - 1];
    c->model[at] = m;
}

static bool is_last(const struct curves *c, size_t i)
{
    return i + 1 == c->n || c->p->family[c->model[i + 1]] != c->p->family[c->model[i]];
}

/* Only a curve's last point is named, by the family, and only where there are several. */
static void make_points(struct curves *c)
{
    const struct cril_page *p = c->p;
    const bool one = c->n && p->family[c->model[0]] == p->family[c->model[c->n - 1]];

    for (size_t i = 0; i < c->n; i++) {
        const size_t m = c->model[i];
        const bool is_named = !one && is_last(c, i);

        c->points[i] = (struct cril_plot_point){.x = (double)p->info->models[m].step,
                                                .y = value(p, NULL, m),
                                                .name = is_named ? p->info->models[m].family
                                                                 : p->info->models[m].name,
                                                .family = p->family[m],
                                                .unnamed = !is_named};
    }
}

/* False: out of memory. */
static bool find_curves(const struct cril_page *p, struct curves *c)
{
    *c = (struct curves){.p = p,
                         .points = calloc(p->info->n_models + 1, sizeof(*c->points)),
                         .model = calloc(p->info->n_models + 1, sizeof(*c->model))};
    if (!c->points || !c->model) {
        forget(c);
        return false;
    }
    for (size_t m = 0; m < p->info->n_models; m++)
        if (!isnan(value(p, NULL, m)))
            insert(c, m);
    make_points(c);
    return true;
}

/* A curve has two points at least. */
static bool is_there(const struct cril_page *p, const struct cril_page_of *of)
{
    (void)of;
    for (size_t m = 0; m < p->info->n_models; m++)
        for (size_t k = 0; !isnan(value(p, of, m)) && k < m; k++)
            if (!isnan(value(p, of, k)) && p->family[k] == p->family[m])
                return true;
    return false;
}

static bool has_family(const struct cril_page *p, const struct cril_page_of *of, size_t family)
{
    return cril_page_has_family(p, of, family, value);
}

enum { FAR_APART = 100 }; /* steps whose ratio exceeds this go on a logarithmic scale */

static void set_scales(struct cril_plot *plot, const struct curves *c)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};

    for (size_t i = 0; i < c->n; i++) {
        const struct cril_plot_point *q = &c->points[i];

        low[0] = fmin(low[0], q->x);
        high[0] = fmax(high[0], q->x);
        low[1] = fmin(low[1], q->y);
        high[1] = fmax(high[1], q->y);
    }
    plot->x.unit = CRIL_SCALE_COUNT;
    if (low[0] > 0 && high[0] > FAR_APART * low[0])
        cril_scale_set_log(&plot->x, low[0], high[0], 0.05, cril_plot_n_ticks(plot));
    else
        cril_scale_set(&plot->x, low[0], high[0], 0.05, cril_plot_n_ticks(plot));
    cril_scale_set(&plot->y, low[1], high[1], 0.07, cril_plot_n_ticks(plot));
}

/* Writes the curves and leaves their parts in `parts`. Returns their number. */
static size_t write_curves(const struct cril_plot *plot, const struct curves *c,
                           struct cril_segment *parts)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++) {
        const double x = cril_scale_at(&plot->x, c->points[i].x),
                     y = cril_scale_at(&plot->y, c->points[i].y);

        if (i && !is_last(c, i - 1)) {
            cril_markup_put(plot->f, "L%c %c", x, y);
            parts[n - 1].x2 = x;
            parts[n - 1].y2 = y;
        } else {
            cril_markup_put(plot->f, "<path class=\"cv l%z\" d=\"M%c %c",
                            c->points[i].family % CRIL_PLOT_COLOURS, x, y);
        }
        if (is_last(c, i))
            fputs("\"/>\n", plot->f);
        else
            parts[n++] = (struct cril_segment){.x1 = x, .y1 = y};
    }
    return n;
}

static void say_point(void *user, size_t i)
{
    const struct curves *c = user;
    const cril_study_model *m = &c->p->info->models[c->model[i]];

    cril_markup_put(c->p->f, "%t: step %z, ", m->name, (size_t)m->step);
    cril_markup_number(c->p->f, c->points[i].y, c->p->bpc_decimals);
    fputs(" bits per character", c->p->f);
}

static void draw(struct cril_page *p, const struct cril_page_of *of, double width)
{
    static const struct cril_plot_title x = {"step of training", NULL, ""};
    struct cril_plot plot = cril_plot_init(p->f, width, "");
    struct cril_segment *parts = calloc(p->info->n_models + 1, sizeof(*parts));
    struct cril_page_title y;
    struct curves c;
    size_t n_parts;

    (void)of;
    if (!parts || !find_curves(p, &c)) {
        free(parts);
        p->no_memory = true;
        return;
    }
    set_scales(&plot, &c);
    cril_plot_lay(&plot);
    cril_plot_write_ticks(&plot);
    cril_page_make_title(p, 'x', "average", "bits per character", ", fewer is better", &y);
    cril_plot_write_titles(&plot, &x, NULL, &y.title, 0);
    n_parts = write_curves(&plot, &c, parts);
    p->no_memory |=
        !cril_plot_write_points(&plot, c.points, c.n, NULL, parts, n_parts, say_point, &c);
    free(parts);
    forget(&c);
}

static void say(struct cril_page *p, const struct cril_page_of *of)
{
    (void)of;
    fputs("Each point is a checkpoint, each curve a family. ", p->f);
    cril_page_say_no_bars(p);
}

static void write_data(struct cril_page *p, const struct cril_page_of *of, struct cril_csv *csv)
{
    struct curves c;

    (void)of;
    if (!find_curves(p, &c)) {
        p->no_memory = true;
        return;
    }
    cril_csv_head(csv, "model,family,step,bits_per_character,bits_per_character_se");
    for (size_t i = 0; i < c.n; i++) {
        cril_csv_text(csv, p->info->models[c.model[i]].name);
        cril_csv_text(csv, p->info->models[c.model[i]].family);
        cril_csv_number(csv, c.points[i].x);
        cril_csv_number(csv, c.points[i].y);
        cril_csv_number(csv, p->average[c.model[i]].se);
        cril_csv_end_row(csv);
    }
    forget(&c);
}

const struct cril_page_figure cril_page_figure_learning = {
    .name = "learning",
    .title = "bits per character by step of training",
    .lacks = "it needs two models of one family whose steps and bits per character of all corpora "
             "are known",
    .is_there = is_there,
    .height = cril_page_plot_height,
    .has_family = has_family,
    .say = say,
    .draw = draw,
    .write_data = write_data,
};

void cril_page_learning(struct cril_page *p)
{
    cril_page_section(p, &cril_page_figure_learning, "learning", "Learning curves");
}
