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

/* Opens a GGUF file (of a split one, the first part), or a folder as Hugging Face's libraries write
 * it, by its name or by that of a file in it. CRIL_ERR_IO, _FORMAT, _TRUNCATED, _MISMATCH,
 * _UNSUPPORTED, _NOMEM. */
cril_status cril_source_open(const char *path, struct cril_source **out, cril_error *err);
/* One more owner, who closes s too; it goes with the last. Like closing, one thread at a time. */
struct cril_source *cril_source_share(struct cril_source *s);
void cril_source_close(struct cril_source *s); /* NULL is allowed */

/* As given to open; of a folder that a file in it names, the folder's. */
const char *cril_source_path(const struct cril_source *s);
/* What the model is called: as its file says, else as its file or folder is named. Owned by the
 * caller: free. NULL: out of memory. */
char *cril_source_name(const struct cril_source *s);
const char *cril_source_format(const struct cril_source *s); /* for people; static */
unsigned cril_source_version(const struct cril_source *s);   /* of the format; 0: it has none */
bool cril_source_is_folder(const struct cril_source *s);
/* The metadata; borrowed. Of a folder: config.json, as formats/hf_config.h says. */
struct cril_values *cril_source_values(const struct cril_source *s);

/* Files that were read, in the order in which they count. */
size_t cril_source_files(const struct cril_source *s);
/* The mapped bytes of file i. */
const uint8_t *cril_source_file(const struct cril_source *s, size_t i, size_t *len_bytes);
/* A file of the folder, by its name there or a pattern (formats/members.h), of which the first name
 * in bytewise order counts. Files that tokenizers are made of are mapped when the folder is opened,
 * so that the files above do not depend on what is asked for; another one is mapped here, and is of
 * the files above from then on. *data [*len] is borrowed. *data is NULL: there is no such file, as
 * there is none beside a GGUF file. Like closing, one thread at a time. CRIL_ERR_IO,
 * CRIL_ERR_FORMAT, CRIL_ERR_NOMEM. */
cril_status cril_source_read(struct cril_source *s, const char *name, const uint8_t **data,
                             size_t *len, cril_error *err);
/* SHA-256 in hex of the files that were read: of a GGUF file, of the bytes of all parts in order;
 * of a folder, of the lines that sha256sum prints for its files, in the bytewise order of their
 * names there. So a folder's hash covers each file's name, size and content, and nothing that was
 * not read. CRIL_ERR_NOMEM, CRIL_ERR_UNSUPPORTED. */
cril_status cril_source_sha256(const struct cril_source *s, char hex[65], cril_error *err);
/* CRIL_ERR_MISMATCH: one of the files is not the one any more that was opened. */
cril_status cril_source_check(const struct cril_source *s, cril_error *err);
/* Calls on_file for each file that open would read for path, there or not; stops where that returns
 * something other than 0: CRIL_ERR_CANCELLED. CRIL_ERR_NOMEM. */
cril_status cril_source_each_file(const char *path, int (*on_file)(void *user, const char *file),
                                  void *user, cril_error *err);

/* Whether path leads to what begins as a model; a look that reads next to nothing. CRIL_ERR_IO,
 * CRIL_ERR_FORMAT. */
cril_status cril_source_look(const char *path, cril_error *err);
/* The name of a model whose folder path names, itself or by a file in it: the folder's, or in the
 * hub's cache that of its repository. Looks at no file. NULL: out of memory. */
char *cril_source_folder_name(const char *path, struct cril_arena *arena);

size_t cril_source_tensor_count(const struct cril_source *s);
const struct cril_tensor *cril_source_tensor(const struct cril_source *s, size_t i);
const struct cril_tensor *cril_source_find_tensor(const struct cril_source *s, const char *name);

#endif
