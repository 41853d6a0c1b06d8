/*
 * Five tiny models, made in memory from integers: no file, no C library arithmetic, the same on
 * every machine.
 *
 * Between them they take every operation and every path of the engine: all tensor types, groups of
 * 16 and 32 with and without minima, a vocabulary of more than one chunk, tied and untied, fewer
 * key heads than heads, heads that fill no whole panel, rotations by length, experts, scans. They
 * have no tokenizer and no file.
 */
#ifndef CRIL_MODEL_BUILTIN_H
#define CRIL_MODEL_BUILTIN_H

#include "model/model.h"

enum { CRIL_N_BUILTIN = 5 };

/* Zero-initialised it is empty. */
struct cril_builtin {
    cril_model *model;           /* owned */
    struct cril_tensor *tensors; /* [n_tensors], with their bytes; owned */
    size_t n_tensors;
};

/* i < CRIL_N_BUILTIN. CRIL_ERR_NOMEM. */
cril_status cril_builtin_create(size_t i, struct cril_builtin *out, cril_error *err);
void cril_builtin_free(struct cril_builtin *b); /* leaves it empty */

#endif
