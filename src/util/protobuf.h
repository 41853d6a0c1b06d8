/*
 * Protocol buffers on the wire (protobuf.dev, "Encoding"): fields one after the other, each a
 * number, a type and a value. No schema: a reader takes the fields it knows.
 */
#ifndef CRIL_UTIL_PROTOBUF_H
#define CRIL_UTIL_PROTOBUF_H

#include "util/cursor.h"

enum cril_wire { /* numbers of the format */
                 CRIL_WIRE_VARINT = 0,
                 CRIL_WIRE_64 = 1,
                 CRIL_WIRE_BYTES = 2,
                 CRIL_WIRE_32 = 5
};

struct cril_field {
    uint32_t number;
    enum cril_wire wire;
    uint64_t value;      /* of all but CRIL_WIRE_BYTES */
    const uint8_t *data; /* [len], borrowed; CRIL_WIRE_BYTES */
    size_t len;
};

/* The next field, if c has bytes left. False: they are no field. */
bool cril_field_take(struct cril_cursor *c, struct cril_field *field);

#endif
