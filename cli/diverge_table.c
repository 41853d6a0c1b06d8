/*
 * The tables of cril diverge: what llama-perplexity --kl-divergence prints, under its labels, with
 * intervals by documents in the place of errors by tokens; tokens that differ most; the curve by
 * position; a row for each model.
 */
#include "diverging.h"
#include "naming.h"
#include "output.h"
#include "table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const cril_divergence_figures *cril_diverging_figures(const struct cril_diverging *d, size_t model,
                                                      size_t corpus)
{
    return &d->figures[(model - 1) * (1 + d->n_corpora) + (corpus == SIZE_MAX ? 0 : 1 + corpus)];
}

double cril_diverging_bits_a_weight(const cril_model *m)
{
    return 8 * (double)cril_model_weight_bytes(m) / (double)cril_model_parameters(m);
}

char *cril_diverging_text(const struct cril_diverging *d, const int32_t *ids, size_t n, size_t *len)
{
    const cril_tokenizer *t = cril_model_tokenizer(d->models[0]);
    char *text = NULL;
    FILE *f = open_memstream(&text, len);

    for (size_t i = 0; f && i < n; i++) {
        size_t piece_len = 0;
        const char *piece = cril_tokenizer_piece(t, ids[i], &piece_len);

        if (piece)
            fwrite(piece, 1, piece_len, f);
    }
    if (!f || fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- Statistics of a model ---- */

/* "  (low .. high)", in units of 1 / scale; nothing where there is no interval. */
static void print_interval(FILE *f, const cril_interval *v, int digits, double scale)
{
    if (v->resamples)
        fprintf(f, "  (%.*f .. %.*f)", digits, scale * v->low, digits, scale * v->high);
    putc('\n', f);
}

static void print_perplexities(FILE *f, const cril_divergence_figures *x)
{
    fprintf(f,
            "====== Perplexity statistics ======\n"
            "Mean PPL(Q)                   : %10.6f",
            x->ppl);
    print_interval(f, &x->ppl_interval, 6, 1);
    fprintf(f, "Mean PPL(base)                : %10.6f", x->ppl_base);
    print_interval(f, &x->ppl_base_interval, 6, 1);
    if (isfinite(x->correlation))
        fprintf(f, "Cor(ln(PPL(Q)), ln(PPL(base))): %6.2f%%\n", 100 * x->correlation);
    else
        fputs("Cor(ln(PPL(Q)), ln(PPL(base))): not defined, a model's figures do not vary\n", f);
    fprintf(f, "Mean ln(PPL(Q)/PPL(base))     : %10.6f", x->ln_ppl_ratio);
    print_interval(f, &x->ln_ppl_ratio_interval, 6, 1);
    fprintf(f, "Mean PPL(Q)/PPL(base)         : %10.6f", x->ppl_ratio);
    print_interval(f, &x->ppl_ratio_interval, 6, 1);
    fprintf(f, "Mean PPL(Q)-PPL(base)         : %10.6f\n", x->ppl - x->ppl_base);
}

/* Percentiles from the largest down, in units of 1 / scale. */
static void print_percentiles(FILE *f, const double *x, const char *what, int width, int digits,
                              double scale, const char *unit)
{
    static const char *const labels[CRIL_PERCENTILES] = {
        "Minimum", " 0.1%  ", " 1.0%  ", " 5.0%  ", "10.0%  ", "25.0%  ", "Median ",
        "75.0%  ", "90.0%  ", "95.0%  ", "99.0%  ", "99.9%  ", "Maximum"};

    for (size_t i = CRIL_PERCENTILES; i-- > 0;)
        fprintf(f, "%s %s: %*.*f%s\n", labels[i], what, width, digits, scale * x[i], unit);
}

static void print_statistics(FILE *f, const cril_divergence_figures *x)
{
    print_perplexities(f, x);
    fprintf(f, "\n====== KL divergence statistics ======\nMean    KLD: %10.6f", x->mean_kl);
    print_interval(f, &x->mean_kl_interval, 6, 1);
    print_percentiles(f, x->kl, "KLD", 10, 6, 1, "");
    fprintf(f, "\n====== Token probability statistics ======\nMean    \u0394p: %7.3f%%",
            100 * x->mean_dp);
    print_interval(f, &x->mean_dp_interval, 3, 100);
    print_percentiles(f, x->dp, "\u0394p", 7, 3, 100, "%");
    fprintf(f, "RMS \u0394p    : %7.3f%%", 100 * x->rms_dp);
    print_interval(f, &x->rms_dp_interval, 3, 100);
    fprintf(f, "Same top p: %7.3f%%", 100 * x->same_top);
    print_interval(f, &x->same_top_interval, 3, 100);
}

/* ---- By corpus, by position ---- */

static void print_corpora(FILE *f, const struct cril_diverging *d, size_t model)
{
    int width = cril_text_width("corpus");

    for (size_t i = 0; i < d->n_corpora; i++)
        cril_widen(&width, d->bases[i].corpus_path);
    fprintf(f, "\n%-*s %9s %9s %10s %9s %12s %9s %9s\n", width, "corpus", "documents", "tokens",
            "mean KLD", "same top", "ln PPL ratio", "BPC", "BPC base");
    for (size_t i = 0; i < d->n_corpora; i++) {
        const cril_divergence_figures *x = cril_diverging_figures(d, model, i);

        cril_print_padded(f, d->bases[i].corpus_path, width);
        fprintf(f, " %9" PRIu64 " %9" PRIu64 " %10.6f %8.3f%% %12.6f %9.4f %9.4f\n", x->documents,
                x->tokens, x->mean_kl, 100 * x->same_top, x->ln_ppl_ratio, x->bpc, x->bpc_base);
    }
}

static void print_positions(FILE *f, const cril_divergence_figures *x)
{
    fprintf(f, "\n%21s %9s %10s\n", "tokens read before", "tokens", "mean KLD");
    for (size_t i = 0; i < CRIL_DIVERGE_POSITIONS; i++) {
        const uint64_t from = (uint64_t)1 << i;

        if (x->position_tokens[i])
            fprintf(f, "%10" PRIu64 " .. %7" PRIu64 " %9" PRIu64 " %10.6f\n", from, 2 * from - 1,
                    x->position_tokens[i], x->position_kl[i]);
    }
}

/* ---- Tokens that differ most ---- */

static void print_ids(FILE *f, const struct cril_diverging *d, const int32_t *ids, size_t n)
{
    size_t len;
    char *text = cril_diverging_text(d, ids, n, &len);

    if (text)
        cril_print_escaped(f, text, len);
    free(text);
}

static void print_worst(FILE *f, const struct cril_diverging *d, size_t model)
{
    size_t n;
    const cril_diverging_token *w = cril_diverge_worst(d->diverger, model, &n);

    if (n > d->top)
        n = d->top;
    if (n)
        fprintf(f, "\n%10s %12s %12s  token in its text\n", "KLD", "-ln p base", "-ln p");
    for (size_t i = 0; i < n; i++, w++) {
        fprintf(f, "%10.4f %12.4f %12.4f  ", w->kl, w->nats_base, w->nats);
        print_ids(f, d, w->window, w->n_before);
        fputs("\u27e6", f);
        print_ids(f, d, &w->id, 1);
        fputs("\u27e7", f);
        print_ids(f, d, w->window + w->n_before + 1, w->n_after);
        fprintf(f, "\n%36s  document %" PRIu64 " of ", "", w->document);
        cril_print_escaped(f, d->bases[w->corpus].corpus_path,
                           strlen(d->bases[w->corpus].corpus_path));
        fprintf(f, ", token %" PRIu64 "\n", w->position);
    }
}

/* ---- A row a model ---- */

static void print_model_row(FILE *f, const struct cril_diverging *d, size_t model, int width)
{
    const cril_divergence_figures *x = cril_diverging_figures(d, model ? model : 1, SIZE_MAX);
    const double speed = cril_diverge_speed(d->diverger, model);
    char interval[64] = "-";

    cril_print_padded(f, cril_model_path(d->models[model]), width);
    fprintf(f, " %13" PRIu64 " %6.2f", cril_model_bytes(d->models[model]),
            cril_diverging_bits_a_weight(d->models[model]));
    if (!model) {
        fprintf(f, " %10s %23s %9s %9s %9.4f %8.0f\n", "-", "-", "-", "-", x->bpc_base, speed);
        return;
    }
    if (x->mean_kl_interval.resamples)
        snprintf(interval, sizeof(interval), "%.6f .. %.6f", x->mean_kl_interval.low,
                 x->mean_kl_interval.high);
    fprintf(f, " %10.6f %23s %8.3f%% %9.6f %9.4f %8.0f\n", x->mean_kl, interval, 100 * x->same_top,
            x->ppl_ratio, x->bpc, speed);
}

static void print_models(FILE *f, const struct cril_diverging *d)
{
    int width = cril_text_width("model");

    for (size_t i = 0; i < d->n_models; i++)
        cril_widen(&width, cril_model_path(d->models[i]));
    fprintf(f, "%-*s %13s %6s %10s %23s %9s %9s %9s %8s\n", width, "model", "bytes", "bits/w",
            "mean KLD", "interval", "same top", "PPL ratio", "BPC", "tokens/s");
    for (size_t i = 0; i < d->n_models; i++)
        print_model_row(f, d, i, width);
}

static void print_details(FILE *f, const struct cril_diverging *d, size_t model)
{
    const cril_divergence_figures *x = cril_diverging_figures(d, model, SIZE_MAX);

    fputs("Q: ", f);
    cril_print_model(f, cril_model_name(d->models[model]), cril_model_types(d->models[model]),
                     cril_model_path(d->models[model]));
    fprintf(f, "\n%" PRIu64 " tokens of %" PRIu64 " documents\n\n", x->tokens, x->documents);
    print_statistics(f, x);
    if (d->n_corpora > 1)
        print_corpora(f, d, model);
    print_positions(f, x);
    print_worst(f, d, model);
    putc('\n', f);
}

void cril_diverging_print(FILE *f, const struct cril_diverging *d, bool details)
{
    fputs("base: ", f);
    cril_print_model(f, cril_model_name(d->models[0]), cril_model_types(d->models[0]),
                     cril_model_path(d->models[0]));
    fprintf(f, ", protocol %s, context %zu", d->bases[0].protocol, d->bases[0].context);
    if (d->bases[0].stride)
        fprintf(f, ", stride %zu", d->bases[0].stride);
    fputs("\n\n", f);
    for (size_t i = 1; i < d->n_models && (details || d->n_models == 2); i++)
        print_details(f, d, i);
    print_models(f, d);
}
