/* The loops of peak.h, by architecture. There are as many accumulators as latency times pipes of
 * today's CPUs. */
#include "peak.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#define TEN(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9)

#if defined(__x86_64__)

/* Registers 12 and 13 are operands (1.0, or 1s), 14 is for what lies between two instructions. */
#define TWELVE(DO) TEN(DO) DO(10) DO(11)
#define CLEAR(i) "vpxor %%xmm" #i ", %%xmm" #i ", %%xmm" #i "\n\t"
#define LOOP(NAME, R, BODY)                                                                        \
    static void NAME(uint64_t turns)                                                               \
    {                                                                                              \
        const uint32_t operand =                                                                   \
            0x3f803f80; /* 1.0 as a float's upper half, a small integer in every type */           \
        __asm__ volatile(TWELVE(CLEAR) "vbroadcastss %1, %%" R "12\n\t"                            \
                                       "vmovaps %%" R "12, %%" R "13\n\t"                          \
                                       ".p2align 6\n"                                              \
                                       "1:\n\t" TWELVE(BODY) TWELVE(BODY) "dec %0\n\t"             \
                                                                          "jnz 1b\n\t"             \
                                                                          "vzeroupper"             \
                         : "+r"(turns)                                                             \
                         : "m"(operand)                                                            \
                         : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",   \
                           "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14");           \
    }
#define FMA_YMM(i) "vfmadd231ps %%ymm12, %%ymm13, %%ymm" #i "\n\t"
#define FMA_ZMM(i) "vfmadd231ps %%zmm12, %%zmm13, %%zmm" #i "\n\t"
#define MADD_YMM(i)                                                                                \
    "vpmaddwd %%ymm12, %%ymm13, %%ymm14\n\tvpaddd %%ymm14, %%ymm" #i ", %%ymm" #i "\n\t"
#define WORDS_ZMM(i) "vpdpwssd %%zmm12, %%zmm13, %%zmm" #i "\n\t"
#define BYTES_ZMM(i) "vpdpbusd %%zmm12, %%zmm13, %%zmm" #i "\n\t"
LOOP(fma_ymm, "ymm", FMA_YMM)
LOOP(fma_zmm, "zmm", FMA_ZMM)
LOOP(madd_ymm, "ymm", MADD_YMM)
LOOP(words_zmm, "zmm", WORDS_ZMM)
LOOP(bytes_zmm, "zmm", BYTES_ZMM)

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f");
}

static bool has_vnni(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

enum { INSTRUCTIONS = 24 }; /* of a turn */

static const struct cril_peak peaks[] = {
    {"fma ymm", "GFLOP/s", "avx2", INSTRUCTIONS * 8 * 2, has_avx2, fma_ymm},
    {"vpmaddwd+vpaddd ymm", "GOP/s", "avx2", INSTRUCTIONS * 16 * 2, has_avx2, madd_ymm},
    {"fma zmm", "GFLOP/s", "avx512", INSTRUCTIONS * 16 * 2, has_avx512, fma_zmm},
    {"vpdpwssd zmm", "GOP/s", "avx512", INSTRUCTIONS * 32 * 2, has_vnni, words_zmm},
    {"vpdpbusd zmm", "GOP/s", "avx512", INSTRUCTIONS * 64 * 2, has_vnni, bytes_zmm},
};

#elif defined(__aarch64__)

/* Registers 24 and 25 are operands. Four pipes of latency four need sixteen accumulators; here are
 * twenty. */
#define TWENTY(DO) TEN(DO) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15) DO(16) DO(17) DO(18) DO(19)
#define CLEAR(i) "movi v" #i ".4s, #0\n\t"
#define LOOP(NAME, BODY)                                                                           \
    static void NAME(uint64_t turns)                                                               \
    {                                                                                              \
        __asm__ volatile(TWENTY(CLEAR) "fmov v24.4s, #1.0\n\t"                                     \
                                       "fmov v25.4s, #1.0\n\t"                                     \
                                       ".p2align 6\n"                                              \
                                       "1:\n\t" TWENTY(BODY) "subs %0, %0, #1\n\t"                 \
                                                             "b.ne 1b"                             \
                         : "+r"(turns)                                                             \
                         :                                                                         \
                         : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9",       \
                           "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19",   \
                           "v24", "v25");                                                          \
    }
#define FMLA(i) "fmla v" #i ".4s, v24.4s, v25.4s\n\t"
#define SMLAL(i) "smlal v" #i ".4s, v24.4h, v25.4h\n\t"
#define SDOT(i)                                                                                    \
    ".inst 0x4e999700 + " #i "\n\t" /* sdot v(i).4s, v24.16b, v25.16b, for assemblers set to less  \
                                     */
LOOP(fmla, FMLA)
LOOP(smlal, SMLAL)
LOOP(sdot, SDOT)

static bool always(void)
{
    return true;
}

static bool has_dotprod(void)
{
#if defined(__linux__)
    const unsigned long asimddp = 1UL << 20; /* HWCAP_ASIMDDP */
    return (getauxval(AT_HWCAP) & asimddp) != 0;
#else
    return false;
#endif
}

enum { INSTRUCTIONS = 20 }; /* of a turn */

static const struct cril_peak peaks[] = {
    {"fmla", "GFLOP/s", "neon", INSTRUCTIONS * 4 * 2, always, fmla},
    {"smlal", "GOP/s", "neon", INSTRUCTIONS * 4 * 2, always, smlal},
    {"sdot", "GOP/s", "neon", INSTRUCTIONS * 16 * 2, has_dotprod, sdot},
};

#else

static const struct cril_peak peaks[1]; /* no loop for this architecture yet */

#endif

const struct cril_peak *cril_peaks(size_t *n)
{
    *n = peaks[0].name ? sizeof(peaks) / sizeof(*peaks) : 0;
    return peaks;
}
