#include "tensor/matrix.h"

/* Element i of the numbers at data, which begin with a block. */
static float load_one(enum cril_dtype type, const uint8_t *data, size_t i)
{
    const struct cril_dtype_info *const t = &cril_dtypes[type];
    float block[CRIL_MAX_BLOCK];

    cril_dequantise(type, data + i / t->block_len * t->block_bytes, t->block_len, block);
    return block[i % t->block_len];
}

float cril_matrix_element(const struct cril_matrix *m, size_t r, size_t c)
{
    if (!m->transposed)
        return load_one(m->type, cril_matrix_row(m, r), c);
    r = cril_matrix_stored_row(m, r);
    const size_t run = m->run ? r / m->run : 0;
    return load_one(m->type, m->data + run * m->run_bytes + c * m->row_bytes,
                    m->run ? r % m->run : r);
}

void cril_matrix_load_row(const struct cril_matrix *m, size_t r, float *out)
{
    if (!m->transposed) {
        cril_dequantise(m->type, cril_matrix_row(m, r), m->columns, out);
        return;
    }
    for (size_t c = 0; c < m->columns; c++)
        out[c] = cril_matrix_element(m, r, c);
}

size_t cril_matrix_bytes(const struct cril_matrix *m)
{
    const size_t in_run = m->run ? m->run : m->rows, runs = m->rows / in_run,
                 rows = m->transposed ? m->columns : in_run;

    return (runs - 1) * m->run_bytes + rows * m->row_bytes;
}
