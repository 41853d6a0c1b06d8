/* Ordinary compressors: for each corpus that has any, one axis of bits per character with the
 * models on it as well. */
#include "report/page.h"

#include "report/markup.h"
#include "report/scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_bits(const void *a, const void *b)
{
    const double x = (*(const cril_report_baseline *const *)a)->bits_per_character;
    const double y = (*(const cril_report_baseline *const *)b)->bits_per_character;

    return x < y ? -1 : x > y;
}

enum { LEVELS = 6, NAME_EM = 14 };

struct strip {
    double width, height, row; /* row: of a corpus */
    struct cril_scale x;
    double font;
};

/* Whether a compressor's figure is known, and of a corpus. */
static bool is_of(const cril_report_baseline *b, const char *corpus)
{
    return strcmp(b->corpus, corpus) == 0 && isfinite(b->bits_per_character);
}

static bool is_drawn(const cril_known *k)
{
    return k->origin != CRIL_ORIGIN_NONE && isfinite(k->value);
}

/*
 * The level of each name. A name ends at its tick. A name whose text reaches back over an earlier
 * tick stands above that tick's name, so that no tick crosses a name.
 */
static size_t level_of(const double *ticks, const size_t *levels, size_t n, double left)
{
    size_t level = 0;

    for (size_t i = 0; i < n; i++)
        if (ticks[i] + 6 > left && levels[i] + 1 > level)
            level = levels[i] + 1;
    return level;
}

static void write_name(const struct cril_page *p, const struct strip *strip, double y,
                       const cril_report_baseline *b, double x, size_t level)
{
    const double top = y - 10 - (double)(level < LEVELS ? level : LEVELS - 1) * strip->font * 1.25;

    cril_markup_put(p->f,
                    "<path class=\"bl\" d=\"M%c %cV%c\"/><text class=\"bn\" x=\"%c\" y=\"%c\" "
                    "text-anchor=\"end\">",
                    x, y + 6, top - strip->font * 0.8, x - 3, top);
    cril_markup_text(p->f, b->name, cril_markup_fit(b->name, NAME_EM));
    cril_markup_put(p->f, " %2</text>", b->bits_per_character);
}

/* list [n] by bits; ticks and levels are room for as many. */
static void write_names(const struct cril_page *p, const struct strip *strip, double y,
                        const cril_report_baseline *const *list, size_t n, double *ticks,
                        size_t *levels)
{
    for (size_t i = 0; i < n; i++) {
        const size_t len = cril_markup_fit(list[i]->name, NAME_EM);

        ticks[i] = cril_scale_at(&strip->x, list[i]->bits_per_character);
        levels[i] =
            level_of(ticks, levels, i,
                     ticks[i] - (cril_markup_width(list[i]->name, len) + 2.7) * strip->font);
        write_name(p, strip, y, list[i], ticks[i], levels[i]);
    }
}

static void write_strip(struct cril_page *p, const struct strip *strip, double y, size_t corpus)
{
    const char *name = p->info->corpora[corpus].name;
    const size_t len = cril_markup_fit(name, 24);
    const cril_report_baseline **list = calloc(p->options->n_baselines + 1, sizeof(*list));
    double *x = calloc(p->options->n_baselines + 1, sizeof(*x));
    size_t *levels = calloc(p->options->n_baselines + 1, sizeof(*levels));
    size_t n = 0;

    if (!list || !x || !levels) {
        p->no_memory = true;
        free((void *)list);
        free(x);
        free(levels);
        return;
    }
    for (size_t i = 0; i < p->options->n_baselines; i++)
        if (is_of(&p->options->baselines[i], name))
            list[n++] = &p->options->baselines[i];
    qsort(list, n, sizeof(*list), by_bits);
    cril_markup_put(p->f,
                    "<path class=\"fr\" d=\"M%c %cH%c\"/><text class=\"at\" x=\"%c\" y=\"%c\">",
                    strip->x.from, y, strip->x.to, strip->x.from, y - 12 - strip->font * 2);
    cril_markup_text(p->f, name, len);
    fputs("</text>", p->f);
    write_names(p, strip, y, list, n, x, levels);
    for (size_t m = 0; m < p->info->n_models; m++) {
        const cril_known *k = &p->table->bpc[m * p->table->n_corpora + corpus];

        if (!is_drawn(k))
            continue;
        cril_markup_put(p->f, "<g><title>%t: ", p->info->models[m].name);
        cril_markup_number(p->f, cril_known_with_escapes(k), p->bpc_decimals);
        fputs("</title>", p->f);
        cril_plot_symbol(p->f, p->family[m], false,
                         cril_scale_at(&strip->x, cril_known_with_escapes(k)), y);
        fputs("</g>", p->f);
    }
    fputs("\n", p->f);
    free((void *)list);
    free(x);
    free(levels);
}

static double max_bits(const struct cril_page *p)
{
    double max = 0;

    for (size_t i = 0; i < p->options->n_baselines; i++)
        if (isfinite(p->options->baselines[i].bits_per_character))
            max = fmax(max, p->options->baselines[i].bits_per_character);
    for (size_t i = 0; i < p->table->n_models * p->table->n_corpora; i++)
        if (is_drawn(&p->table->bpc[i]))
            max = fmax(max, cril_known_with_escapes(&p->table->bpc[i]));
    return max;
}

static size_t n_rows(const struct cril_page *p)
{
    size_t n = 0;

    for (size_t k = 0; k < p->info->n_corpora; k++)
        n += cril_page_baselines(p, k) > 0;
    return n;
}

static struct strip make_strip(const struct cril_page *p, double width)
{
    const double font = width < 600 ? 11 : 13;

    return (struct strip){.width = width,
                          .row = font * 7.2,
                          .height = font * 7.2 * (double)n_rows(p) + font * 3.4,
                          .font = font};
}

static double height(const struct cril_page *p, const struct cril_page_of *of, double width)
{
    (void)of;
    return make_strip(p, width).height;
}

static void draw(struct cril_page *p, const struct cril_page_of *of, double width)
{
    struct strip strip = make_strip(p, width);
    const double bottom = strip.row * (double)n_rows(p);
    double ticks[CRIL_SCALE_TICKS];
    size_t at_row = 0;

    (void)of;
    cril_scale_set(&strip.x, 0, max_bits(p), 0, width > 600 ? 10 : 5);
    strip.x.from = 6;
    strip.x.to = width - 12;
    fputs("<g class=\"ax\">", p->f);
    for (size_t i = 0, n = cril_scale_ticks(&strip.x, ticks); i < n; i++) {
        const double x = cril_scale_at(&strip.x, ticks[i]);

        cril_markup_put(p->f,
                        "<path d=\"M%c 4V%c\"/><text x=\"%c\" y=\"%c\" text-anchor=\"middle\">", x,
                        bottom, x, bottom + strip.font * 1.4);
        cril_scale_write(p->f, &strip.x, ticks[i]);
        fputs("</text>", p->f);
    }
    cril_markup_put(
        p->f,
        "</g><text class=\"at\" x=\"%c\" y=\"%c\" text-anchor=\"end\">bits per character, fewer is "
        "better</text>\n",
        strip.x.to, strip.height - strip.font * 0.5);
    for (size_t k = 0; k < p->info->n_corpora; k++)
        if (cril_page_baselines(p, k))
            write_strip(p, &strip, strip.row * ((double)at_row++ + 0.86), k);
}

static bool is_there(const struct cril_page *p, const struct cril_page_of *of)
{
    (void)of;
    return n_rows(p) > 0;
}

static bool has_family(const struct cril_page *p, const struct cril_page_of *of, size_t family)
{
    bool has = false;

    (void)of;
    for (size_t m = 0; m < p->info->n_models; m++)
        for (size_t k = 0; p->family[m] == family && k < p->info->n_corpora; k++)
            has |=
                cril_page_baselines(p, k) && is_drawn(&p->table->bpc[m * p->table->n_corpora + k]);
    return has;
}

static void say(struct cril_page *p, const struct cril_page_of *of)
{
    (void)of;
    fputs("Bits per character of the models (symbols) and of ordinary compressors, which start "
          "without a language model (ticks), on the same text. The models’ own size is not "
          "counted. ",
          p->f);
}

static void write_row(struct cril_csv *csv, const char *corpus, const char *kind, const char *name,
                      double bits)
{
    cril_csv_text(csv, corpus);
    cril_csv_text(csv, kind);
    cril_csv_text(csv, name);
    cril_csv_number(csv, bits);
    cril_csv_end_row(csv);
}

static void write_data(struct cril_page *p, const struct cril_page_of *of, struct cril_csv *csv)
{
    (void)of;
    cril_csv_head(csv, "corpus,kind,name,bits_per_character");
    for (size_t k = 0; k < p->info->n_corpora; k++) {
        const char *corpus = p->info->corpora[k].name;

        for (size_t i = 0; i < p->options->n_baselines; i++)
            if (is_of(&p->options->baselines[i], corpus))
                write_row(csv, corpus, "compressor", p->options->baselines[i].name,
                          p->options->baselines[i].bits_per_character);
        for (size_t m = 0; cril_page_baselines(p, k) && m < p->info->n_models; m++) {
            const cril_known *known = &p->table->bpc[m * p->table->n_corpora + k];

            if (is_drawn(known))
                write_row(csv, corpus, "model", p->info->models[m].name,
                          cril_known_with_escapes(known));
        }
    }
}

const struct cril_page_figure cril_page_figure_compressors = {
    .name = "compressors",
    .title = "bits per character of models and of ordinary compressors",
    .lacks = "no corpus has figures of ordinary compressors; cril study run computes them",
    .is_there = is_there,
    .height = height,
    .has_family = has_family,
    .say = say,
    .draw = draw,
    .write_data = write_data,
};

void cril_page_compressors(struct cril_page *p)
{
    cril_page_section(p, &cril_page_figure_compressors, "compressors", "Ordinary compressors");
}
