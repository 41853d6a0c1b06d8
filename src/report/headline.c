/*
 * The page's beginning: title and the sentence that sums it up. A line through enough models leads,
 * with four figures and the large scatter. Otherwise the ranking leads, and the line follows it.
 */
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

/* The interval of r is the one with the fewest assumptions: of whole families where there are
 * several. */
static void write_lead(const struct cril_page *p, const struct cril_page_fit *f)
{
    const cril_study_line *l = &f->line;
    const bool families = l->over_families.n_units > 1;

    fputs(cril_page_line_leads(p) ? "<p class=\"lead\">Across " : "<p>Across ", p->f);
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

/* A warning where there are few models. */
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

/* ---- The ranking in a sentence ---- */

static void write_bits(const struct cril_page *p, size_t place)
{
    cril_markup_number(p->f, p->average[p->order[place]].value, p->bpc_decimals);
}

static void write_model(const struct cril_page *p, size_t place)
{
    cril_markup_put(p->f, "<b><bdi>%t</bdi></b>", p->info->models[p->order[place]].name);
}

static void write_first(const struct cril_page *p, size_t n_first)
{
    write_model(p, 0);
    if (n_first > 2)
        cril_markup_put(p->f, " and %z others", n_first - 1);
    else if (n_first == 2) {
        fputs(" and ", p->f);
        write_model(p, 1);
    }
    fputs(n_first > 1 ? " need" : " needs", p->f);
    if (p->n_ranked > n_first)
        fputs(" the fewest bits per character", p->f);
    fputs(n_first > 1             ? p->n_ranked > n_first ? ", each <b>" : " the same, <b>"
          : p->n_ranked > n_first ? ", <b>"
                                  : " <b>",
          p->f);
    write_bits(p, 0);
    fputs(p->n_ranked > n_first ? "</b>" : "</b> bits per character", p->f);
    fputs(p->info->n_corpora == 1 ? " on " : " (", p->f);
    cril_page_axis(p, 'x', "average");
    fputs(p->info->n_corpora == 1 ? "" : ")", p->f);
}

static void write_ranking(const struct cril_page *p)
{
    size_t n_first = 1;

    if (!p->n_ranked) {
        fputs("<p class=\"lead\">No model has its bits per character of all corpora yet.</p>\n",
              p->f);
        return;
    }
    while (n_first < p->n_ranked && cril_page_rank_of(p, n_first) == 1)
        n_first++;
    fputs("<p class=\"lead\">", p->f);
    if (p->n_ranked > 1)
        cril_markup_put(p->f, "Of %z models, ", p->n_ranked);
    write_first(p, n_first);
    if (n_first < p->n_ranked) {
        const double best = p->average[p->order[0]].value,
                     next = p->average[p->order[n_first]].value;

        fputs("; next ", p->f);
        fputs(cril_page_is_tied(p, n_first) ? "are several with " : "is ", p->f);
        if (!cril_page_is_tied(p, n_first)) {
            write_model(p, n_first);
            fputs(" with ", p->f);
        }
        write_bits(p, n_first);
        if (best > 0)
            cril_markup_put(p->f, ", %1&nbsp;%% more", 100 * (next / best - 1));
    }
    fputs(".</p>\n", p->f);
}

/* ---- The page ---- */

static void write_contents(const struct cril_page *p)
{
    const struct cril_page_fit *f = cril_page_main(p);
    size_t n_baselines = 0;

    for (size_t k = 0; k < p->info->n_corpora; k++)
        n_baselines += cril_page_baselines(p, k);
    fputs("<nav aria-label=\"Sections\"><a href=\"#leaderboard\">Leaderboard</a> ", p->f);
    if (cril_page_figure_size.is_there(p, NULL))
        fputs("<a href=\"#size\">By size</a> ", p->f);
    if (cril_page_has_divergences(p))
        fputs("<a href=\"#divergence\">Divergence</a> ", p->f);
    if (cril_page_figure_learning.is_there(p, NULL))
        fputs("<a href=\"#learning\">Learning curves</a> ", p->f);
    if (n_baselines)
        fputs("<a href=\"#compressors\">Ordinary compressors</a> ", p->f);
    if (f && !cril_page_line_leads(p))
        fputs("<a href=\"#line\">Scores</a> ", p->f);
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
    const bool line_leads = cril_page_line_leads(p);

    cril_markup_put(p->f, "<header>\n<p class=\"kicker\">%s</p>\n<h1><bdi>%t</bdi></h1>\n",
                    f ? "Compression and benchmarks" : "Compression", p->info->title);
    if (p->options->date)
        cril_markup_put(p->f, "<p class=\"date\">%t</p>\n", p->options->date);
    if (line_leads) {
        write_lead(p, f);
        write_caution(p, &f->line);
        write_figures(p, &f->line);
    } else if (p->info->n_models) {
        write_ranking(p);
    }
    write_contents(p);
    fputs("</header>\n", p->f);
    if (line_leads) {
        cril_page_scatter(p);
        write_lacking(p, f);
    }
}

void cril_page_aside(struct cril_page *p)
{
    const struct cril_page_fit *f = cril_page_main(p);

    if (!f || cril_page_line_leads(p))
        return;
    fputs("<section id=\"line\"><h2>Scores beside bits per character</h2>\n", p->f);
    if (f->has_line) {
        write_lead(p, f);
        write_caution(p, &f->line);
    } else {
        cril_markup_put(p->f, "<p>No line yet for <bdi>%t</bdi>: ", f->is->name);
        if (f->points.n < 3)
            cril_markup_put(p->f, "%z %s all figures that it needs, and a line needs 3",
                            f->points.n, f->points.n == 1 ? "model has" : "models have");
        else
            cril_page_why(p, f);
        fputs(".</p>\n", p->f);
    }
    cril_page_scatter(p);
    write_lacking(p, f);
    fputs("</section>\n", p->f);
}
