/*
 * The rules are those of convert_hf_to_gguf.py (llama.cpp, 2026). Two kinds of tokenizers:
 *
 * - tokenizer.model of SentencePiece, BPE: its pieces, then added_tokens.json's, then those of
 *   added_tokens_decoder in tokenizer_config.json, each in place of what had its id;
 * - tokenizer.json, byte-level BPE, whose splitter cril knows by a name (spec_gguf.c).
 *
 * Ids without a token get a name, so that there are as many tokens as config.json's vocab_size.
 * Which tokens are special, and which stand around a text, the converter reads in its own way: from
 * post_processor and added_tokens of tokenizer.json, tokenizer_config.json, config.json. cril reads
 * the same here; what the tokenizer does is in the spec.
 */
#include "tokenizer/gguf_tables.h"

#include "tokenizer/alphabet.h"
#include "tokenizer/spec_json.h"
#include "util/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "tokenizer.ggml."
#define SPACE_MARK "\xe2\x96\x81" /* U+2581 */

enum { N_FOR_CODELLAMA = 32016, N_WITHOUT_BOS = 49152 };

struct habits {
    const char *architecture;
    bool tells_prefix; /* add_space_prefix is add_prefix_space of tokenizer_config.json */
    bool lacks_prefix; /* with SentencePiece add_space_prefix is false */
    bool goes_by_size; /* vocabularies of certain sizes are treated by themselves */
};

static const struct habits all_habits[] = {
    {.architecture = "llama", .tells_prefix = true, .goes_by_size = true},
    {.architecture = "granite", .tells_prefix = true, .goes_by_size = true},
    {.architecture = "smollm3", .tells_prefix = true, .goes_by_size = true},
    {.architecture = "qwen2"},
    {.architecture = "qwen3"},
    {.architecture = "olmo"},
    {.architecture = "olmo2"},
    {.architecture = "stablelm"},
    {.architecture = "command-r"},
    {.architecture = "gemma2", .lacks_prefix = true},
    {.architecture = "phi2"},
    {.architecture = "starcoder2"},
    {.architecture = "gemma3", .lacks_prefix = true}};

struct files { /* NULL: absent */
    json_t *config, *tokenizer, *notes, *added, *map;
};

struct tables {
    struct cril_source *folder;
    const struct cril_spec *spec;
    const struct habits *habits;
    struct cril_values *out;
    struct files files;
    size_t n;                 /* tokens */
    struct cril_bytes *texts; /* [n] data NULL: none so far */
    uint8_t *types, *scores;  /* [4 n] little-endian int32, float */
    bool *known;
    cril_error *err;
};

static cril_status no_memory(const struct tables *t)
{
    return cril_fail(t->err, CRIL_ERR_NOMEM, "%s: out of memory", t->out->path);
}

static cril_status give_up(const struct tables *t)
{
    *t->known = false;
    return CRIL_OK;
}

/* ---- Tokens ---- */

static void put_u32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

static void set_type(const struct tables *t, size_t i, enum token_type type)
{
    put_u32(t->types + 4 * i, type);
}

static void set_score(const struct tables *t, size_t i, float score)
{
    uint32_t bits;

    memcpy(&bits, &score, sizeof(bits));
    put_u32(t->scores + 4 * i, bits);
}

static bool has_ends(struct cril_bytes s, const char *start, const char *end)
{
    const size_t n = strlen(start), m = strlen(end);

    return s.len >= n && s.len >= m && !memcmp(s.data, start, n) &&
           !memcmp(s.data + s.len - m, end, m);
}

/* Names that the converter takes for special ones, whatever the files say. */
static bool looks_special(struct cril_bytes name)
{
    static const char *const names[] = {"<pad>", "<mask>", "<2mass>", "[@BOS@]"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (cril_bytes_are(name, names[i]))
            return true;
    return has_ends(name, "<|", "|>") || has_ends(name, "<\xef\xbd\x9c", "\xef\xbd\x9c>") ||
           has_ends(name, "<unused", ">");
}

/* An added token in place of what has its id. */
static cril_status put_added(const struct tables *t, size_t i, struct cril_bytes name, bool special)
{
    special = special || looks_special(name);
    set_type(t, i, special ? TOKEN_CONTROL : TOKEN_USER_DEFINED);
    t->texts[i] = name;
    if (special)
        return CRIL_OK;
    char *const text = cril_arena_text(&t->out->arena, name.data, name.len);

    if (!text)
        return no_memory(t);
    t->texts[i] = (struct cril_bytes){text, cril_put_spaces(name.data, name.len, text)};
    return CRIL_OK;
}

static cril_status name_gaps(const struct tables *t)
{
    for (size_t i = 0; i < t->n; i++) {
        char name[32];

        if (t->texts[i].data)
            continue;
        snprintf(name, sizeof(name), "[PAD%zu]", i);
        const char *const text = cril_arena_text(&t->out->arena, name, strlen(name));
        if (!text)
            return no_memory(t);
        t->texts[i] = cril_bytes_of(text);
        set_type(t, i, TOKEN_UNUSED);
    }
    return CRIL_OK;
}

static cril_status begin_tokens(struct tables *t)
{
    t->texts = cril_arena_take(&t->out->arena, t->n, sizeof(*t->texts));
    t->types = cril_arena_take(&t->out->arena, t->n, 4);
    t->scores = cril_arena_take(&t->out->arena, t->n, 4);
    return t->texts && t->types && t->scores ? CRIL_OK : no_memory(t);
}

static cril_status add_tokens(const struct tables *t, const char *model, const char *splitter)
{
    cril_status st;

    if ((st = name_gaps(t)) != CRIL_OK ||
        (st = cril_values_add_text(t->out, KEY "model", model, strlen(model), t->err)) != CRIL_OK ||
        (st = cril_values_add_text(t->out, KEY "pre", splitter, strlen(splitter), t->err)) !=
            CRIL_OK ||
        (st = cril_values_add_texts(t->out, KEY "tokens", t->texts, t->n, t->err)) != CRIL_OK)
        return st;
    return cril_values_add_numbers(t->out, KEY "token_type", CRIL_VALUE_I32, t->types, t->n,
                                   t->err);
}

/* ---- SentencePiece ---- */

/* Piece i as the file spells it. */
static struct cril_bytes spell_piece(const struct tables *t, size_t i)
{
    const struct cril_bytes piece = t->spec->pieces[i];
    const uint8_t type = t->spec->types[i];
    size_t n = 0;
    char *out;

    if (type == TOKEN_CONTROL || type == TOKEN_UNKNOWN)
        return piece;
    if (!(out = cril_arena_take(&t->out->arena, 3 * piece.len + 8, 1)))
        return (struct cril_bytes){0};
    if (type == TOKEN_BYTE)
        return (struct cril_bytes){out, (size_t)sprintf(out, "<0x%02X>", (uint8_t)piece.data[0])};
    for (size_t k = 0; k < piece.len; k++) {
        const bool space = piece.data[k] == ' ';

        memcpy(out + n, space ? SPACE_MARK : piece.data + k, space ? 3 : 1);
        n += space ? 3 : 1;
    }
    return (struct cril_bytes){out, n};
}

static cril_status put_pieces(const struct tables *t)
{
    const struct cril_spec *const s = t->spec;

    for (size_t i = 0; i < t->n; i++) {
        set_score(t, i, -10000);
        if (i >= s->n || !s->pieces[i].data)
            continue;
        if (!(t->texts[i] = spell_piece(t, i)).data)
            return no_memory(t);
        set_score(t, i, (float)s->scores[i]);
        set_type(t, i, s->types[i] == TOKEN_USER_DEFINED ? TOKEN_NORMAL : s->types[i]);
    }
    return CRIL_OK;
}

/* Beyond the tokens an id is ignored. */
static cril_status put_listed(const struct tables *t)
{
    const char *name;
    json_t *value;

    json_object_foreach(t->files.added, name, value)
    {
        const json_int_t i = json_integer_value(value);

        if (!json_is_integer(value) || i < 0)
            return give_up(t);
        if ((size_t)i >= t->n)
            continue;
        t->texts[i] = cril_bytes_of(name);
        set_type(t, (size_t)i, TOKEN_USER_DEFINED);
        set_score(t, (size_t)i, -1000);
    }
    return CRIL_OK;
}

static cril_status put_described(const struct tables *t)
{
    const char *key;
    json_t *value;
    cril_status st;

    json_object_foreach(json_object_get(t->files.notes, "added_tokens_decoder"), key, value)
    {
        char *end;
        const size_t i = strtoul(key, &end, 10);

        if (*key < '0' || *key > '9' || *end || !cril_token_name(value).data)
            return give_up(t);
        if (i >= t->n)
            continue;
        set_score(t, i, -1000);
        if ((st = put_added(t, i, cril_token_name(value),
                            json_is_true(json_object_get(value, "special")))) != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

static cril_status add_sentencepiece(const struct tables *t)
{
    cril_status st;

    if (t->spec->model != MODEL_SCORES)
        return give_up(t);
    if ((st = put_pieces(t)) != CRIL_OK || (st = put_listed(t)) != CRIL_OK || !*t->known ||
        (st = put_described(t)) != CRIL_OK || !*t->known ||
        (st = add_tokens(t, "llama", "default")) != CRIL_OK ||
        (st = cril_values_add_numbers(t->out, KEY "scores", CRIL_VALUE_F32, t->scores, t->n,
                                      t->err)) != CRIL_OK)
        return st;
    return t->habits->lacks_prefix
               ? cril_values_add_uint(t->out, KEY "add_space_prefix", CRIL_VALUE_BOOL, 0, t->err)
               : CRIL_OK;
}

/* ---- Byte-level BPE ---- */

/* The token of added_tokens with this name; NULL. */
static const json_t *find_added(const struct tables *t, struct cril_bytes name)
{
    const json_t *const list = json_object_get(t->files.tokenizer, "added_tokens");
    const json_t *token;
    size_t i;

    json_array_foreach(list, i,
                       token) if (cril_bytes_same(cril_token_name(token), name)) return token;
    return NULL;
}

/* transformers adds tokens that other files name, and tokenizer.json does not; or makes them
 * special. */
static bool is_added_special(const struct tables *t, const json_t *name)
{
    return !cril_token_name(name).len ||
           json_is_true(json_object_get(find_added(t, cril_token_name(name)), "special"));
}

static bool names_known(const struct tables *t, const json_t *file)
{
    static const char *const names[] = {"bos_token", "eos_token", "unk_token", "pad_token",
                                        "sep_token", "cls_token", "mask_token"};
    static const char *const lists[] = {"additional_special_tokens", "extra_special_tokens"};
    json_t *value;
    size_t k;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!is_added_special(t, json_object_get(file, names[i])))
            return false;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const char *key;

        json_array_foreach(json_object_get(file, lists[i]), k,
                           value) if (!is_added_special(t, value)) return false;
        json_object_foreach(json_object_get(file, lists[i]), key,
                            value) if (!is_added_special(t, value)) return false;
    }
    return true;
}

static bool added_known(const struct tables *t)
{
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(t->files.notes, "added_tokens_decoder"), key, value)
    {
        const json_t *const token = find_added(t, cril_token_name(value));

        if (!token || json_integer_value(json_object_get(token, "id")) != strtol(key, NULL, 10) ||
            json_is_true(json_object_get(token, "special")) !=
                json_is_true(json_object_get(value, "special")))
            return false;
    }
    json_object_foreach(t->files.added, key, value)
    {
        const json_t *const id = json_object_get(find_added(t, cril_bytes_of(key)), "id");

        if (!id || json_integer_value(id) != json_integer_value(value))
            return false;
    }
    return names_known(t, t->files.notes) && names_known(t, t->files.map);
}

/* The converter encodes and decodes a token that is not normalised; a letter of the byte alphabet
 * in it would become a byte. */
static bool may_change(struct cril_bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((uint8_t)name.data[i] >= 0xc2 && (uint8_t)name.data[i] <= 0xc5)
            return true;
    return false;
}

static cril_status put_vocabulary(const struct tables *t)
{
    json_t *const vocab = json_object_get(json_object_get(t->files.tokenizer, "model"), "vocab");
    const char *name;
    json_t *id;

    json_object_foreach(vocab, name, id)
    {
        const json_int_t i = json_integer_value(id);

        if (i < 0 || (size_t)i >= t->n || t->texts[i].data)
            return give_up(t);
        t->texts[i] = cril_bytes_of(name);
        set_type(t, (size_t)i, TOKEN_NORMAL);
    }
    return CRIL_OK;
}

static cril_status put_added_to_vocabulary(const struct tables *t)
{
    const json_t *const list = json_object_get(t->files.tokenizer, "added_tokens");
    const json_t *token;
    size_t k;
    cril_status st;

    json_array_foreach(list, k, token)
    {
        const struct cril_bytes name = cril_token_name(token);
        const json_t *const id = json_object_get(token, "id");
        const json_int_t i = json_integer_value(id);

        if (!json_is_integer(id) || i < 0 || (size_t)i >= t->n || (size_t)i >= t->spec->n ||
            !cril_bytes_same(t->spec->pieces[i], name) ||
            (t->texts[i].data && !cril_bytes_same(t->texts[i], name)) || may_change(name))
            return give_up(t);
        if ((st = put_added(t, (size_t)i, name, json_is_true(json_object_get(token, "special")))) !=
            CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

/* "a b"; in a list, where pieces may have spaces, a space is written as the byte alphabet does. */
static cril_status join_merge(const struct tables *t, const json_t *merge, struct cril_bytes *out)
{
    size_t n = 0, i;
    json_t *part;
    char *text;

    *out = cril_json_text(merge);
    if (out->data || json_array_size(merge) != 2)
        return out->data ? CRIL_OK : give_up(t);
    text = cril_arena_take(&t->out->arena,
                           2 * (json_string_length(json_array_get(merge, 0)) +
                                json_string_length(json_array_get(merge, 1))) +
                               2,
                           1);
    if (!text)
        return no_memory(t);
    json_array_foreach(merge, i, part)
    {
        const struct cril_bytes piece = cril_json_text(part);

        if (i)
            text[n++] = ' ';
        for (size_t k = 0; k < piece.len; k++) {
            if (piece.data[k] == ' ')
                text[n++] = '\xc4';
            text[n++] = piece.data[k] == ' ' ? '\xa0' : piece.data[k];
        }
    }
    *out = (struct cril_bytes){text, n};
    return CRIL_OK;
}

static cril_status add_merges(const struct tables *t)
{
    const json_t *const merges =
        json_object_get(json_object_get(t->files.tokenizer, "model"), "merges");
    const size_t n = json_array_size(merges);
    struct cril_bytes *const texts = cril_arena_take(&t->out->arena, n + 1, sizeof(*texts));
    cril_status st;

    if (!texts)
        return no_memory(t);
    if (!n)
        return give_up(t); /* the converter then looks for merges.txt */
    for (size_t i = 0; i < n; i++)
        if ((st = join_merge(t, json_array_get(merges, i), &texts[i])) != CRIL_OK || !*t->known)
            return st;
    return cril_values_add_texts(t->out, KEY "merges", texts, n, t->err);
}

/* The converter tells tokenizers with one splitter apart by their tokens. */
static const char *choose_splitter(const struct tables *t, const char *name)
{
    const bool chats = find_added(t, cril_bytes_of("<|im_start|>"));

    return name && !strcmp(name, "smollm") && !chats ? "starcoder" : name;
}

static cril_status add_byte_level(const struct tables *t)
{
    const json_t *const model = json_object_get(t->files.tokenizer, "model");
    const char *splitter = NULL;
    cril_status st;

    if (t->spec->model != MODEL_RANKS || !t->spec->byte_level ||
        json_is_true(json_object_get(model, "byte_fallback")) || !added_known(t))
        return give_up(t);
    if ((st = cril_spec_splitter_name(t->spec, &splitter, t->err)) != CRIL_OK)
        return st;
    if (!(splitter = choose_splitter(t, splitter)))
        return give_up(t);
    if ((st = put_vocabulary(t)) != CRIL_OK || !*t->known ||
        (st = put_added_to_vocabulary(t)) != CRIL_OK || !*t->known ||
        (st = add_tokens(t, "gpt2", splitter)) != CRIL_OK)
        return st;
    return add_merges(t);
}

/* ---- Special tokens ---- */

enum special { BOS, EOS, UNK, SEP, PAD, CLS, MASK, N_SPECIAL };

static const struct {
    const char *name, *id_key, *add_key; /* NULL: the converter writes none */
} special_keys[N_SPECIAL] = {
    [BOS] = {"bos", KEY "bos_token_id", KEY "add_bos_token"},
    [EOS] = {"eos", KEY "eos_token_id", KEY "add_eos_token"},
    [UNK] = {"unk", KEY "unknown_token_id", NULL},
    [SEP] = {"sep", KEY "seperator_token_id", KEY "add_sep_token"}, /* spelled so */
    [PAD] = {"pad", KEY "padding_token_id", NULL},
    [CLS] = {"cls", NULL, NULL},
    [MASK] = {"mask", KEY "mask_token_id", NULL},
};

struct specials {
    const json_t *entries[N_SPECIAL]; /* of tokenizer_config.json: texts or objects */
    json_int_t ids[N_SPECIAL];        /* -1: none */
    int8_t adds[N_SPECIAL];           /* -1: not said */
};

static const json_t *note(const struct tables *t, const char *form, enum special k)
{
    char key[32];

    snprintf(key, sizeof(key), form, special_keys[k].name);
    return json_object_get(t->files.notes, key);
}

static bool is_set(const json_t *entry)
{
    return json_is_object(entry) || json_string_length(entry);
}

/* Whether the entry is this text; an object never is. */
static bool is_entry(const json_t *entry, const json_t *name)
{
    return cril_bytes_same(cril_json_text(entry), cril_json_text(name));
}

static const json_t *special_of(const json_t *piece)
{
    return json_object_get(json_object_get(piece, "SpecialToken"), "id");
}

static bool is_sequence(const json_t *piece, const char *id)
{
    return cril_bytes_are(cril_json_text(json_object_get(json_object_get(piece, "Sequence"), "id")),
                          id);
}

/* What stands between the texts of a pair: whether SEP does. */
static cril_status read_pair(const struct tables *t, const json_t *pair, const json_t *first,
                             const json_t *last, struct specials *s)
{
    size_t from = 0, to = json_array_size(pair);

    if (first && to && is_entry(special_of(json_array_get(pair, 0)), first))
        from++;
    if (last && to && is_entry(special_of(json_array_get(pair, to - 1)), last))
        to--;
    if (to < from + 3 || !is_sequence(json_array_get(pair, from), "A") ||
        !is_sequence(json_array_get(pair, to - 1), "B"))
        return CRIL_OK;
    const json_t *const next = special_of(json_array_get(pair, from + 1)),
                        *const after =
                            to - from == 4 ? special_of(json_array_get(pair, from + 2)) : NULL;

    if ((!last && (is_entry(s->entries[SEP], next) || is_entry(s->entries[EOS], next))) ||
        is_entry(s->entries[SEP], after) || is_entry(s->entries[EOS], after))
        return give_up(t);
    s->adds[SEP] = false;
    return CRIL_OK;
}

static cril_status read_template(const struct tables *t, const json_t *processor,
                                 struct specials *s)
{
    const json_t *const single = json_object_get(processor, "single");
    const size_t n = json_array_size(single);
    const json_t *first = NULL, *last = NULL;

    if (n > 1 && (first = special_of(json_array_get(single, 0)))) {
        if (!is_entry(s->entries[BOS], first) && !is_entry(s->entries[CLS], first)) {
            if (!is_set(s->entries[BOS]))
                s->entries[BOS] = first;
            if (!is_set(s->entries[CLS]))
                s->entries[CLS] = first;
        }
        s->adds[BOS] = is_entry(s->entries[BOS], first) || is_entry(s->entries[CLS], first);
    }
    if (n > 1 && (last = special_of(json_array_get(single, n - 1)))) {
        if (!is_entry(s->entries[EOS], last))
            return give_up(t); /* EOS is then written as another kind */
        s->adds[EOS] = true;
    }
    return read_pair(t, json_object_get(processor, "pair"), first, last, s);
}

static cril_status read_processor(const struct tables *t, const json_t *processor,
                                  struct specials *s)
{
    const struct cril_bytes type = cril_json_text(json_object_get(processor, "type"));

    if (cril_bytes_are(type, "TemplateProcessing"))
        return read_template(t, processor, s);
    if (!cril_bytes_are(type, "ByteLevel"))
        return give_up(t);
    for (enum special k = BOS; k <= EOS; k++)
        if (s->adds[k] < 0)
            s->adds[k] = false;
    return CRIL_OK;
}

static cril_status read_processors(const struct tables *t, struct specials *s)
{
    const json_t *const processor = json_object_get(t->files.tokenizer, "post_processor"),
                        *const members = json_object_get(processor, "processors");
    const json_t *member;
    size_t i;
    cril_status st;

    if (!is_set(s->entries[BOS]))
        s->entries[BOS] = s->entries[CLS];
    if (!is_set(s->entries[EOS]))
        s->entries[EOS] = s->entries[SEP];
    if (!json_is_object(processor))
        return CRIL_OK;
    if (!members)
        return read_processor(t, processor, s);
    json_array_foreach(members, i, member) if ((st = read_processor(t, member, s)) != CRIL_OK ||
                                               !*t->known) return st;
    return CRIL_OK;
}

/* Its id, unless one is known, or it is beyond SentencePiece's tokens. */
static void set_id(const struct tables *t, struct specials *s, enum special k, const json_t *id)
{
    const json_int_t i = json_integer_value(id);

    if (!json_is_integer(id))
        return;
    if (i < 0 || i > UINT32_MAX)
        *t->known = false; /* the converter stops */
    else if (s->ids[k] < 0 && (!t->spec->sentence.used || (size_t)i < t->n))
        s->ids[k] = i;
}

static void read_ids(const struct tables *t, struct specials *s)
{
    for (enum special k = 0; k < N_SPECIAL; k++) {
        const json_t *const adds = note(t, "add_%s_token", k);
        char key[32];

        if (json_is_boolean(adds) && s->adds[k] < 0)
            s->adds[k] = json_is_true(adds);
        if (t->files.tokenizer)
            set_id(t, s, k, json_object_get(find_added(t, cril_token_name(s->entries[k])), "id"));
        snprintf(key, sizeof(key), "%s_token_id", special_keys[k].name);
        const json_t *id = json_object_get(t->files.config, key);
        if (!id || json_is_null(id))
            id = json_object_get(json_object_get(t->files.config, "text_config"), key);
        set_id(t, s, k, id);
    }
}

static cril_status add_specials(const struct tables *t)
{
    struct specials s;
    cril_status st = CRIL_OK;

    for (enum special k = 0; k < N_SPECIAL; k++) {
        s.entries[k] = note(t, "%s_token", k);
        s.ids[k] = s.adds[k] = -1;
    }
    if (t->files.tokenizer && ((st = read_processors(t, &s)) != CRIL_OK || !*t->known))
        return st;
    read_ids(t, &s);
    if (t->habits->goes_by_size && t->n == N_WITHOUT_BOS)
        s.adds[BOS] = false;
    for (enum special k = 0; k < N_SPECIAL && st == CRIL_OK; k++) {
        if (special_keys[k].id_key && s.ids[k] >= 0)
            st = cril_values_add_uint(t->out, special_keys[k].id_key, CRIL_VALUE_U32,
                                      (uint64_t)s.ids[k], t->err);
        if (st == CRIL_OK && special_keys[k].add_key && s.adds[k] >= 0)
            st = cril_values_add_uint(t->out, special_keys[k].add_key, CRIL_VALUE_BOOL,
                                      (uint64_t)s.adds[k], t->err);
    }
    return st;
}

/* ---- All ---- */

static cril_status read_file(const struct tables *t, const char *name, json_t **out)
{
    const uint8_t *data;
    size_t len;
    const cril_status st = cril_source_read(t->folder, name, &data, &len, t->err);

    return st == CRIL_OK && data ? cril_json_parse(name, data, len, out, t->err) : st;
}

static cril_status read_files(struct tables *t)
{
    cril_status st;

    if ((st = read_file(t, "config.json", &t->files.config)) != CRIL_OK ||
        (st = read_file(t, "tokenizer.json", &t->files.tokenizer)) != CRIL_OK ||
        (st = read_file(t, "tokenizer_config.json", &t->files.notes)) != CRIL_OK ||
        (st = read_file(t, "added_tokens.json", &t->files.added)) != CRIL_OK)
        return st;
    return read_file(t, "special_tokens_map.json", &t->files.map);
}

static void free_files(struct files *f)
{
    json_decref(f->config);
    json_decref(f->tokenizer);
    json_decref(f->notes);
    json_decref(f->added);
    json_decref(f->map);
}

/* The number of tokens; 0: not known. */
static size_t count_tokens(const struct tables *t)
{
    const json_t *n =
        json_object_get(json_object_get(t->files.config, "text_config"), "vocab_size");

    if (!n)
        n = json_object_get(t->files.config, "vocab_size");
    return json_is_integer(n) && json_integer_value(n) > 0 &&
                   json_integer_value(n) <= (json_int_t)t->spec->n + (1 << 20)
               ? (size_t)json_integer_value(n)
               : 0;
}

static cril_status add_prefix(const struct tables *t)
{
    const json_t *const adds = json_object_get(t->files.notes, "add_prefix_space");

    if (!t->habits->tells_prefix || !adds || json_is_null(adds))
        return CRIL_OK;
    if (!json_is_boolean(adds))
        return give_up(t);
    return cril_values_add_uint(t->out, KEY "add_space_prefix", CRIL_VALUE_BOOL, json_is_true(adds),
                                t->err);
}

static cril_status add_all(struct tables *t)
{
    const uint8_t *data;
    size_t len;
    cril_status st;

    if ((st = read_files(t)) != CRIL_OK ||
        (st = cril_source_read(t->folder, "tokenizer.model", &data, &len, t->err)) != CRIL_OK)
        return st;
    t->n = count_tokens(t);
    if (!t->n || !t->files.notes || (data && !t->spec->sentence.used) ||
        (!data && !t->files.tokenizer) || (t->habits->goes_by_size && t->n == N_FOR_CODELLAMA))
        return give_up(t);
    if ((st = begin_tokens(t)) != CRIL_OK || (st = add_prefix(t)) != CRIL_OK ||
        (st = data ? add_sentencepiece(t) : add_byte_level(t)) != CRIL_OK || !*t->known)
        return st;
    return add_specials(t);
}

cril_status cril_gguf_tables(struct cril_source *folder, const struct cril_spec *spec,
                             const char *architecture, struct cril_values *out, bool *known,
                             cril_error *err)
{
    struct tables t = {.folder = folder, .spec = spec, .out = out, .known = known, .err = err};
    cril_status st = CRIL_OK;

    out->path = cril_source_path(folder);
    *known = false;
    for (size_t i = 0; i < sizeof(all_habits) / sizeof(all_habits[0]); i++)
        if (!strcmp(architecture, all_habits[i].architecture))
            t.habits = &all_habits[i];
    if (!t.habits)
        return CRIL_OK;
    *known = true;
    st = add_all(&t);
    free_files(&t.files);
    return st;
}
