/* Bits per character by size of file: which model to take where room is short. */
#include "report/by_size.h"

#include "report/markup.h"

#include <math.h>

static double value(const struct cril_page *p, const struct cril_page_of *of, size_t m)
{
    const double y = cril_known_with_escapes(&p->average[m]);

    (void)of;
    return isfinite(p->file_bytes[m]) && isfinite(y) && y < 1e9 ? y : NAN;
}

static bool is_there(const struct cril_page *p, const struct cril_page_of *of)
{
    return cril_by_size_count(p, of, value) > 1;
}

static bool has_family(const struct cril_page *p, const struct cril_page_of *of, size_t family)
{
    return cril_page_has_family(p, of, family, value);
}

static void say_point(void *user, size_t i)
{
    const struct cril_by_size *s = user;

    cril_markup_put(s->p->f, "%t: ", s->f.points[i].name);
    cril_page_size(s->p, s->f.points[i].x);
    fputs(", ", s->p->f);
    cril_markup_number(s->p->f, s->f.points[i].y, s->p->bpc_decimals);
    fputs(" bits per character", s->p->f);
}

static void draw(struct cril_page *p, const struct cril_page_of *of, double width)
{
    struct cril_page_title y;

    cril_page_make_title(p, 'x', "average", "bits per character", ", fewer is better", &y);
    cril_by_size_draw(p, of, value, width, &y.title, say_point);
}

static void say(struct cril_page *p, const struct cril_page_of *of)
{
    cril_by_size_say(p, of, value, "needs as few bits");
}

static void write_data(struct cril_page *p, const struct cril_page_of *of, struct cril_csv *csv)
{
    struct cril_by_size s;

    if (!cril_by_size_find(p, of, value, &s))
        return;
    cril_csv_head(csv, "model,family,file_bytes,bits_per_character,bits_per_character_se,"
                       "on_frontier");
    for (size_t i = 0; i < s.f.n; i++) {
        const size_t at = s.f.order[i];

        cril_csv_text(csv, s.f.points[at].name);
        cril_csv_text(csv, p->family_names[s.f.points[at].family]);
        cril_csv_number(csv, s.f.points[at].x);
        cril_csv_number(csv, s.f.points[at].y);
        cril_csv_number(csv, p->average[s.model[at]].se);
        cril_csv_number(csv, i < s.f.n_on);
        cril_csv_end_row(csv);
    }
    cril_by_size_free(&s);
}

const struct cril_page_figure cril_page_figure_size = {
    .name = "size",
    .title = "bits per character by size of file",
    .lacks = "it needs two models whose file and whose bits per character of all corpora are known",
    .is_there = is_there,
    .height = cril_page_plot_height,
    .has_family = has_family,
    .say = say,
    .draw = draw,
    .write_data = write_data,
};

void cril_page_sizes(struct cril_page *p)
{
    cril_page_section(p, &cril_page_figure_size, "size", "Bits per character by size of file");
}
