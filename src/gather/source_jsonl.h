/*
 * The source of kind "jsonl": documents of JSON Lines, as datatrove and others write them.
 * doc/corpora.md, "JSON Lines", has the keys.
 */
#ifndef CRIL_GATHER_SOURCE_JSONL_H
#define CRIL_GATHER_SOURCE_JSONL_H

#include "gather/source.h"

/* Opens path ("-": standard input), which is borrowed until the source is closed. The statuses of
 * cril_entries_open and cril_entries_next (entries.h). */
cril_status cril_source_jsonl_open(const char *path, struct cril_source **out, cril_error *err);

#endif
