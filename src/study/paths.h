/* Paths of a study file: relative ones start at its folder, patterns become files, files have
 * names. */
#ifndef CRIL_STUDY_PATHS_H
#define CRIL_STUDY_PATHS_H

#include "util/arena.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>

/* path itself if it is absolute, else below the folder of the study file. NULL: out of memory. */
char *cril_path_below(struct cril_arena *a, const char *study, const char *path);

/* The file name of path without what ends it: suffix (NULL: one of compression, then one more).
 * NULL: out of memory. */
char *cril_path_stem(struct cril_arena *a, const char *path, const char *suffix);

/* The name of a model by its file, without ".gguf" and without the number of a part, or by its
 * folder. NULL: out of memory. */
char *cril_path_model_name(struct cril_arena *a, const char *path);

struct cril_paths {
    size_t n;
    const char **paths; /* [n], of an arena */
};

/* Models that match a pattern of a study file (cril_model_match). None: CRIL_OK and n = 0.
 * CRIL_ERR_IO, CRIL_ERR_NOMEM; the sentence has no path in front. */
cril_status cril_path_match(struct cril_arena *a, const char *study, const char *pattern,
                            struct cril_paths *out, cril_error *err);

/* It is there and begins as a model. The sentence has the path in front. CRIL_ERR_IO,
 * CRIL_ERR_FORMAT. */
cril_status cril_path_check_model(const char *path, cril_error *err);

#endif
