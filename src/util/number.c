/*
 * Numbers as text. The C library's conversions are exact, both ways, so what is done here is to
 * call them in the C locale, to find the fewest digits by trying, and to take printf's padding off
 * an exponent.
 */
#include "util/number.h"

#include "util/utf8.h"

#include <cril/text.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* newlocale() makes nothing for "C", which every C library keeps ready. */
locale_t cril_c_locale_begin(void)
{
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

void cril_c_locale_end(locale_t before)
{
    freelocale(uselocale(before));
}

int cril_format(char *out, size_t size, const char *format, va_list ap)
{
    const locale_t before = cril_c_locale_begin();
    const int n = vsnprintf(out, size, format, ap);

    cril_c_locale_end(before);
    return n;
}

/* ---- reading ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Moves past digits; how many. */
static size_t skip_digits(const char **p)
{
    size_t n = 0;

    for (; is_digit(**p); ++*p)
        n++;
    return n;
}

static void skip_sign(const char **p)
{
    *p += **p == '+' || **p == '-';
}

static bool is_decimal(const char *p)
{
    size_t n;

    skip_sign(&p);
    n = skip_digits(&p);
    if (*p == '.') {
        p++;
        n += skip_digits(&p);
    }
    if (n && (*p == 'e' || *p == 'E')) {
        p++;
        skip_sign(&p);
        n = skip_digits(&p);
    }
    return n && !*p;
}

bool cril_number_read(const char *text, double *out)
{
    locale_t before;

    if (!text || !out || !is_decimal(text))
        return false;
    before = cril_c_locale_begin();
    *out = strtod(text, NULL);
    cril_c_locale_end(before);
    return true;
}

/* ---- writing ---- */

/*
 * The 16 digits above those that are nearest to v. Below a power of two doubles lie twice as close
 * as above it, so there the nearest decimal, from below, may be another double's while the next one
 * up is still v's. With 15 digits decimals are too far apart for that, with 17 always close enough.
 */
static bool next_up(char out[CRIL_NUMBER_SIZE], double v)
{
    char text[CRIL_NUMBER_SIZE];
    char *p;

    snprintf(text, sizeof(text), "%.15e", v);
    p = text + strcspn(text, "e");
    while (p > text && (*--p == '9' || *p == '.'))
        if (*p == '9')
            *p = '0';
    *p = (char)(*p + is_digit(*p));
    if (strtod(text, NULL) != v)
        return false;
    memcpy(out, text, sizeof(text));
    return true;
}

/* "1e-07" to "1e-7", "1e+20" to "1e20". */
static void trim_exponent(char *text)
{
    char *to = strchr(text, 'e');
    const char *from;

    if (!to)
        return;
    from = ++to;
    if (*from == '-')
        to++;
    from += strspn(from, "+-0");
    memmove(to, from, strlen(from) + 1);
}

const char *cril_number_write(char out[CRIL_NUMBER_SIZE], double v, int digits)
{
    enum { SAFE = 15 }; /* any decimal of so many digits survives a double */
    locale_t before;
    int n = fabs(v) < DBL_MIN ? 1 : SAFE; /* below, doubles have fewer digits themselves */

    if (!out)
        return NULL;
    digits = digits < 1 ? 1 : digits > CRIL_NUMBER_EXACT ? CRIL_NUMBER_EXACT : digits;
    n = n < digits ? n : digits;
    before = cril_c_locale_begin();

    snprintf(out, CRIL_NUMBER_SIZE, "%.*g", n, v);
    while (n < digits && strtod(out, NULL) != v && !(n == SAFE + 1 && next_up(out, v)))
        snprintf(out, CRIL_NUMBER_SIZE, "%.*g", ++n, v);
    cril_c_locale_end(before);
    trim_exponent(out);
    return out;
}

/* ---- JSON ---- */

static bool put_number(cril_json_filter *j)
{
    char text[CRIL_NUMBER_SIZE];
    double v;
    bool real;

    j->number[j->n] = '\0';
    j->n = 0;
    real = j->number[strcspn(j->number, ".eE")] != '\0' && cril_number_read(j->number, &v);
    if (!real)
        return fputs(j->number, j->file) >= 0;
    cril_number_write(text, v, CRIL_NUMBER_EXACT);
    return fputs(text, j->file) >= 0 && (text[strcspn(text, ".e")] || fputs(".0", j->file) >= 0);
}

/* Whether c goes on with a number, or starts one. */
static bool is_of_number(const cril_json_filter *j, char c)
{
    return is_digit(c) || c == '-' || (j->n && (c == '.' || c == 'e' || c == 'E' || c == '+'));
}

/* A byte of a text, written once its character is whole. */
static bool put_text(cril_json_filter *j, char c)
{
    const size_t n = ++j->n_character;
    uint32_t code;

    j->character[n - 1] = c;
    if (n < cril_utf8_width(j->character[0]))
        return true;
    j->n_character = 0;
    if (cril_text_show(j->character, n, false, NULL, 0) == n)
        return fwrite(j->character, 1, n, j->file) == n;
    cril_utf8_read(j->character, n, &code); /* hidden ones are all below U+10000 */
    return fprintf(j->file, "\\u%04" PRIx32, code) > 0;
}

static bool put_character(cril_json_filter *j, char c)
{
    if (j->in_text) {
        j->in_text = j->escaped || c != '"';
        j->escaped = !j->escaped && c == '\\';
        return put_text(j, c);
    } else if (is_of_number(j, c) && j->n < sizeof(j->number) - 1) {
        j->number[j->n++] = c;
        return true;
    } else {
        if (j->n && !put_number(j))
            return false;
        j->in_text = c == '"';
    }
    return putc(c, j->file) != EOF;
}

int cril_json_filter_put(const char *piece, size_t len, void *filter)
{
    if (!filter || !piece)
        return -1;
    for (size_t i = 0; i < len; i++)
        if (!put_character(filter, piece[i]))
            return -1;
    return 0;
}
