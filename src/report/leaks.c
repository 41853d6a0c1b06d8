/*
 * Models above a benchmark's line beside their leak scores on its test and train files, as Huang et
 * al. (2024) look at them. Above the line: a model scores more than its bits per character say.
 */
#include "report/page.h"

#include "report/markup.h"

#include <cril/membership.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const parts[] = {"test", "train"};
enum { N_PARTS = sizeof(parts) / sizeof(*parts) };

static const cril_report_leak *find(const struct cril_page *p, const char *benchmark, size_t model,
                                    const char *part)
{
    for (size_t i = 0; i < p->options->n_leaks; i++) {
        const cril_report_leak *l = &p->options->leaks[i];

        if (l->model == model && strcmp(l->benchmark, benchmark) == 0 && strcmp(l->part, part) == 0)
            return l;
    }
    return NULL;
}

static bool has_any(const struct cril_page *p, const char *benchmark, size_t model)
{
    bool any = false;

    for (size_t k = 0; k < N_PARTS; k++)
        any |= find(p, benchmark, model, parts[k]) != NULL;
    return any;
}

/* The fit of the benchmark alone. NULL: there is none with a line. */
static const cril_study_line *line_of(const struct cril_page *p, const char *benchmark)
{
    for (size_t i = 0; i < p->info->n_fits; i++)
        if (p->fits[i].has_line && strcmp(p->fits[i].is->y, benchmark) == 0)
            return &p->fits[i].line;
    return NULL;
}

/* A model's place beside the line, in standard errors. NaN: it is not known. */
static double place(const cril_study_line *l, size_t model, bool *flagged)
{
    *flagged = false;
    for (size_t i = 0; l && i < l->models.n; i++)
        if (l->models.model[i] == model) {
            *flagged = l->each[i].flagged && l->each[i].external > 0;
            return l->each[i].external;
        }
    return NAN;
}

struct row {
    size_t model;
    double place;
    bool flagged;
};

/* The farthest above first, what is not known last; ties in the study's order. */
static int by_place(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (isnan(x->place) != isnan(y->place))
        return isnan(x->place) ? 1 : -1;
    if (!isnan(x->place) && x->place != y->place)
        return x->place > y->place ? -1 : 1;
    return x->model < y->model ? -1 : x->model > y->model;
}

static cril_membership_texts judge(const cril_report_leak *l)
{
    const cril_membership_separation blind = {
        .n_set = (size_t)l->n_set,
        .n_control = (size_t)l->n_control,
        .separation = {
            .auc = l->blind,
            .auc_interval = {.resamples = 1, .low = l->blind_low, .high = l->blind_high}}};

    return cril_membership_judge(&blind);
}

/* AUC, its interval, the classifier's AUC. */
static void write_part(const struct cril_page *p, const cril_report_leak *l)
{
    if (!l) {
        fputs("<td>–</td><td>–</td><td>–</td>", p->f);
        return;
    }
    cril_markup_put(p->f, "<td><b>%3</b></td>", l->auc);
    cril_page_range(p, l->low, l->high, 3);
    cril_markup_put(p->f, "<td>%3%s</td>", l->blind,
                    judge(l) == CRIL_TEXTS_DIFFER    ? " <em>texts differ</em>"
                    : judge(l) == CRIL_TEXTS_TOO_FEW ? " <em>too few texts</em>"
                                                     : "");
}

static void write_row(const struct cril_page *p, const char *benchmark, const struct row *row)
{
    cril_markup_put(p->f, "<tr%s><th scope=\"row\"><bdi>%t</bdi>%s</th><td>%s%1</td>",
                    row->flagged ? " class=\"off\"" : "", p->info->models[row->model].name,
                    row->flagged ? " <em>above the line</em>" : "", row->place > 0 ? "+" : "",
                    row->place);
    for (size_t k = 0; k < N_PARTS; k++)
        write_part(p, find(p, benchmark, row->model, parts[k]));
    fputs("</tr>\n", p->f);
}

static void write_head(struct cril_page *p, const char *benchmark)
{
    char id[32];

    snprintf(id, sizeof(id), "leaks-%zu", p->n_tables + 1);
    cril_page_start_table(p, id,
                          "How well Min-K% (k = 20) of a model tells the texts of a benchmark from "
                          "a control that it cannot have seen: AUC, 0.5 by chance.");
    cril_markup_put(p->f,
                    "<thead><tr><th scope=\"col\" class=\"t\" rowspan=\"2\"><bdi>%t</bdi></th>"
                    "<th scope=\"col\" rowspan=\"2\">above its line, standard errors</th>",
                    benchmark);
    for (size_t k = 0; k < N_PARTS; k++)
        cril_markup_put(p->f, "<th scope=\"colgroup\" colspan=\"3\">%s file</th>", parts[k]);
    fputs("</tr>\n<tr>", p->f);
    for (size_t k = 0; k < N_PARTS; k++)
        fputs("<th scope=\"col\">AUC</th><th scope=\"col\">95 % interval</th><th "
              "scope=\"col\">without a model</th>",
              p->f);
    fputs("</tr></thead>\n<tbody>\n", p->f);
}

static void write_benchmark(struct cril_page *p, const char *benchmark)
{
    const cril_study_line *l = line_of(p, benchmark);
    struct row *rows = calloc(p->info->n_models + 1, sizeof(*rows));
    size_t n = 0;

    p->no_memory |= !rows;
    for (size_t m = 0; rows && m < p->info->n_models; m++)
        if (has_any(p, benchmark, m)) {
            rows[n].model = m;
            rows[n].place = place(l, m, &rows[n].flagged);
            n++;
        }
    if (n) {
        qsort(rows, n, sizeof(*rows), by_place);
        write_head(p, benchmark);
        for (size_t i = 0; i < n; i++)
            write_row(p, benchmark, &rows[i]);
        fputs("</tbody></table></div>\n", p->f);
    }
    free(rows);
}

void cril_page_leaks(struct cril_page *p)
{
    if (!p->options->n_leaks)
        return;
    fputs("<section id=\"leaks\"><h2>Above the line: seen before?</h2>\n"
          "<p>A model above a benchmark’s line scores more than its bits per character say. It may "
          "have seen the benchmark. A leak score asks whether it knows the benchmark’s own texts "
          "better than texts of the same kind that it cannot have seen; a classifier that sees no "
          "model asks whether the texts differ by themselves, and where they do, the leak score "
          "shows nothing.</p>\n",
          p->f);
    for (size_t i = 0; i < p->info->n_leaks; i++)
        write_benchmark(p, p->info->leaks[i].benchmark);
    fputs("</section>\n", p->f);
}
