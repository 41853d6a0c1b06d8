/* Every kernel set that this CPU has equals the plain C one, byte for byte, and touches nothing
 * past an end. */
#ifdef __linux__
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "amx_emulated.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_SIZE = 130, MAX_K = 512, MAX_SETS = 8 };

static struct cril_kernels sets[MAX_SETS]; /* sets[0] is ref */
static size_t n_sets;
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

static void same(const char *what, const struct cril_kernels *k, const void *a, const void *b,
                 size_t bytes, size_t n)
{
    if (memcmp(a, b, bytes) != 0)
        fail_msg("%s of %s differs from ref at size %zu", what, k->name, n);
}

/* Memory whose last byte is followed by a page that must not be touched. */
struct guarded {
    unsigned char *map, *end;
    size_t size;
};

static struct guarded guard(size_t max_bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (max_bytes + page - 1) / page * page;
    struct guarded g = {.size = used + page};

    g.map = mmap(NULL, g.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.map != MAP_FAILED);
    g.end = g.map + used;
    assert_int_equal(mprotect(g.end, page, PROT_NONE), 0);
    return g;
}

static float *last_floats(const struct guarded *g, size_t n)
{
    return (float *)(void *)g->end - n;
}

static void unguard(struct guarded *g, size_t n)
{
    for (size_t i = 0; i < n; i++)
        munmap(g[i].map, g[i].size);
}

/* Every k and every number of rows in 1..130, all buffers ending at the page. */
static void test_gemm_f32_sizes(void **state)
{
    struct guarded g[4];
    (void)state;
    for (size_t i = 0; i < 4; i++)
        g[i] = guard(MAX_SIZE * MAX_SIZE * sizeof(float));
    for (size_t k = 1; k <= MAX_SIZE; k++) {
        float *a = last_floats(&g[0], MAX_SIZE * k),
              *panel = last_floats(&g[1], k * CRIL_PANEL_COLUMNS);
        float *want = last_floats(&g[2], MAX_SIZE * CRIL_PANEL_COLUMNS);

        fill(a, MAX_SIZE * k);
        fill(panel, k * CRIL_PANEL_COLUMNS);
        sets[0].gemm_f32(a, k, MAX_SIZE, panel, k, want, CRIL_PANEL_COLUMNS, false);
        for (size_t s = 0; s < n_sets; s++)
            for (size_t m = s ? 1 : MAX_SIZE; m <= MAX_SIZE; m++) {
                float *c = last_floats(&g[3], m * CRIL_PANEL_COLUMNS);
                sets[s].gemm_f32(last_floats(&g[0], m * k), k, m, panel, k, c, CRIL_PANEL_COLUMNS,
                                 false);
                same("gemm_f32", &sets[s], last_floats(&g[2], m * CRIL_PANEL_COLUMNS), c,
                     m * CRIL_PANEL_COLUMNS * sizeof(float), k);
            }
    }
    unguard(g, 4);
}

/* Rows further apart than they are wide: nothing between them is touched. Sums long enough to be
 * cut several times. */
static void test_gemm_f32_strides(void **state)
{
    enum { LD = 1600 };
    static float a[40 * LD], panel[LD * CRIL_PANEL_COLUMNS], c[2][40 * LD];
    (void)state;
    for (int round = 0; round < 150; round++) {
        size_t m = 1 + next() % 40, k = 1 + next() % (round % 3 ? 290 : 1590), lda = k + next() % 5;
        size_t ldc = CRIL_PANEL_COLUMNS + next() % 40;
        fill(a, m * lda);
        fill(panel, k * CRIL_PANEL_COLUMNS);
        for (size_t s = 0; s < n_sets; s++) {
            memset(c[s > 0], 0xee, sizeof(c[0]));
            sets[s].gemm_f32(a, lda, m, panel, k, c[s > 0], ldc, false);
            same("gemm_f32", &sets[s], c[0], c[s > 0], sizeof(c[0]), k);
        }
    }
}

/* A sum in two parts is the sum in one, to the bit. */
static void test_gemm_f32_goes_on(void **state)
{
    enum { LD = 1600 };
    static float a[20 * LD], panel[LD * CRIL_PANEL_COLUMNS], c[2][20 * CRIL_PANEL_COLUMNS];
    (void)state;
    for (int round = 0; round < 150; round++) {
        const size_t m = 1 + next() % 20, k = 2 + next() % (round % 3 ? 290 : 1590),
                     first = 1 + next() % (k - 1);
        fill(a, m * k);
        fill(panel, k * CRIL_PANEL_COLUMNS);
        sets[0].gemm_f32(a, k, m, panel, k, c[0], CRIL_PANEL_COLUMNS, false);
        for (size_t s = 0; s < n_sets; s++) {
            sets[s].gemm_f32(a, k, m, panel, first, c[1], CRIL_PANEL_COLUMNS, false);
            sets[s].gemm_f32(a + first, k, m, panel + first * CRIL_PANEL_COLUMNS, k - first, c[1],
                             CRIL_PANEL_COLUMNS, true);
            same("gemm_f32 in two parts", &sets[s], c[0], c[1],
                 m * CRIL_PANEL_COLUMNS * sizeof(float), k);
        }
    }
}

/* Activations of which everything ends at a page. */
struct guarded_activations {
    struct cril_activations activations;
    struct guarded g[4];
};

static void activations_create(struct guarded_activations *a, size_t rows, size_t k)
{
    const size_t n[4] = {rows * k * sizeof(int16_t), rows * k / 32 * sizeof(float),
                         rows * k / 32 * sizeof(float), rows * k / 16 * sizeof(float)};

    for (size_t i = 0; i < 4; i++)
        a->g[i] = guard(n[i]);
    a->activations = (struct cril_activations){.q = (int16_t *)(void *)(a->g[0].end - n[0]),
                                               .scale = last_floats(&a->g[1], rows * k / 32),
                                               .sum32 = last_floats(&a->g[2], rows * k / 32),
                                               .sum16 = last_floats(&a->g[3], rows * k / 16),
                                               .k = k};
}

/* Element i of a row, however the set lays it out. */
static int act(const struct cril_kernels *set, const struct cril_activations *a, size_t row,
               size_t i)
{
    const uint8_t *bytes = (const uint8_t *)(a->q + row * a->k);

    return set->layout == CRIL_PAIRS ? a->q[row * a->k + i]
                                     : bytes[i] + 256 * (int8_t)bytes[a->k + i];
}

static void test_quantise(void **state)
{
    static float x[MAX_K];
    (void)state;
    for (int round = 0; round < 500; round++) {
        const size_t k = 32 * (1 + next() % (MAX_K / 32));
        struct guarded_activations a[MAX_SETS];
        fill(x, k);
        if (round % 50 == 49)
            x[next() % k] = round % 100 == 99 ? INFINITY : NAN;
        for (size_t s = 0; s < n_sets; s++) {
            activations_create(&a[s], 4, k);
            sets[s].quantise(x, &a[s].activations, 3);
            for (size_t i = 0; i < k; i++)
                if (act(&sets[s], &a[s].activations, 3, i) !=
                    act(&sets[0], &a[0].activations, 3, i))
                    fail_msg("quantise of %s differs from ref at %zu of %zu", sets[s].name, i, k);
            same("quantise sum16", &sets[s], a[0].activations.sum16, a[s].activations.sum16,
                 4 * k / 16 * sizeof(float), k);
            same("quantise scale", &sets[s], a[0].activations.scale, a[s].activations.scale,
                 4 * k / 32 * sizeof(float), k);
            same("quantise sum32", &sets[s], a[0].activations.sum32, a[s].activations.sum32,
                 4 * k / 32 * sizeof(float), k);
        }
        for (size_t i = 0; i < k; i++) {
            float step = a[0].activations.scale[3 * (k / 32) + i / 32];
            int q = act(&sets[0], &a[0].activations, 3, i);
            if (isfinite(step) && step > 0)
                assert_true(fabsf((float)q * step - x[i]) <= step * 0.51f);
            assert_true(abs(q) <= 32767);
        }
        for (size_t s = 0; s < n_sets; s++)
            unguard(a[s].g, 4);
    }
}

/* A panel's integers from pairs to quads. */
static void to_quads(const int16_t *pairs, size_t k, int8_t *quads)
{
    for (size_t e = 0; e < k; e++)
        for (size_t j = 0; j < CRIL_PANEL_COLUMNS; j++)
            quads[(e / 4 * CRIL_PANEL_COLUMNS + j) * 4 + e % 4] =
                (int8_t)pairs[(e / 2 * CRIL_PANEL_COLUMNS + j) * 2 + e % 2];
}

/* Two panels, the second multiplied; every number of rows; extreme integers every eighth time. */
static void check_gemm_i16(size_t k, size_t group, bool has_min, bool extreme)
{
    const size_t n = 2 * k * CRIL_PANEL_COLUMNS, groups = 2 * k / group * CRIL_PANEL_COLUMNS;
    struct guarded g[6] = {guard(n * sizeof(int16_t)),
                           guard(n),
                           guard(groups * sizeof(float)),
                           guard(groups * sizeof(float)),
                           guard(MAX_SIZE * CRIL_PANEL_COLUMNS * sizeof(float)),
                           guard(MAX_SIZE * CRIL_PANEL_COLUMNS * sizeof(float))};
    struct cril_packed w = {.pairs = (int16_t *)(void *)(g[0].end - n * sizeof(int16_t)),
                            .scale = last_floats(&g[2], groups),
                            .min = has_min ? last_floats(&g[3], groups) : NULL,
                            .n = 2 * CRIL_PANEL_COLUMNS,
                            .k = k,
                            .group = group};
    static float x[MAX_SIZE][MAX_K];

    for (size_t i = 0; i < n; i++)
        w.pairs[i] = (int16_t)(extreme ? -128 : (int)(next() % 256) - 128);
    for (size_t p = 0; p < 2; p++)
        to_quads(w.pairs + p * k * CRIL_PANEL_COLUMNS, k,
                 (int8_t *)g[1].end - n + p * k * CRIL_PANEL_COLUMNS);
    fill(w.scale, groups);
    fill(last_floats(&g[3], groups), groups);
    for (size_t i = 0; i < MAX_SIZE; i++) {
        fill(x[i], k);
        for (size_t j = 0; extreme && j < k; j++)
            x[i][j] = i % 2 ? -1.0f : 1.0f;
    }
    for (size_t s = 0; s < n_sets; s++) {
        struct cril_packed mine = w;
        struct guarded_activations a;
        activations_create(&a, MAX_SIZE, k);
        if (sets[s].layout == CRIL_QUADS)
            mine.pairs = NULL, mine.quads = (int8_t *)g[1].end - n;
        for (size_t i = 0; i < MAX_SIZE; i++)
            sets[s].quantise(x[i], &a.activations, i);
        for (size_t m = s ? 1 : MAX_SIZE; m <= MAX_SIZE; m++) {
            float *c = last_floats(&g[s ? 5 : 4], m * CRIL_PANEL_COLUMNS);
            sets[s].gemm_i16(&a.activations, MAX_SIZE - m, m, &mine, 1, c, CRIL_PANEL_COLUMNS);
            same("gemm_i16", &sets[s], last_floats(&g[4], m * CRIL_PANEL_COLUMNS), c,
                 m * CRIL_PANEL_COLUMNS * sizeof(float), k);
        }
        unguard(a.g, 4);
    }
    unguard(g, 6);
}

static void test_gemm_i16_sizes(void **state)
{
    (void)state;
    for (size_t k = 32; k <= 32 * 12; k += 32)
        for (size_t group = 16; group <= 32; group += 16)
            for (int has_min = 0; has_min < 2; has_min++)
                check_gemm_i16(k, group, has_min, k % 256 == 0);
}

/* Every type, every number of stored rows: each number lands in its lane, lanes without a row hold
 * zero. */
static void check_pack(enum cril_dtype type, enum cril_panel_layout layout, size_t n)
{
    const struct cril_dtype_info *t = &cril_dtypes[type];
    const size_t k = t->block_len * (t->group ? 2u : 37u), panels = cril_panels(n),
                 weights = panels * CRIL_PANEL_COLUMNS * k;
    const size_t row_bytes = k / t->block_len * t->block_bytes;
    struct guarded g[4] = {guard(n * row_bytes), guard(weights * sizeof(float)),
                           guard(weights * sizeof(float)), guard(weights * sizeof(float))};
    uint8_t *data = g[0].end - n * row_bytes;
    const struct cril_matrix m = {.name = "m",
                                  .type = type,
                                  .data = data,
                                  .rows = n,
                                  .columns = k,
                                  .row_bytes = row_bytes,
                                  .count = 1};
    struct cril_packed w = {.n = n, .k = k, .group = t->group};

    for (size_t i = 0; i < n * row_bytes; i++)
        data[i] = (uint8_t)(next() & 0xbb); /* no exponent of ones */
    if (!t->group) {
        w.f = last_floats(&g[1], weights);
    } else {
        w.scale = last_floats(&g[2], weights / t->group);
        w.min = t->has_min ? last_floats(&g[3], weights / t->group) : NULL;
        if (layout == CRIL_PAIRS)
            w.pairs = (int16_t *)(void *)g[1].end - weights;
        else
            w.quads = (int8_t *)g[1].end - weights;
    }
    for (size_t p = 0; p < panels; p++)
        assert_true(cril_pack_panel(&m, 0, &w, p));
    for (size_t r = 0; r < panels * CRIL_PANEL_COLUMNS; r++) {
        const size_t p = r / CRIL_PANEL_COLUMNS, lane = r % CRIL_PANEL_COLUMNS;
        int8_t q[256] = {0};
        float f[256] = {0}, scale[16] = {0}, min[16] = {0};
        for (size_t e = 0; e < k; e++) {
            const size_t in = e % t->block_len, at = p * k * CRIL_PANEL_COLUMNS;
            const uint8_t *block = data + r * row_bytes + e / t->block_len * t->block_bytes;
            if (r < n && !t->group)
                t->load(block, 1, f + in);
            else if (r < n && in == 0)
                t->unpack(block, q, scale, min);
            if (!t->group) {
                assert_memory_equal(&w.f[at + e * CRIL_PANEL_COLUMNS + lane], f + in,
                                    sizeof(float));
                continue;
            }
            int got = layout == CRIL_PAIRS
                          ? w.pairs[at + (e / 2 * CRIL_PANEL_COLUMNS + lane) * 2 + e % 2]
                          : w.quads[at + (e / 4 * CRIL_PANEL_COLUMNS + lane) * 4 + e % 4];
            assert_int_equal(got, q[in]);
            size_t group = (p * k + e) / t->group * CRIL_PANEL_COLUMNS + lane;
            assert_memory_equal(&w.scale[group], &scale[in / t->group], sizeof(float));
            if (w.min)
                assert_memory_equal(&w.min[group], &min[in / t->group], sizeof(float));
        }
    }
    unguard(g, 4);
}

static void test_pack(void **state)
{
    (void)state;
    for (int type = 0; type < CRIL_N_DTYPES; type++)
        for (int layout = CRIL_PAIRS; layout <= CRIL_QUADS; layout++)
            for (size_t n = 1; n <= MAX_SIZE; n += type == CRIL_F16 || type == CRIL_Q4_1 ? 1 : 31)
                check_pack((enum cril_dtype)type, (enum cril_panel_layout)layout, n);
}

static void test_pack_finds_damage(void **state)
{
    static uint8_t data[CRIL_PANEL_COLUMNS * 64 * 4];
    static float panel[64 * CRIL_PANEL_COLUMNS], scale[2 * CRIL_PANEL_COLUMNS];
    static int16_t pairs[64 * CRIL_PANEL_COLUMNS];
    struct cril_packed f = {.f = panel, .n = CRIL_PANEL_COLUMNS, .k = 64};
    struct cril_packed q = {
        .pairs = pairs, .scale = scale, .n = CRIL_PANEL_COLUMNS, .k = 64, .group = 32};
    struct cril_matrix m = {.name = "m",
                            .type = CRIL_F16,
                            .data = data,
                            .rows = CRIL_PANEL_COLUMNS,
                            .columns = 64,
                            .row_bytes = 128,
                            .count = 1};
    (void)state;
    assert_true(cril_pack_panel(&m, 0, &f, 0));
    data[CRIL_PANEL_COLUMNS * 64 * 2 - 1] = 0x7c; /* infinity, the last element of the last row */
    assert_false(cril_pack_panel(&m, 0, &f, 0));
    memset(data, 0, sizeof(data));
    m.type = CRIL_Q8_0;
    m.row_bytes = 68;
    assert_true(cril_pack_panel(&m, 0, &q, 0));
    data[CRIL_PANEL_COLUMNS * 68 - 33] = 0x7e; /* NaN, the scale of the last block */
    assert_false(cril_pack_panel(&m, 0, &q, 0));
}

/* A few positions of what goes in order, for every width of a slice; states end at a page. */
static void test_in_order(void **state)
{
    enum { STATE = 5, TAPS = 4, STEPS = 3, MAX = STATE * CRIL_CHANNELS };
    static float a[MAX], x[4][MAX], start[MAX], want[MAX], want_y[STEPS][4][CRIL_CHANNELS];
    struct guarded g = guard(MAX * sizeof(float)), h = guard(CRIL_CHANNELS * sizeof(float));
    (void)state;
    for (size_t n = 1; n <= CRIL_CHANNELS; n++) {
        float *kept = last_floats(&g, STATE * n), *y = last_floats(&h, n);

        fill(a, MAX);
        fill(start, MAX);
        for (size_t i = 0; i < 4; i++)
            fill(x[i], MAX);
        for (size_t which = 0; which < 4; which++)
            for (size_t s = 0; s < n_sets; s++) {
                memcpy(kept, start, STATE * n * sizeof(float));
                for (size_t t = 0; t < STEPS; t++) {
                    memcpy(y, x[t], n * sizeof(float));
                    switch (which) {
                    case 0: sets[s].convolve(kept, a, TAPS, y, n); break;
                    case 1: sets[s].scan(kept, a, x[3], x[3] + STATE, STATE, x[t] + n, y, n); break;
                    case 2:
                        sets[s].scan_head(kept, a[t], a[t + 1], x[3], x[3] + STATE, STATE, x[t], y,
                                          n);
                        break;
                    default: sets[s].wkv(kept, a, x[t] + n, x[3] + n, y, n); break;
                    }
                    if (!s)
                        memcpy(want_y[t][which], y, n * sizeof(float));
                    same("an operation in order", &sets[s], want_y[t][which], y, n * sizeof(float),
                         n);
                }
                if (!s)
                    memcpy(want, kept, STATE * n * sizeof(float));
                same("a state", &sets[s], want, kept, STATE * n * sizeof(float), n);
            }
    }
    unguard(&g, 1);
    unguard(&h, 1);
}

/* Functions of one row, of every length up to 300, the row ending at a page. */
static void test_rows(void **state)
{
    enum { MAX_ROW = 300 };
    static float x[MAX_ROW], v[MAX_ROW], want[MAX_ROW];
    struct guarded g = guard(MAX_ROW * sizeof(float)), h = guard(MAX_ROW * sizeof(float));
    (void)state;
    for (size_t n = 1; n <= MAX_ROW; n++) {
        float *y = last_floats(&g, n), *w = last_floats(&h, n), sum[2] = {0}, max[2], total[2];
        fill(x, n);
        fill(v, n);
        for (size_t s = 0; s < n_sets; s++) {
            memcpy(y, x, n * sizeof(float));
            memcpy(w, v, n * sizeof(float));
            sets[s].rms_norm(y, w, n, 1e-5f, y);
            sets[s].layer_norm(y, w, n, 1e-5f, y);
            sets[s].add(y, w, n);
            sets[s].scale(y, 0.3f, n);
            sets[s].silu_mul(y, w, n);
            sets[s].gelu_mul(y, w, n);
            sets[s].layer_norm(y, NULL, n, 1e-5f, y);
            sets[s].cap(y, 1.5f, n);
            sets[s].sigmoid_mul(y, w, n);
            sets[s].softplus(y, n);
            sets[s].rms_norm(y, NULL, n, 1e-5f, y);
            sets[s].rotate_halves(y, w, w + n / 2, n / 2);
            sets[s].rotate_pairs(y, w + n / 2, w, n / 2);
            if (!s)
                memcpy(want, y, n * sizeof(float));
            same("row functions", &sets[s], want, y, n * sizeof(float), n);
        }
        for (int a = CRIL_ACT_GELU_TANH; a <= CRIL_ACT_SILU; a++)
            for (size_t s = 0; s < n_sets; s++) {
                memcpy(y, x, n * sizeof(float));
                sets[s].activate((enum cril_activation)a, y, n);
                if (!s)
                    memcpy(want, y, n * sizeof(float));
                same("activation", &sets[s], want, y, n * sizeof(float), n);
            }
        for (size_t s = 0; s < n_sets && n % 16 == 0; s++) {
            memcpy(y, x, n * sizeof(float));
            sum[s > 0] = sets[s].softmax(y, n);
            sets[s].logsum(y, n, &max[s > 0], &total[s > 0]);
            if (!s)
                memcpy(want, y, n * sizeof(float));
            same("softmax and logsum", &sets[s], want, y, n * sizeof(float), n);
            same("softmax sum", &sets[s], sum, sum + (s > 0), sizeof(float), n);
            same("logsum maximum", &sets[s], max, max + (s > 0), sizeof(float), n);
            same("logsum sum", &sets[s], total, total + (s > 0), sizeof(float), n);
        }
    }
    unguard(&g, 1);
    unguard(&h, 1);
}

int main(void)
{
    size_t n;
    const struct cril_kernel_set *all = cril_kernel_sets(&n);

    for (size_t i = 0; i < n && n_sets < MAX_SETS; i++) {
        if (all[i].available())
            all[i].init(&sets[n_sets++]);
        printf("kernels: %s %s\n", all[i].name,
               all[i].available() ? "tested" : "skipped, this CPU lacks it");
#if defined(__x86_64__)
        if (strcmp(all[i].name, "avx512") == 0 && all[i].available())
            cril_kernels_amx_emulated(&sets[n_sets++]);
#endif
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm_f32_sizes),    cmocka_unit_test(test_gemm_f32_strides),
        cmocka_unit_test(test_gemm_f32_goes_on),  cmocka_unit_test(test_quantise),
        cmocka_unit_test(test_gemm_i16_sizes),    cmocka_unit_test(test_pack),
        cmocka_unit_test(test_pack_finds_damage), cmocka_unit_test(test_rows),
        cmocka_unit_test(test_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
