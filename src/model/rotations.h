/*
 * Cosines and sines of positions, worked out once for all layers.
 *
 * A table serves all passes whose lengths have the same frequencies (rope.h): one serves all of a
 * model whose rotations ask for no length, and the short passes of the others. It stays. The tables
 * of longer passes are shared among those that use them and go with the last, so that they take no
 * more positions together than these passes have.
 */
#ifndef CRIL_MODEL_ROTATIONS_H
#define CRIL_MODEL_ROTATIONS_H

#include "model/model.h"
#include "util/memory.h"

struct cril_rotation; /* a table */

/* Zero-initialised it is empty. */
struct cril_rotations {
    struct cril_rotation *tables; /* [n_tables] */
    size_t n_tables, capacity;
    size_t row, at[CRIL_MAX_ROPES]; /* floats of a position; where each rotation's start */
};

/* *out: the table for a pass of `length` inputs, of which the first n positions are needed. It is
 * the caller's until it is left. False: out of memory. Pointers to rows end. */
bool cril_rotations_take(struct cril_rotations *r, const cril_model *m, size_t length, size_t n,
                         size_t *out);
void cril_rotations_leave(struct cril_rotations *r, size_t table);
void cril_rotations_free(struct cril_rotations *r);

/* Bytes for n positions. */
size_t cril_rotations_bytes(const cril_model *m, size_t n);

/* Cosines [n_rot / 2], then sines [n_rot / 2], of cril_model.rope[rope] at a position. */
const float *cril_rotations_row(const struct cril_rotations *r, size_t table, size_t rope,
                                size_t position);

#endif
