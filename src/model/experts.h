/* The rows of a batch by the experts that they chose. */
#ifndef CRIL_MODEL_EXPERTS_H
#define CRIL_MODEL_EXPERTS_H

#include "model/op.h"

/*
 * choices [n][ld], as cril_op_choose leaves them -> entries [n * n_used]: those of expert x are
 * [first[x], first[x + 1]), in order of rows; first [n_experts + 1].
 */
void cril_sort_by_expert(const struct cril_mixture *x, const float *choices, size_t ld, size_t n,
                         struct cril_entry *entries, size_t *first);

#endif
