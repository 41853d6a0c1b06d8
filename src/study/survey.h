/* What there is to do in a study: files and their facts, cells, what a cell costs. */
#ifndef CRIL_STUDY_SURVEY_H
#define CRIL_STUDY_SURVEY_H

#include "study/benchmark.h"
#include "study/stamp.h"

#include <cril/store.h>
#include <cril/study.h>
#include <stdbool.h>

/* A model is open only while it is surveyed or scored: a tokenizer takes some 80 MB. */
struct cril_subject {
    const cril_study_model *study;
    cril_store_model facts;    /* no hash until cril_survey_identify */
    struct cril_stamps stamps; /* from before it was read */
    bool warned;               /* what its file leaves open was said */
    size_t warned_context;     /* that windows of so many tokens are beyond its context */
};

struct cril_text {
    const cril_study_corpus *study;
    cril_store_corpus facts;
    struct cril_stamps stamps;
    size_t *files;    /* [facts.documents] which of the stamped files a document is from */
    uint64_t *starts; /* [facts.documents + 1] characters before each document, and in all */
    char *sample;     /* [n_sample] the beginning, for tokens a character */
    size_t n_sample;
};

/* A cell: of a corpus by a protocol, or of a benchmark. */
struct cril_job {
    size_t subject;
    bool is_benchmark;
    bool is_divergence;    /* of a corpus's cell: from the subject `base` */
    size_t text, protocol; /* of a corpus's cell */
    size_t base;
    cril_cell cell;
    size_t benchmark; /* of a benchmark's */
    cril_item_cell item_cell;
    double flops;     /* of all of the cell, estimated */
    double tokens;    /* that go through the model for it, likewise */
    cril_slice slice; /* documents or items of it that are this run's */
    double slice_flops;
    double left_flops;  /* of the slice, what the store does not have */
    double range_flops; /* of the documents or items that are at work; 0: it is not at work */
    bool done, failed;  /* failed: left out, there is a fault for it */
    bool alone;         /* of a divergence: it was at work with others, which failed */
};

struct cril_survey {
    struct cril_subject *subjects;     /* [n_subjects] */
    struct cril_text *texts;           /* [n_texts] */
    struct cril_benchmark *benchmarks; /* [n_benchmarks] those with data */
    struct cril_job *jobs;             /* [n_jobs] cheapest first */
    size_t n_subjects, n_texts, n_benchmarks, n_jobs;
    struct cril_sandbox *sandbox; /* of benchmarks with programs; NULL: there is none of them, or
                                     none could be had */
    cril_error *faults;           /* [n_faults] why models, corpora and cells are left out */
    size_t n_faults, faults_size;
};

/* Called between files; not 0: stop. */
typedef int (*cril_survey_poll)(void *user, const char *name);

/*
 * Reads the corpora and benchmarks of s, opens its models and lists the cells, which lack the hash
 * of their model. A model, corpus or benchmark that cannot be used, and a cell that cannot be
 * computed, is a fault and no error: the others are listed. Zero-initialised out; release with
 * cril_survey_free, after an error too.
 */
cril_status cril_survey_read(const cril_study_info *s, struct cril_survey *out,
                             cril_survey_poll poll, void *user, cril_error *err);
void cril_survey_free(struct cril_survey *w);

/* Sets the slices of shard 1 <= shard <= shards; jobs that get none are dropped. */
void cril_survey_cut(struct cril_survey *w, unsigned shard, unsigned shards);

/* What a study says of a corpus: sets field, format and limit of *out. False: too long. */
bool cril_corpus_facts(const cril_corpus_options *o, cril_store_corpus *out);

/* Opens a subject's model, whose files are those that were surveyed. *out is owned. */
cril_status cril_subject_open(const struct cril_subject *m, cril_model **out, cril_error *err);

/* Whether others can be looked at although this failed: neither memory nor the caller's patience
 * ran out. */
bool cril_survey_is_fault(cril_status st);
/* Adds a fault. CRIL_ERR_NOMEM. */
cril_status cril_survey_fault(struct cril_survey *w, const cril_error *why, cril_error *err);

/* Reads the models of the jobs that there are, for their hash. */
cril_status cril_survey_identify(struct cril_survey *w, cril_survey_poll poll, void *user,
                                 cril_error *err);

/* The name of a job's corpus or benchmark, and of its protocol. */
const char *cril_job_of(const struct cril_survey *w, const struct cril_job *j);
const char *cril_job_protocol(const struct cril_survey *w, const struct cril_job *j);
uint64_t cril_job_rows(const struct cril_survey *w, const struct cril_job *j); /* of its cell */

/* The estimated arithmetic of some documents or items of a cell. */
double cril_job_flops(const struct cril_survey *w, const struct cril_job *j, cril_slice s);

/* How many documents a corpus has whatever its limit; it is read again. *n is 0 where the number
 * cannot be found, as data past the limit are damaged. CRIL_ERR_CANCELLED, CRIL_ERR_NOMEM. */
cril_status cril_text_count(const struct cril_text *t, cril_survey_poll poll, void *user,
                            uint64_t *n, cril_error *err);

/* What ordinary compressors make of a corpus, which is read again. *out [*n] is owned: free.
 * CRIL_ERR_MISMATCH: it has changed. */
cril_status cril_text_compress(const struct cril_text *t, cril_survey_poll poll, void *user,
                               cril_baseline **out, size_t *n, cril_error *err);

#endif
