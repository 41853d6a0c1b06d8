#include "util/warnings.h"

#include "util/fail.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

cril_status cril_warn(struct cril_warnings *w, cril_error *err, const char *format, ...)
{
    cril_error sentence;
    char **grown, *copy;
    va_list ap;

    va_start(ap, format);
    cril_vfail(&sentence, CRIL_OK, format, ap);
    va_end(ap);
    copy = strdup(sentence.message);
    grown = realloc(w->sentence, (w->n + 1) * sizeof(*grown));
    if (grown)
        w->sentence = grown;
    if (!grown || !copy) {
        free(copy);
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a warning");
    }
    w->sentence[w->n++] = copy;
    return CRIL_OK;
}

void cril_warnings_clear(struct cril_warnings *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->sentence[i]);
    free(w->sentence);
    *w = (struct cril_warnings){0};
}
