#include "tasks/python_text.h"

#include "util/utf8.h"

#include <utf8proc.h>

enum { MAX_INT_DIGITS = 4300 }; /* sys.int_info.default_max_str_digits */

struct range {
    uint32_t first, last;
};

#define IN(ranges, code) in_ranges(ranges, sizeof(ranges) / sizeof((ranges)[0]), code)

static bool in_ranges(const struct range *r, size_t n, uint32_t code)
{
    for (size_t i = 0; i < n && code >= r[i].first; i++)
        if (code <= r[i].last)
            return true;
    return false;
}

static utf8proc_category_t category(uint32_t code)
{
    return code < 0x110000 ? utf8proc_category((utf8proc_int32_t)code) : UTF8PROC_CATEGORY_CN;
}

/* ---- Characters ---- */

static bool is_ascii_letter(uint32_t code)
{
    return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

bool cril_python_is_word(uint32_t code)
{
    if (code < 0x80)
        return is_ascii_letter(code) || (code >= '0' && code <= '9') || code == '_';
    switch (category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return true;
    default: return false;
    }
}

/* Digits of a script lie in tens that start at its zero; where tens follow each other, such as the
 * mathematical ones, the first begins with a zero. */
int cril_python_decimal(uint32_t code)
{
    uint32_t zero = code;

    if (code < 0x80)
        return code >= '0' && code <= '9' ? (int)(code - '0') : -1;
    if (category(code) != UTF8PROC_CATEGORY_ND)
        return -1;
    while (category(zero - 1) == UTF8PROC_CATEGORY_ND)
        zero--;
    return (int)((code - zero) % 10);
}

/* Those of Numeric_Type Digit. */
bool cril_python_is_digit(uint32_t code)
{
    static const struct range digits[] = {
        {0xb2, 0xb3},       {0xb9, 0xb9},       {0x1369, 0x1371},   {0x19da, 0x19da},
        {0x2070, 0x2070},   {0x2074, 0x2079},   {0x2080, 0x2089},   {0x2460, 0x2468},
        {0x2474, 0x247c},   {0x2488, 0x2490},   {0x24ea, 0x24ea},   {0x24f5, 0x24fd},
        {0x24ff, 0x24ff},   {0x2776, 0x277e},   {0x2780, 0x2788},   {0x278a, 0x2792},
        {0x10a40, 0x10a43}, {0x10e60, 0x10e68}, {0x11052, 0x1105a}, {0x1f100, 0x1f10a}};

    return category(code) == UTF8PROC_CATEGORY_ND || IN(digits, code);
}

/* Capitals that are no letters: Roman numerals, letters in circles and squares. */
static const struct range other_upper[] = {
    {0x2160, 0x216f}, {0x24b6, 0x24cf}, {0x1f130, 0x1f149}, {0x1f150, 0x1f169}, {0x1f170, 0x1f189}};

bool cril_python_is_upper(uint32_t code)
{
    return category(code) == UTF8PROC_CATEGORY_LU || IN(other_upper, code);
}

/* ---- Reading ---- */

struct cril_bytes cril_python_strip(struct cril_bytes text)
{
    uint32_t code;

    while (text.len) {
        const size_t start = cril_utf8_read_back(text.data, text.len, &code);

        if (!cril_python_is_space(code))
            break;
        text.len = start;
    }
    while (text.len) {
        const size_t n = cril_utf8_read(text.data, text.len, &code);

        if (!cril_python_is_space(code))
            break;
        text = cril_str_part(text, n, text.len);
    }
    return text;
}

bool cril_python_next_word(struct cril_bytes text, size_t from, size_t *start, size_t *end)
{
    uint32_t code;
    size_t n = 0;
    bool inside = false;

    for (; from < text.len; from += n) {
        n = cril_utf8_read(text.data + from, text.len - from, &code);
        if (cril_python_is_word(code) == inside)
            continue;
        *(inside ? end : start) = from;
        if (inside)
            return true;
        inside = true;
    }
    *end = text.len;
    return inside;
}

size_t cril_python_digits_end(struct cril_bytes text, size_t at)
{
    uint32_t code;

    while (at < text.len) {
        const size_t n = cril_utf8_read(text.data + at, text.len - at, &code);

        if (cril_python_decimal(code) < 0)
            break;
        at += n;
    }
    return at;
}

/* ---- Lower case ---- */

/* Case_Ignorable, Unicode 3.13, D136. */
static bool is_case_ignorable(uint32_t code)
{
    static const struct range marks[] = {
        {'\'', '\''},     {'.', '.'},       {':', ':'},       {0xb7, 0xb7},
        {0x387, 0x387},   {0x55f, 0x55f},   {0x5f4, 0x5f4},   {0x2018, 0x2019},
        {0x2024, 0x2024}, {0x2027, 0x2027}, {0xfe13, 0xfe13}, {0xfe52, 0xfe52},
        {0xfe55, 0xfe55}, {0xff07, 0xff07}, {0xff0e, 0xff0e}, {0xff1a, 0xff1a}};

    switch (category(code)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: return IN(marks, code);
    }
}

/* Cased, D135, of what is not ignorable. */
static bool is_cased(uint32_t code)
{
    static const struct range other_lower[] = {
        {0xaa, 0xaa}, {0xba, 0xba}, {0x2170, 0x217f}, {0x24d0, 0x24e9}};

    switch (category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT: return true;
    default: return IN(other_lower, code) || IN(other_upper, code);
    }
}

/* Whether the sigma that ends at `end` ends a word: a cased letter lies before it and none behind
 * it, what is ignorable left out. cased: the last code point before it that is not ignorable is
 * cased.
 */
static bool ends_word(struct cril_bytes text, size_t end, bool cased)
{
    uint32_t code;

    if (!cased)
        return false;
    while (end < text.len) {
        end += cril_utf8_read(text.data + end, text.len - end, &code);
        if (!is_case_ignorable(code))
            return !is_cased(code);
    }
    return true;
}

/* A text of ASCII has no sigma. */
static bool lower_ascii(struct cril_str *t)
{
    for (size_t i = 0; i < t->n; i++)
        if ((uint8_t)t->data[i] >= 0x80)
            return false;
    for (size_t i = 0; i < t->n; i++)
        if (t->data[i] >= 'A' && t->data[i] <= 'Z')
            t->data[i] = (char)(t->data[i] + ('a' - 'A'));
    return true;
}

static void add_code(struct cril_str *t, uint32_t code)
{
    utf8proc_uint8_t bytes[4];
    const utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)code, bytes);

    cril_str_append(t, (struct cril_bytes){(const char *)bytes, (size_t)n});
}

void cril_python_lower(struct cril_str *t)
{
    enum { SIGMA = 0x3a3, SMALL_SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2, DOTTED_I = 0x130, DOT = 0x307 };
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str lower = {0};
    bool cased = false;
    uint32_t code;

    if (lower_ascii(t))
        return;
    for (size_t i = 0, n; i < old.len; i += n) {
        n = cril_utf8_read(old.data + i, old.len - i, &code);
        if (code == SIGMA) {
            add_code(&lower, ends_word(old, i + n, cased) ? FINAL_SIGMA : SMALL_SIGMA);
        } else if (code == DOTTED_I) {
            add_code(&lower, 'i');
            add_code(&lower, DOT);
        } else {
            add_code(&lower, (uint32_t)utf8proc_tolower((utf8proc_int32_t)code));
        }
        if (!is_case_ignorable(code))
            cased = is_cased(code);
    }
    cril_str_take(t, &lower);
}

/* ---- Integers ---- */

/* Digits with single '_' between them; returns how many, 0: it is not that. */
static size_t count_digits(struct cril_bytes text)
{
    size_t digits = 0;
    bool after_digit = false;
    uint32_t code;

    for (size_t i = 0; i < text.len;) {
        i += cril_utf8_read(text.data + i, text.len - i, &code);
        if (code == '_' && after_digit) {
            after_digit = false;
            continue;
        }
        if (cril_python_decimal(code) < 0)
            return 0;
        after_digit = true;
        digits++;
    }
    return after_digit ? digits : 0;
}

static bool is_canonical(struct cril_bytes text)
{
    const size_t minus = text.len && *text.data == '-';

    if (text.len == minus || (text.data[minus] == '0' && text.len > 1))
        return false;
    for (size_t i = minus; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

bool cril_python_is_integer(struct cril_bytes text, bool *canonical)
{
    struct cril_bytes digits = cril_python_strip(text);
    size_t n;

    *canonical = is_canonical(text);
    for (char c = 0x1c; c <= 0x1f; c++) /* which int() does not strip, unlike str.strip() */
        if (text.len && memchr(text.data, c, text.len))
            return false;
    if (digits.len && (*digits.data == '-' || *digits.data == '+'))
        digits = cril_str_part(digits, 1, digits.len);
    n = count_digits(digits);
    return n && n <= MAX_INT_DIGITS;
}
