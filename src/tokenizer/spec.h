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
    MODEL_RANKS,  /* byte-pair encoding: the pair with the lowest rank merges first */
    MODEL_SCORES, /* the same: the pair whose joint piece has the highest score */
    MODEL_UNIGRAM /* the pieces with the largest sum of scores, which are ln p */
};

struct spec_merge {
    const char *pair; /* [len] left and right */
    uint32_t left_len, len;
    uint32_t rank; /* the lowest merges first; of equals the leftmost */
};

struct spec_added { /* a token that is cut out of a text before all else */
    struct cril_bytes name;
    int32_t id;
    bool control;     /* found only where a caller wants control tokens */
    bool within;      /* SentencePiece's own: it stands within the text that is normalised */
    bool normalised;  /* found in the normalised text; else in the text as it is given */
    bool single_word; /* only where no letter or the like touches it */
    bool strips_left, strips_right; /* takes the blanks there with it */
};

/* SentencePiece's normaliser, in whose texts user-defined tokens stand like others. */
struct spec_sentence {
    bool used;
    bool prefix;                /* a space is put in front */
    bool squeeze;               /* runs of spaces become one, those at the ends none */
    struct cril_bytes charsmap; /* SentencePiece's map of characters; empty: none */
};

enum spec_dialect { DIALECT_PCRE2, DIALECT_ONIGURUMA, DIALECT_LITERAL };

struct spec_pattern {
    struct cril_bytes text;
    enum spec_dialect dialect;
};

enum normal_kind {
    NORMAL_NFC,
    NORMAL_NFD,
    NORMAL_NFKC,
    NORMAL_NFKD,
    NORMAL_PREPEND, /* text in front */
    NORMAL_REPLACE, /* each match of pattern by text */
    NORMAL_MAP,     /* text is SentencePiece's map of characters, as `tokenizers` runs it */
    NORMAL_STRIP    /* no blanks at the ends */
};

struct spec_normal {
    enum normal_kind kind;
    struct spec_pattern pattern;
    struct cril_bytes text;
    bool left, right; /* NORMAL_STRIP */
};

enum split_kind {
    SPLIT_MATCHES, /* cuts words where pattern matches */
    SPLIT_REPLACE, /* in each word: matches of pattern by text */
    SPLIT_PREPEND, /* in front of each word that does not start with it: text */
    SPLIT_BYTES    /* writes words in GPT-2's alphabet of bytes, for the steps behind */
};

enum split_behaviour { /* what becomes of matches, and of what lies between two */
                       SPLIT_ISOLATED,
                       SPLIT_REMOVED,
                       SPLIT_CONTIGUOUS,
                       SPLIT_WITH_PREVIOUS,
                       SPLIT_WITH_NEXT
};

struct spec_split {
    enum split_kind kind;
    struct spec_pattern pattern;
    enum split_behaviour behaviour;
    bool inverted; /* what lies between two matches is a match, and no match is one */
    bool first;    /* SPLIT_PREPEND: only at the start of the whole text */
    struct cril_bytes text;
};

struct cril_spec {
    const char *path; /* of the file, for messages; borrowed */
    char kind[64];    /* for people */
    enum spec_model model;

    bool byte_level; /* symbols are bytes; else characters */
    bool spaces;     /* U+2581 in a normalised text is a space, and one in pieces */

    size_t n;                  /* tokens, 1 .. INT32_MAX */
    uint8_t *types;            /* [n] enum token_type */
    struct cril_bytes *pieces; /* [n] the bytes it stands for; of a control token its name */
    struct cril_bytes *keys;   /* [n] what the model finds in a text; empty: it never does */
    double *scores;            /* [n] finite; MODEL_SCORES, MODEL_UNIGRAM */
    bool wide_sums;            /* of scores: in 64 bits; else in 32 */
    int32_t byte_token[256];   /* that spell a character without a token of its own; -1: none */
    struct spec_merge *merges; /* [n_merges] MODEL_RANKS */
    size_t n_merges;
    struct spec_added *added; /* [n_added] */
    size_t n_added;

    /* Either SentencePiece's normaliser, or steps as `tokenizers` has them. */
    struct spec_sentence sentence;
    struct spec_normal *normals; /* [n_normals] */
    size_t n_normals;
    struct spec_split *splits; /* [n_splits] each cuts the words of the one before */
    size_t n_splits;
    bool ignores_merges; /* a word that is a token is that token, merges or not */

    int32_t bos, eos, unknown; /* -1: none */
    int32_t *ends;             /* [n_ends] that end a text which a model writes, beside eos */
    size_t n_ends;
    bool starts_blank; /* the first blank of a text that ids spell is the tokenizer's own */
    bool adds_bos, adds_eos;
    bool has_processor; /* the file itself says what stands around a text */
    bool fuses_unknown; /* a run of what has no token in a word is one unknown token, not several */
    bool drops_unknown; /* without an unknown token it is left out; else it is an error */

    struct cril_warnings warnings; /* what the file leaves open */
    struct cril_arena arena;       /* of all of the above */
};

/* Empty, for a reader to fill. path is borrowed. */
void cril_spec_init(struct cril_spec *s, const char *path);
void cril_spec_clear(struct cril_spec *s);
/* Appends n tokens: unused, without text, with a score of 0. CRIL_ERR_NOMEM, _FORMAT: there are
 * too many. */
cril_status cril_spec_extend(struct cril_spec *s, size_t n, cril_error *err);

/* Fills piece and key of token i, whose type is set, from SentencePiece's spelling. A byte's name
 * is one (cril_byte_of_name). out: room for text; returns the end of what was written. */
char *cril_spec_put_sentence(struct cril_spec *s, size_t i, struct cril_bytes text, char *out);
/* Fills the added tokens: all of the types user-defined, control and unknown. names [n] are as the
 * file spells them; they are copied. CRIL_ERR_NOMEM. */
cril_status cril_spec_add_by_type(struct cril_spec *s, const struct cril_bytes *names,
                                  cril_error *err);

/*
 * The readers fill *s, which is empty. On error the caller clears it. CRIL_ERR_FORMAT: the file is
 * damaged; CRIL_ERR_UNSUPPORTED: it asks by name for what cril does not know; CRIL_ERR_NOMEM.
 */
cril_status cril_spec_read_gguf(struct cril_values *file, struct cril_spec *s, cril_error *err);
/* *name: the tokenizer.ggml.pre that cuts texts into words as s does, where symbols are bytes: of
 * several one that composes as s does, and the first that is listed. NULL: there is none.
 * CRIL_ERR_NOMEM, CRIL_ERR_UNSUPPORTED. */
cril_status cril_spec_splitter_name(const struct cril_spec *s, const char **name, cril_error *err);
/* A folder's files; which of them, and who decides over BOS, is said in spec_folder.c. */
cril_status cril_spec_read_folder(struct cril_source *folder, struct cril_spec *s, cril_error *err);
/* One file of a folder: its bytes [len], s->path naming it in messages. */
cril_status cril_spec_read_tokenizer_json(const uint8_t *data, size_t len, struct cril_spec *s,
                                          cril_error *err);
cril_status cril_spec_read_sentencepiece(const uint8_t *data, size_t len, struct cril_spec *s,
                                         cril_error *err);
cril_status cril_spec_read_tiktoken(const uint8_t *data, size_t len, struct cril_spec *s,
                                    cril_error *err);
/* Whether bytes [len] of tokenizer.model may be SentencePiece's. */
bool cril_spec_is_sentencepiece(const uint8_t *data, size_t len);

#endif
