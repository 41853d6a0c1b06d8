/* cril score: a model through corpora, one after the other. */
#include "corpora.h"
#include "naming.h"
#include "runs_csv.h"
#include "scoring.h"
#include "warnings.h"

#include <cril/cpu.h>
#include <cril/number.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

bool cril_score_is_ranking(const struct cril_score_run *r)
{
    return r->set->models.n > 1 || r->set->watch;
}

bool cril_score_open_model(struct cril_score_run *r)
{
    const struct cril_score_args *s = r->set;
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

static int write_document(struct cril_score_run *r, const cril_document_score *d)
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
    struct cril_score_run *r = user;

    r->part.documents++;
    r->part.nats += d->nats;
    r->part.scored_tokens += d->scored_tokens;
    r->part.characters += d->characters;
    r->part.bytes += d->bytes;
    return r->documents.file && !r->set->share ? write_document(r, d) : 0;
}

static int on_token(void *user, const cril_token_score *t)
{
    struct cril_score_run *r = user;
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
    struct cril_score_run *r = user;

    r->part.seconds = p->seconds;
    r->part.forward_tokens = p->forward_tokens;
    cril_progress_show(&r->progress, &state);
    return cril_output_signal() != 0;
}

/* ---- what was found ---- */

static void print_notes(const struct cril_score_run *r, const cril_result *x,
                        const cril_corpus_stats *stats)
{
    const bool no_row = r->result.file || r->set->json || cril_score_is_ranking(r);
    const char *model = cril_score_is_ranking(r) ? r->path : "",
               *on = cril_score_is_ranking(r) ? " on " : "";

    if (r->set->quiet)
        return;
    cril_corpus_note_dropped(r->name, stats);
    if (no_row && x->interval.resamples)
        cril_print_note("%s%s%s: BPC %.4f, %.0f %% interval %.4f - %.4f", model, on,
                        cril_corpus_spoken(r->name), cril_result_bpc(x), 100 * x->interval.level,
                        x->interval.low, x->interval.high);
    else if (no_row)
        cril_print_note("%s%s%s: BPC %.4f", model, on, cril_corpus_spoken(r->name),
                        cril_result_bpc(x));
    if (no_row && x->until.share && r->results == r->all)
        cril_print_note("%s: a stopping rule chose %zu of %" PRIu64 " documents",
                        cril_corpus_spoken(r->name), x->until.n_order, x->until.of);
    if (r->set->verbose)
        cril_print_note("%s: %" PRIu64 " tokens, %" PRIu64 " of them scored, %" PRIu64
                        " through the model in %.1f s; SHA-256 %s",
                        cril_corpus_spoken(r->name), x->tokens, x->scored_tokens, x->forward_tokens,
                        x->seconds, x->corpus_sha256);
}

/* The result after a signal: the corpora before, and some documents of the one at work. */
static void print_partial(const struct cril_score_run *r)
{
    const char *plural = r->part.documents == 1 ? "" : "s";
    const bool in_table = !r->set->json && !r->result.file && !cril_score_is_ranking(r);

    if (in_table && r->part.characters) {
        if (!r->n_results)
            cril_score_print_header(r, NULL);
        cril_score_print_row(r, &r->part);
    }
    if (in_table && (r->n_results || r->part.characters))
        printf("\nPartial: stopped by a signal after %zu of %zu corpora.\n", r->n_results,
               r->n_corpora);
    if (r->part.characters && !r->set->quiet)
        cril_print_note("%s: partial, BPC %.4f of its first %" PRIu64 " document%s",
                        cril_corpus_spoken(r->name), cril_result_bpc(&r->part), r->part.documents,
                        plural);
}

static void on_note(void *user, const char *sentence)
{
    struct cril_score_run *r = user;

    cril_progress_clear(&r->progress);
    if (!r->set->quiet)
        cril_print_note("%s", sentence);
}

/* The first model's rule decides for all. Its documents are known at its end alone. */
static cril_status score_until(struct cril_score_run *r, const cril_score_callbacks *callbacks,
                               cril_result *out, cril_corpus_stats *stats, cril_error *err)
{
    const struct cril_score_args *s = r->set;
    const cril_until rule = {.share = s->share,
                             .min_documents = s->min_documents,
                             .seed = s->seed,
                             .fresh = s->no_resume,
                             .on_note = on_note,
                             .user = r};
    const cril_result *first = r->results == r->all ? NULL : &r->all[r->n_results];
    const cril_status st = cril_score_until(r->scorer, r->name, &r->set->corpus, &rule, first,
                                            callbacks, out, stats, err);

    for (uint64_t i = 0; st == CRIL_OK && r->documents.file && i < out->documents; i++)
        write_document(r, &out->per_document[i]);
    return st;
}

static cril_status score_whole(struct cril_score_run *r, const cril_score_callbacks *callbacks,
                               cril_result *out, cril_corpus_stats *stats, cril_error *err)
{
    cril_corpus *corpus;
    cril_status st = cril_corpus_open(r->name, &r->set->corpus, &corpus, err);

    if (st != CRIL_OK)
        return st;
    st = cril_score_corpus(r->scorer, corpus, r->name, callbacks, out, err);
    cril_corpus_stats_get(corpus, stats);
    cril_corpus_close(corpus);
    return st;
}

static bool score_one(struct cril_score_run *r, cril_result *out)
{
    const cril_score_callbacks callbacks = {.user = r,
                                            .on_token = r->tokens.file ? on_token : NULL,
                                            .on_document = on_document,
                                            .on_progress = on_progress};
    cril_corpus_stats stats = {0};
    cril_error err = {0};
    cril_status st;

    r->progress.name = cril_base_name(cril_corpus_spoken(r->name));
    r->part = (cril_result){0};
    st = r->set->share ? score_until(r, &callbacks, out, &stats, &err)
                       : score_whole(r, &callbacks, out, &stats, &err);
    cril_progress_clear(&r->progress);
    if (st != CRIL_OK && cril_output_signal())
        print_partial(r);
    if (st != CRIL_OK) {
        cril_corpus_explain(r->name, &stats, &err);
        return false;
    }
    r->n_results++;
    if (!r->set->json && !cril_score_is_ranking(r)) {
        if (r->n_results == 1)
            cril_score_print_header(r, out);
        cril_score_print_row(r, out);
    }
    print_notes(r, out, &stats);
    return !cril_output_signal() && cril_stdout_good();
}

bool cril_score_corpora(struct cril_score_run *r)
{
    r->n_results = 0;
    for (size_t i = 0; i < r->n_corpora; i++) {
        r->name = r->corpora[i];
        if (score_one(r, &r->results[i]))
            continue;
        if (i && !cril_output_signal() && (r->set->json || r->result.file))
            cril_print_note("%zu of %zu corpora were scored; nothing was written, as %s failed", i,
                            r->n_corpora, cril_corpus_spoken(r->name));
        return false;
    }
    return !r->set->csv ||
           cril_runs_csv_append(r->set->csv, r->results, r->n_corpora, r->set->csv_safe);
}

void cril_score_close_model(struct cril_score_run *r)
{
    cril_scorer_free(r->scorer);
    cril_model_close(r->model);
    r->scorer = NULL;
    r->model = NULL;
}
