/*
 * Items: what a benchmark, a file of requests or a task file asks of a model, one after another.
 * Readers make them (task.h, requests.h, task_file.h); the evaluation (evaluate.h) runs them and
 * does not know where they come from.
 */
#ifndef CRIL_TASKS_ITEM_H
#define CRIL_TASKS_ITEM_H

#include "util/arena.h"
#include "util/bytes.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum cril_item_kind {
    CRIL_ITEM_CHOICES,    /* nats of continuations; a single one is no choice */
    CRIL_ITEM_GENERATION, /* a greedy text */
    CRIL_ITEM_ROLLING     /* nats of the whole context, by lm-evaluation-harness' rolling rule */
};

struct cril_item_choice {
    struct cril_bytes text;    /* as appended to the context */
    struct cril_bytes context; /* of its own, in the place of the item's; data NULL: the item's */
    size_t characters;         /* by which acc_norm divides: code points of the choice alone */
    double reference_nats;     /* what another program found; NaN: not known */
};

struct cril_item {
    const char *subject; /* "": the task has none */
    const char *id;      /* as the data file names it; NULL: it does not */
    uint64_t index;      /* place in the data file, from 0 */
    enum cril_item_kind kind;
    struct cril_bytes context;
    struct cril_item_choice *choices; /* [n_choices] */
    size_t n_choices;
    ptrdiff_t gold;                 /* the right choice; -1: none is known */
    const struct cril_bytes *until; /* [n_until] stops of a generation */
    size_t n_until, max_tokens;
    struct cril_bytes reference_text; /* what another program generated; data NULL: not known */
    /* The gold answer, of which the bits are wanted, after gold_context (data NULL: the item's).
     * data NULL: that of choice `gold` where there is one, else none. */
    struct cril_bytes gold_text, gold_context;
    /* Borrowed by the item, owned by its cril_items. */
    json_t *answers;  /* object: what the rules read beside "text": "gold" or "references"; NULL:
                         there is no rule */
    json_t *document; /* the record of the data file; NULL: none */
};

/* Zero-initialised it is empty. */
struct cril_items {
    struct cril_item *item; /* [n] in file order */
    size_t n;
    struct cril_arena arena; /* of all texts, choices and names */
    json_t *owned;           /* array that holds documents and answers */
};

void cril_items_free(struct cril_items *items); /* leaves an empty list behind */

#endif
