/* What there is to do in a study: files and their facts, cells, what a cell costs. */
#ifndef CRIL_STUDY_SURVEY_H
#define CRIL_STUDY_SURVEY_H

#include <cril/model.h>
#include <cril/store.h>
#include <cril/study.h>
#include <sys/stat.h>

struct cril_subject {
    const cril_study_model *study;
    cril_model *model; /* stays open: its pages are the system's to keep or not */
    cril_store_model facts;
};

struct cril_text {
    const cril_study_corpus *study;
    cril_store_corpus facts;
    struct stat file;     /* of a regular one; st_size 0 otherwise */
    uint64_t *characters; /* [facts.documents] */
    char *sample;         /* [n_sample] the beginning, for tokens a character */
    size_t n_sample;
    cril_baseline *baselines; /* [n_baselines]; none unless asked for */
    size_t n_baselines;
};

struct cril_job {
    size_t subject, text, protocol;
    cril_cell cell;
    double flops;      /* of all of the cell, estimated */
    cril_slice slice;  /* documents of it that are this run's */
    double slice_flops;
    bool done;
};

struct cril_survey {
    struct cril_subject *subjects; /* [n_subjects] */
    struct cril_text *texts;       /* [n_texts] */
    struct cril_job *jobs;         /* [n_jobs] cheapest first */
    size_t n_subjects, n_texts, n_jobs;
};

/* Called between files; not 0: stop. */
typedef int (*cril_survey_poll)(void *user, const char *name);

/*
 * Reads all files of s once and lists the cells. baselines: what compressors make of a corpus, unless known holds for its name. Zero-initialised
 * out; release with cril_survey_free, after an error too.
 */
cril_status cril_survey_read(const cril_study_info *s, struct cril_survey *out, bool baselines, cril_survey_poll poll, void *user,
                             cril_error *err);
void cril_survey_free(struct cril_survey *w);

/* Sets the slices of shard 1 <= shard <= shards; jobs that get none are dropped. */
void cril_survey_cut(struct cril_survey *w, unsigned shard, unsigned shards);

/* A regular file is what it was when it was surveyed. */
bool cril_text_unchanged(const struct cril_text *t);

#endif
