/* Archives as bytes, with checksums that are right whatever the fields say: for tests and the
 * fuzzer. */
#ifndef CRIL_TESTS_MAKE_ARCHIVE_H
#define CRIL_TESTS_MAKE_ARCHIVE_H

#include "codec/container.h"

#include <stdlib.h>
#include <string.h>

/* Zero-initialised it is empty; data is owned. */
struct made_bytes {
    uint8_t *data;
    size_t n;
};

/* n bytes more, for the caller to fill. Tests have no use for an answer when memory is out. */
static inline uint8_t *made_more(struct made_bytes *b, size_t n)
{
    b->data = realloc(b->data, b->n + n + 1);
    if (!b->data)
        abort();
    b->n += n;
    return b->data + b->n - n;
}

static inline void made_append(struct made_bytes *b, const void *bytes, size_t n)
{
    if (n)
        memcpy(made_more(b, n), bytes, n);
}

/* A segment's entry and bytes; its frame_crc is computed. */
struct made_segment {
    struct cril_archive_entry entry;
    const uint8_t *bytes;
    size_t n;
};

/* Format 2; of one segment, and only then, without an index. */
static inline struct made_bytes make_archive(const struct cril_archive_header *h,
                                             const struct made_segment *s, size_t n,
                                             const uint8_t *sha256)
{
    struct made_bytes out = {NULL, 0}, index = {NULL, 0};
    uint8_t some[CRIL_ARCHIVE_HEADER + CRIL_ARCHIVE_ENTRY];
    uint32_t crc;

    made_append(&out, some, cril_archive_put_header(h, some));
    made_append(&out, some, n == 1 ? cril_archive_put_entry(&s->entry, true, some) : 0);
    made_append(&out, "", n != 1);
    crc = cril_archive_crc(0, out.data, out.n);
    for (size_t i = 0; i < n; i++) {
        struct cril_archive_entry e = s[i].entry;

        e.frame_crc = cril_archive_crc(0, s[i].bytes, s[i].n);
        made_append(&index, some, cril_archive_put_entry(&e, false, some));
        made_append(&out, s[i].bytes, s[i].n);
    }
    if (n == 1)
        crc = cril_archive_crc(0, out.data, out.n);
    else
        made_append(&out, index.data, index.n);
    made_append(&out, some,
                cril_archive_put_trailer(sha256, crc, n == 1, index.data, index.n, some));
    free(index.data);
    return out;
}

/* ---- Format 1, which cril only reads ---- */

enum { MADE1_HEADER = 72, MADE1_PART = 12, MADE1_ENTRY = 28, MADE1_TRAILER = 64 };

struct made1_header {
    uint32_t version, numerics;
    uint8_t model[32];
    uint32_t protocol, context, stride, n_logits, first_token;
};

struct made1_entry {
    uint32_t original, tokens, parts, raw, code, crc, frame_crc;
};

struct made1_segment {
    struct made1_entry entry;
    const uint8_t *bytes;
    size_t n;
};

struct made1_trailer {
    uint64_t n_segments, original;
    uint8_t sha256[32];
};

static inline uint8_t *made1_u32(uint8_t *out, uint64_t x)
{
    for (int i = 0; i < 4; i++, x >>= 8)
        *out++ = (uint8_t)x;
    return out;
}

static inline void made1_put_header(const struct made1_header *h, uint8_t out[MADE1_HEADER])
{
    static const uint8_t magic[8] = {0x89, 'C', 'R', 'I', 'L', '\r', '\n', 0x1A};

    memcpy(out, magic, 8);
    made1_u32(made1_u32(out + 8, h->version), h->numerics);
    memcpy(out + 16, h->model, 32);
    made1_u32(made1_u32(out + 48, h->protocol), h->context);
    made1_u32(made1_u32(out + 56, h->stride), h->n_logits);
    made1_u32(out + 64, h->first_token);
    made1_u32(out + 68, cril_archive_crc(0, out, 68));
}

static inline void made1_put_part(const struct cril_part *p, uint8_t out[MADE1_PART])
{
    made1_u32(made1_u32(made1_u32(out, p->tokens), p->drop), p->raw);
}

static inline void made1_put_entry(const struct made1_entry *e, uint8_t out[MADE1_ENTRY])
{
    const uint32_t fields[] = {e->original, e->tokens, e->parts,    e->raw,
                               e->code,     e->crc,    e->frame_crc};

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        out = made1_u32(out, fields[i]);
}

/* entries: the index, t->n_segments * MADE1_ENTRY bytes. */
static inline void made1_put_trailer(const struct made1_trailer *t, const uint8_t *entries,
                                     uint8_t out[MADE1_TRAILER])
{
    static const uint8_t end_mark[8] = {0x1A, '\n', '\r', 'L', 'I', 'R', 'C', 0x89};
    uint8_t *p = made1_u32(made1_u32(out, t->n_segments), t->n_segments >> 32);
    uint32_t crc = cril_archive_crc(0, entries, (size_t)t->n_segments * MADE1_ENTRY);

    p = made1_u32(made1_u32(p, t->original), t->original >> 32);
    memcpy(p, t->sha256, 32);
    made1_u32(p + 32, 0);
    crc = cril_archive_crc(crc, out, 52);
    made1_u32(p + 36, crc);
    memcpy(p + 40, end_mark, 8);
}

static inline struct made_bytes make_archive1(const struct made1_header *h,
                                              const struct made1_segment *s, size_t n,
                                              const struct made1_trailer *t)
{
    struct made_bytes out = {NULL, 0};
    const uint8_t *entries;

    made1_put_header(h, made_more(&out, MADE1_HEADER));
    for (size_t i = 0; i < n; i++)
        made_append(&out, s[i].bytes, s[i].n);
    for (size_t i = 0; i < n; i++) {
        struct made1_entry e = s[i].entry;

        e.frame_crc = cril_archive_crc(0, s[i].bytes, s[i].n);
        made1_put_entry(&e, made_more(&out, MADE1_ENTRY));
    }
    made_more(&out, MADE1_TRAILER);
    entries = out.data + out.n - MADE1_TRAILER - n * MADE1_ENTRY;
    made1_put_trailer(t, entries, out.data + out.n - MADE1_TRAILER);
    return out;
}

#endif
