/* A benchmark's cell at work. */
#ifndef CRIL_STUDY_BENCHMARK_CELL_H
#define CRIL_STUDY_BENCHMARK_CELL_H

#include "study/benchmark.h"

/* Which of a benchmark's items, by their order in it, the store has for a cell: *out
 * [b->facts.items] is owned: free. */
cril_status cril_benchmark_known(cril_store *s, const struct cril_benchmark *b,
                                 const cril_item_cell *cell, bool **out, cril_error *err);

struct cril_benchmark_cell {
    cril_store *store;
    const struct cril_benchmark *benchmark;
    cril_item_cell cell;
    cril_slice slice; /* items of it that are to be run, by their order */
    const struct cril_evaluation_options *options;
    void *user;
    /* Called before items are kept: whether a file was written to. */
    cril_status (*check)(void *user, cril_error *err);
    int (*on_progress)(void *user,
                       const struct cril_evaluation_progress *p); /* not 0: stop, items are kept */

    uint64_t n_kept;   /* out: items that went into the store */
    bool is_cells_own; /* out: an error is of the cell, and others can be computed */
};

/*
 * Runs those items of the slice that the store lacks, and keeps them as they are done, a few times
 * a second. CRIL_ERR_CANCELLED: on_progress wanted it; those of check, cril_evaluate and
 * cril_store_put_items.
 */
cril_status cril_benchmark_cell_run(struct cril_benchmark_cell *c, cril_model *m, cril_error *err);

/* The score of the items of a slice that the store has; NaN where there is none. */
cril_status cril_benchmark_cell_score(const struct cril_benchmark_cell *c, cril_slice slice,
                                      cril_score_of_items *out, cril_error *err);

#endif
