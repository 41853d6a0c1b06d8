/*
 * Which of a long sequence of 64-bit keys came before, and where first, within a bound of memory.
 * Keys are added in order; those that the memory does not hold lie in a file without a name.
 *
 * To find repeats, the keys are cut by their value into ranges whose distinct keys fill a table,
 * and the sequence is read once for each range. A key that comes often takes one place, so only
 * what is distinct counts. Keys are hashes: their values spread evenly, and where they do not,
 * ranges are halved until they fit.
 */
#ifndef CRIL_GATHER_REPEATS_H
#define CRIL_GATHER_REPEATS_H

#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

struct cril_repeats;

/* Bytes of one place of the table. */
enum { CRIL_REPEATS_PLACE = 16 };

/*
 * memory_bytes: of keys before they go to a file (at least 4 KiB are taken). folder: where that
 * file lies, borrowed; NULL: TMPDIR, or /tmp. CRIL_ERR_NOMEM.
 */
cril_status cril_repeats_create(size_t memory_bytes, const char *folder, struct cril_repeats **out,
                                cril_error *err);
/* CRIL_ERR_NOMEM, CRIL_ERR_IO. */
cril_status cril_repeats_add(struct cril_repeats *r, uint64_t key, cril_error *err);
uint64_t cril_repeats_count(const struct cril_repeats *r);
/* Bytes of memory that it holds, no table among them. */
size_t cril_repeats_memory(const struct cril_repeats *r);

/*
 * fn for every key that came before: its own number and that of the first one, 0-based. In no
 * order, and perhaps more than once. The table takes at most table_bytes (at least 64 KiB are
 * taken) and is gone at the end. Keys may be added afterwards. CRIL_ERR_NOMEM, CRIL_ERR_IO.
 */
typedef void (*cril_repeats_fn)(void *arg, uint64_t first, uint64_t again);
cril_status cril_repeats_find(struct cril_repeats *r, size_t table_bytes, cril_repeats_fn fn,
                              void *arg, cril_error *err);
void cril_repeats_free(struct cril_repeats *r); /* NULL is allowed */

#endif
