/*
 * No key is read past: under a prefix whose keys decide over a model's figures, each key has been
 * read (formats/values.h marks it), stands in a table of keys without effect, or is refused by
 * name.
 */
#ifndef CRIL_FORMATS_KNOWN_H
#define CRIL_FORMATS_KNOWN_H

#include "formats/values.h"

struct cril_known_key {
    const char *key;    /* below the prefix; a '*' at its end stands for any rest */
    const char *reason; /* why it changes no figure, for people; static */
};

/*
 * Call it when all that decides has been read. Of the keys that start with prefix ("tokenizer.")
 * and were not read, those of harmless get its reason, which lasts as long as v; the first other
 * one is CRIL_ERR_UNSUPPORTED, naming file and key. harmless ends with a row whose key is NULL.
 */
cril_status cril_known_keys(struct cril_values *v, const char *prefix,
                            const struct cril_known_key *harmless, cril_error *err);

/* Why key i is not used: NULL: it is. A key outside the prefixes that were asked about is described
 * by its own prefix. Static. */
const char *cril_known_reason(const struct cril_values *v, size_t i);

#endif
