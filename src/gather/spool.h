/*
 * Documents that wait for a decision: a file without a name, written from the first to the last,
 * then read once in the same order.
 */
#ifndef CRIL_GATHER_SPOOL_H
#define CRIL_GATHER_SPOOL_H

#include "gather/entry.h"

#include <stdbool.h>
#include <stdint.h>

struct cril_spool;

/* folder: where the file lies, borrowed; NULL: TMPDIR, or /tmp. CRIL_ERR_NOMEM, CRIL_ERR_IO. */
cril_status cril_spool_create(const char *folder, struct cril_spool **out, cril_error *err);
cril_status cril_spool_put(struct cril_spool *s, const struct cril_entry *e, cril_error *err);
/* No more are put. */
cril_status cril_spool_rewind(struct cril_spool *s, cril_error *err);
/* Borrowed until the next call; text NULL at the end. CRIL_ERR_IO, CRIL_ERR_NOMEM. */
cril_status cril_spool_next(struct cril_spool *s, struct cril_entry *e, cril_error *err);
uint64_t cril_spool_count(const struct cril_spool *s); /* documents put */
void cril_spool_free(struct cril_spool *s);            /* NULL is allowed */

#endif
