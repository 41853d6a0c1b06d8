/*
 * A regular file mapped read-only. The mapping shows the file as it is: a file that another program
 * cuts short while it is mapped ends the process with SIGBUS, as for every mapped file.
 */
#ifndef CRIL_UTIL_MAPFILE_H
#define CRIL_UTIL_MAPFILE_H

#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

/* What tells whether a file is still the one that was mapped, with the same content. */
struct cril_file_state {
    int64_t facts[7]; /* device, inode, size, times of the last change of content and of state */
};

struct cril_mapfile {
    const uint8_t *data; /* [size]; NULL for an empty file */
    size_t size;
    struct cril_file_state state; /* when it was mapped */
};

/* Maps path; release with cril_mapfile_close. CRIL_ERR_IO, CRIL_ERR_NOMEM; on error *out is empty.
 */
cril_status cril_mapfile_open(const char *path, struct cril_mapfile *out, cril_error *err);
/* The same of an open descriptor, which stays the caller's and may be closed at once; name is for
 * messages. */
cril_status cril_mapfile_map(int fd, const char *name, struct cril_mapfile *out, cril_error *err);
/* CRIL_ERR_MISMATCH: what path leads to now is another file, or was written to since it was mapped.
 */
cril_status cril_mapfile_check(const struct cril_mapfile *m, const char *path, cril_error *err);
void cril_mapfile_close(struct cril_mapfile *m); /* an empty or closed one is allowed */

#endif
