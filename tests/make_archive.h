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

static inline struct made_bytes make_archive(const struct cril_archive_header *h,
                                             const struct made_segment *s, size_t n,
                                             const struct cril_archive_trailer *t)
{
    struct made_bytes out = {NULL, 0};
    const uint8_t *entries;

    cril_archive_put_header(h, made_more(&out, CRIL_ARCHIVE_HEADER));
    for (size_t i = 0; i < n; i++)
        made_append(&out, s[i].bytes, s[i].n);
    for (size_t i = 0; i < n; i++) {
        struct cril_archive_entry e = s[i].entry;

        e.frame_crc = cril_archive_crc(0, s[i].bytes, s[i].n);
        cril_archive_put_entry(&e, made_more(&out, CRIL_ARCHIVE_ENTRY));
    }
    made_more(&out, CRIL_ARCHIVE_TRAILER);
    entries = out.data + out.n - CRIL_ARCHIVE_TRAILER - n * CRIL_ARCHIVE_ENTRY;
    cril_archive_put_trailer(t, entries, out.data + out.n - CRIL_ARCHIVE_TRAILER);
    return out;
}

#endif
