/*
 * What ordinary compressors make of a text: zstd -19, xz -9, brotli -q 11 and bzip2 -9, by their
 * libraries (doc/scoring.md, "Baselines").
 *
 * Texts are compressed one after another as one stream each, in the container that the command-line
 * tool writes. Nothing is kept but the sizes, so memory does not grow with the text.
 */
#ifndef CRIL_BASELINE_H
#define CRIL_BASELINE_H

#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_baselines cril_baselines; /* the encoders at work */

typedef struct cril_baseline {
    char name[24];  /* the command, such as "zstd -19" */
    uint64_t bytes; /* that it writes */
} cril_baseline;

/* *out is owned: cril_baselines_free. One thread at a time. CRIL_ERR_NOMEM, here and below. */
cril_status cril_baselines_create(cril_baselines **out, cril_error *err);
void cril_baselines_free(cril_baselines *b); /* NULL is allowed */

/* Appends a text, of any bytes. The number of calls that it takes changes no size. */
cril_status cril_baselines_add(cril_baselines *b, const void *text, size_t len_bytes,
                               cril_error *err);

/* Ends the streams; b can then only be freed, any other call is CRIL_ERR_RANGE. *out [*n] is the
 * caller's: free. */
cril_status cril_baselines_finish(cril_baselines *b, cril_baseline **out, size_t *n,
                                  cril_error *err);

/* Bytes of memory that a cril_baselines takes at most; less before it has seen 64 MiB of text. */
size_t cril_baselines_memory(void);

#ifdef __cplusplus
}
#endif
#endif
