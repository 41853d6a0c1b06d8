/* Sums over a chunk of logits in double, in an order that no CPU changes: elements j mod 8, then
 * these eight. */
#ifndef CRIL_MODEL_LANES_H
#define CRIL_MODEL_LANES_H

#include <stddef.h>

static inline double cril_lanes_join(const double lanes[8])
{
    double sum = 0;
    for (size_t i = 0; i < 8; i++)
        sum += lanes[i];
    return sum;
}

static inline double cril_lanes_sum(const float *x, size_t n)
{
    double lanes[8] = {0};
    size_t j = 0;
    for (; j + 8 <= n; j += 8)
        for (size_t i = 0; i < 8; i++)
            lanes[i] += (double)x[j + i];
    for (size_t i = 0; j < n; i++, j++)
        lanes[i] += (double)x[j];
    return cril_lanes_join(lanes);
}

#endif
