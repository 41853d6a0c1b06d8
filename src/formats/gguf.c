/*
 * GGUF v2 and v3. A file is: magic, version, counts, metadata, tensor descriptions, padding, data.
 *
 * One pass reads a part with a bounded cursor; counts are compared with the bytes that are left
 * before anything is allocated, so memory stays within a small multiple of the file's size. Names
 * are then sorted, which finds duplicates and serves look-ups; tensor extents are sorted, which
 * finds overlaps. Not read: version 1, big-endian files, arrays of arrays. Spec:
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
#include "formats/gguf.h"

#include "formats/misnamed.h"
#include "util/cursor.h"
#include "util/fail.h"
#include "util/mapfile.h"
#include "util/size.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MIN_KV_BYTES = 8 + 4 + 1,         /* key length, type, one byte of value */
    MIN_TENSOR_BYTES = 8 + 4 + 4 + 8, /* name length, dimensions, type, offset */
    DEFAULT_ALIGNMENT = 32
};

#define DAMAGED "the file is damaged or was not downloaded completely; fetch it again"

/* Bytes of a value; 0 for strings and arrays. */
static const uint8_t type_bytes[] = {
    [GGUF_U8] = 1,  [GGUF_I8] = 1,  [GGUF_U16] = 2,  [GGUF_I16] = 2,    [GGUF_U32] = 4,
    [GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_STRING] = 0, [GGUF_ARRAY] = 0,
    [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
};

struct entry { /* of a sorted list of names */
    struct gguf_string name;
    size_t i;
};

struct use { /* of a key */
    bool read;
    const char *reason; /* why it need not be; NULL: nobody said */
};

struct part {
    char *path;
    struct cril_mapfile map;
    struct cril_cursor c;
    uint32_t version;
    size_t n_kv, n_tensors;
    struct gguf_kv *kv;          /* [n_kv] */
    struct entry *kv_names;      /* [n_kv], sorted */
    struct use *use;             /* [n_kv] */
    struct gguf_tensor *tensors; /* [n_tensors] */
};

struct cril_gguf {
    size_t n_users; /* that have yet to close it */
    size_t n_parts, n_tensors;
    struct part *parts;          /* [n_parts] */
    struct gguf_tensor *tensors; /* [n_tensors] of all parts; their names are owned by the parts */
    struct entry *names;         /* [n_tensors], sorted */
};

/* The arguments of "%.*s" for a name of the file, shortened: it may be of any length. */
#define SHOWN(s) ((s).len > 80 ? 80 : (int)(s).len), ((s).data ? (s).data : "")

/* ---- names ---- */

static int compare_strings(struct gguf_string a, struct gguf_string b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int d = n ? memcmp(a.data, b.data, n) : 0;

    return d ? d : (a.len > b.len) - (a.len < b.len);
}

static int compare_entries(const void *a, const void *b)
{
    return compare_strings(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* Sorts; the position of a name that occurs twice, or n. */
static size_t sort_names(struct entry *names, size_t n)
{
    if (n)
        qsort(names, n, sizeof(*names), compare_entries);
    for (size_t i = 1; i < n; i++)
        if (compare_entries(&names[i - 1], &names[i]) == 0)
            return i;
    return n;
}

static const struct entry *find_name(const struct entry *names, size_t n, const char *name)
{
    struct entry key = {{name, strlen(name)}, 0};

    return n ? bsearch(&key, names, n, sizeof(*names), compare_entries) : NULL;
}

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory while reading its header", path);
}

/* ---- metadata ---- */

static cril_status read_string(struct part *p, const char *what, struct gguf_string *out,
                               cril_error *err)
{
    const uint8_t *data;
    size_t at = p->c.pos;
    uint64_t len;

    if (!cril_cursor_u64(&p->c, &len))
        return cril_fail(err, CRIL_ERR_TRUNCATED, "%s: ends at byte %zu, inside %s; " DAMAGED,
                         p->path, p->c.size, what);
    if (!cril_cursor_take(&p->c, len, &data))
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: %s at byte %zu says it has %" PRIu64
                         " bytes, but %zu are left; " DAMAGED,
                         p->path, what, at, len, cril_cursor_left(&p->c));
    out->data = (const char *)data;
    out->len = (size_t)len;
    return CRIL_OK;
}

static cril_status cut_off(const struct part *p, const struct gguf_kv *kv, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_TRUNCATED,
                     "%s: the value of key '%.*s' (%" PRIu64
                     " elements) goes past the end of the file, "
                     "%zu bytes; " DAMAGED,
                     p->path, SHOWN(kv->key), kv->n, p->c.size);
}

static cril_status read_strings(struct part *p, struct gguf_kv *kv, cril_error *err)
{
    cril_status st;
    size_t bytes;

    if (kv->n > cril_cursor_left(&p->c) / 8)
        return cut_off(p, kv, err);
    if (!cril_size_mul((size_t)kv->n, sizeof(*kv->strings), &bytes))
        return no_memory(p->path, err);
    kv->strings = malloc(bytes ? bytes : 1);
    if (!kv->strings)
        return no_memory(p->path, err);
    for (uint64_t i = 0; i < kv->n; i++)
        if ((st = read_string(p, "a text in the metadata", &kv->strings[i], err)) != CRIL_OK)
            return st;
    return CRIL_OK;
}

static cril_status read_numbers(struct part *p, struct gguf_kv *kv, cril_error *err)
{
    uint64_t size = type_bytes[kv->type];

    if (kv->n > cril_cursor_left(&p->c) / size || !cril_cursor_take(&p->c, kv->n * size, &kv->data))
        return cut_off(p, kv, err);
    if (kv->type == GGUF_BOOL)
        for (uint64_t i = 0; i < kv->n; i++)
            if (kv->data[i] > 1)
                return cril_fail(
                    err, CRIL_ERR_FORMAT,
                    "%s: key '%.*s' has the truth value %u, which is neither 0 nor 1; " DAMAGED,
                    p->path, SHOWN(kv->key), kv->data[i]);
    return CRIL_OK;
}

static cril_status read_kv(struct part *p, struct gguf_kv *kv, cril_error *err)
{
    cril_status st = read_string(p, "a metadata key", &kv->key, err);
    uint32_t type;

    if (st != CRIL_OK)
        return st;
    kv->n = 1;
    if (!cril_cursor_u32(&p->c, &type))
        return cut_off(p, kv, err);
    if (type == GGUF_ARRAY) {
        kv->is_array = true;
        if (!cril_cursor_u32(&p->c, &type) || !cril_cursor_u64(&p->c, &kv->n))
            return cut_off(p, kv, err);
        if (type == GGUF_ARRAY)
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: key '%.*s' is an array of arrays, which cril does not read; "
                             "convert the model again without that key",
                             p->path, SHOWN(kv->key));
    }
    if (type > GGUF_F64)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: key '%.*s' has value type %" PRIu32
                         ", but GGUF defines 0 to 12; " DAMAGED,
                         p->path, SHOWN(kv->key), type);
    kv->type = (enum gguf_type)type;
    return type == GGUF_STRING ? read_strings(p, kv, err) : read_numbers(p, kv, err);
}

static cril_status read_metadata(struct part *p, uint64_t n, cril_error *err)
{
    cril_status st;
    size_t twice;

    if (n > cril_cursor_left(&p->c) / MIN_KV_BYTES)
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: says it has %" PRIu64
                         " metadata keys, more than its %zu bytes can hold; " DAMAGED,
                         p->path, n, p->c.size);
    p->kv = calloc(n ? (size_t)n : 1, sizeof(*p->kv));
    p->kv_names = calloc(n ? (size_t)n : 1, sizeof(*p->kv_names));
    p->use = calloc(n ? (size_t)n : 1, sizeof(*p->use));
    if (!p->kv || !p->kv_names || !p->use)
        return no_memory(p->path, err);
    p->n_kv = (size_t)n; /* the unread ones are zero, fit to be freed */
    for (size_t i = 0; i < p->n_kv; i++) {
        if ((st = read_kv(p, &p->kv[i], err)) != CRIL_OK)
            return st;
        p->kv_names[i] = (struct entry){p->kv[i].key, i};
    }
    twice = sort_names(p->kv_names, p->n_kv);
    if (twice < p->n_kv)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: key '%.*s' occurs twice; convert the model again", p->path,
                         SHOWN(p->kv_names[twice].name));
    return CRIL_OK;
}

/* ---- tensors ---- */

static cril_status read_shape(struct part *p, struct gguf_tensor *t, uint32_t type_id,
                              cril_error *err)
{
    const struct cril_dtype_info *d;
    uint64_t n = 1;

    if (!cril_dtype_from_gguf(type_id, &t->type))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: tensor '%.80s' has type %s (number %" PRIu32
                         "), which cril does not read; "
                         "use a file of this model in Q4_K_M, Q8_0 or F16",
                         p->path, t->name, cril_dtype_gguf_name(type_id), type_id);
    for (unsigned k = 0; k < t->n_dims; k++) {
        if (t->ne[k] == 0)
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s: tensor '%.80s' has a dimension of 0; " DAMAGED, p->path, t->name);
        if (n > UINT64_MAX / t->ne[k])
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s: tensor '%.80s' has more than 2^64 elements; " DAMAGED, p->path,
                             t->name);
        n *= t->ne[k];
    }
    d = &cril_dtypes[t->type];
    if (t->ne[0] % d->block_len)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor '%.80s' has rows of %" PRIu64
                         " elements, but type %s stores blocks of %u; "
                         "convert the model again",
                         p->path, t->name, t->ne[0], d->name, d->block_len);
    if (!cril_dtype_bytes(t->type, n, &t->bytes))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor '%.80s' has more than 2^64 bytes; " DAMAGED, p->path, t->name);
    return CRIL_OK;
}

/* A description. The offset goes to *offset, since the data's start is known only after the last
 * one. */
static cril_status read_tensor(struct part *p, struct gguf_tensor *t, uint64_t *offset,
                               cril_error *err)
{
    struct gguf_string name;
    cril_status st = read_string(p, "a tensor's name", &name, err);
    uint32_t type_id;
    bool there;
    char *copy;

    if (st != CRIL_OK)
        return st;
    if (name.len && memchr(name.data, 0, name.len))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: the name of tensor '%.*s' has a zero byte; " DAMAGED, p->path,
                         SHOWN(name));
    copy = malloc(name.len + 1); /* a name lies in the file, so the sum cannot wrap */
    if (!copy)
        return no_memory(p->path, err);
    if (name.len)
        memcpy(copy, name.data, name.len);
    copy[name.len] = '\0';
    t->name = copy;

    there = cril_cursor_u32(&p->c, &t->n_dims);
    if (there && t->n_dims > 4)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor '%.80s' has %u dimensions, but GGUF allows 4; " DAMAGED,
                         p->path, t->name, t->n_dims);
    for (unsigned k = 0; k < 4; k++)
        t->ne[k] = 1;
    for (unsigned k = 0; there && k < t->n_dims; k++)
        there = cril_cursor_u64(&p->c, &t->ne[k]);
    if (!there || !cril_cursor_u32(&p->c, &type_id) || !cril_cursor_u64(&p->c, offset))
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: ends at byte %zu, inside the description of tensor '%.80s'; " DAMAGED,
                         p->path, p->c.size, t->name);
    return read_shape(p, t, type_id, err);
}

static cril_status find_alignment(const struct part *p, size_t *out, cril_error *err)
{
    const struct entry *e = find_name(p->kv_names, p->n_kv, "general.alignment");
    uint32_t a;

    *out = DEFAULT_ALIGNMENT;
    if (!e)
        return CRIL_OK;
    const struct gguf_kv *kv = &p->kv[e->i];
    if (kv->is_array || kv->type != GGUF_U32)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: general.alignment is not a 32-bit number; convert the model again",
                         p->path);
    a = cril_load_u32(kv->data);
    if (a < 8 || (a & (a - 1)))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: general.alignment is %" PRIu32
                         ", but must be a power of two, 8 or more; "
                         "convert the model again",
                         p->path, a);
    *out = a;
    return CRIL_OK;
}

static cril_status place_tensor(const struct part *p, struct gguf_tensor *t, size_t start,
                                uint64_t offset, size_t alignment, cril_error *err)
{
    size_t room = start < p->map.size ? p->map.size - start : 0; /* bytes of the data section */

    if (offset % alignment)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor '%.80s' starts at offset %" PRIu64
                         ", not a multiple of the alignment %zu; " DAMAGED,
                         p->path, t->name, offset, alignment);
    if (offset > room || t->bytes > room - offset)
        return cril_fail(
            err, CRIL_ERR_TRUNCATED,
            "%s: tensor '%.80s' (%" PRIu64 " bytes at offset %" PRIu64
            " of the data) goes past the end of the file, which has %zu bytes of data; " DAMAGED,
            p->path, t->name, t->bytes, offset, room);
    t->data = p->map.data + start + (size_t)offset;
    return CRIL_OK;
}

static int compare_places(const void *a, const void *b)
{
    const struct gguf_tensor *x = *(const struct gguf_tensor *const *)a;
    const struct gguf_tensor *y = *(const struct gguf_tensor *const *)b;

    return (x->data > y->data) - (x->data < y->data);
}

static cril_status check_overlaps(const struct part *p, cril_error *err)
{
    const struct gguf_tensor **by_place;
    cril_status st = CRIL_OK;

    if (p->n_tensors < 2)
        return CRIL_OK;
    by_place = malloc(p->n_tensors * sizeof(*by_place)); /* fewer bytes than p->tensors has */
    if (!by_place)
        return no_memory(p->path, err);
    for (size_t i = 0; i < p->n_tensors; i++)
        by_place[i] = &p->tensors[i];
    qsort(by_place, p->n_tensors, sizeof(*by_place), compare_places);
    for (size_t i = 1; i < p->n_tensors && st == CRIL_OK; i++)
        if (by_place[i - 1]->data + by_place[i - 1]->bytes > by_place[i]->data)
            st = cril_fail(err, CRIL_ERR_FORMAT,
                           "%s: tensors '%.80s' and '%.80s' lie over each other; " DAMAGED, p->path,
                           by_place[i - 1]->name, by_place[i]->name);
    free(by_place);
    return st;
}

static cril_status read_tensors(struct part *p, uint64_t n, cril_error *err)
{
    uint64_t *offsets = NULL;
    size_t alignment, start;
    cril_status st;

    if (n > cril_cursor_left(&p->c) / MIN_TENSOR_BYTES)
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: says it has %" PRIu64
                         " tensors, more than its %zu bytes can hold; " DAMAGED,
                         p->path, n, p->c.size);
    if ((st = find_alignment(p, &alignment, err)) != CRIL_OK)
        return st;
    p->tensors = calloc(n ? (size_t)n : 1, sizeof(*p->tensors));
    offsets = calloc(n ? (size_t)n : 1, sizeof(*offsets));
    if (!p->tensors || !offsets) {
        st = no_memory(p->path, err);
        goto done;
    }
    p->n_tensors = (size_t)n;
    for (size_t i = 0; i < p->n_tensors; i++)
        if ((st = read_tensor(p, &p->tensors[i], &offsets[i], err)) != CRIL_OK)
            goto done;
    if (!cril_size_add(p->c.pos, (alignment - p->c.pos % alignment) % alignment, &start))
        start = SIZE_MAX;
    for (size_t i = 0; i < p->n_tensors; i++)
        if ((st = place_tensor(p, &p->tensors[i], start, offsets[i], alignment, err)) != CRIL_OK)
            goto done;
    st = check_overlaps(p, err);
done:
    free(offsets);
    return st;
}

/* ---- a part ---- */

static cril_status read_header(struct part *p, uint64_t *n_tensors, uint64_t *n_kv, cril_error *err)
{
    static const char pointer[] = "version https://git-lfs";
    const uint8_t *magic;

    if (p->map.size == 0)
        return cril_fail(err, CRIL_ERR_TRUNCATED, "%s: is empty; fetch it again", p->path);
    if (p->map.size >= sizeof(pointer) - 1 &&
        memcmp(p->map.data, pointer, sizeof(pointer) - 1) == 0)
        return cril_fail(
            err, CRIL_ERR_FORMAT,
            "%s: is a Git LFS pointer, not the model; run 'git lfs pull' in its repository",
            p->path);
    if (!cril_cursor_take(&p->c, 4, &magic) || memcmp(magic, "GGUF", 4) != 0)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: not a GGUF file (it does not start with 'GGUF'); "
                         "cril reads GGUF models only; convert it with llama.cpp's "
                         "convert_hf_to_gguf.py, or download a GGUF file of the model",
                         p->path);
    if (!cril_cursor_u32(&p->c, &p->version))
        return cril_fail(err, CRIL_ERR_TRUNCATED, "%s: ends inside its header; " DAMAGED, p->path);
    if (p->version && (p->version & 0xffff) == 0)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: is a big-endian GGUF file; use the little-endian one", p->path);
    if (p->version != 2 && p->version != 3)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: is GGUF version %" PRIu32
                         ", but cril reads 2 and 3; convert the model again",
                         p->path, p->version);
    if (!cril_cursor_u64(&p->c, n_tensors) || !cril_cursor_u64(&p->c, n_kv))
        return cril_fail(err, CRIL_ERR_TRUNCATED, "%s: ends inside its header; " DAMAGED, p->path);
    return CRIL_OK;
}

/* Takes path over, also on failure. */
static cril_status open_part(struct part *p, char *path, cril_error *err)
{
    uint64_t n_tensors, n_kv;
    cril_status st;

    p->path = path;
    if ((st = cril_mapfile_open(path, &p->map, err)) != CRIL_OK)
        return st;
    p->c = cril_cursor_of(p->map.data, p->map.size);
    if ((st = read_header(p, &n_tensors, &n_kv, err)) != CRIL_OK)
        return st;
    if ((st = read_metadata(p, n_kv, err)) != CRIL_OK)
        return st;
    return read_tensors(p, n_tensors, err);
}

static void close_part(struct part *p)
{
    for (size_t i = 0; i < p->n_kv; i++)
        free(p->kv[i].strings);
    for (size_t i = 0; i < p->n_tensors; i++)
        free((char *)(uintptr_t)p->tensors[i].name);
    free(p->kv);
    free(p->kv_names);
    free(p->use);
    free(p->tensors);
    free(p->path);
    cril_mapfile_close(&p->map);
}

/* ---- values ---- */

uint64_t cril_gguf_element_uint(const struct gguf_kv *kv, uint64_t i)
{
    size_t size = type_bytes[kv->type];
    const uint8_t *p = kv->data + (size_t)i * size;

    switch (kv->type) {
    case GGUF_U8:
    case GGUF_BOOL: return p[0];
    case GGUF_I8: return (uint64_t)(int64_t)(int8_t)p[0];
    case GGUF_U16: return cril_load_u16(p);
    case GGUF_I16: return (uint64_t)(int64_t)(int16_t)cril_load_u16(p);
    case GGUF_U32: return cril_load_u32(p);
    case GGUF_I32: return (uint64_t)(int64_t)(int32_t)cril_load_u32(p);
    case GGUF_U64:
    case GGUF_I64: return cril_load_u64(p);
    case GGUF_F32:
    case GGUF_F64:
    case GGUF_STRING:
    case GGUF_ARRAY: break;
    }
    return 0;
}

double cril_gguf_element_float(const struct gguf_kv *kv, uint64_t i)
{
    const uint8_t *p = kv->data ? kv->data + (size_t)i * type_bytes[kv->type] : NULL;

    if (kv->type == GGUF_F32) {
        uint32_t u = cril_load_u32(p);
        float f;
        memcpy(&f, &u, sizeof(f));
        return (double)f;
    }
    if (kv->type == GGUF_F64) {
        uint64_t u = cril_load_u64(p);
        double f;
        memcpy(&f, &u, sizeof(f));
        return f;
    }
    return 0.0;
}

size_t cril_gguf_value_bytes(const struct gguf_kv *kv)
{
    return (size_t)kv->n * type_bytes[kv->type]; /* it lies in the file */
}

static const struct gguf_kv *find_kv(const struct part *p, const char *key)
{
    const struct entry *e = find_name(p->kv_names, p->n_kv, key);

    if (!e)
        return NULL;
    p->use[e->i].read = true;
    return &p->kv[e->i];
}

static bool is_integer(const struct gguf_kv *kv)
{
    return kv->type != GGUF_BOOL && kv->type != GGUF_F32 && kv->type != GGUF_F64 &&
           kv->type != GGUF_STRING;
}

static bool is_signed(const struct gguf_kv *kv)
{
    return kv->type == GGUF_I8 || kv->type == GGUF_I16 || kv->type == GGUF_I32 ||
           kv->type == GGUF_I64;
}

static cril_status wrong_kind(const struct part *p, const char *key, const char *kind,
                              cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: key '%s' is not %s; convert the model again",
                     p->path, key, kind);
}

static cril_status part_uint(const struct part *p, const char *key, uint64_t *out, cril_error *err)
{
    const struct gguf_kv *kv = find_kv(p, key);
    uint64_t v;

    if (!kv)
        return CRIL_OK;
    if (kv->is_array || !is_integer(kv))
        return wrong_kind(p, key, "a whole number", err);
    v = cril_gguf_element_uint(kv, 0);
    if (is_signed(kv) && v > INT64_MAX)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: key '%s' is %" PRId64 ", below 0; convert the model again", p->path,
                         key, (int64_t)v);
    *out = v;
    return CRIL_OK;
}

/* ---- split files ---- */

/* Where "-00001-of-00003.gguf" starts in the path, if it ends so; NULL otherwise. */
static const char *split_suffix(const char *path)
{
    static const char form[] = "-#####-of-#####.gguf";
    size_t n = strlen(path), len = sizeof(form) - 1;

    if (n <= len)
        return NULL;
    path += n - len;
    for (size_t i = 0; i < len; i++)
        if (form[i] == '#' ? path[i] < '0' || path[i] > '9' : path[i] != form[i])
            return NULL;
    return path;
}

static char *part_path(const char *first, const char *suffix, size_t i, uint64_t count)
{
    size_t stem = (size_t)(suffix - first), size = stem + sizeof("-00001-of-00003.gguf");
    char *path = malloc(size);

    if (!path)
        return NULL;
    memcpy(path, first, stem);
    snprintf(path + stem, size - stem, "-%05u-of-%05u.gguf", (unsigned)(i + 1), (unsigned)count);
    return path;
}

/* split.no, and the number of parts in *count (1 if not split). */
static cril_status read_split(const struct part *p, uint64_t *no, uint64_t *count, cril_error *err)
{
    cril_status st;

    *no = 0;
    *count = 1;
    if ((st = part_uint(p, "split.count", count, err)) != CRIL_OK)
        return st;
    if (*count == 0)
        *count = 1;
    return part_uint(p, "split.no", no, err);
}

cril_status cril_gguf_each_file(const char *path, int (*on_file)(void *user, const char *file),
                                void *user, cril_error *err)
{
    const char *suffix = split_suffix(path);
    const size_t count = suffix ? strtoul(suffix + 10, NULL, 10) : 1;
    bool stop = on_file(user, path) != 0;

    for (size_t i = 0; i < count && suffix && !stop; i++) {
        char *file = part_path(path, suffix, i, count);

        if (!file)
            return no_memory(path, err);
        stop = strcmp(file, path) != 0 && on_file(user, file) != 0;
        free(file);
    }
    return stop ? cril_fail(err, CRIL_ERR_CANCELLED, "%s: stopped", path) : CRIL_OK;
}

static cril_status open_other_parts(cril_gguf *g, const char *path, uint64_t count, cril_error *err)
{
    const char *suffix = split_suffix(path);
    struct part *grown;
    cril_status st;

    if (count > 99999 || !suffix || strtoul(suffix + 1, NULL, 10) != 1 ||
        strtoul(suffix + 10, NULL, 10) != count)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: is the first of %" PRIu64 " parts, but its name does not end in "
                         "'-00001-of-%05" PRIu64
                         ".gguf', so the others cannot be found; give it its name back",
                         path, count, count);
    grown = realloc(g->parts, (size_t)count * sizeof(*grown));
    if (!grown)
        return no_memory(path, err);
    g->parts = grown;
    for (size_t i = 1; i < count; i++) {
        struct part *p = &g->parts[i];
        uint64_t its_no, its_count;
        char *its_path = part_path(path, suffix, i, count);

        if (!its_path)
            return no_memory(path, err);
        memset(p, 0, sizeof(*p));
        g->n_parts = i + 1;
        if ((st = open_part(p, its_path, err)) != CRIL_OK)
            return st;
        if ((st = read_split(p, &its_no, &its_count, err)) != CRIL_OK)
            return st;
        if (its_no != i || its_count != count)
            return cril_fail(err, CRIL_ERR_MISMATCH,
                             "%s: says it is part %" PRIu64 " of %" PRIu64
                             ", but its name and the first part say "
                             "%zu of %" PRIu64 "; fetch all parts of one model again",
                             p->path, its_no + 1, its_count, i + 1, count);
    }
    return CRIL_OK;
}

/* Joins the parts' tensors into one list. */
static cril_status join_tensors(cril_gguf *g, cril_error *err)
{
    const char *path = g->parts[0].path;
    size_t n = 0, bytes, twice, at = 0;
    uint64_t said;
    cril_status st;

    for (size_t i = 0; i < g->n_parts; i++)
        n += g->parts[i].n_tensors; /* descriptions all mapped at once: the sum cannot wrap */
    said = n;
    if (g->n_parts > 1 &&
        (st = part_uint(&g->parts[0], "split.tensors.count", &said, err)) != CRIL_OK)
        return st;
    if (said != n)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: its parts have %zu tensors, but split.tensors.count says %" PRIu64
                         "; fetch all parts of one model again",
                         path, n, said);
    if (!cril_size_mul(n ? n : 1, sizeof(*g->tensors), &bytes))
        return no_memory(path, err);
    g->tensors = malloc(bytes);
    g->names = malloc((n ? n : 1) * sizeof(*g->names));
    if (!g->tensors || !g->names)
        return no_memory(path, err);
    for (size_t i = 0; i < g->n_parts; i++)
        for (size_t k = 0; k < g->parts[i].n_tensors; k++, at++) {
            const struct gguf_tensor *t = &g->parts[i].tensors[k];
            g->tensors[at] = *t;
            g->names[at] = (struct entry){{t->name, strlen(t->name)}, at};
        }
    g->n_tensors = n;
    twice = sort_names(g->names, n);
    if (twice < n)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor '%.*s' occurs twice; convert the model again", path,
                         SHOWN(g->names[twice].name));
    return CRIL_OK;
}

cril_status cril_gguf_open(const char *path, cril_gguf **out, cril_error *err)
{
    cril_gguf *g = calloc(1, sizeof(*g));
    size_t n = strlen(path) + 1;
    char *copy = malloc(n);
    uint64_t no, count;
    cril_status st;

    if (g)
        g->parts = calloc(1, sizeof(*g->parts));
    if (!g || !copy || !g->parts) {
        free(copy);
        st = no_memory(path, err);
        goto fail;
    }
    memcpy(copy, path, n);
    g->n_parts = 1;
    g->n_users = 1;
    g->parts[0].path = copy;
    if ((st = cril_misnamed(path, err)) != CRIL_OK ||
        (st = open_part(&g->parts[0], copy, err)) != CRIL_OK)
        goto fail;
    if ((st = read_split(&g->parts[0], &no, &count, err)) != CRIL_OK)
        goto fail;
    if (count > 1 && no != 0) {
        st = cril_fail(err, CRIL_ERR_MISMATCH,
                       "%s: is part %" PRIu64 " of %" PRIu64 "; open the first part, which ends in "
                       "'-00001-of-%05" PRIu64 ".gguf'",
                       path, no == UINT64_MAX ? no : no + 1, count, count);
        goto fail;
    }
    if (count > 1 && (st = open_other_parts(g, path, count, err)) != CRIL_OK)
        goto fail;
    if ((st = join_tensors(g, err)) != CRIL_OK)
        goto fail;
    *out = g;
    return CRIL_OK;
fail:
    cril_gguf_close(g);
    return st;
}

cril_gguf *cril_gguf_share(cril_gguf *g)
{
    g->n_users++;
    return g;
}

void cril_gguf_close(cril_gguf *g)
{
    if (!g || (g->n_users && --g->n_users))
        return;
    for (size_t i = 0; i < g->n_parts; i++)
        close_part(&g->parts[i]);
    free(g->parts);
    free(g->tensors);
    free(g->names);
    free(g);
}

/* ---- looking ---- */

const char *cril_gguf_path(const cril_gguf *g)
{
    return g->parts[0].path;
}

unsigned cril_gguf_version(const cril_gguf *g)
{
    return g->parts[0].version;
}

size_t cril_gguf_parts(const cril_gguf *g)
{
    return g->n_parts;
}

const uint8_t *cril_gguf_part(const cril_gguf *g, size_t i, size_t *len_bytes)
{
    *len_bytes = g->parts[i].map.size;
    return g->parts[i].map.data;
}

cril_status cril_gguf_check(const cril_gguf *g, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < g->n_parts && st == CRIL_OK; i++)
        st = cril_mapfile_check(&g->parts[i].map, g->parts[i].path, err);
    return st;
}

size_t cril_gguf_kv_count(const cril_gguf *g)
{
    return g->parts[0].n_kv;
}

const struct gguf_kv *cril_gguf_kv(const cril_gguf *g, size_t i)
{
    return &g->parts[0].kv[i];
}

const struct gguf_kv *cril_gguf_find(const cril_gguf *g, const char *key)
{
    return find_kv(&g->parts[0], key);
}

bool cril_gguf_was_read(const cril_gguf *g, size_t i)
{
    return g->parts[0].use[i].read;
}

void cril_gguf_set_reason(cril_gguf *g, size_t i, const char *reason)
{
    g->parts[0].use[i].reason = reason;
}

const char *cril_gguf_reason(const cril_gguf *g, size_t i)
{
    return g->parts[0].use[i].reason;
}

size_t cril_gguf_tensor_count(const cril_gguf *g)
{
    return g->n_tensors;
}

const struct gguf_tensor *cril_gguf_tensor(const cril_gguf *g, size_t i)
{
    return &g->tensors[i];
}

const struct gguf_tensor *cril_gguf_find_tensor(const cril_gguf *g, const char *name)
{
    const struct entry *e = find_name(g->names, g->n_tensors, name);

    return e ? &g->tensors[e->i] : NULL;
}

static cril_status require(const cril_gguf *g, const char *key, cril_error *err)
{
    if (cril_gguf_find(g, key))
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: has no key '%s', which the model needs; convert it again",
                     cril_gguf_path(g), key);
}

cril_status cril_gguf_opt_uint(const cril_gguf *g, const char *key, uint64_t *out, cril_error *err)
{
    return part_uint(&g->parts[0], key, out, err);
}

cril_status cril_gguf_opt_float(const cril_gguf *g, const char *key, double *out, cril_error *err)
{
    const struct gguf_kv *kv = cril_gguf_find(g, key);
    double v;

    if (!kv)
        return CRIL_OK;
    if (kv->is_array || (kv->type != GGUF_F32 && kv->type != GGUF_F64))
        return wrong_kind(&g->parts[0], key, "a floating-point number", err);
    v = cril_gguf_element_float(kv, 0);
    if (!isfinite(v))
        return wrong_kind(&g->parts[0], key, "finite", err);
    *out = v;
    return CRIL_OK;
}

cril_status cril_gguf_opt_bool(const cril_gguf *g, const char *key, bool *out, cril_error *err)
{
    const struct gguf_kv *kv = cril_gguf_find(g, key);

    if (!kv)
        return CRIL_OK;
    if (kv->is_array || kv->type != GGUF_BOOL)
        return wrong_kind(&g->parts[0], key, "a truth value", err);
    *out = kv->data[0] != 0;
    return CRIL_OK;
}

cril_status cril_gguf_uint(const cril_gguf *g, const char *key, uint64_t *out, cril_error *err)
{
    cril_status st = require(g, key, err);

    return st == CRIL_OK ? cril_gguf_opt_uint(g, key, out, err) : st;
}

cril_status cril_gguf_float(const cril_gguf *g, const char *key, double *out, cril_error *err)
{
    cril_status st = require(g, key, err);

    return st == CRIL_OK ? cril_gguf_opt_float(g, key, out, err) : st;
}

cril_status cril_gguf_bool(const cril_gguf *g, const char *key, bool *out, cril_error *err)
{
    cril_status st = require(g, key, err);

    return st == CRIL_OK ? cril_gguf_opt_bool(g, key, out, err) : st;
}

cril_status cril_gguf_string(const cril_gguf *g, const char *key, struct gguf_string *out,
                             cril_error *err)
{
    const struct gguf_kv *kv = cril_gguf_find(g, key);

    if (!kv)
        return require(g, key, err);
    if (kv->is_array || kv->type != GGUF_STRING)
        return wrong_kind(&g->parts[0], key, "a text", err);
    *out = kv->strings[0];
    return CRIL_OK;
}
