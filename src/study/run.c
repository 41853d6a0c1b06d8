/*
 * The run of a study: cell by cell, cheapest first, what the store does not have yet.
 *
 * Documents go into the store as soon as a batch has finished them, many in a transaction. A cell, or this run's slice of it, is
 * claimed while it is at work; what others have claimed is looked at again when nothing else is left.
 */
#include <cril/study_run.h>

#include "study/survey.h"
#include "util/fail.h"
#include "util/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH_TOKENS = 2048, WAIT_MS = 200 };

struct run {
    const cril_study_info *s;
    cril_store *store;
    const cril_study_run_options *o;
    const cril_study_callbacks *callbacks;
    cril_study_totals totals;
    struct cril_survey work;
    struct rate {
        double flops, seconds; /* done by this run, and how long it took */
    } *rates;                  /* [work.n_subjects] */
    double start_sec;

    /* the cell at work */
    struct cril_job *job;
    cril_scorer *scorer;     /* kept while subject and protocol stay */
    size_t scorer_subject, scorer_protocol;
    cril_document_score *rows; /* [n_rows] finished, not in the store yet */
    size_t n_rows, rows_size;
    double range_flops, range_seconds; /* of the documents that are being scored */
    uint64_t range_forward;            /* tokens so far */
    cril_status failure; /* of a write within a callback */
    cril_error why;
};

static double now_sec(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static cril_status no_memory(const struct run *r, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", r->s->path);
}

static cril_status stopped(const struct run *r, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_CANCELLED, "%s: stopped; what was finished is kept, and the next run goes on there", r->s->path);
}

/* ---- Progress ---- */

/* Seconds that the rest of the work takes: each model at its own speed, or, before it had its turn, at that of all. */
static double seconds_left(const struct run *r, double at_work)
{
    struct rate all = { 0 };
    double left = 0;

    for (size_t i = 0; i < r->work.n_subjects; i++) {
        all.flops += r->rates[i].flops;
        all.seconds += r->rates[i].seconds;
    }
    if (r->job) {
        all.flops += at_work * r->range_flops;
        all.seconds += r->range_seconds;
    }
    for (size_t i = 0; i < r->work.n_jobs; i++) {
        const struct cril_job *j = &r->work.jobs[i];
        struct rate own = r->rates[j->subject];
        double flops = j->done ? 0 : j->slice_flops;

        if (r->job && j->subject == r->job->subject) {
            own.flops += at_work * r->range_flops;
            own.seconds += r->range_seconds;
        }
        if (j == r->job)
            flops -= at_work * r->range_flops;
        if (own.flops <= 0)
            own = all;
        if (flops > 0 && own.flops <= 0)
            return -1;
        left += flops > 0 ? flops * own.seconds / own.flops : 0;
    }
    return left;
}

/* done: share of the documents at work. */
static int report(struct run *r, const char *phase, const char *name, double done, double bpc)
{
    cril_study_progress p = { .phase = phase, .model = name, .cells = r->work.n_jobs, .fraction = -1, .seconds_left = -1,
                              .seconds = now_sec() - r->start_sec,
                              .forward_tokens = r->totals.forward_tokens + r->range_forward, .bpc = bpc };
    double all = 0, finished = 0;

    if (!r->callbacks || !r->callbacks->on_progress)
        return 0;
    for (size_t i = 0; i < r->work.n_jobs; i++) {
        all += r->work.jobs[i].slice_flops;
        finished += r->work.jobs[i].done ? r->work.jobs[i].slice_flops : 0;
        p.cells_done += r->work.jobs[i].done;
    }
    if (r->job) {
        p.model = r->work.subjects[r->job->subject].study->name;
        p.corpus = r->work.texts[r->job->text].study->name;
        p.protocol = r->job->cell.protocol;
        finished += r->job->slice_flops - (1 - done) * r->range_flops;
    }
    if (all > 0 && r->rates) {
        p.fraction = finished < all ? finished / all : 1;
        p.seconds_left = seconds_left(r, done);
    }
    return r->callbacks->on_progress(r->callbacks->user, &p);
}

static int report_reading(void *user, const char *name)
{
    return report(user, "reading", name, 0, 0);
}

static void note_changed(const struct run *r, const char *what, const char *name)
{
    char sentence[512];

    if (!r->callbacks || !r->callbacks->on_note)
        return;
    snprintf(sentence, sizeof(sentence), "%s: the file of the %s %s is another one than before: its cells are new; those of the old one stay "
             "in the database", r->s->path, what, name);
    r->callbacks->on_note(r->callbacks->user, sentence);
}

/* ---- A cell ---- */

static cril_status put_rows(struct run *r, cril_error *err)
{
    const struct cril_text *t = &r->work.texts[r->job->text];
    cril_status st;

    if (!r->n_rows)
        return CRIL_OK;
    if (!cril_text_unchanged(t))
        return cril_fail(err, CRIL_ERR_MISMATCH, "%s: changed while it was being scored; what was scored since the last commit is dropped",
                         t->study->path);
    st = cril_store_put(r->store, &r->job->cell, r->rows, r->n_rows, err);
    if (st == CRIL_OK)
        r->n_rows = 0;
    return st;
}

static int on_document(void *user, const cril_document_score *d)
{
    struct run *r = user;
    cril_document_score *rows = cril_size_grow(r->rows, &r->rows_size, r->n_rows, 1, sizeof(*rows));

    if (!rows) {
        r->failure = no_memory(r, &r->why);
        return 1;
    }
    r->rows = rows;
    rows[r->n_rows++] = *d;
    r->totals.documents++;
    r->totals.scored_tokens += d->scored_tokens;
    return 0;
}

static int on_progress(void *user, const cril_score_progress *p)
{
    struct run *r = user;

    r->range_seconds = p->seconds;
    r->range_forward = p->forward_tokens;
    if ((r->failure = put_rows(r, &r->why)) != CRIL_OK)
        return 1;
    return report(r, "scoring", NULL, p->fraction < 0 ? 0 : p->fraction, p->bpc);
}

/* The scorer of the job at hand. */
static cril_status prepare(struct run *r, cril_error *err)
{
    const struct cril_job *j = r->job;
    const cril_score_options wanted = { .protocol = j->cell.protocol,
                                        .context = (size_t)j->cell.context,
                                        .stride = r->s->protocols[j->protocol].stride,
                                        .threads = r->o->threads,
                                        .batch_tokens = r->o->batch_tokens ? r->o->batch_tokens : BATCH_TOKENS,
                                        .memory_bytes = r->o->memory_bytes };

    if (r->scorer && r->scorer_subject == j->subject && r->scorer_protocol == j->protocol)
        return CRIL_OK;
    cril_scorer_free(r->scorer);
    r->scorer = NULL;
    r->scorer_subject = j->subject;
    r->scorer_protocol = j->protocol;
    return cril_scorer_create(r->work.subjects[j->subject].model, &wanted, &r->scorer, err);
}

static cril_status score_range(struct run *r, const cril_slice *range, cril_error *err)
{
    static const cril_score_callbacks no_callbacks = { 0 };
    const struct cril_text *t = &r->work.texts[r->job->text];
    struct rate *rate = &r->rates[r->job->subject];
    cril_score_callbacks callbacks = no_callbacks;
    cril_result result;
    cril_corpus *c;
    cril_status st = cril_corpus_open(t->study->path, &t->study->options, &c, err);

    if (st != CRIL_OK)
        return st;
    callbacks.user = r;
    callbacks.on_document = on_document;
    callbacks.on_progress = on_progress;
    r->range_flops = r->job->flops * (double)(range->to - range->from) / (double)t->facts.documents;
    r->range_seconds = 0;
    r->range_forward = 0;
    r->n_rows = 0;
    r->failure = CRIL_OK;
    st = cril_score_slice(r->scorer, c, t->study->path, range->from, range->to, &callbacks, &result, err);
    cril_corpus_close(c);
    if (r->failure != CRIL_OK)
        return cril_fail(err, r->failure, "%s", r->why.message);
    if (st == CRIL_ERR_CANCELLED)
        return stopped(r, err);
    if (st != CRIL_OK)
        return st;
    if ((st = put_rows(r, err)) == CRIL_OK && strcmp(result.corpus_sha256, t->facts.sha256) != 0)
        st = cril_fail(err, CRIL_ERR_MISMATCH, "%s: changed while it was being scored", t->study->path);
    rate->flops += r->range_flops;
    rate->seconds += result.seconds;
    r->totals.forward_tokens += result.forward_tokens;
    r->range_flops = r->range_seconds = 0;
    r->range_forward = 0;
    cril_result_free(&result);
    return st;
}

/* The part of a range that lies in the job's slice; false: none. */
static bool clip(const struct cril_job *j, cril_slice *range)
{
    if (range->from < j->slice.from)
        range->from = j->slice.from;
    if (range->to > j->slice.to)
        range->to = j->slice.to;
    return range->from < range->to;
}

/* Scores what is missing of the job, or only asks whether anything is. */
static cril_status do_missing(struct run *r, struct cril_job *j, bool score, bool *any, cril_error *err)
{
    cril_slice *ranges;
    size_t n;
    cril_status st = cril_store_missing(r->store, &j->cell, &ranges, &n, err);

    *any = false;
    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < n && st == CRIL_OK; i++) {
        if (!clip(j, &ranges[i]))
            continue;
        *any = true;
        if (score)
            st = score_range(r, &ranges[i], err);
    }
    free(ranges);
    return st;
}

/* done stays false where another process is at it. */
static cril_status do_job(struct run *r, struct cril_job *j, cril_error *err)
{
    cril_claim *claim;
    bool any;
    cril_status st = do_missing(r, j, false, &any, err);

    if (st != CRIL_OK || !any) {
        j->done = st == CRIL_OK;
        return st;
    }
    st = cril_store_claim(r->store, &j->cell, j->slice.from, j->slice.to, &claim, err);
    if (st != CRIL_OK || !claim)
        return st;
    r->job = j;
    if ((st = prepare(r, err)) == CRIL_OK)
        st = do_missing(r, j, true, &any, err); /* asked anew: another one may have been here before the claim */
    r->job = NULL;
    j->done = st == CRIL_OK;
    cril_claim_release(claim);
    return st;
}

/* ---- The run ---- */

static cril_status put_facts(struct run *r, cril_error *err)
{
    cril_status st = CRIL_OK;
    bool changed;

    for (size_t i = 0; i < r->work.n_subjects && st == CRIL_OK; i++) {
        const struct cril_subject *m = &r->work.subjects[i];

        if ((st = cril_store_put_model(r->store, m->study->name, &m->facts, &changed, err)) == CRIL_OK && changed)
            note_changed(r, "model", m->study->name);
    }
    for (size_t i = 0; i < r->work.n_texts && st == CRIL_OK; i++) {
        const struct cril_text *t = &r->work.texts[i];

        if ((st = cril_store_put_corpus(r->store, t->study->name, &t->facts, &changed, err)) == CRIL_OK && changed)
            note_changed(r, "corpus", t->study->name);
        if (st == CRIL_OK && t->n_baselines)
            st = cril_store_put_baselines(r->store, t->facts.id, t->baselines, t->n_baselines, err);
    }
    return st;
}

static cril_status count_done(struct run *r, cril_error *err)
{
    cril_status st = CRIL_OK;
    bool any;

    r->totals.cells = r->work.n_jobs;
    for (size_t i = 0; i < r->work.n_jobs && st == CRIL_OK; i++) {
        st = do_missing(r, &r->work.jobs[i], false, &any, err);
        r->work.jobs[i].done = st == CRIL_OK && !any;
        r->totals.cells_before += r->work.jobs[i].done;
    }
    return st;
}

/* One walk through all jobs that are not done; *left: those that others are at. */
static cril_status do_jobs(struct run *r, size_t *left, cril_error *err)
{
    cril_status st = CRIL_OK;

    *left = 0;
    for (size_t i = 0; i < r->work.n_jobs && st == CRIL_OK; i++) {
        if (r->work.jobs[i].done)
            continue;
        st = do_job(r, &r->work.jobs[i], err);
        *left += !r->work.jobs[i].done;
    }
    return st;
}

static cril_status do_all(struct run *r, cril_error *err)
{
    const struct timespec pause = { .tv_nsec = WAIT_MS * 1000000L };
    size_t left;
    cril_status st;

    while ((st = do_jobs(r, &left, err)) == CRIL_OK && left) {
        if (report(r, "waiting", NULL, 0, 0))
            return stopped(r, err);
        nanosleep(&pause, NULL);
    }
    return st;
}

static cril_status start(struct run *r, cril_error *err)
{
    const unsigned shard = r->o->shard, shards = r->o->shards;
    cril_status st;

    if (shards && (shard < 1 || shard > shards))
        return cril_fail(err, CRIL_ERR_RANGE, "%s: shard %u of %u does not exist", r->s->path, shard, shards);
    st = cril_survey_read(r->s, &r->work, r->o->baselines, report_reading, r, err);
    if (st != CRIL_OK || (st = put_facts(r, err)) != CRIL_OK)
        return st;
    if (shards)
        cril_survey_cut(&r->work, shard, shards);
    if (!(r->rates = calloc(r->work.n_subjects + 1, sizeof(*r->rates))))
        return no_memory(r, err);
    return count_done(r, err);
}

cril_status cril_study_run(const cril_study_info *s, cril_store *store, const cril_study_run_options *options,
                           const cril_study_callbacks *callbacks, cril_study_totals *totals, cril_error *err)
{
    static const cril_study_run_options defaults = { 0 };
    struct run r = { .s = s, .store = store, .o = options ? options : &defaults, .callbacks = callbacks, .start_sec = now_sec() };
    cril_status st = start(&r, err);

    if (st == CRIL_OK)
        st = do_all(&r, err);
    r.totals.seconds = now_sec() - r.start_sec;
    if (totals)
        *totals = r.totals;
    cril_scorer_free(r.scorer);
    cril_survey_free(&r.work);
    free(r.rates);
    free(r.rows);
    return st;
}
