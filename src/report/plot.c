/* Drawings (plot.h). */
#include "report/plot.h"

#include "report/markup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct cril_plot cril_plot_init(FILE *f, double width, const char *id)
{
    if (width < 600)
        return (struct cril_plot){.f = f,
                                  .width = width,
                                  .height = floor(width * 400 / 343 + 0.5),
                                  .radius = 5,
                                  .font = 11,
                                  .label_em = 17,
                                  .id = id};
    return (struct cril_plot){.f = f,
                              .width = width,
                              .height = floor(width * 560 / 960 + 0.5),
                              .radius = 5,
                              .font = 13,
                              .label_em = 24,
                              .id = id};
}

bool cril_plot_is_narrow(const struct cril_plot *plot)
{
    return plot->width < 600;
}

double cril_plot_n_ticks(const struct cril_plot *plot)
{
    return cril_plot_is_narrow(plot) ? 5 : 8;
}

void cril_plot_lay(struct cril_plot *plot)
{
    plot->x.from = plot->font * 3;
    plot->x.to = plot->width - plot->font;
    plot->y.from = plot->height - plot->font * (cril_plot_is_narrow(plot) ? 4.9 : 3.6);
    plot->y.to = plot->font * 2.2;
    cril_plot_make_room_left(plot);
}

/* ---- Axes ---- */

void cril_plot_make_room_left(struct cril_plot *plot)
{
    double ticks[CRIL_SCALE_TICKS];
    const size_t n = cril_scale_ticks(&plot->y, ticks);

    for (size_t i = 0; i < n; i++)
        plot->x.from =
            fmax(plot->x.from, (cril_scale_width(&plot->y, ticks[i]) + 0.6) * plot->font);
}

void cril_plot_write_ticks(const struct cril_plot *plot)
{
    double ticks[CRIL_SCALE_TICKS];
    size_t n = cril_scale_ticks(&plot->x, ticks);

    fputs("<g class=\"ax\">", plot->f);
    for (size_t i = 0; i < n; i++) {
        const double x = cril_scale_at(&plot->x, ticks[i]),
                     half = cril_scale_width(&plot->x, ticks[i]) * plot->font / 2;

        cril_markup_put(plot->f,
                        "<path d=\"M%c %cV%c\"/><text x=\"%c\" y=\"%c\" text-anchor=\"middle\">", x,
                        plot->y.to, plot->y.from, fmax(half, fmin(x, plot->width - half)),
                        plot->y.from + plot->font * 1.4);
        cril_scale_write(plot->f, &plot->x, ticks[i]);
        fputs("</text>", plot->f);
    }
    n = cril_scale_ticks(&plot->y, ticks);
    for (size_t i = 0; i < n; i++) {
        const double y = cril_scale_at(&plot->y, ticks[i]);

        cril_markup_put(plot->f,
                        "<path d=\"M%c %cH%c\"/><text x=\"%c\" y=\"%c\" text-anchor=\"end\">",
                        plot->x.from, y, plot->x.to, plot->x.from - plot->font * 0.5,
                        fmax(y, plot->font * 0.5) + plot->font * 0.35);
        cril_scale_write(plot->f, &plot->y, ticks[i]);
        fputs("</text>", plot->f);
    }
    cril_markup_put(plot->f, "</g><path class=\"fr\" d=\"M%c %cV%cH%c\"/>\n", plot->x.from,
                    plot->y.to, plot->y.from, plot->x.to);
}

void cril_plot_write_cut(FILE *f, const char *text, double em)
{
    const size_t len = cril_markup_fit(text, em);

    cril_markup_text(f, text, len);
    fputs(text[len] ? "…" : "", f);
}

/* room: in units of the font's size; letters are bold. */
static void write_title(const struct cril_plot *plot, const struct cril_plot_title *t,
                        const char *comma, const char *note, double room)
{
    room = room / 1.05 - 1;
    room -= cril_markup_width(t->before, strlen(t->before));
    room -= cril_markup_width(t->after, strlen(t->after));
    room -= cril_markup_width(comma, strlen(comma)) + cril_markup_width(note, strlen(note));
    fputs(t->before, plot->f);
    if (t->name)
        cril_plot_write_cut(plot->f, t->name, fmax(room, 4));
    cril_markup_put(plot->f, "%s%s%s</text>", t->after, comma, note);
}

void cril_plot_write_titles(const struct cril_plot *plot, const struct cril_plot_title *x,
                            const char *note, const struct cril_plot_title *y, double room)
{
    const double bottom = plot->height - plot->font * 0.5, all = (plot->width - 12) / plot->font;
    const bool is_split = note && cril_plot_is_narrow(plot);
    const char *start = "<text class=\"at\" x=\"%c\" y=\"%c\" text-anchor=\"end\">";

    cril_markup_put(plot->f, start, plot->x.to,
                    cril_plot_is_narrow(plot) ? bottom - plot->font * 1.3 : bottom);
    write_title(plot, x, is_split ? "," : note ? ", " : "", note && !is_split ? note : "", all);
    if (is_split) {
        cril_markup_put(plot->f, start, plot->x.to, bottom);
        cril_markup_put(plot->f, "%s</text>", note);
    }
    cril_markup_put(plot->f, "<text class=\"at\" x=\"2\" y=\"%c\">", plot->font * 1.1);
    write_title(plot, y, "", "", all - room);
    fputs("\n", plot->f);
}

/* ---- Symbols ---- */

void cril_plot_symbol(FILE *f, size_t family, bool is_small, double x, double y)
{
    cril_markup_put(f, "<use href=\"#%s%z\" class=\"c%z\" x=\"%c\" y=\"%c\"/>",
                    is_small ? "m" : "s", family % CRIL_PLOT_SHAPES, family % CRIL_PLOT_COLOURS, x,
                    y);
}

static const char *const shapes[CRIL_PLOT_SHAPES] = {
    "M-4.9 0a4.9 4.9 0 1 0 9.8 0a4.9 4.9 0 1 0-9.8 0z",
    "M-4.4-4.4h8.8v8.8h-8.8z",
    "M0-5.9 5.6 4H-5.6z",
    "M0-6 6 0 0 6-6 0z",
    "M0 5.9 5.6-4H-5.6z",
    "M-1.9-5.6h3.8v3.7h3.7v3.8h-3.7v3.7h-3.8v-3.7h-3.7v-3.8h3.7z",
    "M-5.2-2.6-2.6-5.2 0-2.6 2.6-5.2 5.2-2.6 2.6 0 5.2 2.6 2.6 5.2 0 2.6-2.6 5.2-5.2 2.6-2.6 0z",
    "M0-6.2 1.6-2.2 5.9-1.9 2.6.8 3.6 5 0 2.7-3.6 5-2.6.8-5.9-1.9-1.6-2.2z",
};

/* Each shape in two sizes: s0 .. for figures, m0 .. for small ones. */
void cril_plot_define_symbols(FILE *f)
{
    fputs("<defs>\n", f);
    for (size_t i = 0; i < CRIL_PLOT_SHAPES; i++)
        cril_markup_put(
            f, "<path id=\"s%z\" d=\"%s\"/><path id=\"m%z\" transform=\"scale(.68)\" d=\"%s\"/>\n",
            i, shapes[i], i, shapes[i]);
    fputs("</defs>", f);
}

/* ---- Points ---- */

static void write_errors(const struct cril_plot *plot, const struct cril_plot_point *q)
{
    if (q->x_reach > 0)
        cril_markup_put(plot->f, "<path class=\"eb\" d=\"M%c %cH%c\"/>",
                        cril_scale_at(&plot->x, q->x - q->x_reach), cril_scale_at(&plot->y, q->y),
                        cril_scale_at(&plot->x, q->x + q->x_reach));
    if (q->y_reach > 0)
        cril_markup_put(plot->f, "<path class=\"eb\" d=\"M%c %cV%c\"/>",
                        cril_scale_at(&plot->x, q->x), cril_scale_at(&plot->y, q->y - q->y_reach),
                        cril_scale_at(&plot->y, q->y + q->y_reach));
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

static struct short_name shorten(const struct cril_plot *plot, const char *name, size_t tail)
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

size_t cril_plot_tail(const struct cril_plot_point *points, size_t n)
{
    const char **names = calloc(n + 1, sizeof(*names));
    size_t tail = 0;

    for (size_t i = 0; names && i < n; i++)
        names[i] = points[i].name;
    if (names)
        tail = cril_labels_tail(names, n);
    free((void *)names);
    return tail;
}

static void write_leader(FILE *f, const struct cril_label *l)
{
    if (l->shown && l->leader)
        cril_markup_put(f, "<path class=\"ld\" d=\"M%c %cL%c %c\"/>", l->x, l->y,
                        fmin(fmax(l->x, l->box.left), l->box.right),
                        fmin(fmax(l->y, l->box.top), l->box.bottom));
}

static void write_label(const struct cril_plot *plot, const char *name, size_t tail,
                        const struct cril_label *l)
{
    const struct short_name s = shorten(plot, name, tail);

    cril_markup_put(plot->f, "<text class=\"%s\" x=\"%c\" y=\"%c\" text-anchor=\"middle\">",
                    l->shown ? "lb" : "lb no", (l->box.left + l->box.right) / 2,
                    (l->box.top + l->box.bottom) / 2 + plot->font * 0.33);
    cril_markup_text(plot->f, s.text, s.head);
    fputs(s.head < s.end ? "…" : "", plot->f);
    cril_markup_text(plot->f, s.text + s.end, s.len - s.end);
    fputs("</text>", plot->f);
}

struct points {
    const struct cril_plot *plot;
    const struct cril_plot_point *list; /* [n] */
    size_t n;
    size_t tail;
    cril_plot_say say;
    void *user;
};

static void write_point(const struct points *q, size_t i, const struct cril_label *l)
{
    const struct cril_plot *plot = q->plot;
    const struct cril_plot_point *point = &q->list[i];
    const double x = cril_scale_at(&plot->x, point->x), y = cril_scale_at(&plot->y, point->y);

    fputs("<g class=\"pt\" tabindex=\"0\" role=\"img\" aria-label=\"", plot->f);
    q->say(q->user, i);
    fputs("\"><title>", plot->f);
    q->say(q->user, i);
    fputs("</title>", plot->f);
    write_errors(plot, point);
    if (point->ringed)
        cril_markup_put(plot->f, "<circle class=\"fl\" cx=\"%c\" cy=\"%c\" r=\"%c\"/>", x, y,
                        plot->radius + 5);
    cril_markup_put(plot->f, "<circle class=\"hit\" cx=\"%c\" cy=\"%c\" r=\"%c\"/>", x, y,
                    plot->radius + 4);
    write_leader(plot->f, l);
    cril_plot_symbol(plot->f, point->family, false, x, y);
    write_label(plot, point->name, q->tail, l);
    fputs("</g>\n", plot->f);
}

static void prepare_labels(const struct points *q, struct cril_label *labels)
{
    const struct cril_plot *plot = q->plot;

    for (size_t i = 0; i < q->n; i++) {
        const struct cril_plot_point *point = &q->list[i];
        struct cril_label *l = &labels[i];

        l->x = cril_scale_at(&plot->x, point->x);
        l->y = cril_scale_at(&plot->y, point->y);
        l->width = shorten(plot, point->name, q->tail).width * plot->font + 3;
        l->height = plot->font * 1.12;
        l->unwanted = point->unnamed;
        l->bar_x = fabs(cril_scale_at(&plot->x, point->x + point->x_reach) - l->x);
        l->bar_y = fabs(cril_scale_at(&plot->y, point->y + point->y_reach) - l->y);
    }
}

bool cril_plot_write_points(const struct cril_plot *plot, const struct cril_plot_point *points,
                            size_t n, const size_t *order, const struct cril_segment *lines,
                            size_t n_lines, cril_plot_say say, void *user)
{
    const struct cril_box bounds = {plot->x.from + 2, plot->y.to, plot->width - 1,
                                    plot->y.from - 2};
    const struct points q = {.plot = plot,
                             .list = points,
                             .n = n,
                             .tail = cril_plot_tail(points, n),
                             .say = say,
                             .user = user};
    struct cril_label *labels = calloc(n + 1, sizeof(*labels));
    bool done = labels != NULL;

    if (done)
        prepare_labels(&q, labels);
    done = done && cril_labels_place(labels, n, order, plot->radius, &bounds, lines, n_lines);
    for (size_t i = 0; done && i < n; i++)
        write_point(&q, i, &labels[i]);
    free(labels);
    return done;
}
