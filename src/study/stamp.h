/* Whether a file, or a folder's files, may have been written to: what the file system says of them, in one number. */
#ifndef CRIL_STUDY_STAMP_H
#define CRIL_STUDY_STAMP_H

#include <stdint.h>

/* Of path, sizes, times and inodes; equal as long as nobody writes. 0: it cannot be looked at. Links are followed. */
uint64_t cril_stamp(const char *path);

#endif
