/* The page's beginning: title, the sentence that sums it up, four figures, the large scatter. */
#include "report/page.h"

#include "report/markup.h"

#include <math.h>
#include <string.h>

static void write_models(const struct cril_page *p, const cril_study_line *l)
{
    const size_t n = l->over_families.n_units;

    cril_markup_put(p->f, "%z models", l->models.n);
    if (n < l->models.n)
        cril_markup_put(p->f, " of %z %s", n, n == 1 ? "family" : "families");
}

static void write_slope(const struct cril_page *p, const cril_line *l)
{
    const bool falls = l->slope.value <= 0; /* fewer bits, higher score */

    cril_markup_put(p->f,
                    "A model that needs 0.01 bits per character less scores <b>%1 points of 100 "
                    "%s</b> on this line (%0&nbsp;%% "
                    "interval %1 to %1).",
                    fabs(l->slope.value), falls ? "higher" : "lower", 100 * p->line.level,
                    falls ? -l->slope.high : l->slope.low, falls ? -l->slope.low : l->slope.high);
}

/* The interval of r is the one that assumes least: of whole families where there are several. */
static void write_lead(const struct cril_page *p, const struct cril_page_fit *f)
{
    const cril_study_line *l = &f->line;
    const bool families = l->over_families.n_units > 1;

    fputs("<p class=\"lead\">Across ", p->f);
    write_models(p, l);
    fputs(", the correlation <i>r</i> between bits per character (", p->f);
    cril_page_axis(p, 'x', f->is->x);
    fputs(") and benchmark score (", p->f);
    cril_page_axis(p, 'y', f->is->y);
    cril_markup_put(p->f, ") is <b>%3</b> (%0&nbsp;%% interval %2 to %2, %s). ", l->line.pearson,
                    100 * p->line.level,
                    families ? l->over_families.pearson.low : l->line.pearson_low,
                    families ? l->over_families.pearson.high : l->line.pearson_high,
                    families ? "whole families resampled" : "models taken as independent");
    write_slope(p, &l->line);
    fputs("</p>\n", p->f);
}

/* What so few models cannot show. */
static void write_caution(const struct cril_page *p, const cril_study_line *l)
{
    if (l->models.n == 3)
        fputs("<p><b>Three models leave one degree of freedom.</b> Intervals then reach 12.7 "
              "standard errors to each side at 95&nbsp;%; "
              "nearly every one of them holds zero. Three models can show that a line is far "
              "wrong, never that it is right.</p>\n",
              p->f);
    else if (l->models.n < 8)
        cril_markup_put(p->f,
                        "<p><b>%z models leave %z degrees of freedom:</b> read the intervals, not "
                        "the line.</p>\n",
                        l->models.n, l->models.n - 2);
}

static void write_figures(const struct cril_page *p, const cril_study_line *f)
{
    const cril_line *l = &f->line;

    cril_markup_put(p->f,
                    "<dl class=\"figures\"><div><dt>Pearson’s <i>r</i></dt><dd>%3</dd><dd "
                    "class=\"sub\"><i>p</i> ",
                    l->pearson);
    fputs(l->p_value > 0 ? "= " : "&lt; ", p->f);
    cril_markup_small(p->f, l->p_value > 0 ? l->p_value : 1e-300);
    cril_markup_put(p->f,
                    "; Spearman %2</dd></div>\n<div><dt>slope</dt><dd>%2</dd><dd "
                    "class=\"sub\">%0&nbsp;%%: %2 to %2</dd></div>\n",
                    l->spearman, l->slope.value, 100 * p->line.level, l->slope.low, l->slope.high);
    cril_markup_put(
        p->f, "<div><dt>RMSE</dt><dd>%3</dd><dd class=\"sub\">scores from 0 to 1</dd></div>\n",
        l->rmse);
    cril_markup_put(
        p->f, "<div><dt>models</dt><dd>%z</dd><dd class=\"sub\">%z %s</dd></div></dl>\n", l->n,
        f->over_families.n_units, f->over_families.n_units == 1 ? "family" : "families");
}

static void write_lacking(const struct cril_page *p, const struct cril_page_fit *f)
{
    const cril_study_points *q = cril_page_points(f);

    if (!q->n_lacking)
        return;
    cril_markup_put(
        p->f, "<p class=\"note\">Not in this line, as a number is not known (%z): ", q->n_lacking);
    for (size_t i = 0; i < q->n_lacking; i++)
        cril_markup_put(p->f, "%s<bdi>%t</bdi>", i ? ", " : "",
                        p->info->models[q->lacking[i]].name);
    fputs(".</p>\n", p->f);
}

static void write_nothing(const struct cril_page *p, const struct cril_page_fit *f)
{
    if (!f) {
        fputs("<p class=\"lead\">The study asks for no line: it has no <code>fits</code>, or "
              "nothing to make one of.</p>\n",
              p->f);
        return;
    }
    cril_markup_put(p->f,
                    "<p class=\"lead\">No line yet for <bdi>%t</bdi>: %z %s all figures that it "
                    "needs, and a line needs 3.</p>\n<p>%t.</p>\n",
                    f->is->name, f->points.n, f->points.n == 1 ? "model has" : "models have",
                    f->why.message);
}

static void write_contents(const struct cril_page *p)
{
    const struct cril_page_fit *f = cril_page_main(p);
    size_t n_baselines = 0;

    for (size_t k = 0; k < p->info->n_corpora; k++)
        n_baselines += cril_page_baselines(p, k);
    fputs("<nav aria-label=\"Sections\"><a href=\"#leaderboard\">Leaderboard</a> ", p->f);
    if (n_baselines)
        fputs("<a href=\"#compressors\">Ordinary compressors</a> ", p->f);
    if (p->info->n_fits > 1)
        fputs("<a href=\"#panels\">All lines, drawn</a> ", p->f);
    if (p->info->n_fits)
        fputs("<a href=\"#lines\">in numbers</a> ", p->f);
    if (f && f->has_line)
        fputs("<a href=\"#residuals\">Off the line</a> ", p->f);
    fputs("<a href=\"#method\">Method</a> <a href=\"#identities\">Identities</a> <a "
          "href=\"#repeat\">How to repeat it</a></nav>\n",
          p->f);
}

void cril_page_headline(struct cril_page *p)
{
    const struct cril_page_fit *f = cril_page_main(p);

    cril_markup_put(
        p->f,
        "<header>\n<p class=\"kicker\">Compression and benchmarks</p>\n<h1><bdi>%t</bdi></h1>\n",
        p->info->title);
    if (p->options->date)
        cril_markup_put(p->f, "<p class=\"date\">%t</p>\n", p->options->date);
    if (f && f->has_line) {
        write_lead(p, f);
        write_caution(p, &f->line);
        write_figures(p, &f->line);
    } else {
        write_nothing(p, f);
    }
    write_contents(p);
    fputs("</header>\n", p->f);
    if (f) {
        cril_page_scatter(p, f);
        write_lacking(p, f);
    }
}
