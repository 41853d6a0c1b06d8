/* The lock is an open file description's (fcntl(2), Linux): it goes with the process. */
#define _GNU_SOURCE /* F_OFD_SETLK */
#include "tasks/journal.h"

#include "tasks/item_lines.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/json.h"
#include "util/size.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, READ_BYTES = 1 << 16 };

struct cril_journal {
    char *path; /* NULL: it has no name */
    int fd;
    uint64_t size;
    struct cril_places places;
    struct stretch {
        uint64_t at;
        size_t len; /* without line end; 0: the item is not there */
    } * lines;      /* [places.n] */
    size_t n;
};

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a journal of items");
}

static cril_status failed(const struct cril_journal *j, const char *what, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_IO,
                     "%s: %s: %s; make room, then run the same command again: it goes on",
                     j->path ? j->path : "a temporary file", what, strerror(errno));
}

/* ---- Where it is ---- */

/* The folder of journals, with a slash. */
static cril_status find_folder(char out[PATH_BYTES], cril_error *err)
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
    n = snprintf(out, PATH_BYTES, "%s%s/cril/eval/", base, own ? "/.cache" : "");
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

static cril_status find_path(const char *key, char **out, cril_error *err)
{
    char path[PATH_BYTES], hex[65];
    cril_status st = find_folder(path, err);

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

static cril_status lock(const struct cril_journal *j, cril_error *err)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(j->fd, F_OFD_SETLK, &range) == 0)
        return CRIL_OK;
    if (errno == EAGAIN || errno == EACCES)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: another process runs the same evaluation of the same model; wait for "
                         "it, or stop it",
                         j->path);
    return cril_fail(err, CRIL_ERR_IO,
                     "%s: the file system refuses a lock: %s; name another folder in "
                     "XDG_CACHE_HOME",
                     j->path, strerror(errno));
}

/* Opens and locks the file of that name: another process may remove it in between. */
static cril_status open_locked(struct cril_journal *j, cril_error *err)
{
    enum { TRIES = 10 };

    for (int i = 0; i < TRIES; i++) {
        struct stat ours, named;
        cril_status st;

        j->fd = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (j->fd < 0)
            return failed(j, "cannot be opened", err);
        if ((st = lock(j, err)) != CRIL_OK)
            return st;
        if (fstat(j->fd, &ours) == 0 && stat(j->path, &named) == 0 && ours.st_ino == named.st_ino &&
            ours.st_dev == named.st_dev)
            return CRIL_OK;
        close(j->fd);
        j->fd = -1;
    }
    return cril_fail(err, CRIL_ERR_IO, "%s: is removed again and again by another process",
                     j->path);
}

static cril_status create(const struct cril_items *items, struct cril_journal **out,
                          cril_error *err)
{
    struct cril_journal *j = calloc(1, sizeof(*j));
    cril_status st;

    if (!j)
        return no_memory(err);
    j->fd = -1;
    st = cril_places_init(&j->places, items, err);
    if (st == CRIL_OK && !(j->lines = calloc(items->n + 1, sizeof(*j->lines))))
        st = no_memory(err);
    if (st == CRIL_OK)
        *out = j;
    else
        cril_journal_close(j);
    return st;
}

void cril_journal_close(struct cril_journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0)
        close(j->fd);
    cril_places_free(&j->places);
    free(j->lines);
    free(j->path);
    free(j);
}

void cril_journal_remove(struct cril_journal *j)
{
    if (j && j->path)
        unlink(j->path);
}

/* ---- Reading what is there ---- */

/* False: no line that a journal has. */
static bool take_line(struct cril_journal *j, const char *line, size_t len, uint64_t at)
{
    json_t *parsed = NULL;
    const char *subject;
    uint64_t index;
    size_t item;
    bool good;

    if (cril_json_parse("", (const uint8_t *)line, len, &parsed, NULL) != CRIL_OK)
        return false;
    good = cril_line_place(parsed, &subject, &index);
    item = good ? cril_places_find(&j->places, subject, index) : SIZE_MAX;
    if (item != SIZE_MAX && !j->lines[item].len) {
        j->lines[item] = (struct stretch){at, len};
        j->n++;
    }
    json_decref(parsed);
    return good;
}

/* The whole lines of the file; j->size is set to where they end. */
static cril_status take_lines(struct cril_journal *j, FILE *f, const char *key, cril_error *err)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    bool good = true;

    j->size = 0;
    for (bool first = true; good && (n = getline(&line, &size, f)) > 0; first = false) {
        good = line[n - 1] == '\n';
        if (good && first)
            good = (size_t)n == strlen(key) + 1 && memcmp(line, key, (size_t)n - 1) == 0;
        else if (good)
            good = take_line(j, line, (size_t)n - 1, j->size);
        if (good)
            j->size += (uint64_t)n;
    }
    free(line);
    return ferror(f) ? failed(j, "cannot be read", err) : CRIL_OK;
}

static cril_status read_back(struct cril_journal *j, const char *key, cril_error *err)
{
    const int copy = dup(j->fd);
    FILE *f = copy >= 0 ? fdopen(copy, "r") : NULL;
    cril_status st;

    if (!f) {
        if (copy >= 0)
            close(copy);
        return failed(j, "cannot be read", err);
    }
    st = take_lines(j, f, key, err);
    fclose(f);
    if (st == CRIL_OK && ftruncate(j->fd, (off_t)j->size) != 0)
        return failed(j, "cannot be cut", err);
    return st;
}

/* ---- Lines ---- */

static cril_status write_line(struct cril_journal *j, const char *line, size_t len, cril_error *err)
{
    char *copy = malloc(len + 1);
    ssize_t n;

    if (!copy)
        return no_memory(err);
    memcpy(copy, line, len);
    copy[len] = '\n';
    n = write(j->fd, copy, len + 1);
    free(copy);
    if (n == (ssize_t)len + 1) {
        j->size += len + 1;
        return CRIL_OK;
    }
    if (n >= 0)
        errno = ENOSPC;
    else if (errno == EINTR)
        return write_line(j, line, len, err);
    failed(j, "cannot be written", err);
    (void)!ftruncate(j->fd, (off_t)j->size); /* a torn line is dropped when it is read, too */
    return CRIL_ERR_IO;
}

cril_status cril_journal_open(const char *key, const struct cril_items *items, bool fresh,
                              struct cril_journal **out, cril_error *err)
{
    struct cril_journal *j = NULL;
    cril_status st = create(items, &j, err);

    if (st == CRIL_OK)
        st = find_path(key, &j->path, err);
    if (st == CRIL_OK)
        st = open_locked(j, err);
    if (st == CRIL_OK && fresh && ftruncate(j->fd, 0) != 0)
        st = failed(j, "cannot be emptied", err);
    if (st == CRIL_OK)
        st = read_back(j, key, err);
    if (st == CRIL_OK && !j->size)
        st = write_line(j, key, strlen(key), err);
    if (st == CRIL_OK)
        *out = j;
    else
        cril_journal_close(j);
    return st;
}

cril_status cril_journal_open_temporary(const struct cril_items *items, struct cril_journal **out,
                                        cril_error *err)
{
    const char *folder = getenv("TMPDIR");
    char path[PATH_BYTES];
    struct cril_journal *j = NULL;
    cril_status st = create(items, &j, err);
    int n;

    if (st != CRIL_OK)
        return st;
    n = snprintf(path, sizeof(path), "%s/cril-eval-XXXXXX", folder && *folder ? folder : "/tmp");
    j->fd = n > 0 && n < PATH_BYTES ? mkstemp(path) : -1;
    if (j->fd < 0) {
        st = failed(j, "cannot be made", err);
        cril_journal_close(j);
        return st;
    }
    unlink(path);
    *out = j;
    return CRIL_OK;
}

const char *cril_journal_path(const struct cril_journal *j)
{
    return j->path;
}

size_t cril_journal_lines(const struct cril_journal *j)
{
    return j->n;
}

bool cril_journal_has(const struct cril_journal *j, size_t item)
{
    return j->lines[item].len;
}

cril_status cril_journal_add(struct cril_journal *j, size_t item, const char *line, size_t len,
                             cril_error *err)
{
    const uint64_t at = j->size;
    const cril_status st = write_line(j, line, len, err);

    if (st != CRIL_OK)
        return st;
    j->lines[item] = (struct stretch){at, len};
    j->n++;
    return CRIL_OK;
}

cril_status cril_journal_read(const struct cril_journal *j, size_t item, char **line, size_t *len,
                              cril_error *err)
{
    const struct stretch *s = &j->lines[item];
    char *text = malloc(s->len + 1);

    if (!text)
        return no_memory(err);
    for (size_t n = 0; n < s->len;) {
        const ssize_t got = pread(j->fd, text + n, s->len - n, (off_t)(s->at + n));

        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            if (!got)
                errno = EIO;
            free(text);
            return failed(j, "cannot be read", err);
        }
        n += got > 0 ? (size_t)got : 0;
    }
    text[s->len] = '\0';
    *line = text;
    *len = s->len;
    return CRIL_OK;
}

cril_status cril_journal_each(const struct cril_journal *j,
                              cril_status (*take)(void *user, const char *line, size_t len,
                                                  cril_error *err),
                              void *user, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < j->places.n && st == CRIL_OK; i++) {
        char *line;
        size_t len;

        if (!cril_journal_has(j, i))
            continue;
        if ((st = cril_journal_read(j, i, &line, &len, err)) == CRIL_OK) {
            st = take(user, line, len, err);
            free(line);
        }
    }
    return st;
}
