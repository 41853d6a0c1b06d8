/*
 * Unigram language model (Kudo 2018): of all ways to write a text in pieces, the one with the
 * largest sum of ln p, by Viterbi over byte positions; among equals the one whose last piece is
 * longest.
 *
 * A user-defined symbol scores 0.1 for each character after its first (as in SentencePiece 0.2.3),
 * so it is always taken, the longest at a place. A character without a piece costs 10 more than the
 * worst piece and becomes the unknown token, one for a run (or its byte tokens). Sums are in 32
 * bits, as SentencePiece's, or in 64, as the library `tokenizers` has them: rounding decides among
 * ways of nearly equal sum.
 */
#include "tokenizer/internal.h"

#include "util/fail.h"
#include "util/size.h"
#include "util/utf8.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN_PENALTY 10.0
#define SYMBOL_BONUS 0.1f

/* A sum of two numbers of 32 bits that is rounded twice is their sum in 32 bits. */
static double round_score(const struct cril_spec *spec, double x)
{
    return spec->wide_sums ? x : (double)(float)x;
}

cril_status cril_unigram_load(const struct cril_spec *spec, struct cril_unigram *u, cril_error *err)
{
    double min = DBL_MAX;
    cril_status st;

    memset(u, 0, sizeof(*u));
    if ((st = cril_table_init(&u->table, spec->n, err)) != CRIL_OK ||
        (st = cril_pairs_init(&u->pairs, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < spec->n; i++) {
        const struct cril_bytes key = spec->keys[i];

        if (!key.len)
            continue;
        cril_table_put(&u->table, key.data, key.len, (int32_t)i);
        cril_pairs_add(&u->pairs, key.data, key.len);
        if (spec->types[i] == TOKEN_NORMAL && spec->scores[i] < min)
            min = spec->scores[i];
    }
    u->unknown_score = round_score(spec, (min < DBL_MAX ? min : 0) - UNKNOWN_PENALTY);
    return CRIL_OK;
}

void cril_unigram_clear(struct cril_unigram *u)
{
    cril_table_clear(&u->table);
    cril_pairs_clear(&u->pairs);
    memset(u, 0, sizeof(*u));
}

struct unigram_step { /* the best way to write the text up to here */
    double score;
    int32_t id;  /* of its last piece; -1: an unknown character */
    size_t from; /* where that starts; SIZE_MAX: there is no way yet */
};

static void offer(struct unigram_step *to, double score, size_t from, int32_t id)
{
    if (to->from == SIZE_MAX || score > to->score)
        *to = (struct unigram_step){score, id, from};
}

static double piece_score(const struct cril_spec *spec, int32_t id, const char *text, size_t len)
{
    size_t more = 0; /* characters after the first */

    if (!spec->sentence.used || spec->types[id] != TOKEN_USER_DEFINED)
        return spec->scores[id];
    for (size_t i = 1; i < len; i++)
        more += ((uint8_t)text[i] & 0xc0) != 0x80;
    return (double)(SYMBOL_BONUS * (float)more);
}

static void viterbi(const struct cril_unigram *u, const struct cril_spec *spec, const char *text,
                    size_t len, struct unigram_step *best)
{
    for (size_t i = 1; i <= len; i++)
        best[i].from = SIZE_MAX;
    best[0] = (struct unigram_step){0};
    for (size_t i = 0, width; i < len; i += width) {
        uint64_t hash = CRIL_HASH_START;
        bool single = false;
        uint32_t left = 0, right;

        width = cril_utf8_width(text[i]);
        for (size_t end = i; end < len && end - i < u->table.longest; left = right) {
            const size_t next = end + cril_utf8_read(text + end, len - end, &right);
            int32_t id;

            if (end > i && !cril_pairs_has(&u->pairs, left, right))
                break; /* no piece goes on like this */
            for (; end < next; end++)
                hash = cril_hash_step(hash, text[end]);
            id = cril_table_find_hashed(&u->table, hash, text + i, end - i);
            if (id < 0)
                continue;
            single = single || end - i == width;
            offer(&best[end],
                  round_score(spec, piece_score(spec, id, text + i, end - i) + best[i].score), i,
                  id);
        }
        if (!single)
            offer(&best[i + width], round_score(spec, u->unknown_score + best[i].score), i, -1);
    }
}

cril_status cril_unigram_encode(const struct cril_unigram *u, const struct cril_spec *spec,
                                struct encode_work *w, const char *text, size_t len, cril_ids *ids,
                                cril_error *err)
{
    struct unigram_step *const best = cril_size_grow(w->steps, &w->n_steps, len, 1, sizeof(*best));
    size_t at, back;
    bool in_run = false;
    cril_status st = CRIL_OK;

    if (!best)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu bytes of text", len);
    w->steps = best;
    viterbi(u, spec, text, len, best);
    /* Turn the links around: .from of a piece's end becomes the end of the piece after it; back,
     * the first's end. */
    back = len;
    for (at = len; at;) {
        const size_t from = best[at].from;

        best[at].from = back;
        back = at;
        at = from;
    }
    for (at = 0; at < len && st == CRIL_OK; at = back, back = best[at].from) {
        if (best[back].id < 0) {
            st = cril_push_unknown(spec, text + at, back - at, &in_run, ids, err);
        } else {
            st = cril_ids_push(ids, best[back].id, err);
            in_run = false;
        }
    }
    return st;
}
