#include "model/packing.h"

#include "util/fail.h"
#include "util/size.h"

static size_t round64(size_t n)
{
    return (n + 63) / 64 * 64;
}

static size_t weight_bytes(const struct cril_kernels *k)
{
    return k->layout == CRIL_QUADS ? sizeof(int8_t) : sizeof(int16_t);
}

bool cril_packed_bytes(const struct cril_kernels *k, const struct cril_matrix *m, size_t n,
                       size_t *bytes)
{
    const struct cril_dtype_info *info = &cril_dtypes[m->type];
    size_t weights;
    if (!cril_size_mul(cril_panels(n) * CRIL_PANEL_COLUMNS, m->columns, &weights) ||
        weights > SIZE_MAX / 16)
        return false;
    if (!info->group)
        *bytes = round64(weights * sizeof(float));
    else
        *bytes = round64(weights * weight_bytes(k)) +
                 (info->has_min ? 2 : 1) * round64(weights / info->group * sizeof(float));
    return true;
}

void cril_packed_place(const struct cril_kernels *k, const struct cril_matrix *m, size_t n,
                       unsigned char *memory, struct cril_packed *w)
{
    const struct cril_dtype_info *info = &cril_dtypes[m->type];
    const size_t weights = cril_panels(n) * CRIL_PANEL_COLUMNS * m->columns;
    *w = (struct cril_packed){.n = n, .k = m->columns, .group = info->group, .prefetch_panels = 1};
    if (!info->group) {
        w->f = (float *)memory;
        return;
    }
    if (k->layout == CRIL_QUADS)
        w->quads = (int8_t *)memory;
    else
        w->pairs = (int16_t *)memory;
    memory += round64(weights * weight_bytes(k));
    w->scale = (float *)memory;
    if (info->has_min)
        w->min = (float *)(memory + round64(weights / info->group * sizeof(float)));
}

void cril_packed_multiply(const struct cril_kernels *k, const struct cril_packed *w, const float *a,
                          size_t lda, const struct cril_activations *activations, size_t row,
                          size_t m, float *c, size_t ldc)
{
    for (size_t p = 0; p < cril_panels(w->n); p++) {
        if (w->f)
            k->gemm_f32(a + row * lda, lda, m, w->f + p * w->k * CRIL_PANEL_COLUMNS, w->k,
                        c + p * CRIL_PANEL_COLUMNS, ldc);
        else
            k->gemm_i16(activations, row, m, w, p, c + p * CRIL_PANEL_COLUMNS, ldc);
    }
}

cril_status cril_fail_damaged(const char *path, const char *tensor, cril_error *err)
{
    return cril_fail(
        err, CRIL_ERR_NUMERIC,
        "%s: tensor %s holds a value that is not finite; the file is damaged, fetch it again", path,
        tensor);
}
