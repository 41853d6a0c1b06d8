/*
 * A corpus on its way to a file: lines, compressed or not, the hashes of both, and what the card
 * says of its documents.
 */
#ifndef CRIL_GATHER_WRITER_H
#define CRIL_GATHER_WRITER_H

#include "gather/flow.h"
#include "gather/tally.h"

#include <cril/gather.h>
#include <jansson.h>

struct cril_writer;

/* sink is borrowed. *out is owned: cril_writer_free. CRIL_ERR_NOMEM. */
cril_status cril_writer_create(const cril_gather_sink *sink, struct cril_writer **out,
                               cril_error *err);
/* r has its line. CRIL_ERR_IO: the sink failed. CRIL_ERR_NOMEM. */
cril_status cril_writer_put(struct cril_writer *w, const struct cril_flow_result *r,
                            cril_error *err);
/* The same of an entry as it stands: without steps before it. */
cril_status cril_writer_add(struct cril_writer *w, const struct cril_entry *e, cril_error *err);
/*
 * Writes what is left. *corpus, owned, is the card's part "corpus": counts, hashes, histograms
 * (doc/corpora.md, "The card"). Nothing is put afterwards.
 */
cril_status cril_writer_end(struct cril_writer *w, json_t **corpus, cril_error *err);
void cril_writer_free(struct cril_writer *w); /* NULL is allowed */

#endif
