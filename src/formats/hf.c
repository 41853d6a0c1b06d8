/*
 * A model's folder as Hugging Face's libraries write it: config.json, weights in one or several
 * safetensors files, and the tokenizer's files, which cril_source_read gives.
 *
 * Weights are model.safetensors; else the files that model.safetensors.index.json names, each of
 * which must hold the tensors that the index says, and no others; else model-00001-of-00003 and so
 * on. Tensors have the names of the file, but for a text model inside another one (text_config):
 * there the prefix "language_model." goes, and what has neither it nor "lm_head." is another
 * model's. Buffers that are no weights are left out (is_buffer).
 *
 * Files count in this order: config.json, the index, the weights by name, those of the tokenizer,
 * all that are there. What cril does not read: hf_refuse.c.
 */
#include "formats/folder_path.h"
#include "formats/hf_config.h"
#include "formats/hf_refuse.h"
#include "formats/members.h"
#include "formats/reader.h"
#include "formats/safetensors.h"
#include "util/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG "config.json"
#define WEIGHTS "model.safetensors"
#define INDEX "model.safetensors.index.json"

/* What tokenizers are made of. */
static const char *const others[] = {"tokenizer.json",
                                     "tokenizer.model",
                                     "tokenizer_config.json",
                                     "generation_config.json",
                                     "special_tokens_map.json",
                                     "added_tokens.json",
                                     "vocab.json",
                                     "merges.txt",
                                     "*.tiktoken"};

struct folder {
    struct cril_source *source;
    const char *given;           /* the file in it that names it; NULL: none does */
    json_t *config, *map;        /* map: the index's, from tensors to files; NULL: no index */
    struct cril_members weights; /* names of files */
    struct cril_safetensors tensors;
};

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
}

/* ---- Which weights ---- */

/* Adds the file that the index names for a tensor, unless it is the one that was added last. */
static cril_status add_indexed(const char *path, const char *tensor, const json_t *file,
                               struct cril_arena *arena, struct cril_members *files,
                               cril_error *err)
{
    const char *const name = json_string_value(file);

    if (!name || strlen(name) != json_string_length(file) ||
        !cril_member_matches("*.safetensors", name) || strchr(name, '/'))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: says that tensor '%.80s' is in '%.80s', which is no name of a "
                         "safetensors file in the folder",
                         path, tensor, name ? name : "?");
    if (files->n && strcmp(files->names[files->n - 1], name) == 0)
        return CRIL_OK;
    return cril_members_add(files, arena, name, err);
}

/* Adds the files that the index names. On success *map is the caller's. */
static cril_status read_index(const char *path, const uint8_t *data, size_t len,
                              struct cril_arena *arena, struct cril_members *files, json_t **map,
                              cril_error *err)
{
    json_t *root, *found;
    cril_status st = cril_json_parse(path, data, len, &root, err);

    if (st != CRIL_OK)
        return st;
    found = json_object_get(root, "weight_map");
    if (!json_is_object(found) || json_object_size(found) == 0)
        st = cril_fail(err, CRIL_ERR_FORMAT, "%s: has no \"weight_map\"; fetch it again", path);
    for (void *i = json_object_iter(found); i && st == CRIL_OK; i = json_object_iter_next(found, i))
        st = add_indexed(path, json_object_iter_key(i), json_object_iter_value(i), arena, files,
                         err);
    if (st == CRIL_OK)
        *map = json_incref(found);
    cril_members_sort(files);
    json_decref(root);
    return st;
}

/* The number of parts by a name "model-00001-of-00003.safetensors"; 0: it is none. */
static unsigned parts_of(const char *name)
{
    static const char form[] = "model-#####-of-#####.safetensors";
    size_t i = 0;

    while (form[i] && (form[i] == '#' ? name[i] >= '0' && name[i] <= '9' : name[i] == form[i]))
        i++;
    return form[i] || name[i] ? 0 : (unsigned)strtoul(strrchr(name, '-') + 1, NULL, 10);
}

/* Without an index: all parts of the model, of which one or more are there. */
static cril_status list_parts(const char *folder, struct cril_arena *arena,
                              struct cril_members *files, cril_error *err)
{
    struct cril_members there = {0};
    cril_status st = cril_members_list(folder, "model-*.safetensors", arena, &there, err);
    unsigned parts = 0;

    for (size_t i = 0; i < there.n && !parts; i++)
        parts = parts_of(there.names[i]);
    for (unsigned i = 1; i <= parts && st == CRIL_OK; i++) {
        char name[64];

        snprintf(name, sizeof(name), "model-%05u-of-%05u.safetensors", i, parts);
        st = cril_members_add(files, arena, name, err);
    }
    free(there.names);
    return st;
}

static bool holds(const struct cril_members *m, const char *name)
{
    size_t i = 0;

    while (i < m->n && strcmp(m->names[i], name) != 0)
        i++;
    return i < m->n;
}

static cril_status list_weights(struct folder *f, cril_error *err)
{
    struct cril_source *const s = f->source;
    const uint8_t *data;
    size_t len;
    cril_status st;

    if (cril_member_exists(s->folder, WEIGHTS)) {
        st = cril_members_add(&f->weights, &s->arena, WEIGHTS, err);
    } else if ((st = cril_source_read(s, INDEX, &data, &len, err)) == CRIL_OK) {
        st = data ? read_index(s->files[s->n_files - 1].path, data, len, &s->arena, &f->weights,
                               &f->map, err)
                  : list_parts(s->folder, &s->arena, &f->weights, err);
    }
    if (st != CRIL_OK)
        return st;
    if (f->weights.n == 0)
        return cril_hf_refuse_weights(s, err);
    if (f->given && cril_member_matches("*.safetensors", f->given) && !holds(&f->weights, f->given))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s%s: is not the folder's model, which is in %s; name the folder",
                         s->folder, f->given, f->weights.names[0]);
    return CRIL_OK;
}

/* ---- Tensors ---- */

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), len = strlen(end);

    return n >= len && strcmp(name + n - len, end) == 0;
}

static bool starts_with(const char *name, const char *start)
{
    return strncmp(name, start, strlen(start)) == 0;
}

/* A buffer that transformers computes by itself: frequencies of rotation, or a causal mask
 * [1, 1, n, n] and what masked scores become. */
static bool is_buffer(const struct cril_safetensor *t)
{
    const bool is_mask =
        t->n_dims == 4 && t->shape[0] == 1 && t->shape[1] == 1 && t->shape[2] == t->shape[3];

    return ends_with(t->name, ".rotary_emb.inv_freq") || ends_with(t->name, ".attn.masked_bias") ||
           ends_with(t->name, ".attention.masked_bias") ||
           (is_mask && (ends_with(t->name, ".attn.bias") || ends_with(t->name, ".attention.bias")));
}

/* Those of file, whose tensors begin at first, against the index, which may leave buffers out.
 * Takes each one out of it. */
static cril_status check_index(const struct folder *f, const char *file, size_t first,
                               cril_error *err)
{
    for (size_t i = first; i < f->tensors.n; i++) {
        const struct cril_safetensor *const t = &f->tensors.items[i];
        const char *const said = json_string_value(json_object_get(f->map, t->name));

        if (said ? strcmp(said, file) != 0 : !is_buffer(t))
            return cril_fail(err, CRIL_ERR_MISMATCH,
                             "%s: has tensor '%.80s', but " INDEX " says that it is in %.80s; "
                             "fetch the whole folder again",
                             t->path, t->name, said ? said : "no file");
        json_object_del(f->map, t->name);
    }
    return CRIL_OK;
}

static cril_status read_weights(struct folder *f, cril_error *err)
{
    struct cril_source *const s = f->source;
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < f->weights.n && st == CRIL_OK; i++) {
        const char *const name = f->weights.names[i];
        const size_t first = f->tensors.n;
        const uint8_t *data;
        size_t len;

        if ((st = cril_source_read(s, name, &data, &len, err)) != CRIL_OK)
            return st;
        if (!data)
            return cril_fail(err, CRIL_ERR_IO,
                             "%s%s: is missing, one of the %zu files of the model's weights; "
                             "fetch it too",
                             s->folder, name, f->weights.n);
        st = cril_safetensors_list(s->files[s->n_files - 1].path, data, len, &s->arena, &f->tensors,
                                   err);
        if (st == CRIL_OK && f->map)
            st = check_index(f, name, first, err);
    }
    if (st == CRIL_OK && f->map && json_object_size(f->map)) {
        void *const left = json_object_iter(f->map);

        st = cril_fail(err, CRIL_ERR_MISMATCH,
                       "%s%s: has no tensor '%.80s', though " INDEX " says so; fetch the whole "
                       "folder again",
                       s->folder, json_string_value(json_object_iter_value(left)),
                       json_object_iter_key(left));
    }
    return st;
}

/* How names of a text model inside another one begin, and what they begin with alone. */
static const struct prefix {
    const char *inside, *alone;
} prefixes[] = {
    {"language_model.", ""}, {"model.language_model.", "model."}, {"lm_head.", "lm_head."}};

/* The one of the first n that name begins with; NULL: none. */
static const struct prefix *prefix_of(const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (starts_with(name, prefixes[i].inside))
            return &prefixes[i];
    return NULL;
}

/* Whether the tensors are those of a text model among others. */
static bool is_inside(const struct folder *f)
{
    if (!json_is_object(json_object_get(f->config, "text_config")))
        return false;
    for (size_t i = 0; i < f->tensors.n; i++)
        if (prefix_of(f->tensors.items[i].name, 2))
            return true;
    return false;
}

static cril_status take_tensor(struct folder *f, const struct cril_safetensor *from,
                               const struct prefix *p, cril_error *err)
{
    struct cril_source *const s = f->source;
    const char *name = from->name;
    struct cril_tensor t;
    cril_status st;

    if (p) {
        char *const own = cril_arena_take(&s->arena, strlen(name) + 1, 1);

        if (!own)
            return no_memory(from->path, err);
        strcat(strcpy(own, p->alone), name + strlen(p->inside)); /* no longer than name */
        name = own;
    }
    if ((st = cril_safetensor_take(from, name, &t, err)) == CRIL_OK)
        st = cril_source_add_tensor(s, &t, err);
    return st;
}

static cril_status take_tensors(struct folder *f, cril_error *err)
{
    const bool inside = is_inside(f);
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < f->tensors.n && st == CRIL_OK; i++) {
        const struct cril_safetensor *const t = &f->tensors.items[i];
        const struct prefix *const p = inside ? prefix_of(t->name, 3) : NULL;

        if (!is_buffer(t) && (p || !inside))
            st = take_tensor(f, t, p, err);
    }
    return st;
}

/* ---- All of it ---- */

static cril_status read_config(struct folder *f, cril_error *err)
{
    struct cril_source *const s = f->source;
    const uint8_t *data;
    size_t len;
    cril_status st;

    if ((st = cril_hf_check_files(s, err)) != CRIL_OK ||
        (st = cril_source_read(s, CONFIG, &data, &len, err)) != CRIL_OK)
        return st;
    if (!data)
        return cril_hf_refuse_folder(s, err);
    s->values.path = s->files[0].path;
    if ((st = cril_json_parse(s->values.path, data, len, &f->config, err)) != CRIL_OK)
        return st;
    if (!json_is_object(f->config))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: is no JSON object; fetch it again",
                         s->values.path);
    if ((st = cril_hf_check_config(s, f->config, err)) != CRIL_OK)
        return st;
    return cril_hf_config_add(&s->values, f->config, err);
}

/* All that are there. */
static cril_status list_others(struct cril_source *s, struct cril_members *out, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && st == CRIL_OK; i++)
        st = cril_members_list(s->folder, others[i], &s->arena, out, err);
    return st;
}

static cril_status read_others(struct cril_source *s, cril_error *err)
{
    struct cril_members there = {0};
    cril_status st = list_others(s, &there, err);
    const uint8_t *data;
    size_t len;

    for (size_t i = 0; i < there.n && st == CRIL_OK; i++)
        st = cril_source_read(s, there.names[i], &data, &len, err);
    free(there.names);
    return st;
}

static void close_folder(struct folder *f)
{
    json_decref(f->config);
    json_decref(f->map);
    free(f->weights.names);
    free(f->tensors.items);
}

/* From here on the source's path is the folder's. */
static cril_status find_folder(struct folder *f, cril_error *err)
{
    struct cril_source *const s = f->source;
    const char *const given = cril_folder_member(s->path);
    char *const folder = cril_folder_of(s->path, &s->arena), *path;
    size_t len;

    if (!folder || (given && !(f->given = cril_arena_text(&s->arena, given, strlen(given)))))
        return no_memory(s->path, err);
    len = strlen(folder);
    len -= len > 1; /* the slash */
    if (!(path = len ? strndup(folder, len) : strdup(".")))
        return no_memory(s->path, err);
    free(s->path);
    s->path = path;
    s->folder = folder;
    return CRIL_OK;
}

static cril_status read_all(struct cril_source *s, cril_error *err)
{
    struct folder f = {.source = s};
    cril_status st;

    if ((st = find_folder(&f, err)) != CRIL_OK)
        return st;
    if ((st = read_config(&f, err)) == CRIL_OK && (st = list_weights(&f, err)) == CRIL_OK &&
        (st = read_weights(&f, err)) == CRIL_OK)
        st = take_tensors(&f, err);
    if (st == CRIL_OK)
        st = read_others(s, err);
    close_folder(&f);
    return st;
}

static char *name_of(const struct cril_source *s)
{
    struct cril_arena arena = {0};
    char working[4096];
    const bool is_working = strcmp(s->path, ".") == 0 && getcwd(working, sizeof(working));
    const char *const name = cril_source_folder_name(is_working ? working : s->path, &arena);
    char *const copy = name ? strdup(name) : NULL;

    cril_arena_free(&arena);
    return copy;
}

static cril_status look(const char *path, cril_error *err)
{
    struct cril_source *const s = cril_source_create(path);
    struct folder f = {.source = s};
    cril_status st;

    if (!s)
        return no_memory(path, err);
    if ((st = find_folder(&f, err)) == CRIL_OK && !cril_member_exists(s->folder, CONFIG) &&
        (st = cril_hf_check_files(s, err)) == CRIL_OK)
        st = cril_hf_refuse_folder(s, err);
    close_folder(&f);
    cril_source_close(s);
    return st;
}

/* ---- Its files ---- */

struct visit {
    const char *folder;
    int (*on_file)(void *user, const char *file);
    void *user;
    cril_error *err;
};

static cril_status visit_one(const struct visit *v, const char *name)
{
    char *const path = cril_member_path(v->folder, name);
    cril_status st = CRIL_OK;

    if (!path)
        return no_memory(v->folder, v->err);
    if (v->on_file(v->user, path) != 0)
        st = cril_fail(v->err, CRIL_ERR_CANCELLED, "%s: stopped", path);
    free(path);
    return st;
}

static cril_status visit_all(const struct visit *v, const struct cril_members *m)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < m->n && st == CRIL_OK; i++)
        st = visit_one(v, m->names[i]);
    return st;
}

static cril_status visit_files(const struct visit *v, struct folder *f)
{
    struct cril_members rest = {0};
    cril_status st = list_weights(f, NULL); /* what is wrong with them is for open to say */

    st =
        st == CRIL_ERR_NOMEM ? no_memory(v->folder, v->err) : list_others(f->source, &rest, v->err);
    if (st == CRIL_OK && (st = visit_one(v, CONFIG)) == CRIL_OK && !holds(&f->weights, WEIGHTS) &&
        cril_member_exists(v->folder, INDEX))
        st = visit_one(v, INDEX);
    if (st == CRIL_OK && (st = visit_all(v, &f->weights)) == CRIL_OK)
        st = visit_all(v, &rest);
    free(rest.names);
    return st;
}

static cril_status each_file(const char *path, int (*on_file)(void *user, const char *file),
                             void *user, cril_error *err)
{
    struct folder f = {.source = cril_source_create(path)};
    struct visit v = {.on_file = on_file, .user = user, .err = err};
    cril_status st = f.source ? find_folder(&f, err) : no_memory(path, err);

    if (st == CRIL_OK) {
        v.folder = f.source->folder;
        st = visit_files(&v, &f);
    }
    close_folder(&f);
    cril_source_close(f.source);
    return st;
}

const struct cril_format cril_format_hf = {
    "Hugging Face folder", cril_folder_claims, read_all, name_of, look, each_file};
