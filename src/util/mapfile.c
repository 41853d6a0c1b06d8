/*
 * open, fstat, mmap. O_NONBLOCK so that a FIFO given by mistake is refused and not waited for; the
 * descriptor is closed at once, the mapping does not need it.
 */
#include "util/mapfile.h"

#include "util/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct cril_file_state state_of(const struct stat *st)
{
    return (struct cril_file_state){{(int64_t)st->st_dev, (int64_t)st->st_ino, (int64_t)st->st_size,
                                     (int64_t)st->st_mtim.tv_sec, (int64_t)st->st_mtim.tv_nsec,
                                     (int64_t)st->st_ctim.tv_sec, (int64_t)st->st_ctim.tv_nsec}};
}

static cril_status map_fd(int fd, const char *path, struct cril_mapfile *out, cril_error *err)
{
    struct stat st;
    void *p;

    if (fstat(fd, &st) != 0)
        return cril_fail(err, CRIL_ERR_IO, "%s: cannot read its size: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return cril_fail(err, CRIL_ERR_IO, "%s: is a folder; name a file in it", path);
    if (!S_ISREG(st.st_mode))
        return cril_fail(
            err, CRIL_ERR_IO,
            "%s: is a pipe or a device, which cannot be mapped; save it to a file first", path);
    if (st.st_size < 0 || (uintmax_t)st.st_size > SIZE_MAX)
        return cril_fail(err, CRIL_ERR_NOMEM,
                         "%s: larger than this machine's address space; use a 64-bit build", path);
    out->state = state_of(&st);
    if (st.st_size == 0)
        return CRIL_OK;
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        int e = errno;
        return cril_fail(err, e == ENOMEM ? CRIL_ERR_NOMEM : CRIL_ERR_IO,
                         "%s: cannot be mapped: %s", path, strerror(e));
    }
    out->data = p;
    out->size = (size_t)st.st_size;
    return CRIL_OK;
}

cril_status cril_mapfile_map(int fd, const char *name, struct cril_mapfile *out, cril_error *err)
{
    *out = (struct cril_mapfile){0};
    return map_fd(fd, name, out, err);
}

cril_status cril_mapfile_open(const char *path, struct cril_mapfile *out, cril_error *err)
{
    cril_status st;
    int fd;

    *out = (struct cril_mapfile){0};
    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        int e = errno;
        return cril_fail(err, CRIL_ERR_IO, "%s: cannot be opened: %s%s", path, strerror(e),
                         e == ENOENT   ? "; check the path"
                         : e == EACCES ? "; check its permissions"
                                       : "");
    }
    st = map_fd(fd, path, out, err);
    close(fd);
    return st;
}

cril_status cril_mapfile_check(const struct cril_mapfile *m, const char *path, cril_error *err)
{
    struct cril_file_state now = {{0}};
    struct stat st;

    if (stat(path, &st) == 0)
        now = state_of(&st);
    if (memcmp(&now, &m->state, sizeof(now)) == 0)
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_MISMATCH,
                     "%s: was written to or replaced while it was in use; run it again", path);
}

void cril_mapfile_close(struct cril_mapfile *m)
{
    if (m->data)
        munmap((void *)(uintptr_t)m->data, m->size);
    *m = (struct cril_mapfile){0};
}
