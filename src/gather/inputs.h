/* Inputs of one kind, one after another, as one sequence of documents. */
#ifndef CRIL_GATHER_INPUTS_H
#define CRIL_GATHER_INPUTS_H

#include "gather/entry.h"
#include "gather/source.h"

#include <cril/gather.h>
#include <jansson.h>

struct cril_inputs;

/* A kind of source: how an input is opened. The rows are in inputs.c. */
struct cril_input_kind {
    const char *name, *dates; /* cril_gather_kind */
    unsigned step_kind;       /* step.h */
    bool files;               /* a folder stands for the files in it, each an input */
};

const struct cril_input_kind *cril_input_kind_find(const char *name); /* NULL: none */
const struct cril_input_kind *cril_input_kind_at(size_t i);           /* NULL: past the last */

/*
 * Finds the inputs, of them the shard that options name, and reads what dates them. options are
 * borrowed. *out is owned: cril_inputs_free.
 */
cril_status cril_inputs_create(const struct cril_input_kind *kind, const cril_gather_options *o,
                               struct cril_inputs **out, cril_error *err);
/* Borrowed until the next call; text NULL at the end of the last one. */
cril_status cril_inputs_next(struct cril_inputs *in, struct cril_entry *e, cril_error *err);
void cril_inputs_progress(const struct cril_inputs *in, cril_gather_progress *p);
/*
 * The card's part "source", owned, after the end: each input with its hash, and what was left out.
 * NULL: an error, as the status says.
 */
cril_status cril_inputs_json(const struct cril_inputs *in, json_t **out, cril_error *err);
void cril_inputs_free(struct cril_inputs *in); /* NULL is allowed */

#endif
