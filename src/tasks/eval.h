/* What an evaluation of cril/eval.h is made of. */
#ifndef CRIL_TASKS_EVAL_H
#define CRIL_TASKS_EVAL_H

#include "tasks/evaluate.h"
#include "tasks/journal.h"

#include <cril/eval.h>

struct cril_eval {
    struct cril_evaluation evaluation;
    struct cril_journal *journal; /* of the last run; NULL: nothing was run */
    struct cril_evaluation_sum *sum;
    char *programs;
    bool dry_run;
    struct cril_eval_part {
        const char *name, *subject; /* subject NULL: all items */
        char sha256[65];            /* of its samples' hashes; "": they were not written */
    } * parts;                      /* [n_parts] tasks of lm-evaluation-harness; NULL: not made */
    size_t n_parts;
    struct cril_arena part_names;
};

/* Adds the lines that are known to a sum. */
cril_status cril_eval_add_lines(const cril_eval *e, struct cril_evaluation_sum *sum,
                                cril_error *err);

struct cril_sandbox *cril_programs_sandbox(const cril_programs *p);

/* A score of an evaluation under the names that lm-evaluation-harness has for it. */
struct cril_logged_metric {
    const char *verdict; /* of a line */
    const char *metric;  /* "exact_match" */
    const char *filter;  /* "strict-match" */
    const char *taken;   /* of a line: what the filter makes of a text; NULL: the text */
};

enum { CRIL_LOGGED_METRICS = 4 };

/* Of e, into out; their number. */
size_t cril_logged_metrics(const cril_eval *e, struct cril_logged_metric out[CRIL_LOGGED_METRICS]);
/* Makes the parts of e, once. CRIL_ERR_NOMEM. */
cril_status cril_eval_need_parts(cril_eval *e, cril_error *err);

#endif
