/* Time, medians, and how peak.h's loops are run on all threads at once. */
#include "peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double cril_bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double cril_bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

void cril_bench_cpu_name(char *name, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    snprintf(name, size, "unknown CPU");
    while (f && fgets(line, sizeof(line), f)) {
        char *colon = strchr(line, ':');
        if (!colon || (strncmp(line, "model name", 10) != 0 && strncmp(line, "CPU part", 8) != 0))
            continue;
        colon += strspn(colon, ": \t");
        colon[strcspn(colon, "\n,")] = '\0';
        snprintf(name, size, "%s", colon);
        break;
    }
    if (f)
        fclose(f);
}

/* One job for every thread of a pool: fn(arg, worker's buffer, turns). */
struct job {
    void (*fn)(const void *arg, unsigned char *buffer, uint64_t turns);
    const void *arg;
    unsigned char *buffers; /* [threads][bytes] */
    size_t bytes;
    uint64_t turns;
};

static void job_task(void *arg, size_t task, size_t worker)
{
    const struct job *j = arg;
    (void)worker;
    j->fn(j->arg, j->buffers + task * j->bytes, j->turns);
}

static double timed(struct job *j, cril_pool *pool, uint64_t turns)
{
    const double start = cril_bench_now();
    j->turns = turns;
    cril_pool_run(pool, cril_pool_threads(pool), job_task, j);
    return cril_bench_now() - start;
}

/* Turns a second of all threads. A short run warms up and says how many turns last as long as
 * wanted. */
static double turns_per_second(struct job *j, cril_pool *pool, double seconds)
{
    uint64_t turns = 1;
    double t = timed(j, pool, turns);
    while (t < seconds / 8) {
        turns *= 2;
        t = timed(j, pool, turns);
    }
    turns = (uint64_t)((double)turns * seconds / t) + 1;
    return (double)turns * (double)cril_pool_threads(pool) / timed(j, pool, turns);
}

static void run_loop(const void *arg, unsigned char *buffer, uint64_t turns)
{
    const struct cril_peak *p = arg;
    (void)buffer;
    p->loop(turns);
}

double cril_peak_rate(const struct cril_peak *p, cril_pool *pool, double seconds)
{
    return p->per_turn * turns_per_second(&(struct job){.fn = run_loop, .arg = p}, pool, seconds);
}

/* Bytes a second of a job that moves per_turn bytes a turn, with buffers that have been written
 * once. */
static double bytes_per_second(struct job *j, cril_pool *pool, double per_turn, double seconds)
{
    const size_t total = j->bytes * cril_pool_threads(pool);
    double rate;
    if (!(j->buffers = aligned_alloc(4096, total)))
        return 0;
    memset(j->buffers, 1, total);
    rate = per_turn * turns_per_second(j, pool, seconds);
    free(j->buffers);
    return rate;
}

static void copy_halves(const void *arg, unsigned char *buffer, uint64_t turns)
{
    const size_t half = *(const size_t *)arg;
    for (; turns > 0; turns--) {
        memcpy(buffer, buffer + half, half);
        __asm__ volatile("" ::"r"(buffer) : "memory"); /* every copy counts */
    }
}

double cril_peak_copy(cril_pool *pool, double seconds)
{
    const size_t half = (size_t)128 << 20;
    struct job j = {.fn = copy_halves, .arg = &half, .bytes = 2 * half};
    return bytes_per_second(&j, pool, 2 * (double)half, seconds);
}

/* Every byte of the buffer into registers. */
static void read_all(const void *arg, unsigned char *buffer, uint64_t turns)
{
    const size_t bytes = *(const size_t *)arg;
    for (; turns > 0; turns--) {
        for (const unsigned char *p = buffer; p < buffer + bytes; p += 128) {
#if defined(__x86_64__)
            __asm__ volatile("vmovaps (%0), %%ymm0\n\t"
                             "vmovaps 32(%0), %%ymm1\n\t"
                             "vmovaps 64(%0), %%ymm2\n\t"
                             "vmovaps 96(%0), %%ymm3" ::"r"(p)
                             : "xmm0", "xmm1", "xmm2", "xmm3", "memory");
#elif defined(__aarch64__)
            __asm__ volatile("ldp q0, q1, [%0]\n\t"
                             "ldp q2, q3, [%0, #32]\n\t"
                             "ldp q4, q5, [%0, #64]\n\t"
                             "ldp q6, q7, [%0, #96]" ::"r"(p)
                             : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "memory");
#else
            for (size_t i = 0; i < 128; i += 8)
                (void)*(const volatile uint64_t *)(const volatile void *)(p + i);
#endif
        }
    }
}

double cril_peak_l2(cril_pool *pool, double seconds)
{
    long cache = 0;
#ifdef _SC_LEVEL2_CACHE_SIZE
    cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    const size_t half = cache > 0 ? (size_t)cache / 2 / 4096 * 4096 : (size_t)256 << 10;
    struct job j = {.fn = read_all, .arg = &half, .bytes = half};
    return bytes_per_second(&j, pool, (double)half, seconds);
}
