/* The files of a folder, by name. A folder is a text that ends in its slash; "" is the working one.
 * A pattern is a name in which one '*' may stand for any bytes. */
#ifndef CRIL_FORMATS_MEMBERS_H
#define CRIL_FORMATS_MEMBERS_H

#include "util/arena.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>

struct cril_members {
    const char **names; /* [n], bytewise sorted; free(names), texts are of an arena */
    size_t n, capacity;
};

bool cril_member_matches(const char *pattern, const char *name);
/* The path of a member, owned by the caller: free. NULL: out of memory. */
char *cril_member_path(const char *folder, const char *name);
/* Also for a link that leads nowhere. */
bool cril_member_exists(const char *folder, const char *name);
/* Names that match; none where the folder cannot be read. *out is to be freed after an error too.
 * CRIL_ERR_NOMEM. */
cril_status cril_members_list(const char *folder, const char *pattern, struct cril_arena *arena,
                              struct cril_members *out, cril_error *err);
/* Appends a copy of name. CRIL_ERR_NOMEM. */
cril_status cril_members_add(struct cril_members *m, struct cril_arena *arena, const char *name,
                             cril_error *err);
/* Sorts, and keeps one of equal names. */
void cril_members_sort(struct cril_members *m);

#endif
