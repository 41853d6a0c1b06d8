/*
 * What a model's file or folder holds, also where cril cannot run it: metadata and tensors by name.
 */
#ifndef CRIL_INSPECT_H
#define CRIL_INSPECT_H

#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_inspect cril_inspect;

typedef struct cril_tensor_info {
    const char *name; /* NUL-terminated, owned by the inspect object */
    const char *type; /* "Q4_K" */
    unsigned n_dims;
    uint64_t shape[4]; /* fastest-running dimension first, as GGUF stores it; unused are 1 */
    uint64_t bytes;
} cril_tensor_info;

/* Opens a GGUF file (first part of a split one opens all), or a folder as Hugging Face's libraries
 * write it, by its name or that of a file in it. */
cril_status cril_inspect_open(const char *path, cril_inspect **out, cril_error *err);
void cril_inspect_close(cril_inspect *f);

const char *cril_inspect_format(const cril_inspect *f); /* "GGUF", "Hugging Face folder" */
unsigned cril_inspect_version(const cril_inspect *f);   /* of the format; 0: it has none */
/* What the model is called: general.name, else by its file's or folder's name. Owned by f. */
const char *cril_inspect_name(const cril_inspect *f);
/* As the file says it: general.architecture, or the first of a folder's architectures. Owned by f;
 * NULL: it says none. */
const char *cril_inspect_architecture(const cril_inspect *f);
/* Files that were read: one, the parts of a split model, those of a folder. */
size_t cril_inspect_parts(const cril_inspect *f);
uint64_t cril_inspect_bytes(const cril_inspect *f);
size_t cril_inspect_metadata_count(const cril_inspect *f);
/* Key, type name ("null" of what config.json has as null) and value as text (arrays: their length
 * and first elements, in all at most 200 bytes). Keys of a folder are those of its config.json,
 * "rope_scaling.factor" for one in another. Owned by f. */
void cril_inspect_metadata(const cril_inspect *f, size_t i, const char **key, const char **type,
                           const char **value);
size_t cril_inspect_tensor_count(const cril_inspect *f);
void cril_inspect_tensor(const cril_inspect *f, size_t i, cril_tensor_info *out);

#ifdef __cplusplus
}
#endif
#endif
