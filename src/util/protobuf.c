#include "util/protobuf.h"

/* At most 10 bytes of 7 bits, the lowest first. */
static bool take_varint(struct cril_cursor *c, uint64_t *out)
{
    const uint8_t *byte;

    *out = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (!cril_cursor_take(c, 1, &byte))
            return false;
        *out |= shift < 64 ? (uint64_t)(*byte & 0x7f) << shift : 0;
        if (!(*byte & 0x80))
            return true;
    }
    return false;
}

bool cril_field_take(struct cril_cursor *c, struct cril_field *field)
{
    uint64_t tag, len;
    uint32_t word;

    *field = (struct cril_field){0};
    if (!take_varint(c, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
        return false;
    field->number = (uint32_t)(tag >> 3);
    field->wire = (enum cril_wire)(tag & 7);
    switch (field->wire) {
    case CRIL_WIRE_VARINT: return take_varint(c, &field->value);
    case CRIL_WIRE_64: return cril_cursor_u64(c, &field->value);
    case CRIL_WIRE_32:
        if (!cril_cursor_u32(c, &word))
            return false;
        field->value = word;
        return true;
    case CRIL_WIRE_BYTES:
        if (!take_varint(c, &len) || !cril_cursor_take(c, len, &field->data))
            return false;
        field->len = (size_t)len;
        return true;
    }
    return false; /* groups, which nothing writes any more */
}
