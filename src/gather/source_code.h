/*
 * The source of kind "code": files of git repositories as they stand in HEAD. doc/corpora.md,
 * "Code", has the rules.
 */
#ifndef CRIL_GATHER_SOURCE_CODE_H
#define CRIL_GATHER_SOURCE_CODE_H

#include "gather/source.h"

struct cril_code_options {
    const char *const *languages; /* [n_languages] of code_language.h; none: all that are known */
    size_t n_languages;
    size_t max_file_bytes; /* longer files are left out; 0: 1 MiB */
};

/*
 * Opens a repository, with a work tree or bare, or a folder that holds some at any depth; path and
 * options are borrowed until closed (options NULL: all zero). Repositories come in the bytewise
 * order of their paths, files in that of git's trees. CRIL_ERR_IO, CRIL_ERR_EMPTY (there is no
 * repository), CRIL_ERR_RANGE (a language), CRIL_ERR_UNSUPPORTED (no git), CRIL_ERR_NOMEM; next
 * adds CRIL_ERR_FORMAT: git cannot read a repository.
 */
cril_status cril_source_code_open(const char *path, const struct cril_code_options *options,
                                  struct cril_source **out, cril_error *err);

#endif
