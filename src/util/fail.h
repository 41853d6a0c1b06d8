/* Fills the caller's error with a formatted sentence (err may be NULL) and returns the status. */
#ifndef CRIL_UTIL_FAIL_H
#define CRIL_UTIL_FAIL_H

#include <cril/status.h>
#include <stdarg.h>

cril_status cril_fail(cril_error *err, cril_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
cril_status cril_vfail(cril_error *err, cril_status status, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

#endif
