/* A control group for the processes of the box, where this process may make one: a bound of their
 * memory, their number, and a count of their processor time, all of which the kernel keeps. */
#ifndef CRIL_SANDBOX_CGROUP_H
#define CRIL_SANDBOX_CGROUP_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRIL_CGROUPS = 3, CRIL_CGROUP_PATH = 512 };

/* Version 1 has one folder for each controller, version 2 one for all. */
struct cril_cgroup {
    char folder[CRIL_CGROUPS][CRIL_CGROUP_PATH]; /* [n] */
    int entry[CRIL_CGROUPS];                     /* [n] descriptors of cgroup.procs */
    size_t n;
    int version; /* 0: there is none */
    bool has_memory, has_processes, has_cpu;
    size_t memory_at, processes_at, cpu_at; /* folders */
    uint64_t killed_before;                 /* for memory, by the last start */
    double cpu_before;
};

/* Makes one, bounded to so many processes; version 0 where none can be had, which is no error. */
void cril_cgroup_open(struct cril_cgroup *g, unsigned processes);
/* The processes must be gone. */
void cril_cgroup_close(struct cril_cgroup *g);

/* Of a program that is about to start. false: the bound could not be set. */
bool cril_cgroup_start(struct cril_cgroup *g, uint64_t memory_bytes);
/* Since the start. */
bool cril_cgroup_killed(const struct cril_cgroup *g);
double cril_cgroup_cpu_sec(const struct cril_cgroup *g); /* 0 without has_cpu */

#endif
