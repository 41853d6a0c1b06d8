/*
 * Matrices as panels, in memory that is used again for the next ones, and products with them: of
 * the stages of a layer, of slices of the vocabulary matrix, of a whole model.
 */
#ifndef CRIL_MODEL_PANELS_H
#define CRIL_MODEL_PANELS_H

#include "kernels/kernels.h"
#include "model/model.h"

#include <cril/status.h>
#include <stdatomic.h>

/* Bytes of the panels of n rows of a matrix, each part rounded up to 64. Sizes are proved by the
   file, so they do not wrap where memory could hold them: false where they do. */
bool cril_packed_bytes(const struct cril_kernels *k, const struct cril_matrix *m, size_t n,
                       size_t *bytes);

/* Sets w's pointers into memory (64-byte aligned, cril_packed_bytes long) for n rows of m. */
void cril_packed_place(const struct cril_kernels *k, const struct cril_matrix *m, size_t n,
                       unsigned char *memory, struct cril_packed *w);

/* c = a w^T: rows of fp32 (float types) or of quantised activations, whichever w wants; m rows from
 * row on; c has room for whole panels. */
void cril_packed_multiply(const struct cril_kernels *k, const struct cril_packed *w, const float *a,
                          size_t lda, const struct cril_activations *activations, size_t row,
                          size_t m, float *c, size_t ldc);

/* The same for panel number p of w alone; c starts with the panel's first column. */
void cril_packed_multiply_panel(const struct cril_kernels *k, const struct cril_packed *w, size_t p,
                                const float *a, size_t lda,
                                const struct cril_activations *activations, size_t row, size_t m,
                                float *c, size_t ldc);

/* ---- Matrices on their way into panels ---- */

/* Set by a thread that finds a value that is not finite: the name of its tensor. */
typedef _Atomic(const char *) cril_damaged;

/* Zero-initialised it is empty. */
struct cril_packing {
    size_t n, n_panels; /* matrices, panels of all */
    struct {
        const struct cril_matrix *from;
        struct cril_packed *to;
        size_t first_panel;
    } matrix[CRIL_N_SLOTS];
};

/* Adds all of a matrix, to lie at *memory, which moves past it. */
void cril_packing_add(struct cril_packing *p, const struct cril_kernels *k,
                      const struct cril_matrix *m, unsigned char **memory, struct cril_packed *w);
/* Fills panel number `panel` of all; threads may share the panels. */
void cril_packing_panel(const struct cril_packing *p, size_t panel, cril_damaged *damaged);
/* Asks for the pages of the matrices in the file; lets go of them. */
void cril_packing_fetch(const struct cril_packing *p);
void cril_packing_release(const struct cril_packing *p);

/* ---- Quantised activations ---- */

/* Floats of memory that rows of k activations take. */
static inline size_t cril_activations_floats(size_t rows, size_t k)
{
    return rows * (k / CRIL_ACTIVATION_BLOCK) * (CRIL_ACTIVATION_BLOCK / 2 + 4);
}

/* rows of k activations in memory [cril_activations_floats]. */
struct cril_activations cril_activations_at(float *memory, size_t rows, size_t k);

/* What to say of a tensor that cril_pack_panel refused. Returns CRIL_ERR_NUMERIC. */
cril_status cril_fail_damaged(const char *path, const char *tensor, cril_error *err);

#endif
