/* Whether a file, or a folder's files, may have been written to: what the file system says of them,
 * in one number. */
#ifndef CRIL_STUDY_STAMP_H
#define CRIL_STUDY_STAMP_H

#include <cril/status.h>
#include <stdint.h>

/* Of path, which may be a model's first part and then stands for all of them, sizes, times and
 * inodes; equal as long as nobody writes. 0: it cannot be looked at. Links are followed. */
uint64_t cril_stamp(const char *path);

/* CRIL_ERR_MISMATCH: path may have been written to since it had that stamp. */
cril_status cril_stamp_check(const char *path, uint64_t stamp, cril_error *err);
/* The same said of a file that is known to be another one. */
cril_status cril_stamp_changed(const char *path, cril_error *err);

#endif
