/* A tokenizer from the inside: three ways to find tokens in a piece of plain text. What they load
 * from a spec borrows from it; what load left on an error, clear releases. */
#ifndef CRIL_TOKENIZER_INTERNAL_H
#define CRIL_TOKENIZER_INTERNAL_H

#include "tokenizer/alphabet.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/merge.h"
#include "tokenizer/normalise.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/spec.h"
#include "tokenizer/specials.h"
#include "tokenizer/table.h"
#include "tokenizer/tokenizer.h"

/* Takes over what spec holds, which is the caller's no more, after an error neither. */
cril_status cril_tokenizer_build(struct cril_spec *spec, cril_tokenizer **out, cril_error *err);

/* Buffers of one call of encode. Zero-initialise; release with cril_work_free. */
struct encode_work {
    struct merge_work merge;
    struct normal_work normal;
    struct split_work split;
    struct cril_string sentence;
    struct unigram_step *steps; /* [n_steps] */
    size_t n_steps;
};

void cril_work_free(struct encode_work *w);

/* --- byte-pair encoding by ranks --- */

struct bpe_merge {
    uint64_t pair; /* left id << 32 | right id; UINT64_MAX: empty slot */
    uint32_t rank;
    int32_t result;
};

struct cril_bpe {
    struct cril_table
        table; /* strings to id; ids from spec.n on are strings of merges that are no token */
    struct bpe_merge *merges; /* open addressing, at most half full */
    size_t mask;
    char bytes[256]; /* each */
    int32_t byte_id[256];
    struct cril_pairs pairs; /* of the merges' strings; where symbols are characters */
};

cril_status cril_bpe_load(const struct cril_spec *spec, struct cril_bpe *b, cril_error *err);
void cril_bpe_clear(struct cril_bpe *b);
/* text is a word. CRIL_ERR_RANGE: a byte or character has no token, and the spec does not say what
 * becomes of it. */
cril_status cril_bpe_encode(const struct cril_bpe *b, const struct cril_spec *spec,
                            struct encode_work *w, const char *text, size_t len, cril_ids *ids,
                            cril_error *err);

/* --- SentencePiece, of both models --- */

struct cril_sentence { /* the normaliser */
    struct cril_charsmap map;
    bool prefix, squeeze;
};

cril_status cril_sentence_load(const struct cril_spec *spec, struct cril_sentence *s,
                               cril_error *err);
void cril_sentence_clear(struct cril_sentence *s);
/* Sets *out to what tokens are found in: text [len], normalised, spaces for U+2581. symbols: as the
 * file spells them; the map leaves the user-defined ones alone. first: text starts the whole text.
 */
cril_status cril_sentence_run(const struct cril_sentence *s, const struct cril_specials *symbols,
                              const char *text, size_t len, bool first, struct cril_string *out,
                              cril_error *err);

/* --- SentencePiece BPE by scores --- */

struct cril_spm {
    struct cril_table table;      /* pieces that text can become */
    uint32_t *priority;           /* [spec.n] from the scores: the higher the score, the smaller */
    struct cril_pairs pairs;      /* of the table's pieces */
    struct cril_specials symbols; /* user-defined, spaces for U+2581: they merge with nothing */
    int32_t *symbol_ids;          /* of their places */
};

cril_status cril_spm_load(const struct cril_spec *spec, struct cril_spm *s, cril_error *err);
void cril_spm_clear(struct cril_spm *s);
/* text is normalised. CRIL_ERR_RANGE: a character has no token, and the spec no unknown token. */
cril_status cril_spm_encode(const struct cril_spm *s, const struct cril_spec *spec,
                            struct encode_work *w, const char *text, size_t len, cril_ids *ids,
                            cril_error *err);

/* Whether byte tokens spell the character or byte text [len]. */
bool cril_has_bytes(const struct cril_spec *spec, const char *text, size_t len);
/* What becomes of the character text [len], which has no token: its byte tokens, or the unknown
 * token, once for a run (*in_run) where the spec fuses it, or nothing where the spec drops it. */
cril_status cril_push_unknown(const struct cril_spec *spec, const char *text, size_t len,
                              bool *in_run, cril_ids *ids, cril_error *err);
/* --- unigram  --- */

struct cril_unigram {
    struct cril_table table;
    struct cril_pairs pairs; /* of the table's pieces */
    double unknown_score;
};

cril_status cril_unigram_load(const struct cril_spec *spec, struct cril_unigram *u,
                              cril_error *err);
void cril_unigram_clear(struct cril_unigram *u);
/* As cril_spm_encode. */
cril_status cril_unigram_encode(const struct cril_unigram *u, const struct cril_spec *spec,
                                struct encode_work *w, const char *text, size_t len, cril_ids *ids,
                                cril_error *err);

#endif
