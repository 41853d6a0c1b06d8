/* Whether this process can use AMX for int8: the CPU has it, the system saves tiles, and lets us
 * use them. */
#ifdef __linux__
#define _DEFAULT_SOURCE /* syscall */
#endif
#include "kernels/kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

__attribute__((target("xsave"))) static bool system_saves_tiles(void)
{
    const long long tile_state = 3 << 17; /* XTILECFG, XTILEDATA */
    return (_xgetbv(0) & tile_state) == tile_state;
}

/* Linux gives tiles to processes that ask (its Documentation/arch/x86/xstate.rst). It may refuse.
 */
static bool permitted(void)
{
#ifdef __linux__
    const long request_xcomp_perm = 0x1023, xtiledata = 18;
    return syscall(SYS_arch_prctl, request_xcomp_perm, xtiledata) == 0;
#else
    return true;
#endif
}

bool cril_amx_available(void)
{
    const unsigned osxsave = 1u << 27, tile_and_int8 = 3u << 24;
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & osxsave) &&
           __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & tile_and_int8) == tile_and_int8 &&
           system_saves_tiles() && permitted();
}
#endif
