/* A study file from memory. */
#ifndef CRIL_STUDY_FILE_H
#define CRIL_STUDY_FILE_H

#include <cril/study.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * cril_study_check of bytes that path is said to hold. With touch_files false the file system is
 * not touched: all paths are assumed to exist, and a pattern is one model.
 */
cril_status cril_study_read(const char *path, const char *data, size_t len, bool touch_files,
                            cril_study **out, cril_study_faults *faults);

#endif
