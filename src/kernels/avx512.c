/*
 * AVX-512 with VNNI. A tile holds rows x 32 outputs in registers, lanes are outputs, so each keeps
 * its own chain. 12 x 32 for fp32; 6 x 32 for integers, which need a dot and a float accumulator
 * each.
 */
#include "kernels/rowops.h"

#if defined(__x86_64__)
#include "kernels/quantise_x86.h"

#include <immintrin.h>

#define FEATURES "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma"
#if defined(__clang__) /* does not know the width here, and would drop the whole attribute */
#define T __attribute__((target(FEATURES)))
#else
#define T __attribute__((target(FEATURES ",prefer-vector-width=512")))
#endif

CRIL_ROW_KERNELS(T, CRIL_PAIRS)

#define TILE T static inline __attribute__((always_inline))

/*
 * Elements of fp32 sums after which, at the latest, accumulators are stored and read again, which
 * changes none of them: a slice of a panel (96 KB) stays in the second-level cache while all rows
 * pass, and each tile calls a part of the next one there. Slices are equal, since a short one costs
 * as many stores as a long one.
 */
enum { K_BLOCK = 768 };

/* more: c holds the sums so far. next: what to call into the second-level cache, a quarter as many
 * lines as k. */
TILE void tile_f32(const int mr, const int more, const float *a, size_t lda, const float *b,
                   size_t k, const float *next, float *c, size_t ldc)
{
    __m512 acc[12][2];
#pragma GCC unroll 12
    for (int i = 0; i < mr; i++) {
        acc[i][0] = more ? _mm512_loadu_ps(c + (size_t)i * ldc) : _mm512_setzero_ps();
        acc[i][1] = more ? _mm512_loadu_ps(c + (size_t)i * ldc + 16) : _mm512_setzero_ps();
    }
    for (size_t p = 0; p < k; p++, b += CRIL_PANEL_COLUMNS) {
        __m512 b0 = _mm512_loadu_ps(b), b1 = _mm512_loadu_ps(b + 16);
        if (p % 4 == 0)
            _mm_prefetch((const void *)(next + p * 4), _MM_HINT_T1);
#pragma GCC unroll 12
        for (int i = 0; i < mr; i++) {
            __m512 v = _mm512_set1_ps(a[(size_t)i * lda + p]);
            acc[i][0] = _mm512_fmadd_ps(v, b0, acc[i][0]);
            acc[i][1] = _mm512_fmadd_ps(v, b1, acc[i][1]);
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < mr; i++) {
        _mm512_storeu_ps(c + (size_t)i * ldc, acc[i][0]);
        _mm512_storeu_ps(c + (size_t)i * ldc + 16, acc[i][1]);
    }
}

/* All rows through one slice. Eight tiles, the engine's 96 rows, call the whole of the next. */
TILE void slice_f32(const int more, const float *a, size_t lda, size_t m, const float *b, size_t k,
                    float *c, size_t ldc)
{
    const float *next = b + k * CRIL_PANEL_COLUMNS;
    for (; m >= 12; m -= 12, a += 12 * lda, c += 12 * ldc, next += 4 * k)
        tile_f32(12, more, a, lda, b, k, next, c, ldc);
    for (; m >= 4; m -= 4, a += 4 * lda, c += 4 * ldc)
        tile_f32(4, more, a, lda, b, k, next, c, ldc);
    switch (m) { /* rows of a decoder are few: one pass over the panel for all */
    case 3: tile_f32(3, more, a, lda, b, k, next, c, ldc); break;
    case 2: tile_f32(2, more, a, lda, b, k, next, c, ldc); break;
    case 1: tile_f32(1, more, a, lda, b, k, next, c, ldc); break;
    }
}

T static void gemm_f32(const float *a, size_t lda, size_t m, const float *panel, size_t k, float *c,
                       size_t ldc, bool more)
{
    const size_t slices = (k + K_BLOCK - 1) / K_BLOCK, len = slices ? (k + slices - 1) / slices : 0;
    if (more)
        slice_f32(1, a, lda, m, panel, len, c, ldc);
    else
        slice_f32(0, a, lda, m, panel, len, c, ldc);
    for (size_t p = len; p < k; p += len)
        slice_f32(1, a + p, lda, m, panel + p * CRIL_PANEL_COLUMNS, k - p < len ? k - p : len, c,
                  ldc);
}

/* group: 16 or 32; has_min: 0 or 1. Both constant, so each combination is its own loop. */
TILE void tile_i16(const int mr, const size_t group, const int has_min,
                   const struct cril_activations *a, size_t row, const int16_t *wq, const float *ws,
                   const float *wm, float *c, size_t ldc)
{
    const size_t k = a->k, groups = k / group;
    const int16_t *aq = a->q + row * k;
    const float *as = a->scale + row * (k / CRIL_ACTIVATION_BLOCK);
    const float *sum = (group == 16 ? a->sum16 : a->sum32) + row * groups;
    __m512 acc[6][2];
#pragma GCC unroll 6
    for (int i = 0; i < mr; i++)
        acc[i][0] = acc[i][1] = _mm512_setzero_ps();
    for (size_t g = 0; g < groups; g++) {
        __m512i dot[6][2];
#pragma GCC unroll 6
        for (int i = 0; i < mr; i++)
            dot[i][0] = dot[i][1] = _mm512_setzero_si512();
        for (size_t p = 0; p < group / 2; p++, wq += 2 * CRIL_PANEL_COLUMNS) {
            __m512i w0 = _mm512_loadu_si512(wq), w1 = _mm512_loadu_si512(wq + CRIL_PANEL_COLUMNS);
#pragma GCC unroll 6
            for (int i = 0; i < mr; i++) {
                int32_t pair;
                memcpy(&pair, aq + (size_t)i * k + g * group + 2 * p, sizeof(pair));
                __m512i v = _mm512_set1_epi32(pair);
                dot[i][0] = _mm512_dpwssd_epi32(dot[i][0], v, w0);
                dot[i][1] = _mm512_dpwssd_epi32(dot[i][1], v, w1);
            }
        }
        __m512 s0 = _mm512_loadu_ps(ws + g * CRIL_PANEL_COLUMNS),
               s1 = _mm512_loadu_ps(ws + g * CRIL_PANEL_COLUMNS + 16);
#pragma GCC unroll 6
        for (int i = 0; i < mr; i++) {
            __m512 v = _mm512_set1_ps(
                as[(size_t)i * (k / CRIL_ACTIVATION_BLOCK) + g * group / CRIL_ACTIVATION_BLOCK]);
            acc[i][0] =
                _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[i][0]), _mm512_mul_ps(v, s0), acc[i][0]);
            acc[i][1] =
                _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[i][1]), _mm512_mul_ps(v, s1), acc[i][1]);
        }
        if (has_min) {
            __m512 m0 = _mm512_loadu_ps(wm + g * CRIL_PANEL_COLUMNS),
                   m1 = _mm512_loadu_ps(wm + g * CRIL_PANEL_COLUMNS + 16);
#pragma GCC unroll 6
            for (int i = 0; i < mr; i++) {
                __m512 v = _mm512_set1_ps(sum[(size_t)i * groups + g]);
                acc[i][0] = _mm512_fmadd_ps(v, m0, acc[i][0]);
                acc[i][1] = _mm512_fmadd_ps(v, m1, acc[i][1]);
            }
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < mr; i++) {
        _mm512_storeu_ps(c + (size_t)i * ldc, acc[i][0]);
        _mm512_storeu_ps(c + (size_t)i * ldc + 16, acc[i][1]);
    }
}

TILE void rows_i16(const size_t group, const int has_min, const struct cril_activations *a,
                   size_t row, size_t m, const struct cril_packed *w, size_t p, float *c,
                   size_t ldc)
{
    const size_t per_panel = w->k / group * CRIL_PANEL_COLUMNS;
    const int16_t *wq = w->pairs + p * w->k * CRIL_PANEL_COLUMNS;
    const float *ws = w->scale + p * per_panel, *wm = has_min ? w->min + p * per_panel : NULL;
    for (; m >= 6; m -= 6, row += 6, c += 6 * ldc)
        tile_i16(6, group, has_min, a, row, wq, ws, wm, c, ldc);
    for (; m >= 4; m -= 4, row += 4, c += 4 * ldc)
        tile_i16(4, group, has_min, a, row, wq, ws, wm, c, ldc);
    for (; m >= 2; m -= 2, row += 2, c += 2 * ldc)
        tile_i16(2, group, has_min, a, row, wq, ws, wm, c, ldc);
    for (; m > 0; m--, row++, c += ldc)
        tile_i16(1, group, has_min, a, row, wq, ws, wm, c, ldc);
}

T static void gemm_i16(const struct cril_activations *a, size_t row, size_t m,
                       const struct cril_packed *w, size_t p, float *c, size_t ldc)
{
    if (w->group == 32 && w->min)
        rows_i16(32, 1, a, row, m, w, p, c, ldc);
    else if (w->group == 32)
        rows_i16(32, 0, a, row, m, w, p, c, ldc);
    else if (w->min)
        rows_i16(16, 1, a, row, m, w, p, c, ldc);
    else
        rows_i16(16, 0, a, row, m, w, p, c, ldc);
}

/* cril_expf by hand: with it softmax takes 17 cycles for 16 keys, with the compiler's loop 25. */
TILE __m512 exponential(__m512 x)
{
    const __m512 low = _mm512_set1_ps(-87.0f), big = _mm512_set1_ps(12582912.0f);
    const __m512 y = _mm512_min_ps(_mm512_set1_ps(88.0f), _mm512_max_ps(low, x));
    const __m512 n = _mm512_fmadd_ps(y, _mm512_set1_ps(1.44269504f), big),
                 k = _mm512_sub_ps(n, big);
    __m512 r = _mm512_fmadd_ps(k, _mm512_set1_ps(-0.693359375f), y);
    r = _mm512_fmadd_ps(k, _mm512_set1_ps(2.12194440e-4f), r);
    __m512 p = _mm512_fmadd_ps(r, _mm512_set1_ps(1.0f / 5040), _mm512_set1_ps(1.0f / 720));
    p = _mm512_fmadd_ps(r, p, _mm512_set1_ps(1.0f / 120));
    p = _mm512_fmadd_ps(r, p, _mm512_set1_ps(1.0f / 24));
    p = _mm512_fmadd_ps(r, p, _mm512_set1_ps(1.0f / 6));
    p = _mm512_fmadd_ps(r, p, _mm512_set1_ps(0.5f));
    p = _mm512_fmadd_ps(r, p, _mm512_set1_ps(1.0f));
    p = _mm512_fmadd_ps(r, p, _mm512_set1_ps(1.0f));
    const __m512i power =
        _mm512_add_epi32(_mm512_castps_si512(n), _mm512_set1_epi32(127 - 0x4B400000));
    const __mmask16 some = _mm512_cmp_ps_mask(x, low, _CMP_NLT_UQ);
    return _mm512_maskz_mul_ps(some, p, _mm512_castsi512_ps(_mm512_slli_epi32(power, 23)));
}

/* x[j] = e^(x[j] - max); their sum, j mod 16. */
TILE float exponentials(float *x, float max, size_t n)
{
    __m512 sum = _mm512_setzero_ps();
    float s[16];
    for (size_t j = 0; j < n; j += 16) {
        const __m512 e = exponential(_mm512_sub_ps(_mm512_loadu_ps(x + j), _mm512_set1_ps(max)));
        _mm512_storeu_ps(x + j, e);
        sum = _mm512_add_ps(sum, e);
    }
    _mm512_storeu_ps(s, sum);
    return row_tree(s);
}

T static float softmax(float *s, size_t n)
{
    return exponentials(s, row_max(s, n), n);
}

T static void logsum(float *l, size_t n, float *max, float *sum)
{
    *max = row_max(l, n);
    *sum = exponentials(l, *max, n);
}

T static void quantise_pairs(const float *x, struct cril_activations *a, size_t row)
{
    quantise_x86(x, a, row, CRIL_PAIRS);
}

void cril_kernels_avx512(struct cril_kernels *k)
{
    *k = CRIL_TABLE("avx512", CRIL_PAIRS);
    k->quantise = quantise_pairs;
    k->softmax = softmax;
    k->logsum = logsum;
}
#endif
