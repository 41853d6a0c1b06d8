/*
 * Unigram language model (Kudo 2018): of all ways to write a text in pieces, the one with the
 * largest sum of ln p, by Viterbi over byte positions; among equals the one whose last piece is
 * longest.
 *
 * Before that the text is normalised as SentencePiece does: characters by the map, a space in
 * front, and where the model asks for it runs of spaces to one and none at the ends. A character
 * without a piece costs 10 more than the worst piece and becomes the unknown token, one for a run
 * (or its byte tokens). Sums are in double, as in llama.cpp; SentencePiece adds in 32 bits, so
 * among ways of equal sum its rounding may choose another.
 */
#include "tokenizer/internal.h"

#include "util/fail.h"
#include "util/size.h"
#include "util/utf8.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN_PENALTY 10.0

cril_status cril_unigram_load(const cril_gguf *g, const struct cril_vocab *v,
                              struct cril_unigram *u, cril_error *err)
{
    double least = DBL_MAX;
    cril_status st;
    size_t len;

    memset(u, 0, sizeof(*u));
    u->space_prefix = true;
    if ((st = cril_vocab_scores(g, v, &u->scores, err)) != CRIL_OK ||
        (st = cril_gguf_opt_bool(g, "tokenizer.ggml.add_space_prefix", &u->space_prefix, err)) !=
            CRIL_OK ||
        (st = cril_gguf_opt_bool(g, "tokenizer.ggml.remove_extra_whitespaces", &u->squeeze_spaces,
                                 err)) != CRIL_OK ||
        (st = cril_charsmap_load(g, &u->map, err)) != CRIL_OK ||
        (st = cril_table_init(&u->table, v->n, err)) != CRIL_OK ||
        (st = cril_pairs_init(&u->pairs, err)) != CRIL_OK) {
        cril_unigram_clear(u);
        return st;
    }
    for (size_t i = 0; i < v->n; i++) {
        const char *piece = cril_vocab_piece(v, i, &len);

        if (!len || (v->type[i] != TOKEN_NORMAL && v->type[i] != TOKEN_USER_DEFINED))
            continue;
        cril_table_put(&u->table, piece, len, (int32_t)i);
        cril_pairs_add(&u->pairs, piece, len);
        if (v->type[i] == TOKEN_NORMAL && u->scores[i] < least)
            least = u->scores[i];
    }
    u->unknown_score = (least < DBL_MAX ? least : 0.0) - UNKNOWN_PENALTY;
    return CRIL_OK;
}

void cril_unigram_clear(struct cril_unigram *u)
{
    cril_table_clear(&u->table);
    cril_pairs_clear(&u->pairs);
    cril_charsmap_clear(&u->map);
    free(u->scores);
    memset(u, 0, sizeof(*u));
}

struct text_buffer {
    char *data;
    size_t n, capacity;
};

static cril_status append(struct text_buffer *b, const char *data, size_t len, cril_error *err)
{
    size_t need;

    if (!cril_size_add(b->n, len, &need) || need > SIZE_MAX / 2)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu bytes of text", b->n);
    if (need > b->capacity) {
        const size_t capacity = 2 * need;
        char *grown = realloc(b->data, capacity);

        if (!grown)
            return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu bytes of text", need);
        b->data = grown;
        b->capacity = capacity;
    }
    if (len)
        memcpy(b->data + b->n, data, len);
    b->n = need;
    return CRIL_OK;
}

static cril_status normalise(const struct cril_unigram *u, const char *text, size_t len,
                             struct text_buffer *out, cril_error *err)
{
    bool after_space = u->squeeze_spaces, started = !u->squeeze_spaces;
    cril_status st = CRIL_OK;

    if (started && len && u->space_prefix)
        st = append(out, " ", 1, err);
    for (size_t i = 0; i < len && st == CRIL_OK;) {
        const char *to;
        size_t n;

        i += cril_charsmap_next(&u->map, text + i, len - i, &to, &n);
        for (; after_space && n && *to == ' '; n--)
            to++;
        if (!n)
            continue;
        if (!started && u->space_prefix)
            st = append(out, " ", 1, err);
        started = true;
        if (st == CRIL_OK)
            st = append(out, to, n, err);
        after_space = u->squeeze_spaces && to[n - 1] == ' ';
    }
    while (u->squeeze_spaces && out->n && out->data[out->n - 1] == ' ')
        out->n--;
    return st;
}

struct step { /* the best way to write the text up to here */
    double score;
    size_t from;
    int32_t id; /* of its last piece; -1: an unknown character */
};

static void viterbi(const struct cril_unigram *u, const char *text, size_t len, struct step *best)
{
    for (size_t i = 1; i <= len; i++)
        best[i].score = -INFINITY;
    best[0].score = 0.0;
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
            if (best[i].score + u->scores[id] > best[end].score)
                best[end] = (struct step){best[i].score + u->scores[id], i, id};
        }
        if (!single && best[i].score + u->unknown_score > best[i + width].score)
            best[i + width] = (struct step){best[i].score + u->unknown_score, i, -1};
    }
}

static cril_status encode_plain(const struct cril_unigram *u, const struct cril_vocab *v,
                                const char *text, size_t len, int32_t unknown, cril_ids *ids,
                                cril_error *err)
{
    struct step *best;
    size_t size, at, back;
    bool in_run = false;
    cril_status st = CRIL_OK;

    if (!cril_size_add(len, 1, &size) || !cril_size_mul(size, sizeof(*best), &size) ||
        !(best = malloc(size)))
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu bytes of text", len);
    viterbi(u, text, len, best);
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
            st = cril_push_unknown(v, text + at, back - at, unknown, &in_run, ids, err);
        } else {
            st = cril_ids_push(ids, best[back].id, err);
            in_run = false;
        }
    }
    free(best);
    return st;
}

cril_status cril_unigram_encode(const struct cril_unigram *u, const struct cril_vocab *v,
                                const char *text, size_t len, int32_t unknown, cril_ids *ids,
                                cril_error *err)
{
    struct text_buffer normal = {0};
    char *copy, *repaired = NULL;
    size_t n;
    cril_status st = normalise(u, text, len, &normal, err);

    if (st == CRIL_OK && normal.n) /* a map may cut characters in two */
        st = cril_utf8_repair(normal.data, normal.n, &repaired, &normal.n, err);
    if (st == CRIL_OK && normal.n) {
        st = cril_sentence_copy(repaired ? repaired : normal.data, normal.n, false, &copy, &n, err);
        if (st == CRIL_OK) {
            st = encode_plain(u, v, copy, n, unknown, ids, err);
            free(copy);
        }
    }
    free(repaired);
    free(normal.data);
    return st;
}
