/*
 * Text to token ids, as the model's own tokenizer does it.
 *
 * A tokenizer is immutable once open: any number of threads may use one at the same time.
 * Invalid UTF-8 is read as U+FFFD, one for each maximal ill-formed subsequence (Unicode 15, 3.9,
 * "U+FFFD substitution of maximal subparts"; Python's errors="replace"), then tokenised.
 */
#ifndef CRIL_TOKENIZER_H
#define CRIL_TOKENIZER_H

#include <cril/inspect.h>
#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_tokenizer cril_tokenizer;

/* A growing list of ids. Zero-initialise; release with cril_ids_free. */
typedef struct cril_ids {
    int32_t *data;
    size_t n, capacity;
} cril_ids;

void cril_ids_free(cril_ids *ids); /* leaves an empty list behind */

enum {
    CRIL_ENCODE_TEXT = 0,    /* the text as text: a look-alike of a control token is spelled out */
    CRIL_ENCODE_SPECIAL = 1, /* look-alikes of control tokens become those tokens */
    CRIL_ENCODE_ADD_SPECIAL =
        2 /* put the BOS / EOS that the tokenizer adds by itself around the text */
};

/*
 * Reads the tokenizer of a GGUF file, for which a vocabulary without weights is enough, or of a
 * model's folder: tokenizer.model, tokenizer.json or qwen.tiktoken (doc/scoring.md, "Folders").
 * *out is owned by the caller, free with cril_tokenizer_free.
 * CRIL_ERR_IO, _FORMAT, _TRUNCATED, _NOMEM; _UNSUPPORTED names the tokenizer, or the component or
 * expression of it, that cril does not know.
 */
cril_status cril_tokenizer_open(const char *path, cril_tokenizer **out, cril_error *err);
/* The same of a file that is open already: it is not opened again. f may be closed before. */
cril_status cril_tokenizer_open_inspected(const cril_inspect *f, cril_tokenizer **out,
                                          cril_error *err);
void cril_tokenizer_free(cril_tokenizer *t);

/*
 * Appends the ids of text [len bytes, any bytes] to *ids. flags: CRIL_ENCODE_*.
 * Time grows about linearly with len, also for one long line, unless an expression of
 * tokenizer.json takes longer. On error *ids keeps what it had.
 * CRIL_ERR_NOMEM; CRIL_ERR_RANGE when a character or byte has no token, and the vocabulary names no
 * unknown token, or when len is over 1 GiB; CRIL_ERR_UNSUPPORTED when an expression gives up.
 * Where tokenizer.json names no unknown token, what has no token is left out.
 */
cril_status cril_tokenizer_encode(const cril_tokenizer *t, const char *text, size_t len,
                                  unsigned flags, cril_ids *ids, cril_error *err);

size_t cril_tokenizer_size(const cril_tokenizer *t);      /* tokens in the vocabulary */
const char *cril_tokenizer_kind(const cril_tokenizer *t); /* e.g. "bpe (smollm)", owned by t */
int32_t cril_tokenizer_bos(const cril_tokenizer *t);      /* -1: none */
int32_t cril_tokenizer_eos(const cril_tokenizer *t);      /* -1: none */
bool cril_tokenizer_adds_bos(const cril_tokenizer *t);
bool cril_tokenizer_adds_eos(const cril_tokenizer *t);
/* Sentence i of those that say what the file leaves open and cril had to guess. NULL from their
 * number on. Owned by t. */
const char *cril_tokenizer_warning(const cril_tokenizer *t, size_t i);

/* Versions of Unicode, such as "14.0.0", by which the libraries cut text into words (PCRE2) and
 * normalise it (utf8proc). Token ids may differ where they differ. "": not known. */
typedef struct cril_unicode {
    char pcre2[16], utf8proc[16];
} cril_unicode;

cril_unicode cril_unicode_here(void); /* of the libraries at hand */

/* The bytes a token stands for (byte-level and byte-fallback mapping undone, U+2581 as a space; a
   control token by its name). *len is set. Borrowed from t. NULL when id is out of range. */
const char *cril_tokenizer_piece(const cril_tokenizer *t, int32_t id, size_t *len);

#ifdef __cplusplus
}
#endif
#endif
