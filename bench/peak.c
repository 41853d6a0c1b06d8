/*
 * peak [REPEATS]: the most that this machine does, by instruction and in memory, on one core and on
 * all. CSV; each figure is the best of REPEATS (5), since whatever disturbs a run makes it slower.
 */
#include "peak.h"

#include <stdio.h>
#include <stdlib.h>

static void row(const char *name, const char *unit, unsigned threads, double best, const char *cpu)
{
    printf("%s,%s,%u,%.1f,%s\n", name, unit, threads, best / 1e9, cpu);
    fflush(stdout);
}

static void measure(cril_pool *pool, long repeats, const char *cpu)
{
    const unsigned threads = cril_pool_threads(pool);
    size_t n;
    const struct cril_peak *peaks = cril_peaks(&n);
    double best, rate;
    for (size_t i = 0; i < n; i++) {
        if (!peaks[i].available())
            continue;
        best = 0;
        for (long r = 0; r < repeats; r++)
            if ((rate = cril_peak_rate(&peaks[i], pool, 0.05)) > best)
                best = rate;
        row(peaks[i].name, peaks[i].unit, threads, best, cpu);
    }
    best = 0;
    for (long r = 0; r < repeats; r++)
        if ((rate = cril_peak_l2(pool, 0.05)) > best)
            best = rate;
    row("second-level cache read", "GB/s", threads, best, cpu);
    best = 0;
    for (long r = 0; r < repeats; r++)
        if ((rate = cril_peak_copy(pool, 0.3)) > best)
            best = rate;
    row("memory copy", "GB/s", threads, best, cpu);
}

int main(int argc, char **argv)
{
    const long repeats = argc > 1 ? strtol(argv[1], NULL, 10) : 5;
    const unsigned all = cril_cpu_count();
    char cpu[256];
    cril_error err;
    if (argc > 2 || repeats < 1) {
        fputs("usage: peak [REPEATS]\n", stderr);
        return 2;
    }
    cril_bench_cpu_name(cpu, sizeof(cpu));
    puts("what,unit,threads,rate,cpu");
    for (unsigned threads = 1; threads == 1 || threads <= all;
         threads = threads == 1 && all > 1 ? all : all + 1) {
        cril_pool *pool;
        if (cril_pool_create(threads, &pool, &err) != CRIL_OK) {
            fprintf(stderr, "peak: %s\n", err.message);
            return 1;
        }
        measure(pool, repeats, cpu);
        cril_pool_free(pool);
    }
    return 0;
}
