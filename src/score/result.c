/* A result's sums over its documents, and the figures that follow from them (doc/scoring.md,
 * "Figures"). */
#include "score/result.h"

#include "stats/sum.h"
#include "util/fail.h"
#include "util/fmath.h"
#include "util/size.h"

#include <math.h>
#include <stdlib.h>

enum { DEFAULT_RESAMPLES = 1000 };
static const double default_level = 0.95;

/* Bits of each document, then its characters: [2 * documents], owned. NULL: out of memory. */
static double *list_terms(const cril_result *r, cril_error *err)
{
    const size_t n = (size_t)r->documents;
    double *terms = NULL;
    size_t bytes;

    if (!cril_size_mul(n, 2 * sizeof(*terms), &bytes) || !(terms = malloc(bytes)))
        cril_fail(err, CRIL_ERR_NOMEM, "out of memory for the interval of %zu documents", n);
    for (size_t i = 0; terms && i < n; i++) {
        terms[i] = r->per_document[i].nats / CRIL_LN2;
        terms[n + i] = (double)r->per_document[i].characters;
    }
    return terms;
}

static cril_status estimate_interval(cril_result *r, cril_error *err)
{
    const size_t n = (size_t)r->documents;
    double *terms = list_terms(r, err);
    cril_status st;

    if (!terms)
        return CRIL_ERR_NOMEM;
    if (r->interval.level == 0)
        r->interval.level = default_level;
    if (!r->interval.resamples)
        r->interval.resamples = DEFAULT_RESAMPLES;
    st = cril_bootstrap_ratio(terms, terms + n, n, &r->interval, err);
    free(terms);
    return st;
}

cril_status cril_result_error(const cril_result *r, double *out, cril_error *err)
{
    const size_t n = (size_t)r->documents;
    double *terms = list_terms(r, err);
    cril_status st;

    if (!terms)
        return CRIL_ERR_NOMEM;
    st = cril_ratio_error(terms, terms + n, n, out, err);
    free(terms);
    return st;
}

void cril_result_add_up(cril_result *r)
{
    r->nats = 0;
    r->tokens = r->scored_tokens = r->characters = r->bytes = 0;
    r->unspelled_characters = r->unspelled_documents = r->escape_bytes = 0;
    for (uint64_t i = 0; i < r->documents; i++) {
        const cril_document_score *d = &r->per_document[i];

        r->nats += d->nats;
        r->tokens += d->tokens;
        r->scored_tokens += d->scored_tokens;
        r->characters += d->characters;
        r->bytes += d->bytes;
        r->unspelled_characters += d->unspelled_characters;
        r->unspelled_documents += d->unspelled_characters > 0;
        r->escape_bytes += d->escape_bytes;
    }
}

cril_status cril_result_sum(cril_result *r, cril_error *err)
{
    if (CRIL_LACKS(err, r) || (r->documents && CRIL_LACKS(err, r->per_document)))
        return CRIL_ERR_RANGE;

    cril_result_add_up(r);
    if (r->characters)
        return estimate_interval(r, err);
    r->interval = (cril_interval){0};
    return CRIL_OK;
}

static double over(double a, uint64_t b)
{
    return b ? a / (double)b : 0;
}

double cril_result_bits(const cril_result *r)
{
    return r ? r->nats / CRIL_LN2 : NAN;
}

double cril_result_bpc(const cril_result *r)
{
    return r ? over(cril_result_bits(r), r->characters) : NAN;
}

double cril_result_bpc_with_escapes(const cril_result *r)
{
    return r ? over(cril_result_bits(r) + 8 * (double)r->escape_bytes, r->characters) : NAN;
}

double cril_results_average(const cril_result *results, size_t n)
{
    struct cril_sum sum = {0};

    if (!results || !n)
        return NAN;
    for (size_t i = 0; i < n; i++)
        cril_sum_add(&sum, cril_result_bpc(&results[i]));
    return cril_sum_value(&sum) / (double)n;
}

double cril_result_bpb(const cril_result *r)
{
    return r ? over(cril_result_bits(r), r->bytes) : NAN;
}

double cril_result_bits_per_token(const cril_result *r)
{
    return r ? over(cril_result_bits(r), r->scored_tokens) : NAN;
}

double cril_perplexity(double nats)
{
    return nats <= 700 ? cril_exp(nats) : nats * INFINITY; /* a double ends at e^709 */
}

double cril_result_perplexity(const cril_result *r)
{
    return r ? cril_perplexity(over(r->nats, r->scored_tokens)) : NAN;
}

/* The factor is 1 unless the protocol scores a part of the text only. */
double cril_result_archive_bytes(const cril_result *r)
{
    if (!r)
        return NAN;

    const double text = (double)r->text_characters;

    return -floor(-(cril_result_bits(r) / 8 * over(text, r->characters))) + (double)r->escape_bytes;
}

const cril_baseline *cril_result_best_baseline(const cril_result *r)
{
    const cril_baseline *best = r ? r->baselines : NULL;

    for (size_t i = 1; best && i < r->n_baselines; i++)
        if (r->baselines[i].bytes < best->bytes)
            best = &r->baselines[i];
    return best;
}

/* T with T * best / 8 = model_bytes + T * bpc / 8. */
double cril_result_break_even(const cril_result *r)
{
    const cril_baseline *best = cril_result_best_baseline(r);
    const double saved =
        best ? over(8 * (double)best->bytes, r->text_characters) - cril_result_bpc(r) : 0;

    if (r && r->unspelled_characters)
        return NAN;
    return saved > 0 ? 8 * (double)r->model_bytes / saved : INFINITY;
}

void cril_result_free(cril_result *r)
{
    if (!r)
        return;
    free(r->model_name);
    free(r->model_architecture);
    free(r->model_cannot_say);
    for (size_t i = 0; i < r->n_model_warnings; i++)
        free(r->model_warnings[i]);
    free(r->model_warnings);
    free(r->model_path);
    free(r->model_types);
    free(r->corpus_path);
    free(r->corpus_field);
    free(r->corpus_prompt_field);
    free(r->per_document);
    free(r->baselines);
    free(r->until.order);
    free(r->until.journal);
    *r = (cril_result){0};
}
