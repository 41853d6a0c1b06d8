/* XXH64 (Yann Collet; specification version 0.1.1 of xxHash): a fast 64-bit hash of bytes, which
 * others compute alike. Not against those who choose the bytes. */
#ifndef CRIL_UTIL_XXH64_H
#define CRIL_UTIL_XXH64_H

#include <stddef.h>
#include <stdint.h>

uint64_t cril_xxh64(const void *data, size_t len, uint64_t seed);

#endif
