/* SentencePiece's map of characters. */
#ifndef CRIL_TOKENIZER_CHARSMAP_H
#define CRIL_TOKENIZER_CHARSMAP_H

#include "formats/names.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_charsmap {
    uint32_t *units; /* [n_units] a double array; NULL: no map */
    size_t n_units;
    const char *replacements; /* [len] strings that end with NUL; the last byte is NUL; borrowed */
    size_t len;
};

/* From a file's bytes, which are borrowed; no bytes are an empty map. CRIL_ERR_FORMAT, _NOMEM. */
cril_status cril_charsmap_load(const char *path, struct cril_bytes bytes, struct cril_charsmap *map,
                               cril_error *err);
void cril_charsmap_clear(struct cril_charsmap *map);
/* The longest or else the shortest key at the start of text [len >= 1]: its bytes, and what it
 * becomes, which ends with NUL; 0: there is none. */
size_t cril_charsmap_find(const struct cril_charsmap *map, const char *text, size_t len,
                          bool longest, const char **to);
/* The longest key at the start of text [len >= 1], or one character unchanged: returns its bytes
 * and sets *to [*to_len]. */
size_t cril_charsmap_next(const struct cril_charsmap *map, const char *text, size_t len,
                          const char **to, size_t *to_len);

#endif
