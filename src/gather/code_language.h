/* Which programming language a file is in, by its name and its content. */
#ifndef CRIL_GATHER_CODE_LANGUAGE_H
#define CRIL_GATHER_CODE_LANGUAGE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The language, by the names of GitHub's Linguist, such as "Python"; NULL: none is known. path: in
 * its repository. text [len]: only its beginning is looked at. Static.
 */
const char *cril_code_language(const char *path, const char *text, size_t len);

/* The i-th language that there is; NULL: past the last. Some come several times. */
const char *cril_code_language_at(size_t i);

#endif
