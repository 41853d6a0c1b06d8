/*
 * scan [REPEATS]: what a layer of Mamba (width 2560, state 16) and of Mamba 2 (state 128) spend on
 * what goes in order, of every kernel set of this CPU, on one thread: the convolution and the scan
 * of a window as the engine runs them, the scan's kernel on a state and rows that stay in the first
 * cache, as many exponentials alone, and the layer's products in fp32. Medians of REPEATS (5), of
 * the thread's own time. CSV.
 *
 * per_token: microseconds of a layer for a token. per_element: nanoseconds for a number of the
 * state (of the taps; of the matrix). share: of scan, convolution and products together.
 */
#include "peak.h"

#include "model/op.h"
#include "model/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WINDOW = 256, EMBD = 2560, INNER = 2 * EMBD, TAPS = 4, RANK = EMBD / 16, MAX_REPEATS = 100 };

static const struct kind {
    const char *name;
    const struct cril_op *scan;
    struct cril_config config;
    size_t multiply_adds; /* of the products */
} kinds[] = {
    {"mamba",
     &cril_op_scan,
     {.ssm_inner = INNER, .ssm_state = 16, .ssm_width = TAPS, .ssm_rank = RANK},
     (size_t)EMBD * 3 * INNER + (size_t)INNER *(2 * RANK + 2 * 16)},
    {"mamba2",
     &cril_op_scan_heads,
     {.ssm_inner = INNER,
      .ssm_state = 128,
      .ssm_width = TAPS,
      .ssm_heads = INNER / 64,
      .ssm_groups = 1},
     (size_t)EMBD *(3 * INNER + 2 * 128 + INNER / 64)},
};

/* A model of one layer, and a window in the buffers that its operations read. */
struct bench {
    cril_model m;
    struct cril_layer layers[2];
    struct cril_row rows[WINDOW];
    struct cril_sequence sequence;
    struct cril_block block;
    size_t ld[CRIL_N_BUFFERS];
    const struct cril_kernels *k;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *numbers(size_t n, float from, float to)
{
    static uint32_t state = 1;
    float *const v = aligned_alloc(64, (n * sizeof(*v) + 63) / 64 * 64);
    if (!v) {
        fputs("scan: out of memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525 + 1013904223;
        v[i] = from + (to - from) * (float)(state >> 8) * 0x1p-24f;
    }
    return v;
}

static void create(struct bench *b, const struct kind *kind)
{
    static const enum cril_buffer buffers[] = {CRIL_BUF_SU, CRIL_BUF_SX, CRIL_BUF_SD, CRIL_BUF_SO};
    *b = (struct bench){.m = {.config = kind->config}};
    b->m.layers = b->layers;
    b->m.config.n_layers = 1;
    b->layers[0].vector[CRIL_W_SSM_A] = numbers(
        kind->config.ssm_heads ? kind->config.ssm_heads : INNER * kind->config.ssm_state, -16, -1);
    b->layers[0].vector[CRIL_W_SSM_CONV] =
        numbers(TAPS * cril_buffer_width(&b->m, 0, CRIL_BUF_SU), -0.5f, 0.5f);
    b->sequence.state = (unsigned char *)numbers(INNER * kind->config.ssm_state, 0, 1);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++) {
        const enum cril_buffer at = buffers[i];
        b->ld[at] = cril_plan_width(cril_buffer_width(&b->m, 0, at));
        b->block.buffer[at] = numbers(WINDOW * b->ld[at], at == CRIL_BUF_SD ? 0.001f : -1, 0.1f);
    }
    for (size_t i = 0; i < WINDOW; i++)
        b->rows[i].position = i;
    b->block.rows = b->rows;
    b->block.n = WINDOW;
    b->block.ld = b->ld;
}

static void destroy(struct bench *b)
{
    for (size_t i = 0; i < CRIL_N_BUFFERS; i++)
        free(b->block.buffer[i]);
    free(b->layers[0].vector[CRIL_W_SSM_A]);
    free(b->layers[0].vector[CRIL_W_SSM_CONV]);
    free(b->sequence.state);
}

/* Seconds of an operation for the window. */
static double time_op(struct bench *b, const struct cril_op *op, enum cril_slot w,
                      enum cril_buffer out)
{
    const struct cril_step step = {op, w, CRIL_BUF_SU, out};
    const struct cril_pass p = {.m = &b->m, .k = b->k, .step = &step, .sequences = &b->sequence};
    const double start = now();
    op->across(&p, &b->block, 0, op->parts(&b->m, 0), NULL);
    return now() - start;
}

static double time_convolution(struct bench *b)
{
    return time_op(b, &cril_op_convolve, CRIL_W_SSM_CONV, CRIL_BUF_SU);
}

static double time_scan(struct bench *b)
{
    return b->m.config.ssm_heads ? time_op(b, &cril_op_scan_heads, CRIL_W_SSM_A, CRIL_BUF_SO)
                                 : time_op(b, &cril_op_scan, CRIL_W_SSM_A, CRIL_BUF_SD);
}

/* As often as the window's tokens and slices, with numbers that are in the first cache. */
static double time_kernel(struct bench *b)
{
    const size_t n = b->m.config.ssm_state;
    float *const s = (float *)b->sequence.state, *const x = b->block.buffer[CRIL_BUF_SU],
                 y[CRIL_CHANNELS] = {0};
    const double start = now();
    for (size_t i = 0; i < WINDOW * (INNER / CRIL_CHANNELS); i++)
        if (b->m.config.ssm_heads)
            b->k->scan_head(s, 0.9f, 0.1f, x, x + n, n, x + 2 * n, y, CRIL_CHANNELS);
        else
            b->k->scan(s, b->layers[0].vector[CRIL_W_SSM_A], x, x + n, n, x + 2 * n, y,
                       CRIL_CHANNELS);
    return now() - start;
}

/* One for each number of the states, or with heads for each head. */
static double time_exponentials(struct bench *b)
{
    const size_t numbers =
        b->m.config.ssm_heads ? b->m.config.ssm_heads : INNER * b->m.config.ssm_state;
    float x[1024] = {0}, max, sum;
    const double start = now();
    for (size_t i = 0; i < WINDOW * numbers; i += 1024)
        b->k->logsum(x, 1024, &max, &sum);
    return now() - start;
}

/* As many multiply-adds, of 96 rows of the window and one panel. */
static double time_products(struct bench *b, size_t multiply_adds)
{
    const size_t times = multiply_adds / (INNER * CRIL_PANEL_COLUMNS);
    static float *panel;
    float *const c =
        b->block.buffer[CRIL_BUF_SO] ? b->block.buffer[CRIL_BUF_SO] : b->block.buffer[CRIL_BUF_SD];
    panel = panel ? panel : numbers(INNER * CRIL_PANEL_COLUMNS, -1, 1);
    const double start = now();
    for (size_t i = 0; i < times; i++)
        b->k->gemm_f32(b->block.buffer[CRIL_BUF_SU], b->ld[CRIL_BUF_SU], CRIL_ROWS, panel, INNER, c,
                       CRIL_PANEL_COLUMNS, false);
    return (now() - start) * WINDOW / CRIL_ROWS;
}

static void print(const struct kind *kind, const struct cril_kernels *k, const char *what,
                  double seconds, double elements, double whole)
{
    printf("%s,%s,%s,%.2f,%.4f,%.1f %%\n", kind->name, k->name, what, seconds / WINDOW * 1e6,
           seconds / WINDOW / elements * 1e9, 100 * seconds / whole);
}

static void measure(const struct kind *kind, const struct cril_kernels *k, size_t repeats)
{
    double t[5][MAX_REPEATS], m[5];
    struct bench b;
    const double numbers = INNER * (double)kind->config.ssm_state;
    create(&b, kind);
    b.k = k;
    for (size_t i = 0; i < repeats; i++) {
        t[0][i] = time_convolution(&b);
        t[1][i] = time_scan(&b);
        t[2][i] = time_kernel(&b);
        t[3][i] = time_exponentials(&b);
        t[4][i] = time_products(&b, kind->multiply_adds);
    }
    for (size_t i = 0; i < 5; i++)
        m[i] = cril_bench_median(t[i], repeats);
    const double whole = m[0] + m[1] + m[4];
    print(kind, k, "convolution", m[0], INNER * TAPS, whole);
    print(kind, k, "scan", m[1], numbers, whole);
    print(kind, k, "scan in cache", m[2], numbers, whole);
    print(kind, k, "exponentials", m[3],
          kind->config.ssm_heads ? (double)kind->config.ssm_heads : numbers, whole);
    print(kind, k, "products", m[4], (double)kind->multiply_adds, whole);
    destroy(&b);
}

int main(int argc, char **argv)
{
    const unsigned long repeats = argc > 1 ? strtoul(argv[1], NULL, 10) : 5;
    char cpu[128];
    size_t n;
    const struct cril_kernel_set *sets = cril_kernel_sets(&n);
    if (repeats < 1 || repeats > MAX_REPEATS) {
        fprintf(stderr, "usage: scan [REPEATS], 1..%d\n", MAX_REPEATS);
        return 2;
    }
    cril_bench_cpu_name(cpu, sizeof(cpu));
    printf("# %s, one thread\nmodel,kernels,what,us_per_token,ns_per_element,share\n", cpu);
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++)
        for (size_t i = 0; i < n; i++) {
            struct cril_kernels k;
            if (!sets[i].available() || !strcmp(sets[i].name, "ref")) /* nobody waits for it */
                continue;
            sets[i].init(&k);
            measure(&kinds[kind], &k, repeats);
        }
    return 0;
}
