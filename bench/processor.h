/* Time that the process had a processor: of use where others run beside it. */
#ifndef CRIL_BENCH_PROCESSOR_H
#define CRIL_BENCH_PROCESSOR_H

#include <time.h>

static inline double cril_bench_processor(void) /* seconds */
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
