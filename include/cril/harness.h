/*
 * Scores from the results files of lm-evaluation-harness (EleutherAI), results_*.json, version 0.4
 * and later. A study maps its benchmarks to what such a file holds: a task, a metric and a filter
 * (doc/study.md, "Scores of lm-evaluation-harness").
 */
#ifndef CRIL_HARNESS_H
#define CRIL_HARNESS_H

#include <cril/status.h>
#include <cril/study.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A score that a file holds under its task's "METRIC,FILTER". */
typedef struct cril_harness_score {
    const char *task, *metric, *filter;
} cril_harness_score;

typedef struct cril_harness {
    /* [n] scores of the study's benchmarks, as cril_store_import takes them. The source says
     * version of the harness and of the task, metric, filter, shots and how many samples were
     * scored. Names belong to the study. */
    cril_figure *rows;
    size_t n;
    cril_harness_score *left_out; /* [n_left_out] that no benchmark of the study is mapped to */
    size_t n_left_out;
    const char **models; /* [n_paths] what each file calls its model; "" where it does not say */
    void *owned;         /* strings */
} cril_harness;

/*
 * Reads the results of one model from files. model: the study's name for it.
 *
 * A group's score is read once, though files have it twice. A standard error of "N/A" is not known.
 * *out is owned by the caller: cril_harness_free.
 *
 * CRIL_ERR_RANGE: the study has no such model, or maps no benchmark to a task. CRIL_ERR_FORMAT: a
 * file that is no JSON or no results file, a score that is no number from 0 to 1, a metric of which
 * less is better, two files or two places of one file with different scores. CRIL_ERR_EMPTY: no
 * file holds a score that a benchmark is mapped to. CRIL_ERR_UNSUPPORTED: a file larger than 64
 * MiB, or one of a version before 0.4. CRIL_ERR_IO, CRIL_ERR_NOMEM.
 */
cril_status cril_harness_read(const char *const *paths, size_t n_paths, const cril_study_info *s,
                              const char *model, cril_harness *out, cril_error *err);
void cril_harness_free(cril_harness *h); /* zero-initialised or freed is allowed */

#ifdef __cplusplus
}
#endif
#endif
