/* Input files: how a sentence calls them, whole files in memory, archives in files and pipes. */
#ifndef CRIL_CLI_INPUT_H
#define CRIL_CLI_INPUT_H

#include <cril/codec.h>
#include <stdbool.h>
#include <stddef.h>

const char *cril_input_spoken(const char *path); /* "standard input" for "-" */

/* It is there, and is no folder; "-" always is. False: the reason was printed. */
bool cril_input_check(const char *path);

/* All bytes of a file, or of standard input ("-"); owned by the caller. NULL: *err says why. */
unsigned char *cril_input_read(const char *path, size_t *len, cril_error *err);

/* An archive: a file is mapped, a pipe is read into memory. Zero-initialised it is closed. */
struct cril_input_archive {
    cril_archive *archive;
    unsigned char *data; /* of a pipe; owned */
};

bool cril_input_archive_open(struct cril_input_archive *in, const char *path, cril_error *err);
void cril_input_archive_close(struct cril_input_archive *in);

#endif
