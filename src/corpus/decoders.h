/*
 * Decompressors behind one shape: bytes in, bytes out, one member (gzip), stream (xz, bzip2) or
 * frame (zstd) at a time. Joining members, padding and sentences are stream.c's. A new one is a row
 * in decoders.c.
 */
#ifndef CRIL_CORPUS_DECODERS_H
#define CRIL_CORPUS_DECODERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_decoder_io {
    const uint8_t *in; /* [n_in], both moved on by what was taken */
    size_t n_in;
    uint8_t *out; /* [n_out], both moved on by what was given */
    size_t n_out;
};

enum cril_step {
    CRIL_STEP_MORE,    /* wants more input, or more room if n_out is 0 */
    CRIL_STEP_END,     /* the member is complete and its checksum, if it has one, is right */
    CRIL_STEP_DAMAGED, /* *why says what is wrong, as a noun */
    CRIL_STEP_REFUSED, /* well-formed but over our limits: *why says what it needs and the remedy */
    CRIL_STEP_NOMEM
};

struct cril_decoder {
    const char *name, *suffix;
    size_t padding; /* zero bytes allowed after a member, in multiples of this; 0: none are */
    bool (*match)(const uint8_t *head, size_t n); /* do these first bytes open a member? */
    void *(*create)(void);                        /* ready for a member; NULL: out of memory */
    bool (*restart)(void *state);                 /* ready for another; false: out of memory */
    enum cril_step (*step)(void *state, struct cril_decoder_io *io, const char **why);
    void (*free)(void *state); /* NULL is allowed */
};

enum { CRIL_DECODER_HEAD = 10 }; /* bytes that match() wants to see, if the file has them */

extern const struct cril_decoder cril_decoders[]; /* ends with a row whose name is NULL */

#endif
