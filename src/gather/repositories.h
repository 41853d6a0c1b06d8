/* git repositories below a folder. */
#ifndef CRIL_GATHER_REPOSITORIES_H
#define CRIL_GATHER_REPOSITORIES_H

#include <cril/status.h>
#include <stddef.h>

struct cril_repository {
    char *name;   /* its path below the folder; the folder's own name where that is it */
    char *folder; /* what --git-dir takes */
};

/* Zero-initialised it is empty. */
struct cril_repositories {
    struct cril_repository *list; /* [n] in the bytewise order of their names */
    size_t n, size;
};

/*
 * Finds repositories: folders with a folder ".git", and bare ones. Folders below one are not looked
 * at, nor are links. A file ".git" (of another work tree, a submodule) leads elsewhere: it is none.
 * CRIL_ERR_IO, CRIL_ERR_NOMEM, CRIL_ERR_UNSUPPORTED: folders lie more than 64 deep. r holds what
 * was found so far.
 */
cril_status cril_repositories_find(const char *path, struct cril_repositories *r, cril_error *err);
void cril_repositories_free(struct cril_repositories *r);

#endif
