/* What plain forms share: the sum whose order doc/numerics.md fixes ("Sums and maxima"). */
#ifndef CRIL_MODEL_PLAIN_H
#define CRIL_MODEL_PLAIN_H

/* Sum of 16 partial sums: pairs 8 apart, then 4, 2, 1. */
static inline float cril_plain_tree(float s[16])
{
    for (int h = 8; h > 0; h /= 2)
        for (int i = 0; i < h; i++)
            s[i] += s[i + h];
    return s[0];
}

#endif
