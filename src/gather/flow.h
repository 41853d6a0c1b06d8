/*
 * Documents through steps (step.h), in threads, with the same result as one after another.
 *
 * A stage is what is done to each document between two decisions:
 *
 *     take from the input -> [apply the step that was decided] -> pure steps -> [mark for the next
 *     decision] -> put
 *
 * Documents go in batches. While the pool works on one, a thread of it takes the next and another
 * one puts the last: each batch and all that is done in order is one thread's at a time.
 */
#ifndef CRIL_GATHER_FLOW_H
#define CRIL_GATHER_FLOW_H

#include "gather/entry.h"
#include "gather/step.h"
#include "util/threads.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A step of a run, and what it did so far. */
struct cril_flow_step {
    struct cril_step_run run;
    struct cril_step_count count;
};

/* What leaves the steps. */
struct cril_flow_result {
    struct cril_entry entry;
    /* Of a stage with lines (below). */
    struct cril_buffer line;
    char sha256[65];
    uint64_t characters;
};

struct cril_flow_stage {
    struct cril_flow_step *decided; /* applied in order; NULL: none */
    struct cril_flow_step *pure;    /* [n_pure] */
    size_t n_pure;
    struct cril_flow_step *compared; /* marked, and noted in order; NULL: none */
    bool lines;                      /* results have their lines */

    /* The next document, borrowed until the next call; text NULL: there are no more. */
    cril_status (*take)(void *user, struct cril_entry *e, cril_error *err);
    /* In the order of the input. */
    cril_status (*put)(void *user, const struct cril_flow_result *r, cril_error *err);
    /* Between two batches; not 0: CRIL_ERR_CANCELLED. */
    int (*pause)(void *user);
    void *user;
};

/* Takes all documents through the stage. The steps' errors, those of take and put,
 * CRIL_ERR_NOMEM. */
cril_status cril_flow_run(const struct cril_flow_stage *stage, cril_pool *pool, cril_error *err);

#endif
