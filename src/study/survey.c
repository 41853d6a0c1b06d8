/*
 * What there is to do: corpora and benchmarks are read, models opened one after another, each cell
 * gets an estimate of its arithmetic. Only models of which a cell is this run's are read for their
 * hash: a shard of a large study does not read all of it.
 *
 * The estimate lays the protocol's windows on documents whose tokens are estimated from their
 * characters, by the ratio in a sample of the corpus. It decides on order, shards and the time
 * left, never on a figure.
 */
#include "study/survey.h"

#include "model/model.h"
#include "sandbox/sandbox.h"
#include "score/layout.h"
#include "score/others.h"
#include "score/protocol.h"
#include "score/scorer.h"
#include "study/stamp.h"
#include "util/fail.h"
#include "util/size.h"

#include <cril/study_run.h>
#include <cril/tokenizer.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 1 << 16, COMPRESSED_AT_ONCE = 1 << 20 };

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for what a study has to do");
}

/* ---- Files ---- */

/* Puts the study's line in front of a sentence; line 0: there is none. */
static void place(const cril_study_info *s, size_t line, cril_error *why)
{
    const cril_error plain = *why;

    if (line)
        cril_fail(why, plain.status, "%s:%zu: %s", s->path, line, plain.message);
    else
        cril_fail(why, plain.status, "%s: %s", s->path, plain.message);
}

bool cril_survey_is_fault(cril_status st)
{
    return st != CRIL_OK && st != CRIL_ERR_NOMEM && st != CRIL_ERR_CANCELLED;
}

cril_status cril_survey_fault(struct cril_survey *w, const cril_error *why, cril_error *err)
{
    cril_error *faults =
        cril_size_grow(w->faults, &w->faults_size, w->n_faults, 1, sizeof(*faults));

    if (!faults)
        return no_memory(err);
    w->faults = faults;
    faults[w->n_faults++] = *why;
    return CRIL_OK;
}

cril_status cril_subject_open(const struct cril_subject *m, cril_model **out, cril_error *err)
{
    cril_model *model;
    cril_status st = cril_model_open(m->study->path, &model, err);

    if (st != CRIL_OK)
        return st;
    if ((st = cril_stamps_check(&m->stamps, 0, m->stamps.n, err)) != CRIL_OK) {
        cril_model_close(model);
        return st;
    }
    if (m->facts.sha256[0])
        cril_model_know_sha256(model, m->facts.sha256);
    *out = model;
    return CRIL_OK;
}

static cril_status survey_model(struct cril_subject *out, cril_model **model, cril_error *err)
{
    const char *path = out->study->path;
    cril_status st;

    if ((st = cril_stamps_take(path, CRIL_STAMPED_MODEL, &out->stamps, err)) !=
            CRIL_OK || /* before it is read */
        (st = cril_subject_open(out, model, err)) != CRIL_OK)
        return st;
    out->facts.parameters = cril_model_parameters(*model);
    out->facts.bytes = cril_model_bytes(*model);
    out->facts.context = cril_model_context(*model);
    if (strlen(cril_model_architecture(*model)) >= sizeof(out->facts.architecture))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: the name of its architecture is too long",
                         path);
    strcpy(out->facts.architecture, cril_model_architecture(*model));
    return CRIL_OK;
}

static cril_status keep_sample(struct cril_text *t, const cril_document *doc, cril_error *err)
{
    const size_t room = SAMPLE - t->n_sample, n = doc->len_bytes < room ? doc->len_bytes : room;

    if (!t->sample && !(t->sample = malloc(SAMPLE)))
        return no_memory(err);
    memcpy(t->sample + t->n_sample, doc->text, n);
    t->n_sample += n;
    return CRIL_OK;
}

/* Room for a document more, and for the end. */
struct capacity {
    size_t starts, files;
};

/* Files come in their order. One that has come up since the stamps were taken counts as the last:
 * the corpus is then another one, which is seen before anything is kept. */
static size_t file_of(const struct cril_text *t, const cril_document *doc)
{
    size_t i = t->facts.documents ? t->files[t->facts.documents - 1] : 0;

    while (i + 1 < t->stamps.n && strcmp(t->stamps.files[i].path, doc->file) != 0)
        i++;
    return i;
}

static cril_status add_document(struct cril_text *t, const cril_document *doc,
                                struct capacity *capacity, cril_error *err)
{
    const size_t n = (size_t)t->facts.documents;
    uint64_t *starts = cril_size_grow(t->starts, &capacity->starts, n, 2, sizeof(*starts));
    size_t *files;

    if (!starts)
        return no_memory(err);
    t->starts = starts;
    if (!(files = cril_size_grow(t->files, &capacity->files, n, 1, sizeof(*files))))
        return no_memory(err);
    t->files = files;
    files[n] = file_of(t, doc);
    starts[n] = t->facts.characters;
    t->facts.characters += cril_count_characters(doc->text, doc->len_bytes);
    starts[n + 1] = t->facts.characters;
    t->facts.documents++;
    t->facts.bytes += doc->len_bytes;
    return keep_sample(t, doc, err);
}

static cril_status stopped(const struct cril_text *t, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_CANCELLED, "stopped while reading %s", t->study->path);
}

static cril_status read_documents(struct cril_text *t, cril_corpus *c, cril_survey_poll poll,
                                  void *user, cril_error *err)
{
    cril_document doc;
    struct capacity capacity = {0};
    cril_status st;

    while ((st = cril_corpus_next(c, &doc, err)) == CRIL_OK && doc.text) {
        if (poll && poll(user, t->study->name))
            return stopped(t, err);
        if ((st = add_document(t, &doc, &capacity, err)) != CRIL_OK)
            return st;
    }
    if (st == CRIL_OK && !t->facts.documents)
        return cril_fail(err, CRIL_ERR_EMPTY, "%s: holds no document with text", t->study->path);
    return st;
}

bool cril_corpus_facts(const cril_corpus_options *o, cril_store_corpus *out)
{
    const char *field = o->field ? o->field : "content", *format = o->format ? o->format : "";

    if (strlen(field) >= sizeof(out->field) || strlen(format) >= sizeof(out->format))
        return false;
    strcpy(out->field, field);
    strcpy(out->format, format);
    out->limit = o->limit;
    return true;
}

static cril_status name_facts(struct cril_text *t, cril_corpus *c, cril_error *err)
{
    if (!cril_corpus_facts(&t->study->options, &t->facts))
        return cril_fail(err, CRIL_ERR_RANGE, "%s: the name of its field or format is too long",
                         t->study->path);
    const cril_status st = cril_corpus_sha256(c, t->facts.sha256, err);
    return st == CRIL_OK ? cril_store_corpus_id(&t->facts, err) : st;
}

static cril_status survey_text(struct cril_text *out, cril_survey_poll poll, void *user,
                               cril_error *err)
{
    const char *path = out->study->path;
    cril_corpus *c = NULL;
    cril_status st;

    if ((st = cril_stamps_take(path, CRIL_STAMPED_CORPUS, &out->stamps, err)) ==
            CRIL_OK && /* before it is read */
        (st = cril_corpus_open(path, &out->study->options, &c, err)) == CRIL_OK &&
        (st = read_documents(out, c, poll, user, err)) == CRIL_OK)
        st = name_facts(out, c, err);
    cril_corpus_close(c);
    return st;
}

cril_status cril_text_count(const struct cril_text *t, cril_survey_poll poll, void *user,
                            uint64_t *n, cril_error *err)
{
    cril_corpus_options all = t->study->options;
    cril_document doc = {.text = ""};
    cril_corpus *c = NULL;
    cril_error why;
    cril_status st;

    all.limit = 0;
    all.strict = false;
    *n = 0;
    st = cril_corpus_open(t->study->path, &all, &c, &why);
    while (st == CRIL_OK && (st = cril_corpus_next(c, &doc, &why)) == CRIL_OK && doc.text) {
        *n = doc.index + 1;
        if (poll && poll(user, t->study->name))
            st = stopped(t, &why);
    }
    cril_corpus_close(c);
    if (st != CRIL_OK)
        *n = 0;
    return st == CRIL_OK || cril_survey_is_fault(st) ? CRIL_OK
                                                     : cril_fail(err, st, "%s", why.message);
}

/* ---- Baselines ---- */

/* A long text in pieces, so that the caller can stop it. */
static cril_status add_text(const struct cril_text *t, cril_baselines *b, const cril_document *doc,
                            cril_survey_poll poll, void *user, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t at = 0, n; st == CRIL_OK && at < doc->len_bytes; at += n) {
        n = doc->len_bytes - at < COMPRESSED_AT_ONCE ? doc->len_bytes - at : COMPRESSED_AT_ONCE;
        st = poll && poll(user, t->study->name) ? stopped(t, err)
                                                : cril_baselines_add(b, doc->text + at, n, err);
    }
    return st;
}

static cril_status compress(const struct cril_text *t, cril_corpus *c, cril_baselines *b,
                            cril_survey_poll poll, void *user, cril_error *err)
{
    cril_document doc;
    char sha256[65];
    cril_status st;

    while ((st = cril_corpus_next(c, &doc, err)) == CRIL_OK && doc.text)
        if ((st = add_text(t, b, &doc, poll, user, err)) != CRIL_OK)
            return st;
    if (st != CRIL_OK || (st = cril_corpus_sha256(c, sha256, err)) != CRIL_OK)
        return st;
    return strcmp(sha256, t->facts.sha256) == 0 ? CRIL_OK : cril_stamp_changed(t->study->path, err);
}

cril_status cril_text_compress(const struct cril_text *t, cril_survey_poll poll, void *user,
                               cril_baseline **out, size_t *n, cril_error *err)
{
    cril_baselines *b = NULL;
    cril_corpus *c = NULL;
    cril_status st;

    if ((st = cril_corpus_open(t->study->path, &t->study->options, &c, err)) == CRIL_OK &&
        (st = cril_baselines_create(&b, err)) == CRIL_OK &&
        (st = compress(t, c, b, poll, user, err)) == CRIL_OK)
        st = cril_baselines_finish(b, out, n, err);
    cril_baselines_free(b);
    cril_corpus_close(c);
    return st;
}

/* ---- Costs ---- */

static cril_status count_sample(const cril_model *m, const struct cril_text *t,
                                double *tokens_per_character, cril_error *err)
{
    cril_ids ids = {0};
    const cril_status st = cril_tokenizer_encode(cril_model_tokenizer(m), t->sample, t->n_sample,
                                                 CRIL_ENCODE_TEXT, &ids, err);

    if (st == CRIL_OK)
        *tokens_per_character =
            (double)ids.n / (double)cril_count_characters(t->sample, t->n_sample);
    cril_ids_free(&ids);
    return st;
}

/* All windows on a stream of n tokens. */
static void add_stream(const cril_model *m, const struct cril_protocol *p,
                       const struct cril_layout *l, uint64_t n, struct cril_job *j)
{
    struct cril_span span;

    for (uint64_t k = 0; p->window(l, k, n, true, &span); k++) {
        const size_t n_inputs = (size_t)(span.end - 1 - span.from) + (span.first_token >= 0);

        j->flops += cril_model_flops(m, n_inputs, (size_t)(span.end - span.first));
        j->tokens += (double)n_inputs;
    }
}

/* ratio: tokens to characters. */
static void estimate(const cril_model *m, const struct cril_text *t, double ratio,
                     struct cril_job *j)
{
    const struct cril_protocol *p = cril_protocol_find(j->cell.protocol);
    const struct cril_layout l = {
        .context = (size_t)j->cell.context, .stride = (size_t)j->cell.stride, .first_token = -1};

    if (!p->per_document)
        add_stream(m, p, &l, (uint64_t)(ratio * (double)t->facts.characters), j);
    for (uint64_t i = 0; p->per_document && i < t->facts.documents; i++)
        add_stream(m, p, &l, (uint64_t)(ratio * (double)(t->starts[i + 1] - t->starts[i])) + 1, j);
    j->flops += 1; /* no cell is for nothing */
    j->tokens += 1;
}

/* ---- Cells ---- */

static bool is_same_cell(const struct cril_job *a, const struct cril_job *b)
{
    if (a->subject != b->subject || a->is_benchmark != b->is_benchmark)
        return false;
    if (a->is_benchmark)
        return strcmp(a->item_cell.task, b->item_cell.task) == 0 &&
               strcmp(a->item_cell.protocol_sha256, b->item_cell.protocol_sha256) == 0 &&
               strcmp(a->item_cell.data_sha256, b->item_cell.data_sha256) == 0;
    return a->protocol == b->protocol && a->cell.documents == b->cell.documents &&
           strcmp(a->cell.text, b->cell.text) == 0;
}

/* Of corpora that share their documents, and of benchmarks that share their items, the one with
 * most of them has the cell's job. */
static void add_job(struct cril_survey *w, const struct cril_job *j)
{
    for (size_t i = 0; i < w->n_jobs; i++) {
        struct cril_job *k = &w->jobs[i];

        if (!is_same_cell(k, j))
            continue;
        if (k->slice.to < j->slice.to)
            *k = *j;
        return;
    }
    w->jobs[w->n_jobs++] = *j;
}

static cril_status make_job(const cril_study_info *s, struct cril_survey *w, const cril_model *m,
                            size_t text, size_t protocol, double ratio, cril_error *err)
{
    const size_t subject = w->n_subjects - 1;
    const cril_study_protocol *p = &s->protocols[protocol];
    struct cril_job j = {.subject = subject,
                         .text = text,
                         .protocol = protocol,
                         .slice = {0, w->texts[text].facts.documents}};
    cril_status st =
        cril_cell_of(&w->subjects[subject].facts, &w->texts[text].facts, p, &j.cell, err);

    if (st != CRIL_OK)
        return st;
    estimate(m, &w->texts[text], ratio, &j);
    j.slice_flops = j.flops;
    add_job(w, &j);
    return CRIL_OK;
}

static cril_status make_benchmark_job(struct cril_survey *w, const cril_model *m, size_t benchmark,
                                      cril_error *err)
{
    const struct cril_benchmark *b = &w->benchmarks[benchmark];
    struct cril_job j = {.subject = w->n_subjects - 1,
                         .is_benchmark = true,
                         .benchmark = benchmark,
                         .slice = {0, b->facts.items}};
    const cril_status st = cril_benchmark_estimate(b, m, &j.flops, &j.tokens, err);

    if (st != CRIL_OK)
        return st;
    cril_item_cell_of(&w->subjects[j.subject].facts, &b->facts, &j.item_cell);
    j.slice_flops = j.flops;
    add_job(w, &j);
    return CRIL_OK;
}

/* A context that the model cannot have, or another reason for the scorer to refuse. */
static cril_status check_protocol(const cril_study_info *s, const struct cril_subject *subject,
                                  cril_model *m, const cril_study_protocol *p, cril_error *err)
{
    const cril_score_options wanted = {
        .protocol = p->name, .context = p->context, .stride = p->stride};
    const size_t max = cril_model_max_window(m);
    struct cril_layout l;
    cril_status st;

    cril_protocol_lay(cril_protocol_find(p->name), p->context, p->stride,
                      (size_t)subject->facts.context, &l);
    if (l.context > max)
        st = cril_fail(err, CRIL_ERR_RANGE,
                       "%s runs windows of at most %zu tokens, the protocol %s has %zu; give the "
                       "protocol a context of its own: {name: %s, context: %" PRIu64 "}",
                       subject->study->name, max, p->name, l.context, p->name,
                       subject->facts.context);
    else
        st = cril_scorer_check(m, &wanted, err);
    if (st != CRIL_OK && err)
        place(s, p->line, err);
    return st;
}

/* The newest subject's cells. */
static cril_status make_jobs(const cril_study_info *s, struct cril_survey *w, cril_model *m,
                             cril_error *err)
{
    const struct cril_subject *subject = &w->subjects[w->n_subjects - 1];
    cril_status st = CRIL_OK;

    for (size_t p = 0; p < s->n_protocols && st == CRIL_OK; p++) {
        cril_error why;

        if (cril_survey_is_fault(check_protocol(s, subject, m, &s->protocols[p], &why)))
            st = cril_survey_fault(w, &why, err);
        else
            for (size_t t = 0; t < w->n_texts && st == CRIL_OK; t++) {
                double ratio;

                if ((st = count_sample(m, &w->texts[t], &ratio, err)) == CRIL_OK)
                    st = make_job(s, w, m, t, p, ratio, err);
            }
    }
    for (size_t b = 0; b < w->n_benchmarks && st == CRIL_OK; b++)
        st = make_benchmark_job(w, m, b, err);
    return st;
}

/* Equal ones stand in the study's order, so that the order depends on the study alone. */
static int cheaper(const void *a, const void *b)
{
    const struct cril_job *x = a, *y = b;

    if (x->flops != y->flops)
        return x->flops < y->flops ? -1 : 1;
    if (x->subject != y->subject)
        return x->subject < y->subject ? -1 : 1;
    if (x->is_benchmark != y->is_benchmark)
        return x->is_benchmark ? 1 : -1;
    if (x->benchmark != y->benchmark)
        return x->benchmark < y->benchmark ? -1 : 1;
    if (x->text != y->text)
        return x->text < y->text ? -1 : 1;
    return (x->protocol > y->protocol) - (x->protocol < y->protocol);
}

static void free_subject(struct cril_subject *m)
{
    cril_stamps_free(&m->stamps);
    *m = (struct cril_subject){0};
}

static void free_text(struct cril_text *t)
{
    cril_stamps_free(&t->stamps);
    free(t->files);
    free(t->starts);
    free(t->sample);
    *t = (struct cril_text){0};
}

/* What reading one thing of the study came to: a fault of its line lets the others be read. */
static cril_status end_reading(const cril_study_info *s, struct cril_survey *w, size_t line,
                               cril_status st, cril_error *why, cril_error *err)
{
    if (!cril_survey_is_fault(st))
        return st == CRIL_OK ? CRIL_OK : cril_fail(err, st, "%s", why->message);
    place(s, line, why);
    return cril_survey_fault(w, why, err);
}

static cril_status read_text(const cril_study_info *s, const cril_study_corpus *study,
                             struct cril_survey *w, cril_survey_poll poll, void *user,
                             cril_error *err)
{
    struct cril_text *t = &w->texts[w->n_texts++];
    cril_error why;
    cril_status st;

    t->study = study;
    if (cril_survey_is_fault(st = survey_text(t, poll, user, &why)))
        free_text(&w->texts[--w->n_texts]);
    return end_reading(s, w, study->line, st, &why, err);
}

/* Opens the sandbox for the first benchmark with programs. Where there can be none, each such
 * benchmark is a fault. */
static cril_status find_programs(const cril_study_info *s, struct cril_survey *w,
                                 struct cril_benchmark *b, cril_error *err)
{
    cril_status st = CRIL_OK;

    if (!cril_benchmark_runs_programs(b))
        return CRIL_OK;
    if (!w->sandbox)
        st = cril_sandbox_open(s->python, &w->sandbox, err);
    return st == CRIL_OK ? cril_benchmark_find_modules(b, w->sandbox, err) : st;
}

static cril_status read_benchmark(const cril_study_info *s, const cril_study_benchmark *study,
                                  struct cril_survey *w, cril_survey_poll poll, void *user,
                                  cril_error *err)
{
    struct cril_benchmark *b = &w->benchmarks[w->n_benchmarks++];
    cril_error why;
    cril_status st;

    if (poll && poll(user, study->name))
        return cril_fail(err, CRIL_ERR_CANCELLED, "stopped while reading %s", study->data);
    if ((st = cril_benchmark_open(study, b, &why)) == CRIL_OK)
        st = find_programs(s, w, b, &why);
    if (cril_survey_is_fault(st))
        cril_benchmark_close(&w->benchmarks[--w->n_benchmarks]);
    return end_reading(s, w, study->line, st, &why, err);
}

static cril_status read_model(const cril_study_info *s, const cril_study_model *study,
                              struct cril_survey *w, cril_error *err)
{
    struct cril_subject *m = &w->subjects[w->n_subjects++];
    const size_t n_jobs = w->n_jobs;
    cril_model *model = NULL;
    cril_error why;
    cril_status st;

    m->study = study;
    if ((st = survey_model(m, &model, &why)) == CRIL_OK)
        st = make_jobs(s, w, model, &why);
    cril_model_close(model);
    if (cril_survey_is_fault(st)) {
        w->n_jobs = n_jobs;
        free_subject(&w->subjects[--w->n_subjects]);
    }
    return end_reading(s, w, study->line, st, &why, err);
}

static cril_status make_room(const cril_study_info *s, struct cril_survey *w, cril_error *err)
{
    size_t n;

    w->subjects = calloc(s->n_models + 1, sizeof(*w->subjects));
    w->texts = calloc(s->n_corpora + 1, sizeof(*w->texts));
    w->benchmarks = calloc(s->n_benchmarks + 1, sizeof(*w->benchmarks));
    if (!w->subjects || !w->texts || !w->benchmarks ||
        !cril_size_mul(s->n_corpora, 2 * s->n_protocols, &n) || /* with divergences */
        !cril_size_add(n, s->n_benchmarks, &n) || !cril_size_mul(n, s->n_models, &n) ||
        !(w->jobs = calloc(n + 1, sizeof(*w->jobs))))
        return no_memory(err);
    return CRIL_OK;
}

/* Of a subject's base, the job on the same documents; NULL: there is no such base, or it cannot be
 * used, which was a fault. */
static const struct cril_job *job_of_base(const struct cril_survey *w, const struct cril_job *j)
{
    const char *base = w->subjects[j->subject].study->base;

    for (size_t i = 0; i < w->n_jobs && base; i++) {
        const struct cril_job *k = &w->jobs[i];

        if (!k->is_benchmark && !k->is_divergence && k->text == j->text &&
            k->protocol == j->protocol && strcmp(w->subjects[k->subject].study->name, base) == 0)
            return k;
    }
    return NULL;
}

/* A divergence takes the arithmetic of both models; its windows are the base's. */
static void add_divergences(struct cril_survey *w)
{
    const size_t n = w->n_jobs;

    for (size_t i = 0; i < n; i++) {
        const struct cril_job *j = &w->jobs[i], *base = j->is_benchmark ? NULL : job_of_base(w, j);

        if (!base)
            continue;
        w->jobs[w->n_jobs] = *base;
        w->jobs[w->n_jobs].is_divergence = true;
        w->jobs[w->n_jobs].base = base->subject;
        w->jobs[w->n_jobs].subject = j->subject;
        w->jobs[w->n_jobs].flops += j->flops;
        w->jobs[w->n_jobs++].slice_flops += j->flops;
    }
}

static cril_status check_any(const cril_study_info *s, cril_error *err)
{
    bool model = false, any = false, data = false;

    for (size_t i = 0; i < s->n_models; i++)
        model |= s->models[i].path != NULL;
    for (size_t i = 0; i < s->n_corpora; i++)
        any |= s->corpora[i].path != NULL;
    for (size_t i = 0; i < s->n_benchmarks; i++)
        data |= s->benchmarks[i].data != NULL;
    return model && (any || data)
               ? CRIL_OK
               : cril_fail(err, CRIL_ERR_EMPTY, "%s: there is nothing to run: no %s has a path%s",
                           s->path, model ? "corpus" : "model",
                           model ? ", and no benchmark has data" : "");
}

cril_status cril_survey_read(const cril_study_info *s, struct cril_survey *w, cril_survey_poll poll,
                             void *user, cril_error *err)
{
    cril_status st = check_any(s, err);

    if (st != CRIL_OK || (st = make_room(s, w, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < s->n_corpora && st == CRIL_OK; i++)
        if (s->corpora[i].path)
            st = read_text(s, &s->corpora[i], w, poll, user, err);
    for (size_t i = 0; i < s->n_benchmarks && st == CRIL_OK; i++)
        if (s->benchmarks[i].data)
            st = read_benchmark(s, &s->benchmarks[i], w, poll, user, err);
    for (size_t i = 0; i < s->n_models && st == CRIL_OK; i++)
        if (s->models[i].path)
            st = read_model(s, &s->models[i], w, err);
    if (st != CRIL_OK)
        return st;
    add_divergences(w);
    qsort(w->jobs, w->n_jobs, sizeof(*w->jobs), cheaper);
    return CRIL_OK;
}

/* The hash of a model's files, for which it is opened, unless it is known. */
static cril_status identify(struct cril_subject *m, cril_survey_poll poll, void *user,
                            cril_error *err)
{
    cril_model *model;
    char sha256[65];
    cril_status st;

    if (m->facts.sha256[0])
        return CRIL_OK;
    if (poll && poll(user, m->study->name))
        return cril_fail(err, CRIL_ERR_CANCELLED, "stopped while reading %s", m->study->path);
    if ((st = cril_subject_open(m, &model, err)) != CRIL_OK)
        return st;
    if ((st = cril_model_sha256(model, sha256, err)) == CRIL_OK)
        memcpy(m->facts.sha256, sha256, sizeof(sha256));
    cril_model_close(model);
    return st;
}

cril_status cril_survey_identify(struct cril_survey *w, cril_survey_poll poll, void *user,
                                 cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < w->n_jobs && st == CRIL_OK; i++) {
        struct cril_job *j = &w->jobs[i];
        struct cril_subject *m = &w->subjects[j->subject], *base = &w->subjects[j->base];

        st = identify(m, poll, user, err);
        if (st == CRIL_OK && j->is_divergence)
            st = identify(base, poll, user, err);
        memcpy(j->cell.model, m->facts.sha256, sizeof(j->cell.model));
        memcpy(j->item_cell.model, m->facts.sha256, sizeof(j->item_cell.model));
        if (j->is_divergence)
            memcpy(j->cell.base, base->facts.sha256, sizeof(j->cell.base));
    }
    return st;
}

/* By each protocol. One that the base cannot have is a fault of its own. */
static cril_status compare_models(const cril_study_info *s, const cril_model *m,
                                  const cril_model *base, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < s->n_protocols && st == CRIL_OK; i++) {
        const struct cril_protocol *p = cril_protocol_find(s->protocols[i].name);
        struct cril_layout l;

        if (cril_layout_choose(p, base, s->protocols[i].context, s->protocols[i].stride, &l,
                               NULL) == CRIL_OK)
            st = cril_others_check_model(base, m, p, &l, err);
    }
    return st;
}

static cril_status check_pair(const cril_study_info *s, struct cril_survey *w,
                              const struct cril_subject *m, const struct cril_subject *base,
                              cril_error *err)
{
    cril_model *model = NULL, *other = NULL;
    cril_error why, differ;
    cril_status st = cril_subject_open(m, &model, &why);

    if (st == CRIL_OK && (st = cril_subject_open(base, &other, &why)) == CRIL_OK &&
        (st = compare_models(s, model, other, &differ)) != CRIL_OK)
        cril_fail(&why, st,
                  "%s cannot diverge from %s: %s; name another base, or take \"diverge\" away",
                  m->study->name, base->study->name, differ.message);
    cril_model_close(model);
    cril_model_close(other);
    return end_reading(s, w, m->study->line, st, &why, err);
}

/* A fault for each model that cannot be compared with its base. */
static cril_status check_pairs(const cril_study_info *s, struct cril_survey *w, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < w->n_subjects; i++) {
        const char *base = w->subjects[i].study->base;

        for (size_t k = 0; base && k < w->n_subjects && st == CRIL_OK; k++)
            if (strcmp(w->subjects[k].study->name, base) == 0)
                st = check_pair(s, w, &w->subjects[i], &w->subjects[k], err);
    }
    return st;
}

cril_status cril_study_run_check(const cril_study_info *s, cril_study_faults *faults)
{
    if (!s || !faults)
        return CRIL_ERR_RANGE;

    struct cril_survey w = {0};
    cril_error err;
    cril_status st;

    *faults = (cril_study_faults){0};
    if (check_any(s, NULL) != CRIL_OK)
        return CRIL_OK;
    if ((st = cril_survey_read(s, &w, NULL, NULL, &err)) != CRIL_OK ||
        (st = check_pairs(s, &w, &err)) != CRIL_OK)
        faults->fault[faults->n++] = err;
    for (size_t i = 0; i < w.n_faults && st == CRIL_OK; i++) {
        if (faults->n < CRIL_STUDY_MOST_FAULTS)
            faults->fault[faults->n++] = w.faults[i];
        else
            faults->more = true;
    }
    cril_survey_free(&w);
    return faults->n ? faults->fault[0].status : CRIL_OK;
}

void cril_survey_free(struct cril_survey *w)
{
    for (size_t i = 0; i < w->n_subjects; i++)
        free_subject(&w->subjects[i]);
    for (size_t i = 0; i < w->n_texts; i++)
        free_text(&w->texts[i]);
    for (size_t i = 0; i < w->n_benchmarks; i++)
        cril_benchmark_close(&w->benchmarks[i]);
    cril_sandbox_close(w->sandbox);
    free(w->faults);
    free(w->subjects);
    free(w->texts);
    free(w->benchmarks);
    free(w->jobs);
    *w = (struct cril_survey){0};
}

/* ---- Jobs ---- */

const char *cril_job_of(const struct cril_survey *w, const struct cril_job *j)
{
    return j->is_benchmark ? w->benchmarks[j->benchmark].study->name
                           : w->texts[j->text].study->name;
}

const char *cril_job_protocol(const struct cril_survey *w, const struct cril_job *j)
{
    return j->is_benchmark ? w->benchmarks[j->benchmark].facts.protocol : j->cell.protocol;
}

/* Where its documents or items lie on a line that is as long as they are. */
static const uint64_t *starts_of(const struct cril_survey *w, const struct cril_job *j)
{
    return j->is_benchmark ? w->benchmarks[j->benchmark].starts : w->texts[j->text].starts;
}

uint64_t cril_job_rows(const struct cril_survey *w, const struct cril_job *j)
{
    return j->is_benchmark ? w->benchmarks[j->benchmark].facts.items
                           : w->texts[j->text].facts.documents;
}

double cril_job_flops(const struct cril_survey *w, const struct cril_job *j, cril_slice s)
{
    const uint64_t *starts = starts_of(w, j);

    return j->flops * (double)(starts[s.to] - starts[s.from]) / (double)starts[cril_job_rows(w, j)];
}

/* ---- Shares ---- */

/* The first document or item of which at least half lies behind a share of the line's length; past
 * the last: none does. */
static uint64_t row_at(const struct cril_survey *w, const struct cril_job *j, double share)
{
    const uint64_t *starts = starts_of(w, j);
    uint64_t low = 0, high = cril_job_rows(w, j);
    const double wanted = share * (double)starts[high];

    while (low < high) {
        const uint64_t i = low + (high - low) / 2;

        if (((double)starts[i] + (double)starts[i + 1]) / 2 < wanted)
            low = i + 1;
        else
            high = i;
    }
    return low;
}

static double clamp(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

/*
 * The cells in their order are a line as long as their arithmetic, which is cut into equal parts;
 * each cut falls between two documents or items. Where a part ends the next one begins: both are
 * computed by one expression.
 */
void cril_survey_cut(struct cril_survey *w, unsigned shard, unsigned shards)
{
    double total = 0, at = 0;
    size_t n = 0;

    for (size_t i = 0; i < w->n_jobs; i++)
        total += w->jobs[i].flops;
    for (size_t i = 0; i < w->n_jobs; i++) {
        struct cril_job j = w->jobs[i];
        const double from = clamp((total * (shard - 1) / shards - at) / j.flops),
                     to = clamp((total * shard / shards - at) / j.flops);

        at += j.flops;
        j.slice = (cril_slice){row_at(w, &j, from),
                               shard == shards ? cril_job_rows(w, &j) : row_at(w, &j, to)};
        if (j.slice.from >= j.slice.to)
            continue;
        j.slice_flops = cril_job_flops(w, &j, j.slice);
        w->jobs[n++] = j;
    }
    w->n_jobs = n;
}
