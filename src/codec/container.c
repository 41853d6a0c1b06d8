/*
 * The container. Everything is checked from the outside in: magic, header, end mark, trailer,
 * index; then the index's lengths have to fill the space between header and index exactly, so that
 * bytes can neither be missing nor left over. No length is added before it is known to fit.
 *
 * Nothing here depends on a length that no checksum covers, but no checksum is trusted either: they
 * are easily made right for lengths that lie.
 */
#include "codec/container.h"

#include "util/cursor.h"
#include "util/fail.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* As PNG's: a byte that is no text, a name, and line ends and an end-of-file that careless copying
   would change. The end mark is the same backwards. */
static const uint8_t magic[8] = {0x89, 'C', 'R', 'I', 'L', '\r', '\n', 0x1A};
static const uint8_t end_mark[8] = {0x1A, '\n', '\r', 'L', 'I', 'R', 'C', 0x89};

/* Where fields stand that are computed from what is before them. */
enum { HEADER_CRC = CRIL_ARCHIVE_HEADER - 4, TRAILER_CRC = CRIL_ARCHIVE_TRAILER - 12 };

static const uint32_t no_head = UINT32_MAX;

uint32_t cril_archive_crc(uint32_t crc, const void *data, size_t n)
{
    const uint8_t *p = data;
    uLong sum = crc;

    while (n) { /* zlib takes a uInt */
        const uInt step = n > UINT_MAX ? UINT_MAX : (uInt)n;

        sum = crc32(sum, p, step);
        p += step;
        n -= step;
    }
    return (uint32_t)sum;
}

/* ---- Writing ---- */

static uint8_t *put_u32(uint8_t *out, uint32_t x)
{
    for (int i = 0; i < 4; i++, x >>= 8)
        *out++ = (uint8_t)x;
    return out;
}

static uint8_t *put_u64(uint8_t *out, uint64_t x)
{
    return put_u32(put_u32(out, (uint32_t)x), (uint32_t)(x >> 32));
}

static uint8_t *put_bytes(uint8_t *out, const uint8_t *bytes, size_t n)
{
    memcpy(out, bytes, n);
    return out + n;
}

void cril_archive_put_header(const struct cril_archive_header *h, uint8_t out[CRIL_ARCHIVE_HEADER])
{
    uint8_t *p = put_bytes(out, magic, sizeof(magic));

    p = put_u32(p, h->version);
    p = put_u32(p, h->numerics);
    p = put_bytes(p, h->model, sizeof(h->model));
    p = put_u32(p, h->protocol);
    p = put_u32(p, h->context);
    p = put_u32(p, h->stride);
    p = put_u32(p, h->n_logits);
    p = put_u32(p, h->head < 0 ? no_head : (uint32_t)h->head);
    put_u32(p, cril_archive_crc(0, out, HEADER_CRC));
}

void cril_archive_put_part(const struct cril_part *p, uint8_t out[CRIL_ARCHIVE_PART])
{
    put_u32(put_u32(put_u32(out, p->tokens), p->drop), p->raw);
}

void cril_archive_put_entry(const struct cril_archive_entry *e, uint8_t out[CRIL_ARCHIVE_ENTRY])
{
    const uint32_t fields[] = {e->original, e->tokens, e->parts,    e->raw,
                               e->code,     e->crc,    e->frame_crc};

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        out = put_u32(out, fields[i]);
}

void cril_archive_put_trailer(const struct cril_archive_trailer *t, const uint8_t *entries,
                              uint8_t out[CRIL_ARCHIVE_TRAILER])
{
    const size_t index_bytes = (size_t)t->n_segments * CRIL_ARCHIVE_ENTRY;
    uint8_t *p = put_u64(put_u64(out, t->n_segments), t->original);

    p = put_bytes(p, t->sha256, sizeof(t->sha256));
    p = put_u32(p, 0);
    p = put_u32(p, cril_archive_crc(cril_archive_crc(0, entries, index_bytes), out, TRAILER_CRC));
    put_bytes(p, end_mark, sizeof(end_mark));
}

/* ---- Header ---- */

/* The version is asked before the checksum: a newer header may have its own elsewhere. */
static cril_status check_start(const struct cril_container *c, cril_error *err)
{
    const size_t n_magic = c->size < sizeof(magic) ? c->size : sizeof(magic);

    if (n_magic && memcmp(c->data, magic, n_magic) != 0)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: is no .cril archive: it does not begin like one", c->name);
    if (c->size >= 12 && cril_load_u32(c->data + 8) > CRIL_ARCHIVE_VERSION)
        return cril_fail(
            err, CRIL_ERR_UNSUPPORTED,
            "%s: is of format version %" PRIu32
            ", this program reads version %d: use a newer one (or the file is damaged)",
            c->name, cril_load_u32(c->data + 8), CRIL_ARCHIVE_VERSION);
    if (c->size < CRIL_ARCHIVE_HEADER + CRIL_ARCHIVE_TRAILER)
        return cril_fail(
            err, CRIL_ERR_TRUNCATED,
            "%s: was cut short: it has %zu bytes, an archive at least %d; copy it again", c->name,
            c->size, CRIL_ARCHIVE_HEADER + CRIL_ARCHIVE_TRAILER);
    if (cril_load_u32(c->data + HEADER_CRC) != cril_archive_crc(0, c->data, HEADER_CRC))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: its header is damaged (wrong checksum); copy it again", c->name);
    return CRIL_OK;
}

static cril_status header_range(const struct cril_container *c, const char *field, uint32_t found,
                                cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: its header is out of range: %s is %" PRIu32,
                     c->name, field, found);
}

static cril_status read_header(struct cril_container *c, cril_error *err)
{
    struct cril_archive_header *h = &c->header;
    const uint8_t *p = c->data + 8;
    uint32_t head;

    h->version = cril_load_u32(p);
    h->numerics = cril_load_u32(p + 4);
    memcpy(h->model, p + 8, sizeof(h->model));
    h->protocol = cril_load_u32(p + 40);
    h->context = cril_load_u32(p + 44);
    h->stride = cril_load_u32(p + 48);
    h->n_logits = cril_load_u32(p + 52);
    head = cril_load_u32(p + 56);

    if (h->version != CRIL_ARCHIVE_VERSION)
        return header_range(c, "its format version", h->version, err);
    if (h->numerics < 1 || h->numerics > INT32_MAX)
        return header_range(c, "the version of its numeric contract", h->numerics, err);
    if (h->protocol != CRIL_PROTOCOL_DOCUMENT)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: is coded by protocol %" PRIu32 ", this program knows %d (document)",
                         c->name, h->protocol, CRIL_PROTOCOL_DOCUMENT);
    if (h->context < 1)
        return header_range(c, "its context", h->context, err);
    if (h->stride < 1 || h->stride > h->context)
        return header_range(c, "its stride", h->stride, err);
    if (h->n_logits < 1 || h->n_logits > INT32_MAX)
        return header_range(c, "its number of logits", h->n_logits, err);
    if (head != no_head && head >= h->n_logits)
        return header_range(c, "its first token", head, err);
    h->head = head == no_head ? -1 : (int32_t)head;
    return CRIL_OK;
}

/* ---- Trailer and index ---- */

static bool ends_at(const struct cril_container *c, size_t size)
{
    return memcmp(c->data + size - sizeof(end_mark), end_mark, sizeof(end_mark)) == 0;
}

/* Cut short, or with something behind it? An end mark further up tells. */
static cril_status check_end(const struct cril_container *c, cril_error *err)
{
    size_t end = c->size;

    if (ends_at(c, end))
        return CRIL_OK;
    while (--end >= CRIL_ARCHIVE_HEADER + CRIL_ARCHIVE_TRAILER)
        if (ends_at(c, end))
            return cril_fail(
                err, CRIL_ERR_FORMAT,
                "%s: %zu bytes follow the end of the archive; keep its first %zu bytes", c->name,
                c->size - end, end);
    return cril_fail(
        err, CRIL_ERR_TRUNCATED,
        "%s: was cut short after %zu bytes: an archive's end is missing; copy it again", c->name,
        c->size);
}

static cril_status damaged_index(const struct cril_container *c, const char *why, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: its index is damaged (%s); copy it again", c->name,
                     why);
}

/* Where the index begins in the file. */
static size_t index_start(const struct cril_container *c)
{
    return c->size - CRIL_ARCHIVE_TRAILER - c->n_segments * CRIL_ARCHIVE_ENTRY;
}

static cril_status read_trailer(struct cril_container *c, cril_error *err)
{
    const size_t end = c->size - CRIL_ARCHIVE_TRAILER;
    const uint8_t *p = c->data + end;
    struct cril_archive_trailer *t = &c->trailer;
    size_t index;

    t->n_segments = cril_load_u64(p);
    t->original = cril_load_u64(p + 8);
    memcpy(t->sha256, p + 16, sizeof(t->sha256));
    if (t->n_segments > (end - CRIL_ARCHIVE_HEADER) / CRIL_ARCHIVE_ENTRY)
        return damaged_index(c, "more segments than fit into the file", err);
    c->n_segments = (size_t)t->n_segments;
    index = index_start(c);
    if (cril_load_u32(p + TRAILER_CRC) !=
        cril_archive_crc(0, c->data + index, end - index + TRAILER_CRC))
        return damaged_index(c, "wrong checksum", err);
    if (cril_load_u32(p + TRAILER_CRC - 4) != 0)
        return damaged_index(c, "its reserved field is not 0", err);
    return CRIL_OK;
}

static cril_status make_room(struct cril_container *c, cril_error *err)
{
    const size_t n = c->n_segments + 1; /* no array is empty, so NULL means out of memory */

    c->entries = calloc(n, sizeof(*c->entries));
    c->offsets = calloc(n, sizeof(*c->offsets));
    c->starts = calloc(n, sizeof(*c->starts));
    if (!c->entries || !c->offsets || !c->starts)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for an index of %zu segments",
                         c->name, c->n_segments);
    return CRIL_OK;
}

static struct cril_archive_entry load_entry(const uint8_t *p)
{
    return (struct cril_archive_entry){
        cril_load_u32(p),      cril_load_u32(p + 4),  cril_load_u32(p + 8), cril_load_u32(p + 12),
        cril_load_u32(p + 16), cril_load_u32(p + 20), cril_load_u32(p + 24)};
}

static bool entry_sane(const struct cril_archive_entry *e)
{
    return e->original >= 1 && e->original <= CRIL_ARCHIVE_SEGMENT_MAX &&
           (uint64_t)e->tokens + e->raw <= (uint64_t)e->original + e->parts &&
           (e->parts || (e->tokens && !e->raw));
}

static uint64_t segment_bytes(const struct cril_archive_entry *e)
{
    return (uint64_t)e->parts * CRIL_ARCHIVE_PART + e->raw + e->code;
}

static cril_status read_index(struct cril_container *c, cril_error *err)
{
    const size_t index = index_start(c);

    c->offsets[0] = CRIL_ARCHIVE_HEADER;
    for (size_t i = 0; i < c->n_segments; i++) {
        struct cril_archive_entry *e = &c->entries[i];

        *e = load_entry(c->data + index + i * CRIL_ARCHIVE_ENTRY);
        if (!entry_sane(e))
            return damaged_index(c, "a segment's lengths contradict each other", err);
        if (segment_bytes(e) > index - c->offsets[i])
            return damaged_index(c, "its segments are longer than the file", err);
        if (e->original > c->trailer.original - c->starts[i])
            return damaged_index(c, "its segments hold more than the whole text", err);
        c->offsets[i + 1] = c->offsets[i] + segment_bytes(e);
        c->starts[i + 1] = c->starts[i] + e->original;
    }
    if (c->offsets[c->n_segments] != index)
        return damaged_index(c, "bytes that belong to no segment", err);
    if (c->starts[c->n_segments] != c->trailer.original)
        return damaged_index(c, "its segments hold less than the whole text", err);
    return CRIL_OK;
}

/* ---- Reading ---- */

cril_status cril_container_parse(const uint8_t *data, size_t size, const char *name,
                                 struct cril_container *c, cril_error *err)
{
    cril_status st;

    *c = (struct cril_container){.data = data, .size = size, .name = name};
    if ((st = check_start(c, err)) != CRIL_OK || (st = read_header(c, err)) != CRIL_OK ||
        (st = check_end(c, err)) != CRIL_OK || (st = read_trailer(c, err)) != CRIL_OK ||
        (st = make_room(c, err)) != CRIL_OK || (st = read_index(c, err)) != CRIL_OK)
        cril_container_free(c);
    return st;
}

void cril_container_free(struct cril_container *c)
{
    free(c->entries);
    free(c->offsets);
    free(c->starts);
    *c = (struct cril_container){0};
}

struct cril_part cril_segment_part(const struct cril_segment *s, size_t i)
{
    const uint8_t *p = s->parts + i * CRIL_ARCHIVE_PART;

    return (struct cril_part){cril_load_u32(p), cril_load_u32(p + 4), cril_load_u32(p + 8)};
}

static bool parts_sane(const struct cril_segment *s)
{
    uint64_t tokens = 0, raw = 0; /* at most 2^32 parts of at most 2^32 each */

    for (size_t i = 0; i < s->entry.parts; i++) {
        const struct cril_part p = cril_segment_part(s, i);

        if (p.drop > 1 || (!p.tokens && (p.drop || !p.raw)))
            return false;
        tokens += p.tokens;
        raw += p.raw;
    }
    return !s->entry.parts || (tokens == s->entry.tokens && raw == s->entry.raw);
}

cril_status cril_container_segment(const struct cril_container *c, size_t i,
                                   struct cril_segment *out, cril_error *err)
{
    const struct cril_archive_entry e = c->entries[i];
    const uint8_t *p = c->data + c->offsets[i];
    struct cril_segment s = {.entry = e, .parts = p, .raw_bytes = e.raw};

    if (cril_archive_crc(0, p, (size_t)segment_bytes(&e)) != e.frame_crc)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: segment %zu of %zu is damaged (wrong checksum); copy the file again",
                         c->name, i + 1, c->n_segments);
    if (!parts_sane(&s))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: segment %zu of %zu is damaged: its parts contradict the index",
                         c->name, i + 1, c->n_segments);
    s.raw = p + (size_t)e.parts * CRIL_ARCHIVE_PART;
    s.code = s.raw + e.raw;
    *out = s;
    return CRIL_OK;
}
