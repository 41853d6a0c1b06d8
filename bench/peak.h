/*
 * What a core can do at most: loops of one instruction on registers, and of loads and stores on
 * memory.
 *
 * The loops are assembly with registers named by hand: from intrinsics, compilers keep part of the
 * accumulators on the stack, and the loop then shows a third of the peak.
 */
#ifndef CRIL_BENCH_PEAK_H
#define CRIL_BENCH_PEAK_H

#include "util/threads.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_peak {
    const char *name;
    const char *unit;        /* "GFLOP/s", "GOP/s" (a multiply-add is two operations) or "GB/s" */
    const char *kernels;     /* the first kernel set that may use this instruction */
    double per_turn;         /* operations, or bytes, of one turn of the loop */
    bool (*available)(void); /* this CPU has it */
    void (*loop)(uint64_t turns);
};

/* Loops of this architecture; [*n]. */
const struct cril_peak *cril_peaks(size_t *n);

/* Units a second of all of the pool's threads together, from one run that lasts about the given
 * time. */
double cril_peak_rate(const struct cril_peak *p, cril_pool *pool, double seconds);

/* Bytes copied a second, read and written ones both counted, in buffers that no cache holds. 0: no
 * memory. */
double cril_peak_copy(cril_pool *pool, double seconds);

/* Bytes read a second from buffers of half of the second-level cache each. 0: no memory. */
double cril_peak_l2(cril_pool *pool, double seconds);

double cril_bench_now(void);                        /* seconds */
double cril_bench_median(double *values, size_t n); /* sorts them */
void cril_bench_cpu_name(char *name, size_t size);  /* without commas, for CSV */

#endif
