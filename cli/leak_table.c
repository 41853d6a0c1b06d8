/* The tables of cril leak -m: mean scores by corpus, set beside control, and what follows of them.
 */
#include "corpora.h"
#include "leaking.h"
#include "naming.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_COLUMNS = 14, SCORE_COLUMNS = 18, INTERVAL_COLUMNS = 15 };

/* "Min-K%++ 20" */
static const char *label(size_t score, char out[32])
{
    static const struct {
        const char *name, *label;
    } labels[] = {{"min_k", "Min-K%"},
                  {"min_k_plus_plus", "Min-K%++"},
                  {"loss", "loss (mean ln p)"},
                  {"zlib", "loss / zlib bytes"},
                  {"lower_case", "lower case / loss"},
                  {"reference", "loss - reference"}};
    unsigned k;
    const char *name = cril_membership_score_name(score, &k);

    for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
        if (strcmp(labels[i].name, name) == 0)
            name = labels[i].label;
    if (k)
        snprintf(out, 32, "%s %u", name, k);
    else
        snprintf(out, 32, "%s", name);
    return out;
}

/* ---- By corpus ---- */

static void print_corpora(FILE *f, const struct cril_leak_found *x)
{
    int width = cril_text_width("corpus");
    cril_membership_corpus c;

    for (size_t i = 0; i < x->run->n_corpora; i++)
        cril_widen(&width, x->run->corpora[i]);
    fprintf(f, "%-*s %8s %10s %10s %8s\n", width, "corpus", "", "documents", "too short", "BPC");
    for (size_t i = 0; cril_membership_corpus_at(x->membership, i, &c); i++) {
        cril_print_padded(f, x->run->corpora[i], width);
        fprintf(f, " %8s %10zu %10zu %8.4f\n", c.is_control ? "control" : "", c.n, c.too_short,
                cril_result_bpc(c.result));
    }
}

/* False: no document has the score. */
static bool mean_of(const cril_membership_corpus *c, size_t score, double *out)
{
    double sum = 0;
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        if (c->documents[i].has[score]) {
            sum += c->documents[i].scores[score];
            n++;
        }
    *out = n ? sum / (double)n : 0;
    return n > 0;
}

static void print_name(FILE *f, const char *name)
{
    char *shown = cril_text_shown(cril_base_name(cril_corpus_spoken(name)));
    const int width = shown ? cril_shown_width(shown) : 0;

    fprintf(f, " %*s", width < NAME_COLUMNS ? NAME_COLUMNS - width : 0, "");
    if (shown)
        cril_print_cut(f, shown, NAME_COLUMNS);
    free(shown);
}

static void print_means(FILE *f, const struct cril_leak_found *x)
{
    cril_membership_corpus c;
    char name[32];
    double mean;

    fprintf(f, "\n%-*s", SCORE_COLUMNS, "mean score");
    for (size_t i = 0; i < x->run->n_corpora; i++)
        print_name(f, x->run->corpora[i]);
    putc('\n', f);
    for (size_t score = 0; score < CRIL_MEMBERSHIP_SCORES; score++) {
        if ((score == CRIL_MEMBERSHIP_LOWER_CASE && !x->run->set->lower_case) ||
            (score == CRIL_MEMBERSHIP_REFERENCE && !x->reference))
            continue;
        fprintf(f, "%-*s", SCORE_COLUMNS, label(score, name));
        for (size_t i = 0; cril_membership_corpus_at(x->membership, i, &c); i++)
            if (mean_of(&c, score, &mean))
                fprintf(f, " %*.6f", NAME_COLUMNS, mean);
            else
                fprintf(f, " %*s", NAME_COLUMNS, "-");
        putc('\n', f);
    }
}

/* ---- Set and control ---- */

static void print_interval(FILE *f, const cril_interval *v, int digits, double scale, int columns)
{
    char text[32] = "-";

    if (v->resamples)
        snprintf(text, sizeof(text), "%.*f - %.*f", digits, scale * v->low, digits,
                 scale * v->high);
    fprintf(f, "  %-*s", columns, text);
}

static void print_separation(FILE *f, const char *name, const cril_separation *s)
{
    fprintf(f, "%-*s %7.4f", SCORE_COLUMNS, name, s->auc);
    print_interval(f, &s->auc_interval, 4, 1, INTERVAL_COLUMNS);
    fprintf(f, " %7.1f", 100 * s->tpr_1);
    print_interval(f, &s->tpr_1_interval, 1, 100, INTERVAL_COLUMNS);
    fprintf(f, " %7.1f", 100 * s->tpr_5);
    print_interval(f, &s->tpr_5_interval, 1, 100, 0); /* ends the line */
    putc('\n', f);
}

static void print_separations(FILE *f, const struct cril_leak_found *x)
{
    const cril_interval *v = &x->separations[CRIL_MEMBERSHIP_LOSS].separation.auc_interval;
    char name[32], heading[32] = "interval";

    if (v->resamples)
        snprintf(heading, sizeof(heading), "%.0f %% interval", 100 * v->level);
    fprintf(f, "\n%-*s %7s  %-15s %7s  %-15s %7s  %s\n", SCORE_COLUMNS, "corpora : control", "AUC",
            heading, "TPR %", "at 1 % FPR", "TPR %", "at 5 % FPR");
    for (size_t i = 0; i < CRIL_MEMBERSHIP_SCORES; i++)
        if (x->separations[i].n_set && x->separations[i].n_control)
            print_separation(f, label(i, name), &x->separations[i].separation);
    if (x->has_blind)
        print_separation(f, "blind: no model", &x->blind.separation);
}

/* ---- By time ---- */

/* The largest change; at a level of 95 % it is a break where chance makes one as large less often
 * than 1 in 20 times. */
static void print_change(FILE *f, const struct cril_leak_found *x)
{
    const cril_membership_times *t = &x->times;
    const cril_change *c = &t->change;
    const uint64_t level = x->run->set->level;
    const double rare = 1 - (level ? (double)level / 100 : 0.95);

    if (!c->at) {
        fputs("\nNo break can be looked for: it needs 2 months, and 2 documents on each side.\n",
              f);
        return;
    }
    fprintf(f, "\n%s: BPC %.4f to %s, %.4f from %s on; p = %.4f by %zu permutations.\n",
            c->p < rare ? "A break" : "No break; the largest change", c->before,
            t->months[c->at - 1].month, c->after, t->months[c->at].month, c->p, c->permutations);
}

static void print_months(FILE *f, const struct cril_leak_found *x)
{
    const cril_membership_times *t = &x->times;

    fprintf(f, "\n%-8s %10s %8s  %s\n", "month", "documents", "BPC", "interval");
    for (size_t i = 0; i < t->n; i++) {
        const cril_membership_month *m = &t->months[i];

        fprintf(f, "%-8s %10zu %8.4f", m->month, m->documents, m->bpc);
        print_interval(f, &m->interval, 4, 1, 0);
        putc('\n', f);
    }
    if (t->undated)
        fprintf(f, "%-8s %10zu\n", "no date", t->undated);
    print_change(f, x);
}

/* ---- What follows ---- */

/* Scores whose AUC is above that of the blind classifier, by their intervals. */
static void print_above(FILE *f, const struct cril_leak_found *x)
{
    const double high = x->blind.separation.auc_interval.high;
    int n = 0, above = 0;

    for (size_t i = 0; i < CRIL_MEMBERSHIP_SCORES; i++) {
        const cril_membership_separation *s = &x->separations[i];

        n += s->n_set && s->n_control;
        above += s->n_set && s->n_control && s->separation.auc_interval.low > high;
    }
    fprintf(f,
            "A classifier that sees no model does not tell corpora and control apart. %d of %d "
            "scores do so better\n(their interval lies above %.4f, the upper end of its own): what "
            "they tell apart is what the model knows.\n",
            above, n, high);
}

static void print_conclusion(FILE *f, const struct cril_leak_found *x)
{
    putc('\n', f);
    if (!x->has_control) {
        fputs("Without --control the scores say how texts differ, and not what the model has seen. "
              "Give texts of the\nsame kind that the model cannot have seen.\n",
              f);
        return;
    }
    switch (cril_membership_judge(x->has_blind ? &x->blind : NULL)) {
    case CRIL_TEXTS_ALIKE: print_above(f, x); break;
    case CRIL_TEXTS_DIFFER:
        fprintf(f,
                "Nothing can be concluded: the texts differ by themselves. A classifier that sees "
                "no model tells\ncorpora and control apart (AUC %.4f). Give a control of the same "
                "kind.\n",
                x->blind.separation.auc);
        break;
    case CRIL_TEXTS_TOO_FEW:
        fprintf(f,
                "Nothing can be concluded: corpora and control need %d documents with scores "
                "each.\n",
                CRIL_MEMBERSHIP_MIN_DOCUMENTS);
        break;
    }
}

void cril_leak_print(FILE *f, const struct cril_leak_found *x)
{
    print_corpora(f, x);
    print_means(f, x);
    if (x->has_control)
        print_separations(f, x);
    if (x->run->set->by)
        print_months(f, x);
    print_conclusion(f, x);
}
