/*
 * The leaderboard: a row a model, fewest bits first. Where a number comes from is marked by the
 * number of its source; if all numbers of a column have the same sources, only the column's header
 * has the mark.
 */
#include "report/page.h"

#include "report/markup.h"
#include "stats/same.h"
#include "stats/sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum column_kind { CORPUS, ALL_CORPORA, GROUP, ALL_GROUPS };

struct column {
    enum column_kind kind;
    size_t corpus;
    const char *group;
    bool same_sources; /* in all its rows */
};

struct board {
    struct cril_page *p;
    struct column *columns;
    size_t n_columns, n_bpc; /* those of bits per character come first */
    bool has_errors;         /* of an average */
    bool has_bars;           /* averages that can be drawn */
    bool has_sizes;          /* of models' files */
    bool *set, *other;       /* [n_sources + 1] room; the last: measured */
};

/* ---- Columns ---- */

static bool is_first_of_group(const cril_study_info *s, size_t benchmark)
{
    for (size_t k = 0; k < benchmark; k++)
        if (strcmp(s->benchmarks[k].group, s->benchmarks[benchmark].group) == 0)
            return false;
    return true;
}

static void add_columns(struct board *b)
{
    const cril_study_info *s = b->p->info;
    size_t n_groups = 0;

    if (s->n_corpora > 1)
        b->columns[b->n_columns++] = (struct column){.kind = ALL_CORPORA};
    for (size_t i = 0; i < s->n_corpora; i++)
        b->columns[b->n_columns++] = (struct column){.kind = CORPUS, .corpus = i};
    b->n_bpc = b->n_columns;
    for (size_t i = 0; i < s->n_benchmarks; i++)
        n_groups += is_first_of_group(s, i);
    if (n_groups > 1)
        b->columns[b->n_columns++] = (struct column){.kind = ALL_GROUPS};
    for (size_t i = 0; i < s->n_benchmarks; i++)
        if (is_first_of_group(s, i))
            b->columns[b->n_columns++] =
                (struct column){.kind = GROUP, .group = s->benchmarks[i].group};
}

/* Means as in cril_study_points: of what is known in full, errors independent. */
struct mean {
    struct cril_sum values, squares; /* of errors: NaN where one is not known */
    size_t n;
    bool lacking, imported;
    double escapes;
    uint64_t unspelled;
};

static void add_known(struct mean *m, const cril_known *k)
{
    cril_sum_add(&m->values, k->value);
    cril_sum_add(&m->squares, k->se * k->se);
    m->n++;
    m->lacking |= k->origin == CRIL_ORIGIN_NONE;
    m->imported |= k->origin == CRIL_ORIGIN_IMPORTED;
    m->escapes += k->escapes;
    m->unspelled += k->unspelled_characters;
}

static cril_known mean_of(const struct mean *m)
{
    if (!m->n || m->lacking)
        return (cril_known){.value = NAN, .se = NAN, .source = ""};
    return (cril_known){.value = cril_sum_value(&m->values) / (double)m->n,
                        .se = sqrt(cril_sum_value(&m->squares)) / (double)m->n,
                        .origin = m->imported ? CRIL_ORIGIN_IMPORTED : CRIL_ORIGIN_MEASURED,
                        .source = "",
                        .unspelled_characters = m->unspelled,
                        .escapes = m->escapes / (double)m->n};
}

static bool is_in(const struct board *b, const struct column *c, size_t i)
{
    switch (c->kind) {
    case CORPUS: return c->corpus == i;
    case GROUP: return strcmp(b->p->info->benchmarks[i].group, c->group) == 0;
    default: return true;
    }
}

/* A model's number in a column. */
static cril_known value(const struct board *b, const struct column *c, size_t model)
{
    const cril_study_table *t = b->p->table;
    struct mean m = {0};

    for (size_t i = 0; (c->kind == CORPUS || c->kind == ALL_CORPORA) && i < t->n_corpora; i++)
        if (is_in(b, c, i))
            add_known(&m, &t->bpc[model * t->n_corpora + i]);
    for (size_t i = 0; c->kind == GROUP && i < t->n_benchmarks; i++)
        if (is_in(b, c, i))
            add_known(&m, &t->score[model * t->n_benchmarks + i]);
    for (size_t i = 0; c->kind == ALL_GROUPS && i < b->n_columns; i++)
        if (b->columns[i].kind == GROUP) {
            const cril_known group = value(b, &b->columns[i], model);

            add_known(&m, &group);
        }
    return mean_of(&m);
}

static void add_source(const struct cril_page *p, const cril_known *k, bool *set)
{
    if (k->origin == CRIL_ORIGIN_MEASURED)
        set[p->n_sources] = true;
    for (size_t i = 0; k->origin == CRIL_ORIGIN_IMPORTED && i < p->n_sources; i++)
        if (strcmp(p->sources[i], k->source) == 0)
            set[i] = true;
}

/* Where the numbers come from that make up a model's number in a column. */
static void find_sources(const struct board *b, const struct column *c, size_t model, bool *set)
{
    const struct cril_page *p = b->p;

    memset(set, 0, (p->n_sources + 1) * sizeof(*set));
    for (size_t i = 0; (c->kind == CORPUS || c->kind == ALL_CORPORA) && i < p->table->n_corpora;
         i++)
        if (is_in(b, c, i))
            add_source(p, &p->table->bpc[model * p->table->n_corpora + i], set);
    for (size_t i = 0; (c->kind == GROUP || c->kind == ALL_GROUPS) && i < p->table->n_benchmarks;
         i++)
        if (is_in(b, c, i))
            add_source(p, &p->table->score[model * p->table->n_benchmarks + i], set);
}

/* Leaves the common sources in b->set. */
static bool has_same_sources(const struct board *b, const struct column *c)
{
    const size_t size = (b->p->n_sources + 1) * sizeof(bool);
    bool any = false;

    for (size_t m = 0; m < b->p->info->n_models; m++) {
        if (value(b, c, m).origin == CRIL_ORIGIN_NONE)
            continue;
        find_sources(b, c, m, any ? b->other : b->set);
        if (any && memcmp(b->set, b->other, size) != 0)
            return false;
        any = true;
    }
    return any;
}

/* Raised numbers of sources; nothing for what was measured, unless something else was added to it.
 */
static void write_marks(const struct board *b, const struct column *c, const bool *set)
{
    const char *start =
        c->kind == CORPUS ? "<sup>"
                          : "<sup class=\"m\">"; /* those of means may be several: room for them */
    const struct cril_page *p = b->p;
    size_t n = 0;

    for (size_t i = 0; i < p->n_sources; i++) {
        if (!set[i])
            continue;
        cril_markup_put(p->f, "%s<a href=\"#source-%z\">%z</a>", n++ ? "," : start, i + 1, i + 1);
    }
    if (n && set[p->n_sources])
        fputs("+m", p->f);
    if (n)
        fputs("</sup>", p->f);
}

/* ---- Order ---- */

/* By which models are ordered; NaN: not known. */
static double key_of(const struct cril_page *p, size_t place)
{
    return cril_known_with_escapes(&p->average[p->order[place]]);
}

size_t cril_page_rank_of(const struct cril_page *p, size_t place)
{
    while (place && cril_same(key_of(p, place - 1), key_of(p, place)))
        place--;
    return place + 1;
}

bool cril_page_is_tied(const struct cril_page *p, size_t place)
{
    return cril_page_rank_of(p, place) <= place ||
           (place + 1 < p->n_ranked && cril_page_rank_of(p, place + 1) <= place + 1);
}

bool cril_page_rank(struct cril_page *p)
{
    const size_t n = p->info->n_models;
    struct board b = {.p = p};
    const struct column key = {.kind = ALL_CORPORA};

    p->order = calloc(n + 1, sizeof(*p->order));
    p->average = calloc(n + 1, sizeof(*p->average));
    for (size_t m = 0; p->order && p->average && m < n; m++) {
        p->average[m] = value(&b, &key, m);
        p->n_ranked += isnan(p->average[m].value) ? 0 : 1;
        p->order[m] = m;
    }
    for (size_t i = 1; p->order && p->average && i < n;
         i++) /* stable, and models are tens; what is not known goes to the end */
        for (size_t k = i; k; k--) {
            const double before = key_of(p, k - 1), v = key_of(p, k);
            const size_t m = p->order[k];

            if (!((v < before && !cril_same(v, before)) || (isnan(before) && !isnan(v))))
                break;
            p->order[k] = p->order[k - 1];
            p->order[k - 1] = m;
        }
    return p->order && p->average;
}

/* ---- Rows ---- */

/* The range of the bars: all averages with their errors. */
static bool bar_range(const struct board *b, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t m = 0; m < b->p->info->n_models; m++) {
        const cril_known *k = &b->p->average[m];

        if (!isfinite(k->value))
            continue;
        *low = fmin(*low, k->value - cril_page_reach(b->p, k->se));
        *high = fmax(*high, k->value + cril_page_reach(b->p, k->se));
    }
    return *high > *low && *high < 1e9;
}

static void write_head_cell(const struct board *b, const struct column *c)
{
    const struct cril_page *p = b->p;

    fputs("<th scope=\"col\">", p->f);
    switch (c->kind) {
    case ALL_CORPORA: fputs("mean", p->f); break;
    case CORPUS: cril_markup_put(p->f, "<bdi>%t</bdi>", p->info->corpora[c->corpus].name); break;
    case ALL_GROUPS: fputs("mean", p->f); break;
    case GROUP: cril_markup_put(p->f, "<bdi>%t</bdi>", c->group); break;
    }
    if (c->same_sources && has_same_sources(b, c))
        write_marks(b, c, b->set);
    fputs("</th>", p->f);
}

static void write_head(const struct board *b)
{
    const struct cril_page *p = b->p;

    fputs("<thead><tr><th scope=\"col\" rowspan=\"2\" class=\"n\">#</th><th scope=\"col\" "
          "rowspan=\"2\" class=\"t\">model</th>",
          p->f);
    if (b->n_bpc)
        cril_markup_put(p->f, "<th scope=\"colgroup\" colspan=\"%z\">bits per character</th>",
                        b->n_bpc + b->has_bars);
    if (b->n_columns > b->n_bpc)
        cril_markup_put(p->f, "<th scope=\"colgroup\" colspan=\"%z\">score, %%</th>",
                        b->n_columns - b->n_bpc);
    if (b->has_sizes)
        fputs("<th scope=\"col\" rowspan=\"2\">size of file</th>", p->f);
    fputs("</tr>\n<tr>", p->f);
    for (size_t i = 0; i < b->n_columns; i++) {
        write_head_cell(b, &b->columns[i]);
        if (i == 0 && b->has_bars)
            cril_markup_put(p->f,
                            b->has_errors ? "<th scope=\"col\" class=\"bar\">%0 %% interval</th>"
                                          : "<th scope=\"col\" class=\"bar\">drawn</th>",
                            100 * p->line.level);
    }
    fputs("</tr></thead>\n", p->f);
}

static void write_bar(const struct board *b, size_t model)
{
    const struct cril_page *p = b->p;
    const cril_known *k = &b->p->average[model];
    double low, high, scale;

    fputs("<td class=\"bar\">", p->f);
    if (isfinite(k->value) && bar_range(b, &low, &high)) {
        scale = 84 / (high - low);
        fputs(
            "<svg viewBox=\"-8 -8 100 16\" aria-hidden=\"true\"><path class=\"fr\" d=\"M0 0H84\"/>",
            p->f);
        if (k->se > 0)
            cril_markup_put(p->f, "<path class=\"eb\" d=\"M%c 0H%c\"/>",
                            (k->value - cril_page_reach(p, k->se) - low) * scale,
                            (k->value + cril_page_reach(p, k->se) - low) * scale);
        cril_plot_symbol(p->f, p->family[model], false, (k->value - low) * scale, 0);
        fputs("</svg>", p->f);
    }
    if (k->se > 0) {
        fputs("<span>", p->f);
        cril_markup_number(p->f, k->value - cril_page_reach(p, k->se), p->bpc_decimals);
        fputs("–", p->f);
        cril_markup_number(p->f, k->value + cril_page_reach(p, k->se), p->bpc_decimals);
        fputs("</span>", p->f);
    }
    fputs("</td>", p->f);
}

/* Whether a number is lacking because a figure is out of date. */
static bool is_old(const struct board *b, const struct column *c, size_t model)
{
    const cril_study_table *t = b->p->table;
    bool old = false;

    for (size_t i = 0; (c->kind == CORPUS || c->kind == ALL_CORPORA) && i < t->n_corpora; i++)
        old |= is_in(b, c, i) && t->bpc[model * t->n_corpora + i].origin == CRIL_ORIGIN_NONE &&
               t->bpc[model * t->n_corpora + i].out_of_date != NULL;
    for (size_t i = 0; (c->kind == GROUP || c->kind == ALL_GROUPS) && i < t->n_benchmarks; i++)
        old |= is_in(b, c, i) && t->score[model * t->n_benchmarks + i].origin == CRIL_ORIGIN_NONE &&
               t->score[model * t->n_benchmarks + i].out_of_date != NULL;
    return old;
}

static void write_cell(const struct board *b, size_t i, size_t model)
{
    const struct cril_page *p = b->p;
    const struct column *c = &b->columns[i];
    const cril_known k = value(b, c, model);

    fputs(i == 0 ? "<td><b>" : "<td>", p->f);
    if (k.origin == CRIL_ORIGIN_NONE && is_old(b, c, model))
        fputs("out of date", p->f);
    else if (i < b->n_bpc)
        cril_markup_number(p->f, k.value, p->bpc_decimals);
    else
        cril_markup_number(p->f, 100 * k.value, 1);
    fputs(i == 0 ? "</b>" : "", p->f);
    if (k.unspelled_characters)
        fputs("<a href=\"#unspelled\">*</a>", p->f);
    if (!c->same_sources && k.origin != CRIL_ORIGIN_NONE) {
        find_sources(b, c, model, b->set);
        write_marks(b, c, b->set);
    }
    fputs("</td>", p->f);
}

static void write_row(const struct board *b, size_t place)
{
    const struct cril_page *p = b->p;
    const size_t m = p->order[place];

    if (isnan(p->average[m].value))
        fputs("<tr><td class=\"n\">–</td>", p->f);
    else
        cril_markup_put(p->f, "<tr><td class=\"n\">%z%s</td>", cril_page_rank_of(p, place),
                        cril_page_is_tied(p, place) ? "=" : "");
    cril_markup_put(p->f, "<th scope=\"row\"><bdi>%t</bdi></th>", p->info->models[m].name);
    for (size_t i = 0; i < b->n_columns; i++) {
        write_cell(b, i, m);
        if (i == 0 && b->has_bars)
            write_bar(b, m);
    }
    if (b->has_sizes) {
        fputs("<td>", p->f);
        cril_page_size(p, p->file_bytes[m]);
        fputs("</td>", p->f);
    }
    fputs("</tr>\n", p->f);
}

/* How many documents of how many. */
static void write_documents(const struct cril_page *p)
{
    const cril_known_corpus *c = p->table->corpora;
    size_t n_cut = 0;

    for (size_t i = 0; c && i < p->table->n_corpora; i++) {
        if (!c[i].documents || c[i].documents == c[i].all)
            continue;
        cril_markup_put(p->f, n_cut++ ? ", the first %z" : "over the first %z",
                        (size_t)c[i].documents);
        if (c[i].all)
            cril_markup_put(p->f, " of %z", (size_t)c[i].all);
        cril_markup_put(p->f, " documents of <bdi>%t</bdi>", p->info->corpora[i].name);
    }
    if (n_cut < p->table->n_corpora)
        fputs(n_cut ? ", all documents of the others" : "over all documents", p->f);
}

/* Begins the note on figures that are out of date, or goes on with it: what of which model. */
static void write_old_name(const struct cril_page *p, size_t model, const char *of, bool *any)
{
    fputs(*any ? "; " : "<p class=\"note\">Out of date, and in no figure of this page: ", p->f);
    *any = true;
    cril_markup_put(p->f, "<bdi>%t</bdi> on <bdi>%t</bdi>, ", p->info->models[model].name, of);
}

static void write_old_divergences(const struct cril_page *p, bool *any)
{
    const cril_study_table *t = p->table;

    for (size_t i = 0; t->divergence && i < t->n_models * t->n_corpora; i++) {
        const cril_known_divergence *d = &t->divergence[i];

        if (!d->out_of_date)
            continue;
        write_old_name(p, i / t->n_corpora, p->info->corpora[i % t->n_corpora].name, any);
        cril_markup_put(p->f, "mean KL %6 (%t)", d->was, d->out_of_date);
    }
}

/* What changed, and that no line or mean uses it. */
static void write_old(const struct cril_page *p)
{
    const cril_study_table *t = p->table;
    bool any = false;

    for (size_t i = 0; i < t->n_models * t->n_corpora; i++) {
        const cril_known *k = &t->bpc[i];

        if (!k->out_of_date)
            continue;
        write_old_name(p, i / t->n_corpora, p->info->corpora[i % t->n_corpora].name, &any);
        cril_markup_number(p->f, k->was, p->bpc_decimals);
        cril_markup_put(p->f, " (%t)", k->out_of_date);
    }
    for (size_t i = 0; i < t->n_models * t->n_benchmarks; i++) {
        const cril_known *k = &t->score[i];

        if (!k->out_of_date)
            continue;
        write_old_name(p, i / t->n_benchmarks, p->info->benchmarks[i % t->n_benchmarks].name, &any);
        cril_markup_number(p->f, 100 * k->was, 1);
        cril_markup_put(p->f, " (%t)", k->out_of_date);
    }
    write_old_divergences(p, &any);
    if (any)
        fputs(". <code>cril study run</code> computes them again.</p>\n", p->f);
}

static void write_sources(const struct board *b)
{
    const struct cril_page *p = b->p;
    bool measured = false;

    for (size_t i = 0; i < p->table->n_models * p->table->n_corpora; i++)
        measured |= p->table->bpc[i].origin == CRIL_ORIGIN_MEASURED;
    for (size_t i = 0; i < p->table->n_models * p->table->n_benchmarks; i++)
        measured |= p->table->score[i].origin == CRIL_ORIGIN_MEASURED;
    if (measured) {
        fputs("<p class=\"note\">Without a mark: measured by cril, ", p->f);
        write_documents(p);
        cril_markup_put(p->f, ".%s</p>\n",
                        p->n_sources ? " +m: partly measured, partly imported." : "");
    }
    write_old(p);
    if (!p->n_sources)
        return;
    fputs("<p class=\"note\">Imported, measured elsewhere:</p>\n<ol class=\"note\">", p->f);
    for (size_t i = 0; i < p->n_sources; i++)
        cril_markup_put(p->f, "<li id=\"source-%z\"><bdi>%t</bdi></li>\n", i + 1,
                        p->sources[i][0] ? p->sources[i] : "no source given");
    fputs("</ol>\n", p->f);
}

/* What the asterisks mean. */
static void write_unspelled(const struct board *b)
{
    const cril_study_table *t = b->p->table;
    double max = 0;
    uint64_t n = 0;

    for (size_t i = 0; i < t->n_models * t->n_corpora; i++) {
        n += t->bpc[i].unspelled_characters;
        max = fmax(max, t->bpc[i].escapes);
    }
    if (n)
        cril_markup_put(b->p->f,
                        "<p class=\"note\" id=\"unspelled\">* The model’s tokens do not spell "
                        "all of the text, so these bits do not pay for all of it. An archive needs "
                        "up to %4 bits per character more. The order, and every line, counts "
                        "them.</p>\n",
                        max);
}

static void write_caption(const struct board *b)
{
    const struct cril_page *p = b->p;
    bool is_tied = false, is_lacking = false;
    char caption[200];

    for (size_t i = 0; i < p->n_ranked; i++)
        is_tied |= cril_page_is_tied(p, i);
    for (size_t m = 0; m < p->info->n_models; m++)
        for (size_t i = 0; i < b->n_columns; i++)
            is_lacking |= value(b, &b->columns[i], m).origin == CRIL_ORIGIN_NONE;
    snprintf(caption, sizeof(caption), "Models by bits per character, fewest first%s.%s%s",
             b->n_columns > b->n_bpc ? "; scores by group of benchmarks" : "",
             is_tied ? " =: the same figure as another model’s." : "",
             is_lacking ? " A dash: not known." : "");
    cril_page_start_table(b->p, "board", caption);
}

/* The texts whose documents were read. */
static void write_texts(struct cril_page *p)
{
    const cril_known_corpus *c = p->table->corpora;
    bool any = false;

    for (size_t i = 0; c && i < p->table->n_corpora; i++)
        any |= c[i].documents > 0;
    if (!any)
        return;
    cril_page_start_table(p, "texts", "Texts that models are scored on.");
    fputs("<thead><tr><th scope=\"col\" class=\"t\">corpus</th><th scope=\"col\">documents "
          "scored</th><th scope=\"col\">of all</th><th scope=\"col\">characters</th><th "
          "scope=\"col\">size of the texts</th></tr></thead>\n<tbody>\n",
          p->f);
    for (size_t i = 0; i < p->table->n_corpora; i++) {
        if (!c[i].documents)
            continue;
        cril_markup_put(p->f, "<tr><th scope=\"row\"><bdi>%t</bdi></th><td>%z</td>",
                        p->info->corpora[i].name, (size_t)c[i].documents);
        cril_markup_put(p->f, c[i].all ? "<td>%z</td>" : "<td>–</td>", (size_t)c[i].all);
        cril_markup_put(p->f, "<td>%z</td><td>", (size_t)c[i].characters);
        cril_page_size(p, (double)c[i].bytes);
        fputs("</td></tr>\n", p->f);
    }
    fputs("</tbody></table></div>\n", p->f);
}

static void write_board(struct board *b)
{
    FILE *f = b->p->f;
    double low, high;

    add_columns(b);
    for (size_t i = 0; i < b->n_columns; i++)
        b->columns[i].same_sources = has_same_sources(b, &b->columns[i]);
    for (size_t m = 0; m < b->p->info->n_models; m++)
        b->has_errors |= b->p->average[m].se > 0;
    for (size_t m = 0; m < b->p->info->n_models; m++)
        b->has_sizes |= !isnan(b->p->file_bytes[m]);
    b->has_bars = b->n_bpc && bar_range(b, &low, &high);
    write_caption(b);
    write_head(b);
    fputs("<tbody>\n", f);
    for (size_t i = 0; i < b->p->info->n_models; i++)
        write_row(b, i);
    fputs("</tbody></table></div>\n", f);
    write_unspelled(b);
    write_sources(b);
    write_texts(b->p);
}

void cril_page_leaderboard(struct cril_page *p)
{
    const size_t n = p->info->n_models;
    struct board b = {
        .p = p,
        .columns = calloc(p->info->n_corpora + p->info->n_benchmarks + 2, sizeof(*b.columns)),
        .set = calloc(p->n_sources + 1, sizeof(bool)),
        .other = calloc(p->n_sources + 1, sizeof(bool))};

    fputs("<section id=\"leaderboard\"><h2>Leaderboard</h2>\n", p->f);
    if (!b.columns || !b.set || !b.other)
        p->no_memory = true;
    else if (!n)
        fputs("<p>The study names no models.</p>\n", p->f);
    else
        write_board(&b);
    fputs("</section>\n", p->f);
    free(b.columns);
    free(b.set);
    free(b.other);
}
