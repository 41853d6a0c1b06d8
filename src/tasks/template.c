#include "tasks/template.h"

#include "corpus/record.h"
#include "tasks/python_text.h"
#include "util/fail.h"
#include "util/json.h"

#include <stdint.h>
#include <stdlib.h>

enum { MAX_PRINTED = 1 << 20 }; /* bytes of a number's text: none comes near */

enum step_kind { STEP_KEY, STEP_PLACE, STEP_EACH };

struct step {
    struct step *next;
    enum step_kind kind;
    const char *key;
    size_t place;
};

enum filter_kind {
    FILTER_STRIP,
    FILTER_BEFORE,
    FILTER_AFTER,
    FILTER_BEFORE_LAST,
    FILTER_AFTER_LAST
};

static const struct filter_name {
    const char *name;
    enum filter_kind kind;
    bool has_mark;
} filter_names[] = {
    {"strip", FILTER_STRIP, false},          {"before", FILTER_BEFORE, true},
    {"after", FILTER_AFTER, true},           {"before_last", FILTER_BEFORE_LAST, true},
    {"after_last", FILTER_AFTER_LAST, true},
};

struct filter {
    struct filter *next;
    enum filter_kind kind;
    const char *mark;
};

/* A text between slots, or a slot. */
struct cril_template_part {
    struct cril_bytes text; /* of a slot: as written, without braces */
    bool is_slot;
    struct step *steps;
    struct filter *filters;
};

/* ---- Parsing ---- */

struct parser {
    struct cril_arena *arena;
    cril_error *err;
};

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
}

static cril_status wrong(const struct parser *p, struct cril_bytes slot, const char *what)
{
    return cril_fail(p->err, CRIL_ERR_RANGE, "{%.*s}: %s", CRIL_SHOWN(slot), what);
}

static cril_status add_step(const struct parser *p, struct step ***last, enum step_kind kind,
                            struct cril_bytes key, size_t place)
{
    struct step *const s = cril_arena_take(p->arena, 1, sizeof(*s));

    if (!s || !(s->key = cril_arena_text(p->arena, key.data, key.len)))
        return no_memory(p->err);
    s->kind = kind;
    s->place = place;
    **last = s;
    *last = &s->next;
    return CRIL_OK;
}

/* "[3]" or "[]" at *at of the path. */
static cril_status read_index(const struct parser *p, struct cril_bytes slot, size_t *at,
                              struct step ***last)
{
    size_t place = 0, digits = 0;

    for (++*at; *at < slot.len && slot.data[*at] >= '0' && slot.data[*at] <= '9'; ++*at) {
        if (++digits > 9)
            return wrong(p, slot, "the place in [ ] has more than 9 digits");
        place = 10 * place + (size_t)(slot.data[*at] - '0');
    }
    if (*at == slot.len || slot.data[*at] != ']')
        return wrong(p, slot, "[ ] holds the place of an element, from 0, or nothing for each one");
    ++*at;
    return add_step(p, last, digits ? STEP_PLACE : STEP_EACH, cril_bytes_of(""), place);
}

/* The path of the slot, up to `end`. */
static cril_status read_path(const struct parser *p, struct cril_bytes slot, size_t end,
                             struct cril_template_part *part)
{
    const struct cril_bytes path = {slot.data, end};
    struct step **last = &part->steps;
    cril_status st = CRIL_OK;
    size_t at = 0;

    do {
        const size_t from = at;

        while (at < end && !strchr(".[]", path.data[at]))
            at++;
        if (at == from)
            return wrong(p, slot, "the name of a field is missing");
        st = add_step(p, &last, STEP_KEY, (struct cril_bytes){path.data + from, at - from}, 0);
        while (st == CRIL_OK && at < end && path.data[at] == '[')
            st = read_index(p, path, &at, &last);
        if (st != CRIL_OK)
            return st;
        if (at < end && path.data[at] != '.')
            return wrong(p, slot, "a field's name is followed by '.', '[', '|' or the end");
    } while (at++ < end);
    return CRIL_OK;
}

/* "name" or "name:mark". */
static cril_status read_filter(const struct parser *p, struct cril_bytes slot,
                               struct cril_bytes text, struct filter **out)
{
    const char *const colon = memchr(text.data, ':', text.len);
    const struct cril_bytes name = {text.data, colon ? (size_t)(colon - text.data) : text.len};
    const struct filter_name *known = NULL;

    for (size_t i = 0; i < sizeof(filter_names) / sizeof(filter_names[0]); i++)
        if (cril_bytes_are(name, filter_names[i].name))
            known = &filter_names[i];
    if (!known)
        return wrong(p, slot,
                     "behind '|' stands one of strip, before:TEXT, after:TEXT, before_last:TEXT, "
                     "after_last:TEXT");
    if (known->has_mark != (colon && name.len + 1 < text.len))
        return wrong(p, slot,
                     known->has_mark ? "before and after need a text, such as before:_"
                                     : "strip takes no text");
    if (!(*out = cril_arena_take(p->arena, 1, sizeof(**out))) ||
        (colon && !((*out)->mark = cril_arena_text(p->arena, colon + 1, text.len - name.len - 1))))
        return no_memory(p->err);
    (*out)->kind = known->kind;
    return CRIL_OK;
}

static cril_status read_slot(const struct parser *p, struct cril_bytes slot,
                             struct cril_template_part *part)
{
    const char *bar = memchr(slot.data, '|', slot.len);
    struct filter **last = &part->filters;
    size_t at = bar ? (size_t)(bar - slot.data) : slot.len;
    cril_status st = read_path(p, slot, at, part);

    part->is_slot = true;
    part->text = slot;
    while (st == CRIL_OK && at < slot.len) {
        const size_t from = ++at;

        bar = memchr(slot.data + at, '|', slot.len - at);
        at = bar ? (size_t)(bar - slot.data) : slot.len;
        st = read_filter(p, slot, (struct cril_bytes){slot.data + from, at - from}, last);
        if (st == CRIL_OK)
            last = &(*last)->next;
    }
    return st;
}

/* The next part of source at *at, not at its end. */
static cril_status read_part(const struct parser *p, const char *source, size_t *at,
                             struct cril_template_part *part)
{
    const char *const s = source + *at;
    const char *end;

    if ((s[0] == '{' || s[0] == '}') && s[1] == s[0]) {
        part->text = (struct cril_bytes){s, 1};
        *at += 2;
        return CRIL_OK;
    }
    if (*s == '}')
        return cril_fail(p->err, CRIL_ERR_RANGE, "a '}' closes nothing; write }} for the brace");
    if (*s != '{') {
        part->text = (struct cril_bytes){s, strcspn(s, "{}")};
        *at += part->text.len;
        return CRIL_OK;
    }
    if (!(end = strchr(s, '}')))
        return cril_fail(p->err, CRIL_ERR_RANGE,
                         "a '{' is not closed; write {{ for the brace itself");
    *at += (size_t)(end - s) + 1;
    return read_slot(p, (struct cril_bytes){s + 1, (size_t)(end - s) - 1}, part);
}

cril_status cril_template_parse(const char *source, struct cril_arena *a, struct cril_template *out,
                                cril_error *err)
{
    const struct parser p = {a, err};
    struct cril_template t = {.source = source};
    cril_status st = CRIL_OK;

    if (!(t.parts = cril_arena_take(a, strlen(source) + 1, sizeof(*t.parts)))) /* at most */
        return no_memory(err);
    for (size_t at = 0; st == CRIL_OK && source[at]; t.n++)
        st = read_part(&p, source, &at, &t.parts[t.n]);
    if (st == CRIL_OK)
        *out = t;
    return st;
}

/* ---- Filling ---- */

struct filling {
    const struct cril_template_part *slot;
    json_t *list;        /* texts are appended to it; NULL: */
    struct cril_str *to; /* the text is */
    cril_error *err;
};

static cril_status unfit(const struct filling *f, const char *what)
{
    return cril_fail(f->err, CRIL_ERR_FORMAT, "{%.*s}: %s", CRIL_SHOWN(f->slot->text), what);
}

/* Where mark stands first or last in s; false: nowhere. */
static bool find_mark(struct cril_bytes s, const char *mark, bool last, size_t *at)
{
    const size_t n = strlen(mark);
    bool found = false;

    for (size_t i = 0; i + n <= s.len && !(found && !last); i++)
        if (!memcmp(s.data + i, mark, n)) {
            *at = i;
            found = true;
        }
    return found;
}

static cril_status apply(const struct filling *f, const struct filter *by, struct cril_bytes *s)
{
    const bool last = by->kind == FILTER_BEFORE_LAST || by->kind == FILTER_AFTER_LAST;
    const bool before = by->kind == FILTER_BEFORE || by->kind == FILTER_BEFORE_LAST;
    size_t at = 0;

    if (by->kind == FILTER_STRIP) {
        *s = cril_python_strip(*s);
        return CRIL_OK;
    }
    if (find_mark(*s, by->mark, last, &at)) {
        const size_t behind = at + strlen(by->mark);

        *s = before ? (struct cril_bytes){s->data, at}
                    : (struct cril_bytes){s->data + behind, s->len - behind};
        return CRIL_OK;
    }
    if (!last)
        return cril_fail(f->err, CRIL_ERR_FORMAT, "{%.*s}: \"%.40s\" is not in the text",
                         CRIL_SHOWN(f->slot->text), by->mark);
    if (before) /* all of it is the last part */
        s->len = 0;
    return CRIL_OK;
}

static cril_status put(const struct filling *f, struct cril_bytes s)
{
    cril_status st = CRIL_OK;

    for (const struct filter *by = f->slot->filters; by && st == CRIL_OK; by = by->next)
        st = apply(f, by, &s);
    if (st != CRIL_OK)
        return st;
    if (!f->list)
        cril_str_append(f->to, s);
    else if (json_array_append_new(f->list, json_stringn(s.len ? s.data : "", s.len)) != 0)
        return no_memory(f->err);
    return CRIL_OK;
}

/* Numbers and truth values as Python's str() prints them. */
static cril_status put_printed(const struct filling *f, const json_t *v)
{
    struct cril_buffer text = {0};
    cril_status st;

    if (!cril_record_print(v, &text, MAX_PRINTED))
        st = no_memory(f->err);
    else
        st = put(f, (struct cril_bytes){text.data, text.len});
    free(text.data);
    return st;
}

static cril_status put_value(const struct filling *f, const json_t *v, bool in_list)
{
    cril_status st = CRIL_OK;

    switch (json_typeof(v)) {
    case JSON_STRING: return put(f, cril_json_text(v));
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE: return put_printed(f, v);
    case JSON_NULL: return unfit(f, "the field has no value (null)");
    case JSON_OBJECT: return unfit(f, "the field is an object; name one of its fields: {a.b}");
    case JSON_ARRAY: break;
    }
    if (!f->list || in_list)
        return unfit(f, "the field is a list where one text is needed; name an element: {a[0]}");
    for (size_t i = 0; i < json_array_size(v) && st == CRIL_OK; i++)
        st = put_value(f, json_array_get(v, i), true);
    return st;
}

/* Follows the path from value; recursion is as deep as the path is long. */
static cril_status follow(const struct filling *f, const struct step *s, const json_t *v)
{
    cril_status st = CRIL_OK;

    if (!s)
        return put_value(f, v, false);
    if (s->kind == STEP_KEY) {
        if (!json_is_object(v))
            return cril_fail(f->err, CRIL_ERR_FORMAT,
                             "{%.*s}: what has the field \"%.40s\" is no object",
                             CRIL_SHOWN(f->slot->text), s->key);
        if (!(v = json_object_get(v, s->key)))
            return cril_fail(f->err, CRIL_ERR_FORMAT, "{%.*s}: there is no field \"%.40s\"",
                             CRIL_SHOWN(f->slot->text), s->key);
        return follow(f, s->next, v);
    }
    if (!json_is_array(v))
        return unfit(f, "what stands before [ ] is no list");
    if (s->kind == STEP_PLACE) {
        if (s->place >= json_array_size(v))
            return cril_fail(f->err, CRIL_ERR_FORMAT, "{%.*s}: the list has %zu elements",
                             CRIL_SHOWN(f->slot->text), json_array_size(v));
        return follow(f, s->next, json_array_get(v, s->place));
    }
    if (!f->list)
        return unfit(f, "[] stands for several texts where one is needed");
    for (size_t i = 0; i < json_array_size(v) && st == CRIL_OK; i++)
        st = follow(f, s->next, json_array_get(v, i));
    return st;
}

cril_status cril_template_fill(const struct cril_template *t, const json_t *record,
                               struct cril_str *to, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < t->n && st == CRIL_OK; i++) {
        const struct filling f = {.slot = &t->parts[i], .to = to, .err = err};

        if (f.slot->is_slot)
            st = follow(&f, f.slot->steps, record);
        else
            cril_str_append(to, f.slot->text);
    }
    return st == CRIL_OK && to->failed ? no_memory(err) : st;
}

cril_status cril_template_list(const struct cril_template *t, const json_t *record, json_t *to,
                               cril_error *err)
{
    struct cril_str text = {0};
    cril_status st;

    if (t->n == 1 && t->parts[0].is_slot) {
        const struct filling f = {.slot = &t->parts[0], .list = to, .err = err};

        return follow(&f, f.slot->steps, record);
    }
    st = cril_template_fill(t, record, &text, err);
    if (st == CRIL_OK &&
        json_array_append_new(to, json_stringn(cril_str_bytes(&text).data, text.n)) != 0)
        st = no_memory(err);
    cril_str_free(&text);
    return st;
}
