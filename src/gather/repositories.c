/* git repositories below a folder: see repositories.h. */
#include "gather/repositories.h"

#include "util/fail.h"
#include "util/size.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096, MAX_DEPTH = 64 };

void cril_repositories_free(struct cril_repositories *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->list[i].name);
        free(r->list[i].folder);
    }
    free(r->list);
    *r = (struct cril_repositories){0};
}

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for the list of repositories");
}

/* "folder/name"; false: too long. */
static bool join(const char *folder, const char *name, char out[PATH_BYTES])
{
    const int n = snprintf(out, PATH_BYTES, "%s/%s", folder, name);

    return n > 0 && n < PATH_BYTES;
}

static bool is_folder(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool is_there(const char *folder, const char *name, bool a_folder)
{
    char path[PATH_BYTES];
    struct stat info;

    return join(folder, name, path) && stat(path, &info) == 0 &&
           (!a_folder || S_ISDIR(info.st_mode));
}

static bool is_bare(const char *folder)
{
    return is_there(folder, "HEAD", false) && is_there(folder, "objects", true) &&
           is_there(folder, "refs", true);
}

static cril_status add(struct cril_repositories *r, const char *name, const char *folder,
                       cril_error *err)
{
    struct cril_repository *grown = cril_size_grow(r->list, &r->size, r->n, 1, sizeof(*grown));
    struct cril_repository *own;

    if (!grown)
        return no_memory(err);
    r->list = grown;
    own = &grown[r->n];
    *own = (struct cril_repository){strdup(name), strdup(folder)};
    if (!own->name || !own->folder) {
        free(own->name);
        free(own->folder);
        return no_memory(err);
    }
    r->n++;
    return CRIL_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct cril_repository *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* name: of the folder, below the first one; "": it is the first. */
static cril_status look(struct cril_repositories *r, const char *folder, const char *name,
                        const char *own, unsigned depth, cril_error *err)
{
    char below[PATH_BYTES], path[PATH_BYTES], below_name[PATH_BYTES];
    struct dirent *e;
    cril_status st = CRIL_OK;
    DIR *d;

    if (join(folder, ".git", path) && is_folder(path))
        return add(r, *name ? name : own, path, err);
    if (is_bare(folder))
        return add(r, *name ? name : own, folder, err);
    if (depth > MAX_DEPTH)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: folders lie more than %d deep", folder,
                         MAX_DEPTH);
    if (!(d = opendir(folder)))
        return cril_fail(err, CRIL_ERR_IO, "%s: cannot be opened: %s", folder, strerror(errno));
    while (st == CRIL_OK && (e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            !join(folder, e->d_name, below) || !is_folder(below))
            continue;
        if (*name && !join(name, e->d_name, below_name))
            continue;
        st = look(r, below, *name ? below_name : e->d_name, own, depth + 1, err);
    }
    closedir(d);
    return st;
}

/* "name" of "a/name/". */
static char *base_name(const char *path)
{
    size_t end = strlen(path), from;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (from = end; from && path[from - 1] != '/'; from--) {
    }
    return strndup(path + from, end - from);
}

cril_status cril_repositories_find(const char *path, struct cril_repositories *r, cril_error *err)
{
    char *own = base_name(path);
    cril_status st = own ? look(r, path, "", own, 0, err) : no_memory(err);

    free(own);
    if (st == CRIL_OK && r->n)
        qsort(r->list, r->n, sizeof(*r->list), by_name);
    return st;
}
