/* The figures that follow from a result's sums (doc/scoring.md, "Figures"). */
#include <cril/score.h>

#include "util/fmath.h"

#include <math.h>
#include <stdlib.h>

static double over(double a, uint64_t b)
{
    return b ? a / (double)b : 0;
}

double cril_result_bits(const cril_result *r)
{
    return r->nats / CRIL_LN2;
}

double cril_result_bpc(const cril_result *r)
{
    return over(cril_result_bits(r), r->characters);
}

double cril_result_bpb(const cril_result *r)
{
    return over(cril_result_bits(r), r->bytes);
}

double cril_result_bits_per_token(const cril_result *r)
{
    return over(cril_result_bits(r), r->scored_tokens);
}

double cril_result_perplexity(const cril_result *r)
{
    const double mean = over(r->nats, r->scored_tokens);

    return mean <= 700 ? cril_exp(mean) : mean * INFINITY; /* a double ends at e^709; NaN stays NaN */
}

/* The factor is 1 unless the protocol scores a part of the text only. */
double cril_result_archive_bytes(const cril_result *r)
{
    const double text = (double)r->text_characters;

    return -floor(-(cril_result_bits(r) / 8 * over(text, r->characters)));
}

const cril_baseline *cril_result_best_baseline(const cril_result *r)
{
    const cril_baseline *best = r->baselines;

    for (size_t i = 1; i < r->n_baselines; i++)
        if (r->baselines[i].bytes < best->bytes)
            best = &r->baselines[i];
    return best;
}

/* T with T * best / 8 = model_bytes + T * bpc / 8. */
double cril_result_break_even(const cril_result *r)
{
    const double best = over(8 * (double)cril_result_best_baseline(r)->bytes, r->text_characters);
    const double saved = best - cril_result_bpc(r);

    return saved > 0 ? 8 * (double)r->model_bytes / saved : INFINITY;
}

void cril_result_free(cril_result *r)
{
    if (!r)
        return;
    free(r->model_name);
    free(r->model_architecture);
    free(r->corpus_path);
    free(r->per_document);
    free(r->baselines);
    *r = (cril_result){0};
}
