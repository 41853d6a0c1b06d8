/* Memory that grows and is used again, and how much of it the process holds. */
#ifndef CRIL_UTIL_MEMORY_H
#define CRIL_UTIL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty. Release with free(data). */
struct cril_memory {
    void *data; /* 64-byte aligned */
    size_t bytes;
};

/* At least count * size bytes, the old content gone. False on overflow or out of memory: then it is
 * empty. */
bool cril_memory_reserve(struct cril_memory *m, size_t count, size_t size);

/* Bytes of physical memory that the process holds, mapped files included; 0 where the system does
 * not tell. */
size_t cril_memory_resident(void);

/* Bytes of physical memory that the machine has; 0 where the system does not tell. */
size_t cril_memory_physical(void);

/*
 * Pages of a mapped file that lie wholly in [data, data + len): fetch starts reading them, release
 * lets go of them, to be read again when touched. Advice: where a system knows neither, nothing
 * happens.
 */
void cril_pages_fetch(const uint8_t *data, size_t len);
void cril_pages_release(const uint8_t *data, size_t len);

#endif
