/*
 * SQLite's journal and our locks are files beside the database, named after it. Two names of one
 * database must lead to one journal and one lock: otherwise a run under one name sees the
 * half-written file of a run that was killed under the other, and two runs compute the same cells.
 * So a database is always opened by one name, its real path. Hard links in one folder are found by
 * looking through that; names in other folders cannot be found, so a file with such names is
 * refused.
 */
#define _GNU_SOURCE /* realpath, PATH_MAX */
#include "study/place.h"

#include "util/fail.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LINKS = 40 };

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
}

static cril_status refused(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_IO, "%s: cannot be opened: %s; check that its folder is there",
                     path, strerror(errno));
}

/* folder/name, folder of len bytes; owned. */
static char *join(const char *folder, size_t len, const char *name)
{
    char *out = malloc(len + strlen(name) + 2);

    if (out)
        sprintf(out, "%.*s/%s", (int)len, folder, name);
    return out;
}

static size_t folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) : 0;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* What the link at path leads to, one step; owned, NULL: out of memory. */
static char *follow(const char *path, const char *target)
{
    if (target[0] == '/' || !strchr(path, '/'))
        return strdup(target);
    return join(path, folder_len(path), target);
}

/* The last component may be a link to a file that is not there yet: SQLite would make that. */
static cril_status follow_links(const char *path, char **out, cril_error *err)
{
    char target[PATH_MAX], *at = strdup(path);

    for (int i = 0; at && i < MAX_LINKS; i++) {
        const ssize_t n = readlink(at, target, sizeof(target) - 1);
        char *next;

        if (n < 0) {
            *out = at;
            return CRIL_OK;
        }
        target[n] = '\0';
        next = follow(at, target);
        free(at);
        at = next;
    }
    if (!at)
        return no_memory(path, err);
    free(at);
    errno = ELOOP;
    return refused(path, err);
}

/* Its folder is there; the file need not be. */
static cril_status resolve(const char *path, char **out, cril_error *err)
{
    char *last, *folder, *real;
    cril_status st = follow_links(path, &last, err);

    if (st != CRIL_OK)
        return st;
    folder = strndup(last[0] == '/' && folder_len(last) == 0 ? "/" : last,
                     folder_len(last) ? folder_len(last) : 1);
    if (folder && !strchr(last, '/'))
        strcpy(folder, ".");
    real = folder ? realpath(folder, NULL) : NULL;
    if (real)
        *out = join(real, strcmp(real, "/") == 0 ? 0 : strlen(real), base_of(last));
    if (!folder || (!real && errno == ENOMEM) || (real && !*out))
        st = no_memory(path, err);
    else if (!real)
        st = refused(path, err);
    free(real);
    free(folder);
    free(last);
    return st;
}

/* The first of the file's names in its folder, and how many these are. *first is owned. */
static cril_status look_through(const char *path, const struct stat *of, char **first, nlink_t *n,
                                cril_error *err)
{
    char *folder = strndup(path, folder_len(path) ? folder_len(path) : 1);
    DIR *d = folder ? opendir(folder) : NULL;
    cril_status st = CRIL_OK;
    struct dirent *e;

    *first = NULL;
    *n = 0;
    if (!d)
        st = folder ? refused(path, err) : no_memory(path, err);
    while (st == CRIL_OK && (e = readdir(d))) {
        struct stat sb;
        char *name = join(path, folder_len(path), e->d_name);

        if (!name) {
            st = no_memory(path, err);
        } else if (lstat(name, &sb) == 0 && sb.st_dev == of->st_dev && sb.st_ino == of->st_ino) {
            ++*n;
            if (!*first || strcmp(name, *first) < 0) {
                free(*first);
                *first = name;
                name = NULL;
            }
        }
        free(name);
    }
    if (d)
        closedir(d);
    free(folder);
    return st;
}

cril_status cril_place_find(const char *path, char **out, cril_error *err)
{
    char *real, *first;
    struct stat sb;
    nlink_t n;
    cril_status st = resolve(path, &real, err);

    if (st != CRIL_OK)
        return st;
    if (stat(real, &sb) != 0 || !S_ISREG(sb.st_mode) || sb.st_nlink < 2) {
        *out = real;
        return CRIL_OK;
    }
    if ((st = look_through(real, &sb, &first, &n, err)) == CRIL_OK && n < sb.st_nlink)
        st = cril_fail(err, CRIL_ERR_UNSUPPORTED,
                       "%s: is a file with %lu names (hard links), not all of them in this folder; "
                       "a run under the one name would not see the journal and the locks of a run "
                       "under the other, so remove the others, or make them symbolic links",
                       path, (unsigned long)sb.st_nlink);
    free(real);
    if (st == CRIL_OK)
        *out = first;
    else
        free(first);
    return st;
}
