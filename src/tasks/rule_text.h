/*
 * A text that an answer rule edits, step by step, as the rules' originals edit Python's str.
 *
 * A text that ran out of memory is `failed`: it stays empty, whatever is done with it, and the rule
 * says so once, at its end. Texts are well-formed UTF-8; every step keeps them so.
 */
#ifndef CRIL_TASKS_RULE_TEXT_H
#define CRIL_TASKS_RULE_TEXT_H

#include "util/bytes.h"

#include <cril/status.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty. Release with cril_rule_free. */
struct rule_text {
    char *data; /* [n] */
    size_t n, capacity;
    bool failed;
};

static inline struct cril_bytes cril_rule_bytes(const struct rule_text *t)
{
    return (struct cril_bytes){t->data ? t->data : "", t->n};
}

static inline struct cril_bytes cril_rule_part(struct cril_bytes text, size_t from, size_t to)
{
    return (struct cril_bytes){text.data + from, to - from};
}

/* Whether text begins with what ASCII says in any case, whatever the locale. */
bool cril_rule_starts_caseless(struct cril_bytes text, const char *lower);

void cril_rule_free(struct rule_text *t);                        /* leaves an empty one behind */
void cril_rule_set(struct rule_text *t, struct cril_bytes text); /* may be a part of t */
void cril_rule_append(struct rule_text *t, struct cril_bytes text);
void cril_rule_add(struct rule_text *t, const char *text);
/* t becomes what `from` is, which is left empty. */
void cril_rule_take(struct rule_text *t, struct rule_text *from);

/* str.replace, str.find, str.rfind. SIZE_MAX: not found. Needles are not empty. */
void cril_rule_replace(struct rule_text *t, const char *before, const char *after);
size_t cril_rule_find(struct cril_bytes text, size_t from, const char *needle);
size_t cril_rule_find_last(struct cril_bytes text, const char *needle);
/* Whether needle, of any length, is a part of text; linear in time. */
bool cril_rule_contains(struct cril_bytes text, struct cril_bytes needle);

/* Text up to the first of the stops, a list that ends with NULL. */
struct cril_bytes cril_rule_until(struct cril_bytes text, const char *const *stops);
/* What follows the last needle; the whole text where there is none. */
struct cril_bytes cril_rule_after_last(struct cril_bytes text, const char *needle);
/* The bytes of the code point at `at`; 0 at the end. */
size_t cril_rule_width(struct cril_bytes text, size_t at);
/* The code points of a text. */
size_t cril_rule_length(struct cril_bytes text);

/* ---- Fields ---- */

/* Sets t to the text of a field; ill-formed bytes become U+FFFD. An integer counts as its decimal
 * digits. *has: it is there; has NULL: it must be. CRIL_ERR_FORMAT names it. */
cril_status cril_rule_read(const json_t *in, const char *name, struct rule_text *t, bool *has,
                           cril_error *err);

/* The object that results are added to. */
struct rule_out {
    json_t *out;
    bool failed;
};

/* A name that is there keeps its value. value is taken; NULL: out of memory. */
void cril_rule_put(struct rule_out *o, const char *name, json_t *value);
void cril_rule_put_text(struct rule_out *o, const char *name, const struct rule_text *t);
void cril_rule_put_bytes(struct rule_out *o, const char *name, struct cril_bytes text);
void cril_rule_put_truth(struct rule_out *o, const char *name, bool value);

/* CRIL_ERR_NOMEM where the object or one of the texts [n] failed. */
cril_status cril_rule_finish(const struct rule_out *o, const struct rule_text *const *texts,
                             size_t n, cril_error *err);

#endif
