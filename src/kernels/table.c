/* The kernel sets of this build, and what each needs of a CPU. */
#include "kernels/kernels.h"

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
#endif

static const struct cril_kernel_set sets[] = {
    { "ref", "any CPU", always, cril_kernels_ref },
#if defined(__x86_64__)
    { "avx2", "AVX2, FMA", has_avx2, cril_kernels_avx2 },
    { "avx512", "AVX-512 F, BW, VL, DQ, VNNI", has_avx512, cril_kernels_avx512 },
#endif
};

enum { N_SETS = sizeof(sets) / sizeof(*sets) };

const struct cril_kernel_set *cril_kernel_sets(size_t *n)
{
    *n = N_SETS;
    return sets;
}
