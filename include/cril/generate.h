/*
 * Greedy texts of a model, many at a time.
 *
 * A text has the same tokens with any number of streams, threads and on any CPU (doc/numerics.md).
 */
#ifndef CRIL_GENERATE_H
#define CRIL_GENERATE_H

#include <cril/model.h>
#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_generator cril_generator;

typedef struct cril_generator_options {
    unsigned threads;    /* 0: one a core */
    size_t streams;      /* texts in step; 0: 16 */
    size_t context;      /* tokens that a prompt and its text may have together; 0: the model's */
    size_t memory_bytes; /* that the process may hold; 0: three quarters of the machine's */
} cril_generator_options;

typedef enum cril_generation_end {
    CRIL_GENERATION_STOP,  /* a stop string */
    CRIL_GENERATION_EOS,   /* a token that ends a text */
    CRIL_GENERATION_LIMIT, /* max_tokens */
    CRIL_GENERATION_FULL   /* prompt and text fill the context */
} cril_generation_end;

typedef struct cril_prompt {
    const int32_t *ids; /* [n] 1 .. context - 1 */
    size_t n;
    const char *const *until; /* [n_until] stop strings, of any bytes, none empty */
    const size_t *until_len;  /* [n_until] */
    size_t n_until;
    size_t max_tokens; /* >= 1 */
} cril_prompt;

typedef struct cril_generation {
    const int32_t *ids; /* [n] all that were generated, an ending token and those of a stop included
                         */
    size_t n;
    const char *text; /* [len] of these but control tokens, cut at the earliest stop */
    size_t len;
    cril_generation_end end;
} cril_generation;

/* Any may be NULL. Called from the thread that called cril_generate. Not 0: stop with
 * CRIL_ERR_CANCELLED. */
typedef struct cril_generate_callbacks {
    void *user;
    int (*on_text)(void *user, size_t prompt,
                   const cril_generation *g); /* of prompts[prompt], as texts end; borrowed */
    int (*on_progress)(void *user, uint64_t prompt_tokens, uint64_t generated_tokens, size_t texts);
} cril_generate_callbacks;

/*
 * m is borrowed and must outlive the generator. options may be NULL.
 *
 * CRIL_ERR_RANGE: a context above cril_model_max_window, too many streams. CRIL_ERR_NOMEM.
 */
cril_status cril_generator_create(cril_model *m, const cril_generator_options *options,
                                  cril_generator **out, cril_error *err);
void cril_generator_free(cril_generator *g); /* NULL is allowed */

/*
 * Generates a text for each prompt: at each step the token of the largest logit, the lowest id of
 * equals. Prompts that begin alike are run once as far as they do. A text ends as soon as it holds
 * a stop string, at an ending token of the tokenizer, at max_tokens, or where the context is full.
 *
 * Memory is taken for as many streams as there can be, each as long as the longest prompt and its
 * text can become, and for one more where prompts begin alike. It is kept for the next call.
 *
 * CRIL_ERR_RANGE: a prompt that is empty or leaves no room, an id outside the vocabulary; memory
 * that does not hold the streams: the sentence says how much they need. CRIL_ERR_NOMEM, _NUMERIC,
 * _CANCELLED, _MISMATCH (a model's file was written to).
 */
cril_status cril_generate(cril_generator *g, const cril_prompt *prompts, size_t n,
                          const cril_generate_callbacks *callbacks, cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
