/*
 * What a tokenizer is, whatever file says so: tokens, how a text is normalised and cut into words,
 * how the model finds tokens in a word, and which tokens stand around a text. A reader of a format
 * (spec_*.c) fills it; all else of the tokenizer sees nothing but it.
 */
#ifndef CRIL_TOKENIZER_SPEC_H
#define CRIL_TOKENIZER_SPEC_H

#include "formats/source.h"
#include "util/arena.h"
#include "util/warnings.h"

enum token_type { /* GGUF's numbers */
                  TOKEN_NORMAL = 1,
                  TOKEN_UNKNOWN,
                  TOKEN_CONTROL,
                  TOKEN_USER_DEFINED,
                  TOKEN_UNUSED,
                  TOKEN_BYTE
};

enum spec_model {
    MODEL_RANKS,  /* byte-pair encoding of bytes: the pair with the lowest rank merges first */
    MODEL_SCORES, /* of characters: the pair whose joint piece has the highest score */
    MODEL_UNIGRAM /* the pieces with the largest sum of scores, which are ln p */
};

struct spec_merge {   /* by rank */
    const char *pair; /* [len] left and right */
    uint32_t left_len, len;
};

struct spec_added { /* a token that is cut out of a text as it is given, before all else */
    struct cril_bytes name;
    int32_t id;
    bool control; /* found only where a caller wants control tokens */
};

/* SentencePiece's normaliser, in whose texts user-defined tokens stand like others. */
struct spec_sentence {
    bool used;
    bool prefix;                /* a space is put in front */
    bool squeeze;               /* runs of spaces become one, those at the ends none */
    struct cril_bytes charsmap; /* SentencePiece's map of characters; empty: none */
};

struct spec_split {
    const char *pattern; /* for PCRE2 (UTF, UCP) */
};

struct cril_spec {
    const char *path; /* of the file, for messages; borrowed */
    char kind[64];    /* for people */
    enum spec_model model;

    size_t n;                  /* tokens, 1 .. INT32_MAX */
    uint8_t *types;            /* [n] enum token_type */
    struct cril_bytes *pieces; /* [n] the bytes it stands for; of a control token its name */
    struct cril_bytes *keys;   /* [n] what the model finds in a text; empty: it never does */
    float *scores;             /* [n] finite; MODEL_SCORES, MODEL_UNIGRAM */
    int32_t byte_token[256];   /* that spell a character without a token of its own; -1: none */
    struct spec_merge *merges; /* [n_merges] MODEL_RANKS */
    size_t n_merges;
    struct spec_added *added; /* [n_added] */
    size_t n_added;

    struct spec_sentence sentence;
    bool nfc;                  /* texts are put in Unicode's composed form before they are cut */
    struct spec_split *splits; /* [n_splits] each cuts the words of the one before */
    size_t n_splits;
    bool ignores_merges; /* a word that is a token is that token, merges or not */

    int32_t bos, eos, unknown; /* -1: none */
    bool adds_bos, adds_eos;

    struct cril_warnings warnings; /* what the file leaves open */
    struct cril_arena arena;       /* of all of the above */
};

/* Empty, for a reader to fill. path is borrowed. */
void cril_spec_init(struct cril_spec *s, const char *path);
void cril_spec_clear(struct cril_spec *s);

/* Takes types, pieces and keys for n tokens: all normal, all empty. CRIL_ERR_NOMEM, _FORMAT: n is
 * out of range. */
cril_status cril_spec_alloc_tokens(struct cril_spec *s, size_t n, cril_error *err);
/* Fills the added tokens: all of the types user-defined, control and unknown. names [n] are as the
 * file spells them; they are copied. CRIL_ERR_NOMEM. */
cril_status cril_spec_add_by_type(struct cril_spec *s, const struct cril_bytes *names,
                                  cril_error *err);

/* The readers fill *s, which is empty. On error the caller clears it. */
cril_status cril_spec_read_gguf(struct cril_values *file, struct cril_spec *s, cril_error *err);

#endif
