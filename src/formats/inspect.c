/*
 * A model file's metadata as text. Values are written once, when the file is opened. A text value
 * is kept whole (its zero bytes become '?'); an array shows its length and as many first elements
 * as fit in 200 bytes, texts among them in quotes with control characters escaped.
 */
#include "formats/inspect.h"

#include "util/fail.h"
#include "util/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARRAY_TEXT = 200 };

struct line {
    char *key, *value; /* owned */
    const char *type;
};

struct cril_inspect {
    struct cril_source *source;
    size_t n;
    struct line *lines; /* [n] */
    char *name, *architecture;
};

static const char *const type_names[][2] = {
    /* scalar, array */
    [CRIL_VALUE_U8] = {"u8", "array of u8"},
    [CRIL_VALUE_I8] = {"i8", "array of i8"},
    [CRIL_VALUE_U16] = {"u16", "array of u16"},
    [CRIL_VALUE_I16] = {"i16", "array of i16"},
    [CRIL_VALUE_U32] = {"u32", "array of u32"},
    [CRIL_VALUE_I32] = {"i32", "array of i32"},
    [CRIL_VALUE_F32] = {"f32", "array of f32"},
    [CRIL_VALUE_BOOL] = {"bool", "array of bool"},
    [CRIL_VALUE_STRING] = {"string", "array of string"},
    [CRIL_VALUE_ARRAY] = {"array", "array"},
    [CRIL_VALUE_U64] = {"u64", "array of u64"},
    [CRIL_VALUE_I64] = {"i64", "array of i64"},
    [CRIL_VALUE_F64] = {"f64", "array of f64"},
};

static char *copy_text(const char *data, size_t len)
{
    char *s = malloc(len + 1);

    if (!s)
        return NULL;
    for (size_t i = 0; i < len; i++)
        s[i] = data[i] ? data[i] : '?';
    s[len] = '\0';
    return s;
}

/* Element i, a number or truth value. */
static void number_text(const struct cril_value *kv, uint64_t i, char *out, size_t size)
{
    char real[CRIL_NUMBER_SIZE];

    switch (kv->type) {
    case CRIL_VALUE_F32:
    case CRIL_VALUE_F64:
        snprintf(out, size, "%s",
                 cril_number_write(real, cril_value_float(kv, i),
                                   kv->type == CRIL_VALUE_F32 ? 9 : CRIL_NUMBER_EXACT));
        break;
    case CRIL_VALUE_BOOL:
        snprintf(out, size, "%s", cril_value_uint(kv, i) ? "true" : "false");
        break;
    case CRIL_VALUE_I8:
    case CRIL_VALUE_I16:
    case CRIL_VALUE_I32:
    case CRIL_VALUE_I64: snprintf(out, size, "%" PRId64, (int64_t)cril_value_uint(kv, i)); break;
    default: snprintf(out, size, "%" PRIu64, cril_value_uint(kv, i)); break;
    }
}

/* A text in quotes; false if it does not fit in size bytes, NUL included. */
static bool quoted_text(struct cril_bytes s, char *out, size_t size)
{
    size_t at = 0;

    if (size < 3)
        return false;
    out[at++] = '"';
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        char piece[8];
        int n;

        if (c == '"' || c == '\\')
            n = snprintf(piece, sizeof(piece), "\\%c", c);
        else if (c == '\n')
            n = snprintf(piece, sizeof(piece), "\\n");
        else if (c < 32 || c == 127)
            n = snprintf(piece, sizeof(piece), "\\u%04x", c);
        else
            n = snprintf(piece, sizeof(piece), "%c", c);
        if (at + (size_t)n + 2 > size) /* the closing quote and NUL */
            return false;
        memcpy(out + at, piece, (size_t)n);
        at += (size_t)n;
    }
    out[at++] = '"';
    out[at] = '\0';
    return true;
}

static char *array_text(const struct cril_value *kv)
{
    static const char more[] = ", ...]";
    char out[ARRAY_TEXT + 1], one[ARRAY_TEXT + 1];
    size_t at = (size_t)snprintf(out, sizeof(out), "%" PRIu64 " [", kv->n);
    uint64_t i;

    for (i = 0; i < kv->n; i++) {
        if (kv->type == CRIL_VALUE_STRING) {
            if (!quoted_text(kv->strings[i], one, sizeof(one)))
                break;
        } else {
            number_text(kv, i, one, sizeof(one));
        }
        if (at + 2 + strlen(one) + sizeof(more) - 1 > ARRAY_TEXT)
            break;
        at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s", i ? ", " : "", one);
    }
    snprintf(out + at, sizeof(out) - at, "%s", i == kv->n ? "]" : i ? more : "...]");
    return copy_text(out, strlen(out));
}

static bool write_line(const struct cril_value *kv, bool in_folder, struct line *l)
{
    char number[64];

    l->key = copy_text(kv->key.data, kv->key.len);
    l->type = type_names[kv->type][kv->is_array];
    if (in_folder && cril_value_is_null(kv)) {
        l->type = "null";
        l->value = copy_text("null", 4);
    } else if (kv->is_array) {
        l->value = array_text(kv);
    } else if (kv->type == CRIL_VALUE_STRING) {
        l->value = copy_text(kv->strings[0].data, kv->strings[0].len);
    } else {
        number_text(kv, 0, number, sizeof(number));
        l->value = copy_text(number, strlen(number));
    }
    return l->key && l->value;
}

/* False: out of memory. */
static bool find_architecture(cril_inspect *f)
{
    const struct cril_values *const values = cril_source_values(f->source);
    const struct cril_value *found = cril_values_find(values, "general.architecture");

    if (!found)
        found = cril_values_find(values, "architectures");
    if (!found || found->type != CRIL_VALUE_STRING || found->n == 0)
        return true;
    f->architecture = copy_text(found->strings[0].data, found->strings[0].len);
    return f->architecture != NULL;
}

cril_status cril_inspect_open(const char *path, cril_inspect **out, cril_error *err)
{
    if (CRIL_LACKS(err, path, out))
        return CRIL_ERR_RANGE;

    cril_inspect *f = calloc(1, sizeof(*f));
    cril_status st;

    if (!f)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    if ((st = cril_source_open(path, &f->source, err)) != CRIL_OK)
        goto fail;
    f->n = cril_source_values(f->source)->n;
    f->lines = calloc(f->n ? f->n : 1, sizeof(*f->lines));
    if (!f->lines || !(f->name = cril_source_name(f->source)) || !find_architecture(f)) {
        f->n = 0;
        st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
        goto fail;
    }
    for (size_t i = 0; i < f->n; i++)
        if (!write_line(&cril_source_values(f->source)->values[i], cril_source_is_folder(f->source),
                        &f->lines[i])) {
            st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
            goto fail;
        }
    *out = f;
    return CRIL_OK;
fail:
    cril_inspect_close(f);
    return st;
}

void cril_inspect_close(cril_inspect *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n; i++) {
        free(f->lines[i].key);
        free(f->lines[i].value);
    }
    free(f->lines);
    free(f->name);
    free(f->architecture);
    cril_source_close(f->source);
    free(f);
}

struct cril_source *cril_inspect_source(const cril_inspect *f)
{
    return f->source;
}

const char *cril_inspect_format(const cril_inspect *f)
{
    return f ? cril_source_format(f->source) : NULL;
}

const char *cril_inspect_name(const cril_inspect *f)
{
    return f ? f->name : NULL;
}

const char *cril_inspect_architecture(const cril_inspect *f)
{
    return f ? f->architecture : NULL;
}

unsigned cril_inspect_version(const cril_inspect *f)
{
    return f ? cril_source_version(f->source) : 0;
}

size_t cril_inspect_parts(const cril_inspect *f)
{
    return f ? cril_source_files(f->source) : 0;
}

uint64_t cril_inspect_bytes(const cril_inspect *f)
{
    uint64_t sum = 0;

    for (size_t i = 0; f && i < cril_source_files(f->source); i++) {
        size_t len;
        cril_source_file(f->source, i, &len);
        sum += len;
    }
    return sum;
}

size_t cril_inspect_metadata_count(const cril_inspect *f)
{
    return f ? f->n : 0;
}

void cril_inspect_metadata(const cril_inspect *f, size_t i, const char **key, const char **type,
                           const char **value)
{
    const bool is_there = f && i < f->n;

    if (key)
        *key = is_there ? f->lines[i].key : NULL;
    if (type)
        *type = is_there ? f->lines[i].type : NULL;
    if (value)
        *value = is_there ? f->lines[i].value : NULL;
}

size_t cril_inspect_tensor_count(const cril_inspect *f)
{
    return f ? cril_source_tensor_count(f->source) : 0;
}

void cril_inspect_tensor(const cril_inspect *f, size_t i, cril_tensor_info *out)
{
    const struct cril_tensor *t;

    if (!out)
        return;
    *out = (cril_tensor_info){0};
    if (i >= cril_inspect_tensor_count(f))
        return;
    t = cril_source_tensor(f->source, i);
    *out = (cril_tensor_info){
        .name = t->name, .type = cril_dtypes[t->type].name, .n_dims = t->n_dims, .bytes = t->bytes};
    for (unsigned k = 0; k < 4; k++)
        out->shape[k] = t->ne[k];
}
