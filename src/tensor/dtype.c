/*
 * Blocks of stored weights as 8-bit integers with scales and minima.
 *
 * In the drawings d and m are fp16 scales; a field's bytes follow in order. Element e of a block is
 * numbered as in the tensor. Every product of a block scale and a small integer is rounded to fp32
 * once; a minimum is stored negated where the format subtracts it, since x - m and x + (-m) have
 * the same bits. Formats: the block_* structs of ggml, https://github.com/ggml-org/ggml. Checked
 * bit for bit against the gguf Python package (tests/golden/dtypes.bin). Must be built without
 * contraction of products and sums.
 */
#include "tensor/dtype.h"

#include "util/cursor.h"

#include <string.h>

enum { MAX_GROUPS = 16 };

static float float_of_bits(uint32_t u)
{
    float f;

    memcpy(&f, &u, sizeof(f));
    return f;
}

static uint32_t bits_of_float(float f)
{
    uint32_t u;

    memcpy(&u, &f, sizeof(u));
    return u;
}

/* All cases are computed and one is chosen, without a subnormal fp32 on the way: loops become
 * vector code. */
float cril_f16_to_f32(uint16_t h)
{
    const uint32_t e = h >> 10 & 31, em = h & 0x7fff;
    const uint32_t subnormal =
        bits_of_float((float)(int32_t)em * 0x1p-24f); /* fraction * 2^-24, exact */
    const uint32_t normal =
        (em << 13) + ((e == 31 ? 224u : 112u) << 23); /* 112: the biases 127 - 15 */

    return float_of_bits((uint32_t)(h & 0x8000) << 16 | (e ? normal : subnormal));
}

static float f16_at(const uint8_t *p)
{
    return cril_f16_to_f32(cril_load_u16(p));
}

/* n numbers of 16 or 32 bits, as they lie in a file, to the machine's own order: mostly a copy,
 * which loops can be built on. */
static void read_numbers(const uint8_t *src, size_t n, size_t size, void *dst)
{
    memcpy(dst, src, n * size);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    for (uint8_t *p = dst; n > 0; n--, p += size)
        for (size_t i = 0; i < size / 2; i++) {
            uint8_t swapped = p[i];
            p[i] = p[size - 1 - i];
            p[size - 1 - i] = swapped;
        }
#endif
}

static void load_f32(const uint8_t *src, size_t n, float *dst)
{
    read_numbers(src, n, sizeof(*dst), dst);
}

enum { LOADED_AT_ONCE = 64 };

static void load_f16(const uint8_t *src, size_t n, float *dst)
{
    uint16_t h[LOADED_AT_ONCE];

    for (size_t at = 0, len; at < n; at += len) {
        len = n - at < LOADED_AT_ONCE ? n - at : LOADED_AT_ONCE;
        read_numbers(src + 2 * at, len, sizeof(*h), h);
        for (size_t i = 0; i < len; i++)
            dst[at + i] = cril_f16_to_f32(h[i]);
    }
}

static void load_bf16(const uint8_t *src, size_t n, float *dst)
{
    uint16_t h[LOADED_AT_ONCE];

    for (size_t at = 0, len; at < n; at += len) {
        len = n - at < LOADED_AT_ONCE ? n - at : LOADED_AT_ONCE;
        read_numbers(src + 2 * at, len, sizeof(*h), h);
        for (size_t i = 0; i < len; i++)
            dst[at + i] = float_of_bits((uint32_t)h[i] << 16);
    }
}

static unsigned bits(unsigned byte, unsigned shift, unsigned mask)
{
    return byte >> shift & mask;
}

/*
 * The loops below run over contiguous bytes with one shift for all, so that compilers make vector
 * code of them: a pass over a model unpacks it whole.
 */

/* n bytes hold 2 n nibbles: the first n elements are the low halves. */
static void nibbles(const uint8_t *qs, unsigned n, uint8_t *q)
{
    for (unsigned i = 0; i < n; i++)
        q[i] = qs[i] & 15;
    for (unsigned i = 0; i < n; i++)
        q[n + i] = qs[i] >> 4;
}

/* 256 nibbles in 128 bytes, in runs of 2 n. */
static void nibbles256(const uint8_t *qs, unsigned n, uint8_t *q)
{
    for (unsigned at = 0; at < 128; at += n)
        nibbles(qs + at, n, q + 2 * at);
}

/* Each 128 elements of 2 bits have 32 bytes: element e of them is bits 2 (e / 32) of byte e % 32. q
 * gets them moved up. */
static void or_pairs256(const uint8_t *qs, unsigned up, uint8_t *q)
{
    for (unsigned e = 0; e < 256; e += 32)
        for (unsigned i = 0; i < 32; i++)
            q[e + i] |= (uint8_t)((qs[e / 128 * 32 + i] >> (e / 32 % 4 * 2) & 3) << up);
}

/* Bit e / 32 of high[e % 32], for 256 elements. */
static void or_bits256(const uint8_t *high, unsigned up, uint8_t *q)
{
    for (unsigned e = 0; e < 256; e += 32)
        for (unsigned i = 0; i < 32; i++)
            q[e + i] |= (uint8_t)((high[i] >> (e / 32) & 1) << up);
}

/* Bit e % 8 of high[e / 8] becomes bit 4 of element e, for 32 elements. */
static void or_fifth32(const uint8_t *high, uint8_t *q)
{
    static const uint8_t mask[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8_t spread[32];

    for (unsigned byte = 0; byte < 4; byte++)
        memset(spread + 8 * byte, high[byte], 8);
    for (unsigned e = 0; e < 32; e++)
        q[e] |= spread[e] & mask[e % 16] ? 16 : 0;
}

static void subtract(int8_t *q, unsigned n, int8_t by)
{
    for (unsigned e = 0; e < n; e++)
        q[e] = (int8_t)(q[e] - by);
}

/* Q4_0, 32 elements: d[2] qs[16]. w = d (q - 8) */
static void unpack_q4_0(const uint8_t *b, int8_t *q, float *scale, float *min)
{
    (void)min;
    scale[0] = f16_at(b);
    nibbles(b + 2, 16, (uint8_t *)q);
    subtract(q, 32, 8);
}

/* Q4_1, 32 elements: d[2] m[2] qs[16]. w = d q + m */
static void unpack_q4_1(const uint8_t *b, int8_t *q, float *scale, float *min)
{
    scale[0] = f16_at(b);
    min[0] = f16_at(b + 2);
    nibbles(b + 4, 16, (uint8_t *)q);
}

/* Q5_0, 32 elements: d[2] qh[4] qs[16]. Bit e of qh is bit 4 of q. w = d (q - 16) */
static void unpack_q5_0(const uint8_t *b, int8_t *q, float *scale, float *min)
{
    (void)min;
    scale[0] = f16_at(b);
    nibbles(b + 6, 16, (uint8_t *)q);
    or_fifth32(b + 2, (uint8_t *)q);
    subtract(q, 32, 16);
}

/* Q5_1, 32 elements: d[2] m[2] qh[4] qs[16]. w = d q + m */
static void unpack_q5_1(const uint8_t *b, int8_t *q, float *scale, float *min)
{
    scale[0] = f16_at(b);
    min[0] = f16_at(b + 2);
    nibbles(b + 8, 16, (uint8_t *)q);
    or_fifth32(b + 4, (uint8_t *)q);
}

/* Q8_0, 32 elements: d[2] qs[32], signed. w = d q */
static void unpack_q8_0(const uint8_t *b, int8_t *q, float *scale, float *min)
{
    (void)min;
    scale[0] = f16_at(b);
    memcpy(q, b + 2, 32);
}

/*
 * Q2_K, 256 elements in groups of 16: sc[16] qs[64] d[2] m[2]. A byte of sc is mmmmssss.
 * w = (d s) q - (m' m)
 */
static void unpack_q2_k(const uint8_t *b, int8_t *q, float *scale, float *min)
{
    float d = f16_at(b + 80), m = f16_at(b + 82);

    for (unsigned g = 0; g < 16; g++) {
        scale[g] = d * (float)(b[g] & 15);
        min[g] = -(m * (float)(b[g] >> 4));
    }
    memset(q, 0, 256);
    or_pairs256(b + 16, 0, (uint8_t *)q);
}

/*
 * Q3_K, 256 elements in groups of 16: hm[32] qs[64] sc[12] d[2].
 * Bit e / 32 of hm[e % 32] clear means q - 4. Scale g has 6 bits: its low four are a half of sc[g %
 * 8] (g / 8 says which), its high two are bits 2 (g / 4) of sc[8 + g % 4]. w = (d (s - 32)) q
 */
static void unpack_q3_k(const uint8_t *b, int8_t *q, float *scale, float *min)
{
    const uint8_t *sc = b + 96;
    float d = f16_at(b + 108);

    (void)min;
    for (unsigned g = 0; g < 16; g++) {
        unsigned low = bits(sc[g % 8], 4 * (g / 8), 15), high = bits(sc[8 + g % 4], 2 * (g / 4), 3);
        scale[g] = d * (float)((int)(low | high << 4) - 32);
    }
    memset(q, 0, 256);
    or_pairs256(b + 32, 0, (uint8_t *)q);
    or_bits256(b, 2, (uint8_t *)q); /* + 4 where set, then - 4 for all */
    subtract(q, 256, 4);
}

/*
 * The 12 bytes of Q4_K and Q5_K that hold eight 6-bit scales s and minima m, with two fp16 factors
 * in front: d[2] m[2]. Groups 0..3 use the low six bits of bytes 0..3 (s) and 4..7 (m). Groups 4..7
 * have their low four bits in the halves of bytes 8..11 (s low, m high) and their high two bits on
 * top of those six-bit fields.
 */
static void scales_k(const uint8_t *b, float *scale, float *min)
{
    const uint8_t *sc = b + 4;
    float d = f16_at(b), m = f16_at(b + 2);

    for (unsigned g = 0; g < 4; g++) {
        unsigned s = sc[g], t = sc[4 + g], low = sc[8 + g];
        scale[g] = d * (float)(s & 63);
        min[g] = -(m * (float)(t & 63));
        scale[g + 4] = d * (float)((low & 15) | (s >> 6) << 4);
        min[g + 4] = -(m * (float)(low >> 4 | (t >> 6) << 4));
    }
}

/* Q4_K, 256 elements in groups of 32: d[2] m[2] sc[12] qs[128]. w = (d s) q - (m' m) */
static void unpack_q4_k(const uint8_t *b, int8_t *q, float *scale, float *min)
{
    scales_k(b, scale, min);
    nibbles256(b + 16, 32, (uint8_t *)q);
}

/* Q5_K, 256 elements in groups of 32: d[2] m[2] sc[12] qh[32] qs[128]. Bit e / 32 of qh[e % 32] is
 * bit 4 of q. */
static void unpack_q5_k(const uint8_t *b, int8_t *q, float *scale, float *min)
{
    scales_k(b, scale, min);
    nibbles256(b + 48, 32, (uint8_t *)q);
    or_bits256(b + 16, 4, (uint8_t *)q);
}

/*
 * Q6_K, 256 elements in groups of 16: ql[128] qh[64] sc[16] d[2], sc signed.
 * In each half of 128 elements, ql has 64 bytes: low halves first. w = (d s) (q - 32)
 */
static void unpack_q6_k(const uint8_t *b, int8_t *q, float *scale, float *min)
{
    float d = f16_at(b + 208);

    (void)min;
    for (unsigned g = 0; g < 16; g++)
        scale[g] = d * (float)(int8_t)b[192 + g];
    nibbles256(b, 64, (uint8_t *)q);
    or_pairs256(b + 128, 4, (uint8_t *)q);
    subtract(q, 256, 32);
}

/* The 16 levels of the IQ4 types: a fixed part of the format. */
static const int8_t iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};

static void levels32(const uint8_t *qs, int8_t *q)
{
    nibbles(qs, 16, (uint8_t *)q);
    for (unsigned e = 0; e < 32; e++)
        q[e] = iq4_levels[q[e]];
}

/* IQ4_NL, 32 elements: d[2] qs[16]. w = d level[q] */
static void unpack_iq4_nl(const uint8_t *b, int8_t *q, float *scale, float *min)
{
    (void)min;
    scale[0] = f16_at(b);
    levels32(b + 2, q);
}

/*
 * IQ4_XS, 256 elements in groups of 32: d[2] sh[2] sl[4] qs[128]. Scale g: four bits in half g % 2
 * of sl[g / 2], two above them at bit 2 g of sh. w = (d (s - 32)) level[q]
 */
static void unpack_iq4_xs(const uint8_t *b, int8_t *q, float *scale, float *min)
{
    float d = f16_at(b);
    unsigned high = cril_load_u16(b + 2);

    (void)min;
    for (unsigned g = 0; g < 8; g++) {
        unsigned s = bits(b[4 + g / 2], 4 * (g % 2), 15) | bits(high, 2 * g, 3) << 4;
        scale[g] = d * (float)((int)s - 32);
        levels32(b + 8 + 16 * g, q + 32 * g);
    }
}

const struct cril_dtype_info cril_dtypes[CRIL_N_DTYPES] = {
    /*             name   id  len  bytes                group  min   load, unpack */
    [CRIL_F32] = {"F32", 0, 1, 4, 0, false, load_f32, NULL},
    [CRIL_F16] = {"F16", 1, 1, 2, 0, false, load_f16, NULL},
    [CRIL_BF16] = {"BF16", 30, 1, 2, 0, false, load_bf16, NULL},
    [CRIL_Q4_0] = {"Q4_0", 2, 32, 2 + 16, 32, false, NULL, unpack_q4_0},
    [CRIL_Q4_1] = {"Q4_1", 3, 32, 4 + 16, 32, true, NULL, unpack_q4_1},
    [CRIL_Q5_0] = {"Q5_0", 6, 32, 2 + 4 + 16, 32, false, NULL, unpack_q5_0},
    [CRIL_Q5_1] = {"Q5_1", 7, 32, 4 + 4 + 16, 32, true, NULL, unpack_q5_1},
    [CRIL_Q8_0] = {"Q8_0", 8, 32, 2 + 32, 32, false, NULL, unpack_q8_0},
    [CRIL_Q2_K] = {"Q2_K", 10, 256, 16 + 64 + 4, 16, true, NULL, unpack_q2_k},
    [CRIL_Q3_K] = {"Q3_K", 11, 256, 32 + 64 + 12 + 2, 16, false, NULL, unpack_q3_k},
    [CRIL_Q4_K] = {"Q4_K", 12, 256, 4 + 12 + 128, 32, true, NULL, unpack_q4_k},
    [CRIL_Q5_K] = {"Q5_K", 13, 256, 4 + 12 + 32 + 128, 32, true, NULL, unpack_q5_k},
    [CRIL_Q6_K] = {"Q6_K", 14, 256, 128 + 64 + 16 + 2, 16, false, NULL, unpack_q6_k},
    [CRIL_IQ4_NL] = {"IQ4_NL", 20, 32, 2 + 16, 32, false, NULL, unpack_iq4_nl},
    [CRIL_IQ4_XS] = {"IQ4_XS", 23, 256, 2 + 2 + 4 + 128, 32, false, NULL, unpack_iq4_xs},
};

bool cril_dtype_from_gguf(uint32_t gguf_id, enum cril_dtype *out)
{
    for (int t = 0; t < CRIL_N_DTYPES; t++)
        if (cril_dtypes[t].gguf_id == gguf_id) {
            *out = (enum cril_dtype)t;
            return true;
        }
    return false;
}

const char *cril_dtype_gguf_name(uint32_t gguf_id)
{
    /* Numbers that ggml gave out; those without a name here were withdrawn. */
    static const char *const names[] = {
        [0] = "F32",     [1] = "F16",      [2] = "Q4_0",    [3] = "Q4_1",     [4] = "Q4_2",
        [5] = "Q4_3",    [6] = "Q5_0",     [7] = "Q5_1",    [8] = "Q8_0",     [9] = "Q8_1",
        [10] = "Q2_K",   [11] = "Q3_K",    [12] = "Q4_K",   [13] = "Q5_K",    [14] = "Q6_K",
        [15] = "Q8_K",   [16] = "IQ2_XXS", [17] = "IQ2_XS", [18] = "IQ3_XXS", [19] = "IQ1_S",
        [20] = "IQ4_NL", [21] = "IQ3_S",   [22] = "IQ2_S",  [23] = "IQ4_XS",  [24] = "I8",
        [25] = "I16",    [26] = "I32",     [27] = "I64",    [28] = "F64",     [29] = "IQ1_M",
        [30] = "BF16",   [34] = "TQ1_0",   [35] = "TQ2_0",  [39] = "MXFP4",   [40] = "NVFP4",
        [41] = "Q1_0",
    };

    if (gguf_id >= sizeof(names) / sizeof(names[0]) || !names[gguf_id])
        return "?";
    return names[gguf_id];
}

bool cril_dtype_bytes(enum cril_dtype type, uint64_t n, uint64_t *bytes)
{
    const struct cril_dtype_info *t = &cril_dtypes[type];

    if (n % t->block_len || n / t->block_len > UINT64_MAX / t->block_bytes)
        return false;
    *bytes = n / t->block_len * t->block_bytes;
    return true;
}

void cril_dequantise(enum cril_dtype type, const uint8_t *src, size_t n, float *dst)
{
    const struct cril_dtype_info *t = &cril_dtypes[type];
    int8_t q[CRIL_MAX_BLOCK];
    float scale[MAX_GROUPS], min[MAX_GROUPS];

    if (t->load) {
        t->load(src, n, dst);
        return;
    }
    for (size_t i = 0; i < n; i += t->block_len, src += t->block_bytes) {
        t->unpack(src, q, scale, min);
        for (unsigned e = 0; e < t->block_len; e++) {
            float w = scale[e / t->group] * (float)q[e];
            dst[i + e] = t->has_min ? w + min[e / t->group] : w;
        }
    }
}
