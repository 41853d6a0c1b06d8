/*
 * Programs that a model wrote run in a box, or not at all: bubblewrap (no network, no home, a
 * read-only system, a private /tmp and /proc, its own process namespace, an unprivileged user, an
 * empty environment), a seccomp filter, and bounds of time, memory, processes, output and files
 * that hold for root too (doc/sandbox.md).
 *
 * A program has passed only if it ran to the end of its text, which is seen from outside of the box
 * and which nothing that it prints, reads or exits with can feign, and then exits with 0.
 */
#ifndef CRIL_SANDBOX_SANDBOX_H
#define CRIL_SANDBOX_SANDBOX_H

#include "util/bytes.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>

struct cril_sandbox;

/* *out is owned by the caller: cril_sandbox_close. python NULL: "python3" of PATH.
 *
 * Tries a box with a small program. CRIL_ERR_UNSUPPORTED: no box can be had here (the sentence says
 * what is missing, and which Debian package or setting would help), no Python, or a Python that
 * does not start in it. */
cril_status cril_sandbox_open(const char *python, struct cril_sandbox **out, cril_error *err);
void cril_sandbox_close(struct cril_sandbox *s); /* NULL is allowed */

/* "3.11.2": of the Python. Belongs to s. */
const char *cril_sandbox_python(const struct cril_sandbox *s);
/* Versions of modules that its Python has: "numpy 1.26.4 pandas 1.5.3", for names separated by
 * blanks. CRIL_ERR_UNSUPPORTED names one that it lacks. *versions is owned: free(). */
cril_status cril_sandbox_modules(struct cril_sandbox *s, const char *names, char **versions,
                                 cril_error *err);

struct cril_sandbox_program {
    struct cril_bytes source; /* Python */
    double wall_sec;          /* > 0; from its first line on */
    double cpu_sec;           /* of all processes; 0: no bound */
    size_t memory_bytes;      /* of all processes together; 0: 4 GiB; else 64 MiB or more */
    bool as_library; /* its __name__ is "builtins", as exec() with empty globals has it; else
                        "__main__" */
};

enum cril_sandbox_end {
    CRIL_SANDBOX_PASSED,    /* ran to its end */
    CRIL_SANDBOX_FAILED,    /* an exception, another exit status, a signal */
    CRIL_SANDBOX_EARLY,     /* exited with 0 before its end */
    CRIL_SANDBOX_TIMED_OUT, /* wall or processor time */
    CRIL_SANDBOX_MEMORY,    /* killed for memory, or for very many files, which are memory */
    CRIL_SANDBOX_OUTPUT     /* killed for output without end */
};

struct cril_sandbox_outcome {
    enum cril_sandbox_end end;
    char message[256]; /* "passed", "timed out", "failed: AssertionError" or the like; no newline */
    double wall_sec;
};

/* Runs one program, as __main__. A fault of the program is an outcome, not an error. CRIL_ERR_IO,
 * CRIL_ERR_UNSUPPORTED: the box could not be made. One program at a time; several boxes may be at
 * work in several threads. */
cril_status cril_sandbox_run(struct cril_sandbox *s, const struct cril_sandbox_program *program,
                             struct cril_sandbox_outcome *out, cril_error *err);

#endif
