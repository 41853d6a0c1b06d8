/* Blocks of 16 KiB, or as large as what is asked for, in a list. */
#include "util/arena.h"

#include "util/size.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 16384 };

struct cril_arena_block {
    struct cril_arena_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char data[];
};

void *cril_arena_take(struct cril_arena *a, size_t count, size_t size)
{
    const size_t unit = alignof(max_align_t);
    struct cril_arena_block *b = a->blocks;
    size_t n, total;
    void *p;

    if (!cril_size_mul(count, size, &n) || !cril_size_add(n, unit - 1, &n))
        return NULL;
    n -= n % unit;
    if (!b || n > b->size - b->used) {
        const size_t room = n > BLOCK_BYTES ? n : BLOCK_BYTES;

        if (!cril_size_add(sizeof(*b), room, &total) || !(b = calloc(1, total)))
            return NULL;
        b->size = room;
        b->next = a->blocks;
        a->blocks = b;
    }
    p = b->data + b->used;
    b->used += n;
    return p;
}

char *cril_arena_text(struct cril_arena *a, const char *text, size_t len)
{
    size_t n;
    char *copy = cril_size_add(len, 1, &n) ? cril_arena_take(a, n, 1) : NULL;

    if (copy && len)
        memcpy(copy, text, len);
    return copy;
}

void cril_arena_free(struct cril_arena *a)
{
    while (a->blocks) {
        struct cril_arena_block *next = a->blocks->next;

        free(a->blocks);
        a->blocks = next;
    }
}
