/*
 * Walks a folder: see folder.h. Each folder's names are read, the folder is closed, then they are
 * visited in order: few descriptors are open at any depth, and the choice between two links to one
 * folder does not depend on the file system.
 */
#include "corpus/folder.h"

#include "util/fail.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct place {
    dev_t dev;
    ino_t ino;
    bool used;
};

/* Folders that were entered: a hash table with linear probing, at most half full. */
struct places {
    struct place *slots; /* [cap], cap a power of two or 0 */
    size_t n, cap;
};

struct walk {
    struct cril_folder *files;
    struct places seen;
};

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for its list of files", path);
}

/* ---- places ---- */

static struct place *find_place(const struct places *t, dev_t dev, ino_t ino)
{
    uint64_t h = ((uint64_t)ino ^ (uint64_t)dev << 32) *
                 UINT64_C(0x9e3779b97f4a7c15); /* 2^64 / golden ratio */
    size_t i = (size_t)(h >> 32);

    for (;; i++) {
        struct place *p = &t->slots[i & (t->cap - 1)];
        if (!p->used || (p->dev == dev && p->ino == ino))
            return p;
    }
}

static bool grow_places(struct places *t)
{
    struct places bigger = {NULL, t->n, t->cap ? t->cap * 2 : 64};

    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < t->cap; i++)
        if (t->slots[i].used)
            *find_place(&bigger, t->slots[i].dev, t->slots[i].ino) = t->slots[i];
    free(t->slots);
    *t = bigger;
    return true;
}

/* *is_new: it was not there before. */
static bool add_place(struct places *t, const struct stat *sb, bool *is_new)
{
    struct place *p;

    if (t->n * 2 >= t->cap && !grow_places(t))
        return false;
    p = find_place(t, sb->st_dev, sb->st_ino);
    *is_new = !p->used;
    *p = (struct place){sb->st_dev, sb->st_ino, true};
    t->n += *is_new;
    return true;
}

/* ---- lists of paths ---- */

/* Takes over path, which may be NULL. */
static bool add_path(struct cril_folder *f, char *path)
{
    if (!path)
        return false;
    if (f->n == f->cap) {
        const size_t cap = f->cap ? f->cap * 2 : 16;
        char **grown = realloc(f->paths, cap * sizeof(*grown));
        if (!grown) {
            free(path);
            return false;
        }
        f->paths = grown;
        f->cap = cap;
    }
    f->paths[f->n++] = path;
    return true;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_paths(struct cril_folder *f)
{
    if (f->n)
        qsort(f->paths, f->n, sizeof(*f->paths), compare_paths);
}

static char *join(const char *folder, const char *name)
{
    const size_t a = strlen(folder), slash = a > 0 && folder[a - 1] == '/' ? 0 : 1,
                 b = strlen(name) + 1;
    char *path = malloc(a + slash + b);

    if (!path)
        return NULL;
    memcpy(path, folder, a);
    if (slash)
        path[a] = '/';
    memcpy(path + a + slash, name, b);
    return path;
}

void cril_folder_free(struct cril_folder *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->paths[i]);
    free(f->paths);
    *f = (struct cril_folder){0};
}

/* ---- the walk ---- */

static cril_status read_names(const char *path, struct cril_folder *out, cril_error *err)
{
    DIR *d = opendir(path);
    cril_status st = CRIL_OK;
    struct dirent *e;

    if (!d)
        return cril_fail(err, CRIL_ERR_IO, "%s: the folder cannot be opened: %s", path,
                         strerror(errno));
    for (errno = 0; (e = readdir(d)) != NULL; errno = 0)
        if (e->d_name[0] != '.' && !add_path(out, join(path, e->d_name))) {
            st = no_memory(path, err);
            break;
        }
    if (st == CRIL_OK && errno)
        st =
            cril_fail(err, CRIL_ERR_IO, "%s: the folder cannot be read: %s", path, strerror(errno));
    closedir(d);
    return st;
}

/* Enters a folder. Depth is bounded: a path has at most PATH_MAX bytes, a longer one fails to open.
 */
static cril_status visit(struct walk *w, const char *path, cril_error *err)
{
    struct cril_folder names = {0};
    cril_status st = read_names(path, &names, err);

    sort_paths(&names);
    for (size_t i = 0; st == CRIL_OK && i < names.n; i++) {
        struct stat sb;
        bool is_new;

        if (stat(names.paths[i], &sb) != 0) {
            st = cril_fail(
                err, CRIL_ERR_IO,
                "%s: cannot be examined: %s; remove it or give it a name that begins with '.'",
                names.paths[i], strerror(errno));
        } else if (S_ISREG(sb.st_mode)) {
            char *file = names.paths[i];
            names.paths[i] = NULL;
            if (!add_path(w->files, file))
                st = no_memory(path, err);
        } else if (S_ISDIR(sb.st_mode)) {
            if (!add_place(&w->seen, &sb, &is_new))
                st = no_memory(path, err);
            else if (is_new)
                st = visit(w, names.paths[i], err);
        }
    }
    cril_folder_free(&names);
    return st;
}

cril_status cril_folder_list(const char *path, struct cril_folder *out, cril_error *err)
{
    struct walk w = {.files = out};
    struct stat sb;
    bool is_new;
    cril_status st;

    *out = (struct cril_folder){0};
    if (stat(path, &sb) != 0)
        return cril_fail(err, CRIL_ERR_IO, "%s: cannot be examined: %s", path, strerror(errno));
    st = add_place(&w.seen, &sb, &is_new) ? visit(&w, path, err) : no_memory(path, err);
    free(w.seen.slots);
    sort_paths(out);
    return st;
}
