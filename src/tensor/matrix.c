#include "tensor/matrix.h"

float cril_matrix_element(const struct cril_matrix *m, size_t r, size_t c)
{
    const struct cril_dtype_info *const t = &cril_dtypes[m->type];
    float x;

    t->load(m->transposed ? m->data + c * m->row_bytes + r * t->block_bytes
                          : cril_matrix_row(m, r) + c * t->block_bytes,
            1, &x);
    return x;
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
