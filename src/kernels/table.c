/* The kernel sets there are, and the choice among them: the best that this CPU has and CRIL_CPU allows. */
#include "kernels/kernels.h"

#include <cril/model.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
static bool has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    __builtin_cpu_init();
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni");
}

static bool has_amx(void)
{
    return has_avx512() && cril_amx_available();
}
#endif

static const struct cril_kernel_set sets[] = {
    { "ref", "any CPU", always, cril_kernels_ref },
#if defined(__x86_64__)
    { "avx2", "AVX2, FMA", has_avx2, cril_kernels_avx2 },
    { "avx512", "AVX-512 F, BW, VL, DQ, VNNI", has_avx512, cril_kernels_avx512 },
    { "amx", "AVX-512 as above, AMX-TILE, AMX-INT8", has_amx, cril_kernels_amx },
#endif
};

enum { N_SETS = sizeof(sets) / sizeof(*sets) };

const struct cril_kernel_set *cril_kernel_sets(size_t *n)
{
    *n = N_SETS;
    return sets;
}

static struct cril_kernels table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void)
{
    const char *last = getenv("CRIL_CPU");

    for (size_t i = 0; i < N_SETS; i++) {
        if (sets[i].available())
            sets[i].init(&table);
        if (last && strcmp(last, sets[i].name) == 0)
            break;
    }
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
