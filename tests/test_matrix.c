/*
 * Views of tensors: each element of a view is the element of the tensor that its description says,
 * and packing a view gives the panels of the same matrix written out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernels/kernels.h"
#include "tensor/matrix.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 40, COLUMNS = 67, COUNT = 3 };

static float numbers[COUNT][ROWS][COLUMNS];

static struct cril_tensor tensor_of(unsigned n_dims)
{
    for (int k = 0; k < COUNT; k++)
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < COLUMNS; c++)
                numbers[k][r][c] = (float)(10000 * k + 100 * r + c);
    return (struct cril_tensor){.name = "t",
                                .type = CRIL_F32,
                                .n_dims = n_dims,
                                .ne = {COLUMNS, ROWS, n_dims > 2 ? COUNT : 1, 1},
                                .data = (const uint8_t *)numbers,
                                .bytes = n_dims > 2 ? sizeof(numbers) : sizeof(numbers[0])};
}

static float at(const struct cril_matrix *m, size_t r, size_t c)
{
    float row[COLUMNS];

    assert_true(r < m->rows && c < m->columns && m->columns <= COLUMNS);
    cril_matrix_load_row(m, r, row);
    assert_memory_equal(&row[c], &(float){cril_matrix_element(m, r, c)}, sizeof(float));
    return row[c];
}

static void views(void **state)
{
    const struct cril_tensor t = tensor_of(3);
    const struct cril_matrix all = cril_matrix_of(&t), second = cril_matrix_one(all, 1),
                             some = cril_matrix_runs(second, 8, 4, 4, 4),
                             turned = cril_matrix_turned(some);

    (void)state;
    assert_true(cril_matrix_is_set(&all));
    assert_false(cril_matrix_is_set(&(struct cril_matrix){0}));
    assert_int_equal(all.count, COUNT);
    assert_int_equal(all.rows, ROWS);
    assert_int_equal(all.columns, COLUMNS);
    assert_int_equal(cril_matrix_bytes(&all), sizeof(numbers[0]));
    assert_int_equal(second.count, 1);
    for (size_t r = 0; r < 4; r++)
        for (size_t c = 0; c < COLUMNS; c++) {
            assert_true(at(&some, r, c) == numbers[1][8 + r][c]);
            assert_true(cril_matrix_element(&turned, c, r) == numbers[1][8 + r][c]);
        }
    assert_int_equal(turned.rows, COLUMNS);
    assert_int_equal(turned.columns, 4);
    assert_int_equal(cril_matrix_bytes(&turned), 4 * sizeof(numbers[0][0]));
    assert_false(cril_matrix_turned(turned).transposed);
}

/* Heads of 8 rows: the halves 0..3 and 4..7 of each become neighbours. */
static void interleaved(void **state)
{
    static const size_t order[8] = {0, 4, 1, 5, 2, 6, 3, 7};
    const struct cril_tensor t = tensor_of(2);
    struct cril_matrix m = cril_matrix_of(&t);

    (void)state;
    m.interleaved = 8;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLUMNS; c += 5)
            assert_true(at(&m, r, c) == numbers[0][r / 8 * 8 + order[r % 8]][c]);
}

/* The panels of rows [first, first + n) of m, in floats. */
static float *pack(const struct cril_matrix *m, size_t first, size_t n)
{
    const size_t panels = cril_panels(n);
    float *f = malloc(panels * CRIL_PANEL_COLUMNS * m->columns * sizeof(*f));
    struct cril_packed w = {.f = f, .n = n, .k = m->columns};

    assert_non_null(f);
    for (size_t p = 0; p < panels; p++)
        assert_true(cril_pack_panel(m, first, &w, p));
    return f;
}

/* m against the same numbers, row by row. */
static void check_panels(const struct cril_matrix *m, size_t first, size_t n)
{
    float *const plain = malloc(m->rows * m->columns * sizeof(*plain)), *got, *want;

    assert_non_null(plain);
    for (size_t r = 0; r < m->rows; r++)
        for (size_t c = 0; c < m->columns; c++)
            plain[r * m->columns + c] = cril_matrix_element(m, r, c);
    const struct cril_matrix written = {.name = "w",
                                        .type = CRIL_F32,
                                        .data = (const uint8_t *)plain,
                                        .rows = m->rows,
                                        .columns = m->columns,
                                        .row_bytes = m->columns * sizeof(*plain),
                                        .count = 1};
    got = pack(m, first, n);
    want = pack(&written, first, n);
    assert_memory_equal(got, want, cril_panels(n) * CRIL_PANEL_COLUMNS * m->columns * sizeof(*got));
    free(got);
    free(want);
    free(plain);
}

static void packed(void **state)
{
    const struct cril_tensor t = tensor_of(2);
    struct cril_matrix m = cril_matrix_of(&t);

    (void)state;
    for (size_t first = 0; first < ROWS; first += 13)
        check_panels(&m, first, ROWS - first);
    m.interleaved = 10;
    check_panels(&m, 0, ROWS);
    m.interleaved = 0;
    m = cril_matrix_turned(m);
    for (size_t n = 1; n <= COLUMNS; n++)
        check_panels(&m, COLUMNS - n, n);
}

/* Numbers of 16 bits, transposed; what is not finite is found there too. */
static void packed_halves(void **state)
{
    static uint16_t half[5][33];
    struct cril_matrix m = {.name = "m",
                            .type = CRIL_BF16,
                            .data = (const uint8_t *)half,
                            .rows = 33,
                            .columns = 5,
                            .row_bytes = sizeof(half[0]),
                            .count = 1,
                            .transposed = true};
    float panels[2 * CRIL_PANEL_COLUMNS * 5];
    struct cril_packed w = {.f = panels, .n = 33, .k = 5};

    (void)state;
    for (int c = 0; c < 5; c++)
        for (int r = 0; r < 33; r++)
            half[c][r] = (uint16_t)(0x3f80 + 64 * c + r);
    check_panels(&m, 0, 33);
    m.type = CRIL_F16;
    check_panels(&m, 0, 33);
    half[4][32] = 0x7c00;
    assert_true(cril_pack_panel(&m, 0, &w, 0));
    assert_false(cril_pack_panel(&m, 0, &w, 1));
}

/* Heads of which each is stored with rows and columns exchanged, in blocks that lie along a head's
 * rows: latent attention's keys in a GGUF. */
static void check_turned_heads(enum cril_dtype type)
{
    enum { HEADS = 3, IN = 5, HEAD = 64 };  /* 64: two blocks */
    static uint8_t data[HEADS][IN][2 * 34]; /* room for Q8_0 */
    const struct cril_dtype_info *const info = &cril_dtypes[type];
    const size_t row_bytes = (size_t)HEAD / info->block_len * info->block_bytes;
    const struct cril_tensor t = {.name = "t",
                                  .type = type,
                                  .n_dims = 3,
                                  .ne = {HEAD, IN, HEADS, 1},
                                  .data = (const uint8_t *)data,
                                  .bytes = HEADS * IN * row_bytes};
    uint8_t *const bytes = (uint8_t *)data;
    float row[HEAD];

    for (size_t i = 0; i < t.bytes; i++) /* a block begins with its scale, an fp16 near 1 */
        bytes[i] = i % info->block_bytes == 1 ? 0x3c : (uint8_t)(i * 37 + i / 7);
    const struct cril_matrix m = cril_matrix_turned_heads(cril_matrix_of(&t));
    assert_false(cril_matrix_has_integers(&m));
    assert_int_equal(m.rows, HEADS * HEAD);
    assert_int_equal(m.columns, IN);
    for (size_t h = 0; h < HEADS; h++)
        for (size_t c = 0; c < IN; c++) {
            cril_dequantise(type, bytes + (h * IN + c) * row_bytes, HEAD, row);
            for (size_t r = 0; r < HEAD; r++)
                assert_true(at(&m, h * HEAD + r, c) == row[r]);
        }
    for (size_t first = 0; first < m.rows; first += 29)
        check_panels(&m, first, m.rows - first);
}

static void turned_heads(void **state)
{
    (void)state;
    check_turned_heads(CRIL_Q8_0);
    check_turned_heads(CRIL_Q4_0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views),         cmocka_unit_test(interleaved),  cmocka_unit_test(packed),
        cmocka_unit_test(packed_halves), cmocka_unit_test(turned_heads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
