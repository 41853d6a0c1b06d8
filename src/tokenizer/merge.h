/*
 * The loop that both kinds of byte-pair encoding share: of all neighbours that may merge, always
 * the pair with the smallest priority, leftmost among equals, until none is left (Sennrich et al.
 * 2016, alg. 1).
 *
 * A binary heap of candidates over a linked list of symbols: n log n for n symbols, however long
 * the word.
 */
#ifndef CRIL_TOKENIZER_MERGE_H
#define CRIL_TOKENIZER_MERGE_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERGE_END UINT32_MAX

struct merge_symbol {
    uint32_t start, len; /* bytes of the text */
    uint32_t prev, next; /* MERGE_END at the ends; a symbol that was merged away has len 0 */
    int32_t id;          /* the tokenizer's own; -1: none */
};

struct merge_candidate {
    uint32_t priority, left, len;
    int32_t id; /* of the symbol it would make */
};

struct merge_work { /* zero-initialise; reused from word to word */
    struct merge_symbol *symbols;
    struct merge_candidate *heap;
    size_t n, capacity, n_heap; /* heap has room for 2 * capacity */
};

/* May the neighbours left and right merge, how soon, and into what. */
typedef bool (*merge_lookup)(const void *model, const char *text, const struct merge_symbol *left,
                             const struct merge_symbol *right, uint32_t *priority, int32_t *id);

/* Makes room for n symbols and starts an empty word. CRIL_ERR_NOMEM. */
cril_status cril_merge_begin(struct merge_work *w, size_t n, cril_error *err);
void cril_merge_push(struct merge_work *w, uint32_t start, uint32_t len, int32_t id);
/* Afterwards the word is symbols[0], and on along next. */
void cril_merge_run(struct merge_work *w, const char *text, merge_lookup lookup, const void *model);
void cril_merge_free(struct merge_work *w);

#endif
