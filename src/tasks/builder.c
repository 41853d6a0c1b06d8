#include "tasks/builder.h"

#include "util/fail.h"
#include "util/hash.h"
#include "util/size.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool cril_builder_text(struct cril_builder *b, struct cril_bytes text, struct cril_bytes before,
                       struct cril_bytes *out)
{
    const char *copy = cril_bytes_same(text, before)
                           ? before.data
                           : cril_arena_text(&b->items->arena, text.data, text.len);

    *out = (struct cril_bytes){copy, copy ? text.len : 0};
    return copy;
}

bool cril_builder_joined(struct cril_builder *b, const char *prefix, struct cril_bytes text,
                         struct cril_bytes *out)
{
    const size_t n = strlen(prefix);
    size_t len, bytes;
    char *p;

    if (!cril_size_add(n, text.len, &len) || !cril_size_add(len, 1, &bytes) ||
        !(p = cril_arena_take(&b->items->arena, bytes, 1)))
        return false;
    memcpy(p, prefix, n);
    if (text.len)
        memcpy(p + n, text.data, text.len);
    *out = (struct cril_bytes){p, len};
    return true;
}

bool cril_builder_copy(struct cril_builder *b, const struct cril_str *t, struct cril_bytes *out)
{
    return !t->failed && cril_builder_joined(b, "", cril_str_bytes(t), out);
}

struct cril_item_choice *cril_builder_choices(struct cril_builder *b, size_t n)
{
    struct cril_item_choice *c = cril_arena_take(&b->items->arena, n, sizeof(*c));

    for (size_t i = 0; c && i < n; i++)
        c[i].reference_nats = NAN;
    return c;
}

bool cril_builder_texts(struct cril_builder *b, const json_t *value, const struct cril_bytes **out,
                        size_t *n)
{
    const size_t count = json_is_array(value) ? json_array_size(value) : 1;
    struct cril_bytes *list = cril_arena_take(&b->items->arena, count, sizeof(*list));

    for (size_t i = 0; list && i < count; i++) {
        const json_t *v = json_is_array(value) ? json_array_get(value, i) : value;

        if (!cril_builder_text(b, cril_json_text(v), (struct cril_bytes){0}, &list[i]))
            return false;
    }
    *out = list;
    *n = count;
    return list;
}

bool cril_builder_until(struct cril_builder *b, const char *const *until,
                        const struct cril_bytes **out, size_t *n)
{
    struct cril_bytes *list;

    for (*n = 0; until && until[*n];)
        ++*n;
    if (!(*out = list = cril_arena_take(&b->items->arena, *n + 1, sizeof(*list))))
        return false;
    for (size_t i = 0; i < *n; i++)
        if (!cril_builder_joined(b, until[i], (struct cril_bytes){0}, &list[i]))
            return false;
    return true;
}

bool cril_builder_own(struct cril_builder *b, json_t *value)
{
    if (b->items->owned || (b->items->owned = json_array()))
        return value && json_array_append_new(b->items->owned, value) == 0;
    json_decref(value);
    return false;
}

json_t *cril_builder_answers(struct cril_builder *b, const json_t *value)
{
    json_t *const texts = json_is_array(value) ? json_copy((json_t *)value) : json_array();
    json_t *answers = NULL;

    if (texts && (json_is_array(value) || json_array_append(texts, (json_t *)value) == 0))
        answers = json_pack("{s:O}", "references", texts);
    json_decref(texts);
    return cril_builder_own(b, answers) ? answers : NULL;
}

bool cril_builder_add(struct cril_builder *b, const struct cril_item *item)
{
    struct cril_items *const items = b->items;
    struct cril_item *const grown =
        cril_size_grow(items->item, &b->capacity, items->n, 1, sizeof(*grown));

    if (!grown)
        return false;
    items->item = grown;
    items->item[items->n++] = *item;
    return true;
}

/* ---- Hash ---- */

/* What goes into the hash; after a failure nothing does. */
struct hasher {
    struct cril_sha256 *h;
    cril_status status;
    cril_error *err;
};

static void put(struct hasher *o, const void *data, size_t len)
{
    if (o->status == CRIL_OK && len)
        o->status = cril_sha256_update(o->h, data, len, o->err);
}

static void put_number(struct hasher *o, const char *name, uint64_t n)
{
    char text[64];

    put(o, text, (size_t)snprintf(text, sizeof(text), "%.20s %" PRIu64 "\n", name, n));
}

/* Its length stands before a text, so that no two lists of texts look the same. */
static void put_text(struct hasher *o, const char *name, struct cril_bytes text)
{
    if (!text.data)
        return;
    put_number(o, name, text.len);
    put(o, text.data, text.len);
}

static void put_choices(struct hasher *o, const struct cril_item *item)
{
    for (size_t i = 0; i < item->n_choices; i++) {
        const struct cril_item_choice *c = &item->choices[i];

        put_text(o, "own", c->context);
        put_text(o, "choice", c->text);
        put_number(o, "characters", c->characters);
    }
}

static void put_item(struct hasher *o, const struct cril_item *item)
{
    const json_t *references = json_object_get(item->answers, "references"), *v;
    size_t i;

    put_number(o, "item", (uint64_t)item->kind);
    put_text(o, "subject", cril_bytes_of(item->subject));
    put_text(o, "context", item->context);
    put_choices(o, item);
    put_number(o, "gold", (uint64_t)(item->gold + 1));
    for (i = 0; i < item->n_until; i++)
        put_text(o, "until", item->until[i]);
    put_number(o, "tokens", item->max_tokens);
    put_text(o, "text", item->gold_text);
    put_text(o, "after", item->gold_context);
    json_array_foreach((json_t *)references, i, v) put_text(o, "answer", cril_json_text(v));
}

cril_status cril_builder_hash(const struct cril_items *items, struct cril_bytes about, char hex[65],
                              cril_error *err)
{
    struct hasher o = {.err = err};

    o.status = cril_sha256_create(&o.h, err);
    put_text(&o, "about", about);
    for (size_t i = 0; i < items->n; i++)
        put_item(&o, &items->item[i]);
    if (o.status == CRIL_OK)
        o.status = cril_sha256_final(o.h, hex, err);
    cril_sha256_free(o.h);
    return o.status;
}
