/*
 * Quantisation with 256-bit vectors, for the sets that have AVX2. Of the maximum and the sums of a
 * block (row_quantise, the definition) the compiler makes scalar code, which takes two (AVX-512) to
 * seven (AVX2) times as long.
 */
#ifndef CRIL_KERNELS_QUANTISE_X86_H
#define CRIL_KERNELS_QUANTISE_X86_H

#include "kernels/kernels.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define CRIL_X86_INLINE __attribute__((target("avx2"), always_inline)) static inline

/* Sums of the eight numbers of a and of b. */
CRIL_X86_INLINE void sums_of_two(__m256i a, __m256i b, int32_t sum[2])
{
    __m256i s = _mm256_hadd_epi32(a, b);
    __m128i t = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0xB1));
    sum[0] = _mm_cvtsi128_si32(t);
    sum[1] = _mm_extract_epi32(t, 2);
}

/* The largest |bits| of a block. */
CRIL_X86_INLINE int32_t top_of_block(const __m256 v[4])
{
    const __m256i mask = _mm256_set1_epi32(0x7fffffff);
    __m256i top = _mm256_and_si256(_mm256_castps_si256(v[0]), mask);
    for (int i = 1; i < 4; i++)
        top = _mm256_max_epi32(top, _mm256_and_si256(_mm256_castps_si256(v[i]), mask));
    __m128i t = _mm_max_epi32(_mm256_castsi256_si128(top), _mm256_extracti128_si256(top, 1));
    t = _mm_max_epi32(t, _mm_shuffle_epi32(t, 0x4E));
    return _mm_cvtsi128_si32(_mm_max_epi32(t, _mm_shuffle_epi32(t, 0xB1)));
}

/* Rounded to nearest even by adding 1.5 * 2^23; 16-bit numbers in order. */
CRIL_X86_INLINE __m256i integers(__m256 a, __m256 b, __m256 inverse)
{
    const __m256 big = _mm256_set1_ps(12582912.0f);
    const __m256i bits = _mm256_set1_epi32(0x4B400000);
    __m256i i =
        _mm256_sub_epi32(_mm256_castps_si256(_mm256_add_ps(_mm256_mul_ps(a, inverse), big)), bits);
    __m256i j =
        _mm256_sub_epi32(_mm256_castps_si256(_mm256_add_ps(_mm256_mul_ps(b, inverse), big)), bits);
    return _mm256_permute4x64_epi64(_mm256_packs_epi32(i, j), 0xD8);
}

CRIL_X86_INLINE void store_block(struct cril_activations *a, size_t row, size_t at, __m256i q0,
                                 __m256i q1, const enum cril_panel_layout layout)
{
    int16_t *pairs = a->q + row * a->k;
    if (layout == CRIL_PAIRS) {
        _mm256_storeu_si256((__m256i *)(void *)(pairs + at), q0);
        _mm256_storeu_si256((__m256i *)(void *)(pairs + at + 16), q1);
        return;
    }
    const __m256i low = _mm256_set1_epi16(255);
    uint8_t *bytes = (uint8_t *)pairs + at;
    __m256i l = _mm256_packus_epi16(_mm256_and_si256(q0, low), _mm256_and_si256(q1, low));
    __m256i h = _mm256_packs_epi16(_mm256_srai_epi16(q0, 8), _mm256_srai_epi16(q1, 8));
    _mm256_storeu_si256((__m256i *)(void *)bytes, _mm256_permute4x64_epi64(l, 0xD8));
    _mm256_storeu_si256((__m256i *)(void *)(bytes + a->k), _mm256_permute4x64_epi64(h, 0xD8));
}

CRIL_X86_INLINE void quantise_x86(const float *x, struct cril_activations *a, size_t row,
                                  const enum cril_panel_layout layout)
{
    const size_t blocks = a->k / CRIL_ACTIVATION_BLOCK;
    const __m256i ones = _mm256_set1_epi16(1);
    for (size_t b = 0; b < blocks; b++) {
        __m256 v[4];
        for (size_t i = 0; i < 4; i++)
            v[i] = _mm256_loadu_ps(x + b * CRIL_ACTIVATION_BLOCK + 8 * i);
        const int32_t top = top_of_block(v);
        float max, inverse = 0, scale = top >= 0x7f800000 ? NAN : 0;
        memcpy(&max, &top, sizeof(max));
        if (top < 0x7f800000 && max > 1e-30f) {
            inverse = 32767.0f / max;
            scale = max / 32767.0f;
        } else {
            for (int i = 0; i < 4; i++) /* infinity * 0 would not be 0 */
                v[i] = _mm256_setzero_ps();
        }
        const __m256 by = _mm256_set1_ps(inverse);
        __m256i q0 = integers(v[0], v[1], by), q1 = integers(v[2], v[3], by);
        int32_t sum[2];
        sums_of_two(_mm256_madd_epi16(q0, ones), _mm256_madd_epi16(q1, ones), sum);
        store_block(a, row, b * CRIL_ACTIVATION_BLOCK, q0, q1, layout);
        a->scale[row * blocks + b] = scale;
        a->sum32[row * blocks + b] = (float)(sum[0] + sum[1]) * scale;
        a->sum16[row * blocks * 2 + b * 2] = (float)sum[0] * scale;
        a->sum16[row * blocks * 2 + b * 2 + 1] = (float)sum[1] * scale;
    }
}

#endif
