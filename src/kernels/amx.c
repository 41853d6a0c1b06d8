/*
 * AMX (int8 tiles) for the integer product; all else is AVX-512. A 16-bit activation is 256 * high
 * + low, two bytes, so a group's dot products are two int8 products, exact in int32: low (unsigned)
 * by TDPBUSD, high by TDPBSSD.
 *
 * The unit adds and does not scale, so each group is a tile product of its own: 16 rows x 32
 * columns are four product tiles (two planes x two halves of a panel) from two tiles of activations
 * and two of weights, all eight there are. Products go through memory, in rounds of four groups and
 * two buffers: while AVX-512 scales a round, four rows at a time over its four groups with the sums
 * in registers, the unit fills the other buffer, a group beside each four rows.
 *
 * What bounds it, counted for a group, 16 rows x 32 columns, in cycles of a core that does two
 * 512-bit operations, two 64-byte loads and one 64-byte store in each: scaling 32 vectors takes
 * shift, add, convert, multiply, fma: 80 (96 with a minimum); stores 64 of tiles + 8 of sums: 72;
 * loads 48 of tiles, 64 of products, 32 of scales and sums: 72; the tile unit 4 * 16: 64, for
 * groups of 16 too. The AVX-512 kernel needs 288. With one group a round, sums would be stored for
 * each group, and stores would bound it at 96.
 */
#include "kernels/kernels.h"

#if defined(__x86_64__)
#include "kernels/quantise_x86.h"

#include <immintrin.h>

#define T                                                                                          \
    __attribute__((                                                                                \
        target("amx-tile,amx-int8,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")))
#define TILE T static inline __attribute__((always_inline))

enum {
    ROWS = 16,          /* of a tile */
    ROUND = 4,          /* groups */
    BAND = ROWS / ROUND /* rows that are scaled together */
};

/* The tile registers. Literals: the compiler's macros paste them into the instruction. */
#define LOW_0 0 /* products [rows][16] of int32: low bytes, columns 0..15 */
#define LOW_1 1
#define HIGH_0 2
#define HIGH_1 3
#define A_LOW 4 /* activations [rows][group] of bytes */
#define A_HIGH 5
#define W_0 6 /* weights [group / 4][16][4] of bytes */
#define W_1 7

/* Operand of LDTILECFG, palette 1: Intel SDM, volume 2A. */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};
_Static_assert(sizeof(struct tile_config) == 64, "LDTILECFG reads 64 bytes");

struct dots {
    int32_t low[ROWS][CRIL_PANEL_COLUMNS], high[ROWS][CRIL_PANEL_COLUMNS];
};

/* Operands from the first row and the panel on. */
struct operands {
    const uint8_t *a; /* [m][2][k] */
    const int8_t *w;
    const float *a_scale, *a_sum; /* [m][k / 32], [m][k / group] */
    const float *w_scale, *w_min;
    size_t k, groups;
};

/* Tiles have as many rows as there are, so that no load leaves the activations. */
T static void configure(size_t rows, size_t group)
{
    struct tile_config c = {.palette = 1};
    for (int t = 0; t < 8; t++) {
        const bool weights = t == W_0 || t == W_1, activations = t == A_LOW || t == A_HIGH;
        c.rows[t] = (uint8_t)(weights ? group / 4 : rows);
        c.row_bytes[t] = (uint16_t)(activations ? group : 64);
    }
    __asm__ volatile(
        ""
        :
        : "r"(&c)
        : "memory"); /* gcc believes that the next line reads 8 bytes, and drops the rest */
    _tile_loadconfig(&c);
}

TILE void multiply_group(const struct operands *o, const size_t group, size_t g, struct dots *d)
{
    const uint8_t *a = o->a + g * group;
    const int8_t *w = o->w + g * group * CRIL_PANEL_COLUMNS;
    _tile_loadd(W_0, w, 4 * CRIL_PANEL_COLUMNS);
    _tile_loadd(A_LOW, a, 2 * o->k);
    _tile_zero(LOW_0);
    _tile_dpbusd(LOW_0, A_LOW, W_0);
    _tile_loadd(A_HIGH, a + o->k, 2 * o->k);
    _tile_zero(HIGH_0);
    _tile_dpbssd(HIGH_0, A_HIGH, W_0);
    _tile_loadd(W_1, w + 64, 4 * CRIL_PANEL_COLUMNS);
    _tile_zero(LOW_1);
    _tile_dpbusd(LOW_1, A_LOW, W_1);
    _tile_zero(HIGH_1);
    _tile_dpbssd(HIGH_1, A_HIGH, W_1);
    _tile_stored(LOW_0, d->low[0], sizeof(d->low[0]));
    _tile_stored(HIGH_0, d->high[0], sizeof(d->high[0]));
    _tile_stored(LOW_1, d->low[0] + 16, sizeof(d->low[0]));
    _tile_stored(HIGH_1, d->high[0] + 16, sizeof(d->high[0]));
}

/* Adds the products of groups [g, g + n) to the sums of mr rows from `row` on. */
TILE void scale_rows(const int mr, const struct operands *o, const size_t group, const int has_min,
                     size_t row, size_t g, size_t n, const struct dots *d,
                     float (*sum)[CRIL_PANEL_COLUMNS])
{
    __m512 acc[BAND][2];
#pragma GCC unroll 4
    for (int i = 0; i < mr; i++)
        for (int h = 0; h < 2; h++)
            acc[i][h] = _mm512_load_ps(sum[row + (size_t)i] + 16 * h);
    for (; n > 0; n--, g++, d++) {
        const float *as =
            o->a_scale + row * (o->k / CRIL_ACTIVATION_BLOCK) + g * group / CRIL_ACTIVATION_BLOCK;
        const float *ws = o->w_scale + g * CRIL_PANEL_COLUMNS;
        const __m512 s[2] = {_mm512_loadu_ps(ws), _mm512_loadu_ps(ws + 16)};
#pragma GCC unroll 4
        for (int i = 0; i < mr; i++) {
            const __m512 v = _mm512_set1_ps(as[(size_t)i * (o->k / CRIL_ACTIVATION_BLOCK)]);
            for (int h = 0; h < 2; h++) {
                const __m512i low = _mm512_load_si512(d->low[row + (size_t)i] + 16 * h);
                const __m512i high = _mm512_load_si512(d->high[row + (size_t)i] + 16 * h);
                const __m512i dot = _mm512_add_epi32(_mm512_slli_epi32(high, 8), low);
                acc[i][h] =
                    _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(v, s[h]), acc[i][h]);
            }
        }
        if (has_min) {
            const float *wm = o->w_min + g * CRIL_PANEL_COLUMNS;
            const __m512 min[2] = {_mm512_loadu_ps(wm), _mm512_loadu_ps(wm + 16)};
#pragma GCC unroll 4
            for (int i = 0; i < mr; i++) {
                const __m512 v = _mm512_set1_ps(o->a_sum[(row + (size_t)i) * o->groups + g]);
                for (int h = 0; h < 2; h++)
                    acc[i][h] = _mm512_fmadd_ps(v, min[h], acc[i][h]);
            }
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < mr; i++)
        for (int h = 0; h < 2; h++)
            _mm512_store_ps(sum[row + (size_t)i] + 16 * h, acc[i][h]);
}

/* m rows of outputs, 1 <= m <= ROWS. group (16 or 32) and has_min are constant: each combination is
 * its own loop. */
TILE void rows_i16(const struct operands *o, const size_t group, const int has_min, size_t m,
                   float *c, size_t ldc)
{
    _Alignas(64) struct dots dots[2][ROUND];
    _Alignas(64) float sum[ROWS][CRIL_PANEL_COLUMNS] = {{0}};
    for (size_t g = 0; g < ROUND && g < o->groups; g++)
        multiply_group(o, group, g, &dots[0][g]);
    for (size_t g = 0; g < o->groups; g += ROUND) {
        const size_t n = o->groups - g < ROUND ? o->groups - g : ROUND, turn = g / ROUND % 2;
        for (size_t s = 0; s < ROUND; s++) {
            size_t row = s * BAND;
            if (g + ROUND + s < o->groups)
                multiply_group(o, group, g + ROUND + s, &dots[!turn][s]);
            if (row + BAND <= m)
                scale_rows(BAND, o, group, has_min, row, g, n, dots[turn], sum);
            else
                for (; row < m; row++)
                    scale_rows(1, o, group, has_min, row, g, n, dots[turn], sum);
        }
    }
    for (size_t i = 0; i < m; i++)
        memcpy(c + i * ldc, sum[i], sizeof(sum[i]));
}

T static void gemm_i16(const struct cril_activations *a, size_t row, size_t m,
                       const struct cril_packed *w, size_t p, float *c, size_t ldc)
{
    const size_t k = w->k, groups = k / w->group, per_panel = groups * CRIL_PANEL_COLUMNS;
    for (size_t rows = 0, n; m > 0; m -= n, row += n, c += n * ldc) {
        const float *sums = w->group == 16 ? a->sum16 : a->sum32;
        const struct operands o = {.a = (const uint8_t *)(a->q + row * k),
                                   .w = w->quads + p * k * CRIL_PANEL_COLUMNS,
                                   .a_scale = a->scale + row * (k / CRIL_ACTIVATION_BLOCK),
                                   .a_sum = sums + row * groups,
                                   .w_scale = w->scale + p * per_panel,
                                   .w_min = w->min ? w->min + p * per_panel : NULL,
                                   .k = k,
                                   .groups = groups};
        n = m < ROWS ? m : ROWS;
        if (n != rows)
            configure(rows = n, w->group);
        if (w->group == 32 && w->min)
            rows_i16(&o, 32, 1, n, c, ldc);
        else if (w->group == 32)
            rows_i16(&o, 32, 0, n, c, ldc);
        else if (w->min)
            rows_i16(&o, 16, 1, n, c, ldc);
        else
            rows_i16(&o, 16, 0, n, c, ldc);
    }
    _tile_release(); /* or every switch of threads would save 8 KiB of tiles */
}

T static void quantise(const float *x, struct cril_activations *a, size_t row)
{
    quantise_x86(x, a, row, CRIL_QUADS);
}

void cril_kernels_amx(struct cril_kernels *k)
{
    cril_kernels_avx512(k);
    k->name = "amx";
    k->layout = CRIL_QUADS;
    k->gemm_i16 = gemm_i16;
    k->quantise = quantise;
}
#endif
