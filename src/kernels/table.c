/* Chooses the kernel set: the best that this CPU has, or a lesser one that CRIL_CPU asks for. */
#include "kernels/kernels.h"

#include <cril/model.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct cril_kernels table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void)
{
    const char *want = getenv("CRIL_CPU");
    cril_kernels_ref(&table);
    if (want && strcmp(want, "ref") == 0)
        return;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        cril_kernels_avx2(&table);
    if (want && strcmp(want, "avx2") == 0)
        return;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vnni"))
        cril_kernels_avx512(&table);
#endif
}

const struct cril_kernels *cril_kernels(void)
{
    pthread_once(&once, choose);
    return &table;
}

const char *cril_cpu_kernels(void)
{
    return cril_kernels()->name;
}
