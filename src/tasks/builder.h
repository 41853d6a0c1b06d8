/*
 * Items, put together one by one: of the tasks' data, of requests, of task files. Texts are copied.
 * Functions that return false lacked memory; what was built so far is released with the items.
 */
#ifndef CRIL_TASKS_BUILDER_H
#define CRIL_TASKS_BUILDER_H

#include "tasks/item.h"
#include "tasks/str.h"
#include "util/json.h"

#include <cril/corpus.h>
#include <stdbool.h>

struct cril_builder {
    struct cril_items *items;
    size_t capacity; /* of items->item */
};

/* A copy of text; where text is what `before` is, before itself. */
bool cril_builder_text(struct cril_builder *b, struct cril_bytes text, struct cril_bytes before,
                       struct cril_bytes *out);
/* A copy of prefix and text, with a NUL behind. */
bool cril_builder_joined(struct cril_builder *b, const char *prefix, struct cril_bytes text,
                         struct cril_bytes *out);
/* A copy of t, with a NUL behind. */
bool cril_builder_copy(struct cril_builder *b, const struct cril_str *t, struct cril_bytes *out);
/* [n] without texts, their reference_nats NaN. */
struct cril_item_choice *cril_builder_choices(struct cril_builder *b, size_t n);
/* A text, or a list of texts, as *out [*n]. value is one of the two. */
bool cril_builder_texts(struct cril_builder *b, const json_t *value, const struct cril_bytes **out,
                        size_t *n);
/* Stops, a list that ends with NULL or is NULL, as *out [*n]. */
bool cril_builder_until(struct cril_builder *b, const char *const *until,
                        const struct cril_bytes **out, size_t *n);
/* {"references": [...]} of a text or a list of texts. NULL: no memory. */
json_t *cril_builder_answers(struct cril_builder *b, const json_t *value);
/* value is the items' from here on; NULL: there was no memory for it. */
bool cril_builder_own(struct cril_builder *b, json_t *value);
bool cril_builder_add(struct cril_builder *b, const struct cril_item *item);

/* Code points of a text. */
static inline size_t cril_builder_points(struct cril_bytes text)
{
    return (size_t)cril_count_characters(text.data, text.len);
}

/*
 * SHA-256 of `about` and of all that decides over what the items give: kinds, contexts, choices and
 * their lengths, stops, right answers. Not of what other programs found.
 */
cril_status cril_builder_hash(const struct cril_items *items, struct cril_bytes about, char hex[65],
                              cril_error *err);

#endif
