/*
 * Scatters: score against bits per character, as SVG. The large one is drawn twice on a page, for a
 * wide and for a narrow screen, since letters of a drawing shrink with it; the style sheet shows
 * one of the two.
 */
#include "report/page.h"

#include "report/markup.h"
#include "report/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BAND_STEPS = 32 };

/* ---- Points ---- */

static bool is_drawn(const cril_study_points *q, size_t i)
{
    return isfinite(q->x[i]) && isfinite(q->y[i]) && fabs(q->x[i]) < 1e9 && fabs(q->y[i]) < 1e9;
}

/* The points of a fit that are drawn. */
struct drawn {
    const struct cril_page *p;
    const struct cril_page_fit *fit;
    struct cril_plot_point *points; /* [n] scores in percent */
    size_t *of;                     /* [n] their indices in the fit */
    size_t *order;                  /* [n] farthest off the line first, if there is one */
    size_t n;
};

static void forget(struct drawn *d)
{
    free(d->points);
    free(d->of);
    free(d->order);
}

static void add_point(struct drawn *d, size_t i)
{
    const struct cril_page *p = d->p;
    const cril_study_points *q = cril_page_points(d->fit);

    d->of[d->n] = i;
    d->points[d->n++] =
        (struct cril_plot_point){.x = q->x[i],
                                 .y = 100 * q->y[i],
                                 .x_reach = cril_page_reach(p, q->x_se[i]),
                                 .y_reach = 100 * cril_page_reach(p, q->y_se[i]),
                                 .name = p->info->models[q->model[i]].name,
                                 .family = p->family[q->model[i]],
                                 .ringed = d->fit->has_line && d->fit->line.each[i].flagged};
}

/* False: out of memory. */
static bool find_points(const struct cril_page *p, const struct cril_page_fit *fit, struct drawn *d)
{
    const cril_study_points *q = cril_page_points(fit);
    size_t *farthest = fit->has_line ? cril_page_farthest(&fit->line) : NULL;
    size_t n = 0;

    *d = (struct drawn){.p = p,
                        .fit = fit,
                        .points = calloc(q->n + 1, sizeof(*d->points)),
                        .of = calloc(q->n + 1, sizeof(*d->of)),
                        .order = calloc(q->n + 1, sizeof(*d->order))};
    if (!d->points || !d->of || !d->order || (fit->has_line && !farthest)) {
        free(farthest);
        forget(d);
        return false;
    }
    for (size_t i = 0; i < q->n; i++)
        if (is_drawn(q, i))
            add_point(d, i);
    for (size_t k = 0; k < q->n; k++)
        for (size_t i = 0; i < d->n; i++)
            if (d->of[i] == (farthest ? farthest[k] : k))
                d->order[n++] = i;
    free(farthest);
    return true;
}

/* Scales that hold all points; false: there is no point. */
static bool scale_points(const struct drawn *d, bool with_errors, double margin, double n_ticks,
                         struct cril_plot *plot)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};

    for (size_t i = 0; i < d->n; i++) {
        const struct cril_plot_point *q = &d->points[i];
        const double x_more = with_errors ? q->x_reach : 0, y_more = with_errors ? q->y_reach : 0;

        low[0] = fmin(low[0], q->x - x_more);
        high[0] = fmax(high[0], q->x + x_more);
        low[1] = fmin(low[1], q->y - y_more);
        high[1] = fmax(high[1], q->y + y_more);
    }
    if (!(low[0] <= high[0]))
        return false;
    cril_scale_set(&plot->x, low[0], high[0], margin, n_ticks);
    cril_scale_set(&plot->y, low[1], high[1], margin, n_ticks);
    return true;
}

/* ---- Titles ---- */

/* room: as cril_plot_write_titles has it. */
static void write_titles(const struct cril_page *p, const struct cril_plot *plot,
                         const cril_study_fit *f, double room)
{
    struct cril_page_title x, y;

    cril_page_make_title(p, 'x', f->x, "bits per character", "", &x);
    cril_page_make_title(p, 'y', f->y, cril_page_axis_of(p, 'y', f->y).name ? "" : "score", ", %",
                         &y);
    cril_plot_write_titles(plot, &x.title, "fewer is better", &y.title, room);
}

/* ---- Line and bands ---- */

struct curve {
    double x[BAND_STEPS + 1], mean_low[BAND_STEPS + 1], mean_high[BAND_STEPS + 1],
        new_low[BAND_STEPS + 1], new_high[BAND_STEPS + 1];
};

/* Clamps a coordinate to near the drawing, so that none is huge. */
static double bounded(const struct cril_plot *plot, double share)
{
    return fmin(fmax(cril_scale_at(&plot->y, 100 * share), -plot->height), 2 * plot->height);
}

static bool make_curve(const struct cril_page *p, const struct cril_plot *plot,
                       const cril_line *line, struct curve *c)
{
    for (size_t i = 0; i <= BAND_STEPS; i++) {
        const double x = plot->x.low + (plot->x.high - plot->x.low) * (double)i / BAND_STEPS;
        cril_prediction at_x;

        if (cril_line_predict(line, x, 0, p->line.level, &at_x, NULL) != CRIL_OK)
            return false;
        c->x[i] = cril_scale_at(&plot->x, x);
        c->mean_low[i] = bounded(plot, at_x.mean.low);
        c->mean_high[i] = bounded(plot, at_x.mean.high);
        c->new_low[i] = bounded(plot, at_x.new_model.low);
        c->new_high[i] = bounded(plot, at_x.new_model.high);
    }
    return true;
}

static void write_run(const struct cril_page *p, const double *x, const double *y, bool backwards)
{
    for (size_t i = 0; i <= BAND_STEPS; i++) {
        const size_t k = backwards ? BAND_STEPS - i : i;

        cril_markup_put(p->f, "%s%c %c", i ? " " : backwards ? "L" : "M", x[k], y[k]);
    }
}

/* A band goes on beyond the drawing: it has an upper and a lower edge and no others. */
static void write_band(const struct cril_page *p, const struct cril_plot *plot, const char *name,
                       const double *x, const double *low, const double *high)
{
    cril_markup_put(p->f, "<path class=\"%s\" clip-path=\"url(#%s)\" d=\"", name, plot->id);
    write_run(p, x, high, false);
    write_run(p, x, low, true);
    cril_markup_put(p->f, "Z\"/><path class=\"%s-e\" clip-path=\"url(#%s)\" d=\"", name, plot->id);
    write_run(p, x, high, false);
    write_run(p, x, low, false);
    fputs("\"/>", p->f);
}

/* The part of the line above the points' own range, as the drawing has it. */
static struct cril_segment line_across(const struct cril_plot *plot, const cril_line *line)
{
    struct cril_segment s = {plot->x.from, 0, plot->x.to, 0};

    s.y1 = bounded(plot, line->y_mean + line->slope.value * (plot->x.low - line->x_mean));
    s.y2 = bounded(plot, line->y_mean + line->slope.value * (plot->x.high - line->x_mean));
    return s;
}

static void write_clip(const struct cril_page *p, const struct cril_plot *plot)
{
    cril_markup_put(
        p->f, "<clipPath id=\"%s\"><rect x=\"%c\" y=\"%c\" width=\"%c\" height=\"%c\"/></clipPath>",
        plot->id, plot->x.from, plot->y.to, plot->x.to - plot->x.from, plot->y.from - plot->y.to);
}

/* Whether an edge of a band is seen at all; a band that is wider than the drawing would only tint
 * it. */
static bool is_seen(const struct cril_plot *plot, const double *low, const double *high)
{
    for (size_t i = 0; i <= BAND_STEPS; i++)
        if (low[i] < plot->y.from || high[i] > plot->y.to)
            return true;
    return false;
}

static void write_line(const struct cril_page *p, const struct cril_plot *plot,
                       const cril_line *line, bool with_bands)
{
    const struct cril_segment s = line_across(plot, line);
    struct curve c;

    write_clip(p, plot);
    if (with_bands && make_curve(p, plot, line, &c)) {
        if (is_seen(plot, c.new_low, c.new_high))
            write_band(p, plot, "pb", c.x, c.new_low, c.new_high);
        if (is_seen(plot, c.mean_low, c.mean_high))
            write_band(p, plot, "cb", c.x, c.mean_low, c.mean_high);
    }
    cril_markup_put(p->f, "<path class=\"ln\" clip-path=\"url(#%s)\" d=\"M%c %cL%c %c\"/>\n",
                    plot->id, s.x1, s.y1, s.x2, s.y2);
}

/* ---- The large one ---- */

/* "Yi-6b (Yi): 0.6123 bits per character, score 43.1 %, 1.2 points above the line" */
static void say_point(void *user, size_t number)
{
    const struct drawn *d = user;
    const struct cril_page *p = d->p;
    const struct cril_page_fit *fit = d->fit;
    const size_t i = d->of[number];
    const cril_study_points *q = cril_page_points(fit);
    const cril_study_model *m = &p->info->models[q->model[i]];

    cril_markup_put(p->f, "%t", m->name);
    if (strcmp(m->name, m->family) != 0)
        cril_markup_put(p->f, " (%t)", m->family);
    fputs(": ", p->f);
    cril_markup_number(p->f, q->x[i], p->bpc_decimals);
    cril_markup_put(p->f, " bits per character, score %1 %%", 100 * q->y[i]);
    if (!fit->has_line)
        return;
    cril_markup_put(p->f, ", %1 points %s the line", 100 * fabs(fit->line.each[i].residual),
                    fit->line.each[i].residual < 0 ? "below" : "above");
    if (fit->line.each[i].flagged)
        cril_markup_put(p->f, ", off it by %1 standard errors", fabs(fit->line.each[i].external));
}

/* What a figure that stands alone says of its line, and how wide that is in units of the font's
 * size. */
static double write_correlation(const struct cril_plot *plot, const struct cril_page_fit *fit)
{
    if (!fit->has_line)
        return 0;
    cril_markup_put(
        plot->f,
        "<text class=\"at\" x=\"%c\" y=\"%c\" text-anchor=\"end\"><tspan "
        "font-style=\"italic\">r</tspan> = %3, <tspan font-style=\"italic\">n</tspan> = "
        "%z</text>\n",
        plot->x.to, plot->font * 1.1, fit->line.line.pearson, fit->line.line.n);
    return 11;
}

static void draw(struct cril_page *p, const struct cril_page_of *of, double width)
{
    const struct cril_page_fit *fit = of->fit;
    struct cril_plot plot = cril_plot_init(p->f, width, width < 600 ? "kn" : "kw");
    struct cril_segment line;
    struct drawn d;

    if (!find_points(p, fit, &d)) {
        p->no_memory = true;
        return;
    }
    if (scale_points(&d, true, 0.07, cril_plot_n_ticks(&plot), &plot)) {
        cril_plot_lay(&plot);
        cril_plot_write_ticks(&plot);
        write_titles(p, &plot, fit->is, p->is_alone ? write_correlation(&plot, fit) : 0);
        if (fit->has_line) {
            line = line_across(&plot, &fit->line.line);
            write_line(p, &plot, &fit->line.line, true);
        }
        p->no_memory |= !cril_plot_write_points(&plot, d.points, d.n, d.order, &line, fit->has_line,
                                                say_point, &d);
    }
    forget(&d);
}

static bool has_family(const struct cril_page *p, const struct cril_page_of *of, size_t family)
{
    const cril_study_points *q = cril_page_points(of->fit);

    for (size_t i = 0; i < q->n; i++)
        if (p->family[q->model[i]] == family)
            return true;
    return false;
}

static bool any_has_family(const struct cril_page *p, const struct cril_page_of *of, size_t family)
{
    bool any = false;

    (void)of;
    for (size_t i = 0; i < p->info->n_fits; i++)
        any |= has_family(p, &(struct cril_page_of){.fit = &p->fits[i]}, family);
    return any;
}

/* Half the height of the bands in their middle; the caption names bands wider than the drawing,
 * too.
 */
static void write_caption_of_bands(const struct cril_page *p, const cril_line *line)
{
    cril_prediction middle;

    cril_markup_put(p->f,
                    "The line is least squares. At %0 %%: inner band, where the line lies; "
                    "outer band, dashed, where a "
                    "new model would lie",
                    100 * p->line.level);
    if (cril_line_predict(line, line->x_mean, 0, p->line.level, &middle, NULL) == CRIL_OK)
        cril_markup_put(p->f, " (±%1 and ±%1 points in the middle%s)",
                        50 * (middle.mean.high - middle.mean.low),
                        50 * (middle.new_model.high - middle.new_model.low),
                        line->n == 3 ? "; not drawn where wider than the figure" : "");
    fputs(". ", p->f);
}

static void say(struct cril_page *p, const struct cril_page_of *of)
{
    const struct cril_page_fit *fit = of->fit;
    const cril_study_points *q = cril_page_points(fit);
    bool x_errors = false, y_errors = false;
    struct drawn d;

    for (size_t i = 0; i < q->n; i++) {
        x_errors |= q->x_se[i] > 0;
        y_errors |= q->y_se[i] > 0;
    }
    fputs("Each point is a model; symbols are families. ", p->f);
    if (fit->has_line)
        write_caption_of_bands(p, &fit->line.line);
    if (x_errors || y_errors)
        cril_markup_put(p->f, "Bars: %0 %% interval of a model’s %s over documents. ",
                        100 * p->line.level,
                        x_errors && y_errors ? "figures"
                        : x_errors           ? "bits per character"
                                             : "score");
    if (fit->has_line && fit->line.n_flagged)
        cril_markup_put(p->f, "Ringed: more than %1 standard errors off the line. ",
                        p->line.threshold);
    if (!find_points(p, fit, &d)) {
        p->no_memory = true;
        return;
    }
    cril_page_say_tail(p, d.points, d.n);
    forget(&d);
}

static bool is_there(const struct cril_page *p, const struct cril_page_of *of)
{
    (void)p;
    return cril_page_points(of->fit)->n > 0;
}

static void write_model(const struct cril_page *p, const struct cril_page_fit *fit, size_t i,
                        struct cril_csv *csv)
{
    const cril_study_points *q = cril_page_points(fit);
    const cril_study_model *m = &p->info->models[q->model[i]];

    cril_csv_text(csv, m->name);
    cril_csv_text(csv, m->family);
    cril_csv_number(csv, q->x[i]);
    cril_csv_number(csv, q->x_se[i]);
    cril_csv_number(csv, 100 * q->y[i]);
    cril_csv_number(csv, 100 * q->y_se[i]);
    cril_csv_number(csv, fit->has_line ? 100 * fit->line.each[i].fitted : NAN);
    cril_csv_end_row(csv);
}

#define MODEL_COLUMNS                                                                              \
    "model,family,bits_per_character,bits_per_character_se,score_percent,score_percent_se,"        \
    "line_percent"

static void write_data(struct cril_page *p, const struct cril_page_of *of, struct cril_csv *csv)
{
    cril_csv_head(csv, MODEL_COLUMNS);
    for (size_t i = 0; i < cril_page_points(of->fit)->n; i++)
        write_model(p, of->fit, i, csv);
}

static bool find_fit(const struct cril_page *p, size_t i, struct cril_page_of *out)
{
    if (i >= p->info->n_fits)
        return false;
    *out = (struct cril_page_of){.name = p->fits[i].is->name, .is_first = !i, .fit = &p->fits[i]};
    return true;
}

const struct cril_page_figure cril_page_figure_line = {
    .name = "line",
    .title = "scores against bits per character",
    .lacks = "a study without fits has no line, and one without figures no point",
    .find = find_fit,
    .is_there = is_there,
    .height = cril_page_plot_height,
    .has_family = has_family,
    .say = say,
    .draw = draw,
    .write_data = write_data,
};

void cril_page_scatter(struct cril_page *p)
{
    struct cril_page_of of;

    if (!find_fit(p, 0, &of) || !is_there(p, &of))
        return;
    fputs("<figure class=\"main\">\n", p->f);
    cril_page_draw(p, &cril_page_figure_line, &of);
    fputs("<figcaption><b>Figure 1.</b> ", p->f);
    say(p, &of);
    fputs("A point’s name and figures show when it is pointed at or reached by the tabulator "
          "key. ",
          p->f);
    cril_page_link_data(p, &cril_page_figure_line, &of);
    fputs("</figcaption></figure>\n", p->f);
}

/* ---- Small ones ---- */

enum { PANEL_WIDTH = 210, PANEL_HEIGHT = 150, PANEL_MIN_WIDTH = 170 };

/* Draws a fit. width: PANEL_MIN_WIDTH or more. */
static void draw_panel(struct cril_page *p, const struct cril_page_fit *fit, double width)
{
    char id[32];
    struct cril_plot plot = {.f = p->f,
                             .width = width,
                             .height = width * PANEL_HEIGHT / PANEL_WIDTH,
                             .font = 10.5,
                             .id = id};
    struct drawn d;

    snprintf(id, sizeof(id), "k%zu", (size_t)(fit - p->fits));
    if (!find_points(p, fit, &d)) {
        p->no_memory = true;
        return;
    }
    if (scale_points(&d, false, 0.08, 4, &plot)) {
        plot.x.from = 26;
        plot.x.to = plot.width - 4;
        plot.y.from = plot.height - 18;
        plot.y.to = 5;
        cril_plot_make_room_left(&plot);
        cril_plot_write_ticks(&plot);
        if (fit->has_line)
            write_line(p, &plot, &fit->line.line, false);
        for (size_t i = 0; i < d.n; i++) {
            cril_markup_put(p->f, "<g><title>%t</title>", d.points[i].name);
            cril_plot_symbol(p->f, d.points[i].family, true, cril_scale_at(&plot.x, d.points[i].x),
                             cril_scale_at(&plot.y, d.points[i].y));
            fputs("</g>", p->f);
        }
    }
    forget(&d);
}

static void write_panel(struct cril_page *p, const struct cril_page_fit *fit)
{
    cril_markup_put(p->f, "<figure class=\"panel\"><h3><bdi>%t</bdi></h3>", fit->is->name);
    if (cril_page_points(fit)->n) {
        cril_markup_put(p->f,
                        "<svg paint-order=\"stroke\" class=\"plot small\" viewBox=\"0 0 %z %z\" "
                        "role=\"img\" aria-label=\"%t: scatter of %z models\">",
                        (size_t)PANEL_WIDTH, (size_t)PANEL_HEIGHT, fit->is->name,
                        cril_page_points(fit)->n);
        draw_panel(p, fit, PANEL_WIDTH);
        fputs("</svg>", p->f);
    }
    fputs("<figcaption>", p->f);
    if (fit->has_line)
        cril_markup_put(
            p->f,
            "<span><b><i>r</i> %3</b></span> <span><i>n</i> %z</span> <span>RMSE %3</span><br>",
            fit->line.line.pearson, fit->line.line.n, fit->line.line.rmse);
    else
        cril_markup_put(p->f, "<b>No line</b>: <i>n</i> %z<br>", fit->points.n);
    cril_page_axis(p, 'y', fit->is->y);
    fputs(", %, against bits per character", p->f);
    fputs(cril_page_axis_of(p, 'x', fit->is->x).name ? " on " : ", ", p->f);
    cril_page_axis(p, 'x', fit->is->x);
    fputs("</figcaption></figure>\n", p->f);
}

/* ---- Small ones, alone ---- */

/* Panels in rows below a title: a name above each, its figures and its x axis below. */
struct grid {
    size_t n_columns, n_rows;
    double gap, cell, row; /* width of a panel; height of a row */
    double top;            /* of the first row */
    double above;          /* of a row, room for the name */
};

static struct grid make_grid(const struct cril_page *p, double width)
{
    struct grid g = {.gap = 20, .above = 18, .top = 30};
    const double min = width < 600 ? PANEL_MIN_WIDTH : PANEL_WIDTH;
    const size_t n = p->info->n_fits,
                 n_most = (size_t)fmax(1, floor((width + g.gap) / (min + g.gap)));

    g.n_columns = n < n_most ? n : n_most;
    g.n_rows = (n + g.n_columns - 1) / g.n_columns;
    g.cell = (width - g.gap * (double)(g.n_columns - 1)) / (double)g.n_columns;
    g.row = g.above + g.cell * PANEL_HEIGHT / PANEL_WIDTH + 54;
    return g;
}

static void write_panel_alone(struct cril_page *p, const struct cril_page_fit *fit,
                              const struct grid *g)
{
    const size_t i = (size_t)(fit - p->fits);
    struct cril_page_title x;

    cril_page_make_title(p, 'x', fit->is->x, "", "", &x);
    cril_markup_put(p->f,
                    "<g class=\"small\" transform=\"translate(%c %c)\"><text class=\"at\" "
                    "x=\"0\" y=\"12\">",
                    (double)(i % g->n_columns) * (g->cell + g->gap),
                    g->top + (double)(i / g->n_columns) * g->row);
    cril_plot_write_cut(p->f, fit->is->name, g->cell / 13);
    cril_markup_put(p->f, "</text><g transform=\"translate(0 %c)\">", g->above);
    draw_panel(p, fit, g->cell);
    cril_markup_put(p->f, "</g><text x=\"0\" y=\"%c\">", g->row - 34);
    if (fit->has_line)
        cril_markup_put(p->f,
                        "<tspan font-style=\"italic\">r</tspan> = %3, <tspan "
                        "font-style=\"italic\">n</tspan> = %z, RMSE %3",
                        fit->line.line.pearson, fit->line.line.n, fit->line.line.rmse);
    else
        cril_markup_put(p->f, "no line, <tspan font-style=\"italic\">n</tspan> = %z",
                        fit->points.n);
    cril_markup_put(p->f, "</text><g class=\"ax\"><text x=\"0\" y=\"%c\">", g->row - 19);
    fputs(x.title.name ? "on " : "", p->f);
    cril_plot_write_cut(p->f, x.title.name ? x.title.name : x.after, g->cell / 11 - 2);
    fputs("</text></g></g>\n", p->f);
}

static void draw_panels(struct cril_page *p, const struct cril_page_of *of, double width)
{
    const struct grid g = make_grid(p, width);

    (void)of;
    cril_markup_put(p->f,
                    "<text class=\"at\" x=\"0\" y=\"13\">score, %%, against bits per character, "
                    "fewer is better</text>\n");
    for (size_t i = 0; i < p->info->n_fits; i++)
        write_panel_alone(p, &p->fits[i], &g);
}

static double height_of_panels(const struct cril_page *p, const struct cril_page_of *of,
                               double width)
{
    const struct grid g = make_grid(p, width);

    (void)of;
    return g.top + g.row * (double)g.n_rows;
}

static bool are_there(const struct cril_page *p, const struct cril_page_of *of)
{
    size_t n = 0;

    (void)of;
    for (size_t i = 0; i < p->info->n_fits; i++)
        n += cril_page_points(&p->fits[i])->n;
    return n && p->info->n_fits > 1;
}

static void say_panels(struct cril_page *p, const struct cril_page_of *of)
{
    (void)of;
    fputs("Score in % against bits per character, of which fewer is better; each on its own "
          "scale.",
          p->f);
}

static void write_data_of_panels(struct cril_page *p, const struct cril_page_of *of,
                                 struct cril_csv *csv)
{
    (void)of;
    cril_csv_head(csv, "line,x,y," MODEL_COLUMNS);
    for (size_t k = 0; k < p->info->n_fits; k++)
        for (size_t i = 0; i < cril_page_points(&p->fits[k])->n; i++) {
            cril_csv_text(csv, p->fits[k].is->name);
            cril_csv_text(csv, p->fits[k].is->x);
            cril_csv_text(csv, p->fits[k].is->y);
            write_model(p, &p->fits[k], i, csv);
        }
}

const struct cril_page_figure cril_page_figure_lines = {
    .name = "lines",
    .title = "scores against bits per character, a drawing a line",
    .lacks = "it needs two fits, and a model with the figures of one of them",
    .is_there = are_there,
    .height = height_of_panels,
    .has_family = any_has_family,
    .say = say_panels,
    .draw = draw_panels,
    .write_data = write_data_of_panels,
};

void cril_page_panels(struct cril_page *p)
{
    if (p->info->n_fits < 2)
        return;
    fputs("<section id=\"panels\"><h2>All lines, drawn</h2>\n<p>", p->f);
    say_panels(p, NULL);
    fputs("</p>\n", p->f);
    cril_page_write_key(p, &cril_page_figure_lines, NULL);
    fputs("<div class=\"panels\">\n", p->f);
    for (size_t i = 0; i < p->info->n_fits; i++)
        write_panel(p, &p->fits[i]);
    fputs("</div>\n<p class=\"note\">", p->f);
    cril_page_link_data(p, &cril_page_figure_lines, NULL);
    fputs("</p></section>\n", p->f);
}
