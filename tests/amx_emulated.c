/*
 * src/kernels/amx.c once more, its intrinsics replaced by functions on a file of tile registers.
 * They follow the pseudo-code of Intel's SDM, volume 2 (LDTILECFG, TILELOADD, TILESTORED, TILEZERO,
 * TDPBUSD, TDPBSSD, TILERELEASE), and abort where the CPU would fault: so the kernel is tested
 * without the hardware. Palette 1 only.
 */
#include "amx_emulated.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TILES = 8, MAX_ROWS = 16, MAX_ROW_BYTES = 64 };

static _Thread_local struct {
    bool configured;
    struct {
        unsigned rows, row_bytes;
        uint8_t data[MAX_ROWS][MAX_ROW_BYTES];
    } tile[TILES];
} amx;

static void demand(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "emulated AMX: %s\n", what);
        abort();
    }
}

static bool all_zero(const uint8_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i])
            return false;
    return true;
}

static void load_config(const void *config)
{
    uint8_t c[64];
    memcpy(c, config, sizeof(c));
    demand(c[0] == 1, "palette is not 1");
    demand(all_zero(c + 1, 15) && all_zero(c + 16 + 2 * TILES, 16) && all_zero(c + 48 + TILES, 8),
           "reserved byte set");
    memset(&amx, 0, sizeof(amx));
    amx.configured = true;
    for (size_t t = 0; t < TILES; t++) {
        const unsigned rows = c[48 + t], row_bytes = c[16 + 2 * t] + 256u * c[17 + 2 * t];
        demand(rows <= MAX_ROWS && row_bytes <= MAX_ROW_BYTES, "tile larger than the palette's");
        demand(!rows == !row_bytes, "tile of no rows or no columns");
        amx.tile[t].rows = rows;
        amx.tile[t].row_bytes = row_bytes;
    }
}

static void demand_tile(size_t t)
{
    demand(amx.configured && t < TILES && amx.tile[t].rows && amx.tile[t].row_bytes % 4 == 0,
           "tile is not configured");
}

static void release(void)
{
    memset(&amx, 0, sizeof(amx));
}

static void load(size_t t, const void *from, size_t stride)
{
    demand_tile(t);
    memset(amx.tile[t].data, 0, sizeof(amx.tile[t].data));
    for (size_t r = 0; r < amx.tile[t].rows; r++)
        memcpy(amx.tile[t].data[r], (const uint8_t *)from + r * stride, amx.tile[t].row_bytes);
}

static void store(size_t t, void *to, size_t stride)
{
    demand_tile(t);
    for (size_t r = 0; r < amx.tile[t].rows; r++)
        memcpy((uint8_t *)to + r * stride, amx.tile[t].data[r], amx.tile[t].row_bytes);
}

static void zero(size_t t)
{
    demand_tile(t);
    memset(amx.tile[t].data, 0, sizeof(amx.tile[t].data));
}

/* c += a * b. Bytes of b are signed. */
static void multiply(size_t c, size_t a, size_t b, bool a_signed)
{
    demand_tile(a);
    demand_tile(b);
    demand_tile(c);
    demand(a != b && b != c && c != a, "a tile is two operands");
    demand(amx.tile[c].rows == amx.tile[a].rows && amx.tile[a].row_bytes / 4 == amx.tile[b].rows &&
               amx.tile[c].row_bytes == amx.tile[b].row_bytes,
           "shapes of a product do not match");
    for (size_t r = 0; r < amx.tile[c].rows; r++) {
        int32_t sum[MAX_ROW_BYTES / 4];
        memcpy(sum, amx.tile[c].data[r], sizeof(sum));
        for (size_t p = 0; p < amx.tile[a].row_bytes; p++) {
            const uint8_t byte = amx.tile[a].data[r][p];
            const int left = a_signed ? (int8_t)byte : byte;
            for (size_t col = 0; col < amx.tile[c].row_bytes / 4; col++)
                sum[col] += left * (int8_t)amx.tile[b].data[p / 4][4 * col + p % 4];
        }
        memcpy(amx.tile[c].data[r], sum, amx.tile[c].row_bytes);
    }
}

#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbusd
#undef _tile_dpbssd
#define _tile_loadconfig(config) load_config(config)
#define _tile_release() release()
#define _tile_loadd(tile, base, stride) load(tile, base, stride)
#define _tile_stored(tile, base, stride) store(tile, base, stride)
#define _tile_zero(tile) zero(tile)
#define _tile_dpbusd(c, a, b) multiply(c, a, b, false)
#define _tile_dpbssd(c, a, b) multiply(c, a, b, true)
#define cril_kernels_amx emulated_set
void emulated_set(struct cril_kernels *k);
#include "kernels/amx.c"

void cril_kernels_amx_emulated(struct cril_kernels *k)
{
    emulated_set(k);
    k->name = "amx, emulated";
}
#endif
