/*
 * Records as Python sees and prints them: see record.h.
 *
 * str() of a text is the text itself; within a list or an object it is repr(): quoted, and what is
 * not printable is escaped (Python reference, str.isprintable: Unicode categories Other and
 * Separator, but for the space). A number with a fraction or an exponent is a float, in the fewest
 * digits that read back, with an exponent below 1e-4 and from 1e16 on.
 */
#include "corpus/record.h"

#include "util/number.h"
#include "util/size.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Text is appended to `to`, which stays within max_bytes. */
struct printer {
    struct cril_buffer *to;
    size_t max_bytes;
};

static bool put(struct printer *p, const char *text, size_t len)
{
    struct cril_buffer *b = p->to;
    char *data;

    if (len > p->max_bytes || b->len > p->max_bytes - len ||
        !(data = cril_size_grow(b->data, &b->cap, b->len, len, 1)))
        return false;
    b->data = data;
    if (len)
        memcpy(data + b->len, text, len);
    b->len += len;
    return true;
}

static bool put_text(struct printer *p, const char *text)
{
    return put(p, text, strlen(text));
}

static bool is_printable(uint32_t code)
{
    const utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)code);

    return code == ' ' || !(c == UTF8PROC_CATEGORY_CN || c >= UTF8PROC_CATEGORY_ZS);
}

static bool put_escaped(struct printer *p, uint32_t code)
{
    char escape[12];

    switch (code) {
    case '\n': return put_text(p, "\\n");
    case '\r': return put_text(p, "\\r");
    case '\t': return put_text(p, "\\t");
    default:
        snprintf(escape, sizeof(escape),
                 code < 0x100     ? "\\x%02" PRIx32
                 : code < 0x10000 ? "\\u%04" PRIx32
                                  : "\\U%08" PRIx32,
                 code);
        return put_text(p, escape);
    }
}

/* Double quotes only around a text that has single ones and no double ones. */
static bool put_quoted(struct printer *p, const char *text, size_t len)
{
    const bool single = memchr(text, '\'', len) && !memchr(text, '"', len);
    const char quote = single ? '"' : '\'';
    bool ok = put(p, &quote, 1);

    for (size_t i = 0, n; ok && i < len; i += n) {
        uint32_t code;

        n = cril_utf8_read(text + i, len - i, &code);
        if (code == (uint8_t)quote || code == '\\')
            ok = put(p, "\\", 1) && put(p, text + i, n);
        else if (is_printable(code))
            ok = put(p, text + i, n);
        else
            ok = put_escaped(p, code);
    }
    return ok && put(p, &quote, 1);
}

/* A finite double: 0.DIGITS times ten to the power of `point`. */
struct decimal {
    char digits[CRIL_NUMBER_SIZE]; /* the fewest that read back, NUL-terminated */
    int n, point;
};

static void take_apart(double x, struct decimal *d)
{
    char text[CRIL_NUMBER_SIZE];
    bool fraction = false;

    *d = (struct decimal){0};
    for (const char *c = cril_number_write(text, x, CRIL_NUMBER_EXACT); *c; c++) {
        if (*c == 'e') {
            d->point += atoi(c + 1);
            break;
        }
        if (*c == '.')
            fraction = true;
        if (*c < '0' || *c > '9')
            continue;
        if (d->n || *c != '0') {
            d->digits[d->n++] = *c;
            d->point += !fraction;
        } else {
            d->point -= fraction;
        }
    }
    while (d->n && d->digits[d->n - 1] == '0')
        d->digits[--d->n] = '\0';
    if (!d->n) /* 0 itself */
        *d = (struct decimal){"0", 1, 1};
}

/* repr() of a finite float. */
static bool put_float(struct printer *p, double x)
{
    static const char zeros[] = "0000000000000000";
    struct decimal d;
    char text[64];
    int n;

    take_apart(x, &d);
    if (d.point < -3 || d.point > 16)
        n = snprintf(text, sizeof(text), "%.1s%s%se%+03d", d.digits, d.n > 1 ? "." : "",
                     d.digits + 1, d.point - 1);
    else if (d.point <= 0)
        n = snprintf(text, sizeof(text), "0.%.*s%s", -d.point, zeros, d.digits);
    else if (d.n <= d.point)
        n = snprintf(text, sizeof(text), "%s%.*s.0", d.digits, d.point - d.n, zeros);
    else
        n = snprintf(text, sizeof(text), "%.*s.%s", d.point, d.digits, d.digits + d.point);
    return (!signbit(x) || put(p, "-", 1)) && put(p, text, (size_t)n);
}

static bool put_value(struct printer *p, const json_t *v, bool nested);

static bool put_object(struct printer *p, const json_t *v)
{
    bool ok = put(p, "{", 1), first = true;

    /* jansson's iterators take an object that is not const, and do not change it */
    for (void *i = json_object_iter((json_t *)v); ok && i;
         i = json_object_iter_next((json_t *)v, i)) {
        const char *key = json_object_iter_key(i);

        ok = (first || put_text(p, ", ")) && put_quoted(p, key, strlen(key)) && put_text(p, ": ") &&
             put_value(p, json_object_iter_value(i), true);
        first = false;
    }
    return ok && put(p, "}", 1);
}

static bool put_list(struct printer *p, const json_t *v)
{
    bool ok = put(p, "[", 1);

    for (size_t i = 0; ok && i < json_array_size(v); i++)
        ok = (i == 0 || put_text(p, ", ")) && put_value(p, json_array_get(v, i), true);
    return ok && put(p, "]", 1);
}

static bool put_value(struct printer *p, const json_t *v, bool nested)
{
    char number[24];

    switch (json_typeof(v)) {
    case JSON_OBJECT: return put_object(p, v);
    case JSON_ARRAY: return put_list(p, v);
    case JSON_STRING:
        return nested ? put_quoted(p, json_string_value(v), json_string_length(v))
                      : put(p, json_string_value(v), json_string_length(v));
    case JSON_INTEGER:
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        return put_text(p, number);
    case JSON_REAL: return put_float(p, json_real_value(v));
    case JSON_TRUE: return put_text(p, "True");
    case JSON_FALSE: return put_text(p, "False");
    case JSON_NULL: break;
    }
    return put_text(p, "None");
}

bool cril_record_print(const json_t *value, struct cril_buffer *to, size_t max_bytes)
{
    return put_value(&(struct printer){to, max_bytes}, value, false);
}

/* The first "{KEY}" in text; NULL: none. */
static const char *find_slot(const char *text, size_t len, const char *key)
{
    const size_t n = strlen(key);

    for (const char *p = text, *end = text + len; (p = memchr(p, '{', (size_t)(end - p))); p++)
        if ((size_t)(end - p) >= n + 2 && memcmp(p + 1, key, n) == 0 && p[n + 1] == '}')
            return p;
    return NULL;
}

static bool replace(struct cril_buffer *text, const char *key, const json_t *value,
                    size_t max_bytes)
{
    const char *at = text->data, *slot = find_slot(at, text->len, key);
    struct cril_buffer as = {0}, out = {0};
    struct printer p = {&out, max_bytes};
    bool ok;

    if (!slot)
        return true;
    ok = cril_record_print(value, &as, max_bytes);
    for (const char *end = at + text->len; ok; slot = find_slot(at, (size_t)(end - at), key)) {
        ok = put(&p, at, (size_t)((slot ? slot : end) - at));
        if (!slot)
            break;
        ok = ok && put(&p, as.data, as.len);
        at = slot + strlen(key) + 2;
    }
    free(as.data);
    if (!ok) {
        free(out.data);
        return false;
    }
    free(text->data);
    *text = out;
    return true;
}

bool cril_record_fill(const json_t *record, const char *field, struct cril_buffer *text,
                      size_t max_bytes)
{
    void *i = json_object_iter_at((json_t *)record, field);

    while (i && (i = json_object_iter_next((json_t *)record, i)))
        if (!replace(text, json_object_iter_key(i), json_object_iter_value(i), max_bytes))
            return false;
    return true;
}
