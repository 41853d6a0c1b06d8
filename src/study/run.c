/*
 * The run of a study: cell by cell, cheapest first, what the store does not have yet.
 *
 * Documents go into the store when a batch has finished them, many in a transaction, a few times a
 * second. A cell, or this run's slice of it, is claimed while it is at work; cells that other runs
 * have claimed come last. Divergences from one base that lack the same documents are measured in
 * one pass.
 */
#include <cril/study_run.h>

#include "score/others.h"
#include "score/scorer.h"
#include "study/benchmark_cell.h"
#include "study/leak_cells.h"
#include "study/stamp.h"
#include "study/store.h"
#include "study/survey.h"
#include "util/clock.h"
#include "util/fail.h"
#include "util/memory.h"
#include "util/size.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH_TOKENS = 2048, WAIT_MS = 250 };

static const double commit_sec =
    0.25; /* between commits, which wait for the disk; a killed run loses this and its batch */

/* A model beside the base. Several are measured in one pass, in which the base's part is computed
 * once. */
struct side {
    struct cril_job *job;
    cril_model *model;              /* of the first: the run's */
    cril_claim *claim;              /* NULL: of the first, or of a side to come */
    cril_document_divergence *rows; /* [run.n_rows] finished, not in the store yet */
    size_t rows_size;
    cril_document_divergence at_work; /* of the document whose tokens come */
};

struct run {
    const cril_study_info *s;
    cril_store *store;
    const cril_study_run_options *o;
    const cril_study_callbacks *callbacks;
    cril_study_totals totals;
    struct cril_survey work;
    struct rate {
        double flops, seconds; /* done by this run, and how long it took */
    } * rates;                 /* [work.n_subjects] */
    double start_sec;

    /* the cell at work */
    struct cril_job *job;
    cril_model *model; /* kept while the subject stays; NULL: none is open */
    size_t model_subject;
    cril_model *base; /* of a divergence, likewise */
    size_t base_subject;
    cril_scorer *scorer; /* of model, or of base beside model, kept while the protocol and the base
                            stay; NULL: none */
    size_t scorer_protocol;
    bool compares;             /* base and model */
    cril_document_score *rows; /* [n_rows] finished, not in the store yet; of a divergence, of the
                                  base */
    size_t n_rows, rows_size;
    struct side *sides; /* [n_sides] of a divergence, that of `job` first */
    size_t n_sides;
    double commit_sec; /* when rows were kept last */
    struct range {
        double flops, done, seconds; /* done: the share of its arithmetic that is */
        double tokens;               /* that will go through the model, by estimate */
        uint64_t forward;            /* that have */
        size_t checked;   /* of the corpus's files: those before it were looked at after they were
                             read */
        bool is_measured; /* a batch is through; before that, seconds are mostly of set-up */
    } range;              /* the documents or items that are being scored */
    cril_status failure;  /* of a write within a callback */
    cril_error why;
    bool is_cells_own; /* the last error is of a cell's model or corpus */
};

static cril_status no_memory(const struct run *r, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", r->s->path);
}

static cril_status stopped(const struct run *r, cril_error *err)
{
    return cril_fail(
        err, CRIL_ERR_CANCELLED,
        "%s: stopped; finished documents are kept, and the next run goes on from there",
        r->s->path);
}

/* ---- Progress ---- */

/* A job's arithmetic that neither the store nor the range at work has done. */
static double flops_left(const struct run *r, const struct cril_job *j)
{
    return j->left_flops - r->range.done * j->range_flops;
}

/* A model's speed, or that of all models before it has one. */
static struct rate rate_of(const struct run *r, size_t subject)
{
    struct rate own = r->rates[subject], all = {0};

    if (r->job && r->range.is_measured && r->job->subject == subject) {
        own.flops += r->range.done * r->range.flops;
        own.seconds += r->range.seconds;
    }
    for (size_t i = 0; i < r->work.n_subjects; i++) {
        all.flops += r->rates[i].flops;
        all.seconds += r->rates[i].seconds;
    }
    if (r->job && r->range.is_measured) {
        all.flops += r->range.done * r->range.flops;
        all.seconds += r->range.seconds;
    }
    return own.flops > 0 ? own : all;
}

/* Seconds that the rest of the work takes; < 0: not known yet. */
static double seconds_left(const struct run *r)
{
    double left = 0;

    for (size_t m = 0; m < r->work.n_subjects; m++) {
        const struct rate rate = rate_of(r, m);
        double flops = 0;

        for (size_t i = 0; i < r->work.n_jobs; i++)
            flops += r->work.jobs[i].subject == m ? flops_left(r, &r->work.jobs[i]) : 0;
        if (flops > 0 && rate.flops <= 0)
            return -1;
        left += flops > 0 ? flops * rate.seconds / rate.flops : 0;
    }
    return left;
}

static size_t cells_done(const struct run *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->work.n_jobs; i++)
        n += r->work.jobs[i].done;
    return n;
}

static int report(struct run *r, const char *phase, const char *name, double bpc)
{
    cril_study_progress p = {.phase = phase,
                             .model = name,
                             .cells = r->work.n_jobs,
                             .fraction = -1,
                             .seconds_left = -1,
                             .seconds = cril_clock_sec() - r->start_sec,
                             .forward_tokens = r->totals.forward_tokens + r->range.forward,
                             .bpc = bpc};
    double all = 0, left = 0;

    if (!r->callbacks || !r->callbacks->on_progress)
        return 0;
    if (r->job) {
        p.model = r->work.subjects[r->job->subject].study->name;
        p.corpus = cril_job_of(&r->work, r->job);
        p.protocol = cril_job_protocol(&r->work, r->job);
    }
    for (size_t i = 0; i < r->work.n_jobs; i++) {
        all += r->work.jobs[i].slice_flops;
        left += flops_left(r, &r->work.jobs[i]);
    }
    p.cells_done = cells_done(r);
    if (all > 0 && r->rates) {
        p.fraction = left > 0 ? 1 - left / all : 1;
        p.seconds_left = seconds_left(r);
    }
    return r->callbacks->on_progress(r->callbacks->user, &p);
}

static int report_reading(void *user, const char *name)
{
    return report(user, "reading", name, 0);
}

static int report_compressing(void *user, const char *name)
{
    return report(user, "compressing", name, 0);
}

/* Bits per character of the job's documents. */
static cril_status sum_documents(struct run *r, const struct cril_job *j, cril_study_cell *c,
                                 cril_error *err)
{
    cril_document_score *rows;
    double nats = 0, characters = 0;
    cril_status st;
    size_t n;

    if ((st = cril_store_rows(r->store, &j->cell, r->work.texts[j->text].facts.documents, &rows, &n,
                              err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        if (rows[i].index >= j->slice.from && rows[i].index < j->slice.to) {
            nats += rows[i].nats;
            characters += (double)rows[i].characters;
            c->documents++;
        }
    free(rows);
    c->bpc = nats / CRIL_LN2 / characters;
    return CRIL_OK;
}

/* The mean KL of the job's documents. */
static cril_status sum_divergences(struct run *r, const struct cril_job *j, cril_study_cell *c,
                                   cril_error *err)
{
    cril_document_divergence *rows;
    double kl = 0, tokens = 0;
    size_t n;
    const cril_status st = cril_store_divergences(
        r->store, &j->cell, r->work.texts[j->text].facts.documents, &rows, &n, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        if (rows[i].index >= j->slice.from && rows[i].index < j->slice.to) {
            kl += rows[i].kl;
            tokens += (double)rows[i].tokens;
            c->documents++;
        }
    free(rows);
    c->mean_kl = kl / tokens;
    return CRIL_OK;
}

static cril_status sum_items(struct run *r, const struct cril_job *j, cril_study_cell *c,
                             cril_error *err)
{
    const struct cril_benchmark_cell cell = {
        .store = r->store, .benchmark = &r->work.benchmarks[j->benchmark], .cell = j->item_cell};
    cril_score_of_items score;
    const cril_status st = cril_benchmark_cell_score(&cell, j->slice, &score, err);

    if (st != CRIL_OK)
        return st;
    c->documents = score.items;
    c->score = score.value;
    c->score_se = score.se;
    c->errors = score.errors;
    return CRIL_OK;
}

/* The job, which is done; since: when this run began it. */
static cril_status report_cell(struct run *r, const struct cril_job *j, double since,
                               cril_error *err)
{
    cril_study_cell c = {.model = r->work.subjects[j->subject].study->name,
                         .corpus = cril_job_of(&r->work, j),
                         .protocol = cril_job_protocol(&r->work, j),
                         .base = j->is_divergence ? r->work.subjects[j->base].study->name : NULL,
                         .is_benchmark = j->is_benchmark,
                         .cells = r->work.n_jobs,
                         .cells_done = cells_done(r),
                         .bpc = NAN,
                         .mean_kl = NAN,
                         .score = NAN,
                         .score_se = NAN,
                         .seconds = cril_clock_sec() - since};
    cril_status st;

    if (!r->callbacks || !r->callbacks->on_cell)
        return CRIL_OK;
    st = j->is_benchmark    ? sum_items(r, j, &c, err)
         : j->is_divergence ? sum_divergences(r, j, &c, err)
                            : sum_documents(r, j, &c, err);
    if (st == CRIL_OK)
        r->callbacks->on_cell(r->callbacks->user, &c);
    return st;
}

static void note_changed(const struct run *r, const char *what, const char *name)
{
    char sentence[512];

    if (!r->callbacks || !r->callbacks->on_note)
        return;
    snprintf(sentence, sizeof(sentence),
             "%s: the %s %s has another file than before: its cells are new; the cells of the old "
             "file stay in the database",
             r->s->path, what, name);
    r->callbacks->on_note(r->callbacks->user, sentence);
}

/* Reports a cell that is left out at once, and again at the end. */
static void note_fault(const struct run *r, const cril_error *why)
{
    char sentence[1200];

    if (!r->callbacks || !r->callbacks->on_note)
        return;
    snprintf(sentence, sizeof(sentence), "%s; the other cells are computed", why->message);
    r->callbacks->on_note(r->callbacks->user, sentence);
}

/* An open model's warnings, the first time that it is at work. */
static void note_warnings(const struct run *r, struct cril_subject *subject, const cril_model *m)
{
    const char *sentence;

    for (size_t i = 0; !subject->warned && (sentence = cril_model_warning(m, i)); i++)
        if (r->callbacks && r->callbacks->on_note)
            r->callbacks->on_note(r->callbacks->user, sentence);
    subject->warned = true;
}

/* The same, the first time that windows of a model are so long. */
static void note_context(const struct run *r, struct cril_subject *subject, const cril_model *m)
{
    const size_t context = cril_scorer_context(r->scorer);
    char sentence[1200];

    if (context <= subject->warned_context ||
        !cril_model_warn_context(m, context, sentence, sizeof(sentence)))
        return;
    subject->warned_context = context;
    if (r->callbacks && r->callbacks->on_note)
        r->callbacks->on_note(r->callbacks->user, sentence);
}

/* ---- A cell ---- */

/* Jobs of the pass at work. */
static size_t n_at_work(const struct run *r)
{
    return r->n_sides ? r->n_sides : 1;
}

static struct cril_job *job_at_work(const struct run *r, size_t i)
{
    return i ? r->sides[i].job : r->job;
}

/* No file was written to while it was read, and no file was added to a folder. */
static cril_status check_as_surveyed(const char *path, enum cril_stamped what,
                                     const struct cril_stamps *then, cril_error *err)
{
    struct cril_stamps now;
    cril_status st = cril_stamps_take(path, what, &now, err);

    if (st == CRIL_OK && (!now.all || now.all != then->all))
        st = cril_stamp_changed(path, err);
    cril_stamps_free(&now);
    return st;
}

static cril_status check_subject(const struct cril_subject *m, cril_error *err)
{
    return cril_stamps_check(&m->stamps, 0, m->stamps.n, err);
}

static cril_status check_models(const struct run *r, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < n_at_work(r) && st == CRIL_OK; i++)
        st = check_subject(&r->work.subjects[job_at_work(r, i)->subject], err);
    return st == CRIL_OK && r->job->is_divergence
               ? check_subject(&r->work.subjects[r->job->base], err)
               : st;
}

/* The models, and of the corpus what was read since this was asked for last, up to the newest row:
 * of a folder of a million files, those few. */
static cril_status check_files(struct run *r, cril_error *err)
{
    const struct cril_text *t = &r->work.texts[r->job->text];
    const size_t newest = t->files[r->rows[r->n_rows - 1].index];
    const cril_status st = cril_stamps_check(&t->stamps, r->range.checked, newest + 1, err);

    r->range.checked = newest;
    return st == CRIL_OK ? check_models(r, err) : st;
}

/* Files are compared after they were scored and before their rows are kept. */
static cril_status put_rows(struct run *r, cril_error *err)
{
    cril_status st;

    if (!r->n_rows)
        return CRIL_OK;
    if ((st = check_files(r, err)) == CRIL_OK && !r->n_sides)
        st = cril_store_put(r->store, &r->job->cell, r->rows, r->n_rows, err);
    for (size_t i = 0; i < r->n_sides && st == CRIL_OK; i++)
        st = cril_store_put_divergences(r->store, &r->sides[i].job->cell, r->sides[i].rows,
                                        r->n_rows, err);
    if (st == CRIL_OK) {
        for (size_t i = 0; i < r->n_rows; i++)
            r->totals.scored_tokens += n_at_work(r) * r->rows[i].scored_tokens;
        r->totals.documents += n_at_work(r) * r->n_rows;
        r->n_rows = 0;
        r->commit_sec = cril_clock_sec();
    }
    return st;
}

/* Of a divergence. A document's tokens come before it, and after the one before it. */
static int on_token(void *user, const cril_token_score *t)
{
    struct run *r = user;

    for (size_t i = 0; t->apart && i < r->n_sides; i++) {
        cril_document_divergence *d = &r->sides[i].at_work;

        d->tokens++;
        d->same_top += t->apart[i].same_top;
        d->kl += t->apart[i].kl;
        d->nats += t->apart[i].nats;
        d->nats_base += t->nats;
    }
    return 0;
}

/* Ends a side's document. False: out of memory. */
static bool add_row(struct side *side, size_t n_rows, uint64_t index)
{
    cril_document_divergence *rows =
        cril_size_grow(side->rows, &side->rows_size, n_rows, 1, sizeof(*rows));

    if (!rows)
        return false;
    side->rows = rows;
    rows[n_rows] = side->at_work;
    rows[n_rows].index = index;
    side->at_work = (cril_document_divergence){0};
    return true;
}

static int on_document(void *user, const cril_document_score *d)
{
    struct run *r = user;
    cril_document_score *rows = cril_size_grow(r->rows, &r->rows_size, r->n_rows, 1, sizeof(*rows));
    bool good = rows != NULL;

    r->rows = rows ? rows : r->rows;
    for (size_t i = 0; i < r->n_sides && good; i++)
        good = add_row(&r->sides[i], r->n_rows, d->index);
    if (!good) {
        r->failure = no_memory(r, &r->why);
        return 1;
    }
    rows[r->n_rows++] = *d;
    return 0;
}

static int on_progress(void *user, const cril_score_progress *p)
{
    struct run *r = user;

    r->range.forward = p->forward_tokens;
    r->range.done = (double)p->forward_tokens < r->range.tokens
                        ? (double)p->forward_tokens / r->range.tokens
                        : 1;
    r->range.seconds = p->seconds;
    r->range.is_measured = p->scored_tokens > 0;
    const int stop = report(r, "scoring", NULL, r->job->is_divergence ? 0 : p->bpc);

    if ((stop || cril_clock_sec() - r->commit_sec >= commit_sec) &&
        (r->failure = put_rows(r, &r->why)) != CRIL_OK)
        return 1;
    return stop;
}

static void close_scorer(struct run *r)
{
    cril_scorer_free(r->scorer);
    r->scorer = NULL;
}

static void close_base(struct run *r)
{
    close_scorer(r);
    cril_model_close(r->base);
    r->base = NULL;
}

static void close_model(struct run *r)
{
    close_base(r);
    cril_model_close(r->model);
    r->model = NULL;
}

/* The base of a divergence; no other job keeps one. */
static cril_status prepare_base(struct run *r, cril_error *err)
{
    const struct cril_job *j = r->job;

    if (r->base && (!j->is_divergence || r->base_subject != j->base))
        close_base(r);
    if (r->base || !j->is_divergence)
        return CRIL_OK;
    r->base_subject = j->base;
    return cril_subject_open(&r->work.subjects[j->base], &r->base, err);
}

/* The model of the job at hand. */
static cril_status prepare_model(struct run *r, cril_error *err)
{
    const size_t subject = r->job->subject;
    cril_status st;

    if (r->model && r->model_subject != subject)
        close_model(r);
    if (!r->model &&
        (st = cril_subject_open(&r->work.subjects[subject], &r->model, err)) != CRIL_OK)
        return st;
    r->model_subject = subject;
    note_warnings(r, &r->work.subjects[subject], r->model);
    return prepare_base(r, err);
}

/* ---- Divergences ---- */

/* The part of the slice of a corpus's job that the store lacks; *out is owned: free. Sets
 * left_flops. */
static cril_status list_missing(struct run *r, struct cril_job *j, cril_slice **out, size_t *n,
                                cril_error *err)
{
    cril_slice *all;
    size_t n_all;
    cril_status st = cril_store_missing(r->store, &j->cell, r->work.texts[j->text].facts.documents,
                                        &all, &n_all, err);

    if (st != CRIL_OK)
        return st;
    *n = 0;
    j->left_flops = 0;
    for (size_t i = 0; i < n_all; i++) {
        cril_slice s = all[i];

        s.from = s.from < j->slice.from ? j->slice.from : s.from;
        s.to = s.to > j->slice.to ? j->slice.to : s.to;
        if (s.from >= s.to)
            continue;
        j->left_flops += cril_job_flops(&r->work, j, s);
        all[(*n)++] = s;
    }
    *out = all;
    return CRIL_OK;
}

static void release_side(struct side *side)
{
    cril_claim_release(side->claim);
    cril_model_close(side->model);
    free(side->rows);
    *side = (struct side){0};
}

/* The first side's model stays open. */
static void release_sides(struct run *r)
{
    if (r->n_sides > 1)
        close_scorer(r); /* before its models */
    for (size_t i = 0; i < r->n_sides; i++) {
        if (!i)
            r->sides[i].model = NULL;
        release_side(&r->sides[i]);
    }
    r->n_sides = 0;
}

/* Ids of which the probabilities are, of a model beside the base. */
static size_t shared_ids(const struct run *r, const cril_model *m)
{
    const size_t a = cril_model_logits(r->base), b = cril_model_logits(m);

    return a < b ? a : b;
}

static bool is_same_pass(const struct cril_job *a, const struct cril_job *b)
{
    return a != b && b->is_divergence && !b->done && !b->failed && !b->alone &&
           a->base == b->base && a->text == b->text && a->protocol == b->protocol &&
           a->slice.from == b->slice.from && a->slice.to == b->slice.to;
}

/* Whether the models fit into half of the machine's memory with one more: all are read in each
 * batch. */
static bool has_room(const struct run *r, const struct cril_job *j)
{
    uint64_t bytes =
        r->work.subjects[j->base].facts.bytes + r->work.subjects[j->subject].facts.bytes;

    for (size_t i = 0; i < r->n_sides; i++)
        bytes += r->work.subjects[r->sides[i].job->subject].facts.bytes;
    return bytes <= cril_memory_physical() / 2;
}

/* Whether a job lacks the same documents. */
static cril_status lacks_same(struct run *r, struct cril_job *j, const cril_slice *missing,
                              size_t n, bool *same, cril_error *err)
{
    cril_slice *own = NULL;
    size_t n_own = 0;
    const cril_status st = list_missing(r, j, &own, &n_own, err);

    *same = st == CRIL_OK && n_own == n && memcmp(own, missing, n * sizeof(*own)) == 0;
    free(own);
    return st;
}

/* Adds a side, if no other run is at it and it lacks the same. */
static cril_status add_side(struct run *r, struct cril_job *j, const cril_slice *missing, size_t n,
                            cril_error *err)
{
    struct side side = {.job = j};
    bool same = false;
    cril_error why;
    cril_status st =
        cril_store_claim(r->store, &j->cell, j->slice.from, j->slice.to, &side.claim, err);

    if (st == CRIL_OK && side.claim)
        st = lacks_same(r, j, missing, n, &same, err);
    /* one that cannot be opened says so when its turn comes */
    if (same && cril_subject_open(&r->work.subjects[j->subject], &side.model, &why) == CRIL_OK &&
        shared_ids(r, side.model) == shared_ids(r, r->model)) {
        note_warnings(r, &r->work.subjects[j->subject], side.model);
        r->sides[r->n_sides++] = side;
    } else {
        release_side(&side);
    }
    return st;
}

/* The job at work and those that can go with it. */
static cril_status gather_sides(struct run *r, const cril_slice *missing, size_t n, cril_error *err)
{
    struct cril_job *j = r->job;
    cril_status st = CRIL_OK;

    if (!r->sides && !(r->sides = calloc(r->work.n_subjects, sizeof(*r->sides))))
        return no_memory(r, err);
    r->sides[r->n_sides++] = (struct side){.job = j, .model = r->model};
    for (size_t i = 0; i < r->work.n_jobs && !j->alone && st == CRIL_OK; i++)
        if (is_same_pass(j, &r->work.jobs[i]) && has_room(r, &r->work.jobs[i]))
            st = add_side(r, &r->work.jobs[i], missing, n, err);
    return st;
}

/* A scorer of the job's base, which compares the models. */
static cril_status create_beside(struct run *r, cril_score_options wanted, cril_error *err)
{
    cril_model **models = calloc(r->n_sides, sizeof(*models));
    cril_status st;

    if (!models)
        return no_memory(r, err);
    for (size_t i = 0; i < r->n_sides; i++)
        models[i] = r->sides[i].model;
    wanted.memory_bytes = cril_others_memory(wanted.memory_bytes, wanted.batch_tokens,
                                             r->n_sides + 1, shared_ids(r, r->model));
    st = cril_others_say_share(cril_scorer_create(r->base, &wanted, &r->scorer, err), err);
    if (st == CRIL_OK)
        st = cril_scorer_compare(r->scorer, models, r->n_sides, err);
    free(models);
    return st;
}

static void note_contexts(const struct run *r)
{
    note_context(r, &r->work.subjects[r->model_subject], r->model);
    for (size_t i = 1; i < r->n_sides; i++)
        note_context(r, &r->work.subjects[r->sides[i].job->subject], r->sides[i].model);
}

/* ---- A range of a corpus ---- */

/* Models and scorer of the job at hand, which lacks those documents [n]. */
static cril_status prepare(struct run *r, const cril_slice *missing, size_t n, cril_error *err)
{
    const struct cril_job *j = r->job;
    const cril_score_options wanted = {.protocol = j->cell.protocol,
                                       .context = (size_t)j->cell.context,
                                       .stride = r->s->protocols[j->protocol].stride,
                                       .threads = r->o->threads,
                                       .batch_tokens =
                                           r->o->batch_tokens ? r->o->batch_tokens : BATCH_TOKENS,
                                       .memory_bytes = r->o->memory_bytes};
    cril_status st = prepare_model(r, err);

    if (st == CRIL_OK && j->is_divergence)
        st = gather_sides(r, missing, n, err);
    if (st != CRIL_OK)
        return st;
    if (r->scorer && r->n_sides <= 1 && r->scorer_protocol == j->protocol &&
        r->compares == j->is_divergence)
        return CRIL_OK;
    close_scorer(r);
    r->scorer_protocol = j->protocol;
    r->compares = j->is_divergence;
    st = j->is_divergence ? create_beside(r, wanted, err)
                          : cril_scorer_create(r->model, &wanted, &r->scorer, err);
    if (st == CRIL_OK)
        note_contexts(r);
    return st;
}

static void start_range(struct run *r, cril_slice documents)
{
    r->range = (struct range){0};
    for (size_t i = 0; i < n_at_work(r); i++) {
        struct cril_job *j = job_at_work(r, i);

        j->range_flops = cril_job_flops(&r->work, j, documents);
        r->range.flops += j->range_flops;
    }
    r->range.tokens = r->job->tokens * r->job->range_flops / r->job->flops;
}

/* The range at work is over. seconds: that the whole of it took; 0: it was not finished. */
static void end_range(struct run *r, double seconds)
{
    struct rate *rate = &r->rates[r->job->subject];

    if (seconds > 0) {
        rate->flops += r->range.flops;
        rate->seconds += seconds;
    }
    for (size_t i = 0; i < n_at_work(r); i++) {
        struct cril_job *j = job_at_work(r, i);

        j->left_flops -= seconds > 0 ? j->range_flops : 0;
        j->range_flops = 0;
    }
    r->totals.forward_tokens += r->range.forward;
    r->range = (struct range){0};
    r->n_rows = 0;
}

static cril_status score_range(struct run *r, cril_slice documents, cril_error *err)
{
    const struct cril_text *t = &r->work.texts[r->job->text];
    const cril_score_callbacks callbacks = {.user = r,
                                            .on_token = r->job->is_divergence ? on_token : NULL,
                                            .on_document = on_document,
                                            .on_progress = on_progress};
    cril_result result;
    cril_corpus *c;
    cril_status st = cril_corpus_open(t->study->path, &t->study->options, &c, err);

    if (st != CRIL_OK)
        return st;
    if ((st = check_as_surveyed(t->study->path, CRIL_STAMPED_CORPUS, &t->stamps, err)) != CRIL_OK) {
        cril_corpus_close(c);
        return st;
    }
    start_range(r, documents);
    r->failure = CRIL_OK;
    r->is_cells_own = true;
    st = cril_score_slice(r->scorer, c, t->study->path, documents.from, documents.to, &callbacks,
                          &result, err);
    cril_corpus_close(c);
    if (st != CRIL_OK) {
        r->is_cells_own = r->failure == CRIL_OK;
        if (r->failure != CRIL_OK)
            st = cril_fail(err, r->failure, "%s", r->why.message);
        else if (st == CRIL_ERR_CANCELLED)
            st = stopped(r, err);
        end_range(r, 0);
        return st;
    }
    r->is_cells_own = false;
    r->range.forward = result.forward_tokens;
    if (strcmp(result.corpus_sha256, t->facts.sha256) != 0)
        st = cril_stamp_changed(t->study->path, err);
    else
        st = put_rows(r, err);
    end_range(r, st == CRIL_OK ? result.seconds : 0);
    cril_result_free(&result);
    return st;
}

static cril_status check_model_files(void *user, cril_error *err)
{
    const struct run *r = user;

    return check_subject(&r->work.subjects[r->job->subject], err);
}

static int on_items(void *user, const struct cril_evaluation_progress *p)
{
    struct run *r = user;

    r->range.forward = p->rows;
    r->range.done = p->items ? (double)p->items_done / (double)p->items : 1;
    r->range.seconds = p->seconds;
    r->range.is_measured = p->items_done > 0;
    return report(r, "scoring", NULL, 0);
}

/* Those items of the job that the store lacks. */
static cril_status run_items(struct run *r, cril_error *err)
{
    const struct cril_evaluation_options options = {
        .threads = r->o->threads,
        .batch_tokens = r->o->batch_tokens ? r->o->batch_tokens : BATCH_TOKENS,
        .memory_bytes = r->o->memory_bytes,
        .sandbox = r->work.sandbox};
    struct cril_benchmark_cell c = {.store = r->store,
                                    .benchmark = &r->work.benchmarks[r->job->benchmark],
                                    .cell = r->job->item_cell,
                                    .slice = r->job->slice,
                                    .options = &options,
                                    .user = r,
                                    .check = check_model_files,
                                    .on_progress = on_items};
    const double since = cril_clock_sec();
    cril_status st = prepare_model(r, err);

    if (st != CRIL_OK)
        return st;
    close_scorer(r); /* its buffers */
    r->range = (struct range){.flops = r->job->left_flops};
    r->job->range_flops = r->job->left_flops;
    st = cril_benchmark_cell_run(&c, r->model, err);
    r->totals.items += c.n_kept;
    r->is_cells_own = c.is_cells_own;
    if (st == CRIL_ERR_CANCELLED)
        st = stopped(r, err);
    end_range(r, st == CRIL_OK ? cril_clock_sec() - since : 0);
    return st;
}

/* ---- What is missing ---- */

/* How many items of a benchmark's job the store lacks; sets left_flops. */
static cril_status count_missing(struct run *r, struct cril_job *j, size_t *n, cril_error *err)
{
    bool *known;
    cril_status st = cril_benchmark_known(r->store, &r->work.benchmarks[j->benchmark],
                                          &j->item_cell, &known, err);

    *n = 0;
    j->left_flops = 0;
    if (st != CRIL_OK)
        return st;
    for (uint64_t i = j->slice.from; i < j->slice.to; i++) {
        if (known[i])
            continue;
        j->left_flops += cril_job_flops(&r->work, j, (cril_slice){i, i + 1});
        ++*n;
    }
    free(known);
    return CRIL_OK;
}

static cril_status look_at(struct run *r, struct cril_job *j, cril_error *err)
{
    cril_slice *missing = NULL;
    size_t n;
    cril_status st =
        j->is_benchmark ? count_missing(r, j, &n, err) : list_missing(r, j, &missing, &n, err);

    if (st != CRIL_OK)
        return st;
    j->done = !n;
    free(missing);
    return CRIL_OK;
}

/* ---- A job ---- */

/* One bad model, or one corpus that does not suit a protocol, does not stop the others. */
static cril_status leave_out(struct run *r, const struct cril_job *j, const cril_error *cause,
                             cril_error *err)
{
    cril_error why;

    cril_fail(&why, cause->status, "%s: %s%s%s on %s by %s: %s", r->s->path,
              r->work.subjects[j->subject].study->name, j->is_divergence ? " beside " : "",
              j->is_divergence ? r->work.subjects[j->base].study->name : "",
              cril_job_of(&r->work, j), cril_job_protocol(&r->work, j), cause->message);
    note_fault(r, &why);
    close_model(r);
    return cril_survey_fault(&r->work, &why, err);
}

/* Scores what is missing of a corpus's job. *n: how many ranges that was; why: an error of them. */
static cril_status do_documents(struct run *r, struct cril_job *j, size_t *n, cril_error *why)
{
    cril_slice *missing;
    cril_status st = j->is_divergence ? CRIL_OK : cril_store_adopt(r->store, &j->cell, why);

    if (st != CRIL_OK || (st = list_missing(r, j, &missing, n, why)) != CRIL_OK)
        return st;
    r->is_cells_own = true;
    if (*n)
        st = prepare(r, missing, *n, why);
    for (size_t i = 0; i < *n && st == CRIL_OK; i++)
        st = score_range(r, missing[i], why);
    free(missing);
    return st;
}

/* Whether a failure is that of a cell at work, and others can go on. */
static bool is_left_out(const struct run *r, cril_status st)
{
    return r->is_cells_own && cril_survey_is_fault(st) && st != CRIL_ERR_MISMATCH;
}

/* With the others of its pass. Where one of them fails, each is measured alone. */
static cril_status do_pass(struct run *r, struct cril_job *j, size_t *n, cril_error *why)
{
    const cril_status st = do_documents(r, j, n, why);

    if (!is_left_out(r, st) || r->n_sides < 2)
        return st;
    for (size_t i = 0; i < r->n_sides; i++)
        r->sides[i].job->alone = true;
    release_sides(r);
    return do_documents(r, j, n, why);
}

static cril_status do_items(struct run *r, struct cril_job *j, size_t *n, cril_error *why)
{
    const cril_status st = count_missing(r, j, n, why);

    if (st != CRIL_OK || !*n)
        return st;
    r->is_cells_own = true;
    return run_items(r, why);
}

/* The jobs of a pass that is over; since: when it began. */
static cril_status report_pass(struct run *r, struct cril_job *j, double since, cril_error *err)
{
    cril_status st = report_cell(r, j, since, err);

    for (size_t i = 1; i < r->n_sides && st == CRIL_OK; i++) {
        struct cril_job *other = r->sides[i].job;

        other->done = true;
        other->left_flops = 0;
        st = report_cell(r, other, since, err);
    }
    return st;
}

static cril_status do_claimed(struct run *r, struct cril_job *j, cril_error *err)
{
    const double since = cril_clock_sec();
    cril_error why;
    size_t n = 0;
    cril_status st;

    r->job = j;
    r->is_cells_own = false;
    st = j->is_benchmark ? do_items(r, j, &n, &why) : do_pass(r, j, &n, &why);
    r->job = NULL;
    j->done = st == CRIL_OK;
    j->failed = is_left_out(r, st);
    if (j->done || j->failed)
        j->left_flops = 0;
    if (j->failed)
        return leave_out(r, j, &why, err);
    if (!j->done)
        return cril_fail(err, st, "%s", why.message);
    return n ? report_pass(r, j, since, err) : CRIL_OK;
}

/* Runs a claimed job. It asks now for what is missing, since another run may have worked on the job
 * before. */
static cril_status do_missing(struct run *r, struct cril_job *j, cril_error *err)
{
    const cril_status st = do_claimed(r, j, err);

    release_sides(r);
    return st;
}

/* done stays false while another process has the claim: nothing is read until then. */
static cril_status do_job(struct run *r, struct cril_job *j, cril_error *err)
{
    cril_claim *claim;
    cril_status st =
        j->is_benchmark
            ? cril_claim_items(r->store, &j->item_cell, j->slice.from, j->slice.to, &claim, err)
            : cril_store_claim(r->store, &j->cell, j->slice.from, j->slice.to, &claim, err);

    if (st != CRIL_OK)
        return st;
    if (claim)
        st = do_missing(r, j, err);
    cril_claim_release(claim);
    return st;
}

/* ---- The run ---- */

static cril_status check_all_files(const struct run *r, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < r->work.n_subjects && st == CRIL_OK; i++)
        st = check_as_surveyed(r->work.subjects[i].study->path, CRIL_STAMPED_MODEL,
                               &r->work.subjects[i].stamps, err);
    for (size_t i = 0; i < r->work.n_texts && st == CRIL_OK; i++)
        st = check_as_surveyed(r->work.texts[i].study->path, CRIL_STAMPED_CORPUS,
                               &r->work.texts[i].stamps, err);
    return st;
}

static cril_status put_benchmarks(struct run *r, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < r->work.n_benchmarks && st == CRIL_OK; i++) {
        const struct cril_benchmark *b = &r->work.benchmarks[i];
        cril_store_benchmark before = {0};
        bool known;

        if ((st = cril_store_find_benchmark(r->store, b->study->name, &before, &known, err)) !=
                CRIL_OK ||
            (st = cril_store_put_benchmark(r->store, b->study->name, &b->facts, b->subjects,
                                           b->n_subjects, NULL, err)) != CRIL_OK)
            break;
        if (b->stamp)
            st = cril_store_put_stamp(r->store, b->facts.data_sha256, b->stamp, err);
        if (known && strcmp(before.data_sha256, b->facts.data_sha256) != 0)
            note_changed(r, "benchmark", b->study->name);
    }
    return st;
}

static cril_status put_facts(struct run *r, cril_error *err)
{
    cril_status st = check_all_files(r, err);
    bool changed;

    for (size_t i = 0; i < r->work.n_subjects && st == CRIL_OK; i++) {
        const struct cril_subject *m = &r->work.subjects[i];

        if (!m->facts.sha256[0]) /* another shard's */
            continue;
        if ((st = cril_store_put_model(r->store, m->study->name, &m->facts, &changed, err)) !=
                CRIL_OK ||
            (st = cril_store_put_stamp(r->store, m->facts.sha256, m->stamps.all, err)) != CRIL_OK)
            break;
        if (changed)
            note_changed(r, "model", m->study->name);
    }
    for (size_t i = 0; i < r->work.n_texts && st == CRIL_OK; i++) {
        const struct cril_text *t = &r->work.texts[i];

        cril_store_corpus before = {0};
        bool known;

        if ((st = cril_store_find_corpus(r->store, t->study->name, &before, &known, err)) !=
                CRIL_OK ||
            (st = cril_store_put_corpus(r->store, t->study->name, &t->facts, NULL, err)) !=
                CRIL_OK ||
            (st = cril_store_put_stamp(r->store, t->facts.sha256, t->stamps.all, err)) != CRIL_OK)
            break;
        if (known && strcmp(before.text, t->facts.text) != 0) /* another limit is no news */
            note_changed(r, "corpus", t->study->name);
    }
    return st == CRIL_OK ? put_benchmarks(r, err) : st;
}

/* The baselines of one corpus, unless they are known. */
static cril_status put_baselines(struct run *r, const struct cril_text *t, cril_error *err)
{
    cril_baseline *b;
    size_t n;
    cril_status st = cril_store_baselines(r->store, t->facts.id, &b, &n, err);

    if (st != CRIL_OK)
        return st;
    free(b);
    if (n)
        return CRIL_OK;
    st = cril_text_compress(t, report_compressing, r, &b, &n, err);
    if (st != CRIL_OK)
        return st == CRIL_ERR_CANCELLED ? stopped(r, err) : st;
    st = cril_store_put_baselines(r->store, t->facts.id, b, n, err);
    free(b);
    return st;
}

/* Each corpus belongs to one shard: versions of a compressor differ, and stores that differ do not
 * merge. */
static cril_status put_all_baselines(struct run *r, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < r->work.n_texts && st == CRIL_OK; i++)
        if (!r->o->shards || i % r->o->shards == r->o->shard - 1)
            st = put_baselines(r, &r->work.texts[i], err);
    return st;
}

static cril_status count_done(struct run *r, cril_error *err)
{
    cril_status st = CRIL_OK;

    r->totals.cells = r->work.n_jobs;
    for (size_t i = 0; i < r->work.n_jobs && st == CRIL_OK; i++) {
        st = look_at(r, &r->work.jobs[i], err);
        r->totals.cells_before += r->work.jobs[i].done;
    }
    return st;
}

/* One pass over all jobs that are not done; *left: those that others have claimed. */
static cril_status do_jobs(struct run *r, size_t *left, cril_error *err)
{
    cril_status st = CRIL_OK;

    *left = 0;
    for (size_t i = 0; i < r->work.n_jobs && st == CRIL_OK; i++) {
        struct cril_job *j = &r->work.jobs[i];

        if (j->done || j->failed)
            continue;
        st = do_job(r, j, err);
        *left += !j->done && !j->failed;
    }
    return st;
}

static cril_status do_all(struct run *r, cril_error *err)
{
    const struct timespec pause = {.tv_nsec = WAIT_MS * 1000000L};
    size_t left;
    cril_status st;

    while ((st = do_jobs(r, &left, err)) == CRIL_OK && left) {
        if (report(r, "waiting", NULL, 0))
            return stopped(r, err);
        nanosleep(&pause, NULL);
    }
    return st;
}

/* How many documents a corpus has in all, where a limit leaves some out and the number is not known
 * yet. */
static cril_status count_text(struct run *r, const struct cril_text *t, cril_error *err)
{
    uint64_t n;
    cril_status st = CRIL_OK;

    if (!t->facts.limit || t->facts.documents < t->facts.limit ||
        (st = cril_store_find_text(r->store, t->facts.text, &n, err)) != CRIL_OK || n)
        return st;
    if ((st = cril_text_count(t, report_reading, r, &n, err)) == CRIL_ERR_CANCELLED)
        return stopped(r, err);
    return st == CRIL_OK && n ? cril_store_put_text(r->store, t->facts.text, n, err) : st;
}

static cril_status start(struct run *r, cril_error *err)
{
    const unsigned shard = r->o->shard, shards = r->o->shards;
    cril_status st;

    if (shards && (shard < 1 || shard > shards))
        return cril_fail(err, CRIL_ERR_RANGE, "%s: shard %u of %u does not exist", r->s->path,
                         shard, shards);
    st = cril_survey_read(r->s, &r->work, report_reading, r, err);
    if (st == CRIL_OK && shards)
        cril_survey_cut(&r->work, shard, shards);
    if (st == CRIL_OK)
        st = cril_survey_identify(&r->work, report_reading, r, err);
    if (st == CRIL_ERR_CANCELLED)
        return stopped(r, err);
    if (st != CRIL_OK || (st = put_facts(r, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < r->work.n_faults && r->work.n_jobs; i++)
        note_fault(r, &r->work.faults[i]);
    for (size_t i = 0; i < r->work.n_texts; i++)
        if ((st = count_text(r, &r->work.texts[i], err)) != CRIL_OK)
            return st;
    if (!(r->rates = calloc(r->work.n_subjects + 1, sizeof(*r->rates))))
        return no_memory(r, err);
    return count_done(r, err);
}

/* The first thing that was left out, and how many more. */
static cril_status tell_faults(const struct run *r, cril_error *err)
{
    const size_t n = r->work.n_faults;
    const cril_error *first = r->work.faults;

    if (!n)
        return CRIL_OK;
    return n == 1 ? cril_fail(err, first->status, "%s", first->message)
                  : cril_fail(err, first->status, "%s (and %zu more that %s left out)",
                              first->message, n - 1, n == 2 ? "was" : "were");
}

/* ---- Leak scores ---- */

static int report_leak(void *user, const char *what)
{
    return report(user, "leak scores,", what, 0);
}

static void fault_leak(void *user, const cril_error *why)
{
    note_fault(user, why);
}

static void note_leak(void *user, const char *sentence)
{
    const struct run *r = user;

    if (r->callbacks && r->callbacks->on_note)
        r->callbacks->on_note(r->callbacks->user, sentence);
}

static cril_status do_leaks(struct run *r, cril_error *err)
{
    const struct cril_leak_run leaks = {
        .s = r->s,
        .store = r->store,
        .work = &r->work,
        .options = {.threads = r->o->threads,
                    .batch_tokens = r->o->batch_tokens ? r->o->batch_tokens : BATCH_TOKENS,
                    .memory_bytes = r->o->memory_bytes},
        .shard = r->o->shard,
        .shards = r->o->shards,
        .user = r,
        .poll = report_leak,
        .fault = fault_leak,
        .note = note_leak};
    cril_status st;

    close_model(r);
    st = cril_leak_cells_run(&leaks, err);
    return st == CRIL_ERR_CANCELLED ? stopped(r, err) : st;
}

cril_status cril_study_run(const cril_study_info *s, cril_store *store,
                           const cril_study_run_options *options,
                           const cril_study_callbacks *callbacks, cril_study_totals *totals,
                           cril_error *err)
{
    if (CRIL_LACKS(err, s, store))
        return CRIL_ERR_RANGE;

    static const cril_study_run_options defaults = {0};
    struct run r = {.s = s,
                    .store = store,
                    .o = options ? options : &defaults,
                    .callbacks = callbacks,
                    .start_sec = cril_clock_sec()};
    cril_status st = start(&r, err);

    if (st == CRIL_OK)
        st = do_all(&r, err);
    if (st == CRIL_OK)
        st = do_leaks(&r, err);
    if (st == CRIL_OK && r.o->baselines)
        st = put_all_baselines(&r, err);
    if (st == CRIL_OK)
        st = tell_faults(&r, err);
    r.totals.seconds = cril_clock_sec() - r.start_sec;
    if (totals)
        *totals = r.totals;
    close_model(&r);
    cril_survey_free(&r.work);
    free(r.rates);
    free(r.rows);
    free(r.sides);
    return st;
}
