/* A sorted list of names, which finds duplicates and serves look-ups. */
#ifndef CRIL_FORMATS_NAMES_H
#define CRIL_FORMATS_NAMES_H

#include <stddef.h>

struct cril_bytes { /* bytes of a file, any; not NUL-terminated */
    const char *data;
    size_t len;
};

struct cril_named {
    struct cril_bytes name;
    size_t i;
};

/* The arguments of "%.*s" for a name of a file, shortened: it may be of any length. */
#define CRIL_SHOWN(s) ((s).len > 80 ? 80 : (int)(s).len), ((s).data ? (s).data : "")

/* < 0, 0, > 0 as a comes before, is, or comes after b, by bytes. */
int cril_bytes_compare(struct cril_bytes a, struct cril_bytes b);
/* Sorts; the position of a name that occurs twice, or n. */
size_t cril_names_sort(struct cril_named *names, size_t n);
/* In a sorted list; NULL: it is not there. */
const struct cril_named *cril_names_find(const struct cril_named *names, size_t n,
                                         const char *name);

#endif
