/* How tables name a model, so that two files of one model can be told apart. */
#ifndef CRIL_CLI_NAMING_H
#define CRIL_CLI_NAMING_H

#include <stdio.h>

/* "c" of "a/b/c": a path without its folders; a part of it. "a/b/" stays. */
const char *cril_base_name(const char *path);

/*
 * "SmolLM2 135M Q4_1 (smollm2-135m-q4_1.gguf)": general.name, the types of the matrices, the file's
 * name without folders, or of one in the hub's cache its name there with the commit's first digits,
 * "owner/name@01234567/FILE". types and path may be NULL: not known, and left out.
 */
void cril_print_model(FILE *f, const char *name, const char *types, const char *path);

#endif
