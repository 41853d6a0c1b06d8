/*
 * The box seen from outside, while a program runs in it: what its processes use, and whether the
 * program has come to its end. Read from the box's own /proc, which lists its processes and no
 * others.
 */
#ifndef CRIL_SANDBOX_WATCH_H
#define CRIL_SANDBOX_WATCH_H

#include <cril/status.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cril_watch {
    int proc, tmp, shm; /* folders of the box; -1: not open */
    pid_t program;      /* its number in the box */
    int channel;        /* descriptor of the program's, from which it reads when it has ended */
    uint64_t stack;     /* pointer, when it waited there at the start */
};

struct cril_watch_use {
    double cpu_sec;
    uint64_t memory_bytes; /* pages that several processes share count in each of them */
    uint64_t files;
};

/* first: a process of the box, by its number outside. CRIL_ERR_UNSUPPORTED: its /proc cannot be
 * read. */
cril_status cril_watch_open(struct cril_watch *w, pid_t first, pid_t program, int channel,
                            cril_error *err);
void cril_watch_close(struct cril_watch *w); /* of {-1, -1, -1} too */

void cril_watch_look(const struct cril_watch *w, struct cril_watch_use *use);
/* Memory of all processes, where a shared page counts once. Slower. */
uint64_t cril_watch_exact_memory(const struct cril_watch *w);

enum cril_watch_place {
    CRIL_WATCH_ELSEWHERE, /* the program runs, or waits for something else */
    CRIL_WATCH_WAITING,   /* for the channel, called from where it was called at the start */
    CRIL_WATCH_DEEPER,    /* for the channel, but called from elsewhere */
    CRIL_WATCH_UNKNOWN    /* errno */
};
/* is_start: remembers from where. */
enum cril_watch_place cril_watch_program(struct cril_watch *w, bool is_start);

#endif
