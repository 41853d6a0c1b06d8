/*
 * Encoders behind one shape: bytes in, bytes out, which are counted and dropped.
 *
 * Each is set up as its command sets it up for a pipe: zstd with its checksum and without the
 * content size (RFC 8878), xz with a CRC64, brotli as the bare stream of RFC 7932 with the largest
 * window that it allows, bzip2 with blocks of 900 kB. All input goes in as "more to come" and the
 * end is a call of its own without input, so that no library takes a shortcut for a text that it
 * sees whole, and sizes do not depend on how the text was cut.
 *
 * The encoders run one after another on the caller's thread: about 4 s a megabyte, next to minutes
 * in a model.
 *
 * A new compressor is three functions and a row of the table below.
 */
#include "corpus/baseline.h"

#include "util/fail.h"

#include <brotli/encode.h>
#include <bzlib.h>
#include <limits.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

struct io {
    const uint8_t *in; /* [n_in], both moved on by what was taken */
    size_t n_in;
    uint8_t *out; /* [n_out], both moved on by what was given */
    size_t n_out;
};

enum step {
    STEP_MORE, /* wants more input, or more room */
    STEP_END,  /* the stream is complete; only after `last` */
    STEP_FAILED
};

struct encoder {
    const char *name;
    size_t memory_mib;     /* that it takes at most */
    void *(*create)(void); /* ready for a stream; NULL: out of memory */
    enum step (*code)(void *state, struct io *io, bool last); /* last: n_in is 0 from here on */
    void (*free)(void *state);
};

static void advance(struct io *io, size_t taken, size_t given)
{
    io->in += taken;
    io->n_in -= taken;
    io->out += given;
    io->n_out -= given;
}

/* ---- zstd ---- */

static void *zstd_create(void)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();

    if (z && (ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, 19)) ||
              ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1)))) {
        ZSTD_freeCCtx(z);
        return NULL;
    }
    return z;
}

static enum step zstd_code(void *state, struct io *io, bool last)
{
    ZSTD_inBuffer in = {io->in, io->n_in, 0};
    ZSTD_outBuffer out = {io->out, io->n_out, 0};
    const size_t left = ZSTD_compressStream2(state, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);

    advance(io, in.pos, out.pos);
    if (ZSTD_isError(left))
        return STEP_FAILED;
    return last && !left ? STEP_END : STEP_MORE;
}

static void zstd_free(void *state)
{
    ZSTD_freeCCtx(state);
}

/* ---- xz ---- */

static void *xz_create(void)
{
    lzma_stream *x = malloc(sizeof(*x));

    if (!x)
        return NULL;
    *x = (lzma_stream)LZMA_STREAM_INIT;
    if (lzma_easy_encoder(x, 9, LZMA_CHECK_CRC64) != LZMA_OK) {
        lzma_end(x);
        free(x);
        return NULL;
    }
    return x;
}

static enum step xz_code(void *state, struct io *io, bool last)
{
    lzma_stream *x = state;
    lzma_ret r;

    x->next_in = io->in;
    x->avail_in = io->n_in;
    x->next_out = io->out;
    x->avail_out = io->n_out;
    r = lzma_code(x, last ? LZMA_FINISH : LZMA_RUN);
    advance(io, io->n_in - x->avail_in, io->n_out - x->avail_out);
    return r == LZMA_STREAM_END ? STEP_END : r == LZMA_OK ? STEP_MORE : STEP_FAILED;
}

static void xz_free(void *state)
{
    if (state)
        lzma_end(state);
    free(state);
}

/* ---- brotli ---- */

static void *brotli_create(void)
{
    BrotliEncoderState *b = BrotliEncoderCreateInstance(NULL, NULL, NULL);

    if (b && !(BrotliEncoderSetParameter(b, BROTLI_PARAM_QUALITY, 11) &&
               BrotliEncoderSetParameter(b, BROTLI_PARAM_LGWIN, BROTLI_MAX_WINDOW_BITS))) {
        BrotliEncoderDestroyInstance(b);
        return NULL;
    }
    return b;
}

static enum step brotli_code(void *state, struct io *io, bool last)
{
    const BrotliEncoderOperation op = last ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS;

    if (!BrotliEncoderCompressStream(state, op, &io->n_in, &io->in, &io->n_out, &io->out, NULL))
        return STEP_FAILED;
    return BrotliEncoderIsFinished(state) ? STEP_END : STEP_MORE;
}

static void brotli_free(void *state)
{
    BrotliEncoderDestroyInstance(state);
}

/* ---- bzip2 ---- */

static void *bzip2_create(void)
{
    bz_stream *b = calloc(1, sizeof(*b));

    if (b && BZ2_bzCompressInit(b, 9, 0, 0) != BZ_OK) { /* 0, 0: silent, the usual effort */
        free(b);
        return NULL;
    }
    return b;
}

static unsigned clip(size_t n)
{
    return n > UINT_MAX ? UINT_MAX : (unsigned)n;
}

static enum step bzip2_code(void *state, struct io *io, bool last)
{
    bz_stream *b = state;
    const unsigned in = clip(io->n_in), out = clip(io->n_out);
    int r;

    b->next_in = (char *)(uintptr_t)io->in; /* not written to */
    b->avail_in = in;
    b->next_out = (char *)io->out;
    b->avail_out = out;
    r = BZ2_bzCompress(b, last ? BZ_FINISH : BZ_RUN);
    advance(io, in - b->avail_in, out - b->avail_out);
    if (r == BZ_STREAM_END)
        return STEP_END;
    return r == BZ_RUN_OK || r == BZ_FINISH_OK ? STEP_MORE : STEP_FAILED;
}

static void bzip2_free(void *state)
{
    if (state)
        BZ2_bzCompressEnd(state);
    free(state);
}

/* ---- all of them ---- */

/* Memory: zstd by ZSTD_estimateCStreamSize, xz by lzma_easy_encoder_memusage, bzip2 by its manual,
 * brotli as seen on 52 MiB of text. */
static const struct encoder encoders[] = {
    {"zstd -19", 90, zstd_create, zstd_code, zstd_free},
    {"xz -9", 674, xz_create, xz_code, xz_free},
    {"brotli -q 11", 230, brotli_create, brotli_code, brotli_free},
    {"bzip2 -9", 8, bzip2_create, bzip2_code, bzip2_free},
};

enum { N_ENCODERS = sizeof(encoders) / sizeof(encoders[0]) };

struct cril_baselines {
    void *state[N_ENCODERS];
    uint64_t bytes[N_ENCODERS];
    cril_baseline_sink sink; /* NULL: none */
    void *user;
    bool ended; /* finished, or failed */
    uint8_t out[1 << 15];
};

size_t cril_baselines_memory(void)
{
    size_t mib = 0;

    for (size_t i = 0; i < N_ENCODERS; i++)
        mib += encoders[i].memory_mib;
    return mib << 20;
}

static cril_status no_memory(const char *name, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM,
                     "out of memory for %s; the compressors (--baselines) need up to %zu MB", name,
                     cril_baselines_memory() >> 20);
}

cril_status cril_baselines_create(cril_baselines **out, cril_error *err)
{
    if (CRIL_LACKS(err, out))
        return CRIL_ERR_RANGE;

    cril_baselines *b = calloc(1, sizeof(*b));

    if (!b)
        return no_memory("buffers", err);
    for (size_t i = 0; i < N_ENCODERS; i++)
        if (!(b->state[i] = encoders[i].create())) {
            cril_baselines_free(b);
            return no_memory(encoders[i].name, err);
        }
    *out = b;
    return CRIL_OK;
}

void cril_baselines_free(cril_baselines *b)
{
    for (size_t i = 0; b && i < N_ENCODERS; i++)
        encoders[i].free(b->state[i]);
    free(b);
}

void cril_baselines_tap(cril_baselines *b, cril_baseline_sink sink, void *user)
{
    b->sink = sink;
    b->user = user;
}

/* All of a text through encoder i, or its end. A sound encoder fails for want of memory only. */
static cril_status encode(cril_baselines *b, size_t i, const void *text, size_t len, bool last,
                          cril_error *err)
{
    struct io io = {.in = text, .n_in = len};
    enum step step = STEP_MORE;

    while (last ? step != STEP_END : io.n_in > 0) {
        size_t n;

        io.out = b->out;
        io.n_out = sizeof(b->out);
        if ((step = encoders[i].code(b->state[i], &io, last)) == STEP_FAILED)
            return no_memory(encoders[i].name, err);
        n = sizeof(b->out) - io.n_out;
        b->bytes[i] += n;
        if (b->sink && n)
            b->sink(b->user, i, b->out, n);
    }
    return CRIL_OK;
}

static cril_status has_ended(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_RANGE, "the compressors have ended: create others");
}

cril_status cril_baselines_add(cril_baselines *b, const void *text, size_t len_bytes,
                               cril_error *err)
{
    if (CRIL_LACKS(err, b) || (len_bytes && CRIL_LACKS(err, text)))
        return CRIL_ERR_RANGE;

    cril_status st = CRIL_OK;

    if (b->ended)
        return has_ended(err);
    for (size_t i = 0; st == CRIL_OK && i < N_ENCODERS; i++)
        st = encode(b, i, text, len_bytes, false, err);
    b->ended = st != CRIL_OK;
    return st;
}

cril_status cril_baselines_finish(cril_baselines *b, cril_baseline **out, size_t *n,
                                  cril_error *err)
{
    if (CRIL_LACKS(err, b, out, n))
        return CRIL_ERR_RANGE;

    static const uint8_t nothing[1]; /* some libraries want a pointer */
    cril_baseline *all;
    cril_status st = CRIL_OK;

    if (b->ended)
        return has_ended(err);
    b->ended = true;
    if (!(all = calloc(N_ENCODERS, sizeof(*all))))
        return no_memory("sizes", err);
    for (size_t i = 0; st == CRIL_OK && i < N_ENCODERS; i++) {
        st = encode(b, i, nothing, 0, true, err);
        strncpy(all[i].name, encoders[i].name, sizeof(all[i].name) - 1);
        all[i].bytes = b->bytes[i];
    }
    if (st != CRIL_OK) {
        free(all);
        return st;
    }
    *out = all;
    *n = N_ENCODERS;
    return CRIL_OK;
}
