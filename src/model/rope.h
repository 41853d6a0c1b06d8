/*
 * Rotary position embedding (Su et al. 2021, eq. 34): pair i of a head turns by position * freq[i].
 *
 * The frequencies of every known scaling are worked out once, in double, and rounded to fp32; an
 * angle is the fp32 product; its sine and cosine come from double, rounded once (doc/numerics.md,
 * "Rotation").
 *
 * Some scalings ask how long a pass is, the number of its inputs: all positions of a longer pass
 * turn at other frequencies (rope_scaling "dynamic" and "longrope" of transformers, Qwen 1).
 */
#ifndef CRIL_MODEL_ROPE_H
#define CRIL_MODEL_ROPE_H

#include <stdbool.h>
#include <stddef.h>

/* What becomes of the frequencies where a pass is longer than the limit. */
enum cril_rope_growth {
    CRIL_ROPE_LONG,    /* they are others, the same for all lengths */
    CRIL_ROPE_DYNAMIC, /* their base grows by the length: bloc97 2023, "Dynamic NTK" */
    CRIL_ROPE_STEPS    /* it grows whenever the length passes a power of two times the limit */
};

struct cril_rope {
    size_t first;    /* element of a head from which on some turn */
    size_t n_rot;    /* elements that turn; even */
    bool halves;     /* pairs are (i, i + n_rot / 2) from first on; otherwise (2i, 2i + 1) */
    float *freq;     /* [n_rot / 2] owned */
    float magnitude; /* YaRN's and longrope's factor on sine and cosine; 1 otherwise */
    size_t limit;    /* inputs of the longest pass that has freq; 0: any has */
    enum cril_rope_growth growth;
    float *long_freq;    /* CRIL_ROPE_LONG: [n_rot / 2] owned */
    double base, factor; /* of the others; factor: of CRIL_ROPE_DYNAMIC */
};

/* The length that stands for all that have the frequencies of a pass of n inputs: 0 up to the
 * limit. */
size_t cril_rope_class(const struct cril_rope *r, size_t n);

/* cos and sin of position p in a pass of n inputs: [n_rot / 2] each. */
void cril_rope_row(const struct cril_rope *r, size_t n, size_t p, float *c, float *s);

#endif
