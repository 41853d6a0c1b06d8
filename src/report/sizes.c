/* Bits per character by size of file: which model to take where room is short. */
#include "report/page.h"

#include "report/frontier.h"
#include "report/markup.h"

#include <math.h>
#include <stdlib.h>

/* Models whose size and mean bits per character are known. */
struct sizes {
    const struct cril_page *p;
    struct cril_frontier f;
    size_t *model; /* [f.n] */
};

static bool is_known(const struct cril_page *p, size_t m)
{
    const double y = cril_known_with_escapes(&p->average[m]);

    return isfinite(p->file_bytes[m]) && isfinite(y) && y < 1e9;
}

static void forget(struct sizes *s)
{
    free(s->f.points);
    free(s->f.order);
    free(s->model);
}

/* False: out of memory. */
static bool find_sizes(const struct cril_page *p, struct sizes *s)
{
    const size_t n = p->info->n_models;

    *s = (struct sizes){.p = p,
                        .f = {.points = calloc(n + 1, sizeof(*s->f.points)),
                              .order = calloc(n + 1, sizeof(*s->f.order))},
                        .model = calloc(n + 1, sizeof(*s->model))};
    if (!s->f.points || !s->f.order || !s->model) {
        forget(s);
        return false;
    }
    for (size_t m = 0; m < n; m++) {
        if (!is_known(p, m))
            continue;
        s->model[s->f.n] = m;
        s->f.points[s->f.n++] =
            (struct cril_plot_point){.x = p->file_bytes[m],
                                     .y = cril_known_with_escapes(&p->average[m]),
                                     .name = p->info->models[m].name,
                                     .family = p->family[m]};
    }
    cril_frontier_find(&s->f);
    return true;
}

static bool is_there(const struct cril_page *p, const struct cril_page_fit *fit)
{
    size_t n = 0;

    (void)fit;
    for (size_t m = 0; m < p->info->n_models; m++)
        n += is_known(p, m);
    return n > 1;
}

static bool has_family(const struct cril_page *p, const struct cril_page_fit *fit, size_t family)
{
    (void)fit;
    return cril_page_has_family(p, family, is_known);
}

static void say_point(void *user, size_t i)
{
    const struct sizes *s = user;

    cril_markup_put(s->p->f, "%t: ", s->f.points[i].name);
    cril_page_size(s->p, s->f.points[i].x);
    fputs(", ", s->p->f);
    cril_markup_number(s->p->f, s->f.points[i].y, s->p->bpc_decimals);
    fputs(" bits per character", s->p->f);
}

static void draw(struct cril_page *p, const struct cril_page_fit *fit, double width)
{
    struct cril_plot plot = cril_plot_init(p->f, width, "");
    struct cril_page_title y;
    struct sizes s;

    (void)fit;
    cril_page_make_title(p, 'x', "average", "bits per character", ", fewer is better", &y);
    if (!find_sizes(p, &s)) {
        p->no_memory = true;
        return;
    }
    p->no_memory |= !cril_frontier_draw(&plot, &s.f, &y.title, say_point, &s);
    forget(&s);
}

static void say(struct cril_page *p, const struct cril_page_fit *fit)
{
    struct sizes s;

    (void)fit;
    if (!find_sizes(p, &s)) {
        p->no_memory = true;
        return;
    }
    cril_markup_put(p->f,
                    "Each point is a model; symbols are families. The stepped line is the "
                    "frontier: no other model is as small and needs as few bits as one of the %z "
                    "on it. ",
                    s.f.n_on);
    cril_page_say_no_bars(p);
    cril_page_say_tail(p, s.f.points, s.f.n);
    forget(&s);
}

static void write_data(struct cril_page *p, const struct cril_page_fit *fit, struct cril_csv *csv)
{
    struct sizes s;

    (void)fit;
    if (!find_sizes(p, &s)) {
        p->no_memory = true;
        return;
    }
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
    forget(&s);
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
