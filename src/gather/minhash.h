/*
 * Near-duplicates by MinHash (Broder 1997) with datatrove's constants: sequences of 5 words, 14
 * bands of 8 hashes, parameters of seed 1, 64-bit hashes of which each is modulo 2^61 - 1. Texts
 * are compared in lower case, with numbers as 0, punctuation as blanks, and without diacritics.
 *
 * Two texts of which a share s of all their sequences is common agree in a band with probability
 * s^8 (Jaccard similarity), and in some band with 1 - (1 - s^8)^14: half of the pairs at s = 0.69.
 */
#ifndef CRIL_GATHER_MINHASH_H
#define CRIL_GATHER_MINHASH_H

#include "gather/draft.h"

enum {
    CRIL_MINHASH_WORDS = 5,
    CRIL_MINHASH_BANDS = 14,
    CRIL_MINHASH_ROWS = 8,
    CRIL_MINHASH_HASHES = CRIL_MINHASH_BANDS * CRIL_MINHASH_ROWS
};

/* Parameters of the hashes: h(x) = (a x + b modulo 2^64) modulo 2^61 - 1. */
struct cril_minhash_hashes {
    uint64_t a[CRIL_MINHASH_HASHES], b[CRIL_MINHASH_HASHES];
};

/* As numpy's RandomState(1) draws them (MT19937). */
void cril_minhash_init(struct cril_minhash_hashes *h);

/*
 * The minima of the draft's sequences, band by band; *n_shingles 0: it has fewer than 5 words, and
 * no minima. CRIL_ERR_NOMEM.
 */
cril_status cril_minhash_of(const struct cril_minhash_hashes *h, struct cril_draft *d,
                            uint64_t minima[CRIL_MINHASH_HASHES], size_t *n_shingles,
                            cril_error *err);
/* A number for each band: XXH64 of its minima. Where two bands agree, so do their keys; keys of two
 * that differ agree with probability 2^-64. */
void cril_minhash_keys(const uint64_t minima[CRIL_MINHASH_HASHES],
                       uint64_t keys[CRIL_MINHASH_BANDS]);

/* Hashes of the draft's sequences, for the exact similarity: borrowed, in a work buffer. */
cril_status cril_minhash_shingles(struct cril_draft *d, const uint64_t **shingles, size_t *n,
                                  cril_error *err);

struct cril_clusters;

/*
 * Clusters of documents: those that share a band's key, and those that are joined through others.
 * memory_bytes bounds all that it holds, 4 bytes a document among them, which may be at most half.
 * folder: where keys go for which it has no memory, 112 bytes a document; NULL: TMPDIR, or /tmp;
 * borrowed. CRIL_ERR_NOMEM.
 */
cril_status cril_clusters_create(size_t memory_bytes, const char *folder,
                                 struct cril_clusters **out, cril_error *err);
/* The next document. keys NULL: it is in no cluster. CRIL_ERR_NOMEM, CRIL_ERR_IO. */
cril_status cril_clusters_add(struct cril_clusters *c, const uint64_t keys[CRIL_MINHASH_BANDS],
                              cril_error *err);
/* When all are added. CRIL_ERR_RANGE: memory_bytes is too little for so many. CRIL_ERR_NOMEM,
 * CRIL_ERR_IO. */
cril_status cril_clusters_decide(struct cril_clusters *c, cril_error *err);
/* Once it is decided: whether an earlier document is in the cluster of the i-th one, 0-based. */
bool cril_clusters_repeats(const struct cril_clusters *c, uint64_t i);
void cril_clusters_free(struct cril_clusters *c); /* NULL is allowed */

#endif
