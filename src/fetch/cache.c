/*
 * Everything appears whole: blobs and refs by rename, links by symlink(). Folders in a snapshot are
 * made and entered one by one, and a link in their place is not followed, so that no name leads
 * out.
 */
#include "fetch/cache.h"

#include "util/fail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_DEPTH = 8 };

void cril_hub_cache_init(struct cril_hub_cache *c, const struct cril_hub_place *place,
                         const cril_hub_name *name)
{
    const char *slash = strchr(name->repository, '/');

    *c = (struct cril_hub_cache){.place = place, .name = name};
    snprintf(c->folder, sizeof(c->folder), "models--%.*s--%s", (int)(slash - name->repository),
             name->repository, slash + 1);
}

/* CACHE/models--owner--name/a/b/c; what is "" is left out. */
static cril_status path_of(const struct cril_hub_cache *c, const char *a, const char *b,
                           const char *d, char out[CRIL_HUB_PATH], cril_error *err)
{
    const int n = snprintf(out, CRIL_HUB_PATH, "%s/%s/%s/%s%s%s", c->place->cache, c->folder, a, b,
                           *d ? "/" : "", d);

    if (n < 0 || n >= CRIL_HUB_PATH)
        return cril_fail(err, CRIL_ERR_RANGE, "%s/%s: is too long for a path", c->place->cache, d);
    return CRIL_OK;
}

cril_status cril_hub_blob_path(const struct cril_hub_cache *c, const char *hash, const char *suffix,
                               char out[CRIL_HUB_PATH], cril_error *err)
{
    char name[96];

    snprintf(name, sizeof(name), "%s%s", hash, suffix);
    return path_of(c, "blobs", name, "", out, err);
}

cril_status cril_hub_snapshot_path(const struct cril_hub_cache *c, const char *commit,
                                   const char *file, char out[CRIL_HUB_PATH], cril_error *err)
{
    return path_of(c, "snapshots", commit, file, out, err);
}

/* ---- looking ---- */

bool cril_hub_file_size(const char *path, uint64_t *out)
{
    struct stat info;

    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    *out = (uint64_t)info.st_size;
    return true;
}

bool cril_hub_cached_commit(const struct cril_hub_cache *c, char commit[41])
{
    char path[CRIL_HUB_PATH], text[64] = "";
    size_t len;
    FILE *f;

    if (cril_hub_is_hex(c->name->revision, 40)) {
        memcpy(commit, c->name->revision, 41);
        return true;
    }
    if (path_of(c, "refs", c->name->revision, "", path, NULL) != CRIL_OK ||
        !(f = fopen(path, "rb")))
        return false;
    len = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' '))
        len--;
    text[len] = '\0';
    if (!cril_hub_is_hex(text, 40))
        return false;
    memcpy(commit, text, 41);
    return true;
}

/* Adds the files below whole, which is folder and at, a path in it. */
static cril_status walk(char whole[CRIL_HUB_PATH], size_t folder, unsigned depth,
                        struct cril_hub_listing *out, cril_error *err)
{
    const size_t len = strlen(whole);
    cril_status st = CRIL_OK;
    struct dirent *e;
    struct stat info;
    DIR *d = opendir(whole);

    if (!d)
        return cril_fail(err, CRIL_ERR_EMPTY, "%s: cannot be opened: %s", whole, strerror(errno));
    while (st == CRIL_OK && (e = readdir(d)) != NULL) {
        if (!cril_hub_path_is_safe(e->d_name) || len + 1 + strlen(e->d_name) >= CRIL_HUB_PATH)
            continue;
        snprintf(whole + len, CRIL_HUB_PATH - len, "/%s", e->d_name);
        if (stat(whole, &info) != 0)
            continue; /* a link whose blob was removed */
        if (S_ISREG(info.st_mode))
            st = cril_hub_listing_add(out, whole + folder + 1, (uint64_t)info.st_size, "", err);
        else if (S_ISDIR(info.st_mode) && depth < MAX_DEPTH)
            st = walk(whole, folder, depth + 1, out, err);
    }
    closedir(d);
    whole[len] = '\0';
    return st;
}

cril_status cril_hub_cache_list(const struct cril_hub_cache *c, const char *commit,
                                struct cril_hub_listing *out, cril_error *err)
{
    char path[CRIL_HUB_PATH];
    cril_status st;

    *out = (struct cril_hub_listing){0};
    memcpy(out->commit, commit, sizeof(out->commit));
    if ((st = cril_hub_snapshot_path(c, commit, "", path, err)) == CRIL_OK &&
        (st = walk(path, strlen(path), 0, out, err)) == CRIL_OK)
        cril_hub_listing_sort(out);
    if (st != CRIL_OK)
        cril_hub_listing_free(out);
    return st;
}

/* ---- changing ---- */

static cril_status cannot(const char *path, const char *what, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_IO, "%s: cannot be %s: %s", path, what, strerror(errno));
}

cril_status cril_hub_make_folders(const char *path, cril_error *err)
{
    char part[CRIL_HUB_PATH];

    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return cannot(part, "made", err);
    }
    return CRIL_OK;
}

/* Whether path still leads to the open file: some programs remove a lock's file when they are done.
 */
static bool is_at(int fd, const char *path)
{
    struct stat open_one, named;

    return fstat(fd, &open_one) == 0 && stat(path, &named) == 0 &&
           open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

cril_status cril_hub_lock(const struct cril_hub_cache *c, const char *hash, const atomic_bool *stop,
                          int *fd, cril_error *err)
{
    const struct timespec pause = {0, 50000000};
    char path[CRIL_HUB_PATH];
    const int n =
        snprintf(path, sizeof(path), "%s/.locks/%s/%s.lock", c->place->cache, c->folder, hash);
    cril_status st;

    if (n < 0 || n >= CRIL_HUB_PATH)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: is too long for a path", c->place->cache);
    if ((st = cril_hub_make_folders(path, err)) != CRIL_OK)
        return st;
    while (!atomic_load(stop)) {
        if ((*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) < 0)
            return cannot(path, "opened", err);
        if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
            if (is_at(*fd, path))
                return CRIL_OK;
        } else if (errno != EWOULDBLOCK && errno != EINTR) {
            st = cannot(path, "locked", err);
            close(*fd);
            return st;
        } else {
            nanosleep(&pause, NULL);
        }
        close(*fd);
    }
    return cril_fail(err, CRIL_ERR_CANCELLED, "stopped while waiting for another program");
}

/* Opens the folder of a file in a snapshot, making those between; no link on the way is followed.
 */
static int open_folder_of(const char *snapshot, const char *file)
{
    int at = open(snapshot, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (const char *slash; at >= 0 && (slash = strchr(file, '/')) != NULL; file = slash + 1) {
        char part[256];
        int below = -1;

        snprintf(part, sizeof(part), "%.*s", (int)(slash - file), file);
        if (mkdirat(at, part, 0777) == 0 || errno == EEXIST)
            below = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(at);
        at = below;
    }
    return at;
}

/* Whether what has that name already is the link. */
static bool is_link_to(int folder, const char *name, const char *target)
{
    char now[CRIL_HUB_PATH];
    const ssize_t n = readlinkat(folder, name, now, sizeof(now));

    return n >= 0 && (size_t)n == strlen(target) && memcmp(now, target, (size_t)n) == 0;
}

static bool put_link(int folder, const char *name, const char *target)
{
    for (int i = 0; i < 2; i++) {
        if (symlinkat(target, folder, name) == 0)
            return true;
        if (errno != EEXIST)
            return false;
        if (is_link_to(folder, name, target))
            return true;
        unlinkat(folder, name, 0);
    }
    return false;
}

cril_status cril_hub_link(const struct cril_hub_cache *c, const char *commit, const char *file,
                          const char *hash, cril_error *err)
{
    char path[CRIL_HUB_PATH], target[2048] = "../../";
    const char *slash = strrchr(file, '/');
    size_t at = strlen(target);
    cril_status st;
    int folder;

    for (const char *p = strchr(file, '/'); p && at + 128 < sizeof(target); p = strchr(p + 1, '/'))
        at += (size_t)snprintf(target + at, sizeof(target) - at, "../");
    snprintf(target + at, sizeof(target) - at, "blobs/%s", hash);
    if ((st = cril_hub_snapshot_path(c, commit, file, path, err)) != CRIL_OK)
        return st;
    path[strlen(path) - strlen(file)] = '\0'; /* the snapshot, with its slash */
    if ((st = cril_hub_make_folders(path, err)) != CRIL_OK)
        return st;
    if ((folder = open_folder_of(path, file)) < 0 ||
        !put_link(folder, slash ? slash + 1 : file, target))
        st = cril_fail(err, CRIL_ERR_IO, "%s%s: cannot be made a link to a blob: %s", path, file,
                       strerror(errno));
    if (folder >= 0)
        close(folder);
    return st;
}

cril_status cril_hub_note_commit(const struct cril_hub_cache *c, const char *commit,
                                 cril_error *err)
{
    char path[CRIL_HUB_PATH], temp[CRIL_HUB_PATH + 64], now[41];
    cril_status st;
    bool good;
    FILE *f;

    if (cril_hub_cached_commit(c, now) && strcmp(now, commit) == 0)
        return CRIL_OK;
    if (cril_hub_is_hex(c->name->revision, 40))
        return CRIL_OK;
    if ((st = path_of(c, "refs", c->name->revision, "", path, err)) != CRIL_OK ||
        (st = cril_hub_make_folders(path, err)) != CRIL_OK)
        return st;
    /* The address differs from thread to thread. */
    snprintf(temp, sizeof(temp), "%s.cril-%ld-%p", path, (long)getpid(), (void *)&f);
    if (!(f = fopen(temp, "wb")))
        return cannot(temp, "opened", err);
    good = fputs(commit, f) != EOF; /* no line end: Python compares the whole text */
    good = fclose(f) == 0 && good;
    if (good && rename(temp, path) == 0)
        return CRIL_OK;
    st = cannot(path, "written", err);
    unlink(temp);
    return st;
}
