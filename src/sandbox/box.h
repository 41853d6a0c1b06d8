/* One box: bubblewrap, started with bounds, watched until its program ends or breaks one. */
#ifndef CRIL_SANDBOX_BOX_H
#define CRIL_SANDBOX_BOX_H

#include "sandbox/cgroup.h"
#include "sandbox/drain.h"
#include "sandbox/python.h"
#include "util/arena.h"
#include "util/bytes.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What does not change from one program to the next. */
struct cril_box {
    struct cril_arena arena;
    const char *bwrap; /* its path */
    struct cril_python python;
    char *const *argv, *const *envp;
    struct cril_spawn_stage *stages; /* [n_stages] */
    size_t n_stages;
    bool nobody; /* this process is root's */
    struct cril_cgroup cgroup;
};

struct cril_box_bounds {
    double wall_sec, cpu_sec; /* 0: none */
    uint64_t memory_bytes;
    bool as_library; /* struct cril_sandbox_program */
};

enum cril_box_stop {
    CRIL_BOX_ENDED, /* by itself */
    CRIL_BOX_WALL,
    CRIL_BOX_CPU,
    CRIL_BOX_MEMORY,
    CRIL_BOX_FILES,
    CRIL_BOX_OUTPUT
};

struct cril_box_end {
    enum cril_box_stop stop;
    int status;       /* 0..255, as bubblewrap has it: 128 + n for a signal */
    bool reached_end; /* of the program's text */
    double wall_sec;  /* from the program's start */
    struct cril_drain out, error;
};

/* b: filled as far as it goes, also on error; python NULL: "python3". */
cril_status cril_box_open(struct cril_box *b, const char *python, cril_error *err);
void cril_box_close(struct cril_box *b);

/* All that ran in it has ended when this returns. CRIL_ERR_UNSUPPORTED: there is no box, for the
 * reason that bubblewrap gives. */
cril_status cril_box_run(struct cril_box *b, struct cril_bytes source,
                         const struct cril_box_bounds *bounds, struct cril_box_end *end,
                         cril_error *err);

#endif
