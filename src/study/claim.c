/*
 * Claims are open file description locks (fcntl(2), Linux) on byte ranges of an empty file
 * beside the store. They belong to the open file, not to the process or a descriptor's copy, and go
 * when its last descriptor is closed, so a process that is killed leaves none behind and nothing
 * has to be refreshed or timed out. Two claims of one process exclude each other as well.
 *
 * A cell has 2^32 bytes, one a document or item, at 2^32 times the first 30 bits of its key. Cells
 * that share these bits are claimed as one: this may delay work, but never makes it wrong.
 */
#define _GNU_SOURCE /* F_OFD_SETLK */
#include "study/store.h"

#include "util/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cril_claim {
    int fd;
};

static cril_status open_lock_file(const cril_store *s, int *fd, cril_error *err)
{
    static const char suffix[] = "-lock";
    const size_t len = strlen(s->real);
    char *path = malloc(len + sizeof(suffix));
    cril_status st = CRIL_OK;

    if (!path)
        return cril_store_no_memory(s, err);
    memcpy(path, s->real, len);
    memcpy(path + len, suffix, sizeof(suffix));
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0)
        st = cril_fail(err, CRIL_ERR_IO,
                       "%s: cannot be opened: %s; runs claim documents by its locks, so permit "
                       "writing it and its folder",
                       path, strerror(errno));
    free(path);
    return st;
}

static off_t first_byte(const uint8_t key[32])
{
    const uint32_t cell =
        ((uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3]) >> 2;

    return (off_t)((uint64_t)cell << 32);
}

static cril_status claim(const cril_store *s, const uint8_t key[32], uint64_t from, uint64_t to,
                         cril_claim **out, cril_error *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    cril_claim *c;
    int fd = -1;
    cril_status st;

    if (from >= to || to > UINT64_C(1) << 32)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: rows %" PRIu64 " to before %" PRIu64 " cannot be claimed", s->path,
                         from, to);
    if ((st = open_lock_file(s, &fd, err)) != CRIL_OK)
        return st;
    if (!(c = malloc(sizeof(*c)))) {
        close(fd);
        return cril_store_no_memory(s, err);
    }
    lock.l_start = first_byte(key) + (off_t)from;
    lock.l_len = (off_t)(to - from);
    c->fd = fd;
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        const int why = errno;

        cril_claim_release(c);
        if (why != EAGAIN && why != EACCES)
            return cril_fail(err, CRIL_ERR_IO,
                             "%s-lock: the file system refuses a lock: %s; keep the database on "
                             "one that has locks",
                             s->path, strerror(why));
        c = NULL;
    }
    *out = c;
    return CRIL_OK;
}

cril_status cril_store_claim(cril_store *s, const cril_cell *cell, uint64_t from, uint64_t to,
                             cril_claim **out, cril_error *err)
{
    if (CRIL_LACKS(err, s, cell, out))
        return CRIL_ERR_RANGE;

    uint8_t key[32];
    const cril_status st = cril_cell_key(cell, key, err);

    return st == CRIL_OK ? claim(s, key, from, to, out, err) : st;
}

cril_status cril_claim_items(cril_store *s, const cril_item_cell *cell, uint64_t from, uint64_t to,
                             cril_claim **out, cril_error *err)
{
    uint8_t key[32];
    const cril_status st = cril_item_cell_key(cell, key, err);

    return st == CRIL_OK ? claim(s, key, from, to, out, err) : st;
}

void cril_claim_release(cril_claim *c)
{
    if (!c)
        return;
    close(c->fd);
    free(c);
}
