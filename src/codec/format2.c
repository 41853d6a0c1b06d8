/*
 * Format 2 has as few bytes as possible that are not code. An archive of one segment, the usual
 * one, is its header, with the segment's entry in it, the segment, and a trailer of two checksums.
 * Others have an index of entries before the trailer.
 *
 * An index is measured from the end of the file: the trailer says how long it is. Its entries, and
 * the fields of the header, are of variable length, so the entries are read twice: counted, then
 * kept.
 */
#include "codec/format.h"
#include "util/fail.h"

#include <limits.h>
#include <string.h>

enum {
    KINDS = 4, /* of segments; an entry's first number is original * KINDS + kind */
    /* Header with the entry of a segment, or with the 0 of an index, and trailer, at least. */
    MIN_SIZE = 12 + CRIL_ARCHIVE_MODEL + 6 + CRIL_ARCHIVE_SHA256 + 4
};

/* ---- Writing ---- */

static uint8_t *put_u32(uint8_t *out, uint32_t x)
{
    for (int i = 0; i < 4; i++, x >>= 8)
        *out++ = (uint8_t)x;
    return out;
}

static uint8_t *put_bytes(uint8_t *out, const uint8_t *bytes, size_t n)
{
    memcpy(out, bytes, n);
    return out + n;
}

size_t cril_archive_put_header(const struct cril_archive_header *h,
                               uint8_t out[CRIL_ARCHIVE_HEADER])
{
    static const uint8_t magic[8] = {0x89, 'C', 'R', 'I', 'L', '\r', '\n', 0x1A};
    uint8_t *p = put_u32(put_bytes(out, magic, sizeof(magic)), CRIL_ARCHIVE_VERSION);

    p = put_bytes(p, h->model, CRIL_ARCHIVE_MODEL);
    p = cril_put_varint(p, h->numerics);
    p = cril_put_varint(p, h->rules);
    p = cril_put_varint(p, h->context);
    p = cril_put_varint(p, h->context - h->stride);
    p = cril_put_varint(p, (uint64_t)(h->first_token + INT64_C(1)));
    return (size_t)(p - out);
}

size_t cril_archive_put_part(const struct cril_part *part, uint8_t out[CRIL_ARCHIVE_PART])
{
    uint8_t *p = cril_put_varint(out, (uint64_t)part->tokens * 2 + part->drop);

    return (size_t)(cril_put_varint(p, part->raw) - out);
}

size_t cril_archive_put_entry(const struct cril_archive_entry *e, bool single,
                              uint8_t out[CRIL_ARCHIVE_ENTRY])
{
    const bool stored = e->kind == CRIL_SEGMENT_STORED;
    uint8_t *p = cril_put_varint(out, (uint64_t)e->original * KINDS + e->kind);

    if (!stored)
        p = cril_put_varint(p, e->tokens);
    if (e->kind == CRIL_SEGMENT_PARTS)
        p = cril_put_varint(cril_put_varint(p, e->part_bytes), e->raw);
    if (single)
        return (size_t)(p - out);
    if (!stored)
        p = put_u32(cril_put_varint(p, e->code), e->crc);
    return (size_t)(put_u32(p, e->frame_crc) - out);
}

size_t cril_archive_put_trailer(const uint8_t sha256[CRIL_ARCHIVE_SHA256], uint32_t crc,
                                bool single, const uint8_t *index, size_t index_bytes,
                                uint8_t out[CRIL_ARCHIVE_TRAILER])
{
    uint8_t *p = put_bytes(out, sha256, CRIL_ARCHIVE_SHA256);

    if (!single) {
        crc = cril_archive_crc(crc, index, index_bytes);
        p = put_u32(put_u32(p, (uint32_t)index_bytes), (uint32_t)((uint64_t)index_bytes >> 32));
    }
    crc = cril_archive_crc(crc, out, (size_t)(p - out));
    return (size_t)(put_u32(p, crc) - out);
}

/* ---- Reading ---- */

static cril_status damaged(const struct cril_container *c, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: was damaged or cut short, or something follows its end (wrong checksum); "
                     "copy it again",
                     c->name);
}

static bool take_u32(struct cril_cursor *c, uint32_t *out)
{
    uint64_t x;

    if (!cril_cursor_varint(c, &x) || x > UINT32_MAX)
        return false;
    *out = (uint32_t)x;
    return true;
}

/* False: it breaks off, or a number is not written as one. */
static bool take_header(struct cril_cursor *at, struct cril_archive_header *h)
{
    uint32_t less, first_token;
    const uint8_t *model;

    if (!cril_cursor_take(at, CRIL_ARCHIVE_MODEL, &model) || !take_u32(at, &h->numerics) ||
        !take_u32(at, &h->rules) || !take_u32(at, &h->context) || !take_u32(at, &less) ||
        !take_u32(at, &first_token))
        return false;
    memcpy(h->model, model, CRIL_ARCHIVE_MODEL);
    h->model_bytes = CRIL_ARCHIVE_MODEL;
    h->stride = h->context - less; /* modulo 2^32: one above the context is refused later */
    h->first_token =
        (int32_t)((int64_t)first_token - 1 > INT32_MAX ? INT32_MIN : (int64_t)first_token - 1);
    return true;
}

static cril_status check_header(const struct cril_container *c, cril_error *err)
{
    const cril_status st = cril_container_check_header(c, err);

    if (st != CRIL_OK)
        return st;
    if (c->header.rules < 1 || c->header.rules > INT32_MAX)
        return cril_fail_header(c, "the version of its scoring rules", c->header.rules, err);
    if (c->header.first_token < -1)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: its header is out of range: its first token exceeds %d", c->name,
                         INT32_MAX);
    return CRIL_OK;
}

/* What cril_archive_put_entry wrote; the same return value as above. */
static bool take_entry(struct cril_cursor *at, bool single, struct cril_archive_entry *e)
{
    uint64_t first;
    uint32_t part_bytes = 0;
    bool stored;

    if (!cril_cursor_varint(at, &first) || first / KINDS > UINT32_MAX)
        return false;
    *e = (struct cril_archive_entry){.original = (uint32_t)(first / KINDS),
                                     .kind = (enum cril_segment_kind)(first % KINDS)};
    stored = e->kind == CRIL_SEGMENT_STORED;
    if (stored)
        e->raw = e->original;
    else if (!take_u32(at, &e->tokens))
        return false;
    if (e->kind == CRIL_SEGMENT_PARTS && (!take_u32(at, &part_bytes) || !take_u32(at, &e->raw)))
        return false;
    e->part_bytes = part_bytes;
    if (single)
        return true;
    if (!stored && (!take_u32(at, &e->code) || !cril_cursor_u32(at, &e->crc)))
        return false;
    if (!cril_cursor_u32(at, &e->frame_crc))
        return false;
    if (stored)
        e->crc = e->frame_crc; /* its bytes are its text */
    return true;
}

/* The segment is all that lies between the header and the trailer. */
static cril_status read_single(struct cril_container *c, struct cril_cursor *at, cril_error *err)
{
    const size_t end = c->size - CRIL_ARCHIVE_SHA256 - 4;
    struct cril_archive_entry e;
    cril_status st;

    if (cril_load_u32(c->data + end + CRIL_ARCHIVE_SHA256) !=
            cril_archive_crc(0, c->data, end + CRIL_ARCHIVE_SHA256) ||
        !take_entry(at, true, &e) || at->pos > end)
        return damaged(c, err);
    const uint64_t fixed = e.part_bytes + e.raw, left = end - at->pos;
    if (fixed > left || left - fixed > UINT32_MAX)
        return cril_fail_index(c, "its segment is longer than the file", err);
    e.code = (uint32_t)(left - fixed);
    memcpy(c->trailer.sha256, c->data + end, CRIL_ARCHIVE_SHA256);
    c->single = true;
    if ((st = check_header(c, err)) != CRIL_OK ||
        (st = cril_container_reserve(c, 1, at->pos, err)) != CRIL_OK)
        return st;
    return cril_container_add(c, 0, &e, end, err);
}

/* False: not every byte is of an entry. */
static bool count_entries(struct cril_cursor index, size_t *n)
{
    struct cril_archive_entry e;

    for (*n = 0; cril_cursor_left(&index); ++*n)
        if (!take_entry(&index, false, &e))
            return false;
    return true;
}

static cril_status read_entries(struct cril_container *c, size_t first, struct cril_cursor index,
                                uint64_t end, cril_error *err)
{
    struct cril_archive_entry e;
    cril_status st;
    size_t n;

    if (!count_entries(index, &n))
        return cril_fail_index(c, "an entry is not valid", err);
    if ((st = cril_container_reserve(c, n, first, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < n && st == CRIL_OK; i++) {
        take_entry(&index, false, &e);
        st = cril_container_add(c, i, &e, end, err);
    }
    if (st == CRIL_OK && !n && first != end)
        return cril_fail_index(c, "bytes that belong to no segment", err);
    return st;
}

/* at: behind the 0 that says that there is an index. */
static cril_status read_indexed(struct cril_container *c, struct cril_cursor *at, cril_error *err)
{
    const size_t first = at->pos;
    const uint8_t *trailer = c->data + c->size - CRIL_ARCHIVE_TRAILER;
    uint64_t index_bytes;
    uint32_t crc;
    cril_status st;

    if (cril_cursor_left(at) < CRIL_ARCHIVE_TRAILER)
        return damaged(c, err);
    index_bytes = cril_load_u64(trailer + CRIL_ARCHIVE_SHA256);
    if (index_bytes > cril_cursor_left(at) - CRIL_ARCHIVE_TRAILER)
        return damaged(c, err);
    const uint8_t *index = trailer - (size_t)index_bytes;
    crc = cril_archive_crc(0, c->data, first);
    crc = cril_archive_crc(crc, index, (size_t)index_bytes + CRIL_ARCHIVE_TRAILER - 4);
    if (cril_load_u32(trailer + CRIL_ARCHIVE_TRAILER - 4) != crc)
        return damaged(c, err);
    memcpy(c->trailer.sha256, trailer, CRIL_ARCHIVE_SHA256);
    if ((st = check_header(c, err)) != CRIL_OK)
        return st;
    return read_entries(c, first, cril_cursor_of(index, (size_t)index_bytes),
                        (uint64_t)(index - c->data), err);
}

cril_status cril_format2_parse(struct cril_container *c, cril_error *err)
{
    struct cril_cursor at = cril_cursor_of(c->data, c->size);
    cril_status st;

    if (c->size < MIN_SIZE)
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: was cut short: it has %zu bytes, an archive at least %d; copy it "
                         "again",
                         c->name, c->size, MIN_SIZE);
    at.pos = 12;
    if (!take_header(&at, &c->header) || !cril_cursor_left(&at))
        return damaged(c, err);
    c->trailer.sha256_bytes = CRIL_ARCHIVE_SHA256;
    if (c->data[at.pos] == 0) {
        at.pos++;
        st = read_indexed(c, &at, err);
    } else {
        st = read_single(c, &at, err);
    }
    if (st == CRIL_OK)
        c->trailer.original = c->starts[c->n_segments];
    return st;
}
