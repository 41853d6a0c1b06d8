/*
 * Texts of items to sequences of tokens for a model: lm-evaluation-harness' rules for a
 * continuation of a context, for a prompt, and for a text alone (doc/eval.md, "Tokens").
 *
 * What makes one item impossible (a continuation without tokens, a window that leaves no prompt) is
 * a fault, a sentence for its line, and no error. A windower belongs to one thread.
 */
#ifndef CRIL_TASKS_ITEM_WINDOWS_H
#define CRIL_TASKS_ITEM_WINDOWS_H

#include "score/pair.h"
#include "tasks/task.h"
#include "tokenizer/specials.h"

#include <cril/model.h>

struct cril_windower {
    const cril_tokenizer *tokenizer; /* borrowed */
    unsigned encode;                 /* CRIL_ENCODE_SPECIAL, or 0 */
    int32_t bos;                     /* stands before each context; -1: nothing does */
    int32_t prefix;                  /* in place of an empty context: BOS, else EOS; -1: neither */
    size_t window;                   /* inputs of a sequence, at most */
    bool cut_right, shortens_answer;
    bool saw_control;         /* a text held a look-alike of a control token */
    char control[64];         /* the first such */
    struct cril_specials raw; /* names of added tokens */
    struct cril_pair pair;
    cril_ids scratch;
};

/* A sequence in a list of ids. */
struct cril_laid {
    size_t at, n; /* ids [at .. at + n - 1] */
    size_t first; /* of these, the first that is scored */
    size_t cut;   /* ids of the context that found no place */
    size_t room;  /* of a prompt: tokens that may be generated behind it */
};

struct cril_fault {
    char text[512]; /* a sentence; "": none */
};

/* m is borrowed. CRIL_ERR_RANGE: the protocol's window is longer than the model can be given.
 * CRIL_ERR_NOMEM. On errors w can be freed. */
cril_status cril_windower_init(struct cril_windower *w, const cril_model *m,
                               const struct cril_task_protocol *p, bool no_bos, bool special,
                               cril_error *err);
void cril_windower_free(struct cril_windower *w);

/* Appends to ids the sequence of a continuation after a context, cut from the left to the window. A
 * context is tokenised once for continuations that follow each other. */
cril_status cril_windower_continue(struct cril_windower *w, struct cril_bytes context,
                                   struct cril_bytes continuation, cril_ids *ids,
                                   struct cril_laid *out, struct cril_fault *fault,
                                   cril_error *err);

/* Appends the ids of a prompt that max_tokens are to follow, cut to leave room for them, or for one
 * where the protocol rather shortens the answer. */
cril_status cril_windower_prompt(struct cril_windower *w, struct cril_bytes prompt,
                                 size_t max_tokens, cril_ids *ids, struct cril_laid *out,
                                 struct cril_fault *fault, cril_error *err);

/*
 * Appends the sequences of a text alone, each token of which is scored once, by
 * loglikelihood_rolling: calls add for each. text_ids, which is empty, gets the ids of the text.
 */
cril_status cril_windower_roll(struct cril_windower *w, struct cril_bytes text, cril_ids *ids,
                               cril_ids *text_ids,
                               cril_status (*add)(void *user, const struct cril_laid *laid,
                                                  cril_error *err),
                               void *user, struct cril_fault *fault, cril_error *err);

#endif
