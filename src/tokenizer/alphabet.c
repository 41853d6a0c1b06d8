/* Byte-level alphabet: Radford et al. 2019 (GPT-2): a printable Latin-1 byte stands for itself, the
 * others take U+0100, U+0101, ... in byte order. */
#include "tokenizer/alphabet.h"

#include "util/utf8.h"

#include <string.h>

static bool is_own_letter(unsigned b) /* bytes that GPT-2's alphabet leaves as they are */
{
    return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b != 0xad);
}

cril_status cril_byte_level_encode(const char *bytes, size_t len, struct cril_string *out,
                                   cril_error *err)
{
    uint32_t letter[256], n_other = 0;
    cril_status st = CRIL_OK;

    for (unsigned b = 0; b < 256; b++)
        letter[b] = is_own_letter(b) ? b : 256 + n_other++;
    for (size_t i = 0; i < len && st == CRIL_OK; i++) {
        const uint32_t code = letter[(uint8_t)bytes[i]];
        const char wide[2] = {(char)(0xc0 | code >> 6), (char)(0x80 | (code & 0x3f))};
        const char narrow = (char)code;

        st = code < 0x80 ? cril_string_append(out, &narrow, 1, err)
                         : cril_string_append(out, wide, 2, err);
    }
    return st;
}

bool cril_byte_level_decode(const char *text, size_t len, char *out, size_t *n)
{
    uint8_t other[256 - 188]; /* 188 bytes are their own letters */
    unsigned n_other = 0;
    uint32_t code;

    for (unsigned b = 0; b < 256; b++)
        if (!is_own_letter(b))
            other[n_other++] = (uint8_t)b;
    *n = 0;
    for (size_t i = 0; i < len;) {
        i += cril_utf8_read(text + i, len - i, &code);
        if (code < 256 && is_own_letter(code))
            out[(*n)++] = (char)code;
        else if (code >= 256 && code < 256 + n_other)
            out[(*n)++] = (char)other[code - 256];
        else
            return false;
    }
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int cril_byte_of_name(const char *text, size_t len)
{
    int high, low;

    if (len != 6 || memcmp(text, "<0x", 3) || text[5] != '>')
        return -1;
    high = hex_digit(text[3]);
    low = hex_digit(text[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

size_t cril_put_spaces(const char *text, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len;) {
        if (len - i >= 3 && !memcmp(text + i, "\xe2\x96\x81", 3)) {
            out[n++] = ' ';
            i += 3;
        } else {
            out[n++] = text[i++];
        }
    }
    return n;
}
