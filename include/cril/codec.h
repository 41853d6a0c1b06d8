/*
 * Lossless compression by a language model: .cril archives (doc/cril_format.md).
 *
 * A text is cut into segments, each of which is scored as a document of the protocol `document` and
 * coded with the probabilities that the model gives its tokens. Since these have the same bits
 * everywhere (doc/numerics.md), an archive decodes on any machine, with any number of threads, with
 * the model that made it. Any bytes can be compressed.
 *
 * Compressor and decoder borrow a model and own threads and buffers; one per thread of yours.
 */
#ifndef CRIL_CODEC_H
#define CRIL_CODEC_H

#include <cril/model.h>
#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CRIL_SUFFIX ".cril"
#define CRIL_SEGMENT_BYTES                                                                         \
    ((size_t)16 << 10)   /* default; doc/compression.md has the reason and the price */
#define CRIL_STREAMS 16u /* default: segments that are decoded in step */
#define CRIL_SEGMENT_BYTES_MAX ((size_t)1 << 30)

/* ---- Compression ---- */

typedef struct cril_compressor cril_compressor;

typedef struct cril_codec_totals {
    uint64_t original_bytes; /* of finished segments */
    uint64_t archive_bytes;  /* written so far */
    uint64_t code_bytes;     /* of these, the range coder's */
    uint64_t segments, tokens, forward_tokens;
    uint64_t raw_bytes; /* of the text, stored as they are */
    double nats;        /* ideal: -ln p of all tokens */
    double seconds;
} cril_codec_totals;

/* What a segment's tokens cost. */
typedef struct cril_segment_cost {
    uint64_t tokens;
    uint64_t code_bytes; /* of the range coder; 0 where the text was kept */
    double nats;         /* ideal: -ln p, added in the order of the tokens */
    bool own;  /* they are, all and in order, what cril_tokenizer_encode makes of the text */
    bool kept; /* they would have taken more room than the text, which is stored as it is */
} cril_segment_cost;

typedef struct cril_codec_callbacks {
    void *user;
    /* Takes n bytes; 0, or the errno of what went wrong: CRIL_ERR_IO. The archive, or the text.
     * Required. */
    int (*write)(void *user, const void *data, size_t n);
    /* Now and then; not 0: stop with CRIL_ERR_CANCELLED. fraction: of the work, 0..1, never falls;
     * < 0: not known. May be NULL. */
    int (*progress)(void *user, const cril_codec_totals *so_far, double fraction);
    /* A segment has been decoded whole and checked: its text, in order. May be NULL (then write
     * gets it). */
    int (*segment)(void *user, uint64_t index, const void *text, size_t n);
    /* A segment has been coded; in order. Not 0: stop with CRIL_ERR_CANCELLED. May be NULL. */
    int (*cost)(void *user, uint64_t index, const cril_segment_cost *cost);
} cril_codec_callbacks;

typedef struct cril_compress_options {
    size_t context, stride; /* tokens of a window and by how many windows move; 0: chosen, see
                               doc/compression.md */
    unsigned threads;       /* 0: one a core */
    size_t batch_tokens, memory_bytes; /* as cril_score_options has them */
    uint64_t text_bytes; /* of all segments to come, which progress is told by; 0: not known */
} cril_compress_options;

/*
 * m is borrowed, as is callbacks; options may be NULL. Nothing is written before the second segment
 * or the end.
 * CRIL_ERR_RANGE: a context that the model does not have, a stride beyond it; CRIL_ERR_NOMEM.
 */
cril_status cril_compressor_create(cril_model *m, const cril_compress_options *options,
                                   const cril_codec_callbacks *callbacks, cril_compressor **out,
                                   cril_error *err);
void cril_compressor_free(cril_compressor *c);

/* One segment more, of any bytes, 1 <= n <= CRIL_SEGMENT_BYTES_MAX; copied. Windows of several
   segments go through the model together, so it is written later. After an error, and once it is
   finished, c can only be freed: CRIL_ERR_RANGE. */
cril_status cril_compressor_add(cril_compressor *c, const void *text, size_t n, cril_error *err);
/* Codes the segments that wait, writes index and trailer. */
cril_status cril_compressor_finish(cril_compressor *c, cril_error *err);
const cril_codec_totals *cril_compressor_totals(const cril_compressor *c);

/* Where to cut a text of n > target bytes: past a line end near target, else a space, else between
   characters; in [1, target]. n == 0 is not allowed. */
size_t cril_segment_cut(const void *text, size_t n, size_t target);

/* ---- Archives ---- */

typedef struct cril_archive cril_archive;

typedef struct cril_archive_info {
    unsigned version;
    int numerics, rules;   /* CRIL_NUMERICS and CRIL_RULES of the cril that made it */
    char model_sha256[65]; /* cril_model_identity of the model that it needs: all 64 digits in
                              format 1, the first 32 in format 2 */
    char protocol[16];
    size_t context, stride;
    uint64_t segments, original_bytes, archive_bytes, code_bytes, tokens, raw_bytes;
    char sha256[65]; /* of the text: all 64 digits in format 1, the first 16 in format 2 */
} cril_archive_info;

typedef struct cril_archive_segment {
    uint64_t start, original_bytes; /* in the text */
    uint64_t offset, archive_bytes; /* in the archive; the segment's entry is not counted */
    uint64_t tokens;
} cril_archive_segment;

/* Maps and checks an archive's structure; no model is needed. *out is owned by the caller. Messages
   name the file. CRIL_ERR_IO, _FORMAT (damaged, no .cril file), _TRUNCATED, _UNSUPPORTED (newer),
   _NOMEM. */
cril_status cril_archive_open(const char *path, cril_archive **out, cril_error *err);
/* The same of bytes in memory, borrowed as is name. */
cril_status cril_archive_read(const void *data, size_t size, const char *name, cril_archive **out,
                              cril_error *err);
void cril_archive_close(cril_archive *a); /* NULL is allowed */
const cril_archive_info *cril_archive_info_of(const cril_archive *a);
void cril_archive_segment_at(const cril_archive *a, uint64_t i,
                             cril_archive_segment *out); /* i < segments */

/* ---- Decompression ---- */

typedef struct cril_decompress_options {
    unsigned threads;    /* 0: one a core */
    unsigned streams;    /* segments that are decoded in step, at most; 0: CRIL_STREAMS, fewer where
                            memory is short */
    size_t memory_bytes; /* that the process may hold; 0: three quarters of the machine's */
    /* Bytes of the text to give out: [from, to). 0, 0: all of it, and then the SHA-256 of the whole
     * is checked too. */
    uint64_t from, to;
    const char *distributions; /* a file to write each token's distribution to, for an independent
                                  decoder, which takes one stream; NULL: none */
} cril_decompress_options;

/*
 * Decodes a with m. options may be NULL. Text comes in order, each segment after its checksum was
 * found right, so that what was written before an error is right as far as it goes.
 * CRIL_ERR_MISMATCH: another model, another numeric contract, newer scoring rules;
 * CRIL_ERR_FORMAT: damaged;
 * CRIL_ERR_IO, _NOMEM, _CANCELLED; CRIL_ERR_RANGE: from, to beyond the text.
 */
cril_status cril_decompress(cril_model *m, const cril_archive *a,
                            const cril_decompress_options *options,
                            const cril_codec_callbacks *callbacks, cril_codec_totals *totals,
                            cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
