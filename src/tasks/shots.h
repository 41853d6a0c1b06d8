/*
 * Which records of a pool are shown before an item: the first ones, or ones that
 * lm-evaluation-harness' generator draws, anew for each item in file order (doc/tasks.md, "Shots").
 */
#ifndef CRIL_TASKS_SHOTS_H
#define CRIL_TASKS_SHOTS_H

#include "tasks/data.h"
#include "tasks/draw.h"
#include "tasks/task.h"

/* Zero-initialised there are none. */
struct cril_shots {
    const struct cril_data *pool; /* borrowed */
    size_t n_drawn, shots;
    bool seeded, one_more;
    struct cril_draws draws;
    size_t *chosen; /* [n] places in the pool, in the order of the prompt */
    size_t n;
};

/*
 * one_more: the item itself may be in the pool and is left out, for which one more is drawn than is
 * shown. The harness does so for tasks without a test split.
 *
 * CRIL_ERR_RANGE: the pool is too small. CRIL_ERR_NOMEM.
 */
cril_status cril_shots_init(struct cril_shots *s, const struct cril_task_protocol *p,
                            const struct cril_data *pool, bool one_more, cril_error *err);
void cril_shots_free(struct cril_shots *s);

/* Chooses those of the next item. item: its record. */
cril_status cril_shots_next(struct cril_shots *s, const json_t *item, cril_error *err);

#endif
