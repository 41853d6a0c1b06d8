/*
 * The regular files below a folder, in the bytewise order of their paths, so that every machine
 * reads them in the same order. Links are followed; a folder that links lead to again is not
 * entered again. Names that begin with "." are skipped, and so are pipes, sockets and devices.
 */
#ifndef CRIL_CORPUS_FOLDER_H
#define CRIL_CORPUS_FOLDER_H

#include <cril/status.h>
#include <stddef.h>

struct cril_folder {
    size_t n, cap;
    char **paths; /* [n], each begins with the folder's path and a slash */
};

/* *out is released with cril_folder_free, after an error too. CRIL_ERR_IO, CRIL_ERR_NOMEM. */
cril_status cril_folder_list(const char *path, struct cril_folder *out, cril_error *err);
void cril_folder_free(struct cril_folder *f);

#endif
