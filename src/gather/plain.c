/* Plain text: see plain.h. */
#include "gather/plain.h"

#include "gather/codes.h"

#include <utf8proc.h>

static utf8proc_category_t category(uint32_t code)
{
    return utf8proc_category((utf8proc_int32_t)code);
}

static bool is_digit(uint32_t code)
{
    return code < 0x80 ? code >= '0' && code <= '9' : category(code) == UTF8PROC_CATEGORY_ND;
}

static bool is_separator(uint32_t c)
{
    return c == '.' || c == ',' || c == 0x60c || c == 0x66b || (c >= 0x2396 && c <= 0x2398);
}

/* Code points of a number at c [n]: digits, and once a separator and more of them; 0: none. */
static size_t number(const uint32_t *c, size_t n)
{
    size_t i = 0, k;

    while (i < n && is_digit(c[i]))
        i++;
    if (!i || i == n || !is_separator(c[i]))
        return i;
    for (k = i + 1; k < n && is_digit(c[k]); k++) {
    }
    return k > i + 1 ? k : i;
}

/* The code point decomposed, without marks that only stand over others, into out
 * [CRIL_PLAIN_GROWTH]; returns how many. */
static size_t decompose(uint32_t code, uint32_t *out)
{
    utf8proc_int32_t parts[CRIL_PLAIN_GROWTH];
    utf8proc_ssize_t n;
    size_t kept = 0;
    int last = 0;

    if (code < 0xc0) {
        out[0] = code;
        return 1;
    }
    n = utf8proc_decompose_char((utf8proc_int32_t)code, parts, CRIL_PLAIN_GROWTH,
                                UTF8PROC_DECOMPOSE, &last);
    for (utf8proc_ssize_t i = 0; i < n && i < CRIL_PLAIN_GROWTH; i++) {
        if (utf8proc_category(parts[i]) != UTF8PROC_CATEGORY_MN)
            out[kept++] = (uint32_t)parts[i];
    }
    return kept;
}

static bool is_ascii_letter(uint32_t code)
{
    return (code | 0x20) >= 'a' && (code | 0x20) <= 'z';
}

size_t cril_plain(const uint32_t *codes, size_t n, uint32_t *out)
{
    size_t kept = 0;

    for (size_t i = 0, digits; i < n; i += digits ? digits : 1) {
        digits = number(codes + i, n - i);
        if (digits)
            out[kept++] = '0';
        else if (is_ascii_letter(codes[i]))
            out[kept++] = codes[i] | 0x20;
        else if (!(cril_code_kinds(codes[i]) & (CRIL_CODE_BLANKED | CRIL_CODE_SPACE)))
            kept += decompose(cril_code_lower(codes[i]), out + kept);
        else if (kept && out[kept - 1] != ' ')
            out[kept++] = ' ';
    }
    return kept && out[kept - 1] == ' ' ? kept - 1 : kept;
}
