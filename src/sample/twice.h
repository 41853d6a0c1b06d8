/* A corpus that is read more than once, as an input of another one; the same bytes each time. */
#ifndef CRIL_SAMPLE_TWICE_H
#define CRIL_SAMPLE_TWICE_H

#include "gather/entries.h"

#include <cril/sample.h>
#include <jansson.h>

struct cril_twice {
    const char *path, *name;      /* borrowed; name: without folders */
    json_t *card;                 /* NULL: it has none */
    struct cril_entries *entries; /* of the pass at work; NULL: it has not begun */
    char sha256[65];              /* "": no pass has ended */
    /* Of the last pass, so far. */
    uint64_t bytes, documents, characters;
};

/* Zero-initialised it may be freed. CRIL_ERR_RANGE: no file; CRIL_ERR_FORMAT: the card is none. */
cril_status cril_twice_open(const cril_sample_input *input, struct cril_twice *out,
                            cril_error *err);
/*
 * The next document that has a character, with `source` set; borrowed until the next call. text
 * NULL: the pass has ended, and the next call begins another one. CRIL_ERR_MISMATCH: the file is
 * not the one of its card, or of the pass before.
 */
cril_status cril_twice_next(struct cril_twice *t, struct cril_entry *e, cril_error *err);
double cril_twice_fraction(const struct cril_twice *t); /* of the pass at work */
/* For a card: name, bytes, sha256, documents, characters, card. NULL: out of memory. */
json_t *cril_twice_json(const struct cril_twice *t);
void cril_twice_close(struct cril_twice *t);

#endif
