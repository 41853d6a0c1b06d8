/*
 * Records of a WARC file, versions 1.0 and 1.1 (ISO 28500:2009 and 2017), plain or compressed as a
 * whole or record by record, one after another and in the file's order. doc/corpora.md says what is
 * read and what counts as damaged.
 *
 * Memory: at most 2.5 times (the largest block that is kept + 256 KiB), whatever the file says.
 * One thread at a time.
 */
#ifndef CRIL_GATHER_WARC_H
#define CRIL_GATHER_WARC_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_warc;

/* The named fields that are kept. The first three are in every record. */
enum cril_warc_field {
    CRIL_WARC_TYPE,
    CRIL_WARC_LENGTH,
    CRIL_WARC_VERSION, /* "1.0" or "1.1" */
    CRIL_WARC_ID,
    CRIL_WARC_DATE,
    CRIL_WARC_ADDRESS, /* WARC-Target-URI, without < and > around it */
    CRIL_WARC_CONTENT_TYPE,
    CRIL_WARC_LANGUAGE, /* WARC-Identified-Content-Language */
    CRIL_WARC_SEGMENT,  /* WARC-Segment-Number */
    CRIL_WARC_N_FIELDS
};

/* What makes a record damaged. */
enum cril_warc_damage {
    CRIL_WARC_BAD_HEAD, /* no version line, or no head that can be read, where a record starts */
    CRIL_WARC_WRONG_LENGTH, /* neither a record nor the end follows its block */
    CRIL_WARC_TRUNCATED,    /* the file ends inside of it */
    CRIL_WARC_N_DAMAGES
};

/* All of it is borrowed until the next call. */
struct cril_warc_record {
    const char *field[CRIL_WARC_N_FIELDS]; /* as it stands, unfolded; NULL: the record has none */
    const char *block;                     /* [length], any bytes; NULL: longer than max_block */
    uint64_t length;
};

/*
 * Opens path ("-": standard input), which is borrowed until the reader is closed. Longer blocks
 * than max_block bytes are passed over. What is no WARC file of these versions is refused.
 * CRIL_ERR_IO, CRIL_ERR_FORMAT, CRIL_ERR_UNSUPPORTED, CRIL_ERR_TRUNCATED, CRIL_ERR_NOMEM.
 */
cril_status cril_warc_open(const char *path, size_t max_block, struct cril_warc **out,
                           cril_error *err);
void cril_warc_close(struct cril_warc *w); /* NULL is allowed */

/*
 * The next record that is whole; *end: there is none. Damaged ones are counted and passed over. An
 * error is one of reading or decompressing, or of memory; it comes after the records before it and
 * stays.
 */
cril_status cril_warc_next(struct cril_warc *w, struct cril_warc_record *r, bool *end,
                           cril_error *err);

/* Damaged records so far [CRIL_WARC_N_DAMAGES]. */
const uint64_t *cril_warc_damaged(const struct cril_warc *w);

/* Bytes taken of the file as stored. */
uint64_t cril_warc_taken(const struct cril_warc *w);

#endif
