/*
 * The bytes of a file, decompressed if they were compressed, in order and in fixed memory. A file's
 * first bytes tell its compression. Members that stand one after another are read as one; anything
 * else after a member is an error, and so is a file that ends inside one. A failed read is never an
 * end.
 *
 * After an error only cril_stream_drain, the getters and cril_stream_close may be called.
 */
#ifndef CRIL_CORPUS_STREAM_H
#define CRIL_CORPUS_STREAM_H

#include "util/hash.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_stream;

enum { CRIL_STREAM_PEEK = 512 }; /* maximum of cril_stream_peek's want */

/*
 * Opens path ("-": standard input) and looks at its first bytes: an archive or a kind of file that
 * is no corpus is refused with its remedy. Borrowed until closed: path; hash, which gets every byte
 * as it is stored, or NULL. CRIL_ERR_IO, CRIL_ERR_FORMAT, CRIL_ERR_UNSUPPORTED, CRIL_ERR_TRUNCATED,
 * CRIL_ERR_NOMEM.
 */
cril_status cril_stream_open(const char *path, struct cril_sha256 *hash, struct cril_stream **out,
                             cril_error *err);
void cril_stream_close(struct cril_stream *s); /* NULL is allowed */

/*
 * The next decoded bytes, borrowed until the next call: at least min(want, what is left), and as
 * many as are at hand; *n is 0 at the end only. 1 <= want <= CRIL_STREAM_PEEK. cril_stream_skip
 * takes them.
 */
cril_status cril_stream_peek(struct cril_stream *s, size_t want, const char **data, size_t *n,
                             cril_error *err);
void cril_stream_skip(struct cril_stream *s, size_t n);

/* Reads the stored bytes that are left, for the hash, without decoding them. */
cril_status cril_stream_drain(struct cril_stream *s, cril_error *err);

const char *cril_stream_name(const struct cril_stream *s); /* for sentences */
bool cril_stream_is_file(const struct cril_stream *s);     /* a regular file, opened by its name */
uint64_t cril_stream_size(const struct cril_stream *s);    /* as stored; 0: unknown */
/* Stored bytes behind the decoded bytes that were skipped; in compressed data an estimate from the
 * ratio so far. */
uint64_t cril_stream_taken(const struct cril_stream *s);

/* path ends in suffix, ASCII case aside. */
bool cril_has_suffix(const char *path, size_t len, const char *suffix);

#endif
