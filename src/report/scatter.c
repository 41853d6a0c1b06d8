/*
 * Scatters: score against bits per character, as SVG. The large one is drawn twice, for a wide and
 * for a narrow screen, since letters of a drawing shrink with it; the style sheet shows one of the
 * two. A point is a group that can be reached by keyboard; its name is in the group, also where it
 * has no room, to be shown when the point is looked at.
 */
#include "report/page.h"

#include "report/labels.h"
#include "report/markup.h"
#include "report/scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BAND_STEPS = 32 };

struct plot {
    double width, height;
    struct cril_scale x, y; /* y in percent */
    double radius, font;
    double label_em; /* the longest name, in units of the font's size */
    const char *id;  /* of its parts */
};

static bool is_drawn(const cril_study_points *q, size_t i)
{
    return isfinite(q->x[i]) && isfinite(q->y[i]) && fabs(q->x[i]) < 1e9 && fabs(q->y[i]) < 1e9;
}

/* Scales that hold all points; false: there is no point. */
static bool scale_points(const struct cril_page *p, const cril_study_points *q, bool with_errors,
                         double margin, double n_ticks, struct plot *plot)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};

    for (size_t i = 0; i < q->n; i++) {
        const double x_more = with_errors ? cril_page_reach(p, q->x_se[i]) : 0,
                     y_more = with_errors ? cril_page_reach(p, q->y_se[i]) : 0;

        if (!is_drawn(q, i))
            continue;
        low[0] = fmin(low[0], q->x[i] - x_more);
        high[0] = fmax(high[0], q->x[i] + x_more);
        low[1] = fmin(low[1], 100 * (q->y[i] - y_more));
        high[1] = fmax(high[1], 100 * (q->y[i] + y_more));
    }
    if (!(low[0] <= high[0]))
        return false;
    cril_scale_set(&plot->x, low[0], high[0], margin, n_ticks);
    cril_scale_set(&plot->y, low[1], high[1], margin, n_ticks);
    return true;
}

/* ---- Axes ---- */

/* About how wide a tick's number will be. */
static double tick_width(const struct plot *plot, double v, int decimals)
{
    double n = 1 + (v < 0) + (decimals ? decimals + 0.5 : 0);

    for (double a = fabs(v); a >= 10 && n < 20; a /= 10)
        n++;
    return n * 0.65 * plot->font;
}

/* Room for the numbers of the y axis, so that none is cut at the drawing's edge. */
static void make_room_left(struct plot *plot)
{
    double first;
    const size_t n = cril_scale_ticks(&plot->y, &first);

    for (size_t i = 0; i < n; i++)
        plot->x.from = fmax(plot->x.from,
                            tick_width(plot, first + (double)i * plot->y.step, plot->y.decimals) +
                                plot->font * 0.6);
}

static void write_ticks(const struct cril_page *p, const struct plot *plot)
{
    double first;
    size_t n = cril_scale_ticks(&plot->x, &first);

    fputs("<g class=\"ax\">", p->f);
    for (size_t i = 0; i < n; i++) {
        const double v = first + (double)i * plot->x.step, x = cril_scale_at(&plot->x, v),
                     half = tick_width(plot, v, plot->x.decimals) / 2;

        cril_markup_put(p->f,
                        "<path d=\"M%c %cV%c\"/><text x=\"%c\" y=\"%c\" text-anchor=\"middle\">", x,
                        plot->y.to, plot->y.from, fmax(half, fmin(x, plot->width - half)),
                        plot->y.from + plot->font * 1.4);
        cril_markup_number(p->f, v, plot->x.decimals);
        fputs("</text>", p->f);
    }
    n = cril_scale_ticks(&plot->y, &first);
    for (size_t i = 0; i < n; i++) {
        const double v = first + (double)i * plot->y.step, y = cril_scale_at(&plot->y, v);

        cril_markup_put(p->f, "<path d=\"M%c %cH%c\"/><text x=\"%c\" y=\"%c\" text-anchor=\"end\">",
                        plot->x.from, y, plot->x.to, plot->x.from - plot->font * 0.5,
                        fmax(y, plot->font * 0.5) + plot->font * 0.35);
        cril_markup_number(p->f, v, plot->y.decimals);
        fputs("</text>", p->f);
    }
    cril_markup_put(p->f, "</g><path class=\"fr\" d=\"M%c %cV%cH%c\"/>\n", plot->x.from, plot->y.to,
                    plot->y.from, plot->x.to);
}

/* A title around a name, which is cut where the drawing has no room for all of it. */
static void write_title(const struct cril_page *p, const struct plot *plot, const char *before,
                        const struct cril_page_axis *a, const char *after)
{
    char mean[80] = "";
    double room;

    if (a->n)
        snprintf(mean, sizeof(mean), "%smean of %zu %s", a->name || *before ? ", " : "", a->n,
                 a->of);
    room = (plot->width - 12) / plot->font / 1.05 /* letters are bold */ -
           cril_markup_width(before, strlen(before)) - cril_markup_width(mean, strlen(mean)) -
           cril_markup_width(after, strlen(after)) - 1;
    cril_markup_put(p->f, "%s%s", before, a->name && *before ? " on " : "");
    if (a->name) {
        const size_t len = cril_markup_fit(a->name, fmax(room, 4));

        cril_markup_text(p->f, a->name, len);
        fputs(a->name[len] ? "…" : "", p->f);
    }
    cril_markup_put(p->f, "%s%s</text>", mean, after);
}

static bool is_narrow(const struct plot *plot)
{
    return plot->width < 600;
}

static void write_titles(const struct cril_page *p, const struct plot *plot,
                         const cril_study_fit *f)
{
    const struct cril_page_axis x = cril_page_axis_of(p, 'x', f->x),
                                y = cril_page_axis_of(p, 'y', f->y);
    const double bottom = plot->height - plot->font * 0.5;
    const char *start = "<text class=\"at\" x=\"%c\" y=\"%c\" text-anchor=\"end\">";

    cril_markup_put(p->f, start, plot->x.to, is_narrow(plot) ? bottom - plot->font * 1.3 : bottom);
    write_title(p, plot, "bits per character", &x, is_narrow(plot) ? "," : ", fewer is better");
    if (is_narrow(plot)) {
        cril_markup_put(p->f, start, plot->x.to, bottom);
        fputs("fewer is better</text>", p->f);
    }
    cril_markup_put(p->f, "<text class=\"at\" x=\"2\" y=\"%c\">", plot->font * 1.1);
    write_title(p, plot, y.name ? "" : "score", &y, ", %");
    fputs("\n", p->f);
}

/* ---- Line and bands ---- */

struct curve {
    double x[BAND_STEPS + 1], mean_low[BAND_STEPS + 1], mean_high[BAND_STEPS + 1],
        new_low[BAND_STEPS + 1], new_high[BAND_STEPS + 1];
};

/* Clamps a coordinate to near the drawing, so that none is huge. */
static double bounded(const struct plot *plot, double share)
{
    return fmin(fmax(cril_scale_at(&plot->y, 100 * share), -plot->height), 2 * plot->height);
}

static bool make_curve(const struct cril_page *p, const struct plot *plot, const cril_line *line,
                       struct curve *c)
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
static void write_band(const struct cril_page *p, const struct plot *plot, const char *name,
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
static struct cril_segment line_across(const struct plot *plot, const cril_line *line)
{
    struct cril_segment s = {plot->x.from, 0, plot->x.to, 0};

    s.y1 = bounded(plot, line->y_mean + line->slope.value * (plot->x.low - line->x_mean));
    s.y2 = bounded(plot, line->y_mean + line->slope.value * (plot->x.high - line->x_mean));
    return s;
}

static void write_clip(const struct cril_page *p, const struct plot *plot)
{
    cril_markup_put(
        p->f, "<clipPath id=\"%s\"><rect x=\"%c\" y=\"%c\" width=\"%c\" height=\"%c\"/></clipPath>",
        plot->id, plot->x.from, plot->y.to, plot->x.to - plot->x.from, plot->y.from - plot->y.to);
}

/* Whether an edge of a band is seen at all; a band that is wider than the drawing would only tint
 * it. */
static bool is_seen(const struct plot *plot, const double *low, const double *high)
{
    for (size_t i = 0; i <= BAND_STEPS; i++)
        if (low[i] < plot->y.from || high[i] > plot->y.to)
            return true;
    return false;
}

static void write_line(const struct cril_page *p, const struct plot *plot, const cril_line *line,
                       bool with_bands)
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

/* ---- Points ---- */

/* "Yi-6b (Yi): 0.6123 bits per character, score 43.1 %, 1.2 points above the line" */
static void say_point(const struct cril_page *p, const struct cril_page_fit *fit, size_t i)
{
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

static void write_errors(const struct cril_page *p, const struct plot *plot,
                         const cril_study_points *q, size_t i)
{
    const double x = cril_scale_at(&plot->x, q->x[i]), y = cril_scale_at(&plot->y, 100 * q->y[i]);

    if (q->x_se[i] > 0)
        cril_markup_put(p->f, "<path class=\"eb\" d=\"M%c %cH%c\"/>",
                        cril_scale_at(&plot->x, q->x[i] - cril_page_reach(p, q->x_se[i])), y,
                        cril_scale_at(&plot->x, q->x[i] + cril_page_reach(p, q->x_se[i])));
    if (q->y_se[i] > 0)
        cril_markup_put(p->f, "<path class=\"eb\" d=\"M%c %cV%c\"/>", x,
                        cril_scale_at(&plot->y, 100 * (q->y[i] - cril_page_reach(p, q->y_se[i]))),
                        cril_scale_at(&plot->y, 100 * (q->y[i] + cril_page_reach(p, q->y_se[i]))));
}

/*
 * How a point's name is drawn: without all names' common end and, if it is too long, without its
 * middle, since names differ at both ends.
 */
struct short_name {
    const char *text;
    size_t head; /* bytes */
    size_t end,
        len; /* bytes end .. len - 1 follow; head and end are equal where nothing is left out */
    double width; /* in units of the font's size */
};

static struct short_name shorten(const struct plot *plot, const char *name, size_t tail)
{
    struct short_name s = {.text = name, .len = strlen(name) - tail};

    s.width = cril_markup_width(name, s.len);
    if (s.width <= plot->label_em)
        return s;
    s.head = cril_markup_fit(name, plot->label_em * 0.5);
    s.end = cril_markup_fit_end(name, s.len, plot->label_em * 0.5 - 1);
    s.width = plot->label_em;
    return s;
}

/* The names of a figure's points and their common end. */
static size_t common_tail(const struct cril_page *p, const cril_study_points *q)
{
    const char **names = calloc(q->n + 1, sizeof(*names));
    size_t tail = 0;

    for (size_t i = 0; names && i < q->n; i++)
        names[i] = p->info->models[q->model[i]].name;
    if (names)
        tail = cril_labels_tail(names, q->n);
    free((void *)names);
    return tail;
}

static void write_leader(const struct cril_page *p, const struct cril_label *l)
{
    if (l->shown && l->leader)
        cril_markup_put(p->f, "<path class=\"ld\" d=\"M%c %cL%c %c\"/>", l->x, l->y,
                        fmin(fmax(l->x, l->box.left), l->box.right),
                        fmin(fmax(l->y, l->box.top), l->box.bottom));
}

static void write_label(const struct cril_page *p, const struct plot *plot, const char *name,
                        size_t tail, const struct cril_label *l)
{
    const struct short_name s = shorten(plot, name, tail);

    cril_markup_put(p->f, "<text class=\"%s\" x=\"%c\" y=\"%c\" text-anchor=\"middle\">",
                    l->shown ? "lb" : "lb no", (l->box.left + l->box.right) / 2,
                    (l->box.top + l->box.bottom) / 2 + plot->font * 0.33);
    cril_markup_text(p->f, s.text, s.head);
    fputs(s.head < s.end ? "…" : "", p->f);
    cril_markup_text(p->f, s.text + s.end, s.len - s.end);
    fputs("</text>", p->f);
}

static void write_point(const struct cril_page *p, const struct plot *plot,
                        const struct cril_page_fit *fit, size_t i, size_t tail,
                        const struct cril_label *l)
{
    const cril_study_points *q = cril_page_points(fit);
    const cril_study_model *m = &p->info->models[q->model[i]];
    const double x = cril_scale_at(&plot->x, q->x[i]), y = cril_scale_at(&plot->y, 100 * q->y[i]);

    fputs("<g class=\"pt\" tabindex=\"0\" role=\"img\" aria-label=\"", p->f);
    say_point(p, fit, i);
    fputs("\"><title>", p->f);
    say_point(p, fit, i);
    fputs("</title>", p->f);
    write_errors(p, plot, q, i);
    if (fit->has_line && fit->line.each[i].flagged)
        cril_markup_put(p->f, "<circle class=\"fl\" cx=\"%c\" cy=\"%c\" r=\"%c\"/>", x, y,
                        plot->radius + 5);
    cril_markup_put(p->f, "<circle class=\"hit\" cx=\"%c\" cy=\"%c\" r=\"%c\"/>", x, y,
                    plot->radius + 4);
    write_leader(p, l);
    cril_page_symbol(p, p->family[q->model[i]], false, x, y);
    write_label(p, plot, m->name, tail, l);
    fputs("</g>\n", p->f);
}

static void place_labels(const struct cril_page *p, const struct plot *plot,
                         const struct cril_page_fit *fit, size_t tail, struct cril_label *labels)
{
    const cril_study_points *q = cril_page_points(fit);

    for (size_t i = 0; i < q->n; i++) {
        const char *name = p->info->models[q->model[i]].name;

        if (!is_drawn(q, i)) {
            labels[i].x = labels[i].y = -1000;
            continue;
        }
        labels[i].x = cril_scale_at(&plot->x, q->x[i]);
        labels[i].y = cril_scale_at(&plot->y, 100 * q->y[i]);
        labels[i].width = shorten(plot, name, tail).width * plot->font + 3;
        labels[i].height = plot->font * 1.12;
        labels[i].bar_x =
            fabs(cril_scale_at(&plot->x, q->x[i] + cril_page_reach(p, q->x_se[i])) - labels[i].x);
        labels[i].bar_y =
            fabs(cril_scale_at(&plot->y, 100 * (q->y[i] + cril_page_reach(p, q->y_se[i]))) -
                 labels[i].y);
    }
}

static void write_points(struct cril_page *p, const struct plot *plot,
                         const struct cril_page_fit *fit)
{
    const cril_study_points *q = cril_page_points(fit);
    const struct cril_box bounds = {plot->x.from + 2, plot->y.to, plot->width - 1,
                                    plot->y.from - 2};
    const struct cril_segment line =
        fit->has_line ? line_across(plot, &fit->line.line) : (struct cril_segment){0};
    struct cril_label *labels = calloc(q->n + 1, sizeof(*labels));
    size_t *order = fit->has_line ? cril_page_farthest(&fit->line) : NULL;
    const size_t tail = common_tail(p, q);

    if (labels)
        place_labels(p, plot, fit, tail, labels);
    if (!labels || (fit->has_line && !order) ||
        !cril_labels_place(labels, q->n, order, plot->radius, &bounds,
                           fit->has_line ? &line : NULL))
        p->no_memory = true;
    for (size_t i = 0; !p->no_memory && i < q->n; i++)
        if (is_drawn(q, i))
            write_point(p, plot, fit, i, tail, &labels[i]);
    free(order);
    free(labels);
}

/* ---- The large one ---- */

static void write_plot(struct cril_page *p, struct plot *plot, const char *name,
                       const struct cril_page_fit *fit)
{
    if (!scale_points(p, cril_page_points(fit), true, 0.07, is_narrow(plot) ? 5 : 8, plot))
        return;
    plot->x.from = plot->font * 3;
    plot->x.to = plot->width - plot->font;
    plot->y.from = plot->height - plot->font * (is_narrow(plot) ? 4.9 : 3.6);
    plot->y.to = plot->font * 2.2;
    make_room_left(plot);
    cril_markup_put(p->f,
                    "<svg paint-order=\"stroke\" class=\"plot %s\" viewBox=\"0 0 %c %c\" "
                    "role=\"group\" aria-label=\"Scatter of %z %s: score against "
                    "bits per character\">\n",
                    name, plot->width, plot->height, cril_page_points(fit)->n,
                    cril_page_points(fit)->n == 1 ? "model" : "models");
    write_ticks(p, plot);
    write_titles(p, plot, fit->is);
    if (fit->has_line)
        write_line(p, plot, &fit->line.line, true);
    write_points(p, plot, fit);
    fputs("</svg>\n", p->f);
}

static bool has_family(const struct cril_page *p, const struct cril_page_fit *fit, size_t family)
{
    const cril_study_points *q = cril_page_points(fit);

    for (size_t i = 0; i < q->n; i++)
        if (p->family[q->model[i]] == family)
            return true;
    return false;
}

/* The families of fits [n]. */
static void write_key(const struct cril_page *p, const struct cril_page_fit *fits, size_t n)
{
    fputs("<ul class=\"key\" aria-label=\"Families\">", p->f);
    for (size_t k = 0; k < p->n_families; k++) {
        size_t i = 0;

        while (i < n && !has_family(p, &fits[i], k))
            i++;
        if (i == n)
            continue;
        fputs("<li><svg viewBox=\"-8 -8 16 16\" aria-hidden=\"true\">", p->f);
        cril_page_symbol(p, k, false, 0, 0);
        cril_markup_put(p->f, "</svg> <bdi>%t</bdi></li>", p->family_names[k]);
    }
    fputs("</ul>\n", p->f);
}

/* Half the height of the bands in their middle; the caption names bands wider than the drawing,
 * too.
 */
static void write_caption_of_bands(const struct cril_page *p, const cril_line *line)
{
    cril_prediction middle;

    cril_markup_put(p->f,
                    "The line is least squares. At %0&nbsp;%%: inner band, where the line lies; "
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

static void write_caption_of_tail(const struct cril_page *p, const cril_study_points *q)
{
    const size_t tail = common_tail(p, q);
    const char *name = tail ? p->info->models[q->model[0]].name : "";

    if (tail)
        cril_markup_put(p->f,
                        "All names end in <span class=\"tail\">“<bdi>%t</bdi>”,</span> which the "
                        "figure leaves out. ",
                        name + strlen(name) - tail);
}

static void write_caption(const struct cril_page *p, const struct cril_page_fit *fit)
{
    const cril_study_points *q = cril_page_points(fit);
    bool x_errors = false, y_errors = false;

    for (size_t i = 0; i < q->n; i++) {
        x_errors |= q->x_se[i] > 0;
        y_errors |= q->y_se[i] > 0;
    }
    fputs("<figcaption><b>Figure 1.</b> Each point is a model; symbols are families. ", p->f);
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
    write_caption_of_tail(p, q);
    fputs("A point’s name and figures show when it is pointed at or reached by the tabulator "
          "key.</figcaption>",
          p->f);
}

void cril_page_scatter(struct cril_page *p, const struct cril_page_fit *fit)
{
    struct plot wide = {
        .width = 960, .height = 560, .radius = 5, .font = 13, .label_em = 24, .id = "kw"};
    struct plot narrow = {
        .width = 343, .height = 400, .radius = 5, .font = 11, .label_em = 17, .id = "kn"};

    if (!cril_page_points(fit)->n)
        return;
    fputs("<figure class=\"main\">\n", p->f);
    write_plot(p, &wide, "wide", fit);
    write_plot(p, &narrow, "narrow", fit);
    write_key(p, fit, 1);
    write_caption(p, fit);
    fputs("</figure>\n", p->f);
}

/* ---- Small ones ---- */

static void write_panel_plot(struct cril_page *p, size_t number)
{
    const struct cril_page_fit *fit = &p->fits[number];
    const cril_study_points *q = cril_page_points(fit);
    char id[32];
    struct plot plot = {.width = 210, .height = 150, .radius = 3, .font = 10.5, .id = id};

    snprintf(id, sizeof(id), "k%zu", number);
    if (!scale_points(p, q, false, 0.08, 4, &plot))
        return;
    plot.x.from = 26;
    plot.x.to = plot.width - 4;
    plot.y.from = plot.height - 18;
    plot.y.to = 5;
    make_room_left(&plot);
    cril_markup_put(p->f,
                    "<svg paint-order=\"stroke\" class=\"plot small\" viewBox=\"0 0 %c %c\" "
                    "role=\"img\" aria-label=\"%t: scatter of %z models\">",
                    plot.width, plot.height, fit->is->name, q->n);
    write_ticks(p, &plot);
    if (fit->has_line)
        write_line(p, &plot, &fit->line.line, false);
    for (size_t i = 0; i < q->n; i++)
        if (is_drawn(q, i)) {
            cril_markup_put(p->f, "<g><title>%t</title>", p->info->models[q->model[i]].name);
            cril_page_symbol(p, p->family[q->model[i]], true, cril_scale_at(&plot.x, q->x[i]),
                             cril_scale_at(&plot.y, 100 * q->y[i]));
            fputs("</g>", p->f);
        }
    fputs("</svg>", p->f);
}

static void write_panel(struct cril_page *p, size_t i)
{
    const struct cril_page_fit *fit = &p->fits[i];

    cril_markup_put(p->f, "<figure class=\"panel\"><h3><bdi>%t</bdi></h3>", fit->is->name);
    write_panel_plot(p, i);
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

void cril_page_panels(struct cril_page *p)
{
    if (p->info->n_fits < 2)
        return;
    fputs("<section id=\"panels\"><h2>All lines, drawn</h2>\n"
          "<p>Score in % against bits per character, of which fewer is better; each on its own "
          "scale.</p>\n",
          p->f);
    write_key(p, p->fits, p->info->n_fits);
    fputs("<div class=\"panels\">\n", p->f);
    for (size_t i = 0; i < p->info->n_fits; i++)
        write_panel(p, i);
    fputs("</div></section>\n", p->f);
}
