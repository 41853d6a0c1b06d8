/*
 * A GGUF file written again with keys and tensors set or left out: for tests that need a model
 * which is odd in one place.
 */
#ifndef CRIL_TESTS_GGUF_EDIT_H
#define CRIL_TESTS_GGUF_EDIT_H

#include "formats/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct edit {
    enum {
        EDIT_NONE, /* ends a list */
        EDIT_UINT,
        EDIT_INT,
        EDIT_FLOAT,
        EDIT_BOOL,
        EDIT_TEXT,
        EDIT_LIST, /* of n times the whole number `number` */
        EDIT_NO_KEY,
        EDIT_TENSOR,  /* ne[0] x ne[1] x ne[2] (0: no such dimension) times `number`, in fp32 */
        EDIT_NUMBERS, /* a vector of ne[0] `numbers` in fp32 */
        EDIT_NO_TENSOR
    } what;
    const char *name;
    double number;
    const char *text;
    size_t ne[3];
    const float *numbers;
};

#define SET_UINT(key, v)                                                                           \
    {                                                                                              \
        .what = EDIT_UINT, .name = key, .number = v                                                \
    }
#define SET_INT(key, v)                                                                            \
    {                                                                                              \
        .what = EDIT_INT, .name = key, .number = v                                                 \
    }
#define SET_FLOAT(key, v)                                                                          \
    {                                                                                              \
        .what = EDIT_FLOAT, .name = key, .number = v                                               \
    }
#define SET_BOOL(key, v)                                                                           \
    {                                                                                              \
        .what = EDIT_BOOL, .name = key, .number = v                                                \
    }
#define SET_TEXT(key, v)                                                                           \
    {                                                                                              \
        .what = EDIT_TEXT, .name = key, .text = v                                                  \
    }
#define SET_LIST(key, n, v)                                                                        \
    {                                                                                              \
        .what = EDIT_LIST, .name = key, .number = v, .ne = { n, 0 }                                \
    }
#define NO_KEY(key)                                                                                \
    {                                                                                              \
        .what = EDIT_NO_KEY, .name = key                                                           \
    }
#define SET_TENSOR(tensor, ne0, ne1, v)                                                            \
    {                                                                                              \
        .what = EDIT_TENSOR, .name = tensor, .number = v, .ne = { ne0, ne1 }                       \
    }
#define SET_TENSOR_3(tensor, ne0, ne1, ne2, v)                                                     \
    {                                                                                              \
        .what = EDIT_TENSOR, .name = tensor, .number = v, .ne = { ne0, ne1, ne2 }                  \
    }
#define SET_NUMBERS(tensor, n, v)                                                                  \
    {                                                                                              \
        .what = EDIT_NUMBERS, .name = tensor, .numbers = v, .ne = { n, 0 }                         \
    }
#define NO_TENSOR(tensor)                                                                          \
    {                                                                                              \
        .what = EDIT_NO_TENSOR, .name = tensor                                                     \
    }

static inline void edit_number(FILE *f, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        putc((int)(v >> (8 * i) & 255), f);
}

static inline void edit_float(FILE *f, float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof(bits));
    edit_number(f, bits, 4);
}

static inline void edit_text(FILE *f, const char *data, size_t len)
{
    edit_number(f, len, 8);
    fwrite(data, 1, len, f);
}

static inline bool edit_is_key(const struct edit *e)
{
    return e->what != EDIT_TENSOR && e->what != EDIT_NUMBERS && e->what != EDIT_NO_TENSOR;
}

/* The edit of that key, or of that tensor; NULL: none. */
static inline const struct edit *edit_of(const struct edit *e, const char *name, size_t len,
                                         bool is_key)
{
    for (; e->what; e++)
        if (edit_is_key(e) == is_key && strlen(e->name) == len && !memcmp(e->name, name, len))
            return e;
    return NULL;
}

static inline void edit_put_old_key(FILE *f, const struct cril_value *kv)
{
    edit_text(f, kv->key.data, kv->key.len);
    if (kv->is_array)
        edit_number(f, CRIL_VALUE_ARRAY, 4);
    edit_number(f, kv->type, 4);
    if (kv->is_array)
        edit_number(f, kv->n, 8);
    for (uint64_t i = 0; kv->type == CRIL_VALUE_STRING && i < kv->n; i++)
        edit_text(f, kv->strings[i].data, kv->strings[i].len);
    if (kv->type != CRIL_VALUE_STRING)
        fwrite(kv->data, 1, cril_value_bytes(kv), f);
}

static inline void edit_put_key(FILE *f, const struct edit *e)
{
    edit_text(f, e->name, strlen(e->name));
    switch (e->what) {
    case EDIT_UINT:
        edit_number(f, CRIL_VALUE_U64, 4);
        edit_number(f, (uint64_t)e->number, 8);
        break;
    case EDIT_INT:
        edit_number(f, CRIL_VALUE_I32, 4);
        edit_number(f, (uint64_t)(int64_t)e->number, 4);
        break;
    case EDIT_FLOAT:
        edit_number(f, CRIL_VALUE_F32, 4);
        edit_float(f, (float)e->number);
        break;
    case EDIT_BOOL:
        edit_number(f, CRIL_VALUE_BOOL, 4);
        edit_number(f, e->number != 0, 1);
        break;
    case EDIT_TEXT:
        edit_number(f, CRIL_VALUE_STRING, 4);
        edit_text(f, e->text, strlen(e->text));
        break;
    default:
        edit_number(f, CRIL_VALUE_ARRAY, 4);
        edit_number(f, CRIL_VALUE_U32, 4);
        edit_number(f, e->ne[0], 8);
        for (size_t i = 0; i < e->ne[0]; i++)
            edit_number(f, (uint64_t)e->number, 4);
    }
}

static inline uint64_t edit_bytes(const struct edit *e)
{
    return 4 * (uint64_t)e->ne[0] * (e->ne[1] ? e->ne[1] : 1) * (e->ne[2] ? e->ne[2] : 1);
}

static inline void edit_pad(FILE *f)
{
    while (ftell(f) % 32)
        putc(0, f);
}

/* Description of a tensor whose data lie at offset; returns where the next ones do. */
static inline uint64_t edit_describe(FILE *f, const char *name, unsigned n_dims, const uint64_t *ne,
                                     unsigned type, uint64_t offset, uint64_t bytes)
{
    edit_text(f, name, strlen(name));
    edit_number(f, n_dims, 4);
    for (unsigned k = 0; k < n_dims; k++)
        edit_number(f, ne[k], 8);
    edit_number(f, type, 4);
    edit_number(f, offset, 8);
    return offset + (bytes + 31) / 32 * 32;
}

static inline void edit_put_tensors(FILE *f, const struct cril_source *g, const struct edit *edits)
{
    uint64_t offset = 0;

    for (size_t i = 0; i < cril_source_tensor_count(g); i++) {
        const struct cril_tensor *t = cril_source_tensor(g, i);

        if (!edit_of(edits, t->name, strlen(t->name), false))
            offset = edit_describe(f, t->name, t->n_dims, t->ne, cril_dtypes[t->type].gguf_id,
                                   offset, t->bytes);
    }
    for (const struct edit *e = edits; e->what; e++)
        if (!edit_is_key(e) && e->what != EDIT_NO_TENSOR)
            offset =
                edit_describe(f, e->name,
                              e->ne[2]   ? 3
                              : e->ne[1] ? 2
                                         : 1,
                              (uint64_t[]){e->ne[0], e->ne[1], e->ne[2]}, 0, offset, edit_bytes(e));
    for (size_t i = 0; i < cril_source_tensor_count(g); i++) {
        const struct cril_tensor *t = cril_source_tensor(g, i);

        if (edit_of(edits, t->name, strlen(t->name), false))
            continue;
        edit_pad(f);
        fwrite(t->data, 1, (size_t)t->bytes, f);
    }
    for (const struct edit *e = edits; e->what; e++) {
        if (edit_is_key(e) || e->what == EDIT_NO_TENSOR)
            continue;
        edit_pad(f);
        for (uint64_t i = 0; i < edit_bytes(e) / 4; i++)
            edit_float(f, e->what == EDIT_NUMBERS ? e->numbers[i] : (float)e->number);
    }
    edit_pad(f);
}

/* g with edits, into the file at path; false: it could not be written. */
static inline bool edit_write(const struct cril_source *g, const struct edit *edits,
                              const char *path)
{
    FILE *f = fopen(path, "wb");
    uint64_t n_keys = 0, n_tensors = 0;

    if (!f)
        return false;
    for (const struct edit *e = edits; e->what; e++) {
        n_keys += edit_is_key(e) && e->what != EDIT_NO_KEY;
        n_tensors += !edit_is_key(e) && e->what != EDIT_NO_TENSOR;
    }
    for (size_t i = 0; i < cril_source_values(g)->n; i++)
        n_keys += !edit_of(edits, cril_source_values(g)->values[i].key.data,
                           cril_source_values(g)->values[i].key.len, true);
    for (size_t i = 0; i < cril_source_tensor_count(g); i++)
        n_tensors += !edit_of(edits, cril_source_tensor(g, i)->name,
                              strlen(cril_source_tensor(g, i)->name), false);
    fputs("GGUF", f);
    edit_number(f, 3, 4);
    edit_number(f, n_tensors, 8);
    edit_number(f, n_keys, 8);
    for (size_t i = 0; i < cril_source_values(g)->n; i++) {
        const struct cril_value *kv = &cril_source_values(g)->values[i];

        if (!edit_of(edits, kv->key.data, kv->key.len, true))
            edit_put_old_key(f, kv);
    }
    for (const struct edit *e = edits; e->what; e++)
        if (edit_is_key(e) && e->what != EDIT_NO_KEY)
            edit_put_key(f, e);
    edit_put_tensors(f, g, edits);
    return fclose(f) == 0;
}

#endif
