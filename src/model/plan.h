/*
 * How a pass over a model is cut, so that weights and activations stay within a bound of memory.
 *
 * A layer's steps are cut into stages. All rows go through a stage before any enters the next, so
 * at a time two stages' panels are in memory: those at work, and the next, packed meanwhile. There
 * is always a cut before an operation across positions, since it needs what all rows have stored,
 * and one behind an operation whose positions follow in order. The steps that are taken for each
 * expert are a stage, which counts as one expert's, since the experts follow each other as stages
 * do. Where memory is short, other stages are cut between matrices: less for panels, more for the
 * activations that must wait at a cut. No cut changes a bit of any result.
 */
#ifndef CRIL_MODEL_PLAN_H
#define CRIL_MODEL_PLAN_H

#include "kernels/kernels.h"
#include "model/model.h"

enum {
    CRIL_ROWS = 96, /* that a task takes through a stage: they fit in the second-level cache */
    CRIL_MAX_STAGES = 48,
    CRIL_DEFAULT_ROWS = 8192 /* of a plan: packing is then 1 to 2 % of the work */
};

/* Of a layer of one kind. */
struct cril_stages {
    size_t n;
    size_t cut[CRIL_MAX_STAGES + 1]; /* stage i has the steps [cut[i], cut[i + 1]) */
};

struct cril_plan {
    struct cril_stages stages[CRIL_MAX_KINDS];
    bool kept_between_stages[CRIL_N_BUFFERS]; /* for all rows; others are a task's alone */
    size_t ld[CRIL_N_BUFFERS];                /* cril_plan_widths */
    size_t panel_bytes;                       /* of the largest stage of any layer */
    size_t rows; /* that go through together, windows counted in whole panels: cril_plan_rows */
};

/* What a window of n tokens counts for: its keys and values lie in whole panels. */
static inline size_t cril_plan_rows(size_t n)
{
    return cril_panels(n) * CRIL_PANEL_COLUMNS;
}

/*
 * A plan for up to `rows` rows at once (0: as many as are useful) in at most `memory` bytes (0: no
 * bound), of which `taken` are in use for other things. One window of up to `window` tokens always
 * fits, whatever the rows. CRIL_ERR_RANGE: the memory holds none; the message says what would do.
 * CRIL_ERR_NOMEM: sizes beyond this machine's addresses.
 */
cril_status cril_plan_make(const cril_model *m, const struct cril_kernels *k, unsigned threads,
                           size_t memory, size_t taken, size_t rows, size_t window,
                           struct cril_plan *out, cril_error *err);

/* Floats from one row to the next of all buffers, in any layer; 0: no step uses the buffer. */
void cril_plan_widths(const cril_model *m, size_t ld[CRIL_N_BUFFERS]);

/* Floats from one row to the next where n are used: whole panels, but not a multiple of 4 KB, or
 * the rows of a tile would all fall in one set of the first cache. */
size_t cril_plan_width(size_t n);

/* Bytes that a worker's own activations take in a stage. */
size_t cril_plan_worker_bytes(const struct cril_plan *p);

#endif
