/* Tokens that are cut out of a text before anything else: a trie of their names. */
#ifndef CRIL_TOKENIZER_SPECIALS_H
#define CRIL_TOKENIZER_SPECIALS_H

#include "tokenizer/spec.h"

struct special_node {
    int32_t text,
        any; /* the added token that ends here: of those that are text; of all. -1: none */
    uint32_t child, sibling; /* 0: none */
    uint8_t byte;
};

struct cril_specials { /* a trie of bytes; node 0 is the root */
    struct special_node *nodes;
    size_t n;
    uint32_t first[256]; /* node of each first byte, 0: none */
};

/* Of those of added [n] that are found in a normalised text, or of the others. CRIL_ERR_NOMEM. */
cril_status cril_specials_build(const struct spec_added *added, size_t n, bool normalised,
                                struct cril_specials *s, cril_error *err);
void cril_specials_clear(struct cril_specials *s);

/* The longest name at the start of text: its place among those added, and its length; -1 when there
 * is none. */
int32_t cril_specials_match(const struct cril_specials *s, const char *text, size_t len,
                            bool with_control, size_t *match_len);

#endif
