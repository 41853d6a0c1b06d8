/*
 * A file of results may have been changed by hand, cut or put together. Sums that are not those of
 * the documents, figures that are not those of the sums, and counts that no run can have are found
 * here, each with a sentence that names the field. Real numbers may differ by rounding: another
 * program may have rewritten the file.
 */
#include "report/json_check.h"

#include "stats/same.h"
#include "util/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdarg.h>
#include <string.h>

struct check {
    const json_t *o; /* the result, or a part of it */
    const cril_result *r;
    char *what; /* [CRIL_CONTRADICTION] */
};

static bool agree(double a, double b)
{
    return isfinite(a) && isfinite(b) && cril_same(a, b);
}

bool cril_json_agrees(const json_t *v, double want)
{
    if (!isfinite(want))
        return json_is_null(v);
    return json_is_number(v) && agree(json_number_value(v), want);
}

/* Sets the sentence; false. */
static bool contradict(const struct check *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool contradict(const struct check *c, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    cril_format(c->what, CRIL_CONTRADICTION, format, ap);
    va_end(ap);
    return false;
}

static bool wrong(const struct check *c, const char *field, const char *rest)
{
    return contradict(c, "%s %s", field, rest);
}

/* ---- Sums of documents ---- */

static bool wrong_sum(const struct check *c, const char *name, uint64_t total, uint64_t sum)
{
    return contradict(c, "%s is %" PRIu64 ", but its documents have %s%" PRIu64, name, total,
                      sum > total ? "at least " : "", sum);
}

/* Counts below 2^63, so that a sum that has passed the total has not wrapped. */
#define CHECK_SUM(field)                                                                           \
    do {                                                                                           \
        uint64_t sum = 0;                                                                          \
                                                                                                   \
        for (uint64_t i = 0; i < r->documents && sum <= r->field; i++)                             \
            sum += r->per_document[i].field;                                                       \
        if (sum != r->field)                                                                       \
            return wrong_sum(c, #field, r->field, sum);                                            \
    } while (0)

static bool check_sums(const struct check *c)
{
    const cril_result *r = c->r;
    uint64_t unspelled = 0;
    double nats = 0;

    for (uint64_t i = 0; i < r->documents; i++)
        nats += r->per_document[i].nats;
    if (!agree(nats, r->nats))
        return contradict(c, "nats is %.17g, but its documents have %.17g", r->nats, nats);
    CHECK_SUM(tokens);
    CHECK_SUM(scored_tokens);
    CHECK_SUM(characters);
    CHECK_SUM(bytes);
    CHECK_SUM(unspelled_characters);
    CHECK_SUM(escape_bytes);
    for (uint64_t i = 0; i < r->documents; i++)
        unspelled += r->per_document[i].unspelled_characters > 0;
    if (unspelled != r->unspelled_documents)
        return wrong_sum(c, "unspelled_documents", r->unspelled_documents, unspelled);
    return true;
}

/* What holds for any document by any protocol. */
static bool check_documents(const struct check *c)
{
    const cril_result *r = c->r;

    for (uint64_t i = 0; i < r->documents; i++) {
        const cril_document_score *d = &r->per_document[i];

        if (i && d->index <= d[-1].index)
            return wrong(c, "per_document.index", "does not grow");
        if (d->scored_tokens > d->tokens)
            return wrong(c, "per_document.scored_tokens", "has more than the document's tokens");
        if (d->characters > d->bytes)
            return wrong(c, "per_document.characters", "has more than the document's bytes");
        if (!d->scored_tokens && d->nats > 0)
            return wrong(c, "per_document.nats", "has some where no token was scored");
    }
    return true;
}

/* An input predicts one token at most; in "document" alone the first token may have none. */
static bool check_inputs(const struct check *c)
{
    const cril_result *r = c->r;
    const uint64_t without = strcmp(r->protocol, "document") == 0 ? r->documents : 0;

    if (r->scored_tokens > r->forward_tokens && r->scored_tokens - r->forward_tokens > without)
        return wrong(c, "forward_tokens", "is too small for the scored tokens");
    return true;
}

/* ---- Figures ---- */

/* A field that may be absent. */
static bool check_real(const struct check *c, const char *name, double want)
{
    const json_t *v = json_object_get(c->o, name);

    if (!v || cril_json_agrees(v, want))
        return true;
    if (isfinite(want))
        return contradict(c, "%s is not %.17g, which follows from the sums", name, want);
    return contradict(c, "%s is not null, which follows from the sums", name);
}

static bool check_figures(const struct check *c)
{
    const cril_result *r = c->r;

    return check_real(c, "bpc", cril_result_bpc(r)) && check_real(c, "bpb", cril_result_bpb(r)) &&
           check_real(c, "bpc_with_escapes", cril_result_bpc_with_escapes(r)) &&
           check_real(c, "bits", cril_result_bits(r)) &&
           check_real(c, "bits_per_token", cril_result_bits_per_token(r)) &&
           check_real(c, "perplexity", cril_result_perplexity(r));
}

/* A resample's ratio lies between the smallest and the largest of its documents. */
static bool check_interval(const struct check *c)
{
    const cril_result *r = c->r;
    double min = INFINITY, max = 0;
    uint64_t n = 0;

    for (uint64_t i = 0; i < r->documents; i++) {
        const cril_document_score *d = &r->per_document[i];
        const double bpc = d->nats / CRIL_LN2 / (double)d->characters;

        if (!d->characters && d->nats > 0) /* costs what no character counts for */
            max = INFINITY;
        if (!d->characters)
            continue;
        min = fmin(min, bpc);
        max = fmax(max, bpc);
        n++;
    }
    if (!r->interval.resamples)
        return true;
    if (n < 2)
        return wrong(c, "interval", "is of fewer than 2 documents with characters");
    if ((r->interval.low < min && !cril_same(r->interval.low, min)) ||
        (r->interval.high > max && !cril_same(r->interval.high, max)))
        return wrong(c, "interval", "reaches beyond the figures of all documents");
    return true;
}

/* ---- Parts ---- */

static bool check_compressors(const struct check *c)
{
    const json_t *list = json_object_get(c->o, "compressors");
    const cril_result *r = c->r;

    for (size_t i = 0; i < r->n_baselines; i++) {
        const struct check one = {json_array_get(list, i), r, c->what};

        for (size_t k = 0; k < i; k++)
            if (strcmp(r->baselines[k].name, r->baselines[i].name) == 0)
                return wrong(c, "baselines", "names a compressor twice");
        if (!check_real(&one, "bpc",
                        8 * (double)r->baselines[i].bytes / (double)r->text_characters))
            return false;
    }
    return true;
}

static bool check_baselines(const struct check *whole)
{
    const cril_result *r = whole->r;
    const struct check c = {json_object_get(whole->o, "baselines"), r, whole->what};
    double even;

    if (!c.o)
        return true;
    if (r->text_characters < r->characters)
        return wrong(&c, "baselines.characters", "is less than the characters that were scored");
    if (r->text_characters > r->text_bytes)
        return wrong(&c, "baselines.characters", "is more than the text's bytes");
    even = r->model_bytes ? cril_result_break_even(r) : NAN; /* files of before: not known */
    return check_compressors(&c) && check_real(&c, "archive_bytes", cril_result_archive_bytes(r)) &&
           (isnan(even) || (check_real(&c, "break_even_characters", even) &&
                            check_real(&c, "break_even_bytes",
                                       even * (double)r->text_bytes / (double)r->text_characters)));
}

static bool get_count(const json_t *o, const char *name, uint64_t *out)
{
    const json_t *v = json_object_get(o, name);

    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *out = (uint64_t)json_integer_value(v);
    return true;
}

/* No reader keeps a proof; it is only checked against its result. */
static bool check_proof(const struct check *whole)
{
    const cril_result *r = whole->r;
    const struct check c = {json_object_get(whole->o, "proof"), r, whole->what};
    const json_t *nats = json_object_get(c.o, "ideal_nats");
    cril_proof p = {.characters = r->characters, .ideal_nats = json_number_value(nats)};
    uint64_t coded_bits;

    if (!c.o)
        return true;
    if (!json_is_number(nats) || !(p.ideal_nats >= 0) ||
        !get_count(c.o, "documents", &p.documents) || !get_count(c.o, "respelled", &p.respelled) ||
        !get_count(c.o, "kept", &p.kept) || !get_count(c.o, "coded_bits", &coded_bits) ||
        !get_count(c.o, "archive_bytes", &p.archive_bytes))
        return wrong(&c, "proof", "lacks a number");
    p.code_bytes = coded_bits / 8;
    if (p.documents != r->documents)
        return wrong(&c, "proof.documents", "is not the number of documents");
    if (p.respelled > p.documents || p.kept > p.documents)
        return wrong(&c, "proof", "counts more documents than there are");
    if (coded_bits % 8 || p.code_bytes > p.archive_bytes)
        return wrong(&c, "proof.coded_bits", "is not a part of the archive's bytes");
    if (!p.respelled && !p.kept && !agree(p.ideal_nats, r->nats))
        return wrong(&c, "proof.ideal_nats",
                     "is not nats, though no document is respelled or kept");
    return check_real(&c, "ideal_bits", cril_proof_ideal_bits(&p)) &&
           check_real(&c, "overhead", cril_proof_overhead(&p)) &&
           check_real(&c, "bpc", cril_proof_bpc(&p));
}

bool cril_result_consistent(const json_t *o, const cril_result *r, char what[CRIL_CONTRADICTION])
{
    const struct check c = {o, r, what};

    return check_documents(&c) && check_sums(&c) && check_inputs(&c) && check_figures(&c) &&
           check_interval(&c) && check_baselines(&c) && check_proof(&c);
}
