/* Tables of lines: all fits with their intervals, residuals of models, families left out. */
#include "report/page.h"

#include "report/markup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void write_name(const struct cril_page *p, const struct cril_page_fit *f)
{
    cril_markup_put(p->f, "<tr><th scope=\"row\"><bdi>%t</bdi></th>", f->is->name);
}

/* ---- All lines ---- */

static void write_line_row(const struct cril_page *p, const struct cril_page_fit *f)
{
    const cril_line *l = &f->line.line;
    const cril_line_bootstrap *b = &f->line.over_families;

    write_name(p, f);
    if (!f->has_line) {
        cril_markup_put(p->f, "<td>%z</td><td class=\"t\" colspan=\"9\">No line: ", f->points.n);
        cril_page_why(p, f);
        fputs("</td></tr>\n", p->f);
        return;
    }
    cril_markup_put(p->f, "<td>%z</td><td>%z</td><td><b>%3</b></td>", l->n, b->n_units, l->pearson);
    cril_page_range(p, l->pearson_low, l->pearson_high, 2);
    cril_page_range(p, b->n_units > 1 ? b->pearson.low : NAN, b->pearson.high, 2);
    cril_markup_put(p->f, "<td>%3</td><td>%3</td>", l->spearman, l->rmse);
    cril_markup_put(p->f, "<td>%2</td>", l->slope.value);
    cril_page_range(p, l->slope.low, l->slope.high, 2);
    cril_markup_put(p->f, "<td>%2</td></tr>\n", l->intercept.value);
}

static void write_all(struct cril_page *p)
{
    cril_page_start_table(
        p, "lines-1",
        "All lines. Slope, intercept and RMSE for scores from 0 to 1; RMSE is divided by "
        "<i>n</i>, as in Huang et al. (2024).");
    cril_markup_put(
        p->f,
        "<thead><tr><th scope=\"col\" class=\"t\">line</th><th scope=\"col\"><i>n</i></th>"
        "<th scope=\"col\">families</th><th scope=\"col\">Pearson’s <i>r</i></th>"
        "<th scope=\"col\">%0 %%, models independent</th><th scope=\"col\">%0 %%, families "
        "resampled</th>"
        "<th scope=\"col\">Spearman’s <i>ρ</i></th><th scope=\"col\">RMSE</th><th "
        "scope=\"col\">slope</th>"
        "<th scope=\"col\">%0 %%</th><th scope=\"col\">intercept</th></tr></thead>\n<tbody>\n",
        100 * p->line.level, 100 * p->line.level, 100 * p->line.level);
    for (size_t i = 0; i < p->info->n_fits; i++)
        write_line_row(p, &p->fits[i]);
    fputs("</tbody></table></div>\n", p->f);
}

/* ---- How sure ---- */

static size_t most_influential(const cril_study_line *l)
{
    size_t best = l->models.n;

    for (size_t i = 0; i < l->models.n; i++)
        if (!isnan(l->each[i].cook) &&
            (best == l->models.n || l->each[i].cook > l->each[best].cook))
            best = i;
    return best;
}

static void write_flagged(const struct cril_page *p, const cril_study_line *l)
{
    size_t n = 0;

    fputs("<td class=\"t\">", p->f);
    for (size_t i = 0; i < l->models.n; i++)
        if (l->each[i].flagged)
            cril_markup_put(p->f, "%s<bdi>%t</bdi> %s%1", n++ ? ", " : "",
                            p->info->models[l->models.model[i]].name,
                            l->each[i].external > 0 ? "+" : "", l->each[i].external);
    fputs(n ? "</td>" : "–</td>", p->f);
}

static void write_check_row(const struct cril_page *p, const struct cril_page_fit *f)
{
    const cril_study_line *l = &f->line;
    size_t top;

    if (!f->has_line)
        return;
    top = most_influential(l);
    write_name(p, f);
    cril_markup_put(p->f, "<td>%2</td>", l->line.slope.value);
    cril_page_range(p, l->over_models.slope.low, l->over_models.slope.high, 2);
    cril_page_range(p, l->over_families.n_units > 1 ? l->over_families.slope.low : NAN,
                    l->over_families.slope.high, 2);
    cril_markup_put(p->f, "<td>%2%s</td>", l->has_both ? l->errors_in_both.slope.value : NAN,
                    l->has_both && l->is_york ? " Y" : "");
    cril_markup_put(p->f, "<td>%3</td><td>%3</td><td>%3</td>", l->line.rmse,
                    l->left_out.n_families_used ? l->left_out.rmse : NAN,
                    l->left_out.n_families_used ? l->left_out.rmse_of_mean : NAN);
    if (top < l->models.n)
        cril_markup_put(p->f, "<td>%2</td><td class=\"t\"><bdi>%t</bdi></td>", l->each[top].cook,
                        p->info->models[l->models.model[top]].name);
    else
        fputs("<td>–</td><td class=\"t\">–</td>", p->f);
    write_flagged(p, l);
    fputs("</tr>\n", p->f);
}

static void write_checks(struct cril_page *p)
{
    cril_page_start_table(p, "lines-2",
                          "How much each line depends on its models. Errors in both: orthogonal "
                          "line, or York’s (Y) where "
                          "every model’s errors are known. Families left out: error of predicting "
                          "a family from all others.");
    cril_markup_put(
        p->f,
        "<thead><tr><th scope=\"col\" class=\"t\" rowspan=\"2\">line</th><th scope=\"colgroup\" "
        "colspan=\"4\">slope</th>"
        "<th scope=\"colgroup\" colspan=\"3\">RMSE</th><th scope=\"colgroup\" "
        "colspan=\"2\">largest Cook’s distance</th>"
        "<th scope=\"col\" class=\"t\" rowspan=\"2\">off the line, in standard errors</th></tr>\n"
        "<tr><th scope=\"col\">least squares</th><th scope=\"col\">%0 %%, models resampled</th>"
        "<th scope=\"col\">%0 %%, families resampled</th><th scope=\"col\">errors in both</th>"
        "<th scope=\"col\">of the line</th><th scope=\"col\">families left out</th><th "
        "scope=\"col\">mean instead of line</th>"
        "<th scope=\"col\">size</th><th scope=\"col\" "
        "class=\"t\">model</th></tr></thead>\n<tbody>\n",
        100 * p->line.level, 100 * p->line.level);
    for (size_t i = 0; i < p->info->n_fits; i++)
        write_check_row(p, &p->fits[i]);
    fputs("</tbody></table></div>\n", p->f);
}

void cril_page_lines(struct cril_page *p)
{
    bool any = false;

    for (size_t i = 0; i < p->info->n_fits; i++)
        any |= p->fits[i].has_line;
    if (!p->info->n_fits)
        return;
    fputs("<section id=\"lines\"><h2>All lines, in numbers</h2>\n", p->f);
    write_all(p);
    if (any)
        write_checks(p);
    fputs("</section>\n", p->f);
}

/* ---- Models beside the main line ---- */

struct by_size {
    double size;
    size_t i;
};

/* Farthest off first; what has no studentised residual by its plain one; ties in the study's order.
 */
static int compare_size(const void *a, const void *b)
{
    const struct by_size *x = a, *y = b;

    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->i < y->i ? -1 : x->i > y->i;
}

size_t *cril_page_farthest(const cril_study_line *l)
{
    struct by_size *list = calloc(l->models.n + 1, sizeof(*list));
    size_t *order = calloc(l->models.n + 1, sizeof(*order));

    for (size_t i = 0; list && i < l->models.n; i++) {
        const double t = l->each[i].external;

        list[i] = (struct by_size){isnan(t) ? fabs(l->each[i].residual) : fabs(t), i};
    }
    if (list && order) {
        qsort(list, l->models.n, sizeof(*list), compare_size);
        for (size_t i = 0; i < l->models.n; i++)
            order[i] = list[i].i;
    } else {
        free(order);
        order = NULL;
    }
    free(list);
    return order;
}

static void write_residual_bar(const struct cril_page *p, const cril_study_line *l, size_t i)
{
    double max = 0;

    for (size_t k = 0; k < l->models.n; k++)
        max = fmax(max, fabs(l->each[k].residual));
    fputs("<td class=\"bar\"><svg viewBox=\"-60 -8 120 16\" aria-hidden=\"true\"><path "
          "class=\"fr\" d=\"M0 -8V8\"/>",
          p->f);
    if (max > 0)
        cril_markup_put(p->f, "<path class=\"rb\" d=\"M0 0H%c\"/>", 52 * l->each[i].residual / max);
    cril_plot_symbol(p->f, p->family[l->models.model[i]], false,
                     max > 0 ? 52 * l->each[i].residual / max : 0, 0);
    fputs("</svg></td>", p->f);
}

static void write_residual_row(const struct cril_page *p, const cril_study_line *l, size_t i)
{
    const cril_point_fit *e = &l->each[i];

    cril_markup_put(p->f, "<tr%s><th scope=\"row\"><bdi>%t</bdi>%s</th><td>",
                    e->flagged ? " class=\"off\"" : "", p->info->models[l->models.model[i]].name,
                    e->flagged ? " <em>off the line</em>" : "");
    cril_markup_number(p->f, l->models.x[i], p->bpc_decimals);
    cril_markup_put(p->f, "</td><td>%1</td><td>%1</td><td><b>%s%1</b></td>", 100 * l->models.y[i],
                    100 * e->fitted, e->residual > 0 ? "+" : "", 100 * e->residual);
    write_residual_bar(p, l, i);
    cril_markup_put(p->f, "<td>%1</td><td>%2</td><td>%2</td></tr>\n", e->external, e->leverage,
                    e->cook);
}

static void write_residuals(struct cril_page *p, const cril_study_line *l)
{
    size_t *order = cril_page_farthest(l);

    if (!order) {
        p->no_memory = true;
        return;
    }
    cril_page_start_table(
        p, "residuals-1",
        "Models beside the line of Figure 1, farthest off first. Score and residual in points "
        "of 100.");
    fputs("<thead><tr><th scope=\"col\" class=\"t\">model</th><th scope=\"col\">bits per "
          "character</th><th scope=\"col\">score</th>"
          "<th scope=\"col\">line</th><th scope=\"col\">residual</th><th scope=\"col\" "
          "class=\"bar\">below, above</th>"
          "<th scope=\"col\">in standard errors</th><th scope=\"col\">leverage</th><th "
          "scope=\"col\">Cook’s distance</th></tr></thead>\n"
          "<tbody>\n",
          p->f);
    for (size_t i = 0; i < l->models.n; i++)
        write_residual_row(p, l, order[i]);
    fputs("</tbody></table></div>\n", p->f);
    free(order);
}

/* ---- Families left out ---- */

static void write_left_out(struct cril_page *p, const cril_study_line *l)
{
    cril_page_start_table(
        p, "residuals-2",
        "Each family predicted by the line through all others; errors in points of 100. "
        "Above 0: the family does better than the others’ line says.");
    fputs("<thead><tr><th scope=\"col\" class=\"t\">family left out</th><th "
          "scope=\"col\">models</th><th scope=\"col\">mean error</th>"
          "<th scope=\"col\">RMSE</th><th scope=\"col\">slope of the "
          "others</th></tr></thead>\n<tbody>\n",
          p->f);
    for (size_t i = 0; i < l->left_out.n_families; i++) {
        const cril_left_out *o = &l->families[i];

        cril_markup_put(
            p->f,
            "<tr><th "
            "scope=\"row\"><bdi>%t</bdi></th><td>%z</td><td>%s%1</td><td>%1</td><td>%2</td></tr>\n",
            p->info->models[l->models.model[o->first]].family, o->n, o->mean_error > 0 ? "+" : "",
            100 * o->mean_error, 100 * o->rmse, o->slope);
    }
    fputs("</tbody></table></div>\n", p->f);
}

void cril_page_residuals(struct cril_page *p)
{
    const struct cril_page_fit *f = cril_page_main(p);

    if (!f || !f->has_line)
        return;
    fputs("<section id=\"residuals\"><h2>Off the line</h2>\n", p->f);
    if (f->line.n_flagged)
        cril_markup_put(p->f,
                        "<p>%z of %z models lie more than %1 standard errors off the line of "
                        "Figure 1. That is a reason to look at them, not a verdict.</p>\n",
                        f->line.n_flagged, f->line.models.n, p->line.threshold);
    else
        cril_markup_put(
            p->f, "<p>No model lies more than %1 standard errors off the line of Figure 1%s.</p>\n",
            p->line.threshold, f->line.models.n == 3 ? "; 3 models are too few to tell" : "");
    write_residuals(p, &f->line);
    if (f->line.left_out.n_families_used)
        write_left_out(p, &f->line);
    fputs("</section>\n", p->f);
}
