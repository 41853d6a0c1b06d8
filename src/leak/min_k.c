#include "leak/min_k.h"

#include <stdlib.h>

const unsigned cril_min_k_shares[CRIL_MIN_K_N] = {5, 10, 20, 30, 40, 50, 60};
const unsigned cril_min_k_plus_plus_shares[CRIL_MIN_K_PLUS_PLUS_N] = {10, 20, 30, 40, 50,
                                                                      60, 70, 80, 90, 100};

static int upwards(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void cril_min_k(double *values, size_t n, const unsigned *shares, size_t n_shares, double *out)
{
    double sum = 0;
    size_t at = 0;

    qsort(values, n, sizeof(*values), upwards);
    for (size_t i = 0; i < n_shares; i++) {
        const size_t end = n / 100 * shares[i] + n % 100 * shares[i] / 100;

        for (; at < end; at++)
            sum += values[at];
        out[i] = sum / (double)end;
    }
}
