#include "formats/hf_refuse.h"

#include "formats/members.h"
#include "util/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Names that match a pattern, freed with m. */
static cril_status list(struct cril_source *s, const char *pattern, struct cril_members *m,
                        cril_error *err)
{
    *m = (struct cril_members){0};
    return cril_members_list(s->folder, pattern, &s->arena, m, err);
}

/* The first name that matches; *name is NULL: none. */
static cril_status find(struct cril_source *s, const char *pattern, const char **name,
                        cril_error *err)
{
    struct cril_members m;
    const cril_status st = list(s, pattern, &m, err);

    *name = st == CRIL_OK && m.n ? m.names[0] : NULL;
    free(m.names);
    return st;
}

/* The names with commas in between; "..." stands for those that do not fit. */
static void join_names(const struct cril_members *m, char *out, size_t size)
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

/* CRIL_OK: there are no GGUF files. */
static cril_status refuse_gguf(struct cril_source *s, cril_error *err)
{
    char names[200];
    struct cril_members m;
    cril_status st = list(s, "*.gguf", &m, err);

    if (st == CRIL_OK && m.n) {
        join_names(&m, names, sizeof(names));
        st = cril_fail(err, CRIL_ERR_IO, "%s: is a folder with GGUF files: %s; name one of them",
                       s->path, names);
    }
    free(m.names);
    return st;
}

cril_status cril_hf_refuse_weights(struct cril_source *s, cril_error *err)
{
    const char *name;
    cril_status st;

    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        if ((st = find(s, foreign[i].pattern, &name, err)) != CRIL_OK)
            return st;
        if (name)
            return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s%s: %s", s->folder, name,
                             foreign[i].advice);
    }
    if ((st = refuse_gguf(s, err)) != CRIL_OK)
        return st;
    return cril_fail(err, CRIL_ERR_IO,
                     "%s: is a folder without weights; fetch its files model.safetensors or "
                     "model-*.safetensors",
                     s->path);
}

cril_status cril_hf_refuse_folder(struct cril_source *s, cril_error *err)
{
    static const char *const signs[] = {"*.safetensors", "*.bin", "consolidated*"};
    const char *name;
    cril_status st = refuse_gguf(s, err);

    for (size_t i = 0; st == CRIL_OK && i < sizeof(signs) / sizeof(signs[0]); i++)
        if ((st = find(s, signs[i], &name, err)) == CRIL_OK && name)
            st = cril_fail(err, CRIL_ERR_IO,
                           "%s: has weights (%s) but no config.json, which says how to compute "
                           "with them; fetch the whole folder",
                           s->path, name);
    if (st != CRIL_OK)
        return st;
    return cril_fail(err, CRIL_ERR_IO,
                     "%s: is no model: it has no config.json; name a folder as Hugging Face's "
                     "libraries write it, or a GGUF file",
                     s->path);
}

cril_status cril_hf_check_files(struct cril_source *s, cril_error *err)
{
    if (!cril_member_exists(s->folder, "adapter_config.json"))
        return CRIL_OK;
    return cril_fail(
        err, CRIL_ERR_UNSUPPORTED,
        "%sadapter_config.json: the folder holds an adapter, not a model; merge it into its model "
        "first, in the folder: python3 -c \"from peft import AutoPeftModelForCausalLM as M; "
        "M.from_pretrained('.').merge_and_unload().save_pretrained('merged')\"; copy the "
        "tokenizer's files into merged, too",
        s->folder);
}

cril_status cril_hf_check_config(struct cril_source *s, const json_t *config, cril_error *err)
{
    static const char *const keys[] = {"quantization_config", "compression_config"};
    const json_t *const text = json_object_get(config, "text_config");

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *const top = json_object_get(config, keys[i]), *const q =
                                                                        json_is_object(top)
                                                                            ? top
                                                                            : json_object_get(
                                                                                  text, keys[i]);
        const char *const method = json_string_value(json_object_get(q, "quant_method"));

        if (json_is_object(q))
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: the model is quantised by %.40s (%s), which cril does not read; "
                             "use the model as it was before, or a GGUF file of it",
                             s->values.path, method ? method : "a method without a name", keys[i]);
    }
    return CRIL_OK;
}
