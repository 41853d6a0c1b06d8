#include "ranking.h"

#include "output.h"
#include "stopping.h"
#include "table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a model, on a corpus or on average. */
struct place {
    size_t model;
    double bpc, seconds, tokens;
    cril_comparison beside; /* the best */
};

static const cril_result *result_of(const struct cril_ranking *r, size_t model, size_t corpus)
{
    return &r->results[model * r->n_corpora + corpus];
}

/* Corpora that a table is of. */
struct span {
    size_t first, n;
};

static struct place place_of(const struct cril_ranking *r, size_t model, struct span s)
{
    struct place p = {.model = model};

    for (size_t i = 0; i < s.n; i++) {
        const cril_result *x = result_of(r, model, s.first + i);

        p.bpc += cril_result_bpc_with_escapes(x) / (double)s.n;
        p.seconds += x->seconds;
        p.tokens += (double)x->forward_tokens;
    }
    return p;
}

/* Of equals the one that was given first. */
static int by_bpc(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->bpc < y->bpc || x->bpc > y->bpc)
        return x->bpc < y->bpc ? -1 : 1;
    return (x->model > y->model) - (x->model < y->model);
}

/* The comparison with the best: documents paired, those of all corpora of the span. */
static cril_status put_beside(const struct cril_ranking *r, struct span s, size_t best,
                              struct place *p, cril_error *err)
{
    cril_result_pair *pairs = calloc(s.n, sizeof(*pairs));
    cril_status st;

    if (!pairs) {
        *err = (cril_error){.status = CRIL_ERR_NOMEM, .message = "out of memory"};
        return CRIL_ERR_NOMEM;
    }
    for (size_t i = 0; i < s.n; i++)
        pairs[i] = (cril_result_pair){result_of(r, best, s.first + i),
                                      result_of(r, p->model, s.first + i)};
    p->beside.interval = r->interval;
    st = cril_compare_average(pairs, s.n, &p->beside, err);
    free(pairs);
    return st;
}

const char *cril_verdict_words(cril_verdict verdict)
{
    static const char *const words[] = {[CRIL_VERDICT_NONE] = "too few documents",
                                        [CRIL_VERDICT_SAME] = "the same",
                                        [CRIL_VERDICT_FEWER] = "fewer bits",
                                        [CRIL_VERDICT_MORE] = "more bits",
                                        [CRIL_VERDICT_OPEN] = "undecided"};

    return words[verdict];
}

static void print_place(FILE *f, const struct cril_ranking *r, const struct place *p, bool is_best,
                        int width)
{
    const cril_interval *v = &p->beside.interval;
    char interval[64] = "-";

    cril_print_padded(f, result_of(r, p->model, 0)->model_path, width);
    fprintf(f, " %9.4f", p->bpc);
    if (v->resamples)
        snprintf(interval, sizeof(interval), "%+.6f .. %+.6f", v->low, v->high);
    if (is_best)
        fprintf(f, " %10s %24s  %-17s", "-", "-", "best");
    else
        fprintf(f, " %+10.6f %24s  %-17s", p->beside.difference, interval,
                cril_verdict_words(p->beside.verdict));
    fprintf(f, " %8.0f\n", p->seconds > 0 ? p->tokens / p->seconds : 0);
}

static bool print_span(FILE *f, const struct cril_ranking *r, struct span s, const char *title,
                       int width)
{
    struct place *places = calloc(r->n_models, sizeof(*places));
    cril_error err;
    bool good = places != NULL;
    char interval[32];

    if (!places)
        cril_print_error("out of memory");
    for (size_t i = 0; i < r->n_models && good; i++)
        places[i] = place_of(r, i, s);
    if (good)
        qsort(places, r->n_models, sizeof(*places), by_bpc);
    for (size_t i = 1; i < r->n_models && good; i++)
        if (put_beside(r, s, places[0].model, &places[i], &err) != CRIL_OK) {
            cril_print_error("%s", err.message);
            good = false;
        }
    snprintf(interval, sizeof(interval), "%.0f %% interval",
             100 * (r->interval.level > 0 ? r->interval.level : .95));
    if (good) {
        cril_print_padded(f, title, width);
        fprintf(f, " %9s %10s %24s  %-17s %8s\n", "BPC", "- best", interval, "beside the best",
                "tokens/s");
    }
    for (size_t i = 0; i < r->n_models && places; i++) {
        if (good)
            print_place(f, r, &places[i], !i, width);
        cril_comparison_free(&places[i].beside);
    }
    free(places);
    return good;
}

static bool some_unspelled(const struct cril_ranking *r)
{
    for (size_t i = 0; i < r->n_models * r->n_corpora; i++)
        if (r->results[i].unspelled_characters)
            return true;
    return false;
}

bool cril_ranking_print(FILE *f, const struct cril_ranking *r)
{
    int width = cril_text_width("average");
    bool good = true;

    for (size_t i = 0; i < r->n_models; i++)
        cril_widen(&width, result_of(r, i, 0)->model_path);
    for (size_t i = 0; i < r->n_corpora; i++)
        cril_widen(&width, r->results[i].corpus_path);
    fprintf(f, "protocol %s, context %zu", r->results[0].protocol, r->results[0].context);
    if (r->results[0].stride)
        fprintf(f, ", stride %zu", r->results[0].stride);
    putc('\n', f);
    for (size_t i = 0; i < r->n_corpora && good; i++) {
        putc('\n', f);
        good = print_span(f, r, (struct span){i, 1}, r->results[i].corpus_path, width);
    }
    if (good && r->n_corpora > 1) {
        putc('\n', f);
        good = print_span(f, r, (struct span){0, r->n_corpora}, "average", width);
    }
    if (good)
        cril_stopping_print(f, r->results, r->n_corpora);
    if (good && some_unspelled(r))
        fputs("\nThe tokens of a model do not spell all characters; its BPC includes the bytes "
              "that an\n"
              "archive needs for them.\n",
              f);
    return good;
}
