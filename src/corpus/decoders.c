/*
 * gzip (RFC 1952) by zlib, bzip2 by libbz2, xz by liblzma, zstd (RFC 8878) by libzstd.
 *
 * All four check their checksums. Memory is capped: an xz member may ask for 1 GiB, a zstd frame
 * for a window of 2 GiB (what `zstd --long=31` makes); zlib and bzip2 need less than 10 MiB
 * whatever the file says.
 */
#include "corpus/decoders.h"

#include <bzlib.h>
#include <limits.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

static const uint64_t xz_memory = UINT64_C(1) << 30;
enum { ZSTD_WINDOW_LOG = 31 };

static unsigned clip(size_t n)
{
    return n > UINT_MAX ? UINT_MAX : (unsigned)n;
}

static void advance(struct cril_decoder_io *io, size_t taken, size_t given)
{
    io->in += taken;
    io->n_in -= taken;
    io->out += given;
    io->n_out -= given;
}

/* ---- gzip ---- */

static bool gzip_match(const uint8_t *p, size_t n)
{
    return n >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8;
}

static void *gzip_create(void)
{
    z_stream *z = calloc(1, sizeof(*z));

    if (z && inflateInit2(z, 15 + 16) != Z_OK) { /* 15: the largest window, + 16: gzip, not zlib */
        free(z);
        return NULL;
    }
    return z;
}

static bool gzip_restart(void *state)
{
    return inflateReset(state) == Z_OK;
}

static enum cril_step gzip_step(void *state, struct cril_decoder_io *io, const char **why)
{
    z_stream *z = state;
    const unsigned in = clip(io->n_in), out = clip(io->n_out);
    int r;

    z->next_in = (z_const Bytef *)io->in;
    z->avail_in = in;
    z->next_out = io->out;
    z->avail_out = out;
    r = inflate(z, Z_NO_FLUSH);
    advance(io, in - z->avail_in, out - z->avail_out);
    if (r == Z_STREAM_END)
        return CRIL_STEP_END;
    if (r == Z_OK || r == Z_BUF_ERROR)
        return CRIL_STEP_MORE;
    if (r == Z_MEM_ERROR)
        return CRIL_STEP_NOMEM;
    *why = z->msg ? z->msg : "invalid data";
    return CRIL_STEP_DAMAGED;
}

static void gzip_free(void *state)
{
    if (state)
        inflateEnd(state);
    free(state);
}

/* ---- bzip2 ---- */

/* "BZh", the block size, then the magic of a block or of the end: "BZh9" alone could open a text.
 */
static bool bzip2_match(const uint8_t *p, size_t n)
{
    static const uint8_t block[6] = {0x31, 0x41, 0x59, 0x26, 0x53, 0x59};
    static const uint8_t end[6] = {0x17, 0x72, 0x45, 0x38, 0x50, 0x90};

    return n >= 10 && memcmp(p, "BZh", 3) == 0 && p[3] >= '1' && p[3] <= '9' &&
           (memcmp(p + 4, block, 6) == 0 || memcmp(p + 4, end, 6) == 0);
}

static void *bzip2_create(void)
{
    bz_stream *b = calloc(1, sizeof(*b));

    if (b && BZ2_bzDecompressInit(b, 0, 0) != BZ_OK) {
        free(b);
        return NULL;
    }
    return b;
}

static bool bzip2_restart(void *state)
{
    bz_stream *b = state;

    BZ2_bzDecompressEnd(b);
    memset(b, 0, sizeof(*b));
    return BZ2_bzDecompressInit(b, 0, 0) == BZ_OK;
}

static enum cril_step bzip2_step(void *state, struct cril_decoder_io *io, const char **why)
{
    bz_stream *b = state;
    const unsigned in = clip(io->n_in), out = clip(io->n_out);
    int r;

    b->next_in = (char *)io->in; /* not written to */
    b->avail_in = in;
    b->next_out = (char *)io->out;
    b->avail_out = out;
    r = BZ2_bzDecompress(b);
    advance(io, in - b->avail_in, out - b->avail_out);
    if (r == BZ_STREAM_END)
        return CRIL_STEP_END;
    if (r == BZ_OK)
        return CRIL_STEP_MORE;
    if (r == BZ_MEM_ERROR)
        return CRIL_STEP_NOMEM;
    *why = "invalid data or a wrong checksum";
    return CRIL_STEP_DAMAGED;
}

static void bzip2_free(void *state)
{
    if (state)
        BZ2_bzDecompressEnd(state); /* refuses a state that a failed restart left empty */
    free(state);
}

/* ---- xz ---- */

static bool xz_match(const uint8_t *p, size_t n)
{
    static const uint8_t magic[6] = {0xfd, '7', 'z', 'X', 'Z', 0};

    return n >= sizeof(magic) && memcmp(p, magic, sizeof(magic)) == 0;
}

static bool xz_restart(void *state)
{
    return lzma_stream_decoder(state, xz_memory, 0) ==
           LZMA_OK; /* ends what the state held before */
}

static void xz_free(void *state)
{
    if (state)
        lzma_end(state);
    free(state);
}

static void *xz_create(void)
{
    lzma_stream *x = malloc(sizeof(*x));

    if (!x)
        return NULL;
    *x = (lzma_stream)LZMA_STREAM_INIT;
    if (!xz_restart(x)) {
        xz_free(x);
        return NULL;
    }
    return x;
}

static enum cril_step xz_step(void *state, struct cril_decoder_io *io, const char **why)
{
    lzma_stream *x = state;
    const size_t in = io->n_in, out = io->n_out;
    lzma_ret r;

    x->next_in = io->in;
    x->avail_in = in;
    x->next_out = io->out;
    x->avail_out = out;
    r = lzma_code(x, LZMA_RUN);
    advance(io, in - x->avail_in, out - x->avail_out);
    switch (r) {
    case LZMA_STREAM_END: return CRIL_STEP_END;
    case LZMA_OK:
    case LZMA_BUF_ERROR: return CRIL_STEP_MORE;
    case LZMA_MEM_ERROR: return CRIL_STEP_NOMEM;
    case LZMA_MEMLIMIT_ERROR:
        *why = "needs more than 1 GiB of memory to decompress; compress it again with xz -9";
        return CRIL_STEP_REFUSED;
    case LZMA_OPTIONS_ERROR: *why = "a filter or option that this liblzma does not know"; break;
    default: *why = "invalid data or a wrong checksum"; break;
    }
    return CRIL_STEP_DAMAGED;
}

/* ---- zstd ---- */

/* A frame, or a skippable frame, which pzstd puts first. */
static bool zstd_match(const uint8_t *p, size_t n)
{
    static const uint8_t frame[4] = {0x28, 0xb5, 0x2f, 0xfd};

    return n >= 4 && (memcmp(p, frame, 4) == 0 ||
                      ((p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18));
}

static void *zstd_create(void)
{
    ZSTD_DCtx *d = ZSTD_createDCtx();
    const int max =
        ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound; /* 30 on 32-bit machines */

    if (d && ZSTD_isError(ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax,
                                                 max < ZSTD_WINDOW_LOG ? max : ZSTD_WINDOW_LOG))) {
        ZSTD_freeDCtx(d);
        return NULL;
    }
    return d;
}

static bool zstd_restart(void *state)
{
    return !ZSTD_isError(ZSTD_DCtx_reset(state, ZSTD_reset_session_only));
}

static enum cril_step zstd_step(void *state, struct cril_decoder_io *io, const char **why)
{
    ZSTD_inBuffer in = {io->in, io->n_in, 0};
    ZSTD_outBuffer out = {io->out, io->n_out, 0};
    const size_t r = ZSTD_decompressStream(state, &out, &in);

    advance(io, in.pos, out.pos);
    if (r == 0)
        return CRIL_STEP_END;
    if (!ZSTD_isError(r))
        return CRIL_STEP_MORE;
    switch (ZSTD_getErrorCode(r)) {
    case ZSTD_error_memory_allocation: return CRIL_STEP_NOMEM;
    case ZSTD_error_frameParameter_windowTooLarge:
        *why = "needs a window of more than 2 GiB to decompress; compress it again with zstd "
               "--long=31 or less";
        return CRIL_STEP_REFUSED;
    case ZSTD_error_dictionary_wrong:
        *why = "was compressed with a dictionary; decompress it with zstd -D first";
        return CRIL_STEP_REFUSED;
    default: *why = ZSTD_getErrorName(r); return CRIL_STEP_DAMAGED;
    }
}

static void zstd_free(void *state)
{
    ZSTD_freeDCtx(state);
}

/* gzip: zeros that tapes leave behind, as gzip(1) allows; xz: Stream Padding of its format,
 * section 2.2. */
const struct cril_decoder cril_decoders[] = {
    {"gzip", ".gz", 1, gzip_match, gzip_create, gzip_restart, gzip_step, gzip_free},
    {"bzip2", ".bz2", 0, bzip2_match, bzip2_create, bzip2_restart, bzip2_step, bzip2_free},
    {"xz", ".xz", 4, xz_match, xz_create, xz_restart, xz_step, xz_free},
    {"zstd", ".zst", 0, zstd_match, zstd_create, zstd_restart, zstd_step, zstd_free},
    {NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL},
};
