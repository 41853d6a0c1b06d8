/*
 * gemm [REPEATS]: large products as the engine makes them (panels, rows in blocks of CRIL_ROWS, a
 * thread a block), in fp32 and in integers, beside the FMA peak of the instruction set at work,
 * measured in the same minute. The repeats (5) of everything alternate, so that all see the same
 * machine; each figure is a median. CSV.
 */
#include "peak.h"

#include "model/engine.h"
#include "model/panels.h"
#include "model/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_REPEATS = 100 };

static const struct shape {
    size_t rows, inner, columns;
} shapes[] = {{1900, 576, 1536}, {2048, 4096, 4096}};
static const enum cril_dtype types[] = {CRIL_F32, CRIL_Q8_0, CRIL_Q4_K};

enum { N_SHAPES = sizeof(shapes) / sizeof(*shapes), N_TYPES = sizeof(types) / sizeof(*types) };

/* A product c = a w^T with its numbers in place. */
struct product {
    const struct cril_kernels *k;
    struct shape shape;
    struct cril_packed w;
    struct cril_activations activations;
    size_t lda, ldc;
    float *a, *c; /* [rows, lda], [rows, ldc] */
    void *panels;
};

static void *allocate(size_t count, size_t size)
{
    void *p = aligned_alloc(64, (count * size + 63) / 64 * 64);
    if (!p) {
        fputs("gemm: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

/* A number in -1..1 of a linear congruential generator: speed does not depend on which. */
static float noise(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return (float)(int32_t)*state * 0x1p-31f;
}

/* Blocks of a stored matrix: noise, with a small finite number where a block keeps its scales. */
static uint8_t *stored(enum cril_dtype type, size_t bytes, uint32_t *state)
{
    const size_t block = cril_dtypes[type].block_bytes, scales = type == CRIL_F32    ? 0
                                                                 : type == CRIL_Q4_K ? 4
                                                                                     : 2;
    const uint8_t scale[4] = {0x00, 0x10, 0x00, 0x10}; /* fp16 2^-11, twice */
    uint8_t *data = allocate(bytes, 1);
    for (size_t i = 0; i < bytes; i += sizeof(float)) {
        const float x = noise(state);
        const uint32_t word = *state;
        memcpy(data + i, type == CRIL_F32 ? (const void *)&x : (const void *)&word, sizeof(x));
    }
    for (size_t i = 0; scales && i < bytes; i += block)
        memcpy(data + i, scale, scales);
    return data;
}

static void pack(struct product *p, enum cril_dtype type, uint32_t *state)
{
    struct cril_tensor t = {
        .name = "weights", .type = type, .ne = {p->shape.inner, p->shape.columns, 1, 1}};
    size_t bytes;
    uint8_t *data;
    bool finite = cril_dtype_bytes(type, p->shape.inner * p->shape.columns, &t.bytes);
    t.data = data = stored(type, (size_t)t.bytes, state);
    const struct cril_matrix m = cril_matrix_of(&t);
    finite = finite && cril_packed_bytes(p->k, &m, m.rows, &bytes);
    p->panels = allocate(finite ? bytes : 1, 1);
    cril_packed_place(p->k, &m, m.rows, p->panels, &p->w);
    for (size_t i = 0; finite && i < cril_panels(p->shape.columns); i++)
        finite = cril_pack_panel(&m, 0, &p->w, i);
    free(data);
    if (!finite) {
        fputs("gemm: the weights cannot be packed\n", stderr);
        exit(1);
    }
}

static void prepare(struct product *p, const struct cril_kernels *k, struct shape shape,
                    enum cril_dtype type)
{
    const size_t elements = shape.rows * shape.inner, lda = cril_plan_width(shape.inner);
    uint32_t state = 1;
    *p =
        (struct product){.k = k, .shape = shape, .lda = lda, .ldc = cril_plan_width(shape.columns)};
    p->a = allocate(shape.rows * lda, sizeof(float));
    p->c = allocate(shape.rows * p->ldc, sizeof(float));
    for (size_t i = 0; i < shape.rows * lda; i++)
        p->a[i] = noise(&state);
    p->activations =
        (struct cril_activations){.q = allocate(elements, sizeof(int16_t)), .k = shape.inner};
    p->activations.scale = allocate(elements / CRIL_ACTIVATION_BLOCK, sizeof(float));
    p->activations.sum32 = allocate(elements / 32, sizeof(float));
    p->activations.sum16 = allocate(elements / 16, sizeof(float));
    for (size_t i = 0; i < shape.rows; i++)
        k->quantise(p->a + i * lda, &p->activations, i);
    pack(p, type, &state);
}

static void rows_task(void *arg, size_t task, size_t worker)
{
    const struct product *p = arg;
    const size_t first = task * CRIL_ROWS, left = p->shape.rows - first;
    (void)worker;
    cril_packed_multiply(p->k, &p->w, p->a, p->lda, &p->activations, first,
                         left < CRIL_ROWS ? left : CRIL_ROWS, p->c + first * p->ldc, p->ldc);
}

/* Operations a second; a small product is repeated until it lasts long enough to be timed. */
static double rate(struct product *p, cril_pool *pool)
{
    const double start = cril_bench_now();
    double t, ops = 0;
    do {
        cril_pool_run(pool, (p->shape.rows + CRIL_ROWS - 1) / CRIL_ROWS, rows_task, p);
        ops += 2.0 * (double)p->shape.rows * (double)p->shape.inner * (double)p->shape.columns;
        t = cril_bench_now() - start;
    } while (t < 0.1);
    return ops / t;
}

/* The fastest FMA that the kernel set may use, a set being allowed what the ones before it are.
 * NULL: none is known. */
static const struct cril_peak *best_fma(const char *set, cril_pool *pool)
{
    size_t n_sets, n_peaks;
    const struct cril_kernel_set *sets = cril_kernel_sets(&n_sets);
    const struct cril_peak *peaks = cril_peaks(&n_peaks), *best = NULL;
    double max = 0;
    for (size_t s = 0; s < n_sets; s++) {
        for (size_t i = 0; i < n_peaks; i++) {
            if (strcmp(peaks[i].unit, "GFLOP/s") != 0 ||
                strcmp(peaks[i].kernels, sets[s].name) != 0 || !peaks[i].available())
                continue;
            const double ops = cril_peak_rate(&peaks[i], pool, 0.05);
            if (ops > max) {
                max = ops;
                best = &peaks[i];
            }
        }
        if (strcmp(sets[s].name, set) == 0)
            break;
    }
    return best;
}

static void measure(struct product products[N_SHAPES][N_TYPES], const struct cril_kernels *k,
                    cril_pool *pool, size_t repeats, const char *cpu)
{
    static double peak[MAX_REPEATS], ops[N_SHAPES][N_TYPES][MAX_REPEATS];
    const struct cril_peak *fma = best_fma(k->name, pool);
    for (size_t r = 0; r < repeats; r++) {
        peak[r] = fma ? cril_peak_rate(fma, pool, 0.1) : 0;
        for (size_t s = 0; s < N_SHAPES; s++)
            for (size_t t = 0; t < N_TYPES; t++)
                ops[s][t][r] = rate(&products[s][t], pool);
    }
    const double max = cril_bench_median(peak, repeats);
    for (size_t s = 0; s < N_SHAPES; s++) {
        double fp32 = 0;
        for (size_t t = 0; t < N_TYPES; t++) {
            const double median = cril_bench_median(ops[s][t], repeats);
            if (types[t] == CRIL_F32)
                fp32 = median;
            printf("%zu x %zu x %zu,%s,%u,%.1f,%.1f,%.0f,%.2f,%zu,%s,%s\n", shapes[s].rows,
                   shapes[s].inner, shapes[s].columns, cril_dtypes[types[t]].name,
                   cril_pool_threads(pool), median / 1e9, max / 1e9,
                   max > 0 ? 100 * median / max : 0, median / fp32, repeats, k->name, cpu);
            fflush(stdout);
        }
    }
}

int main(int argc, char **argv)
{
    static struct product products[N_SHAPES][N_TYPES];
    const long repeats = argc > 1 ? strtol(argv[1], NULL, 10) : 5;
    const unsigned all = cril_cpu_count();
    const struct cril_kernels *k = cril_kernels();
    char cpu[256];
    cril_error err;
    if (argc > 2 || repeats < 1 || repeats > MAX_REPEATS) {
        fprintf(stderr, "usage: gemm [REPEATS]   (1 to %d)\n", MAX_REPEATS);
        return 2;
    }
    cril_bench_cpu_name(cpu, sizeof(cpu));
    for (size_t s = 0; s < N_SHAPES; s++)
        for (size_t t = 0; t < N_TYPES; t++)
            prepare(&products[s][t], k, shapes[s], types[t]);
    puts("product,weights,threads,gops,fma_peak_gops,percent_of_fma_peak,ratio_to_fp32,repeats,"
         "kernels,cpu");
    for (unsigned threads = 1; threads == 1 || threads <= all;
         threads = threads == 1 && all > 1 ? all : all + 1) {
        cril_pool *pool;
        if (cril_pool_create(threads, &pool, &err) != CRIL_OK) {
            fprintf(stderr, "gemm: %s\n", err.message);
            return 1;
        }
        measure(products, k, pool, (size_t)repeats, cpu);
        cril_pool_free(pool);
    }
    return 0;
}
