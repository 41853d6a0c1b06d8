/*
 * A model's folder as Hugging Face's libraries write it: config.json, weights in one or several
 * safetensors files, and what others ask cril_source_read for (the tokenizer's files).
 *
 * Weights are model.safetensors; else the files that model.safetensors.index.json names, each of
 * which must hold the tensors that the index says, and no others; else model-00001-of-00003 and so
 * on. Tensors have the names of the file, but for a text model inside another one (text_config):
 * there the prefix "language_model." goes, and what has neither it nor "lm_head." is another
 * model's. Buffers that are no weights are left out (is_buffer).
 *
 * Files count in this order: config.json, the index, the weights by name, the others as they are
 * asked for. What cril does not read is refused by name, with what helps.
 */
#include "formats/hf_config.h"
#include "formats/members.h"
#include "formats/reader.h"
#include "formats/safetensors.h"
#include "util/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG "config.json"
#define WEIGHTS "model.safetensors"
#define INDEX "model.safetensors.index.json"

/* A file that names its folder. */
static const char *const naming[] = {CONFIG,
                                     "*.safetensors",
                                     "*.safetensors.index.json",
                                     "tokenizer.json",
                                     "tokenizer.model",
                                     "tokenizer_config.json",
                                     "generation_config.json",
                                     "adapter_config.json",
                                     "pytorch_model*.bin",
                                     "pytorch_model*.bin.index.json"};

/* What cril_source_read may be asked for. */
static const char *const others[] = {"tokenizer.json",
                                     "tokenizer.model",
                                     "tokenizer_config.json",
                                     "generation_config.json",
                                     "special_tokens_map.json",
                                     "added_tokens.json",
                                     "vocab.json",
                                     "merges.txt",
                                     "*.tiktoken"};

/* Weights that cril does not read, and what helps. */
static const struct {
    const char *pattern, *advice;
} foreign[] = {
    {"pytorch_model*.bin",
     "is a Python pickle, which cril does not open; convert it once, in the folder: python3 -c "
     "\"from transformers import AutoModelForCausalLM as M; "
     "M.from_pretrained('.', torch_dtype='auto').save_pretrained('.')\""},
    {"consolidated*.safetensors",
     "has the names of Mistral's own format; fetch the files model*.safetensors of the model too"},
    {"consolidated*.pth",
     "has Meta's own format; fetch the model's folder in Hugging Face's format"},
    {"flax_model*.msgpack",
     "has weights for Flax; fetch the files model*.safetensors of the model too"},
    {"tf_model*.h5",
     "has weights for TensorFlow; fetch the files model*.safetensors of the model too"},
    {"*.safetensors", "is not named model.safetensors, so it may be anything; if it is the model, "
                      "give it that name"},
};

struct folder {
    struct cril_source *source;
    json_t *config, *map;        /* map: the index's, from tensors to files; NULL: no index */
    struct cril_members weights; /* names of files */
    struct cril_safetensors tensors;
};

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
}

/* ---- Which folder ---- */

static bool is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static const char *last_name(const char *path)
{
    const char *const slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool claims(const char *path)
{
    for (size_t i = 0; i < sizeof(naming) / sizeof(naming[0]); i++)
        if (cril_member_matches(naming[i], last_name(path)))
            return true;
    return is_folder(path);
}

/* NULL: out of memory. */
static char *folder_of(const char *path, struct cril_arena *arena)
{
    const size_t len = is_folder(path) ? strlen(path) : (size_t)(last_name(path) - path);
    char *const text = cril_arena_take(arena, len + 2, 1);

    if (text)
        memcpy(text, path, len);
    if (text && len && text[len - 1] != '/')
        text[len] = '/';
    return text;
}

/* ---- What is refused ---- */

/* The names with commas in between; "..." stands for those that do not fit. */
static void list_names(const struct cril_members *m, char *out, size_t size)
{
    static const char more[] = ", ...";
    size_t at = 0;

    for (size_t i = 0; i < m->n; i++) {
        if (at + 2 + strlen(m->names[i]) + sizeof(more) > size) {
            memcpy(out + at, i ? more : more + 2, sizeof(more) - (i ? 0 : 2));
            return;
        }
        at += (size_t)snprintf(out + at, size - at, "%s%s", i ? ", " : "", m->names[i]);
    }
}

static cril_status refuse_gguf(struct cril_source *s, const struct cril_members *m, cril_error *err)
{
    char names[200];

    list_names(m, names, sizeof(names));
    return cril_fail(err, CRIL_ERR_IO, "%s: is a folder with GGUF files: %s; name one of them",
                     s->path, names);
}

/* Says why there are no weights that cril reads. */
static cril_status refuse_weights(struct cril_source *s, cril_error *err)
{
    struct cril_members m;
    cril_status st = CRIL_OK;

    for (size_t i = 0; st == CRIL_OK && i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        st = cril_members_list(s->folder, foreign[i].pattern, &s->arena, &m, err);
        if (st == CRIL_OK && m.n)
            st = cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s%s: %s", s->folder, m.names[0],
                           foreign[i].advice);
        free(m.names);
    }
    if (st != CRIL_OK)
        return st;
    if ((st = cril_members_list(s->folder, "*.gguf", &s->arena, &m, err)) == CRIL_OK)
        st = m.n ? refuse_gguf(s, &m, err)
                 : cril_fail(err, CRIL_ERR_IO,
                             "%s: is a folder without weights; fetch its files " WEIGHTS
                             " or model-*.safetensors",
                             s->path);
    free(m.names);
    return st;
}

/* Says why there is no config.json. */
static cril_status refuse_folder(struct cril_source *s, cril_error *err)
{
    static const char *const signs[] = {"*.safetensors", "*.bin", "consolidated*"};
    struct cril_members m;
    cril_status st = CRIL_OK;

    if ((st = cril_members_list(s->folder, "*.gguf", &s->arena, &m, err)) == CRIL_OK && m.n)
        st = refuse_gguf(s, &m, err);
    free(m.names);
    for (size_t i = 0; st == CRIL_OK && i < sizeof(signs) / sizeof(signs[0]); i++) {
        st = cril_members_list(s->folder, signs[i], &s->arena, &m, err);
        if (st == CRIL_OK && m.n)
            st = cril_fail(err, CRIL_ERR_IO,
                           "%s: has weights (%s) but no " CONFIG
                           ", which says how to compute with them; fetch the whole folder",
                           s->path, m.names[0]);
        free(m.names);
    }
    return st != CRIL_OK
               ? st
               : cril_fail(err, CRIL_ERR_IO,
                           "%s: is no model: %s has no " CONFIG "; name a folder as Hugging Face's "
                           "libraries write it, or a GGUF file",
                           s->path, *s->folder ? s->folder : "the working folder");
}

static cril_status check_quantised(const struct folder *f, cril_error *err)
{
    static const char *const keys[] = {"quantization_config", "compression_config"};
    const json_t *const text = json_object_get(f->config, "text_config");

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *const top = json_object_get(f->config, keys[i]), *const q =
                                                                           json_is_object(top)
                                                                               ? top
                                                                               : json_object_get(
                                                                                     text, keys[i]);
        const char *const method = json_string_value(json_object_get(q, "quant_method"));

        if (json_is_object(q))
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: the model is quantised by %.40s (%s), which cril does not read; "
                             "use the model as it was before, or a GGUF file of it",
                             f->source->files[0].path, method ? method : "a method without a name",
                             keys[i]);
    }
    return CRIL_OK;
}

/* ---- Which weights ---- */

/* Adds the files that the index names. On success *map is the caller's. */
static cril_status read_index(const char *path, const uint8_t *data, size_t len,
                              struct cril_arena *arena, struct cril_members *files, json_t **map,
                              cril_error *err)
{
    cril_status st;
    json_t *root, *found, *file;
    const char *tensor;

    if ((st = cril_json_parse(path, data, len, &root, err)) != CRIL_OK)
        return st;
    found = json_object_get(root, "weight_map");
    if (!json_is_object(found) || json_object_size(found) == 0)
        st = cril_fail(err, CRIL_ERR_FORMAT, "%s: has no \"weight_map\"; fetch it again", path);
    json_object_foreach(found, tensor, file)
    {
        const char *const name = json_string_value(file);

        if (st == CRIL_OK && (!name || strlen(name) != json_string_length(file) ||
                              !cril_member_matches("*.safetensors", name) || strchr(name, '/')))
            st = cril_fail(err, CRIL_ERR_FORMAT,
                           "%s: says that tensor '%.80s' is in '%.80s', which is no name of a "
                           "safetensors file in the folder",
                           path, tensor, name ? name : "?");
        if (st == CRIL_OK && (files->n == 0 || strcmp(files->names[files->n - 1], name) != 0))
            st = cril_members_add(files, arena, name, err);
    }
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
    struct cril_members there;
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
    const char *const given = last_name(s->path);
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
        return refuse_weights(s, err);
    if (cril_member_matches("*.safetensors", given) && !is_folder(s->path) &&
        !holds(&f->weights, given))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: is not the folder's model, which is in %s; name the folder", s->path,
                         f->weights.names[0]);
    return CRIL_OK;
}

/* ---- Tensors ---- */

/* Those of file, whose tensors begin at first, against the index. Takes each one out of it. */
static cril_status check_index(const struct folder *f, const char *file, size_t first,
                               cril_error *err)
{
    for (size_t i = first; i < f->tensors.n; i++) {
        const struct cril_safetensor *const t = &f->tensors.items[i];
        const char *const said = json_string_value(json_object_get(f->map, t->name));

        if (!said || strcmp(said, file) != 0)
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

    if (cril_member_exists(s->folder, "adapter_config.json"))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%sadapter_config.json: the folder holds an adapter, not a model; merge "
                         "it into its model first: python3 -c \"from peft import "
                         "AutoPeftModelForCausalLM as M; M.from_pretrained('.')."
                         "merge_and_unload().save_pretrained('merged')\"",
                         s->folder);
    if ((st = cril_source_read(s, CONFIG, &data, &len, err)) != CRIL_OK)
        return st;
    if (!data)
        return refuse_folder(s, err);
    s->values.path = s->files[0].path;
    if ((st = cril_json_parse(s->values.path, data, len, &f->config, err)) != CRIL_OK)
        return st;
    if (!json_is_object(f->config))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: is no JSON object; fetch it again",
                         s->values.path);
    return cril_hf_config_add(&s->values, f->config, err);
}

static cril_status read_all(struct cril_source *s, cril_error *err)
{
    struct folder f = {.source = s};
    cril_status st;

    if (!(s->folder = folder_of(s->path, &s->arena)))
        return no_memory(s->path, err);
    if ((st = read_config(&f, err)) == CRIL_OK && (st = check_quantised(&f, err)) == CRIL_OK &&
        (st = list_weights(&f, err)) == CRIL_OK && (st = read_weights(&f, err)) == CRIL_OK)
        st = take_tensors(&f, err);
    json_decref(f.config);
    json_decref(f.map);
    free(f.weights.names);
    free(f.tensors.items);
    return st;
}

/* ---- Its files ---- */

struct visit {
    const char *folder;
    int (*on_file)(void *user, const char *file);
    void *user;
    struct cril_arena *arena;
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

/* The files of an index that can be read, else none. */
static cril_status list_indexed(const struct visit *v, struct cril_members *out)
{
    char *const path = cril_member_path(v->folder, INDEX);
    struct cril_mapfile map = {0};
    json_t *index = NULL;
    cril_status st = path ? CRIL_OK : CRIL_ERR_NOMEM;

    if (path && cril_mapfile_open(path, &map, NULL) == CRIL_OK)
        st = read_index(path, map.data, map.size, v->arena, out, &index, NULL);
    json_decref(index);
    cril_mapfile_close(&map);
    free(path);
    return st == CRIL_ERR_NOMEM ? no_memory(v->folder, v->err) : CRIL_OK;
}

static cril_status visit_weights(const struct visit *v)
{
    struct cril_members files = {0};
    cril_status st;

    if (cril_member_exists(v->folder, WEIGHTS))
        return visit_one(v, WEIGHTS);
    if (cril_member_exists(v->folder, INDEX)) {
        if ((st = visit_one(v, INDEX)) == CRIL_OK)
            st = list_indexed(v, &files);
    } else {
        st = list_parts(v->folder, v->arena, &files, v->err);
    }
    if (st == CRIL_OK)
        st = visit_all(v, &files);
    free(files.names);
    return st;
}

static cril_status each_file(const char *path, int (*on_file)(void *user, const char *file),
                             void *user, cril_error *err)
{
    struct cril_arena arena = {0};
    const struct visit v = {folder_of(path, &arena), on_file, user, &arena, err};
    cril_status st = v.folder ? visit_one(&v, CONFIG) : no_memory(path, err);

    if (st == CRIL_OK)
        st = visit_weights(&v);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && st == CRIL_OK; i++) {
        struct cril_members there;

        if ((st = cril_members_list(v.folder, others[i], &arena, &there, err)) == CRIL_OK)
            st = visit_all(&v, &there);
        free(there.names);
    }
    cril_arena_free(&arena);
    return st;
}

const struct cril_format cril_format_hf = {"Hugging Face folder", claims, read_all, each_file};
