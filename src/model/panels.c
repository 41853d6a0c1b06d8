#include "model/panels.h"

#include "util/fail.h"
#include "util/memory.h"
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
    if (!cril_matrix_has_integers(m))
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
    if (!cril_matrix_has_integers(m)) {
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

void cril_packed_multiply_panel(const struct cril_kernels *k, const struct cril_packed *w, size_t p,
                                const float *a, size_t lda,
                                const struct cril_activations *activations, size_t row, size_t m,
                                float *c, size_t ldc)
{
    if (w->f)
        k->gemm_f32(a + row * lda, lda, m, w->f + p * w->k * CRIL_PANEL_COLUMNS, w->k, c, ldc,
                    false);
    else
        k->gemm_i16(activations, row, m, w, p, c, ldc);
}

void cril_packed_multiply(const struct cril_kernels *k, const struct cril_packed *w, const float *a,
                          size_t lda, const struct cril_activations *activations, size_t row,
                          size_t m, float *c, size_t ldc)
{
    for (size_t p = 0; p < cril_panels(w->n); p++)
        cril_packed_multiply_panel(k, w, p, a, lda, activations, row, m, c + p * CRIL_PANEL_COLUMNS,
                                   ldc);
}

/* ---- Matrices on their way into panels ---- */

void cril_packing_add(struct cril_packing *p, const struct cril_kernels *k,
                      const struct cril_matrix *m, unsigned char **memory, struct cril_packed *w)
{
    size_t bytes = 0;
    cril_packed_place(k, m, m->rows, *memory, w);
    cril_packed_bytes(k, m, m->rows, &bytes); /* who reserved the memory has proved that it fits */
    *memory += bytes;
    p->matrix[p->n].from = m;
    p->matrix[p->n].to = w;
    p->matrix[p->n++].first_panel = p->n_panels;
    p->n_panels += cril_panels(m->rows);
}

void cril_packing_panel(const struct cril_packing *p, size_t panel, cril_damaged *damaged)
{
    size_t i = p->n - 1;
    while (panel < p->matrix[i].first_panel)
        i--;
    if (!cril_pack_panel(p->matrix[i].from, 0, p->matrix[i].to, panel - p->matrix[i].first_panel))
        atomic_store(damaged, p->matrix[i].from->name);
}

void cril_packing_fetch(const struct cril_packing *p)
{
    for (size_t i = 0; i < p->n; i++)
        cril_pages_fetch(p->matrix[i].from->data, cril_matrix_bytes(p->matrix[i].from));
}

void cril_packing_release(const struct cril_packing *p)
{
    for (size_t i = 0; i < p->n; i++)
        cril_pages_release(p->matrix[i].from->data, cril_matrix_bytes(p->matrix[i].from));
}

struct cril_activations cril_activations_at(float *memory, size_t rows, size_t k)
{
    const size_t blocks = rows * (k / CRIL_ACTIVATION_BLOCK);
    return (struct cril_activations){.k = k / CRIL_ACTIVATION_BLOCK * CRIL_ACTIVATION_BLOCK,
                                     .scale = memory,
                                     .sum32 = memory + blocks,
                                     .sum16 = memory + 2 * blocks,
                                     .q = (int16_t *)(void *)(memory + 4 * blocks)};
}

cril_status cril_fail_damaged(const char *path, const char *tensor, cril_error *err)
{
    return cril_fail(
        err, CRIL_ERR_NUMERIC,
        "%s: tensor %s holds a value that is not finite; the file is damaged, fetch it again", path,
        tensor);
}
