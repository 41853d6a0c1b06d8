/*
 * What there is to do: corpora are read, models opened, each cell gets an estimate of its
 * arithmetic. Only models of which a cell is this run's are read for their hash: a shard of a large
 * study does not read all of it.
 *
 * The estimate lays the protocol's windows on documents whose tokens are guessed from their
 * characters, by the ratio in a sample of the corpus. It decides over order, shares and the time
 * left, never over a figure.
 */
#include "study/survey.h"

#include "score/protocol.h"
#include "study/stamp.h"
#include "util/fail.h"
#include "util/size.h"

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

static cril_status survey_model(const cril_study_model *m, struct cril_subject *out,
                                cril_error *err)
{
    cril_status st;

    *out = (struct cril_subject){.study = m, .stamp = cril_stamp(m->path)}; /* before it is read */
    if ((st = cril_model_open(m->path, &out->model, err)) != CRIL_OK)
        return st;
    out->facts.parameters = cril_model_parameters(out->model);
    out->facts.bytes = cril_model_bytes(out->model);
    out->facts.context = cril_model_context(out->model);
    if (strlen(cril_model_architecture(out->model)) >= sizeof(out->facts.architecture))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: the name of its architecture is too long",
                         m->path);
    strcpy(out->facts.architecture, cril_model_architecture(out->model));
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

static cril_status add_document(struct cril_text *t, const cril_document *doc, size_t *capacity,
                                cril_error *err)
{
    const size_t n = (size_t)t->facts.documents;
    uint64_t *starts = cril_size_grow(t->starts, capacity, n, 2, sizeof(*starts));

    if (!starts)
        return no_memory(err);
    t->starts = starts;
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
    size_t capacity = 0;
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

static cril_status name_facts(struct cril_text *t, cril_corpus *c, cril_error *err)
{
    const cril_corpus_options *o = &t->study->options;
    const char *field = o->field ? o->field : "content", *format = o->format ? o->format : "";

    if (strlen(field) >= sizeof(t->facts.field) || strlen(format) >= sizeof(t->facts.format))
        return cril_fail(err, CRIL_ERR_RANGE, "%s: the name of its field or format is too long",
                         t->study->path);
    strcpy(t->facts.field, field);
    strcpy(t->facts.format, format);
    t->facts.limit = o->limit;
    const cril_status st = cril_corpus_sha256(c, t->facts.sha256, err);
    return st == CRIL_OK ? cril_store_corpus_id(&t->facts, err) : st;
}

static cril_status survey_text(const cril_study_corpus *study, struct cril_text *out,
                               cril_survey_poll poll, void *user, cril_error *err)
{
    cril_corpus *c = NULL;
    cril_status st;

    *out = (struct cril_text){.study = study,
                              .stamp = cril_stamp(study->path)}; /* before it is read */
    if ((st = cril_corpus_open(study->path, &study->options, &c, err)) == CRIL_OK &&
        (st = read_documents(out, c, poll, user, err)) == CRIL_OK)
        st = name_facts(out, c, err);
    cril_corpus_close(c);
    return st;
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

static cril_status count_sample(const struct cril_subject *m, const struct cril_text *t,
                                double *tokens_per_character, cril_error *err)
{
    cril_ids ids = {0};
    const cril_status st = cril_tokenizer_encode(cril_model_tokenizer(m->model), t->sample,
                                                 t->n_sample, CRIL_ENCODE_TEXT, &ids, err);

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
        const size_t n_inputs = (size_t)(span.end - 1 - span.from) + (span.head >= 0);

        j->flops += cril_model_flops(m, n_inputs, (size_t)(span.end - span.first));
        j->tokens += (double)n_inputs;
    }
}

/* ratio: tokens to characters. */
static void estimate(const struct cril_subject *m, const struct cril_text *t, double ratio,
                     struct cril_job *j)
{
    const struct cril_protocol *p = cril_protocol_find(j->cell.protocol);
    const struct cril_layout l = {
        .context = (size_t)j->cell.context, .stride = (size_t)j->cell.stride, .head = -1};

    if (!p->per_document)
        add_stream(m->model, p, &l, (uint64_t)(ratio * (double)t->facts.characters), j);
    for (uint64_t i = 0; p->per_document && i < t->facts.documents; i++)
        add_stream(m->model, p, &l,
                   (uint64_t)(ratio * (double)(t->starts[i + 1] - t->starts[i])) + 1, j);
    j->flops += 1; /* no cell is for nothing */
    j->tokens += 1;
}

/* ---- Cells ---- */

/* Of corpora that share their documents, the one with most of them has the cell's job. */
static void add_job(struct cril_survey *w, const struct cril_job *j)
{
    for (size_t i = 0; i < w->n_jobs; i++) {
        struct cril_job *k = &w->jobs[i];

        if (k->subject != j->subject || k->protocol != j->protocol ||
            k->cell.documents != j->cell.documents || strcmp(k->cell.text, j->cell.text) != 0)
            continue;
        if (k->slice.to < j->slice.to)
            *k = *j;
        return;
    }
    w->jobs[w->n_jobs++] = *j;
}

static cril_status make_job(const cril_study_info *s, struct cril_survey *w, size_t subject,
                            size_t text, size_t protocol, double ratio, cril_error *err)
{
    const cril_study_protocol *p = &s->protocols[protocol];
    struct cril_job j = {.subject = subject,
                         .text = text,
                         .protocol = protocol,
                         .slice = {0, w->texts[text].facts.documents}};
    cril_status st =
        cril_cell_of(&w->subjects[subject].facts, &w->texts[text].facts, p, &j.cell, err);

    if (st == CRIL_OK && j.cell.context > w->subjects[subject].facts.context)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s:%zu: %s was made for a context of at most %" PRIu64
                         " tokens, the protocol %s has %" PRIu64 "; give the "
                         "protocol a context of its own: {name: %s, context: %" PRIu64 "}",
                         s->path, p->line, w->subjects[subject].study->name,
                         w->subjects[subject].facts.context, p->name, j.cell.context, p->name,
                         w->subjects[subject].facts.context);
    if (st != CRIL_OK)
        return st;
    estimate(&w->subjects[subject], &w->texts[text], ratio, &j);
    j.slice_flops = j.flops;
    add_job(w, &j);
    return CRIL_OK;
}

/* Equal ones stand in the study's order, so that the order depends on the study alone. */
static int cheaper(const void *a, const void *b)
{
    const struct cril_job *x = a, *y = b;

    if (x->flops != y->flops)
        return x->flops < y->flops ? -1 : 1;
    if (x->subject != y->subject)
        return x->subject < y->subject ? -1 : 1;
    if (x->text != y->text)
        return x->text < y->text ? -1 : 1;
    return (x->protocol > y->protocol) - (x->protocol < y->protocol);
}

static cril_status list_jobs(const cril_study_info *s, struct cril_survey *w, cril_error *err)
{
    cril_status st = CRIL_OK;
    size_t n;

    if (!cril_size_mul(w->n_subjects, w->n_texts, &n) || !cril_size_mul(n, s->n_protocols, &n) ||
        !(w->jobs = calloc(n + 1, sizeof(*w->jobs))))
        return no_memory(err);
    for (size_t m = 0; m < w->n_subjects; m++)
        for (size_t t = 0; t < w->n_texts && st == CRIL_OK; t++) {
            double ratio;

            st = count_sample(&w->subjects[m], &w->texts[t], &ratio, err);
            for (size_t p = 0; p < s->n_protocols && st == CRIL_OK; p++)
                st = make_job(s, w, m, t, p, ratio, err);
        }
    if (st == CRIL_OK)
        qsort(w->jobs, w->n_jobs, sizeof(*w->jobs), cheaper);
    return st;
}

cril_status cril_survey_read(const cril_study_info *s, struct cril_survey *w, cril_survey_poll poll,
                             void *user, cril_error *err)
{
    cril_status st = CRIL_OK;

    w->subjects = calloc(s->n_models + 1, sizeof(*w->subjects));
    w->texts = calloc(s->n_corpora + 1, sizeof(*w->texts));
    if (!w->subjects || !w->texts)
        return no_memory(err);
    for (size_t i = 0; i < s->n_models && st == CRIL_OK; i++)
        if (s->models[i].path)
            st = survey_model(&s->models[i], &w->subjects[w->n_subjects++], err);
    for (size_t i = 0; i < s->n_corpora && st == CRIL_OK; i++)
        if (s->corpora[i].path)
            st = survey_text(&s->corpora[i], &w->texts[w->n_texts++], poll, user, err);
    if (st == CRIL_OK && (!w->n_subjects || !w->n_texts))
        return cril_fail(err, CRIL_ERR_EMPTY, "%s: there is nothing to run: no %s has a path",
                         s->path, w->n_subjects ? "corpus" : "model");
    return st == CRIL_OK ? list_jobs(s, w, err) : st;
}

cril_status cril_survey_identify(struct cril_survey *w, cril_survey_poll poll, void *user,
                                 cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < w->n_jobs && st == CRIL_OK; i++) {
        struct cril_subject *m = &w->subjects[w->jobs[i].subject];

        if (!m->facts.sha256[0]) {
            if (poll && poll(user, m->study->name))
                return cril_fail(err, CRIL_ERR_CANCELLED, "stopped while reading %s",
                                 m->study->path);
            st = cril_model_sha256(m->model, m->facts.sha256, err);
        }
        memcpy(w->jobs[i].cell.model, m->facts.sha256, sizeof(w->jobs[i].cell.model));
    }
    return st;
}

void cril_survey_free(struct cril_survey *w)
{
    for (size_t i = 0; i < w->n_subjects; i++)
        cril_model_close(w->subjects[i].model);
    for (size_t i = 0; i < w->n_texts; i++) {
        free(w->texts[i].starts);
        free(w->texts[i].sample);
    }
    free(w->subjects);
    free(w->texts);
    free(w->jobs);
    *w = (struct cril_survey){0};
}

double cril_job_flops(const struct cril_survey *w, const struct cril_job *j, cril_slice s)
{
    const struct cril_text *t = &w->texts[j->text];

    return j->flops * (double)(t->starts[s.to] - t->starts[s.from]) / (double)t->facts.characters;
}

/* ---- Shares ---- */

/* The first document of which at least half lies behind a share of the corpus's characters; past
 * the last: none does. */
static uint64_t document_at(const struct cril_text *t, double share)
{
    const double wanted = share * (double)t->facts.characters;
    uint64_t low = 0, high = t->facts.documents;

    while (low < high) {
        const uint64_t i = low + (high - low) / 2;

        if (((double)t->starts[i] + (double)t->starts[i + 1]) / 2 < wanted)
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
 * each cut falls between two documents. Where a part ends the next one begins: both are computed by
 * one expression.
 */
void cril_survey_cut(struct cril_survey *w, unsigned shard, unsigned shards)
{
    double total = 0, at = 0;
    size_t n = 0;

    for (size_t i = 0; i < w->n_jobs; i++)
        total += w->jobs[i].flops;
    for (size_t i = 0; i < w->n_jobs; i++) {
        struct cril_job j = w->jobs[i];
        const struct cril_text *t = &w->texts[j.text];
        const double from = clamp((total * (shard - 1) / shards - at) / j.flops),
                     to = clamp((total * shard / shards - at) / j.flops);

        at += j.flops;
        j.slice = (cril_slice){document_at(t, from),
                               shard == shards ? t->facts.documents : document_at(t, to)};
        if (j.slice.from >= j.slice.to)
            continue;
        j.slice_flops = cril_job_flops(w, &j, j.slice);
        w->jobs[n++] = j;
    }
    w->n_jobs = n;
}
