/*
 * Another program as a child process, with exactly the descriptors that it is given.
 *
 * vfork, not fork: a process that holds a model has many pages, and copying their tables costs more
 * than a small program takes. The child therefore calls the system and nothing else.
 */
#ifndef CRIL_SANDBOX_SPAWN_H
#define CRIL_SANDBOX_SPAWN_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* User and group of programs in the box: "nobody". */
enum { CRIL_NOBODY = 65534 };

/* Descriptors that a child is to have are above this number, so that none is overwritten. */
enum { CRIL_SPAWN_FDS = 32 };

struct cril_spawn_limit {
    int resource; /* RLIMIT_... */
    uint64_t soft, hard;
};

/* Another name for a path, so that a user who may not enter its folders can read it. */
struct cril_spawn_stage {
    const char *path, *as; /* as: CRIL_SPAWN_STAGES and a name */
    bool is_folder;
};
#define CRIL_SPAWN_STAGES "/sys/"

struct cril_spawn {
    const char *path; /* absolute */
    char *const *argv, *const *envp;
    const int *fds; /* [n_fds]: fds[i] becomes i, -1: is closed; the child has no other */
    int n_fds;      /* < CRIL_SPAWN_FDS */

    /* A child that is not confined has a process group of its own. One that is starts in /, without
     * a terminal, and dies with the calling thread; all below is about it. */
    bool confined;
    bool nobody; /* it leaves root for CRIL_NOBODY */
    const struct cril_spawn_limit *limits;
    size_t n_limits;
    const int *cgroups; /* [n_cgroups] descriptors of cgroup.procs, which it enters */
    size_t n_cgroups;
    const struct cril_spawn_stage *stages;
    size_t n_stages;
};

/* *pid is to be waited for by the caller. CRIL_ERR_IO: there is no child. */
cril_status cril_spawn(const struct cril_spawn *s, pid_t *pid, cril_error *err);

/* fd, moved above CRIL_SPAWN_FDS and closed on exec; -1 stays -1, with errno. */
int cril_spawn_move_up(int fd);
/* A pipe of two such descriptors; end 0 does not block. -1: errno. */
int cril_spawn_pipe(int ends[2]);
/* A file in memory of these bytes, read from its start; -1: errno. */
int cril_spawn_text(const char *name, const void *data, size_t len);
/* /dev/null, for reading; -1: errno. */
int cril_spawn_null(void);

#endif
