#include "model/attention.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 32 }; /* positions that share a range of keys */

static size_t pad(size_t n)
{
    return cril_panels(n) * CRIL_PANEL_COLUMNS;
}

size_t cril_kv_k_floats(const struct cril_config *c, size_t n_pad)
{
    return c->n_kv_heads * c->head_dim * n_pad;
}

size_t cril_kv_v_floats(const struct cril_config *c, size_t n_pad)
{
    return c->n_kv_heads * pad(c->head_dim) * n_pad;
}

void cril_kv_store(const struct cril_config *c, const struct cril_kv *kv, size_t p, const float *k,
                   const float *v)
{
    const size_t hd = c->head_dim;
    for (size_t h = 0; h < c->n_kv_heads; h++) {
        float *kp = kv->k + h * hd * kv->n_pad + p / CRIL_PANEL_COLUMNS * hd * CRIL_PANEL_COLUMNS +
                    p % CRIL_PANEL_COLUMNS;
        float *vp = kv->v + h * pad(hd) * kv->n_pad + p * CRIL_PANEL_COLUMNS;
        for (size_t d = 0; d < hd; d++) {
            kp[d * CRIL_PANEL_COLUMNS] = k[h * hd + d];
            vp[d / CRIL_PANEL_COLUMNS * kv->n_pad * CRIL_PANEL_COLUMNS + d % CRIL_PANEL_COLUMNS] =
                v[h * hd + d];
        }
    }
}

size_t cril_attend_scratch(const struct cril_config *c, size_t n_pad)
{
    return BLOCK * (c->head_dim + n_pad + pad(c->head_dim));
}

/* Scores of keys outside (pos - window, pos] become -infinity: weight 0. s is the row of keys [low,
 * high). */
static void mask(float *s, size_t low, size_t high, size_t pos, size_t window)
{
    size_t first = window && pos >= window ? pos - window + 1 : 0;
    for (size_t j = low; j < first; j++)
        s[j - low] = -INFINITY;
    for (size_t j = pos + 1; j < high; j++)
        s[j - low] = -INFINITY;
}

/* Heads [head, head + g) of all m positions at once, which read the same keys k and values v. */
static void attend_heads(const struct cril_kernels *kernels, const struct cril_config *c,
                         const float *k, const float *v, size_t n_pad, size_t low, size_t high,
                         size_t window, size_t head, size_t g, size_t m, const size_t *pos,
                         const float *const *q, float *out, size_t ldo, float *scratch)
{
    const size_t hd = c->head_dim, hv = pad(hd), n = high - low;
    float *queries = scratch, *gathered = queries + BLOCK * hd, *scores = gathered + BLOCK * hv;
    float sum[BLOCK];
    for (size_t i = 0; i < m; i++)
        memcpy(queries + i * g * hd, q[i] + head * hd, g * hd * sizeof(float));
    for (size_t j = low; j < high; j += CRIL_PANEL_COLUMNS)
        kernels->gemm_f32(queries, hd, m * g, k + j * hd, hd, scores + (j - low), n);
    for (size_t i = 0; i < m * g; i++) {
        mask(scores + i * n, low, high, pos[i / g], window);
        sum[i] = kernels->softmax(scores + i * n, n);
    }
    for (size_t d = 0; d < hv; d += CRIL_PANEL_COLUMNS)
        kernels->gemm_f32(scores, n, m * g, v + d * n_pad + low * CRIL_PANEL_COLUMNS, n,
                          gathered + d, hv);
    for (size_t i = 0; i < m * g; i++) {
        float r = 1.0f / sum[i];
        for (size_t d = 0; d < hd; d++)
            out[i / g * ldo + (head + i % g) * hd + d] = gathered[i * hv + d] * r;
    }
}

void cril_attend(const struct cril_kernels *kernels, const struct cril_config *c,
                 const struct cril_kv *kv, size_t window, size_t first, size_t end, size_t m,
                 const size_t *pos, const float *const *q, float *out, size_t ldo, float *scratch)
{
    const size_t hd = c->head_dim, hv = pad(hd), block = pos[0] / BLOCK * BLOCK,
                 group = c->n_heads / c->n_kv_heads;
    const size_t low = window && block >= window ? (block - window + 1) / BLOCK * BLOCK : 0;
    /* Heads of a group go together where positions are few; many fill the kernel's tiles alone, and
       more scores than needed would leave the cache. */
    const size_t together = BLOCK / m < group ? BLOCK / m : group;
    for (size_t kh = first; kh < end; kh++)
        for (size_t h = 0, g; h < group; h += g) {
            g = group - h < together ? group - h : together;
            attend_heads(kernels, c, kv->k + kh * hd * kv->n_pad, kv->v + kh * hv * kv->n_pad,
                         kv->n_pad, low, block + BLOCK, window, kh * group + h, g, m, pos, q, out,
                         ldo, scratch);
        }
}
