/* Tokens beside their text (spans.h). */
#include "score/spans.h"

#include "tokenizer/spec.h"
#include "tokenizer/tokenizer.h"
#include "util/utf8.h"

#include <string.h>

enum { SOUGHT_TOKENS = 8, SOUGHT_BYTES = 64, AGREEING_BYTES = 12 };

struct place {
    const cril_tokenizer *t;
    const char *text; /* [len] */
    size_t len, at;
    const cril_view_token *tokens; /* [n] */
    size_t n, token;
};

/* The bytes that a token stands for; none of a control token. The unknown token has a byte that no
 * UTF-8 has, so it stands for what is there. */
static const char *piece_of(const struct place *p, size_t token, size_t *len)
{
    const int32_t id = p->tokens[token].id;
    const char *piece = cril_tokenizer_text(p->t, id, len);

    if (piece)
        return piece;
    *len = cril_tokenizer_spec(p->t)->types[id] == TOKEN_UNKNOWN;
    return *len ? "\xff" : NULL;
}

static bool fits(const struct place *p, const char *piece, size_t len)
{
    return len <= p->len - p->at && memcmp(piece, p->text + p->at, len) == 0;
}

/* Whether pieces and text agree from p on, for some bytes or up to both their ends. */
static bool agree(struct place p)
{
    const size_t start = p.at;

    for (; p.token < p.n && p.at - start < AGREEING_BYTES; p.token++) {
        size_t len;
        const char *piece = piece_of(&p, p.token, &len);

        if (len && !fits(&p, piece, len))
            return false;
        p.at += len;
    }
    return p.token < p.n || p.at == p.len;
}

/* Bytes of as many characters of the text as begin in the piece. */
static size_t as_many(const struct place *p, const char *piece, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        uint32_t c;

        if (((uint8_t)piece[i] & 0xc0) != 0x80 && p->at + n < p->len)
            n += cril_utf8_read(p->text + p->at + n, p->len - p->at - n, &c);
    }
    return n;
}

/* How many tokens, one at least, share how many bytes until pieces and text agree again: as few of
 * both together as can be. Where that is not near, one token has as many characters as its piece.
 */
static void seek(const struct place *p, const char *piece, size_t *tokens, size_t *bytes)
{
    for (size_t sum = 1; sum <= SOUGHT_TOKENS + SOUGHT_BYTES; sum++)
        for (size_t k = sum > SOUGHT_BYTES ? sum - SOUGHT_BYTES : 1;
             k <= SOUGHT_TOKENS && k <= sum && k <= p->n - p->token; k++) {
            struct place next = *p;

            next.token += k;
            next.at += sum - k;
            if (next.at <= p->len && agree(next)) {
                *tokens = k;
                *bytes = sum - k;
                return;
            }
        }
    *bytes = as_many(p, piece, *bytes);
}

/* The next token, or the next few, get their part of the text. */
static void place_tokens(struct place *p, cril_view_token *tokens)
{
    size_t len, n = 1;
    const char *piece = piece_of(p, p->token, &len);

    if (len && !fits(p, piece, len))
        seek(p, piece, &n, &len);
    for (size_t i = 0; i < n; i++, p->token++) {
        tokens[p->token].is_control = !piece_of(p, p->token, &(size_t){0});
        tokens[p->token].start = p->at;
        p->at += i == 0 ? len : 0;
        tokens[p->token].end = p->at;
    }
}

void cril_spans_place(const cril_tokenizer *t, const char *text, size_t len,
                      cril_view_token *tokens, size_t n)
{
    struct place p = {.t = t, .text = text, .len = len, .tokens = tokens, .n = n};
    size_t last = 0;

    while (p.token < n)
        place_tokens(&p, tokens);
    for (size_t i = 0; i < n; i++)
        last = tokens[i].is_control ? last : i;
    tokens[last].end = len; /* what no token stands for */
    for (size_t i = last + 1; i < n; i++)
        tokens[i].start = tokens[i].end = len;
}
