#include "formats/names.h"

#include <stdlib.h>
#include <string.h>

static int compare_named(const void *a, const void *b)
{
    return cril_bytes_compare(((const struct cril_named *)a)->name,
                              ((const struct cril_named *)b)->name);
}

size_t cril_names_sort(struct cril_named *names, size_t n)
{
    if (n)
        qsort(names, n, sizeof(*names), compare_named);
    for (size_t i = 1; i < n; i++)
        if (compare_named(&names[i - 1], &names[i]) == 0)
            return i;
    return n;
}

const struct cril_named *cril_names_find(const struct cril_named *names, size_t n, const char *name)
{
    const struct cril_named key = {{name, strlen(name)}, 0};

    return n ? bsearch(&key, names, n, sizeof(*names), compare_named) : NULL;
}
