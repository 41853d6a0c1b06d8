#define _GNU_SOURCE /* memmem */
#include "tasks/str.h"

#include "util/size.h"
#include "util/utf8.h"

#include <stdlib.h>
#include <string.h>

/* ---- Texts ---- */

void cril_str_free(struct cril_str *t)
{
    free(t->data);
    *t = (struct cril_str){0};
}

static void fail(struct cril_str *t)
{
    cril_str_free(t);
    t->failed = true;
}

void cril_str_set(struct cril_str *t, struct cril_bytes text)
{
    if (t->data && text.data >= t->data && text.data + text.len <= t->data + t->n) {
        memmove(t->data, text.data, text.len);
        t->n = text.len;
        return;
    }
    t->n = 0;
    cril_str_append(t, text);
}

void cril_str_append(struct cril_str *t, struct cril_bytes text)
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

void cril_str_add(struct cril_str *t, const char *text)
{
    cril_str_append(t, cril_bytes_of(text));
}

void cril_str_append_between(struct cril_str *t, const char *before, struct cril_bytes text,
                             const char *after)
{
    cril_str_add(t, before);
    cril_str_append(t, text);
    cril_str_add(t, after);
}

void cril_str_append_repaired(struct cril_str *t, struct cril_bytes text)
{
    char *repaired = NULL;
    size_t n;

    if (cril_utf8_repair(text.data, text.len, &repaired, &n, NULL) != CRIL_OK)
        fail(t);
    else
        cril_str_append(t, repaired ? (struct cril_bytes){repaired, n} : text);
    free(repaired);
}

void cril_str_take(struct cril_str *t, struct cril_str *from)
{
    const bool failed = t->failed || from->failed;

    free(t->data);
    *t = *from;
    *from = (struct cril_str){0};
    if (failed)
        fail(t);
}

/* ---- Searching ---- */

bool cril_str_contains(struct cril_bytes text, struct cril_bytes needle)
{
    return !needle.len || memmem(text.data, text.len, needle.data, needle.len);
}

size_t cril_str_find(struct cril_bytes text, size_t from, const char *needle)
{
    const char *const at =
        from <= text.len ? memmem(text.data + from, text.len - from, needle, strlen(needle)) : NULL;

    return at ? (size_t)(at - text.data) : SIZE_MAX;
}

size_t cril_str_find_last(struct cril_bytes text, const char *needle)
{
    const size_t len = strlen(needle);

    for (size_t at = text.len; at >= len; at--)
        if (text.data[at - len] == *needle && !memcmp(text.data + at - len, needle, len))
            return at - len;
    return SIZE_MAX;
}

bool cril_str_starts_caseless(struct cril_bytes text, const char *lower)
{
    for (size_t i = 0; lower[i]; i++) {
        const char c = i < text.len ? text.data[i] : '\0';

        if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != lower[i])
            return false;
    }
    return true;
}

struct cril_bytes cril_str_until(struct cril_bytes text, const char *const *stops)
{
    for (; *stops; stops++) {
        const size_t at = cril_str_find(text, 0, *stops);

        if (at != SIZE_MAX)
            text.len = at;
    }
    return text;
}

struct cril_bytes cril_str_after_last(struct cril_bytes text, const char *needle)
{
    const size_t at = cril_str_find_last(text, needle);

    return at == SIZE_MAX ? text : cril_str_part(text, at + strlen(needle), text.len);
}

size_t cril_str_width(struct cril_bytes text, size_t at)
{
    uint32_t code;

    return at < text.len ? cril_utf8_read(text.data + at, text.len - at, &code) : 0;
}

static void replace_in_place(struct cril_str *t, const char *before, const char *after)
{
    const struct cril_bytes old = cril_str_bytes(t);
    const size_t width = strlen(after);
    size_t from = 0, n = 0, at;

    while ((at = cril_str_find(old, from, before)) != SIZE_MAX) {
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

static void replace_in_copy(struct cril_str *t, const char *before, const char *after)
{
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str copy = {0};
    size_t from = 0, at;

    for (; (at = cril_str_find(old, from, before)) != SIZE_MAX; from = at + strlen(before)) {
        cril_str_append(&copy, cril_str_part(old, from, at));
        cril_str_add(&copy, after);
    }
    if (!from)
        return;
    cril_str_append(&copy, cril_str_part(old, from, old.len));
    cril_str_take(t, &copy);
}

void cril_str_replace(struct cril_str *t, const char *before, const char *after)
{
    if (strlen(after) <= strlen(before))
        replace_in_place(t, before, after);
    else
        replace_in_copy(t, before, after);
}
