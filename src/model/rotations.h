/* Cosines and sines of positions, worked out once for all layers. */
#ifndef CRIL_MODEL_ROTATIONS_H
#define CRIL_MODEL_ROTATIONS_H

#include "model/model.h"
#include "util/memory.h"

/* Of positions [0, n), for all rotations that a model can have. Zero-initialised it is empty. */
struct cril_rotations {
    struct cril_memory memory; /* [CRIL_MAX_ROPES][n][2][pairs] */
    size_t n, pairs;
};

/* Makes r hold at least n positions. False: out of memory, and r is empty. */
bool cril_rotations_reserve(struct cril_rotations *r, const cril_model *m, size_t n);
void cril_rotations_free(struct cril_rotations *r);

/* Bytes for n positions. */
size_t cril_rotations_bytes(const cril_model *m, size_t n);

/* Cosines [n_rot / 2], then sines [n_rot / 2], of cril_model.rope[rope] at a position. */
const float *cril_rotations_row(const struct cril_rotations *r, size_t rope, size_t position);

#endif
