/*
 * A tokenizer from tokenizer.json, the file of the library `tokenizers` (its serde code is the
 * format's only definition: tokenizer/serialization.rs, models/, processors/).
 *
 * A vocabulary's control tokens are never what a text becomes, whatever the model: a look-alike of
 * one is text. So are names of bytes, such as <0x0A>, where bytes spell what has no token.
 * Truncation and padding change no id. The decoder says one thing that the tokens do not: whether
 * the first blank of a text is dropped.
 *
 * An added token has the id of its name in the model's vocabulary, else the next one behind as many
 * ids as that has: what the file says of it, the library does not use.
 */
#include "tokenizer/spec_json.h"

#include "tokenizer/alphabet.h"
#include "tokenizer/table.h"
#include "util/fail.h"
#include "util/size.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Ids that a file leaves out, at most. */
enum { MAX_GAPS = 1 << 20 };

static cril_status wrong(const struct cril_spec *s, const char *what, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: %s", s->path, what);
}

static cril_status no_memory(const struct cril_spec *s, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for its tokens", s->path);
}

/* ---- Ids ---- */

/* What the model's vocabulary and the added tokens need. */
struct sizes {
    json_int_t max; /* id of the model; -1: none */
    size_t n, n_added;
    size_t bytes; /* of all names */
};

static cril_status count_name(const struct cril_spec *s, size_t len, struct sizes *z,
                              cril_error *err)
{
    return cril_size_add(z->bytes, len + 1, &z->bytes) ? CRIL_OK : no_memory(s, err);
}

static cril_status count_model(const struct cril_spec *s, const json_t *vocab, struct sizes *z,
                               cril_error *err)
{
    const char *name;
    json_t *value;
    size_t i;
    cril_status st;

    json_object_foreach((json_t *)vocab, name, value)
    {
        const json_int_t id = json_integer_value(value);

        if (!json_is_integer(value) || id < 0 || id >= INT32_MAX)
            return wrong(s, "a token's id is not a number that it can be", err);
        z->max = id > z->max ? id : z->max;
        z->n++;
        if ((st = count_name(s, strlen(name), z, err)) != CRIL_OK)
            return st;
    }
    json_array_foreach(vocab, i, value)
    {
        z->max = (json_int_t)i;
        z->n++;
        if ((st = count_name(s, json_string_length(json_array_get(value, 0)), z, err)) != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

static cril_status count_added(const struct cril_spec *s, const json_t *added, struct sizes *z,
                               cril_error *err)
{
    json_t *token;
    size_t i;
    cril_status st;

    if (added && !json_is_null(added) && !json_is_array(added))
        return wrong(s, "\"added_tokens\" is not a list", err);
    z->n_added = json_array_size(added);
    json_array_foreach(
        added, i,
        token) if ((st = count_name(s, json_string_length(json_object_get(token, "content")), z,
                                    err)) != CRIL_OK) return st;
    return CRIL_OK;
}

/* Ids by the names that the file gives. */
struct names {
    struct cril_table table;
    int32_t next; /* id of an added token that the model does not have */
};

static cril_status list_names(const json_t *vocab, const struct sizes *z, struct names *names,
                              cril_error *err)
{
    const char *name;
    json_t *value;
    size_t i;
    const cril_status st = cril_table_init(&names->table, z->n + z->n_added, err);

    if (st != CRIL_OK)
        return st;
    names->next = (int32_t)z->n;
    json_object_foreach((json_t *)vocab, name, value)
        cril_table_put(&names->table, name, strlen(name), (int32_t)json_integer_value(value));
    json_array_foreach(vocab, i, value)
    {
        const struct cril_bytes text = cril_json_text(json_array_get(value, 0));

        if (text.len)
            cril_table_put(&names->table, text.data, text.len, (int32_t)i);
    }
    return CRIL_OK;
}

/* ---- Tokens ---- */

/* The bytes of a token of the model, at out; out has room for text. */
static size_t put_text(const struct cril_spec *s, struct cril_bytes text, char *out)
{
    size_t n;

    if (s->byte_level && cril_byte_level_decode(text.data, text.len, out, &n))
        return n;
    if (!s->byte_level && s->spaces)
        return cril_put_spaces(text.data, text.len, out);
    memcpy(out, text.data, text.len);
    return text.len;
}

/* Whether a normalised text may hold a model's token with this name. */
static bool is_found(const struct cril_spec *s, struct cril_bytes name, char *room)
{
    size_t n;

    if (s->byte_level)
        return cril_byte_level_decode(name.data, name.len, room, &n);
    return !s->spaces || !memchr(name.data, ' ', name.len);
}

/* Fills token id of the model, and moves *out behind its bytes. */
static cril_status put_token(struct cril_spec *s, size_t id, struct cril_bytes name, bool bytes,
                             char **out, cril_error *err)
{
    const int byte = bytes ? cril_byte_of_name(name.data, name.len) : -1;
    char *const at = *out;

    if (s->pieces[id].data)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: two tokens have the id %zu", s->path, id);
    if (byte >= 0) {
        *at = (char)byte;
        s->types[id] = TOKEN_BYTE;
        s->byte_token[byte] = (int32_t)id;
        s->pieces[id] = (struct cril_bytes){at, 1};
        *out += 1;
        return CRIL_OK;
    }
    s->types[id] = TOKEN_NORMAL;
    if (is_found(s, name, at))
        s->keys[id] = (struct cril_bytes){at, put_text(s, name, at)};
    s->pieces[id] = (struct cril_bytes){at, put_text(s, name, at)};
    *out += s->pieces[id].len;
    return CRIL_OK;
}

static cril_status put_scored(struct cril_spec *s, size_t id, const json_t *pair, bool bytes,
                              char **out, cril_error *err)
{
    const json_t *const name = json_array_get(pair, 0), *const score = json_array_get(pair, 1);

    s->scores[id] = cril_json_number(score);
    if (!json_is_string(name) || !json_is_number(score) || !isfinite(s->scores[id]))
        return wrong(s, "a token of \"vocab\" is not a text and a number", err);
    return put_token(s, id, cril_json_text(name), bytes, out, err);
}

static cril_status put_model(struct cril_spec *s, const json_t *vocab, bool bytes, char **out,
                             cril_error *err)
{
    const char *name;
    json_t *value;
    size_t i;
    cril_status st = CRIL_OK;

    json_object_foreach((json_t *)vocab, name,
                        value) if ((st = put_token(s, (size_t)json_integer_value(value),
                                                   (struct cril_bytes){name, strlen(name)}, bytes,
                                                   out, err)) != CRIL_OK) return st;
    json_array_foreach(vocab, i, value) if ((st = put_scored(s, i, value, bytes, out, err)) !=
                                            CRIL_OK) return st;
    return CRIL_OK;
}

/* The id of an added token. */
static int32_t place(struct names *names, struct cril_bytes name)
{
    int32_t id = cril_table_find(&names->table, name.data, name.len);

    if (id < 0)
        cril_table_put(&names->table, name.data, name.len, id = names->next++);
    return id;
}

static cril_status put_added_token(struct cril_spec *s, const json_t *token, struct names *names,
                                   char **out, cril_error *err)
{
    struct spec_added a = {0};
    cril_status st;

    if ((st = cril_spec_json_text(s, token, "content", &a.name, err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, token, "special", &a.control, err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, token, "normalized", &a.normalised, err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, token, "single_word", &a.single_word, err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, token, "lstrip", &a.strips_left, err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, token, "rstrip", &a.strips_right, err)) != CRIL_OK)
        return st;
    if (!a.name.len)
        return CRIL_OK;
    a.id = place(names, a.name);
    memcpy(*out, a.name.data, a.name.len);
    a.name.data = *out;
    *out += a.name.len;
    s->types[a.id] = a.control ? TOKEN_CONTROL : TOKEN_USER_DEFINED;
    s->pieces[a.id] = a.name;
    if (a.control)
        s->keys[a.id] = (struct cril_bytes){0};
    s->added[s->n_added++] = a;
    return CRIL_OK;
}

static cril_status put_all(struct cril_spec *s, const json_t *vocab, const json_t *added,
                           bool bytes, const struct sizes *z, struct names *names, cril_error *err)
{
    char *out = cril_arena_take(&s->arena, z->bytes, 1);
    json_t *token;
    size_t i;
    cril_status st;

    if (!out || !(s->added = cril_arena_take(&s->arena, z->n_added, sizeof(*s->added))))
        return no_memory(s, err);
    if ((st = put_model(s, vocab, bytes, &out, err)) != CRIL_OK)
        return st;
    json_array_foreach(added, i, token) if ((st = put_added_token(s, token, names, &out, err)) !=
                                            CRIL_OK) return st;
    s->n = z->max < names->next ? (size_t)names->next : (size_t)z->max + 1;
    return s->n ? CRIL_OK : wrong(s, "has no token", err);
}

/* names is to be cleared, after an error too. */
static cril_status read_tokens(struct cril_spec *s, const json_t *vocab, const json_t *added,
                               bool bytes, struct names *names, cril_error *err)
{
    struct sizes z = {.max = -1};
    cril_status st;

    if ((st = count_model(s, vocab, &z, err)) != CRIL_OK ||
        (st = count_added(s, added, &z, err)) != CRIL_OK)
        return st;
    if (z.n + z.n_added > INT32_MAX / 2 || (z.max >= 0 && (size_t)z.max >= z.n + MAX_GAPS))
        return wrong(s, "leaves out more ids than it has", err);
    if ((st = cril_spec_extend(s, (size_t)(z.max + 1) + z.n + z.n_added, err)) != CRIL_OK ||
        (st = list_names(vocab, &z, names, err)) != CRIL_OK)
        return st;
    return put_all(s, vocab, added, bytes, &z, names, err);
}

/* ---- Models ---- */

static bool is_off(const json_t *value)
{
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_string(value) && !json_string_length(value)) ||
           (json_is_number(value) && json_number_value(value) == 0);
}

/* Options of the model that cril does not follow, unless they are off. */
static cril_status refuse_options(const struct cril_spec *s, const json_t *model, cril_error *err)
{
    static const char *const keys[] = {"dropout", "continuing_subword_prefix",
                                       "end_of_word_suffix"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *const value = json_object_get(model, keys[i]);

        if (!is_off(value))
            return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: cril does not follow the model's %s",
                             s->path, keys[i]);
    }
    return CRIL_OK;
}

/* The two pieces of a merge: "a b", or ["a", "b"]. */
static bool part_merge(const json_t *merge, struct cril_bytes *left, struct cril_bytes *right)
{
    const char *space;

    if (json_is_array(merge) && json_array_size(merge) == 2) {
        *left = cril_json_text(json_array_get(merge, 0));
        *right = cril_json_text(json_array_get(merge, 1));
        return left->data && right->data && left->len && right->len;
    }
    *left = cril_json_text(merge);
    if (!left->data || !(space = memchr(left->data, ' ', left->len)))
        return false;
    *right = (struct cril_bytes){space + 1, left->len - (size_t)(space + 1 - left->data)};
    left->len = (size_t)(space - left->data);
    return left->len && right->len && !memchr(right->data, ' ', right->len);
}

static bool is_heading(const json_t *merge) /* of merges.txt */
{
    static const char heading[] = "#version";
    const struct cril_bytes text = cril_json_text(merge);

    return text.data && text.len >= sizeof(heading) - 1 &&
           !memcmp(text.data, heading, sizeof(heading) - 1);
}

static cril_status put_merges(struct cril_spec *s, const json_t *merges, char *out, cril_error *err)
{
    struct cril_bytes left, right;
    json_t *merge;
    size_t i;

    json_array_foreach(merges, i, merge)
    {
        size_t n;

        if (is_heading(merge))
            continue;
        if (!part_merge(merge, &left, &right) || left.len + right.len > UINT32_MAX)
            return cril_fail(err, CRIL_ERR_FORMAT, "%s: merge %zu is not two pieces", s->path, i);
        if (!is_found(s, left, out) || !is_found(s, right, out))
            continue; /* no text holds it */
        n = put_text(s, left, out);
        s->merges[s->n_merges++] = (struct spec_merge){
            out, (uint32_t)n, (uint32_t)(n + put_text(s, right, out + n)), (uint32_t)i};
        out += s->merges[s->n_merges - 1].len;
    }
    return CRIL_OK;
}

static cril_status read_merges(struct cril_spec *s, const json_t *merges, cril_error *err)
{
    size_t total = 0, i;
    json_t *merge;
    char *out;

    if (!json_is_array(merges))
        return wrong(s, "\"merges\" is not a list", err);
    json_array_foreach(merges, i, merge)
    {
        const size_t len = json_is_array(merge) ? json_string_length(json_array_get(merge, 0)) +
                                                      json_string_length(json_array_get(merge, 1))
                                                : json_string_length(merge);

        if (!cril_size_add(total, len, &total))
            return no_memory(s, err);
    }
    s->merges = cril_arena_take(&s->arena, json_array_size(merges), sizeof(*s->merges));
    out = cril_arena_take(&s->arena, total, 1);
    return s->merges && out ? put_merges(s, merges, out, err) : no_memory(s, err);
}

static cril_status set_unknown(struct cril_spec *s, int64_t id, cril_error *err)
{
    if (id < 0 || (uint64_t)id >= s->n)
        return wrong(s, "the unknown token is none of the tokens", err);
    s->unknown = (int32_t)id;
    if (s->types[id] == TOKEN_NORMAL)
        s->types[id] = TOKEN_UNKNOWN;
    s->keys[id] = (struct cril_bytes){0};
    return CRIL_OK;
}

static cril_status read_bpe(struct cril_spec *s, const json_t *model, const json_t *added,
                            cril_error *err)
{
    const json_t *const vocab = json_object_get(model, "vocab");
    const struct cril_bytes unknown = cril_json_text(json_object_get(model, "unk_token"));
    struct names names = {0};
    bool bytes = false;
    cril_status st;

    s->model = MODEL_RANKS;
    s->drops_unknown = true;
    if (!json_is_object(vocab))
        return wrong(s, "\"vocab\" is not an object", err);
    if ((st = refuse_options(s, model, err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, model, "byte_fallback", &bytes, err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, model, "fuse_unk", &s->fuses_unknown, err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, model, "ignore_merges", &s->ignores_merges, err)) != CRIL_OK ||
        (st = read_merges(s, json_object_get(model, "merges"), err)) != CRIL_OK)
        return st;
    st = read_tokens(s, vocab, added, bytes && !s->byte_level, &names, err);
    if (st == CRIL_OK && unknown.len)
        st = set_unknown(s, cril_table_find(&names.table, unknown.data, unknown.len), err);
    cril_table_clear(&names.table);
    return st;
}

static cril_status read_unigram(struct cril_spec *s, const json_t *model, const json_t *added,
                                cril_error *err)
{
    const json_t *const vocab = json_object_get(model, "vocab"), *const unknown = json_object_get(
                                                                     model, "unk_id");
    struct names names = {0};
    bool bytes = false;
    cril_status st;

    s->model = MODEL_UNIGRAM;
    s->wide_sums = s->fuses_unknown = true;
    if (s->byte_level)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: cril does not know a unigram model of bytes", s->path);
    if (!json_is_array(vocab))
        return wrong(s, "\"vocab\" is not a list", err);
    if ((st = cril_spec_json_flag(s, model, "byte_fallback", &bytes, err)) != CRIL_OK)
        return st;
    st = read_tokens(s, vocab, added, bytes, &names, err);
    cril_table_clear(&names.table);
    if (st != CRIL_OK || !unknown || json_is_null(unknown))
        return st;
    return set_unknown(s, json_is_integer(unknown) ? json_integer_value(unknown) : -1, err);
}

static cril_status read_model(struct cril_spec *s, const json_t *model, const json_t *added,
                              cril_error *err)
{
    struct cril_bytes type = cril_json_text(json_object_get(model, "type"));

    if (!json_is_object(model))
        return wrong(s, "\"model\" is not an object", err);
    if (!type.data) { /* older files do not say */
        type.data = json_object_get(model, "merges") ? "BPE" : "Unigram";
        type.len = strlen(type.data);
    }
    if (cril_bytes_are(type, "BPE")) {
        snprintf(s->kind, sizeof(s->kind), "bpe (tokenizer.json)");
        return read_bpe(s, model, added, err);
    }
    if (cril_bytes_are(type, "Unigram")) {
        snprintf(s->kind, sizeof(s->kind), "unigram (tokenizer.json)");
        return read_unigram(s, model, added, err);
    }
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "%s: cril does not know the model \"%.*s\"; it knows BPE and Unigram", s->path,
                     CRIL_SHOWN(type));
}

/* ---- What stands around a text ---- */

static cril_status set_token(struct cril_spec *s, const json_t *id, bool behind, cril_error *err)
{
    const json_int_t i = json_integer_value(id);
    bool *const adds = behind ? &s->adds_eos : &s->adds_bos;

    if (!json_is_integer(id) || i < 0 || (uint64_t)i >= s->n)
        return wrong(s, "\"post_processor\" adds a token that is none of the tokens", err);
    if (*adds)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: \"post_processor\" adds more than one token at one end of a text",
                         s->path);
    *adds = true;
    *(behind ? &s->eos : &s->bos) = (int32_t)i;
    return CRIL_OK;
}

/* A piece of the template: the text itself, or a token, whose ids the table has. */
static cril_status read_piece(struct cril_spec *s, const json_t *piece, const json_t *table,
                              bool *behind, cril_error *err)
{
    const json_t *const special = json_object_get(piece, "SpecialToken");
    const json_t *ids, *id;
    struct cril_bytes name;
    size_t i;
    cril_status st;

    if (!special) {
        if (*behind || !json_object_get(piece, "Sequence"))
            return wrong(s, "\"single\" of the post_processor is not the text and tokens", err);
        *behind = true;
        return CRIL_OK;
    }
    if ((st = cril_spec_json_text(s, special, "id", &name, err)) != CRIL_OK)
        return st;
    ids = json_object_get(json_object_getn(table, name.data, name.len), "ids");
    if (!json_is_array(ids))
        return wrong(s, "the post_processor does not say which ids its tokens have", err);
    json_array_foreach(ids, i, id) if ((st = set_token(s, id, *behind, err)) != CRIL_OK) return st;
    return CRIL_OK;
}

static cril_status read_template(struct cril_spec *s, const json_t *processor, cril_error *err)
{
    const json_t *const single = json_object_get(processor, "single");
    const json_t *piece;
    bool behind = false;
    size_t i;
    cril_status st;

    if (!json_is_array(single))
        return wrong(s, "\"single\" of the post_processor is not a list", err);
    json_array_foreach(
        single, i,
        piece) if ((st = read_piece(s, piece, json_object_get(processor, "special_tokens"), &behind,
                                    err)) != CRIL_OK) return st;
    return behind ? CRIL_OK : wrong(s, "\"single\" of the post_processor leaves the text out", err);
}

/* "cls" in front and "sep" behind, each a name and an id. */
static cril_status read_cls_sep(struct cril_spec *s, const json_t *processor, cril_error *err)
{
    const cril_status st =
        set_token(s, json_array_get(json_object_get(processor, "cls"), 1), false, err);

    return st == CRIL_OK
               ? set_token(s, json_array_get(json_object_get(processor, "sep"), 1), true, err)
               : st;
}

cril_status cril_spec_read_processor(struct cril_spec *s, const json_t *processor, cril_error *err)
{
    const json_t *const members = json_object_get(processor, "processors");
    const json_t *member;
    struct cril_bytes type;
    size_t i;
    cril_status st;

    if (!processor || json_is_null(processor))
        return CRIL_OK;
    if ((st = cril_spec_json_text(s, processor, "type", &type, err)) != CRIL_OK)
        return st;
    s->has_processor = true;
    if (!strcmp(type.data, "TemplateProcessing"))
        return read_template(s, processor, err);
    if (!strcmp(type.data, "RobertaProcessing") || !strcmp(type.data, "BertProcessing"))
        return read_cls_sep(s, processor, err);
    if (!strcmp(type.data, "ByteLevel")) /* trims positions */
        return CRIL_OK;
    if (strcmp(type.data, "Sequence") != 0)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: cril does not know the post_processor \"%.*s\"", s->path,
                         CRIL_SHOWN(type));
    json_array_foreach(members, i, member) if ((st = cril_spec_read_processor(s, member, err)) !=
                                               CRIL_OK) return st;
    return CRIL_OK;
}

/* ---- Text of ids ---- */

static bool strips_blank(const json_t *decoder)
{
    return cril_bytes_are(cril_json_text(json_object_get(decoder, "content")), " ") &&
           json_integer_value(json_object_get(decoder, "start")) > 0;
}

static bool is_prepended(const json_t *metaspace)
{
    return !cril_bytes_are(cril_json_text(json_object_get(metaspace, "prepend_scheme")), "never") &&
           !json_is_false(json_object_get(metaspace, "add_prefix_space"));
}

/* Whether "decoder" drops the first blank of a text. One that cril does not know does not. */
static bool drops_blank(const json_t *decoder)
{
    const struct cril_bytes type = cril_json_text(json_object_get(decoder, "type"));
    const json_t *member;
    size_t i;

    json_array_foreach(json_object_get(decoder, "decoders"), i,
                       member) if (drops_blank(member)) return true;
    return (cril_bytes_are(type, "Strip") && strips_blank(decoder)) ||
           (cril_bytes_are(type, "Metaspace") && is_prepended(decoder));
}

static cril_status read_root(const json_t *root, struct cril_spec *s, cril_error *err)
{
    cril_status st;

    if (!json_is_object(root))
        return wrong(s, "is not an object", err);
    if ((st = cril_spec_read_normalizer(s, json_object_get(root, "normalizer"), err)) != CRIL_OK ||
        (st = cril_spec_read_pre_tokenizer(s, json_object_get(root, "pre_tokenizer"), err)) !=
            CRIL_OK)
        return st;
    s->spaces = s->spaces && !s->byte_level;
    s->starts_blank = drops_blank(json_object_get(root, "decoder"));
    st = read_model(s, json_object_get(root, "model"), json_object_get(root, "added_tokens"), err);
    return st == CRIL_OK ? cril_spec_read_processor(s, json_object_get(root, "post_processor"), err)
                         : st;
}

cril_status cril_spec_read_tokenizer_json(const uint8_t *data, size_t len, struct cril_spec *s,
                                          cril_error *err)
{
    json_t *root;
    cril_status st = cril_json_parse(s->path, data, len, &root, err);

    if (st != CRIL_OK)
        return st;
    st = read_root(root, s, err);
    json_decref(root);
    return st;
}
