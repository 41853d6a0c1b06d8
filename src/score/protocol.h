/*
 * Protocols: which tokens make a stream, how windows lie on it, which tokens are scored
 * (doc/scoring.md).
 *
 * A protocol is a function from a window's number and the stream's length to the window. It holds
 * no state and sees no text, so its rules can be read, and tested, alone.
 */
#ifndef CRIL_SCORE_PROTOCOL_H
#define CRIL_SCORE_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One window over stream tokens t: the inputs are first_token (unless -1), then t[from .. end-2];
 * the outputs that predict t[first .. end-1] are scored. from <= first < end; from < first unless
 * there is a first_token.
 */
struct cril_span {
    int32_t first_token;
    uint64_t from, first, end;
};

/* Inputs of the window. */
static inline size_t cril_span_inputs(const struct cril_span *s)
{
    return (size_t)(s->end - s->from) - 1 + (s->first_token >= 0);
}

struct cril_layout {
    size_t context;      /* inputs of a full window, >= 1 */
    size_t stride;       /* >= 1, <= context */
    int32_t first_token; /* token that opens a stream (halves: replaces the first of a chunk); -1:
                            none */
    unsigned rules;      /* CRIL_RULES; document follows the rules of version 1 too */
};

enum cril_first_token {
    CRIL_FIRST_NONE,      /* windows hold tokens of the stream alone */
    CRIL_FIRST_ADDED_BOS, /* BOS, where the tokenizer adds one by itself */
    CRIL_FIRST_ANY        /* BOS, else EOS; a tokenizer with neither cannot be scored */
};

struct cril_protocol {
    const char *name, *summary;
    size_t context;     /* default; 0: the model's */
    size_t stride;      /* default; 0: windows follow each other, a stride cannot be given */
    size_t min_context; /* below it a window scores nothing; 0: any will do */
    bool per_document;  /* each document is a stream; otherwise all documents together are one */
    bool special_once;  /* special tokens around the corpus, not around each document */
    bool fill_records;  /* a document is its record in OpenCompass's template (corpus/record.h) */
    bool scored_text;   /* characters and bytes of scored tokens count, not those of all text */
    bool uniform_first; /* without first_token, t[0] costs ln(number of logits) */
    unsigned encode;    /* CRIL_ENCODE_* */
    enum cril_first_token first_token;
    /*
     * Window number k of a stream of which n tokens are known; end: there will be no more.
     * False: no such window (yet). Where documents share a stream, what a window scores depends on
     * k alone.
     */
    bool (*window)(const struct cril_layout *l, uint64_t k, uint64_t n, bool end,
                   struct cril_span *out);
    /*
     * How many of a prompt's n_prompt tokens stay, the last ones, before a continuation of n >= 1.
     * The stream is then these tokens and the continuation, which is scored. NULL: the protocol
     * has no prompts.
     */
    size_t (*kept_prompt)(const struct cril_layout *l, size_t n_prompt, size_t n);
    uint64_t (*min_tokens)(
        const struct cril_layout *l); /* tokens below which a corpus cannot be scored */
};

/* NULL past the last. */
const struct cril_protocol *cril_protocol_at(size_t i);
/* NULL: unknown. name NULL: the default. */
const struct cril_protocol *cril_protocol_find(const char *name);

/* Context and stride of l where these are asked for, 0 being the protocol's own, of a model with a
 * context of max_context, and the rules of today. Not checked. */
void cril_protocol_lay(const struct cril_protocol *p, size_t context, size_t stride,
                       size_t max_context, struct cril_layout *l);

#endif
