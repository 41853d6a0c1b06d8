/* Reads a corpus of entries back, as cril_entry_write wrote it; compressed as it may be. */
#ifndef CRIL_GATHER_ENTRIES_H
#define CRIL_GATHER_ENTRIES_H

#include "gather/entry.h"

#include <stdint.h>

struct cril_entries;

/* path is borrowed until closed. Errors of cril_stream_open (corpus/stream.h). */
cril_status cril_entries_open(const char *path, struct cril_entries **out, cril_error *err);
/* From here on JSON Lines of others are read too: empty lines are skipped, a document without a
 * text "id" has the number of its line, the text may be called "text", and what is not known may
 * stand in an object "metadata", also as "url" and "license" (datatrove). */
void cril_entries_allow_any(struct cril_entries *r);
/*
 * The next one, borrowed until the next call; text NULL at the end. A line that is no entry, an
 * object with the texts "id" and "content", is CRIL_ERR_FORMAT; other keys are passed over.
 */
cril_status cril_entries_next(struct cril_entries *r, struct cril_entry *e, cril_error *err);
uint64_t cril_entries_line(const struct cril_entries *r); /* of the last one, from 1 on */
/* SHA-256 of the file as stored, which is read to its end. */
cril_status cril_entries_sha256(struct cril_entries *r, char hex[65], cril_error *err);
uint64_t cril_entries_size(const struct cril_entries *r);  /* as stored; 0: unknown */
uint64_t cril_entries_taken(const struct cril_entries *r); /* of these bytes, for progress */
void cril_entries_close(struct cril_entries *r);           /* NULL is allowed */

#endif
