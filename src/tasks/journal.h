/*
 * Lines of items in a file, in the order in which they came, and found by item: so they need no
 * memory, and a run that was killed goes on with them.
 *
 * A journal is a file of kept lines (util/kept_lines.h), whose key is all that decides over them.
 */
#ifndef CRIL_TASKS_JOURNAL_H
#define CRIL_TASKS_JOURNAL_H

#include "tasks/places.h"

#include <stdbool.h>

struct cril_journal;

/*
 * key: one line of text with all that decides over the lines. fresh: what a run left is dropped.
 *
 * Lines of places that the items do not have, as with another limit, are kept and not shown. *out
 * is owned: cril_journal_close. CRIL_ERR_IO: the folder or the file cannot be made or written to.
 * CRIL_ERR_MISMATCH: another process has it open. CRIL_ERR_NOMEM.
 */
cril_status cril_journal_open(const char *key, const struct cril_items *items, bool fresh,
                              struct cril_journal **out, cril_error *err);
/* One that goes when it is closed, of no name. */
cril_status cril_journal_open_temporary(const struct cril_items *items, struct cril_journal **out,
                                        cril_error *err);
void cril_journal_close(struct cril_journal *j); /* NULL is allowed */
/* Its lines are where they belong: it can go. */
void cril_journal_remove(struct cril_journal *j);

const char *cril_journal_path(const struct cril_journal *j); /* NULL: it has none */
size_t cril_journal_lines(const struct cril_journal *j);     /* of items */
bool cril_journal_has(const struct cril_journal *j, size_t item);
/* CRIL_ERR_IO: such as a full disk; what was written before stays. */
cril_status cril_journal_add(struct cril_journal *j, size_t item, const char *line, size_t len,
                             cril_error *err);
/* The line of an item that it has [*len], with a NUL; owned: free(). */
cril_status cril_journal_read(const struct cril_journal *j, size_t item, char **line, size_t *len,
                              cril_error *err);
/* Hands out the lines that it has, in the order of the items, until take fails. */
cril_status cril_journal_each(const struct cril_journal *j,
                              cril_status (*take)(void *user, const char *line, size_t len,
                                                  cril_error *err),
                              void *user, cril_error *err);

#endif
