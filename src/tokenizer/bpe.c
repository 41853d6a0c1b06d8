/*
 * Byte-pair encoding by ranks (Sennrich et al. 2016), of bytes (Radford et al. 2019, GPT-2) or of
 * characters (SentencePiece's models as the library `tokenizers` has them).
 *
 * A word's bytes or characters are symbols; pairs merge by rank. A merge may make a
 * string that is no token, on the way to one; if it is still there at the end, its bytes are
 * spelled out (as llama.cpp does). Where a merge or a piece is given twice, the first merge and the
 * last piece count.
 *
 * A byte without a token, of which SmolLM2 has six among the control characters, becomes the
 * unknown token, one for a run within a word: so does the library `tokenizers` with what
 * transformers makes of a GGUF file; llama.cpp leaves such bytes out, as does the library with a
 * tokenizer.json that names no unknown token: before it merges.
 *
 * Characters may come as one word of a megabyte. No symbol grows across two that stand together in
 * no merge, so the word is cut there first: the same ids, but from many small heaps.
 */
#include "tokenizer/internal.h"

#include "util/fail.h"
#include "util/utf8.h"

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

static void load_merges(const struct cril_spec *spec, struct cril_bpe *b, int32_t next_id)
{
    for (size_t i = 0; i < spec->n_merges; i++) {
        const struct spec_merge m = spec->merges[i];
        const int32_t left = intern(b, &next_id, m.pair, m.left_len),
                      right = intern(b, &next_id, m.pair + m.left_len, m.len - m.left_len),
                      result = intern(b, &next_id, m.pair, m.len);
        struct bpe_merge *const slot = merge_slot(b, pair_of(left, right));

        if (slot->pair == UINT64_MAX)
            *slot = (struct bpe_merge){pair_of(left, right), m.rank, result};
        if (!spec->byte_level)
            cril_pairs_add(&b->pairs, m.pair, m.len);
    }
}

static cril_status load_tables(const struct cril_spec *spec, struct cril_bpe *b, cril_error *err)
{
    int32_t next_id = (int32_t)spec->n;
    size_t size = 16;
    cril_status st;

    /* ids of tokens and of strings share 31 bits */
    if (spec->n_merges > INT32_MAX / 8 || spec->n > INT32_MAX / 4)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %zu merges of %zu tokens are too many",
                         spec->path, spec->n_merges, spec->n);
    while (size / 2 < spec->n_merges)
        size *= 2;
    b->mask = size - 1;
    if (!(b->merges = malloc(size * sizeof(*b->merges))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu merges", spec->path, size);
    memset(b->merges, 0xff, size * sizeof(*b->merges));
    if ((st = cril_table_init(&b->table, 3 * spec->n_merges + spec->n + 256, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < spec->n; i++)
        if (spec->keys[i].len)
            cril_table_put(&b->table, spec->keys[i].data, spec->keys[i].len, (int32_t)i);
    for (unsigned c = 0; c < 256; c++) {
        b->bytes[c] = (char)c;
        b->byte_id[c] = intern(b, &next_id, &b->bytes[c], 1);
    }
    load_merges(spec, b, next_id);
    return CRIL_OK;
}

cril_status cril_bpe_load(const struct cril_spec *spec, struct cril_bpe *b, cril_error *err)
{
    memset(b, 0, sizeof(*b));
    const cril_status st = cril_pairs_init(&b->pairs, err);

    return st == CRIL_OK ? load_tables(spec, b, err) : st;
}

void cril_bpe_clear(struct cril_bpe *b)
{
    cril_pairs_clear(&b->pairs);
    cril_table_clear(&b->table);
    free(b->merges);
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

static bool is_token(const struct cril_spec *spec, int32_t id)
{
    return id >= 0 && (size_t)id < spec->n;
}

/* Of a byte or character, before anything merges. */
static int32_t first_id(const struct cril_bpe *b, const struct cril_spec *spec, const char *text,
                        size_t len)
{
    return spec->byte_level ? b->byte_id[(uint8_t)*text] : cril_table_find(&b->table, text, len);
}

/* Whether what has no token is left out, so that its neighbours stand together. */
static bool is_dropped(const struct cril_spec *spec, const char *text, size_t len)
{
    return spec->drops_unknown && spec->unknown < 0 && !cril_has_bytes(spec, text, len);
}

/* Symbols that came to be no token are spelled out. */
static cril_status push_symbol(const struct cril_bpe *b, const struct cril_spec *spec,
                               const char *text, const struct merge_symbol *s, bool *in_run,
                               cril_ids *ids, cril_error *err)
{
    cril_status st = CRIL_OK;
    size_t n;

    if (is_token(spec, s->id)) {
        *in_run = false;
        return cril_ids_push(ids, s->id, err);
    }
    for (size_t i = 0; i < s->len && st == CRIL_OK; i += n) {
        const char *const part = text + s->start + i;

        n = spec->byte_level ? 1 : cril_utf8_width(*part);
        const int32_t id =
            spec->byte_level ? b->byte_id[(uint8_t)*part] : cril_table_find(&b->table, part, n);
        if (is_token(spec, id)) {
            *in_run = false;
            st = cril_ids_push(ids, id, err);
        } else {
            st = cril_push_unknown(spec, part, n, in_run, ids, err);
        }
    }
    return st;
}

static cril_status merge_word(const struct cril_bpe *b, const struct cril_spec *spec,
                              struct merge_work *w, const char *text, size_t len, bool *in_run,
                              cril_ids *ids, cril_error *err)
{
    cril_status st = cril_merge_begin(w, len, err);
    size_t n;

    if (st != CRIL_OK || !len)
        return st;
    for (size_t i = 0; i < len; i += n) {
        n = spec->byte_level ? 1 : cril_utf8_width(text[i]);
        const int32_t id = first_id(b, spec, text + i, n);

        if (is_token(spec, id) || !is_dropped(spec, text + i, n))
            cril_merge_push(w, (uint32_t)i, (uint32_t)n, id);
    }
    if (!w->n)
        return CRIL_OK;
    cril_merge_run(w, text, lookup_pair, b);
    for (uint32_t i = 0; i != MERGE_END && st == CRIL_OK; i = w->symbols[i].next)
        st = push_symbol(b, spec, text, &w->symbols[i], in_run, ids, err);
    return st;
}

static cril_status merge_characters(const struct cril_bpe *b, const struct cril_spec *spec,
                                    struct merge_work *w, const char *text, size_t len,
                                    cril_ids *ids, cril_error *err)
{
    uint32_t left = 0, right;
    const bool dropping = spec->drops_unknown && spec->unknown < 0; /* joins what stood apart */
    size_t start = 0, n;
    bool in_run = false;
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < len && st == CRIL_OK; i += n, left = right) {
        n = cril_utf8_read(text + i, len - i, &right);
        if (i && !dropping && !cril_pairs_has(&b->pairs, left, right)) {
            st = merge_word(b, spec, w, text + start, i - start, &in_run, ids, err);
            start = i;
        }
    }
    return st == CRIL_OK ? merge_word(b, spec, w, text + start, len - start, &in_run, ids, err)
                         : st;
}

cril_status cril_bpe_encode(const struct cril_bpe *b, const struct cril_spec *spec,
                            struct encode_work *w, const char *text, size_t len, cril_ids *ids,
                            cril_error *err)
{
    const int32_t whole = spec->ignores_merges || (spec->byte_level && len == 1)
                              ? cril_table_find(&b->table, text, len)
                              : -1;
    bool in_run = false;

    if (is_token(spec, whole))
        return cril_ids_push(ids, whole, err);
    return spec->byte_level ? merge_word(b, spec, &w->merge, text, len, &in_run, ids, err)
                            : merge_characters(b, spec, &w->merge, text, len, ids, err);
}
