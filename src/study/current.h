/* What a look at a study's files was for. */
#ifndef CRIL_STUDY_CURRENT_H
#define CRIL_STUDY_CURRENT_H

#include "study/query.h"

#include <cril/store.h>

struct cril_model_now {
    bool known, has_before; /* before: what the name stood for, another file */
    cril_store_model facts, before;
};

struct cril_corpus_now {
    bool known, has_before;
    cril_store_corpus facts, before;
    char why[120]; /* before is not facts */
};

struct cril_benchmark_now {
    bool known, has_before;
    cril_store_benchmark facts, before;
    char why[160];
};

/* A name of a model that the study has not. */
struct cril_named {
    char name[CRIL_MAX_NAME], id[65];
    uint64_t bytes; /* of the model */
};

struct cril_current {
    cril_store *store;
    const cril_study_info *study;
    struct cril_model_now *models;         /* [n_models] */
    struct cril_corpus_now *corpora;       /* [n_corpora] */
    struct cril_benchmark_now *benchmarks; /* [n_benchmarks] */
    cril_cell *cells; /* [n_cells] all that the store has, with a base or not */
    bool *is_current; /* [n_cells] it is one of the study as it is now */
    size_t n_cells;
    cril_item_cell *item_cells; /* [n_item_cells] all that the store has */
    size_t n_item_cells;
    struct cril_named *former; /* [n_former] */
    size_t n_former, former_size;
};

/* "the limit was 100 and is none" */
void cril_say_limits(uint64_t was, uint64_t is, char *out, size_t size);

/* Examines benchmark i (current_benchmarks.c). */
cril_status cril_current_look_at_benchmark(cril_current *c, size_t i, cril_error *err);

cril_store *cril_current_store(const cril_current *c);
const cril_study_info *cril_current_study(const cril_current *c);

#endif
