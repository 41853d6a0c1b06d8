/* Stored rows to panels: a block is unpacked once and its numbers are spread over the panel's lanes. */
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

static bool pack_float(const struct cril_dtype_info *t, const uint8_t *row, float *panel, size_t lane, size_t k)
{
    bool finite = true;
    for (size_t p = 0; p < k; p++) {
        float v = t->load(row + p * t->block_bytes);
        finite &= isfinite(v) != 0;
        panel[p * CRIL_NR + lane] = v;
    }
    return finite;
}

static bool pack_int(const struct cril_dtype_info *t, const uint8_t *row, struct cril_packed *w,
                     size_t p, size_t lane)
{
    const size_t groups = w->k / w->group, per_block = t->block_len / t->group;
    int16_t *q = w->q + p * w->k * CRIL_NR;
    float *s = w->scale + p * groups * CRIL_NR, *m = w->min ? w->min + p * groups * CRIL_NR : NULL;
    int8_t bq[256];
    float bs[16], bm[16];
    bool finite = true;
    for (size_t b = 0; b * t->block_len < w->k; b++) {
        t->unpack(row + b * t->block_bytes, bq, bs, bm);
        for (size_t e = 0; e < t->block_len; e++) {
            size_t at = b * t->block_len + e;
            q[(at / 2 * CRIL_NR + lane) * 2 + at % 2] = bq[e];
        }
        for (size_t g = 0; g < per_block; g++) {
            s[(b * per_block + g) * CRIL_NR + lane] = bs[g];
            finite &= isfinite(bs[g]) != 0;
            if (m) {
                m[(b * per_block + g) * CRIL_NR + lane] = bm[g];
                finite &= isfinite(bm[g]) != 0;
            }
        }
    }
    return finite;
}

bool cril_pack_panel(enum cril_dtype type, const uint8_t *data, struct cril_packed *w, size_t p)
{
    const struct cril_dtype_info *t = &cril_dtypes[type];
    const size_t row_bytes = w->k / t->block_len * t->block_bytes;
    const size_t n = w->n - p * CRIL_NR < CRIL_NR ? w->n - p * CRIL_NR : CRIL_NR;
    bool finite = true;
    if (n < CRIL_NR) {
        if (w->f)
            memset(w->f + p * w->k * CRIL_NR, 0, w->k * CRIL_NR * sizeof(float));
        else {
            size_t per_panel = w->k / w->group * CRIL_NR;
            memset(w->q + p * w->k * CRIL_NR, 0, w->k * CRIL_NR * sizeof(int16_t));
            memset(w->scale + p * per_panel, 0, per_panel * sizeof(float));
            if (w->min)
                memset(w->min + p * per_panel, 0, per_panel * sizeof(float));
        }
    }
    for (size_t lane = 0; lane < n; lane++) {
        const uint8_t *row = data + (p * CRIL_NR + lane) * row_bytes;
        finite &= w->f ? pack_float(t, row, w->f + p * w->k * CRIL_NR, lane, w->k)
                       : pack_int(t, row, w, p, lane);
    }
    return finite;
}
