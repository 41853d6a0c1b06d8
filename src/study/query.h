/*
 * A statement at work: values are bound in order, rows read and checked. The first failure stays,
 * and later calls then do nothing, so that a caller asks once, at the end.
 */
#ifndef CRIL_STUDY_QUERY_H
#define CRIL_STUDY_QUERY_H

#include "study/store.h"

/* Counts are below: a double holds each, and sums of them do not wrap. */
#define CRIL_MAX_COUNT (UINT64_C(1) << 53)
#define CRIL_MAX_NATS 1e290 /* of a document: 2^32 of them still have a sum */
#define CRIL_MAX_BPC 1e6
enum { CRIL_MAX_NAME = 1000 }; /* bytes of a name, a source */

struct cril_query {
    cril_store *store;
    sqlite3_stmt *stmt;
    cril_error *err;
    cril_status st;
    int at; /* values bound */
};

/* sql is ours, a constant; values come through the calls below. */
void cril_query_start(struct cril_query *q, cril_store *s, const char *sql, cril_error *err);
void cril_query_again(struct cril_query *q); /* other values */
void cril_query_text(struct cril_query *q,
                     const char *text); /* must stay as it is until the next start, again or end */
void cril_query_long_text(struct cril_query *q, const char *text, size_t len); /* the same */
void cril_query_count(struct cril_query *q, uint64_t value);
void cril_query_real(struct cril_query *q, double value);
void cril_query_bits(struct cril_query *q, uint64_t value); /* all 64, such as a hash */
/* A standard error: NULL where it is not known, which is NaN. */
void cril_query_error(struct cril_query *q, double se);
void cril_query_key(struct cril_query *q, const uint8_t key[32]);

/* Whether there is a (further) row; false too after a failure. */
bool cril_query_next(struct cril_query *q);
/* Runs a statement that has no rows. *changed (may be NULL): whether it changed the file. */
void cril_query_run(struct cril_query *q, bool *changed);
cril_status cril_query_end(struct cril_query *q);

/* Columns of the row, checked; 0 or "" after a failure. what: for the sentence. */
uint64_t cril_query_get_count(struct cril_query *q, int column, const char *what, uint64_t max);
double cril_query_get_real(struct cril_query *q, int column, const char *what,
                           double max); /* 0 .. max */
double cril_query_get_error(struct cril_query *q, int column, const char *what);
uint64_t cril_query_get_bits(struct cril_query *q, int column, const char *what);
/* Well-formed UTF-8 without control characters, min..size-1 bytes, copied. */
void cril_query_get_text(struct cril_query *q, int column, const char *what, size_t min, char *out,
                         size_t size);
/* A text of any length and content, *len bytes; until the next row; "" after a failure. */
const char *cril_query_get_long_text(struct cril_query *q, int column, const char *what,
                                     size_t *len);
void cril_query_get_sha256(struct cril_query *q, int column, const char *what, char out[65]);
const uint8_t *cril_query_get_key(struct cril_query *q,
                                  int column); /* [32], until the next row; never NULL */

/* A document's columns, as cril_query_get_document reads them. */
#define CRIL_DOCUMENT_COLUMNS                                                                      \
    "idx, line, nats, tokens, scored_tokens, characters, bytes, unspelled, escapes, "              \
    "token_ids"
void cril_query_get_document(struct cril_query *q, cril_document_score *out);

/* A cell: its key, model, base where it has one, and these columns. */
#define CRIL_CELL_COLUMNS "text, documents, protocol, context, stride, numerics, rules"
void cril_query_get_cell(struct cril_query *q, bool has_base, cril_cell *out);

/* Refuses a row whose columns are right alone, but not together. */
void cril_query_bad(struct cril_query *q, const char *what);

/* Whether a document's figures are what a run may have; index and nats apart. */
bool cril_is_document(const cril_document_score *d);

/* Whether text may be a name: what cril_query_get_text accepts. */
bool cril_is_name(const char *text, size_t min, size_t size);

#endif
