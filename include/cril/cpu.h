/*
 * The kernel sets of this build, and which of them this process uses.
 *
 * All of them give the same bits (doc/numerics.md) and differ in speed alone. The fastest that the
 * CPU has is chosen when kernels are first needed, and kept. CRIL_CPU in the environment narrows
 * the choice: it names the last set to consider; empty is as good as not set. Any thread may call
 * these functions while none changes the environment.
 */
#ifndef CRIL_CPU_H
#define CRIL_CPU_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_kernel_info {
    const char *name;  /* "avx2"; static, like the next */
    const char *needs; /* what a CPU must have, for a person to read */
    bool available;    /* this CPU has that */
    bool allowed;      /* CRIL_CPU does not leave it out */
} cril_kernel_info;

/* Kernel set i of this build. The first is plain C, which runs on any CPU; the others follow by
   rising speed. False, and nothing in *out, past the last. */
bool cril_kernel_info_at(size_t i, cril_kernel_info *out);

/* The name of the set that this process uses. Where cril_cpu_check fails, this is the fastest set
   of the CPU (of those before the one that CRIL_CPU names, if there is such a set): what works is
   not refused, so ask before relying on it. */
const char *cril_cpu_kernels(void);

/*
 * Whether CRIL_CPU, if it is set, can be obeyed. CRIL_ERR_RANGE: it names no kernel set of this
 * build; CRIL_ERR_UNSUPPORTED: this CPU lacks what that set needs. The sentence lists the names to
 * choose from.
 */
cril_status cril_cpu_check(cril_error *err);

/* Cores that this process may run on, at least 1. */
unsigned cril_cpu_count(void);

#ifdef __cplusplus
}
#endif
#endif
