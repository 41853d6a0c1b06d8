/* Time as it passes, whatever the calendar is set to. */
#ifndef CRIL_UTIL_CLOCK_H
#define CRIL_UTIL_CLOCK_H

#include <time.h>

/* Seconds from some moment before the program began. */
static inline double cril_clock_sec(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#endif
