/*
 * What the program git prints about a repository.
 *
 * A repository's own configuration is hostile: only plumbing runs that starts no program of it, in
 * an environment of ours, without hooks, helpers, pagers, signatures and transports.
 */
#ifndef CRIL_GATHER_GIT_H
#define CRIL_GATHER_GIT_H

#include "util/memory.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* A run of git. Zero-initialised there is none. One thread at a time. */
struct cril_git {
    const char *folder; /* borrowed */
    FILE *out;          /* what it prints */
    int errors;         /* a file with what it complains of */
    pid_t pid;
};

/*
 * Starts "git --git-dir FOLDER ARGS..."; args ends with NULL. in: its standard input, which the
 * caller closes; -1: there is none. CRIL_ERR_IO, CRIL_ERR_UNSUPPORTED: there is no git.
 */
cril_status cril_git_start(struct cril_git *g, const char *folder, const char *const *args, int in,
                           cril_error *err);
/* Waits for its end. CRIL_ERR_FORMAT: it failed, with the last line of its complaints. */
cril_status cril_git_end(struct cril_git *g, cril_error *err);
/* Ends it, wherever it is. */
void cril_git_stop(struct cril_git *g);

/* All that it prints, max bytes at most, with a NUL behind; memory stays the caller's. The errors
 * of both above, and CRIL_ERR_UNSUPPORTED: there is more. */
cril_status cril_git_read(const char *folder, const char *const *args, size_t max,
                          struct cril_memory *memory, size_t *len, cril_error *err);

#endif
