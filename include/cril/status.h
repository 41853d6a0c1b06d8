/*
 * How every call of libcril says what went wrong.
 *
 * A function that can fail returns a cril_status. CRIL_OK is zero. On failure it also fills the
 * caller's cril_error, if one was given, with one sentence that names the file, the thing and the
 * remedy. The library never prints and never exits.
 *
 * Where NULL is not said to be allowed, a function that returns a cril_status answers it with
 * CRIL_ERR_RANGE. Of a NULL object a getter returns NULL, 0, false, or NaN; free and close do
 * nothing. So a call that failed may be followed by calls with what it did not make.
 */
#ifndef CRIL_STATUS_H
#define CRIL_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define CRIL_VERSION "0.1.0"

/* Version of the numeric contract (doc/numerics.md): results of two versions do not compare. */
#define CRIL_NUMERICS 1
/* Version of the scoring rules (doc/scoring.md): which tokens a text becomes, which windows see
 * them, what counts. It rises where a rule changes a figure although no probability does. Version
 * 1: before windows after a document's first opened with its BOS. */
#define CRIL_RULES 2

typedef enum cril_status {
    CRIL_OK = 0,
    CRIL_ERR_NOMEM,       /* out of memory, or a size that does not fit the address space */
    CRIL_ERR_IO,          /* the system refused: open, read, write, map */
    CRIL_ERR_FORMAT,      /* a file breaks its own format */
    CRIL_ERR_TRUNCATED,   /* a file ends before its format says so */
    CRIL_ERR_UNSUPPORTED, /* well-formed, but of a kind cril does not know */
    CRIL_ERR_RANGE,       /* an argument outside its documented range */
    CRIL_ERR_NUMERIC,     /* a model computed a value that is not finite */
    CRIL_ERR_EMPTY,       /* nothing to score; nothing of that name on the hub, or in its cache */
    CRIL_ERR_MISMATCH,    /* two things that should belong together do not */
    CRIL_ERR_CANCELLED    /* a callback asked to stop */
} cril_status;

typedef struct cril_error {
    cril_status status;
    char message[1024]; /* one sentence, NUL-terminated, no newline */
} cril_error;

/* CRIL_VERSION of the library that runs, which need not be that of the headers. Static. */
const char *cril_version(void);

/* A short static name such as "truncated". Never NULL. */
const char *cril_status_name(cril_status status);

#ifdef __cplusplus
}
#endif
#endif
