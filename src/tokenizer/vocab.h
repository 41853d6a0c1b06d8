/*
 * The vocabulary of a GGUF file: what every kind of tokenizer needs of it.
 *
 * A token has a type and a piece, the bytes it stands for. Byte-level pieces are stored as bytes
 * (GPT-2's alphabet undone), SentencePiece's with U+2581 as a space, so both kinds match on plain
 * text.
 */
#ifndef CRIL_TOKENIZER_VOCAB_H
#define CRIL_TOKENIZER_VOCAB_H

#include "formats/values.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- strings to ids -----------------------------------------------------------------------------
 */

struct table_slot {
    const char *data; /* borrowed; NULL: empty slot */
    size_t len;
    uint64_t hash;
    int32_t id;
};

struct cril_table { /* open addressing, at most half full */
    struct table_slot *slots;
    size_t mask, n;
    size_t longest; /* bytes of the longest key */
};

#define CRIL_HASH_START 0xcbf29ce484222325u

/* FNV-1a, a byte at a time, so that the hash of a prefix is on the way to the hash of the whole. */
static inline uint64_t cril_hash_step(uint64_t hash, char c)
{
    return (hash ^ (uint8_t)c) * 0x100000001b3u;
}

cril_status cril_table_init(struct cril_table *t, size_t most,
                            cril_error *err); /* most: keys it will hold */
void cril_table_clear(struct cril_table *t);
/* A key that is there already gets the new id. data is borrowed for the table's life. len >= 1. */
void cril_table_put(struct cril_table *t, const char *data, size_t len, int32_t id);
int32_t cril_table_find(const struct cril_table *t, const char *data, size_t len); /* -1: absent */
int32_t cril_table_find_hashed(const struct cril_table *t, uint64_t hash, const char *data,
                               size_t len);

/* --- pairs of characters that stand together in some piece
 * ---------------------------------------- */

#define CRIL_PAIR_BITS 18 /* Gemma has 34,000 pairs */

struct cril_pairs { /* a set of hashes: may say yes of a pair that is none, never no of one that is
                     */
    uint64_t *bits;
};

cril_status cril_pairs_init(struct cril_pairs *p, cril_error *err);
void cril_pairs_clear(struct cril_pairs *p);
void cril_pairs_add(struct cril_pairs *p, const char *piece, size_t len);

static inline size_t cril_pair_hash(uint32_t left, uint32_t right) /* of code points */
{
    return (size_t)((((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u) >>
                    (64 - CRIL_PAIR_BITS));
}

static inline bool cril_pairs_has(const struct cril_pairs *p, uint32_t left, uint32_t right)
{
    const size_t hash = cril_pair_hash(left, right);

    return p->bits[hash / 64] >> hash % 64 & 1;
}

/* --- tokens -------------------------------------------------------------------------------------
 */

enum token_type { /* numbers of the format */
                  TOKEN_NORMAL = 1,
                  TOKEN_UNKNOWN,
                  TOKEN_CONTROL,
                  TOKEN_USER_DEFINED,
                  TOKEN_UNUSED,
                  TOKEN_BYTE
};

enum piece_form { PIECE_BYTE_LEVEL, PIECE_SENTENCE };

struct cril_vocab {
    size_t n;                /* 1 .. INT32_MAX */
    char *bytes;             /* the pieces, one after the other */
    size_t *start;           /* [n + 1] piece i is bytes[start[i] .. start[i + 1]) */
    uint8_t *type;           /* [n] enum token_type */
    int32_t byte_token[256]; /* PIECE_SENTENCE: the <0xHH> tokens, -1: absent */
};

cril_status cril_vocab_load(const struct cril_values *file, enum piece_form form,
                            struct cril_vocab *v, cril_error *err);
void cril_vocab_clear(struct cril_vocab *v);

static inline const char *cril_vocab_piece(const struct cril_vocab *v, size_t id, size_t *len)
{
    *len = v->start[id + 1] - v->start[id];
    return v->bytes + v->start[id];
}

/* The scores [n], finite; *out is owned by the caller. */
cril_status cril_vocab_scores(const struct cril_values *file, const struct cril_vocab *v,
                              float **out, cril_error *err);

/* Copies with U+2581 as a space; returns the bytes written. out may be text. */
size_t cril_put_spaces(const char *text, size_t len, char *out);

/* Undoes GPT-2's byte alphabet: out [len] gets the bytes, *n their number. False when a character
 * is not of it. */
bool cril_byte_level_decode(const char *text, size_t len, char *out, size_t *n);

/* --- tokens that are cut out of a text before anything else --------------------------------------
 */

struct special_node {
    int32_t user,
        any; /* token that ends here: user-defined; or of those and control, unknown. -1: none */
    uint32_t child, sibling; /* 0: none */
    uint8_t byte;
};

struct cril_specials { /* a trie of bytes; node 0 is the root */
    struct special_node *nodes;
    size_t n;
    uint32_t first[256]; /* node of each first byte, 0: none */
};

/* names [v->n]: what is looked for; NULL: the pieces. */
cril_status cril_specials_build(const struct cril_vocab *v, const struct cril_bytes *names,
                                struct cril_specials *s, cril_error *err);
void cril_specials_clear(struct cril_specials *s);

/* The longest special token at the start of text: its id and length; -1 when there is none. */
int32_t cril_specials_match(const struct cril_specials *s, const char *text, size_t len,
                            bool with_control, size_t *match_len);

#endif
