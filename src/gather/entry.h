/*
 * A document of a fresh corpus and what is known of it, as the lines of a corpus have it
 * (doc/corpora.md, "The corpus").
 */
#ifndef CRIL_GATHER_ENTRY_H
#define CRIL_GATHER_ENTRY_H

#include "corpus/reader.h"

#include <cril/status.h>
#include <stddef.h>

enum cril_entry_field { /* in the order of a line */
                        CRIL_ENTRY_ID,
                        CRIL_ENTRY_SOURCE, /* the input that it is from */
                        CRIL_ENTRY_ADDRESS,
                        CRIL_ENTRY_TITLE,
                        CRIL_ENTRY_DATE,
                        CRIL_ENTRY_LICENCE,
                        CRIL_ENTRY_LANGUAGE,
                        CRIL_ENTRY_QUALITY,            /* a bucket's name */
                        CRIL_ENTRY_BITS_PER_CHARACTER, /* a JSON number; by cril_number_write */
                        CRIL_ENTRY_FIELDS
};

extern const char *const cril_entry_names[CRIL_ENTRY_FIELDS]; /* their JSON keys */

struct cril_entry {
    const char *field[CRIL_ENTRY_FIELDS]; /* NULL: not known */
    const char *text;                     /* [len] */
    size_t len;
};

/*
 * Appends the entry's line of JSON to out, and its end. Ill-formed UTF-8 becomes U+FFFD. The text
 * comes last: scorers that fill texts into templates (corpus/record.h) replace in them what comes
 * behind. sha256: of the text as it stands in the line. CRIL_ERR_NOMEM.
 */
cril_status cril_entry_write(const struct cril_entry *e, struct cril_buffer *out, char sha256[65],
                             cril_error *err);

#endif
