/* The report (cril/html.h): gathers what the page's parts need, then has them written in order. */
#include "report/page.h"

#include "report/markup.h"
#include "study/words.h"
#include "util/fail.h"

#include <cril/distribution.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- What the parts share ---- */

const cril_study_points *cril_page_points(const struct cril_page_fit *f)
{
    return f->has_line ? &f->line.models : &f->points;
}

const struct cril_page_fit *cril_page_main(const struct cril_page *p)
{
    return p->info->n_fits ? &p->fits[0] : NULL;
}

enum { FEW_MODELS = 6 }; /* with fewer a line is an aside */

bool cril_page_line_leads(const struct cril_page *p)
{
    const struct cril_page_fit *f = cril_page_main(p);

    return f && f->has_line && f->line.models.n >= FEW_MODELS;
}

/* The only column of a group, or of all where group is NULL. NULL: there are several, or none. */
static const char *only_column(const struct cril_page *p, char axis, const char *group)
{
    const char *only = NULL;

    for (size_t i = 0; i < cril_words_columns(p->info, axis); i++) {
        const struct cril_column c = cril_words_column(p->info, axis, i);

        if (group && strcmp(c.group, group) != 0)
            continue;
        if (only)
            return NULL;
        only = c.name;
    }
    return only;
}

struct cril_page_axis cril_page_axis_of(const struct cril_page *p, char axis, const char *word)
{
    const char *of = axis == 'x' ? "corpora" : "benchmarks";
    const size_t n = cril_words_columns(p->info, axis), n_groups = cril_words_groups(p->info, axis);
    const bool average = strcmp(word, "average") == 0,
               all = average || (axis == 'y' && strcmp(word, "plain") == 0);
    const char *only;

    if (!all && cril_words_find(p->info, axis, word) < n)
        return (struct cril_page_axis){.name = word};
    if ((only = only_column(p, axis, all ? NULL : word)) != NULL)
        return (struct cril_page_axis){.name = only};
    if (axis == 'y' && average && n_groups > 1)
        return (struct cril_page_axis){.n = n_groups, .of = "groups’ means"};
    if (all)
        return (struct cril_page_axis){.n = n, .of = of};
    return (struct cril_page_axis){word, cril_words_count(p->info, axis, word), of};
}

void cril_page_axis(const struct cril_page *p, char axis, const char *word)
{
    const struct cril_page_axis a = cril_page_axis_of(p, axis, word);

    if (a.name)
        cril_markup_put(p->f, "%t", a.name);
    if (a.n)
        cril_markup_put(p->f, "%smean of %z %s", a.name ? ", " : "", a.n, a.of);
}

void cril_page_make_title(const struct cril_page *p, char axis, const char *word,
                          const char *quantity, const char *end, struct cril_page_title *out)
{
    const struct cril_page_axis a = cril_page_axis_of(p, axis, word);
    char mean[64] = "";

    if (a.n)
        snprintf(mean, sizeof(mean), "%smean of %zu %s", a.name || *quantity ? ", " : "", a.n,
                 a.of);
    snprintf(out->before, sizeof(out->before), "%s%s", quantity, a.name && *quantity ? " on " : "");
    snprintf(out->after, sizeof(out->after), "%s%s", mean, end);
    out->title = (struct cril_plot_title){out->before, a.name, out->after};
}

void cril_page_size(const struct cril_page *p, double bytes)
{
    const double unit = bytes < 1e6 ? 1e3 : bytes < 1e9 ? 1e6 : 1e9;

    cril_markup_number(p->f, bytes / unit, bytes < 1e9 ? 1 : 2);
    if (!isnan(bytes))
        fputs(bytes < 1e6 ? " kB" : bytes < 1e9 ? " MB" : " GB", p->f);
}

void cril_page_range(const struct cril_page *p, double low, double high, int decimals)
{
    if (isnan(low) || isnan(high)) {
        fputs("<td>–</td>", p->f);
        return;
    }
    fputs("<td>", p->f);
    cril_markup_number(p->f, low, decimals);
    fputs(" to ", p->f);
    cril_markup_number(p->f, high, decimals);
    fputs("</td>", p->f);
}

void cril_page_why(const struct cril_page *p, const struct cril_page_fit *f)
{
    const char *why = f->why.message;
    const size_t path = strlen(p->info->path);

    if (strncmp(why, p->info->path, path) == 0 && strncmp(why + path, ": ", 2) == 0)
        why += path + 2;
    cril_markup_put(p->f, "%t", why);
}

void cril_page_start_table(struct cril_page *p, const char *id, const char *caption)
{
    cril_markup_put(p->f,
                    "<div class=\"wide-table\" tabindex=\"0\" role=\"region\" "
                    "aria-labelledby=\"%s\"><table class=\"%s\">"
                    "<caption id=\"%s\"><b>Table %z.</b> %s</caption>\n",
                    id, id, id, ++p->n_tables, caption);
}

size_t cril_page_baselines(const struct cril_page *p, size_t corpus)
{
    size_t n = 0;

    for (size_t i = 0; i < p->options->n_baselines; i++)
        n += strcmp(p->options->baselines[i].corpus, p->info->corpora[corpus].name) == 0 &&
             isfinite(p->options->baselines[i].bits_per_character);
    return n;
}

/* ---- Gathering ---- */

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a report");
}

static void number_families(struct cril_page *p)
{
    for (size_t m = 0; m < p->info->n_models; m++) {
        size_t k = 0;

        while (k < p->n_families && strcmp(p->family_names[k], p->info->models[m].family) != 0)
            k++;
        if (k == p->n_families)
            p->family_names[p->n_families++] = p->info->models[m].family;
        p->family[m] = k;
    }
}

static void find_sizes(struct cril_page *p)
{
    const cril_report_options *o = p->options;

    for (size_t m = 0; m < p->info->n_models; m++) {
        p->file_bytes[m] = p->bits_a_weight[m] = NAN;
        for (size_t i = 0; i < o->n_identified_models; i++) {
            const cril_report_identity *id = &o->models[i];

            if (!id->bytes || strcmp(id->name, p->info->models[m].name) != 0)
                continue;
            p->file_bytes[m] = (double)id->bytes;
            if (id->parameters)
                p->bits_a_weight[m] = 8 * (double)id->bytes / (double)id->parameters;
        }
    }
}

static void add_sources(struct cril_page *p, const cril_known *known, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;

        if (known[i].origin != CRIL_ORIGIN_IMPORTED)
            continue;
        while (k < p->n_sources && strcmp(p->sources[k], known[i].source) != 0)
            k++;
        if (k == p->n_sources)
            p->sources[p->n_sources++] = known[i].source;
    }
}

/* A fault that is not memory's is an answer: it is said on the page. */
static cril_status make_fit(struct cril_page *p, struct cril_page_fit *f, cril_error *err)
{
    cril_error second;
    cril_status st = cril_study_line_fit(p->info, p->table, f->is, &p->line, &f->line, &f->why);

    f->has_line = st == CRIL_OK;
    if (st != CRIL_OK && st != CRIL_ERR_NOMEM) {
        st = cril_study_points_get(p->info, p->table, f->is, &f->points, &second);
        if (st != CRIL_OK)
            f->points = (cril_study_points){0};
    }
    return st == CRIL_ERR_NOMEM ? no_memory(err) : CRIL_OK;
}

static cril_status gather(struct cril_page *p, cril_error *err)
{
    const size_t n_bpc = p->table->n_models * p->table->n_corpora,
                 n_scores = p->table->n_models * p->table->n_benchmarks;
    cril_status st = CRIL_OK;

    p->family = calloc(p->info->n_models + 1, sizeof(*p->family));
    p->family_names = calloc(p->info->n_models + 1, sizeof(*p->family_names));
    p->file_bytes = calloc(p->info->n_models + 1, sizeof(*p->file_bytes));
    p->bits_a_weight = calloc(p->info->n_models + 1, sizeof(*p->bits_a_weight));
    p->fits = calloc(p->info->n_fits + 1, sizeof(*p->fits));
    p->sources = calloc(n_bpc + n_scores + 1, sizeof(*p->sources));
    if (!p->family || !p->family_names || !p->file_bytes || !p->bits_a_weight || !p->fits ||
        !p->sources || !cril_page_rank(p))
        return no_memory(err);
    number_families(p);
    find_sizes(p);
    for (size_t i = 0; i < n_bpc; i++)
        if (p->table->bpc[i].origin == CRIL_ORIGIN_MEASURED)
            p->bpc_decimals = 4;
    add_sources(p, p->table->bpc, n_bpc);
    add_sources(p, p->table->score, n_scores);
    for (size_t i = 0; st == CRIL_OK && i < p->info->n_fits; i++) {
        p->fits[i].is = &p->info->fits[i];
        st = make_fit(p, &p->fits[i], err);
    }
    return st;
}

void cril_page_close(struct cril_page *p)
{
    for (size_t i = 0; p->fits && i < p->info->n_fits; i++) {
        if (p->fits[i].has_line)
            cril_study_line_free(&p->fits[i].line);
        else
            cril_study_points_free(&p->fits[i].points);
    }
    free(p->fits);
    free(p->order);
    free(p->average);
    free(p->family);
    free(p->file_bytes);
    free(p->bits_a_weight);
    free((void *)p->family_names);
    free((void *)p->sources);
}

static void write_page(struct cril_page *p)
{
    cril_page_head(p);
    cril_page_headline(p);
    cril_page_leaderboard(p);
    cril_page_sizes(p);
    cril_page_divergences(p);
    cril_page_learning(p);
    cril_page_compressors(p);
    cril_page_aside(p);
    cril_page_panels(p);
    cril_page_lines(p);
    cril_page_residuals(p);
    cril_page_leaks(p);
    cril_page_method(p);
    cril_page_foot(p);
}

double cril_page_reach(const struct cril_page *p, double se)
{
    return isnan(se) ? 0 : p->reach * se;
}

/* ---- Files ---- */

cril_status cril_page_open(struct cril_page *p, FILE *f, const cril_study_info *s,
                           const cril_study_table *t, const cril_report_options *options,
                           cril_error *err)
{
    static const cril_report_options none;

    *p = (struct cril_page){
        .f = f, .info = s, .table = t, .options = options ? options : &none, .bpc_decimals = 3};
    p->line = cril_study_line_defaults(&p->options->line);
    if (!(p->line.level > 0 && p->line.level < 1))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "a report's level must lie between 0 and 1; 0.95 is usual");
    p->reach = cril_normal_quantile((1 + p->line.level) / 2);
    p->protocol = p->options->protocol ? p->options->protocol
                  : s->n_protocols     ? &s->protocols[0]
                                       : NULL;
    errno = 0;
    return gather(p, err);
}

cril_status cril_page_finish(const struct cril_page *p, cril_error *err)
{
    if (p->no_memory)
        return no_memory(err);
    if (fflush(p->f) || ferror(p->f))
        return cril_fail(err, CRIL_ERR_IO, "the report could not be written: %s",
                         strerror(errno ? errno : EIO));
    return CRIL_OK;
}

cril_status cril_study_report(FILE *f, const cril_study_info *s, const cril_study_table *t,
                              const cril_report_options *options, cril_error *err)
{
    if (CRIL_LACKS(err, f, s, t))
        return CRIL_ERR_RANGE;

    struct cril_page p;
    cril_status st = cril_page_open(&p, f, s, t, options, err);

    if (st == CRIL_OK) {
        write_page(&p);
        st = cril_page_finish(&p, err);
    }
    cril_page_close(&p);
    return st;
}
