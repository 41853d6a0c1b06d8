/* Sizes that cannot wrap. Each returns false on overflow and leaves *out untouched. */
#ifndef CRIL_UTIL_SIZE_H
#define CRIL_UTIL_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool cril_size_mul(size_t a, size_t b, size_t *out)
{
    if (b && a > SIZE_MAX / b)
        return false;
    *out = a * b;
    return true;
}

static inline bool cril_size_add(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b)
        return false;
    *out = a + b;
    return true;
}

#endif
