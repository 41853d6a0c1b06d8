/* Bytes of a file, any, and how they compare: keys, names, texts of its metadata. */
#ifndef CRIL_UTIL_BYTES_H
#define CRIL_UTIL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct cril_bytes {
    const char *data; /* [len], not NUL-terminated; NULL: there are none */
    size_t len;
};

/* The arguments of "%.*s" for a name of a file, shortened: it may be of any length. */
#define CRIL_SHOWN(s) ((s).len > 80 ? 80 : (int)(s).len), ((s).data ? (s).data : "")

static inline struct cril_bytes cril_bytes_of(const char *text)
{
    return (struct cril_bytes){text, strlen(text)};
}

static inline bool cril_bytes_are(struct cril_bytes s, const char *text)
{
    return s.len == strlen(text) && !memcmp(s.data, text, s.len);
}

static inline bool cril_bytes_start_with(struct cril_bytes s, const char *text)
{
    return s.len >= strlen(text) && !memcmp(s.data, text, strlen(text));
}

/* Both are there, and the same. */
static inline bool cril_bytes_same(struct cril_bytes a, struct cril_bytes b)
{
    return a.data && b.data && a.len == b.len && !memcmp(a.data, b.data, a.len);
}

/* < 0, 0, > 0 as a comes before, is, or comes after b, by bytes. */
static inline int cril_bytes_compare(struct cril_bytes a, struct cril_bytes b)
{
    const size_t n = a.len < b.len ? a.len : b.len;
    const int d = n ? memcmp(a.data, b.data, n) : 0;

    return d ? d : (a.len > b.len) - (a.len < b.len);
}

#endif
