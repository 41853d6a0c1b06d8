/* Every kernel set that this CPU has equals the plain C one, byte for byte, and touches nothing past an end. */
#ifdef __linux__
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_ROWS = 40, MAX_K = 512, LD = MAX_K + 64 };

static struct cril_kernels sets[3];
static size_t n_sets = 1; /* sets[0] is ref */
static uint64_t seed = 1;

static uint32_t next(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33);
}

/* Mostly ordinary numbers, some huge, tiny, zero. */
static float number(void)
{
    float x = ((float)(next() % 2000001) - 1e6f) * 1e-6f;
    switch (next() % 64) {
    case 0: return 0;
    case 1: return -0.0f;
    case 2: return x * 1e12f;
    case 3: return x * 1e-34f;
    default: return x;
    }
}

static void fill(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = number();
}

static void same(const char *what, const struct cril_kernels *k, const void *a, const void *b, size_t bytes, size_t n)
{
    if (memcmp(a, b, bytes) != 0)
        fail_msg("%s of %s differs from ref at size %zu", what, k->name, n);
}

static void test_gemm_f32(void **state)
{
    static float a[MAX_ROWS * LD], panel[MAX_K * CRIL_NR], c[3][MAX_ROWS * LD];
    (void)state;
    for (int round = 0; round < 200; round++) {
        size_t m = 1 + next() % MAX_ROWS, k = 1 + next() % 130, lda = k + next() % 5, ldc = CRIL_NR + next() % 40;
        fill(a, m * lda);
        fill(panel, k * CRIL_NR);
        for (size_t s = 0; s < n_sets; s++) {
            memset(c[s], 0xee, sizeof(c[s]));
            sets[s].gemm_f32(a, lda, m, panel, k, c[s], ldc);
            same("gemm_f32", &sets[s], c[0], c[s], sizeof(c[s]), k);
        }
    }
}

static void acts_create(struct cril_acts *a)
{
    a->q = calloc(MAX_ROWS * MAX_K, sizeof(*a->q));
    a->scale = calloc(MAX_ROWS * MAX_K / 32, sizeof(float));
    a->sum32 = calloc(MAX_ROWS * MAX_K / 32, sizeof(float));
    a->sum16 = calloc(MAX_ROWS * MAX_K / 16, sizeof(float));
}

static void acts_free(struct cril_acts *a)
{
    free(a->q);
    free(a->scale);
    free(a->sum32);
    free(a->sum16);
}

static void test_quantise(void **state)
{
    struct cril_acts a[3];
    static float x[MAX_K];
    (void)state;
    for (size_t s = 0; s < n_sets; s++)
        acts_create(&a[s]);
    for (int round = 0; round < 500; round++) {
        size_t k = 32 * (1 + next() % (MAX_K / 32));
        fill(x, k);
        if (round % 50 == 49)
            x[next() % k] = round % 100 == 99 ? INFINITY : NAN;
        for (size_t s = 0; s < n_sets; s++) {
            a[s].k = k;
            sets[s].quantise(x, &a[s], 3);
            same("quantise q", &sets[s], a[0].q, a[s].q, MAX_ROWS * MAX_K * sizeof(int16_t), k);
            same("quantise sum16", &sets[s], a[0].sum16, a[s].sum16, 4 * k / 16 * sizeof(float), k);
            same("quantise scale", &sets[s], a[0].scale, a[s].scale, 4 * k / 32 * sizeof(float), k);
            same("quantise sum32", &sets[s], a[0].sum32, a[s].sum32, 4 * k / 32 * sizeof(float), k);
        }
        for (size_t i = 0; i < k; i++) {
            float step = a[0].scale[3 * (k / 32) + i / 32];
            if (isfinite(step) && step > 0)
                assert_true(fabsf((float)a[0].q[3 * k + i] * step - x[i]) <= step * 0.51f);
            assert_true(abs(a[0].q[3 * k + i]) <= 32767);
        }
    }
    for (size_t s = 0; s < n_sets; s++)
        acts_free(&a[s]);
}

static void test_gemm_i16(void **state)
{
    struct cril_acts a;
    static int16_t q[2 * MAX_K * CRIL_NR];
    static float scale[2 * MAX_K / 16 * CRIL_NR], min[2 * MAX_K / 16 * CRIL_NR], x[MAX_K], c[3][MAX_ROWS * LD];
    (void)state;
    acts_create(&a);
    for (int round = 0; round < 300; round++) {
        struct cril_packed w = {.q = q, .scale = scale, .min = round % 2 ? min : NULL, .n = 64,
                                .k = 32 * (1 + next() % (MAX_K / 32)), .group = round % 4 < 2 ? 16 : 32};
        size_t m = 1 + next() % (MAX_ROWS - 1), ldc = CRIL_NR + next() % 40;
        a.k = w.k;
        for (size_t i = 0; i < MAX_ROWS; i++) {
            fill(x, w.k);
            sets[0].quantise(x, &a, i);
        }
        for (size_t i = 0; i < 2 * w.k * CRIL_NR; i++)
            q[i] = (int16_t)(round % 8 == 0 ? -128 : (int)(next() % 256) - 128);
        fill(scale, 2 * w.k / w.group * CRIL_NR);
        fill(min, 2 * w.k / w.group * CRIL_NR);
        for (size_t s = 0; s < n_sets; s++) {
            memset(c[s], 0xee, sizeof(c[s]));
            sets[s].gemm_i16(&a, MAX_ROWS - m, m, &w, 1, c[s], ldc);
            same("gemm_i16", &sets[s], c[0], c[s], sizeof(c[s]), w.k);
        }
    }
    acts_free(&a);
}

static void test_rows(void **state)
{
    static float x[LD], w[LD], norm[3][LD], y[3][LD], p[3][LD];
    (void)state;
    for (size_t n = 1; n <= 300; n++) {
        float r[3], max[3], sum[3];
        fill(x, LD);
        fill(w, LD);
        for (size_t s = 0; s < n_sets; s++) {
            sets[s].rms_norm(x, w, n, 1e-5f, norm[s]);
            same("rms_norm", &sets[s], norm[0], norm[s], n * sizeof(float), n);
            memcpy(y[s], x, sizeof(x));
            sets[s].add(y[s], w, n);
            sets[s].scale(y[s], 0.3f, n);
            sets[s].silu_mul(y[s], w, n);
            sets[s].gelu_mul(y[s], w, n);
            same("row operations", &sets[s], y[0], y[s], sizeof(x), n);
            if (n % 16)
                continue;
            memcpy(p[s], x, sizeof(x));
            r[s] = sets[s].softmax(p[s], n);
            sets[s].logsum(p[s], n, &max[s], &sum[s]);
            same("softmax", &sets[s], p[0], p[s], sizeof(x), n);
            same("softmax sum", &sets[s], r, r + s, sizeof(float), n);
            same("logsum maximum", &sets[s], max, max + s, sizeof(float), n);
            same("logsum sum", &sets[s], sum, sum + s, sizeof(float), n);
        }
    }
}

/* Memory whose last byte is followed by a page that must not be touched. */
struct guarded {
    unsigned char *map;
    size_t size;
};

static void *guard(struct guarded *g, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (bytes + page - 1) / page * page;

    g->size = used + page;
    g->map = mmap(NULL, g->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g->map != MAP_FAILED);
    assert_int_equal(mprotect(g->map + used, page, PROT_NONE), 0);
    return g->map + used - bytes;
}

/* Every size 1..130 of k, every number of rows up to three tiles: nothing is read or written past an end. */
static void test_ends(void **state)
{
    (void)state;
    for (size_t k = 1; k <= 130; k++) {
        const size_t m = 1 + k % MAX_ROWS;
        struct guarded g[4];
        float *a = guard(&g[0], m * k * sizeof(float)), *panel = guard(&g[1], k * CRIL_NR * sizeof(float));
        float *c = guard(&g[2], m * CRIL_NR * sizeof(float)), *row = guard(&g[3], k * 16 * sizeof(float));
        float *want = malloc(m * CRIL_NR * sizeof(float)), max, sum;

        assert_non_null(want);
        fill(a, m * k);
        fill(panel, k * CRIL_NR);
        for (size_t s = 0; s < n_sets; s++) {
            sets[s].gemm_f32(a, k, m, panel, k, s ? c : want, CRIL_NR);
            if (s)
                same("gemm_f32", &sets[s], want, c, m * CRIL_NR * sizeof(float), k);
            sets[s].rms_norm(a, panel, k, 1e-5f, a);
            sets[s].add(a, panel, k);
            sets[s].silu_mul(a, panel, k);
            fill(a, m * k);
            fill(row, k * 16);
            sets[s].softmax(row, k * 16);
            sets[s].logsum(row, k * 16, &max, &sum);
            if (s + 1 < n_sets) /* the next set multiplies the same numbers */
                sets[0].gemm_f32(a, k, m, panel, k, want, CRIL_NR);
        }
        free(want);
        for (size_t i = 0; i < 4; i++)
            munmap(g[i].map, g[i].size);
    }
}

static void test_integer_ends(void **state)
{
    (void)state;
    for (size_t k = 32; k <= 32 * 12; k += 32)
        for (size_t group = 16; group <= 32; group += 16) {
            const size_t m = 1 + k / 32 % 8, groups = k / group * CRIL_NR;
            struct guarded g[9];
            struct cril_acts a = { .q = guard(&g[0], m * k * sizeof(int16_t)),
                                   .scale = guard(&g[1], m * k / 32 * sizeof(float)),
                                   .sum32 = guard(&g[2], m * k / 32 * sizeof(float)),
                                   .sum16 = guard(&g[3], m * k / 16 * sizeof(float)), .k = k };
            struct cril_packed w = { .q = guard(&g[4], k * CRIL_NR * sizeof(int16_t)),
                                     .scale = guard(&g[5], groups * sizeof(float)),
                                     .min = guard(&g[6], groups * sizeof(float)), .n = CRIL_NR, .k = k, .group = group };
            float *x = guard(&g[7], k * sizeof(float)), *c = guard(&g[8], m * CRIL_NR * sizeof(float));
            float *want = malloc(m * CRIL_NR * sizeof(float));

            assert_non_null(want);
            for (size_t i = 0; i < k * CRIL_NR; i++)
                w.q[i] = (int16_t)((int)(next() % 256) - 128);
            fill(w.scale, groups);
            fill(w.min, groups);
            fill(x, k);
            for (size_t s = 0; s < n_sets; s++) {
                for (size_t i = 0; i < m; i++)
                    sets[s].quantise(x, &a, i);
                sets[s].gemm_i16(&a, 0, m, &w, 0, s ? c : want, CRIL_NR);
                if (s)
                    same("gemm_i16", &sets[s], want, c, m * CRIL_NR * sizeof(float), k);
            }
            free(want);
            for (size_t i = 0; i < 9; i++)
                munmap(g[i].map, g[i].size);
        }
}

int main(void)
{
    cril_kernels_ref(&sets[0]);
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        cril_kernels_avx2(&sets[n_sets++]);
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni"))
        cril_kernels_avx512(&sets[n_sets++]);
#endif
    printf("kernels: %zu sets, last %s\n", n_sets, sets[n_sets - 1].name);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm_f32), cmocka_unit_test(test_quantise), cmocka_unit_test(test_gemm_i16),
        cmocka_unit_test(test_rows),     cmocka_unit_test(test_ends),     cmocka_unit_test(test_integer_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
