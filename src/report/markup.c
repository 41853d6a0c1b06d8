/*
 * Markup (markup.h). Numbers are made of digits here, since printf follows the locale: a value is
 * scaled by a power of ten, rounded half away from zero and written as a whole number with a point
 * in it. Up to 2^53 this is exact except for the product's rounding.
 */
#include "report/markup.h"

#include "util/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define DASH "\xE2\x80\x93"
#define MINUS "\xE2\x88\x92"
#define REPLACEMENT "\xEF\xBF\xBD"

/* ---- Text ---- */

static bool is_refused(uint32_t c)
{
    return c == CRIL_UTF8_ILL || c < 0x20 || (c >= 0x7f && c < 0xa0) ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
           (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

static const char *entity(uint32_t c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    case '\t':
    case '\n':
    case '\r': return " ";
    default: return is_refused(c) ? REPLACEMENT : NULL;
    }
}

void cril_markup_text(FILE *f, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t c;
        const size_t n = cril_utf8_read(text + i, len - i, &c);
        const char *instead = entity(c);

        if (instead)
            fputs(instead, f);
        else
            fwrite(text + i, 1, n, f);
        i += n;
    }
}

/* ---- Numbers ---- */

static void digits(FILE *f, uint64_t v, int decimals)
{
    char out[32];
    size_t at = sizeof(out);

    for (int k = 0; v || k <= decimals; k++) {
        if (k == decimals && decimals)
            out[--at] = '.';
        out[--at] = (char)('0' + v % 10);
        v /= 10;
    }
    fwrite(out + at, 1, sizeof(out) - at, f);
}

static double scale_of(int decimals)
{
    double scale = 1;

    while (decimals-- > 0)
        scale *= 10;
    return scale;
}

/* v, above 0, as m 10^e with m of two digits. */
static void power(FILE *f, double v)
{
    size_t e = 0;
    const bool large = v >= 1;

    for (; large ? v >= 10 : v < 1; e++)
        v = large ? v / 10 : v * 10;
    if (floor(v * 10 + 0.5) >= 100) { /* 9.96 */
        v /= 10;
        e = large ? e + 1 : e - 1;
    }
    digits(f, (uint64_t)floor(v * 10 + 0.5), 1);
    cril_markup_put(f, "&#8239;\xC3\x97&#8239;10<sup>%s%z</sup>", large ? "" : MINUS, e);
}

void cril_markup_number(FILE *f, double v, int decimals)
{
    const double size = fabs(v), scaled = floor(size * scale_of(decimals) + 0.5);

    if (isnan(v)) {
        fputs(DASH, f);
        return;
    }
    if (v < 0 && scaled > 0)
        fputs(MINUS, f);
    if (isinf(v))
        fputs("\xE2\x88\x9E", f);
    else if (scaled < 0x1p53)
        digits(f, (uint64_t)scaled, decimals);
    else
        power(f, size);
}

void cril_markup_small(FILE *f, double v)
{
    if (v > 0 && v < 0.001)
        power(f, v);
    else
        cril_markup_number(f, v, v < 0.1 ? 3 : 2);
}

/* 12, 12.5, 12.25, -3: no more characters than it needs, as there are thousands of them. */
static void coordinate(FILE *f, double v)
{
    const double scaled = floor(fabs(v) * 100 + 0.5);
    uint64_t whole;
    int decimals = 2;

    if (!(scaled < 0x1p53)) {
        fputs("0", f);
        return;
    }
    whole = (uint64_t)scaled;
    for (; decimals && whole % 10 == 0; decimals--)
        whole /= 10;
    if (v < 0 && whole)
        putc('-', f);
    digits(f, whole, decimals);
}

void cril_markup_put(FILE *f, const char *format, ...)
{
    const char *text;
    va_list args;

    va_start(args, format);
    for (const char *c = format; *c; c++) {
        if (*c != '%') {
            putc(*c, f);
            continue;
        }
        switch (*++c) {
        case 't':
            text = va_arg(args, const char *);
            cril_markup_text(f, text, strlen(text));
            break;
        case 's': fputs(va_arg(args, const char *), f); break;
        case 'z': digits(f, va_arg(args, size_t), 0); break;
        case 'c': coordinate(f, va_arg(args, double)); break;
        case '%': putc('%', f); break;
        default: cril_markup_number(f, va_arg(args, double), *c - '0'); break;
        }
    }
    va_end(args);
}

/* ---- Width ---- */

/* From the widths of Helvetica, Segoe UI, Roboto and DejaVu Sans: near the widest of them. */
static double width_of(uint32_t c)
{
    if (c == CRIL_UTF8_ILL || c >= 0x1100)
        return 1;
    if (c > 0x7e)
        return 0.64;
    if (strchr("iIjl.,:;'|! ", (int)c))
        return 0.31;
    if (strchr("frt()[]-\"", (int)c))
        return 0.4;
    if (strchr("mwMW@%", (int)c))
        return 0.9;
    return c >= 'A' && c <= 'Z' ? 0.68 : 0.59;
}

double cril_markup_width(const char *text, size_t len)
{
    double width = 0;
    uint32_t c;

    for (size_t i = 0; i < len; width += width_of(c))
        i += cril_utf8_read(text + i, len - i, &c);
    return width;
}

size_t cril_markup_fit(const char *text, double width)
{
    const size_t len = strlen(text);
    size_t i = 0;

    while (i < len) {
        uint32_t c;
        const size_t n = cril_utf8_read(text + i, len - i, &c);

        if ((width -= width_of(c)) < 0)
            break;
        i += n;
    }
    return i;
}

size_t cril_markup_fit_end(const char *text, size_t len, double width)
{
    double left = cril_markup_width(text, len);
    size_t i = 0;

    while (i < len && left > width) {
        uint32_t c;

        i += cril_utf8_read(text + i, len - i, &c);
        left -= width_of(c);
    }
    return i;
}
