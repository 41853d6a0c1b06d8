#include "util/base64.h"

#include <stdint.h>

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool cril_base64_decode(const char *text, size_t len, char *out, size_t *n)
{
    *n = 0;
    if (len % 4)
        return false;
    for (size_t i = 0; i < len; i += 4) {
        const size_t padding = i + 4 < len || text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
        uint32_t bits = 0;

        for (size_t k = 0; k < 4; k++) {
            const int value = k >= 4 - padding ? 0 : value_of(text[i + k]);

            if (value < 0)
                return false;
            bits = bits << 6 | (uint32_t)value;
        }
        for (size_t k = 0; k < 3 - padding; k++)
            out[(*n)++] = (char)(bits >> (16 - 8 * k));
    }
    return true;
}
