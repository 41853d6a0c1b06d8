/* Sizes that cannot wrap, and arrays that grow by them. Each returns false on overflow and leaves
 * *out untouched. */
#ifndef CRIL_UTIL_SIZE_H
#define CRIL_UTIL_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Counts and sizes of files are computed in size_t throughout: a model has 2^32 weights and more.
 */
_Static_assert(sizeof(size_t) == 8, "cril needs a 64-bit machine");

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

/*
 * The array data with room for `more` elements after its first n, moved if need be; *capacity
 * follows. It grows by half at a time. NULL: out of memory, and data is as it was.
 */
static inline void *cril_size_grow(void *data, size_t *capacity, size_t n, size_t more,
                                   size_t element_bytes)
{
    size_t want, bytes;
    void *grown;

    if (!cril_size_add(n, more, &want))
        return NULL;
    if (data && want <= *capacity)
        return data;
    if (!cril_size_add(want, want / 2 + 16, &want) || !cril_size_mul(want, element_bytes, &bytes) ||
        !(grown = realloc(data, bytes)))
        return NULL;
    *capacity = want;
    return grown;
}

#endif
