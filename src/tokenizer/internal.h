/* A tokenizer from the inside: the vocabulary, and one of three ways to find tokens in a piece of
 * plain text. */
#ifndef CRIL_TOKENIZER_INTERNAL_H
#define CRIL_TOKENIZER_INTERNAL_H

#include "tokenizer/merge.h"
#include "tokenizer/nfc.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/vocab.h"

/* Buffers of one call of encode. Zero-initialise; release with cril_work_free. */
struct encode_work {
    struct merge_work merge;
    struct cril_words words, spare;
    struct cril_nfc nfc;
    struct cril_string sentence;
};

void cril_work_free(struct encode_work *w);

/* --- byte-level BPE (model "gpt2") --- */

struct bpe_merge {
    uint64_t pair; /* left id << 32 | right id; UINT64_MAX: empty slot */
    uint32_t rank;
    int32_t result;
};

struct cril_bpe {
    struct cril_table
        table; /* bytes to id; ids from vocab.n on are strings of merges that are no token */
    struct bpe_merge *merges; /* open addressing, at most half full */
    size_t mask;
    char *strings; /* bytes of table keys that are not pieces of the vocabulary */
    int32_t byte_id[256];
    struct cril_splitter *splitter;
    struct splitter_traits traits;
};

cril_status cril_bpe_load(const struct cril_values *file, const struct cril_vocab *v,
                          struct cril_bpe *b, cril_error *err);
void cril_bpe_clear(struct cril_bpe *b);
/* unknown: id for bytes that have no token; -1: CRIL_ERR_RANGE */
cril_status cril_bpe_encode(const struct cril_bpe *b, const struct cril_vocab *v,
                            struct encode_work *w, const char *text, size_t len, int32_t unknown,
                            cril_ids *ids, cril_error *err);

/* --- SentencePiece, of both models --- */

struct cril_charsmap {
    uint32_t *units; /* [n_units] a double array; NULL: no map */
    size_t n_units;
    char *replacements; /* [len] strings that end with NUL; the last byte is NUL */
    size_t len;
};

/* From the key tokenizer.ggml.precompiled_charsmap; an absent key gives an empty map. */
cril_status cril_charsmap_load(const struct cril_values *file, struct cril_charsmap *map,
                               cril_error *err);
void cril_charsmap_clear(struct cril_charsmap *map);
/* The longest key at the start of text [len >= 1], or one character unchanged: returns its bytes
 * and sets *to [*to_len]. */
size_t cril_charsmap_next(const struct cril_charsmap *map, const char *text, size_t len,
                          const char **to, size_t *to_len);

struct cril_sentence { /* the normaliser */
    struct cril_charsmap map;
    bool prefix, squeeze;
};

cril_status cril_sentence_load(const struct cril_values *file, struct cril_sentence *s,
                               cril_error *err);
void cril_sentence_clear(struct cril_sentence *s);
/* Sets *out to what tokens are found in: text [len], normalised, spaces for U+2581. symbols: as the
 * file spells them; the map leaves the user-defined ones alone. first: text starts the whole text.
 */
cril_status cril_sentence_run(const struct cril_sentence *s, const struct cril_specials *symbols,
                              const char *text, size_t len, bool first, struct cril_string *out,
                              cril_error *err);

/* --- SentencePiece BPE (model "llama") --- */

struct cril_spm {
    struct cril_table table;      /* pieces that text can become */
    uint32_t *priority;           /* [vocab.n] from the scores: the higher the score, the smaller */
    struct cril_pairs pairs;      /* of the table's pieces */
    struct cril_specials symbols; /* user-defined, spaces for U+2581: they merge with nothing */
};

cril_status cril_spm_load(const struct cril_values *file, const struct cril_vocab *v,
                          struct cril_spm *s, cril_error *err);
void cril_spm_clear(struct cril_spm *s);
/* text is normalised. unknown: id for what has no token; -1: CRIL_ERR_RANGE. */
cril_status cril_spm_encode(const struct cril_spm *s, const struct cril_vocab *v,
                            struct encode_work *w, const char *text, size_t len, int32_t unknown,
                            cril_ids *ids, cril_error *err);

/* The byte tokens of the character text [len], or unknown, once for a run (*in_run); where that is
 * -1, CRIL_ERR_RANGE. */
cril_status cril_push_unknown(const struct cril_vocab *v, const char *text, size_t len,
                              int32_t unknown, bool *in_run, cril_ids *ids, cril_error *err);
/* --- unigram (model "t5") --- */

struct cril_unigram {
    struct cril_table table;
    struct cril_pairs pairs; /* of the table's pieces */
    float *scores;           /* [vocab.n] ln p */
    float unknown_score;
};

cril_status cril_unigram_load(const struct cril_values *file, const struct cril_vocab *v,
                              struct cril_unigram *u, cril_error *err);
void cril_unigram_clear(struct cril_unigram *u);
/* As cril_spm_encode. */
cril_status cril_unigram_encode(const struct cril_unigram *u, const struct cril_vocab *v,
                                const char *text, size_t len, int32_t unknown, cril_ids *ids,
                                cril_error *err);

#endif
