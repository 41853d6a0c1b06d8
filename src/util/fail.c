/* Error sentences. What names and files hold is made visible, so a message is one harmless line. */
#include "util/fail.h"

#include "util/number.h"

#include <cril/text.h>
#include <stdio.h>
#include <string.h>

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
    char raw[sizeof(err->message)];
    err->status = status;
    if (cril_format(raw, sizeof(raw), format, ap) < 0)
        raw[0] = '\0';
    cril_text_show(raw, strlen(raw), false, err->message, sizeof(err->message));
    return status;
}

bool cril_lacks(cril_error *err, const char *function, const char *names,
                const void *const *pointers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!pointers[i]) {
            cril_fail(err, CRIL_ERR_RANGE, "%s: %.*s is NULL", function, (int)strcspn(names, ","),
                      names);
            return true;
        }
        names += strcspn(names, ",");
        names += strspn(names, ", ");
    }
    return false;
}

const char *cril_version(void)
{
    return CRIL_VERSION;
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
