/* UTF-8 reader: see utf8.h. The second byte's range depends on the first; later bytes are
 * all 80..BF. */
#include "util/utf8.h"

#include "util/fail.h"
#include "util/size.h"

#include <cril/corpus.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char replacement[3] = "\xef\xbf\xbd";

size_t cril_utf8_read(const char *text, size_t len, uint32_t *code)
{
    const uint8_t *p = (const uint8_t *)text;
    uint8_t low = 0x80, high = 0xbf;
    uint32_t c = p[0];
    size_t need, i;

    if (c < 0x80) {
        *code = c;
        return 1;
    }
    *code = CRIL_UTF8_ILL;
    if (c < 0xc2 || c > 0xf4)
        return 1;
    if (c < 0xe0) {
        need = 2;
        c &= 0x1f;
    } else if (c < 0xf0) {
        need = 3;
        low = c == 0xe0 ? 0xa0 : 0x80;  /* no overlong forms */
        high = c == 0xed ? 0x9f : 0xbf; /* no surrogates */
        c &= 0x0f;
    } else {
        need = 4;
        low = c == 0xf0 ? 0x90 : 0x80;
        high = c == 0xf4 ? 0x8f : 0xbf; /* nothing past U+10FFFF */
        c &= 0x07;
    }
    for (i = 1; i < need; i++) {
        if (i == len || p[i] < low || p[i] > high)
            return i;
        c = c << 6 | (p[i] & 0x3fu);
        low = 0x80;
        high = 0xbf;
    }
    *code = c;
    return need;
}

size_t cril_utf8_read_back(const char *text, size_t at, uint32_t *code)
{
    size_t start = at - 1;

    while (start && at - start < 4 && ((uint8_t)text[start] & 0xc0) == 0x80)
        start--;
    if (cril_utf8_read(text + start, at - start, code) == at - start)
        return start;
    *code = CRIL_UTF8_ILL;
    return at - 1;
}

uint64_t cril_count_characters(const char *text, size_t len_bytes)
{
    uint64_t n = 0;
    uint32_t code;

    for (size_t i = 0; text && i < len_bytes; n++)
        i += cril_utf8_read(text + i, len_bytes - i, &code);
    return n;
}

cril_status cril_utf8_repair(const char *text, size_t len, char **out, size_t *out_len,
                             cril_error *err)
{
    size_t good = 0, n, max;
    uint32_t code = 0;
    char *copy;

    *out = NULL;
    *out_len = len;
    while (good < len) {
        const size_t step = cril_utf8_read(text + good, len - good, &code);

        if (code == CRIL_UTF8_ILL)
            break;
        good += step;
    }
    if (good == len)
        return CRIL_OK;
    if (!cril_size_mul(len - good, sizeof(replacement), &max) || !cril_size_add(max, good, &max) ||
        !(copy = malloc(max)))
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory repairing %zu bytes of text", len);
    memcpy(copy, text, good);
    n = good;
    while (good < len) {
        const size_t step = cril_utf8_read(text + good, len - good, &code);
        const bool ill = code == CRIL_UTF8_ILL;

        memcpy(copy + n, ill ? replacement : text + good, ill ? sizeof(replacement) : step);
        n += ill ? sizeof(replacement) : step;
        good += step;
    }
    *out = copy;
    *out_len = n;
    return CRIL_OK;
}
