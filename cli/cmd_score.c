/*
 * cril score: bits per character of corpora.
 *
 * Everything that can be refused is refused before the long work: options, corpora, output files,
 * the model. A table on standard output grows row by row; a file, and JSON in either place, is
 * written only when all corpora have been scored.
 */
#include "corpora.h"
#include "hub.h"
#include "models.h"
#include "naming.h"
#include "ranking.h"
#include "reads.h"
#include "runs_csv.h"
#include "scoring.h"
#include "stopping.h"
#include "table.h"

#include <cril/number.h>
#include <cril/report.h>
#include <cril/score.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct cril_score_args, field)
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
    {.name = "watch",
     TEXT,
     .value = "DIR",
     .offset = AT(watch),
     .help = "instead: score each checkpoint below DIR when it is complete, until Ctrl-C"},
    {.name = "settle",
     TEXT,
     .value = "SECONDS",
     .offset = AT(settle),
     .help = "seconds for which --watch wants files unchanged (default: 10)"},
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
    {.name = "until",
     TEXT,
     .value = "P%",
     .offset = AT(until),
     .help = "draw documents by --seed, and end a corpus when half of the interval's width is "
             "below P % of BPC"},
    {.name = "min-documents",
     COUNT,
     .offset = AT(min_documents),
     .min = 2,
     .max = UINT32_MAX,
     .help = "documents before --until may end a corpus (default: 100)"},
    {.name = "no-resume",
     FLAG,
     .offset = AT(no_resume),
     .help = "drop what a stopped run with --until has kept, and begin anew"},

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
          "  cril score -m a.gguf -m 'ckpt-*/model.safetensors' --csv runs.csv corpus.jsonl\n"
          "  cril score -m a.gguf -m b.gguf --until 0.5% corpus.jsonl.zst\n"
          "  cril score --watch runs/a --csv runs.csv corpus.jsonl\n",
          stdout);
}

/* ---- before the work ---- */

static int check_files(const struct cril_cmd *cmd, const struct cril_score_args *s, int n,
                       char **corpora)
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

/* What a text behind a prompt cannot be. */
static int check_prompts(const struct cril_cmd *cmd, const struct cril_score_args *s)
{
    const int code = cril_corpora_check_prompts(cmd, s->protocol, &s->corpus);

    if (code == CRIL_ARGS_GO_ON && s->prove)
        return cril_args_usage(cmd, "%s cannot take --prompt-field: an archive holds whole texts",
                               s->archive ? "--archive" : "--prove");
    return code;
}

/* What is written of one model alone. */
static int check_one_model(const struct cril_cmd *cmd, const struct cril_score_args *s)
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

/* Several models read the corpora anew, and so does a stopping rule. */
static int check_read_again(const struct cril_cmd *cmd, const struct cril_score_args *s, int n,
                            char **corpora)
{
    for (int i = 0; i < n && (s->models.n > 1 || s->until || s->watch); i++)
        if (cril_corpus_opens_once(corpora[i]))
            return cril_args_usage(cmd, "%s can be read once, and %s it anew",
                                   cril_corpus_spoken(corpora[i]),
                                   s->until   ? "--until needs"
                                   : s->watch ? "--watch needs"
                                              : "several models need");
    return CRIL_ARGS_GO_ON;
}

/* A watch has no end at which it would write a file, and its models come one by one. */
static int check_watch(const struct cril_cmd *cmd, struct cril_score_args *s)
{
    const char *option = s->models.n       ? "--model"
                         : s->output       ? "--output"
                         : s->json         ? "--json"
                         : s->per_document ? "--per-document"
                         : s->token_nats   ? "--token-nats"
                         : s->archive      ? "--archive"
                         : s->prove        ? "--prove"
                         : s->baselines    ? "--baselines"
                         : s->until        ? "--until"
                                           : NULL;

    if (!s->watch)
        return s->settle
                   ? cril_args_usage(cmd, "--settle says how --watch works, and is nothing without "
                                          "it")
                   : CRIL_ARGS_GO_ON;
    if (s->settle && (!cril_number_read(s->settle, &s->settle_sec) || s->settle_sec < 0 ||
                      s->settle_sec > 86400))
        return cril_args_usage(cmd, "--settle takes seconds, such as 10 or 0.5, at most 86400");
    return option ? cril_args_usage(cmd, "--watch cannot take %s; --csv keeps its figures", option)
                  : CRIL_ARGS_GO_ON;
}

static int check_until(const struct cril_cmd *cmd, struct cril_score_args *s)
{
    const char *option = s->token_nats  ? "--token-nats"
                         : s->archive   ? "--archive"
                         : s->prove     ? "--prove"
                         : s->baselines ? "--baselines"
                                        : NULL;

    if (!s->until && (s->min_documents || s->no_resume))
        return cril_args_usage(cmd, "%s says how --until works, and is nothing without it",
                               s->min_documents ? "--min-documents" : "--no-resume");
    if (!s->until)
        return CRIL_ARGS_GO_ON;
    if (!cril_stopping_read(s->until, &s->share))
        return cril_args_usage(cmd, "--until takes a share of BPC such as 0.5%%, at most 50%%");
    return option
               ? cril_args_usage(cmd, "%s needs whole corpora, and --until ends them early", option)
               : CRIL_ARGS_GO_ON;
}

static int check_usage(const struct cril_cmd *cmd, struct cril_score_args *s, int n, char **corpora)
{
    int code;

    if ((code = check_watch(cmd, s)) != CRIL_ARGS_GO_ON)
        return code;
    if (!s->models.n && !s->watch)
        return cril_args_no_model(cmd, n, corpora);
    if (!n)
        return cril_args_usage(cmd, "no corpus given");
    if (s->context && s->stride > s->context)
        return cril_args_usage(cmd, "--stride %" PRIu64 " is larger than --context %" PRIu64,
                               s->stride, s->context);
    if (s->corpus.prompt_field && (code = check_prompts(cmd, s)) != CRIL_ARGS_GO_ON)
        return code;
    if (s->token_nats && n > 1)
        return cril_args_usage(cmd, "--token-nats takes one corpus, run it once for each");
    if (s->prove &&
        (code = cril_proving_check(cmd, s->protocol, s->archive, n, corpora)) != CRIL_ARGS_GO_ON)
        return code;
    if ((code = cril_models_locate(&s->models, s->fetch, s->quiet)) != CRIL_ARGS_GO_ON ||
        (code = check_one_model(cmd, s)) != CRIL_ARGS_GO_ON ||
        (code = check_until(cmd, s)) != CRIL_ARGS_GO_ON ||
        (code = check_read_again(cmd, s, n, corpora)) != CRIL_ARGS_GO_ON)
        return code;
    if (s->csv && strcmp(s->csv, "-") == 0)
        return cril_args_usage(cmd, "--csv takes a file, to which rows are appended");
    return check_files(cmd, s, n, corpora);
}

static bool open_outputs(struct cril_score_run *r)
{
    const struct cril_score_args *s = r->set;

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

/* The result comes last: if it exists, the other files do, too. */
static bool commit(struct cril_score_run *r)
{
    return cril_output_commit(&r->documents) && cril_output_commit(&r->tokens) &&
           cril_output_commit(&r->proving.named) && cril_output_commit(&r->result);
}

static bool prove_all(struct cril_score_run *r)
{
    const struct cril_score_args *s = r->set;

    r->proving.options.threads = (unsigned)s->threads;
    r->proving.options.memory_bytes = (size_t)s->memory;
    r->proving.options.batch_tokens = (size_t)s->batch;
    r->proving.corpus = s->corpus;
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
        cril_proofs_print(cril_score_table(r), r->corpora, r->proofs, r->n_corpora, r->name_width);
    return true;
}

/* JSON of the model at work. False: the reason was printed, or will be. */
static bool write_json(struct cril_score_run *r)
{
    cril_error err;

    errno = 0;
    if (cril_results_write(cril_score_table(r), r->results, r->n_corpora, r->proofs, &err) ==
        CRIL_OK)
        return true;
    if (err.status != CRIL_ERR_IO)
        cril_print_error("%s", err.message);
    else if (r->result.file) /* reported by close_outputs, or by main */
        cril_output_failed(&r->result, errno);
    else
        cril_stdout_failed(errno);
    return false;
}

static bool score_model(struct cril_score_run *r)
{
    r->path = r->set->models.data[0];
    if (!cril_score_open_model(r) || !cril_score_corpora(r))
        return false;
    if (!r->set->json)
        cril_score_print_rest(r);
    if (r->set->prove && (!cril_stdout_good() || !prove_all(r)))
        return false;
    return (!r->set->json || write_json(r)) && commit(r);
}

/* Opens each once, so that a bad one does not fail after an hour with the one before it. */
static bool check_models(const struct cril_score_run *r)
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
static bool write_all_json(struct cril_score_run *r)
{
    FILE *f = cril_score_table(r);

    fputs("{\"models\": [\n", f);
    for (size_t i = 0; i < r->set->models.n; i++) {
        r->results = r->all + i * r->n_corpora;
        if ((i && fputs(",\n", f) == EOF) || !write_json(r))
            return false;
    }
    return fputs("]}\n", f) != EOF;
}

/* One after the other, then all side by side. */
static bool score_models(struct cril_score_run *r)
{
    const struct cril_score_args *s = r->set;
    const struct cril_ranking ranking = {.results = r->all,
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
        good = cril_score_open_model(r) && cril_score_corpora(r);
        cril_score_close_model(r);
    }
    if (!good)
        return false;
    if (s->json)
        return write_all_json(r) && commit(r);
    return cril_ranking_print(cril_score_table(r), &ranking) && commit(r);
}

static bool score_all(struct cril_score_run *r)
{

    if (!cril_corpora_check(&r->set->corpus, r->n_corpora, r->corpora) || !open_outputs(r))
        return false;
    return cril_score_is_ranking(r) ? score_models(r) : score_model(r);
}

/* Closes the outputs; reports failed writes, removes unfinished files. */
static void close_outputs(struct cril_score_run *r)
{
    struct cril_output *const all[] = {&r->result, &r->documents, &r->tokens};

    for (size_t i = 0; i < 3; i++) {
        if (all[i]->file && !cril_output_good(all[i]))
            cril_output_commit(all[i]); /* reports the failure */
        cril_output_discard(all[i]);
    }
    cril_proving_close(&r->proving);
}

/* Nothing is written but rows of a file of runs. */
static int watch(struct cril_score_run *r)
{

    if (!cril_corpora_check(&r->set->corpus, r->n_corpora, r->corpora) ||
        (r->set->csv && !cril_runs_csv_check(r->set->csv)))
        return 1;
    return cril_score_watch(r);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct cril_score_args set = {.settle_sec = 10};
    struct cril_score_run r = {.set = &set};
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
        cril_widen(&r.name_width, argv[i]);
    cril_progress_init(&r.progress, set.quiet);
    cril_output_catch_signals();
    if (set.watch)
        return watch(&r);
    r.all = r.results = calloc(set.models.n * r.n_corpora, sizeof(*r.all));
    r.proofs = set.prove ? calloc(r.n_corpora, sizeof(*r.proofs)) : NULL;
    if (!r.all || (set.prove && !r.proofs))
        return cril_print_error("out of memory");
    done = score_all(&r);
    close_outputs(&r);
    cril_score_close_model(&r);
    for (size_t i = 0; done && cril_stdout_good() && i < set.models.n * r.n_corpora; i++)
        cril_until_done(&r.all[i]);
    cril_results_free(r.all, set.models.n * r.n_corpora);
    free(r.proofs);
    free(set.models.data);
    if (done)
        return 0;
    if (cril_output_signal()) {
        cril_print_note("stopped by a signal; unfinished files were removed; %s",
                        set.until ? "the same command goes on where it was"
                                  : "'cril study run' keeps each finished document and goes on "
                                    "after a stop");
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
