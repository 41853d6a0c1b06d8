/* The table of cril score for one model, and what is said below it. */
#include "naming.h"
#include "scoring.h"
#include "stopping.h"
#include "table.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

FILE *cril_score_table(const struct cril_score_run *r)
{
    return r->result.file ? r->result.file : stdout;
}

void cril_score_print_header(const struct cril_score_run *r, const cril_result *first)
{
    FILE *f = cril_score_table(r);
    char interval[32];

    cril_print_model(f, cril_model_name(r->model), cril_model_types(r->model),
                     cril_model_path(r->model));
    fprintf(f, ", protocol %s", r->set->protocol ? r->set->protocol : cril_protocol_name(0));
    if (first)
        fprintf(f, ", context %zu", first->context);
    if (first && first->stride)
        fprintf(f, ", stride %zu", first->stride);
    if (r->set->corpus.prompt_field) {
        fputs(", behind prompts in ", f);
        cril_print_quoted(f, r->set->corpus.prompt_field, strlen(r->set->corpus.prompt_field));
    }
    snprintf(interval, sizeof(interval), "%" PRIu64 " %% interval",
             r->set->level ? r->set->level : 95);
    fprintf(f, "\n\n%-*s %9s %18s %9s %11s %10s %12s %9s\n", r->name_width, "corpus", "BPC",
            interval, "BPB", "bits/token", "documents", "characters", "tokens/s");
}

void cril_score_print_row(const struct cril_score_run *r, const cril_result *x)
{
    FILE *f = cril_score_table(r);
    char interval[64] = "-";

    if (x == &r->part)
        strcpy(interval, "partial");
    else if (x->interval.resamples) /* none for a single document */
        snprintf(interval, sizeof(interval), "%.4f - %.4f", x->interval.low, x->interval.high);
    cril_print_padded(f, r->name, r->name_width);
    fprintf(f, " %9.4f %18s %9.4f %11.4f %10" PRIu64 " %12" PRIu64 " %9.0f\n", cril_result_bpc(x),
            interval, cril_result_bpb(x), cril_result_bits_per_token(x), x->documents,
            x->characters, x->seconds > 0 ? (double)x->forward_tokens / x->seconds : 0);
}

/* The paper's figure: the mean of the corpora's BPC, each corpus counting the same. */
static void print_average(const struct cril_score_run *r)
{
    cril_print_padded(cril_score_table(r), "average", r->name_width);
    fprintf(cril_score_table(r), " %9.4f\n", cril_results_average(r->results, r->n_results));
}

static void print_unspelled_row(const struct cril_score_run *r, const cril_result *x)
{
    FILE *f = cril_score_table(r);

    cril_print_padded(f, x->corpus_path, r->name_width);
    fprintf(f, " %12" PRIu64 " %10" PRIu64 " %14" PRIu64 " %18.4f\n", x->unspelled_characters,
            x->unspelled_documents, x->escape_bytes, cril_result_bpc_with_escapes(x));
}

/* What BPC leaves out (doc/scoring.md, "Unspelled characters"). */
static void print_unspelled(const struct cril_score_run *r)
{
    FILE *f = cril_score_table(r);
    uint64_t n = 0;
    double sum = 0;

    for (size_t i = 0; i < r->n_results; i++) {
        n += r->results[i].unspelled_characters;
        sum += cril_result_bpc_with_escapes(&r->results[i]);
    }
    if (!n)
        return;
    putc('\n', f);
    cril_print_padded(f, "unspelled", r->name_width);
    fprintf(f, " %12s %10s %14s %18s\n", "characters", "documents", "escape bytes",
            "BPC with escapes");
    for (size_t i = 0; i < r->n_results; i++)
        if (r->results[i].unspelled_characters)
            print_unspelled_row(r, &r->results[i]);
    if (r->n_results > 1) {
        cril_print_padded(f, "average", r->name_width);
        fprintf(f, " %57.4f\n", sum / (double)r->n_results);
    }
    fputs("The model's tokens do not spell these characters, so BPC does not pay for them. An "
          "archive\n"
          "needs the escape bytes beside the tokens.\n",
          f);
}

/* A line of a corpus's second table: its text in so many bytes, alone and with the model. */
static void print_size(FILE *f, const cril_result *x, const char *what, int width, double bytes,
                       double bpc, double with)
{
    cril_print_padded(f, what, width);
    fprintf(f, " %12.0f %9.4f %8.4f %15.0f\n", bytes, bpc, bytes / (double)x->text_bytes, with);
}

/* How long a text must be for the model's file to be worth it. */
static void print_break_even(FILE *f, const cril_result *x)
{
    const double even = cril_result_break_even(x); /* characters */
    const double bytes = even * (double)x->text_bytes / (double)x->text_characters;
    const char *best = cril_result_best_baseline(x)->name;

    fprintf(f, "The model takes %" PRIu64 " bytes. ", x->model_bytes);
    if (isnan(even))
        fprintf(f,
                "Whether it pays for itself is not known: its tokens do not spell\n"
                "%" PRIu64 " character%s of this text.\n",
                x->unspelled_characters, x->unspelled_characters == 1 ? "" : "s");
    else if (isinf(even))
        fprintf(f, "It never pays for itself: %s needs no more bits a character.\n", best);
    else
        fprintf(f,
                "At these rates it has paid for itself, against %s,\n"
                "in a text of %.0f characters (%.0f bytes).\n",
                best, ceil(even), ceil(bytes));
}

/* The same text by ordinary compressors (doc/scoring.md, "Baselines"). */
static void print_baselines(const struct cril_score_run *r, const cril_result *x)
{
    static const char ideal[] = "model, ideal code";
    const int min = (int)sizeof(ideal) - 1;
    const int width = r->name_width > min ? r->name_width : min;
    const double per_byte = 8 / (double)x->text_characters; /* bits a character */
    const double text = (double)x->text_bytes, archive = cril_result_archive_bytes(x);
    FILE *f = cril_score_table(r);

    putc('\n', f);
    cril_print_padded(f, x->corpus_path, width);
    fprintf(f, " %12s %9s %8s %15s\n", "bytes", "BPC", "ratio", "with the model");
    print_size(f, x, "text", width, text, text * per_byte, text);
    print_size(f, x, ideal, width, archive, cril_result_bpc(x) + (double)x->escape_bytes * per_byte,
               archive + (double)x->model_bytes);
    for (size_t i = 0; i < x->n_baselines; i++) { /* their programs are not counted, nor is cril */
        const double bytes = (double)x->baselines[i].bytes;

        print_size(f, x, x->baselines[i].name, width, bytes, bytes * per_byte, bytes);
    }
    print_break_even(f, x);
}

void cril_score_print_rest(const struct cril_score_run *r)
{
    if (r->n_results > 1)
        print_average(r);
    cril_stopping_print(cril_score_table(r), r->results, r->n_results);
    print_unspelled(r);
    for (size_t i = 0; r->set->baselines && i < r->n_results; i++)
        print_baselines(r, &r->results[i]);
}
