#include "formats/values.h"

#include "util/cursor.h"
#include "util/fail.h"
#include "util/size.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t cril_value_type_bytes(enum cril_value_type type)
{
    static const uint8_t bytes[] = {
        [CRIL_VALUE_U8] = 1,     [CRIL_VALUE_I8] = 1,  [CRIL_VALUE_U16] = 2, [CRIL_VALUE_I16] = 2,
        [CRIL_VALUE_U32] = 4,    [CRIL_VALUE_I32] = 4, [CRIL_VALUE_F32] = 4, [CRIL_VALUE_BOOL] = 1,
        [CRIL_VALUE_STRING] = 0, [CRIL_VALUE_U64] = 8, [CRIL_VALUE_I64] = 8, [CRIL_VALUE_F64] = 8,
    };

    return bytes[type];
}

/* ---- A value ---- */

uint64_t cril_value_uint(const struct cril_value *v, uint64_t i)
{
    const uint8_t *p = v->data + (size_t)i * cril_value_type_bytes(v->type);

    switch (v->type) {
    case CRIL_VALUE_U8:
    case CRIL_VALUE_BOOL: return p[0];
    case CRIL_VALUE_I8: return (uint64_t)(int64_t)(int8_t)p[0];
    case CRIL_VALUE_U16: return cril_load_u16(p);
    case CRIL_VALUE_I16: return (uint64_t)(int64_t)(int16_t)cril_load_u16(p);
    case CRIL_VALUE_U32: return cril_load_u32(p);
    case CRIL_VALUE_I32: return (uint64_t)(int64_t)(int32_t)cril_load_u32(p);
    case CRIL_VALUE_U64:
    case CRIL_VALUE_I64: return cril_load_u64(p);
    case CRIL_VALUE_F32:
    case CRIL_VALUE_F64:
    case CRIL_VALUE_STRING:
    case CRIL_VALUE_ARRAY: break;
    }
    return 0;
}

double cril_value_float(const struct cril_value *v, uint64_t i)
{
    const uint8_t *p = v->data ? v->data + (size_t)i * cril_value_type_bytes(v->type) : NULL;

    if (v->type == CRIL_VALUE_F32) {
        uint32_t u = cril_load_u32(p);
        float f;
        memcpy(&f, &u, sizeof(f));
        return (double)f;
    }
    if (v->type == CRIL_VALUE_F64) {
        uint64_t u = cril_load_u64(p);
        double f;
        memcpy(&f, &u, sizeof(f));
        return f;
    }
    return 0.0;
}

size_t cril_value_bytes(const struct cril_value *v)
{
    return (size_t)v->n * cril_value_type_bytes(v->type); /* it lies in memory */
}

static bool is_integer(const struct cril_value *v)
{
    return v->type != CRIL_VALUE_BOOL && v->type != CRIL_VALUE_F32 && v->type != CRIL_VALUE_F64 &&
           v->type != CRIL_VALUE_STRING;
}

static bool is_signed(const struct cril_value *v)
{
    return v->type == CRIL_VALUE_I8 || v->type == CRIL_VALUE_I16 || v->type == CRIL_VALUE_I32 ||
           v->type == CRIL_VALUE_I64;
}

/* ---- Filling ---- */

static cril_status no_memory(const struct cril_values *v, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for its keys", v->path);
}

static bool grow(struct cril_values *v)
{
    const size_t n = v->capacity ? 2 * v->capacity : 64;
    struct cril_value *values;
    struct cril_value_use *use;
    struct cril_named *names;
    size_t bytes;

    if (v->n < v->capacity)
        return true;
    if (!cril_size_mul(n, sizeof(*values), &bytes))
        return false;
    if ((values = realloc(v->values, bytes)))
        v->values = values;
    if ((use = realloc(v->use, n * sizeof(*use))))
        v->use = use;
    if ((names = realloc(v->names, n * sizeof(*names))))
        v->names = names;
    if (!values || !use || !names)
        return false;
    v->capacity = n;
    return true;
}

cril_status cril_values_add(struct cril_values *v, const struct cril_value *value, cril_error *err)
{
    if (!grow(v))
        return no_memory(v, err);
    v->values[v->n] = *value;
    v->use[v->n] = (struct cril_value_use){0};
    v->names[v->n] = (struct cril_named){value->key, v->n};
    v->n++;
    return CRIL_OK;
}

/* *value with its key, and n elements of `size` bytes at from, copied. */
static cril_status add_copy(struct cril_values *v, const char *key, struct cril_value *value,
                            const void *from, size_t size, cril_error *err)
{
    char *const name = cril_arena_text(&v->arena, key, strlen(key));
    void *const data = cril_arena_take(&v->arena, (size_t)value->n + 1, size);

    if (!name || !data)
        return no_memory(v, err);
    if (value->n)
        memcpy(data, from, (size_t)value->n * size);
    value->key = (struct cril_bytes){name, strlen(name)};
    if (value->type == CRIL_VALUE_STRING)
        value->strings = data;
    else
        value->data = data;
    return cril_values_add(v, value, err);
}

cril_status cril_values_add_uint(struct cril_values *v, const char *key, enum cril_value_type type,
                                 uint64_t x, cril_error *err)
{
    struct cril_value value = {.type = type, .n = 1};
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(x >> 8 * i);
    return add_copy(v, key, &value, bytes, cril_value_type_bytes(type), err);
}

cril_status cril_values_add_float(struct cril_values *v, const char *key, float x, cril_error *err)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return cril_values_add_uint(v, key, CRIL_VALUE_F32, bits, err);
}

cril_status cril_values_add_double(struct cril_values *v, const char *key, double x,
                                   cril_error *err)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return cril_values_add_uint(v, key, CRIL_VALUE_F64, bits, err);
}

cril_status cril_values_add_numbers(struct cril_values *v, const char *key,
                                    enum cril_value_type type, const void *data, size_t n,
                                    cril_error *err)
{
    struct cril_value value = {.type = type, .is_array = true, .n = n};

    return add_copy(v, key, &value, data, cril_value_type_bytes(type), err);
}

static bool copy_span(struct cril_values *v, struct cril_bytes from, struct cril_bytes *to)
{
    to->data = cril_arena_text(&v->arena, from.data ? from.data : "", from.len);
    to->len = from.len;
    return to->data != NULL;
}

cril_status cril_values_add_text(struct cril_values *v, const char *key, const char *text,
                                 size_t len, cril_error *err)
{
    struct cril_value value = {.type = CRIL_VALUE_STRING, .n = 1};
    struct cril_bytes copy;

    if (!copy_span(v, (struct cril_bytes){text, len}, &copy))
        return no_memory(v, err);
    return add_copy(v, key, &value, &copy, sizeof(copy), err);
}

cril_status cril_values_add_texts(struct cril_values *v, const char *key,
                                  const struct cril_bytes *texts, size_t n, cril_error *err)
{
    struct cril_value value = {.type = CRIL_VALUE_STRING, .is_array = true, .n = n};
    struct cril_bytes *const copies = cril_arena_take(&v->arena, n + 1, sizeof(*copies));

    if (!copies)
        return no_memory(v, err);
    for (size_t i = 0; i < n; i++)
        if (!copy_span(v, texts[i], &copies[i]))
            return no_memory(v, err);
    return add_copy(v, key, &value, copies, sizeof(*copies), err);
}

cril_status cril_values_sort(struct cril_values *v, cril_error *err)
{
    const size_t twice = cril_names_sort(v->names, v->n);

    if (twice == v->n)
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: key '%.*s' occurs twice; convert the model again",
                     v->path, CRIL_SHOWN(v->names[twice].name));
}

void cril_values_free(struct cril_values *v)
{
    free(v->values);
    free(v->use);
    free(v->names);
    cril_arena_free(&v->arena);
    *v = (struct cril_values){0};
}

/* ---- Looking ---- */

const struct cril_value *cril_values_find(const struct cril_values *v, const char *key)
{
    const struct cril_named *e = cril_names_find(v->names, v->n, key);

    if (!e)
        return NULL;
    v->use[e->i].read = true;
    return &v->values[e->i];
}

bool cril_values_has(const struct cril_values *v, const char *key)
{
    return cril_names_find(v->names, v->n, key) != NULL;
}

static cril_status wrong_kind(const struct cril_values *v, const char *key, const char *kind,
                              cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: key '%s' is not %s; convert the model again",
                     v->path, key, kind);
}

cril_status cril_values_opt_uint(const struct cril_values *v, const char *key, uint64_t *out,
                                 cril_error *err)
{
    const struct cril_value *found = cril_values_find(v, key);
    uint64_t x;

    if (!found)
        return CRIL_OK;
    if (found->is_array || !is_integer(found))
        return wrong_kind(v, key, "a whole number", err);
    x = cril_value_uint(found, 0);
    if (is_signed(found) && x > INT64_MAX)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: key '%s' is %" PRId64 ", below 0; convert the model again", v->path,
                         key, (int64_t)x);
    *out = x;
    return CRIL_OK;
}

cril_status cril_values_opt_float(const struct cril_values *v, const char *key, double *out,
                                  cril_error *err)
{
    const struct cril_value *found = cril_values_find(v, key);
    double x;

    if (!found)
        return CRIL_OK;
    if (found->is_array || (found->type != CRIL_VALUE_F32 && found->type != CRIL_VALUE_F64))
        return wrong_kind(v, key, "a floating-point number", err);
    x = cril_value_float(found, 0);
    if (!isfinite(x))
        return wrong_kind(v, key, "finite", err);
    *out = x;
    return CRIL_OK;
}

cril_status cril_values_opt_bool(const struct cril_values *v, const char *key, bool *out,
                                 cril_error *err)
{
    const struct cril_value *found = cril_values_find(v, key);

    if (!found)
        return CRIL_OK;
    if (found->is_array || found->type != CRIL_VALUE_BOOL)
        return wrong_kind(v, key, "a truth value", err);
    *out = found->data[0] != 0;
    return CRIL_OK;
}

static cril_status require(const struct cril_values *v, const char *key, cril_error *err)
{
    if (cril_values_find(v, key))
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: has no key '%s', which the model needs; convert it again", v->path, key);
}

cril_status cril_values_uint(const struct cril_values *v, const char *key, uint64_t *out,
                             cril_error *err)
{
    const cril_status st = require(v, key, err);

    return st == CRIL_OK ? cril_values_opt_uint(v, key, out, err) : st;
}

cril_status cril_values_float(const struct cril_values *v, const char *key, double *out,
                              cril_error *err)
{
    const cril_status st = require(v, key, err);

    return st == CRIL_OK ? cril_values_opt_float(v, key, out, err) : st;
}

cril_status cril_values_bool(const struct cril_values *v, const char *key, bool *out,
                             cril_error *err)
{
    const cril_status st = require(v, key, err);

    return st == CRIL_OK ? cril_values_opt_bool(v, key, out, err) : st;
}

cril_status cril_values_string(const struct cril_values *v, const char *key, struct cril_bytes *out,
                               cril_error *err)
{
    const struct cril_value *found = cril_values_find(v, key);

    if (!found)
        return require(v, key, err);
    if (found->is_array || found->type != CRIL_VALUE_STRING)
        return wrong_kind(v, key, "a text", err);
    *out = found->strings[0];
    return CRIL_OK;
}
