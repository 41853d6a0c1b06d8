/* Sentences about what had to be guessed: a list that grows. */
#ifndef CRIL_UTIL_WARNINGS_H
#define CRIL_UTIL_WARNINGS_H

#include <cril/status.h>
#include <stddef.h>

struct cril_warnings { /* zero-initialise */
    char **sentence;   /* [n] owned, one line each */
    size_t n;
};

/* Appends a sentence, shortened and escaped as an error's (util/fail.h). CRIL_ERR_NOMEM. */
cril_status cril_warn(struct cril_warnings *w, cril_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void cril_warnings_clear(struct cril_warnings *w);

#endif
