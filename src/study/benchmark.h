/* A benchmark of a study as its data lie there: items, facts, what an item costs. */
#ifndef CRIL_STUDY_BENCHMARK_H
#define CRIL_STUDY_BENCHMARK_H

#include "tasks/evaluate.h"

#include <cril/model.h>
#include <cril/store.h>
#include <cril/study.h>

struct cril_sandbox;

struct cril_benchmark {
    const cril_study_benchmark *study;
    struct cril_evaluation evaluation;
    cril_store_benchmark facts;
    cril_store_subject *subjects; /* [n_subjects] */
    size_t n_subjects;
    uint64_t stamp; /* of the data's files from before they were read; 0: not known */
    struct cril_work {
        uint64_t prompt, answers; /* bytes; generated tokens count as 4 */
    } * work;                     /* [facts.items] */
    uint64_t *starts;             /* [facts.items + 1] bytes before each item, and in all */
    char *sample;                 /* [n_sample] the beginning, for tokens a byte */
    size_t n_sample;
    char *programs; /* versions of what runs programs; NULL: none are run */
};

/* The task and settings of a benchmark that has data. CRIL_ERR_RANGE: there is no such task or
 * protocol; the sentence lists what there are. */
cril_status cril_benchmark_settings(const cril_study_benchmark *b, const struct cril_task **task,
                                    struct cril_task_settings *settings, cril_error *err);

/* What the file system says of its data, mixed with task and protocol, which decide what is read of
 * them; 0: not known. */
cril_status cril_benchmark_stamp(const cril_study_benchmark *b, uint64_t *stamp, cril_error *err);

/* Loads its items. Zero-initialised out; release with cril_benchmark_close, after an error too.
 * CRIL_ERR_MISMATCH: the data were written to at the same time; those of cril_evaluation_open_task.
 */
cril_status cril_benchmark_open(const cril_study_benchmark *b, struct cril_benchmark *out,
                                cril_error *err);
void cril_benchmark_close(struct cril_benchmark *b);

/* Whether its answers are programs, for which there must be a sandbox. */
bool cril_benchmark_runs_programs(const struct cril_benchmark *b);
/* Sets b->programs. CRIL_ERR_UNSUPPORTED: the sandbox's Python lacks a module that an item needs.
 */
cril_status cril_benchmark_find_modules(struct cril_benchmark *b, struct cril_sandbox *sandbox,
                                        cril_error *err);

/* The estimated arithmetic of all items for a model, and the tokens that go through it. */
cril_status cril_benchmark_estimate(const struct cril_benchmark *b, const cril_model *m,
                                    double *flops, double *tokens, cril_error *err);

#endif
