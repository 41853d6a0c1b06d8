/* How often each of some texts occurs, in a bounded table. */
#ifndef CRIL_GATHER_TALLY_H
#define CRIL_GATHER_TALLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRIL_TALLY_TEXTS = 1000, CRIL_TALLY_BYTES = 80 };

struct cril_tally_row {
    char text[CRIL_TALLY_BYTES];
    uint64_t n;
};

/* Zero-initialised it is empty. Release with free(rows). */
struct cril_tally {
    struct cril_tally_row *rows; /* [n] by text */
    size_t n, size;
    uint64_t others; /* of texts that came when the table was full, and of longer ones */
    uint64_t without;
};

/* text [len]; NULL counts in without. False: out of memory. */
bool cril_tally_add(struct cril_tally *t, const char *text, size_t len, uint64_t n);

/* {"counts": {TEXT: n ...}, "others": n, "without": n}; NULL: out of memory. */
json_t *cril_tally_json(const struct cril_tally *t);

#endif
