#include "tokenizer/table.h"

#include "util/fail.h"
#include "util/utf8.h"

#include <stdlib.h>
#include <string.h>

cril_status cril_table_init(struct cril_table *t, size_t max_keys, cril_error *err)
{
    size_t size = 16;

    *t = (struct cril_table){0};
    while (size / 2 < max_keys && size <= SIZE_MAX / 2 / sizeof(*t->slots))
        size *= 2;
    if (size / 2 < max_keys || !(t->slots = calloc(size, sizeof(*t->slots))))
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a table of %zu pieces", max_keys);
    t->mask = size - 1;
    return CRIL_OK;
}

void cril_table_clear(struct cril_table *t)
{
    free(t->slots);
    *t = (struct cril_table){0};
}

/* The slot of a key, or the empty one where it would go. */
static struct table_slot *table_slot(const struct cril_table *t, uint64_t hash, const char *data,
                                     size_t len)
{
    size_t i = (size_t)(hash ^ hash >> 32) & t->mask;

    for (;; i = (i + 1) & t->mask) {
        struct table_slot *s = &t->slots[i];

        if (!s->data || (s->hash == hash && s->len == len && !memcmp(s->data, data, len)))
            return s;
    }
}

static uint64_t hash_of(const char *data, size_t len)
{
    uint64_t hash = CRIL_HASH_START;

    for (size_t i = 0; i < len; i++)
        hash = cril_hash_step(hash, data[i]);
    return hash;
}

void cril_table_put(struct cril_table *t, const char *data, size_t len, int32_t id)
{
    const uint64_t hash = hash_of(data, len);
    struct table_slot *s = table_slot(t, hash, data, len);

    t->n += !s->data;
    *s = (struct table_slot){.data = data, .len = len, .hash = hash, .id = id};
    if (len > t->longest)
        t->longest = len;
}

int32_t cril_table_find_hashed(const struct cril_table *t, uint64_t hash, const char *data,
                               size_t len)
{
    const struct table_slot *s = table_slot(t, hash, data, len);

    return s->data ? s->id : -1;
}

int32_t cril_table_find(const struct cril_table *t, const char *data, size_t len)
{
    if (len > t->longest)
        return -1;
    return cril_table_find_hashed(t, hash_of(data, len), data, len);
}

cril_status cril_pairs_init(struct cril_pairs *p, cril_error *err)
{
    p->bits = calloc(((size_t)1 << CRIL_PAIR_BITS) / 64, sizeof(*p->bits));
    return p->bits ? CRIL_OK : cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a table of pairs");
}

void cril_pairs_clear(struct cril_pairs *p)
{
    free(p->bits);
    p->bits = NULL;
}

void cril_pairs_add(struct cril_pairs *p, const char *piece, size_t len)
{
    uint32_t left = 0, right;

    for (size_t i = 0; i < len; left = right) {
        const size_t width = cril_utf8_read(piece + i, len - i, &right),
                     hash = cril_pair_hash(left, right);

        if (i)
            p->bits[hash / 64] |= (uint64_t)1 << hash % 64;
        i += width;
    }
}
