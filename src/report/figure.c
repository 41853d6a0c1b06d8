/*
 * Figures: the table of them, their keys and links of data on a page, and one alone as an SVG file.
 *
 * A figure alone has its own style sheet, without variables, nested rules or fonts of its own,
 * since not only browsers open it. Its fonts are those whose letters are as wide as Helvetica's, so
 * that texts are as long everywhere. It is light; a browser on a dark screen shows it dark.
 */
#include "report/page.h"

#include "report/markup.h"
#include "report/palette.h"
#include "report/plot.h"
#include "util/fail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct cril_page_figure *const figures[] = {
    &cril_page_figure_line, &cril_page_figure_lines,    &cril_page_figure_size,
    &cril_page_figure_kl,   &cril_page_figure_learning, &cril_page_figure_compressors,
};

static const struct cril_page_figure *figure_at(size_t i)
{
    return i < sizeof(figures) / sizeof(figures[0]) ? figures[i] : NULL;
}

/* ---- On a page ---- */

static void write_title(const struct cril_page *p, const struct cril_page_figure *figure,
                        const struct cril_page_of *of)
{
    if (of && !of->is_first)
        cril_markup_put(p->f, "%t: ", of->name);
    fputs(figure->title, p->f);
}

static void draw_for(struct cril_page *p, const struct cril_page_figure *figure,
                     const struct cril_page_of *of, const char *screen, double width)
{
    cril_markup_put(p->f,
                    "<svg paint-order=\"stroke\" class=\"plot %s\" viewBox=\"0 0 %c %c\" "
                    "role=\"group\" aria-label=\"",
                    screen, width, figure->height(p, of, width));
    write_title(p, figure, of);
    fputs("\">\n", p->f);
    figure->draw(p, of, width);
    fputs("</svg>\n", p->f);
}

void cril_page_write_key(const struct cril_page *p, const struct cril_page_figure *figure,
                         const struct cril_page_of *of)
{
    fputs("<ul class=\"key\" aria-label=\"Families\">", p->f);
    for (size_t k = 0; k < p->n_families; k++) {
        if (!figure->has_family(p, of, k))
            continue;
        fputs("<li><svg viewBox=\"-8 -8 16 16\" aria-hidden=\"true\">", p->f);
        cril_plot_symbol(p->f, k, false, 0, 0);
        cril_markup_put(p->f, "</svg> <bdi>%t</bdi></li>", p->family_names[k]);
    }
    fputs("</ul>\n", p->f);
}

void cril_page_draw(struct cril_page *p, const struct cril_page_figure *figure,
                    const struct cril_page_of *of)
{
    draw_for(p, figure, of, "wide", 960);
    draw_for(p, figure, of, "narrow", 343);
    cril_page_write_key(p, figure, of);
}

void cril_page_link_data(struct cril_page *p, const struct cril_page_figure *figure,
                         const struct cril_page_of *of)
{
    struct cril_csv csv = {.f = p->f, .in_link = true};

    cril_markup_put(p->f,
                    "<a class=\"data\" download=\"%s.csv\" href=\"data:text/csv;charset=utf-8,",
                    figure->name);
    figure->write_data(p, of, &csv);
    fputs("\">Numbers of this figure (CSV)</a>", p->f);
}

void cril_page_write_figure(struct cril_page *p, const struct cril_page_figure *figure,
                            const struct cril_page_of *of)
{
    fputs("<figure>\n", p->f);
    cril_page_draw(p, figure, of);
    fputs("<figcaption>", p->f);
    figure->say(p, of);
    cril_page_link_data(p, figure, of);
    fputs("</figcaption></figure>\n", p->f);
}

void cril_page_section(struct cril_page *p, const struct cril_page_figure *figure, const char *id,
                       const char *heading)
{
    if (!figure->is_there(p, NULL))
        return;
    cril_markup_put(p->f, "<section id=\"%s\"><h2>%s</h2>\n", id, heading);
    cril_page_write_figure(p, figure, NULL);
    fputs("</section>\n", p->f);
}

void cril_page_say_tail(const struct cril_page *p, const struct cril_plot_point *points, size_t n)
{
    const size_t tail = cril_plot_tail(points, n);
    const char *name = tail ? points[0].name : "";

    if (!tail)
        return;
    name += strlen(name) - tail;
    cril_markup_put(p->f,
                    p->is_alone ? "All names end in “%t”, which the figure leaves out. "
                                : "All names end in <span class=\"tail\">“<bdi>%t</bdi>”,</span> "
                                  "which the figure leaves out. ",
                    name);
}

/* Bars beside each other invite comparing them, and differences of models are paired by document.
 */
void cril_page_say_no_bars(const struct cril_page *p)
{
    bool has_errors = false;

    for (size_t m = 0; m < p->info->n_models; m++)
        has_errors |= p->average[m].se > 0;
    if (has_errors)
        fputs("Models share their documents, so that differences between them are surer than each "
              "one’s own interval, which is not drawn. ",
              p->f);
}

bool cril_page_has_family(const struct cril_page *p, const struct cril_page_of *of, size_t family,
                          cril_page_value value)
{
    bool has = false;

    for (size_t m = 0; m < p->info->n_models && !has; m++)
        has = p->family[m] == family && !isnan(value(p, of, m));
    return has;
}

double cril_page_plot_height(const struct cril_page *p, const struct cril_page_of *of, double width)
{
    (void)of;
    return cril_plot_init(p->f, width, "").height;
}

/* ---- Alone ---- */

enum { PADDING = 8 };

/* Families of the key in rows below the drawing. */
struct key {
    double font, width, row;
    double x, y; /* of the next one */
};

static struct key start_key(double width)
{
    const double font = width < 600 ? 11 : 13;

    return (struct key){.font = font, .width = width, .row = font * 1.6, .y = font * 1.6};
}

/* Where a family stands. */
static void place(struct key *k, const char *name, double *x, double *y)
{
    const double em = cril_markup_width(name, strlen(name)),
                 width = fmin(20 + em * k->font, k->width);

    if (k->x > 0 && k->x + width > k->width) {
        k->x = 0;
        k->y += k->row;
    }
    *x = k->x;
    *y = k->y;
    k->x += width + 16;
}

/* Writes the key, or, without top, only tells its height. One family needs none. */
static double lay_key(const struct cril_page *p, const struct cril_page_figure *figure,
                      const struct cril_page_of *of, double width, const double *top)
{
    struct key key = start_key(width);
    size_t n = 0;

    for (size_t k = 0; k < p->n_families; k++)
        n += figure->has_family(p, of, k);
    if (n < 2)
        return 0;
    for (size_t k = 0; k < p->n_families; k++) {
        double x, y;

        if (!figure->has_family(p, of, k))
            continue;
        place(&key, p->family_names[k], &x, &y);
        if (!top)
            continue;
        cril_plot_symbol(p->f, k, false, x + 7, *top + y - key.font * 0.35);
        cril_markup_put(p->f, "<text x=\"%c\" y=\"%c\">", x + 18, *top + y);
        cril_plot_write_cut(p->f, p->family_names[k], (width - 20) / key.font);
        fputs("</text>\n", p->f);
    }
    return ceil(key.y + key.font * 0.5);
}

static void write_style(FILE *f)
{
    fputs("<style>\n"
          ".plot{font-family:'Helvetica Neue',Helvetica,Arial,'Liberation Sans',Arimo,'Nimbus "
          "Sans',sans-serif;font-size:13px;font-variant-numeric:tabular-nums}\n",
          f);
    cril_palette_write_plain_rules(f, false);
    fputs("@media screen and (prefers-color-scheme:dark){\n", f);
    cril_palette_write_plain_rules(f, true);
    fputs("}\n</style>\n", f);
}

static void write_start(struct cril_page *p, const struct cril_page_figure *figure,
                        const struct cril_page_of *of, double width, double height)
{
    cril_markup_put(p->f,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%c\" height=\"%c\" "
                    "viewBox=\"%c %c %c %c\" role=\"group\" aria-labelledby=\"%s-title %s-desc\">\n"
                    "<title id=\"%s-title\">%t: ",
                    width, height, (double)-PADDING, (double)-PADDING, width, height, figure->name,
                    figure->name, figure->name, p->info->title);
    write_title(p, figure, of);
    cril_markup_put(p->f, "</title>\n<desc id=\"%s-desc\">", figure->name);
    figure->say(p, of);
    fputs("</desc>\n", p->f);
    write_style(p->f);
    cril_plot_define_symbols(p->f);
    cril_markup_put(p->f,
                    "\n<rect class=\"bg\" x=\"%c\" y=\"%c\" width=\"%c\" height=\"%c\"/>\n"
                    "<g paint-order=\"stroke\" class=\"plot%s\">\n",
                    (double)-PADDING, (double)-PADDING, width, height,
                    width - 2 * PADDING < 600 ? " narrow" : "");
}

static void write_alone(struct cril_page *p, const struct cril_page_figure *figure,
                        const struct cril_page_of *of, double width)
{
    const double inner = width - 2 * PADDING, top = ceil(figure->height(p, of, inner)),
                 key = lay_key(p, figure, of, inner, NULL);

    write_start(p, figure, of, width, top + key + 2 * PADDING);
    figure->draw(p, of, inner);
    lay_key(p, figure, of, inner, &top);
    fputs("</g>\n</svg>\n", p->f);
}

/* ---- By name ---- */

/* One figure after another that has something to show. Of several of a kind the first is called
 * "line", the others "line:NAME". False ends it. */
typedef bool (*see_figure)(void *user, const struct cril_page_figure *figure,
                           const struct cril_page_of *of, const char *name);

static bool see_each(struct cril_page *p, const struct cril_page_figure *figure, see_figure see,
                     void *user)
{
    struct cril_page_of of;

    for (size_t i = 0; figure->find(p, i, &of); i++) {
        char name[300];

        if (!figure->is_there(p, &of))
            continue;
        snprintf(name, sizeof(name), "%s%s%s", figure->name, of.is_first ? "" : ":",
                 of.is_first ? "" : of.name);
        if (!see(user, figure, &of, name))
            return false;
    }
    return true;
}

static void each_figure(struct cril_page *p, see_figure see, void *user)
{
    const struct cril_page_figure *figure;

    for (size_t i = 0; (figure = figure_at(i)); i++) {
        if (figure->find ? !see_each(p, figure, see, user)
                         : figure->is_there(p, NULL) && !see(user, figure, NULL, figure->name))
            return;
    }
}

struct listing {
    cril_study_see_figure see;
    void *user;
};

static bool list_figure(void *user, const struct cril_page_figure *figure,
                        const struct cril_page_of *of, const char *name)
{
    const struct listing *l = user;

    (void)of;
    l->see(l->user, name, figure->title);
    return true;
}

cril_status cril_study_figures(const cril_study_info *s, const cril_study_table *t,
                               const cril_report_options *options, cril_study_see_figure see,
                               void *user, cril_error *err)
{
    if (CRIL_LACKS(err, s, t, see))
        return CRIL_ERR_RANGE;

    struct listing l = {see, user};
    struct cril_page p;
    cril_status st = cril_page_open(&p, NULL, s, t, options, err);

    if (st == CRIL_OK)
        each_figure(&p, list_figure, &l);
    cril_page_close(&p);
    return st;
}

struct search {
    const char *name;
    const struct cril_page_figure *figure; /* NULL: not found */
    struct cril_page_of of;                /* of a figure that has a `find` */
    char all[600];                         /* the names there are, as far as they go in */
};

static const struct cril_page_of *of_found(const struct search *s)
{
    return s->figure->find ? &s->of : NULL;
}

static bool compare_figure(void *user, const struct cril_page_figure *figure,
                           const struct cril_page_of *of, const char *name)
{
    struct search *s = user;
    const size_t len = strlen(s->all);

    if (strcmp(name, s->name) == 0) {
        s->figure = figure;
        s->of = of ? *of : s->of;
        return false;
    }
    snprintf(s->all + len, sizeof(s->all) - len, "%s%.60s", len ? ", " : "", name);
    return true;
}

static cril_status find_figure(struct cril_page *p, struct search *s, cril_error *err)
{
    each_figure(p, compare_figure, s);
    if (s->figure)
        return CRIL_OK;
    for (size_t i = 0; figure_at(i); i++)
        if (strcmp(figure_at(i)->name, s->name) == 0)
            return cril_fail(err, CRIL_ERR_RANGE, "%s: nothing to show in the figure \"%s\": %s",
                             p->info->path, s->name, figure_at(i)->lacks);
    return cril_fail(err, CRIL_ERR_RANGE, "%s: the report has no figure \"%.200s\"; it has: %s",
                     p->info->path, s->name, s->all[0] ? s->all : "none");
}

cril_status cril_study_figure(FILE *f, const cril_study_info *s, const cril_study_table *t,
                              const cril_report_options *options, const char *name, unsigned width,
                              cril_error *err)
{
    if (CRIL_LACKS(err, f, s, t, name))
        return CRIL_ERR_RANGE;
    if (width && (width < CRIL_FIGURE_MIN_WIDTH || width > CRIL_FIGURE_MAX_WIDTH))
        return cril_fail(err, CRIL_ERR_RANGE, "a figure's width must be %d to %d pixels",
                         CRIL_FIGURE_MIN_WIDTH, CRIL_FIGURE_MAX_WIDTH);

    struct search search = {.name = name};
    struct cril_page p;
    cril_status st = cril_page_open(&p, f, s, t, options, err);

    p.is_alone = true;
    if (st == CRIL_OK && (st = find_figure(&p, &search, err)) == CRIL_OK) {
        write_alone(&p, search.figure, of_found(&search), width ? width : CRIL_FIGURE_WIDTH);
        st = cril_page_finish(&p, err);
    }
    cril_page_close(&p);
    return st;
}

cril_status cril_study_figure_data(FILE *f, const cril_study_info *s, const cril_study_table *t,
                                   const cril_report_options *options, const char *name,
                                   cril_error *err)
{
    if (CRIL_LACKS(err, f, s, t, name))
        return CRIL_ERR_RANGE;

    struct search search = {.name = name};
    struct cril_csv csv = {.f = f};
    struct cril_page p;
    cril_status st = cril_page_open(&p, f, s, t, options, err);

    if (st == CRIL_OK && (st = find_figure(&p, &search, err)) == CRIL_OK) {
        search.figure->write_data(&p, of_found(&search), &csv);
        st = cril_page_finish(&p, err);
    }
    cril_page_close(&p);
    return st;
}
