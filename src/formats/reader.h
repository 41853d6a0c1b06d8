/* A source from the inside, for the readers of formats that fill it. */
#ifndef CRIL_FORMATS_READER_H
#define CRIL_FORMATS_READER_H

#include "formats/source.h"
#include "util/mapfile.h"

#define CRIL_DAMAGED "the file is damaged or was not downloaded completely; fetch it again"

struct cril_source_file {
    char *path; /* owned */
    struct cril_mapfile map;
};

struct cril_source {
    size_t n_users; /* that have yet to close it */
    char *path;
    const struct cril_format *format;
    unsigned version;
    const char *folder; /* with its last slash, "" for the working one; NULL: it is no folder */
    struct cril_source_file *files; /* [n_files] */
    size_t n_files;
    struct cril_values values;
    struct cril_tensor *tensors;     /* [n_tensors] */
    struct cril_named *tensor_names; /* [n_tensors], sorted */
    size_t n_tensors, tensor_capacity;
    struct cril_arena arena; /* names of tensors, and what else a reader keeps */
};

/* Maps one more file and appends it; *i is its number. path is copied. CRIL_ERR_FORMAT: it is a
 * pointer of Git LFS. */
cril_status cril_source_add_file(struct cril_source *s, const char *path, size_t *i,
                                 cril_error *err);
/* Appends a tensor, whose name lasts. CRIL_ERR_NOMEM. */
cril_status cril_source_add_tensor(struct cril_source *s, const struct cril_tensor *t,
                                   cril_error *err);
/* To be called when all is there: sorts; CRIL_ERR_FORMAT: a name occurs twice. */
cril_status cril_source_finish(struct cril_source *s, cril_error *err);

/* Computes the bytes of t, whose type and shape are set, and refuses a shape that no file can have.
 * path is the file's. */
cril_status cril_tensor_measure(struct cril_tensor *t, const char *path, cril_error *err);
/* Proves that no two of tensors [n], all in the mapping of the file at path, share a byte. */
cril_status cril_tensors_check_overlaps(const struct cril_tensor *tensors, size_t n,
                                        const char *path, cril_error *err);

struct cril_format {
    const char *name; /* for people */
    /* Whether path, which may lead nowhere, names a model of this format. */
    bool (*claims)(const char *path);
    /* Fills *s, whose path is set. */
    cril_status (*read)(struct cril_source *s, cril_error *err);
    /* cril_source_each_file. */
    cril_status (*each_file)(const char *path, int (*on_file)(void *user, const char *file),
                             void *user, cril_error *err);
};

extern const struct cril_format cril_format_gguf, cril_format_hf;

#endif
