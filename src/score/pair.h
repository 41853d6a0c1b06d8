/*
 * A prompt and its continuation as tokens, by the rule of lm-evaluation-harness (_encode_pair;
 * doc/scoring.md, "Prompts"): white space at the prompt's end belongs to the continuation; the
 * prompt is tokenised alone, then the whole; tokens of the continuation are those of the whole
 * behind as many as the prompt alone has.
 */
#ifndef CRIL_SCORE_PAIR_H
#define CRIL_SCORE_PAIR_H

#include "score/feeder.h"
#include "tokenizer/spelling.h"

#include <cril/tokenizer.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Zero-initialise; used again from pair to pair, all of one tokenizer and flags: a prompt that was
 * the last pair's too is not tokenised again. Release with cril_pair_free.
 */
struct cril_pair {
    cril_ids ids;    /* the prompt's, then the continuation's */
    size_t n_prompt; /* of ids */
    /* The tokens of the whole begin with those of the prompt. Where they do not, ids need not stand
       for the texts. */
    bool splits;
    const char *continuation; /* with the white space that was the prompt's; borrowed from text */
    size_t continuation_bytes;

    char *text; /* prompt and continuation */
    size_t text_capacity, prompt_bytes;
    bool is_known;  /* ids begin with those of the prompt in text */
    cril_ids whole; /* ids of text */
};

/* Bytes of text without the white space at its end: what Python's str.rstrip takes away. */
size_t cril_without_blanks(const char *text, size_t len);

/*
 * Makes p the pair of these texts, any bytes. flags: CRIL_ENCODE_*. No ids behind the first
 * n_prompt: the continuation has none of its own. Errors of cril_tokenizer_encode.
 */
cril_status cril_pair_encode(struct cril_pair *p, const cril_tokenizer *t, const char *prompt,
                             size_t prompt_bytes, const char *continuation,
                             size_t continuation_bytes, unsigned flags, cril_error *err);
/* What the continuation's ids, one at least, do not spell of it: all, where ids do not stand for
   the texts. CRIL_ERR_NOMEM. */
cril_status cril_pair_unspelled(const struct cril_pair *p, struct cril_speller *s,
                                struct cril_unspelled *out, cril_error *err);
/* Fills a started stream with the last `kept` ids of the prompt and the continuation, which is to
   be scored. CRIL_ERR_NOMEM. */
cril_status cril_pair_stream(const struct cril_pair *p, size_t kept, struct cril_token_stream *s,
                             cril_error *err);
void cril_pair_free(struct cril_pair *p);

#endif
