/* The nearest of several names to a mistyped word: offer each, then read best (NULL: none is near).
 */
#ifndef CRIL_UTIL_NEAREST_H
#define CRIL_UTIL_NEAREST_H

#include <stddef.h>

struct cril_nearest_name {
    const char *word, *best; /* best is one of the names offered, borrowed */
    size_t distance;
};

void cril_nearest_name_offer(struct cril_nearest_name *n, const char *name);

#endif
