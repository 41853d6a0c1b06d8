#include "formats/safetensors.h"

#include "formats/reader.h"
#include "util/cursor.h"
#include "util/fail.h"
#include "util/json.h"
#include "util/size.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100000000 }; /* bytes; the limit of the library that defines the format */

struct header {
    const char *path;
    const uint8_t *data; /* [len]: what follows the header */
    size_t len;
    struct cril_arena *arena;
    struct cril_safetensors *list;
};

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory while reading its header", path);
}

static cril_status malformed(const struct header *h, const char *name, const char *what,
                             cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: tensor '%.80s' has no proper %s; " CRIL_DAMAGED,
                     h->path, name, what);
}

/* ---- A description ---- */

/* A list of integers >= 0. */
static bool is_counts(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *const x = json_array_get(list, i);

        if (!json_is_integer(x) || json_integer_value(x) < 0)
            return false;
    }
    return json_is_array(list);
}

static uint64_t count_at(const json_t *list, size_t i)
{
    return (uint64_t)json_integer_value(json_array_get(list, i));
}

static cril_status read_place(const struct header *h, const json_t *offsets,
                              struct cril_safetensor *t, cril_error *err)
{
    uint64_t from, to;

    if (!is_counts(offsets) || json_array_size(offsets) != 2 ||
        (from = count_at(offsets, 0)) > (to = count_at(offsets, 1)))
        return malformed(h, t->name, "data_offsets", err);
    if (to > h->len)
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: tensor '%.80s' ends at byte %" PRIu64
                         " of the data, of which the file has %zu; " CRIL_DAMAGED,
                         h->path, t->name, to, h->len);
    t->data = h->data + (size_t)from;
    t->bytes = to - from;
    return CRIL_OK;
}

static cril_status read_tensor(const struct header *h, const char *name, const json_t *o,
                               cril_error *err)
{
    const json_t *const type = json_object_get(o, "dtype"), *const shape =
                                                                json_object_get(o, "shape");
    struct cril_safetensors *const list = h->list;
    struct cril_safetensor t = {.path = h->path, .shape = {1, 1, 1, 1}}, *grown;
    cril_status st;

    t.name = cril_arena_text(h->arena, name, strlen(name));
    t.type = cril_arena_text(h->arena, json_is_string(type) ? json_string_value(type) : "",
                             json_string_length(type));
    grown = cril_size_grow(list->items, &list->capacity, list->n, 1, sizeof(*grown));
    if (!t.name || !t.type || !grown)
        return no_memory(h->path, err);
    list->items = grown;
    if (!json_is_string(type) || strlen(t.type) != json_string_length(type))
        return malformed(h, name, "dtype", err);
    if (!is_counts(shape))
        return malformed(h, name, "shape", err);
    t.n_dims = json_array_size(shape);
    for (size_t i = 0; i < 4 && i < t.n_dims; i++)
        t.shape[i] = count_at(shape, i);
    if ((st = read_place(h, json_object_get(o, "data_offsets"), &t, err)) == CRIL_OK)
        grown[list->n++] = t;
    return st;
}

/* ---- A file ---- */

static int compare_places(const void *a, const void *b)
{
    const struct cril_safetensor *x = *(const struct cril_safetensor *const *)a;
    const struct cril_safetensor *y = *(const struct cril_safetensor *const *)b;

    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* The tensors from first on fill the data. */
static cril_status check_places(const struct header *h, size_t first, cril_error *err)
{
    const size_t n = h->list->n - first;
    const struct cril_safetensor **sorted = calloc(n + 1, sizeof(*sorted));
    const uint8_t *at = h->data;
    cril_status st = CRIL_OK;

    if (!sorted)
        return no_memory(h->path, err);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &h->list->items[first + i];
    if (n)
        qsort(sorted, n, sizeof(*sorted), compare_places);
    for (size_t i = 0; i < n && st == CRIL_OK; i++) {
        if (sorted[i]->data != at)
            st = cril_fail(err, CRIL_ERR_FORMAT,
                           "%s: tensor '%.80s' starts at byte %zu of the data, but the one before "
                           "it ends at byte %zu; " CRIL_DAMAGED,
                           h->path, sorted[i]->name, (size_t)(sorted[i]->data - h->data),
                           (size_t)(at - h->data));
        at = sorted[i]->data + (size_t)sorted[i]->bytes;
    }
    free(sorted);
    if (st == CRIL_OK && (size_t)(at - h->data) != h->len)
        st = cril_fail(err, CRIL_ERR_FORMAT,
                       "%s: has %zu bytes of data, but its tensors end at byte %zu; " CRIL_DAMAGED,
                       h->path, h->len, (size_t)(at - h->data));
    return st;
}

static cril_status read_tensors(const struct header *h, json_t *root, cril_error *err)
{
    const size_t first = h->list->n;
    cril_status st = CRIL_OK;

    if (!json_is_object(root))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: its header is no JSON object; " CRIL_DAMAGED,
                         h->path);
    for (void *i = json_object_iter(root); i && st == CRIL_OK; i = json_object_iter_next(root, i))
        if (strcmp(json_object_iter_key(i), "__metadata__") != 0)
            st = read_tensor(h, json_object_iter_key(i), json_object_iter_value(i), err);
    return st == CRIL_OK ? check_places(h, first, err) : st;
}

cril_status cril_safetensors_list(const char *path, const uint8_t *data, size_t len,
                                  struct cril_arena *arena, struct cril_safetensors *list,
                                  cril_error *err)
{
    struct cril_cursor c = cril_cursor_of(data, len);
    struct header h = {.path = path, .arena = arena, .list = list};
    const uint8_t *text;
    json_t *root;
    uint64_t n;
    cril_status st;

    if (!cril_cursor_u64(&c, &n))
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: has %zu bytes, too few for safetensors; " CRIL_DAMAGED, path, len);
    if (n > MAX_HEADER)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: is no safetensors file: it says that its header has %" PRIu64
                         " bytes, but the format allows %d; fetch it again",
                         path, n, MAX_HEADER);
    if (!cril_cursor_take(&c, n, &text))
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: has %zu bytes, but its header alone has %" PRIu64 "; " CRIL_DAMAGED,
                         path, len, n);
    h.data = data + c.pos;
    h.len = cril_cursor_left(&c);
    if ((st = cril_json_parse(path, text, (size_t)n, &root, err)) != CRIL_OK)
        return st;
    st = read_tensors(&h, root, err);
    json_decref(root);
    return st;
}

/* ---- A tensor ---- */

static bool find_type(const char *name, enum cril_dtype *out)
{
    static const enum cril_dtype types[] = {CRIL_F32, CRIL_F16, CRIL_BF16};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(name, cril_dtypes[types[i]].name) == 0) {
            *out = types[i];
            return true;
        }
    return false;
}

cril_status cril_safetensor_take(const struct cril_safetensor *from, const char *name,
                                 struct cril_tensor *out, cril_error *err)
{
    struct cril_tensor t = {.name = name, .ne = {1, 1, 1, 1}, .data = from->data};
    cril_status st;

    if (!find_type(from->type, &t.type))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: tensor '%.80s' has type %.20s, but cril computes with F32, F16 and "
                         "BF16; use the model in one of these, or a GGUF file of it",
                         from->path, from->name, from->type);
    if (from->n_dims > 4)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: tensor '%.80s' has %zu dimensions, but cril reads at most 4",
                         from->path, from->name, from->n_dims);
    t.n_dims = (unsigned)from->n_dims;
    for (size_t i = 0; i < t.n_dims; i++)
        t.ne[i] = from->shape[t.n_dims - 1 - i];
    if ((st = cril_tensor_measure(&t, from->path, err)) != CRIL_OK)
        return st;
    if (t.bytes != from->bytes)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor '%.80s' has %" PRIu64 " bytes, but its shape and type make "
                         "%" PRIu64 "; " CRIL_DAMAGED,
                         from->path, from->name, from->bytes, t.bytes);
    *out = t;
    return CRIL_OK;
}
