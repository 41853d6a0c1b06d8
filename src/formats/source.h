/*
 * What a model file says, whatever its format: values by key, tensors by name, and its files, for
 * stamps and hashes. No meaning. Formats are rows of one table (source.c).
 *
 * Everything is proved inside the files before open returns. Keys and tensor names are unique.
 */
#ifndef CRIL_FORMATS_SOURCE_H
#define CRIL_FORMATS_SOURCE_H

#include "formats/values.h"
#include "tensor/matrix.h"

struct cril_source;

/* Opens a GGUF file (of a split one, the first part). CRIL_ERR_IO, _FORMAT, _TRUNCATED, _MISMATCH,
 * _UNSUPPORTED, _NOMEM. */
cril_status cril_source_open(const char *path, struct cril_source **out, cril_error *err);
/* One more owner, who closes s too; it goes with the last. Like closing, one thread at a time. */
struct cril_source *cril_source_share(struct cril_source *s);
void cril_source_close(struct cril_source *s); /* NULL is allowed */

const char *cril_source_path(const struct cril_source *s); /* as given to open */
bool cril_source_is_folder(const struct cril_source *s);
unsigned cril_source_version(const struct cril_source *s); /* of the format; 0: it has none */
/* The metadata; borrowed. */
struct cril_values *cril_source_values(const struct cril_source *s);

/* Files that were read, in the order in which they count. */
size_t cril_source_files(const struct cril_source *s);
/* The mapped bytes of file i. */
const uint8_t *cril_source_file(const struct cril_source *s, size_t i, size_t *len_bytes);
/* CRIL_ERR_MISMATCH: one of the files is not the one any more that was opened. */
cril_status cril_source_check(const struct cril_source *s, cril_error *err);
/* Calls on_file for each file that open would read for path, there or not; stops where that returns
 * something other than 0: CRIL_ERR_CANCELLED. CRIL_ERR_NOMEM. */
cril_status cril_source_each_file(const char *path, int (*on_file)(void *user, const char *file),
                                  void *user, cril_error *err);

size_t cril_source_tensor_count(const struct cril_source *s);
const struct cril_tensor *cril_source_tensor(const struct cril_source *s, size_t i);
const struct cril_tensor *cril_source_find_tensor(const struct cril_source *s, const char *name);

#endif
