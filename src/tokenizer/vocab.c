/*
 * Vocabulary of a GGUF file: tokens, types, scores; a hash table of strings; a trie of special
 * tokens.
 *
 * Byte-level alphabet: Radford et al. 2019 (GPT-2): a printable Latin-1 byte stands for itself, the
 * others take U+0100, U+0101, ... in byte order. Special tokens are found leftmost, then longest,
 * as SentencePiece and Hugging Face do (llama.cpp goes token by token, longest first; that differs
 * only where two overlap).
 */
#include "tokenizer/vocab.h"

#include "util/fail.h"
#include "util/size.h"
#include "util/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

cril_status cril_table_init(struct cril_table *t, size_t most, cril_error *err)
{
    size_t size = 16;

    *t = (struct cril_table){0};
    while (size / 2 < most && size <= SIZE_MAX / 2 / sizeof(*t->slots))
        size *= 2;
    if (size / 2 < most || !(t->slots = calloc(size, sizeof(*t->slots))))
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a table of %zu pieces", most);
    t->mask = size - 1;
    return CRIL_OK;
}

void cril_table_clear(struct cril_table *t)
{
    free(t->slots);
    *t = (struct cril_table){0};
}

/* The slot of a key, or the empty one where it would go. */
static struct table_slot *table_slot(const struct cril_table *t, uint64_t hash, const char *data,
                                     size_t len)
{
    size_t i = (size_t)(hash ^ hash >> 32) & t->mask;

    for (;; i = (i + 1) & t->mask) {
        struct table_slot *s = &t->slots[i];

        if (!s->data || (s->hash == hash && s->len == len && !memcmp(s->data, data, len)))
            return s;
    }
}

static uint64_t hash_of(const char *data, size_t len)
{
    uint64_t hash = CRIL_HASH_START;

    for (size_t i = 0; i < len; i++)
        hash = cril_hash_step(hash, data[i]);
    return hash;
}

void cril_table_put(struct cril_table *t, const char *data, size_t len, int32_t id)
{
    const uint64_t hash = hash_of(data, len);
    struct table_slot *s = table_slot(t, hash, data, len);

    t->n += !s->data;
    *s = (struct table_slot){.data = data, .len = len, .hash = hash, .id = id};
    if (len > t->longest)
        t->longest = len;
}

int32_t cril_table_find_hashed(const struct cril_table *t, uint64_t hash, const char *data,
                               size_t len)
{
    const struct table_slot *s = table_slot(t, hash, data, len);

    return s->data ? s->id : -1;
}

int32_t cril_table_find(const struct cril_table *t, const char *data, size_t len)
{
    if (len > t->longest)
        return -1;
    return cril_table_find_hashed(t, hash_of(data, len), data, len);
}

cril_status cril_pairs_init(struct cril_pairs *p, cril_error *err)
{
    p->bits = calloc(((size_t)1 << CRIL_PAIR_BITS) / 64, sizeof(*p->bits));
    return p->bits ? CRIL_OK : cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a table of pairs");
}

void cril_pairs_clear(struct cril_pairs *p)
{
    free(p->bits);
    p->bits = NULL;
}

void cril_pairs_add(struct cril_pairs *p, const char *piece, size_t len)
{
    uint32_t left = 0, right;

    for (size_t i = 0; i < len; left = right) {
        const size_t width = cril_utf8_read(piece + i, len - i, &right),
                     hash = cril_pair_hash(left, right);

        if (i)
            p->bits[hash / 64] |= (uint64_t)1 << hash % 64;
        i += width;
    }
}

static bool is_own_letter(unsigned b) /* bytes that GPT-2's alphabet leaves as they are */
{
    return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b != 0xad);
}

bool cril_byte_level_decode(const char *text, size_t len, char *out, size_t *n)
{
    uint8_t other[256 - 188]; /* 188 bytes are their own letters */
    unsigned n_other = 0;
    uint32_t code;

    for (unsigned b = 0; b < 256; b++)
        if (!is_own_letter(b))
            other[n_other++] = (uint8_t)b;
    *n = 0;
    for (size_t i = 0; i < len;) {
        i += cril_utf8_read(text + i, len - i, &code);
        if (code < 256 && is_own_letter(code))
            out[(*n)++] = (char)code;
        else if (code >= 256 && code < 256 + n_other)
            out[(*n)++] = (char)other[code - 256];
        else
            return false;
    }
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "<0x0A>" to 10; -1 for another form. */
static int byte_of_name(const char *text, size_t len)
{
    int high, low;

    if (len != 6 || memcmp(text, "<0x", 3) || text[5] != '>')
        return -1;
    high = hex_digit(text[3]);
    low = hex_digit(text[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

size_t cril_put_spaces(const char *text, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len;) {
        if (len - i >= 3 && !memcmp(text + i, "\xe2\x96\x81", 3)) {
            out[n++] = ' ';
            i += 3;
        } else {
            out[n++] = text[i++];
        }
    }
    return n;
}

/* Writes token id's piece to out, which has room for the token's text; returns its length. */
static size_t put_piece(struct cril_vocab *v, size_t id, enum piece_form form,
                        struct cril_bytes text, char *out)
{
    const enum token_type type = v->type[id];
    size_t n;

    if (form == PIECE_SENTENCE && type == TOKEN_USER_DEFINED)
        return cril_put_spaces(text.data, text.len, out);
    if (type != TOKEN_UNKNOWN && type != TOKEN_CONTROL && type != TOKEN_USER_DEFINED) {
        if (form == PIECE_BYTE_LEVEL && cril_byte_level_decode(text.data, text.len, out, &n))
            return n;
        if (form == PIECE_SENTENCE && type == TOKEN_BYTE) {
            out[0] = (char)byte_of_name(text.data, text.len);
            v->byte_token[(uint8_t)out[0]] = (int32_t)id;
            return 1;
        }
        if (form == PIECE_SENTENCE)
            return cril_put_spaces(text.data, text.len, out);
    }
    if (text.len)
        memcpy(out, text.data, text.len);
    return text.len;
}

static cril_status read_types(const struct cril_values *file, struct cril_vocab *v, cril_error *err)
{
    const struct cril_value *kv = cril_values_find(file, "tokenizer.ggml.token_type");

    memset(v->type, TOKEN_NORMAL, v->n);
    if (!kv)
        return CRIL_OK;
    if (!kv->is_array || kv->type == CRIL_VALUE_STRING || kv->type == CRIL_VALUE_F32 ||
        kv->type == CRIL_VALUE_F64)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tokenizer.ggml.token_type is not an array of integers", file->path);
    if (kv->n != v->n)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tokenizer.ggml.token_type has %llu elements for %zu tokens",
                         file->path, (unsigned long long)kv->n, v->n);
    for (size_t i = 0; i < v->n; i++) {
        const uint64_t type = cril_value_uint(kv, i);

        if (type > TOKEN_BYTE)
            return cril_fail(err, CRIL_ERR_FORMAT, "%s: token %zu has the unknown type %lld",
                             file->path, i, (long long)type);
        v->type[i] = type ? (uint8_t)type : TOKEN_NORMAL; /* 0 is "undefined" */
    }
    return CRIL_OK;
}

cril_status cril_vocab_load(const struct cril_values *file, enum piece_form form,
                            struct cril_vocab *v, cril_error *err)
{
    const struct cril_value *tokens = cril_values_find(file, "tokenizer.ggml.tokens");
    size_t total = 0, start_bytes;
    cril_status st;

    memset(v, 0, sizeof(*v));
    for (unsigned b = 0; b < 256; b++)
        v->byte_token[b] = -1;
    if (!tokens || !tokens->is_array || tokens->type != CRIL_VALUE_STRING)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: tokenizer.ggml.tokens is %s", file->path,
                         tokens ? "not an array of strings" : "missing");
    if (tokens->n < 1 || tokens->n > INT32_MAX)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: tokenizer.ggml.tokens has %llu elements",
                         file->path, (unsigned long long)tokens->n);
    v->n = (size_t)tokens->n;
    for (size_t i = 0; i < v->n; i++)
        if (!cril_size_add(total, tokens->strings[i].len, &total))
            goto no_memory;
    if (!cril_size_mul(v->n + 1, sizeof(*v->start), &start_bytes))
        goto no_memory;
    v->type = malloc(v->n);
    v->start = malloc(start_bytes);
    v->bytes = malloc(total ? total : 1);
    if (!v->type || !v->start || !v->bytes)
        goto no_memory;
    if ((st = read_types(file, v, err)) != CRIL_OK)
        goto fail;
    v->start[0] = 0;
    for (size_t i = 0; i < v->n; i++) {
        const struct cril_bytes text = tokens->strings[i];

        if (form == PIECE_SENTENCE && v->type[i] == TOKEN_BYTE &&
            byte_of_name(text.data, text.len) < 0) {
            st = cril_fail(err, CRIL_ERR_FORMAT, "%s: byte token %zu is not named like <0x0A>",
                           file->path, i);
            goto fail;
        }
        v->start[i + 1] = v->start[i] + put_piece(v, i, form, text, v->bytes + v->start[i]);
    }
    return CRIL_OK;
no_memory:
    st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu tokens", file->path, v->n);
fail:
    cril_vocab_clear(v);
    return st;
}

void cril_vocab_clear(struct cril_vocab *v)
{
    free(v->bytes);
    free(v->start);
    free(v->type);
    memset(v, 0, sizeof(*v));
}

cril_status cril_vocab_scores(const struct cril_values *file, const struct cril_vocab *v,
                              float **out, cril_error *err)
{
    const struct cril_value *kv = cril_values_find(file, "tokenizer.ggml.scores");
    float *scores;

    if (!kv || !kv->is_array || kv->type != CRIL_VALUE_F32)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: tokenizer.ggml.scores is %s", file->path,
                         kv ? "not an array of 32-bit floats" : "missing");
    if (kv->n != v->n)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tokenizer.ggml.scores has %llu elements for %zu tokens", file->path,
                         (unsigned long long)kv->n, v->n);
    if (v->n > SIZE_MAX / sizeof(*scores) || !(scores = malloc(v->n * sizeof(*scores))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu scores", file->path, v->n);
    for (size_t i = 0; i < v->n; i++) {
        scores[i] = (float)cril_value_float(kv, i);
        if (!isfinite(scores[i])) {
            free(scores);
            return cril_fail(err, CRIL_ERR_FORMAT, "%s: the score of token %zu is not finite",
                             file->path, i);
        }
    }
    *out = scores;
    return CRIL_OK;
}

static bool is_special(enum token_type type)
{
    return type == TOKEN_USER_DEFINED || type == TOKEN_CONTROL || type == TOKEN_UNKNOWN;
}

/* The child of node at that holds byte, made if needed; at 0 is the root. */
static uint32_t child_of(struct cril_specials *s, uint32_t at, uint8_t byte)
{
    uint32_t *link = at ? &s->nodes[at].child : &s->first[byte];
    uint32_t i;

    for (i = *link; i; i = s->nodes[i].sibling)
        if (s->nodes[i].byte == byte)
            return i;
    i = (uint32_t)s->n++;
    s->nodes[i] = (struct special_node){.user = -1, .any = -1, .sibling = *link, .byte = byte};
    *link = i;
    return i;
}

static bool is_well_formed(const char *text, size_t len)
{
    uint32_t code = 0;

    for (size_t i = 0; i < len && code != CRIL_UTF8_ILL;)
        i += cril_utf8_read(text + i, len - i, &code);
    return code != CRIL_UTF8_ILL;
}

static struct cril_bytes name_of(const struct cril_vocab *v, const struct cril_bytes *names,
                                 size_t id)
{
    struct cril_bytes piece;

    if (names)
        return names[id];
    piece.data = cril_vocab_piece(v, id, &piece.len);
    return piece;
}

cril_status cril_specials_build(const struct cril_vocab *v, const struct cril_bytes *names,
                                struct cril_specials *s, cril_error *err)
{
    size_t total = 1;

    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < v->n; i++)
        if (is_special(v->type[i]))
            total += name_of(v, names, i).len; /* parts of one file: no overflow */
    if (total > UINT32_MAX || total > SIZE_MAX / sizeof(*s->nodes) ||
        !(s->nodes = malloc(total * sizeof(*s->nodes))))
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu bytes of special tokens",
                         total);
    s->n = 1;
    for (size_t i = 0; i < v->n; i++) {
        const struct cril_bytes name = name_of(v, names, i);
        uint32_t at = 0;

        if (!is_special(v->type[i]) || !name.len || !is_well_formed(name.data, name.len))
            continue; /* a name that cuts a character in two must not be found */
        for (size_t k = 0; k < name.len; k++)
            at = child_of(s, at, (uint8_t)name.data[k]);
        s->nodes[at].any = (int32_t)i;
        if (v->type[i] == TOKEN_USER_DEFINED)
            s->nodes[at].user = (int32_t)i;
    }
    return CRIL_OK;
}

void cril_specials_clear(struct cril_specials *s)
{
    free(s->nodes);
    memset(s, 0, sizeof(*s));
}

int32_t cril_specials_match(const struct cril_specials *s, const char *text, size_t len,
                            bool with_control, size_t *match_len)
{
    int32_t best = -1;
    uint32_t at = len ? s->first[(uint8_t)text[0]] : 0;

    for (size_t i = 1; at; i++) {
        const struct special_node *node = &s->nodes[at];
        const int32_t id = with_control ? node->any : node->user;

        if (id >= 0) {
            best = id;
            *match_len = i;
        }
        if (i == len)
            break;
        for (at = node->child; at && s->nodes[at].byte != (uint8_t)text[i];)
            at = s->nodes[at].sibling;
    }
    return best;
}
