/* The figures that follow from a result's sums (doc/scoring.md, "Figures"). */
#include <cril/score.h>

#include "kernels/fmath.h"

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

void cril_result_free(cril_result *r)
{
    if (!r)
        return;
    free(r->model_name);
    free(r->model_architecture);
    free(r->corpus_path);
    free(r->per_document);
    *r = (cril_result){0};
}
