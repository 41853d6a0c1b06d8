/* The product of a row and a matrix. Its fast form is that of the kernels, over panels (panels.h).
 */
#include "model/op.h"

#include <math.h>

/* 32 activations as 16-bit integers times one scale. */
static float quantise(const float *x, int32_t *q)
{
    float max = 0;
    for (int i = 0; i < 32; i++)
        max = fabsf(x[i]) > max ? fabsf(x[i]) : max;
    bool zero = !(max > 1e-30f);
    for (int i = 0; i < 32; i++)
        q[i] = zero ? 0 : (int32_t)rintf(x[i] * (32767.0f / max));
    return zero ? 0 : max / 32767.0f;
}

/* Weights as numbers: one fma chain. */
static float dot_float(const struct cril_matrix *m, size_t r, const float *x)
{
    float sum = 0;
    for (size_t i = 0; i < m->columns; i++)
        sum = fmaf(x[i], cril_matrix_element(m, r, i), sum);
    return sum;
}

/* Weights as small integers: exact integer sums of a group, scaled into one fma chain. */
static float dot_int(const struct cril_dtype_info *t, const uint8_t *row, const float *x, size_t n)
{
    int8_t w[256];
    float scale[16], min[16], sum = 0, a_scale = 0;
    int32_t a[32] = {0};
    for (size_t i = 0; i < n; i += t->group) {
        size_t in_block = i % t->block_len;
        if (in_block == 0)
            t->unpack(row + i / t->block_len * t->block_bytes, w, scale, min);
        if (i % 32 == 0)
            a_scale = quantise(x + i, a);
        int32_t product = 0, total = 0;
        for (size_t j = 0; j < t->group; j++) {
            product += a[i % 32 + j] * w[in_block + j];
            total += a[i % 32 + j];
        }
        sum = fmaf((float)product, a_scale * scale[in_block / t->group], sum);
        if (t->has_min)
            sum = fmaf((float)total * a_scale, min[in_block / t->group], sum);
    }
    return sum;
}

static void multiply_token(const struct cril_token *t, const struct cril_step *s)
{
    const struct cril_matrix *w = cril_step_matrix(t->m, t->layer, s, t->expert);
    const struct cril_dtype_info *type = &cril_dtypes[w->type];
    const float *x = t->buffer[s->in];
    for (size_t r = 0; r < w->rows; r++)
        t->buffer[s->out][r] = cril_matrix_has_integers(w)
                                   ? dot_int(type, cril_matrix_row(w, r), x, w->columns)
                                   : dot_float(w, r, x);
}

static double multiply_adds(const cril_model *m, size_t layer, const struct cril_step *s, size_t n)
{
    const struct cril_matrix *w = &m->layers[layer].matrix[s->w];
    const size_t times = m->layers[layer].experts[s->w] ? m->config.mixture.n_used : 1;
    return (double)n * (double)times * (double)w->rows * (double)w->columns;
}

const struct cril_op cril_op_matmul = {
    .form = CRIL_BY_PRODUCT, .plain = multiply_token, .multiply_adds = multiply_adds};
