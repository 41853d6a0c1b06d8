/* Which paths name a model's folder, and what the model is called by them. */
#ifndef CRIL_FORMATS_FOLDER_PATH_H
#define CRIL_FORMATS_FOLDER_PATH_H

#include "util/arena.h"

#include <stdbool.h>

/* Whether path names a folder: it is one, or a file in it (cril_folder_member). */
bool cril_folder_claims(const char *path);
/* The last part of path if a file of that name, there or not, stands for its folder; NULL: it does
 * not, or path is a folder. */
const char *cril_folder_member(const char *path);
/* The folder that path names, with its last slash; "" for the working one. NULL: out of memory. */
char *cril_folder_of(const char *path, struct cril_arena *arena);

#endif
