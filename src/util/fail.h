/* What a function says of its failure. */
#ifndef CRIL_UTIL_FAIL_H
#define CRIL_UTIL_FAIL_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdarg.h>

/* Fills the caller's error with a formatted sentence (err may be NULL) and returns the status. */
cril_status cril_fail(cril_error *err, cril_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
cril_status cril_vfail(cril_error *err, cril_status status, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

/*
 * Whether one of the pointers that a public function needs is NULL; err then names it. At the start
 * of each such function:
 *
 *     if (CRIL_LACKS(err, path, out))
 *         return CRIL_ERR_RANGE;
 */
#define CRIL_LACKS(err, ...)                                                                       \
    cril_lacks(err, __func__, #__VA_ARGS__, (const void *const[]){__VA_ARGS__},                    \
               sizeof((const void *const[]){__VA_ARGS__}) / sizeof(void *))
bool cril_lacks(cril_error *err, const char *function, const char *names,
                const void *const *pointers, size_t n);

#endif
