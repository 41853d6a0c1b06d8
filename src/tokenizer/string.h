/* A text that grows. */
#ifndef CRIL_TOKENIZER_STRING_H
#define CRIL_TOKENIZER_STRING_H

#include "util/fail.h"
#include "util/size.h"

#include <string.h>

struct cril_string { /* zero-initialise; release with free(data) */
    char *data;
    size_t n, capacity;
};

static inline cril_status cril_string_append(struct cril_string *t, const char *data, size_t len,
                                             cril_error *err)
{
    char *const grown = cril_size_grow(t->data, &t->capacity, t->n, len, 1);

    if (!grown)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu bytes of text", t->n);
    t->data = grown;
    memcpy(grown + t->n, data, len);
    t->n += len;
    return CRIL_OK;
}

#endif
