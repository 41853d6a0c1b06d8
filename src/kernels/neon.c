/*
 * AArch64. Two sets that share all but the integer product: `neon` multiplies 16-bit numbers
 * (SMLAL), which every such CPU can; `dotprod` multiplies bytes in fours (SDOT, ARMv8.2), with a
 * 16-bit activation in two halves:
 *
 *     q = 256 high + low,  low - 128 in a signed byte,
 *     so  sum q w = 256 sum high w + sum (low - 128) w + 128 sum w
 *
 * all exact in 32 bits, since a group has at most 32 weights of at most 128. Tiles hold rows x 8
 * outputs; lanes are outputs.
 */
#include "kernels/rowops.h"

#if defined(__aarch64__)
#include <arm_neon.h>

CRIL_ROW_KERNELS(, CRIL_PAIRS)

#define TILE static inline __attribute__((always_inline))

/* Row i's numbers k .. k + 3 are lanes of a[i]. LANE is a constant. */
#define MULTIPLY_F32(LANE)                                                                         \
    do {                                                                                           \
        const float32x4_t b0 = vld1q_f32(b + CRIL_PANEL_COLUMNS * (LANE));                         \
        const float32x4_t b1 = vld1q_f32(b + CRIL_PANEL_COLUMNS * (LANE) + 4);                     \
        _Pragma("GCC unroll 8") for (int i = 0; i < mr; i++)                                       \
        {                                                                                          \
            acc[i][0] = vfmaq_laneq_f32(acc[i][0], b0, v[i], LANE);                                \
            acc[i][1] = vfmaq_laneq_f32(acc[i][1], b1, v[i], LANE);                                \
        }                                                                                          \
    } while (0)

/* more: c holds the sums so far. */
TILE void tile_f32(const int mr, const int more, const float *a, size_t lda, const float *b,
                   size_t k, float *c, size_t ldc)
{
    float32x4_t acc[8][2], v[8];
    size_t p = 0;
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++) {
        acc[i][0] = more ? vld1q_f32(c + (size_t)i * ldc) : vdupq_n_f32(0);
        acc[i][1] = more ? vld1q_f32(c + (size_t)i * ldc + 4) : vdupq_n_f32(0);
    }
    for (; p + 4 <= k; p += 4, b += 4 * CRIL_PANEL_COLUMNS) {
#pragma GCC unroll 8
        for (int i = 0; i < mr; i++)
            v[i] = vld1q_f32(a + (size_t)i * lda + p);
        MULTIPLY_F32(0);
        MULTIPLY_F32(1);
        MULTIPLY_F32(2);
        MULTIPLY_F32(3);
    }
    for (; p < k; p++, b += CRIL_PANEL_COLUMNS) {
#pragma GCC unroll 8
        for (int i = 0; i < mr; i++)
            v[i] = vdupq_n_f32(a[(size_t)i * lda + p]);
        MULTIPLY_F32(0);
    }
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++) {
        vst1q_f32(c + (size_t)i * ldc, acc[i][0]);
        vst1q_f32(c + (size_t)i * ldc + 4, acc[i][1]);
    }
}

TILE void all_tiles_f32(const int more, const float *a, size_t lda, size_t m, const float *panel,
                        size_t k, float *c, size_t ldc)
{
    for (size_t h = 0; h < CRIL_PANEL_COLUMNS; h += 8) {
        size_t i = 0;
        for (; i + 8 <= m; i += 8)
            tile_f32(8, more, a + i * lda, lda, panel + h, k, c + i * ldc + h, ldc);
        for (; i + 2 <= m; i += 2)
            tile_f32(2, more, a + i * lda, lda, panel + h, k, c + i * ldc + h, ldc);
        for (; i < m; i++)
            tile_f32(1, more, a + i * lda, lda, panel + h, k, c + i * ldc + h, ldc);
    }
}

static void gemm_f32(const float *a, size_t lda, size_t m, const float *panel, size_t k, float *c,
                     size_t ldc, bool more)
{
    if (more)
        all_tiles_f32(1, a, lda, m, panel, k, c, ldc);
    else
        all_tiles_f32(0, a, lda, m, panel, k, c, ldc);
}

/* What a tile needs of a panel, from its first column on. */
struct columns {
    const int16_t *pairs;
    const int8_t *quads;
    const float *scale, *min; /* min NULL: none */
};

/* Eight int32 dot products of a group join the row's accumulators: as in ref.c, one fma and one
 * more for a minimum. */
TILE void join(const struct cril_activations *a, size_t row, size_t group, size_t g,
               const struct columns *w, const int32x4_t dot[2], float32x4_t acc[2])
{
    const size_t groups = a->k / group;
    const float by =
        a->scale[row * (a->k / CRIL_ACTIVATION_BLOCK) + g * group / CRIL_ACTIVATION_BLOCK];
    const float sum = (group == 16 ? a->sum16 : a->sum32)[row * groups + g];
    for (size_t h = 0; h < 2; h++) {
        const float32x4_t s = vmulq_n_f32(vld1q_f32(w->scale + g * CRIL_PANEL_COLUMNS + 4 * h), by);
        acc[h] = vfmaq_f32(acc[h], vcvtq_f32_s32(dot[h]), s);
        if (w->min)
            acc[h] = vfmaq_n_f32(acc[h], vld1q_f32(w->min + g * CRIL_PANEL_COLUMNS + 4 * h), sum);
    }
}

/* Pair PAIR of the eight activations in v[i]. */
#define MULTIPLY_PAIR(PAIR)                                                                        \
    do {                                                                                           \
        const int16x8x2_t w2 =                                                                     \
            vld2q_s16(wq + 2 * CRIL_PANEL_COLUMNS * (PAIR)); /* of eight columns */                \
        _Pragma("GCC unroll 4") for (int i = 0; i < mr; i++)                                       \
        {                                                                                          \
            dot[i][0] = vmlal_laneq_s16(dot[i][0], vget_low_s16(w2.val[0]), v[i], 2 * (PAIR));     \
            dot[i][1] = vmlal_high_laneq_s16(dot[i][1], w2.val[0], v[i], 2 * (PAIR));              \
            dot[i][0] = vmlal_laneq_s16(dot[i][0], vget_low_s16(w2.val[1]), v[i], 2 * (PAIR) + 1); \
            dot[i][1] = vmlal_high_laneq_s16(dot[i][1], w2.val[1], v[i], 2 * (PAIR) + 1);          \
        }                                                                                          \
    } while (0)

TILE void tile_pairs(const int mr, const struct cril_activations *a, size_t row, size_t group,
                     struct columns w, float *c, size_t ldc)
{
    const int16_t *wq = w.pairs;
    float32x4_t acc[4][2];
    int32x4_t dot[4][2];
    int16x8_t v[4];
#pragma GCC unroll 4
    for (int i = 0; i < mr; i++)
        acc[i][0] = acc[i][1] = vdupq_n_f32(0);
    for (size_t g = 0; g < a->k / group; g++) {
#pragma GCC unroll 4
        for (int i = 0; i < mr; i++)
            dot[i][0] = dot[i][1] = vdupq_n_s32(0);
        for (size_t e = g * group; e < (g + 1) * group; e += 8, wq += 8 * CRIL_PANEL_COLUMNS) {
#pragma GCC unroll 4
            for (int i = 0; i < mr; i++)
                v[i] = vld1q_s16(a->q + (row + (size_t)i) * a->k + e);
            MULTIPLY_PAIR(0);
            MULTIPLY_PAIR(1);
            MULTIPLY_PAIR(2);
            MULTIPLY_PAIR(3);
        }
#pragma GCC unroll 4
        for (int i = 0; i < mr; i++)
            join(a, row + (size_t)i, group, g, &w, dot[i], acc[i]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < mr; i++) {
        vst1q_f32(c + (size_t)i * ldc, acc[i][0]);
        vst1q_f32(c + (size_t)i * ldc + 4, acc[i][1]);
    }
}

static struct columns columns_of(const struct cril_packed *w, size_t p, size_t h)
{
    const size_t weights = p * w->k * CRIL_PANEL_COLUMNS, groups = weights / w->group + h;
    return (struct columns){.pairs = w->pairs ? w->pairs + weights + 2 * h : NULL,
                            .quads = w->quads ? w->quads + weights + 4 * h : NULL,
                            .scale = w->scale + groups,
                            .min = w->min ? w->min + groups : NULL};
}

static void gemm_i16(const struct cril_activations *a, size_t row, size_t m,
                     const struct cril_packed *w, size_t p, float *c, size_t ldc)
{
    for (size_t h = 0; h < CRIL_PANEL_COLUMNS; h += 8) {
        const struct columns from = columns_of(w, p, h);
        size_t i = 0;
        for (; i + 4 <= m; i += 4)
            tile_pairs(4, a, row + i, w->group, from, c + i * ldc + h, ldc);
        for (; i < m; i++)
            tile_pairs(1, a, row + i, w->group, from, c + i * ldc + h, ldc);
    }
}

void cril_kernels_neon(struct cril_kernels *k)
{
    *k = CRIL_TABLE("neon", CRIL_PAIRS);
}

/* ---- Dot products of bytes ---- */

#if defined(CRIL_HAS_DOTPROD)
#if defined(__clang__)
#define T __attribute__((target("dotprod")))
#else
#define T __attribute__((target("arch=armv8.2-a+dotprod")))
#endif

/* Four columns' dot products with 16 bytes of activations, added to dot. */
T TILE int32x4_t add_dots(int32x4_t dot, const int8_t *wq, int8x16_t v)
{
    dot = vdotq_laneq_s32(dot, vld1q_s8(wq), v, 0);
    dot = vdotq_laneq_s32(dot, vld1q_s8(wq + 4 * CRIL_PANEL_COLUMNS), v, 1);
    dot = vdotq_laneq_s32(dot, vld1q_s8(wq + 8 * CRIL_PANEL_COLUMNS), v, 2);
    return vdotq_laneq_s32(dot, vld1q_s8(wq + 12 * CRIL_PANEL_COLUMNS), v, 3);
}

T TILE void tile_quads(const int mr, const struct cril_activations *a, size_t row, size_t group,
                       struct columns w, float *c, size_t ldc)
{
    const int8_t *wq = w.quads, *high = (const int8_t *)a->q + row * 2 * a->k + a->k;
    const uint8_t *low = (const uint8_t *)a->q + row * 2 * a->k;
    const size_t step = 16 * CRIL_PANEL_COLUMNS; /* bytes of 16 activations' weights */
    float32x4_t acc[4][2];
    int32x4_t dot[4][2];
#pragma GCC unroll 4
    for (int i = 0; i < mr; i++)
        acc[i][0] = acc[i][1] = vdupq_n_f32(0);
    for (size_t g = 0; g < a->k / group; g++, wq += group * CRIL_PANEL_COLUMNS) {
        int32x4_t sum[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
#pragma GCC unroll 4
        for (int i = 0; i < mr; i++)
            dot[i][0] = dot[i][1] = vdupq_n_s32(0);
        for (size_t e = 0; e < group / 16; e++) {
            for (size_t h = 0; h < 2; h++)
                sum[h] = add_dots(sum[h], wq + e * step + 16 * h, vdupq_n_s8(1));
#pragma GCC unroll 4
            for (int i = 0; i < mr; i++) {
                const int8x16_t v = vld1q_s8(high + (size_t)i * 2 * a->k + g * group + 16 * e);
                dot[i][0] = add_dots(dot[i][0], wq + e * step, v);
                dot[i][1] = add_dots(dot[i][1], wq + e * step + 16, v);
            }
        }
#pragma GCC unroll 4
        for (int i = 0; i < mr; i++)
            for (size_t h = 0; h < 2; h++)
                dot[i][h] = vaddq_s32(vshlq_n_s32(dot[i][h], 8), vshlq_n_s32(sum[h], 7));
        for (size_t e = 0; e < group / 16; e++) {
#pragma GCC unroll 4
            for (int i = 0; i < mr; i++) {
                const uint8x16_t u = vld1q_u8(low + (size_t)i * 2 * a->k + g * group + 16 * e);
                const int8x16_t v =
                    vreinterpretq_s8_u8(veorq_u8(u, vdupq_n_u8(128))); /* low - 128 */
                dot[i][0] = add_dots(dot[i][0], wq + e * step, v);
                dot[i][1] = add_dots(dot[i][1], wq + e * step + 16, v);
            }
        }
#pragma GCC unroll 4
        for (int i = 0; i < mr; i++)
            join(a, row + (size_t)i, group, g, &w, dot[i], acc[i]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < mr; i++) {
        vst1q_f32(c + (size_t)i * ldc, acc[i][0]);
        vst1q_f32(c + (size_t)i * ldc + 4, acc[i][1]);
    }
}

T static void gemm_quads(const struct cril_activations *a, size_t row, size_t m,
                         const struct cril_packed *w, size_t p, float *c, size_t ldc)
{
    for (size_t h = 0; h < CRIL_PANEL_COLUMNS; h += 8) {
        const struct columns from = columns_of(w, p, h);
        size_t i = 0;
        for (; i + 4 <= m; i += 4)
            tile_quads(4, a, row + i, w->group, from, c + i * ldc + h, ldc);
        for (; i < m; i++)
            tile_quads(1, a, row + i, w->group, from, c + i * ldc + h, ldc);
    }
}

static void quantise_quads(const float *x, struct cril_activations *a, size_t row)
{
    row_quantise(x, a, row, CRIL_QUADS);
}

void cril_kernels_dotprod(struct cril_kernels *k)
{
    cril_kernels_neon(k);
    k->name = "dotprod";
    k->layout = CRIL_QUADS;
    k->gemm_i16 = gemm_quads;
    k->quantise = quantise_quads;
}
#endif
#endif
