/* Compresses a few bytes for tests, with the libraries that the reader uses, checksums on. */
#ifndef CRIL_TESTS_PACKED_H
#define CRIL_TESTS_PACKED_H

#include <bzlib.h>
#include <lzma.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum packing { PLAIN, GZIP, BZIP2, XZ, ZSTD, N_PACKINGS };

static const char *const packing_suffix[N_PACKINGS] = {"", ".gz", ".bz2", ".xz", ".zst"};

struct bytes {
    size_t n, cap;
    uint8_t *data; /* [cap], owned: free */
};

static void add_bytes(struct bytes *b, const void *data, size_t n)
{
    if (b->n + n >= b->cap) {
        b->cap = 2 * (b->n + n) + 64;
        b->data = realloc(b->data, b->cap);
        if (!b->data)
            abort();
    }
    if (n)
        memcpy(b->data + b->n, data, n);
    b->n += n;
}

/* Adds one member, stream or frame. */
static void pack(struct bytes *to, enum packing kind, const void *data, size_t n)
{
    const size_t room = n + n / 8 + 4096;
    uint8_t *out = malloc(room);
    size_t len = 0;

    if (!out)
        abort();
    if (kind == PLAIN) {
        add_bytes(to, data, n);
    } else if (kind == GZIP) {
        z_stream z = {0};
        if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            abort();
        z.next_in = (z_const Bytef *)data;
        z.avail_in = (unsigned)n;
        z.next_out = out;
        z.avail_out = (unsigned)room;
        if (deflate(&z, Z_FINISH) != Z_STREAM_END)
            abort();
        len = z.total_out;
        deflateEnd(&z);
    } else if (kind == BZIP2) {
        unsigned size = (unsigned)room;
        char none[1] = {0}, *from = malloc(n + 1);
        if (!from)
            abort();
        if (n)
            memcpy(from, data, n);
        if (BZ2_bzBuffToBuffCompress((char *)out, &size, n ? from : none, (unsigned)n, 1, 0, 0) !=
            BZ_OK)
            abort();
        free(from);
        len = size;
    } else if (kind == XZ) {
        if (lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, data, n, out, &len, room) != LZMA_OK)
            abort();
    } else {
        ZSTD_CCtx *c = ZSTD_createCCtx();
        if (!c || ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)))
            abort();
        len = ZSTD_compress2(c, out, room, data, n);
        if (ZSTD_isError(len))
            abort();
        ZSTD_freeCCtx(c);
    }
    add_bytes(to, out, len);
    free(out);
}

#endif
