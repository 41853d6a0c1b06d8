/*
 * A format: how a stream of decoded bytes is cut into documents. One file (read_*.c) and one row of
 * the table in corpus.c each.
 */
#ifndef CRIL_CORPUS_READER_H
#define CRIL_CORPUS_READER_H

#include "corpus/stream.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_buffer {
    char *data; /* [cap] */
    size_t len, cap;
};

enum cril_read {
    CRIL_READ_DOCUMENT, /* text, len and line are set; len may be 0 */
    CRIL_READ_BAD,      /* the caller's error holds a sentence; reading can go on after it */
    CRIL_READ_END
};

struct cril_reader_format;

struct cril_reader {
    const struct cril_reader_format *format;
    struct cril_stream *stream;           /* borrowed */
    const char *field;                    /* JSON key or CSV column, borrowed */
    const char *prompt_field;             /* the same of the prompt; NULL: none is wanted */
    const char *date_field;               /* of a date, which may be lacking; likewise */
    size_t max_bytes;                     /* of a line or document */
    bool fill;                            /* records are filled into a template (record.h) */
    struct cril_buffer buffer;            /* of the format; kept from file to file */
    struct cril_buffer line_copy, filled; /* where records are filled: what JSON Lines needs */
    void *state;                          /* of the format, NULL before start; released by stop */
    const char *text;                     /* the document, borrowed until the next call */
    size_t len;
    const char *prompt; /* beside it, where one is wanted; borrowed likewise */
    size_t prompt_len;
    const char *date; /* NULL: none, as before each call */
    size_t date_len;
    uint64_t line; /* 1-based, where the document starts; 0: the file is the document */
};

struct cril_reader_format {
    const char *name;
    const char *suffixes[4]; /* NULL-terminated; of a name without .gz and the like */
    /* err is never NULL in these. At start the stream stands at its first byte. */
    cril_status (*start)(struct cril_reader *r, cril_error *err);
    cril_status (*next)(struct cril_reader *r, enum cril_read *what, cril_error *err);
    void (*stop)(struct cril_reader *r); /* also after a failed start, and twice */
};

extern const struct cril_reader_format cril_read_jsonl, cril_read_csv, cril_read_text;

/* ---- for the formats ---- */

/* Makes room for n more bytes, of a block of the stream, and one NUL behind them. CRIL_ERR_NOMEM.
 */
cril_status cril_reader_reserve(struct cril_reader *r, size_t n, cril_error *err);

/* CRIL_ERR_UNSUPPORTED if the buffer holds more than max_bytes. Call it after every block. */
cril_status cril_reader_check(const struct cril_reader *r, cril_error *err);

/* Drops the byte order mark that some editors write before UTF-8. */
cril_status cril_reader_skip_mark(struct cril_reader *r, cril_error *err);

/*
 * Adds a name to list [size], "a, b, c"; what does not fit becomes one "...". Begin with an empty
 * string. A long name is cut between characters.
 */
void cril_list_names(char *list, size_t size, const char *name, size_t len);

#endif
