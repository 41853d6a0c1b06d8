/*
 * A stamp is FNV-1a (Fowler, Noll and Vo) over what stat(2) says: inode, size, and two times to the
 * nanosecond. The time of the last change of state counts beside that of the last change of
 * content, since programs that copy set the latter back. The device does not count: its number
 * differs among machines that share a file system. A stamp detects accidents, not attacks: the
 * SHA-256 decides.
 */
#include "study/stamp.h"

#include "corpus/folder.h"
#include "formats/source.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/size.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* 0: it cannot be looked at. Adds its size to *bytes. */
static uint64_t stamp_of(const char *path, uint64_t *bytes)
{
    struct stat sb;

    if (stat(path, &sb) != 0)
        return 0;
    *bytes += (uint64_t)sb.st_size;
    const int64_t facts[] = {(int64_t)sb.st_ino,         (int64_t)sb.st_size,
                             (int64_t)sb.st_mtim.tv_sec, (int64_t)sb.st_mtim.tv_nsec,
                             (int64_t)sb.st_ctim.tv_sec, (int64_t)sb.st_ctim.tv_nsec};
    return cril_hash_bytes(CRIL_HASH_START, facts, sizeof(facts));
}

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
}

/* ---- Which files ---- */

struct parts {
    struct cril_folder *out;
    size_t capacity;
};

static int add_part(void *user, const char *file)
{
    struct parts *p = user;
    struct cril_folder *out = p->out;
    char **paths = cril_size_grow(out->paths, &p->capacity, out->n, 1, sizeof(*paths));

    if (!paths)
        return 1;
    out->paths = paths;
    if (!(paths[out->n] = strdup(file)))
        return 1;
    out->n++;
    return 0;
}

static cril_status list_parts(const char *path, struct cril_folder *out, cril_error *err)
{
    struct parts p = {.out = out};

    return cril_source_each_file(path, add_part, &p, NULL) == CRIL_OK ? CRIL_OK
                                                                      : no_memory(path, err);
}

/* *below: how much of a file's path is the corpus's folder; 0: it is none. */
static cril_status list_files(const char *path, enum cril_stamped what, struct cril_folder *out,
                              size_t *below, cril_error *err)
{
    struct stat sb;
    cril_status st;

    *below = 0;
    if (what == CRIL_STAMPED_MODEL || stat(path, &sb) != 0 || !S_ISDIR(sb.st_mode))
        return list_parts(path, out, err);
    *below = strlen(path);
    st = cril_folder_list(path, out, err);
    return st == CRIL_ERR_NOMEM ? st : CRIL_OK; /* a folder that cannot be read has no files */
}

/* ---- */

/* Takes the paths over from l. */
static void stamp_all(struct cril_folder *l, size_t below, struct cril_stamps *out)
{
    out->all = l->n ? CRIL_HASH_START : 0;
    for (size_t i = 0; i < l->n && out->all; i++) {
        struct cril_stamped_file *f = &out->files[out->n++];
        const char *name;

        *f = (struct cril_stamped_file){l->paths[i], stamp_of(l->paths[i], &out->bytes)};
        l->paths[i] = NULL;
        name = f->path + below + (below && f->path[below] == '/');
        if (below)
            out->all = cril_hash_bytes(out->all, name, strlen(name) + 1);
        out->all = f->stamp ? cril_hash_bytes(out->all, &f->stamp, sizeof(f->stamp)) : 0;
    }
}

cril_status cril_stamps_take(const char *path, enum cril_stamped what, struct cril_stamps *out,
                             cril_error *err)
{
    struct cril_folder l = {0};
    size_t below;
    cril_status st;

    *out = (struct cril_stamps){0};
    if ((st = list_files(path, what, &l, &below, err)) == CRIL_OK) {
        if (!(out->files = calloc(l.n + 1, sizeof(*out->files))))
            st = no_memory(path, err);
        else
            stamp_all(&l, below, out);
    }
    cril_folder_free(&l);
    return st;
}

void cril_stamps_free(struct cril_stamps *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->files[i].path);
    free(s->files);
    *s = (struct cril_stamps){0};
}

uint64_t cril_stamp_mix(uint64_t stamp, const void *data, size_t n)
{
    return stamp ? cril_hash_bytes(stamp, data, n) : 0;
}

cril_status cril_stamps_check(const struct cril_stamps *s, size_t from, size_t to, cril_error *err)
{
    uint64_t bytes = 0;

    for (size_t i = from; i < to; i++)
        if (!s->files[i].stamp || stamp_of(s->files[i].path, &bytes) != s->files[i].stamp)
            return cril_stamp_changed(s->files[i].path, err);
    return CRIL_OK;
}

cril_status cril_stamp_changed(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_MISMATCH, "%s: was written to while the study ran; run it again",
                     path);
}
