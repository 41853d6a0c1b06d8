/*
 * The .cril file as bytes: header, segments, index, trailer (doc/cril_format.md). No model, no
 * tokens' meaning.
 */
#ifndef CRIL_CODEC_CONTAINER_H
#define CRIL_CODEC_CONTAINER_H

#include "tokenizer/spelling.h"

#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CRIL_ARCHIVE_VERSION = 1,
    CRIL_ARCHIVE_HEADER = 72, /* bytes */
    CRIL_ARCHIVE_ENTRY = 28,  /* of the index, a segment */
    CRIL_ARCHIVE_TRAILER = 64,
    CRIL_ARCHIVE_PART = 12,
    CRIL_PROTOCOL_DOCUMENT = 1,        /* in a header; the only one so far */
    CRIL_ARCHIVE_SEGMENT_MAX = 1 << 30 /* original bytes of a segment */
};

struct cril_archive_header {
    uint32_t version;         /* CRIL_ARCHIVE_VERSION */
    uint32_t numerics;        /* 1 .. 2^31 - 1 */
    uint8_t model[32];        /* cril_model_identity */
    uint32_t protocol;        /* CRIL_PROTOCOL_DOCUMENT */
    uint32_t context, stride; /* 1 <= stride <= context */
    uint32_t n_logits;        /* 1 .. 2^31 - 1 */
    int32_t head;             /* token that opens the first window of a segment; -1: none */
};

struct cril_archive_entry {
    uint32_t original;  /* bytes of text, 1 .. CRIL_ARCHIVE_SEGMENT_MAX */
    uint32_t tokens;    /* tokens + raw <= original + parts, see struct cril_part */
    uint32_t parts;     /* 0: one run of all tokens, no drop, no raw bytes */
    uint32_t raw;       /* bytes of text that stand in the segment as they are */
    uint32_t code;      /* bytes of the range coder's output */
    uint32_t crc;       /* CRC-32 of the original bytes */
    uint32_t frame_crc; /* CRC-32 of the segment's bytes: parts, raw bytes, code */
};

struct cril_archive_trailer {
    uint64_t n_segments, original; /* bytes of text */
    uint8_t sha256[32];            /* of the text */
};

/* ---- Writing ---- */

void cril_archive_put_header(const struct cril_archive_header *h, uint8_t out[CRIL_ARCHIVE_HEADER]);
void cril_archive_put_part(const struct cril_part *p, uint8_t out[CRIL_ARCHIVE_PART]);
void cril_archive_put_entry(const struct cril_archive_entry *e, uint8_t out[CRIL_ARCHIVE_ENTRY]);
/* entries: the index as it was written, n_segments * CRIL_ARCHIVE_ENTRY bytes; its checksum goes
   into the trailer. */
void cril_archive_put_trailer(const struct cril_archive_trailer *t, const uint8_t *entries,
                              uint8_t out[CRIL_ARCHIVE_TRAILER]);
uint32_t cril_archive_crc(uint32_t crc, const void *data,
                          size_t n); /* zlib's CRC-32; start with 0 */

/* ---- Reading ---- */

/* A checked file: every length is proved to lie in it, and the checksums of header, index and
   trailer hold. Those of segments do not have to yet. */
struct cril_container {
    const uint8_t *data; /* [size], borrowed */
    size_t size;
    const char *name; /* for messages; borrowed */
    struct cril_archive_header header;
    struct cril_archive_trailer trailer;
    struct cril_archive_entry *entries; /* [n_segments], owned */
    size_t n_segments;
    uint64_t *offsets; /* [n_segments + 1] of segments in the file, owned */
    uint64_t *starts;  /* [n_segments + 1] of segments in the text, owned */
};

/* A segment's bytes, taken apart; borrowed from the container. */
struct cril_segment {
    struct cril_archive_entry entry;
    const uint8_t *parts; /* [entry.parts * CRIL_ARCHIVE_PART] */
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
struct cril_part cril_segment_part(const struct cril_segment *s, size_t i); /* i < entry.parts */

#endif
