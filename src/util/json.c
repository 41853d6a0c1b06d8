/*
 * jansson refuses Infinity, NaN and integers beyond 64 bits, all of which Python's json module
 * writes and published models hold. They are replaced in a copy by something of the same length
 * that jansson accepts, so that columns in messages stay right. The same pass bounds the nesting.
 */
#include "util/json.h"

#include "util/fail.h"
#include "util/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Stands for infinity: within 1 % of the largest double, which no file needs. */
#define INFINITE 1.79e308
#define QUOTED(x) QUOTED_(x)
#define QUOTED_(x) #x

static const struct word {
    const char *is, *becomes;
} words[] = {{"Infinity", QUOTED(INFINITE)}, {"NaN", "\"\" "}};

_Static_assert(sizeof(QUOTED(INFINITE)) == sizeof("Infinity"), "of the same length");

struct scan {
    const char *data;
    char *copy; /* [len], made when something is to be replaced */
    size_t len;
};

static bool replace(struct scan *s, size_t at, const char *by, size_t n)
{
    if (!s->copy && (s->copy = malloc(s->len)))
        memcpy(s->copy, s->data, s->len);
    if (s->copy)
        memcpy(s->copy + at, by, n);
    return s->copy != NULL;
}

/* Behind the text that opens at `at`. */
static size_t skip_text(const struct scan *s, size_t at)
{
    for (at++; at < s->len && s->data[at] != '"'; at++)
        at += s->data[at] == '\\';
    return at + 1;
}

/* Whether n digits are more than 64 bits with a sign hold. */
static bool is_too_large(const char *digits, size_t n)
{
    static const char largest[] = "9223372036854775807";
    const size_t most = sizeof(largest) - 1;

    return n > most || (n == most && memcmp(digits, largest, n) > 0);
}

/* Moves *at behind the number there. One that is too large gets an exponent in place of its last
   two digits, of which no double keeps anything. */
static bool take_number(struct scan *s, size_t *at)
{
    const char *const first = s->data + *at;
    size_t n = 0, digits = 0;

    for (; *at + n < s->len && memchr("0123456789+-.eE", first[n], 15); n++)
        digits += first[n] >= '0' && first[n] <= '9';
    *at += n;
    return digits < n || !is_too_large(first, n) || replace(s, *at - 2, "e2", 2);
}

/* Moves *at behind the word or the byte there. */
static bool take_word(struct scan *s, size_t *at)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const size_t n = strlen(words[i].is);

        if (n <= s->len - *at && memcmp(s->data + *at, words[i].is, n) == 0) {
            *at += n;
            return replace(s, *at - n, words[i].becomes, n);
        }
    }
    ++*at;
    return true;
}

/* *at stops where the nesting is too deep, else at the end. False: out of memory. */
static bool scan(struct scan *s, size_t *at)
{
    size_t depth = 0;

    for (*at = 0; *at < s->len;) {
        const char c = s->data[*at];

        if (c == '"') {
            *at = skip_text(s, *at);
        } else if (c >= '0' && c <= '9') {
            if (!take_number(s, at))
                return false;
        } else {
            if ((c == '[' || c == '{') && ++depth > CRIL_JSON_MAX_DEPTH)
                return true;
            depth -= (c == ']' || c == '}') && depth;
            if (!take_word(s, at))
                return false;
        }
    }
    return true;
}

static size_t line_of(const struct scan *s, size_t at)
{
    size_t line = 1;

    for (size_t i = 0; i < at; i++)
        line += s->data[i] == '\n';
    return line;
}

bool cril_json_lacked_memory(const json_error_t *where)
{
    void *probe = malloc(1 << 16);
    const bool left = probe;

    free(probe);
    return !left || !where->text[0] || json_error_code(where) == json_error_out_of_memory;
}

static cril_status parse(const char *path, const struct scan *s, json_t **out, cril_error *err)
{
    const locale_t before = cril_c_locale_begin();
    json_error_t where;
    json_t *const root = json_loadb(s->copy ? s->copy : s->data, s->len,
                                    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);

    cril_c_locale_end(before);
    if (!root && cril_json_lacked_memory(&where))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    if (!root)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: line %d, column %d: is not JSON (%s); fetch the file again", path,
                         where.line, where.column, where.text);
    *out = root;
    return CRIL_OK;
}

cril_status cril_json_parse(const char *path, const uint8_t *data, size_t len, json_t **out,
                            cril_error *err)
{
    struct scan s = {.data = len ? (const char *)data : "", .len = len};
    cril_status st;
    size_t at;

    if (len > CRIL_JSON_MAX_BYTES)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: has %zu bytes of JSON, but cril reads at most %zu", path, len,
                         CRIL_JSON_MAX_BYTES);
    if (!scan(&s, &at))
        st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    else if (at < len)
        st = cril_fail(err, CRIL_ERR_UNSUPPORTED,
                       "%s: line %zu: more than %d arrays and objects lie in each other", path,
                       line_of(&s, at), CRIL_JSON_MAX_DEPTH);
    else
        st = parse(path, &s, out, err);
    free(s.copy);
    return st;
}

double cril_json_number(const json_t *value)
{
    const double x = json_number_value(value);

    return fabs(x) == INFINITE ? copysign(INFINITY, x) : x;
}
