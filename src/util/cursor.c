/* The bounded reader. The one comparison below is the whole safety argument: no sum that can wrap.
 */
#include "util/cursor.h"

struct cril_cursor cril_cursor_of(const uint8_t *data, size_t size)
{
    return (struct cril_cursor){data, size, 0};
}

size_t cril_cursor_left(const struct cril_cursor *c)
{
    return c->size - c->pos;
}

bool cril_cursor_take(struct cril_cursor *c, uint64_t n, const uint8_t **out)
{
    if (n > cril_cursor_left(c))
        return false;
    *out = c->data ? c->data + c->pos : NULL;
    c->pos += (size_t)n;
    return true;
}

bool cril_cursor_u32(struct cril_cursor *c, uint32_t *out)
{
    const uint8_t *p;

    if (!cril_cursor_take(c, 4, &p))
        return false;
    *out = cril_load_u32(p);
    return true;
}

bool cril_cursor_u64(struct cril_cursor *c, uint64_t *out)
{
    const uint8_t *p;

    if (!cril_cursor_take(c, 8, &p))
        return false;
    *out = cril_load_u64(p);
    return true;
}

bool cril_cursor_varint(struct cril_cursor *c, uint64_t *out)
{
    uint64_t x = 0;
    uint8_t byte = 0x80;
    size_t n = 0;

    for (; byte & 0x80; n++) {
        if (n == CRIL_VARINT_MAX || n == cril_cursor_left(c))
            return false;
        byte = c->data[c->pos + n];
        x |= (uint64_t)(byte & 0x7F) << 7 * n;
    }
    if (n > 1 && !byte)
        return false;
    c->pos += n;
    *out = x;
    return true;
}
