/* The definition of every kernel, in plain C. Slow on purpose: nothing here but the order of
 * operations. */
#include "kernels/rowops.h"

CRIL_ROW_KERNELS(, CRIL_PAIRS)

static void gemm_f32(const float *a, size_t lda, size_t m, const float *panel, size_t k, float *c,
                     size_t ldc, bool more)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < CRIL_PANEL_COLUMNS; j++) {
            float acc = more ? c[i * ldc + j] : 0;
            for (size_t p = 0; p < k; p++)
                acc = fmaf(a[i * lda + p], panel[p * CRIL_PANEL_COLUMNS + j], acc);
            c[i * ldc + j] = acc;
        }
}

static void gemm_i16(const struct cril_activations *a, size_t row, size_t m,
                     const struct cril_packed *w, size_t p, float *c, size_t ldc)
{
    const size_t k = w->k, groups = k / w->group;
    const int16_t *wq = w->pairs + p * k * CRIL_PANEL_COLUMNS;
    const float *ws = w->scale + p * groups * CRIL_PANEL_COLUMNS,
                *wm = w->min ? w->min + p * groups * CRIL_PANEL_COLUMNS : NULL;
    for (size_t i = 0; i < m; i++) {
        const int16_t *aq = a->q + (row + i) * k;
        const float *as = a->scale + (row + i) * (k / CRIL_ACTIVATION_BLOCK);
        const float *sum =
            w->group == 16 ? a->sum16 + (row + i) * groups : a->sum32 + (row + i) * groups;
        for (size_t j = 0; j < CRIL_PANEL_COLUMNS; j++) {
            float acc = 0;
            for (size_t g = 0; g < groups; g++) {
                int32_t dot = 0;
                for (size_t e = g * w->group; e < (g + 1) * w->group; e++)
                    dot += aq[e] * wq[(e / 2 * CRIL_PANEL_COLUMNS + j) * 2 + e % 2];
                acc = fmaf(
                    (float)dot,
                    as[g * w->group / CRIL_ACTIVATION_BLOCK] * ws[g * CRIL_PANEL_COLUMNS + j], acc);
                if (wm)
                    acc = fmaf(sum[g], wm[g * CRIL_PANEL_COLUMNS + j], acc);
            }
            c[i * ldc + j] = acc;
        }
    }
}

void cril_kernels_ref(struct cril_kernels *k)
{
    *k = CRIL_TABLE("ref", CRIL_PAIRS);
}
