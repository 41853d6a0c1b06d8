#include "model/packing.h"

#include "util/size.h"

static size_t round64(size_t n)
{
    return (n + 63) / 64 * 64;
}

bool cril_packed_bytes(const struct gguf_tensor *t, size_t n, size_t *bytes)
{
    const struct cril_dtype_info *info = &cril_dtypes[t->type];
    size_t weights, k = (size_t)t->ne[0];
    if (!cril_size_mul(cril_panels(n) * CRIL_NR, k, &weights) || weights > SIZE_MAX / 16)
        return false;
    if (!info->group)
        *bytes = round64(weights * sizeof(float));
    else
        *bytes = round64(weights * sizeof(int16_t)) +
                 (info->has_min ? 2 : 1) * round64(weights / info->group * sizeof(float));
    return true;
}

void cril_packed_place(const struct gguf_tensor *t, size_t n, unsigned char *memory, struct cril_packed *w)
{
    const struct cril_dtype_info *info = &cril_dtypes[t->type];
    const size_t k = (size_t)t->ne[0], weights = cril_panels(n) * CRIL_NR * k;
    *w = (struct cril_packed){.n = n, .k = k, .group = info->group};
    if (!info->group) {
        w->f = (float *)memory;
        return;
    }
    w->q = (int16_t *)memory;
    memory += round64(weights * sizeof(int16_t));
    w->scale = (float *)memory;
    if (info->has_min)
        w->min = (float *)(memory + round64(weights / info->group * sizeof(float)));
}

void cril_packed_multiply(const struct cril_kernels *k, const struct cril_packed *w, const float *a, size_t lda,
                          const struct cril_acts *acts, size_t row, size_t m, float *c, size_t ldc)
{
    for (size_t p = 0; p < cril_panels(w->n); p++) {
        if (w->f)
            k->gemm_f32(a + row * lda, lda, m, w->f + p * w->k * CRIL_NR, w->k, c + p * CRIL_NR, ldc);
        else
            k->gemm_i16(acts, row, m, w, p, c + p * CRIL_NR, ldc);
    }
}
