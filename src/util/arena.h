/* Small things that are released together: strings and structs of one object. */
#ifndef CRIL_UTIL_ARENA_H
#define CRIL_UTIL_ARENA_H

#include <stddef.h>

/* Zero-initialised it is empty. */
struct cril_arena {
    struct cril_arena_block *blocks; /* the newest first */
};

/* Zeroed, aligned for any type, valid until the arena is freed. NULL: out of memory. */
void *cril_arena_take(struct cril_arena *a, size_t count, size_t size);
/* A copy of len bytes with a NUL behind. NULL: out of memory. */
char *cril_arena_text(struct cril_arena *a, const char *text, size_t len);
void cril_arena_free(struct cril_arena *a);

#endif
