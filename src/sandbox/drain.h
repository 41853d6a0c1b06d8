/* What a child prints: some of it is kept, all of it is counted and read, so that it never blocks.
 */
#ifndef CRIL_SANDBOX_DRAIN_H
#define CRIL_SANDBOX_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRIL_DRAIN_KEPT = 65536 };

struct cril_drain {
    int fd; /* a pipe's end that does not block; -1: it has ended */
    bool keeps_last;
    uint64_t total;
    size_t len; /* <= CRIL_DRAIN_KEPT + 1, once cril_drain_text was called */
    char kept[2 * CRIL_DRAIN_KEPT];
};

void cril_drain_start(struct cril_drain *d, int fd, bool keeps_last);
/* Reads what is there, 1 MiB at most; closes fd at the end. */
void cril_drain_read(struct cril_drain *d);
/* The first, or last, CRIL_DRAIN_KEPT bytes, with a NUL behind; *len without it. */
char *cril_drain_text(struct cril_drain *d, size_t *len);
void cril_drain_close(struct cril_drain *d);

/* The last exception that a Python's standard error ends with, else its last line with something in
 * it; "": none. Control characters and ill-formed UTF-8 are escaped (cril_text_show). */
void cril_drain_last_line(struct cril_drain *d, char *line, size_t size);

#endif
