/*
 * A stored tensor as a file names it, and a matrix: a view of one, by value.
 *
 * A matrix has rows of `columns` elements; row r gives output r of a product. It need not be a
 * whole tensor: some rows of a fused one, one of many experts, one that is stored with rows and
 * columns exchanged. All views read the mapping; nothing is copied.
 */
#ifndef CRIL_TENSOR_MATRIX_H
#define CRIL_TENSOR_MATRIX_H

#include "tensor/dtype.h"

struct cril_tensor {
    const char *name; /* NUL-terminated, owned by the source */
    enum cril_dtype type;
    unsigned n_dims;
    uint64_t ne[4];      /* elements; ne[0] runs fastest; unused dimensions are 1 */
    const uint8_t *data; /* bytes of it, in the mapping */
    uint64_t bytes;
};

struct cril_matrix {
    const char *name; /* of the tensor, for messages; NULL: there is no matrix */
    enum cril_dtype type;
    const uint8_t *data;  /* row 0 of matrix 0 */
    size_t rows, columns; /* outputs, inputs */
    size_t row_bytes;     /* from a stored row to the next */
    size_t count;         /* matrices of this shape one behind the other, as experts are; >= 1 */
    size_t matrix_bytes;  /* from one of them to the next */
    size_t interleaved;   /* 0, or the rows of a head, even: row 2 i + j of a head is stored as its
                             row i + j interleaved / 2, so that halves become neighbours */
    size_t run;           /* 0, or the rows that lie together: those of a head in a fused tensor */
    size_t run_bytes;     /* from a run to the next */
    bool transposed;      /* stored as [columns][rows], a run alone as [columns][run] */
};

/* Whether there is one. */
static inline bool cril_matrix_is_set(const struct cril_matrix *m)
{
    return m->name != NULL;
}

/* All of t, whose first dimension is a row's; the others but the last two are matrices. */
static inline struct cril_matrix cril_matrix_of(const struct cril_tensor *t)
{
    const size_t rows = (size_t)t->ne[1], count = (size_t)(t->ne[2] * t->ne[3]);

    return (struct cril_matrix){.name = t->name,
                                .type = t->type,
                                .data = t->data,
                                .rows = rows,
                                .columns = (size_t)t->ne[0],
                                .row_bytes = (size_t)t->bytes / count / rows,
                                .count = count,
                                .matrix_bytes = (size_t)t->bytes / count};
}

/* n rows of m, which is a whole tensor, of a float type if transposed: from row first on, `run`
 * rows of every `pitch`. */
static inline struct cril_matrix cril_matrix_runs(struct cril_matrix m, size_t first, size_t run,
                                                  size_t pitch, size_t n)
{
    const size_t row_bytes = m.transposed ? cril_dtypes[m.type].block_bytes : m.row_bytes;

    m.data += first * row_bytes;
    m.rows = n;
    m.run = n > run ? run : 0;
    m.run_bytes = pitch * row_bytes;
    return m;
}

/* The count matrices of m, which is a whole tensor, as one: each with rows and columns exchanged,
 * one's rows behind the other's. */
static inline struct cril_matrix cril_matrix_turned_heads(struct cril_matrix m)
{
    const size_t rows = m.rows;

    m.rows = m.count * m.columns;
    m.run = m.columns;
    m.run_bytes = m.matrix_bytes;
    m.columns = rows;
    m.count = 1;
    m.transposed = true;
    return m;
}

/* Matrix i of m's, as one. */
static inline struct cril_matrix cril_matrix_one(struct cril_matrix m, size_t i)
{
    m.data += i * m.matrix_bytes;
    m.count = 1;
    return m;
}

/* m with rows and columns exchanged. */
static inline struct cril_matrix cril_matrix_turned(struct cril_matrix m)
{
    const size_t rows = m.rows;

    m.rows = m.columns;
    m.columns = rows;
    m.transposed = !m.transposed;
    return m;
}

/* Where row r lies among those that are stored. */
static inline size_t cril_matrix_stored_row(const struct cril_matrix *m, size_t r)
{
    const size_t head = m->interleaved, i = head ? r % head : 0;

    return head ? r - i + i / 2 + i % 2 * (head / 2) : r;
}

/* Where row r [columns] of matrix 0 starts; m is not transposed. */
static inline const uint8_t *cril_matrix_row(const struct cril_matrix *m, size_t r)
{
    r = cril_matrix_stored_row(m, r);
    return m->run ? m->data + r / m->run * m->run_bytes + r % m->run * m->row_bytes
                  : m->data + r * m->row_bytes;
}

/* Element c of row r of matrix 0; m's type is a float type, or m is transposed. */
float cril_matrix_element(const struct cril_matrix *m, size_t r, size_t c);
/* Row r of matrix 0 as numbers [columns]. */
void cril_matrix_load_row(const struct cril_matrix *m, size_t r, float *out);

/* Whether a product multiplies integers: rows of a type that has them. A column of such a type is
 * no whole block, so a transposed matrix is read as numbers. */
static inline bool cril_matrix_has_integers(const struct cril_matrix *m)
{
    return cril_dtypes[m->type].group != 0 && !m->transposed;
}

/* Bytes from the first that matrix 0 has in the file to the last. */
size_t cril_matrix_bytes(const struct cril_matrix *m);

#endif
