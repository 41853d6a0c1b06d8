/*
 * What the formats have in common: the file's beginning, the lengths of segments, and a segment's
 * bytes. No length is added before it is known to fit.
 *
 * Checksums cover all lengths, but the code does not trust them: an attacker can compute one for
 * wrong lengths.
 */
#include "codec/container.h"

#include "codec/format.h"
#include "util/fail.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

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

/* ---- Header ---- */

cril_status cril_fail_header(const struct cril_container *c, const char *field, uint64_t found,
                             cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: its header is out of range: %s is %" PRIu64,
                     c->name, field, found);
}

cril_status cril_container_check_header(const struct cril_container *c, cril_error *err)
{
    const struct cril_archive_header *h = &c->header;

    if (h->numerics < 1 || h->numerics > INT32_MAX)
        return cril_fail_header(c, "the version of its numeric contract", h->numerics, err);
    if (h->context < 1)
        return cril_fail_header(c, "its context", h->context, err);
    if (h->stride < 1 || h->stride > h->context)
        return cril_fail_header(c, "its stride", h->stride, err);
    return CRIL_OK;
}

/* The magic begins as PNG's: a byte that is no text, a name, and line ends and an end-of-file that
   careless copying would change. */
static cril_status check_start(const struct cril_container *c, uint32_t *version, cril_error *err)
{
    static const uint8_t magic[8] = {0x89, 'C', 'R', 'I', 'L', '\r', '\n', 0x1A};
    const size_t n_magic = c->size < sizeof(magic) ? c->size : sizeof(magic);

    if (n_magic && memcmp(c->data, magic, n_magic) != 0)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: is not a .cril archive: it does not begin like one", c->name);
    if (c->size < 12)
        return cril_fail(
            err, CRIL_ERR_TRUNCATED,
            "%s: was cut short: it has %zu bytes, fewer than any archive; copy it again", c->name,
            c->size);
    *version = cril_load_u32(c->data + 8);
    if (*version > CRIL_ARCHIVE_VERSION)
        return cril_fail(
            err, CRIL_ERR_UNSUPPORTED,
            "%s: is of format version %" PRIu32
            ", this program reads versions up to %d: use a newer one (or the file is damaged)",
            c->name, *version, CRIL_ARCHIVE_VERSION);
    return *version ? CRIL_OK : cril_fail_header(c, "its format version", *version, err);
}

/* ---- Index ---- */

cril_status cril_fail_index(const struct cril_container *c, const char *why, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: its index is damaged (%s); copy it again", c->name,
                     why);
}

cril_status cril_container_reserve(struct cril_container *c, size_t n, uint64_t offset,
                                   cril_error *err)
{
    /* No array is empty, so NULL means out of memory. */
    c->entries = calloc(n + 1, sizeof(*c->entries));
    c->offsets = calloc(n + 1, sizeof(*c->offsets));
    c->starts = calloc(n + 1, sizeof(*c->starts));
    if (!c->entries || !c->offsets || !c->starts)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for an index of %zu segments",
                         c->name, n);
    c->n_segments = n;
    c->offsets[0] = offset;
    return CRIL_OK;
}

/* Parts that so many bytes can hold at most. */
static uint64_t max_parts(const struct cril_container *c, const struct cril_archive_entry *e)
{
    if (e->kind != CRIL_SEGMENT_PARTS)
        return e->kind == CRIL_SEGMENT_DROPPED;
    return e->part_bytes / (c->header.version == 1 ? CRIL_ARCHIVE_PART : 2);
}

static bool entry_sane(const struct cril_container *c, const struct cril_archive_entry *e)
{
    const bool parts = e->kind == CRIL_SEGMENT_PARTS, stored = e->kind == CRIL_SEGMENT_STORED;

    return e->original >= 1 && e->original <= CRIL_ARCHIVE_SEGMENT_MAX &&
           (uint64_t)e->tokens + e->raw <= e->original + max_parts(c, e) &&
           (parts    ? e->part_bytes > 0
            : stored ? !e->tokens && !e->code
                     : e->tokens > 0 && !e->raw);
}

static uint64_t segment_bytes(const struct cril_archive_entry *e)
{
    return e->part_bytes + e->raw + e->code;
}

cril_status cril_container_add(struct cril_container *c, size_t i,
                               const struct cril_archive_entry *e, uint64_t end, cril_error *err)
{
    if (!entry_sane(c, e) || e->original > UINT64_MAX - c->starts[i])
        return cril_fail_index(c, "a segment's lengths contradict each other", err);
    if (segment_bytes(e) > end - c->offsets[i])
        return cril_fail_index(c, "its segments are longer than the file", err);
    c->entries[i] = *e;
    c->offsets[i + 1] = c->offsets[i] + segment_bytes(e);
    c->starts[i + 1] = c->starts[i] + e->original;
    if (i + 1 == c->n_segments && c->offsets[i + 1] != end)
        return cril_fail_index(c, "bytes that belong to no segment", err);
    return CRIL_OK;
}

/* ---- Reading ---- */

cril_status cril_container_parse(const uint8_t *data, size_t size, const char *name,
                                 struct cril_container *c, cril_error *err)
{
    uint32_t version = 0;
    cril_status st;

    *c = (struct cril_container){.data = data, .size = size, .name = name};
    if ((st = check_start(c, &version, err)) == CRIL_OK) {
        c->header.version = version;
        st = version == 1 ? cril_format1_parse(c, err) : cril_format2_parse(c, err);
    }
    if (st != CRIL_OK)
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

/* ---- Segments ---- */

static bool read_part(struct cril_cursor *c, bool varints, struct cril_part *out)
{
    uint64_t tokens, raw;

    if (!varints)
        return cril_cursor_u32(c, &out->tokens) && cril_cursor_u32(c, &out->drop) &&
               cril_cursor_u32(c, &out->raw);
    if (!cril_cursor_varint(c, &tokens) || !cril_cursor_varint(c, &raw) ||
        tokens / 2 > UINT32_MAX || raw > UINT32_MAX)
        return false;
    *out = (struct cril_part){(uint32_t)(tokens / 2), tokens % 2, (uint32_t)raw};
    return true;
}

bool cril_segment_next_part(const struct cril_segment *s, uint64_t *at, struct cril_part *out)
{
    const struct cril_archive_entry *e = &s->entry;
    struct cril_cursor c = cril_cursor_of(s->parts, (size_t)e->part_bytes);

    if (e->kind != CRIL_SEGMENT_PARTS) {
        *out = (struct cril_part){e->tokens, e->kind == CRIL_SEGMENT_DROPPED, e->raw};
        return !(*at)++;
    }
    c.pos = (size_t)*at;
    if (!read_part(&c, s->varints, out))
        return false;
    *at = c.pos;
    return true;
}

static bool parts_sane(const struct cril_segment *s)
{
    const struct cril_archive_entry *e = &s->entry;
    uint64_t tokens = 0, raw = 0, n = 0, at = 0;
    struct cril_part p;

    while (cril_segment_next_part(s, &at, &p)) {
        if (p.drop > 1 || (!p.tokens && (p.drop || !p.raw)))
            return false;
        tokens += p.tokens;
        raw += p.raw;
        n++;
        if (tokens > e->tokens || raw > e->raw)
            return false;
    }
    return tokens == e->tokens && raw == e->raw && tokens + raw <= e->original + n &&
           (e->kind != CRIL_SEGMENT_PARTS || at == e->part_bytes);
}

cril_status cril_container_segment(const struct cril_container *c, size_t i,
                                   struct cril_segment *out, cril_error *err)
{
    const struct cril_archive_entry *e = &c->entries[i];
    const uint8_t *p = c->data + c->offsets[i];
    const struct cril_segment s = {.entry = *e,
                                   .varints = c->header.version > 1,
                                   .parts = p,
                                   .raw = p + (size_t)e->part_bytes,
                                   .raw_bytes = e->raw,
                                   .code = p + (size_t)e->part_bytes + e->raw};

    if (!c->single && cril_archive_crc(0, p, (size_t)segment_bytes(e)) != e->frame_crc)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: segment %zu of %zu is damaged (wrong checksum); copy the file again",
                         c->name, i + 1, c->n_segments);
    if (!parts_sane(&s))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: segment %zu of %zu is damaged: its parts contradict the index",
                         c->name, i + 1, c->n_segments);
    *out = s;
    return CRIL_OK;
}
