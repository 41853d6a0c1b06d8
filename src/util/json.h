/* JSON files (RFC 8259) to jansson's trees, with what Python writes beside the standard. */
#ifndef CRIL_UTIL_JSON_H
#define CRIL_UTIL_JSON_H

#include "util/bytes.h"

#include <cril/status.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRIL_JSON_MAX_BYTES ((size_t)128 << 20)
enum { CRIL_JSON_MAX_DEPTH = 64 }; /* arrays and objects in each other */

/*
 * Parses data [len], the content of the file at path. No object has a name twice; texts may hold
 * zero bytes (json_string_length), names may not.
 *
 * Beyond the standard, outside texts: Infinity and -Infinity are numbers, which cril_json_number
 * gives; NaN becomes an empty text, so that a reader that wants a number says that this is none; an
 * integer beyond 64 bits becomes a real number.
 *
 * *out is owned by the caller: json_decref. The sentence names path and line. CRIL_ERR_FORMAT,
 * CRIL_ERR_UNSUPPORTED (larger or deeper than the bounds), CRIL_ERR_NOMEM.
 */
cril_status cril_json_parse(const char *path, const uint8_t *data, size_t len, json_t **out,
                            cril_error *err);

/* A text; borrowed from value. Anything else has no data. */
static inline struct cril_bytes cril_json_text(const json_t *value)
{
    return (struct cril_bytes){json_string_value(value), json_string_length(value)};
}

/* An integer or real number as double, infinite for Infinity; 0 for anything else. */
double cril_json_number(const json_t *value);

/* Whether jansson failed for want of memory: it says so, or nothing, or that the text is not JSON.
 */
bool cril_json_lacked_memory(const json_error_t *where);

#endif
