/* The command that makes a corpus again, out of the parts of its card. */
#ifndef CRIL_GATHER_COMMAND_H
#define CRIL_GATHER_COMMAND_H

#include "gather/card.h"

/* Its words: {"cril", "corpus", "web", ..., "-o", "corpus.jsonl.zst", "a.warc.wet.gz"}; inputs by
 * their names, and `data` for a folder of benchmarks. Of a shard null: the other inputs are not
 * known. NULL: out of memory. */
json_t *cril_command_json(const struct cril_card *card);

#endif
