/* The user's Python: which it is, and what of the system it reads. */
#ifndef CRIL_SANDBOX_PYTHON_H
#define CRIL_SANDBOX_PYTHON_H

#include "util/arena.h"

#include <cril/status.h>
#include <stddef.h>

/* All owned by the arena that cril_python_find was given. */
struct cril_python {
    const char *name;         /* as the user gave it */
    const char *executable;   /* what is run in the box */
    const char *version;      /* "3.11.2" */
    const char *library_path; /* LD_LIBRARY_PATH of the box; "": none */
    const char **paths;       /* [n_paths] files and folders that it needs, none below another */
    size_t n_paths;
};

/* The folders of the system that every box has; the last is NULL. */
extern const char *const cril_python_system[];

/* Runs it once, outside of the box, isolated (-I). CRIL_ERR_UNSUPPORTED: there is none, it does not
 * start, it is too old. */
cril_status cril_python_find(const char *name, struct cril_arena *a, struct cril_python *out,
                             cril_error *err);

/* A program of PATH, in the arena; NULL: there is none. */
const char *cril_python_search(const char *name, struct cril_arena *a);

/* The program around the programs: it reads one from descriptor 4 and runs it, and waits on its
 * descriptor CRIL_PYTHON_CHANNEL before and after (watch.c). */
enum { CRIL_PYTHON_CHANNEL = 200, CRIL_PYTHON_PROCESSES = 64 };
extern const char cril_python_wrapper[];

#endif
