#include "formats/hf_config.h"

#include "util/fail.h"
#include "util/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KEY = 1024 }; /* bytes with the NUL; it bounds what keys within keys add up to */

struct flattening {
    struct cril_values *v;
    cril_error *err;
    const json_t *text; /* text_config, NULL: there is none */
    char key[MAX_KEY];  /* of the value at hand */
};

static cril_status no_memory(const struct flattening *f)
{
    return cril_fail(f->err, CRIL_ERR_NOMEM, "%s: out of memory for its keys", f->v->path);
}

/* ---- Types ---- */

/* CRIL_VALUE_ARRAY: x is neither a number, nor a truth value, nor a text. */
static enum cril_value_type type_of(const json_t *x)
{
    switch (json_typeof(x)) {
    case JSON_STRING: return CRIL_VALUE_STRING;
    case JSON_INTEGER: return CRIL_VALUE_I64;
    case JSON_REAL: return CRIL_VALUE_F64;
    case JSON_TRUE:
    case JSON_FALSE: return CRIL_VALUE_BOOL;
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_NULL: break;
    }
    return CRIL_VALUE_ARRAY;
}

/* The type that holds both; CRIL_VALUE_ARRAY: none does. */
static enum cril_value_type common_type(enum cril_value_type a, enum cril_value_type b)
{
    const bool numbers = (a == CRIL_VALUE_I64 || a == CRIL_VALUE_F64) &&
                         (b == CRIL_VALUE_I64 || b == CRIL_VALUE_F64);

    return a == b ? a : numbers ? CRIL_VALUE_F64 : CRIL_VALUE_ARRAY;
}

static enum cril_value_type type_of_all(const json_t *list)
{
    const size_t n = json_array_size(list);
    enum cril_value_type type = n ? type_of(json_array_get(list, 0)) : CRIL_VALUE_STRING;

    for (size_t i = 1; i < n; i++)
        type = common_type(type, type_of(json_array_get(list, i)));
    return type;
}

/* ---- Values ---- */

static cril_status add_scalar(struct flattening *f, const json_t *x, enum cril_value_type type)
{
    const struct cril_bytes text = cril_json_text(x);

    if (type == CRIL_VALUE_STRING)
        return cril_values_add_text(f->v, f->key, text.data, text.len, f->err);
    if (type == CRIL_VALUE_F64)
        return cril_values_add_double(f->v, f->key, cril_json_number(x), f->err);
    return cril_values_add_uint(
        f->v, f->key, type,
        type == CRIL_VALUE_BOOL ? json_is_true(x) : (uint64_t)json_integer_value(x), f->err);
}

static cril_status add_texts(struct flattening *f, const json_t *list)
{
    const size_t n = json_array_size(list);
    struct cril_bytes *const texts = calloc(n + 1, sizeof(*texts));
    cril_status st;

    if (!texts)
        return no_memory(f);
    for (size_t i = 0; i < n; i++)
        texts[i] = cril_json_text(json_array_get(list, i));
    st = cril_values_add_texts(f->v, f->key, texts, n, f->err);
    free(texts);
    return st;
}

/* Writes one number or truth value as a file's metadata has it; its bytes. */
static size_t put_element(uint8_t *out, const json_t *x, enum cril_value_type type)
{
    const double real = cril_json_number(x);
    uint64_t bits = (uint64_t)json_integer_value(x);

    if (type == CRIL_VALUE_BOOL) {
        *out = json_is_true(x);
        return 1;
    }
    if (type == CRIL_VALUE_F64)
        memcpy(&bits, &real, sizeof(bits));
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(bits >> 8 * i);
    return 8;
}

static cril_status add_numbers(struct flattening *f, const json_t *list, enum cril_value_type type)
{
    const size_t n = json_array_size(list);
    uint8_t *const data = calloc(n + 1, 8);
    size_t at = 0;
    cril_status st;

    if (!data)
        return no_memory(f);
    for (size_t i = 0; i < n; i++)
        at += put_element(data + at, json_array_get(list, i), type);
    st = cril_values_add_numbers(f->v, f->key, type, data, n, f->err);
    free(data);
    return st;
}

static cril_status add_json(struct flattening *f, const json_t *x)
{
    const locale_t before = cril_c_locale_begin();
    char *const text = json_dumps(x, JSON_COMPACT);
    cril_status st;

    cril_c_locale_end(before);
    if (!text)
        return no_memory(f);
    st = cril_values_add_text(f->v, f->key, text, strlen(text), f->err);
    free(text);
    return st;
}

static cril_status add_list(struct flattening *f, const json_t *list)
{
    const enum cril_value_type type = type_of_all(list);

    return type == CRIL_VALUE_ARRAY    ? add_json(f, list)
           : type == CRIL_VALUE_STRING ? add_texts(f, list)
                                       : add_numbers(f, list, type);
}

/* ---- Objects ---- */

/* Whether the other object, if there is one, says more under a key than x: anything that is not
 * null, or, where x is not the nested object's (`outer`), null too. */
static bool is_overruled(const json_t *x, const json_t *other, const char *key, bool outer)
{
    const json_t *const its = json_object_get(other, key);

    return its &&
           (outer ? json_is_null(x) || !json_is_null(its) : json_is_null(x) && !json_is_null(its));
}

/* Adds the members of o but those that the other object overrules. The first at bytes of f->key are
 * their prefix. */
static cril_status add_members(struct flattening *f, const json_t *o, size_t at,
                               const json_t *other)
{
    cril_status st = CRIL_OK;

    /* jansson's iterators take an object that is not const, and do not change it */
    for (void *i = json_object_iter((json_t *)o); i && st == CRIL_OK;
         i = json_object_iter_next((json_t *)o, i)) {
        const json_t *const x = json_object_iter_value(i);
        const int n = snprintf(f->key + at, MAX_KEY - at, "%s", json_object_iter_key(i)) + (int)at;

        if (x == f->text || is_overruled(x, other, json_object_iter_key(i), f->text != NULL))
            continue;
        if (n + 1 >= MAX_KEY)
            st = cril_fail(f->err, CRIL_ERR_UNSUPPORTED,
                           "%s: key '%.80s' and what follows has more than %d bytes", f->v->path,
                           f->key, MAX_KEY - 2);
        else if (json_is_null(x))
            st = cril_values_add_numbers(f->v, f->key, CRIL_VALUE_U8, NULL, 0, f->err);
        else if (json_is_object(x)) {
            f->key[n] = '.';
            st = add_members(f, x, (size_t)n + 1, NULL);
        } else
            st = json_is_array(x) ? add_list(f, x) : add_scalar(f, x, type_of(x));
    }
    return st;
}

cril_status cril_hf_config_add(struct cril_values *v, const json_t *object, cril_error *err)
{
    struct flattening f = {.v = v, .err = err};
    const json_t *const text = json_object_get(object, "text_config");
    cril_status st = CRIL_OK;

    if (json_is_object(text)) {
        st = add_members(&f, text, 0, object);
        f.text = text;
    }
    if (st == CRIL_OK)
        st = add_members(&f, object, 0, f.text);
    return st == CRIL_OK ? cril_values_sort(v, err) : st;
}
