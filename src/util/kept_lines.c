/* The lock is an open file description's (fcntl(2), Linux): it goes with the process. */
#define _GNU_SOURCE /* F_OFD_SETLK */
#include "util/kept_lines.h"

#include "util/fail.h"
#include "util/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

struct cril_kept_lines {
    char *path; /* NULL: it has no name */
    int fd;
    uint64_t size;
};

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a journal");
}

static cril_status failed(const struct cril_kept_lines *l, const char *what, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_IO,
                     "%s: %s: %s; make room, then run the same command again: it goes on",
                     l->path ? l->path : "a temporary file", what, strerror(errno));
}

/* ---- Where it is ---- */

/* The folder of journals, with a slash. */
static cril_status find_folder(const char *folder, char out[PATH_BYTES], cril_error *err)
{
    const char *base = getenv("XDG_CACHE_HOME");
    const bool own = !base || base[0] != '/'; /* relative ones are to be ignored */
    int n;

    if (own)
        base = getenv("HOME");
    if (!base || !*base)
        return cril_fail(err, CRIL_ERR_IO,
                         "neither XDG_CACHE_HOME nor HOME is set, so there is no place for the "
                         "journal by which a stopped run goes on");
    n = snprintf(out, PATH_BYTES, "%s%s/cril/%s/", base, own ? "/.cache" : "", folder);
    if (n < 0 || n >= PATH_BYTES - 128)
        return cril_fail(err, CRIL_ERR_IO, "%.80s...: is too long for a folder", base);
    return CRIL_OK;
}

/* All folders of a path that ends in a slash. */
static cril_status make_folders(char *path, cril_error *err)
{
    for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return cril_fail(err, CRIL_ERR_IO,
                             "%s: cannot be made: %s; a stopped run goes on by a journal there",
                             path, strerror(errno));
        *p = '/';
    }
    return CRIL_OK;
}

static cril_status find_path(const char *folder, const char *key, char **out, cril_error *err)
{
    char path[PATH_BYTES], hex[65];
    cril_status st = find_folder(folder, path, err);

    if (st == CRIL_OK)
        st = make_folders(path, err);
    if (st == CRIL_OK)
        st = cril_sha256_of(key, strlen(key), hex, err);
    if (st != CRIL_OK)
        return st;
    sprintf(path + strlen(path), "%.32s.jsonl", hex);
    *out = strdup(path);
    return *out ? CRIL_OK : no_memory(err);
}

/* ---- Opening ---- */

static cril_status lock(const struct cril_kept_lines *l, cril_error *err)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(l->fd, F_OFD_SETLK, &range) == 0)
        return CRIL_OK;
    if (errno == EAGAIN || errno == EACCES)
        return cril_fail(
            err, CRIL_ERR_MISMATCH,
            "%s: another process does the same work with the same model; wait for it, or "
            "stop it",
            l->path);
    return cril_fail(err, CRIL_ERR_IO,
                     "%s: the file system refuses a lock: %s; name another folder in "
                     "XDG_CACHE_HOME",
                     l->path, strerror(errno));
}

/* Opens and locks the file of that name: another process may remove it in between. */
static cril_status open_locked(struct cril_kept_lines *l, cril_error *err)
{
    enum { TRIES = 10 };

    for (int i = 0; i < TRIES; i++) {
        struct stat ours, named;
        cril_status st;

        l->fd = open(l->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (l->fd < 0)
            return failed(l, "cannot be opened", err);
        if ((st = lock(l, err)) != CRIL_OK)
            return st;
        if (fstat(l->fd, &ours) == 0 && stat(l->path, &named) == 0 && ours.st_ino == named.st_ino &&
            ours.st_dev == named.st_dev)
            return CRIL_OK;
        close(l->fd);
        l->fd = -1;
    }
    return cril_fail(err, CRIL_ERR_IO, "%s: is removed again and again by another process",
                     l->path);
}

static cril_status create(struct cril_kept_lines **out, cril_error *err)
{
    struct cril_kept_lines *l = calloc(1, sizeof(*l));

    if (!l)
        return no_memory(err);
    l->fd = -1;
    *out = l;
    return CRIL_OK;
}

void cril_kept_lines_close(struct cril_kept_lines *l)
{
    if (!l)
        return;
    if (l->fd >= 0)
        close(l->fd);
    free(l->path);
    free(l);
}

void cril_kept_lines_remove(struct cril_kept_lines *l)
{
    if (l && l->path)
        unlink(l->path);
}

/* ---- Reading what is there ---- */

struct taker {
    const char *key;
    bool (*take)(void *user, const char *line, size_t len, uint64_t at);
    void *user;
};

/* The whole lines of the file; l->size is set to where they end. */
static cril_status take_lines(struct cril_kept_lines *l, FILE *f, const struct taker *t,
                              cril_error *err)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    bool good = true;

    l->size = 0;
    for (bool first = true; good && (n = getline(&line, &size, f)) > 0; first = false) {
        good = line[n - 1] == '\n';
        if (good && first)
            good = (size_t)n == strlen(t->key) + 1 && memcmp(line, t->key, (size_t)n - 1) == 0;
        else if (good)
            good = t->take(t->user, line, (size_t)n - 1, l->size);
        if (good)
            l->size += (uint64_t)n;
    }
    free(line);
    return ferror(f) ? failed(l, "cannot be read", err) : CRIL_OK;
}

static cril_status read_back(struct cril_kept_lines *l, const struct taker *t, cril_error *err)
{
    const int copy = dup(l->fd);
    FILE *f = copy >= 0 ? fdopen(copy, "r") : NULL;
    cril_status st;

    if (!f) {
        if (copy >= 0)
            close(copy);
        return failed(l, "cannot be read", err);
    }
    st = take_lines(l, f, t, err);
    fclose(f);
    if (st == CRIL_OK && ftruncate(l->fd, (off_t)l->size) != 0)
        return failed(l, "cannot be cut", err);
    return st;
}

/* ---- Lines ---- */

cril_status cril_kept_lines_add(struct cril_kept_lines *l, const char *line, size_t len,
                                uint64_t *at, cril_error *err)
{
    char *copy = malloc(len + 1);
    ssize_t n;

    if (!copy)
        return no_memory(err);
    memcpy(copy, line, len);
    copy[len] = '\n';
    n = write(l->fd, copy, len + 1);
    free(copy);
    if (n == (ssize_t)len + 1) {
        *at = l->size;
        l->size += len + 1;
        return CRIL_OK;
    }
    if (n >= 0)
        errno = ENOSPC;
    else if (errno == EINTR)
        return cril_kept_lines_add(l, line, len, at, err);
    failed(l, "cannot be written", err);
    (void)!ftruncate(l->fd, (off_t)l->size); /* a torn line is dropped when it is read, too */
    return CRIL_ERR_IO;
}

cril_status cril_kept_lines_open(const char *folder, const char *key, bool fresh,
                                 bool (*take)(void *user, const char *line, size_t len,
                                              uint64_t at),
                                 void *user, struct cril_kept_lines **out, cril_error *err)
{
    const struct taker taker = {key, take, user};
    struct cril_kept_lines *l = NULL;
    uint64_t at;
    cril_status st = create(&l, err);

    if (st == CRIL_OK)
        st = find_path(folder, key, &l->path, err);
    if (st == CRIL_OK)
        st = open_locked(l, err);
    if (st == CRIL_OK && fresh && ftruncate(l->fd, 0) != 0)
        st = failed(l, "cannot be emptied", err);
    if (st == CRIL_OK)
        st = read_back(l, &taker, err);
    if (st == CRIL_OK && !l->size)
        st = cril_kept_lines_add(l, key, strlen(key), &at, err);
    if (st == CRIL_OK)
        *out = l;
    else
        cril_kept_lines_close(l);
    return st;
}

cril_status cril_kept_lines_open_temporary(struct cril_kept_lines **out, cril_error *err)
{
    const char *folder = getenv("TMPDIR");
    char path[PATH_BYTES];
    struct cril_kept_lines *l = NULL;
    cril_status st = create(&l, err);
    int n;

    if (st != CRIL_OK)
        return st;
    n = snprintf(path, sizeof(path), "%s/cril-lines-XXXXXX", folder && *folder ? folder : "/tmp");
    l->fd = n > 0 && n < PATH_BYTES ? mkstemp(path) : -1;
    if (l->fd < 0) {
        st = failed(l, "cannot be made", err);
        cril_kept_lines_close(l);
        return st;
    }
    unlink(path);
    *out = l;
    return CRIL_OK;
}

const char *cril_kept_lines_path(const struct cril_kept_lines *l)
{
    return l->path;
}

cril_status cril_kept_lines_read(const struct cril_kept_lines *l, uint64_t at, size_t len,
                                 char **line, cril_error *err)
{
    char *text = malloc(len + 1);

    if (!text)
        return no_memory(err);
    for (size_t n = 0; n < len;) {
        const ssize_t got = pread(l->fd, text + n, len - n, (off_t)(at + n));

        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            if (!got)
                errno = EIO;
            free(text);
            return failed(l, "cannot be read", err);
        }
        n += got > 0 ? (size_t)got : 0;
    }
    text[len] = '\0';
    *line = text;
    return CRIL_OK;
}
