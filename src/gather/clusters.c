/*
 * Clusters of documents that share a key: see minhash.h. The keys of each band are a sequence
 * (repeats.h), in which a document that has none takes no place; numbers of places are numbers of
 * documents with keys. Clusters are trees in an array (union-find, Tarjan 1975), whose roots are
 * the documents that came first.
 */
#include "gather/minhash.h"

#include "gather/bits.h"
#include "gather/repeats.h"
#include "util/fail.h"

#include <stdlib.h>

struct cril_clusters {
    size_t memory_bytes;
    struct cril_repeats *bands[CRIL_MINHASH_BANDS];
    uint32_t *parents;     /* [documents with keys], while it is decided */
    struct cril_bits bits; /* [n]; before it is decided: it has keys; then: it repeats another */
};

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory comparing documents");
}

cril_status cril_clusters_create(size_t memory_bytes, const char *folder,
                                 struct cril_clusters **out, cril_error *err)
{
    struct cril_clusters *c = calloc(1, sizeof(*c));
    cril_status st = c ? CRIL_OK : no_memory(err);

    for (size_t i = 0; i < CRIL_MINHASH_BANDS && st == CRIL_OK; i++)
        st = cril_repeats_create(memory_bytes / 4 / CRIL_MINHASH_BANDS, folder, &c->bands[i], err);
    if (st != CRIL_OK) {
        cril_clusters_free(c);
        return st;
    }
    c->memory_bytes = memory_bytes;
    *out = c;
    return CRIL_OK;
}

void cril_clusters_free(struct cril_clusters *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < CRIL_MINHASH_BANDS; i++)
        cril_repeats_free(c->bands[i]);
    free(c->parents);
    free(c->bits.words);
    free(c);
}

cril_status cril_clusters_add(struct cril_clusters *c, const uint64_t keys[CRIL_MINHASH_BANDS],
                              cril_error *err)
{
    cril_status st;

    if (!cril_bits_add(&c->bits, keys != NULL))
        return no_memory(err);
    for (size_t i = 0; keys && i < CRIL_MINHASH_BANDS; i++) {
        if ((st = cril_repeats_add(c->bands[i], keys[i], err)) != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

static uint32_t root(uint32_t *parents, uint32_t i)
{
    while (parents[i] != i) {
        parents[i] = parents[parents[i]];
        i = parents[i];
    }
    return i;
}

static void unite(void *arg, uint64_t first, uint64_t again)
{
    uint32_t *parents = arg;
    const uint32_t a = root(parents, (uint32_t)first), b = root(parents, (uint32_t)again);

    parents[a > b ? a : b] = a > b ? b : a;
}

/* What the table of keys may take beside the rest. CRIL_ERR_RANGE: there is too little. */
static cril_status table_memory(const struct cril_clusters *c, uint64_t n, size_t *bytes,
                                cril_error *err)
{
    size_t held = cril_bits_memory(&c->bits) + (size_t)n * sizeof(*c->parents);

    if (held > c->memory_bytes / 2)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "near-duplicates of %llu documents need %zu bytes of memory; give more, "
                         "or compare fewer at a time",
                         (unsigned long long)c->bits.n, 2 * held);
    for (size_t i = 0; i < CRIL_MINHASH_BANDS; i++)
        held += cril_repeats_memory(c->bands[i]);
    *bytes = held < c->memory_bytes ? c->memory_bytes - held : 0;
    return CRIL_OK;
}

cril_status cril_clusters_decide(struct cril_clusters *c, cril_error *err)
{
    const uint64_t n = cril_repeats_count(c->bands[0]);
    size_t table_bytes = 0;
    uint32_t at = 0;
    cril_status st;

    if (n > UINT32_MAX)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "near-duplicates are found among at most %u documents; compare fewer at "
                         "a time",
                         UINT32_MAX);
    if ((st = table_memory(c, n, &table_bytes, err)) != CRIL_OK)
        return st;
    if (!(c->parents = malloc(n ? (size_t)n * sizeof(*c->parents) : 1)))
        return no_memory(err);
    for (uint32_t i = 0; i < n; i++)
        c->parents[i] = i;
    for (size_t i = 0; i < CRIL_MINHASH_BANDS && st == CRIL_OK; i++) {
        st = cril_repeats_find(c->bands[i], table_bytes, unite, c->parents, err);
        cril_repeats_free(c->bands[i]);
        c->bands[i] = NULL;
    }
    for (uint64_t i = 0; i < c->bits.n && st == CRIL_OK; i++) {
        if (!cril_bits_get(&c->bits, i))
            continue;
        cril_bits_set(&c->bits, i, c->parents[at] != at);
        at++;
    }
    free(c->parents);
    c->parents = NULL;
    return st;
}

bool cril_clusters_repeats(const struct cril_clusters *c, uint64_t i)
{
    return i < c->bits.n && cril_bits_get(&c->bits, i);
}
