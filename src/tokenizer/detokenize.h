/*
 * Ids to text, one after another, as a model says them.
 *
 * The text is that of the library `tokenizers` for all ids at once, control and unknown tokens left
 * out: bytes that are not UTF-8 become U+FFFD, one for each maximal ill-formed subsequence; where
 * tokens of single bytes stand between others that are characters, one for each byte of a run of
 * them that is not UTF-8 as a whole. Where the tokenizer puts a blank in front of every text, one
 * in front of this text is left out (`decoders/strip.rs`, `metaspace.rs`, `byte_fallback.rs`). What
 * the library transformers may tidy up behind that (clean_up_tokenization_spaces), which its
 * version 5 does not do for these tokenizers, is not done.
 */
#ifndef CRIL_TOKENIZER_DETOKENIZE_H
#define CRIL_TOKENIZER_DETOKENIZE_H

#include <cril/tokenizer.h>

/* Zero-initialised it is empty and without a tokenizer; release with cril_spoken_free. */
struct cril_spoken {
    const cril_tokenizer *t; /* NULL: no id stands for text */
    char *text;              /* [n] well-formed; later ids may still change it from settled on */
    size_t n, settled, capacity;
    char *open; /* [n_open] bytes behind the settled text that are not sure yet to be characters */
    size_t n_open, open_capacity;
    bool run; /* they are those of tokens of single bytes */
};

/* Empties s; buffers stay. t is borrowed. */
void cril_spoken_start(struct cril_spoken *s, const cril_tokenizer *t);
/* What may still become a character is held back. CRIL_ERR_NOMEM. */
cril_status cril_spoken_add(struct cril_spoken *s, int32_t id, cril_error *err);
/* No id follows: what was held back is replaced. CRIL_ERR_NOMEM. */
cril_status cril_spoken_finish(struct cril_spoken *s, cril_error *err);
/* The text so far; borrowed until the next call. Its first *settled bytes stay as they are. NULL:
 * not wanted. */
const char *cril_spoken_text(const struct cril_spoken *s, size_t *len, size_t *settled);
void cril_spoken_free(struct cril_spoken *s); /* leaves an empty one behind */

#endif
