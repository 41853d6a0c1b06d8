/*
 * cril score: bits per character of corpora.
 *
 * Everything that can be refused is refused before the long work: options, corpora, output files,
 * the model. A table on standard output grows row by row; a file, and JSON in either place, is
 * written only when all corpora have been scored.
 */
#include "args.h"
#include "corpora.h"
#include "hub.h"
#include "models.h"
#include "naming.h"
#include "output.h"
#include "progress.h"
#include "proving.h"
#include "ranking.h"
#include "reads.h"
#include "runs_csv.h"
#include "table.h"
#include "warnings.h"

#include <cril/cpu.h>
#include <cril/number.h>
#include <cril/report.h>
#include <cril/score.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    struct cril_args_list models;
    const char *protocol, *field, *prompt_field, *format, *output, *csv, *per_document, *token_nats,
        *archive;
    uint64_t threads, memory, context, stride, batch, limit, level, resamples, seed;
    bool fetch, baselines, csv_safe, prove, json, force, strict, quiet, verbose;
};

#define AT(field) offsetof(struct settings, field)
#define COUNT .kind = CRIL_OPTION_NUMBER, .value = "N"
#define FLAG .kind = CRIL_OPTION_FLAG
#define TEXT .kind = CRIL_OPTION_TEXT

static const struct cril_option options[] = {
    {.group = "Model",
     .letter = 'm',
     .name = "model",
     .kind = CRIL_OPTION_LIST,
     .value = "FILE",
     .offset = AT(models),
     .help = "GGUF file (first part of a split one) or model's folder, or a pattern of them; "
             "several are ranked"},
    CRIL_FETCH_ROW(.offset = AT(fetch)),
    CRIL_THREADS_ROW(.offset = AT(threads),
                     .help = "threads (default: one a core); changes no figure"),
    CRIL_MEMORY_ROW(
            .offset = AT(memory),
            .help =
                "hold at most this much, such as 8G, also of a larger model; changes no figure"),
    CRIL_BATCH_ROW(.offset = AT(batch), .help = "tokens that go through a layer together; fewer "
                                                "need less memory, change no figure"),

    {.group = "What is measured",
     .name = "protocol",
     TEXT,
     .value = "NAME",
     .offset = AT(protocol),
     .choice = cril_protocol_name,
     .help = "rule for windows and scored tokens, see below (default: document)"},
    {.name = "context",
     COUNT,
     .offset = AT(context),
     .min = 1,
     .max = INT32_MAX,
     .help = "tokens of a window (default: the protocol's)"},
    {.name = "stride",
     COUNT,
     .offset = AT(stride),
     .min = 1,
     .max = INT32_MAX,
     .help = "tokens by which windows move (default: the protocol's)"},
    {.name = "baselines",
     FLAG,
     .offset = AT(baselines),
     .help = "compare with zstd -19, xz -9, brotli -q 11 and bzip2 -9 on the same text"},
    {.name = "prove",
     FLAG,
     .offset = AT(prove),
     .help = "compress what was scored, decode it, compare it with the corpus (protocol document)"},

    CRIL_CORPUS_ROWS,

    CRIL_INTERVAL_ROWS("Interval", "the documents"),

    {.group = "Output",
     .name = "json",
     FLAG,
     .offset = AT(json),
     .help = "JSON instead of a table"},
    {.letter = 'o',
     .name = "output",
     TEXT,
     .value = "FILE",
     .offset = AT(output),
     .help = "write the result to FILE (default: standard output)"},
    {.name = "csv",
     TEXT,
     .value = "FILE",
     .offset = AT(csv),
     .help = "also append a row for each model and corpus to FILE, with date and identity"},
    {.name = "per-document",
     TEXT,
     .value = "FILE",
     .offset = AT(per_document),
     .help = "also write a CSV file with one row a document"},
    {.name = "csv-safe",
     FLAG,
     .offset = AT(csv_safe),
     .help = "an apostrophe before a name there that a spreadsheet would compute"},
    {.name = "token-nats",
     TEXT,
     .value = "FILE",
     .offset = AT(token_nats),
     .help = "also write each scored token: document, position, id, nats, text"},
    {.name = "archive",
     TEXT,
     .value = "FILE",
     .offset = AT(archive),
     .help = "as --prove, and keep the archive as FILE"},
    {.letter = 'f',
     .name = "force",
     FLAG,
     .offset = AT(force),
     .help = "overwrite files that exist"},
    {.letter = 'q',
     .name = "quiet",
     FLAG,
     .offset = AT(quiet),
     .help = "no progress, no notes, no warnings"},
    {.letter = 'v',
     .name = "verbose",
     FLAG,
     .offset = AT(verbose),
     .help = "note identities, kernels, threads and times on standard error"},
    {.name = NULL},
};

static void print_protocols(void)
{
    fputs("\nProtocols:\n", stdout);
    for (size_t i = 0; cril_protocol_name(i); i++)
        printf("  %-13s%s\n", cril_protocol_name(i), cril_protocol_summary(i));
    fputs("\nA CORPUS is JSON Lines, CSV, plain text or a folder of them, plain or compressed "
          "(.gz, .zst,\n"
          ".xz, .bz2); '-' is standard input. BPC: bits per character; BPB: bits per byte.\n"
          "\nExamples:\n"
          "  cril score -m model.gguf corpus.jsonl.zst\n"
          "  cril score -m model.gguf --baselines --json -o a.json book.txt articles.csv\n"
          "  zcat dump.gz | cril score -m model.gguf --field text -\n"
          "  cril score -m model.gguf --prompt-field context --field continuation pairs.jsonl\n"
          "  cril score -m a.gguf -m 'ckpt-*/model.safetensors' --csv runs.csv corpus.jsonl\n",
          stdout);
}

struct run {
    const struct settings *set;
    const char *path; /* of the model at work, as given */
    cril_model *model;
    cril_scorer *scorer;
    char *const *corpora; /* [n_corpora] */
    size_t n_corpora;
    struct cril_output result, documents, tokens;
    struct cril_proving proving;
    struct cril_progress progress;
    const char *name;     /* of the corpus at hand, as given */
    cril_result part;     /* sums of its documents so far */
    cril_result *all;     /* [models][n_corpora] */
    cril_result *results; /* [n_corpora], of the model at work, within all */
    cril_proof *proofs;   /* [n_corpora]; NULL: not wanted */
    size_t n_results;
    int name_width;
};

/* What the corpus at hand is called in a sentence. */
static const char *spoken(const struct run *r)
{
    return cril_corpus_spoken(r->name);
}

/* Models are put side by side, instead of a row for each corpus of one. */
static bool is_ranking(const struct run *r)
{
    return r->set->models.n > 1;
}

/* Where the table goes. */
static FILE *table_file(const struct run *r)
{
    return r->result.file ? r->result.file : stdout;
}

/* ---- before the work ---- */

static int check_files(const struct cril_cmd *cmd, const struct settings *s, int n, char **corpora)
{
    enum { N_OUTPUTS = 5 };
    const char *const outputs[N_OUTPUTS] = {s->output ? s->output : "-", s->per_document,
                                            s->token_nats, s->archive, s->csv};
    const char *read_as;
    int code;

    if ((code = cril_corpora_note(cmd, n, corpora)) != CRIL_ARGS_GO_ON)
        return code;
    for (size_t i = 0; i < N_OUTPUTS; i++) {
        if (!outputs[i])
            continue;
        for (size_t k = 0; k < i; k++)
            if (outputs[k] && cril_same_file(outputs[i], outputs[k]))
                return cril_args_usage(cmd, "%s cannot take two outputs, give each its own file",
                                       strcmp(outputs[i], "-") == 0 ? "standard output"
                                                                    : outputs[i]);
        if ((read_as = cril_reads_as(outputs[i])) != NULL)
            return cril_args_usage(cmd, "%s is %s and cannot be an output",
                                   strcmp(outputs[i], "-") == 0 ? "standard output" : outputs[i],
                                   read_as);
    }
    return CRIL_ARGS_GO_ON;
}

static cril_corpus_options corpus_options(const struct settings *s)
{
    return (cril_corpus_options){.field = s->field,
                                 .prompt_field = s->prompt_field,
                                 .format = s->format,
                                 .strict = s->strict,
                                 .limit = s->limit};
}

/* What a text behind a prompt cannot be. */
static int check_prompts(const struct cril_cmd *cmd, const struct settings *s)
{
    const cril_corpus_options wanted = corpus_options(s);
    const int code = cril_corpora_check_prompts(cmd, s->protocol, &wanted);

    if (code == CRIL_ARGS_GO_ON && s->prove)
        return cril_args_usage(cmd, "%s cannot take --prompt-field: an archive holds whole texts",
                               s->archive ? "--archive" : "--prove");
    return code;
}

/* What is written of one model alone. */
static int check_one_model(const struct cril_cmd *cmd, const struct settings *s)
{
    const char *option = s->per_document ? "--per-document"
                         : s->token_nats ? "--token-nats"
                         : s->archive    ? "--archive"
                         : s->prove      ? "--prove"
                         : s->baselines  ? "--baselines"
                                         : NULL;

    return option && s->models.n > 1
               ? cril_args_usage(cmd, "%s takes one model, run it once for each", option)
               : CRIL_ARGS_GO_ON;
}

/* Several models read the corpora anew. */
static int check_read_again(const struct cril_cmd *cmd, const struct settings *s, int n,
                            char **corpora)
{
    for (int i = 0; i < n && s->models.n > 1; i++)
        if (cril_corpus_opens_once(corpora[i]))
            return cril_args_usage(cmd, "%s can be read once, and several models need it anew",
                                   cril_corpus_spoken(corpora[i]));
    return CRIL_ARGS_GO_ON;
}

static int check_usage(const struct cril_cmd *cmd, struct settings *s, int n, char **corpora)
{
    int code;

    if (!s->models.n)
        return cril_args_no_model(cmd, n, corpora);
    if (!n)
        return cril_args_usage(cmd, "no corpus given");
    if (s->context && s->stride > s->context)
        return cril_args_usage(cmd, "--stride %" PRIu64 " is larger than --context %" PRIu64,
                               s->stride, s->context);
    if (s->prompt_field && (code = check_prompts(cmd, s)) != CRIL_ARGS_GO_ON)
        return code;
    if (s->token_nats && n > 1)
        return cril_args_usage(cmd, "--token-nats takes one corpus, run it once for each");
    if (s->prove &&
        (code = cril_proving_check(cmd, s->protocol, s->archive, n, corpora)) != CRIL_ARGS_GO_ON)
        return code;
    if ((code = cril_models_locate(&s->models, s->fetch, s->quiet)) != CRIL_ARGS_GO_ON ||
        (code = check_one_model(cmd, s)) != CRIL_ARGS_GO_ON ||
        (code = check_read_again(cmd, s, n, corpora)) != CRIL_ARGS_GO_ON)
        return code;
    if (s->csv && strcmp(s->csv, "-") == 0)
        return cril_args_usage(cmd, "--csv takes a file, to which rows are appended");
    return check_files(cmd, s, n, corpora);
}

static bool open_outputs(struct run *r)
{
    const struct settings *s = r->set;

    if (s->output && strcmp(s->output, "-") != 0 &&
        !cril_output_open(&r->result, s->output, s->force))
        return false;
    if (s->per_document && !cril_output_open(&r->documents, s->per_document, s->force))
        return false;
    if (s->token_nats && !cril_output_open(&r->tokens, s->token_nats, s->force))
        return false;
    if (s->csv && !cril_runs_csv_check(s->csv))
        return false;
    if (s->prove && !cril_proving_open(&r->proving, s->archive, s->force))
        return false;
    if (r->documents.file)
        fputs("corpus,document,line,characters,bytes,tokens,scored_tokens,bits,bpc,"
              "unspelled_characters,escape_bytes\n",
              r->documents.file);
    if (r->tokens.file)
        fputs("document\tposition\tid\tnats\ttext\n", r->tokens.file);
    return true;
}

static bool open_model(struct run *r)
{
    const struct settings *s = r->set;
    const cril_score_options wanted = {.protocol = s->protocol,
                                       .context = (size_t)s->context,
                                       .stride = (size_t)s->stride,
                                       .threads = (unsigned)s->threads,
                                       .memory_bytes = (size_t)s->memory,
                                       .batch_tokens = (size_t)s->batch,
                                       .level = (double)s->level / 100,
                                       .resamples = (size_t)s->resamples,
                                       .seed = s->seed,
                                       .baselines = s->baselines};
    char sha256[65];
    cril_error err;

    if (cril_model_open(r->path, &r->model, &err) != CRIL_OK ||
        cril_scorer_create(r->model, &wanted, &r->scorer, &err) != CRIL_OK ||
        (s->verbose && cril_model_sha256(r->model, sha256, &err) != CRIL_OK)) {
        cril_print_error("%s", err.message);
        return false;
    }
    if (!s->quiet) {
        cril_print_warnings(r->model);
        cril_print_context_warning(r->model, cril_scorer_context(r->scorer));
    }
    if (s->verbose) {
        cril_print_note("%s: %s, %s, %" PRIu64 " parameters, SHA-256 %s", r->path,
                        cril_model_name(r->model), cril_model_architecture(r->model),
                        cril_model_parameters(r->model), sha256);
        if (s->threads)
            cril_print_note("kernels %s, threads %" PRIu64, cril_cpu_kernels(), s->threads);
        else
            cril_print_note("kernels %s, one thread a core", cril_cpu_kernels());
    }
    return true;
}

/* ---- while it goes on ---- */

static int write_document(struct run *r, const cril_document_score *d)
{
    FILE *f = r->documents.file;
    char bits[CRIL_NUMBER_SIZE], bpc[CRIL_NUMBER_SIZE] = "";

    errno = 0;
    cril_number_write(bits, d->nats / CRIL_LN2, 12);
    if (d->characters) /* where nothing of a document is scored there is no figure */
        cril_number_write(bpc, d->nats / CRIL_LN2 / (double)d->characters, 9);
    cril_print_csv(f, r->name, r->set->csv_safe);
    fprintf(f,
            ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
            ",%s,%s,%" PRIu64 ",%" PRIu64 "\n",
            d->index, d->line, d->characters, d->bytes, d->tokens, d->scored_tokens, bits, bpc,
            d->unspelled_characters, d->escape_bytes);
    if (ferror(f))
        cril_output_failed(&r->documents, errno);
    return ferror(f);
}

static int on_document(void *user, const cril_document_score *d)
{
    struct run *r = user;

    r->part.documents++;
    r->part.nats += d->nats;
    r->part.scored_tokens += d->scored_tokens;
    r->part.characters += d->characters;
    r->part.bytes += d->bytes;
    return r->documents.file ? write_document(r, d) : 0;
}

static int on_token(void *user, const cril_token_score *t)
{
    struct run *r = user;
    FILE *f = r->tokens.file;
    char nats[CRIL_NUMBER_SIZE];
    size_t len = 0;
    const char *text = cril_tokenizer_piece(cril_model_tokenizer(r->model), t->id, &len);

    errno = 0;
    fprintf(f, "%" PRIu64 "\t%" PRIu64 "\t%" PRId32 "\t%s\t", t->document, t->position, t->id,
            cril_number_write(nats, t->nats, 9));
    cril_print_quoted(f, text ? text : "", len);
    if (putc('\n', f) != EOF && !ferror(f))
        return 0;
    cril_output_failed(&r->tokens, errno);
    return 1;
}

static int on_progress(void *user, const cril_score_progress *p)
{
    const struct cril_progress_state state = {.fraction = p->fraction,
                                              .seconds = p->seconds,
                                              .tokens = p->forward_tokens,
                                              .figure = "BPC",
                                              .value = p->bpc};
    struct run *r = user;

    r->part.seconds = p->seconds;
    r->part.forward_tokens = p->forward_tokens;
    cril_progress_show(&r->progress, &state);
    return cril_output_signal() != 0;
}

/* ---- what was found ---- */

/* first: NULL where not even one corpus was finished. */
static void print_header(const struct run *r, const cril_result *first)
{
    FILE *f = table_file(r);
    char interval[32];

    cril_print_model(f, cril_model_name(r->model), cril_model_types(r->model),
                     cril_model_path(r->model));
    fprintf(f, ", protocol %s", r->set->protocol ? r->set->protocol : cril_protocol_name(0));
    if (first)
        fprintf(f, ", context %zu", first->context);
    if (first && first->stride)
        fprintf(f, ", stride %zu", first->stride);
    if (r->set->prompt_field) {
        fputs(", behind prompts in ", f);
        cril_print_quoted(f, r->set->prompt_field, strlen(r->set->prompt_field));
    }
    snprintf(interval, sizeof(interval), "%" PRIu64 " %% interval",
             r->set->level ? r->set->level : 95);
    fprintf(f, "\n\n%-*s %9s %18s %9s %11s %10s %12s %9s\n", r->name_width, "corpus", "BPC",
            interval, "BPB", "bits/token", "documents", "characters", "tokens/s");
}

static void print_row(const struct run *r, const cril_result *x)
{
    FILE *f = table_file(r);
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
static void print_average(const struct run *r)
{
    cril_print_padded(table_file(r), "average", r->name_width);
    fprintf(table_file(r), " %9.4f\n", cril_results_average(r->results, r->n_results));
}

static void print_unspelled_row(const struct run *r, const cril_result *x)
{
    FILE *f = table_file(r);

    cril_print_padded(f, x->corpus_path, r->name_width);
    fprintf(f, " %12" PRIu64 " %10" PRIu64 " %14" PRIu64 " %18.4f\n", x->unspelled_characters,
            x->unspelled_documents, x->escape_bytes, cril_result_bpc_with_escapes(x));
}

/* What BPC leaves out (doc/scoring.md, "Unspelled characters"). */
static void print_unspelled(const struct run *r)
{
    FILE *f = table_file(r);
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
static void print_baselines(const struct run *r, const cril_result *x)
{
    static const char ideal[] = "model, ideal code";
    const int min = (int)sizeof(ideal) - 1;
    const int width = r->name_width > min ? r->name_width : min;
    const double per_byte = 8 / (double)x->text_characters; /* bits a character */
    const double text = (double)x->text_bytes, archive = cril_result_archive_bytes(x);
    FILE *f = table_file(r);

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

static void print_notes(const struct run *r, const cril_result *x, const cril_corpus_stats *stats)
{
    const bool no_row = r->result.file || r->set->json || is_ranking(r);
    const char *model = is_ranking(r) ? r->path : "", *on = is_ranking(r) ? " on " : "";

    if (r->set->quiet)
        return;
    cril_corpus_note_dropped(r->name, stats);
    if (no_row && x->interval.resamples)
        cril_print_note("%s%s%s: BPC %.4f, %.0f %% interval %.4f - %.4f", model, on, spoken(r),
                        cril_result_bpc(x), 100 * x->interval.level, x->interval.low,
                        x->interval.high);
    else if (no_row)
        cril_print_note("%s%s%s: BPC %.4f", model, on, spoken(r), cril_result_bpc(x));
    if (r->set->verbose)
        cril_print_note("%s: %" PRIu64 " tokens, %" PRIu64 " of them scored, %" PRIu64
                        " through the model in %.1f s; SHA-256 %s",
                        spoken(r), x->tokens, x->scored_tokens, x->forward_tokens, x->seconds,
                        x->corpus_sha256);
}

/* The result after a signal: the corpora before, and some documents of the one at work. */
static void print_partial(const struct run *r)
{
    const char *plural = r->part.documents == 1 ? "" : "s";
    const bool in_table = !r->set->json && !r->result.file && !is_ranking(r);

    if (in_table && r->part.characters) {
        if (!r->n_results)
            print_header(r, NULL);
        print_row(r, &r->part);
    }
    if (in_table && (r->n_results || r->part.characters))
        printf("\nPartial: stopped by a signal after %zu of %zu corpora.\n", r->n_results,
               r->n_corpora);
    if (r->part.characters && !r->set->quiet)
        cril_print_note("%s: partial, BPC %.4f of its first %" PRIu64 " document%s", spoken(r),
                        cril_result_bpc(&r->part), r->part.documents, plural);
}

static bool score_one(struct run *r, cril_result *out)
{
    const cril_corpus_options wanted = corpus_options(r->set);
    const cril_score_callbacks callbacks = {.user = r,
                                            .on_token = r->tokens.file ? on_token : NULL,
                                            .on_document = on_document,
                                            .on_progress = on_progress};
    cril_corpus_stats stats = {0};
    cril_corpus *corpus;
    cril_error err = {0};
    cril_status st;

    if (cril_corpus_open(r->name, &wanted, &corpus, &err) != CRIL_OK) {
        cril_corpus_explain(r->name, &stats, &err);
        return false;
    }
    r->progress.name = cril_base_name(spoken(r));
    r->part = (cril_result){0};
    st = cril_score_corpus(r->scorer, corpus, r->name, &callbacks, out, &err);
    cril_corpus_stats_get(corpus, &stats);
    cril_corpus_close(corpus);
    cril_progress_clear(&r->progress);
    if (st != CRIL_OK && cril_output_signal())
        print_partial(r);
    if (st != CRIL_OK) {
        cril_corpus_explain(r->name, &stats, &err);
        return false;
    }
    r->n_results++;
    if (!r->set->json && !is_ranking(r)) {
        if (r->n_results == 1)
            print_header(r, out);
        print_row(r, out);
    }
    print_notes(r, out, &stats);
    return !cril_output_signal() && cril_stdout_good();
}

/* The result comes last: if it exists, the other files do, too. */
static bool commit(struct run *r)
{
    return cril_output_commit(&r->documents) && cril_output_commit(&r->tokens) &&
           cril_output_commit(&r->proving.named) && cril_output_commit(&r->result);
}

/* What follows the rows of the table. */
static void print_rest(const struct run *r)
{
    if (r->n_results > 1)
        print_average(r);
    print_unspelled(r);
    for (size_t i = 0; r->set->baselines && i < r->n_results; i++)
        print_baselines(r, &r->results[i]);
}

static bool prove_all(struct run *r)
{
    const struct settings *s = r->set;

    r->proving.options.threads = (unsigned)s->threads;
    r->proving.options.memory_bytes = (size_t)s->memory;
    r->proving.options.batch_tokens = (size_t)s->batch;
    r->proving.corpus = corpus_options(s);
    r->proving.progress = &r->progress;
    cril_scorer_free(r->scorer); /* its memory is needed */
    r->scorer = NULL;
    for (size_t i = 0; i < r->n_corpora; i++) {
        if (!cril_proving_run(&r->proving, r->model, r->corpora[i], &r->results[i],
                              &r->proofs[i])) {
            if (!cril_output_signal() && (s->json || r->result.file))
                cril_print_note("%s was scored, but not proved; nothing was written",
                                r->corpora[i]);
            return false;
        }
        if (!s->quiet)
            cril_proof_note(r->corpora[i], &r->proofs[i]);
    }
    if (!s->json)
        cril_proofs_print(table_file(r), r->corpora, r->proofs, r->n_corpora, r->name_width);
    return true;
}

/* JSON of the model at work. False: the reason was printed, or will be. */
static bool write_json(struct run *r)
{
    cril_error err;

    errno = 0;
    if (cril_results_write(table_file(r), r->results, r->n_corpora, r->proofs, &err) == CRIL_OK)
        return true;
    if (err.status != CRIL_ERR_IO)
        cril_print_error("%s", err.message);
    else if (r->result.file) /* reported by close_outputs, or by main */
        cril_output_failed(&r->result, errno);
    else
        cril_stdout_failed(errno);
    return false;
}

/* The corpora with the model at work. */
static bool score_corpora(struct run *r)
{
    r->n_results = 0;
    for (size_t i = 0; i < r->n_corpora; i++) {
        r->name = r->corpora[i];
        if (score_one(r, &r->results[i]))
            continue;
        if (i && !cril_output_signal() && (r->set->json || r->result.file))
            cril_print_note("%zu of %zu corpora were scored; nothing was written, as %s failed", i,
                            r->n_corpora, spoken(r));
        return false;
    }
    return !r->set->csv ||
           cril_runs_csv_append(r->set->csv, r->results, r->n_corpora, r->set->csv_safe);
}

static void close_model(struct run *r)
{
    cril_scorer_free(r->scorer);
    cril_model_close(r->model);
    r->scorer = NULL;
    r->model = NULL;
}

static bool score_model(struct run *r)
{
    r->path = r->set->models.data[0];
    if (!open_model(r) || !score_corpora(r))
        return false;
    if (!r->set->json)
        print_rest(r);
    if (r->set->prove && (!cril_stdout_good() || !prove_all(r)))
        return false;
    return (!r->set->json || write_json(r)) && commit(r);
}

/* Opens each once, so that a bad one does not fail after an hour with the one before it. */
static bool check_models(const struct run *r)
{
    for (size_t i = 0; i < r->set->models.n; i++) {
        cril_model *m;
        cril_error err;

        if (cril_model_open(r->set->models.data[i], &m, &err) != CRIL_OK) {
            cril_print_error("%s", err.message);
            return false;
        }
        cril_model_close(m);
    }
    return true;
}

/* {"models": [...]}, each as the file of one model. */
static bool write_all_json(struct run *r)
{
    FILE *f = table_file(r);

    fputs("{\"models\": [\n", f);
    for (size_t i = 0; i < r->set->models.n; i++) {
        r->results = r->all + i * r->n_corpora;
        if ((i && fputs(",\n", f) == EOF) || !write_json(r))
            return false;
    }
    return fputs("]}\n", f) != EOF;
}

/* One after the other, then all side by side. */
static bool score_models(struct run *r)
{
    const struct settings *s = r->set;
    const struct cril_ranking ranking = {.models = s->models.data,
                                         .corpora = r->corpora,
                                         .results = r->all,
                                         .n_models = s->models.n,
                                         .n_corpora = r->n_corpora,
                                         .interval = {.level = (double)s->level / 100,
                                                      .resamples = (size_t)s->resamples,
                                                      .seed = s->seed}};
    bool good = check_models(r);

    for (size_t i = 0; i < s->models.n && good; i++) {
        r->path = s->models.data[i];
        r->progress.phase = cril_base_name(r->path);
        r->results = r->all + i * r->n_corpora;
        good = open_model(r) && score_corpora(r);
        close_model(r);
    }
    if (!good)
        return false;
    if (s->json)
        return write_all_json(r) && commit(r);
    return cril_ranking_print(table_file(r), &ranking) && commit(r);
}

static bool score_all(struct run *r)
{
    const cril_corpus_options wanted = corpus_options(r->set);

    if (!cril_corpora_check(&wanted, r->n_corpora, r->corpora) || !open_outputs(r))
        return false;
    return is_ranking(r) ? score_models(r) : score_model(r);
}

/* Closes the outputs; reports failed writes, removes unfinished files. */
static void close_outputs(struct run *r)
{
    struct cril_output *const all[] = {&r->result, &r->documents, &r->tokens};

    for (size_t i = 0; i < 3; i++) {
        if (all[i]->file && !cril_output_good(all[i]))
            cril_output_commit(all[i]); /* reports the failure */
        cril_output_discard(all[i]);
    }
    cril_proving_close(&r->proving);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    struct run r = {.set = &set};
    bool done;
    int code = cril_args_parse(cmd, &set, &argc, argv);

    set.prove |= set.archive != NULL;
    if (code == CRIL_ARGS_GO_ON)
        code = check_usage(cmd, &set, argc, argv);
    if (code != CRIL_ARGS_GO_ON) {
        free(set.models.data);
        return code;
    }
    r.corpora = argv;
    r.n_corpora = (size_t)argc;
    r.name_width = cril_text_width("average");
    for (size_t i = 0; i < r.n_corpora; i++)
        if (cril_text_width(argv[i]) > r.name_width)
            r.name_width = cril_text_width(argv[i]);
    r.all = r.results = calloc(set.models.n * r.n_corpora, sizeof(*r.all));
    r.proofs = set.prove ? calloc(r.n_corpora, sizeof(*r.proofs)) : NULL;
    if (!r.all || (set.prove && !r.proofs))
        return cril_print_error("out of memory");
    cril_progress_init(&r.progress, set.quiet);
    cril_output_catch_signals();
    done = score_all(&r);
    close_outputs(&r);
    close_model(&r);
    cril_results_free(r.all, set.models.n * r.n_corpora);
    free(r.proofs);
    free(set.models.data);
    if (done)
        return 0;
    if (cril_output_signal()) {
        cril_print_note(
            "stopped by a signal; unfinished files were removed; 'cril study run' keeps "
            "each finished document and goes on after a stop");
        return 128 + cril_output_signal();
    }
    return 1;
}

const struct cril_cmd cril_cmd_score = {
    .name = "score",
    .summary = "Measure how many bits per character a model needs for corpora.",
    .usage = "score -m MODEL [options] CORPUS...",
    .run = run,
    .options = options,
    .more_help = print_protocols,
};
