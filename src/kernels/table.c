/* The kernel sets of this build, and what each needs of a CPU. */
#include "kernels/kernels.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1 << 20)
#endif
#endif

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
#elif defined(CRIL_HAS_DOTPROD)
static bool has_dotprod(void)
{
#if defined(__linux__)
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
    return true; /* every Apple CPU of this kind */
#endif
}
#endif

static const struct cril_kernel_set sets[] = {
    {"ref", "any CPU", always, cril_kernels_ref},
#if defined(__x86_64__)
    {"avx2", "AVX2, FMA", has_avx2, cril_kernels_avx2},
    {"avx512", "AVX-512 F, BW, VL, DQ, VNNI", has_avx512, cril_kernels_avx512},
    {"amx", "AVX-512 as above, AMX-TILE, AMX-INT8", has_amx, cril_kernels_amx},
#elif defined(__aarch64__)
    {"neon", "ASIMD, which every AArch64 CPU has", always, cril_kernels_neon},
#if defined(CRIL_HAS_DOTPROD)
    {"dotprod", "ASIMD with dot products (ARMv8.2)", has_dotprod, cril_kernels_dotprod},
#endif
#endif
};

enum { N_SETS = sizeof(sets) / sizeof(*sets) };

const struct cril_kernel_set *cril_kernel_sets(size_t *n)
{
    *n = N_SETS;
    return sets;
}
