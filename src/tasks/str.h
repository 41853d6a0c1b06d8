/*
 * A text that grows and is edited as Python edits its str: prompts, programs, what answer rules
 * make of an answer.
 *
 * A text that ran out of memory is `failed`: it stays empty, whatever is done with it, and whoever
 * builds it asks once, at the end.
 */
#ifndef CRIL_TASKS_STR_H
#define CRIL_TASKS_STR_H

#include "util/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty. Release with cril_str_free. */
struct cril_str {
    char *data; /* [n] */
    size_t n, capacity;
    bool failed;
};

static inline struct cril_bytes cril_str_bytes(const struct cril_str *t)
{
    return (struct cril_bytes){t->data ? t->data : "", t->n};
}

static inline struct cril_bytes cril_str_part(struct cril_bytes text, size_t from, size_t to)
{
    return (struct cril_bytes){text.data + from, to - from};
}

void cril_str_free(struct cril_str *t);                        /* leaves an empty one behind */
void cril_str_set(struct cril_str *t, struct cril_bytes text); /* may be a part of t */
void cril_str_append(struct cril_str *t, struct cril_bytes text);
void cril_str_add(struct cril_str *t, const char *text);
void cril_str_append_between(struct cril_str *t, const char *before, struct cril_bytes text,
                             const char *after);
/* Appends text with U+FFFD in place of ill-formed bytes (util/utf8.h). */
void cril_str_append_repaired(struct cril_str *t, struct cril_bytes text);
/* t becomes what `from` is, which is left empty. */
void cril_str_take(struct cril_str *t, struct cril_str *from);

/* str.replace, str.find, str.rfind. SIZE_MAX: not found. Needles are not empty. */
void cril_str_replace(struct cril_str *t, const char *before, const char *after);
size_t cril_str_find(struct cril_bytes text, size_t from, const char *needle);
size_t cril_str_find_last(struct cril_bytes text, const char *needle);
/* Whether needle, of any length, is a part of text; linear in time. */
bool cril_str_contains(struct cril_bytes text, struct cril_bytes needle);

/* Whether text begins with `lower`, which is ASCII, in any case, whatever the locale. */
bool cril_str_starts_caseless(struct cril_bytes text, const char *lower);

/* Text up to the first of the stops, a list that ends with NULL. */
struct cril_bytes cril_str_until(struct cril_bytes text, const char *const *stops);
/* What follows the last needle; the whole text where there is none. */
struct cril_bytes cril_str_after_last(struct cril_bytes text, const char *needle);
/* The bytes of the code point at `at`; 0 at the end. */
size_t cril_str_width(struct cril_bytes text, size_t at);

#endif
