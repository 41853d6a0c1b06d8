/*
 * Source: Python reference, "String and Bytes literals". What repr() prints of a text: ' or "
 * around it, and the escapes \\ \' \" \n \r \t \xHH \uHHHH \UHHHHHHHH. Anything else (prefixes,
 * joined literals, nested lists, numbers with a fraction) is no such list.
 */
#include "tasks/python_list.h"

#include "tasks/str.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

struct reader {
    struct cril_bytes text;
    size_t at;
    bool no_memory;
};

static char peek(const struct reader *r)
{
    return r->at < r->text.len ? r->text.data[r->at] : '\0';
}

static void skip_blanks(struct reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\n')
        r->at++;
}

/* n hexadecimal digits. False: they are not there, or no code point. */
static bool read_code(struct reader *r, size_t n, struct cril_str *to)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_int32_t code = 0;

    for (size_t i = 0; i < n; i++, r->at++) {
        const char c = peek(r);
        static const char digits[] = "0123456789abcdef"; /* as repr() prints them */
        const char *const found = c ? strchr(digits, c) : NULL;

        if (!found || code > 0x10FFFF)
            return false;
        code = 16 * code + (int)(found - digits);
    }
    if (!utf8proc_codepoint_valid(code))
        return false;
    cril_str_append(
        to, (struct cril_bytes){(const char *)bytes, (size_t)utf8proc_encode_char(code, bytes)});
    return true;
}

static bool read_escape(struct reader *r, struct cril_str *to)
{
    static const char names[] = "\\'\"nrt", becomes[] = "\\'\"\n\r\t";
    const char c = peek(r);
    const char *const found = c ? strchr(names, c) : NULL;

    r->at++;
    if (found) {
        cril_str_append(to, (struct cril_bytes){becomes + (found - names), 1});
        return true;
    }
    return (c == 'x' && read_code(r, 2, to)) || (c == 'u' && read_code(r, 4, to)) ||
           (c == 'U' && read_code(r, 8, to));
}

static json_t *read_text(struct reader *r)
{
    const char quote = peek(r);
    struct cril_str text = {0};
    json_t *value = NULL;
    bool good = true;

    for (r->at++; good && r->at < r->text.len && peek(r) != quote;) {
        if (peek(r) == '\\') {
            r->at++;
            good = read_escape(r, &text);
        } else {
            good = peek(r) != '\n';
            cril_str_append(&text, (struct cril_bytes){r->text.data + r->at, 1});
            r->at++;
        }
    }
    if (good && r->at < r->text.len) {
        r->at++;
        if (text.failed || !(value = json_stringn(cril_str_bytes(&text).data, text.n)))
            r->no_memory = true;
    }
    cril_str_free(&text);
    return value;
}

static json_t *read_number(struct reader *r)
{
    const bool minus = peek(r) == '-';
    json_int_t n = 0;
    size_t digits = 0;

    r->at += minus;
    for (; peek(r) >= '0' && peek(r) <= '9' && digits < 18; r->at++, digits++)
        n = 10 * n + (peek(r) - '0');
    return digits ? json_integer(minus ? -n : n) : NULL;
}

static json_t *read_word(struct reader *r, const char *word, json_t *value)
{
    const size_t n = strlen(word);

    if (n > r->text.len - r->at || memcmp(r->text.data + r->at, word, n) != 0)
        return NULL;
    r->at += n;
    return value;
}

/* NULL: there is no value, or no memory. */
static json_t *read_value(struct reader *r)
{
    switch (peek(r)) {
    case '\'':
    case '"': return read_text(r);
    case 'T': return read_word(r, "True", json_true());
    case 'F': return read_word(r, "False", json_false());
    default: return read_number(r);
    }
}

static bool read_list(struct reader *r, json_t *list)
{
    r->at++;
    for (skip_blanks(r); peek(r) != ']'; skip_blanks(r)) {
        json_t *const value = read_value(r);

        if (!value)
            return false;
        if (json_array_append_new(list, value) != 0) {
            r->no_memory = true;
            return false;
        }
        skip_blanks(r);
        if (peek(r) == ',')
            r->at++;
        else if (peek(r) != ']')
            return false;
    }
    r->at++;
    return r->at == r->text.len;
}

bool cril_python_list(struct cril_bytes text, json_t **value)
{
    struct reader r = {.text = text};
    json_t *list;
    bool good;

    if (text.len < 2 || text.data[0] != '[' || text.data[text.len - 1] != ']')
        return true;
    list = json_array();
    r.no_memory = !list;
    good = list && read_list(&r, list);
    if (good || r.no_memory) {
        json_decref(*value);
        *value = r.no_memory ? NULL : list;
    }
    if (!good || r.no_memory)
        json_decref(list);
    return !r.no_memory;
}
