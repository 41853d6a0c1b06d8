/*
 * Stored rows to panels: the rows of a panel are unpacked side by side, a block of each, then
 * turned by 90 degrees in units of what a lane takes at once, a number, a pair or four bytes.
 */
#include "kernels/kernels.h"

#include <string.h>

enum { MAX_GROUPS = 16 };

/* A block of each row of a panel; rows that the matrix does not have stay zero. */
struct unpacked {
    int8_t q[CRIL_PANEL_COLUMNS][CRIL_MAX_BLOCK];
    float scale[CRIL_PANEL_COLUMNS][MAX_GROUPS], min[CRIL_PANEL_COLUMNS][MAX_GROUPS];
};

static bool all_finite(const float *x, size_t n)
{
    uint32_t bad = 0, bits;
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, x + i, sizeof(bits));
        bad |= (bits & 0x7f800000) == 0x7f800000;
    }
    return !bad;
}

/* Numbers of one row, and a call for the next ones: rows a power of two apart share a few sets of
   the cache, which its own guesses of what comes next do not survive. */
static void load_slice(const struct cril_dtype_info *t, const uint8_t *from, size_t len, bool more,
                       float *to)
{
    const size_t bytes = len * t->block_bytes;
    for (size_t at = 0; more && at < bytes; at += 64)
        __builtin_prefetch(from + bytes + at);
    t->load(from, len, to);
}

static bool pack_float(const struct cril_dtype_info *t, const uint8_t *const *from, size_t n,
                       size_t k, float *panel)
{
    enum { SLICE = 128 };
    float rows[CRIL_PANEL_COLUMNS][SLICE + 4] = {
        {0}}; /* a power of two apart they would share a few lines of the cache */
    bool finite = true;
    for (size_t p = 0; p < k; p += SLICE, panel += SLICE * CRIL_PANEL_COLUMNS) {
        const size_t len = k - p < SLICE ? k - p : SLICE;
        for (size_t lane = 0; lane < n; lane++)
            load_slice(t, from[lane] + p * t->block_bytes, len, p + len < k, rows[lane]);
        for (size_t e = 0; e < len; e++)
            for (size_t lane = 0; lane < CRIL_PANEL_COLUMNS; lane++)
                panel[e * CRIL_PANEL_COLUMNS + lane] = rows[lane][e];
        finite &= all_finite(panel, len * CRIL_PANEL_COLUMNS);
    }
    return finite;
}

static void turn_pairs(const struct unpacked *u, size_t len, int16_t *to)
{
    for (size_t e = 0; e < len; e += 2, to += 2 * CRIL_PANEL_COLUMNS) {
        int8_t row[2 * CRIL_PANEL_COLUMNS];
        for (size_t lane = 0; lane < CRIL_PANEL_COLUMNS; lane++)
            memcpy(row + 2 * lane, u->q[lane] + e, 2);
        for (size_t i = 0; i < 2 * CRIL_PANEL_COLUMNS; i++)
            to[i] = row[i];
    }
}

static void turn_quads(const struct unpacked *u, size_t len, int8_t *to)
{
    for (size_t e = 0; e < len; e += 4, to += 4 * CRIL_PANEL_COLUMNS)
        for (size_t lane = 0; lane < CRIL_PANEL_COLUMNS; lane++)
            memcpy(to + 4 * lane, u->q[lane] + e, 4);
}

static bool turn_floats(const float (*from)[MAX_GROUPS], size_t groups, float *to)
{
    for (size_t g = 0; g < groups; g++)
        for (size_t lane = 0; lane < CRIL_PANEL_COLUMNS; lane++)
            to[g * CRIL_PANEL_COLUMNS + lane] = from[lane][g];
    return all_finite(to, groups * CRIL_PANEL_COLUMNS);
}

/* Numbers [at, at + n) of a run that is stored side by side. */
static void load_part(const struct cril_dtype_info *t, enum cril_dtype type, const uint8_t *run,
                      size_t at, size_t n, float *to)
{
    float block[CRIL_MAX_BLOCK];
    if (t->load) {
        t->load(run + at * t->block_bytes, n, to);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t in_block = (at + i) % t->block_len;
        if (i == 0 || in_block == 0)
            cril_dequantise(type, run + (at + i) / t->block_len * t->block_bytes, t->block_len,
                            block);
        to[i] = block[in_block];
    }
}

/* Rows [first, first + n) of a matrix that is stored column by column: a panel's order already. */
static bool pack_transposed(const struct cril_matrix *m, size_t first, size_t n, float *panel)
{
    const struct cril_dtype_info *t = &cril_dtypes[m->type];
    const size_t run = m->run ? m->run : m->rows;
    memset(panel, 0, m->columns * CRIL_PANEL_COLUMNS * sizeof(float));
    for (size_t i = 0, len; i < n; i += len) {
        const size_t at = (first + i) % run;
        const uint8_t *from = m->data + (first + i) / run * m->run_bytes;
        len = run - at < n - i ? run - at : n - i;
        for (size_t e = 0; e < m->columns; e++)
            load_part(t, m->type, from + e * m->row_bytes, at, len,
                      panel + e * CRIL_PANEL_COLUMNS + i);
    }
    return all_finite(panel, m->columns * CRIL_PANEL_COLUMNS);
}

static bool pack_int(const struct cril_dtype_info *t, const uint8_t *const *from, size_t n,
                     struct cril_packed *w, size_t p)
{
    const size_t len = t->block_len, groups = len / t->group, first = p * w->k * CRIL_PANEL_COLUMNS,
                 per_group = first / t->group;
    struct unpacked u = {0};
    bool finite = true;
    for (size_t b = 0; b < w->k / len; b++) {
        const size_t weights = first + b * len * CRIL_PANEL_COLUMNS,
                     scales = per_group + b * groups * CRIL_PANEL_COLUMNS;
        for (size_t lane = 0; lane < n; lane++)
            t->unpack(from[lane] + b * t->block_bytes, u.q[lane], u.scale[lane], u.min[lane]);
        if (w->pairs)
            turn_pairs(&u, len, w->pairs + weights);
        else
            turn_quads(&u, len, w->quads + weights);
        finite &= turn_floats(u.scale, groups, w->scale + scales);
        if (w->min)
            finite &= turn_floats(u.min, groups, w->min + scales);
    }
    return finite;
}

bool cril_pack_panel(const struct cril_matrix *m, size_t first, struct cril_packed *w, size_t p)
{
    const struct cril_dtype_info *t = &cril_dtypes[m->type];
    const size_t left = w->n - p * CRIL_PANEL_COLUMNS,
                 n = left < CRIL_PANEL_COLUMNS ? left : CRIL_PANEL_COLUMNS;
    const uint8_t *from[CRIL_PANEL_COLUMNS];
    first += p * CRIL_PANEL_COLUMNS;
    if (m->transposed)
        return pack_transposed(m, first, n, w->f + p * w->k * CRIL_PANEL_COLUMNS);
    for (size_t lane = 0; lane < n; lane++)
        from[lane] = cril_matrix_row(m, first + lane);
    return w->f ? pack_float(t, from, n, w->k, w->f + p * w->k * CRIL_PANEL_COLUMNS)
                : pack_int(t, from, n, w, p);
}
