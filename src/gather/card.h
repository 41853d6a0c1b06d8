/*
 * The card of a corpus (doc/corpora.md, "The card"): what was read, by which rules, what each step
 * did, what is left.
 */
#ifndef CRIL_GATHER_CARD_H
#define CRIL_GATHER_CARD_H

#include "gather/flow.h"
#include "gather/rules.h"

#include <jansson.h>

enum { CRIL_CARD_VERSION = 1 };

/* The parts of a card, each owned; NULL: it has none. */
struct cril_card {
    json_t *rules, *source, *selection, *steps, *corpus;
    unsigned shard, n_shards; /* 0: not a shard */
};

/* What steps [n] did, as an array; NULL: out of memory. */
json_t *cril_card_steps(const struct cril_flow_step *steps, size_t n);

/* The parts put together, as text, owned: free. They become NULL. NULL: out of memory. */
char *cril_card_text(struct cril_card *card);

/* A card as an object, owned, whatever version of cril made it; name: of the corpus.
 * CRIL_ERR_FORMAT.
 */
cril_status cril_card_parse(const char *name, const char *text, json_t **out, cril_error *err);
/* Takes a card apart; the texts name it. CRIL_ERR_FORMAT, CRIL_ERR_MISMATCH: another version's. */
cril_status cril_card_read(const char *name, const char *text, struct cril_card *out,
                           cril_error *err);
/* Adds the counts of a shard's parts to those of the shards before it, whose inputs its follow.
 * False: the parts differ in form. */
bool cril_card_add(struct cril_card *sum, const struct cril_card *more);
void cril_card_free(struct cril_card *card);

#endif
