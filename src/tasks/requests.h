/*
 * Requests that are no task of the table: cril's own lines, lm-evaluation-harness' samples_*.jsonl,
 * olmo-eval's serialised requests, and tasks described in a YAML file.
 */
#ifndef CRIL_TASKS_REQUESTS_H
#define CRIL_TASKS_REQUESTS_H

#include "tasks/evaluate.h"

/*
 * The answer rule of both (rules.h): "exact" is the text without white space at its ends, and
 * "exact_match" says whether that is one of "references", white space at their ends aside. Case and
 * punctuation count.
 */
cril_rules cril_rules_exact;

/* Reads a file of requests (.gz, .zst, .xz, .bz2 too) of any of the three kinds, told apart by
 * their fields. CRIL_ERR_FORMAT names file, line and field; CRIL_ERR_UNSUPPORTED: an older form. */
cril_status cril_requests_read(const char *path, uint64_t limit, struct cril_evaluation *out,
                               cril_error *err);

/* Reads a task file (doc/eval.md, "Tasks of one's own"); the data file it names is below data, or,
 * data NULL, beside the task file. overrides may be NULL. Faults as FILE:LINE: what, how to mend
 * it. */
cril_status cril_task_file_read(const char *path, const char *data,
                                const struct cril_task_overrides *o, uint64_t limit,
                                struct cril_evaluation *out, cril_error *err);

#endif
