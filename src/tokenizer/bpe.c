/*
 * Byte-level byte-pair encoding (Radford et al. 2019, GPT-2; merges by rank, Sennrich et al. 2016).
 *
 * A word's bytes are symbols; pairs merge by the ranks of tokenizer.ggml.merges. A merge may make a
 * string that is no token, on the way to one; if it is still there at the end, its bytes are
 * spelled out (as llama.cpp does). Where a merge or a piece is given twice, the first merge and the
 * last piece count.
 *
 * A byte without a token, of which SmolLM2 has six among the control characters, becomes the
 * unknown token, one for a run within a word: so does the library `tokenizers` with what
 * transformers makes of the file; llama.cpp leaves such bytes out.
 */
#include "tokenizer/internal.h"

#include "util/fail.h"
#include "util/size.h"

#include <stdlib.h>
#include <string.h>

static struct bpe_merge *merge_slot(const struct cril_bpe *b, uint64_t pair)
{
    size_t i = (size_t)((pair * 0x9e3779b97f4a7c15u) >> 20) & b->mask;

    while (b->merges[i].pair != UINT64_MAX && b->merges[i].pair != pair)
        i = (i + 1) & b->mask;
    return &b->merges[i];
}

static uint64_t pair_of(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

/* The id of a string, a new one past the vocabulary if it is no token. */
static int32_t intern(struct cril_bpe *b, int32_t *next_id, const char *data, size_t len)
{
    int32_t id = cril_table_find(&b->table, data, len);

    if (id < 0)
        cril_table_put(&b->table, data, len, id = (*next_id)++);
    return id;
}

static cril_status load_merges(const struct cril_values *file, const struct cril_value *kv,
                               struct cril_bpe *b, char *strings, int32_t next_id, cril_error *err)
{
    for (size_t i = 0; i < kv->n; i++) {
        const struct cril_bytes m = kv->strings[i];
        const char *space = m.len > 2 ? memchr(m.data + 1, ' ', m.len - 2) : NULL;
        struct bpe_merge *slot;
        size_t n_left, n_right;
        int32_t left, right, result;

        if (!space)
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s: merge %zu is not two pieces with a space between", file->path, i);
        /* A character outside the byte alphabet stands in no text, so such a merge is never used.
         */
        if (!cril_byte_level_decode(m.data, (size_t)(space - m.data), strings, &n_left) ||
            !cril_byte_level_decode(space + 1, m.len - 1 - (size_t)(space - m.data),
                                    strings + n_left, &n_right))
            continue;
        left = intern(b, &next_id, strings, n_left);
        right = intern(b, &next_id, strings + n_left, n_right);
        result = intern(b, &next_id, strings, n_left + n_right);
        strings += n_left + n_right;
        slot = merge_slot(b, pair_of(left, right));
        if (slot->pair == UINT64_MAX)
            *slot = (struct bpe_merge){pair_of(left, right), (uint32_t)i, result};
    }
    return CRIL_OK;
}

/* Bytes for keys of the table that are not pieces of the vocabulary, and an upper bound of its
 * keys. */
static bool key_sizes(const struct cril_value *merges, const struct cril_vocab *v, size_t *bytes,
                      size_t *keys)
{
    size_t most;

    *bytes = 256;
    for (size_t i = 0; i < v->n; i++)
        if (v->type[i] == TOKEN_USER_DEFINED)
            *bytes += v->start[i + 1] - v->start[i]; /* parts of one buffer */
    for (size_t i = 0; i < merges->n; i++)
        if (!cril_size_add(*bytes, merges->strings[i].len, bytes))
            return false;
    /* ids of tokens and of strings share 31 bits */
    return merges->n <= INT32_MAX / 4 && v->n <= INT32_MAX / 4 &&
           cril_size_mul((size_t)merges->n, 3, &most) && cril_size_add(most, v->n + 256, keys) &&
           *keys <= INT32_MAX;
}

static cril_status load_tables(const struct cril_values *file, const struct cril_value *merges,
                               const struct cril_vocab *v, struct cril_bpe *b, cril_error *err)
{
    int32_t next_id = (int32_t)v->n;
    size_t bytes, keys, len, size = 16;
    char *strings;
    cril_status st;

    if (!key_sizes(merges, v, &bytes, &keys))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %llu merges are too many", file->path,
                         (unsigned long long)merges->n);
    while (size / 2 < merges->n)
        size *= 2;
    b->mask = size - 1;
    b->merges = malloc(size * sizeof(*b->merges));
    b->strings = strings = malloc(bytes);
    if (!b->merges || !strings)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu merges", file->path, size);
    memset(b->merges, 0xff, size * sizeof(*b->merges));
    if ((st = cril_table_init(&b->table, keys, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < v->n; i++) {
        const char *piece = cril_vocab_piece(v, i, &len);
        const enum token_type type = v->type[i];

        if (!len || type == TOKEN_CONTROL || type == TOKEN_UNKNOWN)
            continue; /* never spelled by text */
        if (type ==
            TOKEN_USER_DEFINED) { /* its piece is plain text; merges know it by the alphabet */
            if (!cril_byte_level_decode(piece, len, strings, &len) || !len)
                continue;
            piece = strings;
            strings += len;
        }
        cril_table_put(&b->table, piece, len, (int32_t)i);
    }
    for (unsigned c = 0; c < 256; c++) {
        *strings = (char)c;
        b->byte_id[c] = intern(b, &next_id, strings++, 1);
    }
    return load_merges(file, merges, b, strings, next_id, err);
}

cril_status cril_bpe_load(const struct cril_values *file, const struct cril_vocab *v,
                          struct cril_bpe *b, cril_error *err)
{
    const struct cril_value *merges = cril_values_find(file, "tokenizer.ggml.merges");
    struct cril_bytes pre = {0};
    cril_status st;

    memset(b, 0, sizeof(*b));
    if (!merges || !merges->is_array || merges->type != CRIL_VALUE_STRING)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: tokenizer.ggml.merges is %s", file->path,
                         merges ? "not an array of strings" : "missing");
    if (cril_values_find(file, "tokenizer.ggml.pre") &&
        (st = cril_values_string(file, "tokenizer.ggml.pre", &pre, err)) != CRIL_OK)
        return st;
    if ((st = cril_splitter_create(file->path, pre.data, pre.len, &b->splitter, &b->traits, err)) !=
            CRIL_OK ||
        (st = load_tables(file, merges, v, b, err)) != CRIL_OK)
        cril_bpe_clear(b);
    return st;
}

void cril_bpe_clear(struct cril_bpe *b)
{
    cril_splitter_free(b->splitter);
    cril_table_clear(&b->table);
    free(b->merges);
    free(b->strings);
    memset(b, 0, sizeof(*b));
}

static bool lookup_pair(const void *model, const char *text, const struct merge_symbol *left,
                        const struct merge_symbol *right, uint32_t *priority, int32_t *id)
{
    const struct bpe_merge *m = merge_slot(model, pair_of(left->id, right->id));

    (void)text;
    *priority = m->rank;
    *id = m->result;
    return m->pair != UINT64_MAX;
}

static cril_status push_symbol(const struct cril_bpe *b, const struct cril_vocab *v,
                               const char *text, const struct merge_symbol *s, int32_t unknown,
                               bool *in_run, cril_ids *ids, cril_error *err)
{
    cril_status st = CRIL_OK;

    if ((size_t)s->id < v->n) {
        *in_run = false;
        return cril_ids_push(ids, s->id, err);
    }
    for (uint32_t i = 0; i < s->len && st == CRIL_OK; i++) {
        const uint8_t byte = (uint8_t)text[s->start + i];
        const bool known = (size_t)b->byte_id[byte] < v->n;

        if (!known && unknown < 0)
            return cril_fail(err, CRIL_ERR_RANGE, "the vocabulary has no token for the byte 0x%02X",
                             byte);
        if (known || !*in_run)
            st = cril_ids_push(ids, known ? b->byte_id[byte] : unknown, err);
        *in_run = !known;
    }
    return st;
}

static cril_status encode_word(const struct cril_bpe *b, const struct cril_vocab *v,
                               struct merge_work *w, const char *text, size_t len, int32_t unknown,
                               cril_ids *ids, cril_error *err)
{
    const int32_t whole =
        b->traits.whole_words || len == 1 ? cril_table_find(&b->table, text, len) : -1;
    bool in_run = false;
    cril_status st;

    if (whole >= 0 && (size_t)whole < v->n)
        return cril_ids_push(ids, whole, err);
    if ((st = cril_merge_begin(w, len, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < len; i++)
        cril_merge_push(w, (uint32_t)i, 1, b->byte_id[(uint8_t)text[i]]);
    cril_merge_run(w, text, lookup_pair, b);
    for (uint32_t i = 0; i != MERGE_END && st == CRIL_OK; i = w->symbols[i].next)
        st = push_symbol(b, v, text, &w->symbols[i], unknown, &in_run, ids, err);
    return st;
}

cril_status cril_bpe_encode(const struct cril_bpe *b, const struct cril_vocab *v,
                            struct encode_work *w, const char *text, size_t len, int32_t unknown,
                            cril_ids *ids, cril_error *err)
{
    size_t start = 0;
    cril_status st = b->traits.nfc ? cril_nfc_run(&w->nfc, text, len, &text, &len, err) : CRIL_OK;

    if (st == CRIL_OK)
        st = cril_splitter_run(b->splitter, text, len, &w->words, &w->spare, err);
    for (size_t i = 0; st == CRIL_OK && i < w->words.n; start = w->words.end[i++])
        st = encode_word(b, v, &w->merge, text + start, w->words.end[i] - start, unknown, ids, err);
    return st;
}
