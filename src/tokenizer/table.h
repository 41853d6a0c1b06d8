/* Strings to ids, and which pairs of characters stand together in some string. */
#ifndef CRIL_TOKENIZER_TABLE_H
#define CRIL_TOKENIZER_TABLE_H

#include "util/hash.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- strings to ids --- */

struct table_slot {
    const char *data; /* borrowed; NULL: empty slot */
    size_t len;
    uint64_t hash;
    int32_t id;
};

struct cril_table { /* open addressing, at most half full */
    struct table_slot *slots;
    size_t mask, n;
    size_t longest; /* bytes of the longest key */
};

/* max_keys: keys it will hold. CRIL_ERR_NOMEM. */
cril_status cril_table_init(struct cril_table *t, size_t max_keys, cril_error *err);
void cril_table_clear(struct cril_table *t);
/* A key that is there already gets the new id. data is borrowed for the table's life. len >= 1. */
void cril_table_put(struct cril_table *t, const char *data, size_t len, int32_t id);
int32_t cril_table_find(const struct cril_table *t, const char *data, size_t len); /* -1: absent */
int32_t cril_table_find_hashed(const struct cril_table *t, uint64_t hash, const char *data,
                               size_t len);

/* --- pairs of characters that stand together in some piece --- */

#define CRIL_PAIR_BITS 18 /* Gemma has 34,000 pairs */

/* A set of hashes: may say yes of a pair that is none, never no of one that is. */
struct cril_pairs {
    uint64_t *bits;
};

cril_status cril_pairs_init(struct cril_pairs *p, cril_error *err);
void cril_pairs_clear(struct cril_pairs *p);
void cril_pairs_add(struct cril_pairs *p, const char *piece, size_t len);

static inline size_t cril_pair_hash(uint32_t left, uint32_t right) /* of code points */
{
    return (size_t)((((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u) >>
                    (64 - CRIL_PAIR_BITS));
}

static inline bool cril_pairs_has(const struct cril_pairs *p, uint32_t left, uint32_t right)
{
    const size_t hash = cril_pair_hash(left, right);

    return p->bits[hash / 64] >> hash % 64 & 1;
}

#endif
