/* A sorted list of names, which finds duplicates and serves look-ups. */
#ifndef CRIL_FORMATS_NAMES_H
#define CRIL_FORMATS_NAMES_H

#include "util/bytes.h"

struct cril_named {
    struct cril_bytes name;
    size_t i;
};

/* Sorts; the position of a name that occurs twice, or n. */
size_t cril_names_sort(struct cril_named *names, size_t n);
/* In a sorted list; NULL: it is not there. */
const struct cril_named *cril_names_find(const struct cril_named *names, size_t n,
                                         const char *name);

#endif
