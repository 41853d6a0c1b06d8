#define _GNU_SOURCE /* memmem */
#include "tasks/rule_text.h"

#include "util/fail.h"
#include "util/size.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Texts ---- */

void cril_rule_free(struct rule_text *t)
{
    free(t->data);
    *t = (struct rule_text){0};
}

static void fail(struct rule_text *t)
{
    cril_rule_free(t);
    t->failed = true;
}

void cril_rule_set(struct rule_text *t, struct cril_bytes text)
{
    if (t->data && text.data >= t->data && text.data + text.len <= t->data + t->n) {
        memmove(t->data, text.data, text.len);
        t->n = text.len;
        return;
    }
    t->n = 0;
    cril_rule_append(t, text);
}

void cril_rule_append(struct rule_text *t, struct cril_bytes text)
{
    char *grown;

    if (t->failed || !text.len)
        return;
    if (!(grown = cril_size_grow(t->data, &t->capacity, t->n, text.len, 1))) {
        fail(t);
        return;
    }
    t->data = grown;
    memcpy(grown + t->n, text.data, text.len);
    t->n += text.len;
}

void cril_rule_add(struct rule_text *t, const char *text)
{
    cril_rule_append(t, cril_bytes_of(text));
}

void cril_rule_take(struct rule_text *t, struct rule_text *from)
{
    const bool failed = t->failed || from->failed;

    free(t->data);
    *t = *from;
    *from = (struct rule_text){0};
    if (failed)
        fail(t);
}

/* ---- Searching ---- */

bool cril_rule_contains(struct cril_bytes text, struct cril_bytes needle)
{
    return !needle.len || memmem(text.data, text.len, needle.data, needle.len);
}

size_t cril_rule_find(struct cril_bytes text, size_t from, const char *needle)
{
    const char *const at =
        from <= text.len ? memmem(text.data + from, text.len - from, needle, strlen(needle)) : NULL;

    return at ? (size_t)(at - text.data) : SIZE_MAX;
}

size_t cril_rule_find_last(struct cril_bytes text, const char *needle)
{
    const size_t len = strlen(needle);

    for (size_t at = text.len; at >= len; at--)
        if (text.data[at - len] == *needle && !memcmp(text.data + at - len, needle, len))
            return at - len;
    return SIZE_MAX;
}

bool cril_rule_starts_caseless(struct cril_bytes text, const char *lower)
{
    for (size_t i = 0; lower[i]; i++) {
        const char c = i < text.len ? text.data[i] : '\0';

        if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != lower[i])
            return false;
    }
    return true;
}

struct cril_bytes cril_rule_until(struct cril_bytes text, const char *const *stops)
{
    for (; *stops; stops++) {
        const size_t at = cril_rule_find(text, 0, *stops);

        if (at != SIZE_MAX)
            text.len = at;
    }
    return text;
}

struct cril_bytes cril_rule_after_last(struct cril_bytes text, const char *needle)
{
    const size_t at = cril_rule_find_last(text, needle);

    return at == SIZE_MAX ? text : cril_rule_part(text, at + strlen(needle), text.len);
}

size_t cril_rule_width(struct cril_bytes text, size_t at)
{
    uint32_t code;

    return at < text.len ? cril_utf8_read(text.data + at, text.len - at, &code) : 0;
}

size_t cril_rule_length(struct cril_bytes text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += ((uint8_t)text.data[i] & 0xc0) != 0x80;
    return n;
}

static void replace_in_place(struct rule_text *t, const char *before, const char *after)
{
    const struct cril_bytes old = cril_rule_bytes(t);
    const size_t width = strlen(after);
    size_t from = 0, n = 0, at;

    while ((at = cril_rule_find(old, from, before)) != SIZE_MAX) {
        memmove(t->data + n, old.data + from, at - from);
        n += at - from;
        memcpy(t->data + n, after, width);
        n += width;
        from = at + strlen(before);
    }
    if (from) {
        memmove(t->data + n, old.data + from, old.len - from);
        t->n = n + old.len - from;
    }
}

static void replace_in_copy(struct rule_text *t, const char *before, const char *after)
{
    const struct cril_bytes old = cril_rule_bytes(t);
    struct rule_text copy = {0};
    size_t from = 0, at;

    for (; (at = cril_rule_find(old, from, before)) != SIZE_MAX; from = at + strlen(before)) {
        cril_rule_append(&copy, cril_rule_part(old, from, at));
        cril_rule_add(&copy, after);
    }
    if (!from)
        return;
    cril_rule_append(&copy, cril_rule_part(old, from, old.len));
    cril_rule_take(t, &copy);
}

void cril_rule_replace(struct rule_text *t, const char *before, const char *after)
{
    if (strlen(after) <= strlen(before))
        replace_in_place(t, before, after);
    else
        replace_in_copy(t, before, after);
}

/* ---- Fields ---- */

static cril_status read_text(const json_t *value, const char *name, struct rule_text *t,
                             cril_error *err)
{
    const struct cril_bytes text = {json_string_value(value), json_string_length(value)};
    char *repaired;
    size_t n;
    cril_status st;

    if (!text.data)
        return cril_fail(err, CRIL_ERR_FORMAT, "the field \"%s\" is no text", name);
    if ((st = cril_utf8_repair(text.data, text.len, &repaired, &n, err)) != CRIL_OK)
        return st;
    cril_rule_set(t, repaired ? (struct cril_bytes){repaired, n} : text);
    free(repaired);
    return CRIL_OK;
}

cril_status cril_rule_read(const json_t *in, const char *name, struct rule_text *t, bool *has,
                           cril_error *err)
{
    const json_t *const value = json_object_get(in, name);
    char digits[32];

    if (has)
        *has = value;
    if (!value && !has)
        return cril_fail(err, CRIL_ERR_FORMAT, "the field \"%s\" is missing", name);
    if (!value)
        return CRIL_OK;
    if (!json_is_integer(value))
        return read_text(value, name, t, err);
    snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    cril_rule_set(t, cril_bytes_of(digits));
    return CRIL_OK;
}

void cril_rule_put(struct rule_out *o, const char *name, json_t *value)
{
    if (json_object_get(o->out, name))
        json_decref(value);
    else if (!value || json_object_set_new(o->out, name, value))
        o->failed = true;
}

void cril_rule_put_bytes(struct rule_out *o, const char *name, struct cril_bytes text)
{
    cril_rule_put(o, name, json_stringn(text.data, text.len));
}

void cril_rule_put_text(struct rule_out *o, const char *name, const struct rule_text *t)
{
    cril_rule_put_bytes(o, name, cril_rule_bytes(t));
}

void cril_rule_put_truth(struct rule_out *o, const char *name, bool value)
{
    cril_rule_put(o, name, json_boolean(value));
}

cril_status cril_rule_finish(const struct rule_out *o, const struct rule_text *const *texts,
                             size_t n, cril_error *err)
{
    bool failed = o->failed;

    for (size_t i = 0; i < n; i++)
        failed = failed || texts[i]->failed;
    return failed ? cril_fail(err, CRIL_ERR_NOMEM, "out of memory") : CRIL_OK;
}
