/*
 * Which characters of a text its tokens spell, and any bytes as tokens and raw bytes.
 *
 * This is the one rule of what is *unspelled*: a character is, where the tokenizer's own tokens do
 * not stand for it (bytes that are not UTF-8, characters that the vocabulary lacks, characters
 * that the tokenizer changes). The scorer counts these characters, and the codec escapes them:
 * single-byte tokens stand in, and where a byte has no token, the byte itself. What the tokens of a
 * spelling stand for, with the raw bytes in between, is the text again.
 */
#ifndef CRIL_TOKENIZER_SPELLING_H
#define CRIL_TOKENIZER_SPELLING_H

#include <cril/tokenizer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A run of tokens, then raw bytes. The tokens' pieces, less the first byte if `drop`, are text. No
 * encoder codes a token without a piece, so that only a dropped byte leaves a token nothing to
 * spell: a reader may take a segment with more tokens than original - raw + parts for damaged.
 */
struct cril_part {
    uint32_t tokens, drop, raw; /* drop 0 or 1, 0 without tokens; not both tokens and raw are 0 */
};

/* What a part takes in an archive (doc/cril_format.md). */
size_t cril_part_bytes(const struct cril_part *p);

/* Zero-initialised it is empty; release with cril_spelling_free. */
struct cril_spelling {
    cril_ids ids;
    struct cril_part *parts; /* [n_parts]; none where one run of all ids without drop or raw bytes
                                spells the text */
    size_t n_parts, parts_capacity;
    uint8_t *raw; /* [n_raw] */
    size_t n_raw, raw_capacity;
    size_t unspelled_characters; /* of the text; an ill-formed sequence is one */
    size_t unspelled_bytes;      /* that these take */
};

struct cril_speller; /* a tokenizer and what is known of it; one per thread */

/* t is borrowed. CRIL_ERR_NOMEM. */
cril_status cril_speller_create(const cril_tokenizer *t, struct cril_speller **out,
                                cril_error *err);
void cril_speller_free(struct cril_speller *s);

/* Fills *out for text [len >= 1], any bytes; what it held is gone. Without an unspelled character
   the ids are, all and in order, what cril_tokenizer_encode makes of the text as text. No id is a
   control or unknown token, ids.n <= len + n_parts (only a dropped space stands for no byte of
   text). Time is O(len). CRIL_ERR_NOMEM. */
cril_status cril_speller_spell(struct cril_speller *s, const char *text, size_t len,
                               struct cril_spelling *out, cril_error *err);
/* Makes *out one part of raw bytes; what is unspelled stays as it was counted. */
cril_status cril_spelling_store(const void *text, size_t len, struct cril_spelling *out,
                                cril_error *err);
void cril_spelling_free(struct cril_spelling *s);

/* What a text has of unspelled characters, and the bytes that an archive needs to keep them: their
   own, and those of the parts. */
struct cril_unspelled {
    uint64_t characters, escape_bytes;
};

/* Counts those of text [len >= 1]. ids [n]: the tokenizer's own, without BOS and EOS that it added;
   where they spell the text, they are compared with it and nothing is tokenised again. The count
   depends on the tokenizer and the text alone. CRIL_ERR_NOMEM. */
cril_status cril_speller_count(struct cril_speller *s, const int32_t *ids, size_t n,
                               const char *text, size_t len, struct cril_unspelled *out,
                               cril_error *err);

/* Whether ids [n] are text [len >= 1] as they stand, the tokenizer's space in front aside. */
bool cril_speller_matches(const struct cril_speller *s, const int32_t *ids, size_t n,
                          const char *text, size_t len);
/* What an archive needs for a text of which no token is used. */
uint64_t cril_spelling_raw_bytes(size_t len);

#endif
