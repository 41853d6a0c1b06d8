/*
 * Which code points are hidden: Unicode 15, general category Cc; Zl and Zp (U+2028, U+2029); those
 * with the property Bidi_Control, and the deprecated U+206A to U+206F beside them.
 */
#include "util/utf8.h"

#include <cril/text.h>
#include <stdint.h>
#include <string.h>

static bool is_hidden(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0x00, 0x1F},
        {0x7F, 0x9F},
        {0x061C, 0x061C},
        {0x200E, 0x200F},
        {0x2028, 0x202E},
        {0x2066, 0x206F},
        {CRIL_UTF8_ILL, CRIL_UTF8_ILL},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

/* The escape of a hidden character [n bytes]; its length. */
static size_t escape(const char *text, size_t n, char out[16])
{
    static const char digits[] = "0123456789ABCDEF", named[] = "\nn\rr\tt";
    const char *name = n == 1 && *text ? strchr(named, *text) : NULL;

    out[0] = '\\';
    if (name && (name - named) % 2 == 0) {
        out[1] = name[1];
        return 2;
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t byte = (uint8_t)text[i];

        memcpy(out + 4 * i, (const char[]){'\\', 'x', digits[byte >> 4], digits[byte & 15]}, 4);
    }
    return 4 * n;
}

size_t cril_text_show(const char *text, size_t len, bool exact, char *out, size_t size)
{
    size_t n = 0, written = 0;
    bool fits = size > 0;

    if (!text)
        len = 0;

    for (size_t i = 0, step; i < len; i += step) {
        char piece[16];
        uint32_t code;
        size_t n_piece;

        step = cril_utf8_read(text + i, len - i, &code);
        n_piece = step;
        if (is_hidden(code))
            n_piece = escape(text + i, step, piece);
        else if (exact && code == '\\')
            memcpy(piece, "\\\\", n_piece = 2);
        else
            memcpy(piece, text + i, step);
        fits = fits && n_piece < size - written;
        if (fits) {
            memcpy(out + written, piece, n_piece);
            written += n_piece;
        }
        n += n_piece;
    }
    if (size > 0)
        out[written] = '\0';
    return n;
}
