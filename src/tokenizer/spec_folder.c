/*
 * A tokenizer from the files of a folder.
 *
 * Which file. tokenizer.model, if it is SentencePiece's: tokenizer.json beside it is a conversion,
 * and where the two differ, llama.cpp's converter and transformers' older tokenizers follow the
 * model file. Else tokenizer.json, else a tiktoken file.
 *
 * BOS and EOS. Their ids are those of the tokens that tokenizer_config.json names, or
 * special_tokens_map.json in older folders, else SentencePiece's own, else those of
 * generation_config.json; config.json's are often wrong. Whether BOS stands in front of a text,
 * says (1) the post_processor of tokenizer.json; with tokenizer.model, (2) comes first. For
 * SentencePiece (2) add_bos_token of tokenizer_config.json. (3) Without either, SentencePiece's BPE
 * has it, as transformers' LlamaTokenizer and GemmaTokenizer do, and no other has.
 *
 * A text that a model writes ends at EOS, and at the tokens that generation_config.json names; in a
 * folder without that file config.json, as in transformers.
 */
#include "tokenizer/spec_json.h"

#include "util/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADVICE                                                                                     \
    "write it anew, in the folder: python3 -c \"from transformers import AutoTokenizer as T; "     \
    "T.from_pretrained('.').save_pretrained('.')\""

/* Files that say more about the tokens; NULL: absent, or not an object. */
struct notes {
    json_t *config, *map, *added, *generation;
};

struct folder {
    struct cril_source *source;
    const char *path; /* of the source */
    struct notes notes;
    cril_error *err;
};

static void free_notes(struct notes *n)
{
    json_decref(n->config);
    json_decref(n->map);
    json_decref(n->added);
    json_decref(n->generation);
}

/* Makes s->path name a file. */
static cril_status name_file(const struct folder *f, struct cril_spec *s, const char *name)
{
    const size_t size = strlen(f->path) + strlen(name) + 3;
    char *const text = cril_arena_take(&s->arena, size, 1);

    if (!text)
        return cril_fail(f->err, CRIL_ERR_NOMEM, "%s: out of memory", f->path);
    snprintf(text, size, "%s: %s", f->path, name);
    s->path = text;
    return CRIL_OK;
}

/* An object of the folder's JSON; *out stays NULL where the file is absent. */
static cril_status read_object(const struct folder *f, struct cril_spec *s, const char *name,
                               json_t **out)
{
    const uint8_t *data;
    size_t len;
    cril_status st;

    if ((st = cril_source_read(f->source, name, &data, &len, f->err)) != CRIL_OK || !data ||
        (st = name_file(f, s, name)) != CRIL_OK ||
        (st = cril_json_parse(s->path, data, len, out, f->err)) != CRIL_OK)
        return st;
    return json_is_object(*out)
               ? CRIL_OK
               : cril_fail(f->err, CRIL_ERR_FORMAT, "%s: is not an object", s->path);
}

static cril_status read_notes(struct folder *f, struct cril_spec *s)
{
    cril_status st;

    if ((st = read_object(f, s, "tokenizer_config.json", &f->notes.config)) != CRIL_OK ||
        (st = read_object(f, s, "special_tokens_map.json", &f->notes.map)) != CRIL_OK ||
        (st = read_object(f, s, "added_tokens.json", &f->notes.added)) != CRIL_OK)
        return st;
    return read_object(f, s, "generation_config.json", &f->notes.generation);
}

/* ---- Names of special tokens ---- */

static struct cril_bytes find_name(const struct notes *n, const char *key)
{
    const struct cril_bytes name = cril_token_name(json_object_get(n->config, key));

    return name.data ? name : cril_token_name(json_object_get(n->map, key));
}

static bool names_special(const json_t *object, struct cril_bytes name)
{
    static const char *const keys[] = {"bos_token", "eos_token", "unk_token", "pad_token",
                                       "sep_token", "cls_token", "mask_token"};
    const json_t *const more = json_object_get(object, "additional_special_tokens");
    const json_t *value;
    size_t i;

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (cril_bytes_same(cril_token_name(json_object_get(object, keys[i])), name))
            return true;
    json_array_foreach(more, i,
                       value) if (cril_bytes_same(cril_token_name(value), name)) return true;
    return false;
}

/* ---- Tokens behind SentencePiece's own ---- */

static cril_status add_token(const struct folder *f, struct cril_spec *s, struct spec_added a)
{
    if ((size_t)a.id >= s->n || s->pieces[a.id].data || !a.name.len)
        return CRIL_OK;
    const cril_status st = cril_spec_copy(s, a.name, &a.name, f->err);

    s->types[a.id] = a.control ? TOKEN_CONTROL : TOKEN_USER_DEFINED;
    s->pieces[a.id] = a.name;
    s->added[s->n_added++] = a;
    return st;
}

/* {"content": "<x>", "special": true, ...} */
static cril_status add_described(const struct folder *f, struct cril_spec *s, int32_t id,
                                 const json_t *token)
{
    struct spec_added a = {.id = id};
    cril_status st;

    if ((st = cril_spec_json_text(s, token, "content", &a.name, f->err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, token, "special", &a.control, f->err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, token, "single_word", &a.single_word, f->err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, token, "lstrip", &a.strips_left, f->err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, token, "rstrip", &a.strips_right, f->err)) != CRIL_OK)
        return st;
    return add_token(f, s, a);
}

/* An id as the name of a member; -1: it is none. */
static int32_t id_of_name(const char *text)
{
    int32_t id = 0;

    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9' || id > 99999999)
            return -1;
        id = 10 * id + (*p - '0');
    }
    return *text ? id : -1;
}

static bool may_be_id(json_int_t id)
{
    return id >= 0 && id < 1 << 28;
}

/* How many tokens there are with those of both files. */
static size_t count_tokens(const struct folder *f, const struct cril_spec *s, json_t *described)
{
    size_t n = s->n;
    const char *name;
    json_t *value;

    json_object_foreach(described, name,
                        value) if (id_of_name(name) >= 0 && (size_t)id_of_name(name) >= n) n =
        (size_t)id_of_name(name) + 1;
    json_object_foreach(f->notes.added, name, value) if (json_is_integer(value) &&
                                                         may_be_id(json_integer_value(value)) &&
                                                         (size_t)json_integer_value(value) >= n) n =
        (size_t)json_integer_value(value) + 1;
    return n;
}

static cril_status add_tokens(const struct folder *f, struct cril_spec *s)
{
    json_t *const described = json_object_get(f->notes.config, "added_tokens_decoder");
    const size_t n_more = json_object_size(described) + json_object_size(f->notes.added),
                 n = count_tokens(f, s, described);
    const struct spec_added *const before = s->added;
    const char *name;
    json_t *value;
    cril_status st;

    if (n == s->n)
        return CRIL_OK;
    if (n - s->n > n_more + (1 << 20))
        return cril_fail(f->err, CRIL_ERR_FORMAT,
                         "%s: the ids of added tokens leave out more than they are", f->path);
    if ((st = cril_spec_extend(s, n - s->n, f->err)) != CRIL_OK)
        return st;
    if (!(s->added = cril_arena_take(&s->arena, s->n_added + n_more, sizeof(*s->added))))
        return cril_fail(f->err, CRIL_ERR_NOMEM, "%s: out of memory", f->path);
    memcpy(s->added, before, s->n_added * sizeof(*s->added));
    json_object_foreach(described, name,
                        value) if (id_of_name(name) >= 0 &&
                                   (st = add_described(f, s, id_of_name(name), value)) !=
                                       CRIL_OK) return st;
    json_object_foreach(f->notes.added, name, value)
    {
        const struct cril_bytes text = {name, strlen(name)};

        if (!json_is_integer(value) || !may_be_id(json_integer_value(value)))
            continue;
        st = add_token(f, s,
                       (struct spec_added){.name = text,
                                           .id = (int32_t)json_integer_value(value),
                                           .control = names_special(f->notes.config, text) ||
                                                      names_special(f->notes.map, text)});
        if (st != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

/* ---- What stands around a text ---- */

/* The token of this name; -1: there is none. */
static int32_t find_token(const struct cril_spec *s, struct cril_bytes name)
{
    for (size_t i = 0; i < s->n_added; i++)
        if (cril_bytes_same(name, s->added[i].name))
            return s->added[i].id;
    for (size_t i = 0; name.len && i < s->n; i++)
        if (cril_bytes_same(name, s->pieces[i]))
            return (int32_t)i;
    return -1;
}

/* An id, or the first of a list. */
static int32_t generated_id(const struct folder *f, const struct cril_spec *s, const char *key)
{
    const json_t *value = json_object_get(f->notes.generation, key);

    if (json_is_array(value))
        value = json_array_get(value, 0);
    const json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;

    return id >= 0 && (uint64_t)id < s->n ? (int32_t)id : -1;
}

/* An id that the tokenizer's file puts around texts stays. */
static void name_ids(const struct folder *f, struct cril_spec *s)
{
    const int32_t bos = find_token(s, find_name(&f->notes, "bos_token")),
                  eos = find_token(s, find_name(&f->notes, "eos_token"));

    if (!s->adds_bos && bos >= 0)
        s->bos = bos;
    if (!s->adds_eos && eos >= 0)
        s->eos = eos;
    if (s->bos < 0)
        s->bos = generated_id(f, s, "bos_token_id");
    if (s->eos < 0)
        s->eos = generated_id(f, s, "eos_token_id");
}

static void add_end(struct cril_spec *s, const json_t *id)
{
    const json_int_t value = json_is_integer(id) ? json_integer_value(id) : -1;

    if (value >= 0 && (uint64_t)value < s->n)
        s->ends[s->n_ends++] = (int32_t)value;
}

/* An id, or a list. */
static cril_status read_ends(const struct folder *f, struct cril_spec *s)
{
    json_t *config = NULL;
    const json_t *ids, *id;
    size_t i;
    cril_status st = CRIL_OK;

    if (!f->notes.generation)
        st = read_object(f, s, "config.json", &config);
    ids = json_object_get(f->notes.generation ? f->notes.generation : config, "eos_token_id");
    if (st == CRIL_OK &&
        !(s->ends = cril_arena_take(&s->arena, json_array_size(ids) + 1, sizeof(*s->ends))))
        st = cril_fail(f->err, CRIL_ERR_NOMEM, "%s: out of memory", f->path);
    if (st == CRIL_OK) {
        add_end(s, ids);
        json_array_foreach(ids, i, id) add_end(s, id);
    }
    json_decref(config);
    return st;
}

/* The post_processor of a tokenizer.json that was not read for its tokens. */
static cril_status read_processor(const struct folder *f, struct cril_spec *s)
{
    json_t *root = NULL;
    cril_status st = read_object(f, s, "tokenizer.json", &root);

    if (st == CRIL_OK)
        st = cril_spec_read_processor(s, json_object_get(root, "post_processor"), f->err);
    json_decref(root);
    return st;
}

static cril_status decide_adds(const struct folder *f, struct cril_spec *s)
{
    const bool sentencepiece = s->sentence.used || s->spaces,
               said = json_is_boolean(json_object_get(f->notes.config, "add_bos_token"));
    cril_status st;

    if (s->sentence.used && !said && (st = read_processor(f, s)) != CRIL_OK)
        return st;
    name_ids(f, s);
    if (!sentencepiece || s->has_processor)
        return CRIL_OK;
    s->adds_bos = s->model != MODEL_UNIGRAM && s->bos >= 0;
    if ((st = cril_spec_json_flag(s, f->notes.config, "add_bos_token", &s->adds_bos, f->err)) !=
            CRIL_OK ||
        (st = cril_spec_json_flag(s, f->notes.config, "add_eos_token", &s->adds_eos, f->err)) !=
            CRIL_OK)
        return st;
    if ((s->adds_bos && s->bos < 0) || (s->adds_eos && s->eos < 0))
        return cril_fail(
            f->err, CRIL_ERR_FORMAT,
            "%s: tokenizer_config.json adds a token around texts that it does not name", f->path);
    return CRIL_OK;
}

/* ---- Files ---- */

static cril_status refuse(const struct folder *f)
{
    const uint8_t *data;
    size_t len;
    const cril_status st = cril_source_read(f->source, "vocab.json", &data, &len, f->err);

    if (st != CRIL_OK)
        return st;
    return cril_fail(
        f->err, CRIL_ERR_UNSUPPORTED,
        data ? "%s: has its tokenizer in vocab.json, which does not say how texts are "
               "cut into words; " ADVICE
             : "%s: has no tokenizer that cril reads: no tokenizer.json, no "
               "tokenizer.model of SentencePiece, no qwen.tiktoken; fetch it, or " ADVICE,
        f->path);
}

/* A row a file, in the order in which they count. */
static const struct {
    const char *name;
    bool (*is)(const uint8_t *data, size_t len); /* NULL: the name says it */
    cril_status (*read)(const uint8_t *data, size_t len, struct cril_spec *s, cril_error *err);
} files[] = {{"tokenizer.model", cril_spec_is_sentencepiece, cril_spec_read_sentencepiece},
             {"tokenizer.json", NULL, cril_spec_read_tokenizer_json},
             {"qwen.tiktoken", NULL, cril_spec_read_tiktoken}};

static cril_status read_tokenizer(const struct folder *f, struct cril_spec *s)
{
    const uint8_t *data;
    size_t len;
    cril_status st;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if ((st = cril_source_read(f->source, files[i].name, &data, &len, f->err)) != CRIL_OK)
            return st;
        if (!data || (files[i].is && !files[i].is(data, len)))
            continue;
        if ((st = name_file(f, s, files[i].name)) != CRIL_OK)
            return st;
        return files[i].read(data, len, s, f->err);
    }
    return refuse(f);
}

cril_status cril_spec_read_folder(struct cril_source *folder, struct cril_spec *s, cril_error *err)
{
    struct folder f = {.source = folder, .path = s->path, .err = err};
    cril_status st = read_tokenizer(&f, s);
    const char *const path = s->path;

    if (st == CRIL_OK && (st = read_notes(&f, s)) == CRIL_OK &&
        (!s->sentence.used || (st = add_tokens(&f, s)) == CRIL_OK))
        st = decide_adds(&f, s);
    if (st == CRIL_OK)
        st = read_ends(&f, s);
    free_notes(&f.notes);
    s->path = path;
    return st;
}
