/* Every kernel set that this CPU has equals the plain C one, byte for byte; and the functions are accurate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernels/fmath.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void test_functions(void **state)
{
    (void)state;
    assert_true(cril_expf(0) == 1 && cril_expf(-INFINITY) == 0);
    for (int i = 0; i < 200000; i++) {
        float x = ((float)(next() % 2000001) - 1e6f) * 87e-6f;
        double e = exp((double)x), s, c;
        assert_true(fabs((double)cril_expf(x) / e - 1) < 3e-7);
        assert_true(fabs((double)cril_siluf(x) - (double)x / (1 + exp(-(double)x))) < 1e-6 * (1 + fabs((double)x)));
        double g = 0.5 * (double)x * (1 + tanh(0.7978845608028654 * ((double)x + 0.044715 * pow((double)x, 3))));
        assert_true(fabs((double)cril_geluf(x) - g) < 2e-6 * (1 + fabs((double)x)));
        double d = (double)x * 1000;
        cril_sincos(d, &s, &c);
        assert_true(fabs(s - sin(d)) < 1e-12 && fabs(c - cos(d)) < 1e-12);
        assert_true(fabs(cril_exp((double)x) / e - 1) < 1e-13);
        assert_true(fabs(cril_log(e) - (double)x) < 1e-12);
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
        cmocka_unit_test(test_rows),     cmocka_unit_test(test_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
