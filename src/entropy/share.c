/*
 * Shares: two rules of size, each with a sum over symbols and a walk along them.
 *
 * Both rules scale by 2^32, which is exact, and cut off what is behind the point. The cut goes
 * through int64_t, for which every CPU of ours has an instruction; for uint64_t x86 has it from
 * AVX-512 on. A size is at most 2^32 + 1, so 1,024 values share at most 2^42 + 2^10.
 */
#include "entropy/share.h"

static uint64_t weight_size(double w, double sum)
{
    return (uint64_t)(int64_t)(w / sum * 0x1p32) + 1;
}

static uint64_t value_size(float e)
{
    return (uint64_t)(int64_t)(e * 0x1p32f) + 1;
}

uint64_t cril_share_total_weights(const double *w, double sum, size_t n)
{
    uint64_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += weight_size(w[i], sum);
    return total;
}

uint64_t cril_share_total_values(const float *e, size_t n)
{
    uint64_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += value_size(e[i]);
    return total;
}

struct cril_share cril_share_of_weight(const double *w, double sum, size_t n, size_t symbol)
{
    const uint64_t low = cril_share_total_weights(w, sum, symbol);

    return (struct cril_share){low, weight_size(w[symbol], sum),
                               low + cril_share_total_weights(w + symbol, sum, n - symbol)};
}

struct cril_share cril_share_of_value(const float *e, size_t n, size_t symbol)
{
    const uint64_t low = cril_share_total_values(e, symbol);

    return (struct cril_share){low, value_size(e[symbol]),
                               low + cril_share_total_values(e + symbol, n - symbol)};
}

/* The walks end at the last symbol in any case: an `at` beyond the total would be our own mistake,
   but must not lead out of the array. */

size_t cril_share_find_weight(const double *w, double sum, size_t n, uint64_t at,
                              struct cril_share *share)
{
    uint64_t low = 0, size = weight_size(w[0], sum);
    size_t i = 0;

    while (at - low >= size && i + 1 < n) {
        low += size;
        size = weight_size(w[++i], sum);
    }
    *share = (struct cril_share){low, size, low + cril_share_total_weights(w + i, sum, n - i)};
    return i;
}

size_t cril_share_find_value(const float *e, size_t n, uint64_t at, struct cril_share *share)
{
    uint64_t low = 0, size = value_size(e[0]);
    size_t i = 0;

    while (at - low >= size && i + 1 < n) {
        low += size;
        size = value_size(e[++i]);
    }
    *share = (struct cril_share){low, size, low + cril_share_total_values(e + i, n - i)};
    return i;
}
