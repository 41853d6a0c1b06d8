/*
 * Format 1, which is read only. Everything is checked from the outside in: header, end mark,
 * trailer, index; then the index's lengths must fill the space between header and index exactly, so
 * that no byte is missing or left over.
 */
#include "codec/format.h"
#include "util/fail.h"

#include <inttypes.h>
#include <string.h>

enum {
    HEADER = 72,
    HEADER_CRC = HEADER - 4,
    ENTRY = 28,
    TRAILER = 64,
    TRAILER_CRC = TRAILER - 12,
    PROTOCOL_DOCUMENT = 1
};

static const uint32_t no_first_token = UINT32_MAX;

/* ---- Header ---- */

static cril_status check_start(const struct cril_container *c, cril_error *err)
{
    if (c->size < HEADER + TRAILER)
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: was cut short: it has %zu bytes, an archive of format 1 at least %d; "
                         "copy it again",
                         c->name, c->size, HEADER + TRAILER);
    if (cril_load_u32(c->data + HEADER_CRC) != cril_archive_crc(0, c->data, HEADER_CRC))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: its header is damaged (wrong checksum); copy it again", c->name);
    return CRIL_OK;
}

static cril_status read_header(struct cril_container *c, cril_error *err)
{
    struct cril_archive_header *h = &c->header;
    const uint8_t *p = c->data + 8;
    const uint32_t protocol = cril_load_u32(p + 40), first_token = cril_load_u32(p + 56);
    cril_status st;

    h->numerics = cril_load_u32(p + 4);
    h->rules = 1;
    h->model_bytes = sizeof(h->model);
    memcpy(h->model, p + 8, sizeof(h->model));
    h->context = cril_load_u32(p + 44);
    h->stride = cril_load_u32(p + 48);
    h->n_logits = cril_load_u32(p + 52);
    if (protocol != PROTOCOL_DOCUMENT)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: is coded by protocol %" PRIu32 ", this program knows %d (document)",
                         c->name, protocol, PROTOCOL_DOCUMENT);
    if ((st = cril_container_check_header(c, err)) != CRIL_OK)
        return st;
    if (h->n_logits < 1 || h->n_logits > INT32_MAX)
        return cril_fail_header(c, "its number of logits", h->n_logits, err);
    if (first_token != no_first_token && first_token >= h->n_logits)
        return cril_fail_header(c, "its first token", first_token, err);
    h->first_token = first_token == no_first_token ? -1 : (int32_t)first_token;
    return CRIL_OK;
}

/* ---- Trailer and index ---- */

/* The magic backwards. */
static bool ends_at(const struct cril_container *c, size_t size)
{
    static const uint8_t end_mark[8] = {0x1A, '\n', '\r', 'L', 'I', 'R', 'C', 0x89};

    return memcmp(c->data + size - sizeof(end_mark), end_mark, sizeof(end_mark)) == 0;
}

/* Cut short, or with something behind it? An end mark further up tells. */
static cril_status check_end(const struct cril_container *c, cril_error *err)
{
    size_t end = c->size;

    if (ends_at(c, end))
        return CRIL_OK;
    while (--end >= HEADER + TRAILER)
        if (ends_at(c, end))
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s: %zu byte%s the end of the archive; keep its first %zu bytes",
                             c->name, c->size - end, c->size - end == 1 ? " follows" : "s follow",
                             end);
    return cril_fail(
        err, CRIL_ERR_TRUNCATED,
        "%s: was cut short after %zu bytes: an archive's end is missing; copy it again", c->name,
        c->size);
}

static cril_status read_trailer(struct cril_container *c, uint64_t *n_segments, cril_error *err)
{
    const size_t end = c->size - TRAILER;
    const uint8_t *p = c->data + end;
    struct cril_archive_trailer *t = &c->trailer;
    size_t index;

    *n_segments = cril_load_u64(p);
    t->original = cril_load_u64(p + 8);
    t->sha256_bytes = sizeof(t->sha256);
    memcpy(t->sha256, p + 16, sizeof(t->sha256));
    if (*n_segments > (end - HEADER) / ENTRY)
        return cril_fail_index(c, "more segments than fit into the file", err);
    index = end - (size_t)*n_segments * ENTRY;
    if (cril_load_u32(p + TRAILER_CRC) !=
        cril_archive_crc(0, c->data + index, end - index + TRAILER_CRC))
        return cril_fail_index(c, "wrong checksum", err);
    if (cril_load_u32(p + TRAILER_CRC - 4) != 0)
        return cril_fail_index(c, "its reserved field is not 0", err);
    return CRIL_OK;
}

static struct cril_archive_entry load_entry(const uint8_t *p)
{
    const uint32_t parts = cril_load_u32(p + 8);

    return (struct cril_archive_entry){.original = cril_load_u32(p),
                                       .kind = parts ? CRIL_SEGMENT_PARTS : CRIL_SEGMENT_TOKENS,
                                       .tokens = cril_load_u32(p + 4),
                                       .part_bytes = (uint64_t)parts * CRIL_ARCHIVE_PART,
                                       .raw = cril_load_u32(p + 12),
                                       .code = cril_load_u32(p + 16),
                                       .crc = cril_load_u32(p + 20),
                                       .frame_crc = cril_load_u32(p + 24)};
}

static cril_status read_index(struct cril_container *c, size_t n, cril_error *err)
{
    const size_t index = c->size - TRAILER - n * ENTRY;
    cril_status st = cril_container_reserve(c, n, HEADER, err);

    for (size_t i = 0; i < n && st == CRIL_OK; i++) {
        const struct cril_archive_entry e = load_entry(c->data + index + i * ENTRY);

        st = cril_container_add(c, i, &e, index, err);
    }
    if (st != CRIL_OK)
        return st;
    if (!n && index != HEADER)
        return cril_fail_index(c, "bytes that belong to no segment", err);
    if (c->starts[n] != c->trailer.original)
        return cril_fail_index(c, "its segments do not add up to the whole text", err);
    return CRIL_OK;
}

cril_status cril_format1_parse(struct cril_container *c, cril_error *err)
{
    uint64_t n = 0;
    cril_status st;

    if ((st = check_start(c, err)) != CRIL_OK || (st = read_header(c, err)) != CRIL_OK ||
        (st = check_end(c, err)) != CRIL_OK || (st = read_trailer(c, &n, err)) != CRIL_OK)
        return st;
    return read_index(c, (size_t)n, err);
}
