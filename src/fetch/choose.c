/*
 * A folder is config.json with what describes the model and its tokenizer, and the safetensors
 * files of the top level: model.safetensors, or else the shards model-N-of-M. Files of other
 * programs (original/, consolidated*, *.bin, *.pt, onnx/) are never chosen.
 *
 * GGUF files are models each, a split one with its parts; a name says which is meant.
 */
#include "fetch/choose.h"

#include "util/fail.h"
#include "util/size.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct chooser {
    const cril_hub_name *name;
    const char *spoken;
    const struct cril_hub_listing *list;
    struct cril_hub_choice choice;
    size_t capacity;
    cril_error *err;
};

void cril_hub_choice_free(struct cril_hub_choice *c)
{
    free(c->files);
    *c = (struct cril_hub_choice){0};
}

static cril_status take(struct chooser *c, const struct cril_hub_file *f)
{
    const struct cril_hub_file **files =
        cril_size_grow(c->choice.files, &c->capacity, c->choice.n, 1, sizeof(*files));

    if (!files)
        return cril_fail(c->err, CRIL_ERR_NOMEM, "%s: out of memory", c->spoken);
    c->choice.files = files;
    files[c->choice.n++] = f;
    return CRIL_OK;
}

static bool has(const struct chooser *c, const char *path)
{
    return cril_hub_listing_find(c->list, path) != NULL;
}

static bool has_any(const struct chooser *c, bool (*is)(const char *path))
{
    for (size_t i = 0; i < c->list->n; i++)
        if (is(c->list->files[i].path))
            return true;
    return false;
}

/* ---- GGUF ---- */

/* A file that is a model: no later part of one, and not the projector of a model that sees. */
static bool is_model_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct cril_hub_part part;

    return cril_hub_is_gguf(path) && strncasecmp(slash ? slash + 1 : path, "mmproj", 6) != 0 &&
           !(cril_hub_part_of(path, &part) && part.number > 1);
}

/* Whether path has type as a word of its own: Q4_K is not in a-Q4_K_M.gguf. */
static bool is_of_type(const char *path, const char *type)
{
    const size_t len = strlen(type);

    for (const char *p = path; *p; p++)
        if (strncasecmp(p, type, len) == 0 && (p == path || strchr("-._/", p[-1])) &&
            strchr("-./", p[len]) && p[len])
            return true;
    return false;
}

/* Names of models that are meant, or of all, as far as they fit into a sentence. */
static void list_names(const struct chooser *c, bool all, char *out, size_t size)
{
    size_t at = 0, left_out = 0;

    out[0] = '\0';
    for (size_t i = 0; i < c->list->n; i++) {
        const char *path = c->list->files[i].path;

        if (!is_model_file(path) || (!all && !is_of_type(path, c->name->type)))
            continue;
        if (at + strlen(path) + 32 < size)
            at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "", path);
        else
            left_out++;
    }
    if (left_out)
        snprintf(out + at, size - at, "%sand %zu more", at ? ", " : "", left_out);
}

static cril_status take_parts(struct chooser *c, const char *path)
{
    const struct cril_hub_file *f = cril_hub_listing_find(c->list, path);
    struct cril_hub_part part;
    char name[1100];
    cril_status st = CRIL_OK;

    if (!cril_hub_part_of(path, &part)) {
        if (!f)
            return cril_fail(c->err, CRIL_ERR_EMPTY, "%s: the repository has no such file",
                             c->spoken);
        c->choice.main = f->path;
        return take(c, f);
    }
    for (unsigned i = 1; st == CRIL_OK && i <= part.count; i++) {
        snprintf(name, sizeof(name), "%.*s-%05u-of-%05u.gguf", (int)part.stem_len, path, i,
                 part.count);
        if (!(f = cril_hub_listing_find(c->list, name)))
            return cril_fail(c->err, CRIL_ERR_EMPTY, "%s: part %u of %u is missing", c->spoken, i,
                             part.count);
        if (i == 1)
            c->choice.main = f->path;
        st = take(c, f);
    }
    return st;
}

static cril_status take_type(struct chooser *c)
{
    const char *found = NULL;
    char names[700];
    size_t n = 0;

    for (size_t i = 0; i < c->list->n; i++)
        if (is_model_file(c->list->files[i].path) &&
            is_of_type(c->list->files[i].path, c->name->type)) {
            found = c->list->files[i].path;
            n++;
        }
    if (n == 1)
        return take_parts(c, found);
    list_names(c, !n, names, sizeof(names));
    if (n)
        return cril_fail(c->err, CRIL_ERR_UNSUPPORTED,
                         "%s: several files are of this type; name one as hf:%s/FILE: %s",
                         c->spoken, c->name->repository, names);
    return cril_fail(c->err, CRIL_ERR_EMPTY, "%s: no GGUF file is of this type; there %s%s",
                     c->spoken, *names ? "are " : "is none", names);
}

/* ---- folders ---- */

static bool is_of_folder(const char *path)
{
    return cril_hub_is_description(path) || cril_hub_is_weights(path);
}

/* What is for a model in shards only. */
static bool of_shards(const char *path)
{
    unsigned count;

    return cril_hub_shard_of(path, &count) || strcmp(path, "model.safetensors.index.json") == 0;
}

static cril_status take_folder(struct chooser *c)
{
    const bool whole = has(c, "model.safetensors");
    unsigned count = 0, n = 0;
    cril_status st = CRIL_OK;

    c->choice.main = "";
    for (size_t i = 0; st == CRIL_OK && i < c->list->n; i++) {
        const char *path = c->list->files[i].path;

        n += cril_hub_shard_of(path, &count);
        if (is_of_folder(path) && !(whole && of_shards(path)))
            st = take(c, &c->list->files[i]);
    }
    if (st == CRIL_OK && !whole && n != count)
        st = cril_fail(c->err, CRIL_ERR_EMPTY, "%s: %u of the model's %u shards are missing",
                       c->spoken, count - n, count);
    return st;
}

static bool is_pickle(const char *path)
{
    const size_t len = strlen(path);

    return strncmp(path, "pytorch_model", 13) == 0 && strcmp(path + len - 4, ".bin") == 0;
}

/* No folder that cril reads, and no GGUF file is named: why, and what to do. */
static cril_status no_model(struct chooser *c)
{
    char names[700];

    if (has_any(c, is_model_file)) {
        list_names(c, true, names, sizeof(names));
        return cril_fail(
            c->err, CRIL_ERR_UNSUPPORTED,
            "%s: holds GGUF files; name one as hf:%s/FILE, or by its type as hf:%s:%s: "
            "%s",
            c->spoken, c->name->repository, c->name->repository, "Q4_K_M", names);
    }
    if (has(c, "adapter_config.json"))
        return cril_fail(c->err, CRIL_ERR_UNSUPPORTED,
                         "%s: is an adapter and no model; merge it into its base model first "
                         "(merge_and_unload of the Python library peft)",
                         c->spoken);
    if (has_any(c, is_pickle))
        return cril_fail(c->err, CRIL_ERR_UNSUPPORTED,
                         "%s: has its weights in pytorch_model.bin, which cril does not read; "
                         "convert it into a folder: python3 -c \"from transformers import "
                         "AutoModelForCausalLM as M, AutoTokenizer as T; "
                         "M.from_pretrained('%s', torch_dtype='auto').save_pretrained('FOLDER'); "
                         "T.from_pretrained('%s').save_pretrained('FOLDER')\"",
                         c->spoken, c->name->repository, c->name->repository);
    return cril_fail(c->err, CRIL_ERR_UNSUPPORTED,
                     "%s: holds no model that cril reads: neither config.json with "
                     "model.safetensors or its shards, nor a GGUF file",
                     c->spoken);
}

static cril_status choose(struct chooser *c)
{
    if (c->name->file[0])
        return take_parts(c, c->name->file);
    if (c->name->type[0])
        return take_type(c);
    if (has(c, "config.json") && has_any(c, cril_hub_is_weights))
        return take_folder(c);
    return no_model(c);
}

cril_status cril_hub_choose(const cril_hub_name *name, const char *spoken,
                            const struct cril_hub_listing *l, struct cril_hub_choice *out,
                            cril_error *err)
{
    struct chooser c = {.name = name, .spoken = spoken, .list = l, .err = err};
    const cril_status st = choose(&c);

    if (st != CRIL_OK)
        cril_hub_choice_free(&c.choice);
    *out = c.choice;
    return st;
}
