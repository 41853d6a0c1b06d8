/* Figures of models by size (by_size.h). */
#include "report/by_size.h"

#include "report/markup.h"

#include <math.h>
#include <stdlib.h>

size_t cril_by_size_count(const struct cril_page *p, const struct cril_page_of *of,
                          cril_page_value value)
{
    size_t n = 0;

    for (size_t m = 0; m < p->info->n_models; m++)
        n += isnan(value(p, of, m)) ? 0 : 1;
    return n;
}

void cril_by_size_free(struct cril_by_size *s)
{
    free(s->f.points);
    free(s->f.order);
    free(s->model);
}

bool cril_by_size_find(struct cril_page *p, const struct cril_page_of *of, cril_page_value value,
                       struct cril_by_size *out)
{
    const size_t n = p->info->n_models;
    struct cril_by_size s = {.p = p,
                             .f = {.points = calloc(n + 1, sizeof(*s.f.points)),
                                   .order = calloc(n + 1, sizeof(*s.f.order))},
                             .model = calloc(n + 1, sizeof(*s.model))};

    if (!s.f.points || !s.f.order || !s.model) {
        cril_by_size_free(&s);
        p->no_memory = true;
        return false;
    }
    for (size_t m = 0; m < n; m++) {
        const double y = value(p, of, m);

        if (isnan(y))
            continue;
        s.model[s.f.n] = m;
        s.f.points[s.f.n++] = (struct cril_plot_point){
            .x = p->file_bytes[m], .y = y, .name = p->info->models[m].name, .family = p->family[m]};
    }
    cril_frontier_find(&s.f);
    *out = s;
    return true;
}

void cril_by_size_draw(struct cril_page *p, const struct cril_page_of *of, cril_page_value value,
                       double width, const struct cril_plot_title *y, cril_plot_say say)
{
    struct cril_plot plot = cril_plot_init(p->f, width, "");
    struct cril_by_size s;

    if (!cril_by_size_find(p, of, value, &s))
        return;
    p->no_memory |= !cril_frontier_draw(&plot, &s.f, y, say, &s);
    cril_by_size_free(&s);
}

void cril_by_size_say(struct cril_page *p, const struct cril_page_of *of, cril_page_value value,
                      const char *beats)
{
    struct cril_by_size s;

    if (!cril_by_size_find(p, of, value, &s))
        return;
    cril_markup_put(p->f,
                    "Each point is a model; symbols are families. The stepped line is the "
                    "frontier: no other model is as small and %s as one of the %z on it. ",
                    beats, s.f.n_on);
    cril_page_say_no_bars(p);
    cril_page_say_tail(p, s.f.points, s.f.n);
    cril_by_size_free(&s);
}
