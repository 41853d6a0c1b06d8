/*
 * Operations on one row, written once: the compiler makes scalar or vector code of them, with the
 * same bits, since every output element is its own chain and a sum is 16 partial sums and one tree.
 */
#ifndef CRIL_KERNELS_ROWOPS_H
#define CRIL_KERNELS_ROWOPS_H

#include "kernels/kernels.h"
#include "util/fmath.h"

#include <stdbool.h>
#include <string.h>

/* The closing tree: i + (i + 8), then + 4, + 2, + 1. */
CRIL_INLINE float row_tree(float s[16])
{
    for (int h = 8; h > 0; h /= 2)
        for (int i = 0; i < h; i++)
            s[i] = s[i] + s[i + h];
    return s[0];
}

CRIL_INLINE void lanes_max(float *restrict m, const float *restrict x)
{
    for (int i = 0; i < 16; i++)
        m[i] = x[i] > m[i] ? x[i] : m[i];
}

/* In long rows four chains: a maximum needs no order. */
CRIL_INLINE float row_max(const float *x, size_t n)
{
    float m[4][16];
    size_t j = 16;
    memcpy(m[0], x, sizeof(m[0]));
    if (n >= 128) {
        for (int c = 1; c < 4; c++)
            memcpy(m[c], x, sizeof(m[c]));
        for (; j + 64 <= n; j += 64)
            for (size_t c = 0; c < 4; c++)
                lanes_max(m[c], x + j + 16 * c);
        for (int c = 1; c < 4; c++)
            lanes_max(m[0], m[c]);
    }
    for (; j < n; j += 16)
        lanes_max(m[0], x + j);
    float best = m[0][0];
    for (int i = 1; i < 16; i++)
        best = m[0][i] > best ? m[0][i] : best;
    return best;
}

/* x[j] = e^(x[j] - max); their sum. In slices, so that one's chain of sums runs beside the
 * exponentials of the next. */
CRIL_INLINE float row_exp_sum(float *x, float max, size_t n)
{
    enum { SLICE = 128 };
    float s[16] = {0};
    for (size_t j = 0; j < n; j += SLICE) {
        const size_t end = n - j < SLICE ? n : j + SLICE;
        for (size_t i = j; i < end; i++)
            x[i] = cril_expf(x[i] - max);
        for (size_t k = j; k < end; k += 16)
            for (size_t i = 0; i < 16; i++)
                s[i] += x[k + i];
    }
    return row_tree(s);
}

CRIL_INLINE void row_rms_norm(const float *x, const float *w, size_t n, float eps, float *y)
{
    float s[16] = {0};
    size_t j = 0;
    for (; j + 16 <= n; j += 16)
        for (int i = 0; i < 16; i++)
            s[i] += x[j + (size_t)i] * x[j + (size_t)i];
    for (; j < n; j++)
        s[j % 16] += x[j] * x[j];
    float r = 1.0f / sqrtf(row_tree(s) / (float)n + eps);
    for (j = 0; j < n; j++)
        y[j] = x[j] * r * w[j];
}

/* Sum of x - m, or of its squares. */
CRIL_INLINE float row_sum_from(const float *x, float m, size_t n, const bool squares)
{
    float s[16] = {0};
    size_t j = 0;
    for (; j + 16 <= n; j += 16)
        for (int i = 0; i < 16; i++) {
            const float d = x[j + (size_t)i] - m;
            s[i] += squares ? d * d : d;
        }
    for (; j < n; j++)
        s[j % 16] += squares ? (x[j] - m) * (x[j] - m) : x[j] - m;
    return row_tree(s);
}

CRIL_INLINE void row_layer_norm(const float *x, const float *w, size_t n, float eps, float *y)
{
    const float mean = row_sum_from(x, 0, n, false) / (float)n,
                r = 1.0f / sqrtf(row_sum_from(x, mean, n, true) / (float)n + eps);
    if (w)
        for (size_t j = 0; j < n; j++)
            y[j] = (x[j] - mean) * r * w[j];
    else
        for (size_t j = 0; j < n; j++)
            y[j] = (x[j] - mean) * r;
}

CRIL_INLINE float row_softmax(float *s, size_t n)
{
    return row_exp_sum(s, row_max(s, n), n);
}

CRIL_INLINE void row_logsum(float *l, size_t n, float *max, float *sum)
{
    *max = row_max(l, n);
    *sum = row_exp_sum(l, *max, n);
}

CRIL_INLINE void row_silu_mul(float *restrict g, const float *restrict u, size_t n)
{
    for (size_t j = 0; j < n; j++)
        g[j] = cril_siluf(g[j]) * u[j];
}

CRIL_INLINE void row_gelu_mul(float *restrict g, const float *restrict u, size_t n)
{
    for (size_t j = 0; j < n; j++)
        g[j] = cril_geluf(g[j]) * u[j];
}

CRIL_INLINE float activate_one(float x, const enum cril_activation a)
{
    switch (a) {
    case CRIL_ACT_GELU_ERF: return cril_gelu_erff(x);
    case CRIL_ACT_GELU_QUICK: return cril_gelu_quickf(x);
    case CRIL_ACT_RELU: return x > 0.0f ? x : 0.0f;
    case CRIL_ACT_RELU_SQUARED: return x > 0.0f ? x * x : 0.0f;
    case CRIL_ACT_SILU: return cril_siluf(x);
    default: return cril_geluf(x);
    }
}

CRIL_INLINE void row_activate_all(float *x, size_t n, const enum cril_activation a)
{
    for (size_t j = 0; j < n; j++)
        x[j] = activate_one(x[j], a);
}

/* A loop for each function, so that each becomes vector code. */
CRIL_INLINE void row_activate(enum cril_activation a, float *x, size_t n)
{
    switch (a) {
    case CRIL_ACT_GELU_TANH: row_activate_all(x, n, CRIL_ACT_GELU_TANH); break;
    case CRIL_ACT_GELU_ERF: row_activate_all(x, n, CRIL_ACT_GELU_ERF); break;
    case CRIL_ACT_GELU_QUICK: row_activate_all(x, n, CRIL_ACT_GELU_QUICK); break;
    case CRIL_ACT_RELU: row_activate_all(x, n, CRIL_ACT_RELU); break;
    case CRIL_ACT_RELU_SQUARED: row_activate_all(x, n, CRIL_ACT_RELU_SQUARED); break;
    case CRIL_ACT_SILU: row_activate_all(x, n, CRIL_ACT_SILU); break;
    }
}

CRIL_INLINE void row_cap(float *x, float c, size_t n)
{
    for (size_t j = 0; j < n; j++)
        x[j] = c * cril_tanhf(x[j] / c);
}

CRIL_INLINE void row_add(float *restrict x, const float *restrict y, size_t n)
{
    for (size_t j = 0; j < n; j++)
        x[j] += y[j];
}

CRIL_INLINE void row_scale(float *x, float a, size_t n)
{
    for (size_t j = 0; j < n; j++)
        x[j] *= a;
}

CRIL_INLINE void row_add_scaled(float *restrict x, float a, const float *restrict y, size_t n)
{
    for (size_t j = 0; j < n; j++)
        x[j] = fmaf(a, y[j], x[j]);
}

/* Rounds to nearest even by adding 1.5 * 2^23; |x| <= 32768. A maximum of |bits| is one of |x|, NaN
 * and infinity on top. */
CRIL_INLINE void row_quantise(const float *x, struct cril_activations *a, size_t row,
                              const enum cril_panel_layout layout)
{
    const size_t nb = a->k / CRIL_ACTIVATION_BLOCK;
    int16_t *pairs = a->q + row * a->k;
    uint8_t *low = (uint8_t *)pairs;
    int8_t *high = (int8_t *)pairs + a->k;
    for (size_t b = 0; b < nb; b++) {
        const float *v = x + b * CRIL_ACTIVATION_BLOCK;
        int32_t bits[CRIL_ACTIVATION_BLOCK], top = 0;
        memcpy(bits, v, sizeof(bits));
        for (int i = 0; i < CRIL_ACTIVATION_BLOCK; i++) {
            int32_t t = bits[i] & 0x7fffffff;
            top = t > top ? t : top;
        }
        union cril_bits32 max = {.i = top};
        float inv = 0, scale = 0;
        if (top >= 0x7f800000)
            scale = NAN;
        else if (max.f > 1e-30f) { /* smaller blocks count as zero: 32767 / max stays finite */
            inv = 32767.0f / max.f;
            scale = max.f / 32767.0f;
        }
        int32_t qi[CRIL_ACTIVATION_BLOCK], s0 = 0, s1 = 0;
        float rounded[CRIL_ACTIVATION_BLOCK];
        for (int i = 0; i < CRIL_ACTIVATION_BLOCK; i++)
            rounded[i] = (inv > 0 ? v[i] : 0.0f) * inv + 12582912.0f;
        memcpy(qi, rounded, sizeof(qi));
        for (int i = 0; i < CRIL_ACTIVATION_BLOCK; i++)
            qi[i] -= 0x4B400000;
        for (size_t i = 0, at = b * CRIL_ACTIVATION_BLOCK; i < CRIL_ACTIVATION_BLOCK; i++, at++) {
            if (layout == CRIL_PAIRS) {
                pairs[at] = (int16_t)qi[i];
            } else {
                low[at] = (uint8_t)(qi[i] & 255);
                high[at] = (int8_t)(qi[i] >> 8);
            }
        }
        for (int i = 0; i < 16; i++) {
            s0 += qi[i];
            s1 += qi[i + 16];
        }
        a->scale[row * nb + b] = scale;
        a->sum32[row * nb + b] = (float)(s0 + s1) * scale;
        a->sum16[row * nb * 2 + b * 2] = (float)s0 * scale;
        a->sum16[row * nb * 2 + b * 2 + 1] = (float)s1 * scale;
    }
}

/* Turns n pairs (x[i * step], x[i * step + other]) by the angle whose cosine and sine are c[i],
 * s[i]. */
CRIL_INLINE void row_rotate(float *x, const float *restrict c, const float *restrict s, size_t n,
                            bool halves)
{
    const size_t step = halves ? 1 : 2, other = halves ? n : 1;
    for (size_t i = 0; i < n; i++) {
        float a = x[i * step], b = x[i * step + other];
        x[i * step] = a * c[i] - b * s[i];
        x[i * step + other] = b * c[i] + a * s[i];
    }
}

/* Defines the row functions of a kernel set, compiled for the given target, and the set itself. */
#define CRIL_ROW_KERNELS(T, LAYOUT)                                                                \
    T static void k_quantise(const float *x, struct cril_activations *a, size_t row)               \
    {                                                                                              \
        row_quantise(x, a, row, LAYOUT);                                                           \
    }                                                                                              \
    T static void k_rms_norm(const float *x, const float *w, size_t n, float eps, float *y)        \
    {                                                                                              \
        row_rms_norm(x, w, n, eps, y);                                                             \
    }                                                                                              \
    T static void k_layer_norm(const float *x, const float *w, size_t n, float eps, float *y)      \
    {                                                                                              \
        row_layer_norm(x, w, n, eps, y);                                                           \
    }                                                                                              \
    T static float k_softmax(float *s, size_t n)                                                   \
    {                                                                                              \
        return row_softmax(s, n);                                                                  \
    }                                                                                              \
    T static void k_logsum(float *l, size_t n, float *max, float *sum)                             \
    {                                                                                              \
        row_logsum(l, n, max, sum);                                                                \
    }                                                                                              \
    T static void k_silu_mul(float *g, const float *u, size_t n)                                   \
    {                                                                                              \
        row_silu_mul(g, u, n);                                                                     \
    }                                                                                              \
    T static void k_gelu_mul(float *g, const float *u, size_t n)                                   \
    {                                                                                              \
        row_gelu_mul(g, u, n);                                                                     \
    }                                                                                              \
    T static void k_activate(enum cril_activation a, float *x, size_t n)                           \
    {                                                                                              \
        row_activate(a, x, n);                                                                     \
    }                                                                                              \
    T static void k_cap(float *x, float c, size_t n)                                               \
    {                                                                                              \
        row_cap(x, c, n);                                                                          \
    }                                                                                              \
    T static void k_add(float *x, const float *y, size_t n)                                        \
    {                                                                                              \
        row_add(x, y, n);                                                                          \
    }                                                                                              \
    T static void k_scale(float *x, float a, size_t n)                                             \
    {                                                                                              \
        row_scale(x, a, n);                                                                        \
    }                                                                                              \
    T static void k_add_scaled(float *x, float a, const float *y, size_t n)                        \
    {                                                                                              \
        row_add_scaled(x, a, y, n);                                                                \
    }                                                                                              \
    T static void k_rotate_halves(float *x, const float *c, const float *s, size_t n)              \
    {                                                                                              \
        row_rotate(x, c, s, n, true);                                                              \
    }                                                                                              \
    T static void k_rotate_pairs(float *x, const float *c, const float *s, size_t n)               \
    {                                                                                              \
        row_rotate(x, c, s, n, false);                                                             \
    }

#define CRIL_TABLE(NAME, LAYOUT)                                                                   \
    (struct cril_kernels)                                                                          \
    {                                                                                              \
        .name = NAME, .layout = LAYOUT, .gemm_f32 = gemm_f32, .gemm_i16 = gemm_i16,                \
        .quantise = k_quantise, .rms_norm = k_rms_norm, .layer_norm = k_layer_norm,                \
        .activate = k_activate, .cap = k_cap, .softmax = k_softmax, .logsum = k_logsum,            \
        .silu_mul = k_silu_mul, .gelu_mul = k_gelu_mul, .add = k_add, .scale = k_scale,            \
        .add_scaled = k_add_scaled, .rotate_halves = k_rotate_halves,                              \
        .rotate_pairs = k_rotate_pairs                                                             \
    }

#endif
