#include "formats/reader.h"

#include "formats/members.h"
#include "formats/misnamed.h"
#include "util/fail.h"
#include "util/size.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory while reading its header", path);
}

/* ---- Filling ---- */

static void close_file(struct cril_source_file *f)
{
    cril_mapfile_close(&f->map);
    free(f->path);
}

cril_status cril_source_add_file(struct cril_source *s, const char *path, size_t *i,
                                 cril_error *err)
{
    static const char pointer[] = "version https://git-lfs";
    struct cril_source_file *grown = realloc(s->files, (s->n_files + 1) * sizeof(*grown));
    char *copy = strdup(path);
    struct cril_mapfile *map;
    cril_status st;

    if (grown)
        s->files = grown;
    if (!grown || !copy) {
        free(copy);
        return no_memory(path, err);
    }
    *i = s->n_files++;
    s->files[*i] = (struct cril_source_file){.path = copy};
    if ((st = cril_mapfile_open(path, map = &s->files[*i].map, err)) == CRIL_OK &&
        map->size >= sizeof(pointer) - 1 && memcmp(map->data, pointer, sizeof(pointer) - 1) == 0)
        st = cril_fail(
            err, CRIL_ERR_FORMAT,
            "%s: is a Git LFS pointer, not the file; run 'git lfs pull' in its repository", path);
    if (st != CRIL_OK)
        close_file(&s->files[--s->n_files]);
    return st;
}

cril_status cril_source_add_tensor(struct cril_source *s, const struct cril_tensor *t,
                                   cril_error *err)
{
    struct cril_tensor *grown =
        cril_size_grow(s->tensors, &s->tensor_capacity, s->n_tensors, 1, sizeof(*grown));

    if (!grown)
        return no_memory(s->path, err);
    s->tensors = grown;
    grown[s->n_tensors++] = *t;
    return CRIL_OK;
}

cril_status cril_tensor_measure(struct cril_tensor *t, const char *path, cril_error *err)
{
    const struct cril_dtype_info *const d = &cril_dtypes[t->type];
    uint64_t n = 1;

    for (unsigned k = 0; k < t->n_dims; k++) {
        if (t->ne[k] == 0)
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s: tensor '%.80s' has a dimension of 0; " CRIL_DAMAGED, path,
                             t->name);
        if (n > UINT64_MAX / t->ne[k])
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s: tensor '%.80s' has more than 2^64 elements; " CRIL_DAMAGED, path,
                             t->name);
        n *= t->ne[k];
    }
    if (t->ne[0] % d->block_len)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor '%.80s' has rows of %" PRIu64
                         " elements, but type %s stores blocks of %u; "
                         "convert the model again",
                         path, t->name, t->ne[0], d->name, d->block_len);
    if (!cril_dtype_bytes(t->type, n, &t->bytes))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor '%.80s' has more than 2^64 bytes; " CRIL_DAMAGED, path,
                         t->name);
    return CRIL_OK;
}

static int compare_places(const void *a, const void *b)
{
    const struct cril_tensor *x = *(const struct cril_tensor *const *)a;
    const struct cril_tensor *y = *(const struct cril_tensor *const *)b;

    return (x->data > y->data) - (x->data < y->data);
}

cril_status cril_tensors_check_overlaps(const struct cril_tensor *tensors, size_t n,
                                        const char *path, cril_error *err)
{
    const struct cril_tensor **by_place;
    cril_status st = CRIL_OK;

    if (n < 2)
        return CRIL_OK;
    by_place = malloc(n * sizeof(*by_place)); /* fewer bytes than tensors has */
    if (!by_place)
        return no_memory(path, err);
    for (size_t i = 0; i < n; i++)
        by_place[i] = &tensors[i];
    qsort(by_place, n, sizeof(*by_place), compare_places);
    for (size_t i = 1; i < n && st == CRIL_OK; i++)
        if (by_place[i - 1]->data + by_place[i - 1]->bytes > by_place[i]->data)
            st = cril_fail(err, CRIL_ERR_FORMAT,
                           "%s: tensors '%.80s' and '%.80s' lie over each other; " CRIL_DAMAGED,
                           path, by_place[i - 1]->name, by_place[i]->name);
    free(by_place);
    return st;
}

cril_status cril_source_finish(struct cril_source *s, cril_error *err)
{
    const size_t n = s->n_tensors;
    size_t twice;

    if (!(s->tensor_names = malloc((n + 1) * sizeof(*s->tensor_names))))
        return no_memory(s->path, err);
    for (size_t i = 0; i < n; i++)
        s->tensor_names[i] =
            (struct cril_named){{s->tensors[i].name, strlen(s->tensors[i].name)}, i};
    twice = cril_names_sort(s->tensor_names, n);
    if (twice < n)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor '%.*s' occurs twice; convert the model again", s->path,
                         CRIL_SHOWN(s->tensor_names[twice].name));
    return CRIL_OK;
}

/* ---- Life ---- */

static const struct cril_format *const formats[] = {&cril_format_hf, &cril_format_gguf};

static const struct cril_format *format_of(const char *path)
{
    size_t i = 0;

    while (!formats[i]->claims(path)) /* the last one claims all */
        i++;
    return formats[i];
}

cril_status cril_source_open(const char *path, struct cril_source **out, cril_error *err)
{
    struct cril_source *s = calloc(1, sizeof(*s));
    cril_status st;

    if (!s || !(s->path = strdup(path))) {
        free(s);
        return no_memory(path, err);
    }
    s->n_users = 1;
    s->values.path = s->path;
    s->format = format_of(path);
    if ((st = cril_misnamed(path, err)) != CRIL_OK || (st = s->format->read(s, err)) != CRIL_OK ||
        (st = cril_source_finish(s, err)) != CRIL_OK) {
        cril_source_close(s);
        return st;
    }
    *out = s;
    return CRIL_OK;
}

struct cril_source *cril_source_share(struct cril_source *s)
{
    s->n_users++;
    return s;
}

void cril_source_close(struct cril_source *s)
{
    if (!s || --s->n_users)
        return;
    for (size_t i = 0; i < s->n_files; i++)
        close_file(&s->files[i]);
    cril_values_free(&s->values);
    cril_arena_free(&s->arena);
    free(s->files);
    free(s->tensors);
    free(s->tensor_names);
    free(s->path);
    free(s);
}

cril_status cril_source_each_file(const char *path, int (*on_file)(void *user, const char *file),
                                  void *user, cril_error *err)
{
    return format_of(path)->each_file(path, on_file, user, err);
}

/* ---- Looking ---- */

const char *cril_source_path(const struct cril_source *s)
{
    return s->path;
}

const char *cril_source_format(const struct cril_source *s)
{
    return s->format->name;
}

unsigned cril_source_version(const struct cril_source *s)
{
    return s->version;
}

bool cril_source_is_folder(const struct cril_source *s)
{
    return s->folder != NULL;
}

struct cril_values *cril_source_values(const struct cril_source *s)
{
    return (struct cril_values *)&s->values;
}

size_t cril_source_files(const struct cril_source *s)
{
    return s->n_files;
}

const uint8_t *cril_source_file(const struct cril_source *s, size_t i, size_t *len_bytes)
{
    *len_bytes = s->files[i].map.size;
    return s->files[i].map.data;
}

static size_t find_file(const struct cril_source *s, const char *path)
{
    size_t i = 0;

    while (i < s->n_files && strcmp(s->files[i].path, path) != 0)
        i++;
    return i;
}

/* Maps the member of that name, if there is one and it is not mapped. */
static cril_status map_member(struct cril_source *s, const char *name, const uint8_t **data,
                              size_t *len, cril_error *err)
{
    char *const path = cril_member_path(s->folder, name);
    cril_status st = CRIL_OK;
    size_t i;

    if (!path)
        return no_memory(s->path, err);
    if ((i = find_file(s, path)) == s->n_files && cril_member_exists(s->folder, name))
        st = cril_source_add_file(s, path, &i, err);
    if (st == CRIL_OK && i < s->n_files) {
        *len = s->files[i].map.size;
        *data = *len ? s->files[i].map.data : (const uint8_t *)"";
    }
    free(path);
    return st;
}

cril_status cril_source_read(struct cril_source *s, const char *name, const uint8_t **data,
                             size_t *len, cril_error *err)
{
    struct cril_members matching = {0};
    cril_status st = CRIL_OK;

    *data = NULL;
    *len = 0;
    if (!s->folder)
        return CRIL_OK;
    if (!strchr(name, '*'))
        return map_member(s, name, data, len, err);
    st = cril_members_list(s->folder, name, &s->arena, &matching, err);
    if (st == CRIL_OK && matching.n)
        st = map_member(s, matching.names[0], data, len, err);
    free(matching.names);
    return st;
}

cril_status cril_source_check(const struct cril_source *s, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < s->n_files && st == CRIL_OK; i++)
        st = cril_mapfile_check(&s->files[i].map, s->files[i].path, err);
    return st;
}

size_t cril_source_tensor_count(const struct cril_source *s)
{
    return s->n_tensors;
}

const struct cril_tensor *cril_source_tensor(const struct cril_source *s, size_t i)
{
    return &s->tensors[i];
}

const struct cril_tensor *cril_source_find_tensor(const struct cril_source *s, const char *name)
{
    const struct cril_named *e = cril_names_find(s->tensor_names, s->n_tensors, name);

    return e ? &s->tensors[e->i] : NULL;
}
