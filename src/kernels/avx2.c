/* AVX2 with FMA. Tiles of rows x 16 outputs, two halves of a panel: 6 rows for fp32, 3 for
 * integers. */
#include "kernels/rowops.h"

#if defined(__x86_64__)
#include "kernels/quantise_x86.h"

#include <immintrin.h>

#define T __attribute__((target("avx2,fma")))

CRIL_ROW_KERNELS(T, CRIL_PAIRS)

#define TILE T static inline __attribute__((always_inline))

/*
 * Elements of fp32 sums after which accumulators are stored and read again, which changes none of
 * them: a slice of a panel (64 KB) stays in the second-level cache while all rows pass, and each
 * tile calls a part of the next one there.
 */
enum { K_BLOCK = 512 };

/* more: c holds the sums so far. next: what to call into the second-level cache, a sixteenth as
 * many lines as k. */
TILE void tile_f32(const int mr, const int more, const float *a, size_t lda, const float *b,
                   size_t k, const float *next, float *c, size_t ldc)
{
    __m256 acc[6][2];
#pragma GCC unroll 6
    for (int i = 0; i < mr; i++) {
        acc[i][0] = more ? _mm256_loadu_ps(c + (size_t)i * ldc) : _mm256_setzero_ps();
        acc[i][1] = more ? _mm256_loadu_ps(c + (size_t)i * ldc + 8) : _mm256_setzero_ps();
    }
    for (size_t p = 0; p < k; p++, b += CRIL_PANEL_COLUMNS) {
        __m256 b0 = _mm256_loadu_ps(b), b1 = _mm256_loadu_ps(b + 8);
        if (p % 16 == 0)
            _mm_prefetch((const void *)(next + p), _MM_HINT_T1);
#pragma GCC unroll 6
        for (int i = 0; i < mr; i++) {
            __m256 v = _mm256_set1_ps(a[(size_t)i * lda + p]);
            acc[i][0] = _mm256_fmadd_ps(v, b0, acc[i][0]);
            acc[i][1] = _mm256_fmadd_ps(v, b1, acc[i][1]);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < mr; i++) {
        _mm256_storeu_ps(c + (size_t)i * ldc, acc[i][0]);
        _mm256_storeu_ps(c + (size_t)i * ldc + 8, acc[i][1]);
    }
}

/* All rows through one slice. Two halves of sixteen tiles, the engine's 96 rows, call the whole of
 * the next. */
TILE void slice_f32(const int more, const float *a, size_t lda, size_t m, const float *b, size_t k,
                    float *c, size_t ldc)
{
    const float *next = b + k * CRIL_PANEL_COLUMNS;
    for (size_t h = 0; h < CRIL_PANEL_COLUMNS; h += 16) {
        size_t i = 0;
        for (; i + 6 <= m; i += 6, next += k)
            tile_f32(6, more, a + i * lda, lda, b + h, k, next, c + i * ldc + h, ldc);
        for (; i + 4 <= m; i += 4)
            tile_f32(4, more, a + i * lda, lda, b + h, k, next, c + i * ldc + h, ldc);
        switch (m - i) { /* rows of a decoder are few: one pass over the panel for all */
        case 3: tile_f32(3, more, a + i * lda, lda, b + h, k, next, c + i * ldc + h, ldc); break;
        case 2: tile_f32(2, more, a + i * lda, lda, b + h, k, next, c + i * ldc + h, ldc); break;
        case 1: tile_f32(1, more, a + i * lda, lda, b + h, k, next, c + i * ldc + h, ldc); break;
        }
    }
}

T static void gemm_f32(const float *a, size_t lda, size_t m, const float *panel, size_t k, float *c,
                       size_t ldc, bool more)
{
    const size_t len = k < K_BLOCK ? k : K_BLOCK;
    if (more)
        slice_f32(1, a, lda, m, panel, len, c, ldc);
    else
        slice_f32(0, a, lda, m, panel, len, c, ldc);
    for (size_t p = K_BLOCK; p < k; p += K_BLOCK)
        slice_f32(1, a + p, lda, m, panel + p * CRIL_PANEL_COLUMNS,
                  k - p < K_BLOCK ? k - p : K_BLOCK, c, ldc);
}

/* A panel to call into the second-level cache while another one is at work, some lines with each
 * group. */
struct prefetch {
    const char *at, *end;
    size_t lines;
};

/* All of the panel that this thread probably takes next, spread over the tiles of m rows in both
 * halves. */
TILE struct prefetch find_prefetch(const struct cril_packed *w, size_t p, size_t m)
{
    const size_t panel = w->k * CRIL_PANEL_COLUMNS, tiles = 2 * ((m + 2) / 3),
                 per_group = w->group * CRIL_PANEL_COLUMNS * sizeof(*w->pairs) / 64;
    const char *at = (const char *)(w->pairs + (p + w->prefetch_panels) * panel);

    if (!w->prefetch_panels || p + w->prefetch_panels >= w->n / CRIL_PANEL_COLUMNS)
        return (struct prefetch){0};
    return (struct prefetch){at, at + panel * sizeof(*w->pairs), (per_group + tiles - 1) / tiles};
}

TILE void tile_i16(const int mr, const struct cril_activations *a, size_t row,
                   const struct cril_packed *w, const int16_t *wq, const float *ws, const float *wm,
                   struct prefetch *next, float *c, size_t ldc)
{
    const size_t k = a->k, group = w->group, groups = k / group;
    const int16_t *aq = a->q + row * k;
    const float *as = a->scale + row * (k / CRIL_ACTIVATION_BLOCK);
    const float *sum = (group == 16 ? a->sum16 : a->sum32) + row * groups;
    __m256 acc[3][2];
#pragma GCC unroll 3
    for (int i = 0; i < mr; i++)
        acc[i][0] = acc[i][1] = _mm256_setzero_ps();
    for (size_t g = 0; g < groups; g++) {
        __m256i dot[3][2];
#pragma GCC unroll 3
        for (int i = 0; i < mr; i++)
            dot[i][0] = dot[i][1] = _mm256_setzero_si256();
        for (size_t i = 0; i < next->lines && next->at < next->end; i++, next->at += 64)
            _mm_prefetch(next->at, _MM_HINT_T1);
        for (size_t p = 0; p < group / 2; p++, wq += 2 * CRIL_PANEL_COLUMNS) {
            __m256i w0 = _mm256_loadu_si256((const __m256i *)(const void *)wq);
            __m256i w1 = _mm256_loadu_si256((const __m256i *)(const void *)(wq + 16));
#pragma GCC unroll 3
            for (int i = 0; i < mr; i++) {
                int32_t pair;
                memcpy(&pair, aq + (size_t)i * k + g * group + 2 * p, sizeof(pair));
                __m256i v = _mm256_set1_epi32(pair);
                dot[i][0] = _mm256_add_epi32(dot[i][0], _mm256_madd_epi16(v, w0));
                dot[i][1] = _mm256_add_epi32(dot[i][1], _mm256_madd_epi16(v, w1));
            }
        }
        __m256 s0 = _mm256_loadu_ps(ws + g * CRIL_PANEL_COLUMNS),
               s1 = _mm256_loadu_ps(ws + g * CRIL_PANEL_COLUMNS + 8);
#pragma GCC unroll 3
        for (int i = 0; i < mr; i++) {
            __m256 v = _mm256_set1_ps(
                as[(size_t)i * (k / CRIL_ACTIVATION_BLOCK) + g * group / CRIL_ACTIVATION_BLOCK]);
            acc[i][0] =
                _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[i][0]), _mm256_mul_ps(v, s0), acc[i][0]);
            acc[i][1] =
                _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[i][1]), _mm256_mul_ps(v, s1), acc[i][1]);
        }
        if (wm) {
            __m256 m0 = _mm256_loadu_ps(wm + g * CRIL_PANEL_COLUMNS),
                   m1 = _mm256_loadu_ps(wm + g * CRIL_PANEL_COLUMNS + 8);
#pragma GCC unroll 3
            for (int i = 0; i < mr; i++) {
                __m256 v = _mm256_set1_ps(sum[(size_t)i * groups + g]);
                acc[i][0] = _mm256_fmadd_ps(v, m0, acc[i][0]);
                acc[i][1] = _mm256_fmadd_ps(v, m1, acc[i][1]);
            }
        }
    }
#pragma GCC unroll 3
    for (int i = 0; i < mr; i++) {
        _mm256_storeu_ps(c + (size_t)i * ldc, acc[i][0]);
        _mm256_storeu_ps(c + (size_t)i * ldc + 8, acc[i][1]);
    }
}

T static void gemm_i16(const struct cril_activations *a, size_t row, size_t m,
                       const struct cril_packed *w, size_t p, float *c, size_t ldc)
{
    const size_t per_panel = w->k / w->group * CRIL_PANEL_COLUMNS;
    struct prefetch next = find_prefetch(w, p, m);
    for (size_t h = 0; h < CRIL_PANEL_COLUMNS; h += 16) {
        const int16_t *wq = w->pairs + p * w->k * CRIL_PANEL_COLUMNS + 2 * h;
        const float *ws = w->scale + p * per_panel + h,
                    *wm = w->min ? w->min + p * per_panel + h : NULL;
        size_t i = 0;
        for (; i + 3 <= m; i += 3)
            tile_i16(3, a, row + i, w, wq, ws, wm, &next, c + i * ldc + h, ldc);
        if (m - i == 2)
            tile_i16(2, a, row + i, w, wq, ws, wm, &next, c + i * ldc + h, ldc);
        else if (m - i == 1)
            tile_i16(1, a, row + i, w, wq, ws, wm, &next, c + i * ldc + h, ldc);
    }
}

T static void quantise_pairs(const float *x, struct cril_activations *a, size_t row)
{
    quantise_x86(x, a, row, CRIL_PAIRS);
}

void cril_kernels_avx2(struct cril_kernels *k)
{
    *k = CRIL_TABLE("avx2", CRIL_PAIRS);
    k->quantise = quantise_pairs;
}
#endif
