/*
 * GGUF v2 and v3. A file is: magic, version, counts, metadata, tensor descriptions, padding, data.
 *
 * One pass reads a part with a bounded cursor; counts are compared with the bytes that are left
 * before anything is allocated, so memory stays within a small multiple of the file's size. Names
 * are then sorted, which finds duplicates and serves look-ups; tensor extents are sorted, which
 * finds overlaps. Not read: version 1, big-endian files, arrays of arrays. Spec:
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
#include "formats/reader.h"

#include "util/cursor.h"
#include "util/fail.h"
#include "util/size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MIN_KV_BYTES = 8 + 4 + 1,         /* key length, type, one byte of value */
    MIN_TENSOR_BYTES = 8 + 4 + 4 + 8, /* name length, dimensions, type, offset */
    DEFAULT_ALIGNMENT = 32
};

struct part {
    struct cril_source *source;
    const char *path;               /* owned by the source's file */
    const struct cril_mapfile *map; /* likewise */
    struct cril_cursor c;
    uint32_t version;
    struct cril_values values;
};

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory while reading its header", path);
}

/* ---- metadata ---- */

static cril_status read_string(struct part *p, const char *what, struct cril_bytes *out,
                               cril_error *err)
{
    const uint8_t *data;
    size_t at = p->c.pos;
    uint64_t len;

    if (!cril_cursor_u64(&p->c, &len))
        return cril_fail(err, CRIL_ERR_TRUNCATED, "%s: ends at byte %zu, inside %s; " CRIL_DAMAGED,
                         p->path, p->c.size, what);
    if (!cril_cursor_take(&p->c, len, &data))
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: %s at byte %zu says it has %" PRIu64
                         " bytes, but %zu are left; " CRIL_DAMAGED,
                         p->path, what, at, len, cril_cursor_left(&p->c));
    out->data = (const char *)data;
    out->len = (size_t)len;
    return CRIL_OK;
}

static cril_status cut_off(const struct part *p, const struct cril_value *kv, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_TRUNCATED,
                     "%s: the value of key '%.*s' (%" PRIu64
                     " elements) goes past the end of the file, "
                     "%zu bytes; " CRIL_DAMAGED,
                     p->path, CRIL_SHOWN(kv->key), kv->n, p->c.size);
}

static cril_status read_strings(struct part *p, struct cril_value *kv, cril_error *err)
{
    struct cril_bytes *strings;
    cril_status st;

    if (kv->n > cril_cursor_left(&p->c) / 8)
        return cut_off(p, kv, err);
    if (!(strings = cril_arena_take(&p->values.arena, (size_t)kv->n + 1, sizeof(*strings))))
        return no_memory(p->path, err);
    kv->strings = strings;
    for (uint64_t i = 0; i < kv->n; i++)
        if ((st = read_string(p, "a text in the metadata", &strings[i], err)) != CRIL_OK)
            return st;
    return CRIL_OK;
}

static cril_status read_numbers(struct part *p, struct cril_value *kv, cril_error *err)
{
    uint64_t size = cril_value_type_bytes(kv->type);

    if (kv->n > cril_cursor_left(&p->c) / size || !cril_cursor_take(&p->c, kv->n * size, &kv->data))
        return cut_off(p, kv, err);
    if (kv->type == CRIL_VALUE_BOOL)
        for (uint64_t i = 0; i < kv->n; i++)
            if (kv->data[i] > 1)
                return cril_fail(err, CRIL_ERR_FORMAT,
                                 "%s: key '%.*s' has the truth value %u, which is neither 0 nor "
                                 "1; " CRIL_DAMAGED,
                                 p->path, CRIL_SHOWN(kv->key), kv->data[i]);
    return CRIL_OK;
}

static cril_status read_kv(struct part *p, struct cril_value *kv, cril_error *err)
{
    cril_status st = read_string(p, "a metadata key", &kv->key, err);
    uint32_t type;

    if (st != CRIL_OK)
        return st;
    kv->n = 1;
    if (!cril_cursor_u32(&p->c, &type))
        return cut_off(p, kv, err);
    if (type == CRIL_VALUE_ARRAY) {
        kv->is_array = true;
        if (!cril_cursor_u32(&p->c, &type) || !cril_cursor_u64(&p->c, &kv->n))
            return cut_off(p, kv, err);
        if (type == CRIL_VALUE_ARRAY)
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: key '%.*s' is an array of arrays, which cril does not read; "
                             "convert the model again without that key",
                             p->path, CRIL_SHOWN(kv->key));
    }
    if (type > CRIL_VALUE_F64)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: key '%.*s' has value type %" PRIu32
                         ", but GGUF defines 0 to 12; " CRIL_DAMAGED,
                         p->path, CRIL_SHOWN(kv->key), type);
    kv->type = (enum cril_value_type)type;
    return type == CRIL_VALUE_STRING ? read_strings(p, kv, err) : read_numbers(p, kv, err);
}

static cril_status read_metadata(struct part *p, uint64_t n, cril_error *err)
{
    cril_status st;

    if (n > cril_cursor_left(&p->c) / MIN_KV_BYTES)
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: says it has %" PRIu64
                         " metadata keys, more than its %zu bytes can hold; " CRIL_DAMAGED,
                         p->path, n, p->c.size);
    for (uint64_t i = 0; i < n; i++) {
        struct cril_value kv = {0};

        if ((st = read_kv(p, &kv, err)) != CRIL_OK ||
            (st = cril_values_add(&p->values, &kv, err)) != CRIL_OK)
            return st;
    }
    return cril_values_sort(&p->values, err);
}

/* ---- tensors ---- */

static cril_status read_shape(struct part *p, struct cril_tensor *t, uint32_t type_id,
                              cril_error *err)
{
    if (!cril_dtype_from_gguf(type_id, &t->type))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: tensor '%.80s' has type %s (number %" PRIu32
                         "), which cril does not read; "
                         "use a file of this model in Q4_K_M, Q8_0 or F16",
                         p->path, t->name, cril_dtype_gguf_name(type_id), type_id);
    return cril_tensor_measure(t, p->path, err);
}

/* A description. The offset goes to *offset, since the data's start is known only after the last
 * one. */
static cril_status read_tensor(struct part *p, struct cril_tensor *t, uint64_t *offset,
                               cril_error *err)
{
    struct cril_bytes name;
    cril_status st = read_string(p, "a tensor's name", &name, err);
    uint32_t type_id;
    bool there;
    char *copy;

    if (st != CRIL_OK)
        return st;
    if (name.len && memchr(name.data, 0, name.len))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: the name of tensor '%.*s' has a zero byte; " CRIL_DAMAGED, p->path,
                         CRIL_SHOWN(name));
    if (!(copy = cril_arena_text(&p->source->arena, name.data, name.len)))
        return no_memory(p->path, err);
    t->name = copy;

    there = cril_cursor_u32(&p->c, &t->n_dims);
    if (there && t->n_dims > 4)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor '%.80s' has %u dimensions, but GGUF allows 4; " CRIL_DAMAGED,
                         p->path, t->name, t->n_dims);
    for (unsigned k = 0; k < 4; k++)
        t->ne[k] = 1;
    for (unsigned k = 0; there && k < t->n_dims; k++)
        there = cril_cursor_u64(&p->c, &t->ne[k]);
    if (!there || !cril_cursor_u32(&p->c, &type_id) || !cril_cursor_u64(&p->c, offset))
        return cril_fail(
            err, CRIL_ERR_TRUNCATED,
            "%s: ends at byte %zu, inside the description of tensor '%.80s'; " CRIL_DAMAGED,
            p->path, p->c.size, t->name);
    return read_shape(p, t, type_id, err);
}

static cril_status find_alignment(const struct part *p, size_t *out, cril_error *err)
{
    const struct cril_value *kv = cril_values_find(&p->values, "general.alignment");
    uint32_t a;

    *out = DEFAULT_ALIGNMENT;
    if (!kv)
        return CRIL_OK;
    if (kv->is_array || kv->type != CRIL_VALUE_U32)
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

static cril_status place_tensor(const struct part *p, struct cril_tensor *t, size_t start,
                                uint64_t offset, size_t alignment, cril_error *err)
{
    size_t room = start < p->map->size ? p->map->size - start : 0; /* bytes of the data section */

    if (offset % alignment)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tensor '%.80s' starts at offset %" PRIu64
                         ", not a multiple of the alignment %zu; " CRIL_DAMAGED,
                         p->path, t->name, offset, alignment);
    if (offset > room || t->bytes > room - offset)
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: tensor '%.80s' (%" PRIu64 " bytes at offset %" PRIu64
                         " of the data) goes past the end of the file, which has %zu bytes of "
                         "data; " CRIL_DAMAGED,
                         p->path, t->name, t->bytes, offset, room);
    t->data = p->map->data + start + (size_t)offset;
    return CRIL_OK;
}

static cril_status read_tensors(struct part *p, uint64_t n, cril_error *err)
{
    struct cril_tensor *tensors;
    uint64_t *offsets;
    size_t alignment, start;
    cril_status st;

    if (n > cril_cursor_left(&p->c) / MIN_TENSOR_BYTES)
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: says it has %" PRIu64
                         " tensors, more than its %zu bytes can hold; " CRIL_DAMAGED,
                         p->path, n, p->c.size);
    if ((st = find_alignment(p, &alignment, err)) != CRIL_OK)
        return st;
    tensors = calloc((size_t)n + 1, sizeof(*tensors));
    offsets = calloc((size_t)n + 1, sizeof(*offsets));
    if (!tensors || !offsets)
        st = no_memory(p->path, err);
    for (size_t i = 0; i < n && st == CRIL_OK; i++)
        st = read_tensor(p, &tensors[i], &offsets[i], err);
    if (!cril_size_add(p->c.pos, (alignment - p->c.pos % alignment) % alignment, &start))
        start = SIZE_MAX;
    for (size_t i = 0; i < n && st == CRIL_OK; i++)
        if ((st = place_tensor(p, &tensors[i], start, offsets[i], alignment, err)) == CRIL_OK)
            st = cril_source_add_tensor(p->source, &tensors[i], err);
    if (st == CRIL_OK)
        st = cril_tensors_check_overlaps(tensors, (size_t)n, p->path, err);
    free(tensors);
    free(offsets);
    return st;
}

/* ---- a part ---- */

static cril_status read_header(struct part *p, uint64_t *n_tensors, uint64_t *n_kv, cril_error *err)
{
    const uint8_t *magic;

    if (p->map->size == 0)
        return cril_fail(err, CRIL_ERR_TRUNCATED, "%s: is empty; fetch it again", p->path);
    if (!cril_cursor_take(&p->c, 4, &magic) || memcmp(magic, "GGUF", 4) != 0)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: not a GGUF file (it does not start with 'GGUF'); name a GGUF file, "
                         "or the folder of a model with its config.json and *.safetensors",
                         p->path);
    if (!cril_cursor_u32(&p->c, &p->version))
        return cril_fail(err, CRIL_ERR_TRUNCATED, "%s: ends inside its header; " CRIL_DAMAGED,
                         p->path);
    if (p->version && (p->version & 0xffff) == 0)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: is a big-endian GGUF file; use the little-endian one", p->path);
    if (p->version != 2 && p->version != 3)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: is GGUF version %" PRIu32
                         ", but cril reads 2 and 3; convert the model again",
                         p->path, p->version);
    if (!cril_cursor_u64(&p->c, n_tensors) || !cril_cursor_u64(&p->c, n_kv))
        return cril_fail(err, CRIL_ERR_TRUNCATED, "%s: ends inside its header; " CRIL_DAMAGED,
                         p->path);
    return CRIL_OK;
}

/* Reads one more file of source. On success and failure p->values are the caller's. */
static cril_status read_part(struct part *p, struct cril_source *source, const char *path,
                             cril_error *err)
{
    uint64_t n_tensors, n_kv;
    cril_status st;
    size_t i;

    *p = (struct part){.source = source};
    if ((st = cril_source_add_file(source, path, &i, err)) != CRIL_OK)
        return st;
    p->path = p->values.path = source->files[i].path;
    p->map = &source->files[i].map;
    p->c = cril_cursor_of(p->map->data, p->map->size);
    if ((st = read_header(p, &n_tensors, &n_kv, err)) != CRIL_OK)
        return st;
    if ((st = read_metadata(p, n_kv, err)) != CRIL_OK)
        return st;
    return read_tensors(p, n_tensors, err);
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
    if ((st = cril_values_opt_uint(&p->values, "split.count", count, err)) != CRIL_OK)
        return st;
    if (*count == 0)
        *count = 1;
    return cril_values_opt_uint(&p->values, "split.no", no, err);
}

static cril_status each_file(const char *path, int (*on_file)(void *user, const char *file),
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

static cril_status read_other_part(struct cril_source *s, char *path, size_t i, uint64_t count,
                                   cril_error *err)
{
    struct part p;
    uint64_t its_no = 0, its_count = 0;
    cril_status st = read_part(&p, s, path, err);

    if (st == CRIL_OK && (st = read_split(&p, &its_no, &its_count, err)) == CRIL_OK &&
        (its_no != i || its_count != count))
        st = cril_fail(err, CRIL_ERR_MISMATCH,
                       "%s: says it is part %" PRIu64 " of %" PRIu64
                       ", but its name and the first part say "
                       "%zu of %" PRIu64 "; fetch all parts of one model again",
                       path, its_no + 1, its_count, i + 1, count);
    cril_values_free(&p.values);
    return st;
}

static cril_status read_other_parts(struct cril_source *s, uint64_t count, cril_error *err)
{
    const char *const path = s->path, *suffix = split_suffix(path);
    cril_status st = CRIL_OK;

    if (count > 99999 || !suffix || strtoul(suffix + 1, NULL, 10) != 1 ||
        strtoul(suffix + 10, NULL, 10) != count)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: is the first of %" PRIu64 " parts, but its name does not end in "
                         "'-00001-of-%05" PRIu64
                         ".gguf', so the others cannot be found; give it its name back",
                         path, count, count);
    for (size_t i = 1; i < count && st == CRIL_OK; i++) {
        char *its_path = part_path(path, suffix, i, count);

        st = its_path ? read_other_part(s, its_path, i, count, err) : no_memory(path, err);
        free(its_path);
    }
    return st;
}

static cril_status check_count(const struct cril_source *s, cril_error *err)
{
    uint64_t said = s->n_tensors;
    const cril_status st = cril_values_opt_uint(&s->values, "split.tensors.count", &said, err);

    if (st != CRIL_OK || said == s->n_tensors)
        return st;
    return cril_fail(err, CRIL_ERR_MISMATCH,
                     "%s: its parts have %zu tensors, but split.tensors.count says %" PRIu64
                     "; fetch all parts of one model again",
                     s->path, s->n_tensors, said);
}

static cril_status read_all(struct cril_source *s, cril_error *err)
{
    uint64_t no, count;
    struct part first;
    cril_status st = read_part(&first, s, s->path, err);

    s->version = first.version;
    s->values = first.values;
    s->values.path = s->path;
    if (st != CRIL_OK || (st = read_split(&first, &no, &count, err)) != CRIL_OK)
        return st;
    if (count > 1 && no != 0)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: is part %" PRIu64 " of %" PRIu64
                         "; open the first part, which ends in '-00001-of-%05" PRIu64 ".gguf'",
                         s->path, no == UINT64_MAX ? no : no + 1, count, count);
    if (count > 1 && ((st = read_other_parts(s, count, err)) != CRIL_OK ||
                      (st = check_count(s, err)) != CRIL_OK))
        return st;
    return CRIL_OK;
}

static char *name_of(const struct cril_source *s)
{
    const struct cril_value *said = cril_values_find(&s->values, "general.name");
    const char *slash = strrchr(s->path, '/'), *base = slash ? slash + 1 : s->path,
               *dot = strrchr(base, '.');

    if (said && said->type == CRIL_VALUE_STRING && !said->is_array && said->strings[0].len)
        return strndup(said->strings[0].data, said->strings[0].len);
    return strndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

/* The format of any file that no other one claims. */
static bool claims(const char *path)
{
    return path != NULL;
}

static cril_status look(const char *path, cril_error *err)
{
    char magic[4];
    struct stat info;
    FILE *f;
    size_t n;

    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return cril_fail(err, CRIL_ERR_IO,
                         "%s: is a pipe or a device; name a GGUF file or a model's folder", path);
    if (!(f = fopen(path, "rb")))
        return cril_fail(err, CRIL_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    n = fread(magic, 1, sizeof(magic), f);
    fclose(f);
    if (n < sizeof(magic) || memcmp(magic, "GGUF", 4) != 0)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: is not a GGUF file (it does not begin with 'GGUF')", path);
    return CRIL_OK;
}

const struct cril_format cril_format_gguf = {"GGUF", claims, read_all, name_of, look, each_file};
