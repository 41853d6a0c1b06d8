/*
 * The types a stored tensor can have, and how a block of each becomes numbers.
 *
 * Float types have blocks of one element. A quantised type's block holds groups of 16 or 32
 * elements, each with a scale and perhaps a minimum: w = scale * q + min, q an 8-bit integer. That
 * product and sum, each rounded to fp32, is the value that the gguf Python package gives, bit for
 * bit. Layouts: ggml's block_* structs, described above each unpack function in dtype.c.
 */
#ifndef CRIL_TENSOR_DTYPE_H
#define CRIL_TENSOR_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRIL_MAX_BLOCK = 256 }; /* elements of the longest */

enum cril_dtype {
    CRIL_F32,
    CRIL_F16,
    CRIL_BF16,
    CRIL_Q4_0,
    CRIL_Q4_1,
    CRIL_Q5_0,
    CRIL_Q5_1,
    CRIL_Q8_0,
    CRIL_Q2_K,
    CRIL_Q3_K,
    CRIL_Q4_K,
    CRIL_Q5_K,
    CRIL_Q6_K,
    CRIL_IQ4_NL,
    CRIL_IQ4_XS,
    CRIL_N_DTYPES
};

struct cril_dtype_info {
    const char *name;   /* "Q4_K" */
    uint32_t gguf_id;   /* number in a GGUF file */
    uint16_t block_len; /* elements a block */
    uint16_t block_bytes;
    uint16_t group; /* elements that share a scale: 16 or 32; 0 for a float type */
    bool has_min;
    /* Float types: n elements. NULL for the others. */
    void (*load)(const uint8_t *src, size_t n, float *dst);
    /* Quantised types: q [block_len], scale [block_len / group], min [block_len / group] (written
     * only if has_min). */
    void (*unpack)(const uint8_t *block, int8_t *q, float *scale, float *min);
};

extern const struct cril_dtype_info cril_dtypes[CRIL_N_DTYPES];

/* Finds a type by its GGUF number; false when cril does not know it. */
bool cril_dtype_from_gguf(uint32_t gguf_id, enum cril_dtype *out);
/* Name of any type number that GGUF defines, also ones cril cannot read ("IQ2_XXS"), or "?". */
const char *cril_dtype_gguf_name(uint32_t gguf_id);

/* Bytes of n elements (n a multiple of block_len); false on overflow or a partial block. */
bool cril_dtype_bytes(enum cril_dtype type, uint64_t n, uint64_t *bytes);

/* n elements (a multiple of block_len) as fp32. src need not be aligned. */
void cril_dequantise(enum cril_dtype type, const uint8_t *src, size_t n, float *dst);

float cril_f16_to_f32(uint16_t h); /* exact, subnormals, infinities and NaN included */

#endif
