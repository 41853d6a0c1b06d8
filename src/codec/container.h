/*
 * The .cril file as bytes: header, segments, index, trailer (doc/cril_format.md). No model, no
 * tokens' meaning. Format 2 is written, formats 1 and 2 are read.
 */
#ifndef CRIL_CODEC_CONTAINER_H
#define CRIL_CODEC_CONTAINER_H

#include "util/cursor.h"
#include "tokenizer/spelling.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CRIL_ARCHIVE_VERSION = 2,
    CRIL_ARCHIVE_MODEL = 16, /* bytes of the model's identity, */
    CRIL_ARCHIVE_SHA256 = 8, /* and of the text's SHA-256, that format 2 keeps */
    /* Bytes that a piece of format 2 can have at most. */
    CRIL_ARCHIVE_HEADER = 12 + CRIL_ARCHIVE_MODEL + 5 * CRIL_VARINT_MAX,
    CRIL_ARCHIVE_ENTRY = 5 * CRIL_VARINT_MAX + 8,
    CRIL_ARCHIVE_TRAILER = CRIL_ARCHIVE_SHA256 + 8 + 4,
    CRIL_ARCHIVE_PART = 12,            /* format 1: always */
    CRIL_ARCHIVE_SEGMENT_MAX = 1 << 30 /* original bytes of a segment */
};

struct cril_archive_header {
    uint32_t version;         /* 1 .. CRIL_ARCHIVE_VERSION */
    uint32_t numerics;        /* 1 .. 2^31 - 1 */
    uint32_t rules;           /* scoring rules, 1 .. 2^31 - 1; of format 1: 1 */
    uint8_t model[32];        /* cril_model_identity, as much of it as the format keeps, */
    size_t model_bytes;       /* which is 32 or CRIL_ARCHIVE_MODEL */
    uint32_t context, stride; /* 1 <= stride <= context */
    uint32_t n_logits;        /* 1 .. 2^31 - 1; 0: the format does not tell */
    int32_t first_token;      /* token that opens windows; -1: none */
};

/* What a segment's text is made of. */
enum cril_segment_kind {
    CRIL_SEGMENT_STORED,  /* raw bytes */
    CRIL_SEGMENT_TOKENS,  /* tokens */
    CRIL_SEGMENT_DROPPED, /* tokens, less the first byte */
    CRIL_SEGMENT_PARTS    /* parts, which are written down */
};

struct cril_archive_entry {
    uint32_t original; /* bytes of text, 1 .. CRIL_ARCHIVE_SEGMENT_MAX */
    enum cril_segment_kind kind;
    uint32_t tokens;     /* tokens + raw <= original + parts, see struct cril_part */
    uint64_t part_bytes; /* of what is written of parts; 0 except in CRIL_SEGMENT_PARTS */
    uint32_t raw;        /* bytes of text that stand in the segment as they are */
    uint32_t code;       /* bytes of the range coder's output */
    uint32_t crc;        /* CRC-32 of the original bytes; 0 in an archive that is single */
    uint32_t frame_crc;  /* CRC-32 of the segment's bytes: parts, raw bytes, code; 0 as above */
};

struct cril_archive_trailer {
    uint64_t original;   /* bytes of text */
    uint8_t sha256[32];  /* of the text, as much of it as the format keeps, */
    size_t sha256_bytes; /* which is 32 or CRIL_ARCHIVE_SHA256 */
};

uint32_t cril_archive_crc(uint32_t crc, const void *data,
                          size_t n); /* zlib's CRC-32; start with 0 */

/* ---- Writing format 2 (format2.c): each returns the bytes that it wrote ---- */

/* As far as a single segment's entry, or the 0 that stands there where an index follows. */
size_t cril_archive_put_header(const struct cril_archive_header *h,
                               uint8_t out[CRIL_ARCHIVE_HEADER]);
size_t cril_archive_put_part(const struct cril_part *p, uint8_t out[CRIL_ARCHIVE_PART]);
/* single: as it stands in the header, without what follows from the file's size and its end. */
size_t cril_archive_put_entry(const struct cril_archive_entry *e, bool single,
                              uint8_t out[CRIL_ARCHIVE_ENTRY]);
/*
 * What ends the file. crc: single, of all bytes before; else of the header's, up to the 0.
 * index [index_bytes]: the entries as they were written, but single.
 */
size_t cril_archive_put_trailer(const uint8_t sha256[CRIL_ARCHIVE_SHA256], uint32_t crc,
                                bool single, const uint8_t *index, size_t index_bytes,
                                uint8_t out[CRIL_ARCHIVE_TRAILER]);

/* ---- Reading ---- */

/* A checked file: every length is proved to lie in it, and the checksums of header, index and
   trailer hold. Checksums of segments are not checked yet. */
struct cril_container {
    const uint8_t *data; /* [size], borrowed */
    size_t size;
    const char *name; /* for messages; borrowed */
    struct cril_archive_header header;
    struct cril_archive_trailer trailer;
    struct cril_archive_entry *entries; /* [n_segments], owned */
    size_t n_segments;
    bool single;       /* format 2 without an index: one checksum of the whole file was right, and
                          the SHA-256 alone tells whether the text is */
    uint64_t *offsets; /* [n_segments + 1] of segments in the file, owned */
    uint64_t *starts;  /* [n_segments + 1] of segments in the text, owned */
};

/* A segment's bytes, taken apart; borrowed from the container. */
struct cril_segment {
    struct cril_archive_entry entry;
    bool varints;         /* parts are as in format 2 */
    const uint8_t *parts; /* [entry.part_bytes] */
    const uint8_t *raw;   /* [raw_bytes], those of all parts in order */
    size_t raw_bytes;     /* entry.raw */
    const uint8_t *code;  /* [entry.code] */
};

/*
 * CRIL_ERR_FORMAT (not a .cril file, a checksum, a value out of range, bytes after the end),
 * _TRUNCATED, _UNSUPPORTED (a newer version), _NOMEM. Each message names the file and says what was
 * found. On error *c is empty.
 */
cril_status cril_container_parse(const uint8_t *data, size_t size, const char *name,
                                 struct cril_container *c, cril_error *err);
void cril_container_free(struct cril_container *c); /* an empty one is allowed */

/* Segment i < n_segments. Its checksum is verified; its parts are proved to be as struct cril_part
   says and to add up to the entry's tokens and raw bytes. CRIL_ERR_FORMAT. */
cril_status cril_container_segment(const struct cril_container *c, size_t i,
                                   struct cril_segment *out, cril_error *err);
/* The segment's parts in order, at least one; *at is 0 before the first, then the function's.
   False: there is no other, or its bytes are not those of a part. */
bool cril_segment_next_part(const struct cril_segment *s, uint64_t *at, struct cril_part *out);

#endif
