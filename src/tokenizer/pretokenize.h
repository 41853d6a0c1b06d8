/*
 * Pre-tokenisers: cut a text into words, across which byte-level BPE never merges.
 *
 * A pre-tokeniser is a list of expressions. Each cuts every word of the one before: a match is a
 * word, and so is what lies between two matches. The names are those of the key tokenizer.ggml.pre.
 */
#ifndef CRIL_TOKENIZER_PRETOKENIZE_H
#define CRIL_TOKENIZER_PRETOKENIZE_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>

struct cril_splitter; /* immutable; shared by threads */

struct cril_words { /* zero-initialise; word i is text[end[i - 1] .. end[i]), end[-1] being 0 */
    size_t *end;
    size_t n, capacity;
};

/* What comes with a name besides the expressions. */
struct splitter_traits {
    const char *name;
    bool nfc;          /* texts are put in Unicode's composed form before they are cut */
    bool whole_words;  /* a word that is a token is that token, merges or not */
    bool adds_bos;     /* unless tokenizer.ggml.add_bos_token says otherwise */
    const char *doubt; /* what leaves all this open, after a file's name; NULL: nothing */
};

/* name [len] as in the file, name NULL: absent. *out is owned by the caller. CRIL_ERR_UNSUPPORTED:
 * path has another name. */
cril_status cril_splitter_create(const char *path, const char *name, size_t len,
                                 struct cril_splitter **out, struct splitter_traits *traits,
                                 cril_error *err);
void cril_splitter_free(struct cril_splitter *s); /* NULL is allowed */

/* Cuts well-formed UTF-8. spare is a second list to work in. CRIL_ERR_NOMEM. */
cril_status cril_splitter_run(const struct cril_splitter *s, const char *text, size_t len,
                              struct cril_words *words, struct cril_words *spare, cril_error *err);
void cril_words_free(struct cril_words *w);

#endif
