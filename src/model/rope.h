/*
 * Rotary position embedding (Su et al. 2021, eq. 34): pair i of a head turns by position * freq[i].
 *
 * The frequencies of every known scaling are worked out once, in double, and rounded to fp32; an
 * angle is the fp32 product; its sine and cosine come from double, rounded once (doc/numerics.md,
 * "Rotation").
 */
#ifndef CRIL_MODEL_ROPE_H
#define CRIL_MODEL_ROPE_H

#include <stdbool.h>
#include <stddef.h>

struct cril_rope {
    size_t first;    /* element of a head from which on some turn */
    size_t n_rot;    /* elements that turn; even */
    bool halves;     /* pairs are (i, i + n_rot / 2) from first on; otherwise (2i, 2i + 1) */
    float *freq;     /* [n_rot / 2] owned */
    float magnitude; /* YaRN's factor on sine and cosine; 1 otherwise */
};

/* cos and sin of position p: [n_rot / 2] each. */
void cril_rope_row(const struct cril_rope *r, size_t p, float *c, float *s);

#endif
