/* Error sentences. Control characters from hostile names are made visible, so a message is one
 * line. */
#include "util/fail.h"

#include <stdio.h>

cril_status cril_fail(cril_error *err, cril_status status, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    cril_vfail(err, status, format, ap);
    va_end(ap);
    return status;
}

cril_status cril_vfail(cril_error *err, cril_status status, const char *format, va_list ap)
{
    if (!err)
        return status;
    err->status = status;
    if (vsnprintf(err->message, sizeof(err->message), format, ap) < 0)
        err->message[0] = '\0';
    for (char *p = err->message; *p; p++)
        if ((unsigned char)*p < 32 || *p == 127)
            *p = '?';
    return status;
}

const char *cril_status_name(cril_status status)
{
    switch (status) {
    case CRIL_OK: return "ok";
    case CRIL_ERR_NOMEM: return "out of memory";
    case CRIL_ERR_IO: return "input/output error";
    case CRIL_ERR_FORMAT: return "bad format";
    case CRIL_ERR_TRUNCATED: return "truncated";
    case CRIL_ERR_UNSUPPORTED: return "unsupported";
    case CRIL_ERR_RANGE: return "out of range";
    case CRIL_ERR_NUMERIC: return "not finite";
    case CRIL_ERR_EMPTY: return "empty";
    case CRIL_ERR_MISMATCH: return "mismatch";
    case CRIL_ERR_CANCELLED: return "cancelled";
    }
    return "unknown";
}
