/*
 * How far models are from their bases (doc/diverge.md): KL by size of file, a figure for each base,
 * and a table of all.
 *
 * A figure over several corpora is the mean of theirs, as bits per character are. The mean's
 * interval takes the corpora's errors as independent: its distance to each side is the root of the
 * sum of their squared distances, divided by their number (Zou & Donner 2008).
 */
#include "report/by_size.h"

#include "report/markup.h"
#include "stats/sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Means over all corpora; NaN: not known. */
struct apart {
    double kl, low, high, same_top, ln_ppl_ratio;
};

static const cril_known_divergence *known_of(const struct cril_page *p, size_t model, size_t corpus)
{
    static const cril_known_divergence none;

    return p->table->divergence ? &p->table->divergence[model * p->table->n_corpora + corpus]
                                : &none;
}

/* The mean of a field over the corpora. */
static double mean(const struct cril_page *p, size_t model,
                   double (*field)(const cril_known_divergence *d))
{
    struct cril_sum sum = {0};

    for (size_t i = 0; i < p->table->n_corpora; i++) {
        const cril_known_divergence *d = known_of(p, model, i);

        cril_sum_add(&sum, d->tokens ? field(d) : NAN);
    }
    return cril_sum_value(&sum) / (double)p->table->n_corpora;
}

static double mean_kl(const cril_known_divergence *d)
{
    return d->mean_kl;
}

static double same_top(const cril_known_divergence *d)
{
    return d->same_top;
}

static double ln_ppl_ratio(const cril_known_divergence *d)
{
    return d->ln_ppl_ratio;
}

static double squared(double distance)
{
    return distance * distance;
}

static double below(const cril_known_divergence *d)
{
    return d->mean_kl_interval.resamples ? squared(d->mean_kl - d->mean_kl_interval.low) : NAN;
}

static double above(const cril_known_divergence *d)
{
    return d->mean_kl_interval.resamples ? squared(d->mean_kl_interval.high - d->mean_kl) : NAN;
}

static struct apart look_up(const struct cril_page *p, size_t model)
{
    const double n = (double)p->table->n_corpora, kl = mean(p, model, mean_kl);

    return (struct apart){.kl = kl,
                          .low = kl - sqrt(mean(p, model, below) / n),
                          .high = kl + sqrt(mean(p, model, above) / n),
                          .same_top = mean(p, model, same_top),
                          .ln_ppl_ratio = mean(p, model, ln_ppl_ratio)};
}

/* Of all intervals. */
static double level(const struct cril_page *p)
{
    for (size_t m = 0; m < p->table->n_models; m++)
        for (size_t i = 0; i < p->table->n_corpora; i++)
            if (known_of(p, m, i)->mean_kl_interval.resamples)
                return known_of(p, m, i)->mean_kl_interval.level;
    return 0.95;
}

/* ---- Bases ---- */

static bool is_of(const struct cril_page *p, const cril_study_model *base, size_t model)
{
    const char *name = p->info->models[model].base;

    return name && strcmp(name, base->name) == 0;
}

static bool is_base(const struct cril_page *p, const cril_study_model *base)
{
    bool any = false;

    for (size_t m = 0; m < p->info->n_models && !any; m++)
        any = is_of(p, base, m);
    return any;
}

/* Bases in the study's order. */
static bool find_base(const struct cril_page *p, size_t i, struct cril_page_of *out)
{
    size_t n = 0;

    for (size_t m = 0; m < p->info->n_models; m++) {
        const cril_study_model *base = &p->info->models[m];

        if (!is_base(p, base) || n++ < i)
            continue;
        *out = (struct cril_page_of){.name = base->name, .is_first = !i, .base = base};
        return true;
    }
    return false;
}

bool cril_page_has_divergences(const struct cril_page *p)
{
    struct cril_page_of of;

    return find_base(p, 0, &of);
}

/* ---- A figure for each ---- */

static double value(const struct cril_page *p, const struct cril_page_of *of, size_t m)
{
    const double kl = is_of(p, of->base, m) ? mean(p, m, mean_kl) : NAN;

    return isfinite(p->file_bytes[m]) && isfinite(kl) && kl < 1e9 ? kl : NAN;
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
    cril_markup_put(s->p->f, ", mean KL %6", s->f.points[i].y);
}

static void draw(struct cril_page *p, const struct cril_page_of *of, double width)
{
    const struct cril_plot_title y = {"mean KL from ", of->name, ", nats, smaller is better"};

    cril_by_size_draw(p, of, value, width, &y, say_point);
}

static void say_mean(const struct cril_page *p)
{
    cril_markup_put(p->f,
                    p->info->n_corpora > 1 ? "mean over tokens, then over %z corpora"
                                           : "mean over tokens",
                    p->info->n_corpora);
}

static void say(struct cril_page *p, const struct cril_page_of *of)
{
    cril_markup_put(p->f, "Kullback-Leibler divergence from %t", of->name);
    if (isfinite(p->file_bytes[of->base - p->info->models])) {
        fputs(" (", p->f);
        cril_page_size(p, p->file_bytes[of->base - p->info->models]);
        fputs(")", p->f);
    }
    fputs(", ", p->f);
    say_mean(p);
    fputs(". ", p->f);
    cril_by_size_say(p, of, value, "diverges as little");
}

static void write_data(struct cril_page *p, const struct cril_page_of *of, struct cril_csv *csv)
{
    struct cril_by_size s;

    if (!cril_by_size_find(p, of, value, &s))
        return;
    cril_csv_head(csv, "model,family,base,file_bytes,bits_a_weight,mean_kl,mean_kl_low,"
                       "mean_kl_high,same_top_percent,ln_ppl_ratio,bits_per_character,"
                       "on_frontier");
    for (size_t i = 0; i < s.f.n; i++) {
        const size_t m = s.model[s.f.order[i]];
        const struct apart a = look_up(p, m);
        const double row[] = {p->file_bytes[m],
                              p->bits_a_weight[m],
                              a.kl,
                              a.low,
                              a.high,
                              100 * a.same_top,
                              a.ln_ppl_ratio,
                              cril_known_with_escapes(&p->average[m]),
                              i < s.f.n_on};

        cril_csv_text(csv, p->info->models[m].name);
        cril_csv_text(csv, p->info->models[m].family);
        cril_csv_text(csv, of->name);
        for (size_t k = 0; k < sizeof(row) / sizeof(*row); k++)
            cril_csv_number(csv, row[k]);
        cril_csv_end_row(csv);
    }
    cril_by_size_free(&s);
}

const struct cril_page_figure cril_page_figure_kl = {
    .name = "kl",
    .title = "divergence from a base by size of file",
    .lacks = "it needs two models that diverge from one base, whose files and whose divergence on "
             "all corpora are known",
    .find = find_base,
    .is_there = is_there,
    .height = cril_page_plot_height,
    .has_family = has_family,
    .say = say,
    .draw = draw,
    .write_data = write_data,
};

/* ---- The table ---- */

static bool has_columns_of_corpora(const struct cril_page *p)
{
    return p->info->n_corpora > 1;
}

static void write_head(const struct cril_page *p)
{
    cril_markup_put(p->f,
                    "<thead><tr><th scope=\"col\" class=\"t\">model</th><th scope=\"col\" "
                    "class=\"t\">diverges from</th><th scope=\"col\">size of file</th><th "
                    "scope=\"col\">bits a weight</th><th scope=\"col\">mean KL</th><th "
                    "scope=\"col\">%0 %% interval</th>",
                    100 * level(p));
    for (size_t i = 0; has_columns_of_corpora(p) && i < p->info->n_corpora; i++)
        cril_markup_put(p->f, "<th scope=\"col\">KL, <bdi>%t</bdi></th>", p->info->corpora[i].name);
    fputs("<th scope=\"col\">same top, %</th><th scope=\"col\">bits per "
          "character</th></tr></thead>\n",
          p->f);
}

/* Whether a mean is lacking because a figure of it is out of date. */
static bool is_old(const struct cril_page *p, size_t model)
{
    bool old = false;

    for (size_t i = 0; i < p->info->n_corpora; i++)
        old |= known_of(p, model, i)->out_of_date != NULL;
    return old;
}

static void write_kl(const struct cril_page *p, double kl, bool old)
{
    if (old)
        fputs("out of date", p->f);
    else
        cril_markup_number(p->f, kl, 6);
}

static void write_figures(const struct cril_page *p, size_t model)
{
    const struct apart a = look_up(p, model);

    fputs("<td><b>", p->f);
    write_kl(p, a.kl, is_old(p, model));
    fputs("</b></td>", p->f);
    cril_page_range(p, a.low, a.high, 6);
    for (size_t i = 0; has_columns_of_corpora(p) && i < p->info->n_corpora; i++) {
        const cril_known_divergence *d = known_of(p, model, i);

        fputs("<td>", p->f);
        write_kl(p, d->tokens ? d->mean_kl : NAN, d->out_of_date != NULL);
        fputs("</td>", p->f);
    }
    cril_markup_put(p->f, "<td>%2</td>", 100 * a.same_top);
}

/* base: NULL: the model is one. */
static void write_row(const struct cril_page *p, size_t model, const char *base)
{
    const size_t n_figures = 3 + (has_columns_of_corpora(p) ? p->info->n_corpora : 0);

    cril_markup_put(p->f, "<tr><th scope=\"row\"><bdi>%t</bdi></th><td class=\"t\">",
                    p->info->models[model].name);
    cril_markup_put(p->f, base ? "<bdi>%t</bdi></td><td>" : "the base</td><td>", base);
    cril_page_size(p, p->file_bytes[model]);
    cril_markup_put(p->f, "</td><td>%2</td>", p->bits_a_weight[model]);
    if (base)
        write_figures(p, model);
    else
        for (size_t i = 0; i < n_figures; i++)
            fputs("<td></td>", p->f);
    fputs("<td>", p->f);
    cril_markup_number(p->f, p->average[model].value, p->bpc_decimals);
    fputs("</td></tr>\n", p->f);
}

/* Models of a base, the least divergence first, what is not known last. Returns their number. */
static size_t sort_models(const struct cril_page *p, const cril_study_model *base, size_t *models,
                          double *kl)
{
    size_t n = 0;

    for (size_t m = 0; m < p->info->n_models; m++) {
        const double y = mean(p, m, mean_kl);
        size_t at;

        if (!is_of(p, base, m))
            continue;
        for (at = n++; at && !isnan(y) && !(kl[at - 1] <= y); at--) {
            models[at] = models[at - 1];
            kl[at] = kl[at - 1];
        }
        models[at] = m;
        kl[at] = y;
    }
    return n;
}

static void write_rows(struct cril_page *p)
{
    size_t *models = calloc(p->info->n_models + 1, sizeof(*models));
    double *kl = calloc(p->info->n_models + 1, sizeof(*kl));
    struct cril_page_of of;

    p->no_memory |= !models || !kl;
    for (size_t i = 0; models && kl && find_base(p, i, &of); i++) {
        const size_t n = sort_models(p, of.base, models, kl);

        write_row(p, (size_t)(of.base - p->info->models), NULL);
        for (size_t k = 0; k < n; k++)
            write_row(p, models[k], of.name);
    }
    free(models);
    free(kl);
}

static void write_table(struct cril_page *p)
{
    cril_page_start_table(p, "divergences",
                          "Kullback-Leibler divergence of models from their bases, in nats, the "
                          "least first. Bits a weight are those of the whole file.");
    write_head(p);
    fputs("<tbody>\n", p->f);
    write_rows(p);
    fputs("</tbody></table></div>\n", p->f);
}

void cril_page_divergences(struct cril_page *p)
{
    struct cril_page_of of;

    if (!cril_page_has_divergences(p))
        return;
    fputs("<section id=\"divergence\"><h2>Divergence from a base</h2>\n", p->f);
    for (size_t i = 0; find_base(p, i, &of); i++)
        if (is_there(p, &of))
            cril_page_write_figure(p, &cril_page_figure_kl, &of);
    write_table(p);
    fputs("</section>\n", p->f);
}
